//! Records as people write them.

use bytes::Bytes;
use domain::base::Rtype;
use domain::base::rdata::{ComposeRecordData as _, RecordData as _};
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt as _};

use super::packet::{self, Packet, RrSet};
use crate::tlsa::TlsaRecord;

/// The records of the type asked in presentation form, and the smallest TTL of
/// the answer; nothing where the reply cannot be read.
pub(in super::super) fn presented(reply: &Bytes) -> Option<(Vec<String>, Option<u32>)> {
    let packet = Packet::read(reply)?;
    let records = packet.answers(packet.rtype).flat_map(|set| &set.records);
    let mut texts: Vec<String> = records.map(|record| text(record.data())).collect();
    texts.sort();
    let ttls = packet.answer.iter().flat_map(|set| &set.records);
    let ttl = ttls.map(|record| record.ttl().as_secs()).min();
    Some((texts, ttl))
}

/// A reply taken apart and written again; nothing where it cannot be read.
#[cfg(any(test, fuzzing))]
pub(in super::super) fn rewritten(reply: &Bytes) -> Option<Vec<u8>> {
    let packet = Packet::read(reply)?;
    let _ = (
        packet.end(),
        packet.is_alias_only(),
        packet.is_bare_denial(),
    );
    packet.write()
}

/// The records of a set in presentation form, sorted.
pub(in super::super) fn texts(set: &RrSet) -> Vec<String> {
    let mut texts: Vec<String> = set.records.iter().map(|it| text(it.data())).collect();
    texts.sort();
    texts
}

fn text(data: &packet::Data) -> String {
    let mut bytes = Vec::new();
    // Appending to a vector does not fail.
    let Ok(()) = data.compose_rdata(&mut bytes);
    match data.rtype() {
        Rtype::TLSA => TlsaRecord::from_rdata(&bytes).to_string(),
        _ => data.display_zonefile(DisplayKind::Simple).to_string(),
    }
}
