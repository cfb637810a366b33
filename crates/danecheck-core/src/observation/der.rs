//! DER in a saved observation.

use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// DER bytes; saved as base64.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Der(pub Vec<u8>);

impl std::fmt::Debug for Der {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Der({} bytes)", self.0.len())
    }
}

impl From<Der> for String {
    fn from(der: Der) -> Self {
        base64::engine::general_purpose::STANDARD.encode(der.0)
    }
}

impl TryFrom<String> for Der {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .map(Self)
    }
}
