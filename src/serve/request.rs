//! One request and its answer.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::answered::{Answered, PLAIN, busy, plain, text};
use super::checks::Probed;
use super::door::{Comes, comes, is_followed_link};
use super::host::{Unwelcome, welcome};
use super::metrics::{Answer, PagesSeen};
use super::service::Service;
use super::web;
use crate::config::Terms;
use danecheck_core::next_hop::NextHop;

/// The version 0.0.4 of the text exposition format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long Prometheus will wait.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

const INDEX: &str = "danecheck, an exporter for Prometheus\n\n/probe?target=example.com  checks a \
                     target\n/metrics                   describes the exporter itself\n/-/healthy  \
                                    says whether it runs\n";

/// The answer to a request; only pages read its body. `reached` is the address
/// at which the connection came in.
pub(super) async fn answer(
    service: &Service,
    reached: SocketAddr,
    request: Request<Incoming>,
) -> Answered {
    if let Err(why) = welcome(&request, reached, &service.hosts) {
        service.metrics.request_refused();
        return refusal(why);
    }
    if let Some(looks) = &service.looks
        && web::is_page(request.uri().path())
    {
        return web::answer(service, looks, request).await;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD");
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    match request.uri().path() {
        "/" => text(StatusCode::OK, PLAIN, INDEX),
        "/-/healthy" => plain(StatusCode::OK, "healthy"),
        "/metrics" => {
            let pages = service.looks.as_ref().map(|looks| PagesSeen {
                kept: looks.count(),
                unwritten: looks.history.failures(),
            });
            let metrics = service.metrics.text(service.targets.count(), pages);
            text(StatusCode::OK, METRICS, metrics)
        }
        // A page of another site must not make the exporter check.
        "/probe" if comes(&request) == Comes::Elsewhere && !is_followed_link(&request) => {
            service.metrics.request_refused();
            plain(
                StatusCode::FORBIDDEN,
                "a page of another site may not begin a check: open the address yourself",
            )
        }
        "/probe" => probe(service, &request).await,
        _ => plain(
            StatusCode::NOT_FOUND,
            "unknown path: use /probe?target=example.com, /metrics or /-/healthy",
        ),
    }
}

fn refusal(why: Unwelcome) -> Answered {
    match why {
        Unwelcome::NoHost => plain(
            StatusCode::BAD_REQUEST,
            "send exactly one host in the header Host (RFC 9112 section 3.2)",
        ),
        Unwelcome::OtherHost => plain(
            StatusCode::FORBIDDEN,
            "this exporter does not have that name: use its address, or allow the name with \
             --host",
        ),
        Unwelcome::OtherOrigin => plain(
            StatusCode::FORBIDDEN,
            "a page of another origin may not use this exporter",
        ),
    }
}

async fn probe<B>(service: &Service, request: &Request<B>) -> Answered {
    let (answer, response) = match wanted(service, request) {
        Err(refusal) => *refusal,
        Ok((target, terms)) => {
            let within = scrape_timeout(request);
            match service.checks.probe(target, terms, within).await {
                Probed::Seen(metrics) => (Answer::Seen, text(StatusCode::OK, METRICS, metrics)),
                Probed::Busy => (Answer::Busy, busy("checks at once")),
                Probed::Late => (
                    Answer::Late,
                    plain(StatusCode::GATEWAY_TIMEOUT, "the check did not end in time"),
                ),
                Probed::Failed => (
                    Answer::Failed,
                    plain(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "the check failed because of a fault in danecheck",
                    ),
                ),
            }
        }
    };
    service.metrics.probe(answer);
    response
}

/// The target of a request and how it is judged, or the answer if there is
/// none.
fn wanted<'e, B>(
    service: &'e Service,
    request: &Request<B>,
) -> Result<(NextHop, &'e Terms), Box<(Answer, Answered)>> {
    let invalid = |why: &str| Box::new((Answer::Invalid, plain(StatusCode::BAD_REQUEST, why)));
    let query = request.uri().query().unwrap_or_default();
    let given = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "target")
        .map(|(_, value)| value.into_owned())
        .ok_or_else(|| invalid("name a target: /probe?target=example.com"))?;
    let target: NextHop = given
        .parse()
        .map_err(|error: danecheck_core::next_hop::NextHopError| invalid(&error.to_string()))?;
    match service.targets.terms(&target) {
        Some(terms) => Ok((target, terms)),
        None => {
            let why = format!("{target} is not on the list of targets");
            let response = plain(StatusCode::FORBIDDEN, &why);
            Err(Box::new((Answer::NotAllowed, response)))
        }
    }
}

fn scrape_timeout<B>(request: &Request<B>) -> Option<Duration> {
    let given = request.headers().get(SCRAPE_TIMEOUT)?.to_str().ok()?;
    let seconds: f64 = given.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
}
