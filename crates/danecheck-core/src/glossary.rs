//! The words that people see and ask about: findings, causes, verdicts, status
//! codes, and Postfix's own texts.

use std::fmt::Write as _;

use crate::evidence::{CAUSES, Cause, cause_of_text};
use crate::finding::{RULES, Rule};
use crate::judge::Verdict;
use crate::text::wrap;

/// Words that are offered where none is known.
const NEAR: usize = 3;

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A finding.
    Finding(&'static Rule),
    /// A cause of waiting mail.
    Cause(&'static Cause),
    /// A verdict, and what it means.
    Verdict(Verdict, &'static str),
    /// An enhanced status code, and what it means with DANE.
    Status(String, &'static str),
    /// Another word of logs and reports, and what it means.
    Word(&'static str, &'static str),
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the word is; more than one where a finding and a cause have the
    /// same name.
    pub meanings: Vec<Meaning>,
    /// The word was written otherwise.
    pub corrected: bool,
    /// Words that are near, where none is known.
    pub near: Vec<&'static str>,
}

const VERDICTS: &[(Verdict, &str)] = &[
    (
        Verdict::DaneOk,
        "Mail is delivered at level dane, and TLSA records authenticate every address of every \
         MX host. Do nothing.",
    ),
    (
        Verdict::DanePartial,
        "Mail is delivered at level dane, but not everywhere with authentication: the MX record \
         set is not secure, or an MX host or address is broken or has no TLSA records. Read the \
         findings.",
    ),
    (
        Verdict::DaneUnusable,
        "Mail is delivered at level dane, encrypted only: there are TLSA records, and none is \
         usable. Tell the receiver to publish 3 1 1.",
    ),
    (
        Verdict::NoDane,
        "Mail is delivered at level dane as at level may: there are no secure TLSA records.",
    ),
    (
        Verdict::DaneBroken,
        "At level dane mail waits or bounces, and a weaker level would deliver it. The report has \
         the smallest override. Tell the receiver.",
    ),
    (
        Verdict::Undeliverable,
        "No level delivers: the fault is not TLS. No override helps.",
    ),
    (
        Verdict::Indeterminate,
        "It could not be seen from here: the resolver or the network fails. Check your resolver \
         and your port 25.",
    ),
];

/// Words of Postfix's policies and logs, of the report, and of TLS reports.
const WORDS: &[(&str, &str)] = &[
    ("none", "A TLS security level: Postfix uses no TLS."),
    (
        "may",
        "A TLS security level: Postfix uses TLS where the server offers it, checks no certificate, \
         and delivers in plain text otherwise.",
    ),
    (
        "encrypt",
        "A TLS security level: Postfix delivers over TLS only, and checks no certificate.",
    ),
    (
        "dane",
        "A TLS security level: where the domain has secure TLSA records, the server's certificate \
         has to match them. Without them it is level may.",
    ),
    (
        "dane-only",
        "A TLS security level: secure TLSA records that match are required. Without them mail \
         waits.",
    ),
    (
        "fingerprint",
        "A TLS security level: the server's certificate or key has to have a fingerprint that the \
         policy names.",
    ),
    (
        "verify",
        "A TLS security level: the server's certificate has to name the MX host, and a CA that \
         Postfix trusts has to have signed it.",
    ),
    (
        "secure",
        "As a TLS security level: the server's certificate has to name the next hop, and a CA that \
         Postfix trusts has to have signed it. As a DNSSEC status: the signatures are right from \
         the root down.",
    ),
    (
        "verified",
        "Postfix checked the server's certificate as its level asks, and it is right.",
    ),
    (
        "trusted",
        "A CA that Postfix trusts signed the server's certificate. Its name was not asked for, or \
         does not match.",
    ),
    (
        "untrusted",
        "The connection is encrypted. No CA that Postfix trusts signed the server's certificate, \
         and the level did not ask for it.",
    ),
    (
        "anonymous",
        "The connection is encrypted, and the server showed no certificate.",
    ),
    (
        "keep",
        "A recommendation: level dane delivers. Set no override.",
    ),
    (
        "override",
        "A recommendation: set the line of the report for this next hop until the receiver has \
         repaired the fault.",
    ),
    (
        "not-fixable",
        "A recommendation: no TLS policy makes this mail flow, or nothing could be seen.",
    ),
    (
        "delivered",
        "The server took the mail at the first attempt.",
    ),
    (
        "delivered-after-retry",
        "The TLS handshake failed, and Postfix delivers in plain text at its next attempt.",
    ),
    (
        "deferred",
        "Mail waits in the queue, and Postfix tries again. The text in parentheses says why.",
    ),
    (
        "bounced",
        "Postfix returned the mail to its sender. It has to be sent again.",
    ),
    (
        "delivery-temporarily-suspended",
        "Postfix tried this destination a short time ago and failed. The text after it says why.",
    ),
    (
        "insecure",
        "A DNSSEC status: the zone is not signed, and DNS proves that. DANE is not used.",
    ),
    (
        "bogus",
        "A DNSSEC status: the zone should be signed, and its signatures are wrong or missing. \
         Validating resolvers answer SERVFAIL.",
    ),
    (
        "servfail",
        "The resolver could not answer: broken DNSSEC, or name servers that do not answer. \
         `danecheck dns NAME TYPE` says which.",
    ),
    ("nxdomain", "DNS says that the name does not exist."),
    (
        "validation-failure",
        "A result of a TLS report: the certificate did not pass, for a reason that the report does \
         not name. With DANE most often no TLSA record matches it.",
    ),
    (
        "no-policy-found",
        "In a TLS report: the sender found neither TLSA records nor a policy of MTA-STS.",
    ),
    (
        "sts-policy-fetch-error",
        "A result of a TLS report: the sender could not fetch the policy of MTA-STS. Mail flows \
         without it.",
    ),
    (
        "sts-policy-invalid",
        "A result of a TLS report: the policy of MTA-STS has a mistake. Mail flows without it.",
    ),
    (
        "sts-webpki-invalid",
        "A result of a TLS report: the certificate of the host of the MTA-STS policy is wrong. Mail \
         flows without the policy.",
    ),
];

/// Enhanced status codes (RFC 3463, RFC 7504, RFC 8689) with what they say about
/// DNS, TLS and DANE. The first digit does not matter.
const STATUSES: &[(&str, &str)] = &[
    (
        "7.5",
        "TLS was required and did not authenticate the server: the TLSA lookup failed, no record \
         matches, or the handshake failed. Postfix gives this code for everything that the \
         security level forbids. With 4 mail waits, with 5 it was returned; mailcow's filter \
         makes 5.7.5 of 4.7.5.",
    ),
    (
        "7.4",
        "The level requires TLS, and the server does not offer STARTTLS.",
    ),
    (
        "7.0",
        "Another fault of TLS or of policy. The text beside the code says which.",
    ),
    ("7.3", "The server refused STARTTLS."),
    (
        "7.10",
        "The sender asked for verified TLS on the whole way (REQUIRETLS), and the next server does \
         not support it.",
    ),
    (
        "7.30",
        "The sender asked for verified TLS on the whole way (REQUIRETLS), and the next server does \
         not support it.",
    ),
    (
        "7.29",
        "The other server wants mail inside TLS. Set the level to dane or may, not none.",
    ),
    (
        "7.321",
        "Exchange Online: starttls-not-supported. The MX host does not offer STARTTLS.",
    ),
    (
        "7.322",
        "Exchange Online: certificate-expired. The MX host's certificate is out of date.",
    ),
    (
        "7.323",
        "Exchange Online: tlsa-invalid. The TLSA records cannot be used, or match no certificate.",
    ),
    (
        "7.324",
        "Exchange Online: dnssec-invalid. The domain's DNSSEC is broken.",
    ),
    (
        "7.325",
        "Exchange Online: certificate-host-mismatch. The certificate does not name the MX host.",
    ),
    (
        "4.1",
        "No connection to any server. TLS and DANE are not the cause.",
    ),
    (
        "4.2",
        "The connection ended early. If that was after STARTTLS, the text says so.",
    ),
    (
        "4.3",
        "DNS gave no answer for the domain or its mail server: often broken DNSSEC.",
    ),
    ("4.4", "The domain, or its mail server, has no address."),
    (
        "4.312",
        "Exchange Online: a DNS lookup failed, often from broken DNSSEC.",
    ),
    (
        "4.317",
        "Exchange Online: no session with the server, often because STARTTLS fails.",
    ),
    ("1.10", "The domain takes no mail (null MX, RFC 7505)."),
    (
        "7.1",
        "The other server refuses the mail by a rule of its own. Unless its text names TLS, no \
         TLS policy changes that.",
    ),
    (
        "4.7",
        "The mail waited too long and was returned. The reason is that of the last attempt, in the \
         log or in the notice of the delay.",
    ),
    (
        "1.1",
        "There is no such mailbox. TLS and DANE are not the cause.",
    ),
    (
        "1.2",
        "The recipient's domain is not found. `danecheck DOMAIN` says what DNS answers.",
    ),
    (
        "2.2",
        "The mailbox is full. TLS and DANE are not the cause.",
    ),
    (
        "2.0",
        "The mailbox, or its server, takes no mail now. The text beside the code says why.",
    ),
    (
        "3.0",
        "A fault of a mail system. The text beside the code says which.",
    ),
    ("0.0", "The code says nothing. The text beside it says why."),
];

/// Looks a word up: the id of a finding or of a cause, a verdict, a status code,
/// or a text of a log.
pub fn look_up(word: &str) -> Answer {
    let text = word.trim().trim_matches(['`', '"', '\'', '(', ')']).trim();
    let id = text.to_ascii_lowercase().replace(['_', ' '], "-");
    let mut meanings = of_id(&id);
    if meanings.is_empty() {
        meanings.extend(of_word(&id));
    }
    let corrected = false;
    if meanings.is_empty() {
        meanings.extend(of_status(text));
    }
    if meanings.is_empty() {
        meanings.extend(cause_of_text(text).map(Meaning::Cause));
    }
    if !meanings.is_empty() {
        return Answer {
            meanings,
            corrected,
            near: Vec::new(),
        };
    }
    let mut near: Vec<(f64, &'static str)> = ids()
        .map(|known| (strsim::jaro_winkler(&id, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    // A typing error, and nothing else is as near.
    if let Some((_, known)) = near.first()
        && strsim::damerau_levenshtein(&id, known) <= 2
    {
        return Answer {
            meanings: of_id(known).into_iter().chain(of_word(known)).collect(),
            corrected: true,
            near: Vec::new(),
        };
    }
    Answer {
        meanings,
        corrected,
        near: near.iter().take(NEAR).map(|(_, known)| *known).collect(),
    }
}

fn ids() -> impl Iterator<Item = &'static str> {
    let rules = RULES.iter().map(|rule| rule.id);
    let causes = CAUSES.iter().map(|cause| cause.id);
    let words = WORDS.iter().map(|(word, _)| *word);
    rules
        .chain(causes)
        .chain(words)
        .chain(VERDICTS.iter().map(|(verdict, _)| verdict.as_str()))
}

fn of_id(id: &str) -> Vec<Meaning> {
    let rule = Rule::find(id).map(Meaning::Finding);
    let cause = Cause::find(id).map(Meaning::Cause);
    let verdict = VERDICTS
        .iter()
        .find(|(verdict, _)| verdict.as_str() == id)
        .map(|(verdict, meaning)| Meaning::Verdict(*verdict, meaning));
    rule.into_iter().chain(cause).chain(verdict).collect()
}

/// `may`, `tls=!dane`, `Verified`.
fn of_word(id: &str) -> Option<Meaning> {
    let word = id
        .rsplit('=')
        .next()
        .unwrap_or(id)
        .trim_matches(['!', ':', ';', '.', ',']);
    WORDS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(known, meaning)| Meaning::Word(known, meaning))
}

/// `4.7.5`, `dsn=4.7.5`, `550 5.7.323`, `X.7.5`.
fn of_status(text: &str) -> Option<Meaning> {
    if let Some(detail) = text
        .strip_prefix(['x', 'X'])
        .and_then(|it| it.strip_prefix('.'))
    {
        return STATUSES
            .iter()
            .find(|(known, _)| *known == detail)
            .map(|(_, meaning)| Meaning::Status(format!("X.{detail}"), meaning));
    }
    let code = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find(|code| code.split('.').count() == 3)?;
    // A text with a code in it is a text.
    let rest = text.replacen(code, "", 1);
    if rest.chars().filter(|c| c.is_ascii_alphabetic()).count() > 3 {
        return None;
    }
    let (class, detail) = code.split_once('.')?;
    if class != "4" && class != "5" {
        return None;
    }
    STATUSES
        .iter()
        .find(|(known, _)| *known == detail)
        .map(|(_, meaning)| Meaning::Status(code.to_owned(), meaning))
}

impl Answer {
    /// The answer as text; empty where the word is not known.
    pub fn human(&self, width: usize) -> String {
        let mut text = String::new();
        for meaning in &self.meanings {
            if !text.is_empty() {
                text.push('\n');
            }
            match meaning {
                Meaning::Finding(rule) => {
                    let severity = rule.severity.as_str();
                    let worse = rule
                        .worse_if()
                        .map(|it| format!("; error if {}", it.as_text()));
                    let _ = writeln!(
                        text,
                        "{} ({severity}{})",
                        rule.id,
                        worse.unwrap_or_default()
                    );
                    part(&mut text, "What it means", rule.meaning, width);
                    part(&mut text, "What the receiver does", rule.receiver, width);
                    part(&mut text, "What the sender does", rule.sender, width);
                    part(&mut text, "Where it comes from", rule.reference, width);
                }
                Meaning::Cause(cause) => {
                    let side = cause.side.as_str();
                    let _ = writeln!(text, "{} (why mail waits: {side})", cause.id);
                    part(&mut text, "What the log says", cause.text, width);
                    part(&mut text, "What it means", cause.meaning, width);
                    part(&mut text, "What to do", cause.remedy, width);
                }
                Meaning::Verdict(verdict, meaning) => {
                    let _ = writeln!(text, "{} (verdict)", verdict.as_str());
                    part(&mut text, "What it means", meaning, width);
                }
                Meaning::Word(word, meaning) => {
                    let _ = writeln!(text, "{word} (word)");
                    part(&mut text, "What it means", meaning, width);
                }
                Meaning::Status(code, meaning) => {
                    let _ = writeln!(text, "{code} (status code)");
                    part(&mut text, "What it means", meaning, width);
                }
            }
        }
        text
    }
}

fn part(text: &mut String, title: &str, body: &str, width: usize) {
    if body.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for line in wrap(body, width.saturating_sub(2)) {
        let _ = writeln!(text, "  {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(word: &str) -> Vec<String> {
        look_up(word)
            .meanings
            .iter()
            .map(|meaning| match meaning {
                Meaning::Finding(rule) => rule.id.to_owned(),
                Meaning::Cause(cause) => cause.id.to_owned(),
                Meaning::Verdict(verdict, _) => verdict.as_str().to_owned(),
                Meaning::Status(code, _) => code.clone(),
                Meaning::Word(word, _) => (*word).to_owned(),
            })
            .collect()
    }

    #[test]
    fn the_words_that_people_see_are_known() {
        for (word, id) in [
            ("tlsa-mismatch", "tlsa-mismatch"),
            ("TLSA_Mismatch", "tlsa-mismatch"),
            ("tlsa-missmatch", "tlsa-mismatch"),
            ("tlsa mismatch", "tlsa-mismatch"),
            ("dane-broken", "dane-broken"),
            ("dane-brokn", "dane-broken"),
            ("4.7.5", "4.7.5"),
            ("dsn=5.7.5", "5.7.5"),
            ("5.7.323", "5.7.323"),
            (
                "Server certificate not verified",
                "certificate-not-verified",
            ),
            (
                "(Server certificate not trusted)",
                "certificate-not-verified",
            ),
            ("TLSA lookup error for mx.a.example:25", "tlsa-lookup-error"),
            (
                "delivery temporarily suspended: no TLSA records found",
                "no-tlsa-records",
            ),
            (
                "certificate verification failed for mx[192.0.2.7]:25: num=66:EE certificate key \
                 too weak",
                "certificate-weak",
            ),
            (
                "530 5.7.0 Must issue a STARTTLS command first",
                "starttls-required-by-server",
            ),
            (
                "to=<u@a.example>, relay=none, dsn=4.7.5, status=deferred (no TLSA records found)",
                "no-tlsa-records",
            ),
            // As people type and cut them.
            (
                "server certificate not verified",
                "certificate-not-verified",
            ),
            ("SERVER CERTIFICATE NOT TRUSTED", "certificate-not-verified"),
            ("no TLSA records found.", "no-tlsa-records"),
            (
                "tls is required but was not offered",
                "starttls-not-offered",
            ),
            ("cannot start tls", "handshake-failure"),
            ("num=65", "certificate-no-match"),
            ("num=10:certificate has expired", "certificate-expired"),
            ("Hostname mismatch", "certificate-name"),
            ("self-signed certificate", "certificate-untrusted"),
            ("Host or domain name not found", "dns-failed"),
            ("X.7.5", "X.7.5"),
            ("5.7.1", "5.7.1"),
            ("4.4.7", "4.4.7"),
            ("tls=!dane", "dane"),
            ("dane-only", "dane-only"),
            ("Verified", "verified"),
            ("untrustd", "untrusted"),
            ("delivered-after-retry", "delivered-after-retry"),
            (
                "delivery temporarily suspended",
                "delivery-temporarily-suspended",
            ),
            ("SERVFAIL", "servfail"),
            ("validation_failure", "validation-failure"),
            ("sts-policy-fetch-error", "sts-policy-fetch-error"),
        ] {
            assert_eq!(names(word), [id], "{word}");
        }
        // What another server answers is no text of Postfix's.
        assert_eq!(names("host x said: 450 TLSA lookup error for y"), [""; 0]);
        // A finding and a cause of the same name.
        assert_eq!(names("starttls-not-offered").len(), 2);
    }

    #[test]
    fn what_is_not_known_is_said_with_what_is_near() {
        let answer = look_up("tlsa-record");
        assert!(answer.meanings.is_empty());
        assert!(!answer.near.is_empty());
        assert!(answer.human(80).is_empty());
        assert_eq!(look_up("hello world").near, [""; 0]);
        assert!(look_up("").meanings.is_empty());
    }

    #[test]
    fn every_verdict_is_explained() {
        for verdict in Verdict::ALL {
            assert_eq!(names(verdict.as_str()), [verdict.as_str()]);
            let text = look_up(verdict.as_str()).human(80);
            assert!(text.lines().all(|line| line.chars().count() <= 80));
        }
    }
}
