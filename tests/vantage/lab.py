"""Two places and a domain: here, where somebody may sit in between, and there, at
the other end of `ssh -D`. Called by `run`."""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from servers.nameservers import Nameservers, stop, wait_until
from servers.signing import run
from servers.small import ROOT_SERVER, ZONE_SERVER, SmallTree

ROOT = Path(__file__).resolve().parent.parent.parent
HONEST, DENYING, PLAIN, CLEARED = (f"127.0.2.{n}" for n in range(1, 5))
HERE, THERE = "10.99.0.1", "10.99.0.2"
MAIL = [f"198.51.100.{n}" for n in (10, 11, 12)]
SOCKS, SSHD = 1080, 2222
ZONES = ("signed.", "plain.", "both.", "rolled.", "turns.", "signedturns.", "more.", "trusted.", "key.", "nodes.")
UNSIGNED = ("plain.", "turns.", "trusted.", "key.", "nodes.")


@dataclass
class Case:
    """What is at the mail servers' addresses, in each place: a certificate and what
    the server does. None: nobody listens."""

    name: str
    zone: str
    here: list[tuple[str, str] | None]
    there: list[tuple[str, str] | None] = field(default_factory=lambda: [("real", "")])
    resolver: str = HONEST
    # Of `compare`: 2 for somebody in between, 0 or 1 else.
    status: tuple[int, ...] = (2,)


def attacks() -> list[Case]:
    """Somebody sits between here and the domain."""
    cases = []
    for zone in ("signed.", "plain."):
        cases += [
            Case(f"another certificate, {zone}", zone, [("forged", "")]),
            Case(f"a fresh certificate, {zone}", zone, [("fresh", "")]),
            Case(f"STARTTLS stripped, {zone}", zone, [("real", "strip")]),
            Case(f"STARTTLS masked, {zone}", zone, [("real", "mask")]),
            Case(f"STARTTLS refused, {zone}", zone, [("real", "refuse")]),
            Case(f"cut after STARTTLS, {zone}", zone, [("real", "cut")]),
        ]
    cases.append(Case("TLSA denied", "signed.", [("real", "")], resolver=DENYING))
    return cases


def healthy() -> list[Case]:
    """Nobody does."""
    real = ("real", "")
    fine = (0, 1)
    return [
        Case("nothing differs, signed", "signed.", [real], status=(0,)),
        Case("nothing differs, plain", "plain.", [real], status=(0,)),
        Case("the same fault for all", "signed.", [("next", "")], [("next", "")], status=(0,)),
        Case("a resolver without validation", "signed.", [real], resolver=PLAIN, status=fine),
        Case("dnsmasq that clears the mark", "signed.", [real], resolver=CLEARED, status=fine),
        Case("two certificates, both published", "both.", [("next", "")], status=(1,)),
        Case("a renewal with its record", "rolled.", [real], [("next", "")], status=(1,)),
        Case("a renewal from a trusted CA", "trusted.", [("old", "")], [("new", "")], status=(1,)),
        Case("a renewal with the same key", "key.", [real], [("again", "")], status=(1,)),
        Case("addresses in turn", "turns.", [real, real, None], [None, real, real], status=(1,)),
        Case("signed addresses in turn", "signedturns.", [real, real, None], [None, real, real], status=(1,)),
        Case("a second MX record", "more.", [real, real], [real, real], status=(1,)),
        Case("two nodes in turn", "nodes.", [real, ("next", "")], [("next", ""), real], status=(1,)),
    ]


class Lab:
    """Both places."""

    def __init__(self, binary: Path, directory: Path, children: list[subprocess.Popen]) -> None:
        self.binary, self.directory, self.children = binary, directory, children
        self.failed = self.passed = 0
        self.certificates()
        content = self.content()
        self.tree = SmallTree(directory / "tree", content["here"], UNSIGNED)
        servers = {"servers.": [f"ns A {ZONE_SERVER}", f"root A {ROOT_SERVER}"], "dnssec-failed.org.": ["@ A 127.0.9.9"]}
        there = self.tree.sign("there", {**servers, **content["there"]})
        self.far = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        children.append(self.far)
        time.sleep(0.3)
        run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", str(self.far.pid))
        run("ip", "addr", "add", f"{HERE}/24", "dev", "v0")
        run("ip", "link", "set", "v0", "up")
        self.there("ip", "link", "set", "lo", "up")
        self.there("ip", "addr", "add", f"{THERE}/24", "dev", "v1")
        self.there("ip", "link", "set", "v1", "up")
        for address in MAIL:
            run("ip", "addr", "add", f"{address}/32", "dev", "lo")
            self.there("ip", "addr", "add", f"{address}/32", "dev", "lo")
        near = Nameservers(directory / "here", children, ("root.servers.", ROOT_SERVER), self.tree.anchor)
        self.name_servers(near, self.tree.files)
        near.unbound(HONEST)
        near.unbound(DENYING, more=['local-zone: "_25._tcp.mx.signed." always_nxdomain'])
        near.unbound(PLAIN, modules="iterator")
        near.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                   "--bind-interfaces", "--user=root", "--cache-size=0", "--pid-file=",
                   f"--server={HONEST}", f"--listen-address={CLEARED}")
        far = Nameservers(directory / "far", children, ("root.servers.", ROOT_SERVER), self.tree.anchor)
        far.start = lambda *command: self.start_there(*command)
        self.name_servers(far, there)
        far.unbound("127.0.0.1")
        for address in (HONEST, DENYING):
            wait_until(address, "both.", "secure")
        self.ssh()

    @staticmethod
    def name_servers(servers: Nameservers, files: list) -> None:
        """The root's and the zones'."""
        servers.nsd(ROOT_SERVER, files[:1])
        servers.nsd(ZONE_SERVER, files[1:])

    def there(self, *command: str) -> str:
        """Run a tool at the other place."""
        return run("nsenter", f"--net=/proc/{self.far.pid}/ns/net", *command)

    def start_there(self, *command: str) -> subprocess.Popen:
        """A process of the other place."""
        child = subprocess.Popen(["nsenter", f"--net=/proc/{self.far.pid}/ns/net", *command])
        self.children.append(child)
        return child

    def certificates(self) -> None:
        """For mx.ZONE of every zone, from hands of several kinds."""
        for name in ("here", "far", "pki"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        names = ",".join(f"DNS:mx.{zone.rstrip('.')}" for zone in ZONES)
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        pki = self.directory / "pki"
        run("openssl", "req", "-x509", *new, "-days", "30", "-subj", "/CN=Lab CA",
            "-keyout", f"{pki}/ca.key", "-out", f"{pki}/ca.pem")
        for name in ("real", "next", "forged", "fresh"):
            run("openssl", "req", "-x509", *new, "-days", "30", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={names}",
                "-keyout", f"{pki}/{name}.key", "-out", f"{pki}/{name}.pem")
        run("openssl", "req", "-x509", "-key", f"{pki}/real.key", "-days", "40", "-subj", "/CN=again",
            "-addext", f"subjectAltName={names}", "-out", f"{pki}/again.pem")
        (pki / "again.key").write_text((pki / "real.key").read_text())
        for name in ("old", "new"):
            run("openssl", "req", "-x509", *new, "-CA", f"{pki}/ca.pem", "-CAkey", f"{pki}/ca.key",
                "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", f"{pki}/{name}.key", "-out", f"{pki}/{name}.pem")

    def record(self, name: str) -> str:
        """3 1 1 of a certificate."""
        public = self.directory / "pki" / f"{name}.pub"
        run("openssl", "x509", "-in", str(self.directory / "pki" / f"{name}.pem"), "-noout", "-pubkey", "-out", str(public))
        der = subprocess.run(["openssl", "pkey", "-pubin", "-in", str(public), "-outform", "DER"],
                             capture_output=True, check=True).stdout
        digest = subprocess.run(["openssl", "sha256", "-r"], input=der, capture_output=True, check=True).stdout
        return f"_25._tcp.mx TLSA 3 1 1 {digest.split()[0].decode()}"

    def content(self) -> dict[str, dict[str, list[str]]]:
        """The zones, as each place sees them."""
        mx = ["@ MX 10 mx", f"mx A {MAIL[0]}"]
        real, following = self.record("real"), self.record("next")
        here = {zone: list(mx) for zone in ZONES}
        here["signed."].append(real)
        here["both."] += [real, following]
        here["rolled."].append(real)
        here["more."].append(real)
        in_turn = ["@ MX 10 mx", f"mx A {MAIL[0]}", f"mx A {MAIL[1]}"]
        others = ["@ MX 10 mx", f"mx A {MAIL[1]}", f"mx A {MAIL[2]}"]
        here["turns."], here["signedturns."] = in_turn, [*in_turn, real]
        here["nodes."] = in_turn
        there = {zone: list(lines) for zone, lines in here.items()}
        there["rolled."] = [*mx, following]
        there["turns."], there["signedturns."] = others, [*others, real]
        there["more."] += ["@ MX 20 mx2", f"mx2 A {MAIL[1]}"]
        return {"here": here, "there": there}

    def ssh(self) -> None:
        """A real sshd there, and a real `ssh -D` here."""
        base = self.directory / "ssh"
        base.mkdir()
        for key in ("host", "user"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(base / key))
        (base / "config").write_text(
            f"Port {SSHD}\nListenAddress {THERE}\nHostKey {base}/host\n"
            f"AuthorizedKeysFile {base}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin yes\nAllowTcpForwarding yes\n"
        )
        self.start_there("/usr/sbin/sshd", "-D", "-f", str(base / "config"))
        command = [
            "ssh", "-F", "none", "-N", "-D", f"127.0.0.1:{SOCKS}", "-p", str(SSHD), "-i", str(base / "user"),
            "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={base}/known",
            "-o", "LogLevel=ERROR", f"root@{THERE}",
        ]
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            time.sleep(0.7)
            if child.poll() is None:
                self.children.append(child)
                return
        raise RuntimeError("ssh -D does not start")

    def servers(self, label: str, rows: list, prefix: list[str]) -> subprocess.Popen:
        """The mail servers of one place."""
        pki = self.directory / "pki"
        config = [
            {"address": address, "certificate": str(pki / f"{row[0]}.pem"), "key": str(pki / f"{row[0]}.key"), "does": row[1]}
            for address, row in zip(MAIL, rows)
            if row
        ]
        path = self.directory / f"servers-{label}.json"
        path.write_text(json.dumps(config))
        program = Path(__file__).with_name("mail.py")
        child = subprocess.Popen([*prefix, sys.executable, str(program), str(path)], stdout=subprocess.PIPE, text=True)
        if child.stdout.readline() != "ready\n":
            raise RuntimeError(f"the mail servers of {label} do not start")
        return child

    def danecheck(self, *arguments: str, prefix: list[str] = ()) -> subprocess.CompletedProcess:
        """The program."""
        return subprocess.run([*prefix, str(self.binary), *arguments], capture_output=True, text=True, check=False)

    def case(self, case: Case, *, attack: bool) -> None:
        """One case, both ways."""
        into = ["nsenter", f"--net=/proc/{self.far.pid}/ns/net"]
        children = [self.servers("here", case.here, []), self.servers("there", case.there, into)]
        try:
            # With its dot: some of these names look like commands.
            target = case.zone
            common = ["--allow-private", "--timeout", "15", "--trust-anchor", str(self.tree.anchor),
                      "--ca-file", str(self.directory / "pki/ca.pem")]
            files = [str(self.directory / name) for name in ("a.json", "b.json")]
            also = self.danecheck("--json", "--resolver", case.resolver, "--also-from",
                                  f"socks5://127.0.0.1:{SOCKS}", "--save", files[0], *common, target)
            self.danecheck("--json", "--resolver", "127.0.0.1", "--save", files[1], *common, target, prefix=into)
            compared = self.danecheck("compare", *files, "--json")
        finally:
            stop(children)
        if not also.stdout:
            raise RuntimeError(f"{case.name}: no report, status {also.returncode}: {also.stderr}")
        report = json.loads(also.stdout)
        ids = {finding["id"] for finding in report["findings"]}
        action = report["recommendation"]["action"]
        found = "vantage-points-differ" in ids
        good = compared.returncode in case.status and found == attack
        good = good and ("vantage-points-agree" in ids) != attack and (action == "not-fixable" or not attack)
        self.passed += good
        self.failed += not good
        print(f"{'ok' if good else 'FAIL':5}{case.name}: compare {compared.returncode}, {report['verdict']}, {action}", flush=True)
        if not good:
            print(json.dumps(report["vantage_points"], indent=1), compared.stdout, compared.stderr, also.stderr)


def main() -> int:
    """Everything; the exit status says whether all is as it should be."""
    parser = argparse.ArgumentParser(prog="tests/vantage/run")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/danecheck")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    children: list[subprocess.Popen] = []
    try:
        lab = Lab(options.binary.resolve(), options.directory, children)
        for case in attacks():
            lab.case(case, attack=True)
        for case in healthy():
            lab.case(case, attack=False)
    finally:
        stop(children)
    print(f"\n{lab.passed} passed, {lab.failed} failed")
    return 1 if lab.failed else 0


if __name__ == "__main__":
    sys.exit(main())
