//! Whole processes, from the call to the end of them.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::peak_memory;

/// What a process may take before it counts as stuck.
const STUCK: Duration = Duration::from_secs(10);

fn danecheck(program: &Path, resolver: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command.args(["--json", "--allow-private"]);
    command.args(["--resolver", &resolver.to_string()]);
    command
}

/// How long a check takes; one that does not end in this verdict was none.
pub(crate) fn check(
    program: &Path,
    next_hop: &str,
    resolver: SocketAddr,
    verdict: &str,
) -> Result<Duration, Box<dyn Error>> {
    let mut command = danecheck(program, resolver);
    command.arg(next_hop);
    timed(&mut command, &format!("\"verdict\":\"{verdict}\""))
}

/// How long `posttls-finger` takes for one domain, with an empty `main.cf` in
/// this directory. It asks the resolver of resolv.conf.
pub(crate) fn posttls_finger(
    next_hop: &str,
    configuration: &Path,
) -> Result<Duration, Box<dyn Error>> {
    let mut command = Command::new("posttls-finger");
    command
        .env("MAIL_CONFIG", configuration)
        .args(["-c", "-l", "dane", next_hop]);
    timed(&mut command, "Verified TLS connection established")
}

fn timed(command: &mut Command, expected: &str) -> Result<Duration, Box<dyn Error>> {
    command.stdin(Stdio::null());
    let begin = Instant::now();
    let output = command.output()?;
    let took = begin.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || ![&said, &complained].iter().any(|it| it.contains(expected)) {
        return Err(format!("{command:?} did not say {expected}:\n{said}{complained}").into());
    }
    Ok(took)
}

/// How long the program takes until its first packet is in the network: the
/// first datagram at a resolver that never answers.
pub(crate) fn first_packet(program: &Path, next_hop: &str) -> Result<Duration, Box<dyn Error>> {
    let resolver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    resolver.set_read_timeout(Some(STUCK))?;
    let mut command = danecheck(program, resolver.local_addr()?);
    command.arg(next_hop).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let came = resolver.recv_from(&mut [0; 512]);
    let took = begin.elapsed();
    child.kill()?;
    child.wait()?;
    came?;
    Ok(took)
}

/// The most memory that the program had resident over one whole check, in
/// MB. The target comes by standard input, which stays open: so the program
/// is still there to be looked at when its report is out.
pub(crate) fn memory(
    program: &Path,
    next_hop: &str,
    resolver: SocketAddr,
) -> Result<f64, Box<dyn Error>> {
    let mut command = danecheck(program, resolver);
    command.args(["--timeout", "10", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
        return Err("no pipes".into());
    };
    writeln!(stdin, "{next_hop}")?;
    let mut report = String::new();
    BufReader::new(stdout).read_line(&mut report)?;
    let peak = peak_memory(&child)?;
    drop(stdin);
    child.wait()?;
    if !report.contains("\"verdict\":\"no-dane\"") {
        return Err(format!("not the report of an unsigned domain: {report}").into());
    }
    Ok(peak)
}
