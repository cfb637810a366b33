//! `danecheck explain`: the words that people see, and what a log or a TLS report
//! says.

use std::fmt::Write as _;
use std::path::Path;

use danecheck_core::evidence::{Reading, Triage};
use danecheck_core::finding::RULES;
use danecheck_core::glossary::look_up;
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::{ExitStatus, to_json};
use danecheck_core::text::printable;
use danecheck_core::tlsrpt::{self, Reports};

use super::args::{CheckArguments, ExplainArguments, ListFormat};
use super::check::{self, Origin};
use super::environment::Environment;
use super::evidence::feed;
use super::input;
use super::look::LookArguments;
use super::stop::Stop;

pub(super) async fn explain(
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    if let Some(path) = &arguments.log {
        return log(path, arguments, environment).await;
    }
    if !arguments.tlsrpt.is_empty() {
        return explain_reports(arguments, environment).await;
    }
    let text = match &arguments.id {
        None if arguments.format == ListFormat::Markdown => danecheck_core::finding::markdown(),
        None => list(),
        Some(id) => word(id, environment)?,
    };
    environment.print(&text)?;
    Ok(ExitStatus::Fine)
}

/// A word that people see, and ask about.
fn word(word: &str, environment: &mut Environment) -> Result<String, Stop> {
    let answer = look_up(word);
    let shown = printable(word);
    if answer.meanings.is_empty() {
        let near = match answer.near.as_slice() {
            [] => "`danecheck explain --list` names the findings".to_owned(),
            near => format!("perhaps {}", near.join(", ")),
        };
        return Err(Stop::Sentence(format!("unknown finding `{shown}`: {near}")));
    }
    if answer.corrected {
        environment.complain(&format!("`{shown}` is not known: this is what is nearest"));
    }
    Ok(answer.human(environment.width))
}

/// Reports are small: a whole one is read at once.
async fn explain_reports(
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let mut reports = Reports::default();
    for path in &arguments.tlsrpt {
        let bytes = if path == Path::new("-") {
            input::read_stdin(&mut *environment.stdin, tlsrpt::LONGEST).await?
        } else {
            input::read(path, tlsrpt::LONGEST)?
        };
        reports.read(&path.display().to_string(), &bytes);
    }
    let text = if arguments.json {
        to_json(&reports) + "\n"
    } else {
        reports.human(environment.width)
    };
    environment.print(&text)?;
    Ok(reports.exit_status())
}

async fn log(
    path: &Path,
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let mut reading = Reading::default();
    reading.begin(&path.display().to_string());
    feed(&mut reading, path, environment).await?;
    let explanation = reading.triage();
    let text = if arguments.json {
        to_json(&explanation) + "\n"
    } else {
        explanation.human(environment.width)
    };
    environment.print(&text)?;
    let status = explanation.exit_status();
    let targets = targets(&explanation, arguments.at_most);
    if !arguments.check || targets.is_empty() {
        return Ok(status);
    }
    if !arguments.json {
        let of = explanation.names().len();
        let all = if of > targets.len() {
            format!(" {} of {of}", targets.len())
        } else {
            String::new()
        };
        environment.print(&format!("\nThe next hops, checked now{all}:\n\n"))?;
    }
    Ok(match check_now(targets, arguments, environment).await? {
        // It flows now.
        ExitStatus::Fine if status != ExitStatus::Fine => ExitStatus::Warning,
        looked => looked,
    })
}

/// The next hops that can be checked. Text from a log is never read as an
/// option: only next hops pass.
fn targets(explanation: &Triage, at_most: usize) -> Vec<String> {
    explanation
        .names()
        .into_iter()
        .filter(|name| !name.starts_with('-') && name.parse::<NextHop>().is_ok())
        .take(at_most)
        .collect()
}

/// The check is the same as that of `danecheck TARGET...`.
async fn check_now(
    targets: Vec<String>,
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let resolver = arguments.resolver.clone();
    let check = CheckArguments {
        targets,
        json: arguments.json,
        ..CheckArguments::with(LookArguments::with_resolver(
            resolver,
            arguments.allow_private,
        ))
    };
    check::check(&check, Origin::Read, environment).await
}

fn list() -> String {
    let mut text = String::new();
    for rule in RULES {
        let _ = writeln!(text, "{:8} {}", rule.severity.as_str(), rule.id);
    }
    text
}
