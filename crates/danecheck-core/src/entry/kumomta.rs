//! KumoMTA: a section of a shaping file. DANE is off by default, but KumoMTA
//! still requires valid certificates.

use crate::postfix::SecurityLevel;

use super::note::HowTo;
use super::system::{ForDomain, MailSystem, Request, Written};

fn write(request: &Request) -> Written {
    let asked = match ForDomain::of(request, "KumoMTA") {
        Ok(asked) => asked,
        Err(written) => return written,
    };
    let tls = match asked.policy {
        // It never falls back to plain text with the same host.
        SecurityLevel::None => "Disabled",
        SecurityLevel::May if request.by_plain_text_retry => "Disabled",
        SecurityLevel::May => "OpportunisticInsecure",
        _ => "RequiredInsecure",
    };
    let how = HowTo {
        goes_into: "/opt/kumomta/etc/policy/custom-shaping.toml (check it with \
                    `/opt/kumomta/sbin/validate-shaping FILE`)."
            .to_owned(),
        in_force: "restart KumoMTA, or wait for the reload that watches the file.".to_owned(),
        taken_out: "delete this section, then activate again.".to_owned(),
    };
    let comment = asked.note.comment("#", &how, &asked.remarks);
    let text = format!(
        "{comment}[\"{}\"]\nmx_rollup = false\nenable_dane = false\nenable_tls = \"{tls}\"\n",
        asked.domain
    );
    Written::Entry { text, beside: None }
}

pub(super) const KUMOMTA: MailSystem = MailSystem {
    name: "kumomta",
    about: "a section of custom-shaping.toml",
    in_table: false,
    write,
};
