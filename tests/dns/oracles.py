"""What unbound and delv say of a lookup, each in the words of RFC 4035 section 4.3."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

# What delv calls a lookup that came to nothing, but for no fault of DNSSEC.
FAILED = ";; resolution failed: "
NO_ANSWER = ("failure", "timed out", "SERVFAIL", "REFUSED", "server failure", "end of file")


@dataclass(frozen=True)
class Answer:
    """A resolver's answer, as dig shows it."""

    rcode: str | None
    ad: bool
    records: int

    @property
    def status(self) -> str:
        """What Postfix takes it for."""
        if self.rcode not in ("NOERROR", "NXDOMAIN"):
            return "failed"
        return "secure" if self.ad else "insecure"


Question = tuple[str, str]


def ask(resolver: str, questions: list[Question]) -> list[Answer]:
    """What dig shows of a resolver's answers, asked one after the other."""
    command = ["dig", "-f", "-", f"@{resolver}", "+noall", "+cmd", "+comments", "+answer"]
    command += ["+dnssec", "+time=4", "+tries=3"]
    lines = "".join(f"{name} {rtype}\n" for name, rtype in questions)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    _, *answers = done.stdout.split("; <<>> DiG")
    if len(answers) != len(questions):
        raise RuntimeError(f"dig answers {len(answers)} of {len(questions)} questions: {done}")
    return [read(text, rtype) for text, (_, rtype) in zip(answers, questions, strict=True)]


def read(text: str, rtype: str) -> Answer:
    """What dig printed of one answer."""
    if "status: " not in text:
        return Answer(None, False, 0)
    flags = text.split("flags:")[1].split(";")[0].split()
    lines = [line.split(None, 4) for line in text.splitlines() if not line.startswith(";")]
    records = sum(1 for fields in lines if len(fields) > 4 and fields[3] == rtype)
    return Answer(text.split("status: ")[1].split(",")[0], "ad" in flags, records)


def truth(checked: Answer, plain: Answer) -> str:
    """What the validating resolver says: bogus is what it withholds, and the
    one without validator gives.

    With checking disabled it may still give a SERVFAIL from its cache.
    """
    if checked.status != "failed":
        return checked.status
    return "bogus" if plain.status != "failed" else "unanswered"


class Delv:
    """BIND's validator as a command, with the lab's trust anchor."""

    def __init__(self, anchor: Path) -> None:
        self.anchors = anchor.with_name("delv.keys")
        statements = []
        for line in anchor.read_text().split("\n"):
            if fields := line.split():
                tag, algorithm, digest, *value = fields[fields.index("DS") + 1 :]
                statements.append(f'. static-ds {tag} {algorithm} {digest} "{"".join(value)}";')
        self.anchors.write_text(f"trust-anchors {{ {' '.join(statements)} }};\n")

    def ask(self, name: str, rtype: str, resolver: str, tries: int = 2) -> tuple[str, str]:
        """The status of the worst part of the answer, and delv's own words."""
        command = ["delv", f"@{resolver}", "-a", str(self.anchors), "+root=.", "+cdflag", name, rtype]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        except subprocess.TimeoutExpired:
            # delv 9.18 sometimes never ends, all of its threads asleep.
            return self.ask(name, rtype, resolver, tries - 1) if tries else ("unanswered", "no end")
        lines = (done.stdout + done.stderr).splitlines()
        words = [line.removeprefix(FAILED) for line in lines if line.startswith(FAILED)]
        if words and not words[-1].startswith("ncache"):
            why = words[-1]
            return ("unanswered" if why in NO_ANSWER else "bogus"), why
        words = [line.removeprefix("; ") for line in lines if line.startswith("; ")]
        if any("unsigned answer" in line for line in words):
            return "insecure", "; ".join(words)
        if any("fully validated" in line for line in words):
            return "secure", "; ".join(words)
        return "bogus", "; ".join(words) or " ".join(lines)
