//! What happens to the mail, as the subject and the first sentence of a letter.

use crate::judge::{Delivery, Verdict};

use super::carrier::Carrier;
use super::problem::Problem;
use super::words::Speaker;

/// What the fault does to the receiver's mail.
enum Fate {
    /// Nobody delivers it.
    Lost,
    /// Nobody delivers it whose resolver validates.
    LostByDnssec,
    /// It was not delivered from here; others may see it otherwise.
    NotFromHere,
    /// Senders that use DANE return it.
    Returned,
    /// Senders that use DANE keep it.
    Waits,
    /// Senders that accept no old TLS keep it.
    WaitsByTls,
    /// Senders that honour MTA-STS keep it.
    WaitsByPolicy,
    /// Senders skip this server, and use the others.
    Skipped { server: String, all: bool },
    /// It arrives without proof of who the server is.
    Unproven { one: bool },
}

impl Speaker<'_> {
    fn what_happens(&self) -> Fate {
        let dane = self.report.outcomes.dane.delivery;
        match (self.report.verdict, self.problem) {
            (_, Problem::MtaSts { .. }) => Fate::WaitsByPolicy,
            (_, Problem::OldTls { .. }) => Fate::WaitsByTls,
            (Verdict::Undeliverable, Problem::NoAddress { .. }) => Fate::Lost,
            _ if self.problem.is_lost_by_dnssec(self.report) => Fate::LostByDnssec,
            (Verdict::Undeliverable, _) => Fate::NotFromHere,
            (_, Problem::NullMx { .. }) => Fate::NotFromHere,
            _ if dane == Delivery::Bounced => Fate::Returned,
            _ if dane == Delivery::Deferred => Fate::Waits,
            (
                _,
                Problem::Records {
                    unusable: true,
                    published,
                    ..
                },
            ) => Fate::Unproven {
                one: published.len() == 1,
            },
            (
                _,
                Problem::Records { host, address, .. }
                | Problem::StartTls { host, address, .. }
                | Problem::Certificate { host, address, .. },
            ) => Fate::Skipped {
                server: format!("{} [{}]", host.name, address.address),
                all: false,
            },
            (_, Problem::Refuses { host, address, .. }) => Fate::Skipped {
                server: format!("{} [{}]", host.name, address.address),
                all: true,
            },
            (_, Problem::NoAddress { host, .. }) => Fate::Skipped {
                server: host.name.clone(),
                all: true,
            },
            (_, Problem::Lookup { lookup }) => {
                let is_tlsa = lookup.record_type == "TLSA";
                let name = lookup.name.as_str();
                let host = match name.split_once("._tcp.") {
                    Some((_, host)) if is_tlsa => host,
                    _ => name,
                };
                Fate::Skipped {
                    server: host.to_owned(),
                    all: !is_tlsa,
                }
            }
        }
    }

    /// In ASCII, whatever the language.
    pub(super) fn subject(&self) -> String {
        let domain = self.domain;
        let (english, german) = match self.problem {
            Problem::Records { .. } => ("TLSA record", "TLSA-Eintrag"),
            Problem::StartTls { .. } => ("STARTTLS", "STARTTLS"),
            Problem::MtaSts { .. } => ("MTA-STS", "MTA-STS"),
            Problem::OldTls { .. } => ("TLS version", "TLS-Version"),
            Problem::Certificate { .. } => ("certificate", "Zertifikat"),
            Problem::Lookup { .. } => ("DNS", "DNS"),
            Problem::NoAddress { .. } | Problem::NullMx { .. } => ("MX record", "MX-Eintrag"),
            Problem::Refuses { .. } => ("mail server", "Mailserver"),
        };
        match self.what_happens() {
            Fate::Lost | Fate::LostByDnssec | Fate::NotFromHere => self.say(
                format!("Mail to {domain} does not arrive ({english})"),
                format!("Mail an {domain} kommt nicht an ({german})"),
            ),
            Fate::Returned => self.say(
                format!("Mail to {domain} is returned by some senders ({english})"),
                format!("Mail an {domain} wird teils abgewiesen ({german})"),
            ),
            Fate::Waits | Fate::WaitsByPolicy | Fate::WaitsByTls => self.say(
                format!("Mail to {domain} waits at some senders ({english})"),
                format!("Mail an {domain} wird teils nicht zugestellt ({german})"),
            ),
            Fate::Skipped { .. } => self.say(
                format!("Mail to {domain} cannot use one of your servers ({english})"),
                format!("Mail an {domain} erreicht einen Server nicht ({german})"),
            ),
            Fate::Unproven { .. } => self.say(
                format!("Mail to {domain} is not protected by DANE ({english})"),
                format!("Mail an {domain} ist ohne DANE-Schutz ({german})"),
            ),
        }
    }

    /// Who still delivers where senders with DANE do not.
    fn others(&self) -> String {
        match Carrier::of(self.report, self.problem) {
            Carrier::WithoutDane => self.say(
                " Senders without DANE still deliver.",
                " Absender ohne DANE stellen weiterhin zu.",
            ),
            Carrier::WithoutTls => self.say(
                " Only senders that use no TLS still deliver.",
                " Nur Absender ohne TLS stellen weiterhin zu.",
            ),
            Carrier::Usual | Carrier::Another | Carrier::WithoutDnssec | Carrier::Nobody => {
                String::new()
            }
        }
    }

    /// The first sentences.
    pub(super) fn fate(&self) -> String {
        let domain = self.domain;
        let others = self.others();
        match self.what_happens() {
            Fate::Lost => self.say(
                format!("No sender can deliver mail to {domain} at the moment."),
                format!("kein Absender kann derzeit Mail an {domain} zustellen."),
            ),
            Fate::LostByDnssec => self.say(
                format!(
                    "Senders whose resolver validates DNSSEC cannot deliver mail to {domain} at the \
                     moment."
                ),
                format!(
                    "Absender, deren Resolver DNSSEC prüft, können derzeit keine Mail an {domain} \
                     zustellen."
                ),
            ),
            Fate::NotFromHere => self.say(
                format!("We cannot deliver mail to {domain} at the moment."),
                format!("wir können derzeit keine Mail an {domain} zustellen."),
            ),
            Fate::Returned => self.say(
                format!(
                    "Senders that use DANE (RFC 7672), such as many Postfix servers, return mail \
                     to {domain} as undeliverable.{others}"
                ),
                format!(
                    "Absender, die DANE nutzen (RFC 7672), zum Beispiel viele Postfix-Server, \
                     geben Mail an {domain} als unzustellbar zurück.{others}"
                ),
            ),
            Fate::Waits => self.say(
                format!(
                    "Mail to {domain} waits at senders that use DANE (RFC 7672), such as many \
                     Postfix servers, and is returned after some days.{others}"
                ),
                format!(
                    "Mail an {domain} bleibt bei Absendern liegen, die DANE nutzen (RFC 7672), zum \
                     Beispiel bei vielen Postfix-Servern, und geht nach einigen Tagen als \
                     unzustellbar zurück.{others}"
                ),
            ),
            Fate::WaitsByPolicy => self.say(
                format!(
                    "Mail to {domain} waits at senders that honour MTA-STS (RFC 8461), and is \
                     returned after some days. Other senders still deliver."
                ),
                format!(
                    "Mail an {domain} bleibt bei Absendern liegen, die MTA-STS beachten (RFC \
                     8461), und geht nach einigen Tagen als unzustellbar zurück. Andere Absender \
                     stellen weiterhin zu."
                ),
            ),
            Fate::WaitsByTls => self.say(
                format!(
                    "Our mail to {domain} waits, and is returned after some days. So does that of \
                     other senders that accept no old TLS."
                ),
                format!(
                    "unsere Mail an {domain} bleibt liegen und geht nach einigen Tagen als \
                     unzustellbar zurück, ebenso die anderer Absender, die kein altes TLS annehmen."
                ),
            ),
            Fate::Skipped { server, all: false } => self.say(
                format!(
                    "Senders that use DANE (RFC 7672), such as many Postfix servers, cannot use \
                     {server}. Their mail to {domain} goes to your other servers, and waits if \
                     those fail."
                ),
                format!(
                    "Absender, die DANE nutzen (RFC 7672), zum Beispiel viele Postfix-Server, \
                     können {server} nicht verwenden. Deren Mail an {domain} geht an Ihre anderen \
                     Server und bleibt liegen, wenn diese ausfallen."
                ),
            ),
            Fate::Skipped { server, all: true } => self.say(
                format!(
                    "We cannot use {server}. Mail to {domain} goes to your other servers, and \
                     waits if those fail."
                ),
                format!(
                    "wir können {server} nicht verwenden. Mail an {domain} geht an Ihre anderen \
                     Server und bleibt liegen, wenn diese ausfallen."
                ),
            ),
            Fate::Unproven { one } => {
                let (english, german) = match one {
                    true => ("cannot use your TLSA record", "Ihren TLSA-Eintrag nicht verwenden"),
                    false => (
                        "can use none of your TLSA records",
                        "keinen Ihrer TLSA-Einträge verwenden",
                    ),
                };
                self.say(
                    format!(
                        "Mail to {domain} still arrives. But senders that use DANE (RFC 7672) \
                         {english}, so they cannot tell your server from an impostor."
                    ),
                    format!(
                        "Mail an {domain} kommt noch an. Absender, die DANE nutzen (RFC 7672), \
                         können aber {german} und daher nicht prüfen, ob der Server Ihrer ist."
                    ),
                )
            }
        }
    }
}
