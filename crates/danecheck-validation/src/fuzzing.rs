//! What the fuzz targets in `fuzz/` call: each function takes arbitrary bytes,
//! and panics if a promise is broken. `cargo test` calls them with the seeds.

use bytes::Bytes;

use crate::trust_anchor::RootAnchors;
use crate::{exercise, presented, rewritten};

/// A DNS message, read and put in order, and as part of a signed tree.
pub fn dns(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Some(again) = rewritten(&bytes) {
        assert!(rewritten(&Bytes::from(again)).is_some(), "cannot be reread");
    }
    let _ = presented(&bytes);
    exercise(data);
}

/// Trust anchors of the root.
pub fn text(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(anchors) = RootAnchors::from_text(text)
    {
        assert_eq!(anchors.text(), text);
    }
}

#[cfg(test)]
#[path = "../../../fuzz/feed.rs"]
#[expect(clippy::disallowed_methods, reason = "a test may read its seeds")]
mod feed;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::feed::feed;
    use super::*;

    #[test]
    fn every_target_holds_with_its_seeds() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
        type Target = fn(&[u8]);
        let targets: [(Target, &str); 2] = [(dns, "dns"), (text, "text")];
        for (target, folder) in targets {
            assert!(feed(target, seeds.join(folder), &[]) > 5, "{folder}");
        }
    }
}
