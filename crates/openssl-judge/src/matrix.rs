//! Extension x defect x place in the chain x what the chain may end in.

use openssl::error::ErrorStack;

use crate::chain::{Case, Certificate, Extension, Key, NOW, Record, Trust};
use crate::der;
use crate::values::{EXTENSIONS, Value, spoilt, values};

/// The host that is asked for.
pub(crate) const HOST: &str = "mx.test";

/// The keys of the chain.
pub(crate) struct Keys {
    pub(crate) leaf: Key,
    pub(crate) middle: Key,
    pub(crate) root: Key,
}

impl Keys {
    pub(crate) fn new() -> Result<Self, ErrorStack> {
        Ok(Self {
            leaf: Key::p256()?,
            middle: Key::p256()?,
            root: Key::p256()?,
        })
    }
}

/// Where in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Leaf,
    Middle,
    Root,
    /// A leaf that signed itself.
    Alone,
}

const PLACES: [(Place, &str); 4] = [
    (Place::Leaf, "leaf"),
    (Place::Middle, "intermediate"),
    (Place::Root, "root"),
    (Place::Alone, "self-signed leaf"),
];

/// A certificate of the chain with nothing wrong about it.
fn certificate(place: Place) -> Certificate {
    let (serial, issuer, subject) = match place {
        Place::Root => (7, "Root", "Root"),
        Place::Middle => (8, "Root", "Middle"),
        Place::Leaf => (9, "Middle", HOST),
        Place::Alone => (9, HOST, HOST),
    };
    let mut extensions = Vec::new();
    if matches!(place, Place::Root | Place::Middle) {
        for (oid, name) in [("2.5.29.19", "basicConstraints"), ("2.5.29.15", "keyUsage")] {
            let (_, value) = values(name, false).swap_remove(0);
            extensions.push(Extension {
                oid,
                critical: true,
                value,
            });
        }
    } else {
        let (_, value) = values("subjectAltName", true).swap_remove(0);
        extensions.push(Extension::plain("2.5.29.17", value));
    }
    Certificate {
        version: 2,
        serial: vec![serial],
        issuer: der::common_name(issuer),
        subject: der::common_name(subject),
        not_before: "260101000000Z",
        not_after: "270101000000Z",
        extensions,
    }
}

/// A chain with one certificate changed.
struct Chain {
    leaf: Vec<u8>,
    middle: Vec<u8>,
    root: Vec<u8>,
}

impl Chain {
    fn new(
        keys: &Keys,
        place: Place,
        change: impl Fn(&mut Certificate),
    ) -> Result<Self, ErrorStack> {
        let make = |of: Place, key: &Key, issuer: &Key| {
            let mut certificate = certificate(of);
            if of == place {
                change(&mut certificate);
            }
            certificate.sign(key, issuer)
        };
        let leaf = match place {
            Place::Alone => make(Place::Alone, &keys.leaf, &keys.leaf)?,
            _ => make(Place::Leaf, &keys.leaf, &keys.middle)?,
        };
        Ok(Self {
            leaf,
            middle: make(Place::Middle, &keys.middle, &keys.root)?,
            root: make(Place::Root, &keys.root, &keys.root)?,
        })
    }

    /// Each way in which it is sent and may be trusted.
    fn cases(self, keys: &Keys, place: Place, name: &str) -> Vec<Case> {
        let Self { leaf, middle, root } = self;
        let case = |how: &str, sent: &[&Vec<u8>], trust| Case {
            name: format!("{name}; {how}"),
            sent: sent.iter().map(|der| (*der).clone()).collect(),
            trust,
            names: vec![HOST.to_owned()],
            now: NOW,
        };
        let store =
            |known: &[&Vec<u8>]| Trust::Store(known.iter().map(|der| (*der).clone()).collect());
        let record = |usage, selector, matching, der: &Vec<u8>, key| {
            Trust::Records(vec![Record::of(usage, selector, matching, der, key)])
        };
        if place == Place::Alone {
            return vec![
                case("in the store", &[&leaf], store(&[&leaf])),
                case("not in the store", &[&leaf], store(&[])),
                case(
                    "2 1 0 of itself",
                    &[&leaf],
                    record(2, 1, 0, &leaf, &keys.leaf),
                ),
                case(
                    "2 0 0 of itself",
                    &[&leaf],
                    record(2, 0, 0, &leaf, &keys.leaf),
                ),
                case(
                    "3 1 1 of itself",
                    &[&leaf],
                    record(3, 1, 1, &leaf, &keys.leaf),
                ),
                case(
                    "2 1 1 of itself",
                    &[&leaf],
                    record(2, 1, 1, &leaf, &keys.leaf),
                ),
            ];
        }
        let all = [&leaf, &middle, &root];
        let other = Trust::Records(vec![
            Record::of(3, 1, 1, &root, &keys.root),
            Record::of(2, 1, 1, &root, &keys.root),
        ]);
        vec![
            case("root in the store", &[&leaf, &middle], store(&[&root])),
            case("root in the store and sent", &all, store(&[&root])),
            case(
                "intermediate in the store",
                &[&leaf],
                store(&[&middle, &root]),
            ),
            case("root sent, not in the store", &all, store(&[])),
            case(
                "2 1 1 of the root",
                &all,
                record(2, 1, 1, &root, &keys.root),
            ),
            case(
                "2 0 2 of the intermediate",
                &[&leaf, &middle],
                record(2, 0, 2, &middle, &keys.middle),
            ),
            case(
                "2 0 0 of the root, not sent",
                &[&leaf, &middle],
                record(2, 0, 0, &root, &keys.root),
            ),
            case(
                "2 1 0 of the root, not sent",
                &[&leaf, &middle],
                record(2, 1, 0, &root, &keys.root),
            ),
            case(
                "2 1 0 of the intermediate, not sent",
                &[&leaf],
                record(2, 1, 0, &middle, &keys.middle),
            ),
            case(
                "2 1 1 of the root, not sent",
                &[&leaf, &middle],
                record(2, 1, 1, &root, &keys.root),
            ),
            case(
                "3 1 1 of the leaf",
                &[&leaf, &middle],
                record(3, 1, 1, &leaf, &keys.leaf),
            ),
            case("3 1 1 and 2 1 1 of the root", &all, other),
        ]
    }
}

/// Each case of the matrix, one after the other.
pub(crate) fn each(
    keys: &Keys,
    mut judge: impl FnMut(Case) -> Result<(), ErrorStack>,
) -> Result<(), ErrorStack> {
    for (place, where_) in PLACES {
        let is_leaf = matches!(place, Place::Leaf | Place::Alone);
        for (oid, extension) in EXTENSIONS {
            let own = values(extension, is_leaf);
            let (_, right) = own.first().cloned().unwrap_or_default();
            let mut variants: Vec<Value> = own;
            variants.extend(spoilt(&right));
            for (defect, value) in &variants {
                for critical in [false, true] {
                    let said = if critical { ", critical" } else { "" };
                    let name = format!("{extension} {defect}{said}, {where_}");
                    let chain = Chain::new(keys, place, |certificate| {
                        certificate.extensions.retain(|other| other.oid != *oid);
                        certificate.extensions.push(Extension {
                            oid,
                            critical,
                            value: value.clone(),
                        });
                    })?;
                    for case in chain.cases(keys, place, &name) {
                        judge(case)?;
                    }
                }
            }
            for (defect, values) in repeated(&right) {
                let name = format!("{extension} {defect}, {where_}");
                let chain = Chain::new(keys, place, |certificate| {
                    certificate.extensions.retain(|other| other.oid != *oid);
                    for value in &values {
                        certificate
                            .extensions
                            .push(Extension::plain(oid, value.clone()));
                    }
                })?;
                for case in chain.cases(keys, place, &name) {
                    judge(case)?;
                }
            }
        }
    }
    Ok(())
}

/// An extension that is there more than once.
fn repeated(right: &[u8]) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let right = right.to_vec();
    let garbage = vec![0xff, 0xff];
    vec![
        ("twice", vec![right.clone(), right.clone()]),
        (
            "three times",
            vec![right.clone(), right.clone(), right.clone()],
        ),
        ("right, then garbage", vec![right.clone(), garbage.clone()]),
        ("garbage, then right", vec![garbage, right]),
    ]
}
