//! Queue listings: `postqueue -p` and `mailq`, `postqueue -j`, mailcow's queue.

use serde_json::Value;

use crate::unix_time::UnixTime;

use super::classify;
use super::destination::Destination;
use super::line::single_blanks;
use super::reply;
use super::tally::{Envelope, Outcome, Record, Tally};

/// Lines that a reason may be wrapped into.
const REASON_LINES: usize = 12;

/// A listing of `showq` being read.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// A message whose recipients follow.
    open: bool,
    /// Its sender.
    sender: Option<String>,
    /// The reason for the recipients that follow.
    reason: Option<String>,
    /// A reason that goes on in the next line.
    partial: Option<(String, usize)>,
    /// The reason is cut off.
    is_cut: bool,
    /// A recipient of this message was counted.
    counted: bool,
    /// Messages without their recipients, and recipients with a reason of which too
    /// little is left.
    pub(super) unread: u64,
}

/// What a line of a listing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// A new message.
    Message,
    /// A part of the listing.
    Part,
    /// No line of a listing.
    Nothing,
}

impl Listing {
    /// Whether recipients or a reason may follow.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Reads one line.
    pub(super) fn line(&mut self, text: &str, tally: &mut Tally) -> Took {
        let trimmed = text.trim();
        if self.partial.is_some()
            && (trimmed.is_empty() || is_entry(text) || is_frame(trimmed) || is_recipient(text))
        {
            // A narrow screen, or `cut`, took the end of the reason.
            self.reason = self.partial.take().map(|(partial, _)| inner(&partial));
            self.is_cut = true;
        }
        if let Some((mut partial, lines)) = self.partial.take() {
            partial.push(' ');
            partial.push_str(trimmed);
            if trimmed.ends_with(')') || lines >= REASON_LINES {
                self.reason = Some(inner(&partial));
            } else {
                self.partial = Some((partial, lines + 1));
            }
            return Took::Part;
        }
        if is_entry(text) {
            self.end(tally);
            self.open = true;
            self.sender = text.split_whitespace().nth(6).map(of_sender);
            return Took::Message;
        }
        if is_frame(trimmed) {
            self.end(tally);
            return Took::Part;
        }
        if !self.open {
            return Took::Nothing;
        }
        if trimmed.is_empty() {
            self.end(tally);
            return Took::Part;
        }
        if trimmed.starts_with('(') {
            self.is_cut = false;
            if trimmed.ends_with(')') {
                self.reason = Some(inner(trimmed));
            } else {
                self.partial = Some((trimmed.to_owned(), 1));
            }
            return Took::Part;
        }
        if !is_recipient(text)
            && (trimmed.contains(' ') || !(text.starts_with([' ', '\t']) || trimmed.contains('@')))
        {
            self.end(tally);
            return Took::Nothing;
        }
        self.counted = true;
        let sender = self.sender.as_deref();
        let reason = self.reason.as_deref();
        if !self.is_cut {
            recipient(trimmed, reason, None, sender, tally);
        } else if !cut(trimmed, reason, sender, tally) {
            self.unread += 1;
        }
        Took::Part
    }

    /// The message has no more recipients.
    pub(super) fn end(&mut self, tally: &mut Tally) {
        if let Some((partial, _)) = self.partial.take() {
            self.reason = Some(inner(&partial));
            self.is_cut = true;
        }
        let mut unread = self.unread;
        if self.open && !self.counted && !cut("", self.reason.as_deref(), None, tally) {
            unread += 1;
        }
        *self = Self {
            unread,
            ..Self::default()
        };
    }
}

/// Counts a recipient whose reason, or whose name, is cut off; `false` where too
/// little is left to know the cause.
fn cut(address: &str, reason: Option<&str>, sender: Option<&str>, tally: &mut Tally) -> bool {
    let Some(reason) = reason.map(single_blanks) else {
        return false;
    };
    let Some(cause) = classify::delivery(&reason, None, None) else {
        return false;
    };
    tally.add(&Record {
        // A part of a host's name is another host.
        destination: &Destination::of(domain_of(address), None, ""),
        outcome: Outcome::Deferred,
        cause: Some(cause),
        dsn: None,
        tls: None,
        since: None,
        sample: &format!("{address} ({reason}"),
        envelope: Envelope {
            sender,
            recipient: Some(address).filter(|address| address.contains('@')),
        },
    });
    true
}

fn domain_of(address: &str) -> Option<&str> {
    let (_, domain) = address.trim_end_matches('>').rsplit_once('@')?;
    Some(domain)
}

/// A recipient, which stands indented; a quoted local part may have blanks.
fn is_recipient(text: &str) -> bool {
    let address = text.trim();
    let is_quoted = address.starts_with('"') && address.contains("\"@");
    text.starts_with([' ', '\t'])
        && address.contains('@')
        && !address.contains(')')
        && (is_quoted || !address.contains(' '))
}

fn inner(reason: &str) -> String {
    let text = reason.trim();
    let text = text.strip_prefix('(').unwrap_or(text);
    text.strip_suffix(')').unwrap_or(text).to_owned()
}

/// `ID[*!#] SIZE DAY MONTH DATE TIME SENDER` (`showq.c`).
fn is_entry(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let id = words
        .next()
        .unwrap_or_default()
        .trim_end_matches(['*', '!', '#']);
    let is_id =
        id.len() >= 5 && id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_size = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_id
        && words.next().is_some_and(is_size)
        && words.next().is_some_and(|day| day.len() == 3)
        && words.next().is_some_and(|month| month.len() == 3)
        && words.next().is_some_and(is_size)
        && words
            .next()
            .is_some_and(|time| time.len() == 8 && time.contains(':'))
        && !text.starts_with([' ', '\t'])
}

/// The lines around the messages.
fn is_frame(line: &str) -> bool {
    line.starts_with("-Queue ID-")
        || line == "Mail queue is empty"
        || (line.starts_with("-- ") && line.contains(" Request"))
}

/// Counts one recipient of a queue: with a reason it was tried.
fn recipient(
    address: &str,
    reason: Option<&str>,
    since: Option<UnixTime>,
    sender: Option<&str>,
    tally: &mut Tally,
) {
    let Some(reason) = reason
        .map(single_blanks)
        .filter(|reason| !reason.is_empty())
    else {
        tally.untried += 1;
        return;
    };
    let domain = domain_of(address);
    let dsn = leading_status(&reason);
    tally.add(&Record {
        destination: &Destination::of(domain, None, &reason),
        outcome: Outcome::Deferred,
        cause: classify::delivery(&reason, dsn, None),
        dsn,
        tls: None,
        since,
        sample: &format!("{address} ({reason})"),
        envelope: Envelope {
            sender,
            recipient: Some(address).filter(|address| address.contains('@')),
        },
    });
}

/// The sender of a message; `showq` writes the null sender as `MAILER-DAEMON`.
fn of_sender(text: &str) -> String {
    match text {
        "MAILER-DAEMON" | "<>" => String::new(),
        sender => sender.to_owned(),
    }
}

/// The enhanced status code that another server's reply in the text has.
fn leading_status(reason: &str) -> Option<&str> {
    let (_, reply) = reason.split_once(" said: ")?;
    reply.split([' ', '-']).nth(1).filter(|code| {
        code.split('.').count() == 3
            && code
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// Counts `u@a.example (REASON)`, the last column of a row of mailcow's page of the
/// queue, as browsers copy it; further recipients have lines of their own. `false`
/// where it is no reason that a queue has.
pub(super) fn row(text: &str, tally: &mut Tally) -> bool {
    let column = text.rsplit('\t').next().unwrap_or(text).trim();
    let Some((address, reason)) = column.split_once(" (") else {
        return false;
    };
    let Some(reason) = reason.strip_suffix(')') else {
        return false;
    };
    let is_address = domain_of(address).is_some_and(|domain| domain.contains('.'))
        && !address.contains([' ', '<', '=', ':', '(']);
    let is_reason = reply::split(reason).1.is_some()
        || classify::delivery(&single_blanks(reason), None, None).is_some();
    if !is_address || !is_reason {
        return false;
    }
    recipient(address, Some(reason), None, None, tally);
    true
}

/// A recipient of `postqueue -j | jq '.recipients[]'`.
pub(super) fn recipient_alone(value: &Value, tally: &mut Tally) {
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    let address = field("address").unwrap_or_default();
    recipient(address, field("delay_reason"), None, None, tally);
}

/// A message of `postqueue -j` or of mailcow's queue.
pub(super) fn message(value: &Value, tally: &mut Tally) {
    let since = match value.get("arrival_time") {
        Some(Value::Number(number)) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|seconds| seconds as i64)),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let since = since.map(UnixTime);
    let sender = value.get("sender").and_then(Value::as_str).map(of_sender);
    let sender = sender.as_deref();
    let recipients = value.get("recipients").and_then(Value::as_array);
    let recipients = recipients.map(Vec::as_slice).unwrap_or_default();
    if recipients.is_empty() {
        tally.untried += 1;
    }
    for one in recipients {
        match one {
            Value::String(text) => {
                let (address, reason) = match text.split_once(" (") {
                    Some((address, reason)) => {
                        (address, Some(reason.strip_suffix(')').unwrap_or(reason)))
                    }
                    None => (text.as_str(), None),
                };
                recipient(address, reason, since, sender, tally);
            }
            other => recipient(
                other
                    .get("address")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
                other.get("delay_reason").and_then(Value::as_str),
                since,
                sender,
                tally,
            ),
        }
    }
}
