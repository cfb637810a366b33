//! `--state FILE`: the changes of verdicts, one JSON object a line after a line
//! that says what the file is.
//!
//! A change is added at the end and is on the disk before it counts. A process
//! that is killed leaves at most half a line there, which the next one cuts off.
//! A shorter file is written beside the old one and takes its name when it is
//! complete. So at any moment the name leads to a whole history. A file of
//! something else is left as it is.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::serve::{Change, Keep};

use super::lock::{is_same, lock};
use super::stop::Stop;

/// The first line.
const HEADER: &str = "{\"danecheck\":\"changes of verdicts\",\"format\":1}\n";

/// More is not read. What danecheck writes is always smaller.
const LARGEST: u64 = 64 << 20;

/// How often the name is followed again because another process has replaced
/// the file in between.
const ATTEMPTS: usize = 5;

/// The file, for one process.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    file: File,
    /// The end of its whole lines.
    end: u64,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) state: StateFile,
    pub(super) changes: Vec<Change>,
    /// What had to be cut off, in a sentence.
    pub(super) said: Option<String>,
}

impl StateFile {
    /// Opens a file, or begins it.
    pub(super) fn open(path: &Path) -> Result<Opened, Stop> {
        let name = path.display();
        let refuse = |why: &dyn std::fmt::Display| Stop::Sentence(format!("{name}: {why}"));
        let cannot = |error: io::Error| refuse(&format!("cannot be used: {error}"));
        if std::fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            return Err(refuse(&"is not a regular file: give --state another one"));
        }
        let file = Self::locked(path)?;
        let mut state = Self {
            // The new file replaces the old one, not a link to it.
            path: std::fs::canonicalize(path).map_err(cannot)?,
            file,
            end: 0,
        };
        let mut bytes = Vec::new();
        (&mut state.file)
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
        if bytes.len() as u64 > LARGEST {
            return Err(refuse(&format!(
                "is larger than {} MiB: give --state another file",
                LARGEST >> 20
            )));
        }
        let Some(rest) = bytes.strip_prefix(HEADER.as_bytes()) else {
            if !HEADER.as_bytes().starts_with(&bytes) {
                return Err(refuse(
                    &"is not a file of danecheck serve --state: give another one",
                ));
            }
            state.begin().map_err(cannot)?;
            return Ok(Opened {
                state,
                changes: Vec::new(),
                said: None,
            });
        };
        state.end = HEADER.len() as u64;
        let mut changes = Vec::new();
        let mut lines = rest.split_inclusive(|byte| *byte == b'\n').peekable();
        let mut said = None;
        while let Some(line) = lines.next() {
            match serde_json::from_slice::<Change>(line) {
                Ok(change) if line.ends_with(b"\n") => {
                    state.end += line.len() as u64;
                    changes.push(change);
                }
                // A crash leaves half a line, or bytes that never reached the disk.
                _ if lines.peek().is_none() && (!line.ends_with(b"\n") || line.contains(&0)) => {
                    said = Some(format!(
                        "{name}: the last line is not whole, as after a crash; danecheck has \
                         removed it"
                    ));
                    state.file.set_len(state.end).map_err(cannot)?;
                    state.file.sync_all().map_err(cannot)?;
                }
                _ => {
                    let number = changes.len() + 2;
                    return Err(refuse(&format!(
                        "line {number} is not a change of a verdict: remove it, or give --state \
                         another file"
                    )));
                }
            }
        }
        state.remove_unfinished().map_err(cannot)?;
        Ok(Opened {
            state,
            changes,
            said,
        })
    }

    /// The file at this path, which nobody else uses.
    fn locked(path: &Path) -> Result<File, Stop> {
        let cannot = |error: io::Error| {
            Stop::Sentence(format!("{}: cannot be used: {error}", path.display()))
        };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(cannot)?;
        for _ in 0..ATTEMPTS {
            lock(&file, path)?;
            let now = options.open(path).map_err(cannot)?;
            if cfg!(not(unix)) || is_same(&file, &now) {
                break;
            }
            // The one that was locked has lost its name.
            file = now;
        }
        Ok(file)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.end = 0;
        self.file.set_len(0)?;
        self.add(HEADER)?;
        self.sync_folder()
    }

    /// Writes whole lines, or nothing.
    fn add(&mut self, lines: &str) -> io::Result<()> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(lines.as_bytes()))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // A full disk has room for a shorter file.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += lines.len() as u64;
        Ok(())
    }

    /// The name of a file that is not finished.
    fn unfinished(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        name.into()
    }

    /// Removes what a process has left that was killed while it wrote a shorter
    /// file.
    fn remove_unfinished(&self) -> io::Result<()> {
        let path = self.unfinished();
        match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // To open a pipe would wait for its other end.
            Ok(found) if !found.is_file() => return Ok(()),
            _ => {}
        }
        let mut begin = Vec::new();
        File::open(&path)?
            .take(HEADER.len() as u64)
            .read_to_end(&mut begin)?;
        // It would be ours otherwise.
        if HEADER.as_bytes().starts_with(&begin) {
            std::fs::remove_file(path)?;
        }
        Ok(())
    }

    /// A new name lasts once its folder is on the disk.
    fn sync_folder(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Keep for StateFile {
    fn append(&mut self, change: &Change) -> io::Result<()> {
        let line = serde_json::to_string(change)?;
        self.add(&(line + "\n"))
    }

    fn replace(&mut self, changes: &[Change]) -> io::Result<()> {
        self.remove_unfinished()?;
        let path = self.unfinished();
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut text = HEADER.to_owned();
        for change in changes {
            text += &serde_json::to_string(change)?;
            text.push('\n');
        }
        let mut file = options.open(&path)?;
        let written = lock(&file, &path)
            .map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&path, &self.path));
        if let Err(error) = written {
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        self.file = file;
        self.end = text.len() as u64;
        self.sync_folder()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use danecheck_core::judge::Verdict;
    use danecheck_core::unix_time::UnixTime;

    use super::*;

    /// A path of this test, where nothing is.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("danecheck-state-{name}-{}", std::process::id());
            let scratch = Self(std::env::temp_dir().join(name));
            scratch.clear();
            scratch
        }

        fn clear(&self) {
            let _ = std::fs::remove_file(&self.0);
            let _ = std::fs::remove_file(self.new_file());
        }

        fn new_file(&self) -> PathBuf {
            let mut name = self.0.clone().into_os_string();
            name.push(".new");
            name.into()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            self.clear();
        }
    }

    fn change(number: i64) -> Change {
        Change {
            at: UnixTime(number),
            target: "example.com".to_owned(),
            before: (number > 0).then_some(Verdict::DaneOk),
            verdict: Verdict::DaneBroken,
        }
    }

    /// Opens a file whose lock was just given up. Another test of this process
    /// may start a program in this moment, and the new process has the lock until
    /// it has closed what it inherits.
    fn open_again(path: &Path) -> Opened {
        for _ in 0..100_000 {
            match StateFile::open(path) {
                Ok(opened) => return opened,
                Err(Stop::Sentence(said)) if said.contains("another danecheck") => {
                    std::thread::yield_now();
                }
                Err(stop) => panic!("{stop:?}"),
            }
        }
        panic!("{}: is locked", path.display());
    }

    fn numbers(changes: &[Change]) -> Vec<i64> {
        changes.iter().map(|change| change.at.0).collect()
    }

    #[test]
    fn a_file_that_ends_anywhere_loses_its_last_line_alone() {
        let scratch = Scratch::new("cut");
        let mut opened = open_again(&scratch.0);
        for number in 0..4 {
            opened.state.append(&change(number)).unwrap();
        }
        drop(opened);
        let whole = std::fs::read(&scratch.0).unwrap();
        let lines: Vec<usize> = (0..whole.len())
            .filter(|place| whole[*place] == b'\n')
            .collect();
        for length in 0..=whole.len() {
            std::fs::write(&scratch.0, &whole[..length]).unwrap();
            let mut opened = open_again(&scratch.0);
            let ends = lines.iter().filter(|end| **end < length).count();
            let left = ends.saturating_sub(1) as i64;
            assert_eq!(
                numbers(&opened.changes),
                (0..left).collect::<Vec<_>>(),
                "{length}"
            );
            let is_torn = length > lines[0] + 1 && whole[length - 1] != b'\n';
            assert_eq!(opened.said.is_some(), is_torn, "{length}");
            // It goes on behind the whole lines.
            opened.state.append(&change(9)).unwrap();
            drop(opened);
            let again = open_again(&scratch.0);
            assert_eq!(again.changes.len() as i64, left + 1, "{length}");
            assert_eq!(again.said, None);
        }
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let scratch = Scratch::new("other");
        let line = serde_json::to_string(&change(1)).unwrap();
        for (text, why) in [
            ("notes\n".to_owned(), "is not a file of danecheck"),
            (format!("{line}\n"), "is not a file of danecheck"),
            (format!("{HEADER}{line}\nx\n{line}\n"), "line 3 "),
            (format!("{HEADER}{{}}\n{line}\n"), "line 2 "),
            // A whole line, such as one that a newer danecheck wrote.
            (format!("{HEADER}{line}\n{{}}\n"), "line 3 "),
        ] {
            std::fs::write(&scratch.0, &text).unwrap();
            let Err(Stop::Sentence(said)) = StateFile::open(&scratch.0) else {
                panic!("{text}");
            };
            assert!(said.contains(why), "{said}");
            assert_eq!(std::fs::read_to_string(&scratch.0).unwrap(), text);
        }
        assert!(StateFile::open(&std::env::temp_dir()).is_err());
        // Nor is one with the name of an unfinished file.
        std::fs::remove_file(&scratch.0).unwrap();
        let mut opened = open_again(&scratch.0);
        std::fs::write(scratch.new_file(), "notes\n").unwrap();
        assert!(opened.state.replace(&[change(1)]).is_err());
        assert_eq!(
            std::fs::read_to_string(scratch.new_file()).unwrap(),
            "notes\n"
        );
        opened.state.append(&change(2)).unwrap();
        drop(opened);
        let opened = open_again(&scratch.0);
        assert_eq!(numbers(&opened.changes), [2]);
    }

    #[test]
    fn only_one_process_uses_it_even_after_it_was_replaced() {
        let scratch = Scratch::new("lock");
        let mut first = open_again(&scratch.0);
        assert!(StateFile::open(&scratch.0).is_err());
        first.state.replace(&[change(1), change(2)]).unwrap();
        assert!(StateFile::open(&scratch.0).is_err());
        first.state.append(&change(3)).unwrap();
        drop(first);
        let second = open_again(&scratch.0);
        assert_eq!(numbers(&second.changes), [1, 2, 3]);
        assert!(!scratch.new_file().exists());
    }

    /// The variable that names the file to the process that is killed.
    const FILE: &str = "DANECHECK_TEST_STATE";

    /// How many changes that process keeps, at most.
    const MOST: usize = 12;

    #[test]
    #[ignore = "runs until it is killed, by the test below"]
    fn writes_until_it_is_killed() {
        let Some(path) = std::env::var_os(FILE) else {
            return;
        };
        let Opened {
            mut state,
            mut changes,
            ..
        } = open_again(Path::new(&path));
        let mut next = changes.last().map_or(0, |change| change.at.0 + 1);
        loop {
            changes.push(change(next));
            if changes.len() > MOST {
                changes.drain(..MOST / 2);
                state.replace(&changes).unwrap();
            } else {
                state.append(&change(next)).unwrap();
            }
            // Standard error is not held back by the test harness.
            writeln!(std::io::stderr(), "written {next}").unwrap();
            next += 1;
        }
    }

    #[test]
    fn a_process_that_is_killed_loses_nothing_that_was_written() {
        let scratch = Scratch::new("killed");
        let mut last = -1;
        for round in 0..40 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "cli::state::tests::writes_until_it_is_killed"])
                .args(["--ignored", "--nocapture"])
                .env(FILE, &scratch.0)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let written = lines.filter_map(|line| {
                let line = line.ok()?;
                line.strip_prefix("written ")?.parse::<i64>().ok()
            });
            let mut written = written.peekable();
            for _ in 0..round % 17 {
                last = written.next().unwrap();
            }
            // SIGKILL, wherever it is now.
            child.kill().unwrap();
            child.wait().unwrap();
            last = written.last().unwrap_or(last);
            let opened = open_again(&scratch.0);
            let found = numbers(&opened.changes);
            // One more may be written before the process could say so.
            let end = found.last().copied().unwrap_or(-1);
            assert!(end == last || end == last + 1, "{round}: {last}, {found:?}");
            last = end;
            let begin = found.first().copied().unwrap_or(0);
            assert!(found.iter().copied().eq(begin..=end), "{round}: {found:?}");
            let least = (end + 1).min(MOST as i64 / 2);
            assert!(found.len() as i64 >= least, "{round}: {found:?}");
        }
    }
}
