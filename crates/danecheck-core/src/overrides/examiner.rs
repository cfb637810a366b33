//! The result for each override, considering the others.

use std::collections::{HashMap, HashSet};

use crate::judge::{Horizon, judge};
use crate::next_hop::NextHop;
use crate::observation::Observation;
use crate::postfix::Comparison;
use crate::sender::Sender;

use super::entry::{BYTE_ORDER_MARK, Entry, Place};
use super::index::Index;
use super::judgement::{self, Around, judge_line};
use super::status::{Judgement, OverrideStatus, Proposal};

/// Which overrides may ask for less than before (`--accept-weaker`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    all: bool,
    keys: HashSet<String>,
}

impl Accepted {
    /// All of them.
    pub fn all() -> Self {
        Self {
            all: true,
            keys: HashSet::new(),
        }
    }

    /// Only those for these next hops, each as the key of its line or in any
    /// form in which a next hop can be given.
    pub fn of<'t>(names: impl IntoIterator<Item = &'t str>) -> Self {
        let keys = names.into_iter().flat_map(|name| {
            let parsed = name.parse::<NextHop>().ok();
            let key = parsed.map(|next_hop| next_hop.policy_key());
            key.into_iter().chain([name.trim().to_ascii_lowercase()])
        });
        Self {
            all: false,
            keys: keys.collect(),
        }
    }

    /// Whether the line for this next hop may.
    pub fn names(&self, next_hop: &str) -> bool {
        self.all || self.keys.contains(&next_hop.to_ascii_lowercase())
    }

    fn holds_for(&self, entry: &Entry) -> bool {
        let meant = match &entry.place {
            Place::Nowhere {
                meant: Some(meant), ..
            } => Some(meant.policy_key()),
            _ => None,
        };
        self.all
            || self.keys.contains(&entry.key)
            || meant.is_some_and(|key| self.keys.contains(&key))
    }
}

/// The data by which overrides are judged.
pub(super) struct Examiner<'a> {
    /// Each next hop that was checked, by its key.
    pub(super) seen: &'a HashMap<String, Observation>,
    /// The next hops by which lines for parent domains are judged.
    pub(super) below: &'a [NextHop],
    pub(super) sender: &'a Sender,
    pub(super) horizon: Horizon,
    pub(super) accepted: &'a Accepted,
    /// Said about lines for parent domains.
    pub(super) of_parents: &'static str,
}

/// What to do with overrides that share a key with others.
#[derive(Default)]
struct Doubles {
    /// Those to remove.
    go: HashMap<usize, Double>,
    /// Those to keep although they are not the first, with the first.
    kept: HashMap<usize, usize>,
}

/// What to do with an override if another line has the same key.
struct Double {
    /// The line that is kept.
    kept: usize,
    /// The one that asks for more is kept.
    asks_for_more: bool,
    /// The line that counted so far.
    counts_so_far: usize,
    caution: Option<String>,
}

impl Examiner<'_> {
    /// The result for each, in their order.
    pub(super) fn judge(&self, entries: &[&Entry]) -> Vec<Judgement> {
        let mut index = Index::of(entries);
        let doubles = self.doubles(entries, &mut index);
        let concerned = self.concerned(&index);
        let mut judged: HashMap<usize, Judgement> = HashMap::new();
        // A line for a parent domain that is removed counts for no name
        // afterwards.
        for (at, entry) in entries.iter().enumerate() {
            if doubles.go.contains_key(&at) {
                continue;
            }
            if let Place::Below(parent) = doubles.place(entries, at) {
                let names = concerned.get(&at).map_or(&[][..], Vec::as_slice);
                let judgement = self.settled(entry, self.below(entry, parent, names));
                judged.insert(at, judgement);
            }
        }
        index.without_parents(|at| {
            judged
                .get(&at)
                .is_some_and(|judgement| *judgement.change() == Proposal::Remove)
        });
        let around = Surroundings {
            examiner: self,
            entries,
            index: &index,
        };
        let exact = |at: usize, entry: &Entry| {
            self.settled(entry, around.judge(entry, doubles.place(entries, at)))
        };
        entries
            .iter()
            .enumerate()
            .map(
                |(at, entry)| match (judged.remove(&at), doubles.go.get(&at)) {
                    (Some(judgement), _) => judgement,
                    (None, Some(double)) => duplicate(double),
                    (None, None) => exact(at, entry),
                },
            )
            .collect()
    }

    /// Keeps a line whose change would ask for less, unless that is accepted.
    fn settled(&self, entry: &Entry, judgement: Judgement) -> Judgement {
        let kept = judgement.weaker && !self.accepted.holds_for(entry);
        let caution = judgement.caution.map(|caution| match kept {
            true => format!(
                "{caution} danecheck keeps the line unless you give --accept-weaker={}.",
                crate::text::printable(&entry.key)
            ),
            false => caution,
        });
        Judgement {
            caution,
            kept,
            ..judgement
        }
    }

    /// Of several lines for one key, keeps the one that asks for most; if they
    /// cannot be compared, the first. `postmap` takes the first and warns; a
    /// `texthash:` table does not work at all.
    fn doubles(&self, entries: &[&Entry], index: &mut Index) -> Doubles {
        let at_line: HashMap<usize, usize> = entries
            .iter()
            .enumerate()
            .map(|(at, entry)| (entry.line, at))
            .collect();
        let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            if let Place::Shadowed { line } = entry.place
                && let Some(first) = at_line.get(&line)
            {
                groups.entry(*first).or_default().push(at);
            }
        }
        let mut doubles = Doubles::default();
        for (first, later) in groups {
            let comparison = self.comparison(entries, first);
            let line = |at: usize| {
                let entry = entries.get(at)?;
                judgement::read(&entry.value, self.sender).ok()
            };
            // Postfix never asks for the key of such a line.
            let used = entries
                .get(first)
                .is_some_and(|entry| !matches!(entry.place, Place::Nowhere { .. }));
            let kept = later.iter().copied().fold(first, |best, at| {
                let stricter = comparison.is_stricter(line(at).as_ref(), line(best).as_ref());
                if used && stricter { at } else { best }
            });
            if kept != first {
                index.prefer(first, kept);
                doubles.kept.insert(kept, first);
            }
            let number = |at: usize| entries.get(at).map_or(0, |entry| entry.line);
            for at in std::iter::once(first).chain(later) {
                if at == kept {
                    continue;
                }
                let loses = used && comparison.is_weaker(line(kept).as_ref(), line(at).as_ref());
                let double = Double {
                    kept: number(kept),
                    asks_for_more: comparison.is_stricter(line(kept).as_ref(), line(at).as_ref()),
                    counts_so_far: number(first),
                    caution: loses.then(|| {
                        format!(
                            "This line refuses what line {} accepts: make sure that line {0} is \
                             the one that you want.",
                            number(kept)
                        )
                    }),
                };
                doubles.go.insert(at, double);
            }
        }
        doubles
    }

    fn comparison(&self, entries: &[&Entry], at: usize) -> Comparison {
        let next_hop = match entries.get(at).map(|entry| &entry.place) {
            Some(Place::NextHop(next_hop)) => Some(next_hop),
            _ => None,
        };
        let seen = next_hop.and_then(|next_hop| self.seen.get(&next_hop.policy_key()));
        match seen {
            Some(observation) => judge(observation, self.horizon, self.sender).comparison(),
            None => Comparison::unseen(next_hop.and_then(NextHop::domain).unwrap_or_default()),
        }
    }

    /// The named next hops for which each line for a parent domain counts.
    fn concerned(&self, index: &Index) -> HashMap<usize, Vec<&NextHop>> {
        let mut concerned: HashMap<usize, Vec<&NextHop>> = HashMap::new();
        for next_hop in self.below {
            if index.line_for(next_hop).is_none()
                && let Some(at) = index.parent_of(next_hop)
            {
                concerned.entry(at).or_default().push(next_hop);
            }
        }
        concerned
    }

    fn around<'e>(&'e self, entry: &Entry, parent: Option<&'e Entry>) -> Around<'e> {
        Around {
            sender: self.sender,
            horizon: self.horizon,
            parent: parent.map(|parent| (parent.key.as_str(), parent.value.as_str())),
            advised: entry.note.is_some(),
        }
    }

    /// A line for a parent domain is judged by the named next hops, but others
    /// may need it too.
    fn below(&self, entry: &Entry, parent: &str, names: &[&NextHop]) -> Judgement {
        let others = || {
            format!(
                "It applies to every name below {parent}, not only to those of --below: make sure \
                 that no other needs it."
            )
        };
        if let Some(why) = judgement::fault(&entry.value, self.sender) {
            let judgement = Judgement::unseen(OverrideStatus::Malformed, why, Proposal::Remove);
            let stops = format!(
                "It stops all mail to names below {parent} now, and danecheck does \
                                 not know what"
            );
            return judgement.weakening(format!(
                "{stops} it was meant to require: write it again as you meant it."
            ));
        }
        let mut worst: Option<(&NextHop, Judgement)> = None;
        for next_hop in names {
            let Some(observation) = self.seen.get(&next_hop.policy_key()) else {
                continue;
            };
            let judgement = judge_line(observation, Some(&entry.value), self.around(entry, None));
            let heavier = worst
                .as_ref()
                .is_none_or(|(_, other)| judgement.word.weight() > other.word.weight());
            if heavier {
                worst = Some((next_hop, judgement));
            }
        }
        let Some((next_hop, judgement)) = worst else {
            return Judgement::unseen(
                OverrideStatus::CouldNotTell,
                format!(
                    "it applies to every name below {parent}, but danecheck cannot know which of \
                     them receive mail: name them with --below, or write a line for each{}",
                    self.of_parents
                ),
                Proposal::Leave,
            );
        };
        let judgement = Judgement {
            reason: format!("{}: {}", next_hop.policy_key(), judgement.reason),
            weaker: false,
            caution: None,
            proposal: Proposal::Leave,
            ..judgement
        };
        // A line that one name needs may be wrong for another.
        match judgement.word {
            OverrideStatus::NoLongerNeeded => Judgement {
                proposal: Proposal::Remove,
                ..judgement
            }
            .weakening(others()),
            _ => judgement,
        }
    }
}

impl Doubles {
    /// What a line is for: the first line with its key says so.
    fn place<'e>(&self, entries: &[&'e Entry], at: usize) -> &'e Place {
        let first = self.kept.get(&at).copied().unwrap_or(at);
        entries.get(first).map_or(&Place::Off, |entry| &entry.place)
    }
}

/// `texthash:` says "is unavailable. ... duplicate entry" (`dict_thash_open`),
/// but `postmap` uses the first line and warns.
fn duplicate(double: &Double) -> Judgement {
    let Double {
        kept,
        asks_for_more,
        counts_so_far,
        caution,
    } = double;
    let more = if *asks_for_more {
        " and is stricter"
    } else {
        ""
    };
    let judgement = Judgement::unseen(
        OverrideStatus::Duplicate,
        format!(
            "line {kept} is for the same next hop{more}. In a texthash: table this stops all mail \
             to all next hops (4.7.5 client TLS configuration problem); in a hash: or lmdb: table \
             line {counts_so_far} counts"
        ),
        Proposal::Remove,
    );
    Judgement {
        caution: caution.clone(),
        ..judgement
    }
}

/// An examiner with the lines around each line.
struct Surroundings<'a> {
    examiner: &'a Examiner<'a>,
    entries: &'a [&'a Entry],
    index: &'a Index,
}

impl Surroundings<'_> {
    fn parent_of(&self, next_hop: &NextHop) -> Option<&Entry> {
        let at = self.index.parent_of(next_hop)?;
        self.entries.get(at).copied()
    }

    fn judge(&self, entry: &Entry, place: &Place) -> Judgement {
        match place {
            Place::NextHop(next_hop) => self.exact(entry, next_hop),
            Place::Nowhere { why, meant } => self.nowhere(entry, why, meant.as_ref()),
            Place::Off => Judgement::unseen(
                OverrideStatus::SwitchedOff,
                "it is not active",
                Proposal::Leave,
            ),
            // These are judged separately, before the others.
            Place::Below(_) | Place::Shadowed { .. } => self.not_seen(entry),
        }
    }

    fn not_seen(&self, entry: &Entry) -> Judgement {
        match judgement::fault(&entry.value, self.examiner.sender) {
            Some(why) => Judgement::unseen(OverrideStatus::Malformed, why, Proposal::Leave),
            None => Judgement::unseen(
                OverrideStatus::CouldNotTell,
                "its next hop was not checked",
                Proposal::Leave,
            ),
        }
    }

    fn exact(&self, entry: &Entry, next_hop: &NextHop) -> Judgement {
        let Some(observation) = self.examiner.seen.get(&next_hop.policy_key()) else {
            return self.not_seen(entry);
        };
        let parent = self.parent_of(next_hop);
        let around = self.examiner.around(entry, parent);
        judge_line(observation, Some(&entry.value), around)
    }

    /// A line for which Postfix never asks does no harm, unless mail waits
    /// because the intended line is missing.
    fn nowhere(&self, entry: &Entry, why: &str, meant: Option<&NextHop>) -> Judgement {
        let unseen = || {
            let pattern = entry.key.starts_with('/') || entry.key.starts_with("!/");
            let (word, proposal) = if pattern {
                (OverrideStatus::CouldNotTell, Proposal::Leave)
            } else if entry.key.starts_with(BYTE_ORDER_MARK) {
                (OverrideStatus::NeverUsed, Proposal::Leave)
            } else {
                (OverrideStatus::NeverUsed, Proposal::Remove)
            };
            Judgement::unseen(word, why, proposal)
        };
        let Some(meant) = meant else {
            return unseen();
        };
        // A name's own line counts, and is judged separately.
        if self.index.line_for(meant).is_some() {
            return unseen();
        }
        let Some(observation) = self.examiner.seen.get(&meant.policy_key()) else {
            return unseen();
        };
        let around = self.examiner.around(entry, self.parent_of(meant));
        let judgement = judge_line(observation, None, around);
        // Without its mark the line would count: it may be meant.
        let proposal = match judgement.proposal {
            Proposal::Remove if entry.key.starts_with(BYTE_ORDER_MARK) => Proposal::Leave,
            proposal => proposal,
        };
        Judgement {
            reason: format!("{why}; {}", judgement.reason),
            proposal,
            ..judgement
        }
    }
}
