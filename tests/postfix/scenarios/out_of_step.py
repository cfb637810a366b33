"""Servers that answer one command too much: each command takes the next reply,
and the reply to RCPT TO is none to DATA (`smtp_loop` in `smtp_proto.c`)."""

from model import Host, Listener, Scenario
from scenarios.forms import RIGHT, one_host, scripted

UNKNOWN = "502 5.5.2 Error: command not recognized"
EHLO = "250-scripted\n250 STARTTLS"

# name, what it shows, the script
CASES = (
    ("proxy-header", "the answer to a PROXY header behind the greeting",
     dict(greeting=f"220 scripted\n{UNKNOWN}")),
    ("proxy-header-late", "the same, a moment later",
     dict(greeting=f"220 scripted\n!wait 0.2\n{UNKNOWN}")),
    ("proxy-header-v2", "a PROXY header of version 2, answered three times",
     dict(greeting="220 scripted" + "\n500 5.5.2 Error: bad syntax" * 3)),
    ("stray-two-refusals", "two refusals behind the greeting",
     dict(greeting=f"220 scripted\n{UNKNOWN}\n{UNKNOWN}")),
    ("stray-refused-for-now", "a 450 behind the greeting",
     dict(greeting="220 scripted\n450 4.3.0 not yet")),
    ("stray-421", "a 421 behind the greeting",
     dict(greeting="220 scripted\n421 4.3.2 closing")),
    ("greeting-twice", "two greeters on one port",
     dict(greeting="220 filter\n220 scripted")),
    ("greeting-thrice", "three greeters on one port",
     dict(greeting="220 filter\n220 scanner\n220 scripted")),
    ("stray-250", "a 250 behind the greeting",
     dict(greeting="220 scripted\n250 2.0.0 hello")),
    ("stray-354", "a 354 behind the greeting",
     dict(greeting="220 scripted\n354 go on")),
    # With no reply behind the 354 the message takes that to MAIL FROM, and Postfix is
    # gone before it is sure that a server has read it: no scenario for a lab.
    ("stray-354-to-data-and-refusal", "a 354 that DATA takes, and a refusal for the message",
     dict(greeting="220 scripted" + "\n250 2.0.0 hello" * 3 + "\n354 go on\n550 5.7.1 no")),
    ("stray-354-to-data-and-refusal-for-now", "the same, and a refusal for now",
     dict(greeting="220 scripted" + "\n250 2.0.0 hello" * 3 + "\n354 go on\n450 4.3.0 wait")),
    ("stray-many", "greetings enough for every command",
     dict(greeting="220 scripted" + "\n250 2.0.0 hello" * 7)),
    ("ehlo-in-two-replies", "EHLO answered in two replies",
     dict(ehlo="250 scripted\n250 STARTTLS")),
    ("ehlo-without-hyphens", "EHLO answered in as many replies as it has lines",
     dict(ehlo="250 scripted\n250 SIZE 1000000\n250 STARTTLS\n250 HELP")),
    ("ehlo-then-refusal", "EHLO answered and then refused",
     dict(ehlo=f"{EHLO}\n{UNKNOWN}")),
    ("ehlo-then-refusal-starttls-250", "the same, and STARTTLS accepted with 250",
     dict(ehlo=f"{EHLO}\n{UNKNOWN}", starttls="250 go ahead")),
    ("ehlo-then-refusal-for-now", "EHLO answered and then refused for now",
     dict(ehlo=f"{EHLO}\n451 4.3.0 wait")),
    ("ehlo-then-three", "three replies behind the one to EHLO, so that DATA takes the last",
     dict(ehlo="250 scripted\n250 2.1.0 ok\n250 2.1.5 ok\n250 2.0.0 ok")),
    ("ehlo-then-421-and-220", "a stray 421 and 220: RCPT TO takes the reply to STARTTLS",
     dict(ehlo=f"{EHLO}\n421 4.3.2 closing\n220 scripted")),
    ("ehlo-then-421-and-250", "a stray 421 and 250: DATA takes the reply to RCPT TO",
     dict(ehlo=f"{EHLO}\n421 4.3.2 closing\n250 2.0.0 hello")),
    ("ehlo-twice", "EHLO answered twice: STARTTLS takes the second",
     dict(ehlo=f"{EHLO}\n{EHLO}")),
    ("plain-ehlo-twice", "EHLO answered twice, STARTTLS not offered",
     dict(ehlo="250-scripted\n250 HELP\n250-scripted\n250 HELP")),
    ("starttls-twice", "STARTTLS accepted twice: the second is left in the buffer",
     dict(starttls="220 go ahead\n220 go ahead")),
    ("starttls-twice-apart", "STARTTLS accepted twice: the second is taken for TLS",
     dict(starttls="220 go ahead\n!wait 0.2\n220 go ahead")),
    ("starttls-accepted-and-refused", "STARTTLS accepted, and a refusal left in the buffer",
     dict(starttls=f"220 go ahead\n{UNKNOWN}")),
    ("ehlo-in-tls-twice", "EHLO answered twice inside TLS",
     dict(ehlo_in_tls="250-scripted\n250 HELP\n250-scripted\n250 HELP")),
    ("ehlo-in-tls-in-two-replies", "EHLO answered in two replies inside TLS",
     dict(ehlo_in_tls="250 scripted\n250 HELP")),
    ("greeting-in-tls", "a greeting inside TLS as well",
     dict(greeting_in_tls="220 scripted")),
    ("refusal-in-tls", "a refusal inside TLS before EHLO",
     dict(greeting_in_tls=UNKNOWN)),
    ("refusal-for-now-in-tls", "a refusal for now behind EHLO inside TLS",
     dict(ehlo_in_tls="250 scripted\n451 4.3.0 wait")),
)
# Refused for good before any other host, or one behind it takes the mail.
SECOND = {
    "proxy-header", "proxy-header-v2", "stray-refused-for-now", "greeting-twice", "ehlo-twice",
    "ehlo-then-refusal", "ehlo-in-tls-twice", "refusal-for-now-in-tls",
}


def behind(name: str, about: str, script: dict, tlsa: tuple) -> Scenario:
    """The host with a healthy one behind it."""
    return Scenario(
        name, about, verdict(name),
        hosts=(Host("mx1", (scripted(**script),), tlsa), Host("mx2", (Listener(),), (RIGHT,))),
        mx=("10 mx1", "20 mx2"),
    )


# What is not here is undeliverable.
VERDICTS = {
    "dane-ok": """
        starttls-twice starttls-accepted-and-refused
    """,
    "dane-broken": """
        starttls-twice-apart ehlo-in-tls-twice ehlo-in-tls-in-two-replies
        greeting-in-tls refusal-in-tls refusal-for-now-in-tls
        ehlo-in-tls-twice-without-tlsa ehlo-in-tls-in-two-replies-without-tlsa
        greeting-in-tls-without-tlsa refusal-in-tls-without-tlsa
        refusal-for-now-in-tls-without-tlsa proxy-header-then-healthy-without-tlsa
        stray-refused-for-now-then-healthy-without-tlsa
        greeting-twice-then-healthy-without-tlsa ehlo-then-refusal-then-healthy
        ehlo-in-tls-twice-then-healthy ehlo-in-tls-twice-then-healthy-without-tlsa
    """,
    "no-dane": """
        starttls-twice-without-tlsa starttls-twice-apart-without-tlsa
        starttls-accepted-and-refused-without-tlsa
    """,
    "dane-partial": """
        proxy-header-then-healthy stray-refused-for-now-then-healthy
        greeting-twice-then-healthy ehlo-then-refusal-then-healthy-without-tlsa
        ehlo-twice-then-healthy ehlo-twice-then-healthy-without-tlsa
        refusal-for-now-in-tls-then-healthy
        refusal-for-now-in-tls-then-healthy-without-tlsa
    """,
}


def verdict(name: str) -> str:
    """The verdict of the scenario with this name."""
    named = (word for word, names in VERDICTS.items() if name in names.split())
    return next(named, "undeliverable")


SCENARIOS = (
    *(
        one_host(name, about, verdict(name), RIGHT, listener=scripted(**script))
        for name, about, script in CASES
    ),
    *(
        one_host(
            f"{name}-without-tlsa", f"no TLSA; {about}", verdict(f"{name}-without-tlsa"),
            listener=scripted(**script),
        )
        for name, about, script in CASES
    ),
    *(
        behind(f"{name}-then-healthy{rest}", f"{about}, and another host behind it", script, tlsa)
        for name, about, script in CASES
        if name in SECOND
        for rest, tlsa in (("", (RIGHT,)), ("-without-tlsa", ()))
    ),
)
