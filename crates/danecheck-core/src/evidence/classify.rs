//! From a text of the log to its cause: the texts of `smtp_proto.c`,
//! `smtp_connect.c`, `smtp_addr.c` and `smtp_tls_policy.c`.

use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::Finder;

use super::cause::{self, Cause};
use super::destination::after;
use super::reply;
use super::words::words;

words! {
    /// What the text of a delivery may have.
    static TEXTS: Word {
        RequireTls: "REQUIRETLS",
        TlsaLookup: "TLSA lookup error for ",
        Configuration: "client TLS configuration problem",
        CannotStart: "Cannot start TLS",
        Engine: "TLS is required, but our TLS engine is unavailable",
        Unavailable: "TLS is required, but unavailable",
        NotOffered: "TLS is required, but was not offered",
        NoReply: "while receiving the STARTTLS response",
        AtMail: "while sending MAIL FROM",
        AtRecipient: "while sending RCPT TO",
        AtData: "while sending DATA command",
        NoHostLeft: "server unavailable or unable to receive mail",
        NullMx: "(nullMX)",
        NameService: "Name service error for ",
        HasAddress: "has a valid address record",
        NoPrimary: "unable to find primary relay for ",
    }
}

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
    let (own, reply) = reply::split(text);
    if let Some(reply) = reply {
        return of_reply(own, reply, dsn);
    }
    if matches!(dsn, Some("5.7.10" | "5.7.30")) {
        return Some(&cause::REQUIRETLS);
    }
    if let Some(cause) = whole(text, before) {
        return Some(cause);
    }
    let found = TEXTS.of(text);
    let has = |word: Word| found.has(word as usize);
    if has(Word::RequireTls) {
        return Some(&cause::REQUIRETLS);
    }
    // The most frequent of Postfix's own texts have none of these words.
    if !text.starts_with("Server certificate not ")
        && let Some(word) = report_word(text)
    {
        return Some(word);
    }
    Some(match text {
        _ if has(Word::TlsaLookup) => &cause::TLSA_LOOKUP_ERROR,
        _ if has(Word::Configuration) => match before {
            Some(why) if *why == cause::POLICY_LOOKUP => why,
            _ => &cause::CLIENT_CONFIGURATION,
        },
        _ if has(Word::CannotStart) => match before {
            Some(why) if *why == cause::BAD_PROTOCOLS => why,
            _ => &cause::HANDSHAKE_FAILURE,
        },
        _ if has(Word::Engine) => &cause::TLS_ENGINE,
        _ if has(Word::Unavailable) => &cause::TLS_UNAVAILABLE,
        _ if has(Word::NotOffered) => &cause::STARTTLS_NOT_OFFERED,
        _ if has(Word::NoReply) => &cause::STARTTLS_NO_REPLY,
        _ if has(Word::AtMail) || has(Word::AtRecipient) || has(Word::AtData) => {
            &cause::LOST_BEFORE_MESSAGE
        }
        _ if text.starts_with("Protocol error: ") => &cause::OUT_OF_STEP,
        _ if has(Word::NoHostLeft) => &cause::STS_PATTERN,
        _ if text.starts_with("lost connection with ")
            || text.starts_with("conversation with ") =>
        {
            &cause::LOST_CONNECTION
        }
        _ if text.starts_with("connect to ") => &cause::NOT_CONNECTED,
        _ if has(Word::NullMx) => &cause::NULL_MX,
        _ if has(Word::NameService) => name_service(text),
        // `smtp_addr.c`, with native lookups and without any.
        _ if text.starts_with("unable to look up host ") => {
            if text.contains("emporary failure") {
                &cause::DNS_TRY_AGAIN
            } else {
                &cause::DNS_NOTHING
            }
        }
        _ if has(Word::HasAddress) || has(Word::NoPrimary) => &cause::DNS_NOTHING,
        _ => return None,
    })
}

/// What another server's answer means. The words before it are Postfix's, and say
/// what was answered; a notice may have the answer alone.
fn of_reply(own: &str, reply: &str, dsn: Option<&str>) -> Option<&'static Cause> {
    if own.ends_with(" refused to start TLS: ") {
        return Some(match reply {
            _ if reply.starts_with("421") => &cause::STARTTLS_REFUSED_AND_CLOSED,
            _ if reply.starts_with('5') => &cause::STARTTLS_REFUSED_FOR_GOOD,
            _ => &cause::STARTTLS_REFUSED_FOR_NOW,
        });
    }
    // RFC 8689 8: X.7.30 is that server's word for it.
    if dsn == Some("5.7.30") {
        return Some(&cause::REQUIRETLS);
    }
    if own.ends_with("Command output: ") {
        return None;
    }
    if let Some(refusal) = refusal(reply) {
        return Some(refusal);
    }
    if own.is_empty() {
        return report_word(reply).or_else(|| handshake(reply));
    }
    if own.ends_with(" refused to talk to me: ") {
        return Some(&cause::REFUSED_TO_TALK);
    }
    if own.starts_with("Protocol error: ") {
        return Some(&cause::OUT_OF_STEP);
    }
    let in_reply_to = reply.rsplit_once(" (in reply to ");
    let to_mail = in_reply_to.is_some_and(|(_, command)| command.starts_with("MAIL FROM"));
    (own.starts_with("host ") && to_mail).then_some(&cause::MESSAGE_REFUSED)
}

/// What sendmail writes into its notices where a handshake failed.
fn handshake(reply: &str) -> Option<&'static Cause> {
    let text = reply.to_ascii_lowercase();
    text.contains("tls handshake failed")
        .then_some(&cause::HANDSHAKE_FAILURE)
}

/// The cause of a text as people type it: in another case, cut off, or the reason of
/// OpenSSL alone.
pub(super) fn in_any_case(text: &str) -> Option<&'static Cause> {
    if reply::own(text).len() < text.len() {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace(',', "");
    let text = plain(text);
    let known = TYPED.iter().find(|known| text.contains(&plain(known)));
    if let Some(known) = known {
        return delivery(known, None, None);
    }
    if text.contains("host or domain name not found") {
        return Some(&cause::DNS_FAILED);
    }
    let reason = verification(&text);
    (*reason != cause::CERTIFICATE_OTHER).then_some(reason)
}

/// Texts of Postfix's that people type.
const TYPED: &[&str] = &[
    "Server certificate not verified",
    "Server certificate not trusted",
    "no TLSA records found",
    "non DNSSEC destination",
    "TLSA records unusable",
    "unknown mail transport error",
    "TLSA lookup error for ",
    "client TLS configuration problem",
    "TLS is required, but our TLS engine is unavailable",
    "TLS is required, but was not offered",
    "TLS is required, but unavailable",
    "Cannot start TLS",
    "while receiving the STARTTLS response",
    "server unavailable or unable to receive mail",
];

/// The texts that have no part of their own; many a log has few others.
fn whole(text: &str, before: Option<&'static Cause>) -> Option<&'static Cause> {
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
        _ => return None,
    })
}

words! {
    /// What a reply may have, in lower case.
    static REPLIES: ReplyWord {
        StsValidation: "mta-sts validation",
        StsFailed: "failed mta-sts",
        StartTlsCommand: "starttls command first",
        StartTlsFirst: "starttls first",
        StartTlsIsRequired: "starttls is required",
        StartTlsRequired: "starttls required",
        MustUse: "must use tls",
        Required: "tls required",
        IsRequired: "tls is required",
        EncryptionRequired: "encryption required",
        EncryptionIsRequired: "encryption is required",
        EncryptionNeeded: "encryption needed",
        SentOver: "sent over a tls connection",
        Code: ".7.29 ",
        Channel: "tls channel",
        Version: "tls version",
        Protocol: "tls protocol",
        Cipher: "cipher",
        Tls: "tls",
        Weak: "weak",
        Shared: "shared",
        NotSecure: "tls session is not secure",
    }
}

/// What the other side answers when TLS is not as it wants it.
fn refusal(text: &str) -> Option<&'static Cause> {
    let found = REPLIES.of(&text.to_ascii_lowercase());
    let has = |word: ReplyWord| found.has(word as usize);
    let any = |words: &[ReplyWord]| words.iter().any(|word| has(*word));
    if any(&[ReplyWord::StsValidation, ReplyWord::StsFailed]) {
        Some(&cause::STS_REFUSED)
    } else if any(&[
        ReplyWord::StartTlsCommand,
        ReplyWord::StartTlsFirst,
        ReplyWord::StartTlsIsRequired,
        ReplyWord::StartTlsRequired,
        ReplyWord::MustUse,
        ReplyWord::Required,
        ReplyWord::IsRequired,
        ReplyWord::EncryptionRequired,
        ReplyWord::EncryptionIsRequired,
        ReplyWord::EncryptionNeeded,
        ReplyWord::SentOver,
        ReplyWord::Code,
    ]) {
        Some(&cause::STARTTLS_REQUIRED)
    } else if any(&[
        ReplyWord::Channel,
        ReplyWord::Version,
        ReplyWord::Protocol,
        ReplyWord::NotSecure,
    ]) || has(ReplyWord::Cipher)
        && any(&[ReplyWord::Tls, ReplyWord::Weak, ReplyWord::Shared])
    {
        Some(&cause::CHANNEL_REFUSED)
    } else {
        None
    }
}

words! {
    /// The result types of RFC 8460 4.3, with which Exchange Online explains
    /// itself, in lower case.
    static RESULTS: ResultWord {
        TlsaInvalid: "tlsa-invalid",
        DnssecInvalid: "dnssec-invalid",
        DaneRequired: "dane-required",
        NotSupported: "starttls-not-supported",
        Expired: "certificate-expired",
        HostMismatch: "certificate-host-mismatch",
        NotTrusted: "certificate-not-trusted",
        WebPkiInvalid: "sts-webpki-invalid",
        StsPolicy: "sts-policy-",
    }
}

/// The result type that a text names.
fn report_word(text: &str) -> Option<&'static Cause> {
    // Each of these words has one, and most texts have none.
    memchr(b'-', text.as_bytes())?;
    let found = RESULTS.of(&text.to_ascii_lowercase());
    let has = |word: ResultWord| found.has(word as usize);
    Some(match () {
        () if has(ResultWord::TlsaInvalid) => &cause::TLSA_INVALID,
        () if has(ResultWord::DnssecInvalid) => &cause::DNSSEC_INVALID,
        () if has(ResultWord::DaneRequired) => &cause::NO_TLSA_RECORDS,
        () if has(ResultWord::NotSupported) => &cause::STARTTLS_NOT_OFFERED,
        () if has(ResultWord::Expired) => &cause::CERTIFICATE_EXPIRED,
        () if has(ResultWord::HostMismatch) => &cause::CERTIFICATE_NAME,
        () if has(ResultWord::NotTrusted) => &cause::CERTIFICATE_UNTRUSTED,
        () if has(ResultWord::WebPkiInvalid) || has(ResultWord::StsPolicy) => &cause::STS_PATTERN,
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

words! {
    /// What a line that is no delivery may have.
    static LINES: LineWord {
        Purpose: "not designated for use as a",
        ProtocolList: "Invalid TLS protocol list",
        CipherGrade: "invalid cipher grade",
        CipherExclusion: "in cipher exclusion",
        PolicyMaps: "tls_policy_maps, next-hop destination ",
        PolicyTable: "policy table lookup error",
        LookupError: " lookup error for \"",
        Warning: "warning: ",
        NoFingerprints: "with no fingerprints to match",
        Engine: "our TLS engine is unavailable",
        UnusableRecord: "unusable TLSA RR: ",
        UnsupportedUsage: "unsupported TLSA certificate usage: ",
        Truncated: "truncated TLSA RR length",
        Reserved: "reserved private-use matching type: ",
        AllUnusable: "all TLSA records unusable",
        NoValidation: "DNSSEC validation may be unavailable",
        LookupsDisabled: "dane configured with dnssec lookups disabled",
        NoLibrary: "dane configured with no requisite library support",
        ErrorsIgnored: "dane configured with MX lookup errors ignored",
        ResolverOptions: "dns resolver options incompatible with dane TLS",
    }
}

/// What a line that is not a delivery tells about the delivery that follows.
pub(super) fn hint(text: &str) -> Option<&'static Cause> {
    if let Some(why) = after(&VERIFICATION, text) {
        return Some(verification(why));
    }
    let found = LINES.of(text);
    let has = |word: LineWord| found.has(word as usize);
    // `tls_verify.c` before 2.6 and for purposes of CAs.
    if has(LineWord::Purpose) {
        Some(&cause::CERTIFICATE_PURPOSE)
    } else if has(LineWord::ProtocolList)
        || has(LineWord::CipherGrade)
        || has(LineWord::CipherExclusion)
    {
        Some(&cause::BAD_PROTOCOLS)
    } else if has(LineWord::PolicyMaps)
        || has(LineWord::PolicyTable)
        || (has(LineWord::LookupError) && has(LineWord::Warning))
        || has(LineWord::NoFingerprints)
    {
        Some(&cause::POLICY_LOOKUP)
    } else if has(LineWord::Engine) {
        Some(&cause::TLS_ENGINE)
    } else {
        None
    }
}

/// `H[IP]:25: REASON`, in the words of every release and of OpenSSL 1.1.1
/// and 3. The numbers are those of `x509_vfy.h`.
fn verification(text: &str) -> &'static Cause {
    // A name in the certificate is the other server's word.
    let reason = text.split_once(": ").map_or(text, |(_, rest)| rest).trim();
    let number: Option<u32> = reason.strip_prefix("num=").and_then(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    });
    if reason.starts_with("untrusted issuer") {
        return &cause::CERTIFICATE_UNTRUSTED;
    }
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
    let reason = reason.to_ascii_lowercase();
    let has = |part: &str| reason.contains(part);
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
    let found = LINES.of(text);
    let any = |words: &[LineWord]| words.iter().any(|word| found.has(*word as usize));
    if any(&[
        LineWord::UnusableRecord,
        LineWord::UnsupportedUsage,
        LineWord::Truncated,
        LineWord::Reserved,
        LineWord::AllUnusable,
    ]) {
        Some(&cause::UNUSABLE_RECORD)
    } else if any(&[
        LineWord::NoValidation,
        LineWord::LookupsDisabled,
        LineWord::NoLibrary,
        LineWord::ErrorsIgnored,
        LineWord::ResolverOptions,
    ]) {
        Some(&cause::NO_DNSSEC_HERE)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_what_a_look_for_each_word_finds() {
        let mut state = 7_u64;
        let mut draw = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below.max(1)
        };
        for words in [&TEXTS, &REPLIES, &RESULTS, &LINES] {
            words.check(&mut draw);
        }
    }
}
