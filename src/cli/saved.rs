//! The file of `--save`.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use danecheck_core::observation::Observation;
use danecheck_core::report::shown_json;

use super::environment::Environment;
use super::lock::lock;
use super::stop::Stop;

/// Observations, one a line, in a file that no other run writes to.
pub(super) struct Saved {
    file: File,
    name: String,
    /// The end of its whole lines.
    end: u64,
}

impl Saved {
    /// A new file, or an old one that is emptied.
    pub(super) fn create(path: &Path, environment: &Environment) -> Result<Self, Stop> {
        let saved = Self::open(path, environment)?;
        // A device or a pipe cannot be emptied.
        if is_file(&saved.file) {
            saved
                .file
                .set_len(0)
                .map_err(|error| saved.refuse(&error))?;
        }
        Ok(saved)
    }

    /// The old file with its content, if a run is resumed. Its end is set by
    /// [`Saved::end_at`].
    pub(super) fn open(path: &Path, environment: &Environment) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let mut options = File::options();
        options.create(true).write(true).truncate(false);
        // On other systems a file that is open for appending cannot be
        // truncated.
        #[cfg(unix)]
        options.append(true);
        // A resumed run reads the file; other runs only write it.
        let file = match std::fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => options.open(path),
            _ => options
                .clone()
                .read(true)
                .open(path)
                .or_else(|_| options.open(path)),
        };
        let file =
            file.map_err(|error| Stop::Sentence(format!("{name}: cannot be written: {error}")))?;
        if (environment.writes_to)(path) && is_file(&file) {
            return Err(Stop::Sentence(format!(
                "{name}: standard output goes to this file: give --save another one"
            )));
        }
        lock(&file, path)?;
        Ok(Self { file, name, end: 0 })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_file(&self) -> bool {
        is_file(&self.file)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Cuts what follows the last whole line.
    pub(super) fn end_at(&mut self, end: u64) -> Result<(), Stop> {
        self.end = end;
        self.file.set_len(end).map_err(|error| self.refuse(&error))
    }

    /// Adds the line end to the last line.
    pub(super) fn end_line(&mut self, end: u64) -> Result<(), Stop> {
        self.end = end;
        self.append(b"\n")
    }

    /// Writes an observation whole or, if that fails, not at all.
    pub(super) fn write(&mut self, observation: &Observation) -> Result<(), Stop> {
        let line = serde_json::to_string(observation).map_err(|error| self.refuse(&error))?;
        self.append((shown_json(line) + "\n").as_bytes())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        // Reading may have moved the position; a pipe has none.
        let _ = self.file.seek(SeekFrom::Start(self.end));
        if let Err(error) = self.file.write_all(bytes) {
            // A full disk has room for a shorter file. If even that fails, half
            // a line stays, which `--resume` cuts and `--replay` names.
            let _ = self.file.set_len(self.end);
            return Err(self.refuse(&error));
        }
        self.end += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }

    /// Waits until all of it is on the disk: some file systems report only then
    /// that there is no space.
    pub(super) fn finish(&self) -> Result<(), Stop> {
        match self.file.sync_data() {
            Err(error) if is_file(&self.file) => Err(self.refuse(&error)),
            // A pipe has no disk.
            _ => Ok(()),
        }
    }

    fn refuse(&self, error: &dyn std::fmt::Display) -> Stop {
        Stop::Sentence(format!("{}: cannot be written: {error}", self.name))
    }
}

fn is_file(file: &File) -> bool {
    file.metadata().is_ok_and(|it| it.is_file())
}
