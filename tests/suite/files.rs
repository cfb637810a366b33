//! Reading from files, pipes and devices: no more than needed, however much
//! there is, and never silently if it is not enough.

#![cfg(unix)]

use std::fs::File;
use std::io::{Read as _, Write};
use std::process::{ChildStdin, Command, Stdio};

use danecheck::observe::Dial;
use danecheck_core::report::ExitStatus;
use serde_json::Value;

use crate::support;
use crate::support::Temporary;
use crate::support::program::{Ran, run_with, targets};

/// An observation that the lab has recorded, on one line.
fn recorded(scenario: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let text = std::fs::read(format!("{root}/fixtures/postfix/{scenario}.json")).unwrap();
    let fixture: Value = serde_json::from_slice(&text).unwrap();
    fixture["observation"].to_string()
}

/// One that is in order, and one whose mail waits.
fn good_and_broken() -> (String, String) {
    (
        recorded("agility-all-three"),
        recorded("agility-anchor-sha512-hides-sha256"),
    )
}

async fn replay(text: &str, options: &[&str]) -> Ran {
    let saved = Temporary::with("jsonl", text);
    let all = [&["--replay", saved.path()], options].concat();
    run_with(&all, b"", Dial::Direct).await
}

/// The end of a program.
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// What a child may take of memory beside its stacks and its text, in KiB. The
/// program as `cargo test` builds it needs less than a tenth of that.
const MEMORY: usize = 128 << 10;

/// Runs the real program within [`MEMORY`], with standard input from `feed`,
/// until nobody reads that any more.
fn program(arguments: &[&str], feed: impl FnOnce(&mut ChildStdin) + Send) -> Ended {
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -d {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_danecheck"))
        .args(arguments)
        .env("TOKIO_WORKER_THREADS", "2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let mut out = child.stdout.take().unwrap();
    let mut err = child.stderr.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || feed(&mut stdin));
        scope.spawn(|| out.read_to_string(&mut stdout).unwrap());
        err.read_to_string(&mut stderr).unwrap();
    });
    Ended {
        status: child.wait().unwrap().code(),
        stdout,
        stderr,
    }
}

fn nothing(_: &mut ChildStdin) {}

/// Writes the same on and on.
fn endless(bytes: &'static [u8]) -> impl FnOnce(&mut ChildStdin) + Send {
    let piece = bytes.repeat((1 << 16) / bytes.len());
    move |stdin| while stdin.write_all(&piece).is_ok() {}
}

/// Each option that names a file, and the rest of its command line.
const FILES: [(&[&str], &[&str]); 9] = [
    (&["--replay"], &[]),
    (&["--resume"], &["--json", "a a"]),
    (&["--config"], &[]),
    (&["--ca-file"], &["a a"]),
    (&["--cert"], &["a a"]),
    (&["--trust-anchor"], &["a a"]),
    (&["tlsa"], &[]),
    (&["overrides"], &[]),
    (&["serve", "--listen", "127.0.0.1:0", "--allow-file"], &[]),
];

#[test]
fn a_device_or_a_pipe_without_end_is_refused_in_little_memory() {
    for (option, rest) in FILES {
        for device in ["/dev/zero", "/dev/urandom"] {
            let ended = program(&[option, &[device], rest].concat(), nothing);
            assert_refused(&ended, device, option);
        }
        // A pipe of lines has no end either; some of these are no comments.
        for line in [&b"# no end\n"[..], b"\n", b"{"] {
            let ended = program(&[option, &["/dev/stdin"], rest].concat(), endless(line));
            assert_refused(&ended, "/dev/stdin", option);
        }
    }
}

fn assert_refused(ended: &Ended, file: &str, option: &[&str]) {
    let said = &ended.stderr;
    assert_eq!(ended.status, Some(3), "{option:?} {file}: {said}");
    assert!(said.contains(file), "{option:?} {file}: {said}");
    let why = ["is larger than", "stopped reading it"];
    let why = why.iter().any(|why| said.contains(why));
    assert!(why, "{option:?} {file}: {said}");
    assert!(said.len() < 4000, "{option:?} {file}: {said}");
}

#[test]
fn standard_input_without_end_is_refused_in_little_memory() {
    for (arguments, bytes, why) in [
        (&["--json", "-"][..], &b"x"[..], "a line is longer than"),
        (&["--json", "-"], b"\0", "a line is longer than"),
        (&["explain", "--log"], b"\0", "a line is longer than"),
        (&["explain", "--log", "-"], b"x", "a line is longer than"),
        (&["overrides", "-"], b"\n", "is larger than 16 MiB"),
        (&["overrides", "-"], b"example.com may\n", "is larger than"),
    ] {
        let ended = program(arguments, endless(bytes));
        assert_eq!(ended.status, Some(3), "{arguments:?}: {}", ended.stderr);
        let said = ended.stderr.starts_with("danecheck: standard input: ");
        assert!(said && ended.stderr.contains(why), "{}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{arguments:?}");
    }
}

/// A log is read piece by piece, however long it is, but not without lines.
#[test]
fn a_log_without_lines_is_refused_in_little_memory() {
    let ended = program(&["explain", "--log", "/dev/zero"], nothing);
    assert_eq!(ended.status, Some(3), "{}", ended.stderr);
    let said = "danecheck: /dev/zero: cannot be read: a line is longer than 64 MiB\n";
    assert_eq!(ended.stderr, said);
}

#[test]
fn standard_input_that_cannot_be_read_is_no_end_of_the_list() {
    for arguments in [&["--json", "-"][..], &["overrides", "-"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_danecheck"))
            .args(arguments)
            .stdin(File::open(env!("CARGO_MANIFEST_DIR")).unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(said.contains("standard input"), "{arguments:?}: {said}");
    }
}

/// A pipe has no size, and is read to its end all the same.
#[test]
fn a_pipe_that_ends_is_a_file_like_others() {
    let (good, _) = good_and_broken();
    let pem = a_certificate();
    let anchor = ". IN DS 20326 8 2 \
                  E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
    let stdin = "/dev/stdin";
    for (arguments, text, status, words) in [
        (
            vec!["--json", "--replay", stdin],
            good.as_str(),
            0,
            "dane-ok",
        ),
        (vec!["tlsa", stdin], &pem, 0, "3 1 1"),
        (vec!["overrides", stdin], "# nothing\n", 0, ""),
        // What follows is not a target, which is said once the file was read.
        (
            vec!["--json", "--ca-file", stdin, "a a"],
            &pem,
            3,
            "invalid",
        ),
        (vec!["--json", "--cert", stdin, "a a"], &pem, 3, "invalid"),
        (
            vec!["--json", "--trust-anchor", stdin, "a a"],
            anchor,
            3,
            "invalid",
        ),
        (vec!["--json", "--config", stdin, "a a"], "", 3, "invalid"),
        (
            vec!["--json", "--resume", stdin, "a a"],
            "{\"target\":\"a a\"}",
            0,
            "",
        ),
        (
            vec!["explain", "--log", stdin],
            "Nov 28 12:00:00 mx postfix/smtp[1]: 4: to=<a@example.com>, relay=none, delay=1, \
             delays=0/0/1/0, dsn=4.7.5, status=deferred (Server certificate not verified)\n",
            2,
            "example.com",
        ),
    ] {
        let text = text.to_owned();
        let ended = program(&arguments, move |stdin| {
            stdin.write_all(text.as_bytes()).unwrap();
        });
        let said = &ended.stderr;
        assert_eq!(ended.status, Some(status), "{arguments:?}: {said}");
        assert!(
            ended.stdout.contains(words),
            "{arguments:?}: {}",
            ended.stdout
        );
    }
}

fn a_certificate() -> String {
    use danecheck_world::pki::{Authority, Leaf};
    let root = Authority::root("Test Root", support::now());
    root.issue(Leaf::new(["mx.example"])).leaf().pem()
}

/// A PEM block of hardly anything.
const TINY: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

#[test]
fn more_certificates_than_anybody_has_are_refused() {
    let thousands = |count: usize| Temporary::with("pem", &TINY.repeat(count));
    let (most, more, many) = (thousands(4096), thousands(4097), thousands(200_000));
    let (chain, too_long) = (thousands(100), thousands(101));
    for (arguments, words) in [
        (
            vec!["--ca-file", many.path(), "a a"],
            "is larger than 8 MiB",
        ),
        (
            vec!["--ca-file", more.path(), "a a"],
            "contains more than 4096 certificates",
        ),
        // These are not too many, whatever they are.
        (
            vec!["--ca-file", most.path(), "a a"],
            "`a a` is not a domain",
        ),
        (vec!["--cert", many.path(), "a a"], "is larger than 1 MiB"),
        (vec!["tlsa", many.path()], "is larger than 1 MiB"),
        (
            vec!["tlsa", too_long.path()],
            "contains more than 100 certificates",
        ),
        (
            vec!["--cert", too_long.path(), "a a"],
            "contains more than 100 certificates",
        ),
        (vec!["tlsa", chain.path()], "certificate"),
    ] {
        let ended = program(&arguments, nothing);
        assert_eq!(ended.status, Some(3), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}

/// 300 MiB of observations, of which 30 are judged: the rest of each line is
/// white space, for judging takes longer than reading.
#[test]
fn any_number_of_observations_is_judged_in_little_memory() {
    const LINES: usize = 300;
    let (good, _) = good_and_broken();
    let blank = " ".repeat(1 << 20);
    let ended = program(&["--json", "--replay", "/dev/stdin"], move |stdin| {
        for number in 0..LINES {
            let line = if number % 10 == 0 { good.as_str() } else { "" };
            writeln!(stdin, "{line}{blank}").unwrap();
        }
    });
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), LINES / 10);
}

/// The same for the reports of a previous run.
#[test]
fn any_number_of_reports_is_gone_on_with_in_little_memory() {
    const LINES: usize = 300;
    let blank = " ".repeat(1 << 20);
    let arguments = ["--json", "--resume", "/dev/stdin", "a 0", "a 299", "a 300"];
    let ended = program(&arguments, move |stdin| {
        for number in 0..LINES {
            writeln!(stdin, "{{\"target\":\"a {number}\"}}{blank}").unwrap();
        }
    });
    assert_eq!(ended.status, Some(3), "{}", ended.stderr);
    assert_eq!(targets(&ended.stdout), ["a 300"]);
}

#[tokio::test]
async fn a_bad_line_is_named_and_the_good_ones_are_judged() {
    let (good, broken) = good_and_broken();
    let half = good.get(..1000).unwrap();
    let foreign = r#"{"target":"example.com"}"#;
    let other_format = good.replacen("\"format\":1", "\"format\":3", 1);
    for (text, reports, status, named) in [
        // Half a line at the end, as a kill leaves it.
        (
            format!("{good}\n\n{good}\n{half}"),
            2,
            ExitStatus::Unknown,
            vec!["line 4 is incomplete"],
        ),
        // Half a line with a whole one behind it, as versions before left it.
        (
            format!("{good}\n{half}{good}\n{good}\n"),
            2,
            ExitStatus::Unknown,
            vec!["line 2 is not an observation"],
        ),
        // What waits counts for more than what could not be read.
        (
            format!("{half}\n{broken}\n"),
            1,
            ExitStatus::Broken,
            vec!["line 1 is not an observation"],
        ),
        (
            format!("{good}\nword\n{foreign}\n\r\n\0\0\0\n{other_format}\n{good}\r\n"),
            2,
            ExitStatus::Unknown,
            vec!["line 2 ", "line 3 ", "line 5 ", "line 6 has format 3"],
        ),
        (format!("\n{good}"), 1, ExitStatus::Fine, vec![]),
    ] {
        let ran = replay(&text, &["--json"]).await;
        assert_eq!(ran.status, status, "{}", ran.stderr);
        assert_eq!(ran.stdout.lines().count(), reports, "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), named.len(), "{}", ran.stderr);
        for (line, words) in ran.stderr.lines().zip(named) {
            assert!(line.contains(words), "{line}");
        }
    }
}

/// What was saved while what was cut off was a sentence.
#[tokio::test]
async fn an_observation_of_format_1_is_judged_and_its_sentences_are_printed() {
    let saved = include_str!("../../fixtures/observation/format-1.json");
    let ran = replay(saved, &["--json"]).await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let of_cuts = findings
        .iter()
        .filter(|finding| finding["id"] == "not-all-looked-at");
    let messages: Vec<&str> = of_cuts
        .map(|finding| finding["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        messages,
        [
            "192.0.2.1 sent a longer reply than Postfix reads. danecheck left out the rest.",
            "Time ran out before all answers about 192.0.2.1 arrived. Postfix waits for minutes.",
        ]
    );
    let human = replay(saved, &["-v"]).await;
    for message in messages {
        let words = message.split_whitespace().take(4).collect::<Vec<_>>();
        assert!(human.stdout.contains(&words.join(" ")), "{}", human.stdout);
    }
    let unknown = saved.replacen("\"format\":1", "\"format\":0", 1);
    let ran = replay(&unknown, &["--json"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("has format 0"), "{}", ran.stderr);
}

#[tokio::test]
async fn many_bad_lines_are_not_named_one_by_one() {
    let (good, _) = good_and_broken();
    let ran = replay(&format!("{}{good}\n", "word\n".repeat(500)), &["--json"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert_eq!(ran.stdout.lines().count(), 1);
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(said.len(), 11, "{said:?}");
    assert!(said[10].ends_with("and 490 more lines"), "{said:?}");
}

#[tokio::test]
async fn every_format_judges_the_good_lines() {
    let (good, broken) = good_and_broken();
    let half = good.get(..1000).unwrap();
    for format in [
        "human",
        "nagios",
        "prometheus",
        "junit",
        "github",
        "markdown",
        "html",
    ] {
        let options = ["--format", format];
        let alone = replay(&format!("{good}\n"), &options).await;
        let ran = replay(&format!("{good}\n{half}"), &options).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{format}");
        assert_eq!(ran.stdout, alone.stdout, "{format}");
        let ran = replay(&format!("{broken}\n{half}"), &options).await;
        assert_eq!(ran.status, ExitStatus::Broken, "{format}");
    }
}

/// A table is judged by what can be read of the saved file, and its status
/// says that this was not all.
#[tokio::test]
async fn overrides_are_judged_by_the_good_lines() {
    let (good, _) = good_and_broken();
    let parsed: Value = serde_json::from_str(&good).unwrap();
    let name = parsed["next_hop"]["host"]["name"].as_str().unwrap();
    let table = Temporary::with("table", &format!("{name} dane\n"));
    let run = async |text: &str| {
        let saved = Temporary::with("jsonl", text);
        let arguments = [
            "overrides",
            table.path(),
            "--replay",
            saved.path(),
            "--json",
        ];
        run_with(&arguments, b"", Dial::Direct).await
    };
    let whole = run(&format!("{good}\n")).await;
    let torn = run(&format!("{good}\n{}", good.get(..1000).unwrap())).await;
    assert_eq!(torn.stdout, whole.stdout);
    assert!(
        torn.stderr.contains("line 2 is incomplete"),
        "{}",
        torn.stderr
    );
    assert_eq!(torn.status, ExitStatus::Unknown);
    assert_ne!(whole.status, ExitStatus::Unknown);
}

#[tokio::test]
async fn what_cannot_be_written_ends_the_run_and_is_named() {
    let run = async |arguments: &[&str]| run_with(arguments, b"", Dial::Direct).await;
    let quick = ["--json", "--timeout", "1", "--resolver", "127.0.0.1:1"];
    let ran = run(&[&quick[..], &["--save", "/dev/full", "example.com"]].concat()).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(
        ran.stderr.contains("/dev/full: cannot be written: "),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "", "a report whose observation is lost");
    let table = Temporary::with("table", "example.com may\n");
    let ran = run(&[
        "overrides",
        table.path(),
        "--timeout",
        "1",
        "--resolver",
        "127.0.0.1:1",
        "--save",
        "/dev/full",
    ])
    .await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("/dev/full"), "{}", ran.stderr);
    // Standard output, of the program itself.
    let output = Command::new(env!("CARGO_BIN_EXE_danecheck"))
        .args(["--json", "a a"])
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("standard output cannot be written"), "{said}");
}

/// As long as the domains of a file were counted line by line for each, this
/// took minutes.
#[test]
fn a_file_of_many_domains_is_read_in_one_go() {
    let all: String = (0..60_000)
        .map(|number| format!("[[domain]]\nname = \"d{number}.example\"\n"))
        .collect();
    let twice = format!("{all}[[domain]]\nname = \"d7.example\"\n");
    let error = danecheck::config::Config::parse("many.toml", &twice).unwrap_err();
    assert_eq!(
        error.to_string(),
        "many.toml:120001: d7.example already has an entry, in line 15"
    );
}
