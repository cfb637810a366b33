//! The TLS policy for one host: `policy_create` and `dane_init` in Postfix's
//! `smtp_tls_policy.c`.

use crate::certificate::ReferenceName;
use crate::dnssec::SecurityStatus;
use crate::observation::{Answer, Observation};
use crate::tlsa::TlsaRecord;

use super::dane::DaneRecords;
use super::level::SecurityLevel;
use super::route::next_hop_name;

/// A line of a policy table: the level, and what a line can add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyRequest {
    pub(crate) level: SecurityLevel,
    /// `match=` at `secure`; the level's default where none is given.
    pub(crate) match_names: Vec<String>,
    /// `match=` at `fingerprint`; any certificate where none is given, for
    /// the level's outcome assumes the pins of what is served now.
    pub(crate) pins: Vec<String>,
    /// `servername=hostname`: SNI with the name of the MX host.
    pub(crate) sni_hostname: bool,
}

impl PolicyRequest {
    /// The level with its defaults.
    pub(crate) fn plain(level: SecurityLevel) -> Self {
        Self {
            level,
            match_names: Vec::new(),
            pins: Vec::new(),
            sni_hostname: false,
        }
    }
}

/// What is asked of one host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TlsPolicy<'a> {
    /// Whether TLS is used and has to work.
    pub(crate) tls: TlsUse,
    /// The server name sent (R52: only where TLSA records are in play, or
    /// where the policy asks for it).
    pub(crate) sni: Option<String>,
    /// What the certificate has to pass.
    pub(crate) check: PeerCheck<'a>,
}

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsUse {
    /// Never.
    Never,
    /// Where it works.
    Opportunistic,
    /// Always.
    Mandatory,
}

/// What the server's certificate has to pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PeerCheck<'a> {
    /// Nothing.
    None,
    /// The TLSA records.
    Dane {
        records: &'a [TlsaRecord],
        names: Vec<String>,
        /// Insecure MX: enforced all the same, but logged as `Trusted`,
        /// never `Verified`.
        half: bool,
        /// `dane-only`: no fall-back where no record can be loaded.
        only: bool,
    },
    /// The trust store and one of these names.
    Pkix(Vec<ReferenceName>),
    /// One of these pins; empty for "the certificate served now".
    Pins(Vec<String>),
}

/// Why Postfix does not even connect; always 4.7.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyFailure {
    NonDnssecDestination,
    TlsaLookupError,
    NoTlsaRecords,
    TlsaUnusable,
}

impl PolicyFailure {
    /// The text that Postfix logs.
    pub(crate) fn text(self, host: &str, port: u16) -> String {
        match self {
            Self::NonDnssecDestination => "non DNSSEC destination".to_owned(),
            Self::TlsaLookupError => format!("TLSA lookup error for {host}:{port}"),
            Self::NoTlsaRecords => "no TLSA records found".to_owned(),
            Self::TlsaUnusable => "TLSA records unusable".to_owned(),
        }
    }
}

/// The MX record set, as far as policy asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MxInPlay {
    pub(crate) secure: bool,
    /// The name asked and, behind an alias, the name that owns the records:
    /// both may stand in a DANE-TA(2) certificate.
    pub(crate) names: Vec<String>,
}

/// The MX record set of the observation; none where the next hop is bracketed
/// or has no MX record.
pub(crate) fn mx_in_play(observation: &Observation) -> Option<MxInPlay> {
    let mx = observation.mx.as_ref()?;
    let Answer::Records(records) = &mx.answer else {
        return None;
    };
    let canonical = records.open().regardless().aliases.last().cloned();
    Some(MxInPlay {
        secure: records.status() == SecurityStatus::Secure,
        names: canonical.into_iter().chain([mx.name.clone()]).collect(),
    })
}

/// The policy for one host, or why there is none.
pub(crate) fn tls_policy<'a>(
    request: &PolicyRequest,
    observation: &Observation,
    host: &str,
    dane: &DaneRecords<'a>,
) -> Result<TlsPolicy<'a>, PolicyFailure> {
    let plain = |tls, check| {
        Ok(TlsPolicy {
            tls,
            sni: request.sni_hostname.then(|| host.to_owned()),
            check,
        })
    };
    match request.level {
        SecurityLevel::None => plain(TlsUse::Never, PeerCheck::None),
        SecurityLevel::May => plain(TlsUse::Opportunistic, PeerCheck::None),
        SecurityLevel::Encrypt => plain(TlsUse::Mandatory, PeerCheck::None),
        SecurityLevel::Fingerprint => {
            plain(TlsUse::Mandatory, PeerCheck::Pins(request.pins.clone()))
        }
        SecurityLevel::Verify => plain(
            TlsUse::Mandatory,
            PeerCheck::Pkix(vec![ReferenceName::Exact(host.to_owned())]),
        ),
        SecurityLevel::Secure => plain(
            TlsUse::Mandatory,
            PeerCheck::Pkix(secure_names(request, observation)),
        ),
        SecurityLevel::Dane | SecurityLevel::DaneOnly => dane_policy(
            request.level == SecurityLevel::DaneOnly,
            mx_in_play(observation).as_ref(),
            dane,
        ),
    }
}

/// `match=`, else `nexthop, dot-nexthop` (`smtp_tls_secure_cert_match`).
fn secure_names(request: &PolicyRequest, observation: &Observation) -> Vec<ReferenceName> {
    if request.match_names.is_empty() {
        let next_hop = next_hop_name(observation);
        return vec![
            ReferenceName::Exact(next_hop.clone()),
            ReferenceName::DotSuffix(next_hop),
        ];
    }
    request
        .match_names
        .iter()
        .map(|name| ReferenceName::parse(name))
        .collect()
}

/// `dane_init`, in its order. `smtp_tls_dane_insecure_mx_policy` is `dane`,
/// the default from 3.10 on.
fn dane_policy<'a>(
    only: bool,
    mx: Option<&MxInPlay>,
    dane: &DaneRecords<'a>,
) -> Result<TlsPolicy<'a>, PolicyFailure> {
    let insecure_mx = mx.is_some_and(|mx| !mx.secure);
    if only && insecure_mx {
        return Err(PolicyFailure::NonDnssecDestination);
    }
    let unauthenticated = |tls| {
        Ok(TlsPolicy {
            tls,
            sni: None,
            check: PeerCheck::None,
        })
    };
    match dane {
        DaneRecords::LookupError => Err(PolicyFailure::TlsaLookupError),
        DaneRecords::NotFound(_) if only => Err(PolicyFailure::NoTlsaRecords),
        DaneRecords::NotFound(_) => unauthenticated(TlsUse::Opportunistic),
        DaneRecords::Unusable(_) if only => Err(PolicyFailure::TlsaUnusable),
        DaneRecords::Unusable(_) => unauthenticated(TlsUse::Mandatory),
        DaneRecords::Usable(tlsa, records) => Ok(TlsPolicy {
            tls: TlsUse::Mandatory,
            sni: Some(tlsa.base_domain.clone()),
            check: PeerCheck::Dane {
                records,
                names: dane_names(&tlsa.base_domain, mx),
                half: insecure_mx,
                only,
            },
        }),
    }
}

/// The names that a DANE-TA(2) certificate may carry: the TLSA base domain
/// and, where MX records led here, the names of the MX lookup (RFC 7672
/// section 3.2.2).
pub(crate) fn dane_names(base_domain: &str, mx: Option<&MxInPlay>) -> Vec<String> {
    let mx_names = mx.map(|mx| mx.names.as_slice()).unwrap_or_default();
    std::iter::once(base_domain.to_owned())
        .chain(mx_names.iter().cloned())
        .collect()
}
