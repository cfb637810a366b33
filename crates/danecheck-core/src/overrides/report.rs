//! The report on overrides, for programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::Outcome;
use crate::text::printable;

use super::entry::Entry;
use super::examination::{Examination, Overrides};
use super::rows::{delete_call, edit_call};
use super::status::{Judgement, OverrideStatus, Proposal};

/// What `danecheck overrides --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OverridesReport {
    /// 1; raised only by a change that breaks readers.
    pub schema_version: u32,
    /// `postfix` for a table, `mailcow` for its list.
    pub form: String,
    /// The overrides, in their order.
    pub overrides: Vec<OverrideReport>,
}

/// One override.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideReport {
    /// Its first line in the table, or its place in the list; from 1.
    pub line: usize,
    /// mailcow's id; null in a table.
    pub id: Option<u64>,
    /// What the override is for, as it is written, in lower case.
    pub next_hop: String,
    /// The level and its attributes, as they are written, with single blanks.
    pub policy: String,
    /// The word for the result.
    pub word: OverrideStatus,
    /// Why.
    pub reason: String,
    /// Whether to remove it without a replacement.
    pub remove: bool,
    /// The line that should replace it; null for none.
    pub replace_with: Option<String>,
    /// danecheck keeps it: the policy after the change would ask for less, and
    /// `--accept-weaker` was not given for it.
    pub kept: bool,
    /// The API call that makes the change; null in a table, if nothing has to
    /// change, and if danecheck keeps the override.
    pub call: Option<String>,
    /// The day on which danecheck advised it; null if no comment says so.
    pub since: Option<String>,
    /// Why danecheck advised it.
    pub because: Option<String>,
    /// What to check before it is removed or replaced, because the policy may
    /// then ask for less; null for nothing.
    pub caution: Option<String>,
    /// What happens to mail with it; null if danecheck did not check it.
    pub with: Option<Outcome>,
    /// What would happen to mail without it.
    pub without: Option<Outcome>,
}

impl Examination {
    /// The report.
    pub fn report(&self) -> OverridesReport {
        OverridesReport {
            schema_version: 1,
            form: match &self.overrides {
                Overrides::Table(_) => "postfix".to_owned(),
                Overrides::Rows(_) => "mailcow".to_owned(),
            },
            overrides: self
                .each()
                .map(|(entry, judgement)| one(entry, judgement))
                .collect(),
        }
    }
}

fn one(entry: &Entry, judgement: &Judgement) -> OverrideReport {
    let clean = |outcome: &Outcome| Outcome {
        reason: outcome.reason.as_deref().map(printable),
        ..outcome.clone()
    };
    OverrideReport {
        line: entry.line,
        id: entry.id,
        next_hop: printable(&entry.key),
        policy: printable(&with_single_blanks(&entry.value)),
        word: judgement.word,
        reason: judgement.reason.clone(),
        remove: judgement.proposal == Proposal::Remove,
        replace_with: match &judgement.proposal {
            Proposal::Replace { entry, .. } => Some(entry.to_string()),
            _ => None,
        },
        kept: judgement.kept,
        call: entry.id.and_then(|id| call(id, judgement.change())),
        since: entry.note.as_ref().map(|note| note.date.clone()),
        because: entry.note.as_ref().map(|note| printable(&note.reason)),
        caution: judgement.caution.clone(),
        with: judgement.with.as_ref().map(clean),
        without: judgement.without.as_ref().map(clean),
    }
}

/// A value whose words tabs or several blanks may separate.
fn with_single_blanks(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The API call for a row of mailcow's.
fn call(id: u64, proposal: &Proposal) -> Option<String> {
    match proposal {
        Proposal::Leave => None,
        Proposal::Remove => Some(delete_call(id)),
        Proposal::Replace { entry, .. } => Some(edit_call(
            id,
            &entry.next_hop,
            entry.line.level.as_str(),
            &entry.line.attributes(),
        )),
    }
}
