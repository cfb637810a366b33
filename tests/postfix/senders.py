"""Senders with a policy of their own: mailcow with the answers of its
postfix-tlspol, other levels and protocols, and the Postfix of this lab with
overrides in its tables, asked by `--sender local`.

Each case states what is in force for one scenario's next hop, by the rules R88 to
R95; Postfix then has exactly that in force, and danecheck has to work it out.
"""

from dataclasses import dataclass
from pathlib import Path

import checker
import compare
from checker import Answer
from model import Scenario
from policies import SERVICE
from releases import Release
from sender import Message, Outcome

SOCKETMAP = f"socketmap:inet:{SERVICE[0]}:{SERVICE[1]}:QUERY"
NEWER_TLS = ("smtp_tls_protocols=>=TLSv1.2", "smtp_tls_mandatory_protocols=>=TLSv1.2")
LEVELS_BELOW = {
    "dane-only": "dane",
    "TEMP": "dane",
    "dane": "encrypt",
    "secure": "encrypt",
    "verify": "encrypt",
    "encrypt": "may",
    "may": "none",
}


@dataclass(frozen=True)
class Kind:
    """A sender: parameters of its transport, what its tables are, and the
    options that name it to danecheck."""

    name: str
    options: tuple[str, ...] = ()
    danecheck: tuple[str, ...] = ()
    service: bool = False
    table: bool = False

    @property
    def local(self) -> bool:
        """Whether danecheck asks this lab's Postfix."""
        return "local" in self.danecheck


MAILCOW = Kind("mailcow", NEWER_TLS, ("--sender", "mailcow"), service=True)
DANE_ONLY = Kind("only", ("smtp_tls_security_level=dane-only",), ("--level", "dane-only"))
VERIFY = Kind("verifying", ("smtp_tls_security_level=verify",), ("--level", "verify"))
ENCRYPT = Kind("encrypting", ("smtp_tls_security_level=encrypt",), ("--level", "encrypt"))
MODERN = Kind("modern", NEWER_TLS[1:], ("--min-tls", "TLSv1.2"))
LOCAL = Kind("local", (), ("--sender", "local"), service=True, table=True)
BLIND = Kind(
    "local-blind", ("smtp_dns_support_level=enabled",), ("--sender", "local"), table=True
)
BARE = Kind("local-bare", ("smtp_tls_CAfile=",), ("--sender", "local"), table=True)


def named(level: str, name: str) -> Kind:
    """A main.cf with this level and `smtp_tls_servername`."""
    options = (f"smtp_tls_security_level={level}", f"smtp_tls_servername={name}")
    return Kind(f"local-named-{level}", options, ("--sender", "local"), table=True)


# R13: the grade of main.cf.
HIGH = Kind(
    "local-high",
    ("smtp_tls_security_level=encrypt", "smtp_tls_mandatory_ciphers=high"),
    ("--sender", "local"),
    table=True,
)
HIGH_AT_MAY = Kind(
    "local-high-may",
    ("smtp_tls_security_level=may", "smtp_tls_ciphers=high"),
    ("--sender", "local"),
    table=True,
)
# What nothing in danecheck knows.
CURVES = Kind(
    "local-curves", ("tls_eecdh_auto_curves=prime256v1",), ("--sender", "local"), table=True
)
UNKNOWN_NAME = "mail.unknown.example"
NAMED = tuple(named(level, UNKNOWN_NAME) for level in ("may", "encrypt", "dane", "secure"))
NAMED_RIGHT = named("verify", "mail.sni-without-tlsa.lab")
MISNAMED = named("dane-only", "no_name")
KINDS = (
    *(MAILCOW, DANE_ONLY, VERIFY, ENCRYPT, MODERN, LOCAL, BLIND, BARE),
    *(*NAMED, NAMED_RIGHT, MISNAMED, HIGH, HIGH_AT_MAY, CURVES),
)


@dataclass(frozen=True)
class Case:
    """One sender and one scenario; `policy` is what is in force. `answer` is that
    of the service, `entry` that of the table, by key."""

    kind: Kind
    scenario: str
    policy: str
    answer: str | None = None
    entry: tuple[str, str] | None = None
    findings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For transports and messages."""
        return f"{self.kind.name}-{self.scenario}"


def mailcow(scenario: str, policy: str | None = None) -> Case:
    """What postfix-tlspol says; nothing where main.cf decides."""
    answer = "TEMP " if policy == "TEMP" else f"OK {policy}" if policy else None
    return Case(MAILCOW, scenario, policy or "dane", answer)


def local(
    scenario: str, entry: str, *findings: str, kind: Kind = LOCAL, policy: str | None = None
) -> Case:
    """An override for the next hop itself."""
    key = f"{scenario}.lab"
    return Case(kind, scenario, policy or entry, None, (key, entry), findings)


CASES = (
    # R92: all MX hosts signed, with usable TLSA records.
    mailcow("all-well", "dane-only"),
    mailcow("tls12-only", "dane-only"),
    mailcow("anchor-form-2-1-1", "dane-only"),
    mailcow("anchor-name-elsewhere", "dane-only"),
    mailcow("agility-certificate-sha512-hides-sha256", "dane-only"),
    mailcow("unusable-beside-stale", "dane-only"),
    mailcow("starttls-off", "dane-only"),
    mailcow("wildcard-tlsa", "dane-only"),
    mailcow("tlsa-alias", "dane-only"),
    mailcow("old-tls-1.0-rsa", "dane-only"),
    mailcow("old-protocol-only", "dane-only"),
    # R92: records, none of them usable; R94.
    mailcow("usage-1-only", "dane"),
    mailcow("unusable-selector-2", "dane"),
    mailcow("unusable-sha256-short", "dane"),
    # R92: not every host, or the MX records are not signed.
    mailcow("unsigned-domain-signed-host", "dane"),
    mailcow("unsigned-domain-stale-host", "dane"),
    # R92: nothing; main.cf's level.
    mailcow("unsigned"),
    mailcow("unsigned-domain-no-tlsa"),
    mailcow("tlsa-nxdomain"),
    mailcow("tlsa-no-ad"),
    mailcow("alias-of-alias"),
    mailcow("starttls-off-without-tlsa"),
    mailcow("old-tls-1.0-without-tlsa"),
    mailcow("alias-bracketed"),
    # R92 and R4: a DNS error, twice.
    mailcow("tlsa-servfail", "TEMP"),
    mailcow("tlsa-silence", "TEMP"),
    mailcow("tlsa-servfail-of-first", "TEMP"),
    mailcow("tlsa-refused", "TEMP"),
    mailcow("tlsa-formerr", "TEMP"),
    mailcow("tlsa-bogus", "TEMP"),
    # R92: MTA-STS, where there is no DANE.
    mailcow("mta-sts-fits", "secure match=mail.mta-sts-fits.lab servername=hostname"),
    mailcow("mta-sts-other-host", "secure match=other.lab servername=hostname"),
    mailcow("mta-sts-any-host", "secure match=.mta-sts-any-host.lab servername=hostname"),
    mailcow("mta-sts-testing"),
    mailcow("mta-sts-self-signed", "secure match=mail.mta-sts-self-signed.lab servername=hostname"),
    mailcow("mta-sts-name", "secure match=mail.mta-sts-name.lab servername=hostname"),
    mailcow("mta-sts-plain", "secure match=mail.mta-sts-plain.lab servername=hostname"),
    mailcow("mta-sts-and-dane", "dane-only"),
    # R24: what a level that is asked for by main.cf gives up.
    Case(DANE_ONLY, "all-well", "dane-only"),
    Case(DANE_ONLY, "unsigned", "dane-only"),
    Case(DANE_ONLY, "unsigned-domain-signed-host", "dane-only"),
    Case(DANE_ONLY, "usage-1-only", "dane-only"),
    Case(DANE_ONLY, "tlsa-nxdomain", "dane-only"),
    Case(DANE_ONLY, "tlsa-servfail", "dane-only"),
    Case(VERIFY, "all-well", "verify"),
    Case(VERIFY, "mta-sts-self-signed", "verify"),
    Case(VERIFY, "starttls-off-without-tlsa", "verify"),
    Case(ENCRYPT, "tlsa-servfail", "encrypt"),
    Case(ENCRYPT, "starttls-off", "encrypt"),
    # R13: protocols of main.cf.
    Case(MODERN, "tls12-only", "dane"),
    Case(MODERN, "old-tls-1.0-without-tlsa", "dane"),
    Case(MODERN, "old-tls-1.0-rsa", "dane"),
    Case(MODERN, "old-tls-1.0-unusable", "dane"),
    # R1 to R9: overrides in force on this machine.
    local("wildcard-tlsa-stale", "encrypt"),
    local("anchor-name-elsewhere", "may", "local-override-too-weak"),
    local("all-well", "encrypt", "local-override-not-needed"),
    local("tls12-only", "encrpyt", "local-policy-malformed"),
    local("wildcard-tlsa", "encrypt match=x.lab", "local-policy-malformed"),
    local("tlsa-alias", "dane protocols>=TLSv1.2", "local-policy-malformed"),
    local("tls12-chacha", "encrypt protocols=TLSv9", "local-policy-malformed"),
    local("anchor-form-2-1-1", "secure match=mail.anchor-form-2-1-1.lab"),
    local("unsigned", "dane-only", "sender-stricter-than-dane"),
    local("starttls-off", "encrypt"),
    Case(LOCAL, "subdomain-stale", "encrypt", None, (".subdomain-stale.lab", "encrypt")),
    Case(LOCAL, "two-keys-both", "dane-only", "OK dane-only"),
    Case(LOCAL, "two-keys-rsa", "no answer", "TEMP ", None, ("policy-service-fails",)),
    # R24, R65: DNSSEC off, no trust store.
    Case(BLIND, "wildcard-tlsa-stale", "dane", findings=("local-dane-switched-off",)),
    Case(BLIND, "starttls-off", "dane", findings=("local-dane-switched-off",)),
    local("all-well", "dane-only", "local-dane-switched-off", kind=BLIND),
    local("all-well", "verify", "local-no-trust-store", kind=BARE),
    Case(BARE, "tls12-only", "dane"),
    # R52: a server name of main.cf, at each level; one that is no host name.
    *(
        Case(kind, scenario, kind.name.rsplit("-", 1)[1])
        for kind in NAMED
        for scenario in (
            *("sni-refused", "sni-demanded", "sni-demanded-without-tlsa", "sni-without-tlsa"),
            *("sni-unusable-policy", "sni-refused-unusable-policy"),
            "sni-demanded-unusable-handshake",
        )
    ),
    Case(NAMED_RIGHT, "sni-without-tlsa", "verify"),
    Case(NAMED_RIGHT, "sni-stale", "verify"),
    Case(MISNAMED, "sni-demanded", "dane-only"),
    # What a grade of main.cf leaves out, and a line that names another.
    Case(HIGH, "old-ccm8", "encrypt"),
    Case(HIGH, "old-ccm8-or-cbc", "encrypt"),
    Case(HIGH, "old-key-dsa", "encrypt"),
    Case(HIGH, "all-well", "encrypt"),
    local("tls12-only", "encrypt ciphers=medium", kind=HIGH),
    Case(HIGH_AT_MAY, "old-ccm8", "may"),
    Case(HIGH_AT_MAY, "old-ccm8-or-cbc", "may"),
    Case(HIGH_AT_MAY, "tls12-only", "may"),
    Case(CURVES, "all-well", "dane", findings=("sender-setting-not-read",)),
)

POLICY = "version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 604800\n"
MX = {"mta-sts-other-host": "other.lab", "mta-sts-any-host": "*.mta-sts-any-host.lab"}


def policies() -> dict[str, str]:
    """The policies of MTA-STS by domain."""
    names = {case.scenario for case in CASES if case.scenario.startswith("mta-sts-")}
    return {
        f"{name}.lab": POLICY.format(
            mode="testing" if name == "mta-sts-testing" else "enforce",
            mx=MX.get(name, f"mail.{name}.lab"),
        )
        for name in sorted(names)
    }


def chosen(scenarios: list[Scenario], only: str | None = None) -> list[Case]:
    """The cases of the scenarios that run; of one sender alone where it is named."""
    names = {scenario.name for scenario in scenarios}
    return [
        case for case in CASES if case.scenario in names and only in (None, case.kind.name)
    ]


def scenarios_of(kind: str) -> set[str]:
    """The scenarios of the cases of this sender."""
    return {case.scenario for case in CASES if case.kind.name == kind}


def answers_of_service(cases: list[Case], next_hops: dict[str, str]) -> dict[str, str]:
    """What the service says, by key; one service for all."""
    return {next_hops[case.scenario]: case.answer for case in cases if case.answer}


@dataclass
class Run:
    """One case under way."""

    case: Case
    next_hop: str
    answer: Answer
    lines: dict[str, str]

    def messages(self) -> list[Message]:
        """One with what is in force, one with the proposed line, one with the next
        stricter line, which must not do."""
        found = [Message(f"today@{self.case.name}.sender", self.case.kind.name, self.next_hop)]
        for what in self.lines:
            transport = f"{self.case.kind.name}-{what}"
            found.append(Message(f"{what}@{self.case.name}.sender", transport, self.next_hop))
        return found


def config_directory(directory: Path, kind: Kind, main: str) -> Path:
    """A main.cf for `postconf` and `postmap` alone, as this sender's transport
    has it."""
    own = directory / f"config-{kind.name}"
    own.mkdir()
    maps = ",".join(tables(directory, kind.name, kind))
    lines = [*kind.options, f"smtp_tls_policy_maps={maps}"]
    # postmap insists on interfaces that are there, and the client's are not yet.
    names = {"inet_interfaces", *(line.split("=")[0] for line in lines)}
    kept = [line for line in main.splitlines() if line.split(" =")[0] not in names]
    (own / "main.cf").write_text("\n".join([*kept, *lines]) + "\n")
    (own / "master.cf").write_text("")
    return own


def tables(directory: Path, transport: str, kind: Kind, more: str | None = None) -> list[str]:
    """The tables of a transport in their order, as mailcow has them."""
    found = [f"texthash:{directory}/policy-{more}"] if more else []
    if kind.table:
        found.append(f"texthash:{directory}/policy-{kind.name}")
    if kind.service:
        found.append(SOCKETMAP)
    return found


def services(directory: Path) -> dict[str, list[str]]:
    """The options of each transport by its name."""
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        for what in ("", "-entry", "-stricter"):
            transport = kind.name + what
            maps = tables(directory, transport, kind, transport if what else None)
            options = list(kind.options)
            if maps:
                options.append(f"smtp_tls_policy_maps={','.join(maps)}")
            found[transport] = options
    return found


def own_tables(cases: list[Case]) -> dict[str, dict[str, str]]:
    """The overrides in force, by transport."""
    found: dict[str, dict[str, str]] = {kind.name: {} for kind in KINDS if kind.table}
    for case in cases:
        if case.entry:
            found[case.kind.name][case.entry[0]] = case.entry[1]
    return found


def proposed(report: dict, case: Case) -> dict[str, str]:
    """The line that danecheck proposes, and the next stricter one."""
    advice = report.get("recommendation") or {}
    own = (advice.get("entries") or {}).get("postfix")
    if not own:
        return {}
    value = own.split(None, 1)[1]
    lines = {"entry": value}
    level = case.policy.split()[0]
    chain = [level]
    while chain[-1] in LEVELS_BELOW:
        chain.append(LEVELS_BELOW[chain[-1]])
    policy = value.split()[0]
    if "protocols=" in value:
        lines["stricter"] = policy
    elif policy in chain[1:] and (above := chain[chain.index(policy) - 1]) != level:
        lines["stricter"] = above
    return lines


def complaints(run: Run, seen: dict[str, Outcome], known: dict) -> list[str]:
    """What danecheck says of this sender, beside what Postfix did; not what is known
    to differ under this release."""
    case, report = run.case, run.answer.report
    said = report.get("sender") or {}
    found = [run.answer.complaint] if run.answer.complaint else []
    real = seen[f"today@{case.name}.sender"]
    today = said.get("outcome") or {}

    def check(name: str, expected: object, got: object) -> None:
        level = case.policy.split()[0]
        is_known = any((case.scenario, where, name) in known for where in ("", level))
        if expected != got and not is_known:
            found.append(f"{name}: expected {expected!r}, danecheck {got!r}")

    check("policy", case.policy, (said.get("policy") or {}).get("text"))
    for name in ("delivery", "channel", "via", "dsn"):
        check(name, getattr(real, name), today.get(name))
    if real.delivery != "delivered-after-retry":
        check("reason", compare.without_hosts(real.reason), compare.without_hosts(today.get("reason")))
    action = (report.get("recommendation") or {}).get("action")
    delivers = real.delivery in compare.DELIVERED
    check("keeps", delivers, action == "keep")
    if action == "override":
        entry = seen[f"entry@{case.name}.sender"]
        check("entry delivers", True, entry.delivery in compare.DELIVERED)
        if stricter := seen.get(f"stricter@{case.name}.sender"):
            at_once = "dane" not in run.lines["stricter"] and "may" != run.lines["stricter"]
            enough = ("delivered",) if at_once else compare.DELIVERED
            check("stricter fails", True, stricter.delivery not in enough)
    ids = {finding["id"] for finding in report.get("findings") or []}
    for wanted in case.findings:
        check("finding", wanted, wanted if wanted in ids else sorted(ids))
    of_machine = {i for i in ids if i.startswith("local-") or i == "sender-setting-not-read"}
    unwanted = of_machine - set(case.findings)
    check("no other finding", set(), unwanted)
    return [f"{case.kind.name} to {case.scenario}: {text}" for text in found]


def ask(
    binary: Path,
    case: Case,
    scenario: Scenario,
    look: tuple[str, ...],
    directory: Path,
    release: Release,
) -> Answer:
    """danecheck's word: on what was seen already, and with `local` on a look of
    its own, for that is when the tables are asked."""
    options = [str(binary), "--json", *case.kind.danecheck]
    if case.kind.local:
        options += ["--postfix-config", str(directory / f"config-{case.kind.name}"), *look]
        return checker.check(*options, scenario.next_hop, environment=release.environment())
    if release.root:
        options += ["--postfix-version", release.postfix()]
    saved = directory.parent / "saved" / f"{scenario.name}.json"
    return checker.check(*options, "--replay", str(saved))


def summary(cases: list[Case], failed: int) -> str:
    """One line for the end of a run."""
    return f"senders: {len(cases) - failed} of {len(cases)} agree with Postfix"
