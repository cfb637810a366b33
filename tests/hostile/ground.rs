//! Where a hostile server stands, and how the program is run against it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use danecheck::world::dns::{DnsWorld, Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, Zone};
use danecheck::world::pki::{Authority, Identity, Leaf};
use danecheck::world::smtp::{BlackHole, MailServer, Misbehaviour, RunningMailServer};

use crate::cases::Case;
use crate::support::now;

/// One run of the program.
pub(crate) struct Ran {
    /// From its start to its end.
    pub(crate) time: Duration,
    /// The most memory that it held, in KiB, where the system tells.
    pub(crate) memory: Option<u64>,
    pub(crate) status: Option<i32>,
    pub(crate) line: String,
    pub(crate) stderr: String,
}

/// The domain example.test, its name server and its mail servers, which have
/// addresses of their own on loopback and share a port.
pub(crate) struct Ground {
    pub(crate) zone: Zone,
    pub(crate) root: Authority,
    pub(crate) port: u16,
    /// What the resolver does about DNSSEC.
    pub(crate) resolver: ResolverKind,
    network: u8,
    dns: Vec<(String, Rtype, DnsMisbehaviour)>,
    servers: Vec<(Ipv4Addr, MailServer)>,
    holes: Vec<Ipv4Addr>,
}

/// The domain.
pub(crate) const DOMAIN: &str = "example.test";

impl Ground {
    fn new(network: u8, port: u16) -> Self {
        Self {
            zone: Zone::signed(&format!("{DOMAIN}.")),
            root: Authority::root("Hostile Root", now()),
            port,
            resolver: ResolverKind::Validating,
            network,
            dns: Vec::new(),
            servers: Vec::new(),
            holes: Vec::new(),
        }
    }

    fn zone(&mut self, change: impl FnOnce(Zone) -> Zone) {
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

    /// The address with this number in the case's own network.
    pub(crate) fn address(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 1, self.network.saturating_add(1), number)
    }

    /// A certificate for this host.
    pub(crate) fn identity(&self, host: &str) -> Identity {
        self.root.issue(Leaf::new([format!("{host}.{DOMAIN}")]))
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
        self.dns.push((format!("{name}.{DOMAIN}."), rtype, how));
    }

    /// The healthy MX host that every report has to tell of.
    fn healthy(&mut self) {
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

/// Sets the case up and runs the program against it.
pub(crate) async fn run(case: &Case, index: usize, timeout: Duration) -> Ran {
    let mut ground = Ground::new(u8::try_from(index).unwrap(), port());
    if case.has_rest {
        ground.healthy();
    }
    (case.set)(&mut ground);
    let mut dns = DnsWorld::new(now())
        .zone(ground.zone)
        .resolver(ground.resolver);
    for (name, rtype, how) in &ground.dns {
        dns = dns.misbehaving(name, *rtype, *how);
    }
    let dns = dns.start().await.unwrap();
    let mut servers: Vec<RunningMailServer> = Vec::new();
    for (address, server) in ground.servers {
        let at = SocketAddr::from((address, ground.port));
        servers.push(server.listening_on(at).start().await.unwrap());
    }
    let mut holes = Vec::new();
    for address in ground.holes {
        let at = SocketAddr::from((address, ground.port));
        holes.push(BlackHole::start_at(at).await.unwrap());
    }
    let files = Files::new(index, dns.trust_anchor(), &ground.root.certificate().pem());
    let resolver = dns.addr();
    let port = ground.port;
    tokio::task::spawn_blocking(move || program(resolver, port, &files, timeout))
        .await
        .unwrap()
}

/// The files of one run; gone with it.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn new(index: usize, anchor: &str, pem: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("hostile-{}-{index}", std::process::id()));
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

/// Runs the program. It waits for more targets once it has reported, and so
/// stands still while its memory is read.
fn program(resolver: SocketAddr, port: u16, files: &Files, timeout: Duration) -> Ran {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_danecheck"))
        .args(["--json", "--allow-private"])
        .args(["--resolver", &resolver.to_string()])
        .args(["--timeout", &timeout.as_secs().to_string()])
        .arg("--trust-anchor")
        .arg(files.folder.join("anchor"))
        .arg("--ca-file")
        .arg(files.folder.join("root.pem"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{DOMAIN}:{port}").unwrap();
    stdin.flush().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let memory = high_water_mark(child.id());
    drop(stdin);
    stdout.read_to_string(&mut line).unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    let status = child.wait().unwrap().code();
    Ran {
        time: start.elapsed(),
        memory,
        status,
        line,
        stderr,
    }
}

/// The peak resident set of a process; nothing where there is no proc(5).
fn high_water_mark(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
