//! Predicts whether DANE-validating senders can deliver to a domain, why not,
//! and the smallest policy exception that restores delivery.
//!
//! Data flows one way: arguments, observation (all I/O), judgement (pure),
//! report (pure). See `CONTRIBUTING.md` for the map.

pub mod certificate;
pub mod cli;
pub mod config;
pub mod demo;
pub mod dnssec;
pub mod entry;
pub mod finding;
pub mod forensics;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod judge;
pub mod log;
pub mod matching;
pub mod mta_sts;
pub mod next_hop;
pub mod observation;
pub mod observe;
pub mod overrides;
pub mod renewal;
pub mod report;
pub mod reserved;
pub mod sender;
pub mod serve;
pub mod tlsa;
pub mod trust_anchor;
pub mod unix_time;
mod validation;
pub mod work;
pub mod world;
