//! `--config`: the domains of a file, and what is expected of each.

use danecheck::config::Config;
use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::Dial;
use danecheck_core::judge::Verdict;
use danecheck_core::report::{ExitStatus, Report};
use danecheck_world::dns::Zone;
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, in_order};
use crate::support::program::{Ran, report_of, run_in, run_on, run_with};
use crate::support::{Temporary, ids, now};

/// `example.com` with an MX host in order and a backup with a stale record,
/// `example.org` without TLSA records, and `example.net` with the backup alone.
async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx1.example.com");
    stage.zone(in_order(&identity).mx("@", 20, "backup.example.net."));
    stage.server(MX1, MailServer::new(identity));
    let backup = Zone::signed("example.net.")
        .mx("@", 10, "backup")
        .records("backup A 192.0.2.11")
        .tlsa("_25._tcp.backup", &stale_tlsa(3, 1, 1));
    stage.zone(backup);
    let server = MailServer::new(stage.identity("backup.example.net"));
    stage.server("192.0.2.11", server);
    stage.zone(Zone::signed("example.org.").records("@ A 192.0.2.12"));
    stage.server("192.0.2.12", MailServer::new(stage.identity("example.org")));
    stage.start().await.unwrap()
}

async fn check(stage: &RunningStage, config: &str, options: &[&str]) -> Ran {
    let file = Temporary::with("toml", config);
    let all = [&["--config", file.path()], options].concat();
    run_on(stage, &all, b"").await
}

async fn report(stage: &RunningStage, config: &str, options: &[&str]) -> Report {
    let ran = check(stage, config, &[&["--json"], options].concat()).await;
    assert_eq!(ran.stderr, "");
    report_of(&ran)
}

#[tokio::test]
async fn all_domains_are_checked_each_by_its_own_terms() {
    let stage = stage().await;
    let both = "[[domain]]\nname = \"example.com\"\nskip-hosts = [\"backup.example.net\"]\n\
                require-dane = true\n\
                [[domain]]\nname = \"example.org\"\n";
    let ran = check(&stage, both, &["--json"]).await;
    let mut targets: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Report>(line).unwrap().target)
        .collect();
    targets.sort();
    assert_eq!(targets, ["example.com", "example.org"]);
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stdout);
    // What the file does not ask of one domain the command line asks of all.
    let ran = check(&stage, both, &["--require-dane"]).await;
    assert_eq!(ran.status, ExitStatus::Broken);
    let ran = check(&stage, both, &["--require-dane", "--fail-on", "never"]).await;
    assert_eq!(ran.status, ExitStatus::Fine);
    // Only the targets that are named, by the terms that they have in the file.
    let ran = check(&stage, both, &["--format", "nagios", "example.com"]).await;
    assert!(
        ran.stdout.starts_with("DANE OK - example.com"),
        "{}",
        ran.stdout
    );
    // And by the defaults where they have none.
    let defaults = "[defaults]\nrequire-dane = true\n";
    let ran = check(&stage, defaults, &["example.org"]).await;
    assert_eq!(ran.status, ExitStatus::Broken);
}

#[tokio::test]
async fn a_skipped_host_is_not_looked_at_and_told() {
    let stage = stage().await;
    let plain = "[[domain]]\nname = \"example.com\"\n";
    let seen = report(&stage, plain, &[]).await;
    assert_eq!(seen.verdict, Verdict::DanePartial);
    let before = stage.servers()[1].sessions().len();
    assert!(before > 0);

    let skipping = format!("{plain}skip-hosts = [\"Backup.Example.NET.\"]\n");
    let seen = report(&stage, &skipping, &[]).await;
    assert_eq!(seen.verdict, Verdict::DaneOk);
    assert_eq!(ids(&seen), ["host-skipped"]);
    assert_eq!(seen.skipped_hosts, ["backup.example.net"]);
    assert_eq!(stage.servers()[1].sessions().len(), before);
    let ran = check(&stage, &skipping, &[]).await;
    let unwrapped = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "Not checked: backup.example.net, as danecheck.toml says.";
    assert!(unwrapped.contains(told), "{}", ran.stdout);

    // What was saved without the file is judged by it too.
    let saved = Temporary::with("json", "");
    check(&stage, plain, &["--save", saved.path()]).await;
    let file = Temporary::with("toml", &skipping);
    let options = ["--json", "--replay", saved.path(), "--config", file.path()];
    let again = run_with(&options, b"", Dial::default()).await;
    let again: Report = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again.verdict, Verdict::DaneOk);
    assert_eq!(again.skipped_hosts, ["backup.example.net"]);
}

#[tokio::test]
async fn where_every_host_is_skipped_nothing_can_be_told() {
    let stage = stage().await;
    let config = "[[domain]]\nname = \"example.net\"\nskip-hosts = [\"backup.example.net\"]\n";
    let seen = report(&stage, config, &[]).await;
    assert_eq!(seen.verdict, Verdict::Indeterminate);
    assert!(seen.recommendation.reason.contains("skip-hosts"));
    assert_eq!(check(&stage, config, &[]).await.status, ExitStatus::Unknown);
}

#[tokio::test]
async fn mx_records_that_differ_are_broken_whatever_the_servers_are_like() {
    let stage = stage().await;
    let skip = "skip-hosts = [\"backup.example.net\"]";
    let com = "[[domain]]\nname = \"example.com\"\n";
    for (entry, told) in [
        (
            format!("{com}{skip}\nexpected-mx = [\"backup.example.net\", \"MX1.example.com.\"]"),
            None,
        ),
        (
            format!("{com}{skip}\nexpected-mx = [\"mx1.example.com\"]"),
            Some("backup.example.net is not expected."),
        ),
        (
            format!("{com}{skip}\nexpected-mx = [\"mx1.example.com\", \"mx2.example.com\"]"),
            Some("mx2.example.com is missing, backup.example.net is not expected."),
        ),
        // Without MX records the domain itself takes the mail.
        (
            "[[domain]]\nname = \"example.org\"\nexpected-mx = [\"example.org\"]".to_owned(),
            None,
        ),
        (
            "[[domain]]\nname = \"example.org\"\nexpected-mx = [\"mx.example.org\"]".to_owned(),
            Some("mx.example.org is missing, example.org is not expected."),
        ),
    ] {
        let seen = report(&stage, &entry, &[]).await;
        let finding = seen
            .findings
            .iter()
            .find(|one| one.id == "mx-not-as-expected");
        assert_eq!(finding.is_some(), told.is_some(), "{entry}");
        for options in [&[][..], &["--fail-on", "error"]] {
            let status = check(&stage, &entry, options).await.status;
            let expected = match told {
                None => ExitStatus::Fine,
                Some(_) => ExitStatus::Broken,
            };
            assert_eq!(status, expected, "{entry}");
        }
        if let (Some(finding), Some(told)) = (finding, told) {
            assert!(finding.message.ends_with(told), "{}", finding.message);
            assert_eq!(seen.findings[0], *finding);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_told_before_anything_is_looked_at() {
    let stage = stage().await;
    for (config, told) in [
        (
            "[defaults]\nrequire_dane = true\n",
            ":2: unknown key `require_dane` in [defaults]: did you mean `require-dane`?\n",
        ),
        ("[defaults]\n", "names no domain"),
        ("[[domain]\n", ":1: "),
    ] {
        let ran = check(&stage, config, &[]).await;
        assert_eq!(ran.status, ExitStatus::Unknown);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    let ran = run_with(&["--config", "/nowhere.toml"], b"", Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("/nowhere.toml"), "{}", ran.stderr);
    assert_eq!(stage.servers()[0].sessions().len(), 0);
}

/// A run that finds these files where the user and the machine have theirs.
async fn check_finding(stage: &RunningStage, files: &[&Temporary], options: &[&str]) -> Ran {
    let resolver = stage.dns().addr().to_string();
    let anchor = Temporary::with("anchor", stage.dns().trust_anchor());
    let look = ["--allow-private", "--resolver", &resolver];
    let all = [&look[..], &["--trust-anchor", anchor.path()], options].concat();
    let found = files.iter().map(|file| file.path().into());
    let missing = std::iter::once("/nowhere/danecheck.toml".into());
    let paths: Vec<_> = missing.chain(found).collect();
    run_in(&all, b"", stage.dial(), |environment| {
        environment.config_files = paths;
    })
    .await
}

#[tokio::test]
async fn the_file_of_the_user_or_the_machine_is_found_and_named() {
    let stage = stage().await;
    let strict = Temporary::with(
        "toml",
        "[[domain]]\nname = \"example.org\"\nrequire-dane = true\n",
    );
    let lax = Temporary::with("toml", "[[domain]]\nname = \"example.org\"\n");
    // The first that exists counts, alone.
    for (files, status) in [
        ([&strict, &lax], ExitStatus::Broken),
        ([&lax, &strict], ExitStatus::Fine),
    ] {
        let ran = check_finding(&stage, &files, &["example.org"]).await;
        assert_eq!(ran.status, status);
        let path = files[0].path();
        let said = format!("danecheck: using {path} (--no-config ignores it)\n");
        assert_eq!(ran.stderr, said);
    }
    let options = ["--no-config", "example.org"];
    let ran = check_finding(&stage, &[&strict], &options).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (ExitStatus::Fine, ""));
    let options = ["--config", lax.path(), "example.org"];
    let ran = check_finding(&stage, &[&strict], &options).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (ExitStatus::Fine, ""));
    let ran = check_finding(&stage, &[&strict], &["-q", "example.com"]).await;
    assert_eq!(ran.stderr, "");
    // Its domains are targets only where it is named.
    let ran = check_finding(&stage, &[&strict], &["--json"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("<TARGET>"), "{}", ran.stderr);
    let both = ["--config", lax.path(), "--no-config", "example.org"];
    let ran = check_finding(&stage, &[], &both).await;
    assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
    // What is wrong with it is said like that of any other.
    let wrong = Temporary::with("toml", "require_dane = true\n");
    let ran = check_finding(&stage, &[&wrong], &["example.org"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(
        ran.stderr.contains("unknown key `require_dane`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_example_is_valid_and_shows_every_key() {
    let path = "contrib/danecheck.toml";
    let text = std::fs::read_to_string(path).unwrap();
    let config = Config::parse(path, &text).unwrap();
    assert_eq!(config.domains().len(), 2);
    let first = config.terms(&config.domains()[0]);
    assert!(first.require_dane && first.expected_mx.is_some() && !first.skip_hosts.is_empty());
    // Every key that an error would name as known.
    let unknown = "[[domain]]\nzzz = 1";
    let error = Config::parse(path, unknown).unwrap_err().to_string();
    let keys: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
    assert_eq!(keys.len(), 6, "{error}");
    for key in keys {
        assert!(text.contains(&format!("\n{key} = ")), "{key}");
    }
}
