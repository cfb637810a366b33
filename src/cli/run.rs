//! A run over its targets: a limited number at once, reports as soon as they
//! are ready, and an end between two lines.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use crate::config::{Advised, Config};
use crate::observe::{Setup, observe};
use danecheck_core::judge::Moment;
use danecheck_core::next_hop::{NextHop, NextHopError};
use danecheck_core::observation::Observation;
use danecheck_core::report::{ExitStatus, Report, json, worst};
use danecheck_core::sender::{Sender, System};

use super::bulk::processors;
use super::done::{Done, There};
use super::input::{Given, Targets};
use super::interrupt::{Interrupts, Watch};
use super::progress::{Count, Progress};
use super::resume::Files;
use super::workers::Workers;
use super::{Output, Stop, World};

/// How long the rest of the input is counted after an interrupt.
const COUNTING: Duration = Duration::from_millis(300);

/// How often progress is shown while no target ends.
const TICK: Duration = Duration::from_secs(1);

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
    /// The files that it resumes and writes.
    pub(super) files: Files,
}

/// One checked target, or the reason why it could not be checked.
enum Looked {
    Observed(Box<Seen>),
    Invalid(Given, NextHopError),
    /// Its task did not end properly, which is a fault in this program.
    Lost(Given),
}

/// A target with its results.
struct Seen {
    /// `None` if it is not saved.
    observation: Option<Observation>,
    advised: Advised,
    /// The report as JSON, if needed.
    line: Option<String>,
}

impl Run<'_> {
    /// Checks all targets.
    pub(super) async fn run(
        mut self,
        mut output: Output,
        world: &mut World,
    ) -> Result<ExitStatus, Stop> {
        let interrupts = std::mem::replace(&mut world.interrupts, Interrupts::None);
        let mut watch = Watch::new(interrupts);
        // Reports are written while standard input is still being read.
        let mut stdin = std::mem::replace(&mut world.stdin, Box::new(tokio::io::empty()));
        // Separate from the input, which is locked while it waits for more.
        let count = Mutex::new(Count::default());
        let input = Input {
            targets: Targets::new(self.targets, &mut *stdin),
            done: self.files.done.take(),
            needs_local_sender: self.sender.system == System::Local,
            size: world.stdin_size,
            count: &count,
            fault: None,
        };
        let known = !self.targets.iter().any(|target| target == "-");
        lock(&count).total = known
            .then(|| u64::try_from(self.targets.len()).ok())
            .flatten();
        let input = tokio::sync::Mutex::new(input);
        let many = self.targets.len() > 1 || !known;
        // The progress line would overwrite what a user types.
        let is_typed = !known && world.terminals.stdin;
        let mut progress = (many && !is_typed).then(Progress::new);
        let mut ticks = tokio::time::interval(TICK);
        let interrupted = {
            let looks = stream::unfold(&input, async |input| {
                let begun = input.lock().await.next().await?;
                Some((begun, input))
            });
            let looker = Looker {
                setup: Arc::new(self.setup.clone()),
                typed: self.typed,
                at: self.at,
                expectations: self.expectations.clone(),
                sender: Arc::new(self.sender.clone()),
                saves: self.files.saved.is_some(),
                writes_json: output.is_json(),
                now: world.now,
                workers: Workers::new(if many { processors() } else { 0 }),
            };
            let looks = looks
                .map(|begun| looker.look(begun))
                .buffer_unordered(self.jobs);
            let mut looks = std::pin::pin!(looks);
            loop {
                let looked = tokio::select! {
                    biased;
                    () = watch.interrupted() => break true,
                    looked = looks.next() => match looked {
                        Some(looked) => Some(looked),
                        None => break false,
                    },
                    _ = ticks.tick(), if progress.is_some() && world.terminals.stderr => None,
                };
                if let Some(looked) = looked {
                    let shares_terminal = world.terminals.stdout
                        || output.says_beside()
                        || matches!(looked, Looked::Invalid(Given::Argument(_), _));
                    if let (true, Some(progress)) = (shares_terminal, &mut progress) {
                        progress.clear(world);
                    }
                    if let Err(stop) = self.write(looked, &mut output, world) {
                        // The reason will be printed there.
                        if let Some(progress) = &mut progress {
                            progress.clear(world);
                        }
                        return Err(stop);
                    }
                    lock(&count).done += 1;
                }
                if let Some(progress) = &mut progress {
                    let so_far = *lock(&count);
                    progress.draw(&so_far, world);
                }
            }
        };
        if let Some(progress) = &mut progress {
            progress.clear(world);
        }
        output.end(world)?;
        let mut input = input.into_inner();
        let all_came = !interrupted && input.fault.is_none();
        self.files.finish(input.done.as_ref(), all_came)?;
        if let Some(fault) = input.fault {
            return Err(fault);
        }
        if !interrupted {
            return Ok(output.status());
        }
        let (left, is_all) = input.count_the_rest().await;
        let so_far = *lock(&count);
        explain_interrupt(&so_far, left, is_all, world);
        world.complain(how_to_go_on(output.is_json()));
        // Some targets were not checked.
        Ok(worst(output.status(), ExitStatus::Unknown))
    }

    /// The observation goes first: see `resume`.
    fn write(
        &mut self,
        looked: Looked,
        output: &mut Output,
        world: &mut World,
    ) -> Result<(), Stop> {
        match looked {
            Looked::Observed(seen) => {
                if let (Some(saved), Some(observation)) = (&mut self.files.saved, &seen.observation)
                {
                    saved.write(observation)?;
                }
                output.report_written(&seen.advised, seen.line, world)
            }
            Looked::Invalid(given, error) => {
                let from_stdin = matches!(given, Given::Line(_));
                if from_stdin || output.wants_report_on_invalid_argument() {
                    let report = Report::on_invalid_target(given.text(), &error, (world.now)());
                    let entry = None;
                    output.report(&Advised { report, entry }, world)?;
                }
                if !from_stdin {
                    world.complain(&error.to_string());
                    output.unknown();
                }
                Ok(())
            }
            Looked::Lost(given) => Err(Stop::Sentence(format!(
                "{}: the check did not end. This is a fault in danecheck: please report it",
                given.text()
            ))),
        }
    }
}

/// The targets that are still to be checked.
struct Input<'a> {
    targets: Targets<'a>,
    done: Option<Done>,
    needs_local_sender: bool,
    /// All bytes of standard input, if that is known.
    size: Option<u64>,
    count: &'a Mutex<Count>,
    /// Why no more targets come, if that is not the regular end.
    fault: Option<Stop>,
}

/// A target to report, and its earlier observation.
struct Begun {
    given: Given,
    observed: Option<Box<Observation>>,
}

fn lock(count: &Mutex<Count>) -> MutexGuard<'_, Count> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Input<'_> {
    /// The next one; `None` also if a fault ends them.
    async fn next(&mut self) -> Option<Begun> {
        match self.try_next().await {
            Ok(begun) => begun,
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<Begun>, Stop> {
        loop {
            let Some(given) = self.targets.next().await? else {
                let mut count = lock(self.count);
                count.total = Some(count.begun + count.skipped);
                return Ok(None);
            };
            #[expect(clippy::cast_precision_loss, reason = "it is for an estimate")]
            let part = |size: u64| self.targets.bytes_read() as f64 / size.max(1) as f64;
            let mut count = lock(self.count);
            count.read = self.size.map(part);
            let observed = match self.there(&given)? {
                There::All => {
                    count.skipped += 1;
                    continue;
                }
                There::Observation(observation) => Some(observation),
                There::Nothing => None,
            };
            count.begun += 1;
            return Ok(Some(Begun { given, observed }));
        }
    }

    fn there(&mut self, given: &Given) -> Result<There, Stop> {
        let there = match &mut self.done {
            Some(done) => done.take(given.text())?,
            None => There::Nothing,
        };
        match there {
            There::Observation(observation)
                if self.needs_local_sender && observation.local_sender.is_none() =>
            {
                Err(Stop::Sentence(format!(
                    "{}: was saved without --sender local",
                    given.text()
                )))
            }
            there => Ok(there),
        }
    }

    /// How many targets were not started, and whether that is all of them.
    async fn count_the_rest(&mut self) -> (u64, bool) {
        let mut left = 0;
        let count = async {
            while let Ok(Some(given)) = self.targets.next().await {
                let skipped = matches!(self.there(&given), Ok(There::All));
                left += u64::from(!skipped);
            }
        };
        let is_all = tokio::time::timeout(COUNTING, count).await.is_ok();
        (left, is_all)
    }
}

/// Checks targets, each in its own task, and judges them in other threads: that
/// takes as much processor time as checking.
struct Looker {
    setup: Arc<Setup>,
    /// Whether arguments were typed; lines of standard input never are.
    typed: bool,
    at: Option<Moment>,
    expectations: Arc<Config>,
    sender: Arc<Sender>,
    saves: bool,
    writes_json: bool,
    now: fn() -> danecheck_core::unix_time::UnixTime,
    workers: Workers,
}

impl Looker {
    fn look(&self, begun: Begun) -> impl Future<Output = Looked> {
        let Begun { given, observed } = begun;
        let (setup, sender) = (self.setup.clone(), self.sender.clone());
        let (at, saves, writes_json) = (self.at, self.saves, self.writes_json);
        let (expectations, now) = (self.expectations.clone(), self.now);
        let workers = &self.workers;
        let typed = self.typed && matches!(given, Given::Argument(_));
        async move {
            let next_hop = match given.text().parse::<NextHop>() {
                Ok(next_hop) => next_hop,
                Err(error) => return Looked::Invalid(given, error),
            };
            let task = workers.spawn(async move {
                let setup = Setup {
                    checked_at: now(),
                    typed,
                    skip: expectations.terms(&next_hop).skip_hosts.clone(),
                    ..(*setup).clone()
                };
                let saves = saves && observed.is_none();
                let observation = match observed {
                    Some(observation) => *observation,
                    None => observe(&next_hop, &setup).await,
                };
                // This thread also waits for the network of other targets, and
                // one domain can keep its judgement busy for a second. There
                // are as many judging threads as jobs so far: the system
                // schedules them fairly, and none has to wait for another.
                let judge = move || {
                    let terms = expectations.terms(&next_hop);
                    let advised = terms.report(&observation, at, &sender);
                    Seen {
                        line: writes_json.then(|| json(&advised.report)),
                        advised,
                        observation: saves.then_some(observation),
                    }
                };
                tokio::task::spawn_blocking(judge).await
            });
            match task.await {
                Ok(Ok(seen)) => Looked::Observed(Box::new(seen)),
                Ok(Err(_)) | Err(_) => Looked::Lost(given),
            }
        }
    }
}

fn explain_interrupt(count: &Count, left: u64, is_all: bool, world: &mut World) {
    let under_way = count.begun.saturating_sub(count.done);
    let at_least = if is_all { "" } else { "at least " };
    let before = match count.skipped {
        0 => String::new(),
        skipped => format!(" ({skipped} more have one from before)"),
    };
    world.complain(&format!(
        "interrupted: {} targets have a report{before}, {under_way} were under way and have none, \
         {at_least}{left} were not started",
        count.done
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
