//! A lookup of any type: everything that is known of it except the data.

use crate::dnssec::{OwnValidation, SecurityStatus};
use crate::observation::lookup::{Answer, ExtendedError, FailureKind, Lookup, RecordType};
use crate::observation::name_server::AuthoritySeen;

/// What is known of a lookup besides its records.
#[derive(Clone, Copy, Debug)]
pub struct AnyLookup<'a> {
    /// The name asked.
    pub name: &'a str,
    /// The type asked.
    pub record_type: RecordType,
    /// The status of the records or of the denial, or how the lookup failed.
    pub status: Result<SecurityStatus, FailureKind>,
    /// Whether signatures came with the records: only these contain the
    /// original TTL (RFC 4034 section 3.1.4).
    pub signed: bool,
    /// The result of danecheck's own validation.
    pub own: Option<&'a OwnValidation>,
    /// A reason that came with an answer.
    pub extended_error: Option<&'a ExtendedError>,
    /// What the name servers answer directly.
    pub authority: Option<&'a AuthoritySeen>,
}

impl AnyLookup<'_> {
    /// The name and the type.
    pub fn what(&self) -> String {
        format!("{} {}", self.name, self.record_type)
    }

    /// Whether danecheck's own validation found it bogus.
    pub fn is_bogus(&self) -> bool {
        self.own.is_some_and(OwnValidation::is_bogus)
    }
}

impl<'a, T> From<&'a Lookup<T>> for AnyLookup<'a> {
    fn from(lookup: &'a Lookup<T>) -> Self {
        Self {
            name: &lookup.name,
            record_type: lookup.record_type,
            status: match &lookup.answer {
                Answer::Records(records) => Ok(records.status()),
                Answer::Denied(denial) => Ok(denial.status()),
                Answer::Failed(failure) => Err(failure.kind),
            },
            signed: match &lookup.answer {
                Answer::Records(set) => set.open().regardless().original_ttl.is_some(),
                Answer::Denied(_) | Answer::Failed(_) => false,
            },
            own: lookup.own.as_ref(),
            extended_error: lookup.extended_error.as_ref(),
            authority: lookup.authority.as_ref(),
        }
    }
}
