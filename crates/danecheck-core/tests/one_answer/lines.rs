//! The lines that a report offers: the strictest beside the override, and those that
//! allow old TLS.

use danecheck_core::diagnosis::{Diagnosis, Question};
use danecheck_core::entry::Language;
use danecheck_core::finding::Severity;
use danecheck_core::judge::Horizon;
use danecheck_core::report::html::Html;
use danecheck_core::report::{
    Carrier, Detail, ExitStatus, Github, HumanStyle, JUnit, Letter, Markdown, Nagios, Report,
    Writer, human,
};
use danecheck_core::sender::{Sender, System};

use super::words::{flat, recorded};

/// Two lines in one report: which is for what, each in the sender's form, and no
/// sentence twice.
#[test]
fn the_strictest_line_says_whether_it_goes_in_place_of_the_override() {
    const ATTACKER: &str = "An attacker between you and the receiver";
    let in_place = "now, for a partner or a known certificate. Set it in place of the override \
                    above, not beside it:";
    for (name, system, said, unsaid) in [
        (
            "mta-sts-other-host",
            System::Mailcow,
            vec![
                "The strictest row that delivers",
                in_place,
                "First: check the same as for the override. mailcow Target mta-sts-other-host.lab, \
                 Policy secure, Parameters (leave empty)",
                "`danecheck overrides --mailcow-api https://MAILCOW`",
                "`danecheck --sender mailcow --warn-days 14 mta-sts-other-host.lab`",
            ],
            vec!["Postfix mta-sts-other-host.lab", "TABLE", "strictest line"],
        ),
        (
            "stale",
            System::Postfix,
            vec![
                "The strictest line that delivers",
                in_place,
                "Postfix stale.lab secure mailcow Target stale.lab, Policy secure, Parameters \
                 (leave empty)",
                "`danecheck overrides TABLE`",
            ],
            vec!["MAILCOW"],
        ),
        (
            "stale",
            System::Mailcow,
            vec![in_place, "mailcow Target stale.lab, Policy secure"],
            vec!["Postfix stale.lab", "smtp_tls_policy_maps"],
        ),
        // The same line is pasted once.
        (
            "starttls-454",
            System::Postfix,
            vec!["The line above is also the strictest that delivers now."],
            vec!["in place of", "check the same"],
        ),
        (
            "starttls-454",
            System::Mailcow,
            vec!["The row above is also the strictest that delivers now."],
            vec!["in place of", "Postfix starttls-454.lab"],
        ),
        (
            "all-well",
            System::Postfix,
            vec![
                "now, for a partner or a known certificate: Postfix all-well.lab dane-only mailcow \
                 Target all-well.lab, Policy dane-only, Parameters (leave empty)",
            ],
            vec!["in place of"],
        ),
        (
            "all-well",
            System::Mailcow,
            vec!["certificate: mailcow Target all-well.lab, Policy dane-only"],
            vec!["in place of", "Postfix all-well.lab"],
        ),
    ] {
        let sender = Sender {
            system,
            ..Sender::default()
        };
        let observation = recorded(name);
        let report = Report::new(&Diagnosis::of(&Question {
            sender,
            strictest: true,
            ..Question::of(&observation)
        }));
        for width in [60, 80, 120] {
            let style = HumanStyle {
                width,
                ..HumanStyle::default()
            };
            let page = human(&report, style);
            assert!(page.lines().all(|line| line.len() <= width), "{page}");
            let page = flat(&page);
            for words in &said {
                assert!(page.contains(words), "{name} at {width}: {words}\n{page}");
            }
            for words in &unsaid {
                assert!(!page.contains(words), "{name} at {width}: {words}\n{page}");
            }
            assert!(page.matches(ATTACKER).count() <= 1, "{page}");
        }
        let mut writer = Html::new(Language::En);
        writer.report(&report, ExitStatus::Broken);
        let html = writer.end();
        let has_line = html.contains("strictest-line\"");
        assert_eq!(
            has_line,
            system == System::Postfix && name != "starttls-454",
            "{name}"
        );
        assert_eq!(
            html.contains("in place of the override above, not beside it"),
            said.contains(&in_place),
            "{name}"
        );
    }
}

/// A line for old TLS is for the sender whose mail waits, not for the one whose
/// mail flows in TLS.
#[test]
fn no_line_lets_a_sender_deliver_that_delivers() {
    let sender = Sender {
        min_tls: Some("TLSv1.2".parse().unwrap()),
        ..Sender::default()
    };
    let report = Report::to(
        &recorded("old-tls-1.0-without-tlsa"),
        Horizon::default(),
        &sender,
    );
    let style = HumanStyle {
        detail: Detail::Full,
        ..HumanStyle::default()
    };
    let page = flat(&human(&report, style));
    assert!(
        page.contains("at level encrypt it would wait") && !page.contains("lets it deliver"),
        "{page}"
    );
}

/// What `--min-tls` refuses is the cause, in every form of the report.
#[test]
fn what_a_sender_refuses_is_the_cause_in_every_format() {
    for (name, system, min_tls, said, step, line, gives_up) in [
        (
            "old-tls-1.0-rsa",
            System::Postfix,
            Some("TLSv1.2"),
            "supports no TLS newer than TLSv1, and this sender accepts none older than TLSv1.2.",
            "Switch TLS 1.2 and 1.3 on.",
            "old-tls-1.0-rsa.lab  dane protocols=>=TLSv1",
            "this domain may use TLS as old as TLSv1; nothing else changes",
        ),
        (
            "old-tls-1.1-rsa",
            System::Mailcow,
            None,
            "supports no TLS newer than TLSv1.1, and this sender accepts none older than TLSv1.2. At \
             level dane it accepts no TLS this old at all.",
            "Switch TLS 1.2 and 1.3 on.",
            "Target old-tls-1.1-rsa.lab, Policy encrypt, Parameters protocols=>=TLSv1.1",
            "TLS stays, but nothing proves who answers; this domain may use TLS as old as TLSv1.1",
        ),
        (
            "tls12-only",
            System::Postfix,
            Some("TLSv1.3"),
            "supports no TLS newer than TLSv1.2, and this sender accepts none older than TLSv1.3.",
            "Switch TLS 1.3 on.",
            "tls12-only.lab  dane protocols=>=TLSv1.2",
            "this domain may use TLS as old as TLSv1.2; nothing else changes",
        ),
    ] {
        let sender = Sender {
            system,
            min_tls: min_tls.map(|version| version.parse().unwrap()),
            ..Sender::default()
        };
        let observation = recorded(name);
        let report = Report::to(&observation, Horizon::default(), &sender);
        let message = format!("mail.{name}.lab {said}");
        let first = &report.findings[0];
        assert_eq!(first.id, "sender-refuses-old-tls", "{name}");
        assert_eq!(
            (first.severity, &first.message),
            (Severity::Error, &message)
        );
        assert!(
            first
                .remedy
                .starts_with(&format!("Receiver: {step} Sender: Allow the old"))
        );
        // What others would dislike is no error of this mail.
        let outdated = report.findings.iter().find(|one| one.id == "tls-outdated");
        assert!(
            outdated.is_none_or(|one| one.severity == Severity::Warning),
            "{name}"
        );
        let advice = &report.recommendation;
        assert_eq!(advice.gives_up.as_deref(), Some(gives_up), "{name}");
        assert!(advice.reason.contains(" allowed; "), "{}", advice.reason);
        for width in [60, 80, 120] {
            for detail in [Detail::Short, Detail::Full] {
                let style = HumanStyle {
                    width,
                    detail,
                    ..HumanStyle::default()
                };
                let page = flat(&human(&report, style));
                assert!(
                    page.contains(&format!("error: {message} Receiver: {step}")),
                    "{page}"
                );
                assert!(page.contains(&flat(line)), "{page}");
                assert_eq!(page.matches("protocols=").count(), 1, "{page}");
                assert!(
                    page.contains(" allowed (") && !page.contains(": dane ("),
                    "{page}"
                );
            }
        }
        let status = ExitStatus::Broken;
        let formats: [(&str, Box<dyn Writer>); 4] = [
            ("nagios", Box::new(Nagios::default())),
            ("github", Box::new(Github)),
            ("markdown", Box::new(Markdown::default())),
            ("junit", Box::new(JUnit::default())),
        ];
        for (format, mut writer) in formats {
            let text = writer.report(&report, status) + &writer.end();
            let cause = text
                .find(said)
                .unwrap_or_else(|| panic!("{format}: {text}"));
            let other = text.find("offers no newer TLS");
            assert!(other.is_none_or(|other| cause < other), "{format}: {text}");
        }
        let mut html = Html::new(Language::En);
        html.report(&report, status);
        assert!(html.end().contains(said), "{name}");
        let comment = advice
            .entries
            .comment
            .as_ref()
            .unwrap()
            .join(" ")
            .replace("#", "");
        assert!(flat(&comment).contains(&message), "{comment}");
        for (language, asks) in [
            (Language::En, "Please switch on TLS 1."),
            (Language::De, "Bitte schalten Sie auf"),
        ] {
            let letter = Letter::of(&report, language);
            assert!(flat(&letter.text).contains(asks), "{}", letter.text);
            assert_eq!(letter.carrier, Carrier::Another, "{}", letter.beside);
        }
    }
    // Where the server's TLS is too old for every sender, that stays the cause.
    let sender = Sender {
        min_tls: Some("TLSv1.2".parse().unwrap()),
        ..Sender::default()
    };
    let report = Report::to(&recorded("old-tls-1.1"), Horizon::default(), &sender);
    assert_eq!(report.findings[0].id, "tls-too-old");
}
