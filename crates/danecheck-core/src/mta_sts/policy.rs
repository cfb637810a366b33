//! The policy of MTA-STS (RFC 8461 section 3.2), and which MX hosts it allows
//! (section 4.1).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{FieldFault, is_name};

/// The longest lifetime that a policy can ask for: a year.
pub const LONGEST: u64 = 31_557_600;

/// What senders do with a host that does not pass the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// They do not deliver to such a host.
    Enforce,
    /// They report it, but deliver.
    Testing,
    /// The domain has no policy, or no longer has one.
    None,
}

impl Mode {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

/// A pattern of `mx:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// This host.
    Host(String),
    /// `*.domain`: a host with one label before it.
    OneLabelBelow(String),
}

impl Pattern {
    /// Whether the policy allows this host. Names of more labels below the
    /// domain, or of none, do not match.
    pub fn allows(&self, host: &str) -> bool {
        match self {
            Self::Host(name) => name.eq_ignore_ascii_case(host),
            Self::OneLabelBelow(domain) => host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && rest.eq_ignore_ascii_case(domain)
            }),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (domain, wildcard) = match lower.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (lower.as_str(), false),
        };
        let is_name = crate::next_hop::host_name_fault(domain).is_none()
            && domain.parse::<std::net::IpAddr>().is_err();
        is_name.then(|| match wildcard {
            true => Self::OneLabelBelow(domain.to_owned()),
            false => Self::Host(domain.to_owned()),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => f.write_str(name),
            Self::OneLabelBelow(domain) => write!(f, "*.{domain}"),
        }
    }
}

/// A valid policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What it asks senders to do.
    pub mode: Mode,
    /// How many seconds senders may keep it.
    pub max_age: u64,
    /// The MX hosts that it allows.
    pub mx: Vec<Pattern>,
}

impl Policy {
    /// Whether it allows this host.
    pub fn allows(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| pattern.allows(host))
    }
}

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A line is not of the form `name: value`.
    #[error("line {0} is not of the form name: value")]
    Line(usize),
    /// A field is missing or wrong.
    #[error(transparent)]
    InField(#[from] FieldFault),
}

/// Reads a policy. Fields may be in any order. If a field is repeated, the
/// first counts, except for `mx`. Unknown fields are skipped. `is_utf8` says
/// whether the bytes were UTF-8.
pub fn policy(body: &str, is_utf8: bool) -> Result<Policy, PolicyFault> {
    if !is_utf8 {
        return Err(PolicyFault::NotUtf8);
    }
    let mut lines: Vec<&str> = body.split('\n').collect();
    // The last line may lack its line end.
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let mut version: Option<&str> = None;
    let mut mode: Option<&str> = None;
    let mut max_age: Option<&str> = None;
    let mut mx: Vec<&str> = Vec::new();
    for (number, line) in lines.into_iter().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        // The grammar has no empty lines; readers of policies skip them.
        if line.trim_matches(BLANKS).is_empty() {
            continue;
        }
        let field = line
            .split_once(':')
            .map(|(name, value)| (name, value.trim_matches(BLANKS)))
            .filter(|(name, value)| is_name(name) && is_value(value));
        let Some((name, value)) = field else {
            return Err(PolicyFault::Line(number + 1));
        };
        match name {
            "version" => _ = version.get_or_insert(value),
            "mode" => _ = mode.get_or_insert(value),
            "max_age" => _ = max_age.get_or_insert(value),
            "mx" => mx.push(value),
            _ => {}
        }
    }
    let version = version.ok_or(FieldFault::Missing("version"))?;
    if version != "STSv1" {
        return Err(FieldFault::value("version", version, "it has to be STSv1").into());
    }
    let mode = match mode.ok_or(FieldFault::Missing("mode"))? {
        "enforce" => Mode::Enforce,
        "testing" => Mode::Testing,
        "none" => Mode::None,
        other => {
            let why = "it has to be enforce, testing or none";
            return Err(FieldFault::value("mode", other, why).into());
        }
    };
    let age = max_age.ok_or(FieldFault::Missing("max_age"))?;
    let max_age = age
        .parse::<u64>()
        .ok()
        .filter(|_| age.len() <= 10 && age.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| {
            let why = "it has to be a number of seconds with 1 to 10 digits";
            FieldFault::value("max_age", age, why)
        })?;
    let mx = mx
        .into_iter()
        .map(|text| {
            let why = "it has to be a host name, whose first label may be `*`";
            Pattern::read(text).ok_or_else(|| FieldFault::value("mx", text, why))
        })
        .collect::<Result<Vec<Pattern>, _>>()?;
    // Section 3.2: "mx" is needed in every mode but "none".
    if mx.is_empty() && mode != Mode::None {
        return Err(FieldFault::Missing("mx").into());
    }
    Ok(Policy { mode, max_age, mx })
}

const BLANKS: [char; 2] = [' ', '\t'];

fn is_value(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(char::is_control)
}
