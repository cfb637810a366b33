//! Who answers for the zone of a domain, for the letter to its postmaster.

use super::lookup::Dns;
use super::query::Raw;
use super::wire::Datum;
use danecheck_core::observation::{ContactSeen, RecordType};

/// Zones above a domain that are asked for a SOA record, the domain included.
const LEVELS: usize = 4;

/// The contact of the zone that holds a domain. A name that is not the apex of
/// a zone has no SOA record, so its parents are asked.
pub(super) async fn contact(dns: &Dns<'_>, domain: &str) -> Option<ContactSeen> {
    let mut name = domain;
    for _ in 0..LEVELS {
        let looked = dns.look_up_aside(name, RecordType::Soa).await;
        match &*looked.raw {
            Raw::Records { data, aliases, .. } if aliases.is_empty() => {
                return data.iter().find_map(|datum| match datum {
                    Datum::Name(rname) => Some(ContactSeen {
                        zone: name.to_owned(),
                        rname: rname.clone(),
                    }),
                    _ => None,
                });
            }
            Raw::Records { .. } | Raw::Denied { .. } => {}
            Raw::Failed(_) => return None,
        }
        // A top-level domain is nobody's own.
        name = name.split_once('.').map(|(_, parent)| parent)?;
        if !name.contains('.') {
            return None;
        }
    }
    None
}
