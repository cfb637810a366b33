"""A policy table of every kind of line, and what real Postfix does with it as
it is, and as `danecheck overrides --write --accept-weaker` would have it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mailservers import received_in_tls
from model import Scenario
from nameservers import RESOLVER
from sender import Client, Message, Outcome, outcome

DELIVERED = ("delivered", "delivered-after-retry")
STRICTER = {"encrypt": "dane", "may": "encrypt", "none": "may"}
# How a level does where the one above it is asked: encrypt has to at once.
ENOUGH = {"encrypt": ("delivered",), "may": DELIVERED, "none": DELIVERED, "dane": DELIVERED}

NO_PIN = ":".join(["00"] * 32)

# The line, the word on it, and the next hop that mail is sent to for it, where
# that is not the first word of the line.
LINES: tuple[tuple[str, str, str | None], ...] = (
    ("both-stale.lab  encrypt", "needed", None),
    ("starttls-off.lab  may", "needed", None),
    ("handshake-fails.lab  may", "needed", None),
    ("starttls-hang.lab  none", "needed", None),
    ("[mail.bracketed-stale.lab]  encrypt", "needed", None),
    ("anchor-not-sent.lab  secure match=mail.anchor-not-sent.lab", "needed", None),
    ("authority-tlsa-servfail.lab  verify", "needed", None),
    (".both-stale.lab  encrypt", "needed", "mx1.both-stale.lab"),
    ("ee-certificate-sha512.lab  secure match=elsewhere.example", "not-enough", None),
    ("ee-certificate-full.lab  secure match=mail.ee-certificate-full.lab", "deliberate", None),
    ("handshake-fails-without-tlsa.lab  encrypt", "not-enough", None),
    ("tls-then-helo-without-tlsa.lab  encrypt", "deliberate", None),
    ("first-of-two-stale.lab  verify", "deliberate", None),
    ("all-well.lab  encrypt", "no-longer-needed", None),
    ("starttls-off-without-tlsa.lab  none", "no-longer-needed", None),
    ("unusable-usage-0.lab  may", "no-longer-needed", None),
    ("ee-certificate-sha256.lab  dane", "no-longer-needed", None),
    ("ee-key-sha512.lab  encrypt\n  protocols=>=TLSv1.2", "no-longer-needed", None),
    ("ee-key-sha256-stale.lab  may", "stricter-would-do", None),
    ("ee-key-sha512-stale.lab  none", "stricter-would-do", None),
    ("[mail.bracketed-port-stale.lab]:587  may", "stricter-would-do", None),
    ("starttls-454.lab  encrypt", "not-enough", None),
    ("starttls-drop.lab  may", "not-enough", None),
    ("tls-then-421.lab  may", "not-enough", None),
    ("connection-refused.lab  may", "not-enough", None),
    (f"unusable-beside-stale.lab  fingerprint match={NO_PIN}", "not-enough", None),
    ("ee-certificate-full-stale.lab  encrypt match=mail.example", "malformed", None),
    ("ee-certificate-sha256-stale.lab  encrypt ciphers=best", "malformed", None),
    ("anchor-leaf-expired.lab  encrpyt", "malformed", None),
    ("ee-key-sha256.lab  may protocols=!SSLv2,!SSLv3", "malformed", None),
    ("ee-key-full.lab  fingerprint", "malformed", None),
    ("Both-Stale.LAB  may", "duplicate", "both-stale.lab"),
    ("user@all-well.lab  may", "never-used", "all-well.lab"),
    ("anchor-strange.lab.  may", "not-enough", "anchor-strange.lab"),
    ("ee-key-full-stale.lab", "not-enough", "ee-key-full-stale.lab"),
)
BELOW = "mx1.both-stale.lab"


@dataclass(frozen=True)
class Row:
    """One line of the table, and where its mail goes."""

    text: str
    word: str
    next_hop: str
    own: bool


def rows() -> list[Row]:
    """The lines; `own` where the line counts for its next hop."""
    made = []
    for text, word, next_hop in LINES:
        key = text.split()[0]
        made.append(Row(text, word, next_hop or key, next_hop is None or key.startswith(".")))
    return made


def needed_scenarios(all_of_them: list[Scenario]) -> list[Scenario]:
    """The scenarios that the lines are about."""
    hops = {row.next_hop for row in rows()}
    chosen = [s for s in all_of_them if s.next_hop in hops]
    if missing := hops - {s.next_hop for s in chosen} - {BELOW}:
        raise SystemExit(f"no scenario for {sorted(missing)}")
    return chosen


def table(lines: list[Row]) -> str:
    """The table, each line with a comment of somebody's above it."""
    return "".join(f"# number {n}\n{row.text}\n" for n, row in enumerate(lines, 1))


class Proof:
    """Counts what holds, and tells what does not."""

    def __init__(self) -> None:
        self.held = 0
        self.failed: list[str] = []

    def check(self, what: str, expected: object, got: object) -> None:
        """One thing that has to hold."""
        if expected == got:
            self.held += 1
        else:
            self.failed.append(f"{what}: expected {expected!r}, got {got!r}")


def overrides(binary: Path, anchor: Path, ca_file: Path, text: str, *options: str):
    """One run of `danecheck overrides -`."""
    return subprocess.run(
        [
            *(str(binary), "overrides", "-", "--allow-private", "--resolver", RESOLVER),
            *("--below", BELOW),
            *("--trust-anchor", str(anchor), "--ca-file", str(ca_file), *options),
        ],
        capture_output=True,
        text=True,
        input=text,
        check=False,
        timeout=180,
    )


def levels(text: str) -> dict[str, str]:
    """Key and level of each line of a table that danecheck wrote."""
    pairs = (line.split()[:2] for line in text.splitlines() if line and line[0] not in "# \t")
    return {pair[0].lower(): pair[1] for pair in pairs if len(pair) == 2}


def prove(binary: Path, directory: Path, anchor: Path, ca_file: Path, servers: Path) -> Proof:
    """Judge the table, send through it before and after, and compare."""
    proof = Proof()
    before = table(rows())
    # A duplicate stops a whole texthash: table, and with it all mail.
    without_duplicates = table([row for row in rows() if row.word != "duplicate"])
    judged = json.loads(overrides(binary, anchor, ca_file, before, "--json").stdout)
    unasked = overrides(binary, anchor, ca_file, before, "--write").stdout
    done = overrides(binary, anchor, ca_file, before, "--write", "--accept-weaker")
    after = done.stdout
    proof.check("exit status", 2, done.returncode)
    for row, got in zip(rows(), judged["overrides"], strict=True):
        proof.check(f"word on {row.text!r} ({got['reason']})", row.word, got["word"])
        if got["kept"]:
            # What would ask for less stays, byte for byte, and says why.
            proof.check(f"{row.text!r} kept", True, f"\n{row.text}\n" in unasked)
            proof.check(f"{row.text!r} with a caution", True, bool(got["caution"]))
    comments = [line for line in after.splitlines() if line.startswith("# number ")]
    proof.check("comments kept", len(rows()), len(comments))
    (directory / "table-before").write_text(before)
    (directory / "table-after").write_text(after)

    hops = list(dict.fromkeys(row.next_hop for row in rows()))
    kept = levels(after)
    tables = {"twice": before, "before": without_duplicates, "after": after}
    tables = {transport: {text: ""} for transport, text in tables.items()}
    client = Client(directory / "tables-client", ca_file, tables)
    transports = ("twice", "before", "after", "none", "may", "encrypt", "dane")
    messages = [
        Message(f"{transport}.{number}@table.measure", transport, hop)
        for transport in transports
        for number, hop in enumerate(hops)
    ]
    client.start(messages)
    try:
        client.send(messages)
        attempts = client.wait(messages)
        in_tls = received_in_tls(servers)
        seen: dict[tuple[str, str], Outcome] = {
            (m.transport, m.next_hop): outcome(m.recipient, attempts[m.recipient], in_tls)
            for m in messages
        }
    finally:
        client.stop()

    def delivery(transport: str, hop: str) -> str:
        return seen[transport, hop].delivery

    for row, got in zip(rows(), judged["overrides"], strict=True):
        # What danecheck says of the line as it stands is what Postfix does.
        if row.own and got["with"]:
            measured = seen["before", row.next_hop]
            for name in ("delivery", "channel"):
                proof.check(f"{row.text!r} before: {name}", getattr(measured, name), got["with"][name])
        if got["without"] and row.next_hop != BELOW:
            proof.check(
                f"{row.text!r} without: delivery",
                delivery("dane", row.next_hop),
                got["without"]["delivery"],
            )
    for hop in hops:
        if hop != "connection-refused.lab":
            proof.check(f"{hop} with a duplicate in the table", "deferred", delivery("twice", hop))
        deliverable = any(delivery(t, hop) in DELIVERED for t in ("none", "may", "encrypt", "dane"))
        proof.check(f"{hop} after: delivered", deliverable, delivery("after", hop) in DELIVERED)
        level = kept.get(hop, kept.get(".both-stale.lab") if hop == BELOW else None)
        if level is None:
            proof.check(f"{hop}: no line, and dane delivers", True, delivery("dane", hop) in DELIVERED)
        elif level in STRICTER and deliverable and hop not in deliberate():
            stricter = STRICTER[level]
            does = delivery(stricter, hop) in ENOUGH[stricter]
            proof.check(f"{hop} {level}: {stricter} would not do", False, does)
    again = overrides(binary, anchor, ca_file, after, "--json")
    words = {one["next_hop"]: one["word"] for one in json.loads(again.stdout)["overrides"]}
    for hop, word in words.items():
        right = word in ("needed", "deliberate") or hop == "connection-refused.lab"
        proof.check(f"{hop} in the table as it should be ({word})", True, right)
    print(f"  a table of {len(rows())} lines, {len(kept)} as it should be, {len(messages)} messages")
    return proof


def deliberate() -> set[str]:
    """Next hops whose line asks for more than dane does."""
    return {row.next_hop for row in rows() if row.word == "deliberate"}
