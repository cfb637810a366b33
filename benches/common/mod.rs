//! What both benchmarks have: their options, limits that hold or do not, and
//! mail servers at a distance.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ExitCode};
use std::time::Duration;

use danecheck_world::delay::DelayRelay;
use danecheck_world::dns::now;
use danecheck_world::pki::{Authority, Leaf};
use danecheck_world::smtp::{MailServer, RunningMailServer};

/// How far away the mail servers are; the resolver is next door.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(50);

/// What is asked of both.
pub(crate) struct Options {
    pub(crate) program: PathBuf,
    /// Whether only what no busy machine explains is a fault.
    pub(crate) gross: bool,
    pub(crate) resolver: SocketAddr,
    /// Where `posttls-finger` finds its `main.cf`, if it is to run.
    pub(crate) finger: Option<PathBuf>,
}

/// The value of an option.
pub(crate) type Value<'a> = &'a mut dyn FnMut() -> Result<String, String>;

impl Options {
    /// The options of the command line; `own` takes those of one benchmark
    /// alone, and says whether one is.
    pub(crate) fn read(
        mut own: impl FnMut(&str, Value<'_>) -> Result<bool, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            program: env!("CARGO_BIN_EXE_danecheck").into(),
            gross: false,
            resolver: (Ipv4Addr::LOCALHOST, 0).into(),
            finger: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--program" => options.program = value()?.into(),
                "--gross" => options.gross = true,
                "--resolver-at" => options.resolver = value()?.parse()?,
                "--posttls-finger" => options.finger = Some(value()?.into()),
                other if own(other, &mut value)? => {}
                other => return Err(format!("what is {other}? See benches/README.md").into()),
            }
        }
        Ok(options)
    }

    /// The limits that hold on a machine at rest, or those that only a program
    /// gone wrong exceeds.
    pub(crate) fn choose<L>(&self, at_rest: L, gross: L) -> L {
        if self.gross { gross } else { at_rest }
    }
}

/// The threads on which a benchmark's servers run.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

/// The exit status of a benchmark: whether it ran, and every limit held.
pub(crate) fn conclude(held: Result<bool, Box<dyn Error>>) -> ExitCode {
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("FAIL {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether a limit holds.
pub(crate) fn judge(what: &str, measured: f64, limit: f64, unit: &str) -> bool {
    let text = format!("{what:28} {measured:.3}{unit}, at most {limit:.3}{unit}");
    pass(measured <= limit, &text)
}

/// The median of the ratios of each round.
pub(crate) fn ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<f64> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The least and the most.
pub(crate) fn range(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    (least, most)
}

/// Says whether something is as it has to be.
pub(crate) fn pass(good: bool, what: &str) -> bool {
    println!("{} {what}", if good { "PASS" } else { "FAIL" });
    good
}

/// The most memory that a process had resident (`VmHWM`), in MB.
pub(crate) fn peak_memory(child: &Child) -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .ok_or("no VmHWM in /proc")?;
    Ok(peak.trim().parse::<f64>()? * 1024.0 / 1e6)
}

/// Mail servers, each at an address and with a key of its own, all at one
/// port and so far away.
pub(crate) struct DistantHosts {
    pub(crate) port: u16,
    /// `mxN A` and `_PORT._tcp.mxN TLSA`, for the zone hosts.example.
    pub(crate) records: String,
    pub(crate) servers: Vec<RunningMailServer>,
    _relays: Vec<DelayRelay>,
}

impl DistantHosts {
    /// Starts mx0.hosts.example and on, at `first` and on.
    pub(crate) async fn start(count: usize, first: Ipv4Addr) -> Result<Self, Box<dyn Error>> {
        let issuer = Authority::root("Bench Root", now()).intermediate("Bench Issuer");
        let mut hosts = Self {
            port: 0,
            records: String::new(),
            servers: Vec::new(),
            _relays: Vec::new(),
        };
        for number in 0..count {
            let host = format!("mx{number}.hosts.example");
            let identity = issuer.issue(Leaf::new([host.as_str()]));
            let server = MailServer::new(identity.clone()).calling_itself(host);
            let server = server.start().await?;
            let address = Ipv4Addr::from_bits(first.to_bits() + u32::try_from(number)?);
            let at = (address, hosts.port);
            let relay = DelayRelay::start_at(at, server.addr(), ROUND_TRIP / 2).await?;
            hosts.port = relay.addr().port();
            hosts.records += &format!(
                "mx{number} A {address}\n_{}._tcp.mx{number} TLSA {}\n",
                hosts.port,
                identity.tlsa(3, 1, 1)
            );
            hosts.servers.push(server);
            hosts._relays.push(relay);
        }
        Ok(hosts)
    }
}
