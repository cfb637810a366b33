//! What the tests share: the clock, and checks on a stage.

pub(crate) mod domain;
pub(crate) mod hosts;
pub(crate) mod mailcow_parts;
pub(crate) mod program;

use danecheck::demo::stage::Stage;
use danecheck_core::observation::Observation;
use danecheck_core::report::Report;
use danecheck_core::sender::{Sender, System};
use danecheck_world::pki::Identity;

/// The real time: the validating resolver on stage reads the clock, so
/// whoever signs for it has to.
pub(crate) use danecheck_world::dns::now;

/// What is seen of a target, on a stage that `set` sets.
pub(crate) async fn observed(target: &str, set: impl FnOnce(&mut Stage)) -> Observation {
    let mut stage = Stage::new(now());
    set(&mut stage);
    stage.start().await.unwrap().observe(target).await.unwrap()
}

/// The report on a target, on a stage that `set` sets.
pub(crate) async fn report_on(target: &str, set: impl FnOnce(&mut Stage)) -> Report {
    Report::of(&observed(target, set).await)
}

/// The ids of the findings of a report.
pub(crate) fn ids(report: &Report) -> Vec<&str> {
    report
        .findings
        .iter()
        .map(|finding| finding.id.as_str())
        .collect()
}

/// What the first finding with this id says; it has to be there.
pub(crate) fn message<'a>(report: &'a Report, id: &str) -> &'a str {
    let mut findings = report.findings.iter();
    let finding = findings.find(|finding| finding.id == id);
    assert!(finding.is_some(), "no {id} among {:?}", ids(report));
    &finding.unwrap().message
}

/// mailcow, as whose mail it is.
pub(crate) fn mailcow() -> Sender {
    Sender {
        system: System::Mailcow,
        ..Sender::default()
    }
}

/// Takes from a report what a clock or a cache decides.
pub(crate) fn strip_times(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !["ttl", "checked_at", "judged_at"].contains(&name.as_str()));
            fields.values_mut().for_each(strip_times);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_times),
        _ => {}
    }
}

/// A file of a test's own, gone when it is dropped.
pub(crate) struct Temporary(std::path::PathBuf);

impl Temporary {
    pub(crate) fn with(extension: &str, text: &str) -> Self {
        Self::of_bytes(extension, text.as_bytes())
    }

    pub(crate) fn of_bytes(extension: &str, content: &[u8]) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("danecheck-{}-{number}.{extension}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    /// The certificates that a server with this identity sends.
    pub(crate) fn chain_of(identity: &Identity) -> Self {
        let text: String = identity.chain().iter().map(|one| one.pem()).collect();
        Self::with("pem", &text)
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
