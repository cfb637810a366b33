"""TLSA records against the certificate that the server shows."""

from model import Certificate, Host, Listener, Scenario, Tlsa

PRIVATE = Certificate(issuer="private")


def one_host(name: str, about: str, verdict: str, *tlsa: Tlsa, certificate=Certificate(), software="postfix-a"):
    """A domain with one MX host, all of it signed."""
    host = Host("mail", (Listener(software, certificate=certificate),), tlsa)
    return Scenario(name, about, verdict, hosts=(host,), mx=("10 mail",))


SCENARIOS = (
    one_host("all-well", "3 1 1 of the key in use", "dane-ok", Tlsa("3 1 1")),
    one_host(
        "exim-all-well", "3 1 1 of an exim's key", "dane-ok", Tlsa("3 1 1"), software="exim"
    ),
    one_host(
        "anchor-sent", "2 1 1 of a private CA that is sent", "dane-ok",
        Tlsa("2 1 1", "issuer"), certificate=PRIVATE,
    ),
    one_host(
        "anchor-not-sent", "2 1 1 of a root that the server keeps to itself", "dane-broken",
        Tlsa("2 1 1", "root"),
    ),
    one_host(
        "anchor-wrong-name", "2 1 1 holds, and the certificate is for another name", "dane-broken",
        Tlsa("2 1 1", "issuer"), certificate=Certificate("private", names=("www.elsewhere.lab",)),
    ),
    one_host(
        "leaf-expired-self-signed", "3 1 1 asks neither for dates nor for an issuer", "dane-ok",
        Tlsa("3 1 1"), certificate=Certificate("self", expired=True),
    ),
    one_host(
        "stale", "3 1 1 of a key that was replaced", "dane-broken", Tlsa("3 1 1", "stale")
    ),
    one_host(
        "stale-exim", "3 1 1 of a key that an exim has replaced", "dane-broken",
        Tlsa("3 1 1", "stale"), certificate=Certificate("self"), software="exim",
    ),
    one_host(
        "stale-sha512-beside-sha256", "digest agility: SHA-512 hides the right SHA-256",
        "dane-broken", Tlsa("3 1 2", "stale"), Tlsa("3 1 1"),
    ),
    one_host(
        "roll-over", "the old and the new key are both published", "dane-ok",
        Tlsa("3 1 1", "stale"), Tlsa("3 1 1"),
    ),
    one_host(
        "usage-1-only", "PKIX-EE is not for SMTP", "dane-unusable", Tlsa("1 1 1")
    ),
    one_host("no-tlsa", "signed, without TLSA records", "no-dane"),
)
