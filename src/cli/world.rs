//! What the program has around it, so that tests can give it another one.

use std::io::{IsTerminal as _, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufRead, BufReader};

use crate::observe::Dial;
use crate::unix_time::UnixTime;

use super::Stop;

/// The surroundings of one run.
pub struct World {
    /// Standard input, for `-`.
    pub stdin: Box<dyn AsyncBufRead + Send + Unpin>,
    /// Standard output.
    pub stdout: Box<dyn Write + Send>,
    /// Standard error.
    pub stderr: Box<dyn Write + Send>,
    /// Whether standard output is a terminal that takes colours.
    pub colors: bool,
    /// The width of the terminal in characters.
    pub width: usize,
    /// The clock.
    pub now: fn() -> UnixTime,
    /// Where connections go.
    pub dial: Dial,
}

impl World {
    /// The process's own.
    pub fn real() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            stdin: Box::new(BufReader::new(tokio::io::stdin())),
            stdout: Box::new(std::io::stdout()),
            stderr: Box::new(std::io::stderr()),
            colors: std::io::stdout().is_terminal() && !no_color && !dumb,
            width: 80,
            now,
            dial: Dial::Direct,
        }
    }

    pub(super) fn print(&mut self, text: &str) -> Result<(), Stop> {
        self.stdout
            .write_all(text.as_bytes())
            .and_then(|()| self.stdout.flush())
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::BrokenPipe => Stop::BrokenPipe,
                _ => Stop::Sentence(format!("standard output cannot be written: {error}")),
            })
    }

    /// One sentence on standard error; where that fails too, nobody listens.
    pub(super) fn complain(&mut self, sentence: &str) {
        let clean = crate::report::printable(sentence);
        let _ = writeln!(self.stderr, "danecheck: {clean}");
    }

    /// Instructions beside the data on standard output, line by line.
    pub(super) fn say_beside(&mut self, text: &str) {
        for line in text.lines() {
            let clean: String = line
                .chars()
                .map(|c| {
                    if crate::report::is_harmless(c) {
                        c
                    } else {
                        '?'
                    }
                })
                .collect();
            let _ = writeln!(self.stderr, "{clean}");
        }
    }

    pub(super) fn complain_raw(&mut self, text: &str) {
        let _ = self.stderr.write_all(text.as_bytes());
    }
}

fn now() -> UnixTime {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
    };
    UnixTime(seconds)
}
