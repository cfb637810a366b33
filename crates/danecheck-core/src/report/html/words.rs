//! The page's own words, in both languages.
//!
//! Findings, cautions and the words of logs stay English: they are looked up
//! (`danecheck explain ID`), and quoted.

use crate::dnssec::SecurityStatus;
use crate::entry;
use crate::judge::Action;
use crate::postfix::SecurityLevel;

use super::super::both::Both;

// Around the content.
pub(super) const SITE: Both = Both("Site", "Website");
pub(super) const MADE_BY: Both = Both("Made by", "Erstellt von");
pub(super) const FOOT: Both = Both(
    "DANE: senders check a mail server against a TLSA record in signed DNS (RFC 7672).",
    "DANE: Absender prüfen einen Mailserver gegen einen TLSA-Eintrag im signierten DNS (RFC 7672).",
);

// How bad it is.
pub(super) const FINE: Both = Both("Fine", "In Ordnung");
pub(super) const WARNING: Both = Both("Warning", "Warnung");
pub(super) const BROKEN: Both = Both("Broken", "Gestört");
pub(super) const UNKNOWN: Both = Both("Unknown", "Unbekannt");

// The answer.
pub(super) const VERDICT: Both = Both("Verdict", "Urteil");
pub(super) const CHECKED_AT: Both = Both("Checked", "Geprüft");
pub(super) const JUDGED_AT: Both = Both("Judged as of", "Beurteilt für den");
pub(super) const RESOLVER: Both = Both("Resolver", "Resolver");
pub(super) const SENDER: Both = Both("Sender", "Absender");
pub(super) const VALIDATES: Both = Both("validates", "validiert");
pub(super) const DOES_NOT_VALIDATE: Both = Both("does not validate", "validiert nicht");
pub(super) const DID_NOT_ANSWER: Both = Both("did not answer", "antwortet nicht");
pub(super) const PROXY: Both = Both("Through the proxy", "Über den Proxy");
pub(super) const ASSUMPTION: Both = Both("Assumption", "Annahme");
pub(super) const SKIPPED: Both = Both(
    "Not checked, as danecheck.toml says",
    "Laut danecheck.toml nicht geprüft",
);
pub(super) const WILL_LOG: Both = Both("It will log", "Im Log wird stehen");
pub(super) const UNTIL_FIXED: Both = Both("Until it is fixed", "Bis es behoben ist");
pub(super) const TO_ENTRY: Both = Both("The entry to paste", "Der Eintrag zum Einfügen");
pub(super) const TO_LETTER: Both = Both("The letter to the receiver", "Der Brief an den Empfänger");

// The headings.
pub(super) const PATH: Both = Both("The path of the mail", "Der Weg der Mail");
pub(super) const RECORDS: Both = Both("Published and served", "Veröffentlicht und gesendet");
pub(super) const LEVELS: Both = Both("At each security level", "Auf jeder Sicherheitsstufe");
pub(super) const FINDINGS: Both = Both("Findings", "Befunde");
pub(super) const ENTRY: Both = Both("The override", "Die Ausnahme");
pub(super) const STRICTEST: Both = Both(
    "The strictest line that delivers now",
    "Die strengste Zeile, die jetzt zustellt",
);
pub(super) const IN_PLACE: Both = Both(
    "For a partner or a known certificate. Set it in place of the override above, not beside it.",
    "Für einen Partner oder ein bekanntes Zertifikat. Setzen Sie sie statt der Ausnahme oben, nicht \
     daneben.",
);
pub(super) const FOR_PARTNER: Both = Both(
    "For a partner or a known certificate.",
    "Für einen Partner oder ein bekanntes Zertifikat.",
);
pub(super) const IS_OVERRIDE: Both = Both(
    "The override above is also the strictest line that delivers now.",
    "Die Ausnahme oben ist auch die strengste Zeile, die jetzt zustellt.",
);
pub(super) const LETTER: Both = Both("A letter to the receiver", "Ein Brief an den Empfänger");
pub(super) const EVIDENCE: Both = Both("Evidence", "Belege");

// The picture.
pub(super) const PICTURE: Both = Both("Path of mail to", "Weg der Mail an");
pub(super) const IN_WORDS: Both = Both("The same in words", "Dasselbe in Worten");
pub(super) const MX_RECORDS: Both = Both("MX records", "MX-Einträge");
pub(super) const NO_MX: Both = Both("no MX record", "kein MX-Eintrag");
pub(super) const NO_SUCH_NAME: Both = Both("no such name in DNS", "kein solcher Name im DNS");
pub(super) const NULL_MX: Both = Both("null MX: takes no mail", "Null-MX: nimmt keine Mail an");
pub(super) const NO_MX_LOOKUP: Both = Both("no MX lookup", "ohne MX-Abfrage");
pub(super) const ADDRESS: Both = Both("address", "Adresse");
pub(super) const NO_ADDRESS: Both = Both("no address", "keine Adresse");
pub(super) const TLSA: Both = Both("TLSA", "TLSA");
pub(super) const NONE: Both = Both("none", "keine");
pub(super) const NOT_ASKED: Both = Both("not asked", "nicht abgefragt");
pub(super) const FAILS: Both = Both("the lookup fails", "die Abfrage schlägt fehl");
pub(super) const SIGNED: Both = Both("signed", "signiert");
pub(super) const NOT_SIGNED: Both = Both("not signed", "nicht signiert");
pub(super) const BOGUS: Both = Both("DNSSEC breaks", "DNSSEC bricht");
pub(super) const STATUS_UNKNOWN: Both = Both("DNSSEC unknown", "DNSSEC unbekannt");
pub(super) const NOTHING_SEEN: Both = Both(
    "No mail server was looked at.",
    "Kein Mailserver wurde angesehen.",
);
pub(super) const KEY_SIGNED: Both = Both("solid line: signed", "durchgezogen: signiert");
pub(super) const KEY_UNSIGNED: Both = Both(
    "dashed line: not signed, or unknown",
    "gestrichelt: nicht signiert oder unbekannt",
);
pub(super) const KEY_BROKEN: Both = Both(
    "dotted line: DNS or DNSSEC fails",
    "gepunktet: DNS oder DNSSEC versagt",
);
pub(super) const SERVED_CERTIFICATE: Both = Both("served", "gesendet");
pub(super) const UNTIL: Both = Both("until", "bis");

// What is left out.
pub(super) const MORE_HOSTS: Both = Both("more MX hosts", "weitere MX-Hosts");
pub(super) const MORE_ADDRESSES: Both = Both("more addresses", "weitere Adressen");
pub(super) const MORE_RECORDS: Both = Both("more records", "weitere Einträge");
pub(super) const MORE_CERTIFICATES: Both = Both("more certificates", "weitere Zertifikate");
pub(super) const MORE_FINDINGS: Both = Both("more findings", "weitere Befunde");
pub(super) const MORE_OF_KIND: Both = Both("more of the same kind", "weitere derselben Art");
pub(super) const MORE_ROWS: Both = Both("more rows", "weitere Zeilen");
pub(super) const JSON_HAS_ALL: Both = Both("--json has all", "--json hat alle");

// Published and served.
pub(super) const PUBLISHED: Both = Both("Published in DNS", "Im DNS veröffentlicht");
pub(super) const SERVED: Both = Both("Served", "Vom Server gesendet");
pub(super) const IN_FILE: Both = Both("In the given file", "In der angegebenen Datei");
pub(super) const NO_RECORDS: Both = Both("DANE does not apply here.", "DANE gilt hier nicht.");
pub(super) const RECORDS_UNKNOWN: Both = Both(
    "Unknown: the lookup fails. So DANE senders defer the mail.",
    "Unbekannt: Die Abfrage schlägt fehl. Darum halten Absender mit DANE die Mail zurück.",
);
pub(super) const NOT_COMPARED_HERE: Both = Both("Not compared.", "Nicht verglichen.");
pub(super) const NO_CERTIFICATE: Both =
    Both("No certificate was seen.", "Kein Zertifikat gesehen.");
pub(super) const MATCHES: Both = Both(
    "matches: all bytes are equal",
    "passt: alle Bytes sind gleich",
);
pub(super) const NO_MATCH: Both = Both(
    "nothing served matches",
    "passt zu nichts, was der Server sendet",
);
pub(super) const NO_MATCH_IN_FILE: Both = Both(
    "nothing in the file matches",
    "passt zu nichts in der Datei",
);
pub(super) const NOT_SEEN: Both = Both(
    "there is no certificate to compare it with",
    "es gibt kein Zertifikat zum Vergleichen",
);
pub(super) const NOT_COMPARED: Both = Both("not compared", "nicht verglichen");
pub(super) const EQUAL_BYTES: Both = Both(
    "equal bytes in their place",
    "gleiche Bytes an ihrer Stelle",
);
pub(super) const FROM: Both = Both("from", "von");
pub(super) const VALID: Both = Both("valid", "gültig");
pub(super) const KEY: Both = Both("key", "Schlüssel");
pub(super) const CUT_DATA: Both = Both("cut", "gekürzt");
pub(super) const COVERED: Both = Both("a TLSA record matches", "ein TLSA-Eintrag passt");
pub(super) const NOT_COVERED: Both = Both("no TLSA record matches", "kein TLSA-Eintrag passt");

// The levels.
pub(super) const LEVEL: Both = Both("Level", "Stufe");
pub(super) const REFERENCE: Both = Both("Reference Postfix", "Referenz-Postfix");
pub(super) const THIS_POSTFIX: Both = Both("This Postfix", "Dieses Postfix");
pub(super) const AT_WORST: Both = Both(
    "At worst: it depends on which server Postfix tries first.",
    "Schlimmstenfalls: Es hängt davon ab, welchen Server Postfix zuerst versucht.",
);
pub(super) const IF_SERVERS: Both = Both(
    "If the servers do their part, which was not checked.",
    "Wenn die Server ihren Teil tun; das wurde nicht geprüft.",
);

// The findings.
pub(super) const NO_FINDINGS: Both = Both("None.", "Keine.");
pub(super) const ERROR: Both = Both("Error", "Fehler");
pub(super) const NOTE: Both = Both("Note", "Hinweis");
pub(super) const RECEIVER: Both = Both("Receiver", "Empfänger");
pub(super) const RULE: Both = Both("Rule", "Regel");
pub(super) const EXPLAINED: Both = Both("explains it.", "erklärt es.");

// The override.
pub(super) const FIRST: Both = Both("First", "Zuerst");
pub(super) const GIVES_UP: Both = Both("What is given up", "Was Sie aufgeben");
pub(super) const FOR_POSTFIX: Both = Both(
    "Postfix: a line in the table of smtp_tls_policy_maps",
    "Postfix: eine Zeile in der Tabelle von smtp_tls_policy_maps",
);
pub(super) const GOES_INTO: Both = Both("Goes into", "Gehört in");
pub(super) const FIRST_TABLE: Both = Both(
    entry::GOES_INTO,
    "die erste Tabelle von smtp_tls_policy_maps, etwa texthash:/etc/postfix/tls_policy.",
);
pub(super) const TO_ACTIVATE: Both = Both("To activate", "Zum Aktivieren");
pub(super) const ACTIVATION: Both = Both(
    entry::IN_FORCE,
    "`postfix reload` (texthash:) oder `postmap hash:DATEI` (hash:, lmdb:, cdb:).",
);
pub(super) const FOR_MAILCOW: Both = Both("mailcow", "mailcow");
pub(super) const STRICTER: Both =
    Both("Stricter, and delivers too", "Strenger, und stellt auch zu");
pub(super) const REMOVE: Both = Both("Remove it when", "Entfernen Sie sie, sobald");
pub(super) const SAYS_NOT_NEEDED: Both = Both(
    "says that no override is needed",
    "sagt, dass keine Ausnahme nötig ist",
);
pub(super) const NO_LINE: Both = Both("None.", "Keine.");
pub(super) const COPY: Both = Both("Copy", "Kopieren");
pub(super) const COPIED: Both = Both("Copied", "Kopiert");
pub(super) const POSTFIX_LOGS: Both = Both("Postfix will log", "Postfix wird loggen");

// The letter.
pub(super) const READ_FIRST: Both = Both(
    "Read it before you send it.",
    "Lesen Sie ihn, bevor Sie ihn senden.",
);
pub(super) const LETTER_WITHOUT_DANE: Both = Both(
    "This letter may not arrive either: send it from a mail system that does not use DANE, or \
     call. Read it before you send it.",
    "Auch dieser Brief kommt vielleicht nicht an: Senden Sie ihn von einem Mailsystem ohne DANE, \
     oder rufen Sie an. Lesen Sie ihn, bevor Sie ihn senden.",
);
pub(super) const LETTER_WITHOUT_TLS: Both = Both(
    "This letter may not arrive either: send it from a mail system that uses no TLS, or call. \
     Read it before you send it.",
    "Auch dieser Brief kommt vielleicht nicht an: Senden Sie ihn von einem Mailsystem ohne TLS, \
     oder rufen Sie an. Lesen Sie ihn, bevor Sie ihn senden.",
);
pub(super) const LETTER_WITHOUT_DNSSEC: Both = Both(
    "This letter may not arrive either: send it from a mail system whose resolver does not validate \
     DNSSEC, or call. Read it before you send it.",
    "Auch dieser Brief kommt vielleicht nicht an: Senden Sie ihn von einem Mailsystem, dessen \
     Resolver DNSSEC nicht prüft, oder rufen Sie an. Lesen Sie ihn, bevor Sie ihn senden.",
);
pub(super) const LETTER_ELSEWHERE: Both = Both(
    "This letter may not arrive either: send it from another mail system, or call. Read it before \
     you send it.",
    "Auch dieser Brief kommt vielleicht nicht an: Senden Sie ihn von einem anderen Mailsystem, \
     oder rufen Sie an. Lesen Sie ihn, bevor Sie ihn senden.",
);
pub(super) const LETTER_IN_VAIN: Both = Both(
    "This letter does not arrive either, at any TLS level: call, or write to another domain of \
     theirs.",
    "Auch dieser Brief kommt bei keiner TLS-Stufe an: Rufen Sie an, oder schreiben Sie an eine \
     andere Domain des Empfängers.",
);

// The evidence.
pub(super) const LOOKUPS: Both = Both("DNS lookups", "DNS-Abfragen");
pub(super) const NAME: Both = Both("Name", "Name");
pub(super) const TYPE: Both = Both("Type", "Typ");
pub(super) const ANSWER: Both = Both("Answer", "Antwort");
pub(super) const DETAILS: Both = Both("Details", "Einzelheiten");
pub(super) const SESSIONS: Both = Both("Sessions", "Sitzungen");
pub(super) const SERVER: Both = Both("Server", "Server");
pub(super) const SNI: Both = Both("Name asked for", "Verlangter Name");
pub(super) const END: Both = Both("End", "Ende");
pub(super) const TLS: Both = Both("TLS", "TLS");
pub(super) const NAME_SERVERS: Both = Both("Name servers", "Nameserver");
pub(super) const MTA_STS: Both = Both("MTA-STS and TLS reporting", "MTA-STS und TLS-Berichte");
pub(super) const POLICY: Both = Both("Policy", "Richtlinie");
pub(super) const PROBLEM: Both = Both("Problem", "Problem");
pub(super) const REPORTS_TO: Both = Both("Reports go to", "Berichte gehen an");
pub(super) const LOOKS: Both = Both("Looks from elsewhere", "Blicke von anderswo");
pub(super) const PLACE: Both = Both("From", "Von");
pub(super) const RESULT: Both = Both("Result", "Ergebnis");
pub(super) const ALIAS: Both = Both("alias of", "Alias für");
pub(super) const TTL: Both = Both("TTL", "TTL");
pub(super) const SECONDS: Both = Both("s", "s");

// Several targets.
pub(super) const TARGETS: Both = Both("targets", "Ziele");
pub(super) const ONE_TARGET: Both = Both("target", "Ziel");
pub(super) const NO_TARGET: Both = Both("No target", "Kein Ziel");
pub(super) const TARGET: Both = Both("Target", "Ziel");
pub(super) const STATE: Both = Both("State", "Zustand");
pub(super) const OVERVIEW: Both = Both("The worst first", "Die schlimmsten zuerst");
pub(super) const OVERRIDE: Both = Both("Override", "Ausnahme");
pub(super) const TO_TOP: Both = Both("Back to the table", "Zurück zur Tabelle");
pub(super) const NOT_LISTED: Both = Both(
    "are counted above and not listed: a page has a bounded size. danecheck --json writes a report \
     for each.",
    "sind oben gezählt und nicht aufgeführt: Eine Seite hat eine begrenzte Größe. danecheck --json \
     schreibt für jedes einen Bericht.",
);
pub(super) const WITHOUT_SECTION: Both = Both(
    "have no section below: a page has a bounded size. danecheck TARGET shows one.",
    "haben unten keinen Abschnitt: Eine Seite hat eine begrenzte Größe. danecheck ZIEL zeigt eines.",
);

/// The DNSSEC status of an answer.
pub(super) fn status(status: Option<SecurityStatus>) -> Both {
    match status {
        Some(SecurityStatus::Secure) => SIGNED,
        Some(SecurityStatus::Insecure) => NOT_SIGNED,
        Some(SecurityStatus::Bogus) => BOGUS,
        Some(SecurityStatus::Indeterminate) | None => STATUS_UNKNOWN,
    }
}

/// What a security level asks for.
pub(super) fn level(level: SecurityLevel) -> Both {
    match level {
        SecurityLevel::None => Both("no TLS", "kein TLS"),
        SecurityLevel::May => Both(
            "TLS if the server offers it",
            "TLS, wenn der Server es anbietet",
        ),
        SecurityLevel::Encrypt => Both(
            "TLS, without proof of who answers",
            "TLS, ohne Nachweis, wer antwortet",
        ),
        SecurityLevel::Dane => Both(
            "DANE if there are TLSA records, else TLS if offered",
            "DANE, wenn es TLSA-Einträge gibt, sonst TLS nach Angebot",
        ),
        SecurityLevel::DaneOnly => Both("DANE, nothing less", "DANE, nicht weniger"),
        SecurityLevel::Fingerprint => Both(
            "the certificate seen now, pinned",
            "genau das Zertifikat, das der Server jetzt sendet",
        ),
        SecurityLevel::Verify => Both(
            "a certificate of a known CA for the MX host",
            "ein Zertifikat einer bekannten CA für den MX-Host",
        ),
        SecurityLevel::Secure => Both(
            "a certificate of a known CA for the domain",
            "ein Zertifikat einer bekannten CA für die Domain",
        ),
    }
}

/// What the word in a cell of the table of levels means, and its reading on a
/// page.
pub(super) fn fate(word: &str) -> Both {
    match word {
        "bounce" => Both(
            "Returned to the sender at once.",
            "Sofort an den Absender zurück.",
        ),
        "defer" => Both(
            "Kept, and tried again for days.",
            "Bleibt liegen und wird tagelang neu versucht.",
        ),
        "late" => Both(
            "Delivered minutes later, in plain text.",
            "Minuten später zugestellt, im Klartext.",
        ),
        "TLS+ID" => Both(
            "Delivered in TLS, and the server proves who it is.",
            "In TLS zugestellt, und der Server weist sich aus.",
        ),
        "TLS" => Both("Delivered in TLS.", "In TLS zugestellt."),
        "clear" => Both("Delivered in plain text.", "Im Klartext zugestellt."),
        _ => Both(
            "Unknown: nothing was seen that decides it.",
            "Unbekannt: nichts gesehen, was es entscheidet.",
        ),
    }
}

pub(super) const OVERRIDE_UNKNOWN: Both = Both("unknown", "unbekannt");

/// The advice in a row of the overview.
pub(super) fn action(action: Action) -> Both {
    match action {
        Action::Keep => Both("none needed", "keine nötig"),
        Action::Override => OVERRIDE,
        Action::NotFixable => Both("none helps", "keine hilft"),
    }
}
