//! What a resolver has gathered for one question.

use domain::base::iana::{ExtendedErrorCode, Rcode, Rtype};

use super::authority::SignedSet;
use super::record::Owner;

/// The sections of a response (RFC 1035 section 4.1), before the client's part
/// of them is chosen.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) rcode: Rcode,
    pub(super) answer: Vec<SignedSet>,
    pub(super) authority: Vec<SignedSet>,
    pub(super) additional: Vec<SignedSet>,
    pub(super) reason: Option<Reason>,
}

/// Why there is no answer (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) code: ExtendedErrorCode,
    pub(super) text: String,
}

impl Reason {
    /// The same, after the question, in unbound's words.
    pub(super) fn about(self, name: &Owner, rtype: Rtype) -> Self {
        let name = name.fmt_with_dot();
        Self {
            code: self.code,
            text: format!("validation failure <{name} {rtype} IN>: {}", self.text),
        }
    }
}

impl Answer {
    pub(super) fn empty(rcode: Rcode) -> Self {
        Self {
            rcode,
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            reason: None,
        }
    }

    /// SERVFAIL, and why.
    pub(super) fn failure(reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::empty(Rcode::SERVFAIL)
        }
    }

    /// Adds to the authority section what is not in it yet.
    pub(super) fn prove(&mut self, proof: Vec<SignedSet>) {
        for set in proof {
            let known = self
                .authority
                .iter()
                .any(|other| other.owner == set.owner && other.rrset.rtype == set.rrset.rtype);
            if !known {
                self.authority.push(set);
            }
        }
    }

    /// Every RRset of the answer and its proof.
    pub(super) fn sets(&self) -> impl Iterator<Item = &SignedSet> {
        self.answer.iter().chain(&self.authority)
    }
}
