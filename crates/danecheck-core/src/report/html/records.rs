//! What is published beside what is served, for each address.

use maud::{Markup, html};

use crate::judge::Standing;
use crate::report::human::{groups, stand_in};

use super::super::both::Both;
use super::super::model::{
    AddressReport, CertificateReport, HostReport, RecordReport, SessionReport,
};
use super::bytes;
use super::compared::{counted, mark, result_words};
use super::path::address_words;
use super::standing::standing;
use super::view::{View, cut, name};
use super::words;

/// What is shown of each.
const HOSTS: usize = 10;
const GROUPS: usize = 6;
const GROUPS_OF_MANY_HOSTS: usize = 2;
const ADDRESSES: usize = 8;
const RECORDS: usize = 8;
const CERTIFICATES: usize = 4;

/// The section; empty if there is nothing to compare.
pub(super) fn records(view: &View<'_>) -> Markup {
    let (hosts, more) = cut(&view.report.hosts, HOSTS);
    html! {
        @if !hosts.is_empty() {
            section aria-labelledby=[view.label("records")] {
                (view.titled(1, "records", words::RECORDS))
                @for host in hosts { (of_host(view, host)) }
                @if more > 0 { (rest(view, more, words::MORE_HOSTS)) }
            }
        }
    }
}

/// How many are left out, and where they are.
pub(super) fn rest(view: &View<'_>, more: usize, what: Both) -> Markup {
    html! {
        p.quiet { "+ " (more) " " (view.say(what)) "; " (view.say(words::JSON_HAS_ALL)) "." }
    }
}

fn of_host(view: &View<'_>, host: &HostReport) -> Markup {
    let groups = groups(&host.addresses);
    let most = match view.report.hosts.len() {
        0..=3 => GROUPS,
        _ => GROUPS_OF_MANY_HOSTS,
    };
    let (shown, _) = cut(&groups, most);
    let seen: usize = shown.iter().map(Vec::len).sum();
    let more = host.addresses.len().saturating_sub(seen);
    html! {
        (view.heading(2, name(&host.name)))
        @if host.addresses.is_empty() {
            p { (address_words(view, host)) "." }
        }
        @for tlsa in host.tlsa.iter().take(RECORDS) {
            @if let Some(failure) = &tlsa.lookup.failure {
                p.result.bad {
                    (view.say(words::TLSA)) " " (name(&tlsa.lookup.name)) ": "
                    (view.say(words::FAILS)) " (" (name(&failure.kind)) ")"
                }
            }
        }
        @for group in shown {
            @if let Some(first) = group.first() {
                (of_group(view, host, group, first))
            }
        }
        @if more > 0 { (rest(view, more, words::MORE_ADDRESSES)) }
    }
}

fn of_group(
    view: &View<'_>,
    host: &HostReport,
    group: &[&AddressReport],
    first: &AddressReport,
) -> Markup {
    let (mark, standing) = standing(view, first);
    let (shown, more) = cut(group, ADDRESSES);
    html! {
        p.address {
            span.addresses {
                @for (number, address) in shown.iter().enumerate() {
                    @if number > 0 { ", " }
                    (name(&address.address))
                }
                @if more > 0 { " +" (more) }
            }
            " " span class=(format!("standing {}", mark.class())) {
                span aria-hidden="true" { (mark.sign()) } " " (standing)
            }
        }
        @if !(first.records.is_empty() && session(first).is_none()) {
            div.pair {
                (published(view, host, first))
                (served(view, first))
            }
        }
    }
}

fn published(view: &View<'_>, host: &HostReport, address: &AddressReport) -> Markup {
    let (records, more) = cut(&address.records, RECORDS);
    let served: Vec<&str> = certificates(address)
        .iter()
        .map(|it| it.tlsa.as_str())
        .collect();
    let tlsa = counted(host, address);
    html! {
        div {
            p.column { (view.say(words::PUBLISHED)) }
            @if let Some(tlsa) = tlsa {
                p.quiet {
                    (name(&tlsa.lookup.name)) ", " (view.say(words::status(tlsa.lookup.status)))
                }
            }
            @if records.is_empty() {
                p { (view.say(no_records(address))) }
            } @else {
                ul.records {
                    @for record in records {
                        li {
                            (bytes::record(
                                view,
                                &record.record,
                                record.result == "matches",
                                served.iter().copied(),
                            ))
                            (result(view, address, record))
                        }
                    }
                }
            }
            @if more > 0 { (rest(view, more, words::MORE_RECORDS)) }
        }
    }
}

/// Why no TLSA record is compared at an address.
fn no_records(address: &AddressReport) -> Both {
    match address.dane {
        Standing::WithoutTlsa => words::NO_RECORDS,
        // Postfix defers mail that it cannot ask about.
        Standing::Broken => words::RECORDS_UNKNOWN,
        Standing::Authenticated
        | Standing::Assumed
        | Standing::Unusable
        | Standing::Unseen
        | Standing::NotJudged => words::NOT_COMPARED_HERE,
    }
}

fn result(view: &View<'_>, address: &AddressReport, record: &RecordReport) -> Markup {
    let mark = mark(record);
    html! {
        p class=(format!("result {}", mark.class())) {
            span aria-hidden="true" { (mark.sign()) } " "
            @match result_words(address, record) {
                Some(words) => (view.say(words)),
                None => (view.english(name(&record.reason))),
            }
            @if let Some(what) = &record.what_it_is {
                ": " (view.english(html! { "it is " (name(what)) }))
            }
        }
    }
}

fn served(view: &View<'_>, address: &AddressReport) -> Markup {
    let (shown, more) = cut(certificates(address), CERTIFICATES);
    let matching = address
        .records
        .iter()
        .filter(|record| record.result == "matches");
    let matching: Vec<&str> = matching.map(|record| record.record.as_str()).collect();
    let others: Vec<&str> = address
        .records
        .iter()
        .map(|it| it.record.as_str())
        .collect();
    let session = session(address);
    html! {
        div {
            p.column {
                (view.say(match stand_in(address) {
                    Some(_) => words::IN_FILE,
                    None => words::SERVED,
                }))
            }
            @if let Some(session) = session {
                p.quiet { (in_tls(session)) }
            }
            @if shown.is_empty() {
                p { (view.say(words::NO_CERTIFICATE)) }
            } @else {
                ul.records {
                    @for certificate in shown {
                        li {
                            (bytes::record(
                                view,
                                &certificate.tlsa,
                                matching.contains(&certificate.tlsa.as_str()),
                                others.iter().copied(),
                            ))
                            (about(view, certificate))
                        }
                    }
                }
            }
            @if more > 0 { (rest(view, more, words::MORE_CERTIFICATES)) }
        }
    }
}

fn about(view: &View<'_>, certificate: &CertificateReport) -> Markup {
    html! {
        p {
            (name(&certificate.subject)) " (" (view.say(words::FROM)) " "
            (name(&certificate.issuer)) "), " (view.say(words::VALID)) " "
            (certificate.not_before.day()) " \u{2013} " (certificate.not_after.day()) ", "
            (view.say(words::KEY)) " " (name(&certificate.key))
        }
    }
}

/// `TLSv1.3, TLS_AES_256_GCM_SHA384`.
pub(super) fn in_tls(session: &SessionReport) -> Markup {
    let parts = [&session.tls_version, &session.cipher];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    name(&parts.join(", "))
}

fn certificates(address: &AddressReport) -> &[CertificateReport] {
    session(address).map_or(&[], |session| session.certificates.as_slice())
}

/// The session whose certificates are shown: the last that has some.
pub(super) fn session(address: &AddressReport) -> Option<&SessionReport> {
    let mut sessions = address.sessions.iter().rev();
    sessions.find(|session| !session.certificates.is_empty())
}
