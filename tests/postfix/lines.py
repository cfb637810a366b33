"""Policy lines by lot: each kind of line that `smtp_tls_policy_maps` takes or
refuses, in front of a server of some scenario. Real Postfix has the line in its
table, and `danecheck overrides` reads the same table."""

import json
import random
import subprocess
from collections import Counter
from pathlib import Path

from model import Placed, Scenario
from sender import Message, Outcome

# With {host} as the first MX host, {domain} as its domain, {pin} as a certificate
# that is shown.
KINDS = (
    # Levels alone.
    *("none", "may", "encrypt", "dane", "dane-only", "verify", "secure", "Encrypt"),
    # What has to match.
    *("fingerprint match={pin}", "fingerprint match=00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"),
    *("secure match={host}", "secure match=nexthop", "secure match=.{domain}"),
    *("secure match=hostname", "secure match={host}:nexthop", "verify match={host}"),
    *("verify match=hostname", "verify match=nexthop", "verify match=dot-nexthop"),
    # Another server name.
    *("encrypt servername=hostname", "encrypt servername=nexthop"),
    *("encrypt servername=mail.unknown.example", "may servername=mail.unknown.example"),
    *("secure match={host} servername=hostname", "verify servername=hostname"),
    *("may servername=hostname", "dane servername=hostname", "dane-only servername=hostname"),
    # Versions.
    *("encrypt protocols=TLSv1.2", "encrypt protocols=!TLSv1.3", "encrypt protocols=<=TLSv1.2"),
    *("encrypt protocols=TLSv1.3", "encrypt protocols=>=TLSv1.2", "encrypt protocols=>=TLSv1.3"),
    *("encrypt protocols=!TLSv1.2", "encrypt protocols=<=TLSv1.1", "may protocols=TLSv1.2"),
    *("may protocols=>=TLSv1.3", "may protocols=!TLSv1.2", "dane protocols=TLSv1.2"),
    *("dane-only protocols=TLSv1.2", "secure match={host} protocols=TLSv1.2"),
    *("dane protocols=>=TLSv1.3", "encrypt protocols=!SSLv2:!SSLv3", "may protocols="),
    "encrypt protocols=TLSv1.2:TLSv1.3",
    # Suites.
    *("encrypt exclude=ECDHE", "may exclude=ECDHE", "dane exclude=ECDHE"),
    *("encrypt exclude=aNULL:AES128", "encrypt exclude=aNULL", "may exclude=aNULL"),
    *("encrypt exclude=kRSA", "encrypt exclude=DHE", "encrypt exclude=AES256"),
    *("encrypt exclude=CHACHA20", "encrypt exclude=RC4:3DES:MD5", "encrypt exclude=SHA1"),
    *("encrypt exclude=AESGCM", "encrypt exclude=kECDHE", "encrypt exclude=kDHE:kECDHE"),
    *("encrypt exclude=ECDHE-RSA-AES128-GCM-SHA256", "secure match={host} exclude=AES128"),
    *("encrypt ciphers=high", "encrypt ciphers=medium", "encrypt ciphers=low"),
    *("may ciphers=export", "dane ciphers=high"),
    # Several at once.
    *("encrypt protocols=TLSv1.2 exclude=ECDHE", "may protocols=TLSv1.2 exclude=AES128"),
    "encrypt protocols=TLSv1.2 ciphers=high servername=hostname",
    "secure match={host} servername=hostname protocols=TLSv1.2",
    "secure match={host}:nexthop, ciphers=high, exclude=aNULL",
    # Faults, at once and at the handshake.
    *("encrpyt", "encrypt match=x.example", "dane match=x.example", "encrypt strict"),
    *("secure match=", "encrypt protocols>=TLSv1.2", "may connection_reuse=1"),
    *("encrypt ciphers=high ciphers=high", "may protocols=!SSLv2,!SSLv3"),
    *("encrypt protocols=TLSv9", "encrypt ciphers=best", "may exclude=!RC4"),
    *("encrypt servername=-x", "dane tafile=/x", "none match=x.example"),
)


def draw(
    scenarios: list[Scenario], placed: dict[str, list[Placed]], seed: int, count: int
) -> dict[str, dict[str, str]]:
    """Tables by transport: so many lines for each scenario, of which chance has no
    say. Each kind comes up as often as any other."""
    source = random.Random(seed)
    fit = [scenario for scenario in scenarios if scenario.repeat == 1 and scenario.hosts]
    kinds: list[str] = []
    tables = {}
    for number in range(count):
        table = tables[f"line{number}"] = {}
        for scenario in fit:
            if not kinds:
                kinds = list(KINDS)
                source.shuffle(kinds)
            table[scenario.next_hop] = written(kinds.pop(), scenario, placed[scenario.name])
    return tables


def written(kind: str, scenario: Scenario, placed: list[Placed]) -> str:
    """The line for this scenario."""
    host = scenario.absolute(scenario.hosts[0].name).rstrip(".")
    pins = [one.issued.fingerprint for one in placed if one.issued]
    pin = pins[0] if pins else ":".join(["00"] * 32)
    return kind.format(host=host, domain=host.split(".", 1)[1], pin=pin)


def messages(scenarios: list[Scenario], tables: dict[str, dict[str, str]]) -> list[Message]:
    """One message for each line."""
    return [
        Message(f"{transport}@{scenario.name}.line", transport, scenario.next_hop)
        for scenario in scenarios
        for transport, table in tables.items()
        if scenario.next_hop in table
    ]


def examine(
    binary: Path, tables: dict[str, dict[str, str]], look: tuple[str, ...], directory: Path
) -> dict[tuple[str, str], dict]:
    """What danecheck says to each line, by transport and next hop."""
    found = {}
    for transport, table in tables.items():
        path = directory / f"{transport}.table"
        path.write_text("".join(f"{key} {value}\n" for key, value in table.items()))
        done = subprocess.run(
            [str(binary), "overrides", str(path), "--json", *look],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
            stdin=subprocess.DEVNULL,
        )
        try:
            report = json.loads(done.stdout)
        except ValueError:
            raise RuntimeError(f"no report on {path.name}: {done.stderr[:300]}") from None
        for one in report["overrides"]:
            found[transport, one["next_hop"]] = one
    return found


def compare(
    scenarios: list[Scenario],
    tables: dict[str, dict[str, str]],
    said: dict[tuple[str, str], dict],
    seen: dict[str, Outcome],
) -> int:
    """Print each line in which the two differ; how many these are."""
    by_next_hop = {scenario.next_hop: scenario for scenario in scenarios}
    wrong, untold, right = 0, Counter(), 0
    for transport, table in tables.items():
        for key, value in table.items():
            scenario = by_next_hop[key]
            real = seen[f"{transport}@{scenario.name}.line"]
            one = said.get((transport, key.lower())) or {}
            outcome = one.get("with") or {}
            if one.get("word") == "could-not-tell":
                untold[f"`{value}` at {scenario.name}: {one['reason']}"] += 1
                continue
            different = [
                f"{name}: Postfix {getattr(real, name)!r}, danecheck {outcome.get(name)!r}"
                for name in ("delivery", "channel", "dsn")
                if getattr(real, name) != outcome.get(name)
            ]
            if different:
                wrong += 1
                print(f"DIFFERS {scenario.name}: `{value}`: {'; '.join(different)}")
            else:
                right += 1
    pairs = right + wrong + sum(untold.values())
    print(
        f"{pairs} lines of {len(KINDS)} kinds over {len(by_next_hop)} scenarios: "
        f"{right} agree, {wrong} differ, {sum(untold.values())} could not be told"
    )
    for words in untold:
        print(f"  could not be told: {words}")
    print(f"{right} passed, {wrong} failed")
    return wrong
