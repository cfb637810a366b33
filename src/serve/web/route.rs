//! Which answer a request for a page gets.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, timeout};

use super::events::{self, Follower};
use super::headers::{Policy, guarded};
use super::look::Look;
use super::looks::Looks;
use super::pages::{self, AGAIN, AllChanges, HISTORY, Home, ICON, Refusal, SCRIPT, STYLE};
use super::path::{self, CHECK, Wanted};
use super::reader::{Reader, language, parameter};
use crate::config::Terms;
use crate::serve::answered::{Answered, COME_AGAIN, PLAIN, busy, plain, text};
use crate::serve::checks::{Crowded, ForPage};
use crate::serve::door::{Comes, comes};
use crate::serve::service::Service;
use crate::serve::under_way::UnderWay;
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::html::BASE_STYLE;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Changes on the first page, and on their own.
const LAST_CHANGES: usize = 5;
const MOST_CHANGES: usize = 500;

/// Whether a path is one of a page.
pub(in crate::serve) fn is_page(path: &str) -> bool {
    matches!(path, "/" | CHECK | HISTORY | STYLE | SCRIPT | ICON)
        || path
            .strip_prefix(CHECK)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// The answer to a request for a page, whose Host and Origin are ours.
pub(in crate::serve) async fn answer(
    service: &Service,
    looks: &Looks,
    request: Request<Incoming>,
) -> Answered {
    let visit = Visit {
        service,
        looks,
        reader: Reader::of(&request),
        comes: comes(&request),
    };
    let path = request.uri().path().to_owned();
    let is_form = *request.method() == Method::POST && path == CHECK;
    if !is_form && !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD");
        let allowed = HeaderValue::from_static("GET, HEAD");
        answer.headers_mut().insert(ALLOW, allowed);
        return guarded(answer, Policy::Nothing);
    }
    match path.as_str() {
        "/" => visit.home(),
        CHECK if is_form => visit.form(request).await,
        CHECK => visit.asked(request.uri().query().unwrap_or_default()),
        HISTORY => visit.history(),
        STYLE => file(
            "text/css; charset=utf-8",
            [BASE_STYLE, include_str!("style.css")].concat(),
        ),
        SCRIPT => file("text/javascript; charset=utf-8", include_str!("script.js")),
        ICON => file("image/svg+xml", include_str!("icon.svg")),
        _ => match path::read(&path) {
            Some((given, wanted)) => visit.check(&request, &given, wanted).await,
            None => visit.to("/", StatusCode::SEE_OTHER),
        },
    }
}

fn file(kind: &'static str, content: impl Into<Bytes>) -> Answered {
    guarded(text(StatusCode::OK, kind, content), Policy::Nothing)
}

/// One request.
struct Visit<'a> {
    service: &'a Service,
    looks: &'a Looks,
    reader: Reader,
    comes: Comes,
}

impl Visit<'_> {
    fn home(&self) -> Answered {
        let domains = self.looks.overview();
        let changes = self.changes(LAST_CHANGES);
        self.page(
            StatusCode::OK,
            pages::home(
                self.reader,
                &Home {
                    domains: &domains,
                    changes: &changes,
                    now: self.service.checks.now(),
                    is_behind: self.looks.history.is_behind(),
                },
            ),
        )
    }

    fn history(&self) -> Answered {
        let changes = self.changes(MOST_CHANGES);
        self.page(
            StatusCode::OK,
            pages::history(
                self.reader,
                &AllChanges {
                    is_cut: changes.len() == MOST_CHANGES,
                    changes: &changes,
                    is_behind: self.looks.history.is_behind(),
                    is_kept: self.looks.history.is_kept(),
                },
            ),
        )
    }

    /// The newest changes of targets on the list; the file may have others, from
    /// an earlier list.
    fn changes(&self, most: usize) -> Vec<super::history::Change> {
        let is_listed = |target: &str| {
            let target: Option<NextHop> = target.parse().ok();
            target.is_some_and(|target| self.service.targets.terms(&target).is_some())
        };
        self.looks.history.newest(most, is_listed)
    }

    /// `/check?target=` without more leads to the page of the target.
    fn asked(&self, query: &str) -> Answered {
        match parameter(query.as_bytes(), "target") {
            Some(given) => match self.target(&given) {
                Ok((target, _)) => self.to(&path::of(&target, Wanted::Page), StatusCode::SEE_OTHER),
                Err(refusal) => *refusal,
            },
            None => self.to("/", StatusCode::SEE_OTHER),
        }
    }

    /// The form was sent: a look begins, unless there is a fresh one.
    async fn form(mut self, request: Request<Incoming>) -> Answered {
        if self.comes != Comes::Here {
            return self.refused(StatusCode::FORBIDDEN, Refusal::Foreign, "", None);
        }
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(FORM) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return self.refused(status, Refusal::BadForm, "", None);
        }
        let limits = &self.service.limits;
        let body = Limited::new(request.into_body(), limits.web.form_size).collect();
        let body = match timeout(limits.head_time, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            late_or_large => {
                let status = match late_or_large {
                    Err(_) => StatusCode::REQUEST_TIMEOUT,
                    Ok(_) => StatusCode::PAYLOAD_TOO_LARGE,
                };
                return self.refused(status, Refusal::BadForm, "", None);
            }
        };
        if let Some(language) = parameter(&body, "lang").and_then(|code| language(&code)) {
            self.reader = Reader {
                language,
                chose: true,
            };
        }
        let given = parameter(&body, "target").unwrap_or_default();
        let (target, terms) = match self.target(&given) {
            Ok(wanted) => wanted,
            Err(refusal) => return *refusal,
        };
        match self.begin(&target, terms, limits.web.fresh_for) {
            Ok(_) => self.to(&path::of(&target, Wanted::Page), StatusCode::SEE_OTHER),
            Err(Crowded) => self.crowded(&target),
        }
    }

    /// A look at a target, its events or its report.
    async fn check(&self, request: &Request<Incoming>, given: &str, wanted: Wanted) -> Answered {
        let (target, terms) = match self.target(given) {
            Ok(wanted) => wanted,
            Err(refusal) => return *refusal,
        };
        if target.to_string() != given {
            return self.to(&path::of(&target, wanted), StatusCode::PERMANENT_REDIRECT);
        }
        // What a link of somebody else leads to shows nothing of a look and
        // begins none.
        if self.comes == Comes::Elsewhere {
            return match wanted {
                Wanted::Page => self.confirmation(&target),
                Wanted::Events | Wanted::Json => {
                    self.refused(StatusCode::FORBIDDEN, Refusal::Foreign, "", None)
                }
            };
        }
        let may_begin = self.comes == Comes::Here && *request.method() == Method::GET;
        let kept_for = self.looks.limits.kept_for;
        match wanted {
            Wanted::Events => match self.service.checks.there_is(&target, kept_for) {
                Some(ForPage::UnderWay(under_way)) => self.follow(under_way),
                Some(ForPage::Ended(_)) | None => stream(events::ended()),
            },
            Wanted::Page => {
                let again = parameter(request.uri().query().unwrap_or_default().as_bytes(), AGAIN);
                if again.is_some() {
                    return self.again(&target, terms, may_begin);
                }
                match self.there_is(&target, terms, may_begin, kept_for) {
                    Ok(Some(ForPage::UnderWay(under_way))) => {
                        let seen = under_way.steps.seen();
                        let page = pages::under_way(self.reader, &target, &seen);
                        self.page(StatusCode::OK, page)
                    }
                    Ok(Some(ForPage::Ended(look))) => self.ended(&target, &look),
                    Ok(None) => self.confirmation(&target),
                    Err(Crowded) => self.crowded(&target),
                }
            }
            Wanted::Json => {
                let found = self.there_is(&target, terms, may_begin, kept_for);
                self.json(&target, found).await
            }
        }
    }

    /// A look that is not kept any more is made, if the request may begin one.
    fn there_is(
        &self,
        target: &NextHop,
        terms: &Terms,
        may_begin: bool,
        not_before: Duration,
    ) -> Result<Option<ForPage>, Crowded> {
        match may_begin {
            true => self.begin(target, terms, not_before).map(Some),
            false => Ok(self.service.checks.there_is(target, not_before)),
        }
    }

    fn begin(
        &self,
        target: &NextHop,
        terms: &Terms,
        not_before: Duration,
    ) -> Result<ForPage, Crowded> {
        self.service.checks.look(target, terms, not_before)
    }

    /// A new look is made, unless the last one is fresh; then its page is shown,
    /// at an address that asks for nothing again.
    fn again(&self, target: &NextHop, terms: &Terms, may_begin: bool) -> Answered {
        let fresh_for = self.looks.limits.fresh_for;
        match self.there_is(target, terms, may_begin, fresh_for) {
            Ok(None) => self.confirmation(target),
            Ok(Some(_)) => self.to(&path::of(target, Wanted::Page), StatusCode::SEE_OTHER),
            Err(Crowded) => self.crowded(target),
        }
    }

    fn ended(&self, target: &NextHop, look: &Look) -> Answered {
        match look {
            Look::Seen(seen) => {
                let page = seen.page(self.reader.language);
                guarded(text(StatusCode::OK, HTML, page), Policy::Report)
            }
            Look::Failed => self.refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                Refusal::Failed,
                &target.to_string(),
                None,
            ),
        }
    }

    async fn json(&self, target: &NextHop, found: Result<Option<ForPage>, Crowded>) -> Answered {
        let look = match found {
            Ok(Some(ForPage::Ended(look))) => Some(look),
            Ok(Some(ForPage::UnderWay(under_way))) => {
                let patience = self.service.checks.patience(None);
                if timeout(patience, under_way.ended()).await.is_err() {
                    let late = plain(StatusCode::GATEWAY_TIMEOUT, "the check did not end in time");
                    return guarded(late, Policy::Nothing);
                }
                self.looks.get(target, Duration::MAX)
            }
            Ok(None) => {
                let why = "ask for it on the page first: this browser does not say where the \
                           request comes from";
                return guarded(plain(StatusCode::FORBIDDEN, why), Policy::Nothing);
            }
            Err(Crowded) => return guarded(busy("checks that wait"), Policy::Nothing),
        };
        let answer = match look.as_deref() {
            Some(Look::Seen(seen)) => text(StatusCode::OK, JSON, seen.json.clone()),
            // Many others have ended in between.
            None => busy("checks"),
            Some(Look::Failed) => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the check failed because of a fault in danecheck",
            ),
        };
        guarded(answer, Policy::Nothing)
    }

    /// The events of a look under way.
    fn follow(&self, under_way: UnderWay) -> Answered {
        let Ok(place) = self.service.streams.clone().try_acquire_owned() else {
            return guarded(busy("visitors who follow checks"), Policy::Nothing);
        };
        let follower = Follower {
            language: self.reader.language,
            until: Instant::now() + self.looks.limits.stream_time,
            _place: place,
            _counted: self.service.metrics.stream(),
        };
        stream(events::follow(under_way, follower))
    }

    /// The target that was given, and how it is judged, or the answer if there
    /// is none.
    fn target(&self, given: &str) -> Result<(NextHop, &Terms), Box<Answered>> {
        let target = (self.looks.reads)(given).map_err(|error| {
            let status = StatusCode::BAD_REQUEST;
            Box::new(self.refused(status, Refusal::Invalid, given, Some(&error.to_string())))
        })?;
        match self.service.targets.terms(&target) {
            Some(terms) => Ok((target, terms)),
            None => {
                let status = StatusCode::FORBIDDEN;
                Err(Box::new(self.refused(
                    status,
                    Refusal::NotAllowed,
                    given,
                    None,
                )))
            }
        }
    }

    fn confirmation(&self, target: &NextHop) -> Answered {
        self.page(StatusCode::OK, pages::confirmation(self.reader, target))
    }

    fn crowded(&self, target: &NextHop) -> Answered {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut answer = self.refused(status, Refusal::Busy, &target.to_string(), None);
        let later = HeaderValue::from_static(COME_AGAIN);
        answer.headers_mut().insert(RETRY_AFTER, later);
        answer
    }

    fn refused(
        &self,
        status: StatusCode,
        why: Refusal,
        given: &str,
        detail: Option<&str>,
    ) -> Answered {
        self.page(status, pages::refusal(self.reader, why, given, detail))
    }

    fn page(&self, status: StatusCode, page: String) -> Answered {
        guarded(text(status, HTML, page), Policy::Own)
    }

    /// Another page, in the same language.
    fn to(&self, path: &str, status: StatusCode) -> Answered {
        let mut answer = text(status, PLAIN, Bytes::new());
        // A path has no character that a header may not have.
        if let Ok(location) = HeaderValue::from_str(&self.reader.link(path)) {
            answer.headers_mut().insert(LOCATION, location);
        }
        guarded(answer, Policy::Nothing)
    }
}

/// The answer that follows a look. Its connection ends with it.
fn stream(events: super::Events) -> Answered {
    let mut answer = Response::new(Either::Right(events));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    // nginx would hold the events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    guarded(answer, Policy::Nothing)
}
