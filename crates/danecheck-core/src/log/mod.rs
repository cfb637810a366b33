//! What a Postfix log says about mail that waits for TLS or DANE: each cause,
//! how often, and for which next hops.
//!
//! Memory has a limit for every log: one entry for each cause, a limited number
//! of next hops in it, and what the latest processes said.

mod cause;
mod classify;
mod line;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::text::printable;

pub use cause::{CAUSES, Cause};
use line::{Body, Delivery, Line};

/// Next hops that are counted by name for each cause.
const NEXT_HOPS: usize = 500;

/// Processes and domains that are remembered.
const REMEMBERED: usize = 2000;

/// Postfix writes no longer line; the rest of such a line is ignored.
const LONGEST_LINE: usize = 16 * 1024;

/// Values of `tls=` and of `dsn=` that are reported for each cause.
const VALUES: usize = 8;

/// A log being read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The line that has not ended yet.
    partial: Vec<u8>,
    lines: u64,
    ours: u64,
    by_cause: HashMap<&'static str, Count>,
    /// What a process said about its current delivery.
    of_process: HashMap<String, &'static Cause>,
    /// The last cause that a domain's mail waited for.
    of_domain: HashMap<String, &'static Cause>,
}

#[derive(Debug, Default)]
struct Count {
    deferred: u64,
    bounced: u64,
    remarks: u64,
    next_hops: HashMap<String, u64>,
    unnamed: u64,
    codes: Vec<String>,
    levels: Vec<String>,
    sample: String,
}

/// What a log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// Lines read.
    pub lines: u64,
    /// Lines that Postfix wrote.
    pub postfix_lines: u64,
    /// The causes, those of TLS and DANE first, the most frequent first.
    pub causes: Vec<Explained>,
}

/// One cause in a log.
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
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// The first line of this kind.
    pub sample: String,
}

/// A next hop and how often it was hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextHopCount {
    /// The domain of the recipients.
    pub name: String,
    /// Deliveries.
    pub count: u64,
}

/// The JSON Schema of what `danecheck explain --log --json` prints.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Explanation).into()
}

impl Reading {
    /// Reads the next piece of a log, wherever it was cut.
    pub fn bytes(&mut self, piece: &[u8]) {
        let mut lines = piece.split_inclusive(|byte| *byte == b'\n');
        lines.by_ref().for_each(|part| {
            let room = LONGEST_LINE.saturating_sub(self.partial.len());
            let content = part.strip_suffix(b"\n").unwrap_or(part);
            self.partial
                .extend_from_slice(content.get(..room).unwrap_or(content));
            if part.ends_with(b"\n") {
                self.end_line();
            }
        });
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.partial);
        self.line(String::from_utf8_lossy(&line).trim_end_matches('\r'));
        self.partial = line;
        self.partial.clear();
    }

    /// Reads one line, without its line end.
    fn line(&mut self, text: &str) {
        self.lines += 1;
        let Some(line) = Line::parse(text) else {
            return;
        };
        self.ours += 1;
        match line.body {
            Body::Delivery(delivery) => self.delivery(line.process, &delivery, text),
            Body::Other(message) => {
                if let Some(cause) = classify::hint(message) {
                    remember(&mut self.of_process, line.process, cause);
                } else if let Some(cause) = classify::remark(message) {
                    let count = self.by_cause.entry(cause.id).or_default();
                    count.remarks += 1;
                    count.keep_sample(text);
                }
            }
        }
    }

    fn delivery(&mut self, process: &str, delivery: &Delivery<'_>, text: &str) {
        let said = self.of_process.remove(process);
        // `undeliverable` is what address probes get.
        let deferred = delivery.status == "deferred" || delivery.status == "undeliverable";
        if !deferred && delivery.status != "bounced" {
            return;
        }
        let domain = delivery.domain.map(str::to_ascii_lowercase);
        let before = said.or_else(|| {
            domain
                .as_ref()
                .and_then(|domain| self.of_domain.get(domain).copied())
        });
        let Some(cause) = classify::delivery(delivery.text, delivery.dsn, before) else {
            return;
        };
        if let Some(domain) = &domain {
            remember(&mut self.of_domain, domain, cause);
        }
        let count = self.by_cause.entry(cause.id).or_default();
        if deferred {
            count.deferred += 1;
        } else {
            count.bounced += 1;
        }
        count.next_hop(domain);
        keep(&mut count.codes, delivery.dsn);
        keep(&mut count.levels, delivery.tls);
        count.keep_sample(text);
    }

    /// What was read.
    pub fn explain(mut self) -> Explanation {
        if !self.partial.is_empty() {
            self.end_line();
        }
        let first_other = CAUSES
            .iter()
            .position(|cause| cause.id == "refused-to-talk")
            .unwrap_or(CAUSES.len());
        let mut by_cause = self.by_cause;
        let mut causes: Vec<Explained> = CAUSES
            .iter()
            .enumerate()
            .filter_map(|(place, cause)| {
                let count = by_cause.remove(cause.id)?;
                Some(count.explained(cause, place < first_other))
            })
            .collect();
        causes.sort_by_key(|one| {
            let waits = one.deferred + one.bounced;
            (!one.tls, std::cmp::Reverse(waits))
        });
        Explanation {
            lines: self.lines,
            postfix_lines: self.ours,
            causes,
        }
    }
}

impl Count {
    fn next_hop(&mut self, domain: Option<String>) {
        let Some(domain) = domain else {
            self.unnamed += 1;
            return;
        };
        if let Some(count) = self.next_hops.get_mut(&domain) {
            *count += 1;
        } else if self.next_hops.len() < NEXT_HOPS && domain.len() <= 255 {
            self.next_hops.insert(domain, 1);
        } else {
            self.unnamed += 1;
        }
    }

    fn keep_sample(&mut self, text: &str) {
        if self.sample.is_empty() {
            self.sample = printable(text);
        }
    }

    fn explained(self, cause: &'static Cause, tls: bool) -> Explained {
        let mut next_hops: Vec<NextHopCount> = self
            .next_hops
            .into_iter()
            .map(|(name, count)| NextHopCount {
                name: printable(&name),
                count,
            })
            .collect();
        next_hops.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        Explained {
            id: cause.id,
            text: cause.text,
            tls,
            deferred: self.deferred,
            bounced: self.bounced,
            remarks: self.remarks,
            dsn: self.codes,
            levels: self.levels,
            next_hops,
            other_next_hops: self.unnamed,
            meaning: cause.meaning,
            remedy: cause.remedy,
            sample: self.sample,
        }
    }
}

impl Explanation {
    /// The next hops that mail waits for, each once, the most frequent first.
    pub fn next_hops(&self) -> Vec<String> {
        let mut all: Vec<&NextHopCount> = self
            .causes
            .iter()
            .flat_map(|cause| &cause.next_hops)
            .collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.count));
        let mut names: Vec<String> = Vec::new();
        for one in all {
            if !names.contains(&one.name) {
                names.push(one.name.clone());
            }
        }
        names
    }
}

fn remember(map: &mut HashMap<String, &'static Cause>, name: &str, cause: &'static Cause) {
    if let Some(known) = map.get_mut(name) {
        *known = cause;
        return;
    }
    if map.len() >= REMEMBERED {
        // What a process said long ago belongs to no later delivery.
        map.clear();
    }
    if name.len() <= 255 {
        map.insert(name.to_owned(), cause);
    }
}

fn keep(values: &mut Vec<String>, value: Option<&str>) {
    let Some(value) = value.map(printable) else {
        return;
    };
    if values.len() < VALUES && !values.contains(&value) {
        values.push(value);
    }
}
