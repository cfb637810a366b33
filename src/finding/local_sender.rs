//! Findings about the Postfix on this machine (`--sender local`).

use crate::judge::{Judged, SecurityLevel, StandingOverride};
use crate::observation::{ResolverValidation, TableAnswer};
use crate::sender::{Parameters, System, is_service};

use super::{Findings, Rule, Severity};

pub(super) static LOCAL_DANE_SWITCHED_OFF: Rule = Rule {
    id: "local-dane-switched-off",
    severity: Severity::Error,
    reference: "Postfix dane_init",
    meaning: "The policy on this machine asks for DANE, and a parameter of main.cf keeps Postfix \
              from it: level dane then is no more than level may, for every domain, with only a \
              warning in the log; dane-only keeps all mail back.",
    sender: "run postconf -e smtp_dns_support_level=dnssec, and take ignore_mx_lookup_error and \
             disable_dns_lookups out of main.cf; then postfix reload.",
    receiver: "",
};

pub(super) static LOCAL_NO_TRUST_STORE: Rule = Rule {
    id: "local-no-trust-store",
    severity: Severity::Error,
    reference: "Postfix smtp_tls_CAfile",
    meaning: "The policy on this machine asks for a certificate of a trusted CA, and main.cf \
              names no trust store, so that no certificate can pass.",
    sender: "run postconf -e smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt (or where your \
             system has it), then postfix reload.",
    receiver: "",
};

pub(super) static LOCAL_OVERRIDE_NOT_NEEDED: Rule = Rule {
    id: "local-override-not-needed",
    severity: Severity::Warning,
    reference: "Postfix smtp_tls_policy_maps",
    meaning: "An entry of the policy table on this machine is weaker than what is in force \
              without it, and mail would flow without it as well: it is a hole that was left \
              open.",
    sender: "take the entry out, run postmap on the table where it is hash, lmdb or btree, and \
             postfix reload where it is texthash.",
    receiver: "",
};

pub(super) static LOCAL_OVERRIDE_TOO_WEAK: Rule = Rule {
    id: "local-override-too-weak",
    severity: Severity::Warning,
    reference: "Postfix smtp_tls_policy_maps",
    meaning: "An entry of the policy table on this machine is weaker than it has to be: a \
              stricter one delivers this domain's mail too.",
    sender: "put the line of the message in its place, run postmap on the table where it is \
             hash, lmdb or btree, and postfix reload where it is texthash.",
    receiver: "",
};

pub(super) static LOCAL_POLICY_MALFORMED: Rule = Rule {
    id: "local-policy-malformed",
    severity: Severity::Error,
    reference: "Postfix tls_policy_lookup_one",
    meaning: "Postfix does not take the entry that its policy table has for this domain, and \
              defers all its mail with 4.7.5 `client TLS configuration problem`; where only a \
              list of protocols or ciphers is at fault, every handshake fails.",
    sender: "correct the entry: a level, then name=value pairs apart by blanks, with colons \
             inside a list of protocols; then see what postmap -q says.",
    receiver: "",
};

pub(super) static LOCAL_POLICY_SHADOWED: Rule = Rule {
    id: "local-policy-shadowed",
    severity: Severity::Warning,
    reference: "Postfix maps_find",
    meaning: "Two entries are there for this domain, and only the first counts: all tables are \
              asked for the domain itself before any is asked for its parent, each in the order \
              of smtp_tls_policy_maps.",
    sender: "take one of the two out; keep the one for the domain itself in the first table.",
    receiver: "",
};

pub(super) static LOCAL_RESOLVER_NOT_TRUSTED: Rule = Rule {
    id: "local-resolver-does-not-validate",
    severity: Severity::Error,
    reference: "Postfix dns_sec_probe",
    meaning: "The policy on this machine asks for DANE, and its resolver vouches for nothing: \
              level dane then is no more than level may, for every domain.",
    sender: "run a validating resolver on this machine (unbound, or knot-resolver), name \
             127.0.0.1 alone in /etc/resolv.conf, and restart Postfix.",
    receiver: "",
};

pub(super) static LOCAL_RELAYS: Rule = Rule {
    id: "local-relays",
    severity: Severity::Info,
    reference: "Postfix relayhost",
    meaning: "This Postfix hands its mail to a relay, so that the relay's policy decides about \
              this domain, and the entry for the relay about the way there.",
    sender: "check the relay as a next hop of its own, written as relayhost has it.",
    receiver: "",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let sending = &judged.sending;
    let observation = judged.evidence.observation;
    let Some(seen) = &observation.local_sender else {
        return;
    };
    if sending.sender.system != System::Local {
        return;
    }
    let parameters = Parameters(seen);
    let target = observation.next_hop.to_string();
    let in_force = &sending.in_force;
    let level = in_force.line.as_ref().ok().map(|line| line.level);
    let asks_for_dane = matches!(level, Some(SecurityLevel::Dane | SecurityLevel::DaneOnly));
    if let Some(why) = parameters.against_dane()
        && asks_for_dane
    {
        findings.add(
            &LOCAL_DANE_SWITCHED_OFF,
            "main.cf",
            format!(
                "Level {} is in force for {target} ({}), but {why}.",
                in_force.text, in_force.source
            ),
        );
    } else if asks_for_dane && observation.resolver.validation == ResolverValidation::NotShown {
        findings.add(
            &LOCAL_RESOLVER_NOT_TRUSTED,
            observation.resolver.addresses.join(", "),
            format!(
                "Level {} is in force for {target} ({}), but no answer of the resolver is marked \
                 as validated.",
                in_force.text, in_force.source
            ),
        );
    }
    let by_authority = matches!(level, Some(SecurityLevel::Verify | SecurityLevel::Secure));
    let own_anchors = in_force
        .line
        .as_ref()
        .is_ok_and(|line| !line.trust_anchors.is_empty());
    if by_authority && !own_anchors && !parameters.has_trust_store() {
        findings.add(
            &LOCAL_NO_TRUST_STORE,
            "main.cf",
            format!(
                "Level {} is in force for {target} ({}), and neither smtp_tls_CAfile nor \
                 smtp_tls_CApath is set.",
                level.map_or("", SecurityLevel::as_str),
                in_force.source
            ),
        );
    }
    table(judged, &parameters, &target, findings);
    let relay = parameters.get("relayhost");
    if !relay.is_empty() && relay != target {
        findings.add(
            &LOCAL_RELAYS,
            "main.cf",
            format!("relayhost is {relay}: mail to {target} goes there, unless a transport table says otherwise."),
        );
    }
}

fn table(judged: &Judged<'_>, parameters: &Parameters<'_>, target: &str, findings: &mut Findings) {
    let sending = &judged.sending;
    let in_force = &sending.in_force;
    let Some(deciding) = parameters.deciding() else {
        return;
    };
    if let TableAnswer::Found(value) = &deciding.answer {
        let fault = match &in_force.line {
            Err(fault) => Some(fault),
            Ok(line) => line.late_fault.as_ref(),
        };
        if let Some(fault) = fault {
            findings.add(
                &LOCAL_POLICY_MALFORMED,
                target,
                format!(
                    "{} has `{value}` for {}: {fault}.",
                    deciding.table, deciding.key
                ),
            );
        }
        let later = parameters
            .0
            .lookups
            .iter()
            .skip_while(|lookup| *lookup != deciding);
        for shadowed in later.skip(1) {
            let TableAnswer::Found(other) = &shadowed.answer else {
                continue;
            };
            // A service behind the table is there for what the table does not
            // have.
            if other.trim() == value.trim() || is_service(&shadowed.table) {
                continue;
            }
            findings.add(
                &LOCAL_POLICY_SHADOWED,
                target,
                format!(
                    "`{}` of {} for {} does not count, for {} has `{}` for {}.",
                    other.trim(),
                    shadowed.table,
                    shadowed.key,
                    deciding.table,
                    value.trim(),
                    deciding.key
                ),
            );
        }
    }
    match &sending.standing_override {
        None => {}
        Some(StandingOverride::NotNeeded { without }) => findings.add(
            &LOCAL_OVERRIDE_NOT_NEEDED,
            target,
            format!(
                "The entry `{}` for {} ({}) is not needed any more: {} from {} delivers.",
                in_force.text, deciding.key, deciding.table, without.text, without.source
            ),
        ),
        Some(StandingOverride::TooWeak { line }) => findings.add(
            &LOCAL_OVERRIDE_TOO_WEAK,
            target,
            format!(
                "The entry `{}` for {} ({}) is weaker than it has to be: `{line}` delivers too.",
                in_force.text, deciding.key, deciding.table
            ),
        ),
    }
}
