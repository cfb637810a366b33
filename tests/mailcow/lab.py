"""A mailcow with waiting mail, from the queue to the entry and out again.

Called by `run`, inside the namespaces that tests/postfix/run makes.
"""

import argparse
import json
import os
import re
import shutil
import smtplib
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import yaml

import mailservers
import policies
from api import Mailcow, serve
from certificates import STRANGERS, Mint
from mailservers import COMMON_MAIN, COMMON_MASTER, bring_up, lines, new_instance, postfix
from model import Certificate
from releases import Release
from scenarios import collect
from servers.nameservers import Nameservers, stop, wait_until
from zones import TOP_SERVER, ZONE_SERVER, Zones

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = ROOT / "contrib/mailcow/docker-compose.override.yml"
NETWORK = "172.22.1"
POSTFIX, UNBOUND = f"{NETWORK}.253", f"{NETWORK}.254"
TLSPOL, MYSQL = f"{NETWORK}.10", f"{NETWORK}.11"
HOSTNAME = "mail.mailcow.lab"
KEYS = {"read-only-key": "ro", "read-write-key": "rw"}
BROKEN, HEALTHY = "partner", "healthy"

# What mailcow's unbound.conf sets and a validating resolver can feel.
UNBOUND_LINES = (
    "access-control: 172.16.0.0/12 allow",
    "cache-min-ttl: 5",
    "cache-max-negative-ttl: 60",
    "max-udp-size: 4096",
    "msg-buffer-size: 65552",
    "unwanted-reply-threshold: 10000",
    "hide-identity: yes",
    "hide-version: yes",
)

# What mailcow's main.cf says of outgoing mail. The table of MySQL is the same query
# behind a socketmap.
MAIN_CF = f"""\
smtp_tls_CAfile = {{ca_file}}
smtp_tls_loglevel = 1
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_tls_mandatory_protocols = >=TLSv1.2
smtp_tls_protocols = >=TLSv1.2
smtp_tls_policy_maps = socketmap:inet:{MYSQL}:8643:mysql_tls_policy_override_maps
  socketmap:inet:postfix-tlspol:8642:QUERY
minimal_backoff_time = 300s
maximal_backoff_time = 1800s
queue_run_delay = 300s
maximal_queue_lifetime = 5d
smtp_address_preference = any
"""
OWN = """\
compatibility_level = 3.7
mail_name = Postcow
myhostname = {hostname}
inet_interfaces = {address}
mynetworks = 172.22.1.0/24
default_transport = smtp
"""
# mailcow's guide: Disabling the TLS policy checks completely.
SWITCHED_OFF = f"""\
smtp_tls_security_level = may
smtp_dns_support_level = enabled
smtp_tls_policy_maps = socketmap:inet:{MYSQL}:8643:mysql_tls_policy_override_maps
"""


def arguments() -> argparse.Namespace:
    """The command line; tests/postfix/run adds the rest."""
    parser = argparse.ArgumentParser(prog="tests/mailcow/run")
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--release", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep configuration and logs")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--exim", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tools", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


class Proof:
    """Counts what holds, and says what does not."""

    def __init__(self) -> None:
        self.held = 0
        self.failed = 0

    def check(self, what: str, holds: object, said: object = "") -> None:
        """One thing that has to hold."""
        if holds:
            self.held += 1
            print(f"ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}\n{said}", flush=True)


class Container:
    """The service `danecheck` of contrib/mailcow, without Docker: an image of the
    program alone, its user, its variables and its files."""

    def __init__(self, folder: Path, program: Path, anchor: Path, ca_file: Path) -> None:
        self.root = folder
        (folder / "mailcow").mkdir(parents=True)
        (folder / "run/secrets").mkdir(parents=True)
        shutil.copy(program, folder / "danecheck")
        shutil.copy(anchor, folder / "anchor")
        shutil.copy(ca_file, folder / "ca.pem")
        key = folder / "run/secrets/danecheck_api_key"
        key.write_text("read-only-key\n")
        os.chown(key, 65534, 65534)
        key.chmod(0o400)
        (folder / "etc").mkdir()
        for path in (folder, folder / "run", folder / "run/secrets", folder / "etc"):
            path.chmod(0o755)
        self.names(TLSPOL)
        service = yaml.safe_load(COMPOSE.read_text())["services"]["danecheck"]
        assert service["user"] == "65534:65534" and service["read_only"], service
        given = {"IPV4_NETWORK": NETWORK, "MAILCOW_HOSTNAME": HOSTNAME}
        self.environment = dict(filled(line, given).split("=", 1) for line in service["environment"])
        # The root of the lab's own public key infrastructure.
        self.environment["SSL_CERT_FILE"] = "/ca.pem"

    def names(self, tlspol: str) -> None:
        """What Docker's own resolver knows in mailcow's network."""
        (self.root / "etc/hosts").write_text(f"{tlspol} postfix-tlspol\n")

    def configure(self, main_cf: str, extra_cf: str) -> None:
        """main.cf as mailcow's start leaves it, with extra.cf at its end."""
        (self.root / "mailcow/main.cf").write_text(f"{main_cf}\n# User Overrides\n{extra_cf}")
        (self.root / "mailcow/extra.cf").write_text(extra_cf)

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess:
        """`docker compose run --rm -T danecheck WORDS...`"""
        lab = ("--allow-private", "--trust-anchor", "/anchor")
        return subprocess.run(
            ["/usr/sbin/chroot", "--userspec=65534:65534", str(self.root), "/danecheck", *words, *lab],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )


def filled(text: str, given: dict[str, str]) -> str:
    """Variables as compose fills them in."""

    def value(found: re.Match[str]) -> str:
        return given.get(found[1]) or found[2] or ""

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", value, text)


class Sender:
    """mailcow's Postfix."""

    def __init__(self, directory: Path, release: Release, main_cf: str) -> None:
        self.directory = directory
        self.release = release
        common = re.sub(r"(?m)^compatibility_level.*\n", "", COMMON_MAIN.format(directory=directory))
        master = f"{COMMON_MASTER}smtp unix - - n - 10 smtp\npickup unix n - n 60 1 pickup\nshowq unix n - n - - showq\nflush unix n - n 1000? 0 flush\n{POSTFIX}:25 inet n - n - - smtpd\n"
        main = common + OWN.format(hostname=HOSTNAME, address=POSTFIX) + main_cf
        new_instance(directory, main, master, release)
        postfix(directory, "start", release)

    def send(self, recipient: str) -> None:
        """One message; a null sender, so that no bounce comes back."""
        with smtplib.SMTP(POSTFIX, 25) as session:
            session.sendmail("", [recipient], f"Subject: {recipient}\n\nhello\n")

    def status(self, recipient: str, wanted: str, seconds: float = 60) -> str:
        """The last line of the log about this recipient, once it says so."""
        deadline = time.monotonic() + seconds
        while True:
            said = [line for line in lines(self.directory / "mail.log") if f"to=<{recipient}>" in line]
            if said and f"status={wanted}" in said[-1]:
                return said[-1]
            if time.monotonic() > deadline:
                return ""
            time.sleep(0.2)

    def queue(self, *options: str) -> str:
        """`docker compose exec -T postfix-mailcow postqueue OPTIONS`"""
        words = self.release.command("postqueue", "-c", str(self.directory), *options)
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def call_printed(text: str, verb: str) -> str:
    """The one API call of this kind that danecheck printed, whole."""
    joined = text.replace("\\\n", " ")
    calls = [line for line in joined.splitlines() if f"/api/v1/{verb}/tls-policy-map" in line]
    return calls[0].strip() if len(calls) == 1 else ""


class Administrator:
    """Runs what was printed, as it was printed, but for the name of the mailcow."""

    def __init__(self, folder: Path, ca_file: Path, address: str) -> None:
        folder.mkdir()
        (folder / ".curlrc").write_text(
            f'silent\ncacert = "{ca_file}"\nresolve = "{HOSTNAME}:443:{address}"\n'
        )
        self.folder = folder

    def run(self, call: str, key: str, *more: str) -> object:
        """The JSON that the API answers."""
        command = " ".join([call.replace("https://MAILCOW/", f"https://{HOSTNAME}/"), *more])
        environment = {**os.environ, "KEY": key, "CURL_HOME": str(self.folder), "HOME": str(self.folder)}
        done = subprocess.run(
            ["sh", "-c", command], env=environment, capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout or "null")


def main() -> int:
    """Builds it, and follows docs/mailcow.md."""
    options = arguments()
    directory: Path = options.directory
    proof = Proof()
    children: list[subprocess.Popen] = []
    healthy = next(one for one in collect() if one.name == "all-well")
    scenarios = [replace(healthy, name=BROKEN), replace(healthy, name=HEALTHY)]
    for address in (POSTFIX, UNBOUND, TLSPOL, MYSQL, f"{NETWORK}.99"):
        bring_up(address)
    hosts = directory / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{TLSPOL} postfix-tlspol\n")
    Path("/etc/resolv.conf").write_text(f"nameserver {UNBOUND}\n")
    subprocess.run(["mount", "--bind", str(hosts), str(options.root / "etc/hosts")], check=True)

    mint = Mint(directory / "certificates")
    ca_file = directory / "ca.pem"
    ca_file.write_text(mint.trusted_root.pem.read_text())
    placed = mailservers.place(scenarios, mint)
    zones = Zones(directory / "zones", scenarios, placed, mint.authority(STRANGERS[0]))
    anchor = zones.sign()
    logs = directory / "logs"
    logs.mkdir()
    everywhere = [one for group in placed.values() for one in group]
    release = Release(options.release, options.root, options.tools)
    sender = None
    try:
        servers = Nameservers(logs, children, ("ns-top.lab.", TOP_SERVER), anchor)
        for address in (TOP_SERVER, ZONE_SERVER):
            servers.nsd(address, [(f.name, f.path) for f in zones.files if f.server == address])
        servers.unbound(UNBOUND, more=UNBOUND_LINES)
        wait_until(UNBOUND, "lab.", "secure")
        mailservers.start(directory, options.exim, everywhere, mint, children)
        # The receiver changed the key and not the record.
        host = placed[BROKEN][0]
        chain = mailservers.chains(directory, host)[""][0]
        right = chain.read_text()
        other = mint.for_host(host.host, f"{BROKEN}.lab.", Certificate(variant=1))
        mint.chain_file(other, "usual", chain).chmod(0o644)
        # And it takes mail from mailcow's network.
        with (directory / "postfix-a/main.cf").open("a") as file:
            file.write(f"mynetworks = 127.0.0.0/8 {NETWORK}.0/24\n")
        postfix(directory / "postfix-a", "reload")

        compose = yaml.safe_load(COMPOSE.read_text())["services"]
        network = compose["nginx-mailcow"]["networks"]["mailcow-network"]
        nginx = filled(network["ipv4_address"], {"IPV4_NETWORK": NETWORK})
        bring_up(nginx)
        own_address = filled(compose["danecheck"]["networks"]["mailcow-network"]["ipv4_address"], {})
        proof.check("the container has an address of its own", own_address not in (nginx, POSTFIX, UNBOUND))
        images = {
            "postfix-mailcow": f"ghcr.io/mailcow/postfix:{release.postfix()}-1",
            "postfix-tlspol-mailcow": "ghcr.io/mailcow/postfix-tlspol:1.8.23",
        }
        # In one network namespace the container's requests come from the API's address.
        mailcow = Mailcow(KEYS, {nginx}, images)
        certificate = mint.for_host(f"{HOSTNAME}.", "mailcow.lab.", Certificate())
        serve(mailcow, (nginx, 443), mint.chain_file(certificate, "usual", directory / "nginx.pem"))
        policies.SERVICE = (TLSPOL, 8642)
        policies.serve_answers({f"{name}.lab": "OK dane-only" for name in (BROKEN, HEALTHY)})
        policies.SERVICE = (MYSQL, 8643)
        policies.serve_answers(Table(mailcow))

        main_cf = MAIN_CF.format(ca_file=ca_file)
        sender = Sender(directory / "mailcow-postfix", release, main_cf)
        container = Container(directory / "container", options.program, anchor, ca_file)
        container.configure(main_cf, f"myhostname = {HOSTNAME}\n")
        administrator = Administrator(directory / "administrator", ca_file, nginx)
        follow_the_guide(proof, sender, container, administrator, mailcow, Repair(directory, chain, right))
        without_checks(proof, container, main_cf)
        Doctor(proof, container, main_cf, mailcow).examine(directory / "mailcow-dockerized")
    finally:
        if sender is not None:
            postfix(sender.directory, "stop", release)
        mailservers.stop(directory)
        stop(children)
    print(f"{proof.held} passed, {proof.failed} failed")
    return 1 if proof.failed else 0


class Table(dict):
    """mailcow's table as `policies.serve_answers` asks it."""

    def __init__(self, mailcow: Mailcow) -> None:
        super().__init__()
        self.mailcow = mailcow

    def get(self, key: str, default: str | None = None) -> str:
        """The answer of the socketmap."""
        return self.mailcow.look_up(key)


class Repair:
    """The receiver puts the former certificate back."""

    def __init__(self, directory: Path, chain: Path, text: str) -> None:
        self.directory, self.chain, self.text = directory, chain, text

    def do(self) -> None:
        """On the server, and at once."""
        self.chain.write_text(self.text)
        postfix(self.directory / "postfix-a", "reload")


def follow_the_guide(
    proof: Proof,
    sender: Sender,
    container: Container,
    administrator: Administrator,
    mailcow: Mailcow,
    repair: Repair,
) -> None:
    """From the queue to the entry, to the flush, and out again."""
    waiting = f"first@{BROKEN}.lab"
    sender.send(waiting)
    sender.send(f"first@{HEALTHY}.lab")
    line = sender.status(waiting, "deferred")
    proof.check("the mail waits for DANE", "Server certificate not " in line, line)
    proof.check("the other mail flows", sender.status(f"first@{HEALTHY}.lab", "sent"))

    listing = sender.queue("-j")
    triage = container.run("triage", stdin=listing)
    said = triage.stdout
    proof.check("triage says that mail waits", triage.returncode == 2, triage)
    proof.check("triage names the next hop alone", f"{BROKEN}.lab" in said and HEALTHY not in said, said)
    proof.check("nothing about mailcow had to be assumed", not triage.stderr, triage.stderr)
    add = call_printed(said, "add")
    proof.check("triage prints one call that adds a row", '"policy":"encrypt"' in add, said)
    flush = "docker compose exec -T postfix-mailcow postqueue -f"
    proof.check("and the command that flushes mailcow's queue", flush in said, said)

    denied = administrator.run(add, "read-only-key")
    proof.check("a read-only key may not add", denied == {"type": "error", "msg": "API read/write access denied"}, denied)
    refused = administrator.run(add, "read-write-key", "--interface", f"{NETWORK}.99")
    proof.check("another address may not either", "access denied for ip" in str(refused), refused)
    added = administrator.run(add, "read-write-key")
    saved = [["tls_policy_map_entry_saved", f"{BROKEN}.lab"]]
    proof.check("the call puts the row in force", [one["msg"] for one in added] == saved, added)
    again = administrator.run(add, "read-write-key")
    proof.check("a second call finds it there", "tls_policy_map_entry_exists" in str(again), again)
    proof.check("Postfix reads it", mailcow.look_up(f"{BROKEN}.lab") == "OK encrypt ")

    judged = json.loads(container.run("--json", f"{BROKEN}.lab").stdout)
    policy = judged["sender"]["policy"]
    proof.check("a check sees the row in force", policy["source"] == "mailcow's TLS policies", policy)
    versions = (judged["sender"]["postfix_version"], judged["sender"]["policy_service"]["version"])
    proof.check("and the versions that run", versions == (sender.release.postfix(), "1.8.23"), versions)
    verified = json.loads(container.run("--json", f"{HEALTHY}.lab").stdout)["sender"]["policy"]
    proof.check("postfix-tlspol decides elsewhere", verified["source"] == "postfix-tlspol 1.8.23", verified)

    sender.queue("-f")
    line = sender.status(waiting, "sent")
    proof.check("the flush delivers", line, lines(sender.directory / "mail.log")[-5:])
    in_tls = mailservers.received_in_tls(repair.directory).get(waiting)
    proof.check("in TLS", in_tls)
    empty = container.run("triage", stdin=sender.queue("-p"))
    proof.check("the queue is empty, and triage says so", empty.returncode == 0, empty)

    needed = container.run("overrides")
    proof.check("the weekly check: still needed", needed.returncode == 0 and "still needed" in needed.stdout, needed)
    repair.do()
    ended = container.run("overrides")
    proof.check("the receiver repaired it: no longer needed", ended.returncode == 1 and "no longer needed" in ended.stdout, ended)
    delete = call_printed(ended.stdout, "delete")
    proof.check("with the call that removes the row", delete, ended.stdout)
    removed = administrator.run(delete, "read-write-key")
    proof.check("the call removes it", removed and mailcow.rows() == [], removed)
    second = f"second@{BROKEN}.lab"
    sender.send(second)
    line = sender.status(second, "sent")
    verified = [one for one in lines(sender.directory / "mail.log") if "Verified TLS connection" in one]
    proof.check("mail flows without it, and verified", line and verified, verified[-3:])
    none = container.run("overrides")
    proof.check("no row, nothing to change", none.returncode == 0, none)
    proof.check("danecheck was never refused", mailcow.refused == 1, mailcow.refused)


def without_checks(proof: Proof, container: Container, main_cf: str) -> None:
    """extra.cf of the guide, as danecheck reads it."""
    container.configure(main_cf, SWITCHED_OFF)
    report = json.loads(container.run("--json", f"{HEALTHY}.lab").stdout)["sender"]
    policy = (report["policy"]["source"], report["policy"]["level"], report.get("policy_service"))
    proof.check("extra.cf that switches the checks off is seen", policy == ("main.cf", "may", None), policy)
    container.configure(main_cf, "")
    (container.root / "mailcow/extra.cf").write_text(SWITCHED_OFF)
    said = container.run("--json", f"{HEALTHY}.lab").stderr
    proof.check("one that waits for a restart is named", "restart postfix-mailcow" in said, said)


class Doctor:
    """`danecheck doctor` beside mailcow: each of its parts in order and broken."""

    def __init__(self, proof: Proof, container: Container, main_cf: str, mailcow: Mailcow) -> None:
        self.proof, self.container, self.main_cf, self.mailcow = proof, container, main_cf, mailcow

    def expect(self, what: str, wanted: dict[str, str], done: subprocess.CompletedProcess) -> dict:
        """These parts of mailcow complain, and no others. The lab has no internet, of
        which other checks complain."""
        checks = json.loads(done.stdout or "{}").get("checks", [])
        parts = {one["id"]: one for one in checks if one["id"].startswith("mailcow-")}
        found = {id: one["status"] for id, one in parts.items() if one["status"] in ("warning", "error")}
        self.proof.check(f"doctor: {what}", found == wanted and parts, (found, done))
        return {id: one["status"] for id, one in parts.items()}

    def inside(self, what: str, wanted: dict[str, str]) -> dict:
        """As `docker compose run --rm -T danecheck doctor`."""
        return self.expect(what, wanted, self.container.run("doctor", "--json"))

    def examine(self, folder: Path) -> None:
        """In the container first, then on the host."""
        container = self.container
        container.configure(self.main_cf, f"myhostname = {HOSTNAME}\n")
        statuses = self.inside("mailcow in order", {})
        seen = ("api", "postfix", "extra-cf", "entries", "policy-service")
        all_ok = statuses == {f"mailcow-{name}": "ok" for name in seen}
        self.proof.check("doctor: and nothing of it is unknown", all_ok, statuses)

        container.names(f"{NETWORK}.99")
        self.inside("postfix-tlspol is down", {"mailcow-policy-service": "error"})
        container.names(TLSPOL)
        container.configure(self.main_cf, SWITCHED_OFF)
        self.inside("the checks are switched off", {"mailcow-postfix": "warning"})
        container.configure(self.main_cf, "smtp_dns_support_level = enabled\n")
        self.inside("DANE without DNSSEC", {"mailcow-postfix": "error"})
        container.configure(self.main_cf, "")
        (container.root / "mailcow/extra.cf").write_text(SWITCHED_OFF)
        self.inside("extra.cf before the restart", {"mailcow-extra-cf": "warning"})
        container.configure(self.main_cf, "")
        bad = {"dest": "partner.lab", "policy": "encrypt", "parameters": "protocols=!SSLv2,!SSLv3", "active": 1}
        self.mailcow.add(bad)
        self.inside("a policy that Postfix rejects", {"mailcow-entries": "error"})
        self.mailcow.delete([str(row["id"]) for row in self.mailcow.rows()])
        key = container.root / "run/secrets/danecheck_api_key"
        key.write_text("another-key\n")
        self.inside("a key that is refused", {"mailcow-api": "warning"})
        key.write_text("read-only-key\n")

        # The host has mailcow's folder, and no name of its network.
        conf = folder / "data/conf/postfix"
        conf.mkdir(parents=True)
        (conf / "main.cf").write_text(self.main_cf)
        for network, wanted in ((NETWORK, {}), ("172.22.9", {"mailcow-resolver": "error"})):
            (folder / "mailcow.conf").write_text(f"IPV4_NETWORK={network}\n")
            done = subprocess.run(
                [
                    *(str(container.root / "danecheck"), "doctor", "--json", "--allow-private"),
                    *("--resolver", UNBOUND, "--timeout", "5"),
                    *("--trust-anchor", str(container.root / "anchor"), "--mailcow", str(folder)),
                ],
                capture_output=True, text=True, check=False, timeout=90,
            )
            self.expect(f"on the host, with IPV4_NETWORK={network}", wanted, done)


if __name__ == "__main__":
    sys.exit(main())
