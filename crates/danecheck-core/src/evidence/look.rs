//! What looks at the next hops add to the evidence, and what follows from it.

use std::fmt::Write as _;

use crate::entry::{mailcow_call, mailcow_edit};
use crate::judge::Action;
use crate::next_hop::NextHop;
use crate::postfix::{Mail, Route};
use crate::report::{Report, to_json};
use crate::sender::MailcowSeen;
use crate::text::break_lines;

use super::destination::Certainty;
use super::operators;
use super::triage::{CommonFault, Triage, WaitingNextHop};

/// Entries that have a mark each.
const MARKED: usize = 10;

impl Triage {
    /// The next hop to look at instead: where the host that was tried is no MX
    /// host of the domain, it is a relay.
    pub fn relay_instead(&self, name: &str, report: &Report) -> Option<String> {
        let hop = self.next_hops.iter().find(|hop| hop.name == name)?;
        if hop.certainty != Certainty::Assumed || hop.hosts.is_empty() {
            return None;
        }
        let records = &report.mx.as_ref()?.records;
        let is_mx_host = |host: &String| {
            records
                .iter()
                .any(|record| record.host.trim_end_matches('.').eq_ignore_ascii_case(host))
                || report.domain.as_ref().is_some_and(|domain| domain == host)
        };
        if records.is_empty() || hop.hosts.iter().any(is_mx_host) {
            return None;
        }
        hop.hosts.first().map(|host| format!("[{host}]"))
    }

    /// The mail whose next hop is only assumed: the Postfix of this machine may
    /// know better.
    pub fn assumed_mail(&self) -> Vec<Mail> {
        let hops = self.next_hops.iter();
        hops.filter(|hop| hop.certainty == Certainty::Assumed)
            .map(|hop| Mail {
                domain: hop.name.clone(),
                ..hop.mail.clone()
            })
            .collect()
    }

    /// Counts mail to the next hops that the Postfix of this machine uses.
    pub fn routed(&mut self, mails: &[Mail], routes: &[Route]) {
        for (mail, route) in mails.iter().zip(routes) {
            if let Route::To(next_hop) = route {
                self.count_to(&mail.domain, next_hop, Certainty::Configured);
            }
        }
    }

    /// Counts what waits for one next hop to another, which it really goes to.
    pub fn go_elsewhere(&mut self, from: &str, to: &str) {
        self.count_to(from, to, Certainty::Relay);
    }

    fn count_to(&mut self, from: &str, to: &str, certainty: Certainty) {
        let Some(at) = self.next_hops.iter().position(|hop| hop.name == from) else {
            return;
        };
        let mut hop = self.next_hops.remove(at);
        to.clone_into(&mut hop.name);
        hop.certainty = certainty;
        match self.next_hops.iter_mut().find(|known| known.name == to) {
            None => self.next_hops.insert(at, hop),
            Some(known) => {
                known.waiting += hop.waiting;
                known.returned += hop.returned;
                known.since = match (known.since, hop.since) {
                    (Some(one), Some(two)) => Some(one.min(two)),
                    (one, two) => one.or(two),
                };
                for cause in hop.causes {
                    if !known.causes.contains(&cause) {
                        known.causes.push(cause);
                    }
                }
            }
        }
    }

    /// Adds what a look says about a next hop.
    pub fn looked(&mut self, name: &str, report: &Report) {
        let hops = self.next_hops.iter_mut();
        for hop in hops.filter(|hop| hop.name == name) {
            let recommendation = &report.recommendation;
            hop.verdict = Some(report.verdict);
            hop.action = Some(recommendation.action);
            hop.entries = Some(recommendation.entries.clone());
            hop.caution.clone_from(&recommendation.caution);
        }
    }

    /// Looks for a fault that all looks show alike: then it is this machine or
    /// its network, whatever the evidence says.
    pub fn compare(&mut self, looks: &[(String, Report)]) {
        if self.common_fault.is_none() {
            self.common_fault = operators::seen_alike(looks);
        }
    }

    /// The entries in one block, those without a caution first, and the command
    /// that flushes the queue. Where the fault is on this machine, only what
    /// `accepts` allows: forty entries would be a downgrade of everything for a
    /// fault of one's own.
    pub fn block(
        &self,
        mailcow: Option<&MailcowSeen>,
        width: usize,
        accepts: &dyn Fn(&str) -> bool,
    ) -> String {
        let hops = self.overridden(accepts);
        let mut text = String::new();
        self.withheld(&mut text, hops.len(), width);
        if !hops.is_empty() {
            text.push_str(match mailcow {
                Some(_) => "Calls of mailcow's API, with a key that may write in $KEY:\n\n",
                None => "Entries for the table of smtp_tls_policy_maps:\n\n",
            });
            for hop in hops.iter().filter(|hop| hop.caution.is_none()) {
                entry(&mut text, hop, mailcow);
            }
            for caution in distinct(hops.iter().filter_map(|hop| hop.caution.as_deref())) {
                let with = hops
                    .iter()
                    .filter(|hop| hop.caution.as_deref() == Some(caution));
                let with: Vec<&WaitingNextHop> = with.copied().collect();
                marked(&mut text, caution, &with, mailcow, width);
            }
        }
        self.flush(&mut text, mailcow.is_some(), !hops.is_empty());
        text
    }

    /// What stands beside a whole table that has the entries: why some are not
    /// in it, and the command that flushes the queue.
    pub fn beside_table(
        &self,
        of_mailcow: bool,
        width: usize,
        accepts: &dyn Fn(&str) -> bool,
    ) -> String {
        let hops = self.overridden(accepts);
        let mut text = String::new();
        self.withheld(&mut text, hops.len(), width);
        self.flush(&mut text, of_mailcow, !hops.is_empty());
        text
    }

    /// The next hops whose overrides are printed.
    fn overridden(&self, accepts: &dyn Fn(&str) -> bool) -> Vec<&WaitingNextHop> {
        self.next_hops
            .iter()
            .filter(|hop| hop.action == Some(Action::Override))
            .filter(|hop| self.common_fault.is_none() || accepts(&hop.name))
            .collect()
    }

    fn withheld(&self, text: &mut String, printed: usize, width: usize) {
        let hops = self.next_hops.iter();
        let all = hops
            .filter(|hop| hop.action == Some(Action::Override))
            .count();
        let withheld = all.saturating_sub(printed);
        if withheld > 0 {
            let is_uncertain = self
                .common_fault
                .as_ref()
                .is_some_and(CommonFault::is_uncertain);
            let (is, first) = match is_uncertain {
                true => ("may be", "Look into that"),
                false => ("is", "Repair it"),
            };
            let sentence = format!(
                "No entries for {withheld} of the next hops: the fault {is} on this machine or its \
                 network, and an entry only hides it. {first} first. --accept-weaker prints them \
                 all the same."
            );
            lines(text, &sentence, width);
        }
    }

    fn flush(&self, text: &mut String, of_mailcow: bool, has_entries: bool) {
        let can_flow = self.next_hops.iter().any(|hop| {
            hop.waiting > 0 && matches!(hop.action, Some(Action::Override | Action::Keep))
        });
        if can_flow {
            let lead = match has_entries {
                true => "Then flush the queue",
                false => "Flush the queue",
            };
            let flush = if of_mailcow {
                "docker compose exec -T postfix-mailcow postqueue -f"
            } else {
                "postqueue -f"
            };
            let _ = writeln!(text, "\n{lead}: {flush}");
        }
    }
}

impl Triage {
    /// The command that says whether it is this machine or its network, with
    /// next hops that wait, those that fail alike first; `None` if none can be
    /// named.
    pub fn doctor_command(&self) -> Option<String> {
        let fault = self.common_fault.as_ref();
        let mut hops: Vec<&WaitingNextHop> = self.next_hops.iter().collect();
        hops.sort_by_key(|hop| !fault.is_some_and(|fault| fault.is_of(hop)));
        doctor_via(hops.iter().map(|hop| hop.name.as_str()))
    }
}

/// A next hop as a shell takes it; `None` for what is none.
pub(super) fn shell_word(name: &str) -> Option<String> {
    if name.starts_with('-') || name.parse::<NextHop>().is_err() {
        return None;
    }
    Some(match name.contains(['[', ']']) {
        true => format!("'{name}'"),
        false => name.to_owned(),
    })
}

/// `danecheck doctor --via` with the first of these next hops; `None` if none can
/// be named.
pub(super) fn doctor_via<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    // Two of different operators are enough, and the first may have one.
    const MOST: usize = 3;
    const ENOUGH: usize = 2;
    const WIDTH: usize = 78;
    let mut command = "danecheck doctor --via".to_owned();
    let mut named = 0;
    for name in names.filter_map(shell_word).take(MOST) {
        if named < ENOUGH || command.len() + name.len() < WIDTH {
            named += 1;
            let _ = write!(command, " {name}");
        }
    }
    (named > 0).then_some(command)
}

/// Entries that one caution is about: it stands once, as comments of the table or
/// of the shell, which cannot end a line of a table. A mark stands above each
/// entry; above many it stands once with their number, because the answer has
/// to fit a screen.
fn marked(
    text: &mut String,
    caution: &str,
    hops: &[&WaitingNextHop],
    mailcow: Option<&MailcowSeen>,
    width: usize,
) {
    let each = hops.len() <= MARKED;
    let lead = if each {
        "(!)".to_owned()
    } else {
        format!("(!) to each of the next {} lines:", hops.len())
    };
    for line in break_lines(&format!("{lead} {caution}"), width.saturating_sub(2)) {
        let _ = writeln!(text, "# {line}");
    }
    for (at, hop) in hops.iter().enumerate() {
        if each && at > 0 {
            text.push_str("# (!)\n");
        }
        entry(text, hop, mailcow);
    }
}

/// The line of a table, or the call of mailcow's API: a next hop has one row at
/// most, so one that is there is changed.
fn entry(text: &mut String, hop: &WaitingNextHop, mailcow: Option<&MailcowSeen>) {
    let Some(entries) = &hop.entries else {
        return;
    };
    let line = match (mailcow, &entries.mailcow) {
        (None, _) => entries.postfix.clone(),
        (Some(_), None) => None,
        (Some(mailcow), Some(row)) => {
            let id = mailcow.row(&row.dest).and_then(|known| known.id);
            Some(match id {
                Some(id) => mailcow_edit(id, row),
                None => mailcow_call("add", &to_json(row)),
            })
        }
    };
    if let Some(line) = line {
        let _ = writeln!(text, "{line}");
    }
}

fn distinct<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut once: Vec<&str> = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

fn lines(text: &mut String, sentence: &str, width: usize) {
    for line in break_lines(sentence, width) {
        let _ = writeln!(text, "{line}");
    }
}
