//! The queries to a server.

use std::sync::{Mutex, PoisonError};

use domain::base::Rtype;

use super::packet::Query;

/// The transport of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP (RFC 1035 section 4.2.1).
    Udp,
    /// TCP (RFC 7766).
    Tcp,
}

/// A query that a server has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name, with its trailing dot.
    pub name: String,
    /// The type.
    pub rtype: Rtype,
    /// Its transport.
    pub transport: Transport,
    /// Whether it had the CD bit (RFC 4035 section 3.2.2).
    pub checking_disabled: bool,
}

/// Every query that a server has seen, oldest first.
#[derive(Debug, Default)]
pub(super) struct QueryLog(Mutex<Vec<Asked>>);

impl QueryLog {
    pub(super) fn remember(&self, query: &Query<'_>, transport: Transport) {
        let asked = Asked {
            name: query.name.fmt_with_dot().to_string(),
            rtype: query.rtype,
            transport,
            checking_disabled: query.checking_disabled(),
        };
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(asked);
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }
}
