//! This machine as a sender: what its resolver does, its trust store, its
//! Postfix, and what it sees of a few targets.

use std::net::SocketAddr;

use domain::base::Rtype;
use futures_util::future::join_all;

use super::budget::Deadline;
use super::exchange::{Mode, Question};
use super::resolver::Resolver;
use super::single::{NameAndType, SingleSetup, look_up};
use super::{LocalPostfix, Setup, observe};
use danecheck_core::next_hop::NextHop;
use danecheck_core::observation::{
    MachineSeen, MailcowParts, Observation, PostfixServiceSeen, ResolverProbes, SingleLookup,
};

/// A zone that its owner keeps bogus as a test of validators.
const KNOWN_BOGUS: &str = "dnssec-failed.org";

/// A name below a signed zone at which no TLSA record is.
const NO_TLSA: &str = "_25._tcp.arpa";

/// A name for the question over TCP.
const OVER_TCP: &str = "arpa";

/// What is examined, and how.
pub struct MachineSetup {
    /// The resolver, the clock, the trust store and the limits.
    pub setup: Setup,
    /// The Postfix on this machine, or why it cannot be asked.
    pub postfix: Result<LocalPostfix, String>,
    /// What is known of mailcow already.
    pub mailcow: Option<MailcowParts>,
    /// Its resolver, if this machine asks another one.
    pub mailcow_resolver: Option<SocketAddr>,
    /// Whom to connect to; if there are none, no mail server is.
    pub targets: Vec<NextHop>,
}

/// Examines this machine.
pub async fn examine(machine: &MachineSetup) -> MachineSeen {
    let setup = &machine.setup;
    let (probes, postfix, service, mailcow, targets) = tokio::join!(
        probes(setup),
        async {
            match &machine.postfix {
                // A name that no table has.
                Ok(postfix) => Ok(postfix.ask("danecheck.invalid").await),
                Err(why) => Err(why.clone()),
            }
        },
        async {
            match &machine.postfix {
                Ok(postfix) => postfix.service().await,
                Err(_) => PostfixServiceSeen::default(),
            }
        },
        async {
            let parts = machine.mailcow.clone()?;
            let Some(resolver) = machine.mailcow_resolver else {
                return Some(parts);
            };
            let setup = Setup {
                resolver: Resolver::at([resolver]),
                ..setup.clone()
            };
            let root = single(&setup, ".", Rtype::NS).await;
            Some(MailcowParts { root, ..parts })
        },
        look_at(machine),
    );
    MachineSeen {
        clock: setup.checked_at,
        resolver: setup.resolver.addresses(),
        probes,
        trust_store: setup.trust_store.size(),
        postfix,
        service,
        mailcow,
        targets,
    }
}

/// Looks at the targets, and asks their name servers about every answer.
async fn look_at(machine: &MachineSetup) -> Vec<Observation> {
    let setup = Setup {
        authoritative: true,
        local_sender: machine.postfix.as_ref().ok().cloned(),
        mta_sts: false,
        typed: true,
        ..machine.setup.clone()
    };
    let looks = machine.targets.iter().map(|target| observe(target, &setup));
    join_all(looks).await
}

async fn single(setup: &Setup, name: &str, rtype: Rtype) -> Option<SingleLookup> {
    let question = NameAndType::parse(name, &rtype.to_string()).ok()?;
    let single = SingleSetup {
        resolver: setup.resolver.clone(),
        root_anchors: setup.root_anchors.clone(),
        now: setup.checked_at,
        times: setup.times,
        dial: setup.dial.clone(),
        authoritative: false,
        allow_private: setup.allow_private,
    };
    Some(look_up(&question, &single).await)
}

async fn probes(setup: &Setup) -> ResolverProbes {
    // Never asked before, so no cache has it.
    let missing =
        ["invalid", "com"].map(|above| format!("danecheck-{}.{above}", setup.checked_at.0));
    let (root, bogus, tlsa, large, tcp, missing) = tokio::join!(
        ask(setup, ".", Rtype::NS),
        ask(setup, KNOWN_BOGUS, Rtype::NS),
        ask(setup, NO_TLSA, Rtype::TLSA),
        ask(setup, ".", Rtype::DNSKEY),
        over_tcp(setup),
        join_all(missing.iter().map(|name| ask(setup, name, Rtype::A))),
    );
    let server = root.reply.as_ref().ok().and_then(|it| it.records.first());
    let existing = match server {
        Some(server) => single(setup, server, Rtype::A).await,
        None => None,
    };
    ResolverProbes {
        root,
        bogus,
        tlsa,
        large,
        tcp,
        existing,
        missing,
    }
}

/// A lookup of a name that is one.
async fn ask(setup: &Setup, name: &str, rtype: Rtype) -> SingleLookup {
    match single(setup, name, rtype).await {
        Some(found) => found,
        None => SingleLookup::unasked(name, &rtype.to_string()),
    }
}

async fn over_tcp(setup: &Setup) -> Result<(), String> {
    let name = OVER_TCP.parse().map_err(|_| "no question".to_owned())?;
    let question = Question {
        name: &name,
        rtype: Rtype::NS,
        mode: Mode::Stub,
    };
    let deadline = Deadline::after(setup.times.total);
    let asked = setup
        .resolver
        .ask_over_tcp(question, setup.times.query, deadline);
    let failed = |kind: danecheck_core::observation::FailureKind| kind.as_text().to_owned();
    asked.await.map_err(failed)
}
