//! Whether an override is still needed, given what was observed: a function
//! of its arguments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::Note;
use crate::judge::{
    Action, Channel, Delivery, Horizon, Judged, Outcome, SecurityLevel, Verdict, judge_for,
};
use crate::observation::Observation;
use crate::report::{Report, printable};
use crate::sender::{PolicyLine, Sender};

/// Where the policy comes from if no table answers.
const MAIN_CF: &str = "main.cf";

/// The word on an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Mail waits without it, and nothing stricter will do.
    Needed,
    /// It asks for more than would be asked for without it, and mail flows:
    /// somebody's own choice.
    Deliberate,
    /// Mail flows without it, as well protected or better.
    NoLongerNeeded,
    /// Something stricter delivers too.
    StricterWouldDo,
    /// Mail waits or bounces all the same.
    NotEnough,
    /// Postfix does not take it as it is meant.
    Malformed,
    /// The same next hop has a line already.
    Duplicate,
    /// No next hop ever comes to it.
    NeverUsed,
    /// It is switched off.
    SwitchedOff,
    /// It could not be told.
    CouldNotTell,
}

impl Word {
    /// The words for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Needed => "still needed",
            Self::Deliberate => "a choice of yours",
            Self::NoLongerNeeded => "no longer needed",
            Self::StricterWouldDo => "stricter would do",
            Self::NotEnough => "not enough",
            Self::Malformed => "malformed",
            Self::Duplicate => "a duplicate",
            Self::NeverUsed => "never used",
            Self::SwitchedOff => "switched off",
            Self::CouldNotTell => "could not tell",
        }
    }
}

/// What is to become of an override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// It stays.
    Leave,
    /// It goes.
    Remove,
    /// This takes its place.
    Replace {
        /// The next hop.
        key: String,
        /// The level and its attributes.
        policy: String,
        /// Since when, why, until when.
        note: Option<Note>,
    },
}

/// What is said of one override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The word.
    pub word: Word,
    /// Why, in a sentence or two.
    pub reason: String,
    /// What is to become of it.
    pub proposal: Proposal,
    /// What becomes of mail with it; none where it was not looked at.
    pub with: Option<Outcome>,
    /// What would become of mail without it.
    pub without: Option<Outcome>,
    /// What to make sure of before a line in its place, that asks for less, is
    /// set.
    pub caution: Option<String>,
}

impl Judgement {
    /// One that stays, without a look.
    pub(super) fn unseen(word: Word, reason: impl Into<String>, proposal: Proposal) -> Self {
        Self {
            word,
            reason: printable(&reason.into()),
            proposal,
            with: None,
            without: None,
            caution: None,
        }
    }
}

/// What surrounds an override: who sends, for when is judged, and the line for
/// a parent domain that counts where this one is not.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Who sends.
    pub sender: &'a Sender,
    /// For when.
    pub horizon: Horizon,
    /// Key and value of the line for a parent domain.
    pub parent: Option<(&'a str, &'a str)>,
    /// Whether danecheck advised the override because DANE failed.
    pub advised: bool,
}

/// The word on a line whose next hop was looked at; nothing in place of the
/// value where no line counts.
pub fn judge_line(observation: &Observation, value: Option<&str>, around: Around<'_>) -> Judgement {
    let judged = judge_for(observation, around.horizon, around.sender);
    let report = Report::new(&judged);
    let case = Case::new(&judged, &report, around);
    match value {
        Some(value) => case.with_line(value),
        None => case.without_line(),
    }
}

/// Why Postfix does not take a value; nothing where it does.
pub(super) fn fault(value: &str, sender: &Sender) -> Option<String> {
    read(value, sender)
        .err()
        .map(|fault| format!("{fault}: mail is deferred with 4.7.5"))
}

/// The value as Postfix takes it.
fn read(value: &str, sender: &Sender) -> Result<PolicyLine, String> {
    let line =
        PolicyLine::parse(value, sender.known_release()).map_err(|fault| fault.to_string())?;
    // "configured at fingerprint security level, but with no fingerprints to
    // match"
    let pins = line.matches.iter().any(|pin| is_pin(pin));
    if line.level == SecurityLevel::Fingerprint && !pins {
        return Err("there is no fingerprint to match".to_owned());
    }
    Ok(line)
}

/// Whether it is bytes in hexadecimal, with or without colons between them.
fn is_pin(text: &str) -> bool {
    let digits = text.bytes().filter(|byte| *byte != b':');
    let in_order = text
        .split(':')
        .all(|group| !group.is_empty() && group.len() % 2 == 0);
    in_order && digits.clone().all(|byte| byte.is_ascii_hexdigit())
}

struct Case<'a> {
    judged: &'a Judged<'a>,
    report: &'a Report,
    around: Around<'a>,
    /// What the sender does without any line of its own.
    own: &'a Outcome,
    /// The line for a parent domain.
    parent: Option<Result<PolicyLine, String>>,
    /// What becomes of mail without this line.
    without: Outcome,
}

impl<'a> Case<'a> {
    fn new(judged: &'a Judged<'a>, report: &'a Report, around: Around<'a>) -> Self {
        let own = &judged.sending.outcome;
        // A table that answers for the name itself is asked before any table
        // is for its parent (`maps_find` in Postfix's `maps.c`).
        let parent = around
            .parent
            .filter(|_| judged.sending.in_force.source == MAIN_CF)
            .map(|(_, value)| read(value, around.sender));
        let without = match &parent {
            None => own.clone(),
            Some(line) => judged.with_line(line.as_ref().ok()),
        };
        Self {
            judged,
            report,
            around,
            own,
            parent,
            without,
        }
    }

    fn is_blind(&self) -> bool {
        self.judged.verdict == Verdict::Indeterminate
    }

    fn action(&self) -> Action {
        self.report.recommendation.action
    }

    /// How much a level asks of the server, at this next hop.
    fn strength(&self, level: SecurityLevel) -> u8 {
        match level {
            SecurityLevel::None => 0,
            SecurityLevel::May => 1,
            SecurityLevel::Encrypt => 2,
            SecurityLevel::Fingerprint | SecurityLevel::Verify | SecurityLevel::Secure => 3,
            SecurityLevel::DaneOnly => 5,
            SecurityLevel::Dane => match self.judged.verdict {
                Verdict::NoDane => 1,
                Verdict::DaneUnusable => 2,
                Verdict::DanePartial => 3,
                _ => 4,
            },
        }
    }

    /// How much is asked without any line.
    fn own_strength(&self) -> u8 {
        let in_force = self.judged.sending.in_force.line.as_ref();
        in_force.map_or(0, |line| self.strength(line.level))
    }

    /// Whether the line for a parent domain asks for less than no line at all
    /// would, or stops mail.
    fn parent_is_weaker(&self) -> bool {
        match &self.parent {
            None => false,
            Some(Err(_)) => true,
            Some(Ok(line)) => {
                !self.without.delivers() || self.strength(line.level) < self.own_strength()
            }
        }
    }

    /// The sender's own policy for this next hop: no line, or one that keeps
    /// the line of a parent domain off.
    fn own_policy(&self) -> Proposal {
        let in_force = &self.judged.sending.in_force;
        if self.parent_is_weaker() && in_force.line.is_ok() {
            Proposal::Replace {
                key: self.key(),
                policy: in_force.text.clone(),
                note: None,
            }
        } else {
            Proposal::Remove
        }
    }

    fn key(&self) -> String {
        self.judged.evidence.observation.next_hop.policy_key()
    }

    /// What there should be for this next hop.
    fn right(&self) -> Proposal {
        let advice = &self.report.recommendation;
        match (advice.action, &advice.entries.mailcow) {
            (Action::Override, Some(row)) => Proposal::Replace {
                key: self.key(),
                policy: format!("{} {}", row.policy, row.parameters)
                    .trim_end()
                    .to_owned(),
                note: Some(self.report.note()),
            },
            (Action::Keep, _) => self.own_policy(),
            _ => Proposal::Leave,
        }
    }

    fn said(&self, word: Word, reason: String, proposal: Proposal, with: Outcome) -> Judgement {
        // What is put in the place of a line that did not do asks for less
        // than was asked for.
        let weakens = matches!(word, Word::NotEnough | Word::Malformed)
            && matches!(proposal, Proposal::Replace { .. });
        Judgement {
            caution: self
                .report
                .recommendation
                .caution
                .clone()
                .filter(|_| weakens),
            word,
            reason: printable(&reason),
            proposal,
            with: Some(with),
            without: Some(self.without.clone()),
        }
    }

    /// Nothing counts for this next hop, whatever the file says.
    fn without_line(&self) -> Judgement {
        let now = self.without.clone();
        let deferred = !now.delivers() && self.action() == Action::Override;
        let (word, proposal) = if deferred && !self.is_blind() {
            (Word::NotEnough, self.right())
        } else {
            (Word::NeverUsed, Proposal::Remove)
        };
        let reason = format!("for {} mail is {}", self.key(), becomes(&now));
        self.said(word, reason, proposal, now)
    }

    fn with_line(&self, value: &str) -> Judgement {
        let line = match read(value, self.around.sender) {
            Ok(line) => line,
            Err(why) => return self.malformed(&why),
        };
        let with = self.judged.with_line(Some(&line));
        if self.is_blind() {
            let reason = format!(
                "nothing could be seen of {}. {}",
                self.key(),
                self.report.recommendation.reason
            );
            return self.said(Word::CouldNotTell, reason, Proposal::Leave, with);
        }
        if !with.is_told() {
            let reason = format!("mail is {}", becomes(&with));
            return self.said(Word::CouldNotTell, reason, Proposal::Leave, with);
        }
        if line.own_trust_anchors {
            let reason = "what its tafile= trusts is not read here".to_owned();
            return self.said(Word::CouldNotTell, reason, Proposal::Leave, with);
        }
        if let Some(why) = &line.late_fault {
            let reason = format!(
                "{why}: no handshake succeeds, and mail is {}",
                becomes(&with)
            );
            return self.said(Word::Malformed, reason, self.mended(), with);
        }
        if !with.delivers() {
            return self.not_enough(&line, with);
        }
        match self.action() {
            Action::Keep => self.beside_what_delivers(&line, with),
            Action::Override => self.beside_what_fails(&line, with),
            Action::NotFixable => self.needed(with),
        }
    }

    /// A line that Postfix does not take never helps, whatever else is known.
    fn malformed(&self, why: &str) -> Judgement {
        let with = self.judged.with_line(None);
        let reason = format!("{why}: mail is {}", becomes(&with));
        self.said(Word::Malformed, reason, self.mended(), with)
    }

    fn mended(&self) -> Proposal {
        match self.right() {
            Proposal::Leave => Proposal::Remove,
            proposal => proposal,
        }
    }

    /// Another line of the same kind that delivers, such as one with the names
    /// or the key of now.
    fn same_kind(&self, line: &PolicyLine) -> Option<Proposal> {
        let alternatives = &self.report.recommendation.alternatives;
        alternatives.iter().find_map(|alternative| {
            let (key, policy) = alternative.postfix.split_once(' ')?;
            let level = read(policy.trim(), self.around.sender).ok()?.level;
            (level == line.level).then(|| Proposal::Replace {
                key: key.to_owned(),
                policy: policy.trim().to_owned(),
                note: Some(self.report.note()),
            })
        })
    }

    fn not_enough(&self, line: &PolicyLine, with: Outcome) -> Judgement {
        let now = becomes(&with);
        let proposal = self.same_kind(line).unwrap_or_else(|| self.right());
        let reason = match &proposal {
            Proposal::Leave => {
                format!("mail is {now}, and no TLS policy makes it flow")
            }
            Proposal::Remove => format!("mail is {now}; without it, mail is {}", becomes(self.own)),
            Proposal::Replace { policy, .. } => format!("mail is {now}; what delivers is {policy}"),
        };
        self.said(Word::NotEnough, reason, proposal, with)
    }

    /// The sender's own policy delivers.
    fn beside_what_delivers(&self, line: &PolicyLine, with: Outcome) -> Judgement {
        let asked = self.strength(line.level);
        let own = self.own_strength();
        let text = becomes(self.own);
        // A CA or a pin in the place of DANE is another promise, not less.
        let other_promise = asked == 3 && own >= 3;
        if (asked > own || other_promise) && !self.around.advised {
            let reason = "mail flows, and would without it; it asks for more than that, or for \
                          another proof. danecheck leaves it alone"
                .to_owned();
            return self.said(Word::Deliberate, reason, Proposal::Leave, with);
        }
        let proposal = self.own_policy();
        if let Proposal::Replace { policy, .. } = &proposal {
            let (key, _) = self.around.parent.unwrap_or_default();
            if asked == own {
                let reason = format!(
                    "it keeps the line for {key} off: mail is {}",
                    becomes(&with)
                );
                return self.said(Word::Needed, reason, Proposal::Leave, with);
            }
            let reason = format!(
                "{policy} delivers too ({text}); without a line, the one for {key} would count"
            );
            return self.said(Word::StricterWouldDo, reason, proposal, with);
        }
        let reason = format!("without it mail is {}", becomes(&self.without));
        self.said(Word::NoLongerNeeded, reason, proposal, with)
    }

    /// The sender's own policy does not deliver, and this line does.
    fn beside_what_fails(&self, line: &PolicyLine, with: Outcome) -> Judgement {
        let Some(best) = self.report.recommendation.policy else {
            return self.needed(with);
        };
        let right = self.right();
        let weaker = self.strength(line.level) < self.strength(best);
        let older = line.level == best && self.allows_older(line, &right);
        if !(weaker || older) {
            return self.needed(with);
        }
        let Proposal::Replace { policy, .. } = &right else {
            return self.needed(with);
        };
        let at_best = read(policy, self.around.sender)
            .map(|line| self.judged.with_line(Some(&line)))
            .unwrap_or_else(|_| with.clone());
        let (then, now) = (becomes(&at_best), becomes(&with));
        let reason = if then == now {
            let more = match best {
                SecurityLevel::May => ", and uses TLS as soon as it works",
                SecurityLevel::Encrypt => ", and insists on TLS",
                _ => "",
            };
            format!("{policy} delivers as well{more}")
        } else {
            format!("with {policy} mail is {then}; now it is {now}")
        };
        self.said(Word::StricterWouldDo, reason, right, with)
    }

    /// Whether the line lets in older TLS than the advised one has to.
    fn allows_older(&self, line: &PolicyLine, right: &Proposal) -> bool {
        let Proposal::Replace { policy, .. } = right else {
            return false;
        };
        let needed = read(policy, self.around.sender)
            .ok()
            .and_then(|line| line.oldest_tls);
        let of_main_cf = match line.level {
            SecurityLevel::None | SecurityLevel::May => self.judged.sending.settings.oldest_at_may,
            _ => self.judged.sending.settings.oldest_above,
        };
        line.oldest_tls
            .is_some_and(|oldest| oldest < needed.unwrap_or(of_main_cf))
    }

    fn needed(&self, with: Outcome) -> Judgement {
        let reason = format!(
            "without any line mail is {}; with this one, {}",
            becomes(self.own),
            becomes(&with)
        );
        self.said(Word::Needed, reason, Proposal::Leave, with)
    }
}

/// An outcome after "mail is".
pub(super) fn becomes(outcome: &Outcome) -> String {
    let how = match outcome.channel {
        Some(Channel::Authenticated) => "in TLS with a server that proves who it is",
        Some(Channel::Encrypted) => "in TLS",
        Some(Channel::Plaintext) | None => "in plain text",
    };
    let why = || {
        [outcome.dsn.as_deref(), outcome.reason.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    };
    match outcome.delivery {
        Delivery::Delivered => format!("delivered {how}"),
        Delivery::DeliveredAfterRetry => format!("delivered {how}, minutes later"),
        Delivery::Deferred => format!("deferred ({})", why()),
        Delivery::Bounced => format!("bounced ({})", why()),
    }
}
