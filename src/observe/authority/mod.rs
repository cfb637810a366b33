//! The name servers of a zone, each asked directly and without recursion: which
//! of them fails, and at what.
//!
//! A check asks them about lookups that fail or are bogus, and with
//! `--authoritative` about every lookup. The check's deadline and the budgets
//! here limit all of it. A check of a healthy domain asks nothing here.

mod ask;
mod zone;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Rtype, ToName as _};
use domain::rdata::ZoneRecordData;
use futures_util::future::join_all;
use tokio::sync::{OnceCell, Semaphore};

use self::ask::Transport;
use self::zone::{Server, ZoneSeen};
use super::budget::{
    ANSWERS_BYTES, AUTHORITY_ADDRESSES, AUTHORITY_ALIASES, AUTHORITY_LOOKUPS, AUTHORITY_QUERIES,
    AUTHORITY_QUERIES_AT_ONCE, ByteBudget, Deadline, Times,
};
use super::cache::Cacheable;
use super::dial::Dial;
use super::exchange::DNS_PORT;
use super::validator::Validator;
use super::wire::text;
use danecheck_core::dnssec::SecurityStatus;
use danecheck_core::observation::{
    AuthoritySeen, Cut, NameServerAddressSeen, NameServerAnswer, NameServerAnswers,
    NameServerFailure, NameServerSeen,
};
use danecheck_core::reserved::reserved_block;
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::WorkBudget;
use danecheck_validation::{Owner, Packet};

/// How name servers are reached.
#[derive(Clone, Debug)]
pub(super) struct NameServerAccess {
    pub(super) dial: Dial,
    /// Whether addresses that are not public are asked too.
    pub(super) private: bool,
    pub(super) times: Times,
    pub(super) deadline: Deadline,
    /// The time at which signatures are judged.
    pub(super) now: UnixTime,
}

/// The answers of the name servers, whichever check asked them.
pub(super) struct Inspected {
    seen: Option<AuthoritySeen>,
    keep: Duration,
}

impl Inspected {
    /// The answers; they are used for `keep` if they are complete.
    pub(super) fn new(seen: Option<AuthoritySeen>, keep: Duration) -> Self {
        Self { seen, keep }
    }

    pub(super) fn seen(&self) -> Option<AuthoritySeen> {
        self.seen.clone()
    }

    /// Whether they are complete: neither time nor budget ended the questions.
    pub(super) fn is_whole(&self) -> bool {
        let answers = |seen: &AuthoritySeen| {
            let addresses = seen.servers.iter().flat_map(|server| &server.addresses);
            addresses
                .filter_map(|address| address.answers.as_ref())
                .flat_map(|answers| [&answers.udp, &answers.tcp])
                .all(|it| *it != NameServerAnswer::Failed(NameServerFailure::NotAsked))
        };
        self.seen.as_ref().is_some_and(answers)
    }
}

impl Cacheable for Inspected {
    fn bytes(&self) -> usize {
        let addresses = self.seen.iter().flat_map(|seen| &seen.servers);
        let addresses = addresses.map(|server| 1 + server.addresses.len());
        size_of::<Self>() + addresses.sum::<usize>() * 1024
    }

    fn lasts(&self) -> Duration {
        match self.is_whole() {
            true => self.keep,
            false => Duration::ZERO,
        }
    }
}

type Serial = Result<Option<u32>, NameServerFailure>;

type Serials = HashMap<(IpAddr, Owner), Arc<OnceCell<Serial>>>;

/// The question to every name server of a zone.
struct Inspection<'a> {
    zone: &'a ZoneSeen,
    name: &'a Owner,
    rtype: Rtype,
    work: Arc<WorkBudget>,
}

/// The name servers of one check.
#[derive(Clone)]
pub(super) struct Authorities(Arc<Shared>);

struct Shared {
    validator: Validator,
    access: NameServerAccess,
    /// The serial of each zone at each address, asked for once.
    serials: Mutex<Serials>,
    lookups: AtomicUsize,
    queries: AtomicUsize,
    at_once: Semaphore,
    room: ByteBudget,
}

impl Authorities {
    /// No name servers yet; questions to the resolver about them go through the
    /// validator's upstream.
    pub(super) fn new(validator: Validator, access: NameServerAccess) -> Self {
        Self(Arc::new(Shared {
            validator,
            access,
            serials: Mutex::default(),
            lookups: AtomicUsize::new(0),
            queries: AtomicUsize::new(0),
            at_once: Semaphore::new(AUTHORITY_QUERIES_AT_ONCE),
            room: ByteBudget::new(ANSWERS_BYTES),
        }))
    }

    /// Asks every name server of the zone that holds this record set for it;
    /// `None` if no zone is found, or the limit is reached.
    pub(super) async fn inspect(&self, name: &Owner, rtype: Rtype) -> Option<AuthoritySeen> {
        if self.0.lookups.fetch_add(1, Ordering::Relaxed) >= AUTHORITY_LOOKUPS {
            return None;
        }
        let zone = self.zone_of(name, rtype).await?;
        // Name servers with different answers together cost no more than one
        // lookup.
        let inspection = Inspection {
            zone: &zone,
            name,
            rtype,
            work: self.0.validator.work_for_one_lookup(),
        };
        let looks = zone.servers.iter();
        let looks = looks.map(|server| self.inspect_server(server, &inspection));
        let mut servers = join_all(looks).await;
        servers.sort_by(|one, other| one.name.cmp(&other.name));
        let aliases = match alias(&servers, rtype) {
            Some(target) => self.aliases(name, target).await,
            None => Vec::new(),
        };
        Some(AuthoritySeen {
            name: with_dot(name),
            rtype: rtype.to_string(),
            zone: with_dot(&zone.apex),
            servers,
            left_out: zone.left_out,
            aliases,
        })
    }

    /// The names to which aliases lead from a name that is an alias of `target`,
    /// each asked for by itself: a resolver that follows them may give up.
    async fn aliases(&self, name: &Owner, target: Owner) -> Vec<String> {
        let mut names = vec![name.clone()];
        let mut next = Some(target);
        while let Some(target) = next.take() {
            let is_known = names.contains(&target);
            if !is_known && names.len() < AUTHORITY_ALIASES {
                let reply = self.0.validator.upstream().fetch(&target, Rtype::CNAME);
                next = reply.await.ok().and_then(|bytes| alias_in(&bytes, &target));
            }
            names.push(target);
        }
        names.iter().skip(1).map(with_dot).collect()
    }

    /// What the budgets left out.
    pub(super) fn left_out(&self) -> impl Iterator<Item = Cut> {
        let beyond = |count: &AtomicUsize, bound| {
            let count = count.load(Ordering::Relaxed);
            count.checked_sub(bound).filter(|more| *more > 0)
        };
        let lookups = beyond(&self.0.lookups, AUTHORITY_LOOKUPS);
        let lookups = lookups.map(|left_out| Cut::AuthorityLookups {
            bound: AUTHORITY_LOOKUPS,
            left_out,
        });
        let queries = beyond(&self.0.queries, AUTHORITY_QUERIES);
        let queries = queries.map(|left_out| Cut::AuthorityQueries {
            bound: AUTHORITY_QUERIES,
            left_out,
        });
        lookups.into_iter().chain(queries)
    }

    async fn inspect_server(&self, server: &Server, inspection: &Inspection<'_>) -> NameServerSeen {
        let addresses = self.addresses(server).await;
        let looked_up = addresses.is_some();
        let mut addresses = addresses.unwrap_or_default();
        addresses.truncate(AUTHORITY_ADDRESSES);
        let looks = addresses.into_iter().map(async |address| {
            let asked = self.0.access.private || reserved_block(address).is_none();
            let answers = match asked {
                true => Some(self.inspect_address(address, inspection).await),
                false => None,
            };
            NameServerAddressSeen { address, answers }
        });
        NameServerSeen {
            name: text(server.name.fmt_with_dot()),
            looked_up,
            addresses: join_all(looks).await,
        }
    }

    async fn inspect_address(
        &self,
        address: IpAddr,
        inspection: &Inspection<'_>,
    ) -> NameServerAnswers {
        let Inspection {
            zone,
            name,
            rtype,
            ref work,
        } = *inspection;
        let now = self.0.access.now;
        let read = |bytes: &Result<Bytes, NameServerFailure>| match bytes {
            Ok(bytes) => ask::read(bytes, name, rtype, now),
            Err(failure) => NameServerAnswer::Failed(*failure),
        };
        let (udp, tcp, serial) = tokio::join!(
            self.ask(address, name, rtype, Transport::Udp),
            self.ask(address, name, rtype, Transport::Tcp),
            self.serial(address, &zone.apex)
        );
        let mut answers = NameServerAnswers {
            udp: read(&udp),
            tcp: read(&tcp),
            serial: serial.ok().flatten(),
            apex_failure: serial.err(),
            weak_link: None,
            secure: false,
        };
        // A referral or a reply of another server proves nothing, and need not.
        if answers.whole().is_some_and(|reply| reply.authoritative) {
            let over_tcp = answers.tcp.reply().is_some();
            let bytes = if over_tcp { tcp } else { udp };
            let reply = bytes.unwrap_or_default();
            let own = self.0.validator.judge(&reply, work).await;
            answers.secure = own.status == SecurityStatus::Secure;
            if own.status == SecurityStatus::Bogus {
                answers.weak_link = own.weak_link.map(Box::new);
            }
        }
        answers
    }

    async fn serial(&self, address: IpAddr, apex: &Owner) -> Serial {
        let cell = {
            let lock = self.0.serials.lock();
            let mut serials = lock.unwrap_or_else(PoisonError::into_inner);
            serials.entry((address, apex.clone())).or_default().clone()
        };
        let ask = async || {
            let bytes = self.ask(address, apex, Rtype::SOA, Transport::Udp).await;
            bytes.map(|bytes| ask::serial(&bytes, apex))
        };
        *cell.get_or_init(ask).await
    }

    /// One question to one address.
    async fn ask(
        &self,
        address: IpAddr,
        name: &Owner,
        rtype: Rtype,
        transport: Transport,
    ) -> Result<Bytes, NameServerFailure> {
        let access = &self.0.access;
        let to = SocketAddr::new(address, DNS_PORT);
        let to = access
            .dial
            .route(to)
            .ok_or(NameServerFailure::Unreachable)?;
        // Closed by nobody.
        let _permit = self.0.at_once.acquire().await;
        if self.0.queries.fetch_add(1, Ordering::Relaxed) >= AUTHORITY_QUERIES {
            return Err(NameServerFailure::NotAsked);
        }
        let time = access.deadline.cap(access.times.query);
        let answer = ask::ask(to, &name.to_vec(), rtype, transport, time).await;
        // Silence counts only if there was time for an answer.
        let in_vain = time < access.times.query && answer == Err(NameServerFailure::Timeout);
        let too_much = |bytes: &Bytes| !self.0.room.take(bytes.len());
        if in_vain || answer.as_ref().is_ok_and(too_much) {
            return Err(NameServerFailure::NotAsked);
        }
        answer
    }
}

fn with_dot(name: &Owner) -> String {
    name.fmt_with_dot().to_string().to_ascii_lowercase()
}

/// The target, if the name servers have an alias in the place of the records.
fn alias(servers: &[NameServerSeen], rtype: Rtype) -> Option<Owner> {
    let addresses = servers.iter().flat_map(|server| &server.addresses);
    let mut replies = addresses.filter_map(|address| address.answers.as_ref()?.whole());
    replies.find_map(|reply| match reply.records.as_slice() {
        // Of the types asked only NS and CNAME have a name as their data.
        [target] if rtype != Rtype::CNAME && target.ends_with('.') && !target.contains(' ') => {
            target.parse().ok()
        }
        _ => None,
    })
}

/// The target of the alias at this name in a reply.
fn alias_in(reply: &Bytes, name: &Owner) -> Option<Owner> {
    let packet = Packet::read(reply)?;
    let set = packet.answer_at(name, Rtype::CNAME)?;
    set.records.iter().find_map(|record| match record.data() {
        ZoneRecordData::Cname(cname) => Some(cname.cname().to_name()),
        _ => None,
    })
}
