//! The smallest exception that restores delivery, and what it costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::Assumption;
use crate::postfix::{Override, PolicyLine, SecurityLevel};
use crate::sender::InForce;

use super::LookElsewhere;
use super::caution::{LOOKS_THE_SAME, caution, first_wait};
use super::evidence::Evidence;
use super::lines::{override_of, pins, secure_line, strictest_that_delivers};
use super::outcome::{Channel, Delivery, Outcome, Untold};
use super::policy::PolicyRequest;
use super::sending::Sending;
use super::side_by_side::Agreement;
use super::verdict::{Blind, Verdict, blind};

/// What the sender's administrator should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// What to do.
    pub action: Action,
    /// With `override`: the override.
    pub entry: Option<Override>,
    /// Stricter overrides that also deliver, the strictest first.
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

/// A stricter override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The override.
    pub entry: Override,
    /// What it costs to keep.
    pub cost: String,
}

/// The recommendation for this sender.
pub(crate) fn recommend(
    evidence: &Evidence<'_>,
    verdict: Verdict,
    sending: &Sending,
    elsewhere: &[LookElsewhere<'_>],
) -> Recommendation {
    let here = recommend_here(evidence, verdict, sending);
    let differs = |look: &&LookElsewhere<'_>| look.compared.agreement() == Agreement::Unexplained;
    if let Some(look) = elsewhere.iter().find(differs) {
        return no_override(Action::NotFixable, somebody_between(look));
    }
    let said = here.caution.as_deref();
    let caution = said.map(|said| confirmed(said, elsewhere));
    Recommendation {
        caution: match here.action {
            Action::Override => first_wait(evidence, &sending.outcome, caution),
            Action::Keep | Action::NotFixable => caution,
        },
        ..here
    }
}

/// Why no override is advised where something else is seen from elsewhere.
fn somebody_between(look: &LookElsewhere<'_>) -> String {
    let what = look.compared.differences.first().map(|one| {
        let address = one.address.map(|address| format!(" [{address}]"));
        format!(
            "{} of {}{} is not the same",
            one.what.words(),
            one.host,
            address.unwrap_or_default()
        )
    });
    format!(
        "From {} something else is seen than from here ({}), and a person in between could cause \
         that, here or there. Find out who that is before you weaken anything.",
        look.from,
        what.unwrap_or_default()
    )
}

/// The caution, with the places from which the same was seen, and those from
/// which it was not seen.
fn confirmed(caution: &str, elsewhere: &[LookElsewhere<'_>]) -> String {
    let by = |wanted: fn(Agreement) -> bool| -> Vec<&str> {
        let looks = elsewhere.iter();
        let looks = looks.filter(|look| wanted(look.compared.agreement()));
        looks.map(|look| look.from).collect()
    };
    let same = by(|it| matches!(it, Agreement::Same | Agreement::Explained));
    let unknown = by(|it| it == Agreement::Unknown);
    if same.is_empty() && unknown.is_empty() {
        return caution.to_owned();
    }
    if same.is_empty() || caution != LOOKS_THE_SAME {
        let from = unknown.join(" and ");
        return match unknown.is_empty() {
            true => format!("{caution} Seen the same from {}.", same.join(" and ")),
            false => format!("{caution} From {from} it could not be seen."),
        };
    }
    let also = match unknown.is_empty() {
        true => String::new(),
        false => format!(" From {} it could not be seen.", unknown.join(" and ")),
    };
    format!(
        "Seen the same from {}: nobody near you causes it. An attacker near the receiver still \
         looks exactly like this. Ask the receiver by phone before you set it.{also}",
        same.join(" and ")
    )
}

/// The recommendation by what is seen from here.
fn recommend_here(evidence: &Evidence<'_>, verdict: Verdict, sending: &Sending) -> Recommendation {
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
    Recommendation {
        action: Action::Override,
        alternatives: alternatives(evidence, sending, policy),
        reason: override_reason(&line, &outcome, sending),
        gives_up: Some(gives_up(&line, &outcome, &sending.in_force)),
        caution: caution(evidence, &sending.in_force, sending.settings, &line),
        entry: Some(override_of(evidence, line)),
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
    let options = match sending.sender.options() {
        options if options.is_empty() => options,
        options => format!("{options} "),
    };
    format!("`danecheck {options}{next_hop}` says that no override is needed")
}

fn no_override(action: Action, reason: String) -> Recommendation {
    Recommendation {
        action,
        entry: None,
        alternatives: Vec::new(),
        reason,
        gives_up: None,
        caution: None,
        remove_when: None,
    }
}

/// Why there is no advice if an outcome is unknown: danecheck advises no weaker
/// policy for a server that is not known to fail.
fn not_told(evidence: &Evidence<'_>, why: Option<Untold>) -> String {
    let next_hop = &evidence.observation.next_hop;
    match why {
        Some(Untold::Hello) => "The policy asks for a ClientHello that danecheck did not send, so \
                                danecheck does not know whether mail flows."
            .to_owned(),
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
        Blind::Denials => {
            "The resolver denies names that must exist, those of the root among them, so nothing \
             that it denies can be believed: use one that works (--resolver)."
        }
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

fn override_reason(line: &PolicyLine, outcome: &Outcome, sending: &Sending) -> String {
    let policy = line.level;
    let old = match line.oldest_tls() {
        Some(oldest) => format!(", with {oldest} allowed"),
        None => String::new(),
    };
    let when = match outcome.delivery {
        Delivery::DeliveredAfterRetry => ", but only at the retry some minutes later",
        Delivery::Delivered | Delivery::Deferred | Delivery::Bounced => "",
    };
    if sending.sender.is_assumed() {
        return format!(
            "{policy} is the strictest of dane, encrypt, may and none that delivers{old}{when}."
        );
    }
    let in_force = &sending.in_force;
    format!(
        "{policy} is the strictest that delivers{old}{when}; {} ({}) does not.",
        in_force.policy.text, in_force.source
    )
}

fn gives_up(line: &PolicyLine, outcome: &Outcome, in_force: &InForce) -> String {
    let in_force = in_force.policy.line.as_ref().ok();
    let same_level = in_force.is_some_and(|before| {
        let with = PolicyLine {
            protocols: line.protocols.clone(),
            ..before.clone()
        };
        before.protocols != line.protocols && with == *line
    });
    let lost = lost(line.level, outcome);
    match line.oldest_tls() {
        Some(oldest) if same_level => {
            format!("this domain may use TLS as old as {oldest}; nothing else changes")
        }
        Some(oldest) => format!("{lost}; this domain may use TLS as old as {oldest}"),
        None => lost.to_owned(),
    }
}

/// What is missing at this level.
fn lost(policy: SecurityLevel, outcome: &Outcome) -> &'static str {
    match policy {
        SecurityLevel::Dane => {
            "DANE still applies to hosts where it is complete; other hosts get mail without it"
        }
        SecurityLevel::Secure | SecurityLevel::Verify => {
            "a trusted CA still proves who the server is, but only DNS says which server is right"
        }
        SecurityLevel::Encrypt => "TLS stays, but nothing proves who answers",
        // The server does not offer TLS, or it does not work.
        SecurityLevel::May if outcome.channel == Some(Channel::Plaintext) && !outcome.varies => {
            "everybody on the way can read the mail"
        }
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
                entry: override_of(evidence, line),
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
