//! The Postfix on this machine, asked with its own tools: `postconf` for its
//! parameters, `postmap -q` for the answers of its tables.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::postfix_service::overridden;
use danecheck_core::observation::{LocalSenderSeen, PolicyLookup, TableAnswer};
use danecheck_core::postfix::{UNREAD, is_unread, policy_keys};

/// How long one question to a table may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where to look for programs if the environment names no place.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where root's tools are, which cron and users often lack.
const ROOT_PATH: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// The parameters that `postconf` is asked for.
const PARAMETERS: [&str; 25] = [
    "mail_version",
    "compatibility_level",
    "disable_dns_lookups",
    "ignore_mx_lookup_error",
    "relayhost",
    "smtp_dns_support_level",
    "smtp_enforce_tls",
    "smtp_host_lookup",
    "smtp_tls_CAfile",
    "smtp_tls_CApath",
    "smtp_tls_ciphers",
    "smtp_tls_dane_insecure_mx_policy",
    "smtp_tls_exclude_ciphers",
    "smtp_tls_fingerprint_cert_match",
    "smtp_tls_fingerprint_digest",
    "smtp_tls_mandatory_ciphers",
    "smtp_tls_mandatory_exclude_ciphers",
    "smtp_tls_mandatory_protocols",
    "smtp_tls_policy_maps",
    "smtp_tls_protocols",
    "smtp_tls_secure_cert_match",
    "smtp_tls_security_level",
    "smtp_tls_servername",
    "smtp_tls_verify_cert_match",
    "smtp_use_tls",
];

/// Why the Postfix on this machine cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("danecheck cannot ask the Postfix on this machine: {0}")]
pub struct NoPostfix(pub(super) String);

/// The Postfix on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPostfix {
    pub(super) config_directory: Option<PathBuf>,
    parameters: BTreeMap<String, String>,
    /// Those that master.cf has for the service that sends.
    pub(super) overridden: BTreeMap<String, String>,
    /// Those of [`UNREAD`] that differ from Postfix's own.
    unread: BTreeMap<String, String>,
    /// The OpenSSL that it runs on.
    openssl: Option<String>,
}

impl LocalPostfix {
    /// Reads its parameters; those of another instance if its directory is
    /// given.
    pub async fn read(config_directory: Option<PathBuf>) -> Result<Self, NoPostfix> {
        let mut arguments: Vec<OsString> = vec!["-x".into()];
        arguments.extend(PARAMETERS.map(OsString::from));
        let said = run("postconf", config_directory.as_ref(), arguments)
            .await
            .map_err(NoPostfix)?;
        let mut parameters = parameters(&said.stdout);
        if !parameters.contains_key("mail_version") {
            return Err(NoPostfix(said.complaint("postconf")));
        }
        let mut overridden = overridden(config_directory.as_ref()).await;
        overridden.retain(|name, _| PARAMETERS.contains(&name.as_str()));
        parameters.extend(overridden.clone());
        let unread = unread(config_directory.as_ref()).await;
        let version = vec!["-T".into(), "run-version".into()];
        let said = run("postconf", config_directory.as_ref(), version).await;
        let openssl = said.ok().filter(|said| said.success);
        let openssl = openssl.map(|said| said.stdout.trim().to_owned());
        Ok(Self {
            config_directory,
            parameters,
            overridden,
            unread,
            openssl: openssl.filter(|text| !text.is_empty()),
        })
    }

    /// The value of a parameter; empty for none.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// The answers of its tables for this next hop.
    pub(super) async fn ask(&self, next_hop: &str) -> LocalSenderSeen {
        let tables = self.parameter("smtp_tls_policy_maps");
        let tables: Vec<&str> = tables
            .split([' ', '\t', ','])
            .filter(|table| !table.is_empty())
            .collect();
        let mut lookups = Vec::new();
        for key in policy_keys(next_hop) {
            for table in &tables {
                lookups.push(PolicyLookup {
                    table: (*table).to_owned(),
                    key: key.clone(),
                    answer: self.look_up(&key, table).await,
                });
            }
        }
        LocalSenderSeen {
            parameters: self.parameters.clone(),
            unread: self.unread.clone(),
            openssl: self.openssl.clone(),
            lookups,
        }
    }

    async fn look_up(&self, key: &str, table: &str) -> TableAnswer {
        let arguments = vec!["-q".into(), key.into(), table.into()];
        match run("postmap", self.config_directory.as_ref(), arguments).await {
            Ok(said) => said.answer(),
            Err(why) => TableAnswer::Failed(why),
        }
    }
}

/// Parameters that no prediction takes into account and that are not as Postfix
/// has them by itself. Nothing of those that its release does not know.
async fn unread(config_directory: Option<&PathBuf>) -> BTreeMap<String, String> {
    let ask = async |which: &str| {
        let names = std::iter::once(which).chain(UNREAD);
        let said = run(
            "postconf",
            config_directory,
            names.map(OsString::from).collect(),
        )
        .await;
        said.map_or_else(|_| BTreeMap::new(), |said| parameters(&said.stdout))
    };
    let mut set = ask("-n").await;
    set.retain(|name, value| is_unread(name, value));
    if !set.is_empty() {
        let defaults = ask("-d").await;
        set.retain(|name, value| defaults.get(name) != Some(value));
    }
    set
}

/// The output of a tool.
#[derive(Debug, Default)]
pub(super) struct CommandOutput {
    success: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl CommandOutput {
    /// `postmap -q` prints the value; it ends with 1 if there is none, and says
    /// why if it could not ask.
    fn answer(&self) -> TableAnswer {
        let value = self.stdout.trim_end_matches('\n');
        if self.success {
            TableAnswer::Found(value.to_owned())
        } else if self.stderr.contains("fatal:") || self.stderr.contains("error:") {
            TableAnswer::Failed(self.complaint("postmap"))
        } else {
            TableAnswer::NotFound
        }
    }

    fn complaint(&self, tool: &str) -> String {
        let line = self.stderr.lines().rfind(|line| !line.trim().is_empty());
        line.map_or_else(
            || format!("{tool} gave no output"),
            |line| line.trim().to_owned(),
        )
    }
}

/// Runs a tool with nothing on its standard input.
pub(super) async fn run(
    tool: &str,
    config_directory: Option<&PathBuf>,
    arguments: Vec<OsString>,
) -> Result<CommandOutput, String> {
    run_with(tool, config_directory, arguments, Vec::new()).await
}

/// Runs a tool with this on its standard input.
pub(super) async fn run_with(
    tool: &str,
    config_directory: Option<&PathBuf>,
    arguments: Vec<OsString>,
    input: Vec<u8>,
) -> Result<CommandOutput, String> {
    let mut command = Command::new(tool);
    if let Some(directory) = config_directory {
        command.arg("-c").arg(directory);
    }
    command
        .args(arguments)
        .stdin(match input.is_empty() {
            true => Stdio::null(),
            false => Stdio::piped(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.env("PATH", search_path(std::env::var_os("PATH").as_deref()));
    let asked = async {
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        // The tool may answer before it has read everything.
        let write = async {
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(&input).await;
            }
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        output
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Err(_) => Err(format!("{tool} does not answer in time")),
        Ok(Err(error)) => Err(format!("{tool} cannot be run: {error}")),
        Ok(Ok(output)) => Ok(CommandOutput {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }),
    }
}

/// Where to look for tools: the places that the environment names, without the
/// working directory and places below it, where others may have put programs.
/// An empty entry means the working directory (execvp(3)).
fn search_path(given: Option<&OsStr>) -> OsString {
    let absolute = |path: &OsStr| -> Vec<PathBuf> {
        std::env::split_paths(path)
            .filter(|entry| entry.is_absolute())
            .collect()
    };
    let mut entries = given.map(absolute).unwrap_or_default();
    if entries.is_empty() {
        entries = absolute(OsStr::new(USUAL_PATH));
    }
    entries.extend(ROOT_PATH.map(PathBuf::from));
    // Entries that were split can be joined.
    std::env::join_paths(entries).unwrap_or_else(|_| USUAL_PATH.into())
}

/// `name = value`, one a line.
pub(super) fn parameters(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_sought_at_absolute_places_alone() {
        let usual = format!("{USUAL_PATH}:/usr/sbin:/usr/local/sbin");
        for (given, expected) in [
            (Some("/opt/bin"), "/opt/bin:/usr/sbin:/usr/local/sbin"),
            (Some("/opt/bin:"), "/opt/bin:/usr/sbin:/usr/local/sbin"),
            (Some(":/opt/bin::."), "/opt/bin:/usr/sbin:/usr/local/sbin"),
            (
                Some("bin:./bin:../bin:/bin"),
                "/bin:/usr/sbin:/usr/local/sbin",
            ),
            (Some(""), &usual),
            (Some("."), &usual),
            (Some(":::"), &usual),
            (Some("bin"), &usual),
            (None, &usual),
        ] {
            assert_eq!(search_path(given.map(OsStr::new)), expected, "{given:?}");
        }
    }

    #[test]
    fn postconf_is_read() {
        let read = parameters(
            "mail_version = 3.7.11\nsmtp_tls_policy_maps =\n\
             smtp_tls_mandatory_protocols = >=TLSv1.2\n",
        );
        assert_eq!(read["mail_version"], "3.7.11");
        assert_eq!(read["smtp_tls_policy_maps"], "");
        assert_eq!(read["smtp_tls_mandatory_protocols"], ">=TLSv1.2");
    }

    #[test]
    fn postmap_is_read() {
        let said = |success, stdout: &str, stderr: &str| CommandOutput {
            success,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        };
        let found = said(true, "encrypt \n", "").answer();
        assert_eq!(found, TableAnswer::Found("encrypt ".to_owned()));
        assert_eq!(said(false, "", "").answer(), TableAnswer::NotFound);
        let refused = "postmap: warning: connect to 127.0.0.1:1: Connection refused\n\
                       postmap: fatal: table socketmap:inet:127.0.0.1:1:Q: query error: \
                       Connection refused\n";
        let why = "postmap: fatal: table socketmap:inet:127.0.0.1:1:Q: query error: \
                   Connection refused";
        let failed = said(false, "", refused).answer();
        assert_eq!(failed, TableAnswer::Failed(why.to_owned()));
    }
}
