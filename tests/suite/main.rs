//! The tests of the program and of its library, in one program of their own: each
//! file is a subject. `cargo test --test suite SUBJECT::` runs one of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::type_complexity,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets files, sockets and clocks"
)]

#[path = "../support/mod.rs"]
mod support;

mod assumed;
mod bulk;
mod cli;
mod config;
mod demo;
mod doctor;
mod files;
mod findings;
mod first_hours;
mod freshness;
mod imports;
mod into;
mod kept_lines;
mod letter;
mod local_routing;
mod local_sender;
mod log;
mod mailcow;
mod mta_sts;
mod name_servers;
mod old_tls;
mod overrides;
mod own_hello;
mod progress;
mod proxy;
mod readme;
mod reserved;
mod resume;
mod rollover;
mod sender;
mod serve;
mod shell;
mod strictest;
mod survey;
mod thorough;
mod tlsa;
mod tlspol;
mod triage;
mod typed;
mod vantage;
mod version;
mod way;
