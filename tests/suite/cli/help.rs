//! `-h` and `--help`.

use danecheck_core::report::ExitStatus;

use super::run_alone;

/// The commands that `--help` names.
fn commands(help: &str) -> Vec<&str> {
    let list = help.split("Commands:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter_map(|line| line.strip_prefix("  "));
    names
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

#[tokio::test]
async fn short_help_fits_on_a_page_and_long_help_has_groups_and_examples() {
    let short = run_alone(&["-h"]).await.stdout;
    let long = run_alone(&["--help"]).await.stdout;
    for text in [&short, &long] {
        assert_eq!(
            text.matches("\n  danecheck ").count() + text.matches("| danecheck ").count(),
            3
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
    for command in [
        &[][..],
        &["overrides"],
        &["serve"],
        &["triage"],
        &["tlsa"],
        &["explain"],
    ] {
        let ran = run_alone(&[command, &["-h"]].concat()).await;
        let lines = ran.stdout.lines().count();
        assert!(lines <= 40, "{command:?}: {lines}\n{}", ran.stdout);
    }
    for name in commands(&long) {
        let ran = run_alone(&[name, "-h"]).await;
        let lines = ran.stdout.lines().count();
        assert!(lines <= 40, "{name}: {lines}\n{}", ran.stdout);
        assert_eq!(ran.status, ExitStatus::Fine, "{name}");
    }
    assert!(long.contains("Exit status:"), "{long}");
    for heading in [
        "Options:",
        "Output:",
        "How to look:",
        "The way to mail servers:",
        "Many targets:",
        "Saved observations:",
        "What you expect:",
        "The sender:",
    ] {
        assert!(
            long.contains(&format!("\n{heading}\n")),
            "{heading}\n{long}"
        );
    }
    // A line between options, and the same values at several, made it 283.
    let lines = long.lines().count();
    assert!(lines <= 220, "{lines}\n{long}");
    for (name, value) in [
        ("--format", "prometheus  Metrics for the textfile collector"),
        (
            "--entry",
            "kumomta            a section of custom-shaping.toml",
        ),
        ("--sender", "local    The Postfix on this machine"),
    ] {
        let (_, values) = long.split_once(&format!("\nValues of {name}:\n")).unwrap();
        let values = values.split("\n\n").next().unwrap();
        assert!(values.contains(value), "{values}");
    }
    let by_command = run_alone(&["help"]).await.stdout;
    assert_eq!(by_command, long);
    for name in commands(&long) {
        let whole = run_alone(&[name, "--help"]).await.stdout;
        assert!(
            whole.lines().all(|line| line.chars().count() <= 80),
            "{whole}"
        );
        assert!(
            whole.contains(&format!("Usage: danecheck {name}")),
            "{whole}"
        );
        let short = run_alone(&[name, "-h"]).await.stdout;
        assert!(whole.lines().count() >= short.lines().count(), "{whole}");
        assert_eq!(run_alone(&["help", name]).await.stdout, whole);
    }
    for option in [
        "--per-host",
        "--replay",
        "-4, --ipv4",
        "--source",
        "--no-config",
    ] {
        assert!(long.contains(option), "{option}");
        assert!(!short.contains(option), "{option}");
    }
}

/// The words of a group of options are not those of the command that has them.
#[tokio::test]
async fn each_command_is_described_by_its_own_words() {
    let help = run_alone(&["--help"]).await.stdout;
    let list = help.split("Commands:\n").nth(1).unwrap();
    let list = list.split("\n\n").next().unwrap();
    let list = list.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut texts = std::collections::BTreeSet::new();
    for name in commands(&help) {
        let own = run_alone(&[name, "--help"]).await.stdout;
        let text = own.lines().next().unwrap().to_owned();
        assert!(list.contains(&text), "{name}: {text}\n{list}");
        assert!(texts.insert(text.clone()), "{name}: {text}");
    }
    for text in [
        "Examine this machine as a sender",
        "Explain a finding, a text, a log or a TLS report",
        "Say which overrides are still needed",
        "Serve metrics for Prometheus over HTTP, and pages for people",
        "Say why mail waits, from a log, a queue or a notice, and what to do",
    ] {
        assert!(texts.contains(text), "{text}: {texts:?}");
    }
}
