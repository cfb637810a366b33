//! `danecheck demo`: reports on servers inside the program, without network.

use std::fmt::Write as _;

use futures_util::future::join_all;

use crate::demo::{CASES, Case, MOST_INSTRUCTIVE, SharedAuthorities};
use danecheck_core::judge::{Action, Verdict};
use danecheck_core::report::html::Html;
use danecheck_core::report::{
    Detail, ExitStatus, FailOn, HumanStyle, Report, Writer, exit_status, human, json,
};
use danecheck_core::text::{nearest, wrap};

use super::args::DemoArguments;
use super::environment::Environment;
use super::stop::Stop;

pub(super) async fn demo(
    arguments: &DemoArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    if arguments.list {
        environment.print(&list())?;
        return Ok(ExitStatus::Fine);
    }
    let style = HumanStyle {
        color: arguments.colors.wanted(environment),
        width: environment.width,
        detail: Detail::of(arguments.verbose),
        ..HumanStyle::default()
    };
    let shared = SharedAuthorities::new((environment.now)());
    let mut page = arguments.html.then(|| Html::new(arguments.lang));
    let Some(name) = &arguments.case else {
        if let Some(page) = &mut page {
            for case in CASES {
                let report = look(case, &shared).await?;
                page.report(&report, exit_status(&report, false, FailOn::Warning));
            }
            environment.print(&page.end())?;
            return Ok(ExitStatus::Fine);
        }
        return all(&shared, arguments.json, style, environment).await;
    };
    let Some(case) = Case::find(name) else {
        let names = CASES.iter().map(|case| case.name);
        let near = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`? "),
            None => String::new(),
        };
        return Err(Stop::Sentence(format!(
            "unknown case `{name}`: {near}`danecheck demo --list` names them"
        )));
    };
    let report = look(case, &shared).await?;
    let text = match &mut page {
        Some(page) => {
            page.report(&report, exit_status(&report, false, FailOn::Warning));
            page.end()
        }
        None if arguments.json => format!("{}\n", json(&report)),
        None => format!("# {}\n\n{}", case.title, human(&report, style)),
    };
    environment.print(&text)?;
    Ok(ExitStatus::Fine)
}

fn list() -> String {
    let mut text = String::new();
    for case in CASES {
        let _ = writeln!(text, "{:30} {}", case.name, case.title);
    }
    text
}

async fn look(case: &Case, shared: &SharedAuthorities) -> Result<Report, Stop> {
    match case.observe(shared).await {
        Ok(observation) => Ok(Report::of(&observation)),
        Err(error) => Err(Stop::Sentence(format!(
            "the demo's case {} cannot be set up: {error}",
            case.name
        ))),
    }
}

/// One line for each case, and the whole report of the most instructive one.
async fn all(
    shared: &SharedAuthorities,
    as_json: bool,
    style: HumanStyle,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let looks = join_all(CASES.iter().map(|case| look(case, shared))).await;
    if !as_json {
        environment.print(&row("case", "verdict", "override"))?;
    }
    let mut shown = None;
    for (case, report) in CASES.iter().zip(looks) {
        let report = report?;
        if as_json {
            environment.print(&format!("{}\n", json(&report)))?;
            continue;
        }
        environment.print(&row(case.name, report.verdict.as_str(), &advice(&report)))?;
        if case.name == MOST_INSTRUCTIVE {
            shown = Some(report);
        }
    }
    if let Some(report) = shown {
        let lead =
            format!("The report of {MOST_INSTRUCTIVE} (`danecheck demo CASE` shows any other):");
        environment.print(&format!(
            "\n{}\n\n{}",
            wrap(&lead, style.width).join("\n"),
            human(&report, style)
        ))?;
    }
    Ok(ExitStatus::Fine)
}

fn row(case: &str, verdict: &str, advice: &str) -> String {
    format!("{case:30}{verdict:14}{advice}\n")
}

/// A level is called one: `none` is the weakest of them.
fn advice(report: &Report) -> String {
    match (report.recommendation.action, report.recommendation.policy) {
        (Action::Keep, _) => "not needed".to_owned(),
        (Action::NotFixable, _) if report.verdict == Verdict::Indeterminate => "unknown".to_owned(),
        (Action::NotFixable, _) => "impossible".to_owned(),
        (Action::Override, policy) => {
            policy.map_or_else(String::new, |policy| format!("level {policy}"))
        }
    }
}
