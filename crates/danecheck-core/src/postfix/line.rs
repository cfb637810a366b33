//! The value of an entry in a table of `smtp_tls_policy_maps`: a level and its
//! attributes (`tls_policy_lookup_one` in Postfix's `smtp_tls_policy.c`).

use super::level::SecurityLevel;
use super::protocols;
use super::release::Release;
use super::settings::TlsVersion;

/// A value that Postfix accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLine {
    /// The level.
    pub level: SecurityLevel,
    /// The names or pins of `match=`, in their order.
    pub matches: Vec<String>,
    /// The server name that `servername=` makes Postfix send.
    pub server_name: Option<ServerName>,
    /// The versions of TLS that `protocols=` allows, the oldest first.
    pub protocols: Option<Vec<TlsVersion>>,
    /// The lowest grade of ciphers that `ciphers=` allows.
    pub ciphers: Option<CipherGrade>,
    /// The ciphers that `exclude=` excludes, in place of those of main.cf.
    pub exclusions: Vec<String>,
    /// The files of `tafile=`: other trust anchors than those of main.cf.
    pub trust_anchors: Vec<String>,
    /// The patterns of `mx_host_pattern=`: the MX hosts that may be tried.
    pub mx_patterns: Vec<String>,
    /// A fault that Postfix notices only at the handshake, which then fails:
    /// bad protocols, ciphers or exclusions (`tls_client_start`).
    pub late_fault: Option<String>,
}

/// The server name that `servername=` makes Postfix send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// The name of the MX host.
    HostName,
    /// The next hop.
    NextHop,
    /// This one.
    Literal(String),
}

/// A grade of ciphers, the weakest first (`tls_set_ciphers`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they are the grades themselves")]
pub enum CipherGrade {
    Null,
    Export,
    Low,
    Medium,
    High,
}

impl CipherGrade {
    fn read(text: &str) -> Option<Self> {
        [
            ("null", Self::Null),
            ("export", Self::Export),
            ("low", Self::Low),
            ("medium", Self::Medium),
            ("high", Self::High),
        ]
        .into_iter()
        .find_map(|(name, grade)| name.eq_ignore_ascii_case(text).then_some(grade))
    }
}

/// Why Postfix rejects a value, and defers all mail to the next hop with 4.7.5
/// `client TLS configuration problem`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// The first word is not a level.
    #[error("unknown TLS security level `{0}`")]
    Level(String),
    /// A word is not of the form `name=value`.
    #[error("`{0}` is not of the form name=value")]
    Pair(String),
    /// No attribute has this name.
    #[error("unknown attribute `{0}`{1}")]
    Attribute(String, &'static str),
    /// It may appear only once.
    #[error("attribute `{0}` is repeated")]
    Repeated(&'static str),
    /// The level does not allow it.
    #[error("attribute `{name}` is not allowed at level {level}")]
    NotAtLevel {
        /// The attribute.
        name: &'static str,
        /// The level.
        level: SecurityLevel,
    },
    /// Its value is invalid.
    #[error("invalid value `{value}` for `{name}`")]
    Value {
        /// The attribute.
        name: &'static str,
        /// The value.
        value: String,
    },
}

/// The attributes, and the minor release of Postfix 3 that introduced them.
const ATTRIBUTES: [(&str, u32); 14] = [
    ("ciphers", 0),
    ("protocols", 0),
    ("exclude", 0),
    ("match", 0),
    ("servername", 4),
    ("tafile", 0),
    ("connection_reuse", 4),
    ("enable_rpk", 9),
    ("policy_ttl", 10),
    ("policy_type", 10),
    ("policy_domain", 10),
    ("policy_string", 10),
    ("mx_host_pattern", 10),
    ("policy_failure", 10),
];

impl PolicyLine {
    /// A level without attributes.
    pub fn plain(level: SecurityLevel) -> Self {
        Self {
            level,
            matches: Vec::new(),
            server_name: None,
            protocols: None,
            ciphers: None,
            exclusions: Vec::new(),
            trust_anchors: Vec::new(),
            mx_patterns: Vec::new(),
            late_fault: None,
        }
    }

    /// The oldest version of TLS that it allows; `None` if main.cf decides.
    pub fn oldest_tls(&self) -> Option<TlsVersion> {
        self.protocols.as_ref()?.first().copied()
    }

    /// Reads a value as this release does; the newest if none is given.
    pub fn parse(text: &str, release: Option<Release>) -> Result<Self, LineFault> {
        let braces = release.is_none_or(|release| release.is_from(10));
        let mut words = words(text, braces).into_iter();
        let level = words.next().ok_or(LineFault::Empty)?;
        let level: SecurityLevel = level.parse().map_err(|_| LineFault::Level(level))?;
        let mut line = Self::plain(level);
        // "ignoring attribute ... with TLS disabled"
        if level == SecurityLevel::None {
            return Ok(line);
        }
        let mut seen: Vec<&'static str> = Vec::new();
        for word in words {
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| LineFault::Pair(word.clone()))?;
            let (name, value) = (name.trim(), value.trim());
            let known = ATTRIBUTES
                .into_iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((name, since)) = known else {
                return Err(LineFault::Attribute(name.to_owned(), ""));
            };
            if !release.is_none_or(|release| release.is_from(since)) {
                let before = " for this release of Postfix";
                return Err(LineFault::Attribute(name.to_owned(), before));
            }
            let many = matches!(
                name,
                "match"
                    | "tafile"
                    | "policy_string"
                    | "mx_host_pattern"
                    | "connection_reuse"
                    | "enable_rpk"
            );
            if !many && seen.contains(&name) {
                return Err(LineFault::Repeated(name));
            }
            seen.push(name);
            line.take(name, value)?;
        }
        let of_plugins = |name: &&str| {
            ["policy_", "mx_host_pattern"]
                .iter()
                .any(|beginning| name.starts_with(beginning))
        };
        if let Some(name) = seen.iter().copied().find(|name| of_plugins(name))
            && !seen.contains(&"policy_type")
        {
            let value = "a value without policy_type".to_owned();
            return Err(LineFault::Value { name, value });
        }
        Ok(line)
    }

    fn take(&mut self, name: &'static str, value: &str) -> Result<(), LineFault> {
        let refuse = || LineFault::Value {
            name,
            value: value.to_owned(),
        };
        let level = self.level;
        match name {
            "match" => {
                let separator = match level {
                    SecurityLevel::Fingerprint => '|',
                    SecurityLevel::Verify | SecurityLevel::Secure => ':',
                    _ => return Err(LineFault::NotAtLevel { name, level }),
                };
                if value.is_empty() {
                    return Err(refuse());
                }
                let items = value.split(separator).filter(|item| !item.is_empty());
                self.matches.extend(items.map(str::to_owned));
            }
            "tafile" => {
                if !matches!(level, SecurityLevel::Verify | SecurityLevel::Secure) {
                    return Err(LineFault::NotAtLevel { name, level });
                }
                self.trust_anchors.push(value.to_owned());
            }
            "mx_host_pattern" => self.mx_patterns.push(value.to_ascii_lowercase()),
            "protocols" => match protocols::allowed(value) {
                Ok(versions) => self.protocols = Some(versions),
                Err(why) => self.late_fault = Some(format!("protocols: {why}")),
            },
            "ciphers" => {
                if value.is_empty() {
                    return Err(refuse());
                }
                self.ciphers = CipherGrade::read(value);
                if self.ciphers.is_none() {
                    self.late_fault = Some(format!("ciphers: unknown grade `{value}`"));
                }
            }
            "exclude" => {
                if value.is_empty() {
                    return Err(refuse());
                }
                let bad = value
                    .split([':', ','])
                    .find(|item| item.starts_with(['!', '+', '-', '@']));
                if let Some(bad) = bad {
                    self.late_fault = Some(format!("exclude: `{bad}` begins with an operator"));
                }
                let items = value.split([':', ',']).filter(|item| !item.is_empty());
                self.exclusions = items.map(str::to_owned).collect();
            }
            "servername" => {
                self.server_name = Some(match value.to_ascii_lowercase().as_str() {
                    "hostname" => ServerName::HostName,
                    "nexthop" => ServerName::NextHop,
                    name if crate::next_hop::host_name_fault(name).is_none() => {
                        ServerName::Literal(name.to_owned())
                    }
                    _ => return Err(refuse()),
                });
            }
            "connection_reuse" | "enable_rpk"
                if !matches!(value.to_ascii_lowercase().as_str(), "yes" | "no") =>
            {
                return Err(refuse());
            }
            "policy_type" if !matches!(value, "sts" | "no-policy-found") => {
                return Err(refuse());
            }
            _ => {}
        }
        Ok(())
    }
}

/// The words of a value, separated by blanks and commas; from 3.10 on one may
/// be `{ name = value }`, with blanks in it.
fn words(text: &str, braces: bool) -> Vec<String> {
    let separator = |c: char| c.is_ascii_whitespace() || c == ',';
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(separator);
    while !rest.is_empty() {
        let inside = rest.strip_prefix('{').filter(|_| braces);
        let (word, after) = match inside.and_then(|inside| inside.split_once('}')) {
            Some((word, after)) => (word.trim(), after),
            None => rest.split_at(rest.find(separator).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start_matches(separator);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PolicyLine, LineFault> {
        PolicyLine::parse(text, None)
    }

    #[test]
    fn a_value_is_a_level_and_attributes() {
        let line = parse("Secure match=mx1.example.com:.example.net, servername=hostname").unwrap();
        assert_eq!(line.level, SecurityLevel::Secure);
        assert_eq!(line.matches, ["mx1.example.com", ".example.net"]);
        assert_eq!(line.server_name, Some(ServerName::HostName));
        let line = parse("encrypt protocols=>=TLSv1.2 ciphers=HIGH exclude=3DES").unwrap();
        assert_eq!(line.oldest_tls(), Some(TlsVersion::Tls12));
        assert_eq!(line.late_fault, None);
        let line = parse("fingerprint match=AA:BB|CC:DD match=EE:FF").unwrap();
        assert_eq!(line.matches, ["AA:BB", "CC:DD", "EE:FF"]);
        // Attributes of `none` are ignored.
        assert_eq!(parse("none match=x").unwrap().level, SecurityLevel::None);
        // mailcow's CONCAT leaves a blank behind.
        assert!(parse("encrypt ").is_ok());
        assert!(parse("may protocols=").is_ok());
    }

    #[test]
    fn what_postfix_does_not_take_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "it is empty"),
            ("halfdane", "unknown TLS security level `halfdane`"),
            ("encrpyt", "unknown TLS security level `encrpyt`"),
            ("encrypt strict", "`strict` is not of the form name=value"),
            (
                "encrypt protocols>=TLSv1.2",
                "unknown attribute `protocols>`",
            ),
            (
                "encrypt match=x.example",
                "attribute `match` is not allowed at level encrypt",
            ),
            (
                "dane match=x.example",
                "attribute `match` is not allowed at level dane",
            ),
            (
                "dane tafile=/x",
                "attribute `tafile` is not allowed at level dane",
            ),
            ("secure match=", "invalid value `` for `match`"),
            ("may ciphers=", "invalid value `` for `ciphers`"),
            (
                "may ciphers=high ciphers=high",
                "attribute `ciphers` is repeated",
            ),
            ("may servername=-x", "invalid value `-x` for `servername`"),
            (
                "may connection_reuse=1",
                "invalid value `1` for `connection_reuse`",
            ),
            (
                "may protocols=!SSLv2,!SSLv3",
                "`!SSLv3` is not of the form name=value",
            ),
            (
                "secure policy_domain=x",
                "invalid value `a value without policy_type` for `policy_domain`",
            ),
            (
                "secure policy_type=dane",
                "invalid value `dane` for `policy_type`",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), why, "{text}");
        }
    }

    #[test]
    fn some_faults_come_to_light_only_at_the_handshake() {
        for text in [
            "encrypt protocols=TLSv9",
            "may ciphers=best",
            "encrypt exclude=!RC4",
        ] {
            assert!(parse(text).unwrap().late_fault.is_some(), "{text}");
        }
    }

    #[test]
    fn attributes_and_braces_came_with_releases() {
        let read = |text: &str, release: &str| {
            PolicyLine::parse(text, Some(release.parse().unwrap())).is_ok()
        };
        for (text, since, before) in [
            ("may enable_rpk=yes", "3.9.0", "3.8.9"),
            (
                "secure policy_type=sts mx_host_pattern=*.x",
                "3.10.0",
                "3.9.9",
            ),
            ("secure { match = mx1.x }", "3.10.0", "3.9.9"),
        ] {
            assert!(read(text, since), "{text} {since}");
            assert!(!read(text, before), "{text} {before}");
        }
        let line = parse("secure { match = mx1.x:mx2.x } servername=hostname").unwrap();
        assert_eq!(line.matches, ["mx1.x", "mx2.x"]);
    }
}
