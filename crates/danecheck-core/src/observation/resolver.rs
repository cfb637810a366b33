//! What was seen of the resolver.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The recursive resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolverSeen {
    /// `address:port` of each server that may have been asked.
    pub addresses: Vec<String>,
    /// Whether it validates.
    pub validation: ResolverValidation,
    /// Why it did not prove that, if known.
    #[serde(default)]
    pub shortcoming: Option<Shortcoming>,
    /// Why the resolver on this host was asked, if nothing names a resolver:
    /// `/etc/resolv.conf cannot be read`, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_default: Option<String>,
}

/// Why a resolver that answers does not prove that it validates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Shortcoming {
    /// It denies names that must exist: those of the root.
    DeniesTheRoot,
    /// It sends data that is bogus.
    DoesNotValidate,
    /// It withholds data that is bogus, but sets no AD bit.
    AdStripped,
    /// It sends no signatures, although the query asks for them.
    NotDnssecCapable,
}

/// Whether a resolver proved that it validates, by Postfix's own probe: the AD
/// bit on `. NS` (`dns_sec_probe`), or on any other answer of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolverValidation {
    /// Some answer carried the AD bit.
    Shown,
    /// It answered, but no answer carried the AD bit.
    NotShown,
    /// It answered nothing at all.
    NoAnswer,
}
