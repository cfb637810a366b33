//! Findings about servers that do not offer STARTTLS, or offer it where Postfix
//! does not see it.

use crate::finding::cause::Cause;
use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::judge::{AddressEvidence, DaneRecords};
use crate::observation::{Answer, Reply, Session};

pub(super) static STARTTLS_MASKED: Rule = Rule {
    id: "starttls-masked",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2",
    meaning: "The server's reply shows Xs where STARTTLS should be. A firewall that inspects SMTP \
              overwrote the offer, as Cisco's `inspect esmtp` does. The firewall is in front of \
              the server or in front of you. If it is in front of you, every domain looks like \
              this from here.",
    sender: "Check another domain, such as gmail.com. If it looks the same, switch off the SMTP \
             inspection of your own firewall.",
    receiver: "Switch off the SMTP inspection of the firewall in front of the server.",
};

pub(super) static STARTTLS_NOT_OFFERED: Rule = Rule {
    id: "starttls-not-offered",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2",
    meaning: "TLSA records promise TLS, but the server does not offer it. Senders must not send in \
              plain text then, so mail waits. A firewall that removes STARTTLS from the dialogue \
              looks the same, and so does an attacker.",
    sender: "Check from another network. If many domains lack STARTTLS, the fault is on your side \
             (a firewall's SMTP inspection).",
    receiver: "Switch STARTTLS on, or remove the TLSA records.",
};

pub(super) static TLSA_OF_OTHER_SERVICE: Rule = Rule {
    id: "tlsa-of-other-service",
    severity: Severity::Error,
    reference: "RFC 7671 section 6",
    meaning: "The name of the TLSA records for this port is an alias (CNAME) of another service's \
              name, such as submission with TLS on port 465. This port has no STARTTLS. The \
              records were never meant for this port, and they make senders refuse to deliver.",
    sender: "Tell the receiver.",
    receiver: "Remove the alias, or switch STARTTLS on here too.",
};

/// The step where the server refuses the command whose answer offers STARTTLS.
const ACCEPT_EHLO: &str = "Let the server, and each filter in front of it, accept EHLO: only its \
                           answer offers STARTTLS.";

/// The word that a server offers TLS with.
const STARTTLS: &str = "STARTTLS";

/// Why Postfix does not see an offer that the server most likely makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// The reply is longer than what Postfix keeps of one
    /// (`smtp_chat_resp`).
    TooFarBack,
    /// The word is not alone on a line of its own.
    Mangled,
}

impl Unseen {
    /// What hides the offer in this reply to EHLO.
    pub(super) fn of(ehlo: &Reply) -> Option<Self> {
        let letters = |line: &String| -> String {
            let letters = line.chars().filter(char::is_ascii_alphabetic);
            letters.map(|c| c.to_ascii_uppercase()).collect()
        };
        let goes_on = |line: &String| line.get(3..4) == Some("-");
        if ehlo.lines.iter().any(|line| letters(line) == STARTTLS) {
            Some(Self::Mangled)
        } else {
            // A whole reply ends with a line that says so.
            let last = ehlo.lines.last();
            last.is_some_and(goes_on).then_some(Self::TooFarBack)
        }
    }

    /// The end of a sentence about the server.
    fn words(self) -> &'static str {
        match self {
            Self::TooFarBack => {
                "answers EHLO with more than Postfix reads, and offers no STARTTLS before that"
            }
            Self::Mangled => {
                "writes STARTTLS in its answer to EHLO so that Postfix does not see it"
            }
        }
    }

    /// What the receiver does.
    pub(super) fn step(self) -> &'static str {
        match self {
            Self::TooFarBack => {
                "Shorten the answer to EHLO to less than 2048 bytes, or put STARTTLS at its \
                 beginning."
            }
            Self::Mangled => {
                "Write `250-STARTTLS` as a line of its own, after the line with the server's \
                 name. Nothing may stand before or after the word."
            }
        }
    }
}

/// Raises the finding about a server that offers no STARTTLS although TLSA
/// records promise TLS.
pub(super) fn missing(
    subject: &str,
    address: &AddressEvidence<'_>,
    session: &Session,
    findings: &mut Findings,
) {
    let greeting = session.greeting.as_ref();
    if let Some(greeting) = greeting.filter(|greeting| greeting.is_hidden_by_firewall()) {
        findings.add(
            &STARTTLS_MASKED,
            subject,
            format!(
                "{subject} greets with \"{}\", so Postfix sends HELO and sees no STARTTLS. Most \
                 likely a firewall hides the greeting.",
                greeting.text()
            ),
        );
        return;
    }
    if let Some(refused) = &session.refused_ehlo {
        let message = format!(
            "{subject} refuses EHLO: {}. Postfix then sends HELO and sees no STARTTLS, although \
             TLSA records promise TLS.",
            refused.text()
        );
        let finding = Finding::new(&STARTTLS_NOT_OFFERED, subject, message);
        findings.put(finding.receiver(ACCEPT_EHLO).because(Cause::Other));
        return;
    }
    let ehlo = session.ehlo.as_ref();
    if let Some(mask) = ehlo.and_then(Reply::mask) {
        findings.add(
            &STARTTLS_MASKED,
            subject,
            format!(
                "{subject} shows {mask} where STARTTLS should be, although TLSA records promise \
                 TLS. A firewall overwrote it."
            ),
        );
        return;
    }
    let unseen = ehlo.and_then(Unseen::of);
    let what = unseen.map_or("does not offer STARTTLS", Unseen::words);
    let message = format!("{subject} {what}, although TLSA records promise TLS.");
    let finding = Finding::new(&STARTTLS_NOT_OFFERED, subject, message);
    findings.put(match unseen {
        Some(unseen) => finding.receiver(unseen.step()).because(Cause::Other),
        None => finding,
    });
    if let Some(other) = other_service(address) {
        findings.add(
            &TLSA_OF_OTHER_SERVICE,
            subject,
            format!(
                "The TLSA records that promise TLS at {subject} are those at {other}, through an \
                 alias."
            ),
        );
    }
}

/// The target of the alias of the TLSA records' name, if it is the name of
/// another service: its first two labels are another port or protocol.
fn other_service<'e>(address: &AddressEvidence<'e>) -> Option<&'e str> {
    let (DaneRecords::Usable(tlsa, _) | DaneRecords::Unusable(tlsa)) = &address.dane else {
        return None;
    };
    let Answer::Records(set) = &tlsa.lookup.answer else {
        return None;
    };
    let end = set.open().regardless().aliases.last()?;
    let service = |name: &str| -> Vec<String> {
        let labels = name.split('.').take(2);
        labels.map(str::to_ascii_lowercase).collect()
    };
    let theirs = service(end);
    let is_service = theirs.iter().all(|label| label.starts_with('_'));
    (is_service && theirs != service(&tlsa.lookup.name)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_that_postfix_does_not_see_is_told_from_none() {
        for (lines, unseen) in [
            (&["250-mx", "250 HELP"][..], None),
            (&["250 mx"], None),
            (
                &["250-mx", "250-SIZE", "250-HELP"],
                Some(Unseen::TooFarBack),
            ),
            (&["250 STARTTLS"], Some(Unseen::Mangled)),
            (&["250-mx", "250 STARTTLS\t"], Some(Unseen::Mangled)),
            (
                &["250-mx", "250-START\u{1b}TLS", "250 HELP"],
                Some(Unseen::Mangled),
            ),
            (&["250-mx", "250 starttls!"], Some(Unseen::Mangled)),
            (&["250-mx", "250 NOSTARTTLS"], None),
        ] {
            let reply = Reply {
                code: 250,
                lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            };
            assert_eq!(Unseen::of(&reply), unseen, "{lines:?}");
        }
    }
}
