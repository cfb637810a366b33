//! Work that an outsider can cause, counted in operations and never in time, so
//! that every machine judges a saved observation alike.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// One check of a signature with a key; for a slow algorithm,
    /// [`WorkBudget::spend`] gets a higher `count`.
    SignatureCheck,
    /// One comparison of a name with another, or with a constraint.
    NameComparison,
    /// One certificate or zone added to a path, or removed from it.
    PathStep,
}

/// The limit of each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    /// Of [`Operation::SignatureCheck`].
    pub signature_checks: u64,
    /// Of [`Operation::NameComparison`].
    pub name_comparisons: u64,
    /// Of [`Operation::PathStep`].
    pub path_steps: u64,
}

impl WorkLimits {
    /// An equal share for each of this many.
    pub fn share(self, of: usize) -> Self {
        let of = u64::try_from(of).unwrap_or(u64::MAX).max(1);
        Self {
            signature_checks: self.signature_checks / of,
            name_comparisons: self.name_comparisons / of,
            path_steps: self.path_steps / of,
        }
    }
}

/// The work that the chains of one judgement share: half of the whole budget.
/// Each chain with TLSA records to match has a share, and each chain to verify
/// with the trust store has one. All shares are equal, so one server takes
/// nothing away from another. If a share does not suffice, the chain is not
/// judged.
///
/// Signature checks count in units of 25 microseconds, so that both halves
/// together keep one core busy for about a second in a release build; see
/// `signature_cost`. A single chain has 20,000 of them: that is 125 checks with
/// P-521 or 10,000 with RSA-2048. An honest chain needs four at most. With a
/// chain of its own at each of the 160 addresses that are checked, 125 are left
/// for each. A comparison of names takes about 10 nanoseconds, a certificate
/// considered for a path about 20.
pub(crate) const SHARED: WorkLimits = WorkLimits {
    signature_checks: 20_000,
    name_comparisons: 4_000_000,
    path_steps: 4_000_000,
};

/// A budget is used up: results that depend on the operation are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the work budget of this check is used up")]
pub struct WorkUsedUp {
    /// The operation that exceeded its limit.
    pub operation: Operation,
}

/// The rest of a budget. Concurrent parts may share it.
#[derive(Debug)]
pub struct WorkBudget {
    signature_checks: AtomicU64,
    name_comparisons: AtomicU64,
    path_steps: AtomicU64,
}

impl WorkBudget {
    /// A whole budget.
    pub const fn new(limits: WorkLimits) -> Self {
        Self {
            signature_checks: AtomicU64::new(limits.signature_checks),
            name_comparisons: AtomicU64::new(limits.name_comparisons),
            path_steps: AtomicU64::new(limits.path_steps),
        }
    }

    /// Pays for operations before they are done. If too few are left, none are
    /// left from then on.
    pub fn spend(&self, operation: Operation, count: u64) -> Result<(), WorkUsedUp> {
        let left = self.account(operation);
        let paid = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(count));
        paid.map(|_| ()).map_err(|_| {
            left.store(0, Relaxed);
            WorkUsedUp { operation }
        })
    }

    /// Whether something was left undone, or nothing is left.
    pub fn used_up(&self) -> Option<WorkUsedUp> {
        use Operation::{NameComparison, PathStep, SignatureCheck};
        [SignatureCheck, NameComparison, PathStep]
            .into_iter()
            .find(|operation| self.left(*operation) == 0)
            .map(|operation| WorkUsedUp { operation })
    }

    /// How many operations are left.
    pub fn left(&self, operation: Operation) -> u64 {
        self.account(operation).load(Relaxed)
    }

    fn account(&self, operation: Operation) -> &AtomicU64 {
        match operation {
            Operation::SignatureCheck => &self.signature_checks,
            Operation::NameComparison => &self.name_comparisons,
            Operation::PathStep => &self.path_steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_by_each_operation_and_not_beyond() {
        let budget = WorkBudget::new(WorkLimits {
            signature_checks: 3,
            name_comparisons: 10,
            path_steps: 1,
        });
        assert_eq!(budget.spend(Operation::SignatureCheck, 2), Ok(()));
        assert_eq!(budget.used_up(), None);
        let operation = Operation::SignatureCheck;
        assert_eq!(budget.spend(operation, 2), Err(WorkUsedUp { operation }));
        assert_eq!(budget.spend(operation, 1), Err(WorkUsedUp { operation }));
        assert_eq!(budget.left(Operation::NameComparison), 10);
        assert_eq!(budget.used_up(), Some(WorkUsedUp { operation }));
    }
}
