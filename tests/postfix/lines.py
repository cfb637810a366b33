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
    *("dane servername=mail.unknown.example", "dane-only servername=nexthop"),
    *("verify match={host} servername=nexthop", "fingerprint match={pin} servername=hostname"),
    "secure match=nexthop:{host}:hostname servername=mail.unknown.example",
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
    "fingerprint match={pin}|00:11 protocols=>=TLSv1.2", "fingerprint match=00:11 match={pin}",
    "verify match=hostname:nexthop match=.{domain} ciphers=medium exclude=kRSA",
    "dane protocols=!TLSv1.3 exclude=CHACHA20 ciphers=medium",
    "dane-only ciphers=high protocols=>=TLSv1.2 servername=hostname",
    "encrypt,ciphers=high,exclude=aNULL,servername=nexthop,protocols=>=TLSv1",
    # Attributes that do not change what happens to a message.
    *("encrypt connection_reuse=no", "dane connection_reuse=yes connection_reuse=no"),
    *("may CIPHERS=High", "encrypt Protocols=TLSV1.2", "secure Match={host} ServerName=hostname"),
    # Of later releases: braces, raw public keys, reports.
    *("dane enable_rpk=no", "encrypt enable_rpk=yes", "dane enable_rpk=maybe"),
    *("encrypt {{ protocols = >=TLSv1.2 }}", "secure {{ match = {host} }} ciphers=high"),
    "secure match={host} policy_type=sts policy_ttl=86400 policy_domain={domain}",
    "secure match={host} policy_type=sts mx_host_pattern={host}",
    "encrypt policy_type=no-policy-found", "encrypt policy_type=tlsa",
    *("encrypt policy_ttl=1", "dane policy_type=sts policy_type=sts"),
    # Words of OpenSSL's lists, and words that are none.
    *("encrypt exclude=eNULL:LOW", "encrypt exclude=kEDH", "may exclude=aRSA"),
    *("encrypt exclude=aECDSA", "encrypt exclude=AES", "dane exclude=kRSA+AES"),
    *("encrypt exclude=DSS", "encrypt exclude=SHA256:SHA384", "may exclude=CAMELLIA:ARIA"),
    *("encrypt protocols=<=TLSv1.3", "may protocols=>=TLSv1.2:<=TLSv1.2"),
    *("encrypt protocols=>=None", "encrypt protocols=>=0x0303", "dane protocols=TLSv1.3"),
    *("encrypt protocols=!TLSv1:!TLSv1.1:!TLSv1.2:!TLSv1.3", "may protocols=SSLv3"),
    # Faults, at once and at the handshake.
    *("encrpyt", "encrypt match=x.example", "dane match=x.example", "encrypt strict"),
    *("secure match=", "encrypt protocols>=TLSv1.2", "may connection_reuse=1"),
    *("encrypt ciphers=high ciphers=high", "may protocols=!SSLv2,!SSLv3"),
    *("encrypt protocols=TLSv9", "encrypt ciphers=best", "may exclude=!RC4"),
    *("encrypt servername=-x", "dane tafile=/x", "none match=x.example"),
    *("may ciphers=", "encrypt exclude=", "encrypt servername=", "halfdane", "secure tafile=/x"),
    *("dane-only match={host}", "encrypt tafile=/x", "may exclude=+RC4", "encrypt exclude=@STRENGTH"),
    *("encrypt servername=hostname servername=hostname", "may protocols=TLSv1.2 protocols=TLSv1.3"),
    *("fingerprint", "fingerprint match=none", "none servername=hostname ciphers=best"),
    "encrypt connection_reuse=yes connection_reuse=perhaps",
)


def some_of(scenarios: list[Scenario], seed: int, count: int) -> list[Scenario]:
    """So many of those that lines fit, in their order."""
    fit = [scenario for scenario in scenarios if fits(scenario)]
    lot = random.Random(f"scenarios {seed}").sample(fit, min(count, len(fit)))
    return [scenario for scenario in fit if scenario in lot]


def fits(scenario: Scenario) -> bool:
    """Whether chance has no say, and there is a host."""
    return scenario.repeat == 1 and bool(scenario.hosts)


def draw(
    scenarios: list[Scenario], placed: dict[str, list[Placed]], seed: int, count: int
) -> dict[str, dict[str, str]]:
    """Tables by transport: so many lines for each scenario, of which chance has no
    say. Each kind comes up as often as any other."""
    source = random.Random(seed)
    fit = [scenario for scenario in scenarios if fits(scenario)]
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
        f"{pairs} lines of {min(pairs, len(KINDS))} of {len(KINDS)} kinds over {len(by_next_hop)} scenarios: "
        f"{right} agree, {wrong} differ, {sum(untold.values())} could not be told"
    )
    for words in untold:
        print(f"  could not be told: {words}")
    print(f"{right} passed, {wrong} failed")
    return wrong
