"""A name server that answers every question from a table, whatever the answer
is: it plays the resolver to danecheck, and the forwarder's target to unbound."""

import multiprocessing
import os
import socket
import struct
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from forgeries.wire import PAYLOAD, TC, Message, Name, lower, read_name, wire

ADDRESS = "127.0.6.1"
# Of messages, by name and type in the canonical form.
Table = dict[bytes, bytes]
Truth = Callable[[Name, int], Message]


def entry(owner: Name, rtype: int) -> bytes:
    """Where a message stands in the table."""
    return wire(lower(owner)) + struct.pack("!H", rtype)


class Liar:
    """The server, in a process of its own."""

    def __init__(self, truth: Truth, table: Table, address: str = ADDRESS) -> None:
        """What is not in the table is answered with the truth."""
        self.address = address
        self.control, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=serve, args=(truth, table, theirs, address), daemon=True)
        self.process.start()
        if self.control.recv() != "ready":
            raise RuntimeError("the lying name server does not start")

    def tell(self, table: Table) -> None:
        """Forget what stood in the table, and say this from now on."""
        self.control.send(table)
        self.control.recv()

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.join(10)


def serve(truth: Truth, table: Table, control: Connection, address: str) -> None:
    """Answer until the end."""
    remembered: Table = {}
    lies: list[Table] = [table]

    def answer(query: bytes) -> bytes:
        """The message for a query, with its id and its spelling of the name."""
        owner, end = read_name(query, 12)
        rtype = struct.unpack_from("!H", query, end)[0]
        key = entry(owner, rtype)
        message = lies[0].get(key) or remembered.get(key)
        if message is None:
            message = remembered[key] = truth(owner, rtype).encode()
        # A message whose question is spelt otherwise keeps its spelling.
        question = query[12:end] if lower(owner) == owner or key not in lies[0] else message[12:end]
        return query[:2] + message[2:12] + question + message[end:]

    def cut(message: bytes) -> bytes:
        """What fits a datagram: the head, the question and no records."""
        _, end = read_name(message, 12)
        flags = struct.unpack_from("!H", message, 2)[0] | TC
        head = message[:2] + struct.pack("!HHHHH", flags, 1, 0, 0, 0)
        return head + message[12 : end + 4]

    def over_tcp(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(10)
            try:
                while len(head := stream.read(2)) == 2:
                    message = bytearray(answer(stream.read(struct.unpack("!H", head)[0])))
                    # What is cut off is there when asked for so.
                    message[2] &= ~(TC >> 8)
                    connection.sendall(struct.pack("!H", len(message)) + message)
            except OSError:
                return

    def accept(listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=over_tcp, args=(connection,), daemon=True).start()

    def hear() -> None:
        while True:
            try:
                lies[0] = control.recv()
            except EOFError:
                os._exit(0)
            control.send("told")

    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    datagrams.bind((address, 53))
    listener = socket.create_server((address, 53), backlog=256)
    control.send("ready")
    for target, args in ((accept, (listener,)), (hear, ())):
        threading.Thread(target=target, args=args, daemon=True).start()
    while True:
        query, who = datagrams.recvfrom(4096)
        message = answer(query)
        datagrams.sendto(message if len(message) <= PAYLOAD else cut(message), who)
