//! The recommendation in a report: its override, written for each mail system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnosis::Diagnosis;
use crate::entry::MailcowEntry;
use crate::judge::{Action, Strictest};
use crate::postfix::{SecurityLevel, TlsVersion};
use crate::text::printable;

/// What the sender's administrator should do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Recommendation")]
pub struct RecommendationReport {
    /// What to do.
    pub action: Action,
    /// With `override`: the level.
    pub policy: Option<SecurityLevel>,
    /// With `override`: the entry for each mail system; else empty.
    pub entries: Entries,
    /// Stricter entries that also deliver, the strictest first.
    pub alternatives: Vec<AlternativeReport>,
    /// Why, in one sentence.
    pub reason: String,
    /// With `override`: the protection that is missing as long as it is set.
    pub gives_up: Option<String>,
    /// With `override`: what to check before it is set.
    pub caution: Option<String>,
    /// With `override`: the condition under which the override can be removed.
    pub remove_when: Option<String>,
    /// The strictest line that delivers now, for partners and known
    /// certificates; null without `--strictest`.
    #[serde(default)]
    pub strictest: Option<StrictestReport>,
    /// With `override`: the oldest TLS version that the entry allows, if it names
    /// one. Not part of the JSON: the entries are.
    #[serde(skip)]
    pub oldest_tls: Option<TlsVersion>,
}

/// The strictest line that delivers now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Strictest")]
pub struct StrictestReport {
    /// The level; null if no line is known to deliver.
    pub policy: Option<SecurityLevel>,
    /// The line, for each mail system; empty if there is none.
    pub entries: Entries,
    /// What the line proves, or why there is none, in one sentence.
    pub reason: String,
    /// What will break it.
    pub breaks_when: Option<String>,
    /// How to notice that in time.
    pub notice: Option<String>,
    /// What to check before it is set.
    pub caution: Option<String>,
}

impl StrictestReport {
    fn of(strictest: &Strictest) -> Self {
        let entry = strictest.entry.as_ref();
        Self {
            policy: entry.map(|entry| entry.line.level),
            entries: Entries {
                postfix: entry.map(ToString::to_string),
                mailcow: entry.map(MailcowEntry::new),
                comment: None,
            },
            reason: strictest.reason.clone(),
            breaks_when: strictest.breaks_when.clone(),
            notice: strictest.notice.clone(),
            caution: strictest.caution.clone(),
        }
    }
}

/// The entry for each mail system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entries {
    /// The line for the policy table.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub postfix: Option<String>,
    /// The row, as mailcow's API takes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mailcow: Option<MailcowEntry>,
    /// The comment that belongs above the line: since when, why, until when.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comment: Option<Vec<String>>,
}

/// A stricter entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Alternative")]
pub struct AlternativeReport {
    /// The line for the policy table.
    pub postfix: String,
    /// The same as a row of mailcow's table.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mailcow: Option<MailcowEntry>,
    /// What it costs to keep.
    pub cost: String,
}

impl RecommendationReport {
    pub(super) fn of(diagnosis: &Diagnosis<'_>) -> Self {
        let advice = &diagnosis.judged.recommendation;
        let entry = advice.entry.as_ref();
        let alternatives = advice.alternatives.iter();
        Self {
            action: advice.action,
            policy: entry.map(|entry| entry.line.level),
            entries: Entries {
                postfix: entry.map(ToString::to_string),
                mailcow: entry.map(MailcowEntry::new),
                comment: entry.map(|_| diagnosis.note().lines()),
            },
            alternatives: alternatives
                .map(|alternative| AlternativeReport {
                    postfix: alternative.entry.to_string(),
                    mailcow: Some(MailcowEntry::new(&alternative.entry)),
                    cost: alternative.cost.clone(),
                })
                .collect(),
            reason: printable(&advice.reason),
            gives_up: advice.gives_up.clone(),
            caution: advice.caution.clone(),
            remove_when: advice.remove_when.clone(),
            strictest: diagnosis.strictest.as_ref().map(StrictestReport::of),
            oldest_tls: entry.and_then(|entry| entry.line.oldest_tls()),
        }
    }

    /// Without an override, for this reason.
    pub(super) fn not_fixable(reason: &str) -> Self {
        Self {
            action: Action::NotFixable,
            policy: None,
            entries: Entries::default(),
            alternatives: Vec::new(),
            reason: printable(reason),
            gives_up: None,
            caution: None,
            remove_when: None,
            strictest: None,
            oldest_tls: None,
        }
    }
}
