//! A small mail internet in this process, on loopback, for `danecheck demo`
//! and for the tests: what a checker meets outside, made to misbehave by
//! name. It needs no privileges and no network.

mod accept;
pub mod delay;
pub mod dns;
pub mod https;
pub mod pki;
pub mod smtp;
pub mod socks;
