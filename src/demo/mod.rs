//! `danecheck demo`: one case for each thing that can go right or wrong, each
//! on its own stage, through the same code as any check.

mod cases;
pub mod stage;

use crate::demo::stage::{Stage, StageError};
use danecheck_core::observation::Observation;
use danecheck_core::unix_time::UnixTime;
use danecheck_world::pki::Authority;

pub use cases::CASES;

/// The case with the most instructive report.
pub const MOST_INSTRUCTIVE: &str = "stale-key";

/// The domain that every case is about.
pub const TARGET: &str = "example.com";

/// One case.
pub struct Case {
    /// The name, in kebab-case.
    pub name: &'static str,
    /// What is special about it, in a few words.
    pub title: &'static str,
    /// Puts it on a stage.
    set: fn(&mut Stage),
}

impl Case {
    /// The case with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Sets the case up, checks it, and removes it.
    pub async fn observe(&self, company: &Company) -> Result<Observation, StageError> {
        self.stage(company).start().await?.observe(TARGET).await
    }

    /// The stage with the case on it.
    pub fn stage(&self, company: &Company) -> Stage {
        let mut stage = Stage::under(company.now, company.root.clone(), company.issuer.clone());
        (self.set)(&mut stage);
        stage
    }
}

/// What all stages share: the time and the authorities.
pub struct Company {
    now: UnixTime,
    root: Authority,
    issuer: Authority,
}

impl Company {
    /// Authorities as of this moment. The validating resolver on stage has a
    /// clock of its own, so it has to be the real one.
    pub fn new(now: UnixTime) -> Self {
        let root = Authority::root("Demo Root X1", now);
        let issuer = root.intermediate("Demo R12");
        Self { now, root, issuer }
    }
}
