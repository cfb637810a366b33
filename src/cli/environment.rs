//! The surroundings of the process, so that tests can replace them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufRead, BufReader};

use crate::observe::Dial;
use danecheck_core::report::{printable, shown};
use danecheck_core::unix_time::UnixTime;

use super::interrupt::Interrupts;
use super::stop::Stop;

/// The surroundings of one run.
pub struct Environment {
    /// Standard input, for `-`.
    pub stdin: Box<dyn AsyncBufRead + Send + Unpin>,
    /// Standard output.
    pub stdout: Box<dyn Write + Send>,
    /// Standard error.
    pub stderr: Box<dyn Write + Send>,
    /// Whether standard output is a terminal that takes colours.
    pub colors: bool,
    /// The width of pages in characters, from 60 to 120.
    pub width: usize,
    /// The clock.
    pub now: fn() -> UnixTime,
    /// How connections are made.
    pub dial: Dial,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// The width of the terminal at standard error; it may change.
    pub line_width: fn() -> usize,
    /// Where `danecheck.toml` is looked for, the first that exists; never the
    /// working directory, which somebody else may have filled.
    pub config_files: Vec<PathBuf>,
    /// How many bytes standard input has, if it is a file.
    pub stdin_size: Option<u64>,
    /// What may interrupt a run.
    pub interrupts: Interrupts,
    /// Whether standard output goes to this file.
    pub writes_to: fn(&Path) -> bool,
    /// The file of standard output, opened again, if it is one.
    pub output_file: fn() -> Option<File>,
}

/// Which streams are terminals, with or without colours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminals {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard output is no terminal, but may lead to one, as a pipe does.
    pub stdout_may_be: bool,
    /// Standard error; one that can move its cursor.
    pub stderr: bool,
}

impl Environment {
    /// The process's own.
    pub fn real() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            stdin: Box::new(BufReader::with_capacity(STDIN_PIECE, tokio::io::stdin())),
            stdout: Box::new(std::io::stdout()),
            stderr: Box::new(std::io::stderr()),
            colors: std::io::stdout().is_terminal() && !no_color && !dumb,
            width: page_width(),
            now,
            dial: Dial::Direct,
            terminals: Terminals {
                stdin: std::io::stdin().is_terminal(),
                stdout: std::io::stdout().is_terminal(),
                stdout_may_be: !std::io::stdout().is_terminal() && !stdout_is_file(),
                stderr: std::io::stderr().is_terminal() && !dumb,
            },
            line_width,
            config_files: config_files(|name| std::env::var_os(name)),
            stdin_size: stdin_size(),
            interrupts: Interrupts::Signals,
            writes_to,
            output_file,
        }
    }

    pub(super) fn print(&mut self, text: &str) -> Result<(), Stop> {
        self.print_bytes(text.as_bytes())
    }

    /// The bytes of a user's own file, in any encoding. A terminal gets no
    /// control characters of it.
    pub(super) fn print_file(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if self.terminals.stdout {
            return self.print(&shown(&String::from_utf8_lossy(bytes)));
        }
        self.print_bytes(bytes)
    }

    fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.stdout
            .write_all(bytes)
            .and_then(|()| self.stdout.flush())
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::BrokenPipe => Stop::BrokenPipe,
                _ => Stop::Sentence(format!("standard output cannot be written: {error}")),
            })
    }

    /// One sentence on standard error; if that fails too, there is no reader.
    pub(super) fn complain(&mut self, sentence: &str) {
        let clean = printable(sentence);
        let _ = writeln!(self.stderr, "danecheck: {}", shown(&clean));
    }

    /// Instructions beside the data on standard output, line by line.
    pub(super) fn say_beside(&mut self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(self.stderr, "{}", shown(line));
        }
    }

    pub(super) fn complain_raw(&mut self, text: &str) {
        let _ = self.stderr.write_all(text.as_bytes());
    }
}

/// Bytes of standard input that are read at a time: what a pipe holds, because
/// each read goes to another thread.
const STDIN_PIECE: usize = 64 * 1024;

/// The assumed width of a terminal that does not report it.
const USUAL_WIDTH: usize = 80;

/// Pages are no narrower and no wider than this.
const PAGE: std::ops::RangeInclusive<usize> = 60..=120;

/// The width of pages on standard output: `COLUMNS`, else that of the terminal.
fn page_width() -> usize {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.trim().parse().ok());
    let width = columns.filter(|width| *width > 0).or_else(terminal_width);
    let width: usize = width.unwrap_or(USUAL_WIDTH);
    width.clamp(*PAGE.start(), *PAGE.end())
}

#[cfg(unix)]
fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn terminal_width() -> Option<usize> {
    None
}

#[cfg(unix)]
fn line_width() -> usize {
    match rustix::termios::tcgetwinsize(std::io::stderr()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => USUAL_WIDTH,
    }
}

#[cfg(not(unix))]
fn line_width() -> usize {
    USUAL_WIDTH
}

/// Whether standard output is a file, or thrown away.
#[cfg(unix)]
fn stdout_is_file() -> bool {
    use rustix::fs::{FileType, fstat};
    fstat(std::io::stdout()).is_ok_and(|stat| {
        let kind = FileType::from_raw_mode(stat.st_mode);
        kind.is_file() || kind.is_char_device()
    })
}

#[cfg(not(unix))]
fn stdout_is_file() -> bool {
    false
}

/// The places of `danecheck.toml`, the user's own first. By the specification of
/// the XDG base directories, a path that is not absolute does not count.
fn config_files(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let absolute = |name: &str| {
        let path = variable(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let of_user =
        absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let folders = of_user.into_iter().chain([PathBuf::from("/etc")]);
    folders
        .map(|folder| folder.join("danecheck/danecheck.toml"))
        .collect()
}

/// The size of standard input, if it is a file.
#[cfg(unix)]
fn stdin_size() -> Option<u64> {
    use rustix::fs::{FileType, fstat};
    let stat = fstat(std::io::stdin()).ok()?;
    FileType::from_raw_mode(stat.st_mode)
        .is_file()
        .then(|| u64::try_from(stat.st_size).ok())
        .flatten()
}

#[cfg(not(unix))]
fn stdin_size() -> Option<u64> {
    None
}

/// Whether standard output is this file.
#[cfg(unix)]
fn writes_to(path: &Path) -> bool {
    use rustix::fs::{fstat, stat};
    let (Ok(stdout), Ok(file)) = (fstat(std::io::stdout()), stat(path)) else {
        return false;
    };
    (stdout.st_dev, stdout.st_ino) == (file.st_dev, file.st_ino)
}

#[cfg(not(unix))]
fn writes_to(_: &Path) -> bool {
    false
}

/// Opened again, because a lock on standard output itself would be shared with
/// other programs that have it, and would outlive this process.
#[cfg(target_os = "linux")]
fn output_file() -> Option<File> {
    use rustix::fs::{FileType, fstat};
    let stat = fstat(std::io::stdout()).ok()?;
    let is_file = FileType::from_raw_mode(stat.st_mode).is_file();
    is_file.then(|| File::open("/dev/stdout").ok()).flatten()
}

/// Other systems cannot do this.
#[cfg(not(target_os = "linux"))]
fn output_file() -> Option<File> {
    None
}

fn now() -> UnixTime {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
    };
    UnixTime(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_the_users_own_or_the_machines() {
        for (xdg, home, first) in [
            (Some("/x"), Some("/home/a"), "/x/danecheck/danecheck.toml"),
            (
                None,
                Some("/home/a"),
                "/home/a/.config/danecheck/danecheck.toml",
            ),
            (
                Some(""),
                Some("/home/a"),
                "/home/a/.config/danecheck/danecheck.toml",
            ),
            // Never the working directory.
            (Some("."), Some("here"), "/etc/danecheck/danecheck.toml"),
            (None, None, "/etc/danecheck/danecheck.toml"),
        ] {
            let files = config_files(|name| match name {
                "XDG_CONFIG_HOME" => xdg.map(OsString::from),
                _ => home.map(OsString::from),
            });
            assert_eq!(files.first().unwrap(), Path::new(first));
            let last = files.last().unwrap();
            assert_eq!(last, Path::new("/etc/danecheck/danecheck.toml"));
        }
    }
}
