//! What the tests share: the clock, and checks on a stage.

#[allow(dead_code, reason = "not every test file runs the program")]
pub(crate) mod program;

use danecheck::report::Report;
use danecheck::world::stage::Stage;

/// The real time: the validating resolver on stage reads the clock, so
/// whoever signs for it has to.
pub(crate) use danecheck::world::dns::now;

/// The report on a target, on a stage that `set` sets.
#[allow(dead_code, reason = "not every test file checks a stage")]
pub(crate) async fn report_on(target: &str, set: impl FnOnce(&mut Stage)) -> Report {
    let mut stage = Stage::new(now());
    set(&mut stage);
    let observation = stage.start().await.unwrap().observe(target).await.unwrap();
    Report::of(&observation)
}

/// The ids of the findings of a report.
#[allow(dead_code, reason = "not every test file looks at findings")]
pub(crate) fn ids(report: &Report) -> Vec<&str> {
    report
        .findings
        .iter()
        .map(|finding| finding.id.as_str())
        .collect()
}

/// A file of a test's own, gone when it is dropped.
#[allow(dead_code, reason = "not every test file writes files")]
pub(crate) struct Temporary(std::path::PathBuf);

#[allow(dead_code, reason = "not every test file writes files")]
impl Temporary {
    pub(crate) fn with(extension: &str, text: &str) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("danecheck-{}-{number}.{extension}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
