"""DANE-TA(2) anchors, and the chains below them."""

from model import PRIVATE, TRUSTED, TRUSTED_ROOT, Authority, Certificate, Listener, Tlsa
from scenarios.forms import OWN_CA, one_host

FORMS = ("2 0 0", "2 0 1", "2 0 2", "2 1 0", "2 1 1", "2 1 2")
ISSUER = Tlsa("2 1 1", "issuer")
ROOT = Tlsa("2 1 1", "root")

LAB = Authority("Lab Root")
SUB = Authority("Lab Sub", LAB)
CLIENT = "extendedKeyUsage = clientAuth"


def under(authority: Authority, **more) -> Certificate:
    """A leaf of this authority."""
    return Certificate(authority, **more)


SENT = (
    ("anchor-sent", "2 1 1 of a private CA that is sent", "dane-ok", ISSUER, OWN_CA),
    ("anchor-of-public-ca", "2 1 1 of a public intermediate", "dane-ok", ISSUER, Certificate()),
    ("anchor-not-sent", "2 1 1 of a root that the server keeps to itself (R56)", "dane-broken",
     ROOT, Certificate()),
    ("anchor-root-sent", "2 1 1 of a root that is sent", "dane-ok", ROOT, Certificate(send="all")),
    ("anchor-root-over-sub", "2 1 1 of a private root, two levels up", "dane-ok", ROOT, under(SUB)),
    ("anchor-root-left-out", "the same, and the root is not sent (R56)", "dane-broken", ROOT,
     under(SUB, send="no-root")),
    ("anchor-sub-root-left-out", "2 1 1 of the intermediate; the root is not sent", "dane-ok",
     ISSUER, under(SUB, send="no-root")),
    ("anchor-nothing-sent", "the leaf comes alone (R56)", "dane-broken", ISSUER,
     under(SUB, send="nothing")),
    ("anchor-full-not-sent", "2 0 0 brings the issuer along (R56)", "dane-ok",
     Tlsa("2 0 0", "issuer"), under(SUB, send="nothing")),
    ("anchor-full-root-not-sent", "2 0 0 brings the root along (R56)", "dane-ok",
     Tlsa("2 0 0", "root"), under(SUB, send="no-root")),
    ("anchor-full-root-gap", "2 0 0 of the root, and the link to it is missing (R56)",
     "dane-broken", Tlsa("2 0 0", "root"), under(SUB, send="nothing")),
    ("anchor-key-not-sent", "2 1 0, a bare key, signed the leaf (R56)", "dane-ok",
     Tlsa("2 1 0", "issuer"), under(SUB, send="nothing")),
    ("anchor-key-root-not-sent", "2 1 0 of the root signed what is on top (R56)", "dane-ok",
     Tlsa("2 1 0", "root"), under(SUB, send="no-root")),
    ("anchor-key-root-gap", "2 1 0 of the root, and the link to it is missing (R56)",
     "dane-broken", Tlsa("2 1 0", "root"), under(SUB, send="nothing")),
    ("anchor-chain-reversed", "the chain comes upside down", "dane-ok", ROOT,
     under(SUB, send="reversed")),
    ("anchor-strangers-sent", "certificates that do not belong there", "dane-ok", ROOT,
     under(SUB, send="strangers")),
    ("anchor-is-the-leaf", "2 1 1 of the self-signed leaf (R56)", "dane-broken", Tlsa("2 1 1"),
     Certificate(None)),
    ("anchor-is-the-leaf-ca", "2 1 1 of a self-signed CA as leaf (R56)", "dane-broken",
     Tlsa("2 1 1"), Certificate(None, ca=True)),
    ("anchor-is-the-leaf-certificate", "2 0 1 of the self-signed leaf (R56)", "dane-broken",
     Tlsa("2 0 1"), Certificate(None)),
    ("anchor-is-the-issued-leaf", "2 1 1 of a leaf with an issuer (R56)", "dane-broken",
     Tlsa("2 1 1"), OWN_CA),
    ("anchor-is-the-full-leaf", "2 0 0 of the self-signed leaf (R56)", "dane-broken",
     Tlsa("2 0 0"), Certificate(None)),
    ("anchor-is-the-full-leaf-ca", "2 0 0 of a self-signed CA as leaf (R56)", "dane-broken",
     Tlsa("2 0 0"), Certificate(None, ca=True)),
    ("anchor-is-the-full-leaf-key", "2 1 0 of the self-signed leaf signed it (R56)", "dane-ok",
     Tlsa("2 1 0"), Certificate(None)),
)

OLD_ROOT = Authority("Lab Old Root", validity="expired")
NEW_ROOT = Authority("Lab Future Root", validity="future")
OLD_SUB = Authority("Lab Old Sub", LAB, validity="expired")
NEW_SUB = Authority("Lab Future Sub", LAB, validity="future")
NEITHER = Authority("Lab Neither", LAB, ca=False)
UNSAID = Authority("Lab Unsaid", LAB, ca=None)
UNSAID_ROOT = Authority("Lab Unsaid Root", ca=None)
NO_CA_ROOT = Authority("Lab No Root", ca=False)
NO_SIGNING = Authority("Lab No Signing", LAB, extensions=("keyUsage = critical,cRLSign",))
MAIL_ONLY = Authority("Lab Mail Only", LAB, extensions=("extendedKeyUsage = emailProtection",))
SHORT = Authority("Lab Short Root", extensions=("pathlen:0",))
BELOW_SHORT = Authority("Lab Below Short", SHORT)
STRANGE_CA = Authority("Lab Strange", LAB, extensions=("1.2.3.4 = critical,DER:0500",))
ONLY_ELSEWHERE = Authority(
    "Lab Elsewhere", LAB, extensions=("nameConstraints = critical,permitted;DNS:elsewhere.lab",)
)
ONLY_HERE = Authority("Lab Here", LAB, extensions=("nameConstraints = critical,permitted;DNS:lab",))
NOT_HERE = Authority("Lab Not Here", LAB, extensions=("nameConstraints = critical,excluded;DNS:lab",))

RULES = (
    ("root-expired", "an anchor that is expired and self-signed (R55d)", "dane-broken",
     ROOT, under(OLD_ROOT)),
    ("root-expired-full", "the same as 2 0 0 (R55d)", "dane-broken", Tlsa("2 0 0", "root"),
     under(OLD_ROOT)),
    ("root-not-yet-valid", "a self-signed anchor of tomorrow (R55d)", "dane-broken",
     ROOT, under(NEW_ROOT)),
    ("sub-expired", "an expired intermediate as anchor (R55d)", "dane-ok", ISSUER, under(OLD_SUB)),
    ("sub-not-yet-valid", "an intermediate of tomorrow as anchor (R55d)", "dane-ok", ISSUER,
     under(NEW_SUB)),
    ("below-expired", "an expired intermediate below the anchor (R55d)", "dane-broken",
     ROOT, under(OLD_SUB)),
    ("key-over-expired", "2 1 0 over an expired certificate (R55d)", "dane-broken",
     Tlsa("2 1 0", "root"), under(OLD_SUB, send="no-root")),
    ("leaf-expired", "an expired leaf (R55d)", "dane-broken", ISSUER, under(LAB, validity="expired")),
    ("leaf-not-yet-valid", "a leaf of tomorrow (R55d)", "dane-broken", ISSUER,
     under(LAB, validity="future")),
    ("no-ca", "an anchor that is no CA (R55e)", "dane-broken", ISSUER, under(NEITHER)),
    ("no-ca-root", "a self-signed anchor that is no CA (R55e)", "dane-broken", ISSUER,
     under(NO_CA_ROOT)),
    ("no-constraints", "an anchor without basic constraints (R55e)", "dane-broken", ISSUER,
     under(UNSAID)),
    ("no-constraints-root", "a self-signed anchor without basic constraints (R55e)",
     "dane-broken", ISSUER, under(UNSAID_ROOT)),
    ("no-signing", "an anchor whose key may not sign certificates (R55e)", "dane-broken", ISSUER,
     under(NO_SIGNING)),
    ("no-ca-below", "no CA below the anchor (R55e)", "dane-broken", ROOT, under(NEITHER)),
    ("mail-only", "an anchor for another purpose (R55f)", "dane-broken", ISSUER, under(MAIL_ONLY)),
    ("leaf-for-servers", "a leaf for servers (R55f)", "dane-ok", ISSUER,
     under(LAB, extensions=("extendedKeyUsage = serverAuth",))),
    ("leaf-for-clients", "a leaf for clients (R55f)", "dane-broken", ISSUER,
     under(LAB, extensions=(CLIENT,))),
    ("leaf-for-any", "a leaf for any purpose (R55f)", "dane-broken", ISSUER,
     under(LAB, extensions=("extendedKeyUsage = anyExtendedKeyUsage",))),
    ("leaf-key-signs", "a leaf key for signatures (R55f)", "dane-ok", ISSUER,
     under(LAB, extensions=("keyUsage = critical,digitalSignature",))),
    ("leaf-key-certifies", "a leaf key for certificates only (R55f)", "dane-broken", ISSUER,
     under(LAB, extensions=("keyUsage = critical,keyCertSign",))),
    ("leaf-is-ca", "a leaf that is a CA (R55e)", "dane-ok", ISSUER, under(LAB, ca=True)),
    ("leaf-strange", "a critical extension that nobody knows (R55g)", "dane-broken", ISSUER,
     under(LAB, extensions=("1.2.3.4 = critical,DER:0500",))),
    ("strange", "the same in the anchor (R55g)", "dane-broken", ISSUER, under(STRANGE_CA)),
    ("path-too-long", "a path longer than the anchor allows (R55g)", "dane-broken", ROOT,
     under(BELOW_SHORT)),
    ("path-just-right", "the leaf directly below that anchor (R55g)", "dane-ok", ROOT,
     under(SHORT)),
    ("names-elsewhere", "the anchor may only sign for others (R55g)", "dane-broken", ISSUER,
     under(ONLY_ELSEWHERE)),
    ("names-here", "the anchor may sign for this name (R55g)", "dane-ok", ISSUER,
     under(ONLY_HERE)),
    ("names-not-here", "the anchor may not sign for this name (R55g)", "dane-broken", ISSUER,
     under(NOT_HERE)),
)

PKIX = (
    ("expired", "an expired leaf", Certificate(validity="expired")),
    ("not-yet-valid", "a leaf of tomorrow", Certificate(validity="future")),
    ("for-clients", "a leaf for clients", Certificate(extensions=(CLIENT,))),
    ("self-signed", "a self-signed leaf", Certificate(None)),
    ("private", "an authority that nobody knows", Certificate(PRIVATE)),
    ("no-intermediate", "the intermediate is not sent", Certificate(send="nothing")),
    ("root-sent", "the root is sent too", Certificate(send="all")),
    ("reversed", "the chain comes upside down", Certificate(send="reversed")),
    ("strangers", "certificates that do not belong there", Certificate(send="strangers")),
    ("old-intermediate", "an expired intermediate",
     Certificate(Authority("Lab Public Old", TRUSTED_ROOT, validity="expired"))),
    ("no-ca", "an intermediate that is no CA",
     Certificate(Authority("Lab Public Neither", TRUSTED_ROOT, ca=False))),
    ("deep", "two intermediates", Certificate(Authority("Lab Public Deep", TRUSTED))),
)

SCENARIOS = (
    *(
        one_host(name, about, verdict, tlsa, listener=Listener("postfix-b", certificate=certificate))
        for name, about, verdict, tlsa, certificate in SENT
    ),
    *(
        one_host(f"anchor-form-{form.replace(' ', '-')}", f"{form} of the issuer (R55a), whom nobody else trusts (R59)",
                 "dane-ok", Tlsa(form, "issuer"), listener=Listener(certificate=OWN_CA))
        for form in FORMS
    ),
    *(
        one_host(f"anchor-{name}", about, verdict, tlsa, listener=Listener(certificate=certificate))
        for name, about, verdict, tlsa, certificate in RULES
    ),
    *(
        one_host(f"pkix-{name}", f"verify and secure: {about} (R65, R66); encrypt and may take it (R69, R76)", "no-dane",
                 listener=Listener(certificate=certificate))
        for name, about, certificate in PKIX
    ),
    *(
        one_host(f"stale-{name}", f"alternatives to encrypt: {about} (R65 to R67)", "dane-broken",
                 Tlsa("3 1 1", "stale"), listener=Listener(certificate=certificate))
        for name, about, certificate in PKIX
    ),
)
