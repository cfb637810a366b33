//! Findings about certificates outside their dates, where a TLSA record names an
//! authority.

use crate::certificate::{Certificate, Presented, VerificationError, VerificationFailure};
use crate::finding::rule::{Rule, Severity, TELL};
use crate::forensics::common_name;
use crate::unix_time::UnixTime;

pub(crate) static DANE_TA_CERTIFICATE_EXPIRED: Rule = Rule {
    id: "dane-ta-certificate-expired",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The TLSA record names a certificate authority (usage 2), so the dates of the \
              server's certificate and of its issuers count. One of them is not valid now. With a \
              record 3 1 1 of the server's own key, the dates would not matter.",
    sender: TELL,
    receiver: "Renew the server's certificate and reload the mail server. Most servers load a new \
               certificate only at a reload.",
};

/// What a certificate outside its dates is called, and the step for it; `None`
/// where the rule's step fits: the server's own has expired.
pub(super) fn outside(
    failure: &VerificationFailure,
    chain: &[Presented],
    now: UnixTime,
) -> Option<(String, String)> {
    let is_outside = |one: &&Certificate| match failure.error {
        VerificationError::Expired => one.not_after() < now,
        VerificationError::NotYetValid => now < one.not_before(),
        _ => false,
    };
    let mut outside = chain.iter().flatten().filter(is_outside);
    let is_early = failure.error == VerificationError::NotYetValid;
    if failure.depth == 0 {
        let leaf = outside.next().filter(|_| is_early)?;
        let day = leaf.not_before().day();
        return Some((
            format!("the server's certificate is not valid before {day}"),
            format!(
                "Put the former certificate back until {day}, and check the clock of the machine \
                 that made this one. Or publish 3 1 1 of the server's own key, for which dates do \
                 not count."
            ),
        ));
    }
    let mut above = chain.iter().skip(1).flatten().filter(is_outside);
    match (above.next(), above.next(), is_early) {
        (Some(one), None, false) => Some((
            format!(
                "the CA certificate {} expired on {}",
                common_name(one),
                one.not_after().day()
            ),
            "Replace the expired CA certificate in the chain that the server sends \
             (`fullchain.pem`). Or publish 3 1 1 of the server's own key, for which dates do not \
             count."
                .to_owned(),
        )),
        (Some(one), None, true) => Some((
            format!(
                "the CA certificate {} is not valid before {}",
                common_name(one),
                one.not_before().day()
            ),
            "Put the former CA certificate back into the chain that the server sends. Or publish \
             3 1 1 of the server's own key, for which dates do not count."
                .to_owned(),
        )),
        // It comes from a TLSA record, or it is one of several.
        _ => Some((
            failure.plain(),
            "Publish 3 1 1 of the server's own key instead, for which dates do not count."
                .to_owned(),
        )),
    }
}
