//! A small mail internet in this process, on loopback, for `danecheck demo`
//! and for the tests: it needs no privileges and no network, and it
//! misbehaves by name.

mod accept;
pub mod delay;
pub mod dns;
pub mod pki;
pub mod smtp;
