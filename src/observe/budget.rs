//! Every limit on what the network may cost, in one place: whatever a server
//! sends, a check ends in time and with little memory.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use danecheck_core::observation::Cut;

/// Bytes of a reply line that are read; the rest of the line is skipped
/// (Postfix's `line_length_limit`).
pub const LINE_BYTES: usize = 2048;

/// Bytes of one reply after which no more of its lines are kept: Postfix's
/// `smtp_chat_resp` does the same, so it does not see a keyword beyond this
/// either.
pub const REPLY_BYTES: usize = 2048;

/// Replies kept of those that no command has asked for: the first ones decide
/// about the next commands.
pub const REPLIES_KEPT: usize = 4;

/// Bytes that one session may send, TLS included; Postfix has no such limit,
/// so what is beyond this one is not judged.
pub const SESSION_BYTES: usize = 1024 * 1024;

/// Records used of one record set (Postfix's `dns_rr_list_limit`).
pub const RECORDS: usize = 100;

/// Bytes of the records of one answer with all names written out.
pub const ANSWER_BYTES: usize = 1024 * 1024;

/// The cost of a record besides its names: about the memory that it takes.
pub const RECORD_BYTES: usize = 192;

/// Alias replies followed (Postfix's `dns_lookup_x`).
pub const ALIAS_HOPS: usize = 10;

/// MX hosts checked; Postfix tries five addresses in all.
pub const MX_HOSTS: usize = 20;

/// Addresses connected to, of one host and one family.
pub const ADDRESSES: usize = 8;

/// ClientHellos of policy lines for one address, besides the usual ones.
pub const OWN_HELLOS: usize = 4;

/// Connections at once for one target: this allows two for each address of
/// twenty hosts, so servers that hang do not delay the others.
pub const CONNECTIONS: usize = 64;

/// Questions to the resolver at once, for all targets together: each has a
/// socket, and a process can have only so many.
pub const QUESTIONS: usize = 256;

/// Bytes kept of all sessions of one target.
pub const SESSIONS_BYTES: usize = 2 * 1024 * 1024;

/// Bytes kept of all answers about one target; answers for its own validation
/// count separately.
pub const ANSWERS_BYTES: usize = 4 * 1024 * 1024;

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

/// Lookups about which one check asks the name servers directly.
pub const AUTHORITY_LOOKUPS: usize = 12;

/// Name servers asked of one zone; the root has 13, hardly any zone more than
/// eight.
pub const AUTHORITY_NAMES: usize = 8;

/// Addresses asked of one name server.
pub const AUTHORITY_ADDRESSES: usize = 4;

/// Names above a name at which danecheck looks for its zone.
pub const AUTHORITY_ZONE_DEPTH: usize = 8;

/// Referrals followed downwards, from the zone that the resolver knows.
pub const AUTHORITY_REFERRALS: usize = 3;

/// Names followed through aliases, more than resolvers follow.
pub const AUTHORITY_ALIASES: usize = 14;

/// Questions of one check to name servers directly.
pub const AUTHORITY_QUERIES: usize = 400;

/// How many of them at once.
pub const AUTHORITY_QUERIES_AT_ONCE: usize = 32;

/// Connections to one address at once, of all targets together.
pub const PER_HOST: usize = 2;

/// Connections to one address that may begin at once, before they are spread
/// evenly.
pub const CONNECTION_BURST: u32 = 4;

/// The interval of connections to one address that are spread evenly.
pub const CONNECTION_INTERVAL: Duration = Duration::from_millis(250);

/// Connections at once of all targets together.
pub const CONNECTIONS_IN_ALL: usize = 512;

/// Bytes kept of lookups for other targets.
pub const LOOKUPS_BYTES_KEPT: u64 = 32 << 20;

/// Bytes kept of sessions for other targets.
pub const SESSIONS_BYTES_KEPT: u64 = 96 << 20;

/// Bytes kept of name servers' answers for other targets.
pub const INSPECTIONS_BYTES_KEPT: u64 = 4 << 20;

/// Bytes kept of DS and DNSKEY answers for other targets.
pub const KEYS_BYTES_KEPT: u64 = 4 << 20;

/// Bytes kept of zones in their validated form.
pub const ZONES_BYTES_KEPT: u64 = 4 << 20;

/// How long failures are used for other targets (RFC 9520 section 3.2: five
/// minutes at most).
pub const FAILURES_KEPT: Duration = Duration::from_secs(60);

/// How much older than its TLSA records a session may be: no key change must
/// come between.
pub const SESSION_BEFORE_TLSA: Duration = Duration::from_secs(60);

/// How much longer than its time limit a check waits for work that ends at that
/// moment.
pub const LAST_WORDS: Duration = Duration::from_millis(50);

/// How often a target that waits for its turn in vain is checked.
pub const LOOKS: usize = 5;

/// How long a session waits for its turn, even if no check waits for it any
/// longer.
pub const QUEUE: Duration = Duration::from_secs(300);

/// Bytes read of a policy of MTA-STS, and of the header before it (RFC 8461
/// section 3.3 suggests as many).
pub const POLICY_BYTES: usize = 64 * 1024;

/// Addresses of each family that are asked for that policy.
pub const POLICY_ADDRESSES: usize = 2;

/// Time limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// One target, everything included.
    pub total: Duration,
    /// One address, all its sessions included.
    pub address: Duration,
    /// One question to one name server.
    pub query: Duration,
    /// One TCP connection.
    pub connect: Duration,
    /// One SMTP reply.
    pub reply: Duration,
    /// One TLS handshake.
    pub handshake: Duration,
    /// Before a server that refused for now is asked once more.
    pub pause: Duration,
    /// Saying goodbye, and what the server still says then.
    pub quit: Duration,
    /// One address of the host that serves a policy of MTA-STS.
    pub policy: Duration,
    /// How much longer than mail danecheck waits for what runs beside mail.
    pub after_the_rest: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(30),
            address: Duration::from_secs(25),
            query: Duration::from_secs(5),
            connect: Duration::from_secs(10),
            reply: Duration::from_secs(20),
            handshake: Duration::from_secs(15),
            pause: Duration::from_secs(3),
            quit: Duration::from_secs(1),
            policy: Duration::from_secs(10),
            after_the_rest: Duration::from_secs(2),
        }
    }
}

impl Times {
    /// The time of one session by itself, whichever target waits for it.
    pub(super) fn session(&self) -> Duration {
        self.address.min(self.total.mul_f64(5.0 / 6.0))
    }

    /// The default steps under another total; each address leaves a part of it
    /// for what follows.
    pub fn with_total(total: Duration) -> Self {
        let times = Self::default();
        Self {
            total,
            address: times.address.min(total.mul_f64(5.0 / 6.0)),
            ..times
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

    /// The moment at which this step is up too.
    pub(super) fn within(self, step: Duration) -> Self {
        Self(self.0.min(Instant::now() + step))
    }

    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// The moment itself.
    pub(super) fn instant(self) -> Instant {
        self.0
    }

    /// What is left.
    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The time of `step`, or the rest if that is less.
    pub(super) fn cap(self, step: Duration) -> Duration {
        step.min(self.left())
    }

    /// Waits for work that has its own time limit; `None` if this one ends
    /// first. Work that ends at the same moment may still say what it has.
    pub(super) async fn wait<F: Future>(self, work: F) -> Option<F::Output> {
        timeout_at(self.0 + LAST_WORDS, work).await.ok()
    }

    /// Runs one step; `None` if time was up.
    pub(super) async fn run<F: Future>(self, step: Duration, work: F) -> Option<F::Output> {
        let until = self.0.min(Instant::now() + step);
        timeout_at(until, work).await.ok()
    }
}

/// What may still be kept, in bytes.
#[derive(Debug)]
pub(super) struct ByteBudget(AtomicUsize);

impl ByteBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }

    /// Takes this much of it; false if less is left, and then nothing is left
    /// any longer.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let took = |left: usize| Some(left.saturating_sub(bytes));
        self.0
            .fetch_update(Relaxed, Relaxed, took)
            .is_ok_and(|left| left >= bytes)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

/// What budgets cut off.
#[derive(Debug, Default)]
pub(super) struct Cuts(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    cuts: BTreeSet<Cut>,
    /// What danecheck no longer waited for.
    late: BTreeSet<String>,
}

impl Cuts {
    pub(super) fn note(&self, cut: Cut) {
        self.noted().cuts.insert(cut);
    }

    /// Time was up before this had ended.
    pub(super) fn late(&self, what: String) {
        self.noted().late.insert(what);
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One sentence each; the late ones share one.
    pub(super) fn into_all(self) -> Vec<Cut> {
        let Noted { cuts, late } = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        cuts.into_iter().chain(Cut::time(late, 0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_late_share_a_cut() {
        let cuts = Cuts::default();
        for number in 1..=5 {
            cuts.late(format!("192.0.2.{number}"));
            cuts.late("192.0.2.1".to_owned());
        }
        for _ in 0..2 {
            cuts.note(Cut::Answers { bound: 1 });
        }
        let missing = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        assert_eq!(
            cuts.into_all(),
            [
                Cut::Answers { bound: 1 },
                Cut::Time {
                    missing: missing.map(str::to_owned).to_vec(),
                    others: 2,
                },
            ]
        );
        assert!(Cuts::default().into_all().is_empty());
    }

    #[test]
    fn after_what_does_not_fit_nothing_does() {
        let room = ByteBudget::new(10);
        assert!(room.take(6));
        assert!(!room.is_used_up());
        assert!(!room.take(5));
        assert!(room.is_used_up());
        assert!(!room.take(1));
    }

    #[test]
    fn an_address_leaves_time_for_the_rest() {
        for seconds in [1, 5, 30, 300] {
            let times = Times::with_total(Duration::from_secs(seconds));
            assert!(times.address < times.total, "{seconds}");
        }
        assert_eq!(Times::with_total(Times::default().total), Times::default());
    }
}
