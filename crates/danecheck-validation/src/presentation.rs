//! Records as people write them.

use bytes::Bytes;
use domain::base::Rtype;
use domain::base::rdata::{ComposeRecordData as _, RecordData as _};
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt as _};

use super::packet::{self, Packet, RrSet};
use danecheck_core::tlsa::TlsaRecord;

/// The records that answer the question in presentation form, and the smallest
/// TTL on the way to them; `None` if the reply cannot be read.
pub fn presented(reply: &Bytes) -> Option<(Vec<String>, Option<u32>)> {
    let packet = Packet::read(reply)?;
    let answer = packet.answering();
    let aliases = packet.walk().steps.into_iter().filter_map(|step| {
        let cname = packet.answer_at(&step.owner, Rtype::CNAME)?;
        cname.records.iter().map(|it| it.ttl().as_secs()).min()
    });
    let records = answer.into_iter().flat_map(|set| &set.records);
    let ttl = records.map(|record| record.ttl().as_secs()).chain(aliases);
    let ttl = ttl.min();
    Some((answer.map(texts).unwrap_or_default(), ttl))
}

/// A reply taken apart and written again; `None` if it cannot be read.
#[cfg(any(test, fuzzing))]
pub(crate) fn rewritten(reply: &Bytes) -> Option<Vec<u8>> {
    let packet = Packet::read(reply)?;
    packet.write()
}

/// The records of a set in presentation form, sorted.
pub fn texts(set: &RrSet) -> Vec<String> {
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

#[cfg(any(test, fuzzing))]
impl Packet {
    /// The bytes; `None` if they are more than a message holds.
    pub(crate) fn write(&self) -> Option<Vec<u8>> {
        use domain::base::iana::Rcode;
        use domain::base::message_builder::PushError;
        use domain::base::{MessageBuilder, Record};
        use domain::rdata::ZoneRecordData;

        let mut builder = MessageBuilder::new_vec();
        let header = builder.header_mut();
        header.set_qr(true);
        header.set_rd(true);
        header.set_rcode(match self.name_error {
            true => Rcode::NXDOMAIN,
            false => Rcode::NOERROR,
        });
        let mut question = builder.question();
        question.push((&self.name, self.rtype)).ok()?;
        let records = |sets: &[RrSet]| -> Vec<packet::Rr> {
            let of_set = |set: &RrSet| {
                let signatures = set.signatures.iter().map(|it| {
                    let data = ZoneRecordData::Rrsig(it.data().clone());
                    Record::new(it.owner().clone(), it.class(), it.ttl(), data)
                });
                set.records
                    .iter()
                    .cloned()
                    .chain(signatures)
                    .collect::<Vec<_>>()
            };
            sets.iter().flat_map(of_set).collect()
        };
        let mut answer = question.answer();
        for record in records(&self.answer) {
            answer.push(record).ok()?;
        }
        let mut authority = answer.authority();
        let pushed: Result<(), PushError> = records(&self.authority)
            .into_iter()
            .try_for_each(|record| authority.push(record));
        pushed.ok()?;
        Some(authority.finish())
    }
}
