//! The lines of a Postfix log: what each says about the delivery of its
//! process, and which lines are parts of one.

use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::carried::{is_quoted_printable, of_container, unescaped};
use super::cause::{self, Cause};
use super::classify;
use super::destination::{self, Destination, after};
use super::filter::process_of;
use super::later::Later;
use super::line::{
    Body, Delivery, Line, RECIPIENT, has_tag_of_another, head_of_delivery, is_queue_id,
    single_blanks,
};
use super::reply;
use super::tag::{begins_record, may_warn};
use super::tally::{Envelope, Outcome, Record, Tally};

/// Postfix writes no longer line; the rest of such a line is ignored.
pub(super) const LONGEST_LINE: usize = 16 * 1024;

/// Processes, domains and servers that are remembered.
const REMEMBERED: usize = 2000;

/// Lines that one record may be wrapped into.
const PARTS: usize = 12;

/// Warnings of one process that its delivery may repeat.
const WARNINGS: usize = 8;

/// What the lines of a log said so far.
#[derive(Debug, Default)]
pub(super) struct LogLines {
    /// What a process said about its current delivery.
    of_process: HashMap<String, Said>,
    /// The last cause that a domain's mail waited for.
    of_domain: HashMap<String, &'static Cause>,
    /// Why a server's certificate was refused, where no line names its process.
    of_peer: HashMap<String, &'static Cause>,
    /// Deliveries to a server whose certificate was refused, where the reason
    /// may come after: mailcow shows the newest line first.
    unexplained: HashMap<String, (Option<String>, Outcome)>,
    /// What was deferred, until the log says how it ended.
    later: Later,
    /// Deliveries whose status could not be read.
    pub(super) unread: u64,
    /// A record that goes on in the next line.
    open: Option<Vec<String>>,
    /// That record, or a part of it, was in quoted-printable.
    is_quoted_printable: bool,
    /// A line that the log of a container goes on with, in the same stream.
    cut: String,
    /// It is of its standard error.
    cut_of_errors: bool,
}

/// What a process said about its current delivery.
#[derive(Debug, Default)]
struct Said {
    cause: Option<&'static Cause>,
    /// The next hop, in Postfix's own words, and the host.
    named: Option<(String, Option<String>)>,
    /// Warnings that the delivery may repeat.
    warnings: Vec<(&'static Cause, String)>,
}

/// What a line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// A line of Postfix.
    Postfix,
    /// The same, on mailcow's web page.
    Mailcow,
    /// A part of a line before it.
    Part,
    /// No line of Postfix.
    Nothing,
}

impl LogLines {
    /// Whether the next line may go on with the one before it.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some() || !self.cut.is_empty()
    }

    /// A delivery that succeeded: what its process said is over, and this mail waits
    /// no more.
    pub(super) fn succeeded(&mut self, line: &[u8], tally: &mut Tally) {
        if !self.of_process.is_empty() {
            self.of_process.remove(&process_of(line));
        }
        if let Some(deferred) = self.later.ended(line) {
            tally.delivered_later(&deferred);
        }
    }

    /// Whether something was said that a success ends.
    pub(super) fn waits_for_successes(&self) -> bool {
        !self.of_process.is_empty() || !self.later.is_empty()
    }

    /// Reads one line, without its line end.
    pub(super) fn line(&mut self, text: &str, tally: &mut Tally) -> Took {
        self.is_quoted_printable |= is_quoted_printable(text);
        let whole;
        let mut text = text;
        if let Some((goes_on, part, of_errors)) = of_container(text)
            && (goes_on || !self.cut.is_empty())
            && (self.cut.is_empty() || self.cut_of_errors == of_errors)
        {
            self.cut_of_errors = of_errors;
            if self.cut.len() < LONGEST_LINE {
                self.cut.push_str(part);
            }
            if goes_on {
                return Took::Part;
            }
            whole = std::mem::take(&mut self.cut);
            text = &whole;
        }
        let text = unescaped(text);
        if let Some(parts) = &mut self.open {
            let goes_on = !text.trim().is_empty() && !begins_record(&text) && parts.len() < PARTS;
            if goes_on {
                let part = text.trim_start_matches(['>', ' ', '\t']);
                let part = without_soft_break(part, self.is_quoted_printable);
                parts.push(part.to_owned());
                let so_far = parts.join(" ");
                let message = column_of_message(&so_far);
                if !wants_more(Line::parse(message).as_ref(), message) {
                    self.end(tally);
                }
                return Took::Part;
            }
            self.end(tally);
        }
        let is_page = is_of_mailcows_page(&text);
        let message = if is_page {
            column_of_message(&text)
        } else {
            &text
        };
        let line = Line::parse(message);
        tally.of_mailcow |= line.as_ref().is_some_and(|line| is_mailcows(line.instance));
        let took = if is_page {
            Took::Mailcow
        } else if line.is_some() || text.contains(", relay=") && is_part_of_delivery(&text) {
            Took::Postfix
        } else {
            return Took::Nothing;
        };
        if wants_more(line.as_ref(), message) {
            let part = without_soft_break(&text, self.is_quoted_printable);
            self.open = Some(vec![part.to_owned()]);
        } else {
            let other = || Line {
                process: "",
                instance: "",
                body: Body::Other(message),
            };
            if let Some(line) = line.or_else(|| is_page.then(other)) {
                self.parsed(line, &text, tally);
            }
        }
        took
    }

    /// Nothing follows.
    pub(super) fn end(&mut self, tally: &mut Tally) {
        self.cut.clear();
        self.is_quoted_printable = false;
        let Some(parts) = self.open.take() else {
            return;
        };
        // Mail programs wrap at blanks, `fold` anywhere.
        let wrapped = parts.join(" ");
        let folded = parts.concat();
        let is_whole = |text: &str| match Line::parse(text).map(|line| line.body) {
            Some(Body::Delivery(delivery)) => {
                !delivery.is_torn()
                    && (delivery.status == "sent"
                        || classify::delivery(&delivery.text, delivery.dsn, None).is_some())
            }
            _ => false,
        };
        if parts.len() > 1 && !is_whole(&wrapped) && is_whole(&folded) {
            self.whole(&folded, tally);
        } else {
            self.whole(&wrapped, tally);
        }
    }

    fn whole(&mut self, text: &str, tally: &mut Tally) {
        let message = column_of_message(text);
        let other = || Line {
            process: "",
            instance: "",
            body: Body::Other(message),
        };
        let line = Line::parse(message);
        if let Some(line) = line.or_else(|| (message != text).then(other)) {
            self.parsed(line, text, tally);
        } else {
            // A delivery without a status.
            self.unread += 1;
        }
    }

    fn parsed(&mut self, line: Line<'_>, text: &str, tally: &mut Tally) {
        match line.body {
            Body::Delivery(delivery) => self.delivery(line.process, &delivery, text, tally),
            Body::Other(message) => self.other(line.process, message, text, tally),
        }
    }

    fn other(&mut self, process: &str, message: &str, text: &str, tally: &mut Tally) {
        if begins_delivery(message) {
            // Its status is cut off, or none that is known: no success either.
            self.unread += 1;
            return;
        }
        if !may_warn(process) {
            return;
        }
        let message = own_warning(message);
        let has_pid = process.contains('[');
        if let Some((next_hop, host, why)) = destination::policy_lookup(message) {
            let Some(cause) = classify::delivery(&single_blanks(why), None, None) else {
                return;
            };
            let name = next_hop.to_ascii_lowercase();
            tally.remark(cause, Some(&name), text);
            if has_pid {
                let said = entry(&mut self.of_process, process);
                said.named = Some((name.clone(), Some(host.to_owned())));
                if said.warnings.len() < WARNINGS {
                    said.warnings.push((cause, name));
                }
            }
        } else if let Some(cause) = classify::hint(message) {
            if has_pid {
                let said = entry(&mut self.of_process, process);
                said.cause = Some(cause);
                if let Some(next_hop) = destination::quoted(message) {
                    said.named = Some((next_hop.to_owned(), None));
                }
            }
            // With smtp_tls_connection_reuse another process does the handshake.
            if (!has_pid || process.starts_with("tlsproxy["))
                && let Some(peer) = refused_peer(message)
            {
                remember(&mut self.of_peer, peer, cause);
                if let Some((next_hop, outcome)) = self.unexplained.remove(peer) {
                    let before = &cause::CERTIFICATE_NOT_VERIFIED;
                    tally.explained_later(before, cause, next_hop.as_deref(), outcome);
                }
            }
            if let Some(next_hop) = destination::quoted(message)
                && *cause == cause::POLICY_LOOKUP
            {
                let name = next_hop.to_ascii_lowercase();
                tally.remark(cause, Some(&name), text);
                if has_pid {
                    let said = entry(&mut self.of_process, process);
                    if said.warnings.len() < WARNINGS {
                        said.warnings.push((cause, name));
                    }
                }
            }
        } else if let Some(cause) = classify::remark(message) {
            tally.remark(cause, None, text);
        }
    }

    fn delivery(&mut self, process: &str, delivery: &Delivery<'_>, text: &str, tally: &mut Tally) {
        let said = match self.of_process.is_empty() {
            true => Said::default(),
            false => self.of_process.remove(process).unwrap_or_default(),
        };
        let outcome = match delivery.status {
            // `undeliverable` is what address probes get.
            // `SOFTBOUNCE` is what soft_bounce makes of `bounced`.
            "deferred" | "undeliverable" | "SOFTBOUNCE" => Outcome::Deferred,
            "bounced" => Outcome::Bounced,
            "sent" => {
                if let Some(deferred) = self.later.ended(text.as_bytes()) {
                    tally.delivered_later(&deferred);
                }
                return;
            }
            _ => return,
        };
        let domain = delivery.domain.map(destination::lower);
        let of_peer = || {
            let peer = delivery.relay.filter(|_| !self.of_peer.is_empty())?;
            self.of_peer.get(peer).copied()
        };
        let of_domain = domain
            .as_deref()
            .and_then(|domain| self.of_domain.get(domain).copied());
        let before = said.cause.or_else(of_peer).or(of_domain);
        let cause = classify::delivery(&delivery.text, delivery.dsn, before);
        if cause.is_none() && !delivery.complete {
            self.unread += 1;
            return;
        }
        let destination = match &said.named {
            Some((name, host)) => Destination::named(name, host.as_deref()),
            None => Destination::of(domain.as_deref(), delivery.relay, &delivery.text),
        };
        for (cause, name) in &said.warnings {
            tally.repeated(cause, name);
        }
        if let (Some(domain), Some(cause)) = (&domain, cause)
            && of_domain != Some(cause)
        {
            remember(&mut self.of_domain, domain, cause);
        }
        if let Some(peer) = delivery.relay
            && !process.contains('[')
            && cause.is_some_and(|cause| *cause == cause::CERTIFICATE_NOT_VERIFIED)
        {
            let name = destination.name.as_deref().map(str::to_owned);
            let about = (name, outcome);
            remember(&mut self.unexplained, peer, about);
        }
        if let (Some(name), Some(cause)) = (destination.name.as_deref(), cause)
            && cause.concerns_dns_or_tls()
            && matches!(delivery.status, "deferred" | "SOFTBOUNCE")
        {
            self.later.deferred(text.as_bytes(), name);
        } else if outcome == Outcome::Bounced
            && let Some(deferred) = self.later.ended(text.as_bytes())
        {
            tally.ended(&deferred);
        }
        tally.add(&Record {
            destination: &destination,
            outcome,
            cause,
            dsn: delivery.dsn,
            tls: delivery.tls,
            since: None,
            sample: text,
            envelope: Envelope::default(),
        });
    }
}

/// What the SMTP client says of its own: nothing of what a server answered, and of
/// no certificate's names.
fn own_warning(message: &str) -> &str {
    let id_less = match message.split_once(": ") {
        Some((id, rest)) if is_queue_id(id) => rest,
        _ => message,
    };
    let is_of_server = ["host ", "non-", "< ", "> "]
        .iter()
        .any(|begin| id_less.starts_with(begin));
    if is_of_server {
        return "";
    }
    let own = reply::own(message);
    ["subject_CN=", "issuer_CN=", "issuer="]
        .iter()
        .filter_map(|names| own.split_once(names))
        .map(|(own, _)| own)
        .min_by_key(|own| own.len())
        .unwrap_or(own)
}

static FAILED_FOR: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("certificate verification failed for"));
static LOOKUP_FOR: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("TLS policy lookup for "));

/// Whether a line is only the beginning of a record.
fn wants_more(line: Option<&Line<'_>>, text: &str) -> bool {
    match line.map(|line| &line.body) {
        Some(Body::Delivery(delivery)) => !delivery.complete,
        Some(Body::Other(message)) => {
            begins_delivery(message)
                || (message.ends_with(':') && message.len() < 24 && !message.contains(' '))
                || after(&FAILED_FOR, message).is_some_and(|why| !why.contains("num="))
                || (LOOKUP_FOR.find(message.as_bytes()).is_some()
                    && destination::policy_lookup(message).is_none())
        }
        None => is_part_of_delivery(text),
    }
}

/// The same without the tag of a program.
fn is_part_of_delivery(text: &str) -> bool {
    RECIPIENT.find(text.as_bytes()).is_some()
        && head_of_delivery(text, false).is_some()
        && !has_tag_of_another(text)
}

/// Whether a message is that of a delivery, as far as it goes.
fn begins_delivery(message: &str) -> bool {
    RECIPIENT.find(message.as_bytes()).is_some()
        && head_of_delivery(message, true).is_some_and(|head| head.starts_with("to=<"))
}

/// The part of a line without the mark with which quoted-printable goes on in the
/// next line (RFC 2045 6.7).
fn without_soft_break(part: &str, is_quoted_printable: bool) -> &str {
    let part = part.trim_end();
    match is_quoted_printable {
        true => part.strip_suffix('=').unwrap_or(part),
        false => part,
    }
}

/// `H[IP]:25` of `certificate verification failed for H[IP]:25: REASON`.
fn refused_peer(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("certificate verification failed for ")?;
    Some(rest.split_once(": ")?.0)
}

/// Transports and containers that mailcow alone has.
fn is_mailcows(instance: &str) -> bool {
    instance.contains("enforced-tls-smtp") || instance.contains("smtp_enforced_tls")
}

/// `TIME | PRIORITY | MESSAGE`, as mailcow's web page shows it, also with tabs,
/// as browsers copy it.
fn columns(text: &str) -> Option<&str> {
    let separator = if text.contains(" | ") { "|" } else { "\t" };
    let mut found = None;
    let mut rest = text;
    for _ in 0..4 {
        let (column, after) = rest.split_once(separator)?;
        if is_priority(column.trim()) {
            found = Some(after);
            break;
        }
        rest = after;
    }
    // A program may stand after the priority.
    let message = found?;
    match message.split_once(separator) {
        Some((program, after)) if !program.trim().contains(' ') => Some(after.trim()),
        _ => Some(message.trim()),
    }
}

fn is_priority(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "debug"
            | "info"
            | "notice"
            | "warn"
            | "warning"
            | "err"
            | "error"
            | "crit"
            | "alert"
            | "emerg"
            | "critical"
    )
}

/// Whether a line is one of mailcow's web page.
pub(super) fn is_of_mailcows_page(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && columns(text).is_some()
}

fn column_of_message(text: &str) -> &str {
    if is_of_mailcows_page(text) {
        columns(text).unwrap_or(text)
    } else {
        text
    }
}

fn entry<'a>(map: &'a mut HashMap<String, Said>, name: &str) -> &'a mut Said {
    if map.len() >= REMEMBERED && !map.contains_key(name) {
        // What a process said long ago belongs to no later delivery.
        map.clear();
    }
    map.entry(name.chars().take(255).collect()).or_default()
}

fn remember<T>(map: &mut HashMap<String, T>, name: &str, value: T) {
    if let Some(known) = map.get_mut(name) {
        *known = value;
        return;
    }
    if map.len() >= REMEMBERED {
        map.clear();
    }
    if name.len() <= 255 {
        map.insert(name.to_owned(), value);
    }
}
