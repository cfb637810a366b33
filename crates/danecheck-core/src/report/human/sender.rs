//! What happens to the mail of the sender that was named.

use crate::judge::{Channel, Delivery, Outcome};

use super::super::model::Report;
use super::super::sender::PolicyServiceReport;
use super::page::{Page, Tone, code};

pub(super) fn sender(page: &mut Page, report: &Report) {
    let Some(sender) = &report.sender else { return };
    let policy = &sender.policy;
    let (tone, fate) = fate(&sender.outcome);
    let named = match sender.name.as_str() {
        "postfix" | "local" => "This Postfix".to_owned(),
        name => name.to_owned(),
    };
    let lead = format!("  {named}: ");
    let tinted = format!("  {}: ", page.tint(tone, &named));
    let mut text = format!("{fate}{}.", code_of_failure(&sender.outcome));
    text.push_str(&format!(" Policy {}, from {}", policy.text, policy.source));
    match &policy.reason {
        Some(reason) => text.push_str(&format!(" ({reason}).")),
        None => text.push('.'),
    }
    if let Some(reason) = &sender.outcome.reason
        && !sender.outcome.delivers()
    {
        text.push_str(&format!(" It will log: {reason}"));
    }
    page.paragraph(&lead, &tinted, &text);
    if let Some(service) = &sender.policy_service {
        page.paragraph("  ", "  ", &assumed(service));
    }
}

/// Which policy service was assumed, and how far its answers are known.
fn assumed(service: &PolicyServiceReport) -> String {
    let known = match service.rules_from.as_str() {
        "measured" => "danecheck's rules for it were compared with the program itself",
        "source" => "danecheck's rules for it come from its source, and were not measured",
        _ => "danecheck does not know this release, and applies the rules of 1.13",
    };
    format!(
        "Assumed: {} {} (--tlspol-version). {known}.",
        service.name, service.version
    )
}

fn code_of_failure(outcome: &Outcome) -> String {
    if outcome.delivers() {
        String::new()
    } else {
        code(outcome)
    }
}

fn fate(outcome: &Outcome) -> (Tone, &'static str) {
    match (outcome.delivery, outcome.channel) {
        (Delivery::Bounced, _) => (Tone::Bad, "returns this mail"),
        (Delivery::Deferred, _) => (Tone::Bad, "keeps this mail back"),
        (Delivery::DeliveredAfterRetry, _) => {
            (Tone::Doubtful, "delivers this mail late and in plain text")
        }
        (_, Some(Channel::Authenticated)) => (
            Tone::Good,
            "delivers this mail, and the server proves who it is",
        ),
        (_, Some(Channel::Encrypted)) => (
            Tone::Good,
            "delivers this mail in TLS without authentication",
        ),
        (_, Some(Channel::Plaintext) | None) => {
            (Tone::Doubtful, "delivers this mail in plain text")
        }
    }
}
