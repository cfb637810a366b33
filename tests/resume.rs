//! A run that ends before its time, by a signal or a kill, and goes on later:
//! each line of the input has exactly one report in the end.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets processes, files and sockets"
)]

mod support;

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use danecheck::world::dns::{DnsWorld, RunningDns, Zone};
use danecheck::world::pki::{Authority, Leaf};
use danecheck::world::smtp::{MailServer, RunningMailServer};
use rustix::process::{Pid, Signal, kill_process};

use support::now;
use support::program::targets;

const DOMAINS: usize = 300;

/// Domains that share one host, on the ports of this machine.
struct Ground {
    dns: RunningDns,
    server: RunningMailServer,
}

impl Ground {
    async fn new() -> Self {
        let identity = Authority::root("Test Root", now()).issue(Leaf::new(["mx.hosts.test"]));
        let server = MailServer::new(identity.clone()).start().await.unwrap();
        let port = server.addr().port();
        let hosts = Zone::signed("hosts.test.")
            .a("mx", Ipv4Addr::LOCALHOST)
            .tlsa(&format!("_{port}._tcp.mx"), &identity.tlsa(3, 1, 1));
        let domains = (0..DOMAINS).fold(Zone::signed("example."), |zone, number| {
            zone.mx(&format!("d{number}"), 10, "mx.hosts.test.")
        });
        let world = DnsWorld::new(now()).zone(hosts).zone(domains);
        Self {
            dns: world.start().await.unwrap(),
            server,
        }
    }

    /// All targets, one of them twice, one that is none.
    fn targets(&self) -> Vec<String> {
        let port = self.server.addr().port();
        let mut all: Vec<String> = (0..DOMAINS)
            .map(|number| format!("d{number}.example:{port}"))
            .collect();
        all.push(all[3].clone());
        all.push("not a domain".to_owned());
        all
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_danecheck"));
        command.args(["--json", "--allow-private", "--resolver"]);
        command.arg(self.dns.addr().to_string());
        command.args(arguments).arg("-");
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A run that has reported at least `count` targets, and has not been
    /// given all of them.
    fn run_up_to(&self, count: usize, given: usize, output: &Path) -> Child {
        let file = File::create(output).unwrap();
        let mut child = self.command(&[]).stdout(file).spawn().unwrap();
        give(&child, &self.targets()[..given]);
        while lines(output) < count {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        child
    }

    /// Goes on with that, at the end of the same file.
    fn resume(&self, output: &Path) -> (ExitStatus, String) {
        let file = OpenOptions::new().append(true).open(output).unwrap();
        let resume = ["--resume", output.to_str().unwrap()];
        let child = self.command(&resume).stdout(file).spawn().unwrap();
        let targets = self.targets();
        give(&child, &targets);
        end(child)
    }
}

fn give(child: &Child, targets: &[String]) {
    let mut stdin = child.stdin.as_ref().unwrap();
    for target in targets {
        writeln!(stdin, "{target}").unwrap();
    }
}

/// Waits for a child whose input is closed now.
fn end(mut child: Child) -> (ExitStatus, String) {
    drop(child.stdin.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (child.wait().unwrap(), said)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn lines(path: &Path) -> usize {
    let text = std::fs::read(path).unwrap();
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("resume-{name}.jsonl"))
}

fn reported(path: &Path) -> Vec<String> {
    targets(&std::fs::read_to_string(path).unwrap())
}

fn assert_each_has_one(ground: &Ground, output: &Path) {
    let mut expected = ground.targets();
    expected.sort();
    assert_eq!(reported(output), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_goes_on() {
    let ground = Ground::new().await;
    let output = file("killed");
    let mut child = ground.run_up_to(100, 200, &output);
    child.kill().unwrap();
    child.wait().unwrap();
    // As where the kill comes in the middle of a line.
    let before = std::fs::read_to_string(&output).unwrap();
    let half = before.lines().next().unwrap().split_at(300).0;
    let mut file = OpenOptions::new().append(true).open(&output).unwrap();
    file.write_all(half.as_bytes()).unwrap();
    let (status, said) = ground.resume(&output);
    // One target is none.
    assert_eq!((status.code(), said.as_str()), (Some(3), ""));
    assert_each_has_one(&ground, &output);
    let after = std::fs::read_to_string(&output).unwrap();
    assert!(after.starts_with(&before));
    // Nothing is left to be done.
    let (status, said) = ground.resume(&output);
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    assert_each_has_one(&ground, &output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_interrupted_says_so_and_goes_on() {
    for (number, name) in [(Signal::INT, "int"), (Signal::TERM, "term")] {
        let ground = Ground::new().await;
        let output = file(name);
        let child = ground.run_up_to(100, DOMAINS, &output);
        signal(&child, number);
        let (status, said) = end(child);
        assert_eq!(status.code(), Some(3), "{said}");
        let done = reported(&output).len();
        let first = format!("danecheck: interrupted: {done} targets have their report, ");
        assert!(said.starts_with(&first), "{said}");
        let numbers: usize = said
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|number| number.parse::<usize>().ok())
            .take(3)
            .sum();
        assert_eq!(numbers, DOMAINS, "{said}");
        assert!(said.contains("--resume FILE"), "{said}");
        ground.resume(&output);
        assert_each_has_one(&ground, &output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let ground = Ground::new().await;
    // Nobody reads what it writes, so it cannot come to an end.
    let mut command = ground.command(&[]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = std::thread::spawn(move || while writeln!(stdin, "not a domain").is_ok() {});
    let stdout = child.stdout.take().unwrap();
    let waiting = || rustix::io::ioctl_fionread(&stdout).unwrap();
    let (mut last, mut same) = (0, 0);
    while same < 20_000 {
        let now = waiting();
        // A pipe is full somewhere between 20 and 64 KiB.
        same = if now > 20_000 && now == last {
            same + 1
        } else {
            0
        };
        last = now;
        std::thread::yield_now();
    }
    // Two that come together count as one.
    let status = loop {
        signal(&child, Signal::INT);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    feed.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_may_go_to_another_file() {
    let ground = Ground::new().await;
    let (first, second) = (file("first"), file("second"));
    let mut child = ground.run_up_to(50, 120, &first);
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = ["--resume", first.to_str().unwrap()];
    let mut command = ground.command(&resume);
    let child = command
        .stdout(File::create(&second).unwrap())
        .spawn()
        .unwrap();
    give(&child, &ground.targets());
    end(child);
    let mut both = reported(&first);
    both.extend(reported(&second));
    both.sort();
    let mut expected = ground.targets();
    expected.sort();
    assert_eq!(both, expected);
}
