//! What inputs can make the reader do is bounded, and said.

use super::tests::{delivery, explain, ids};
use super::*;
use crate::report::ExitStatus;

fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_expands_past_a_bound_is_cut_and_said() {
    let line = delivery("smtp[1]", "a.test", "4.7.5", "no TLSA records found");
    let mut reading = Reading::with_bound(1_000_000);
    reading.bytes(&gzip(line.repeat(100_000).as_bytes()));
    let triage = reading.triage();
    let input = &triage.inputs[0];
    assert!(input.notes[0].contains("expands to too much"), "{input:?}");
    assert!(input.understood < 100_000 && input.understood > 1000);
    assert_eq!(triage.exit_status(), ExitStatus::Broken);
    // An object, and a line, that never end.
    for endless in [&b"{\"a\":\""[..], b"to=<"] {
        let mut reading = Reading::default();
        reading.bytes(endless);
        for _ in 0..20 {
            reading.bytes(&vec![b'x'; 1 << 20]);
        }
        reading.bytes(b"\"}\n");
        let triage = reading.triage();
        let notes = &triage.inputs[0].notes;
        assert!(notes[0].contains("too long"), "{notes:?}");
        assert_eq!(triage.exit_status(), ExitStatus::Unknown);
    }
}

#[test]
fn mails_inside_mails_are_read_so_deep_only() {
    let inner = "Final-Recipient: rfc822; u@a.test\nAction: failed\nStatus: 5.7.5\n\
                 Diagnostic-Code: X-Postfix; no TLSA records found\n";
    let nested = |depth: usize| {
        let mut mail = format!("Content-Type: message/delivery-status\n\n{inner}");
        for level in 0..depth {
            mail = format!(
                "From: a@b.test\nContent-Type: multipart/mixed; boundary=b{level}\n\n\
                 --b{level}\nContent-Type: message/rfc822\n\n{mail}\n--b{level}--\n"
            );
        }
        mail
    };
    assert_eq!(ids(&nested(2)), ["no-tlsa-records"]);
    // The fields are found as text; that something was not opened is said.
    let deep = explain(&nested(12));
    assert_eq!(deep.next_hops[0].name, "a.test");
    let notes = &deep.inputs[0].notes;
    assert!(
        notes.iter().any(|note| note.contains("deep only")),
        "{notes:?}"
    );
}

#[test]
fn a_mail_of_very_many_parts_is_cut_and_said() {
    let part = "--b\nContent-Type: text/plain\n\nx\n";
    let mail = format!(
        "From: a@b.test\nContent-Type: multipart/mixed; boundary=b\n\n{}--b--\n",
        part.repeat(5000)
    );
    let notes = &explain(&mail).inputs[0].notes;
    assert!(
        notes.iter().any(|note| note.contains("too long")),
        "{notes:?}"
    );
}
