"""Certificates, made with the `openssl` command when the lab starts."""

import base64
import hashlib
import itertools
import ssl
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keygen import generate_key, openssl
from model import TRUSTED_ROOT, Authority, Certificate, Tlsa
from resign import resigned

CA_CONFIG = """\
[ca]
default_ca = lab
[lab]
database = {directory}/index
new_certs_dir = {directory}
rand_serial = yes
default_md = {digest}
policy = any
unique_subject = no
email_in_dn = no
[any]
commonName = optional
[extensions]
subjectKeyIdentifier = hash
{more}
"""

DAY = 86400
VALIDITY = {"valid": (-1, 30), "expired": (-60, -30), "future": (30, 60)}
STRANGERS = tuple(Authority(f"Lab Stranger {number}") for number in (1, 2))


def pem_body(pem: str) -> bytes:
    """The DER of the first PEM block."""
    lines = pem[pem.index("-----BEGIN") :].split("\n-----END")[0].splitlines()[1:]
    return base64.b64decode("".join(lines))


@dataclass(frozen=True)
class Issued:
    """A key, its certificate, and the issuers up to the root."""

    key: Path
    pem: Path
    issuer: "Issued | None"
    trusted: bool

    @cached_property
    def der(self) -> bytes:
        """The whole certificate."""
        return pem_body(self.pem.read_text())

    @cached_property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return pem_body(openssl("x509", "-in", str(self.pem), "-noout", "-pubkey"))

    @property
    def above(self) -> list["Issued"]:
        """The issuers, the nearest first."""
        return [self.issuer, *self.issuer.above] if self.issuer else []

    @property
    def fingerprint(self) -> str:
        """The SHA-256 digest of the certificate as Postfix writes it."""
        return hashlib.sha256(self.der).digest().hex(":").upper()


class Mint:
    """Issues certificates into one directory, each asked-for kind once."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        self.numbers = itertools.count(1)
        self.lock = threading.RLock()
        self.made: dict[object, Issued] = {}
        self.trusted_root = self.authority(TRUSTED_ROOT)

    def authority(self, wanted: Authority) -> Issued:
        """An issuer, and those above it."""
        with self.lock:
            if wanted not in self.made:
                issuer = self.authority(wanted.issuer) if wanted.issuer else None
                self.made[wanted] = self.issue(wanted, f"/CN={wanted.name}", (), issuer)
            return self.made[wanted]

    def for_host(self, host: str, domain: str, wanted: Certificate) -> Issued:
        """The certificate of this kind for this host."""
        if (host, wanted) not in self.made:
            issuer = self.authority(wanted.issuer) if wanted.issuer else None
            words = {"host": host.rstrip("."), "domain": domain.rstrip(".")}
            name = wanted.common_name.format(**words)
            alternatives = tuple(
                name if ":" in name else f"DNS:{name}"
                for name in (one.format(**words) for one in wanted.names)
            )
            self.made[host, wanted] = self.issue(
                wanted, f"/CN={name[:64]}" if name else "/O=Lab", alternatives, issuer
            )
        return self.made[host, wanted]

    def issue(
        self,
        style: Authority | Certificate,
        subject: str,
        alternatives: tuple[str, ...],
        issuer: Issued | None,
    ) -> Issued:
        """One new key with one new certificate."""
        directory = self.directory / str(next(self.numbers))
        directory.mkdir()
        (directory / "index").touch()
        key, request, pem = (directory / f for f in ("key.pem", "request.pem", "cert.pem"))
        more = list(style.extensions)
        if alternatives:
            more.append(f"subjectAltName = {','.join(alternatives)}")
        if style.ca is not None:
            limit = next((e for e in more if e.startswith("pathlen:")), None)
            more = [e for e in more if e != limit]
            flag = "TRUE" if style.ca else "FALSE"
            more.append(f"basicConstraints = critical,CA:{flag}{',' + limit if limit else ''}")
        config = directory / "ca.cnf"
        config.write_text(
            CA_CONFIG.format(
                directory=directory, digest=style.digest or "default", more="\n".join(more)
            )
        )
        generate_key(style.key, key)
        openssl("req", "-new", "-key", str(key), "-subj", subject, "-out", str(request))
        signer = ["-selfsign", "-keyfile", str(key)]
        if issuer:
            signer = ["-cert", str(issuer.pem), "-keyfile", str(issuer.key)]
        start, end = (stamp(time.time() + days * DAY) for days in VALIDITY[style.validity])
        openssl(
            *("ca", "-batch", "-notext", "-config", str(config), "-extensions", "extensions"),
            *(*signer, "-in", str(request), "-out", str(pem)),
            *("-startdate", start, "-enddate", end),
        )
        if style.rewritten:
            signer_key = issuer.key if issuer else key
            der = resigned(pem_body(pem.read_text()), signer_key, style.rewritten)
            pem.write_text(ssl.DER_cert_to_PEM_cert(der))
        return Issued(key, pem, issuer, getattr(style, "trusted", False))

    def chain_file(self, issued: Issued, send: str, path: Path, *, with_key: bool = True) -> Path:
        """Key, leaf and what is sent of the chain, in one PEM file."""
        above = [one for one in issued.above if not one.trusted]
        if send == "nothing":
            above = []
        elif send == "all":
            above = issued.above
        elif send == "reversed":
            above.reverse()
        elif send == "no-root":
            above = above[:-1]
        elif send == "strangers":
            above = [*(self.authority(stranger) for stranger in STRANGERS), *above]
        elif send.startswith("crowd-"):
            above += [self.authority(STRANGERS[0])] * int(send.removeprefix("crowd-"))
        parts = [issued.key.read_text()] if with_key else []
        parts += [one.pem.read_text() for one in [issued, *above]]
        path.write_text("".join(parts))
        return path


def stamp(seconds: float) -> str:
    """The time form of `openssl ca`."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def tlsa_rdata(tlsa: Tlsa, leaf: Issued | None) -> bytes:
    """A TLSA record as it goes over the wire."""
    if tlsa.rdata is not None:
        return bytes.fromhex(tlsa.rdata)
    parameters = bytes(int(number) for number in tlsa.parameters.split())
    _usage, selector, matching = parameters
    if tlsa.of == "stale":
        content = b"a key that was replaced"
    else:
        subject = leaf
        if tlsa.of in ("issuer", "root") and leaf.above:
            subject = leaf.above[0 if tlsa.of == "issuer" else -1]
        content = subject.spki if selector == 1 else subject.der
    digest = {1: "sha256", 2: "sha512"}.get(matching)
    data = hashlib.new(digest, content).digest() if digest else content
    if tlsa.form == "short":
        data = data[:-1]
    elif tlsa.form == "long":
        data += b"\0"
    elif tlsa.form == "empty":
        data = b""
    elif tlsa.form == "garbage":
        data = bytes(range(1, 1 + len(data) % 200))
    return parameters + data
