"""The name servers: NSD twice, authoritative, and unbound, validating."""

import subprocess
import time
from pathlib import Path

from zones import TOP_SERVER, ZONE_SERVER, Zones

RESOLVER = "127.0.0.1"

NSD = """\
server:
  server-count: 1
  ip-address: {address}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{zonesdir}"
  pidfile: "{run}.pid"
  xfrdfile: "{run}.xfrd"
  zonelistfile: "{run}.list"
  logfile: "{run}.log"
remote-control:
  control-enable: no
"""

UNBOUND = """\
server:
  interface: {resolver}
  access-control: 127.0.0.0/8 allow
  access-control: ::/0 allow
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: "{directory}/unbound.pid"
  logfile: "{directory}/unbound.log"
  use-syslog: no
  num-threads: 1
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  root-hints: "{hints}"
  trust-anchor-file: "{anchor}"
  trust-anchor-signaling: no
  aggressive-nsec: no
  ede: yes
  val-log-level: 2
remote-control:
  control-enable: no
"""


def start(zones: Zones, anchor: Path, logs: Path, children: list[subprocess.Popen]) -> None:
    """Start all three, and wait until the resolver answers with validated data."""
    for name, address in (("nsd-top", TOP_SERVER), ("nsd-zones", ZONE_SERVER)):
        text = NSD.format(address=address, zonesdir=zones.directory, run=logs / name)
        for file in zones.files:
            if file.server == address:
                text += f'zone:\n  name: "{file.name}"\n  zonefile: "{file.path}"\n'
        config = logs / f"{name}.conf"
        config.write_text(text)
        children.append(subprocess.Popen(["nsd", "-d", "-c", str(config)]))
    hints = logs / "root.hints"
    hints.write_text(f". 3600 NS ns-top.lab.\nns-top.lab. 3600 A {TOP_SERVER}\n")
    config = logs / "unbound.conf"
    config.write_text(
        UNBOUND.format(resolver=RESOLVER, directory=logs, hints=hints, anchor=anchor)
    )
    children.append(subprocess.Popen(["unbound", "-d", "-c", str(config)]))
    wait_for_validated_answer()


def wait_for_validated_answer() -> None:
    """The lab stands when its top-level domain comes with the AD bit."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        command = ["dig", "+dnssec", "+time=1", "+tries=1", f"@{RESOLVER}", "lab.", "SOA"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        if "status: NOERROR" in answer and " ad" in answer.split("flags:")[1].split(";")[0]:
            return
        time.sleep(0.2)
    raise RuntimeError("the lab's resolver does not validate its own top-level domain")
