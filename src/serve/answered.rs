//! Answers, as requests get them.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use super::web::Events;
use danecheck_core::report::{printable, shown};

/// Text for people and programs alike.
pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

/// When a client may try again that was refused because all slots were busy, in
/// seconds.
pub(super) const COME_AGAIN: &str = "5";

/// A whole answer, or one that follows a look.
pub(super) type Answered = Response<Either<Full<Bytes>, Events>>;

/// All slots are busy: `of` says which.
pub(super) fn busy(of: &str) -> Answered {
    let why = format!("too many {of}: try again in {COME_AGAIN} seconds");
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, &why);
    let later = HeaderValue::from_static(COME_AGAIN);
    response.headers_mut().insert(RETRY_AFTER, later);
    response
}

/// One sentence.
pub(super) fn plain(status: StatusCode, sentence: &str) -> Answered {
    text(status, PLAIN, format!("{}\n", shown(&printable(sentence))))
}

/// A whole answer of this kind.
pub(super) fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answered {
    let mut response = Response::new(Either::Left(Full::new(body.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    response
}
