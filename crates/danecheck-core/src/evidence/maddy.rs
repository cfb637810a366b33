//! maddy's log: `queue: delivery attempt failed<TAB>{json}`.

use serde_json::Value;

use super::cause::{self, Cause};
use super::destination::{Destination, lower};
use super::tally::{Envelope, Outcome, Record, Tally};

/// Reads a line; `false` if maddy did not write it.
pub(super) fn line(text: &str, tally: &mut Tally) -> bool {
    let Some((head, object)) = text.split_once('{') else {
        return false;
    };
    let head = head.trim_end();
    // `MODULE: TEXT`, after a time perhaps.
    if !head.contains(": ") {
        return false;
    }
    let whole = format!("{{{object}");
    let end = whole.rfind('}').map_or(whole.len(), |at| at + 1);
    let Ok(fields) = serde_json::from_str::<Value>(whole.get(..end).unwrap_or(&whole)) else {
        return false;
    };
    let has_id = fields.get("msg_id").is_some();
    if !head.ends_with("delivery attempt failed") {
        return has_id;
    }
    let field = |name: &str| fields.get(name).and_then(Value::as_str);
    let domain = field("domain")
        .or_else(|| field("rcpt").and_then(|rcpt| Some(rcpt.rsplit_once('@')?.1)))
        .map(str::to_ascii_lowercase);
    let code = fields.get("smtp_code").and_then(Value::as_u64);
    let outcome = if code.is_some_and(|code| (500..600).contains(&code)) {
        Outcome::Bounced
    } else {
        Outcome::Deferred
    };
    let reason = field("reason").unwrap_or_default();
    let tls_error = field("tls_err").unwrap_or_default();
    // What the other server answered proves nothing else.
    let refusal = || {
        let message = field("smtp_msg").filter(|_| reason.is_empty())?;
        super::classify::delivery(&format!("host said: {message}"), None, None)
    };
    let cause = of_text(&format!("{tls_error}; {reason}")).or_else(refusal);
    let mut destination = Destination::of(domain.as_deref(), None, "");
    destination.host = field("remote_server").map(|host| lower(host.trim_end_matches('.')));
    tally.add(&Record {
        destination: &destination,
        outcome,
        cause,
        dsn: field("smtp_enchcode"),
        tls: None,
        since: None,
        sample: text,
        envelope: Envelope::default(),
    });
    true
}

fn of_text(text: &str) -> Option<&'static Cause> {
    let text = text.to_ascii_lowercase();
    let has = |part: &str| text.contains(part);
    Some(match () {
        () if has("_tcp.") || has("tlsa lookup") => &cause::TLSA_LOOKUP_ERROR,
        () if has("tlsa") || has("dane") => &cause::CERTIFICATE_NO_MATCH,
        () if has("has expired or is not yet valid") => &cause::CERTIFICATE_EXPIRED,
        () if has("certificate is valid for") || has("not valid for any names") => {
            &cause::CERTIFICATE_NAME
        }
        () if has("unknown authority") => &cause::CERTIFICATE_UNTRUSTED,
        () if has("x509:") => &cause::CERTIFICATE_OTHER,
        () if has("tls: ") => &cause::HANDSHAKE_FAILURE,
        () if has("unauthenticated but required") || has("does not support starttls") => {
            &cause::STARTTLS_NOT_OFFERED
        }
        () if has("mta-sts") => &cause::STS_PATTERN,
        () if has("null mx") || has("does not accept email") => &cause::NULL_MX,
        () if has("servfail") || has("server misbehaving") => &cause::DNS_TRY_AGAIN,
        () if has("nxdomain") || has("no such host") || has("no such domain") => {
            &cause::DNS_NOTHING
        }
        () if has("connection refused")
            || has("i/o timeout")
            || has("unreachable")
            || has("dial tcp") =>
        {
            &cause::NOT_CONNECTED
        }
        () => return None,
    })
}
