//! What findings are about, in a few words.

use std::net::IpAddr;

use crate::judge::HostEvidence;
use crate::tlsa::TlsaRecord;

/// `host [address]`.
pub(super) fn peer(host: &HostEvidence<'_>, address: IpAddr) -> String {
    format!("{} [{address}]", host.seen.name)
}

/// A record short enough for a sentence.
pub(super) fn short(record: &TlsaRecord) -> String {
    let text = record.to_string();
    match text.rsplit_once(' ') {
        Some((fields, data)) if data.len() > 16 && data.is_ascii() => format!(
            "{fields} {}...{}",
            data.get(..8).unwrap_or_default(),
            data.get(data.len() - 4..).unwrap_or_default()
        ),
        _ => text,
    }
}
