//! What happens to a message: the words of the report's `outcomes`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::postfix::SecurityLevel;

/// One outcome for each level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "they are the levels themselves")]
pub struct Outcomes {
    pub none: Outcome,
    pub may: Outcome,
    pub encrypt: Outcome,
    pub dane: Outcome,
    pub dane_only: Outcome,
    pub fingerprint: Outcome,
    pub verify: Outcome,
    pub secure: Outcome,
}

impl Outcomes {
    /// The outcomes that `outcome` gives for each level.
    pub fn of(outcome: impl Fn(SecurityLevel) -> Outcome) -> Self {
        Self {
            none: outcome(SecurityLevel::None),
            may: outcome(SecurityLevel::May),
            encrypt: outcome(SecurityLevel::Encrypt),
            dane: outcome(SecurityLevel::Dane),
            dane_only: outcome(SecurityLevel::DaneOnly),
            fingerprint: outcome(SecurityLevel::Fingerprint),
            verify: outcome(SecurityLevel::Verify),
            secure: outcome(SecurityLevel::Secure),
        }
    }

    /// What happens to a message at this level.
    pub fn at(&self, level: SecurityLevel) -> &Outcome {
        match level {
            SecurityLevel::None => &self.none,
            SecurityLevel::May => &self.may,
            SecurityLevel::Encrypt => &self.encrypt,
            SecurityLevel::Dane => &self.dane,
            SecurityLevel::DaneOnly => &self.dane_only,
            SecurityLevel::Fingerprint => &self.fingerprint,
            SecurityLevel::Verify => &self.verify,
            SecurityLevel::Secure => &self.secure,
        }
    }
}

/// The text in place of Postfix's words if an outcome is unknown.
const NOT_TOLD: &str = "not judged: what the servers show takes too much work to check";

/// What the Postfix SMTP client does with a message at one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// Whether and when it is delivered.
    pub delivery: Delivery,
    /// How the accepted message travelled; null if it is not delivered.
    pub channel: Option<Channel>,
    /// The MX host that accepts it; null if none does.
    pub via: Option<String>,
    /// The enhanced status code that Postfix would log (RFC 3463); null if
    /// unknown.
    pub dsn: Option<String>,
    /// The text that Postfix would log; null if the message is delivered at the
    /// first attempt.
    pub reason: Option<String>,
    /// Postfix chooses at random among equal hosts or addresses, and the choice
    /// changes the outcome; this is the weakest outcome.
    pub varies: bool,
}

/// Whether and when a message is delivered; the weakest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Returned to the sender at once.
    Bounced,
    /// Kept and tried again, in vain, until it is returned after days.
    Deferred,
    /// By the retry in plain text after a failed handshake
    /// (`PLAINTEXT_FALLBACK_OK_AFTER_STARTTLS_FAILURE` in Postfix's `smtp.h`).
    DeliveredAfterRetry,
    /// At the first attempt.
    Delivered,
}

/// How a message travelled; the weakest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Readable by anyone on the path.
    Plaintext,
    /// In TLS, with a server that proved nothing.
    Encrypted,
    /// In TLS, with a server that proved who it is: Postfix logs `Verified`.
    Authenticated,
}

impl Outcome {
    /// An unknown outcome, because it takes more work than one check may cost:
    /// no delivery is promised, and it is unknown what Postfix logs.
    pub(crate) fn not_told() -> Self {
        Self {
            delivery: Delivery::Deferred,
            channel: None,
            via: None,
            dsn: None,
            reason: Some(NOT_TOLD.to_owned()),
            varies: false,
        }
    }

    /// Whether it is known what happens to the message.
    pub fn is_told(&self) -> bool {
        self.dsn.is_some() || self.reason.as_deref() != Some(NOT_TOLD)
    }

    /// Whether the message arrives, at once or after the retry.
    pub fn delivers(&self) -> bool {
        matches!(
            self.delivery,
            Delivery::Delivered | Delivery::DeliveredAfterRetry
        )
    }

    /// Whether both arrive, and this one less protected.
    pub fn is_weaker_than(&self, other: &Self) -> bool {
        self.delivers() && other.delivers() && self.channel < other.channel
    }

    /// Whether the message arrives at the first attempt.
    pub fn delivers_at_once(&self) -> bool {
        self.delivery == Delivery::Delivered
    }
}
