//! The answer of `danecheck triage`: one line for each next hop, then what the
//! causes mean that no look at a next hop explains.

use std::fmt::Write as _;

use super::cause::{Cause, NOT_CONNECTED, Side};
use super::destination::Certainty;
use super::look::{doctor_via, shell_word};
use super::text::{counts, paragraph};
use super::{Explained, Triage, WaitingNextHop};
use crate::judge::{Action, Verdict};
use crate::text::{TextStyle, Tone, break_lines, plural, shown};

/// Causes whose remedies are printed; of more only the names.
const REMEDIES: usize = 4;

/// Next hops that are named for each cause that no look explains.
const NAMED: usize = 3;

/// Columns between two cells: the second where names are long.
const GAPS: [usize; 2] = [2, 1];

/// What the look at a next hop found, beside an override.
const FLOWS: &str = "flows now";
const NONE_HELPS: &str = "none helps";
const NOT_LOOKED: &str = "not looked";
const UNKNOWN: &str = "unknown";

/// Columns of a next hop that has a line of its own.
const SHORTEST: usize = 12;

/// The next hops of a cause that nothing else in the answer names: only
/// warnings name them.
fn warned_hops(cause: &Explained) -> Vec<&str> {
    if !cause.next_hops.is_empty() {
        return Vec::new();
    }
    let hops = cause.warned_next_hops.iter().take(NAMED);
    hops.map(|hop| hop.name.as_str()).collect()
}

impl Triage {
    /// The answer of `danecheck triage`.
    pub fn table(&self, style: impl Into<TextStyle>) -> String {
        let style = style.into();
        let width = style.width;
        let mut text = String::new();
        if let Some(fault) = &self.common_fault {
            let count = plural(fault.next_hops, "next hop", "next hops");
            let sentence = if fault.operators == 0 {
                format!("This machine is the cause for {count}: {}.", fault.cause)
            } else if fault.is_uncertain() {
                format!(
                    "Perhaps this machine or its network: {count} of {} operators fail alike ({}), \
                     and {} do not.",
                    fault.operators,
                    fault.cause,
                    plural(fault.others, "other", "others")
                )
            } else {
                format!(
                    "This machine or its network: {count} of {} operators fail alike ({}).",
                    fault.operators, fault.cause
                )
            };
            paragraph(&mut text, &sentence, 0, width);
            paragraph(&mut text, &fault.message, 2, width);
            text.push('\n');
        }
        text.push_str(&self.head(width));
        let oldest = self
            .next_hops
            .iter()
            .filter_map(|hop| Some((hop.since?, &hop.name)))
            .min();
        if let Some((since, name)) = oldest {
            let sentence = format!("The oldest waits since {since}, for {name}.");
            paragraph(&mut text, &sentence, 0, width);
        }
        self.rows(&mut text, style);
        if self.other_next_hops > 0 {
            let sentence = format!(
                "{} more to next hops that are not named",
                plural(self.other_next_hops, "delivery", "deliveries")
            );
            paragraph(&mut text, &sentence, 0, width);
        }
        if self
            .next_hops
            .iter()
            .any(|hop| hop.certainty == Certainty::Assumed)
        {
            let sentence =
                "? the recipient's domain, assumed: a relay or a transport table may say otherwise";
            for (at, line) in break_lines(sentence, width.saturating_sub(2))
                .iter()
                .enumerate()
            {
                let indent = if at == 0 { "" } else { "  " };
                let _ = writeln!(text, "{indent}{line}");
            }
        }
        if self.next_hops.iter().any(|hop| hop.returned > 0) {
            let sentence = "Returned mail has to be sent again: no flush brings it back.";
            paragraph(&mut text, sentence, 0, width);
        }
        for hop in self.next_hops.iter().filter(|hop| hop.is_here()) {
            let name = &hop.name;
            let sentence = match name.strip_prefix("unix:") {
                Some(_) => format!(
                    "{name} is on this machine. Ask it for no TLS: `-o lmtp_tls_security_level=none` \
                     on its transport in master.cf."
                ),
                None => format!(
                    "{name} is on this machine. Ask it for no TLS: `-o smtp_tls_security_level=none` \
                     on its transport in master.cf, or the entry `{name} none`."
                ),
            };
            text.push('\n');
            paragraph(&mut text, &sentence, 0, width);
        }
        self.remedies(&mut text, width);
        self.connections(&mut text, width);
        self.others(&mut text, width);
        shown(&text).into_owned()
    }

    /// One line for each next hop, under the names of the columns.
    fn rows(&self, text: &mut String, style: TextStyle) {
        let width = style.width;
        if self.next_hops.is_empty() {
            return;
        }
        let returned = self.next_hops.iter().any(|hop| hop.returned > 0);
        let mut head = vec!["next hop", "waits"];
        if returned {
            head.push("returned");
        }
        head.extend(["cause", "move", "override"]);
        let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        rows.extend(self.next_hops.iter().map(|hop| self.cells(hop, returned)));
        let mut widths: Vec<usize> = Vec::new();
        for row in &rows {
            for (at, cell) in row.iter().enumerate() {
                let length = cell.chars().count();
                match widths.get_mut(at) {
                    Some(known) => *known = length.max(*known),
                    None => widths.push(length),
                }
            }
        }
        let Some((longest, others)) = widths.split_first() else {
            return;
        };
        let room = |gap: usize| {
            let others: usize = others.iter().map(|other| other + gap).sum();
            width.saturating_sub(others).max(SHORTEST)
        };
        let [wide, narrow] = GAPS;
        let others_at_least: usize = others.iter().map(|other| other + narrow).sum();
        if others_at_least + SHORTEST.min(*longest) > width {
            text.push('\n');
            stack(text, &rows, others, style);
            return;
        }
        let gap = if *longest <= room(wide) { wide } else { narrow };
        let longest = (*longest).min(room(gap));
        text.push('\n');
        for (number, row) in rows.iter().enumerate() {
            let Some((name, cells)) = row.split_first() else {
                continue;
            };
            let mut line = if name.chars().count() > longest {
                for part in chunks(name, width) {
                    let _ = writeln!(text, "{part}");
                }
                " ".repeat(longest)
            } else {
                format!("{name:longest$}")
            };
            for (at, (cell, wide)) in cells.iter().zip(widths.iter().skip(1)).enumerate() {
                let answer = (number > 0 && at + 1 == cells.len()).then_some(style);
                let _ = write!(line, "{:gap$}{}", "", shaped(cell, *wide, answer));
            }
            let line = line.trim_end();
            let _ = match number {
                0 => writeln!(text, "{}", style.tint(Tone::Quiet, line)),
                _ => writeln!(text, "{line}"),
            };
        }
    }

    /// `a.example`, `3`, `certificate-no-match`, `receiver`, `encrypt`.
    fn cells(&self, hop: &WaitingNextHop, returned: bool) -> Vec<String> {
        let mark = match hop.certainty {
            Certainty::Assumed => "?",
            _ => "",
        };
        let mut cells = vec![format!("{}{mark}", hop.name), hop.waiting.to_string()];
        if returned {
            cells.push(hop.returned.to_string());
        }
        let first = hop.causes.first().copied().unwrap_or_default();
        cells.push(match hop.causes.len().saturating_sub(1) {
            0 => first.to_owned(),
            more => format!("{first} +{more}"),
        });
        let is_own = self
            .common_fault
            .as_ref()
            .is_some_and(|fault| !fault.is_uncertain() && hop.causes.contains(&fault.cause));
        let side = Cause::find(first).map_or(Side::Either, |cause| cause.side);
        let whose = match (hop.action, side) {
            (Some(Action::Keep), _) => "nobody",
            _ if is_own || hop.is_here() => "you",
            (_, Side::Receiver) => "receiver",
            (_, Side::Sender) => "you",
            (None, Side::Either) => "look",
            // What is one's own is said above: the look found it at the receiver's.
            (Some(Action::Override), Side::Either) => "receiver",
            (Some(Action::NotFixable), Side::Either) => "either",
        };
        cells.push(whose.to_owned());
        cells.push(match hop.action {
            None => NOT_LOOKED.to_owned(),
            Some(Action::Keep) => FLOWS.to_owned(),
            Some(Action::NotFixable) if hop.verdict == Some(Verdict::Indeterminate) => {
                UNKNOWN.to_owned()
            }
            Some(Action::NotFixable) => NONE_HELPS.to_owned(),
            Some(Action::Override) => {
                let level = hop
                    .entries
                    .as_ref()
                    .and_then(|entries| entries.postfix.as_deref())
                    .and_then(|line| line.split_whitespace().nth(1))
                    .unwrap_or("see below");
                let mark = if hop.caution.is_some() { " (!)" } else { "" };
                format!("{level}{mark}")
            }
        });
        cells
    }

    /// What to do about the causes that no look explains.
    fn remedies(&self, text: &mut String, width: usize) {
        let looked_at = |cause: &Explained| {
            let mut hops = self
                .next_hops
                .iter()
                .filter(|hop| hop.causes.contains(&cause.id))
                .peekable();
            cause.other_next_hops == 0
                && cause.remarks == 0
                && hops.peek().is_some()
                && hops.all(|hop| hop.action.is_some() || hop.is_here())
        };
        let open: Vec<&Explained> = self
            .causes
            .iter()
            .filter(|cause| cause.tls || cause.remarks > 0 || is_of_dns(cause))
            .filter(|cause| !waits_for_connection(cause))
            .filter(|cause| !looked_at(cause))
            .collect();
        if open.len() > REMEDIES {
            text.push('\n');
            for cause in &open {
                paragraph(text, &format!("{}: {}", cause.id, counts(cause)), 0, width);
            }
            let sentence = "`danecheck explain CAUSE` says what each means and what to do.";
            paragraph(text, sentence, 0, width);
            return;
        }
        for cause in open {
            text.push('\n');
            let hops = warned_hops(cause);
            let mut head = format!("{}: {}", cause.id, counts(cause));
            if let Some((first, more)) = hops.split_first() {
                let _ = write!(head, ", for {first}");
                for hop in more {
                    let _ = write!(head, ", {hop}");
                }
            }
            paragraph(text, &head, 0, width);
            paragraph(text, cause.remedy, 2, width);
            let words: Vec<String> = hops.iter().filter_map(|hop| shell_word(hop)).collect();
            if !words.is_empty() {
                paragraph(text, "Run:", 2, width);
                for word in &words {
                    let _ = writeln!(text, "    danecheck {word}");
                }
            }
            if words.iter().any(|word| word.contains('[')) {
                let sentence = "In brackets stands a host. Check the recipient's domain too, if you \
                                know it.";
                paragraph(text, sentence, 2, width);
            }
        }
    }

    /// What waits for a connection: the columns of the next hops do not have it,
    /// because no override changes it.
    fn connections(&self, text: &mut String, width: usize) {
        let causes: Vec<&Explained> = self
            .causes
            .iter()
            .filter(|cause| waits_for_connection(cause))
            .collect();
        if causes.is_empty() {
            return;
        }
        text.push('\n');
        let sentence = "Mail waits, or was returned, because of the connection, not of TLS, DANE \
                        or DNS:";
        paragraph(text, sentence, 0, width);
        for cause in &causes {
            let mut sentence = format!("{}: {}", cause.id, counts(cause));
            if let Some(since) = cause.since {
                let _ = write!(sentence, ", the oldest since {since}");
            }
            let mut hops: Vec<String> = cause
                .next_hops
                .iter()
                .take(NAMED)
                .map(|hop| hop.name.clone())
                .collect();
            let more = cause.next_hops.len().saturating_sub(NAMED);
            if more > 0 {
                hops.push(plural(more as u64, "other next hop", "other next hops"));
            }
            if !hops.is_empty() {
                let _ = write!(sentence, ", for {}", hops.join(", "));
            }
            paragraph(text, &sentence, 2, width);
            let names = cause.next_hops.iter().map(|hop| hop.name.as_str());
            let command = doctor_via(names).filter(|_| cause.next_hops.len() > 1);
            match command {
                Some(command) if cause.id == NOT_CONNECTED.id => {
                    let sentence = "Port 25 of this machine may be blocked. Run:";
                    paragraph(text, sentence, 4, width);
                    let _ = writeln!(text, "      {command}");
                }
                _ => paragraph(text, cause.remedy, 4, width),
            }
        }
    }
}

/// Mail was not delivered for a cause that is no one of DNS, STARTTLS, TLS or
/// DANE.
fn waits_for_connection(cause: &Explained) -> bool {
    cause.deferred + cause.bounced > 0
        && Cause::find(cause.id).is_some_and(|cause| !cause.concerns_dns_or_tls())
}

/// A cell in its column; what the look found, which stands last, in a colour.
fn shaped(cell: &str, wide: usize, answer: Option<TextStyle>) -> String {
    let Some(style) = answer else {
        return format!("{cell:wide$}");
    };
    let tone = match cell {
        FLOWS => Tone::Good,
        NONE_HELPS => Tone::Bad,
        UNKNOWN | NOT_LOOKED => Tone::Doubtful,
        _ => Tone::Strong,
    };
    style.tint(tone, cell)
}

/// Rows that are wider than the screen: each name on a line of its own, its
/// cells on as many lines below it as they need.
fn stack(text: &mut String, rows: &[Vec<String>], widths: &[usize], style: TextStyle) {
    let width = style.width;
    for (number, row) in rows.iter().enumerate() {
        let Some((name, cells)) = row.split_first() else {
            continue;
        };
        for part in chunks(name, width) {
            let _ = writeln!(text, "{part}");
        }
        let mut line = String::new();
        let mut used = 0;
        for (at, (cell, wide)) in cells.iter().zip(widths).enumerate() {
            if used > 0 && used + 1 + wide > width {
                let _ = writeln!(text, "{}", line.trim_end());
                line.clear();
                used = 0;
            }
            let gap = if used == 0 { 2 } else { 1 };
            let answer = (number > 0 && at + 1 == cells.len()).then_some(style);
            let _ = write!(line, "{:gap$}{}", "", shaped(cell, *wide, answer));
            used += gap + wide;
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// The text in pieces of so many characters.
fn chunks(text: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .chunks(width.max(1))
        .map(|part| part.iter().collect())
        .collect()
}

fn is_of_dns(cause: &Explained) -> bool {
    Cause::find(cause.id).is_some_and(Cause::concerns_dns_or_tls)
}
