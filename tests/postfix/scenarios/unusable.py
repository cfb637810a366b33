"""TLSA records that cannot be used: dropped with the policy, or in the handshake."""

from model import Certificate, Fault, Listener, Tlsa
from scenarios.forms import PLAIN, RIGHT, STALE, one_host, scripted

AT_POLICY = {
    "usage-0": Tlsa("0 1 1", "root"),
    "usage-1-only": Tlsa("1 1 1"),
    "usage-1-certificate": Tlsa("1 0 1"),
    "usage-4": Tlsa("4 1 1"),
    "usage-255": Tlsa("255 1 1"),
    "matching-type-255": Tlsa("3 1 255", "stale"),
    "anchor-matching-type-255": Tlsa("2 1 255", "stale"),
}

TOO_SHORT = {"nothing": "", "one-byte": "03", "two-bytes": "0301"}

AT_HANDSHAKE = {
    "selector-2": Tlsa("3 2 1"),
    "selector-255": Tlsa("3 255 1"),
    "anchor-selector-2": Tlsa("2 2 1", "issuer"),
    "matching-type-3": Tlsa("3 1 3", "stale"),
    "matching-type-254": Tlsa("3 1 254", "stale"),
    "sha256-short": Tlsa("3 1 1", form="short"),
    "sha256-long": Tlsa("3 1 1", form="long"),
    "sha512-short": Tlsa("3 1 2", form="short"),
    "sha512-with-sha256-data": Tlsa(rdata="030102" + "ab" * 32),
    "anchor-sha256-short": Tlsa("2 1 1", "issuer", form="short"),
    "one-byte-of-data": Tlsa(rdata="030101ab"),
    "full-certificate-garbage": Tlsa("3 0 0", form="garbage"),
    "full-certificate-cut": Tlsa("3 0 0", form="short"),
    "full-certificate-and-more": Tlsa("3 0 0", form="long"),
    "full-key-garbage": Tlsa("3 1 0", form="garbage"),
    "full-key-cut": Tlsa("3 1 0", form="short"),
    "full-key-and-more": Tlsa("3 1 0", form="long"),
    "full-anchor-garbage": Tlsa("2 0 0", form="garbage"),
    "full-anchor-key-garbage": Tlsa("2 1 0", form="garbage"),
}

POLICY = AT_POLICY["usage-1-only"]
HANDSHAKE = AT_HANDSHAKE["sha256-short"]
STAGES = {"policy": (POLICY, "R40"), "handshake": (HANDSHAKE, "R42")}
SELF_SIGNED = Listener(certificate=Certificate(None, validity="expired"))

SCENARIOS = (
    *(
        one_host(
            name if name.startswith("usage-1-") else f"unusable-{name}",
            "dropped with the policy: encrypted, no SNI; dane-only does not connect (R39, R40)",
            "dane-unusable", tlsa, listener=SELF_SIGNED,
        )
        for name, tlsa in AT_POLICY.items()
    ),
    *(
        one_host(
            f"unusable-{name}", "a record too short to be one: dropped with the policy (R39)",
            "dane-unusable", listener=SELF_SIGNED,
            faults=(Fault("TLSA", f"tlsa:{rdata}", "_25._tcp.mail"),),
        )
        for name, rdata in TOO_SHORT.items()
    ),
    *(
        one_host(
            f"unusable-{name}",
            "dropped in the handshake: any certificate will do, none for dane-only (R41, R42)",
            "dane-unusable", tlsa, listener=SELF_SIGNED,
        )
        for name, tlsa in AT_HANDSHAKE.items()
    ),
    one_host(
        "unusable-at-both-stages", "one record of each kind: the second stage counts (R42)",
        "dane-unusable", POLICY, HANDSHAKE,
    ),
    one_host(
        "unusable-beside-right", "what cannot be used does not matter (R43)", "dane-ok",
        POLICY, HANDSHAKE, RIGHT,
    ),
    one_host(
        "unusable-beside-stale", "a right 1 1 1 does not help a stale 3 1 1 (R43)", "dane-broken",
        POLICY, STALE,
    ),
    one_host(
        "unusable-at-handshake-beside-stale", "nor does a short 3 0 1 (R43)", "dane-broken",
        Tlsa("3 0 1", form="short"), STALE,
    ),
    *(
        one_host(
            f"unusable-at-{stage}-{name}", f"STARTTLS stays mandatory: {about} ({rule}, R20)",
            verdict, tlsa, listener=listener,
        )
        for stage, (tlsa, rule) in STAGES.items()
        for name, about, verdict, listener in (
            ("without-starttls", "it is not offered", "dane-broken", PLAIN),
            ("starttls-454", "it is refused for now", "dane-broken",
             scripted(starttls="454 4.7.0 not now")),
            ("starttls-554", "it is refused for good", "dane-broken",
             scripted(starttls="554 5.7.0 no")),
            ("handshake-fails", "no TLS session", "dane-broken", scripted(after="drop")),
        )
    ),
)
