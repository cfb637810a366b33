//! What a resumed run does not have to repeat: the targets that a previous run
//! has reported and, with `--save`, observed (see `resume`).

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use danecheck_core::next_hop::NextHop;
use danecheck_core::observation::Observation;
use danecheck_core::unix_time::UnixTime;

use super::lines::{Content, Lines};
use super::replayed::observation_at;
use super::saved::Saved;
use super::stop::Stop;
use super::typed;

/// The targets that need no check. Only a hash of each is kept, so a million of
/// them take some 40 MB, and twice that with `--save`. The probability that two
/// of a million have the same hash is 3 in 100 million.
#[derive(Default)]
pub(super) struct Done {
    hasher: RandomState,
    /// How often each target is done.
    left: HashMap<u64, u32>,
    /// The reports of each target and second, if observations count too.
    pairs: HashMap<u64, Pair>,
    /// The places of observations without report, by target.
    unreported: HashMap<u64, VecDeque<u64>>,
    saved: Option<(File, String)>,
    /// The targets of reports without observation, by the places of these
    /// reports.
    alone: HashMap<u64, u64>,
    /// Those of these targets that came in this run.
    came: HashSet<u64>,
}

/// How many reports there are of a target and a second, and how many of them
/// have their observation: the first ones of the file.
#[derive(Default)]
struct Pair {
    reports: u32,
    observed: u32,
}

/// What exists for a target.
#[derive(Debug)]
pub(super) enum Earlier {
    Nothing,
    /// A report and, with `--save`, its observation.
    All,
    /// An observation alone.
    Observation(Box<Observation>),
}

/// How a file of lines ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// With a whole line, or with nothing.
    #[default]
    Whole,
    /// With a line that lacks only its line end.
    WithoutNewline,
    /// With part of a line, which begins here.
    Half(u64),
}

/// What was read of a file of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Valid lines.
    pub(super) good: u64,
    /// Invalid lines; half a line at the end does not count.
    pub(super) others: u64,
    pub(super) end: End,
    /// Bytes in all.
    pub(super) length: u64,
}

/// The fields that are read of a report.
#[derive(Deserialize)]
struct Reported {
    target: String,
    #[serde(default)]
    checked_at: Option<UnixTime>,
}

/// The fields that are read of an observation.
#[derive(Deserialize)]
struct Observed {
    next_hop: NextHop,
    checked_at: UnixTime,
}

impl Done {
    /// Reads the JSON output of a run. A report is enough for a target, unless
    /// observations are compared later.
    pub(super) fn reports(
        &mut self,
        path: &Path,
        file: &File,
        is_compared: bool,
    ) -> Result<Tally, Stop> {
        tally(path, file, |line, _| {
            let Ok(reported) = serde_json::from_slice::<Reported>(line) else {
                return false;
            };
            match self.pair_of(&reported).filter(|_| is_compared) {
                Some(key) => self.pairs.entry(key).or_default().reports += 1,
                None => self.add(&reported.target),
            }
            true
        })
    }

    /// Looks for the observation of each report, and ends their file with a
    /// whole line. Also says how many observations have no report.
    pub(super) fn observations(&mut self, saved: &mut Saved) -> Result<(Tally, u64), Stop> {
        let name = saved.name().to_owned();
        let file = saved
            .file()
            .try_clone()
            .map_err(|error| Stop::Sentence(format!("{name}: cannot be read: {error}")))?;
        let mut unreported = 0;
        let tally = tally(Path::new(&name), &file, |line, start| {
            let Ok(observed) = serde_json::from_slice::<Observed>(line) else {
                return false;
            };
            let target = observed.next_hop.to_string();
            let key = self.pair(&target, Some(observed.checked_at));
            match self.pairs.get_mut(&key) {
                Some(pair) if pair.observed < pair.reports => {
                    pair.observed += 1;
                    self.add(&target);
                }
                _ => {
                    unreported += 1;
                    let hash = self.hasher.hash_one(target.as_str());
                    self.unreported.entry(hash).or_default().push_back(start);
                }
            }
            true
        })?;
        match tally.end {
            End::Whole => saved.end_at(tally.length)?,
            End::WithoutNewline => saved.end_line(tally.length)?,
            End::Half(length) => saved.end_at(length)?,
        }
        self.saved = Some((file, name));
        Ok((tally, unreported))
    }

    /// Finds the places of the reports that have no observation, and says how
    /// many there are.
    pub(super) fn find_reports_alone(&mut self, path: &Path, file: &File) -> Result<u64, Stop> {
        let mut pairs = std::mem::take(&mut self.pairs);
        let alone = |pair: &Pair| u64::from(pair.reports.saturating_sub(pair.observed));
        let alone: u64 = pairs.values().map(alone).sum();
        if alone > 0 {
            tally(path, file, |line, start| {
                let Ok(reported) = serde_json::from_slice::<Reported>(line) else {
                    return false;
                };
                let key = self.pair_of(&reported);
                match key.and_then(|key| pairs.get_mut(&key)) {
                    Some(pair) if pair.observed > 0 => pair.observed -= 1,
                    Some(_) => {
                        let hash = self.hash(&reported.target);
                        self.alone.insert(start, hash);
                    }
                    None => {}
                }
                true
            })?;
        }
        Ok(alone)
    }

    /// What exists for this target; it then counts for this line and for no
    /// other.
    pub(super) fn take(&mut self, target: &str) -> Result<Earlier, Stop> {
        let hash = self.hash(target);
        if !self.alone.is_empty() {
            self.came.insert(hash);
        }
        if let Some(count) = self.left.get_mut(&hash)
            && *count > 0
        {
            *count -= 1;
            return Ok(Earlier::All);
        }
        let places = self.unreported.get_mut(&hash);
        let start = places.and_then(VecDeque::pop_front);
        let (Some(start), Some((file, name))) = (start, &self.saved) else {
            return Ok(Earlier::Nothing);
        };
        match observation_at(file, start) {
            Ok(observation) => Ok(Earlier::Observation(Box::new(observation))),
            Err(why) => Err(Stop::Sentence(format!("{name}: {why}"))),
        }
    }

    /// Whether a report without observation is replaced by a new one, once all
    /// targets have come.
    pub(super) fn has_replaced(&self) -> bool {
        self.alone.values().any(|target| self.came.contains(target))
    }

    /// Whether the report that begins here is replaced.
    pub(super) fn is_replaced(&self, start: u64) -> bool {
        let target = self.alone.get(&start);
        target.is_some_and(|target| self.came.contains(target))
    }

    fn add(&mut self, name: &str) {
        let hash = self.hasher.hash_one(name);
        let count = self.left.entry(hash).or_default();
        *count = count.saturating_add(1);
    }

    fn hash(&self, target: &str) -> u64 {
        self.hasher.hash_one(name(target).as_str())
    }

    /// What a report and its observation have in common; `None` if there is no
    /// observation, because its text is not a target.
    fn pair_of(&self, reported: &Reported) -> Option<u64> {
        let target: NextHop = reported.target.parse().ok()?;
        Some(self.pair(&target.to_string(), reported.checked_at))
    }

    fn pair(&self, target: &str, checked_at: Option<UnixTime>) -> u64 {
        self.hasher.hash_one((target, checked_at))
    }
}

/// The name of a target in its report.
fn name(target: &str) -> String {
    match typed::next_hop(target) {
        Ok(next_hop) => next_hop.to_string(),
        Err(_) => danecheck_core::report::printable(target),
    }
}

/// Reads a file of lines from its beginning to its end: `read` gets each object
/// and its place, and says whether it is valid.
fn tally(
    path: &Path,
    mut file: &File,
    mut read: impl FnMut(&[u8], u64) -> bool,
) -> Result<Tally, Stop> {
    // A pipe can be read from only one place.
    let _ = file.seek(SeekFrom::Start(0));
    let mut lines = Lines::new(file);
    let mut tally = Tally::default();
    loop {
        let line = lines
            .next()
            .map_err(|error| Stop::Sentence(format!("{}: {error}", path.display())))?;
        let Some(line) = line else {
            tally.length = lines.offset();
            return Ok(tally);
        };
        let is_blank = line.content == Content::Blank;
        let is_good = match line.content {
            Content::Object(bytes) => read(bytes, line.start),
            Content::Blank | Content::Other | Content::TooLong => false,
        };
        if is_good && !line.ends {
            tally.end = End::WithoutNewline;
        } else if !line.ends {
            tally.end = End::Half(line.start);
        } else if !is_good && !is_blank {
            tally.others += 1;
        }
        if is_good {
            tally.good += 1;
            lines.meant();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(name: &str, text: &str) -> (Done, Tally) {
        let directory = std::env::temp_dir();
        let path = directory.join(format!("danecheck-resume-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let mut done = Done::default();
        let file = File::open(&path).unwrap();
        let tally = done.reports(&path, &file, false).unwrap();
        std::fs::remove_file(&path).unwrap();
        (done, tally)
    }

    impl Done {
        fn has(&mut self, target: &str) -> bool {
            matches!(self.take(target).unwrap(), Earlier::All)
        }
    }

    #[test]
    fn a_report_counts_for_one_line() {
        let text = r#"{"schema_version":1,"target":"a.example","x":[1]}
{"target":"b.example"}
{"target":"a.example"}
{"target":"not a domain"}
"#;
        let (mut done, tally) = done("lines", text);
        assert_eq!((tally.good, tally.others, tally.end), (4, 0, End::Whole));
        assert!(done.has("A.Example"));
        assert!(done.has("postmaster@a.example"));
        assert!(!done.has("a.example"));
        assert!(done.has("b.example."));
        assert!(!done.has("[b.example]"));
        assert!(done.has("not a domain"));
        assert!(!done.has("c.example"));
    }

    #[test]
    fn half_a_report_counts_for_none() {
        let whole = "{\"target\":\"a.example\"}\n";
        let half = "{\"target\":\"b.example\",\"verd";
        let (mut cut, tally) = done("half", &format!("{whole}{half}"));
        assert_eq!((tally.good, tally.others), (1, 0));
        assert_eq!(tally.end, End::Half(u64::try_from(whole.len()).unwrap()));
        assert!(!cut.has("b.example"));

        // What follows it on its line is lost with it.
        let (mut glued, tally) = done("glued", &format!("{half}{whole}{whole}"));
        assert_eq!((tally.good, tally.others), (1, 1));
        assert!(glued.has("a.example") && !glued.has("a.example"));

        let (mut bare, tally) = done("bare", whole.trim_end());
        assert_eq!((tally.good, tally.end), (1, End::WithoutNewline));
        assert!(bare.has("a.example"));
        assert_eq!(done("empty", "").1.end, End::Whole);
    }
}
