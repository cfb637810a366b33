//! The hosts: the published records and the served certificates.

use crate::dnssec::SecurityStatus;
use crate::judge::Standing;
use crate::text::{Tone, columns};

use super::super::model::{
    AddressReport, HostReport, LimitedReport, LookupReport, RecordReport, Report,
};
use super::assumed;
use super::page::{Detail, Page};

pub(super) fn hosts(page: &mut Page, report: &Report) {
    if let Some(mx) = &report.mx
        && mx.lookup.answer == "failure"
    {
        return;
    }
    for host in &report.hosts {
        page.blank();
        title(page, report, host);
        for tlsa in &host.tlsa {
            if let Some(failure) = &tlsa.lookup.failure {
                let name = &tlsa.lookup.name;
                page.line(&format!("     TLSA at {name}: {}", failure.kind));
            }
        }
        if host.addresses.is_empty() {
            let failed = |lookup: &LookupReport| lookup.failure.is_some();
            page.line(match host.address_lookups.iter().any(failed) {
                true => "     address unknown: the lookup failed",
                false => "     no address",
            });
        }
        for group in groups(&host.addresses) {
            addresses(page, &group);
        }
    }
}

/// `MX 10 mx1.example.com` at the left, the DNSSEC status at the right.
fn title(page: &mut Page, report: &Report, host: &HostReport) {
    let lead = match host.preferences.as_slice() {
        [] if report.mx.is_none() => String::new(),
        [] => "no MX, the domain itself: ".to_owned(),
        preferences => {
            let list: Vec<String> = preferences.iter().map(u16::to_string).collect();
            format!("MX {} ", list.join(", "))
        }
    };
    let left = format!("  {lead}{}", host.name);
    let right = dnssec(report, host);
    let gap = page
        .style
        .width
        .saturating_sub(columns(&left) + columns(&right))
        .max(2);
    let left = format!("  {lead}{}", page.tint(Tone::Strong, &host.name));
    let right = page.tint(Tone::Quiet, &right);
    page.line(&format!("{left}{:gap$}{right}", ""));
}

/// The weaker of the MX record set's and the address records' status.
fn dnssec(report: &Report, host: &HostReport) -> String {
    let mx = report
        .mx
        .as_ref()
        .and_then(|mx| match mx.lookup.answer.as_str() {
            "records" => mx.lookup.status,
            _ => None,
        });
    let address = host
        .address_lookups
        .iter()
        .filter(|lookup| lookup.answer == "records")
        .find_map(|lookup: &LookupReport| lookup.status);
    match (mx, address) {
        (Some(SecurityStatus::Insecure), Some(SecurityStatus::Secure)) => {
            "DNSSEC: MX not signed, host signed".to_owned()
        }
        (Some(SecurityStatus::Secure), Some(SecurityStatus::Insecure)) => {
            "DNSSEC: MX signed, host not".to_owned()
        }
        (_, Some(SecurityStatus::Secure)) => "DNSSEC: signed".to_owned(),
        (_, Some(SecurityStatus::Insecure)) => "DNSSEC: not signed".to_owned(),
        (_, Some(SecurityStatus::Bogus)) => "DNSSEC: bogus".to_owned(),
        (_, Some(SecurityStatus::Indeterminate)) => "DNSSEC: unknown".to_owned(),
        (_, None) => String::new(),
    }
}

/// TLSA records of one address that the report shows a person.
const RECORDS_SHOWN: usize = 12;

/// Groups addresses that behave alike.
pub(in crate::report) fn groups(addresses: &[AddressReport]) -> Vec<Vec<&AddressReport>> {
    let mut groups: Vec<Vec<&AddressReport>> = Vec::new();
    for address in addresses {
        let alike = groups.iter_mut().find(|group| {
            group.first().is_some_and(|first| {
                first.dane == address.dane
                    && first.limited == address.limited
                    && first.reserved == address.reserved
                    && first.records == address.records
                    && first.sessions == address.sessions
            })
        });
        match alike {
            Some(group) => group.push(address),
            None => groups.push(vec![address]),
        }
    }
    groups
}

fn addresses(page: &mut Page, group: &[&AddressReport]) {
    let Some(first) = group.first() else { return };
    let list: Vec<&str> = group
        .iter()
        .map(|address| address.address.as_str())
        .collect();
    let (tone, words) = standing_words(first);
    let tls = first
        .sessions
        .iter()
        .find_map(|session| session.tls_version.as_deref())
        .map_or_else(String::new, |version| format!("{version}, "));
    let text = format!("{}: {tls}", list.join(", "));
    let first_line = format!("     {text}");
    if columns(&first_line) + columns(&words) <= page.style.width {
        let words = page.tint(tone, &words);
        page.line(&format!("{first_line}{words}"));
    } else {
        page.paragraph("     ", "     ", &format!("{text}{words}"));
    }
    let most = match page.style.detail {
        Detail::Everything => usize::MAX,
        Detail::Short | Detail::Full => RECORDS_SHOWN,
    };
    for record in first.records.iter().take(most) {
        published(page, first, record);
    }
    let more = first.records.len().saturating_sub(most);
    if more > 0 {
        page.line(&format!("        and {more} more; -vv lists them"));
    }
    served(page, first);
    for look in &first.limited {
        limited(page, first, look);
    }
}

/// What the server shows to clients that offer less than Postfix.
fn limited(page: &mut Page, address: &AddressReport, look: &LimitedReport) {
    let lead = match look.offer.as_str() {
        "tls12" => "        in TLS 1.2 ",
        "rsa" => "        with RSA   ",
        _ => "        with ECDSA ",
    };
    let usual = address.sessions.last();
    let Some(leaf) = look.session.certificates.first() else {
        let words = match (look.session.end.as_str(), look.offer.as_str()) {
            ("handshake-failed", "tls12") => format!("not supported: {}", look.session.detail),
            ("handshake-failed", _) => "no certificate".to_owned(),
            (end, _) => format!("{}: {}", plain_end(end), look.session.detail),
        };
        page.paragraph(lead, lead, &words);
        return;
    };
    let is_usual =
        usual.is_some_and(|usual| usual.certificates.first().is_some_and(|own| own == leaf));
    if is_usual {
        page.line(&format!("{lead}the same certificate"));
        return;
    }
    let lead = format!("{lead}{}  ", short_record(&leaf.tlsa));
    let (tone, words) = match look.covered {
        Some(true) => (Tone::Good, "a TLSA record matches"),
        Some(false) => (Tone::Bad, "no TLSA record matches"),
        None => (Tone::Quiet, "another certificate"),
    };
    if columns(&lead) + columns(words) > page.style.width {
        page.paragraph(&lead, &lead, words);
        return;
    }
    let words = page.tint(tone, words);
    page.line(&format!("{lead}{words}"));
}

/// What DANE does at an address, and how good that is.
pub(in crate::report) fn standing_words(address: &AddressReport) -> (Tone, String) {
    if let Some((tone, words)) = assumed::standing_words(address) {
        return (tone, words.to_owned());
    }
    // The most instructive session: the one that failed.
    let end = address
        .sessions
        .iter()
        .find(|session| session.end != "completed");
    match (address.dane, end) {
        (Standing::Broken, Some(session)) if session.end == "old-means" => {
            (Tone::Bad, session.detail.clone())
        }
        (Standing::Authenticated, Some(session)) if session.end == "old-means" => (
            Tone::Doubtful,
            format!("a TLSA record matches; {}", session.detail),
        ),
        (_, Some(session)) if session.end == "old-means" => {
            (Tone::Doubtful, session.detail.clone())
        }
        (_, Some(session)) if session.end != "no-starttls" => (
            Tone::Bad,
            format!("{}: {}", plain_end(&session.end), session.detail),
        ),
        (Standing::Broken, Some(_)) => (Tone::Bad, "no STARTTLS, but DANE requires TLS".to_owned()),
        (_, Some(_)) => (Tone::Doubtful, "no STARTTLS: plain text".to_owned()),
        (Standing::Authenticated | Standing::Assumed, None) => {
            (Tone::Good, "a TLSA record matches".to_owned())
        }
        (Standing::WithoutTlsa, None) => (Tone::Quiet, "no DANE".to_owned()),
        (Standing::Unusable, None) => (Tone::Doubtful, "no TLSA record can be used".to_owned()),
        (Standing::Broken, None) if address.records.is_empty() => {
            (Tone::Bad, "the lookup of its TLSA records fails".to_owned())
        }
        (Standing::Broken, None) => (Tone::Bad, "no TLSA record matches".to_owned()),
        (Standing::NotJudged, None) => (
            Tone::Doubtful,
            "not judged: a limit of danecheck".to_owned(),
        ),
        (Standing::Unseen, None) => (
            Tone::Doubtful,
            match &address.reserved {
                None => "not looked at".to_owned(),
                Some(block) => format!("not connected to ({block})"),
            },
        ),
    }
}

/// A session's end in the words of a person.
fn plain_end(end: &str) -> &'static str {
    match end {
        "not-connected" => "no connection",
        "no-greeting" => "no greeting",
        "greeting-refused" => "refused in the greeting",
        "no-ehlo-reply" => "no reply to EHLO",
        "ehlo-refused" => "refused at EHLO",
        "no-starttls-reply" => "no reply to STARTTLS",
        "starttls-refused" => "STARTTLS refused",
        "handshake-failed" => "TLS handshake failed",
        "no-ehlo-reply-in-tls" => "no reply to EHLO in TLS",
        "ehlo-refused-in-tls" => "refused at EHLO in TLS",
        _ => "ended early",
    }
}

fn published(page: &mut Page, address: &AddressReport, record: &RecordReport) {
    let assumed = assumed::stand_in(address).is_some();
    let no_match = if assumed {
        "nothing in the file matches"
    } else {
        "nothing served matches"
    };
    let tone = match record.result.as_str() {
        "matches" => Tone::Good,
        "not-seen" | "not-judged" => Tone::Quiet,
        _ => Tone::Bad,
    };
    let lead = format!("        published  {}  ", short_record(&record.record));
    let tinted = lead.clone();
    let words = match (record.result.as_str(), &record.what_it_is) {
        ("matches", _) => "matches",
        ("not-seen", None) if assumed => "not compared",
        ("no-match", None) => no_match,
        ("no-match", Some(what)) => {
            page.paragraph(&lead, &tinted, &format!("{no_match}: it is {what}"));
            return;
        }
        (_, Some(what)) => {
            page.paragraph(&lead, &tinted, &format!("{}: it is {what}", record.reason));
            return;
        }
        (_, None) => {
            page.paragraph(&lead, &tinted, &record.reason);
            return;
        }
    };
    if columns(&lead) + columns(words) > page.style.width {
        page.paragraph(&lead, &tinted, words);
        return;
    }
    let words = page.tint(tone, words);
    page.line(&format!("{lead}{words}"));
}

/// What the server shows, if it differs from what is published.
fn served(page: &mut Page, address: &AddressReport) {
    let authenticated = matches!(address.dane, Standing::Authenticated | Standing::Assumed);
    if authenticated || address.records.is_empty() {
        return;
    }
    let Some(session) = address
        .sessions
        .iter()
        .rev()
        .find(|session| !session.certificates.is_empty())
    else {
        return;
    };
    let served = if session.end == "assumed" {
        "in file    "
    } else {
        "served     "
    };
    for certificate in &session.certificates {
        let lead = format!("        {served}{}  ", short_record(&certificate.tlsa));
        let text = format!("{} (from {})", certificate.subject, certificate.issuer);
        page.paragraph(&lead, &lead, &text);
    }
}

/// A record with its data cut to a length that an eye can compare.
pub(in crate::report) fn short_record(record: &str) -> String {
    match record.rsplit_once(' ') {
        Some((fields, data)) if data.len() > 20 && data.is_ascii() => {
            let (head, tail) = (data.get(..8), data.get(data.len().saturating_sub(4)..));
            format!(
                "{fields}  {}...{}",
                head.unwrap_or_default(),
                tail.unwrap_or_default()
            )
        }
        _ => record.to_owned(),
    }
}
