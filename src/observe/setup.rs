//! The settings of a check.

use std::collections::HashMap;
use std::sync::Arc;

use super::assumed::Assumed;
use super::budget::Times;
use super::dial::Dial;
use super::elsewhere::Elsewhere;
use super::local_sender::LocalPostfix;
use super::pool::Pool;
use super::resolver::Resolver;
use super::steps::Steps;
use super::trust_store::TrustStore;
use danecheck_core::observation::AddressFamily;
use danecheck_core::postfix::LineHello;
use danecheck_core::unix_time::UnixTime;
use danecheck_validation::trust_anchor::RootAnchors;

/// The name in `EHLO`; a host name that is known to nobody.
const HELO_NAME: &str = "danecheck.invalid";

/// Who connects to mail servers and to hosts of MTA-STS policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visits {
    /// The check itself.
    #[default]
    Now,
    /// Another process, later: the check leaves a place for each session, one
    /// that ended as
    /// [`SessionEnd::Assumed`](danecheck_core::observation::SessionEnd::Assumed),
    /// and for each fetch of a policy, one that did not end in time.
    Later,
}

/// How to check.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The resolver.
    pub resolver: Resolver,
    /// The DNSSEC trust anchor.
    pub root_anchors: RootAnchors,
    /// The trust store.
    pub trust_store: Arc<TrustStore>,
    /// The time that the observation records.
    pub checked_at: UnixTime,
    /// Time limits.
    pub times: Times,
    /// The name in `EHLO`.
    pub helo_name: String,
    /// How an address becomes a byte stream.
    pub dial: Dial,
    /// The only address family that is connected over; `None` for both.
    pub only: Option<AddressFamily>,
    /// Whether each address is asked for all its certificates.
    pub thorough: bool,
    /// Whether danecheck connects to reserved and private addresses, and asks
    /// name servers there.
    pub allow_private: bool,
    /// Whether the user typed the target: danecheck then connects to an address
    /// literal, even in a reserved block.
    pub typed: bool,
    /// Whether the name servers are asked about every lookup, not only about
    /// those that fail or are bogus.
    pub authoritative: bool,
    /// Whether MTA-STS and TLS reporting are checked.
    pub mta_sts: bool,
    /// Whether the contact of the domain's zone is looked up.
    pub contact: bool,
    /// The Postfix on this machine, if it is asked.
    pub local_sender: Option<LocalPostfix>,
    /// The assumption about the mail servers, if danecheck does not connect to
    /// them.
    pub assumed: Option<Assumed>,
    /// Who connects to the servers.
    pub visits: Visits,
    /// The ClientHellos that policy lines ask for, by the key of the next hop.
    pub hellos: Arc<HashMap<String, Vec<LineHello>>>,
    /// MX hosts to skip.
    pub skip: Arc<[String]>,
    /// Other places from which the target is looked at, at the same time.
    pub also_from: Arc<[Elsewhere]>,
    /// What this check shares with others; `None` if it is by itself.
    pub pool: Option<Pool>,
    /// Where the check says what it asks, if anybody watches.
    pub steps: Option<Steps>,
}

impl Setup {
    /// A check with default settings: the system's trust store, public
    /// addresses only, MTA-STS beside mail, and nothing shared with others.
    pub fn new(resolver: Resolver, root_anchors: RootAnchors, checked_at: UnixTime) -> Self {
        Self {
            resolver,
            root_anchors,
            trust_store: Arc::new(TrustStore::system()),
            checked_at,
            times: Times::default(),
            helo_name: HELO_NAME.to_owned(),
            dial: Dial::Direct,
            only: None,
            thorough: false,
            allow_private: false,
            typed: false,
            authoritative: false,
            mta_sts: true,
            contact: false,
            local_sender: None,
            assumed: None,
            visits: Visits::Now,
            hellos: Arc::default(),
            skip: Arc::from([]),
            also_from: Arc::from([]),
            pool: None,
            steps: None,
        }
    }
}
