//! The formats other than JSON: one writer each, from the same report.

mod github;
mod junit;
mod markdown;
mod nagios;
mod prometheus;
mod writer;

pub use github::Github;
pub use junit::JUnit;
pub use markdown::Markdown;
pub use nagios::Nagios;
pub use prometheus::Prometheus;
pub use writer::Writer;

#[cfg(test)]
mod tests;
