//! `danecheck explain`: the catalogue of findings.

use std::fmt::Write as _;

use crate::finding::{RULES, Rule, Severity};
use crate::report::ExitStatus;

use super::args::ExplainArguments;
use super::{Stop, World};

pub(super) fn explain(arguments: &ExplainArguments, world: &mut World) -> Result<ExitStatus, Stop> {
    let text = match &arguments.id {
        None => list(),
        Some(id) => match Rule::find(id) {
            Some(rule) => one(rule, world.width),
            None => {
                return Err(Stop::Sentence(format!(
                    "`{id}` is no finding: `danecheck explain --list` names them"
                )));
            }
        },
    };
    world.print(&text)?;
    Ok(ExitStatus::Fine)
}

fn list() -> String {
    let mut text = String::new();
    for rule in RULES {
        let _ = writeln!(text, "{:8} {}", severity(rule.severity), rule.id);
    }
    text
}

fn one(rule: &Rule, width: usize) -> String {
    let mut text = format!("{} ({})\n", rule.id, severity(rule.severity));
    let mut part = |title: &str, body: &str| {
        if !body.is_empty() {
            let _ = writeln!(text, "\n{title}");
            for line in crate::report::wrap(body, width.saturating_sub(2)) {
                let _ = writeln!(text, "  {line}");
            }
        }
    };
    part("What it means", rule.meaning);
    part("What the receiver does", rule.receiver);
    part("What the sender does", rule.sender);
    part("Where it comes from", rule.reference);
    text
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
