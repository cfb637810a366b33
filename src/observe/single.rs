//! One lookup in both views: the resolver's and danecheck's own.

use std::str::FromStr;

use bytes::Bytes;
use domain::base::{Rtype, ToName as _};

use super::authority::{Authorities, NameServerAccess};
use super::budget::{Deadline, Times};
use super::dial::Dial;
use super::exchange::{Mode, Question};
use super::resolver::Resolver;
use super::validator::{Base, Failed, Validator, name_in_doubt};
use super::wire::{self, WireName};
use danecheck_core::observation::{FailureKind, LookupFailure, SingleLookup, SingleReply};
use danecheck_core::text::nearest;
use danecheck_core::unix_time::UnixTime;
use danecheck_validation::trust_anchor::RootAnchors;
use danecheck_validation::{Packet, presented};

/// A question as a user writes it.
#[derive(Clone, Debug)]
pub struct NameAndType {
    name: WireName,
    rtype: Rtype,
}

/// Why a text is not a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// It is not a domain name.
    #[error("`{0}` is not a domain name")]
    Name(String),
    /// It is not a record type that can be asked for.
    #[error("unknown record type `{0}`: give one such as TLSA, MX, A or TYPE52")]
    Type(String),
    /// It is almost a record type.
    #[error("unknown record type `{0}`: did you mean {1}?")]
    AlmostType(String, &'static str),
    /// The type comes first.
    #[error("`{name}` is a record type: give the name first: danecheck dns {rtype} {name}")]
    Swapped {
        /// What stands where the name should be.
        name: String,
        /// What stands where the type should be.
        rtype: String,
    },
}

/// The types that mail and DNSSEC need.
const USUAL_TYPES: [&str; 16] = [
    "TLSA", "MX", "A", "AAAA", "CNAME", "NS", "SOA", "DS", "DNSKEY", "RRSIG", "NSEC", "NSEC3",
    "TXT", "PTR", "SRV", "CAA",
];

impl NameAndType {
    /// Reads a name, which may be in Unicode, and the mnemonic of a type, or
    /// its number as `TYPE52` (RFC 3597 section 5).
    pub fn parse(name: &str, rtype: &str) -> Result<Self, QuestionError> {
        let given = name;
        let refuse = || QuestionError::Name(name.to_owned());
        let ascii = if name.is_ascii() {
            name.to_owned()
        } else {
            idna::domain_to_ascii(name).map_err(|_| refuse())?
        };
        let name = WireName::from_str(&ascii).map_err(|_| refuse())?;
        let refuse = || {
            let is_type = |text: &str| USUAL_TYPES.contains(&text.to_ascii_uppercase().as_str());
            if is_type(given) && rtype.contains('.') {
                return QuestionError::Swapped {
                    name: given.to_owned(),
                    rtype: rtype.to_owned(),
                };
            }
            // A number is no typing error.
            let near = nearest(rtype, USUAL_TYPES).filter(|_| !rtype.contains(['.', '0']));
            match near {
                Some(near) => QuestionError::AlmostType(rtype.to_owned(), near),
                None => QuestionError::Type(rtype.to_owned()),
            }
        };
        let rtype = Rtype::from_str(&rtype.to_ascii_uppercase()).map_err(|_| refuse())?;
        // OPT, and the types that ask for something other than records (RFC
        // 6895 section 3.1).
        if matches!(rtype.to_int(), 0 | 41 | 128..=255) {
            return Err(refuse());
        }
        Ok(Self { name, rtype })
    }
}

/// The settings of the lookup.
#[derive(Clone, Debug)]
pub struct SingleSetup {
    /// The resolver.
    pub resolver: Resolver,
    /// The trust anchor.
    pub root_anchors: RootAnchors,
    /// The time at which signatures are judged.
    pub now: UnixTime,
    /// Time limits.
    pub times: Times,
    /// How an address becomes a byte stream.
    pub dial: Dial,
    /// Whether the name servers are always asked, not only if the lookup fails
    /// or is bogus.
    pub authoritative: bool,
    /// Whether to ask name servers at addresses that are not public too.
    pub allow_private: bool,
}

/// Looks a name up.
pub async fn look_up(question: &NameAndType, setup: &SingleSetup) -> SingleLookup {
    let deadline = Deadline::after(setup.times.total);
    let base = Base::new(
        &setup.resolver,
        &setup.root_anchors,
        setup.times,
        setup.times.total,
    );
    let validator = Validator::new(&base, setup.now, setup.times, deadline);
    let asked = Question {
        name: &question.name,
        rtype: question.rtype,
        mode: Mode::Stub,
    };
    let answer = setup
        .resolver
        .ask(asked, setup.times.query, deadline)
        .await
        .map(|answer| answer.bytes);
    let server = setup.resolver.answering().map(|server| server.to_string());
    let end = answer.as_ref().ok().and_then(Packet::read);
    let end = end.map_or_else(|| question.name.to_name(), |packet| packet.end());
    let (reply, own) = match answer {
        Ok(bytes) => {
            let own = validator.judge_lookup(std::slice::from_ref(&bytes), None);
            (read(&bytes, question), own.await)
        }
        Err(failure) => {
            let failed = Failed {
                name: question.name.clone(),
                rtype: question.rtype,
                failure: failure.clone(),
            };
            let own = validator.judge_lookup(&[], Some(&failed)).await;
            (Err(failure), own)
        }
    };
    let fails = match &reply {
        // Without a resolver nothing can find the name servers.
        Err(failure) => failure.kind != FailureKind::Unreachable,
        Ok(_) => setup.authoritative || own.is_bogus(),
    };
    let authority = match fails {
        true => {
            let access = NameServerAccess {
                dial: setup.dial.clone(),
                private: setup.allow_private,
                times: setup.times,
                deadline,
                now: setup.now,
            };
            let authorities = Authorities::new(validator.clone(), access);
            let name = name_in_doubt(&own, question.name.to_name(), end);
            authorities.inspect(&name, question.rtype).await
        }
        false => None,
    };
    SingleLookup {
        name: question
            .name
            .fmt_with_dot()
            .to_string()
            .to_ascii_lowercase(),
        rtype: question.rtype.to_string(),
        server,
        reply,
        own,
        authority,
    }
}

fn read(bytes: &Bytes, question: &NameAndType) -> Result<SingleReply, LookupFailure> {
    let malformed = || LookupFailure {
        kind: FailureKind::Malformed,
        extended_error: None,
    };
    let head = wire::head(bytes, &question.name, question.rtype).ok_or_else(malformed)?;
    let (records, ttl) = presented(bytes).ok_or_else(malformed)?;
    Ok(SingleReply {
        authentic: head.authentic,
        name_error: head.rcode == 3,
        extended_error: head.extended_error,
        records,
        ttl,
    })
}
