//! What the parts of a check share, and the way from a host to its addresses.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, join_all};
use tokio::sync::Semaphore;

use super::super::base_domain::{self, Bases, Plan};
use super::super::budget::{ADDRESSES, ByteBudget, CONNECTIONS, Cuts, Deadline, SESSIONS_BYTES};
use super::super::call::Caller;
use super::super::lookup::{Dns, LookupResult};
use super::super::pool::Pool;
use super::super::query::Raw;
use super::super::setup::Setup;
use super::super::wire::Datum;
use danecheck_core::next_hop::{NextHop, NextHopHost, lookup_name_fault};
use danecheck_core::observation::{AddressSeen, Cut, Denial, RecordType, UnusedTlsa};
use danecheck_core::postfix::LineHello;
use danecheck_core::tlsa::TlsaRecord;

/// The data that all parts of one check share.
pub(in super::super) struct Check<'a> {
    pub(super) setup: &'a Setup,
    pub(super) promised: Promised<'a>,
    pub(super) hellos: Hellos<'a>,
    pub(super) next_hop: String,
    pub(super) caller: Arc<Caller>,
    pub(super) port: u16,
    /// The address literal that the user typed, so danecheck may connect to it.
    pub(super) typed: Option<IpAddr>,
    pub(super) dns: &'a Dns<'a>,
    pub(super) deadline: Deadline,
    pub(super) cuts: &'a Cuts,
    pub(super) connections: Semaphore,
    pub(super) room: ByteBudget,
    /// Time was up while the check waited for an address that others keep busy.
    pub(super) crowded: AtomicBool,
}

/// The ClientHellos that policy lines ask for, once they are known.
pub(in super::super) type Hellos<'a> = Shared<BoxFuture<'a, Arc<[LineHello]>>>;

/// Whether the domain announces an MTA-STS policy, once that is known.
pub(in super::super) type Promised<'a> = Shared<BoxFuture<'a, bool>>;

/// A host before its answers have a status.
pub(in super::super) struct RawHost {
    pub(super) name: String,
    pub(super) families: Vec<Family>,
    /// Of a host that is a literal.
    pub(super) addresses: Vec<AddressSeen>,
    /// Its TLSA records were asked for at its own name, although nobody
    /// connects to it.
    pub(super) tlsa_without_address: bool,
    /// TLSA records that no sender asks for.
    pub(super) tlsa_unused: Option<UnusedTlsa>,
}

impl RawHost {
    /// A host of which nothing is known.
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            families: Vec::new(),
            addresses: Vec::new(),
            tlsa_without_address: false,
            tlsa_unused: None,
        }
    }
}

/// The addresses of one family and what followed from them.
pub(super) struct Family {
    pub(super) record_type: RecordType,
    pub(super) looked: LookupResult,
    pub(super) bases: Arc<Bases>,
    pub(super) addresses: Vec<AddressSeen>,
}

impl<'a> Check<'a> {
    pub(in super::super) fn new(
        setup: &'a Setup,
        next_hop: &NextHop,
        pool: &Pool,
        dns: &'a Dns<'a>,
        deadline: Deadline,
        cuts: &'a Cuts,
        (promised, hellos): (Promised<'a>, Hellos<'a>),
    ) -> Self {
        Self {
            setup,
            promised,
            hellos,
            next_hop: match &next_hop.host {
                NextHopHost::Name(name) => name.clone(),
                NextHopHost::Address(address) => address.to_string(),
            },
            caller: Arc::new(Caller::new(
                pool.sessions(),
                &setup.dial,
                &setup.helo_name,
                setup.times,
            )),
            port: next_hop.port,
            typed: match next_hop.host {
                NextHopHost::Address(address) if setup.typed => Some(address),
                NextHopHost::Address(_) | NextHopHost::Name(_) => None,
            },
            dns,
            deadline,
            cuts,
            connections: Semaphore::new(CONNECTIONS),
            room: ByteBudget::new(SESSIONS_BYTES),
            crowded: AtomicBool::new(false),
        }
    }

    /// Whether another check would see more, because this one had to wait for
    /// other targets.
    pub(in super::super) fn was_crowded_out(&self) -> bool {
        self.crowded.load(Relaxed)
    }

    /// Checks one host. The address families are independent, so a slow answer
    /// in one does not delay the other.
    pub(in super::super) async fn see(&self, name: &str) -> RawHost {
        let mut host = RawHost::named(name);
        if let Ok(address) = name.parse::<IpAddr>() {
            let nothing = async { Arc::new(Bases::default()) }.boxed().shared();
            host.addresses
                .push(Box::pin(self.see_address(name, address, nothing)).await);
        } else if lookup_name_fault(name).is_none() {
            let mut families = Box::pin(async {
                tokio::join!(
                    self.see_family(name, RecordType::A),
                    self.see_family(name, RecordType::Aaaa),
                )
            });
            // No check waits for what no delivery depends on.
            let (a, aaaa) = tokio::select! {
                biased;
                seen = &mut families => seen,
                unused = self.unused_tlsa(name) => {
                    host.tlsa_unused = unused;
                    families.await
                }
            };
            let nowhere = |family: &Family| !matches!(*family.looked.raw, Raw::Records { .. });
            let exists = |family: &Family| {
                let no_data = Denial::NoData;
                matches!(*family.looked.raw, Raw::Denied { denial, .. } if denial == no_data)
            };
            let families = [a, aaaa];
            // To postfix-tlspol before 1.12 that is a host all the same.
            if families.iter().all(nowhere) && families.iter().any(exists) {
                self.ask_for_tlsa_aside(name).await;
                host.tlsa_without_address = true;
            }
            host.families = families.into();
        }
        host
    }

    /// A host to which Postfix does not go: what a policy service asks about it.
    pub(in super::super) async fn pass_over(&self, name: &str) -> RawHost {
        let mut host = RawHost::named(name);
        if name.parse::<IpAddr>().is_err() && lookup_name_fault(name).is_none() {
            let family = |record_type| async move {
                Family {
                    record_type,
                    looked: self.dns.look_up_aside(name, record_type).await,
                    bases: Arc::default(),
                    addresses: Vec::new(),
                }
            };
            let (a, aaaa, ()) = tokio::join!(
                family(RecordType::A),
                family(RecordType::Aaaa),
                self.ask_for_tlsa_aside(name)
            );
            host.families = vec![a, aaaa];
            host.tlsa_without_address = true;
        }
        host
    }

    /// The TLSA records of a host whose addresses DNSSEC does not protect, if the
    /// zone is signed all the same, or this is a close look.
    async fn unused_tlsa(&self, host: &str) -> Option<UnusedTlsa> {
        let (a, aaaa) = tokio::join!(
            self.dns.look_up(host, RecordType::A),
            self.dns.look_up(host, RecordType::Aaaa),
        );
        let is_close = self.setup.thorough || self.setup.authoritative;
        let mut base = None;
        for looked in [&a, &aaaa] {
            let Raw::Records {
                aliases, signed, ..
            } = &*looked.raw
            else {
                continue;
            };
            if self.dns.is_secure(looked).await != Some(false) {
                return None;
            }
            if *signed || is_close {
                base = base.or(Some(aliases.last().map_or(host, String::as_str)));
            }
        }
        let name = base_domain::owner(base?, self.port);
        let found = self.dns.glance(&name, RecordType::Tlsa).await?;
        let Raw::Records { data, .. } = &*found else {
            return None;
        };
        let records: Vec<TlsaRecord> = data.iter().filter_map(tlsa_record).collect();
        (!records.is_empty()).then_some(UnusedTlsa { name, records })
    }

    async fn ask_for_tlsa_aside(&self, name: &str) {
        let owner = base_domain::owner(name, self.port);
        self.dns.look_up_aside(&owner, RecordType::Tlsa).await;
    }

    async fn see_family(&self, host: &str, record_type: RecordType) -> Family {
        let looked = self.dns.look_up(host, record_type).await;
        let mut family = Family {
            record_type,
            looked: looked.clone(),
            bases: Arc::default(),
            addresses: Vec::new(),
        };
        let Raw::Records { aliases, data, .. } = &*looked.raw else {
            return family;
        };
        let bases = async {
            let secure = self.dns.is_secure(&looked).await;
            let plan = Plan::new(host, aliases, secure);
            Arc::new(base_domain::explore(self.dns, host, self.port, plan).await)
        }
        .boxed()
        .shared();
        let mut found: Vec<IpAddr> = Vec::new();
        for address in data.iter().filter_map(address) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
        if found.len() > ADDRESSES {
            self.cuts.note(Cut::Addresses {
                host: host.to_owned(),
                record_type,
                found: found.len(),
                bound: ADDRESSES,
            });
        }
        let left_out = found.split_off(found.len().min(ADDRESSES));
        let talks = found
            .into_iter()
            .map(|address| Box::pin(self.see_address(host, address, bases.clone())));
        let (bases, seen) = tokio::join!(bases.clone(), join_all(talks));
        family.bases = bases;
        family.addresses = seen;
        family
            .addresses
            .extend(left_out.into_iter().map(AddressSeen::not_looked_at));
        family
    }
}

pub(super) fn address(datum: &Datum) -> Option<IpAddr> {
    match datum {
        Datum::Address(address) => Some(*address),
        _ => None,
    }
}

pub(super) fn tlsa_record(datum: &Datum) -> Option<TlsaRecord> {
    match datum {
        Datum::Tlsa(data) => Some(TlsaRecord::from_rdata(data)),
        _ => None,
    }
}
