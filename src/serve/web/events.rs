//! What happens while a look runs, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::words::{Words, words};
use crate::observe::{StepKind, StepsSeen};
use crate::serve::metrics::Counted;
use crate::serve::under_way::UnderWay;
use danecheck_core::entry::Language;
use danecheck_core::report::shown;

/// The body of such an answer.
pub(in crate::serve) type Events = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// The pause between two events.
const PAUSE: Duration = Duration::from_millis(200);

/// How often something is sent although nothing happens, so that a connection
/// that has ended is noticed.
const ALIVE: Duration = Duration::from_secs(10);

/// The events of one answer. Steps are few, so only a look without end reaches
/// this.
const MOST: usize = 500;

/// The end of a look, after which the page is there.
const END: &str = "event: end\ndata: {}\n\n";

/// The answer about a look that has ended already.
pub(super) fn ended() -> Events {
    let only = futures_util::stream::iter([frame(END.to_owned())]);
    StreamBody::new(only.boxed())
}

/// Who follows a look.
pub(super) struct Follower {
    pub(super) language: Language,
    /// Until when.
    pub(super) until: Instant,
    /// The place among the followers.
    pub(super) _place: OwnedSemaphorePermit,
    pub(super) _counted: Counted,
}

/// The answer about a look under way.
pub(super) fn follow(under_way: UnderWay, follower: Follower) -> Events {
    let told = Told {
        changes: under_way.steps.changes(),
        under_way,
        follower,
        last: None,
        count: 0,
        ended: false,
    };
    StreamBody::new(unfold(told, Told::next).boxed())
}

struct Told {
    under_way: UnderWay,
    changes: watch::Receiver<()>,
    follower: Follower,
    last: Option<StepsSeen>,
    count: usize,
    ended: bool,
}

impl Told {
    /// The next event; `None` after the last, and when time is up.
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, Infallible>, Self)> {
        if self.ended || self.count >= MOST || Instant::now() >= self.follower.until {
            return None;
        }
        self.count += 1;
        let text = match self.last.is_some() {
            false => format!("retry: 2000\n{}", self.steps()?),
            true => {
                let until = self.follower.until.min(Instant::now() + ALIVE);
                timeout_at(until, self.news())
                    .await
                    .unwrap_or_else(|_| ":\n\n".to_owned())
            }
        };
        Some((frame(text), self))
    }

    async fn news(&mut self) -> String {
        loop {
            let end = self.under_way.ended();
            let change = async {
                sleep(PAUSE).await;
                // The sender lives as long as the look.
                let _ = self.changes.changed().await;
            };
            tokio::select! {
                biased;
                () = end => {
                    self.ended = true;
                    return END.to_owned();
                }
                () = change => {}
            }
            if let Some(steps) = self.steps() {
                return steps;
            }
        }
    }

    /// The event with the steps so far, if there are others than before.
    fn steps(&mut self) -> Option<String> {
        let seen = self.under_way.steps.seen();
        if self.last.as_ref() == Some(&seen) {
            return None;
        }
        let data = data(&seen, words(self.follower.language));
        self.last = Some(seen);
        Some(format!("event: steps\ndata: {data}\n\n"))
    }
}

/// The steps as JSON, which has no line end of its own.
fn data(seen: &StepsSeen, words: &Words) -> String {
    let steps: Vec<_> = seen
        .kept
        .iter()
        .map(|step| {
            serde_json::json!({
                "kind": protocol(step.kind),
                "text": shown(&step.text),
                "ended": step.ended,
            })
        })
        .collect();
    serde_json::json!({ "count": counted(seen, words), "steps": steps }).to_string()
}

/// How far a look is, in a sentence.
pub(super) fn counted(seen: &StepsSeen, words: &Words) -> String {
    match seen.begun {
        0 => words.waits.to_owned(),
        begun => words
            .asked
            .replace("{ended}", &seen.ended.to_string())
            .replace("{begun}", &begun.to_string()),
    }
}

/// The name of a step's protocol.
pub(super) fn protocol(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Dns => "DNS",
        StepKind::Smtp => "SMTP",
        StepKind::Https => "HTTPS",
    }
}

fn frame(text: String) -> Result<Frame<Bytes>, Infallible> {
    Ok(Frame::data(Bytes::from(text)))
}
