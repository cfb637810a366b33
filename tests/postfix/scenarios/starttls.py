"""STARTTLS: not offered, refused, cut off, failing."""

from model import Host, Listener, Scenario, Tlsa
from scenarios.forms import NOBODY, PLAIN, RIGHT, one_host, scripted

NO_PROTOCOL = Listener("postfix-a", options=("smtpd_tls_protocols=SSLv3",))
OLD_PROTOCOL = Listener("postfix-a", options=("smtpd_tls_protocols=TLSv1",))

# Each with TLSA records, without, and before a second MX host that is healthy.
# name, what it shows, listener, verdict without TLSA, does it bounce at once?
CASES = (
    ("starttls-off", "STARTTLS is not offered (R70)", PLAIN, "no-dane", False),
    ("starttls-454", "454 without a status code (R20, R71)",
     scripted(starttls="454 not now"), "no-dane", False),
    ("starttls-454-coded", "454 with a status code (R20, R71)",
     scripted(starttls="454 4.7.0 not now"), "no-dane", False),
    ("starttls-421", "421 (R20, R71)", scripted(starttls="421 4.3.2 closing"), "no-dane", False),
    ("starttls-554", "554 without a status code: bounces at once (R20, R71)",
     scripted(starttls="554 no"), "no-dane", True),
    ("starttls-502-coded", "502 with a status code: bounces at once (R20, R71)",
     scripted(starttls="502 5.5.1 what?"), "no-dane", True),
    ("starttls-334", "a reply that makes no sense here (R20)",
     scripted(starttls="334 well"), "no-dane", True),
    ("starttls-drop", "closed instead of a reply: never plain text (R74)",
     scripted(starttls="drop"), "undeliverable", False),
    ("starttls-reset", "reset instead of a reply: never plain text (R74)",
     scripted(starttls="reset"), "undeliverable", False),
    ("starttls-hang", "silence instead of a reply: never plain text (R74)",
     scripted(starttls="hang"), "undeliverable", False),
    ("starttls-garbage", "garbage instead of a reply",
     scripted(starttls="garbage"), "undeliverable", False),
    ("starttls-then-drop", "closed after the reply: a failed handshake (R72)",
     scripted(after="drop"), "no-dane", False),
    ("starttls-then-reset", "reset after the reply: a failed handshake (R72)",
     scripted(after="reset"), "no-dane", False),
    ("starttls-then-hang", "silence after the reply: a failed handshake (R72)",
     scripted(after="hang"), "no-dane", False),
    ("starttls-then-garbage", "garbage after the reply: a failed handshake (R72)",
     scripted(after="garbage"), "no-dane", False),
    ("starttls-then-plain", "plain text after the reply: a failed handshake (R72)",
     scripted(after="250 still plain"), "no-dane", False),
    ("handshake-fails", "no handshake succeeds; plain text at the retry (R72)",
     NO_PROTOCOL, "no-dane", False),
    ("tls-then-drop", "closed inside TLS (R73)", scripted(ehlo_in_tls="drop"), "no-dane", False),
    ("tls-then-hang", "silence inside TLS (R73)", scripted(ehlo_in_tls="hang"), "no-dane", False),
    ("tls-then-421", "421 inside TLS (R73)",
     scripted(ehlo_in_tls="421 4.3.2 closing"), "undeliverable", False),
    ("tls-then-helo-drop", "EHLO refused and HELO cut off inside TLS (R73)",
     scripted(ehlo_in_tls="502 5.5.1 what?", helo_in_tls="drop"), "no-dane", False),
    ("tls-then-helo", "EHLO refused inside TLS, HELO taken",
     scripted(ehlo_in_tls="502 5.5.1 what?"), "", False),
    ("tls-then-refused", "EHLO and HELO refused inside TLS",
     scripted(ehlo_in_tls="550 5.7.1 no", helo_in_tls="550 5.7.1 no"), "", True),
)

WITH_TLSA = {"undeliverable": "dane-broken", "no-dane": "dane-broken"}
VERDICTS = {"tls-then-helo": ("dane-ok", "no-dane"), "tls-then-refused": ("dane-broken",) * 2}


def alone(name: str, about: str, listener: Listener, verdict: str):
    """The host alone, with and without TLSA records."""
    with_tlsa, without = VERDICTS.get(name, (WITH_TLSA.get(verdict), verdict))
    if without == "undeliverable":
        without = "dane-broken"  # in plain text at `none`
    yield one_host(name, f"TLSA records; {about}", with_tlsa, RIGHT, listener=listener)
    yield one_host(f"{name}-without-tlsa", f"no TLSA (R38); {about}", without, listener=listener)


def before_another(name: str, about: str, listener: Listener, bounces: bool):
    """The host with a healthy one behind it."""
    about = f"{'bounces although' if bounces else 'then'} another host takes mail; {about}"
    if name == "tls-then-helo":
        return
    yield Scenario(
        f"{name}-then-healthy", about, "dane-broken" if bounces else "dane-partial",
        hosts=(Host("mx1", (listener,), (RIGHT,)), Host("mx2", (Listener(),), (RIGHT,))),
        mx=("10 mx1", "20 mx2"),
    )


SCENARIOS = (
    *(
        scenario
        for name, about, listener, verdict, _ in CASES
        for scenario in alone(name, about, listener, verdict)
    ),
    *(
        scenario
        for name, about, listener, _, bounces in CASES
        for scenario in before_another(name, about, listener, bounces)
    ),
    Scenario(
        "handshake-fails-then-refused", "old mail goes in plain text to the first host (R75)",
        "no-dane", hosts=(Host("mx1", (NO_PROTOCOL,)), Host("mx2", (NOBODY,))),
        mx=("10 mx1", "20 mx2"),
    ),
    Scenario(
        "handshake-fails-then-tls", "new mail goes in TLS to the second host (R75)", "no-dane",
        hosts=(Host("mx1", (NO_PROTOCOL,)), Host("mx2")), mx=("10 mx1", "20 mx2"),
    ),
    one_host(
        "no-certificate", "a server that can do anonymous TLS only (R51)", "no-dane",
        listener=Listener("postfix-a", certificate=None),
    ),
    one_host(
        "old-protocol-only", "the handshake holds where nothing has to match (R50)", "dane-broken",
        Tlsa("3 1 1"), listener=OLD_PROTOCOL,
    ),
)
