//! Findings about MTA-STS (RFC 8461) and TLS reporting (RFC 8460).

use crate::judge::{HostStanding, Judged, MtaSts, Unavailable, texts};
use crate::mta_sts::{LONGEST, Mode, Policy, RecordFault, report_record};

use super::{Findings, Rule, Severity};

pub(super) static MTA_STS_MAX_AGE_ODD: Rule = Rule {
    id: "mta-sts-max-age-odd",
    severity: Severity::Info,
    reference: "RFC 8461 section 3.2",
    meaning: "Senders keep a policy for max_age seconds. Where that is less than a day, whoever \
              can keep them from fetching it anew soon has them without one; more than a year is \
              cut to a year.",
    sender: "",
    receiver: "set max_age to weeks: 604800 or more, and at most 31557600.",
};

pub(super) static MTA_STS_HOST_FAILS: Rule = Rule {
    id: "mta-sts-host-fails",
    severity: Severity::Warning,
    reference: "RFC 8461 section 4.1",
    meaning: "The policy of MTA-STS lists this mail server, but the server has no certificate \
              from a trusted CA for its own name, or no TLS at all. Senders that honour MTA-STS \
              and find no DANE do not deliver there while the policy says enforce. Postfix asks \
              for no such policy by itself; mailcow's postfix-tlspol does.",
    sender: "",
    receiver: "give the server a certificate of a public CA with its own name, and let it send \
               the chain; until then set the policy's mode to testing, and change the id in \
               the TXT record.",
};

pub(super) static MTA_STS_HOST_NOT_LISTED: Rule = Rule {
    id: "mta-sts-host-not-listed",
    severity: Severity::Warning,
    reference: "RFC 8461 section 4.1",
    meaning: "The policy of MTA-STS does not list this mail server, which the MX records name. \
              Senders that honour MTA-STS pass it over while the policy says enforce. A `*` \
              stands for exactly one label.",
    sender: "",
    receiver: "add a line `mx:` with the server to the policy, and change the id in the TXT \
               record; do both before the MX records change.",
};

pub(super) static MTA_STS_NO_HOST_PASSES: Rule = Rule {
    id: "mta-sts-no-host-passes",
    severity: Severity::Error,
    reference: "RFC 8461 section 5",
    meaning: "The policy of MTA-STS says enforce, and no mail server of the domain passes it. \
              Senders that honour it and find no DANE keep the mail back for days and return it \
              then: among them Google, Microsoft, and every mailcow.",
    sender: "with mailcow, set the override that `danecheck --sender mailcow` prints.",
    receiver: "set the policy's mode to none or testing and change the id in the TXT record; \
               then mend servers or policy, and go back to enforce.",
};

pub(super) static MTA_STS_NOT_SEEN: Rule = Rule {
    id: "mta-sts-not-seen",
    severity: Severity::Info,
    reference: "RFC 8461 section 3.3",
    meaning: "The domain promises a policy of MTA-STS that could not be fetched from here, for a \
              reason that may be here: a time that was up, an address family, a proxy, a \
              reserved address.",
    sender: "look again with more time (--timeout 60) and from a host that reaches it, with \
             --allow-private where it is in your own network; curl \
             https://mta-sts.DOMAIN/.well-known/mta-sts.txt shows whether it does.",
    receiver: "",
};

pub(super) static MTA_STS_NOT_ENFORCED: Rule = Rule {
    id: "mta-sts-not-enforced",
    severity: Severity::Info,
    reference: "RFC 8461 section 5",
    meaning: "The policy of MTA-STS is there and protects nothing: with mode testing senders \
              report what does not fit it and deliver all the same; mode none says that the \
              domain has no policy any more.",
    sender: "",
    receiver: "once the reports show no failures, set the mode to enforce and change the id in \
               the TXT record; with mode none, take the record away after max_age.",
};

pub(super) static MTA_STS_PATTERN_UNUSED: Rule = Rule {
    id: "mta-sts-pattern-unused",
    severity: Severity::Info,
    reference: "RFC 8461 section 3.2",
    meaning: "A line `mx:` of the policy fits no MX record. That is right while servers move; \
              afterwards it lets a name in that the domain has given up.",
    sender: "",
    receiver: "take the line out once no server will bear such a name, and change the id in the \
               TXT record.",
};

pub(super) static MTA_STS_POLICY_INVALID: Rule = Rule {
    id: "mta-sts-policy-invalid",
    severity: Severity::Warning,
    reference: "RFC 8461 section 3.2",
    meaning: "What the policy host hands out is no policy of MTA-STS, so that senders go on \
              without one.",
    sender: "",
    receiver: "correct https://mta-sts.DOMAIN/.well-known/mta-sts.txt: the lines version, mode, \
               max_age and, one for each server, mx; then change the id in the TXT record.",
};

pub(super) static MTA_STS_POLICY_UNAVAILABLE: Rule = Rule {
    id: "mta-sts-policy-unavailable",
    severity: Severity::Warning,
    reference: "RFC 8461 section 3.3",
    meaning: "The TXT record promises a policy of MTA-STS, and the policy host does not hand it \
              out as it must: over HTTPS with a certificate that holds for it, with status 200 \
              and no redirection, as text/plain, within 64 kilobytes. New senders go on without \
              a policy; those that have kept an older one go by that until it ends.",
    sender: "",
    receiver: "mend the web server of mta-sts.DOMAIN, and try it with curl \
               https://mta-sts.DOMAIN/.well-known/mta-sts.txt; or take the TXT record at \
               _mta-sts away once the policy has been at mode none for its max_age.",
};

pub(super) static MTA_STS_RECORD_INVALID: Rule = Rule {
    id: "mta-sts-record-invalid",
    severity: Severity::Warning,
    reference: "RFC 8461 section 3.1",
    meaning: "The TXT record of MTA-STS is not as it must be, so that senders take the domain \
              for one without a policy.",
    sender: "",
    receiver: "publish exactly one TXT record at _mta-sts, such as \"v=STSv1; id=20261122T000000;\", \
               with a new id at each change of the policy.",
};

pub(super) static TLS_REPORTING_INVALID: Rule = Rule {
    id: "tls-reporting-invalid",
    severity: Severity::Warning,
    reference: "RFC 8460 section 3",
    meaning: "The TXT record of TLS reporting is not as it must be, so that no sender reports \
              failures of DANE or MTA-STS to the domain.",
    sender: "",
    receiver: "publish exactly one TXT record at _smtp._tls, such as \"v=TLSRPTv1; \
               rua=mailto:tls-reports@example.com\".",
};

pub(super) static TLS_REPORTING_MISSING: Rule = Rule {
    id: "tls-reporting-missing",
    severity: Severity::Info,
    reference: "RFC 8460 section 3",
    meaning: "The domain has a policy of MTA-STS and asks for no reports, so that nobody tells \
              it when the policy keeps mail back.",
    sender: "",
    receiver: "publish a TXT record at _smtp._tls, such as \"v=TLSRPTv1; \
               rua=mailto:tls-reports@example.com\".",
};

/// A day, below which a policy is hardly kept.
const DAY: u64 = 86_400;

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let Some(mta_sts) = &judged.mta_sts else {
        return;
    };
    reporting(mta_sts, findings);
    let name = &mta_sts.seen.record.name;
    match &mta_sts.record {
        Some(Err(RecordFault::None)) if mta_sts.seen.fetch.is_none() => return,
        Some(Err(fault)) => {
            findings.add(
                &MTA_STS_RECORD_INVALID,
                name.clone(),
                format!("The TXT record at {name} does not count: {fault}."),
            );
            return;
        }
        None => return,
        Some(Ok(_)) => {}
    }
    if let Some(fetch) = &mta_sts.seen.fetch {
        if let Some(why) = &mta_sts.no_address {
            unavailable(&fetch.host, why, findings);
        }
        for (address, visit) in &mta_sts.visits {
            if let Err(why) = visit {
                let subject = format!("{} [{address}]", fetch.host);
                unavailable(&subject, why, findings);
            }
        }
    }
    if let Some(policy) = mta_sts.policy() {
        of_policy(judged, mta_sts, policy, findings);
    }
}

fn unavailable(subject: &str, why: &Unavailable, findings: &mut Findings) {
    let (rule, message) = match why {
        Unavailable::NotSeen(why) => (
            &MTA_STS_NOT_SEEN,
            format!("The MTA-STS policy could not be fetched from {subject}: {why}."),
        ),
        Unavailable::Policy(fault) => (
            &MTA_STS_POLICY_INVALID,
            format!("What {subject} hands out is no MTA-STS policy: {fault}."),
        ),
        why => (
            &MTA_STS_POLICY_UNAVAILABLE,
            format!(
                "{subject} does not hand out the MTA-STS policy: {}.",
                why.words()
            ),
        ),
    };
    findings.add(rule, subject, message);
}

fn of_policy(judged: &Judged<'_>, mta_sts: &MtaSts<'_>, policy: &Policy, findings: &mut Findings) {
    let target = judged.evidence.observation.next_hop.to_string();
    let mode = policy.mode.as_str();
    if policy.mode != Mode::Enforce {
        findings.add(
            &MTA_STS_NOT_ENFORCED,
            target.clone(),
            format!("The MTA-STS policy of {target} has mode {mode}: nothing is kept back by it."),
        );
    }
    if policy.mode == Mode::None {
        return;
    }
    if policy.max_age < DAY || policy.max_age > LONGEST {
        findings.add(
            &MTA_STS_MAX_AGE_ODD,
            target.clone(),
            format!(
                "The MTA-STS policy of {target} may be kept for {} seconds.",
                policy.max_age
            ),
        );
    }
    for host in &mta_sts.hosts {
        of_host(host, mode, findings);
    }
    for pattern in &policy.mx {
        let skipped = judged.evidence.observation.skipped.iter();
        let seen = mta_sts.hosts.iter().map(|host| &host.name);
        let used = seen.chain(skipped).any(|host| pattern.allows(host));
        // Without hosts nothing can be said about any.
        if !used && !mta_sts.hosts.is_empty() {
            findings.add(
                &MTA_STS_PATTERN_UNUSED,
                pattern.to_string(),
                format!("The MTA-STS policy allows {pattern}, which no MX record names."),
            );
        }
    }
    let seen = |host: &HostStanding| !host.listed || !host.addresses.is_empty() && !host.not_judged;
    let all_seen = !mta_sts.hosts.is_empty() && mta_sts.hosts.iter().all(seen);
    if policy.mode == Mode::Enforce && all_seen && !mta_sts.hosts.iter().any(HostStanding::passes) {
        findings.add(
            &MTA_STS_NO_HOST_PASSES,
            target.clone(),
            format!(
                "The MTA-STS policy of {target} says enforce, and none of its mail servers \
                 passes it: senders that go by it do not deliver."
            ),
        );
    }
}

fn of_host(host: &HostStanding, mode: &str, findings: &mut Findings) {
    let name = &host.name;
    if !host.listed {
        findings.add(
            &MTA_STS_HOST_NOT_LISTED,
            name.clone(),
            format!("The MTA-STS policy (mode {mode}) does not list the MX host {name}."),
        );
        return;
    }
    for (address, standing) in &host.addresses {
        if let Err(why) = standing {
            let subject = format!("{name} [{address}]");
            findings.add(
                &MTA_STS_HOST_FAILS,
                subject.clone(),
                format!("{subject} does not pass the MTA-STS policy (mode {mode}): {why}."),
            );
        }
    }
}

fn reporting(mta_sts: &MtaSts<'_>, findings: &mut Findings) {
    let lookup = &mta_sts.seen.report;
    let Some(records) = texts(lookup) else { return };
    let name = &lookup.name;
    match report_record(records) {
        Ok(_) => {}
        // Where something meant for it is there, it is no good.
        Err(RecordFault::None) => {
            let meant = records
                .iter()
                .map(|strings| strings.concat())
                .find(|text| text.to_ascii_lowercase().contains("tlsrpt"));
            match meant {
                Some(text) => findings.add(
                    &TLS_REPORTING_INVALID,
                    name.clone(),
                    format!(
                        "The TXT record at {name} does not begin with v=TLSRPTv1; but is `{text}`."
                    ),
                ),
                None if mta_sts
                    .policy()
                    .is_some_and(|policy| policy.mode != Mode::None) =>
                {
                    findings.add(
                        &TLS_REPORTING_MISSING,
                        name.clone(),
                        format!("There is no TXT record at {name} that asks for reports."),
                    );
                }
                None => {}
            }
        }
        Err(fault) => findings.add(
            &TLS_REPORTING_INVALID,
            name.clone(),
            format!("The TXT record at {name} does not count: {fault}."),
        ),
    }
}
