//! Predicts whether DANE-validating senders can deliver to a domain, why not,
//! and the smallest policy exception that restores delivery.

pub mod certificate;
pub mod dnssec;
pub mod entry;
pub mod evidence;
pub mod finding;
pub mod forensics;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod glossary;
pub mod judge;

pub mod matching;
pub mod mta_sts;
pub mod next_hop;
pub mod observation;
pub mod overrides;
pub mod postfix;
pub mod renewal;
pub mod report;
pub mod reserved;
pub mod sender;
pub mod tlsa;
pub mod tlsrpt;
pub mod unix_time;
pub mod work;
