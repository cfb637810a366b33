//! Postfix's own words, below everything that uses them: its TLS security
//! levels, the lines of a table of `smtp_tls_policy_maps` and the keys under
//! which it looks for them, its releases, and what main.cf decides beside the
//! level. Nothing here knows what was seen of a target.

mod exception;
mod hello;
mod keys;
mod level;
mod line;
#[cfg(test)]
mod line_tests;
mod protocols;
mod release;
mod routing;
mod settings;
mod stated;
mod strength;
mod suite;
mod suite_set;
mod tls_version;
mod unread;

pub use exception::Override;
pub use hello::{HelloLimits, LineHello};
pub use keys::policy_keys;
pub use level::{SecurityLevel, UnknownLevel};
pub use line::{CipherGrade, LateFault, LineFault, PolicyLine, ServerName};
pub use release::{NoRelease, Release};
pub use routing::{Mail, Route, Routing, RoutingTable};
pub use stated::StatedPolicy;
pub use suite::{Exchange, SUITES, Suite};
pub use suite_set::{NoSuite, SuiteSet};
pub use tls_version::{TlsVersion, UnknownTlsVersion};
pub use unread::{UNREAD, is_unread};

pub(crate) use hello::newest;
pub(crate) use protocols::{allowed, oldest};
pub(crate) use release::{OpenSsl, TlsDefaults};
pub(crate) use settings::{Dnssec, InsecureMx, MainServerName, Settings};
pub(crate) use strength::{Comparison, DaneMeaning};
pub(crate) use suite_set::Exclusions;
