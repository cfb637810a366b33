//! Malicious servers, one after the other, against the real program: each run
//! ends in time and with little memory, and reports everything about the other
//! servers. Then many of them beside a healthy domain, in one run and in the
//! exporter. Not under the usual harness, because it prints its figures:
//!
//!     cargo test --test hostile [NAME...]
//!     cargo test --test hostile -- --program target/release/danecheck [NAME...]
//!
//! `--show` prints each report.
//!
//! An unoptimized program has to give the right results. A program that is
//! named also has to keep the time limit while attackers make it work.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets processes, clocks and files"
)]

#[allow(dead_code, reason = "the tests of `suite` use all of it")]
mod support;

#[path = "hostile/amplification.rs"]
mod amplification;
#[path = "hostile/cases.rs"]
mod cases;
#[path = "hostile/chains.rs"]
mod chains;
#[path = "hostile/der.rs"]
mod der;
#[path = "hostile/dnssec.rs"]
mod dnssec;
#[path = "hostile/ground.rs"]
mod ground;
#[path = "hostile/name_servers.rs"]
mod name_servers;
#[path = "hostile/neighbours.rs"]
mod neighbours;
#[path = "hostile/verdict.rs"]
mod verdict;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cases::{Case, cases};
use ground::{Ran, run};

/// `--timeout` of each run that is held to it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// `--timeout` where an unoptimized program has to work.
const UNMEASURED: Duration = Duration::from_secs(15);

/// The longest that a run may take, in parts of its `--timeout`.
const LONGEST: f64 = 1.2;

/// The most memory that a run may take, in KiB.
const LARGEST: u64 = 64 * 1024;

/// The most that sixty servers that hang may take, in parts of what one takes;
/// the rest above 1 is for the lookups.
const SIXTY: f64 = 1.25;

/// One that hangs, and sixty.
const HANGING: [&str; 2] = ["one-mx-host-hangs", "sixty-mx-hosts-hang"];

/// Runs at once that mostly wait, and that work.
const WAITING_AT_ONCE: usize = 12;
const WORKING_AT_ONCE: usize = 2;

/// What the command line asks for.
struct Wanted {
    names: Vec<String>,
    /// The program is one that is to be measured.
    measured: bool,
    /// Reports are printed whether they are right or not.
    shown: bool,
}

impl Wanted {
    fn read() -> Self {
        let mut wanted = Self {
            names: Vec::new(),
            measured: false,
            shown: false,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--program" {
                let program = PathBuf::from(arguments.next().unwrap());
                ground::attack(program.canonicalize().unwrap());
                wanted.measured = true;
            } else if argument == "--show" {
                wanted.shown = true;
            } else if !argument.starts_with('-') {
                wanted.names.push(argument);
            }
        }
        wanted
    }

    fn has(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|part| name.contains(part))
    }
}

/// Runs and what each did not keep, by name.
type Outcomes = BTreeMap<&'static str, (Ran, Vec<String>)>;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let wanted = Wanted::read();
    let chosen: Vec<Case> = cases()
        .into_iter()
        .filter(|case| wanted.has(case.name))
        .collect();
    // All of them where it counts; each takes a while.
    let crowds: Vec<neighbours::Crowd> = neighbours::CROWDS
        .into_iter()
        .filter(|crowd| wanted.has(crowd.name) && (wanted.measured || crowd.is_first()))
        .collect();
    // `cargo test NAME` is for other tests.
    let in_process = wanted.has(name_servers::NAME);
    if chosen.is_empty() && crowds.is_empty() && !in_process {
        println!("hostile servers: none is called {:?}", wanted.names);
        return ExitCode::SUCCESS;
    }
    let places = || chosen.iter().enumerate();
    let mut outcomes = Outcomes::new();
    for (works, at_once) in [(false, WAITING_AT_ONCE), (true, WORKING_AT_ONCE)] {
        let part: Vec<(usize, &Case)> = places()
            .filter(|(_, case)| case.costs_work == works)
            .collect();
        outcomes.extend(run_all(&part, at_once, &wanted));
    }
    // A machine that is busy is told from a program that is slow by a second
    // run with nothing beside it.
    let again: Vec<(usize, &Case)> = places()
        .filter(|(_, case)| {
            !outcomes[case.name].1.is_empty()
                || (HANGING.contains(&case.name) && hanging_cost(&outcomes) > SIXTY)
        })
        .collect();
    for (index, case) in again {
        print!("again, alone: ");
        outcomes.insert(case.name, run_one(case, index, &wanted));
    }
    let mut failed: usize = crowds
        .iter()
        .map(|crowd| match wanted.measured {
            true => neighbours::run(crowd, TIMEOUT, true),
            false => neighbours::run(crowd, UNMEASURED, false),
        })
        .sum();
    if in_process {
        failed += name_servers::run(TIMEOUT);
    }
    let whole = wanted.names.is_empty();
    let others = crowds.len() * 2 + usize::from(in_process);
    conclude(&outcomes, whole, others, failed)
}

/// Runs the cases, some at once, each with servers of its own threads: a
/// server that is busy holds up no other case.
fn run_all(chosen: &[(usize, &Case)], at_once: usize, wanted: &Wanted) -> Outcomes {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some((index, case)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = run_one(case, *index, wanted);
            outcomes.lock().unwrap().insert(case.name, outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
    });
    outcomes.into_inner().unwrap()
}

fn run_one(case: &Case, index: usize, wanted: &Wanted) -> (Ran, Vec<String>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let timeout = match case.costs_work && !wanted.measured {
        true => UNMEASURED,
        false => TIMEOUT,
    };
    let ran = runtime.block_on(run(case, index, timeout));
    let faults = faults(case, &ran, wanted.measured);
    println!(
        "{:41} {:5.2} of --timeout {:>8} {:>9}  {}",
        case.name,
        ratio(&ran),
        cpu(&ran),
        memory(&ran),
        if faults.is_empty() { "ok" } else { "FAILED" },
    );
    for fault in &faults {
        println!("    {fault}");
    }
    if wanted.shown {
        println!("{}{}", ran.lines.concat(), ran.stderr);
    }
    (ran, faults)
}

fn conclude(outcomes: &Outcomes, whole: bool, others: usize, mut failed: usize) -> ExitCode {
    failed += outcomes
        .values()
        .filter(|(_, faults)| !faults.is_empty())
        .count();
    let runs = || outcomes.iter().map(|(name, (ran, _))| (name, ran));
    if let Some((name, ran)) =
        runs().max_by(|(_, one), (_, other)| ratio(one).total_cmp(&ratio(other)))
    {
        let longest = ratio(ran);
        println!("longest run: {longest:.2} of --timeout (at most {LONGEST}), {name}");
    }
    if let Some((name, ran)) = runs().max_by_key(|(_, ran)| ran.cpu) {
        println!("most work: {}, {name}", cpu(ran));
    }
    match runs().max_by_key(|(_, ran)| ran.memory) {
        Some((name, ran)) if ran.memory.is_some() => println!(
            "largest memory: {} (below {} MiB), {name}",
            memory(ran),
            LARGEST / 1024
        ),
        _ => println!("largest memory: not measured, this system does not tell"),
    }
    if whole {
        let cost = hanging_cost(outcomes);
        println!("60 MX hosts that hang take {cost:.2} of the time of one");
        if cost > SIXTY {
            println!("    that is more than one takes");
            failed += 1;
        }
    }
    let all = outcomes.len() + others;
    println!("{} passed, {failed} failed", all - failed.min(all));
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What sixty hosts that hang cost, in parts of what one does.
fn hanging_cost(outcomes: &Outcomes) -> f64 {
    let [one, many] = HANGING.map(|name| outcomes.get(name).map(|(ran, _)| ran.time));
    many.zip(one)
        .map_or(f64::INFINITY, |(many, one)| many.div_duration_f64(one))
}

fn ratio(ran: &Ran) -> f64 {
    ran.time.div_duration_f64(ran.timeout)
}

fn cpu(ran: &Ran) -> String {
    ran.cpu.map_or("?".to_owned(), |time| {
        format!("{:.2} s", time.as_secs_f64())
    })
}

fn memory(ran: &Ran) -> String {
    ran.memory.map_or("?".to_owned(), |size| {
        format!("{:.1} MiB", size as f64 / 1024.0)
    })
}

/// What a run did not keep.
fn faults(case: &Case, ran: &Ran, measured: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let in_time = ratio(ran) <= LONGEST || (case.costs_work && !measured);
    for (holds, fault) in [
        (in_time, format!("it took {:?}", ran.time)),
        (
            ran.memory.is_none_or(|size| size < LARGEST),
            format!("it took {}", memory(ran)),
        ),
        (
            ran.status.is_some_and(|status| status <= 3),
            format!("it ended with {:?}: {}", ran.status, ran.stderr),
        ),
        (
            !ran.stderr.contains("panicked"),
            format!("it panicked: {}", ran.stderr),
        ),
    ] {
        if !holds {
            faults.push(fault);
        }
    }
    match ran.lines.first() {
        Some(line) => faults.extend(verdict::faults(case, line)),
        None => faults.push(format!("no report: {}", ran.stderr)),
    }
    faults
}
