//! Numbers that nobody can guess.

use std::io;

use ring::rand::{SecureRandom as _, SystemRandom};

/// Bytes drawn from the system at a time.
const BYTES: usize = 256;

/// A stock of random bytes, each used once.
#[derive(Debug)]
pub(super) struct Random {
    bytes: [u8; BYTES],
    used: usize,
}

impl Default for Random {
    fn default() -> Self {
        Self {
            bytes: [0; BYTES],
            used: BYTES,
        }
    }
}

impl Random {
    /// A number of 16 bits; fails where the system has none.
    pub(super) fn number(&mut self) -> io::Result<u16> {
        loop {
            let rest = self.bytes.get(self.used..).unwrap_or_default();
            if let Some(two) = rest.first_chunk() {
                self.used += 2;
                return Ok(u16::from_be_bytes(*two));
            }
            let filled = SystemRandom::new().fill(&mut self.bytes);
            filled.map_err(|_| io::Error::other("the system has no random numbers"))?;
            self.used = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_differ_also_behind_the_end_of_the_stock() {
        let mut random = Random::default();
        let numbers: HashSet<u16> = (0..BYTES * 4).map(|_| random.number().unwrap()).collect();
        // Of 1024 among 65,536 about eight come twice.
        assert!(numbers.len() > 900, "{}", numbers.len());
    }
}
