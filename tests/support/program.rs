//! The program in surroundings of its own.

use std::io::Write;
use std::sync::{Arc, Mutex};

use danecheck::cli::{Environment, Interrupts, Terminals, run};
use danecheck::demo::stage::RunningStage;
use danecheck::observe::Dial;
use danecheck_core::report::{ExitStatus, Report};

use super::{Temporary, now};

/// What a run printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A place to print to that can be read afterwards.
#[derive(Clone, Default)]
struct Pad(Arc<Mutex<Vec<u8>>>);

impl Pad {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Pad {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The report that a run printed as JSON, which its schema allows.
pub(crate) fn report_of(ran: &Ran) -> Report {
    let schema = jsonschema::validator_for(&danecheck_core::report::schema()).unwrap();
    let value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(schema.is_valid(&value), "{value}");
    serde_json::from_value(value).unwrap()
}

/// The targets of reports in JSON, one a line, in the order of their names.
pub(crate) fn targets(reports: &str) -> Vec<String> {
    let mut targets: Vec<String> = reports
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|report| report.get("target").unwrap().as_str().unwrap().to_owned())
        .collect();
    targets.sort();
    targets
}

/// Faults of an output beside the schema that the program prints for it.
pub(crate) async fn schema_faults(what: &str, output: &serde_json::Value) -> Vec<String> {
    let schema = run_with(&["schema", what], b"", Dial::default()).await;
    let schema = serde_json::from_str(&schema.stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    schema
        .iter_errors(output)
        .map(|it| it.to_string())
        .collect()
}

/// `danecheck overrides` on this text, as from a pipe.
pub(crate) async fn overrides_on(
    stage: &RunningStage,
    ca: &Temporary,
    options: &[&str],
    text: &str,
) -> Ran {
    let resolver = stage.dns().addr().to_string();
    let mut all = vec!["overrides", "-", "--allow-private", "--resolver", &resolver];
    all.extend(["--ca-file", ca.path()]);
    all.extend(options);
    // The future of a whole run is too large for several on one stack.
    Box::pin(run_with(&all, text.as_bytes(), stage.dial())).await
}

/// A run that asks the resolver of a stage and trusts its root.
pub(crate) async fn run_on(stage: &RunningStage, arguments: &[&str], stdin: &[u8]) -> Ran {
    let resolver = stage.dns().addr().to_string();
    let anchor = Temporary::with("anchor", stage.dns().trust_anchor());
    let common = [
        "--allow-private",
        "--resolver",
        &resolver,
        "--trust-anchor",
        anchor.path(),
    ];
    run_with(&[arguments, &common].concat(), stdin, stage.dial()).await
}

pub(crate) async fn run_with(arguments: &[&str], stdin: &[u8], dial: Dial) -> Ran {
    run_in(arguments, stdin, dial, |_| {}).await
}

/// A run whose surroundings are other than usual.
pub(crate) async fn run_in(
    arguments: &[&str],
    stdin: &[u8],
    dial: Dial,
    change: impl FnOnce(&mut Environment),
) -> Ran {
    let (stdout, stderr) = (Pad::default(), Pad::default());
    let mut environment = Environment {
        stdin: Box::new(std::io::Cursor::new(stdin.to_vec())),
        stdout: Box::new(stdout.clone()),
        stderr: Box::new(stderr.clone()),
        colors: false,
        width: 80,
        now,
        dial,
        terminals: Terminals::default(),
        line_width: || 80,
        config_files: Vec::new(),
        stdin_size: None,
        interrupts: Interrupts::None,
        writes_to: |_| false,
        output_file: || None,
    };
    change(&mut environment);
    let all = std::iter::once("danecheck").chain(arguments.iter().copied());
    let status = run(all.map(Into::into), environment).await;
    Ran {
        status,
        stdout: stdout.text(),
        stderr: stderr.text(),
    }
}
