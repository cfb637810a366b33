//! Overrides in force: read from a Postfix table or from mailcow's list, each
//! judged by what was observed of its next hop, and written again as they
//! should be.
//!
//! | question | module |
//! | --- | --- |
//! | what stands in a table, and what continues what | `table` |
//! | what stands in mailcow's list | `rows` |
//! | which next hop ever comes to a line | `entry` |
//! | is it needed, enough, too weak | `judgement` |
//! | how is that told | `report`, `text` |

mod entry;
mod judgement;
mod report;
mod rows;
mod table;
mod text;

use std::collections::HashMap;

use crate::judge::{Horizon, Outcome};
use crate::next_hop::NextHop;
use crate::observation::Observation;
use crate::report::{ExitStatus, worst};
use crate::sender::Sender;

pub use entry::{Entry, Place};
pub use judgement::{Around, Judgement, Proposal, Word, judge_line};
pub use report::{OverrideReport, OverridesReport};
pub use rows::NoRows;

use rows::{RowChange, Rows};
use table::{Change, Table};

/// A file of overrides.
#[derive(Clone, Debug, PartialEq)]
pub enum Overrides {
    /// A Postfix table.
    Table(Table),
    /// mailcow's list.
    Rows(Rows),
}

/// Overrides with the word on each.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    overrides: Overrides,
    /// One for each override, in their order.
    pub judgements: Vec<Judgement>,
}

impl Overrides {
    /// Reads a file; what it is shows by itself. A table may begin with a
    /// bracket too, but no list of rows does with `[name`.
    pub fn read(text: &str) -> Result<Self, NoRows> {
        let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let in_brackets = start.strip_prefix('[').map(str::trim_start);
        let is_json = start.starts_with('{')
            || in_brackets.is_some_and(|rest| rest.starts_with(['{', ']']) || rest.is_empty());
        if is_json {
            Rows::read(start).map(Self::Rows)
        } else {
            Ok(Self::Table(Table::read(text)))
        }
    }

    /// The overrides in their order.
    pub fn entries(&self) -> Vec<&Entry> {
        match self {
            Self::Table(table) => table.entries.iter().map(|entry| &entry.entry).collect(),
            Self::Rows(rows) => rows.entries.iter().collect(),
        }
    }

    /// The next hops to look at, each once, with those that lines for parent
    /// domains are to be judged by.
    pub fn next_hops(&self, below: &[NextHop]) -> Vec<NextHop> {
        let mut found: Vec<NextHop> = Vec::new();
        let of_entries = self
            .entries()
            .into_iter()
            .filter_map(|entry| match &entry.place {
                Place::NextHop(next_hop) => Some(next_hop.clone()),
                Place::Nowhere { meant, .. } => meant.clone(),
                _ => None,
            });
        let of_parents = below.iter().filter(|next_hop| {
            self.line_for(next_hop).is_none() && self.parent_of(next_hop).is_some()
        });
        for next_hop in of_entries.chain(of_parents.cloned()) {
            if !found
                .iter()
                .any(|other| other.policy_key() == next_hop.policy_key())
            {
                found.push(next_hop);
            }
        }
        found
    }

    /// The line of this next hop's own.
    fn line_for(&self, next_hop: &NextHop) -> Option<&Entry> {
        let key = next_hop.policy_key();
        self.entries()
            .into_iter()
            .find(|entry| matches!(entry.place, Place::NextHop(_)) && entry.key == key)
    }

    /// The line for the closest parent domain.
    fn parent_of(&self, next_hop: &NextHop) -> Option<&Entry> {
        self.entries()
            .into_iter()
            .filter_map(|entry| Some((entry.covers(next_hop)?, entry)))
            .max_by_key(|(length, _)| *length)
            .map(|(_, entry)| entry)
    }

    /// The word on each, by what was observed of each next hop.
    pub fn examine(
        self,
        seen: &HashMap<String, Observation>,
        below: &[NextHop],
        sender: &Sender,
        horizon: Horizon,
    ) -> Examination {
        let examiner = Examiner {
            overrides: &self,
            seen,
            below,
            sender,
            horizon,
        };
        let judgements = self
            .entries()
            .into_iter()
            .map(|entry| examiner.judge(entry))
            .collect();
        Examination {
            overrides: self,
            judgements,
        }
    }
}

/// The JSON Schema of what `danecheck overrides --json` prints.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(OverridesReport).into()
}

struct Examiner<'a> {
    overrides: &'a Overrides,
    seen: &'a HashMap<String, Observation>,
    below: &'a [NextHop],
    sender: &'a Sender,
    horizon: Horizon,
}

impl Examiner<'_> {
    fn around<'e>(&'e self, entry: &Entry, parent: Option<&'e Entry>) -> Around<'e> {
        Around {
            sender: self.sender,
            horizon: self.horizon,
            parent: parent.map(|parent| (parent.key.as_str(), parent.value.as_str())),
            advised: entry.note.is_some(),
        }
    }

    fn judge(&self, entry: &Entry) -> Judgement {
        match &entry.place {
            Place::NextHop(next_hop) => self.exact(entry, next_hop),
            Place::Below(parent) => self.below(entry, parent),
            Place::Nowhere { why, meant } => self.nowhere(entry, why, meant.as_ref()),
            // "is unavailable. ... duplicate entry" (`dict_thash_open`), where
            // `postmap` takes the first and warns.
            Place::Shadowed { line } => Judgement::unseen(
                Word::Duplicate,
                format!(
                    "line {line} is for the same next hop. In a texthash: table this stops all \
                     mail, whatever it is for (4.7.5 client TLS configuration problem); in a \
                     hash: or lmdb: table the first line counts"
                ),
                Proposal::Remove,
            ),
            Place::Off => Judgement::unseen(Word::SwitchedOff, "it is not active", Proposal::Leave),
        }
    }

    fn not_seen(&self, entry: &Entry) -> Judgement {
        match judgement::fault(&entry.value, self.sender) {
            Some(why) => Judgement::unseen(Word::Malformed, why, Proposal::Leave),
            None => Judgement::unseen(
                Word::CouldNotTell,
                "its next hop was not looked at",
                Proposal::Leave,
            ),
        }
    }

    fn exact(&self, entry: &Entry, next_hop: &NextHop) -> Judgement {
        let Some(observation) = self.seen.get(&next_hop.policy_key()) else {
            return self.not_seen(entry);
        };
        let parent = self.overrides.parent_of(next_hop);
        judge_line(observation, Some(&entry.value), self.around(entry, parent))
    }

    /// What nobody asks for does no harm, unless mail waits for what was
    /// meant.
    fn nowhere(&self, entry: &Entry, why: &str, meant: Option<&NextHop>) -> Judgement {
        let unseen = || {
            let pattern = entry.key.starts_with('/') || entry.key.starts_with("!/");
            let (word, proposal) = if pattern {
                (Word::CouldNotTell, Proposal::Leave)
            } else {
                (Word::NeverUsed, Proposal::Remove)
            };
            Judgement::unseen(word, why, proposal)
        };
        let Some(meant) = meant else {
            return unseen();
        };
        // A line of its own counts, and is judged by itself.
        if self.overrides.line_for(meant).is_some() {
            return unseen();
        }
        let Some(observation) = self.seen.get(&meant.policy_key()) else {
            return unseen();
        };
        let parent = self.overrides.parent_of(meant);
        let judgement = judge_line(observation, None, self.around(entry, parent));
        Judgement {
            reason: format!("{why}; {}", judgement.reason),
            ..judgement
        }
    }

    /// A line for a parent domain is judged by the next hops that were named.
    fn below(&self, entry: &Entry, parent: &str) -> Judgement {
        if let Some(why) = judgement::fault(&entry.value, self.sender) {
            return Judgement::unseen(Word::Malformed, why, Proposal::Remove);
        }
        let concerned = self.below.iter().filter(|next_hop| {
            self.overrides.line_for(next_hop).is_none()
                && self
                    .overrides
                    .parent_of(next_hop)
                    .is_some_and(|closest| closest.line == entry.line)
        });
        let mut worst: Option<(NextHop, Judgement)> = None;
        for next_hop in concerned {
            let Some(observation) = self.seen.get(&next_hop.policy_key()) else {
                continue;
            };
            let judgement = judge_line(observation, Some(&entry.value), self.around(entry, None));
            let heavier = worst
                .as_ref()
                .is_none_or(|(_, other)| weight(judgement.word) > weight(other.word));
            if heavier {
                worst = Some((next_hop.clone(), judgement));
            }
        }
        let Some((next_hop, judgement)) = worst else {
            let beside_tlspol = match self.overrides {
                Overrides::Table(_) => "",
                Overrides::Rows(_) => ". It counts only where postfix-tlspol knows nothing",
            };
            return Judgement::unseen(
                Word::CouldNotTell,
                format!(
                    "it is for every name below {parent}, and danecheck cannot know to which of \
                     them mail goes: name them with --below, or write a line for \
                     each{beside_tlspol}"
                ),
                Proposal::Leave,
            );
        };
        // What one name needs may be wrong for another.
        let proposal = match judgement.word {
            Word::NoLongerNeeded => Proposal::Remove,
            _ => Proposal::Leave,
        };
        Judgement {
            reason: format!("{}: {}", next_hop.policy_key(), judgement.reason),
            proposal,
            ..judgement
        }
    }
}

/// Which of several words on one line counts.
fn weight(word: Word) -> u8 {
    match word {
        Word::NotEnough | Word::Malformed | Word::Duplicate => 5,
        Word::CouldNotTell => 4,
        Word::Needed => 3,
        Word::Deliberate => 2,
        Word::StricterWouldDo => 1,
        Word::NoLongerNeeded | Word::NeverUsed | Word::SwitchedOff => 0,
    }
}

impl Examination {
    /// Each override with the word on it.
    pub fn each(&self) -> impl Iterator<Item = (&Entry, &Judgement)> {
        self.overrides.entries().into_iter().zip(&self.judgements)
    }

    /// The file as it should be.
    pub fn written(&self) -> String {
        match &self.overrides {
            Overrides::Table(table) => {
                table.with(|number| match &self.judgements.get(number)?.proposal {
                    Proposal::Leave => None,
                    Proposal::Remove => Some(Change::Remove),
                    Proposal::Replace { key, policy, note } => {
                        let mut lines = note.as_ref().map_or_else(Vec::new, |note| note.lines());
                        lines.push(format!("{key}  {policy}"));
                        Some(Change::Replace(lines))
                    }
                })
            }
            Overrides::Rows(rows) => {
                rows.with(|number| match &self.judgements.get(number)?.proposal {
                    Proposal::Leave => None,
                    Proposal::Remove => Some(None),
                    Proposal::Replace { key, policy, .. } => {
                        let (policy, parameters) = policy_and_parameters(policy);
                        Some(Some(RowChange {
                            dest: key.clone(),
                            policy,
                            parameters,
                        }))
                    }
                })
            }
        }
    }

    /// What to make sure of before the file as it should be is put in force:
    /// whoever stands between here and a receiver can make its line ask for
    /// less.
    pub fn cautions(&self) -> Vec<String> {
        self.each()
            .filter_map(|(entry, judgement)| {
                let caution = judgement.caution.as_ref()?;
                Some(format!("line {}, {}: {caution}", entry.line, entry.key))
            })
            .collect()
    }

    /// Whether anything should change: 1 where mail flows all the same, 2
    /// where it waits, 3 where it could not be told.
    pub fn exit_status(&self) -> ExitStatus {
        self.judgements
            .iter()
            .map(status)
            .fold(ExitStatus::Fine, worst)
    }
}

/// The status of one override.
fn status(judgement: &Judgement) -> ExitStatus {
    let flows = judgement.with.as_ref().is_some_and(Outcome::delivers);
    match judgement.word {
        Word::Needed | Word::Deliberate | Word::SwitchedOff => ExitStatus::Fine,
        Word::NoLongerNeeded | Word::StricterWouldDo | Word::NeverUsed => ExitStatus::Warning,
        Word::Malformed if flows => ExitStatus::Warning,
        Word::NotEnough | Word::Malformed | Word::Duplicate => ExitStatus::Broken,
        Word::CouldNotTell => ExitStatus::Unknown,
    }
}

fn policy_and_parameters(text: &str) -> (String, String) {
    match text.split_once(' ') {
        Some((policy, parameters)) => (policy.to_owned(), parameters.trim().to_owned()),
        None => (text.to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests;
