//! The observations of a saved file, one after the other: the file may be
//! larger than the memory, and a bad line does not affect the others.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use danecheck_core::observation::{OBSERVATION_FORMAT, Observation};
use danecheck_core::text::plural;

use super::environment::Environment;
use super::lines::{Content, Lines};
use super::stop::Stop;

/// How many bad lines are named one by one.
const NAMED: u64 = 10;

/// The lines of `--replay`.
pub(super) struct Replayed {
    name: String,
    lines: Lines<File>,
    /// The line that was read last, from 1.
    number: u64,
    good: u64,
    bad: u64,
    is_over: bool,
}

impl Replayed {
    pub(super) fn open(path: &Path) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let file = File::open(path)
            .map_err(|error| Stop::Sentence(format!("{name}: cannot be read: {error}")))?;
        Ok(Self {
            name,
            lines: Lines::new(file),
            number: 0,
            good: 0,
            bad: 0,
            is_over: false,
        })
    }

    /// The next observation. Lines without one are named on standard error.
    pub(super) fn next(&mut self, environment: &mut Environment) -> Option<Observation> {
        while !self.is_over {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.is_over = true;
                    break;
                }
                Err(error) => {
                    environment.complain(&format!("{}: {error}", self.name));
                    self.bad += 1;
                    self.is_over = true;
                    break;
                }
            };
            self.number = line.number;
            let read = match line.content {
                Content::Blank => continue,
                // The parts of one object follow, unless it stands among other lines.
                Content::Object(bytes)
                    if bytes.trim_ascii() == b"{" && self.good == 0 && self.bad == 0 =>
                {
                    self.is_over = true;
                    Err(
                        "begins an object of several lines: write each observation on one \
                         line, as --save does (`jq -c . FILE`)"
                            .to_owned(),
                    )
                }
                Content::Object(bytes) => observation(bytes),
                Content::Other => Err(foreign(NOT_JSON)),
                Content::TooLong => Err("is too long for an observation".to_owned()),
            };
            match read {
                Ok(observation) => {
                    self.lines.meant();
                    self.good += 1;
                    return Some(observation);
                }
                Err(_) if !line.ends && is_half(&line.content) => {
                    self.refuse(
                        "is incomplete: the file ends in the middle of it",
                        environment,
                    );
                }
                Err(why) => self.refuse(&why, environment),
            }
        }
        None
    }

    /// Says what is wrong with the line that was read last.
    pub(super) fn refuse(&mut self, why: &str, environment: &mut Environment) {
        self.bad += 1;
        if self.bad <= NAMED {
            environment.complain(&format!("{}: line {} {why}", self.name, self.number));
        }
    }

    /// Whether the whole file was judged; a file without lines was not.
    pub(super) fn is_whole(&self, environment: &mut Environment) -> Result<bool, Stop> {
        if self.good == 0 && self.bad == 0 {
            return Err(Stop::Sentence(format!(
                "{}: contains no observation: make one with --save",
                self.name
            )));
        }
        if self.bad > NAMED {
            let more = plural(self.bad - NAMED, "more line", "more lines");
            environment.complain(&format!("{}: and {more}", self.name));
        }
        Ok(self.bad == 0)
    }
}

/// Whether it is the beginning of an object.
fn is_half(content: &Content<'_>) -> bool {
    let Content::Object(bytes) = content else {
        return false;
    };
    serde_json::from_slice::<IgnoredAny>(bytes).is_err_and(|error| error.is_eof())
}

/// The observation on a line, or why there is none.
pub(super) fn observation(line: &[u8]) -> Result<Observation, String> {
    let found = serde_json::from_slice::<Observation>(line);
    let format = match &found {
        Ok(observation) if observation.has_known_format() => None,
        Ok(observation) => Some(observation.format),
        // A newer one may have fields that are not known here.
        Err(_) => serde_json::from_slice::<OfOtherFormat>(line)
            .ok()
            .map(|other| other.format)
            .filter(|format| *format > OBSERVATION_FORMAT),
    };
    if let Some(format) = format {
        return Err(format!(
            "has format {format}, but this program reads formats up to {OBSERVATION_FORMAT}: save \
             it again"
        ));
    }
    found.map_err(|_| foreign(kind(line)))
}

/// An observation, as far as every format has it.
#[derive(Deserialize)]
struct OfOtherFormat {
    format: u32,
    #[serde(rename = "next_hop")]
    _next_hop: IgnoredAny,
}

const NOT_JSON: &str = "it is not JSON. Make one with --save FILE";

/// What a line is instead, and what to do with it.
fn kind(line: &[u8]) -> &'static str {
    let Ok(object) = serde_json::from_slice::<HashMap<String, IgnoredAny>>(line) else {
        return NOT_JSON;
    };
    let has = |keys: &[&str]| keys.iter().all(|key| object.contains_key(*key));
    if has(&["next_hop", "checked_at"]) {
        "it has fields that this program does not know, or lacks some. Save it again"
    } else if has(&["schema_version", "target", "verdict"]) {
        "it is a report of --json, which has less. Make an observation with --save FILE"
    } else if has(&["schema_version", "inputs", "causes"]) {
        "it is the answer of `danecheck triage --json`. Make an observation with --save FILE"
    } else if has(&["queue_name", "recipients"]) {
        "it is a queue listing of `postqueue -j`. Give it to `danecheck triage`"
    } else if has(&["organization-name", "policies"]) {
        "it is a TLS report. Give it to `danecheck explain --tlsrpt`"
    } else if has(&["needs"]) {
        "it is a line of `danecheck survey dns`. Give it to `danecheck survey hosts`"
    } else {
        "it is JSON of another kind. Make one with --save FILE"
    }
}

fn foreign(what: &str) -> String {
    format!("is not an observation that --save wrote: {what}")
}

/// The observation whose line begins there.
pub(super) fn observation_at(mut file: &File, start: u64) -> Result<Observation, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot be read: {error}");
    file.seek(SeekFrom::Start(start))
        .map_err(|error| cannot(&error))?;
    let mut lines = Lines::new(file);
    let line = lines.next().map_err(|error| error.to_string())?;
    match line.map(|line| line.content) {
        Some(Content::Object(bytes)) => observation(bytes),
        _ => Err("changed while danecheck read it".to_owned()),
    }
}
