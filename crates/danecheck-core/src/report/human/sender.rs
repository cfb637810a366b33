//! The policy of the sender that was named.

use super::super::model::Report;
use super::super::sender::PolicyServiceReport;
use super::page::Page;

/// The policy in force, and where it comes from; `None` if no sender was named.
pub(in crate::report) fn policy(report: &Report) -> Option<String> {
    let policy = &report.sender.as_ref()?.policy;
    let reason = match &policy.reason {
        Some(reason) => format!(" ({reason})"),
        None => String::new(),
    };
    Some(format!(
        "Policy {}, from {}{reason}.",
        policy.text, policy.source
    ))
}

pub(super) fn sender(page: &mut Page, report: &Report) {
    let Some(sender) = &report.sender else { return };
    if let Some(text) = policy(report) {
        page.paragraph("  ", "  ", &text);
    }
    if let Some(reason) = &sender.outcome.reason
        && !sender.outcome.delivers()
        && report.is_answered()
    {
        page.paragraph("  ", "  ", &format!("It will log: {reason}"));
    }
    if let Some(service) = &sender.policy_service {
        page.paragraph("  ", "  ", &assumed_service(service));
    }
}

/// Which policy service was assumed, and how far its answers are known.
pub(in crate::report) fn assumed_service(service: &PolicyServiceReport) -> String {
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
