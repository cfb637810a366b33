//! The values of the extensions that OpenSSL reads when it builds a path
//! (`v3_purp.c:ossl_x509v3_cache_extensions`), decoded as it decodes them.

use std::borrow::Cow;

use super::ber::{self, Contents, Decoded, Inside, Kind, Tag, Undecodable};
use super::general_name::{self, GeneralName, general_name};

/// basicConstraints: the cA flag, and the contents of pathLenConstraint.
pub(super) fn basic_constraints(value: &[u8]) -> Result<(bool, Option<Contents<'_>>), Undecodable> {
    whole(value, |inside| {
        let ca = inside.optional(false, |input, optional| {
            ber::primitive(input, Tag::BOOLEAN, Kind::Boolean, optional)
        })?;
        let path_length = inside.optional(true, integer)?;
        let is_true = |flag: Contents<'_>| flag.first().is_some_and(|octet| *octet != 0);
        Ok((ca.is_some_and(is_true), path_length))
    })
}

/// proxyCertInfo.
pub(super) fn proxy_cert_info(value: &[u8]) -> Result<(), Undecodable> {
    whole(value, |inside| {
        inside.optional(false, integer)?;
        inside.field(|input, optional| {
            ber::sequence(input, Tag::SEQUENCE, optional, |policy| {
                policy.field(object)?;
                policy.optional(true, octets).map(|_| ())
            })
        })
    })
}

/// The first two octets of a BIT STRING, without the bits that are not used.
pub(super) fn bits(value: &[u8]) -> Result<[u8; 2], Undecodable> {
    let contents = ber::primitive(&mut { value }, Tag::BIT_STRING, Kind::BitString, false)?
        .ok_or(Undecodable)?;
    let (unused, octets) = contents.split_first().ok_or(Undecodable)?;
    let octet = |place: usize| {
        let octet = octets.get(place).copied().unwrap_or(0);
        if place + 1 == octets.len() {
            octet & (0xff << unused)
        } else {
            octet
        }
    };
    Ok([octet(0), octet(1)])
}

/// extendedKeyUsage: whether one of the purposes is among those.
pub(super) fn has_purpose(value: &[u8], purposes: &[&[u8]]) -> Result<bool, Undecodable> {
    let mut found = false;
    ber::list(&mut { value }, Tag::SEQUENCE, false, |input| {
        let purpose = object(input, false)?.ok_or(Undecodable)?;
        found |= purposes.contains(&purpose.as_ref());
        Ok(())
    })?;
    Ok(found)
}

/// subjectKeyIdentifier.
pub(super) fn subject_key(value: &[u8]) -> Result<Vec<u8>, Undecodable> {
    let identifier = octets(&mut { value }, false)?;
    identifier.map(Cow::into_owned).ok_or(Undecodable)
}

/// authorityKeyIdentifier.
#[derive(Default)]
pub(super) struct AuthorityKey<'a> {
    pub(super) key_identifier: Option<Contents<'a>>,
    /// The first directoryName, encoded.
    pub(super) issuer: Option<&'a [u8]>,
    pub(super) serial: Option<Contents<'a>>,
}

/// authorityKeyIdentifier.
pub(super) fn authority_key(value: &[u8]) -> Result<AuthorityKey<'_>, Undecodable> {
    whole(value, |inside| {
        let key_identifier = inside.optional(false, |input, optional| {
            ber::primitive(input, Tag::context(0), Kind::Text, optional)
        })?;
        let mut issuer = None;
        inside.optional(false, |input, optional| {
            ber::list(input, Tag::context(1), optional, |input| {
                if let GeneralName::Directory(name) = general_name(input)? {
                    issuer.get_or_insert(name);
                }
                Ok(())
            })
        })?;
        let serial = inside.optional(true, |input, optional| {
            ber::primitive(input, Tag::context(2), Kind::Integer, optional)
        })?;
        Ok(AuthorityKey {
            key_identifier,
            issuer,
            serial,
        })
    })
}

/// subjectAltName: `take` gets each name.
pub(super) fn alternative_names<'a>(
    value: &'a [u8],
    mut take: impl FnMut(GeneralName<'a>),
) -> Result<(), Undecodable> {
    ber::list(&mut { value }, Tag::SEQUENCE, false, |input| {
        take(general_name(input)?);
        Ok(())
    })?;
    Ok(())
}

/// A GeneralSubtree of nameConstraints.
pub(super) struct Subtree<'a> {
    /// Whether it is in the list of permitted ones.
    pub(super) is_permitted: bool,
    pub(super) base: GeneralName<'a>,
    /// Whether its minimum and maximum are those that RFC 5280 wants, 0 and
    /// none (`nc_minmax_valid`).
    pub(super) is_plain: bool,
}

/// nameConstraints: `take` gets each subtree.
pub(super) fn name_constraints<'a>(
    value: &'a [u8],
    mut take: impl FnMut(Subtree<'a>),
) -> Result<(), Undecodable> {
    whole(value, |inside| {
        for is_permitted in [true, false] {
            let tag = Tag::context(u32::from(!is_permitted));
            inside.optional(!is_permitted, |input, optional| {
                ber::list(input, tag, optional, |input| {
                    let (base, is_plain) = subtree(input)?;
                    take(Subtree {
                        is_permitted,
                        base,
                        is_plain,
                    });
                    Ok(())
                })
            })?;
        }
        Ok(())
    })
}

fn subtree<'a>(input: &mut &'a [u8]) -> Result<(GeneralName<'a>, bool), Undecodable> {
    let read = ber::sequence(input, Tag::SEQUENCE, false, |inside| {
        let base = inside.field(|input, _| general_name(input).map(Some))?;
        let number = |input: &mut &'a [u8], tag, optional| {
            ber::primitive(input, Tag::context(tag), Kind::Integer, optional)
        };
        let minimum = inside.optional(false, |input, optional| number(input, 0, optional))?;
        let maximum = inside.optional(true, |input, optional| number(input, 1, optional))?;
        let is_plain = maximum.is_none() && minimum.is_none_or(|minimum| *minimum == [0]);
        Ok((base, is_plain))
    })?;
    read.ok_or(Undecodable)
}

/// cRLDistributionPoints: whether each names a place or an issuer
/// (`v3_purp.c:setup_dp`).
pub(super) fn distribution_points_are_named(value: &[u8]) -> Result<bool, Undecodable> {
    let mut named = true;
    ber::list(&mut { value }, Tag::SEQUENCE, false, |input| {
        let point = ber::sequence(input, Tag::SEQUENCE, false, |inside| {
            let place = inside.optional(false, |input, optional| {
                ber::explicit(input, Tag::context(0), optional, distribution_point_name)
            })?;
            inside.optional(false, |input, optional| {
                ber::primitive(input, Tag::context(1), Kind::BitString, optional)
            })?;
            let mut has_issuer = false;
            inside.optional(true, |input, optional| {
                ber::list(input, Tag::context(2), optional, |input| {
                    has_issuer = true;
                    general_name(input).map(|_| ())
                })
            })?;
            Ok(place.is_some() || has_issuer)
        })?;
        named &= point.ok_or(Undecodable)?;
        Ok(())
    })?;
    Ok(named)
}

fn distribution_point_name(input: &mut &[u8]) -> Result<(), Undecodable> {
    let full = ber::list(input, Tag::context(0), true, |input| {
        general_name(input).map(|_| ())
    })?;
    if full.is_none() {
        ber::list(input, Tag::context(1), false, general_name::attribute)?;
    }
    Ok(())
}

/// A SEQUENCE that is the value of an extension. What follows it is not
/// looked at (`v3_lib.c:X509V3_EXT_d2i`).
fn whole<'a, T>(
    mut value: &'a [u8],
    read: impl FnOnce(&mut Inside<'a>) -> Result<T, Undecodable>,
) -> Result<T, Undecodable> {
    ber::sequence(&mut value, Tag::SEQUENCE, false, read)?.ok_or(Undecodable)
}

fn integer<'a>(input: &mut &'a [u8], optional: bool) -> Decoded<Contents<'a>> {
    ber::primitive(input, Tag::INTEGER, Kind::Integer, optional)
}

fn object<'a>(input: &mut &'a [u8], optional: bool) -> Decoded<Contents<'a>> {
    ber::primitive(input, Tag::OBJECT, Kind::Object, optional)
}

fn octets<'a>(input: &mut &'a [u8], optional: bool) -> Decoded<Contents<'a>> {
    ber::primitive(input, Tag::OCTET_STRING, Kind::Text, optional)
}
