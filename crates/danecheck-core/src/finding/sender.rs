//! Findings about the sender that was named: its policy and its TLS settings.

use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::judge::{Action, Channel, Delivery, Judged};
use crate::postfix::{Override, PolicyLine, SecurityLevel, TlsVersion};

pub(super) static POLICY_SERVICE_FAILS: Rule = Rule {
    id: "policy-service-fails",
    severity: Severity::Error,
    reference: "Postfix tls_policy_lookup",
    meaning: "The table or service that Postfix asks for the policy fails. Postfix then defers all \
              mail to the domain with 4.7.5 `client TLS configuration problem`, whatever the \
              receiver's servers do. The log does not name the DNS lookup behind it.",
    sender: "Set the override of the report: Postfix asks for it before the service. Then repair \
             the lookup, or tell the receiver about it.",
    receiver: "Repair the name server that fails the lookup.",
};

pub(super) static SENDER_REFUSES_OLD_TLS: Rule = Rule {
    id: "sender-refuses-old-tls",
    severity: Severity::Warning,
    reference: "Postfix smtp_tls_mandatory_protocols",
    meaning: "The server supports only TLS versions that this sender does not accept, so the \
              handshake fails. Where TLS is required, mail waits. Elsewhere it goes in plain text, \
              some minutes late, which is worse than old TLS.",
    sender: "Allow the old version for this domain alone: put the line that the message gives into \
             the policy table. Set nothing if it gives none.",
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
    sender: "Set the override of the report. If the policy comes from a service with a cache, \
             empty the cache first, because the domain may have changed. On mailcow run docker \
             compose restart postfix-tlspol-mailcow.",
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
    let name = sending.sender.system.as_str();
    let in_force = &sending.in_force;
    match &in_force.policy.line {
        // A malformed entry has a finding of its own.
        Err(_) if in_force.why.is_empty() => {}
        Err(_) => findings.add(
            &POLICY_SERVICE_FAILS,
            target.clone(),
            format!(
                "{} gives no policy for {target}: {}.",
                in_force.source, in_force.why
            ),
        ),
        Ok(_) if !sending.outcome.delivers() && sending.outcomes.dane.delivers() => findings.add(
            &SENDER_STRICTER_THAN_DANE,
            target.clone(),
            format!(
                "{name} sends to {target} at {} ({}), which keeps the mail back. Level dane would \
                 deliver it.",
                in_force.policy.text, in_force.source
            ),
        ),
        Ok(_) => {}
    }
    old_tls(judged, &target, findings);
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
        .flat_map(|(_, address)| &address.sessions)
        .filter_map(|session| session.version())
        .filter(|version| *version < sending.settings.oldest_above)
        .min();
    let Some(version) = newest else { return };
    let is_encrypted = sending.outcome.channel > Some(Channel::Plaintext);
    let line = line_for(judged, version);
    let (remark, has_line) = match line {
        _ if sending.outcome.delivers_at_once() && is_encrypted => (
            " This mail goes in TLS all the same; at level encrypt it would wait.".to_owned(),
            false,
        ),
        Some(line) => (format!(" The line `{line}` lets it deliver."), true),
        None => (String::new(), false),
    };
    let message = format!(
        "A server of {target} supports no TLS newer than {version}, and this sender accepts none \
         older than {}.{remark}",
        sending.settings.oldest_above
    );
    let finding = Finding::new(&SENDER_REFUSES_OLD_TLS, target, message);
    findings.put(match has_line {
        true => finding,
        false => finding.sender("Set nothing."),
    });
}

/// The line with which the sender's mail flows: the one that the report
/// recommends, else one at level encrypt that is known to deliver.
fn line_for(judged: &Judged<'_>, version: TlsVersion) -> Option<String> {
    if let Some(entry) = &judged.recommendation.entry {
        return Some(entry.to_string());
    }
    let line = PolicyLine::plain(SecurityLevel::Encrypt).with_oldest_tls(version);
    let delivers = judged.with_line(Some(&line)).delivers_at_once();
    let next_hop = judged.evidence.observation.next_hop.policy_key();
    delivers.then(|| Override { next_hop, line }.to_string())
}
