//! From a text of the log to its cause: the texts of `smtp_proto.c`,
//! `smtp_connect.c`, `smtp_addr.c` and `smtp_tls_policy.c`.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::cause::{self, Cause};
use super::destination::after;

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
    // The most frequent of Postfix's own texts are no other server's words.
    let is_own = text.starts_with("Server certificate not ");
    if !is_own && let Some(refusal) = refusal(text) {
        return Some(refusal);
    }
    if !is_own && let Some(word) = report_word(text) {
        return Some(word);
    }
    Some(match text {
        // "Not trusted" until Postfix 3.5.
        "Server certificate not verified" | "Server certificate not trusted" => match before {
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
        _ if text.starts_with("host ") && has(" said: ") && has(" (in reply to MAIL FROM") => {
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
        // `smtp_addr.c`, with native lookups and without any.
        _ if text.starts_with("unable to look up host ") => {
            if has("emporary failure") {
                &cause::DNS_TRY_AGAIN
            } else {
                &cause::DNS_NOTHING
            }
        }
        _ if has("has a valid address record") || has("unable to find primary relay for ") => {
            &cause::DNS_NOTHING
        }
        _ => return None,
    })
}

/// What the other side answers when TLS is not as it wants it.
fn refusal(text: &str) -> Option<&'static Cause> {
    if !text.contains(" said: ")
        && !text.contains(" refused to talk to me: ")
        && !starts_as_reply(text)
    {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let has = |part: &str| text.contains(part);
    if has("mta-sts validation") || has("failed mta-sts") {
        Some(&cause::STS_REFUSED)
    } else if has("starttls command first")
        || has("starttls first")
        || has("starttls is required")
        || has("starttls required")
        || has("must use tls")
        || has("tls required")
        || has("tls is required")
        || has("encryption required")
        || has("encryption is required")
        || has("encryption needed")
        || has("sent over a tls connection")
        || has(".7.29 ")
    {
        Some(&cause::STARTTLS_REQUIRED)
    } else if has("tls channel")
        || has("tls version")
        || has("tls protocol")
        || (has("cipher") && (has("tls") || has("weak") || has("shared")))
        || has("tls session is not secure")
    {
        Some(&cause::CHANNEL_REFUSED)
    } else {
        None
    }
}

/// `454 4.7.0 ...`, as notices have it after `smtp;`.
fn starts_as_reply(text: &str) -> bool {
    let mut characters = text.chars();
    matches!(characters.next(), Some('4' | '5'))
        && characters.by_ref().take(2).all(|c| c.is_ascii_digit())
        && matches!(characters.next(), Some(' ' | '-'))
}

/// The result types of RFC 8460 4.3, with which Exchange Online explains itself.
fn report_word(text: &str) -> Option<&'static Cause> {
    // Each of these words has one, and most texts have none.
    if !text.contains('-') {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let has = |part: &str| text.contains(part);
    Some(match () {
        () if has("tlsa-invalid") => &cause::TLSA_INVALID,
        () if has("dnssec-invalid") => &cause::DNSSEC_INVALID,
        () if has("dane-required") => &cause::NO_TLSA_RECORDS,
        () if has("starttls-not-supported") => &cause::STARTTLS_NOT_OFFERED,
        () if has("certificate-expired") => &cause::CERTIFICATE_EXPIRED,
        () if has("certificate-host-mismatch") => &cause::CERTIFICATE_NAME,
        () if has("certificate-not-trusted") => &cause::CERTIFICATE_UNTRUSTED,
        () if has("sts-webpki-invalid") || has("sts-policy-") => &cause::STS_PATTERN,
        () => return None,
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

static VERIFICATION: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("certificate verification failed for "));

/// What a line that is not a delivery tells about the delivery that follows.
pub(super) fn hint(text: &str) -> Option<&'static Cause> {
    if let Some(why) = after(&VERIFICATION, text) {
        return Some(verification(why));
    }
    // `tls_verify.c` before 2.6 and for purposes of CAs.
    if text.contains("not designated for use as a") {
        return Some(&cause::CERTIFICATE_PURPOSE);
    }
    let has = |part: &str| text.contains(part);
    if has("Invalid TLS protocol list") || has("invalid cipher grade") || has("in cipher exclusion")
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
/// and 3. The numbers are those of `x509_vfy.h`.
fn verification(text: &str) -> &'static Cause {
    let number: Option<u32> = text.split_once("num=").and_then(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        rest.get(..end)?.parse().ok()
    });
    match number {
        Some(65) => return &cause::CERTIFICATE_NO_MATCH,
        Some(62..=64) => return &cause::CERTIFICATE_NAME,
        Some(9..=10) => return &cause::CERTIFICATE_EXPIRED,
        Some(2 | 18..=21 | 27) => return &cause::CERTIFICATE_UNTRUSTED,
        Some(66..=68) => return &cause::CERTIFICATE_WEAK,
        Some(24..=26 | 28 | 32 | 37 | 79) => return &cause::CERTIFICATE_PURPOSE,
        Some(7 | 29..=31) => return &cause::CERTIFICATE_SIGNATURE,
        Some(3 | 11 | 12 | 23 | 33) => return &cause::CERTIFICATE_REVOKED,
        _ => {}
    }
    let text = text.to_ascii_lowercase();
    let has = |part: &str| text.contains(part);
    if has("no matching dane tlsa") {
        &cause::CERTIFICATE_NO_MATCH
    } else if has("hostname mismatch")
        || has("ip address mismatch")
        || has("email address mismatch")
    {
        &cause::CERTIFICATE_NAME
    } else if has("certificate has expired")
        || has("certificate not yet valid")
        || has("certificate is not yet valid")
    {
        &cause::CERTIFICATE_EXPIRED
    } else if has("untrusted issuer")
        || has("self-signed certificate")
        || has("self signed certificate")
        || has("not trusted by local or tlsa policy")
        || has("unable to get local issuer")
        || has("unable to get issuer")
    {
        &cause::CERTIFICATE_UNTRUSTED
    } else if has("too weak") || has("too small") {
        &cause::CERTIFICATE_WEAK
    } else if has("not designated for use as")
        || has("unsuitable certificate purpose")
        || has("unsupported certificate purpose")
        || has("invalid ca certificate")
        || has("path length constraint")
    {
        &cause::CERTIFICATE_PURPOSE
    } else if has("signature failure") {
        &cause::CERTIFICATE_SIGNATURE
    } else if has("revoked") || has(" crl") {
        &cause::CERTIFICATE_REVOKED
    } else {
        &cause::CERTIFICATE_OTHER
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
