//! Chains drawn at random, each from its own number.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;

use crate::chain::{Case, Certificate, Extension, Key, NOW, Record, Trust};
use crate::der;
use crate::exception::CHANGED;
use crate::matrix::HOST;
use crate::values::{EXTENSIONS, spoilt, values};

/// Numbers from a seed (splitmix64).
pub(crate) struct Draw(u64);

impl Draw {
    /// The draw of this number with this seed.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut draw = Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number);
        draw.next();
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    /// So often of a hundred times.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let place = self.below(choices.len());
        &choices[place]
    }
}

/// Keys to draw from.
pub(crate) struct Keys(Vec<Key>);

impl Keys {
    pub(crate) fn new() -> Result<Self, ErrorStack> {
        const RSA_SHA256: &str = "1.2.840.113549.1.1.11";
        const RSA_SHA1: &str = "1.2.840.113549.1.1.5";
        Ok(Self(vec![
            Key::p256()?,
            Key::p256()?,
            Key::p256()?,
            Key::p256()?,
            Key::on_curve(
                Nid::SECP384R1,
                "1.2.840.10045.4.3.3",
                MessageDigest::sha384(),
            )?,
            Key::ed25519()?,
            Key::rsa(2048, RSA_SHA256, MessageDigest::sha256())?,
            Key::rsa(2048, RSA_SHA1, MessageDigest::sha1())?,
            Key::rsa(1024, RSA_SHA256, MessageDigest::sha256())?,
            Key::rsa(768, RSA_SHA256, MessageDigest::sha256())?,
        ]))
    }
}

const NAMES: &[&str] = &["Root", "Middle", "Lower", "lower", "Lower ", HOST, ""];
const PERIODS: &[(&str, &str)] = &[
    ("260101000000Z", "260201000000Z"),
    ("261201000000Z", "270101000000Z"),
    ("260101000000Z", "260601000000Z"),
    ("260601000000Z", "270101000000Z"),
    ("250101000000Z", "300101000000Z"),
];

/// The chain of this number.
pub(crate) fn chain(keys: &Keys, seed: u64, number: u64) -> Result<Case, ErrorStack> {
    let mut draw = Draw::new(seed, number);
    let length = match draw.below(100) {
        0..10 => 1,
        10..30 => 2,
        30..70 => 3,
        70..90 => 4,
        90..97 => 5 + draw.below(2),
        _ => 10 + draw.below(5),
    };
    // Most keys are of the first four kinds, which are quick.
    let owners: Vec<usize> = (0..length)
        .map(|_| {
            if draw.chance(90) {
                draw.below(4)
            } else {
                draw.below(keys.0.len())
            }
        })
        .collect();
    let subjects: Vec<String> = (0..length)
        .map(|place| match place {
            0 if draw.chance(90) => HOST.to_owned(),
            _ if draw.chance(15) => (*draw.of(NAMES)).to_owned(),
            _ => format!("CA {place}"),
        })
        .collect();
    let mut made = Vec::new();
    for place in 0..length {
        let top = place + 1 == length;
        let issuer = match draw.below(100) {
            0..90 if top => place,
            0..90 => place + 1,
            _ => draw.below(length),
        };
        let (not_before, not_after) = if draw.chance(88) {
            ("260101000000Z", "270101000000Z")
        } else {
            *draw.of(PERIODS)
        };
        let certificate = Certificate {
            version: if draw.chance(96) { 2 } else { 0 },
            serial: vec![u8::try_from(7 + place).unwrap_or(1)],
            issuer: der::common_name(&subjects[issuer]),
            subject: der::common_name(&subjects[place]),
            not_before,
            not_after,
            extensions: extensions(&mut draw, place == 0),
        };
        let signer = if draw.chance(96) {
            owners[issuer]
        } else {
            draw.below(4)
        };
        made.push(certificate.sign(&keys.0[owners[place]], &keys.0[signer])?);
    }
    let mut sent = sent(&mut draw, &made);
    // A changed octet, wherever it falls.
    let is_changed = draw.chance(15);
    if is_changed {
        let certificate = draw.below(sent.len());
        let place = draw.below(sent[certificate].len());
        sent[certificate][place] ^= 1 << draw.below(8);
    }
    let trust = if draw.chance(50) {
        let mut known: Vec<Vec<u8>> = Vec::new();
        for (place, der) in made.iter().enumerate() {
            if draw.chance(if place + 1 == length { 85 } else { 10 }) {
                known.push(der.clone());
            }
        }
        Trust::Store(known)
    } else {
        let count = 1 + draw.below(3);
        let mut records = Vec::new();
        for _ in 0..count {
            let place = if draw.chance(50) {
                length - 1
            } else {
                draw.below(length)
            };
            let usage = if draw.chance(85) { 2 } else { 3 };
            let (selector, matching) = (*draw.of(&[0, 1]), *draw.of(&[0, 1, 1, 2]));
            let key = &keys.0[owners[place]];
            let mut record = Record::of(usage, selector, matching, &made[place], key);
            if matching > 0 && draw.chance(10) {
                record.data[0] ^= 1;
            }
            records.push(record);
        }
        Trust::Records(records)
    };
    let names = match draw.below(100) {
        0..80 => vec![HOST],
        80..90 => vec!["other.test", HOST],
        _ => vec!["other.test"],
    };
    Ok(Case {
        name: if is_changed {
            format!("chain {number} of seed {seed} {CHANGED}")
        } else {
            format!("chain {number} of seed {seed}")
        },
        sent,
        trust,
        names: names.into_iter().map(str::to_owned).collect(),
        now: NOW,
    })
}

fn extensions(draw: &mut Draw, is_leaf: bool) -> Vec<Extension> {
    let usual: &[(&str, usize)] = if is_leaf {
        &[
            ("subjectAltName", 85),
            ("extKeyUsage", 50),
            ("keyUsage", 30),
            ("basicConstraints", 30),
            ("authorityKeyIdentifier", 20),
            ("subjectKeyIdentifier", 20),
            ("cRLDistributionPoints", 10),
        ]
    } else {
        &[
            ("basicConstraints", 94),
            ("keyUsage", 70),
            ("subjectKeyIdentifier", 40),
            ("authorityKeyIdentifier", 20),
            ("nameConstraints", 15),
            ("extKeyUsage", 5),
        ]
    };
    let mut extensions = Vec::new();
    for (name, percent) in usual {
        if draw.chance(*percent) {
            extensions.extend(extension(draw, name, is_leaf, 85));
        }
    }
    while draw.chance(12) {
        let (_, name) = *draw.of(EXTENSIONS);
        extensions.extend(extension(draw, name, is_leaf, 40));
    }
    if !extensions.is_empty() && draw.chance(2) {
        let again = draw.of(&extensions).clone();
        extensions.push(again);
    }
    extensions
}

/// One extension, so often with its right value.
fn extension(draw: &mut Draw, name: &str, is_leaf: bool, right: usize) -> Option<Extension> {
    let (oid, _) = EXTENSIONS.iter().find(|(_, known)| *known == name)?;
    let mut known = values(name, is_leaf);
    let value = if draw.chance(right) {
        known.swap_remove(0).1
    } else {
        if draw.chance(25) {
            let (_, right) = known.first().cloned()?;
            known = spoilt(&right);
        }
        draw.of(&known).1.clone()
    };
    Some(Extension {
        oid,
        critical: draw.chance(15),
        value,
    })
}

/// What the server sends of it.
fn sent(draw: &mut Draw, made: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (leaf, rest) = made.split_at(1);
    let mut rest: Vec<Vec<u8>> = rest.iter().filter(|_| draw.chance(88)).cloned().collect();
    if draw.chance(20) {
        for place in 0..rest.len() {
            let other = draw.below(rest.len());
            rest.swap(place, other);
        }
    }
    if draw.chance(5) {
        let again = draw.of(made).clone();
        rest.push(again);
    }
    [leaf, &rest].concat()
}
