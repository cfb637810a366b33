//! `triage --sender local`: next hops that the Postfix of this machine uses. Its
//! tools are scripts that answer as `postconf` and `postmap` do; the lab asks the
//! real ones.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A folder with tools, removed at the end.
struct Tools(PathBuf);

impl Tools {
    fn new(name: &str, main_cf: &str, tables: &[(&str, &str)]) -> Self {
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("danecheck-routing-{name}-{id}"));
        std::fs::create_dir_all(&folder).unwrap();
        let here = folder.display();
        std::fs::write(
            folder.join("main.cf"),
            main_cf.replace("HERE", &here.to_string()),
        )
        .unwrap();
        for (table, text) in tables {
            std::fs::write(folder.join(table), text).unwrap();
        }
        script(
            &folder.join("postconf"),
            &format!("#!/bin/sh\ncat {here}/main.cf\n"),
        );
        // `-q - TYPE:FILE` answers with each key that is there, `-q KEY` with
        // the value.
        script(
            &folder.join("postmap"),
            "#!/bin/sh\nfile=${3#*:}\n\
             [ -f \"$file\" ] || { echo \"postmap: fatal: open $file\" >&2; exit 1; }\n\
             echo run >> \"$file.asked\"\n\
             if [ \"$2\" = - ]; then\n  while read -r key; do grep -F \"$key\t\" \"$file\" | \
             grep \"^$(echo \"$key\" | sed 's/[.*]/[&]/g')\t\"; done; exit 0\nfi\nexit 1\n",
        );
        Self(folder)
    }

    fn triage(&self, input: &str) -> Value {
        let mut program = Command::new(env!("CARGO_BIN_EXE_danecheck"));
        let path = format!("{}:/usr/bin:/bin", self.0.display());
        program.args(["triage", "--no-check", "--json", "--sender", "local"]);
        program.env("PATH", path).stdin(Stdio::piped());
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"))
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn message(sender: &str, recipient: &str) -> String {
    let message = json!({
        "queue_name": "deferred",
        "queue_id": "4E7F099A10B",
        "sender": sender,
        "recipients": [{"address": recipient, "delay_reason": "Server certificate not verified"}],
    });
    format!("{message}\n")
}

/// The next hops with how sure they are, and how much waits for each.
fn next_hops(triage: &Value) -> Vec<(&str, &str, u64)> {
    let hops = triage["next_hops"].as_array().unwrap();
    let mut all: Vec<_> = hops
        .iter()
        .map(|hop| {
            let text = |name: &str| hop[name].as_str().unwrap();
            (
                text("name"),
                text("certainty"),
                hop["waiting"].as_u64().unwrap(),
            )
        })
        .collect();
    all.sort_unstable();
    all
}

const MAIN_CF: &str = "mail_version = 3.7.11\ndefault_transport = smtp\n";

#[test]
fn queue_listings_get_the_next_hops_of_main_cf_and_its_tables() {
    let main_cf = format!(
        "{MAIN_CF}relayhost = [all.relay]:587\ntransport_maps = hash:HERE/transport\n\
         sender_dependent_relayhost_maps = hash:HERE/senders\n"
    );
    let transport = "direct.example\tsmtp:\n.sub.example\trelay:[sub.relay]:26\n\
                     u@one.example\t:[one.relay]\n";
    let senders = "@here.example\t[here.relay]\n<>\t[null.relay]\n";
    let tools = Tools::new(
        "tables",
        &main_cf,
        &[("transport", transport), ("senders", senders)],
    );
    let queue = [
        message("a@x.example", "u@direct.example"),
        message("a@x.example", "u@a.sub.example"),
        message("a@x.example", "u@one.example"),
        message("a@x.example", "u@else.example"),
        message("b@here.example", "u@here-only.example"),
        message("MAILER-DAEMON", "u@null.example"),
        // Two senders that go two ways.
        message("a@x.example", "u@both.example"),
        message("b@here.example", "u@both.example"),
    ]
    .concat();
    assert_eq!(
        next_hops(&tools.triage(&queue)),
        [
            ("[all.relay]:587", "configured", 1),
            ("[here.relay]", "configured", 1),
            ("[null.relay]", "configured", 1),
            ("[one.relay]", "configured", 1),
            ("[sub.relay]:26", "configured", 1),
            ("both.example", "assumed", 2),
            ("direct.example", "configured", 1),
        ]
    );
    // One process for each table, however many keys.
    for table in ["transport.asked", "senders.asked"] {
        let asked = std::fs::read_to_string(tools.0.join(table)).unwrap();
        assert_eq!(asked.lines().count(), 1, "{table}");
    }
}

#[test]
fn the_other_listing_and_notices_get_them_too() {
    let main_cf = format!("{MAIN_CF}relayhost = [all.relay]\n");
    let tools = Tools::new("forms", &main_cf, &[]);
    let list = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n\
                4E7F099A10B     1024 Sun Nov 22 02:36:41  a@x.example\n\
                \x20                     (Server certificate not verified)\n\
                \x20                                        u@a.example\n\n";
    let notice = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
                  --b\nContent-Type: message/delivery-status\n\n\
                  Reporting-MTA: dns; mx.here.example\n\n\
                  Final-Recipient: rfc822; u@b.example\nAction: delayed\nStatus: 4.7.5\n\
                  Diagnostic-Code: X-Postfix; Server certificate not verified\n\n--b--\n";
    for input in [list, notice] {
        let triage = tools.triage(input);
        assert_eq!(
            next_hops(&triage),
            [("[all.relay]", "configured", 1)],
            "{triage}"
        );
    }
}

#[test]
fn what_a_table_does_not_answer_is_assumed() {
    let main_cf = format!("{MAIN_CF}relayhost =\ntransport_maps = hash:HERE/gone\n");
    let tools = Tools::new("gone", &main_cf, &[]);
    let triage = tools.triage(&message("a@x.example", "u@a.example"));
    assert_eq!(next_hops(&triage), [("a.example", "assumed", 1)]);
}

/// A log says where its mail went.
#[test]
fn a_log_that_names_the_relay_is_believed() {
    let main_cf = format!("{MAIN_CF}relayhost = [all.relay]\n");
    let tools = Tools::new("log", &main_cf, &[]);
    let log = "Nov 22 02:36:41 mx postfix/smtp[8]: 4E: to=<u@a.example>, \
               relay=smtp.old.example[192.0.2.5]:587, delay=1, dsn=4.7.5, status=deferred \
               (Server certificate not verified)\n";
    assert_eq!(
        next_hops(&tools.triage(log)),
        [("[smtp.old.example]:587", "relay", 1)]
    );
}
