//! What is said of overrides, for programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::Outcome;
use crate::report::printable;

use super::judgement::{Proposal, Word};
use super::rows::{delete_call, edit_call};
use super::{Entry, Examination, Judgement, Overrides, policy_and_parameters};

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
    /// What it is for, as it stands there, in lower case.
    pub next_hop: String,
    /// The level and its attributes, as they stand there.
    pub policy: String,
    /// The word.
    pub word: Word,
    /// Why.
    pub reason: String,
    /// Whether it is to go, without anything in its place.
    pub remove: bool,
    /// The line that is to take its place; null for none.
    pub replace_with: Option<String>,
    /// It stays as it is all the same: what counts afterwards would ask for less,
    /// and `--accept-weaker` was not given for it.
    pub kept: bool,
    /// The API call that does it; null in a table, where nothing is to be done,
    /// and where it is kept.
    pub call: Option<String>,
    /// The day on which danecheck advised it; null where no comment says so.
    pub since: Option<String>,
    /// Why it did.
    pub because: Option<String>,
    /// What to make sure of before it goes or is replaced, for less may be asked
    /// for afterwards; null for nothing.
    pub caution: Option<String>,
    /// What becomes of mail with it; null where it was not looked at.
    pub with: Option<Outcome>,
    /// What would become of mail without it.
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
        policy: printable(&entry.value),
        word: judgement.word,
        reason: judgement.reason.clone(),
        remove: judgement.proposal == Proposal::Remove,
        replace_with: match &judgement.proposal {
            Proposal::Replace { key, policy, .. } => Some(format!("{key}  {policy}")),
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

/// The API call for a row of mailcow's.
fn call(id: u64, proposal: &Proposal) -> Option<String> {
    match proposal {
        Proposal::Leave => None,
        Proposal::Remove => Some(delete_call(id)),
        Proposal::Replace { key, policy, .. } => {
            let (policy, parameters) = policy_and_parameters(policy);
            Some(edit_call(id, key, &policy, &parameters))
        }
    }
}
