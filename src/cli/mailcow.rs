//! The mailcow that danecheck runs beside: what its API and its folder say of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::observe::{DNS_PORT, MailcowApi, Resolver, ask_policy_service, first_address};
use danecheck_core::observation::MailcowParts;
use danecheck_core::overrides::{Overrides, Rows};
use danecheck_core::sender::MailcowSeen;

use super::environment::Environment;
use super::resolver::system_resolver;
use super::stop::Stop;
use super::{hosts, input};

/// The folder of Postfix's configuration where mailcow's guide installs it.
const USUAL_FOLDER: &str = "/opt/mailcow-dockerized/data/conf/postfix";

/// Variables that say the same as the options, for a container.
const API: &str = "DANECHECK_MAILCOW_API";
const ADDRESS: &str = "DANECHECK_MAILCOW_ADDRESS";
const KEY: &str = "DANECHECK_MAILCOW_KEY_FILE";
const FOLDER: &str = "DANECHECK_MAILCOW_POSTFIX";

/// The largest main.cf.
const LARGEST_MAIN_CF: u64 = 1 << 20;

/// The largest file with a key.
const LARGEST_KEY: u64 = 4 << 10;

/// Its files.
const MAIN_CF: &str = "main.cf";
const EXTRA_CF: &str = "extra.cf";

/// Its policy service, in `smtp_tls_policy_maps`.
const SERVICE: &str = "postfix-tlspol";

/// Where a container has its names.
const HOSTS_FILE: &str = "/etc/hosts";

/// Docker's own resolver, in every container of a network such as mailcow's.
const DOCKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// The lists of mailcow's API.
const CONTAINERS: &str = "status/containers";
const ROWS: &str = "tls-policy-map/all";

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "A mailcow as the sender")]
pub(super) struct MailcowArguments {
    /// Ask the API of this mailcow, such as https://mail.example.com, for its
    /// releases and its own TLS policies [env: DANECHECK_MAILCOW_API]
    #[arg(long, hide_short_help = true, value_name = "URL")]
    mailcow_api: Option<String>,

    /// Where to connect for it, instead of asking DNS
    /// [env: DANECHECK_MAILCOW_ADDRESS]
    #[arg(long, hide_short_help = true, value_name = "IP")]
    mailcow_address: Option<IpAddr>,

    /// File with the key for it; a read-only key is enough
    /// [env: DANECHECK_MAILCOW_KEY_FILE]
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    mailcow_key_file: Option<PathBuf>,

    /// Folder with its main.cf and extra.cf [env: DANECHECK_MAILCOW_POSTFIX]
    /// [default: /opt/mailcow-dockerized/data/conf/postfix, if it is there]
    #[arg(long, hide_short_help = true, value_name = "DIR")]
    mailcow_postfix: Option<PathBuf>,
}

impl MailcowArguments {
    /// What this mailcow says of itself. What cannot be read is named on standard
    /// error, and is assumed to be as mailcow ships it.
    pub(super) async fn seen(
        &self,
        resolver: &Resolver,
        environment: &mut Environment,
    ) -> Result<Arc<MailcowSeen>, Stop> {
        let mut seen = MailcowSeen::default();
        if let Some(api) = self.api()? {
            match api.get(CONTAINERS, resolver).await {
                Ok(text) if seen.read_containers(&text) => {}
                Ok(_) => environment.complain(&not_understood(CONTAINERS)),
                Err(why) => environment.complain(&not_read("its releases", &why)),
            }
            match self.rows(&api, resolver).await {
                Ok((_, rows)) => seen.set_rows(rows.active()),
                Err(why) => environment.complain(&not_read("its own TLS policies", &why)),
            }
        }
        self.read_folder(&mut seen, environment)?;
        Ok(Arc::new(seen))
    }

    /// The list of its own TLS policies, as its API writes it.
    pub(super) async fn own_policies(&self, resolver: &Resolver) -> Result<String, Stop> {
        let api = self.api()?.ok_or_else(|| {
            Stop::Sentence(
                "give a FILE of overrides, or --mailcow-api and --mailcow-key-file".to_owned(),
            )
        })?;
        let rows = self.rows(&api, resolver).await;
        let (text, _) = rows.map_err(|why| Stop::Sentence(format!("mailcow's API: {why}")))?;
        Ok(text)
    }

    /// Whether a mailcow is named, by option or variable.
    pub(super) fn names_one(&self) -> bool {
        let named = self.mailcow_api.is_some() || self.mailcow_postfix.is_some();
        named || variable(API).is_some() || variable(FOLDER).is_some()
    }

    async fn rows(&self, api: &MailcowApi, resolver: &Resolver) -> Result<(String, Rows), String> {
        let text = api.get(ROWS, resolver).await?;
        match Overrides::read(&text) {
            Ok(Overrides::Rows(rows)) => Ok((text, rows)),
            Ok(Overrides::Table(_)) => Err(not_understood(ROWS)),
            Err(why) => Err(why.to_string()),
        }
    }

    fn address(&self) -> Result<Option<IpAddr>, Stop> {
        match (self.mailcow_address, variable(ADDRESS)) {
            (Some(address), _) => Ok(Some(address)),
            (None, Some(text)) => text
                .parse()
                .map(Some)
                .map_err(|_| Stop::Sentence(format!("{ADDRESS}: `{text}` is not an IP address"))),
            (None, None) => Ok(None),
        }
    }

    /// Whether each of these servers, `address:port`, is in the network in which
    /// its API answers, as in a container beside it.
    fn is_beside(&self, servers: &[String]) -> Result<bool, Stop> {
        let Some(IpAddr::V4(api)) = self.address()? else {
            return Ok(false);
        };
        let in_network = |server: &String| match server.parse() {
            // mailcow's network is a /24.
            Ok(SocketAddr::V4(server)) => {
                u32::from(*server.ip()) >> 8 == u32::from(api) >> 8 && api.is_private()
            }
            _ => false,
        };
        Ok(!servers.is_empty() && servers.iter().all(in_network))
    }

    fn api(&self) -> Result<Option<MailcowApi>, Stop> {
        let Some(url) = self.mailcow_api.clone().or_else(|| variable(API)) else {
            return Ok(None);
        };
        let address = self.address()?;
        let key = self
            .mailcow_key_file
            .clone()
            .or_else(|| variable(KEY).map(PathBuf::from))
            .ok_or_else(|| {
                Stop::Sentence(
                    "mailcow's API wants a key: name the file that holds it with \
                     --mailcow-key-file"
                        .to_owned(),
                )
            })?;
        let key = String::from_utf8_lossy(&input::read(&key, LARGEST_KEY)?).into_owned();
        MailcowApi::new(&url, address, &key)
            .map(Some)
            .map_err(|why| Stop::Sentence(format!("--mailcow-api: {why}")))
    }

    fn read_folder(
        &self,
        seen: &mut MailcowSeen,
        environment: &mut Environment,
    ) -> Result<(), Stop> {
        let Some(folder) = self.folder(Path::new(USUAL_FOLDER)) else {
            return Ok(());
        };
        seen.read_main_cf(&text(&folder, MAIN_CF)?);
        if let Some(extra_cf) = extra_cf(&folder)? {
            let waiting = seen.not_in_force(&extra_cf);
            if !waiting.is_empty() {
                environment.complain(&format!(
                    "extra.cf sets {}, but the Postfix that runs does not know it: docker compose \
                     restart postfix-mailcow",
                    waiting.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// The folder that is named, or else this one if it is there.
    fn folder(&self, usual: &Path) -> Option<PathBuf> {
        let named = self.mailcow_postfix.clone();
        let named = named.or_else(|| variable(FOLDER).map(PathBuf::from));
        named.or_else(|| usual.is_dir().then(|| usual.to_owned()))
    }

    /// What its API and its configuration say, each part or why it is not there;
    /// below this directory, unless the options name other places.
    pub(super) async fn parts(
        &self,
        directory: &Path,
        resolver: &Resolver,
    ) -> Result<MailcowParts, Stop> {
        let mut parts = MailcowParts {
            beside: self.is_beside(&resolver.addresses())?,
            ..MailcowParts::default()
        };
        if let Some(api) = self.api()? {
            parts.containers = Some(api.get(CONTAINERS, resolver).await);
            parts.rows = Some(api.get(ROWS, resolver).await);
        }
        if let Some(folder) = self.folder(&directory.join("data/conf/postfix")) {
            let said = |stop: Stop| match stop {
                Stop::Sentence(sentence) => sentence,
                Stop::BrokenPipe => "it cannot be read".to_owned(),
            };
            let read = text(&folder, MAIN_CF);
            let read = read.and_then(|main_cf| Ok((main_cf, extra_cf(&folder)?)));
            let (main_cf, extra_cf) = match read {
                Ok(read) => read,
                Err(stop) => {
                    parts.main_cf = Some(Err(said(stop)));
                    return Ok(parts);
                }
            };
            let place = service_of(&main_cf);
            parts.main_cf = Some(Ok(main_cf));
            parts.extra_cf = extra_cf;
            if let Some((host, port, map)) = place
                && let Some(address) = address_of(&host).await?
            {
                let asked = ask_policy_service(SocketAddr::new(address, port), &map);
                parts.policy_service = Some(asked.await);
            }
        }
        Ok(parts)
    }
}

fn text(folder: &Path, name: &str) -> Result<String, Stop> {
    let bytes = input::read(&folder.join(name), LARGEST_MAIN_CF)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Only a mailcow that was started has one.
fn extra_cf(folder: &Path) -> Result<Option<String>, Stop> {
    let exists = folder.join(EXTRA_CF).exists();
    exists.then(|| text(folder, EXTRA_CF)).transpose()
}

/// Host, port and map of `socketmap:inet:postfix-tlspol:8642:QUERY`.
fn service_of(main_cf: &str) -> Option<(String, u16, String)> {
    let words = main_cf.split([' ', '\t', '\n', ',', '=']);
    let mut services = words.filter_map(|word| word.strip_prefix("socketmap:inet:"));
    let service = services.find(|service| service.contains(SERVICE))?;
    let mut parts = service.rsplitn(3, ':');
    let (map, port, host) = (parts.next()?, parts.next()?, parts.next()?);
    Some((host.to_owned(), port.parse().ok()?, map.to_owned()))
}

/// The address of a container. Only the hosts file and Docker's own resolver know
/// it, so no other resolver is asked.
async fn address_of(host: &str) -> Result<Option<IpAddr>, Stop> {
    if let Ok(address) = host.parse() {
        return Ok(Some(address));
    }
    if let Some(address) = hosts::addresses(host, Path::new(HOSTS_FILE))?.first() {
        return Ok(Some(*address));
    }
    let resolver = system_resolver()?;
    let docker = SocketAddr::new(DOCKER, DNS_PORT);
    if !resolver.addresses().contains(&docker.to_string()) {
        return Ok(None);
    }
    Ok(first_address(host, &Resolver::at([docker])).await)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn not_read(what: &str, why: &str) -> String {
    format!(
        "mailcow's API does not give {what} ({why}): judged as if they were mailcow's usual ones"
    )
}

fn not_understood(path: &str) -> String {
    format!("mailcow's API answers get/{path} in a form that danecheck does not know")
}
