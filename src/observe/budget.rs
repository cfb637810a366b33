//! Every bound on what the network may cost, in one place: whatever a server
//! sends, a check ends in time and in little memory.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// Bytes of a reply line that are looked at; the rest of the line is skipped
/// (Postfix's `line_length_limit`).
pub const LINE_BYTES: usize = 2048;

/// Text of one reply after which no more of its lines are kept: Postfix's
/// `smtp_chat_resp` does the same, so a keyword beyond it is not seen there
/// either.
pub const REPLY_BYTES: usize = 2048;

/// Lines in one reply.
pub const REPLY_LINES: usize = 1000;

/// Bytes that one session may send, TLS included.
pub const SESSION_BYTES: usize = 256 * 1024;

/// Records taken of one record set (Postfix's `dns_rr_list_limit`).
pub const RECORDS: usize = 100;

/// Alias replies followed (Postfix's `dns_lookup_x`).
pub const ALIAS_HOPS: usize = 10;

/// MX hosts looked at; Postfix tries five addresses in all.
pub const MX_HOSTS: usize = 20;

/// Addresses connected to, of one host and one family.
pub const ADDRESSES: usize = 8;

/// Connections at once for one target.
pub const CONNECTIONS: usize = 32;

/// Certificates kept of one chain.
pub const CHAIN_CERTIFICATES: usize = 20;

/// Bytes of certificates kept of one chain.
pub const CHAIN_BYTES: usize = 64 * 1024;

/// Certificates kept of a trust store.
pub const ANCHORS: usize = 100;

/// Name servers asked, as the C library does (`MAXNS`).
pub const NAME_SERVERS: usize = 3;

/// Rounds over the name servers, as the C library does (`RES_DFLRETRY`).
pub const QUERY_ROUNDS: usize = 2;

/// The EDNS payload size, the advice of RFC 9715.
pub const EDNS_PAYLOAD: u16 = 1232;

/// DS and DNSKEY queries of one check's own validation.
pub const VALIDATION_QUERIES: usize = 200;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// One target, everything included.
    pub total: Duration,
    /// One question to one name server.
    pub query: Duration,
    /// One TCP connection.
    pub connect: Duration,
    /// One SMTP reply.
    pub reply: Duration,
    /// One TLS handshake.
    pub handshake: Duration,
    /// Saying goodbye, which nobody waits for.
    pub quit: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(30),
            query: Duration::from_secs(5),
            connect: Duration::from_secs(10),
            reply: Duration::from_secs(20),
            handshake: Duration::from_secs(15),
            quit: Duration::from_millis(250),
        }
    }
}

impl Times {
    /// The default steps under another total.
    pub fn with_total(total: Duration) -> Self {
        Self {
            total,
            ..Self::default()
        }
    }
}

/// The moment at which a target's time is up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(total: Duration) -> Self {
        Self(Instant::now() + total)
    }

    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// What `step` allows, or what is left where that is less.
    pub(super) fn cap(self, step: Duration) -> Duration {
        step.min(self.0.saturating_duration_since(Instant::now()))
    }

    /// Runs one step; nothing where time was up.
    pub(super) async fn run<F: Future>(self, step: Duration, work: F) -> Option<F::Output> {
        let until = self.0.min(Instant::now() + step);
        timeout_at(until, work).await.ok()
    }
}

/// What budgets cut off, one sentence each.
#[derive(Debug, Default)]
pub(super) struct Cuts(Mutex<BTreeSet<String>>);

impl Cuts {
    pub(super) fn note(&self, sentence: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(sentence);
    }

    pub(super) fn into_sentences(self) -> Vec<String> {
        self.0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter()
            .collect()
    }
}
