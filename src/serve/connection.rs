//! Connections: a limited number at once, each for a limited time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::answered::busy;
use super::request::answer;
use super::service::Service;
use super::stall::Stalling;

/// How long a closing connection has for its last answer.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// The pause after a failed accept, most likely because of too few descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// This many connections beyond the limit get the answer that there are too
/// many; others are closed without an answer.
const TOLD: usize = 64;

/// Accepts connections until `stop` is ready, and waits for their ends.
pub(super) async fn serve(
    service: Arc<Service>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let (ending, end) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut refusals = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        // Those that ended by themselves.
        while connections.try_join_next().is_some() {}
        while refusals.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let Ok(reached) = stream.local_addr() else {
            continue;
        };
        if connections.len() < service.limits.connections {
            connections.spawn(connection(service.clone(), stream, reached, end.clone()));
        } else {
            service.metrics.connection_refused();
            if refusals.len() < TOLD {
                refusals.spawn(refuse(service.clone(), stream));
            }
        }
    }
    drop(listener);
    drop(end);
    let _ = ending.send(());
    let all_end = async { while connections.join_next().await.is_some() {} };
    // The rest is dropped, and so aborted.
    let _ = timeout(service.limits.end_time, all_end).await;
}

async fn connection(
    service: Arc<Service>,
    stream: TcpStream,
    reached: SocketAddr,
    mut end: watch::Receiver<()>,
) {
    let _counted = service.metrics.connection();
    let each = service_fn(|request| {
        let service = &service;
        async move { Ok::<_, Infallible>(answer(service, reached, request).await) }
    });
    let http = builder(&service);
    let stream = Stalling::new(stream, service.limits.stall_time);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), each));
    let grace = tokio::select! {
        _ = connection.as_mut() => return,
        () = sleep(service.limits.connection_time) => LAST_ANSWER,
        _ = end.changed() => service.limits.end_time,
    };
    connection.as_mut().graceful_shutdown();
    let _ = timeout(grace, connection).await;
}

/// Answers the first request that all slots are busy.
async fn refuse(service: Arc<Service>, stream: TcpStream) {
    let each = service_fn(|_| async { Ok::<_, Infallible>(busy("open connections")) });
    let mut http = builder(&service);
    http.keep_alive(false);
    let connection = http.serve_connection(TokioIo::new(stream), each);
    let _ = timeout(LAST_ANSWER, connection).await;
}

fn builder(service: &Service) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(service.limits.head_time)
        .max_buf_size(service.limits.head_size);
    http
}
