//! One case of the demo, and what all cases share.

use danecheck_core::observation::Observation;
use danecheck_core::unix_time::UnixTime;
use danecheck_world::pki::Authority;

use super::stage::{Stage, StageError};

/// The domain that every case is about.
pub const TARGET: &str = "example.com";

/// One case.
pub struct Case {
    /// The name, in kebab-case.
    pub name: &'static str,
    /// What is special about it, in a few words.
    pub title: &'static str,
    /// Puts it on a stage.
    pub(super) set: fn(&mut Stage),
}

impl Case {
    /// Sets the case up, checks it, and removes it.
    pub async fn observe(&self, shared: &SharedAuthorities) -> Result<Observation, StageError> {
        self.stage(shared).start().await?.observe(TARGET).await
    }

    /// The stage with the case on it.
    pub fn stage(&self, shared: &SharedAuthorities) -> Stage {
        let mut stage = Stage::under(shared.now, shared.root.clone(), shared.issuer.clone());
        (self.set)(&mut stage);
        stage
    }
}

/// What all stages share: the time and the authorities.
pub struct SharedAuthorities {
    now: UnixTime,
    root: Authority,
    issuer: Authority,
}

impl SharedAuthorities {
    /// Authorities as of this moment. The validating resolver on stage has a
    /// clock of its own, so it has to be the real one.
    pub fn new(now: UnixTime) -> Self {
        let root = Authority::root("Demo Root X1", now);
        let issuer = root.intermediate("Demo R12");
        Self { now, root, issuer }
    }
}
