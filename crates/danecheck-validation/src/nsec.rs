//! Proofs by NSEC records (RFC 4035 section 5.4, RFC 6840 section 4).

use domain::base::Rtype;
use domain::rdata::ZoneRecordData;
use domain::rdata::dnssec::RtypeBitmap;

use super::owner::Owner;
use super::packet::RrSet;

/// An NSEC record that its zone has signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nsec<'a> {
    owner: &'a Owner,
    next: &'a Owner,
    types: &'a RtypeBitmap<bytes::Bytes>,
}

impl<'a> Nsec<'a> {
    /// The only record of a set: a name has one (RFC 4034 section 4), and it
    /// does not lead out of its zone.
    pub(super) fn of(set: &'a RrSet, apex: &Owner) -> Option<Self> {
        let [record] = set.records.as_slice() else {
            return None;
        };
        let ZoneRecordData::Nsec(nsec) = record.data() else {
            return None;
        };
        nsec.next_name().ends_with(apex).then_some(Self {
            owner: &set.owner,
            next: nsec.next_name(),
            types: nsec.types(),
        })
    }

    fn has(&self, rtype: Rtype) -> bool {
        self.types.contains(rtype)
    }

    /// The parent's side of a zone cut (RFC 6840 section 4.1).
    fn is_delegation(&self) -> bool {
        self.has(Rtype::NS) && !self.has(Rtype::SOA)
    }

    /// Whether the name would sort between this record's and the next one.
    fn covers(&self, name: &Owner) -> bool {
        if name == self.owner {
            return false;
        }
        // RFC 6840 section 4.1, RFC 6672 section 5.3.4.1: below a delegation or
        // a DNAME it says nothing.
        if name.ends_with(self.owner) && (self.is_delegation() || self.has(Rtype::DNAME)) {
            return false;
        }
        let after = self.owner < name;
        if self.owner < self.next {
            after && name < self.next
        } else {
            // The last one of the zone leads to its apex.
            let below = name != self.next && name.ends_with(self.next);
            below && (after || self.owner == self.next)
        }
    }

    /// The longest ancestor of the name that certainly exists (RFC 4592 section
    /// 3.3.1).
    fn closest_encloser(&self, name: &Owner) -> Owner {
        let shared = |other: &Owner| name.iter_suffixes().find(|above| other.ends_with(above));
        let both = [shared(self.owner), shared(self.next)];
        let longest = both.into_iter().flatten();
        longest
            .max_by_key(Owner::label_count)
            .unwrap_or_else(Owner::root)
    }

    /// Whether the name exists and has no records, only names below it (RFC
    /// 4592 section 2.2.2).
    fn is_below(&self, name: &Owner) -> bool {
        self.next != name && self.next.ends_with(name) && self.owner < name
    }

    /// Whether this is the name's record, and shows neither type nor alias.
    fn lacks(&self, rtype: Rtype) -> bool {
        let wrong_side = match rtype {
            // RFC 4035 section 5.2: the child's record says nothing about its
            // DS.
            Rtype::DS => self.has(Rtype::SOA) && !self.owner.is_root(),
            _ => self.is_delegation(),
        };
        !self.has(rtype) && !self.has(Rtype::CNAME) && !wrong_side
    }
}

/// What the absence of a DS record says about a zone cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoDs {
    /// There is no zone cut.
    NoCut,
    /// An unsigned zone begins.
    Unsigned,
    /// The records say something else.
    Contradicted,
    /// They say nothing.
    Nothing,
}

/// Checks that the name exists without such records, by itself (RFC 4035
/// section 3.1.3.1) or by a wildcard (section 3.1.3.4).
pub(super) fn no_data(all: &[Nsec<'_>], name: &Owner, rtype: Rtype) -> bool {
    let here = all.iter().filter(|nsec| nsec.owner == name);
    if here.clone().next().is_some() {
        return here.clone().all(|nsec| nsec.lacks(rtype));
    }
    if all.iter().any(|nsec| nsec.is_below(name)) {
        return true;
    }
    let Some(encloser) = encloser(all, name) else {
        return false;
    };
    let Some(wildcard) = wildcard(&encloser) else {
        return false;
    };
    all.iter()
        .any(|nsec| nsec.owner == &wildcard && nsec.lacks(rtype) || nsec.is_below(&wildcard))
}

/// Checks that neither the name nor a wildcard for it exists (RFC 4035 section
/// 3.1.3.2).
pub(super) fn no_name(all: &[Nsec<'_>], name: &Owner) -> bool {
    let wildcard = encloser(all, name).and_then(|encloser| wildcard(&encloser));
    wildcard.is_some_and(|wildcard| all.iter().any(|nsec| nsec.covers(&wildcard)))
}

/// Checks that the name does not exist, so that the wildcard below `encloser`
/// answers for it (RFC 4035 section 3.1.3.3).
pub(super) fn is_expansion(all: &[Nsec<'_>], name: &Owner, encloser: &Owner) -> bool {
    let mut covering = all.iter().filter(|nsec| nsec.covers(name));
    covering.any(|nsec| nsec.closest_encloser(name) == *encloser)
}

/// The delegation without DS below which a name is (RFC 4035 section 5.2).
pub(super) fn unsigned_above<'a>(
    all: &[Nsec<'a>],
    name: &Owner,
    rtype: Rtype,
) -> Option<&'a Owner> {
    let is_it = |nsec: &&Nsec<'_>| {
        let below = name.ends_with(nsec.owner) && (rtype != Rtype::DS || name != nsec.owner);
        below && nsec.is_delegation() && !nsec.has(Rtype::DS)
    };
    all.iter().find(is_it).map(|nsec| nsec.owner)
}

/// Reads the answer that there is no DS record (RFC 4035 section 5.2).
pub(super) fn no_ds(all: &[Nsec<'_>], name: &Owner) -> NoDs {
    let judge = |nsec: &Nsec<'_>| {
        if nsec.has(Rtype::SOA) || nsec.has(Rtype::DS) {
            NoDs::Contradicted
        } else if nsec.has(Rtype::NS) {
            NoDs::Unsigned
        } else {
            NoDs::NoCut
        }
    };
    if let Some(nsec) = all.iter().find(|nsec| nsec.owner == name) {
        return judge(nsec);
    }
    if all.iter().any(|nsec| nsec.is_below(name)) || no_name(all, name) {
        return NoDs::NoCut;
    }
    let wildcard = encloser(all, name).and_then(|encloser| wildcard(&encloser));
    let of_wildcard = |nsec: &&Nsec<'_>| wildcard.as_ref() == Some(nsec.owner);
    match all.iter().find(of_wildcard) {
        Some(nsec) => judge(nsec),
        None => NoDs::Nothing,
    }
}

/// The closest encloser of a name that does not exist.
fn encloser(all: &[Nsec<'_>], name: &Owner) -> Option<Owner> {
    let covering = all.iter().filter(|nsec| nsec.covers(name));
    let enclosers = covering.map(|nsec| nsec.closest_encloser(name));
    enclosers.max_by_key(Owner::label_count)
}

/// `*.example.com.`
pub(super) fn wildcard(encloser: &Owner) -> Option<Owner> {
    let whole = [b"\x01*".as_slice(), encloser.as_slice()].concat();
    Owner::from_octets(whole.into()).ok()
}
