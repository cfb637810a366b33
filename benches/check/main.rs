//! How long a check takes, how soon it begins and how much memory it needs,
//! with the limits that hold. See `benches/README.md`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, runs programs and prints"
)]

#[path = "../common/mod.rs"]
mod common;
mod measure;
mod questions;
mod surroundings;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use common::{Options, ROUND_TRIP, conclude, judge, median, range, ratio, runtime};
use danecheck_world::dns::ResolverKind;
use surroundings::{ONE, PLAIN, SIX, Surroundings};

/// So many processes are started for the startup time.
const STARTS: usize = 20;

/// DNS questions of one check of a domain with one MX host, both views
/// included.
const QUESTIONS: f64 = 24.0;

/// Questions of which each waits for the one before: MX, address, TLSA, and
/// one to spare for a machine that does other things.
const CHAIN: f64 = 4.0;

/// Round trips of a check, which no program can do without: two to connect and
/// be greeted, then `EHLO`, `STARTTLS`, the handshake and `EHLO` inside it.
const ROUND_TRIPS: u32 = 6;

/// What is asked of the program.
struct Limits {
    /// Milliseconds over the round trips of one MX host.
    over: f64,
    /// Six MX hosts against one.
    six: f64,
    /// One domain against `posttls-finger`.
    finger: f64,
    /// Milliseconds from the start to the first packet.
    first_packet: f64,
    /// MB of memory, at most, for an unsigned domain.
    memory: f64,
}

/// The limits that hold on a machine at rest.
const LIMITS: Limits = Limits {
    over: 10.0,
    six: 1.08,
    finger: 0.82,
    first_packet: 4.0,
    memory: 12.0,
};

/// What only a program gone wrong exceeds, whatever else the machine does.
const GROSS_LIMITS: Limits = Limits {
    over: 300.0,
    six: 1.25,
    finger: 1.25,
    first_packet: 100.0,
    memory: 13.0,
};

/// What is run, and how often.
struct Bench {
    options: Options,
    limits: Limits,
    rounds: usize,
}

fn main() -> ExitCode {
    conclude(run())
}

/// Whether every limit held.
fn run() -> Result<bool, Box<dyn Error>> {
    let mut rounds = 50;
    let options = Options::read(|argument, value| {
        if argument == "--rounds" {
            rounds = value()?.parse()?;
        }
        Ok(argument == "--rounds")
    })?;
    let bench = Bench {
        limits: options.choose(LIMITS, GROSS_LIMITS),
        options,
        rounds,
    };
    let runtime = runtime()?;
    let surroundings = runtime.block_on(Surroundings::start(bench.options.resolver))?;
    let held = [
        runtime.block_on(questions())?,
        checks(&bench, &surroundings)?,
        startup(&bench, &surroundings)?,
        memory(&bench, &surroundings)?,
    ];
    Ok(held.iter().all(|held| *held))
}

/// The DNS questions of a check, in both views.
async fn questions() -> Result<bool, Box<dyn Error>> {
    println!("a healthy signed domain with one MX host, questions to the resolver");
    let mut good = true;
    for (kind, who) in [
        (ResolverKind::Validating, "that validates"),
        (ResolverKind::NotValidating, "that does not"),
    ] {
        let asked = questions::count(kind).await?;
        let count = f64::from(u32::try_from(asked.count)?);
        good &= judge(&format!("questions, one {who}"), count, QUESTIONS, "");
        // A part of a round goes to what is not waiting.
        let rounds = asked.chain.floor();
        good &= judge(&format!("longest chain, one {who}"), rounds, CHAIN, "");
    }
    Ok(good)
}

/// Whole checks, in turn: what slows the machine down slows them all down.
fn checks(bench: &Bench, surroundings: &Surroundings) -> Result<bool, Box<dyn Error>> {
    let (one, six) = (surroundings.next_hop(ONE), surroundings.next_hop(SIX));
    let resolver = surroundings.resolver();
    let finger = |next_hop: &str| {
        let directory = bench.options.finger.as_deref();
        directory.map(|directory| measure::posttls_finger(next_hop, directory))
    };
    let (mut of_one, mut of_six, mut of_finger) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=bench.rounds {
        let took_one = measure::check(&bench.options.program, &one, resolver, "dane-ok")?;
        let took_six = measure::check(&bench.options.program, &six, resolver, "dane-ok")?;
        let took_finger = finger(&one).transpose()?;
        // The first round fills the caches of the resolver and the system.
        if round > 0 {
            of_one.push(milliseconds(took_one));
            of_six.push(milliseconds(took_six));
            of_finger.extend(took_finger.map(milliseconds));
        }
    }
    println!(
        "{} rounds, {} ms of round trip to the mail servers; medians, then the range",
        bench.rounds,
        ROUND_TRIP.as_millis()
    );
    println!("  danecheck, one MX host     {}", spread(&of_one));
    println!("  danecheck, six MX hosts    {}", spread(&of_six));
    let over = median(&of_one) - milliseconds(ROUND_TRIP * ROUND_TRIPS);
    let what = format!("over {ROUND_TRIPS} round trips");
    let mut good = judge(&what, over, bench.limits.over, " ms");
    good &= judge(
        "six MX hosts : one",
        ratio(&of_six, &of_one),
        bench.limits.six,
        "",
    );
    if bench.options.finger.is_some() {
        println!("  posttls-finger -l dane -c  {}", spread(&of_finger));
        good &= judge(
            "danecheck : posttls-finger",
            ratio(&of_one, &of_finger),
            bench.limits.finger,
            "",
        );
    } else {
        println!("  posttls-finger             not run: benches/run does");
    }
    Ok(good)
}

fn startup(bench: &Bench, surroundings: &Surroundings) -> Result<bool, Box<dyn Error>> {
    let next_hop = surroundings.next_hop(ONE);
    measure::first_packet(&bench.options.program, &next_hop)?;
    let took = (0..STARTS)
        .map(|_| measure::first_packet(&bench.options.program, &next_hop).map(milliseconds))
        .collect::<Result<Vec<_>, _>>()?;
    println!("{STARTS} starts");
    println!("  start to first packet      {}", spread(&took));
    let limit = bench.limits.first_packet;
    Ok(judge("start to first packet", median(&took), limit, " ms"))
}

fn memory(bench: &Bench, surroundings: &Surroundings) -> Result<bool, Box<dyn Error>> {
    let next_hop = surroundings.next_hop(PLAIN);
    let megabytes = measure::memory(&bench.options.program, &next_hop, surroundings.resolver())?;
    println!("an unsigned domain");
    Ok(judge("peak memory", megabytes, bench.limits.memory, " MB"))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn spread(values: &[f64]) -> String {
    let (least, most) = range(values);
    format!("{:6.1} ms  ({least:.1} to {most:.1})", median(values))
}
