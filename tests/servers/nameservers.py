"""Real name servers for the labs: NSD, authoritative, unbound, recursive, and
forwarders that misbehave."""

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

NSD = """\
server:
  server-count: 1
  ip-address: {address}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{directory}"
  pidfile: "{base}.pid"
  xfrdfile: "{base}.xfrd"
  zonelistfile: "{base}.list"
  logfile: "{base}.log"
remote-control:
  control-enable: no
"""

UNBOUND = """\
server:
  interface: {address}
  access-control: 127.0.0.0/8 {access}
  access-control: 0.0.0.0/0 {access}
  access-control: ::/0 {access}
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: "{base}.pid"
  logfile: "{base}.log"
  use-syslog: no
  num-threads: 1
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "{modules}"
  root-hints: "{hints}"
  trust-anchor-file: "{anchor}"
  trust-anchor-signaling: no
  aggressive-nsec: no
  ede: yes
  val-log-level: 2
{more}
{forward}remote-control:
  control-enable: {controlled}
  control-interface: {control}
  control-use-cert: no
"""

FORWARD = """\
forward-zone:
  name: "."
  forward-addr: {forward}
"""


class Nameservers:
    """Starts name servers, with their configuration and logs in one directory."""

    def __init__(
        self,
        directory: Path,
        children: list[subprocess.Popen],
        root: tuple[str, str],
        anchor: Path,
    ):
        """`children` gets what is started; `root` is the name and the address
        of the root's name server."""
        self.directory = directory
        self.children = children
        self.anchor = anchor
        self.hints = directory / "root.hints"
        name, address = root
        self.hints.write_text(f". 3600 NS {name}\n{name} 3600 A {address}\n")

    def start(self, *command: str) -> subprocess.Popen:
        """A process of the lab."""
        child = subprocess.Popen(command)
        self.children.append(child)
        return child

    def nsd(self, address: str, zones: Iterable[tuple[str, Path]]) -> subprocess.Popen:
        """An authoritative server for these zones."""
        base = self.directory / f"nsd-{address}"
        text = NSD.format(address=address, directory=self.directory, base=base)
        for name, path in zones:
            text += f'zone:\n  name: "{name}"\n  zonefile: "{path}"\n'
        config = base.with_name(base.name + ".conf")
        config.write_text(text)
        return self.start("nsd", "-d", "-c", str(config))

    def unbound(
        self,
        address: str,
        *,
        modules: str = "validator iterator",
        access: str = "allow",
        more: Iterable[str] = (),
        forward: str | None = None,
        control: Path | None = None,
    ) -> subprocess.Popen:
        """A recursive server; `more` are lines of its `server:` clause. It asks
        `forward` about everything, if that is given, and obeys whoever writes to
        the socket `control`."""
        base = self.directory / f"unbound-{address}"
        config = base.with_name(base.name + ".conf")
        config.write_text(
            UNBOUND.format(
                address=address, access=access, directory=self.directory, base=base,
                modules=modules, hints=self.hints, anchor=self.anchor,
                more="\n".join(f"  {line}" for line in more),
                forward=FORWARD.format(forward=forward) if forward else "",
                controlled="yes" if control else "no", control=control or "127.0.0.1",
            )
        )
        return self.start("unbound", "-d", "-c", str(config))

    def forwarders(self, servers: list[dict]) -> subprocess.Popen:
        """Forwarders, as forwarder.py takes them, in one process."""
        path = self.directory / f"forwarder-{servers[0]['listen']}.json"
        path.write_text(json.dumps(servers, indent=1))
        program = Path(__file__).with_name("forwarder.py")
        return self.start(sys.executable, str(program), str(path))


def stop(children: list[subprocess.Popen]) -> None:
    """End them all."""
    for child in children:
        child.terminate()
    for child in children:
        child.wait(10)


def status(address: str, name: str, rtype: str, *, patience: int = 5) -> str:
    """What `dig` takes the answer for: `secure`, `insecure` or `failed`, from
    the AD bit and the response code."""
    command = ["dig", "+dnssec", f"+time={patience}", "+tries=2", f"@{address}", name, rtype]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if "status: NOERROR" not in text and "status: NXDOMAIN" not in text:
        return "failed"
    return "secure" if " ad" in text.split("flags:")[1].split(";")[0] else "insecure"


def wait_until(address: str, name: str, wanted: str) -> None:
    """Wait until a server answers so for the SOA of a zone."""
    deadline = time.monotonic() + 20
    while status(address, name, "SOA", patience=1) != wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{address} gives no {wanted} answer for {name}")
        time.sleep(0.1)
