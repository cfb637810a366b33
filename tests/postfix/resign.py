"""Certificates with extensions that no tool writes: twice the same one, or bytes that
are none. The certificate is taken apart, changed, and signed again."""

from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ObjectIdentifier

EXTENSIONS = 0xA3


def taken(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first value, and what follows it."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]


def value(tag: int, content: bytes) -> bytes:
    """One value."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def parts(content: bytes) -> list[bytes]:
    """The values in a content, each whole."""
    found = []
    while content:
        tag, inside, content = taken(content)
        found.append(value(tag, inside))
    return found


def object_identifier(dotted: str) -> bytes:
    """One as DER."""
    first, second, *rest = (int(number) for number in ObjectIdentifier(dotted).dotted_string.split("."))
    out = b""
    for number in (40 * first + second, *rest):
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(0x80 | number & 0x7F)
        out += bytes(reversed(digits))
    return value(6, out)


def resigned(der: bytes, key: Path, extensions: tuple[tuple[str, str, bool], ...]) -> bytes:
    """The certificate with these extensions: identifier, content in hexadecimal, and
    whether it stands beside the one that is there, and not in its place."""
    _, outer, _ = taken(der)
    body, algorithm, _ = parts(outer)
    fields = parts(taken(body)[1])
    kept = []
    if fields[-1][0] == EXTENSIONS:
        kept = parts(taken(taken(fields.pop())[1])[1])
    for dotted, content, beside in extensions:
        name = object_identifier(dotted)
        if not beside:
            kept = [one for one in kept if name not in one[:16]]
        kept.append(value(0x30, name + value(4, bytes.fromhex(content))))
    fields.append(value(EXTENSIONS, value(0x30, b"".join(kept))))
    body = value(0x30, b"".join(fields))
    signer = serialization.load_pem_private_key(key.read_bytes(), None)
    signature = signer.sign(body, ec.ECDSA(hashes.SHA256()))
    return value(0x30, body + algorithm + value(3, b"\0" + signature))
