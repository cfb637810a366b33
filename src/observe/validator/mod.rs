//! danecheck's own validation of what a resolver answers, from the root's
//! trust anchor down, for answers and denials alike (RFC 4035 section 5).
//!
//! The judge is the validator of the `domain` crate, as it comes from the
//! registry. Around it is what it leaves to its caller:
//!
//! | gap | here |
//! | --- | --- |
//! | DS algorithms 14 and 15 count as unknown | the DS set, once secure, becomes a trust anchor |
//! | DS algorithm 16, RSA keys under 1024 bits | indeterminate |
//! | a denial without SOA counts as bogus | insecure where its name is |
//! | more than 500 NSEC3 iterations count as bogus | insecure (RFC 9276 section 3.2) |
//! | TLSA data under 3 bytes cannot be read | its signature is checked here |
//! | more than 11 aliases in one answer count as bogus | up to 100 are followed |
//! | NXDOMAIN with the proof of NODATA counts as bogus | it denies the record all the same |
//! | aliases without an end count as bogus | each is judged by itself |
//! | signatures by a zone that does not hold the name | left out |
//!
//! What it cannot judge is indeterminate, with the reason.

mod base;
mod chain;
mod packet;
mod presentation;
#[cfg(test)]
mod tests;
mod upstream;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::Class;
use domain::base::{Message, Name, Rtype, ToName as _};
use domain::dnssec::validator::context::ValidationState;
use domain::rdata::ZoneRecordData;
use futures_util::FutureExt as _;

pub(super) use self::base::Base;
use self::base::{Context, context};
pub(super) use self::chain::moment;
use self::chain::{Chains, Delegation};
pub(super) use self::packet::{Owner, Packet};
use self::packet::{Rr, RrSet};
#[cfg(any(test, fuzzing))]
pub(super) use self::presentation::rewritten;
pub(super) use self::presentation::{presented, texts};
use self::upstream::PAYER;
pub(super) use self::upstream::Upstream;
use super::budget::Deadline;
use super::wire::WireName;
use crate::dnssec::{Fault, OwnValidation, SecurityStatus, SignatureSpan, WeakLink};
use crate::observation::{FailureKind, LookupFailure};
use crate::trust_anchor::RootAnchors;
use crate::unix_time::UnixTime;

/// Iterations above which the validator says bogus.
const NSEC3_ITERATIONS_BOGUS: u16 = 500;

/// How often zones with algorithm 14 or 15 may follow each other on one path.
const ANCHOR_ROUNDS: usize = 4;

/// A question without a usable answer.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) name: WireName,
    pub(super) rtype: Rtype,
    pub(super) failure: LookupFailure,
}

/// The validation of one check; its parts share what they fetch.
#[derive(Clone)]
pub(super) struct Validator(Arc<Run>);

struct Run {
    anchors: RootAnchors,
    upstream: Upstream,
    trusted: Mutex<Trusted>,
    now: UnixTime,
    total: Duration,
    deadline: Deadline,
}

/// The validator and what it starts from.
#[derive(Clone)]
struct Trusted {
    /// The root's anchors, and DS sets that were found secure.
    text: String,
    extended: Vec<Owner>,
    context: Option<Arc<Context>>,
}

/// What an insecure status rests on.
enum Footing {
    /// On a proof.
    Sound,
    /// On an algorithm, which is taken from now on: judge again.
    Extended,
    /// On an algorithm that only others know.
    Unknown(OwnValidation),
}

impl Validator {
    /// The validation of one check.
    pub(super) fn new(
        base: &Base,
        now: UnixTime,
        times: super::budget::Times,
        deadline: Deadline,
    ) -> Self {
        Self(Arc::new(Run {
            anchors: base.anchors.clone(),
            upstream: base.upstream.for_one_check(deadline),
            trusted: Mutex::new(Trusted {
                text: base.anchors.text().to_owned(),
                extended: Vec::new(),
                context: base.context.clone(),
            }),
            now,
            total: times.total,
            deadline,
        }))
    }

    /// What was fetched, and can be, from the resolver with CD=1.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.0.upstream
    }

    /// Whether some judgement ended for want of time or of questions.
    pub(super) fn was_cut(&self) -> bool {
        let payer = self.0.upstream.payer();
        self.0.deadline.is_over() || payer.is_some_and(|payer| payer.is_used_up())
    }

    /// What is said where there was no time for a judgement.
    pub(super) fn late() -> OwnValidation {
        OwnValidation::indeterminate("the validation came to no end in time")
    }

    /// Judges what a lookup gave: its replies, and the question that failed
    /// at their end, which is asked again whatever the resolver thinks of the
    /// data.
    pub(super) async fn judge_lookup(
        &self,
        replies: &[Bytes],
        failed: Option<&Failed>,
    ) -> OwnValidation {
        let mut result = OwnValidation::plain(SecurityStatus::Secure);
        for reply in replies {
            result = worse(result, self.judge(reply).await);
        }
        let Some(failed) = failed else {
            return result;
        };
        let cannot = |failure: &LookupFailure| {
            OwnValidation::indeterminate(format!(
                "the resolver gives no answer to judge: {}",
                failure.kind.as_text()
            ))
        };
        let last = match failed.failure.kind {
            FailureKind::Timeout | FailureKind::Unreachable => cannot(&failed.failure),
            _ => {
                let name: Owner = failed.name.to_name();
                match self
                    .0
                    .upstream
                    .ask(&name, failed.rtype, self.0.deadline)
                    .await
                {
                    Ok(reply) => self.judge(&reply).await,
                    Err(failure) => cannot(&failure),
                }
            }
        };
        worse(result, last)
    }

    async fn judge(&self, reply: &Bytes) -> OwnValidation {
        let Some(packet) = Packet::read(reply) else {
            return OwnValidation::indeterminate("the answer cannot be read, or is too long");
        };
        if packet.malformed {
            return self.judge_malformed(&packet).await;
        }
        if !packet.is_alias_only() {
            return self.judge_whole(&packet).await;
        }
        let mut result = OwnValidation::plain(SecurityStatus::Secure);
        for set in packet.answer.iter().filter(|it| !packet.is_synthesized(it)) {
            result = worse(result, self.judge_whole(&packet.only(set)).await);
        }
        result
    }

    async fn judge_whole(&self, packet: &Packet) -> OwnValidation {
        let mut owners = packet.answers(packet.rtype).map(|set| &set.owner);
        if let Some(first) = owners.next()
            && owners.any(|owner| owner != first)
        {
            return OwnValidation::indeterminate("the answer has records of several names");
        }
        self.fetch_ahead(packet);
        match self.sound_state(packet).await {
            Ok(ValidationState::Secure) => OwnValidation {
                first_to_end: self.first_to_end(packet).await.map(Box::new),
                ..OwnValidation::plain(SecurityStatus::Secure)
            },
            Ok(ValidationState::Insecure) => self.insecure(packet).await,
            Ok(ValidationState::Indeterminate) => {
                OwnValidation::indeterminate("there is no trust anchor")
            }
            Ok(ValidationState::Bogus) => self.judge_bogus(packet).await,
            Err(untold) => untold,
        }
    }

    /// What the validator says once it takes every algorithm that it can
    /// compute; an indeterminate status where that is not enough.
    async fn sound_state(&self, packet: &Packet) -> Result<ValidationState, OwnValidation> {
        for _ in 0..ANCHOR_ROUNDS {
            // Lookups beside this one may extend what is trusted meanwhile.
            let trusted = self.trusted().clone();
            match self.state_under(&trusted, packet).await {
                Some(ValidationState::Insecure) => match self.footing(packet, &trusted).await {
                    Footing::Sound => return Ok(ValidationState::Insecure),
                    Footing::Extended => {}
                    Footing::Unknown(validation) => return Err(validation),
                },
                Some(state) => return Ok(state),
                None => return Err(Self::late()),
            }
        }
        Err(OwnValidation::indeterminate(
            "the chain of trust is too long",
        ))
    }

    /// What the validator says; nothing where it does not in time.
    async fn state(&self, packet: &Packet) -> Option<ValidationState> {
        let trusted = self.trusted().clone();
        self.state_under(&trusted, packet).await
    }

    async fn state_under(&self, trusted: &Trusted, packet: &Packet) -> Option<ValidationState> {
        let context = trusted.context.clone()?;
        let mut message = Message::from_octets(packet.write()?).ok()?;
        let payer = self.0.upstream.payer()?.clone();
        let judge = PAYER.scope(payer.clone(), async move {
            let result = context.validate_msg::<_, Vec<u8>>(&mut message).await;
            result.ok().map(|(state, _)| state)
        });
        // What goes wrong in it goes no further.
        let judge = AssertUnwindSafe(judge).catch_unwind();
        let both = async {
            tokio::select! {
                state = judge => state.ok().flatten(),
                () = payer.used_up() => None,
            }
        };
        self.0.deadline.run(self.0.total, both).await.flatten()
    }

    /// Checks what "insecure" rests on: the validator says it also of
    /// algorithms that it merely does not take.
    async fn footing(&self, packet: &Packet, trusted: &Trusted) -> Footing {
        for name in names(packet) {
            for zone in chain::path(&name) {
                let Some(Ok(bytes)) = self.0.upstream.fetched(&zone, Rtype::DS).await else {
                    break;
                };
                let reply = Packet::read(&bytes);
                let Some(ds) = reply.as_ref().and_then(|it| it.answer_at(&zone, Rtype::DS)) else {
                    continue;
                };
                let delegation = chain::delegation(ds);
                if matches!(delegation, Delegation::Taken | Delegation::UnknownToAll(_)) {
                    continue;
                }
                // Below an insecure zone the algorithm does not matter.
                if self.state(&Packet::of(ds)).await != Some(ValidationState::Secure) {
                    continue;
                }
                match delegation {
                    Delegation::UnknownHere(algorithm) => {
                        return Footing::Unknown(chain::unsupported(&zone, algorithm));
                    }
                    _ if !trusted.extended.contains(&zone) => {
                        self.extend(&zone, ds);
                        return Footing::Extended;
                    }
                    _ => {}
                }
            }
        }
        Footing::Sound
    }

    /// Trusts a secure DS set as it trusts the root's.
    fn extend(&self, zone: &Owner, ds: &RrSet) {
        let mut trusted = self.trusted();
        if trusted.extended.contains(zone) {
            return;
        }
        let mut text = trusted.text.clone();
        for record in &ds.records {
            text.push_str(&format!(
                "\n{} {} IN DS {}",
                zone.fmt_with_dot(),
                record.ttl().as_secs(),
                record.data()
            ));
        }
        let mut extended = trusted.extended.clone();
        extended.push(zone.clone());
        // A validator for this check alone: what is trusted here is not to
        // grow with the checks of a run.
        let context = context(&text, &self.0.upstream, self.0.total);
        *trusted = Trusted {
            text,
            extended,
            context,
        };
    }

    fn trusted(&self) -> std::sync::MutexGuard<'_, Trusted> {
        let lock = self.0.trusted.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    /// Second thoughts on "bogus", and the reason where it stays.
    async fn judge_bogus(&self, packet: &Packet) -> OwnValidation {
        if packet.is_bare_denial()
            && self.is_insecure(&packet.end()).await
            && self.answers_hold(packet).await
        {
            return self.insecure(packet).await;
        }
        // Some servers say NXDOMAIN of empty non-terminals. The response code is
        // not signed, the proof is, and says that the record does not exist
        // (unbound's `validate_nameerror_response` is as lenient).
        if packet.name_error {
            let nodata = Packet {
                name_error: false,
                ..packet.clone()
            };
            if self.state(&nodata).await == Some(ValidationState::Secure) {
                return OwnValidation::plain(SecurityStatus::Secure);
            }
        }
        if let Some(link) = self.over_limit(packet).await {
            return if self.answers_hold(packet).await {
                OwnValidation::at(SecurityStatus::Insecure, link)
            } else {
                OwnValidation::at(SecurityStatus::Indeterminate, link)
            };
        }
        self.chains().explain(packet).await
    }

    /// The signature that ends first, of those over a secure packet and over
    /// the keys that made them. What the zones above sign is not theirs.
    async fn first_to_end(&self, packet: &Packet) -> Option<SignatureSpan> {
        let mut sets: Vec<RrSet> = packet.sets().cloned().collect();
        for set in packet.sets() {
            let Some(signature) = set.signatures.first() else {
                continue;
            };
            let zone = signature.data().signer_name();
            let fetched = self.0.upstream.fetched(zone, Rtype::DNSKEY).await;
            let keys = fetched.and_then(|it| Packet::read(&it.ok()?));
            sets.extend(keys.and_then(|it| it.answer_at(zone, Rtype::DNSKEY).cloned()));
        }
        let spans = sets.iter().filter_map(|set| {
            let signatures = set.signatures.iter().map(|it| it.data());
            let spans = signatures.map(|rrsig| SignatureSpan {
                zone: rrsig.signer_name().fmt_with_dot().to_string(),
                record_set: chain::set_name(&set.owner, set.rtype),
                inception: moment(rrsig.inception(), self.0.now),
                expiration: moment(rrsig.expiration(), self.0.now),
            });
            spans.max_by_key(|span| span.expiration)
        });
        spans.min_by_key(|span| span.expiration)
    }

    /// Insecure, and since where.
    async fn insecure(&self, packet: &Packet) -> OwnValidation {
        match self.chains().turning_point(packet).await {
            Some(link) => OwnValidation::at(SecurityStatus::Insecure, link),
            None => OwnValidation::plain(SecurityStatus::Insecure),
        }
    }

    fn chains(&self) -> Chains<'_> {
        Chains {
            upstream: &self.0.upstream,
            anchors: &self.0.anchors,
            now: self.0.now,
        }
    }

    /// Whether a record at this name needs no signature.
    async fn is_insecure(&self, name: &Owner) -> bool {
        let unsigned = RrSet {
            owner: name.clone(),
            rtype: Rtype::A,
            records: vec![Rr::new(
                name.clone(),
                Class::IN,
                domain::base::Ttl::ZERO,
                ZoneRecordData::A(domain::rdata::A::from_octets(192, 0, 2, 1)),
            )],
            signatures: Vec::new(),
        };
        let packet = Packet::of(&unsigned);
        matches!(
            self.sound_state(&packet).await,
            Ok(ValidationState::Insecure)
        )
    }

    /// Whether no record set of the answer is itself bogus.
    async fn answers_hold(&self, packet: &Packet) -> bool {
        for set in packet.answer.iter().filter(|it| !packet.is_synthesized(it)) {
            match self.state(&packet.only(set)).await {
                Some(ValidationState::Secure | ValidationState::Insecure) => {}
                _ => return false,
            }
        }
        true
    }

    /// An authentic NSEC3 record with more iterations than the validator
    /// accepts, in the packet or on the way to it.
    async fn over_limit(&self, packet: &Packet) -> Option<WeakLink> {
        let mut sets: Vec<RrSet> = packet.authority.clone();
        for zone in names(packet).iter().flat_map(chain::path) {
            if let Some(Ok(bytes)) = self.0.upstream.fetched(&zone, Rtype::DS).await {
                sets.extend(Packet::read(&bytes).into_iter().flat_map(|it| it.authority));
            }
        }
        for set in &sets {
            let Some(ZoneRecordData::Nsec3(nsec3)) = set.records.first().map(|it| it.data()) else {
                continue;
            };
            let iterations = nsec3.iterations();
            if iterations > NSEC3_ITERATIONS_BOGUS
                && self.state(&Packet::of(set)).await == Some(ValidationState::Secure)
            {
                let zone = set.signatures.first()?.data().signer_name();
                return Some(WeakLink {
                    zone: zone.fmt_with_dot().to_string(),
                    record_set: chain::set_name(&set.owner, set.rtype),
                    fault: Fault::Nsec3IterationsPastLimit { iterations },
                });
            }
        }
        None
    }

    /// A record set that the validator cannot read. Its signature is over
    /// bytes, and can be checked all the same, with keys that it vouches for.
    async fn judge_malformed(&self, packet: &Packet) -> OwnValidation {
        let [set] = packet.answer.as_slice() else {
            return OwnValidation::indeterminate("a malformed TLSA record behind an alias");
        };
        let link = |zone: &Owner, fault| WeakLink {
            zone: zone.fmt_with_dot().to_string(),
            record_set: chain::set_name(&set.owner, set.rtype),
            fault,
        };
        let Some(signature) = set.signatures.first() else {
            return if self.is_insecure(&set.owner).await {
                self.insecure(packet).await
            } else {
                self.chains().explain(packet).await
            };
        };
        let zone = signature.data().signer_name();
        let fetched = self.0.upstream.fetch(zone, Rtype::DNSKEY).await;
        let reply = fetched.ok().and_then(|bytes| Packet::read(&bytes));
        let Some(keys) = reply
            .as_ref()
            .and_then(|it| it.answer_at(zone, Rtype::DNSKEY))
        else {
            return OwnValidation::indeterminate("the keys of its zone were not to be had");
        };
        let validation = self.judge_whole(&Packet::of(keys)).await;
        if validation.status != SecurityStatus::Secure {
            return validation;
        }
        match chain::fault(set, &chain::keys(keys), self.0.now) {
            Some(fault) => OwnValidation::at(SecurityStatus::Bogus, link(zone, fault)),
            None if usize::from(signature.data().labels()) + 1 == set.owner.label_count() => {
                OwnValidation::plain(SecurityStatus::Secure)
            }
            None => OwnValidation::indeterminate("a malformed TLSA record from a wildcard"),
        }
    }

    /// Fetches at once what the validator will ask for one by one.
    fn fetch_ahead(&self, packet: &Packet) {
        let mut questions: Vec<(Owner, Rtype)> = vec![(Name::root(), Rtype::DNSKEY)];
        for set in packet.sets() {
            let signer = set.signatures.first().map(|it| it.data().signer_name());
            let signed = signer.is_some();
            // Where an unsigned zone begins cannot be seen from here; mostly
            // it is the second label.
            let depth = if signed { usize::MAX } else { 2 };
            let path = chain::path(signer.unwrap_or(&set.owner));
            for (above, zone) in path.into_iter().take(depth).enumerate() {
                questions.push((zone.clone(), Rtype::DS));
                if signed || above == 0 {
                    questions.push((zone, Rtype::DNSKEY));
                }
            }
        }
        for (name, rtype) in questions {
            self.0.upstream.fetch_ahead(&name, rtype);
        }
    }
}

/// The names whose chains of trust a packet rests on.
fn names(packet: &Packet) -> Vec<Owner> {
    let mut names: Vec<Owner> = packet.sets().map(|set| set.owner.clone()).collect();
    names.push(packet.end());
    names
}

/// The status of a whole from those of its parts.
fn worse(one: OwnValidation, other: OwnValidation) -> OwnValidation {
    let rank = |validation: &OwnValidation| match validation.status {
        SecurityStatus::Secure => 0,
        SecurityStatus::Insecure => 1,
        SecurityStatus::Indeterminate => 2,
        SecurityStatus::Bogus => 3,
    };
    let spans = [&one.first_to_end, &other.first_to_end];
    let first_to_end = spans.into_iter().flatten().min_by_key(|it| it.expiration);
    let first_to_end = first_to_end.cloned();
    let worse = if rank(&other) > rank(&one) {
        other
    } else {
        one
    };
    OwnValidation {
        first_to_end,
        ..worse
    }
}
