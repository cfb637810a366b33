"""Name servers that misbehave: every response code, silence, and worse."""

from model import Fault, Host, Listener, Scenario
from scenarios.forms import NOBODY, RIGHT, one_host

SOFT = ("servfail", "refused", "notimp", "silence", "garbage")
HARD = ("formerr", "notauth")
HARMLESS = ("slow", "truncated")
V6 = Listener("postfix-b", family=6)
TLSA_OWNER = "_25._tcp.mail"
NAMES = {"MX": "@", "A": "mail", "AAAA": "mail", "TLSA": TLSA_OWNER}
FAILING = {"MX": "undeliverable", "A": "undeliverable", "AAAA": "dane-ok", "TLSA": "dane-broken"}
UNVOUCHED = {"MX": "dane-partial", "A": "no-dane", "AAAA": "dane-ok", "TLSA": "no-dane"}
ABOUT = {
    "MX": "ends the delivery (R17)",
    "A": "leaves no address (R18)",
    "AAAA": "does not matter where there is an IPv4 address (R18)",
    "TLSA": "defers at dane, never falls back (R37)",
}


def fault(record_type: str, does: str, **more) -> Fault:
    """A fault for the name that is asked for this type."""
    return Fault(record_type, does, NAMES[record_type], **more)


def case(record_type: str, does: str, about: str, verdict: str) -> Scenario:
    """One host with IPv4, one fault at the resolver."""
    return one_host(
        f"{record_type.lower()}-{does}", f"{does.upper()} for {record_type} {about}", verdict,
        RIGHT, faults=(fault(record_type, does),),
    )


SCENARIOS = (
    *(
        case(record_type, does, ABOUT[record_type], FAILING[record_type])
        for record_type in NAMES
        for does in (*SOFT, *HARD)
    ),
    *(
        case(record_type, does, "changes nothing (R15)", "dane-ok")
        for record_type in NAMES
        for does in HARMLESS
    ),
    *(
        case(record_type, "no-ad", "is an answer without DNSSEC (R16)", UNVOUCHED[record_type])
        for record_type in NAMES
    ),
    Scenario(
        "mx-nxdomain", "NXDOMAIN for MX: the domain is its own mail host (R17)", "dane-ok",
        hosts=(Host("@", tlsa=(RIGHT,)), Host("mail", (NOBODY,))), mx=("10 mail",),
        faults=(fault("MX", "nxdomain"),),
    ),
    case("A", "nxdomain", ABOUT["A"], "undeliverable"),
    case("AAAA", "nxdomain", ABOUT["AAAA"], "dane-ok"),
    case("TLSA", "nxdomain", "is no TLSA, vouched for or not (R35)", "no-dane"),
    *(
        Scenario(
            f"aaaa-{does}-alone", f"{does.upper()} for AAAA of a host with IPv6 only (R18)",
            "undeliverable", hosts=(Host("mail", (V6,), (RIGHT,)),), mx=("10 mail",),
            faults=(fault("AAAA", does),),
        )
        for does in ("servfail", "formerr", "nxdomain", "silence")
    ),
    *(
        Scenario(
            f"a-{does}-beside-ipv6", f"{does.upper()} for A of a host with IPv6 too (R18)",
            "dane-ok", hosts=(Host("mail", (Listener(), V6), (RIGHT,)),), mx=("10 mail",),
            faults=(fault("A", does),),
        )
        for does in ("servfail", "formerr", "nxdomain", "silence")
    ),
    Scenario(
        "a-no-ad-beside-ipv6", "each family has its own status: only IPv6 is secure (R14, R34)",
        "dane-partial", hosts=(Host("mail", (Listener(), V6), (RIGHT,)),), mx=("10 mail",),
        faults=(fault("A", "no-ad"),), repeat=48,
    ),
    Scenario(
        "a-servfail-of-first", "the first MX host has no address for now (R18)", "dane-ok",
        hosts=(Host("mx1", tlsa=(RIGHT,)), Host("mx2", tlsa=(RIGHT,))), mx=("10 mx1", "20 mx2"),
        faults=(Fault("A", "servfail", "mx1"),),
    ),
    Scenario(
        "a-servfail-and-nxdomain", "one MX host fails for now, the other for good (R18)",
        "undeliverable", hosts=(Host("mx1"),), mx=("10 mx1", "20 nowhere"),
        faults=(Fault("A", "servfail", "mx1"),),
    ),
    Scenario(
        "a-formerr-and-nxdomain", "both MX hosts fail for good (R18)", "undeliverable",
        hosts=(Host("mx1"),), mx=("10 mx1", "20 nowhere"), faults=(Fault("A", "formerr", "mx1"),),
    ),
    Scenario(
        "a-nxdomain-and-servfail", "the other way round (R18)", "undeliverable",
        hosts=(Host("mx2"),), mx=("10 nowhere", "20 mx2"), faults=(Fault("A", "servfail", "mx2"),),
    ),
    Scenario(
        "tlsa-servfail-of-first", "the second MX host takes the mail (R20)", "dane-partial",
        hosts=(Host("mx1", tlsa=(RIGHT,)), Host("mx2", tlsa=(RIGHT,))), mx=("10 mx1", "20 mx2"),
        faults=(Fault("TLSA", "servfail", "_25._tcp.mx1"),),
    ),
    Scenario(
        "tlsa-servfail-of-both", "the last failure is the one that is reported (R20)",
        "dane-broken",
        hosts=(Host("mx1", tlsa=(RIGHT,)), Host("mx2", tlsa=(RIGHT,))), mx=("10 mx1", "20 mx2"),
        faults=(Fault("TLSA", "servfail"),),
    ),
    one_host(
        "tlsa-servfail-without-records", "SERVFAIL where there would be no TLSA (R37)",
        "dane-broken", faults=(fault("TLSA", "servfail"),),
    ),
    *(
        one_host(
            f"authority-tlsa-{does}",
            f"the domain's own name server: {does.upper()} for TLSA (R37)", "dane-broken", RIGHT,
            faults=(fault("TLSA", does, at="authority"),),
        )
        for does in ("servfail", "refused", "notimp", "formerr", "silence")
    ),
    one_host(
        "authority-tlsa-servfail-without-records",
        "the same, none published: the resolver need not ask for what has no parent (R35)",
        "no-dane",
        faults=(fault("TLSA", "servfail", at="authority"),),
    ),
    one_host(
        "authority-aaaa-servfail", "the domain's own name server: SERVFAIL for AAAA (R18)",
        "dane-ok", RIGHT, faults=(fault("AAAA", "servfail", at="authority"),),
    ),
)
