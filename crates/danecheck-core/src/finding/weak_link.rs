//! Findings about the link at which a chain of trust breaks or ends: one for
//! each fault, because each has its own remedy.

use crate::dnssec::{Fault, OwnValidation, SecurityStatus};
use crate::finding::name_server::is_bogus_at_the_resolver_alone;
use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::Judged;

const TELL: &str = "Tell the domain's administrator which link is broken. Do not turn validation \
                    off for all domains.";

pub(super) static ALIAS_NOT_OF_DNAME: Rule = Rule {
    id: "alias-not-of-dname",
    severity: Severity::Error,
    reference: "RFC 6672 section 5.3.1",
    meaning: "The zone redirects names with a signed DNAME. The answer holds an unsigned alias \
              that leads elsewhere, so somebody changed the answer between the zone and this host. \
              danecheck does not use what the alias leads to.",
    sender: "Find out who can change answers between your resolver and the zone. Ask the name \
             servers directly with --authoritative, and flush the name from the resolver's \
             cache.",
    receiver: "Check that every name server of the zone derives the alias from the DNAME.",
};

pub(super) static ANSWER_OF_ANOTHER_NAME: Rule = Rule {
    id: "answer-of-another-name",
    severity: Severity::Error,
    reference: "RFC 1034 section 4.3.2",
    meaning: "The answer holds records of another name that do not belong there. Even valid \
              signatures do not help: somebody presents other records as the domain's. danecheck \
              does not use them.",
    sender: "Find out who can change answers between your resolver and the zone. Ask the name \
             servers directly with --authoritative, and flush the name from the resolver's \
             cache.",
    receiver: "Ask each name server of the zone for this name. Repair the one that answers with \
               records of another name.",
};

pub(super) static DENIAL_PROVES_NOTHING: Rule = Rule {
    id: "denial-proves-nothing",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.4",
    meaning: "The zone says that a record does not exist, but does not prove it. NSEC or NSEC3 \
              records are missing, have a gap, or belong to another version of the zone. \"There \
              are no TLSA records\" is such a denial, so mail can wait even if the domain does not \
              use DANE.",
    sender: TELL,
    receiver: "Sign the whole zone again, with its NSEC or NSEC3 chain, as the last step after \
               every change. Update name server software that still sends wrong denials.",
};

pub(super) static DS_MATCHES_NO_KEY: Rule = Rule {
    id: "ds-matches-no-key",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.2",
    meaning: "The DS records at the parent belong to keys that the zone does not have, for example \
              after a change of keys or of the provider. Validating resolvers treat the whole zone \
              as bogus.",
    sender: TELL,
    receiver: "Correct the DS records at the parent: ask the registrar to publish that of the \
               zone's current key signing key. Or remove them until the zone is in order.",
};

pub(super) static KEY_MISSING: Rule = Rule {
    id: "key-missing",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.2",
    meaning: "The parent has a DS record for the zone, but the zone is not signed, or not signed \
              any more. Validating resolvers treat the whole zone as bogus.",
    sender: TELL,
    receiver: "Sign the zone, or ask the registrar to remove the DS records.",
};

pub(super) static NO_TRUST_ANCHOR: Rule = Rule {
    id: "no-trust-anchor",
    severity: Severity::Info,
    reference: "RFC 4035 section 5",
    meaning: "None of the root keys that the resolver sends matches danecheck's trust anchor. So \
              danecheck cannot validate by itself and relies on the resolver alone. The anchor \
              belongs to another root, or it is old, or somebody answers in the root's place.",
    sender: "Leave --trust-anchor out, or give the root's current anchor. Ask another resolver \
             with --resolver, and compare.",
    receiver: "",
};

pub(super) static NSEC3_ITERATIONS_PAST_LIMIT: Rule = Rule {
    id: "nsec3-iterations-past-limit",
    severity: Severity::Warning,
    reference: "RFC 9276 section 3.2",
    meaning: "The zone hashes its NSEC3 names so many times that resolvers no longer check them. \
              Some resolvers treat its denials, and all that depends on them, as insecure: DANE is \
              not used. Others answer SERVFAIL: mail waits.",
    sender: "Tell the domain's administrator.",
    receiver: "Sign the zone with 0 additional iterations and no salt (BIND: `nsec3param \
               iterations 0 optout no salt-length 0`; Knot DNS: `nsec3-iterations: 0`).",
};

pub(super) static SIGNATURE_EXPIRED: Rule = Rule {
    id: "signature-expired",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A signature of the zone has expired: nobody renewed it in time. Validating resolvers \
              treat what it covers as bogus.",
    sender: TELL,
    receiver: "Sign the zone again now. Then find out why that did not happen by itself: the \
               signing service, its keys, or the transfer to the name servers.",
};

pub(super) static SIGNATURE_MISSING: Rule = Rule {
    id: "signature-missing",
    severity: Severity::Error,
    reference: "RFC 4035 section 2.2",
    meaning: "A record set of a signed zone has no signature. It was added after signing, or a \
              name server or something in front of it leaves signatures out. Validating resolvers \
              treat it as bogus.",
    sender: TELL,
    receiver: "Sign the zone as the last step after every change. Ask its name servers (`danecheck \
               --authoritative`) whether each of them sends the signatures.",
};

pub(super) static SIGNATURE_NOT_YET_VALID: Rule = Rule {
    id: "signature-not-yet-valid",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A signature of the zone begins in the future: the signer's clock is ahead, or the \
              clock of this host is behind. Resolvers with the right time treat what it covers as \
              bogus.",
    sender: "Check the clocks of this host and of its resolver. Then tell the domain's \
             administrator.",
    receiver: "Set the clock of the machine that signs, and sign the zone again.",
};

pub(super) static RESPONSE_CODE_CONTRADICTS: Rule = Rule {
    id: "response-code-contradicts",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.4",
    meaning: "The answer says that the name does not exist, but holds signed records of it. No \
              signature covers the response code, so somebody could change it on the way. A \
              resolver that believes it loses what the domain publishes.",
    sender: "Find out who can change answers between this host and your resolver, and between the \
             resolver and the zone. Run the resolver on the mail server itself.",
    receiver: "Check that every name server of the zone answers NOERROR where it has the record.",
};

pub(super) static SIGNATURE_DATES_REVERSED: Rule = Rule {
    id: "signature-dates-reversed",
    severity: Severity::Error,
    reference: "RFC 4034 section 3.1.5",
    meaning: "A signature of the zone ends before it begins, so it is never valid. Validating \
              resolvers treat what it covers as bogus.",
    sender: TELL,
    receiver: "Correct the dates that the signer uses, and sign the zone again.",
};

pub(super) static SIGNATURE_WRONG: Rule = Rule {
    id: "signature-wrong",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.3.3",
    meaning: "A signature does not match its records: they were changed after signing, for example \
              by a script that edits the signed zone or raises its SOA serial. If it is the SOA \
              record, validating resolvers treat every denial of the zone as bogus.",
    sender: TELL,
    receiver: "Sign the zone again, and from now on after every change (of the serial too).",
};

pub(super) static SIGNING_KEY_MISSING: Rule = Rule {
    id: "signing-key-missing",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A record set is signed with a key that is not among the zone's keys, for example \
              because a key change went too fast. Validating resolvers treat it as bogus.",
    sender: TELL,
    receiver: "Publish the signing key's DNSKEY again, or sign the zone again with the keys that \
               it has. At the next change publish the new key one TTL before it signs.",
};

pub(super) static SIGNED_WITHOUT_DS: Rule = Rule {
    id: "signed-without-ds",
    severity: Severity::Info,
    reference: "RFC 4035 section 5.2",
    meaning: "There are signatures, but no chain of trust leads to them: a zone on the way has no \
              DS record at its parent. The DS record was removed, was lost in a move to another \
              provider or registrar, or was never submitted. All validators treat the data as \
              insecure, and DANE does not apply to it.",
    sender: "Do nothing: mail flows as to any domain that is not signed.",
    receiver: "Ask the registrar to publish the DS record of the zone's key signing key.",
};

/// The rule for a fault; `None` for what breaks no chain, for what is reported
/// as insecure elsewhere, and for what only danecheck does not support.
pub(super) fn rule(fault: &Fault) -> Option<&'static Rule> {
    match fault {
        Fault::SignatureExpired { .. } => Some(&SIGNATURE_EXPIRED),
        Fault::SignatureNotYetValid { .. } => Some(&SIGNATURE_NOT_YET_VALID),
        Fault::SignatureMissing => Some(&SIGNATURE_MISSING),
        Fault::SignatureWrong => Some(&SIGNATURE_WRONG),
        Fault::SigningKeyMissing { .. } => Some(&SIGNING_KEY_MISSING),
        Fault::KeyMissing => Some(&KEY_MISSING),
        Fault::DsMatchesNoKey => Some(&DS_MATCHES_NO_KEY),
        Fault::NoTrustAnchor => Some(&NO_TRUST_ANCHOR),
        Fault::DenialProvesNothing => Some(&DENIAL_PROVES_NOTHING),
        Fault::Nsec3IterationsPastLimit { .. } => Some(&NSEC3_ITERATIONS_PAST_LIMIT),
        Fault::SignatureDatesReversed { .. } => Some(&SIGNATURE_DATES_REVERSED),
        Fault::ForeignAnswer => Some(&ANSWER_OF_ANOTHER_NAME),
        Fault::AliasNotOfDname { .. } => Some(&ALIAS_NOT_OF_DNAME),
        Fault::ResponseCodeContradicts => Some(&RESPONSE_CODE_CONTRADICTS),
        Fault::DsMissing { .. }
        | Fault::OptOut
        | Fault::TooMuchWork
        | Fault::AlgorithmUnknownToAll { .. }
        | Fault::UnsupportedAlgorithm { .. } => None,
    }
}

/// Raises the findings of this module: they say why, after the findings about
/// the mail.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for lookup in judged.evidence.observation.lookups() {
        // `resolver-answers-otherwise` reports what the zone is not to blame for.
        if let Some(own) = lookup.own
            && !is_bogus_at_the_resolver_alone(&lookup)
        {
            of_lookup(&lookup.what(), own, lookup.signed, findings);
        }
    }
}

/// The weak link of one lookup, and whether signatures came with its answer.
fn of_lookup(what: &str, own: &OwnValidation, signed: bool, findings: &mut Findings) {
    let Some(link) = &own.weak_link else { return };
    if let Fault::DsMissing { parent } = &link.fault
        && own.status == SecurityStatus::Insecure
        && signed
    {
        findings.add(
            &SIGNED_WITHOUT_DS,
            link.zone.clone(),
            format!(
                "{what} has signatures that no resolver can check, because {} has no DS record at \
                 {parent}.",
                link.zone
            ),
        );
    }
    let Some(rule) = rule(&link.fault) else {
        return;
    };
    let zone = &link.zone;
    let message = match (&link.fault, own.status) {
        (_, SecurityStatus::Bogus) => format!("The chain of trust breaks in {zone}: {link}."),
        // Validators treat this many iterations differently.
        (Fault::Nsec3IterationsPastLimit { .. }, _) => {
            format!("The chain of trust ends in {zone}: {link}.")
        }
        (Fault::NoTrustAnchor, _) => format!("The chain of trust has no start: {link}."),
        _ => return,
    };
    findings.add(rule, zone.clone(), message);
}
