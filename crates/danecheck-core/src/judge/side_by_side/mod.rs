//! Two looks at one next hop, from two places or at two times: what differs, and
//! whether a person in between could have changed it.
//!
//! What is cryptographically proven explains a difference: DNSSEC proves both
//! answers, a TLSA record matches both certificates, a trusted CA issued both
//! for the name of the host, or both are of one key. Nothing else does, because
//! an attacker can cause all of it.

mod coverage;
mod dns;
mod policy;
mod servers;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::Observation;

use super::evidence::{Evidence, HostEvidence};

/// What differs between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideBySide {
    /// The next hop of the first look.
    pub target: String,
    /// What differs: first what is unexplained, then what one look did not see,
    /// then what is explained.
    pub differences: Vec<Difference>,
    /// Why nothing can be compared, or not the servers.
    pub obstacle: Option<String>,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub what: Aspect,
    /// The name that was looked up, the MX host, or the host of the policy.
    pub host: String,
    /// The address of the server.
    pub address: Option<std::net::IpAddr>,
    /// What the first look saw.
    pub a: String,
    /// What the second look saw.
    pub b: String,
    /// Whether a person in between could have changed it.
    pub kind: DifferenceKind,
    /// Why it is of this kind, in one sentence.
    pub reason: String,
}

/// What can differ.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Aspect {
    /// The certificate of a server.
    Certificate,
    /// What a server answers before TLS: its offer of STARTTLS, and how that
    /// ends.
    Starttls,
    /// Whether there is a connection at all.
    Connection,
    /// The TLSA records.
    Tlsa,
    /// The MX records.
    Mx,
    /// The addresses of a host.
    Address,
    /// The alias of a host.
    Alias,
    /// Whether DNSSEC proves the same answer.
    Dnssec,
    /// The record that announces a policy of MTA-STS.
    MtaStsRecord,
    /// The policy of MTA-STS.
    MtaStsPolicy,
}

impl Aspect {
    /// The words that `of HOST` follows.
    pub fn words(self) -> &'static str {
        match self {
            Self::Certificate => "the certificate",
            Self::Starttls => "the offer of STARTTLS",
            Self::Connection => "the connection",
            Self::Tlsa => "the TLSA records",
            Self::Mx => "the MX records",
            Self::Address => "the addresses",
            Self::Alias => "the alias",
            Self::Dnssec => "the DNSSEC status",
            Self::MtaStsRecord => "the MTA-STS record",
            Self::MtaStsPolicy => "the MTA-STS policy",
        }
    }

    /// The word of the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Starttls => "starttls",
            Self::Connection => "connection",
            Self::Tlsa => "tlsa",
            Self::Mx => "mx",
            Self::Address => "address",
            Self::Alias => "alias",
            Self::Dnssec => "dnssec",
            Self::MtaStsRecord => "mta-sts-record",
            Self::MtaStsPolicy => "mta-sts-policy",
        }
    }
}

/// Whether a person in between could have changed what differs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// A person in between could have changed it.
    Unexplained,
    /// One of the looks did not see it, so nothing is known.
    NotSeen,
    /// It has another cause.
    Explained,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// All is the same.
    Same,
    /// What differs is explained.
    Explained,
    /// Something differs that a person in between could have changed.
    Unexplained,
    /// It is unknown: something could not be compared.
    Unknown,
}

impl SideBySide {
    /// Compares two observations.
    pub fn of(a: &Observation, b: &Observation) -> Self {
        compare(&Evidence::of(a), &Evidence::of(b))
    }

    /// The result: what a person in between could have changed counts first,
    /// then what could not be compared.
    pub fn agreement(&self) -> Agreement {
        let has = |kind| self.differences.iter().any(|one| one.kind == kind);
        if has(DifferenceKind::Unexplained) {
            Agreement::Unexplained
        } else if self.obstacle.is_some() || has(DifferenceKind::NotSeen) {
            Agreement::Unknown
        } else if has(DifferenceKind::Explained) {
            Agreement::Explained
        } else {
            Agreement::Same
        }
    }
}

/// Compares two looks.
pub(super) fn compare<'a>(a: &Evidence<'a>, b: &Evidence<'a>) -> SideBySide {
    let (one, other) = (a.observation, b.observation);
    let target = one.next_hop.to_string();
    if one.next_hop != other.next_hop {
        let obstacle = format!("The looks are at different next hops: {target} and {}.", {
            &other.next_hop
        });
        return SideBySide {
            target,
            differences: Vec::new(),
            obstacle: Some(obstacle),
        };
    }
    let mut found = Found::default();
    if let Some(silent) = dns::silence(one, other) {
        return SideBySide {
            target,
            differences: Vec::new(),
            obstacle: Some(silent),
        };
    }
    dns::compare(a, b, &mut found);
    servers::compare(a, b, &mut found);
    policy::compare(a, b, &mut found);
    coverage::compare(a, b, &mut found);
    let (met, compared) = (found.met, found.compared);
    let mut differences = found.differences;
    differences.sort_by_key(|one| one.kind);
    let is_assumed = one.assumed.is_some() || other.assumed.is_some();
    let obstacle = if is_assumed {
        Some("One of the looks connected to no mail server.".to_owned())
    } else if compared == 0 && (met > 0 || differences.is_empty() && has_servers(a)) {
        Some("No mail server was seen in both looks.".to_owned())
    } else {
        None
    };
    SideBySide {
        target,
        differences,
        obstacle,
    }
}

fn has_servers(evidence: &Evidence<'_>) -> bool {
    evidence.addresses().next().is_some()
}

/// What was found so far.
#[derive(Default)]
struct Found {
    differences: Vec<Difference>,
    /// How many addresses both looks have.
    met: usize,
    /// How many of them were seen in both.
    compared: usize,
}

impl Found {
    /// Whether such a difference was found, of this name or of any.
    fn has(&self, what: Aspect, host: Option<&str>) -> bool {
        let mut all = self.differences.iter();
        all.any(|one| one.what == what && host.is_none_or(|host| one.host == host))
    }

    fn add(&mut self, difference: Difference) {
        if !self.differences.contains(&difference) {
            self.differences.push(difference);
        }
    }
}

/// The hosts that both looks have.
fn common_hosts<'e, 'a>(
    a: &'e Evidence<'a>,
    b: &'e Evidence<'a>,
) -> impl Iterator<Item = (&'e HostEvidence<'a>, &'e HostEvidence<'a>)> {
    a.hosts.iter().filter_map(|host| {
        let mut others = b.hosts.iter();
        let other = others.find(|other| other.seen.name == host.seen.name)?;
        Some((host, other))
    })
}

/// Items in one line, each once and in order; a few of them, if there are many.
fn listed(items: &BTreeSet<String>) -> String {
    const SHOWN: usize = 8;
    if items.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<&str> = items.iter().take(SHOWN).map(String::as_str).collect();
    match items.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
