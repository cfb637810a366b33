//! What stands in for mail servers that are not connected to.

use std::net::IpAddr;

use danecheck_core::observation::{
    AddressSeen, Assumption, Der, Session, SessionEnd, SignatureCheck, TlsSeen,
};

/// What is taken for granted of every mail server, in place of a look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// What it is.
    pub assumption: Assumption,
    /// The certificates that it shows, the leaf first; empty where it is taken
    /// to show what is asked for.
    chain: Vec<Der>,
    /// Whether servers at reserved addresses are taken to do so too.
    at_any_address: bool,
}

impl Assumed {
    /// Each server does what DNS asks of it.
    pub fn dns_only() -> Self {
        Self {
            assumption: Assumption::DnsOnly,
            chain: Vec::new(),
            at_any_address: false,
        }
    }

    /// Each server shows these certificates, which are from this file.
    pub fn certificate(file: &str, chain: Vec<Der>) -> Self {
        Self {
            assumption: Assumption::Certificate(file.to_owned()),
            chain,
            at_any_address: false,
        }
    }

    /// The same of servers at reserved addresses, none of which is connected
    /// to anyhow.
    #[must_use]
    pub fn at_any_address(self) -> Self {
        Self {
            at_any_address: true,
            ..self
        }
    }

    pub(super) fn is_at_any_address(&self) -> bool {
        self.at_any_address
    }

    /// An address as if it had been visited; one session stands for those with
    /// any server name.
    pub(super) fn address(&self, address: IpAddr) -> AddressSeen {
        let tls = (!self.chain.is_empty()).then(|| TlsSeen {
            version: None,
            cipher: None,
            group: None,
            chain: self.chain.clone(),
            signature: SignatureCheck::NotSeen,
            client_certificate_wanted: false,
        });
        AddressSeen {
            address,
            sessions: vec![Session {
                sni: None,
                greeting: None,
                ehlo: None,
                tls,
                legacy: None,
                refused_ehlo: None,
                refused_ehlo_in_tls: None,
                end: SessionEnd::Assumed,
            }],
            reserved: None,
            refused_at_first: None,
            limited: Vec::new(),
        }
    }
}
