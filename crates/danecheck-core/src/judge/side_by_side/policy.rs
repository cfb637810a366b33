//! MTA-STS, side by side.

use crate::observation::PolicyResponse;

use super::super::evidence::Evidence;
use super::super::mta_sts::{MtaSts, Unavailable, mta_sts};
use super::dns::lookups;
use super::{Aspect, Difference, DifferenceKind, Found};

/// Compares the records and the policies.
pub(super) fn compare<'a>(a: &Evidence<'a>, b: &Evidence<'a>, found: &mut Found) {
    let (Some(one), Some(other)) = (mta_sts(a), mta_sts(b)) else {
        return;
    };
    let records = (&one.seen.record, &other.seen.record);
    let both_served = one.served.is_some() && other.served.is_some();
    let explain = || {
        both_served.then(|| {
            "The policy host proves with a valid certificate what it sends in both looks."
                .to_owned()
        })
    };
    let show = |strings: &Vec<String>| strings.concat();
    lookups(Aspect::MtaStsRecord, records, show, explain, found);
    // Without a record on one side there is no fetch, which is said already.
    let (Some(fetch), Some(_)) = (&one.seen.fetch, &other.seen.fetch) else {
        return;
    };
    if let Some((kind, reason)) = difference(&one, &other) {
        found.add(Difference {
            what: Aspect::MtaStsPolicy,
            host: fetch.host.clone(),
            address: None,
            a: words(&one),
            b: words(&other),
            kind,
            reason,
        });
    }
}

fn difference(one: &MtaSts<'_>, other: &MtaSts<'_>) -> Option<(DifferenceKind, String)> {
    match (one.served, other.served) {
        (Some(first), Some(second)) if text(first) == text(second) => None,
        (Some(_), Some(_)) => Some((
            DifferenceKind::Explained,
            "The policy host proves both with a valid certificate: the policy was changed."
                .to_owned(),
        )),
        (None, None) => None,
        _ => {
            let blind = [one, other].into_iter().find(|it| it.served.is_none())?;
            let not_seen = |why: &Unavailable| matches!(why, Unavailable::NotSeen(_));
            let mut reasons = failures(blind).peekable();
            let unseen = reasons.peek().is_none() || reasons.all(not_seen);
            Some(if unseen {
                let reason = "One of the looks did not see the policy host.";
                (DifferenceKind::NotSeen, reason.to_owned())
            } else {
                let reason = "A person in between can keep the policy away, but not forge it.";
                (DifferenceKind::Unexplained, reason.to_owned())
            })
        }
    }
}

fn failures<'m>(mta_sts: &'m MtaSts<'_>) -> impl Iterator<Item = &'m Unavailable> {
    let visits = mta_sts.visits.iter();
    visits
        .filter_map(|(_, visit)| visit.as_ref().err())
        .chain(&mta_sts.no_address)
}

fn text(response: &PolicyResponse) -> (u16, String) {
    let body = response.body.split_whitespace().collect::<Vec<_>>();
    (response.status, body.join(" "))
}

fn words(mta_sts: &MtaSts<'_>) -> String {
    match (mta_sts.served, failures(mta_sts).next()) {
        (Some(response), _) => {
            let (status, body) = text(response);
            match status {
                200 => body.chars().take(200).collect(),
                _ => format!("answered with {status}"),
            }
        }
        (None, Some(why)) => why.words(),
        (None, None) => "not fetched".to_owned(),
    }
}
