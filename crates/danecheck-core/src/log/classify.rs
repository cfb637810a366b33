//! From a text of the log to its cause: the texts of `smtp_proto.c`,
//! `smtp_connect.c`, `smtp_addr.c` and `smtp_tls_policy.c`.

use super::cause::{self, Cause};

/// What the text in the parentheses of a delivery means. `before` is the
/// previous cause of the same process or domain; a repetition, and "not
/// verified" without a reason, mean that cause.
pub(super) fn delivery(
    text: &str,
    dsn: Option<&str>,
    before: Option<&'static Cause>,
) -> Option<&'static Cause> {
    // `qmgr_deliver.c`: the destination is suspended for now, for the same
    // reason.
    let text = text
        .strip_prefix("delivery temporarily suspended: ")
        .unwrap_or(text);
    let has = |part: &str| text.contains(part);
    if matches!(dsn, Some("5.7.10" | "5.7.30")) || has("REQUIRETLS") {
        return Some(&cause::REQUIRETLS);
    }
    Some(match text {
        "Server certificate not verified" => match before {
            Some(why) if is_verification(why) => why,
            _ => &cause::CERTIFICATE_NOT_VERIFIED,
        },
        "no TLSA records found" => &cause::NO_TLSA_RECORDS,
        "non DNSSEC destination" => &cause::NON_DNSSEC_DESTINATION,
        "TLSA records unusable" => &cause::TLSA_RECORDS_UNUSABLE,
        "unknown mail transport error" => &cause::SMTP_CRASHED,
        _ if has("TLSA lookup error for ") => &cause::TLSA_LOOKUP_ERROR,
        _ if has("client TLS configuration problem") => match before {
            Some(why) if *why == cause::POLICY_LOOKUP => why,
            _ => &cause::CLIENT_CONFIGURATION,
        },
        _ if has("Cannot start TLS") => match before {
            Some(why) if *why == cause::BAD_PROTOCOLS => why,
            _ => &cause::HANDSHAKE_FAILURE,
        },
        _ if has("TLS is required, but our TLS engine is unavailable") => &cause::TLS_ENGINE,
        _ if has("TLS is required, but unavailable") => &cause::TLS_UNAVAILABLE,
        _ if has("TLS is required, but was not offered") => &cause::STARTTLS_NOT_OFFERED,
        _ if has(" refused to start TLS: 5") => &cause::STARTTLS_REFUSED_FOR_GOOD,
        _ if has(" refused to start TLS: 421") => &cause::STARTTLS_REFUSED_AND_CLOSED,
        _ if has(" refused to start TLS: ") => &cause::STARTTLS_REFUSED_FOR_NOW,
        _ if has("while receiving the STARTTLS response") => &cause::STARTTLS_NO_REPLY,
        _ if has("while sending MAIL FROM")
            || has("while sending RCPT TO")
            || has("while sending DATA command") =>
        {
            &cause::LOST_BEFORE_MESSAGE
        }
        _ if text.starts_with("Protocol error: ") => &cause::OUT_OF_STEP,
        _ if text.starts_with("host ") && has(" said: ") && has(" (in reply to ") => {
            &cause::MESSAGE_REFUSED
        }
        _ if has("server unavailable or unable to receive mail") => &cause::STS_PATTERN,
        _ if has(" refused to talk to me: ") => &cause::REFUSED_TO_TALK,
        _ if text.starts_with("lost connection with ")
            || text.starts_with("conversation with ") =>
        {
            &cause::LOST_CONNECTION
        }
        _ if text.starts_with("connect to ") => &cause::NOT_CONNECTED,
        _ if has("(nullMX)") => &cause::NULL_MX,
        _ if has("Name service error for ") => name_service(text),
        _ => return None,
    })
}

fn name_service(text: &str) -> &'static Cause {
    if text.ends_with("Host not found, try again") {
        &cause::DNS_TRY_AGAIN
    } else if text.ends_with("Host not found")
        || text.ends_with("Host found but no data record of requested type")
    {
        &cause::DNS_NOTHING
    } else {
        &cause::DNS_FAILED
    }
}

fn is_verification(cause: &Cause) -> bool {
    cause.id.starts_with("certificate-")
}

/// What a line that is not a delivery tells about the delivery that follows.
pub(super) fn hint(text: &str) -> Option<&'static Cause> {
    if let Some((_, why)) = text.split_once("certificate verification failed for ") {
        return Some(verification(why));
    }
    let has = |part: &str| text.contains(part);
    if has("TLS policy lookup for ") || has("TLS policy lookup error for ") {
        // It repeats what the delivery will say, and so does the line before
        // it.
        None
    } else if has("Invalid TLS protocol list")
        || has("invalid cipher grade")
        || has("in cipher exclusion")
    {
        Some(&cause::BAD_PROTOCOLS)
    } else if has("smtp_tls_policy_maps, next-hop destination ")
        || has("policy table lookup error")
        || (has(" lookup error for \"") && has("warning: "))
        || has("with no fingerprints to match")
    {
        Some(&cause::POLICY_LOOKUP)
    } else if has("our TLS engine is unavailable") {
        Some(&cause::TLS_ENGINE)
    } else {
        None
    }
}

/// `H[IP]:25: REASON`, in the words of every release and of OpenSSL 1.1.1
/// and 3.
fn verification(text: &str) -> &'static Cause {
    let text = text.to_ascii_lowercase();
    let has = |part: &str| text.contains(part);
    if has("num=65:") || has("no matching dane tlsa") {
        &cause::CERTIFICATE_NO_MATCH
    } else if has("hostname mismatch") {
        &cause::CERTIFICATE_NAME
    } else if has("certificate has expired") || has("certificate not yet valid") {
        &cause::CERTIFICATE_EXPIRED
    } else if has("untrusted issuer")
        || has("self-signed certificate")
        || has("self signed certificate")
        || has("not trusted by local or tlsa policy")
    {
        &cause::CERTIFICATE_UNTRUSTED
    } else {
        &cause::CERTIFICATE_NOT_VERIFIED
    }
}

/// A line that is worth reporting although no mail waits because of it.
pub(super) fn remark(text: &str) -> Option<&'static Cause> {
    let has = |part: &str| text.contains(part);
    if has("unusable TLSA RR: ")
        || has("unsupported TLSA certificate usage: ")
        || has("truncated TLSA RR length")
        || has("reserved private-use matching type: ")
        || has("all TLSA records unusable")
    {
        Some(&cause::UNUSABLE_RECORD)
    } else if has("DNSSEC validation may be unavailable")
        || has("dane configured with dnssec lookups disabled")
        || has("dane configured with no requisite library support")
        || has("dane configured with MX lookup errors ignored")
        || has("dns resolver options incompatible with dane TLS")
    {
        Some(&cause::NO_DNSSEC_HERE)
    } else {
        None
    }
}
