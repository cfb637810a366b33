//! Certificates minted on the spot, at a time that is an argument.
//!
//! ```
//! use danecheck_core::unix_time::UnixTime;
//! use danecheck_world::pki::{Authority, Leaf, Validity};
//!
//! let now = UnixTime(1_795_312_923);
//! let root = Authority::root("Example Root", now);
//! let issuer = root.intermediate("Example CA 1");
//! let expired = issuer.issue(Leaf::new(["mx1.example.com"]).validity(Validity::EXPIRED));
//! assert_eq!(expired.chain().len(), 2); // the root stays at home
//! assert!(expired.tlsa(3, 1, 1).starts_with("3 1 1 "));
//! assert_ne!(issuer.tlsa(2, 1, 1), root.tlsa(2, 1, 1));
//! ```
//!
//! # Limitations
//! What rcgen does not write cannot be minted: X.509 v1, SHA-1 signatures,
//! RSA keys under 2048 bits. There is one RSA key, always the same, because
//! ring cannot generate RSA keys.
//!
//! # Panics
//! Minting panics if a name is not ASCII or a moment is after the year 9999.

#![expect(
    clippy::expect_used,
    reason = "minting fails only for names and times that no caller has at run time"
)]

mod authority;
mod certificate;
mod identity;
mod key;
mod leaf;
mod template;

#[cfg(test)]
mod tests;

pub use authority::{Authority, AuthorityProfile};
pub use certificate::{Certificate, stale_tlsa};
pub use identity::Identity;
pub use key::KeyKind;
pub use leaf::{Leaf, Purpose};
pub use template::Validity;
