//! Findings about MTA-STS (RFC 8461) and TLS reporting (RFC 8460).

use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::judge::{
    HostStanding, Judged, MtaSts, NO_HANDSHAKE, NO_STARTTLS, STARTTLS_REFUSED, Unavailable, texts,
};
use crate::mta_sts::{LONGEST, Mode, Policy, RecordFault, meant, report_record};
use crate::postfix::SecurityLevel;
use crate::sender::{Sender, System};

pub(super) static MTA_STS_MAX_AGE_ODD: Rule = Rule {
    id: "mta-sts-max-age-odd",
    severity: Severity::Info,
    reference: "RFC 8461 section 3.2",
    meaning: "Senders keep a policy for max_age seconds. If that is less than a day, an attacker \
              who blocks the next fetch soon leaves senders without a policy. Senders treat more \
              than a year as a year.",
    sender: "",
    receiver: "Set max_age to a week or more: from 604800 to 31557600.",
};

pub(super) static MTA_STS_HOST_FAILS: Rule = Rule {
    id: "mta-sts-host-fails",
    severity: Severity::Warning,
    reference: "RFC 8461 section 4.1",
    meaning: "The MTA-STS policy lists this mail server, but the server has no TLS, or no \
              certificate from a trusted CA for its own name. Senders that honour MTA-STS and find \
              no DANE do not deliver there while the policy says enforce. Postfix itself asks for \
              no such policy. mailcow's postfix-tlspol does.",
    sender: "",
    receiver: "Give the server a certificate of a public CA with its own name, and let it send the \
               chain. Until then set the policy's mode to testing, and change the id in the TXT \
               record.",
};

pub(super) static MTA_STS_HOST_NOT_LISTED: Rule = Rule {
    id: "mta-sts-host-not-listed",
    severity: Severity::Warning,
    reference: "RFC 8461 section 4.1",
    meaning: "The MX records name this mail server, but the MTA-STS policy does not list it. \
              Senders that honour MTA-STS skip it while the policy says enforce. A `*` stands for \
              exactly one label.",
    sender: "",
    receiver: "Add a line `mx:` with the server to the policy, and change the id in the TXT \
               record. Do both before the MX records change.",
};

pub(crate) static MTA_STS_MAILCOW_WAITS: Rule = Rule {
    id: "mta-sts-mailcow-waits",
    severity: Severity::Warning,
    reference: "RFC 8461 section 5",
    meaning: "mailcow's postfix-tlspol honours the domain's MTA-STS policy, and the mail servers \
              do not fulfil it. So mail from every mailcow waits, although a Postfix without such a \
              service delivers.",
    sender: "Run `danecheck --sender mailcow DOMAIN` if you use mailcow. It prints the override, \
             and what to check before you set it.",
    receiver: "Set the policy's mode to none or testing, and change the id in the TXT record.",
};

pub(crate) static MTA_STS_NO_HOST_PASSES: Rule = Rule {
    id: "mta-sts-no-host-passes",
    severity: Severity::Error,
    reference: "RFC 8461 section 5",
    meaning: "The MTA-STS policy says enforce, and no mail server of the domain passes it. Senders \
              that honour it and find no DANE keep the mail for days and then return it. Google, \
              Microsoft and every mailcow are such senders.",
    sender: "",
    receiver: "Set the policy's mode to none or testing, and change the id in the TXT record. Then \
               repair the servers or the policy, and go back to enforce.",
};

pub(super) static MTA_STS_NOT_SEEN: Rule = Rule {
    id: "mta-sts-not-seen",
    severity: Severity::Info,
    reference: "RFC 8461 section 3.3",
    meaning: "The domain announces an MTA-STS policy, but danecheck could not fetch it. The reason \
              may be on this side: the time limit, an address family, a proxy, a reserved \
              address.",
    sender: "Look again with more time (--timeout 60), from a host that can reach the policy host. \
             Add --allow-private if the policy host is in your own network. Test it with `curl \
             https://mta-sts.DOMAIN/.well-known/mta-sts.txt`.",
    receiver: "",
};

pub(super) static MTA_STS_NOT_ENFORCED: Rule = Rule {
    id: "mta-sts-not-enforced",
    severity: Severity::Info,
    reference: "RFC 8461 section 5",
    meaning: "The domain has an MTA-STS policy that protects nothing. With mode testing, senders \
              report what does not match and deliver all the same. Mode none says that the domain \
              has no policy any more.",
    sender: "",
    receiver: "Set the mode to enforce once the reports show no failures, and change the id in the \
               TXT record. With mode none, remove the record after max_age.",
};

pub(super) static MTA_STS_PATTERN_UNUSED: Rule = Rule {
    id: "mta-sts-pattern-unused",
    severity: Severity::Info,
    reference: "RFC 8461 section 3.2",
    meaning: "A line `mx:` of the policy matches no MX record. That is right while servers move. \
              Afterwards the policy still allows a name that the domain no longer uses.",
    sender: "",
    receiver: "Remove the line once no server will have such a name, and change the id in the TXT \
               record.",
};

pub(super) static MTA_STS_POLICY_INVALID: Rule = Rule {
    id: "mta-sts-policy-invalid",
    severity: Severity::Warning,
    reference: "RFC 8461 section 3.2",
    meaning: "The text that the policy host sends is not a valid MTA-STS policy, so senders \
              continue without one.",
    sender: "",
    receiver: "Correct https://mta-sts.DOMAIN/.well-known/mta-sts.txt. It needs the lines version, \
               mode and max_age, and a line mx for each server. Then change the id in the TXT \
               record.",
};

pub(super) static MTA_STS_POLICY_UNAVAILABLE: Rule = Rule {
    id: "mta-sts-policy-unavailable",
    severity: Severity::Warning,
    reference: "RFC 8461 section 3.3",
    meaning: "The TXT record announces an MTA-STS policy, but the policy host does not send it as \
              required. It has to use HTTPS with a valid certificate, status 200 without \
              redirection, type text/plain, and at most 64 kilobytes. New senders continue without \
              a policy. Senders that keep an older policy use it until it expires.",
    sender: "",
    receiver: "Repair the web server of mta-sts.DOMAIN, and test it with `curl \
               https://mta-sts.DOMAIN/.well-known/mta-sts.txt`. Or remove the TXT record at \
               _mta-sts, once the policy has had mode none for its max_age.",
};

pub(super) static MTA_STS_RECORD_INVALID: Rule = Rule {
    id: "mta-sts-record-invalid",
    severity: Severity::Warning,
    reference: "RFC 8461 section 3.1",
    meaning: "The TXT record of MTA-STS is invalid, so senders treat the domain as one without a \
              policy.",
    sender: "",
    receiver: "Publish exactly one TXT record at _mta-sts, such as \"v=STSv1; \
               id=20261122T000000;\". Change the id at each change of the policy.",
};

pub(super) static TLS_REPORTING_INVALID: Rule = Rule {
    id: "tls-reporting-invalid",
    severity: Severity::Warning,
    reference: "RFC 8460 section 3",
    meaning: "The TXT record of TLS reporting is invalid, so no sender reports failures of DANE or \
              MTA-STS to the domain.",
    sender: "",
    receiver: "Publish exactly one TXT record at _smtp._tls, such as \"v=TLSRPTv1; \
               rua=mailto:tls-reports@example.com\".",
};

pub(super) static TLS_REPORTING_MISSING: Rule = Rule {
    id: "tls-reporting-missing",
    severity: Severity::Info,
    reference: "RFC 8460 section 3",
    meaning: "The domain has an MTA-STS policy but asks for no reports. Nobody informs it when the \
              policy keeps mail back.",
    sender: "",
    receiver: "Publish a TXT record at _smtp._tls, such as \"v=TLSRPTv1; \
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
        Some(Err(RecordFault::None)) if mta_sts.seen.fetch.is_none() => {
            let records = texts(&mta_sts.seen.record).unwrap_or_default();
            if let Some((text, why)) = meant(records, "STSv1") {
                findings.add(
                    &MTA_STS_RECORD_INVALID,
                    name.clone(),
                    not_begun(name, "STSv1", &text, why),
                );
            }
            return;
        }
        Some(Err(fault)) => {
            findings.add(
                &MTA_STS_RECORD_INVALID,
                name.clone(),
                format!("The TXT record at {name} is invalid: {fault}."),
            );
            return;
        }
        None => return,
        Some(Ok(_)) => {}
    }
    if let Some(fetch) = &mta_sts.seen.fetch {
        if let Some(why) = &mta_sts.no_address {
            unavailable(&fetch.host, &fetch.host, why, findings);
        }
        for (address, visit) in &mta_sts.visits {
            if let Err(why) = visit {
                let subject = format!("{} [{address}]", fetch.host);
                unavailable(&fetch.host, &subject, why, findings);
            }
        }
    }
    if let Some(policy) = mta_sts.policy() {
        of_policy(judged, mta_sts, policy, findings);
    }
}

fn unavailable(host: &str, subject: &str, why: &Unavailable, findings: &mut Findings) {
    let (rule, message) = match why {
        Unavailable::NotSeen(why) => (
            &MTA_STS_NOT_SEEN,
            format!("The MTA-STS policy could not be fetched from {subject}: {why}."),
        ),
        Unavailable::Policy(fault) => (
            &MTA_STS_POLICY_INVALID,
            format!("The text that {subject} sends is not a valid MTA-STS policy: {fault}."),
        ),
        why => (
            &MTA_STS_POLICY_UNAVAILABLE,
            format!(
                "{subject} does not send the MTA-STS policy: {}.",
                why.words()
            ),
        ),
    };
    findings.put(Finding::new(rule, subject, message).known("mta-sts.DOMAIN", host));
}

fn of_policy(judged: &Judged<'_>, mta_sts: &MtaSts<'_>, policy: &Policy, findings: &mut Findings) {
    let target = judged.evidence.observation.next_hop.to_string();
    let mode = policy.mode.as_str();
    if policy.mode != Mode::Enforce {
        findings.add(
            &MTA_STS_NOT_ENFORCED,
            target.clone(),
            format!("The MTA-STS policy of {target} has mode {mode}: it keeps no mail back."),
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
                "The MTA-STS policy of {target} has max_age {} (seconds).",
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
                "The MTA-STS policy of {target} says enforce, but none of its mail servers passes \
                 it. Senders that honour it do not deliver."
            ),
        );
    }
    mailcow(judged, &target, findings);
}

/// What the policy means for mailcow, if another sender is the subject.
fn mailcow(judged: &Judged<'_>, target: &str, findings: &mut Findings) {
    let mailcow = Sender {
        system: System::Mailcow,
        ..Sender::default()
    };
    if judged.sending.sender.system == System::Mailcow {
        return;
    }
    let (sending, advice) = judged.to(&mailcow);
    let in_force = &sending.in_force;
    let by_policy =
        matches!(&in_force.policy.line, Ok(line) if line.level == SecurityLevel::Secure);
    if advice.entry.is_some() && by_policy {
        findings.add(
            &MTA_STS_MAILCOW_WAITS,
            target,
            format!(
                "mailcow keeps mail to {target} back: its policy is {}, from {}.",
                in_force.policy.text, in_force.source
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
            let message =
                format!("{subject} does not pass the MTA-STS policy (mode {mode}): {why}.");
            let finding = Finding::new(&MTA_STS_HOST_FAILS, subject, message);
            // Without TLS a certificate helps nothing.
            findings.put(match why.as_str() {
                NO_STARTTLS => finding.receiver(
                    "Switch STARTTLS on, with a certificate of a public CA that has the server's \
                     own name. Until then set the policy's mode to testing, and change the id in \
                     the TXT record.",
                ),
                STARTTLS_REFUSED | NO_HANDSHAKE => finding.receiver(
                    "Make STARTTLS work, with a certificate of a public CA that has the server's \
                     own name. Until then set the policy's mode to testing, and change the id in \
                     the TXT record.",
                ),
                _ => finding,
            });
        }
    }
}

/// What stands there instead of the version that has to.
fn not_begun(name: &str, version: &str, text: &str, why: &str) -> String {
    format!("The TXT record at {name} does not begin with v={version}; (it is `{text}`): {why}.")
}

fn reporting(mta_sts: &MtaSts<'_>, findings: &mut Findings) {
    let lookup = &mta_sts.seen.report;
    let Some(records) = texts(lookup) else { return };
    let name = &lookup.name;
    match report_record(records) {
        Ok(_) => {}
        // A record that is meant for TLS reporting is invalid.
        Err(RecordFault::None) => match meant(records, "TLSRPT") {
            Some((text, why)) => findings.add(
                &TLS_REPORTING_INVALID,
                name.clone(),
                not_begun(name, "TLSRPTv1", &text, why),
            ),
            None if mta_sts
                .policy()
                .is_some_and(|policy| policy.mode != Mode::None) =>
            {
                findings.add(
                    &TLS_REPORTING_MISSING,
                    name.clone(),
                    format!("{name} has no TXT record that asks for reports."),
                );
            }
            None => {}
        },
        Err(fault) => findings.add(
            &TLS_REPORTING_INVALID,
            name.clone(),
            format!("The TXT record at {name} is invalid: {fault}."),
        ),
    }
}
