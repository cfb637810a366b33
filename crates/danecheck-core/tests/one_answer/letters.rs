//! Letters: they name the cause that the report names, ask for what repairs it, and
//! say who delivers them.

use danecheck_core::entry::Language;
use danecheck_core::report::{Carrier, Letter, Report};

use super::words::{flat, recorded};

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
            "Probieren Sie STARTTLS auf dem Server selbst.",
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
            "Search the server's log for the time above.",
            "Suchen Sie im Log des Servers nach diesem Zeitpunkt.",
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
        let report = Report::of(&recorded(name));
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

/// The receiver has no report, and does not know the program that wrote it.
#[test]
fn a_letter_speaks_of_no_option_and_gives_no_advice_that_does_not_help() {
    for name in [
        "ehlo-keyword-escape",
        "ehlo-keyword-tab-before",
        "starttls-554",
        "starttls-drop",
        "tls-then-refused",
        "client-certificate-demanded",
        "newer-hybrid-group-any-version",
        "client-certificate-demanded-tls12",
        "greeting-554",
        "ehlo-drop",
        "ehlo-hang",
    ] {
        let report = Report::of(&recorded(name));
        for language in [Language::En, Language::De] {
            let letter = Letter::of(&report, language).text;
            let text = flat(&letter);
            assert!(!text.is_empty(), "{name}");
            for unsaid in [
                " --",
                "this check",
                "the client's address",
                "stop offering STARTTLS",
                "although TLSA records promise TLS.",
                "rät dazu",
                "„no answer in time“",
            ] {
                assert!(!text.contains(unsaid), "{unsaid}: {letter}");
            }
            let lines = letter.lines().count();
            assert!(lines <= 40, "{lines}: {letter}");
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
        let report = Report::of(&recorded(name));
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
        let report = Report::of(&recorded(name));
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
        let report = Report::of(&recorded(name));
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
