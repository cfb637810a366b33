//! The judging half: from an observation to outcomes, verdict, findings and
//! recommendation. No clock, no socket, no output; the same observation gives
//! the same judgement for ever.
//!
//! | question | module | Postfix |
//! | --- | --- | --- |
//! | which addresses, in which order | `route` | `smtp_addr.c` |
//! | which TLSA records are in play | `dane` | `tls_dane.c` |
//! | what is asked of a host | `policy` | `smtp_tls_policy.c` |
//! | what one address answers to it | `attempt` | `smtp_proto.c` |
//! | whether a handshake succeeds that ours did not | `handshake` | `tls_client.c` |
//! | what becomes of the message | `delivery` | `smtp_connect.c` |

mod attempt;
mod dane;
mod delivery;
mod evidence;
mod handshake;
mod level;
mod outcome;
mod policy;
mod recommend;
mod route;
mod verdict;

use crate::finding::{Finding, find_all};
use crate::observation::Observation;

pub use level::{SecurityLevel, UnknownLevel};
pub use outcome::{Channel, Delivery, Outcome};
pub use recommend::{Action, Alternative, Entries, Recommendation};
pub use verdict::{Standing, Verdict};

pub(crate) use dane::{DaneRecords, NotFound};
pub(crate) use evidence::{AddressEvidence, Evidence, HostEvidence, SessionEvidence};
pub(crate) use handshake::{Objection, by_old_means, objection};
pub(crate) use route::{DeadEndCause, Route};
pub(crate) use verdict::{Blind, blind, cannot_be_seen};

use policy::PolicyRequest;

/// A judged observation.
pub struct Judged<'a> {
    pub(crate) evidence: Evidence<'a>,
    /// Each level's outcome, in the order of [`SecurityLevel::ALL`].
    pub outcomes: [Outcome; 8],
    /// Each address's standing, in the order of the observation.
    pub standings: Vec<Standing>,
    /// The verdict.
    pub verdict: Verdict,
    /// What to do at the sending end.
    pub recommendation: Recommendation,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

impl Judged<'_> {
    /// What becomes of a message at this level.
    pub fn outcome(&self, level: SecurityLevel) -> &Outcome {
        at(&self.outcomes, level)
    }

    /// Whether secure TLSA records, or a failed lookup of them, decide about
    /// any address.
    pub fn tlsa_in_play(&self) -> bool {
        self.evidence
            .addresses()
            .any(|(_, address)| !matches!(address.dane, DaneRecords::NotFound(_)))
    }
}

/// Judges what was observed.
pub fn judge(observation: &Observation) -> Judged<'_> {
    let evidence = Evidence::of(observation);
    let outcomes = SecurityLevel::ALL.map(|level| evidence.outcome(&PolicyRequest::plain(level)));
    let outcome = |level| at(&outcomes, level).clone();
    let standings: Vec<Standing> = evidence
        .addresses()
        .map(|(host, address)| verdict::standing(&evidence, host, address))
        .collect();
    let verdict = verdict::verdict(&evidence, &outcome, &standings);
    let recommendation = recommend::recommend(&evidence, verdict, &outcome);
    let mut judged = Judged {
        evidence,
        outcomes,
        standings,
        verdict,
        recommendation,
        findings: Vec::new(),
    };
    judged.findings = find_all(&judged);
    judged
}

fn at(outcomes: &[Outcome; 8], level: SecurityLevel) -> &Outcome {
    let [
        none,
        may,
        encrypt,
        dane,
        dane_only,
        fingerprint,
        verify,
        secure,
    ] = outcomes;
    match level {
        SecurityLevel::None => none,
        SecurityLevel::May => may,
        SecurityLevel::Encrypt => encrypt,
        SecurityLevel::Dane => dane,
        SecurityLevel::DaneOnly => dane_only,
        SecurityLevel::Fingerprint => fingerprint,
        SecurityLevel::Verify => verify,
        SecurityLevel::Secure => secure,
    }
}
