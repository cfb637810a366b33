//! The observing half: all network I/O, and no judgement.
//!
//! [`observe`] checks one next hop as Postfix's SMTP client would, and records
//! what it saw. What the network does is data, never an error.
//!
//! A check takes as long as its slowest chain: MX, addresses, TLSA, and a
//! session with the server name that the TLSA records call for. All hosts,
//! address families and addresses are checked at the same time.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this is the half that opens sockets and waits"
)]

mod assumed;
mod authority;
mod base_domain;
pub mod budget;
mod cache;
mod call;
mod connect_failure;
mod contact;
mod dial;
mod elsewhere;
mod exchange;
mod from_root;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gate;
mod gathered;
mod group;
mod hasher;
mod host;
mod legacy;
mod line;
mod local_routing;
mod local_sender;
mod lookup;
mod machine;
mod mailcow_api;
mod meter;
mod mta_sts;
mod overheard;
mod policy_service;
mod pool;
mod postfix_service;
mod presented;
mod proxy;
mod query;
mod resolver;
mod running;
mod settle;
mod setup;
mod signature;
mod single;
mod slots;
mod smtp;
mod steps;
#[cfg(test)]
mod tests;
mod through;
mod tls;
mod trust_store;
mod validator;
mod visits;
mod watched;
mod wire;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use self::budget::{Cuts, Deadline, MX_HOSTS};
use self::contact::contact;
use self::host::{Check, RawHost};
use self::lookup::{Dns, LookupResult};
use self::mta_sts::{MtaStsCheck, TimeLimit};
use self::query::Raw;
use self::settle::settle;
use self::wire::Datum;
use danecheck_core::next_hop::{NextHop, NextHopHost};
use danecheck_core::observation::{
    Answer, Cut, HostSeen, Lookup, MtaStsSeen, MxRecord, OBSERVATION_FORMAT, Observation,
    RecordType, ResolverSeen, ResolverValidation, Shortcoming, TrustStoreSeen,
};
use danecheck_core::postfix::LineHello;
use danecheck_core::sender::local_hellos;

pub use self::assumed::Assumed;
pub use self::dial::{Dial, Sources};
pub use self::elsewhere::Elsewhere;
pub use self::exchange::DNS_PORT;
pub use self::local_sender::{LocalPostfix, NoPostfix};
pub use self::machine::{MachineSetup, examine};
pub use self::mailcow_api::{MailcowApi, first_address};
pub use self::policy_service::ask_policy_service;
pub use self::pool::{Pool, PoolLimits};
pub(crate) use self::presented::presented;
pub use self::proxy::{Proxy, ProxyError};
pub use self::resolver::{Resolver, zone_index};
pub use self::setup::{Setup, Visits};
pub use self::single::{NameAndType, QuestionError, SingleSetup, look_up};
pub use self::steps::{Step, StepKind, Steps, StepsSeen};
pub use self::trust_store::{TrustStore, TrustStoreError};
pub use self::visits::{SESSIONS_KEPT, add_trust_store, visit};

/// Checks a next hop and everything behind it, from here and, at the same time,
/// from the other places of the setup.
pub async fn observe(next_hop: &NextHop, setup: &Setup) -> Observation {
    if setup.also_from.is_empty() {
        return observe_here(next_hop, setup).await;
    }
    let elsewhere = setup.also_from.iter();
    let looks = join_all(elsewhere.map(|place| place.look(next_hop, setup)));
    let (here, elsewhere) = tokio::join!(Box::pin(observe_here(next_hop, setup)), looks);
    Observation { elsewhere, ..here }
}

/// Checks a next hop and everything behind it, from here.
///
/// If its time was up only because other targets in its pool kept an address
/// busy, it is checked again, a few times at most. Alone it never is, and its
/// own sessions do not count as others'.
async fn observe_here(next_hop: &NextHop, setup: &Setup) -> Observation {
    let pool = setup.pool.clone().unwrap_or_default();
    let _running = pool.enter();
    for _ in 1..pool.looks() {
        let (observation, crowded_out) = boxed_look(next_hop, setup, &pool).await;
        if !crowded_out || pool.is_alone() {
            return observation;
        }
    }
    boxed_look(next_hop, setup, &pool).await.0
}

/// The check as a separate box: it is large, and a caller that waits for it
/// would hold it by value.
fn boxed_look<'a>(
    next_hop: &'a NextHop,
    setup: &'a Setup,
    pool: &'a Pool,
) -> Pin<Box<impl Future<Output = (Observation, bool)> + 'a>> {
    Box::pin(look(next_hop, setup, pool))
}

/// Checks a next hop, and says whether it waited for others in vain.
async fn look(next_hop: &NextHop, setup: &Setup, pool: &Pool) -> (Observation, bool) {
    let deadline = Deadline::after(setup.times.total);
    let cuts = Cuts::default();
    let dns = Dns::new(setup, pool, deadline, &cuts);
    let time_limit = TimeLimit::new();
    // A policy belongs to the domain of a mailbox, and brackets mean a host.
    let mta_sts_check = next_hop
        .domain()
        .filter(|_| setup.mta_sts && !next_hop.bracketed && setup.assumed.is_none())
        .map(|domain| MtaStsCheck {
            setup,
            domain,
            dns: &dns,
            deadline,
            cuts: &cuts,
            time_limit: &time_limit,
        });
    let promised = async {
        match &mta_sts_check {
            Some(mta_sts_check) => mta_sts_check.promised().await,
            None => false,
        }
    };
    let promised = promised.boxed().shared();
    let tables = async {
        match &setup.local_sender {
            Some(postfix) => Some(postfix.ask(&next_hop.policy_key()).await),
            None => None,
        }
    };
    let tables = tables.boxed().shared();
    let hellos = {
        let tables = tables.clone();
        async move {
            let of_lines = setup.hellos.get(&next_hop.policy_key());
            let mut hellos: Vec<LineHello> = of_lines.cloned().unwrap_or_default();
            if let Some(seen) = tables.await {
                hellos.extend(local_hellos(&seen));
            }
            Arc::<[LineHello]>::from(hellos)
        }
    };
    let hellos = hellos.boxed().shared();
    let known_later = (promised, hellos);
    let check = Check::new(setup, next_hop, pool, &dns, deadline, &cuts, known_later);

    // Hosts are checked as soon as the MX records are there, while danecheck's
    // own validation of these still runs. Behind a resolver that does not
    // validate, that saves time on every check. If the records turn out to be
    // bogus, the forger got a connection and an EHLO, as from a Postfix behind
    // the same resolver, but no mail. Nothing of it is kept.
    //
    // The probe costs no additional time: the MX lookup takes as long.
    let mail = Box::pin(async {
        let looked = tokio::join!(
            dns.shortcoming(),
            see_hosts(next_hop, setup, &dns, &check, &cuts)
        );
        let rest = match setup.visits {
            Visits::Now => setup.times.after_the_rest,
            // There is nothing else to wait for.
            Visits::Later => setup.times.policy,
        };
        time_limit.ends_at(deadline.within(rest));
        looked
    });
    let beside = Box::pin(async {
        match &mta_sts_check {
            Some(mta_sts_check) => Some(mta_sts_check.run().await),
            None => None,
        }
    });
    let whose = async {
        match next_hop.domain().filter(|_| setup.contact) {
            Some(domain) => deadline.wait(contact(&dns, domain)).await.flatten(),
            None => None,
        }
    };
    let ((shortcoming, raw), raw_mta_sts, local_sender, contact, ()) =
        tokio::join!(mail, beside, tables, whose, setup.trust_store.loaded());

    let validation = dns.validation();
    let mx = match raw.mx.zip(next_hop.domain()) {
        Some((looked, domain)) => {
            Some(settle(domain, RecordType::Mx, &looked, validation, mx_record).await)
        }
        None => None,
    };
    // MX records that turned out to be bogus are not used.
    let led_astray = mx.as_ref().is_some_and(|mx| mx.failure().is_some());
    let hosts = match led_astray {
        true => Vec::new(),
        false => settle_hosts(raw.hosts, &check, validation).await,
    };
    let passed_over = settle_hosts(raw.passed_over, &check, validation).await;
    let mta_sts = match (&mta_sts_check, raw_mta_sts) {
        (Some(mta_sts_check), Some(raw)) => Some(raw.settle(mta_sts_check, validation).await),
        _ => None,
    };
    // An AD bit may come with denials that cannot be believed.
    let denied = |mx: &Lookup<MxRecord>| matches!(mx.answer, Answer::Denied(_));
    let found_nothing =
        mx.as_ref().is_none_or(denied) && hosts.iter().all(|host| host.addresses.is_empty());
    let denies =
        found_nothing && validation == ResolverValidation::Shown && dns.denies_the_root().await;
    dns.note_what_was_left_out();
    let trust_store = trust(&setup.trust_store, &hosts, mta_sts.as_ref());
    let crowded_out = check.was_crowded_out();
    drop(check);
    let observation = Observation {
        format: OBSERVATION_FORMAT,
        next_hop: next_hop.clone(),
        checked_at: setup.checked_at,
        resolver: ResolverSeen {
            addresses: setup.resolver.addresses(),
            validation,
            shortcoming: match denies {
                true => Some(Shortcoming::DeniesTheRoot),
                false => shortcoming.filter(|_| validation == ResolverValidation::NotShown),
            },
            by_default: setup.resolver.by_default().map(str::to_owned),
        },
        mx,
        hosts,
        passed_over,
        trust_store,
        mta_sts,
        contact,
        local_sender,
        proxy: setup.dial.proxy().map(ToString::to_string),
        only: setup.only,
        assumed: setup.assumed.as_ref().map(|it| it.assumption.clone()),
        skipped: raw.skipped,
        elsewhere: Vec::new(),
        cuts: cuts.into_all(),
    };
    (observation, crowded_out)
}

/// The hosts of a next hop before their answers have a status.
struct RawHosts {
    mx: Option<LookupResult>,
    hosts: Vec<RawHost>,
    passed_over: Vec<RawHost>,
    /// The names of those that the user wants to be skipped.
    skipped: Vec<String>,
}

/// The MX lookup, and each host as soon as its name is known.
async fn see_hosts(
    next_hop: &NextHop,
    setup: &Setup,
    dns: &Dns<'_>,
    check: &Check<'_>,
    cuts: &Cuts,
) -> RawHosts {
    let mx = look_up_mx(next_hop, dns).await;
    let names = host_names(next_hop, mx.as_ref().map(|mx| &*mx.raw), cuts);
    let (skipped, names): (Vec<String>, Vec<String>) = names
        .into_iter()
        .partition(|name| setup.skip.contains(name));
    let beside_null_mx = passed_over(mx.as_ref().map(|mx| &*mx.raw));
    let (hosts, passed_over) = tokio::join!(
        join_all(names.iter().map(|name| Box::pin(check.see(name)))),
        join_all(
            beside_null_mx
                .iter()
                .map(|name| Box::pin(check.pass_over(name)))
        ),
    );
    RawHosts {
        mx,
        hosts,
        passed_over,
        skipped,
    }
}

async fn settle_hosts(
    raw: Vec<RawHost>,
    check: &Check<'_>,
    validation: ResolverValidation,
) -> Vec<HostSeen> {
    let mut hosts = Vec::with_capacity(raw.len());
    for host in raw {
        hosts.push(host.settle(check, validation).await);
    }
    hosts
}

/// A bracketed next hop has no MX lookup (`smtp_connect_inet`).
async fn look_up_mx(next_hop: &NextHop, dns: &Dns<'_>) -> Option<LookupResult> {
    match &next_hop.host {
        NextHopHost::Name(name) if !next_hop.bracketed => {
            Some(dns.look_up(name, RecordType::Mx).await)
        }
        NextHopHost::Name(_) | NextHopHost::Address(_) => None,
    }
}

fn mx_record(datum: &Datum) -> Option<MxRecord> {
    match datum {
        Datum::Mx(record) => Some(record.clone()),
        _ => None,
    }
}

/// The hosts to check, best preference first, each once; after
/// `smtp_domain_addr` of Postfix's `smtp_addr.c`.
fn host_names(next_hop: &NextHop, mx: Option<&Raw>, cuts: &Cuts) -> Vec<String> {
    let itself = || match &next_hop.host {
        NextHopHost::Name(name) => vec![name.clone()],
        NextHopHost::Address(address) => vec![address.to_string()],
    };
    match mx {
        None | Some(Raw::Denied { .. }) => itself(),
        Some(Raw::Failed(_)) => Vec::new(),
        Some(Raw::Records { data, .. }) => {
            let mut records: Vec<MxRecord> = data.iter().filter_map(mx_record).collect();
            // One null MX among others is enough (RFC 7505, `dns_get_rr`).
            if records.iter().any(|record| record.host.is_empty()) {
                return Vec::new();
            }
            records.sort_by_key(|record| record.preference);
            let mut names: Vec<String> = Vec::new();
            for record in records {
                if !names.contains(&record.host) {
                    names.push(record.host);
                }
            }
            if names.len() > MX_HOSTS {
                cuts.note(Cut::MxHosts {
                    found: names.len(),
                    bound: MX_HOSTS,
                });
                names.truncate(MX_HOSTS);
            }
            names
        }
    }
}

/// The hosts beside a null MX, to which Postfix does not go.
fn passed_over(mx: Option<&Raw>) -> Vec<String> {
    let Some(Raw::Records { data, .. }) = mx else {
        return Vec::new();
    };
    let mut records: Vec<MxRecord> = data.iter().filter_map(mx_record).collect();
    if !records.iter().any(|record| record.host.is_empty()) {
        return Vec::new();
    }
    records.sort_by_key(|record| record.preference);
    let mut names: Vec<String> = Vec::new();
    for record in records {
        if !record.host.is_empty() && !names.contains(&record.host) {
            names.push(record.host);
        }
    }
    names.truncate(MX_HOSTS);
    names
}

fn trust(store: &TrustStore, hosts: &[HostSeen], beside: Option<&MtaStsSeen>) -> TrustStoreSeen {
    store.relevant(presented(hosts, beside).map(|der| der.0.as_slice()))
}
