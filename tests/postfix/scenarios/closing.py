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

SCENARIOS = (
    *(
        one_host(f"{name}{rest}", about, None, *tlsa, listener=scripted(**script))
        for name, about, script in CASES
        for rest, tlsa in (("", (RIGHT,)), ("-without-tlsa", ()))
    ),
    *(
        Scenario(
            f"{name}-then-healthy", f"{about}, and another host behind it", None,
            hosts=(Host("mx1", (scripted(**script),)), Host("mx2", (Listener(),), (RIGHT,))),
            mx=("10 mx1", "20 mx2"),
        )
        for name, about, script in CASES
        if name in SECOND
    ),
    *(
        Scenario(
            f"{name}-twice-then-healthy",
            f"{about}, twice: `smtp_mx_session_limit` keeps the third host from its turn", None,
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
