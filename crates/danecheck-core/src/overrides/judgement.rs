//! Whether an override is still needed, given what was observed: a function
//! of its arguments.

use crate::diagnosis::{Diagnosis, Question};
use crate::judge::{Action, Channel, Delivery, Horizon, Judged, LOOKS_THE_SAME, Outcome, Verdict};
use crate::observation::Observation;
use crate::postfix::{Comparison, Override, PolicyLine, SecurityLevel};
use crate::sender::Sender;

use super::status::{Judgement, OverrideStatus, Proposal};

/// The source of the policy if no table answers.
const MAIN_CF: &str = "main.cf";

/// The surroundings of an override: the sender, the moment of the judgement,
/// and the line for a parent domain that counts without this one.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The sender.
    pub sender: &'a Sender,
    /// The moment.
    pub horizon: Horizon,
    /// Key and value of the line for a parent domain.
    pub parent: Option<(&'a str, &'a str)>,
    /// Whether danecheck advised the override because DANE failed.
    pub advised: bool,
}

/// The result for a line whose next hop was checked; the value is `None` if no
/// line counts.
pub fn judge_line(observation: &Observation, value: Option<&str>, around: Around<'_>) -> Judgement {
    Case::new(&diagnosis(observation, around), around).judge(value)
}

/// The results for several lines for one next hop, each as if it were alone.
pub fn judge_lines(
    observation: &Observation,
    values: &[Option<&str>],
    around: Around<'_>,
) -> Vec<Judgement> {
    let diagnosis = diagnosis(observation, around);
    let case = Case::new(&diagnosis, around);
    values.iter().map(|value| case.judge(*value)).collect()
}

fn diagnosis<'a>(observation: &'a Observation, around: Around<'_>) -> Diagnosis<'a> {
    Diagnosis::of(&Question {
        horizon: around.horizon,
        sender: around.sender.clone(),
        ..Question::of(observation)
    })
}

/// Why Postfix rejects a value; `None` if it accepts it.
pub(super) fn fault(value: &str, sender: &Sender) -> Option<String> {
    read(value, sender)
        .err()
        .map(|fault| format!("{fault}: mail is deferred with 4.7.5"))
}

/// The value as Postfix reads it.
pub(super) fn read(value: &str, sender: &Sender) -> Result<PolicyLine, String> {
    let line =
        PolicyLine::parse(value, sender.known_release()).map_err(|fault| fault.to_string())?;
    match lacks_pins(&line) {
        true => Err("there is no fingerprint to match".to_owned()),
        false => Ok(line),
    }
}

/// Whether Postfix rejects it with "configured at fingerprint security level,
/// but with no fingerprints to match".
fn lacks_pins(line: &PolicyLine) -> bool {
    line.level == SecurityLevel::Fingerprint && !line.matches.iter().any(|pin| is_pin(pin))
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
    diagnosis: &'a Diagnosis<'a>,
    judged: &'a Judged<'a>,
    around: Around<'a>,
    /// What the sender does without any line in its table.
    own: &'a Outcome,
    /// The line for a parent domain.
    parent: Option<Result<PolicyLine, String>>,
    /// What the comparison of lines for this next hop depends on.
    comparison: Comparison,
    /// What happens to mail without this line.
    without: Outcome,
}

impl<'a> Case<'a> {
    fn new(diagnosis: &'a Diagnosis<'a>, around: Around<'a>) -> Self {
        let judged = &diagnosis.judged;
        let own = &judged.sending.outcome;
        // Postfix asks all tables for the name itself before it asks any for
        // its parent (`maps_find` in Postfix's `maps.c`).
        let parent = around
            .parent
            .filter(|_| judged.sending.in_force.source == MAIN_CF)
            .map(|(_, value)| read(value, around.sender));
        let without = match &parent {
            None => own.clone(),
            Some(line) => judged.with_line(line.as_ref().ok()),
        };
        Self {
            diagnosis,
            judged,
            around,
            own,
            parent,
            comparison: judged.comparison(),
            without,
        }
    }

    fn judge(&self, value: Option<&str>) -> Judgement {
        match value {
            Some(value) => self.with_line(value),
            None => self.without_line(),
        }
    }

    fn is_blind(&self) -> bool {
        self.judged.verdict == Verdict::Indeterminate
    }

    fn action(&self) -> Action {
        self.judged.recommendation.action
    }

    /// The policy without any line.
    fn own_line(&self) -> Option<&PolicyLine> {
        self.judged.sending.in_force.policy.line.as_ref().ok()
    }

    /// The policy without this line.
    fn line_without(&self) -> Option<&PolicyLine> {
        match &self.parent {
            None => self.own_line(),
            Some(line) => line.as_ref().ok(),
        }
    }

    /// Whether the line for a parent domain asks for less than no line would,
    /// or stops mail.
    fn parent_is_weaker(&self) -> bool {
        match &self.parent {
            None => false,
            Some(Err(_)) => true,
            Some(Ok(line)) => {
                !self.without.delivers() || self.comparison.is_weaker(Some(line), self.own_line())
            }
        }
    }

    /// The sender's own policy for this next hop: no line, or a line that keeps
    /// the line of a parent domain from counting.
    fn own_policy(&self) -> Proposal {
        let in_force = &self.judged.sending.in_force;
        match &in_force.policy.line {
            Ok(line) if self.parent_is_weaker() => Proposal::Replace {
                entry: Box::new(Override {
                    next_hop: self.key(),
                    line: line.clone(),
                }),
                note: None,
            },
            _ => Proposal::Remove,
        }
    }

    /// Whether the sender accepts a line as it is written.
    fn takes(&self, line: &PolicyLine) -> bool {
        line.is_taken_by(self.around.sender.known_release()) && !lacks_pins(line)
    }

    fn key(&self) -> String {
        self.judged.evidence.observation.next_hop.policy_key()
    }

    /// The line that this next hop should have.
    fn right(&self) -> Proposal {
        let advice = &self.judged.recommendation;
        match (advice.action, &advice.entry) {
            (Action::Override, Some(entry)) => Proposal::Replace {
                entry: Box::new(entry.clone()),
                note: Some(self.diagnosis.note()),
            },
            (Action::Keep, _) => self.own_policy(),
            _ => Proposal::Leave,
        }
    }

    /// The result for the policy in force, `before`, with a caution if the
    /// proposed line asks for less.
    fn said(
        &self,
        word: OverrideStatus,
        reason: String,
        proposal: Proposal,
        before: Option<&PolicyLine>,
        with: Outcome,
    ) -> Judgement {
        let after = match &proposal {
            Proposal::Leave => None,
            Proposal::Remove => Some(self.line_without().cloned()),
            Proposal::Replace { entry, .. } => {
                Some(Some(&entry.line).filter(|line| self.takes(line)).cloned())
            }
        };
        let weaker = after.as_ref().is_some_and(|after| {
            self.comparison.is_weaker(after.as_ref(), before)
                || self.judged.with_line(after.as_ref()).is_weaker_than(&with)
        });
        let caution = weaker.then(|| self.caution(before, after.flatten().as_ref(), &with));
        let judgement = Judgement {
            with: Some(with),
            without: Some(self.without.clone()),
            ..Judgement::unseen(word, reason, proposal)
        };
        match caution {
            Some(caution) => judgement.weakening(caution),
            None => judgement,
        }
    }

    /// What to check before the line asks for less.
    fn caution(
        &self,
        before: Option<&PolicyLine>,
        after: Option<&PolicyLine>,
        with: &Outcome,
    ) -> String {
        let Some(before) = before.filter(|line| line.late_fault.is_none()) else {
            return format!(
                "It stops mail to {} now, and danecheck does not know what it was meant to \
                 require: write it again as you meant it.",
                self.key()
            );
        };
        let after = after.map_or("the policy without it", |line| line.level.as_str());
        let less = match after == before.level.as_str() {
            true => format!("Another {after} accepts what this line rejects."),
            false => format!("Afterwards {after} applies instead of {}.", before.level),
        };
        let own = with.delivers() || self.judged.is_the_servers_own(before);
        let check = match own {
            true => "Make sure that you do not need what this line requires.",
            false => LOOKS_THE_SAME,
        };
        self.judged.first_wait(with, format!("{less} {check}"))
    }

    /// No line counts for this next hop, whatever the file says.
    fn without_line(&self) -> Judgement {
        let now = self.without.clone();
        let deferred = !now.delivers() && self.action() == Action::Override;
        let (word, proposal) = if deferred && !self.is_blind() {
            (OverrideStatus::NotEnough, self.right())
        } else {
            (OverrideStatus::NeverUsed, Proposal::Remove)
        };
        let reason = format!("for {} mail is {}", self.key(), becomes(&now));
        self.said(word, reason, proposal, self.line_without(), now)
    }

    fn with_line(&self, value: &str) -> Judgement {
        let line = match read(value, self.around.sender) {
            Ok(line) => line,
            Err(why) => return self.malformed(&why),
        };
        let with = self.judged.with_line(Some(&line));
        let said =
            |word, reason, proposal, with| self.said(word, reason, proposal, Some(&line), with);
        if self.is_blind() {
            let reason = format!(
                "danecheck could not check {}. {}",
                self.key(),
                self.judged.recommendation.reason
            );
            return said(OverrideStatus::CouldNotTell, reason, Proposal::Leave, with);
        }
        if with.waits_for_a_hello() {
            let reason = "danecheck could not send the ClientHello that the line asks for: its \
                          result may differ from that of the usual one";
            return said(
                OverrideStatus::CouldNotTell,
                reason.to_owned(),
                Proposal::Leave,
                with,
            );
        }
        if !with.is_told() {
            let reason = format!("mail is {}", becomes(&with));
            return said(OverrideStatus::CouldNotTell, reason, Proposal::Leave, with);
        }
        if !line.trust_anchors.is_empty() {
            let reason = "danecheck does not read what its tafile= trusts".to_owned();
            return said(OverrideStatus::CouldNotTell, reason, Proposal::Leave, with);
        }
        if let Some(why) = &line.late_fault {
            let reason = format!(
                "{why}: no handshake succeeds, and mail is {}",
                becomes(&with)
            );
            return said(OverrideStatus::Malformed, reason, self.in_order(), with);
        }
        if !with.delivers() {
            return self.not_enough(&line, with);
        }
        match self.action() {
            Action::Keep => self.beside_what_delivers(&line, with),
            Action::Override => self.beside_what_fails(&line, with),
            Action::NotFixable => self.needed(&line, with),
        }
    }

    /// A line that Postfix rejects never helps.
    fn malformed(&self, why: &str) -> Judgement {
        let with = self.judged.with_line(None);
        let reason = format!("{why}: mail is {}", becomes(&with));
        self.said(
            OverrideStatus::Malformed,
            reason,
            self.in_order(),
            None,
            with,
        )
    }

    /// The line that should replace one that Postfix rejects.
    fn in_order(&self) -> Proposal {
        match self.right() {
            Proposal::Leave => Proposal::Remove,
            proposal => proposal,
        }
    }

    /// Another line of the same kind that delivers, such as one with the names
    /// or the key of now.
    fn same_kind(&self, line: &PolicyLine) -> Option<Proposal> {
        let alternatives = &self.judged.recommendation.alternatives;
        let same = alternatives.iter().find(|alternative| {
            let other = &alternative.entry.line;
            other.level == line.level && self.takes(other)
        });
        same.map(|alternative| Proposal::Replace {
            entry: Box::new(alternative.entry.clone()),
            note: Some(self.diagnosis.note()),
        })
    }

    fn not_enough(&self, line: &PolicyLine, with: Outcome) -> Judgement {
        let now = becomes(&with);
        let proposal = self.same_kind(line).unwrap_or_else(|| self.right());
        let job = self.job(line);
        let reason = match &proposal {
            Proposal::Leave => {
                format!("mail is {now}, and no TLS policy delivers it")
            }
            Proposal::Remove => {
                let text = becomes(&self.without);
                format!("mail is {now}{job}; without it, mail is {text}")
            }
            Proposal::Replace { entry, .. } => {
                format!("mail is {now}{job}; {} delivers", entry.line)
            }
        };
        self.said(
            OverrideStatus::NotEnough,
            reason,
            proposal,
            Some(line),
            with,
        )
    }

    /// Said about a line that stops mail because it does its job.
    fn job(&self, line: &PolicyLine) -> &'static str {
        if self.judged.is_the_servers_own(line) {
            return "";
        }
        match line.level {
            SecurityLevel::None | SecurityLevel::May => "",
            SecurityLevel::Dane if !self.judged.tlsa_in_play() => "",
            SecurityLevel::Encrypt => ". The line does its job: no mail goes without TLS",
            SecurityLevel::Dane => {
                ". The line does its job: no mail goes without what DANE requires"
            }
            _ => ". The line does its job: no mail goes to a server that does not prove who it is",
        }
    }

    /// The sender's own policy delivers.
    fn beside_what_delivers(&self, line: &PolicyLine, with: Outcome) -> Judgement {
        let own = self.own_line();
        let said =
            |word, reason, proposal, with| self.said(word, reason, proposal, Some(line), with);
        let text = becomes(self.own);
        // A CA or a pin in place of DANE is a different proof, not a weaker
        // one.
        let asks_for_more = self.comparison.is_weaker(own, Some(line));
        if asks_for_more && !self.around.advised {
            let reason = "mail flows with and without it, but it asks for more, or for another \
                          proof. danecheck does not change it"
                .to_owned();
            return said(OverrideStatus::Deliberate, reason, Proposal::Leave, with);
        }
        let proposal = self.own_policy();
        if let Proposal::Replace { entry, .. } = &proposal {
            let policy = &entry.line;
            let (key, _) = self.around.parent.unwrap_or_default();
            if !asks_for_more && !self.comparison.is_weaker(Some(line), own) {
                let reason = format!(
                    "it overrides the line for {key}: mail is {}",
                    becomes(&with)
                );
                return said(OverrideStatus::Needed, reason, Proposal::Leave, with);
            }
            let reason = format!(
                "{policy} delivers too ({text}); without a line, the one for {key} would count"
            );
            return said(OverrideStatus::StricterWouldDo, reason, proposal, with);
        }
        let reason = format!("without it mail is {}", becomes(&self.without));
        said(OverrideStatus::NoLongerNeeded, reason, proposal, with)
    }

    /// The sender's own policy does not deliver, and this line does.
    fn beside_what_fails(&self, line: &PolicyLine, with: Outcome) -> Judgement {
        let right = self.right();
        let Proposal::Replace { entry, .. } = &right else {
            return self.needed(line, with);
        };
        let best = &entry.line;
        if !self.takes(best) || !self.comparison.is_stricter(Some(best), Some(line)) {
            return self.needed(line, with);
        }
        let at_best = self.judged.with_line(Some(best));
        let (then, now) = (becomes(&at_best), becomes(&with));
        let reason = if then == now {
            let more = match best.level {
                SecurityLevel::May => ", and uses TLS as soon as it works",
                SecurityLevel::Encrypt => ", and requires TLS",
                _ => "",
            };
            format!("{best} delivers as well{more}")
        } else {
            format!("with {best} mail is {then}; now it is {now}")
        };
        self.said(
            OverrideStatus::StricterWouldDo,
            reason,
            right,
            Some(line),
            with,
        )
    }

    fn needed(&self, line: &PolicyLine, with: Outcome) -> Judgement {
        let reason = format!(
            "without any line mail is {}; with this one, {}",
            becomes(self.own),
            becomes(&with)
        );
        self.said(
            OverrideStatus::Needed,
            reason,
            Proposal::Leave,
            Some(line),
            with,
        )
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
