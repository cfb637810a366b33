//! `danecheck overrides` with an attacker, who shows something that would make
//! a line ask for less: danecheck keeps the line, with a caution.

use std::collections::HashMap;

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::judge::Horizon;
use danecheck_core::overrides::{Accepted, OverrideStatus, Overrides, OverridesReport};
use danecheck_core::postfix::PolicyLine;
use danecheck_core::report::ExitStatus;
use danecheck_core::sender::Sender;
use danecheck_world::dns::Zone;
use danecheck_world::pki::{Authority, Identity, Leaf};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::program::{Ran, overrides_on};
use crate::support::{Temporary, now};

/// What an attacker, or the owner, shows of a domain.
enum Shown {
    /// DANE in order.
    Good,
    /// No TLSA records, and a certificate that holds.
    Plain,
    /// The same in a zone that is not signed, with an MX host of this name.
    Unsigned(&'static str),
    /// A certificate of its own.
    SelfSigned,
    /// A certificate of an authority that nobody knows.
    Impostor,
    /// A certificate with another name.
    OtherName,
    /// TLSA records that cannot be used.
    Unusable,
    /// No TLSA records, and a server that misbehaves.
    Doing(Misbehaviour),
}

fn identity(stage: &Stage, host: &str, shown: &Shown) -> Identity {
    match shown {
        Shown::SelfSigned => Leaf::new([host]).self_signed(stage.now),
        Shown::Impostor => Authority::root("Nobody", stage.now).issue(Leaf::new([host])),
        Shown::OtherName => stage.identity("elsewhere.example"),
        _ => stage.identity(host),
    }
}

/// A row: the line, and what is shown of its domain, `D`.
struct Row {
    line: &'static str,
    shown: Shown,
    /// danecheck wrote the line itself: the comment is above it.
    noted: bool,
    word: OverrideStatus,
}

fn rows() -> Vec<Row> {
    use Misbehaviour::{
        DropAfterStartTlsReply, DropBeforeStartTlsReply, EhloAfterTlsDropped, HandshakeAlert,
        NoStartTls, StartTls454, StartTlsMasked,
    };
    use OverrideStatus::{Malformed, NotEnough};
    use Shown::{Doing, Good, Impostor, OtherName, Plain, SelfSigned, Unsigned, Unusable};
    let row = |line, shown, word| Row {
        line,
        shown,
        noted: false,
        word,
    };
    let noted = |line, how| Row {
        line,
        shown: Doing(how),
        noted: true,
        word: NotEnough,
    };
    vec![
        // Another certificate.
        row("D secure match=mx.D", SelfSigned, NotEnough),
        row("D secure match=mx.D", OtherName, NotEnough),
        row(
            "D secure match=mx.D servername=hostname",
            Impostor,
            NotEnough,
        ),
        row("D verify", SelfSigned, NotEnough),
        // Other MX records.
        row(
            "D secure match=mail.good.example",
            Unsigned("mx.evil.example"),
            NotEnough,
        ),
        row("D secure", Unsigned("mx2.evil.example"), NotEnough),
        row(
            "D secure match=.good.example",
            Unsigned("mx3.evil.example"),
            NotEnough,
        ),
        // STARTTLS stripped.
        row("D secure match=mx.D", Doing(NoStartTls), NotEnough),
        row("D secure match=mx.D", Doing(StartTls454), NotEnough),
        row("D verify", Doing(StartTlsMasked), NotEnough),
        // The same where only TLS is asked for, and TLS cut.
        row("D encrypt", Doing(NoStartTls), NotEnough),
        row("D encrypt", Doing(EhloAfterTlsDropped), NotEnough),
        row("D encrypt", Doing(HandshakeAlert), NotEnough),
        row("D encrypt", Doing(DropAfterStartTlsReply), NotEnough),
        // Another key.
        row("D fingerprint match=PIN", Plain, NotEnough),
        row("D fingerprint match=PIN|PIN", Good, NotEnough),
        row("D fingerprint match=PIN", SelfSigned, NotEnough),
        // No TLSA records, or none that count.
        row("D dane-only", Plain, NotEnough),
        row("D dane-only", Unsigned("mx4.evil.example"), NotEnough),
        row("D dane-only", Unusable, NotEnough),
        // Fails closed today.
        row("D secure mach=x", Good, Malformed),
        row("D encrypt protocols=TLSv9", Good, Malformed),
        row("D fingerprint", Good, Malformed),
        row("D encrypt ciphers=best", Plain, Malformed),
        row("D dane match=mx.D", Good, Malformed),
        row("D encrpyt", Plain, Malformed),
        // danecheck's own line, step by step.
        noted("D encrypt", EhloAfterTlsDropped),
        noted("D encrypt", NoStartTls),
        noted("D may", DropBeforeStartTlsReply),
    ]
}

const PIN: &str = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
                   00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

fn domain(number: usize) -> String {
    format!("d{number}.example")
}

/// The line of a row, with its comment.
fn text(number: usize, row: &Row) -> String {
    let domain = domain(number);
    let line = row
        .line
        .replace("PIN", PIN)
        .replace("mx.D", &format!("mx.{domain}"));
    let line = line.replacen('D', &domain, 1);
    match row.noted {
        true => format!(
            "# danecheck 2026-09-01 {domain}: It matched nothing.\n#   Remove when: \
             `danecheck {domain}` says so\n{line}\n"
        ),
        false => format!("{line}\n"),
    }
}

#[test]
fn the_lines_are_written_as_they_are_read() {
    let mut taken = 0;
    for (number, row) in rows().iter().enumerate() {
        let text = text(number, row);
        let (_, value) = text.lines().last().unwrap().split_once(' ').unwrap();
        if let Ok(line) = PolicyLine::parse(value, None) {
            assert_eq!(line.to_string(), value);
            assert_eq!(PolicyLine::parse(&line.to_string(), None), Ok(line));
            taken += 1;
        }
    }
    assert!(taken > 20, "{taken}");
}

struct Ground {
    stage: RunningStage,
    ca: Temporary,
}

async fn ground(shown: impl Iterator<Item = (String, Shown)>) -> Ground {
    let mut stage = Stage::new(now());
    let ca = Temporary::with("pem", &stage.root.certificate().pem());
    stage.zone(Zone::signed("below.example."));
    let mut evil = Zone::unsigned("evil.example.");
    for (number, (domain, shown)) in shown.enumerate() {
        let address = format!("192.0.2.{}", number + 1);
        let host = match shown {
            Shown::Unsigned(host) => host.to_owned(),
            _ => format!("mx.{domain}"),
        };
        let identity = identity(&stage, &host, &shown);
        let apex = format!("{domain}.");
        let zone = match &shown {
            Shown::Unsigned(_) => {
                let owner = host.trim_end_matches(".evil.example");
                evil = evil.records(&format!("{owner} A {address}"));
                Zone::unsigned(&apex).mx("@", 10, &format!("{host}."))
            }
            _ => Zone::signed(&apex)
                .mx("@", 10, "mx")
                .records(&format!("mx A {address}")),
        };
        stage.zone(match &shown {
            Shown::Good => zone.tlsa("_25._tcp.mx", &identity.tlsa(3, 1, 1)),
            Shown::Unusable => zone.tlsa("_25._tcp.mx", &identity.tlsa(1, 1, 1)),
            _ => zone,
        });
        let server = MailServer::new(identity);
        stage.server(
            &address,
            match shown {
                Shown::Doing(how) => server.misbehaving([how]),
                _ => server,
            },
        );
    }
    stage.zone(evil);
    Ground {
        stage: stage.start().await.unwrap(),
        ca,
    }
}

async fn overrides(ground: &Ground, options: &[&str], text: &str) -> Ran {
    overrides_on(&ground.stage, &ground.ca, options, text).await
}

fn report(ran: &Ran) -> OverridesReport {
    let report: OverridesReport = serde_json::from_str(&ran.stdout).unwrap();
    let schema = jsonschema::validator_for(&danecheck_core::overrides::schema()).unwrap();
    assert!(schema.is_valid(&serde_json::to_value(&report).unwrap()));
    report
}

#[tokio::test]
async fn a_line_that_does_its_job_is_kept_with_a_caution() {
    let rows = rows();
    let table: String = rows
        .iter()
        .enumerate()
        .map(|(n, row)| text(n, row))
        .collect();
    let lines: Vec<(OverrideStatus, bool)> = rows.iter().map(|row| (row.word, row.noted)).collect();
    let shown = rows
        .into_iter()
        .enumerate()
        .map(|(n, row)| (domain(n), row.shown));
    let ground = ground(shown).await;

    let report = report(&overrides(&ground, &["--json"], &table).await);
    assert_eq!(report.overrides.len(), lines.len());
    for (one, (word, noted)) in report.overrides.iter().zip(&lines) {
        assert_eq!(one.word, *word, "{one:?}");
        assert_eq!(one.since.is_some(), *noted, "{one:?}");
        assert!(one.remove || one.replace_with.is_some(), "{one:?}");
        assert!(one.kept && one.caution.is_some(), "{one:?}");
        let job = one.reason.contains("does its job");
        let asks = !one.policy.starts_with("may") && *word == OverrideStatus::NotEnough;
        assert_eq!(job, asks, "{one:?}");
    }

    let written = overrides(&ground, &["--write"], &table).await;
    assert_eq!(written.stdout, table);
    assert_eq!(written.status, ExitStatus::Broken);
    assert_eq!(
        written.stderr.lines().count(),
        lines.len(),
        "{}",
        written.stderr
    );
    for number in 0..lines.len() {
        assert!(written.stderr.contains(&format!(", {}: ", domain(number))));
    }

    let human = overrides(&ground, &[], &table).await;
    assert_eq!(
        human.stdout.matches("First: ").count(),
        lines.len(),
        "{}",
        human.stdout
    );

    // One of them alone, and all.
    let one = overrides(&ground, &["--write", "--accept-weaker=D0.example"], &table).await;
    let without_first: String = table.split_inclusive('\n').skip(1).collect();
    assert_eq!(one.stdout, without_first);
    assert_eq!(one.stderr.lines().count(), lines.len(), "{}", one.stderr);
    let all = overrides(&ground, &["--write", "--accept-weaker"], &table).await;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        assert!(!all.stdout.lines().any(|other| other == line), "{line}");
    }
    assert_eq!(all.stderr.lines().count(), lines.len(), "{}", all.stderr);

    // mailcow's rows of the same kinds: no call, and the list as it was.
    let values: Vec<&str> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let list: Vec<serde_json::Value> = values
        .iter()
        .enumerate()
        .map(|(n, line)| {
            let (dest, value) = line.split_once(' ').unwrap();
            let (policy, parameters) = value.split_once(' ').unwrap_or((value, ""));
            serde_json::json!({"id": n, "dest": dest, "policy": policy,
                               "parameters": parameters, "active": 1})
        })
        .collect();
    let list = serde_json::to_string(&list).unwrap();
    let ran = overrides(&ground, &["--json"], &list).await;
    for one in &self::report(&ran).overrides {
        assert!(
            one.call.is_none() && one.kept && one.caution.is_some(),
            "{one:?}"
        );
    }
    let human = overrides(&ground, &[], &list).await;
    assert!(!human.stdout.contains("curl"), "{}", human.stdout);
    let written = overrides(&ground, &["--write"], &list).await;
    let as_it_was: serde_json::Value = serde_json::from_str(&list).unwrap();
    let as_written: serde_json::Value = serde_json::from_str(&written.stdout).unwrap();
    assert_eq!(as_written, as_it_was);
    let accepted = overrides(&ground, &["--json", "--accept-weaker=d0.example"], &list).await;
    let calls = self::report(&accepted).overrides;
    let with_call = calls.iter().filter(|one| one.call.is_some());
    assert_eq!(with_call.map(|one| one.line).collect::<Vec<_>>(), [1]);
}

/// What one name needs is nothing to go by for others.
#[tokio::test]
async fn a_line_for_a_parent_domain_is_never_changed_unasked() {
    let shown = [
        ("a.below.example", Shown::Good),
        ("b.below.example", Shown::Plain),
    ];
    let ground = ground(
        shown
            .into_iter()
            .map(|(name, shown)| (name.to_owned(), shown)),
    )
    .await;
    for (line, below) in [
        (".below.example encrypt\n", "a.below.example"),
        (".below.example may\n", "a.below.example"),
        (".below.example none\n", "b.below.example"),
        (".below.example secure mach=x\n", "a.below.example"),
    ] {
        let below = ["--below", below];
        let json = overrides(&ground, &[&["--json"], &below[..]].concat(), line).await;
        let one = report(&json).overrides.remove(0);
        assert!(one.remove && one.kept && one.caution.is_some(), "{one:?}");
        let write = [&["--write"], &below[..]].concat();
        let written = overrides(&ground, &write, line).await;
        assert_eq!(written.stdout, line);
        assert!(
            written.stderr.contains(".below.example: "),
            "{}",
            written.stderr
        );
        let other = [&write[..], &["--accept-weaker=a.below.example"]].concat();
        assert_eq!(overrides(&ground, &other, line).await.stdout, line);
        let accepted = [&write[..], &["--accept-weaker=.below.example"]].concat();
        assert_eq!(overrides(&ground, &accepted, line).await.stdout, "");
    }
    // What falls back to a parent that goes is judged without it.
    let text = ".below.example encrypt\nb.below.example encrypt\n";
    let below = ["--json", "--below", "a.below.example"];
    let kept = report(&overrides(&ground, &below, text).await);
    assert_eq!(
        kept.overrides[1].word,
        OverrideStatus::Deliberate,
        "{kept:?}"
    );
}

/// A comment speaks for the line below it only where it names it.
#[tokio::test]
async fn a_comment_for_another_name_makes_no_line_danechecks_own() {
    let names = [
        "plain.example",
        "plain2.example",
        "plain3.example",
        "plain4.example",
    ];
    let shown = names.map(|name| (name.to_owned(), Shown::Plain));
    let ground = ground(shown.into_iter()).await;
    let policies = [
        "secure match=mx.plain.example",
        "verify",
        "secure match=mx.plain3.example",
        "encrypt",
    ];
    for head in [
        "2026-09-01 other.example: Why.\n#   Remove when: it does",
        "2026-09-01: Why.\n#   Remove when: `danecheck other.example` says so",
        "2026-09-01: Why.\n#   Remove when: it does",
    ] {
        let table: String = names
            .iter()
            .zip(policies)
            .map(|(name, policy)| format!("# danecheck {head}\n{name} {policy}\n"))
            .collect();
        let report = report(&overrides(&ground, &["--json"], &table).await);
        for one in report.overrides {
            assert_eq!(
                (one.word, one.since.as_deref()),
                (OverrideStatus::Deliberate, None)
            );
        }
        let written = overrides(&ground, &["--write", "--accept-weaker"], &table).await;
        assert_eq!(written.stdout, table);
    }
    // Its own, by the new comment and by the old: no longer needed, and kept
    // because less would be asked for.
    for head in [
        "2026-09-01 plain2.example: Why.\n#   Remove when: it does",
        "2026-09-01: Why.\n#   Remove when: `danecheck plain2.example` says so",
    ] {
        let table = format!("# danecheck {head}\nplain2.example verify\n");
        let ran = overrides(&ground, &["--json"], &table).await;
        let one = report(&ran).overrides.remove(0);
        assert_eq!(one.word, OverrideStatus::NoLongerNeeded, "{one:?}");
        assert!(one.kept && one.caution.is_some(), "{one:?}");
        let written = overrides(&ground, &["--write"], &table).await;
        assert_eq!(written.stdout, table);
        let accepted = overrides(&ground, &["--write", "--accept-weaker"], &table).await;
        assert_eq!(accepted.stdout, "");
    }
}

#[tokio::test]
async fn of_two_lines_for_one_key_the_stronger_is_kept() {
    let shown = [
        ("plain.example", Shown::Plain),
        ("good.example", Shown::Good),
    ];
    let ground = ground(
        shown
            .into_iter()
            .map(|(name, shown)| (name.to_owned(), shown)),
    )
    .await;
    for (table, right, cautions) in [
        (
            "plain.example encrypt\nplain.example may\n",
            "plain.example encrypt\n",
            0,
        ),
        (
            "plain.example may\nplain.example encrypt\n",
            "plain.example encrypt\n",
            0,
        ),
        (
            "plain.example none\nPlain.Example verify\nplain.example encrypt\n",
            "Plain.Example verify\n",
            0,
        ),
        // Neither is the stronger: the first.
        (
            "good.example secure match=mx.good.example\ngood.example dane-only\n",
            "good.example secure match=mx.good.example\n",
            1,
        ),
        // What stops mail asks for most.
        (
            "plain.example encrypt\nplain.example encrpyt\n",
            "plain.example encrpyt\n",
            1,
        ),
        (
            ".plain.example may\n.plain.example encrypt\n",
            ".plain.example encrypt\n",
            0,
        ),
    ] {
        let written = overrides(&ground, &["--write"], table).await;
        assert_eq!(written.stdout, right);
        assert_eq!(
            written.stderr.lines().count(),
            cautions,
            "{table} {}",
            written.stderr
        );
        let report = report(&overrides(&ground, &["--json"], table).await);
        let mut doubles = report
            .overrides
            .iter()
            .filter(|one| one.word == OverrideStatus::Duplicate);
        assert!(
            doubles.all(|one| one.reason.contains("line 1 counts")),
            "{report:?}"
        );
    }
}

/// What was quadratic took minutes with so many lines.
#[test]
fn a_long_table_is_read_and_judged_in_one_pass() {
    let mut table = String::new();
    for number in 0..60_000 {
        let comment = "# danecheck 2026-09-01 x.example: Why.\n";
        table.push_str(&format!(
            "{comment}d{number}.example may\n.p{number}.example may\n"
        ));
    }
    let below: Vec<_> = (0..2_000)
        .map(|number| format!("a.b.c.p{number}.example").parse().unwrap())
        .collect();
    let overrides = Overrides::read(&table).unwrap();
    assert_eq!(overrides.next_hops(&below).len(), 62_000);
    let nothing = HashMap::new();
    let sender = Sender::default();
    let horizon = Horizon::default();
    let examined = overrides.examine(&nothing, &below, &sender, horizon, &Accepted::default());
    assert_eq!(examined.written(), table.as_bytes());
}
