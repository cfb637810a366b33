"""Every entry of every recorded scenario, read by the system that it is for,
or by the reader of its format where Debian has no such system.

Called by `run`: formats.py DANECHECK EXIM SMTPD
"""

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "postfix"
LEVELS = {"none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"}
# One scenario of each policy for what has to start a program.
SAMPLES = ("both-stale", "starttls-off", "handshake-fails", "starttls-hang", "bracketed-stale")

EXIM = """\
primary_hostname = client.lab
begin routers
remote:
  driver = dnslookup
  transport = remote_smtp
begin transports
remote_smtp:
  driver = smtp
{entry}"""

SMTPD = """\
listen on lo
action "local" maildir
{entry}match from local for any action "local"
"""


def run(*command: str, stdin: str = "") -> subprocess.CompletedProcess:
    """One program, its words kept."""
    return subprocess.run(command, capture_output=True, text=True, input=stdin, check=False)


def without_comment(text: str, sign: str = "#") -> str:
    """The lines that count."""
    return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith(sign))


class Readers:
    """One method for each system; each raises where the entry is wrong."""

    def __init__(self, exim: str, smtpd: str, scratch: Path):
        self.exim_binary = exim
        self.smtpd_binary = smtpd
        self.scratch = scratch

    def table(self, text: str, target: str, policy: str) -> None:
        """A Postfix table, as postmap reads it."""
        path = self.scratch / "table"
        path.write_text(text)
        # Postfix waits two seconds for a table that may still be written to
        # (`dict_thash_open`).
        an_hour_ago = time.time() - 3600
        os.utime(path, (an_hour_ago, an_hour_ago))
        done = run("postmap", "-q", target, f"texthash:{path}")
        if (done.stdout.split(), done.stderr) != ([policy], ""):
            raise ValueError(f"postmap says {done.stdout!r} {done.stderr!r}")
        done = run("postmap", f"hash:{path}")
        if done.returncode or done.stderr:
            raise ValueError(f"postmap hash: {done.stderr}")

    postfix = mailu = docker_mailserver = mail_in_a_box = table

    def mailcow(self, text: str, target: str, policy: str) -> None:
        """The rules of `tls_policy_maps('add')` in mailcow's functions."""
        row = json.loads(text)
        assert set(row) == {"dest", "policy", "parameters", "active"}, row
        assert row["dest"] == target and target not in ("", ".", "*", "@"), row
        # idn_to_ascii has nothing to change, and refuses an empty label.
        assert row["dest"].isascii() and not row["dest"].startswith("."), row
        assert row["policy"] == policy and policy in LEVELS, row
        if row["parameters"]:
            for parameter in row["parameters"].split(" "):
                assert re.search(r"(.+)=(.+)", parameter), row
            assert len(row["parameters"]) <= 255, row
        assert int(row["active"]) == 1, row

    def exim(self, text: str, target: str, policy: str) -> None:
        """Exim's own check of a configuration with this transport."""
        path = self.scratch / "exim.conf"
        path.write_text(EXIM.format(entry=text))
        done = run(self.exim_binary, "-bV", "-C", str(path))
        if done.returncode or "Configuration file" not in done.stdout:
            raise ValueError(done.stdout + done.stderr)
        options = dict(re.findall(r"^  (hosts_\w+) = (.*)$", text, re.MULTILINE))
        wanted = {"encrypt": "hosts_require_tls", "none": "hosts_avoid_tls"}.get(policy)
        assert set(options) == {"hosts_try_dane", wanted} - {None}, options

    def opensmtpd(self, text: str, target: str, policy: str) -> None:
        """OpenSMTPD's own check."""
        path = self.scratch / "smtpd.conf"
        path.write_text(SMTPD.format(entry=text))
        path.chmod(0o600)
        done = run(self.smtpd_binary, "-n", "-f", str(path))
        if done.returncode or "configuration OK" not in done.stderr:
            raise ValueError(done.stdout + done.stderr)
        assert policy == "none", policy

    def kumomta(self, text: str, target: str, policy: str) -> None:
        """A TOML table of the domain."""
        section = tomllib.loads(text)[target]
        assert section["enable_dane"] is False and section["mx_rollup"] is False, section
        allowed = {
            "encrypt": {"RequiredInsecure"},
            "may": {"OpportunisticInsecure", "Disabled"},
            "none": {"Disabled"},
        }
        assert section["enable_tls"] in allowed[policy], section

    def stalwart_toml(self, text: str, target: str, policy: str) -> None:
        """TOML: a strategy, and the rule that names it."""
        queue = tomllib.loads(text)["queue"]
        (name, strategy), = queue["tls"].items()
        rule, otherwise = queue["strategy"]["tls"]
        assert rule == {"if": f"rcpt_domain == '{target}'", "then": f"'{name}'"}, rule
        assert otherwise == {"else": "'default'"}, otherwise
        start = {"encrypt": "require", "may": "optional", "none": "disable"}[policy]
        assert (strategy["dane"], strategy["starttls"]) == ("disable", start), strategy

    def stalwart(self, text: str, target: str, policy: str) -> None:
        """Shell commands whose words are the fields of two objects."""
        if (done := run("bash", "-n", stdin=text)).stderr:
            raise ValueError(done.stderr)
        words = shlex.split(text, comments=True)
        fields = dict(w.split("=", 1) for w in words if "=" in w and not w.startswith("-"))
        tls = json.loads(fields["tls"])
        rule = tls["match"]["0"]
        assert rule["if"] == f"rcpt_domain == '{target}'", rule
        assert rule["then"] == f"'{fields['name']}'" and tls["else"] == "'default'", tls
        assert fields["dane"] == "disable", fields
        assert words[-1] == "Action/ReloadSettings", words

    def haraka(self, text: str, target: str, policy: str) -> None:
        """An ini file."""
        ini = configparser.ConfigParser(comment_prefixes=(";", "#"))
        ini.read_string(text)
        assert ini["outbound"]["no_tls_hosts[]"] == target, text
        assert policy in ("may", "none"), policy

    def maddy(self, text: str, target: str, policy: str) -> None:
        """Blocks that close, each directive on a line of its own."""
        depth = 0
        for line in without_comment(text).splitlines():
            words = shlex.split(line)
            assert "{" not in words[:-1] and ("}" not in words or words == ["}"]), line
            depth += (words[-1:] == ["{"]) - (words == ["}"])
            assert depth >= 0, line
        assert depth == 0, text
        assert f"destination {target} {{" in text and "dane" not in without_comment(text).split()

    def exchange_online(self, text: str, target: str, policy: str) -> None:
        """One command; no word of it can end it early."""
        words = shlex.split(without_comment(text))
        assert words[0] == "New-OutboundConnector", words
        options = dict(zip(words[1::2], words[2::2]))
        assert options["-RecipientDomains"] == target, options
        assert options["-SmtpDaneMode"] == "None", options
        tls = options.get("-TlsSettings")
        assert tls == ("EncryptionOnly" if policy == "encrypt" else None), options


SYSTEMS = (
    *("postfix", "mailcow", "mailu", "docker-mailserver", "mail-in-a-box", "exim", "stalwart"),
    *("stalwart-toml", "maddy", "kumomta", "exchange-online", "haraka", "opensmtpd"),
)
# Each starts a program or two: a sample is enough.
SLOW = {"mailu", "docker-mailserver", "mail-in-a-box"}


def main() -> int:
    """All fixtures with an override; prints what was read, and what failed."""
    danecheck, exim, smtpd = sys.argv[1:]
    read: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        readers = Readers(exim, smtpd, Path(directory))
        saved = Path(directory) / "saved.json"
        for path in sorted(FIXTURES.glob("*.json")):
            fixture = json.loads(path.read_text())
            advice = fixture["recommendation"]
            saved.write_text(json.dumps(fixture["observation"]) + "\n")
            names = SYSTEMS if advice["action"] == "override" else ("postfix",)
            for name in names:
                if name in SLOW and path.stem not in SAMPLES:
                    continue
                done = run(danecheck, "--replay", str(saved), "--entry", name)
                label = f"{path.stem} {name}"
                if advice["action"] != "override":
                    if done.stdout:
                        failed.append(f"{label}: an entry where none was advised")
                    continue
                if not done.stdout:
                    silent[name] += 1
                    if not done.stderr.startswith("danecheck: "):
                        failed.append(f"{label}: no entry, and no word why")
                    continue
                read[name] += 1
                reader = getattr(readers, name.replace("-", "_"))
                try:
                    reader(done.stdout, fixture["target"], advice["policy"])
                except (AssertionError, ValueError, KeyError, configparser.Error) as error:
                    failed.append(f"{label}: {error!r}\n{done.stdout}")
    for name in SYSTEMS:
        print(f"  {name:<18}{read[name]:>4} read {silent[name]:>4} with a sentence instead")
        if not read[name]:
            failed.append(f"{name}: nothing was read")
    for text in failed:
        print(f"DIFFERS {text}")
    print(f"{sum(read.values()) + sum(silent.values()) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
