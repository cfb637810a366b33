"""Aliases: of MX hosts, of TLSA owners, of the next hop."""

from model import Fault, Host, Scenario, Tlsa, Zone
from scenarios.forms import RIGHT, STALE, good, one_host, stale

AT_MAIL = "_25._tcp.mail"
AT_ALIAS = "_25._tcp.alias"
ELSEWHERE = "_25._tcp.tlsa"


def aliased(name: str, about: str, verdict: str, *tlsa: Tlsa, **more) -> Scenario:
    """The MX host `alias` is an alias of `mail`."""
    more.setdefault("records", ("alias CNAME mail",))
    more.setdefault("mx", ("10 alias",))
    return Scenario(name, about, verdict, hosts=(Host("mail", tlsa=tlsa),), **more)


def at(owner: str, of: str = "leaf", parameters: str = "3 1 1", **more) -> Tlsa:
    """A record with this owner."""
    return Tlsa(parameters, of, owner=owner, **more)


def outward(name: str, about: str, verdict: str, *tlsa: Tlsa, **more) -> Scenario:
    """The MX host is an alias that leads into an unsigned zone."""
    out = f"{name}-out.lab."
    return Scenario(
        name, about, verdict, hosts=(Host(f"mail.{out}", tlsa=tlsa),), mx=("10 alias",),
        records=(f"alias CNAME mail.{out}",), zones=(Zone(), Zone(out, signed=False)), **more,
    )


def pointed(name: str, about: str, verdict: str, of: str = "leaf", **more) -> Scenario:
    """The TLSA owner is an alias of `_25._tcp.tlsa`."""
    more.setdefault("records", (f"{AT_MAIL} CNAME {ELSEWHERE}",))
    return one_host(name, about, verdict, at(ELSEWHERE, of), **more)


def chain(length: int) -> tuple[str, ...]:
    """Aliases one after the other, the last of `mail`."""
    names = ["alias", *(f"hop{number}" for number in range(1, length)), "mail"]
    return tuple(f"{one} CNAME {two}" for one, two in zip(names, names[1:]))


SCENARIOS = (
    aliased("mx-behind-alias", "the MX host is a CNAME; TLSA is at its end (R31)", "dane-ok",
            RIGHT),
    aliased("alias-tlsa-at-original", "TLSA at the name in the MX record only (R31)", "dane-ok",
            at(AT_ALIAS)),
    aliased("alias-stale-at-original", "stale at the name in the MX record only (R31)",
            "dane-broken", at(AT_ALIAS, "stale")),
    aliased("alias-expanded-first", "stale at the end, right at the original (R31)",
            "dane-broken", STALE, at(AT_ALIAS)),
    aliased("alias-expanded-hides", "right at the end, stale at the original (R31)", "dane-ok",
            RIGHT, at(AT_ALIAS, "stale")),
    aliased("alias-expanded-unusable", "unusable at the end hides the original (R31)",
            "dane-unusable", Tlsa("1 1 1"), at(AT_ALIAS)),
    aliased("alias-expanded-unusable-at-handshake", "the same in the handshake (R31)",
            "dane-unusable", Tlsa("3 1 1", form="short"), at(AT_ALIAS)),
    aliased("alias-expanded-servfail", "an error at the end: the original is not asked (R32)",
            "dane-broken", at(AT_ALIAS), faults=(Fault("TLSA", "servfail", AT_MAIL),)),
    aliased("alias-original-servfail", "an error at the original does not matter (R31)",
            "dane-ok", RIGHT, faults=(Fault("TLSA", "servfail", AT_ALIAS),)),
    aliased("alias-nothing-then-servfail", "nothing at the end, an error at the original (R31)",
            "dane-broken", faults=(Fault("TLSA", "servfail", AT_ALIAS),)),
    aliased("alias-expanded-not-vouched-for", "no AD at the end: the original counts (R31)",
            "dane-ok", STALE, at(AT_ALIAS), faults=(Fault("TLSA", "no-ad", AT_MAIL),)),
    aliased("alias-without-tlsa", "TLSA at neither name (R31)", "no-dane"),
    aliased("alias-of-alias", "two aliases, TLSA at the end (R31)", "dane-ok", RIGHT,
            records=chain(2)),
    aliased("alias-of-alias-middle", "two aliases, TLSA in the middle is not asked for (R31)",
            "no-dane", at("_25._tcp.hop1", "stale"), records=chain(2)),
    aliased("alias-chain-of-eight", "eight aliases (R15)", "dane-ok", RIGHT, records=chain(8)),
    aliased("alias-dangling", "the alias leads nowhere (R18)", "undeliverable",
            records=("alias CNAME nowhere",)),
    aliased("alias-loop", "aliases in a circle", "undeliverable",
            records=("alias CNAME other", "other CNAME alias")),
    outward("alias-leads-out", "into an unsigned zone, TLSA at the original (R33)", "dane-ok",
            at(AT_ALIAS)),
    outward("alias-leads-out-stale", "the same, stale (R33)", "dane-broken",
            at(AT_ALIAS, "stale")),
    outward("alias-leads-out-no-tlsa", "the same, without TLSA at the original (R33)", "no-dane"),
    outward("alias-leads-out-expanded", "TLSA at the end is not asked for (R33)", "no-dane",
            STALE),
    outward("alias-leads-out-cname-servfail", "the question for the CNAME fails (R33)",
            "dane-broken", at(AT_ALIAS), faults=(Fault("CNAME", "servfail", "alias"),)),
    outward("alias-leads-out-cname-nxdomain", "the CNAME is denied (R33)", "dane-broken",
            at(AT_ALIAS), faults=(Fault("CNAME", "nxdomain", "alias"),)),
    outward("alias-leads-out-cname-no-ad", "the CNAME is not vouched for (R33)", "no-dane",
            at(AT_ALIAS, "stale"), faults=(Fault("CNAME", "no-ad", "alias"),)),
    Scenario(
        "alias-in-unsigned-zone", "an unsigned alias of a signed host (R33)", "no-dane",
        hosts=(Host("mail.alias-in-unsigned-zone-in.lab.", tlsa=(STALE,)),), mx=("10 alias.out",),
        records=("alias.out CNAME mail.alias-in-unsigned-zone-in.lab.",),
        zones=(Zone(), Zone("out", signed=False), Zone("alias-in-unsigned-zone-in.lab.")),
    ),
    Scenario(
        "alias-bracketed", "a bracketed next hop that is an alias (R31)", "dane-ok",
        hosts=(good(),), records=("alias CNAME mail",), target="[alias]",
    ),
    Scenario(
        "alias-by-dname", "the MX host is below a DNAME (R29)", "dane-ok",
        hosts=(Host("mail.real", tlsa=(RIGHT,)),), mx=("10 mail.old",), records=("old DNAME real",),
    ),
    pointed("tlsa-alias", "the TLSA owner is an alias (R29)", "dane-ok"),
    pointed("tlsa-alias-stale", "the same, stale (R29)", "dane-broken", "stale"),
    pointed("tlsa-alias-of-alias", "two aliases (R29)", "dane-ok",
            records=(f"{AT_MAIL} CNAME other", f"other CNAME {ELSEWHERE}")),
    pointed("tlsa-alias-wildcard", "a wildcard alias as TLSA owner (R29)", "dane-ok",
            records=(f"*._tcp.mail CNAME {ELSEWHERE}",)),
    pointed("tlsa-alias-leads-out", "into an unsigned zone (R29, R36)", "no-dane", "stale",
            zones=(Zone(), Zone("tlsa", signed=False))),
    pointed("tlsa-alias-leads-into-bogus", "into a broken zone (R37)", "dane-broken",
            zones=(Zone(), Zone("tlsa", ds="wrong"))),
    one_host("tlsa-alias-dangling", "the alias leads nowhere (R35)", "no-dane",
             records=(f"{AT_MAIL} CNAME nowhere",)),
    one_host("tlsa-alias-loop", "aliases in a circle (R37)", "dane-broken",
             records=(f"{AT_MAIL} CNAME other", f"other CNAME {AT_MAIL}")),
    Scenario("domain-alias", "the next hop is an alias of a domain with MX (R57)", "dane-ok",
             hosts=(good(),), mx=("10 mail",), records=("www CNAME @",), target="www"),
    Scenario("domain-alias-stale", "the same, stale (R57)", "dane-broken",
             hosts=(stale(),), mx=("10 mail",), records=("www CNAME @",), target="www"),
    Scenario(
        "domain-alias-leads-out", "the next hop is an alias into an unsigned zone (R26)",
        "dane-partial", hosts=(good(),), records=("www CNAME out", "out MX 10 mail"), target="www",
        zones=(Zone(), Zone("out", signed=False)),
    ),
)
