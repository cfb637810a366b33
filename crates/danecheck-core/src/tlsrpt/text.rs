//! The reports as text for people.

use std::fmt::Write as _;

use crate::finding::Rule;
use crate::text::{break_lines, shown};

use super::{Failure, Now, Policy, Report, Reports};

/// Strings of one policy that are shown.
const STRINGS: usize = 8;

impl Reports {
    /// The reports as text.
    pub fn human(&self, width: usize) -> String {
        let mut text = String::new();
        for report in &self.reports {
            one(&mut text, report, width);
        }
        let mut explained: Vec<&str> = Vec::new();
        for failure in self.failures() {
            let Some(rule) = failure.finding.and_then(Rule::find) else {
                continue;
            };
            if explained.contains(&rule.id) {
                continue;
            }
            explained.push(rule.id);
            let _ = writeln!(text, "\n{}", rule.id);
            paragraph(&mut text, rule.meaning, 2, width);
            if !rule.receiver.is_empty() {
                paragraph(&mut text, &format!("Do: {}", rule.receiver), 2, width);
            }
        }
        for note in &self.notes {
            paragraph(&mut text, &format!("Not understood: {note}."), 0, width);
        }
        if self.reports.is_empty() {
            paragraph(
                &mut text,
                "This is no TLS report. Give its JSON, the same compressed by gzip, or the whole \
                 mail that it came in.",
                0,
                width,
            );
        }
        shown(&text).into_owned()
    }

    fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.reports
            .iter()
            .flat_map(|report| &report.policies)
            .flat_map(|policy| &policy.failures)
    }
}

fn one(text: &mut String, report: &Report, width: usize) {
    let organization = report
        .organization
        .as_deref()
        .unwrap_or("a sender without a name");
    let day = |moment: &Option<String>| -> String {
        moment.as_deref().map_or_else(
            || "?".to_owned(),
            |moment| moment.chars().take(10).collect(),
        )
    };
    let dates = match (&report.begin, &report.end) {
        (None, None) => "no dates".to_owned(),
        (begin, end) => format!("{} to {}", day(begin), day(end)),
    };
    let says = match report.policies.is_empty() {
        true => " the report contains no policies, so it says nothing.",
        false => "",
    };
    paragraph(text, &format!("{organization}, {dates}:{says}"), 0, width);
    for policy in &report.policies {
        of_policy(text, policy, width);
    }
    for note in &report.notes {
        paragraph(text, &format!("Note: {note}."), 2, width);
    }
}

fn of_policy(text: &mut String, policy: &Policy, width: usize) {
    let domain = policy
        .domain
        .as_deref()
        .unwrap_or("a domain without a name");
    let kind = match policy.r#type.as_str() {
        "tlsa" => "DANE",
        "sts" => "MTA-STS",
        "no-policy-found" => "no policy",
        other => other,
    };
    paragraph(
        text,
        &format!(
            "{domain} ({kind}): {} sessions succeeded, {} failed.",
            policy.successful, policy.failed
        ),
        2,
        width,
    );
    for failure in &policy.failures {
        let host = failure
            .mx_host
            .as_ref()
            .map(|host| format!(" at {host}"))
            .unwrap_or_default();
        let waited = if failure.mail_waited {
            "mail waited"
        } else {
            "no mail waited"
        };
        let finding = failure
            .finding
            .map(|id| format!("; finding {id}"))
            .unwrap_or_default();
        let detail = failure
            .detail
            .as_ref()
            .map(|detail| format!(" ({detail})"))
            .unwrap_or_default();
        let now = failure
            .now
            .map(|now| format!("; {}", now.as_str()))
            .unwrap_or_default();
        paragraph(
            text,
            &format!(
                "{} {}{host}: {waited}{now}{finding}{detail}",
                failure.count, failure.result
            ),
            4,
            width,
        );
    }
    if let Some(now) = &policy.now {
        seen_and_now(text, &policy.strings, now, width);
    }
}

/// The strings that the sender saw beside those of now.
fn seen_and_now(text: &mut String, seen: &[String], now: &Now, width: usize) {
    for (lead, strings) in [("Seen then", seen), ("Published now", &now.strings)] {
        for (at, one) in strings.iter().take(STRINGS).enumerate() {
            let lead = if at == 0 { lead } else { "" };
            paragraph(text, &format!("{lead:13} {one}"), 4, width);
        }
        if strings.len() > STRINGS {
            let more = strings.len() - STRINGS;
            paragraph(text, &format!("{:13} and {more} more", ""), 4, width);
        }
    }
    if now.strings.is_empty() {
        paragraph(text, "Published now nothing of this kind", 4, width);
    }
}

fn paragraph(text: &mut String, sentence: &str, indent: usize, width: usize) {
    for line in break_lines(&shown(sentence), width.saturating_sub(indent)) {
        let _ = writeln!(text, "{:indent$}{line}", "");
    }
}
