//! The path of the mail: domain, MX hosts, addresses, records and certificates.

use maud::{Markup, html};

use crate::dnssec::SecurityStatus;
use crate::report::human::{groups, short_record};

use super::super::both::Both;
use super::super::model::{AddressReport, HostReport, LookupReport};
use super::compared::{self, counted, result_words};
use super::mark::Mark;
use super::picture::{Edge, Row, picture};
use super::standing::standing_text;
use super::view::{View, cut};
use super::words;

/// What the picture shows of each: more would be no picture any more.
const HOSTS: usize = 5;
const GROUPS: usize = 3;
const RECORDS: usize = 3;
const CERTIFICATES: usize = 2;

/// The section with the picture.
pub(super) fn path(view: &View<'_>) -> Markup {
    let rows = rows(view);
    html! {
        section aria-labelledby=[view.label("path")] {
            (view.titled(1, "path", words::PATH))
            (picture(view, &rows))
        }
    }
}

fn rows(view: &View<'_>) -> Vec<Row> {
    let report = view.report;
    let (edge, words, mark) = mx(view);
    let mut rows = vec![Row {
        depth: 0,
        edge: Edge::Plain,
        mark,
        title: report.target.clone(),
        words,
        more: String::new(),
    }];
    if let (Some(mx), Some(root)) = (&report.mx, rows.first_mut()) {
        match &mx.lookup.failure {
            Some(_) => rows.push(failure(view, 1, &mx.lookup)),
            None => root.more = break_of(&mx.lookup),
        }
    }
    let (hosts, more) = cut(&report.hosts, HOSTS);
    for host in hosts {
        rows.push(host_row(view, host, edge));
        rows.extend(failures(view, host));
        addresses(view, host, &mut rows);
    }
    if more > 0 {
        rows.push(rest(view, 1, more, words::MORE_HOSTS));
    }
    if report.hosts.is_empty() && report.mx.is_none() {
        rows.push(Row {
            depth: 1,
            edge: Edge::Plain,
            mark: Some(Mark::Unknown),
            title: view.say(words::NOTHING_SEEN).to_owned(),
            words: String::new(),
            more: String::new(),
        });
    }
    rows
}

/// How the MX records are known, the words, and whether that is where it ends.
fn mx(view: &View<'_>) -> (Edge, String, Option<Mark>) {
    let Some(mx) = &view.report.mx else {
        return (Edge::Plain, view.say(words::NO_MX_LOOKUP).to_owned(), None);
    };
    let lookup = &mx.lookup;
    if lookup.failure.is_some() {
        let words = view.say(words::MX_RECORDS);
        let words = format!("{words}: {}", view.say(words::FAILS));
        return (Edge::Broken, words, Some(Mark::Bad));
    }
    let status = view.say(words::status(lookup.status));
    let is_null = mx.records.iter().any(|record| record.host == ".");
    let (words, mark) = match (is_null, mx.records.is_empty()) {
        (true, _) => (view.say(words::NULL_MX).to_owned(), Some(Mark::Bad)),
        (_, true) if lookup.answer == "nxdomain" => {
            (format!("{}, {status}", view.say(words::NO_SUCH_NAME)), None)
        }
        (_, true) => (format!("{}, {status}", view.say(words::NO_MX)), None),
        _ => (format!("{}: {status}", view.say(words::MX_RECORDS)), None),
    };
    (edge(lookup), words, mark)
}

fn edge(lookup: &LookupReport) -> Edge {
    match (lookup.answer.as_str(), lookup.status) {
        ("failure", _) | (_, Some(SecurityStatus::Bogus)) => Edge::Broken,
        (_, Some(SecurityStatus::Secure)) => Edge::Signed,
        (_, Some(SecurityStatus::Insecure | SecurityStatus::Indeterminate) | None) => {
            Edge::Unsigned
        }
    }
}

fn host_row(view: &View<'_>, host: &HostReport, edge: Edge) -> Row {
    let list: Vec<String> = host.preferences.iter().map(u16::to_string).collect();
    let title = match list.is_empty() {
        true => host.name.clone(),
        false => format!("MX {} {}", list.join(", "), host.name),
    };
    let (address, tlsa) = (address_words(view, host), tlsa_words(view, host));
    Row {
        depth: 1,
        edge,
        mark: (host.addresses.is_empty()).then_some(Mark::Bad),
        title,
        words: format!("{address} \u{b7} {tlsa}"),
        more: unsigned_address(host).map_or_else(String::new, break_of),
    }
}

/// What is known of a host's addresses: of the weaker lookup, if they differ.
pub(super) fn address_words(view: &View<'_>, host: &HostReport) -> String {
    let mut lookups = host.address_lookups.iter();
    let found = unsigned_address(host).or_else(|| lookups.clone().find(|it| has_records(it)));
    match found {
        Some(lookup) => format!(
            "{} {}",
            view.say(words::ADDRESS),
            view.say(words::status(lookup.status))
        ),
        None if lookups.any(|lookup| lookup.failure.is_some()) => {
            format!("{}: {}", view.say(words::ADDRESS), view.say(words::FAILS))
        }
        None if host.addresses.is_empty() && host.address_lookups.is_empty() => {
            format!(
                "{}: {}",
                view.say(words::ADDRESS),
                view.say(words::NOT_ASKED)
            )
        }
        None if host.addresses.is_empty() => view.say(words::NO_ADDRESS).to_owned(),
        None => view.say(words::ADDRESS).to_owned(),
    }
}

fn has_records(lookup: &LookupReport) -> bool {
    lookup.answer == "records"
}

/// The address lookup whose records DNSSEC does not protect.
fn unsigned_address(host: &HostReport) -> Option<&LookupReport> {
    let mut lookups = host.address_lookups.iter();
    lookups.find(|lookup| has_records(lookup) && edge(lookup) != Edge::Signed)
}

fn tlsa_words(view: &View<'_>, host: &HostReport) -> String {
    let failed = host.tlsa.iter().find(|tlsa| tlsa.lookup.failure.is_some());
    let mut addresses = host.addresses.iter();
    let counted = addresses.find_map(|address| counted(host, address));
    let words = match (failed, counted) {
        (Some(_), _) => view.say(words::FAILS),
        (None, Some(tlsa)) => view.say(words::status(tlsa.lookup.status)),
        // Postfix asks for none where it would not use them.
        (None, None) if host.tlsa.is_empty() => view.say(words::NOT_ASKED),
        (None, None) => view.say(words::NONE),
    };
    format!("{}: {words}", view.say(words::TLSA))
}

/// The lookups of a host that fail, and where DNSSEC breaks.
fn failures(view: &View<'_>, host: &HostReport) -> Vec<Row> {
    let tlsa = host.tlsa.iter().map(|tlsa| &tlsa.lookup);
    let all = host.address_lookups.iter().chain(tlsa);
    let failed = all.filter(|lookup| lookup.failure.is_some());
    let failed = failed.take(RECORDS);
    failed.map(|lookup| failure(view, 2, lookup)).collect()
}

fn failure(view: &View<'_>, depth: usize, lookup: &LookupReport) -> Row {
    let kind = lookup.failure.as_ref().map_or("", |it| it.kind.as_str());
    Row {
        depth,
        edge: Edge::Broken,
        mark: Some(Mark::Bad),
        title: format!("{} {}", lookup.record_type, lookup.name),
        words: format!("{} ({kind})", view.say(words::FAILS)),
        more: break_of(lookup),
    }
}

/// Where the chain of trust ends or breaks; empty if that is unknown.
fn break_of(lookup: &LookupReport) -> String {
    let own = lookup.validated.as_ref();
    let link = own.and_then(|own| own.weak_link.as_ref());
    link.map_or_else(String::new, ToString::to_string)
}

/// How the addresses of a group are known: their family's lookup, the weaker one
/// where both are among them.
fn address_edge(host: &HostReport, group: &[&AddressReport]) -> Edge {
    let is_there = |lookup: &&LookupReport| {
        let mut addresses = group.iter();
        addresses.any(|it| it.address.contains(':') == (lookup.record_type == "AAAA"))
    };
    let lookups = host.address_lookups.iter().filter(|it| has_records(it));
    let edges: Vec<Edge> = lookups.filter(is_there).map(edge).collect();
    let mut edges_by_weakness = [Edge::Broken, Edge::Unsigned, Edge::Signed].into_iter();
    let weakest = edges_by_weakness.find(|edge| edges.contains(edge));
    weakest.unwrap_or(Edge::Plain)
}

fn addresses(view: &View<'_>, host: &HostReport, rows: &mut Vec<Row>) {
    let groups = groups(&host.addresses);
    let (shown, _) = cut(&groups, GROUPS);
    for group in shown {
        let Some(first) = group.first() else { continue };
        let (mark, words) = standing_text(view, first);
        let list = group.iter().take(4).map(|address| address.address.as_str());
        let list: Vec<&str> = list.collect();
        let rest = match group.len().saturating_sub(list.len()) {
            0 => String::new(),
            more => format!(" +{more}"),
        };
        rows.push(Row {
            depth: 2,
            edge: address_edge(host, group),
            mark: Some(mark),
            title: format!("{}{rest}", list.join(", ")),
            words,
            more: String::new(),
        });
        proof(view, host, first, rows);
    }
    let seen: usize = shown.iter().map(Vec::len).sum();
    let more = host.addresses.len().saturating_sub(seen);
    if more > 0 {
        rows.push(rest(view, 2, more, words::MORE_ADDRESSES));
    }
}

/// The records that count at an address, and the certificates there.
fn proof(view: &View<'_>, host: &HostReport, address: &AddressReport, rows: &mut Vec<Row>) {
    let (records, more) = cut(&address.records, RECORDS);
    for record in records {
        rows.push(Row {
            depth: 3,
            edge: counted(host, address).map_or(Edge::Unsigned, |tlsa| edge(&tlsa.lookup)),
            mark: Some(compared::mark(record)),
            title: format!("{} {}", view.say(words::TLSA), short_record(&record.record)),
            words: result_words(address, record)
                .map_or_else(|| record.reason.clone(), |words| view.say(words).to_owned()),
            more: String::new(),
        });
    }
    if more > 0 {
        rows.push(rest(view, 3, more, words::MORE_RECORDS));
    }
    let session = super::records::session(address);
    let served = session.map_or(&[][..], |session| session.certificates.as_slice());
    let (certificates, more) = cut(served, CERTIFICATES);
    for certificate in certificates {
        rows.push(Row {
            depth: 3,
            edge: Edge::Plain,
            mark: None,
            title: short_record(&certificate.tlsa),
            words: format!(
                "{}: {}, {} {}",
                view.say(words::SERVED_CERTIFICATE),
                certificate.subject,
                view.say(words::UNTIL),
                certificate.not_after.day()
            ),
            more: String::new(),
        });
    }
    if more > 0 {
        rows.push(rest(view, 3, more, words::MORE_CERTIFICATES));
    }
}

fn rest(view: &View<'_>, depth: usize, more: usize, what: Both) -> Row {
    Row {
        depth,
        edge: Edge::Plain,
        mark: None,
        title: format!("+ {more} {}", view.say(what)),
        words: String::new(),
        more: String::new(),
    }
}
