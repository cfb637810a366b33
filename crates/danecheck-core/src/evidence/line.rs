//! One line of a Postfix log, parsed as far as a cause needs it, however it was
//! carried here: by syslog, by a container, by hand.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use memchr::{memchr2, memchr3, memrchr};

use super::destination::split;

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

/// The programs of Postfix, after the slash of the tag.
const DAEMONS: &[&str] = &[
    "anvil",
    "bounce",
    "cleanup",
    "defer",
    "discard",
    "dnsblog",
    "error",
    "flush",
    "lmtp",
    "local",
    "master",
    "nqmgr",
    "oqmgr",
    "pickup",
    "pipe",
    "postlogd",
    "postscreen",
    "proxymap",
    "proxywrite",
    "qmgr",
    "qmqpd",
    "relay",
    "retry",
    "scache",
    "showq",
    "smtp",
    "smtpd",
    "spawn",
    "tlsmgr",
    "tlsproxy",
    "trace",
    "trivial-rewrite",
    "verify",
    "virtual",
];

/// Programs whose name alone says that Postfix wrote the line. `smtpd` and
/// `local` are others' too.
const BARE: &[&str] = &["smtp", "lmtp", "qmgr", "cleanup", "trivial-rewrite"];

/// The words after `status=`.
const STATUSES: &[&str] = &[
    "sent",
    "deferred",
    "bounced",
    "undeliverable",
    "deliverable",
    "expired",
];

/// The program that wrote a line.
struct Tag<'a> {
    process: &'a str,
    instance: &'a str,
    message: &'a str,
}

impl<'a> Tag<'a> {
    fn find(line: &'a str) -> Option<Self> {
        if let Some(tag) = Self::of_rfc5424(line) {
            return Some(tag);
        }
        // `TIME HOST PROGRAM[PID]: MESSAGE`; what carries the line may have
        // such a tag itself.
        let mut rest = line;
        let mut found_any = false;
        for _ in 0..3 {
            let Some((before, message)) = split(&END_OF_PID, rest) else {
                break;
            };
            let token = last_token(before);
            if let Some((program, pid)) = token.rsplit_once('[')
                && !pid.is_empty()
                && pid.bytes().all(|byte| byte.is_ascii_digit())
            {
                found_any = true;
                if let Some(instance) = instance_of(program) {
                    return Some(Self {
                        process: token.rsplit_once('/').map_or(token, |(_, process)| process),
                        instance,
                        message: message.trim_start(),
                    });
                }
            }
            rest = message;
        }
        if found_any {
            return None;
        }
        // No pid.
        let mut rest = line;
        for _ in 0..4 {
            let (before, message) = split(&END_OF_TAG, rest)?;
            let program = last_token(before);
            if program.contains('/')
                && let Some(instance) = instance_of(program)
            {
                return Some(Self {
                    process: program.rsplit_once('/').map_or(program, |(_, name)| name),
                    instance,
                    message: message.trim_start(),
                });
            }
            rest = message;
        }
        None
    }

    /// RFC 5424 6: `<PRI>1 TIME HOST PROGRAM PID ID DATA MESSAGE`.
    fn of_rfc5424(line: &'a str) -> Option<Self> {
        let (_, rest) = line.trim_start().strip_prefix('<')?.split_once(">1 ")?;
        let mut parts = rest.splitn(6, ' ');
        let program = parts.nth(2)?;
        let _pid = parts.next()?;
        let _id = parts.next()?;
        let rest = parts.next()?;
        let message = match rest.strip_prefix("- ") {
            Some(message) => message,
            // Structured data: `[id name="value"]`.
            None => rest.split_once("] ").map_or(rest, |(_, message)| message),
        };
        let instance = instance_of(program)?;
        Some(Self {
            process: program.rsplit_once('/').map_or(program, |(_, name)| name),
            instance,
            message: message.trim_start_matches('\u{feff}').trim_start(),
        })
    }
}

static END_OF_PID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("]:"));

static END_OF_TAG: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(": "));

fn last_token(text: &str) -> &str {
    let ends = |byte| matches!(byte, b' ' | b'\t' | b'|' | b'"' | b'`' | b'\'' | b'>');
    let from = text.bytes().rposition(ends).map_or(0, |at| at + 1);
    text.get(from..).unwrap_or(text)
}

/// The `syslog_name` of a program of Postfix; `None` for other programs.
fn instance_of(program: &str) -> Option<&str> {
    match program.rsplit_once('/') {
        Some((instance, name)) => {
            let by_name = BARE.contains(&name) || DAEMONS.binary_search(&name).is_ok();
            let by_instance = instance
                .get(..7)
                .is_some_and(|head| head.eq_ignore_ascii_case("postfix"));
            (by_name || by_instance).then_some(instance)
        }
        None => BARE.contains(&program).then_some(""),
    }
}

impl<'a> Line<'a> {
    /// Reads a line; `None` if Postfix did not write it. The text before the
    /// program's name (time, host, container) does not matter. A delivery is
    /// read also where somebody left its program out.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let tag = Tag::find(line);
        let message = tag.as_ref().map_or(line, |tag| tag.message);
        let body = match (Delivery::parse(message), &tag) {
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

/// Whether a line begins as lines of logs do: with a time, a priority, or the
/// tag of a program. Other lines go on with what was there before.
pub(super) fn begins_record(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ', '\t', '`']);
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let is_month = |word: &str| {
        [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        .contains(&word)
    };
    let is_date = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word
                .bytes()
                .filter(|byte| matches!(byte, b'-' | b'/' | b'.'))
                .count()
                >= 2
            && word.len() >= 8
    };
    let timed = words
        .nth(1)
        .is_some_and(|third| third.bytes().filter(|byte| *byte == b':').count() == 2);
    (is_month(first) && timed)
        || (is_date(first) && !first.contains('=') && !first.contains('['))
        || (first.starts_with('<') && first.contains(">1"))
        || Tag::find(line).is_some()
}

/// Whether the program whose tag a line begins with is one of Postfix's.
pub(super) fn is_of_postfix(head: &str) -> bool {
    Tag::find(head).is_some()
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

impl<'a> Delivery<'a> {
    fn parse(body: &'a str) -> Option<Self> {
        let (fields, status, tail) = status(body)?;
        let at = RECIPIENT.find(fields.as_bytes());
        let split = at.and_then(|at| Some((fields.get(..at)?, fields.get(at + 4..)?)));
        let recipient = match split {
            Some((before, rest)) if !before.ends_with("orig_") => Some(
                rest.split_once('>')
                    .map_or(rest, |(recipient, _)| recipient),
            ),
            _ => None,
        };
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
    if let Some(whole) = text.strip_suffix(')') {
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
