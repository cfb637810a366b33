"""The server closes the connection when it has answered: what the next command
finds decides, and not the code of the reply."""

from model import Host, Listener, Scenario
from scenarios.forms import RIGHT, one_host, scripted

CASES = (
    *(
        (f"starttls-{code}-closes", f"STARTTLS refused with {code}, and closed",
         dict(starttls=f"{text}\n!close"))
        for code, text in (
            ("421", "421 4.7.0 try again later"), ("454", "454 4.7.0 not now"),
            ("502", "502 5.5.1 what?"), ("554", "554 5.7.3 no"),
        )
    ),
    ("starttls-454-closes-late", "STARTTLS refused with 454, and closed a moment later",
     dict(starttls="454 4.7.0 not now\n!wait 0.3\n!close")),
    ("ehlo-closes", "EHLO answered, and closed", dict(ehlo="250-scripted\n250 STARTTLS\n!close")),
    ("ehlo-closes-without-starttls", "EHLO answered, no STARTTLS, and closed",
     dict(ehlo="250-scripted\n250 HELP\n!close")),
    ("ehlo-refused-closes", "EHLO refused, and closed", dict(ehlo="502 5.5.1 what?\n!close")),
    ("helo-closes", "EHLO refused, HELO answered, and closed",
     dict(ehlo="502 5.5.1 what?", helo="250 scripted\n!close")),
    ("greeting-closes", "the greeting, and closed", dict(greeting="220 scripted\n!close")),
    ("tls-ehlo-closes", "EHLO inside TLS answered, and closed",
     dict(ehlo_in_tls="250 scripted\n!close")),
    ("tls-helo-closes", "HELO inside TLS answered, and closed",
     dict(ehlo_in_tls="502 5.5.1 what?", helo_in_tls="250 scripted\n!close")),
    ("tls-greeting-closes", "closed behind the handshake", dict(greeting_in_tls="!close")),
    ("stray-250-closes", "a stray 250 behind EHLO, and closed",
     dict(ehlo="250-scripted\n250 HELP\n250 2.0.0 hello\n!close")),
    ("stray-two-closes", "two stray replies behind EHLO, and closed",
     dict(ehlo="250-scripted\n250 HELP\n250 2.0.0 hello\n250 2.0.0 hello\n!close")),
)
SECOND = {
    "starttls-421-closes", "starttls-554-closes", "ehlo-closes", "ehlo-closes-without-starttls",
    "tls-ehlo-closes",
}
LATER = {"starttls-421-closes", "ehlo-closes-without-starttls"}

# What is not here is undeliverable.
VERDICTS = {
    "dane-broken": """
        starttls-421-closes starttls-421-closes-without-tlsa starttls-454-closes
        starttls-454-closes-without-tlsa starttls-502-closes
        starttls-502-closes-without-tlsa starttls-554-closes
        starttls-554-closes-without-tlsa starttls-454-closes-late
        starttls-454-closes-late-without-tlsa tls-ehlo-closes tls-helo-closes
        tls-greeting-closes starttls-421-closes-twice-then-healthy
        ehlo-closes-without-starttls-twice-then-healthy
    """,
    "no-dane": """
        tls-ehlo-closes-without-tlsa tls-helo-closes-without-tlsa
        tls-greeting-closes-without-tlsa
    """,
    "dane-partial": """
        starttls-421-closes-then-healthy starttls-554-closes-then-healthy
        ehlo-closes-then-healthy ehlo-closes-without-starttls-then-healthy
        tls-ehlo-closes-then-healthy
    """,
}


def verdict(name: str) -> str:
    """The verdict of the scenario with this name."""
    named = (word for word, names in VERDICTS.items() if name in names.split())
    return next(named, "undeliverable")


SCENARIOS = (
    *(
        one_host(
            f"{name}{rest}", about, verdict(f"{name}{rest}"), *tlsa, listener=scripted(**script)
        )
        for name, about, script in CASES
        for rest, tlsa in (("", (RIGHT,)), ("-without-tlsa", ()))
    ),
    *(
        Scenario(
            f"{name}-then-healthy", f"{about}, and another host behind it",
            verdict(f"{name}-then-healthy"),
            hosts=(Host("mx1", (scripted(**script),)), Host("mx2", (Listener(),), (RIGHT,))),
            mx=("10 mx1", "20 mx2"),
        )
        for name, about, script in CASES
        if name in SECOND
    ),
    *(
        Scenario(
            f"{name}-twice-then-healthy",
            f"{about}, twice: `smtp_mx_session_limit` keeps the third host from its turn",
            verdict(f"{name}-twice-then-healthy"),
            hosts=(
                Host("mx1", (scripted(**script),)), Host("mx2", (scripted(**script),)),
                Host("mx3", (Listener(),), (RIGHT,)),
            ),
            mx=("10 mx1", "20 mx2", "30 mx3"),
        )
        for name, about, script in CASES
        if name in LATER
    ),
)
