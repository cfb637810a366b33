//! Completions and man pages say what the help says.

use std::collections::BTreeSet;

use danecheck::observe::Dial;
use danecheck_core::report::ExitStatus;

use crate::support::program::{Ran, run_with};

async fn run(arguments: &[&str]) -> Ran {
    run_with(arguments, b"", Dial::default()).await
}

/// The commands of `danecheck --help`.
async fn commands() -> Vec<String> {
    let help = run(&["--help"]).await.stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap();
    let listed = listed.split("\n\n").next().unwrap();
    // The text of a command may go on in a line of its own, further in.
    let names = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

/// The long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(|c| !is_of_word(c))
        .filter(|word| word.starts_with("--") && word.len() > 3)
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn completions_know_every_command() {
    let commands = commands().await;
    assert!(commands.len() > 5, "{commands:?}");
    assert!(!commands.contains(&"man".to_owned()), "it is for packages");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell]).await;
        assert_eq!((ran.status, ran.stderr.as_str()), (ExitStatus::Fine, ""));
        for command in &commands {
            assert!(ran.stdout.contains(command.as_str()), "{shell}: {command}");
        }
        assert!(ran.stdout.contains("tlspol-version"), "{shell}");
    }
    let ran = run(&["completions", "csh"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("bash"), "{}", ran.stderr);
}

#[tokio::test]
async fn each_command_has_a_page_with_its_options() {
    let folder = std::env::temp_dir().join(format!("danecheck-man-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let ran = run(&["man", folder.to_str().unwrap()]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (ExitStatus::Fine, ""));
    let mut expected = vec!["danecheck.1".to_owned()];
    let mut asked = vec![(vec!["--help".to_owned()], "danecheck.1".to_owned())];
    for command in commands().await {
        let page = format!("danecheck-{command}.1");
        expected.push(page.clone());
        asked.push((vec![command, "--help".to_owned()], page));
    }
    let mut written: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    expected.sort();
    assert_eq!(written, expected);
    for (arguments, page) in asked {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let help = run(&arguments).await.stdout;
        let text = std::fs::read_to_string(folder.join(&page)).unwrap();
        let text = text
            .replace("\\-", "-")
            .replace("\\fB", " ")
            .replace("\\fI", " ");
        let missing: Vec<String> = options(&help)
            .difference(&options(&text))
            .cloned()
            .collect();
        assert!(missing.is_empty(), "{page} lacks {missing:?}");
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{page}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let ran = run(&["man", "no/such/folder"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(
        ran.stderr.contains("no/such/folder/danecheck.1"),
        "{}",
        ran.stderr
    );
}
