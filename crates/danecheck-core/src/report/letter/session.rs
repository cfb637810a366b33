//! Why a session fails, and what to do: the report's own words where it knows
//! the cause.

use crate::finding::rule::Side;
use crate::finding::{Cause, OutOfStep};

use super::super::model::{AddressReport, HostReport, Report, SessionReport};
use super::words::Speaker;

/// What the report says about a failed session.
pub(super) struct Known<'r> {
    cause: Cause,
    message: &'r str,
    /// What the receiver does.
    step: &'r str,
}

impl<'r> Known<'r> {
    /// The first finding about this address that names a cause and a step.
    pub(super) fn of(
        report: &'r Report,
        host: &HostReport,
        address: &AddressReport,
    ) -> Option<Self> {
        let at = format!("{} [{}]", host.name, address.address);
        let mut about = report.findings.iter().filter(|one| one.subject == at);
        about.find_map(|finding| {
            let (_, step) = finding.steps().find(|(side, _)| *side == Side::Receiver)?;
            Some(Self {
                cause: finding.cause?,
                message: &finding.message,
                step,
            })
        })
    }

    /// Whether the server answers out of step before TLS: then nothing that it
    /// says about STARTTLS counts.
    pub(super) fn is_out_of_step(&self) -> bool {
        self.out_of_step().is_some()
    }

    /// What puts the server out of step before TLS.
    fn out_of_step(&self) -> Option<OutOfStep> {
        match self.cause {
            Cause::OutOfStep(OutOfStep::InTls) => None,
            Cause::OutOfStep(why) => Some(why),
            _ => None,
        }
    }
}

impl Speaker<'_> {
    /// TLSA records promise TLS, and STARTTLS does not work.
    pub(super) fn no_starttls(
        &self,
        owner: &str,
        at: &str,
        session: &SessionReport,
        known: Option<&Known<'_>>,
    ) -> String {
        let detail = &session.detail;
        let (english, german) = match session.end.as_str() {
            "no-starttls" => (
                format!("{at} does not offer STARTTLS"),
                format!("{at} bietet kein STARTTLS an"),
            ),
            "no-starttls-reply" => (
                format!("{at} does not answer STARTTLS"),
                format!("{at} antwortet nicht auf STARTTLS"),
            ),
            "starttls-refused" => (
                format!("{at} answers STARTTLS with \"{detail}\""),
                format!("{at} antwortet auf STARTTLS mit „{detail}“"),
            ),
            _ => (
                format!("the TLS handshake with {at} fails: {detail}"),
                format!("der TLS-Handshake mit {at} schlägt fehl: {detail}"),
            ),
        };
        self.say(
            match known {
                Some(known) => format!("TLSA records at {owner} promise TLS. {}", known.message),
                None => format!("TLSA records at {owner} promise TLS, but {english}."),
            },
            format!("TLSA-Einträge bei {owner} versprechen TLS, aber {german}."),
        )
    }

    /// The server takes no mail.
    pub(super) fn refusal(&self, at: &str, detail: &str, known: Option<&Known<'_>>) -> String {
        self.say(
            match known {
                Some(known) => known.message.to_owned(),
                None => format!("{at} takes no mail: {detail}."),
            },
            match known.and_then(Known::out_of_step) {
                Some(cause) => {
                    let why = match cause {
                        OutOfStep::ProxyHeader => {
                            "Vermutlich schickt ihm ein vorgeschalteter Proxy einen PROXY-Header, \
                             den er nicht erwartet."
                        }
                        OutOfStep::TwoGreeters => {
                            "Vermutlich begrüßen auf diesem Port zwei Programme, etwa ein Filter \
                             und der Mailserver."
                        }
                        OutOfStep::Ehlo | OutOfStep::InTls => {
                            "Vermutlich beantwortet er EHLO mit mehr als einer Antwort."
                        }
                    };
                    format!("{at} schickt mehr Antworten, als er Befehle bekommt. {why}")
                }
                None => format!("{at} nimmt keine Mail an: {detail}."),
            },
        )
    }

    /// The request that STARTTLS works.
    pub(super) fn starttls_step(&self, host: &str, known: Option<&Known<'_>>) -> String {
        let port = self.port();
        match known {
            Some(known) => {
                let step = self.step_for(host, known);
                self.say(
                    format!("Please make STARTTLS work on port {port} of {host}. {step}"),
                    format!("Bitte bringen Sie STARTTLS auf Port {port} von {host} in Ordnung. {step}"),
                )
            }
            None => self.say(
                format!(
                    "Please make STARTTLS work on port {port} of {host}; its log should name the \
                     cause. Often the server cannot read its key, or a firewall in front of it \
                     inspects SMTP."
                ),
                format!(
                    "Bitte bringen Sie STARTTLS auf Port {port} von {host} in Ordnung; das Log sollte \
                     den Grund nennen. Oft kann der Server seinen Schlüssel nicht lesen, oder eine \
                     Firewall davor greift in SMTP ein."
                ),
            ),
        }
    }

    /// The request that the server takes mail.
    pub(super) fn refusal_step(&self, host: &str, known: Option<&Known<'_>>) -> String {
        let port = self.port();
        let mut text = self.say(
            format!("Please let {host} take mail on port {port} again."),
            format!("Bitte lassen Sie {host} auf Port {port} wieder Mail annehmen."),
        );
        if let Some(known) = known {
            text.push(' ');
            text.push_str(&self.step_for(host, known));
        }
        text
    }

    /// What repairs this cause.
    fn step_for(&self, host: &str, known: &Known<'_>) -> String {
        let german = match known.cause {
            Cause::OutOfStep(OutOfStep::ProxyHeader) => {
                "Stellen Sie ab, dass der Proxy oder Load-Balancer davor einen PROXY-Header \
                 schickt (HAProxy: `send-proxy`, `send-proxy-v2`). Oder lassen Sie den Mailserver \
                 ihn erwarten (Postfix: `smtpd_upstream_proxy_protocol = haproxy`)."
                    .to_owned()
            }
            Cause::OutOfStep(OutOfStep::TwoGreeters) => {
                "Entfernen Sie eines der beiden Programme, die auf diesem Port begrüßen. Zur \
                 Probe: Verbinden Sie sich mit dem Port, und schicken Sie nichts. Es darf eine \
                 Begrüßung kommen, und sonst keine Antwort."
                    .to_owned()
            }
            Cause::OutOfStep(OutOfStep::Ehlo) => {
                "Schreiben Sie die Antwort auf EHLO als eine einzige: `250-` vor allen Zeilen \
                 außer der letzten, und `250` und ein Leerzeichen vor der letzten."
                    .to_owned()
            }
            Cause::NameRefused => format!(
                "Nehmen Sie {host} in die Namen auf, die das TLS des Servers kennt. Oder lassen \
                 Sie ihn bei unbekannten Namen sein Standardzertifikat senden."
            ),
            Cause::NameEndsTls => format!(
                "Reparieren Sie, was das TLS von Clients beendet, die nach {host} fragen (SNI): \
                 einen Filter oder Load-Balancer, der den Namen nicht kennt, oder den Server selbst."
            ),
            Cause::Masked => {
                "Schalten Sie die SMTP-Inspektion der Firewall vor dem Server ab.".to_owned()
            }
            Cause::KeyFiles => "Berichtigen Sie Pfad und Rechte der Dateien mit Schlüssel und \
                                Zertifikat, die das Log nennt, und laden Sie den Server neu."
                .to_owned(),
            // The report has no German.
            Cause::OutOfStep(OutOfStep::InTls) | Cause::Other => {
                format!("Unser Prüfprogramm rät dazu: „{}“", known.step)
            }
        };
        self.say(known.step, german)
    }
}
