//! Findings about what `danecheck.toml` says of a domain.

use crate::judge::Judged;
use crate::observation::{Answer, Observation};

use super::{Finding, Findings, Rule, Severity};

pub(super) static HOST_SKIPPED: Rule = Rule {
    id: "host-skipped",
    severity: Severity::Info,
    reference: "danecheck.toml skip-hosts",
    meaning: "The file danecheck.toml says to skip this mail server. It was not looked at, and \
              the report is as if no MX record named it: verdict, outcomes and exit status are \
              those of the other servers. Senders know nothing of it: when its turn comes, mail \
              goes there, and fares as that server has it.",
    sender: "",
    receiver: "now and then look at it too: `danecheck` with the domain, without --config.",
};

pub(crate) static MX_NOT_AS_EXPECTED: Rule = Rule {
    id: "mx-not-as-expected",
    severity: Severity::Error,
    reference: "danecheck.toml expected-mx",
    meaning: "The MX records do not name the mail servers that danecheck.toml expects. Either \
              the file was not changed along with them, or somebody else changed where the \
              domain's mail goes.",
    sender: "",
    receiver: "see who changed the MX records, and put them right; where the change is yours, \
               put it into danecheck.toml.",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for host in &judged.evidence.observation.skipped {
        let message = format!(
            "{host} was skipped, as danecheck.toml says: the report is about the other mail \
             servers alone."
        );
        findings.add(&HOST_SKIPPED, host.clone(), message);
    }
}

/// The finding about MX records that name other hosts than expected; nothing
/// where the lookup failed, of which others tell.
pub(crate) fn mx_not_as_expected(
    observation: &Observation,
    expected: &[String],
) -> Option<Finding> {
    let mx = observation.mx.as_ref()?;
    let there: Vec<&str> = match &mx.answer {
        Answer::Records(records) => {
            let records = &records.open().regardless().records;
            records.iter().map(|record| record.host.as_str()).collect()
        }
        // The domain's own address stands in.
        Answer::Denied(_) => vec![&mx.name],
        Answer::Failed(_) => return None,
    };
    let missing = expected.iter().map(String::as_str);
    let missing = missing.filter(|host| !there.contains(host));
    let besides = there.iter().copied();
    let besides = besides.filter(|host| !expected.iter().any(|one| one == host));
    let mut parts: Vec<String> = missing.map(|host| format!("{host} is missing")).collect();
    for host in besides {
        let host = if host.is_empty() { "." } else { host };
        let part = format!("{host} is there besides");
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return None;
    }
    Some(Finding {
        rule: &MX_NOT_AS_EXPECTED,
        subject: mx.name.clone(),
        message: format!(
            "The MX records of {} are not as danecheck.toml expects: {}.",
            mx.name,
            parts.join(", ")
        ),
    })
}
