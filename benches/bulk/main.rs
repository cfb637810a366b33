//! Many domains in one run: processor time beside `posttls-finger`, the wall
//! time beside what the machine allows, memory, and what is shared. See
//! `docs/bulk.md`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, runs programs and prints"
)]

#[path = "../common/mod.rs"]
mod common;
mod front;
mod ground;
mod least;
mod program;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use common::{Options, ROUND_TRIP, conclude, judge, median, pass, range, ratio, runtime};
use ground::Ground;
use program::Took;

/// Targets at once where many share their hosts.
const JOBS: usize = 128;

/// Few targets at once, for the comparison with `posttls-finger`; it is made for
/// the default too.
const FEW_JOBS: usize = 32;

/// Round trips of a session: two to connect and be greeted, then `EHLO`,
/// `STARTTLS`, the handshake of TLS 1.3 and `EHLO` inside it.
const ROUND_TRIPS: f64 = 6.0;

/// Connections to each address: one ClientHello without a server name, one
/// with it.
const SHAPES: usize = 2;

/// Domains with a host each, for the comparison with `posttls-finger`.
const LONERS: usize = 300;

/// Rounds of this comparison: on a virtual machine, the processor time of one
/// program differs by a fifth from one moment to the next.
const ROUNDS: usize = 15;

struct Limits {
    /// Processor time a domain, in parts of that of `posttls-finger`.
    finger: f64,
    /// Wall time, in parts of what is possible.
    wall: f64,
    /// MB.
    memory: f64,
    /// Processor time a domain of many, in parts of that of a tenth of them;
    /// and of many on few hosts, in parts of that of many on many.
    growth: f64,
}

const LIMITS: Limits = Limits {
    finger: 1.0 / 6.0,
    wall: 1.15,
    memory: 100.0,
    growth: 1.25,
};

/// What only a program gone wrong exceeds, whatever else the machine does.
const GROSS_LIMITS: Limits = Limits {
    finger: 0.3,
    wall: 3.0,
    memory: 100.0,
    growth: 1.6,
};

/// What is run, and how much of it.
struct Bench {
    options: Options,
    limits: Limits,
    /// The table is left out, and loners are fewer.
    quick: bool,
    domains: usize,
    /// Serve so many domains on so many hosts, and run nothing.
    serve: Option<(usize, usize)>,
}

impl Bench {
    fn read() -> Result<Self, Box<dyn Error>> {
        let (mut quick, mut domains, mut serve) = (false, 10_000, None);
        let options = Options::read(|argument, value| {
            match argument {
                "--quick" => quick = true,
                "--domains" => domains = value()?.parse()?,
                "--serve" => serve = Some((value()?.parse()?, value()?.parse()?)),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            limits: options.choose(LIMITS, GROSS_LIMITS),
            options,
            quick,
            domains,
            serve,
        })
    }
}

fn main() -> ExitCode {
    conclude(run())
}

/// Whether every limit held.
fn run() -> Result<bool, Box<dyn Error>> {
    let bench = Bench::read()?;
    let start = |domains, hosts| -> Result<(tokio::runtime::Runtime, Ground), Box<dyn Error>> {
        let runtime = runtime()?;
        let ground = runtime.block_on(Ground::start(domains, hosts, bench.options.resolver))?;
        Ok((runtime, ground))
    };
    if let Some((domains, hosts)) = bench.serve {
        let (_runtime, ground) = start(domains, hosts)?;
        println!("{}", ground.options().join(" "));
        ground.targets().iter().for_each(|it| println!("{it}"));
        std::io::stdin().read_line(&mut String::new())?;
        return Ok(true);
    }
    let mut good = true;
    {
        let count = if bench.quick { LONERS / 3 } else { LONERS };
        let (_runtime, ground) = start(count, count)?;
        good &= loners(&bench, &ground)?;
    }
    let many = bench.domains;
    let mut table = vec![head()];
    let mut small = None;
    if !bench.quick {
        for domains in [many / 100, many / 10] {
            let (_runtime, ground) = start(domains, domains / 20)?;
            let took = measure(&bench, &ground, Some(JOBS))?;
            table.push(row(&ground, &took));
            small = Some(took.processor / number(domains));
        }
    }
    let each = {
        let (_runtime, ground) = start(many, many / 20)?;
        let took = measure(&bench, &ground, Some(JOBS))?;
        table.push(row(&ground, &took));
        good &= many_on_hosts(&bench, &ground, &took);
        let each = took.processor / number(many);
        if let Some(small) = small {
            let what = format!("processor time a domain, of {many} : of {}", many / 10);
            good &= judge(&what, each / small, bench.limits.growth, "");
        }
        println!("{many} domains, interrupted, killed and resumed");
        let output = std::env::temp_dir().join(format!("danecheck-bulk-{}", std::process::id()));
        let targets = ground.targets();
        let way = ground.options();
        let whole = program::break_off(&bench.options.program, &way, JOBS, &targets, &output);
        std::fs::remove_file(&output)?;
        good &= pass(whole?, "each has exactly one report");
        each
    };
    if !bench.quick {
        let (_runtime, ground) = start(many, many / 2000)?;
        let took = measure(&bench, &ground, Some(JOBS))?;
        table.push(row(&ground, &took));
        let few = took.processor / number(many);
        let what = "processor time a domain, 2000 on a host : 20";
        good &= judge(what, few / each, bench.limits.growth, "");
        good &= judge(
            "peak memory, 2000 on a host",
            took.memory,
            bench.limits.memory,
            " MB",
        );
    }
    println!();
    table.iter().for_each(|line| println!("{line}"));
    Ok(good)
}

/// Domains with a host and a key each: nothing is shared but the root and the
/// top-level zones.
fn loners(bench: &Bench, ground: &Ground) -> Result<bool, Box<dyn Error>> {
    println!(
        "{} domains, each with a host and a key of its own",
        ground.domains
    );
    let each = |seconds: f64| seconds / number(ground.domains) * 1e3;
    let (mut few, mut default, mut of_finger) = (Vec::new(), Vec::new(), Vec::new());
    let mut in_kernel = Vec::new();
    for _ in 0..if bench.quick { 1 } else { ROUNDS } {
        few.push(each(measure(bench, ground, Some(FEW_JOBS))?.processor));
        let took = measure(bench, ground, None)?;
        default.push(each(took.processor));
        in_kernel.push(each(took.kernel));
        if let Some(directory) = &bench.options.finger {
            let finger = program::posttls_finger(&ground.targets(), Path::new(directory))?;
            of_finger.push(each(finger));
        }
    }
    let spread = |values: &[f64]| {
        let (least, most) = range(values);
        format!("{:6.2} ms  ({least:.2} to {most:.2})", median(values))
    };
    println!(
        "  processor time a domain, rounds: {}; medians, then the range",
        few.len()
    );
    println!("  danecheck, --jobs 32       {}", spread(&few));
    println!("  danecheck, default jobs    {}", spread(&default));
    println!("    of these in the kernel   {}", spread(&in_kernel));
    println!(
        "    {} signatures and {} key agreements take {:.2} ms by themselves, with ring",
        least::SIGNATURES,
        least::AGREEMENTS,
        least::milliseconds()?
    );
    if of_finger.is_empty() {
        println!("  posttls-finger             not run: benches/run does");
        return Ok(true);
    }
    println!("  posttls-finger -l dane -c  {}", spread(&of_finger));
    let limit = bench.limits.finger;
    let good = judge(
        "--jobs 32 : posttls-finger",
        ratio(&few, &of_finger),
        limit,
        "",
    );
    let usual = ratio(&default, &of_finger);
    Ok(good & judge("default jobs : posttls-finger", usual, limit, ""))
}

/// A run with so many jobs, or with as many as the program chooses.
fn measure(bench: &Bench, ground: &Ground, jobs: Option<usize>) -> Result<Took, Box<dyn Error>> {
    program::run(
        &bench.options.program,
        &ground.options(),
        jobs,
        ground.targets(),
    )
}

/// Many domains on the hosts of few.
fn many_on_hosts(bench: &Bench, ground: &Ground, took: &Took) -> bool {
    let (domains, hosts) = (ground.domains, ground.hosts());
    println!("{domains} domains on {hosts} hosts, --jobs {JOBS}");
    let (most, fewest) = ground.connections();
    let mut good = pass(
        (most, fewest) == (SHAPES, SHAPES),
        &format!(
            "connections to each address, at least {fewest}, at most {most}: one for each \
             ClientHello"
        ),
    );
    // The first targets meet all hosts, so many at once as there are jobs; each
    // waits for its session. The rest is work for the processors, and the
    // servers are on the same ones.
    let session = ROUND_TRIPS * ROUND_TRIP.as_secs_f64();
    let rounds = (number(hosts) / number(JOBS)).max(1.0);
    let waiting = session * rounds;
    let cores = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(2);
    let rest = 1.0 - number(hosts) / number(domains);
    let working = (took.processor + took.servers + took.others) * rest / number(cores);
    let possible = waiting + working;
    println!(
        "  the limit: {rounds:.1} x {:.0} ms to meet the hosts, and {:.0} % of {:.2} s of danecheck, \
         {:.2} s of the servers and {:.2} s of others on {cores} processors: {possible:.2} s",
        session * 1e3,
        rest * 100.0,
        took.processor,
        took.servers,
        took.others,
    );
    let wall = took.wall.as_secs_f64();
    println!(
        "  wall time {wall:.2} s, {:.0} domains a second",
        number(domains) / wall
    );
    good &= judge(
        "wall time : the limit",
        wall / possible,
        bench.limits.wall,
        "",
    );
    good & judge("peak memory", took.memory, bench.limits.memory, " MB")
}

fn head() -> String {
    "| domains | hosts | connections | wall, s | processor, s | ms a domain | peak MB |\n\
     | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        .to_owned()
}

fn row(ground: &Ground, took: &Took) -> String {
    let (domains, hosts) = (ground.domains, ground.hosts());
    let (most, _) = ground.connections();
    format!(
        "| {domains} | {hosts} | {} | {:.2} | {:.2} | {:.2} | {:.0} |",
        most * hosts,
        took.wall.as_secs_f64(),
        took.processor,
        took.processor / number(domains) * 1e3,
        took.memory
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "these are counts of what there is here"
)]
fn number(count: usize) -> f64 {
    count as f64
}
