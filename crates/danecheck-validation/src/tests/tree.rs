//! A small tree of zones with keys made on the spot, answers signed by hand,
//! and a way to judge them without a socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use domain::base::iana::{Class, DigestAlgorithm, Nsec3HashAlgorithm, Rcode, SecurityAlgorithm};
use domain::base::name::RelativeName;
use domain::base::rdata::{ComposeRecordData as _, UnknownRecordData};
use domain::base::{MessageBuilder, Name, Record, Rtype, Ttl};
use domain::crypto::sign::{GenerateParams, KeyPair, SignRaw as _, generate};
use domain::dnssec::common::nsec3_hash;
use domain::dnssec::validator::base::RrsigExt as _;
use domain::rdata::dnssec::{RtypeBitmap, Timestamp};
use domain::rdata::nsec3::{Nsec3Salt, OwnerHash};
use domain::rdata::{Dnskey, Ds, Nsec, Nsec3, Rrsig, ZoneRecordData};
use domain::utils::base32;
use domain::zonefile::inplace::{Entry, Zonefile};
use ring::digest::{SHA256, digest};

use super::super::owner::Owner;
use super::super::packet::{Data, Packet, Rr};
use super::super::{Chain, Judgement, LOOKUP_WORK, Progress, Work, ZONE_WORK};
use super::super::{child, cut, path, root};
use crate::trust_anchor::RootAnchors;
use danecheck_core::dnssec::OwnValidation;
use danecheck_core::observation::FailureKind;
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::WorkBudget;

/// When everything here is judged.
pub(super) const NOW: UnixTime = UnixTime(1_700_000_000);

pub(super) const DAY: i64 = 86_400;

pub(super) fn name(text: &str) -> Owner {
    text.parse().unwrap()
}

/// A record from its line in a zone file.
pub(super) fn rr(line: &str) -> Rr {
    let mut file = Zonefile::from(format!("{line}\n").as_str());
    file.set_default_class(Class::IN);
    file.set_origin(Name::root());
    match file.next_entry().unwrap().unwrap() {
        Entry::Record(record) => {
            use domain::base::name::FlattenInto as _;
            let data: Data = record.data().clone().try_flatten_into().unwrap();
            let owner: Owner = name(&record.owner().to_string());
            Record::new(owner, Class::IN, record.ttl(), data)
        }
        other => panic!("{other:?}"),
    }
}

/// TLSA data of any shape.
pub(super) fn raw_tlsa(owner: &str, data: &[u8]) -> Rr {
    let data = UnknownRecordData::from_octets(Rtype::TLSA, Bytes::copy_from_slice(data)).unwrap();
    record(owner, ZoneRecordData::Unknown(data))
}

pub(super) fn record(owner: &str, data: Data) -> Rr {
    Record::new(name(owner), Class::IN, Ttl::from_secs(300), data)
}

pub(super) struct Key {
    pair: KeyPair,
    pub(super) dnskey: Dnskey<Bytes>,
}

impl Key {
    pub(super) fn new(params: GenerateParams, flags: u16) -> Self {
        let (secret, public) = generate(&params, flags).unwrap();
        let pair = KeyPair::from_bytes(&secret, &public).unwrap();
        Self {
            pair,
            dnskey: public.convert(),
        }
    }

    /// The same key under another header.
    pub(super) fn with(&self, flags: u16, protocol: u8) -> Dnskey<Bytes> {
        let (algorithm, public) = (self.dnskey.algorithm(), self.dnskey.public_key().clone());
        Dnskey::new(flags, protocol, algorithm, public).unwrap()
    }
}

/// How a signature is made.
#[derive(Clone)]
pub(super) struct Style {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) labels: Option<u8>,
    pub(super) tag: Option<u16>,
    pub(super) signer: Option<Owner>,
    pub(super) spoiled: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            from: -DAY,
            to: 14 * DAY,
            labels: None,
            tag: None,
            signer: None,
            spoiled: false,
        }
    }
}

pub(crate) struct Zone {
    pub(super) apex: Owner,
    pub(super) key: Key,
}

impl Zone {
    fn new(apex: &str) -> Self {
        Self {
            apex: name(apex),
            key: Key::new(GenerateParams::EcdsaP256Sha256, 257),
        }
    }

    /// The signature over records, made as `style` says.
    pub(super) fn signature(&self, records: &[Rr], style: &Style) -> Rr {
        let first = &records[0];
        let labels = style.labels.unwrap_or_else(|| {
            let all = first.owner().label_count() - 1;
            let wild = first.owner().first().as_slice() == b"*";
            (all - usize::from(wild)).try_into().unwrap()
        });
        let stamp = |offset: i64| Timestamp::from(u32::try_from(NOW.0 + offset).unwrap());
        let build = |signature: Vec<u8>| -> Rrsig<Bytes, Owner> {
            Rrsig::new(
                first.rtype(),
                self.key.dnskey.algorithm(),
                labels,
                first.ttl(),
                stamp(style.to),
                stamp(style.from),
                style.tag.unwrap_or_else(|| self.key.dnskey.key_tag()),
                style.signer.clone().unwrap_or_else(|| self.apex.clone()),
                Bytes::from(signature),
            )
            .unwrap()
        };
        let mut signed = Vec::new();
        let mut sorted = records.to_vec();
        let Ok(()) = build(vec![0]).signed_data(&mut signed, &mut sorted);
        let mut signature = self.key.pair.sign_raw(&signed).unwrap().as_ref().to_vec();
        if style.spoiled {
            signature[0] ^= 1;
        }
        Record::new(
            first.owner().clone(),
            Class::IN,
            first.ttl(),
            ZoneRecordData::Rrsig(build(signature)),
        )
    }

    /// Records with their signature.
    pub(super) fn signed(&self, records: &[Rr]) -> Vec<Rr> {
        self.styled(records, &Style::default())
    }

    pub(super) fn styled(&self, records: &[Rr], style: &Style) -> Vec<Rr> {
        let mut all = records.to_vec();
        all.push(self.signature(records, style));
        all
    }

    /// The lines of one record set, signed.
    pub(super) fn set(&self, lines: &[&str]) -> Vec<Rr> {
        self.signed(&lines.iter().map(|line| rr(line)).collect::<Vec<_>>())
    }

    /// A set that a wildcard with so many labels has made.
    pub(super) fn expanded(&self, line: &str, labels: u8) -> Vec<Rr> {
        let labels = Some(labels);
        self.styled(
            &[rr(line)],
            &Style {
                labels,
                ..Style::default()
            },
        )
    }

    pub(super) fn soa(&self) -> Vec<Rr> {
        self.set(&[&format!("{} 300 SOA ns. host. 1 2 3 4 5", self.apex_text())])
    }

    fn apex_text(&self) -> String {
        self.apex.fmt_with_dot().to_string()
    }

    pub(super) fn nsec(&self, owner: &str, next: &str, types: &[Rtype]) -> Vec<Rr> {
        let data = Nsec::new(name(next), bitmap(types));
        self.signed(&[record(owner, ZoneRecordData::Nsec(data))])
    }

    /// The NSEC3 record of a name (`cover` false), or one whose span holds it.
    pub(super) fn nsec3(&self, of: &str, cover: bool, types: &[Rtype], how: (u16, u8)) -> Vec<Rr> {
        self.signed(&[self.nsec3_record(of, cover, types, how)])
    }

    pub(super) fn nsec3_record(
        &self,
        of: &str,
        cover: bool,
        types: &[Rtype],
        (iterations, flags): (u16, u8),
    ) -> Rr {
        let salt = Nsec3Salt::<Bytes>::empty();
        let sha1 = Nsec3HashAlgorithm::SHA1;
        let hash = nsec3_hash::<_, _, Vec<u8>>(name(of), sha1, iterations, &salt).unwrap();
        // The hash before this one, or after it.
        let step = |hash: &[u8], by: u8| {
            let mut hash = hash.to_vec();
            for byte in hash.iter_mut().rev() {
                *byte = byte.wrapping_add(by);
                let carries = if by == 1 { 0 } else { 255 };
                if *byte != carries {
                    break;
                }
            }
            hash
        };
        let hash = hash.into_octets();
        let own = if cover {
            step(&hash, 255)
        } else {
            hash.clone()
        };
        let next = OwnerHash::from_octets(Bytes::from(step(&hash, 1))).unwrap();
        let label = RelativeName::<Vec<u8>>::from_octets(
            std::iter::once(32)
                .chain(
                    base32::encode_string_hex(&own)
                        .to_ascii_lowercase()
                        .into_bytes(),
                )
                .collect(),
        )
        .unwrap();
        let owner = format!("{label}.{}", self.apex_text());
        let data = Nsec3::new(sha1, flags, iterations, salt, next, bitmap(types));
        record(&owner, ZoneRecordData::Nsec3(data))
    }

    pub(super) fn ds(&self) -> Ds<Bytes> {
        ds_of(&self.apex, &self.key.dnskey)
    }
}

pub(super) fn ds_of(apex: &Owner, key: &Dnskey<Bytes>) -> Ds<Bytes> {
    use domain::base::ToName as _;
    let mut digested = Vec::new();
    let Ok(()) = apex.compose_canonical(&mut digested);
    let Ok(()) = key.compose_canonical_rdata(&mut digested);
    let value = Bytes::copy_from_slice(digest(&SHA256, &digested).as_ref());
    Ds::new(
        key.key_tag(),
        key.algorithm(),
        DigestAlgorithm::SHA256,
        value,
    )
    .unwrap()
}

pub(super) fn bitmap(types: &[Rtype]) -> RtypeBitmap<Bytes> {
    let mut builder = RtypeBitmap::<Vec<u8>>::builder();
    for rtype in types {
        builder.add(*rtype).unwrap();
    }
    let bytes = builder.finalize().as_octets().clone();
    RtypeBitmap::from_octets(Bytes::from(bytes)).unwrap()
}

/// A reply of bytes.
pub(super) fn reply(
    name: &Owner,
    rtype: Rtype,
    nx: bool,
    answer: &[Rr],
    authority: &[Rr],
) -> Bytes {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_qr(true);
    let rcode = if nx { Rcode::NXDOMAIN } else { Rcode::NOERROR };
    builder.header_mut().set_rcode(rcode);
    let mut builder = builder.question();
    builder.push((name, rtype)).unwrap();
    let mut builder = builder.answer();
    for record in answer {
        builder.push(record).unwrap();
    }
    let mut builder = builder.authority();
    for record in authority {
        builder.push(record).unwrap();
    }
    builder.finish().into()
}

/// The zones, and what their servers say of keys.
pub(super) struct Tree {
    pub(super) zones: HashMap<&'static str, Zone>,
    unsigned: Vec<Owner>,
    replies: HashMap<(Owner, Rtype), Bytes>,
    chains: Mutex<HashMap<(Owner, UnixTime), Chain>>,
}

impl Tree {
    pub(super) fn new() -> Self {
        let apexes = [
            ".",
            "test.",
            "victim.test.",
            "child.victim.test.",
            "evil.test.",
            "hashed.test.",
        ];
        Self {
            zones: apexes.into_iter().map(|it| (it, Zone::new(it))).collect(),
            unsigned: vec![name("plain.test."), name("plain.victim.test.")],
            replies: HashMap::new(),
            chains: Mutex::default(),
        }
    }

    pub(super) fn zone(&self, apex: &str) -> &Zone {
        &self.zones[apex]
    }

    /// Says something else to a question.
    pub(super) fn says(&mut self, of: &str, rtype: Rtype, answer: &[Rr], authority: &[Rr]) {
        let of = name(of);
        let bytes = reply(&of, rtype, false, answer, authority);
        self.replies.insert((of, rtype), bytes);
        self.chains.lock().unwrap().clear();
    }

    /// A zone whose keys are others than its parent's DS calls for by itself.
    pub(super) fn keyed(&mut self, apex: &'static str, keys: &[Dnskey<Bytes>], signatures: &[Rr]) {
        let records = keys
            .iter()
            .map(|key| record(apex, ZoneRecordData::Dnskey(key.clone())));
        let all: Vec<Rr> = records.chain(signatures.iter().cloned()).collect();
        self.says(apex, Rtype::DNSKEY, &all, &[]);
    }

    fn parent(&self, of: &Owner) -> &Zone {
        let above = |zone: &&Zone| *of != zone.apex && of.ends_with(&zone.apex);
        let zones = self.zones.values().filter(above);
        zones.max_by_key(|zone| zone.apex.label_count()).unwrap()
    }

    pub(super) fn answer(&self, of: &Owner, rtype: Rtype) -> Bytes {
        if let Some(bytes) = self.replies.get(&(of.clone(), rtype)) {
            return bytes.clone();
        }
        let text = of.fmt_with_dot().to_string();
        let here = self.zones.values().find(|zone| zone.apex == *of);
        if rtype == Rtype::DNSKEY {
            let zone = here.unwrap();
            let keys = [record(
                &text,
                ZoneRecordData::Dnskey(zone.key.dnskey.clone()),
            )];
            return reply(of, rtype, false, &zone.signed(&keys), &[]);
        }
        let parent = self.parent(of);
        if let Some(zone) = here {
            let ds = [record(&text, ZoneRecordData::Ds(zone.ds()))];
            return reply(of, rtype, false, &parent.signed(&ds), &[]);
        }
        let types: &[Rtype] = match self.unsigned.contains(of) {
            true => &[Rtype::NS, Rtype::RRSIG, Rtype::NSEC],
            false => &[Rtype::A, Rtype::RRSIG, Rtype::NSEC],
        };
        let nsec = parent.nsec(&text, &format!("\\000.{text}"), types);
        reply(of, rtype, false, &[], &nsec)
    }

    pub(super) fn anchors(&self) -> RootAnchors {
        let ds = self.zone(".").ds();
        RootAnchors::from_text(&format!(". IN DS {ds}")).unwrap()
    }

    /// How far the chain reaches, with no more work than a zone may cost.
    pub(super) fn chain(&self, to: &Owner, now: UnixTime) -> Chain {
        let key = (to.clone(), now);
        if let Some(chain) = self.chains.lock().unwrap().get(&key) {
            return chain.clone();
        }
        let chain = self.found_chain(to, now);
        self.chains.lock().unwrap().insert(key, chain.clone());
        chain
    }

    fn found_chain(&self, to: &Owner, now: UnixTime) -> Chain {
        let budget = || WorkBudget::new(ZONE_WORK);
        let keys = self.answer(&Name::root(), Rtype::DNSKEY);
        let own = budget();
        let mut zone = match root(Ok(&keys), &self.anchors(), now, Work::of(&own)) {
            Ok(zone) => Arc::new(zone),
            Err(end) => return Chain::End(Arc::from(end)),
        };
        for at in path(to) {
            let ds = self.answer(&at, Rtype::DS);
            let own = budget();
            let delegation = match cut(&zone, &at, Ok(&ds), now, Work::of(&own)) {
                Ok(None) => continue,
                Ok(Some(delegation)) => delegation,
                Err(end) => return Chain::End(Arc::from(end)),
            };
            let keys = self.answer(&at, Rtype::DNSKEY);
            let own = budget();
            zone = match child(&delegation, Ok(&keys), now, Work::of(&own)) {
                Ok(zone) => Arc::new(zone),
                Err(end) => return Chain::End(Arc::from(end)),
            };
        }
        Chain::Zone(zone)
    }

    /// Judges a reply.
    pub(super) fn judge(&self, reply: &Bytes, now: UnixTime) -> OwnValidation {
        self.judge_within(reply, now, &WorkBudget::new(LOOKUP_WORK))
    }

    pub(super) fn judge_within(
        &self,
        reply: &Bytes,
        now: UnixTime,
        budget: &WorkBudget,
    ) -> OwnValidation {
        let mut judgement = Judgement::new(Packet::read(reply).unwrap());
        let mut chains = HashMap::new();
        for _ in 0..8 {
            match judgement.proceed(&chains, now, Work::of(budget)) {
                Progress::Done(own) => return *own,
                Progress::Needs(needs) => {
                    assert!(!needs.is_empty(), "it waits for nothing");
                    for need in needs {
                        let chain = self.chain(&need.name, now);
                        chains.insert(need.name, chain);
                    }
                }
            }
        }
        panic!("it asks without end");
    }
}

/// An algorithm of RSA, with a key that has this exponent.
pub(super) fn rsa_with(exponent: &[u8], bits: usize) -> Dnskey<Bytes> {
    let mut public = vec![u8::try_from(exponent.len()).unwrap()];
    public.extend_from_slice(exponent);
    public.extend(std::iter::repeat_n(0xc5, bits / 8));
    Dnskey::new(257, 3, SecurityAlgorithm::RSASHA256, Bytes::from(public)).unwrap()
}

/// A failure in place of a reply.
pub(super) fn unheard() -> Result<&'static Bytes, FailureKind> {
    Err(FailureKind::ServFail)
}
