"""Signatures: missing, broken, expired."""

from model import Host, Scenario, Tlsa, Zone

GOOD = Host("mail", tlsa=(Tlsa("3 1 1"),))


def provider(name: str, about: str, verdict: str, tlsa: Tlsa) -> Scenario:
    """An unsigned domain with its mail at a signed provider, in a zone elsewhere."""
    zone = f"{name}-provider.lab."
    return Scenario(
        name, about, verdict,
        hosts=(Host(f"mx.{zone}", tlsa=(tlsa,)),),
        mx=(f"10 mx.{zone}",),
        zones=(Zone(signed=False), Zone(zone)),
    )


SCENARIOS = (
    Scenario(
        "unsigned", "no DS at the parent: TLSA records are not looked at", "no-dane",
        hosts=(Host("mail", tlsa=(Tlsa("3 1 1", "stale"),)),), mx=("10 mail",),
        zones=(Zone(signed=False),),
    ),
    provider(
        "unsigned-domain-signed-host", "TLSA holds, the MX record set is not secure",
        "dane-partial", Tlsa("3 1 1"),
    ),
    provider(
        "unsigned-domain-stale-host", "TLSA fails, the MX record set is not secure",
        "dane-broken", Tlsa("3 1 1", "stale"),
    ),
    Scenario(
        "tlsa-bogus", "the signature over the TLSA records does not hold", "dane-broken",
        hosts=(GOOD,), mx=("10 mail",), zones=(Zone(broken=("TLSA",)),),
    ),
    Scenario(
        "tlsa-expired", "the signature over the TLSA records has expired", "dane-broken",
        hosts=(GOOD,), mx=("10 mail",), zones=(Zone(expired=("TLSA",)),),
    ),
    Scenario(
        "zone-expired", "every signature of the zone has expired", "undeliverable",
        hosts=(GOOD,), mx=("10 mail",), zones=(Zone(expired=("*",)),),
    ),
)
