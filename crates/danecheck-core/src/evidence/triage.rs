//! What the evidence says, as a value: the JSON of `danecheck triage` and of
//! `danecheck explain --log`.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::judge::{Action, Verdict};
use crate::postfix::Mail;
use crate::report::{Entries, ExitStatus};
use crate::unix_time::UnixTime;

use super::cause::CERTIFICATE_NO_MATCH;
use super::destination::Certainty;
use super::kind::Kind;

/// What the evidence says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Triage {
    /// The version of this form.
    pub schema_version: u32,
    /// What was read, one for each form in each input.
    pub inputs: Vec<InputReport>,
    /// Lines read.
    pub lines: u64,
    /// Lines of logs that Postfix wrote.
    pub postfix_lines: u64,
    /// The causes, those of TLS and DANE first, the most frequent first.
    pub causes: Vec<Explained>,
    /// Deliveries not made for other reasons, such as greylisting or a full
    /// mailbox.
    pub other: u64,
    /// Recipients whose mail was deferred for a cause of DNS, STARTTLS, TLS or DANE
    /// and delivered later in the same evidence: it waits no more.
    pub delivered_later: u64,
    /// Messages in the queue that nobody tried to deliver yet.
    pub untried: u64,
    /// The next hops for which something waits, or was returned, for a cause of
    /// DNS, STARTTLS, TLS or DANE; the most waiting first.
    pub next_hops: Vec<WaitingNextHop>,
    /// Deliveries for such a cause to next hops that are not named, because the
    /// evidence does not say which, or because there were too many.
    pub other_next_hops: u64,
    /// Why it is this machine or its network, where next hops of different
    /// operators fail alike.
    pub common_fault: Option<CommonFault>,
    /// A transport or a notice of mailcow's own was seen.
    #[serde(skip)]
    pub of_mailcow: bool,
    /// The first line about another reason.
    #[serde(skip)]
    pub other_sample: Option<String>,
}

/// One form in one input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InputReport {
    /// The file, or `-`.
    pub name: String,
    /// Its form.
    pub kind: Kind,
    /// Records: lines of a log, messages of a queue, recipients of a notice.
    pub records: u64,
    /// Those that were understood.
    pub understood: u64,
    /// What was cut off, damaged, or is of a form that danecheck does not read.
    pub notes: Vec<String>,
    /// Some of it was not read, or is cut off.
    #[serde(skip)]
    pub is_cut: bool,
}

/// One cause in the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explained {
    /// The stable id.
    pub id: &'static str,
    /// The text of the log.
    pub text: &'static str,
    /// Whether it concerns TLS, STARTTLS or DANE.
    pub tls: bool,
    /// Deliveries that were deferred for this cause.
    pub deferred: u64,
    /// Deliveries that bounced for this cause.
    pub bounced: u64,
    /// Other lines about this cause.
    pub remarks: u64,
    /// The enhanced status codes.
    pub dsn: Vec<String>,
    /// The values of `tls=`, which Postfix 3.11 and later log.
    pub levels: Vec<String>,
    /// The next hops, the most frequent first.
    pub next_hops: Vec<NextHopCount>,
    /// Deliveries to next hops that are not named because there were too many.
    pub other_next_hops: u64,
    /// Next hops that only warnings name.
    pub warned_next_hops: Vec<NextHopCount>,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// The first line of this kind.
    pub sample: String,
    /// Since when the oldest of it waits, where the evidence says so.
    #[serde(skip)]
    pub since: Option<UnixTime>,
}

/// A next hop and how often it was hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextHopCount {
    /// The next hop, as transport(5) writes it.
    pub name: String,
    /// Deliveries.
    pub count: u64,
}

/// A next hop for which mail waits, or was returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WaitingNextHop {
    /// The next hop, as transport(5) writes it; `unix:PATH` for a socket.
    pub name: String,
    /// Deliveries that were deferred.
    pub waiting: u64,
    /// Deliveries that bounced: that mail has to be sent again.
    pub returned: u64,
    /// Since when the oldest of it waits, where the evidence says so.
    pub since: Option<UnixTime>,
    /// How sure the next hop is.
    pub certainty: Certainty,
    /// Hosts that were tried. Where one is no MX host of the domain, it is a
    /// relay.
    pub hosts: Vec<String>,
    /// The ids of the causes, the most frequent first.
    pub causes: Vec<&'static str>,
    /// What a look says; null without one.
    pub verdict: Option<Verdict>,
    /// What is recommended; null without a look.
    pub action: Option<Action>,
    /// The override; null without a look.
    pub entries: Option<Entries>,
    /// What to check before the override is set; null without a look.
    pub caution: Option<String>,
    /// Some of the mail.
    #[serde(skip)]
    pub mail: Mail,
}

/// A fault that next hops of different operators have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CommonFault {
    /// The id of the cause.
    pub cause: &'static str,
    /// Next hops with this cause.
    pub next_hops: u64,
    /// Different operators among them; 0 where the cause is on this machine in
    /// any case.
    pub operators: u64,
    /// What to look at.
    pub message: String,
    /// The names of these next hops.
    #[serde(skip)]
    pub names: Vec<String>,
    /// Next hops of the same evidence, or looks, that do not fail like this.
    #[serde(skip)]
    pub others: u64,
}

impl CommonFault {
    /// Most next hops do not fail like this, so it may be a coincidence. One
    /// certificate in place of several is none.
    pub fn is_uncertain(&self) -> bool {
        self.operators > 0 && self.cause != CERTIFICATE_NO_MATCH.id && self.others > self.next_hops
    }

    /// The next hop is one of these.
    pub(super) fn is_of(&self, hop: &WaitingNextHop) -> bool {
        self.names.contains(&hop.name) || hop.causes.contains(&self.cause)
    }
}

/// The JSON Schema of what `danecheck triage --json` and `danecheck explain
/// --log --json` print.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Triage).into()
}

impl WaitingNextHop {
    /// A content filter or a mailbox server of this machine: its TLS is one's own
    /// matter.
    pub(super) fn is_here(&self) -> bool {
        let host = self.name.trim_start_matches('[');
        let host = host.split(']').next().unwrap_or(host);
        self.name.starts_with("unix:")
            || host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl Triage {
    /// Something was not understood: an input, a part of one, or all of it.
    pub fn has_unknown(&self) -> bool {
        self.inputs.is_empty()
            || self
                .inputs
                .iter()
                .any(|input| input.is_cut || !input.kind.is_known() || input.kind == Kind::Tlsrpt)
    }

    /// The evidence is in mailcow's own form.
    pub fn is_of_mailcow(&self) -> bool {
        let is_own =
            |input: &InputReport| matches!(input.kind, Kind::MailcowLog | Kind::MailcowQueue);
        self.of_mailcow || self.inputs.iter().any(is_own)
    }

    /// Deliveries not made for a cause of DNS, STARTTLS, TLS or DANE.
    pub fn waiting(&self) -> u64 {
        let hops: u64 = self
            .next_hops
            .iter()
            .map(|hop| hop.waiting + hop.returned)
            .sum();
        hops + self.other_next_hops
    }

    /// The exit status, with what a look said of each next hop.
    pub fn exit_status(&self) -> ExitStatus {
        let flows_now =
            |hop: &WaitingNextHop| hop.action == Some(Action::Keep) && hop.returned == 0;
        let warned = self.causes.iter().any(|cause| cause.remarks > 0);
        if self.other_next_hops > 0 || self.next_hops.iter().any(|hop| !flows_now(hop)) {
            ExitStatus::Broken
        } else if self.has_unknown() {
            ExitStatus::Unknown
        } else if warned || self.delivered_later > 0 || !self.next_hops.is_empty() {
            ExitStatus::Warning
        } else {
            ExitStatus::Fine
        }
    }
}
