//! Findings about what `danecheck.toml` says of a domain.

use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::judge::Judged;
use crate::observation::{Answer, Observation};

pub(super) static HOST_SKIPPED: Rule = Rule {
    id: "host-skipped",
    severity: Severity::Info,
    reference: "danecheck.toml skip-hosts",
    meaning: "danecheck.toml says to skip this mail server, so danecheck did not check it. \
              Verdict, outcomes and exit status are those of the other servers, as if no MX record \
              named this one. Senders do not know this setting and may still deliver to this \
              host.",
    sender: "",
    receiver: "Check this host from time to time: run `danecheck` with the domain and without \
               --config.",
};

pub(crate) static MX_NOT_AS_EXPECTED: Rule = Rule {
    id: "mx-not-as-expected",
    severity: Severity::Error,
    reference: "danecheck.toml expected-mx",
    meaning: "The MX records do not name the mail servers that danecheck.toml expects. Either the \
              file was not updated, or somebody else changed where the domain's mail goes.",
    sender: "",
    receiver: "Find out who changed the MX records, and correct them. If the change is yours, put \
               it into danecheck.toml.",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for host in &judged.evidence.observation.skipped {
        let message = format!(
            "danecheck skipped {host}, as danecheck.toml says. The report is only about the other \
             mail servers."
        );
        findings.add(&HOST_SKIPPED, host.clone(), message);
    }
}

/// The finding about MX records that name other hosts than expected; `None` if
/// the lookup failed, which has its own finding.
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
        // Mail goes to the domain's own address.
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
        let part = format!("{host} is not expected");
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return None;
    }
    Some(Finding::new(
        &MX_NOT_AS_EXPECTED,
        &mx.name,
        format!(
            "The MX records of {} are not as danecheck.toml expects: {}.",
            mx.name,
            parts.join(", ")
        ),
    ))
}
