"""Delivers through a real Exim, with and without the entry for it.

Without, what DANE stands against is deferred; with it, all of it arrives, and
in TLS wherever the entry insists on it.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mailservers import lines
from model import Scenario

CLIENT = """\
primary_hostname = client.lab
spool_directory = {directory}/spool
log_file_path = {directory}/%slog
exim_path = {binary}
keep_environment =
dns_dnssec_ok = 1
host_lookup =
queue_run_in_order = true
begin routers
remote:
  driver = dnslookup
  transport = remote_smtp
  self = send
begin transports
remote_smtp:
  driver = smtp
  connect_timeout = 5s
  command_timeout = 10s
{entry}begin retry
* * F,1h,1s
"""


@dataclass(frozen=True)
class Ended:
    """What Exim's log says of one message."""

    arrived: bool
    in_tls: bool
    text: str


class Exim:
    """A client for one configuration."""

    def __init__(self, binary: Path, directory: Path, entry: str):
        self.binary = binary
        self.directory = directory
        directory.mkdir(parents=True)
        subprocess.run(["chown", "Debian-exim", str(directory)], check=True)
        self.config = directory / "exim.conf"
        text = CLIENT.format(directory=directory, binary=binary, entry=entry)
        self.config.write_text(text)

    def check(self) -> str:
        """Exim's own word on the configuration; empty where it is good."""
        done = self.run("-bV")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def run(self, *options: str, stdin: str = "") -> subprocess.CompletedProcess:
        """The program with this configuration."""
        return subprocess.run(
            [str(self.binary), "-C", str(self.config), *options],
            *(),
            capture_output=True,
            text=True,
            input=stdin,
            check=False,
            timeout=120,
        )

    def send(self, recipient: str) -> Ended:
        """One message, tried at once, and again where it was deferred: plain
        text comes only after a handshake has failed."""
        self.run("-odf", "-f", "<>", recipient, stdin=f"Subject: {recipient}\n\nhello\n")
        if not self.ended().arrived:
            self.run("-qff")
        return self.ended()

    def ended(self) -> Ended:
        """What the log says last."""
        log = lines(self.directory / "mainlog")
        arrived = [line for line in log if re.search(r" (=>|->) ", line)]
        other = [line for line in log if re.search(r" (==|\*\*) ", line)]
        said = (arrived or other or log or ["nothing was logged"])[-1]
        return Ended(bool(arrived), " X=TLS" in said, said)


def recipient(scenario: Scenario, entry: bool) -> str:
    """The domain itself: Exim has no next hops in brackets here."""
    return f"{'with' if entry else 'without'}@{scenario.next_hop}"
