//! The judgement of one reply.

mod authority;

use std::collections::HashMap;
use std::sync::Arc;

use domain::base::Rtype;

use super::chain::Chain;
use super::denial::Denial;
use super::owner::{Owner, set_name};
use super::packet::{Packet, RrSet};
use super::signature::{Signed, signers};
use super::walk::{Alias, AliasKind, Step, Walk, dnames_above, walk_of_server};
use super::work::Work;
use super::zone::{End, Zone, soonest};
use danecheck_core::dnssec::{Fault, OwnValidation, SecurityStatus};
use danecheck_core::unix_time::UnixTime;

/// A name down to which the chain of trust has to be known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Need {
    /// The name.
    pub name: Owner,
    /// A signature says that a zone begins there.
    pub is_signer: bool,
}

/// The state of a judgement.
#[derive(Debug)]
pub enum Progress {
    /// It is done.
    Done(Box<OwnValidation>),
    /// It continues once these are known.
    Needs(Vec<Need>),
}

/// A set of the reply: in which section, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Answer(usize),
    Authority(usize),
}

type Checked = HashMap<(Place, Owner), Result<Signed, Fault>>;

/// The judgement of one reply, as far as it is done.
#[derive(Debug)]
pub struct Judgement {
    packet: Packet,
    checked: Checked,
}

/// Why a part is not secure, or not yet judged.
enum Halt {
    Missing,
    End(End),
}

impl From<End> for Halt {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl Judgement {
    /// Begins.
    pub fn new(packet: Packet) -> Self {
        Self {
            packet,
            checked: Checked::new(),
        }
    }

    /// How much there is to check, in signatures.
    pub fn size(&self) -> usize {
        self.packet.sets().map(|set| set.signatures.len()).sum()
    }

    /// Goes on with the chains of trust that are known.
    pub fn proceed(
        &mut self,
        chains: &HashMap<Owner, Chain>,
        now: UnixTime,
        work: Work<'_>,
    ) -> Progress {
        let packet = &self.packet;
        let mut look = Look {
            packet,
            aliases: packet.aliases(),
            walk: walk_of_server(&packet.name, packet.rtype, &packet.aliases()),
            chains,
            now,
            work,
            checked: &mut self.checked,
            needs: Vec::new(),
            zones: Vec::new(),
        };
        let whole = look.whole();
        let mut needs = look.needs;
        match whole {
            Ok(own) => Progress::Done(Box::new(own)),
            Err(Halt::End(end)) => Progress::Done(end),
            Err(Halt::Missing) => {
                needs.sort_by(|one, other| {
                    (&one.name, one.is_signer).cmp(&(&other.name, other.is_signer))
                });
                needs.dedup();
                Progress::Needs(needs)
            }
        }
    }
}

/// A reply and all that is known about it.
struct Look<'a> {
    packet: &'a Packet,
    aliases: Vec<Alias>,
    walk: Walk,
    chains: &'a HashMap<Owner, Chain>,
    now: UnixTime,
    work: Work<'a>,
    checked: &'a mut Checked,
    needs: Vec<Need>,
    /// The zones whose data was used.
    zones: Vec<Arc<Zone>>,
}

impl<'a> Look<'a> {
    /// The status of a whole is the worst of its parts.
    fn whole(&mut self) -> Result<OwnValidation, Halt> {
        let asked = self.packet.rtype;
        // RFC 4035 section 2.2: signatures are not signed; and what asks for
        // several types gets any of them.
        if matches!(asked, Rtype::RRSIG | Rtype::ANY) {
            return Ok(OwnValidation::indeterminate(format!(
                "no signature covers an answer to {asked}"
            )));
        }
        let mut worst: Option<End> = None;
        let mut is_missing = false;
        let steps = self.walk.steps.clone();
        for part in 0..=steps.len() {
            let result = match steps.get(part) {
                Some(step) => self.step(step),
                None => self.end(),
            };
            match result {
                Ok(()) => {}
                Err(Halt::Missing) => is_missing = true,
                Err(Halt::End(end)) => {
                    if worst.as_ref().is_none_or(|worst| rank(&end) > rank(worst)) {
                        worst = Some(end);
                    }
                    // Nothing is worse.
                    if worst.as_ref().is_some_and(|it| it.is_bogus()) && !is_missing {
                        break;
                    }
                }
            }
        }
        if is_missing {
            return Err(Halt::Missing);
        }
        if let Some(worst) = worst {
            // In an unsigned zone unbound ignores such signatures over an
            // answer.
            let by_proof = matches!(
                worst.weak_link.as_ref().map(|link| &link.fault),
                Some(Fault::OptOut | Fault::Nsec3IterationsPastLimit { .. })
            );
            let insecure = worst.status == SecurityStatus::Insecure;
            if insecure {
                self.signed_in_authority()?;
            }
            return match self.by_stranger(by_proof).filter(|_| insecure) {
                Some(own) => Ok(own),
                None => Err(Halt::End(worst)),
            };
        }
        self.authority()?;
        Ok(self.by_stranger(true).unwrap_or_else(|| self.secure()))
    }

    /// The status if a set has a signature of a zone that cannot hold it:
    /// unbound uses the signature that comes first (`val_find_signer`), so its
    /// verdict depends on their order.
    fn by_stranger(&self, in_answer: bool) -> Option<OwnValidation> {
        let steps = &self.walk.steps;
        let is_on_the_way = |set: &&RrSet| {
            let mut steps = steps.iter();
            in_answer
                && (set.owner == self.walk.end
                    || steps.any(|step| step.owner.ends_with(&set.owner)))
        };
        let answer = self.packet.answer.iter().filter(is_on_the_way);
        let set = answer
            .chain(&self.packet.authority)
            .find(|set| set.by_stranger)?;
        Some(OwnValidation::indeterminate(format!(
            "{} has a signature of a zone that cannot hold it; validators that use the first \
             signature reject it, others do not",
            set_name(&set.owner, set.rtype)
        )))
    }

    fn secure(&self) -> OwnValidation {
        let word = |zone: &Owner| self.zones.iter().any(|it| it.apex == *zone);
        let signed = self.checked.iter().filter_map(|((_, zone), signed)| {
            let signed = signed.as_ref().ok();
            signed.filter(|_| word(zone))
        });
        let of_zones = self.zones.iter().filter_map(|zone| zone.span.as_ref());
        let spans = signed.clone().map(|it| &it.span).chain(of_zones);
        let first = spans.min_by_key(|it| (it.expiration, &it.record_set, it.inception));
        let forgiven = self.zones.iter().map(|zone| zone.forgiven.clone());
        let forgiven = signed.map(|it| it.forgiven.clone()).chain(forgiven);
        OwnValidation {
            first_to_end: first.cloned().map(Box::new),
            forgiven: forgiven.fold(None, soonest).map(Box::new),
            ..OwnValidation::plain(SecurityStatus::Secure)
        }
    }

    fn set(&self, place: Place) -> Option<&'a RrSet> {
        match place {
            Place::Answer(index) => self.packet.answer.get(index),
            Place::Authority(index) => self.packet.authority.get(index),
        }
    }

    fn answer_at(&self, name: &Owner, rtype: Rtype) -> Option<Place> {
        let is_it = |set: &RrSet| set.rtype == rtype && set.owner == *name;
        self.packet.answer.iter().position(is_it).map(Place::Answer)
    }

    fn chain(&mut self, name: &Owner, is_signer: bool) -> Result<Chain, Halt> {
        match self.chains.get(name) {
            Some(chain) => Ok(chain.clone()),
            None => {
                self.needs.push(Need {
                    name: name.clone(),
                    is_signer,
                });
                Err(Halt::Missing)
            }
        }
    }

    /// Checks a set with the keys of a zone, once.
    fn check(&mut self, place: Place, zone: &Zone) -> Result<Signed, Fault> {
        let Some(set) = self.set(place) else {
            return Err(Fault::SignatureMissing);
        };
        let key = (place, zone.apex.clone());
        if let Some(known) = self.checked.get(&key) {
            return known.clone();
        }
        let result = zone.check(set, self.now, self.work);
        self.checked.insert(key, result.clone());
        result
    }

    /// Checks that a zone which may hold the set has signed it; else the status
    /// of the set.
    fn signed(&mut self, place: Place) -> Result<(Arc<Zone>, Signed), Halt> {
        let Some(set) = self.set(place) else {
            return Err(Halt::Missing);
        };
        let what = || set_name(&set.owner, set.rtype);
        let (mut fault, mut halt, mut is_missing) = (None, None, false);
        let of_set = signers(set);
        if of_set.is_empty() {
            self.signed_beside(set)?;
        }
        for signer in of_set {
            match self.chain(&signer, true) {
                Err(Halt::Missing) => is_missing = true,
                Err(Halt::End(end)) => return Err(Halt::End(end)),
                // What is below an unsigned delegation is unsigned to
                // everybody, even if others sign it.
                Ok(Chain::End(end)) if end.status == SecurityStatus::Insecure && !is_missing => {
                    return Err(Halt::End(Box::new(end.as_ref().clone())));
                }
                Ok(Chain::End(end)) => {
                    halt.get_or_insert(end);
                }
                // No zone begins there.
                Ok(Chain::Zone(zone)) if zone.apex != signer => {}
                Ok(Chain::Zone(zone)) if is_missing => drop(zone),
                Ok(Chain::Zone(zone)) => match self.check(place, &zone) {
                    Ok(signed) => {
                        self.takes_part(&zone);
                        return Ok((zone, signed));
                    }
                    // The deepest zone that signs holds the set: the signatures
                    // of zones above it do not count.
                    Err(why) => {
                        fault = Some(zone.fault(what(), why));
                        break;
                    }
                },
            }
        }
        if is_missing {
            return Err(Halt::Missing);
        }
        if let Some(fault) = fault {
            return Err(Halt::End(fault));
        }
        if let Some(end) = halt {
            return Err(Halt::End(Box::new(end.as_ref().clone())));
        }
        match self.holder(&set.owner, set.rtype)? {
            Chain::End(end) => Err(Halt::End(Box::new(end.as_ref().clone()))),
            Chain::Zone(zone) => Err(zone.fault(what(), Fault::SignatureMissing).into()),
        }
    }

    /// Checks that no zone has signed another set of this name in the answer: a
    /// zone that has must have signed this one too.
    fn signed_beside(&mut self, set: &RrSet) -> Result<(), Halt> {
        let beside = self.packet.answer.iter();
        let beside = beside.filter(|other| other.owner == set.owner);
        for signer in beside.flat_map(signers) {
            if let Chain::Zone(zone) = self.chain(&signer, true)?
                && zone.apex == signer
            {
                let what = set_name(&set.owner, set.rtype);
                return Err(zone.fault(what, Fault::SignatureMissing).into());
            }
        }
        Ok(())
    }

    /// The zone that holds a record set: for a DS set the one above (RFC 4035
    /// section 2.4).
    fn holder(&mut self, name: &Owner, rtype: Rtype) -> Result<Chain, Halt> {
        let above = match rtype {
            Rtype::DS => name.iter_suffixes().nth(1),
            _ => None,
        };
        self.chain(&above.unwrap_or_else(|| name.clone()), false)
    }

    fn takes_part(&mut self, zone: &Arc<Zone>) {
        if !self.zones.iter().any(|it| it.apex == zone.apex) {
            self.zones.push(zone.clone());
        }
    }

    /// Checks that a set is signed by its zone, from a wildcard or not.
    fn positive(&mut self, place: Place) -> Result<(), Halt> {
        let (zone, signed) = self.signed(place)?;
        let (Some(encloser), Some(set)) = (signed.wildcard, self.set(place)) else {
            return Ok(());
        };
        let sets = self.proofs(&zone)?;
        let denial = Denial::new(&sets, &zone, self.work);
        let expands = denial.expands(&set.owner, set.rtype, &encloser);
        match expands {
            Ok(()) => Ok(()),
            Err(end) => Err(self.within(&zone, end)),
        }
    }

    /// An alias: a CNAME by its own signature, or what a DNAME makes.
    fn step(&mut self, step: &Step) -> Result<(), Halt> {
        // unbound makes no CNAME if it finds one after the DNAME, in any
        // section (`scrub_normalize`).
        if !step.is_cname && self.packet.aliased_elsewhere.contains(&step.owner) {
            let set = set_name(&step.owner, Rtype::CNAME);
            let own = format!("{set} is in a different section from its DNAME");
            return Err(Halt::End(Box::new(OwnValidation::indeterminate(own))));
        }
        let cname = self.answer_at(&step.owner, Rtype::CNAME);
        self.alias(&step.owner, &step.target, cname.filter(|_| step.is_cname))
    }

    fn alias(&mut self, owner: &Owner, target: &Owner, cname: Option<Place>) -> Result<(), Halt> {
        let aliases = self.aliases.clone();
        let (makers, others) = dnames_above(&aliases, owner, target);
        let mut halt = None;
        // Two aliases of one name contradict each other (RFC 2181 section 10.1).
        let is_one = |place| self.set(place).is_none_or(|set| set.canonical().len() < 2);
        let is_one = cname.is_none_or(is_one);
        for dname in makers {
            match self.dname(dname) {
                Ok(()) if is_one => return Ok(()),
                Ok(()) => {}
                Err(Halt::Missing) => return Err(Halt::Missing),
                Err(Halt::End(end)) => halt = halt.or(Some(end)),
            }
        }
        let set = cname.and_then(|place| self.set(place));
        let is_signed = set.is_some_and(|set| !set.signatures.is_empty());
        if let Some(end) = halt
            && !is_signed
        {
            return Err(Halt::End(end));
        }
        let Some(place) = cname else {
            return Err(Halt::Missing);
        };
        let of_cname = self.positive(place);
        if is_signed || !matches!(of_cname, Err(Halt::End(_))) {
            return of_cname;
        }
        // RFC 6672 section 5.3.1: without a signature it has to be the very
        // alias that the DNAME makes.
        for dname in others {
            match self.dname(dname) {
                Ok(()) => {
                    let what = set_name(owner, Rtype::CNAME);
                    let fault = Fault::AliasNotOfDname {
                        dname: dname.fmt_with_dot().to_string(),
                    };
                    let zone = self.zones.iter().filter(|zone| dname.ends_with(&zone.apex));
                    let zone = zone.max_by_key(|zone| zone.apex.label_count());
                    return match zone {
                        Some(zone) => Err(zone.fault(what, fault).into()),
                        None => of_cname,
                    };
                }
                Err(Halt::Missing) => return Err(Halt::Missing),
                Err(Halt::End(_)) => {}
            }
        }
        of_cname
    }

    /// Checks that a DNAME is signed by its zone; no wildcard makes one (RFC
    /// 4592 section 4.4).
    fn dname(&mut self, owner: &Owner) -> Result<(), Halt> {
        let Some(place) = self.answer_at(owner, Rtype::DNAME) else {
            return Err(Halt::Missing);
        };
        // RFC 6672 section 2.4. unbound gives no answer if it comes twice.
        if self.set(place).is_some_and(|set| set.records.len() > 1) {
            let set = set_name(owner, Rtype::DNAME);
            let own = OwnValidation::indeterminate(format!("{set} is repeated"));
            return Err(Halt::End(Box::new(own)));
        }
        let (zone, signed) = self.signed(place)?;
        match signed.wildcard {
            None => Ok(()),
            Some(_) => {
                let what = set_name(owner, Rtype::DNAME);
                Err(zone.fault(what, Fault::SignatureWrong).into())
            }
        }
    }

    /// The status of what is at the end of the aliases.
    fn end(&mut self) -> Result<(), Halt> {
        if self.walk.is_endless {
            return Ok(());
        }
        let (end, asked) = (self.walk.end.clone(), self.packet.rtype);
        let Some(place) = self.answer_at(&end, asked) else {
            return match self.is_alias_only() {
                true => Ok(()),
                false => self.denied(&end, asked),
            };
        };
        match (asked, self.set(place)) {
            (Rtype::CNAME, Some(set)) => {
                let here =
                    |alias: &&Alias| alias.kind == AliasKind::Cname && alias.owner == set.owner;
                let targets = self.aliases.iter().filter(here).map(|it| &it.target);
                let target = targets.min().cloned();
                self.alias(&end, &target.unwrap_or_else(Owner::root), Some(place))?;
            }
            _ => self.positive(place)?,
        }
        // The response code is not signed. A reply that says that the name does
        // not exist but shows a true record of it was changed on the way.
        if self.packet.name_error {
            let zone = self.zones.iter().filter(|zone| end.ends_with(&zone.apex));
            let zone = zone.max_by_key(|zone| zone.apex.label_count());
            if let Some(zone) = zone {
                let what = set_name(&end, asked);
                return Err(zone.fault(what, Fault::ResponseCodeContradicts).into());
            }
        }
        Ok(())
    }

    /// Whether there are aliases and nothing at their end, not even a denial:
    /// the name at the end is asked next.
    fn is_alias_only(&self) -> bool {
        let denies = |set: &RrSet| matches!(set.rtype, Rtype::SOA | Rtype::NSEC | Rtype::NSEC3);
        !self.walk.steps.is_empty()
            && !self.packet.name_error
            && !self.packet.authority.iter().any(denies)
    }
}

fn rank(own: &OwnValidation) -> u8 {
    match own.status {
        SecurityStatus::Secure => 0,
        SecurityStatus::Insecure => 1,
        SecurityStatus::Indeterminate => 2,
        SecurityStatus::Bogus => 3,
    }
}
