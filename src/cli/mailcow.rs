//! The mailcow that danecheck runs beside: what its API and its folder say of it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::observe::{MailcowApi, Resolver};
use danecheck_core::overrides::{Overrides, Rows};
use danecheck_core::sender::MailcowSeen;

use super::environment::Environment;
use super::input;
use super::stop::Stop;

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

    fn api(&self) -> Result<Option<MailcowApi>, Stop> {
        let Some(url) = self.mailcow_api.clone().or_else(|| variable(API)) else {
            return Ok(None);
        };
        let address = match (self.mailcow_address, variable(ADDRESS)) {
            (Some(address), _) => Some(address),
            (None, Some(text)) => Some(text.parse().map_err(|_| {
                Stop::Sentence(format!("{ADDRESS}: `{text}` is not an IP address"))
            })?),
            (None, None) => None,
        };
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
        let named = self
            .mailcow_postfix
            .clone()
            .or_else(|| variable(FOLDER).map(PathBuf::from));
        let folder = match named {
            Some(folder) => folder,
            None if Path::new(USUAL_FOLDER).is_dir() => PathBuf::from(USUAL_FOLDER),
            None => return Ok(()),
        };
        let text = |name: &str| {
            let bytes = input::read(&folder.join(name), LARGEST_MAIN_CF)?;
            Ok::<_, Stop>(String::from_utf8_lossy(&bytes).into_owned())
        };
        seen.read_main_cf(&text("main.cf")?);
        // Only a mailcow that was started has one.
        if folder.join("extra.cf").exists() {
            let waiting = seen.not_in_force(&text("extra.cf")?);
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
