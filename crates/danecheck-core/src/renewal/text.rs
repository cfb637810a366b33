//! The check of a new certificate as text for people.

use std::fmt::Write as _;

use super::plan::duration;
use super::{HostOutlook, Outlook, Renewal};
use crate::text::{shown, wrap};

impl Renewal {
    /// The check as text.
    pub fn human(&self, width: usize) -> String {
        let mut text = String::new();
        paragraph(
            &mut text,
            &format!("{}: ", self.target),
            2,
            &self.reason,
            width,
        );
        for host in &self.hosts {
            text.push('\n');
            self.host(&mut text, host, width);
        }
        if !self.others.is_empty() {
            text.push('\n');
            let others = format!(
                "{} (the certificate does not name this host; use --host if it is for this host)",
                self.others.join(", ")
            );
            paragraph(&mut text, "  not for ", 10, &others, width);
        }
        if let Some(plan) = &self.plan {
            text.push_str("\nThe safe order:\n");
            for (number, step) in plan.0.iter().enumerate() {
                paragraph(
                    &mut text,
                    &format!("  {}. ", number + 1),
                    5,
                    &step.text,
                    width,
                );
                for record in &step.records {
                    let _ = writeln!(text, "     {record}");
                }
            }
        }
        shown(&text).into_owned()
    }

    fn host(&self, text: &mut String, host: &HostOutlook, width: usize) {
        let word = match host.outlook {
            Outlook::Matches => "matches",
            Outlook::NoDane => "no DANE",
            Outlook::WouldBreak => "would break",
            Outlook::Unknown => "unknown",
        };
        let lead = format!("  {}: ", host.host);
        let line = format!("{word} ({})", host.reason);
        paragraph(text, &lead, 4, &line, width);
        for record in &host.published {
            let words = match (record.matches, &record.what_it_is) {
                (true, _) => "matches".to_owned(),
                (false, None) => "does not match".to_owned(),
                (false, Some(what)) => format!("does not match: it is {what}"),
            };
            let short = short(&record.record);
            paragraph(
                text,
                &format!("    published  {short}  "),
                15,
                &words,
                width,
            );
        }
        if let Some(ttl) = host.ttl {
            let _ = writeln!(text, "    their TTL is {}", duration(ttl));
        }
        if let Some(add) = &host.add
            && self.plan.is_none()
        {
            let when = match host.outlook {
                Outlook::WouldBreak => "publish this first, and wait out the TTL:",
                _ => "to have DANE, publish this once the certificate is deployed:",
            };
            let _ = writeln!(text, "    {when}\n      {}", add.zone_line());
        }
    }
}

fn paragraph(text: &mut String, first: &str, indent: usize, words: &str, width: usize) {
    let whole = format!("{first}{words}");
    let start = whole.chars().take_while(|c| *c == ' ').count();
    // The first line may be as long as the others, which are indented further.
    let lines = wrap(&whole, width.saturating_sub(indent.max(start)));
    for (number, line) in lines.iter().enumerate() {
        let blanks = if number == 0 { start } else { indent };
        let _ = writeln!(text, "{:blanks$}{line}", "");
    }
}

/// A record with its data cut to a length that an eye can compare.
fn short(record: &str) -> String {
    match record.rsplit_once(' ') {
        Some((fields, data)) if data.len() > 20 && data.is_ascii() => format!(
            "{fields} {}...{}",
            data.get(..8).unwrap_or_default(),
            data.get(data.len() - 4..).unwrap_or_default()
        ),
        _ => record.to_owned(),
    }
}
