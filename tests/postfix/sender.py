"""The client whose behaviour is the truth: a real Postfix, one message per
next hop and level, and what its log says of the first and the last attempt."""

import re
import smtplib
import time
from dataclasses import dataclass, field
from pathlib import Path

from mailservers import COMMON_MAIN, COMMON_MASTER, bring_up, lines, new_instance, postfix
from model import LEVELS
from releases import Release

ADDRESS = "127.0.1.3"
ADDRESS6 = "fd00:da7e:1::1"
PORT = 2525
BACKOFF = 8
PATIENCE = 25
PROCESSES = 30

CLIENT_MAIN = (
    COMMON_MAIN
    + """\
mail_name = Lab client
myhostname = client.lab
inet_interfaces = {address}, [{address6}]
mynetworks = 127.0.0.0/8
transport_maps = texthash:{directory}/transport
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_tls_dane_insecure_mx_policy = dane
smtp_tls_fingerprint_digest = sha256
smtp_tls_CAfile = {ca_file}
smtp_tls_loglevel = 1
smtp_tls_connection_reuse = no
smtp_connection_cache_on_demand = no
default_destination_concurrency_failed_cohort_limit = 0
initial_destination_concurrency = 20
minimal_backoff_time = {backoff}s
queue_run_delay = 1s
# Silence costs less time here than in the field; the outcome is the same.
smtp_connect_timeout = 4s
smtp_helo_timeout = {patience}s
smtp_starttls_timeout = {patience}s
"""
)

STATUS = re.compile(
    r"/smtp\[(?P<pid>\d+)\]: (?P<id>\w+): to=<(?P<to>[^>]+)>, relay=(?P<relay>\S+), .*"
    r"delays=(?P<age>[\d.]+)/.* dsn=(?P<dsn>[\d.]+), "
    r"status=(?P<status>\w+) \((?P<text>.*)\)$"
)
ESTABLISHED = re.compile(
    r"/smtp\[(?P<pid>\d+)\]: (?P<kind>\w+) TLS connection established to (?P<relay>\S+:\d+): "
)


@dataclass(frozen=True)
class Message:
    """One message to send: which transport takes it to which next hop."""

    recipient: str
    transport: str
    next_hop: str


@dataclass
class Attempt:
    """One status line of the client's log. `age` is how old the message was
    when it came into the active queue, which the plain-text retry asks for."""

    status: str
    dsn: str
    text: str
    relay: str
    verified: bool
    age: float


@dataclass(frozen=True)
class Outcome:
    """What became of one message, in the words of danecheck's report."""

    delivery: str
    channel: str | None
    via: str | None
    dsn: str | None
    reason: str | None

    def strength(self) -> tuple[int, int]:
        """For choosing the weakest of several; more is better."""
        order = ("bounced", "deferred", "delivered-after-retry", "delivered")
        channels = (None, "plaintext", "encrypted", "authenticated")
        return order.index(self.delivery), channels.index(self.channel)


@dataclass
class Client:
    """The sending Postfix instance.

    `policies` are policy tables by transport: a transport of that name beside
    those of the levels, with the table as its `smtp_tls_policy_maps`.
    """

    directory: Path
    ca_file: Path
    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    # Transports of senders with a main.cf of their own, and their options.
    others: dict[str, list[str]] = field(default_factory=dict)
    # Whose Postfix it is.
    release: Release = Release()

    def start(self, messages: list[Message]) -> None:
        """Write the tables and start."""
        bring_up(ADDRESS)
        bring_up(ADDRESS6)
        services = [COMMON_MASTER, f"{ADDRESS}:{PORT} inet n - n - - smtpd"]
        for transport in sorted({*LEVELS, *self.policies} - set(self.others)):
            level = transport if transport in LEVELS else "dane"
            services.append(f"{transport} unix - - n - {PROCESSES} smtp")
            services.append(f"  -o smtp_tls_security_level={level}")
            services.append(f"  -o syslog_name=postfix/{transport}")
            if transport in self.policies:
                table = self.directory / f"policy-{transport}"
                services.append(f"  -o smtp_tls_policy_maps=texthash:{table}")
        for transport, options in self.others.items():
            services.append(f"{transport} unix - - n - {PROCESSES} smtp")
            services.append(f"  -o syslog_name=postfix/{transport}")
            services += [f"  -o {option}" for option in options]
        master = "\n".join(services) + "\n"
        new_instance(self.directory, self.main(), master, self.release)
        for transport, table in self.policies.items():
            text = "".join(f"{key} {value}\n" for key, value in table.items())
            (self.directory / f"policy-{transport}").write_text(text)
        (self.directory / "transport").write_text(
            "".join(f"{m.recipient} {m.transport}:{m.next_hop}\n" for m in messages)
        )
        postfix(self.directory, "start", self.release)

    def main(self) -> str:
        """Its main.cf."""
        return CLIENT_MAIN.format(
            directory=self.directory,
            address=ADDRESS,
            address6=ADDRESS6,
            ca_file=self.ca_file,
            backoff=BACKOFF,
            patience=PATIENCE,
        )

    def stop(self) -> None:
        """Stop it, if it ever started."""
        if self.directory.exists():
            postfix(self.directory, "stop", self.release)

    def send(self, messages: list[Message]) -> None:
        """Hand all messages over; a null sender, so that no bounce comes back."""
        with smtplib.SMTP(ADDRESS, PORT) as session:
            for message in messages:
                session.sendmail("", [message.recipient], f"Subject: {message.recipient}\n\nhello\n")

    def attempts(self) -> dict[str, list[Attempt]]:
        """All attempts so far, by recipient."""
        seen: dict[str, list[Attempt]] = {}
        established: dict[str, tuple[str, str]] = {}
        for line in lines(self.directory / "mail.log"):
            if found := ESTABLISHED.search(line):
                established[found["pid"]] = (found["relay"], found["kind"])
            elif found := STATUS.search(line):
                relay, kind = established.pop(found["pid"], ("", ""))
                verified = kind == "Verified" and found["relay"] == relay
                seen.setdefault(found["to"], []).append(
                    Attempt(
                        found["status"],
                        found["dsn"],
                        found["text"],
                        found["relay"],
                        verified,
                        float(found["age"]),
                    )
                )
        return seen

    def wait(self, messages: list[Message], seconds: float = 240) -> dict[str, list[Attempt]]:
        """Until each message is delivered, bounced, or deferred a second time."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.attempts()
            open_still = [m.recipient for m in messages if not settled(seen.get(m.recipient, []))]
            if not open_still:
                return seen
            if time.monotonic() > deadline:
                raise RuntimeError(f"no second attempt within {seconds} s: {open_still[:5]}")
            time.sleep(0.5)


def settled(attempts: list[Attempt]) -> bool:
    """A deferral counts once the message is old enough for the plain-text retry."""
    if not attempts:
        return False
    last = attempts[-1]
    return last.status != "deferred" or (len(attempts) > 1 and last.age >= BACKOFF)


def outcome(recipient: str, attempts: list[Attempt], in_tls: dict[str, bool]) -> Outcome:
    """The first attempt, the retry, and what the server saw, as one outcome.

    The retry is the first attempt with a message old enough for plain text;
    what comes later is left out.
    """
    first = attempts[0]
    last = next((one for one in attempts if one.age >= BACKOFF), attempts[-1])
    if first.age >= BACKOFF:
        raise RuntimeError(f"{recipient}: first attempt after {first.age} s, machine too slow")
    if last.status != "sent":
        return Outcome(last.status, None, None, last.dsn, last.text)
    via = last.relay.split("[")[0]
    if recipient not in in_tls:
        raise RuntimeError(f"{recipient}: sent to {last.relay}, and no server has seen it")
    channel = "plaintext"
    if in_tls[recipient]:
        channel = "authenticated" if last.verified else "encrypted"
    if last is first:
        return Outcome("delivered", channel, via, last.dsn, None)
    return Outcome("delivered-after-retry", channel, via, last.dsn, first.text)
