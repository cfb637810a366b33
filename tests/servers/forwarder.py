"""A DNS forwarder that misbehaves: one process, several addresses.

`forwarder.py CONFIG`: CONFIG is JSON, a list of forwarders with `listen`,
`upstream` and `faults`, each with `domain`, `name` (or null for any at or below
it), `type` (a number, or null for any) and `does`. What no fault names passes
unchanged.

| `does` | the client gets |
| --- | --- |
| a response code | that, and nothing else |
| `silence`, `garbage`, `truncated` | nothing, half a message, the truth over TCP alone |
| `no-tcp` | a truncated answer, and no connection |
| `slow`, `no-ad` | the truth, late, or without the AD bit |
| `nodata-as-nxdomain` | the truth, but for the response code of a denial |
| `tlsa:HEX` | this TLSA record |
"""

import asyncio
import itertools
import json
import struct
import sys
from pathlib import Path

RCODES = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5, "notauth": 9}
SLOW_SECONDS = 1.0


def question(packet: bytes) -> tuple[str, int, int]:
    """Name, type and the end of the question section."""
    labels = []
    place = 12
    while length := packet[place]:
        labels.append(packet[place + 1 : place + 1 + length].decode("latin-1").lower())
        place += 1 + length
    (record_type,) = struct.unpack_from("!H", packet, place + 1)
    return ".".join(labels) + ".", record_type, place + 5


class Faults:
    """Which questions get what instead of an answer."""

    def __init__(self, faults: list[dict]) -> None:
        self.by_domain: dict[str, list[dict]] = {}
        for fault in faults:
            self.by_domain.setdefault(fault["domain"], []).append(fault)

    def of(self, packet: bytes) -> str | None:
        """The fault for this question."""
        name, record_type, _ = question(packet)
        labels = name.split(".")
        for domain in (".".join(labels[start:]) for start in range(len(labels) - 1)):
            for fault in self.by_domain.get(domain, []):
                if fault["type"] in (None, record_type) and fault["name"] in (None, name):
                    return fault["does"]
        return None


def forged(packet: bytes, does: str) -> bytes | None:
    """The answer made up here; None where there is none at all."""
    _, _, end = question(packet)
    ident, flags = struct.unpack_from("!HH", packet)
    flags = 0x8080 | flags & 0x7910
    if does == "silence":
        return None
    if does == "garbage":
        # One answer is announced, and none is there.
        return struct.pack("!HHHHHH", ident, flags, 1, 1, 0, 0) + packet[12:end] + b"\xc0"
    if does.startswith("tlsa:"):
        rdata = bytes.fromhex(does.removeprefix("tlsa:"))
        record = struct.pack("!HHHIH", 0xC00C, 52, 1, 60, len(rdata)) + rdata
        return struct.pack("!HHHHHH", ident, flags | 0x20, 1, 1, 0, 0) + packet[12:end] + record
    if does in ("truncated", "no-tcp"):
        return struct.pack("!HHHHHH", ident, flags | 0x200, 1, 0, 0, 0) + packet[12:end]
    return struct.pack("!HHHHHH", ident, flags | RCODES[does], 1, 0, 0, 0) + packet[12:end]


def without_ad(packet: bytes) -> bytes:
    """The same answer, not vouched for."""
    (flags,) = struct.unpack_from("!H", packet, 2)
    return packet[:2] + struct.pack("!H", flags & ~0x20) + packet[4:]


def nodata_as_nxdomain(packet: bytes) -> bytes:
    """The same answer, but that no name is where there is merely no record."""
    (flags, _, answers) = struct.unpack_from("!HHH", packet, 2)
    if flags & 0xF or answers:
        return packet
    return packet[:2] + struct.pack("!H", flags | RCODES["nxdomain"]) + packet[4:]


CHANGED = {"no-ad": without_ad, "nodata-as-nxdomain": nodata_as_nxdomain}


class Upstream(asyncio.DatagramProtocol):
    """The socket towards the real server; questions are numbered anew."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future] = {}
        self.numbers = itertools.count(1)
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport) -> None:
        self.transport = transport

    async def ask(self, packet: bytes) -> bytes:
        """The answer to one question."""
        number = next(self.numbers) & 0xFFFF
        answer = asyncio.get_running_loop().create_future()
        self.waiting[number] = answer
        self.transport.sendto(struct.pack("!H", number) + packet[2:])
        try:
            return packet[:2] + (await asyncio.wait_for(answer, 30))[2:]
        finally:
            self.waiting.pop(number, None)

    def datagram_received(self, data: bytes, _address) -> None:
        answer = self.waiting.get(struct.unpack_from("!H", data)[0])
        if answer and not answer.done():
            answer.set_result(data)

    def error_received(self, _error) -> None:
        """The question is lost, as on any network."""


class Listener(asyncio.DatagramProtocol):
    """The socket towards the clients."""

    def __init__(self, faults: Faults, upstream: Upstream) -> None:
        self.faults = faults
        self.upstream = upstream
        self.transport: asyncio.DatagramTransport | None = None
        self.tasks: set[asyncio.Task] = set()

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address) -> None:
        task = asyncio.ensure_future(self.serve(data, address))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, data: bytes, address) -> None:
        """One question over UDP."""
        answer = await reply(data, self.faults, self.upstream.ask, tcp=False)
        if answer is not None:
            self.transport.sendto(answer, address)


async def reply(packet: bytes, faults: Faults, ask, *, tcp: bool) -> bytes | None:
    """The answer that the client gets."""
    does = faults.of(packet)
    if does == "truncated" and tcp:
        does = None
    if does == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    if does in (None, "slow", *CHANGED):
        try:
            answer = await ask(packet)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            return None
        return CHANGED[does](answer) if does in CHANGED else answer
    return forged(packet, does)


async def over_tcp(reader, writer, faults: Faults, upstream: str) -> None:
    """One client over TCP."""

    async def ask(packet: bytes) -> bytes:
        to, out = await asyncio.open_connection(upstream, 53)
        try:
            out.write(struct.pack("!H", len(packet)) + packet)
            (length,) = struct.unpack("!H", await to.readexactly(2))
            return await to.readexactly(length)
        finally:
            out.close()

    try:
        while True:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            packet = await reader.readexactly(length)
            if faults.of(packet) == "no-tcp":
                return
            answer = await reply(packet, faults, ask, tcp=True)
            if answer is not None:
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Forward until killed."""
    loop = asyncio.get_running_loop()
    for config in json.loads(Path(sys.argv[1]).read_text()):
        faults = Faults(config["faults"])
        upstream = config["upstream"]
        _, asker = await loop.create_datagram_endpoint(Upstream, remote_addr=(upstream, 53))
        await loop.create_datagram_endpoint(
            lambda faults=faults, asker=asker: Listener(faults, asker),
            local_addr=(config["listen"], 53),
        )
        await asyncio.start_server(
            lambda r, w, faults=faults, upstream=upstream: over_tcp(r, w, faults, upstream),
            config["listen"],
            53,
        )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
