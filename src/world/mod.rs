//! A small mail internet in this process, on loopback, for `danecheck demo`
//! and for the tests: it needs no privileges and no network.

pub mod dns;
