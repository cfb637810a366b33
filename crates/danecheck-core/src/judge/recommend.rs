//! The smallest exception that restores delivery, and what it costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::MailcowEntry;
use crate::matching::fingerprints;
use crate::observation::Assumption;
use crate::postfix::{Override, PolicyLine, SecurityLevel, ServerName, Settings, TlsVersion};
use crate::sender::InForce;

use super::caution::caution;
use super::evidence::Evidence;
use super::outcome::{Channel, Delivery, Outcome, Untold};
use super::policy::PolicyRequest;
use super::route::{Candidate, Route};
use super::sending::Sending;
use super::verdict::{Blind, Verdict, blind};

/// What the sender's administrator should do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// What to do.
    pub action: Action,
    /// With `override`: the level.
    pub policy: Option<SecurityLevel>,
    /// With `override`: the entry for each mail system; else empty.
    pub entries: Entries,
    /// Stricter entries that also deliver, the strictest first.
    pub alternatives: Vec<Alternative>,
    /// Why, in one sentence.
    pub reason: String,
    /// With `override`: the protection that is missing as long as it is set.
    pub gives_up: Option<String>,
    /// With `override`: what to check before it is set.
    pub caution: Option<String>,
    /// With `override`: the condition under which the override can be removed.
    pub remove_when: Option<String>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing: the policy in force, the `dane` level unless another sender
    /// was named, delivers.
    Keep,
    /// Set the override.
    Override,
    /// No TLS policy makes this mail flow, or nothing is known.
    NotFixable,
}

/// The entry for each mail system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entries {
    /// The line for the policy table.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub postfix: Option<String>,
    /// The row, as mailcow's API takes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mailcow: Option<MailcowEntry>,
    /// The comment that belongs above the line: since when, why, until when.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comment: Option<Vec<String>>,
}

/// A stricter entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alternative {
    /// The line for the policy table.
    pub postfix: String,
    /// What it costs to keep.
    pub cost: String,
}

/// The recommendation for this sender.
pub(crate) fn recommend(
    evidence: &Evidence<'_>,
    verdict: Verdict,
    sending: &Sending,
) -> Recommendation {
    let today = &sending.outcome;
    if verdict == Verdict::Indeterminate {
        let reason = match blind(evidence) {
            None => not_told(evidence, untold_at_dane(evidence, sending)),
            Some(blind) => blind_reason(blind).to_owned(),
        };
        return no_override(Action::NotFixable, reason);
    }
    if !today.is_told() {
        return no_override(Action::NotFixable, not_told(evidence, today.untold()));
    }
    if today.delivers() {
        return no_override(Action::Keep, kept(sending));
    }
    let Some((line, outcome)) =
        strictest_that_delivers(evidence, &sending.in_force, sending.settings)
    else {
        let why = today.reason.as_deref().unwrap_or_default();
        let scope = if today.varies {
            "No TLS policy makes this mail flow at every attempt"
        } else {
            "No TLS policy makes this mail flow"
        };
        return no_override(Action::NotFixable, format!("{scope}: {why}."));
    };
    if !outcome.is_told() {
        return no_override(Action::NotFixable, not_told(evidence, outcome.untold()));
    }
    let policy = line.level;
    let caution = caution(evidence, sending, &line);
    let entry = override_of(evidence, line);
    Recommendation {
        action: Action::Override,
        policy: Some(policy),
        entries: Entries {
            postfix: Some(entry.to_string()),
            mailcow: Some(MailcowEntry::new(&entry)),
            // Only the findings say why.
            comment: None,
        },
        alternatives: alternatives(evidence, sending, policy),
        reason: override_reason(policy, &outcome, sending),
        gives_up: Some(gives_up(policy).to_owned()),
        caution,
        remove_when: Some(remove_when(evidence, sending)),
    }
}

/// Why the level `dane` could not be judged.
fn untold_at_dane(evidence: &Evidence<'_>, sending: &Sending) -> Option<Untold> {
    let dane = PolicyRequest::with(SecurityLevel::Dane, sending.settings);
    evidence.outcome(&dane).untold()
}

fn kept(sending: &Sending) -> String {
    if sending.sender.is_assumed() {
        return "The dane level delivers: no override is needed.".to_owned();
    }
    let in_force = &sending.in_force;
    format!(
        "The policy in force ({}, from {}) delivers: no override is needed.",
        in_force.policy.text, in_force.source
    )
}

fn remove_when(evidence: &Evidence<'_>, sending: &Sending) -> String {
    let next_hop = &evidence.observation.next_hop;
    if sending.sender.is_assumed() {
        format!("`danecheck {next_hop}` says that the dane level delivers again")
    } else {
        let options = sending.sender.options();
        format!("`danecheck {options} {next_hop}` says that no override is needed")
    }
}

fn no_override(action: Action, reason: String) -> Recommendation {
    Recommendation {
        action,
        policy: None,
        entries: Entries::default(),
        alternatives: Vec::new(),
        reason,
        gives_up: None,
        caution: None,
        remove_when: None,
    }
}

/// The strictest policy below the one in force with which mail flows, and its
/// outcome; or the strictest for which that is unknown.
pub(super) fn strictest_that_delivers(
    evidence: &Evidence<'_>,
    in_force: &InForce,
    settings: Settings,
) -> Option<(PolicyLine, Outcome)> {
    // The policy in force may fail only because of the server's TLS version.
    let in_line = in_force.policy.line.as_ref().ok();
    let itself = in_line.into_iter().flat_map(|line| {
        let advised = PolicyLine {
            matches: line.matches.clone(),
            server_name: line.server_name.clone(),
            protocols: line.protocols.clone(),
            late_fault: line.late_fault.clone(),
            ..PolicyLine::plain(line.level)
        };
        with_older_tls(advised, settings).into_iter().skip(1)
    });
    let below = candidates_below(evidence, in_force, settings);
    itself
        .chain(
            below
                .into_iter()
                .flat_map(|line| with_older_tls(line, settings)),
        )
        .map(|line| {
            let outcome = evidence.outcome(&PolicyRequest::of_line(line.clone(), settings));
            (line, outcome)
        })
        // If a stricter one might deliver, no weaker one is advised.
        .find(|(line, outcome)| match line.level {
            _ if !outcome.is_told() => true,
            // Such a level is what senders do by default, or the last resort.
            SecurityLevel::Dane | SecurityLevel::May | SecurityLevel::None => outcome.delivers(),
            _ => outcome.delivers_at_once(),
        })
}

/// The levels that can replace the one in force, the strictest first.
fn candidates_below(
    evidence: &Evidence<'_>,
    in_force: &InForce,
    settings: Settings,
) -> Vec<PolicyLine> {
    use SecurityLevel::{Dane, DaneOnly, Encrypt, May, None, Secure, Verify};
    let in_force = in_force.policy.line.as_ref().ok().map(|line| line.level);
    let below: &[SecurityLevel] = match in_force {
        Some(None) => &[],
        Some(May) => &[None],
        Some(Encrypt) => &[May, None],
        Some(Dane) => &[Encrypt, May, None],
        Some(DaneOnly) | Option::None => &[Dane, Encrypt, May, None],
        Some(_) => &[Secure, Dane, Verify, Encrypt, May, None],
    };
    let authenticates = |line: &PolicyLine| {
        let outcome = evidence.outcome(&PolicyRequest::of_line(line.clone(), settings));
        outcome.channel == Some(Channel::Authenticated) || !outcome.is_told()
    };
    below
        .iter()
        .filter_map(|level| match level {
            Secure => secure_line(evidence, settings),
            // To replace a policy that asks for a certificate, DANE has to
            // prove as much.
            Dane if below.contains(&Secure) => Some(PolicyLine::plain(Dane)).filter(authenticates),
            Verify => Some(PolicyLine::plain(Verify)),
            level => Some(PolicyLine::plain(*level)),
        })
        .collect()
}

/// The policy as it is, and then with older TLS than the sender usually
/// accepts, the newest first.
fn with_older_tls(line: PolicyLine, settings: Settings) -> Vec<PolicyLine> {
    let oldest = match line.level {
        SecurityLevel::None => return vec![line],
        _ if line.protocols.is_some() => return vec![line],
        SecurityLevel::May => settings.oldest_at_may,
        _ => settings.oldest_above,
    };
    let older = TlsVersion::ALL
        .into_iter()
        .rev()
        .filter(|version| *version < oldest)
        .map(|version| line.clone().with_oldest_tls(version))
        .collect::<Vec<_>>();
    std::iter::once(line).chain(older).collect()
}

/// The override with this line for the target.
pub(super) fn override_of(evidence: &Evidence<'_>, line: PolicyLine) -> Override {
    Override {
        next_hop: evidence.observation.next_hop.policy_key(),
        line,
    }
}

/// Why there is no advice if an outcome is unknown: danecheck advises no weaker
/// policy for a server that is not known to fail.
fn not_told(evidence: &Evidence<'_>, why: Option<Untold>) -> String {
    let next_hop = &evidence.observation.next_hop;
    match why {
        Some(Untold::Limit) => format!(
            "A server of {next_hop} sends what danecheck does not follow to its end, so danecheck \
             does not know whether mail flows. Send a message, and read the log of your Postfix."
        ),
        Some(Untold::Work) | None => format!(
            "Judging the servers of {next_hop} takes more work than danecheck allows for one \
             domain, so danecheck does not know whether mail flows."
        ),
    }
}

fn blind_reason(blind: Blind) -> &'static str {
    match blind {
        Blind::Resolver => "The resolver gave no usable answer: use one that works (--resolver).",
        Blind::Network => {
            "danecheck could not reach any mail server from here, so nothing is known about them: \
             check from your own mail server, or through it with --proxy."
        }
        Blind::Proxy => {
            "danecheck reached no mail server through the proxy, so nothing is known about them: \
             check that the proxy works (--proxy)."
        }
        Blind::Skipped => {
            "danecheck.toml skips every mail server, so danecheck checked none: remove one from \
             skip-hosts."
        }
        Blind::Reserved => {
            "No mail server has a public address, so danecheck connected to none: give \
             --allow-private to connect anyway."
        }
        Blind::Unvalidated => {
            "The resolver does not validate, and sends too little for danecheck's own validation. \
             So it is unknown whether the TLSA records count: use a resolver that validates \
             (--resolver)."
        }
    }
}

fn override_reason(policy: SecurityLevel, outcome: &Outcome, sending: &Sending) -> String {
    let when = match outcome.delivery {
        Delivery::DeliveredAfterRetry => ", but only at the retry some minutes later",
        Delivery::Delivered | Delivery::Deferred | Delivery::Bounced => "",
    };
    if sending.sender.is_assumed() {
        return format!(
            "{policy} is the strictest of dane, encrypt, may and none that delivers{when}."
        );
    }
    let in_force = &sending.in_force;
    format!(
        "{policy} is the strictest that delivers{when}; {} ({}) does not.",
        in_force.policy.text, in_force.source
    )
}

fn gives_up(policy: SecurityLevel) -> &'static str {
    match policy {
        SecurityLevel::Dane => {
            "DANE still applies to hosts where it is complete; other hosts get mail without it"
        }
        SecurityLevel::Secure | SecurityLevel::Verify => {
            "a trusted CA still proves who the server is, but only DNS says which server is right"
        }
        SecurityLevel::Encrypt => "TLS stays, but nothing proves who answers",
        SecurityLevel::May => "everybody on the way may be able to read the mail",
        _ => "everybody on the way can read the mail",
    }
}

/// Stricter entries that also deliver, at once and whatever Postfix's choice.
fn alternatives(
    evidence: &Evidence<'_>,
    sending: &Sending,
    chosen: SecurityLevel,
) -> Vec<Alternative> {
    // Whether a certificate would pass is known only for one that was seen.
    if evidence.observation.assumed == Some(Assumption::DnsOnly) {
        return Vec::new();
    }
    let delivers = |line: &PolicyLine| {
        let request = PolicyRequest::of_line(line.clone(), sending.settings);
        evidence.outcome(&request).delivers_at_once()
    };
    let mut found = Vec::new();
    let mut add = |line: PolicyLine, cost: &str| {
        if delivers(&line) {
            found.push(Alternative {
                postfix: override_of(evidence, line).to_string(),
                cost: cost.to_owned(),
            });
        }
    };
    if chosen == SecurityLevel::Dane {
        // The other levels put a CA or a pin in place of DANE.
        add(
            PolicyLine::plain(SecurityLevel::DaneOnly),
            "breaks when the receiver stops using DANE",
        );
        return found;
    }
    if let Some(line) = secure_line(evidence, sending.settings)
        && chosen != SecurityLevel::Secure
    {
        add(
            line,
            "breaks when the receiver moves to other MX hosts or to a CA that you do not trust",
        );
    }
    if !matches!(chosen, SecurityLevel::Secure | SecurityLevel::Verify) {
        add(
            PolicyLine::plain(SecurityLevel::Verify),
            "trusts any MX host that DNS names; needs a CA that you trust",
        );
    }
    let pinned = PolicyLine {
        matches: pins(evidence),
        ..PolicyLine::plain(SecurityLevel::Fingerprint)
    };
    if !pinned.matches.is_empty() {
        add(
            pinned,
            "breaks with the receiver's next key; needs smtp_tls_fingerprint_digest = sha256",
        );
    }
    found
}

/// `secure` with the names of the MX hosts, with SNI only if it is needed;
/// `None` if that is known not to deliver.
fn secure_line(evidence: &Evidence<'_>, settings: Settings) -> Option<PolicyLine> {
    let names: Vec<String> = host_names(evidence);
    [false, true].into_iter().find_map(|sni_hostname| {
        let line = PolicyLine {
            matches: names.clone(),
            server_name: sni_hostname.then_some(ServerName::HostName),
            ..PolicyLine::plain(SecurityLevel::Secure)
        };
        let seen = !sni_hostname || sni_was_seen(evidence);
        let may_deliver = || {
            let outcome = evidence.outcome(&PolicyRequest::of_line(line.clone(), settings));
            outcome.delivers_at_once() || !outcome.is_told()
        };
        (!names.is_empty() && seen && may_deliver()).then_some(line)
    })
}

/// Whether every address had a session with the SNI of its MX host's own name.
fn sni_was_seen(evidence: &Evidence<'_>) -> bool {
    evidence
        .addresses()
        .all(|(host, address)| address.seen.session(Some(&host.seen.name)).is_some())
}

/// The hosts that Postfix may try, in its order, each once.
fn host_names(evidence: &Evidence<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for candidate in candidates(evidence) {
        if let Some(host) = evidence.hosts.get(candidate.host)
            && !names.contains(&host.seen.name)
            && host.seen.name.parse::<std::net::IpAddr>().is_err()
        {
            names.push(host.seen.name.clone());
        }
    }
    names
}

/// The SHA-256 pins of the keys served without SNI, each once.
fn pins(evidence: &Evidence<'_>) -> Vec<String> {
    let mut pins: Vec<String> = Vec::new();
    for candidate in candidates(evidence) {
        let key = evidence
            .hosts
            .get(candidate.host)
            .and_then(|host| host.addresses.get(candidate.address))
            .and_then(|address| address.session(None))
            .and_then(|session| session.chain.first()?.as_ref().ok())
            .map(|leaf| fingerprints(leaf).public_key_sha256);
        if let Some(key) = key
            && !pins.contains(&key)
        {
            pins.push(key);
        }
    }
    pins
}

fn candidates<'e>(evidence: &'e Evidence<'_>) -> &'e [Candidate] {
    match &evidence.route {
        Route::Addresses(candidates) => candidates,
        Route::Nowhere(_) => &[],
    }
}
