//! The way from the question to what answers it: each alias starts where the
//! last one ended (RFC 1034 section 4.3.2), and what is not on the way is no
//! answer.

use std::collections::HashSet;

use bytes::Bytes;
use domain::base::{Name, Rtype};

use super::packet::Owner;

/// Aliases followed in one reply. A resolver starts anew at other zones' names
/// alone (unbound's `max-query-restarts`), and the message bounds the rest.
const ALIASES: usize = 100;

/// Which record an alias is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasKind {
    /// For its very name.
    Cname,
    /// For all names below its own (RFC 6672 section 2.2).
    Dname,
}

/// An alias in an answer section.
#[derive(Clone, Debug)]
pub struct Alias {
    /// CNAME or DNAME.
    pub kind: AliasKind,
    /// Where it stands.
    pub owner: Owner,
    /// Where it leads.
    pub target: Owner,
}

impl Alias {
    /// Where a DNAME sends a name below it (RFC 6672 section 2.2); nothing
    /// where that name would be too long, or is not below it.
    fn synthesized(&self, name: &Owner) -> Option<Owner> {
        if self.kind != AliasKind::Dname || name == &self.owner || !name.ends_with(&self.owner) {
            return None;
        }
        let kept = name.as_slice().len().checked_sub(self.owner.len())?;
        let labels = name.as_slice().get(..kept)?;
        let whole = [labels, self.target.as_slice()].concat();
        Name::from_octets(Bytes::from(whole)).ok()
    }
}

/// One step of the way.
#[derive(Clone, Debug)]
pub struct Step {
    pub owner: Owner,
    pub target: Owner,
    /// The step is a CNAME, and not only what a DNAME makes.
    pub(crate) is_cname: bool,
}

/// The way, and where it ends.
#[derive(Clone, Debug)]
pub struct Walk {
    pub steps: Vec<Step>,
    pub end: Owner,
    /// The aliases lead back, or are too many.
    pub is_endless: bool,
}

/// Walks from the name that was asked. In whatever order the aliases are, the
/// way is the same.
pub fn walk(name: &Owner, asked: Rtype, aliases: &[Alias]) -> Walk {
    let mut walk = Walk {
        steps: Vec::new(),
        end: name.clone(),
        is_endless: false,
    };
    let mut seen = HashSet::from([name.clone()]);
    while let Some(step) = step(&walk.end, asked, aliases) {
        let target = step.target.clone();
        walk.steps.push(step);
        if walk.steps.len() >= ALIASES || !seen.insert(target.clone()) {
            walk.is_endless = true;
            break;
        }
        walk.end = target;
    }
    walk
}

fn step(at: &Owner, asked: Rtype, aliases: &[Alias]) -> Option<Step> {
    // RFC 1034 section 3.6.2: a query for the alias itself gets it.
    if asked == Rtype::CNAME {
        return None;
    }
    let is_here = |alias: &&Alias| alias.kind == AliasKind::Cname && alias.owner == *at;
    let cname = aliases.iter().filter(is_here).map(|it| &it.target).min();
    let target = match cname {
        Some(target) => target.clone(),
        None => {
            aliases
                .iter()
                .filter_map(|alias| Some((alias.owner.label_count(), alias.synthesized(at)?)))
                .max()?
                .1
        }
    };
    Some(Step {
        owner: at.clone(),
        target,
        is_cname: cname.is_some(),
    })
}

/// The DNAMEs above a name; first those that make this alias of it, the
/// nearest first.
pub(super) fn dnames_above<'a>(
    aliases: &'a [Alias],
    name: &Owner,
    target: &Owner,
) -> (Vec<&'a Owner>, Vec<&'a Owner>) {
    let mut above: Vec<(&Owner, bool)> = aliases
        .iter()
        .filter(|alias| alias.kind == AliasKind::Dname && name != &alias.owner)
        .filter(|alias| name.ends_with(&alias.owner))
        .map(|alias| {
            (
                &alias.owner,
                alias.synthesized(name).as_ref() == Some(target),
            )
        })
        .collect();
    above.sort_by_key(|(owner, _)| std::cmp::Reverse(owner.label_count()));
    above.dedup();
    let (makers, others): (Vec<_>, Vec<_>) = above.into_iter().partition(|(_, makes)| *makes);
    let owners = |all: Vec<(&'a Owner, bool)>| all.into_iter().map(|(owner, _)| owner).collect();
    (owners(makers), owners(others))
}
