//! What a check goes by.

use std::sync::Arc;

use super::assumed::Assumed;
use super::budget::Times;
use super::dial::Dial;
use super::local_sender::LocalPostfix;
use super::pool::Pool;
use super::resolver::Resolver;
use super::trust_store::TrustStore;
use danecheck_core::unix_time::UnixTime;
use danecheck_validation::trust_anchor::RootAnchors;

/// The name in `EHLO`; a host name that is known to nobody.
const HELO_NAME: &str = "danecheck.invalid";

/// How to look.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who is asked.
    pub resolver: Resolver,
    /// Where trust in DNS comes from.
    pub root_anchors: RootAnchors,
    /// Where trust in certificates comes from.
    pub trust_store: Arc<TrustStore>,
    /// What the observation says of its time.
    pub checked_at: UnixTime,
    /// How long things may take.
    pub times: Times,
    /// The name in `EHLO`.
    pub helo_name: String,
    /// How an address becomes a byte stream.
    pub dial: Dial,
    /// Whether each address is asked for all its certificates.
    pub thorough: bool,
    /// Whether reserved and private addresses are connected to, and name
    /// servers there asked.
    pub allow_private: bool,
    /// Whether the user typed the target: an address literal is then connected
    /// to, whatever block it is of.
    pub typed: bool,
    /// Whether the name servers are asked about every lookup, and not only
    /// about those that fail or are bogus.
    pub authoritative: bool,
    /// Whether MTA-STS and TLS reporting are looked at.
    pub mta_sts: bool,
    /// The Postfix on this machine, where it is asked what it does.
    pub local_sender: Option<LocalPostfix>,
    /// What stands in for the mail servers, none of which is connected to
    /// then.
    pub assumed: Option<Assumed>,
    /// MX hosts that are not looked at.
    pub skip: Arc<[String]>,
    /// What this check shares with others; nothing where it is by itself.
    pub pool: Option<Pool>,
}

impl Setup {
    /// A check with nothing out of the ordinary: the system's trust store, all
    /// that is public, MTA-STS beside mail, and nothing shared with others.
    pub fn new(resolver: Resolver, root_anchors: RootAnchors, checked_at: UnixTime) -> Self {
        Self {
            resolver,
            root_anchors,
            trust_store: Arc::new(TrustStore::system()),
            checked_at,
            times: Times::default(),
            helo_name: HELO_NAME.to_owned(),
            dial: Dial::Direct,
            thorough: false,
            allow_private: false,
            typed: false,
            authoritative: false,
            mta_sts: true,
            local_sender: None,
            assumed: None,
            skip: Arc::from([]),
            pool: None,
        }
    }
}
