//! mailcow's parts: its resolver, its Postfix, its own TLS policies, its policy
//! service, and its API, through which much of that is seen.

use crate::observation::{MachineSeen, MailcowParts};
use crate::overrides::Overrides;
use crate::postfix::SecurityLevel;
use crate::sender::{MailcowRow, MailcowSeen};

use super::CheckStatus::{Error, Warning};
use super::{CheckResult, CheckStatus};

/// The command that sees what a container shows to no other machine.
const INSIDE: &str = "Run it in the container of contrib/mailcow: `docker compose run --rm -T \
                      danecheck doctor`.";

pub(super) fn check(seen: &MachineSeen, checks: &mut Vec<CheckResult>) {
    let Some(parts) = &seen.mailcow else {
        return;
    };
    let mut known = MailcowSeen::default();
    checks.extend(resolver(parts));
    let without_resolver = checks.iter().any(|check| {
        let resolver = ["resolver-answers", "mailcow-resolver"].contains(&check.id.as_str());
        resolver && check.status == CheckStatus::Error
    });
    let rows = rows(parts);
    checks.push(api(parts, &mut known, &rows));
    if let Some(Ok(main_cf)) = &parts.main_cf {
        known.read_main_cf(main_cf);
    }
    checks.push(postfix(parts, &known));
    checks.push(extra_cf(parts, &known));
    checks.push(entries(&known, &rows));
    checks.push(policy_service(parts, &known, without_resolver));
}

/// Its resolver, if this machine asks another.
fn resolver(parts: &MailcowParts) -> Option<CheckResult> {
    let id = "mailcow-resolver";
    let root = parts.root.as_ref()?;
    let server = root.server.clone().unwrap_or_default();
    let remedy = "Run `docker compose restart unbound-mailcow` in mailcow's folder, and read its \
                  log (`docker compose logs unbound-mailcow`).";
    Some(match &root.reply {
        Ok(reply) if reply.authentic => CheckResult::ok(
            id,
            format!("mailcow's own resolver ({server}) answers and validates."),
        ),
        Ok(_) => {
            let message = format!(
                "mailcow's own resolver ({server}) does not validate: its Postfix uses no DANE."
            );
            CheckResult::new(id, Error, message).remedy(remedy)
        }
        Err(failure) => {
            let message = format!(
                "mailcow's own resolver ({server}) does not answer: {}.",
                failure.kind.as_text()
            );
            CheckResult::new(id, Error, message).remedy(remedy)
        }
    })
}

/// Its own TLS policies that are active; why they are not known, if they are not.
fn rows(parts: &MailcowParts) -> Result<Vec<MailcowRow>, Option<String>> {
    match &parts.rows {
        None => Err(None),
        Some(Err(why)) => Err(Some(why.clone())),
        Some(Ok(text)) => match Overrides::read(text) {
            Ok(Overrides::Rows(rows)) => Ok(rows.active()),
            Ok(Overrides::Table(_)) => Err(Some("it gives no list of TLS policies".to_owned())),
            Err(why) => Err(Some(why.to_string())),
        },
    }
}

fn api(
    parts: &MailcowParts,
    known: &mut MailcowSeen,
    rows: &Result<Vec<MailcowRow>, Option<String>>,
) -> CheckResult {
    let id = "mailcow-api";
    let Some(containers) = &parts.containers else {
        let message = "mailcow's API was not asked, so its releases and TLS policies are unknown.";
        return CheckResult::unknown(id, message).remedy(INSIDE);
    };
    let mut faults = Vec::new();
    match containers {
        Ok(text) if known.read_containers(text) => {}
        Ok(_) => faults.push("status/containers: danecheck does not know this form".to_owned()),
        Err(why) => faults.push(format!("status/containers: {why}")),
    }
    if let Err(Some(why)) = rows {
        faults.push(format!("tls-policy-map/all: {why}"));
    }
    if faults.is_empty() {
        let word = |release: Option<String>| release.unwrap_or_else(|| "unknown".to_owned());
        let postfix = word(known.postfix.as_ref().map(ToString::to_string));
        let tlspol = word(known.tlspol.as_ref().map(ToString::to_string));
        return CheckResult::ok(
            id,
            format!("mailcow's API answers: Postfix {postfix}, postfix-tlspol {tlspol}."),
        );
    }
    let message = "mailcow's API does not give what danecheck has to know of this mailcow.";
    CheckResult::new(id, Warning, message).seen(faults).remedy(
        "In mailcow's UI, open System > Configuration > Access > API. Under Read-Only Access, tick \
         Activate API, and allow the address from which danecheck asks. Compare the key with the \
         one in danecheck's file.",
    )
}

fn postfix(parts: &MailcowParts, known: &MailcowSeen) -> CheckResult {
    let id = "mailcow-postfix";
    match &parts.main_cf {
        None => {
            let message = "mailcow's main.cf was not read, so the settings of its Postfix are \
                           unknown.";
            return CheckResult::unknown(id, message).remedy(INSIDE);
        }
        Some(Err(why)) => {
            return CheckResult::new(
                id,
                Warning,
                format!("mailcow's configuration cannot be read: {why}."),
            )
            .remedy("Name the folder with its main.cf: --mailcow-postfix DIR.");
        }
        Some(Ok(_)) => {}
    }
    let Some(parameters) = known.main_cf() else {
        return CheckResult::unknown(id, "mailcow's main.cf was not read.");
    };
    let level = parameters.level();
    let restart = "Correct data/conf/postfix/extra.cf: mailcow puts it at the end of main.cf. Then \
                   run `docker compose restart postfix-mailcow`.";
    if !matches!(level, SecurityLevel::Dane | SecurityLevel::DaneOnly) {
        let message = format!(
            "mailcow's Postfix sends at level {level}, so it uses DANE only for what its tables say."
        );
        return CheckResult::new(id, Warning, message).remedy(restart);
    }
    if let Some(why) = parameters.against_dane() {
        let message = format!(
            "mailcow's Postfix has level {level}, but {why}: it acts like level may for every \
             domain."
        );
        return CheckResult::new(id, Error, message).remedy(restart);
    }
    for (asks, what) in [
        (
            known.asks_own_table(),
            "its own TLS policies, so no entry of the UI has an effect",
        ),
        (
            known.asks_service(),
            "postfix-tlspol, so MTA-STS counts for no domain",
        ),
    ] {
        if !asks {
            let message = format!("smtp_tls_policy_maps does not name {what}.");
            return CheckResult::new(id, Warning, message).remedy(restart);
        }
    }
    CheckResult::ok(
        id,
        format!("mailcow's Postfix sends at level {level}, and asks both of its tables."),
    )
}

fn extra_cf(parts: &MailcowParts, known: &MailcowSeen) -> CheckResult {
    let id = "mailcow-extra-cf";
    let (Some(extra_cf), true) = (&parts.extra_cf, known.main_cf().is_some()) else {
        return match parts.main_cf {
            Some(Ok(_)) => CheckResult::ok(id, "mailcow has no extra.cf."),
            _ => CheckResult::unknown(id, "mailcow's configuration was not read."),
        };
    };
    let waiting = known.not_in_force(extra_cf);
    if waiting.is_empty() {
        return CheckResult::ok(id, "What extra.cf says of TLS is in force.");
    }
    let message = format!(
        "extra.cf sets {}, but the Postfix that runs does not know it.",
        waiting.join(", ")
    );
    CheckResult::new(id, Warning, message)
        .remedy("Run `docker compose restart postfix-mailcow` in mailcow's folder.")
}

fn entries(known: &MailcowSeen, rows: &Result<Vec<MailcowRow>, Option<String>>) -> CheckResult {
    let id = "mailcow-entries";
    let Ok(rows) = rows else {
        return CheckResult::unknown(id, "mailcow's own TLS policies are unknown.");
    };
    let faults: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let why = row.fault(known.postfix)?;
            Some(format!("{} `{}`: {why}", row.key, row.value))
        })
        .collect();
    if faults.is_empty() {
        let message = format!(
            "mailcow has {} TLS policies of its own, and Postfix reads them.",
            rows.len()
        );
        return CheckResult::ok(id, message);
    }
    let message = "Postfix rejects a TLS policy of mailcow, and defers all mail to its target.";
    CheckResult::new(id, Error, message).seen(faults).remedy(
        "Correct it in E-Mail > Configuration > TLS Policies. Separate parameters by one blank, and \
         TLS versions in protocols= by colons.",
    )
}

fn policy_service(
    parts: &MailcowParts,
    known: &MailcowSeen,
    without_resolver: bool,
) -> CheckResult {
    let id = "mailcow-policy-service";
    if known.main_cf().is_some() && !known.asks_service() {
        return CheckResult::unknown(id, "mailcow's Postfix does not ask postfix-tlspol.");
    }
    let (address, answer) = match &parts.policy_service {
        None => {
            let message = "postfix-tlspol was not asked: only mailcow's own network knows its \
                           address.";
            return CheckResult::unknown(id, message).remedy(INSIDE);
        }
        Some(asked) => (&asked.address, &asked.answer),
    };
    let release = known
        .tlspol
        .as_ref()
        .map_or_else(String::new, |it| format!(" {it}"));
    let said = match answer {
        Ok(said) if said.starts_with("OK ") || said.starts_with("NOTFOUND") => {
            let message = format!("postfix-tlspol{release} ({address}) answers.");
            return CheckResult::ok(id, message);
        }
        Ok(said) => format!("it answers `{said}`"),
        Err(why) => why.clone(),
    };
    if without_resolver {
        let message = "postfix-tlspol fails, as it has to without a resolver.";
        return CheckResult::unknown(id, message).seen([said]);
    }
    let message = format!(
        "postfix-tlspol{release} ({address}) gives no policy, so Postfix defers the mail to all \
         domains without an entry."
    );
    CheckResult::new(id, Error, message).seen([said]).remedy(
        "Run `docker compose restart postfix-tlspol-mailcow` in mailcow's folder, and read its log \
         (`docker compose logs postfix-tlspol-mailcow`).",
    )
}
