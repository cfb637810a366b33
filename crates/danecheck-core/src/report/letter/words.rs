//! The words of a letter, in both languages.

use crate::dnssec::Fault;
use crate::entry::Language;
use crate::postfix::TlsVersion;

use super::super::model::{LookupReport, Report};
use super::Part;
use super::dnssec::{fault, minute};
use super::problem::{NamedBy, Problem, weak_link};

/// What a letter is made of.
pub(super) struct Speaker<'r> {
    pub(super) language: Language,
    pub(super) report: &'r Report,
    pub(super) domain: &'r str,
    pub(super) problem: &'r Problem<'r>,
}

impl Speaker<'_> {
    pub(super) fn say(&self, english: impl Into<String>, german: impl Into<String>) -> String {
        self.language.pick(english.into(), german.into())
    }

    /// Greeting, what happens, what was seen, what to do, how to see it.
    pub(super) fn body(&self) -> Vec<Part> {
        let mut parts = vec![
            Part::Paragraph(self.say("Dear postmaster,", "Guten Tag,")),
            Part::Blank,
            Part::Paragraph(self.fate()),
            Part::Blank,
        ];
        self.seen(&mut parts);
        parts.push(Part::Blank);
        self.step(&mut parts);
        parts.push(Part::Blank);
        parts.push(Part::Paragraph(
            self.say("To see it yourself:", "So sehen Sie es selbst:"),
        ));
        for command in self.commands() {
            parts.extend(
                command
                    .into_iter()
                    .map(|line| Part::Line(format!("  {line}"))),
            );
        }
        parts.push(Part::Blank);
        parts.push(Part::Paragraph(self.say(
            "Thank you, and kind regards",
            "Vielen Dank und freundliche Grüße",
        )));
        parts
    }

    /// What was seen, and when.
    fn seen(&self, parts: &mut Vec<Part>) {
        let when = minute(self.report.checked_at);
        let lead = self.say(
            format!("What we saw on {when}:"),
            format!("Unser Befund vom {when}:"),
        );
        parts.push(Part::Paragraph(lead));
        match self.problem {
            Problem::Records { .. } => self.records_seen(parts),
            Problem::StartTls {
                owner,
                host,
                address,
                session,
                known,
            } => {
                let at = format!("{} [{}]", host.name, address.address);
                let words = self.no_starttls(owner, &at, session, known.as_ref());
                parts.push(Part::Paragraph(words));
            }
            Problem::MtaSts { .. } => parts.push(Part::Paragraph(self.say(
                format!(
                    "The MTA-STS policy of {0} says enforce, but none of the mail servers of {0} \
                     passes it.",
                    self.domain
                ),
                format!(
                    "Die MTA-STS-Richtlinie von {0} sagt „enforce“, aber keiner der Mailserver von \
                     {0} erfüllt sie.",
                    self.domain
                ),
            ))),
            Problem::OldTls {
                host,
                address,
                newest,
                oldest,
            } => {
                let at = format!("{} [{}]", host.name, address.address);
                parts.push(Part::Paragraph(self.say(
                    format!(
                        "{at} supports no TLS newer than {newest}. Our mail server accepts none \
                         older than {oldest}."
                    ),
                    format!(
                        "{at} beherrscht kein neueres TLS als {newest}. Unser Mailserver nimmt kein \
                         älteres als {oldest} an."
                    ),
                )));
            }
            Problem::Certificate {
                host, address, why, ..
            } => {
                let at = format!("{} [{}]", host.name, address.address);
                parts.push(Part::Paragraph(self.say(
                    format!("A TLSA record of {at} is right, but {why}."),
                    format!("Ein TLSA-Eintrag von {at} stimmt, aber: „{why}“."),
                )));
            }
            Problem::Lookup { lookup } => {
                let what = format!("{} {}", lookup.name, lookup.record_type);
                let failure = lookup.failure.as_ref().map_or("", |it| it.kind.as_str());
                let why = weak_link(lookup).map_or_else(String::new, |link| {
                    format!(": {}", fault(link, self.language))
                });
                parts.push(Part::Paragraph(self.say(
                    format!("The lookup of {what} fails ({failure}){why}."),
                    format!("Die Abfrage von {what} schlägt fehl ({failure}){why}."),
                )));
                if lookup.record_type == "TLSA" {
                    parts.push(Part::Paragraph(self.say(
                        "A sender that uses DANE has to wait until it knows whether there are TLSA \
                         records (RFC 7672, 2.1.2).",
                        "Wer DANE nutzt, muss warten, bis feststeht, ob es TLSA-Einträge gibt (RFC \
                         7672, 2.1.2).",
                    )));
                }
            }
            Problem::NoAddress { host, named_by } => {
                let name = &host.name;
                let (english, german) = match named_by {
                    NamedBy::MxRecord => (
                        format!("The MX record names {name}, which has no address."),
                        format!("Der MX-Eintrag nennt {name}, und dieser Name hat keine Adresse."),
                    ),
                    NamedBy::Domain => (
                        format!("{name} has neither an MX record nor an address."),
                        format!("{name} hat weder einen MX-Eintrag noch eine Adresse."),
                    ),
                    NamedBy::Sender => (
                        format!("{name}, to which we send, has no address."),
                        format!("{name}, wohin wir senden, hat keine Adresse."),
                    ),
                };
                parts.push(Part::Paragraph(self.say(english, german)));
            }
            Problem::Refuses {
                host,
                address,
                detail,
                known,
            } => {
                let at = format!("{} [{}]", host.name, address.address);
                let words = self.refusal(&at, detail, known.as_ref());
                parts.push(Part::Paragraph(words));
            }
            Problem::NullMx { others } => {
                let others = others.join(", ");
                parts.push(Part::Paragraph(self.say(
                    format!(
                        "{0} publishes a null MX, which says that {0} takes no mail (RFC 7505). \
                         Beside it stand other MX records: {others}.",
                        self.domain
                    ),
                    format!(
                        "{0} veröffentlicht einen Null-MX, der besagt, dass {0} keine Mail annimmt \
                         (RFC 7505). Daneben stehen andere MX-Einträge: {others}.",
                        self.domain
                    ),
                )));
            }
        }
    }

    /// The one thing to do.
    fn step(&self, parts: &mut Vec<Part>) {
        match self.problem {
            Problem::Records { .. } => self.records_step(parts),
            Problem::StartTls { host, known, .. } => {
                let words = self.starttls_step(&host.name, known.as_ref());
                parts.push(Part::Paragraph(words));
            }
            Problem::MtaSts { .. } => parts.push(Part::Paragraph(self.say(
                "Please set the policy's mode to testing, and change the id in the TXT record. Then \
                 repair the servers or the policy, and go back to enforce.",
                "Bitte setzen Sie „mode“ in der Richtlinie auf „testing“, und ändern Sie die id im \
                 TXT-Eintrag. Bringen Sie dann die Server oder die Richtlinie in Ordnung, und \
                 kehren Sie zu „enforce“ zurück.",
            ))),
            Problem::OldTls { host, oldest, .. } => {
                let wanted = match oldest {
                    TlsVersion::Tls13 => self.say("TLS 1.3", "TLS 1.3"),
                    _ => self.say("TLS 1.2 and 1.3", "TLS 1.2 und 1.3"),
                };
                let name = &host.name;
                parts.push(Part::Paragraph(self.say(
                    format!("Please switch on {wanted} at {name}."),
                    format!("Bitte schalten Sie auf {name} {wanted} ein."),
                )));
            }
            Problem::Certificate {
                undecodable: true, ..
            } => parts.push(Part::Paragraph(self.say(
                "Please remove the certificate that OpenSSL cannot decode from what the server \
                 sends, or replace it.",
                "Bitte entfernen oder ersetzen Sie das Zertifikat, das OpenSSL nicht lesen kann, in \
                 dem, was der Server sendet.",
            ))),
            Problem::Certificate { .. } => parts.push(Part::Paragraph(self.say(
                "Please give the server a new certificate, with an RSA key of 2048 bits or more or \
                 a key on P-256. Publish the TLSA record 3 1 1 of the new key before you install \
                 it.",
                "Bitte geben Sie dem Server ein neues Zertifikat, mit einem RSA-Schlüssel von \
                 mindestens 2048 Bit oder einem Schlüssel auf P-256. Veröffentlichen Sie den \
                 TLSA-Eintrag 3 1 1 des neuen Schlüssels, bevor Sie ihn einsetzen.",
            ))),
            Problem::Lookup { lookup } => {
                parts.push(Part::Paragraph(self.zone_step(lookup)));
            }
            Problem::NoAddress { host, named_by } => {
                let name = &host.name;
                let (english, german) = match named_by {
                    NamedBy::MxRecord => (
                        format!(
                            "Please publish the address of {name} (A or AAAA), or the right name \
                             in the MX record."
                        ),
                        format!(
                            "Bitte veröffentlichen Sie die Adresse von {name} (A oder AAAA), oder \
                             den richtigen Namen im MX-Eintrag."
                        ),
                    ),
                    NamedBy::Domain => (
                        format!("Please publish an MX record for {name}."),
                        format!("Bitte veröffentlichen Sie einen MX-Eintrag für {name}."),
                    ),
                    NamedBy::Sender => (
                        "Please publish its address (A or AAAA), or tell us another server."
                            .to_owned(),
                        "Bitte veröffentlichen Sie die Adresse (A oder AAAA), oder nennen Sie uns \
                         einen anderen Server."
                            .to_owned(),
                    ),
                };
                parts.push(Part::Paragraph(self.say(english, german)));
            }
            Problem::Refuses { host, known, .. } => {
                let words = self.refusal_step(&host.name, known.as_ref());
                parts.push(Part::Paragraph(words));
            }
            Problem::NullMx { .. } => parts.push(Part::Paragraph(self.say(
                "Please remove the MX record whose host is \".\".",
                "Bitte entfernen Sie den MX-Eintrag mit dem Host „.“.",
            ))),
        }
    }

    /// What to do about a lookup that fails.
    fn zone_step(&self, lookup: &LookupReport) -> String {
        let Some(link) = weak_link(lookup) else {
            let rtype = &lookup.record_type;
            return self.say(
                format!(
                    "Please make every name server of the zone answer {rtype} queries; \"no \
                     record\" is an answer too."
                ),
                format!(
                    "Bitte sorgen Sie dafür, dass jeder Nameserver der Zone auf {rtype}-Abfragen \
                     antwortet; auch „kein Eintrag“ ist eine Antwort."
                ),
            );
        };
        let zone = &link.zone;
        match link.fault {
            Fault::KeyMissing | Fault::DsMatchesNoKey => self.say(
                format!("Please correct the DS record of the zone {zone} at its parent."),
                format!(
                    "Bitte berichtigen Sie den DS-Eintrag der Zone {zone} in der Zone darüber."
                ),
            ),
            _ => self.say(
                format!("Please have the zone {zone} signed anew."),
                format!("Bitte lassen Sie die Zone {zone} neu signieren."),
            ),
        }
    }
}
