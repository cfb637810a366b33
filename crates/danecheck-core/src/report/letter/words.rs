//! The words of a letter, in both languages.

use crate::dnssec::Fault;
use crate::entry::Language;
use crate::judge::{Delivery, Verdict};

use super::super::model::{LookupReport, Report};
use super::Part;
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
    fn say(&self, english: impl Into<String>, german: impl Into<String>) -> String {
        self.language.pick(english.into(), german.into())
    }

    /// In ASCII, whatever the language.
    pub(super) fn subject(&self) -> String {
        let domain = self.domain;
        let (english, german) = match self.problem {
            Problem::Records { .. } => ("TLSA record", "TLSA-Eintrag"),
            Problem::StartTls { .. } => ("STARTTLS", "STARTTLS"),
            Problem::Lookup { .. } => ("DNS", "DNS"),
            Problem::NoAddress { .. } => ("MX record", "MX-Eintrag"),
            Problem::Refuses { .. } => ("mail server", "Mailserver"),
        };
        match (self.report.verdict, super::waits(self.report)) {
            (Verdict::Undeliverable, _) => self.say(
                format!("Mail to {domain} does not arrive ({english})"),
                format!("Mail an {domain} kommt nicht an ({german})"),
            ),
            (_, true) => self.say(
                format!("Mail to {domain} waits at some senders ({english})"),
                format!("Mail an {domain} bleibt teils liegen ({german})"),
            ),
            (_, false) => self.say(
                format!("Mail to {domain} is not well protected ({english})"),
                format!("Mail an {domain} ist nicht voll abgesichert ({german})"),
            ),
        }
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

    fn fate(&self) -> String {
        let domain = self.domain;
        let dane = &self.report.outcomes.dane;
        match (self.report.verdict, dane.delivery) {
            (Verdict::Undeliverable, _) => self.say(
                format!("no sender can deliver mail to {domain} at the moment."),
                format!("kein Absender kann derzeit Mail an {domain} zustellen."),
            ),
            (_, Delivery::Bounced) => self.say(
                format!(
                    "senders that use DANE (RFC 7672), such as many Postfix servers, return mail \
                     to {domain}. Senders without DANE still deliver."
                ),
                format!(
                    "Absender, die DANE nutzen (RFC 7672), etwa viele Postfix-Server, geben Mail \
                     an {domain} als unzustellbar zurück. Absender ohne DANE stellen noch zu."
                ),
            ),
            (_, Delivery::Deferred) => self.say(
                format!(
                    "mail to {domain} waits at senders that use DANE (RFC 7672), such as many \
                     Postfix servers, and is returned after some days. Senders without DANE still \
                     deliver."
                ),
                format!(
                    "Mail an {domain} wartet bei Absendern, die DANE nutzen (RFC 7672), etwa \
                     vielen Postfix-Servern, und geht nach einigen Tagen zurück. Absender ohne \
                     DANE stellen noch zu."
                ),
            ),
            _ => self.say(
                format!(
                    "mail to {domain} still arrives, but DANE (RFC 7672) does not protect all of \
                     it as your TLSA records promise."
                ),
                format!(
                    "Mail an {domain} kommt noch an, aber DANE (RFC 7672) schützt sie nicht \
                     durchweg so, wie Ihre TLSA-Einträge es versprechen."
                ),
            ),
        }
    }

    /// What was seen, and when.
    fn seen(&self, parts: &mut Vec<Part>) {
        let checked = self.report.checked_at.to_string();
        let when: String = checked.chars().take(16).collect::<String>();
        let when = when.replace('T', " ");
        let lead = self.say(
            format!("What we saw on {when} UTC:"),
            format!("Unser Befund vom {when} UTC:"),
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
                host,
                address,
                session,
            } => {
                let at = format!("{} [{}]", host.name, address.address);
                let detail = match session.end.as_str() {
                    "no-starttls" => self.say("it is not offered", "es wird nicht angeboten"),
                    _ => session.detail.clone(),
                };
                parts.push(Part::Paragraph(self.say(
                    format!(
                        "TLSA records promise TLS for {}, but STARTTLS does not work at {at}: \
                         {detail}.",
                        host.name
                    ),
                    format!(
                        "TLSA-Einträge versprechen TLS für {}, aber STARTTLS funktioniert nicht \
                         bei {at}: {detail}.",
                        host.name
                    ),
                )));
            }
            Problem::Lookup { lookup } => {
                let what = format!("{} {}", lookup.name, lookup.record_type);
                let failure = lookup.failure.as_ref().map_or("", |it| it.kind.as_str());
                let why = weak_link(lookup).map_or_else(String::new, |why| format!(" ({why})"));
                parts.push(Part::Paragraph(self.say(
                    format!("The lookup of {what} fails: {failure}{why}."),
                    format!("Die Abfrage von {what} schlägt fehl: {failure}{why}."),
                )));
            }
            Problem::NoAddress { host } => {
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
            } => {
                let at = format!("{} [{}]", host.name, address.address);
                parts.push(Part::Paragraph(self.say(
                    format!("{at} takes no mail: {detail}."),
                    format!("{at} nimmt keine Mail an: {detail}."),
                )));
            }
        }
    }

    /// The one thing to do.
    fn step(&self, parts: &mut Vec<Part>) {
        match self.problem {
            Problem::Records {
                owner,
                served,
                unusable,
                ..
            } => {
                let (english, german) = match unusable {
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
            }
            Problem::StartTls { host, .. } => parts.push(Part::Paragraph(self.say(
                format!(
                    "Please make STARTTLS work on port 25 of {}; its log names the cause. Often \
                     the server cannot read its key, or a firewall in front of it inspects SMTP.",
                    host.name
                ),
                format!(
                    "Bitte bringen Sie STARTTLS auf Port 25 von {} in Ordnung; das Log nennt den \
                     Grund. Oft kann der Server seinen Schlüssel nicht lesen, oder eine Firewall \
                     davor greift in SMTP ein.",
                    host.name
                ),
            ))),
            Problem::Lookup { lookup } => {
                parts.push(Part::Paragraph(self.zone_step(lookup)));
            }
            Problem::NoAddress { host } => parts.push(Part::Paragraph(self.say(
                format!(
                    "Please publish the address of {}, or remove its MX record.",
                    host.name
                ),
                format!(
                    "Bitte veröffentlichen Sie die Adresse von {}, oder entfernen Sie den \
                     MX-Eintrag.",
                    host.name
                ),
            ))),
            Problem::Refuses { host, .. } => parts.push(Part::Paragraph(self.say(
                format!("Please let {} take mail on port 25 again.", host.name),
                format!(
                    "Bitte lassen Sie {} auf Port 25 wieder Mail annehmen.",
                    host.name
                ),
            ))),
        }
    }

    /// What to do about a lookup that fails.
    fn zone_step(&self, lookup: &LookupReport) -> String {
        let own = lookup.validated.as_ref();
        let Some(link) = own.and_then(|own| own.weak_link.as_ref()) else {
            let rtype = &lookup.record_type;
            return self.say(
                format!(
                    "Please make every name server of the zone answer {rtype} queries; \"no \
                     record\" is an answer too."
                ),
                format!(
                    "Bitte sorgen Sie dafür, dass jeder Nameserver der Zone auf {rtype}-Abfragen \
                     antwortet; auch \"kein Eintrag\" ist eine Antwort."
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
            Problem::NoAddress { host } => vec![
                format!("dig +short MX {}", self.domain),
                format!("dig +short A {}", host.name),
            ],
            Problem::StartTls { host, .. } | Problem::Refuses { host, .. } => vec![
                format!("openssl s_client -starttls smtp -connect {}:25", host.name),
                finger,
            ],
        }
    }
}

/// Why danecheck's own validation fails.
fn weak_link(lookup: &LookupReport) -> Option<&str> {
    let own = lookup.validated.as_ref()?;
    own.weak_link.as_ref()?;
    own.reason.as_deref()
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
