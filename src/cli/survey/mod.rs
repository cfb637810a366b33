//! `danecheck survey`: three filters of JSON Lines for surveys that run on
//! several machines. Between them, any program may shuffle the lines.

mod args;
mod dns;
mod hosts;
mod input;
mod judge;
mod opt_out;

use std::pin::{Pin, pin};

use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;

use danecheck_core::report::{ExitStatus, to_json};
use danecheck_core::survey::{SCHEMA_VERSION, TargetLine, Unread};

use super::environment::Environment;
use super::interrupt::{Interrupts, Watch};
use super::stop::Stop;

pub(super) use args::{SurveyArguments, SurveyStep};
use input::Line;

/// How much of a line that cannot be read stands in the answer.
const SHOWN: usize = 200;

pub(super) async fn survey(
    arguments: &SurveyArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    match &arguments.step {
        SurveyStep::Dns(dns) => dns::run(dns, environment).await,
        SurveyStep::Hosts(hosts) => hosts::run(hosts, environment).await,
        SurveyStep::Judge(judge) => judge::run(judge, environment).await,
    }
}

/// What becomes of a line: the lines that answer it, or why the input ends.
type Answer = Result<Vec<String>, Stop>;

/// Writes the answers as they come. All lines were answered: what the answers
/// say is no matter of the exit status.
async fn write(
    answers: impl Stream<Item = Answer>,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let interrupts = std::mem::replace(&mut environment.interrupts, Interrupts::None);
    let mut watch = Watch::new(interrupts);
    let mut answers: Pin<&mut _> = pin!(answers);
    loop {
        let answer = tokio::select! {
            biased;
            () = watch.interrupted() => {
                environment.complain("interrupted: some lines have no answer");
                return Ok(ExitStatus::Unknown);
            }
            answer = answers.next() => answer,
        };
        let Some(answer) = answer else {
            return Ok(ExitStatus::Fine);
        };
        let mut text = answer?.join("\n");
        text.push('\n');
        environment.print(&text)?;
    }
}

/// The answer to a line that cannot be read.
fn unread(line: &Line, error: impl Into<String>) -> String {
    let text = String::from_utf8_lossy(&line.bytes);
    let shown: String = text.chars().take(SHOWN).collect();
    to_json(&Unread {
        schema_version: SCHEMA_VERSION,
        error: error.into(),
        line_number: line.number,
        line: shown.trim_end().to_owned(),
    })
}

/// What a line says of a target. Otherwise what answers it: the line itself, if
/// an earlier step could not read it, or why this one cannot; `otherwise` says
/// what it is not.
fn read_target<D: DeserializeOwned>(line: &Line, otherwise: &str) -> Result<TargetLine<D>, String> {
    if !line.is_whole {
        return Err(unread(line, "the line is too long"));
    }
    match serde_json::from_slice::<TargetLine<D>>(&line.bytes) {
        Ok(target) if target.schema_version == SCHEMA_VERSION => Ok(target),
        Ok(target) => Err(unread(
            line,
            format!(
                "it has schema_version {}, but this program reads version {SCHEMA_VERSION}",
                target.schema_version
            ),
        )),
        Err(_) if serde_json::from_slice::<Unread>(&line.bytes).is_ok() => {
            Err(String::from_utf8_lossy(&line.bytes).trim().to_owned())
        }
        Err(error) => Err(unread(line, format!("{otherwise} ({error})"))),
    }
}

/// A fault in this program, which no line may cause.
fn lost() -> Stop {
    Stop::Sentence(
        "a line was not answered. This is a fault in danecheck: please report it".to_owned(),
    )
}
