"""Mail that waits in a real Postfix, and what `danecheck triage` makes of it.

Called by `tests/postfix/run`, inside the namespaces that it makes.
"""

import argparse
import json
import re
import smtplib
import socketserver
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import mailservers
import nameservers
import policies
from certificates import STRANGERS, Mint
from scenarios import collect
from sender import ADDRESS, PORT, Client, Message
from senders import NEWER_TLS, SOCKETMAP
from servers.nameservers import stop
from zones import Zones

HERE = Path(__file__).resolve().parent
SENDER = "sender@client.lab"
SINK = ("127.0.1.90", 2626)
# Mail to each waits at level dane, each for a reason of its own.
WAITING = (
    *("wildcard-tlsa-stale", "tlsa-servfail", "alias-expanded-servfail"),
    *("client-certificate-demanded-tls12", "client-certificate-demanded"),
    *("starttls-off", "ehlo-1100-keywords", "starttls-421", "starttls-454"),
    *("starttls-454-nul", "starttls-454-closes", "ehlo-closes", "ehlo-drop"),
    *("ehlo-then-refusal-for-now", "mx-garbage", "ds-wrong", "a-notimp", "a-garbage"),
    *("aaaa-servfail-alone", "connection-refused", "greeting-421", "greeting-554"),
    "refusal-for-now-in-tls",
)
# What the policy service answers for some of them.
ANSWERS = {
    "wildcard-tlsa-stale.lab": "OK dane-only",
    "tlsa-servfail.lab": "TEMP ",
}
# A queue listing does not say why a certificate was refused, or that it is a table
# that fails; the log does.
UNEXPLAINED = "certificate-not-verified"
TOLD_BY_LOG = {"policy-lookup": "client-tls-configuration"}


class Sink(socketserver.StreamRequestHandler):
    """Takes the notices, one file each."""

    directory: Path

    def handle(self) -> None:
        """The dialogue of one message after the other."""
        self.say("220 sink")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self.say("354 go ahead")
                self.message()
            elif word == b"QUIT":
                self.say("221 bye")
                return
            self.say("250 ok")

    def message(self) -> None:
        """One message up to its dot."""
        mail = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            mail += line.removeprefix(b".").replace(b"\r\n", b"\n")
        # Several sessions end at once.
        (self.directory / f"{uuid.uuid4()}.eml").write_bytes(mail)

    def say(self, text: str) -> None:
        """One reply."""
        self.wfile.write(f"{text}\r\n".encode())


class WarningClient(Client):
    """The sending Postfix; it warns of a delay at the second attempt."""

    def main(self) -> str:
        """Its main.cf."""
        return super().main() + "delay_warning_time = 1s\nmaximal_backoff_time = 20s\n"


def triage(binary: Path, *options: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
    """One run of the program."""
    command = [str(binary), "triage", *options]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=300)


def causes(done: subprocess.CompletedProcess) -> dict[str, set[str]]:
    """The causes of each next hop, without the reasons that a listing does not give."""
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"no JSON: {done.stderr[:400]!r}") from None
    found: dict[str, set[str]] = {}
    for cause in answer["causes"]:
        name = TOLD_BY_LOG.get(cause["id"], cause["id"])
        name = UNEXPLAINED if name.startswith("certificate-") else name
        for hop in cause["next_hops"]:
            found.setdefault(hop["name"], set()).add(name)
    return found


def postqueue(client: Client, *options: str) -> bytes:
    """Its output."""
    command = ["postqueue", "-c", str(client.directory), *options]
    return subprocess.run(command, capture_output=True, check=True).stdout


def waiting(client: Client) -> set[str]:
    """The recipients whose mail is in the queue, the sender aside."""
    found = set()
    for line in postqueue(client, "-j").decode().splitlines():
        found |= {one["address"] for one in json.loads(line)["recipients"]}
    return found - {SENDER}


def until(what: str, seconds: float, reached) -> bool:
    """Whether it is reached in time."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            print(f"  not within {seconds:.0f} s: {what}")
            return False
        time.sleep(0.5)
    return True


def phase(
    name: str, transport: str, names: tuple[str, ...], client: Client, binary: Path, look: list[str]
) -> int:
    """One way to wait: the mistakes that were found."""
    wrong = 0
    notices = Sink.directory = client.directory.parent / f"notices-{name}"
    notices.mkdir()
    recipients = [f"{name}@{domain}" for domain in names]
    with smtplib.SMTP(ADDRESS, PORT) as session:
        for recipient in recipients:
            session.sendmail(SENDER, [recipient], f"From: {SENDER}\nSubject: x\n\nhello\n")
    began = time.monotonic()

    def noticed() -> set[str]:
        text = b"".join(path.read_bytes() for path in notices.iterdir()).decode(errors="replace")
        return set(re.findall(r"Final-Recipient: rfc822; *(\S+)", text))

    until(f"{name}: a notice for each", 150, lambda: noticed() >= set(recipients))
    print(f"  {time.monotonic() - began:5.1f} s  {len(noticed())} notices", flush=True)
    log = client.directory.parent / f"{name}.log"
    own = [line for line in mailservers.lines(client.directory / "mail.log") if f"/{transport}/" in line]
    log.write_text("".join(f"{line}\n" for line in own))
    mails = sorted(str(path) for path in notices.iterdir())
    said = {
        "postqueue -j": causes(triage(binary, "--no-check", "--json", stdin=postqueue(client, "-j"))),
        "postqueue -p": causes(triage(binary, "--no-check", "--json", stdin=postqueue(client, "-p"))),
        "the log": causes(triage(binary, "--no-check", "--json", str(log))),
        "the notices": causes(triage(binary, "--no-check", "--json", *mails)),
    }
    for domain in names:
        different = {form: sorted(found.get(domain, ())) for form, found in said.items()}
        if len({tuple(one) for one in different.values()}) != 1 or not different["the log"]:
            wrong += 1
            print(f"DIFFERS {name}: {domain}: {different}")
    strange = {hop for found in said.values() for hop in found} - set(names)
    if strange:
        wrong += 1
        print(f"DIFFERS {name}: next hops that nobody wrote to: {sorted(strange)}")
    return wrong + delivered(name, transport, names, client, binary, look)


def delivered(
    name: str, transport: str, names: tuple[str, ...], client: Client, binary: Path, look: list[str]
) -> int:
    """The entries go into the table, the queue is flushed: what can be delivered is."""
    table = client.directory.parent / f"policy-{transport}"
    queue = postqueue(client, "-j")
    answer = json.loads(triage(binary, "--json", *look, stdin=queue).stdout)
    actions = {hop["name"]: hop["action"] for hop in answer["next_hops"]}
    done = triage(binary, "--into", str(table), "--accept-weaker", *look, stdin=queue)
    table.write_bytes(done.stdout)
    subprocess.run(["postfix", "-c", str(client.directory), "reload"], check=True, capture_output=True)
    command = re.search(r"[Ff]lush the queue: (.*)", done.stderr.decode())
    if not command or not command[1].endswith("postqueue -f"):
        print(f"DIFFERS {name}: no command that flushes: {done.stderr.decode()[-400:]}")
        return 1
    can = {f"{name}@{domain}" for domain in names if actions.get(domain) in ("override", "keep")}
    flush = ["postqueue", "-c", str(client.directory), "-f"]
    # Its queue manager starts again after the reload.
    until(
        f"{name}: {command[1]}",
        20,
        lambda: subprocess.run(flush, capture_output=True, check=False).returncode == 0,
    )
    until(f"{name}: delivered", 90, lambda: not waiting(client) & can)
    left = waiting(client) & can
    for recipient in sorted(left):
        print(f"DIFFERS {name}: {recipient} still waits: {actions[recipient.split('@')[1]]}")
    print(f"  {name}: {len(names)} next hops, {len(can)} can be delivered to, {len(can - left)} are")
    subprocess.run(["postsuper", "-c", str(client.directory), "-d", "ALL"], check=False, capture_output=True)
    return len(left) + (not can)


def arguments() -> argparse.Namespace:
    """The command line; `tests/postfix/run` adds --directory."""
    parser = argparse.ArgumentParser(prog="tests/triage/run")
    parser.add_argument("--binary", type=Path, default=HERE.parent.parent / "target/release/danecheck")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep configuration and logs")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--exim", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Build, send, read, set, flush; the exit status says whether all is as it should be."""
    options = arguments()
    binary, directory = options.binary.resolve(), options.directory
    wanted = set(WAITING)
    chosen = [scenario for scenario in collect() if scenario.name in wanted]
    if missing := wanted - {scenario.name for scenario in chosen}:
        raise SystemExit(f"no such scenario: {', '.join(sorted(missing))}")
    children: list[subprocess.Popen] = []
    mint = Mint(directory / "certificates")
    ca_file = directory / "ca.pem"
    ca_file.write_text(mint.trusted_root.pem.read_text())
    placed = mailservers.place(chosen, mint)
    everywhere = [one for group in placed.values() for one in group]
    zones = Zones(directory / "zones", chosen, placed, mint.authority(STRANGERS[0]))
    anchor = zones.sign()
    for transport in ("dane", "mailcow"):
        (directory / f"policy-{transport}").write_text("# ours\n")
    client = WarningClient(directory / "client", ca_file)
    own = f"smtp_tls_policy_maps=texthash:{directory}/policy-"
    client.others = {
        "dane": ["smtp_tls_security_level=dane", f"{own}dane"],
        "mailcow": [*NEWER_TLS, "smtp_tls_security_level=dane", f"{own}mailcow,{SOCKETMAP}"],
    }
    logs = directory / "logs"
    logs.mkdir()
    at_dane = tuple(f"{name}.lab" for name in WAITING)
    look = ["--allow-private", "--resolver", nameservers.RESOLVER, "--trust-anchor", str(anchor)]
    look += ["--ca-file", str(ca_file)]
    wrong = 0
    try:
        nameservers.start(zones, chosen, anchor, logs, children)
        mailservers.start(directory, options.exim, everywhere, mint, children)
        policies.serve_answers(ANSWERS)
        mailservers.bring_up(SINK[0])
        sink = socketserver.ThreadingTCPServer(SINK, Sink)
        sink.daemon_threads = True
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        mail = [Message(f"dane@{domain}", "dane", domain) for domain in at_dane]
        mail += [Message(f"mailcow@{domain}", "mailcow", domain) for domain in at_dane]
        mail.append(Message(SENDER, "none", f"[{SINK[0]}]:{SINK[1]}"))
        client.start(mail)
        wrong += phase("dane", "dane", at_dane, client, binary, look)
        mailcow = [*look, "--sender", "mailcow"]
        wrong += phase("mailcow", "mailcow", at_dane, client, binary, mailcow)
    finally:
        client.stop()
        mailservers.stop(directory)
        stop(children)
    print(f"{wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
