//! Is it me, is it them, or is it somebody between? A domain is seen from two
//! places: by `danecheck compare` and by `--also-from`.

mod cases;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::budget::Times;
use danecheck::observe::{Dial, Elsewhere, Setup, observe};
use danecheck_core::judge::Action;
use danecheck_core::report::{ExitStatus, Report};
use danecheck_validation::trust_anchor::RootAnchors;
use danecheck_world::dns::Zone;
use danecheck_world::smtp::MailServer;
use danecheck_world::socks::{SocksMisbehaviour, SocksProxy};
use serde_json::Value;

use crate::support::domain::{MX1, in_order};
use crate::support::program::{Ran, report_of, run_on, run_with, schema_faults};
use crate::support::{Temporary, ids, message, now};
use cases::{ATTACKS, Case, HEALTHY, UNKNOWN, later, views};

/// What was seen in both views, saved.
async fn saved((_, set): &Case) -> (Temporary, Temporary) {
    let (mut a, mut b) = views();
    set(&mut a, &mut b);
    let mut files = Vec::new();
    for (view, when) in [(a, None), (b, Some(later()))] {
        let stage = view.stage.start().await.unwrap();
        let setup = Setup {
            checked_at: when.unwrap_or(stage.setup().checked_at),
            ..stage.setup()
        };
        let seen = observe(&"example.com".parse().unwrap(), &setup).await;
        let line = serde_json::to_string(&seen).unwrap();
        files.push(Temporary::with("json", &(line + "\n")));
    }
    let b = files.pop().unwrap();
    (files.pop().unwrap(), b)
}

async fn compared(a: &Temporary, b: &Temporary, options: &[&str]) -> Ran {
    let arguments = [&["compare", a.path(), b.path()], options].concat();
    run_with(&arguments, b"", Dial::default()).await
}

fn kinds(report: &Value) -> Vec<&str> {
    let differences = report["differences"].as_array().unwrap();
    let kinds = differences.iter().map(|one| one["kind"].as_str().unwrap());
    kinds.collect()
}

#[tokio::test]
async fn what_a_person_in_between_changed_is_found_in_either_order() {
    for case in ATTACKS {
        let (a, b) = saved(case).await;
        for (one, other) in [(&a, &b), (&b, &a)] {
            let ran = compared(one, other, &["--json"]).await;
            let what = format!("{}: {}{}", case.0, ran.stdout, ran.stderr);
            assert_eq!(ran.status, ExitStatus::Broken, "{what}");
            let report: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(schema_faults("compare", &report).await, [""; 0], "{what}");
            assert_eq!(report["same"], false, "{what}");
            assert_eq!(kinds(&report)[0], "unexplained", "{what}");
        }
    }
}

#[tokio::test]
async fn what_is_explained_raises_no_alarm() {
    for (case, same) in HEALTHY {
        let (a, b) = saved(case).await;
        for (one, other) in [(&a, &b), (&b, &a)] {
            let ran = compared(one, other, &["--json"]).await;
            let what = format!("{}: {}{}", case.0, ran.stdout, ran.stderr);
            let status = match same {
                true => ExitStatus::Fine,
                false => ExitStatus::Warning,
            };
            assert_eq!(ran.status, status, "{what}");
            let report: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(report["same"], *same, "{what}");
            let expected = if *same { 0 } else { 1 };
            assert!(kinds(&report).len() >= expected, "{what}");
            assert!(kinds(&report).iter().all(|it| *it == "explained"), "{what}");
        }
    }
}

#[tokio::test]
async fn what_was_not_seen_is_never_the_same() {
    for case in UNKNOWN {
        let (a, b) = saved(case).await;
        for (one, other) in [(&a, &b), (&b, &a)] {
            let ran = compared(one, other, &["--json"]).await;
            let what = format!("{}: {}{}", case.0, ran.stdout, ran.stderr);
            assert_eq!(ran.status, ExitStatus::Unknown, "{what}");
        }
    }
    // A target that only one of the files has, and a file that is damaged.
    let (a, _) = saved(&HEALTHY[0].0).await;
    let text = std::fs::read_to_string(a.path()).unwrap();
    let other = text.replace("example.com", "example.org");
    let other = Temporary::with("json", &other);
    let ran = compared(&a, &other, &[]).await;
    assert_eq!(ran.status, ExitStatus::Unknown, "{}", ran.stdout);
    assert!(ran.stdout.contains("contains no look at this target"));
    let torn = Temporary::with("json", &format!("{text}{{\"format\": 2"));
    let ran = compared(&a, &torn, &[]).await;
    assert_eq!(ran.status, ExitStatus::Unknown, "{}", ran.stdout);
    let missing = run_with(&["compare", a.path()], b"", Dial::default()).await;
    assert_eq!(missing.status, ExitStatus::Unknown);
}

/// The two looks of a case, each as JSON, for changes by hand.
async fn edited(case: &Case, edit: impl FnOnce(&mut Value, &mut Value)) -> (Temporary, Temporary) {
    let (a, b) = saved(case).await;
    let read = |file: &Temporary| {
        serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap()
    };
    let (mut one, mut other): (Value, Value) = (read(&a), read(&b));
    edit(&mut one, &mut other);
    let write = |look: &Value| Temporary::with("json", &format!("{look}\n"));
    (write(&one), write(&other))
}

#[tokio::test]
async fn what_one_look_left_out_is_not_the_same() {
    type Edit = fn(&mut Value);
    let edits: [(&str, Edit); 7] = [
        ("no host", |look| look["hosts"] = Value::Array(Vec::new())),
        ("no address", |look| {
            look["hosts"][0]["addresses"] = Value::Array(Vec::new());
        }),
        ("no lookup of addresses", |look| {
            look["hosts"][0]["a"] = Value::Null
        }),
        ("no lookup of TLSA records", |look| {
            look["hosts"][0]["tlsa"] = Value::Array(Vec::new());
        }),
        ("no lookup of the MX records", |look| {
            look["mx"] = Value::Null;
        }),
        ("no session", |look| {
            look["hosts"][0]["addresses"][0]["sessions"] = Value::Array(Vec::new());
        }),
        ("no MTA-STS", |look| {
            look.as_object_mut().unwrap().remove("mta_sts");
        }),
    ];
    for (name, edit) in edits {
        let (a, b) = edited(&HEALTHY[0].0, |_, b| edit(b)).await;
        for (one, other) in [(&a, &b), (&b, &a)] {
            let ran = compared(one, other, &["--json"]).await;
            let what = format!("{name}: {}{}", ran.stdout, ran.stderr);
            assert_eq!(ran.status, ExitStatus::Unknown, "{what}");
            let report: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(report["same"], false, "{what}");
            assert_eq!(kinds(&report), ["not-seen"], "{what}");
        }
    }
    // Records that the zone changed explain nothing where no server was seen.
    let old = HEALTHY.iter().find(|(case, _)| case.0.contains("cache"));
    let unseen = serde_json::json!({
        "not-connected": { "kind": "timed-out", "text": "Connection timed out" }
    });
    let blind = |look: &mut Value| {
        let sessions = look["hosts"][0]["addresses"][0]["sessions"].as_array_mut();
        for session in sessions.unwrap() {
            let sni = session["sni"].clone();
            *session = serde_json::json!({
                "sni": sni, "greeting": null, "ehlo": null, "tls": null, "end": unseen
            });
        }
    };
    let (a, b) = edited(&old.unwrap().0, |a, b| {
        blind(a);
        blind(b);
    })
    .await;
    let ran = compared(&a, &b, &["--json"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown, "{}", ran.stdout);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(kinds(&report), ["explained"], "{}", ran.stdout);
}

#[tokio::test]
async fn what_a_look_was_asked_to_leave_out_is_explained() {
    let both = HEALTHY.iter().find(|(case, _)| case.0.contains("no IPv6"));
    let (a, b) = edited(&both.unwrap().0, |_, b| {
        b["only"] = "ipv4".into();
        for address in b["hosts"][0]["addresses"].as_array_mut().unwrap() {
            if address["address"].as_str().unwrap().contains(':') {
                address["sessions"] = Value::Array(Vec::new());
            }
        }
    })
    .await;
    let ran = compared(&a, &b, &["--json"]).await;
    assert_eq!(ran.status, ExitStatus::Warning, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("One of the looks used IPv4 alone."),
        "{}",
        ran.stdout
    );
}

#[tokio::test]
async fn a_renewal_between_the_looks_whose_record_is_late_is_explained() {
    let late: Case = ("a renewal whose record is late", |a, b| {
        a.healthy();
        let next = b.next();
        b.showing(&next);
    });
    let (a, b) = saved(&late).await;
    let ran = compared(&a, &b, &["--json"]).await;
    assert_eq!(ran.status, ExitStatus::Warning, "{}", ran.stdout);
    // At the same moment nothing was renewed in between.
    let (_, report) = looked(&late).await;
    assert!(ids(&report).contains(&"vantage-points-differ"));
}

#[tokio::test]
async fn a_person_reads_first_what_matters() {
    let (a, b) = saved(&ATTACKS[0]).await;
    let ran = compared(&a, &b, &[]).await;
    let first = ran.stdout.lines().next().unwrap();
    assert_eq!(
        first,
        "example.com: the looks differ in something that a person in between could have changed"
    );
    for words in [
        "UNEXPLAINED: the certificate of mx1.example.com [192.0.2.10]",
        "Nothing proves that both certificates are the server's own.",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
}

/// The resolver of the far host, as the far host sees it.
const FAR_RESOLVER: &str = "127.0.0.53:53";

fn routes(stage: &RunningStage) -> HashMap<SocketAddr, SocketAddr> {
    match stage.dial() {
        Dial::Routed(routes) => routes,
        _ => HashMap::new(),
    }
}

/// A proxy at whose other end a stage is, with a resolver of its own.
async fn proxy_to(stage: &RunningStage) -> SocksProxy {
    let mut routes = routes(stage);
    routes.insert(FAR_RESOLVER.parse().unwrap(), stage.dns().addr());
    SocksProxy::start(routes, Vec::new()).await.unwrap()
}

fn from(proxy: &SocksProxy) -> Elsewhere {
    let url = format!("socks5://{}", proxy.addr());
    Elsewhere::new(url.parse().unwrap(), None)
}

/// Both trust anchors, because each stage has a root of its own.
fn anchors(a: &RunningStage, b: &RunningStage) -> RootAnchors {
    let text = [a, b].map(|stage| stage.dns().trust_anchor().to_owned());
    RootAnchors::from_text(&text.concat()).unwrap()
}

/// The report without and with a look from elsewhere.
async fn looked((_, set): &Case) -> (Report, Report) {
    let (mut a, mut b) = views();
    set(&mut a, &mut b);
    let a = a.stage.start().await.unwrap();
    let b = b.stage.start().await.unwrap();
    let proxy = proxy_to(&b).await;
    let alone = Setup {
        root_anchors: anchors(&a, &b),
        times: Times {
            reply: Duration::from_secs(2),
            ..a.setup().times
        },
        ..a.setup()
    };
    let both = Setup {
        also_from: Arc::from([from(&proxy)]),
        ..alone.clone()
    };
    let target = "example.com".parse().unwrap();
    let alone = Report::of(&observe(&target, &alone).await);
    (alone, Report::of(&observe(&target, &both).await))
}

#[tokio::test]
async fn somebody_near_is_found_from_elsewhere_and_no_override_is_advised() {
    for case in ATTACKS {
        let (alone, report) = looked(case).await;
        let what = format!("{}: {:?}", case.0, report.vantage_points);
        assert!(ids(&report).contains(&"vantage-points-differ"), "{what}");
        assert_eq!(report.verdict, alone.verdict, "{what}");
        assert_eq!(report.recommendation.action, Action::NotFixable, "{what}");
        assert!(report.recommendation.entries.postfix.is_none(), "{what}");
        let reason = &report.recommendation.reason;
        assert!(
            reason.contains("something else is seen than from here"),
            "{what}: {reason}"
        );
        assert_eq!(report.vantage_points[0].result, "unexplained", "{what}");
        let told = message(&report, "vantage-points-differ");
        assert!(told.contains("From socks5://127.0.0.1:"), "{told}");
    }
}

#[tokio::test]
async fn what_is_explained_changes_no_advice() {
    for (case, same) in HEALTHY {
        let (alone, report) = looked(case).await;
        let what = format!("{}: {:?}", case.0, report.vantage_points);
        assert!(ids(&report).contains(&"vantage-points-agree"), "{what}");
        assert!(!ids(&report).contains(&"vantage-points-differ"), "{what}");
        assert_eq!(report.verdict, alone.verdict, "{what}");
        let (with, without) = (&report.recommendation, &alone.recommendation);
        assert_eq!(with.action, without.action, "{what}");
        assert_eq!(with.entries.postfix, without.entries.postfix, "{what}");
        assert_eq!(report.vantage_points[0].same, *same, "{what}");
        if without.caution.is_some() {
            let caution = with.caution.as_deref().unwrap();
            assert!(
                caution.starts_with("Seen the same from socks5://"),
                "{what}: {caution}"
            );
        }
    }
}

#[tokio::test]
async fn what_was_not_seen_from_elsewhere_confirms_nothing() {
    for case in UNKNOWN {
        let (_, report) = looked(case).await;
        let what = format!("{}: {:?}", case.0, report.vantage_points);
        assert!(ids(&report).contains(&"vantage-point-blind"), "{what}");
        assert!(!ids(&report).contains(&"vantage-points-agree"), "{what}");
    }
    // A proxy that is of no use.
    for way in [
        SocksMisbehaviour::HangUp,
        SocksMisbehaviour::NotSocks,
        SocksMisbehaviour::YesAndHangUp,
    ] {
        let stage = stage().await;
        let proxy = SocksProxy::start(HashMap::new(), vec![way.clone()]).await;
        let proxy = proxy.unwrap();
        let setup = Setup {
            also_from: Arc::from([from(&proxy)]),
            ..stage.setup()
        };
        let report = Report::of(&observe(&"example.com".parse().unwrap(), &setup).await);
        let what = format!("{way:?}: {:?}", report.vantage_points);
        assert!(ids(&report).contains(&"vantage-point-blind"), "{what}");
        assert_eq!(report.verdict.as_str(), "dane-ok", "{what}");
    }
}

/// A domain in order whose zone has a name server of its own.
async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx1.example.com");
    let zone: Zone = in_order(&identity).name_server("ns1", [192, 0, 2, 53].into());
    stage.zone(zone);
    stage.server(MX1, MailServer::new(identity));
    stage.start().await.unwrap()
}

#[tokio::test]
async fn where_there_is_no_resolver_the_name_servers_are_asked_from_the_root_down() {
    let stage = stage().await;
    // Without a way to any resolver: the root is served at 127.0.0.1.
    let proxy = SocksProxy::start(routes(&stage), Vec::new()).await.unwrap();
    let url = format!("socks5://{}", proxy.addr());
    let root = vec!["127.0.0.1:53".parse().unwrap()];
    let place = Elsewhere::starting_at(url.parse().unwrap(), None, root);
    let setup = Setup {
        also_from: Arc::from([place]),
        ..stage.setup()
    };
    let asked = stage.dns().query_count();
    let report = Report::of(&observe(&"example.com".parse().unwrap(), &setup).await);
    let looked = &report.vantage_points[0];
    assert!(looked.same, "{looked:?}");
    assert_eq!(looked.second.resolver, ["the zones' name servers"]);
    let over_tcp = stage.dns().asked_of_name_servers();
    assert!(over_tcp.len() > 5, "{over_tcp:?}");
    let all_tcp = over_tcp
        .iter()
        .all(|(_, asked)| asked.transport == danecheck_world::dns::Transport::Tcp);
    assert!(all_tcp, "{over_tcp:?}");
    assert!(stage.dns().query_count() > asked);
}

#[tokio::test]
async fn the_program_looks_from_each_proxy_and_shows_no_password() {
    let stage = stage().await;
    let login = SocksMisbehaviour::Login("me".to_owned(), "s3cret".to_owned());
    let closed = SocksProxy::start(routes(&stage), vec![login])
        .await
        .unwrap();
    let open = proxy_to(&stage).await;
    let resolver = stage.dns().addr();
    let mut with_given = routes(&stage);
    with_given.insert("192.0.2.77:53".parse().unwrap(), resolver);
    let given = SocksProxy::start(with_given, Vec::new()).await.unwrap();
    let urls = [
        format!("socks5://{}", open.addr()),
        format!("socks5://me:wrong-s3cret@{}", closed.addr()),
    ];
    let arguments = [
        "--json",
        "--also-from",
        &urls[0],
        "--also-from",
        &urls[1],
        "example.com",
    ];
    let ran = run_on(&stage, &arguments, b"").await;
    assert_eq!(
        ran.status,
        ExitStatus::Warning,
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(!ran.stdout.contains("s3cret"), "{}", ran.stdout);
    let report = report_of(&ran);
    let results: Vec<&str> = report
        .vantage_points
        .iter()
        .map(|it| it.result.as_str())
        .collect();
    assert_eq!(results, ["same", "unknown"]);
    let url = format!("socks5://{}", given.addr());
    let arguments = [
        "--json",
        "--also-from",
        &url,
        "--also-resolver",
        "192.0.2.77",
        "example.com",
    ];
    let ran = run_on(&stage, &arguments, b"").await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}{}", ran.stdout, ran.stderr);
    let report = report_of(&ran);
    assert_eq!(report.vantage_points[0].second.resolver, ["192.0.2.77:53"]);
    let arguments = ["-v", "--also-from", &urls[0], "example.com"];
    let ran = run_on(&stage, &arguments, b"").await;
    let note = format!("note: From {} the same was seen.", urls[0]);
    assert!(ran.stdout.contains(&note), "{}", ran.stdout);
    // A saved observation keeps what was seen from elsewhere.
    let file = Temporary::with("json", "");
    let arguments = [
        "--save",
        file.path(),
        "--also-from",
        &urls[0],
        "example.com",
    ];
    run_on(&stage, &arguments, b"").await;
    let arguments = ["--json", "--replay", file.path()];
    let ran = run_with(&arguments, b"", Dial::default()).await;
    assert_eq!(report_of(&ran).vantage_points.len(), 1, "{}", ran.stdout);
    for wrong in ["socks5://me:s3cret@nowhere", "me:s3cret@127.0.0.1:1080"] {
        let arguments = ["--also-from", wrong, "example.com"];
        let ran = run_with(&arguments, b"", Dial::default()).await;
        assert_eq!(ran.status, ExitStatus::Unknown);
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    }
}
