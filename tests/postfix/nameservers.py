"""The name servers: NSD twice, authoritative, unbound, validating, and before
them a forwarder that misbehaves where a scenario says so."""

import subprocess
from pathlib import Path

from model import Fault, Scenario
from servers.nameservers import Nameservers, wait_until
from zones import TOP_SERVER, ZONE_SERVER, Zones

RESOLVER = "127.0.0.1"
UNBOUND_ADDRESS = "127.0.1.4"
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "MX": 15, "AAAA": 28, "TLSA": 52}


def start(
    zones: Zones,
    scenarios: list[Scenario],
    anchor: Path,
    logs: Path,
    children: list[subprocess.Popen],
) -> None:
    """Start all of them, and wait until the resolver answers with validated data."""
    servers = Nameservers(logs, children, ("ns-top.lab.", TOP_SERVER), anchor)
    for address in (TOP_SERVER, ZONE_SERVER):
        files = [(file.name, file.path) for file in zones.files if file.server == address]
        servers.nsd(address, files)
    servers.unbound(UNBOUND_ADDRESS)
    forwarders = [forwarder(RESOLVER, UNBOUND_ADDRESS, scenarios, "resolver")]
    forwarders += [
        forwarder(address, ZONE_SERVER, [scenario], "authority")
        for address, scenario in zones.faulty_servers.items()
    ]
    servers.forwarders(forwarders)
    wait_until(RESOLVER, "lab.", "secure")


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
