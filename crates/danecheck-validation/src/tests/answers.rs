//! Each answer made by hand, in any order of its records.

use super::super::packet::Rr;
use super::super::presented;
use super::cases::{Case, cases};
use super::tree::{self, NOW, Tree};
use danecheck_core::dnssec::{OwnValidation, SecurityStatus};

/// The next of a row of numbers, the same in each run.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

fn shuffle(records: &mut [Rr], state: &mut u64) {
    for at in (1..records.len()).rev() {
        records.swap(at, next(state) % (at + 1));
    }
}

fn outcome(tree: &Tree, case: &Case) -> (OwnValidation, Vec<String>) {
    let bytes = case.bytes();
    (tree.judge(&bytes, NOW), presented(&bytes).unwrap().0)
}

#[test]
fn each_answer_is_what_unbound_takes_it_for() {
    let tree = Tree::new();
    let all = cases(&tree);
    assert!(all.len() > 100, "{}", all.len());
    let mut wrong = Vec::new();
    for case in &all {
        let (own, shown) = outcome(&tree, case);
        let why = own.reason.clone().unwrap_or_default();
        if own.status != case.status || !why.contains(case.why) || shown.len() != case.shown {
            wrong.push(format!(
                "{} ({} {}): {:?}, {why}; shown {shown:?}",
                case.what, case.question.0, case.question.1, own.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_order_of_records_changes_nothing() {
    let tree = Tree::new();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for mut case in cases(&tree) {
        let before = outcome(&tree, &case);
        for _ in 0..8 {
            shuffle(&mut case.answer, &mut state);
            shuffle(&mut case.authority, &mut state);
            assert_eq!(outcome(&tree, &case), before, "{}", case.what);
        }
    }
}

#[test]
fn what_unbound_alone_forgives_is_told() {
    let tree = Tree::new();
    for case in cases(&tree) {
        let (own, _) = outcome(&tree, &case);
        let out_of_time = case.what.starts_with("ended") || case.what.starts_with("begins");
        let secure = case.status == SecurityStatus::Secure;
        assert_eq!(
            own.forgiven.is_some(),
            out_of_time && secure,
            "{}",
            case.what
        );
        if let Some(forgiven) = own.forgiven {
            assert!(forgiven.until > NOW && forgiven.until.0 < NOW.0 + tree::DAY);
        }
    }
}
