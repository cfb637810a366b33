//! `danecheck explain`: the catalogue of findings, and what a log says.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use clap::Parser as _;
use tokio::io::AsyncBufReadExt as _;

use danecheck_core::evidence::{Reading, Triage};
use danecheck_core::finding::{RULES, Rule};
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::{ExitStatus, to_json};

use super::args::{Arguments, ExplainArguments, ListFormat};
use super::check::{self, Origin};
use super::input::LineBound;
use super::{Stop, World};

/// Bytes of a log that are read at a time.
const PIECE: usize = 64 * 1024;

pub(super) async fn explain(
    arguments: &ExplainArguments,
    world: &mut World,
) -> Result<ExitStatus, Stop> {
    if let Some(path) = &arguments.log {
        return log(path, arguments, world).await;
    }
    let text = match &arguments.id {
        None if arguments.format == ListFormat::Markdown => danecheck_core::finding::markdown(),
        None => list(),
        Some(id) => match Rule::find(id) {
            Some(rule) => one(rule, world.width),
            None => {
                return Err(Stop::Sentence(format!(
                    "unknown finding `{id}`: `danecheck explain --list` names them"
                )));
            }
        },
    };
    world.print(&text)?;
    Ok(ExitStatus::Fine)
}

async fn log(
    path: &Path,
    arguments: &ExplainArguments,
    world: &mut World,
) -> Result<ExitStatus, Stop> {
    let explanation = read(path, world).await?.triage();
    let text = if arguments.json {
        to_json(&explanation) + "\n"
    } else {
        explanation.human(world.width)
    };
    world.print(&text)?;
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
        world.print(&format!("\nThe next hops, checked now{all}:\n\n"))?;
    }
    Ok(match check_now(&targets, arguments, world).await? {
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
    targets: &[String],
    arguments: &ExplainArguments,
    world: &mut World,
) -> Result<ExitStatus, Stop> {
    let mut words = vec!["danecheck".to_owned()];
    if arguments.json {
        words.push("--json".to_owned());
    }
    if let Some(resolver) = &arguments.resolver {
        words.push(format!("--resolver={resolver}"));
    }
    if let Some(anchor) = &arguments.trust_anchor {
        words.push(format!("--trust-anchor={}", anchor.display()));
    }
    if arguments.allow_private {
        words.push("--allow-private".to_owned());
    }
    words.push("--".to_owned());
    words.extend(targets.iter().cloned());
    let inner = Arguments::try_parse_from(words)
        .map_err(|error| Stop::Sentence(error.to_string().trim().to_owned()))?;
    check::check(&inner.check, Origin::Read, world).await
}

/// Reads a log piece by piece, because it may be larger than the memory.
async fn read(path: &Path, world: &mut World) -> Result<Reading, Stop> {
    let mut reading = Reading::default();
    let mut bound = LineBound::default();
    if path == Path::new("-") {
        let refuse = |error: std::io::Error| {
            Stop::Sentence(format!("standard input: cannot be read: {error}"))
        };
        loop {
            let piece = world.stdin.fill_buf().await.map_err(refuse)?;
            if piece.is_empty() {
                return Ok(reading);
            }
            bound.check(piece).map_err(refuse)?;
            reading.bytes(piece);
            let length = piece.len();
            world.stdin.consume(length);
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
