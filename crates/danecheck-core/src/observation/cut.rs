//! What a budget cut off of one check.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::observation::lookup::RecordType;

/// What was cut off, where, and by which bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Cut {
    /// There are more MX hosts than are checked.
    MxHosts {
        /// How many there are.
        found: usize,
        /// How many are checked.
        bound: usize,
    },
    /// A host has more addresses of one family than are connected to.
    Addresses {
        /// The MX host.
        host: String,
        /// `A` or `AAAA`.
        record_type: RecordType,
        /// How many there are.
        found: usize,
        /// How many are connected to.
        bound: usize,
    },
    /// A record set has more records than Postfix takes
    /// (`dns_rr_list_limit`).
    Records {
        /// The name that was asked for.
        name: String,
        /// The type that was asked for.
        record_type: RecordType,
        /// How many are taken.
        bound: usize,
    },
    /// A lookup led through more aliases than are kept.
    Aliases {
        /// The name that was asked for.
        name: String,
        /// How many are kept.
        bound: usize,
    },
    /// The DNS answers are together larger than may be kept.
    Answers {
        /// How many bytes are kept.
        bound: usize,
    },
    /// The mail servers sent more than may be kept.
    Sessions {
        /// How many bytes are kept.
        bound: usize,
    },
    /// A server sent a longer reply than Postfix reads (`smtp_chat_resp`).
    Reply {
        /// The server's address.
        address: IpAddr,
    },
    /// A server sent a longer chain than is kept.
    Certificates {
        /// The server's address.
        address: IpAddr,
        /// How many certificates are missing at its end.
        left_out: usize,
    },
    /// A session that Postfix may continue: the server sent more than is read,
    /// or TLS that this program does not take.
    Session {
        /// The server's address.
        address: IpAddr,
    },
    /// Its owner does not want it to be connected to (`survey hosts
    /// --opt-out`).
    OptedOut {
        /// The server's address.
        address: IpAddr,
    },
    /// The MTA-STS policy did not come in time.
    Policy {
        /// The policy host.
        host: String,
    },
    /// Name servers were not asked about all lookups.
    AuthorityLookups {
        /// About how many lookups they are asked.
        bound: usize,
        /// How many more there are.
        left_out: usize,
    },
    /// Name servers were not asked all questions.
    AuthorityQueries {
        /// How many questions they are asked.
        bound: usize,
        /// How many more there are.
        left_out: usize,
    },
    /// Signatures were not checked, because that takes too much work.
    Signatures {
        /// Some of their record sets, each as owner and type.
        record_sets: Vec<String>,
        /// Whether there are others.
        has_others: bool,
    },
    /// Time was up before these had answered.
    Time {
        /// Some of them: an address, or a name and a type.
        missing: Vec<String>,
        /// How many others there are.
        others: usize,
    },
    /// A sentence, as format 1 of saved observations has them.
    #[serde(untagged)]
    Other(String),
}

/// How many of those that were late are named.
const NAMED: usize = 3;

impl Cut {
    /// What was late, the first ones by name, and how many others besides;
    /// `None` if nothing was.
    pub fn time(late: BTreeSet<String>, others: usize) -> Option<Self> {
        (!late.is_empty()).then(|| Self::Time {
            others: others + late.len().saturating_sub(NAMED),
            missing: late.into_iter().take(NAMED).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_again() {
        for (cut, saved) in [
            (
                Cut::Records {
                    name: "example.com".to_owned(),
                    record_type: RecordType::Mx,
                    bound: 100,
                },
                r#"{"records":{"name":"example.com","record_type":"MX","bound":100}}"#,
            ),
            (
                Cut::Reply {
                    address: "192.0.2.1".parse().unwrap(),
                },
                r#"{"reply":{"address":"192.0.2.1"}}"#,
            ),
            (
                Cut::Other("Something was cut.".to_owned()),
                r#""Something was cut.""#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&cut).unwrap(), saved);
            assert_eq!(serde_json::from_str::<Cut>(saved).unwrap(), cut);
        }
        for unknown in [r#"{"patience":{"bound":1}}"#, r#"{"answers":{}}"#, "1"] {
            assert!(serde_json::from_str::<Cut>(unknown).is_err(), "{unknown}");
        }
    }
}
