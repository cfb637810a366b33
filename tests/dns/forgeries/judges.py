"""What unbound and delv make of a message, and what danecheck does."""

import json
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import wire as w
from .wire import Message, Name

# One with and one without validator, which ask the liar everything; and one with,
# which asks that without.
CHECKING, UNCHECKING, BEHIND = "127.0.6.2", "127.0.6.3", "127.0.6.4"
# What the answers are judged by must be the message alone, and not what was
# asked before.
UNBOUND = (
    "qname-minimisation: no", "prefetch: no", "val-bogus-ttl: 0", "msg-cache-slabs: 1",
    "rrset-cache-slabs: 1", "key-cache-slabs: 1", "num-queries-per-thread: 4096", "outgoing-range: 8192",
    "so-rcvbuf: 4m", "infra-cache-min-rtt: 1000", "harden-below-nxdomain: no",
)
Question = tuple[Name, int]


def key(question: Question) -> str:
    """A question as danecheck writes it."""
    return f"{w.text(question[0])} {w.NAMES[question[1]]}"


def ask_all(
    address: str, questions: Iterable[Question], *, checking_disabled: bool = False, at_once: int = 64,
) -> dict[Question, Message | None]:
    """What a resolver answers, asked many at a time; nothing where it is silent."""
    waiting = list(dict.fromkeys(questions))
    answers: dict[Question, Message | None] = dict.fromkeys(waiting)
    flags = w.RD | w.AD | (w.CD if checking_disabled else 0)
    asked: dict[int, tuple[Question, float, int]] = {}
    number = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((address, 53))
        udp.settimeout(0.25)

        def send(question: Question, tries: int) -> None:
            nonlocal number
            number = (number + 1) & 0xFFFF
            asked[number] = (question, time.monotonic() + 6, tries)
            udp.send(query(number, question, flags))

        while waiting or asked:
            while waiting and len(asked) < at_once:
                send(waiting.pop(), 4)
            try:
                data = udp.recv(65535)
            except TimeoutError:
                now = time.monotonic()
                for one, (question, until, tries) in list(asked.items()):
                    if now > until:
                        del asked[one]
                        if tries:
                            send(question, tries - 1)
                continue
            found = asked.pop(struct.unpack_from("!H", data)[0], None)
            if found and struct.unpack_from("!H", data, 2)[0] & w.TC:
                answers[found[0]] = over_tcp(address, found[0], flags)
            elif found:
                answers[found[0]] = w.decode(data)
    return answers


def query(number: int, question: Question, flags: int) -> bytes:
    """A question with DO, for as long a datagram as there is."""
    edns = b"\0" + struct.pack("!HHIH", w.OPT, 65000, 0x8000, 0)
    head = struct.pack("!HHHHHH", number, flags, 1, 0, 0, 1)
    return head + w.wire(question[0]) + struct.pack("!HH", question[1], 1) + edns


def over_tcp(address: str, question: Question, flags: int) -> Message | None:
    """One question over a connection of its own."""
    with socket.create_connection((address, 53), 15) as tcp, tcp.makefile("rb") as stream:
        data = query(1, question, flags)
        tcp.sendall(struct.pack("!H", len(data)) + data)
        head = stream.read(2)
        return w.decode(stream.read(struct.unpack("!H", head)[0])) if len(head) == 2 else None


@dataclass(frozen=True)
class Verdict:
    """unbound's, in the words of RFC 4035 section 4.3."""

    status: str
    rcode: int | None
    # What it shows of the type asked at the end of the aliases.
    records: tuple[str, ...]


def walked(message: Message) -> list[str]:
    """The records of the type asked, at the end of the aliases."""
    owner, rtype = w.lower(message.question[0]), message.question[1]
    for _ in range(len(message.answer) + 1):
        found = [record for record in message.answer if w.lower(record.owner) == owner]
        onward = [w.target(record) for record in found if record.rtype == w.CNAME != rtype]
        for record in message.answer:
            above = w.lower(record.owner)
            kept = len(owner) - len(above)
            if record.rtype == w.DNAME and kept > 0 and owner[kept:] == above and rtype != w.CNAME:
                onward.append(owner[:kept] + w.target(record))
        if not onward:
            return sorted({w.shown(record).lower() for record in found if record.rtype == rtype})
        owner = w.lower(onward[0])
    return []


class Unbound:
    """One that validates."""

    def __init__(self, address: str, control: Path) -> None:
        self.address, self.control = address, control

    def flush(self) -> None:
        """Let the validating one forget everything (unbound-control(8))."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.connect(str(self.control))
            control.sendall(b"UBCT1 flush_zone .\n")
            if not control.makefile().read().startswith("ok"):
                raise RuntimeError("unbound does not forget")

    def judge(self, questions: Iterable[Question]) -> dict[Question, Verdict]:
        """Bogus is what it withholds, and gives to those who do not have it checked."""
        checked = ask_all(self.address, questions)
        failed = [one for one, said in checked.items() if said is None or said.rcode not in (0, 3)]
        unchecked = ask_all(self.address, failed, checking_disabled=True)
        verdicts = {}
        for question, said in checked.items():
            if question in unchecked:
                behind = unchecked[question]
                given = behind is not None and behind.rcode in (0, 3)
                verdicts[question] = Verdict("bogus" if given else "unanswered", said and said.rcode, ())
            else:
                status = "secure" if said.flags & w.AD else "insecure"
                verdicts[question] = Verdict(status, said.rcode, tuple(walked(said)))
        return verdicts


class Lookups:
    """danecheck's own lookups, in one process; see lookups.rs."""

    def __init__(self, program: Path, anchor: Path) -> None:
        self.process = subprocess.Popen(
            [str(program), str(anchor)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )
        self.number = 0

    def ask(self, asked: list[tuple[str, Question]]) -> dict[tuple[str, Question], dict]:
        """What `danecheck dns --json` shows of each, by resolver and question."""
        numbers = {}
        for resolver, question in asked:
            numbers[self.number] = (resolver, question)
            self.number += 1
        lines = "".join(f"{resolver} {key(question)}\n" for resolver, question in asked)
        # Beside the reading, for neither side takes more than a pipe holds.
        writer = threading.Thread(target=self.write, args=(lines,))
        writer.start()
        shown = {}
        for _ in asked:
            number, _, views = self.process.stdout.readline().partition(" ")
            shown[numbers[int(number)]] = json.loads(views)
        writer.join()
        return shown

    def write(self, lines: str) -> None:
        """Hand questions over."""
        self.process.stdin.write(lines)
        self.process.stdin.flush()

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(10)


# How much an answer is worth, from the best.
RANK = {"secure": 0, "insecure": 1, "bogus": 2, "unanswered": 2}


@dataclass
class Compared:
    """danecheck's word beside unbound's."""

    # Why danecheck should not have said so; nothing where it may.
    wrong: str | None = None
    # Bogus, where unbound accepts it.
    stricter: bool = False
    # Why danecheck cannot tell.
    untold: str | None = None


def compare(shown: dict, verdict: Verdict, message: Message | None) -> Compared:
    """The rules: never less strict than unbound, and the same records.

    `message` is what danecheck was given, where that is known.
    """
    own = shown["validated"]
    status = own["status"]
    said = f"own {status} ({own['reason']}), unbound {verdict.status}"
    if status == "indeterminate":
        reason = own["reason"]
        return Compared(untold=reason) if reason else Compared("indeterminate without a reason")
    if RANK[status] < RANK[verdict.status]:
        # Nobody relies on what comes to no answer; but secure it is not.
        if status == "secure" or verdict.status == "bogus":
            return Compared(said)
        return Compared()
    if status == "secure" and verdict.status == "secure" and shown["answer"] != "failure":
        records = sorted({record.lower() for record in shown["records"]})
        # Where it ends in an alias, unbound alone asks on.
        ended = message is None or bool(walked(message)) or not message.answer
        if records != list(verdict.records) and (records or ended):
            return Compared(f"{said}, but records {records} instead of {list(verdict.records)}")
    return Compared(stricter=RANK[status] > RANK[verdict.status])
