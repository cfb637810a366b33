//! The results of certificate checks, so that no check is repeated, and the
//! work that one verification may spend on them.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::failure::VerificationError;
use super::key::PublicKey;
use super::name_constraints;
use super::signature::{SignatureOutcome, signature_cost, verify_signature};
use super::x509::Certificate;
use crate::work::{Operation, WorkBudget, WorkLimits, WorkUsedUp};

/// A certificate, and the key or certificate with which it is checked, by their
/// SHA-256 digests.
type Pair = ([u8; 32], [u8; 32]);

/// Checks that were made. A repeated check is answered from here. Its cost
/// counts again, so that no verification depends on what was verified before
/// it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    signatures: RefCell<HashMap<Pair, SignatureOutcome>>,
    objections: RefCell<HashMap<(Pair, bool), Objected>>,
    done: Cell<WorkDone>,
}

/// The result of name constraints, and how many comparisons that took.
#[derive(Clone, Debug)]
struct Objected {
    objection: Option<VerificationError>,
    comparisons: u64,
}

/// Operations that were done, without those answered from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkDone {
    /// Checks of signatures, weighed.
    pub(crate) signature_checks: u64,
    /// Comparisons of names with name constraints.
    pub(crate) name_comparisons: u64,
    /// Certificates considered for a path.
    pub(crate) path_steps: u64,
}

impl Known {
    /// The operations done so far.
    #[cfg(test)]
    pub(crate) fn done(&self) -> WorkDone {
        self.done.get()
    }

    fn note(&self, change: impl FnOnce(&mut WorkDone)) {
        let mut done = self.done.get();
        change(&mut done);
        self.done.set(done);
    }
}

/// What one verification may still spend. It depends only on the verification
/// and its limits, not on other verifications or their order.
#[derive(Debug)]
pub(crate) struct Account<'k> {
    known: &'k Known,
    budget: WorkBudget,
    /// The results to use.
    paid: RefCell<HashSet<Pair>>,
}

impl<'k> Account<'k> {
    /// A verification that may spend this much.
    pub(crate) fn new(known: &'k Known, limits: WorkLimits) -> Self {
        Self {
            known,
            budget: WorkBudget::new(limits),
            paid: RefCell::default(),
        }
    }

    /// Whether `key` signed `certificate`.
    pub(super) fn signature(
        &self,
        certificate: &Certificate,
        key: &PublicKey,
    ) -> Result<SignatureOutcome, WorkUsedUp> {
        let pair = (*certificate.identity(), *key.identity());
        let cost = signature_cost(certificate, key);
        if !self.paid.borrow().contains(&pair) {
            self.budget.spend(Operation::SignatureCheck, cost)?;
            self.paid.borrow_mut().insert(pair);
        }
        if let Some(known) = self.known.signatures.borrow().get(&pair) {
            return Ok(known.clone());
        }
        self.known.note(|done| done.signature_checks += cost);
        let outcome = verify_signature(certificate, key);
        let mut signatures = self.known.signatures.borrow_mut();
        signatures.insert(pair, outcome.clone());
        Ok(outcome)
    }

    /// The objection of the name constraints of `issuer` to `certificate`; with
    /// `leaf`, its common names count if they would serve as host names.
    pub(super) fn objection(
        &self,
        issuer: &Certificate,
        certificate: &Certificate,
        leaf: bool,
    ) -> Result<Option<VerificationError>, WorkUsedUp> {
        let pair = (*issuer.identity(), *certificate.identity());
        let spend = |count| self.budget.spend(Operation::NameComparison, count);
        let known = self.known.objections.borrow().get(&(pair, leaf)).cloned();
        if let Some(known) = known {
            spend(known.comparisons)?;
            return Ok(known.objection);
        }
        let comparisons = Cell::new(0);
        let objection = name_constraints::objection(issuer, certificate, leaf, &|count| {
            spend(count)?;
            comparisons.set(comparisons.get() + count);
            self.known.note(|done| done.name_comparisons += count);
            Ok(())
        })?;
        self.known.objections.borrow_mut().insert(
            (pair, leaf),
            Objected {
                objection: objection.clone(),
                comparisons: comparisons.get(),
            },
        );
        Ok(objection)
    }

    /// Pays for comparisons of names, or for what costs as much.
    pub(super) fn comparisons(&self, count: usize) -> Result<(), WorkUsedUp> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.budget.spend(Operation::NameComparison, count)?;
        self.known.note(|done| done.name_comparisons += count);
        Ok(())
    }

    /// Pays for the certificates that are considered for a path.
    pub(super) fn path_steps(&self, count: usize) -> Result<(), WorkUsedUp> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.budget.spend(Operation::PathStep, count)?;
        self.known.note(|done| done.path_steps += count);
        Ok(())
    }
}
