//! Zones, as a scenario writes them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::base::iana::Rtype;

use super::surplus::Surplus;

/// The faults of a zone's signatures. Names are relative to the zone unless
/// they end in a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZoneFault {
    /// Every signature of the zone expired (RFC 4034 section 3.1.5) three days
    /// ago.
    SignaturesExpired,
    /// Every signature of the zone begins (RFC 4034 section 3.1.5) in three
    /// days.
    SignaturesNotYetValid,
    /// Every signature of the zone ends in a day, after a fortnight.
    SignaturesEndSoon,
    /// The signature of one RRset expired three days ago.
    SignatureExpired {
        /// Its owner.
        name: String,
        /// Its type.
        rtype: Rtype,
    },
    /// The RRsets of one type have no RRSIG (RFC 4035 section 2.2).
    SignatureMissing {
        /// The type, all over the zone.
        on: Rtype,
    },
    /// The signature of one RRset does not verify (RFC 4035 section 5.3.3).
    BadSignature {
        /// Its owner.
        name: String,
        /// Its type.
        rtype: Rtype,
    },
    /// One RRset is signed by a key that is not published (RFC 4035 section
    /// 5.3.1), as after a key change that went too fast.
    SigningKeyUnpublished {
        /// Its owner.
        name: String,
        /// Its type.
        rtype: Rtype,
    },
    /// The DS at the parent is of another key (RFC 4035 section 5.2), as after
    /// a key change that did not change the parent.
    DsMismatch,
    /// The parent has a DS, but the zone is no longer signed.
    DsWithoutDnskey,
    /// The zone is signed, the parent has no DS: an island of security
    /// (RFC 4033 section 2), insecure for every validator.
    DsMissing,
    /// The DS names an algorithm that nobody implements: the zone counts as
    /// unsigned (RFC 4035 section 5.2).
    DsAlgorithmUnknown,
    /// The DS names Ed448 (RFC 8080), which some validators support and others
    /// do not.
    DsAlgorithmEd448,
    /// Negative answers come without NSEC or NSEC3 (RFC 4035 section 3.1.3).
    DenialMissing,
}

/// How a signed zone denies existence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// NSEC (RFC 4034 section 4).
    Nsec,
    /// NSEC3 (RFC 5155).
    Nsec3 {
        /// Additional iterations (RFC 5155 section 3.1.3).
        iterations: u16,
        /// Whether unsigned delegations are left out (RFC 5155 section 6).
        opt_out: bool,
        /// Bytes of salt (RFC 5155 section 3.1.5).
        salt: u8,
    },
}

/// A zone as a scenario writes it. Names are relative to the apex unless they
/// end in a dot; `@` is the apex. SOA, NS and the delegation from the parent
/// are added if they are not given.
#[derive(Clone, Debug)]
pub struct Zone {
    pub(super) apex: String,
    pub(super) signed: bool,
    pub(super) ed25519: bool,
    pub(super) denial: Denial,
    pub(super) faults: Vec<ZoneFault>,
    pub(super) surplus: Option<Surplus>,
    pub(super) text: String,
    pub(super) raw: Vec<(String, Rtype, Vec<u8>)>,
    pub(super) name_servers: Vec<IpAddr>,
}

impl Zone {
    /// A zone with signatures and a DS at its parent (RFC 4035 section 2).
    pub fn signed(apex: &str) -> Self {
        Self {
            apex: apex.to_owned(),
            signed: true,
            ed25519: false,
            denial: Denial::Nsec,
            faults: Vec::new(),
            surplus: None,
            text: String::new(),
            raw: Vec::new(),
            name_servers: Vec::new(),
        }
    }

    /// A zone without signatures, whose parent has no DS for it.
    pub fn unsigned(apex: &str) -> Self {
        Self {
            signed: false,
            ..Self::signed(apex)
        }
    }

    /// Adds a fault to the signing of the zone.
    #[must_use]
    pub fn with(mut self, fault: ZoneFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Signs with Ed25519 (RFC 8080) in place of ECDSA P-256.
    #[must_use]
    pub fn ed25519(mut self) -> Self {
        self.ed25519 = true;
        self
    }

    /// Denies existence by NSEC3 (RFC 5155) in place of NSEC.
    #[must_use]
    pub fn nsec3(mut self, iterations: u16, opt_out: bool) -> Self {
        self.denial = Denial::Nsec3 {
            iterations,
            opt_out,
            salt: 0,
        };
        self
    }

    /// The same with this many bytes of salt (RFC 5155 section 3.1.5).
    #[must_use]
    pub fn nsec3_salted(mut self, iterations: u16, salt: u8) -> Self {
        self.denial = Denial::Nsec3 {
            iterations,
            opt_out: false,
            salt,
        };
        self
    }

    /// Adds keys, signatures and DS records without use.
    #[must_use]
    pub fn surplus(mut self, surplus: Surplus) -> Self {
        self.surplus = Some(surplus);
        self
    }

    /// Adds a name server at this address, which can be asked there (see
    /// `RunningDns::routes`). If its name belongs to another zone, its address
    /// is there.
    #[must_use]
    pub fn name_server(mut self, name: &str, address: IpAddr) -> Self {
        self.name_servers.push(address);
        self = self.record("@", "NS", name);
        match address {
            _ if name.ends_with('.') => self,
            IpAddr::V4(address) => self.a(name, address),
            IpAddr::V6(address) => self.aaaa(name, address),
        }
    }

    /// Adds records, as zone file text (RFC 1035 section 5).
    #[must_use]
    pub fn records(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self.text.push('\n');
        self
    }

    fn record(mut self, owner: &str, rtype: &str, data: impl std::fmt::Display) -> Self {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{owner} {rtype} {data}");
        self
    }

    /// Adds an MX record (RFC 1035 section 3.3.9). Preference 0 and the target
    /// `.` are the null MX of RFC 7505.
    #[must_use]
    pub fn mx(self, owner: &str, preference: u16, target: &str) -> Self {
        self.record(owner, "MX", format_args!("{preference} {target}"))
    }

    /// Adds an A record (RFC 1035 section 3.4.1).
    #[must_use]
    pub fn a(self, owner: &str, address: Ipv4Addr) -> Self {
        self.record(owner, "A", address)
    }

    /// Adds an AAAA record (RFC 3596 section 2).
    #[must_use]
    pub fn aaaa(self, owner: &str, address: Ipv6Addr) -> Self {
        self.record(owner, "AAAA", address)
    }

    /// Adds a CNAME record (RFC 1035 section 3.3.1).
    #[must_use]
    pub fn cname(self, owner: &str, target: &str) -> Self {
        self.record(owner, "CNAME", target)
    }

    /// Adds a DNAME record (RFC 6672).
    #[must_use]
    pub fn dname(self, owner: &str, target: &str) -> Self {
        self.record(owner, "DNAME", target)
    }

    /// Adds a TXT record (RFC 1035 section 3.3.14) of one string.
    #[must_use]
    pub fn txt(self, owner: &str, text: &str) -> Self {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        self.record(owner, "TXT", format_args!("\"{text}\""))
    }

    /// Adds a TLSA record (RFC 6698 section 2.2), `3 1 1 ab12`: any usage,
    /// selector and matching type, any length of data.
    #[must_use]
    pub fn tlsa(self, owner: &str, presentation: &str) -> Self {
        self.record(owner, "TLSA", presentation)
    }

    /// Adds a TLSA record (RFC 6698 section 2.1) as its bytes, which may be
    /// malformed: two bytes, or none.
    #[must_use]
    pub fn tlsa_bytes(self, owner: &str, bytes: &[u8]) -> Self {
        self.raw(owner, Rtype::TLSA, bytes)
    }

    /// Adds a record of any type as its bytes (RFC 3597 section 3), which may
    /// be malformed.
    #[must_use]
    pub fn raw(mut self, owner: &str, rtype: Rtype, bytes: &[u8]) -> Self {
        self.raw.push((owner.to_owned(), rtype, bytes.to_vec()));
        self
    }
}
