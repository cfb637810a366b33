//! The report's types: the contract with all programs that read the JSON.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dnssec::{KnownBy, OwnValidation, SecurityStatus};
use crate::judge::{Outcomes, Standing, Verdict};
use crate::observation::Shortcoming;
use crate::unix_time::UnixTime;

use super::extended_error::ExtendedErrorReport;
use super::finding::FindingReport;
use super::mta_sts::MtaStsReport;
use super::name_server::AuthorityReport;
use super::recommendation::RecommendationReport;
use super::sender::SenderReport;
use super::side_by_side::SideBySideReport;

/// The version of the report's form.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// What danecheck says about one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// 1; raised only by a change that breaks readers.
    pub schema_version: u32,
    /// The next hop, as Postfix would look it up in a policy table.
    pub target: String,
    /// The domain in A-labels; null for an address literal.
    pub domain: Option<String>,
    /// When the target was checked.
    pub checked_at: UnixTime,
    /// The moment for which certificates were judged: the time of the check,
    /// unless `--at` named another.
    pub judged_at: UnixTime,
    /// The verdict.
    pub verdict: Verdict,
    /// What Postfix does at each of its security levels.
    pub outcomes: Outcomes,
    /// The sender that was named, and what happens to its mail today; null if
    /// no sender was named.
    #[serde(default)]
    pub sender: Option<SenderReport>,
    /// What the sender's administrator should do: for the sender that was
    /// named, else for a Postfix at level dane.
    pub recommendation: RecommendationReport,
    /// The resolver that answered the DNS questions.
    pub resolver: ResolverReport,
    /// The MX lookup; null if danecheck made none.
    pub mx: Option<MxReport>,
    /// The MX hosts, or the next hop itself.
    pub hosts: Vec<HostReport>,
    /// What the domain publishes for MTA-STS and TLS reporting; null if
    /// danecheck did not check it.
    #[serde(default)]
    pub mta_sts: Option<MtaStsReport>,
    /// The contact that the SOA record of the domain's zone names, as a mailbox;
    /// null if it was not asked for, or names none.
    #[serde(default)]
    pub contact: Option<String>,
    /// The proxy through which mail servers were connected to; null for none.
    pub proxy: Option<String>,
    /// What danecheck assumed about the mail servers instead of connecting to
    /// them; null if it connected. Verdict and outcomes are valid only under
    /// this assumption.
    pub assumed: Option<AssumedReport>,
    /// MX hosts that `danecheck.toml` says to skip; the report is as if no MX
    /// record named them.
    #[serde(default)]
    pub skipped_hosts: Vec<String>,
    /// Each look from elsewhere, beside the one from here; empty without
    /// `--also-from`.
    #[serde(default)]
    pub vantage_points: Vec<SideBySideReport>,
    /// The findings, the worst first.
    pub findings: Vec<FindingReport>,
    /// The MX records do not name the hosts that the user expects. Not part of
    /// the JSON: the finding is.
    #[serde(skip)]
    pub mx_differs: bool,
    /// How long the check took; `None` if that is not known, as for a saved
    /// observation. Not part of the JSON.
    #[serde(skip)]
    pub took: Option<Duration>,
}

/// What danecheck assumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssumedReport {
    /// `dns-only`: each server behaves as DNS requires; `certificate`: each
    /// server shows the certificates of a file.
    pub kind: String,
    /// The file.
    pub file: Option<String>,
    /// The same in one sentence.
    pub text: String,
}

/// The resolver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResolverReport {
    /// `address:port` of each server that may have been asked.
    pub addresses: Vec<String>,
    /// Whether the resolver proved that it validates; null if it did not
    /// answer.
    pub validates: Option<bool>,
    /// Why it did not prove that, if known.
    pub shortcoming: Option<Shortcoming>,
}

/// The parts of a lookup that all record types have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookupReport {
    /// The name asked.
    pub name: String,
    /// The type asked.
    #[serde(rename = "type")]
    pub record_type: String,
    /// `records`, `nodata`, `nxdomain` or `failure`.
    pub answer: String,
    /// The DNSSEC status; null if the lookup failed.
    pub status: Option<SecurityStatus>,
    /// How danecheck knows the status.
    pub known_by: Option<KnownBy>,
    /// The aliases on the way to the records, if there are any.
    pub aliases: Vec<String>,
    /// The smallest TTL of the answer, in seconds.
    pub ttl: Option<u32>,
    /// The TTL that the zone gives the records, if a signature contains it; if
    /// it is larger than `ttl`, the answer comes from a cache.
    pub original_ttl: Option<u32>,
    /// The reason that the resolver gave with an answer (RFC 8914).
    pub extended_error: Option<ExtendedErrorReport>,
    /// What went wrong, if the lookup failed.
    pub failure: Option<FailureReport>,
    /// The result of danecheck's own validation; null if danecheck asked
    /// nothing.
    pub validated: Option<OwnValidation>,
    /// What the name servers answer directly; null if danecheck did not ask
    /// them.
    pub name_servers: Option<AuthorityReport>,
}

/// A failed lookup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureReport {
    /// `SERVFAIL`, `no answer in time`.
    pub kind: String,
    /// The info code of the extended DNS error (RFC 8914).
    pub extended_error: Option<u16>,
    /// The resolver's own words.
    pub text: Option<String>,
}

/// The MX lookup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MxReport {
    /// The lookup.
    #[serde(flatten)]
    pub lookup: LookupReport,
    /// The records, in the order of preference.
    pub records: Vec<MxReportRecord>,
}

/// One MX record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MxReportRecord {
    /// The smallest is tried first.
    pub preference: u16,
    /// The host; `.` for a null MX.
    pub host: String,
}

/// One MX host, or the next hop itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostReport {
    /// The name.
    pub name: String,
    /// The preferences with which MX records name it; empty without MX.
    pub preferences: Vec<u16>,
    /// The A and the AAAA lookup; empty for an address literal.
    pub address_lookups: Vec<LookupReport>,
    /// The TLSA lookups, in the order in which Postfix asks.
    pub tlsa: Vec<TlsaReport>,
    /// The addresses.
    pub addresses: Vec<AddressReport>,
}

/// The TLSA lookup at one candidate for the TLSA base domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TlsaReport {
    /// The candidate.
    pub base_domain: String,
    /// The lookup.
    #[serde(flatten)]
    pub lookup: LookupReport,
    /// The records in presentation form; a record of more than 8 KiB is cut and
    /// ends in `...`.
    pub records: Vec<String>,
}

/// One address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddressReport {
    /// The address.
    pub address: String,
    /// What DANE does here.
    pub dane: Standing,
    /// Each record compared with what this address serves; empty if no TLSA
    /// records count here.
    pub records: Vec<RecordReport>,
    /// The reserved block of the address, if danecheck did not connect because
    /// of it; else null.
    pub reserved: Option<String>,
    /// The sessions.
    pub sessions: Vec<SessionReport>,
    /// What the server shows to clients that offer less than Postfix; empty
    /// without `--thorough`.
    pub limited: Vec<LimitedReport>,
}

/// A session in which danecheck offers less than Postfix does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitedReport {
    /// What the ClientHello was limited to: `tls12`, `rsa` (keys) or `curves`
    /// (ECDSA and EdDSA keys).
    pub offer: String,
    /// Whether a TLSA record covers what the server showed; null if no record
    /// counts, or the server showed nothing.
    pub covered: Option<bool>,
    /// The session.
    #[serde(flatten)]
    pub session: SessionReport,
}

/// One TLSA record against one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordReport {
    /// The record in presentation form, cut as above. If the records at all
    /// addresses together are longer than 1 MiB, the data is cut to 64 bytes.
    /// The order is that of the TLSA lookup, which has the whole records.
    pub record: String,
    /// `matches`, `no-match`, `refused`, `hidden`, `unusable`, `not-seen` or
    /// `not-judged`.
    pub result: String,
    /// Why, in one sentence.
    pub reason: String,
    /// What a record that matches nothing was made of, as the words after "it
    /// is"; null if unknown.
    #[serde(default)]
    pub what_it_is: Option<String>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionReport {
    /// The server name asked for in TLS; null for none.
    pub sni: Option<String>,
    /// How the session ended. `completed`: all went well. `assumed`: there was
    /// no session, and danecheck assumes that the server is ready for mail
    /// inside TLS. `old-means`: danecheck could not finish the handshake, but
    /// Postfix can at some level.
    pub end: String,
    /// The same in one sentence.
    pub detail: String,
    /// The TLS version, `TLSv1.3`.
    pub tls_version: Option<String>,
    /// The suite.
    pub cipher: Option<String>,
    /// The certificates, the leaf first.
    pub certificates: Vec<CertificateReport>,
}

/// One presented certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateReport {
    /// The subject's common name, else its first host name, else the whole
    /// subject.
    pub subject: String,
    /// The issuer's common name, else the whole issuer.
    pub issuer: String,
    /// The host names in it.
    pub dns_names: Vec<String>,
    /// How many host names of the certificate are not listed here.
    #[serde(default)]
    pub more_dns_names: usize,
    /// Valid from.
    pub not_before: UnixTime,
    /// Valid until.
    pub not_after: UnixTime,
    /// The key: `RSA 2048 bits`.
    pub key: String,
    /// The TLSA record that would match it: `3 1 1` for the leaf, `2 1 1` for
    /// an issuer.
    pub tlsa: String,
}
