"""Each check of `danecheck doctor` with real parts in order and broken: the right
one complains, and the others stay quiet. Called by `run`."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from servers.mailserver import Dialogue, MailServer
from servers.nameservers import Nameservers, stop, wait_until
from servers.small import ROOT_SERVER, ZONE_SERVER, SmallTree

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD, PLAIN, CLEARED, PROXIED = "127.0.2.1", "127.0.2.2", "127.0.2.3", "127.0.2.4"
INVENTING, OWN, WITHOUT_TCP, NO_TLSA, SILENT = (f"127.0.2.{n}" for n in range(5, 10))
HOSTS = {"one": "127.0.9.1", "two": "127.0.9.2"}
VIA = ["--via", "one", "two"]
TLSA = 52


class Stripping(Dialogue):
    """A firewall that answers for every server, and offers no STARTTLS."""

    extension = None

    def handle(self) -> None:
        self.say("220 firewall")
        while line := self.rfile.readline(2048):
            verb = line.split(None, 1)[0].upper() if line.split() else b""
            if verb == b"EHLO":
                if self.extension:
                    self.say("250-firewall")
                    self.say(f"250 {self.extension}")
                else:
                    self.say("250 firewall")
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 not here")


class Masking(Stripping):
    """The same, with Xs in the place of STARTTLS."""

    extension = "XXXXXXXA"


def serve(directory: Path, address: str, dialogue: type) -> None:
    """A server at an address of its own, for packets that are sent there."""
    MailServer(directory, address, "firewall").RequestHandlerClass = dialogue


class Lab:
    """What is started, and what was found so far."""

    def __init__(self, binary: Path, directory: Path, children: list[subprocess.Popen]) -> None:
        self.binary, self.directory = binary, directory
        self.failed = self.passed = 0
        zones = {
            f"{name}.": ["@ MX 10 mx", f"mx A {address}"] for name, address in HOSTS.items()
        }
        self.tree = SmallTree(directory / "tree", zones)
        servers = Nameservers(directory, children, ("root.servers.", ROOT_SERVER), self.tree.anchor)
        servers.nsd(ROOT_SERVER, self.tree.files[:1])
        servers.nsd(ZONE_SERVER, self.tree.files[1:])
        servers.unbound(GOOD)
        servers.unbound(PLAIN, modules="iterator")
        servers.unbound(
            INVENTING,
            more=['local-zone: "com." redirect', 'local-data: "com. 60 A 192.0.2.99"'],
        )
        servers.unbound(
            OWN,
            more=['local-zone: "mx.one." redirect', 'local-data: "mx.one. 60 A 127.0.9.7"'],
        )
        servers.unbound(WITHOUT_TCP, more=["do-tcp: no", "tcp-upstream: no"])
        servers.forwarders([{
            "listen": NO_TLSA, "upstream": GOOD,
            "faults": [{"domain": "arpa.", "name": None, "type": TLSA, "does": "notimp"}],
        }])
        dnsmasq = ("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                   "--no-hosts", "--bind-interfaces", "--user=root", "--cache-size=0",
                   "--pid-file=", f"--server={GOOD}")
        for address, more in ((CLEARED, ()), (PROXIED, ("--proxy-dnssec",))):
            servers.start(*dnsmasq, f"--listen-address={address}", *more)
        for address in (GOOD, INVENTING, OWN, PROXIED, NO_TLSA):
            wait_until(address, "two.", "secure")
        for address in (PLAIN, CLEARED):
            wait_until(address, "two.", "insecure")
        for name, address in HOSTS.items():
            MailServer(directory, address, f"mx.{name}")

    def doctor(self, *options: str) -> dict[str, dict]:
        """The checks, by their ids."""
        command = [
            str(self.binary), "doctor", "--json", "--allow-private", "--timeout", "8",
            "--trust-anchor", str(self.tree.anchor), *options,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout:
            raise RuntimeError(f"{command}: {done.stderr}")
        return {check["id"]: check for check in json.loads(done.stdout)["checks"]}

    def expect(self, what: str, wanted: dict[str, str], *options: str) -> None:
        """These checks complain, so badly, and no others."""
        begin = time.monotonic()
        checks = self.doctor(*options)
        found = {
            id: check["status"]
            for id, check in checks.items()
            if check["status"] in ("warning", "error") and not self.is_ground(id, options)
        }
        good = found == wanted
        self.passed += good
        self.failed += not good
        print(f"{'ok' if good else 'FAIL':5}{what} ({time.monotonic() - begin:.1f} s)", flush=True)
        if not good:
            print(f"     wanted {wanted}, found {json.dumps({i: checks[i] for i in found}, indent=1)}")

    @staticmethod
    def is_ground(id: str, options: tuple[str, ...]) -> bool:
        """This machine may have any Postfix, unless the case brings one."""
        return id.startswith("postfix") and "--postfix-config" not in options

    def resolvers(self) -> None:
        """Each kind of resolver."""
        for what, address, wanted in (
            ("unbound", GOOD, {}),
            ("dnsmasq with proxy-dnssec", PROXIED, {}),
            ("unbound without validation", PLAIN, {"resolver-validates": "error"}),
            ("dnsmasq as it comes", CLEARED, {"resolver-marks": "error"}),
            ("unbound that invents names", INVENTING, {"resolver-truthful": "error"}),
            ("unbound with an answer of its own", OWN, {"resolver-own-answers": "error"}),
            ("unbound without TCP", WITHOUT_TCP, {"resolver-tcp": "error"}),
            ("a filter that knows no TLSA", NO_TLSA, {"resolver-tlsa": "error"}),
            ("nobody", SILENT, {"resolver-answers": "error"}),
        ):
            via = [] if address == SILENT else VIA
            self.expect(what, wanted, "--resolver", address, *via)
        good = ("--resolver", GOOD)
        self.expect("a clock that is fast", {"clock": "error"}, *good, "--at", "+40d")
        self.expect("a clock that is slow", {"clock": "error"}, *good, "--at", "2020-01-01")

    def network(self) -> None:
        """Packet filters on the way out."""
        good = ("--resolver", GOOD, *VIA)
        for what, rule, wanted in (
            ("port 25 dropped", ("filter", "DROP"), {"port-25-ipv4": "error"}),
            ("port 25 rejected", ("filter", "REJECT"), {"port-25-ipv4": "error"}),
            ("STARTTLS stripped", ("nat", "127.0.9.31"), {"starttls": "error"}),
            ("STARTTLS masked", ("nat", "127.0.9.32"), {"starttls": "error"}),
            ("TLS ended on the way", ("nat", "127.0.9.33"), {"tls-end-to-end": "error"}),
        ):
            table, target = rule
            target = [target] if table == "filter" else ["DNAT", "--to-destination", target]
            rule = ["-p", "tcp", "-d", "127.0.9.0/28", "--dport", "25", "-j", *target]
            filtering = ["iptables", "-t", table]
            subprocess.run([*filtering, "-A", "OUTPUT", *rule], check=True)
            self.expect(what, wanted, *good)
            subprocess.run([*filtering, "-D", "OUTPUT", *rule], check=True)
        self.expect("one server alone", {}, "--resolver", GOOD, "--via", "one")
        self.expect("nobody named", {}, "--resolver", GOOD)

    def postfix(self) -> None:
        """Postfix, set wrong in each way."""
        table = self.directory / "policy"
        second = self.directory / "second"
        second.write_text("one may\n")
        store = "smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt"
        base = [
            "compatibility_level = 3.7", "smtp_dns_support_level = dnssec",
            "smtp_tls_security_level = dane", store,
        ]
        maps = f"smtp_tls_policy_maps = texthash:{table}"
        both = f"{maps} texthash:{second}"
        for what, lines, policy, wanted in (
            ("Postfix in order", [maps], "other.example encrypt\n", {}),
            ("level may", ["smtp_tls_security_level = may"], "", {"postfix-level": "warning"}),
            ("no TLS", ["smtp_tls_security_level ="], "", {"postfix-level": "warning"}),
            ("no DNSSEC", ["smtp_dns_support_level ="], "", {"postfix-dane": "error"}),
            ("MX errors ignored", ["ignore_mx_lookup_error = yes"], "", {"postfix-dane": "error"}),
            ("no DNS", ["disable_dns_lookups = yes"], "", {"postfix-dane": "error"}),
            (
                "no trust store", ["smtp_tls_security_level = secure", "smtp_tls_CAfile ="], "",
                {"postfix-level": "warning", "postfix-trust-store": "error"},
            ),
            ("a table that is not there", [f"{maps}.none"], "", {"postfix-tables": "error"}),
            ("an entry with a mistake", [maps], "one encrypt protocols=!SSLv3,!TLSv1\n", {"postfix-entries": "error"}),
            ("an entry that is too weak", [maps], "one none\n", {"postfix-entries": "warning"}),
            ("two entries", [both], "one dane\n", {"postfix-entries": "warning"}),
            ("a relay", ["relayhost = [relay.example]:587"], "", {"postfix-relay": "warning"}),
        ):
            directory = self.directory / "postfix"
            directory.mkdir(exist_ok=True)
            (directory / "main.cf").write_text("\n".join([*base, *lines]) + "\n")
            (directory / "master.cf").write_text("")
            table.write_text(policy)
            options = ("--resolver", GOOD, *VIA, "--postfix-config", str(directory))
            self.expect(what, wanted, *options)


def main() -> int:
    """Everything; the exit status says whether all is as it should be."""
    parser = argparse.ArgumentParser(prog="tests/doctor/run")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/danecheck")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    children: list[subprocess.Popen] = []
    try:
        lab = Lab(options.binary.resolve(), options.directory, children)
        serve(options.directory, "127.0.9.31", Stripping)
        serve(options.directory, "127.0.9.32", Masking)
        serve(options.directory, "127.0.9.33", Dialogue)
        lab.resolvers()
        lab.network()
        lab.postfix()
    finally:
        stop(children)
    print(f"\n{lab.passed} passed, {lab.failed} failed")
    return 1 if lab.failed else 0


if __name__ == "__main__":
    sys.exit(main())
