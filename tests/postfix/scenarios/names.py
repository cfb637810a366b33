"""Names: those that DANE-TA(2), verify and secure ask for."""

from model import PRIVATE, Certificate, Host, Listener, Scenario, Tlsa
from scenarios.forms import one_host

ANCHOR = Tlsa("2 1 1", "issuer")


def named(*names: str, common_name: str = "somebody", **more) -> Listener:
    """A certificate of a private authority with these names."""
    return Listener(certificate=Certificate(PRIVATE, names, common_name, **more))


CASES = (
    ("host", "the TLSA base domain", "dane-ok", named("{host}")),
    ("next-hop", "the next hop, where MX records led here", "dane-ok", named("{domain}")),
    ("upper-case", "letters of any case", "dane-ok", named("MAIL.{domain}")),
    ("among-many", "one of several names", "dane-ok", named("a.lab", "b.lab", "{host}")),
    ("wildcard", "a wildcard for the whole first label", "dane-ok", named("*.{domain}")),
    ("elsewhere", "none of the names", "dane-broken", named("www.elsewhere.lab")),
    ("wildcard-of-one-label", "a wildcard over a top-level domain", "dane-broken", named("*.lab")),
    ("wildcard-in-part", "a wildcard for part of a label", "dane-broken", named("ma*.{domain}")),
    ("wildcard-not-first", "a wildcard in the second label", "dane-broken", named("mail.*.lab")),
    ("wildcard-alone", "nothing but a wildcard", "dane-broken", named("*")),
    ("final-dot", "a name with a final dot", "dane-broken", named("{host}.")),
    ("parent", "the name above the next hop", "dane-broken", named("lab")),
    ("subdomain", "a name below the host", "dane-broken", named("x.{host}")),
    ("cn-fallback", "the CN where no DNS name is there", "dane-ok", named(common_name="{host}")),
    ("cn-next-hop", "the next hop as CN", "dane-ok", named(common_name="{domain}")),
    ("cn-wildcard", "a wildcard as CN", "dane-ok", named(common_name="*.{domain}")),
    ("cn-beside-address", "the CN beside an address only", "dane-ok",
     named("IP:127.0.0.1", common_name="{host}")),
    ("cn-beside-mailbox", "the CN beside a mailbox only", "dane-ok",
     named("email:postmaster@elsewhere.lab", common_name="{host}")),
    ("cn-ignored", "no CN where a DNS name is there", "dane-broken",
     named("www.elsewhere.lab", common_name="{host}")),
    ("none-at-all", "no name at all", "dane-broken", named(common_name="")),
)


def deep(name: str, about: str, verdict: str, listener: Listener, host: str = "in.mail") -> Scenario:
    """A host two labels below the next hop."""
    return Scenario(
        name, about, verdict, hosts=(Host(host, (listener,), (ANCHOR,)),), mx=(f"10 {host}",)
    )


def pkix(name: str, about: str, *names: str) -> Scenario:
    """No TLSA: what verify and secure make of these names under a public CA."""
    listener = Listener(certificate=Certificate(names=names, common_name="somebody"))
    return one_host(f"pkix-{name}", about, "no-dane", listener=listener)


SCENARIOS = (
    *(
        one_host(f"anchor-name-{name}", f"DANE-TA: {about} (R57, R58)", verdict, ANCHOR,
                 listener=listener)
        for name, about, verdict, listener in CASES
    ),
    deep("anchor-name-wildcard-too-shallow", "a wildcard spans one label only (R58)",
         "dane-broken", named("*.{domain}")),
    deep("anchor-name-wildcard-deep-enough", "the same wildcard a label deeper (R58)", "dane-ok",
         named("*.mail.{domain}")),
    deep("anchor-name-wildcard-over-a-label", "a whole A-label under a wildcard (R58)", "dane-ok",
         named("*.{domain}"), host="xn--bcher-kva"),
    one_host(
        "anchor-name-bracketed", "the next hop counts only where MX records led here (R57)",
        "dane-broken", ANCHOR, listener=named("{domain}"), target="[mail]",
    ),
    one_host(
        "anchor-name-bracketed-host", "a bracketed host by its own name (R57)", "dane-ok", ANCHOR,
        listener=named("{host}"), target="[mail]",
    ),
    Scenario(
        "anchor-name-implicit-mx", "without MX records the domain is the base domain (R57)",
        "dane-ok", hosts=(Host("@", (named("{domain}"),), (ANCHOR,)),),
    ),
    Scenario(
        "anchor-name-mx-alias", "the name in the MX record, where the alias is expanded (R57)",
        "dane-broken", hosts=(Host("mail", (named("alias.{domain}"),), (ANCHOR,)),),
        mx=("10 alias",), records=("alias CNAME mail",),
    ),
    Scenario(
        "anchor-name-mx-alias-expanded", "the expanded name of the alias (R57)", "dane-ok",
        hosts=(Host("mail", (named("mail.{domain}"),), (ANCHOR,)),),
        mx=("10 alias",), records=("alias CNAME mail",),
    ),
    Scenario(
        "anchor-name-domain-alias-asked", "an alias as next hop: the name asked (R57)", "dane-ok",
        hosts=(Host("mail", (named("www.{domain}"),), (ANCHOR,)),),
        mx=("10 mail",), records=("www CNAME @",), target="www",
    ),
    Scenario(
        "anchor-name-domain-alias-expanded", "an alias as next hop: the name at its end (R57)",
        "dane-ok", hosts=(Host("mail", (named("{domain}"),), (ANCHOR,)),),
        mx=("10 mail",), records=("www CNAME @",), target="www",
    ),
    pkix("name-of-host", "verify takes the host, secure what is below the next hop (R62, R63)",
         "{host}"),
    pkix("name-of-next-hop", "secure takes the next hop, verify does not (R62, R63)", "{domain}"),
    pkix("name-below-next-hop", "secure takes any name below (R62)", "a.b.{domain}"),
    pkix("wildcard", "secure takes a wildcard below the next hop (R62)", "*.{domain}"),
    pkix("wildcard-below", "secure takes a deeper wildcard, verify does not (R62)",
         "*.mx.{domain}"),
    pkix("name-beside-next-hop", "a name that only ends alike (R62)", "not{domain}"),
    pkix("name-elsewhere", "neither (R62, R63)", "www.elsewhere.lab"),
    Scenario(
        "pkix-bracketed", "the next hop of [mail] is mail (R62)", "no-dane",
        hosts=(Host("mail"),), target="[mail]",
    ),
    Scenario(
        "pkix-mx-alias", "verify asks for the name in the MX record (R63)", "no-dane",
        hosts=(Host("mail", (Listener(certificate=Certificate(names=("alias.{domain}",))),)),),
        mx=("10 alias",), records=("alias CNAME mail",),
    ),
)
