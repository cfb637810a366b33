//! Why a session fails, and what to do: the report's own words where it knows
//! the cause.

use crate::finding::{Cause, OutOfStep};
use crate::observation::FailureKind;

use super::super::model::SessionReport;
use super::known::Known;
use super::problem::Problem;
use super::words::Speaker;

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
                format!("der TLS-Handshake mit {at} schlägt fehl („{detail}“)"),
            ),
        };
        self.say(
            match known {
                Some(known) => {
                    let message = in_letter(known.message);
                    let message = message.replace(", although TLSA records promise TLS", "");
                    format!("TLSA records at {owner} promise TLS. {message}")
                }
                None => format!("TLSA records at {owner} promise TLS, but {english}."),
            },
            format!("TLSA-Einträge bei {owner} versprechen TLS, aber {german}."),
        )
    }

    /// The server takes no mail.
    pub(super) fn refusal(&self, at: &str, detail: &str, known: Option<&Known<'_>>) -> String {
        self.say(
            match known {
                Some(known) => in_letter(known.message),
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
                None if detail == REFUSED => {
                    format!("{at} nimmt keine Mail an: Die Verbindung wird abgelehnt.")
                }
                None if detail == FailureKind::Timeout.as_text() => {
                    format!("{at} antwortet nicht in angemessener Zeit.")
                }
                None => format!("{at} nimmt keine Mail an: „{detail}“."),
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
            Cause::OutOfStep(OutOfStep::ProxyHeader) | Cause::PerhapsProxyHeader => {
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
            Cause::OutOfStep(OutOfStep::InTls) => {
                "Lassen Sie den Server und jeden Filter davor innerhalb von \
                                      TLS auf EHLO warten, keine Begrüßung schicken und EHLO nur \
                                      einmal beantworten, mit `250-` vor allen Zeilen außer der \
                                      letzten."
                    .to_owned()
            }
            Cause::ClientCertificate => "Verlangen Sie auf diesem Port von Clients kein \
                                         Zertifikat: Andere Mailserver haben keines."
                .to_owned(),
            Cause::NameRequired => "Geben Sie dem Server ein Standardzertifikat für Clients, die \
                                    keinen Namen nennen (SNI)."
                .to_owned(),
            Cause::ClosesEarly => "Suchen Sie in den Logs des Servers und jedes Filters oder \
                                   Load-Balancers davor nach diesem Zeitpunkt. Die Verbindung \
                                   muss nach EHLO und nach einer Ablehnung von STARTTLS offen \
                                   bleiben, bis der Client QUIT schickt."
                .to_owned(),
            Cause::RefusesForNow => "Stellen Sie fest, warum der Server ablehnt. Ist er ständig \
                                     ausgelastet, braucht er mehr Kapazität."
                .to_owned(),
            Cause::Refuses => "Das Log des Servers nennt die Regel, die uns ablehnt, etwa eine \
                               Sperrliste oder ein Limit. Nehmen Sie unsere Adresse von dieser \
                               Regel aus, oder heben Sie das Limit an."
                .to_owned(),
            Cause::Silent => "Verbinden Sie sich auf dem Server selbst mit diesem Port. Antwortet \
                              er dort, liegt es an der Firewall oder dem Filter davor. Sonst \
                              starten Sie den Mailserver neu, und lesen Sie sein Log."
                .to_owned(),
            Cause::NoReply => "Probieren Sie STARTTLS auf dem Server selbst. Geht es dort, \
                               schalten Sie die SMTP-Inspektion der Firewall davor ab. Sonst \
                               suchen Sie im Log nach Zertifikat und Schlüssel."
                .to_owned(),
            Cause::LostInTls => "Suchen Sie im Log des Servers nach diesem Zeitpunkt. Prüfen Sie, \
                                 was zwischen dem Netz und dem Mailserver steht, etwa einen \
                                 Filter oder Load-Balancer."
                .to_owned(),
            // The report has no German.
            Cause::Other => "Das Log des Servers sollte zu diesem Zeitpunkt den Grund nennen. \
                             Prüfen Sie Schlüssel, Zertifikate und TLS-Einstellungen des Servers \
                             und jedes Filters davor."
                .to_owned(),
        };
        self.say(self.own_step(known), german)
    }

    /// The step without what a letter says elsewhere, or what does not help here.
    fn own_step(&self, known: &Known<'_>) -> String {
        let step = in_letter(known.step);
        let step = step.split(" Test it with `").next().unwrap_or_default();
        match self.problem {
            // TLSA records promise it.
            Problem::StartTls { .. } => step.replace(" Or stop offering STARTTLS.", ""),
            _ => step.to_owned(),
        }
    }
}

/// What the system says of a connection that is refused.
const REFUSED: &str = "Connection refused";

/// A text of the report for somebody who has no report.
fn in_letter(text: &str) -> String {
    // What follows is about options of this program.
    let text = text.split(" With --").next().unwrap_or_default();
    text.replace("for the time of this check", "for the time above")
        .replace("the client's address", "our address")
}
