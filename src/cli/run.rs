//! A run over its targets: a limited number at once, reports as soon as they
//! are ready, and an end between two lines.

use std::pin::{Pin, pin};
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};

use crate::config::{Advised, Config};
use crate::observe::Setup;
use danecheck_core::judge::Moment;
use danecheck_core::report::{ExitStatus, Report, worst};
use danecheck_core::sender::{Sender, System};
use danecheck_core::text::plural;

use super::bulk::processors;
use super::checker::{Checker, Judged, Outcome};
use super::environment::Environment;
use super::input::{GivenTarget, Targets};
use super::interrupt::{Interrupts, Watch};
use super::output::Output;
use super::pending::Pending;
use super::progress::{Count, Progress, SharedCount, TICK};
use super::resume::Files;
use super::stop::Stop;
use super::workers::Workers;

/// The parts of a run.
pub(super) struct Run<'a> {
    /// The targets as they were given.
    pub(super) targets: &'a [String],
    /// Whether they were typed on the command line.
    pub(super) typed: bool,
    pub(super) setup: Setup,
    /// The moment to judge for, if it is not the time of the check.
    pub(super) at: Option<Moment>,
    /// What is expected of each target.
    pub(super) expectations: Arc<Config>,
    pub(super) sender: Sender,
    /// Targets at once.
    pub(super) jobs: usize,
    /// Whether reports come in the order of the targets.
    pub(super) in_order: bool,
    /// Whether progress may be shown.
    pub(super) shows_progress: bool,
    /// The files that it resumes and writes.
    pub(super) files: Files,
}

/// Whether there may be more than one of these targets, as they were given.
pub(super) fn is_many(targets: &[String]) -> bool {
    reads_stdin(targets) || targets.len() > 1
}

fn reads_stdin(targets: &[String]) -> bool {
    targets.iter().any(|target| target == "-")
}

impl Run<'_> {
    /// Checks all targets.
    pub(super) async fn run(
        mut self,
        mut output: Output,
        environment: &mut Environment,
    ) -> Result<ExitStatus, Stop> {
        let interrupts = std::mem::replace(&mut environment.interrupts, Interrupts::None);
        let mut watch = Watch::new(interrupts);
        // Reports are written while standard input is still being read.
        let mut stdin = std::mem::replace(&mut environment.stdin, Box::new(tokio::io::empty()));
        let reads_stdin = reads_stdin(self.targets);
        let many = is_many(self.targets);
        // Separate from the targets, which are locked while they wait for more.
        let count = SharedCount::default();
        if !reads_stdin {
            count.lock().total = u64::try_from(self.targets.len()).ok();
        }
        // The progress line would overwrite what a user types.
        let is_typed = reads_stdin && environment.terminals.stdin;
        if many {
            output.expect_many();
        }
        // What reads a pipe shares the terminal more often than not, and would
        // print into the middle of the line.
        let is_read_there = output.is_for_people()
            && !environment.terminals.stdout
            && (environment.output_file)().is_none();
        let is_wanted =
            self.shows_progress && many && !is_typed && !is_read_there && !output.is_quiet();
        let mut progress = Progress::new(is_wanted);
        let pending = tokio::sync::Mutex::new(Pending {
            targets: Targets::new(self.targets, &mut *stdin),
            done: self.files.done.take(),
            needs_local_sender: self.sender.system == System::Local,
            size: environment.stdin_size,
            count: &count,
            fault: None,
        });
        let checker = Checker {
            setup: Arc::new(self.setup.clone()),
            typed: self.typed,
            at: self.at,
            expectations: self.expectations.clone(),
            sender: Arc::new(self.sender.clone()),
            saves: self.files.saved.is_some() || output.sees(),
            writes_json: output.is_json(),
            now: environment.now,
            workers: Workers::new(if many { processors() } else { 0 }),
        };
        let interrupted = {
            let targets = stream::unfold(&pending, async |pending| {
                let target = pending.lock().await.next().await?;
                Some((target, pending))
            });
            let outcomes = targets.map(|target| checker.check(target));
            // No more than these are begun and not yet written, so a slow
            // target holds the others back before they fill the memory.
            let outcomes = match self.in_order {
                true => outcomes.buffered(self.jobs).left_stream(),
                false => outcomes.buffer_unordered(self.jobs).right_stream(),
            };
            self.write_all(
                pin!(outcomes),
                &mut watch,
                &count,
                &mut progress,
                &mut output,
                environment,
            )
            .await
        };
        // The reason for an error will be printed there.
        progress.clear(environment);
        let interrupted = interrupted?;
        let mut pending = pending.into_inner();
        let nothing_came = {
            let count = count.lock();
            reads_stdin && count.begun + count.skipped == 0
        };
        // A list that became empty is no all-clear.
        if nothing_came && !interrupted && pending.fault.is_none() {
            self.files.finish(pending.done.as_ref(), true)?;
            return Err(Stop::Sentence("no targets on standard input".to_owned()));
        }
        output.end(environment)?;
        let all_came = !interrupted && pending.fault.is_none();
        self.files.finish(pending.done.as_ref(), all_came)?;
        if let Some(fault) = pending.fault {
            return Err(fault);
        }
        if !interrupted {
            return Ok(output.status());
        }
        let (left, is_all) = pending.count_the_rest().await;
        let so_far = *count.lock();
        explain_interrupt(&so_far, left, is_all, environment);
        environment.complain(how_to_go_on(output.is_json()));
        // Some targets were not checked.
        Ok(worst(output.status(), ExitStatus::Unknown))
    }

    /// Writes the outcomes as they come, and says whether an interrupt ended
    /// that.
    async fn write_all(
        &mut self,
        mut outcomes: Pin<&mut impl Stream<Item = Outcome>>,
        watch: &mut Watch,
        count: &SharedCount,
        progress: &mut Progress,
        output: &mut Output,
        environment: &mut Environment,
    ) -> Result<bool, Stop> {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            let outcome = tokio::select! {
                biased;
                () = watch.interrupted() => return Ok(true),
                outcome = outcomes.next() => match outcome {
                    Some(outcome) => Some(outcome),
                    None => return Ok(false),
                },
                _ = ticks.tick(), if progress.is_drawn(environment) => None,
            };
            if let Some(outcome) = outcome {
                let shares_terminal = environment.terminals.stdout
                    || environment.terminals.stdout_may_be
                    || output.says_beside()
                    || matches!(outcome, Outcome::Invalid(GivenTarget::Argument(_), _));
                if shares_terminal {
                    progress.clear(environment);
                }
                self.write(outcome, output, environment)?;
                count.lock().done += 1;
            }
            let so_far = *count.lock();
            progress.draw(&so_far, environment);
        }
    }

    /// The observation goes first: see `resume`.
    fn write(
        &mut self,
        outcome: Outcome,
        output: &mut Output,
        environment: &mut Environment,
    ) -> Result<(), Stop> {
        match outcome {
            Outcome::Observed(checked) => {
                if let (Some(saved), Some(observation)) =
                    (&mut self.files.saved, &checked.observation)
                {
                    saved.write(observation)?;
                }
                match checked.judged {
                    Judged::Line(line, status) => output.line(line, status, environment),
                    Judged::Report(advised) => {
                        if let Some(observation) = &checked.observation {
                            output.see(observation, &advised);
                        }
                        output.report(&advised, environment)
                    }
                }
            }
            Outcome::Invalid(given, error) => {
                let from_stdin = matches!(given, GivenTarget::Line(_));
                if from_stdin || output.wants_report_on_invalid_argument() {
                    let report =
                        Report::on_invalid_target(given.text(), &error, (environment.now)());
                    let entry = None;
                    output.report(&Advised { report, entry }, environment)?;
                }
                if !from_stdin {
                    environment.complain(&error.to_string());
                    output.unknown();
                }
                Ok(())
            }
            Outcome::Lost(given) => Err(Stop::Sentence(format!(
                "{}: the check did not end. This is a fault in danecheck: please report it",
                given.text()
            ))),
        }
    }
}

fn explain_interrupt(count: &Count, left: u64, is_all: bool, environment: &mut Environment) {
    let under_way = count.begun.saturating_sub(count.done);
    let at_least = if is_all { "" } else { "at least " };
    let before = match count.skipped {
        0 => String::new(),
        skipped => format!(" ({skipped} more have one from before)"),
    };
    environment.complain(&format!(
        "interrupted: {}{before}, {under_way} were under way and have none, {at_least}{left} were \
         not started",
        plural(count.done, "target has a report", "targets have a report")
    ));
}

fn how_to_go_on(is_json: bool) -> &'static str {
    if is_json {
        "to resume, give the same targets again with --resume FILE. FILE contains the JSON reports \
         so far; new reports may be appended to it (>>)"
    } else {
        "only runs with --json can be resumed: --resume reads their reports from a file"
    }
}
