//! The sender: the Postfix whose outcome its administrator sees.
//!
//! `outcomes` of a report are always those of a Postfix with default settings.
//! A [`Sender`] adds what *its* mail meets today: the policy that its tables
//! give for this next hop, and its own main.cf around it. Nothing here does
//! I/O: everything is computed from an observation.

mod local;
mod mailcow;
mod tlspol;
mod tlspol_policy;
mod tlspol_release;
mod why;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::{LocalSenderSeen, Observation, PolicyResponse, ResolverValidation};

pub use mailcow::{MailcowRow, MailcowSeen};
pub use tlspol::{Answered, MapAnswer, answer as tlspol_answer};
pub use tlspol_release::{NoTlspolRelease, RulesFrom, TlspolRelease};
pub use why::{SeenOfPolicy, Why};

pub(crate) use local::{Parameters, is_service};

use crate::postfix::{
    Dnssec, InsecureMx, LineHello, PolicyLine, Release, SecurityLevel, Settings, StatedPolicy,
    TlsDefaults, TlsVersion,
};

/// The ClientHellos that the Postfix on this machine sends under the policies
/// that its tables give.
pub fn local_hellos(seen: &LocalSenderSeen) -> Vec<LineHello> {
    Parameters(seen).hellos()
}

/// The Postfix that mailcow ships (`docker-compose.yml`, August 2026).
const MAILCOW_POSTFIX: Release = Release::new(3, 10, 12);

/// The kinds of sender that are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// A Postfix at its defaults, at level dane.
    #[default]
    Postfix,
    /// mailcow, whose postfix-tlspol answers for each domain.
    Mailcow,
    /// The Postfix on this machine, asked by postconf and postmap.
    Local,
}

impl System {
    /// Every one, the default first.
    pub const ALL: [Self; 3] = [Self::Postfix, Self::Mailcow, Self::Local];

    /// The word of the option.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postfix => "postfix",
            Self::Mailcow => "mailcow",
            Self::Local => "local",
        }
    }
}

/// A sender, as options name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// The kind of sender.
    pub system: System,
    /// The level of its main.cf; `dane` if none was given.
    pub level: Option<SecurityLevel>,
    /// Its release of Postfix, which stands for the OpenSSL that Debian ships with
    /// it.
    pub release: Option<Release>,
    /// The oldest TLS that it accepts if TLS is mandatory.
    pub min_tls: Option<TlsVersion>,
    /// The release of its postfix-tlspol, where it has one.
    pub tlspol: Option<TlspolRelease>,
    /// What a mailcow says of itself, where it was asked; what options say comes
    /// first.
    pub mailcow: Option<Arc<MailcowSeen>>,
}

/// The policy that a sender's tables and main.cf give for one next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Where the policy comes from: `main.cf`, `postfix-tlspol 1.8.23`.
    pub source: String,
    /// The policy as it is written there.
    pub policy: StatedPolicy,
    /// Why it says so.
    pub why: Why,
}

impl Sender {
    /// Whether it is the Postfix that every report is about.
    pub fn is_assumed(&self) -> bool {
        *self == Self::default()
    }

    /// The same without a mailcow's own TLS policies.
    #[must_use]
    pub fn without_own_policies(mut self) -> Self {
        if let Some(seen) = &mut self.mailcow {
            Arc::make_mut(seen).set_rows(Vec::new());
        }
        self
    }

    /// The options that name it.
    pub fn options(&self) -> String {
        let mut options = Vec::new();
        if self.system != System::Postfix {
            options.push(format!("--sender {}", self.system.as_str()));
        }
        if let Some(level) = self.level {
            options.push(format!("--level {level}"));
        }
        if let Some(release) = self.release {
            options.push(format!("--postfix-version {release}"));
        }
        if let Some(version) = self.min_tls {
            options.push(format!("--min-tls {version}"));
        }
        if let Some(release) = self.tlspol {
            options.push(format!("--tlspol-version {release}"));
        }
        options.join(" ")
    }

    /// What the Postfix on this machine said, if it is the sender.
    fn local<'o>(&self, observation: &'o Observation) -> Option<Parameters<'o>> {
        let seen = observation.local_sender.as_ref()?;
        (self.system == System::Local).then_some(Parameters(seen))
    }

    /// The mailcow that was asked, if it is the sender.
    fn asked_mailcow(&self) -> Option<&MailcowSeen> {
        let is_sender = self.system == System::Mailcow;
        self.mailcow.as_deref().filter(|_| is_sender)
    }

    /// Its main.cf, as far as it is known.
    fn main_cf(&self) -> Option<Parameters<'_>> {
        self.asked_mailcow()?.main_cf()
    }

    /// What its main.cf sets that no prediction takes into account: names and values.
    pub(crate) fn unread<'o>(
        &'o self,
        observation: &'o Observation,
    ) -> impl Iterator<Item = (&'o String, &'o String)> {
        let main_cf = self.local(observation).or_else(|| self.main_cf());
        main_cf.into_iter().flat_map(|main_cf| &main_cf.0.unread)
    }

    /// The level of its main.cf.
    pub fn main_level(&self, observation: &Observation) -> SecurityLevel {
        match self.local(observation) {
            Some(parameters) => parameters.level(),
            None => self
                .level
                .or_else(|| Some(self.main_cf()?.level()))
                .unwrap_or(SecurityLevel::Dane),
        }
    }

    /// Its release of Postfix; the newest if nothing is known.
    pub fn release(&self, observation: &Observation) -> Option<Release> {
        self.known_release()
            .or_else(|| self.local(observation)?.release())
    }

    /// Its release of Postfix, if it is known without an observation.
    pub fn known_release(&self) -> Option<Release> {
        self.release.or(match self.system {
            System::Postfix | System::Local => None,
            System::Mailcow => self
                .asked_mailcow()
                .and_then(|seen| seen.postfix)
                .or(Some(MAILCOW_POSTFIX)),
        })
    }

    /// The release of the policy service that answers for each domain; `None` if
    /// it has no such service.
    pub fn policy_service(&self) -> Option<TlspolRelease> {
        match self.system {
            System::Mailcow
                if self
                    .asked_mailcow()
                    .is_some_and(|seen| !seen.asks_service()) =>
            {
                None
            }
            System::Mailcow => self
                .tlspol
                .or_else(|| self.asked_mailcow()?.tlspol)
                .or(Some(TlspolRelease::MAILCOW)),
            System::Postfix | System::Local => None,
        }
    }

    /// What its main.cf and its release decide besides the level.
    pub(crate) fn settings(&self, observation: &Observation) -> Settings {
        let not_shown = observation.resolver.validation == ResolverValidation::NotShown;
        let shown = |settings: Settings| match settings.dnssec {
            Dnssec::On if not_shown => Settings {
                dnssec: Dnssec::NotShown,
                ..settings
            },
            _ => settings,
        };
        if let Some(parameters) = self.local(observation) {
            return shown(parameters.settings());
        }
        let release = self.release(observation);
        if let Some(main_cf) = self.main_cf() {
            let settings = main_cf.settings();
            return shown(Settings {
                oldest_above: self.min_tls.unwrap_or(settings.oldest_above),
                dies_of_empty_tlsa: release.is_some_and(Release::dies_of_empty_tlsa),
                ..settings
            });
        }
        let of_tables_ignored = release.is_some_and(Release::ignores_tlsa_behind_insecure_mx)
            && self.main_level(observation) != SecurityLevel::Dane;
        let (at_may, above) = match self.system {
            System::Postfix | System::Local => (TlsVersion::Tls10, TlsVersion::Tls10),
            System::Mailcow => (TlsVersion::Tls12, TlsVersion::Tls12),
        };
        Settings {
            insecure_mx: if of_tables_ignored {
                InsecureMx::May
            } else {
                InsecureMx::Dane
            },
            oldest_at_may: at_may,
            oldest_above: self.min_tls.unwrap_or(above),
            tls: release.map_or(TlsDefaults::DEBIAN_12, Release::tls_defaults),
            dies_of_empty_tlsa: release.is_some_and(Release::dies_of_empty_tlsa),
            ..Settings::default()
        }
    }

    /// The policy in force for the next hop of this observation, if no override
    /// is set for it. `served` is what its policy host sends with a valid
    /// certificate.
    pub fn in_force(&self, observation: &Observation, served: Option<&PolicyResponse>) -> InForce {
        if let Some(parameters) = self.local(observation) {
            return parameters.in_force();
        }
        // Postfix asks each table for the next hop itself before it asks any for a
        // parent domain.
        let key = observation.next_hop.policy_key();
        let mailcow = self.asked_mailcow();
        if let Some(row) = mailcow.and_then(|seen| seen.row(&key)) {
            return row.in_force(self.release(observation));
        }
        let of_parent = mailcow.and_then(|seen| seen.row_of_parent(&key));
        if let Some(release) = self.policy_service() {
            let answered = tlspol::answer(observation, served, release);
            let source = format!("postfix-tlspol {release}");
            match answered.answer {
                MapAnswer::Policy(text) => {
                    return InForce {
                        source,
                        policy: StatedPolicy::read(&text, self.release(observation)),
                        why: answered.why,
                    };
                }
                MapAnswer::Temporary => {
                    return InForce {
                        source,
                        policy: StatedPolicy::refused("TEMP", "the table cannot be looked up"),
                        why: answered.why,
                    };
                }
                MapAnswer::NotFound if of_parent.is_some() => {}
                MapAnswer::NotFound => {
                    let why = format!("{source} gives no policy: {}", answered.why);
                    return self.of_main_cf(observation, Why::Said(why));
                }
            }
        }
        match of_parent {
            Some(row) => row.in_force(self.release(observation)),
            None => self.of_main_cf(observation, Why::Unsaid),
        }
    }

    fn of_main_cf(&self, observation: &Observation, why: Why) -> InForce {
        let level = self.main_level(observation);
        InForce {
            source: "main.cf".to_owned(),
            policy: StatedPolicy::of(PolicyLine::plain(level)),
            why,
        }
    }
}
