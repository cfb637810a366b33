//! What findings are about, in a few words.

use std::net::IpAddr;

use crate::finding::rule::Finding;
use crate::judge::HostEvidence;
use crate::tlsa::TlsaRecord;

/// `host [address]`.
pub(super) fn peer(host: &HostEvidence<'_>, address: IpAddr) -> String {
    format!("{} [{address}]", host.seen.name)
}

/// The finding with this server in the commands of its steps.
pub(super) fn at(finding: Finding, host: &HostEvidence<'_>, port: u16) -> Finding {
    let name = &host.seen.name;
    // openssl asks for no name that is an address.
    if name.parse::<IpAddr>().is_ok() {
        return finding;
    }
    finding
        .known("HOST:25", &format!("{name}:{port}"))
        .known("HOST", name)
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
