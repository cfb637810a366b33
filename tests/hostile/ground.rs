//! The surroundings of a hostile server, and how the program runs against it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use danecheck_world::dns::{
    DnsWorld, Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, RunningDns, Zone,
};
use danecheck_world::pki::{Authority, Identity, Leaf};
use danecheck_world::smtp::{BlackHole, MailServer, Misbehaviour, RunningMailServer};

use crate::cases::Case;
use crate::support::now;

/// The program that is attacked: the one of this build, unless told otherwise.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that is attacked.
pub(crate) fn attack(program: PathBuf) {
    PROGRAM.set(program).unwrap();
}

pub(crate) fn attacked() -> &'static Path {
    PROGRAM.get_or_init(|| PathBuf::from(env!("CARGO_BIN_EXE_danecheck")))
}

/// One run of the program.
pub(crate) struct Ran {
    /// From its start to its end.
    pub(crate) time: Duration,
    /// Its `--timeout`.
    pub(crate) timeout: Duration,
    /// Of all its threads, where the system tells.
    pub(crate) cpu: Option<Duration>,
    /// The most memory that it held, in KiB, where the system tells.
    pub(crate) memory: Option<u64>,
    /// `None` if it had to be ended.
    pub(crate) status: Option<i32>,
    pub(crate) lines: Vec<String>,
    pub(crate) stderr: String,
}

/// A domain and its mail servers, which have addresses of their own on loopback
/// and share a port with those of all other domains.
pub(crate) struct Ground {
    pub(crate) domain: String,
    pub(crate) zone: Zone,
    /// Zones above and below it.
    pub(crate) more_zones: Vec<Zone>,
    pub(crate) root: Authority,
    pub(crate) port: u16,
    /// What the resolver does about DNSSEC.
    pub(crate) resolver: ResolverKind,
    network: u8,
    dns: Vec<(String, Rtype, DnsMisbehaviour)>,
    servers: Vec<(Ipv4Addr, MailServer)>,
    holes: Vec<Ipv4Addr>,
}

/// The domain of a case.
pub(crate) const DOMAIN: &str = "example.test";

impl Ground {
    /// A domain whose servers are in the network of this number; port and root
    /// are shared.
    pub(crate) fn new(domain: &str, network: usize, root: &Authority) -> Self {
        Self {
            domain: domain.to_owned(),
            zone: Zone::signed(&format!("{domain}.")),
            more_zones: Vec::new(),
            root: root.clone(),
            port: port(),
            resolver: ResolverKind::Validating,
            network: u8::try_from(network + 1).unwrap(),
            dns: Vec::new(),
            servers: Vec::new(),
            holes: Vec::new(),
        }
    }

    pub(crate) fn zone(&mut self, change: impl FnOnce(Zone) -> Zone) {
        let zone = std::mem::replace(&mut self.zone, Zone::signed("."));
        self.zone = change(zone);
    }

    /// Adds lines to the zone.
    pub(crate) fn records(&mut self, text: &str) {
        self.zone(|zone| zone.records(text));
    }

    /// Adds a record as its bytes.
    pub(crate) fn raw(&mut self, owner: &str, rtype: Rtype, bytes: &[u8]) {
        self.zone(|zone| zone.raw(owner, rtype, bytes));
    }

    /// The address with this number in the domain's own network.
    pub(crate) fn address(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 1, self.network, number)
    }

    /// A certificate for this host.
    pub(crate) fn identity(&self, host: &str) -> Identity {
        self.root
            .issue(Leaf::new([format!("{host}.{}", self.domain)]))
    }

    /// A mail server for a name that has its A record elsewhere.
    pub(crate) fn server(&mut self, number: u8, server: MailServer) {
        let address = self.address(number);
        self.servers.push((address, server));
    }

    /// An MX host with an A and a TLSA record of its own.
    pub(crate) fn host(
        &mut self,
        name: &str,
        number: u8,
        identity: Identity,
        ways: impl IntoIterator<Item = Misbehaviour>,
    ) {
        self.records(&format!(
            "@ MX {number} {name}\n{name} A {}\n_{}._tcp.{name} TLSA {}",
            self.address(number),
            self.port,
            identity.tlsa(3, 1, 1),
        ));
        self.server(number, MailServer::new(identity).misbehaving(ways));
    }

    /// An MX host that answers no SYN.
    pub(crate) fn hole(&mut self, name: &str, number: u8) {
        let address = self.address(number);
        self.records(&format!("@ MX {number} {name}\n{name} A {address}"));
        self.holes.push(address);
    }

    /// Makes a lookup below the domain misbehave.
    pub(crate) fn lookup(&mut self, name: &str, rtype: Rtype, how: DnsMisbehaviour) {
        let name = match name {
            "@" => format!("{}.", self.domain),
            name => format!("{name}.{}.", self.domain),
        };
        self.dns.push((name, rtype, how));
    }

    /// The healthy MX host that every report has to tell of.
    pub(crate) fn healthy(&mut self) {
        let identity = self.identity("good");
        self.host("good", 200, identity, []);
    }
}

/// A port for all mail servers: free on the address of a first one.
fn port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| {
        let listener = std::net::TcpListener::bind((Ipv4Addr::new(127, 1, 0, 1), 0)).unwrap();
        listener.local_addr().unwrap().port()
    })
}

/// An authority for the certificates of a ground.
pub(crate) fn root() -> Authority {
    Authority::root("Hostile Root", now())
}

/// Grounds whose servers run, and what the program is told of them.
pub(crate) struct Site {
    dns: RunningDns,
    files: Files,
    _servers: Vec<RunningMailServer>,
    _holes: Vec<BlackHole>,
}

impl Site {
    /// Starts all servers. The resolver is the first ground's.
    pub(crate) async fn start(name: &str, root: &Authority, grounds: Vec<Ground>) -> Self {
        let kind = grounds.first().unwrap().resolver;
        let mut dns = DnsWorld::new(now()).resolver(kind);
        let mut servers = Vec::new();
        let mut holes = Vec::new();
        for ground in grounds {
            for zone in ground.more_zones.into_iter().chain([ground.zone]) {
                dns = dns.zone(zone);
            }
            for (name, rtype, how) in &ground.dns {
                dns = dns.misbehaving(name, *rtype, *how);
            }
            for (address, server) in ground.servers {
                let at = SocketAddr::from((address, ground.port));
                servers.push(server.listening_on(at).start().await.unwrap());
            }
            for address in ground.holes {
                let at = SocketAddr::from((address, ground.port));
                holes.push(BlackHole::start_at(at).await.unwrap());
            }
        }
        let dns = dns.start().await.unwrap();
        Self {
            files: Files::new(name, dns.trust_anchor(), &root.certificate().pem()),
            dns,
            _servers: servers,
            _holes: holes,
        }
    }

    /// The program with the options that lead it here, after `command`.
    pub(crate) fn program(&self, command: &[&str], timeout: Duration) -> Command {
        let mut program = Command::new(attacked());
        program
            .args(command)
            .args(["--resolver", &self.dns.addr().to_string()])
            .args(["--timeout", &timeout.as_secs().to_string()])
            .arg("--allow-private")
            .arg("--trust-anchor")
            .arg(self.files.folder.join("anchor"))
            .arg("--ca-file")
            .arg(self.files.folder.join("root.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        program
    }
}

/// Sets the case up and runs the program against it.
pub(crate) async fn run(case: &Case, index: usize, timeout: Duration) -> Ran {
    let root = root();
    let mut ground = Ground::new(DOMAIN, index, &root);
    if case.has_rest {
        ground.healthy();
    }
    (case.set)(&mut ground);
    let target = format!("{DOMAIN}:{}", ground.port);
    let site = Site::start(case.name, &root, vec![ground]).await;
    let command = site.program(&["--json", "-"], timeout);
    tokio::task::spawn_blocking(move || look(command, &[target], timeout))
        .await
        .unwrap()
}

/// The files of one run; gone with it.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn new(name: &str, anchor: &str, pem: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("hostile-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("anchor"), anchor).unwrap();
        std::fs::write(folder.join("root.pem"), pem).unwrap();
        Self { folder }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// So many times its `--timeout` a run is waited for.
const PATIENCE: u32 = 4;

/// Runs the program. It waits for more targets once it has reported, and so
/// stands still while its memory is read.
pub(crate) fn look(mut command: Command, targets: &[String], timeout: Duration) -> Ran {
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let watchdog = Watchdog::over(child.id(), timeout * PATIENCE);
    let mut stdin = child.stdin.take().unwrap();
    for target in targets {
        // One that ends early is seen below.
        let _ = writeln!(stdin, "{target}");
    }
    let _ = stdin.flush();
    let mut lines = Vec::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    while lines.len() < targets.len() {
        let mut line = String::new();
        if stdout.read_line(&mut line).unwrap() == 0 {
            break;
        }
        lines.push(line);
    }
    let (cpu, memory) = (cpu_time(child.id()), high_water_mark(child.id()));
    drop(stdin);
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    let status = child.wait().unwrap().code();
    drop(watchdog);
    Ran {
        // What it does at its end is part of its time.
        time: start.elapsed(),
        timeout,
        cpu,
        memory,
        status,
        lines,
        stderr,
    }
}

/// Ends a process that takes too long, unless it is dropped before.
struct Watchdog {
    _ended: mpsc::Sender<()>,
}

impl Watchdog {
    fn over(process: u32, limit: Duration) -> Self {
        let (ended, end) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if end.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                signal(process, "KILL");
            }
        });
        Self { _ended: ended }
    }
}

/// Sends a signal to a process that runs.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// The peak resident set of a process; `None` if there is no proc(5).
pub(crate) fn high_water_mark(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What processors a process has used; `None` if there is no proc(5).
pub(crate) fn cpu_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // After the name, in user and in system mode, in hundredths of a second.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Vec<u64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    Some(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
}
