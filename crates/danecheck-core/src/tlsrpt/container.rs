//! What reports come in: gzip, mails, archives of mails.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use mail_parser::{MessageParser, MimeHeaders as _, PartType};

/// Bytes that an input may expand to.
pub const LONGEST: u64 = 64 * 1024 * 1024;

/// Mails inside mails, and data compressed twice.
const DEPTH: u32 = 4;

/// Parts of a mail that are read.
const PARTS: usize = 1000;

/// A report's text, and the domain that its file's name or its mail's subject
/// has.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) json: Vec<u8>,
    pub(super) domain: Option<String>,
}

pub(super) fn open(
    name: &str,
    bytes: &[u8],
    depth: u32,
    contents: &mut Vec<Content>,
    notes: &mut Vec<String>,
) {
    if depth > DEPTH {
        notes.push(format!(
            "what is packed deeper than {DEPTH} times was not read"
        ));
        return;
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut text = Vec::new();
        let read = MultiGzDecoder::new(bytes)
            .take(LONGEST)
            .read_to_end(&mut text);
        if read.is_err() {
            notes.push("the compressed data is damaged or ends early".to_owned());
        }
        if text.len() as u64 >= LONGEST {
            notes.push("it expands to too much: the rest was not read".to_owned());
        }
        open(name, &text, depth + 1, contents, notes);
        return;
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii_start().starts_with(b"{") || text.trim_ascii_start().starts_with(b"[") {
        contents.push(Content {
            json: text.to_vec(),
            domain: domain_of_name(name),
        });
        return;
    }
    if let Some(message) = MessageParser::default().parse(text)
        && !message.headers().is_empty()
    {
        let domain = message.subject().and_then(domain_of_subject);
        mail(&message, domain.as_deref(), depth, contents, notes);
    }
}

fn mail(
    message: &mail_parser::Message<'_>,
    domain: Option<&str>,
    depth: u32,
    contents: &mut Vec<Content>,
    notes: &mut Vec<String>,
) {
    if message.parts.len() > PARTS {
        notes.push(format!(
            "only the first {PARTS} parts of the mail were read"
        ));
    }
    for part in message.parts.iter().take(PARTS) {
        let from = contents.len();
        match &part.body {
            PartType::Message(inner) if depth < DEPTH => {
                let domain = inner.subject().and_then(domain_of_subject);
                mail(inner, domain.as_deref(), depth + 1, contents, notes);
            }
            PartType::Multipart(_) | PartType::Message(_) => {}
            _ => {
                let bytes = part.contents();
                let start = bytes.trim_ascii_start();
                // Prose is no report, and no mail inside the mail.
                if bytes.starts_with(&[0x1f, 0x8b]) || start.starts_with(b"{") {
                    let name = part.attachment_name().unwrap_or_default();
                    open(name, bytes, depth + 1, contents, notes);
                }
            }
        }
        for content in contents.iter_mut().skip(from) {
            if content.domain.is_none() {
                content.domain = domain.map(str::to_owned);
            }
        }
    }
}

/// `ORGANIZATION!DOMAIN!BEGIN!END.json.gz` (RFC 8460 5.1).
fn domain_of_name(name: &str) -> Option<String> {
    let name = name.rsplit('/').next()?;
    let mut parts = name.split('!');
    let domain = parts.nth(1)?;
    parts.next()?;
    plausible(domain)
}

/// `Report Domain: DOMAIN Submitter: ...` (RFC 8460 5.3).
fn domain_of_subject(subject: &str) -> Option<String> {
    let lower = subject.to_ascii_lowercase();
    let (_, rest) = lower.split_once("report domain:")?;
    plausible(rest.split_whitespace().next()?)
}

fn plausible(domain: &str) -> Option<String> {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let fits = domain.contains('.')
        && domain.len() <= 255
        && domain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    fits.then_some(domain)
}
