"""Private keys and Diffie-Hellman parameters, by the `openssl` command."""

import base64
import subprocess
from pathlib import Path

# What `openssl genpkey` is told, by the kind of key.
KEYS = {
    **{
        curve: ("EC", f"ec_paramgen_curve:{curve}")
        for curve in ("P-256", "P-384", "P-521", "brainpoolP256r1", "secp256k1")
    },
    **{f"RSA-{bits}": ("RSA", f"rsa_keygen_bits:{bits}") for bits in (512, 768, 1024, 2048, 4096)},
    "RSA-PSS": ("RSA-PSS", "rsa_keygen_bits:2048"),
    "ED448": ("ED448",),
    "ED25519": ("ED25519",),
    "DSA": ("DSA",),
}


def openssl(*arguments: str) -> str:
    """Run openssl; what it prints on standard output."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
    return done.stdout


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
