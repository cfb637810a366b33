//! OpenSMTPD does not use DANE. It uses STARTTLS if it is offered, checks no
//! certificate, and continues in plain text if the handshake fails
//! (`mta_session.c`).

use crate::postfix::SecurityLevel;

use super::note::HowTo;
use super::system::{ForDomain, MailSystem, Request, Written};

fn write(request: &Request) -> Written {
    let asked = match ForDomain::of(request, "OpenSMTPD") {
        Ok(asked) => asked,
        Err(written) => return written,
    };
    let domain = asked.domain;
    let name = asked.label();
    if asked.policy != SecurityLevel::None {
        return Written::NotNeeded(format!(
            "OpenSMTPD does not look at TLSA records: it delivers to {domain} as it is, in TLS \
             where that works. To require TLS: action \"{name}\" relay tls no-verify, and match \
             from local for domain \"{domain}\" action \"{name}\""
        ));
    }
    let Some(host) = request.hosts.first() else {
        return Written::Inexpressible(format!(
            "OpenSMTPD switches STARTTLS off only for a named relay, and danecheck knows no MX \
             host of {domain}: relay host smtp+notls://HOST"
        ));
    };
    let how = HowTo {
        goes_into: "smtpd.conf, before the match rule for other domains.".to_owned(),
        in_force: "check it with `smtpd -n`, and restart smtpd.".to_owned(),
        taken_out: "delete both lines, then activate again.".to_owned(),
    };
    let mut remarks = asked.remarks.clone();
    if request.hosts.len() > 1 {
        remarks.push("OpenSMTPD accepts one relay: it does not try the other MX hosts.".to_owned());
    }
    let comment = asked.note.comment("#", &how, &remarks);
    Written::Entry {
        text: format!(
            "{comment}action \"{name}\" relay host smtp+notls://{host}\n\
             match from local for domain \"{domain}\" action \"{name}\"\n"
        ),
        beside: None,
    }
}

pub(super) const OPENSMTPD: MailSystem = MailSystem {
    name: "opensmtpd",
    about: "rules of smtpd.conf, if any are needed",
    in_table: false,
    write,
};
