//! Whether mail to a domain will flow under DANE, why not, and the least that
//! has to give way so that it does.
//!
//! Data flows one way: arguments, observation (all I/O), judgement (pure),
//! report (pure). See `CONTRIBUTING.md` for the map.

pub mod dnssec;
pub mod unix_time;
pub mod world;
