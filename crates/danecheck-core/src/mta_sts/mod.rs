//! MTA-STS (RFC 8461) and TLS reporting (RFC 8460): what a receiver announces,
//! without DNSSEC, about the TLS of its mail servers.
//!
//! This module turns texts into data. `observe` fetches the texts, and `judge`
//! compares them with the mail servers.

mod field;
mod policy;
mod record;
#[cfg(test)]
mod tests;

pub use field::FieldFault;
pub(crate) use field::is_name as is_field_name;
pub use policy::{LONGEST, Mode, Pattern, Policy, PolicyFault, policy};
pub use record::{
    RecordFault, ReportRecord, StsRecord, promises_policy, report_record, sts_record,
};

/// The name at which the TXT record of MTA-STS is.
pub fn record_name(domain: &str) -> String {
    format!("_mta-sts.{domain}")
}

/// The host that serves the policy.
pub fn policy_host(domain: &str) -> String {
    format!("mta-sts.{domain}")
}

/// The port of HTTPS, on which it does (RFC 8461 section 3.3).
pub const HTTPS_PORT: u16 = 443;

/// The path of the policy.
pub const POLICY_PATH: &str = "/.well-known/mta-sts.txt";

/// The name at which the TXT record of TLS reporting is.
pub fn report_name(domain: &str) -> String {
    format!("_smtp._tls.{domain}")
}
pub(crate) use record::meant;
