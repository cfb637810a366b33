//! Questions over TCP.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::message::{NoReply, Question, query};
use super::random::Random;

/// One question over a connection (RFC 7766), whatever that leads through.
pub(in super::super) async fn on_stream(
    mut stream: TcpStream,
    question: Question<'_>,
) -> Result<Bytes, NoReply> {
    let id = Random::default().number()?;
    let query = query(question, id);
    let length = u16::try_from(query.len()).unwrap_or(u16::MAX);
    // One segment: some servers read no further than the first.
    let message = [&length.to_be_bytes()[..], &query].concat();
    stream.write_all(&message).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; length.into()];
    stream.read_exact(&mut reply).await?;
    match reply.first_chunk() == Some(&id.to_be_bytes()) {
        true => Ok(reply.into()),
        false => Err(NoReply::Malformed),
    }
}

/// One question over its own connection (RFC 7766).
pub(in super::super) async fn over_tcp(
    server: SocketAddr,
    question: Question<'_>,
    time: Duration,
) -> Result<Bytes, NoReply> {
    let exchange = async { on_stream(TcpStream::connect(server).await?, question).await };
    let exchange = Box::pin(exchange);
    timeout(time, exchange)
        .await
        .unwrap_or(Err(NoReply::Timeout))
}
