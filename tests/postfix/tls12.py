"""TLS 1.2 by hand, as a server: for Certificate messages and records that no TLS
library sends. One suite for each kind of key, ECDHE-ECDSA-AES128-GCM-SHA256 and
ECDHE-RSA-AES128-GCM-SHA256, and the group x25519 (RFC 5246, RFC 5288, RFC 8422)."""

import hashlib
import hmac
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x03\x03"
ECDSA, RSA = b"\xc0\x2b", b"\xc0\x2f"
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
LARGEST_RECORD = 1 << 14
# An empty `renegotiation_info` (RFC 5746 section 3.6): OpenSSL 3 insists on it.
EXTENSIONS = b"\xff\x01\x00\x01\x00"


def prefixed(width: int, data: bytes) -> bytes:
    """The data with its length before it."""
    return len(data).to_bytes(width, "big") + data


def prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """RFC 5246 section 5."""
    out, block = b"", label + seed
    while len(out) < length:
        block = hmac.digest(secret, block, "sha256")
        out += hmac.digest(secret, block + label + seed, "sha256")
    return out[:length]


class Server:
    """One session: `recv` and `sendall` once the handshake is over.

    `entries` are those of the Certificate message, DER or not; `record` is how
    many bytes of the handshake go into a record.
    """

    def __init__(
        self, connection: socket.socket, pem: str, entries: list[bytes], record: int
    ) -> None:
        self.connection = connection
        self.key = serialization.load_pem_private_key(pem.encode(), None)
        self.record = record
        self.messages = b""
        self.pending = b""
        self.data = b""
        self.reading = self.writing = None
        self.shake_hands(entries)

    def shake_hands(self, entries: list[bytes]) -> None:
        """RFC 5246 section 7.3."""
        hello = self.message(1)
        client, server = hello[2:34], os.urandom(32)
        on_curve = isinstance(self.key, ec.EllipticCurvePrivateKey)
        suite = ECDSA if on_curve else RSA
        self.say(2, VERSION + server + b"\0" + suite + b"\0" + prefixed(2, EXTENSIONS))
        self.say(11, prefixed(3, b"".join(prefixed(3, entry) for entry in entries)))
        share = X25519PrivateKey.generate()
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        parameters = b"\x03\x00\x1d" + prefixed(1, share.public_key().public_bytes(*raw))
        signed = client + server + parameters
        if on_curve:
            scheme, signature = b"\x04\x03", self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        else:
            how = padding.PKCS1v15(), hashes.SHA256()
            scheme, signature = b"\x04\x01", self.key.sign(signed, *how)
        self.say(12, parameters + scheme + prefixed(2, signature))
        self.say(14, b"")
        theirs = X25519PublicKey.from_public_bytes(self.message(16)[1:])
        shared = share.exchange(theirs)
        master = prf(shared, b"master secret", client + server, 48)
        keys = prf(master, b"key expansion", server + client, 40)
        self.take(CHANGE_CIPHER_SPEC)
        self.reading = Direction(keys[:16], keys[32:36])
        self.message(20)
        digest = hashlib.sha256(self.messages).digest()
        self.put(CHANGE_CIPHER_SPEC, b"\x01")
        self.writing = Direction(keys[16:32], keys[36:])
        self.say(20, prf(master, b"server finished", digest, 12))

    def message(self, kind: int) -> bytes:
        """The next handshake message, which has to be of this kind."""
        while len(self.pending) < 4 or len(self.pending) < 4 + self.length():
            self.pending += self.take(HANDSHAKE)
        end = 4 + self.length()
        message, self.pending = self.pending[:end], self.pending[end:]
        if message[0] != kind:
            raise ValueError(f"handshake message {message[0]} instead of {kind}")
        self.messages += message
        return message[4:]

    def length(self) -> int:
        """That of the message that has begun."""
        return int.from_bytes(self.pending[1:4], "big")

    def say(self, kind: int, body: bytes) -> None:
        """One handshake message, in records of the wanted size."""
        message = bytes([kind]) + prefixed(3, body)
        self.messages += message
        size = self.record if self.writing is None else LARGEST_RECORD
        records = [message[at : at + size] for at in range(0, len(message), size)]
        self.connection.sendall(b"".join(self.sealed(HANDSHAKE, one) for one in records))

    def put(self, kind: int, body: bytes) -> None:
        """One record."""
        self.connection.sendall(self.sealed(kind, body))

    def sealed(self, kind: int, body: bytes) -> bytes:
        """A record, encrypted once that has begun."""
        if self.writing:
            body = self.writing.seal(kind, body)
        return bytes([kind]) + VERSION + prefixed(2, body)

    def take(self, kind: int) -> bytes:
        """The body of the next record; nothing at the end."""
        header = self.exactly(5)
        body = self.exactly(int.from_bytes(header[3:], "big"))
        if self.reading:
            body = self.reading.open(header[0], body)
        if header[0] == ALERT:
            raise ConnectionError("the client sent an alert")
        if header[0] != kind:
            raise ValueError(f"record {header[0]} instead of {kind}")
        return body

    def exactly(self, count: int) -> bytes:
        """So many bytes."""
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise ConnectionError("the client has gone")
            data += more
        return data

    def recv(self, _count: int) -> bytes:
        """What the client says."""
        return self.take(DATA)

    def sendall(self, data: bytes) -> None:
        """What the server says."""
        for at in range(0, len(data), LARGEST_RECORD):
            self.put(DATA, data[at : at + LARGEST_RECORD])


class Direction:
    """One half of the connection's encryption (RFC 5288 section 3)."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self.cipher = AESGCM(key)
        self.salt = salt
        self.number = 0

    def more(self, kind: int, length: int) -> bytes:
        """What is authenticated besides the data."""
        number = self.number.to_bytes(8, "big")
        self.number += 1
        return number + bytes([kind]) + VERSION + length.to_bytes(2, "big")

    def seal(self, kind: int, body: bytes) -> bytes:
        """An encrypted fragment."""
        nonce = self.number.to_bytes(8, "big")
        more = self.more(kind, len(body))
        return nonce + self.cipher.encrypt(self.salt + nonce, body, more)

    def open(self, kind: int, body: bytes) -> bytes:
        """What is in one."""
        more = self.more(kind, len(body) - 24)
        return self.cipher.decrypt(self.salt + body[:8], body[8:], more)


def entries(pem: str, shape: str) -> list[bytes]:
    """The certificates of a PEM file, the leaf first, with what a shape adds."""
    chain = [
        certificate.public_bytes(serialization.Encoding.DER)
        for certificate in x509.load_pem_x509_certificates(certificates(pem))
    ]
    leaf, *above = chain
    junk = b"\x30\x03not"
    return {
        "usual": chain,
        "junk-last": [*chain, junk],
        "junk-second": [leaf, junk, *above],
        "junk-first": [junk, *chain],
        "empty-last": [*chain, b""],
        "empty-second": [leaf, b"", *above],
        "leaf-and-more": [leaf + b"\0", *above],
        "junk-far": [*chain, *above[:1] * 30, junk],
    }[shape]


def certificates(pem: str) -> bytes:
    """The part of a file that has certificates."""
    begin = "-----BEGIN CERTIFICATE-----"
    return pem[pem.index(begin) :].encode()


def serve(connection: socket.socket, path: str, shape: str, record: int) -> Server:
    """A session with the key and the chain of this file."""
    pem = Path(path).read_text()
    return Server(connection, pem, entries(pem, shape), record or LARGEST_RECORD)
