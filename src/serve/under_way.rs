//! A check under way, for all who wait for it.

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::observe::Steps;

/// A check that runs or waits for its turn.
#[derive(Clone)]
pub(super) struct UnderWay {
    result: Shared<BoxFuture<'static, Option<Bytes>>>,
    /// What it asks; only pages show that.
    pub(super) steps: Steps,
}

impl UnderWay {
    /// One with this result to come.
    pub(super) fn new(
        result: impl Future<Output = Option<Bytes>> + Send + 'static,
        steps: Steps,
    ) -> Self {
        Self {
            result: result.boxed().shared(),
            steps,
        }
    }

    /// Waits for its metrics; `None` if it failed.
    pub(super) async fn result(self) -> Option<Bytes> {
        self.result.await
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        let _ = self.result.clone().await;
    }
}
