//! The way from the question to what answers it: each alias starts where the
//! last one ended (RFC 1034 section 4.3.2). What is not on this way is not part
//! of the answer.

use std::collections::HashSet;

use bytes::Bytes;
use domain::base::{Name, Rtype};

use super::owner::Owner;

/// Aliases followed in one reply. A resolver counts only aliases to other zones
/// (unbound's `max-query-restarts`), and the size of the message limits the
/// rest.
const ALIASES: usize = 100;

/// Which record an alias is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasKind {
    /// For exactly its name.
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
    /// The name to which a DNAME maps a name below it (RFC 6672 section 2.2);
    /// `None` if that name would be too long, or is not below it.
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
    /// The step is a CNAME of its own, not only one that a DNAME makes.
    pub(crate) is_cname: bool,
}

/// The way and its end.
#[derive(Clone, Debug)]
pub struct Walk {
    pub steps: Vec<Step>,
    pub end: Owner,
    /// The aliases lead back, or are too many.
    pub is_endless: bool,
}

/// Walks from the name that was asked. The order of the aliases in the message
/// makes no difference.
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

/// The way on which a server answers. If a DNAME maps the name, a server follows
/// it for a query for CNAME records too (RFC 6672 section 3.2, step 3.3.1), and
/// what it adds belongs to the name at the end: its CNAME, or the proof that
/// there is none. The CNAME that the DNAME makes has to be there, because that is
/// the answer.
pub(super) fn walk_of_server(name: &Owner, asked: Rtype, aliases: &[Alias]) -> Walk {
    let mut answered = walk(name, asked, aliases);
    if asked != Rtype::CNAME {
        return answered;
    }
    let mut seen = HashSet::from([name.clone()]);
    let is_cname = |alias: &Alias| alias.kind == AliasKind::Cname && alias.owner == *name;
    if !aliases.iter().any(is_cname) {
        return answered;
    }
    let is_mapped = |at: &Owner| aliases.iter().any(|it| it.synthesized(at).is_some());
    while is_mapped(&answered.end)
        && let Some(step) = any_step(&answered.end, aliases)
    {
        let target = step.target.clone();
        answered.steps.push(step);
        if answered.steps.len() >= ALIASES || !seen.insert(target.clone()) {
            answered.is_endless = true;
            break;
        }
        answered.end = target;
    }
    answered
}

fn step(at: &Owner, asked: Rtype, aliases: &[Alias]) -> Option<Step> {
    // RFC 1034 section 3.6.2: a query for the alias itself gets it.
    match asked {
        Rtype::CNAME => None,
        _ => any_step(at, aliases),
    }
}

fn any_step(at: &Owner, aliases: &[Alias]) -> Option<Step> {
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

/// The DNAMEs above a name: first those that give this alias, the nearest
/// first.
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
