//! What the sessions of one server have in common.

use std::sync::Arc;

use rustls::ServerConfig;

use super::handshake::Identities;
use super::misbehaviour::Misbehaviour;

/// What the sessions of one server have in common.
#[derive(Debug)]
pub(super) struct Personality {
    pub(super) host_name: String,
    pub(super) misbehaviours: Vec<Misbehaviour>,
    pub(super) identities: Arc<Identities>,
    pub(super) config: Arc<ServerConfig>,
}

impl Personality {
    /// The first of its misbehaviours that changes `step`.
    pub(super) fn first<'a, T>(
        &'a self,
        step: impl FnMut(&'a Misbehaviour) -> Option<T>,
    ) -> Option<T> {
        self.misbehaviours.iter().find_map(step)
    }

    pub(super) fn has(&self, misbehaviour: &Misbehaviour) -> bool {
        self.misbehaviours.contains(misbehaviour)
    }

    pub(super) fn line_end(&self) -> &'static [u8] {
        if self.has(&Misbehaviour::BareLf) {
            b"\n"
        } else {
            b"\r\n"
        }
    }
}
