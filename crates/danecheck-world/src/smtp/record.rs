//! The servers' records of their sessions.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// What one client did, as the server saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRecord {
    /// The name in the ClientHello (RFC 6066 section 3).
    pub sni: Option<String>,
    /// The command lines, without their line ends, those after the handshake
    /// included.
    pub commands: Vec<String>,
    /// The protocol version, once the handshake is done: `TLSv1.3`, in the
    /// words of Postfix's log.
    pub tls_version: Option<&'static str>,
    /// Why the handshake failed on the server's side.
    pub handshake_error: Option<String>,
    /// Whether the client ended the session with QUIT.
    pub completed: bool,
}

impl SessionRecord {
    /// Whether the client began a mail transaction, which no probe does.
    pub fn mail_seen(&self) -> bool {
        let is_mail = |line: &String| {
            let verb = line.get(..4).unwrap_or_default();
            verb.eq_ignore_ascii_case("MAIL")
        };
        self.commands.iter().any(is_mail)
    }
}

/// The records of one server.
#[derive(Debug)]
pub(super) struct Records {
    sessions: Mutex<Vec<SessionRecord>>,
    ended: watch::Sender<usize>,
    most_at_once: AtomicUsize,
}

impl Records {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            sessions: Mutex::default(),
            ended: watch::Sender::new(0),
            most_at_once: AtomicUsize::new(0),
        })
    }

    pub(super) fn all(&self) -> Vec<SessionRecord> {
        let sessions = self.sessions.lock();
        sessions.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The most sessions that ran at once.
    pub(super) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Relaxed)
    }

    /// Waits until this many sessions have ended.
    pub(super) async fn ended(&self, count: usize) {
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self
            .ended
            .subscribe()
            .wait_for(|ended| *ended >= count)
            .await;
    }

    pub(super) fn begin(self: &Arc<Self>) -> Recorder {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push(SessionRecord::default());
        let at_once = sessions.len().saturating_sub(*self.ended.borrow());
        self.most_at_once.fetch_max(at_once, Relaxed);
        Recorder {
            records: Arc::clone(self),
            index: sessions.len().saturating_sub(1),
        }
    }
}

impl Recorder {
    /// How many clients came before this one.
    pub(super) fn number(&self) -> usize {
        self.index
    }
}

/// Writes one session's record; the session has ended when this is dropped.
#[derive(Debug)]
pub(super) struct Recorder {
    records: Arc<Records>,
    index: usize,
}

impl Recorder {
    pub(super) fn note(&self, change: impl FnOnce(&mut SessionRecord)) {
        let sessions = self.records.sessions.lock();
        let mut sessions = sessions.unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = sessions.get_mut(self.index) {
            change(record);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.records.ended.send_modify(|ended| *ended += 1);
    }
}
