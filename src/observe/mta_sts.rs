//! MTA-STS and TLS reporting: the TXT records, and the policy over HTTPS.
//!
//! All of it runs beside the rest of a check. Once the rest is done, danecheck
//! waits only a little longer for it: an HTTPS server that hangs says nothing
//! about mail.

use std::io;
use std::net::IpAddr;

use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::budget::{Cuts, Deadline, POLICY_ADDRESSES, POLICY_BYTES, SESSION_BYTES};
use super::lookup::{Dns, LookupResult};
use super::meter::{Metered, is_flood};
use super::query::Raw;
use super::settle::settle;
use super::setup::{Setup, Visits};
use super::steps::{self, StepKind};
use super::tls::{self, Offer};
use super::wire::Datum;
use danecheck_core::mta_sts::{
    HTTPS_PORT, POLICY_PATH, policy_host, promises_policy, record_name, report_name,
};
use danecheck_core::observation::{
    Answer, Cut, FailureKind, Lookup, LookupFailure, MtaStsSeen, PolicyEnd, PolicyFetch,
    PolicyResponse, PolicyVisit, RecordType, ResolverValidation, SessionEnd, TlsSeen, Unfinished,
};
use danecheck_core::reserved::reserved_block;

/// How long danecheck waits for this: as long as the rest of the check lasts,
/// and a little longer.
pub(super) struct TimeLimit {
    end: watch::Sender<Option<Instant>>,
}

impl TimeLimit {
    pub(super) fn new() -> Self {
        Self {
            end: watch::Sender::new(None),
        }
    }

    /// The rest is done.
    pub(super) fn ends_at(&self, deadline: Deadline) {
        self.end.send_replace(Some(deadline.instant()));
    }

    /// Runs one step; `None` if the time ended first.
    async fn within<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut end = self.end.subscribe();
        let over = async {
            let end = match end.wait_for(Option::is_some).await {
                Ok(end) => *end,
                Err(_) => None,
            };
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = over => None,
        }
    }
}

/// What was looked up and fetched, before answers have a status.
pub(super) struct RawMtaSts {
    record: Option<LookupResult>,
    report: Option<LookupResult>,
    fetch: Option<RawFetch>,
}

struct RawFetch {
    a: Option<LookupResult>,
    aaaa: Option<LookupResult>,
    visits: Vec<PolicyVisit>,
}

/// The MTA-STS part of one check.
pub(super) struct MtaStsCheck<'a> {
    pub(super) setup: &'a Setup,
    pub(super) domain: &'a str,
    pub(super) dns: &'a Dns<'a>,
    pub(super) deadline: Deadline,
    pub(super) cuts: &'a Cuts,
    pub(super) time_limit: &'a TimeLimit,
}

impl MtaStsCheck<'_> {
    /// Looks up the record, which says whether the domain announces a policy.
    /// The lookup runs beside that of the MX records, and ends as soon.
    pub(super) async fn promised(&self) -> bool {
        let record = self.ask(&record_name(self.domain), RecordType::Txt).await;
        record.is_some_and(|record| promises_policy(&texts(&record)))
    }

    /// Runs the whole part.
    pub(super) async fn run(&self) -> RawMtaSts {
        let fetch = async {
            match self.promised().await {
                true => Some(Box::pin(self.fetch()).await),
                false => None,
            }
        };
        let (report_name, record_name) = (report_name(self.domain), record_name(self.domain));
        let (report, fetch) = tokio::join!(self.ask(&report_name, RecordType::Txt), fetch);
        RawMtaSts {
            record: self.ask(&record_name, RecordType::Txt).await,
            report,
            fetch,
        }
    }

    async fn ask(&self, name: &str, record_type: RecordType) -> Option<LookupResult> {
        let work = self.dns.look_up_aside(name, record_type);
        self.time_limit.within(work).await
    }

    async fn fetch(&self) -> RawFetch {
        let host = policy_host(self.domain);
        let (a, aaaa) = tokio::join!(
            self.ask(&host, RecordType::A),
            self.ask(&host, RecordType::Aaaa)
        );
        let mut addresses: Vec<IpAddr> = Vec::new();
        for looked in [&a, &aaaa].into_iter().flatten() {
            if let Raw::Records { data, .. } = &*looked.raw {
                let of_family = data.iter().filter_map(|datum| match datum {
                    Datum::Address(address) => Some(*address),
                    _ => None,
                });
                addresses.extend(of_family.take(POLICY_ADDRESSES));
            }
        }
        let policy_host = PolicyHost {
            setup: self.setup,
            host: &host,
            deadline: self.deadline,
            time_limit: self.time_limit,
        };
        let visits = addresses
            .into_iter()
            .map(|address| policy_host.visit(address));
        let visits: Vec<PolicyVisit> = join_all(visits).await;
        if self.setup.visits == Visits::Now && visits.iter().any(PolicyVisit::is_late) {
            self.cuts.note(Cut::Policy { host: host.clone() });
        }
        RawFetch { a, aaaa, visits }
    }
}

/// The host of a policy, to be asked for it.
pub(super) struct PolicyHost<'a> {
    pub(super) setup: &'a Setup,
    pub(super) host: &'a str,
    pub(super) deadline: Deadline,
    pub(super) time_limit: &'a TimeLimit,
}

impl PolicyHost<'_> {
    /// Fetches the policy from one address.
    pub(super) async fn visit(&self, address: IpAddr) -> PolicyVisit {
        let left_alone = reserved_block(address).filter(|_| !self.setup.allow_private);
        if let Some(block) = left_alone {
            return PolicyVisit {
                address,
                tls: None,
                end: PolicyEnd::Reserved(block.to_string()),
            };
        }
        if self.setup.visits == Visits::Later {
            return PolicyVisit {
                address,
                tls: None,
                end: PolicyEnd::NotInTime,
            };
        }
        let _step = steps::begin(self.setup.steps.as_ref(), StepKind::Https, || {
            format!("https://{}/ [{address}]", self.host)
        });
        let mut tls = None;
        let mut arrived = Arrived::default();
        let policy = self.setup.times.policy;
        let conversation = self.converse(address, &mut tls, &mut arrived);
        let work = self.deadline.run(policy, conversation);
        let end = self.time_limit.within(work).await.flatten();
        let end = end.unwrap_or_else(|| {
            let response = arrived.response(Some(Unfinished::NotInTime));
            response.map_or(PolicyEnd::NotInTime, PolicyEnd::Answered)
        });
        PolicyVisit { address, tls, end }
    }

    /// Asks for the policy, whatever certificate the host shows: the request
    /// contains no secret, and the judgement decides whether the certificate is
    /// valid.
    async fn converse(
        &self,
        address: IpAddr,
        seen: &mut Option<TlsSeen>,
        arrived: &mut Arrived,
    ) -> PolicyEnd {
        let times = self.setup.times;
        let dial = &self.setup.dial;
        let connect = dial.reach(address, HTTPS_PORT, times.connect, self.deadline);
        let stream: TcpStream = match connect.await {
            Ok(stream) => stream,
            Err(SessionEnd::NotConnected(failure)) => return PolicyEnd::NotConnected(failure),
            Err(_) => return PolicyEnd::NoResponse(tls::LOST.to_owned()),
        };
        let offer = Offer {
            newer: None,
            // RFC 8461 section 6.1: "MUST contain the name of the policy host".
            sni: Some(self.host),
            peer: address,
            limited: None,
        };
        let stream = Metered::new(stream, SESSION_BYTES);
        let handshake = tls::shake_hands(stream, &offer, times.handshake).await;
        *seen = handshake.seen;
        let stream = match handshake.stream {
            Ok(stream) => stream,
            Err(failure) if failure.timed_out => return PolicyEnd::NotInTime,
            Err(failure) => return PolicyEnd::HandshakeFailed(failure),
        };
        let unfinished = match get(TokioIo::new(stream), self.host, arrived).await {
            Ok(()) => None,
            Err(error) => Some(Unfinished::Lost(reason(&error))),
        };
        match (arrived.response(unfinished.clone()), unfinished) {
            (Some(response), _) => PolicyEnd::Answered(response),
            (None, Some(Unfinished::Lost(why))) => PolicyEnd::NoResponse(why),
            (None, _) => PolicyEnd::NoResponse(tls::LOST.to_owned()),
        }
    }
}

/// A response as far as it came.
#[derive(Default)]
struct Arrived {
    head: Option<Head>,
    bytes: Vec<u8>,
    cut: bool,
}

struct Head {
    status: u16,
    location: Option<String>,
    content_type: Option<String>,
}

impl Arrived {
    /// The response, where its header came.
    fn response(&mut self, unfinished: Option<Unfinished>) -> Option<PolicyResponse> {
        let head = self.head.take()?;
        let utf8 = match std::str::from_utf8(&self.bytes) {
            Ok(_) => true,
            // What is cut off may be the rest of a character.
            Err(error) => self.cut && error.error_len().is_none(),
        };
        Some(PolicyResponse {
            status: head.status,
            location: head.location,
            content_type: head.content_type,
            body: String::from_utf8_lossy(&self.bytes).into_owned(),
            cut: self.cut,
            utf8: Some(utf8),
            unfinished,
        })
    }
}

/// Asks for the policy. Once the response is whole, it counts, however the
/// connection ends: without close_notify, with bytes too many, or with another
/// response behind it.
async fn get<S>(stream: S, host: &str, arrived: &mut Arrived) -> hyper::Result<()>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(POLICY_BYTES);
    let (mut sender, connection) = builder.handshake::<_, Empty<Bytes>>(stream).await?;
    let request = Request::get(POLICY_PATH)
        .header(HOST, host)
        .header(USER_AGENT, concat!("danecheck/", env!("CARGO_PKG_VERSION")))
        .body(Empty::new())
        // A checked path and host name always make a valid request.
        .unwrap_or_default();
    let exchange = async {
        let response = sender.send_request(request).await?;
        read(response, arrived).await
    };
    tokio::pin!(exchange);
    let mut connection = Box::pin(connection);
    let ended = tokio::select! {
        biased;
        done = &mut exchange => return done,
        ended = &mut connection => ended,
    };
    // What it had handed over before it ended is still to be read; and nothing
    // comes any more.
    drop(connection);
    let done = exchange.await;
    match (done, ended) {
        (Err(_), Err(ended)) => Err(ended),
        (done, _) => done,
    }
}

async fn read(response: Response<Incoming>, arrived: &mut Arrived) -> hyper::Result<()> {
    let field = |name| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let (location, content_type) = (field(LOCATION), field(CONTENT_TYPE));
    let status = response.status().as_u16();
    arrived.head = Some(Head {
        status,
        location,
        content_type,
    });
    let mut body = response.into_body();
    // The body is not read if the status is another one.
    while status == 200
        && !arrived.cut
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            let bytes = &mut arrived.bytes;
            bytes.extend_from_slice(&data);
            arrived.cut = bytes.len() > POLICY_BYTES;
            bytes.truncate(POLICY_BYTES);
        }
    }
    Ok(())
}

/// What ended the exchange, in words for people.
fn reason(error: &hyper::Error) -> String {
    use std::error::Error as _;
    let Some(source) = error.source() else {
        return error.to_string();
    };
    let Some(broken) = source.downcast_ref::<io::Error>() else {
        return format!("{error}: {source}");
    };
    let of_tls = broken
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match of_tls {
        _ if is_flood(broken) => broken.to_string(),
        Some(fault) => format!("the TLS session broke off ({fault})"),
        None => tls::LOST.to_owned(),
    }
}

fn texts(looked: &LookupResult) -> Vec<Vec<String>> {
    match &*looked.raw {
        Raw::Records { data, .. } => data.iter().filter_map(text).collect(),
        Raw::Denied { .. } | Raw::Failed(_) => Vec::new(),
    }
}

fn text(datum: &Datum) -> Option<Vec<String>> {
    match datum {
        Datum::Text(strings) => Some(strings.clone()),
        _ => None,
    }
}

impl RawMtaSts {
    /// The same with a status at each answer.
    pub(super) async fn settle(
        self,
        check: &MtaStsCheck<'_>,
        validation: ResolverValidation,
    ) -> MtaStsSeen {
        let finish = Finish { check, validation };
        let domain = check.domain;
        let (record, report) = tokio::join!(
            finish.lookup(record_name(domain), RecordType::Txt, self.record, text),
            finish.lookup(report_name(domain), RecordType::Txt, self.report, text),
        );
        let fetch = match self.fetch {
            None => None,
            Some(fetch) => {
                let host = policy_host(domain);
                let (a, aaaa) = tokio::join!(
                    finish.lookup(host.clone(), RecordType::A, fetch.a, address),
                    finish.lookup(host.clone(), RecordType::Aaaa, fetch.aaaa, address),
                );
                Some(PolicyFetch {
                    host,
                    a,
                    aaaa,
                    visits: fetch.visits,
                })
            }
        };
        MtaStsSeen {
            record,
            report,
            fetch,
        }
    }
}

fn address(datum: &Datum) -> Option<IpAddr> {
    match datum {
        Datum::Address(address) => Some(*address),
        _ => None,
    }
}

struct Finish<'a> {
    check: &'a MtaStsCheck<'a>,
    validation: ResolverValidation,
}

impl Finish<'_> {
    /// A lookup that did not end in time counts as one without an answer in
    /// time.
    async fn lookup<T>(
        &self,
        name: String,
        record_type: RecordType,
        looked: Option<LookupResult>,
        take: impl Fn(&Datum) -> Option<T>,
    ) -> Lookup<T> {
        let settled = match &looked {
            None => None,
            Some(looked) => {
                let work = settle(&name, record_type, looked, self.validation, take);
                self.check.time_limit.within(work).await
            }
        };
        settled.unwrap_or_else(|| Lookup {
            name: name.clone(),
            record_type,
            answer: Answer::Failed(LookupFailure {
                kind: FailureKind::Timeout,
                extended_error: None,
            }),
            own: None,
            extended_error: None,
            authority: None,
        })
    }
}
