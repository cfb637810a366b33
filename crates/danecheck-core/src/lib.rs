//! The judging half of danecheck: what Postfix does with mail for a domain under
//! DANE, why, and the smallest policy exception that restores delivery.
//!
//! Nothing here touches the outside: no clock, socket, file or output. An
//! [`Observation`](observation::Observation) comes in, as plain data, and the
//! same observation always gives the same [`Diagnosis`](diagnosis::Diagnosis):
//!
//! ```
//! use danecheck_core::diagnosis::{Diagnosis, Question};
//! use danecheck_core::judge::Verdict;
//! use danecheck_core::observation::Observation;
//! use danecheck_core::postfix::SecurityLevel;
//!
//! // What `danecheck --save FILE example.com` wrote.
//! let saved = include_str!("../examples/stale-key.json");
//! let observation: Observation = serde_json::from_str(saved)?;
//! let diagnosis = Diagnosis::of(&Question::of(&observation));
//!
//! // The server has another key than its TLSA record says: mail waits.
//! assert_eq!(diagnosis.judged.verdict, Verdict::DaneBroken);
//! assert!(!diagnosis.judged.outcome(SecurityLevel::Dane).delivers());
//! let ids: Vec<&str> = diagnosis.findings.iter().map(|one| one.rule.id).collect();
//! assert!(ids.contains(&"tlsa-mismatch"));
//!
//! // The line for Postfix's policy table that lets it flow.
//! let entry = diagnosis.judged.recommendation.entry.as_ref();
//! assert_eq!(entry.unwrap().to_string(), "example.com  encrypt");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Where to start
//!
//! | you have | use |
//! | --- | --- |
//! | a saved observation | [`observation`], [`diagnosis`] |
//! | a diagnosis to show or to store | [`report`]: the model behind `danecheck --json`, and a writer for each format |
//! | an override to write for some mail system | [`entry`] |
//! | a table of `smtp_tls_policy_maps`, or mailcow's rows | [`overrides`] |
//! | one line of such a table | [`postfix::PolicyLine`]: reads it, writes it, and knows which of two asks for more |
//! | TLSA records and certificates, without a sender | [`tlsa`], [`certificate`], [`matching`] |
//! | a certificate that will replace another | [`renewal`] |
//! | what was seen of this machine as a sender | [`doctor`] |
//! | a log, a queue listing, a notice; a TLS report | [`evidence`], [`tlsrpt`] |
//! | the id of a finding, or a text of Postfix | [`finding`], [`glossary`] |
//!
//! `cargo run -p danecheck-core --example judge` is a whole program around
//! this, in thirty lines.
//!
//! # What is stable
//!
//! Until version 1.0, a minor release may change any item here. Stable today
//! are the forms: saved observations (an older format is still read), the JSON
//! of reports, ids of findings and causes, exit statuses, and the texts of
//! entries that `danecheck overrides` reads again. Enums that can grow are
//! `#[non_exhaustive]`; the eight security levels are not.

pub mod certificate;
pub mod diagnosis;
pub mod dnssec;
pub mod doctor;
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
pub mod survey;
pub mod text;
pub mod tlsa;
pub mod tlsrpt;
pub mod unix_time;
pub mod work;
