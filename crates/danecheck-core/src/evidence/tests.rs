use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::lines::LONGEST_LINE;
use super::tally::NEXT_HOPS;
use super::*;
use crate::report::ExitStatus;

pub(super) fn explain(log: &str) -> Triage {
    let mut reading = Reading::default();
    // In pieces, as files are read.
    for piece in log.as_bytes().chunks(7) {
        reading.bytes(piece);
    }
    reading.triage()
}

pub(super) fn ids(log: &str) -> Vec<&'static str> {
    let mut ids: Vec<_> = explain(log).causes.iter().map(|cause| cause.id).collect();
    ids.sort_unstable();
    ids
}

pub(super) fn delivery(process: &str, domain: &str, dsn: &str, text: &str) -> String {
    let status = if dsn.starts_with('5') {
        "bounced"
    } else {
        "deferred"
    };
    format!(
        "Nov 22 02:36:41 mx postfix/{process}: 4E7F099A10B: to=<a@{domain}>, relay=none, \
         delay=0.05, delays=0/0/0/0, dsn={dsn}, status={status} ({text})\n"
    )
}

/// Section by section what Postfix says, in the words of all releases.
const TEXTS: &[(&str, &str, &str)] = &[
    (
        "4.7.5",
        "TLSA lookup error for mx1.a.test:25",
        "tlsa-lookup-error",
    ),
    ("4.7.5", "no TLSA records found", "no-tlsa-records"),
    ("4.7.5", "non DNSSEC destination", "non-dnssec-destination"),
    ("4.7.5", "TLSA records unusable", "tlsa-records-unusable"),
    (
        "4.7.5",
        "client TLS configuration problem",
        "client-tls-configuration",
    ),
    (
        "4.7.0",
        "client TLS configuration problem",
        "client-tls-configuration",
    ),
    (
        "4.7.5",
        "Server certificate not verified",
        "certificate-not-verified",
    ),
    (
        "4.7.5",
        "Cannot start TLS: handshake failure",
        "handshake-failure",
    ),
    (
        "4.7.5",
        "TLS is required, but our TLS engine is unavailable",
        "tls-engine-unavailable",
    ),
    (
        "4.7.0",
        "TLS is required, but unavailable",
        "tls-unavailable",
    ),
    (
        "4.7.4",
        "TLS is required, but was not offered by host mx1.a.test[192.0.2.1]",
        "starttls-not-offered",
    ),
    (
        "4.7.0",
        "TLS is required, but host mx1.a.test[192.0.2.1] refused to start TLS: 454 4.7.0 later",
        "starttls-refused-for-now",
    ),
    (
        "5.7.3",
        "TLS is required, but host mx1.a.test[192.0.2.1] refused to start TLS: 554 5.7.3 no",
        "starttls-refused-for-good",
    ),
    (
        "4.4.2",
        "lost connection with mx1.a.test[192.0.2.1] while receiving the STARTTLS response",
        "starttls-no-reply",
    ),
    (
        "4.4.2",
        "conversation with mx1.a.test[192.0.2.1] timed out while receiving the STARTTLS response",
        "starttls-no-reply",
    ),
    (
        "4.3.0",
        "server unavailable or unable to receive mail",
        "sts-no-mx-left",
    ),
    ("4.3.0", "unknown mail transport error", "smtp-crashed"),
    ("5.7.10", "the server does not support it", "requiretls"),
    ("5.7.30", "the server does not support it", "requiretls"),
    (
        "4.4.1",
        "connect to mx1.a.test[192.0.2.1]:25: Connection refused",
        "not-connected",
    ),
    (
        "4.4.3",
        "Host or domain name not found. Name service error for name=a.test type=MX: Host not \
         found, try again",
        "dns-try-again",
    ),
    (
        "5.4.3",
        "Host or domain name not found. Name service error for name=a.test type=MX: \
         Non-recoverable error",
        "dns-failed",
    ),
    (
        "5.4.4",
        "Host or domain name not found. Name service error for name=a.test type=AAAA: Host found \
         but no data record of requested type",
        "dns-nothing",
    ),
    (
        "5.1.0",
        "Domain a.test does not accept mail (nullMX)",
        "null-mx",
    ),
];

#[test]
fn each_text_has_its_cause_also_when_it_is_repeated_for_a_dead_destination() {
    for (dsn, text, id) in TEXTS {
        assert_eq!(ids(&delivery("smtp[1]", "a.test", dsn, text)), [*id]);
        let again = format!("delivery temporarily suspended: {text}");
        assert_eq!(ids(&delivery("error[1]", "a.test", dsn, &again)), [*id]);
    }
}

#[test]
fn the_line_before_says_why_a_certificate_is_not_verified() {
    let delivery = delivery(
        "smtp[8]",
        "a.test",
        "4.7.5",
        "Server certificate not verified",
    );
    let peer = "mx1.a.test[192.0.2.1]:25";
    for (line, id) in [
        // Postfix 3.7 on OpenSSL 1.1.1, and later ones.
        (
            format!(
                "certificate verification failed for {peer}: num=65:No matching DANE TLSA records"
            ),
            "certificate-no-match",
        ),
        (
            format!(
                "CA certificate verification failed for {peer}: num=65:no matching DANE TLSA records"
            ),
            "certificate-no-match",
        ),
        (
            format!("server certificate verification failed for {peer}: num=62:Hostname mismatch"),
            "certificate-name",
        ),
        (
            format!("server certificate verification failed for {peer}: certificate has expired"),
            "certificate-expired",
        ),
        (
            format!("certificate verification failed for {peer}: untrusted issuer /CN=X"),
            "certificate-untrusted",
        ),
        (
            format!(
                "certificate verification failed for {peer}: not trusted by local or TLSA policy"
            ),
            "certificate-untrusted",
        ),
        (
            format!("certificate verification failed for {peer}: num=79:invalid CA certificate"),
            "certificate-not-for-servers",
        ),
    ] {
        let log = format!("Nov 22 02:36:41 mx postfix/smtp[8]: {line}\n{delivery}");
        assert_eq!(ids(&log), [id], "{line}");
        // What another process said is about another delivery.
        let other = format!("Nov 22 02:36:41 mx postfix/smtp[9]: {line}\n{delivery}");
        assert_eq!(ids(&other), ["certificate-not-verified"], "{line}");
    }
}

#[test]
fn a_dead_destination_is_counted_to_the_cause_that_killed_it() {
    let log = [
        "Nov 22 02:36:41 mx postfix/smtp[8]: certificate verification failed for x: num=65:no \
         matching DANE TLSA records\n"
            .to_owned(),
        delivery(
            "smtp[8]",
            "a.test",
            "4.7.5",
            "Server certificate not verified",
        ),
        delivery(
            "error[9]",
            "A.test",
            "4.7.5",
            "delivery temporarily suspended: Server certificate not verified",
        ),
    ]
    .concat();
    let explanation = explain(&log);
    assert_eq!(explanation.causes.len(), 1);
    let hop = NextHopCount {
        name: "a.test".to_owned(),
        count: 2,
    };
    assert_eq!(explanation.causes[0].next_hops, [hop]);
    assert_eq!(explanation.next_hops[0].name, "a.test");
}

#[test]
fn faults_of_the_senders_own_side_are_told_apart() {
    let configuration = delivery(
        "smtp[8]",
        "a.test",
        "4.7.5",
        "client TLS configuration problem",
    );
    let handshake = delivery(
        "smtp[8]",
        "a.test",
        "4.7.5",
        "Cannot start TLS: handshake failure",
    );
    for (warning, delivery, id) in [
        (
            "socketmap:inet:127.0.0.1:8642:QUERY lookup error for \"a.test\"",
            &configuration,
            "policy-lookup",
        ),
        (
            "smtp_tls_policy_maps, next-hop destination \"a.test\": invalid attribute name: \"x\"",
            &configuration,
            "policy-lookup",
        ),
        (
            "Invalid TLS protocol list \">TLSv1\": aborting TLS session",
            &handshake,
            "policy-attributes",
        ),
    ] {
        let log = format!("Nov 22 02:36:41 mx postfix/smtp[8]: warning: {warning}\n{delivery}");
        assert_eq!(ids(&log), [id], "{warning}");
    }
}

#[test]
fn every_deferral_that_postfix_3_11_wrote_in_the_lab_is_explained() {
    let log = include_str!("../../../../fixtures/log/postfix-3.11.log");
    let explanation = explain(log);
    let waiting = log
        .lines()
        .filter(|line| line.contains("status=deferred") || line.contains("status=bounced"))
        .count();
    let explained: u64 = explanation
        .causes
        .iter()
        .map(|cause| cause.deferred + cause.bounced)
        .sum();
    assert_eq!(explained, waiting as u64);
    assert_eq!(explanation.lines, log.lines().count() as u64);
    assert_eq!(explanation.postfix_lines, explanation.lines);
    let found: BTreeSet<&str> = explanation.causes.iter().map(|cause| cause.id).collect();
    for id in [
        "certificate-no-match",
        "certificate-untrusted",
        "starttls-not-offered",
        "tlsa-lookup-error",
        "tlsa-records-unusable",
        "non-dnssec-destination",
        "tlsa-record-unusable",
        "dns-try-again",
        "null-mx",
        "not-connected",
    ] {
        assert!(found.contains(id), "{id}: {found:?}");
    }
    let mismatch = explanation
        .causes
        .iter()
        .find(|cause| cause.id == "certificate-no-match");
    let levels = &mismatch.unwrap().levels;
    assert!(levels.iter().any(|level| level == "!dane"), "{levels:?}");
}

#[test]
fn what_the_log_holds_bounds_neither_memory_nor_terminal() {
    let mut reading = Reading::default();
    for number in 0..3 * NEXT_HOPS {
        let domain = format!("d{number}.test");
        let line = delivery("smtp[1]", &domain, "4.7.5", "no TLSA records found");
        reading.bytes(line.as_bytes());
    }
    reading.bytes(&vec![b'x'; 10 * LONGEST_LINE]);
    assert!(reading.held() <= LONGEST_LINE);
    reading.bytes(b"\n");
    let evil = delivery(
        "smtp[1]",
        "e\u{1b}[31m.test",
        "4.7.5",
        "TLSA records unusable",
    );
    reading.bytes(evil.as_bytes());
    reading.bytes(b"\xff\xfe postfix/smtp[1]: \xff\n");
    let explanation = reading.triage();
    assert_eq!(explanation.causes[0].next_hops.len(), NEXT_HOPS);
    assert_eq!(explanation.causes[0].other_next_hops, 2 * NEXT_HOPS as u64);
    let text = explanation.human(80);
    let json = serde_json::to_string(&explanation).unwrap();
    for output in [&text, &json] {
        assert!(!output.contains('\u{1b}') && !output.contains("u001b"));
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn a_log_without_waiting_mail_is_said_to_be_one() {
    let sent = delivery("smtp[1]", "a.test", "2.0.0", "250 ok").replace("deferred", "sent");
    let text = explain(&sent).human(80);
    assert!(text.contains("no mail waits"), "{text}");
    let unknown = explain("hello\n");
    assert_eq!(unknown.inputs[0].kind, Kind::Unknown);
    assert_eq!(unknown.exit_status(), ExitStatus::Unknown);
    assert!(!unknown.human(80).contains("no mail waits"));
    assert_eq!(explain("").lines, 0);
    for (input, is_empty) in [("", true), (" \n\n", true), ("\n\nhello\n", false)] {
        let mut reading = Reading::default();
        reading.begin("-");
        reading.bytes(input.as_bytes());
        let text = reading.triage().table(80);
        let said = text.starts_with("The input is empty.\n");
        assert_eq!(said, is_empty, "{input:?}: {text}");
        assert_eq!(text.contains("Not understood"), !is_empty, "{text}");
    }
    let line = "Nov 22 01:02:03 mx postfix/qmgr[7]: 4A1B2C3D4E: removed\n";
    let blank = "\n".repeat(100_000);
    let parted = explain(&format!("{line}{blank}{line}"));
    assert_eq!((parted.lines, parted.postfix_lines), (100_002, 2));
}

#[test]
fn a_warning_alone_names_its_next_hop_and_the_command() {
    let policy = "Nov 22 02:36:41 mx postfix/smtp[8448]: warning: TLS policy lookup for \
                  a.example/mx.a.example: TLSA lookup error for mx.a.example:25\n";
    let exim = "2026-11-22 02:36:41 1tEabc-000123-Ab DANE attempt failed; TLS connection to \
                mx.a.example [192.0.2.7]: (SSL_connect): error:0A000086:SSL routines::certificate \
                verify failed\n";
    for (log, head, command, is_host) in [
        (
            policy,
            "warned about 1, for a.example\n",
            "  danecheck a.example\n",
            false,
        ),
        (
            exim,
            "warned about 1, for [mx.a.example]\n",
            "  danecheck '[mx.a.example]'\n",
            true,
        ),
    ] {
        let text = explain(log).table(80);
        assert!(text.contains(head), "{text}");
        assert!(text.contains(command), "{text}");
        assert_eq!(
            text.contains("the recipient's domain too"),
            is_host,
            "{text}"
        );
    }
    // A delivery says the same, and the table names it.
    let waits = delivery(
        "smtp[1]",
        "a.example",
        "4.7.5",
        "TLSA lookup error for mx.a.example:25",
    );
    let text = explain(&format!("{policy}{waits}")).table(80);
    assert!(!text.contains("Run:"), "{text}");
}

#[test]
fn causes_are_unique_and_each_says_what_to_do() {
    let ids: BTreeSet<&str> = CAUSES.iter().map(|cause| cause.id).collect();
    assert_eq!(ids.len(), CAUSES.len());
    for cause in CAUSES {
        assert!(
            cause.meaning.ends_with('.') && cause.remedy.ends_with('.'),
            "{}",
            cause.id
        );
    }
}

#[test]
fn mailcows_own_forms_name_the_sender() {
    let own = delivery("smtp[1]", "a.test", "5.7.5", "no TLSA records found")
        .replace("postfix/smtp", "enforced-tls-smtp/smtp");
    let triage = explain(&own);
    assert_eq!(triage.inputs[0].kind, Kind::PostfixLog);
    assert!(triage.is_of_mailcow());
    let other = delivery("smtp[1]", "a.test", "5.7.5", "no TLSA records found");
    assert!(!explain(&other).is_of_mailcow());
}

/// Where the other server replied, the fields of a notice have the reply alone.
#[test]
fn a_notice_says_in_its_text_what_the_other_server_replied_to() {
    for (text, reply, id) in [
        (
            "TLS is required, but host\n    mx.a.test[192.0.2.1] refused to start TLS: 454 not now",
            "454 not now",
            "starttls-refused-for-now",
        ),
        (
            "TLS is required, but host\n    mx.a.test[192.0.2.1] refused to start TLS: 421 4.7.0\n    \
             closing",
            "421 4.7.0 closing",
            "starttls-refused-and-closed",
        ),
        (
            "host mx.a.test[192.0.2.1] refused to talk to me: 554\n    5.7.1 no",
            "554 5.7.1 no",
            "refused-to-talk",
        ),
        (
            "host mx.a.test[192.0.2.1] said: 451 4.3.0 wait (in\n    reply to MAIL FROM command)",
            "451 4.3.0 wait",
            "message-refused",
        ),
    ] {
        let notice = format!(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
             --b\nContent-Type: text/plain\n\nTHIS IS A WARNING ONLY.\n\n<U@a.test>: {text}\n\n\
             --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; here.test\n\n\
             Final-Recipient: rfc822; u@a.test\nAction: delayed\nStatus: 4.0.0\n\
             Remote-MTA: dns; mx.a.test\nDiagnostic-Code: smtp; {reply}\n\n--b--\n"
        );
        assert_eq!(ids(&notice), [id], "{text}");
        // Without the text nothing else is known.
        let bare = notice.replace("<U@a.test>", "U@a.test");
        assert_eq!(ids(&bare), [""; 0], "{text}");
    }
}

#[test]
fn a_status_that_cannot_be_read_is_no_success() {
    let line = delivery("smtp[1]", "a.test", "4.7.5", "no TLSA records found");
    for status in ["status=<i>deferred</i>", "status=???", "status=1"] {
        let unread = line.replace("status=deferred", status);
        assert_eq!(
            explain(&unread).exit_status(),
            ExitStatus::Unknown,
            "{status}"
        );
        let both = explain(&format!("{line}{unread}"));
        assert_eq!((both.inputs[0].records, both.inputs[0].understood), (2, 1));
        assert!(both.inputs[0].notes[0].contains("status of 1"), "{status}");
    }
    let marked = line.replace("deferred", "<mark>def</mark>erred");
    assert_eq!(ids(&marked), ["no-tlsa-records"]);
}

/// Every input of the corpus, by its path.
#[expect(clippy::disallowed_methods, reason = "a test may read its inputs")]
fn corpus() -> Vec<(String, Vec<u8>)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/evidence");
    let mut all = Vec::new();
    for folder in fs::read_dir(top).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if !path.ends_with("expected.json") {
                all.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_log_looked_through_for_words_says_what_a_log_read_line_by_line_says() {
    let read = |bytes: &[u8], all: bool, piece: usize| {
        let mut reading = Reading::default();
        if all {
            reading.read_all();
        }
        for piece in bytes.chunks(piece) {
            reading.bytes(piece);
        }
        reading.triage()
    };
    let corpus = corpus();
    assert!(corpus.len() >= 120);
    for (name, bytes) in &corpus {
        assert_eq!(read(bytes, false, 64), read(bytes, true, 1000), "{name}");
    }
    // Lines of all of them, mixed, with what most logs are full of between.
    let lines: Vec<&[u8]> = corpus
        .iter()
        .filter(|(_, bytes)| !bytes.starts_with(&[0x1f, 0x8b]))
        .flat_map(|(_, bytes)| bytes.split_inclusive(|byte| *byte == b'\n'))
        .collect();
    const USUAL: [&str; 4] = [
        "Nov 22 02:36:41 mx postfix/qmgr[812]: 4E7F099A10B: removed\n",
        "Nov 22 02:36:41 mx postfix/smtp[8]: 4E7F099A10B: to=<u@a.test>, relay=mx[192.0.2.1]:25, \
         dsn=2.0.0, status=sent (250 ok)\n",
        "Nov 22 02:36:41 mx dovecot: imap-login: Login: user=<u@a.test>\n",
        "2026-11-22T02:36:41+00:00 mx kernel: eth0: up\n",
    ];
    let mut state = 18_u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    for round in 0..300 {
        let mut mixture = Vec::new();
        for _ in 0..draw(60) {
            match draw(3) {
                0 => mixture.extend_from_slice(USUAL[draw(USUAL.len())].as_bytes()),
                _ => mixture.extend_from_slice(lines[draw(lines.len())]),
            }
        }
        let text = String::from_utf8_lossy(&mixture);
        assert_eq!(
            read(&mixture, false, 1 + draw(500)),
            read(&mixture, true, 1 << 20),
            "{round}: {text}"
        );
    }
}
