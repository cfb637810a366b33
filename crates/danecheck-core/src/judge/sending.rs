//! What happens to the mail of one sender, with its present policy for this
//! next hop.

use crate::observation::PolicyResponse;
use crate::postfix::{Override, PolicyLine, Settings};
use crate::sender::{InForce, Parameters, Sender, System};

use super::caution::comparison;
use super::evidence::Evidence;
use super::lines::{override_of, strictest_that_delivers};
use super::outcome::{Outcome, Outcomes};
use super::policy::PolicyRequest;

/// A sender, and what happens to its mail here.
#[derive(Clone, Debug)]
pub struct Sending {
    /// The sender.
    pub sender: Sender,
    /// The policy in force.
    pub in_force: InForce,
    /// What happens to its mail today.
    pub outcome: Outcome,
    /// What would happen to it at each level.
    pub outcomes: Outcomes,
    /// What is wrong with the override, if the policy in force is one; `None`
    /// if nothing is.
    pub(crate) override_in_force: Option<OverrideInForce>,
    pub(crate) settings: Settings,
}

/// What is wrong with an override that delivers.
#[derive(Clone, Debug)]
pub(crate) enum OverrideInForce {
    /// The policy without it delivers too.
    NotNeeded { without: Box<InForce> },
    /// A stricter line delivers too.
    TooWeak { entry: Box<Override> },
}

impl Sending {
    pub(crate) fn of(
        sender: &Sender,
        evidence: &Evidence<'_>,
        of_assumed: &Outcomes,
        served: Option<&PolicyResponse>,
    ) -> Self {
        let settings = sender.settings(evidence.observation);
        let in_force = sender.in_force(evidence.observation, served);
        let outcomes = if settings == Settings::default() {
            of_assumed.clone()
        } else {
            Outcomes::of(|level| evidence.outcome(&PolicyRequest::with(level, settings)))
        };
        let outcome = match &in_force.policy.line {
            Ok(line) => evidence.outcome(&PolicyRequest::of_line(line.clone(), settings)),
            Err(_) => evidence.outcome_without_policy(),
        };
        let override_in_force = match outcome.delivers() {
            true => override_in_force(sender, evidence, &in_force, settings),
            false => None,
        };
        Self {
            sender: sender.clone(),
            in_force,
            outcome,
            outcomes,
            override_in_force,
            settings,
        }
    }
}

/// What is wrong with an entry of the table on this machine that delivers.
fn override_in_force(
    sender: &Sender,
    evidence: &Evidence<'_>,
    in_force: &InForce,
    settings: Settings,
) -> Option<OverrideInForce> {
    let seen = evidence.observation.local_sender.as_ref()?;
    if sender.system != System::Local {
        return None;
    }
    let without = Parameters(seen).without_override()?;
    let line = in_force.policy.line.as_ref().ok()?;
    let of = |line: &PolicyLine| evidence.outcome(&PolicyRequest::of_line(line.clone(), settings));
    let comparison = comparison(evidence, settings);
    let now = without.policy.line.as_ref().ok().map(of);
    if now.as_ref().is_some_and(|now| !now.is_told()) {
        return None;
    }
    if let Ok(other) = &without.policy.line
        && now.is_some_and(|now| now.delivers())
    {
        let stricter = comparison.is_stricter(Some(other), Some(line));
        return stricter.then(|| OverrideInForce::NotNeeded {
            without: Box::new(without),
        });
    }
    let (wanted, outcome) = strictest_that_delivers(evidence, &without, settings)?;
    let stricter = comparison.is_stricter(Some(&wanted), Some(line));
    (outcome.is_told() && stricter).then(|| OverrideInForce::TooWeak {
        entry: Box::new(override_of(evidence, wanted)),
    })
}
