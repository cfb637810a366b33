//! The trust store, and the Postfix on this machine.

use std::net::IpAddr;

use crate::diagnosis::{Diagnosis, Question};
use crate::finding::{LOCAL_DANE_SWITCHED_OFF, Severity};
use crate::observation::{LocalSenderSeen, MachineSeen, TableAnswer};
use crate::postfix::SecurityLevel;
use crate::sender::{Parameters, Sender, System};

use super::CheckStatus::{Error, Warning};
use super::{CheckResult, CheckStatus};

pub(super) fn check(seen: &MachineSeen, checks: &mut Vec<CheckResult>) {
    checks.push(trust_store(seen));
    match &seen.postfix {
        // mailcow's own is the one that sends.
        Err(_) if seen.mailcow.is_some() => {}
        Err(why) => checks.push(
            CheckResult::unknown("postfix", format!("No Postfix was examined: {why}."))
                .remedy("Run danecheck on the machine that sends your mail."),
        ),
        Ok(local) => postfix(seen, local, checks),
    }
}

fn trust_store(seen: &MachineSeen) -> CheckResult {
    let id = "trust-store";
    let store = &seen.trust_store;
    if store.source == "mozilla" || store.certificates == 0 {
        return CheckResult::new(
            id,
            Warning,
            "This system has no trust store, so lines at verify and secure cannot work.",
        )
        .remedy("Install ca-certificates.");
    }
    CheckResult::ok(
        id,
        format!(
            "The trust store ({}) has {} certificates.",
            store.source, store.certificates
        ),
    )
}

fn postfix(seen: &MachineSeen, local: &LocalSenderSeen, checks: &mut Vec<CheckResult>) {
    let from = checks.len();
    let parameters = Parameters(local);
    let level = parameters.level();
    let with_dane = matches!(level, SecurityLevel::Dane | SecurityLevel::DaneOnly);
    let version = parameters.get("mail_version").to_owned();
    checks.push(if with_dane {
        CheckResult::ok(
            "postfix-level",
            format!("Postfix {version} sends at level {level}."),
        )
    } else {
        let message = format!(
            "Postfix {version} sends at level {level}, so it uses DANE only for what its tables \
             say."
        );
        CheckResult::new("postfix-level", Warning, message)
            .remedy("Run `postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec`.")
    });
    checks.push(match parameters.against_dane() {
        Some(why) if with_dane => CheckResult::new(
            "postfix-dane",
            Error,
            format!("Level {level} is set, but {why}: it acts like level may for every domain."),
        )
        .remedy(LOCAL_DANE_SWITCHED_OFF.sender),
        Some(_) => CheckResult::unknown("postfix-dane", "Its level asks for no DANE."),
        None => CheckResult::ok("postfix-dane", "No parameter switches DANE off."),
    });
    let needs_store = matches!(level, SecurityLevel::Verify | SecurityLevel::Secure);
    checks.push(match (parameters.has_trust_store(), needs_store) {
        (true, _) => CheckResult::ok("postfix-trust-store", "Postfix has a trust store."),
        (false, true) => CheckResult::new(
            "postfix-trust-store",
            Error,
            format!("Level {level} asks for a trusted CA, and main.cf names no trust store."),
        )
        .remedy(
            "Run `postconf -e smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt`. Then run `postfix \
             reload`.",
        ),
        (false, false) => CheckResult::ok(
            "postfix-trust-store",
            format!("Postfix has no trust store, and level {level} needs none."),
        ),
    });
    checks.push(tables(seen, local));
    checks.push(entries(seen));
    let relay = parameters.get("relayhost");
    checks.push(if relay.is_empty() {
        CheckResult::ok("postfix-relay", "Postfix delivers by itself.")
    } else {
        let message = format!(
            "Postfix hands its mail to the relay {relay}, whose policy decides about each domain."
        );
        CheckResult::new("postfix-relay", Warning, message).remedy(format!(
            "Check the relay itself: danecheck --sender local '{relay}'."
        ))
    });
    checks.extend(chroot(seen));
    let own = checks.iter_mut().skip(from);
    own.for_each(|check| in_master(seen, check));
}

/// The parameters that decide about these checks.
const DECIDING: [(&str, &[&str]); 4] = [
    (
        "postfix-level",
        &[
            "smtp_tls_security_level",
            "smtp_use_tls",
            "smtp_enforce_tls",
        ],
    ),
    (
        "postfix-dane",
        &[
            "smtp_dns_support_level",
            "smtp_host_lookup",
            "ignore_mx_lookup_error",
            "disable_dns_lookups",
        ],
    ),
    (
        "postfix-trust-store",
        &["smtp_tls_CAfile", "smtp_tls_CApath"],
    ),
    ("postfix-tables", &["smtp_tls_policy_maps"]),
];

/// What master.cf sets is corrected there: main.cf does not count.
fn in_master(seen: &MachineSeen, check: &mut CheckResult) {
    let deciding = DECIDING.iter().find(|(id, _)| *id == check.id);
    let overridden = &seen.service.overridden;
    let names: Vec<&str> = overridden
        .iter()
        .map(String::as_str)
        .filter(|name| deciding.is_some_and(|(_, names)| names.contains(name)))
        .collect();
    if names.is_empty() || !matches!(check.status, Error | Warning) {
        return;
    }
    let names = names.join(", ");
    check
        .evidence
        .push(format!("master.cf sets {names} for the service smtp."));
    check.remedy = Some(format!(
        "Remove `-o` with {names} from the service smtp in master.cf, or correct it there: it \
         counts before main.cf. Then run `postfix reload`."
    ));
}

/// A Postfix that is locked into a folder sees the files there alone.
fn chroot(seen: &MachineSeen) -> Option<CheckResult> {
    let id = "postfix-chroot";
    let chroot = seen.service.chroot.as_ref()?;
    let directory = &chroot.directory;
    let words = |servers: &Option<Vec<IpAddr>>| match servers.as_deref() {
        None => "none".to_owned(),
        Some([]) => "no name server".to_owned(),
        Some(all) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            all.join(", ")
        }
    };
    // resolv.conf(5): without a name server, the one on this machine.
    let asked = |servers: &Option<Vec<IpAddr>>| match servers.as_deref() {
        None | Some([]) => vec![IpAddr::from([127, 0, 0, 1])],
        Some(all) => all.to_vec(),
    };
    let (inside, outside) = (&chroot.name_servers, &chroot.name_servers_outside);
    if asked(inside) != asked(outside) {
        let message = format!(
            "Postfix is locked into {directory} (chroot), and asks other resolvers than this \
             machine."
        );
        return Some(
            CheckResult::new(id, Warning, message)
                .seen([
                    format!("{directory}/etc/resolv.conf: {}", words(inside)),
                    format!("/etc/resolv.conf: {}", words(outside)),
                ])
                .remedy(format!(
                    "Run `cp /etc/resolv.conf {directory}/etc/resolv.conf`, then `postfix reload` \
                     (Debian copies it when Postfix starts). Or set the field chroot of the \
                     service smtp in master.cf to n."
                )),
        );
    }
    let local = seen.postfix.as_ref().ok()?;
    let has_file = !Parameters(local).get("smtp_tls_CAfile").is_empty();
    if chroot.has_ca_path == Some(false) && !has_file {
        let message = format!(
            "Postfix is locked into {directory} (chroot), and the folder of smtp_tls_CApath is \
             not there: no CA is trusted."
        );
        return Some(CheckResult::new(id, Warning, message).remedy(
            "Run `postconf -e smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt`, a file that \
             Postfix reads before. Then run `postfix reload`.",
        ));
    }
    Some(CheckResult::ok(
        id,
        format!("Postfix is locked into {directory} (chroot), and finds there what it needs."),
    ))
}

/// Tables that cannot be asked: all mail waits.
fn tables(seen: &MachineSeen, local: &LocalSenderSeen) -> CheckResult {
    let id = "postfix-tables";
    let of_targets = seen
        .targets
        .iter()
        .filter_map(|it| it.local_sender.as_ref());
    let lookups = of_targets.chain([local]).flat_map(|sender| &sender.lookups);
    let mut failed: Vec<String> = Vec::new();
    for lookup in lookups {
        if let TableAnswer::Failed(why) = &lookup.answer {
            let words = format!("{}: {why}", lookup.table);
            if !failed.contains(&words) {
                failed.push(words);
            }
        }
    }
    if failed.is_empty() {
        return CheckResult::ok(id, "Every table of smtp_tls_policy_maps can be asked.");
    }
    let message = "A table of smtp_tls_policy_maps cannot be asked, so Postfix defers all mail.";
    CheckResult::new(id, Error, message)
        .seen(failed)
        .remedy("Repair the table or the service behind it. Then run `postfix reload`.")
}

/// What is wrong with the entries for the targets.
fn entries(seen: &MachineSeen) -> CheckResult {
    let id = "postfix-entries";
    if seen.targets.is_empty() {
        let message = "No domain was named whose entries can be examined.";
        return CheckResult::unknown(id, message).remedy(super::network::COMMAND);
    }
    let sender = Sender {
        system: System::Local,
        ..Sender::default()
    };
    let ids = [
        "local-policy-malformed",
        "local-policy-shadowed",
        "local-override-not-needed",
        "local-override-too-weak",
    ];
    let mut worst = CheckStatus::Ok;
    let mut evidence = Vec::new();
    let mut remedy = None;
    for target in seen.targets.iter().filter(|it| it.local_sender.is_some()) {
        let diagnosis = Diagnosis::of(&Question {
            sender: sender.clone(),
            ..Question::of(target)
        });
        for finding in &diagnosis.findings {
            if !ids.contains(&finding.rule.id) {
                continue;
            }
            let is_error = finding.severity == Severity::Error;
            if is_error || worst == CheckStatus::Ok {
                worst = if is_error { Error } else { Warning };
                remedy = Some(finding.rule.sender);
            }
            evidence.push(finding.message.clone());
        }
    }
    match remedy {
        None => CheckResult::ok(id, "The entries for the targets are in order."),
        Some(remedy) => {
            let message = "An entry of the policy table is wrong or not needed.";
            CheckResult::new(id, worst, message)
                .seen(evidence)
                .remedy(remedy)
        }
    }
}
