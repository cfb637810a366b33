//! Findings about aliases that lead to no record.

use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::judge::Judged;
use crate::observation::{AuthoritySeen, FailureKind};

pub(super) static ALIAS_LOOP: Rule = Rule {
    id: "alias-loop",
    severity: Severity::Error,
    reference: "RFC 1034 section 3.6.2",
    meaning: "A name is an alias (CNAME), and the aliases lead in a circle or are too many. \
              Resolvers give up and answer SERVFAIL. Postfix gives up after ten answers that are \
              only aliases. Mail that depends on the lookup waits. The resolver is not at fault.",
    sender: "Tell the domain's administrator which aliases they are.",
    receiver: "Publish the records at the name itself, or let its alias lead to a name that has \
               them. Ask a name server for each step (`dig +norecurse CNAME NAME @SERVER`).",
};

/// Aliases that resolvers follow: unbound and BIND count to 11
/// (`max-query-restarts`).
const FOLLOWED: usize = 11;

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for lookup in judged.evidence.observation.lookups() {
        if let Err(kind) = lookup.status {
            of_failed(lookup.name, kind, lookup.authority, findings);
        }
    }
}

/// The finding about a lookup that failed.
pub(super) fn of_failed(
    name: &str,
    kind: FailureKind,
    authority: Option<&AuthoritySeen>,
    findings: &mut Findings,
) {
    let way = authority.filter(|seen| lead_nowhere(seen));
    let message = match way {
        Some(seen) => {
            let names: Vec<&str> = std::iter::once(&seen.name)
                .chain(&seen.aliases)
                .map(|name| name.trim_end_matches('.'))
                .collect();
            let (first, rest) = (name, names.get(1..).unwrap_or_default());
            let start = match names.first() {
                Some(begin) if *begin != first => format!("{first} leads to {begin}, which"),
                _ => first.to_owned(),
            };
            let end = if is_circle(seen) {
                "a circle of aliases"
            } else {
                "more aliases than resolvers follow"
            };
            format!("{start} is an alias of {}: {end}.", rest.join(", that of "))
        }
        None if kind == FailureKind::AliasLoop => {
            format!("{name} is an alias, and the aliases behind it do not end.")
        }
        None => return,
    };
    findings.put(Finding::new(&ALIAS_LOOP, name, message).known("NAME", name));
}

/// Whether the aliases behind a name lead to no record.
pub(super) fn lead_nowhere(seen: &AuthoritySeen) -> bool {
    is_circle(seen) || seen.aliases.len() > FOLLOWED
}

fn is_circle(seen: &AuthoritySeen) -> bool {
    seen.aliases.split_last().is_some_and(|(last, before)| {
        std::iter::once(&seen.name)
            .chain(before)
            .any(|name| name == last)
    })
}
