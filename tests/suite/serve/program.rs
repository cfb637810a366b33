//! `danecheck serve --web` as a program, and its file of changes.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::ground::{FORM, get, post};
use crate::support::Temporary;
use crate::support::program::run_with;

/// The program that serves pages, until this is dropped.
struct Served {
    program: Child,
    address: SocketAddr,
}

impl Served {
    fn start(options: &[&str]) -> (Self, Vec<String>) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_danecheck"))
            .args(["serve", "--web", "--listen", "127.0.0.1:0", "--no-config"])
            .args(["--resolver", "127.0.0.1:1", "--timeout", "2"])
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(program.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix("danecheck: listening on http://") {
                let address = rest.split(',').next().unwrap().parse().unwrap();
                return (Self { program, address }, said);
            }
            said.push(line);
        }
        let ended = program.wait();
        panic!("{ended:?} {said:?}");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[tokio::test]
async fn the_program_reads_what_people_paste_and_keeps_changes_over_a_kill() {
    let state = Temporary::with("jsonl", "");
    let options = [
        "--allow",
        "d1.example,xn--bcher-kva.example",
        "--state",
        state.path(),
    ];
    let (served, _) = Served::start(&options);
    for (given, target) in [
        ("user%40d1.example", "d1.example"),
        ("https%3A%2F%2Fd1.example%2Fx%3Fy", "d1.example"),
        ("b%C3%BCcher.example", "xn--bcher-kva.example"),
    ] {
        let answer = post(served.address, FORM, &format!("target={given}")).await;
        assert!(
            answer
                .head
                .contains(&format!("location: /check/{target}\r\n")),
            "{}",
            answer.head
        );
    }
    // No resolver answers there: that is a verdict too.
    let json = get(served.address, "/check/d1.example.json").await;
    assert_eq!(json.status, 200, "{}", json.body);
    drop(served);
    let text = std::fs::read_to_string(state.path()).unwrap();
    assert!(text.contains("\"d1.example\",\"before\":null"), "{text}");
    std::fs::write(state.path(), format!("{text}{{\"at\":\"2026")).unwrap();
    let (served, said) = Served::start(&options);
    assert!(
        said.iter()
            .any(|line| line.contains("the last line is not whole")),
        "{said:?}"
    );
    let changes = get(served.address, "/history").await.body;
    assert!(
        changes.contains("d1.example") && changes.contains("indeterminate"),
        "{changes}"
    );
    let options = [
        "serve",
        "--web",
        "--no-config",
        "--allow",
        "d1.example",
        "--state",
    ];
    let options = [&options[..], &[state.path()]].concat();
    let second = run_with(&options, b"", Default::default()).await;
    assert!(
        second.stderr.contains("another danecheck"),
        "{}",
        second.stderr
    );
}

#[tokio::test]
async fn a_state_has_to_be_ours_and_needs_a_list() {
    let other = Temporary::with("txt", "notes\n");
    for (options, text) in [
        (
            &["serve", "--allow", "d1.example", "--state", "x"][..],
            "--web",
        ),
        (
            &["serve", "--web", "--allow-any", "--state", "x"],
            "--allow-any",
        ),
        (
            &[
                "serve",
                "--web",
                "--allow",
                "d1.example",
                "--state",
                other.path(),
            ],
            "is not a file of danecheck",
        ),
        (
            &[
                "serve",
                "--web",
                "--allow",
                "d1.example",
                "--state",
                "/dev/null",
            ],
            "is not a regular file",
        ),
    ] {
        let ran = run_with(options, b"", Default::default()).await;
        assert_eq!(ran.status as u8, 3, "{options:?}");
        assert!(ran.stderr.contains(text), "{options:?}: {}", ran.stderr);
    }
    assert_eq!(std::fs::read_to_string(other.path()).unwrap(), "notes\n");
}
