//! What validation may cost, in operations (see [`danecheck_core::work`]).
//!
//! One signature check is what takes about a tenth of a millisecond: ECDSA
//! P-256, Ed25519, RSA of usual size. A round of SHA-1 over a name counts as
//! one comparison of names.

use domain::base::iana::SecurityAlgorithm;
use domain::crypto::common::rsa_exponent_modulus;
use domain::rdata::Dnskey;

use danecheck_core::work::{Operation, WorkBudget, WorkLimits, WorkUsedUp};

/// For all lookups of a check together.
pub const CHECK_WORK: WorkLimits = WorkLimits {
    signature_checks: 5_000,
    name_comparisons: 1_000_000,
    path_steps: 1,
};

/// For the answers of one lookup. An honest lookup takes fewer than ten.
pub const LOOKUP_WORK: WorkLimits = WorkLimits {
    signature_checks: 400,
    name_comparisons: 200_000,
    path_steps: 1,
};

/// For one step down the chain of trust: a DS set, or the keys of a zone. All
/// targets share these steps.
pub const ZONE_WORK: WorkLimits = WorkLimits {
    signature_checks: 120,
    name_comparisons: 50_000,
    path_steps: 1,
};

/// The budgets that pay for a piece of work: that of a lookup, and that of its
/// check.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// The lookup.
    pub own: &'a WorkBudget,
    /// The check; nothing for a lookup by itself.
    pub all: Option<&'a WorkBudget>,
}

impl<'a> Work<'a> {
    /// Work that is charged to one budget.
    pub fn of(own: &'a WorkBudget) -> Self {
        Self { own, all: None }
    }

    /// Pays for operations before they are done.
    pub(super) fn spend(self, operation: Operation, count: u64) -> Result<(), WorkUsedUp> {
        self.own.spend(operation, count)?;
        match self.all {
            Some(all) => all.spend(operation, count),
            None => Ok(()),
        }
    }
}

/// The cost of a signature check with this key.
pub(super) fn weight(key: &Dnskey<bytes::Bytes>) -> u64 {
    match key.algorithm() {
        SecurityAlgorithm::ECDSAP384SHA384 => 8,
        SecurityAlgorithm::RSASHA1
        | SecurityAlgorithm::RSASHA1_NSEC3_SHA1
        | SecurityAlgorithm::RSASHA256
        | SecurityAlgorithm::RSASHA512 => match rsa_exponent_modulus(key, 1) {
            Ok((exponent, modulus)) => {
                let bits = |byte: &u8| u64::from(byte.count_ones()) + 8;
                let steps: u64 = exponent.iter().map(bits).sum();
                let size = modulus.len() as u64;
                // With the exponent 65537 and 2048 bits, a third of a unit.
                (size * size * steps / 5_000_000).max(1)
            }
            Err(_) => 1,
        },
        _ => 1,
    }
}
