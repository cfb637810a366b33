//! Exchange Online: an outbound connector for the recipient's domain.

use crate::postfix::SecurityLevel;

use super::note::HowTo;
use super::system::{ForDomain, MailSystem, Request, Written};

fn write(request: &Request) -> Written {
    let asked = match ForDomain::of(request, "Exchange Online") {
        Ok(asked) => asked,
        Err(written) => return written,
    };
    // Without -TlsSettings a connector uses TLS if it is offered.
    let tls = match asked.policy {
        SecurityLevel::None | SecurityLevel::May => "",
        _ => " -TlsSettings EncryptionOnly",
    };
    let mut remarks = asked.remarks.clone();
    if asked.policy == SecurityLevel::None {
        remarks.push(
            "A connector cannot switch STARTTLS off. This is the nearest setting: TLS where it \
             works."
                .to_owned(),
        );
    }
    let domain = asked.domain;
    let how = HowTo {
        goes_into: "Exchange Online PowerShell (Connect-ExchangeOnline).".to_owned(),
        in_force: "by itself, some time later.".to_owned(),
        taken_out: format!("`Remove-OutboundConnector \"danecheck {domain}\"`"),
    };
    let comment = asked.note.comment("#", &how, &remarks);
    let text = format!(
        "{comment}New-OutboundConnector -Name \"danecheck {domain}\" -ConnectorType Partner \
         -UseMXRecord $true -RecipientDomains {domain}{tls} -SmtpDaneMode None \
         -MtaStsMode Opportunistic\n"
    );
    Written::Entry { text, beside: None }
}

pub(super) const EXCHANGE_ONLINE: MailSystem = MailSystem {
    name: "exchange-online",
    about: "a PowerShell command that makes a connector",
    in_table: false,
    write,
};
