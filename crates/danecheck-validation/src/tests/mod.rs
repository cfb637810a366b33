//! The validator against answers made by hand, and against honest ones that
//! were changed, which the fuzz target changes too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test fails by panicking, and the fuzz target uses a part of this"
)]

#[cfg(test)]
mod alias_cases;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod denial_cases;
#[cfg(test)]
mod keys;
mod mutation;
mod tree;

use bytes::Bytes;

use self::mutation::{Choices, World};

/// Changes honest answers as the bytes say, and judges the bytes themselves;
/// what is secure has to be true.
pub(crate) fn exercise(data: &[u8]) {
    let world = World::shared();
    world.judge(&Bytes::copy_from_slice(data));
    world.mutate(&mut Choices::new(data, 1));
}
