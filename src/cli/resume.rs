//! `--resume FILE`: what a previous run has reported already.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::next_hop::NextHop;

use super::{Stop, World};

#[derive(Clone, Debug, Args)]
pub(super) struct ResumeArguments {
    /// Skip the targets that these JSON reports of a run that was interrupted
    /// are about; the new ones may be appended to the same file
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    resume: Option<PathBuf>,
}

impl ResumeArguments {
    /// What a previous run has reported. Where the new reports go to the same
    /// file, half a report at its end makes room for them.
    pub(super) fn done(&self, world: &mut World) -> Result<Option<Done>, Stop> {
        let Some(path) = &self.resume else {
            return Ok(None);
        };
        let done = Done::read(path)?;
        if done.others > 0 {
            world.complain(&format!(
                "{}: {} lines are no reports; what they were about is looked at again",
                path.display(),
                done.others
            ));
        }
        if (world.writes_to)(path) {
            match done.end {
                End::Whole => {}
                End::WithoutNewline => world.print("\n")?,
                End::Half(length) => {
                    let file = std::fs::File::options().write(true).open(path);
                    file.and_then(|file| file.set_len(length))
                        .map_err(|error| {
                            Stop::Sentence(format!(
                                "{}: cannot be written: {error}",
                                path.display()
                            ))
                        })?;
                }
            }
            if done.reports == 0 {
                world.complain(&format!(
                    "{} holds no report, so all targets are looked at; where it held some, \
                     > has emptied it: append with >>",
                    path.display()
                ));
            }
        }
        Ok(Some(done))
    }
}

/// What is read of a report; the rest only has to be there.
#[derive(Deserialize)]
struct Reported {
    target: String,
}

/// How often each target has a report. Of a target only a hash is kept, so
/// that a million of them take some 40 MB; that two of a million have the same
/// has a chance of 3 in 100 million.
pub(super) struct Done {
    left: HashMap<u64, u32>,
    hasher: RandomState,
    /// Reports in the file.
    pub(super) reports: u64,
    /// Lines that are none.
    pub(super) others: u64,
    /// How the file ends.
    pub(super) end: End,
}

/// How a file of lines ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a whole line, or with nothing.
    Whole,
    /// With a report that lacks only the end of its line.
    WithoutNewline,
    /// With part of a report, from here on.
    Half(u64),
}

impl Done {
    /// Reads the JSON output of a run.
    pub(super) fn read(path: &Path) -> Result<Self, Stop> {
        let refuse = |error| Stop::Sentence(format!("{}: cannot be read: {error}", path.display()));
        let file = std::fs::File::open(path).map_err(refuse)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut done = Self {
            left: HashMap::new(),
            hasher: RandomState::new(),
            reports: 0,
            others: 0,
            end: End::Whole,
        };
        let mut line = Vec::new();
        let mut offset = 0;
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(refuse)?;
            if read == 0 {
                return Ok(done);
            }
            let is_report = done.add(&line);
            if !line.ends_with(b"\n") {
                done.end = match is_report {
                    true => End::WithoutNewline,
                    false => End::Half(offset),
                };
            } else if !is_report && !line.trim_ascii().is_empty() {
                done.others += 1;
            }
            offset += u64::try_from(read).unwrap_or(0);
        }
    }

    fn add(&mut self, line: &[u8]) -> bool {
        let Ok(reported) = serde_json::from_slice::<Reported>(line) else {
            return false;
        };
        let hash = self.hasher.hash_one(reported.target);
        *self.left.entry(hash).or_default() += 1;
        self.reports += 1;
        true
    }

    /// Whether this target has a report, which then counts for it and for no
    /// other line.
    pub(super) fn take(&mut self, target: &str) -> bool {
        let hash = self.hasher.hash_one(name(target));
        match self.left.get_mut(&hash) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }
}

/// What the report on a target calls it.
fn name(target: &str) -> String {
    match target.parse::<NextHop>() {
        Ok(next_hop) => next_hop.to_string(),
        Err(_) => crate::report::printable(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(name: &str, text: &str) -> Done {
        let directory = std::env::temp_dir();
        let path = directory.join(format!("danecheck-resume-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let done = Done::read(&path);
        std::fs::remove_file(&path).unwrap();
        done.ok().unwrap()
    }

    #[test]
    fn a_report_counts_for_one_line() {
        let text = r#"{"schema_version":1,"target":"a.example","x":[1]}
{"target":"b.example"}
{"target":"a.example"}
{"target":"not a domain"}
"#;
        let mut done = done("lines", text);
        assert_eq!((done.reports, done.others, done.end), (4, 0, End::Whole));
        assert!(done.take("A.Example"));
        assert!(done.take("postmaster@a.example"));
        assert!(!done.take("a.example"));
        assert!(done.take("b.example."));
        assert!(!done.take("[b.example]"));
        assert!(done.take("not a domain"));
        assert!(!done.take("c.example"));
    }

    #[test]
    fn half_a_report_counts_for_none() {
        let whole = "{\"target\":\"a.example\"}\n";
        let half = "{\"target\":\"b.example\",\"verd";
        let mut cut = done("half", &format!("{whole}{half}"));
        assert_eq!((cut.reports, cut.others), (1, 0));
        assert_eq!(cut.end, End::Half(u64::try_from(whole.len()).unwrap()));
        assert!(!cut.take("b.example"));

        // What stands after it on its line is lost with it.
        let mut glued = done("glued", &format!("{half}{whole}{whole}"));
        assert_eq!((glued.reports, glued.others), (1, 1));
        assert!(glued.take("a.example") && !glued.take("a.example"));

        let mut bare = done("bare", whole.trim_end());
        assert_eq!((bare.reports, bare.end), (1, End::WithoutNewline));
        assert!(bare.take("a.example"));
        assert_eq!(done("empty", "").end, End::Whole);
    }
}
