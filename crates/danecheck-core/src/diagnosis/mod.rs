//! What is known of a target: the judgement and the findings, made once from
//! everything that they depend on.

#[cfg(test)]
mod work_ground;
#[cfg(test)]
mod work_tests;

use crate::finding::expectation::mx_not_as_expected;
use crate::finding::find_all;
use crate::finding::rule::Finding;
use crate::judge::{Horizon, Judged, Strictest, judge};
use crate::observation::Observation;
use crate::sender::Sender;

/// Everything that a diagnosis depends on.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What was seen of the target.
    pub observation: &'a Observation,
    /// The moment of the judgement, and how far ahead to warn.
    pub horizon: Horizon,
    /// The sender.
    pub sender: Sender,
    /// The MX hosts that the user expects; `None` if any will do.
    pub expected_mx: Option<&'a [String]>,
    /// Whether the strictest line that delivers is asked for.
    pub strictest: bool,
}

impl<'a> Question<'a> {
    /// What a Postfix at its defaults does at the moment of the observation.
    pub fn of(observation: &'a Observation) -> Self {
        Self {
            observation,
            horizon: Horizon::default(),
            sender: Sender::default(),
            expected_mx: None,
            strictest: false,
        }
    }
}

/// The answer.
pub struct Diagnosis<'a> {
    /// What Postfix does, and what the sender's administrator should do.
    pub judged: Judged<'a>,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// The MX records do not name the hosts that the user expects.
    pub mx_differs: bool,
    /// The strictest line that delivers, if it was asked for.
    pub strictest: Option<Strictest>,
}

impl<'a> Diagnosis<'a> {
    /// Answers a question; the same one always alike.
    pub fn of(question: &Question<'a>) -> Self {
        let observation = question.observation;
        let judged = judge(observation, question.horizon, &question.sender);
        let expected = question.expected_mx;
        let other_mx = expected.and_then(|expected| mx_not_as_expected(observation, expected));
        Self {
            mx_differs: other_mx.is_some(),
            strictest: question.strictest.then(|| judged.strictest()),
            findings: other_mx.into_iter().chain(find_all(&judged)).collect(),
            judged,
        }
    }
}
