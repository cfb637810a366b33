"""Addresses: IPv4 and IPv6, one of them bad, nobody there."""

from model import Certificate, Host, Listener, Scenario, Tlsa

V6 = Listener("postfix-b", family=6)
OTHER_V6 = Listener("postfix-b", family=6, certificate=Certificate("self"))
NOBODY = Listener("nobody")

SCENARIOS = (
    Scenario(
        "dual-stack", "IPv4 and IPv6 with one certificate", "dane-ok",
        hosts=(Host("mail", (Listener(), V6), (Tlsa("3 1 1"),)),), mx=("10 mail",), repeat=2,
    ),
    Scenario(
        "dual-stack-another-certificate", "the IPv6 address shows another certificate",
        "dane-partial",
        hosts=(Host("mail", (Listener(), OTHER_V6), (Tlsa("3 1 1"),)),),
        mx=("10 mail",), repeat=12,
    ),
    Scenario(
        "ipv6-only", "no IPv4 address at all", "dane-ok",
        hosts=(Host("mail", (V6,), (Tlsa("3 1 1"),)),), mx=("10 mail",),
    ),
    Scenario(
        "connection-refused", "an address where nobody listens", "undeliverable",
        hosts=(Host("mail", (NOBODY,), (Tlsa("3 1 1"),)),), mx=("10 mail",),
    ),
    Scenario(
        "one-address-refused", "two addresses, nobody at one of them", "dane-partial",
        hosts=(Host("mail", (NOBODY, Listener()), (Tlsa("3 1 1"),)),), mx=("10 mail",), repeat=2,
    ),
)
