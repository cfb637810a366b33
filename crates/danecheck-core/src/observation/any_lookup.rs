//! A lookup of any type: everything that is known of it except the data.

use std::fmt::Debug;
use std::net::IpAddr;

use crate::dnssec::{OwnValidation, SecurityStatus};
use crate::observation::lookup::{
    Answer, ExtendedError, FailureKind, Lookup, MxRecord, RecordSet, RecordType,
};
use crate::observation::name_server::AuthoritySeen;
use crate::tlsa::TlsaRecord;

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
    /// The records, whatever their type.
    data: &'a dyn Data,
}

/// A record as zone files have it (RFC 1035 section 5.1), in lower case.
pub trait InZoneFile {
    /// Its data alone.
    fn in_zone_file(&self) -> String;
}

impl InZoneFile for IpAddr {
    fn in_zone_file(&self) -> String {
        self.to_string()
    }
}

impl InZoneFile for MxRecord {
    fn in_zone_file(&self) -> String {
        format!("{} {}.", self.preference, self.host)
    }
}

impl InZoneFile for TlsaRecord {
    fn in_zone_file(&self) -> String {
        self.to_string()
    }
}

/// The target of an alias.
impl InZoneFile for String {
    fn in_zone_file(&self) -> String {
        format!("{self}.")
    }
}

/// The data of a lookup of any type.
trait Data: Debug {
    /// The records, sorted; none if they are denied, `None` if the lookup
    /// failed.
    fn records(&self) -> Option<Vec<String>>;
    /// The name at the end of the aliases.
    fn end(&self) -> &str;
    /// The TTL that the zone gives the records, as far as it is known.
    fn ttl(&self) -> Option<u32>;
}

impl<T: InZoneFile + Debug> Lookup<T> {
    fn set(&self) -> Option<&RecordSet<T>> {
        match &self.answer {
            Answer::Records(set) => Some(set.open().regardless()),
            Answer::Denied(_) | Answer::Failed(_) => None,
        }
    }
}

impl<T: InZoneFile + Debug> Data for Lookup<T> {
    fn records(&self) -> Option<Vec<String>> {
        if matches!(self.answer, Answer::Failed(_)) {
            return None;
        }
        let records = self.set().into_iter().flat_map(|set| &set.records);
        let mut texts: Vec<String> = records.map(T::in_zone_file).collect();
        texts.sort();
        Some(texts)
    }

    fn end(&self) -> &str {
        let end = self.set().and_then(|set| set.aliases.last());
        end.unwrap_or(&self.name)
    }

    fn ttl(&self) -> Option<u32> {
        let set = self.set()?;
        Some(set.original_ttl.unwrap_or(set.ttl))
    }
}

impl<'a> AnyLookup<'a> {
    /// The name and the type.
    pub fn what(&self) -> String {
        format!("{} {}", self.name, self.record_type)
    }

    /// Whether danecheck's own validation found it bogus.
    pub fn is_bogus(&self) -> bool {
        self.own.is_some_and(OwnValidation::is_bogus)
    }

    /// The records as zone files have them, sorted; none if they are denied,
    /// `None` if the lookup failed.
    pub fn records(&self) -> Option<Vec<String>> {
        self.data.records()
    }

    /// The TTL that the zone gives the records, in seconds; what is left of it
    /// if only that is known.
    pub fn ttl(&self) -> Option<u32> {
        self.data.ttl()
    }

    /// What the name servers answer directly, if they were asked for what the
    /// resolver's answer ends with.
    pub fn authority_at_end(&self) -> Option<&'a AuthoritySeen> {
        let end = self.data.end();
        let seen = self.authority?;
        (seen.name.strip_suffix('.') == Some(end)).then_some(seen)
    }
}

impl<'a, T: InZoneFile + Debug> From<&'a Lookup<T>> for AnyLookup<'a> {
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
            data: lookup,
        }
    }
}
