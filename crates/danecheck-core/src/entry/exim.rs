//! Exim: options of the smtp transport, which apply to MX hosts. With DANE Exim
//! ignores `hosts_require_tls` and `tls_verify_hosts`, so DANE has to be
//! switched off for the host first (specification, 43.16).

use crate::postfix::SecurityLevel;

use super::note::HowTo;
use super::system::{MailSystem, Request, Written, remarks};

fn write(request: &Request) -> Written {
    let hosts = &request.hosts;
    if hosts.is_empty() {
        return Written::Inexpressible(
            "Exim chooses by MX host, and danecheck knows none here. In the smtp transport, add \
             the hosts to `hosts_try_dane` with `!` before each, and `*` at the end"
                .to_owned(),
        );
    }
    // IPv6 addresses contain the usual separator of a list.
    let (start, separator) = if hosts.iter().any(|host| host.contains(':')) {
        ("<; ", " ; ")
    } else {
        ("", " : ")
    };
    let list = format!("{start}{}", hosts.join(separator));
    let without_dane = hosts
        .iter()
        .map(|host| format!("! {host}"))
        .chain(["*".to_owned()])
        .collect::<Vec<_>>()
        .join(separator);
    let mut options = format!("  hosts_try_dane = {start}{without_dane}\n");
    match request.entry.line.level {
        SecurityLevel::May => {}
        SecurityLevel::None => options.push_str(&format!("  hosts_avoid_tls = {list}\n")),
        _ => options.push_str(&format!("  hosts_require_tls = {list}\n")),
    }
    let how = HowTo {
        goes_into: "the smtp transport for remote mail, `remote_smtp` on Debian \
                    (/etc/exim4/conf.d/transport/30_exim4-config_remote_smtp, or \
                    exim4.conf.template); if an option is already there, add these hosts to it."
            .to_owned(),
        in_force: "`update-exim4.conf && systemctl reload exim4` on Debian, else \
                   `kill -HUP` the daemon; `exim -qff` sends what waits."
            .to_owned(),
        taken_out: "delete these options with their comment, then activate again.".to_owned(),
    };
    let mut remarks = remarks(request);
    remarks.push(format!(
        "Exim chooses by MX host, so this applies to every domain with {}.",
        if hosts.len() == 1 {
            "this one"
        } else {
            "one of these"
        }
    ));
    let comment = request.note.comment("#", &how, &remarks);
    Written::Entry {
        text: format!("{comment}{options}"),
        beside: None,
    }
}

pub(super) const EXIM: MailSystem = MailSystem {
    name: "exim",
    about: "options of the smtp transport",
    in_table: false,
    write,
};
