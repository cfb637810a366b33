//! Many short texts in little memory.

/// Texts in their order, in one string: a certificate may have tens of
/// thousands of names of one byte, and an empty `String` takes twenty-four
/// bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    /// The end of each in `text`.
    ends: Vec<u32>,
}

impl Names {
    pub(super) fn push(&mut self, name: &str) {
        self.text.push_str(name);
        // A certificate is no longer than its message of 16 MiB.
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.ends.push(end);
    }

    /// Bytes that they take.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The first of them.
    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut begin = 0;
        self.ends.iter().map(move |end| {
            let end = usize::try_from(*end).unwrap_or(usize::MAX);
            let name = self.text.get(begin..end).unwrap_or_default();
            begin = end;
            name
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_out_as_they_went_in() {
        let mut names = Names::default();
        assert!(names.is_empty());
        for name in ["a", "", "bé"] {
            names.push(name);
        }
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a", "", "bé"]);
        assert_eq!((names.len(), names.first()), (3, Some("a")));
    }
}
