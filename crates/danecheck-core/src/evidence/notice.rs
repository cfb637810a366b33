//! Notices of delays and of returned mail (RFC 3464), as whole mails or as the
//! text that somebody copied.

use std::collections::HashMap;

use mail_parser::{MessageParser, MimeHeaders as _, PartType};

use crate::unix_time::UnixTime;

use super::classify;
use super::destination::Destination;
use super::line::single_blanks;
use super::tally::{Envelope, Outcome, Record, Tally};

/// Parts of a mail that are read.
const PARTS: usize = 1000;

/// Mails inside mails.
const DEPTH: u32 = 4;

/// What a mail held.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Recipients that notices name, and those that were understood.
    pub(super) recipients: u64,
    /// Texts and attachments that are no notices: logs, reports.
    pub(super) attached: Vec<Vec<u8>>,
    /// A TLS report is in it.
    pub(super) reports: u64,
    /// What was cut.
    pub(super) notes: Vec<String>,
}

/// Reads a mail.
pub(super) fn mail(bytes: &[u8], tally: &mut Tally) -> Mail {
    let mut found = Mail::default();
    read(bytes, 0, &mut found, tally);
    if found.recipients == 0 {
        // The fields or the text alone.
        let text = String::from_utf8_lossy(bytes);
        found.recipients += status_fields(&text, &HashMap::new(), tally);
        if found.recipients == 0 {
            found.recipients += body(&text, tally);
        }
        if found.recipients > 0 {
            // They are what was counted.
            found.attached.clear();
        }
    }
    found
}

fn read(bytes: &[u8], depth: u32, found: &mut Mail, tally: &mut Tally) {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return;
    };
    message_parts(&message, depth, found, tally);
}

fn message_parts(
    message: &mail_parser::Message<'_>,
    depth: u32,
    found: &mut Mail,
    tally: &mut Tally,
) {
    if message.parts.len() > PARTS {
        note(
            found,
            format!("Only the first {PARTS} parts of the mail were read."),
        );
    }
    let before = found.recipients;
    let mut texts = Vec::new();
    let mut inner = Vec::new();
    let mut statuses = Vec::new();
    for part in message.parts.iter().take(PARTS) {
        let (kind, sub) = part.content_type().map_or(("text", ""), |kind| {
            (kind.ctype(), kind.subtype().unwrap_or_default())
        });
        let sub = sub.to_ascii_lowercase();
        let kind = kind.to_ascii_lowercase();
        match &part.body {
            _ if sub.ends_with("delivery-status") => {
                statuses.push(String::from_utf8_lossy(part.contents()).into_owned());
            }
            _ if sub.starts_with("tlsrpt") => {
                found.reports += 1;
            }
            PartType::Text(text) | PartType::Html(text) if kind == "text" => {
                texts.push(text.to_string());
            }
            PartType::Message(message) => inner.push(message),
            PartType::Text(_) | PartType::Html(_) => {
                found.attached.push(part.contents().to_vec());
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                found.attached.push(bytes.to_vec());
            }
            PartType::Multipart(_) => {}
        }
    }
    let reasons = reasons(&texts);
    for text in &statuses {
        found.recipients += status_fields(text, &reasons, tally);
    }
    if found.recipients == before {
        for text in texts {
            let recipients = body(&text, tally);
            found.recipients += recipients;
            if recipients == 0 {
                found.attached.push(text.into_bytes());
            }
        }
    }
    // The mail that was returned says nothing, unless it is a notice that
    // somebody forwards.
    if found.recipients == before {
        for message in inner {
            if depth >= DEPTH {
                note(
                    found,
                    format!("Mails inside mails were read {DEPTH} deep only."),
                );
                break;
            }
            message_parts(message, depth + 1, found, tally);
        }
    }
}

fn note(found: &mut Mail, text: String) {
    if !found.notes.contains(&text) {
        found.notes.push(text);
    }
}

/// What the text for people says about each recipient, in Postfix's words.
fn reasons(texts: &[String]) -> HashMap<String, String> {
    let mut all: HashMap<String, String> = HashMap::new();
    for text in texts {
        let mut open: Option<String> = None;
        for line in text.lines() {
            if let Some((address, rest)) = recipient_line(line) {
                let address = address.to_ascii_lowercase();
                if all.len() < PARTS {
                    all.insert(address.clone(), rest.trim().to_owned());
                    open = Some(address);
                }
            } else if let Some(reason) = open.as_ref().and_then(|it| all.get_mut(it))
                && line.starts_with([' ', '\t'])
                && !line.trim().is_empty()
                && reason.len() < 4096
            {
                reason.push(' ');
                reason.push_str(line.trim());
            } else {
                open = None;
            }
        }
    }
    all
}

/// The fields of RFC 3464 2.3, a block for each recipient; says how many.
/// `Diagnostic-Code: smtp` has the other server's reply alone, and the text for
/// people says what it replied to (`bounce_notify_util.c`).
fn status_fields(text: &str, reasons: &HashMap<String, String>, tally: &mut Tally) -> u64 {
    let mut recipients = 0;
    let mut since = None;
    for block in blocks(text) {
        if let Some(date) = block.get("arrival-date") {
            since = date_of_mail(date);
        }
        let Some(recipient) = block
            .get("final-recipient")
            .or_else(|| block.get("original-recipient"))
        else {
            continue;
        };
        recipients += 1;
        let action = block
            .get("action")
            .map(|action| first_word(action).to_ascii_lowercase())
            .unwrap_or_default();
        let status = block.get("status").map(|status| first_word(status));
        let permanent = status.is_some_and(|status| status.starts_with('5'));
        let outcome = match action.as_str() {
            "failed" => Outcome::Bounced,
            "delayed" => Outcome::Deferred,
            "" if permanent => Outcome::Bounced,
            "" => Outcome::Deferred,
            "delivered" | "relayed" | "expanded" => continue,
            _ if permanent => Outcome::Bounced,
            _ if status.is_some_and(|status| status.starts_with('2')) => continue,
            _ => Outcome::Deferred,
        };
        let address = recipient
            .split_once(';')
            .map_or(recipient.as_str(), |(_, address)| address);
        let domain = domain_of(address);
        let diagnostic = block.get("diagnostic-code").cloned().unwrap_or_default();
        let (kind, text) = diagnostic
            .split_once(';')
            .unwrap_or(("", diagnostic.as_str()));
        tally.of_mailcow |= kind.trim().eq_ignore_ascii_case("x-postcow");
        let reason = reasons.get(&address.trim().to_ascii_lowercase());
        let is_reply = kind.trim().eq_ignore_ascii_case("smtp");
        let text = match reason.filter(|_| is_reply) {
            Some(reason) => single_blanks(reason),
            None => single_blanks(text),
        };
        let mta = block
            .get("remote-mta")
            .and_then(|mta| mta.split_once(';'))
            .map(|(_, mta)| first_word(mta).to_ascii_lowercase())
            .filter(|mta| mta.contains('.'));
        let mut destination = Destination::of(domain, None, &text);
        if destination.host.is_none() {
            destination.host = mta.map(Into::into);
        }
        let cause = classify::delivery(&text, status, None);
        tally.add(&Record {
            destination: &destination,
            outcome,
            cause,
            dsn: status,
            tls: None,
            since,
            sample: &format!("{}: {}; {text}", address.trim(), kind.trim()),
            envelope: Envelope::default(),
        });
    }
    recipients
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

fn domain_of(address: &str) -> Option<&str> {
    let address = address.trim().trim_matches(['<', '>']);
    address
        .rsplit_once('@')
        .map(|(_, domain)| domain.trim())
        .filter(|domain| !domain.is_empty())
}

/// Fields by name in lower case, continuation lines joined, in blocks.
fn blocks(text: &str) -> Vec<HashMap<String, String>> {
    let mut all = Vec::new();
    let mut block: HashMap<String, String> = HashMap::new();
    let mut last: Option<String> = None;
    for line in text.lines() {
        if line.trim().is_empty() {
            if !block.is_empty() {
                all.push(std::mem::take(&mut block));
            }
            last = None;
            if all.len() >= PARTS {
                break;
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some(value) = last.as_ref().and_then(|name| block.get_mut(name)) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':')
            && !name.contains(' ')
        {
            let name = name.to_ascii_lowercase();
            block.insert(name.clone(), value.trim().to_owned());
            last = Some(name);
        } else {
            last = None;
        }
    }
    if !block.is_empty() {
        all.push(block);
    }
    all
}

/// `<u@a.example>: TEXT`, wrapped and indented (`bounce_notify_util.c`), and
/// Exchange Online's texts; says how many recipients.
pub(super) fn body(text: &str, tally: &mut Tally) -> u64 {
    let mut recipients = 0;
    let mut open: Option<(String, String)> = None;
    let is_delay = {
        let text = text.to_ascii_lowercase();
        [
            "delayed",
            "could not be delivered for",
            "not yet been delivered",
            "warning only",
        ]
        .iter()
        .any(|words| text.contains(words))
    };
    let mut last_address = String::new();
    let mut lines = text.lines().peekable();
    while let Some(raw) = lines.next() {
        let line = super::carried::unescaped(raw);
        let line = line.trim_end().trim_start_matches("> ");
        if let Some((address, rest)) = recipient_line(line) {
            finish(&mut open, is_delay, &mut recipients, tally);
            open = Some((address.to_owned(), rest.to_owned()));
            continue;
        }
        if let Some((_, text)) = &mut open {
            if line.starts_with([' ', '\t']) && !line.trim().is_empty() && text.len() < 4096 {
                text.push(' ');
                text.push_str(line.trim());
                continue;
            }
            finish(&mut open, is_delay, &mut recipients, tally);
        }
        // `Remote Server returned '550 5.7.323 tlsa-invalid: ...'`, after a
        // line with the address.
        let trimmed = line.trim();
        if let Some(reply) = remote_server_returned(trimmed) {
            let mut reply = reply.to_owned();
            while let Some(next) = lines.peek() {
                if next.trim().is_empty() || reply.contains('\'') || reply.len() > 2048 {
                    break;
                }
                reply.push(' ');
                reply.push_str(next.trim());
                lines.next();
            }
            let address = std::mem::take(&mut last_address);
            open = Some((address, reply.trim_matches(['\'', '"', ' ']).to_owned()));
            finish(&mut open, is_delay, &mut recipients, tally);
        } else if let Some(address) = address_in(trimmed) {
            last_address = address.to_owned();
        }
    }
    finish(&mut open, is_delay, &mut recipients, tally);
    recipients
}

fn finish(
    open: &mut Option<(String, String)>,
    is_delay: bool,
    recipients: &mut u64,
    tally: &mut Tally,
) {
    let Some((address, text)) = open.take() else {
        return;
    };
    *recipients += 1;
    let text = single_blanks(&text);
    let dsn = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find(|word| {
            word.split('.').count() == 3
                && word.starts_with(['4', '5'])
                && word.len() >= 5
                && word.get(1..2) == Some(".")
        });
    let permanent = text.starts_with('5') || dsn.is_some_and(|dsn| dsn.starts_with('5'));
    let outcome = if is_delay || !permanent && text.starts_with('4') {
        Outcome::Deferred
    } else {
        Outcome::Bounced
    };
    let cause = classify::delivery(&text, dsn, None);
    tally.add(&Record {
        destination: &Destination::of(domain_of(&address), None, &text),
        outcome,
        cause,
        dsn,
        tls: None,
        since: None,
        sample: &format!("<{address}>: {text}"),
        envelope: Envelope::default(),
    });
}

/// `<u@a.example>: TEXT`.
pub(super) fn recipient_line(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix('<')?;
    let (address, rest) = rest.split_once('>')?;
    if !address.contains('@') || address.contains(char::is_whitespace) {
        return None;
    }
    // `(expanded from <x>)` may stand between.
    let text = rest
        .split_once(": ")
        .map(|(between, text)| (between.trim(), text));
    match text {
        Some((between, text)) if between.is_empty() || between.starts_with('(') => {
            Some((address, text))
        }
        _ => rest.trim().strip_suffix(':').map(|_| (address, "")),
    }
}

fn remote_server_returned(line: &str) -> Option<&str> {
    let lower = line.to_ascii_lowercase();
    let at = lower.find("server returned ")?;
    line.get(at + "server returned ".len()..)
        .map(|rest| rest.trim_start_matches(['\'', '"']))
}

fn address_in(line: &str) -> Option<&str> {
    line.split([' ', '<', '>', '(', ')', ',', ';'])
        .map(|word| word.trim_matches(['\'', '"', '.', ':']))
        .find(|word| {
            word.split_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
        })
}

/// `Thu, 26 Nov 2026 14:20:01 +0100 (CET)` (RFC 5322 3.3).
fn date_of_mail(text: &str) -> Option<UnixTime> {
    let text = text.split('(').next().unwrap_or(text).trim();
    let moment =
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc2822).ok()?;
    Some(UnixTime(moment.unix_timestamp()))
}

/// Whether a line is the first of a mail: a field that mails begin with.
pub(super) fn begins_mail(line: &str) -> bool {
    if line.starts_with("From ") && line.contains('@') || line.starts_with("From MAILER-DAEMON") {
        return true;
    }
    let Some((name, _)) = line.split_once(':') else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    let known = [
        "return-path",
        "received",
        "delivered-to",
        "x-original-to",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "reporting-mta",
        "final-recipient",
        "auto-submitted",
        "authentication-results",
        "dkim-signature",
        "arc-seal",
        "envelope-to",
        "delivery-date",
        "original-recipient",
        "sender",
        "content-description",
    ];
    known.contains(&name.as_str())
        || (name.starts_with("x-") && name.len() > 3 && !name.contains(' '))
}
