//! Parts of a judgement with what outsiders wrote made harmless.

use crate::dnssec::OwnValidation;
use crate::judge::{Outcome, Outcomes};
use crate::text::printable;

/// The outcomes, with the servers' texts made harmless.
pub(super) fn clean_outcomes(outcomes: &Outcomes) -> Outcomes {
    Outcomes::of(|level| clean_outcome(outcomes.at(level)))
}

/// The outcome with the servers' words made harmless.
pub(super) fn clean_outcome(outcome: &Outcome) -> Outcome {
    Outcome {
        reason: outcome.reason.as_deref().map(printable),
        ..outcome.clone()
    }
}

/// danecheck's own validation with its names made harmless.
pub(super) fn clean_validation(own: &OwnValidation) -> OwnValidation {
    let mut own = own.clone();
    own.reason = own.reason.as_deref().map(printable);
    if let Some(link) = &mut own.weak_link {
        link.zone = printable(&link.zone);
        link.record_set = printable(&link.record_set);
        for name in link.fault.names_mut() {
            *name = printable(name);
        }
    }
    let forgiven = own.forgiven.as_deref_mut().map(|it| &mut it.signature);
    let spans = own.first_to_end.as_deref_mut().into_iter().chain(forgiven);
    for span in spans {
        span.zone = printable(&span.zone);
        span.record_set = printable(&span.record_set);
    }
    own
}
