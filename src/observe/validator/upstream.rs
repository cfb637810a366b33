//! The validator's way to the DS and DNSKEY record sets: the check's resolver,
//! each question once, with CD=1.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Message, Rtype};
use domain::net::client::request::{
    ComposeRequest, Error, GetResponse, RequestMessage, SendRequest,
};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use super::super::budget::{ANSWERS_BYTES, Deadline, Room, VALIDATED_RECORDS, VALIDATION_QUERIES};
use super::super::resolver::{Mode, Question, Resolver};
use super::packet::Owner;
use crate::observation::{FailureKind, LookupFailure};
use crate::unix_time::UnixTime;

/// What came back for one question.
pub(in super::super) type Fetched = Result<Bytes, LookupFailure>;

type Questions = HashMap<(Owner, Rtype), Arc<OnceCell<Fetched>>>;

/// All questions of one run.
#[derive(Clone)]
pub(in super::super) struct Upstream(Arc<Shared>);

struct Shared {
    resolver: Resolver,
    query: Duration,
    deadline: Deadline,
    asked: Mutex<Questions>,
    room: Room,
    now: UnixTime,
}

impl Upstream {
    pub(super) fn new(
        resolver: Resolver,
        query: Duration,
        deadline: Deadline,
        now: UnixTime,
    ) -> Self {
        Self(Arc::new(Shared {
            resolver,
            now,
            query,
            deadline,
            asked: Mutex::default(),
            room: Room::new(ANSWERS_BYTES),
        }))
    }

    /// The time at which signatures are judged.
    pub(in super::super) fn now(&self) -> UnixTime {
        self.0.now
    }

    /// Asks, or waits for whoever does so already.
    pub(in super::super) async fn fetch(&self, name: &Owner, rtype: Rtype) -> Fetched {
        let cell = {
            let mut asked = self.asked();
            let full = asked.len() >= VALIDATION_QUERIES;
            match asked.get(&(name.clone(), rtype)) {
                Some(cell) => cell.clone(),
                None if full => return Err(no_more()),
                None => asked.entry((name.clone(), rtype)).or_default().clone(),
            }
        };
        cell.get_or_init(|| self.ask(name, rtype)).await.clone()
    }

    /// What came back, where it was asked; waits for what is under way.
    pub(super) async fn fetched(&self, name: &Owner, rtype: Rtype) -> Option<Fetched> {
        let cell = self.asked().get(&(name.clone(), rtype)).cloned()?;
        Some(cell.get_or_init(|| self.ask(name, rtype)).await.clone())
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Questions> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks whatever the resolver itself thinks of the data.
    pub(super) async fn ask(&self, name: &Owner, rtype: Rtype) -> Fetched {
        use domain::base::ToName as _;
        let question = Question {
            name: &name.to_vec(),
            rtype,
            mode: Mode::CheckingDisabled,
        };
        let shared = &self.0;
        let answer = shared
            .resolver
            .ask(question, shared.query, shared.deadline)
            .await?;
        let answer = Bytes::from(answer);
        if !shared.room.take(answer.len()) || has_too_many_records(&answer) {
            return Err(no_more());
        }
        Ok(answer)
    }
}

impl SendRequest<RequestMessage<Vec<u8>>> for Upstream {
    fn send_request(&self, request: RequestMessage<Vec<u8>>) -> Box<dyn GetResponse + Send + Sync> {
        let upstream = self.clone();
        Box::new(Pending(tokio::spawn(async move {
            let request = request.to_message()?;
            let question = request.sole_question().map_err(|_| Error::FormError)?;
            use domain::base::ToName as _;
            let name = question.qname().to_name();
            let fetched = upstream.fetch(&name, question.qtype()).await;
            let bytes = fetched.map_err(|_| Error::NoTransportAvailable)?;
            Ok(Message::from_octets(bytes)?)
        })))
    }
}

/// Whether to put its records in order would take too long.
fn has_too_many_records(answer: &Bytes) -> bool {
    Message::from_octets(answer).is_ok_and(|message| {
        let counts = message.header_counts();
        let most = counts.ancount().max(counts.nscount());
        usize::from(most) > VALIDATED_RECORDS
    })
}

/// A budget is used up.
fn no_more() -> LookupFailure {
    LookupFailure {
        kind: FailureKind::Timeout,
        extended_error: None,
    }
}

/// An answer under way; a task of its own, because the trait wants a future
/// that threads can share.
#[derive(Debug)]
struct Pending(JoinHandle<Result<Message<Bytes>, Error>>);

impl GetResponse for Pending {
    fn get_response(
        &mut self,
    ) -> Pin<Box<dyn Future<Output = Result<Message<Bytes>, Error>> + Send + Sync + '_>> {
        Box::pin(async {
            let joined = (&mut self.0).await;
            joined.unwrap_or(Err(Error::ConnectionClosed))
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.abort();
    }
}
