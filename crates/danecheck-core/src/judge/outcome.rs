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

/// Why an outcome cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untold {
    /// To judge what the servers show takes more work than one check may cost.
    Work,
    /// A limit of this program ended the look at a server with which Postfix
    /// may go on.
    Limit,
    /// The policy asks for a ClientHello that was not sent, and the result
    /// depends on it.
    Hello,
}

impl Untold {
    const ALL: [Self; 3] = [Self::Work, Self::Limit, Self::Hello];

    /// What stands in the place of Postfix's words.
    fn text(self) -> &'static str {
        match self {
            Self::Work => "not judged: what the servers show takes too much work to check",
            Self::Limit => "not judged: a server sends what danecheck does not follow to its end",
            Self::Hello => {
                "not judged: danecheck did not send the ClientHello that this policy asks for"
            }
        }
    }
}

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
    /// What cannot be told: no delivery is promised, and Postfix logs nobody
    /// knows what.
    pub(crate) fn not_told(why: Untold) -> Self {
        Self {
            delivery: Delivery::Deferred,
            channel: None,
            via: None,
            dsn: None,
            reason: Some(why.text().to_owned()),
            varies: false,
        }
    }

    /// Why it cannot be told what happens to the message, where that is so.
    pub(crate) fn untold(&self) -> Option<Untold> {
        let reason = self.reason.as_deref().filter(|_| self.dsn.is_none())?;
        Untold::ALL.into_iter().find(|why| why.text() == reason)
    }

    /// Whether it is unknown because a ClientHello was not sent.
    pub(crate) fn waits_for_a_hello(&self) -> bool {
        self.untold() == Some(Untold::Hello)
    }

    /// Whether it is known what happens to the message.
    pub fn is_told(&self) -> bool {
        self.untold().is_none()
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
