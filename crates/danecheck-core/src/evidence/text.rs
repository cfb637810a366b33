//! What the evidence says, as text for people.

use std::fmt::Write as _;

use super::kind::{EMPTY, Kind};
use super::{Explained, InputReport, Triage};
use crate::text::{break_lines, plural, shown, wrap};

/// Next hops that are named for each cause.
const NAMED: usize = 8;

/// Characters of a sample.
const SAMPLE: usize = 160;

/// Inputs of the same form that are named.
const INPUTS: usize = 6;

impl Triage {
    /// The answer of `danecheck explain --log`: cause by cause.
    pub fn human(&self, width: usize) -> String {
        let mut text = self.head(width);
        let mut said_others = false;
        for (number, cause) in self.causes.iter().enumerate() {
            if !cause.tls && !said_others {
                text.push_str("\nNot caused by TLS or DANE:\n");
                said_others = true;
            }
            text.push('\n');
            one(&mut text, number + 1, cause, width);
        }
        self.others(&mut text, width);
        shown(&text).into_owned()
    }

    /// What was read, and how much waits.
    pub(super) fn head(&self, width: usize) -> String {
        let mut text = String::new();
        for input in self.inputs.iter().take(INPUTS) {
            let more = self.inputs.len() > 1;
            paragraph(&mut text, &self.of_input(input, more), 0, width);
        }
        let more = self.inputs.len().saturating_sub(INPUTS);
        if more > 0 {
            let _ = writeln!(
                text,
                "{} more were read.",
                plural(more as u64, "input", "inputs")
            );
        }
        if !self.inputs.is_empty() && self.inputs.iter().all(|input| input.kind == Kind::Empty) {
            return text;
        }
        let not_made: u64 = self
            .causes
            .iter()
            .map(|one| one.deferred + one.bounced)
            .sum();
        let sentence = if not_made > 0 {
            let causes = plural(self.causes.len() as u64, "cause", "causes");
            let later = match self.delivered_later {
                0 => String::new(),
                count => format!(
                    " Mail to {} was delivered later.",
                    plural(count, "recipient", "recipients")
                ),
            };
            format!(
                "{} not made, {causes}.{later}",
                plural(not_made, "delivery", "deliveries")
            )
        } else if self.causes.iter().any(|cause| cause.remarks > 0) {
            "There are warnings, and no delivery that waits.".to_owned()
        } else if self.has_unknown() {
            "Whether mail waits is not known: not all of it was understood.".to_owned()
        } else {
            "In what was understood no mail waits for TLS, DANE or DNS.".to_owned()
        };
        paragraph(&mut text, &sentence, 0, width);
        text
    }

    fn of_input(&self, input: &InputReport, more: bool) -> String {
        let (form, record) = input.kind.words();
        let records = plural(input.records, record, &format!("{record}s"));
        let lead = if more {
            format!("{}: ", input.name)
        } else {
            String::new()
        };
        let mut sentence = match input.kind {
            Kind::Empty => return format!("{lead}{EMPTY}"),
            Kind::Unknown => format!(
                "{lead}Not understood: {records}. Give a log of Postfix, `postqueue -j`, mailcow's \
                 queue or logs, or a notice as a whole mail."
            ),
            Kind::Tlsrpt => format!(
                "{lead}This is a TLS report. Read it with `danecheck explain --tlsrpt FILE`."
            ),
            _ => format!(
                "{lead}Read as {form}: {records}, {} understood.",
                input.understood
            ),
        };
        for note in &input.notes {
            sentence.push(' ');
            sentence.push_str(note);
        }
        sentence
    }

    pub(super) fn others(&self, text: &mut String, width: usize) {
        if self.other > 0 {
            text.push('\n');
            let sentence = format!(
                "{} deferred or returned for other reasons, which no TLS policy changes.",
                plural(self.other, "other delivery", "other deliveries")
            );
            paragraph(text, &sentence, 0, width);
            if let Some(sample) = &self.other_sample {
                let sentence = format!("For example: {}", shortened(sample));
                paragraph(text, &sentence, 2, width);
            }
        }
        if self.untried > 0 {
            let sentence = format!(
                "{} in the queue without a reason: nobody tried to deliver it yet, or it is on hold.",
                plural(
                    self.untried,
                    "message or recipient is",
                    "messages or recipients are"
                )
            );
            text.push('\n');
            paragraph(text, &sentence, 0, width);
        }
    }
}

/// A sample of at most so many characters: of a long line of a log the recipient
/// and the reason, which stands last.
fn shortened(sample: &str) -> String {
    let is_long = |text: &str| text.chars().count() > SAMPLE;
    let reason = |line: &str| {
        let (_, rest) = line.split_once("to=<")?;
        let (address, rest) = rest.split_once('>')?;
        let (_, reason) = rest.split_once("status=")?;
        Some(format!("{address} {reason}"))
    };
    let text = match is_long(sample) {
        true => reason(sample).unwrap_or_else(|| sample.to_owned()),
        false => sample.to_owned(),
    };
    if !is_long(&text) {
        return text;
    }
    let head: String = text.chars().take(SAMPLE - 3).collect();
    format!("{head}...")
}

pub(super) fn paragraph(text: &mut String, sentence: &str, indent: usize, width: usize) {
    for line in break_lines(&shown(sentence), width.saturating_sub(indent)) {
        let _ = writeln!(text, "{:indent$}{line}", "");
    }
}

pub(super) fn counts(cause: &Explained) -> String {
    [
        (cause.deferred, "deferred"),
        (cause.bounced, "bounced"),
        (cause.remarks, "warned about"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{word} {count}"))
    .collect::<Vec<_>>()
    .join(", ")
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
    let mut line = counts(cause);
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
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        hops.push(plural(more, "other next hop", "other next hops"));
    }
    if cause.other_next_hops > 0 {
        hops.push(plural(
            cause.other_next_hops,
            "delivery elsewhere",
            "deliveries elsewhere",
        ));
    }
    if hops.is_empty() {
        hops.extend(
            cause
                .warned_next_hops
                .iter()
                .take(NAMED)
                .map(|hop| hop.name.clone()),
        );
    }
    if !hops.is_empty() {
        part("", &hops.join(", "), 4);
    }
    part("", cause.meaning, 6);
    part("", &format!("Do: {}", cause.remedy), 6);
}
