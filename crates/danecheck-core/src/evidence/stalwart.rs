//! Stalwart's log: `TIME LEVEL Text (event.id) key = value, ...`.

use super::cause::{self, Cause};
use super::destination::Destination;
use super::tally::{Envelope, Outcome, Record, Tally};

/// The groups of events that Stalwart's SMTP writes.
const GROUPS: &[&str] = &[
    "dane",
    "delivery",
    "mta-sts",
    "queue",
    "smtp",
    "tls",
    "tls-rpt",
    "dsn",
    "dkim",
    "spf",
    "dmarc",
    "iprev",
    "arc",
    "message-ingest",
    "outgoing-report",
    "network",
    "server",
];

/// Reads a line; `false` if Stalwart did not write it.
pub(super) fn line(text: &str, tally: &mut Tally) -> bool {
    let Some((event, rest)) = event(text) else {
        return false;
    };
    let is_strict = value(rest, "strict").is_some_and(|strict| strict == "true");
    let what = match of_event(event, is_strict) {
        What::Failure(cause) => cause,
        What::Remark(cause) => {
            tally.remark(cause, value(rest, "domain").as_deref(), text);
            return true;
        }
        What::Line => return true,
    };
    let domain = value(rest, "domain")
        .or_else(|| value(rest, "to").and_then(|to| Some(to.rsplit_once('@')?.1.to_owned())));
    let mut destination = Destination::of(domain.as_deref(), None, "");
    destination.host = value(rest, "hostname").map(Into::into);
    if destination.name.is_none() {
        destination.name = destination
            .host
            .as_ref()
            .map(|host| format!("[{host}]").into());
    }
    tally.add(&Record {
        destination: &destination,
        outcome: Outcome::Deferred,
        cause: what,
        dsn: None,
        tls: None,
        since: None,
        sample: text,
        envelope: Envelope::default(),
    });
    true
}

/// `dane.tlsa-record-fetch-error` and what follows.
fn event(text: &str) -> Option<(&str, &str)> {
    let mut rest = text;
    for _ in 0..4 {
        let (_, after) = rest.split_once('(')?;
        let (id, tail) = after.split_once(')')?;
        if let Some((group, name)) = id.split_once('.')
            && GROUPS.contains(&group)
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        {
            return Some((id, tail));
        }
        rest = after;
    }
    None
}

enum What {
    Failure(Option<&'static Cause>),
    Remark(&'static Cause),
    Line,
}

/// `strict` where the level requires DANE.
fn of_event(event: &str, is_strict: bool) -> What {
    What::Failure(Some(match event {
        "dane.authentication-failure" => &cause::CERTIFICATE_NO_MATCH,
        "dane.no-certificates-found" | "dane.certificate-parse-error" => &cause::CERTIFICATE_OTHER,
        "dane.tlsa-record-fetch-error" => &cause::TLSA_LOOKUP_ERROR,
        "dane.tlsa-record-not-found" | "dane.tlsa-record-not-dnssec-signed" if is_strict => {
            &cause::NO_TLSA_RECORDS
        }
        "dane.tlsa-record-invalid" if is_strict => &cause::TLSA_RECORDS_UNUSABLE,
        "dane.tlsa-record-invalid" => return What::Remark(&cause::UNUSABLE_RECORD),
        "mta-sts.not-authorized" => &cause::STS_PATTERN,
        "delivery.start-tls-unavailable" | "delivery.start-tls-disabled" => {
            &cause::STARTTLS_NOT_OFFERED
        }
        "delivery.start-tls-error" | "delivery.implicit-tls-error" => &cause::HANDSHAKE_FAILURE,
        "delivery.mx-lookup-failed" | "delivery.ip-lookup-failed" => &cause::DNS_TRY_AGAIN,
        "delivery.null-mx" => &cause::NULL_MX,
        "delivery.connect-error" => &cause::NOT_CONNECTED,
        "delivery.greeting-failed" => &cause::REFUSED_TO_TALK,
        "delivery.ehlo-rejected"
        | "delivery.mail-from-rejected"
        | "delivery.rcpt-to-rejected"
        | "delivery.message-rejected"
        | "delivery.auth-failed"
        | "delivery.rcpt-to-failed"
        | "delivery.concurrency-limit-exceeded"
        | "delivery.double-bounce" => return What::Failure(None),
        _ => return What::Line,
    }))
}

/// `key = "value"` or `key=value`.
fn value(text: &str, key: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once(key)?;
        let starts = before.is_empty() || before.ends_with([' ', ',', '\t']);
        if starts && let Some(value) = after.trim_start().strip_prefix('=') {
            let value = value.trim_start();
            let value = match value.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next()?,
                None => value.split([',', ' ', ')']).next()?,
            };
            return (!value.is_empty()).then(|| value.trim_end_matches('.').to_ascii_lowercase());
        }
        rest = after;
    }
}
