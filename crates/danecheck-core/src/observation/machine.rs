//! What was seen of this machine as a sender (`danecheck doctor`).

use std::net::IpAddr;

use crate::unix_time::UnixTime;

use super::Observation;
use super::local_sender::LocalSenderSeen;
use super::single::SingleLookup;

/// This machine as a sender.
#[derive(Clone, Debug)]
pub struct MachineSeen {
    /// What its clock says.
    pub clock: UnixTime,
    /// `address:port` of each server that may have been asked.
    pub resolver: Vec<String>,
    /// The lookups that show what the resolver does.
    pub probes: ResolverProbes,
    /// The trust store of the system.
    pub trust_store: TrustStoreSize,
    /// The Postfix on it, or why it cannot be asked.
    pub postfix: Result<LocalSenderSeen, String>,
    /// The service of that Postfix that sends.
    pub service: PostfixServiceSeen,
    /// The parts of mailcow, if it is installed.
    pub mailcow: Option<MailcowParts>,
    /// The targets through which port 25 and STARTTLS are examined.
    pub targets: Vec<Observation>,
}

/// The service of Postfix that sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostfixServiceSeen {
    /// The parameters that master.cf has for it, which count before those of
    /// main.cf.
    pub overridden: Vec<String>,
    /// The folder that it is locked into; `None` for none.
    pub chroot: Option<ChrootSeen>,
}

/// A folder that a service of Postfix is locked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChrootSeen {
    /// The folder.
    pub directory: String,
    /// The name servers of the resolv.conf in it; `None` if there is none.
    pub name_servers: Option<Vec<IpAddr>>,
    /// Those of the system.
    pub name_servers_outside: Option<Vec<IpAddr>>,
    /// Whether the folder of `smtp_tls_CApath` is in it; `None` if that is not set.
    pub has_ca_path: Option<bool>,
}

/// The lookups that show what a resolver does.
#[derive(Clone, Debug)]
pub struct ResolverProbes {
    /// `. NS`, as Postfix asks it (`dns_sec_probe`).
    pub root: SingleLookup,
    /// A name whose zone is bogus on purpose.
    pub bogus: SingleLookup,
    /// TLSA records at a name that does not exist.
    pub tlsa: SingleLookup,
    /// `. DNSKEY`, a large answer.
    pub large: SingleLookup,
    /// A question over TCP; why there was no answer.
    pub tcp: Result<(), String>,
    /// The address of one of the root's name servers, which exists; `None` if
    /// the root's servers are unknown.
    pub existing: Option<SingleLookup>,
    /// Names that do not exist.
    pub missing: Vec<SingleLookup>,
}

/// A trust store, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustStoreSize {
    /// `system`, `mozilla` (the system has none) or the path that was given.
    pub source: String,
    /// How many certificates it has.
    pub certificates: usize,
}

/// The parts of mailcow, as they answered. What was not asked is `None`.
#[derive(Clone, Debug, Default)]
pub struct MailcowParts {
    /// What its resolver answers to `. NS`, if this machine asks another one.
    pub root: Option<SingleLookup>,
    /// Whether the resolver of this machine is mailcow's own, in a container
    /// beside it.
    pub beside: bool,
    /// What its API says of its containers, or why it says nothing.
    pub containers: Option<Result<String, String>>,
    /// What its API says of its own TLS policies, or why it says nothing.
    pub rows: Option<Result<String, String>>,
    /// Its main.cf, or why it cannot be read.
    pub main_cf: Option<Result<String, String>>,
    /// Its extra.cf.
    pub extra_cf: Option<String>,
    /// Its policy service.
    pub policy_service: Option<PolicyServiceSeen>,
}

/// A policy service that was asked about a name without mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyServiceSeen {
    /// `address:port`.
    pub address: String,
    /// Its answer, such as `NOTFOUND `, or why there is none.
    pub answer: Result<String, String>,
}
