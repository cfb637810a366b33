//! The words of the pages, in each language.

use danecheck_core::entry::Language;
use danecheck_core::report::ExitStatus;

/// The words of one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) target: &'static str,
    pub(super) target_hint: &'static str,
    pub(super) look: &'static str,
    pub(super) look_again: &'static str,
    pub(super) other_language: &'static str,
    pub(super) history: &'static str,
    pub(super) navigation: &'static str,
    pub(super) json: &'static str,
    pub(super) own_domains: &'static str,
    pub(super) domain: &'static str,
    pub(super) state: &'static str,
    pub(super) looked_at: &'static str,
    pub(super) never: &'static str,
    /// What each status means: fine, warning, broken, unknown.
    statuses: [&'static str; 4],
    pub(super) now: &'static str,
    /// `{n}` of them ago: minutes, hours, days.
    ago: [&'static str; 3],
    pub(super) last_changes: &'static str,
    pub(super) all_changes: &'static str,
    pub(super) changes_of: &'static str,
    pub(super) no_changes: &'static str,
    pub(super) when: &'static str,
    pub(super) before: &'static str,
    pub(super) since: &'static str,
    pub(super) first_look: &'static str,
    pub(super) more_changes: &'static str,
    pub(super) not_kept: &'static str,
    pub(super) behind: &'static str,
    pub(super) looking_at: &'static str,
    pub(super) looking_note: &'static str,
    pub(super) reloads: &'static str,
    pub(super) waits: &'static str,
    pub(super) asked: &'static str,
    pub(super) asks: &'static str,
    pub(super) step_ended: &'static str,
    pub(super) step_runs: &'static str,
    pub(super) confirm: &'static str,
    pub(super) confirm_note: &'static str,
    pub(super) invalid: &'static str,
    pub(super) not_allowed: &'static str,
    pub(super) not_allowed_note: &'static str,
    pub(super) busy: &'static str,
    pub(super) busy_note: &'static str,
    pub(super) failed: &'static str,
    pub(super) failed_note: &'static str,
    pub(super) foreign: &'static str,
    pub(super) foreign_note: &'static str,
    pub(super) bad_form: &'static str,
}

/// The words of a language.
pub(super) fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &ENGLISH,
        Language::De => &GERMAN,
    }
}

impl Words {
    pub(super) fn status(&self, status: ExitStatus) -> &'static str {
        let [fine, warning, broken, unknown] = self.statuses;
        match status {
            ExitStatus::Fine => fine,
            ExitStatus::Warning => warning,
            ExitStatus::Broken => broken,
            ExitStatus::Unknown => unknown,
        }
    }

    /// How long ago something was, in whole numbers.
    pub(super) fn ago(&self, seconds: i64) -> String {
        let [minutes, hours, days] = self.ago;
        let (form, count) = match seconds {
            ..60 => return self.now.to_owned(),
            60..3600 => (minutes, seconds / 60),
            3600..172_800 => (hours, seconds / 3600),
            _ => (days, seconds / 86_400),
        };
        form.replace("{n}", &count.to_string())
    }
}

const ENGLISH: Words = Words {
    title: "Does mail get there?",
    lead: "danecheck predicts what Postfix does with mail to a domain that uses DANE, says why, \
           and names the smallest exception if mail waits.",
    target: "Domain",
    target_hint: "For example example.com, user@example.com or [mail.example.com]:25",
    look: "Check",
    look_again: "Check again",
    other_language: "Deutsch",
    history: "Changes",
    navigation: "Pages",
    json: "JSON",
    own_domains: "Your domains",
    domain: "Domain",
    state: "State",
    looked_at: "Checked",
    never: "not yet",
    statuses: ["fine", "warning", "broken", "unknown"],
    now: "just now",
    ago: ["{n} min ago", "{n} h ago", "{n} days ago"],
    last_changes: "Last changes",
    all_changes: "All changes",
    changes_of: "Changes of verdicts",
    no_changes: "No verdict has changed yet.",
    when: "When",
    before: "Before",
    since: "Since then",
    first_look: "first check",
    more_changes: "Older changes are in the file of --state, if there is one.",
    not_kept: "These changes end with the process. --state FILE keeps them.",
    behind: "The last change could not be written to the file of --state. The next change tries \
             again.",
    looking_at: "Checking",
    looking_note: "The report appears here as soon as the check has ended. Others who ask for the \
                   same domain share this check.",
    reloads: "This page reloads every two seconds.",
    waits: "The check waits for its turn.",
    asked: "{ended} of {begun} questions answered",
    asks: "What is being asked",
    step_ended: "done",
    step_runs: "running",
    confirm: "Check this domain?",
    confirm_note: "A link from another page led here, or the browser does not say where you come \
                   from. A check asks name servers and mail servers, so it begins when you say so.",
    invalid: "This is not a domain",
    not_allowed: "This domain is not on the list",
    not_allowed_note: "This server checks only the domains that its administrator allows.",
    busy: "Too many checks wait",
    busy_note: "Try again in a few seconds.",
    failed: "The check failed",
    failed_note: "This is a fault in danecheck. Try again in half a minute.",
    foreign: "Another page sent this request",
    foreign_note: "Open the overview of this server and ask there.",
    bad_form: "The form could not be read",
};

const GERMAN: Words = Words {
    title: "Kommt die Mail an?",
    lead: "danecheck sagt voraus, was Postfix mit Mail an eine Domain mit DANE macht, warum, und \
           welche kleinste Ausnahme hilft, wenn Mail wartet.",
    target: "Domain",
    target_hint: "Zum Beispiel example.com, user@example.com oder [mail.example.com]:25",
    look: "Pr\u{fc}fen",
    look_again: "Noch einmal pr\u{fc}fen",
    other_language: "English",
    history: "\u{c4}nderungen",
    navigation: "Seiten",
    json: "JSON",
    own_domains: "Ihre Domains",
    domain: "Domain",
    state: "Zustand",
    looked_at: "Gepr\u{fc}ft",
    never: "noch nicht",
    statuses: ["in Ordnung", "Warnung", "gest\u{f6}rt", "unbekannt"],
    now: "gerade eben",
    ago: ["vor {n} min", "vor {n} h", "vor {n} Tagen"],
    last_changes: "Letzte \u{c4}nderungen",
    all_changes: "Alle \u{c4}nderungen",
    changes_of: "\u{c4}nderungen der Urteile",
    no_changes: "Noch hat sich kein Urteil ge\u{e4}ndert.",
    when: "Wann",
    before: "Vorher",
    since: "Seitdem",
    first_look: "erste Pr\u{fc}fung",
    more_changes: "\u{c4}ltere \u{c4}nderungen stehen in der Datei von --state, falls es eine gibt.",
    not_kept: "Diese \u{c4}nderungen enden mit dem Prozess. --state DATEI bewahrt sie auf.",
    behind: "Die letzte \u{c4}nderung konnte nicht in die Datei von --state geschrieben werden. Die \
             n\u{e4}chste \u{c4}nderung versucht es noch einmal.",
    looking_at: "Pr\u{fc}fung von",
    looking_note: "Der Bericht erscheint hier, sobald die Pr\u{fc}fung zu Ende ist. Wer dieselbe \
                   Domain pr\u{fc}ft, teilt diese Pr\u{fc}fung.",
    reloads: "Diese Seite l\u{e4}dt alle zwei Sekunden neu.",
    waits: "Die Pr\u{fc}fung wartet, bis sie an der Reihe ist.",
    asked: "{ended} von {begun} Fragen beantwortet",
    asks: "Was gefragt wird",
    step_ended: "fertig",
    step_runs: "l\u{e4}uft",
    confirm: "Diese Domain pr\u{fc}fen?",
    confirm_note: "Ein Link auf einer anderen Seite hat hierher gef\u{fc}hrt, oder der Browser sagt \
                   nicht, woher Sie kommen. Eine Pr\u{fc}fung fragt Nameserver und Mailserver. \
                   Darum beginnt sie erst, wenn Sie es sagen.",
    invalid: "Das ist keine Domain",
    not_allowed: "Diese Domain steht nicht auf der Liste",
    not_allowed_note: "Dieser Server pr\u{fc}ft nur die Domains, die seine Verwaltung erlaubt.",
    busy: "Zu viele Pr\u{fc}fungen warten",
    busy_note: "Versuchen Sie es in einigen Sekunden noch einmal.",
    failed: "Die Pr\u{fc}fung ist gescheitert",
    failed_note: "Das ist ein Fehler in danecheck. Versuchen Sie es in einer halben Minute noch \
                  einmal.",
    foreign: "Eine andere Seite hat diese Anfrage geschickt",
    foreign_note: "\u{d6}ffnen Sie die \u{dc}bersicht dieses Servers und fragen Sie dort.",
    bad_form: "Das Formular ist nicht lesbar",
};
