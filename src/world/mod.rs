//! A small world on loopback, in process and without privileges, for
//! `danecheck demo` and for the tests: what a checker meets outside, made to
//! misbehave by name.

mod accept;
pub mod delay;
pub mod pki;
pub mod smtp;
