//! The progress of a run, in one line on the terminal.

use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::environment::Environment;

/// How often the line is redrawn.
const EVERY: Duration = Duration::from_millis(200);

/// How often it is shown while no target ends.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Before this the remaining time cannot be estimated.
const EARLY: Duration = Duration::from_secs(2);

/// The progress of a run so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Count {
    /// Targets with a report of this run.
    pub(super) done: u64,
    /// Targets that an earlier run has reported.
    pub(super) skipped: u64,
    /// Targets that were begun, done or not.
    pub(super) begun: u64,
    /// All targets, if that is known.
    pub(super) total: Option<u64>,
    /// How much of the input was read, from 0 to 1, if that is known.
    pub(super) read: Option<f64>,
}

/// The progress of a run, for all parts of it that count.
#[derive(Debug, Default)]
pub(super) struct SharedCount(Mutex<Count>);

impl SharedCount {
    pub(super) fn lock(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line.
pub(super) struct Progress {
    is_wanted: bool,
    begun: Instant,
    drawn_at: Option<Instant>,
    is_there: bool,
}

impl Progress {
    /// A line that is drawn only if it is wanted.
    pub(super) fn new(is_wanted: bool) -> Self {
        Self {
            is_wanted,
            begun: Instant::now(),
            drawn_at: None,
            is_there: false,
        }
    }

    /// Whether it is drawn at all: only if standard error is a terminal.
    pub(super) fn is_drawn(&self, environment: &Environment) -> bool {
        self.is_wanted && environment.terminals.stderr
    }

    /// Draws it, not too often, and only if standard error is a terminal.
    pub(super) fn draw(&mut self, count: &Count, environment: &mut Environment) {
        let soon = |at: Instant| at.elapsed() < EVERY;
        // What a pipe leads to prints a report a moment later.
        let waits = self.is_there || environment.terminals.stdout_may_be;
        if !self.is_drawn(environment) || waits && self.drawn_at.is_some_and(soon) {
            return;
        }
        // A line that fills its row may already have moved the cursor to the
        // next one.
        let room = (environment.line_width)().saturating_sub(1);
        let line = line(count, self.begun.elapsed(), room);
        let _ = write!(environment.stderr, "\r{line}\x1b[K");
        let _ = environment.stderr.flush();
        self.drawn_at = Some(Instant::now());
        self.is_there = true;
    }

    /// Clears the line for other output on the same terminal.
    pub(super) fn clear(&mut self, environment: &mut Environment) {
        if std::mem::take(&mut self.is_there) {
            let _ = write!(environment.stderr, "\r\x1b[K");
            let _ = environment.stderr.flush();
            self.drawn_at = Some(Instant::now());
        }
    }
}

/// The text that fits into the width: the least important part is dropped
/// first.
fn line(count: &Count, elapsed: Duration, room: usize) -> String {
    let seconds = elapsed.as_secs_f64();
    let done = count.done;
    #[expect(clippy::cast_precision_loss, reason = "it is shown in whole numbers")]
    let rate = done as f64 / seconds.max(0.1);
    let all = done + count.skipped;
    let all = match count.total {
        Some(total) => format!("{all} of {total} done"),
        None => format!("{all} done"),
    };
    let before = match count.skipped {
        0 => String::new(),
        skipped => format!(" ({skipped} before)"),
    };
    let under_way = format!(", {} under way", count.begun.saturating_sub(done));
    let mut speed = match rate {
        _ if done == 0 => String::new(),
        rate if rate >= 10.0 => format!(", {rate:.0} a second"),
        rate => format!(", {rate:.1} a second"),
    };
    if elapsed >= EARLY
        && let Some(left) = left(count, rate)
    {
        speed += &format!(", {} left", span(left));
    }
    let forms = [
        format!("{all}{before}{under_way}{speed}"),
        format!("{all}{before}{speed}"),
        format!("{all}{speed}"),
    ];
    match forms.into_iter().find(|form| form.len() <= room) {
        Some(form) => form,
        None => all.chars().take(room).collect(),
    }
}

/// The remaining seconds at this rate.
fn left(count: &Count, rate: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
    let (done, begun, skipped) = (count.done as f64, count.begun as f64, count.skipped as f64);
    #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
    let total = match (count.total, count.read) {
        (Some(total), _) => total as f64,
        // The rest of the input is assumed to be like the part that was read.
        (None, Some(read)) if read > 0.0 => (begun + skipped) / read,
        _ => return None,
    };
    (done > 0.0).then(|| ((total - skipped - done) / rate).max(0.0))
}

fn span(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    let hours = minutes / 60.0;
    if seconds < 59.5 {
        format!("{seconds:.0} s")
    } else if minutes < 59.5 {
        format!("{minutes:.0} min")
    } else {
        format!("{hours:.1} h")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_known() {
        let minute = Duration::from_secs(60);
        let count = Count {
            done: 3000,
            begun: 3128,
            ..Count::default()
        };
        for (count, elapsed, text) in [
            (count, minute, "3000 done, 128 under way, 50 a second"),
            (
                Count {
                    total: Some(12_000),
                    ..count
                },
                minute,
                "3000 of 12000 done, 128 under way, 50 a second, 3 min left",
            ),
            (
                Count {
                    total: Some(12_000),
                    skipped: 7000,
                    ..count
                },
                minute,
                "10000 of 12000 done (7000 before), 128 under way, 50 a second, 40 s left",
            ),
            (
                // 3128 lines are a hundredth of the input.
                Count {
                    read: Some(0.01),
                    ..count
                },
                minute,
                "3000 done, 128 under way, 50 a second, 1.7 h left",
            ),
            (
                // No speed, if nothing is known of it.
                Count {
                    begun: 128,
                    read: Some(0.01),
                    ..Count::default()
                },
                minute,
                "0 done, 128 under way",
            ),
            (
                Count {
                    done: 1,
                    begun: 9,
                    total: Some(9),
                    ..Count::default()
                },
                Duration::from_secs(1),
                "1 of 9 done, 8 under way, 1.0 a second",
            ),
        ] {
            assert_eq!(line(&count, elapsed, 79), text);
        }
    }

    #[test]
    fn what_matters_most_has_room_longest() {
        let count = Count {
            done: 300_000,
            skipped: 700_000,
            begun: 300_128,
            total: Some(1_200_000),
            read: None,
        };
        let elapsed = Duration::from_secs(6000);
        for (room, text) in [
            (
                120,
                "1000000 of 1200000 done (700000 before), 128 under way, 50 a second, 1.1 h left",
            ),
            (
                78,
                "1000000 of 1200000 done (700000 before), 50 a second, 1.1 h left",
            ),
            (50, "1000000 of 1200000 done, 50 a second, 1.1 h left"),
            (40, "1000000 of 1200000 done"),
            (9, "1000000 o"),
            (0, ""),
        ] {
            assert_eq!(line(&count, elapsed, room), text, "{room}");
        }
    }
}
