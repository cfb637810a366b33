//! `--format letter`: a mail to the receiver's postmaster.

use danecheck::demo::{Case, SharedAuthorities};
use danecheck_core::entry::Language;
use danecheck_core::observation::ContactSeen;
use danecheck_core::report::{ExitStatus, Letter, Report};
use mail_parser::MessageParser;

use crate::support;
use crate::support::now;
use crate::support::program::run_on;

/// Cases of the demo, and what the letter asks for.
const CASES: [(&str, &str, &str); 10] = [
    (
        "stale-key",
        "Please publish this record",
        "Bitte veröffentlichen Sie diesen Eintrag",
    ),
    (
        "stale-certificate",
        "Please publish this record",
        "Bitte veröffentlichen Sie diesen Eintrag",
    ),
    (
        "anchor-not-sent",
        "Please publish this record",
        "Bitte veröffentlichen Sie diesen Eintrag",
    ),
    (
        "usage-1-only",
        "No sender can use your present record:",
        "Kein Absender kann Ihre",
    ),
    (
        "tlsa-lookup-fails",
        "Please make every name server of the zone answer TLSA",
        "jeder Nameserver",
    ),
    (
        "signatures-expired",
        "Please have the zone example.com. signed anew",
        "Zone example.com. neu signieren",
    ),
    (
        "starttls-gone",
        "Please make STARTTLS work on port 25 of mx1.example.com",
        "STARTTLS auf Port 25",
    ),
    (
        "starttls-refused-for-now",
        "Please make STARTTLS work on port 25",
        "STARTTLS auf Port 25",
    ),
    (
        "mx-without-address",
        "Please publish the address of mx1.example.com",
        "Bitte veröffentlichen Sie die Adresse",
    ),
    (
        "one-bad-mx-of-two",
        "Please publish this record",
        "Bitte veröffentlichen Sie diesen Eintrag",
    ),
];

async fn report_on(case: &str) -> Report {
    let case = Case::find(case).unwrap();
    let mut seen = case.observe(&SharedAuthorities::new(now())).await.unwrap();
    seen.contact = Some(ContactSeen {
        zone: "example.com".to_owned(),
        rname: "hostmaster.example.com".to_owned(),
    });
    Report::of(&seen)
}

#[tokio::test]
async fn ten_letters_are_short_well_formed_and_ask_for_one_thing() {
    let keep = std::env::var_os("DANECHECK_LETTERS");
    for (case, english, german) in CASES {
        let report = report_on(case).await;
        for (language, step) in [(Language::En, english), (Language::De, german)] {
            let letter = Letter::of(&report, language);
            let text = &letter.text;
            if let Some(folder) = &keep {
                let name = format!("{case}-{}.eml", language.as_str());
                std::fs::write(std::path::Path::new(folder).join(name), text).unwrap();
            }
            let what = format!("{case} {language:?}:\n{text}");
            assert!(text.lines().count() <= 40, "{what}");
            for line in text.lines() {
                assert!(line.chars().count() <= 72, "{line}\n{what}");
            }
            let mail = MessageParser::default().parse(text.as_bytes()).unwrap();
            let to: Vec<&str> = mail
                .to()
                .unwrap()
                .iter()
                .filter_map(|one| one.address())
                .collect();
            assert_eq!(
                to,
                ["postmaster@example.com", "hostmaster@example.com"],
                "{what}"
            );
            assert!(mail.subject().unwrap().contains("example.com"), "{what}");
            assert!(text.split("\n\n").next().unwrap().is_ascii(), "{what}");
            let body = mail.body_text(0).unwrap();
            let flat = body.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(flat.matches(step).count(), 1, "{step}: {what}");
            assert_eq!(mail.text_body_count(), 1, "{what}");
            assert!(!flat.to_ascii_lowercase().contains("danecheck"), "{what}");
        }
    }
}

#[tokio::test]
async fn the_record_to_publish_is_the_one_that_makes_mail_flow() {
    let report = report_on("stale-key").await;
    let letter = Letter::of(&report, Language::En).text;
    let served = &report.hosts[0].addresses[0].sessions[0].certificates[0].tlsa;
    let record = letter
        .split_once("IN TLSA ")
        .unwrap()
        .1
        .split_once(" )")
        .unwrap()
        .0;
    let record: Vec<&str> = record.split_whitespace().filter(|it| *it != "(").collect();
    assert_eq!(record.join(" "), *served);
    assert!(
        letter.contains("\n_25._tcp.mx1.example.com. IN TLSA 3 1 1 (\n"),
        "{letter}"
    );
}

#[tokio::test]
async fn what_happens_is_said_as_it_is() {
    for (case, language, said, not_said) in [
        // The other server takes the mail, and is authenticated.
        (
            "one-bad-mx-of-two",
            Language::En,
            "cannot use mx1.example.com [192.0.2.10]",
            "waits at senders",
        ),
        (
            "one-bad-mx-of-two",
            Language::De,
            "können mx1.example.com [192.0.2.10] nicht verwenden",
            "bleibt bei Absendern liegen",
        ),
        ("usage-1-only", Language::En, "still arrives", "beside"),
        // The right record stands there already.
        (
            "stale-sha512",
            Language::En,
            "Please remove the record 3 1 2.",
            "publish this record",
        ),
        (
            "stale-sha512",
            Language::De,
            "Bitte entfernen Sie den Eintrag 3 1 2.",
            "veröffentlichen Sie diesen",
        ),
        // A record is right, and something else is not.
        (
            "anchor-expired",
            Language::En,
            "Please renew the certificate",
            "publish this record",
        ),
        (
            "anchor-expired",
            Language::De,
            "Bitte erneuern Sie das Zertifikat",
            "veröffentlichen Sie diesen",
        ),
        (
            "anchor-wrong-name",
            Language::En,
            "but the certificate is not for mx1.example.com.",
            "expired",
        ),
        (
            "anchor-not-sent",
            Language::De,
            "aber der Server sendet es nicht mit.",
            "abgelaufen",
        ),
        (
            "leaf-as-anchor",
            Language::En,
            "it begins with 2, which stands for an authority",
            "expired",
        ),
        (
            "malformed-record",
            Language::En,
            "its digest is cut off after 5 of 32 bytes",
            "present records",
        ),
        (
            "malformed-record",
            Language::De,
            "Kein Absender kann Ihren jetzigen Eintrag verwenden.",
            "keinen Ihrer",
        ),
        // One record is one.
        (
            "stale-key",
            Language::De,
            "Er darf neben dem bisherigen stehen.",
            "den bisherigen",
        ),
        // A resolver that does not validate finds the servers.
        (
            "signatures-expired",
            Language::En,
            "Senders whose resolver validates DNSSEC cannot deliver",
            "No sender",
        ),
        (
            "signatures-expired",
            Language::De,
            "die Signatur von example.com. DNSKEY ist am",
            "the signature",
        ),
        (
            "mx-without-address",
            Language::En,
            "No sender can deliver",
            "waits",
        ),
        (
            "starttls-gone",
            Language::En,
            "TLSA records at _25._tcp.mx1.example.com promise TLS",
            "No sender",
        ),
        ("stale-key", Language::En, "It may stand beside", "replace"),
    ] {
        let letter = Letter::of(&report_on(case).await, language).text;
        let flat = letter.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(said), "{case}: {letter}");
        assert!(!flat.contains(not_said), "{case}: {letter}");
    }
}

#[tokio::test]
async fn where_nothing_is_to_be_repaired_there_is_no_letter() {
    for case in ["all-well", "no-tlsa", "port-blocked", "null-mx"] {
        let letter = Letter::of(&report_on(case).await, Language::En);
        assert_eq!(letter.text, "", "{case}");
        assert!(
            letter.beside.contains("no letter"),
            "{case}: {}",
            letter.beside
        );
    }
}

#[tokio::test]
async fn the_contact_of_the_zone_is_looked_up_and_the_hint_stands_beside() {
    let case = Case::find("stale-key").unwrap();
    let stage = case
        .stage(&SharedAuthorities::new(now()))
        .start()
        .await
        .unwrap();
    let arguments = ["--format", "letter", "--lang", "de", "example.com"];
    let ran = run_on(&stage, &arguments, b"").await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stderr);
    let to = "To: postmaster@example.com,\n hostmaster@example.com\n";
    assert!(ran.stdout.starts_with(to), "{}", ran.stdout);
    assert!(ran.stdout.contains("Guten Tag,"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("this letter may wait too"),
        "{}",
        ran.stderr
    );
    // Saved for a letter that is written later.
    let file = support::Temporary::with("json", "");
    let ran = run_on(&stage, &["--save", file.path(), "example.com"], b"").await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stderr);
    let arguments = ["--replay", file.path(), "--format", "letter"];
    let ran = support::program::run_with(&arguments, b"", stage.dial()).await;
    assert!(ran.stdout.starts_with(to), "{}", ran.stdout);
}

#[tokio::test]
async fn no_line_is_too_long_whatever_the_names_are() {
    let long = format!("{}.{}.example", "a".repeat(30), "b".repeat(30));
    let case = Case::find("stale-key").unwrap();
    for case in [case, Case::find("starttls-gone").unwrap()] {
        let seen = case.observe(&SharedAuthorities::new(now())).await.unwrap();
        let text = serde_json::to_string(&seen).unwrap();
        let seen = serde_json::from_str(&text.replace("example.com", &long)).unwrap();
        for language in [Language::En, Language::De] {
            let letter = Letter::of(&Report::of(&seen), language).text;
            let parsed = MessageParser::default().parse(letter.as_bytes()).unwrap();
            let subject = parsed.subject().unwrap();
            assert!(subject.contains(&format!(" {long} ")), "{subject}");
            for line in letter.lines() {
                // A name cannot be broken where it is copied.
                let is_name = line.contains("  dig ") || line.contains("  posttls-finger ");
                let is_name = is_name || line.contains(&format!("  -connect mx1.{long}"));
                let is_name = is_name || line.starts_with("_25._tcp.") || line.starts_with("To: ");
                assert!(line.chars().count() <= 72 || is_name, "{line}\n{letter}");
            }
        }
    }
}

#[tokio::test]
async fn a_port_and_brackets_stand_in_the_commands() {
    let case = Case::find("starttls-gone").unwrap();
    let mut seen = case.observe(&SharedAuthorities::new(now())).await.unwrap();
    seen.next_hop = "[mx1.example.com]:587".parse().unwrap();
    seen.mx = None;
    for (language, port) in [(Language::En, "port 587"), (Language::De, "Port 587")] {
        let letter = Letter::of(&Report::of(&seen), language).text;
        for said in [
            "posttls-finger -c -l dane '[mx1.example.com]:587'",
            "-connect mx1.example.com:587",
            port,
        ] {
            assert!(letter.contains(said), "{said}: {letter}");
        }
        for unsaid in ["ort 25", ":25"] {
            assert!(!letter.contains(unsaid), "{unsaid}: {letter}");
        }
    }
    // Without MX records nobody is told of one.
    let case = Case::find("mx-without-address").unwrap();
    let mut seen = case.observe(&SharedAuthorities::new(now())).await.unwrap();
    seen.next_hop = "[mx1.example.com]".parse().unwrap();
    seen.mx = None;
    for language in [Language::En, Language::De] {
        let letter = Letter::of(&Report::of(&seen), language).text;
        assert!(
            letter.contains("dig +short AAAA mx1.example.com"),
            "{letter}"
        );
        let body = letter.split_once("\n\n").unwrap().1;
        assert!(!body.contains("MX"), "{letter}");
    }
}

#[tokio::test]
async fn nobody_is_blamed_for_what_may_be_near_the_sender() {
    // From elsewhere something else is seen.
    let authorities = SharedAuthorities::new(now());
    let gone = Case::find("starttls-gone").unwrap();
    let mut seen = gone.observe(&authorities).await.unwrap();
    let mut elsewhere = seen.clone();
    let healthy = Case::find("all-well").unwrap();
    elsewhere.hosts = healthy.observe(&authorities).await.unwrap().hosts;
    elsewhere.proxy = Some("socks5://192.0.2.99:1080".to_owned());
    assert_ne!(Letter::of(&Report::of(&seen), Language::En).text, "");
    seen.elsewhere = vec![elsewhere];
    let letter = Letter::of(&Report::of(&seen), Language::En);
    assert_eq!(letter.text, "");
    assert!(
        letter.beside.contains("from another place something else"),
        "{}",
        letter.beside
    );
}

#[tokio::test]
async fn who_delivers_a_letter_about_dnssec_is_who_does_not_validate() {
    let letter = Letter::of(&report_on("signatures-expired").await, Language::En);
    assert!(
        letter.beside.contains(
            "send it from a mail system whose resolver does not validate DNSSEC, or call"
        ),
        "{}",
        letter.beside
    );
}
