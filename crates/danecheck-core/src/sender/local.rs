//! The Postfix on this machine: the meaning of its parameters and tables.

use crate::observation::{LocalSenderSeen, PolicyLookup, TableAnswer};
use crate::postfix::{
    CipherGrade, Dnssec, Exclusions, InsecureMx, LineHello, MainServerName, OpenSsl, PolicyLine,
    Release, SecurityLevel, ServerName, Settings, StatedPolicy, TlsDefaults, TlsVersion, allowed,
    newest,
};

use super::InForce;
use super::why::Why;

/// The parameters.
pub(crate) struct Parameters<'a>(pub(crate) &'a LocalSenderSeen);

impl Parameters<'_> {
    /// Its value; empty if it was not asked for.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.parameters.get(name).map_or("", String::as_str)
    }

    fn is_yes(&self, name: &str) -> bool {
        self.get(name) == "yes"
    }

    pub(crate) fn release(&self) -> Option<Release> {
        self.get("mail_version").parse().ok()
    }

    /// `smtp_tls_security_level`, or what the older parameters mean
    /// (`smtp_tls_init`).
    pub(crate) fn level(&self) -> SecurityLevel {
        match self.get("smtp_tls_security_level").parse() {
            Ok(level) => level,
            Err(_) if self.is_yes("smtp_enforce_tls") => SecurityLevel::Encrypt,
            Err(_) if self.is_yes("smtp_use_tls") => SecurityLevel::May,
            Err(_) => SecurityLevel::None,
        }
    }

    /// The setting that switches DANE off here; `None` if none does
    /// (`dane_init`).
    pub(crate) fn against_dane(&self) -> Option<&'static str> {
        if self.get("smtp_dns_support_level") != "dnssec" {
            Some("smtp_dns_support_level is not dnssec")
        } else if self.is_yes("ignore_mx_lookup_error") {
            Some("ignore_mx_lookup_error is yes")
        } else if self.is_yes("disable_dns_lookups") {
            Some("disable_dns_lookups is yes")
        } else if self.looks_up_without_dns() {
            // smtp_tls_policy.c, `dane_init`.
            Some("smtp_host_lookup does not name dns")
        } else {
            None
        }
    }

    fn looks_up_without_dns(&self) -> bool {
        let ways = self.get("smtp_host_lookup");
        let mut named = ways.split([',', ' ', '\t']);
        !ways.is_empty() && !named.any(|way| way.eq_ignore_ascii_case("dns"))
    }

    pub(crate) fn has_trust_store(&self) -> bool {
        !self.get("smtp_tls_CAfile").is_empty() || !self.get("smtp_tls_CApath").is_empty()
    }

    fn oldest(&self, name: &str) -> Option<TlsVersion> {
        // If main.cf's list is invalid, every handshake fails; the finding says
        // so.
        crate::postfix::oldest(self.get(name)).ok()
    }

    fn newest(&self, name: &str) -> Option<TlsVersion> {
        newest(&allowed(self.get(name)).ok()?)
    }

    fn excluded(&self, name: &str) -> Exclusions {
        Exclusions::of_list(self.get(name))
    }

    fn grade(&self, name: &str) -> Option<CipherGrade> {
        match self.0.parameters.get(name) {
            Some(grade) => CipherGrade::read(grade),
            // Saved by a version that did not ask for it.
            None => Some(CipherGrade::Medium),
        }
    }

    /// The ClientHellos of the policy in force, of the one without the deciding
    /// entry, and of each level, each once.
    pub(crate) fn hellos(&self) -> Vec<LineHello> {
        let settings = self.settings();
        let policies = [Some(self.in_force()), self.without_override()];
        let lines = policies
            .into_iter()
            .flatten()
            .filter_map(|it| it.policy.line.ok());
        let levels = SecurityLevel::ALL.into_iter();
        let levels = levels.filter(|level| *level != SecurityLevel::None);
        let mut hellos: Vec<LineHello> = Vec::new();
        for line in lines.chain(levels.map(PolicyLine::plain)) {
            let mut hello = LineHello::of_line(&line, settings);
            hello.server_name = hello.server_name.or_else(|| self.server_name());
            if !hellos.contains(&hello) {
                hellos.push(hello);
            }
        }
        hellos
    }

    /// The server name of main.cf, for each line that names none (`policy_create`).
    pub(crate) fn server_name(&self) -> Option<ServerName> {
        ServerName::read(self.get("smtp_tls_servername"))
    }

    /// What it offers and refuses in TLS: by its own release, and by the OpenSSL
    /// under it if that is known.
    fn tls(&self) -> TlsDefaults {
        let of_release = self
            .release()
            .map_or(TlsDefaults::DEBIAN_12, Release::tls_defaults);
        let openssl = self.0.openssl.as_deref().and_then(OpenSsl::read);
        TlsDefaults {
            openssl: openssl.unwrap_or(of_release.openssl),
            ..of_release
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        let defaults = Settings::default();
        Settings {
            insecure_mx: match self.get("smtp_tls_dane_insecure_mx_policy") {
                "may" => InsecureMx::May,
                "encrypt" => InsecureMx::Encrypt,
                _ => InsecureMx::Dane,
            },
            oldest_at_may: self
                .oldest("smtp_tls_protocols")
                .unwrap_or(defaults.oldest_at_may),
            oldest_above: self
                .oldest("smtp_tls_mandatory_protocols")
                .unwrap_or(defaults.oldest_above),
            newest_at_may: self
                .newest("smtp_tls_protocols")
                .unwrap_or(defaults.newest_at_may),
            newest_above: self
                .newest("smtp_tls_mandatory_protocols")
                .unwrap_or(defaults.newest_above),
            excluded_at_may: self.excluded("smtp_tls_exclude_ciphers"),
            excluded_above: self
                .excluded("smtp_tls_exclude_ciphers")
                .and(self.excluded("smtp_tls_mandatory_exclude_ciphers")),
            grade_at_may: self.grade("smtp_tls_ciphers"),
            grade_above: self.grade("smtp_tls_mandatory_ciphers"),
            server_name: match self.get("smtp_tls_servername") {
                "" => MainServerName::None,
                _ if self.server_name().is_some() => MainServerName::Given,
                _ => MainServerName::Invalid,
            },
            tls: self.tls(),
            dies_of_empty_tlsa: self.release().is_some_and(Release::dies_of_empty_tlsa),
            dnssec: match self.against_dane() {
                None => Dnssec::On,
                Some(_) => Dnssec::Off,
            },
            trust_store: self.has_trust_store(),
        }
    }

    /// The lookup that decides, if any table has a value or fails (`maps_find`,
    /// `tls_policy_lookup`).
    pub(crate) fn deciding(&self) -> Option<&PolicyLookup> {
        self.0
            .lookups
            .iter()
            .find(|lookup| lookup.answer != TableAnswer::NotFound)
    }

    /// The policy in force; main.cf's if no table has a value.
    pub(crate) fn in_force(&self) -> InForce {
        let Some(lookup) = self.deciding() else {
            return self.of_main_cf();
        };
        let source = match lookup.key.strip_prefix('.') {
            Some(_) => format!("{} at {}", lookup.table, lookup.key),
            None => lookup.table.clone(),
        };
        match &lookup.answer {
            TableAnswer::Found(value) => InForce {
                source,
                policy: self.with_pins(StatedPolicy::read(value, self.release())),
                why: Why::Unsaid,
            },
            TableAnswer::Failed(why) => InForce {
                source,
                policy: StatedPolicy::refused("no answer", "the table cannot be looked up"),
                why: Why::Said(why.clone()),
            },
            TableAnswer::NotFound => self.of_main_cf(),
        }
    }

    /// The policy of main.cf, for when no table has a value.
    pub(crate) fn of_main_cf(&self) -> InForce {
        let stated = StatedPolicy::of(PolicyLine::plain(self.level()));
        InForce {
            source: "main.cf".to_owned(),
            policy: self.with_pins(stated),
            why: Why::Unsaid,
        }
    }

    /// The policy in force without the deciding entry, if that entry is in a
    /// table and does not come from a service.
    pub(crate) fn without_override(&self) -> Option<InForce> {
        let deciding = self.deciding()?;
        if !matches!(deciding.answer, TableAnswer::Found(_)) || is_service(&deciding.table) {
            return None;
        }
        let mut others = self.0.clone();
        others.lookups.retain(|lookup| lookup != deciding);
        Some(Parameters(&others).in_force())
    }

    /// The names and pins of main.cf for a line that has none; a line at
    /// fingerprint without pins is invalid (R10 of the suite's list).
    fn with_pins(&self, stated: StatedPolicy) -> StatedPolicy {
        StatedPolicy {
            line: stated.line.and_then(|line| self.pinned(line)),
            ..stated
        }
    }

    fn pinned(&self, mut line: PolicyLine) -> Result<PolicyLine, String> {
        if !line.matches.is_empty() {
            return Ok(line);
        }
        let (name, separators): (&str, &[char]) = match line.level {
            SecurityLevel::Fingerprint => ("smtp_tls_fingerprint_cert_match", &['|', ',', ' ']),
            SecurityLevel::Verify => ("smtp_tls_verify_cert_match", &[':', ',', ' ']),
            SecurityLevel::Secure => ("smtp_tls_secure_cert_match", &[':', ',', ' ']),
            _ => return Ok(line),
        };
        let items = self.get(name).split(separators);
        line.matches = items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect();
        if line.level == SecurityLevel::Fingerprint && line.matches.is_empty() {
            return Err("it has no fingerprint to match".to_owned());
        }
        Ok(line)
    }
}

/// Whether a table is a service that computes its answers.
pub(crate) fn is_service(table: &str) -> bool {
    let table = table.strip_prefix("proxy:").unwrap_or(table);
    ["socketmap:", "tcp:"]
        .iter()
        .any(|kind| table.starts_with(kind))
}
