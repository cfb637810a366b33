//! What goes wrong with DANE in the field, from operators' reports on mailing
//! lists and in issue trackers. Each kind that is visible from outside is set
//! up here, and has its own finding. `docs/incidents.md` is this table.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets files and sockets"
)]

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

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_incident_is_named_by_its_own_finding() {
    let incidents = || TABLES.iter().flat_map(|(_, table)| *table);
    let reports = incidents().map(|incident| report_on("example.com", incident.set));
    // All at once would wait longer for the processor than for servers.
    let reports = stream::iter(reports).buffered(AT_ONCE);
    let mut reports = std::pin::pin!(stream::iter(incidents()).zip(reports));
    let mut wrong = Vec::new();
    while let Some((incident, report)) = reports.next().await {
        if !ids(&report).contains(&incident.finding) {
            wrong.push((incident.what, incident.finding, ids(&report).join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
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
#[test]
fn the_table_of_incidents_is_current() {
    let path = "docs/incidents.md";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all("docs").unwrap();
        std::fs::write(path, written()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), written());
}
