"""The mail servers: two Postfix instances, one exim, and one process of scripted
servers; a listener per address."""

import itertools
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from certificates import Issued, Mint
from keygen import dh_parameters
from model import Certificate, Listener, Placed, Scenario
from releases import Release

POSTFIX = ("postfix-a", "postfix-b", "postfix-newer")
MARK = "received-with"

COMMON_MAIN = """\
compatibility_level = 3.6
queue_directory = {directory}/spool
data_directory = {directory}/data
maillog_file = {directory}/mail.log
maillog_file_prefixes = {directory}
mail_owner = postfix
setgid_group = postdrop
inet_protocols = all
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
smtpd_client_connection_count_limit = 0
smtpd_recipient_restrictions = permit_mynetworks, reject
smtputf8_enable = no
in_flow_delay = 0
max_idle = 20s
"""

COMMON_MASTER = """\
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
anvil     unix - - n - 1 anvil
proxymap  unix - - n - - proxymap
postlog   unix-dgram n - n - 1 postlogd
"""

SERVER_MAIN = (
    COMMON_MAIN
    + """\
mail_name = Lab server
myhostname = {name}.servers.lab
inet_interfaces = all
mynetworks = 127.0.0.0/8 [::1]/128 [fd00::]/8
default_transport = discard
header_checks = regexp:{directory}/header_checks
smtpd_tls_loglevel = 1
"""
)

EXIM = """\
primary_hostname = exim.servers.lab
daemon_smtp_ports = 25
local_interfaces = <; {addresses}
spool_directory = {directory}/spool
log_file_path = {directory}/%slog
log_selector = +received_recipients
pid_file_path = {directory}/exim.pid
exim_path = {binary}
keep_environment =
queue_only = true
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = {tls_hosts}
tls_certificate = {directory}/tls/$received_ip_address.pem
tls_privatekey = {directory}/tls/$received_ip_address.pem
acl_smtp_rcpt = accept_all
acl_smtp_data = accept_all
begin acl
accept_all:
  accept
begin routers
nowhere:
  driver = redirect
  data = :blackhole:
"""


def place(scenarios: list[Scenario], mint: Mint) -> dict[str, list[Placed]]:
    """Give every listener an address and certificates."""
    ipv4, ipv6 = itertools.count(), itertools.count(1)
    addresses = {
        scenario.name: [
            listener.address or next_address(listener, ipv4, ipv6)
            for host in scenario.hosts
            for listener in host.listeners
        ]
        for scenario in scenarios
    }

    def place_one(scenario: Scenario) -> list[Placed]:
        free = iter(addresses[scenario.name])
        return [
            place_listener(scenario, scenario.absolute(host.name), listener, next(free), mint)
            for host in scenario.hosts
            for listener in host.listeners
        ]

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(addresses, pool.map(place_one, scenarios)))


def place_listener(
    scenario: Scenario, host: str, listener: Listener, address: str, mint: Mint
) -> Placed:
    """One listener with all its certificates."""

    def issued(wanted: Certificate | None) -> Issued | None:
        return mint.for_host(host, scenario.domain, wanted) if wanted else None

    names = {
        name if name == "*" else scenario.absolute(name).rstrip("."): issued(wanted)
        for name, wanted in listener.sni
    }
    return Placed(
        *(host, listener, address, scenario.port),
        *(issued(listener.certificate), issued(listener.second), names),
    )


def next_address(listener: Listener, ipv4: itertools.count, ipv6: itertools.count) -> str:
    """The next one that is free; `nowhere` is where no route leads."""
    number = next(ipv4 if listener.family == 4 else ipv6)
    if listener.family == 6:
        return f"{'fd00:dead' if listener.software == 'nowhere' else 'fd00:da7e'}::{number:x}"
    network = "10.77" if listener.software == "nowhere" else "127.0"
    return f"{network}.{8 + number // 250}.{1 + number % 250}"


def bring_up(address: str) -> None:
    """An address on the loopback interface.

    127.0.0.0/8 answers at once, but Postfix wants its own address to be listed.
    """
    length, more = ("128", ["nodad"]) if ":" in address else ("32", [])
    command = ["ip", "addr", "add", f"{address}/{length}", "dev", "lo", *more]
    subprocess.run(command, check=True)


def new_instance(
    directory: Path, main: str, master: str, release: Release = Release()
) -> None:
    """A Postfix instance of its own: configuration, queue, data. Its user may have
    another number in each release."""
    for sub in ("", "spool", "data"):
        (directory / sub).mkdir()
    subprocess.run(release.command("chown", "postfix", str(directory / "data")), check=True)
    (directory / "main.cf").write_text(main)
    (directory / "master.cf").write_text(master)


def postfix(directory: Path, command: str, release: Release = Release()) -> None:
    """`postfix -c DIRECTORY start` and its like."""
    done = subprocess.run(
        release.command("postfix", "-c", str(directory), command),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0 and command == "start":
        log = directory / "mail.log"
        said = log.read_text() if log.exists() else ""
        raise RuntimeError(f"postfix {command} in {directory.name}: {done.stderr}{said}")


def start_postfix(directory: Path, placed: list[Placed], release: Release) -> None:
    """One instance, one smtpd service for each of its addresses."""
    services = [COMMON_MASTER]
    for one in placed:
        address = f"[{one.address}]" if one.listener.family == 6 else one.address
        options = [
            f"myhostname={one.host.rstrip('.')}",
            f"smtpd_tls_security_level={'may' if one.listener.starttls else 'none'}",
            *(with_files(option, directory.parent / "tls") for option in one.listener.options),
        ]
        if one.issued:
            files = ",".join(str(path) for path in chains(directory.parent, one)[""])
            options.append(f"smtpd_tls_chain_files={files}")
        else:
            options.append("smtpd_tls_cert_file=none")
        services.append(f"{address}:{one.port} inet n - n - - smtpd")
        services += [f"  -o {option}" for option in options]
    main = SERVER_MAIN.format(directory=directory, name=directory.name)
    new_instance(directory, main, "\n".join(services) + "\n", release)
    (directory / "header_checks").write_text(
        rf"/^Received: .*\(Lab server\) with (E?SMTPS?)/ INFO {MARK} $1" + "\n"
    )
    postfix(directory, "start", release)


def with_files(option: str, directory: Path) -> str:
    """The option with `{dh1024}` as the path of such parameters, made when asked for."""

    def path(found: re.Match[str]) -> str:
        file = directory / f"{found[0][1:-1]}.pem"
        if not file.exists():
            dh_parameters(int(found[1]), file)
        return str(file)

    return re.sub(r"\{dh(\d+)\}", path, option)


def start_exim(
    directory: Path, binary: Path, placed: list[Placed], children: list[subprocess.Popen]
) -> None:
    """One exim daemon; it accepts everything and delivers nothing."""
    directory.mkdir()
    (directory / "spool").mkdir()
    (directory / "tls").symlink_to(directory.parent / "tls")
    subprocess.run(["chown", "-R", "Debian-exim", str(directory)], check=True)
    config = directory / "exim.conf"
    with_tls = [one.address for one in placed if one.listener.starttls]
    tls_hosts = "${if inlist{$received_ip_address}{<; %s}{*}{}}" % " ; ".join(with_tls)
    config.write_text(
        EXIM.format(
            addresses=" ; ".join(one.address for one in placed),
            directory=directory,
            binary=binary,
            tls_hosts=tls_hosts,
        )
    )
    children.append(subprocess.Popen([str(binary), "-C", str(config), "-bdf"]))


def chains(directory: Path, one: Placed) -> dict[str, list[Path]]:
    """The PEM files of a listener by SNI; `""` for a visitor who sends none."""
    base = directory / "tls" / one.address
    files: dict[str, list[Path]] = {}
    if one.issued:
        files[""] = [base.with_name(f"{one.address}.pem")]
    if one.second:
        files[""].append(base.with_name(f"{one.address}.second.pem"))
    for number, name in enumerate(one.sni):
        files[name] = [base.with_name(f"{one.address}.sni{number}.pem")]
    return files


def write_chains(directory: Path, one: Placed, mint: Mint) -> None:
    """Those files. The directory is private; exim reads it as its own user."""
    issued = {"": [i for i in (one.issued, one.second) if i]}
    issued |= {name: [i] for name, i in one.sni.items()}
    wanted = {"": [one.listener.certificate, one.listener.second]}
    wanted |= {name: [sni[1]] for name, sni in zip(one.sni, one.listener.sni)}
    for name, paths in chains(directory, one).items():
        for path, leaf, style in zip(paths, issued[name], wanted[name]):
            mint.chain_file(leaf, style.send, path).chmod(0o644)


def start_scripted(
    directory: Path, placed: list[Placed], children: list[subprocess.Popen]
) -> None:
    """The scripted servers, all in one process."""
    config = [
        {
            "address": one.address,
            "port": one.port,
            "deaf": one.listener.software == "deaf",
            "script": asdict(one.listener.script),
            "chains": {n: [str(p) for p in ps] for n, ps in chains(directory, one).items()},
        }
        for one in placed
    ]
    path = directory / "scripted.json"
    path.write_text(json.dumps(config, indent=1))
    program = Path(__file__).with_name("scripted.py")
    log = directory / "scripted.log"
    children.append(subprocess.Popen([sys.executable, str(program), str(path), str(log)]))


def start(
    directory: Path,
    exim: Path,
    placed: list[Placed],
    mint: Mint,
    children: list[subprocess.Popen],
    newer: Release = Release(),
) -> None:
    """Everything that listens for mail; returns when all of it does. `newer` is
    whose Postfix `postfix-newer` is."""
    (directory / "tls").mkdir()
    for one in placed:
        if one.listener.family == 6 and one.listener.software != "nowhere":
            bring_up(one.address)
        write_chains(directory, one, mint)
    for software in POSTFIX:
        if mine := [one for one in placed if one.listener.software == software]:
            start_postfix(directory / software, mine, of_instance(software, newer))
    if mine := [one for one in placed if one.listener.software == "exim"]:
        start_exim(directory / "exim", exim, mine, children)
    if mine := [one for one in placed if one.listener.software in ("script", "deaf")]:
        start_scripted(directory, mine, children)
    wait_for({(one.address, one.port) for one in placed if one.listener.listens})


def wait_for(wanted: set[tuple[str, int]]) -> None:
    """Until somebody listens at all of these; nobody is woken up by asking."""
    deadline = time.monotonic() + 30
    while missing := wanted - listening():
        if time.monotonic() > deadline:
            raise RuntimeError(f"no mail server at {sorted(missing)[:5]}")
        time.sleep(0.2)


def listening() -> set[tuple[str, int]]:
    """The addresses and ports where TCP connections are taken."""
    done = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True)
    found = set()
    for line in done.stdout.splitlines():
        address, port = line.split()[3].rsplit(":", 1)
        found.add((address.strip("[]"), int(port)))
    return found


def of_instance(software: str, newer: Release) -> Release:
    """Whose Postfix this instance is."""
    return newer if software == "postfix-newer" else Release()


def stop(directory: Path, newer: Release = Release()) -> None:
    """Stop the Postfix instances; exim is a child of the lab."""
    for name in POSTFIX:
        if (directory / name).exists():
            postfix(directory / name, "stop", of_instance(name, newer))


def received_in_tls(directory: Path) -> dict[str, bool]:
    """What the servers say: recipient, and whether the message came in TLS."""
    seen: dict[str, bool] = {}
    for name in POSTFIX:
        for line in lines(directory / name / "mail.log"):
            found = re.search(rf" to=<([^>]+)> .*: {MARK} (\S+)$", line)
            if found:
                seen[found[1]] = found[2] == "ESMTPS"
    for line in lines(directory / "exim" / "mainlog"):
        found = re.search(r" <= .* P=(\S+) .* for (\S+)$", line)
        if found:
            seen[found[2]] = found[1] == "esmtps"
    for line in lines(directory / "scripted.log"):
        recipient, in_tls = line.split()
        seen[recipient] = in_tls == "1"
    return seen


def lines(path: Path) -> list[str]:
    """The lines of a log that may not be there."""
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def presented(placed: list[Placed]) -> list[Issued]:
    """The certificates that a visitor without SNI gets to see."""
    return [
        issued
        for one in placed
        if one.listener.starttls and one.listener.listens
        for issued in (one.issued, one.second)
        if issued
    ]
