//! The catalogue as a page: `docs/findings.md`.

use std::fmt::Write as _;

use super::{RULES, Severity};

/// Every finding, for `docs/findings.md`.
pub fn markdown() -> String {
    let mut text = format!(
        "# Findings\n\nThe {} findings of danecheck, as `danecheck explain --list --format \
         markdown` writes\nthem. An *error* means that mail does not flow, at least to one \
         server, or that\nnothing could be told; a *warning* that mail flows and something is \
         wrong; an *info*\nis good to know.\n\n| finding | severity | reference |\n| --- | --- | \
         --- |\n",
        RULES.len()
    );
    for rule in RULES {
        let _ = writeln!(
            text,
            "| [`{id}`](#{id}) | {} | {} |",
            severity(rule.severity),
            rule.reference,
            id = rule.id
        );
    }
    for rule in RULES {
        let _ = write!(
            text,
            "\n## {}\n\n*{}*, {}\n\n{}\n",
            rule.id,
            severity(rule.severity),
            rule.reference,
            rule.meaning
        );
        for (who, step) in [("Receiver", rule.receiver), ("Sender", rule.sender)] {
            if !step.is_empty() {
                let _ = write!(text, "\n- **{who}**: {step}\n");
            }
        }
    }
    text
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
