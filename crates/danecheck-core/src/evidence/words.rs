//! Which of many words a text has, found in one pass: a log may be full of
//! texts that have none of them.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Words that are looked for together; at most 64.
pub(super) struct Words {
    list: &'static [&'static str],
    search: LazyLock<Option<AhoCorasick>, fn() -> Option<AhoCorasick>>,
}

/// Those that a text has, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found(u64);

impl Words {
    /// The words, and the automaton that finds them.
    pub(super) const fn new(
        list: &'static [&'static str],
        search: fn() -> Option<AhoCorasick>,
    ) -> Self {
        Self {
            list,
            search: LazyLock::new(search),
        }
    }

    /// Those of the words that the text has.
    pub(super) fn of(&self, text: &str) -> Found {
        let all = self
            .search
            .as_ref()
            .and_then(|search| search.try_find_overlapping_iter(text).ok());
        match all {
            Some(all) => Found(all.fold(0, |found, one| found | bit(one.pattern().as_usize()))),
            None => self.one_by_one(text),
        }
    }

    /// The same, word by word.
    fn one_by_one(&self, text: &str) -> Found {
        let words = self.list.iter().enumerate();
        let there = words.filter(|(_, word)| text.contains(**word));
        Found(there.fold(0, |found, (number, _)| found | bit(number)))
    }
}

/// An automaton for these words.
pub(super) fn automaton(list: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::new(list).ok()
}

fn bit(number: usize) -> u64 {
    u32::try_from(number)
        .ok()
        .and_then(|number| 1_u64.checked_shl(number))
        .unwrap_or_default()
}

impl Found {
    /// Whether the word with this number is there.
    pub(super) fn has(self, number: usize) -> bool {
        self.0 & bit(number) != 0
    }
}

/// Words by name: `words! { static LIST: Word { NAME: "text", } }` makes the type
/// `Word` of the names and `LIST`.
macro_rules! words {
    ($(#[$doc:meta])* static $list:ident: $word:ident { $($name:ident: $text:literal,)* }) => {
        #[derive(Clone, Copy, Debug)]
        enum $word { $($name),* }

        $(#[$doc])*
        static $list: $crate::evidence::words::Words = {
            const TEXTS: &[&str] = &[$($text),*];
            const { assert!(TEXTS.len() <= 64) };
            $crate::evidence::words::Words::new(TEXTS, || {
                $crate::evidence::words::automaton(TEXTS)
            })
        };
    };
}
pub(super) use words;

#[cfg(test)]
impl Words {
    /// Fails where one pass finds others than a look for each word alone.
    pub(super) fn check(&self, draw: &mut impl FnMut(usize) -> usize) {
        for _ in 0..2000 {
            let mut text = String::new();
            for _ in 0..draw(6) {
                let word = self.list[draw(self.list.len())];
                // A part of it, which may be the whole, and what another has.
                let from = draw(word.len());
                let to = from + draw(word.len() - from + 1);
                let whole = draw(3) == 0;
                text.push_str(match word.get(from..to) {
                    Some(part) if !whole => part,
                    _ => word,
                });
                text.push_str(["", " ", "x", ": "][draw(4)]);
            }
            assert_eq!(self.of(&text), self.one_by_one(&text), "{text}");
        }
    }
}
