"""A crafted answer: where it stands, and what the answer should be called."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from . import wire as w
from .wire import Message, Name, Record
from .zones import Family, Keyring, Universe, beginning


@dataclass
class Case:
    """One question, and the message that answers it."""

    kind: str
    about: str
    question: tuple[Name, int]
    message: Message
    family: Family
    honest: bool = False
    # Other answers that belong to it.
    besides: dict[tuple[Name, int], Message] = field(default_factory=dict)

    def table(self) -> dict[tuple[Name, int], Message]:
        """All that is not the truth, or not left to it."""
        return {self.question: self.message, **self.besides}


class Cases:
    """All of them, and the zones that they are made of."""

    def __init__(self) -> None:
        self.keyring = Keyring()
        self.universe: Universe = beginning(self.keyring)
        self.number = 0
        self.cases: list[Case] = []

    def family(self, style: str = "NSEC", **more: object) -> Family:
        """Zones for one case."""
        self.number += 1
        return Family(self.universe, self.keyring, self.number, style, **more)

    def add(
        self, kind: str, about: str, family: Family, message: Message, *, honest: bool = False,
        besides: dict[tuple[Name, int], Message] | None = None,
    ) -> None:
        """One more case; its question is the message's."""
        self.cases.append(Case(kind, about, message.question, message, family, honest, besides or {}))


def reply(
    owner: Name, rtype: int, answer: Iterable[Record] = (), authority: Iterable[Record] = (), rcode: int = 0,
) -> Message:
    """A message for a question."""
    return Message((owner, rtype), list(answer), list(authority), rcode=rcode)


def alias(owner: Name, onward: Name) -> Record:
    """An unsigned CNAME."""
    return Record(owner, w.CNAME, w.wire(onward), 300)


def moved(records: Iterable[Record], owner: Name) -> list[Record]:
    """The same data at another name."""
    return [record._replace(owner=owner) for record in records]
