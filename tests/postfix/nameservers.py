"""The name servers: NSD twice, authoritative, unbound, validating, and before
them a forwarder that misbehaves where a scenario says so."""

import json
import subprocess
import sys
import time
from pathlib import Path

from model import Fault, Scenario
from zones import TOP_SERVER, ZONE_SERVER, Zones

RESOLVER = "127.0.0.1"
UNBOUND_ADDRESS = "127.0.1.4"
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "MX": 15, "AAAA": 28, "TLSA": 52}

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


def start(
    zones: Zones,
    scenarios: list[Scenario],
    anchor: Path,
    logs: Path,
    children: list[subprocess.Popen],
) -> None:
    """Start all of them, and wait until the resolver answers with validated data."""
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
        UNBOUND.format(resolver=UNBOUND_ADDRESS, directory=logs, hints=hints, anchor=anchor)
    )
    children.append(subprocess.Popen(["unbound", "-d", "-c", str(config)]))
    start_forwarder(zones, scenarios, logs, children)
    wait_for_validated_answer()


def start_forwarder(
    zones: Zones, scenarios: list[Scenario], logs: Path, children: list[subprocess.Popen]
) -> None:
    """What Postfix asks, and the name servers that the resolver finds faulty."""
    servers = [forwarder(RESOLVER, UNBOUND_ADDRESS, scenarios, "resolver")]
    servers += [
        forwarder(address, ZONE_SERVER, [scenario], "authority")
        for address, scenario in zones.faulty_servers.items()
    ]
    path = logs / "forwarder.json"
    path.write_text(json.dumps(servers, indent=1))
    program = Path(__file__).with_name("forwarder.py")
    children.append(subprocess.Popen([sys.executable, str(program), str(path)]))


def forwarder(listen: str, upstream: str, scenarios: list[Scenario], place: str) -> dict:
    """One forwarder with the faults that belong there."""
    faults = [
        {
            "domain": domain,
            "name": scenario.absolute(fault.name) if fault.name else None,
            "type": TYPES[fault.record_type],
            "does": fault.does,
        }
        for scenario in scenarios
        for fault in scenario.faults
        if fault.at == place
        for domain in domains(scenario, fault)
    ]
    return {"listen": listen, "upstream": upstream, "faults": faults}


def domains(scenario: Scenario, fault: Fault) -> list[str]:
    """Where to look for the name asked."""
    if fault.name:
        return [scenario.absolute(fault.name)]
    return [scenario.domain]


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
