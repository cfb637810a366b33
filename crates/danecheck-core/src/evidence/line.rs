//! One line of a Postfix log, parsed as far as a cause needs it, however it was
//! carried here: by syslog, by a container, by hand.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use memchr::{memchr2, memchr3, memrchr};

use super::destination::split;
use super::tag::{END_OF_PID, Tag, begins_record, heads_line, instance_of, with_pid};

/// The content of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The process, `smtp[8410`; a process has one delivery at a time, so its
    /// earlier lines belong to its next one. Empty where the line does not say.
    pub(super) process: &'a str,
    /// What stands before the program, `enforced-tls-smtp`: `syslog_name`.
    pub(super) instance: &'a str,
    /// The message of the line.
    pub(super) body: Body<'a>,
}

/// The kinds of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// What happened to one recipient.
    Delivery(Delivery<'a>),
    /// Anything else.
    Other(&'a str),
}

/// What happened to one recipient (`log_adhoc`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery<'a> {
    /// The domain of the recipient.
    pub(super) domain: Option<&'a str>,
    /// `relay=`, `mx.a.example[192.0.2.7]:25`.
    pub(super) relay: Option<&'a str>,
    /// The status, `deferred`.
    pub(super) status: &'a str,
    /// The enhanced status code.
    pub(super) dsn: Option<&'a str>,
    /// `tls=` of Postfix 3.11 and later, `!dane`.
    pub(super) tls: Option<&'a str>,
    /// The text in parentheses, with single blanks.
    pub(super) text: Cow<'a, str>,
    /// Whether the text ended where the line did, or before.
    pub(super) complete: bool,
}

/// The words after `status=`.
const STATUSES: &[&str] = &[
    "sent",
    "deferred",
    "bounced",
    "undeliverable",
    "deliverable",
    "expired",
    "SOFTBOUNCE",
];

impl<'a> Line<'a> {
    /// Reads a line; `None` if Postfix did not write it. The text before the
    /// program's name (time, host, container) does not matter. A delivery is
    /// read also where somebody left its program out.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let tag = Tag::find(line);
        let message = tag.as_ref().map_or(line, |tag| tag.message);
        let delivery = head_of_delivery(message, tag.is_some()).and_then(Delivery::parse);
        let body = match (delivery, &tag) {
            (Some(delivery), _) => Body::Delivery(delivery),
            (None, Some(_)) => Body::Other(message),
            (None, None) => return None,
        };
        Some(Self {
            process: tag.as_ref().map_or("", |tag| tag.process),
            instance: tag.as_ref().map_or("", |tag| tag.instance),
            body,
        })
    }
}

/// Fields that a delivery begins with, where its queue id is left out, or all before
/// a part of it.
const FIELDS: &[&str] = &[
    "to=",
    "orig_to=",
    "relay=",
    "conn_use=",
    "delay=",
    "delays=",
    "tls=",
    "dsn=",
    "status=",
];

/// What follows the queue id of a delivery (`log_adhoc.c`). Other lines may have the
/// same words within the names and subjects that outsiders gave: they are none.
/// What somebody quotes has no tag, and may have words before it.
pub(super) fn head_of_delivery(message: &str, is_tagged: bool) -> Option<&str> {
    let begins = |text: &str| FIELDS.iter().any(|field| text.starts_with(field));
    let first = message.trim_start_matches(['`', '"', '\'', ' ', '\t', '>', '|']);
    if begins(first) {
        return Some(first);
    }
    if let Some((id, rest)) = first.split_once(':')
        && is_queue_id(id)
        && begins(rest.trim_start())
    {
        return Some(rest.trim_start());
    }
    if is_tagged {
        return None;
    }
    let Some(at) = RECIPIENT.find(message.as_bytes()) else {
        return (!is_of_another(message)).then_some(message);
    };
    let (before, rest) = message.split_at_checked(at)?;
    (!is_of_another(without_queue_id(before))).then_some(rest)
}

pub(super) fn is_queue_id(word: &str) -> bool {
    (1..=40).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn without_queue_id(before: &str) -> &str {
    let Some(rest) = before.trim_end().strip_suffix(':') else {
        return before;
    };
    rest.trim_end_matches(|c: char| c.is_ascii_alphanumeric())
}

/// Whether a line of another program goes on here: words of it stand between its
/// tag and this place.
fn is_of_another(before: &str) -> bool {
    let has_tag = split(&END_OF_PID, before).is_some_and(|(head, _)| with_pid(head).is_some());
    (has_tag || begins_record(before)) && !heads_line(before)
}

/// Whether another program wrote a line: its tag, with its pid, stands before the
/// recipient.
pub(super) fn has_tag_of_another(line: &str) -> bool {
    let before = match RECIPIENT.find(line.as_bytes()) {
        Some(at) => line.get(..at).unwrap_or(line),
        None => line,
    };
    let tag = split(&END_OF_PID, before).and_then(|(head, _)| with_pid(head));
    tag.is_some_and(|(_, program)| instance_of(program).is_none())
        && Line::parse(line).is_none_or(|line| line.process.is_empty())
}

static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("status="));

pub(super) static RECIPIENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("to=<"));

/// Where in a line a status stands that a delivery has.
fn status(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = STATUS.find(rest.as_bytes())?;
        let (before, after) = (text.get(..from + at)?, rest.get(at + 7..)?);
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (word, tail) = after.split_at(end);
        if STATUSES.contains(&word) && !before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return Some((before, word, tail));
        }
        from += at + 7;
    }
}

/// An address after `<`, and what follows its `>`. A quoted local part may hold
/// anything (RFC 5321 4.1.2), also what looks like the rest of a line.
fn address(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    if text.starts_with('"') {
        let mut escaped = false;
        let end = text.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        from = end.map_or(0, |(at, _)| at);
    }
    let at = from + text.get(from..)?.find('>')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

impl<'a> Delivery<'a> {
    /// Reads what follows the queue id.
    fn parse(body: &'a str) -> Option<Self> {
        let (mut recipient, mut rest) = (None, body);
        if let Some((to, after)) = body.strip_prefix("to=<").and_then(address) {
            (recipient, rest) = (Some(to), after);
        }
        if let Some((_, after)) = rest.strip_prefix(", orig_to=<").and_then(address) {
            rest = after;
        }
        let (fields, status, tail) = status(rest)?;
        if recipient.is_none()
            && let Some(at) = RECIPIENT.find(fields.as_bytes())
            && let Some((before, to)) = fields.split_at_checked(at)
            && !before.ends_with("orig_")
        {
            let to = to.get(RECIPIENT.needle().len()..).unwrap_or_default();
            recipient = Some(address(to).map_or(to, |(to, _)| to));
        }
        if recipient.is_none() && !tail.trim_start().starts_with('(') {
            // `status=expired, returned to sender` of the queue manager, too.
            return None;
        }
        let fields = after_addresses(fields);
        let [relay, dsn, tls] = values(fields);
        let (text, complete) = in_parentheses(tail);
        Some(Self {
            domain: recipient
                .and_then(|recipient| recipient.rsplit_once('@'))
                .map(|(_, domain)| domain)
                .filter(|domain| !domain.is_empty()),
            relay,
            status,
            dsn,
            tls,
            text: single_blanks(text),
            complete,
        })
    }

    /// A field was cut in two where the line was wrapped.
    pub(super) fn is_torn(&self) -> bool {
        let blank = |value: Option<&str>| value.is_some_and(|value| value.contains([' ', '\t']));
        blank(self.domain) || blank(self.relay)
    }
}

/// What follows the last `>, `: the addresses of a recipient may hold anything.
fn after_addresses(fields: &str) -> &str {
    let mut end = fields.len();
    while let Some(at) = fields
        .as_bytes()
        .get(..end)
        .and_then(|head| memrchr(b'>', head))
    {
        if let Some(rest) = fields
            .get(at + 1..)
            .and_then(|rest| rest.strip_prefix(", "))
        {
            return rest;
        }
        end = at;
    }
    fields
}

/// The values of `relay=`, `dsn=` and `tls=`, the first of each; one pass,
/// because a log may be full of deliveries.
fn values(fields: &str) -> [Option<&str>; 3] {
    let mut found = [None; 3];
    let bytes = fields.as_bytes();
    let mut from = 0;
    while from < bytes.len() {
        let rest = bytes.get(from..).unwrap_or_default();
        let end = memchr2(b',', b' ', rest).map_or(bytes.len(), |at| from + at);
        if let Some(field) = fields.get(from..end) {
            for (slot, name) in found.iter_mut().zip(["relay=", "dsn=", "tls="]) {
                if slot.is_none()
                    && let Some(value) = field.strip_prefix(name)
                {
                    *slot = Some(value).filter(|value| !value.is_empty());
                }
            }
        }
        from = end + 1;
    }
    found
}

/// The text in the outer parentheses, and whether they are closed. What
/// follows the last one (a quotation mark, markup, ` level=6`) is of others.
fn in_parentheses(tail: &str) -> (&str, bool) {
    let trimmed = tail.trim();
    let Some(text) = trimmed.strip_prefix('(') else {
        return (trimmed, false);
    };
    let whole = text.strip_suffix(')');
    // Where a copy lost the ends of lines, another delivery may follow.
    if let Some(whole) = whole.filter(|whole| !whole.contains(") ") || !whole.contains(" to=<")) {
        return (whole, true);
    }
    let mut depth = 1_u32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return (text.get(..at).unwrap_or(text), true);
                }
            }
            _ => {}
        }
    }
    match text.rsplit_once(')') {
        Some((whole, _)) => (whole, true),
        None => (text, false),
    }
}

/// The text with one blank where there are more; the web page of mailcow and
/// copies of it double some.
pub(super) fn single_blanks(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let doubled =
        memchr3(b'\t', b'\n', b'\r', bytes).is_some() || memmem::find(bytes, b"  ").is_some();
    if !doubled {
        return Cow::Borrowed(text.trim());
    }
    let mut words = text.split_whitespace();
    let mut single = words.next().unwrap_or_default().to_owned();
    for word in words {
        single.push(' ');
        single.push_str(word);
    }
    Cow::Owned(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERY: &str = "4E7F099A10B: to=<dane@a.lab>, orig_to=<x>, relay=mx1.a.lab[127.10.0.7]:25, \
                            delay=0.05, delays=0/0/0.05/0, tls=!dane, dsn=4.7.5, status=deferred \
                            (Server certificate not verified)";

    #[test]
    fn a_delivery_is_read_whatever_stands_before_it() {
        for (before, process) in [
            ("Nov 22 02:36:41 sender postfix/smtp[8448]: ", "smtp[8448"),
            (
                "2026-11-22T02:36:41.123456+00:00 mx postfix/smtp[1]: ",
                "smtp[1",
            ),
            (
                "postfix-mailcow-1  | Nov 22 02:36:41 x postfix/smtp_enforced_tls/smtp[1]: ",
                "smtp[1",
            ),
            ("Nov 22 02:36:41 sender postfix-out/error[77]: ", "error[77"),
        ] {
            let text = format!("{before}{DELIVERY}");
            let line = Line::parse(&text).unwrap();
            assert_eq!(line.process, process);
            let Body::Delivery(delivery) = line.body else {
                panic!("{text}");
            };
            assert_eq!(delivery.domain, Some("a.lab"));
            assert_eq!(delivery.status, "deferred");
            assert_eq!(delivery.dsn, Some("4.7.5"));
            assert_eq!(delivery.tls, Some("!dane"));
            assert_eq!(delivery.text, "Server certificate not verified");
        }
    }

    #[test]
    fn a_line_without_tls_field_is_one_of_postfix_before_3_11() {
        let text = format!("x postfix/smtp[1]: {}", DELIVERY.replace("tls=!dane, ", ""));
        let Some(Body::Delivery(delivery)) = Line::parse(&text).map(|line| line.body) else {
            panic!("a delivery");
        };
        assert_eq!((delivery.tls, delivery.dsn), (None, Some("4.7.5")));
    }

    #[test]
    fn lines_of_others_are_left_alone() {
        for text in [
            "",
            "Nov 22 02:36:41 sender dovecot: imap-login: x",
            "Nov 22 02:36:41 sender kernel[1]: postfix/smtp: x",
            "postfix/smtp[1] x",
            "]: [",
        ] {
            assert_eq!(Line::parse(text), None, "{text}");
        }
    }
}
