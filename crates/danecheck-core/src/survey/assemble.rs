//! The sessions of a target in the places that its observation has for them.

use std::collections::BTreeSet;

use super::line::HostsLine;
use super::need::{ClientHello, Need, policy_need};
use crate::observation::{
    AddressSeen, Cut, Observation, PolicyVisit, Session, SessionEnd, held_alone,
};

/// The whole observation, as one check would have made it: `dns` with `lines` in
/// their places. `room` is what is kept of all sessions, in bytes. A place for
/// which there is no session is left out and noted as cut off, so that nothing
/// is concluded from it.
///
/// The trust store is still to be added.
pub fn assemble(mut dns: Observation, lines: &[HostsLine], room: usize) -> Observation {
    let mut assembly = Assembly {
        lines,
        room: Some(room),
        bound: room,
        cuts: std::mem::take(&mut dns.cuts),
        missing: BTreeSet::new(),
    };
    let port = dns.next_hop.port;
    for host in &mut dns.hosts {
        for place in &mut host.addresses {
            assembly.fill(place, port);
        }
    }
    let fetch = dns.mta_sts.as_mut().and_then(|seen| seen.fetch.as_mut());
    if let Some(fetch) = fetch {
        for visit in &mut fetch.visits {
            assembly.fill_policy(&fetch.host, visit);
        }
        if fetch.visits.iter().any(PolicyVisit::is_late) {
            let host = fetch.host.clone();
            assembly.cuts.push(Cut::Policy { host });
        }
    }
    dns.cuts = assembly.cuts();
    dns
}

struct Assembly<'a> {
    lines: &'a [HostsLine],
    /// `None` once something did not fit.
    room: Option<usize>,
    bound: usize,
    cuts: Vec<Cut>,
    missing: BTreeSet<String>,
}

impl<'a> Assembly<'a> {
    fn line(&self, need: &Need) -> Option<&'a HostsLine> {
        self.lines.iter().find(|line| line.need == *need)
    }

    fn fill(&mut self, place: &mut AddressSeen, port: u16) {
        let places = place.sessions.iter();
        let (open, held): (Vec<_>, Vec<_>) = places
            .cloned()
            .partition(|session| session.end == SessionEnd::Assumed);
        if open.is_empty() {
            return;
        }
        let mut visits: Vec<Visit<'a>> = Vec::new();
        for session in open {
            let line = self.line(&Need {
                address: place.address,
                port,
                server_name: session.sni,
                client_hello: ClientHello::Postfix,
            });
            match line {
                Some(line) if line.opted_out => self.cuts.push(Cut::OptedOut {
                    address: place.address,
                }),
                Some(HostsLine {
                    session: Some(first),
                    ..
                }) => visits.extend(line.map(|line| Visit {
                    line,
                    session: first,
                })),
                _ => {
                    self.missing.insert(place.address.to_string());
                }
            }
        }
        place.refused_at_first = None;
        let alone = held_alone(visits.iter().map(|visit| visit.session));
        for (visit, alone) in visits.iter_mut().zip(alone) {
            if alone {
                visit.session = visit.line.alone.as_ref().unwrap_or(visit.session);
            }
        }
        let mut refusals = visits.iter().filter_map(|it| it.session.refusal_for_now());
        let refusal = refusals.next().cloned();
        for visit in &mut visits {
            if visit.session.refusal_for_now().is_some()
                && let Some(later) = &visit.line.later
            {
                visit.session = later;
                place.refused_at_first.clone_from(&refusal);
            }
        }
        place.sessions = held;
        for visit in visits {
            self.cuts.extend(visit.line.cuts.iter().cloned());
            if visit.session.was_waited_for() {
                self.missing.insert(place.address.to_string());
            }
            if self.takes(visit.session) {
                place.sessions.push(visit.session.clone());
            }
        }
    }

    /// Whether there is still room for a session.
    fn takes(&mut self, session: &Session) -> bool {
        let rest = self.room.and_then(|room| room.checked_sub(session.size()));
        if rest.is_none() {
            self.cuts.push(Cut::Sessions { bound: self.bound });
        }
        self.room = rest;
        rest.is_some()
    }

    fn fill_policy(&mut self, host: &str, visit: &mut PolicyVisit) {
        if let Some(line) = self.line(&policy_need(host, visit.address))
            && let Some(seen) = &line.policy
        {
            visit.clone_from(seen);
            self.cuts.extend(line.cuts.iter().cloned());
        }
    }

    /// All of them, each once; what is missing stands in one.
    fn cuts(self) -> Vec<Cut> {
        let mut missing = self.missing;
        let mut unnamed = 0;
        let mut cuts = BTreeSet::new();
        for cut in self.cuts {
            match cut {
                Cut::Time {
                    missing: more,
                    others,
                } => {
                    missing.extend(more);
                    unnamed += others;
                }
                cut => {
                    cuts.insert(cut);
                }
            }
        }
        let time = Cut::time(missing, unnamed);
        cuts.into_iter().chain(time).collect()
    }
}

/// A session, and the line on which it stands.
struct Visit<'a> {
    line: &'a HostsLine,
    session: &'a Session,
}
