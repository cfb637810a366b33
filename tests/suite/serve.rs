//! `danecheck serve`: what it answers, what it refuses, and what no client can
//! make it do.

mod browser;
mod ground;
mod program;
mod web;

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use danecheck::config::Terms;
use danecheck::demo::stage::Stage;
use danecheck::observe::{Setup, TrustStore};
use danecheck::serve::{Exporter, Limits, Targets};
use danecheck_world::dns::{Misbehaviour, Rtype, Zone};
use danecheck_world::smtp::MailServer;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::support::program::{run_on, run_with};
use crate::support::{Temporary, now};
use ground::{TARGETS, domain, exporter, get, own, read, request, serving, stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_probes_of_fifty_targets_stay_within_the_limits_and_none_is_lost() {
    let stage = stage().await;
    let limits = Limits {
        checks: 8,
        ..Limits::default()
    };
    serving(exporter(stage.setup(), limits), async |address| {
        let mut to_see: HashSet<String> = (0..TARGETS).map(domain).collect();
        let asked = (0..200).map(|number| async move {
            let target = domain(number % TARGETS);
            let answer = get(address, &format!("/probe?target={target}")).await;
            (target, answer)
        });
        let answers = join_all(asked).await;
        assert_eq!(answers.len(), 200);
        let (mut seen, mut refused) = (0, 0);
        for (target, answer) in answers {
            match answer.status {
                200 => {
                    seen += 1;
                    let verdict =
                        format!("danecheck_verdict{{target=\"{target}\",verdict=\"dane-ok\"}} 1\n");
                    assert!(answer.body.contains(&verdict), "{target}: {}", answer.body);
                    to_see.remove(&target);
                }
                503 => {
                    refused += 1;
                    assert!(answer.head.contains("retry-after: 5"), "{}", answer.head);
                    assert!(answer.body.contains("try again"), "{}", answer.body);
                }
                other => panic!("{target}: {other} {}", answer.body),
            }
        }
        // All of them came while the first were still waiting for DNS.
        assert!(seen >= 8 && refused > 0, "{seen} seen, {refused} refused");
        assert_eq!(own(address, "probes_total{answer=\"seen\"}").await, seen);
        assert_eq!(own(address, "probes_total{answer=\"busy\"}").await, refused);
        assert_eq!(own(address, "checks_running_max").await, 8);
        assert_eq!(own(address, "checks_running").await, 0);
        // One check for all that ask for the same target at the same time.
        assert!(own(address, "check_duration_seconds_count").await < seen);
        // Who comes again is served.
        while let Some(target) = to_see.iter().next().cloned() {
            let some: Vec<String> = to_see.iter().take(8).cloned().collect();
            let again = some.iter().map(|target| async move {
                get(address, &format!("/probe?target={target}")).await
            });
            for (target, answer) in some.iter().zip(join_all(again).await) {
                assert_eq!(answer.status, 200, "{target}");
                to_see.remove(target);
            }
            assert!(!to_see.contains(&target));
        }
        assert!(own(address, "checks_running_max").await <= 8);
    })
    .await;
}

#[tokio::test]
async fn a_target_outside_the_list_is_refused() {
    let stage = stage().await;
    serving(
        exporter(stage.setup(), Limits::default()),
        async |address| {
            for (path, status, text) in [
                ("/probe?target=other.example", 403, "not on the list"),
                ("/probe?target=d1.example:26", 403, "not on the list"),
                ("/probe?target=a..b", 400, "a..b"),
                ("/probe?target=%1b[31m", 400, "?[31m"),
                ("/probe?target=", 400, ""),
                ("/probe", 400, "name a target"),
                ("/elsewhere", 404, "/metrics"),
            ] {
                let answer = get(address, path).await;
                assert_eq!(answer.status, status, "{path}");
                assert!(answer.body.contains(text), "{path}: {}", answer.body);
            }
            // Nothing was checked for all that.
            assert_eq!(own(address, "check_duration_seconds_count").await, 0);
            assert_eq!(
                own(address, "probes_total{answer=\"not-allowed\"}").await,
                2
            );
            assert_eq!(own(address, "probes_total{answer=\"invalid\"}").await, 4);
            // One that only is written in another way is on it.
            let answer = get(address, "/probe?x=1&target=postmaster%40D1.Example.").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        },
    )
    .await;
}

#[tokio::test]
async fn a_probe_answers_with_what_the_format_prometheus_prints() {
    let stage = stage().await;
    let options = ["--format", "prometheus", "stale.example"];
    let printed = run_on(&stage, &options, b"").await.stdout;
    let setup = Setup {
        trust_store: Arc::new(TrustStore::system()),
        ..stage.setup()
    };
    serving(exporter(setup, Limits::default()), async |address| {
        let answer = get(address, "/probe?target=stale.example").await;
        let untimed = |text: &str| -> Vec<String> {
            let of_time = ["timestamp", "danecheck_check_duration_seconds{"];
            let is_timed = |line: &&str| of_time.iter().any(|words| line.contains(words));
            let lines = text.lines().filter(|line| !is_timed(line));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(untimed(&answer.body), untimed(&printed));
        assert!(
            answer
                .head
                .contains("content-type: text/plain; version=0.0.4")
        );
        assert_eq!(get(address, "/-/healthy").await.body, "healthy\n");
        assert_eq!(own(address, "targets").await, 51);
        let answer = request(address, "POST", "/metrics", "").await;
        assert_eq!(answer.status, 405);
        let answer = request(address, "HEAD", "/metrics", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    })
    .await;
}

#[tokio::test]
async fn a_client_is_answered_before_it_gives_up() {
    let mut stage = Stage::new(now());
    stage.zone(Zone::signed("d1.example."));
    stage.lookup_misbehaving("d1.example.", Rtype::MX, Misbehaviour::Silence);
    let stage = stage.start().await.unwrap();
    serving(
        exporter(stage.setup(), Limits::default()),
        async |address| {
            let began = std::time::Instant::now();
            let header = "X-Prometheus-Scrape-Timeout-Seconds: 1.5\r\n";
            let answer = request(address, "GET", "/probe?target=d1.example", header).await;
            assert_eq!(answer.status, 504, "{}", answer.body);
            assert!(
                began.elapsed() < Duration::from_millis(1500),
                "{:?}",
                began.elapsed()
            );
        },
    )
    .await;
}

#[tokio::test]
async fn requests_under_way_are_answered_at_the_end() {
    let stage = stage().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        stopped.await.unwrap();
    };
    let run = exporter(stage.setup(), Limits::default()).run(listener, stopped);
    let clients = async {
        let probe = get(address, "/probe?target=d1.example");
        let end = async {
            while own(address, "checks_running").await == 0 {}
            stop.send(()).unwrap();
        };
        let (answer, ()) = tokio::join!(probe, end);
        assert_eq!(answer.status, 200);
    };
    tokio::join!(run, clients);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn clients_with_other_times_share_one_check_with_the_time_of_the_server() {
    let stage = stage().await;
    serving(
        exporter(stage.setup(), Limits::default()),
        async |address| {
            // The lookup takes 0.3 s: the first cannot wait for it, and takes it
            // from nobody else.
            let times = ["0.2", "30", "31.5", "1e9", "nonsense", ""];
            let answers = join_all(times.map(|time| async move {
                let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {time}\r\n");
                request(address, "GET", "/probe?target=d1.example", &header).await
            }))
            .await;
            for (time, answer) in times.iter().zip(answers) {
                let expected = if *time == "0.2" { 504 } else { 200 };
                assert_eq!(answer.status, expected, "{time}: {}", answer.body);
                let verdict = "danecheck_verdict{target=\"d1.example\",verdict=\"dane-ok\"} 1\n";
                assert_eq!(answer.body.contains(verdict), expected == 200, "{time}");
            }
            assert_eq!(own(address, "check_duration_seconds_count").await, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn the_guard_holds_for_literals_that_are_asked_for() {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx.example.com");
    let literals = [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "::ffff:127.0.0.1",
        "::1",
    ];
    for address in literals {
        stage.server(address, MailServer::new(identity.clone()));
    }
    let stage = stage.start().await.unwrap();
    for allow_private in [false, true] {
        let setup = Setup {
            allow_private,
            // A target from an HTTP client does not count as typed by the user.
            typed: true,
            ..stage.setup()
        };
        let any = Targets::Any(Terms::default());
        let exporter = Exporter::new(setup, now, any, Limits::default()).unwrap();
        serving(exporter, async |address| {
            for literal in literals {
                let tag = if literal.contains(':') { "IPv6:" } else { "" };
                let path = format!("/probe?target=[{tag}{literal}]");
                let answer = get(address, &path).await;
                assert_eq!(answer.status, 200, "{literal}: {}", answer.body);
            }
        })
        .await;
        let visits = stage.servers().iter().map(|one| one.sessions().len());
        assert_eq!(visits.sum::<usize>() > 0, allow_private);
    }
}

#[tokio::test]
async fn a_page_in_a_browser_cannot_ask() {
    let stage = stage().await;
    let named = exporter(stage.setup(), Limits::default());
    let named = named.named(vec!["exporter.example".parse().unwrap()]);
    serving(named, async |address| {
        let port = address.port();
        for (headers, status) in [
            ("Host: localhost\r\n".to_owned(), 200),
            (format!("Host: {address}\r\n"), 200),
            (format!("Host: exporter.example:{port}\r\n"), 200),
            (
                format!("Host: {address}\r\nOrigin: http://{address}\r\n"),
                200,
            ),
            (format!("Host: evil.example:{port}\r\n"), 403),
            (format!("Host: 127.0.0.1.evil.example:{port}\r\n"), 403),
            ("Host: 127.0.0.2\r\n".to_owned(), 403),
            (
                format!("Host: {address}\r\nOrigin: http://evil.example\r\n"),
                403,
            ),
            (format!("Host: {address}\r\nOrigin: null\r\n"), 403),
            (String::new(), 400),
            (format!("Host: {address}\r\nHost: {address}\r\n"), 400),
            (format!("Host: {address}\r\nHost: evil.example\r\n"), 400),
            ("Host: \r\n".to_owned(), 400),
        ] {
            for path in ["/-/healthy", "/metrics", "/probe?target=d1.example", "/"] {
                let text = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(text.as_bytes()).await.unwrap();
                let answer = read(&mut stream).await;
                assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.body);
            }
        }
        let refused = own(address, "requests_refused_total").await;
        assert_eq!(refused, 9 * 4);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_another_site_begins_no_check() {
    let stage = stage().await;
    serving(
        exporter(stage.setup(), Limits::default()),
        async |address| {
            let probe = async |headers: &str| {
                let path = "/probe?target=d1.example";
                request(address, "GET", path, headers).await.status
            };
            let cross = "Sec-Fetch-Site: cross-site\r\n";
            let link = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
            let click = "Sec-Fetch-User: ?1\r\n";
            for headers in [
                // An image, a script, a frame, a page that goes elsewhere by itself.
                format!("{cross}Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n"),
                format!("{cross}Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n{click}"),
                format!("{cross}{link}"),
                format!("{cross}{link}{click}Sec-Purpose: prefetch\r\n"),
                "Sec-Fetch-Site: same-site\r\n".to_owned(),
                format!("{cross}Sec-Fetch-Site: none\r\n"),
            ] {
                assert_eq!(probe(&headers).await, 403, "{headers}");
            }
            assert_eq!(own(address, "check_duration_seconds_count").await, 0);
            assert_eq!(own(address, "requests_refused_total").await, 6);
            for headers in [
                // Prometheus; a person who gives the address; a link of Prometheus' own
                // list of targets.
                "User-Agent: Prometheus/3.0.0\r\n".to_owned(),
                "Sec-Fetch-Site: none\r\n".to_owned(),
                format!("{cross}{link}{click}"),
            ] {
                assert_eq!(probe(&headers).await, 200, "{headers}");
            }
        },
    )
    .await;
}

/// Whether checks are to keep their threads busy.
static BUSY: AtomicBool = AtomicBool::new(false);

/// The clock of checks that keep their threads busy.
fn busy_now() -> danecheck_core::unix_time::UnixTime {
    while BUSY.load(Relaxed) {
        std::thread::yield_now();
    }
    now()
}

#[tokio::test]
async fn busy_checks_hold_up_no_answer_and_no_end() {
    const SOON: Duration = Duration::from_secs(10);
    let stage = stage().await;
    let targets = (0..TARGETS).map(|number| (domain(number).parse().unwrap(), Terms::default()));
    let limits = Limits {
        end_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let busy = Exporter::new(stage.setup(), busy_now, targets.collect(), limits).unwrap();
    BUSY.store(true, Relaxed);
    let whole = serving(busy, async |address| {
        let asked: Vec<TcpStream> = join_all((0..limits.checks).map(|number| async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let target = domain(number);
            let text = format!("GET /probe?target={target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            stream.write_all(text.as_bytes()).await.unwrap();
            stream
        }))
        .await;
        // Until all of them are taken, and then some.
        loop {
            let answer = get(address, "/probe?target=d20.example").await;
            if answer.status == 503 {
                break;
            }
        }
        assert_eq!(get(address, "/-/healthy").await.status, 200);
        assert_eq!(get(address, "/metrics").await.status, 200);
        drop(asked);
    });
    let ended = tokio::time::timeout(SOON, whole).await;
    BUSY.store(false, Relaxed);
    ended.unwrap();
}

/// Limits that a hostile client meets soon.
fn tight() -> Limits {
    Limits {
        connections: 8,
        head_time: Duration::from_millis(400),
        head_size: 8192,
        connection_time: Duration::from_millis(800),
        ..Limits::default()
    }
}

#[tokio::test]
async fn slow_clients_are_put_out_and_hold_up_nobody() {
    let stage = stage().await;
    serving(exporter(stage.setup(), tight()), async |address| {
        let mut slow = Vec::new();
        for begin in ["", "GET /pro", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begin.as_bytes()).await.unwrap();
            slow.push(stream);
        }
        assert_eq!(get(address, "/-/healthy").await.status, 200);
        for stream in &mut slow {
            // With an answer or without: the connection ends.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
        assert_eq!(own(address, "connections").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_put_out() {
    let stage = stage().await;
    serving(exporter(stage.setup(), tight()), async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
        // Until the exporter takes no more, for nobody takes its answers, and
        // then ends the connection.
        while stream.write_all(request.as_bytes()).await.is_ok() {}
        while own(address, "connections").await > 1 {}
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let stage = stage().await;
    serving(exporter(stage.setup(), tight()), async |address| {
        let large = format!("X-Large: {}\r\n", "a".repeat(64 * 1024));
        let many = "X-Many: 1\r\n".repeat(500);
        for headers in [large, many] {
            let text = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
            let mut stream = TcpStream::connect(address).await.unwrap();
            // It may end the connection before it has all.
            let _ = stream.write_all(text.as_bytes()).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(
                answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
                "{answer}"
            );
        }
        assert_eq!(get(address, "/-/healthy").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let stage = stage().await;
    serving(exporter(stage.setup(), tight()), async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let row = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(49);
        let last = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all((row + last).as_bytes()).await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 50);
    })
    .await;
}

#[tokio::test]
async fn too_many_connections_are_refused_in_words() {
    let stage = stage().await;
    let limits = Limits {
        connections: 4,
        ..Limits::default()
    };
    serving(exporter(stage.setup(), limits), async |address| {
        let mut idle = Vec::new();
        for _ in 0..4 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let answer = get(address, "/-/healthy").await;
        assert_eq!(answer.status, 503);
        assert!(answer.head.contains("retry-after"), "{}", answer.head);
        drop(idle);
        loop {
            if get(address, "/-/healthy").await.status == 200 {
                break;
            }
        }
        assert!(own(address, "connections_refused_total").await >= 1);
    })
    .await;
}

#[tokio::test]
async fn without_a_list_of_targets_it_does_not_start() {
    let wrong = Temporary::with("txt", "# ours\n\nd1.example\na..b\n");
    for (options, text) in [
        (&["serve"][..], "--allow-any"),
        (&["serve", "--allow", "a..b"], "a..b"),
        (&["serve", "--allow-file", wrong.path()], "line 4"),
        (&["serve", "--config", wrong.path()], ":3: "),
        (
            &["serve", "--allow-any", "--allow", "d1.example"],
            "--allow",
        ),
        (
            &["serve", "--allow-any", "--listen", "everywhere"],
            "everywhere",
        ),
        (
            &["serve", "--allow-any", "--listen", "192.0.2.1:1"],
            "192.0.2.1:1",
        ),
    ] {
        let ran = run_with(options, b"", Default::default()).await;
        assert_eq!(ran.status as u8, 3, "{options:?}");
        assert!(ran.stderr.contains(text), "{options:?}: {}", ran.stderr);
    }
}

#[test]
fn the_program_ends_in_order_when_it_is_told_to() {
    let list = Temporary::with("txt", "d1.example\n# and\nd2.example\n");
    let config = Temporary::with("toml", "[[domain]]\nname = \"d3.example\"\n");
    for signal in ["TERM", "INT"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_danecheck"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--allow-file",
                list.path(),
                "--config",
                config.path(),
            ])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(program.stderr.take().unwrap()).lines();
        let line = stderr.next().unwrap().unwrap();
        let begin = "danecheck: listening on http://127.0.0.1:";
        assert!(
            line.starts_with(begin) && line.ends_with(", for 3 targets"),
            "{line}"
        );
        let killed = Command::new("kill")
            .args([&format!("-{signal}"), &program.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        assert_eq!(program.wait().unwrap().code(), Some(0), "{signal}");
    }
}
