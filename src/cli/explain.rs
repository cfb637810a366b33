//! `danecheck explain`: the words that people see, and what a log or a TLS report
//! says.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use clap::Parser as _;
use tokio::io::AsyncBufReadExt as _;

use danecheck_core::evidence::{Reading, Triage};
use danecheck_core::finding::RULES;
use danecheck_core::glossary::look_up;
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::{ExitStatus, printable, to_json};
use danecheck_core::tlsrpt::{self, Reports};

use super::args::{Arguments, ExplainArguments, ListFormat};
use super::check::{self, Origin};
use super::input::{self, LineBound};
use super::triage::name_of;
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
    if !arguments.tlsrpt.is_empty() {
        return explain_reports(arguments, world).await;
    }
    let text = match &arguments.id {
        None if arguments.format == ListFormat::Markdown => danecheck_core::finding::markdown(),
        None => list(),
        Some(id) => word(id, world)?,
    };
    world.print(&text)?;
    Ok(ExitStatus::Fine)
}

/// A word that people see, and ask about.
fn word(word: &str, world: &mut World) -> Result<String, Stop> {
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
        world.complain(&format!("`{shown}` is not known: this is what is nearest"));
    }
    Ok(answer.human(world.width))
}

/// Reports are small: a whole one is read at once.
async fn explain_reports(
    arguments: &ExplainArguments,
    world: &mut World,
) -> Result<ExitStatus, Stop> {
    let mut reports = Reports::default();
    for path in &arguments.tlsrpt {
        let bytes = if path == Path::new("-") {
            input::read_stdin(&mut *world.stdin, tlsrpt::LONGEST).await?
        } else {
            input::read(path, tlsrpt::LONGEST)?
        };
        reports.read(&path.display().to_string(), &bytes);
    }
    let text = if arguments.json {
        to_json(&reports) + "\n"
    } else {
        reports.human(world.width)
    };
    world.print(&text)?;
    Ok(reports.exit_status())
}

async fn log(
    path: &Path,
    arguments: &ExplainArguments,
    world: &mut World,
) -> Result<ExitStatus, Stop> {
    let mut reading = Reading::default();
    reading.begin(&path.display().to_string());
    feed(&mut reading, path, world).await?;
    let explanation = reading.triage();
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

/// Reads evidence piece by piece, because it may be larger than the memory.
pub(super) async fn feed(
    reading: &mut Reading,
    path: &Path,
    world: &mut World,
) -> Result<(), Stop> {
    let name = name_of(path);
    let refuse = |error: std::io::Error| Stop::Sentence(format!("{name}: cannot be read: {error}"));
    let mut bound = LineBound::default();
    if path == Path::new("-") {
        loop {
            let piece = world.stdin.fill_buf().await.map_err(refuse)?;
            if piece.is_empty() {
                return Ok(());
            }
            bound.check(piece).map_err(refuse)?;
            reading.bytes(piece);
            let length = piece.len();
            world.stdin.consume(length);
        }
    }
    let mut file = std::fs::File::open(path).map_err(refuse)?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece).map_err(refuse)?;
        match piece.get(..length) {
            None | Some([]) => return Ok(()),
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
