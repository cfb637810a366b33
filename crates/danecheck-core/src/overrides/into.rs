//! Overrides set in a table: what stands there for the same next hop is
//! replaced by the rule of `overrides`, and never doubled.

use std::collections::{HashMap, HashSet};

use crate::diagnosis::{Diagnosis, Question};
use crate::judge::{Action, Horizon, Verdict};
use crate::observation::Observation;
use crate::report::ExitStatus;
use crate::sender::Sender;
use crate::text::printable;

use super::entry::Place;
use super::examination::{Overrides, change, status};
use super::examiner::Accepted;
use super::index::Index;
use super::status::{Judgement, Proposal};
use super::table::Table;

/// A table with the overrides in it that its next hops need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithOverrides {
    /// The whole table. What does not change keeps its bytes.
    pub bytes: Vec<u8>,
    /// What became of each next hop, in the order of their names.
    pub next_hops: Vec<SetNextHop>,
}

/// What became of one next hop in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetNextHop {
    /// Its key in the table.
    pub key: String,
    /// What became of its line.
    pub became: Became,
    /// What to check before the table is activated.
    pub caution: Option<String>,
    /// Whether mail flows with the table as it is now.
    pub status: ExitStatus,
}

/// What became of the line for a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// There was none, and there is one now.
    Added,
    /// It is another one, or there is one less.
    Changed,
    /// It is as it was.
    Left,
    /// It stays as long as nobody accepts that it asks for less.
    Kept,
    /// It needs none.
    NotNeeded,
    /// No line helps.
    NoLineHelps,
}

impl Overrides {
    /// A table without a line.
    pub fn empty() -> Self {
        Self::Table(Table::read(b""))
    }

    /// The keys of the next hops that have a line.
    pub fn keys(&self) -> HashSet<String> {
        let entries = self.entries().into_iter();
        entries.map(|entry| entry.key.clone()).collect()
    }

    /// The table with the overrides that these next hops need, each by its
    /// key. `None` for mailcow's list, which its API changes row by row.
    pub fn set(
        self,
        seen: &HashMap<String, Observation>,
        sender: &Sender,
        accepted: &Accepted,
    ) -> Option<WithOverrides> {
        let horizon = Horizon::default();
        let examination = self.examine(seen, &[], sender, horizon, accepted);
        let Overrides::Table(table) = &examination.overrides else {
            return None;
        };
        let entries = examination.overrides.entries();
        let index = Index::of(&entries);
        // Other lines stay, whatever is wrong with them.
        let concerned = |number: usize| -> Option<&Judgement> {
            let entry = entries.get(number)?;
            let is_for = matches!(entry.place, Place::NextHop(_) | Place::Shadowed { .. });
            let judgement = examination.judgements.get(number)?;
            (is_for && seen.contains_key(&entry.key)).then_some(judgement)
        };
        let mut of_key: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, entry) in entries.iter().enumerate() {
            of_key.entry(&entry.key).or_default().push(number);
        }
        let mut next_hops = Vec::new();
        let mut added = Vec::new();
        let mut keys: Vec<&String> = seen.keys().collect();
        keys.sort();
        for key in keys {
            let Some(observation) = seen.get(key) else {
                continue;
            };
            let one = if index.line_for(&observation.next_hop).is_some() {
                let numbers = of_key.get(key.as_str()).into_iter().flatten();
                standing(key, numbers.filter_map(|number| concerned(*number)))
            } else {
                missing(key, observation, sender, horizon, &mut added)
            };
            next_hops.push(one);
        }
        let changed = table.with(|number| change(concerned(number)?.change()));
        Some(WithOverrides {
            bytes: table.followed_by(changed, &added),
            next_hops,
        })
    }
}

/// A next hop with a line already, or with several.
fn standing<'j>(key: &str, judgements: impl Iterator<Item = &'j Judgement>) -> SetNextHop {
    let mut one = SetNextHop {
        key: printable(key),
        became: Became::Left,
        caution: None,
        status: ExitStatus::Fine,
    };
    for judgement in judgements {
        if let Some(caution) = &judgement.caution {
            one.caution = Some(caution.clone());
        }
        if *judgement.change() != Proposal::Leave {
            one.became = Became::Changed;
        } else {
            if judgement.kept && one.became == Became::Left {
                one.became = Became::Kept;
            }
            // A line that could be stricter delivers.
            one.status = match status(judgement) {
                ExitStatus::Warning => ExitStatus::Fine,
                status => status,
            };
        }
    }
    one
}

/// A next hop without a line.
fn missing(
    key: &str,
    observation: &Observation,
    sender: &Sender,
    horizon: Horizon,
    added: &mut Vec<String>,
) -> SetNextHop {
    let diagnosis = Diagnosis::of(&Question {
        horizon,
        sender: sender.clone(),
        ..Question::of(observation)
    });
    let advice = &diagnosis.judged.recommendation;
    let (became, status) = match (advice.action, &advice.entry) {
        (Action::Override, Some(entry)) => {
            added.extend(diagnosis.note().lines());
            added.push(entry.to_string());
            (Became::Added, ExitStatus::Fine)
        }
        (Action::Keep, _) => (Became::NotNeeded, ExitStatus::Fine),
        _ if diagnosis.judged.verdict == Verdict::Indeterminate => {
            (Became::NoLineHelps, ExitStatus::Unknown)
        }
        _ => (Became::NoLineHelps, ExitStatus::Broken),
    };
    SetNextHop {
        key: printable(key),
        became,
        caution: match became {
            Became::Added => advice.caution.clone(),
            _ => None,
        },
        status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_with_the_line_end_of_the_table() {
        for (table, whole) in [
            ("", "b.example  may\n"),
            ("a.example may\n", "a.example may\nb.example  may\n"),
            ("a.example may", "a.example may\nb.example  may\n"),
            ("# x\r\n", "# x\r\nb.example  may\r\n"),
            (
                "a.example may\r\n# x",
                "a.example may\r\n# x\r\nb.example  may\r\n",
            ),
        ] {
            let read = Table::read(table);
            let lines = ["b.example  may".to_owned()];
            let bytes = read.followed_by(read.with(|_| None), &lines);
            assert_eq!(String::from_utf8(bytes).unwrap(), whole, "{table:?}");
            assert_eq!(read.followed_by(read.with(|_| None), &[]), table.as_bytes());
        }
    }
}
