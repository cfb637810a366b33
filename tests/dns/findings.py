"""The findings about resolvers and zones, each from danecheck's ordinary
command line, with a real server in the state that it is about."""

import json
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import views
from servers.mailserver import MailServer
from servers.nameservers import Nameservers, wait_until
from servers.signing import run
from tree import DAY, MOVING_MAIL_SERVER, TYPES, Tree

# The resolvers, by what is special about them.
BEHIND_DNSMASQ, BEHIND_PROXY, WITHOUT_DNSSEC = "127.0.2.1", "127.0.2.2", "127.0.2.3"
DENYING, NOBODY, DISTANT = "127.0.2.4", "127.0.2.5", "198.51.100.53"
NEGATIVE_ANCHOR, PERMISSIVE = "127.0.2.6", "127.0.2.7"
SERVING_EXPIRED, SILENT_TO_TLSA = "127.0.2.8", "127.0.2.9"
FAILING_AT_TLSA, REMEMBERING = "127.0.2.10", "127.0.2.11"
# The one that the system names; see `run`.
OF_THE_SYSTEM = ""

RECURSOR = """\
config-dir={directory}
socket-dir={directory}
hint-file={hints}
local-address={address}
dont-query=
dnssec=off
setuid=
setgid=
daemon=no
write-pid=no
threads=1
disable-syslog=yes
loglevel=3
security-poll-suffix=
"""

# The ids that a case has to name in full: what it does not name must not be
# raised. So are those of name servers.
NAMED = {
    "denial-proves-nothing",
    "ds-matches-no-key",
    "key-missing",
    "no-trust-anchor",
    "nsec3-iterations-past-limit",
    "records-change-spreading",
    "ad-stripped",
    "resolver-and-validation-differ",
    "resolver-does-not-validate",
    "resolver-not-dnssec-capable",
    "resolver-not-on-loopback",
    "resolver-serves-stale",
    "resolver-silent",
    "resolver-times-out",
    "signature-ends-soon",
    "signature-expired",
    "signature-missing",
    "signature-not-yet-valid",
    "signature-wrong",
    "signatures-end-by-then",
    "signing-key-missing",
    "tlsa-from-cache",
}


@dataclass
class Case:
    """A target behind a resolver, and what has to be found."""

    about: str
    resolver: str
    target: str
    # Ids of findings, with words that subject or message have to contain.
    expected: dict[str, tuple[str, ...]]
    options: tuple[str, ...] = ()
    # What may be found besides, depending on who loses patience first.
    besides: frozenset[str] = frozenset()
    # Whether it has the trust anchor of the tree.
    anchored: bool = True


def start(servers: Nameservers, unbound: Iterable[str]) -> None:
    """The resolvers beside the validating and the plain one."""
    for address, more in ((BEHIND_DNSMASQ, ()), (BEHIND_PROXY, ("--proxy-dnssec",))):
        servers.start(
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root"),
            *("--no-resolv", "--no-hosts", "--bind-interfaces", "--except-interface=lo", "--cache-size=0"),
            *(f"--listen-address={address}", f"--server={views.VALIDATING}", *more),
        )
    config = servers.directory / "recursor"
    config.mkdir()
    text = RECURSOR.format(directory=config, hints=servers.hints, address=WITHOUT_DNSSEC)
    (config / "recursor.conf").write_text(text)
    servers.start("pdns_recursor", f"--config-dir={config}")
    fault = {"domain": "a13.lab.", "name": None, "type": TYPES["TLSA"]}
    servers.forwarders(
        [
            {"listen": address, "upstream": views.VALIDATING, "faults": [{**fault, "does": does}]}
            for address, does in ((SILENT_TO_TLSA, "silence"), (FAILING_AT_TLSA, "servfail"))
        ]
    )
    servers.unbound(DENYING, access="deny", more=unbound)
    servers.unbound(DISTANT, more=unbound)
    servers.unbound(NEGATIVE_ANCHOR, more=[*unbound, 'domain-insecure: "a13.lab."'])
    servers.unbound(PERMISSIVE, more=[*unbound, "val-permissive-mode: yes"])
    for address in (BEHIND_PROXY, DISTANT, NEGATIVE_ANCHOR, PERMISSIVE, SILENT_TO_TLSA, FAILING_AT_TLSA):
        wait_until(address, "lab.", "secure")
    for address in (BEHIND_DNSMASQ, WITHOUT_DNSSEC):
        wait_until(address, "lab.", "insecure")


def let_expire(servers: Nameservers, binary: Path, tree: Tree, unbound: Iterable[str]) -> None:
    """A resolver that has a zone in its cache alone, and beyond its time."""
    zone = tree.zone("stale.lab.")
    authority = servers.nsd(zone.server, [(zone.name, zone.path)])
    serve = ("serve-expired: yes", "ede-serve-expired: yes", "serve-expired-reply-ttl: 30")
    servers.unbound(SERVING_EXPIRED, more=[*unbound, *serve])
    wait_until(SERVING_EXPIRED, zone.name, "secure")
    # All that it will be asked for.
    report(binary, tree, Case("", SERVING_EXPIRED, "stale.lab", {}))
    authority.terminate()
    authority.wait(10)
    deadline = time.monotonic() + 20
    while "Stale Answer" not in run("dig", f"@{SERVING_EXPIRED}", "stale.lab", "MX"):
        if time.monotonic() > deadline:
            raise RuntimeError("unbound gives no stale answer")
        time.sleep(0.2)


def let_move(servers: Nameservers, binary: Path, tree: Tree, unbound: Iterable[str]) -> None:
    """A resolver that has a zone in its cache as it was before a change."""
    zone = tree.zone("moving.lab.")
    authority = servers.nsd(zone.server, [(zone.name, zone.path)])
    servers.unbound(REMEMBERING, more=unbound)
    wait_until(REMEMBERING, zone.name, "secure")
    report(binary, tree, Case("", REMEMBERING, "moving.lab", {}))
    authority.terminate()
    authority.wait(10)
    servers.nsd(zone.server, [(zone.name, zone.copy_path)])
    wait_until(zone.server, zone.name, "insecure")


def day(days: int) -> str:
    """The date so many days from now, as reports have it."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY))


def resolvers() -> list[Case]:
    """Resolvers in every state, asked for a zone in order."""
    good = "a13.lab"
    return [
        Case("unbound, validating", views.VALIDATING, good, {}),
        Case(
            "unbound without its validator", views.PLAIN, good,
            {"resolver-does-not-validate": (views.PLAIN, "passes bogus answers on")},
        ),
        Case(
            "dnsmasq clears AD", BEHIND_DNSMASQ, good,
            {"ad-stripped": (BEHIND_DNSMASQ, "withholds bogus answers")},
        ),
        Case("dnsmasq with proxy-dnssec", BEHIND_PROXY, good, {}),
        Case("the resolver that the system names", OF_THE_SYSTEM, good, {}),
        Case(
            "unbound with the anchor of another root than ours", views.VALIDATING, good,
            {"no-trust-anchor": ("no key of . matches",)}, anchored=False,
        ),
        Case(
            "PowerDNS Recursor with dnssec=off drops RRSIG", WITHOUT_DNSSEC, good,
            {"resolver-not-dnssec-capable": (WITHOUT_DNSSEC, "no DNSSEC signatures")},
        ),
        Case(
            "unbound drops the queries of strangers", DENYING, good,
            {"resolver-silent": (DENYING,)},
        ),
        Case("nobody listens", NOBODY, good, {"resolver-silent": (NOBODY,)}),
        Case(
            "unbound on another address than loopback", DISTANT, good,
            {"resolver-not-on-loopback": (DISTANT,)},
        ),
        Case(
            "unbound with a negative trust anchor (domain-insecure)", NEGATIVE_ANCHOR, good,
            {"resolver-and-validation-differ": ("mx.a13.lab A", "is insecure", "is secure")},
        ),
        Case("and its other zones", NEGATIVE_ANCHOR, "a15.lab", {}),
        Case(
            "unbound that lets bogus answers pass (val-permissive-mode)", PERMISSIVE, "badtlsa.lab",
            {
                "resolver-and-validation-differ": ("_25._tcp.mx.badtlsa.lab TLSA", "is insecure", "is bogus"),
                "signature-wrong": ("badtlsa.lab.",),
            },
        ),
    ]


def weak_links() -> list[Case]:
    """Bogus zones, with zone, record set and fault."""
    found = {
        "expired": ("signature-expired", "expired.lab. DNSKEY", day(-60), day(-30)),
        "early": ("signature-not-yet-valid", "early.lab. DNSKEY", day(30), day(60)),
        "oldtlsa": ("signature-expired", "_25._tcp.mx.oldtlsa.lab. TLSA", day(-60), day(-30)),
        "newtlsa": ("signature-not-yet-valid", "_25._tcp.mx.newtlsa.lab. TLSA", day(30), day(60)),
        "oldkey": ("signature-expired", "oldkey.lab. DNSKEY", day(-60), day(-30)),
        "mismatch": ("ds-matches-no-key", "no DS record of mismatch.lab. at its parent matches"),
        "keyless": ("key-missing", "keyless.lab. has a DS record at its parent, but no key"),
        "badkey": ("signature-wrong", "signature of badkey.lab. DNSKEY does not match"),
        "barekey": ("signature-missing", "barekey.lab. DNSKEY has no signature"),
        "badtlsa": ("signature-wrong", "signature of _25._tcp.mx.badtlsa.lab. TLSA does not match"),
        "othertlsa": ("signature-wrong", "of _25._tcp.mx.othertlsa.lab. TLSA does not match"),
        "baretlsa": ("signature-missing", "_25._tcp.mx.baretlsa.lab. TLSA has no signature"),
        "nonsec": ("denial-proves-nothing", "not prove that mx.nonsec.lab. AAAA does not exist"),
        "badnsec": ("signature-wrong", "signature of badnsec.lab. SOA does not match"),
        "denied": ("denial-proves-nothing", "that _25._tcp.mx.denied.lab. TLSA does not exist"),
        "n600": ("nsec3-iterations-past-limit", "n600.lab. hashes its NSEC3 names 600 times"),
        "n151": ("nsec3-iterations-past-limit", "n151.lab. hashes its NSEC3 names 151 times"),
    }
    return [
        Case(f"{name}.lab", views.VALIDATING, f"{name}.lab", {identifier: words})
        for name, (identifier, *words) in found.items()
    ] + [
        Case("150 iterations are within the limit", views.VALIDATING, "n150.lab", {}),
        # unbound 1.17 sometimes answers SERVFAIL to all about this zone, even to
        # those who do not have it checked; so does not the one without validator.
        Case(
            "stranger.lab", views.PLAIN, "stranger.lab",
            {
                "signing-key-missing": ("that signed stranger.lab. MX is not among the keys",),
                "resolver-does-not-validate": (views.PLAIN,),
            },
        ),
    ]


def name_servers(tree: Tree) -> list[Case]:
    """Name servers at fault, by themselves or beside one in order."""

    def who(zone: str) -> str:
        fault = next(f for f in tree.forwarders if f["faults"][0]["domain"] == f"{zone}.lab.")
        return f"ns-{zone}.lab ({fault['listen']})"

    asked = ("--authoritative",)
    return [
        Case("one of two name servers says SERVFAIL to TLSA", views.VALIDATING, "two.lab",
             {"name-server-fails": (who("two"), "SERVFAIL", "TLSA")}, asked),
        *(
            Case(f"the only one says {rcode}", views.VALIDATING, f"{rcode.lower()}.lab",
                 {"name-server-fails": (who(rcode.lower()), rcode, "TLSA")})
            for rcode in ("SERVFAIL", "NOTIMP", "REFUSED", "FORMERR")
        ),
        Case("name servers in order", views.VALIDATING, "a13.lab", {}, asked),
        Case("a name server silent to TLSA", NEGATIVE_ANCHOR, "silence.lab",
             {"name-server-silent": (who("silence"), "TLSA", "answers other queries")},
             besides=frozenset({"resolver-times-out"})),
        Case("a forwarder silent to TLSA", SILENT_TO_TLSA, "a13.lab",
             {
                 "resolver-times-out": (SILENT_TO_TLSA, "_25._tcp.mx.a13.lab TLSA"),
                 "name-servers-in-order": ("a13.lab.", "_25._tcp.mx.a13.lab. TLSA"),
             }),
        Case("signatures that end tomorrow", views.VALIDATING, "ending.lab",
             {"signature-ends-soon": ("ending.lab.", day(1))}),
        Case("signatures that end before the moment judged", views.VALIDATING, "a13.lab",
             {"signatures-end-by-then": ("a13.lab.", day(30))}, ("--at", "+40d")),
        Case("unbound with serve-expired, the name server gone", SERVING_EXPIRED, "stale.lab",
             {"resolver-serves-stale": ("stale.lab MX", "stale answer")}),
        Case("and asked itself, which is nobody's fault but the network's", SERVING_EXPIRED, "stale.lab",
             {"resolver-serves-stale": ("stale.lab MX",), "name-servers-out-of-reach": ("stale.lab.",)},
             asked),
        Case("a resolver that fails where every name server answers", FAILING_AT_TLSA, "a13.lab",
             {"name-servers-in-order": ("a13.lab.", "_25._tcp.mx.a13.lab. TLSA")}),
        Case("name servers at addresses that are not public", OF_THE_SYSTEM, "a13.lab",
             {"name-server-not-public": ("ns.lab (127.0.1.2)", "loopback")}, asked),
        Case("a change that a resolver has not heard of", REMEMBERING, "moving.lab",
             {
                 "records-change-spreading": ("_25._tcp.moving.moving.lab TLSA", "up to 60 minutes"),
                 "tlsa-from-cache": ("_25._tcp.moving.moving.lab", "fetched them"),
             }, asked),
        *one_of_two(),
    ]


def one_of_two() -> list[Case]:
    """Two name servers of one zone, of which one is broken."""
    copy = "ns-copy.lab (127.0.1.4)"
    found = {
        "earlier": ("name-server-behind", f"{copy} has serial 1", "others have 2"),
        "lacking": ("name-servers-disagree", "_25._tcp.mx.lacking.lab. TLSA", f"{copy} has none"),
        "unsigned": ("name-server-lacks-signatures", copy, "TLSA", "without signatures"),
        "outdated": ("name-server-signature-expired", copy, "TLSA", f"expired at {day(-30)}"),
        "gappy": ("name-server-answer-bogus", copy, "not prove that mx.gappy.lab. AAAA does not exist"),
        "lame": ("name-server-not-authoritative", "ns-top.lab (127.0.1.1)", "does not serve the zone"),
        "down": ("name-server-silent", "ns-down.lab (127.0.1.6)", "does not listen"),
        "homeless": ("name-server-without-address", "ns-nowhere.lab"),
    }
    return [
        Case(f"one of two name servers: {name}", views.VALIDATING, f"{name}.lab",
             {identifier: words}, ("--authoritative",))
        for name, (identifier, *words) in found.items()
    ]


# By `danecheck dns`: the weak link of a lookup that is not bogus, or not to danecheck.
LINKS = [
    ("mx.n600.lab.", "AAAA", "n600.lab.", "nsec3-iterations-past-limit", {"iterations": 600}),
    ("mx.a16.lab.", "A", "a16.lab.", "unsupported-algorithm", {"algorithm": 16}),
    ("mx.a8b768.lab.", "A", "a8b768.lab.", "unsupported-algorithm", {"algorithm": 8}),
    ("to-expired.a13.lab.", "A", "expired.lab.", "signature-expired", {}),
]


def report(binary: Path, tree: Tree, case: Case) -> dict:
    """What danecheck says of a target."""
    command = [str(binary), "--json", "--timeout", "60", *case.options]
    if case.resolver:
        command += ["--allow-private", "--resolver", case.resolver]
    if case.anchored:
        command += ["--trust-anchor", str(tree.anchor)]
    command.append(case.target)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def missing(case: Case, found: list[dict]) -> list[str]:
    """What is not found, and what is found and should not be."""
    wrong = []
    for identifier, words in case.expected.items():
        texts = [f"{one['subject']} {one['message']}" for one in found if one["id"] == identifier]
        if not any(all(word in text for word in words) for text in texts):
            wrong.append(f"{identifier} with {', '.join(words)}; there is: {texts}")
    told = {one["id"] for one in found}
    named = {one for one in told if one in NAMED or one.startswith("name-server")}
    extra = named - set(case.expected) - case.besides
    return wrong + [f"no {identifier}" for identifier in sorted(extra)]


def check(binary: Path, tree: Tree, servers: Nameservers, *, verbose: bool) -> tuple[int, int]:
    """Run all cases; how many passed and failed."""
    start(servers, views.UNBOUND)
    MailServer(servers.directory, MOVING_MAIL_SERVER, "moving.moving.lab")
    let_move(servers, binary, tree, views.UNBOUND)
    let_expire(servers, binary, tree, views.UNBOUND)
    cases = [*name_servers(tree), *resolvers(), *weak_links()]
    failed = 0
    for name, rtype, zone, fault, more in LINKS:
        link = views.lookup(binary, tree.anchor, views.VALIDATING, name, rtype)["validated"]["weak_link"]
        right = link and {**link, "zone": zone, "fault": fault, **more} == link
        failed += not right
        print(f"{'   ok' if right else 'WRONG'} dns {name} {rtype}: {fault} in {zone}")
        if not right:
            print(f"      there is: {link}")
    with ThreadPoolExecutor(4) as pool:
        reports = pool.map(lambda case: report(binary, tree, case), cases)
        for case, said in zip(cases, reports, strict=True):
            found = said["findings"]
            wrong = missing(case, found)
            failed += bool(wrong)
            print(f"{'WRONG' if wrong else '   ok'} {case.about}: {', '.join(case.expected) or 'nothing'}")
            for line in wrong:
                print(f"      expected {line}")
            if verbose:
                for one in found:
                    print(f"      {one['id']} | {one['subject']} | {one['message']}")
    return len(cases) + len(LINKS) - failed, failed
