//! Findings about the resolver, compared with danecheck's own validation.

use std::net::SocketAddr;

use crate::dnssec::SecurityStatus;
use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::Judged;
use crate::observation::{AnyLookup, FailureKind, Observation, ResolverValidation, Shortcoming};
use crate::postfix::SecurityLevel;

pub(super) static AD_STRIPPED: Rule = Rule {
    id: "ad-stripped",
    severity: Severity::Warning,
    reference: "RFC 4035 section 3.2.3",
    meaning: "The resolver validates: it withholds bogus answers. But its mark of \
              validation (the AD bit) does not arrive: something on the way clears it. A Postfix \
              behind it takes every answer for insecure, and level dane acts like level may.",
    sender: "Let Postfix ask the validating resolver directly. In resolv.conf, list that resolver \
             alone, with `options trust-ad`, instead of systemd-resolved's stub or a home router. \
             With dnsmasq in between, set `proxy-dnssec`.",
    receiver: "",
};

pub(super) static RESOLVER_ADDRESSES_DIFFER: Rule = Rule {
    id: "resolver-addresses-differ",
    severity: Severity::Info,
    reference: "RFC 1034 section 4.3.1",
    meaning: "The resolver and the name servers of the zone give different addresses for a mail \
              server. Some zones give each client its own addresses. Otherwise the resolver has \
              data of its own, a filter, or an old answer in its cache, and mail goes to another \
              machine than the zone says.",
    sender: "Compare the addresses with the ones in the message. Remove local data and filters for \
             this name from the resolver, and flush the name from its cache.",
    receiver: "",
};

pub(crate) static RESOLVER_ANSWERS_OTHERWISE: Rule = Rule {
    id: "resolver-answers-otherwise",
    severity: Severity::Error,
    reference: "RFC 4035 section 5",
    meaning: "The resolver's answer is bogus, but every name server of the zone gives an answer \
              that DNSSEC proves. So the zone is in order. The resolver has data of its own, a \
              filter, or an old answer in its cache, or somebody changes answers on their way.",
    sender: "Ask the resolver and a name server for the same (`dig +dnssec NAME TYPE @RESOLVER`, \
             `dig +norecurse +dnssec NAME TYPE @SERVER`). Remove local data, filters and \
             forwarders for this name from the resolver. Flush the name from its cache.",
    receiver: "",
};

pub(crate) static RESOLVER_AND_VALIDATION_DIFFER: Rule = Rule {
    id: "resolver-and-validation-differ",
    severity: Severity::Warning,
    reference: "RFC 4035 section 4.3",
    meaning: "The resolver and danecheck's own validation reach different results for the same \
              answer. Postfix believes the resolver, and so do the predictions of this report. \
              Behind another resolver the outcome may differ.",
    sender: "Check that the resolver has the root's trust anchor and the right time. Check that it \
             has no negative trust anchor or `domain-insecure` for this name, and that nothing \
             between it and Postfix changes answers. Then flush the name from its cache.",
    receiver: "",
};

pub(super) static RESOLVER_DENIES_THE_ROOT: Rule = Rule {
    id: "resolver-denies-the-root",
    severity: Severity::Error,
    reference: "RFC 1034 section 4.3.1",
    meaning: "The resolver says that the name servers of the root do not exist. They do, so none \
              of its denials can be believed, and nothing is known about the domain. A filter, a \
              captive portal, or a resolver without access to the internet answers like this.",
    sender: "Use a validating resolver on this machine, such as unbound, and let it reach the \
             internet. A Postfix behind this resolver bounces mail. If your Postfix uses another \
             resolver than this one, name that one with --resolver.",
    receiver: "",
};

pub(super) static RESOLVER_DOES_NOT_VALIDATE: Rule = Rule {
    id: "resolver-does-not-validate",
    severity: Severity::Warning,
    reference: "Postfix dns_sec_probe",
    meaning: "The resolver marked no answer as validated (AD bit), not even for the root. A \
              Postfix behind it takes every answer for insecure, and level dane acts like level \
              may. Mail flows, but DANE protects nothing. The predictions of this report are for a \
              Postfix behind a validating resolver.",
    sender: "Install a validating resolver on this machine, such as unbound, and list it alone in \
             /etc/resolv.conf. If your Postfix uses another resolver than this one, name that one \
             with --resolver.",
    receiver: "",
};

pub(super) static RESOLVER_NOT_DNSSEC_CAPABLE: Rule = Rule {
    id: "resolver-not-dnssec-capable",
    severity: Severity::Warning,
    reference: "RFC 4035 section 3.2.1",
    meaning: "The resolver sends no DNSSEC signatures although the query asks for them. So neither \
              Postfix nor danecheck can tell what is secure. A Postfix behind it takes every \
              answer for insecure, and level dane acts like level may.",
    sender: "Install a validating resolver on this machine, such as unbound, that does not forward to \
             this one, and list it alone in /etc/resolv.conf. If your Postfix uses another \
             resolver than this one, name that one with --resolver.",
    receiver: "",
};

pub(super) static RESOLVER_NOT_ON_LOOPBACK: Rule = Rule {
    id: "resolver-not-on-loopback",
    severity: Severity::Info,
    reference: "RFC 7672 section 2.1.1",
    meaning: "The validating resolver is on another machine. Postfix still believes its AD bit. So \
              an attacker who can change packets on the way can forge every answer.",
    sender: "Run a validating resolver on the mail server itself, unless the path to this resolver \
             is as safe as the machine itself.",
    receiver: "",
};

pub(super) static RESOLVER_SILENT: Rule = Rule {
    id: "resolver-silent",
    severity: Severity::Error,
    reference: "RFC 1035 section 7.2",
    meaning: "The resolver answered no question, so nothing is known about the domain.",
    sender: "Check that the resolver runs and that this machine may ask it, and that \
             /etc/resolv.conf names it. If your Postfix uses another resolver than this one, name \
             that one with --resolver.",
    receiver: "",
};

pub(super) static RESOLVER_TIMES_OUT: Rule = Rule {
    id: "resolver-times-out",
    severity: Severity::Warning,
    reference: "RFC 1035 section 7.2",
    meaning: "The resolver answers some questions, but not others in time. Most likely it waits \
              for name servers that ignore this type or are behind a broken path. Or large \
              answers, which come in fragments or over TCP, do not get through. Mail that depends \
              on such a lookup waits.",
    sender: "Search the resolver's log for this name. Let UDP fragments and TCP port 53 through.",
    receiver: "Check that every name server of the zone answers this type, over UDP and TCP.",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    resolver(judged, findings);
    let observation = judged.evidence.observation;
    for lookup in observation.lookups() {
        time_out(observation, &lookup, findings);
        if observation.resolver.validation == ResolverValidation::Shown {
            difference(&lookup, findings);
        }
    }
}

fn resolver(judged: &Judged<'_>, findings: &mut Findings) {
    let observation = judged.evidence.observation;
    let resolver = &observation.resolver;
    let subject = resolver.addresses.join(", ");
    let (rule, message) = match (resolver.validation, shortcoming(observation)) {
        (_, Some(Shortcoming::DeniesTheRoot)) => (
            &RESOLVER_DENIES_THE_ROOT,
            format!(
                "The resolver {subject} denies that the root has name servers, so danecheck \
                 believes none of its denials."
            ),
        ),
        (ResolverValidation::Shown, _) => {
            if resolver
                .addresses
                .iter()
                .all(|address| is_loopback(address))
            {
                return;
            }
            (
                &RESOLVER_NOT_ON_LOOPBACK,
                format!(
                    "The resolver {subject} is on another machine, and Postfix would believe it."
                ),
            )
        }
        (ResolverValidation::NoAnswer, _) => {
            let nobody_there = observation
                .lookups()
                .any(|lookup| lookup.status == Err(FailureKind::Unreachable));
            let what = if nobody_there {
                "cannot be reached"
            } else {
                "did not answer"
            };
            let message = match &resolver.by_default {
                None => format!("The resolver {subject} {what}."),
                Some(why) => format!(
                    "{why}. So danecheck asked the resolver on this host, as the system does, and \
                     {subject} {what}."
                ),
            };
            (&RESOLVER_SILENT, message)
        }
        (ResolverValidation::NotShown, Some(Shortcoming::AdStripped)) => (
            &AD_STRIPPED,
            format!(
                "The resolver {subject} withholds bogus answers, but marks none as validated. {}.",
                behind_it(judged)
            ),
        ),
        (ResolverValidation::NotShown, Some(Shortcoming::NotDnssecCapable)) => (
            &RESOLVER_NOT_DNSSEC_CAPABLE,
            format!(
                "The resolver {subject} sends no DNSSEC signatures. {}.",
                behind_it(judged)
            ),
        ),
        (ResolverValidation::NotShown, Some(Shortcoming::DoesNotValidate)) => (
            &RESOLVER_DOES_NOT_VALIDATE,
            format!(
                "The resolver {subject} passes bogus answers on. {}.",
                behind_it(judged)
            ),
        ),
        (ResolverValidation::NotShown, None) => (
            &RESOLVER_DOES_NOT_VALIDATE,
            format!(
                "The resolver {subject} does not show that it validates DNSSEC. {}.",
                behind_it(judged)
            ),
        ),
    };
    findings.add(rule, subject, message);
}

/// What a Postfix behind a resolver without AD bit does instead of the
/// prediction: its level `dane` acts like `may`, and it treats nothing as
/// bogus.
fn behind_it(judged: &Judged<'_>) -> &'static str {
    let mut lookups = judged.evidence.observation.lookups();
    let withheld = lookups.any(|lookup| lookup.status == Err(FailureKind::Bogus));
    if withheld {
        "A Postfix behind it would accept them, and use no DANE"
    } else if judged.outcome(SecurityLevel::May).delivers() {
        "A Postfix behind it uses no DANE: its level dane acts like level may, and mail flows"
    } else {
        "A Postfix behind it uses no DANE: its level dane acts like level may, and fails like it"
    }
}

/// What the run as a whole shows about a resolver without AD bit.
fn shortcoming(observation: &Observation) -> Option<Shortcoming> {
    observation.resolver.shortcoming.or_else(|| {
        observation
            .lookups()
            .find_map(|lookup| match lookup.status {
                Err(FailureKind::Bogus) => Some(Shortcoming::DoesNotValidate),
                Err(FailureKind::ServFail) if lookup.is_bogus() => Some(Shortcoming::AdStripped),
                _ => None,
            })
    })
}

fn is_loopback(address: &str) -> bool {
    address
        .parse::<SocketAddr>()
        .is_ok_and(|address| address.ip().to_canonical().is_loopback())
}

fn time_out(observation: &Observation, lookup: &AnyLookup<'_>, findings: &mut Findings) {
    let resolver = &observation.resolver;
    let answers_others = resolver.validation != ResolverValidation::NoAnswer;
    if lookup.status == Err(FailureKind::Timeout) && answers_others {
        findings.add(
            &RESOLVER_TIMES_OUT,
            lookup.what(),
            format!(
                "The resolver {} did not answer {} in time, but it answered other questions.",
                resolver.addresses.join(", "),
                lookup.what()
            ),
        );
    }
}

fn difference(lookup: &AnyLookup<'_>, findings: &mut Findings) {
    let Some(own) = lookup.own else {
        return;
    };
    let theirs = match (lookup.status, own.status) {
        (_, SecurityStatus::Indeterminate) => return,
        (Ok(theirs), ours) if theirs == ours => return,
        (Ok(theirs), _) => theirs.as_str(),
        // SERVFAIL for data that is not bogus may have other reasons. But an
        // answer came with CD=1.
        (Err(FailureKind::ServFail), ours) if ours != SecurityStatus::Bogus => "bogus",
        (Err(_), _) => return,
    };
    let why = own.reason.as_deref().map(|why| format!(" ({why})"));
    findings.add(
        &RESOLVER_AND_VALIDATION_DIFFER,
        lookup.what(),
        format!(
            "{} is {theirs} to the resolver, but to danecheck's own validation it is {}{}. A \
             Postfix behind this resolver believes the resolver, and so does this report.",
            lookup.what(),
            own.status.as_str(),
            why.unwrap_or_default()
        ),
    );
}
