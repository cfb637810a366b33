//! Certificates that keep a verifier busy: thousands of names, constraints on
//! them, slow keys, chains without an anchor, each at many addresses.

use std::sync::Arc;

use danecheck_world::dns::{ResolverKind, Rtype, Surplus, SurplusKey};
use danecheck_world::pki::{Authority, AuthorityProfile, Identity, KeyKind, Leaf};
use danecheck_world::smtp::MailServer;
use p521::ProjectivePoint;
use p521::elliptic_curve::sec1::ToEncodedPoint as _;

use crate::cases::{Case, Word};
use crate::der;
use crate::ground::Ground;

/// MX hosts, and addresses of each: as many as are checked.
const HOSTS: u8 = 20;
const ADDRESSES: u8 = 8;

/// TLSA records of one host: as many as Postfix takes, less two.
const RECORDS: u16 = 98;

/// Subject alternative names (RFC 5280 section 4.2.1.6).
const ALTERNATIVE_NAMES: [u64; 4] = [2, 5, 29, 17];

/// Name constraints (RFC 5280 section 4.2.1.10).
const NAME_CONSTRAINTS: [u64; 4] = [2, 5, 29, 30];

/// What is said where DANE ends in a failure, or if that was not found out.
const BROKEN: &[&str] = &["dane-broken", "indeterminate"];

pub(crate) fn cases() -> Vec<Case> {
    let mut all = of_names();
    all.extend(of_keys());
    all.extend(of_paths());
    all.push(
        Case::new("all-at-once", |ground| {
            all_at_once(ground);
        })
        .without_rest()
        .costing_work()
        .word(Word::NotClear),
    );
    all
}

/// Twenty hosts of eight addresses; none of their certificates may be taken for
/// a good one.
fn hosts(name: &'static str, set: impl Fn(&mut Ground) + Send + Sync + 'static) -> Case {
    Case::new(name, set)
        .without_rest()
        .costing_work()
        .verdicts(BROKEN)
        .word(Word::NotClear)
}

/// Adds twenty hosts, each with these TLSA records and, at each of its eight
/// addresses, an identity.
fn add_hosts(
    ground: &mut Ground,
    records: &[Vec<u8>],
    mut identity: impl FnMut(&mut Ground, u8, u8) -> Identity,
) {
    for host in 0..HOSTS {
        add_host(ground, host, records, &mut identity);
    }
}

fn add_host(
    ground: &mut Ground,
    host: u8,
    records: &[Vec<u8>],
    identity: &mut impl FnMut(&mut Ground, u8, u8) -> Identity,
) {
    let name = format!("mx{host}");
    ground.records(&format!("@ MX 10 {name}"));
    let owner = format!("_{}._tcp.{name}", ground.port);
    for record in records {
        ground.raw(&owner, Rtype::TLSA, record);
    }
    for number in 0..ADDRESSES {
        let address = 1 + host * ADDRESSES + number;
        ground.records(&format!("{name} A {}", ground.address(address)));
        let identity = identity(ground, host, number);
        ground.server(address, MailServer::new(identity));
    }
}

/// A TLSA record from its presentation.
fn record(presentation: &str) -> Vec<u8> {
    let mut fields = presentation.split(' ');
    let mut bytes: Vec<u8> = fields
        .by_ref()
        .take(3)
        .map(|it| it.parse().unwrap())
        .collect();
    let data = fields.next().unwrap().as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap();
    bytes.extend(
        data.chunks(2)
            .map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap()),
    );
    bytes
}

/// So many records with a digest of no certificate, and then this one.
fn records_before(count: u16, last: &str) -> Vec<Vec<u8>> {
    let last = record(last);
    let wrong = (0..count.saturating_sub(1)).map(|number| {
        let mut wrong = last[..3].to_vec();
        wrong.extend([0; 30]);
        wrong.extend(number.to_be_bytes());
        wrong
    });
    wrong.chain([last.clone()]).collect()
}

/// The names of all hosts, as every certificate has them.
fn host_names(ground: &Ground) -> impl Iterator<Item = String> {
    let domain = ground.domain.clone();
    (0..HOSTS).map(move |host| format!("mx{host}.{domain}"))
}

/// An authority that excludes so many names.
fn constraining(constraints: usize) -> Authority {
    let profile = (0..constraints).fold(AuthorityProfile::new("C"), |profile, number| {
        profile.excluding(format!("x{number}"))
    });
    Authority::root(profile, danecheck_world::dns::now())
}

/// A certificate with these names and more, so many in all.
fn many_names(own: Vec<String>, names: usize) -> Leaf {
    let more = (0..names.saturating_sub(own.len())).map(|number| format!("n{number}"));
    Leaf::new(own.into_iter().chain(more))
}

/// Names and constraints on them in thousands, and the DANE-TA(2) records of the
/// authority.
pub(crate) fn constrained(ground: &mut Ground, names: usize, constraints: usize, records: u16) {
    let issuer = constraining(constraints);
    let leaf = many_names(host_names(ground).collect(), names);
    let identity = issuer.issue(leaf).sending_root();
    let records = records_before(records, &issuer.tlsa(2, 1, 1));
    add_hosts(ground, &records, |_, _, _| identity.clone());
}

/// The same at one address with one record, and its one verdict.
fn one_host(name: &'static str, names: usize, constraints: usize, verdict: &'static str) -> Case {
    let verdicts: &[&str] = match verdict {
        "dane-ok" => &["dane-ok"],
        _ => &["dane-broken"],
    };
    Case::new(name, move |ground| {
        let issuer = constraining(constraints);
        let leaf = many_names(vec![format!("mx.{}", ground.domain)], names);
        let identity = issuer.issue(leaf).sending_root();
        let tlsa = format!("_{}._tcp.mx TLSA {}", ground.port, issuer.tlsa(2, 1, 1));
        let address = ground.address(100);
        ground.records(&format!("@ MX 10 mx\nmx A {address}\n{tlsa}"));
        ground.server(100, MailServer::new(identity));
    })
    .without_rest()
    .costing_work()
    .verdicts(verdicts)
}

/// A leaf whose alternative names are these general names in DER, under an
/// authority with that record.
fn named(ground: &mut Ground, names: &[u8]) {
    let names = der::sequence(names);
    let root = ground.root.clone();
    let records = records_before(RECORDS, &root.tlsa(2, 1, 1));
    add_hosts(ground, &records, |ground, _, _| {
        let leaf = Leaf::new::<String>([]).extension(&ALTERNATIVE_NAMES, names.clone(), false);
        ground.root.issue(leaf).sending_root()
    });
}

fn of_names() -> Vec<Case> {
    vec![
        // OpenSSL stops past 2^20 names times constraints
        // (`v3_ncons.c:NAME_CONSTRAINTS_check`), and Postfix defers.
        hosts("names-3800-constraints-3800", |ground| {
            constrained(ground, 3800, 3800, RECORDS);
        }),
        one_host(
            "names-3800-constraints-3800-at-one-address",
            3800,
            3800,
            "dane-broken",
        ),
        one_host(
            "names-1025-constraints-1024-at-one-address",
            1025,
            1024,
            "dane-broken",
        ),
        one_host(
            "names-1024-constraints-1025-at-one-address",
            1024,
            1025,
            "dane-broken",
        ),
        // Nothing but honest work: it has to be done.
        one_host(
            "names-1024-constraints-1024-at-one-address",
            1024,
            1024,
            "dane-ok",
        ),
        one_host(
            "names-900-constraints-900-at-one-address",
            900,
            900,
            "dane-ok",
        ),
        Case::new("names-900-constraints-900", |ground| {
            constrained(ground, 900, 900, RECORDS);
        })
        .without_rest()
        .costing_work()
        .verdicts(&["dane-ok", "dane-partial", "indeterminate"]),
        hosts("directory-names-13500", |ground| {
            named(ground, &[0xa4, 2, 0x30, 0].repeat(13_500));
        }),
        hosts("dns-names-of-no-letter-27000", |ground| {
            named(ground, &[0x82, 0].repeat(27_000));
        }),
        hosts("addresses-9000", |ground| {
            named(ground, &[0x87, 4, 192, 0, 2, 1].repeat(9_000));
        }),
        hosts("other-names-6000", |ground| {
            named(
                ground,
                &[0xa0, 7, 0x06, 1, 0x2a, 0xa0, 2, 0x05, 0].repeat(6_000),
            );
        }),
        hosts("critical-extensions-3500", |ground| {
            let records = records_before(RECORDS, &ground.root.tlsa(2, 1, 1));
            add_hosts(ground, &records, |ground, host, _| {
                let leaf = Leaf::new([format!("mx{host}.{}", ground.domain)]);
                let leaf = (0..3500).fold(leaf, |leaf, number| {
                    leaf.extension(&[1, 3, 200 + number], vec![0x05, 0], true)
                });
                ground.root.issue(leaf).sending_root()
            });
        }),
        hosts("attributes-1500", |ground| {
            let profile = AuthorityProfile::new("A").attributes(1200);
            let root = Authority::root(profile, danecheck_world::dns::now());
            let records = records_before(RECORDS, &root.tlsa(2, 1, 1));
            add_hosts(ground, &records, |ground, host, _| {
                // A certificate for another host.
                let leaf = Leaf::new([format!("not-mx{host}.{}", ground.domain)]);
                root.issue(leaf.attributes(1500)).sending_root()
            });
        }),
        // Names that take more than a look at their letters.
        hosts("directory-names-and-constraints", |ground| {
            let directory = |number: u16| {
                let text = [
                    0x0c,
                    2,
                    b'a' + (number % 26) as u8,
                    b'a' + (number / 26 % 26) as u8,
                ];
                let attribute = [&[0x06, 3, 0x55, 0x04, 0x0a][..], &text].concat();
                let name = der::sequence(&der::value(0x31, &der::sequence(&attribute)));
                der::value(0xa4, &name)
            };
            let subtrees: Vec<u8> = (0..1500)
                .flat_map(|number| der::sequence(&directory(number)))
                .collect();
            let constraints = der::sequence(&der::value(0xa1, &subtrees));
            let profile =
                AuthorityProfile::new("D").extension(&NAME_CONSTRAINTS, constraints, true);
            let issuer = Authority::root(profile, danecheck_world::dns::now());
            let records = records_before(RECORDS, &issuer.tlsa(2, 1, 1));
            let names: Vec<u8> = (0..1500).flat_map(|n| directory(n % 20 + 650)).collect();
            let names = der::sequence(&names);
            let leaf = Leaf::new::<String>([]).extension(&ALTERNATIVE_NAMES, names, false);
            let identity = issuer.issue(leaf).sending_root();
            add_hosts(ground, &records, |_, _, _| identity.clone());
        }),
    ]
}

/// Keys on P-521 that are points of the curve, as `2 1 0` records.
fn p521_records() -> Vec<Vec<u8>> {
    let algorithm = der::p521();
    let mut point = ProjectivePoint::GENERATOR;
    let keys = (0..RECORDS).map(|_| {
        point += ProjectivePoint::GENERATOR;
        let point = point.to_affine().to_encoded_point(false);
        let key = der::public_key(&algorithm, point.as_bytes());
        [&[2, 1, 0][..], &key].concat()
    });
    keys.collect()
}

/// RSA keys of 8192 bits as `2 1 0` records, as many as fit into an answer.
fn rsa_records(exponent: &[u8]) -> Vec<Vec<u8>> {
    let keys = (0..58_u8).map(|number| {
        let mut modulus = [0xa7; 1024];
        modulus[1] = number;
        let key = der::public_key(&der::rsa(), &der::rsa_key(&modulus, exponent));
        [&[2, 1, 0][..], &key].concat()
    });
    keys.collect()
}

/// Hosts of which each address shows another certificate, and none of the
/// issuers.
pub(crate) fn bare_keys(
    ground: &mut Ground,
    records: &[Vec<u8>],
    issuer: &Authority,
    leaf: impl Fn(Leaf) -> Leaf,
) {
    add_hosts(ground, records, |ground, host, _| {
        let plain = Leaf::new([format!("mx{host}.{}", ground.domain)]);
        issuer.issue(leaf(plain)).sending_leaf_alone()
    });
}

pub(crate) fn p521_keys(ground: &mut Ground) {
    let issuer = ground.root.clone();
    bare_keys(ground, &p521_records(), &issuer, |leaf| leaf);
}

fn of_keys() -> Vec<Case> {
    vec![
        hosts("p521-keys-98", p521_keys),
        hosts("rsa-8192-keys-58", |ground| {
            let issuer = ground.root.clone();
            bare_keys(ground, &rsa_records(&[1, 0, 1]), &issuer, |leaf| {
                leaf.with_rsa_signature(1024)
            });
        }),
        hosts("rsa-8192-keys-58-of-a-large-exponent", |ground| {
            let issuer = ground.root.clone();
            let exponent = [1, 0xff, 0xff, 0xff, 0xff];
            bare_keys(ground, &rsa_records(&exponent), &issuer, |leaf| {
                leaf.with_rsa_signature(1024)
            });
        }),
    ]
}

/// Authorities under each other, so many.
fn below(top: &Authority, count: usize, kind: KeyKind) -> Authority {
    (0..count).fold(top.clone(), |issuer, number| {
        issuer.intermediate(AuthorityProfile::new(format!("I{number}")).key(kind))
    })
}

fn of_paths() -> Vec<Case> {
    vec![
        hosts("chain-of-twenty", |ground| {
            let root = ground.root.clone();
            let records = records_before(RECORDS, &root.tlsa(2, 1, 1));
            let issuers: Vec<Authority> = (0..HOSTS)
                .map(|_| below(&root, 18, KeyKind::EcdsaP384))
                .collect();
            add_hosts(ground, &records, |ground, host, _| {
                let leaf = Leaf::new([format!("mx{host}.{}", ground.domain)]);
                issuers[usize::from(host)].issue(leaf).sending_root()
            });
        }),
        // Two names, nine keys each, one key identifier for all of a name: every
        // certificate of the one may have issued every one of the other.
        hosts("ladder-of-one-name", |ground| {
            let root = ground.root.clone();
            let records = records_before(RECORDS, &root.tlsa(2, 1, 1));
            let step = |issuer: &Authority, name: &str| {
                issuer.intermediate(AuthorityProfile::new(name).key_identifier(name))
            };
            let mut rungs = vec![step(&root, "A")];
            for number in 1..18 {
                let name = if number % 2 == 0 { "A" } else { "B" };
                rungs.push(step(&rungs[number - 1], name));
            }
            let top = rungs.pop().unwrap();
            let extra: Vec<_> = rungs.iter().map(|it| it.certificate().clone()).collect();
            add_hosts(ground, &records, |ground, host, _| {
                let leaf = Leaf::new([format!("mx{host}.{}", ground.domain)]);
                let identity = top.issue(leaf).sending_leaf_alone();
                identity
                    .sending_also(extra.iter().cloned())
                    .sending_also([top.certificate().clone()])
            });
        }),
        // One authority with one key, certified by many.
        hosts("cross-signed-by-eighteen", |ground| {
            let root = ground.root.clone();
            let records = records_before(RECORDS, &root.tlsa(2, 1, 1));
            let issuer = root.intermediate("X");
            let now = danecheck_world::dns::now();
            let others: Vec<_> = (0..18)
                .map(|number| Authority::root(format!("R{number}"), now))
                .map(|other| issuer.cross_signed_by(&other).certificate().clone())
                .collect();
            add_hosts(ground, &records, |ground, host, _| {
                let leaf = Leaf::new([format!("mx{host}.{}", ground.domain)]);
                let identity = issuer.issue(leaf).sending_leaf_alone();
                identity.sending_also(others.iter().cloned())
            });
        }),
    ]
}

/// Each host does something else, and the addresses are signed too often.
pub(crate) fn all_at_once(ground: &mut Ground) {
    ground.resolver = ResolverKind::NotValidating;
    let root = ground.root.clone();
    let constrained = constraining(3800);
    let named = many_names(host_names(ground).collect(), 3800);
    let named = constrained.issue(named).sending_root();
    let directory = der::sequence(&[0xa4, 2, 0x30, 0].repeat(13_500));
    let directory = Leaf::new::<String>([]).extension(&ALTERNATIVE_NAMES, directory, false);
    let directory = root.issue(directory).sending_root();
    let deep = below(&root, 18, KeyKind::EcdsaP384);
    let p521 = p521_records();
    let rsa = rsa_records(&[1, 0xff, 0xff, 0xff, 0xff]);
    let anchor = records_before(RECORDS, &root.tlsa(2, 1, 1));
    let constraints = records_before(RECORDS, &constrained.tlsa(2, 1, 1));
    let each = Arc::new(move |ground: &mut Ground, host: u8, _: u8| {
        let leaf = Leaf::new([format!("mx{host}.{}", ground.domain)]);
        match host % 5 {
            0 => named.clone(),
            1 => directory.clone(),
            2 => deep.issue(leaf).sending_root(),
            3 => ground.root.issue(leaf).sending_leaf_alone(),
            _ => ground
                .root
                .issue(leaf.with_rsa_signature(1024))
                .sending_leaf_alone(),
        }
    });
    for host in 0..HOSTS {
        let records = match host % 5 {
            0 => &constraints,
            1 | 2 => &anchor,
            3 => &p521,
            _ => &rsa,
        };
        let each = each.clone();
        add_host(ground, host, records, &mut move |ground, host, number| {
            each(ground, host, number)
        });
    }
    let surplus = Surplus {
        key: SurplusKey::EcdsaP256,
        keys: 100,
        signatures: 100,
        ..Surplus::default()
    };
    ground.zone(|zone| zone.surplus(surplus.over("*", Rtype::A).over("*", Rtype::AAAA)));
}
