//! The verdict on a target, and on each of its addresses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dnssec::SecurityStatus;
use crate::observation::{
    Answer, ConnectFailureKind, FailureKind, Lookup, Observation, ResolverValidation, SessionEnd,
    Shortcoming,
};
use crate::postfix::SecurityLevel;

use super::attempt::Age;
use super::dane::DaneRecords;
use super::evidence::{AddressEvidence, Evidence, HostEvidence, Promise};
use super::failure::Attempt;
use super::outcome::{Channel, Outcomes};
use super::policy::PolicyRequest;

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Delivers at `dane`, the MX record set secure, every address
    /// authenticated by TLSA.
    DaneOk,
    /// Delivers at `dane` with TLSA records, but not everywhere or not over a
    /// secure MX record set.
    DanePartial,
    /// Delivers at `dane`, encrypted only: TLSA records exist, none usable.
    DaneUnusable,
    /// Delivers at `dane` without TLSA.
    NoDane,
    /// Deferred or bounced at `dane`; a weaker level would deliver.
    DaneBroken,
    /// No level delivers.
    Undeliverable,
    /// Unknown from here.
    Indeterminate,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::DaneOk,
        Self::DanePartial,
        Self::DaneUnusable,
        Self::NoDane,
        Self::DaneBroken,
        Self::Undeliverable,
        Self::Indeterminate,
    ];

    /// The word of the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DaneOk => "dane-ok",
            Self::DanePartial => "dane-partial",
            Self::DaneUnusable => "dane-unusable",
            Self::NoDane => "no-dane",
            Self::DaneBroken => "dane-broken",
            Self::Undeliverable => "undeliverable",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// What DANE does for one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Standing {
    /// A TLSA record matches the server.
    Authenticated,
    /// The server was not checked; a TLSA record would match what it is assumed
    /// to show.
    Assumed,
    /// The server accepts mail, and no TLSA records count.
    WithoutTlsa,
    /// The server accepts mail in TLS, and no TLSA record is usable.
    Unusable,
    /// The `dane` level does not deliver here.
    Broken,
    /// It could not be checked from here.
    Unseen,
    /// Judging what it shows takes more work than one check may cost.
    NotJudged,
}

impl Standing {
    fn is_authenticated(self) -> bool {
        matches!(self, Self::Authenticated | Self::Assumed)
    }
}

/// What DANE does for one address.
pub(crate) fn standing<'a>(
    evidence: &Evidence<'a>,
    host: &HostEvidence<'a>,
    address: &AddressEvidence<'a>,
) -> Standing {
    let reserved = address.seen.reserved.is_some();
    if reserved
        || address.was_left_out()
        || cannot_be_seen(address) && !family_works(evidence, address)
    {
        return Standing::Unseen;
    }
    let request = PolicyRequest::plain(SecurityLevel::Dane);
    let attempt = evidence.attempt(&request, host, address, &address.dane, Age::Deferred);
    match (&attempt, &address.dane) {
        (Attempt::Ready(_), DaneRecords::Unusable(_)) => Standing::Unusable,
        (Attempt::Ready(_), DaneRecords::Usable(_, set)) => {
            let authenticated = address.dane_session().is_some_and(|session| {
                if session.shows_what_is_asked_for() {
                    return Promise::of(set) == Promise::Kept;
                }
                let matching = session.dane.as_ref();
                matching.is_some_and(|matching| matching.result.is_ok())
            });
            if !authenticated {
                Standing::Unusable
            } else if evidence.observation.assumed.is_some() {
                Standing::Assumed
            } else {
                Standing::Authenticated
            }
        }
        (Attempt::Ready(_), DaneRecords::NotFound(_)) => Standing::WithoutTlsa,
        (Attempt::NotJudged(_), _) => Standing::NotJudged,
        (Attempt::Ready(_), DaneRecords::LookupError)
        | (Attempt::Soft(_) | Attempt::Counted(_) | Attempt::Hard(_), _) => Standing::Broken,
    }
}

/// Whether nothing is known of an address: no session, or no connection for a
/// reason that may be on our side.
pub(crate) fn cannot_be_seen(address: &AddressEvidence<'_>) -> bool {
    address
        .sessions
        .iter()
        .all(|session| match &session.seen.end {
            SessionEnd::NotConnected(failure) => matches!(
                failure.kind,
                ConnectFailureKind::TimedOut
                    | ConnectFailureKind::Unreachable
                    | ConnectFailureKind::Proxy
            ),
            _ => false,
        })
}

/// Whether any address of the same family could be reached. If not, this host
/// may lack the family, which does not count against the domain.
pub(crate) fn family_works(evidence: &Evidence<'_>, address: &AddressEvidence<'_>) -> bool {
    evidence.addresses().any(|(_, other)| {
        other.seen.address.is_ipv4() == address.seen.address.is_ipv4() && !cannot_be_seen(other)
    })
}

/// Why nothing is known about the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blind {
    /// The resolver answers nothing, or nothing that can be used.
    Resolver,
    /// The resolver denies names that must exist.
    Denials,
    /// No address can be reached from here.
    Network,
    /// The proxy failed.
    Proxy,
    /// Every address is reserved, so danecheck connected to none.
    Reserved,
    /// Every mail server was to be skipped.
    Skipped,
    /// There are TLSA records, but the resolver does not validate.
    Unvalidated,
}

/// Whether anything is known about the target.
pub(crate) fn blind(evidence: &Evidence<'_>) -> Option<Blind> {
    let observation = evidence.observation;
    if observation.resolver.shortcoming == Some(Shortcoming::DeniesTheRoot) {
        return Some(Blind::Denials);
    }
    if observation.resolver.validation == ResolverValidation::NoAnswer
        || observation.resolver.validation == ResolverValidation::NotShown
            && (mx_lookup_failed(evidence) || no_lookup_succeeded(observation))
    {
        return Some(Blind::Resolver);
    }
    if observation.hosts.is_empty() && !observation.skipped.is_empty() {
        return Some(Blind::Skipped);
    }
    let addresses = evidence.addresses().map(|(_, address)| address);
    let addresses: Vec<_> = addresses
        .filter(|address| observation.uses(address.seen.address))
        .collect();
    if !addresses.is_empty() && addresses.iter().all(|address| cannot_be_seen(address)) {
        let all_reserved = addresses
            .iter()
            .all(|address| address.seen.reserved.is_some());
        return Some(if all_reserved {
            Blind::Reserved
        } else if proxy_failure(evidence).is_some() {
            Blind::Proxy
        } else {
            Blind::Network
        });
    }
    let any_tlsa = observation.hosts.iter().any(|host| {
        host.tlsa
            .iter()
            .any(|tlsa| !matches!(tlsa.lookup.answer, Answer::Denied(_)))
    });
    if any_tlsa && has_unknown_status(observation) {
        return Some(Blind::Unvalidated);
    }
    None
}

/// Why the proxy failed, if it did.
pub(crate) fn proxy_failure<'a>(evidence: &Evidence<'a>) -> Option<&'a str> {
    let sessions = evidence
        .addresses()
        .flat_map(|(_, address)| &address.sessions);
    sessions
        .map(|session| session.seen)
        .find_map(|session| match &session.end {
            SessionEnd::NotConnected(failure) if failure.kind == ConnectFailureKind::Proxy => {
                Some(failure.text.as_str())
            }
            _ => None,
        })
}

/// Whether the status of some lookup is unknown.
fn has_unknown_status(observation: &Observation) -> bool {
    let untold = |status: Option<SecurityStatus>| status == Some(SecurityStatus::Indeterminate);
    observation
        .mx
        .as_ref()
        .is_some_and(|mx| untold(mx.status()))
        || observation.hosts.iter().any(|host| {
            let addresses = host.a.iter().chain(&host.aaaa);
            addresses.into_iter().any(|lookup| {
                matches!(lookup.answer, Answer::Records(_)) && untold(lookup.status())
            }) || host.tlsa.iter().any(|tlsa| untold(tlsa.lookup.status()))
        })
}

/// Whether there are lookups, and each failed, if none of them is bogus.
fn no_lookup_succeeded(observation: &Observation) -> bool {
    let mut lookups = observation.lookups().peekable();
    lookups.peek().is_some()
        && lookups.all(|lookup| {
            let failed = |kind| !matches!(kind, FailureKind::AliasLoop | FailureKind::Bogus);
            lookup.status.is_err_and(failed) && !lookup.is_bogus()
        })
}

fn mx_lookup_failed(evidence: &Evidence<'_>) -> bool {
    evidence
        .observation
        .mx
        .as_ref()
        .and_then(|mx| mx.failure())
        .is_some_and(|failure| !matches!(failure.kind, FailureKind::AliasLoop | FailureKind::Bogus))
        && !evidence.observation.mx.iter().any(Lookup::is_bogus)
}

/// The verdict, from the outcomes and the standings of all addresses.
pub(crate) fn verdict(
    evidence: &Evidence<'_>,
    outcomes: &Outcomes,
    standings: &[Standing],
) -> Verdict {
    if blind(evidence).is_some() {
        return Verdict::Indeterminate;
    }
    let dane = &outcomes.dane;
    if !dane.is_told() {
        return Verdict::Indeterminate;
    }
    if !dane.delivers() {
        let weaker = [
            SecurityLevel::None,
            SecurityLevel::May,
            SecurityLevel::Encrypt,
        ];
        return if weaker
            .into_iter()
            .any(|level| outcomes.at(level).delivers())
        {
            Verdict::DaneBroken
        } else {
            Verdict::Undeliverable
        };
    }
    let in_play = evidence
        .addresses()
        .any(|(_, address)| !matches!(address.dane, DaneRecords::NotFound(_)));
    if !in_play {
        return Verdict::NoDane;
    }
    if standings.contains(&Standing::NotJudged) {
        return Verdict::Indeterminate;
    }
    let seen: Vec<Standing> = standings
        .iter()
        .copied()
        .filter(|standing| *standing != Standing::Unseen)
        .collect();
    let secure_mx = evidence.mx.as_ref().is_none_or(|mx| mx.secure);
    if secure_mx && seen.iter().all(|standing| standing.is_authenticated()) {
        Verdict::DaneOk
    } else if seen.contains(&Standing::Unusable)
        && !seen.iter().any(|standing| standing.is_authenticated())
        && !seen.contains(&Standing::Broken)
        && dane.channel != Some(Channel::Authenticated)
    {
        Verdict::DaneUnusable
    } else {
        Verdict::DanePartial
    }
}
