use super::*;
use crate::observation::Unfinished;

/// One release of each kind, in order.
const RELEASES: [&str; 6] = ["1.8.23", "1.9.1", "1.10.0", "1.11.0", "1.12.2", "1.13.0"];

/// The releases of which something holds.
fn which(holds: impl Fn(TlspolRelease) -> bool) -> Vec<&'static str> {
    let release = |text: &&str| holds(text.parse().unwrap());
    RELEASES.into_iter().filter(release).collect()
}

fn response(body: &str) -> PolicyResponse {
    PolicyResponse {
        status: 200,
        location: None,
        content_type: Some("text/plain".to_owned()),
        body: body.to_owned(),
        cut: false,
        utf8: Some(true),
        unfinished: None,
    }
}

const ALL: &[&str] = &RELEASES;
const NONE: &[&str] = &[];
const BEFORE_9: &[&str] = &["1.8.23"];
const BEFORE_11: &[&str] = &["1.8.23", "1.9.1", "1.10.0"];
const BEFORE_12: &[&str] = &["1.8.23", "1.9.1", "1.10.0", "1.11.0"];
const FROM_12: &[&str] = &["1.12.2", "1.13.0"];

#[test]
fn a_policy_becomes_a_line_by_release() {
    const HEAD: &str = "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 86400\n";
    for (what, body, releases) in [
        ("the example", HEAD.to_owned(), ALL),
        ("CRLF", HEAD.replace('\n', "\r\n"), ALL),
        ("no final line end", HEAD.trim_end().to_owned(), ALL),
        // Measured: what 1.13 refuses and 1.8 takes.
        ("no version", HEAD.replace("version: STSv1\n", ""), BEFORE_9),
        ("another version", HEAD.replace("STSv1", "STSv10"), BEFORE_9),
        (
            "max_age absent",
            HEAD.replace("max_age: 86400\n", ""),
            BEFORE_9,
        ),
        ("max_age 0", HEAD.replace("86400", "0"), BEFORE_12),
        ("max_age 00", HEAD.replace("86400", "00"), BEFORE_12),
        ("a brace line", format!("{HEAD}{{word}}\n"), BEFORE_11),
        ("a brace in a value", format!("{HEAD}note: {{}}\n"), ALL),
        (
            "a control character",
            format!("{HEAD}note: \u{1}x\n"),
            BEFORE_11,
        ),
        ("DEL", format!("{HEAD}note: \u{7f}\n"), BEFORE_11),
        (
            "a C1 control character",
            format!("{HEAD}note: \u{85}x\n"),
            BEFORE_11,
        ),
        ("a BOM", format!("\u{feff}{HEAD}"), BEFORE_9),
        (
            "a BOM before an extension",
            format!("{HEAD}\u{feff}x: y\n"),
            BEFORE_11,
        ),
        // Measured: a sign.
        ("max_age: +86400", HEAD.replace("86400", "+86400"), NONE),
        ("max_age: -1", HEAD.replace("86400", "-1"), NONE),
        ("max_age: 1_0", HEAD.replace("86400", "1_0"), NONE),
        ("max_age: nothing", HEAD.replace("86400", ""), NONE),
        (
            "max_age: eleven digits",
            HEAD.replace("86400", "00000086400"),
            BEFORE_11,
        ),
        (
            "max_age: above 64 bits",
            HEAD.replace("86400", &"9".repeat(20)),
            NONE,
        ),
        // Measured: a character U+FFFD that is none of ours.
        ("U+FFFD", format!("{HEAD}note: \u{fffd}\n"), ALL),
        ("an extension", format!("{HEAD}note: text\n"), ALL),
        (
            "an extension of blanks",
            format!("{HEAD}note: \t\n"),
            BEFORE_11,
        ),
        (
            "a name that is too long",
            format!("{HEAD}{}: x\n", "n".repeat(33)),
            BEFORE_11,
        ),
        (
            "blanks around names",
            HEAD.replace("mode:", " mode :"),
            BEFORE_11,
        ),
        (
            "a tab before the line",
            HEAD.replace("mode:", "\tmode:"),
            BEFORE_11,
        ),
        ("an empty line", HEAD.replace("mx", "\nmx"), BEFORE_12),
        ("an empty line at the end", format!("{HEAD}\n"), BEFORE_12),
        ("a line of blanks", format!("{HEAD} \t\r\n"), BEFORE_12),
        // `strings.TrimRight` leaves it.
        (
            "two carriage returns",
            HEAD.replace("enforce\n", "enforce\r\r\n"),
            BEFORE_11,
        ),
        ("no colon", format!("{HEAD}word\n"), NONE),
        ("mode testing", HEAD.replace("enforce", "testing"), NONE),
        ("mode in capitals", HEAD.replace("enforce", "Enforce"), NONE),
        ("mode twice", format!("{HEAD}mode: none\n"), ALL),
        (
            "mode twice, the second is none",
            format!("{HEAD}mode: what\n"),
            ALL,
        ),
        ("the first mode counts", format!("mode: none\n{HEAD}"), NONE),
        ("max_age twice", format!("{HEAD}max_age: x\n"), ALL),
        ("an extension twice", format!("{HEAD}n: 1\nn: \u{1}\n"), ALL),
        ("no mx", HEAD.replace("mx: a.b\n", ""), NONE),
        ("mx -a.b", HEAD.replace("a.b", "-a.b"), NONE),
        ("mx with an underscore", HEAD.replace("a.b", "a_1.b"), NONE),
        ("mx an address", HEAD.replace("a.b", "192.0.2.1"), NONE),
        ("nothing", String::new(), NONE),
    ] {
        let response = response(&body);
        let read = which(|release| line(&response, release).is_some());
        assert_eq!(read, releases, "{what}");
    }
}

#[test]
fn the_names_of_the_line_are_those_of_the_policy() {
    let body = "version: STSv1\nmode: enforce\nmx: MX1.example.com\nmx: *.example.net\nmx: a.\nmax_age: 1\n";
    for release in RELEASES {
        assert_eq!(
            line(&response(body), release.parse().unwrap()).as_deref(),
            Some("secure match=mx1.example.com:.example.net:a. servername=hostname")
        );
    }
    let lax = " mode : enforce\nmx:a.example\n";
    assert_eq!(
        line(&response(lax), TlspolRelease::MAILCOW).as_deref(),
        Some("secure match=a.example servername=hostname")
    );
}

#[test]
fn a_response_counts_by_release() {
    type Change = fn(&mut PolicyResponse);
    const BODY: &str = "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 1\nnote: \u{fffd}";
    let cases: [(&str, Change, &[&str]); 13] = [
        ("whole", |_| {}, ALL),
        ("404", |it| it.status = 404, NONE),
        // Measured: the policy comes, then the connection stalls.
        (
            "stalled",
            |it| it.unfinished = Some(Unfinished::NotInTime),
            BEFORE_9,
        ),
        (
            "lost",
            |it| it.unfinished = Some(Unfinished::Lost("reset".to_owned())),
            BEFORE_9,
        ),
        // Measured: larger than it may be. Half a line at the end of what was
        // read says nothing.
        ("cut", |it| it.cut = true, BEFORE_12),
        (
            "cut in a line",
            |it| {
                it.cut = true;
                it.body.push_str("\nhalf");
            },
            BEFORE_12,
        ),
        ("not UTF-8", |it| it.utf8 = Some(false), NONE),
        ("not known to be UTF-8", |it| it.utf8 = None, NONE),
        (
            "text/html",
            |it| it.content_type = Some("text/html".to_owned()),
            BEFORE_12,
        ),
        ("no type", |it| it.content_type = None, BEFORE_12),
        (
            "parameters",
            |it| it.content_type = Some("Text/Plain; charset=\"utf-8\" ;".to_owned()),
            ALL,
        ),
        (
            "a parameter without value",
            |it| it.content_type = Some("text/plain; charset".to_owned()),
            BEFORE_12,
        ),
        (
            "a parameter twice",
            |it| it.content_type = Some("text/plain; a=1; A=2".to_owned()),
            BEFORE_12,
        ),
    ];
    for (what, change, releases) in cases {
        let mut response = response(BODY);
        change(&mut response);
        assert_eq!(
            which(|release| line(&response, release).is_some()),
            releases,
            "{what}"
        );
    }
    // The second of an extension is not looked at since 1.11.
    let mut twice =
        response("version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 1\nn: 1\nn: \u{fffd}");
    twice.utf8 = Some(false);
    assert_eq!(
        which(|release| line(&twice, release).is_some()),
        ["1.11.0", "1.12.2", "1.13.0"]
    );
}

#[test]
fn a_stalled_line_counts_as_far_as_it_came() {
    let mut stalled = response("mode: enforce\nmx: a.b\nmx: c.exam");
    stalled.unfinished = Some(Unfinished::NotInTime);
    assert_eq!(
        line(&stalled, TlspolRelease::MAILCOW).as_deref(),
        Some("secure match=a.b:c.exam servername=hostname")
    );
}

#[test]
fn records_count_by_release() {
    let cases: &[(&[&[&str]], &[&str])] = &[
        (&[&["v=STSv1; id=1;"]], ALL),
        (&[&["v=STSv1;id=abc;n=1"]], ALL),
        // Measured: apart in the version, and the version in the second string.
        (&[&["v=ST", "Sv1; id=1;"]], FROM_12),
        (&[&["v=STSv1; i", "d=1"]], ALL),
        (&[&["x", "v=STSv1; id=1"]], BEFORE_12),
        // Measured: without id, two of them, another version.
        (&[&["v=STSv1;"]], BEFORE_12),
        (&[&["v=STSv1; id="]], BEFORE_12),
        (&[&["v=STSv1; id=a-b"]], BEFORE_12),
        (&[&["v=STSv1; id=1"], &["v=STSv1; id=2"]], BEFORE_12),
        (&[&["v=STSv1; id=1"], &["v=spf1 -all"]], ALL),
        (&[&["v=STSv10; id=1"]], BEFORE_12),
        (&[&["v=STSv1"]], BEFORE_12),
        (&[&["v=STSv1 id=1"]], BEFORE_12),
        (&[&["v=STSv1 ; id=1 ; n=1"]], ALL),
        // A tab reaches it as `\009`.
        (&[&["v=STSv1\t; id=1"]], BEFORE_12),
        (&[&["v=STSv1; id=1 "]], BEFORE_12),
        (&[&["v=STSv1; id=1; "]], ALL),
        (&[&["v=STSv1; ; id=1"]], BEFORE_12),
        (&[&["v=STSv1; id=1; id=-"]], ALL),
        (&[&["v=STSv1; id=1; n=a=b"]], BEFORE_12),
        (&[&["v=STSv1; id=1; n=\u{e9}"]], ALL),
        (&[&["V=STSv1; id=1"]], NONE),
        (&[&[" v=STSv1; id=1"]], NONE),
        (&[], NONE),
    ];
    for (records, releases) in cases {
        let owned: Vec<Vec<String>> = records
            .iter()
            .map(|strings| strings.iter().map(|it| (*it).to_owned()).collect())
            .collect();
        assert_eq!(
            which(|release| has_record(&owned, release)),
            *releases,
            "{records:?}"
        );
    }
}

#[test]
fn names_are_as_long_as_the_release_takes() {
    let label = "a".repeat(63);
    let name = |last: usize| format!("{label}.{label}.{label}.{}", "b".repeat(last));
    for (name, releases) in [
        ("a.b".to_owned(), ALL),
        ("a.b.".to_owned(), ALL),
        (name(61), ALL),
        (name(62), NONE),
        // The final dot counts before 1.12.
        (format!("{}.", name(61)), FROM_12),
        (format!("{}.", name(60)), ALL),
        ("a_b.c".to_owned(), NONE),
        ("a-.c".to_owned(), NONE),
        ("*.c".to_owned(), NONE),
        ("192.0.2.1".to_owned(), NONE),
        ("192.0.2.1.".to_owned(), NONE),
        (".".to_owned(), NONE),
        (String::new(), NONE),
        ("a..b".to_owned(), NONE),
    ] {
        assert_eq!(
            which(|release| is_dns_name(&name, release)),
            releases,
            "{name}"
        );
    }
}
