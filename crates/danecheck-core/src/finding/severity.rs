//! Severities that depend on the target: what a fault does to it may be worse
//! than what the fault usually does.

use crate::judge::{Judged, Route, Verdict};
use crate::postfix::SecurityLevel;

use super::rule::{Findings, Rule};
use super::{address_limit, dns, old_tls, refusal, resolver, sender, session, tlsa, unusable};

/// When a finding is an error although its rule usually is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorseIf {
    /// The sender's mail waits or is returned.
    NoMail,
    /// No server of the target has an address.
    NoAddress,
    /// The sender asks for `dane-only`, and its mail waits.
    DaneOnly,
}

impl WorseIf {
    /// The condition, as it follows "error if".
    pub fn as_text(self) -> &'static str {
        match self {
            Self::NoMail => "no server takes the sender's mail",
            Self::NoAddress => "no server of the domain has an address",
            Self::DaneOnly => "the sender asks for dane-only, and its mail waits",
        }
    }
}

/// The rules that can be raised, each with its condition.
static RAISED: &[(&Rule, WorseIf)] = &[
    (&dns::ADDRESS_LOOKUP_FAILED, WorseIf::NoAddress),
    (&session::CONNECTION_REFUSED, WorseIf::NoMail),
    (&session::CONNECTION_TIMED_OUT, WorseIf::NoMail),
    (&session::EHLO_REFUSED, WorseIf::NoMail),
    (&session::GREETING_REFUSED, WorseIf::NoMail),
    (&dns::HOST_NOT_SIGNED, WorseIf::DaneOnly),
    (&dns::MX_HOST_IS_ADDRESS, WorseIf::DaneOnly),
    (&dns::MX_HOST_NAME_INVALID, WorseIf::NoAddress),
    (&dns::MX_HOST_WITHOUT_ADDRESS, WorseIf::NoAddress),
    (&dns::MX_NOT_SIGNED, WorseIf::DaneOnly),
    (&address_limit::MORE_ADDRESSES_THAN_TRIED, WorseIf::NoMail),
    (&tlsa::NO_TLSA, WorseIf::DaneOnly),
    (&dns::RESERVED_ADDRESS, WorseIf::NoMail),
    (&resolver::RESOLVER_TIMES_OUT, WorseIf::NoMail),
    (&sender::SENDER_REFUSES_OLD_TLS, WorseIf::NoMail),
    (&session::SERVER_SILENT, WorseIf::NoMail),
    (&refusal::TEMPORARY_REFUSAL, WorseIf::NoMail),
    (&old_tls::TLS_OUTDATED, WorseIf::NoMail),
    (&unusable::TLSA_ALL_UNUSABLE, WorseIf::DaneOnly),
    (&tlsa::TLSA_MISSING_ON_SOME_HOSTS, WorseIf::DaneOnly),
    (&tlsa::TLSA_NOT_SIGNED, WorseIf::DaneOnly),
    (&unusable::TLSA_WITHOUT_DATA, WorseIf::NoMail),
];

impl Rule {
    /// When a finding of this rule is an error, if it usually is less.
    pub fn worse_if(&self) -> Option<WorseIf> {
        let found = RAISED.iter().find(|(rule, _)| rule.id == self.id);
        found.map(|(_, condition)| *condition)
    }
}

/// Raises the findings whose condition this target meets.
pub(super) fn raise(judged: &Judged<'_>, findings: &mut Findings) {
    let sending = &judged.sending;
    let waits = judged.verdict != Verdict::Indeterminate
        && sending.outcome.is_told()
        && !sending.outcome.delivers();
    if !waits {
        return;
    }
    let line = sending.in_force.policy.line.as_ref();
    let is_dane_only = line.is_ok_and(|line| line.level == SecurityLevel::DaneOnly);
    let has_no_address = matches!(judged.evidence.route, Route::Nowhere(_));
    // Old TLS does no harm by itself where only this sender refuses it.
    let mut all = findings.all().iter();
    let refuses = all.any(|one| *one.rule == sender::SENDER_REFUSES_OLD_TLS)
        && sender::refuses_what_delivers(judged);
    findings.raise(|finding| match finding.rule.worse_if() {
        Some(_) if refuses && *finding.rule == old_tls::TLS_OUTDATED => false,
        Some(WorseIf::NoMail) => true,
        Some(WorseIf::NoAddress) => has_no_address,
        Some(WorseIf::DaneOnly) => is_dane_only,
        None => false,
    });
}
