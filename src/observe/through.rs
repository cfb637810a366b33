//! DNS over TCP through a SOCKS proxy: one question, one connection.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::budget::Deadline;
use super::exchange::{NoReply, Question, on_stream};
use super::proxy::Proxy;
use danecheck_core::observation::{ConnectFailureKind, FailureKind};

/// Asks one server.
pub(super) async fn ask_through(
    proxy: &Proxy,
    server: SocketAddr,
    question: Question<'_>,
    time: Duration,
) -> Result<Bytes, FailureKind> {
    let deadline = Deadline::after(time);
    let stream = proxy.reach(server, time, deadline).await;
    let stream = stream.map_err(|failure| match failure.kind {
        ConnectFailureKind::TimedOut => FailureKind::Timeout,
        _ => FailureKind::Unreachable,
    })?;
    match deadline.run(time, on_stream(stream, question)).await {
        Some(Ok(reply)) => Ok(reply),
        Some(Err(NoReply::Malformed)) => Err(FailureKind::Malformed),
        // `ssh -D` accepts before it knows whether the other end listens.
        Some(Err(NoReply::Closed | NoReply::Unreachable)) => Err(FailureKind::Unreachable),
        Some(Err(NoReply::Timeout)) | None => Err(FailureKind::Timeout),
    }
}
