//! One lookup, in the resolver's view and in danecheck's own.

use crate::dnssec::OwnValidation;
use crate::observation::lookup::{ExtendedError, FailureKind, LookupFailure};
use crate::observation::name_server::AuthoritySeen;

/// What a lookup gave.
#[derive(Clone, Debug)]
pub struct SingleLookup {
    /// The name asked, lower case, with its final dot.
    pub name: String,
    /// The mnemonic of the type asked.
    pub rtype: String,
    /// `address:port` of the server that answered, or else of the first one.
    pub server: Option<String>,
    /// The resolver's answer.
    pub reply: Result<SingleReply, LookupFailure>,
    /// The result of danecheck's own validation.
    pub own: OwnValidation,
    /// What the name servers answer directly, if danecheck asked them.
    pub authority: Option<AuthoritySeen>,
}

impl SingleLookup {
    /// A question that could not be asked.
    pub fn unasked(name: &str, rtype: &str) -> Self {
        Self {
            name: name.to_owned(),
            rtype: rtype.to_owned(),
            server: None,
            reply: Err(LookupFailure {
                kind: FailureKind::Malformed,
                extended_error: None,
            }),
            own: OwnValidation::indeterminate("nothing was asked"),
            authority: None,
        }
    }
}

/// An answer or a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleReply {
    /// The AD bit.
    pub authentic: bool,
    /// The response code is 3.
    pub name_error: bool,
    /// A reason that came with it (RFC 8914).
    pub extended_error: Option<ExtendedError>,
    /// The records of the type asked, in presentation form.
    pub records: Vec<String>,
    /// The smallest TTL of the answer; from a cache, the remaining part of it.
    pub ttl: Option<u32>,
}
