//! `danecheck explain`: the words that people see, and what a log or a TLS report
//! says.

use std::fmt::Write as _;
use std::path::Path;

use danecheck_core::entry::Language;
use danecheck_core::evidence::Reading;
use danecheck_core::finding::RULES;
use danecheck_core::glossary::look_up;
use danecheck_core::report::{Detail, ExitStatus, HumanStyle, human, to_json};
use danecheck_core::text::printable;
use danecheck_core::tlsrpt::{self, Reports};

use super::args::{ExplainArguments, ListFormat};
use super::environment::Environment;
use super::evidence::feed;
use super::input;
use super::next_hops::{look, look_at};
use super::stop::Stop;
use super::triage::ask_routes;

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
    if arguments.check {
        check_reports(&mut reports, arguments, environment).await?;
    }
    let text = if arguments.json {
        to_json(&reports) + "\n"
    } else {
        reports.human(environment.width)
    };
    environment.print(&text)?;
    Ok(reports.exit_status())
}

/// What the domains publish now, beside what the senders saw.
async fn check_reports(
    reports: &mut Reports,
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<(), Stop> {
    let mut domains = reports.domains();
    domains.truncate(arguments.at_most);
    let local = arguments.sender.local().await?;
    let sender = arguments.sender.sender();
    let arguments = &arguments.next_hops;
    for one in look_at(domains, arguments, &sender, local.as_ref(), environment).await? {
        reports.looked(&one.name, &one.report);
    }
    Ok(())
}

async fn log(
    path: &Path,
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let mut reading = Reading::default();
    reading.begin(&path.display().to_string());
    feed(&mut reading, path, environment).await?;
    let mut explanation = reading.triage();
    let mut looked = Vec::new();
    if arguments.check {
        let local = arguments.sender.local().await?;
        if let Some(local) = &local {
            ask_routes(&mut explanation, local).await?;
        }
        looked = look(
            &mut explanation,
            arguments.at_most,
            &arguments.next_hops,
            &arguments.sender.sender(),
            local.as_ref(),
            environment,
            &mut |_, _| {},
        )
        .await?;
    }
    if arguments.json {
        environment.print(&(to_json(&explanation) + "\n"))?;
        return Ok(explanation.exit_status());
    }
    let mut text = explanation.human(environment.width);
    let of = explanation.next_hops.len();
    if !looked.is_empty() {
        let all = if of > looked.len() {
            format!(" {} of {of}", looked.len())
        } else {
            String::new()
        };
        let _ = writeln!(text, "\nThe next hops, checked now{all}:");
    }
    let style = HumanStyle {
        color: arguments.next_hops.screen.colors.wanted(environment),
        width: environment.width,
        language: Language::default(),
        detail: Detail::Short,
    };
    for (_, report) in &looked {
        text.push('\n');
        text.push_str(&human(report, style));
    }
    environment.print(&text)?;
    Ok(explanation.exit_status())
}

fn list() -> String {
    let mut text = String::new();
    for rule in RULES {
        let _ = writeln!(text, "{:8} {}", rule.severity.as_str(), rule.id);
    }
    text
}
