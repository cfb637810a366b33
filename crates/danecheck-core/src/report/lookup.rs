//! One lookup in both views, as `danecheck dns` shows it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dnssec::{OwnValidation, SecurityStatus};
use crate::finding::of_single;
use crate::finding::rule::Severity;
use crate::observation::{FailureKind, LookupFailure, SingleLookup};
use crate::text::{printable, shown, to_json, wrap};

use super::clean::clean_validation;
use super::extended_error::ExtendedErrorReport;
use super::finding::FindingReport;
use super::name_server::AuthorityReport;
use super::status::ExitStatus;
use crate::unix_time::UnixTime;

/// One lookup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookupViews {
    /// The name asked, with its final dot.
    pub name: String,
    /// The type asked.
    #[serde(rename = "type")]
    pub rtype: String,
    /// What the resolver says, and what Postfix behind it believes.
    pub resolver: ResolverView,
    /// What danecheck's own validation says.
    pub validated: OwnValidation,
    /// `records`, `nodata`, `nxdomain` or `failure`.
    pub answer: String,
    /// The records in presentation form.
    pub records: Vec<String>,
    /// What the name servers answer directly; null if danecheck did not ask
    /// them.
    pub name_servers: Option<AuthorityReport>,
    /// The findings.
    pub findings: Vec<FindingReport>,
}

/// The resolver's view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResolverView {
    /// `address:port` of the server that answered, or else of the first one.
    pub address: Option<String>,
    /// The response code; null if no readable answer came.
    pub rcode: Option<String>,
    /// The AD bit.
    pub ad: bool,
    /// `secure`, `insecure` or `failed`.
    pub status: String,
    /// The reason that the resolver gave (RFC 8914).
    pub extended_error: Option<ExtendedErrorReport>,
    /// The remaining part of the smallest TTL, in seconds.
    pub ttl: Option<u32>,
    /// What went wrong, if the status is `failed`.
    pub failure: Option<String>,
}

impl LookupViews {
    /// Both views of a lookup, as of this time.
    pub fn of(lookup: &SingleLookup, now: UnixTime) -> Self {
        let address = lookup.server.clone();
        let (resolver, answer, records) = match &lookup.reply {
            Ok(reply) => {
                let answer = match (reply.name_error, reply.records.is_empty()) {
                    (_, false) => "records",
                    (true, true) => "nxdomain",
                    (false, true) => "nodata",
                };
                let view = ResolverView {
                    address,
                    rcode: Some(
                        if reply.name_error {
                            "NXDOMAIN"
                        } else {
                            "NOERROR"
                        }
                        .to_owned(),
                    ),
                    ad: reply.authentic,
                    status: if reply.authentic {
                        "secure"
                    } else {
                        "insecure"
                    }
                    .to_owned(),
                    extended_error: reply.extended_error.as_ref().map(ExtendedErrorReport::of),
                    ttl: reply.ttl,
                    failure: None,
                };
                (view, answer, reply.records.as_slice())
            }
            Err(failure) => {
                let view = ResolverView {
                    address,
                    rcode: rcode(failure),
                    ad: false,
                    status: "failed".to_owned(),
                    extended_error: failure.extended_error.as_ref().map(ExtendedErrorReport::of),
                    ttl: None,
                    failure: Some(failure.kind.as_text().to_owned()),
                };
                (view, "failure", &[][..])
            }
        };
        Self {
            name: printable(&lookup.name),
            rtype: lookup.rtype.clone(),
            resolver,
            validated: clean_validation(&lookup.own),
            answer: answer.to_owned(),
            records: records.iter().map(|record| printable(record)).collect(),
            name_servers: lookup.authority.as_ref().map(AuthorityReport::of),
            findings: of_single(lookup, now)
                .iter()
                .map(FindingReport::of)
                .collect(),
        }
    }

    /// One line of JSON, without the line end.
    pub fn json(&self) -> String {
        to_json(self)
    }

    /// 0 if both views agree that the answer is secure or insecure, 1 if they
    /// differ or a finding warns, 2 if it is bogus or failed, 3 if the status
    /// is unknown.
    pub fn exit_status(&self) -> ExitStatus {
        let silent = self.resolver.rcode.is_none();
        match (self.resolver.status.as_str(), self.validated.status) {
            _ if silent => ExitStatus::Unknown,
            ("failed", _) | (_, SecurityStatus::Bogus) => ExitStatus::Broken,
            (_, SecurityStatus::Indeterminate) => ExitStatus::Unknown,
            (resolver, own) if resolver == own.as_str() && !self.is_warned() => ExitStatus::Fine,
            _ => ExitStatus::Warning,
        }
    }

    fn is_warned(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.severity > Severity::Info)
    }

    /// The text for a person, in lines of this width.
    pub fn human(&self, width: usize) -> String {
        let mut text = format!("{} {}\n\n", self.name, self.rtype);
        let mut part = |title: &str, body: &str| {
            let width = width.saturating_sub(12).max(20);
            for (number, line) in wrap(body, width).into_iter().enumerate() {
                let title = if number == 0 { title } else { "" };
                let _ = writeln!(text, "{title:12}{line}");
            }
        };
        part("answer", &self.answer);
        for record in &self.records {
            part("", record);
        }
        part("resolver", &self.resolver_text());
        part("validation", &self.validation_text());
        if let Some(link) = &self.validated.weak_link {
            part("weak link", &format!("{}: {link}", link.zone));
        }
        if let Some(span) = &self.validated.first_to_end {
            let text = format!("until {} ({})", span.expiration, span.record_set);
            part("signed", &text);
        }
        part("Postfix", &self.postfix_text());
        if let Some(seen) = &self.name_servers {
            part("servers", &format!("of {}, asked directly:", seen.zone));
            for server in &seen.servers {
                let address = server.address.as_deref();
                let address = address.map_or_else(String::new, |it| format!(" ({it})"));
                part("", &format!("{}{address}: {}", server.name, server.text()));
            }
        }
        for finding in &self.findings {
            let word = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "note",
            };
            part(word, &finding.message);
            if finding.severity > Severity::Info {
                part("", &finding.remedy);
            }
        }
        shown(&text).into_owned()
    }

    fn resolver_text(&self) -> String {
        let view = &self.resolver;
        let mut text = view.status.clone();
        let address = view.address.as_deref().unwrap_or("no resolver");
        match (&view.rcode, view.ad) {
            (Some(rcode), true) => text.push_str(&format!(" ({address}: {rcode}, AD)")),
            (Some(rcode), false) => text.push_str(&format!(" ({address}: {rcode}, no AD)")),
            (None, _) => {
                let failure = view.failure.as_deref().unwrap_or("no answer");
                text.push_str(&format!(" ({address}: {failure})"));
            }
        }
        if let Some(error) = &view.extended_error {
            text.push_str(&format!("; {}", error.meaning));
            if !error.text.is_empty() {
                text.push_str(&format!(": {}", error.text));
            }
        }
        if let Some(ttl) = view.ttl {
            text.push_str(&format!("; TTL {ttl} s"));
        }
        text
    }

    fn validation_text(&self) -> String {
        let status = self.validated.status.as_str();
        match &self.validated.reason {
            // The weak link says the same, and more.
            Some(reason) if self.validated.weak_link.is_none() => format!("{status}: {reason}"),
            _ => status.to_owned(),
        }
    }

    /// How a Postfix behind this resolver treats the lookup.
    fn postfix_text(&self) -> String {
        let behind = match self.resolver.status.as_str() {
            "secure" => "treats the answer as secure",
            "insecure" => "treats the answer as insecure",
            _ => "gets no answer and defers what depends on it",
        };
        let differs = match (self.resolver.status.as_str(), self.validated.status) {
            (_, SecurityStatus::Indeterminate) => "",
            ("failed", SecurityStatus::Bogus) => ", as it should",
            ("failed", _) => "; a correct resolver would answer",
            ("secure", SecurityStatus::Secure) | ("insecure", SecurityStatus::Insecure) => "",
            (_, SecurityStatus::Bogus) => "; behind a validating resolver it would get no answer",
            ("insecure", SecurityStatus::Secure) => {
                "; behind a validating resolver it would treat it as secure"
            }
            _ => "; the answer is not",
        };
        format!("behind this resolver {behind}{differs}")
    }
}

fn rcode(failure: &LookupFailure) -> Option<String> {
    Some(match failure.kind {
        FailureKind::ServFail => "SERVFAIL".to_owned(),
        FailureKind::Refused => "REFUSED".to_owned(),
        FailureKind::NotImp => "NOTIMP".to_owned(),
        FailureKind::FormErr => "FORMERR".to_owned(),
        FailureKind::OtherRcode(code) => format!("RCODE{code}"),
        FailureKind::Timeout
        | FailureKind::Unreachable
        | FailureKind::Malformed
        | FailureKind::AliasLoop
        | FailureKind::Bogus => return None,
    })
}
