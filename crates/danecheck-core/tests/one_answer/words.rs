//! What a person reads in a report: nothing is cut off, nothing stands for a name
//! that is known, and the words are true of this target.

use danecheck_core::finding::Severity;
use danecheck_core::judge::Horizon;
use danecheck_core::observation::Observation;
use danecheck_core::report::{Detail, HumanStyle, Report, human};
use danecheck_core::sender::{Sender, System};

use super::support::{observation, top};

/// Words in capitals that stand for a name in the catalogue.
const PLACEHOLDERS: [&str; 5] = ["HOST", "DOMAIN", "NAME", "TYPE", "ZONE"];

/// What the lab saw in this scenario.
pub(super) fn recorded(name: &str) -> Observation {
    observation(&top().join(format!("fixtures/postfix/{name}.json")))
}

/// The text without its line ends.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The step of the first of those who can act.
pub(super) fn first_step(remedy: &str) -> &str {
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

fn page(name: &str, system: System, width: usize, detail: Detail) -> String {
    let sender = Sender {
        system,
        ..Sender::default()
    };
    let report = Report::to(&recorded(name), Horizon::default(), &sender);
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

/// Those who can act have a paragraph each.
#[test]
fn the_steps_of_receiver_and_sender_are_paragraphs() {
    let report = Report::of(&recorded("stale"));
    let page = human(&report, HumanStyle::of(Detail::Full));
    for lead in [
        "\n      Receiver: Publish",
        "\n      Sender: Tell the receiver",
    ] {
        assert!(page.contains(lead), "{page}");
    }
    assert!(!page.contains(". Sender:"), "{page}");
}
