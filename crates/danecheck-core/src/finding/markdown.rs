//! The catalogue as a page: `docs/findings.md`.

use std::fmt::Write as _;

use super::{RULES, Rule};

/// Every finding, for `docs/findings.md`.
pub fn markdown() -> String {
    let mut text = format!(
        "# Findings\n\nThe {} findings of danecheck, as `danecheck explain --list --format \
         markdown` writes\nthem. An *error* means that mail does not flow, at least to one server, \
         or that\nthe result is unknown. A *warning* means that mail flows, but something is \
         wrong. An\n*info* is good to know. Some are worse for some targets: the page names the \
         condition\nunder which they are an error.\n\n| finding | severity | reference |\n| --- | --- | \
         --- |\n",
        RULES.len()
    );
    for rule in RULES {
        let _ = writeln!(
            text,
            "| [`{id}`](#{id}) | {}{} | {} |",
            rule.severity.as_str(),
            if rule.worse_if().is_some() {
                " or error"
            } else {
                ""
            },
            rule.reference,
            id = rule.id
        );
    }
    for rule in RULES {
        let _ = write!(
            text,
            "\n## {}\n\n*{}*{}, {}\n\n{}\n",
            rule.id,
            rule.severity.as_str(),
            worse(rule),
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

/// When findings of this rule are an error, as it follows their usual severity.
fn worse(rule: &Rule) -> String {
    match rule.worse_if() {
        Some(condition) => format!(" (*error* if {})", condition.as_text()),
        None => String::new(),
    }
}
