//! Where the Postfix on this machine sends mail: `postconf` for its parameters,
//! `postmap -q -` for all keys of a table at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use danecheck_core::postfix::{Mail, Route, Routing, RoutingTable};

use super::local_sender::{LocalPostfix, NoPostfix, parameters, run, run_with};

/// The parameters that decide it.
const PARAMETERS: [&str; 4] = [
    "transport_maps",
    "sender_dependent_relayhost_maps",
    "relayhost",
    "default_transport",
];

/// Keys that one table is asked for at once.
const MOST_KEYS: usize = 20_000;

impl LocalPostfix {
    /// Where each mail goes.
    pub async fn routes(&self, mails: &[Mail]) -> Result<Vec<Route>, NoPostfix> {
        let directory = self.config_directory.as_ref();
        let mut arguments: Vec<OsString> = vec!["-x".into()];
        arguments.extend(PARAMETERS.map(OsString::from));
        let said = run("postconf", directory, arguments)
            .await
            .map_err(NoPostfix)?;
        let parameters = parameters(&said.stdout);
        let get = |name: &str| parameters.get(name).map_or("", String::as_str);
        let tables = |name: &str| -> Vec<RoutingTable> {
            get(name)
                .split([' ', '\t', ','])
                .filter(|table| !table.is_empty())
                .map(RoutingTable::new)
                .collect()
        };
        let mut routing = Routing {
            transport_maps: tables("transport_maps"),
            relayhost_maps: tables("sender_dependent_relayhost_maps"),
            relayhost: get("relayhost").to_owned(),
            default_transport: get("default_transport").to_owned(),
        };
        let asked = routing.keys(mails);
        let all = routing
            .transport_maps
            .iter_mut()
            .chain(&mut routing.relayhost_maps);
        for (table, (_, keys)) in all.zip(asked) {
            table.answers = self.look_up_all(&table.name, &keys).await;
        }
        Ok(mails.iter().map(|mail| routing.route(mail)).collect())
    }

    /// The answers of a table; `None` if it could not be asked.
    async fn look_up_all(
        &self,
        table: &str,
        keys: &BTreeSet<String>,
    ) -> Option<BTreeMap<String, String>> {
        // A key is one line of standard input, and `postmap` reads no other
        // form.
        let fit = |key: &&String| !key.contains(['\n', '\r', '\t', '\0']) && !key.is_empty();
        let lines: String = keys
            .iter()
            .filter(fit)
            .take(MOST_KEYS)
            .map(|key| format!("{key}\n"))
            .collect();
        if lines.is_empty() {
            return Some(BTreeMap::new());
        }
        let arguments = vec!["-q".into(), "-".into(), table.into()];
        let directory = self.config_directory.as_ref();
        let said = run_with("postmap", directory, arguments, lines.into_bytes())
            .await
            .ok()?;
        if said.stderr.contains("fatal:") || said.stderr.contains("error:") {
            return None;
        }
        let pairs = said.stdout.lines();
        let pairs = pairs.filter_map(|line| line.split_once('\t'));
        Some(
            pairs
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}
