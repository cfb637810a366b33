//! MTA-STS as a sender that honours it sees it (RFC 8461 sections 3 and 4):
//! the policy that counts, and which MX hosts pass it.
//!
//! Postfix itself does not ask for MTA-STS. The results concern other senders,
//! and mailcow.

use std::net::IpAddr;
use std::rc::Rc;

use crate::certificate::{Presented, ReferenceName};
use crate::mta_sts::{Policy, PolicyFault, RecordFault, StsRecord, policy, sts_record};
use crate::observation::{
    Answer, ConnectFailureKind, Lookup, MtaStsSeen, PolicyEnd, PolicyFetch, PolicyResponse,
    PolicyVisit, SessionEnd, SignatureCheck, Unfinished,
};

use super::evidence::{AddressEvidence, Evidence, HostEvidence};

/// The data of MTA-STS.
pub(crate) struct MtaSts<'a> {
    pub(crate) seen: &'a MtaStsSeen,
    /// The record; `None` if the lookup failed.
    pub(crate) record: Option<Result<StsRecord, RecordFault>>,
    /// What each address of the policy host sends.
    pub(crate) visits: Vec<(IpAddr, Result<Policy, Unavailable>)>,
    /// What is wrong with the policy host as a whole.
    pub(crate) no_address: Option<Unavailable>,
    /// The response for a sender that is strict only about the certificate.
    pub(crate) served: Option<&'a PolicyResponse>,
    /// Each MX host compared with the valid policy.
    pub(crate) hosts: Vec<HostStanding>,
}

/// Why an address of the policy host gives no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// The reason may be on our side.
    NotSeen(String),
    /// No answer, or no HTTP.
    Unreachable(String),
    /// The certificate is not valid.
    Certificate(String),
    /// The response does not count.
    Response(String),
    /// The policy is invalid.
    Policy(PolicyFault),
}

impl Unavailable {
    /// Why, as part of a sentence.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::NotSeen(why)
            | Self::Unreachable(why)
            | Self::Certificate(why)
            | Self::Response(why) => why.clone(),
            Self::Policy(fault) => fault.to_string(),
        }
    }
}

/// Why a server does not pass: there is no TLS at all.
pub(crate) const NO_STARTTLS: &str = "it does not offer STARTTLS";
/// The same, by its own reply.
pub(crate) const STARTTLS_REFUSED: &str = "it refuses STARTTLS";
/// The same, after its reply.
pub(crate) const NO_HANDSHAKE: &str = "the TLS handshake fails";

/// One MX host compared with the policy.
pub(crate) struct HostStanding {
    pub(crate) name: String,
    /// The policy lists it.
    pub(crate) listed: bool,
    /// Each address that was seen: it passes, or this is why not.
    pub(crate) addresses: Vec<(IpAddr, Result<(), String>)>,
    /// For some address the result is unknown, because it takes more work than
    /// one check may cost.
    pub(crate) not_judged: bool,
}

impl HostStanding {
    /// Whether a sender that enforces the policy delivers here.
    pub(crate) fn passes(&self) -> bool {
        self.listed && self.addresses.iter().any(|(_, standing)| standing.is_ok())
    }
}

impl MtaSts<'_> {
    /// The policy that counts: the record is valid, and some address hands it
    /// out.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        matches!(self.record, Some(Ok(_)))
            .then(|| {
                self.visits
                    .iter()
                    .find_map(|(_, visit)| visit.as_ref().ok())
            })
            .flatten()
    }
}

/// MTA-STS of what was observed; `None` if it was not checked.
pub(crate) fn mta_sts<'a>(evidence: &Evidence<'a>) -> Option<MtaSts<'a>> {
    let seen = evidence.observation.mta_sts.as_ref()?;
    let record = texts(&seen.record).map(sts_record);
    let visits: Vec<(IpAddr, Result<Policy, Unavailable>)> = seen
        .fetch
        .iter()
        .flat_map(|fetch| {
            let visits = fetch.visits.iter();
            visits.map(|visit| (visit.address, of_visit(evidence, &fetch.host, visit)))
        })
        .collect();
    let served = seen.fetch.iter().find_map(|fetch| {
        fetch.visits.iter().find_map(|visit| match &visit.end {
            PolicyEnd::Answered(response) if certificate(evidence, &fetch.host, visit).is_ok() => {
                Some(response)
            }
            _ => None,
        })
    });
    let mut mta_sts = MtaSts {
        seen,
        record,
        no_address: seen.fetch.as_ref().and_then(no_address),
        visits,
        served,
        hosts: Vec::new(),
    };
    if let Some(policy) = mta_sts.policy().cloned() {
        mta_sts.hosts = evidence
            .hosts
            .iter()
            .map(|host| standing(evidence, &policy, host))
            .collect();
    }
    Some(mta_sts)
}

/// The TXT records of a lookup: none if they are denied, `None` if it failed.
/// They do not need DNSSEC (RFC 8461 section 3.1).
pub(crate) fn texts(lookup: &Lookup<Vec<String>>) -> Option<&[Vec<String>]> {
    match &lookup.answer {
        Answer::Records(records) => Some(&records.open().regardless().records),
        Answer::Denied(_) => Some(&[]),
        Answer::Failed(_) => None,
    }
}

fn no_address(fetch: &PolicyFetch) -> Option<Unavailable> {
    if !fetch.visits.is_empty() {
        return None;
    }
    let failures = [fetch.a.failure(), fetch.aaaa.failure()];
    let failure = failures.into_iter().flatten().next();
    Some(match failure {
        Some(failure) => Unavailable::Unreachable(format!(
            "its address cannot be looked up ({})",
            failure.kind.as_text()
        )),
        None => Unavailable::Unreachable("it has no address".to_owned()),
    })
}

fn of_visit(
    evidence: &Evidence<'_>,
    host: &str,
    visit: &PolicyVisit,
) -> Result<Policy, Unavailable> {
    let response = match &visit.end {
        PolicyEnd::Reserved(block) => {
            let why = format!("its address is not public ({block})");
            return Err(Unavailable::NotSeen(why));
        }
        PolicyEnd::NotConnected(failure) => {
            let why = format!("no connection: {}", failure.text);
            return Err(match failure.kind {
                ConnectFailureKind::Unreachable
                | ConnectFailureKind::TimedOut
                | ConnectFailureKind::Proxy => Unavailable::NotSeen(why),
                ConnectFailureKind::Refused | ConnectFailureKind::Other => {
                    Unavailable::Unreachable(why)
                }
            });
        }
        PolicyEnd::HandshakeFailed(failure) => {
            let why = format!("no TLS: {}", failure.text);
            return Err(if failure.ours {
                Unavailable::NotSeen(why)
            } else {
                Unavailable::Unreachable(why)
            });
        }
        PolicyEnd::NoResponse(why) => {
            return Err(Unavailable::Unreachable(format!("no HTTP response: {why}")));
        }
        PolicyEnd::NotInTime => return Err(not_in_time()),
        PolicyEnd::Answered(response) => response,
    };
    match &response.unfinished {
        Some(Unfinished::NotInTime) => return Err(not_in_time()),
        Some(Unfinished::Lost(why)) => {
            let why = format!("no whole HTTP response: {why}");
            return Err(Unavailable::Unreachable(why));
        }
        None => {}
    }
    certificate(evidence, host, visit)?;
    response_fault(response).map_or(Ok(()), |why| Err(Unavailable::Response(why)))?;
    policy(&response.body, response.is_utf8()).map_err(Unavailable::Policy)
}

fn not_in_time() -> Unavailable {
    let why = "it did not answer within seconds; senders wait for a minute";
    Unavailable::NotSeen(why.to_owned())
}

/// RFC 8461 section 3.3: valid for the policy host, not expired, and from an
/// authority that is trusted.
fn certificate(
    evidence: &Evidence<'_>,
    host: &str,
    visit: &PolicyVisit,
) -> Result<(), Unavailable> {
    let tls = visit.tls.as_ref();
    if let Some(SignatureCheck::Bad(_)) = tls.map(|tls| &tls.signature) {
        let why = "the handshake is not signed with the key of its certificate";
        return Err(Unavailable::Certificate(why.to_owned()));
    }
    let chain = tls.map(|tls| tls.chain.as_slice()).unwrap_or_default();
    let known = evidence.verified.known_chain(chain).cloned();
    match pkix(evidence, &known.unwrap_or_default(), host) {
        Holds::Yes => Ok(()),
        Holds::No(why) => {
            let why = format!("its certificate is not valid: {why}");
            Err(Unavailable::Certificate(why))
        }
        Holds::NotJudged => {
            let why = "its certificate needs too much work to check";
            Err(Unavailable::NotSeen(why.to_owned()))
        }
    }
}

/// A path to the trust store, and the name among the DNS names of the
/// certificate: the common name does not count (RFC 8461 sections 3.3 and
/// 4.1).
fn pkix(evidence: &Evidence<'_>, chain: &Rc<[Presented]>, host: &str) -> Holds {
    let name = ReferenceName::Exact(host.to_owned());
    match evidence.pkix(chain, &[name], true) {
        Err(failure) if failure.is_for_want_of_work() => return Holds::NotJudged,
        Err(failure) => return Holds::No(failure.plain()),
        Ok(()) => {}
    }
    match chain.first() {
        Some(Ok(leaf)) if !leaf.has_dns_san() => {
            Holds::No("it names the host only in its common name".to_owned())
        }
        _ => Holds::Yes,
    }
}

/// Whether a server passes.
enum Holds {
    Yes,
    /// Why not.
    No(String),
    /// Unknown: it takes more work than one check may cost.
    NotJudged,
}

/// Why a response does not count.
fn response_fault(response: &PolicyResponse) -> Option<String> {
    let status = response.status;
    if (300..400).contains(&status) {
        let to = response.location.as_deref().unwrap_or("nowhere");
        return Some(format!(
            "it answers with {status}, a redirection to {to}, which senders do not follow"
        ));
    }
    if status != 200 {
        return Some(format!("it answers with {status} instead of 200"));
    }
    let media_type = response.content_type.as_deref().map(|field| {
        let end = field.find(';').unwrap_or(field.len());
        field.get(..end).unwrap_or_default().trim()
    });
    match media_type {
        Some(text) if text.eq_ignore_ascii_case("text/plain") => {}
        Some(other) => return Some(format!("it sends the policy as {other}, not as text/plain")),
        None => return Some("it does not send the policy as text/plain".to_owned()),
    }
    response
        .cut
        .then(|| "the policy is longer than 64 kilobytes".to_owned())
}

fn standing(evidence: &Evidence<'_>, policy: &Policy, host: &HostEvidence<'_>) -> HostStanding {
    let mut standing = HostStanding {
        name: host.seen.name.clone(),
        listed: policy.allows(&host.seen.name),
        addresses: Vec::new(),
        not_judged: false,
    };
    let seen = host.addresses.iter();
    for address in seen.filter(|address| !super::verdict::cannot_be_seen(address)) {
        let result = match of_address(evidence, host, address) {
            Holds::Yes => Ok(()),
            Holds::No(why) => Err(why),
            Holds::NotJudged => {
                standing.not_judged = true;
                continue;
            }
        };
        standing.addresses.push((address.seen.address, result));
    }
    standing
}

/// RFC 8461 section 4.1 and 4.2: STARTTLS, and a certificate for the MX host.
fn of_address(
    evidence: &Evidence<'_>,
    host: &HostEvidence<'_>,
    address: &AddressEvidence<'_>,
) -> Holds {
    let no = |why: &str| Holds::No(why.to_owned());
    let Some(session) = address.session(Some(&host.seen.name)) else {
        return no("it was not checked");
    };
    match &session.seen.end {
        SessionEnd::Completed
        | SessionEnd::NoEhloReplyInTls(_)
        | SessionEnd::EhloRefusedInTls(_) => {}
        SessionEnd::NoStartTls => return no(NO_STARTTLS),
        SessionEnd::StartTlsRefused(_) => return no(STARTTLS_REFUSED),
        _ if !session.chain.is_empty() => {}
        _ => return no(NO_HANDSHAKE),
    }
    pkix(evidence, &session.chain, &host.seen.name)
}
