"""MX records: none, null, behind an alias, several of them."""

from model import Host, Listener, Scenario, Tlsa

GOOD = Host("mail", tlsa=(Tlsa("3 1 1"),))
STALE = Host("mx1", tlsa=(Tlsa("3 1 1", "stale"),))
PLAIN = Listener("postfix-b", starttls=False)

SCENARIOS = (
    Scenario(
        "implicit-mx", "no MX record: the domain is its own mail host", "dane-ok",
        hosts=(Host("@", tlsa=(Tlsa("3 1 1"),)),),
    ),
    Scenario("null-mx", "the domain takes no mail (RFC 7505)", "undeliverable", mx=("0 .",)),
    Scenario(
        "mx-behind-alias", "the MX host is a CNAME; TLSA is at its end", "dane-ok",
        hosts=(GOOD,), mx=("10 alias",), records=("alias CNAME mail",),
    ),
    Scenario(
        "bracketed", "a next hop in brackets: no MX lookup", "dane-ok",
        hosts=(GOOD,), mx=("10 nowhere",), target="[mail]",
    ),
    Scenario(
        "first-of-two-stale", "the second MX host takes the mail", "dane-partial",
        hosts=(STALE, Host("mx2", (Listener("postfix-b"),), (Tlsa("3 1 1"),))),
        mx=("10 mx1", "20 mx2"),
    ),
    Scenario(
        "second-without-dane", "the first MX host is stale, the second has no TLS: plain text",
        "dane-partial", hosts=(STALE, Host("mx2", (PLAIN,))), mx=("10 mx1", "20 mx2"),
    ),
    Scenario(
        "equal-preference", "two MX hosts by lot, one of them without TLS", "dane-partial",
        hosts=(GOOD, Host("mx2", (PLAIN,))), mx=("10 mail", "10 mx2"), repeat=12,
    ),
    Scenario(
        "mx-without-address", "the MX host does not exist", "undeliverable", mx=("10 nowhere",)
    ),
    Scenario("no-such-domain", "a name that is not there", "undeliverable", target="deeper.nowhere"),
)
