//! `prometheus`: the text exposition format (version 0.0.4), as the textfile
//! collector of node_exporter reads it.
//!
//! The number of labels is limited: targets by the caller, hosts and addresses
//! by the limits of a check, all others by a fixed list of words.

use std::fmt::{Display, Write as _};

use crate::finding::rule::Severity;
use crate::judge::{Action, Channel, Standing, Verdict};
use crate::postfix::SecurityLevel;
use crate::report::status::ExitStatus;
use crate::text::shown;

use super::super::model::Report;
use super::writer::{Writer, addresses};

/// A metric family.
struct Family {
    name: &'static str,
    help: &'static str,
}

const CHANNELS: [(Channel, &str); 3] = [
    (Channel::Plaintext, "plaintext"),
    (Channel::Encrypted, "encrypted"),
    (Channel::Authenticated, "authenticated"),
];

const FAMILIES: [Family; 12] = [
    Family {
        name: "danecheck_status",
        help: "Exit status of the check: 0 fine, 1 warning, 2 broken, 3 unknown.",
    },
    Family {
        name: "danecheck_verdict",
        help: "1 for the verdict of the check, 0 for the others.",
    },
    Family {
        name: "danecheck_delivers",
        help: "Whether the reference Postfix delivers at this TLS security level, at once or at the \
               retry; no sample if that is unknown.",
    },
    Family {
        name: "danecheck_sender_delivers",
        help: "Whether the sender that was named delivers with its policy; no sample if that is \
               unknown.",
    },
    Family {
        name: "danecheck_sender_channel",
        help: "1 for the way in which mail of the sender that was named travels, 0 for the others.",
    },
    Family {
        name: "danecheck_servers_looked_at",
        help: "Whether mail servers were checked, and not assumed (--dns-only, --cert).",
    },
    Family {
        name: "danecheck_override_needed",
        help: "Whether mail flows only with an override of the dane level.",
    },
    Family {
        name: "danecheck_findings",
        help: "Number of findings by severity.",
    },
    Family {
        name: "danecheck_address_authenticated",
        help: "Whether a TLSA record matches the server at this address.",
    },
    Family {
        name: "danecheck_certificate_not_after_timestamp_seconds",
        help: "When the first certificate that the server shows to a DANE sender ends.",
    },
    Family {
        name: "danecheck_checked_timestamp_seconds",
        help: "When the target was checked.",
    },
    Family {
        name: "danecheck_check_duration_seconds",
        help: "How long the check took.",
    },
];

/// Buffers the samples of each family, because they have to be in one block.
#[derive(Debug, Default)]
pub struct Prometheus {
    samples: [String; FAMILIES.len()],
}

impl Prometheus {
    fn sample(&mut self, family: &str, labels: &[(&str, &str)], value: impl Display) {
        let place = FAMILIES.iter().position(|one| one.name == family);
        let Some(samples) = place.and_then(|place| self.samples.get_mut(place)) else {
            return;
        };
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let _ = writeln!(samples, "{family}{{{}}} {value}", labels.join(","));
    }
}

impl Writer for Prometheus {
    fn report(&mut self, report: &Report, status: ExitStatus) -> String {
        let target = ("target", report.target.as_str());
        self.sample("danecheck_status", &[target], status as i64);
        for verdict in Verdict::ALL {
            self.sample(
                "danecheck_verdict",
                &[target, ("verdict", verdict.as_str())],
                i64::from(verdict == report.verdict),
            );
        }
        for level in SecurityLevel::ALL {
            let outcome = report.outcomes.at(level);
            if report.is_known(level, outcome) {
                self.sample(
                    "danecheck_delivers",
                    &[target, ("level", level.as_str())],
                    i64::from(outcome.delivers()),
                );
            }
        }
        if let Some(sender) = report.sender.as_ref().filter(|_| report.is_answered()) {
            let name = ("sender", sender.name.as_str());
            let outcome = &sender.outcome;
            let delivers = i64::from(outcome.delivers());
            self.sample("danecheck_sender_delivers", &[target, name], delivers);
            for (channel, word) in CHANNELS {
                self.sample(
                    "danecheck_sender_channel",
                    &[target, name, ("channel", word)],
                    i64::from(outcome.channel == Some(channel)),
                );
            }
        }
        let looked_at = i64::from(report.assumed.is_none());
        self.sample("danecheck_servers_looked_at", &[target], looked_at);
        let needed = report.recommendation.action == Action::Override;
        self.sample("danecheck_override_needed", &[target], i64::from(needed));
        for severity in [Severity::Error, Severity::Warning, Severity::Info] {
            let all = report.findings.iter();
            let count = all.filter(|finding| finding.severity == severity).count();
            self.sample(
                "danecheck_findings",
                &[target, ("severity", severity.as_str())],
                i64::try_from(count).unwrap_or(i64::MAX),
            );
        }
        for (host, address) in addresses(report) {
            let labels = [
                target,
                ("host", host.name.as_str()),
                ("address", address.address.as_str()),
            ];
            if report.assumed.is_none() {
                self.sample(
                    "danecheck_address_authenticated",
                    &labels,
                    i64::from(address.dane == Standing::Authenticated),
                );
            }
            let leaf = address
                .sessions
                .iter()
                .find_map(|session| session.certificates.first());
            if let Some(leaf) = leaf {
                self.sample(
                    "danecheck_certificate_not_after_timestamp_seconds",
                    &labels,
                    leaf.not_after.0,
                );
            }
        }
        self.sample(
            "danecheck_checked_timestamp_seconds",
            &[target],
            report.checked_at.0,
        );
        if let Some(took) = report.took {
            let seconds = format!("{:.3}", took.as_secs_f64());
            self.sample("danecheck_check_duration_seconds", &[target], seconds);
        }
        String::new()
    }

    fn end(&mut self) -> String {
        let mut text = String::new();
        for (family, samples) in FAMILIES.iter().zip(&self.samples) {
            if !samples.is_empty() {
                let Family { name, help } = family;
                let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{samples}");
            }
        }
        text
    }
}

/// A label value (exposition formats, "Text format details").
fn escaped(value: &str) -> String {
    shown(value)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
