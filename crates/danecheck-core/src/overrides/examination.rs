//! A file of overrides, and the result for each.

use std::collections::{HashMap, HashSet};

use super::entry::{BYTE_ORDER_MARK, Entry, Place};
use super::examiner::{Accepted, Examiner};
use super::foreign::{self, Foreign};
use super::index::Index;
use super::rows::{NoRows, RowChange, Rows};
use super::status::{Judgement, OverrideStatus, Proposal};
use super::table::{Change, Table};
use crate::judge::{Horizon, Outcome};
use crate::next_hop::NextHop;
use crate::observation::Observation;
use crate::postfix::{LineHello, PolicyLine};
use crate::report::{ExitStatus, worst};
use crate::sender::Sender;

/// A file of overrides.
#[derive(Clone, Debug, PartialEq)]
pub enum Overrides {
    /// A Postfix table.
    Table(Table),
    /// mailcow's list.
    Rows(Rows),
}

/// Overrides with the result for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    pub(super) overrides: Overrides,
    /// One for each override, in their order.
    pub judgements: Vec<Judgement>,
}

/// Why a file holds no overrides. No word of it is repeated: some files hold
/// passwords.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoOverrides {
    /// There is nothing in it: most often the command before a pipe failed.
    #[error(
        "is empty: the command or the file that it comes from gave nothing. A table without \
         overrides has a comment at least, a list of mailcow's is []"
    )]
    Empty,
    /// It is something else.
    #[error("this is no policy table: it is {}. {}", .0.what, .0.way)]
    Other(Foreign),
    /// mailcow's API gave something else.
    #[error(transparent)]
    Rows(#[from] NoRows),
}

impl Overrides {
    /// Reads a file, and recognises its form. A table may begin with a bracket
    /// too, but a list of rows never begins with `[name`.
    pub fn read(bytes: impl AsRef<[u8]>) -> Result<Self, NoOverrides> {
        let bytes = bytes.as_ref();
        let content = bytes
            .strip_prefix(BYTE_ORDER_MARK.as_bytes())
            .unwrap_or(bytes)
            .trim_ascii();
        if content.is_empty() {
            return Err(NoOverrides::Empty);
        }
        let in_brackets = content.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
        let is_json = content.starts_with(b"{") && !is_template(content)
            || in_brackets.is_some_and(|rest| matches!(rest, [] | [b'{' | b']', ..]));
        if is_json {
            return Rows::read(bytes).map(Self::Rows).map_err(|fault| {
                match foreign::evidence(content) {
                    Some(foreign) => NoOverrides::Other(foreign),
                    None => NoOverrides::Rows(fault),
                }
            });
        }
        match foreign::recognise(bytes) {
            Some(foreign) => Err(NoOverrides::Other(foreign)),
            None => Ok(Self::Table(Table::read(bytes))),
        }
    }

    /// The overrides in their order.
    pub fn entries(&self) -> Vec<&Entry> {
        match self {
            Self::Table(table) => table.entries.iter().map(|entry| &entry.entry).collect(),
            Self::Rows(rows) => rows.entries.iter().collect(),
        }
    }

    /// The ClientHellos that the lines for these next hops ask for, by the key of
    /// the next hop.
    pub fn hellos(&self, next_hops: &[NextHop]) -> HashMap<String, Vec<LineHello>> {
        let entries = self.entries();
        let index = Index::of(&entries);
        let of_one = |next_hop: &NextHop| {
            let places = [index.line_for(next_hop), index.parent_of(next_hop)];
            let values = places
                .into_iter()
                .flatten()
                .filter_map(|at| entries.get(at));
            let lines = values.filter_map(|entry| PolicyLine::parse(&entry.value, None).ok());
            lines.map(|line| LineHello::of(&line)).collect()
        };
        let keyed = next_hops
            .iter()
            .map(|next_hop| (next_hop.policy_key(), of_one(next_hop)));
        keyed.collect()
    }

    /// The next hops to check, each once, with those by which lines for parent
    /// domains are judged.
    pub fn next_hops(&self, below: &[NextHop]) -> Vec<NextHop> {
        let entries = self.entries();
        let index = Index::of(&entries);
        let of_entries = entries.into_iter().filter_map(|entry| match &entry.place {
            Place::NextHop(next_hop) => Some(next_hop.clone()),
            Place::Nowhere { meant, .. } => meant.clone(),
            _ => None,
        });
        let of_parents = below.iter().filter(|next_hop| {
            index.line_for(next_hop).is_none() && index.parent_of(next_hop).is_some()
        });
        let mut keys = HashSet::new();
        of_entries
            .chain(of_parents.cloned())
            .filter(|next_hop| keys.insert(next_hop.policy_key()))
            .collect()
    }

    /// The result for each, from the observation of its next hop; `accepted`
    /// are those that may ask for less than before.
    pub fn examine(
        self,
        seen: &HashMap<String, Observation>,
        below: &[NextHop],
        sender: &Sender,
        horizon: Horizon,
        accepted: &Accepted,
    ) -> Examination {
        let examiner = Examiner {
            seen,
            below,
            sender,
            horizon,
            accepted,
            of_parents: match &self {
                Self::Table(_) => "",
                Self::Rows(_) => ". It applies only if postfix-tlspol has no policy",
            },
        };
        let judgements = examiner.judge(&self.entries());
        Examination {
            overrides: self,
            judgements,
        }
    }
}

/// `{{ name }}`, `{% if %}`, `{#`, or a list of `inline:`.
fn is_template(content: &[u8]) -> bool {
    let rest = content.strip_prefix(b"{").unwrap_or(content);
    matches!(rest, [b'{' | b'%' | b'#', ..]) || rest.trim_ascii_start().starts_with(b"{")
}

impl Examination {
    /// Each override with its result.
    pub fn each(&self) -> impl Iterator<Item = (&Entry, &Judgement)> {
        self.overrides.entries().into_iter().zip(&self.judgements)
    }

    /// The file as it should be; a line that would ask for less than before
    /// stays unchanged, unless that was accepted. What does not change keeps its
    /// bytes.
    pub fn written(&self) -> Vec<u8> {
        match &self.overrides {
            Overrides::Table(table) => {
                table.with(|number| change(self.judgements.get(number)?.change()))
            }
            Overrides::Rows(rows) => {
                rows.with(|number| match self.judgements.get(number)?.change() {
                    Proposal::Leave => None,
                    Proposal::Remove => Some(None),
                    Proposal::Replace { entry, .. } => Some(Some(RowChange {
                        dest: entry.next_hop.clone(),
                        policy: entry.line.level.to_string(),
                        parameters: entry.line.attributes(),
                    })),
                })
            }
        }
    }

    /// What to check before the written file is activated: an attacker between
    /// here and a receiver can make its line ask for less.
    pub fn cautions(&self) -> Vec<String> {
        self.each()
            .filter_map(|(entry, judgement)| {
                let caution = judgement.caution.as_ref()?;
                Some(format!("line {}, {}: {caution}", entry.line, entry.key))
            })
            .collect()
    }

    /// Whether anything should change: 1 if mail flows, 2 if it waits, 3 if
    /// that is unknown.
    pub fn exit_status(&self) -> ExitStatus {
        self.judgements
            .iter()
            .map(status)
            .fold(ExitStatus::Fine, worst)
    }
}

/// What happens to the lines of an override.
pub(super) fn change(proposal: &Proposal) -> Option<Change> {
    match proposal {
        Proposal::Leave => None,
        Proposal::Remove => Some(Change::Remove),
        Proposal::Replace { entry, note } => {
            let mut lines = note.as_ref().map_or_else(Vec::new, |note| note.lines());
            lines.push(entry.to_string());
            Some(Change::Replace(lines))
        }
    }
}

/// The status of one override.
pub(super) fn status(judgement: &Judgement) -> ExitStatus {
    let flows = judgement.with.as_ref().is_some_and(Outcome::delivers);
    match judgement.word {
        OverrideStatus::Needed | OverrideStatus::Deliberate | OverrideStatus::SwitchedOff => {
            ExitStatus::Fine
        }
        OverrideStatus::NoLongerNeeded
        | OverrideStatus::StricterWouldDo
        | OverrideStatus::NeverUsed => ExitStatus::Warning,
        OverrideStatus::Malformed if flows => ExitStatus::Warning,
        OverrideStatus::NotEnough | OverrideStatus::Malformed | OverrideStatus::Duplicate => {
            ExitStatus::Broken
        }
        OverrideStatus::CouldNotTell => ExitStatus::Unknown,
    }
}
