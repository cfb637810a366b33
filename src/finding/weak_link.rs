//! Findings about the link at which a chain of trust breaks or ends: one for
//! each fault, for each is mended in another way.

use crate::dnssec::{Fault, OwnValidation, SecurityStatus};

use super::{Findings, Rule, Severity};

const TELL: &str = "tell the domain which link is broken; do not turn validation off for all.";

pub(super) static ALIAS_NOT_OF_DNAME: Rule = Rule {
    id: "alias-not-of-dname",
    severity: Severity::Error,
    reference: "RFC 6672 section 5.3.1",
    meaning: "The zone redirects names with a signed DNAME, and an unsigned alias came with it \
              that leads elsewhere: somebody between this host and the zone changed the answer. \
              What it leads to is not the domain's, and does not count.",
    sender: "see who can change answers between your resolver and the zone; ask the name servers \
             themselves with --authoritative, and flush the name from the resolver's cache.",
    receiver: "see that every name server of the zone makes the alias that the DNAME calls for.",
};

pub(super) static ANSWER_OF_ANOTHER_NAME: Rule = Rule {
    id: "answer-of-another-name",
    severity: Severity::Error,
    reference: "RFC 1034 section 4.3.2",
    meaning: "The answer holds records of another name and nothing of the one that was asked, \
              however well these are signed: somebody passes records of his own for the \
              domain's. They do not count, and stand in no part of this report.",
    sender: "see who can change answers between your resolver and the zone; ask the name servers \
             themselves with --authoritative, and flush the name from the resolver's cache.",
    receiver: "ask each name server of the zone for this name, and mend the one that answers with \
               records of another.",
};

pub(super) static DENIAL_PROVES_NOTHING: Rule = Rule {
    id: "denial-proves-nothing",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.4",
    meaning: "The zone says that a record does not exist and does not prove it: NSEC or NSEC3 \
              records are missing, have a gap, or belong to another state of the zone. That \
              there are no TLSA records is such an answer, so mail waits where DANE is not even \
              in use.",
    sender: TELL,
    receiver: "sign the whole zone anew, with its NSEC or NSEC3 chain, as the last step after \
               every change; update name server software that still denies wrongly.",
};

pub(super) static DS_MATCHES_NO_KEY: Rule = Rule {
    id: "ds-matches-no-key",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.2",
    meaning: "The DS records at the parent are of keys that the zone does not have, as after a \
              change of keys or of the provider. To validating resolvers the whole zone is \
              forged.",
    sender: TELL,
    receiver: "have the registrar put the DS record of the zone's present key signing key in \
               place, or remove the DS records until the zone is in order.",
};

pub(super) static KEY_MISSING: Rule = Rule {
    id: "key-missing",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.2",
    meaning: "The parent has a DS record for the zone, and the zone is not signed (any more). \
              To validating resolvers the whole zone is forged.",
    sender: TELL,
    receiver: "sign the zone, or have the registrar remove the DS records.",
};

pub(super) static NO_TRUST_ANCHOR: Rule = Rule {
    id: "no-trust-anchor",
    severity: Severity::Info,
    reference: "RFC 4035 section 5",
    meaning: "None of the root's keys, as the resolver gives them, matches danecheck's trust \
              anchor, so that it cannot validate by itself, and has the resolver's word alone. \
              Either the anchor is of another root, or old, or somebody answers in the root's \
              place.",
    sender: "leave --trust-anchor out, or give the root's present anchor; ask another resolver \
             with --resolver and compare.",
    receiver: "",
};

pub(super) static NSEC3_ITERATIONS_PAST_LIMIT: Rule = Rule {
    id: "nsec3-iterations-past-limit",
    severity: Severity::Warning,
    reference: "RFC 9276 section 3.2",
    meaning: "The zone hashes its NSEC3 names so often that resolvers do not check them any \
              more. They take what the zone denies, and what hangs on it, for unsigned (then \
              DANE is not in use), or answer SERVFAIL (then mail waits).",
    sender: "tell the domain.",
    receiver: "sign the zone with 0 additional iterations and no salt (BIND: `nsec3param \
               iterations 0 optout no salt-length 0`; Knot DNS: `nsec3-iterations: 0`).",
};

pub(super) static SIGNATURE_EXPIRED: Rule = Rule {
    id: "signature-expired",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A signature of the zone has expired: it was not signed again in time. To \
              validating resolvers what it covers is forged.",
    sender: TELL,
    receiver: "sign the zone anew now, then see why that did not happen by itself (the signing \
               service, its keys, the transfer to the name servers).",
};

pub(super) static SIGNATURE_MISSING: Rule = Rule {
    id: "signature-missing",
    severity: Severity::Warning,
    reference: "RFC 4035 section 2.2",
    meaning: "A record set of a signed zone has no signature: it was added after signing, or a \
              name server or something before it leaves signatures out. To validating resolvers \
              it is forged.",
    sender: TELL,
    receiver: "sign the zone as the last step after every change, and ask its name servers \
               (`danecheck --authoritative`) whether each hands the signatures out.",
};

pub(super) static SIGNATURE_NOT_YET_VALID: Rule = Rule {
    id: "signature-not-yet-valid",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A signature of the zone begins in the future: the clock of the signer is ahead, or \
              the one of this host behind. To resolvers with the right time what it covers is \
              forged.",
    sender: "see that the clock of this host and of its resolver is right; then tell the domain.",
    receiver: "set the clock of the machine that signs, and sign the zone anew.",
};

pub(super) static RESPONSE_CODE_CONTRADICTS: Rule = Rule {
    id: "response-code-contradicts",
    severity: Severity::Error,
    reference: "RFC 4035 section 5.4",
    meaning: "The answer says that the name does not exist, and holds signed records of it: the \
              response code, which no signature covers, was changed on the way. Whoever believes \
              it takes away what the domain publishes.",
    sender: "see who can change answers between this host and your resolver, and the resolver \
             and the zone; run the resolver on the mail server itself.",
    receiver: "see that every name server of the zone answers NOERROR where it has the record.",
};

pub(super) static SIGNATURE_DATES_REVERSED: Rule = Rule {
    id: "signature-dates-reversed",
    severity: Severity::Warning,
    reference: "RFC 4034 section 3.1.5",
    meaning: "A signature of the zone ends before it begins, so it never holds. To validating \
              resolvers what it covers is forged.",
    sender: TELL,
    receiver: "correct the dates that the signer is given, and sign the zone anew.",
};

pub(super) static SIGNATURE_WRONG: Rule = Rule {
    id: "signature-wrong",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.3.3",
    meaning: "A signature does not fit its records: they were changed after they were signed, as \
              by a script that edits the signed zone or raises its SOA serial. Where it is the \
              SOA record, everything that does not exist is forged to validating resolvers.",
    sender: TELL,
    receiver: "make every change (the serial too) before the zone is signed, and sign it anew.",
};

pub(super) static SIGNING_KEY_MISSING: Rule = Rule {
    id: "signing-key-missing",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A record set is signed with a key that is not among the zone's keys, as where a \
              change of keys went too fast. To validating resolvers it is forged.",
    sender: TELL,
    receiver: "publish the signing key's DNSKEY again, or sign the zone anew with the keys that \
               it has; at the next change publish the new key a TTL before it signs.",
};

pub(super) static SIGNED_WITHOUT_DS: Rule = Rule {
    id: "signed-without-ds",
    severity: Severity::Info,
    reference: "RFC 4035 section 5.2",
    meaning: "There are signatures, and no chain of trust leads to them: a zone on the way has no \
              DS record at its parent, because it was removed, was lost in a move to another \
              provider or registrar, or was never handed in. To everybody the data counts as \
              unsigned, and DANE does not apply to it.",
    sender: "nothing: mail flows as to any domain that is not signed.",
    receiver: "have the registrar publish the DS record of the zone's key signing key.",
};

/// The rule for a fault; nothing for what breaks no chain, for what is told
/// where it is insecure, and for what danecheck alone cannot compute.
fn rule(fault: &Fault) -> Option<&'static Rule> {
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
        Fault::ForeignAnswer { .. } => Some(&ANSWER_OF_ANOTHER_NAME),
        Fault::AliasNotOfDname { .. } => Some(&ALIAS_NOT_OF_DNAME),
        Fault::ResponseCodeContradicts => Some(&RESPONSE_CODE_CONTRADICTS),
        Fault::DsMissing { .. }
        | Fault::OptOut
        | Fault::TooMuchWork
        | Fault::AlgorithmUnknownToAll { .. }
        | Fault::UnsupportedAlgorithm { .. } => None,
    }
}

/// The weak link of one lookup, and whether signatures came with its answer.
pub(super) fn check(what: &str, own: &OwnValidation, signed: bool, findings: &mut Findings) {
    let Some(link) = &own.weak_link else { return };
    if let Fault::DsMissing { parent } = &link.fault
        && own.status == SecurityStatus::Insecure
        && signed
    {
        findings.add(
            &SIGNED_WITHOUT_DS,
            link.zone.clone(),
            format!(
                "{what} has signatures that nobody can check, for {} has no DS record at {parent}.",
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
        // What validators make of so many differs.
        (Fault::Nsec3IterationsPastLimit { .. }, _) => {
            format!("The chain of trust ends in {zone}: {link}.")
        }
        (Fault::NoTrustAnchor, _) => format!("The chain of trust has no beginning: {link}."),
        _ => return,
    };
    findings.add(rule, zone.clone(), message);
}
