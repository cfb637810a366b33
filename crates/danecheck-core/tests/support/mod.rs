//! What the tests share: the scenarios that real Postfix was recorded on.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may read files, and fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use danecheck_core::observation::Observation;
use serde_json::Value;

/// The folder of the whole project.
pub(crate) fn top() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The files of `fixtures/postfix`, one a scenario, in the order of their names.
#[allow(dead_code, reason = "not every test file needs scenarios")]
pub(crate) fn recorded() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(top().join("fixtures/postfix"))
        .expect("tests/postfix/run --record makes the fixtures")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    paths.sort();
    assert!(paths.len() > 600, "only {} fixtures", paths.len());
    paths
}

/// The observation in the file of a scenario, as JSON.
#[allow(dead_code, reason = "not every test file changes observations")]
pub(crate) fn saved(path: &Path) -> Value {
    let mut fixture: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    fixture["observation"].take()
}

#[allow(dead_code, reason = "not every test file judges whole observations")]
pub(crate) fn observation(path: &Path) -> Observation {
    serde_json::from_value(saved(path)).unwrap()
}

/// The name of a scenario, which is that of its file.
#[allow(dead_code, reason = "not every test file names scenarios")]
pub(crate) fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}
