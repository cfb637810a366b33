"""TLS by means that are old or rare, or new: what one OpenSSL speaks and others do
not, or have dropped.

Each server has a TLSA record that fits, so that `dane` shows what the security
level of OpenSSL makes of the handshake, and `encrypt` that it would hold.
"""

from model import Certificate, Host, Listener, Scenario, Tlsa

RSA = Certificate(key="RSA-2048")
TLS_1_0 = "smtpd_tls_protocols=TLSv1"
TLS_1_1 = "smtpd_tls_protocols=TLSv1.1"
TLS_1_2 = "smtpd_tls_protocols=TLSv1.2"
TLS_1_3 = "smtpd_tls_protocols=TLSv1.3"


def suites(names: str) -> str:
    """Only these cipher suites, up to TLS 1.2."""
    return f"tls_medium_cipherlist={names}"


def groups(names: str) -> str:
    """Only these curves."""
    return f"tls_eecdh_auto_curves={names}"


def server(
    name: str,
    about: str,
    verdict: str,
    *options: str,
    certificate: Certificate | None = Certificate(),
    tlsa: tuple[Tlsa, ...] = (Tlsa("3 1 1"),),
) -> Scenario:
    """A signed domain with one such MX host."""
    listener = Listener("postfix-b", certificate=certificate, options=options)
    return Scenario(
        f"old-{name}", about, verdict, hosts=(Host("mail", (listener,), tlsa),), mx=("10 mail",)
    )


def newest(
    name: str,
    about: str,
    verdict: str,
    *options: str,
    tlsa: tuple[Tlsa, ...] = (Tlsa("3 1 1"),),
) -> Scenario:
    """A server on Debian 13's OpenSSL, with no groups but those in the options."""
    options = ("tls_ffdhe_auto_groups=", *options)
    listener = Listener("postfix-newer", options=options)
    return Scenario(
        f"newer-{name}", about, verdict, hosts=(Host("mail", (listener,), tlsa),), mx=("10 mail",)
    )


def key(name: str, about: str, verdict: str, kind: str, *options: str) -> Scenario:
    """A server with a key of this kind, whose certificate the public CA signed."""
    return server(name, about, verdict, *options, certificate=Certificate(key=kind))


SCENARIOS = (
    # Protocol versions.
    server("tls-1.1", "TLS 1.1 only", "dane-broken", TLS_1_1),
    server("tls-1.0-rsa", "TLS 1.0 only, nothing is signed in the handshake", "dane-ok",
           TLS_1_0, suites("kRSA"), certificate=RSA),
    server("tls-1.1-rsa", "TLS 1.1 only, nothing is signed in the handshake", "dane-ok",
           TLS_1_1, suites("kRSA"), certificate=RSA),
    server("tls-1.0-without-tlsa", "TLS 1.0 only, and no TLSA record", "no-dane", TLS_1_0, tlsa=()),
    server("tls-1.0-unusable", "TLS 1.0 only, and no TLSA record can be loaded",
           "dane-unusable", TLS_1_0, tlsa=(Tlsa("3 5 1"),)),
    server("tls-1.0-ta", "TLS 1.0 only, and a record that names the CA", "dane-broken",
           TLS_1_0, tlsa=(Tlsa("2 1 1", "issuer"),)),
    # Key exchange.
    server("rsa-key-exchange", "the key exchange of RSA only", "dane-ok",
           TLS_1_2, suites("kRSA"), certificate=RSA),
    server("rsa-key-exchange-ta", "the key exchange of RSA only, a record that names the CA",
           "dane-ok", TLS_1_2, suites("kRSA"), certificate=RSA, tlsa=(Tlsa("2 1 1", "issuer"),)),
    server("rsa-key-exchange-stale", "the key exchange of RSA only, a record that does not fit",
           "dane-broken", TLS_1_2, suites("kRSA"), certificate=RSA,
           tlsa=(Tlsa("3 1 1", "stale"),)),
    server("dhe", "Diffie-Hellman without curves only", "dane-ok",
           TLS_1_2, suites("kDHE"), certificate=RSA),
    server("dhe-1024", "the same with 1024 bits", "dane-ok",
           TLS_1_2, suites("kDHE"), "smtpd_tls_dh1024_param_file={dh1024}", certificate=RSA),
    server("cbc", "suites without authenticated encryption only", "dane-ok",
           TLS_1_2, suites("ECDHE+SHA1")),
    server("p521-group", "TLS 1.2, the curve P-521 only", "dane-ok", TLS_1_2, groups("secp521r1")),
    server("p521-group-tls-1.3", "TLS 1.3, the curve P-521 only", "dane-ok",
           TLS_1_3, groups("secp521r1")),
    server("x448-group-tls-1.3", "TLS 1.3, the curve X448 only", "dane-ok",
           TLS_1_3, groups("X448")),
    server("ffdhe2048-group-tls-1.3", "TLS 1.3, the group ffdhe2048 only", "dane-broken",
           TLS_1_3, groups("ffdhe2048")),
    server("ffdhe2048-group-stale", "the same, and a record that does not fit", "dane-broken",
           TLS_1_3, groups("ffdhe2048"), tlsa=(Tlsa("3 1 1", "stale"),)),
    server("ffdhe2048-group-without-tlsa", "the same without a TLSA record", "no-dane",
           TLS_1_3, groups("ffdhe2048"), tlsa=()),
    server("ffdhe3072-group-tls-1.3", "TLS 1.3, the group ffdhe3072 only", "dane-broken",
           TLS_1_3, groups("ffdhe3072")),
    # Groups that only newer OpenSSL has.
    newest("hybrid-group", "TLS 1.3, the group X25519MLKEM768 only", "dane-broken",
           TLS_1_3, groups("X25519MLKEM768")),
    newest("hybrid-group-stale", "the same, and a record that does not fit", "dane-broken",
           TLS_1_3, groups("X25519MLKEM768"), tlsa=(Tlsa("3 1 1", "stale"),)),
    newest("hybrid-group-ta", "the same, and a record that names the CA", "dane-broken",
           TLS_1_3, groups("X25519MLKEM768"), tlsa=(Tlsa("2 1 1", "issuer"),)),
    newest("hybrid-group-without-tlsa", "the same without a TLSA record", "no-dane",
           TLS_1_3, groups("X25519MLKEM768"), tlsa=()),
    newest("hybrid-group-any-version", "the same group, and TLS 1.2 too", "dane-broken",
           groups("X25519MLKEM768")),
    newest("hybrid-group-or-x25519", "the same group and x25519", "dane-ok",
           TLS_1_3, groups("X25519MLKEM768,X25519")),
    newest("hybrid-group-on-p256", "the group SecP256r1MLKEM768 only", "dane-broken",
           TLS_1_3, groups("SecP256r1MLKEM768")),
    newest("lattice-group", "the group MLKEM768 only", "dane-broken",
           TLS_1_3, groups("MLKEM768")),
    server("ccm8", "TLS 1.2, a suite with a short tag only", "dane-ok",
           TLS_1_2, suites("ECDHE-ECDSA-AES128-CCM8")),
    server("ccm8-or-cbc", "the server prefers a suite with a short tag to another old one",
           "dane-ok", TLS_1_2, suites("AES256-CCM8:AES128-SHA"), "tls_preempt_cipherlist=yes",
           certificate=RSA),
    server("tls-1.3", "TLS 1.3 only", "dane-ok", TLS_1_3),
    # Anonymous suites.
    server("anonymous-tls-1.0", "anonymous suites only, and TLS 1.0", "no-dane",
           TLS_1_0, certificate=None, tlsa=()),
    server("anonymous-first", "a client may choose between anonymous and authenticated",
           "dane-ok", TLS_1_2, suites("aNULL:kRSA"), certificate=RSA),
    # Keys and signatures.
    key("key-p521", "a key on P-521", "dane-ok", "P-521"),
    key("key-p521-tls-1.2", "a key on P-521, and TLS 1.2", "dane-ok", "P-521", TLS_1_2),
    key("key-ed448", "an Ed448 key", "dane-ok", "ED448"),
    key("key-ed448-tls-1.2", "an Ed448 key, and TLS 1.2", "dane-ok", "ED448", TLS_1_2),
    key("key-ed25519-tls-1.2", "an Ed25519 key, and TLS 1.2", "dane-ok", "ED25519", TLS_1_2),
    key("key-rsa-pss", "a key for RSA-PSS alone", "dane-ok", "RSA-PSS"),
    key("key-rsa-pss-tls-1.2", "a key for RSA-PSS alone, and TLS 1.2", "dane-ok",
        "RSA-PSS", TLS_1_2),
    key("key-brainpool", "a key on a Brainpool curve", "dane-broken", "brainpoolP256r1"),
    key("key-secp256k1", "a key on secp256k1", "dane-broken", "secp256k1"),
    key("key-dsa", "a DSA key", "dane-ok", "DSA"),
    key("key-dsa-named", "a DSA key, and no anonymous suite", "dane-ok", "DSA",
        TLS_1_2, suites("aDSS")),
    key("key-rsa-1024", "an RSA key of 1024 bits", "dane-ok", "RSA-1024"),
    key("key-rsa-1024-tls-1.2", "the same, and TLS 1.2", "dane-ok", "RSA-1024", TLS_1_2),
    key("key-rsa-768", "an RSA key of 768 bits", "dane-broken", "RSA-768"),
    key("key-rsa-768-rsa", "the same, and the key exchange of RSA only", "dane-broken",
        "RSA-768", TLS_1_2, suites("kRSA")),
    key("key-rsa-512", "an RSA key of 512 bits", "dane-broken", "RSA-512"),
    key("key-rsa-512-tls-1.2", "the same, and TLS 1.2", "dane-broken", "RSA-512", TLS_1_2),
    server("sha1-certificate", "a certificate signed over SHA-1, a key exchange of RSA only",
           "dane-ok", TLS_1_2, suites("kRSA"),
           certificate=Certificate(key="RSA-2048", digest="sha1")),
    server("sha1-certificate-ta", "the same, and a record that names the CA", "dane-broken",
           TLS_1_2, suites("kRSA"), certificate=Certificate(key="RSA-2048", digest="sha1"),
           tlsa=(Tlsa("2 1 1", "issuer"),)),
)
