//! One line about MTA-STS, if the domain announces a policy.

use crate::mta_sts::Mode;

use super::super::model::Report;
use super::page::Page;

pub(super) fn mta_sts(page: &mut Page, report: &Report) {
    let Some(seen) = &report.mta_sts else { return };
    let text = match (&seen.policy, &seen.problem) {
        (Some(policy), _) => {
            let passing = seen
                .hosts
                .iter()
                .filter(|host| host.listed && host.problem.is_none())
                .count();
            let hosts = match (policy.mode, passing) {
                (Mode::None, _) => "the domain has no policy any more".to_owned(),
                _ if seen.hosts.is_empty() => "no MX host to compare it with".to_owned(),
                (_, all) if all == seen.hosts.len() => "every MX host passes".to_owned(),
                (_, 0) => "no MX host passes".to_owned(),
                (_, some) => format!("{some} of {} MX hosts pass", seen.hosts.len()),
            };
            format!("{}, {hosts}", policy.mode.as_str())
        }
        (None, Some(problem)) => format!("announced, but no policy is available: {problem}"),
        (None, None) => return,
    };
    page.blank();
    page.paragraph("  MTA-STS: ", "  MTA-STS: ", &text);
}
