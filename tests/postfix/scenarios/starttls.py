"""STARTTLS: not offered, failing, without a certificate, too old."""

from model import Host, Listener, Scenario, Tlsa

NO_PROTOCOL = ("smtpd_tls_protocols=SSLv3",)
OLD_PROTOCOL = ("smtpd_tls_protocols=TLSv1",)


def one_host(name: str, about: str, verdict: str, listener: Listener, *tlsa: Tlsa) -> Scenario:
    """A signed domain with one such MX host."""
    return Scenario(name, about, verdict, hosts=(Host("mail", (listener,), tlsa),), mx=("10 mail",))


SCENARIOS = (
    one_host(
        "starttls-off", "TLSA records, and no STARTTLS", "dane-broken",
        Listener("postfix-b", starttls=False), Tlsa("3 1 1"),
    ),
    one_host(
        "starttls-off-without-tlsa", "neither TLSA records nor STARTTLS", "no-dane",
        Listener("postfix-b", starttls=False),
    ),
    one_host(
        "handshake-fails", "TLSA records, and no handshake succeeds", "dane-broken",
        Listener(options=NO_PROTOCOL), Tlsa("3 1 1"),
    ),
    one_host(
        "handshake-fails-without-tlsa", "no handshake succeeds; plain text at the retry",
        "no-dane", Listener(options=NO_PROTOCOL),
    ),
    one_host(
        "no-certificate", "a server that can do anonymous TLS only", "no-dane",
        Listener(certificate=None),
    ),
    one_host(
        "old-protocol-only", "the handshake holds where nothing has to match", "dane-broken",
        Listener(options=OLD_PROTOCOL), Tlsa("3 1 1"),
    ),
)
