//! The pages of `danecheck serve --web`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use danecheck::config::Terms;
use danecheck::demo::stage::Stage;
use danecheck::observe::{Setup, TrustStore};
use danecheck::serve::{Exporter, Limits, Targets, WebLimits};
use danecheck_core::report::Report;
use danecheck_world::smtp::MailServer;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::ground::{
    Answer, FORM, TARGETS, domain, exporter, get, own, post, read, request, serving, stage,
    with_pages,
};
use crate::support::program::run_on;
use crate::support::{now, strip_times};

const BROWSER: &str = "User-Agent: Mozilla/5.0\r\n";

/// Follows a look to its end, as the script does; without a place for that, the
/// page reloads.
async fn followed(address: SocketAddr, target: &str) -> Answer {
    loop {
        let page = get(address, &format!("/check/{target}")).await;
        assert_eq!(page.status, 200, "{target}: {}", page.body);
        if !page.body.contains("data-events") {
            return page;
        }
        let events = get(address, &format!("/check/{target}/events")).await;
        match events.status {
            200 => assert!(ends(&events.body), "{target}: {}", events.body),
            503 => assert!(events.head.contains("retry-after"), "{}", events.head),
            other => panic!("{target}: {other} {}", events.body),
        }
    }
}

/// Whether events lead to the end of a look. The body comes in chunks.
fn ends(events: &str) -> bool {
    events.contains("event: end\ndata: {}\n\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_visitors_of_fifty_targets_share_fifty_looks() {
    let stage = stage().await;
    let limits = Limits {
        checks: 8,
        connections: 512,
        web: WebLimits {
            streams: 100,
            ..WebLimits::default()
        },
        ..Limits::default()
    };
    let pages = with_pages(exporter(stage.setup(), limits), &[]);
    serving(pages, async |address| {
        let visits = (0..200).map(|number| async move {
            let target = domain(number % TARGETS);
            let page = followed(address, &target).await;
            let json = get(address, &format!("/check/{target}.json")).await;
            (target, page, json)
        });
        for (target, page, json) in join_all(visits).await {
            assert!(page.body.contains(&target), "{target}");
            let report: Report = serde_json::from_str(&json.body).unwrap();
            assert_eq!(report.target, target);
            // Nobody sees the target of somebody else.
            let others = (0..TARGETS).map(domain).filter(|other| *other != target);
            for other in others {
                let named = format!("{other}<");
                assert!(
                    !page.body.contains(&named),
                    "{other} on the page of {target}"
                );
            }
        }
        assert_eq!(own(address, "check_duration_seconds_count").await, 50);
        assert!(own(address, "checks_running_max").await <= 4);
        assert_eq!(own(address, "streams").await, 0);
        assert_eq!(own(address, "checks_kept").await, 50);
        // Prometheus has the other half.
        assert_eq!(get(address, "/probe?target=d1.example").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_target_outside_the_list_is_refused_everywhere_alike() {
    let stage = stage().await;
    let pages = with_pages(exporter(stage.setup(), Limits::default()), &["d1.example"]);
    serving(pages, async |address| {
        let mut refusals = Vec::new();
        for path in ["", ".json", "/events"] {
            for target in ["other.example", "d1.example:26", "%5Bmx.many.example%5D"] {
                let answer = get(address, &format!("/check/{target}{path}")).await;
                assert_eq!(answer.status, 403, "{target}{path}");
                refusals.push(answer.body);
            }
            let answer = get(address, &format!("/check/a..b{path}")).await;
            assert_eq!(answer.status, 400, "{path}");
        }
        // The same for the report, for its events and for JSON.
        assert_eq!(refusals[..3], refusals[3..6]);
        assert_eq!(refusals[..3], refusals[6..]);
        assert_eq!(
            post(address, FORM, "target=other.example").await.status,
            403
        );
        assert_eq!(post(address, FORM, "target=a..b").await.status, 400);
        assert_eq!(
            get(address, "/check?target=other.example").await.status,
            403
        );
        assert_eq!(own(address, "check_duration_seconds_count").await, 0);
        assert_eq!(own(address, "checks_running").await, 0);
        // The list itself is for the administrator.
        let home = get(address, "/").await.body;
        assert!(
            home.contains("d1.example") && !home.contains("d2.example"),
            "{home}"
        );
        let changes = get(address, "/history").await;
        assert!(
            changes.body.contains("No verdict has changed yet."),
            "{}",
            changes.body
        );
    })
    .await;
}

#[tokio::test]
async fn a_page_of_somebody_else_begins_no_look_and_sees_none() {
    let stage = stage().await;
    let pages = with_pages(exporter(stage.setup(), Limits::default()), &[]);
    serving(pages, async |address| {
        let get = async |path: &str, headers: &str| request(address, "GET", path, headers).await;
        let cross = "Sec-Fetch-Site: cross-site\r\n";
        for headers in [
            cross.to_owned(),
            "Sec-Fetch-Site: same-site\r\n".to_owned(),
            BROWSER.to_owned(),
            format!("{BROWSER}{cross}"),
            "Sec-Fetch-Site: none\r\nSec-Purpose: prefetch\r\n".to_owned(),
        ] {
            let page = get("/check/d1.example", &headers).await;
            assert_eq!(page.status, 200, "{headers}");
            assert!(page.body.contains("Check this domain?"), "{}", page.body);
            assert!(page.body.contains("value=\"d1.example\""), "{}", page.body);
            let again = get("/check/d1.example?again=1", &headers).await;
            assert!(again.body.contains("Check this domain?"), "{}", again.body);
            assert_eq!(get("/check/d1.example.json", &headers).await.status, 403);
            assert_eq!(
                post(address, &format!("{FORM}{headers}"), "target=d1.example")
                    .await
                    .status,
                403
            );
        }
        for headers in ["Origin: http://evil.example\r\n", "Origin: null\r\n"] {
            assert_eq!(get("/check/d1.example", headers).await.status, 403);
            let form = post(address, &format!("{FORM}{headers}"), "target=d1.example").await;
            assert_eq!(form.status, 403);
        }
        let head = request(address, "HEAD", "/check/d1.example", "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(own(address, "check_duration_seconds_count").await, 0);
        assert_eq!(own(address, "checks_running").await, 0);
        // The person says so.
        let origin = format!("{FORM}{BROWSER}Origin: http://localhost\r\n");
        let begun = post(address, &origin, "target=d1.example").await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        assert!(
            begun.head.contains("location: /check/d1.example"),
            "{}",
            begun.head
        );
        // The browser that says nothing follows it; the other page does not.
        let mine = get("/check/d1.example", BROWSER).await;
        assert!(mine.body.contains("data-events"), "{}", mine.body);
        let theirs = get("/check/d1.example", cross).await;
        assert!(
            theirs.body.contains("Check this domain?"),
            "{}",
            theirs.body
        );
        assert_eq!(get("/check/d1.example/events", cross).await.status, 403);
        assert!(ends(&get("/check/d1.example/events", BROWSER).await.body));
        assert_eq!(own(address, "check_duration_seconds_count").await, 1);
        let theirs = get("/check/d1.example", cross).await;
        assert!(
            theirs.body.contains("Check this domain?"),
            "{}",
            theirs.body
        );
    })
    .await;
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let stage = stage().await;
    let pages = with_pages(exporter(stage.setup(), Limits::default()), &[]);
    serving(pages, async |address| {
        followed(address, "d1.example").await;
        for path in [
            "/",
            "/history",
            "/check",
            "/check/",
            "/check/d1.example",
            "/check/D1.example",
            "/check/d1.example.json",
            "/check/d1.example/events",
            "/check/other.example",
            "/check/a..b",
            "/check/d2.example",
            "/web/style.css",
            "/web/script.js",
            "/web/icon.svg",
        ] {
            let answer = get(address, path).await;
            for (name, value) in [
                ("content-security-policy", "default-src 'none'"),
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "same-origin"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                let header = format!("\r\n{name}: {value}");
                assert!(
                    answer.head.contains(&header),
                    "{path}: {name}: {}",
                    answer.head
                );
            }
            for word in ["base-uri 'none'", "frame-ancestors 'none'", "form-action '"] {
                assert!(
                    answer.head.contains(word),
                    "{path}: {word}: {}",
                    answer.head
                );
            }
            for word in ["set-cookie", "unsafe", "*"] {
                assert!(
                    !answer.head.contains(word),
                    "{path}: {word}: {}",
                    answer.head
                );
            }
        }
        for (method, path) in [
            ("POST", "/"),
            ("PUT", "/check"),
            ("DELETE", "/check/d1.example"),
        ] {
            assert_eq!(
                request(address, method, path, "").await.status,
                405,
                "{method} {path}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_look_is_followed_with_and_without_script() {
    let stage = stage().await;
    let pages = with_pages(exporter(stage.setup(), Limits::default()), &[]);
    serving(pages, async |address| {
        let page = get(address, "/check/d1.example?lang=de").await;
        let reload = "<noscript><meta http-equiv=\"refresh\" \
                      content=\"2;url=/check/d1.example?lang=de\"></noscript>";
        assert!(page.body.contains(reload), "{}", page.body);
        assert!(page.body.contains("<html lang=\"de\">"), "{}", page.body);
        let events = get(address, "/check/d1.example/events?lang=de").await;
        assert!(
            events.head.contains("content-type: text/event-stream"),
            "{}",
            events.head
        );
        assert!(
            events.head.contains("x-accel-buffering: no"),
            "{}",
            events.head
        );
        let whole = unchunked(&events.body);
        let parts: Vec<&str> = whole.split_terminator("\n\n").collect();
        assert!(
            parts[0].starts_with("retry: 2000\nevent: steps\ndata: {"),
            "{whole}"
        );
        assert_eq!(*parts.last().unwrap(), "event: end\ndata: {}");
        let mut asked = Vec::new();
        for part in &parts[..parts.len() - 1] {
            let data = part.lines().find_map(|line| line.strip_prefix("data: "));
            let data: serde_json::Value = serde_json::from_str(data.unwrap()).unwrap();
            let steps = data["steps"].as_array().unwrap();
            asked.extend(
                steps
                    .iter()
                    .map(|step| step["text"].as_str().unwrap().to_owned()),
            );
        }
        assert!(
            asked.iter().any(|text| text == "d1.example MX"),
            "{asked:?}"
        );
        let report = get(address, "/check/d1.example").await;
        assert!(!report.body.contains("data-events"), "{}", report.body);
        // One that has ended already has only its end.
        let late = get(address, "/check/d1.example/events").await;
        assert_eq!(unchunked(&late.body), "event: end\ndata: {}\n\n");
    })
    .await;
}

/// A body without the lines that say how long its chunks are (RFC 9112 section
/// 7.1).
fn unchunked(body: &str) -> String {
    let mut text = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        text.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    text
}

#[tokio::test]
async fn the_json_is_what_the_program_prints() {
    let stage = stage().await;
    let printed = run_on(&stage, &["--json", "stale.example"], b"")
        .await
        .stdout;
    let setup = Setup {
        trust_store: Arc::new(TrustStore::system()),
        ..stage.setup()
    };
    let pages = with_pages(exporter(setup, Limits::default()), &[]);
    serving(pages, async |address| {
        let answer = get(address, "/check/stale.example.json").await;
        assert!(
            answer.head.contains("content-type: application/json"),
            "{}",
            answer.head
        );
        assert!(answer.body.ends_with("}\n"), "{}", answer.body);
        let read = |text: &str| {
            let mut report: serde_json::Value = serde_json::from_str(text).unwrap();
            strip_times(&mut report);
            // Only pages ask for it, for their letter.
            report["contact"].take();
            report
        };
        assert_eq!(read(&answer.body), read(&printed));
        // It is the same look as the page's.
        assert_eq!(get(address, "/check/stale.example").await.status, 200);
        assert_eq!(own(address, "check_duration_seconds_count").await, 1);
    })
    .await;
}

#[tokio::test]
async fn forms_are_limited_and_what_they_say_stays_text() {
    let stage = stage().await;
    let any = Targets::Any(Terms::default());
    let pages = Exporter::new(stage.setup(), now, any, Limits::default()).unwrap();
    serving(with_pages(pages, &[]), async |address| {
        let hostile = "target=%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE%1B%22%3E";
        let answer = post(address, FORM, hostile).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
        assert!(
            answer.body.contains("&lt;script&gt;alert"),
            "{}",
            answer.body
        );
        for raw in ['\u{202e}', '\u{1b}'] {
            assert!(!answer.body.contains(raw), "{raw:?}: {}", answer.body);
        }
        let answer = post(address, FORM, &format!("target={}", "a".repeat(5000))).await;
        assert_eq!(answer.status, 413, "{}", answer.head);
        let answer = post(address, "Content-Type: text/plain\r\n", "target=d1.example").await;
        assert_eq!(answer.status, 415);
        assert_eq!(post(address, FORM, "").await.status, 400);
        assert_eq!(own(address, "check_duration_seconds_count").await, 0);
        let answer = post(address, FORM, "target=d1.example&lang=de").await;
        assert!(
            answer.head.contains("location: /check/d1.example?lang=de"),
            "{}",
            answer.head
        );
        // Without a list, the visitors choose what is checked, so nothing of it
        // is noted.
        followed(address, "d1.example").await;
        let changes = get(address, "/history").await;
        assert!(!changes.body.contains("d1.example"), "{}", changes.body);
    })
    .await;
}

#[tokio::test]
async fn a_form_that_does_not_arrive_is_late_and_not_too_large() {
    let stage = stage().await;
    let limits = Limits {
        head_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let pages = with_pages(exporter(stage.setup(), limits), &[]);
    serving(pages, async |address| {
        let head = format!(
            "POST /check HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{FORM}Content-Length: \
             17\r\n\r\ntarget="
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(read(&mut stream).await.status, 408);
    })
    .await;
}

#[tokio::test]
async fn the_guard_holds_for_literals_on_pages() {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx.example.com");
    stage.server("127.0.0.1", MailServer::new(identity));
    let stage = stage.start().await.unwrap();
    let any = Targets::Any(Terms::default());
    let setup = Setup {
        allow_private: false,
        ..stage.setup()
    };
    let pages = Exporter::new(setup, now, any, Limits::default()).unwrap();
    serving(with_pages(pages, &[]), async |address| {
        let answer = get(address, "/check/%5B127.0.0.1%5D.json").await;
        let report: Report = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(report.target, "[127.0.0.1]");
    })
    .await;
    assert!(
        stage
            .servers()
            .iter()
            .all(|server| server.sessions().is_empty())
    );
}

#[tokio::test]
async fn who_goes_leaves_nothing_behind_and_stops_nobody() {
    let stage = stage().await;
    let limits = Limits {
        web: WebLimits {
            streams: 2,
            ..WebLimits::default()
        },
        ..Limits::default()
    };
    let pages = with_pages(exporter(stage.setup(), limits), &[]);
    serving(pages, async |address| {
        get(address, "/check/d1.example").await;
        let mut followers = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let text = "GET /check/d1.example/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(text.as_bytes()).await.unwrap();
            // Until the first event has come.
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            followers.push(stream);
        }
        assert_eq!(own(address, "streams").await, 2);
        assert_eq!(get(address, "/check/d1.example/events").await.status, 503);
        drop(followers);
        while own(address, "streams").await > 0 {}
        followed(address, "d1.example").await;
        assert_eq!(own(address, "check_duration_seconds_count").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_put_out() {
    let stage = stage().await;
    let limits = Limits {
        stall_time: Duration::from_millis(200),
        ..Limits::default()
    };
    serving(
        with_pages(exporter(stage.setup(), limits), &[]),
        async |address| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = "GET /web/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
            while stream.write_all(request.as_bytes()).await.is_ok() {}
            while own(address, "connections").await > 1 {}
        },
    )
    .await;
}

#[tokio::test]
async fn a_fresh_look_is_not_repeated_and_an_old_one_is() {
    let stage = stage().await;
    let limits = |fresh_for, kept_for| Limits {
        web: WebLimits {
            fresh_for,
            kept_for,
            ..WebLimits::default()
        },
        ..Limits::default()
    };
    let long = Duration::from_secs(300);
    for (fresh_for, kept_for, expected) in [
        (long, long, 1),
        (Duration::ZERO, long, 2),
        (Duration::ZERO, Duration::ZERO, 3),
    ] {
        let pages = with_pages(exporter(stage.setup(), limits(fresh_for, kept_for)), &[]);
        serving(pages, async |address| {
            let ended = async || {
                let events = get(address, "/check/d1.example/events").await;
                assert!(ends(&events.body), "{}", events.body);
            };
            get(address, "/check/d1.example").await;
            ended().await;
            let again = get(address, "/check/d1.example?again=1").await;
            assert_eq!(again.status, 303, "{}", again.body);
            assert!(
                again.head.contains("location: /check/d1.example\r\n"),
                "{}",
                again.head
            );
            ended().await;
            get(address, "/check/d1.example").await;
            ended().await;
            let count = own(address, "check_duration_seconds_count").await;
            assert_eq!(count, expected);
        })
        .await;
    }
}

#[tokio::test]
async fn the_overview_has_the_worst_first_and_the_changes() {
    let stage = stage().await;
    let domains = ["d1.example", "d2.example", "stale.example"];
    let pages = with_pages(exporter(stage.setup(), Limits::default()), &domains);
    serving(pages, async |address| {
        followed(address, "d2.example").await;
        // What Prometheus asks for counts too.
        get(address, "/probe?target=stale.example").await;
        followed(address, "d3.example").await;
        let home = get(address, "/").await.body;
        let overview = home.split("id=\"changes\"").next().unwrap();
        let place = |name: &str| overview.find(&format!("<bdi>{name}</bdi>")).unwrap();
        assert!(place("stale.example") < place("d2.example"), "{home}");
        assert!(place("d2.example") < place("d1.example"), "{home}");
        assert!(!overview.contains("d3.example"), "{home}");
        assert!(
            home.contains("just now") && home.contains("not yet"),
            "{home}"
        );
        let german = get(address, "/?lang=de").await.body;
        let [mine, theirs] = [
            "Mail kommt an, gesch\u{fc}tzt durch DANE.",
            "Absender mit DANE halten",
        ];
        assert!(german.contains(mine) && german.contains(theirs), "{german}");
        assert!(!german.contains("<p lang=\"en\""), "{german}");
        let changes = get(address, "/history?lang=de").await.body;
        for (target, verdict) in [
            ("stale.example", "dane-broken"),
            ("d2.example", "dane-ok"),
            ("d3.example", "dane-ok"),
        ] {
            assert!(
                changes.contains(target) && changes.contains(verdict),
                "{changes}"
            );
        }
        assert!(changes.contains("erste Pr\u{fc}fung"), "{changes}");
    })
    .await;
}
