//! Domains that share one host, runs over them, and the files of a run.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use danecheck_world::dns::{DnsWorld, RunningDns, Zone};
use danecheck_world::pki::{Authority, Leaf};
use danecheck_world::smtp::{MailServer, RunningMailServer};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::now;
use crate::support::program::targets;

pub(crate) const DOMAINS: usize = 300;

/// Domains that share one host, on the ports of this machine.
pub(crate) struct Ground {
    pub(crate) dns: RunningDns,
    pub(crate) server: RunningMailServer,
    pub(crate) domains: usize,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        Self::of(DOMAINS).await
    }

    pub(crate) async fn of(domains: usize) -> Self {
        let identity = Authority::root("Test Root", now()).issue(Leaf::new(["mx.hosts.test"]));
        let server = MailServer::new(identity.clone()).start().await.unwrap();
        let port = server.addr().port();
        let hosts = Zone::signed("hosts.test.")
            .a("mx", Ipv4Addr::LOCALHOST)
            .tlsa(&format!("_{port}._tcp.mx"), &identity.tlsa(3, 1, 1));
        let zone = (0..domains).fold(Zone::signed("example."), |zone, number| {
            zone.mx(&format!("d{number}"), 10, "mx.hosts.test.")
        });
        let world = DnsWorld::new(now()).zone(hosts).zone(zone);
        Self {
            dns: world.start().await.unwrap(),
            server,
            domains,
        }
    }

    /// All targets, one of them twice, one that is none.
    pub(crate) fn targets(&self) -> Vec<String> {
        let port = self.server.addr().port();
        let mut all: Vec<String> = (0..self.domains)
            .map(|number| format!("d{number}.example:{port}"))
            .collect();
        all.push(all[3].clone());
        all.push("not a domain".to_owned());
        all
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_danecheck"));
        command.args(["--json", "--allow-private", "--resolver"]);
        command.arg(self.dns.addr().to_string());
        command.args(arguments).arg("-");
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Goes on with reports and observations, where no file may grow beyond
    /// `blocks` times 512 bytes, as on a full disk; a kill may come.
    pub(crate) fn go_on(&self, files: &Files, blocks: Option<u64>) -> Child {
        let limit = blocks.map_or(String::new(), |blocks| format!("ulimit -f {blocks};"));
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{limit} exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_danecheck"))
            .args(["--json", "--allow-private", "--jobs", "8"])
            .args(["--resolver", &self.dns.addr().to_string()])
            .args(["--resume", files.reports.to_str().unwrap()])
            .args(["--save", files.saved.to_str().unwrap(), "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(
                OpenOptions::new()
                    .append(true)
                    .open(&files.reports)
                    .unwrap(),
            );
        let mut child = command.spawn().unwrap();
        let targets = self.targets().join("\n");
        // It may be over before it has read them.
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(targets.as_bytes());
        child
    }

    /// Goes on to the end.
    pub(crate) fn finish(&self, files: &Files) -> String {
        let (status, said) = end(self.go_on(files, None));
        assert!(matches!(status.code(), Some(0 | 3)), "{status}: {said}");
        said
    }

    /// A run that has reported at least `count` targets, and has not been
    /// given all of them.
    pub(crate) fn run_up_to(&self, count: usize, given: usize, output: &Path) -> Child {
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
    pub(crate) fn resume(&self, output: &Path) -> (ExitStatus, String) {
        let file = OpenOptions::new().append(true).open(output).unwrap();
        let resume = ["--resume", output.to_str().unwrap()];
        let child = self.command(&resume).stdout(file).spawn().unwrap();
        let targets = self.targets();
        give(&child, &targets);
        end(child)
    }
}

pub(crate) fn give(child: &Child, targets: &[String]) {
    let mut stdin = child.stdin.as_ref().unwrap();
    for target in targets {
        writeln!(stdin, "{target}").unwrap();
    }
}

/// Waits for a child whose input is closed now.
pub(crate) fn end(mut child: Child) -> (ExitStatus, String) {
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

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

pub(crate) fn lines(path: &Path) -> usize {
    let text = std::fs::read(path).unwrap();
    text.iter().filter(|byte| **byte == b'\n').count()
}

pub(crate) fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("resume-{name}.jsonl"))
}

pub(crate) fn reported(path: &Path) -> Vec<String> {
    targets(&std::fs::read_to_string(path).unwrap())
}

pub(crate) fn assert_each_has_one(ground: &Ground, output: &Path) {
    let mut expected = ground.targets();
    expected.sort();
    assert_eq!(reported(output), expected);
}

/// The files of a resumed run.
pub(crate) struct Files {
    pub(crate) reports: PathBuf,
    pub(crate) saved: PathBuf,
}

impl Files {
    /// Nothing is in them yet.
    pub(crate) fn new(name: &str) -> Self {
        let files = Self {
            reports: file(&format!("{name}-reports")),
            saved: file(&format!("{name}-saved")),
        };
        File::create(&files.reports).unwrap();
        File::create(&files.saved).unwrap();
        files
    }

    pub(crate) fn length(&self) -> u64 {
        length(&self.reports).max(length(&self.saved))
    }
}

pub(crate) fn length(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

/// Each target has one report and, if it is one, one observation, and the
/// observations replay to the very reports.
pub(crate) fn assert_in_step(ground: &Ground, files: &Files) {
    assert_each_has_one(ground, &files.reports);
    let reports = std::fs::read_to_string(&files.reports).unwrap();
    let mut reports: Vec<&str> = reports
        .lines()
        .filter(|line| !line.contains("\"not a domain\""))
        .collect();
    let output = Command::new(env!("CARGO_BIN_EXE_danecheck"))
        .args(["--json", "--replay", files.saved.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    let replayed = String::from_utf8(output.stdout).unwrap();
    let mut replayed: Vec<&str> = replayed.lines().collect();
    reports.sort_unstable();
    replayed.sort_unstable();
    assert_eq!(replayed.len(), reports.len());
    for (replayed, report) in replayed.iter().zip(reports) {
        assert_eq!(*replayed, report);
    }
}

/// Numbers that look like chance (Marsaglia's xorshift).
pub(crate) struct Chance(u64);

impl Chance {
    /// Another one each time, or the one of SEED; the test prints it.
    pub(crate) fn new() -> Self {
        use std::hash::{BuildHasher as _, RandomState};
        let given = std::env::var("SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0)) | 1;
        println!("to see the same again: SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}
