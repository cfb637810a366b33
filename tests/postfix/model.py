"""What a scenario is made of: zones, mail hosts, their listeners and certificates.

Names follow zone-file rules: a name without a final dot is relative to the
scenario's own domain, `SCENARIO.lab.`, and `@` is that domain itself.
"""

import ipaddress
import re
from dataclasses import dataclass, field

LEVELS = ("none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")
TOP = "lab."


@dataclass(frozen=True)
class Authority:
    """An issuer of certificates. `issuer` None: self-signed.

    `validity` is `valid`, `expired` or `future`; `ca` None leaves the basic
    constraints out. `rewritten` are extensions that `resign.py` writes. A `trusted` root is in the trust store and is not sent.
    """

    name: str
    issuer: "Authority | None" = None
    key: str = "P-256"
    digest: str | None = None
    validity: str = "valid"
    ca: bool | None = True
    extensions: tuple[str, ...] = ()
    rewritten: tuple[tuple[str, str, bool], ...] = ()
    trusted: bool = False


TRUSTED_ROOT = Authority("Lab Public Root", trusted=True)
TRUSTED = Authority("Lab Public Intermediate", TRUSTED_ROOT)
PRIVATE = Authority("Lab Private CA")


@dataclass(frozen=True)
class Certificate:
    """A server certificate, made on the spot.

    `issuer` None: self-signed. In `names` and `common_name`, `{host}` and
    `{domain}` stand for the host's and the scenario's name. `key` is one of
    `keygen.KEYS`, `digest` what the issuer signs with. `send` is what is sent above
    the leaf: `usual`, `nothing`, `all` (a trusted root too), `reversed`,
    `no-root`, `strangers` (unrelated certificates in between), or `crowd-N` (N of
    them behind). `variant`
    tells apart what is otherwise the same.
    """

    issuer: Authority | None = TRUSTED
    names: tuple[str, ...] = ("{host}",)
    common_name: str = "{host}"
    validity: str = "valid"
    key: str = "P-256"
    digest: str | None = None
    ca: bool | None = False
    extensions: tuple[str, ...] = ()
    rewritten: tuple[tuple[str, str, bool], ...] = ()
    send: str = "usual"
    variant: int = 0


@dataclass(frozen=True)
class Script:
    """What a scripted mail server says where a healthy one would not.

    A reply is its text (lines parted by a line feed), or one of the words
    `drop` (the connection is closed), `reset`, `hang` and `garbage`. Among its
    lines, `!close` closes the connection and `!wait 0.5` waits. `after`
    is what follows the reply to STARTTLS: `tls`, or one of these words.
    `client_certificate` is `none`, `asked` or `demanded`; `names` (SNI) are
    `welcome`, `demanded` or `refused`. `entries` is a shape of the Certificate
    message (`tls12.entries`), and `record` how many bytes of the handshake go into a
    record: with either, the server's TLS is that of `tls12.py`.
    """

    greeting: str = "220 scripted ESMTP"
    delay: float = 0
    ehlo: str = "250-scripted\n250 STARTTLS"
    helo: str = "250 scripted"
    starttls: str = "220 go ahead"
    after: str = "tls"
    greeting_in_tls: str = ""
    ehlo_in_tls: str = "250 scripted"
    helo_in_tls: str = "250 scripted"
    ciphers: str = ""
    newest: str = "TLSv1_3"
    client_certificate: str = "none"
    names: str = "welcome"
    entries: str = ""
    record: int = 0


@dataclass(frozen=True)
class Listener:
    """One address with one mail server on its port.

    `software` is `postfix-a`, `postfix-b`, `postfix-newer` (that of Debian 13, on its
    OpenSSL), `exim`, `script`, `nobody` for an address where connections are refused, `deaf` for one where they are never
    answered, or `nowhere` for one that no route leads to. `certificate` None:
    TLS without certificate. `second` is a certificate of another key type on
    the same server; `sni` are those shown to who asks for these names (`*`:
    any name). `options` are Postfix parameters of this listener alone;
    `{dh1024}` in one is a file with Diffie-Hellman parameters of so many bits.
    """

    software: str = "script"
    family: int = 4
    certificate: Certificate | None = Certificate()
    starttls: bool = True
    options: tuple[str, ...] = ()
    script: Script = Script()
    second: Certificate | None = None
    sni: tuple[tuple[str, Certificate], ...] = ()
    address: str | None = None

    @property
    def listens(self) -> bool:
        """Whether somebody answers there."""
        return self.software not in ("nobody", "deaf", "nowhere")


@dataclass(frozen=True)
class Tlsa:
    """One TLSA record, computed from a listener's certificate.

    `of` is `leaf`, `issuer` (of the leaf), `root` (of the chain), `second`,
    `sni` (the first such certificate), `stale`, something else, or `stranger`,
    a certificate that is not served. `form` is
    `right`, `short` (a byte less), `long` (a byte more), `empty` or `garbage`.
    `owner` defaults to `_PORT._tcp.HOST`; `rdata` is the whole record in
    hexadecimal instead.
    """

    parameters: str = "3 1 1"
    of: str = "leaf"
    owner: str | None = None
    form: str = "right"
    listener: int = 0
    rdata: str | None = None


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
    or do not hold; `expired=("*",)` is the whole zone. `nsec3` are options of
    dnssec-signzone, such as `-3 -`; `ds` is `right`, `missing`, `wrong` or
    `unknown` (of an algorithm that nobody knows).
    """

    name: str = "@"
    signed: bool = True
    expired: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    nsec3: str = ""
    ds: str = "right"
    algorithm: str = "ECDSAP256SHA256"


@dataclass(frozen=True)
class Fault:
    """Misbehaviour of a name server towards questions of one type.

    `does` is a response code in lower case, `silence`, `garbage`, `slow`,
    `truncated`, `no-ad`, or `tlsa:HEX`, a TLSA record that no signer would
    take, vouched for. `at` is `resolver`, which Postfix asks, or
    `authority`, which the resolver asks. `name` None: any name.
    """

    record_type: str
    does: str
    name: str | None = None
    at: str = "resolver"


@dataclass(frozen=True)
class Scenario:
    """One next hop, everything behind it, and what cannot be measured of it.

    All outcomes are measured with real Postfix; only `verdict` is stated, and
    checked against what was measured (None: any that this allows). `repeat` is
    for scenarios where Postfix chooses at random: so many messages a level, and
    the weakest outcome counts.
    `target` is a name, `[name]` or `[address]`, each with or without `:port`;
    `options` are further arguments of danecheck.
    """

    name: str
    about: str
    verdict: str | None
    hosts: tuple[Host, ...] = ()
    mx: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    zones: tuple[Zone, ...] = (Zone(),)
    target: str = "@"
    repeat: int = 1
    faults: tuple[Fault, ...] = ()
    options: tuple[str, ...] = ()

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
    def port(self) -> int:
        """The port of the target."""
        found = re.search(r"(?:\]|^[^\[\]]*):(\d+)$", self.target)
        return int(found[1]) if found else 25

    @property
    def next_hop(self) -> str:
        """The target as Postfix and danecheck take it, with absolute names."""
        found = re.fullmatch(r"(\[?)([^\[\]]*?)(\]?)((?<=\]):\d+|(?<!\]):\d+|)", self.target)
        opened, name, closed, port = found.groups()
        if not is_address(name):
            name = self.absolute(name).rstrip(".")
        return f"{opened}{name}{closed}{port}"


def is_address(text: str) -> bool:
    """Whether this is an IP address and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Placed:
    """A listener with the address and the certificates that it was given.

    `issued` and `second` are those of the listener; `sni` has them by name.
    """

    host: str
    listener: Listener
    address: str
    port: int = 25
    issued: "object | None" = None
    second: "object | None" = None
    sni: dict = field(default_factory=dict, hash=False)
