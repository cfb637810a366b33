"""Honest answers, changed by lot: danecheck is never less strict than unbound."""

import random
import struct
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from liar import ADDRESS, entry

from . import wire as w
from .cases import Case
from .check import Lab
from .judges import Compared, Verdict, compare, key
from .wire import SECTIONS, Message, Record

# Changes of one answer at most.
AT_ONCE = 3
# Printed in full.
PRINTED = 25
Donors = list[Message]
Mutation = Callable[[random.Random, Message, Donors], None]


def some(lot: random.Random, message: Message) -> tuple[list[Record], int] | None:
    """A record, as its section and its place there."""
    sections = [getattr(message, name) for name in SECTIONS]
    places = [(records, at) for records in sections for at in range(len(records))]
    return lot.choice(places) if places else None


def section(lot: random.Random, message: Message) -> list[Record]:
    """A section, mostly one that matters."""
    return getattr(message, lot.choice(("answer", "answer", "authority", "authority", "additional")))


def insert(lot: random.Random, records: list[Record], more: list[Record]) -> None:
    """Put records somewhere."""
    at = lot.randrange(len(records) + 1)
    records[at:at] = more


def move_record(lot: random.Random, message: Message, _: Donors) -> None:
    """From one section to another."""
    if found := some(lot, message):
        insert(lot, section(lot, message), [found[0].pop(found[1])])


def move_section(lot: random.Random, message: Message, _: Donors) -> None:
    """Answer and authority change places."""
    message.answer, message.authority = message.authority, message.answer


def drop_record(lot: random.Random, message: Message, _: Donors) -> None:
    """One less."""
    if found := some(lot, message):
        found[0].pop(found[1])


def drop_set(lot: random.Random, message: Message, _: Donors) -> None:
    """All records of a name, or of a name and a type with its signatures."""
    if found := some(lot, message):
        gone = found[0][found[1]]
        whole = lot.random() < 0.5
        found[0][:] = [
            record for record in found[0]
            if record.owner != gone.owner or not whole and kind(record) != kind(gone)
        ]


def kind(record: Record) -> int:
    """The type of the set that a record belongs to."""
    return struct.unpack_from("!H", record.rdata)[0] if record.rtype == w.RRSIG else record.rtype


def drop_signatures(lot: random.Random, message: Message, _: Donors) -> None:
    """All of them, or those of a section."""
    for name in lot.choice((SECTIONS, ("answer",), ("authority",))):
        records = getattr(message, name)
        records[:] = [record for record in records if record.rtype != w.RRSIG]


def duplicate(lot: random.Random, message: Message, _: Donors) -> None:
    """A record twice, maybe elsewhere."""
    if found := some(lot, message):
        insert(lot, section(lot, message), [found[0][found[1]]])


def add_foreign(lot: random.Random, message: Message, donors: Donors) -> None:
    """A record set, or a record, of another answer."""
    if not (found := some(lot, lot.choice(donors))):
        return
    one = found[0][found[1]]
    more = [record for record in found[0] if (record.owner, kind(record)) == (one.owner, kind(one))]
    insert(lot, section(lot, message), more if lot.random() < 0.7 else [one])


def swap_section(lot: random.Random, message: Message, donors: Donors) -> None:
    """A section of another answer in place of this one's."""
    name = lot.choice(("answer", "authority"))
    setattr(message, name, list(getattr(lot.choice(donors), name)))


def swap_all(lot: random.Random, message: Message, donors: Donors) -> None:
    """The whole of another answer."""
    other = lot.choice(donors)
    message.answer, message.authority, message.rcode = list(other.answer), list(other.authority), other.rcode


def rename(lot: random.Random, message: Message, donors: Donors) -> None:
    """A record set at another name: the question's, or one of another answer."""
    if not (found := some(lot, message)):
        return
    old = found[0][found[1]].owner
    other = some(lot, lot.choice(donors))
    new = message.question[0] if lot.random() < 0.6 or not other else other[0][other[1]].owner
    found[0][:] = [record._replace(owner=new) if record.owner == old else record for record in found[0]]


def lead_elsewhere(lot: random.Random, message: Message, donors: Donors) -> None:
    """An alias, or a mail exchanger, to somewhere else; or a new alias."""
    other = some(lot, lot.choice(donors))
    name = other[0][other[1]].owner if other else message.question[0]
    named = [(at, record) for at, record in enumerate(message.answer) if record.rtype in w.NAME_AT]
    if named and lot.random() < 0.7:
        at, record = lot.choice(named)
        message.answer[at] = record._replace(rdata=record.rdata[: w.NAME_AT[record.rtype]] + w.wire(name))
    else:
        owner = lot.choice([message.question[0], *(record.owner for record in message.answer)])
        insert(lot, message.answer, [Record(owner, w.CNAME, w.wire(name))])


def header(lot: random.Random, message: Message, _: Donors) -> None:
    """Another response code, or another flag."""
    if lot.random() < 0.6:
        message.rcode = lot.choice((0, 0, 3, 3, 3, 2, 5))
    else:
        message.flags ^= lot.choice((w.AA, w.AD, w.TC))


def spell(lot: random.Random, message: Message, _: Donors) -> None:
    """Names in another case: owners, the question, names in data."""

    def spelt(name: w.Name) -> w.Name:
        return tuple(bytes(lot.choice((byte, ord(chr(byte).upper()))) for byte in label) for label in name)

    whole = lot.random() < 0.5
    for name in SECTIONS:
        records = getattr(message, name)
        for at, record in enumerate(records):
            if whole or lot.random() < 0.3:
                record = record._replace(owner=spelt(record.owner))
                if record.rtype in w.NAME_AT and lot.random() < 0.5:
                    head = record.rdata[: w.NAME_AT[record.rtype]]
                    record = record._replace(rdata=head + w.wire(spelt(w.target(record))))
                records[at] = record
    if lot.random() < 0.2:
        message.question = (spelt(message.question[0]), message.question[1])


def swap_signatures(lot: random.Random, message: Message, donors: Donors) -> None:
    """Two signatures change places; or one is another answer's."""
    own = [(records, at) for name in SECTIONS for records in [getattr(message, name)]
           for at, record in enumerate(records) if record.rtype == w.RRSIG]
    other = [record for donor in [lot.choice(donors)] for record in donor.answer + donor.authority
             if record.rtype == w.RRSIG]
    if len(own) > 1 and lot.random() < 0.5:
        (one, here), (two, there) = lot.sample(own, 2)
        data = one[here].rdata
        one[here] = one[here]._replace(rdata=two[there].rdata)
        two[there] = two[there]._replace(rdata=data)
    elif own and other:
        records, at = lot.choice(own)
        records[at] = records[at]._replace(rdata=lot.choice(other).rdata)


def change_signature(lot: random.Random, message: Message, _: Donors) -> None:
    """One field of a signature, or one bit of it."""
    own = [(records, at) for name in SECTIONS for records in [getattr(message, name)]
           for at, record in enumerate(records) if record.rtype == w.RRSIG and len(record.rdata) > 20]
    if own:
        records, at = lot.choice(own)
        data = bytearray(records[at].rdata)
        if lot.random() < 0.5:
            where = lot.randrange(18)
            data[where] = lot.choice((0, 255, data[where] ^ 1, (data[where] + 1) & 255, (data[where] - 1) & 255))
        else:
            data[-lot.randrange(1, 65)] ^= 1 << lot.randrange(8)
        records[at] = records[at]._replace(rdata=bytes(data))


def change_data(lot: random.Random, message: Message, _: Donors) -> None:
    """One bit of some data that holds no name that could become unreadable."""
    places = [(records, at) for name in SECTIONS for records in [getattr(message, name)]
              for at, record in enumerate(records) if record.rtype in (w.A, w.TLSA, w.NSEC3, w.DS, w.DNSKEY)]
    if places:
        records, at = lot.choice(places)
        data = bytearray(records[at].rdata)
        if data:
            # The first bytes of NSEC3: algorithm, flags, iterations.
            where = lot.randrange(min(4, len(data))) if lot.random() < 0.5 else lot.randrange(len(data))
            if records[at].rtype == w.NSEC3 and where > 3:
                where = lot.randrange(4)
            data[where] ^= 1 << lot.randrange(8)
            records[at] = records[at]._replace(rdata=bytes(data))


def change_ttl(lot: random.Random, message: Message, _: Donors) -> None:
    """Of one record or of all."""
    ttl = lot.choice((0, 1, 60, 86400, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
    if lot.random() < 0.5 and (found := some(lot, message)):
        found[0][found[1]] = found[0][found[1]]._replace(ttl=ttl)
        return
    for name in SECTIONS:
        setattr(message, name, [record._replace(ttl=ttl) for record in getattr(message, name)])


def shuffle(lot: random.Random, message: Message, _: Donors) -> None:
    """The records of each section in another order."""
    for name in SECTIONS:
        lot.shuffle(getattr(message, name))


MUTATIONS: tuple[Mutation, ...] = (
    move_record, move_section, drop_record, drop_set, drop_signatures, duplicate, add_foreign, add_foreign,
    add_foreign, swap_section, swap_section, swap_all, rename, rename, lead_elsewhere, lead_elsewhere, header,
    header, spell, swap_signatures, change_signature, change_data, change_ttl, shuffle,
)


class Pool:
    """The honest answers, and what they can be mixed with."""

    def __init__(self, lab: Lab) -> None:
        # What rests on other answers as well is not one message.
        self.cases = [case for case in lab.cases.cases if case.honest and not case.besides]
        self.donated: dict[int, Donors] = {}

    def donors(self, lot: random.Random, index: int) -> Donors:
        """What else is true in the zones of a case; and any other honest answer."""
        if index not in self.donated:
            case = self.cases[index]
            self.donated[index] = [
                case.family.truth(name, rtype, zone)
                for zone in [*case.family.zones.values(), case.family.unsigned]
                for name, rtype in (
                    ("_25._tcp.mx", w.TLSA), ("mx", w.A), ("mx", w.AAAA), ("_25._tcp.nx", w.TLSA), ("x.w", w.TLSA),
                    ("alias", w.A), ("_25._tcp.dn", w.TLSA), ("@", w.MX), ("@", w.DS),
                )
            ]
        return [*self.donated[index], lot.choice(self.cases).message]

    def mutated(self, lot: random.Random, index: int) -> tuple[Message, str]:
        """One answer, changed, and how."""
        message = self.cases[index].message.but()
        donors = self.donors(lot, index)
        names = []
        for mutation in lot.choices(MUTATIONS, k=lot.randint(1, AT_ONCE)):
            mutation(lot, message, donors)
            names.append(mutation.__name__)
        return message, ", ".join(names)


def ordered(message: Message) -> Message:
    """The same records in the order of the walk, signatures behind their sets.

    unbound's verdict depends on the order of aliases, and of sets in two sections.
    """
    rest, first = list(message.answer), []
    owner = w.lower(message.question[0])
    for _ in range(len(rest)):
        onward = None
        for rtype in (w.DNAME, w.CNAME, None):
            for record in [*rest]:
                at = w.lower(record.owner)
                kept = len(owner) - len(at)
                if rtype == w.DNAME:
                    here = kind(record) == rtype and kept > 0 and owner[kept:] == at
                else:
                    here = at == owner and rtype in (None, kind(record))
                if here:
                    rest.remove(record)
                    first.append(record)
                    if record.rtype == w.DNAME and rtype == w.DNAME:
                        onward = onward or owner[:kept] + w.lower(w.target(record))
                    elif record.rtype == w.CNAME and rtype == w.CNAME:
                        onward = w.lower(w.target(record))
        if onward is None:
            break
        owner = onward
    authority = sorted(
        message.authority, key=lambda record: (w.lower(record.owner), kind(record), record.rtype == w.RRSIG),
    )
    return message.but(answer=first + rest, authority=authority)


def judge(lab: Lab, messages: dict[w.Name, Message], cases: list[Case]) -> dict[tuple, tuple[Verdict, dict]]:
    """What unbound and danecheck say of these and nothing else."""
    lab.liar.tell({entry(*question): message.encode() for question, message in messages.items()})
    lab.unbound.flush()
    questions = [case.question for case in cases]
    with ThreadPoolExecutor(1) as other:
        theirs = other.submit(lab.unbound.judge, questions)
        shown = lab.lookups.ask([(ADDRESS, question) for question in questions])
    verdicts = theirs.result()
    return {question: (verdicts[question], shown[ADDRESS, question]) for question in questions}


def check(lab: Lab, count: int, seed: int) -> tuple[int, int]:
    """Change and judge so many; how many passed and failed."""
    lot = random.Random(seed)
    pool = Pool(lab)
    print(f"\n{count} mutations of {len(pool.cases)} honest answers, --seed {seed}")
    begin = time.monotonic()
    done = failed = stricter = by_order = 0
    pairs: Counter[tuple[str, str]] = Counter()
    by_mutation: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    while done < count:
        indices = lot.sample(range(len(pool.cases)), min(len(pool.cases), count - done))
        changed = {pool.cases[index].question: pool.mutated(lot, index) for index in indices}
        cases = [pool.cases[index] for index in indices]
        said = judge(lab, {question: message for question, (message, _) in changed.items()}, cases)
        for case in cases:
            message, names = changed[case.question]
            verdict, shown = said[case.question]
            compared = compare(shown, verdict, message)
            if compared.wrong:
                # What the others of its round left behind is not its fault.
                alone = judge(lab, {case.question: message}, [case])
                verdict, shown = alone[case.question]
                compared = compare(shown, verdict, message)
            if compared.wrong:
                # danecheck's verdict is of the records, in whatever order they are.
                other = ordered(message)
                their, own = judge(lab, {case.question: other}, [case])[case.question]
                same = own["validated"]["status"] == shown["validated"]["status"]
                if same and not compare(own, their, other).wrong:
                    by_order += 1
                    compared = Compared()
            done += 1
            stricter += compared.stricter
            pairs[shown["validated"]["status"], verdict.status] += 1
            if compared.untold:
                reasons[general(compared.untold)] += 1
            if compared.wrong:
                failed += 1
                by_mutation[names] += 1
                if failed <= PRINTED:
                    tell(case, names, message, compared)
    figures(pairs, by_mutation, reasons, stricter)
    print(f"{done} mutations, --seed {seed}, {failed} less strict than unbound "
          f"({by_order} only where the records are not in the order of the walk), {time.monotonic() - begin:.0f} s")
    return done - failed, failed


def general(reason: str) -> str:
    """A reason without the names in it."""
    return " ".join("NAME" if word.rstrip(",").endswith(".") and "." in word[:-1] else word for word in reason.split())


def tell(case: Case, names: str, message: Message, compared: Compared) -> None:
    """Print one that is wrong."""
    print(f"WRONG {case.about}, {names}: {key(case.question)}: {compared.wrong}")
    print("\n".join(f"      | {line}" for line in str(message).splitlines()))


def figures(pairs: Counter, by_mutation: Counter, reasons: Counter, stricter: int) -> None:
    """Print who says what how often."""
    print(f"as unbound: {sum(count for (own, theirs), count in pairs.items() if own == theirs)}; "
          f"bogus where unbound accepts: {stricter}")
    for (own, theirs), count in sorted(pairs.items()):
        print(f"  {count:5}  {own}, unbound {theirs}")
    for reason, count in reasons.most_common(12):
        print(f"  {count:5}  cannot tell: {reason}")
    for names, count in by_mutation.most_common(12):
        print(f"  {count:5}  WRONG by {names}")
