//! The roots that the core knows are those that Mozilla trusts, as the crate
//! `webpki-root-certs` has them. After an update of that crate:
//! `UPDATE_ROOTS=1 cargo test --test mozilla_roots`.

#![expect(
    clippy::disallowed_methods,
    reason = "a test may read and write its list"
)]

use std::fs;

use base64::Engine as _;

const LIST: &str = "src/forensics/mozilla_roots.txt";

#[test]
fn the_list_is_that_of_the_crate() {
    let standard = base64::engine::general_purpose::STANDARD;
    let mut list = "# The root certificates that Mozilla trusts for TLS servers, DER in base64.\n\
                    # Written by `UPDATE_ROOTS=1 cargo test --test mozilla_roots`.\n"
        .to_owned();
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        list.push_str(&standard.encode(root));
        list.push('\n');
    }
    if std::env::var_os("UPDATE_ROOTS").is_some() {
        fs::write(LIST, &list).unwrap();
    }
    let written = fs::read_to_string(LIST).unwrap();
    assert!(
        written == list,
        "{LIST} differs: run UPDATE_ROOTS=1 cargo test --test mozilla_roots"
    );
}
