//! One MX host: its addresses, its TLSA records and sessions with each address.

mod address;
mod check;
mod hellos;
mod settle;
mod visit;

pub(super) use check::{Check, RawHost};
