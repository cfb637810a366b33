//! A small mail internet in this process, on loopback, for `danecheck demo`
//! and for the tests: the servers that a check meets outside, with named
//! misbehaviours. It needs no privileges and no network.

mod accept;
mod clock;
pub mod delay;
pub mod dns;
pub mod https;
pub mod pki;
pub mod smtp;
pub mod socks;
