//! Haraka does not use DANE. It uses STARTTLS if it is offered and checks no
//! certificate. It cannot require TLS without one.

use crate::postfix::SecurityLevel;

use super::note::HowTo;
use super::system::{ForDomain, MailSystem, Request, Written};

fn write(request: &Request) -> Written {
    let asked = match ForDomain::of(request, "Haraka") {
        Ok(asked) => asked,
        Err(written) => return written,
    };
    let domain = asked.domain;
    // A handshake that fails is not followed by plain text
    // (`outbound/hmail.js`), unless Redis keeps a list of such hosts.
    let without_tls = match asked.policy {
        SecurityLevel::None => true,
        SecurityLevel::May => request.by_plain_text_retry,
        _ => false,
    };
    if !without_tls {
        return Written::NotNeeded(format!(
            "Haraka does not look at TLSA records: it delivers to {domain} as it is, in TLS where \
             that is offered. It can require TLS only together with a certificate that it trusts: \
             force_tls_hosts[]={domain} under [outbound] in config/tls.ini"
        ));
    }
    let how = HowTo {
        goes_into: "config/tls.ini; if it has a section [outbound], add only the second line to \
                    that."
            .to_owned(),
        in_force: "restart Haraka.".to_owned(),
        taken_out: "delete the line, then activate again.".to_owned(),
    };
    let comment = asked.note.comment(";", &how, &asked.remarks);
    Written::Entry {
        text: format!("{comment}[outbound]\nno_tls_hosts[]={domain}\n"),
        beside: None,
    }
}

pub(super) const HARAKA: MailSystem = MailSystem {
    name: "haraka",
    about: "lines of config/tls.ini, if any are needed",
    in_table: false,
    write,
};
