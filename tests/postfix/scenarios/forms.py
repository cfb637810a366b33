"""What most scenarios are made of."""

from model import PRIVATE, Certificate, Host, Listener, Scenario, Script, Tlsa

OWN_CA = Certificate(PRIVATE)
RIGHT = Tlsa("3 1 1")
STALE = Tlsa("3 1 1", "stale")
POSTFIX = Listener("postfix-a")
NOBODY = Listener("nobody")
PLAIN = Listener("postfix-b", starttls=False)


def one_host(name: str, about: str, verdict: str, *tlsa: Tlsa, listener=Listener(), **more):
    """A signed domain with one MX host, `mail`."""
    more.setdefault("mx", ("10 mail",))
    return Scenario(name, about, verdict, hosts=(Host("mail", (listener,), tlsa),), **more)


def scripted(certificate: Certificate = Certificate(), **script) -> Listener:
    """A scripted server."""
    return Listener("script", certificate=certificate, script=Script(**script))


def good(name: str = "mail", **listener) -> Host:
    """A host whose TLSA record holds."""
    listener.setdefault("software", "postfix-a")
    return Host(name, (Listener(**listener),), (RIGHT,))


def stale(name: str = "mail", **listener) -> Host:
    """A host whose TLSA record does not hold."""
    listener.setdefault("software", "postfix-a")
    return Host(name, (Listener(**listener),), (STALE,))
