//! A certificate that is about to be deployed: the records to publish for it,
//! whether it would match what is published now, and the safe order of steps
//! (RFC 7671 section 8).

mod outlook;
mod plan;
#[cfg(test)]
mod tests;
mod text;

use schemars::JsonSchema;
use serde::Serialize;

use crate::certificate::{Account, Certificate, Known, Presented, ReferenceName, matches_host};
use crate::forensics::{Shown, Surroundings};
use crate::judge::{DaneRecords, Evidence, HostEvidence, NotFound, dane_names};
use crate::matching::{DaneMatching, RecordOutcome, Requirement, match_dane_within};
use crate::next_hop::host_name_fault;
use crate::observation::{Answer, Observation, TlsaLookup};
use crate::report::ExitStatus;
use crate::text::printable;
use crate::tlsa::{CertificateUsage, MatchingType, Selector, TlsaRecord};
use crate::work::{SHARED, WorkLimits};

pub use outlook::{HostOutlook, NewRecord, Outlook, Published};
pub use plan::{Plan, Step};

/// What `danecheck tlsa --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TlsaOutput {
    /// The records of the certificate, or of the authorities above it.
    pub records: Vec<NewRecord>,
    /// The comparison with the published records; null without `--against`.
    pub against: Option<Renewal>,
}

/// The JSON Schema of what `danecheck tlsa --json` prints.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(TlsaOutput).into()
}

/// Which records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// `3 1 1` of the server's own key.
    EndEntity,
    /// `2 1 1` of each authority in the file.
    Authorities,
}

/// `_25._tcp.mx1.example.com.`
pub fn owner_name(host: &str, port: u16) -> String {
    format!("_{port}._tcp.{}.", host.trim_end_matches('.'))
}

/// Whether a certificate is that of an authority, and not of a server. Servers
/// show certificates with `CA:TRUE` too, because `openssl req -x509` makes them:
/// those name a host.
pub fn is_authority(certificate: &Certificate) -> bool {
    if !certificate.basic_constraints().is_some_and(|it| it.ca) {
        return false;
    }
    let names_hosts = certificate.has_dns_san() || !certificate.ip_addresses().is_empty();
    // What a person made without thinking of an authority.
    let is_plain = certificate.is_self_issued() && certificate.key_usage().is_none();
    let mut common_names = certificate.subject().common_names().iter();
    let is_named_as_host = common_names.any(|name| {
        host_name_fault(name.trim_start_matches("*.")).is_none() && (name.contains('.') || is_plain)
    });
    !names_hosts && !is_named_as_host
}

/// The records to publish for a chain, the leaf first.
pub fn new_records(chain: &[Presented], wanted: Wanted, owners: &[String]) -> Vec<NewRecord> {
    let certificates: Vec<&Certificate> = chain.iter().flatten().collect();
    let is_authority = certificates
        .first()
        .is_some_and(|first| is_authority(first));
    let chosen: &[&Certificate] = match wanted {
        Wanted::EndEntity => certificates.get(..1).unwrap_or_default(),
        // A file of authorities has no server's certificate to skip.
        Wanted::Authorities if is_authority => &certificates,
        Wanted::Authorities => certificates.get(1..).unwrap_or_default(),
    };
    let usage = match wanted {
        Wanted::EndEntity => CertificateUsage::DANE_EE,
        Wanted::Authorities => CertificateUsage::DANE_TA,
    };
    let owners: Vec<Option<&String>> = match owners {
        [] => vec![None],
        owners => owners.iter().map(Some).collect(),
    };
    let mut records = Vec::new();
    for owner in owners {
        for certificate in chosen {
            let record = TlsaRecord::for_object(
                usage,
                Selector::SPKI,
                MatchingType::SHA2_256,
                certificate.spki_der(),
            );
            records.extend(record.map(|record| NewRecord {
                owner: owner.cloned(),
                record: record.to_string(),
                of: printable(&crate::forensics::common_name(certificate)),
            }));
        }
    }
    records
}

/// The check before a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Renewal {
    /// The mail domain.
    pub target: String,
    /// The worst result of all hosts.
    pub outlook: Outlook,
    /// One sentence.
    pub reason: String,
    /// The hosts that the certificate is for.
    pub hosts: Vec<HostOutlook>,
    /// MX hosts that it is not for.
    pub others: Vec<String>,
    /// The steps in their order, with `--plan`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

impl Renewal {
    /// Compares the published records with the new certificate. `only` names
    /// the hosts that it is for. If `only` is empty, the certificate's own
    /// names decide. If they name no MX host, it is for all.
    pub fn of(
        observation: &Observation,
        chain: &[Presented],
        wanted: Wanted,
        only: &[String],
    ) -> Self {
        let evidence = Evidence::of(observation);
        let target = observation.next_hop.to_string();
        let leaf = chain.first().and_then(|leaf| leaf.as_ref().ok());
        let is_for = |host: &HostEvidence<'_>| {
            if only.is_empty() {
                let name = ReferenceName::Exact(host.seen.name.clone());
                leaf.is_some_and(|leaf| matches_host(leaf, &name))
            } else {
                only.contains(&host.seen.name)
            }
        };
        let named = evidence.hosts.iter().any(is_for);
        let all = !named && only.is_empty();
        let (mine, others): (Vec<_>, Vec<_>) =
            evidence.hosts.iter().partition(|host| all || is_for(host));
        let known = Known::default();
        let verifier = Verifier {
            evidence: &evidence,
            chain,
            known: &known,
            // Each host has two: for what is published, and for what would be.
            limits: SHARED.share(mine.len().saturating_mul(2)),
        };
        let hosts: Vec<HostOutlook> = mine
            .iter()
            .map(|host| host_outlook(&verifier, host, wanted))
            .collect();
        let outlook = worst(&hosts);
        Self {
            reason: reason(&evidence, &target, outlook, &hosts, only),
            target,
            outlook,
            hosts,
            others: others
                .iter()
                .map(|host| printable(&host.seen.name))
                .collect(),
            plan: None,
        }
    }

    /// Adds the steps.
    #[must_use]
    pub fn with_plan(mut self) -> Self {
        self.plan = Some(Plan::of(&self.target, self.outlook, &self.hosts));
        self
    }

    /// 0 only if the new certificate would match everywhere.
    pub fn exit_status(&self) -> ExitStatus {
        match self.outlook {
            Outlook::Matches => ExitStatus::Fine,
            Outlook::NoDane => ExitStatus::Warning,
            Outlook::WouldBreak => ExitStatus::Broken,
            Outlook::Unknown => ExitStatus::Unknown,
        }
    }
}

fn worst(hosts: &[HostOutlook]) -> Outlook {
    // A failed lookup may hide that something breaks. What is known to break is
    // worse.
    [
        Outlook::WouldBreak,
        Outlook::Unknown,
        Outlook::NoDane,
        Outlook::Matches,
    ]
    .into_iter()
    .find(|outlook| hosts.iter().any(|host| host.outlook == *outlook))
    .unwrap_or(Outlook::Unknown)
}

fn reason(
    evidence: &Evidence<'_>,
    target: &str,
    outlook: Outlook,
    hosts: &[HostOutlook],
    only: &[String],
) -> String {
    if hosts.is_empty() {
        return match evidence.observation.mx.as_ref().and_then(|mx| mx.failure()) {
            Some(failure) => format!("The MX lookup failed: {}.", failure.kind.as_text()),
            None if only.is_empty() => format!("{target} has no mail server."),
            None => format!("None of the named hosts is a mail server of {target}."),
        };
    }
    match outlook {
        Outlook::Matches => "The new certificate matches what is published: deploy it.",
        Outlook::NoDane => {
            "No TLSA records that count are published, so nothing can match and nothing breaks."
        }
        Outlook::WouldBreak => {
            "Do not deploy it yet: the published records do not match it, and DANE senders would \
             keep their mail back."
        }
        Outlook::Unknown => "Do not deploy it yet: the lookup of the published records failed.",
    }
    .to_owned()
}

/// The new chain, and the work that may be spent on checking it.
struct Verifier<'a, 'e> {
    evidence: &'a Evidence<'e>,
    chain: &'a [Presented],
    known: &'a Known,
    limits: WorkLimits,
}

impl Verifier<'_, '_> {
    fn matching(&self, records: &[TlsaRecord], names: &[String]) -> DaneMatching {
        let account = Account::new(self.known, self.limits);
        let now = self.evidence.observation.checked_at;
        match_dane_within(&account, records, self.chain, names, now)
    }
}

fn host_outlook(
    verifier: &Verifier<'_, '_>,
    host: &HostEvidence<'_>,
    wanted: Wanted,
) -> HostOutlook {
    let Verifier {
        evidence, chain, ..
    } = *verifier;
    let port = evidence.observation.next_hop.port;
    let mut outlook = HostOutlook {
        host: printable(&host.seen.name),
        outlook: Outlook::Unknown,
        reason: String::new(),
        owner: owner_name(&host.seen.name, port),
        ttl: None,
        published: Vec::new(),
        add: None,
    };
    let records = decisive(host);
    if let Some(DaneRecords::Usable(tlsa, _) | DaneRecords::Unusable(tlsa)) = records {
        outlook.owner = owner(tlsa);
        outlook.ttl = ttl(tlsa);
    }
    let new = candidates(chain, wanted, &outlook.owner);
    (outlook.outlook, outlook.reason) = match records {
        None => (Outlook::NoDane, "it has no address".to_owned()),
        Some(DaneRecords::LookupError) => (
            Outlook::Unknown,
            "the lookup of its TLSA records failed".to_owned(),
        ),
        Some(DaneRecords::NotFound(why)) => {
            if *why == NotFound::NoRecords {
                outlook.add = new.into_iter().next();
            }
            let why = match why {
                NotFound::NoRecords => "it has no TLSA records",
                NotFound::InsecureRecords => "its TLSA records are not signed",
                NotFound::InsecureAddress | NotFound::Literal => "its address is not signed",
            };
            (Outlook::NoDane, why.to_owned())
        }
        Some(DaneRecords::Unusable(_)) => {
            outlook.add = new.into_iter().next();
            (
                Outlook::NoDane,
                "none of its TLSA records can be used".to_owned(),
            )
        }
        Some(DaneRecords::Usable(tlsa, set)) => {
            let names = dane_names(&tlsa.base_domain, evidence.mx.as_ref());
            let matching = verifier.matching(set, &names);
            outlook.published = published(evidence, host, set, &matching, chain);
            let (result, reason) = judged(&matching);
            if result != Outlook::Matches {
                // A record can be right and still be hidden by a stronger
                // digest beside it (RFC 7671 section 9).
                outlook.add = new.into_iter().find(|new| {
                    let Ok(record) = new.record.parse::<TlsaRecord>() else {
                        return false;
                    };
                    let with: Vec<TlsaRecord> = set.iter().cloned().chain([record]).collect();
                    verifier.matching(&with, &names).result.is_ok()
                });
            }
            (result, reason)
        }
    };
    outlook
}

/// The records that decide for a host: those of the address at which the worst
/// can happen.
fn decisive<'e>(host: &'e HostEvidence<'_>) -> Option<&'e DaneRecords<'e>> {
    let rank = |dane: &DaneRecords<'_>| match dane {
        DaneRecords::LookupError => 3,
        DaneRecords::Usable(..) => 2,
        DaneRecords::Unusable(_) => 1,
        DaneRecords::NotFound(_) => 0,
    };
    host.addresses
        .iter()
        .map(|address| &address.dane)
        .max_by_key(|dane| rank(dane))
}

fn judged(matching: &DaneMatching) -> (Outlook, String) {
    if matching.requirement != Requirement::MustMatch {
        return (
            Outlook::NoDane,
            "none of its TLSA records can be used".to_owned(),
        );
    }
    if matching.result.is_ok() {
        return (
            Outlook::Matches,
            "a published record matches the new certificate".to_owned(),
        );
    }
    if matching.authenticates().is_none() {
        return (
            Outlook::Unknown,
            "its TLSA records need too much work to check".to_owned(),
        );
    }
    let refused = matching.records.iter().find_map(|outcome| match outcome {
        RecordOutcome::MatchesButNotTrusted { failure, .. } => Some(failure.plain()),
        _ => None,
    });
    let hidden = matching.records.iter().any(|outcome| {
        matches!(
            outcome,
            RecordOutcome::HiddenByDigestAgility {
                would_match: true,
                ..
            }
        )
    });
    let reason = match refused {
        Some(why) => format!("a record names an authority of the new chain, but {why}"),
        None if hidden => {
            "a stale record with a stronger digest hides the record that matches".to_owned()
        }
        None => "no published record matches the new certificate".to_owned(),
    };
    (Outlook::WouldBreak, reason)
}

fn published(
    evidence: &Evidence<'_>,
    host: &HostEvidence<'_>,
    set: &[TlsaRecord],
    matching: &DaneMatching,
    chain: &[Presented],
) -> Vec<Published> {
    let Some(address) = host.seen.addresses.first() else {
        return Vec::new();
    };
    let own = Shown {
        host: &host.seen.name,
        address: address.address,
        sni: None,
        chain,
    };
    let origins = Surroundings::new(Vec::new(), evidence.trust_store()).origins(set, &own);
    set.iter()
        .zip(&matching.records)
        .zip(origins)
        .map(|((record, outcome), origin)| {
            let matches = matches!(outcome, RecordOutcome::Matches { .. });
            Published {
                record: record.to_string(),
                matches,
                what_it_is: origin
                    .filter(|_| !matches)
                    .map(|origin| printable(&origin.words())),
            }
        })
        .collect()
}

/// The records that may be added, the best first: as wanted, then of the key,
/// then with the stronger digest.
fn candidates(chain: &[Presented], wanted: Wanted, owner: &str) -> Vec<NewRecord> {
    let owners = [owner.to_owned()];
    let mut all = new_records(chain, wanted, &owners);
    if wanted != Wanted::EndEntity {
        all.extend(new_records(chain, Wanted::EndEntity, &owners));
    }
    let stronger = chain.first().and_then(|leaf| {
        TlsaRecord::for_object(
            CertificateUsage::DANE_EE,
            Selector::SPKI,
            MatchingType::SHA2_512,
            leaf.as_ref().ok()?.spki_der(),
        )
    });
    if let (Some(record), Some(first)) = (stronger, all.last().cloned()) {
        all.push(NewRecord {
            record: record.to_string(),
            ..first
        });
    }
    all
}

/// The name at which to publish records: the target of the alias, if the name
/// is one.
fn owner(tlsa: &TlsaLookup) -> String {
    let name = match &tlsa.lookup.answer {
        Answer::Records(set) => set.open().regardless().aliases.last(),
        Answer::Denied(_) | Answer::Failed(_) => None,
    };
    let name = name.unwrap_or(&tlsa.lookup.name);
    format!("{}.", printable(name.trim_end_matches('.')))
}

fn ttl(tlsa: &TlsaLookup) -> Option<u32> {
    match &tlsa.lookup.answer {
        Answer::Records(set) => {
            let set = set.open().regardless();
            // The TTL from a resolver's cache is smaller.
            Some(set.original_ttl.unwrap_or(set.ttl))
        }
        Answer::Denied(_) | Answer::Failed(_) => None,
    }
}
