"""Certificates that depend on the name asked for (SNI), and client certificates."""

from model import Certificate, Listener, Script, Tlsa
from scenarios.forms import RIGHT, STALE, one_host
from scenarios.unusable import HANDSHAKE, POLICY

OTHER = Certificate(None, names=("default.lab",), common_name="default.lab")
TRUSTED = Certificate()
SHOWN = Tlsa("3 1 1", "sni")


def by_name(default: Certificate | None, named: Certificate, **script) -> Listener:
    """One certificate for who asks for the host, another for everybody else."""
    return Listener("script", certificate=default, sni=(("mail", named),), script=Script(**script))


def picky(**script) -> Listener:
    """A server that minds whether it is asked for a name."""
    return Listener("script", script=Script(**script))


SCENARIOS = (
    one_host("sni-right", "3 1 1 of the certificate that only SNI brings (R52)", "dane-ok", SHOWN,
             listener=by_name(OTHER, TRUSTED)),
    one_host("sni-wrong", "3 1 1 of the certificate that SNI hides (R52)", "dane-broken", RIGHT,
             listener=by_name(OTHER, TRUSTED)),
    one_host("sni-stale", "secure needs servername=hostname here (R52)", "dane-broken", STALE,
             listener=by_name(OTHER, TRUSTED)),
    one_host("sni-not-needed", "another certificate with SNI, a good one without (R52)",
             "dane-broken", STALE, listener=by_name(TRUSTED, OTHER)),
    one_host("sni-without-tlsa", "verify and secure send no SNI (R52)", "no-dane",
             listener=by_name(OTHER, TRUSTED)),
    one_host("sni-unusable-policy", "no record is usable: no SNI (R40)", "dane-unusable", POLICY,
             listener=by_name(OTHER, TRUSTED)),
    one_host("sni-unusable-handshake", "no record is usable: SNI all the same (R42)",
             "dane-unusable", HANDSHAKE, listener=by_name(OTHER, TRUSTED)),
    one_host("sni-demanded", "no TLS without SNI: dane alone sends it (R52)", "dane-ok", RIGHT,
             listener=picky(names="demanded")),
    one_host("sni-demanded-without-tlsa", "no TLS without SNI, and nobody sends it (R52)",
             "no-dane", listener=picky(names="demanded")),
    one_host("sni-demanded-unusable-policy", "unusable with the policy: no SNI, no TLS (R40)",
             "dane-broken", POLICY, listener=picky(names="demanded")),
    one_host("sni-demanded-unusable-handshake", "unusable in the handshake: SNI, so TLS (R42)",
             "dane-unusable", HANDSHAKE, listener=picky(names="demanded")),
    one_host("sni-refused", "no TLS with SNI: dane fails where encrypt works (R52)", "dane-broken",
             RIGHT, listener=picky(names="refused")),
    one_host("sni-refused-unusable-policy", "unusable with the policy: no SNI (R40)",
             "dane-unusable", POLICY, listener=picky(names="refused")),
    one_host("sni-refused-unusable-handshake", "unusable in the handshake: SNI (R42)",
             "dane-broken", HANDSHAKE, listener=picky(names="refused")),
    one_host("client-certificate-asked", "a client certificate is asked for", "dane-ok", RIGHT,
             listener=picky(client_certificate="asked")),
    one_host("client-certificate-demanded", "demanded, in TLS 1.3: refused after the handshake (R73)",
             "dane-broken", RIGHT, listener=picky(client_certificate="demanded")),
    one_host("client-certificate-demanded-without-tlsa", "the same, without TLSA (R73)",
             "no-dane", listener=picky(client_certificate="demanded")),
    one_host("client-certificate-demanded-tls12", "demanded, in TLS 1.2: the handshake fails (R72)",
             "dane-broken", RIGHT,
             listener=picky(client_certificate="demanded", newest="TLSv1_2")),
    one_host("tls12-only", "a server that stops at TLS 1.2", "dane-ok", RIGHT,
             listener=picky(newest="TLSv1_2")),
    one_host("tls12-chacha", "one suite of TLS 1.2 only", "dane-ok", RIGHT,
             listener=picky(newest="TLSv1_2", ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")),
)
