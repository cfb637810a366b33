//! The judging half: from an observation to outcomes, verdict and
//! recommendation. It has no clock, socket or output: the same observation
//! always gives the same judgement.
//!
//! | question | module | Postfix |
//! | --- | --- | --- |
//! | which addresses, in which order | `route` | `smtp_addr.c` |
//! | which TLSA records are in play | `dane` | `tls_dane.c` |
//! | what is asked of a host | `policy` | `smtp_tls_policy.c` |
//! | what one address answers to it | `attempt`, `envelope`, `failure` | `smtp_proto.c` |
//! | whether a handshake succeeds that ours did not | `handshake` | `tls_client.c` |
//! | what happens to the message | `delivery` | `smtp_connect.c` |

mod attempt;
mod caution;
mod dane;
mod delivery;
mod envelope;
mod evidence;
mod failure;
mod handshake;
mod horizon;
mod lines;
mod mta_sts;
mod origins;
mod outcome;
mod policy;
mod recommend;
mod route;
mod sending;
mod side_by_side;
mod strictest;
mod verdict;
mod verified;

use crate::forensics::Origin;
use crate::observation::Observation;
use crate::postfix::{Comparison, PolicyLine, SecurityLevel, Settings, TlsDefaults};
use crate::sender::Sender;

pub use horizon::{Horizon, Moment};
pub use outcome::{Channel, Delivery, Outcome, Outcomes};
pub use recommend::{Action, Alternative, Recommendation};
pub(crate) use sending::OverrideInForce;
pub use sending::Sending;
pub use side_by_side::{Agreement, Aspect, Difference, DifferenceKind, SideBySide};
pub use strictest::Strictest;
pub use verdict::{Standing, Verdict};

pub(crate) use caution::LOOKS_THE_SAME;
pub(crate) use dane::{DaneRecords, NotFound};
pub(crate) use delivery::{ADDRESS_LIMIT, never_tried};
pub(crate) use evidence::{AddressEvidence, Evidence, HostEvidence, Promise, SessionEvidence};
pub(crate) use handshake::{Objection, by_old_means, objection};
pub(crate) use mta_sts::{
    HostStanding, MtaSts, NO_HANDSHAKE, NO_STARTTLS, STARTTLS_REFUSED, Unavailable, texts,
};
pub(crate) use policy::dane_names;
pub(crate) use route::{DeadEndCause, Route};
pub(crate) use verdict::{Blind, blind, cannot_be_seen, family_works, proxy_failure};

use policy::PolicyRequest;

/// A judged observation.
pub struct Judged<'a> {
    pub(crate) evidence: Evidence<'a>,
    pub(crate) horizon: Horizon,
    /// Each level's outcome.
    pub outcomes: Outcomes,
    /// What DANE does for each address, in the order of the observation.
    pub standings: Vec<Standing>,
    /// The verdict.
    pub verdict: Verdict,
    /// What happens to the mail of the sender that was named, or of the default
    /// sender.
    pub sending: Sending,
    /// MTA-STS, as a sender that honours it sees it; `None` if it was not
    /// checked.
    pub(crate) mta_sts: Option<MtaSts<'a>>,
    /// Each look from elsewhere, compared with the one from here.
    pub elsewhere: Vec<LookElsewhere<'a>>,
    /// What the sender's administrator should do.
    pub recommendation: Recommendation,
    /// For each address, in the order of the observation, what each TLSA
    /// record that matches nothing is.
    pub origins: Vec<Vec<Option<Origin>>>,
}

/// A look from elsewhere.
pub struct LookElsewhere<'a> {
    /// The proxy.
    pub from: &'a str,
    /// The look.
    pub observation: &'a Observation,
    /// What differs from the look from here.
    pub compared: SideBySide,
}

impl Judged<'_> {
    /// What happens to a message at this level.
    pub fn outcome(&self, level: SecurityLevel) -> &Outcome {
        self.outcomes.at(level)
    }

    /// What happens to a message at this level where Postfix and its OpenSSL are the
    /// newest.
    pub(crate) fn with_newest_tls(&self, level: SecurityLevel) -> Outcome {
        let settings = Settings {
            tls: TlsDefaults::NEWEST,
            ..Settings::default()
        };
        self.evidence.outcome(&PolicyRequest::with(level, settings))
    }

    /// What happens to the sender's mail with this line for the next hop in its
    /// table; `None` stands for a line that Postfix rejects.
    pub fn with_line(&self, line: Option<&PolicyLine>) -> Outcome {
        match line {
            Some(line) => {
                let request = PolicyRequest::of_line(line.clone(), self.sending.settings);
                self.evidence.outcome(&request)
            }
            None => self.evidence.outcome_without_policy(),
        }
    }

    /// The strictest line for the sender with which mail is delivered now.
    pub(crate) fn strictest(&self) -> Strictest {
        Strictest::of(&self.evidence, self.verdict, &self.sending)
    }

    /// What happens to another sender's mail, and what its administrator should
    /// do.
    pub(crate) fn to(&self, sender: &Sender) -> (Sending, Recommendation) {
        let served = self.mta_sts.as_ref().and_then(|mta_sts| mta_sts.served);
        let sending = Sending::of(sender, &self.evidence, &self.outcomes, served);
        let recommendation =
            recommend::recommend(&self.evidence, self.verdict, &sending, &self.elsewhere);
        (sending, recommendation)
    }

    /// What the comparison of lines for this next hop depends on.
    pub(crate) fn comparison(&self) -> Comparison {
        caution::comparison(&self.evidence, self.sending.settings)
    }

    /// Whether it is proven that the server itself is the reason why mail waits
    /// with this line.
    pub(crate) fn is_the_servers_own(&self, line: &PolicyLine) -> bool {
        caution::is_the_servers_own(&self.evidence, line, self.sending.settings)
    }

    /// The caution, after the advice to look again if what keeps the mail back today
    /// may go by itself.
    pub(crate) fn first_wait(&self, today: &Outcome, caution: String) -> String {
        caution::first_wait(&self.evidence, today, Some(caution)).unwrap_or_default()
    }

    /// Whether secure TLSA records, or a failed lookup of them, decide about
    /// any address.
    pub fn tlsa_in_play(&self) -> bool {
        self.evidence
            .addresses()
            .any(|(_, address)| !matches!(address.dane, DaneRecords::NotFound(_)))
    }
}

/// Judges an observation, for any moment and any sender.
pub fn judge<'a>(observation: &'a Observation, horizon: Horizon, sender: &Sender) -> Judged<'a> {
    let evidence = Evidence::at(observation, horizon.now(observation.checked_at));
    let outcomes = Outcomes::of(|level| evidence.outcome(&PolicyRequest::plain(level)));
    let standings: Vec<Standing> = evidence
        .addresses()
        .map(|(host, address)| verdict::standing(&evidence, host, address))
        .collect();
    let verdict = verdict::verdict(&evidence, &outcomes, &standings);
    let mta_sts = mta_sts::mta_sts(&evidence);
    let served = mta_sts.as_ref().and_then(|mta_sts| mta_sts.served);
    let sending = Sending::of(sender, &evidence, &outcomes, served);
    let elsewhere: Vec<LookElsewhere<'a>> = observation
        .elsewhere
        .iter()
        .map(|other| LookElsewhere {
            from: other.proxy.as_deref().unwrap_or("elsewhere"),
            observation: other,
            compared: side_by_side::compare(&evidence, &Evidence::at(other, evidence.now)),
        })
        .collect();
    let recommendation = recommend::recommend(&evidence, verdict, &sending, &elsewhere);
    let origins = origins::origins(&evidence);
    Judged {
        evidence,
        horizon,
        outcomes,
        standings,
        verdict,
        sending,
        mta_sts,
        elsewhere,
        recommendation,
        origins,
    }
}
