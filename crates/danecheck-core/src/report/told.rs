//! Findings, each thing said once: those that differ only in the host or the
//! address become one.

use std::collections::HashMap;

use super::finding::FindingReport;
use super::model::Report;

/// Findings of one kind that a page shows.
pub(super) const SHOWN_OF_A_KIND: usize = 6;

/// Hosts, and addresses of one host, that a folded finding names.
const NAMED: usize = 3;

/// Findings that say the same.
pub(super) struct Told<'a> {
    /// The first of them.
    pub(super) finding: &'a FindingReport,
    /// What they say, with all that they are about.
    pub(super) message: String,
    /// How many more of its kind follow that the page leaves out.
    pub(super) left_out: usize,
    /// Whether its remedy has to follow: no later one has the same.
    pub(super) is_last: bool,
}

/// The findings of a report without those that say the same; of each kind this
/// many at most.
pub(super) fn told(report: &Report, most: usize) -> Vec<Told<'_>> {
    told_naming(report, most, NAMED)
}

/// The same, where a folded finding names this many hosts at most.
pub(super) fn told_naming(report: &Report, most: usize, named: usize) -> Vec<Told<'_>> {
    let folded = folded(report, named);
    // The last finding with each step.
    let last: HashMap<(&str, String), usize> = folded
        .iter()
        .enumerate()
        .map(|(place, (finding, _))| ((finding.id.as_str(), step(finding)), place))
        .collect();
    let mut of_kind: HashMap<&str, usize> = HashMap::new();
    for (finding, _) in &folded {
        *of_kind.entry(&finding.id).or_default() += 1;
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut told = Vec::new();
    for (place, (finding, message)) in folded.into_iter().enumerate() {
        let before = seen.entry(&finding.id).or_default();
        *before += 1;
        let all = of_kind.get(finding.id.as_str()).copied();
        let all = all.unwrap_or_default();
        // A lone rest takes no more room than the words that there is one.
        let cuts = all > most.saturating_add(1);
        if cuts && *before > most {
            continue;
        }
        let is_cut = cuts && *before == most;
        told.push(Told {
            finding,
            message,
            left_out: if is_cut { all.saturating_sub(most) } else { 0 },
            is_last: is_cut || last.get(&(finding.id.as_str(), step(finding))) == Some(&place),
        });
    }
    told
}

/// The findings with their messages; those that differ only in what they are
/// about become one that names all of it.
fn folded(report: &Report, most: usize) -> Vec<(&FindingReport, String)> {
    let mut groups: Vec<(&FindingReport, Vec<&str>)> = Vec::new();
    let mut known: HashMap<(&str, String), usize> = HashMap::new();
    let assumption = report.assumed.as_ref().map(|assumed| &assumed.text);
    // The assumption stands at the top of each page.
    let others = report.findings.iter();
    let others = others.filter(|finding| Some(&finding.message) != assumption);
    for finding in others {
        let frame = frame(finding);
        let key = match frame.contains('\n') {
            true => (finding.id.as_str(), frame),
            false => (finding.id.as_str(), finding.message.clone()),
        };
        let place = *known.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, subjects)) => subjects.push(&finding.subject),
            None => groups.push((finding, vec![&finding.subject])),
        }
    }
    groups
        .into_iter()
        .map(|(first, subjects)| {
            let message = frame(first).replace('\n', &named(report, &subjects, most));
            (first, capitalised(message))
        })
        .collect()
}

/// A sentence may begin with the words for several hosts.
fn capitalised(message: String) -> String {
    match message.strip_prefix("each of ") {
        Some(rest) => format!("Each of {rest}"),
        None => message,
    }
}

/// The message with a gap in the place of what it is about.
fn frame(finding: &FindingReport) -> String {
    match finding.subject.is_empty() {
        true => finding.message.clone(),
        false => finding.message.replace(&finding.subject, "\n"),
    }
}

/// What to do, with a gap in the place of the host that it is about.
fn step(finding: &FindingReport) -> String {
    let host = host_of(&finding.subject);
    match host.is_empty() {
        true => finding.remedy.clone(),
        false => finding.remedy.replace(host, "\n"),
    }
}

/// The hosts with their addresses; without addresses where all of a host are
/// meant, and the number of addresses where they are many.
fn named(report: &Report, subjects: &[&str], most: usize) -> String {
    let mut hosts: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for subject in subjects {
        let host = host_of(subject);
        let address = subject.get(host.len()..).unwrap_or_default().trim();
        let place = *places.entry(host).or_insert(hosts.len());
        match hosts.get_mut(place) {
            Some((_, addresses)) => addresses.push(address),
            None => hosts.push((host, vec![address])),
        }
    }
    let all = hosts.len();
    let names: Vec<String> = hosts
        .into_iter()
        .take(if all > most + 1 { most } else { all })
        .map(|(host, addresses)| {
            let seen = report.hosts.iter().find(|seen| seen.name == host);
            let of_host = seen.map_or(0, |seen| seen.addresses.len());
            match addresses.len() {
                all if all == of_host => host.to_owned(),
                many if many > NAMED => format!("{host} ({many} of {of_host} addresses)"),
                _ => format!("{host} {}", addresses.join(" and "))
                    .trim_end()
                    .to_owned(),
            }
        })
        .collect();
    let more = all.saturating_sub(names.len());
    match names.as_slice() {
        [one] => one.clone(),
        names if more > 0 => format!("each of {} and {more} more", names.join(", ")),
        names => format!("each of {}", names.join(" and ")),
    }
}

/// The host in `host [address]`.
fn host_of(subject: &str) -> &str {
    subject.split_once(" [").map_or(subject, |(host, _)| host)
}
