//! Work that servers and their TLSA records can cause: counted, bounded, and
//! judged rightly or not at all.

use rcgen::PublicKeyData as _;
use serde_json::{Value, json};

use super::Diagnosis;
use super::work_ground::{
    ADDRESSES, Domain, HOSTS, among_others, as_if_rsa_signed, bare_keys, constrained, constraints,
    diagnose, directory, dns, done, full_scale, has_finding, hold_to_the_limits, host, leaf, names,
    other_host, p521_keys, plain, rsa_8192_keys,
};
use crate::certificate::Certificate;
use crate::certificate::mint::{self, Entity, NOW};
use crate::judge::{Action, Standing, Verdict};
use crate::observation::Observation;
use crate::report::{Report, json as report_as_json};
use crate::work::SHARED;

#[test]
fn names_times_constraints_past_the_bound_of_openssl_defer_and_are_not_compared() {
    let (leaf, root) = constrained(3_800, 3_800, &other_host);
    let records = among_others(&root);
    let chain = |_, _| vec![leaf.clone(), root.clone()];
    let observation = full_scale(&chain, &|_| records.clone()).observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::DaneBroken);
    assert_eq!(judged.outcomes.dane.dsn.as_deref(), Some("4.7.5"));
    assert_eq!(done(judged).name_comparisons, 0);
    // One signature, by one key, for all of it.
    assert!(done(judged).signature_checks < 100, "{:?}", done(judged));
    hold_to_the_limits(done(judged));
    assert!(!has_finding(&diagnosis, ""));
}

#[test]
fn names_times_constraints_below_it_deliver_and_are_compared_once() {
    let (leaf, root) = constrained(900, 900, &other_host);
    let records = among_others(&root);
    let chain = |_, _| vec![leaf.clone(), root.clone()];
    let observation = full_scale(&chain, &|_| records.clone()).observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::DaneOk);
    // Names are looked up among the bases, not compared with each.
    assert!(done(judged).name_comparisons < 20_000, "{:?}", done(judged));
}

#[test]
fn directory_names_and_permitted_subtrees_are_held_to_the_limits_too() {
    // Names that have to be compared with each base.
    let root = Entity::root("Lab Root", |params| {
        let bases = |kind: &str| plain((0..450).map(|n| directory(&format!("{kind}{n}"))));
        let permitted = [
            bases("a"),
            bases("b"),
            plain([directory("mx0.example.test")]),
        ]
        .concat();
        constraints(params, &permitted, &[]);
    });
    let leaves: Vec<Certificate> = (0..HOSTS * ADDRESSES)
        .map(|number| {
            let leaf = root.leaf("mx0.example.test", |params| {
                names(
                    params,
                    (0..800).map(|n| directory(&format!("b{}", n % 450))),
                );
                params.serial_number = Some(vec![1, number as u8].into());
            });
            leaf.certificate
        })
        .collect();
    let root = root.certificate;
    let record = mint::record(2, 1, 1, &root);
    let one = |_, _| vec![leaves[0].clone(), root.clone()];
    let observation = full_scale(&one, &|_| vec![record.clone()]).observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::DaneOk);
    assert!(done(judged).name_comparisons < 1_000_000);
    // Another leaf everywhere: too much, and no word against the domain.
    let each = |number: usize, place: usize| {
        vec![leaves[number * ADDRESSES + place].clone(), root.clone()]
    };
    let observation = full_scale(&each, &|_| vec![record.clone()]).observed();
    not_judged(&diagnose(&observation));
}

/// What holds wherever the judgement was cut short everywhere.
fn not_judged(diagnosis: &Diagnosis<'_>) {
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::Indeterminate);
    assert_eq!(judged.recommendation.action, Action::NotFixable);
    assert!(
        judged.recommendation.reason.contains("takes more work"),
        "{}",
        judged.recommendation.reason
    );
    assert!(!judged.outcomes.dane.is_told());
    assert!(!judged.outcomes.dane_only.is_told());
    // What asks for no certificate does not depend on it.
    assert!(judged.outcomes.encrypt.delivers_at_once());
    assert!(judged.outcomes.may.delivers_at_once());
    assert!(judged.outcomes.fingerprint.delivers_at_once());
    let standings = &judged.standings;
    assert!(standings.iter().all(|one| *one == Standing::NotJudged));
    for number in 0..HOSTS {
        assert!(has_finding(diagnosis, &host(number)));
    }
    let accusations = [
        "tlsa-mismatch",
        "dane-ta-chain-refused",
        "tlsa-issuer-changed",
    ];
    for finding in &diagnosis.findings {
        assert!(!accusations.contains(&finding.rule.id), "{finding:?}");
    }
    hold_to_the_limits(done(judged));
    let report = Report::new(diagnosis);
    assert!(report_as_json(&report).contains("judgement-cut-short"));
}

#[test]
fn bare_keys_are_tried_once_on_each_chain() {
    let leaf = leaf();
    let keys = p521_keys();
    let chain = |_, _| vec![leaf.clone()];
    let observation = full_scale(&chain, &|_| bare_keys(&keys)).observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    // None of them signed it.
    assert_eq!(judged.verdict, Verdict::DaneBroken);
    assert!(done(judged).signature_checks <= SHARED.signature_checks);
    assert!(!has_finding(&diagnosis, ""));
    // And one that did.
    let root = Entity::root("Lab Root", |_| {});
    let leaf = root.leaf("mx0.example.test", |params| names(params, []));
    let mut keys = keys;
    keys[97] = root.key.subject_public_key_info();
    let chain = |_, _| vec![leaf.certificate.clone()];
    let observation = full_scale(&chain, &|_| bare_keys(&keys)).observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::DaneOk);
    assert!(done(judged).signature_checks <= SHARED.signature_checks);
}

#[test]
fn bare_keys_for_another_chain_at_each_address_are_not_judged() {
    let leaves: Vec<_> = (0..HOSTS * ADDRESSES).map(|_| leaf()).collect();
    let keys = p521_keys();
    let chain = |number: usize, place: usize| vec![leaves[number * ADDRESSES + place].clone()];
    let observation = full_scale(&chain, &|_| bare_keys(&keys)).observed();
    not_judged(&diagnose(&observation));
}

#[test]
fn bare_keys_of_each_host_for_one_chain_are_not_judged() {
    let leaf = leaf();
    let chain = |_, _| vec![leaf.clone()];
    let keys = p521_keys();
    let own = |number: usize| {
        let mut keys = keys.clone();
        keys.rotate_left(number);
        bare_keys(&keys)
    };
    let observation = full_scale(&chain, &own).observed();
    not_judged(&diagnose(&observation));
}

#[test]
fn rsa_keys_of_the_greatest_length_are_tried_once_too() {
    let leaf = as_if_rsa_signed(&leaf());
    let keys = rsa_8192_keys(60);
    let chain = |_, _| vec![leaf.clone()];
    let observation = full_scale(&chain, &|_| bare_keys(&keys)).observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::DaneBroken);
    assert!(done(judged).signature_checks <= SHARED.signature_checks);
    assert!(!has_finding(&diagnosis, ""));
    // Whole keys and certificates in one set, and other chains everywhere.
    let leaves: Vec<_> = (0..HOSTS * ADDRESSES)
        .map(|_| as_if_rsa_signed(&self::leaf()))
        .collect();
    let chain = |number: usize, place: usize| vec![leaves[number * ADDRESSES + place].clone()];
    let observation = full_scale(&chain, &|_| bare_keys(&keys)).observed();
    not_judged(&diagnose(&observation));
}

/// A chain of twenty, the root last, below which each address has a leaf of
/// its own.
#[test]
fn chains_of_twenty_are_verified_within_their_share() {
    let mut authorities = vec![Entity::root("Authority 0", |_| {})];
    for number in 1..19 {
        let next = authorities[number - 1].intermediate(&format!("Authority {number}"), |_| {});
        authorities.push(next);
    }
    let above: Vec<Certificate> = authorities
        .iter()
        .rev()
        .map(|authority| authority.certificate.clone())
        .collect();
    let leaves: Vec<Certificate> = (0..HOSTS * ADDRESSES)
        .map(|_| {
            let leaf = authorities[18].leaf("mx0.example.test", |params| names(params, []));
            leaf.certificate
        })
        .collect();
    let chain = |number: usize, place: usize| {
        let leaf = leaves[number * ADDRESSES + place].clone();
        [vec![leaf], above.clone()].concat()
    };
    // Place 9 above the leaf is not too deep, the root is.
    for (anchor, verdict) in [(9, Verdict::DaneOk), (18, Verdict::DaneBroken)] {
        let records = among_others(&above[anchor]);
        let records = |_: usize| records.clone();
        let mut domain = full_scale(&chain, &records);
        domain.trusted = vec![above[18].clone()];
        let observation = domain.observed();
        let diagnosis = diagnose(&observation);
        let judged = &diagnosis.judged;
        assert_eq!(judged.verdict, verdict, "{anchor}");
        assert!(!has_finding(&diagnosis, ""));
        let done = done(judged);
        hold_to_the_limits(done);
        // Each leaf once, and each authority once.
        assert!(done.signature_checks < 4 * 200, "{done:?}");
    }
}

#[test]
fn what_one_host_shows_takes_nothing_away_from_another() {
    let honest = Entity::root("Honest Root", |_| {});
    let honest_leaf = honest.leaf(&host(0), |_| {}).certificate;
    let keys = p521_keys();
    let leaves: Vec<_> = (0..(HOSTS - 1) * ADDRESSES).map(|_| leaf()).collect();
    let chain = |number: usize, place: usize| match number {
        0 => vec![honest_leaf.clone(), honest.certificate.clone()],
        _ => vec![leaves[(number - 1) * ADDRESSES + place].clone()],
    };
    let records = |number: usize| match number {
        0 => vec![mint::record(2, 1, 1, &honest.certificate)],
        _ => bare_keys(&keys),
    };
    let domain = full_scale(&chain, &records);
    let observation = domain.observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::Indeterminate);
    let (own, others) = judged.standings.split_at(ADDRESSES);
    assert!(own.iter().all(|one| *one == Standing::Authenticated));
    assert!(others.iter().all(|one| *one == Standing::NotJudged));
    let cut: Vec<bool> = (0..HOSTS)
        .map(|n| has_finding(&diagnosis, &host(n)))
        .collect();
    assert!(!cut[0] && cut[1..].iter().all(|cut| *cut));
    // Nor does it matter who comes first.
    let order: Vec<usize> = (0..HOSTS).rev().collect();
    let turned = domain.observed_in(order);
    assert_eq!(turned_back(&turned), turned_back(&observation));
    assert_eq!(
        report_as_json(&Report::of(&observation)),
        report_as_json(&judge_again(&observation))
    );
}

fn judge_again(observation: &Observation) -> Report {
    Report::new(&diagnose(observation))
}

/// The report in an order that is not Postfix's.
fn turned_back(observation: &Observation) -> Value {
    let mut report: Value = serde_json::to_value(Report::of(observation)).unwrap();
    for place in ["/hosts", "/mx/records", "/findings"] {
        let list = report.pointer_mut(place).unwrap().as_array_mut().unwrap();
        list.sort_by_key(Value::to_string);
    }
    // Among equals the first is named.
    for outcome in report["outcomes"].as_object_mut().unwrap().values_mut() {
        outcome["via"] = Value::Null;
        let reason = outcome["reason"]
            .as_str()
            .map(|text| text.replace(char::is_numeric, ""));
        outcome["reason"] = json!(reason);
    }
    report
}

#[test]
fn the_order_of_equal_hosts_changes_no_report() {
    let (leaf, root) = constrained(60, 60, &other_host);
    let keys = p521_keys();
    // Some are right, some wrong, and some too much.
    let chain = |_: usize, _: usize| vec![leaf.clone(), root.clone()];
    let records = |number: usize| match number % 3 {
        0 => among_others(&root),
        1 => vec![mint::record(3, 1, 1, &root)],
        _ => bare_keys(&keys),
    };
    let domain = full_scale(&chain, &records);
    let whole = turned_back(&domain.observed());
    assert_eq!(turned_back(&domain.observed()), whole);
    for step in [1, 7, 13] {
        let mut order: Vec<usize> = (0..HOSTS).collect();
        order.rotate_left(step);
        order.swap(0, step);
        assert_eq!(turned_back(&domain.observed_in(order)), whole);
    }
}

/// The result of `2 1 1` of the root, of `num=` alone where it is refused.
fn code(leaf: &Certificate, root: &Certificate) -> Option<u32> {
    let record = mint::record(2, 1, 1, root);
    let chain = mint::sent(&[leaf, root]);
    let matching = crate::matching::match_dane(&[record], &chain, &[host(0)], NOW);
    let failure = matching.result.err()?;
    assert!(!failure.is_for_want_of_work());
    assert_eq!(failure.depth, 0);
    failure.error.code()
}

#[test]
fn the_bound_on_names_times_constraints_is_that_of_openssl() {
    for (names, constraints, expected) in [
        // 2^20 - 1, 2^20 and 2^20 + 1.
        (1_023, 1_025, None),
        (1_024, 1_024, None),
        (61_681, 17, Some(1)),
        (1_025, 1_024, Some(1)),
        (900, 900, None),
        (3_800, 3_800, Some(1)),
    ] {
        let (leaf, root) = constrained(names, constraints, &other_host);
        assert_eq!(code(&leaf, &root), expected, "{names} x {constraints}");
    }
    // Names that no constraint is about count as well.
    let empty = |_: usize| directory("");
    let (leaf, root) = constrained(1_024, 1_024, &empty);
    assert_eq!(code(&leaf, &root), None);
    let (leaf, root) = constrained(1_025, 1_024, &empty);
    assert_eq!(code(&leaf, &root), Some(1));
}

#[test]
fn a_minimum_or_a_maximum_in_name_constraints_is_refused() {
    for (rest, expected) in [
        (&[][..], None),
        // The default, spelt out.
        (&[0x80, 1, 0], None),
        (&[0x80, 1, 1], Some(49)),
        (&[0x81, 1, 0], Some(49)),
        (&[0x80, 1, 0, 0x81, 1, 5], Some(49)),
    ] {
        for is_permitted in [true, false] {
            let root = Entity::root("Lab Root", |params| {
                let permitted = [(dns("example.test"), rest)];
                let excluded = [(dns("bad.test"), rest)];
                match is_permitted {
                    true => constraints(params, &permitted, &[]),
                    false => constraints(params, &[], &excluded),
                }
            });
            let leaf = root.leaf("mx0.example.test", |params| names(params, []));
            let code = code(&leaf.certificate, &root.certificate);
            assert_eq!(code, expected, "{rest:?} {is_permitted}");
        }
    }
}

#[test]
fn a_certificate_of_empty_names_takes_no_more_memory_than_its_der() {
    let name = directory("");
    let root = Entity::root("Lab Root", |_| {});
    let leaf = |number: usize| {
        let leaf = root.leaf("mx0.example.test", |params| {
            names(params, (0..13_500).map(|_| name.clone()));
            params.serial_number = Some(vec![1, number as u8].into());
        });
        leaf.certificate
    };
    let leaves: Vec<Certificate> = (0..40).map(leaf).collect();
    let chain = |number: usize, place: usize| vec![leaves[number * ADDRESSES + place].clone()];
    let records = |_: usize| {
        let records = leaves.iter().map(|leaf| mint::record(3, 1, 1, leaf));
        records.collect()
    };
    let domain = Domain {
        hosts: 5,
        ..full_scale(&chain, &records)
    };
    let observation = domain.observed();
    let diagnosis = diagnose(&observation);
    let judged = &diagnosis.judged;
    assert_eq!(judged.verdict, Verdict::DaneOk);
    for session in judged
        .evidence
        .addresses()
        .flat_map(|(_, address)| &address.sessions)
    {
        let leaf = session.chain[0].as_ref().unwrap();
        // The names are not kept one by one.
        assert_eq!(leaf.alternative_name_count(), HOSTS + 13_500);
        assert_eq!(leaf.dns_names().len(), HOSTS);
        assert!(leaf.size() < 2 * leaf.der().len(), "{}", leaf.size());
    }
}

#[test]
fn long_records_at_many_addresses_are_whole_at_their_name_alone() {
    let keys = p521_keys();
    let leaf = leaf();
    let chain = |_: usize, _: usize| vec![leaf.clone()];
    let records = |_: usize| bare_keys(&keys);
    for (hosts, whole) in [(1, true), (HOSTS, false)] {
        let domain = Domain {
            hosts,
            ..full_scale(&chain, &records)
        };
        let report = Report::of(&domain.observed());
        for host in &report.hosts {
            let published = &host.tlsa[0].records;
            for address in &host.addresses {
                assert_eq!(address.records.len(), published.len());
                for (record, published) in address.records.iter().zip(published) {
                    assert!(published.len() > 300);
                    let cut = record.record.strip_suffix("...").unwrap_or(&record.record);
                    assert!(published.starts_with(cut));
                    assert_eq!(record.record == *published, whole);
                    assert!(whole || cut.len() == 2 * 64 + "2 1 0 ".len());
                }
            }
        }
    }
}
