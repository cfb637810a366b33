//! What goes wrong with DANE in the field, from operators' reports on mailing
//! lists and in issue trackers. Each kind that is visible from outside is set
//! up here, and has its own finding. `docs/incidents.md` is this table.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a test fails by panicking, meets files and sockets, and prints its result"
)]

#[allow(dead_code, reason = "the tests of `suite` use all of it")]
mod support;

#[path = "incidents/dns.rs"]
mod dns;
#[path = "incidents/ground.rs"]
mod ground;
#[path = "incidents/records.rs"]
mod records;
#[path = "incidents/servers.rs"]
mod servers;

use std::fmt::Write as _;
use std::process::ExitCode;

use futures_util::{StreamExt as _, stream};
use ground::Incident;
use support::{ids, report_on};

const TABLES: &[(&str, &[Incident])] = &[
    ("Stale or wrong records", records::STALE_OR_WRONG),
    ("Chains under usage 2", records::CHAINS),
    ("Lookups and signatures", dns::LOOKUPS),
    ("Providers without signatures", dns::UNSIGNED_PROVIDERS),
    ("The sender's resolver", dns::RESOLVERS),
    ("No STARTTLS that works", servers::WITHOUT_TLS),
    ("Handshakes", servers::HANDSHAKES),
];

/// Incidents that are set up at the same time.
const AT_ONCE: usize = 8;

/// The test of the page.
const PAGE: &str = "the page of incidents is current";

fn name(incident: &Incident) -> String {
    format!("{}: {}", incident.finding, incident.what)
}

/// What is wrong where an incident is not named by its finding.
async fn check(incident: &Incident) -> Result<(), String> {
    let report = report_on("example.com", incident.set).await;
    let ids = ids(&report);
    match ids.contains(&incident.finding) {
        true => Ok(()),
        false => Err(format!("the findings are {}", ids.join(", "))),
    }
}

/// The tests whose names have one of the words of the command line.
struct Wanted {
    words: Vec<String>,
    exact: bool,
    list: bool,
}

impl Wanted {
    fn read() -> Self {
        let (options, words): (Vec<_>, Vec<_>) = std::env::args()
            .skip(1)
            .partition(|argument| argument.starts_with('-'));
        let has = |option: &str| options.iter().any(|one| one == option);
        Self {
            exact: has("--exact"),
            list: has("--list"),
            words,
        }
    }

    fn has(&self, name: &str) -> bool {
        let is_meant = |word: &String| match self.exact {
            true => name == word,
            false => name.contains(word.as_str()),
        };
        self.words.is_empty() || self.words.iter().any(is_meant)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let wanted = Wanted::read();
    let all = || TABLES.iter().flat_map(|(_, table)| *table);
    let chosen: Vec<&Incident> = all().filter(|one| wanted.has(&name(one))).collect();
    let page = wanted.has(PAGE);
    if wanted.list {
        let names = chosen.iter().map(|incident| name(incident));
        for name in names.chain(page.then(|| PAGE.to_owned())) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    // Each a task of its own, so that a panic is the fault of one. All at once
    // would wait longer for the processor than for servers.
    let runs = chosen
        .into_iter()
        .map(async |incident| (name(incident), tokio::spawn(check(incident)).await));
    let mut runs = std::pin::pin!(stream::iter(runs).buffered(AT_ONCE));
    let mut failures = Vec::new();
    let mut count = 0;
    while let Some((name, ended)) = runs.next().await {
        count += 1;
        let ended = ended.unwrap_or_else(|panic| Err(panic.to_string()));
        println!("test {name} ... {}", word(&ended));
        failures.extend(ended.err().map(|fault| format!("{name}: {fault}")));
    }
    if page {
        count += 1;
        let ended = the_page_is_current();
        println!("test {PAGE} ... {}", word(&ended));
        failures.extend(ended.err());
    }
    let (failed, others) = (failures.len(), all().count() + 1 - count);
    for failure in &failures {
        println!("FAILED {failure}");
    }
    println!(
        "\ntest result: {}. {} passed; {failed} failed; {others} filtered out",
        if failed == 0 { "ok" } else { "FAILED" },
        count - failed,
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn word(ended: &Result<(), String>) -> &'static str {
    if ended.is_ok() { "ok" } else { "FAILED" }
}

/// The table in the form of `docs/incidents.md`.
fn written() -> String {
    let mut text = "# What goes wrong in the field\n\n\
                    DANE incidents that operators have reported and that are visible from \
                    outside, with the\nfinding for each. `tests/incidents.rs` sets each one up \
                    and checks its finding.\n`docs/findings.md` says what to do.\n"
        .to_owned();
    for (title, table) in TABLES {
        let _ = write!(
            text,
            "\n## {title}\n\n| what happens | finding |\n| --- | --- |\n"
        );
        for incident in *table {
            let finding = incident.finding;
            let _ = writeln!(
                text,
                "| {} | [`{finding}`](findings.md#{finding}) |",
                incident.what
            );
        }
    }
    text
}

/// Run with `UPDATE_DOCS=1` to write the file anew.
fn the_page_is_current() -> Result<(), String> {
    let path = "docs/incidents.md";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all("docs").unwrap();
        std::fs::write(path, written()).unwrap();
    }
    match std::fs::read_to_string(path).is_ok_and(|page| page == written()) {
        true => Ok(()),
        false => Err(format!(
            "{path}: run UPDATE_DOCS=1 cargo test --test incidents"
        )),
    }
}
