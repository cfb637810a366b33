"""The mail servers: two Postfix instances and one exim, a listener per address."""

import itertools
import re
import socket
import subprocess
import time
from pathlib import Path

from certificates import Issued, Mint, chain_file, dh_parameters
from model import Placed, Scenario

POSTFIX = ("postfix-a", "postfix-b")
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
"""

COMMON_MASTER = """\
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
    """Give every listener an address and a certificate."""
    ipv4, ipv6 = itertools.count(), itertools.count(1)
    placed: dict[str, list[Placed]] = {}
    for scenario in scenarios:
        placed[scenario.name] = []
        for host in scenario.hosts:
            name = scenario.absolute(host.name)
            for listener in host.listeners:
                number = next(ipv4 if listener.family == 4 else ipv6)
                address = f"fd00:da7e::{number:x}"
                if listener.family == 4:
                    address = f"127.0.{2 + number // 250}.{1 + number % 250}"
                issued = None
                if listener.certificate:
                    issued = mint.for_host(name, listener.certificate)
                placed[scenario.name].append(Placed(name, listener, address, issued))
    return placed


def bring_up(address: str) -> None:
    """An address on the loopback interface.

    127.0.0.0/8 answers at once, but Postfix wants its own address to be listed.
    """
    length, more = ("128", ["nodad"]) if ":" in address else ("32", [])
    command = ["ip", "addr", "add", f"{address}/{length}", "dev", "lo", *more]
    subprocess.run(command, check=True)


def new_instance(directory: Path, main: str, master: str) -> None:
    """A Postfix instance of its own: configuration, queue, data."""
    for sub in ("", "spool", "data"):
        (directory / sub).mkdir()
    subprocess.run(["chown", "postfix", str(directory / "data")], check=True)
    (directory / "main.cf").write_text(main)
    (directory / "master.cf").write_text(master)


def postfix(directory: Path, command: str) -> None:
    """`postfix -c DIRECTORY start` and its like."""
    done = subprocess.run(
        ["postfix", "-c", str(directory), command],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0 and command == "start":
        log = directory / "mail.log"
        said = log.read_text() if log.exists() else ""
        raise RuntimeError(f"postfix {command} in {directory.name}: {done.stderr}{said}")


def start_postfix(directory: Path, placed: list[Placed]) -> None:
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
            path = directory.parent / "tls" / f"{one.address}.pem"
            options.append(f"smtpd_tls_chain_files={path}")
        else:
            options.append("smtpd_tls_cert_file=none")
        services.append(f"{address}:25 inet n - n - - smtpd")
        services += [f"  -o {option}" for option in options]
    main = SERVER_MAIN.format(directory=directory, name=directory.name)
    new_instance(directory, main, "\n".join(services) + "\n")
    (directory / "header_checks").write_text(
        rf"/^Received: .*\(Lab server\) with (E?SMTPS?)/ INFO {MARK} $1" + "\n"
    )
    postfix(directory, "start")


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


def start(
    directory: Path, exim: Path, placed: list[Placed], children: list[subprocess.Popen]
) -> None:
    """Everything that listens on port 25; returns when all of it does."""
    tls = directory / "tls"
    tls.mkdir()
    for one in placed:
        if one.listener.family == 6:
            bring_up(one.address)
        if one.issued:
            path = chain_file(
                one.issued, one.listener.certificate, tls / f"{one.address}.pem", with_key=True
            )
            path.chmod(0o644)  # a private directory; exim reads it as its own user
    for software in POSTFIX:
        mine = [one for one in placed if one.listener.software == software]
        start_postfix(directory / software, mine)
    mine = [one for one in placed if one.listener.software == "exim"]
    if mine:
        start_exim(directory / "exim", exim, mine, children)
    for one in placed:
        if one.listener.software != "nobody":
            wait_for_port(one.address)


def wait_for_port(address: str) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((address, 25), 2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no mail server at {address}") from None
            time.sleep(0.1)


def stop(directory: Path) -> None:
    """Stop the Postfix instances; exim is a child of the lab."""
    for name in POSTFIX:
        if (directory / name).exists():
            postfix(directory / name, "stop")


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
    return seen


def lines(path: Path) -> list[str]:
    """The lines of a log that may not be there."""
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def presented(placed: list[Placed]) -> list[Issued]:
    """The certificates that a visitor of these listeners gets to see."""
    return [
        one.issued
        for one in placed
        if one.issued and one.listener.starttls and one.listener.software != "nobody"
    ]
