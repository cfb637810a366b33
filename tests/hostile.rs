//! Servers that mean harm, one after the other, against the real program:
//! each run ends in time and in little memory, and says everything about the
//! rest. Not under the usual harness, for it prints its figures:
//!
//!     cargo test --test hostile [NAME...]

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets processes, clocks and files"
)]

mod support;

#[path = "hostile/cases.rs"]
mod cases;
#[path = "hostile/ground.rs"]
mod ground;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use cases::{Case, cases};
use ground::{Ran, run};

/// `--timeout` of each run.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest that a run may take, in parts of its `--timeout`.
const LONGEST: f64 = 1.2;

/// The most memory that a run may take, in KiB.
const LARGEST: u64 = 64 * 1024;

/// The most that sixty servers that hang may take, in parts of what one takes;
/// the rest above 1 is for the lookups.
const SIXTY: f64 = 1.25;

/// One that hangs, and sixty.
const HANGING: [&str; 2] = ["one-mx-host-hangs", "sixty-mx-hosts-hang"];

/// Runs at once: they mostly wait.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<Case> = cases()
        .into_iter()
        .filter(|case| wanted.is_empty() || wanted.iter().any(|part| case.name.contains(part)))
        .collect();
    // `cargo test NAME` is for other tests.
    if chosen.is_empty() {
        println!("hostile servers: none is called {wanted:?}");
        return ExitCode::SUCCESS;
    }
    let mut outcomes = run_all(&chosen);
    // A machine that is busy is told from a program that is slow by a second
    // run with nothing beside it.
    let again: Vec<usize> = (0..chosen.len())
        .filter(|index| {
            let name = chosen[*index].name;
            !outcomes[name].1.is_empty()
                || (HANGING.contains(&name) && hanging_cost(&outcomes) > SIXTY)
        })
        .collect();
    for index in again {
        print!("again, alone: ");
        outcomes.insert(chosen[index].name, run_one(&chosen[index], index));
    }
    conclude(&outcomes, wanted.is_empty())
}

/// Runs the cases, some at once, each with servers of its own threads: a
/// server that is busy holds up no other case.
fn run_all(chosen: &[Case]) -> BTreeMap<&str, (Ran, Vec<String>)> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    let work = || {
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(case) = chosen.get(index)
        {
            let outcome = run_one(case, index);
            outcomes.lock().unwrap().insert(case.name, outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    outcomes.into_inner().unwrap()
}

fn run_one(case: &Case, index: usize) -> (Ran, Vec<String>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ran = runtime.block_on(run(case, index, TIMEOUT));
    let faults = faults(case, &ran);
    println!(
        "{:33} {:5.2} of --timeout {:>9}  {}",
        case.name,
        ratio(&ran),
        memory(&ran),
        if faults.is_empty() { "ok" } else { "FAILED" },
    );
    for fault in &faults {
        println!("    {fault}");
    }
    (ran, faults)
}

fn conclude(outcomes: &BTreeMap<&str, (Ran, Vec<String>)>, all: bool) -> ExitCode {
    let mut failed = outcomes
        .values()
        .filter(|(_, faults)| !faults.is_empty())
        .count();
    let runs = || outcomes.values().map(|(ran, _)| ran);
    let longest = runs().map(ratio).fold(0.0, f64::max);
    println!("longest run: {longest:.2} of --timeout (at most {LONGEST})");
    match runs().filter_map(|ran| ran.memory).max() {
        Some(largest) => println!(
            "largest memory: {:.1} MiB (below {} MiB)",
            largest as f64 / 1024.0,
            LARGEST / 1024
        ),
        None => println!("largest memory: not measured, this system does not tell"),
    }
    if all {
        let cost = hanging_cost(outcomes);
        println!("60 MX hosts that hang take {cost:.2} of the time of one");
        if cost > SIXTY {
            println!("    that is more than one takes");
            failed += 1;
        }
    }
    println!(
        "{} passed, {failed} failed",
        outcomes.len() - failed.min(outcomes.len())
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What sixty hosts that hang cost, in parts of what one does.
fn hanging_cost(outcomes: &BTreeMap<&str, (Ran, Vec<String>)>) -> f64 {
    let [one, many] = HANGING.map(|name| outcomes.get(name).map(|(ran, _)| ran.time));
    many.zip(one)
        .map_or(f64::INFINITY, |(many, one)| many.div_duration_f64(one))
}

fn ratio(ran: &Ran) -> f64 {
    ran.time.as_secs_f64() / TIMEOUT.as_secs_f64()
}

fn memory(ran: &Ran) -> String {
    ran.memory.map_or("?".to_owned(), |size| {
        format!("{:.1} MiB", size as f64 / 1024.0)
    })
}

/// What a run did not keep.
fn faults(case: &Case, ran: &Ran) -> Vec<String> {
    let mut faults = Vec::new();
    let mut require = |holds: bool, fault: String| {
        if !holds {
            faults.push(fault);
        }
    };
    require(ratio(ran) <= LONGEST, format!("it took {:?}", ran.time));
    require(
        ran.memory.is_none_or(|size| size < LARGEST),
        format!("it took {}", memory(ran)),
    );
    require(
        ran.status.is_some_and(|status| status <= 3),
        format!("it ended with {:?}: {}", ran.status, ran.stderr),
    );
    let report: Value = match serde_json::from_str(&ran.line) {
        Ok(report) => report,
        Err(error) => {
            faults.push(format!("no report: {error}: {:?} {}", ran.line, ran.stderr));
            return faults;
        }
    };
    let schema = danecheck::report::schema();
    if let Err(error) = jsonschema::validate(&schema, &report) {
        require(false, format!("the report breaks the schema: {error}"));
    }
    if let Some(text) = harmful(&report) {
        require(false, format!("a text that can do harm: {text:?}"));
    }
    if case.has_rest {
        require(rest_is_told(&report), "the rest is not reported".to_owned());
    }
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    for id in case.findings {
        let raised = findings.iter().any(|finding| finding["id"] == *id);
        require(raised, format!("{id} is not among the findings"));
    }
    if !case.says.is_empty() {
        let told = ran.line.contains(case.says);
        require(told, format!("nowhere does it say {:?}", case.says));
    }
    if !faults.is_empty() {
        faults.push(ran.line.chars().take(3000).collect());
    }
    faults
}

/// Whether the healthy MX host was looked at to the end, and vouched for.
fn rest_is_told(report: &Value) -> bool {
    let hosts = report["hosts"].as_array().cloned().unwrap_or_default();
    hosts.iter().any(|host| {
        let address = &host["addresses"][0];
        host["name"] == "good.example.test"
            && address["dane"] == "authenticated"
            && address["sessions"][0]["end"] == "completed"
    })
}

/// A text in the report that steers a terminal, or has no end.
fn harmful(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let characters: Vec<char> = text.chars().collect();
            let clean = characters.chunks(100).all(|piece| {
                let piece: String = piece.iter().collect();
                danecheck::report::printable(&piece) == piece
            });
            (!clean || text.len() > 20_000).then(|| characters.iter().take(200).collect())
        }
        Value::Array(values) => values.iter().find_map(harmful),
        Value::Object(fields) => fields.values().find_map(harmful),
        _ => None,
    }
}
