//! What one zone proves in the authority section of a reply.

use domain::base::Rtype;

use super::nsec::{self, NoDs, Nsec};
use super::nsec3::{Nsec3s, Proof};
use super::owner::{Owner, set_name};
use super::packet::{Packet, RrSet};
use super::work::Work;
use super::zone::{End, Zone};
use danecheck_core::dnssec::{Fault, OwnValidation, SecurityStatus};
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::WorkUsedUp;

/// The proofs that a zone has signed. Those of other zones say nothing.
pub(super) struct Denial<'a> {
    zone: &'a Zone,
    nsecs: Vec<Nsec<'a>>,
    nsec3s: Nsec3s<'a>,
    fault: Option<End>,
}

/// What a proof has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The response code says that the name does not exist.
    NoName,
    /// It says that the name exists, and there is no record.
    NoData,
    /// After aliases the response code may belong to either end (RFC 6604).
    Either,
}

impl<'a> Denial<'a> {
    /// From the sets of a zone that are known to be signed by it, and not to
    /// come from a wildcard.
    pub(super) fn new(sets: &[&'a RrSet], zone: &'a Zone, work: Work<'a>) -> Self {
        let of_type = |rtype| sets.iter().copied().filter(move |set| set.rtype == rtype);
        Self {
            zone,
            nsecs: of_type(Rtype::NSEC)
                .filter_map(|set| Nsec::of(set, &zone.apex))
                .collect(),
            nsec3s: Nsec3s::new(of_type(Rtype::NSEC3), &zone.apex, work),
            fault: None,
        }
    }

    /// The proofs in a reply about a DS set; the zone must have signed all of
    /// them.
    pub(super) fn of_zone(
        packet: &'a Packet,
        zone: &'a Zone,
        now: UnixTime,
        work: Work<'a>,
    ) -> Self {
        let proofs = |set: &&RrSet| {
            matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3) && set.owner.ends_with(&zone.apex)
        };
        let mut fault = None;
        let mut sets = Vec::new();
        for set in packet.authority.iter().filter(proofs) {
            match zone.check(set, now, work) {
                Ok(signed) if signed.wildcard.is_none() => sets.push(set),
                Ok(_) => {}
                Err(why) => {
                    fault.get_or_insert(zone.fault(set_name(&set.owner, set.rtype), why));
                }
            }
        }
        Self {
            fault,
            ..Self::new(&sets, zone, work)
        }
    }

    /// A proof that is not signed as required.
    pub(super) fn fault(&self) -> Option<End> {
        self.fault.clone()
    }

    /// Insecure, if the zone uses more iterations than the limit.
    pub(super) fn past_limit(&self, what: &str) -> Option<End> {
        let iterations = self.nsec3s.past_limit()?;
        Some(self.insecure(what, Fault::Nsec3IterationsPastLimit { iterations }))
    }

    fn insecure(&self, what: &str, fault: Fault) -> End {
        let link = self.zone.link(what.to_owned(), fault);
        Box::new(OwnValidation::at(SecurityStatus::Insecure, link))
    }

    /// Checks that there is no DS record.
    pub(super) fn no_ds(&self, name: &Owner) -> Result<NoDs, WorkUsedUp> {
        match nsec::no_ds(&self.nsecs, name) {
            NoDs::Nothing if !self.nsec3s.is_empty() => self.nsec3s.no_ds(name),
            found => Ok(found),
        }
    }

    /// Checks that a record set does not exist: secure, or why not.
    pub(super) fn denies(&self, name: &Owner, rtype: Rtype, claim: Claim) -> Result<(), End> {
        let what = set_name(name, rtype);
        if let Some(cut) = nsec::unsigned_above(&self.nsecs, name, rtype) {
            return Err(self.below(cut));
        }
        let (no_name, no_data) = (
            nsec::no_name(&self.nsecs, name),
            nsec::no_data(&self.nsecs, name, rtype),
        );
        let by_nsec = match claim {
            // Some servers say NXDOMAIN of empty non-terminals. The response
            // code is not signed, the proof is (unbound's
            // `validate_nameerror_response`).
            Claim::NoName => no_name || no_data && self.nsec3s.is_empty(),
            Claim::NoData => no_data,
            Claim::Either => no_name != no_data,
        };
        if by_nsec {
            return Ok(());
        }
        let nothing = || self.zone.fault(what.clone(), Fault::DenialProvesNothing);
        if self.nsec3s.is_empty() || claim == Claim::Either && no_name {
            return Err(nothing());
        }
        if let Some(end) = self.past_limit(&what) {
            return Err(end);
        }
        let proof = match claim {
            Claim::NoName => self.nsec3s.no_name(name),
            Claim::NoData => self.nsec3s.no_data(name, rtype),
            Claim::Either => self.nsec3s.no_name(name).and_then(|no_name| {
                if no_name == Proof::Holds {
                    return Ok(no_name);
                }
                match self.nsec3s.no_data(name, rtype)? {
                    Proof::Nothing => Ok(no_name),
                    no_data => Ok(no_data),
                }
            }),
        };
        self.outcome(proof, name, what)
    }

    /// Checks that a name does not exist, so that the wildcard below `encloser`
    /// answers for it.
    pub(super) fn expands(&self, name: &Owner, rtype: Rtype, encloser: &Owner) -> Result<(), End> {
        let what = set_name(name, rtype);
        if nsec::is_expansion(&self.nsecs, name, encloser) {
            return Ok(());
        }
        if self.nsec3s.is_empty() {
            return Err(self.zone.fault(what, Fault::DenialProvesNothing));
        }
        if let Some(end) = self.past_limit(&what) {
            return Err(end);
        }
        self.outcome(self.nsec3s.is_expansion(name, encloser), name, what)
    }

    fn outcome(
        &self,
        proof: Result<Proof, WorkUsedUp>,
        name: &Owner,
        what: String,
    ) -> Result<(), End> {
        match proof {
            Ok(Proof::Holds) => Ok(()),
            Ok(Proof::OptOut) => Err(self.insecure(&what, Fault::OptOut)),
            Ok(Proof::Unsigned) => Err(self.below(name)),
            Ok(Proof::Nothing) => Err(self.zone.fault(what, Fault::DenialProvesNothing)),
            Err(WorkUsedUp { .. }) => Err(self.zone.fault(what, Fault::TooMuchWork)),
        }
    }

    /// Insecure, because an unsigned zone begins there.
    fn below(&self, cut: &Owner) -> End {
        let parent = self.zone.apex.fmt_with_dot().to_string();
        let mut link = self
            .zone
            .link(set_name(cut, Rtype::DS), Fault::DsMissing { parent });
        link.zone = cut.fmt_with_dot().to_string();
        Box::new(OwnValidation::at(SecurityStatus::Insecure, link))
    }
}
