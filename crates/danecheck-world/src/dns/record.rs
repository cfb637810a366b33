//! RRsets, and reading them from zone file text.

use bytes::Bytes;
use domain::base::iana::{Class, Rtype};
use domain::base::name::FlattenInto;
use domain::base::rdata::{ComposeRecordData, RecordData, UnknownRecordData};
use domain::base::{Name, ToName, Ttl};
use domain::rdata::ZoneRecordData;
use domain::zonefile::inplace::{Entry as ZonefileEntry, Zonefile};

use super::error::WorldError;

/// An owner name, or any other absolute domain name.
pub(super) type Owner = Name<Bytes>;

/// Record data of any type.
pub(super) type Data = ZoneRecordData<Bytes, Owner>;

/// The TTL of every record of the world.
pub(super) const TTL: Ttl = Ttl::from_secs(300);

/// The records of one type at one owner (RFC 2181 section 5).
#[derive(Clone, Debug)]
pub(crate) struct RrSet {
    pub(super) owner: Owner,
    pub(super) rtype: Rtype,
    pub(super) ttl: Ttl,
    pub(super) data: Vec<Data>,
}

impl RrSet {
    pub(super) fn new(owner: Owner, rtype: Rtype, data: Vec<Data>) -> Self {
        Self {
            owner,
            rtype,
            ttl: TTL,
            data,
        }
    }
}

/// Reads an absolute name; the trailing dot may be left out.
pub(super) fn parse_name(text: &str) -> Result<Owner, WorldError> {
    text.parse::<Owner>().map_err(|error| WorldError::Name {
        text: text.to_owned(),
        reason: error.to_string(),
    })
}

/// Reads a name that is relative to `origin` unless it ends in a dot
/// (RFC 1035 section 5.1).
pub(super) fn parse_name_in(text: &str, origin: &Owner) -> Result<Owner, WorldError> {
    if text == "@" {
        Ok(origin.clone())
    } else if text.ends_with('.') {
        parse_name(text)
    } else if origin.is_root() {
        parse_name(&format!("{text}."))
    } else {
        parse_name(&format!("{text}.{origin}."))
    }
}

/// Reads zone file text (RFC 1035 section 5) whose origin is `origin`.
pub(super) fn parse_records(
    origin: &Owner,
    text: &str,
) -> Result<Vec<(Owner, Ttl, Data)>, WorldError> {
    let failed = |reason: String| WorldError::Records {
        zone: origin.to_string(),
        reason,
    };
    let text = format!("$TTL {}\n{text}\n", TTL.as_secs());
    let mut file = Zonefile::from(text.as_str());
    file.set_origin(origin.clone());
    file.set_default_class(Class::IN);
    let mut records = Vec::new();
    while let Some(entry) = file
        .next_entry()
        .map_err(|error| failed(error.to_string()))?
    {
        let ZonefileEntry::Record(record) = entry else {
            return Err(failed("$INCLUDE is not followed".to_owned()));
        };
        let owner: Owner = record.owner().to_name();
        let ttl = record.ttl();
        let data: Data = record
            .into_data()
            .try_flatten_into()
            .map_err(|_| failed(format!("{owner}: record too long")))?;
        records.push((owner, ttl, opaque_tlsa(data)));
    }
    Ok(records)
}

/// Record data as bytes, so that it may violate the rules of its type.
pub(super) fn raw_data(rtype: Rtype, bytes: &[u8]) -> Result<Data, WorldError> {
    UnknownRecordData::from_octets(rtype, Bytes::copy_from_slice(bytes))
        .map(ZoneRecordData::Unknown)
        .map_err(|error| WorldError::Records {
            zone: rtype.to_string(),
            reason: error.to_string(),
        })
}

/// TLSA data as bytes: well-formed and malformed records of one RRset have
/// to sort by the same rule (RFC 4034 section 6.3) to be signed together.
fn opaque_tlsa(data: Data) -> Data {
    if data.rtype() != Rtype::TLSA {
        return data;
    }
    let mut bytes = Vec::new();
    // Appending to a vector does not fail.
    let Ok(()) = data.compose_rdata(&mut bytes);
    raw_data(Rtype::TLSA, &bytes).unwrap_or(data)
}
