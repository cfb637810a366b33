//! The findings about one lookup by itself, for `danecheck dns`.

use crate::observation::SingleLookup;
use crate::unix_time::UnixTime;

use super::rule::{Finding, Findings};
use super::{alias, freshness, name_server, signature};

/// The findings about one lookup by itself.
pub(crate) fn of_single(lookup: &SingleLookup, now: UnixTime) -> Vec<Finding> {
    let mut findings = Findings::default();
    name_server::of_single(lookup, now, &mut findings);
    if let Err(failure) = &lookup.reply {
        let name = lookup.name.trim_end_matches('.');
        alias::of_failed(name, failure.kind, lookup.authority.as_ref(), &mut findings);
    }
    signature::of_single(lookup, now, &mut findings);
    freshness::of_single(lookup, &mut findings);
    findings.sorted()
}
