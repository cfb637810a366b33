//! One question to one name server, and its answer.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::Rcode;
use domain::base::{Message, Rtype};
use domain::rdata::ZoneRecordData;

use super::super::exchange::{Mode, NoReply, Question, Sockets, over_tcp};
use super::super::wire::{self, WireName};
use danecheck_core::observation::{NameServerAnswer, NameServerFailure, NameServerReply};
use danecheck_core::unix_time::UnixTime;
use danecheck_validation::{Owner, Packet, moment, texts};

/// How a question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// Asks, and returns the unread reply.
pub(super) async fn ask(
    server: SocketAddr,
    name: &WireName,
    rtype: Rtype,
    transport: Transport,
    time: Duration,
) -> Result<Bytes, NameServerFailure> {
    let question = Question {
        name,
        rtype,
        mode: Mode::Authority,
    };
    let answer = match transport {
        // Another socket for each: few are asked twice.
        Transport::Udp => Sockets::default().ask(server, question, time).await,
        Transport::Tcp => over_tcp(server, question, time).await,
    };
    let bytes = answer.map_err(failure)?;
    let head = wire::head(&bytes, name, rtype).ok_or(NameServerFailure::Malformed)?;
    match head.rcode {
        0 | 3 => Ok(bytes),
        1 => Err(NameServerFailure::FormErr),
        2 => Err(NameServerFailure::ServFail),
        4 => Err(NameServerFailure::NotImp),
        5 => Err(NameServerFailure::Refused),
        other => Err(NameServerFailure::OtherRcode(other)),
    }
}

fn failure(why: NoReply) -> NameServerFailure {
    match why {
        NoReply::Timeout => NameServerFailure::Timeout,
        NoReply::Closed => NameServerFailure::Closed,
        NoReply::Unreachable => NameServerFailure::Unreachable,
        NoReply::Malformed => NameServerFailure::Malformed,
    }
}

/// Reads a reply with the response code 0 or 3.
pub(super) fn read(bytes: &[u8], name: &Owner, rtype: Rtype, now: UnixTime) -> NameServerAnswer {
    read_reply(bytes, name, rtype, now).map_or(
        NameServerAnswer::Failed(NameServerFailure::Malformed),
        NameServerAnswer::Reply,
    )
}

fn read_reply(bytes: &[u8], name: &Owner, rtype: Rtype, now: UnixTime) -> Option<NameServerReply> {
    let bytes = Bytes::copy_from_slice(bytes);
    let message = Message::from_octets(bytes.clone()).ok()?;
    let header = message.header();
    let mut reply = NameServerReply {
        authoritative: header.aa(),
        name_error: header.rcode() == Rcode::NXDOMAIN,
        truncated: header.tc(),
        records: Vec::new(),
        ttl: None,
        signed: false,
        signed_until: None,
    };
    if reply.truncated {
        return Some(reply);
    }
    let packet = Packet::read(&bytes)?;
    let alias = packet.answer_at(name, Rtype::CNAME);
    let set = packet.answer_at(name, rtype).or(alias);
    if let Some(set) = set {
        reply.records = texts(set);
        reply.ttl = set.records.iter().map(|it| it.ttl().as_secs()).min();
        let ends = set.signatures.iter();
        reply.signed_until = ends.map(|it| moment(it.data().expiration(), now)).max();
    }
    // A denial is signed by its parts.
    reply.signed = match set {
        Some(set) => !set.signatures.is_empty(),
        None => packet.sets().any(|set| !set.signatures.is_empty()),
    };
    Some(reply)
}

/// The serial in the SOA record of a zone.
pub(super) fn serial(bytes: &[u8], apex: &Owner) -> Option<u32> {
    let packet = Packet::read(&Bytes::copy_from_slice(bytes))?;
    let soa = packet.answer_at(apex, Rtype::SOA)?;
    soa.records.iter().find_map(|record| match record.data() {
        ZoneRecordData::Soa(soa) => Some(soa.serial().into_int()),
        _ => None,
    })
}
