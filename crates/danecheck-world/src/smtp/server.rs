//! The builder of a mail server, and a running one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::dialogue;
use super::handshake::{Identities, server_config};
use super::misbehaviour::Misbehaviour;
use super::personality::Personality;
use super::record::{Records, SessionRecord};
use crate::accept::Accepting;
use crate::pki::Identity;

/// The builder of a mail server: healthy, on a free port of 127.0.0.1, by
/// default.
#[derive(Clone, Debug)]
pub struct MailServer {
    host_name: String,
    addr: SocketAddr,
    identity: Identity,
    other: Option<Identity>,
    by_name: Vec<(String, Identity)>,
    misbehaviours: Vec<Misbehaviour>,
}

impl MailServer {
    /// A healthy server with this certificate chain and key.
    pub fn new(identity: Identity) -> Self {
        Self {
            host_name: "mx.example.com".into(),
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            identity,
            other: None,
            by_name: Vec::new(),
            misbehaviours: Vec::new(),
        }
    }

    /// Calls itself this in its greeting and its answer to EHLO.
    #[must_use]
    pub fn calling_itself(mut self, host_name: impl Into<String>) -> Self {
        self.host_name = host_name.into();
        self
    }

    /// Listens here; port 0 is a free one.
    #[must_use]
    pub fn listening_on(mut self, addr: impl Into<SocketAddr>) -> Self {
        self.addr = addr.into();
        self
    }

    /// Shows another identity to clients that name `name` (RFC 6066
    /// section 3). Postfix names the TLSA base domain at `dane`, and nothing
    /// at other levels (`tls_auth_enable`).
    #[must_use]
    pub fn showing_to(mut self, name: impl Into<String>, identity: Identity) -> Self {
        self.by_name.push((name.into(), identity));
        self
    }

    /// Has a second identity with another kind of key, for clients that do not
    /// accept the first one's signatures (RFC 8446 section 4.4.2.2).
    #[must_use]
    pub fn having_also(mut self, identity: Identity) -> Self {
        self.other = Some(identity);
        self
    }

    /// Adds these misbehaviours.
    #[must_use]
    pub fn misbehaving(mut self, ways: impl IntoIterator<Item = Misbehaviour>) -> Self {
        self.misbehaviours.extend(ways);
        self
    }

    /// Starts it. The errors are those of listening on its address.
    pub async fn start(self) -> io::Result<RunningMailServer> {
        let extra = self.misbehaviours.iter().find_map(|one| match one {
            Misbehaviour::HugeChain(extra) => Some(*extra),
            _ => None,
        });
        let mut identities = Identities::new(&self.identity, &self.by_name, extra.unwrap_or(0));
        if let Some(other) = &self.other {
            let in_tls12 = self
                .misbehaviours
                .contains(&Misbehaviour::OtherIdentityInTls12);
            identities.add_other(other, in_tls12);
        }
        let identities = Arc::new(identities);
        let config = server_config(Arc::clone(&identities), &self.misbehaviours);
        let personality = Arc::new(Personality {
            host_name: self.host_name,
            misbehaviours: self.misbehaviours,
            identities,
            config: config.map_err(io::Error::other)?,
        });
        let records = Records::new();
        let log = Arc::clone(&records);
        let accepting = Accepting::start(self.addr, move |tcp| {
            let personality = Arc::clone(&personality);
            let recorder = log.begin();
            async move {
                let _ = dialogue::serve(tcp, &personality, &recorder).await;
            }
        });
        Ok(RunningMailServer {
            accepting: accepting.await?,
            records,
        })
    }
}

/// A server that runs until it is dropped; its connections end with it.
#[derive(Debug)]
pub struct RunningMailServer {
    accepting: Accepting,
    records: Arc<Records>,
}

impl RunningMailServer {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.accepting.addr()
    }

    /// What its clients did so far, in the order in which they came.
    pub fn sessions(&self) -> Vec<SessionRecord> {
        self.records.all()
    }

    /// The most clients that it had at once.
    pub fn most_at_once(&self) -> usize {
        self.records.most_at_once()
    }

    /// What its clients did, once this many sessions have ended.
    pub async fn sessions_after(&self, gone: usize) -> Vec<SessionRecord> {
        self.records.ended(gone).await;
        self.records.all()
    }
}
