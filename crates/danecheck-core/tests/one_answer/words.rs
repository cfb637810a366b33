//! What a person reads in a report: nothing is cut off, nothing stands for a name
//! that is known, and the words are true of this target.

use danecheck_core::diagnosis::{Diagnosis, Question};
use danecheck_core::entry::Language;
use danecheck_core::finding::Severity;
use danecheck_core::judge::Horizon;
use danecheck_core::observation::Reply;
use danecheck_core::report::html::Html;
use danecheck_core::report::{
    Carrier, Detail, ExitStatus, Github, HumanStyle, JUnit, Letter, Markdown, Nagios, Report,
    Writer, human,
};
use danecheck_core::sender::{Sender, System};

use super::support::{observation, top};

/// Words in capitals that stand for a name in the catalogue.
const PLACEHOLDERS: [&str; 5] = ["HOST", "DOMAIN", "NAME", "TYPE", "ZONE"];

/// The text without its line ends.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The step of the first of those who can act.
fn first_step(remedy: &str) -> &str {
    remedy.split(" Sender: ").next().unwrap_or(remedy)
}

/// What stands in the place of sentences that are left out.
const MORE: &str = "(-v says more)";

/// The short report says whole sentences, and what to do in full; what it leaves
/// out leaves a mark.
pub(super) fn is_whole(name: &str, report: &Report, width: usize, page: &str) {
    let is_begin = |line: &&str| line.starts_with("  error: ") || line.starts_with("  warning: ");
    let mut told = page
        .lines()
        .skip_while(|line| !is_begin(line))
        .take_while(|line| !line.is_empty());
    assert!(
        !told.any(|line| line.ends_with(" ...")),
        "{name} at {width}: {page}"
    );
    for finding in &report.findings {
        let mut words = finding.remedy.split(|c: char| !c.is_ascii_uppercase());
        let open = words.find(|word| PLACEHOLDERS.contains(word));
        assert_eq!(open, None, "{name}: {finding:?}");
    }
    let faults = report.findings.iter();
    let fault = faults.clone().find(|one| one.severity > Severity::Info);
    if let Some(fault) = fault {
        let steps: Vec<&str> = faults
            .filter(|one| one.id == fault.id)
            .map(|one| first_step(&one.remedy))
            .collect();
        let page = flat(page);
        let is_there = steps.iter().any(|step| page.contains(&flat(step)));
        assert!(is_there, "{name} at {width}: {steps:?}\n{page}");
        // Findings about several hosts become one, in other words.
        if let [_] = steps.as_slice() {
            let host = fault.subject.split(" [").next().unwrap_or_default();
            let about_host = fault.message.replace(&fault.subject, host);
            // A long name is broken inside.
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            let is_whole = [&fault.message, &about_host]
                .iter()
                .any(|message| bare(&page).contains(&bare(message)));
            assert!(
                is_whole || page.contains(MORE),
                "{name} at {width}: {fault:?}\n{page}"
            );
        }
    }
    // What people copy stays on one line.
    if let Some((_, row)) = page.split_once("mailcow: Target ") {
        let target = format!("{},", report.target);
        let mut words = row.split_whitespace();
        assert_eq!(
            words.next(),
            Some(target.as_str()),
            "{name} at {width}: {page}"
        );
    } else {
        let is_broken = page.contains("mailcow: Target");
        assert!(
            !is_broken || page.contains(&format!(" {},\n", report.target)),
            "{name}: {page}"
        );
    }
}

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
        let path = top().join(format!("fixtures/postfix/{name}.json"));
        let sender = Sender {
            system,
            ..Sender::default()
        };
        let observation = observation(&path);
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

fn page(name: &str, system: System, width: usize, detail: Detail) -> String {
    let path = top().join(format!("fixtures/postfix/{name}.json"));
    let sender = Sender {
        system,
        ..Sender::default()
    };
    let report = Report::to(&observation(&path), Horizon::default(), &sender);
    let style = HumanStyle {
        width,
        detail,
        ..HumanStyle::default()
    };
    flat(&human(&report, style))
}

/// Each row had a wrong or a misleading statement once.
#[test]
fn what_a_report_says_is_true_of_its_target() {
    for (name, said, unsaid) in [
        // Senders that differ.
        (
            "mta-sts-other-host",
            "no DANE; mailcow and others that honour MTA-STS keep it back",
            "No override is needed. ",
        ),
        (
            "mta-sts-self-signed",
            "If you use mailcow, run `danecheck --sender mailcow mta-sts-self-signed.lab`",
            "No override is needed. ",
        ),
        // A part of the mail, and a part of the servers.
        (
            "six-addresses-both-families",
            "protected by DANE, but not every server works",
            "[127.0.8.27] and [127.0.8.28]",
        ),
        (
            "refused-then-good",
            "protected by DANE, but not every server works",
            "all of it",
        ),
        (
            "equal-preference",
            "a part of it may go in plain text",
            "all of it",
        ),
        (
            "second-without-dane",
            "mail flows in plain text, past DANE",
            "all of it",
        ),
        (
            "mx-no-ad",
            "DANE does not protect all of it",
            "not every server works",
        ),
        (
            "sni-demanded",
            "protected by DANE; other senders' mail may wait",
            "with the same command",
        ),
        (
            "first-of-two-stale",
            "wait for the TTL of the old one",
            "Mail flows once",
        ),
        // The code that is logged, and the fault.
        (
            "stale-then-refused",
            "(4.4.1, from mx2.stale-then-refused.lab, tried last)",
            "(4.4.1)",
        ),
        (
            "both-stale",
            "DANE senders defer this mail (4.7.5)",
            "tried last",
        ),
        // Steps that fit the fault.
        (
            "ehlo-beyond-2048",
            "Shorten the answer to EHLO",
            "Switch STARTTLS on",
        ),
        (
            "ehlo-1100-keywords",
            "Shorten the answer to EHLO",
            "Switch STARTTLS on",
        ),
        (
            "ehlo-keyword-tab",
            "Write `250-STARTTLS` as a line of its own",
            "Switch STARTTLS on",
        ),
        (
            "ehlo-first-line",
            "Write `250-STARTTLS` as a line of its own",
            "Switch STARTTLS on",
        ),
        (
            "starttls-off",
            "Switch STARTTLS on, or remove the TLSA records",
            "Shorten",
        ),
        (
            "handshake-fails-without-tlsa",
            "Check that its key belongs to its certificate",
            "Switch STARTTLS on",
        ),
        (
            "starttls-454-without-tlsa",
            "Correct the path",
            "Switch STARTTLS on",
        ),
        (
            "ds-wrong",
            "Correct the DS records at the parent",
            "Repair or remove",
        ),
        (
            "keys-bogus",
            "Sign the zone again",
            "Correct the DS records",
        ),
        (
            "denial-expired",
            "Sign the zone again now",
            "Repair or remove",
        ),
        (
            "mx-servfail",
            "danecheck dns mx-servfail.lab MX --authoritative",
            "Sign the zone",
        ),
        (
            "proxy-header-v2",
            "from sending a PROXY header",
            "block list",
        ),
        (
            "proxy-header",
            "from sending a PROXY header",
            "If EHLO has two answers",
        ),
        (
            "greeting-twice",
            "Remove one of the two programs",
            "PROXY header",
        ),
        // Sentences that had no room on a narrow terminal.
        (
            "proxy-header",
            "Most likely a proxy in front of it sends a PROXY header",
            "says more",
        ),
        (
            "greeting-twice",
            "Most likely two programs greet on this port, such as a filter and the mail server.",
            "says more",
        ),
        (
            "ehlo-twice",
            "Most likely it answers EHLO in more than one reply.",
            "says more",
        ),
        (
            "anchor-is-the-leaf",
            "Publish it as 3 1 1: its data is right.",
            "the message gives",
        ),
        (
            "handshake-fails",
            "`openssl s_client -starttls smtp -connect mail.handshake-fails.lab:25",
            "HOST",
        ),
        // The record is right: another one helps nothing.
        (
            "key-rsa-768",
            "is right, but the key of the server's certificate is too weak. Receiver: Replace the \
             server's key with RSA of 2048 bits",
            "names an authority",
        ),
        (
            "old-key-rsa-768",
            "Publish 3 1 1 of the new key before you install it.",
            "needs none of this",
        ),
        (
            "message-empty-last",
            "Remove the certificate that OpenSSL cannot decode",
            "names an authority",
        ),
        (
            "message-junk-last",
            "Remove the certificate that OpenSSL cannot decode",
            "needs none of this",
        ),
        // The reply itself says that it is temporary.
        (
            "tls-then-421",
            "421 4.3.2 closing. It says that this is temporary. Receiver:",
            "names an authority",
        ),
        // What may go by itself, before an override is advised.
        (
            "tls-then-421",
            "First: The refusal (421) may end by itself: look again in a few minutes before you set \
             it. Postfix",
            "An attacker",
        ),
        (
            "starttls-454",
            "First: The refusal (454) may end by itself: look again in a few minutes. An attacker",
            "before you set it. before",
        ),
        (
            "starttls-421-closes",
            "First: The refusal (421) may end by itself: look again in a few minutes. An attacker",
            "alone",
        ),
        (
            "tls-then-refused",
            "First: The server may refuse only the machine that made this check: run it again on your \
             own mail server before you set it. Postfix",
            "by itself",
        ),
        ("starttls-554", "First: An attacker between", "by itself"),
        ("tls-then-drop", "First: An attacker between", "look again"),
        // The refusal that the caution is about, beside another fault.
        (
            "stray-refused-for-now-then-healthy-without-tlsa",
            "First: The refusal (450) may end by itself",
            "The refusal may",
        ),
        // The reason is whole, and so is the cause.
        (
            "greeting-bare",
            "greets with \"220\", so Postfix sends HELO and sees no STARTTLS. Most likely a firewall \
             hides the greeting. Receiver:",
            "says more)",
        ),
        (
            "greeting-drop",
            "error: mail.greeting-drop.lab closes the connection before its greeting.",
            "and then",
        ),
        // What else is wrong, in words.
        (
            "second-without-dane",
            "Also: mx2.second-without-dane.lab has no TLSA records, but another mail server has.",
            "Also: tlsa-missing",
        ),
        (
            "second-without-dane",
            "To keep this mail back instead of sending it in plain text, set level dane-only.",
            "No override is needed. ",
        ),
        (
            "equal-preference",
            "Level dane-only sends this mail only to servers that DANE protects.",
            "No override is needed. ",
        ),
        // Senders that differ where none delivers.
        (
            "proxy-header",
            "DANE senders defer this mail (4.7.4); some others bounce it",
            "every sender",
        ),
        (
            "proxy-header",
            "No override can help. Set none: a weaker level may return the mail at once.",
            "no TLS policy makes",
        ),
        (
            "ehlo-twice-without-tlsa",
            "DANE senders bounce this mail (5.5.0); some others defer it",
            "every sender",
        ),
        (
            "proxy-header-v2-then-healthy-without-tlsa",
            "some others deliver it",
            "every sender",
        ),
        (
            "connection-refused",
            "every sender defers this mail",
            "weaker level",
        ),
        (
            "null-mx-with-address",
            "every sender bounces",
            "some others",
        ),
        // Messages whose first sentence is the fault.
        (
            "alias-leads-out-stale",
            "error: None of the TLSA records at",
            "error: alias.",
        ),
        (
            "tlsa-alias-stale",
            "error: None of the TLSA records of",
            "error: The TLSA records",
        ),
        (
            "five-lookup-errors-then-sixth",
            "failed: SERVFAIL.",
            "failed: ...",
        ),
        (
            "tlsa-alias-leads-into-bogus",
            "from 127.0.1.2 for key",
            "127.0.1.2 and 127.0.1.2",
        ),
        (
            "tlsa-bogus",
            "signature crypto failed from 127.0.1.2",
            "validation failure <",
        ),
        ("old-tls-1.0-ta", "and signs with SHA-1 only", "signs over"),
        (
            "unusable-sha256-short",
            "its digest is cut off after",
            "not as long as",
        ),
        (
            "unusable-sha256-long",
            "bytes instead of 32",
            "not as long as",
        ),
        // Records that nobody asks for.
        (
            "unsigned",
            "senders ask for no TLSA records there",
            "publish no TLSA",
        ),
        ("no-tlsa", "have no TLSA records.", "ask for no TLSA"),
        ("no-tlsa-at-domain", "have no TLSA records.", "that count"),
        (
            "port-of-others",
            "have no TLSA records for port 2526.",
            "that count",
        ),
        // A null MX that RFC 7505 does not allow, and one that it does.
        (
            "null-mx-among-others",
            "Receiver: Remove the MX record whose host is",
            "nobody receives mail",
        ),
        ("null-mx", "nobody receives mail there", "Receiver:"),
        // Neither MX record nor address, and an MX record without address.
        (
            "no-mail-at-all",
            "has neither an MX record nor an address. Receiver: Publish an MX record.",
            "remove the MX record",
        ),
        ("mx-without-address", "remove the MX record", "neither"),
        // From the mail server itself a step is left.
        (
            "unreachable-alone",
            "run `danecheck doctor --via gmail.com unreachable-alone.lab`",
            "IPv6",
        ),
        (
            "ipv6-unreachable-alone",
            "can be reached from here: they have only IPv6 addresses.",
            "DOMAIN",
        ),
    ] {
        for width in [60, 80, 120] {
            let page = page(name, System::Postfix, width, Detail::Short);
            assert!(page.contains(said), "{name} at {width}: {page}");
            assert!(!page.contains(unsaid), "{name} at {width}: {page}");
        }
    }
    // The sender that was named is not compared with itself.
    let mailcow = page("mta-sts-other-host", System::Mailcow, 80, Detail::Short);
    assert!(
        mailcow.contains("mailcow keeps this mail back"),
        "{mailcow}"
    );
    assert!(!mailcow.contains("keep it back"), "{mailcow}");
    for said in [
        "error: mailcow obeys the MTA-STS policy of mta-sts-other-host.lab, which does not list the \
         MX host mail.mta-sts-other-host.lab.",
        "Sender: Set the advised override. When you remove it, empty the cache",
    ] {
        assert!(mailcow.contains(said), "{mailcow}");
    }
    assert!(!mailcow.contains("Level dane would"), "{mailcow}");
    let full = page("mta-sts-other-host", System::Mailcow, 80, Detail::Full);
    assert!(full.contains("without attributes such as match="), "{full}");
    // A certificate helps nothing where there is no TLS, and neither does the
    // hope that nobody reads along.
    let plain = page("mta-sts-plain", System::Mailcow, 80, Detail::Full);
    let switched_on = "it does not offer STARTTLS. Receiver: Switch STARTTLS on, with a";
    assert!(plain.contains(switched_on), "{plain}");
    assert!(!plain.contains("may be able to read"), "{plain}");
    assert!(
        plain.contains("may (everybody on the way can read the mail)"),
        "{plain}"
    );
    // Other versions of TLS do not repair a chain.
    let junk = page("message-empty-last", System::Postfix, 80, Detail::Full);
    assert!(!junk.contains("Offer TLS 1.2"), "{junk}");
    // Past and future.
    let ended = page("ee-expired", System::Postfix, 80, Detail::Full);
    assert!(!ended.contains(" ends on "), "{ended}");
}

/// A line for old TLS is for the sender whose mail waits, not for the one whose
/// mail flows in TLS.
#[test]
fn no_line_lets_a_sender_deliver_that_delivers() {
    let path = top().join("fixtures/postfix/old-tls-1.0-without-tlsa.json");
    let sender = Sender {
        min_tls: Some("TLSv1.2".parse().unwrap()),
        ..Sender::default()
    };
    let report = Report::to(&observation(&path), Horizon::default(), &sender);
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
        let path = top().join(format!("fixtures/postfix/{name}.json"));
        let sender = Sender {
            system,
            min_tls: min_tls.map(|version| version.parse().unwrap()),
            ..Sender::default()
        };
        let observation = observation(&path);
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
    let path = top().join("fixtures/postfix/old-tls-1.1.json");
    let sender = Sender {
        min_tls: Some("TLSv1.2".parse().unwrap()),
        ..Sender::default()
    };
    let report = Report::to(&observation(&path), Horizon::default(), &sender);
    assert_eq!(report.findings[0].id, "tls-too-old");
}

/// Those who can act have a paragraph each.
#[test]
fn the_steps_of_receiver_and_sender_are_paragraphs() {
    let path = top().join("fixtures/postfix/stale.json");
    let report = Report::of(&observation(&path));
    let page = human(&report, HumanStyle::of(Detail::Full));
    for lead in [
        "\n      Receiver: Publish",
        "\n      Sender: Tell the receiver",
    ] {
        assert!(page.contains(lead), "{page}");
    }
    assert!(!page.contains(". Sender:"), "{page}");
}

/// A letter asks for what the report asks for.
#[test]
fn a_letter_names_the_cause_that_the_report_names() {
    const KEY: [&str; 2] = ["read its key", "Schlüssel nicht lesen"];
    for (name, english, german, unsaid) in [
        (
            "proxy-header",
            "Stop the proxy or load balancer in front of the server from sending a PROXY header",
            "Stellen Sie ab, dass der Proxy oder Load-Balancer davor einen PROXY-Header schickt",
            "STARTTLS work",
        ),
        (
            "greeting-twice",
            "Remove one of the two programs that greet on this port.",
            "Entfernen Sie eines der beiden Programme",
            "STARTTLS work",
        ),
        (
            "ehlo-twice",
            "Write the answer to EHLO as one reply",
            "Schreiben Sie die Antwort auf EHLO als eine einzige",
            "STARTTLS work",
        ),
        (
            "sni-refused",
            "Add mail.sni-refused.lab to the names that the server's TLS knows.",
            "Nehmen Sie mail.sni-refused.lab in die Namen auf",
            "inspects SMTP",
        ),
        (
            "starttls-drop",
            "Try STARTTLS on the server itself.",
            "Unser Prüfprogramm rät dazu: „Try STARTTLS on the server itself.",
            "inspects SMTP",
        ),
        (
            "starttls-554",
            "Correct the path and the permissions of the server's key",
            "Berichtigen Sie Pfad und Rechte der Dateien",
            "inspects SMTP",
        ),
        (
            "tls-then-refused",
            "Search the server's log for the time of this check.",
            "Unser Prüfprogramm rät dazu: „Search the server's log",
            "STARTTLS work",
        ),
        (
            "null-mx-among-others",
            "Please remove the MX record whose host is \".\".",
            "Bitte entfernen Sie den MX-Eintrag mit dem Host „.“.",
            "STARTTLS",
        ),
        (
            "no-mail-at-all",
            "has neither an MX record nor an address. Please publish an MX record",
            "hat weder einen MX-Eintrag noch eine Adresse. Bitte veröffentlichen Sie",
            "The MX record names",
        ),
    ] {
        let path = top().join(format!("fixtures/postfix/{name}.json"));
        let report = Report::of(&observation(&path));
        for (language, said) in [(Language::En, english), (Language::De, german)] {
            let letter = flat(&Letter::of(&report, language).text);
            assert!(letter.contains(said), "{name}: {letter}");
            assert!(!letter.contains(unsaid), "{name}: {letter}");
            for key in KEY {
                assert!(!letter.contains(key), "{name}: {letter}");
            }
        }
    }
}

/// Nobody is sent to a mail system that fails too.
#[test]
fn beside_a_letter_stands_who_delivers_it() {
    for (name, carrier, beside, others) in [
        (
            "stale",
            Carrier::WithoutDane,
            "mail to them waits, and this letter may wait too: send it from a mail system that \
             does not use DANE, or call.",
            Some("Senders without DANE still deliver."),
        ),
        (
            "starttls-554",
            Carrier::WithoutDane,
            "mail to them is returned, and this letter may be returned too",
            Some("Senders without DANE still deliver."),
        ),
        (
            "starttls-drop",
            Carrier::WithoutTls,
            "send it from a mail system that uses no TLS, or call.",
            Some("Only senders that use no TLS still deliver."),
        ),
        (
            "proxy-header",
            Carrier::Nobody,
            "this letter does not arrive either: call, or write to another domain of theirs.",
            None,
        ),
    ] {
        let path = top().join(format!("fixtures/postfix/{name}.json"));
        let report = Report::of(&observation(&path));
        let letter = Letter::of(&report, Language::En);
        assert_eq!(letter.carrier, carrier, "{name}");
        assert!(letter.beside.contains(beside), "{name}: {}", letter.beside);
        let text = flat(&letter.text);
        match others {
            Some(others) => assert!(text.contains(others), "{name}: {text}"),
            None => assert!(!text.contains("still deliver"), "{name}: {text}"),
        }
    }
}

/// No letter asks for the record that is published already.
#[test]
fn a_letter_asks_for_what_repairs_the_fault() {
    for (name, english, german) in [
        (
            "key-rsa-768",
            "with an RSA key of 2048 bits or more",
            "mit einem RSA-Schlüssel von mindestens 2048 Bit",
        ),
        (
            "old-key-rsa-768",
            "Please give the server a new certificate",
            "Bitte geben Sie dem Server ein neues Zertifikat",
        ),
        (
            "message-empty-last",
            "remove the certificate that OpenSSL cannot decode",
            "entfernen oder ersetzen Sie das Zertifikat",
        ),
    ] {
        let path = top().join(format!("fixtures/postfix/{name}.json"));
        let report = Report::of(&observation(&path));
        for (language, said) in [(Language::En, english), (Language::De, german)] {
            let letter = flat(&Letter::of(&report, language).text);
            assert!(letter.contains(said), "{name}: {letter}");
            assert!(!letter.contains("IN TLSA"), "{name}: {letter}");
        }
    }
}

/// A policy that keeps mail back is the receiver's to repair, without DANE too.
#[test]
fn a_letter_about_mta_sts_asks_for_testing() {
    for (name, is_written) in [("mta-sts-plain", true), ("mta-sts-testing", false)] {
        let path = top().join(format!("fixtures/postfix/{name}.json"));
        let report = Report::of(&observation(&path));
        for (language, said) in [
            (Language::En, "Please set the policy's mode to testing"),
            (
                Language::De,
                "Bitte setzen Sie „mode“ in der Richtlinie auf „testing“",
            ),
        ] {
            let letter = flat(&Letter::of(&report, language).text);
            assert_eq!(letter.contains(said), is_written, "{name}: {letter}");
            assert_eq!(letter.is_empty(), !is_written, "{name}: {letter}");
        }
    }
}

/// The error names the reason that was seen, and the step repairs that one.
#[test]
fn the_step_belongs_to_the_reason() {
    let dates = "Or publish 3 1 1 of the server's own key, for which dates do not count.";
    for (name, id, message, step) in [
        (
            "message-junk-first",
            "handshake-failed",
            "number 1 of the certificates that the server sends cannot be read.",
            "Repair or replace the certificate file of the server",
        ),
        (
            "message-junk-far",
            "handshake-failed",
            "number 33 of the certificates",
            "Repair the chain file of the server, whose certificate number 33 cannot be read",
        ),
        (
            "message-throng-tls-1.2",
            "handshake-failed",
            "sends a longer handshake message than Postfix takes.",
            "Shorten the chain file",
        ),
        (
            "starttls-then-plain",
            "handshake-failed",
            "something that is not TLS.",
            "Find out what answers on port 25",
        ),
        (
            "starttls-twice-apart",
            "handshake-failed",
            "goes on in plain text: 220 go ahead.",
            "Find out what answers on port 25",
        ),
        (
            "starttls-then-hang",
            "handshake-failed",
            "time ran out.",
            "Search the server's log",
        ),
        (
            "starttls-then-drop",
            "handshake-failed",
            "the connection was lost.",
            "Search the server's log",
        ),
        (
            "handshake-fails",
            "handshake-failed",
            "the server says protocol_version.",
            "offer ECDHE with AES-GCM",
        ),
        (
            "newer-hybrid-group",
            "handshake-failed",
            "takes only TLS groups that no Postfix before 3.11 on OpenSSL 3.5 offers \
             (X25519MLKEM768).",
            "Offer the group x25519 or secp256r1 as well.",
        ),
        (
            "old-ffdhe2048-group-tls-1.3",
            "handshake-failed",
            "takes only TLS groups that no Postfix before 3.8 offers",
            "Offer the group x25519 or secp256r1 as well.",
        ),
        (
            "message-crowd-tls-1.2",
            "tls-outdated",
            "sends more than 64 kilobytes of certificates",
            "Shorten the chain file",
        ),
        (
            "old-key-rsa-pss-tls-1.2",
            "tls-outdated",
            "shows a key of a rare kind (RSA-PSS 2048 bits)",
            "Use a certificate with an RSA key of 2048 bits or a key on P-256. If TLSA records",
        ),
        (
            "old-key-ed448-tls-1.2",
            "tls-outdated",
            "shows a key of a rare kind (Ed448)",
            "Use a certificate with",
        ),
        (
            "old-cbc",
            "tls-outdated",
            "offers no newer TLS than TLSv1.2 with TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA.",
            "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM.",
        ),
        (
            "old-key-dsa",
            "tls-outdated",
            "offers no newer TLS than TLSv1.2 with TLS_DHE_DSS_WITH_AES_256_GCM_SHA384.",
            "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM. Use a certificate with an RSA key of",
        ),
        (
            "no-certificate",
            "tls-too-old",
            "shows no certificate (TLSv1.2 with TLS_DH_anon_WITH_AES_256_GCM_SHA384)",
            "Offer TLS 1.2 or 1.3",
        ),
        (
            "old-protocol-only",
            "tls-too-old",
            "TLSv1 with TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, and signs with SHA-1 only.",
            "Offer TLS 1.2 or 1.3",
        ),
        (
            "anchor-leaf-expired",
            "dane-ta-certificate-expired",
            "the server's certificate has expired.",
            "Renew the server's certificate",
        ),
        (
            "anchor-leaf-not-yet-valid",
            "dane-ta-certificate-expired",
            "the server's certificate is not valid before 20",
            "Put the former certificate back until 20",
        ),
        (
            "anchor-below-expired",
            "dane-ta-certificate-expired",
            "expired on 20",
            "Replace the expired CA certificate in the chain that the server sends",
        ),
        (
            "anchor-root-not-yet-valid",
            "dane-ta-certificate-expired",
            "is not valid before 20",
            dates,
        ),
        (
            "stale-not-yet-valid",
            "tlsa-mismatch",
            ", valid only from 2026-12-22, matches none",
            "Publish 3 1 1 of the current key",
        ),
        (
            "starttls-421",
            "starttls-refused-for-now",
            "refuses to start TLS: 421 4.3.2 closing.",
            "Reply 421 most often means",
        ),
        (
            "starttls-454",
            "starttls-refused-for-now",
            "refuses to start TLS: 454 not now.",
            "Correct the path and the permissions of the server's key",
        ),
        (
            "starttls-502-coded",
            "starttls-refused-for-good",
            "refuses to start TLS: 502 5.5.1 what?.",
            "Try STARTTLS on the server itself.",
        ),
        (
            "starttls-554",
            "starttls-refused-for-good",
            "refuses to start TLS: 554 no.",
            "Correct the path and the permissions of the server's key",
        ),
        (
            "greeting-in-tls",
            "replies-out-of-step",
            "Most likely it greets again inside TLS, or answers EHLO there in more than one reply.",
            "Inside TLS, let the server",
        ),
        (
            "ehlo-in-tls-in-two-replies",
            "replies-out-of-step",
            "after its answer to EHLO inside TLS it sends \"250 HELP\" unasked.",
            "Inside TLS, let the server",
        ),
        (
            "ehlo-then-421-and-220",
            "replies-out-of-step",
            "after its answer to EHLO it sends \"421 4.3.2 closing\" unasked.",
            "Write the answer to EHLO as one reply",
        ),
    ] {
        let path = top().join(format!("fixtures/postfix/{name}.json"));
        let report = Report::of(&observation(&path));
        let first = &report.findings[0];
        assert_eq!(first.id, id, "{name}");
        assert!(first.message.contains(message), "{name}: {first:?}");
        let receiver = first.remedy.strip_prefix("Receiver: ").unwrap();
        let receiver = first_step(receiver);
        assert!(receiver.contains(step), "{name}: {first:?}");
    }
}

/// A server that refuses EHLO is not asked to switch on what it offers there.
#[test]
fn a_refused_ehlo_is_named() {
    let path = top().join("fixtures/postfix/ehlo-refused.json");
    let mut seen = observation(&path);
    let reply = Reply {
        code: 502,
        lines: vec!["502 5.5.2 what".to_owned()],
    };
    for host in &mut seen.hosts {
        for session in host.addresses.iter_mut().flat_map(|one| &mut one.sessions) {
            session.refused_ehlo = Some(reply.clone());
        }
    }
    let report = Report::of(&seen);
    let first = &report.findings[0];
    assert_eq!(first.id, "starttls-not-offered");
    let said = "refuses EHLO: 502 5.5.2 what. Postfix then sends HELO and sees no STARTTLS";
    assert!(first.message.contains(said), "{first:?}");
    let step = "accept EHLO: only its answer offers STARTTLS.";
    assert!(first_step(&first.remedy).ends_with(step), "{first:?}");
}
