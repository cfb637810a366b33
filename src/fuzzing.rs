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
    use std::path::Path;

    use super::feed::feed;
    use super::*;

    #[test]
    fn every_target_holds_with_its_seeds() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        type Target = fn(&[u8]);
        let targets: [(Target, &str, &[u8]); 4] = [
            (smtp, "fuzz/seeds/smtp", &[]),
            (dns, "fuzz/seeds/dns", &[]),
            (text, "fuzz/seeds/text", &[]),
            (legacy_tls, "fixtures/tls", &[255]),
        ];
        for (target, folder, head) in targets {
            assert!(feed(target, top.join(folder), head) > 5, "{folder}");
        }
    }
}
