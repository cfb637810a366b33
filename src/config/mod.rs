//! `danecheck.toml`: the user's domains, and what is expected of each. From
//! text to data; this module does no I/O.

mod reader;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use danecheck_core::next_hop::NextHop;

pub use reader::ConfigError;
pub use terms::{Advised, Terms};

/// A file of expectations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    defaults: Terms,
    /// In the order of the file.
    domains: Vec<NextHop>,
    terms: HashMap<NextHop, Terms>,
}

impl Config {
    /// Reads a file; `name` is what errors call it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        reader::read(name, text)
    }

    /// The domains in the order of the file.
    pub fn domains(&self) -> &[NextHop] {
        &self.domains
    }

    /// The terms of a target: its own, or the defaults if the file does not
    /// name it.
    pub fn terms(&self, target: &NextHop) -> &Terms {
        self.terms.get(target).unwrap_or(&self.defaults)
    }

    /// The terms of a target that the file does not name.
    pub fn defaults(&self) -> &Terms {
        &self.defaults
    }

    /// The same with this change to all of its terms.
    #[must_use]
    pub fn with(mut self, change: impl Fn(&mut Terms)) -> Self {
        change(&mut self.defaults);
        self.terms.values_mut().for_each(change);
        self
    }
}
