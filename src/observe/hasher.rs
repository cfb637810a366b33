//! A hasher for keys that hash themselves byte by byte, as domain names do.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

/// Bytes that are gathered first: most keys have fewer.
const GATHERED: usize = 64;

/// The standard library's hasher with random keys, which is slow with single
/// bytes: it gets many at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathering(RandomState);

/// A hash under way.
pub(super) struct Gathered {
    hasher: DefaultHasher,
    bytes: [u8; GATHERED],
    count: usize,
}

impl BuildHasher for Gathering {
    type Hasher = Gathered;

    fn build_hasher(&self) -> Gathered {
        Gathered {
            hasher: self.0.build_hasher(),
            bytes: [0; GATHERED],
            count: 0,
        }
    }
}

impl Gathered {
    fn waiting(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }
}

impl Hasher for Gathered {
    fn write(&mut self, bytes: &[u8]) {
        let end = self.count.saturating_add(bytes.len());
        if let Some(room) = self.bytes.get_mut(self.count..end) {
            room.copy_from_slice(bytes);
            self.count = end;
            return;
        }
        let waiting = self.bytes.get(..self.count).unwrap_or_default();
        self.hasher.write(waiting);
        self.hasher.write(bytes);
        self.count = 0;
    }

    fn finish(&self) -> u64 {
        let mut hasher = self.hasher.clone();
        hasher.write(self.waiting());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard_hasher_however_the_bytes_come() {
        let gathering = Gathering::default();
        let bytes: Vec<u8> = (0..=255).collect();
        for length in [0, 1, 63, 64, 65, 200] {
            let bytes = &bytes[..length];
            let mut plain = gathering.0.build_hasher();
            plain.write(bytes);
            for piece in [1, 3, 64, 100] {
                let mut gathered = gathering.build_hasher();
                bytes.chunks(piece).for_each(|piece| gathered.write(piece));
                assert_eq!(gathered.finish(), plain.finish(), "{length} by {piece}");
            }
        }
    }
}
