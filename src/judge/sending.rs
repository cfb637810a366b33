//! What becomes of the mail of one sender, with the policy that it has for
//! this next hop today.

use crate::observation::PolicyResponse;
use crate::sender::{InForce, Sender, Settings};

use super::evidence::Evidence;
use super::outcome::{Outcome, Outcomes};
use super::policy::PolicyRequest;

/// A sender and what it meets here.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Who sends.
    pub sender: Sender,
    /// The policy in force.
    pub in_force: InForce,
    /// What becomes of its mail today.
    pub outcome: Outcome,
    /// What would become of it at each level.
    pub outcomes: Outcomes,
    pub(crate) settings: Settings,
}

impl Sending {
    pub(crate) fn of(
        sender: &Sender,
        evidence: &Evidence<'_>,
        of_assumed: &Outcomes,
        served: Option<&PolicyResponse>,
    ) -> Self {
        let settings = sender.settings();
        let in_force = sender.in_force(evidence.observation, served);
        let outcomes = if settings == Settings::default() {
            of_assumed.clone()
        } else {
            Outcomes::of(|level| evidence.outcome(&PolicyRequest::with(level, settings)))
        };
        let outcome = match &in_force.line {
            Ok(line) => evidence.outcome(&PolicyRequest::of_line(line, settings)),
            Err(_) => evidence.outcome_without_policy(),
        };
        Self {
            sender: sender.clone(),
            in_force,
            outcome,
            outcomes,
            settings,
        }
    }
}
