//! What a TLSA record that matches nothing was made of.

use std::net::IpAddr;

use super::authorities::KnownAuthority;
use super::object::Object;
use crate::tlsa::TlsaRecord;

/// What a record that matches nothing was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The digest of no input at all.
    Nothing,
    /// Something in this very chain, under other fields than the record has.
    OtherFields {
        /// Of what it is, 0 for the server's own certificate.
        depth: usize,
        /// What of it.
        object: Object,
        /// Whose it is.
        name: String,
        /// The record as it should be written.
        right: TlsaRecord,
    },
    /// The digest of something in this chain in the form of text.
    Text {
        /// The text, `the PEM text`.
        form: &'static str,
        /// What the text stands for.
        object: Object,
        /// The record as it should be written.
        right: TlsaRecord,
    },
    /// What the same address shows to those who name no host.
    WithoutSni(Object),
    /// What another address or host of the domain shows.
    OtherServer {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
        /// What of it.
        object: Object,
    },
    /// An authority that many records name.
    Authority(&'static KnownAuthority, Object),
    /// A root.
    Root {
        /// Its name.
        name: String,
        /// What of it.
        object: Object,
        /// Whether the chain leads to it, and it was only not sent.
        of_this_chain: bool,
    },
}

impl Origin {
    /// What it is, after "it is".
    pub fn words(&self) -> String {
        match self {
            Self::Nothing => "the digest of an empty input".to_owned(),
            Self::OtherFields {
                depth,
                object,
                name,
                right,
            } => {
                let object = object.words();
                let whose = match depth {
                    0 => format!("the server's own {object}"),
                    _ => format!("the {object} of {name}, an authority in the chain"),
                };
                format!("{whose}, which would match as {}", fields(right))
            }
            Self::Text {
                form,
                object,
                right,
            } => format!(
                "the digest of {form} of the server's {}; a record needs the binary form (DER), \
                 which gives {right}",
                object.words()
            ),
            Self::WithoutSni(object) => format!(
                "the {} that this server shows to clients that name no host in TLS",
                object.words()
            ),
            Self::OtherServer {
                host,
                address,
                object,
            } => format!("the {} that {host} [{address}] shows", object.words()),
            Self::Authority(known, Object::Key) => format!("the key of {}", known.words()),
            Self::Authority(known, Object::Certificate) => {
                format!("a certificate of {}", known.words())
            }
            Self::Root {
                name,
                object,
                of_this_chain,
            } => format!(
                "the {} of {name}, {}",
                object.words(),
                if *of_this_chain {
                    "the root of this chain, which the server does not send"
                } else {
                    "a root that this chain does not lead to"
                }
            ),
        }
    }
}

/// The three fields of a record.
fn fields(record: &TlsaRecord) -> String {
    let fields: Vec<String> = record.rdata().iter().take(3).map(u8::to_string).collect();
    fields.join(" ")
}
