//! The options that name the sender.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;

use crate::observe::LocalPostfix;
use danecheck_core::postfix::{Release, SecurityLevel, TlsVersion};
use danecheck_core::sender::{Sender, System, TlspolRelease};

use super::choice::choice;
use super::environment::Environment;
use super::mailcow::MailcowArguments;
use super::resolver::ResolverArguments;
use super::stop::Stop;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The sender")]
pub(super) struct SenderArguments {
    /// Also predict what happens to this sender's mail, and advise this sender
    #[arg(long, value_name = "NAME", value_parser = system())]
    sender: Option<System>,

    /// TLS security level in its main.cf (smtp_tls_security_level) [default:
    /// dane]
    #[arg(long, hide_short_help = true, value_name = "LEVEL", value_parser = str::parse::<SecurityLevel>)]
    level: Option<SecurityLevel>,

    /// Its Postfix release, such as 3.7.11; it stands for the OpenSSL that Debian
    /// ships with it [default: the newest, with the TLS of Debian 12; with
    /// mailcow the one that it ships]
    #[arg(long, hide_short_help = true, value_name = "RELEASE", value_parser = str::parse::<Release>)]
    postfix_version: Option<Release>,

    /// Oldest TLS that it accepts if TLS is mandatory
    /// (smtp_tls_mandatory_protocols) [default: TLSv1; with mailcow TLSv1.2]
    #[arg(long, hide_short_help = true, value_name = "VERSION", value_parser = str::parse::<TlsVersion>)]
    min_tls: Option<TlsVersion>,

    /// Release of mailcow's postfix-tlspol, such as 1.13.0 [default: the one that
    /// mailcow ships, 1.8.23]
    #[arg(long, hide_short_help = true, value_name = "RELEASE", value_parser = str::parse::<TlspolRelease>)]
    tlspol_version: Option<TlspolRelease>,

    /// Configuration directory of the Postfix that --sender local asks
    /// [default: Postfix's own]
    #[arg(long, hide_short_help = true, value_name = "DIR")]
    postfix_config: Option<PathBuf>,

    #[command(flatten)]
    pub(super) mailcow: MailcowArguments,
}

fn system() -> impl TypedValueParser<Value = System> {
    choice(System::ALL.map(|system| {
        let meaning = match system {
            System::Postfix => "A Postfix at its defaults, at level dane",
            System::Mailcow => "mailcow, whose postfix-tlspol answers for each domain",
            System::Local => "The Postfix on this machine, asked by postconf and postmap",
        };
        (system, system.as_str(), meaning)
    }))
}

impl SenderArguments {
    /// Whether it names a sender.
    pub(super) fn names_one(&self) -> bool {
        self.sender.is_some() || self.tlspol_version.is_some() || self.mailcow.names_one()
    }

    /// A release of mailcow's policy service names mailcow, and so does a mailcow.
    fn system(&self) -> System {
        let is_mailcow = self.tlspol_version.is_some() || self.mailcow.names_one();
        self.sender.unwrap_or(match is_mailcow {
            true => System::Mailcow,
            false => System::default(),
        })
    }

    /// The Postfix on this machine, if it is the sender: its parameters are
    /// read once for all targets.
    pub(super) async fn local(&self) -> Result<Option<LocalPostfix>, Stop> {
        let asked_for = self.sender == Some(System::Local);
        let of_main_cf = [
            (self.level.is_some(), "--level"),
            (self.postfix_version.is_some(), "--postfix-version"),
            (self.min_tls.is_some(), "--min-tls"),
        ];
        for (given, option) in of_main_cf {
            if asked_for && given {
                return Err(Stop::Sentence(format!(
                    "{option} cannot be used with --sender local: this machine's own main.cf \
                     decides"
                )));
            }
        }
        if self.system() != System::Mailcow && self.tlspol_version.is_some() {
            return Err(Stop::Sentence(
                "--tlspol-version goes only with --sender mailcow".to_owned(),
            ));
        }
        if !asked_for && self.postfix_config.is_some() {
            return Err(Stop::Sentence(
                "--postfix-config works only with --sender local".to_owned(),
            ));
        }
        if !asked_for {
            return Ok(None);
        }
        let postfix = LocalPostfix::read(self.postfix_config.clone()).await;
        postfix
            .map(Some)
            .map_err(|error| Stop::Sentence(format!("--sender local: {error}")))
    }

    /// The sender; the default sender if none is named.
    pub(super) fn sender(&self) -> Sender {
        Sender {
            system: self.system(),
            level: self.level,
            release: self.postfix_version,
            min_tls: self.min_tls,
            tlspol: self.tlspol_version,
            mailcow: None,
        }
    }

    /// The same sender, with what this mailcow says of itself if it is one.
    pub(super) async fn asked(
        &self,
        sender: Sender,
        resolver: &ResolverArguments,
        environment: &mut Environment,
    ) -> Result<Sender, Stop> {
        if sender.system != System::Mailcow {
            return Ok(sender);
        }
        let resolver = resolver.resolver()?;
        let seen = self.mailcow.seen(&resolver, environment).await?;
        Ok(Sender {
            mailcow: Some(seen),
            ..sender
        })
    }
}
