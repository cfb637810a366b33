//! `danecheck compare A B`: two saved looks, side by side.

use std::path::{Path, PathBuf};

use clap::Args;

use danecheck_core::observation::Observation;
use danecheck_core::report::{ExitStatus, LookReport, SideBySideReport, to_json, worst};

use super::environment::Environment;
use super::replayed::Replayed;
use super::stop::Stop;

/// The most observations in one file: both files are held in memory.
const MOST: usize = 1000;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 all is the same, 1 what differs is explained, 2 something differs \
                  that a person in between could have changed, 3 it could not be compared, or \
                  wrong usage."
)]
pub(super) struct CompareArguments {
    /// What --save wrote in one place, or at one time
    #[arg(value_name = "A")]
    a: PathBuf,

    /// What --save wrote in another
    #[arg(value_name = "B")]
    b: PathBuf,

    /// One JSON object for each target, one on each line
    #[arg(long)]
    json: bool,
}

pub(super) fn compare(
    arguments: &CompareArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let (first, a_whole) = looks(&arguments.a, environment)?;
    let (second, b_whole) = looks(&arguments.b, environment)?;
    let names = [&arguments.a, &arguments.b].map(|path| path.display().to_string());
    let [a_name, b_name] = names.each_ref().map(String::as_str);
    let mut status = match a_whole && b_whole {
        true => ExitStatus::Fine,
        false => ExitStatus::Unknown,
    };
    let mut printed = false;
    let mut print = |report: &SideBySideReport, environment: &mut Environment| {
        status = worst(status, report.exit_status());
        let text = if arguments.json {
            to_json(report) + "\n"
        } else if printed {
            format!("\n{}", report.human(environment.width))
        } else {
            report.human(environment.width)
        };
        printed = true;
        environment.print(&text)
    };
    for one in &first {
        // If a file has several looks at one target, the last one counts.
        let other = second.iter().rfind(|it| it.next_hop == one.next_hop);
        let is_last = first.iter().rfind(|it| it.next_hop == one.next_hop);
        if !is_last.is_some_and(|last| std::ptr::eq(last, one)) {
            continue;
        }
        let report = match other {
            Some(other) => SideBySideReport::of((a_name, one), (b_name, other)),
            None => alone(one, (a_name, b_name), b_name),
        };
        print(&report, environment)?;
    }
    for other in &second {
        if first.iter().all(|it| it.next_hop != other.next_hop) {
            print(&alone(other, (a_name, b_name), a_name), environment)?;
        }
    }
    Ok(status)
}

/// The report on a target that one of the files does not have.
fn alone(look: &Observation, names: (&str, &str), missing: &str) -> SideBySideReport {
    let why = format!("{missing} contains no look at this target.");
    let target = look.next_hop.to_string();
    let [first, second] = [names.0, names.1].map(|name| LookReport::of(name, look));
    SideBySideReport::impossible(&target, first, second, &why)
}

/// The observations of a file, and whether all of it could be read.
fn looks(path: &Path, environment: &mut Environment) -> Result<(Vec<Observation>, bool), Stop> {
    let mut replayed = Replayed::open(path)?;
    let mut looks = Vec::new();
    while let Some(look) = replayed.next(environment) {
        looks.push(look);
        if looks.len() > MOST {
            return Err(Stop::Sentence(format!(
                "{}: contains more than {MOST} observations: compare fewer at a time",
                path.display()
            )));
        }
    }
    let whole = replayed.is_whole(environment)?;
    Ok((looks, whole))
}
