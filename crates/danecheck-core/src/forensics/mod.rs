//! What a TLSA record that matches nothing *is*: most are digests of something,
//! which shows what happened.

mod authorities;
mod object;
mod origin;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use base64::Engine as _;

use crate::certificate::{Certificate, Presented};
use crate::tlsa::{CertificateUsage, MatchingType, TlsaRecord, hex};

pub(crate) use authorities::is_public_root;
pub use authorities::{KNOWN, KnownAuthority, Role};
pub use object::Object;
pub(crate) use object::sha256;
use object::{OBJECTS, forms};
pub use origin::Origin;

/// Certificates of a chain that are compared in every form; no honest chain is
/// longer.
const CERTIFICATES: usize = 10;

/// Bytes of the longest certificate whose text forms are compared; no honest
/// one is longer, and it takes twenty digests.
const LONGEST_TEXT: usize = 8 * 1024;

/// Shorter data cannot be the digest of a TLSA record.
const SHORTEST: usize = 32;

/// What one server showed in one session.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The host, as the MX record has it.
    pub host: &'a str,
    /// The address.
    pub address: IpAddr,
    /// The server name that danecheck sent in TLS.
    pub sni: Option<&'a str>,
    /// The certificates, the leaf first.
    pub chain: &'a [Presented],
}

/// All that was seen, in every form in which somebody may have published it.
pub(crate) struct Surroundings<'a> {
    shown: Vec<Shown<'a>>,
    /// Where a digest or a whole object was seen.
    places: HashMap<&'a [u8], Vec<(usize, Object)>>,
    roots: &'a [Certificate],
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(shown: Vec<Shown<'a>>, roots: &'a [Certificate]) -> Self {
        let mut places: HashMap<&'a [u8], Vec<(usize, Object)>> = HashMap::new();
        for (number, one) in shown.iter().enumerate() {
            for certificate in readable(one.chain) {
                for object in OBJECTS {
                    for (_, data) in object.forms(certificate) {
                        places.entry(data).or_default().push((number, object));
                    }
                }
            }
        }
        Self {
            shown,
            places,
            roots,
        }
    }

    /// The origin of each of these records, which match nothing in `own`.
    pub(crate) fn origins<'r>(
        &self,
        records: impl IntoIterator<Item = &'r TlsaRecord>,
        own: &Shown<'_>,
    ) -> Vec<Option<Origin>> {
        let own_forms = own_forms(own.chain);
        records
            .into_iter()
            .map(|record| self.origin(record.data(), own, &own_forms))
            .collect()
    }

    fn origin(
        &self,
        data: &[u8],
        own: &Shown<'_>,
        own_forms: &HashMap<Cow<'_, [u8]>, Origin>,
    ) -> Option<Origin> {
        if data.len() < SHORTEST {
            return None;
        }
        if is_digest_of_nothing(data) {
            return Some(Origin::Nothing);
        }
        own_forms
            .get(data)
            .cloned()
            .or_else(|| self.elsewhere(data, own))
            .or_else(|| self.authority(data, own.chain))
    }

    fn elsewhere(&self, data: &[u8], own: &Shown<'_>) -> Option<Origin> {
        let places = self.places.get(data)?;
        let seen = |(number, object): &(usize, Object)| Some((self.shown.get(*number)?, *object));
        let without_sni = places
            .iter()
            .filter_map(seen)
            .find(|(one, _)| one.host == own.host && one.address == own.address);
        if let Some((_, object)) = without_sni {
            return Some(Origin::WithoutSni(object));
        }
        let (other, object) = places.iter().find_map(seen)?;
        Some(Origin::OtherServer {
            host: other.host.to_owned(),
            address: other.address,
            object,
        })
    }

    fn authority(&self, data: &[u8], chain: &[Presented]) -> Option<Origin> {
        let trusted = self.roots.iter().find_map(|root| {
            let object = OBJECTS
                .into_iter()
                .find(|object| object.forms(root).any(|(_, form)| form == data))?;
            Some((root, object))
        });
        if let Some((root, object)) = trusted.or_else(|| authorities::mozilla_root(data)) {
            return Some(Origin::Root {
                name: common_name(root),
                object,
                of_this_chain: readable(chain).any(|one| root.likely_issued(one)),
            });
        }
        let (known, is_key) = KnownAuthority::find(data)?;
        let object = if is_key {
            Object::Key
        } else {
            Object::Certificate
        };
        Some(Origin::Authority(known, object))
    }
}

/// Whether no certificate in use can match a record: it is the digest of an
/// empty input, or names an issuer that no longer issues certificates.
pub(crate) fn matches_nobody(record: &TlsaRecord) -> bool {
    let data = record.data();
    let retired = || {
        record.usage() == Some(CertificateUsage::DANE_TA)
            && KnownAuthority::find(data)
                .is_some_and(|(known, _)| matches!(known.role, Role::Retired(_)))
    };
    data.len() >= SHORTEST && is_digest_of_nothing(data) || retired()
}

fn is_digest_of_nothing(data: &[u8]) -> bool {
    forms(b"").iter().any(|(_, digest)| digest == data)
}

fn readable(chain: &[Presented]) -> impl Iterator<Item = &Certificate> {
    chain.iter().take(CERTIFICATES).flatten()
}

fn right(depth: usize, object: Object, mtype: MatchingType, of: &[u8]) -> Option<TlsaRecord> {
    let usage = match depth {
        0 => CertificateUsage::DANE_EE,
        _ => CertificateUsage::DANE_TA,
    };
    TlsaRecord::for_object(usage, object.selector(), mtype, of)
}

/// Every form in which somebody may have published the content of this chain.
fn own_forms(chain: &[Presented]) -> HashMap<Cow<'_, [u8]>, Origin> {
    let mut all = HashMap::new();
    let places = chain.iter().take(CERTIFICATES).enumerate();
    let readable = places.filter_map(|(depth, one)| Some((depth, one.as_ref().ok()?)));
    for (depth, certificate) in readable {
        for object in OBJECTS {
            let of = object.of(certificate);
            for (mtype, form) in object.forms(certificate) {
                let Some(right) = right(depth, object, mtype, of) else {
                    continue;
                };
                all.entry(Cow::Borrowed(form))
                    .or_insert_with(|| Origin::OtherFields {
                        depth,
                        object,
                        name: common_name(certificate),
                        right,
                    });
            }
        }
    }
    for (form, data, object, right) in texts_of_leaf(chain) {
        for (_, digest) in forms(data.as_bytes()) {
            all.entry(Cow::Owned(digest))
                .or_insert_with(|| Origin::Text {
                    form,
                    object,
                    right: right.clone(),
                });
        }
    }
    all
}

/// The text forms of the server's certificate and key, with and without a line
/// end.
fn texts_of_leaf(chain: &[Presented]) -> Vec<(&'static str, String, Object, TlsaRecord)> {
    let Some(Ok(leaf)) = chain.first() else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    for object in OBJECTS {
        let of = object.of(leaf);
        if of.len() > LONGEST_TEXT {
            continue;
        }
        let Some(right) = right(0, object, MatchingType::SHA2_256, of) else {
            continue;
        };
        let hexadecimal = hex(of);
        let base64 = base64::engine::general_purpose::STANDARD.encode(of);
        for (form, text) in [
            ("the PEM text", pem(object, &base64)),
            ("the hexadecimal text", hexadecimal.to_ascii_uppercase()),
            ("the hexadecimal text", hexadecimal),
            ("the base64 text", base64),
            // A digest of a digest.
            ("the digest", hex(&sha256(of))),
        ] {
            texts.push((form, text.clone() + "\n", object, right.clone()));
            texts.push((form, text, object, right.clone()));
        }
    }
    texts
}

fn pem(object: Object, base64: &str) -> String {
    let label = match object {
        Object::Certificate => "CERTIFICATE",
        Object::Key => "PUBLIC KEY",
    };
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = base64;
    while let Some((line, tail)) = rest.split_at_checked(64) {
        text.extend([line, "\n"]);
        rest = tail;
    }
    if !rest.is_empty() {
        text.extend([rest, "\n"]);
    }
    text + "-----END " + label + "-----"
}

/// The subject's common name, else its first host, else the whole subject.
pub(crate) fn common_name(certificate: &Certificate) -> String {
    let names = certificate.subject().common_names();
    names
        .first()
        .map(String::as_str)
        .or(certificate.dns_names().first())
        .map(str::to_owned)
        .unwrap_or_else(|| certificate.subject().to_string())
}

/// The name of the issuer of the server's certificate.
pub(crate) fn issuer_name(chain: &[Presented]) -> Option<String> {
    let leaf = chain.first()?.as_ref().ok()?;
    let issuer = leaf.issuer();
    Some(
        issuer
            .common_names()
            .first()
            .cloned()
            .unwrap_or_else(|| issuer.to_string()),
    )
}

#[cfg(test)]
mod tests;
