//! A validator's result for an answer: the validator of the `domain` crate,
//! which asks the tree.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use domain::base::Message;
use domain::base::iana::Rcode;
use domain::dnssec::validator::anchor::TrustAnchors;
use domain::dnssec::validator::context::{Config, ValidationContext, ValidationState};
use domain::net::client::request::{
    ComposeRequest, Error, GetResponse, RequestMessage, SendRequest,
};

use super::answer::{Answer, Reason};
use super::diagnosis::diagnose;
use super::packet::{Query, Response, Speaker};
use super::tree::Tree;
use danecheck_core::dnssec::SecurityStatus;
use danecheck_core::unix_time::UnixTime;

/// The status of an answer, and why if it is bogus.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) status: SecurityStatus,
    pub(super) reason: Option<Reason>,
}

/// A validator with the world's root key as its trust anchor.
pub(super) struct Validator {
    tree: Arc<Tree>,
    context: Option<ValidationContext<InMemory>>,
    now: UnixTime,
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validator").finish_non_exhaustive()
    }
}

impl Validator {
    /// `anchor` is zone file text; without an anchor nothing can be judged.
    pub(super) fn new(tree: Arc<Tree>, anchor: &str, now: UnixTime) -> Self {
        let mut config = Config::new();
        // What unbound does (`val-nsec3-keysize-iterations`).
        config.set_nsec3_iter_insecure(150);
        let anchors = TrustAnchors::from_u8(anchor.as_bytes()).ok();
        let context = anchors.filter(|_| !anchor.is_empty()).map(|anchors| {
            ValidationContext::with_config(anchors, InMemory(Arc::clone(&tree)), config)
        });
        Self { tree, context, now }
    }

    /// The answer without data that the `domain` crate cannot parse, and so
    /// treats as bogus, although other validators check only signatures.
    fn parsable(&self, answer: &Answer) -> Answer {
        let mut answer = answer.clone();
        for set in &mut answer.answer {
            let zone = self.tree.zone(&set.zone);
            if let Some(parsable) = zone.and_then(|zone| zone.parsable(set)) {
                *set = parsable;
            }
        }
        answer
    }

    /// Judges the answer to `query`.
    pub(super) async fn judge(&self, query: &Query<'_>, answer: &Answer) -> Verdict {
        let verdict = |status| Verdict {
            status,
            reason: None,
        };
        // Other response codes have nothing to validate.
        if !matches!(answer.rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
            return verdict(SecurityStatus::Indeterminate);
        }
        let Some(context) = &self.context else {
            return verdict(SecurityStatus::Indeterminate);
        };
        let bogus = || Verdict {
            status: SecurityStatus::Bogus,
            reason: Some(diagnose(&self.tree, answer, self.now)),
        };
        let packet = complete(&self.parsable(answer)).write(query, usize::from(u16::MAX));
        let Ok(mut message) = Message::from_octets(packet) else {
            return bogus();
        };
        match context.validate_msg::<_, Vec<u8>>(&mut message).await {
            Ok((ValidationState::Secure, _)) => verdict(SecurityStatus::Secure),
            Ok((ValidationState::Insecure, _)) => verdict(SecurityStatus::Insecure),
            Ok((ValidationState::Indeterminate, _)) => verdict(SecurityStatus::Indeterminate),
            Ok((ValidationState::Bogus, _)) | Err(_) => bogus(),
        }
    }
}

/// Everything that there is, as with DO=1 and CD=1.
fn complete(answer: &Answer) -> Response {
    Response {
        answer: answer.clone(),
        speaker: Speaker::Resolver,
        authentic_data: false,
        truncated: false,
        dnssec: true,
    }
}

/// The validator's way to the DNSKEY and DS RRsets: no network, the tree.
struct InMemory(Arc<Tree>);

impl SendRequest<RequestMessage<Vec<u8>>> for InMemory {
    fn send_request(&self, request: RequestMessage<Vec<u8>>) -> Box<dyn GetResponse + Send + Sync> {
        let response = request.to_vec().and_then(|packet| {
            let message = Message::from_slice(&packet)?;
            let query = Query::of(message).ok_or(Error::FormError)?;
            let answer = self.0.answer(&query.name, query.rtype);
            let packet = complete(&answer).write(&query, usize::from(u16::MAX));
            Ok(Message::from_octets(Bytes::from(packet))?)
        });
        Box::new(Ready(response))
    }
}

/// A response that already exists.
#[derive(Debug)]
struct Ready(Result<Message<Bytes>, Error>);

impl GetResponse for Ready {
    fn get_response(
        &mut self,
    ) -> Pin<Box<dyn Future<Output = Result<Message<Bytes>, Error>> + Send + Sync + '_>> {
        Box::pin(ready(self.0.clone()))
    }
}
