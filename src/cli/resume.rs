//! `--resume FILE`: what a previous run has written, and how a run resumes it.
//!
//! A run that saves writes the observation of a target first and its report
//! after it, each as one whole line. So a target is done if both exist. They
//! belong together if the target and the second of the check (`checked_at`) are
//! the same. A killed run leaves at most an observation without its report, and
//! half a line at the end of either file. A power cut may leave one file older
//! than the other. A resumed run
//!
//! 1. locks both files, so that no other run writes to them;
//! 2. cuts off half a line at the end of either;
//! 3. uses an observation without report: when its target comes, it is judged,
//!    and the target is not checked again;
//! 4. checks the target of a report without observation again, and drops the
//!    old report once all targets have come. The reports that stay move to the
//!    front of their file, which needs no space on a full disk. If a run ends
//!    before that, the next one does it.
//!
//! In the end each target has one report and one observation, and the
//! observations replay to exactly these reports. Without `--save` a target is
//! done if its report exists. A text that is not a target has no observation:
//! its report is enough.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::done::{Done, End, Tally};
use super::environment::Environment;
use super::lines::{Content, Lines};
use super::lock::{is_same, lock, lock_output};
use super::saved::Saved;
use super::stop::Stop;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Many targets")]
pub(super) struct ResumeArguments {
    /// Skip the targets that have a JSON report in this file, from an
    /// interrupted run; new reports may be appended to the same file
    #[arg(
        long,
        hide_short_help = true,
        value_name = "FILE",
        conflicts_with = "replay"
    )]
    resume: Option<PathBuf>,
}

/// The files that a run writes to; no other run writes to them as long as this
/// exists.
pub(super) struct Files {
    /// The targets that need no check.
    pub(super) done: Option<Done>,
    pub(super) saved: Option<Saved>,
    resumed: Option<Resumed>,
    /// Standard output, which keeps its lock.
    _output: Option<File>,
}

impl ResumeArguments {
    /// Opens the files of a run, and repairs what a previous one has left.
    pub(super) fn files(
        &self,
        save: Option<&Path>,
        is_json: bool,
        environment: &mut Environment,
    ) -> Result<Files, Stop> {
        let Some(path) = self.resume.as_deref() else {
            return Ok(Files {
                done: None,
                _output: lock_reports(is_json, environment)?,
                saved: save
                    .map(|path| Saved::create(path, environment))
                    .transpose()?,
                resumed: None,
            });
        };
        let resumed = Resumed::open(path, environment)?;
        let output = lock_reports(is_json && !resumed.goes_on_there, environment)?;
        let mut saved = match save {
            None => None,
            // A file has only one lock, which would look like that of another
            // run.
            Some(path) if File::open(path).is_ok_and(|file| is_same(&file, &resumed.file)) => {
                return Err(Stop::Sentence(format!(
                    "{}: --save and --resume name the same file: give two files",
                    path.display()
                )));
            }
            Some(path) => Some(Saved::open(path, environment)?),
        };
        let done = resumed.done(saved.as_mut(), environment)?;
        Ok(Files {
            done: Some(done),
            saved,
            resumed: Some(resumed),
            _output: output,
        })
    }
}

/// The file of standard output, if reports go there and it is a file.
fn lock_reports(is_json: bool, environment: &Environment) -> Result<Option<File>, Stop> {
    let output = is_json.then(environment.output_file).flatten();
    if let Some(output) = &output {
        lock_output(output)?;
    }
    Ok(output)
}

impl Files {
    /// The end of a run, whether or not all targets have come.
    pub(super) fn finish(&self, done: Option<&Done>, all_came: bool) -> Result<(), Stop> {
        if let Some(saved) = &self.saved {
            saved.finish()?;
        }
        match (&self.resumed, done) {
            (Some(resumed), Some(done)) if all_came && resumed.goes_on_there => {
                resumed.drop_replaced(done)
            }
            _ => Ok(()),
        }
    }
}

/// The reports of a previous run.
struct Resumed {
    path: PathBuf,
    file: File,
    /// Whether the new reports go to the same file.
    goes_on_there: bool,
}

impl Resumed {
    /// Opens and locks them.
    fn open(path: &Path, environment: &Environment) -> Result<Self, Stop> {
        let mut file = File::open(path).map_err(|error| {
            Stop::Sentence(format!("{}: cannot be read: {error}", path.display()))
        })?;
        // Some systems lock only files that are open for writing. A pipe would
        // never end as long as it is open for writing here.
        if file.metadata().is_ok_and(|it| it.is_file())
            && let Ok(both) = File::options().read(true).write(true).open(path)
        {
            file = both;
        }
        lock(&file, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            goes_on_there: (environment.writes_to)(path),
        })
    }

    /// The targets that are done according to them, and to the observations if
    /// these are saved.
    fn done(&self, saved: Option<&mut Saved>, environment: &mut Environment) -> Result<Done, Stop> {
        // What is written to a pipe cannot be compared.
        let saved = saved.filter(|saved| saved.is_file());
        let mut done = Done::default();
        let name = self.path.display();
        let tally = done.reports(&self.path, &self.file, saved.is_some())?;
        if tally.others > 0 {
            environment.complain(&format!(
                "{name}: {} lines are not reports; their targets are checked again",
                tally.others
            ));
        }
        if self.goes_on_there {
            self.end(&tally, environment)?;
        }
        let Some(saved) = saved else {
            return Ok(done);
        };
        let (tally, unreported) = done.observations(saved)?;
        if tally.others > 0 {
            environment.complain(&format!(
                "{}: {} lines are not observations and stay unchanged; --replay names them",
                saved.name(),
                tally.others
            ));
        }
        if unreported > 0 {
            environment.complain(&format!(
                "{}: {unreported} observations have no report yet: danecheck judges them and does \
                 not check their targets again",
                saved.name()
            ));
        }
        let alone = done.find_reports_alone(&self.path, &self.file)?;
        if alone > 0 {
            environment.complain(&format!(
                "{name}: {alone} reports have no observation in {}: danecheck checks their targets \
                 again, and the new reports replace these",
                saved.name()
            ));
        }
        Ok(done)
    }

    /// Ends the file with a whole line.
    fn end(&self, tally: &Tally, environment: &mut Environment) -> Result<(), Stop> {
        match tally.end {
            End::Whole => {}
            End::WithoutNewline => environment.print("\n")?,
            End::Half(length) => self
                .file
                .set_len(length)
                .map_err(|error| self.cannot_write(&error))?,
        }
        if tally.good == 0 {
            environment.complain(&format!(
                "{} contains no report, so all targets are checked. If it had reports, > has \
                 emptied it: append with >>",
                self.path.display()
            ));
        }
        Ok(())
    }

    /// Drops the reports without observation whose targets came again. The
    /// others move to the front of the file, so writing is never ahead of
    /// reading.
    fn drop_replaced(&self, done: &Done) -> Result<(), Stop> {
        if !done.has_replaced() {
            return Ok(());
        }
        let from = File::open(&self.path).map_err(|error| self.cannot_write(&error))?;
        let mut lines = Lines::new(from);
        let mut to = &self.file;
        let mut length = 0;
        while let Some(line) = lines.next().map_err(|error| self.cannot_write(&error))? {
            let Content::Object(bytes) = line.content else {
                continue;
            };
            if !done.is_replaced(line.start) {
                if line.start != length {
                    to.seek(SeekFrom::Start(length))
                        .and_then(|_| to.write_all(bytes))
                        .map_err(|error| self.cannot_write(&error))?;
                }
                length += u64::try_from(bytes.len()).unwrap_or(0);
            }
            lines.meant();
        }
        self.file
            .set_len(length)
            .map_err(|error| self.cannot_write(&error))
    }

    fn cannot_write(&self, error: &dyn std::fmt::Display) -> Stop {
        Stop::Sentence(format!(
            "{}: cannot be written: {error}",
            self.path.display()
        ))
    }
}
