//! The progress line, together with other output on the same terminal.

use std::io::{Error, ErrorKind, Write};
use std::sync::{Arc, Mutex};

use danecheck::cli::{Environment, Terminals};
use danecheck::observe::Dial;
use danecheck_core::report::ExitStatus;

use crate::support::program::{Ran, run_in};

/// What makes room for something else.
const CLEARED: &str = "\r\x1b[K";

/// Where standard error alone is a terminal.
const STDERR: Terminals = Terminals {
    stdin: false,
    stdout: false,
    stdout_may_be: false,
    stderr: true,
};

/// The same, where standard output is a pipe.
const PIPED: Terminals = Terminals {
    stdout_may_be: true,
    ..STDERR
};

/// A run over lines that are no targets: each has its report at once, without
/// a network.
async fn run(arguments: &[&str], change: impl FnOnce(&mut Environment)) -> Ran {
    let all: Vec<&str> = ["--json", "--resolver", "127.0.0.1:1"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    run_in(&all, b"a a\nb b\nc c\n", Dial::default(), change).await
}

/// Standard output with room for one report.
struct Full(bool);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match std::mem::replace(&mut self.0, true) {
            false => Ok(bytes.len()),
            true => Err(Error::from(ErrorKind::StorageFull)),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_terminal_sees_how_far_the_run_has_come() {
    let ran = run(&["-"], |environment| environment.terminals = STDERR).await;
    assert_eq!(ran.stdout.lines().count(), 3);
    // Drawn once, since it is over so soon, and gone at the end.
    assert!(
        ran.stderr.starts_with("\r1 of 3 done, 2 under way"),
        "{:?}",
        ran.stderr
    );
    assert!(ran.stderr.ends_with(CLEARED), "{:?}", ran.stderr);
    let silent = run(&["-"], |_| {}).await;
    assert_eq!(silent.stderr, "");
}

#[tokio::test]
async fn a_report_on_the_same_terminal_begins_its_own_line() {
    let ran = run(&["-"], |environment| {
        environment.terminals = Terminals {
            stdout: true,
            ..STDERR
        };
    })
    .await;
    assert_eq!(ran.stderr.matches(" done").count(), 3, "{:?}", ran.stderr);
    assert_eq!(ran.stderr.matches(CLEARED).count(), 3, "{:?}", ran.stderr);
}

/// Standard output and standard error as one terminal sees them.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_report_is_glued_to_the_line_where_standard_output_is_a_pipe() {
    for format in ["--json", "--format=nagios", "--format=github"] {
        let screen = Screen::default();
        let (stdout, stderr) = (screen.clone(), screen.clone());
        run_in(
            &[format, "--resolver", "127.0.0.1:1", "-"],
            b"a a\nb b\nc c\n",
            Dial::default(),
            |environment| {
                environment.terminals = PIPED;
                environment.stdout = Box::new(stdout);
                environment.stderr = Box::new(stderr);
            },
        )
        .await;
        let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        assert!(shown.contains("of 3 done"), "{shown:?}");
        // After what was drawn, nothing but what clears it.
        for (place, drawn) in shown.match_indices(" done") {
            let after = &shown[place + drawn.len()..];
            let rest = after.split_once("\x1b[K").unwrap().1;
            assert!(rest.is_empty() || rest.starts_with(CLEARED), "{shown:?}");
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_told_in_a_line_of_its_own() {
    let ran = run(&["-"], |environment| {
        environment.terminals = STDERR;
        environment.stdout = Box::new(Full(false));
    })
    .await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    let told = format!("{CLEARED}danecheck: standard output cannot be written: ");
    assert!(ran.stderr.contains(&told), "{:?}", ran.stderr);
}

#[tokio::test]
async fn what_is_wrong_with_an_argument_is_told_in_a_line_of_its_own() {
    let ran = run(&["-", "d d"], |environment| environment.terminals = STDERR).await;
    let told = format!("{CLEARED}danecheck: `d d` is not a domain name");
    assert!(ran.stderr.contains(&told), "{:?}", ran.stderr);
}

#[tokio::test]
async fn a_narrow_terminal_is_not_overrun() {
    type Width = fn() -> usize;
    let widths: [(Width, &str); 4] = [
        (|| 0, ""),
        (|| 4, "1 o"),
        (|| 16, "1 of 3 done"),
        (|| 40, "1 of 3 done, "),
    ];
    for (width, line) in widths {
        let ran = run(&["-"], |environment| {
            environment.terminals = STDERR;
            environment.line_width = width;
        })
        .await;
        let drawn = ran.stderr.split(['\r', '\x1b']).nth(1).unwrap();
        assert!(drawn.starts_with(line), "{}: {drawn:?}", width());
        assert!(
            drawn.len() <= width().saturating_sub(1),
            "{}: {drawn:?}",
            width()
        );
    }
}

#[tokio::test]
async fn whoever_types_the_targets_is_not_disturbed() {
    let typed = Terminals {
        stdin: true,
        ..STDERR
    };
    let ran = run(&["-"], |environment| environment.terminals = typed).await;
    assert_eq!(ran.stderr, "");
    // What is named on the command line is not typed any more.
    let ran = run(&["a a", "b b"], |environment| environment.terminals = typed).await;
    assert!(ran.stderr.contains("of 2 done"), "{:?}", ran.stderr);
}

/// What reads a pipe prints on the same terminal, and would continue the line.
#[tokio::test]
async fn reports_for_people_in_a_pipe_have_no_progress_beside_them() {
    let arguments = ["--resolver", "127.0.0.1:1", "-"];
    let stdin = b"a a\nb b\nc c\n";
    let piped = run_in(&arguments, stdin, Dial::default(), |environment| {
        environment.terminals = STDERR;
    })
    .await;
    assert_eq!(piped.stderr, "");
    assert_eq!(
        piped.stdout.matches("unknown  ").count(),
        3,
        "{}",
        piped.stdout
    );
    let into_file = run_in(&arguments, stdin, Dial::default(), |environment| {
        environment.terminals = STDERR;
        environment.output_file = || std::fs::File::open("/dev/null").ok();
    })
    .await;
    assert!(
        into_file.stderr.contains("of 3 done"),
        "{:?}",
        into_file.stderr
    );
}
