//! The words of a letter, in both languages.

use crate::dnssec::{Fault, WeakLink};
use crate::entry::Language;
use crate::postfix::TlsVersion;

use super::super::model::{LookupReport, Report};
use super::Part;
use super::dnssec::{fault, minute};
use super::problem::Problem;

/// Published records that are shown.
const SHOWN: usize = 3;

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
            parts.push(Part::Line(format!("  {command}")));
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
            Problem::Records {
                owner,
                published,
                host,
                address,
                served,
                ..
            } => {
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
                let from = served.not_before.day();
                parts.push(Part::Paragraph(self.say(
                    format!(
                        "- At {at}: a certificate for {}, valid from {from}. Its record would be",
                        served.subject
                    ),
                    format!(
                        "- Bei {at}: ein Zertifikat für {}, gültig ab {from}. Sein Eintrag wäre",
                        served.subject
                    ),
                )));
                parts.push(Part::Line(format!("    {}", shortened(&served.tlsa))));
            }
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
            Problem::NoAddress {
                host,
                without_mx: true,
            } => {
                parts.push(Part::Paragraph(self.say(
                    format!("{} has neither an MX record nor an address.", host.name),
                    format!(
                        "{} hat weder einen MX-Eintrag noch eine Adresse.",
                        host.name
                    ),
                )));
            }
            Problem::NoAddress { host, .. } => {
                parts.push(Part::Paragraph(self.say(
                    format!("The MX record names {}, which has no address.", host.name),
                    format!(
                        "Der MX-Eintrag nennt {}, und dieser Name hat keine Adresse.",
                        host.name
                    ),
                )));
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
            Problem::Records {
                owner,
                published,
                served,
                unusable,
                ..
            } => {
                let all_begin = |with: &[&str]| {
                    let has = |record: &&str| with.iter().any(|it| record.starts_with(it));
                    published.iter().all(has)
                };
                let (english, german) = match unusable {
                    true if all_begin(&["0 ", "1 "]) => (
                        "No sender can use your present records: usage 0 and 1 are not for mail \
                         between servers (RFC 7672, 3.1.3). Please publish this record instead, if \
                         the certificate above is yours:",
                        "Kein Absender kann Ihre jetzigen Einträge verwenden: Die Werte 0 und 1 am \
                         Anfang sind für Mail zwischen Servern nicht vorgesehen (RFC 7672, 3.1.3). \
                         Bitte veröffentlichen Sie stattdessen diesen, wenn das Zertifikat oben \
                         Ihres ist:",
                    ),
                    true => (
                        "No sender can use your present records. Please publish this record \
                         instead, if the certificate above is yours:",
                        "Kein Absender kann Ihre jetzigen Einträge verwenden. Bitte veröffentlichen \
                         Sie stattdessen diesen, wenn das Zertifikat oben Ihres ist:",
                    ),
                    false => (
                        "Please publish this record, if the certificate above is yours. If it is \
                         not, please let us know.",
                        "Bitte veröffentlichen Sie diesen Eintrag, wenn das Zertifikat oben Ihres \
                         ist. Wenn nicht, geben Sie uns bitte Bescheid.",
                    ),
                };
                parts.push(Part::Paragraph(self.say(english, german)));
                parts.push(Part::Blank);
                let (numbers, digest) = numbers_and_digest(&served.tlsa);
                let owner = owner.trim_end_matches('.');
                parts.push(Part::Line(format!("{owner}. IN TLSA {numbers} (")));
                parts.push(Part::Line(format!("    {digest} )")));
                parts.push(Part::Blank);
                parts.push(Part::Paragraph(self.lasting(published, *unusable)));
            }
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
            Problem::NoAddress {
                host,
                without_mx: true,
            } => parts.push(Part::Paragraph(self.say(
                format!("Please publish an MX record for {}.", host.name),
                format!(
                    "Bitte veröffentlichen Sie einen MX-Eintrag für {}.",
                    host.name
                ),
            ))),
            Problem::NoAddress { host, .. } => parts.push(Part::Paragraph(self.say(
                format!(
                    "Please publish the address of {} (A or AAAA), or the right name in the MX \
                     record.",
                    host.name
                ),
                format!(
                    "Bitte veröffentlichen Sie die Adresse von {} (A oder AAAA), oder den richtigen \
                     Namen im MX-Eintrag.",
                    host.name
                ),
            ))),
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

    /// How long the record holds, and what becomes of the others.
    fn lasting(&self, published: &[&str], unusable: bool) -> String {
        // RFC 7671 section 9: the strongest digest alone counts.
        let hides = published.iter().any(|record| record.starts_with("3 1 2 "));
        let beside = match hides {
            true => self.say(
                "It has to replace the record 3 1 2, which hides it (RFC 7671, 9). ",
                "Er muss den Eintrag 3 1 2 ersetzen, der ihn sonst verdeckt (RFC 7671, 9). ",
            ),
            false if unusable => String::new(),
            false => self.say(
                "It may stand beside the present ones. ",
                "Der Eintrag darf neben den bisherigen stehen. ",
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

    /// How the receiver sees it.
    fn commands(&self) -> Vec<String> {
        let finger = format!("posttls-finger -c -l dane {}", self.domain);
        match self.problem {
            Problem::Records { owner, .. } => {
                vec![format!("dig +short TLSA {owner}"), finger]
            }
            Problem::Lookup { lookup } => vec![
                format!("delv {} {}", lookup.name, lookup.record_type),
                format!("dig +dnssec {} {}", lookup.name, lookup.record_type),
            ],
            Problem::NullMx { .. } => vec![format!("dig +short MX {}", self.domain)],
            Problem::NoAddress { host, .. } => vec![
                format!("dig +short MX {}", self.domain),
                format!("dig +short A {}", host.name),
            ],
            Problem::MtaSts { host } => vec![
                format!("dig +short TXT _mta-sts.{}", self.domain),
                format!("openssl s_client -starttls smtp -connect {}:25", host.name),
            ],
            Problem::OldTls { host, oldest, .. } => {
                let version = match oldest {
                    TlsVersion::Tls13 => "tls1_3",
                    _ => "tls1_2",
                };
                vec![format!(
                    "openssl s_client -starttls smtp -connect {}:25 -{version}",
                    host.name
                )]
            }
            Problem::StartTls { host, .. }
            | Problem::Certificate { host, .. }
            | Problem::Refuses { host, .. } => vec![
                format!("openssl s_client -starttls smtp -connect {}:25", host.name),
                finger,
            ],
        }
    }
}

/// Why danecheck's own validation fails.
pub(super) fn weak_link(lookup: &LookupReport) -> Option<&WeakLink> {
    lookup.validated.as_ref()?.weak_link.as_ref()
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
