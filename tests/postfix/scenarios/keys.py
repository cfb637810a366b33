"""Keys and signatures, strong and weak; two certificates on one server."""

from model import Authority, Certificate, Listener, Tlsa
from scenarios.forms import OWN_CA, RIGHT, one_host

KEYS = {
    "rsa-2048": ("RSA-2048", "dane-ok"),
    "rsa-4096": ("RSA-4096", "dane-ok"),
    "rsa-1024": ("RSA-1024", "dane-ok"),
    "p384": ("P-384", "dane-ok"),
    "p521": ("P-521", "dane-ok"),
    "ed25519": ("ED25519", "dane-ok"),
}
ROOT = Authority("Lab Root")
SHA1_SUB = Authority("Lab SHA-1 Sub", ROOT, key="RSA-2048", digest="sha1")
SHA1_ROOT = Authority("Lab SHA-1 Root", key="RSA-2048", digest="sha1")
WEAK_ROOT = Authority("Lab Weak Root", key="RSA-768")
SMALL_ROOT = Authority("Lab Small Root", key="RSA-1024")
P384_ROOT = Authority("Lab P-384 Root", key="P-384")
P521_ROOT = Authority("Lab P-521 Root", key="P-521")
RSA = Certificate(key="RSA-2048")
BOTH = {"second": RSA}


def of(name: str, about: str, verdict: str, certificate: Certificate, *tlsa: Tlsa):
    """A scripted server, which takes any key."""
    listener = Listener("script", certificate=certificate)
    return one_host(name, about, verdict, *tlsa, listener=listener)


def two_keys(name: str, about: str, verdict: str, *tlsa: Tlsa, listener: Listener | None = None):
    """A server with two certificates, looked at thoroughly."""
    listener = listener or Listener("postfix-a", **BOTH)
    return one_host(f"two-keys-{name}", about, verdict, *tlsa, listener=listener,
                    options=("--thorough",))


ANCHOR = Tlsa("2 1 1", "issuer")
TOP = Tlsa("2 1 1", "root")

SCENARIOS = (
    *(
        of(f"key-{name}", f"3 1 1 of a key of kind {key} (R50, R54)", verdict,
           Certificate(None, key=key), RIGHT)
        for name, (key, verdict) in KEYS.items()
    ),
    of("key-rsa-768", "a key that is too weak for any level that matches (R50)", "dane-broken",
       Certificate(None, key="RSA-768"), RIGHT),
    of("sha1-leaf-pinned", "3 1 1 does not ask how the leaf is signed (R50)", "dane-ok",
       Certificate(ROOT, digest="sha1"), RIGHT),
    of("sha1-leaf-anchored", "a leaf signed with SHA-1 under an anchor (R50)", "dane-broken",
       Certificate(ROOT, digest="sha1"), ANCHOR),
    of("sha1-anchor", "an anchor signed with SHA-1 by its root (R50)", "dane-broken",
       Certificate(SHA1_SUB), TOP),
    of("sha1-root-anchor", "how a self-signed anchor is signed does not count (R50)", "dane-ok",
       Certificate(SHA1_ROOT, digest="sha256"), ANCHOR),
    of("rsa-768-anchor", "an anchor with a weak key (R50)", "dane-broken",
       Certificate(WEAK_ROOT, digest="sha256"), ANCHOR),
    of("rsa-1024-anchor", "an anchor with a key just strong enough (R50)", "dane-ok",
       Certificate(SMALL_ROOT, digest="sha256"), ANCHOR),
    of("p521-anchor", "an anchor on the curve P-521 (R55c)", "dane-ok",
       Certificate(P521_ROOT, digest="sha512"), ANCHOR),
    of("sha224-leaf-anchored", "a P-256 anchor that signs over SHA-224 (R50)", "dane-ok",
       Certificate(ROOT, digest="sha224"), ANCHOR),
    of("sha512-leaf-anchored", "a P-256 anchor that signs over SHA-512 (R55c)", "dane-ok",
       Certificate(ROOT, digest="sha512"), ANCHOR),
    of("sha512-leaf-anchored-by-p384", "a P-384 anchor that does (R55c)", "dane-ok",
       Certificate(P384_ROOT, digest="sha512"), ANCHOR),
    of("sha512-leaf-pkix", "a leaf signed over SHA-512 at verify and secure (R65)", "no-dane",
       Certificate(digest="sha512")),
    of("sha1-leaf-pkix", "a leaf signed with SHA-1 at verify and secure (R50)", "no-dane",
       Certificate(digest="sha1")),
    two_keys("both", "ECDSA and RSA on one server, both published", "dane-ok",
             RIGHT, Tlsa("3 1 1", "second")),
    two_keys("ecdsa", "ECDSA and RSA on one server, ECDSA published", "dane-ok", RIGHT),
    two_keys("rsa", "ECDSA and RSA on one server, RSA published", "dane-broken",
             Tlsa("3 1 1", "second")),
    two_keys("rsa-tls12", "the same where TLS 1.2 is the newest", "dane-broken",
             Tlsa("3 1 1", "second"),
             listener=Listener("postfix-a", options=("smtpd_tls_protocols=TLSv1.2",), **BOTH)),
    two_keys("own-ca", "two keys under one anchor", "dane-ok", ANCHOR,
             listener=Listener(certificate=OWN_CA, second=Certificate(OWN_CA.issuer, key="RSA-2048"))),
)
