//! From the text of the file to its data: unknown keys are errors, and every
//! error names its line.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, Terms};
use danecheck_core::next_hop::{NextHop, NextHopHost};
use danecheck_core::report::FailOn;
use danecheck_core::text::nearest;

/// The keys of each table.
const TOP: &[&str] = &["defaults", "domain"];
const DEFAULTS: &[&str] = &["require-dane", "warn-days", "fail-on", "skip-hosts"];
const DOMAIN: &[&str] = &[
    "name",
    "require-dane",
    "warn-days",
    "fail-on",
    "skip-hosts",
    "expected-mx",
];

/// Ten years.
const MOST_DAYS: u32 = 3650;

/// What is wrong with the file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct ConfigError {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// One sentence.
    pub what: String,
}

/// The text and its name, for errors.
struct Source<'t> {
    file: &'t str,
    text: &'t str,
}

type Table<'t> = DeTable<'t>;
type Value<'t> = Spanned<DeValue<'t>>;

pub(super) fn read(file: &str, text: &str) -> Result<Config, ConfigError> {
    let source = Source { file, text };
    let table = DeTable::parse(text)
        .map_err(|error| source.error(error.span().unwrap_or_default(), error.message()))?;
    let table = table.get_ref();
    source.known(table, TOP, "")?;
    let mut config = Config::default();
    if let Some(value) = table.get("defaults") {
        let defaults = source.table(value, "[defaults]")?;
        source.known(defaults, DEFAULTS, " in [defaults]")?;
        source.terms(defaults, &mut config.defaults)?;
    }
    let Some(value) = table.get("domain") else {
        return Ok(config);
    };
    let list = value.get_ref().as_array().ok_or_else(|| {
        source.error(
            value.span(),
            "write `[[domain]]`, in two brackets, for each domain",
        )
    })?;
    // Lines are counted only for an error, because counting takes as long as
    // the file.
    let mut places: HashMap<NextHop, Range<usize>> = HashMap::new();
    for value in list {
        let (name, terms) = source.domain(value, &config.defaults)?;
        if let Some(first) = places.insert(name.clone(), value.span()) {
            let first = source.line(&first);
            let what = format!("{name} already has an entry, in line {first}");
            return Err(source.error(value.span(), what));
        }
        config.domains.push(name.clone());
        config.terms.insert(name, terms);
    }
    Ok(config)
}

impl Source<'_> {
    fn domain(&self, value: &Value<'_>, defaults: &Terms) -> Result<(NextHop, Terms), ConfigError> {
        let table = self.table(value, "[[domain]]")?;
        self.known(table, DOMAIN, " in [[domain]]")?;
        let name = table
            .get("name")
            .ok_or_else(|| self.error(value.span(), "a [[domain]] needs a `name`"))?;
        let text = self.string(name, "name")?;
        let target: NextHop =
            text.parse()
                .map_err(|error: danecheck_core::next_hop::NextHopError| {
                    self.error(name.span(), error.to_string())
                })?;
        let mut terms = defaults.clone();
        self.terms(table, &mut terms)?;
        if let Some(value) = table.get("expected-mx") {
            let hosts = self.hosts(value, "expected-mx")?;
            if target.bracketed {
                let what = format!("{target} has no MX records to expect");
                return Err(self.error(value.span(), what));
            }
            if hosts.is_empty() {
                let what = "name the MX hosts in `expected-mx`, or leave it out";
                return Err(self.error(value.span(), what));
            }
            terms.expected_mx = Some(hosts);
        }
        Ok((target, terms))
    }

    /// What a domain and the defaults have in common.
    fn terms(&self, table: &Table<'_>, terms: &mut Terms) -> Result<(), ConfigError> {
        if let Some(value) = table.get("require-dane") {
            terms.require_dane = value
                .get_ref()
                .as_bool()
                .ok_or_else(|| self.wrong(value, "require-dane", "true or false"))?;
        }
        if let Some(value) = table.get("warn-days") {
            let days = value.get_ref().as_integer().and_then(|number| {
                let digits = number.as_str().replace('_', "");
                u32::from_str_radix(&digits, number.radix()).ok()
            });
            let days = days.filter(|days| *days <= MOST_DAYS).ok_or_else(|| {
                let takes = format!("a whole number of days from 0 to {MOST_DAYS}");
                self.wrong(value, "warn-days", &takes)
            })?;
            terms.warn_days = Some(days);
        }
        if let Some(value) = table.get("fail-on") {
            let text = value.get_ref().as_str().unwrap_or_default();
            terms.fail_on = FailOn::ALL
                .into_iter()
                .find(|fail_on| fail_on.as_str() == text)
                .ok_or_else(|| {
                    self.wrong(value, "fail-on", "\"warning\", \"error\" or \"never\"")
                })?;
        }
        if let Some(value) = table.get("skip-hosts") {
            terms.skip_hosts = self.hosts(value, "skip-hosts")?;
        }
        Ok(())
    }

    /// A list of host names, each in the form that lookups use.
    fn hosts(&self, value: &Value<'_>, key: &str) -> Result<Arc<[String]>, ConfigError> {
        let list = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong(value, key, "a list of host names"))?;
        list.iter()
            .map(|value| {
                let text = self.string(value, key)?;
                match text.parse() {
                    Ok(NextHop {
                        host: NextHopHost::Name(name),
                        bracketed: false,
                        written_port: None,
                        ..
                    }) => Ok(name),
                    _ => {
                        let what = format!("`{text}` in `{key}` is not a host name");
                        Err(self.error(value.span(), what))
                    }
                }
            })
            .collect()
    }

    fn table<'v, 't>(
        &self,
        value: &'v Value<'t>,
        name: &str,
    ) -> Result<&'v Table<'t>, ConfigError> {
        let what = format!("{name} has to be a table");
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.error(value.span(), what))
    }

    fn string<'v>(&self, value: &'v Value<'_>, key: &str) -> Result<&'v str, ConfigError> {
        let text = value.get_ref().as_str();
        text.ok_or_else(|| self.wrong(value, key, "text in quotes"))
    }

    /// Whether all keys are known.
    fn known(&self, table: &Table<'_>, known: &[&str], place: &str) -> Result<(), ConfigError> {
        let unknown = table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|key| key.span().start);
        let Some(key) = unknown else {
            return Ok(());
        };
        let name = key.get_ref();
        let what = match nearest(name, known.iter().copied()) {
            Some("domain") => format!("unknown key `{name}`{place}: did you mean `[[domain]]`?"),
            Some(near) => format!("unknown key `{name}`{place}: did you mean `{near}`?"),
            None => {
                let all = known.join("`, `");
                format!("unknown key `{name}`{place}: the keys are `{all}`")
            }
        };
        Err(self.error(key.span(), what))
    }

    fn wrong(&self, value: &Value<'_>, key: &str, takes: &str) -> ConfigError {
        self.error(value.span(), format!("`{key}` takes {takes}"))
    }

    fn error(&self, at: Range<usize>, what: impl Into<String>) -> ConfigError {
        ConfigError {
            file: self.file.to_owned(),
            line: self.line(&at),
            what: what.into(),
        }
    }

    fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(at.start);
        before.filter(|byte| **byte == b'\n').count() + 1
    }
}
