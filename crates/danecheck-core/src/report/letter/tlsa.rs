//! TLSA records that match nothing, or that nobody can use.

use super::problem::{Problem, Why};
use super::words::Speaker;
use super::{Part, WIDTH};

/// Published records that are shown.
const SHOWN: usize = 3;

/// The longest name of a certificate that is shown, in characters.
const LONGEST_NAME: usize = 100;

impl Speaker<'_> {
    /// What is published, what is served, and why they do not go together.
    pub(super) fn records_seen(&self, parts: &mut Vec<Part>) {
        let Problem::Records {
            owner,
            published,
            host,
            address,
            served,
            why,
            ..
        } = self.problem
        else {
            return;
        };
        let in_dns = self.say("In DNS", "Im DNS");
        parts.push(Part::Paragraph(format!("- {in_dns}: {owner} TLSA")));
        for record in published.iter().take(SHOWN) {
            parts.push(Part::Line(format!("    {}", shortened(record))));
        }
        let more = published.len().saturating_sub(SHOWN);
        if more > 0 {
            let words = self.say(format!("and {more} more"), format!("und {more} weitere"));
            parts.push(Part::Line(format!("    {words}")));
        }
        let at = format!("{} [{}]", host.name, address.address);
        let name: String = served.subject.chars().take(LONGEST_NAME).collect();
        let (english, german) = match name.is_empty() {
            true => (
                "a certificate without a name".to_owned(),
                "ein Zertifikat ohne Namen".to_owned(),
            ),
            false => (
                format!("a certificate for {name}"),
                format!("ein Zertifikat für {name}"),
            ),
        };
        if *why == Some(Why::Expired) {
            let until = served.not_after.day();
            parts.push(Part::Paragraph(self.say(
                format!("- At {at}: {english}, valid until {until}."),
                format!("- Bei {at}: {german}, gültig bis {until}."),
            )));
        } else {
            let from = served.not_before.day();
            let (english_is, german_is) = match why {
                Some(Why::Hidden) => ("is", "ist"),
                _ => ("would be", "wäre"),
            };
            parts.push(Part::Paragraph(self.say(
                format!("- At {at}: {english}, valid from {from}. Its TLSA record {english_is}"),
                format!("- Bei {at}: {german}, gültig ab {from}. Dessen TLSA-Eintrag {german_is}"),
            )));
            parts.push(Part::Line(format!("    {}", shortened(&served.tlsa))));
        }
        if let Some(words) = why.and_then(|why| self.reason(why, &host.name)) {
            parts.push(Part::Blank);
            parts.push(Part::Paragraph(words));
        }
    }

    /// Why a record that looks right is of no use.
    fn reason(&self, why: Why<'_>, host: &str) -> Option<String> {
        Some(match why {
            Why::Expired => self.say(
                "The record names an authority that issued the certificate, but the certificate \
                 has expired.",
                "Der Eintrag nennt eine Zertifizierungsstelle, von der das Zertifikat stammt, aber \
                 das Zertifikat ist abgelaufen.",
            ),
            Why::OtherName => self.say(
                format!(
                    "The record names an authority that issued the certificate, but the \
                     certificate is not for {host}."
                ),
                format!(
                    "Der Eintrag nennt eine Zertifizierungsstelle, von der das Zertifikat stammt, \
                     aber das Zertifikat gilt nicht für {host}."
                ),
            ),
            Why::RootNotSent => self.say(
                "The record names the root of the chain, but the server does not send the root, so \
                 the record matches nothing (RFC 7671, 5.2.2).",
                "Der Eintrag nennt das Wurzelzertifikat der Kette, aber der Server sendet es nicht \
                 mit. Daher passt der Eintrag zu nichts (RFC 7671, 5.2.2).",
            ),
            Why::WrongUsage => self.say(
                "The record has the right data. But it begins with 2, which stands for an \
                 authority, and not with 3, which stands for the server's own key.",
                "Die Daten im Eintrag stimmen. Er beginnt aber mit 2, das für eine \
                 Zertifizierungsstelle steht, und nicht mit 3 für den eigenen Schlüssel.",
            ),
            Why::Malformed(reason) if reason.starts_with("its digest") => self.say(
                format!("The record has the wrong length: {reason}."),
                "Die Prüfsumme im Eintrag hat nicht die richtige Länge.",
            ),
            Why::Malformed(_) | Why::Hidden => return None,
        })
    }

    /// The one thing to do.
    pub(super) fn records_step(&self, parts: &mut Vec<Part>) {
        let Problem::Records {
            owner,
            published,
            served,
            why,
            unusable,
            ..
        } = self.problem
        else {
            return;
        };
        match why {
            Some(Why::Expired) => {
                parts.push(Part::Paragraph(self.say(
                    "Please renew the certificate, and reload the mail server. The TLSA record can \
                     stay if the same authority issues the new one.",
                    "Bitte erneuern Sie das Zertifikat, und laden Sie den Mailserver neu. Der \
                     TLSA-Eintrag kann bleiben, wenn das neue von derselben Zertifizierungsstelle \
                     kommt.",
                )));
                return;
            }
            Some(Why::Hidden) => {
                parts.push(Part::Paragraph(self.remove(published)));
                return;
            }
            _ => {}
        }
        let one = published.len() == 1;
        let all_begin = |with: &[&str]| {
            let has = |record: &&str| with.iter().any(|it| record.starts_with(it));
            published.iter().all(has)
        };
        let (present, bisher) = match one {
            true => ("present record", "Ihren jetzigen Eintrag"),
            false => ("present records", "Ihre jetzigen Einträge"),
        };
        let words = match unusable {
            true if all_begin(&["0 ", "1 "]) => self.say(
                format!(
                    "No sender can use your {present}: usage 0 and 1 are not for mail between \
                     servers (RFC 7672, 3.1.3). Please publish this record instead, if the \
                     certificate above is yours:"
                ),
                format!(
                    "Kein Absender kann {bisher} verwenden: Die Werte 0 und 1 am Anfang sind für \
                     Mail zwischen Servern nicht vorgesehen (RFC 7672, 3.1.3). Bitte \
                     veröffentlichen Sie stattdessen diesen, wenn das Zertifikat oben Ihres ist:"
                ),
            ),
            true => self.say(
                format!(
                    "No sender can use your {present}. Please publish this record instead, if the \
                     certificate above is yours:"
                ),
                format!(
                    "Kein Absender kann {bisher} verwenden. Bitte veröffentlichen Sie stattdessen \
                     diesen, wenn das Zertifikat oben Ihres ist:"
                ),
            ),
            false => self.say(
                "Please publish this record, if the certificate above is yours. If it is not, \
                 please let us know.",
                "Bitte veröffentlichen Sie diesen Eintrag, wenn das Zertifikat oben Ihres ist. \
                 Wenn nicht, geben Sie uns bitte Bescheid.",
            ),
        };
        parts.push(Part::Paragraph(words));
        parts.push(Part::Blank);
        let (numbers, digest) = numbers_and_digest(&served.tlsa);
        let owner = owner.trim_end_matches('.');
        let begin = format!("{owner}. IN TLSA {numbers} (");
        match begin.chars().count() > WIDTH {
            // RFC 1035 section 5.1: within parentheses lines do not end a record.
            true => {
                parts.push(Part::Line(format!("{owner}. (")));
                parts.push(Part::Line(format!("    IN TLSA {numbers}")));
            }
            false => parts.push(Part::Line(begin)),
        }
        parts.push(Part::Line(format!("    {digest} )")));
        parts.push(Part::Blank);
        parts.push(Part::Paragraph(self.lasting(published, *unusable)));
    }

    /// The right record is published, and others hide it.
    fn remove(&self, published: &[&str]) -> String {
        let hiding = published.iter().filter(|record| hides(record)).count();
        match hiding {
            1 => self.say(
                "Please remove the record 3 1 2. It matches nothing that the server shows, and \
                 hides the record 3 1 1, which is right (RFC 7671, 9).",
                "Bitte entfernen Sie den Eintrag 3 1 2. Er passt zu nichts, was der Server zeigt, \
                 und verdeckt den Eintrag 3 1 1, der stimmt (RFC 7671, 9).",
            ),
            _ => self.say(
                "Please remove the records 3 1 2. They match nothing that the server shows, and \
                 hide the record 3 1 1, which is right (RFC 7671, 9).",
                "Bitte entfernen Sie die Einträge 3 1 2. Sie passen zu nichts, was der Server \
                 zeigt, und verdecken den Eintrag 3 1 1, der stimmt (RFC 7671, 9).",
            ),
        }
    }

    /// How long the record holds, and what becomes of the others.
    fn lasting(&self, published: &[&str], unusable: bool) -> String {
        let beside = match published.iter().any(|record| hides(record)) {
            true => self.say(
                "It has to replace the record 3 1 2, which hides it (RFC 7671, 9). ",
                "Er muss den Eintrag 3 1 2 ersetzen, der ihn sonst verdeckt (RFC 7671, 9). ",
            ),
            false if unusable => String::new(),
            false if published.len() == 1 => self.say(
                "It may stand beside the present one. ",
                "Er darf neben dem bisherigen stehen. ",
            ),
            false => self.say(
                "It may stand beside the present ones. ",
                "Er darf neben den bisherigen stehen. ",
            ),
        };
        let until = self.say(
            "It holds until the server gets another key; before that, publish the record of the \
             new key too.",
            "Er gilt, bis der Server einen neuen Schlüssel bekommt; veröffentlichen Sie vorher auch \
             dessen Eintrag.",
        );
        format!("{beside}{until}")
    }
}

/// Whether a record hides those of SHA-256 for the server's key: the strongest
/// digest alone counts (RFC 7671 section 9).
fn hides(record: &str) -> bool {
    record.starts_with("3 1 2 ")
}

/// A record whose digest is cut in the middle.
fn shortened(record: &str) -> String {
    let (numbers, data) = numbers_and_digest(record);
    let (head, tail) = (data.get(..16), data.len().checked_sub(8));
    match (head, tail.and_then(|from| data.get(from..))) {
        (Some(head), Some(tail)) if data.len() > 32 => format!("{numbers} {head}...{tail}"),
        _ => record.to_owned(),
    }
}

/// `3 1 1` and the rest.
fn numbers_and_digest(record: &str) -> (&str, &str) {
    record.rsplit_once(' ').unwrap_or((record, ""))
}
