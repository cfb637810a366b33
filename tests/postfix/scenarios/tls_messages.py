"""TLS messages that are odd in form: entries of the Certificate message that are
none, records of one byte, a message as long as OpenSSL takes and longer.

OpenSSL reads every entry, whatever the policy asks for; of a Certificate message it
takes 100 KiB (`SSL_MAX_CERT_LIST_DEFAULT`).
"""

from model import PRIVATE, Certificate, Tlsa
from scenarios.forms import RIGHT, one_host, scripted

ISSUER = Tlsa("2 1 1", "issuer")
OWN = Certificate(PRIVATE)


def shaped(name: str, about: str, verdict: str, *tlsa: Tlsa, **script):
    """A server whose TLS is made by hand."""
    listener = scripted(**script)
    return one_host(f"message-{name}", about, verdict, *tlsa, listener=listener)


def crowd(name: str, about: str, verdict: str, count: int, newest: str, *tlsa: Tlsa):
    """A server that sends so many certificates of strangers behind its own."""
    listener = scripted(Certificate(send=f"crowd-{count}"), newest=newest)
    return one_host(f"message-{name}", about, verdict, *tlsa, listener=listener)


SCENARIOS = (
    shaped("by-hand", "TLS 1.2 made by hand", "dane-ok", RIGHT, entries="usual"),
    shaped("junk-last", "an entry that is no DER, behind the chain", "dane-broken", RIGHT,
           entries="junk-last"),
    shaped("junk-second", "an entry that is no DER, behind the leaf", "dane-broken", ISSUER,
           entries="junk-second"),
    shaped("junk-first", "an entry that is no DER, in place of the leaf", "dane-broken", RIGHT,
           entries="junk-first"),
    shaped("junk-first-without-tlsa", "the same without a TLSA record", "no-dane",
           entries="junk-first"),
    shaped("junk-last-without-tlsa", "an entry that is no DER, and no TLSA record", "no-dane",
           entries="junk-last"),
    shaped("junk-far", "an entry that is no DER, behind 30 others", "dane-broken", RIGHT,
           entries="junk-far"),
    shaped("empty-last", "an entry of no bytes, behind the chain", "dane-broken", RIGHT,
           entries="empty-last"),
    shaped("empty-second", "an entry of no bytes, behind the leaf", "dane-broken", ISSUER,
           entries="empty-second"),
    shaped("leaf-and-more", "a byte behind the leaf, in its entry", "dane-broken", RIGHT,
           entries="leaf-and-more"),
    shaped("one-byte-records", "the handshake in records of one byte", "dane-ok", RIGHT, record=1),
    shaped("one-byte-records-ta", "the same, and a record that names the CA", "dane-ok", ISSUER,
           record=1),
    shaped("three-byte-records", "the handshake in records of three bytes", "dane-ok", RIGHT,
           record=3),
    crowd("crowd-tls-1.2", "a Certificate message of 80 KB, TLS 1.2", "dane-ok", 200, "TLSv1_2",
          RIGHT),
    crowd("crowd-tls-1.3", "a Certificate message of 80 KB, TLS 1.3", "dane-ok", 200, "TLSv1_3",
          RIGHT),
    crowd("crowd-stale", "the same, and a record that does not fit", "dane-broken", 200,
          "TLSv1_3", Tlsa("3 1 1", "stale")),
    crowd("throng-tls-1.2", "a Certificate message of 130 KB, TLS 1.2", "dane-broken", 330,
          "TLSv1_2", RIGHT),
    crowd("throng-tls-1.3", "a Certificate message of 130 KB, TLS 1.3", "dane-broken", 330,
          "TLSv1_3", RIGHT),
    crowd("throng-without-tlsa", "the same without a TLSA record", "no-dane", 330, "TLSv1_3"),
)
