//! `danecheck overrides`: the right result for each line of a table, and the
//! table as it should be.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::overrides::{OverrideStatus, OverridesReport};
use danecheck_core::report::ExitStatus;
use danecheck_world::dns::Zone;
use danecheck_world::pki::{Leaf, stale_tlsa};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::program::{Ran, overrides_on};
use crate::support::{Temporary, now};

/// What stands at one domain.
enum Domain {
    /// DANE in order.
    Good,
    /// A record of a key that is gone.
    Stale,
    /// The same, and a certificate of no trusted authority.
    StaleSelfSigned,
    /// No TLSA records.
    Plain,
    /// TLSA records of which none can be used.
    Unusable,
    /// TLSA records, and a server that misbehaves.
    Misbehaving(Misbehaviour),
    /// Nobody answers.
    Refusing,
}

/// The domains, and whatever is below `below.example`.
fn domains() -> Vec<(&'static str, Domain)> {
    vec![
        ("good.example", Domain::Good),
        ("good2.example", Domain::Good),
        ("good3.example", Domain::Good),
        ("stale.example", Domain::Stale),
        ("stale2.example", Domain::Stale),
        ("stale3.example", Domain::Stale),
        ("stale4.example", Domain::Stale),
        ("stale5.example", Domain::Stale),
        ("stale6.example", Domain::Stale),
        ("stale7.example", Domain::Stale),
        ("self.example", Domain::StaleSelfSigned),
        ("plain.example", Domain::Plain),
        ("plain2.example", Domain::Plain),
        ("plain3.example", Domain::Plain),
        ("unusable.example", Domain::Unusable),
        (
            "clear.example",
            Domain::Misbehaving(Misbehaviour::NoStartTls),
        ),
        (
            "clear2.example",
            Domain::Misbehaving(Misbehaviour::NoStartTls),
        ),
        (
            "silent.example",
            Domain::Misbehaving(Misbehaviour::DropBeforeStartTlsReply),
        ),
        ("down.example", Domain::Refusing),
        ("good.below.example", Domain::Good),
        ("stale.below.example", Domain::Stale),
    ]
}

/// Where the checks take place, and a file with its trusted root.
struct Ground {
    stage: RunningStage,
    ca: Temporary,
}

async fn ground() -> Ground {
    let mut stage = Stage::new(now());
    let ca = Temporary::with("pem", &stage.root.certificate().pem());
    stage.zone(Zone::signed("below.example."));
    for (number, (domain, kind)) in domains().into_iter().enumerate() {
        let host = format!("mx.{domain}");
        let address = format!("192.0.2.{}", number + 1);
        let identity = match kind {
            Domain::StaleSelfSigned => Leaf::new([host.as_str()]).self_signed(stage.now),
            _ => stage.identity(&host),
        };
        let zone = Zone::signed(&format!("{domain}."))
            .mx("@", 10, "mx")
            .records(&format!("mx A {address}"));
        let record = match kind {
            Domain::Good | Domain::Misbehaving(_) | Domain::Refusing => {
                Some(identity.tlsa(3, 1, 1))
            }
            Domain::Stale | Domain::StaleSelfSigned => Some(stale_tlsa(3, 1, 1)),
            Domain::Unusable => Some(identity.tlsa(1, 1, 1)),
            Domain::Plain => None,
        };
        stage.zone(match record {
            Some(record) => zone.tlsa("_25._tcp.mx", &record),
            None => zone,
        });
        let server = MailServer::new(identity);
        match kind {
            Domain::Refusing => stage.refusing(&address),
            Domain::Misbehaving(how) => stage.server(&address, server.misbehaving([how])),
            _ => stage.server(&address, server),
        }
    }
    Ground {
        stage: stage.start().await.unwrap(),
        ca,
    }
}

async fn overrides(ground: &Ground, options: &[&str], text: &str) -> Ran {
    overrides_on(&ground.stage, &ground.ca, options, text).await
}

fn report(ran: &Ran) -> OverridesReport {
    assert_eq!(ran.stderr, "");
    let report = serde_json::from_str(&ran.stdout).unwrap();
    let schema = jsonschema::validator_for(&danecheck_core::overrides::schema()).unwrap();
    assert!(schema.is_valid(&serde_json::to_value(&report).unwrap()));
    report
}

/// The table: each line, the word on it, and what is to stand there instead
/// (`-` for nothing, `=` for itself).
fn table(pin: &str) -> Vec<(String, OverrideStatus, &'static str)> {
    use OverrideStatus::{
        CouldNotTell, Deliberate, Duplicate, Malformed, Needed, NeverUsed, NoLongerNeeded,
        NotEnough, StricterWouldDo,
    };
    let advised = "# danecheck 2026-09-01 [mx.plain2.example]: It matched nothing.\n\
                   #   Remove when: it does\n";
    [
        // Needed.
        ("stale.example encrypt", Needed, "="),
        ("clear.example may", Needed, "="),
        ("silent.example none", Needed, "="),
        ("stale2.example secure match=mx.stale2.example", Needed, "="),
        ("stale3.example verify", Needed, "="),
        // A choice of somebody's.
        ("plain.example encrypt", Deliberate, "="),
        ("good.example secure match=mx.good.example", Deliberate, "="),
        ("plain2.example verify", Deliberate, "="),
        // No longer needed.
        ("good3.example encrypt", NoLongerNeeded, "-"),
        // The line below for the same name asks for more.
        ("good2.example encrypt", Duplicate, "-"),
        ("unusable.example may", NoLongerNeeded, "-"),
        ("plain3.example none", NoLongerNeeded, "-"),
        // Stricter would do.
        (
            "stale4.example may",
            StricterWouldDo,
            "stale4.example  encrypt",
        ),
        (
            "clear2.example none",
            StricterWouldDo,
            "clear2.example  may",
        ),
        ("stale5.example encrypt protocols=", Needed, "="),
        // Not enough.
        (
            "self.example secure match=mx.self.example",
            NotEnough,
            "self.example  encrypt",
        ),
        ("down.example may", NotEnough, "="),
        (
            "[mx.clear.example] encrypt",
            NotEnough,
            "[mx.clear.example]  may",
        ),
        // Malformed: at once, late, and a level that is none.
        (
            "stale6.example encrypt match=mx.stale6.example",
            Malformed,
            "stale6.example  encrypt",
        ),
        (
            "stale7.example encrypt ciphers=best",
            Malformed,
            "stale7.example  encrypt",
        ),
        ("[mx.good.example] encrpyt", Malformed, "-"),
        (
            "[mx.good.example]:25 may protocols=!SSLv2,!SSLv3",
            Malformed,
            "-",
        ),
        (
            "[mx.stale.example]:25 fingerprint",
            Malformed,
            "[mx.stale.example]:25  encrypt",
        ),
        // Never used.
        ("stale.example may", Duplicate, "-"),
        ("Good2.EXAMPLE verify", Deliberate, "="),
        ("user@good.example may", NeverUsed, "-"),
        ("*.good.example may", NeverUsed, "-"),
        // Never used, and something was meant for which mail waits.
        (
            "mx.stale.example. may",
            NotEnough,
            "mx.stale.example  encrypt",
        ),
        // For all names below.
        (".below.example encrypt", Needed, "="),
        (".elsewhere.example encrypt", CouldNotTell, "="),
        (
            "good.below.example may",
            StricterWouldDo,
            "good.below.example  dane",
        ),
    ]
    .into_iter()
    .map(|(line, word, right)| (line.to_owned(), word, right))
    .chain([
        (
            format!("[mx.plain.example] fingerprint match={pin}"),
            NotEnough,
            "-",
        ),
        (
            format!("[mx.stale2.example] fingerprint match={pin}"),
            NotEnough,
            "[mx.stale2.example]  fingerprint PIN",
        ),
        (
            format!("{advised}[mx.plain2.example] verify"),
            NoLongerNeeded,
            "-",
        ),
    ])
    .collect()
}

const NO_PIN: &str = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
                      00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

#[tokio::test]
async fn each_of_thirty_lines_gets_the_right_word() {
    let ground = ground().await;
    let table = table(NO_PIN);
    assert!(table.len() >= 30);
    let text: String = table.iter().map(|(line, ..)| format!("{line}\n")).collect();
    let below = ["--json", "--below", "stale.below.example"];
    let ran = overrides(&ground, &below, &text).await;
    let report = report(&ran);
    assert_eq!(report.form, "postfix");
    let wrong: Vec<String> = table
        .iter()
        .zip(&report.overrides)
        .filter_map(|((line, word, right), got)| {
            let replaced = got.replace_with.clone();
            let is = match replaced {
                Some(line) => line,
                None if got.remove => "-".to_owned(),
                None => "=".to_owned(),
            };
            let is = match is.split_once(" match=") {
                Some((head, _)) if right.ends_with("PIN") => format!("{head} PIN"),
                _ => is,
            };
            (got.word != *word || is != *right)
                .then(|| format!("{line}\n   {:?} {is}: {}", got.word, got.reason))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(report.overrides.len(), table.len());
    assert_eq!(ran.status, ExitStatus::Broken);
}

/// What is advised is enough, and nothing more is to be said of it.
#[tokio::test]
async fn the_table_as_it_should_be_needs_no_further_change() {
    let ground = ground().await;
    let text: String = table(NO_PIN)
        .iter()
        .map(|(line, ..)| format!("# of ours\n{line}\n\n"))
        .collect();
    let below = ["--below", "stale.below.example"];
    let write = [
        "--write",
        "--accept-weaker",
        "--below",
        "stale.below.example",
    ];
    let written = overrides(&ground, &write, &text).await;
    assert_eq!(written.status, ExitStatus::Broken);
    let ours = written.stdout.matches("# of ours\n").count();
    assert_eq!(ours, table(NO_PIN).len(), "{}", written.stdout);
    assert!(!written.stdout.contains("2026-09-01"), "{}", written.stdout);
    let json = [&["--json"], &below[..]].concat();
    let again = report(&overrides(&ground, &json, &written.stdout).await);
    for one in &again.overrides {
        let settled = match one.word {
            OverrideStatus::Needed | OverrideStatus::Deliberate => true,
            // Nobody answers there, and a parent that nothing is known of.
            OverrideStatus::NotEnough => one.next_hop == "down.example",
            OverrideStatus::CouldNotTell => one.next_hop == ".elsewhere.example",
            _ => false,
        };
        assert!(settled, "{one:?}");
        assert!(!one.remove && one.replace_with.is_none(), "{one:?}");
    }
    assert_eq!(
        overrides(&ground, &write, &written.stdout).await.stdout,
        written.stdout
    );
    // What was put in says so itself.
    let advised = again.overrides.iter().filter(|one| one.since.is_some());
    assert!(advised.count() >= 8, "{}", written.stdout);
}

#[tokio::test]
async fn the_exit_status_says_whether_anything_should_change() {
    let ground = ground().await;
    for (text, status) in [
        ("", ExitStatus::Unknown),
        (" \r\n", ExitStatus::Unknown),
        ("# nothing\n", ExitStatus::Fine),
        ("[]", ExitStatus::Fine),
        ("{}", ExitStatus::Fine),
        ("stale.example encrypt\n", ExitStatus::Fine),
        ("good.example encrypt\n", ExitStatus::Warning),
        ("stale.example may\n", ExitStatus::Warning),
        ("clear.example encrypt\n", ExitStatus::Broken),
        ("good.example encrpyt\n", ExitStatus::Broken),
        (".parent.example encrypt\n", ExitStatus::Unknown),
        (
            ".parent.example encrypt\ngood.example may\n",
            ExitStatus::Unknown,
        ),
        (
            ".parent.example encrypt\nclear.example encrypt\n",
            ExitStatus::Broken,
        ),
        (
            "stale.example encrypt\nSTALE.example may\n",
            ExitStatus::Broken,
        ),
        (
            "user@stale.example may\nstale.example encrypt\n",
            ExitStatus::Warning,
        ),
        ("[{\"id\":1}]", ExitStatus::Unknown),
    ] {
        let ran = overrides(&ground, &[], text).await;
        assert_eq!(ran.status, status, "{text}\n{}\n{}", ran.stdout, ran.stderr);
    }
    let quiet = overrides(&ground, &["--quiet"], "stale.example encrypt\n").await;
    assert_eq!(
        (quiet.stdout.as_str(), quiet.status),
        ("", ExitStatus::Fine)
    );
}

#[tokio::test]
async fn mailcows_list_gets_the_calls_that_put_it_right() {
    let ground = ground().await;
    let list = r#"[
        {"id":1,"dest":"stale.example","policy":"encrypt","parameters":"","active":1},
        {"id":2,"dest":"good.example","policy":"may","parameters":"","active":"1"},
        {"id":3,"dest":"stale2.example","policy":"none","parameters":"","active":1},
        {"id":4,"dest":"good2.example","policy":"none","parameters":"","active":0},
        {"id":5,"dest":"clear.example","policy":"encrypt","parameters":"","active":1}
    ]"#;
    let ran = overrides(&ground, &["--json", "--accept-weaker=clear.example"], list).await;
    let report = report(&ran);
    assert_eq!(report.form, "mailcow");
    let words: Vec<OverrideStatus> = report.overrides.iter().map(|one| one.word).collect();
    assert_eq!(
        words,
        [
            OverrideStatus::Needed,
            OverrideStatus::NoLongerNeeded,
            OverrideStatus::StricterWouldDo,
            OverrideStatus::SwitchedOff,
            OverrideStatus::NotEnough
        ]
    );
    let call = |at: usize| report.overrides[at].call.clone().unwrap_or_default();
    assert_eq!(call(0), "");
    assert!(
        call(1).contains("-d '[\"2\"]'") && call(1).contains("/delete/"),
        "{}",
        call(1)
    );
    assert!(
        call(2).contains("\"policy\":\"encrypt\"") && call(2).contains("/edit/"),
        "{}",
        call(2)
    );
    assert!(call(4).contains("\"policy\":\"may\""), "{}", call(4));
    assert_eq!(ran.status, ExitStatus::Broken);
    let written = overrides(&ground, &["--write", "--accept-weaker"], list)
        .await
        .stdout;
    let again = overrides(&ground, &["--json"], &written).await;
    assert_eq!(again.status, ExitStatus::Fine, "{}", again.stdout);
}

#[tokio::test]
async fn a_person_reads_first_what_has_to_be_done() {
    let ground = ground().await;
    let text = "stale.example encrypt\ngood.example encrypt\nclear.example encrypt\n";
    let ran = overrides(&ground, &[], text).await;
    let order: Vec<usize> = ["clear.example", "good.example", "stale.example"]
        .iter()
        .map(|name| ran.stdout.find(&format!("{name}  encrypt")).unwrap())
        .collect();
    assert!(order.is_sorted(), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("to be: clear.example  may"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ran.stdout
    );
    let plain = overrides(&ground, &["--color=never"], text).await;
    assert_eq!(plain.stdout, ran.stdout);
    let colored = overrides(&ground, &["--color=always", "--no-progress"], text).await;
    for title in ["Mail waits:", "Mail flows, but something should change:"] {
        assert!(
            ran.stdout.contains(&format!("\n{title}\n")),
            "{}",
            ran.stdout
        );
        assert!(
            colored.stdout.contains(&format!("m{title}\u{1b}[0m\n")),
            "{:?}",
            colored.stdout
        );
    }
    assert!(
        colored
            .stdout
            .contains("to be: \u{1b}[1mclear.example  may\u{1b}[0m"),
        "{:?}",
        colored.stdout
    );
    // Who strips STARTTLS could have the table ask for less.
    assert!(ran.stdout.contains("First: "), "{}", ran.stdout);
    let written = overrides(&ground, &["--write"], text).await;
    assert!(
        written.stderr.contains("line 3, clear.example: "),
        "{}",
        written.stderr
    );
    assert_eq!(written.stderr.lines().count(), 1, "{}", written.stderr);
}

#[tokio::test]
async fn a_file_that_is_no_table_is_not_printed_and_not_written() {
    let ground = ground().await;
    for (words, text) in [
        ("pcre:", "if /stale/\n/^stale\\.example$/ encrypt\nendif\n"),
        (
            "template",
            "{% if x %}\nstale.example encrypt\n{% endif %}\n",
        ),
        ("indented", "   stale.example may\n   good.example may\n"),
        (
            "mysql:",
            "hosts = stale.example\nuser = u\npassword = hunter2\nquery = x\n",
        ),
        (
            "main.cf",
            "smtp_tls_security_level = dane\nrelayhost = [stale.example]\n",
        ),
        ("passwords", "[stale.example]:587 user:hunter2\n"),
        ("web page", "<html><body>stale.example</body></html>\n"),
        ("is empty", ""),
    ] {
        for options in [&[][..], &["--write"], &["--json"], &["--quiet"]] {
            let ran = overrides(&ground, options, text).await;
            assert_eq!(ran.status, ExitStatus::Unknown, "{text}");
            assert_eq!(ran.stdout, "", "{text}");
            assert!(ran.stderr.contains(words), "{text}: {}", ran.stderr);
            for secret in ["hunter2", "stale.example"] {
                assert!(!ran.stderr.contains(secret), "{text}: {}", ran.stderr);
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_change_keeps_its_bytes() {
    let ground = ground().await;
    for text in [
        "# ours\r\nstale.example encrypt\r\n",
        "# ours\r\nstale.example encrypt\nplain.example encrypt",
        "\u{feff}# ours\nstale.example\tencrypt\n\n\n",
        "[]",
        " {}\r\n",
        "[{\"dest\":\"stale.example\",\"policy\":\"encrypt\",\"active\":\"1\"}]",
        "{\"items\": [{\"dest\":\"stale.example\",\"policy\":\"encrypt\",\"active\":true}]}",
    ] {
        let ran = overrides(&ground, &["--write"], text).await;
        assert_eq!(ran.stdout, text, "{}", ran.stderr);
        assert_eq!(ran.status, ExitStatus::Fine, "{text}: {}", ran.stderr);
    }
    // What changes has the line end of the line in its place.
    let text = "# ours\r\nstale4.example\tmay\r\nstale.example encrypt";
    let ran = overrides(&ground, &["--write"], text).await;
    assert!(
        ran.stdout.starts_with("# ours\r\n# danecheck "),
        "{:?}",
        ran.stdout
    );
    let end = "\r\nstale4.example  encrypt\r\nstale.example encrypt";
    assert!(ran.stdout.ends_with(end), "{:?}", ran.stdout);
    assert!(
        !ran.stdout.replace("\r\n", "").contains('\n'),
        "{:?}",
        ran.stdout
    );
}

/// Tabs are no control characters to hide, and a mark is named.
#[tokio::test]
async fn blanks_and_marks_are_shown_as_they_are_meant() {
    let ground = ground().await;
    let ran = overrides(
        &ground,
        &["--json"],
        "stale.example\tsecure\t\tmatch=mx.stale.example\n",
    )
    .await;
    assert_eq!(
        report(&ran).overrides[0].policy,
        "secure match=mx.stale.example"
    );
    let ran = overrides(&ground, &["--json"], "\u{feff}stale.example encrypt\n").await;
    let marked = &report(&ran).overrides[0];
    assert!(
        marked.reason.contains("byte order mark"),
        "{}",
        marked.reason
    );
    assert_eq!(
        marked.replace_with.as_deref(),
        Some("stale.example  encrypt")
    );
    assert_eq!(ran.status, ExitStatus::Broken);
    let text = "\u{feff}good.example encrypt\n";
    let ran = overrides(&ground, &["--write"], text).await;
    assert_eq!(
        (ran.stdout.as_str(), ran.status),
        (text, ExitStatus::Warning)
    );
}
