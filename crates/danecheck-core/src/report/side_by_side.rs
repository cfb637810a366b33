//! What `danecheck compare` prints, and the part of a report about looks from
//! elsewhere.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{Agreement, Aspect, Difference, DifferenceKind, SideBySide};
use crate::observation::Observation;
use crate::text::{break_lines, printable, shown};
use crate::unix_time::UnixTime;

use super::status::ExitStatus;

/// Two looks at one target, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Comparison")]
pub struct SideBySideReport {
    /// 1; raised only by a change that breaks readers.
    pub schema_version: u32,
    /// The next hop.
    pub target: String,
    /// Whether nothing differs and everything could be compared.
    pub same: bool,
    /// `same`, `explained`, `unexplained` or `unknown`.
    pub result: String,
    /// The first look.
    pub first: LookReport,
    /// The second look.
    pub second: LookReport,
    /// What differs: first what a person in between could have changed, then
    /// what one look did not see, then what is explained.
    pub differences: Vec<DifferenceReport>,
    /// Why it could not be compared, or not all of it; else null.
    pub obstacle: Option<String>,
}

/// One of two looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Look")]
pub struct LookReport {
    /// The file, the proxy, or `here`.
    pub name: String,
    /// When.
    pub checked_at: UnixTime,
    /// The resolver: `address:port` of each server that may have been asked.
    pub resolver: Vec<String>,
    /// The proxy through which it was made; null for none.
    pub proxy: Option<String>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Difference")]
pub struct DifferenceReport {
    /// What differs.
    pub what: Aspect,
    /// The name that was looked up, the MX host, or the host of the policy.
    pub host: String,
    /// The address of the server; null for answers of DNS and for the policy.
    pub address: Option<String>,
    /// What the first look saw.
    pub a: String,
    /// What the second look saw.
    pub b: String,
    /// Whether a person in between could have changed it.
    pub kind: DifferenceKind,
    /// Why it is of this kind, in one sentence.
    pub reason: String,
}

/// The most of what a server or a name server sent that is shown, in
/// characters.
const LONGEST: usize = 300;

impl LookReport {
    /// A look, under this name.
    pub fn of(name: &str, observation: &Observation) -> Self {
        let resolver = observation.resolver.addresses.iter();
        Self {
            name: printable(name),
            checked_at: observation.checked_at,
            resolver: resolver.map(|address| printable(address)).collect(),
            proxy: observation.proxy.as_deref().map(printable),
        }
    }
}

impl SideBySideReport {
    /// Compares two observations, which have these names.
    pub fn of(first: (&str, &Observation), second: (&str, &Observation)) -> Self {
        let compared = SideBySide::of(first.1, second.1);
        let first = LookReport::of(first.0, first.1);
        Self::new(&compared, first, LookReport::of(second.0, second.1))
    }

    /// The report on two looks.
    pub fn new(compared: &SideBySide, first: LookReport, second: LookReport) -> Self {
        let agreement = compared.agreement();
        Self {
            schema_version: 1,
            target: printable(&compared.target),
            same: agreement == Agreement::Same,
            result: word(agreement).to_owned(),
            first,
            second,
            differences: compared
                .differences
                .iter()
                .map(DifferenceReport::of)
                .collect(),
            obstacle: compared.obstacle.as_deref().map(printable),
        }
    }

    /// A target of which there is only one look, or none that can be read.
    pub fn impossible(target: &str, first: LookReport, second: LookReport, why: &str) -> Self {
        Self {
            schema_version: 1,
            target: printable(target),
            same: false,
            result: word(Agreement::Unknown).to_owned(),
            first,
            second,
            differences: Vec::new(),
            obstacle: Some(printable(why)),
        }
    }

    /// The exit status of `danecheck compare`.
    pub fn exit_status(&self) -> ExitStatus {
        match self.result.as_str() {
            "same" => ExitStatus::Fine,
            "explained" => ExitStatus::Warning,
            "unexplained" => ExitStatus::Broken,
            _ => ExitStatus::Unknown,
        }
    }

    /// The same for a person.
    pub fn human(&self, width: usize) -> String {
        let mut text = format!("{}: {}\n", self.target, self.headline());
        let mut line = |indent: &str, words: &str| {
            let room = width.saturating_sub(indent.len()).max(20);
            for piece in break_lines(words, room) {
                let _ = writeln!(text, "{indent}{piece}");
            }
        };
        for (mark, look) in [("a", &self.first), ("b", &self.second)] {
            let through = match &look.proxy {
                Some(proxy) if *proxy != look.name => format!(", through {proxy}"),
                _ => String::new(),
            };
            let words = format!(
                "{mark}: {}, {}{through}, resolver {}",
                look.name,
                look.checked_at,
                look.resolver.join(", ")
            );
            line("  ", &words);
        }
        if let Some(obstacle) = &self.obstacle {
            line("  ", obstacle);
        }
        for one in &self.differences {
            let address = one.address.as_deref().map(|it| format!(" [{it}]"));
            let words = format!(
                "{}: {} of {}{}",
                kind_word(one.kind),
                one.what.words(),
                one.host,
                address.unwrap_or_default()
            );
            line("  ", &words);
            line("      ", &format!("a: {}", one.a));
            line("      ", &format!("b: {}", one.b));
            line("      ", &one.reason);
        }
        shown(&text).into_owned()
    }

    fn headline(&self) -> &'static str {
        match self.result.as_str() {
            "same" => "both looks saw the same",
            "explained" => "the looks differ, and what differs is explained",
            "unexplained" => {
                "the looks differ in something that a person in between could have changed"
            }
            _ => "the looks could not be compared, or not completely",
        }
    }
}

impl DifferenceReport {
    /// One difference, with what strangers wrote made harmless.
    pub(super) fn of(difference: &Difference) -> Self {
        Self {
            what: difference.what,
            host: printable(&difference.host),
            address: difference.address.map(|address| address.to_string()),
            a: cut(&difference.a),
            b: cut(&difference.b),
            kind: difference.kind,
            reason: printable(&difference.reason),
        }
    }
}

fn cut(text: &str) -> String {
    let clean = printable(text);
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

fn word(agreement: Agreement) -> &'static str {
    match agreement {
        Agreement::Same => "same",
        Agreement::Explained => "explained",
        Agreement::Unexplained => "unexplained",
        Agreement::Unknown => "unknown",
    }
}

fn kind_word(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Unexplained => "UNEXPLAINED",
        DifferenceKind::NotSeen => "not seen",
        DifferenceKind::Explained => "explained",
    }
}

/// The JSON Schema of what `danecheck compare --json` prints.
pub fn comparison_schema() -> serde_json::Value {
    schemars::schema_for!(SideBySideReport).into()
}
