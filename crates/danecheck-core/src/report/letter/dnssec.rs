//! Why the validation of a lookup fails, in both languages.

use crate::dnssec::{Fault, WeakLink};
use crate::entry::Language;
use crate::unix_time::UnixTime;

/// The fault in a few words.
pub(super) fn fault(link: &WeakLink, language: Language) -> String {
    let WeakLink {
        zone,
        record_set: set,
        fault,
    } = link;
    let say = |english: String, german: String| language.pick(english, german);
    match fault {
        Fault::SignatureExpired { expiration, .. } => {
            let when = minute(*expiration);
            say(
                format!("the signature of {set} expired on {when}"),
                format!("die Signatur von {set} ist am {when} abgelaufen"),
            )
        }
        Fault::SignatureNotYetValid { inception, .. } => {
            let when = minute(*inception);
            say(
                format!("the signature of {set} is not valid before {when}"),
                format!("die Signatur von {set} gilt erst ab {when}"),
            )
        }
        Fault::SignatureMissing => say(
            format!("{set} has no signature"),
            format!("{set} hat keine Signatur"),
        ),
        Fault::SignatureWrong => say(
            format!("the signature of {set} does not match it"),
            format!("die Signatur von {set} passt nicht dazu"),
        ),
        Fault::KeyMissing => say(
            format!("{zone} has a DS record at its parent, but no key"),
            format!("{zone} hat in der Zone darüber einen DS-Eintrag, aber keinen Schlüssel"),
        ),
        Fault::DsMatchesNoKey => say(
            format!("no DS record of {zone} at its parent matches a key of the zone"),
            format!("kein DS-Eintrag für {zone} passt zu einem Schlüssel der Zone"),
        ),
        Fault::DenialProvesNothing => say(
            format!("{zone} does not prove that {set} does not exist"),
            format!("{zone} beweist nicht, dass es {set} nicht gibt"),
        ),
        _ => say(
            link.to_string(),
            format!("die DNSSEC-Prüfung von {set} in der Zone {zone} misslingt"),
        ),
    }
}

/// A moment to the minute.
pub(super) fn minute(moment: UnixTime) -> String {
    let text: String = moment.to_string().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}
