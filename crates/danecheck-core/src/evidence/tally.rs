//! What was read so far, counted: within bounds, whatever comes.

use std::collections::HashMap;

use crate::postfix::Mail;
use crate::text::printable;
use crate::unix_time::UnixTime;

use super::cause::{CAUSES, Cause, Concern};
use super::destination::{Certainty, Destination};
use super::later::Deferred;
use super::triage::{Explained, NextHopCount, WaitingNextHop};

/// Next hops that are counted by name, for each cause and in all.
pub(super) const NEXT_HOPS: usize = 500;

/// Values of `tls=` and of `dsn=` that are reported for each cause.
const VALUES: usize = 8;

/// Hosts that are named for each next hop.
const HOSTS: usize = 8;

/// Senders and recipients that are kept for each next hop.
const ADDRESSES: usize = 8;

/// Bytes of the longest next hop: a name, brackets and a port, or a socket.
const LONGEST_NAME: usize = 270;

/// What happened to a recipient's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It waits.
    Deferred,
    /// It was returned.
    Bounced,
}

/// One recipient's mail that was not delivered.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) destination: &'a Destination<'a>,
    pub(super) outcome: Outcome,
    pub(super) cause: Option<&'static Cause>,
    pub(super) dsn: Option<&'a str>,
    pub(super) tls: Option<&'a str>,
    /// Since when it waits.
    pub(super) since: Option<UnixTime>,
    pub(super) sample: &'a str,
    pub(super) envelope: Envelope<'a>,
}

/// Who wrote to whom, as far as the evidence says; an empty sender is the null
/// sender.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) sender: Option<&'a str>,
    pub(super) recipient: Option<&'a str>,
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    by_cause: HashMap<&'static str, Count>,
    next_hops: HashMap<String, Hop>,
    unnamed: u64,
    pub(super) other: u64,
    /// Recipients whose mail was deferred and delivered later.
    pub(super) delivered_later: u64,
    /// Mail that nobody tried to deliver yet.
    pub(super) untried: u64,
    /// A transport or a notice of mailcow's own was seen.
    pub(super) of_mailcow: bool,
    /// Samples of other reasons.
    pub(super) other_sample: Option<String>,
}

#[derive(Debug, Default)]
struct Count {
    deferred: u64,
    bounced: u64,
    remarks: u64,
    next_hops: Names,
    warned: Names,
    codes: Vec<String>,
    levels: Vec<String>,
    sample: String,
    since: Option<UnixTime>,
}

/// Next hops by name, up to a bound.
#[derive(Debug, Default)]
struct Names {
    named: HashMap<String, u64>,
    unnamed: u64,
}

#[derive(Debug)]
struct Hop {
    deferred: u64,
    bounced: u64,
    causes: Vec<(&'static Cause, u64)>,
    certainty: Certainty,
    hosts: Vec<String>,
    since: Option<UnixTime>,
    mail: Mail,
}

impl Tally {
    /// Counts one recipient's mail.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        let Some(cause) = record.cause else {
            self.other += 1;
            if self.other_sample.is_none() {
                self.other_sample = Some(printable(record.sample));
            }
            return;
        };
        let name = record.destination.name.as_deref();
        let count = self.by_cause.entry(cause.id).or_default();
        match record.outcome {
            Outcome::Deferred => count.deferred += 1,
            Outcome::Bounced => count.bounced += 1,
        }
        count.next_hops.add(name);
        keep(&mut count.codes, record.dsn);
        keep(&mut count.levels, record.tls);
        count.keep_sample(record.sample);
        count.since = earlier(count.since, record.since);
        if cause.concerns_dns_or_tls() {
            self.next_hop(cause, record);
        }
    }

    fn next_hop(&mut self, cause: &'static Cause, record: &Record<'_>) {
        let destination = record.destination;
        let Some(name) = destination
            .name
            .as_deref()
            .filter(|name| name.len() <= LONGEST_NAME)
        else {
            self.unnamed += 1;
            return;
        };
        if let Some(hop) = self.next_hops.get_mut(name) {
            hop.add(cause, record);
        } else if self.next_hops.len() < NEXT_HOPS {
            let mut hop = Hop::new(destination.certainty);
            hop.add(cause, record);
            self.next_hops.insert(name.to_owned(), hop);
        } else {
            self.unnamed += 1;
        }
    }

    /// A line that is worth reporting although no mail waits because of it.
    pub(super) fn remark(&mut self, cause: &'static Cause, next_hop: Option<&str>, sample: &str) {
        let count = self.by_cause.entry(cause.id).or_default();
        count.remarks += 1;
        if next_hop.is_some() {
            count.warned.add(next_hop);
        }
        count.keep_sample(sample);
    }

    /// A delivery repeated what was counted as a remark.
    pub(super) fn repeated(&mut self, cause: &'static Cause, next_hop: &str) {
        if let Some(count) = self.by_cause.get_mut(cause.id) {
            count.remarks = count.remarks.saturating_sub(1);
            count.warned.remove(next_hop);
            if count.remarks + count.deferred + count.bounced == 0 {
                self.by_cause.remove(cause.id);
            }
        }
    }

    /// Mail that was deferred was delivered later.
    pub(super) fn delivered_later(&mut self, deferred: &Deferred) {
        self.delivered_later += 1;
        self.ended(deferred);
    }

    /// Mail that was deferred waits no more.
    pub(super) fn ended(&mut self, deferred: &Deferred) {
        let Some(hop) = self.next_hops.get_mut(&deferred.next_hop) else {
            self.unnamed = self.unnamed.saturating_sub(deferred.attempts);
            return;
        };
        hop.deferred = hop.deferred.saturating_sub(deferred.attempts);
        if hop.deferred + hop.bounced == 0 {
            self.next_hops.remove(&deferred.next_hop);
        }
    }

    /// A later line explains a delivery that was counted to another cause.
    pub(super) fn explained_later(
        &mut self,
        before: &'static Cause,
        cause: &'static Cause,
        next_hop: Option<&str>,
        outcome: Outcome,
    ) {
        let Some(old) = self.by_cause.get_mut(before.id) else {
            return;
        };
        match outcome {
            Outcome::Deferred => old.deferred = old.deferred.saturating_sub(1),
            Outcome::Bounced => old.bounced = old.bounced.saturating_sub(1),
        }
        old.next_hops.remove(next_hop.unwrap_or_default());
        let (codes, levels) = (old.codes.clone(), old.levels.clone());
        let sample = old.sample.clone();
        if old.deferred + old.bounced + old.remarks == 0 {
            self.by_cause.remove(before.id);
        }
        let new = self.by_cause.entry(cause.id).or_default();
        match outcome {
            Outcome::Deferred => new.deferred += 1,
            Outcome::Bounced => new.bounced += 1,
        }
        new.next_hops.add(next_hop);
        for code in codes {
            keep(&mut new.codes, Some(&code));
        }
        for level in levels {
            keep(&mut new.levels, Some(&level));
        }
        new.keep_sample(&sample);
        if let Some(hop) = next_hop.and_then(|name| self.next_hops.get_mut(name)) {
            if let Some((_, count)) = hop.causes.iter_mut().find(|(known, _)| *known == before) {
                *count = count.saturating_sub(1);
            }
            hop.causes.retain(|(_, count)| *count > 0);
            match hop.causes.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, count)) => *count += 1,
                None => hop.causes.push((cause, 1)),
            }
        }
    }

    /// The causes, those of TLS and DANE first, the most frequent first.
    pub(super) fn causes(&mut self) -> Vec<Explained> {
        let mut causes: Vec<Explained> = CAUSES
            .iter()
            .filter_map(|cause| Some(self.by_cause.remove(cause.id)?.explained(cause)))
            .collect();
        causes.sort_by_key(|one| {
            let waits = one.deferred + one.bounced;
            (!one.tls, std::cmp::Reverse(waits))
        });
        causes
    }

    /// The next hops, those with the most waiting mail first, and how many
    /// deliveries went elsewhere.
    pub(super) fn next_hops(&mut self) -> (Vec<WaitingNextHop>, u64) {
        let mut hops: Vec<WaitingNextHop> = std::mem::take(&mut self.next_hops)
            .into_iter()
            .map(|(name, hop)| hop.waiting(&name))
            .collect();
        hops.sort_by(|a, b| {
            let waits = |hop: &WaitingNextHop| hop.waiting + hop.returned;
            waits(b).cmp(&waits(a)).then_with(|| a.name.cmp(&b.name))
        });
        (hops, self.unnamed)
    }
}

impl Hop {
    fn new(certainty: Certainty) -> Self {
        Self {
            deferred: 0,
            bounced: 0,
            causes: Vec::new(),
            certainty,
            hosts: Vec::new(),
            since: None,
            mail: Mail::default(),
        }
    }

    fn add(&mut self, cause: &'static Cause, record: &Record<'_>) {
        match record.outcome {
            Outcome::Deferred => self.deferred += 1,
            Outcome::Bounced => self.bounced += 1,
        }
        self.certainty = self.certainty.max(record.destination.certainty);
        match self.causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, count)) => *count += 1,
            None => self.causes.push((cause, 1)),
        }
        keep_up_to(&mut self.hosts, record.destination.host.as_deref(), HOSTS);
        let senders = &mut self.mail.senders;
        keep_up_to(senders, record.envelope.sender, ADDRESSES);
        self.mail.more_senders |= record.envelope.sender.is_some_and(|sender| {
            senders.len() >= ADDRESSES && !senders.iter().any(|it| it == sender)
        });
        keep_up_to(
            &mut self.mail.recipients,
            record.envelope.recipient,
            ADDRESSES,
        );
        self.since = earlier(self.since, record.since);
    }

    fn waiting(mut self, name: &str) -> WaitingNextHop {
        self.causes
            .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        WaitingNextHop {
            name: printable(name),
            waiting: self.deferred,
            returned: self.bounced,
            since: self.since,
            certainty: self.certainty,
            hosts: self.hosts,
            causes: self.causes.iter().map(|(cause, _)| cause.id).collect(),
            verdict: None,
            action: None,
            entries: None,
            caution: None,
            mail: self.mail,
        }
    }
}

impl Names {
    fn add(&mut self, name: Option<&str>) {
        let Some(name) = name else {
            self.unnamed += 1;
            return;
        };
        if let Some(count) = self.named.get_mut(name) {
            *count += 1;
        } else if self.named.len() < NEXT_HOPS && name.len() <= LONGEST_NAME {
            self.named.insert(name.to_owned(), 1);
        } else {
            self.unnamed += 1;
        }
    }

    fn remove(&mut self, name: &str) {
        match self.named.get_mut(name) {
            Some(1) => drop(self.named.remove(name)),
            Some(count) => *count -= 1,
            None => self.unnamed = self.unnamed.saturating_sub(1),
        }
    }

    /// The names, the most frequent first.
    fn sorted(self) -> Vec<NextHopCount> {
        let mut all: Vec<NextHopCount> = self
            .named
            .into_iter()
            .map(|(name, count)| NextHopCount {
                name: printable(&name),
                count,
            })
            .collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        all
    }
}

impl Count {
    fn keep_sample(&mut self, text: &str) {
        if self.sample.is_empty() {
            self.sample = printable(text);
        }
    }

    fn explained(self, cause: &'static Cause) -> Explained {
        let other_next_hops = self.next_hops.unnamed;
        Explained {
            id: cause.id,
            text: cause.text,
            tls: cause.concern == Concern::Tls,
            deferred: self.deferred,
            bounced: self.bounced,
            remarks: self.remarks,
            dsn: self.codes,
            levels: self.levels,
            next_hops: self.next_hops.sorted(),
            other_next_hops,
            warned_next_hops: self.warned.sorted(),
            meaning: cause.meaning,
            remedy: cause.remedy,
            sample: self.sample,
            since: self.since,
        }
    }
}

/// The earlier of two moments, as far as they are known.
fn earlier(one: Option<UnixTime>, two: Option<UnixTime>) -> Option<UnixTime> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

fn keep(values: &mut Vec<String>, value: Option<&str>) {
    keep_up_to(values, value, VALUES);
}

fn keep_up_to(values: &mut Vec<String>, value: Option<&str>, most: usize) {
    let Some(value) = value else {
        return;
    };
    // Most deliveries repeat what is known.
    if values.len() >= most || values.iter().any(|known| known == value) {
        return;
    }
    let value = printable(value);
    if !values.contains(&value) {
        values.push(value);
    }
}
