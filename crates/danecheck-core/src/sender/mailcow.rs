//! What a mailcow says of itself: the images that it runs, its main.cf, and its
//! own TLS policies.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::observation::LocalSenderSeen;
use crate::postfix::{Release, StatedPolicy, is_unread, policy_keys};

use super::local::Parameters;
use super::why::Why;
use super::{InForce, TlspolRelease};

/// The table of its own TLS policies in `smtp_tls_policy_maps`.
const OWN_TABLE: &str = "mysql_tls_policy_override_maps";

/// The service behind it.
const SERVICE: &str = "postfix-tlspol";

/// A mailcow, as far as it was asked. What is not known is as mailcow ships it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailcowSeen {
    /// The release of its Postfix.
    pub postfix: Option<Release>,
    /// The release of its postfix-tlspol.
    pub tlspol: Option<TlspolRelease>,
    main_cf: Option<LocalSenderSeen>,
    rows: Vec<MailcowRow>,
}

/// One active row of its TLS policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailcowRow {
    /// Its number, for the API.
    pub id: Option<u64>,
    /// The next hop, or a parent domain with a dot before it.
    pub key: String,
    /// Level and attributes.
    pub value: String,
}

impl MailcowSeen {
    /// Takes the releases from the images of its containers
    /// (`get/status/containers`): `ghcr.io/mailcow/postfix:3.10.12-1`. False if the
    /// text is not such an answer.
    pub fn read_containers(&mut self, text: &str) -> bool {
        let Ok(Value::Object(containers)) = serde_json::from_str(text) else {
            return false;
        };
        let image = |name: &str| {
            let image = containers.get(name)?.get("image")?.as_str()?;
            let (_, tag) = image.rsplit_once(':')?;
            // Behind a hyphen is the build of the image.
            Some(tag.split('-').next().unwrap_or(tag).to_owned())
        };
        let (postfix, tlspol) = (image("postfix-mailcow"), image("postfix-tlspol-mailcow"));
        self.postfix = postfix.as_ref().and_then(|tag| tag.parse().ok());
        self.tlspol = tlspol.as_ref().and_then(|tag| tag.parse().ok());
        postfix.is_some()
    }

    /// Takes the parameters of its main.cf, at whose end mailcow puts extra.cf
    /// when Postfix starts.
    pub fn read_main_cf(&mut self, text: &str) {
        let parameters = parameters(text);
        let unread = parameters
            .iter()
            .filter(|(name, value)| is_unread(name, value));
        self.main_cf = Some(LocalSenderSeen {
            unread: unread
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            parameters: with_defaults(parameters),
            ..LocalSenderSeen::default()
        });
    }

    /// Takes the active rows of its own TLS policies.
    pub fn set_rows(&mut self, rows: Vec<MailcowRow>) {
        self.rows = rows;
    }

    /// The parameters of TLS that extra.cf sets, but the main.cf of the running
    /// Postfix does not have: they apply after the next start.
    pub fn not_in_force(&self, extra_cf: &str) -> Vec<String> {
        let Some(main_cf) = &self.main_cf else {
            return Vec::new();
        };
        let ours = |name: &str| name.starts_with("smtp_tls_") || name == "smtp_dns_support_level";
        parameters(extra_cf)
            .into_iter()
            .filter(|(name, value)| ours(name) && main_cf.parameters.get(name) != Some(value))
            .map(|(name, _)| name)
            .collect()
    }

    pub(crate) fn main_cf(&self) -> Option<Parameters<'_>> {
        self.main_cf.as_ref().map(Parameters)
    }

    /// Whether Postfix asks this table; it does, where main.cf is not known.
    fn asks(&self, table: &str) -> bool {
        self.main_cf()
            .is_none_or(|main_cf| main_cf.get("smtp_tls_policy_maps").contains(table))
    }

    /// Whether Postfix asks postfix-tlspol.
    pub(crate) fn asks_service(&self) -> bool {
        self.asks(SERVICE)
    }

    /// Whether Postfix asks the table of its own TLS policies.
    pub(crate) fn asks_own_table(&self) -> bool {
        self.asks(OWN_TABLE)
    }

    /// The row for this next hop itself.
    pub fn row(&self, next_hop: &str) -> Option<&MailcowRow> {
        let key = policy_keys(next_hop).into_iter().next()?;
        self.row_at(&key)
    }

    /// The row for a parent domain, which counts only if no table has the next hop
    /// itself (`tls_policy_lookup`).
    pub(super) fn row_of_parent(&self, next_hop: &str) -> Option<&MailcowRow> {
        let mut parents = policy_keys(next_hop).into_iter().skip(1);
        parents.find_map(|key| self.row_at(&key))
    }

    fn row_at(&self, key: &str) -> Option<&MailcowRow> {
        self.rows
            .iter()
            .find(|row| row.key == key)
            .filter(|_| self.asks_own_table())
    }
}

impl MailcowRow {
    /// Why Postfix rejects it, or fails with it; `None` if it does not.
    pub(crate) fn fault(&self, release: Option<Release>) -> Option<String> {
        match StatedPolicy::read(&self.value, release).line {
            Err(fault) => Some(fault),
            Ok(line) => line.late_fault.as_ref().map(ToString::to_string),
        }
    }

    pub(super) fn in_force(&self, release: Option<Release>) -> InForce {
        InForce {
            source: match self.key.strip_prefix('.') {
                Some(_) => format!("mailcow's TLS policies at {}", self.key),
                None => "mailcow's TLS policies".to_owned(),
            },
            policy: StatedPolicy::read(&self.value, release),
            why: Why::Unsaid,
        }
    }
}

/// The parameters of a main.cf (postconf(5)): the last value counts, a line that
/// begins with white space continues the one above, and `#` begins a comment only
/// at the start of a line.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut last: Option<String> = None;
    for line in text.lines() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(value) = last.as_ref().and_then(|name| found.get_mut(name)) {
                value.push(' ');
                value.push_str(line.trim());
            }
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            last = None;
            continue;
        };
        let name = name.trim().to_owned();
        found.insert(name.clone(), value.trim().to_owned());
        last = Some(name);
    }
    found
}

/// What Postfix assumes where the file says nothing, as far as it is not empty.
fn with_defaults(mut parameters: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for (name, value) in [
        ("smtp_tls_protocols", ">=TLSv1"),
        ("smtp_tls_mandatory_protocols", ">=TLSv1"),
        ("smtp_tls_verify_cert_match", "hostname"),
        ("smtp_tls_secure_cert_match", "nexthop, dot-nexthop"),
    ] {
        let value = value.to_owned();
        parameters.entry(name.to_owned()).or_insert(value);
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_come_from_images() {
        let image = |postfix: &str, tlspol: &str| {
            format!(
                r#"{{"postfix-mailcow":{{"type":"info","image":"{postfix}"}},
                "postfix-tlspol-mailcow":{{"image":"{tlspol}"}}}}"#
            )
        };
        for (postfix, tlspol, releases) in [
            (
                "ghcr.io/mailcow/postfix:3.10.12-1",
                "ghcr.io/mailcow/postfix-tlspol:1.8.23",
                ("3.10.12", "1.8.23"),
            ),
            (
                "mirror.example:5000/mailcow/postfix:3.11.1",
                "mailcow/postfix-tlspol:1.13.0-2",
                ("3.11.1", "1.13.0"),
            ),
            ("mailcow/postfix:latest", "mailcow/postfix-tlspol", ("", "")),
        ] {
            let mut seen = MailcowSeen::default();
            assert!(seen.read_containers(&image(postfix, tlspol)));
            let text = |it: Option<String>| it.unwrap_or_default();
            assert_eq!(text(seen.postfix.map(|it| it.to_string())), releases.0);
            assert_eq!(text(seen.tlspol.map(|it| it.to_string())), releases.1);
        }
        for other in [
            "[]",
            "{}",
            "",
            r#"{"type":"error","msg":"authentication failed"}"#,
        ] {
            assert!(!MailcowSeen::default().read_containers(other), "{other}");
        }
    }

    #[test]
    fn the_last_value_of_main_cf_counts() {
        let text = "smtp_tls_policy_maps = proxy:mysql:/a\n  socketmap:inet:postfix-tlspol:8642:QUERY\n\
                    #smtp_tls_security_level = none\nsmtp_tls_security_level = dane\n\
                    # Overrides #\n\nsmtp_tls_security_level=may\nnonsense\n  of nonsense\n";
        let read = parameters(text);
        assert_eq!(read["smtp_tls_security_level"], "may");
        assert_eq!(
            read["smtp_tls_policy_maps"],
            "proxy:mysql:/a socketmap:inet:postfix-tlspol:8642:QUERY"
        );
        assert_eq!(read.len(), 2, "{read:?}");
    }

    #[test]
    fn rows_count_only_where_postfix_asks_for_them() {
        let row = |key: &str| MailcowRow {
            id: Some(3),
            key: key.to_owned(),
            value: "encrypt".to_owned(),
        };
        let mut seen = MailcowSeen::default();
        seen.set_rows(vec![row("example.com"), row(".example.com")]);
        assert_eq!(seen.row("Example.com").unwrap().key, "example.com");
        assert_eq!(seen.row("a.example.com"), None);
        assert_eq!(
            seen.row_of_parent("a.example.com").unwrap().key,
            ".example.com"
        );
        assert!(seen.asks_service());
        seen.read_main_cf(
            "smtp_tls_policy_maps = proxy:mysql:/x/mysql_tls_policy_override_maps.cf\n",
        );
        assert!(!seen.asks_service());
        assert!(seen.row("example.com").is_some());
        seen.read_main_cf("smtp_tls_policy_maps =\n");
        assert_eq!(seen.row("example.com"), None);
    }

    #[test]
    fn of_its_main_cf_what_nothing_here_knows_is_kept() {
        let mut seen = MailcowSeen::default();
        // The first line is mailcow's own.
        seen.read_main_cf(
            "tls_ssl_options = NO_COMPRESSION, NO_RENEGOTIATION\n\
             tls_medium_cipherlist = ECDHE-ECDSA-AES128-GCM-SHA256\n",
        );
        let unread = seen.main_cf.unwrap().unread;
        let names: Vec<&String> = unread.keys().collect();
        assert_eq!(names, ["tls_medium_cipherlist"]);
    }

    #[test]
    fn what_waits_for_a_start_is_named() {
        let mut seen = MailcowSeen::default();
        let extra =
            "smtp_tls_security_level = may\nmyhostname = a\nsmtp_dns_support_level = enabled\n";
        assert!(seen.not_in_force(extra).is_empty());
        seen.read_main_cf("smtp_tls_security_level = dane\nsmtp_dns_support_level = enabled\n");
        assert_eq!(seen.not_in_force(extra), ["smtp_tls_security_level"]);
    }
}
