//! The service of Postfix that sends, as master.cf has it: its own parameters, and
//! the folder that it is locked into.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use danecheck_core::observation::{ChrootSeen, PostfixServiceSeen};

use super::LocalPostfix;
use super::local_sender::{parameters, run};
use super::resolver::named_servers;

/// The service of `default_transport` at its default.
const SERVICE: &str = "smtp/unix";

/// The largest resolv.conf that is read, in bytes.
const LARGEST: u64 = 1 << 16;

/// The parameters that the service has in master.cf, which count before those of
/// main.cf (master(5), `-o name=value`).
pub(super) async fn overridden(config_directory: Option<&PathBuf>) -> BTreeMap<String, String> {
    let arguments = ["-xP", SERVICE].map(OsString::from).to_vec();
    let Ok(said) = run("postconf", config_directory, arguments).await else {
        return BTreeMap::new();
    };
    let prefix = format!("{SERVICE}/");
    let all = parameters(&said.stdout).into_iter();
    all.filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?.to_owned(), value)))
        .collect()
}

impl LocalPostfix {
    /// What is particular to the service that sends.
    pub(super) async fn service(&self) -> PostfixServiceSeen {
        PostfixServiceSeen {
            overridden: self.overridden.keys().cloned().collect(),
            chroot: self.chroot().await,
        }
    }

    async fn chroot(&self) -> Option<ChrootSeen> {
        let ask = async |arguments: &[&str]| {
            let arguments = arguments.iter().map(OsString::from).collect();
            let said = run("postconf", self.config_directory.as_ref(), arguments).await;
            said.ok().map(|said| said.stdout)
        };
        let field = format!("{SERVICE}/chroot");
        let chroot = parameters(&ask(&["-F", &field]).await?).remove(&field)?;
        if chroot != "y" {
            return None;
        }
        let queue = ask(&["-xh", "queue_directory"]).await?;
        let queue = Path::new(queue.trim());
        if !queue.is_absolute() {
            return None;
        }
        let inside = |path: &str| queue.join(path.trim_start_matches('/'));
        let ca_path = self.parameter("smtp_tls_CApath");
        Some(ChrootSeen {
            directory: queue.display().to_string(),
            name_servers: name_servers(&inside("/etc/resolv.conf")),
            name_servers_outside: name_servers(Path::new("/etc/resolv.conf")),
            has_ca_path: match ca_path.is_empty() {
                true => None,
                false => Some(inside(ca_path).exists()),
            },
        })
    }
}

/// The name servers of a resolv.conf; `None` if there is none that can be read.
fn name_servers(file: &Path) -> Option<Vec<IpAddr>> {
    let about = std::fs::metadata(file).ok()?;
    if !about.is_file() || about.len() > LARGEST {
        return None;
    }
    let text = std::fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&text);
    let servers = named_servers(&text).into_iter();
    Some(servers.map(|server| server.ip()).collect())
}
