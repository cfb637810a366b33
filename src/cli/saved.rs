//! The file of `--save`.

use std::io::Write as _;
use std::path::Path;

use crate::observation::Observation;

use super::Stop;

/// Observations, one a line.
pub(super) struct Saved {
    file: std::fs::File,
    name: String,
}

impl Saved {
    /// A new file, or the old one with its lines where a run goes on.
    pub(super) fn create(path: &Path, goes_on: bool) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let file = std::fs::File::options()
            .create(true)
            .append(goes_on)
            .write(true)
            .truncate(!goes_on)
            .open(path)
            .map_err(|error| Stop::Sentence(format!("{name}: cannot be written: {error}")))?;
        Ok(Self { file, name })
    }

    pub(super) fn write(&mut self, observation: &Observation) -> Result<(), Stop> {
        let line = serde_json::to_string(observation).unwrap_or_default() + "\n";
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| Stop::Sentence(format!("{}: cannot be written: {error}", self.name)))
    }
}
