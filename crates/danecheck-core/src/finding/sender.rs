//! Findings about the sender that was named: its policy and its TLS settings.

use crate::entry::{Language, MailcowEntry, mailcow_row};
use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::judge::{Action, Channel, Delivery, Judged};
use crate::postfix::{Override, PolicyLine, SecurityLevel, TlsVersion};
use crate::sender::{Sender, System, Why, is_service};

pub(super) static POLICY_SERVICE_FAILS: Rule = Rule {
    id: "policy-service-fails",
    severity: Severity::Error,
    reference: "Postfix tls_policy_lookup",
    meaning: "The table or service that Postfix asks for the policy fails. Postfix then defers all \
              mail to the domain with 4.7.5 `client TLS configuration problem`, whatever the \
              receiver's servers do. The log does not name the DNS lookup behind it.",
    sender: "Set the advised override: Postfix asks for it before the service. Then repair the \
             lookup, or tell the receiver about it.",
    receiver: "Repair the name server that fails the lookup.",
};

pub(crate) static SENDER_REFUSES_OLD_TLS: Rule = Rule {
    id: "sender-refuses-old-tls",
    severity: Severity::Warning,
    reference: "Postfix smtp_tls_mandatory_protocols",
    meaning: "The server supports only TLS versions that this sender does not accept, so the \
              handshake fails. Where TLS is required, mail waits. Elsewhere it goes in plain text, \
              some minutes late, which is worse than old TLS.",
    sender: "Allow the old version for this domain alone: set the advised override, or else the \
             line that the message gives. Set nothing if there is neither.",
    receiver: "Switch TLS 1.2 and 1.3 on.",
};

pub(super) static SENDER_SETTING_NOT_READ: Rule = Rule {
    id: "sender-setting-not-read",
    severity: Severity::Warning,
    reference: "Postfix postconf(5)",
    meaning: "main.cf on this sender sets a parameter that changes how Postfix begins TLS or \
              checks a certificate. danecheck does not know what it does. The prediction for this \
              sender holds for Postfix's own value of the parameter.",
    sender: "Remove the parameter from main.cf if you do not need it. Otherwise try the delivery \
             with posttls-finger, which reads the same main.cf.",
    receiver: "",
};

pub(super) static SENDER_STRICTER_THAN_DANE: Rule = Rule {
    id: "sender-stricter-than-dane",
    severity: Severity::Error,
    reference: "Postfix smtp_tls_policy_maps",
    meaning: "This sender's policy for the domain asks for more than level dane does, and the \
              domain does not fulfil it. So mail waits here, although other senders deliver it.",
    sender: "Check again after you empty the cache of the policy service, if there is one: the \
             domain may have changed. If the mail still waits, set the advised override.",
    receiver: "",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let sending = &judged.sending;
    for (name, value) in sending.sender.unread(judged.evidence.observation) {
        findings.add(
            &SENDER_SETTING_NOT_READ,
            name.clone(),
            format!(
                "main.cf sets {name} = {value}, which the prediction does not take into account."
            ),
        );
    }
    if sending.sender.is_assumed() || judged.recommendation.action == Action::NotFixable {
        return;
    }
    let target = judged.evidence.observation.next_hop.to_string();
    let in_force = &sending.in_force;
    match &in_force.policy.line {
        // A malformed entry has a finding of its own.
        Err(_) if in_force.why.is_unsaid() => {}
        Err(_) => findings.add(
            &POLICY_SERVICE_FAILS,
            target.clone(),
            format!(
                "{} gives no policy for {target}: {}.",
                in_force.source, in_force.why
            ),
        ),
        Ok(_) if !sending.outcome.delivers() && sending.outcomes.dane.delivers() => {
            findings.put(stricter(judged, &target));
        }
        Ok(_) => {}
    }
    old_tls(judged, &target, findings);
}

/// The finding about a policy that the domain does not fulfil.
fn stricter(judged: &Judged<'_>, target: &str) -> Finding {
    let sending = &judged.sending;
    let name = sending.sender.system.as_str();
    let in_force = &sending.in_force;
    // The names of the policy service's line are those of the MTA-STS policy.
    let obeys = matches!(in_force.why, Why::MtaSts(_));
    let mta_sts = judged.mta_sts.as_ref().filter(|_| obeys);
    let hosts = mta_sts.map_or(&[][..], |seen| &seen.hosts);
    let lists = match hosts {
        [host] if !host.listed => Some(format!("does not list the MX host {}", host.name)),
        [_, _, ..] if hosts.iter().all(|host| !host.listed) => {
            Some("lists none of its MX hosts".to_owned())
        }
        _ => None,
    };
    let message = match lists {
        Some(lists) => format!(
            "{name} obeys the MTA-STS policy of {target}, which {lists}. So the mail waits here, \
             although other senders deliver it."
        ),
        None => format!(
            "{name} asks for more than {target} fulfils: {} ({}). So the mail waits here, although \
             other senders deliver it.",
            in_force.policy.text, in_force.source
        ),
    };
    let finding = Finding::new(&SENDER_STRICTER_THAN_DANE, target, message);
    match sending.sender.system {
        // What danecheck predicts is the answer of an empty cache.
        System::Mailcow => finding.sender(
            "Set the advised override. When you remove it, empty the cache of policies too: run \
             `docker compose restart postfix-tlspol-mailcow`.",
        ),
        System::Local if is_service(&in_force.source) => finding,
        System::Postfix | System::Local => finding.sender("Set the advised override."),
    }
}

fn old_tls(judged: &Judged<'_>, target: &str, findings: &mut Findings) {
    let sending = &judged.sending;
    let better = |level| {
        let (own, usual) = (sending.outcomes.at(level), judged.outcome(level));
        usual.delivers_at_once() && (!own.delivers_at_once() || own.channel < usual.channel)
    };
    let late = sending.outcome.delivery == Delivery::DeliveredAfterRetry;
    if !(late && better(SecurityLevel::May) || better(SecurityLevel::Encrypt)) {
        return;
    }
    let newest = judged
        .evidence
        .addresses()
        .flat_map(|(host, address)| address.sessions.iter().map(move |session| (host, session)))
        .filter_map(|(host, session)| Some((session.version()?, &host.seen.name)))
        .filter(|(version, _)| *version < sending.settings.oldest_above)
        .min_by_key(|(version, _)| *version);
    let Some((version, host)) = newest else {
        return;
    };
    let is_encrypted = sending.outcome.channel > Some(Channel::Plaintext);
    let is_overridden = judged.recommendation.entry.is_some();
    let line = line_for(judged, version).filter(|_| !is_overridden);
    let (remark, step) = match line {
        _ if sending.outcome.delivers_at_once() && is_encrypted => (
            " This mail goes in TLS all the same; at level encrypt it would wait.".to_owned(),
            "Set nothing.",
        ),
        Some(line) => (
            format!(" {} lets it deliver.", in_its_table(&sending.sender, &line)),
            match sending.sender.system {
                System::Mailcow => {
                    "Allow the old version for this domain alone: set the row that the message \
                     gives."
                }
                System::Postfix | System::Local => {
                    "Allow the old version for this domain alone: set the line that the message \
                     gives."
                }
            },
        ),
        None if is_overridden => (
            match gives_up_dane(judged, version) {
                true => " At level dane it accepts no TLS this old at all.".to_owned(),
                false => String::new(),
            },
            "Allow the old version for this domain alone: set the advised override.",
        ),
        None => (String::new(), "Set nothing."),
    };
    let oldest = sending.settings.oldest_above;
    let message = format!(
        "{host} supports no TLS newer than {version}, and this sender accepts none older than \
         {oldest}.{remark}"
    );
    let finding = Finding::new(&SENDER_REFUSES_OLD_TLS, target, message).sender(step);
    let finding = match oldest {
        TlsVersion::Tls13 => finding.steps("Switch TLS 1.3 on.", step),
        _ => finding,
    };
    findings.put(finding);
}

/// Whether the advised override has to be weaker than `dane`, because this
/// sender's Postfix cannot use this version there, whatever the line allows.
fn gives_up_dane(judged: &Judged<'_>, version: TlsVersion) -> bool {
    let level = |level| PolicyLine::plain(level).with_oldest_tls(version);
    let advised = judged.recommendation.entry.as_ref();
    advised.is_some_and(|entry| entry.line.level == SecurityLevel::Encrypt)
        && judged.outcome(SecurityLevel::Dane).channel == Some(Channel::Authenticated)
        && !judged
            .with_line(Some(&level(SecurityLevel::Dane)))
            .delivers()
}

/// Whether mail waits because this sender refuses old TLS: it would deliver if it
/// accepted that, or the reference Postfix delivers at the same level.
pub(super) fn refuses_what_delivers(judged: &Judged<'_>) -> bool {
    let sending = &judged.sending;
    let Ok(line) = &sending.in_force.policy.line else {
        return false;
    };
    let older = line.clone().with_oldest_tls(TlsVersion::Tls10);
    !sending.outcome.delivers()
        && sending.settings.oldest_above > TlsVersion::Tls10
        && (judged.with_line(Some(&older)).delivers() || judged.outcome(line.level).delivers())
}

/// Puts what this sender refuses before what others would dislike, if it is the
/// cause.
pub(super) fn lead(judged: &Judged<'_>, findings: &mut [Finding]) {
    let is_it = |finding: &Finding| finding.rule == &SENDER_REFUSES_OLD_TLS;
    if let Some(place) = findings.iter().position(is_it)
        && refuses_what_delivers(judged)
        && let Some(before) = findings.get_mut(..=place)
    {
        before.rotate_right(1);
    }
}

/// The line, in the form of the sender's own table.
fn in_its_table(sender: &Sender, line: &Override) -> String {
    match sender.system {
        System::Mailcow => {
            let row = mailcow_row(&MailcowEntry::new(line), Language::En);
            format!("The row `{row}`")
        }
        System::Postfix | System::Local => format!("The line `{line}`"),
    }
}

/// A line at level encrypt with which the sender's mail flows, if it is known to
/// deliver.
fn line_for(judged: &Judged<'_>, version: TlsVersion) -> Option<Override> {
    let line = PolicyLine::plain(SecurityLevel::Encrypt).with_oldest_tls(version);
    let delivers = judged.with_line(Some(&line)).delivers_at_once();
    let next_hop = judged.evidence.observation.next_hop.policy_key();
    delivers.then_some(Override { next_hop, line })
}
