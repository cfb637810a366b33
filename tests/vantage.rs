//! Is it me, is it them, or is it somebody between? A domain is seen from two
//! places: by `danecheck compare` and by `--also-from`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets files and sockets"
)]

#[path = "vantage/cases.rs"]
mod cases;
mod support;

use danecheck::observe::{Dial, Setup, observe};
use danecheck_core::report::ExitStatus;
use serde_json::Value;

use cases::{ATTACKS, Case, HEALTHY, UNKNOWN, later, views};
use support::Temporary;
use support::program::{Ran, run_with, schema_faults};

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
