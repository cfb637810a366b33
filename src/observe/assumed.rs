//! The assumption about mail servers to which danecheck does not connect.

use std::net::IpAddr;

use danecheck_core::observation::{
    AddressSeen, Assumption, Der, Session, SessionEnd, SignatureCheck, TlsSeen,
};

/// What danecheck assumes about every mail server instead of checking it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// What it is.
    pub assumption: Assumption,
    /// The certificates that it shows, the leaf first; empty if it is assumed
    /// to show what the policy asks for.
    chain: Vec<Der>,
    /// Whether this is also assumed about servers at reserved addresses.
    at_any_address: bool,
}

impl Assumed {
    /// Each server behaves as DNS requires.
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

    /// The same about servers at reserved addresses, to which danecheck does
    /// not connect anyway.
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

    /// An address as if danecheck had connected to it; one session stands for
    /// those with any server name.
    pub(super) fn address(&self, address: IpAddr) -> AddressSeen {
        let tls = (!self.chain.is_empty()).then(|| TlsSeen {
            version: None,
            cipher: None,
            group: None,
            chain: self.chain.clone(),
            signature: SignatureCheck::NotSeen,
            client_certificate_wanted: false,
            name_unknown: false,
        });
        AddressSeen {
            sessions: vec![Session {
                tls,
                ..Session::ended(None, SessionEnd::Assumed)
            }],
            ..AddressSeen::not_looked_at(address)
        }
    }
}
