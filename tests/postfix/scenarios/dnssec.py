"""Signatures: missing, broken, expired; delegations; denials; wildcards."""

from model import Host, Scenario, Tlsa, Zone
from scenarios.forms import POSTFIX, RIGHT, STALE, good, one_host, stale

NSEC3 = Zone(nsec3="-3 -")


def provider(name: str, about: str, verdict: str, *tlsa: Tlsa, **zone) -> Scenario:
    """An unsigned domain with its mail at a provider, in a zone elsewhere."""
    its_zone = f"{name}-provider.lab."
    return Scenario(
        name, about, verdict, hosts=(Host(f"mx.{its_zone}", (POSTFIX,), tlsa),), mx=(f"10 mx.{its_zone}",),
        zones=(Zone(signed=False), Zone(its_zone, **zone)),
    )


def zone(name: str, about: str, verdict: str, *tlsa: Tlsa, **style) -> Scenario:
    """One host in a zone of this style."""
    return one_host(name, about, verdict, *tlsa, zones=(Zone(**style),))


SCENARIOS = (
    zone("unsigned", "no DS at the parent: TLSA records are not looked at (R24, R26)", "no-dane", STALE,
         signed=False),
    zone("ds-missing", "signed, and the parent does not say so (R26)", "no-dane", STALE,
         ds="missing"),
    zone("ds-wrong", "the DS matches no key", "undeliverable", RIGHT, ds="wrong"),
    zone("ds-unknown", "a DS of an algorithm that nobody knows (R26)", "no-dane", STALE,
         ds="unknown"),
    zone("signed-with-rsa", "RSA/SHA-256 signatures", "dane-ok", RIGHT, algorithm="RSASHA256"),
    zone("signed-with-ed25519", "Ed25519 signatures", "dane-ok", RIGHT, algorithm="ED25519"),
    zone("signed-with-p384", "ECDSA P-384 signatures", "dane-ok", RIGHT,
         algorithm="ECDSAP384SHA384"),
    provider("unsigned-domain-signed-host", "TLSA holds, the MX record set is not secure (R26)",
             "dane-partial", RIGHT),
    provider("unsigned-domain-stale-host", "TLSA fails, the MX record set is not secure (R26)",
             "dane-broken", STALE),
    provider("unsigned-domain-no-tlsa", "no TLSA, the MX record set is not secure (R26)",
             "no-dane"),
    provider("unsigned-domain-unusable", "unusable, the MX record set is not secure (R26)",
             "dane-unusable", Tlsa("1 1 1")),
    provider("unsigned-domain-short", "unusable in the handshake, the same (R26, R42)",
             "dane-unusable", Tlsa("3 1 1", form="short")),
    provider("unsigned-domain-bogus-tlsa", "TLSA lookup fails, the same (R26)", "dane-broken",
             RIGHT, broken=("TLSA",)),
    provider("unsigned-domain-unsigned-host", "nothing is secure (R30)", "no-dane", STALE,
             signed=False),
    Scenario(
        "signed-domain-unsigned-host", "the MX host is in an unsigned zone (R30)", "no-dane",
        hosts=(Host("mx.signed-domain-unsigned-host-provider.lab.", tlsa=(STALE,)),),
        mx=("10 mx.signed-domain-unsigned-host-provider.lab.",),
        zones=(Zone(), Zone("signed-domain-unsigned-host-provider.lab.", signed=False)),
    ),
    zone("tlsa-bogus", "the signature over the TLSA records does not hold (R37)", "dane-broken",
         RIGHT, broken=("TLSA",)),
    zone("tlsa-expired", "the signature over the TLSA records has expired (R37)", "dane-broken",
         RIGHT, expired=("TLSA",)),
    zone("zone-expired", "every signature of the zone has expired (R17)", "undeliverable", RIGHT,
         expired=("*",)),
    zone("mx-bogus", "the signature over the MX records does not hold (R17)", "undeliverable",
         RIGHT, broken=("MX",)),
    zone("address-bogus", "the signature over the address does not hold (R18)", "undeliverable",
         RIGHT, broken=("A",)),
    zone("keys-bogus", "the signature over the keys does not hold", "undeliverable", RIGHT,
         broken=("DNSKEY",)),
    zone("denial-bogus", "the denial of TLSA records does not hold (R35, R37)", "dane-broken",
         broken=("NSEC",)),
    zone("denial-expired", "the denial of TLSA records has expired (R37)", "dane-broken",
         expired=("NSEC",)),
    zone("nsec3-denial", "no TLSA under NSEC3 (R35)", "no-dane", nsec3="-3 -"),
    zone("nsec3-salted", "no TLSA under NSEC3 with salt and iterations (R35)", "no-dane",
         nsec3="-3 ABCD -H 10"),
    zone("nsec3-opt-out", "no TLSA under NSEC3 with opt-out (R35)", "no-dane", nsec3="-3 - -A"),
    zone("nsec3-records", "TLSA under NSEC3", "dane-ok", RIGHT, nsec3="-3 -"),
    zone("nsec3-denial-bogus", "the NSEC3 denial does not hold (R37)", "dane-broken",
         nsec3="-3 -", broken=("NSEC3",)),
    zone("nsec3-denial-expired", "the NSEC3 denial has expired (R37)", "dane-broken",
         nsec3="-3 -", expired=("NSEC3",)),
    one_host("no-tlsa-empty-non-terminal", "a name below the owner exists: NODATA (R35)",
             "no-dane", records=("x._25._tcp.mail TXT x",)),
    one_host("no-tlsa-other-port", "TLSA records of another port (R29)", "no-dane",
             Tlsa("3 1 1", "stale", owner="_465._tcp.mail")),
    one_host("no-tlsa-udp", "TLSA records of another protocol (R29)", "no-dane",
             Tlsa("3 1 1", "stale", owner="_25._udp.mail")),
    one_host("no-tlsa-at-host", "TLSA records at the host itself (R29)", "no-dane",
             Tlsa("3 1 1", "stale", owner="mail")),
    one_host("no-tlsa-at-domain", "TLSA records at the domain, not at the MX host (R29)",
             "no-dane", Tlsa("3 1 1", "stale", owner="_25._tcp")),
    one_host("wildcard-tlsa", "TLSA at *._tcp (R29)", "dane-ok",
             Tlsa("3 1 1", owner="*._tcp.mail")),
    one_host("wildcard-tlsa-stale", "a stale TLSA at *._tcp (R29)", "dane-broken",
             Tlsa("3 1 1", "stale", owner="*._tcp.mail")),
    one_host("wildcard-domain-tlsa", "TLSA at * of the domain, hidden by the host (R29)",
             "no-dane", Tlsa("3 1 1", "stale", owner="*")),
    one_host("wildcard-tlsa-nsec3", "TLSA at *._tcp under NSEC3 (R29)", "dane-ok",
             Tlsa("3 1 1", owner="*._tcp.mail"), zones=(NSEC3,)),
    Scenario("wildcard-mx", "the MX record is a wildcard", "dane-ok", hosts=(good(),),
             records=("* MX 10 mail",), target="sub"),
    Scenario("wildcard-mx-nsec3", "the same under NSEC3", "dane-ok", hosts=(good(),),
             records=("* MX 10 mail",), target="sub", zones=(NSEC3,)),
    Scenario("wildcard-address", "the MX host's address is a wildcard", "dane-ok",
             hosts=(Host("*.mx", tlsa=(Tlsa("3 1 1", owner="*.mx"),)),),
             mx=("10 one.mx",)),
    Scenario("wildcard-alias", "the MX host is a wildcard alias (R31)", "dane-ok",
             hosts=(good(),), mx=("10 one.mx",), records=("*.mx CNAME mail",)),
    Scenario("tlsa-in-unsigned-zone", "the TLSA records are in an unsigned zone (R36)", "no-dane",
             hosts=(stale(),), mx=("10 mail",), zones=(Zone(), Zone("_tcp.mail", signed=False))),
    Scenario("no-tlsa-in-unsigned-zone", "no TLSA records, in an unsigned zone (R35)", "no-dane",
             hosts=(Host("mail"),), mx=("10 mail",),
             zones=(Zone(), Zone("_tcp.mail", signed=False))),
    Scenario("tlsa-in-bogus-zone", "the TLSA records are in a broken zone (R37)", "dane-broken",
             hosts=(good(),), mx=("10 mail",), zones=(Zone(), Zone("_tcp.mail", ds="wrong"))),
    Scenario("mx-domain-below-unsigned", "a signed zone below an unsigned one (R26)", "no-dane",
             hosts=(Host("mail.sub", tlsa=(STALE,)),), records=("sub MX 10 mail.sub",),
             target="sub", zones=(Zone(signed=False), Zone("sub"))),
)
