//! `danecheck explain`: the catalogue of findings, and what a log says.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use tokio::io::AsyncBufReadExt as _;

use danecheck_core::finding::{RULES, Rule};
use danecheck_core::log::{Explanation, Reading};
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::{ExitStatus, to_json};

use super::args::{CheckArguments, ExplainArguments, ListFormat};
use super::check::{self, Origin};
use super::environment::Environment;
use super::input::LineBound;
use super::look::LookArguments;
use super::stop::Stop;

/// Bytes of a log that are read at a time.
const PIECE: usize = 64 * 1024;

pub(super) async fn explain(
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    if let Some(path) = &arguments.log {
        return log(path, arguments, environment).await;
    }
    let text = match &arguments.id {
        None if arguments.format == ListFormat::Markdown => danecheck_core::finding::markdown(),
        None => list(),
        Some(id) => match Rule::find(id) {
            Some(rule) => one(rule, environment.width),
            None => {
                return Err(Stop::Sentence(format!(
                    "unknown finding `{id}`: `danecheck explain --list` names them"
                )));
            }
        },
    };
    environment.print(&text)?;
    Ok(ExitStatus::Fine)
}

async fn log(
    path: &Path,
    arguments: &ExplainArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let explanation = read(path, environment).await?.explain();
    let text = if arguments.json {
        to_json(&explanation) + "\n"
    } else {
        explanation.human(environment.width)
    };
    environment.print(&text)?;
    if !arguments.check {
        return Ok(ExitStatus::Fine);
    }
    let targets = targets(&explanation, arguments.at_most);
    if targets.is_empty() {
        return Ok(ExitStatus::Fine);
    }
    if !arguments.json {
        let of = explanation.next_hops().len();
        let all = if of > targets.len() {
            format!(" {} of {of}", targets.len())
        } else {
            String::new()
        };
        environment.print(&format!("\nThe next hops, checked now{all}:\n\n"))?;
    }
    check_now(targets, arguments, environment).await
}

/// The next hops that can be checked. Text from a log is never read as an
/// option: only next hops pass.
fn targets(explanation: &Explanation, at_most: usize) -> Vec<String> {
    explanation
        .next_hops()
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

/// Reads a log piece by piece, because it may be larger than the memory.
async fn read(path: &Path, environment: &mut Environment) -> Result<Reading, Stop> {
    let mut reading = Reading::default();
    let mut bound = LineBound::default();
    if path == Path::new("-") {
        let refuse = |error: std::io::Error| {
            Stop::Sentence(format!("standard input: cannot be read: {error}"))
        };
        loop {
            let piece = environment.stdin.fill_buf().await.map_err(refuse)?;
            if piece.is_empty() {
                return Ok(reading);
            }
            bound.check(piece).map_err(refuse)?;
            reading.bytes(piece);
            let length = piece.len();
            environment.stdin.consume(length);
        }
    }
    let refuse = |error: std::io::Error| {
        Stop::Sentence(format!("{}: cannot be read: {error}", path.display()))
    };
    let mut file = std::fs::File::open(path).map_err(refuse)?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece).map_err(refuse)?;
        match piece.get(..length) {
            None | Some([]) => return Ok(reading),
            Some(read) => {
                bound.check(read).map_err(refuse)?;
                reading.bytes(read);
            }
        }
    }
}

fn list() -> String {
    let mut text = String::new();
    for rule in RULES {
        let _ = writeln!(text, "{:8} {}", rule.severity.as_str(), rule.id);
    }
    text
}

fn one(rule: &Rule, width: usize) -> String {
    let mut text = format!("{} ({})\n", rule.id, rule.severity.as_str());
    let mut part = |title: &str, body: &str| {
        if !body.is_empty() {
            let _ = writeln!(text, "\n{title}");
            for line in danecheck_core::report::wrap(body, width.saturating_sub(2)) {
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
