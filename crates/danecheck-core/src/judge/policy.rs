//! The TLS policy for one host: `policy_create` and `dane_init` in Postfix's
//! `smtp_tls_policy.c`.

use crate::certificate::ReferenceName;
use crate::dnssec::SecurityStatus;
use crate::observation::{Answer, Observation};
use crate::postfix::{
    Dnssec, Exclusions, HelloLimits, InsecureMx, LineHello, MainServerName, PolicyLine,
    SecurityLevel, ServerName, Settings, TlsDefaults, TlsVersion,
};
use crate::sender::Parameters;
use crate::tlsa::TlsaRecord;

use super::dane::DaneRecords;
use super::route::next_hop_name;

/// A line of a policy table, and the main.cf under it. `fingerprint` without
/// pins accepts any certificate, because the level's outcome assumes the pins
/// of what is served now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyRequest {
    pub(crate) line: PolicyLine,
    /// What main.cf and the release decide.
    pub(crate) settings: Settings,
}

impl PolicyRequest {
    /// The level with its defaults.
    pub(crate) fn plain(level: SecurityLevel) -> Self {
        Self::with(level, Settings::default())
    }

    /// The level with this main.cf around it.
    pub(crate) fn with(level: SecurityLevel, settings: Settings) -> Self {
        Self::of_line(PolicyLine::plain(level), settings)
    }

    /// A line of a table with this main.cf around it.
    pub(crate) fn of_line(line: PolicyLine, settings: Settings) -> Self {
        Self { line, settings }
    }

    /// The server name that the line asks for, or main.cf for it.
    fn server_name(&self, observation: &Observation, host: &str) -> Option<String> {
        let of_main_cf = || match self.settings.server_name {
            MainServerName::Given => Parameters(observation.local_sender.as_ref()?).server_name(),
            MainServerName::None | MainServerName::Invalid => None,
        };
        Some(match self.line.server_name.clone().or_else(of_main_cf)? {
            ServerName::HostName => host.to_owned(),
            ServerName::NextHop => next_hop_name(observation),
            ServerName::Literal(name) => name,
        })
    }

    /// Whether it or main.cf asks for a server name.
    pub(crate) fn asks_for_server_name(&self) -> bool {
        let in_main_cf = self.settings.server_name == MainServerName::Given;
        self.line.server_name.is_some() || in_main_cf
    }

    /// What the ClientHello is limited to with this use of TLS.
    pub(crate) fn limits(&self, tls: TlsUse) -> HelloLimits {
        let newest = match tls {
            TlsUse::Never | TlsUse::Opportunistic => self.settings.newest_at_may,
            TlsUse::Mandatory => self.settings.newest_above,
        };
        HelloLimits {
            newest: self.line.newest_tls().unwrap_or(newest),
            without: self.excluded(tls).suites,
        }
    }

    /// The suites that are not offered with this use of TLS.
    pub(crate) fn excluded(&self, tls: TlsUse) -> Exclusions {
        self.line.excluded(self.settings, tls != TlsUse::Mandatory)
    }

    /// The oldest TLS that is accepted with this use of TLS
    /// (`set_cipher_grade`: what counts is the level after `dane` became
    /// another one); `None` if an attribute makes every handshake fail
    /// (`tls_client_start`).
    fn oldest(&self, tls: TlsUse) -> Option<TlsVersion> {
        let no_suite = LineHello::of(&self.line).limits.leave_nothing();
        if self.line.late_fault.is_some() || no_suite {
            return None;
        }
        let of_main_cf = match tls {
            TlsUse::Never | TlsUse::Opportunistic => self.settings.oldest_at_may,
            TlsUse::Mandatory => self.settings.oldest_above,
        };
        Some(self.line.oldest_tls().unwrap_or(of_main_cf))
    }
}

/// What the policy asks of one host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TlsPolicy<'a> {
    /// Whether TLS is used, and whether it is required.
    pub(crate) tls: TlsUse,
    /// The server name sent (R52: only if TLSA records count, or if the policy
    /// asks for it).
    pub(crate) sni: Option<String>,
    /// The check that the certificate has to pass.
    pub(crate) check: PeerCheck<'a>,
    /// The oldest TLS that is accepted; `None` if none is.
    pub(crate) oldest: Option<TlsVersion>,
    /// What Postfix and its OpenSSL offer and refuse.
    pub(crate) defaults: TlsDefaults,
}

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsUse {
    /// Never.
    Never,
    /// If it works.
    Opportunistic,
    /// Always.
    Mandatory,
}

/// The check that the server's certificate has to pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PeerCheck<'a> {
    /// Nothing.
    None,
    /// The TLSA records.
    Dane {
        records: &'a [TlsaRecord],
        names: Vec<String>,
        /// Insecure MX: enforced, but logged as `Trusted`, never `Verified`.
        half: bool,
        /// `dane-only`: no fall-back if no record can be loaded.
        only: bool,
    },
    /// The trust store and one of these names.
    Pkix(Vec<ReferenceName>),
    /// One of these pins; empty for "the certificate served now".
    Pins(Vec<String>),
}

/// What Postfix logs if its own configuration is wrong.
pub(crate) const CONFIGURATION_PROBLEM: &str = "client TLS configuration problem";

/// Why Postfix does not connect; always 4.7.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyFailure {
    Configuration,
    NonDnssecDestination,
    TlsaLookupError,
    NoTlsaRecords,
    TlsaUnusable,
}

impl PolicyFailure {
    /// The text that Postfix logs.
    pub(crate) fn text(self, host: &str, port: u16) -> String {
        match self {
            Self::Configuration => CONFIGURATION_PROBLEM.to_owned(),
            Self::NonDnssecDestination => "non DNSSEC destination".to_owned(),
            Self::TlsaLookupError => format!("TLSA lookup error for {host}:{port}"),
            Self::NoTlsaRecords => "no TLSA records found".to_owned(),
            Self::TlsaUnusable => "TLSA records unusable".to_owned(),
        }
    }
}

/// The MX record set, as far as the policy depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MxInPlay {
    pub(crate) secure: bool,
    /// The name asked and, after an alias, the name that owns the records: a
    /// DANE-TA(2) certificate may contain either.
    pub(crate) names: Vec<String>,
}

/// The MX record set of the observation; `None` if the next hop is bracketed or
/// has no MX record.
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
    mx: Option<&MxInPlay>,
    host: &str,
    dane: &DaneRecords<'a>,
) -> Result<TlsPolicy<'a>, PolicyFailure> {
    let is_named = request.line.server_name.is_some();
    let is_none = request.line.level == SecurityLevel::None;
    if request.settings.server_name == MainServerName::Invalid && !is_named && !is_none {
        return Err(PolicyFailure::Configuration);
    }
    let plain = |tls, check| {
        Ok(TlsPolicy {
            tls,
            sni: request.server_name(observation, host),
            check,
            oldest: request.oldest(tls),
            defaults: request.settings.tls,
        })
    };
    match request.line.level {
        SecurityLevel::None => plain(TlsUse::Never, PeerCheck::None),
        SecurityLevel::May => plain(TlsUse::Opportunistic, PeerCheck::None),
        SecurityLevel::Encrypt => plain(TlsUse::Mandatory, PeerCheck::None),
        SecurityLevel::Fingerprint => plain(
            TlsUse::Mandatory,
            PeerCheck::Pins(request.line.matches.clone()),
        ),
        SecurityLevel::Verify => plain(
            TlsUse::Mandatory,
            PeerCheck::Pkix(names(request, observation, host, &["hostname"])),
        ),
        SecurityLevel::Secure => plain(
            TlsUse::Mandatory,
            PeerCheck::Pkix(names(
                request,
                observation,
                host,
                &["nexthop", "dot-nexthop"],
            )),
        ),
        SecurityLevel::Dane | SecurityLevel::DaneOnly => {
            let sni = request.server_name(observation, host);
            dane_policy(request, mx, dane, sni)
        }
    }
}

/// `match=`, else the level's default (`smtp_tls_verify_cert_match`,
/// `smtp_tls_secure_cert_match`).
fn names(
    request: &PolicyRequest,
    observation: &Observation,
    host: &str,
    default: &[&str],
) -> Vec<ReferenceName> {
    let given = request.line.matches.iter().map(String::as_str);
    let of_level = default.iter().copied();
    let items: Vec<&str> = match request.line.matches.as_slice() {
        [] => of_level.collect(),
        _ => given.collect(),
    };
    items
        .into_iter()
        .map(|item| match item {
            "hostname" => ReferenceName::Exact(host.to_owned()),
            "nexthop" => ReferenceName::Exact(next_hop_name(observation)),
            "dot-nexthop" => ReferenceName::DotSuffix(next_hop_name(observation)),
            name => ReferenceName::parse(name),
        })
        .collect()
}

/// `dane_init`, in its order. `sni` is the server name that is asked for.
fn dane_policy<'a>(
    request: &PolicyRequest,
    mx: Option<&MxInPlay>,
    dane: &DaneRecords<'a>,
    sni: Option<String>,
) -> Result<TlsPolicy<'a>, PolicyFailure> {
    let only = request.line.level == SecurityLevel::DaneOnly;
    // What the line or main.cf asks for counts where no record gives the name.
    let unauthenticated = |tls| {
        Ok(TlsPolicy {
            tls,
            sni: sni.clone(),
            check: PeerCheck::None,
            oldest: request.oldest(tls),
            defaults: request.settings.tls,
        })
    };
    // "dane configured with dnssec lookups disabled"
    match (request.settings.dnssec, only) {
        (Dnssec::Off, true) => return Err(PolicyFailure::Configuration),
        (Dnssec::NotShown, true) => {
            return Err(match mx {
                Some(_) => PolicyFailure::NonDnssecDestination,
                None => PolicyFailure::NoTlsaRecords,
            });
        }
        (Dnssec::Off | Dnssec::NotShown, false) => {
            return unauthenticated(TlsUse::Opportunistic);
        }
        (Dnssec::On, _) => {}
    }
    let insecure_mx = mx.is_some_and(|mx| !mx.secure);
    if only && insecure_mx {
        return Err(PolicyFailure::NonDnssecDestination);
    }
    if insecure_mx && request.settings.insecure_mx == InsecureMx::May {
        return unauthenticated(TlsUse::Opportunistic);
    }
    let encrypt_only = insecure_mx && request.settings.insecure_mx == InsecureMx::Encrypt;
    match dane {
        DaneRecords::LookupError => Err(PolicyFailure::TlsaLookupError),
        DaneRecords::NotFound(_) if only => Err(PolicyFailure::NoTlsaRecords),
        DaneRecords::NotFound(_) => unauthenticated(TlsUse::Opportunistic),
        DaneRecords::Unusable(_) if only => Err(PolicyFailure::TlsaUnusable),
        DaneRecords::Unusable(_) => unauthenticated(TlsUse::Mandatory),
        DaneRecords::Usable(..) if encrypt_only => unauthenticated(TlsUse::Mandatory),
        DaneRecords::Usable(tlsa, records) => Ok(TlsPolicy {
            tls: TlsUse::Mandatory,
            sni: Some(tlsa.base_domain.clone()),
            check: PeerCheck::Dane {
                records,
                names: dane_names(&tlsa.base_domain, mx),
                half: insecure_mx,
                only,
            },
            oldest: request.oldest(TlsUse::Mandatory),
            defaults: request.settings.tls,
        }),
    }
}

/// The names that a DANE-TA(2) certificate may carry: the TLSA base domain
/// and, if MX records led here, the names of the MX lookup (RFC 7672 section
/// 3.2.2).
pub(crate) fn dane_names(base_domain: &str, mx: Option<&MxInPlay>) -> Vec<String> {
    let mx_names = mx.map(|mx| mx.names.as_slice()).unwrap_or_default();
    std::iter::once(base_domain.to_owned())
        .chain(mx_names.iter().cloned())
        .collect()
}
