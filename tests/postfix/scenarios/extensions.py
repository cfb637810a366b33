"""Extensions that OpenSSL cannot decode, or that a certificate has twice: it marks the
certificate invalid and builds no path through it (`x509v3_cache_extensions`). Where a
DANE-EE(3) record matches the leaf that does no harm, except in TLS 1.2 with a key on a
curve: there OpenSSL asks for the key usage and gets none ("ecc cert not for signing",
`ssl_check_srvr_ecc_cert_and_alg`), at every level.
"""

from model import PRIVATE, TRUSTED, Authority, Certificate, Listener, Tlsa
from scenarios.forms import RIGHT, one_host, scripted

NULL = "0500"
# x.test as an alternative name.
NAME = "30088206782E74657374"
# By the name under which a scenario has it: extensions as `resign.py` writes them.
DEFECTS = {
    "san-null": ("2.5.29.17", NULL, False),
    "san-twice": ("2.5.29.17", NAME, True),
    "crl-points-null": ("2.5.29.31", NULL, False),
    "authority-key-null": ("2.5.29.35", NULL, False),
    "authority-key-twice": ("2.5.29.35", "3000", True),
    "subject-key-null": ("2.5.29.14", NULL, False),
    "subject-key-twice": ("2.5.29.14", "040101", True),
    "key-usage-null": ("2.5.29.15", NULL, False),
    "extended-key-usage-null": ("2.5.29.37", NULL, False),
    "constraints-null": ("2.5.29.19", NULL, False),
    "constraints-twice": ("2.5.29.19", "3000", True),
    "names-null": ("2.5.29.30", NULL, False),
    "netscape-type-null": ("2.16.840.1.113730.1.1", NULL, False),
    "addresses-null": ("1.3.6.1.5.5.7.1.7", NULL, False),
    "numbers-null": ("1.3.6.1.5.5.7.1.8", NULL, False),
}
TWICE = {
    "names-twice": (("2.5.29.17", NAME, False), ("2.5.29.17", NAME, True)),
    "usage-agreement": (("2.5.29.15", "03020308", False),),
    "usage-signature": (("2.5.29.15", "03020780", False),),
    "key-usage-twice": (("2.5.29.15", "03020780", False), ("2.5.29.15", "03020780", True)),
    "extended-key-usage-twice": tuple(
        ("2.5.29.37", "300A06082B06010505070301", beside) for beside in (False, True)
    ),
}
DUPLICATES = ("key-usage-twice", "extended-key-usage-twice", "names-twice")
ALL = {name: (one,) for name, one in DEFECTS.items()} | TWICE
ISSUER = Tlsa("2 1 1", "issuer")
ROOT = Tlsa("2 1 1", "root")
RSA = "RSA-2048"


def shown(certificate: Certificate) -> Listener:
    """A server that shows it: its TLS is made by hand, for OpenSSL's own server does
    not load such a certificate."""
    return scripted(certificate, entries="usual")


def leaf(defect: str, *tlsa: Tlsa, verdict: str, key: str = RSA, name: str = "leaf"):
    """The leaf has the defect."""
    certificate = Certificate(TRUSTED, key=key, rewritten=ALL[defect])
    return one_host(
        f"extension-{name}-{defect}", f"{defect} in the leaf", verdict, *tlsa,
        listener=shown(certificate),
    )


def above(defect: str, *tlsa: Tlsa, root: bool, verdict: str = "dane-broken", suffix: str = ""):
    """An issuer has it: the one in between, or the root, which is sent."""
    place = "root" if root else "intermediate"
    if root:
        top = Authority(f"Lab {defect} root", rewritten=ALL[defect])
        issuer = Authority(f"Lab below {defect}", top)
    else:
        issuer = Authority(f"Lab {defect}", PRIVATE, rewritten=ALL[defect])
    return one_host(
        f"extension-{place}-{defect}{suffix}", f"{defect} in the {place}", verdict, *tlsa,
        listener=shown(Certificate(issuer)),
    )


IN_ISSUERS = (
    "crl-points-null", "authority-key-null", "authority-key-twice", "names-null",
    "key-usage-twice", "constraints-twice", "subject-key-twice", "names-twice",
)

SCENARIOS = (
    *(leaf(defect, ISSUER, verdict="dane-broken") for defect in (*DEFECTS, *DUPLICATES)),
    # DANE-EE(3) looks at nothing but the certificate or its key.
    *(
        leaf(defect, RIGHT, verdict="dane-ok", name="ee")
        for defect in ("crl-points-null", "san-null", "san-twice", "constraints-twice")
    ),
    *(
        leaf(defect, RIGHT, verdict="dane-broken", key="P-256", name="curve")
        for defect in ("crl-points-null", "san-twice", "constraints-twice", "key-usage-null")
    ),
    # A key usage without digitalSignature, in TLS 1.2; and one that is right.
    leaf("usage-agreement", RIGHT, verdict="dane-broken", key="P-256", name="curve"),
    leaf("usage-agreement", RIGHT, verdict="dane-ok", name="ee"),
    leaf("usage-signature", RIGHT, verdict="dane-ok", key="P-256", name="curve"),
    leaf("san-null", verdict="no-dane", key="P-256", name="curve-without-tlsa"),
    *(above(defect, ISSUER, root=False) for defect in IN_ISSUERS),
    above("names-twice", ROOT, root=False, suffix="-ta"),
    *(above(defect, ROOT, root=True) for defect in ("crl-points-null", "key-usage-null", "names-twice")),
    above("crl-points-null", ISSUER, root=True, verdict="dane-ok", suffix="-below"),
)
