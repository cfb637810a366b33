//! Why no override is needed, or why none is advised, in both languages.

use crate::judge::Delivery;

use super::both::Both;
use super::model::Report;

const NOT_NEEDED: Both = Both("No override is needed.", "Keine Ausnahme ist nötig.");

const NOT_NEEDED_FOR_POSTFIX: Both = Both(
    "No override is needed for Postfix. If you use mailcow, run",
    "Für Postfix ist keine Ausnahme nötig. Wenn Sie mailcow nutzen, starten Sie",
);

const NOT_NEEDED_BY_DNS: Both = Both(
    "As far as DNS is concerned, no override is needed.",
    "Soweit es das DNS betrifft, ist keine Ausnahme nötig.",
);

const KEEPS_BACK: Both = Both(
    "No override is needed for delivery. To keep this mail back instead of sending it in plain \
     text, set level dane-only.",
    "Für die Zustellung ist keine Ausnahme nötig. Damit diese Mail zurückgehalten wird, statt im \
     Klartext zu gehen, setzen Sie die Stufe dane-only.",
);

const ONLY_DANE: Both = Both(
    "No override is needed for delivery. Level dane-only sends this mail only to servers that DANE \
     protects.",
    "Für die Zustellung ist keine Ausnahme nötig. Die Stufe dane-only schickt diese Mail nur an \
     Server, die DANE schützt.",
);

const NO_HELP: Both = Both(
    "No override can help: no TLS policy makes this mail flow.",
    "Keine Ausnahme hilft: Mit keiner TLS-Richtlinie kommt diese Mail an.",
);

const NO_HELP_EACH_TIME: Both = Both(
    "No override can help: no TLS policy makes this mail flow at every attempt.",
    "Keine Ausnahme hilft: Mit keiner TLS-Richtlinie kommt diese Mail bei jedem Versuch an.",
);

const NO_HELP_RETURNS: Both = Both(
    "No override can help. Set none: a weaker level may return the mail at once.",
    "Keine Ausnahme hilft. Setzen Sie keine: Eine schwächere Stufe gibt diese Mail womöglich \
     sofort zurück.",
);

const NO_ADVICE: Both = Both(
    "danecheck advises no override.",
    "danecheck rät zu keiner Ausnahme.",
);

/// That no override is needed, as far as that was looked at, and for whom.
/// [`command_for_mailcow`] ends the sentence where there is one.
pub(super) fn not_needed(report: &Report) -> Both {
    if report.assumed.is_some() {
        return NOT_NEEDED_BY_DNS;
    }
    match report.instead_of_plain_text() {
        _ if report.mailcow_waits() => NOT_NEEDED_FOR_POSTFIX,
        Some(Delivery::Deferred) => KEEPS_BACK,
        Some(Delivery::Delivered) => ONLY_DANE,
        _ => NOT_NEEDED,
    }
}

/// The command that says what helps mailcow, where only Postfix needs no override.
pub(super) fn command_for_mailcow(report: &Report) -> Option<String> {
    let only_postfix = report.assumed.is_none() && report.mailcow_waits();
    only_postfix.then(|| format!("danecheck --sender mailcow {}", report.target))
}

/// Why no override is advised. Where it is not known what happens to the mail, the
/// reason of the recommendation follows.
pub(super) fn no_help(report: &Report) -> Both {
    match report.answer().varies {
        _ if !report.is_answered() => NO_ADVICE,
        _ if report.returns_if_weaker() => NO_HELP_RETURNS,
        true => NO_HELP_EACH_TIME,
        false => NO_HELP,
    }
}
