//! The evidence, folded: what was asked, and what was answered.

use maud::{Markup, html};

use crate::report::human::assumed_service;

use super::super::both::Both;
use super::super::model::{HostReport, LookupReport, SessionReport};
use super::super::mta_sts::MtaStsReport;
use super::records::{in_tls, rest};
use super::view::{View, cut, name};
use super::words;

/// Rows that each table shows.
const ROWS: usize = 40;

/// A table, which scrolls by itself if it is wider than the page.
struct Table {
    title: Both,
    head: &'static [Both],
    rows: Vec<Vec<Markup>>,
}

pub(super) fn evidence(view: &View<'_>) -> Markup {
    let tables = [
        lookups(view),
        name_servers(view),
        sessions(view),
        looks(view),
    ];
    let service = view.report.sender.as_ref();
    let service = service.and_then(|sender| sender.policy_service.as_ref());
    html! {
        section aria-labelledby=[view.label("evidence")] {
            (view.titled(1, "evidence", words::EVIDENCE))
            details.evidence {
                summary { (view.say(words::DETAILS)) }
                @for (number, table) in tables.iter().enumerate() {
                    (table.markup(view, number))
                }
                @if let Some(seen) = &view.report.mta_sts { (mta_sts(view, seen)) }
                @if let Some(service) = service {
                    p { (view.english(name(&assumed_service(service)))) }
                }
            }
        }
    }
}

impl Table {
    fn markup(&self, view: &View<'_>, number: usize) -> Markup {
        let (rows, more) = cut(&self.rows, ROWS);
        let label = view.id(&format!("evidence-{number}"));
        html! {
            @if !rows.is_empty() {
                (view.titled(2, &format!("evidence-{number}"), self.title))
                div.scroll role="group" tabindex="0" aria-labelledby=(label) {
                    table {
                        thead {
                            tr { @for head in self.head { th scope="col" { (view.say(*head)) } } }
                        }
                        tbody {
                            @for row in rows {
                                tr { @for cell in row { td { (cell) } } }
                            }
                        }
                    }
                }
                @if more > 0 { (rest(view, more, words::MORE_ROWS)) }
            }
        }
    }
}

/// Every lookup of the report.
fn all_lookups<'a>(view: &View<'a>) -> impl Iterator<Item = &'a LookupReport> {
    let mx = view.report.mx.iter().map(|mx| &mx.lookup);
    let of_host = |host: &'a HostReport| {
        let tlsa = host.tlsa.iter().map(|tlsa| &tlsa.lookup);
        host.address_lookups.iter().chain(tlsa)
    };
    mx.chain(view.report.hosts.iter().flat_map(of_host))
}

fn lookups(view: &View<'_>) -> Table {
    let row = |lookup: &LookupReport| {
        vec![
            name(&lookup.name),
            html! { (lookup.record_type) },
            html! { (lookup.answer) },
            html! {
                @match lookup.status {
                    Some(status) => code { (status.as_str()) },
                    None => "\u{2013}",
                }
            },
            html! {
                @if let Some(ttl) = lookup.ttl { (ttl) " " (view.say(words::SECONDS)) }
            },
            details(view, lookup),
        ]
    };
    Table {
        title: words::LOOKUPS,
        head: &[
            words::NAME,
            words::TYPE,
            words::ANSWER,
            Both("DNSSEC", "DNSSEC"),
            words::TTL,
            words::DETAILS,
        ],
        rows: all_lookups(view).map(row).collect(),
    }
}

/// What went wrong, and where the chain of trust breaks.
fn details(view: &View<'_>, lookup: &LookupReport) -> Markup {
    let failure = lookup.failure.as_ref();
    let own = lookup.validated.as_ref();
    let link = own.and_then(|own| own.weak_link.as_ref());
    let reason = own.and_then(|own| own.reason.as_ref());
    let mut parts: Vec<String> = Vec::new();
    if let Some(failure) = failure {
        parts.push(failure.kind.clone());
        parts.extend(failure.text.clone());
    }
    if let Some(error) = &lookup.extended_error {
        parts.push(format!("{} {} {}", error.code, error.meaning, error.text));
    }
    parts.extend(reason.cloned());
    parts.extend(link.map(ToString::to_string));
    parts.dedup();
    html! {
        @if let Some(target) = lookup.aliases.last() {
            (view.say(words::ALIAS)) " " (name(target)) ". "
        }
        @for part in &parts { (view.english(name(part.trim()))) ". " }
    }
}

fn name_servers(view: &View<'_>) -> Table {
    let asked = all_lookups(view).filter_map(|lookup| {
        let asked = lookup.name_servers.as_ref()?;
        Some((lookup, asked))
    });
    let rows = asked.flat_map(|(lookup, asked)| {
        asked.servers.iter().map(move |server| {
            let at = server.address.as_deref().unwrap_or_default();
            vec![
                name(&format!("{} {at}", server.name)),
                name(&lookup.name),
                html! { (lookup.record_type) },
                view.english(name(&server.text())),
            ]
        })
    });
    Table {
        title: words::NAME_SERVERS,
        head: &[words::SERVER, words::NAME, words::TYPE, words::ANSWER],
        rows: rows.take(ROWS * 2).collect(),
    }
}

fn sessions(view: &View<'_>) -> Table {
    let row = |host: &str, address: &str, offer: Option<&str>, session: &SessionReport| {
        vec![
            name(&format!("{host} [{address}]")),
            html! {
                @match &session.sni { Some(sni) => (name(sni)), None => "\u{2013}" }
                @if let Some(offer) = offer { " (" (offer) ")" }
            },
            html! { code { (session.end) } " " (view.english(name(&session.detail))) },
            in_tls(session),
        ]
    };
    let mut rows = Vec::new();
    for host in &view.report.hosts {
        for address in &host.addresses {
            let at = &address.address;
            let usual = address.sessions.iter();
            rows.extend(usual.map(|session| row(&host.name, at, None, session)));
            let limited = address.limited.iter();
            rows.extend(limited.map(|look| {
                let mut row = row(&host.name, at, Some(&look.offer), &look.session);
                row.extend(look.covered.map(|covered| {
                    html! {
                        (view.say(if covered { words::COVERED } else { words::NOT_COVERED }))
                    }
                }));
                row
            }));
            // The rest is only counted.
            if rows.len() > ROWS * 8 {
                break;
            }
        }
    }
    let is_thorough = rows.iter().any(|row| row.len() > 4);
    for row in &mut rows {
        if is_thorough && row.len() == 4 {
            row.push(Markup::default());
        }
    }
    Table {
        title: words::SESSIONS,
        head: match is_thorough {
            true => &[
                words::SERVER,
                words::SNI,
                words::END,
                words::TLS,
                words::RESULT,
            ],
            false => &[words::SERVER, words::SNI, words::END, words::TLS],
        },
        rows,
    }
}

fn looks(view: &View<'_>) -> Table {
    let rows = view.report.vantage_points.iter().map(|look| {
        let differences = look.differences.iter().take(8).map(|one| {
            let what = serde_json::to_value(one.what).unwrap_or_default();
            let what = what.as_str().unwrap_or_default().to_owned();
            format!("{what} ({}): {}", one.host, one.reason)
        });
        let differences: Vec<String> = differences.collect();
        let words = look.obstacle.iter().cloned().chain(differences);
        let words: Vec<String> = words.collect();
        vec![
            name(&look.second.name),
            html! { code { (look.result) } },
            view.english(name(&words.join(". "))),
        ]
    });
    Table {
        title: words::LOOKS,
        head: &[words::PLACE, words::RESULT, words::DETAILS],
        rows: rows.collect(),
    }
}

fn mta_sts(view: &View<'_>, seen: &MtaStsReport) -> Markup {
    let id = "evidence-mta-sts";
    let (reports_to, _) = cut(&seen.reports_to, 8);
    let (hosts, more) = cut(&seen.hosts, ROWS);
    html! {
        (view.titled(2, id, words::MTA_STS))
        ul {
            li {
                (view.say(words::POLICY)) ": "
                @match &seen.policy {
                    Some(policy) => code { (policy.mode.as_str()) },
                    None => (view.say(words::NONE)),
                }
            }
            @if let Some(problem) = &seen.problem {
                li { (view.say(words::PROBLEM)) ": " (view.english(name(problem))) }
            }
            @for host in hosts {
                li {
                    (name(&host.name)) ": "
                    @if host.listed && host.problem.is_none() { "\u{2713}" } @else {
                        "\u{2717} "
                        (view.english(name(host.problem.as_deref().unwrap_or("not listed"))))
                    }
                }
            }
            @if more > 0 { li { "+ " (more) } }
            @if !reports_to.is_empty() {
                li { (view.say(words::REPORTS_TO)) ": " (name(&reports_to.join(", "))) }
            }
        }
    }
}
