//! What the fuzz targets in `fuzz/` call: each function takes arbitrary bytes,
//! and panics if a promise is broken. `cargo test` calls them with the seeds.

use crate::observe::{NameAndType, TrustStore};

pub use crate::observe::fuzzing::{dns, legacy_tls, smtp};

/// What users write or hand over: questions and trust stores.
pub fn text(data: &[u8]) {
    let _ = TrustStore::from_pem("the fuzzer", data);
    if let Ok(text) = std::str::from_utf8(data) {
        let (first, second) = text.split_once(' ').unwrap_or((text, "TLSA"));
        let _ = NameAndType::parse(first, second);
    }
}

#[cfg(test)]
#[path = "../fuzz/feed.rs"]
#[expect(clippy::disallowed_methods, reason = "a test may read its seeds")]
mod feed;

#[cfg(test)]
mod tests {
    use super::feed::feed;
    use super::*;

    #[test]
    fn every_target_holds_with_its_seeds() {
        assert!(
            feed(
                smtp,
                concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/smtp"),
                &[]
            ) > 5
        );
        assert!(
            feed(
                dns,
                concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/dns"),
                &[]
            ) > 5
        );
        assert!(
            feed(
                text,
                concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/text"),
                &[]
            ) > 5
        );
        assert!(
            feed(
                legacy_tls,
                concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls"),
                &[255]
            ) > 5
        );
    }
}
