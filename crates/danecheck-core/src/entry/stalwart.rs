//! Stalwart: a TLS strategy, and the rule that chooses it. From 0.16 on its
//! objects are in a database; before, they were keys of a TOML file.

use crate::postfix::SecurityLevel;

use super::note::HowTo;
use super::system::{ForDomain, MailSystem, Request, Written};

/// `startTls` and `allowInvalidCerts`.
fn settings(policy: SecurityLevel) -> (&'static str, bool) {
    match policy {
        SecurityLevel::None => ("disable", false),
        SecurityLevel::May => ("optional", true),
        _ => ("require", true),
    }
}

const TAKEN_OUT: &str = "put the former rules back, then delete the strategy.";

/// If a certificate fails under `optional`, Stalwart does not fall back to
/// plain text.
fn remarks(asked: &ForDomain<'_>, request: &Request) -> Vec<String> {
    let mut remarks = asked.remarks.clone();
    if request.entry.line.level == SecurityLevel::May && request.by_plain_text_retry {
        remarks.push(
            "Stalwart has no plain-text retry after a failed handshake: where it fails here too, \
             startTls has to be `disable`."
                .to_owned(),
        );
    }
    remarks
}

fn write(request: &Request) -> Written {
    let asked = match ForDomain::of(request, "Stalwart") {
        Ok(asked) => asked,
        Err(written) => return written,
    };
    let (start_tls, invalid) = settings(asked.policy);
    let name = asked.label();
    let how = HowTo {
        goes_into: "a shell with stalwart-cli, for Stalwart 0.16 or newer (in the WebUI: \
                    Settings > MTA > Outbound > TLS Strategies, and > Strategy). The second \
                    command replaces the existing rules: if `stalwart-cli get MtaOutboundStrategy \
                    --fields tls` shows any, put this rule before them."
            .to_owned(),
        in_force: "the third command.".to_owned(),
        taken_out: TAKEN_OUT.to_owned(),
    };
    let comment = asked.note.comment("#", &how, &remarks(&asked, request));
    let domain = asked.domain;
    let quote = r"'\''";
    let text = format!(
        "{comment}stalwart-cli create MtaTlsStrategy --field name={name} \\\n  \
         --field description='danecheck {date}' --field dane=disable \\\n  \
         --field startTls={start_tls} --field allowInvalidCerts={invalid}\n\
         stalwart-cli update MtaOutboundStrategy --field tls='{{\"match\":{{\"0\":{{\"if\":\
         \"rcpt_domain == {quote}{domain}{quote}\",\"then\":\"{quote}{name}{quote}\"}}}},\
         \"else\":\"{quote}default{quote}\"}}'\n\
         stalwart-cli create Action/ReloadSettings\n",
        date = asked.note.date,
    );
    Written::Entry { text, beside: None }
}

fn write_toml(request: &Request) -> Written {
    let asked = match ForDomain::of(request, "Stalwart") {
        Ok(asked) => asked,
        Err(written) => return written,
    };
    let (start_tls, invalid) = settings(asked.policy);
    let name = asked.label();
    let domain = asked.domain;
    let how = HowTo {
        goes_into: "the configuration of Stalwart 0.12 to 0.15; if queue.strategy.tls is already \
                    set, put the first rule here before the existing ones."
            .to_owned(),
        in_force: "reload the configuration.".to_owned(),
        taken_out: TAKEN_OUT.to_owned(),
    };
    let comment = asked.note.comment("#", &how, &remarks(&asked, request));
    let text = format!(
        "{comment}[queue.tls.{name}]\ndane = \"disable\"\nstarttls = \"{start_tls}\"\n\
         allow-invalid-certs = {invalid}\n\n[queue.strategy]\n\
         tls = [ {{ if = \"rcpt_domain == '{domain}'\", then = \"'{name}'\" }},\n        \
         {{ else = \"'default'\" }} ]\n"
    );
    Written::Entry { text, beside: None }
}

pub(super) const STALWART: MailSystem = MailSystem {
    name: "stalwart",
    about: "commands for Stalwart 0.16 or newer",
    in_table: false,
    write,
};

pub(super) const STALWART_TOML: MailSystem = MailSystem {
    name: "stalwart-toml",
    about: "the configuration of Stalwart 0.12 to 0.15",
    in_table: false,
    write: write_toml,
};
