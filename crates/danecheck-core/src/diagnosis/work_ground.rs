//! Domains that cause as much work as possible, and the limits that hold.

use super::{Diagnosis, Question};
use crate::certificate::mint::{self, Entity, NOW};
use crate::certificate::{Certificate, WorkDone};
use crate::judge::Judged;
use crate::observation::{Der, Observation};
use crate::tlsa::{CertificateUsage, MatchingType, Selector, TlsaRecord};
use crate::work::SHARED;
use rcgen::{CertificateParams, CustomExtension};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// As many as are checked.
pub(super) const HOSTS: usize = 20;
pub(super) const ADDRESSES: usize = 8;

/// TLSA records that fit into one answer.
pub(super) const RECORDS: usize = 98;

pub(super) fn host(number: usize) -> String {
    format!("mx{number}.example.test")
}

/// A domain with so many hosts of one preference and so many addresses each.
pub(super) struct Domain<'a> {
    pub(super) hosts: usize,
    pub(super) addresses: usize,
    /// What a host shows at an address.
    pub(super) chain: &'a dyn Fn(usize, usize) -> Vec<Certificate>,
    /// The TLSA records of a host.
    pub(super) records: &'a dyn Fn(usize) -> Vec<TlsaRecord>,
    pub(super) trusted: Vec<Certificate>,
}

impl Domain<'_> {
    pub(super) fn observed(&self) -> Observation {
        self.observed_in((0..self.hosts).collect())
    }

    /// The same with the hosts in another order.
    pub(super) fn observed_in(&self, order: Vec<usize>) -> Observation {
        let ders = |certificates: Vec<Certificate>| -> Vec<Der> {
            let ders = certificates.iter().map(|one| Der(one.der().to_vec()));
            ders.collect()
        };
        let lookup = |name: &str, kind: &str, records: Value| {
            let data = json!({"aliases": [], "records": records, "ttl": 60});
            json!({
                "name": name, "record_type": kind,
                "answer": {"records": {
                    "status": "secure", "known_by": "authenticated-data", "data": data,
                }},
            })
        };
        let session = |chain: &[Der], sni: Option<&str>| {
            json!({
                "sni": sni, "greeting": null, "ehlo": null, "end": "completed",
                "tls": {
                    "version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384",
                    "group": null, "chain": chain, "signature": "good",
                },
            })
        };
        let one = |number: usize| {
            let name = host(number);
            let addresses: Vec<Ipv4Addr> = (0..self.addresses)
                .map(|place| Ipv4Addr::from(0xc000_0200 + (number * 16 + place) as u32))
                .collect();
            let seen: Vec<Value> = addresses
                .iter()
                .enumerate()
                .map(|(place, address)| {
                    let chain = ders((self.chain)(number, place));
                    let sessions = [None, Some(name.as_str())].map(|sni| session(&chain, sni));
                    json!({"address": address, "sessions": sessions})
                })
                .collect();
            let owner = format!("_25._tcp.{name}");
            let records = (self.records)(number);
            let tlsa = lookup(&owner, "TLSA", json!(records));
            json!({
                "name": name,
                "a": lookup(&name, "A", json!(addresses)),
                "aaaa": null, "alias": null,
                "tlsa": [{"base_domain": name, "lookup": tlsa}],
                "addresses": seen,
            })
        };
        let mx: Vec<Value> = order
            .iter()
            .map(|number| json!({"preference": 10, "host": host(*number)}))
            .collect();
        let whole = json!({
            "format": 1,
            "next_hop": {
                "host": {"name": "example.test"}, "bracketed": false, "port": 25,
            },
            "checked_at": NOW,
            "resolver": {"addresses": ["127.0.0.1:53"], "validation": "shown"},
            "mx": lookup("example.test", "MX", json!(mx)),
            "hosts": order.iter().map(|number| one(*number)).collect::<Vec<_>>(),
            "trust_store": {"source": "test", "certificates": ders(self.trusted.clone())},
            "cuts": [],
        });
        serde_json::from_value(whole).unwrap()
    }
}

pub(super) fn full_scale<'a>(
    chain: &'a dyn Fn(usize, usize) -> Vec<Certificate>,
    records: &'a dyn Fn(usize) -> Vec<TlsaRecord>,
) -> Domain<'a> {
    Domain {
        hosts: HOSTS,
        addresses: ADDRESSES,
        chain,
        records,
        trusted: Vec::new(),
    }
}

pub(super) fn diagnose(observation: &Observation) -> Diagnosis<'_> {
    Diagnosis::of(&Question::of(observation))
}

pub(super) fn done(judged: &Judged<'_>) -> WorkDone {
    judged.evidence.verified.done()
}

/// The sum of all shares of both halves, and twice the half of DANE, which is
/// spent again for the end of the certificates.
pub(super) fn hold_to_the_limits(done: WorkDone) {
    assert!(
        done.signature_checks <= 3 * SHARED.signature_checks,
        "{done:?}"
    );
    assert!(
        done.name_comparisons <= 3 * SHARED.name_comparisons,
        "{done:?}"
    );
    assert!(done.path_steps <= 3 * SHARED.path_steps, "{done:?}");
}

pub(super) fn has_finding(diagnosis: &Diagnosis<'_>, subject: &str) -> bool {
    let mut findings = diagnosis.findings.iter();
    findings.any(|finding| {
        finding.rule.id == "judgement-cut-short" && finding.subject.contains(subject)
    })
}

/// A DER element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut whole = vec![tag];
    match length {
        0..0x80 => whole.push(length as u8),
        _ => {
            let octets = length.to_be_bytes();
            let octets: Vec<u8> = octets.into_iter().skip_while(|byte| *byte == 0).collect();
            whole.push(0x80 | octets.len() as u8);
            whole.extend(octets);
        }
    }
    whole.extend_from_slice(content);
    whole
}

pub(super) const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
pub(super) const NAME_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];

/// Adds an extension with this value.
pub(super) fn extension(params: &mut CertificateParams, oid: &[u64], value: &[u8]) {
    let extension = CustomExtension::from_oid_content(oid, value.to_vec());
    params.custom_extensions.push(extension);
}

pub(super) fn dns(name: &str) -> Vec<u8> {
    element(0x82, name.as_bytes())
}

/// A directoryName with one common name, or with none.
pub(super) fn directory(name: &str) -> Vec<u8> {
    let common_name = || {
        let value = element(0x0c, name.as_bytes());
        let attribute = element(0x30, &[&[6, 3, 0x55, 4, 3], &value[..]].concat());
        element(0x31, &attribute)
    };
    let rdns = if name.is_empty() {
        Vec::new()
    } else {
        common_name()
    };
    element(0xa4, &element(0x30, &rdns))
}

/// The SAN extension of `mx0.example.test` to `mx19.example.test` and of these
/// names behind them.
pub(super) fn names(params: &mut CertificateParams, more: impl IntoIterator<Item = Vec<u8>>) {
    params.subject_alt_names.clear();
    let hosts = (0..HOSTS).map(|number| dns(&host(number)));
    let all: Vec<u8> = hosts.chain(more).flatten().collect();
    extension(params, SUBJECT_ALT_NAME, &element(0x30, &all));
}

/// The name constraints extension with these subtrees, each with what follows
/// its base.
pub(super) fn constraints(
    params: &mut CertificateParams,
    permitted: &[(Vec<u8>, &[u8])],
    excluded: &[(Vec<u8>, &[u8])],
) {
    let list = |tag: u8, subtrees: &[(Vec<u8>, &[u8])]| {
        let subtrees = subtrees
            .iter()
            .flat_map(|(base, rest)| element(0x30, &[base, *rest].concat()));
        let content: Vec<u8> = subtrees.collect();
        match content.is_empty() {
            true => Vec::new(),
            false => element(tag, &content),
        }
    };
    let both = [list(0xa0, permitted), list(0xa1, excluded)].concat();
    extension(params, NAME_CONSTRAINTS, &element(0x30, &both));
}

pub(super) fn plain(bases: impl IntoIterator<Item = Vec<u8>>) -> Vec<(Vec<u8>, &'static [u8])> {
    bases.into_iter().map(|base| (base, &[][..])).collect()
}

/// A leaf with so many names, its common name among them, under an authority
/// with so many excluded subtrees.
pub(super) fn constrained(
    names_in_all: usize,
    constraints_in_all: usize,
    name: &dyn Fn(usize) -> Vec<u8>,
) -> (Certificate, Certificate) {
    let root = Entity::root("Lab Root", |params| {
        let bases = (0..constraints_in_all).map(|number| dns(&format!("x{number}.bad.test")));
        constraints(params, &[], &plain(bases));
    });
    let leaf = root.leaf("mx0.example.test", |params| {
        names(params, (0..names_in_all - HOSTS - 1).map(name));
    });
    (leaf.certificate, root.certificate)
}

pub(super) fn other_host(number: usize) -> Vec<u8> {
    dns(&format!("a{number}.example.test"))
}

/// `2 1 1` of this certificate, among as many others as fit.
pub(super) fn among_others(authority: &Certificate) -> Vec<TlsaRecord> {
    let other = |number: usize| {
        TlsaRecord::new(
            CertificateUsage::DANE_TA,
            Selector::SPKI,
            MatchingType::SHA2_256,
            &[number as u8; 32],
        )
    };
    let mut records: Vec<_> = (1..RECORDS).map(other).collect();
    records.push(mint::record(2, 1, 1, authority));
    records
}

/// `2 1 0` of these keys.
pub(super) fn bare_keys(keys: &[Vec<u8>]) -> Vec<TlsaRecord> {
    let record = |key: &Vec<u8>| {
        TlsaRecord::new(
            CertificateUsage::DANE_TA,
            Selector::SPKI,
            MatchingType::FULL,
            key,
        )
    };
    keys.iter().map(record).collect()
}

/// Keys on P-521, each another one.
pub(super) fn p521_keys() -> Vec<Vec<u8>> {
    (1..=RECORDS).map(|number| p521_key(number as u8)).collect()
}

pub(super) fn p521_key(number: u8) -> Vec<u8> {
    let mut secret = [0; 66];
    secret[1..].fill(number);
    let secret = p521::SecretKey::from_slice(&secret).unwrap();
    let public = secret.public_key();
    let point = p521::EncodedPoint::from(public);
    let algorithm = [
        0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23,
    ];
    let bits = element(3, &[&[0], point.as_bytes()].concat());
    element(0x30, &[&algorithm[..], &bits].concat())
}

/// Keys of RSA with 8192 bits, of which nobody has the other half.
pub(super) fn rsa_8192_keys(count: usize) -> Vec<Vec<u8>> {
    let key = |number: usize| {
        let mut modulus = vec![0xd1; 1025];
        modulus[0] = 0;
        modulus[2] = number as u8;
        let numbers = [element(2, &modulus), element(2, &[1, 0, 1])].concat();
        let bits = [&[0], &element(0x30, &numbers)[..]].concat();
        let algorithm = [
            0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0,
        ];
        element(0x30, &[&algorithm[..], &element(3, &bits)].concat())
    };
    (0..count).map(key).collect()
}

/// The same certificate as if RSA with 8192 bits had signed it.
pub(super) fn as_if_rsa_signed(certificate: &Certificate) -> Certificate {
    let algorithm = [
        0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0,
    ];
    let mut signature = vec![0x5a; 1025];
    signature[0] = 0;
    let parts = [
        certificate.to_be_signed(),
        &algorithm,
        &element(3, &signature),
    ];
    Certificate::from_der(&element(0x30, &parts.concat())).unwrap()
}

/// A leaf for all hosts from an authority that is not sent.
pub(super) fn leaf() -> Certificate {
    let root = Entity::root("Lab Root", |_| {});
    root.leaf("mx0.example.test", |params| names(params, []))
        .certificate
}
