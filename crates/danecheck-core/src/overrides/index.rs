//! Finds the line that counts for a next hop, in constant time for any number
//! of lines.

use std::collections::HashMap;

use crate::next_hop::NextHop;

use super::entry::{Entry, Place};

/// The lines by what they are for.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Keys of next hops, and the place of their line in the file.
    lines: HashMap<String, usize>,
    /// Parent domains, and the place of their line.
    parents: HashMap<String, usize>,
}

impl Index {
    /// The index of overrides in their order; the first of several counts.
    pub(super) fn of(entries: &[&Entry]) -> Self {
        let mut index = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            match &entry.place {
                Place::NextHop(_) => {
                    index.lines.entry(entry.key.clone()).or_insert(at);
                }
                Place::Below(parent) => {
                    index.parents.entry(parent.clone()).or_insert(at);
                }
                Place::Nowhere { .. } | Place::Shadowed { .. } | Place::Off => {}
            }
        }
        index
    }

    /// The place of the next hop's own line.
    pub(super) fn line_for(&self, next_hop: &NextHop) -> Option<usize> {
        self.lines.get(&next_hop.policy_key()).copied()
    }

    /// The place of the line for the closest parent domain that has one
    /// (`tls_policy_lookup` in Postfix's `smtp_tls_policy.c`).
    pub(super) fn parent_of(&self, next_hop: &NextHop) -> Option<usize> {
        if next_hop.bracketed || next_hop.written_port.is_some() {
            return None;
        }
        let mut rest = next_hop.domain()?;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(at) = self.parents.get(parent) {
                return Some(*at);
            }
            rest = parent;
        }
        None
    }

    /// Has another line with the same key count.
    pub(super) fn prefer(&mut self, from: usize, to: usize) {
        let places = self.lines.values_mut().chain(self.parents.values_mut());
        for place in places.filter(|place| **place == from) {
            *place = to;
        }
    }

    /// Leaves out the lines for parent domains that will be removed.
    pub(super) fn without_parents(&mut self, goes: impl Fn(usize) -> bool) {
        self.parents.retain(|_, at| !goes(*at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overrides::entry::place;

    fn entry(line: usize, key: &str) -> Entry {
        Entry {
            line,
            id: None,
            key: key.to_owned(),
            value: "may".to_owned(),
            note: None,
            place: place(key, "may"),
        }
    }

    #[test]
    fn a_parent_covers_what_is_below_it_and_not_itself() {
        let entries = [entry(1, ".example.com"), entry(2, ".a.example.com")];
        let index = Index::of(&entries.iter().collect::<Vec<_>>());
        for (next_hop, covered) in [
            ("sub.example.com", Some(0)),
            ("a.example.com", Some(0)),
            ("b.a.example.com", Some(1)),
            ("c.b.a.example.com", Some(1)),
            ("example.com", None),
            ("notexample.com", None),
            ("[sub.example.com]", None),
            ("sub.example.com:25", None),
            ("[192.0.2.1]", None),
        ] {
            let found = index.parent_of(&next_hop.parse().unwrap());
            assert_eq!(found, covered, "{next_hop}");
        }
    }

    #[test]
    fn the_first_of_several_counts_until_another_is_preferred() {
        let entries = [entry(1, "example.com"), entry(2, "example.com")];
        let mut index = Index::of(&entries.iter().collect::<Vec<_>>());
        let next_hop = "example.com".parse().unwrap();
        assert_eq!(index.line_for(&next_hop), Some(0));
        index.prefer(0, 1);
        assert_eq!(index.line_for(&next_hop), Some(1));
        assert_eq!(index.line_for(&"example.net".parse().unwrap()), None);
    }
}
