//! Exim's main log, for what it says about mail that waits (`smtp.c`,
//! `deliver.c`).

use std::collections::HashMap;

use super::cause::{self, Cause};
use super::destination::{Certainty, Destination, lower};
use super::reply::own;
use super::tally::{Envelope, Outcome, Record, Tally};

/// Messages whose warnings are remembered.
const REMEMBERED: usize = 2000;

/// What the log said of each message so far.
#[derive(Debug, Default)]
pub(super) struct EximLines {
    of_message: HashMap<String, (&'static Cause, Option<String>)>,
}

impl EximLines {
    /// Reads a line; `false` if Exim did not write it.
    pub(super) fn line(&mut self, text: &str, tally: &mut Tally) -> bool {
        let Some((id, rest)) = message(text) else {
            return self.quoted(text, tally);
        };
        if is_sender(rest) {
            return false;
        }
        let (sign, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let outcome = match sign {
            "==" => Outcome::Deferred,
            "**" => Outcome::Bounced,
            _ => {
                self.warning(Some(id), rest, text, tally);
                return true;
            }
        };
        let before = self.of_message.remove(id);
        if let Some((cause, Some(host))) = &before {
            tally.repeated(cause, host);
        }
        let (address, rest) = recipient(after);
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        let what = reason(rest);
        // The warning before it says that DANE was the measure.
        let cause = before.map(|(cause, _)| cause).or_else(|| of_text(what));
        let peer = own(rest)
            .split_once(" H=")
            .map(|(_, peer)| peer.trim_start());
        let host = peer.and_then(|peer| peer.split([' ', ':', '[']).next());
        let port = peer.and_then(port);
        let mut destination = Destination::of(domain, None, "");
        destination.host = host.map(lower);
        if let (Some(host), Some(port)) = (host, port)
            && port != 25
        {
            destination.name = Some(format!("[{}]:{port}", lower(host)).into());
            destination.certainty = Certainty::Relay;
        }
        tally.add(&Record {
            destination: &destination,
            outcome,
            cause,
            dsn: None,
            tls: None,
            since: None,
            sample: text,
            envelope: Envelope::default(),
        });
        true
    }

    /// A line that somebody quotes without its beginning.
    fn quoted(&mut self, text: &str, tally: &mut Tally) -> bool {
        let Some((before, _)) = text.split_once("DANE attempt failed; TLS connection to ") else {
            return false;
        };
        // Subjects, and what other servers answered, stand behind other words.
        let is_exim = before.len() <= 60 && !before.contains(['"', '=', '(']);
        if is_exim {
            let warning = text.get(before.len()..).unwrap_or_default();
            self.warning(None, warning, text, tally);
        }
        is_exim
    }

    /// `DANE attempt failed; TLS connection to HOST [ADDRESS]: ...`.
    fn warning(&mut self, id: Option<&str>, warning: &str, text: &str, tally: &mut Tally) {
        let Some(rest) = warning.strip_prefix("DANE attempt failed; ") else {
            return;
        };
        let Some(cause) = of_text(&format!("DANE attempt failed; {rest}")) else {
            return;
        };
        let host = rest
            .split_once("TLS connection to ")
            .and_then(|(_, rest)| rest.split([' ', '[', ':']).next())
            .filter(|host| !host.is_empty())
            .map(|host| format!("[{}]", host.to_ascii_lowercase()));
        tally.remark(cause, host.as_deref(), text);
        if let Some(id) = id {
            if self.of_message.len() >= REMEMBERED {
                self.of_message.clear();
            }
            let id: String = id.chars().take(40).collect();
            self.of_message.insert(id, (cause, host));
        }
    }
}

/// The id of the message, `1abcDE-000000-Ab` or that of Exim 4.97 and later,
/// and what follows.
fn message(text: &str) -> Option<(&str, &str)> {
    let mut rest = text;
    for _ in 0..10 {
        let (word, after) = rest.trim_start().split_once(' ')?;
        if is_id(word) {
            return Some((word, after.trim_start()));
        }
        // What syslog writes before a line of another program.
        if word.ends_with(':') && !word.starts_with("exim") {
            return None;
        }
        rest = after;
    }
    None
}

/// The port of `HOST [ADDRESS]:PORT`.
fn port(peer: &str) -> Option<u16> {
    let (_, rest) = peer.split_once("]:")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Whether a line is one of `exim -bp` or of `exiqgrep`: it says what waits, and not
/// why.
pub(super) fn is_listed(text: &str) -> bool {
    is_id(text.trim()) || message(text).is_some_and(|(_, rest)| is_sender(rest))
}

/// `<s@a.example>` after the id, or `From: <s@a.example>`; the main log has `<=` there.
fn is_sender(rest: &str) -> bool {
    rest.starts_with('<') && !rest.starts_with("<=") || rest.starts_with("From: <")
}

fn is_id(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let [one, two, three] = parts.as_slice() else {
        return false;
    };
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    one.len() == 6
        && (two.len(), three.len()) != (0, 0)
        && matches!((two.len(), three.len()), (6, 2) | (11, 4))
        && letters(one)
        && letters(two)
        && letters(three)
}

/// `u@a.example`, or `alias <u@a.example>`.
fn recipient(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(rest) = rest.strip_prefix('<')
        && let Some((address, rest)) = rest.split_once('>')
    {
        return (address, rest);
    }
    (
        first.trim_end_matches(':'),
        text.get(first.len()..).unwrap_or(rest),
    )
}

/// What follows `defer (-37)` or `T=remote_smtp ...:`.
fn reason(rest: &str) -> &str {
    let rest = rest
        .split_once(" defer (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or(rest, |(_, rest)| rest);
    rest.split_once(": ").map_or(rest, |(_, text)| text)
}

fn of_text(text: &str) -> Option<&'static Cause> {
    if own(text).len() < text.len() {
        // What the other server answered.
        return super::classify::delivery(text, None, None);
    }
    let text = text.to_ascii_lowercase();
    let has = |part: &str| text.contains(part);
    let certificate = has("certificate") || has("verif") || has("tlsa record");
    Some(match () {
        () if has("tlsa lookup") => &cause::TLSA_LOOKUP_ERROR,
        () if has("no tls connection available") || has("did not offer tls support") => {
            &cause::STARTTLS_NOT_OFFERED
        }
        () if has("dane") && certificate => &cause::CERTIFICATE_NO_MATCH,
        () if has("dane attempt failed") => &cause::HANDSHAKE_FAILURE,
        () if has("certificate verif") || has("verify failed") => &cause::CERTIFICATE_NOT_VERIFIED,
        () if has("attempt to start tls failed") || has("tls session:") || has("ssl_connect") => {
            &cause::HANDSHAKE_FAILURE
        }
        () if has("host lookup did not complete") || has("host lookup deferred") => {
            &cause::DNS_TRY_AGAIN
        }
        () if has("mx records point to non-existent hosts")
            || has("lowest numbered mx record points") =>
        {
            &cause::DNS_NOTHING
        }
        () if has("connection refused") || has("connection timed out") || has("unreachable") => {
            &cause::NOT_CONNECTED
        }
        () if has("closed connection") => &cause::LOST_CONNECTION,
        () => return super::classify::delivery(&text, None, None),
    })
}
