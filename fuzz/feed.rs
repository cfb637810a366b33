//! The seeds, for the tests of the crates that have fuzz targets.

use std::fs;
use std::path::Path;

/// Calls a target with every file of a folder, and with cut and changed
/// versions of each file; returns the number of files.
pub(crate) fn feed(target: fn(&[u8]), folder: impl AsRef<Path>, head: &[u8]) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let whole = [head, &bytes].concat();
        target(&whole);
        for part in 1..8 {
            let at = whole.len() * part / 8;
            target(&whole[..at]);
            let mut bent = whole.clone();
            if let Some(byte) = bent.get_mut(at) {
                *byte ^= 0xff;
                target(&bent);
            }
        }
        files += 1;
    }
    files
}
