//! Names, as replies have them.

use bytes::Bytes;
use domain::base::{Name, Rtype};

/// A name on the wire.
pub type Owner = Name<Bytes>;

/// `example.com. MX`.
pub fn set_name(owner: &Owner, rtype: Rtype) -> String {
    format!("{} {rtype}", owner.fmt_with_dot())
}
