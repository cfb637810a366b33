"""What a scenario is made of: zones, mail hosts, their listeners and certificates.

Names follow zone-file rules: a name without a final dot is relative to the
scenario's own domain, `SCENARIO.lab.`, and `@` is that domain itself.
"""

from dataclasses import dataclass, field

LEVELS = ("none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")
TOP = "lab."


@dataclass(frozen=True)
class Certificate:
    """A server certificate, made on the spot.

    `issuer` is `trusted` (the lab's public CA: root, intermediate, leaf; the
    root is in the trust store and is never sent), `private` (a CA that nobody
    trusts, sent along), or `self`. `key` is one of `certificates.KEYS`, and
    `digest` what the issuer signs with.
    """

    issuer: str = "trusted"
    names: tuple[str, ...] = ()
    expired: bool = False
    send_chain: bool = True
    key: str = "P-256"
    digest: str = "sha256"


@dataclass(frozen=True)
class Listener:
    """One address with one mail server on its port 25.

    `software` is `postfix-a`, `postfix-b`, `exim`, or `nobody` for an address
    where connections are refused. `certificate` None: TLS without certificate.
    `options` are Postfix parameters of this listener alone; `{dh1024}` in one
    is a file with Diffie-Hellman parameters of so many bits.
    """

    software: str = "postfix-a"
    family: int = 4
    certificate: Certificate | None = Certificate()
    starttls: bool = True
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tlsa:
    """One TLSA record, computed from the first listener's certificate.

    `of` is `leaf`, `issuer` (of the leaf), `root` (of the chain) or `stale`,
    a digest of something else. `owner` defaults to `_25._tcp.HOST`.
    """

    parameters: str
    of: str = "leaf"
    owner: str | None = None


@dataclass(frozen=True)
class Host:
    """A mail host: its address records follow from its listeners."""

    name: str
    listeners: tuple[Listener, ...] = (Listener(),)
    tlsa: tuple[Tlsa, ...] = ()


@dataclass(frozen=True)
class Zone:
    """A zone of the scenario; the delegation and the DS follow from it.

    `expired` and `broken` list the record types whose signatures have expired
    or do not hold; `expired=("*",)` is the whole zone.
    """

    name: str = "@"
    signed: bool = True
    expired: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One next hop, everything behind it, and what cannot be measured of it.

    All outcomes are measured with real Postfix; only `verdict` is stated, and
    checked against what was measured. `repeat` is for scenarios where Postfix
    chooses at random: so many messages a level, and the weakest outcome counts.
    """

    name: str
    about: str
    verdict: str
    hosts: tuple[Host, ...] = ()
    mx: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    zones: tuple[Zone, ...] = (Zone(),)
    target: str = "@"
    repeat: int = 1

    @property
    def domain(self) -> str:
        """The scenario's own domain, with the final dot."""
        return f"{self.name}.{TOP}"

    def absolute(self, name: str) -> str:
        """`name` by zone-file rules, with the final dot."""
        if name == "@":
            return self.domain
        return name if name.endswith(".") else f"{name}.{self.domain}"

    @property
    def next_hop(self) -> str:
        """The target as Postfix and danecheck take it; `[mail]` stays bracketed."""
        if self.target.startswith("["):
            return f"[{self.absolute(self.target[1:-1]).rstrip('.')}]"
        return self.absolute(self.target).rstrip(".")


@dataclass(frozen=True)
class Placed:
    """A listener with the address and the certificate files it was given."""

    host: str
    listener: Listener
    address: str
    issued: "object | None" = field(default=None)
