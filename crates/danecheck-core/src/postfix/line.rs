//! The value of an entry in a table of `smtp_tls_policy_maps`: a level and its
//! attributes (`tls_policy_lookup_one` in Postfix's `smtp_tls_policy.c`).

use std::fmt;

use super::level::SecurityLevel;
use super::protocols;
use super::release::Release;
use super::tls_version::TlsVersion;

/// A value that Postfix accepts, without the attributes that change nothing for
/// the mail: `connection_reuse`, `enable_rpk` and those for reports.
///
/// [`fmt::Display`] writes it as [`PolicyLine::parse`] reads it.
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
    /// The ciphers that `exclude=` excludes, in place of those of main.cf; one empty
    /// word where it excludes none.
    pub exclusions: Vec<String>,
    /// The files of `tafile=`: other trust anchors than those of main.cf.
    pub trust_anchors: Vec<String>,
    /// The patterns of `mx_host_pattern=`: the MX hosts that may be tried.
    pub mx_patterns: Vec<String>,
    /// A fault that Postfix notices only at the handshake, which then fails:
    /// bad protocols, ciphers or exclusions (`tls_client_start`).
    pub late_fault: Option<LateFault>,
}

/// An attribute that makes every handshake fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct LateFault {
    /// The attribute.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub why: String,
}

/// The server name that `servername=` makes Postfix send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerName {
    /// The name of the MX host.
    HostName,
    /// The next hop.
    NextHop,
    /// This one.
    Literal(String),
}

impl ServerName {
    /// Reads the value of `servername=` or `smtp_tls_servername`.
    pub(crate) fn read(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "hostname" => Some(Self::HostName),
            "nexthop" => Some(Self::NextHop),
            name if crate::next_hop::host_name_fault(name).is_none() => {
                Some(Self::Literal(name.to_owned()))
            }
            _ => None,
        }
    }
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
    const ALL: [Self; 5] = [
        Self::Null,
        Self::Export,
        Self::Low,
        Self::Medium,
        Self::High,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Export => "export",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|grade| grade.as_str().eq_ignore_ascii_case(text))
    }
}

/// Why Postfix rejects a value, and defers all mail to the next hop with 4.7.5
/// `client TLS configuration problem`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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

    /// The same with this version of TLS and all newer ones.
    pub(crate) fn with_oldest_tls(self, oldest: TlsVersion) -> Self {
        let versions = TlsVersion::ALL.into_iter();
        Self {
            protocols: Some(versions.filter(|version| *version >= oldest).collect()),
            ..self
        }
    }

    /// The attributes as they follow the level, separated by blanks.
    pub fn attributes(&self) -> String {
        let words: Vec<String> = self
            .pairs()
            .iter()
            .map(|(name, value)| word(name, value))
            .collect();
        words.join(" ")
    }

    /// Whether this release accepts the line; the newest if none is given.
    pub fn is_taken_by(&self, release: Option<Release>) -> bool {
        let Some(release) = release else {
            return true;
        };
        self.pairs().iter().all(|(name, value)| {
            let since = ATTRIBUTES.into_iter().find(|(known, _)| known == name);
            let braces = value.contains(is_separator);
            since.is_none_or(|(_, since)| release.is_from(since))
                && (!braces || release.is_from(BRACES_SINCE))
        })
    }

    /// The attributes with their values. A late fault is the last, because
    /// [`PolicyLine::parse`] keeps the last one.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if !self.matches.is_empty() {
            let separator = match self.level {
                SecurityLevel::Fingerprint => "|",
                _ => ":",
            };
            pairs.push(("match", self.matches.join(separator)));
        }
        if let Some(name) = &self.server_name {
            let name = match name {
                ServerName::HostName => "hostname",
                ServerName::NextHop => "nexthop",
                ServerName::Literal(name) => name,
            };
            pairs.push(("servername", name.to_owned()));
        }
        if let Some(versions) = &self.protocols {
            pairs.push(("protocols", protocols::list(versions)));
        }
        if let Some(grade) = self.ciphers {
            pairs.push(("ciphers", grade.as_str().to_owned()));
        }
        let late = self.late_fault.as_ref();
        if !self.exclusions.is_empty() && late.is_none_or(|late| late.name != "exclude") {
            pairs.push(("exclude", self.exclusions.join(":")));
        }
        let files = self.trust_anchors.iter();
        pairs.extend(files.map(|file| ("tafile", file.clone())));
        if !self.mx_patterns.is_empty() {
            // Postfix requires it with the patterns.
            pairs.push(("policy_type", "sts".to_owned()));
        }
        let patterns = self.mx_patterns.iter();
        pairs.extend(patterns.map(|pattern| ("mx_host_pattern", pattern.clone())));
        pairs.extend(late.map(|late| (late.name, late.value.clone())));
        pairs
    }

    /// Reads a value as this release does; the newest if none is given.
    pub fn parse(text: &str, release: Option<Release>) -> Result<Self, LineFault> {
        let braces = release.is_none_or(|release| release.is_from(BRACES_SINCE));
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
        let late = |why| LateFault {
            name,
            value: value.to_owned(),
            why,
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
                Err(why) => self.late_fault = Some(late(why)),
            },
            "ciphers" => {
                if value.is_empty() {
                    return Err(refuse());
                }
                self.ciphers = CipherGrade::read(value);
                if self.ciphers.is_none() {
                    self.late_fault = Some(late(format!("unknown grade `{value}`")));
                }
            }
            "exclude" => {
                let bad = value
                    .split([':', ','])
                    .find(|item| item.starts_with(['!', '+', '-', '@']));
                if let Some(bad) = bad {
                    self.late_fault = Some(late(format!("`{bad}` begins with an operator")));
                }
                let items = value.split([':', ',']).filter(|item| !item.is_empty());
                self.exclusions = items.map(str::to_owned).collect();
                // It takes the place of main.cf's list all the same.
                if self.exclusions.is_empty() {
                    self.exclusions.push(String::new());
                }
            }
            "servername" => {
                self.server_name = Some(ServerName::read(value).ok_or_else(refuse)?);
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

impl fmt::Display for PolicyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = self.attributes();
        match attributes.as_str() {
            "" => self.level.fmt(f),
            attributes => write!(f, "{} {attributes}", self.level),
        }
    }
}

/// The minor release of Postfix 3 that brought words in braces.
const BRACES_SINCE: u32 = 10;

fn is_separator(c: char) -> bool {
    c.is_ascii_whitespace() || c == ','
}

/// An attribute as [`words`] reads it: a value with separators needs braces.
fn word(name: &str, value: &str) -> String {
    match value.contains(is_separator) {
        true => format!("{{ {name} = {value} }}"),
        false => format!("{name}={value}"),
    }
}

/// The words of a value, separated by blanks and commas; from 3.10 on one may
/// be `{ name = value }`, with blanks in it.
fn words(text: &str, braces: bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_separator);
    while !rest.is_empty() {
        let inside = rest.strip_prefix('{').filter(|_| braces);
        let (word, after) = match inside.and_then(|inside| inside.split_once('}')) {
            Some((word, after)) => (word.trim(), after),
            None => rest.split_at(rest.find(is_separator).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start_matches(is_separator);
    }
    words
}
