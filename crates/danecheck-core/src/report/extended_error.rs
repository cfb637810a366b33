//! The extended DNS error (RFC 8914) in a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::ExtendedError;
use crate::text::printable;

/// An extended DNS error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtendedErrorReport {
    /// The info code.
    pub code: u16,
    /// What the code means.
    pub meaning: String,
    /// The resolver's own words.
    pub text: String,
}

impl ExtendedErrorReport {
    pub(super) fn of(error: &ExtendedError) -> Self {
        Self {
            code: error.code,
            meaning: error.name(),
            text: printable(&error.text),
        }
    }
}
