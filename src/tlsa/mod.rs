//! TLSA records (placeholder until the module lands).
use serde::{Deserialize, Serialize};
/// Any TLSA record, whatever its content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TlsaRecord(Vec<u8>);
impl TlsaRecord {
    /// From the record data on the wire.
    pub fn from_rdata(rdata: &[u8]) -> Self {
        Self(rdata.to_vec())
    }
}
