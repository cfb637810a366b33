"""Keys, and signatures that say what they are told to."""

import hashlib
import math
import struct
import time
from dataclasses import dataclass, replace
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .wire import RRSIG, Name, Record, lower, wire

P256, RSA = 13, 8
HOUR = 3600
NOW = int(time.time())
# As long as signatures live here: a tenth of it is an hour and 12 minutes.
INCEPTION, EXPIRATION = NOW - 6 * HOUR, NOW + 6 * HOUR
# Of SHA-256 in PKCS #1 version 1.5 (RFC 8017 section 9.2).
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True)
class Key:
    """A key pair, and what its DNSKEY record says besides."""

    private: object
    public: bytes
    algorithm: int = P256
    flags: int = 257
    protocol: int = 3

    @classmethod
    def new(cls) -> "Key":
        """On P-256."""
        private = ec.generate_private_key(ec.SECP256R1())
        numbers = private.public_key().public_numbers()
        return cls(private, numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))

    @classmethod
    def rsa(cls, *exponents: int) -> list["Key"]:
        """With any public exponents, such as the tools refuse; of one modulus."""
        while True:
            numbers = rsa.generate_private_key(65537, 1024).private_numbers()
            phi = (numbers.p - 1) * (numbers.q - 1)
            if all(math.gcd(exponent, phi) == 1 for exponent in exponents):
                break
        modulus, keys = numbers.p * numbers.q, []
        for exponent in exponents:
            data = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
            public = bytes([len(data)]) + data + modulus.to_bytes(128, "big")
            keys.append(cls((modulus, pow(exponent, -1, phi)), public, RSA))
        return keys

    def but(self, **changes: object) -> "Key":
        """The same pair, said to be otherwise."""
        return replace(self, **changes)

    @property
    def rdata(self) -> bytes:
        """Its DNSKEY data."""
        return struct.pack("!HBB", self.flags, self.protocol, self.algorithm) + self.public

    @property
    def tag(self) -> int:
        """RFC 4034 appendix B."""
        return key_tag(self.rdata)

    def ds(self, owner: Name, digest: int = 2) -> bytes:
        """Its DS data at a zone."""
        value = hashlib.new({1: "sha1", 2: "sha256", 4: "sha384"}[digest], wire(lower(owner)) + self.rdata)
        return struct.pack("!HBB", self.tag, self.algorithm, digest) + value.digest()

    def sign(self, data: bytes) -> bytes:
        """A signature as DNSSEC has it (RFC 6605 section 4, RFC 5702 section 3)."""
        if self.algorithm == RSA:
            modulus, inverse = self.private
            info = SHA256_INFO + hashlib.sha256(data).digest()
            padded = b"\0\1" + b"\xff" * (125 - len(info)) + b"\0" + info
            return pow(int.from_bytes(padded, "big"), inverse, modulus).to_bytes(128, "big")
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@cache
def key_tag(rdata: bytes) -> int:
    """RFC 4034 appendix B."""
    padded = rdata + b"\0" * (len(rdata) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    return (total + (total >> 16)) & 0xFFFF


def signature(
    records: list[Record],
    key: Key,
    signer: Name,
    *,
    labels: int | None = None,
    covered: int | None = None,
    original: int | None = None,
    tag: int | None = None,
    algorithm: int | None = None,
    span: tuple[int, int] = (INCEPTION, EXPIRATION),
    spoil: bool = False,
) -> Record:
    """The RRSIG over a set (RFC 4034 section 3.1.8.1), or over what it claims to be."""
    first = records[0]
    own = len(first.owner) - (first.owner[:1] == (b"*",))
    labels = own if labels is None else labels
    fields = struct.pack(
        "!HBBIIIH",
        first.rtype if covered is None else covered,
        key.algorithm if algorithm is None else algorithm,
        labels,
        first.ttl if original is None else original,
        span[1] & 0xFFFFFFFF,
        span[0] & 0xFFFFFFFF,
        key.tag if tag is None else tag,
    ) + wire(lower(signer))
    owner = first.owner
    if labels < own:
        owner = (b"*", *owner[len(owner) - labels :])
    ttl = first.ttl if original is None else original
    head = wire(lower(owner)) + struct.pack("!HHI", first.rtype, 1, ttl)
    data = fields + b"".join(
        head + struct.pack("!H", len(rdata)) + rdata for rdata in sorted(record.rdata for record in records)
    )
    value = key.sign(data)
    if spoil:
        value = value[:-1] + bytes([value[-1] ^ 1])
    return Record(first.owner, RRSIG, fields + value, first.ttl)


def signed(records: list[Record], key: Key, signer: Name, **more: object) -> list[Record]:
    """A set with its signature."""
    return [*records, signature(records, key, signer, **more)]
