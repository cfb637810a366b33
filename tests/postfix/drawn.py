"""Scenarios drawn by lot from the same parts as the others: for what nobody
thought of. A seed and a number always give the same scenario."""

from dataclasses import fields, is_dataclass, replace
from random import Random

from keygen import KEYS
from model import (
    TRUSTED,
    TRUSTED_ROOT,
    Authority,
    Certificate,
    Fault,
    Host,
    Listener,
    Scenario,
    Tlsa,
    Zone,
)
from scenarios.dialogue import CASES as DIALOGUES
from scenarios.faults import HARD, SOFT
from scenarios.forms import NOBODY, PLAIN, scripted
from scenarios.old_tls import TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, groups, suites
from scenarios.sni import picky
from scenarios.starttls import CASES as STARTTLS
from scenarios.starttls import NO_PROTOCOL, OLD_PROTOCOL

# So many messages a level where Postfix may draw lots.
DRAWS = 16

# With these each message waits out a time limit, and they fail as others do.
SLOW = ("hang", "garbage", "slow")
ODD = tuple(
    listener
    for name, listener in (
        *((name, scripted(**script)) for name, _, _, script in DIALOGUES),
        *((name, listener) for name, _, listener, _, _ in STARTTLS),
    )
    if not name.endswith(SLOW) or name == "starttls-then-garbage"
)
SERVERS = (
    (24, Listener("postfix-a")),
    (6, Listener("postfix-b")),
    (6, Listener("exim")),
    (10, Listener("script")),
    (5, PLAIN),
    (4, NOBODY),
    (0.2, Listener("deaf")),
    (0.5, Listener("nowhere")),
    (1, Listener("postfix-a", certificate=None)),
    (1, NO_PROTOCOL),
    (1, OLD_PROTOCOL),
    (1, picky(newest="TLSv1_2")),
    (1, picky(names="demanded")),
    (1, picky(names="refused")),
    (0.5, picky(client_certificate="demanded")),
    *((0.5, listener) for listener in ODD),
)
# Authorities above the leaf; none where it is self-signed.
DEPTHS = ((3, 0), (6, 1), (5, 2), (2, 3), (1, 4))
VALIDITIES = ((20, "valid"), (1, "expired"), (0.5, "future"))
AUTHORITY_KEYS = (
    (14, "P-256"), (1, "P-384"), (1, "P-521"), (1, "ED25519"), (1, "RSA-2048"), (1, "RSA-1024"),
    (0.4, "RSA-768"),
)
DIGESTS = ((14, None), (1, "sha1"), (1, "sha512"))
STRANGE = "1.2.3.4 = critical,DER:0500"
AUTHORITY_EXTENSIONS = (
    (16, ()),
    (3, ("keyUsage = critical,keyCertSign",)),
    (0.5, ("keyUsage = critical,cRLSign",)),
    (1, ("extendedKeyUsage = serverAuth",)),
    (0.5, ("extendedKeyUsage = emailProtection",)),
    (0.5, ("extendedKeyUsage = anyExtendedKeyUsage",)),
    (1, ("nameConstraints = critical,permitted;DNS:lab",)),
    (0.5, ("nameConstraints = critical,permitted;DNS:elsewhere.lab",)),
    (0.5, ("nameConstraints = critical,excluded;DNS:elsewhere.lab",)),
    (0.4, (STRANGE,)),
)
LEAF_EXTENSIONS = (
    (20, ()),
    (2, ("extendedKeyUsage = serverAuth",)),
    (0.7, ("extendedKeyUsage = clientAuth",)),
    (0.5, ("extendedKeyUsage = anyExtendedKeyUsage",)),
    (2, ("keyUsage = critical,digitalSignature",)),
    (0.7, ("keyUsage = critical,keyEncipherment",)),
    (0.5, ("keyUsage = critical,keyCertSign",)),
    (0.5, (STRANGE,)),
)
NAMES = (
    (10, ("{host}",)), (2, ("{domain}",)), (2, ("www.elsewhere.lab",)), (1, ("*.{domain}",)),
    (1, ("a.b.{domain}",)), (1, ("alias.{domain}",)), (1, ("*.lab", "{host}")), (1, ()),
)
SENDS = ((12, "usual"), (2, "nothing"), (1, "all"), (1, "reversed"), (1, "no-root"), (1, "strangers"))
VERSIONS = (
    (6, ()), (1, (TLS_1_0,)), (1, (TLS_1_1,)), (5, (TLS_1_2,)), (2, (TLS_1_3,)),
)
SUITES = (
    (8, ()),
    *((1, (suites(names),)) for names in (
        "kRSA", "kDHE", "ECDHE+SHA1", "aNULL:kRSA", "aNULL:HIGH", "AES128-SHA:ECDHE",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE+CHACHA20", "ECDSA",
    )),
)
GROUPS = (
    (6, ()),
    *((1, (groups(names),)) for names in (
        "secp521r1", "secp384r1", "X25519", "X448", "prime256v1", "secp521r1,X25519",
    )),
)
USAGES = ((10, 3), (7, 2), (2, 1), (1, 0), (0.4, 4), (0.4, 255))
SELECTORS = ((10, 1), (6, 0), (0.5, 2), (0.3, 255))
MATCHING_TYPES = ((10, 1), (4, 2), (3, 0), (0.5, 3), (0.5, 255))
SUBJECTS = {
    True: ((5, "issuer"), (3, "root"), (2, "leaf"), (2, "stale"), (1, "stranger")),
    False: ((7, "leaf"), (3, "stale"), (2, "stranger"), (1, "issuer")),
}
# No `empty`: Postfix 3.7 stops for a minute at one (R47).
FORMS = ((20, "right"), (1, "short"), (1, "long"), (0.5, "garbage"))
ZONES = (
    (14, Zone()),
    (3, Zone(signed=False)),
    (2, Zone(nsec3="-3 -")),
    (1, Zone(nsec3="-3 - -A")),
    (1, Zone(ds="missing")),
    (0.5, Zone(ds="wrong")),
    (0.7, Zone(broken=("TLSA",))),
    (0.7, Zone(expired=("TLSA",))),
    (0.5, Zone(broken=("NSEC",))),
    (0.5, Zone(broken=("AAAA",))),
    (0.3, Zone(broken=("MX",))),
    (0.3, Zone(broken=("A",))),
)
DISTURBED = (
    (8, ()), (1, (*SOFT, *HARD)), (1, ("nxdomain", "no-ad", "nodata-as-nxdomain", "truncated")),
)
TARGETS = ((16, "@"), (2, "[host]"), (1, "@:2526"), (1, "[host]:587"), (1, "www"))


def draw(seed: int, count: int) -> tuple[Scenario, ...]:
    """So many scenarios, by this seed."""
    return tuple(Draw(f"drawn-{seed}-{number}").scenario() for number in range(count))


def source(value: object) -> str:
    """The expression that makes this part of a scenario, without what goes unsaid."""
    if isinstance(value, tuple):
        return f"({''.join(f'{source(one)}, ' for one in value)})".replace(", )", ",)")
    if not is_dataclass(value):
        return repr(value)
    said = (
        f"{one.name}={source(given)}"
        for one in fields(value)
        if (given := getattr(value, one.name)) != one.default
    )
    return f"{type(value).__name__}({', '.join(said)})"


def signable(style):
    """The same certificate or authority, with a digest that its signer's key takes."""
    signer = style.issuer or style
    free = signer.key not in ("ED25519", "ED448", "RSA-512", "RSA-PSS")
    return style if free else replace(style, digest=None)


class Draw:
    """One scenario in the making."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.random = Random(name)
        self.provider = f"{name}-provider.lab."
        self.zones: list[Zone] = []
        self.records: list[str] = []
        self.mx: list[str] = []
        self.authorities = 0
        self.target = self.pick(TARGETS)
        self.port = Scenario(name, "", None, target=self.target).port

    def pick(self, choices):
        """One of them, by weight."""
        weights, values = zip(*choices)
        return self.random.choices(values, weights)[0]

    def chance(self, probability: float) -> bool:
        """Whether it comes up."""
        return self.random.random() < probability

    def scenario(self) -> Scenario:
        """All of it."""
        self.zones += [self.pick(ZONES), replace(self.pick(ZONES), name=self.provider)]
        hosts = [self.host("@")] if self.chance(0.07) else self.mail_exchangers()
        if self.target == "www":
            self.records.append("www CNAME @")
        first = self.mx[0].split()[1] if self.mx else hosts[0].name
        target = self.target.replace("host", first if "alias" in first else hosts[0].name)
        lots = len({one.split()[0] for one in self.mx}) < len(self.mx) or any(
            len(host.listeners) > 1 for host in hosts
        )
        return Scenario(
            self.name, f"drawn by {self.name}", None, hosts=tuple(hosts), mx=tuple(self.mx),
            records=tuple(self.records), zones=tuple(self.zones), target=target,
            repeat=DRAWS if lots else 1, faults=self.faults(hosts),
        )

    def mail_exchangers(self) -> list[Host]:
        """Some hosts, and the MX records."""
        count = self.pick(((5, 1), (4, 2), (2, 3)))
        hosts = [
            self.host(f"mx{number}" + (f".{self.provider}" if self.chance(0.25) else ""))
            for number in range(1, count + 1)
        ]
        preference = 10
        for number, host in enumerate(hosts):
            hosts[number], name = self.aliased(number, self.placed(number, host))
            self.mx.append(f"{preference} {name}")
            preference += 10 if self.chance(0.85) else 0
        for other in ("nowhere", "-bad-"):
            if self.chance(0.06):
                self.mx.append(f"{self.random.choice((5, 10, 90))} {other}")
        if self.chance(0.02):
            self.mx.append("0 .")
        return hosts

    def placed(self, number: int, host: Host) -> Host:
        """The host; its TLSA records may be in a zone of their own, or behind an alias."""
        if self.chance(0.08):
            self.zones.append(replace(self.pick(ZONES), name=f"_tcp.{host.name}"))
        elif self.chance(0.08):
            end = self.random.choice((f"tlsa{number}", f"tlsa{number}.{self.provider}"))
            self.records.append(f"{self.tlsa_owner(host.name)} CNAME {end}")
            return replace(host, tlsa=tuple(replace(one, owner=end) for one in host.tlsa))
        return host

    def aliased(self, number: int, host: Host) -> tuple[Host, str]:
        """The host, and the name that an MX record has for it: maybe an alias."""
        if not self.chance(0.15):
            return host, host.name
        name = host.name
        if self.chance(0.3):
            hop = self.random.choice((f"hop{number}", f"hop{number}.{self.provider}"))
            self.records.append(f"{hop} CNAME {name}")
            name = hop
        alias = f"alias{number}"
        self.records.append(f"{alias} CNAME {name}")
        if self.chance(0.4):
            host = replace(host, tlsa=self.moved(host.tlsa, alias))
        return host, alias

    def moved(self, tlsa: tuple[Tlsa, ...], name: str) -> tuple[Tlsa, ...]:
        """Some of the records at the name of the alias instead."""
        owner = self.tlsa_owner(name)
        return tuple(
            replace(one, owner=owner) if not one.owner and self.chance(0.5) else one
            for one in tlsa
        )

    def tlsa_owner(self, name: str) -> str:
        """Where Postfix looks for the TLSA records of this host."""
        return f"_{self.port}._tcp" + ("" if name == "@" else f".{name}")

    def host(self, name: str) -> Host:
        """A mail host with its addresses and records."""
        families = self.pick(((18, (4,)), (2, (6,)), (2, (4, 6)), (1, (4, 4))))
        shared = self.certificate() if self.chance(0.7) else None
        listeners = tuple(self.listener(family, shared) for family in families)
        count = self.pick(((5, 0), (9, 1), (6, 2), (3, 3), (1, 4)))
        return Host(name, listeners, tuple(self.tlsa(listeners) for _ in range(count)))

    def listener(self, family: int, shared: Certificate | None) -> Listener:
        """One address."""
        server = self.pick(SERVERS)
        # The lab's exim has one port for all its addresses.
        if server.software == "exim" and self.port != 25:
            server = replace(server, software="script")
        if server.certificate is None:
            return replace(server, family=family)
        wanted = shared or self.certificate()
        sni = ()
        if server.software == "script" and self.chance(0.12):
            sni = (("*", self.certificate()),)
        if server == Listener("postfix-a") and self.chance(0.35):
            server = replace(
                server, options=(*self.pick(VERSIONS), *self.pick(SUITES), *self.pick(GROUPS))
            )
        # Only these two take any key.
        if server.software in ("script", "postfix-a") and self.chance(0.3):
            wanted = signable(replace(wanted, key=self.random.choice(tuple(KEYS))))
        return replace(server, family=family, certificate=wanted, sni=sni)

    def certificate(self) -> Certificate:
        """What a server shows."""
        return signable(Certificate(
            self.issuer(),
            names=self.pick(NAMES),
            common_name=self.pick(((6, "{host}"), (2, "somebody"), (1, "{domain}"))),
            validity=self.pick(VALIDITIES),
            digest=self.pick(DIGESTS),
            ca=self.pick(((10, False), (1, True), (1, None))),
            extensions=self.pick(LEAF_EXTENSIONS),
            send=self.pick(SENDS),
        ))

    def issuer(self) -> Authority | None:
        """The authority right above a leaf, and all above it."""
        if self.chance(0.2):
            return TRUSTED
        above = TRUSTED_ROOT if self.chance(0.25) else None
        for _ in range(self.pick(DEPTHS)):
            extensions = self.pick(AUTHORITY_EXTENSIONS)
            ca = self.pick(((24, True), (1, False), (1, None)))
            if ca and self.chance(0.12):
                extensions += (f"pathlen:{self.random.randrange(3)}",)
            self.authorities += 1
            above = signable(Authority(
                f"Lab {self.name} {self.authorities}",
                above,
                key=self.pick(AUTHORITY_KEYS),
                digest=self.pick(DIGESTS),
                validity=self.pick(VALIDITIES),
                ca=ca,
                extensions=extensions,
            ))
        return None if above is TRUSTED_ROOT else above

    def tlsa(self, listeners: tuple[Listener, ...]) -> Tlsa:
        """One record."""
        usage = self.pick(USAGES)
        number = self.random.randrange(len(listeners))
        of = self.pick(SUBJECTS[usage in (0, 2)])
        if listeners[number].sni and self.chance(0.5):
            of = "sni"
        elif listeners[number].certificate is None and of != "stranger":
            of = "stale"
        parameters = f"{usage} {self.pick(SELECTORS)} {self.pick(MATCHING_TYPES)}"
        return Tlsa(parameters, of, form=self.pick(FORMS), listener=number)

    def faults(self, hosts: list[Host]) -> tuple[Fault, ...]:
        """What the name servers do to one type of question, mostly nothing."""
        kinds = self.pick(DISTURBED)
        if not kinds:
            return ()
        does = self.random.choice(kinds)
        if does == "silence":
            does = "servfail"
        record_type = self.pick(((2, "MX"), (3, "A"), (2, "AAAA"), (6, "TLSA"), (1, "CNAME")))
        name = hosts[self.random.randrange(len(hosts))].name
        names = {"MX": "@", "TLSA": self.tlsa_owner(name)}
        at = "resolver"
        if does in (*SOFT, *HARD) and does != "garbage" and self.chance(0.3):
            at = "authority"
        narrow = names.get(record_type, name) if self.chance(0.7) else None
        return (Fault(record_type, does, narrow, at),)
