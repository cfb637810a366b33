"""Names, records and messages as bytes (RFC 1035 section 4), well formed or not."""

import base64
import struct
from dataclasses import dataclass, field, replace
from typing import NamedTuple

A, NS, CNAME, SOA, MX, TXT, AAAA = 1, 2, 5, 6, 15, 16, 28
DNAME, OPT, DS, RRSIG, NSEC, DNSKEY, NSEC3, TLSA = 39, 41, 43, 46, 47, 48, 50, 52
NAMES = {
    A: "A", NS: "NS", CNAME: "CNAME", SOA: "SOA", MX: "MX", TXT: "TXT", AAAA: "AAAA", DNAME: "DNAME",
    DS: "DS", RRSIG: "RRSIG", NSEC: "NSEC", DNSKEY: "DNSKEY", NSEC3: "NSEC3", TLSA: "TLSA",
}
NUMBERS = {text: number for number, text in NAMES.items()}
# Types whose data begins, after so many bytes, with a name.
NAME_AT = {NS: 0, CNAME: 0, DNAME: 0, MX: 2}

QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
RCODES = {NOERROR: "NOERROR", SERVFAIL: "SERVFAIL", NXDOMAIN: "NXDOMAIN", REFUSED: "REFUSED"}
PAYLOAD = 1232

# Labels without the root's, from the left.
Name = tuple[bytes, ...]


def name(text: str, origin: Name = ()) -> Name:
    """A name from its text; one without final dot is below the origin."""
    if text in ("@", ""):
        return origin
    labels = tuple(label.encode() for label in text.rstrip(".").split(".") if label)
    return labels if text.endswith(".") else labels + origin


def text(labels: Name) -> str:
    """A name with its final dot."""
    return "".join(f"{label.decode('latin-1')}." for label in labels) or "."


def lower(labels: Name) -> Name:
    """The canonical form (RFC 4034 section 6.2)."""
    return tuple(label.lower() for label in labels)


def order(labels: Name) -> tuple[bytes, ...]:
    """What sorts names canonically (RFC 4034 section 6.1)."""
    return tuple(label.lower() for label in reversed(labels))


def is_below(labels: Name, above: Name) -> bool:
    """Whether a name is another or below it."""
    return not above or lower(labels[-len(above):]) == lower(above)


def wire(labels: Name) -> bytes:
    """A name uncompressed."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Record(NamedTuple):
    """One record."""

    owner: Name
    rtype: int
    rdata: bytes
    ttl: int = 300

    def __str__(self) -> str:
        return f"{text(self.owner)} {self.ttl} {NAMES.get(self.rtype, self.rtype)} {shown(self)}"


SECTIONS = ("answer", "authority", "additional")


@dataclass
class Message:
    """A reply."""

    question: tuple[Name, int]
    answer: list[Record] = field(default_factory=list)
    authority: list[Record] = field(default_factory=list)
    additional: list[Record] = field(default_factory=list)
    rcode: int = NOERROR
    flags: int = QR | RD | RA

    def but(self, **changes: object) -> "Message":
        """A copy with something else in it, of which lists are its own."""
        copy = replace(self, **changes)
        for section in SECTIONS:
            setattr(copy, section, list(getattr(copy, section)))
        return copy

    def encode(self) -> bytes:
        """As bytes, with id 0; owners are compressed, data is not."""
        counts = [1, len(self.answer), len(self.authority), len(self.additional) + 1]
        out = bytearray(struct.pack("!HHHHHH", 0, self.flags | self.rcode, *counts))
        known: dict[Name, int] = {}
        self.put(out, known, self.question[0])
        out += struct.pack("!HH", self.question[1], 1)
        for section in SECTIONS:
            for record in getattr(self, section):
                self.put(out, known, record.owner)
                out += struct.pack("!HHIH", record.rtype, 1, record.ttl, len(record.rdata))
                out += record.rdata
        out += b"\0" + struct.pack("!HHIH", OPT, PAYLOAD, 0x8000, 0)
        return bytes(out)

    @staticmethod
    def put(out: bytearray, known: dict[Name, int], labels: Name) -> None:
        """Append a name, by a pointer as soon as its rest is there."""
        for index in range(len(labels)):
            rest = labels[index:]
            if rest in known:
                out += struct.pack("!H", 0xC000 | known[rest])
                return
            if len(out) < 0x3FFF:
                known[rest] = len(out)
            out += bytes([len(labels[index])]) + labels[index]
        out += b"\0"

    def __str__(self) -> str:
        words = [word for word, bit in (("AA", AA), ("TC", TC), ("AD", AD)) if self.flags & bit]
        head = f"{text(self.question[0])} {NAMES.get(self.question[1], self.question[1])}"
        lines = [f"{head}: {' '.join([RCODES.get(self.rcode, str(self.rcode)), *words])}"]
        for section in SECTIONS:
            lines += [f"  {section}: {record}" for record in getattr(self, section)]
        return "\n".join(lines)


def read_name(data: bytes, at: int) -> tuple[Name, int]:
    """A name in a message, and where it ends."""
    labels, end, jumps = [], -1, 0
    while True:
        length = data[at]
        if length >= 0xC0:
            end = at + 2 if end < 0 else end
            at = struct.unpack_from("!H", data, at)[0] & 0x3FFF
            jumps += 1
            if jumps > 100:
                raise ValueError("pointers without an end")
        elif length == 0:
            return tuple(labels), at + 1 if end < 0 else end
        else:
            labels.append(data[at + 1 : at + 1 + length])
            at += 1 + length


def decode(data: bytes) -> Message:
    """A message from bytes, names in data uncompressed and in lower case."""
    _, flags, questions, *counts = struct.unpack_from("!HHHHHH", data)
    at, question = 12, ((), 0)
    for _ in range(questions):
        owner, at = read_name(data, at)
        question = (owner, struct.unpack_from("!H", data, at)[0])
        at += 4
    message = Message(question, rcode=flags & 15, flags=flags & ~15)
    for section, count in zip(SECTIONS, counts, strict=True):
        for _ in range(count):
            owner, at = read_name(data, at)
            rtype, _, ttl, length = struct.unpack_from("!HHIH", data, at)
            at += 10
            rdata = data[at : at + length]
            if rtype == SOA:
                first, start = read_name(data, at)
                second, start = read_name(data, start)
                rdata = wire(lower(first)) + wire(lower(second)) + data[start : at + length]
            elif rtype in NAME_AT:
                start = at + NAME_AT[rtype]
                target, _ = read_name(data, start)
                rdata = data[at:start] + wire(lower(target))
            at += length
            if rtype != OPT:
                getattr(message, section).append(Record(lower(owner), rtype, rdata, ttl))
    return message


def target(record: Record) -> Name:
    """The name in the data of a record."""
    return read_name(record.rdata, NAME_AT[record.rtype])[0]


def shown(record: Record) -> str:
    """Data as danecheck writes it; what is no record of mail in short."""
    data = record.rdata
    match record.rtype:
        case 1:
            return ".".join(str(byte) for byte in data)
        case 2 | 5 | 39:
            return text(target(record))
        case 6:
            first, at = read_name(data, 0)
            second, at = read_name(data, at)
            return f"{text(first)} {text(second)} {' '.join(map(str, struct.unpack_from('!IIIII', data, at)))}"
        case 43 if len(data) > 4:
            tag, algorithm, digest = struct.unpack_from("!HBB", data)
            return f"{tag} {algorithm} {digest} {data[4:].hex().upper()}"
        case 48 if len(data) > 4:
            flags, protocol, algorithm = struct.unpack_from("!HBB", data)
            return f"{flags} {protocol} {algorithm} {base64.b64encode(data[4:]).decode()}"
        case 15:
            return f"{struct.unpack_from('!H', data)[0]} {text(target(record))}"
        case 52 if len(data) >= 3:
            return f"{data[0]} {data[1]} {data[2]} {data[3:].hex()}"
        case 46 if len(data) > 18:
            covered, algorithm, labels = struct.unpack_from("!HBB", data)
            signer, _ = read_name(data, 18)
            tag = struct.unpack_from("!H", data, 16)[0]
            return f"{NAMES.get(covered, covered)} {algorithm} {labels} by {text(signer)} {tag}"
        case 47:
            following, at = read_name(data, 0)
            return f"{text(following)} {' '.join(types(data[at:]))}"
        case 50:
            at = 5 + data[4]
            at += 1 + data[at]
            head = f"{data[0]} {data[1]} {struct.unpack_from('!H', data, 2)[0]}"
            return f"{head} {' '.join(types(data[at:]))}"
    return f"\\# {len(data)} {data.hex()}"


def bitmap(rtypes: set[int]) -> bytes:
    """A type bit map (RFC 4034 section 4.1.2) of types below 256."""
    if not rtypes:
        return b""
    bits = bytearray(max(rtypes) // 8 + 1)
    for rtype in rtypes:
        bits[rtype // 8] |= 0x80 >> rtype % 8
    return bytes([0, len(bits)]) + bytes(bits)


def types(data: bytes) -> list[str]:
    """The types of a bit map."""
    numbers = (8 * at + bit for at, byte in enumerate(data[2:]) for bit in range(8) if byte & 0x80 >> bit)
    return [NAMES.get(number, str(number)) for number in numbers]
