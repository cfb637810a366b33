//! The explanation as text for people.

use std::fmt::Write as _;

use super::{Explained, Explanation};
use crate::text::{shown, wrap};

/// Next hops that are named for each cause.
const NAMED: usize = 8;

impl Explanation {
    /// The explanation as text.
    pub fn human(&self, width: usize) -> String {
        let mut text = String::new();
        if self.causes.is_empty() {
            let _ = writeln!(
                text,
                "{} lines, {} of them by Postfix: no mail waits for TLS, DANE or DNS.",
                self.lines, self.postfix_lines
            );
            if self.postfix_lines == 0 && self.lines > 0 {
                let _ = writeln!(
                    text,
                    "Lines look like `... postfix/smtp[123]: ... status=deferred (...)`."
                );
            }
            return text;
        }
        let waiting: u64 = self
            .causes
            .iter()
            .map(|one| one.deferred + one.bounced)
            .sum();
        let _ = writeln!(
            text,
            "{} lines, {} of them by Postfix; {waiting} {} not made, {} {}.",
            self.lines,
            self.postfix_lines,
            if waiting == 1 {
                "delivery"
            } else {
                "deliveries"
            },
            self.causes.len(),
            if self.causes.len() == 1 {
                "cause"
            } else {
                "causes"
            },
        );
        let mut told_others = false;
        for (number, cause) in self.causes.iter().enumerate() {
            if !cause.tls && !told_others {
                text.push_str("\nNot caused by TLS or DANE:\n");
                told_others = true;
            }
            text.push('\n');
            one(&mut text, number + 1, cause, width);
        }
        shown(&text).into_owned()
    }
}

fn one(text: &mut String, number: usize, cause: &Explained, width: usize) {
    let mut part = |lead: &str, body: &str, indent: usize| {
        let lines = wrap(body, width.saturating_sub(indent));
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                let _ = writeln!(text, "{lead:indent$}{line}");
            } else {
                let _ = writeln!(text, "{:indent$}{line}", "");
            }
        }
    };
    part(&format!("{number}."), cause.text, 4);
    let mut counts = Vec::new();
    for (count, word) in [
        (cause.deferred, "deferred"),
        (cause.bounced, "bounced"),
        (cause.remarks, "warned about"),
    ] {
        if count > 0 {
            counts.push(format!("{word} {count}"));
        }
    }
    let mut line = counts.join(", ");
    if !cause.dsn.is_empty() {
        let _ = write!(line, "; {}", cause.dsn.join(", "));
    }
    if !cause.levels.is_empty() {
        let _ = write!(line, "; tls={}", cause.levels.join(", tls="));
    }
    part("", &line, 4);
    let mut hops: Vec<String> = cause
        .next_hops
        .iter()
        .take(NAMED)
        .map(|hop| format!("{} {}", hop.name, hop.count))
        .collect();
    let more = cause.next_hops.len().saturating_sub(NAMED);
    if more > 0 {
        hops.push(format!("{more} other next hops"));
    }
    if cause.other_next_hops > 0 {
        hops.push(format!("{} deliveries elsewhere", cause.other_next_hops));
    }
    if !hops.is_empty() {
        part("", &hops.join(", "), 4);
    }
    part("", cause.meaning, 6);
    part("", &format!("Do: {}", cause.remedy), 6);
}
