//! The resolver and the clock. A fault that explains others leaves them unknown.

use std::net::SocketAddr;

use crate::dnssec::{Fault, SecurityStatus};
use crate::observation::{
    Answer, AnyLookup, Lookup, MachineSeen, Observation, RecordType, SingleLookup,
};

use super::CheckStatus::{Error, Warning};
use super::{Certainty, CheckResult, CheckStatus};

/// What to do about a resolver that does not do its work.
const RUN_ONE: &str = "Run a validating resolver, such as unbound, on this machine, and list \
                       127.0.0.1 alone in /etc/resolv.conf.";

pub(super) fn check(seen: &MachineSeen, checks: &mut Vec<CheckResult>) {
    let probes = &seen.probes;
    let named = seen.resolver.join(", ");
    if let Err(failure) = &probes.root.reply {
        let why = failure.kind.as_text();
        checks.push(
            CheckResult::new(
                "resolver-answers",
                Error,
                format!("The resolver {named} does not answer `. NS`: {why}."),
            )
            .remedy(format!(
                "Check that the resolver runs and that this machine may ask it. {RUN_ONE}"
            )),
        );
        for id in [
            "resolver-validates",
            "resolver-marks",
            "resolver-signatures",
            "resolver-tlsa",
            "resolver-large-answers",
            "resolver-tcp",
            "resolver-truthful",
            "clock",
        ] {
            checks.push(CheckResult::unknown(id, "The resolver does not answer."));
        }
        checks.push(loopback(seen));
        return;
    }
    checks.push(CheckResult::ok(
        "resolver-answers",
        format!("The resolver {named} answers."),
    ));
    let large = large(&probes.large);
    let large_arrive = large.status == CheckStatus::Ok;
    let clock = clock(&probes.root);
    validation(seen, large_arrive, checks);
    checks.push(tlsa(&probes.tlsa, probes.root.own.status));
    checks.push(match (&probes.tcp, large.status) {
        // What does not fit UDP comes over TCP.
        (Err(_), Error) => CheckResult::unknown(
            "resolver-large-answers",
            "Large answers do not arrive, as without TCP.",
        ),
        _ => large,
    });
    checks.push(tcp(seen));
    checks.push(truthful(seen));
    checks.push(loopback(seen));
    checks.push(own_answers(seen));
    checks.push(clock);
}

/// Whether it validates, marks what it validated, and passes signatures on.
fn validation(seen: &MachineSeen, large_arrive: bool, checks: &mut Vec<CheckResult>) {
    let root = &seen.probes.root;
    let bogus = &seen.probes.bogus;
    let marks = root.reply.as_ref().is_ok_and(|reply| reply.authentic);
    let own = root.own.status;
    let signatures = match own {
        SecurityStatus::Indeterminate if !large_arrive => CheckResult::unknown(
            "resolver-signatures",
            "Large answers do not arrive, and those with signatures are large.",
        ),
        SecurityStatus::Indeterminate => {
            let why = root.own.reason.clone().unwrap_or_default();
            let message = "The resolver passes on no signatures, although the query asks for them.";
            CheckResult::new("resolver-signatures", Error, message)
                .seen([why])
                .remedy(RUN_ONE)
        }
        _ => CheckResult::ok("resolver-signatures", "Answers come with their signatures."),
    };
    let withholds = bogus.reply.is_err();
    let passes_bogus_on = bogus.own.is_bogus() && !withholds;
    let evidence = || {
        let words = match &bogus.reply {
            Ok(_) => "an answer".to_owned(),
            Err(failure) => failure.kind.as_text().to_owned(),
        };
        [format!(
            "{} {}, whose zone is bogus on purpose: {words}",
            bogus.name, bogus.rtype
        )]
    };
    let without_dane = "A Postfix behind it uses no DANE: level dane acts like level may";
    let marks_all = marks && bogus.reply.as_ref().is_ok_and(|reply| reply.authentic);
    let (validates, marked) = if passes_bogus_on && marks_all {
        let message = "The resolver passes on bogus answers and marks them as validated (AD bit). \
                       A Postfix behind it believes forged records.";
        (
            CheckResult::new("resolver-validates", Error, message)
                .seen(evidence())
                .remedy(RUN_ONE),
            CheckResult::unknown(
                "resolver-marks",
                "It marks every answer, so a mark says nothing.",
            ),
        )
    } else if passes_bogus_on {
        let message = format!("The resolver passes on bogus answers. {without_dane}.");
        (
            CheckResult::new("resolver-validates", Error, message)
                .seen(evidence())
                .remedy(RUN_ONE),
            CheckResult::unknown(
                "resolver-marks",
                "A resolver that does not validate has nothing to mark.",
            ),
        )
    } else if marks {
        (
            CheckResult::ok("resolver-validates", "The resolver validates.").seen(evidence()),
            CheckResult::ok("resolver-marks", "It marks what it validated (AD bit)."),
        )
    } else if signatures.status == Error {
        let why = "Without signatures nothing can be validated.";
        (
            CheckResult::unknown("resolver-validates", why),
            CheckResult::unknown("resolver-marks", why),
        )
    } else if withholds && bogus.own.is_bogus() {
        let message = format!(
            "The resolver validates, but its mark (AD bit) does not arrive. {without_dane}."
        );
        (
            CheckResult::ok("resolver-validates", "It withholds bogus answers.").seen(evidence()),
            CheckResult::new("resolver-marks", Error, message).remedy(
                "Let Postfix ask the validating resolver itself, not a forwarder in front of it. \
                 With dnsmasq in between, set `proxy-dnssec`. With systemd-resolved's stub, list \
                 the resolver behind it in /etc/resolv.conf.",
            ),
        )
    } else {
        let message = format!("The resolver marks no answer as validated. {without_dane}.");
        (
            CheckResult::unknown(
                "resolver-validates",
                "It is unknown whether it validates without a mark.",
            ),
            CheckResult::new("resolver-marks", Error, message)
                .likely()
                .remedy(RUN_ONE),
        )
    };
    checks.push(validates);
    checks.push(marked);
    checks.push(signatures);
}

fn tlsa(probe: &SingleLookup, root: SecurityStatus) -> CheckResult {
    let id = "resolver-tlsa";
    match &probe.reply {
        // The same resolver passes on the signatures of the root.
        Ok(_) if root == SecurityStatus::Secure && probe.own.status != root => {
            let why = probe.own.reason.clone();
            let link = probe.own.weak_link.as_ref().map(ToString::to_string);
            let message = "Its answers to questions for TLSA records do not hold: it, or a filter \
                           in front of it, makes them up. Mail to domains with DANE waits, or goes \
                           without it.";
            CheckResult::new(id, Error, message)
                .likely()
                .seen([format!("{} {}", probe.name, probe.rtype)])
                .seen(link.or(why))
                .remedy(format!(
                    "Update the resolver or the filter in front of it. {RUN_ONE}"
                ))
        }
        Ok(_) => CheckResult::ok(id, "It answers questions for TLSA records."),
        Err(failure) => {
            let message = format!(
                "It does not answer questions for TLSA records: {}. Mail to domains with DANE \
                 waits.",
                failure.kind.as_text()
            );
            CheckResult::new(id, Error, message)
                .seen([format!("{} {}", probe.name, probe.rtype)])
                .remedy(format!(
                    "Update the resolver or the filter in front of it. {RUN_ONE}"
                ))
        }
    }
}

fn large(probe: &SingleLookup) -> CheckResult {
    let id = "resolver-large-answers";
    match &probe.reply {
        Ok(_) => CheckResult::ok(id, "Large answers arrive."),
        Err(failure) => {
            let message = format!("Large answers do not arrive: {}.", failure.kind.as_text());
            CheckResult::new(id, Error, message)
                .likely()
                .seen([format!("{} {}", probe.name, probe.rtype)])
                .remedy(
                    "Let UDP fragments and TCP port 53 through, between this machine and the \
                     resolver, and between the resolver and the internet.",
                )
        }
    }
}

fn tcp(seen: &MachineSeen) -> CheckResult {
    let id = "resolver-tcp";
    match &seen.probes.tcp {
        Ok(()) => CheckResult::ok(id, "It answers over TCP."),
        Err(why) => CheckResult::new(
            id,
            Error,
            format!("It does not answer over TCP ({why}): answers that do not fit UDP are lost."),
        )
        .remedy("Let TCP port 53 through to the resolver, and let it listen there."),
    }
}

/// Whether it says that there is what is not, or the reverse.
fn truthful(seen: &MachineSeen) -> CheckResult {
    let id = "resolver-truthful";
    let probes = &seen.probes;
    let made = probes.missing.iter().filter_map(|probe| {
        let reply = probe.reply.as_ref().ok()?;
        let records = reply.records.join(", ");
        (!reply.records.is_empty()).then(|| format!("{} {}: {records}", probe.name, probe.rtype))
    });
    let made: Vec<String> = made.collect();
    if !made.is_empty() {
        let message = "The resolver invents addresses for names that do not exist.";
        return CheckResult::new(id, Error, message)
            .seen(made)
            .remedy(format!("Use a resolver that changes no answers. {RUN_ONE}"));
    }
    let denied = probes.existing.as_ref().filter(|probe| {
        let reply = probe.reply.as_ref();
        reply.is_ok_and(|reply| reply.records.is_empty())
    });
    if let Some(denied) = denied {
        let message = "The resolver denies a name that exists.";
        return CheckResult::new(id, Error, message)
            .seen([format!("{} {}: no records", denied.name, denied.rtype)])
            .remedy(format!("Use a resolver that changes no answers. {RUN_ONE}"));
    }
    let unanswered = probes.missing.iter().all(|probe| probe.reply.is_err());
    if unanswered {
        return CheckResult::unknown(id, "Names that do not exist got no answer.");
    }
    CheckResult::ok(
        id,
        "It invents no names, and denies none that have to exist.",
    )
}

fn loopback(seen: &MachineSeen) -> CheckResult {
    let id = "resolver-on-loopback";
    let is_loopback = |address: &String| {
        let address = address.parse::<SocketAddr>();
        address.is_ok_and(|address| address.ip().to_canonical().is_loopback())
    };
    if seen.resolver.iter().all(is_loopback) {
        return CheckResult::ok(id, "The resolver is on this machine.");
    }
    if seen.mailcow.as_ref().is_some_and(|mailcow| mailcow.beside) {
        return CheckResult::ok(id, "The resolver is mailcow's own, in its network.");
    }
    CheckResult::new(
        id,
        Warning,
        "The resolver is on another machine. An attacker who can change packets on the way can \
         forge every answer, the AD bit included.",
    )
    .seen(seen.resolver.iter().cloned())
    .remedy(format!(
        "{RUN_ONE} Do nothing if the way to it is as safe as the machine itself."
    ))
}

/// Whether it has answers of its own for the hosts that were asked about.
fn own_answers(seen: &MachineSeen) -> CheckResult {
    let id = "resolver-own-answers";
    if seen.targets.is_empty() {
        return CheckResult::unknown(id, "No domain was named whose name servers can be asked.")
            .remedy(super::network::COMMAND);
    }
    let mut compared = 0_usize;
    let mut different = Vec::new();
    let mut perhaps = Vec::new();
    let mut synthesized = Vec::new();
    for target in &seen.targets {
        for (lookup, records) in contents(target) {
            match differs(&lookup, records.as_ref()) {
                Differs::NotCompared => {}
                Differs::No => compared += 1,
                Differs::Yes(words) => {
                    compared += 1;
                    different.push(words);
                }
                Differs::Perhaps(words) => {
                    compared += 1;
                    perhaps.push(words);
                }
                Differs::Synthesized(words) => {
                    compared += 1;
                    synthesized.push(words);
                }
            }
        }
    }
    let search = "Search the resolver's configuration for these names (local-data, local-zone, \
                  response policy zones, /etc/hosts), and flush them from its cache.";
    if !different.is_empty() {
        let message = "The resolver gives other answers than the name servers of the zones.";
        return CheckResult::new(id, Error, message)
            .likely()
            .seen(different)
            .remedy(search);
    }
    if !synthesized.is_empty() {
        let message = "The resolver makes up IPv6 addresses for servers that have none (DNS64). No \
                       signature holds for them, so Postfix uses no DANE with them.";
        return CheckResult::new(id, Error, message)
            .seen(synthesized)
            .remedy(
                "Let Postfix ask a resolver without DNS64 (unbound: without the module dns64), or \
                 give this machine IPv4 and set inet_protocols=ipv4.",
            );
    }
    if !perhaps.is_empty() {
        let message = "The resolver gives other addresses than the name servers of a zone without \
                       signatures. Some zones give each client its own addresses; otherwise they \
                       are the resolver's own.";
        return CheckResult {
            certainty: Certainty::Possible,
            ..CheckResult::new(id, Warning, message)
        }
        .seen(perhaps)
        .remedy(search);
    }
    if compared == 0 {
        return CheckResult::unknown(id, "No name server could be asked directly.");
    }
    CheckResult::ok(
        id,
        format!("{compared} of its answers are those of the zones' name servers."),
    )
}

/// The lookups of a target with their records, in the form in which name
/// servers' answers are compared; `None` for failures.
fn contents(target: &Observation) -> Vec<(AnyLookup<'_>, Option<Vec<String>>)> {
    fn content<T>(lookup: &Lookup<T>, show: impl Fn(&T) -> String) -> Option<Vec<String>> {
        match &lookup.answer {
            Answer::Records(set) => {
                let set = set.open().regardless();
                // Behind an alias it is another zone's answer.
                let records = set.records.iter().map(show).collect();
                set.aliases.is_empty().then_some(records)
            }
            Answer::Denied(_) => Some(Vec::new()),
            Answer::Failed(_) => None,
        }
    }
    let mut all: Vec<(AnyLookup<'_>, Option<Vec<String>>)> = Vec::new();
    if let Some(mx) = &target.mx {
        let records = content(mx, |record| {
            format!("{} {}.", record.preference, record.host)
        });
        all.push((mx.into(), records));
    }
    for host in &target.hosts {
        for lookup in host.a.iter().chain(&host.aaaa) {
            all.push((lookup.into(), content(lookup, ToString::to_string)));
        }
        for tlsa in &host.tlsa {
            let records = content(&tlsa.lookup, ToString::to_string);
            all.push(((&tlsa.lookup).into(), records));
        }
    }
    all
}

/// How the resolver's answer differs from that of every name server.
enum Differs {
    /// It cannot be compared.
    NotCompared,
    /// Not at all, or as DNSSEC proves: the zone published both.
    No,
    /// In what only the resolver can have changed.
    Yes(String),
    /// In addresses of an unsigned zone, which may give each client its own.
    Perhaps(String),
    /// It has IPv6 addresses that DNS64 made from IPv4 ones (RFC 6147).
    Synthesized(String),
}

fn differs(lookup: &AnyLookup<'_>, records: Option<&Vec<String>>) -> Differs {
    let Some(Compared {
        words,
        ours,
        theirs,
    }) = compared(lookup, records)
    else {
        return Differs::NotCompared;
    };
    let Some(words) = words else {
        return Differs::No;
    };
    let own = lookup.own.map(|own| own.status);
    let is_address = matches!(lookup.record_type, RecordType::A | RecordType::Aaaa);
    let is_denied = ours.is_empty() || theirs.iter().all(Vec::is_empty);
    // RFC 6052 section 2.1, in the form in which records are compared.
    let is_synthesized = |record: &String| record.starts_with("64:ff9b::");
    if own == Some(SecurityStatus::Secure) {
        // An answer from a cache, from before a change.
        Differs::No
    } else if !ours.is_empty() && ours.iter().all(is_synthesized) {
        Differs::Synthesized(words)
    } else if own != Some(SecurityStatus::Insecure) || !is_address || is_denied {
        Differs::Yes(words)
    } else if theirs.iter().any(|one| theirs.first() != Some(one))
        || theirs.iter().flatten().any(|one| ours.contains(one))
    {
        // The name servers turn their addresses too.
        Differs::No
    } else {
        Differs::Perhaps(words)
    }
}

/// The resolver's records beside those of the name servers, in the form in which
/// they are compared.
struct Compared {
    /// What differs; `None` for nothing.
    words: Option<String>,
    ours: Vec<String>,
    /// Those of each name server.
    theirs: Vec<Vec<String>>,
}

/// `None` if they cannot be compared.
fn compared(lookup: &AnyLookup<'_>, records: Option<&Vec<String>>) -> Option<Compared> {
    let plain = |record: &String| {
        let compact: String = record.split_whitespace().collect();
        compact
            .to_ascii_lowercase()
            .trim_end_matches('.')
            .to_owned()
    };
    let sorted = |records: &[String]| {
        let mut plain: Vec<String> = records.iter().map(plain).collect();
        plain.sort();
        plain.dedup();
        plain
    };
    let ours = sorted(records?);
    let seen = lookup.authority?;
    let replies = seen.addresses().filter_map(|(_, address)| {
        let reply = address.answers.as_ref()?.whole()?;
        reply.authoritative.then_some(&reply.records)
    });
    let theirs: Vec<&Vec<String>> = replies.collect();
    let first = theirs.first()?;
    let all: Vec<Vec<String>> = theirs.iter().map(|records| sorted(records)).collect();
    let words = |records: &[String]| match records {
        [] => "no records".to_owned(),
        records => records.join(", "),
    };
    let is_same = all.contains(&ours);
    let said = format!(
        "{}: the resolver says {}, the zone's name servers say {}",
        lookup.what(),
        words(records?),
        words(first)
    );
    Some(Compared {
        words: (!is_same).then_some(said),
        ours,
        theirs: all,
    })
}

/// The clock, by the dates of the root's signatures.
fn clock(root: &SingleLookup) -> CheckResult {
    let id = "clock";
    let link = root.own.weak_link.as_ref();
    let faulty = |message: String| {
        CheckResult::new(id, Error, message)
            .likely()
            .remedy("Set the clock, and let chrony or systemd-timesyncd keep it right.")
    };
    match link.map(|link| &link.fault) {
        Some(Fault::SignatureExpired { expiration, .. }) => faulty(format!(
            "By this machine's clock the signatures of the root ended at {expiration}: the clock \
             is fast, or the resolver gives old answers."
        )),
        Some(Fault::SignatureNotYetValid { inception, .. }) => faulty(format!(
            "By this machine's clock the signatures of the root begin only at {inception}: the \
             clock is slow."
        )),
        _ => match (&root.own.status, &root.own.first_to_end) {
            (SecurityStatus::Secure, Some(span)) => CheckResult::ok(
                id,
                "By this machine's clock the signatures of the root are valid.",
            )
            .likely()
            .seen([format!(
                "{}: from {} until {}",
                span.record_set, span.inception, span.expiration
            )]),
            _ => CheckResult::unknown(id, "No signature of the root was seen."),
        },
    }
}
