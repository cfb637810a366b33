//! Findings about the Postfix on this machine (`--sender local`).

use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::{Judged, OverrideInForce};
use crate::observation::{ResolverValidation, TableAnswer};
use crate::postfix::SecurityLevel;
use crate::sender::{Parameters, System, is_service};

pub(crate) static LOCAL_DANE_SWITCHED_OFF: Rule = Rule {
    id: "local-dane-switched-off",
    severity: Severity::Error,
    reference: "Postfix dane_init",
    meaning: "The policy on this machine asks for DANE, but a parameter of main.cf switches it \
              off. Level dane then acts like level may for every domain, with only a warning in \
              the log. Level dane-only keeps all mail back.",
    sender: "Run `postconf -e smtp_dns_support_level=dnssec`. Remove ignore_mx_lookup_error, \
             disable_dns_lookups and smtp_host_lookup from main.cf. Then run `postfix reload`.",
    receiver: "",
};

pub(super) static LOCAL_NO_TRUST_STORE: Rule = Rule {
    id: "local-no-trust-store",
    severity: Severity::Error,
    reference: "Postfix smtp_tls_CAfile",
    meaning: "The policy on this machine asks for a certificate of a trusted CA, but main.cf names \
              no trust store. So no certificate can pass.",
    sender: "Run `postconf -e smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt`, or name the file \
             that your system has. Then run `postfix reload`.",
    receiver: "",
};

pub(super) static LOCAL_OVERRIDE_NOT_NEEDED: Rule = Rule {
    id: "local-override-not-needed",
    severity: Severity::Warning,
    reference: "Postfix smtp_tls_policy_maps",
    meaning: "An entry of the policy table on this machine is weaker than the policy without it, \
              and mail flows without it too. The entry only weakens protection.",
    sender: "Remove the entry. Run `postmap` on a table of type hash, lmdb or btree. Run `postfix \
             reload` for a table of type texthash.",
    receiver: "",
};

pub(super) static LOCAL_OVERRIDE_TOO_WEAK: Rule = Rule {
    id: "local-override-too-weak",
    severity: Severity::Warning,
    reference: "Postfix smtp_tls_policy_maps",
    meaning: "An entry of the policy table on this machine is weaker than necessary. A stricter \
              one delivers this domain's mail too.",
    sender: "Replace the entry with the line that the message gives. Run `postmap` on a table of \
             type hash, lmdb or btree. Run `postfix reload` for a table of type texthash.",
    receiver: "",
};

pub(super) static LOCAL_POLICY_MALFORMED: Rule = Rule {
    id: "local-policy-malformed",
    severity: Severity::Error,
    reference: "Postfix tls_policy_lookup_one",
    meaning: "Postfix rejects the entry that its policy table has for this domain, and defers all \
              its mail with 4.7.5 `client TLS configuration problem`. If only a list of protocols \
              or ciphers is wrong, every handshake fails instead.",
    sender: "Correct the entry: a level, then name=value pairs separated by blanks, with colons \
             inside a list of protocols. Then check it with `postmap -q`.",
    receiver: "",
};

pub(super) static LOCAL_POLICY_SHADOWED: Rule = Rule {
    id: "local-policy-shadowed",
    severity: Severity::Warning,
    reference: "Postfix maps_find",
    meaning: "There are two entries for this domain, and only the first counts. Postfix asks all \
              tables for the domain itself before it asks any of them for the parent domain. Each \
              time it follows the order of smtp_tls_policy_maps.",
    sender: "Remove one of the two. Keep the entry for the domain itself in the first table.",
    receiver: "",
};

pub(super) static LOCAL_RESOLVER_NOT_TRUSTED: Rule = Rule {
    id: "local-resolver-does-not-validate",
    severity: Severity::Error,
    reference: "Postfix dns_sec_probe",
    meaning: "The policy on this machine asks for DANE, but its resolver marks no answer as \
              validated. Level dane then acts like level may for every domain.",
    sender: "Run a validating resolver on this machine (unbound, or knot-resolver). List 127.0.0.1 \
             alone in /etc/resolv.conf, and restart Postfix.",
    receiver: "",
};

pub(super) static LOCAL_RELAYS: Rule = Rule {
    id: "local-relays",
    severity: Severity::Info,
    reference: "Postfix relayhost",
    meaning: "This Postfix hands its mail to a relay. The relay's policy decides about this \
              domain. Your entry for the relay decides only about the way to the relay.",
    sender: "Check the relay itself: give danecheck the value of relayhost as the target.",
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
    let level = in_force.policy.line.as_ref().ok().map(|line| line.level);
    let asks_for_dane = matches!(level, Some(SecurityLevel::Dane | SecurityLevel::DaneOnly));
    if let Some(why) = parameters.against_dane()
        && asks_for_dane
    {
        findings.add(
            &LOCAL_DANE_SWITCHED_OFF,
            "main.cf",
            format!(
                "Level {} is in force for {target} ({}), but {why}.",
                in_force.policy.text, in_force.source
            ),
        );
    } else if asks_for_dane && observation.resolver.validation == ResolverValidation::NotShown {
        findings.add(
            &LOCAL_RESOLVER_NOT_TRUSTED,
            observation.resolver.addresses.join(", "),
            format!(
                "Level {} is in force for {target} ({}), but no answer of the resolver is marked \
                 as validated.",
                in_force.policy.text, in_force.source
            ),
        );
    }
    let by_authority = matches!(level, Some(SecurityLevel::Verify | SecurityLevel::Secure));
    let own_anchors = in_force
        .policy
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
        let fault = match &in_force.policy.line {
            Err(fault) => Some(fault.clone()),
            Ok(line) => line.late_fault.as_ref().map(ToString::to_string),
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
            // A service after the table is for names that the table does not
            // have.
            if other.trim() == value.trim() || is_service(&shadowed.table) {
                continue;
            }
            findings.add(
                &LOCAL_POLICY_SHADOWED,
                target,
                format!(
                    "`{}` of {} for {} does not count, because {} has `{}` for {}.",
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
    match &sending.override_in_force {
        None => {}
        Some(OverrideInForce::NotNeeded { without }) => findings.add(
            &LOCAL_OVERRIDE_NOT_NEEDED,
            target,
            format!(
                "The entry `{}` for {} ({}) is no longer needed: {} from {} delivers.",
                in_force.policy.text,
                deciding.key,
                deciding.table,
                without.policy.text,
                without.source
            ),
        ),
        Some(OverrideInForce::TooWeak { entry }) => findings.add(
            &LOCAL_OVERRIDE_TOO_WEAK,
            target,
            format!(
                "The entry `{}` for {} ({}) is weaker than necessary: `{entry}` delivers too.",
                in_force.policy.text, deciding.key, deciding.table
            ),
        ),
    }
}
