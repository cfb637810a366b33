//! Whole processes: how long they take, how much processor time and memory.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::peak_memory;

/// Clock ticks a second in /proc, which is part of its interface.
const TICKS: f64 = 100.0;

/// What a run took.
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// Seconds of processor time, user and system.
    pub(crate) processor: f64,
    /// The part of them that the kernel took.
    pub(crate) kernel: f64,
    /// The same of this process, which is all servers, in the meantime.
    pub(crate) servers: f64,
    /// The same of all else that this machine did.
    pub(crate) others: f64,
    /// The most memory, in MB.
    pub(crate) memory: f64,
}

/// Seconds of processor time up to now.
struct ProcessorTime {
    own: f64,
    /// Of the children that ended.
    children: f64,
    /// What the kernel did for these.
    children_in_kernel: f64,
}

impl ProcessorTime {
    fn now() -> Result<Self, Box<dyn Error>> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // The name of the program may hold spaces.
        let (_, rest) = stat.rsplit_once(')').ok_or("no /proc/self/stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |number: usize| -> Result<f64, Box<dyn Error>> {
            let text = fields.get(number - 3).ok_or("a short /proc/self/stat")?;
            Ok(text.parse::<f64>()? / TICKS)
        };
        Ok(Self {
            own: field(14)? + field(15)?,
            children: field(16)? + field(17)?,
            children_in_kernel: field(17)?,
        })
    }
}

/// Seconds in which the processors of this machine were at work.
fn busy_time() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().ok_or("an empty /proc/stat")?;
    let fields: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    // user, nice, system, idle, waiting for the disk, interrupts, stolen.
    let idle = fields.iter().skip(3).take(2).sum::<f64>();
    Ok((fields.iter().take(8).sum::<f64>() - idle) / TICKS)
}

fn danecheck(program: &Path, options: &[String], jobs: Option<usize>) -> Command {
    let mut command = Command::new(program);
    command.arg("--json");
    if let Some(jobs) = jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    command.args(options);
    command.stdin(Stdio::piped());
    command
}

fn feed(child: &mut Child, targets: Vec<String>) -> Result<Feeder, Box<dyn Error>> {
    let mut stdin = child.stdin.take().ok_or("no pipe")?;
    let feeder = std::thread::spawn(move || {
        for target in targets {
            // A program that was killed reads no more.
            if writeln!(stdin, "{target}").is_err() {
                break;
            }
        }
        stdin
    });
    Ok(feeder)
}

/// Gives the program its input, which stays open.
type Feeder = std::thread::JoinHandle<std::process::ChildStdin>;

/// One run over these targets, each of which has to be in order; with so many
/// at once, or with as many as the program chooses.
pub(crate) fn run(
    program: &Path,
    options: &[String],
    jobs: Option<usize>,
    targets: Vec<String>,
) -> Result<Took, Box<dyn Error>> {
    let before = ProcessorTime::now()?;
    let busy = busy_time()?;
    let expected = targets.len();
    let begin = Instant::now();
    let mut command = danecheck(program, options, jobs);
    let mut child = command.arg("-").stdout(Stdio::piped()).spawn()?;
    let feeder = feed(&mut child, targets)?;
    let mut reader = BufReader::new(child.stdout.take().ok_or("no pipe")?);
    let mut line = Vec::new();
    for number in 0..expected {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        let verdict = br#""verdict":"dane-ok""#;
        if !line.windows(verdict.len()).any(|part| part == verdict) {
            let line = String::from_utf8_lossy(&line);
            return Err(format!("report {number} of {expected} is not dane-ok: {line}").into());
        }
    }
    let wall = begin.elapsed();
    let busy = busy_time()? - busy;
    // It waits for more input, and can be looked at.
    let memory = peak_memory(&child)?;
    drop(feeder.join());
    child.wait()?;
    let after = ProcessorTime::now()?;
    let processor = after.children - before.children;
    let servers = after.own - before.own;
    Ok(Took {
        wall,
        processor,
        kernel: after.children_in_kernel - before.children_in_kernel,
        servers,
        others: (busy - processor - servers).max(0.0),
        memory,
    })
}

/// The processor time of `posttls-finger` for these next hops, some at once.
pub(crate) fn posttls_finger(
    targets: &[String],
    configuration: &Path,
) -> Result<f64, Box<dyn Error>> {
    let before = ProcessorTime::now()?;
    let finger = |target: &String| -> Result<(), String> {
        let mut command = Command::new("posttls-finger");
        command
            .env("MAIL_CONFIG", configuration)
            .args(["-c", "-l", "dane", target]);
        let output = command.output().map_err(|error| error.to_string())?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        match said.contains("Verified TLS connection established") {
            true => Ok(()),
            false => Err(format!("{target} is not verified:\n{said}")),
        }
    };
    std::thread::scope(|scope| {
        let parts = targets.chunks(targets.len().div_ceil(8).max(1));
        let threads: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().try_for_each(finger)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|it| it.join().unwrap_or(Err("a thread died".to_owned())))
    })?;
    Ok(ProcessorTime::now()?.children - before.children)
}

/// A run that is interrupted, goes on, is killed and goes on again; whether
/// each target has one report in the end.
pub(crate) fn break_off(
    program: &Path,
    options: &[String],
    jobs: usize,
    targets: &[String],
    output: &Path,
) -> Result<bool, Box<dyn Error>> {
    let _ = File::create(output)?;
    for (part, signal) in [
        (0.3, Some(Signal::INT)),
        (0.6, Some(Signal::KILL)),
        (1.0, None),
    ] {
        let file = OpenOptions::new().append(true).open(output)?;
        let mut command = danecheck(program, options, Some(jobs));
        command.arg("--resume").arg(output).arg("-");
        let mut child = command.stdout(file).stderr(Stdio::piped()).spawn()?;
        let feeder = feed(&mut child, targets.to_vec())?;
        if let Some(signal) = signal {
            #[expect(clippy::cast_precision_loss, reason = "it is about a part")]
            let wanted = part * targets.len() as f64;
            #[expect(clippy::cast_precision_loss, reason = "it is about a part")]
            while (count(output)?.values().sum::<usize>() as f64) < wanted {
                std::thread::sleep(Duration::from_millis(50));
            }
            kill_process(Pid::from_child(&child), signal)?;
        }
        drop(feeder.join());
        let ended = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let reports = count(output)?.values().sum::<usize>();
        println!("  {signal:?}: {}, {reports} reports", ended.status);
        said.lines().for_each(|line| println!("    {line}"));
    }
    let counts = count(output)?;
    let each = |target| counts.get(target) == Some(&1);
    Ok(counts.len() == targets.len() && targets.iter().all(each))
}

/// How many reports each target has; half a line counts for none.
fn count(output: &Path) -> Result<HashMap<String, usize>, Box<dyn Error>> {
    let text = std::fs::read_to_string(output)?;
    let mut counts = HashMap::new();
    for line in text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        let rest = line
            .split_once(r#""target":""#)
            .ok_or("a line without target")?;
        let target = rest.1.split('"').next().unwrap_or_default();
        *counts.entry(target.to_owned()).or_default() += 1;
    }
    Ok(counts)
}
