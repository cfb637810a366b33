//! Queries read from the wire and responses written to it.

use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::message_builder::RecordSectionBuilder;
use domain::base::message_builder::{AdditionalBuilder, PushError, StaticCompressor};
use domain::base::opt::ExtendedError;
use domain::base::{Message, MessageBuilder, Record, ToName};

use super::answer::Answer;
use super::authority::SignedSet;
use super::record::Owner;

/// The most bytes that a client without EDNS accepts over UDP (RFC 1035 section
/// 4.2.1).
const CLASSIC_PAYLOAD: u16 = 512;

/// The most bytes that this resolver sends and accepts over UDP: unbound's
/// value since 2020 (`edns-buffer-size`).
pub(super) const EDNS_PAYLOAD: u16 = 1232;

/// A query that can be answered.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) message: &'a Message<[u8]>,
    pub(super) name: Owner,
    pub(super) rtype: Rtype,
    pub(super) edns: Option<Edns>,
}

/// What the OPT record of a query says (RFC 6891 section 6.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Edns {
    payload: u16,
    dnssec_ok: bool,
}

impl<'a> Query<'a> {
    /// Reads a query. `Err(None)` stands for a packet that gets no response.
    pub(super) fn read(packet: &'a [u8]) -> Result<Self, Option<Vec<u8>>> {
        let message = Message::from_slice(packet).map_err(|_| None)?;
        let header = message.header();
        if header.qr() {
            return Err(None);
        }
        let declined = |rcode| Some(bare_response(message, rcode));
        if header.opcode() != Opcode::QUERY {
            return Err(declined(Rcode::NOTIMP));
        }
        let query = Self::of(message).ok_or_else(|| declined(Rcode::FORMERR))?;
        if message.first_question().map(|question| question.qclass()) != Some(Class::IN) {
            return Err(declined(Rcode::REFUSED));
        }
        // Their answers contain several RRsets, and nothing here asks them.
        if matches!(query.rtype, Rtype::ANY | Rtype::RRSIG) {
            return Err(declined(Rcode::NOTIMP));
        }
        Ok(query)
    }

    /// The question of a message, whatever else it says.
    pub(super) fn of(message: &'a Message<[u8]>) -> Option<Self> {
        let question = message.sole_question().ok()?;
        let edns = message.opt().map(|opt| Edns {
            payload: opt.udp_payload_size(),
            dnssec_ok: opt.dnssec_ok(),
        });
        Some(Self {
            message,
            name: question.qname().to_name(),
            rtype: question.qtype(),
            edns,
        })
    }

    /// The RD bit (RFC 1035 section 4.1.1).
    pub(super) fn recursion_desired(&self) -> bool {
        self.message.header().rd()
    }

    /// The DO bit (RFC 3225 section 3).
    pub(super) fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// The CD bit (RFC 4035 section 3.2.2).
    pub(super) fn checking_disabled(&self) -> bool {
        self.message.header().cd()
    }

    /// Whether the client understands the AD bit of the response (RFC 6840
    /// section 5.7).
    pub(super) fn wants_authentic_data(&self) -> bool {
        self.message.header().ad() || self.dnssec_ok()
    }

    /// The most bytes that the client accepts over UDP (RFC 6891 section
    /// 6.2.5).
    pub(super) fn udp_limit(&self) -> usize {
        let offered = self.edns.map_or(CLASSIC_PAYLOAD, |edns| edns.payload);
        usize::from(offered.clamp(CLASSIC_PAYLOAD, EDNS_PAYLOAD))
    }
}

/// The role of the responding server (RFC 1035 section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// A recursive resolver: RA.
    Resolver,
    /// A name server, for its own zone: AA.
    Authority,
    /// A name server, for other zones: neither.
    Bystander,
}

/// A response, before it is bytes.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) answer: Answer,
    /// The role, which the bits RA and AA show.
    pub(super) speaker: Speaker,
    /// The AD bit (RFC 4035 section 3.2.3).
    pub(super) authentic_data: bool,
    /// The TC bit (RFC 1035 section 4.1.1).
    pub(super) truncated: bool,
    /// Whether RRSIG, NSEC and NSEC3 are kept (RFC 4035 section 3.2.1).
    pub(super) dnssec: bool,
}

impl Response {
    /// A response without records.
    pub(super) fn bare(rcode: Rcode) -> Self {
        Self {
            answer: Answer::empty(rcode),
            speaker: Speaker::Resolver,
            authentic_data: false,
            truncated: false,
            dnssec: false,
        }
    }

    /// The bytes; cut down to the header and the TC bit (RFC 2181 section 9) if
    /// they are more than `limit`.
    pub(super) fn write(&self, query: &Query<'_>, limit: usize) -> Vec<u8> {
        match self.try_write(query) {
            Ok(packet) if packet.len() <= limit => packet,
            Ok(_) => {
                let cut = Self {
                    truncated: true,
                    speaker: self.speaker,
                    ..Self::bare(self.answer.rcode)
                };
                cut.try_write(query)
                    .unwrap_or_else(|_| bare_response(query.message, Rcode::SERVFAIL))
            }
            Err(_) => bare_response(query.message, Rcode::SERVFAIL),
        }
    }

    fn try_write(&self, query: &Query<'_>) -> Result<Vec<u8>, PushError> {
        let builder = new_message().start_answer(query.message, self.answer.rcode)?;
        let mut section = builder;
        let header = section.header_mut();
        header.set_ra(self.speaker == Speaker::Resolver);
        header.set_aa(self.speaker == Speaker::Authority);
        header.set_cd(query.checking_disabled());
        header.set_ad(self.authentic_data);
        header.set_tc(self.truncated);
        for set in &self.answer.answer {
            self.push(&mut section, set, query.rtype)?;
        }
        let mut section = section.authority();
        for set in &self.answer.authority {
            self.push(&mut section, set, query.rtype)?;
        }
        let mut section = section.additional();
        for set in &self.answer.additional {
            self.push(&mut section, set, query.rtype)?;
        }
        if query.edns.is_some() {
            self.push_opt(&mut section, query)?;
        }
        Ok(section.finish().into_target())
    }

    fn push(
        &self,
        section: &mut impl RecordSectionBuilder<StaticCompressor<Vec<u8>>>,
        set: &SignedSet,
        asked: Rtype,
    ) -> Result<(), PushError> {
        let rrset = &set.rrset;
        let denial = matches!(rrset.rtype, Rtype::NSEC | Rtype::NSEC3);
        if denial && !self.dnssec && asked != rrset.rtype {
            return Ok(());
        }
        let signatures = set.surplus.iter().chain(set.signature.as_deref());
        let signatures = signatures.filter(|_| self.dnssec);
        for data in rrset.data.iter().chain(signatures) {
            section.push(Record::new(&set.owner, Class::IN, rrset.ttl, data))?;
        }
        Ok(())
    }

    fn push_opt(
        &self,
        section: &mut AdditionalBuilder<StaticCompressor<Vec<u8>>>,
        query: &Query<'_>,
    ) -> Result<(), PushError> {
        let reason = self.answer.reason.as_ref().and_then(|reason| {
            ExtendedError::<Vec<u8>>::new_with_str(reason.code, &reason.text).ok()
        });
        section.opt(|opt| {
            opt.set_udp_payload_size(EDNS_PAYLOAD);
            opt.set_dnssec_ok(query.dnssec_ok());
            reason.as_ref().map_or(Ok(()), |reason| opt.push(reason))
        })
    }
}

fn new_message() -> MessageBuilder<StaticCompressor<Vec<u8>>> {
    match MessageBuilder::from_target(StaticCompressor::new(Vec::with_capacity(512))) {
        Ok(builder) => builder,
        Err(never) => match never {},
    }
}

/// A response code and nothing else.
pub(super) fn bare_response(message: &Message<[u8]>, rcode: Rcode) -> Vec<u8> {
    let mut builder = new_message().start_error(message, rcode);
    builder.header_mut().set_ra(true);
    builder.finish().into_target()
}
