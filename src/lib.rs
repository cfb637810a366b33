//! Predicts whether DANE-validating senders can deliver to a domain, why not,
//! and the smallest policy exception that restores delivery.
//!
//! Data flows one way: arguments, observation (all I/O), judgement (pure),
//! report (pure). See `CONTRIBUTING.md` for the map.

pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod observe;
pub mod serve;
