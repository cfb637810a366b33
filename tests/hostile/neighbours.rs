//! Ten hostile domains beside a healthy but slow one, in one run and in the
//! exporter: the healthy one keeps its verdict, and the exporter answers and
//! ends as it promises.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use danecheck_world::dns::{
    Misbehaviour as Dns, ResolverKind, Rtype, Surplus, SurplusKey, ZoneFault,
};
use danecheck_world::pki::Authority;
use danecheck_world::smtp::{MailServer, Misbehaviour};
use serde_json::Value;

use crate::ground::{Ground, Ran, Site, high_water_mark, look, root, signal};
use crate::{amplification, chains};

/// What the ten do.
pub(crate) struct Crowd {
    pub(crate) name: &'static str,
    set: fn(&mut Ground, usize),
}

impl Crowd {
    /// The one that runs everywhere.
    pub(crate) fn is_first(&self) -> bool {
        self.name == "neighbours-that-cost-work"
    }
}

pub(crate) const CROWDS: [Crowd; 4] = [
    Crowd {
        name: "neighbours-that-cost-work",
        set: working,
    },
    Crowd {
        name: "neighbours-whose-lookups-are-silent",
        set: silent,
    },
    Crowd {
        name: "neighbours-whose-servers-hang",
        set: hanging,
    },
    Crowd {
        name: "neighbours-at-one-address",
        set: at_one_address,
    },
];

/// The healthy one.
const HEALTHY: &str = "slow.test";

/// How many are hostile.
const HOSTILE: usize = 10;

/// How soon the exporter answers whatever its checks do: one that is measured,
/// and one without optimization.
const ANSWER: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(3)];

/// How much longer than `--timeout` a run may take, and the end of the
/// exporter, in parts.
const LONGEST: f64 = 1.2;

/// What the servers here take of a machine with two processors is not the
/// program's.
const ALLOWANCE: Duration = Duration::from_secs(1);

fn working(ground: &mut Ground, number: usize) {
    let keytrap = |keys, signatures| Surplus {
        key: SurplusKey::EcdsaP256,
        keys,
        signatures,
        ..Surplus::default()
    };
    match number % 5 {
        0 => {
            ground.healthy();
            ground.zone(|zone| {
                zone.surplus(keytrap(100, 100).over("@", Rtype::MX))
                    .with(ZoneFault::SignatureMissing { on: Rtype::MX })
            });
        }
        1 => {
            ground.healthy();
            ground.zone(|zone| {
                zone.surplus(keytrap(440, 420).over("@", Rtype::MX))
                    .with(ZoneFault::SignatureMissing { on: Rtype::MX })
            });
        }
        2 => chains::constrained(ground, 3800, 3800, 98),
        3 => chains::p521_keys(ground),
        _ => chains::all_at_once(ground),
    }
}

fn silent(ground: &mut Ground, _: usize) {
    for host in 0..20 {
        ground.records(&format!("@ MX 10 mx{host}"));
        for rtype in [Rtype::A, Rtype::AAAA] {
            ground.lookup(&format!("mx{host}"), rtype, Dns::Silence);
        }
    }
}

fn hanging(ground: &mut Ground, _: usize) {
    amplification::hosts(ground, &[Misbehaviour::NoGreeting]);
}

/// Their hosts all have the address of the healthy one's.
fn at_one_address(ground: &mut Ground, _: usize) {
    for host in 0..20 {
        let tlsa = format!("_{}._tcp.mx{host} TLSA 3 1 1 {host:064x}", ground.port);
        ground.records(&format!("@ MX 10 mx{host}\nmx{host} A 127.1.1.100\n{tlsa}"));
    }
}

/// A domain that answers late, and is well.
fn healthy(root: &Authority) -> Ground {
    let mut ground = Ground::new(HEALTHY, 0, root);
    ground.resolver = ResolverKind::NotValidating;
    let identity = ground.identity("mx");
    let owner = format!("_{}._tcp.mx", ground.port);
    ground.records(&format!(
        "@ MX 10 mx\nmx A {}\n{owner} TLSA {}",
        ground.address(100),
        identity.tlsa(3, 1, 1)
    ));
    let slow = Misbehaviour::SlowGreeting(Duration::from_millis(500));
    let drip = Misbehaviour::Drip(Duration::from_millis(2));
    ground.server(100, MailServer::new(identity).misbehaving([slow, drip]));
    let late = Dns::DelayedBy(Duration::from_millis(200));
    for (name, rtype) in [
        ("@", Rtype::MX),
        ("mx", Rtype::A),
        ("mx", Rtype::AAAA),
        (&owner, Rtype::TLSA),
    ] {
        ground.lookup(name, rtype, late);
    }
    ground
}

/// Runs one crowd in both ways; gives how many of the two failed.
pub(crate) fn run(crowd: &Crowd, timeout: Duration, measured: bool) -> usize {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let root = root();
    let mut grounds = vec![healthy(&root)];
    for number in 0..HOSTILE {
        let mut ground = Ground::new(&format!("h{number}.test"), number + 1, &root);
        (crowd.set)(&mut ground, number);
        grounds.push(ground);
    }
    let port = grounds.first().unwrap().port;
    // The healthy one comes in the middle.
    let mut names: Vec<String> = (0..HOSTILE).map(|it| format!("h{it}.test")).collect();
    names.insert(HOSTILE / 2, HEALTHY.to_owned());
    let targets: Vec<String> = names.iter().map(|it| format!("{it}:{port}")).collect();
    let site = runtime.block_on(Site::start(crowd.name, &root, grounds));
    let together = together(&site, &targets, timeout, measured);
    let exported = exported(&site, &targets, timeout, measured);
    let mut failed = 0;
    for (way, (figures, faults)) in [("in one run", together), ("in the exporter", exported)] {
        let word = if faults.is_empty() { "ok" } else { "FAILED" };
        println!("{:41} {way}: {figures}  {word}", crowd.name);
        for fault in &faults {
            println!("    {fault}");
        }
        failed += usize::from(!faults.is_empty());
    }
    failed
}

/// One run over all of them.
fn together(
    site: &Site,
    targets: &[String],
    timeout: Duration,
    measured: bool,
) -> (String, Vec<String>) {
    let ran: Ran = look(site.program(&["--json", "-"], timeout), targets, timeout);
    let mut faults = Vec::new();
    if ran.lines.len() < targets.len() {
        faults.push(format!("{} reports: {}", ran.lines.len(), ran.stderr));
    }
    let reports = ran
        .lines
        .iter()
        .filter_map(|it| serde_json::from_str(it).ok());
    let healthy = reports.into_iter().find(|report: &Value| {
        report["target"]
            .as_str()
            .is_some_and(|it| it.contains(HEALTHY))
    });
    match healthy {
        Some(report) if report["verdict"] == "dane-ok" => {}
        Some(report) => {
            faults.push(format!("{HEALTHY} is {}", report["verdict"]));
            faults.push(report.to_string().chars().take(2000).collect());
        }
        None => faults.push(format!("no report on {HEALTHY}")),
    }
    if measured && ran.time > timeout.mul_f64(LONGEST) + ALLOWANCE {
        faults.push(format!("it took {:?}", ran.time));
    }
    let figures = format!(
        "{:.2} of --timeout, {:.2} s of processors, {:.1} MiB",
        ran.time.as_secs_f64() / timeout.as_secs_f64(),
        ran.cpu.unwrap_or_default().as_secs_f64(),
        ran.memory.unwrap_or_default() as f64 / 1024.0
    );
    (figures, faults)
}

/// An exporter that runs.
struct Exporter {
    child: Child,
    address: SocketAddr,
}

impl Exporter {
    fn start(site: &Site, timeout: Duration) -> Self {
        let command = ["serve", "--allow-any", "--listen", "127.0.0.1:0"];
        let mut child = site.program(&command, timeout).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line
            .split_once("http://")
            .unwrap_or_else(|| panic!("{line}"));
        let address = address.1.split(',').next().unwrap().parse().unwrap();
        // What it says later goes nowhere, and holds up nothing.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Self { child, address }
    }

    /// What it answers; `None` if that takes too long.
    fn get(&self, path: &str, patience: Duration) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, patience).ok()?;
        stream.set_read_timeout(Some(patience)).ok()?;
        let host = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// How long the longest answer took that it is there, until `over`; `None`
    /// if one did not come.
    fn slowest_answer(&self, over: &AtomicBool) -> Option<Duration> {
        let mut slowest = Duration::ZERO;
        while !over.load(Ordering::Relaxed) {
            let asked = Instant::now();
            let answer = self.get("/-/healthy", Duration::from_secs(60));
            slowest = slowest.max(asked.elapsed());
            if !answer.is_some_and(|it| it.contains("healthy")) {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Some(slowest)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exporter, asked about all of them at once; then again, and told to end.
fn exported(
    site: &Site,
    targets: &[String],
    timeout: Duration,
    measured: bool,
) -> (String, Vec<String>) {
    let mut exporter = Exporter::start(site, timeout);
    let mut faults = Vec::new();
    let over = AtomicBool::new(false);
    let probe = |target: &String| exporter.get(&format!("/probe?target={target}"), timeout * 4);
    let began = Instant::now();
    let (answers, slowest) = std::thread::scope(|scope| {
        let probes: Vec<_> = targets
            .iter()
            .map(|target| scope.spawn(move || probe(target)))
            .collect();
        let health = scope.spawn(|| exporter.slowest_answer(&over));
        let answers: Vec<_> = probes.into_iter().map(|it| it.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        (answers, health.join().unwrap())
    });
    let time = began.elapsed();
    let healthy = targets.iter().zip(&answers);
    let healthy = healthy.filter(|(target, _)| target.contains(HEALTHY));
    for (_, answer) in healthy {
        let answer = answer.as_deref().unwrap_or("no answer");
        if !answer.contains("verdict=\"dane-ok\"} 1") {
            let word = answer
                .lines()
                .find(|line| line.starts_with("danecheck_verdict") && line.ends_with(" 1"));
            faults.push(format!("{HEALTHY}: {}", word.unwrap_or(answer)));
        }
    }
    let promised = ANSWER[usize::from(!measured)];
    if slowest.is_none_or(|slowest| slowest > promised) {
        faults.push(format!(
            "its slowest answer came after: {}, and {promised:?} was promised",
            spoken(slowest)
        ));
    }
    if measured && time > timeout.mul_f64(LONGEST) + ALLOWANCE {
        faults.push(format!("the probes took {time:?}"));
    }
    let memory = high_water_mark(exporter.child.id()).unwrap_or_default();
    let end = told_to_end(&mut exporter, targets, timeout);
    match end {
        Some(end) if !measured || end <= timeout.mul_f64(LONGEST) + ALLOWANCE => {}
        end => faults.push(format!("it ended after {end:?}")),
    }
    let figures = format!(
        "{:.2} of --timeout, answers within {}, {:.1} MiB, ended after {}",
        time.as_secs_f64() / timeout.as_secs_f64(),
        spoken(slowest),
        memory as f64 / 1024.0,
        spoken(end)
    );
    (figures, faults)
}

fn spoken(time: Option<Duration>) -> String {
    time.map_or("never".to_owned(), |time| format!("{time:.0?}"))
}

/// How long it takes to its end once it is told, in the middle of checks;
/// `None` if it does not end in order.
fn told_to_end(exporter: &mut Exporter, targets: &[String], timeout: Duration) -> Option<Duration> {
    let streams: Vec<TcpStream> = targets
        .iter()
        .filter_map(|target| {
            let mut stream = TcpStream::connect(exporter.address).ok()?;
            let host = exporter.address;
            let request = format!("GET /probe?target={target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            stream.write_all(request.as_bytes()).ok()?;
            Some(stream)
        })
        .collect();
    // They are under way.
    std::thread::park_timeout(timeout / 4);
    let told = Instant::now();
    signal(exporter.child.id(), "TERM");
    let limit = timeout * 4;
    let status = loop {
        if let Some(status) = exporter.child.try_wait().unwrap() {
            break Some(status);
        }
        if told.elapsed() > limit {
            break None;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    };
    drop(streams);
    status.filter(|it| it.success()).map(|_| told.elapsed())
}
