//! `docs/findings.md` is what the program prints.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads a file"
)]

use danecheck::finding::markdown;

/// Run with `UPDATE_DOCS=1` to write the file anew.
#[test]
fn the_page_of_findings_is_current() {
    let path = "docs/findings.md";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page == markdown(),
        "{path} is not current: run UPDATE_DOCS=1 cargo test --test catalogue"
    );
}
