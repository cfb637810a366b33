"""Addresses: IPv4 and IPv6, one of them bad, nobody there."""

from model import Certificate, Host, Listener, Scenario
from scenarios.forms import NOBODY, PLAIN, RIGHT, STALE, good, scripted

V6 = Listener("postfix-b", family=6)
OTHER = Certificate(None)
OTHER_V6 = Listener("postfix-b", family=6, certificate=OTHER)
DEAF = Listener("deaf")
NOWHERE = Listener("nowhere")
NOWHERE_V6 = Listener("nowhere", family=6)


def host(name: str, about: str, verdict: str, *listeners: Listener, tlsa=(RIGHT,), **more) -> Scenario:
    """One MX host with these addresses."""
    return Scenario(
        name, about, verdict, hosts=(Host("mail", listeners, tlsa),), mx=("10 mail",), **more
    )


SCENARIOS = (
    host("dual-stack", "IPv4 and IPv6 with one certificate", "dane-ok", Listener(), V6, repeat=2),
    host("dual-stack-another-certificate", "the IPv6 address shows another certificate (R20)",
         "dane-partial", Listener(), OTHER_V6, repeat=12),
    host("dual-stack-without-starttls", "no STARTTLS at the IPv6 address (R20)", "dane-partial",
         Listener(), Listener("postfix-b", family=6, starttls=False), repeat=12),
    host("dual-stack-without-tlsa", "no STARTTLS at the IPv6 address, no TLSA: by lot (R70)",
         "no-dane", Listener(), Listener("postfix-b", family=6, starttls=False), tlsa=(),
         repeat=12),
    host("dual-stack-stale", "neither address passes (R20)", "dane-broken", Listener(), V6,
         tlsa=(STALE,), repeat=2),
    host("ipv6-only", "no IPv4 address at all", "dane-ok", V6),
    host("ipv6-unreachable", "no route to the IPv6 address (R20)", "dane-ok", Listener(),
         NOWHERE_V6, repeat=2),
    host("ipv6-unreachable-alone", "no route to the only address (R20)", "indeterminate",
         NOWHERE_V6),
    host("unreachable-alone", "no route to the only address (R20)", "indeterminate", NOWHERE),
    host("silent-alone", "nobody answers at the only address (R20)", "indeterminate", DEAF),
    host("silent-and-good", "nobody answers at one of two addresses (R20)", "dane-partial",
         DEAF, Listener(), repeat=2),
    host("connection-refused", "an address where nobody listens (R20)", "undeliverable", NOBODY),
    host("one-address-refused", "two addresses, nobody at one of them (R20)", "dane-partial",
         NOBODY, Listener(), repeat=2),
    host("two-addresses", "two addresses with one certificate", "dane-ok", Listener(),
         Listener("postfix-b"), repeat=2),
    host("two-addresses-another-certificate", "another certificate at one of them (R20)",
         "dane-partial", Listener(), Listener("postfix-b", certificate=OTHER), repeat=6),
    host("two-addresses-plain", "plain text at one of them, no TLSA: by lot (R70)", "no-dane",
         Listener(), PLAIN, tlsa=(), repeat=12),
    host("two-addresses-bouncing", "one of them bounces (R20)", "dane-broken", Listener(),
         scripted(starttls="554 5.7.0 no"), repeat=12),
    host("five-addresses", "five addresses, four of them dead: all are tried (R19)",
         "dane-partial", *(NOBODY,) * 4, Listener(), repeat=2),
    host("six-addresses-both-families", "five dead IPv4 addresses leave room for IPv6 (R19)",
         "dane-partial", *(NOBODY,) * 5, V6, repeat=4),
    Scenario(
        "refused-then-good", "nobody at the first MX host (R20)", "dane-partial",
        hosts=(Host("mx1", (NOBODY,), (RIGHT,)), good("mx2")), mx=("10 mx1", "20 mx2"),
    ),
    Scenario(
        "silent-then-good", "nobody answers at the first MX host (R20)", "dane-partial",
        hosts=(Host("mx1", (DEAF,), (RIGHT,)), good("mx2")), mx=("10 mx1", "20 mx2"),
    ),
    Scenario(
        "unreachable-then-good", "no route to the first MX host (R20)", "dane-partial",
        hosts=(Host("mx1", (NOWHERE,), (RIGHT,)), good("mx2")), mx=("10 mx1", "20 mx2"),
    ),
)
