//! Keys, DS records and the work that they cause.

use bytes::Bytes;
use domain::base::Rtype;
use domain::base::iana::{DigestAlgorithm, SecurityAlgorithm};
use domain::crypto::sign::GenerateParams;
use domain::rdata::{Dnskey, Ds, ZoneRecordData};

use super::super::{LOOKUP_WORK, Work, ZONE_WORK, cut};
use super::tree::{DAY, Key, NOW, Style, Tree, ds_of, name, record, reply, rr, rsa_with, unheard};
use crate::Chain;
use danecheck_core::dnssec::{Fault, OwnValidation, SecurityStatus};
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::{Operation, WorkBudget};

const A: &str = "mx.victim.test. 300 A 192.0.2.1";

fn answer(tree: &Tree) -> OwnValidation {
    let signed = tree.zone("victim.test.").set(&[A]);
    let bytes = reply(&name("mx.victim.test."), Rtype::A, false, &signed, &[]);
    tree.judge(&bytes, NOW)
}

/// The zone with these keys, signed by its own.
fn with_keys(change: impl FnOnce(&Key) -> Vec<Dnskey<Bytes>>) -> OwnValidation {
    let mut tree = Tree::new();
    let zone = tree.zone("victim.test.");
    let keys = change(&zone.key);
    let records: Vec<_> = keys
        .iter()
        .map(|key| record("victim.test.", ZoneRecordData::Dnskey(key.clone())))
        .collect();
    let signature = zone.signature(&records, &Style::default());
    tree.keyed("victim.test.", &keys, &[signature]);
    answer(&tree)
}

/// The zone with these DS records at its parent.
fn with_ds(change: impl FnOnce(Ds<Bytes>) -> Vec<Ds<Bytes>>) -> OwnValidation {
    let mut tree = Tree::new();
    let ds = change(tree.zone("victim.test.").ds());
    let records: Vec<_> = ds
        .into_iter()
        .map(|ds| record("victim.test.", ZoneRecordData::Ds(ds)))
        .collect();
    let signed = tree.zone("test.").signed(&records);
    tree.says("victim.test.", Rtype::DS, &signed, &[]);
    answer(&tree)
}

fn wrong(ds: &Ds<Bytes>, number: u8) -> Ds<Bytes> {
    let digest = Bytes::from(vec![number; 32]);
    Ds::new(ds.key_tag(), ds.algorithm(), ds.digest_type(), digest).unwrap()
}

/// A key that nobody has, with the tag of another.
fn of_same_tag(key: &Dnskey<Bytes>, number: u8) -> Dnskey<Bytes> {
    let with = |word: u16| {
        let mut public = vec![number; 64];
        public[..2].copy_from_slice(&word.to_be_bytes());
        Dnskey::new(256, 3, key.algorithm(), Bytes::from(public)).unwrap()
    };
    // The tag is a sum of words, but for what carries over.
    let off = key.key_tag().wrapping_sub(with(0).key_tag());
    let near = (0..4).flat_map(|by| [off.wrapping_add(by), off.wrapping_sub(by)]);
    let mut keys = near.map(with);
    keys.find(|it| it.key_tag() == key.key_tag()).unwrap()
}

#[test]
fn keys_that_may_not_sign_do_not() {
    let bogus = SecurityStatus::Bogus;
    for protocol in [0, 2, 4, 255] {
        let own = with_keys(|key| vec![key.with(257, protocol)]);
        assert_eq!(own.status, bogus, "protocol {protocol}");
    }
    let own = with_keys(|key| vec![key.with(1, 3)]);
    assert_eq!(own.status, bogus, "no zone key");
    let own = with_keys(|_| vec![Key::new(GenerateParams::EcdsaP256Sha256, 257).dnskey]);
    assert_eq!(own.status, bogus, "another key");
}

#[test]
fn of_keys_with_one_tag_some_are_tried() {
    for (others, status) in [
        (1, SecurityStatus::Secure),
        (3, SecurityStatus::Secure),
        (4, SecurityStatus::Indeterminate),
        (8, SecurityStatus::Indeterminate),
    ] {
        let mut tree = Tree::new();
        let zone = tree.zone("victim.test.");
        let more = (1..=others).map(|number| of_same_tag(&zone.key.dnskey, number));
        let keys: Vec<_> = more.chain([zone.key.dnskey.clone()]).collect();
        let records = keys
            .iter()
            .map(|key| record("victim.test.", ZoneRecordData::Dnskey(key.clone())));
        let records: Vec<_> = records.collect();
        let signature = zone.signature(&records, &Style::default());
        tree.keyed("victim.test.", &keys, &[signature]);
        let own = answer(&tree);
        assert_eq!(own.status, status, "{others}: {own:?}");
    }
}

#[test]
fn a_right_ds_counts_beside_any_number_of_wrong_ones() {
    let secure = SecurityStatus::Secure;
    let own = with_ds(|ds| {
        (0..20)
            .map(|number| wrong(&ds, number))
            .chain([ds.clone()])
            .collect()
    });
    assert_eq!(own.status, secure, "{own:?}");
    let own = with_ds(|ds| (0..20).map(|number| wrong(&ds, number)).collect());
    assert_eq!(own.weak_link.unwrap().fault, Fault::DsMatchesNoKey);
    // An algorithm that nobody knows, beside one that is known.
    let unknown = |ds: &Ds<Bytes>| {
        let algorithm = SecurityAlgorithm::from_int(100);
        Ds::new(
            ds.key_tag(),
            algorithm,
            ds.digest_type(),
            ds.digest().clone(),
        )
        .unwrap()
    };
    assert_eq!(with_ds(|ds| vec![unknown(&ds), ds]).status, secure);
    let insecure = SecurityStatus::Insecure;
    assert_eq!(with_ds(|ds| vec![unknown(&ds)]).status, insecure);
    let gost = |ds: &Ds<Bytes>| {
        let digest = DigestAlgorithm::from_int(3);
        Ds::new(ds.key_tag(), ds.algorithm(), digest, ds.digest().clone()).unwrap()
    };
    assert_eq!(with_ds(|ds| vec![gost(&ds)]).status, insecure);
}

#[test]
fn what_cannot_be_computed_is_indeterminate() {
    for (what, key) in [
        ("exponent 1", rsa_with(&[1], 2048)),
        ("exponent 2^40", rsa_with(&[1, 0, 0, 0, 0, 0], 2048)),
        ("an even exponent", rsa_with(&[1, 0, 0], 2048)),
        ("exponent 2^33 + 1", rsa_with(&[2, 0, 0, 0, 1], 2048)),
        ("512 bits", rsa_with(&[1, 0, 1], 512)),
        ("1008 bits", rsa_with(&[1, 0, 1], 1008)),
    ] {
        let mut tree = Tree::new();
        let apex = name("victim.test.");
        let ds = record("victim.test.", ZoneRecordData::Ds(ds_of(&apex, &key)));
        let signed = tree.zone("test.").signed(&[ds]);
        tree.says("victim.test.", Rtype::DS, &signed, &[]);
        let dnskey = record("victim.test.", ZoneRecordData::Dnskey(key.clone()));
        let mut signature = tree.zone("victim.test.").signature(
            &[dnskey],
            &Style {
                tag: Some(key.key_tag()),
                ..Style::default()
            },
        );
        if let ZoneRecordData::Rrsig(rrsig) = signature.data().clone() {
            let rsa = domain::rdata::Rrsig::new(
                rrsig.type_covered(),
                key.algorithm(),
                rrsig.labels(),
                rrsig.original_ttl(),
                rrsig.expiration(),
                rrsig.inception(),
                key.key_tag(),
                rrsig.signer_name().clone(),
                rrsig.signature().clone(),
            );
            *signature.data_mut() = ZoneRecordData::Rrsig(rsa.unwrap());
        }
        tree.keyed("victim.test.", &[key], &[signature]);
        let own = answer(&tree);
        assert_eq!(own.status, SecurityStatus::Indeterminate, "{what}: {own:?}");
        let fault = own.weak_link.unwrap().fault;
        assert_eq!(
            fault,
            Fault::UnsupportedAlgorithm { algorithm: 8 },
            "{what}"
        );
    }
}

#[test]
fn a_ds_denial_by_opt_out_needs_the_closest_encloser() {
    let tree = Tree::new();
    let zone = tree.zone("hashed.test.");
    let Chain::Zone(hashed) = tree.chain(&name("hashed.test."), NOW) else {
        panic!("it is signed");
    };
    let out = (0, 1);
    let span = zone.nsec3("a.hashed.test.", true, &[Rtype::NS], out);
    let apex = zone.nsec3("hashed.test.", false, &[Rtype::SOA, Rtype::NS], out);
    let status = |authority: &[_]| {
        let at = name("a.hashed.test.");
        let bytes = reply(&at, Rtype::DS, false, &[], authority);
        let budget = WorkBudget::new(ZONE_WORK);
        let found = cut(&hashed, &at, Ok(&bytes), NOW, Work::of(&budget));
        found.map(|it| it.is_some()).map_err(|end| end.status)
    };
    assert_eq!(
        status(&[span.clone(), apex].concat()),
        Err(SecurityStatus::Insecure)
    );
    assert_eq!(status(&span), Err(SecurityStatus::Bogus));
    let evil = tree
        .zone("evil.test.")
        .nsec3("evil.test.", false, &[Rtype::SOA], (600, 0));
    assert_eq!(status(&evil), Err(SecurityStatus::Bogus));
    assert_eq!(status(&[]), Err(SecurityStatus::Bogus));
    // Past the limit, and the zone's own.
    let toilsome = zone.nsec3("a.hashed.test.", true, &[Rtype::NS], (600, 0));
    assert_eq!(status(&toilsome), Err(SecurityStatus::Insecure));
    let budget = WorkBudget::new(ZONE_WORK);
    let lost = cut(
        &hashed,
        &name("a.hashed.test."),
        unheard(),
        NOW,
        Work::of(&budget),
    );
    assert_eq!(lost.unwrap_err().status, SecurityStatus::Indeterminate);
}

/// KeyTrap (CVE-2023-50387): each signature may be of each key.
#[test]
fn many_signatures_times_many_keys_end_within_the_budget() {
    let mut tree = Tree::new();
    let zone = tree.zone("victim.test.");
    let mut keys: Vec<_> = (1..=3)
        .map(|number| of_same_tag(&zone.key.dnskey, number))
        .collect();
    keys.push(zone.key.dnskey.clone());
    let records: Vec<_> = keys
        .iter()
        .map(|key| record("victim.test.", ZoneRecordData::Dnskey(key.clone())))
        .collect();
    let signature = zone.signature(&records, &Style::default());
    let signed = [rr(A)];
    let mut all = signed.to_vec();
    all.extend((0..120).map(|number| {
        zone.signature(
            &signed,
            &Style {
                to: DAY + number,
                spoiled: true,
                ..Style::default()
            },
        )
    }));
    tree.keyed("victim.test.", &keys, &[signature]);
    let bytes = reply(&name("mx.victim.test."), Rtype::A, false, &all, &[]);
    let budget = WorkBudget::new(LOOKUP_WORK);
    let own = tree.judge_within(&bytes, NOW, &budget);
    assert_eq!(own.status, SecurityStatus::Indeterminate, "{own:?}");
    assert_eq!(own.weak_link.unwrap().fault, Fault::TooMuchWork);
    assert_eq!(budget.left(Operation::SignatureCheck), 0);
    // Others' work is their own.
    let own = tree.judge(
        &reply(
            &name("mx.victim.test."),
            Rtype::A,
            false,
            &tree.zone("victim.test.").set(&[A]),
            &[],
        ),
        NOW,
    );
    assert_eq!(own.status, SecurityStatus::Secure, "{own:?}");
}

/// CVE-2023-50868: the closest encloser is sought label by label.
#[test]
fn a_long_search_for_the_closest_encloser_ends_within_the_budget() {
    let tree = Tree::new();
    let zone = tree.zone("hashed.test.");
    let long = format!("{}hashed.test.", "a.".repeat(115));
    let mut authority = Vec::new();
    for number in 0..40_u8 {
        let other = format!("n{number}.hashed.test.");
        // Another number of iterations is another hash of every name.
        let how = (150 - u16::from(number), 0);
        authority.extend(zone.nsec3(&other, false, &[Rtype::A], how));
    }
    let bytes = reply(&name(&long), Rtype::A, true, &[], &authority);
    let budget = WorkBudget::new(LOOKUP_WORK);
    let own = tree.judge_within(&bytes, NOW, &budget);
    assert_eq!(own.status, SecurityStatus::Indeterminate, "{own:?}");
    assert_eq!(own.weak_link.unwrap().fault, Fault::TooMuchWork);
    assert_eq!(budget.left(Operation::NameComparison), 0);
}

#[test]
fn an_ordinary_answer_costs_one_check_and_a_denial_two() {
    let tree = Tree::new();
    let zone = tree.zone("victim.test.");
    let spent = |bytes: &Bytes| {
        let budget = WorkBudget::new(LOOKUP_WORK);
        let own = tree.judge_within(bytes, NOW, &budget);
        assert_eq!(own.status, SecurityStatus::Secure, "{own:?}");
        LOOKUP_WORK.signature_checks - budget.left(Operation::SignatureCheck)
    };
    let at = name("mx.victim.test.");
    assert_eq!(spent(&reply(&at, Rtype::A, false, &zone.set(&[A]), &[])), 1);
    let nsec = zone.nsec("mx.victim.test.", "n.victim.test.", &[Rtype::A]);
    let proof = [zone.soa(), nsec].concat();
    assert_eq!(spent(&reply(&at, Rtype::MX, false, &[], &proof)), 2);
}

/// A moment of another age: the same seconds modulo 2^32, 136 years away.
fn age(count: i64) -> UnixTime {
    UnixTime(NOW.0 + (count << 32))
}

#[test]
fn no_clock_is_read() {
    // Every signature here is for fifteen days of November 2023, which are over
    // on whichever machine this runs, and no validity reaches its clock.
    let tree = Tree::new();
    let zone = tree.zone("victim.test.");
    let signed = |days: i64| {
        let (from, to) = (days * DAY, (days + 1) * DAY);
        zone.styled(
            &[rr(A)],
            &Style {
                from,
                to,
                ..Style::default()
            },
        )
    };
    let judged = |days: i64, at: UnixTime| {
        let bytes = reply(
            &name("mx.victim.test."),
            Rtype::A,
            false,
            &signed(days),
            &[],
        );
        tree.judge(&bytes, at).status
    };
    for at in [NOW, age(1), age(2), age(-1)] {
        assert_eq!(judged(0, at), SecurityStatus::Secure, "{at:?}");
        // Before its first day, and after its last: then the set alone, whose
        // zone is in its time, is out of it.
        assert_eq!(judged(5, at), SecurityStatus::Bogus, "{at:?}");
        assert_eq!(judged(-5, at), SecurityStatus::Bogus, "{at:?}");
        let then = at.plus_days(5);
        assert_eq!(judged(5, then), SecurityStatus::Secure, "{then:?}");
    }
}

#[test]
fn the_time_is_an_argument() {
    let tree = Tree::new();
    let signed = tree.zone("victim.test.").set(&[A]);
    let bytes = reply(&name("mx.victim.test."), Rtype::A, false, &signed, &[]);
    for (days, status) in [
        (-30, SecurityStatus::Bogus),
        (0, SecurityStatus::Secure),
        (13, SecurityStatus::Secure),
        (30, SecurityStatus::Bogus),
    ] {
        // The root's keys are out of their time too.
        let own = tree.judge(&bytes, NOW.plus_days(days));
        assert_eq!(own.status, status, "{days}");
    }
}
