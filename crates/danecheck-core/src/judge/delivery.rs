//! From addresses to an outcome: order, fail-over and limits of
//! `smtp_connect_inet` in Postfix's `smtp_connect.c`.

use std::net::IpAddr;

use super::attempt::Age;
use super::failure::{Attempt, Failure};
use super::outcome::{Channel, Delivery, Outcome, Untold};
use super::route::{Candidate, DeadEnd};

/// `smtp_mx_address_limit`.
pub(crate) const ADDRESS_LIMIT: usize = 5;

/// `smtp_mx_session_limit`: sessions with servers that were ready for mail.
const SESSION_LIMIT: usize = 2;

/// The code of an accepted message; what the server answers to it is outside.
const ACCEPTED: &str = "2.0.0";

/// A search with more different orders than this ends early; its result is the
/// weakest outcome so far.
const ORDER_LIMIT: usize = 20_000;

/// What Postfix gets from one address under one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prospect {
    pub(crate) candidate: Candidate,
    pub(crate) host: String,
    /// If this address is the first of its host to be tried.
    pub(crate) own: Attempts,
    /// After an address of the other family, if that makes a difference: one
    /// delivery uses for all addresses of a host the policy of its first
    /// address (`smtp_tls_policy_cache_query` in `smtp_tls_policy.c`).
    pub(crate) after_other_family: Option<Attempts>,
}

/// The result of one address under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// At the first attempt.
    pub(crate) new: Attempt,
    /// If the message is older than `minimal_backoff_time`.
    pub(crate) deferred: Attempt,
}

impl Attempts {
    fn at(&self, age: Age) -> &Attempt {
        match age {
            Age::New => &self.new,
            Age::Deferred => &self.deferred,
        }
    }
}

/// One way in which a delivery can end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    via: Option<String>,
    result: EndResult,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum EndResult {
    Ready(Channel),
    Soft(Failure),
    Hard(Failure),
    /// What comes after it cannot be told either.
    NotJudged(Untold),
}

/// The outcome over all orders that Postfix may choose.
pub(crate) fn deliver(prospects: &[Prospect]) -> Outcome {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for end in ends(prospects, Age::New) {
        match end.result {
            EndResult::Soft(failure) => {
                for retry in ends(prospects, Age::Deferred) {
                    outcomes.push(after_retry(&failure, retry));
                }
            }
            EndResult::Ready(channel) => outcomes.push(Outcome {
                delivery: Delivery::Delivered,
                channel: Some(channel),
                via: end.via,
                dsn: Some(ACCEPTED.to_owned()),
                reason: None,
                varies: false,
            }),
            EndResult::Hard(failure) => outcomes.push(ended(failure)),
            EndResult::NotJudged(why) => return Outcome::not_told(why),
        }
    }
    if let Some(not_told) = outcomes.iter().find(|outcome| !outcome.is_told()) {
        return not_told.clone();
    }
    let strength = |outcome: &Outcome| (outcome.delivery, outcome.channel);
    let varies = outcomes.first().is_some_and(|first| {
        outcomes
            .iter()
            .any(|other| strength(other) != strength(first))
    });
    // min_by_key keeps the first of equals: the most preferred host.
    outcomes
        .into_iter()
        .min_by_key(strength)
        .map(|outcome| Outcome { varies, ..outcome })
        .unwrap_or_else(no_address_tried)
}

/// The outcome if there was no address to try.
pub(crate) fn dead_end(end: &DeadEnd) -> Outcome {
    ended(Failure::new(end.dsn, end.reason.clone()))
}

/// The outcome if a failure ends the delivery, as its code says.
pub(crate) fn ended(failure: Failure) -> Outcome {
    let delivery = if failure.dsn.starts_with('4') {
        Delivery::Deferred
    } else {
        Delivery::Bounced
    };
    failed(delivery, failure)
}

fn no_address_tried() -> Outcome {
    failed(
        Delivery::Deferred,
        Failure::new("4.3.0", "server unavailable or unable to receive mail"),
    )
}

fn failed(delivery: Delivery, failure: Failure) -> Outcome {
    Outcome {
        delivery,
        channel: None,
        via: None,
        dsn: Some(failure.dsn),
        reason: Some(failure.reason),
        varies: false,
    }
}

fn after_retry(first: &Failure, retry: End) -> Outcome {
    match retry.result {
        EndResult::Ready(channel) => Outcome {
            delivery: Delivery::DeliveredAfterRetry,
            channel: Some(channel),
            via: retry.via,
            dsn: Some(ACCEPTED.to_owned()),
            reason: Some(first.reason.clone()),
            varies: false,
        },
        EndResult::Soft(failure) => failed(Delivery::Deferred, failure),
        EndResult::Hard(failure) => ended(failure),
        EndResult::NotJudged(why) => Outcome::not_told(why),
    }
}

/// Every end to which some order of equals leads, each once.
fn ends(prospects: &[Prospect], age: Age) -> Vec<End> {
    let mut search = Search {
        prospects,
        age,
        ends: Vec::new(),
        budget: ORDER_LIMIT,
    };
    let open: Vec<usize> = (0..prospects.len()).collect();
    let addresses = prospects.iter().map(|prospect| prospect.candidate.ip);
    search.step(&open, &[], Quota::of(addresses), None);
    search.ends
}

/// `smtp_balance_inet_proto`: how many addresses of each family Postfix keeps
/// if there are both families and together they exceed the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quota {
    /// No balancing.
    Unlimited,
    /// Many of both: the family of the first address gets the extra one.
    FirstDecides,
    /// This many of each are still kept.
    Left { v4: usize, v6: usize },
}

impl Quota {
    fn of(addresses: impl Iterator<Item = IpAddr>) -> Self {
        let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = addresses.partition(IpAddr::is_ipv6);
        let (v4, v6) = (v4.len(), v6.len());
        if v4 == 0 || v6 == 0 || v4 + v6 <= ADDRESS_LIMIT {
            Self::Unlimited
        } else if v6 <= ADDRESS_LIMIT / 2 {
            Self::Left {
                v4: ADDRESS_LIMIT - v6,
                v6,
            }
        } else if v4 <= ADDRESS_LIMIT / 2 {
            Self::Left {
                v4,
                v6: ADDRESS_LIMIT - v4,
            }
        } else {
            Self::FirstDecides
        }
    }

    /// The most addresses of this family that are ever kept.
    fn most(self, is_ipv4: bool) -> usize {
        match self {
            Self::Unlimited => ADDRESS_LIMIT,
            Self::FirstDecides => ADDRESS_LIMIT.div_ceil(2),
            Self::Left { v4, .. } if is_ipv4 => v4,
            Self::Left { v6, .. } => v6,
        }
    }

    /// The rest after this address; `None` if it is not kept.
    fn take(self, ip: IpAddr) -> Option<Self> {
        match self {
            Self::Unlimited => Some(self),
            Self::FirstDecides => {
                let v4 = (ADDRESS_LIMIT + usize::from(ip.is_ipv4())) / 2;
                Self::Left {
                    v4,
                    v6: ADDRESS_LIMIT - v4,
                }
                .take(ip)
            }
            Self::Left { v4, v6 } if ip.is_ipv4() => Some(Self::Left {
                v4: v4.checked_sub(1)?,
                v6,
            }),
            Self::Left { v4, v6 } => Some(Self::Left {
                v4,
                v6: v6.checked_sub(1)?,
            }),
        }
    }
}

/// The addresses that Postfix tries in no order: enough others of their family
/// are preferred to them.
pub(crate) fn never_tried(candidates: &[Candidate]) -> impl Iterator<Item = &Candidate> {
    let quota = Quota::of(candidates.iter().map(|one| one.ip));
    candidates.iter().filter(move |one| {
        let before = candidates.iter().filter(|other| {
            let counts = quota == Quota::Unlimited || other.ip.is_ipv4() == one.ip.is_ipv4();
            counts && other.preference < one.preference
        });
        before.count() >= quota.most(one.ip.is_ipv4())
    })
}

fn same_family(one: &Prospect, other: &Prospect) -> bool {
    one.candidate.ip.is_ipv4() == other.candidate.ip.is_ipv4()
}

struct Search<'a> {
    prospects: &'a [Prospect],
    age: Age,
    ends: Vec<End>,
    budget: usize,
}

impl Search<'_> {
    /// The result of this address after those already tried.
    fn attempt<'p>(&self, prospect: &'p Prospect, tried: &[usize]) -> &'p Attempt {
        let first_of_host = tried
            .iter()
            .filter_map(|index| self.prospects.get(*index))
            .find(|other| other.candidate.host == prospect.candidate.host);
        let attempts = match (first_of_host, &prospect.after_other_family) {
            (Some(first), Some(other)) if !same_family(first, prospect) => other,
            _ => &prospect.own,
        };
        attempts.at(self.age)
    }

    /// How many of those tried were ready for mail.
    fn sessions(&self, tried: &[usize]) -> usize {
        let counted = tried.iter().enumerate().filter(|(place, index)| {
            let before = tried.get(..*place).unwrap_or_default();
            self.prospects
                .get(**index)
                .is_some_and(|one| matches!(self.attempt(one, before), Attempt::Counted(_)))
        });
        counted.count()
    }

    fn step(&mut self, open: &[usize], tried: &[usize], quota: Quota, last: Option<&Failure>) {
        self.budget = self.budget.saturating_sub(1);
        let next = self.choices(open, tried, quota);
        let over = tried.len() == ADDRESS_LIMIT || self.sessions(tried) == SESSION_LIMIT;
        if over || next.is_empty() || self.budget == 0 {
            if let Some(failure) = last {
                self.end(None, EndResult::Soft(failure.clone()));
            }
            return;
        }
        let prospects = self.prospects;
        for (index, quota) in next {
            let Some(prospect) = prospects.get(index) else {
                continue;
            };
            match self.attempt(prospect, tried) {
                Attempt::Ready(channel) => {
                    self.end(Some(prospect.host.clone()), EndResult::Ready(*channel));
                }
                Attempt::Hard(failure) => self.end(None, EndResult::Hard(failure.clone())),
                Attempt::NotJudged(why) => self.end(None, EndResult::NotJudged(*why)),
                Attempt::Soft(failure) | Attempt::Counted(failure) => {
                    let rest: Vec<usize> = open
                        .iter()
                        .copied()
                        .filter(|other| *other != index)
                        .collect();
                    let tried = [tried, &[index]].concat();
                    self.step(&rest, &tried, quota, Some(failure));
                }
            }
        }
    }

    /// The addresses that may come next: the kept ones of the best preference,
    /// each kind of equals once.
    fn choices(&self, open: &[usize], tried: &[usize], quota: Quota) -> Vec<(usize, Quota)> {
        let kept: Vec<(usize, Quota, &Prospect)> = open
            .iter()
            .filter_map(|index| {
                let prospect = self.prospects.get(*index)?;
                Some((*index, quota.take(prospect.candidate.ip)?, prospect))
            })
            .collect();
        let best = kept.iter().map(|(_, _, p)| p.candidate.preference).min();
        let mut choices: Vec<(usize, Quota, &Prospect)> = Vec::new();
        for choice in kept {
            let (_, _, prospect) = &choice;
            let known = choices.iter().any(|(_, _, other)| {
                let equal_in_what_follows = other.candidate.host == prospect.candidate.host
                    || (other.after_other_family.is_none()
                        && prospect.after_other_family.is_none());
                same_family(other, prospect)
                    && equal_in_what_follows
                    && self
                        .attempt(other, tried)
                        .leads_where(self.attempt(prospect, tried))
            });
            if Some(prospect.candidate.preference) == best && !known {
                choices.push(choice);
            }
        }
        choices
            .into_iter()
            .map(|(index, quota, _)| (index, quota))
            .collect()
    }

    fn end(&mut self, via: Option<String>, result: EndResult) {
        let end = End { via, result };
        if !self.ends.contains(&end) {
            self.ends.push(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prospect(ip: &str, preference: u16, attempt: Attempt) -> Prospect {
        Prospect {
            candidate: Candidate {
                host: 0,
                address: 0,
                preference,
                ip: ip.parse().unwrap(),
            },
            host: format!("mx-{ip}"),
            own: attempts(attempt),
            after_other_family: None,
        }
    }

    fn attempts(attempt: Attempt) -> Attempts {
        Attempts {
            new: attempt.clone(),
            deferred: attempt,
        }
    }

    fn soft(reason: &str) -> Attempt {
        Attempt::Soft(Failure::new("4.7.5", reason))
    }

    #[test]
    fn a_soft_failure_goes_on_to_the_next_preference() {
        let outcome = deliver(&[
            prospect("192.0.2.1", 10, soft("a")),
            prospect("192.0.2.2", 20, Attempt::Ready(Channel::Encrypted)),
        ]);
        assert_eq!(outcome.delivery, Delivery::Delivered);
        assert_eq!(outcome.via.as_deref(), Some("mx-192.0.2.2"));
        assert!(!outcome.varies);
    }

    #[test]
    fn a_hard_failure_bounces_although_another_host_would_take_it() {
        let outcome = deliver(&[
            prospect("192.0.2.1", 10, Attempt::Hard(Failure::new("5.7.0", "no"))),
            prospect("192.0.2.2", 20, Attempt::Ready(Channel::Encrypted)),
        ]);
        assert_eq!(outcome.delivery, Delivery::Bounced);
        assert_eq!(outcome.dsn.as_deref(), Some("5.7.0"));
    }

    #[test]
    fn among_equals_the_weakest_counts_and_the_outcome_varies() {
        let outcome = deliver(&[
            prospect("192.0.2.1", 10, Attempt::Ready(Channel::Authenticated)),
            prospect("192.0.2.2", 10, Attempt::Ready(Channel::Plaintext)),
        ]);
        assert_eq!(outcome.channel, Some(Channel::Plaintext));
        assert!(outcome.varies);
    }

    #[test]
    fn after_two_sessions_that_were_ready_for_mail_no_other_is_tried() {
        let lost = || Attempt::Counted(Failure::new("4.4.2", "lost"));
        let ready = || prospect("192.0.2.9", 90, Attempt::Ready(Channel::Encrypted));
        let outcome = deliver(&[
            prospect("192.0.2.1", 10, lost()),
            prospect("192.0.2.2", 20, lost()),
            ready(),
        ]);
        assert_eq!(outcome.delivery, Delivery::Deferred);
        let outcome = deliver(&[
            prospect("192.0.2.1", 10, lost()),
            prospect("192.0.2.2", 20, soft("no TLS")),
            ready(),
        ]);
        assert_eq!(outcome.delivery, Delivery::Delivered);
    }

    #[test]
    fn the_sixth_address_is_never_tried() {
        let mut prospects: Vec<Prospect> = (1..=5)
            .map(|n| prospect(&format!("192.0.2.{n}"), n, soft("no")))
            .collect();
        prospects.push(prospect(
            "192.0.2.6",
            60,
            Attempt::Ready(Channel::Encrypted),
        ));
        assert_eq!(deliver(&prospects).delivery, Delivery::Deferred);
    }

    #[test]
    fn the_last_failure_is_the_one_that_is_reported() {
        let outcome = deliver(&[
            prospect("192.0.2.1", 10, soft("first")),
            prospect("192.0.2.2", 20, soft("last")),
        ]);
        assert_eq!(outcome.reason.as_deref(), Some("last"));
    }

    #[test]
    fn both_families_get_their_share_of_the_five() {
        // Five IPv6 addresses come first by preference and fail; without the
        // balance the IPv4 address would never be tried.
        let mut prospects: Vec<Prospect> = (1..=5)
            .map(|n| prospect(&format!("2001:db8::{n}"), 10, soft("no")))
            .collect();
        prospects.push(prospect(
            "192.0.2.1",
            20,
            Attempt::Ready(Channel::Encrypted),
        ));
        assert_eq!(deliver(&prospects).delivery, Delivery::Delivered);
    }

    #[test]
    fn a_host_keeps_the_policy_of_the_address_that_was_tried_first() {
        // Only IPv6 is secure, so level dane-only refuses the host, with both
        // addresses, if IPv4 comes first.
        let refused = soft("no TLSA records found");
        let mut v6 = prospect("2001:db8::1", 10, Attempt::Ready(Channel::Authenticated));
        v6.after_other_family = Some(attempts(refused.clone()));
        let mut v4 = prospect("192.0.2.1", 10, refused);
        v4.after_other_family = Some(attempts(Attempt::Ready(Channel::Authenticated)));
        let outcome = deliver(&[v6, v4]);
        assert_eq!(outcome.delivery, Delivery::Deferred);
        assert!(outcome.varies);
    }

    #[test]
    fn the_policy_of_one_host_is_not_that_of_another() {
        let refused = soft("no TLSA records found");
        let v4 = prospect("192.0.2.1", 10, refused.clone());
        let mut v6 = prospect("2001:db8::1", 10, Attempt::Ready(Channel::Authenticated));
        v6.candidate.host = 1;
        v6.after_other_family = Some(attempts(refused));
        assert_eq!(deliver(&[v4, v6]).delivery, Delivery::Delivered);
    }

    #[test]
    fn sixty_equal_addresses_are_judged_at_once() {
        let prospects: Vec<Prospect> = (1..=60)
            .map(|n| prospect(&format!("192.0.2.{n}"), 10, soft(&format!("no {n}"))))
            .collect();
        assert_eq!(deliver(&prospects).delivery, Delivery::Deferred);
    }
}
