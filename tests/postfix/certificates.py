"""Certificates, made with the `openssl` command when the lab starts."""

import base64
import hashlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from model import Certificate

CA_CONFIG = """\
[ca]
default_ca = lab
[lab]
database = {directory}/index
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[extensions]
subjectKeyIdentifier = hash
basicConstraints = critical,CA:{is_ca}
{more}
"""

# What `openssl genpkey` is told, by the kind of key.
KEYS = {
    **{
        curve: ("EC", f"ec_paramgen_curve:{curve}")
        for curve in ("P-256", "P-521", "brainpoolP256r1", "secp256k1")
    },
    **{f"RSA-{bits}": ("RSA", f"rsa_keygen_bits:{bits}") for bits in (512, 768, 1024, 2048)},
    "RSA-PSS": ("RSA-PSS", "rsa_keygen_bits:2048"),
    "ED448": ("ED448",),
    "ED25519": ("ED25519",),
    "DSA": ("DSA",),
}


def generate_key(kind: str, path: Path) -> None:
    """A new private key. DSA needs parameters first."""
    algorithm, *options = KEYS[kind]
    command = ["-algorithm", algorithm]
    if kind == "DSA":
        parameters = path.with_suffix(".parameters")
        openssl("genpkey", "-genparam", "-algorithm", "DSA", "-out", str(parameters))
        command = ["-paramfile", str(parameters)]
    for option in options:
        command += ["-pkeyopt", option]
    openssl("genpkey", *command, "-out", str(path))


# Floor of 2**e times pi, and what makes it a prime: RFC 2409 section 6.
OAKLEY = {1024: 129093}


def dh_parameters(bits: int, path: Path) -> None:
    """The Diffie-Hellman group of RFC 2409 with so many bits, generator 2.

    OpenSSL makes such short ones too, but takes seconds for it.
    """
    fraction = (pi_bits(bits - 130) + OAKLEY[bits]) << 64
    prime = 2**bits - 2 ** (bits - 64) - 1 + fraction
    number = prime.to_bytes(bits // 8 + 1)
    body = b"\x02\x81" + bytes([len(number)]) + number + b"\x02\x01\x02"
    text = base64.encodebytes(b"\x30\x81" + bytes([len(body)]) + body).decode()
    path.write_text(f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n")


def pi_bits(exponent: int) -> int:
    """The floor of 2**exponent times pi, by Machin's formula."""

    def arctan_of_inverse(x: int) -> int:
        term = one // x
        total, n = term, 1
        while term:
            term //= -x * x
            n += 2
            total += term // n
        return total

    one = 1 << (exponent + 64)
    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) >> 64


def openssl(*arguments: str) -> str:
    """Run openssl; what it prints on standard output."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
    return done.stdout


def pem_body(pem: str) -> bytes:
    """The DER of the first PEM block."""
    lines = pem[pem.index("-----BEGIN") :].split("\n-----END")[0].splitlines()[1:]
    return base64.b64decode("".join(lines))


@dataclass(frozen=True)
class Issued:
    """A key, its certificate, and the issuers up to the root."""

    key: Path
    pem: Path
    issuer: "Issued | None" = None

    @property
    def der(self) -> bytes:
        """The whole certificate."""
        return pem_body(self.pem.read_text())

    @property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return pem_body(openssl("x509", "-in", str(self.pem), "-noout", "-pubkey"))

    @property
    def root(self) -> "Issued":
        """The end of the chain."""
        return self.issuer.root if self.issuer else self

    @property
    def fingerprint(self) -> str:
        """The SHA-256 digest of the certificate as Postfix writes it."""
        return hashlib.sha256(self.der).digest().hex(":").upper()


class Mint:
    """Issues certificates into one directory, each asked-for kind once."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        self.count = 0
        self.made: dict[tuple[str, Certificate], Issued] = {}
        self.trusted_root = self.issue("Lab Public Root", None, is_ca=True)
        self.trusted = self.issue("Lab Public Intermediate", self.trusted_root, is_ca=True)
        self.private = self.issue("Lab Private CA", None, is_ca=True)

    def issue(
        self,
        name: str,
        issuer: Issued | None,
        *,
        names: tuple[str, ...] = (),
        is_ca: bool = False,
        expired: bool = False,
        kind: str = "P-256",
        digest: str = "sha256",
    ) -> Issued:
        """One new key with one new certificate."""
        self.count += 1
        directory = self.directory / str(self.count)
        directory.mkdir()
        (directory / "index").touch()
        key, request, pem = (directory / f for f in ("key.pem", "request.pem", "cert.pem"))
        more = f"subjectAltName = {','.join(f'DNS:{n}' for n in names)}" if names else ""
        config = directory / "ca.cnf"
        config.write_text(
            CA_CONFIG.format(directory=directory, is_ca="TRUE" if is_ca else "FALSE", more=more)
        )
        generate_key(kind, key)
        openssl(
            *("req", "-new", "-key", str(key), "-subj", f"/CN={name[:64]}"),
            *("-out", str(request)),
        )
        now = time.time()
        start, end = (now - 60 * 86400, now - 30 * 86400) if expired else (now - 86400, now + 30 * 86400)
        signer = ["-selfsign", "-keyfile", str(key)]
        if issuer:
            signer = ["-cert", str(issuer.pem), "-keyfile", str(issuer.key)]
        openssl(
            *("ca", "-batch", "-notext", "-config", str(config), "-extensions", "extensions"),
            *(*signer, "-md", digest, "-in", str(request), "-out", str(pem)),
            *("-startdate", stamp(start), "-enddate", stamp(end)),
        )
        return Issued(key, pem, issuer)

    def for_host(self, host: str, wanted: Certificate) -> Issued:
        """The certificate of this kind for this host."""
        if (host, wanted) not in self.made:
            issuer = {"trusted": self.trusted, "private": self.private, "self": None}[wanted.issuer]
            names = wanted.names or (host.rstrip("."),)
            self.made[host, wanted] = self.issue(
                names[0],
                issuer,
                names=names,
                expired=wanted.expired,
                kind=wanted.key,
                digest=wanted.digest,
            )
        return self.made[host, wanted]


def stamp(seconds: float) -> str:
    """The time form of `openssl ca`."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def chain_file(issued: Issued, wanted: Certificate, path: Path, *, with_key: bool) -> Path:
    """Write key, leaf and what is sent of the chain into one PEM file.

    A trusted root stays at home, as in the field; a private CA is sent.
    """
    parts = [issued.key.read_text()] if with_key else []
    parts.append(issued.pem.read_text())
    above = issued.issuer
    while wanted.send_chain and above:
        if above.issuer or wanted.issuer == "private":
            parts.append(above.pem.read_text())
        above = above.issuer
    path.write_text("".join(parts))
    return path


def tlsa_data(parameters: str, of: str, leaf: Issued) -> str:
    """The association data of a TLSA record, in hexadecimal."""
    _usage, selector, matching = (int(number) for number in parameters.split())
    if of == "stale":
        content = b"a key that was replaced"
    else:
        subject = {"leaf": leaf, "issuer": leaf.issuer or leaf, "root": leaf.root}[of]
        content = subject.der if selector == 0 else subject.spki
    if matching == 0:
        return content.hex()
    return hashlib.new({1: "sha256", 2: "sha512"}[matching], content).hexdigest()
