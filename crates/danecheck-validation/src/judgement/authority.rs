//! What the authority section proves, and which sets in it do not belong there.

use std::sync::Arc;

use domain::base::Rtype;

use super::{Halt, Look, Place};
use crate::chain::Chain;
use crate::denial::{Claim, Denial};
use crate::owner::Owner;
use crate::owner::set_name;
use crate::packet::RrSet;
use crate::signature::signers;
use crate::zone::{End, Zone};
use danecheck_core::dnssec::{Fault, SecurityStatus};

impl<'a> Look<'a> {
    /// The proofs that a zone has signed.
    pub(super) fn proofs(&mut self, zone: &Arc<Zone>) -> Result<Vec<&'a RrSet>, Halt> {
        let mut sets = Vec::new();
        for (index, set) in self.packet.authority.iter().enumerate() {
            let proves = matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
            if !proves || !signers(set).contains(&zone.apex) {
                continue;
            }
            match self.check(Place::Authority(index), zone) {
                // A wildcard does not belong in the chain of names.
                Ok(signed) if signed.wildcard.is_none() => sets.push(set),
                Err(fault @ Fault::TooMuchWork) => {
                    return Err(zone.fault(set_name(&set.owner, set.rtype), fault).into());
                }
                _ => {}
            }
        }
        Ok(sets)
    }

    /// Checks that the record set does not exist, by the proof of the zone that
    /// would hold it.
    pub(super) fn denied(&mut self, name: &Owner, rtype: Rtype) -> Result<(), Halt> {
        let claim = match (self.walk.steps.is_empty(), self.packet.name_error) {
            (false, _) => Claim::Either,
            (true, true) => Claim::NoName,
            (true, false) => Claim::NoData,
        };
        let proving = |set: &&RrSet| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
        let proofs = self.packet.authority.iter().filter(proving);
        let may_hold = |zone: &Owner| {
            name.ends_with(zone) && (rtype != Rtype::DS || zone != name || name.is_root())
        };
        let mut zones: Vec<Owner> = proofs.flat_map(signers).filter(may_hold).collect();
        zones.sort_by(|one, other| {
            let key = |zone: &Owner| std::cmp::Reverse(zone.label_count());
            key(one).cmp(&key(other))
        });
        zones.dedup();
        let (mut fault, mut halt) = (None, None);
        for signer in zones {
            let zone = match self.chain(&signer, true)? {
                Chain::End(end) if end.status == SecurityStatus::Insecure => {
                    return Err(Halt::End(Box::new(end.as_ref().clone())));
                }
                Chain::End(end) => {
                    halt.get_or_insert(end);
                    continue;
                }
                Chain::Zone(zone) if zone.apex != signer => continue,
                Chain::Zone(zone) => zone,
            };
            let sets = self.proofs(&zone)?;
            let denial = Denial::new(&sets, &zone, self.work);
            match denial.denies(name, rtype, claim) {
                Ok(()) => {
                    self.takes_part(&zone);
                    return Ok(());
                }
                Err(end) if end.is_bogus() => {
                    fault.get_or_insert(zone);
                }
                Err(end) => return Err(self.within(&zone, end)),
            }
        }
        if let Some(zone) = fault {
            return Err(self.unproven(&zone, name, rtype).into());
        }
        if let Some(end) = halt {
            return Err(Halt::End(Box::new(end.as_ref().clone())));
        }
        match self.holder(name, rtype)? {
            Chain::End(end) => {
                // The zone of the SOA record has to give the proof. A fault
                // further down the way to the name would tell the reader less.
                if end.is_bogus()
                    && let Some(zone) = self.of_soa(name)?
                {
                    return Err(self.unproven(&zone, name, rtype).into());
                }
                Err(Halt::End(Box::new(end.as_ref().clone())))
            }
            Chain::Zone(zone) => Err(self.unproven(&zone, name, rtype).into()),
        }
    }

    /// The zone above a name whose SOA record came with the denial.
    fn of_soa(&mut self, name: &Owner) -> Result<Option<Arc<Zone>>, Halt> {
        let soa = self.packet.authority.iter();
        let soa = soa.filter(|set| set.rtype == Rtype::SOA && name.ends_with(&set.owner));
        for set in soa {
            if let Chain::Zone(zone) = self.chain(&set.owner, true)?
                && zone.apex == set.owner
            {
                return Ok(Some(zone));
            }
        }
        Ok(None)
    }

    /// The status of a proof that is not secure: insecure only if everything
    /// that came with it is signed by its zone.
    pub(super) fn within(&mut self, zone: &Arc<Zone>, end: End) -> Halt {
        if end.status != SecurityStatus::Insecure {
            return Halt::End(end);
        }
        // Behind aliases there may be proofs of other zones.
        let alone = self.walk.steps.is_empty();
        if alone && let Some(fault) = self.orphan(zone) {
            return Halt::End(fault);
        }
        for (index, set) in self.packet.authority.iter().enumerate() {
            if set.rtype == Rtype::NS {
                continue;
            }
            if !set.owner.ends_with(&zone.apex) {
                if alone {
                    let what = set_name(&self.packet.name, self.packet.rtype);
                    return Halt::End(zone.fault(what, Fault::ForeignAnswer));
                }
                continue;
            }
            if let Err(fault) = self.check(Place::Authority(index), zone) {
                return Halt::End(zone.fault(set_name(&set.owner, set.rtype), fault));
            }
        }
        Halt::End(end)
    }

    /// Why a denial proves nothing: a set in it is not signed as required, or
    /// the answer belongs to another name.
    fn unproven(&mut self, zone: &Arc<Zone>, name: &Owner, rtype: Rtype) -> End {
        for (index, set) in self.packet.authority.iter().enumerate() {
            if !set.owner.ends_with(&zone.apex) || set.rtype == Rtype::NS {
                continue;
            }
            if let Err(fault) = self.check(Place::Authority(index), zone) {
                return zone.fault(set_name(&set.owner, set.rtype), fault);
            }
        }
        let reached = |set: &RrSet| {
            let mut steps = self.walk.steps.iter();
            let on_the_way = steps.any(|step| match set.rtype {
                Rtype::DNAME => step.owner.ends_with(&set.owner),
                _ => step.owner == set.owner,
            });
            on_the_way || set.owner == self.walk.end
        };
        let fault = match self.packet.answer.iter().all(reached) {
            false => Fault::ForeignAnswer,
            true => Fault::DenialProvesNothing,
        };
        zone.fault(set_name(name, rtype), fault)
    }

    /// unbound treats the signatures of a missing set as a separate set, which
    /// nobody signs (RFC 4035 section 2.2).
    fn orphan(&self, zone: &Zone) -> Option<End> {
        let (owner, rtype) = self.packet.orphan.as_ref()?;
        Some(zone.fault(set_name(owner, *rtype), Fault::SignatureWrong))
    }

    /// Checks that the zones whose data was used have signed what carries their
    /// signature, even if another part of the answer is insecure (unbound's
    /// `val_fill_reply`, `validate_msg_signatures`).
    pub(super) fn signed_in_authority(&mut self) -> Result<(), Halt> {
        for zone in self.zones.clone() {
            for (index, set) in self.packet.authority.iter().enumerate() {
                if set.rtype == Rtype::NS || !signers(set).contains(&zone.apex) {
                    continue;
                }
                if let Err(fault) = self.check(Place::Authority(index), &zone) {
                    let what = set_name(&set.owner, set.rtype);
                    return Err(Halt::End(zone.fault(what, fault)));
                }
            }
        }
        Ok(())
    }

    /// Checks that what comes with a secure answer in the authority section is
    /// signed too, by a zone whose data was used (unbound's
    /// `val_check_nonsecure`). NS records alone are only a hint, whatever is
    /// wrong with them (`detect_wrongly_truncated`), also in a denial
    /// (`scrub_normalize`).
    pub(super) fn authority(&mut self) -> Result<(), Halt> {
        if let Some(zone) = self.zones.first()
            && let Some(fault) = self.orphan(zone)
        {
            return Err(Halt::End(fault));
        }
        let is_hint = |set: &RrSet| set.rtype == Rtype::NS;
        let hints = self.packet.answer.is_empty() || self.packet.authority.iter().all(is_hint);
        for (index, set) in self.packet.authority.iter().enumerate() {
            if hints && is_hint(set) {
                continue;
            }
            let mut zones = self.zones.clone();
            zones.retain(|zone| set.owner.ends_with(&zone.apex));
            zones.sort_by_key(|zone| std::cmp::Reverse(zone.apex.label_count()));
            let mut fault = None;
            if zones.is_empty()
                && let Some(zone) = self.zones.first()
            {
                let what = set_name(&self.packet.name, self.packet.rtype);
                fault = Some(zone.fault(what, Fault::ForeignAnswer));
            }
            for zone in zones {
                match self.check(Place::Authority(index), &zone) {
                    Ok(_) => {
                        fault = None;
                        break;
                    }
                    Err(why) => {
                        let what = set_name(&set.owner, set.rtype);
                        fault.get_or_insert_with(|| zone.fault(what, why));
                    }
                }
            }
            if let Some(fault) = fault {
                return Err(Halt::End(fault));
            }
        }
        Ok(())
    }
}
