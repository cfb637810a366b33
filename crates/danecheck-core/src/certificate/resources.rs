//! Addresses and autonomous systems of a certificate (RFC 3779): OpenSSL wants
//! those of a leaf to lie within those of each issuer (`v3_addr.c`,
//! `v3_asid.c`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::ber::{self, Contents, Decoded, Inside, Kind, Tag, Undecodable};
use super::extensions::Extension;
use super::failure::{VerificationError as E, VerificationFailure};
use super::known::Account;
use super::x509::Certificate;
use crate::work::WorkUsedUp;

/// A part of the extension, in the order in which they come.
enum Part<'a> {
    /// A family of addresses begins, or a kind of numbers.
    Family(Contents<'a>),
    /// What the issuer has.
    Inherit,
    /// A list begins.
    List,
    /// One prefix, or one number.
    Single(Contents<'a>),
    /// A range of them.
    Range(Contents<'a>, Contents<'a>),
}

/// ipAddrBlocks: `take` gets each part.
fn address_blocks<'a>(value: &'a [u8], take: &mut dyn FnMut(Part<'a>)) -> Result<(), Undecodable> {
    ber::list(&mut { value }, Tag::SEQUENCE, false, |input| {
        ber::sequence(input, Tag::SEQUENCE, false, |family| {
            let key = family.field(|input, optional| {
                ber::primitive(input, Tag::OCTET_STRING, Kind::Text, optional)
            })?;
            take(Part::Family(key));
            family.field(|input, _| choice(input, take, prefix).map(Some))
        })
        .map(|_| ())
    })?;
    Ok(())
}

/// autonomousSysIds: `take` gets each part, numbers of routing domains after
/// those of systems.
fn as_numbers<'a>(mut value: &'a [u8], take: &mut dyn FnMut(Part<'a>)) -> Result<(), Undecodable> {
    ber::sequence(&mut value, Tag::SEQUENCE, false, |inside| {
        for (place, key) in [(0, AS_NUMBERS), (1, ROUTING_DOMAINS)] {
            inside.optional(place == 1, |input, optional| {
                ber::explicit(input, Tag::context(place), optional, |input| {
                    take(Part::Family(Cow::Borrowed(key)));
                    choice(input, take, number)
                })
            })?;
        }
        Ok(())
    })?;
    Ok(())
}

const AS_NUMBERS: &[u8] = &[0];
const ROUTING_DOMAINS: &[u8] = &[1];

/// Whether the value of such an extension decodes.
pub(super) fn decode(extension: Extension, value: &[u8]) -> Result<(), Undecodable> {
    each(extension, value, &mut |_| {})
}

fn each<'a>(
    extension: Extension,
    value: &'a [u8],
    take: &mut dyn FnMut(Part<'a>),
) -> Result<(), Undecodable> {
    match extension {
        Extension::IpAddrBlocks => address_blocks(value, take),
        _ => as_numbers(value, take),
    }
}

fn prefix<'a>(input: &mut &'a [u8], optional: bool) -> Decoded<Contents<'a>> {
    ber::primitive(input, Tag::BIT_STRING, Kind::BitString, optional)
}

fn number<'a>(input: &mut &'a [u8], optional: bool) -> Decoded<Contents<'a>> {
    ber::primitive(input, Tag::INTEGER, Kind::Integer, optional)
}

/// What reads one prefix, or one number.
type Read<'a> = fn(&mut &'a [u8], bool) -> Decoded<Contents<'a>>;

/// Inherited, or a list of single ones and ranges.
fn choice<'a>(
    input: &mut &'a [u8],
    take: &mut dyn FnMut(Part<'a>),
    single: Read<'a>,
) -> Result<(), Undecodable> {
    if ber::primitive(input, Tag::NULL, Kind::Null, true)?.is_some() {
        take(Part::Inherit);
        return Ok(());
    }
    take(Part::List);
    ber::list(input, Tag::SEQUENCE, false, |input| {
        if let Some(one) = single(input, true)? {
            take(Part::Single(one));
            return Ok(());
        }
        let range = |inside: &mut Inside<'a>| Ok((inside.field(single)?, inside.field(single)?));
        let (low, high) = ber::sequence(input, Tag::SEQUENCE, false, range)?.ok_or(Undecodable)?;
        take(Part::Range(low, high));
        Ok(())
    })?;
    Ok(())
}

/// What a list has of one family.
#[derive(Clone, Debug)]
enum Choice {
    Inherit,
    List(Vec<Span>),
}

/// One or more in a row: the lowest and the highest, as octets that compare as
/// they do; nothing where OpenSSL has no room for the address.
#[derive(Clone, Debug)]
struct Span {
    ends: Option<(Vec<u8>, Vec<u8>)>,
    is_range: bool,
}

/// The families of a certificate in their order.
type Families = Vec<(Vec<u8>, Choice)>;

/// What `certificate` has in such an extension, if it is there.
fn families(
    extension: Extension,
    certificate: &Certificate,
    account: &Account<'_>,
) -> Result<Option<Families>, WorkUsedUp> {
    let Some(value) = certificate.resources(extension) else {
        return Ok(None);
    };
    // No part takes less than two octets.
    account.comparisons(value.len() / 2)?;
    let mut families: Families = Vec::new();
    let span = |family: &[u8], low: &[u8], high: &[u8], is_range| Span {
        ends: match extension {
            Extension::IpAddrBlocks => {
                let width = address_length(family);
                expand(low, width, 0).zip(expand(high, width, 0xff))
            }
            _ => Some((comparable(low), comparable(high))),
        },
        is_range,
    };
    let decoded = each(extension, value, &mut |part| {
        let (low, high) = match &part {
            Part::Family(key) => {
                families.push((key.to_vec(), Choice::Inherit));
                return;
            }
            Part::Inherit => return,
            Part::List => {
                if let Some((_, choice)) = families.last_mut() {
                    *choice = Choice::List(Vec::new());
                }
                return;
            }
            Part::Single(one) => (one, one),
            Part::Range(low, high) => (low, high),
        };
        if let Some((key, Choice::List(spans))) = families.last_mut() {
            spans.push(span(key, low, high, matches!(part, Part::Range(..))));
        }
    });
    Ok(decoded.ok().map(|()| families))
}

/// `length_from_afi`.
fn address_length(family: &[u8]) -> usize {
    match family {
        [0, 1, ..] => 4,
        [0, 2, ..] => 16,
        _ => 0,
    }
}

/// `addr_expand`: the contents of a BIT STRING, filled up.
fn expand(bits: &[u8], width: usize, fill: u8) -> Option<Vec<u8>> {
    let (unused, octets) = bits.split_first()?;
    if octets.len() > width {
        return None;
    }
    let mut address = octets.to_vec();
    if let Some(last) = address.last_mut() {
        let mask = !(0xff_u8 << unused);
        *last = if fill == 0 {
            *last & !mask
        } else {
            *last | mask
        };
    }
    address.resize(width, fill);
    Some(address)
}

/// The contents of an INTEGER, so that octets compare as numbers do: how long
/// it is, with its sign, comes first.
fn comparable(contents: &[u8]) -> Vec<u8> {
    let is_negative = contents.first().is_some_and(|top| top & 0x80 != 0);
    // One octet more leaves room for the next number.
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX) + 1;
    let length = if is_negative {
        !length
    } else {
        length | 1 << 31
    };
    let fill = if is_negative { 0xff } else { 0 };
    let head = length.to_be_bytes();
    head.into_iter()
        .chain([fill])
        .chain(contents.iter().copied())
        .collect()
}

/// Whether nothing lies between the two: no number, or no address.
fn touches(extension: Extension, high: &[u8], low: &[u8]) -> bool {
    let step = |value: &[u8], down: bool| {
        let mut next = value.to_vec();
        for octet in next.iter_mut().rev() {
            let wrapped = *octet == if down { 0 } else { 0xff };
            *octet = if down {
                octet.wrapping_sub(1)
            } else {
                octet.wrapping_add(1)
            };
            if !wrapped {
                break;
            }
        }
        next
    };
    match extension {
        Extension::IpAddrBlocks => high >= step(low, true).as_slice(),
        _ => number_order(&step(high, false), low) != Ordering::Less,
    }
}

/// The order of two numbers as [`comparable`] has them, one of which may have
/// grown by a carry.
fn number_order(one: &[u8], other: &[u8]) -> Ordering {
    let normal = |value: &[u8]| {
        let contents = value.get(4..).unwrap_or_default();
        let mut contents = contents.to_vec();
        while let [first, second, ..] = contents[..] {
            let pads = first == 0 && second & 0x80 == 0 || first == 0xff && second & 0x80 != 0;
            if !pads {
                break;
            }
            contents.remove(0);
        }
        comparable(&contents)
    };
    normal(one).cmp(&normal(other))
}

/// `X509v3_addr_is_canonical`, `X509v3_asid_is_canonical`.
fn is_canonical(extension: Extension, families: &Families) -> bool {
    let of_addresses = extension == Extension::IpAddrBlocks;
    let has_length = |key: &[u8]| !of_addresses || matches!(key.len(), 2 | 3);
    let pairs = families.iter().zip(families.iter().skip(1));
    for ((one, _), (other, _)) in pairs {
        if of_addresses && (!has_length(one) || !has_length(other) || one >= other) {
            return false;
        }
    }
    families.iter().all(|(key, choice)| match choice {
        Choice::Inherit => true,
        Choice::List(spans) => has_length(key) && are_canonical(extension, spans),
    })
}

fn are_canonical(extension: Extension, spans: &[Span]) -> bool {
    let Some(last) = spans.last() else {
        return false;
    };
    for (one, other) in spans.iter().zip(spans.iter().skip(1)) {
        let (Some((low, high)), Some((next_low, next_high))) = (&one.ends, &other.ends) else {
            return false;
        };
        let ordered = low < next_low && low <= high && next_low <= next_high;
        if !ordered || touches(extension, high, next_low) {
            return false;
        }
        if is_prefix(extension, one) {
            return false;
        }
    }
    match &last.ends {
        _ if !last.is_range => true,
        Some((low, high)) => low <= high && !is_prefix(extension, last),
        None => false,
    }
}

/// `range_should_be_prefix`, of a range of addresses.
fn is_prefix(extension: Extension, span: &Span) -> bool {
    let Some((low, high)) = span.ends.as_ref() else {
        return false;
    };
    if extension != Extension::IpAddrBlocks || !span.is_range {
        return false;
    }
    let mut ends = low.iter().zip(high).skip_while(|(low, high)| low == high);
    let Some((low, high)) = ends.next() else {
        return true;
    };
    let differs = low ^ high;
    let whole = differs & differs.wrapping_add(1) == 0 && low & differs == 0;
    whole && ends.all(|(low, high)| *low == 0 && *high == 0xff)
}

/// `addr_contains`, `asid_contains`.
fn contains(outer: &[Span], inner: &[Span]) -> bool {
    let mut outer = outer.iter().peekable();
    for span in inner {
        let Some((low, high)) = &span.ends else {
            return false;
        };
        loop {
            let Some(around) = outer.peek() else {
                return false;
            };
            let Some((outer_low, outer_high)) = &around.ends else {
                return false;
            };
            if outer_high < high {
                outer.next();
                continue;
            }
            if outer_low > low {
                return false;
            }
            break;
        }
    }
    true
}

/// What OpenSSL objects to in the resources of a path
/// (`X509v3_asid_validate_path`, then `X509v3_addr_validate_path`).
pub(super) fn check(
    chain: &[&Certificate],
    account: &Account<'_>,
    raised: &mut Vec<VerificationFailure>,
) {
    for extension in [Extension::AutonomousSysIds, Extension::IpAddrBlocks] {
        let error = match check_one(extension, chain, account, raised) {
            Ok(None) => continue,
            // With no objection at all, that is one.
            Ok(Some(GivenUp)) if raised.is_empty() => E::Unspecified,
            Ok(Some(GivenUp)) => continue,
            Err(WorkUsedUp { .. }) => E::WorkUsedUp,
        };
        raised.push(VerificationFailure::new(error, 0));
    }
}

/// OpenSSL ends without a word (`IPAddressFamily_check_len`).
struct GivenUp;

fn check_one(
    extension: Extension,
    chain: &[&Certificate],
    account: &Account<'_>,
    raised: &mut Vec<VerificationFailure>,
) -> Result<Option<GivenUp>, WorkUsedUp> {
    let Some((leaf, issuers)) = chain.split_first() else {
        return Ok(None);
    };
    let Some(child) = families(extension, leaf, account)? else {
        return Ok(None);
    };
    let mut object = |error, depth| raised.push(VerificationFailure::new(error, depth));
    if !is_canonical(extension, &child) {
        object(E::ResourcesMalformed, 0);
    }
    let of_addresses = extension == Extension::IpAddrBlocks;
    let has_length = |key: &[u8]| !of_addresses || matches!(key.len(), 2 | 3);
    let mut top = Some(child.clone());
    let mut child = child;
    if !of_addresses {
        // Numbers that the leaf has none of count from the first that has.
        for key in [AS_NUMBERS, ROUTING_DOMAINS] {
            if child.iter().all(|(own, _)| own != key) {
                child.push((key.to_vec(), Choice::Inherit));
            }
        }
    }
    for (issuer, depth) in issuers.iter().zip(1..) {
        top = families(extension, issuer, account)?;
        let Some(parent) = &top else {
            for (key, choice) in &child {
                if !has_length(key) {
                    return Ok(Some(GivenUp));
                }
                if matches!(choice, Choice::List(_)) {
                    object(E::ResourcesNotContained, depth);
                    break;
                }
            }
            continue;
        };
        if !is_canonical(extension, parent) {
            object(E::ResourcesMalformed, depth);
        }
        let parents: BTreeMap<&[u8], &Choice> = parent
            .iter()
            .map(|(key, choice)| (key.as_slice(), choice))
            .collect();
        for (key, choice) in &mut child {
            let around = parents.get(key.as_slice());
            match (&*choice, around) {
                (Choice::List(_), None) => {
                    object(E::ResourcesNotContained, depth);
                    if of_addresses {
                        break;
                    }
                    // Of numbers that no issuer has, no more is said.
                    *choice = Choice::Inherit;
                }
                (Choice::Inherit, None) => {}
                (_, Some(_)) if !has_length(key) => {
                    return Ok(Some(GivenUp));
                }
                (_, Some(Choice::Inherit)) => {}
                (Choice::Inherit, Some(around)) => *choice = (*around).clone(),
                (Choice::List(inner), Some(Choice::List(outer))) => {
                    if contains(outer, inner) {
                        *choice = Choice::List(outer.clone());
                    } else {
                        object(E::ResourcesNotContained, depth);
                    }
                }
            }
        }
    }
    // What ends the path has nothing to inherit from.
    for (key, choice) in top.iter().flatten() {
        if !has_length(key) {
            return Ok(Some(GivenUp));
        }
        let is_asked = !of_addresses || child.iter().any(|(own, _)| own == key);
        if matches!(choice, Choice::Inherit) && is_asked {
            object(E::ResourcesNotContained, chain.len());
        }
    }
    Ok(None)
}
