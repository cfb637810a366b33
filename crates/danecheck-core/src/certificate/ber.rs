//! ASN.1 as OpenSSL decodes it (`tasn_dec.c`, `asn1_lib.c`): BER, with
//! indefinite lengths and strings in pieces, and strict where X.690 leaves no
//! choice. What it decodes, OpenSSL decodes, and nothing else.

use std::borrow::Cow;

/// OpenSSL cannot decode it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Undecodable;

/// What was decoded; nothing where an optional element is absent.
pub(super) type Decoded<T> = Result<Option<T>, Undecodable>;

/// The contents of an element.
pub(super) type Contents<'a> = Cow<'a, [u8]>;

/// The class and the number of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    class: u8,
    number: u32,
}

const CONTEXT: u8 = 0x80;
const CONSTRUCTED: u8 = 0x20;

impl Tag {
    pub(super) const BOOLEAN: Self = Self::universal(1);
    pub(super) const INTEGER: Self = Self::universal(2);
    pub(super) const BIT_STRING: Self = Self::universal(3);
    pub(super) const OCTET_STRING: Self = Self::universal(4);
    pub(super) const NULL: Self = Self::universal(5);
    pub(super) const OBJECT: Self = Self::universal(6);
    const ENUMERATED: Self = Self::universal(10);
    pub(super) const UTF8_STRING: Self = Self::universal(12);
    pub(super) const SEQUENCE: Self = Self::universal(16);
    pub(super) const SET: Self = Self::universal(17);
    pub(super) const UTC_TIME: Self = Self::universal(23);
    const UNIVERSAL_STRING: Self = Self::universal(28);
    const BMP_STRING: Self = Self::universal(30);

    const fn universal(number: u32) -> Self {
        Self { class: 0, number }
    }

    pub(super) const fn context(number: u32) -> Self {
        Self {
            class: CONTEXT,
            number,
        }
    }

    /// Its number, if its class is UNIVERSAL.
    pub(super) fn number_if_universal(self) -> Option<u32> {
        (self.class == 0).then_some(self.number)
    }
}

/// What stands before the contents of an element (`ASN1_get_object`).
struct Header<'a> {
    tag: Tag,
    constructed: bool,
    /// How long the contents are, unless that is indefinite.
    length: Option<usize>,
    /// All that follows the header.
    behind: &'a [u8],
}

fn header(input: &[u8]) -> Result<Header<'_>, Undecodable> {
    let (first, mut rest) = input.split_first().ok_or(Undecodable)?;
    let mut number = u32::from(first & 0x1f);
    if number == 0x1f {
        number = 0;
        loop {
            let (octet, behind) = rest.split_first().ok_or(Undecodable)?;
            rest = behind;
            number = (number << 7) | u32::from(octet & 0x7f);
            if octet & 0x80 == 0 {
                break;
            }
            if number > (i32::MAX.unsigned_abs() >> 7) {
                return Err(Undecodable);
            }
        }
    }
    let constructed = first & CONSTRUCTED != 0;
    let (length, behind) = length(rest)?;
    let fits = match length {
        Some(length) => length <= behind.len(),
        None => constructed,
    };
    if !fits {
        return Err(Undecodable);
    }
    Ok(Header {
        tag: Tag {
            class: first & 0xc0,
            number,
        },
        constructed,
        length,
        behind,
    })
}

/// `asn1_get_length`: in any number of octets; nothing if indefinite.
fn length(input: &[u8]) -> Result<(Option<usize>, &[u8]), Undecodable> {
    let (first, rest) = input.split_first().ok_or(Undecodable)?;
    match *first {
        0x80 => Ok((None, rest)),
        short @ 0..0x80 => Ok((Some(usize::from(short)), rest)),
        long => {
            let (octets, rest) = rest
                .split_at_checked(usize::from(long & 0x7f))
                .ok_or(Undecodable)?;
            // OpenSSL 3.0.19 wants something behind them; 3.0.22 does not.
            if rest.is_empty() {
                return Err(Undecodable);
            }
            let mut length = 0_usize;
            for octet in octets {
                length = length
                    .checked_mul(256)
                    .and_then(|length| length.checked_add(usize::from(*octet)))
                    .ok_or(Undecodable)?;
            }
            Ok((Some(length), rest))
        }
    }
}

/// `asn1_check_eoc`: takes an end-of-contents off, if one is next.
fn take_end(input: &mut &[u8]) -> bool {
    match input.strip_prefix(&[0, 0]) {
        Some(rest) => {
            *input = rest;
            true
        }
        None => false,
    }
}

/// The inside of a constructed element, read part by part.
pub(super) struct Inside<'a> {
    rest: &'a [u8],
    /// What follows the element, unless its length is indefinite.
    behind: Option<&'a [u8]>,
    /// Whether its end-of-contents was read.
    ended: bool,
}

impl<'a> Inside<'a> {
    /// The inside of the next element of the input. Leave it with
    /// [`Inside::leave`].
    pub(super) fn enter(input: &'a [u8], tag: Tag, optional: bool) -> Decoded<Self> {
        let header = header(input)?;
        if header.tag != tag {
            return if optional { Ok(None) } else { Err(Undecodable) };
        }
        let (rest, behind) = match header.length {
            Some(length) => {
                let (inside, behind) = header.behind.split_at_checked(length).ok_or(Undecodable)?;
                (inside, Some(behind))
            }
            None => (header.behind, None),
        };
        // A list of OpenSSL's may be of the primitive form.
        Ok(Some(Self {
            rest,
            behind,
            ended: false,
        }))
    }

    /// Whether there is a further part. An end-of-contents that is next is
    /// taken off.
    fn has_more(&mut self) -> Result<bool, Undecodable> {
        if self.ended || self.rest.is_empty() {
            return Ok(false);
        }
        if take_end(&mut self.rest) {
            if self.behind.is_some() {
                return Err(Undecodable);
            }
            self.ended = true;
            return Ok(false);
        }
        Ok(true)
    }

    /// A field of a SEQUENCE that has to be there.
    pub(super) fn field<T>(
        &mut self,
        read: impl FnOnce(&mut &'a [u8], bool) -> Decoded<T>,
    ) -> Result<T, Undecodable> {
        if !self.has_more()? {
            return Err(Undecodable);
        }
        read(&mut self.rest, false)?.ok_or(Undecodable)
    }

    /// A field of a SEQUENCE that need not be there. Whatever stands where the
    /// last field would, has to be it.
    pub(super) fn optional<T>(
        &mut self,
        is_last: bool,
        read: impl FnOnce(&mut &'a [u8], bool) -> Decoded<T>,
    ) -> Decoded<T> {
        if !self.has_more()? {
            return Ok(None);
        }
        read(&mut self.rest, !is_last)
    }

    /// What follows the element, now that all of it is read.
    pub(super) fn leave(mut self) -> Result<&'a [u8], Undecodable> {
        match self.behind {
            Some(behind) if self.rest.is_empty() => Ok(behind),
            Some(_) => Err(Undecodable),
            None if self.ended || take_end(&mut self.rest) => Ok(self.rest),
            None => Err(Undecodable),
        }
    }
}

/// A SEQUENCE, under whatever tag, whose fields `read` takes.
pub(super) fn sequence<'a, T>(
    input: &mut &'a [u8],
    tag: Tag,
    optional: bool,
    read: impl FnOnce(&mut Inside<'a>) -> Result<T, Undecodable>,
) -> Decoded<T> {
    let is_primitive = input.first().is_some_and(|first| first & CONSTRUCTED == 0);
    let Some(mut inside) = Inside::enter(input, tag, optional)? else {
        return Ok(None);
    };
    if is_primitive {
        return Err(Undecodable);
    }
    let value = read(&mut inside)?;
    *input = inside.leave()?;
    Ok(Some(value))
}

/// A SEQUENCE OF or SET OF, under whatever tag, each part of which `read`
/// takes.
pub(super) fn list<'a>(
    input: &mut &'a [u8],
    tag: Tag,
    optional: bool,
    mut read: impl FnMut(&mut &'a [u8]) -> Result<(), Undecodable>,
) -> Decoded<()> {
    let Some(mut inside) = Inside::enter(input, tag, optional)? else {
        return Ok(None);
    };
    while inside.has_more()? {
        read(&mut inside.rest)?;
    }
    // A list may not end at the end of the input, sequences may.
    if inside.behind.is_none() && !inside.ended {
        return Err(Undecodable);
    }
    *input = inside.leave()?;
    Ok(Some(()))
}

/// An element inside an EXPLICIT tag.
pub(super) fn explicit<'a, T>(
    input: &mut &'a [u8],
    tag: Tag,
    optional: bool,
    read: impl FnOnce(&mut &'a [u8]) -> Result<T, Undecodable>,
) -> Decoded<T> {
    sequence(input, tag, optional, |inside| {
        // The inner element comes first, whatever it looks like.
        read(&mut inside.rest)
    })
}

/// What the contents of an element have to be (`asn1_ex_c2i`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    BitString,
    Null,
    Object,
    /// A string of octets or of characters, whatever is in it.
    Text,
    /// Characters of two octets, or of four.
    Wide(usize),
}

impl Kind {
    /// Of an element with this tag of the class UNIVERSAL.
    fn of(tag: Tag) -> Self {
        match tag {
            Tag::BOOLEAN => Self::Boolean,
            Tag::INTEGER | Tag::ENUMERATED => Self::Integer,
            Tag::BIT_STRING => Self::BitString,
            Tag::NULL => Self::Null,
            Tag::OBJECT => Self::Object,
            Tag::BMP_STRING => Self::Wide(2),
            Tag::UNIVERSAL_STRING => Self::Wide(4),
            _ => Self::Text,
        }
    }

    fn may_be_in_pieces(self) -> bool {
        matches!(self, Self::BitString | Self::Text | Self::Wide(_))
    }

    fn check(self, contents: &[u8]) -> Result<(), Undecodable> {
        let good = match self {
            Self::Boolean => contents.len() == 1,
            Self::Null => contents.is_empty(),
            Self::Text => true,
            Self::Wide(width) => contents.len().is_multiple_of(width),
            Self::Integer => is_integer(contents),
            Self::BitString => contents.first().is_some_and(|unused| *unused <= 7),
            Self::Object => is_object(contents),
        };
        if good { Ok(()) } else { Err(Undecodable) }
    }
}

/// `c2i_ibuf`: no more octets than it takes.
fn is_integer(contents: &[u8]) -> bool {
    match contents {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => {
            second & 0x80 == 0 || contents.iter().skip(1).all(|octet| *octet == 0)
        }
        _ => true,
    }
}

/// `ossl_c2i_ASN1_OBJECT`.
fn is_object(contents: &[u8]) -> bool {
    let begins = std::iter::once(&0).chain(contents);
    contents.last().is_some_and(|last| last & 0x80 == 0)
        && begins
            .zip(contents)
            .all(|(before, octet)| *octet != 0x80 || before & 0x80 != 0)
}

/// The contents of an element that is no SEQUENCE and no SET
/// (`asn1_d2i_ex_primitive`).
pub(super) fn primitive<'a>(
    input: &mut &'a [u8],
    tag: Tag,
    kind: Kind,
    optional: bool,
) -> Decoded<Cow<'a, [u8]>> {
    let header = header(input)?;
    if header.tag != tag {
        return if optional { Ok(None) } else { Err(Undecodable) };
    }
    let (contents, behind) = if header.constructed {
        if !kind.may_be_in_pieces() {
            return Err(Undecodable);
        }
        let mut whole = Vec::new();
        let behind = collect(header.behind, header.length, 0, &mut whole)?;
        (Cow::Owned(whole), behind)
    } else {
        let length = header.length.ok_or(Undecodable)?;
        let (contents, behind) = header.behind.split_at_checked(length).ok_or(Undecodable)?;
        (Cow::Borrowed(contents), behind)
    };
    kind.check(&contents)?;
    *input = behind;
    Ok(Some(contents))
}

/// How deep the pieces of a string may be nested (`ASN1_MAX_STRING_NEST`).
const MOST_NESTED: usize = 5;

/// `asn1_collect`: the pieces of a string; gives what follows them.
fn collect<'a>(
    input: &'a [u8],
    length: Option<usize>,
    depth: usize,
    whole: &mut Vec<u8>,
) -> Result<&'a [u8], Undecodable> {
    let (mut rest, behind) = match length {
        Some(length) => {
            let (inside, behind) = input.split_at_checked(length).ok_or(Undecodable)?;
            (inside, Some(behind))
        }
        None => (input, None),
    };
    while !rest.is_empty() {
        if take_end(&mut rest) {
            return if behind.is_none() {
                Ok(rest)
            } else {
                Err(Undecodable)
            };
        }
        // Whatever its tag.
        let piece = header(rest)?;
        if piece.constructed {
            if depth >= MOST_NESTED {
                return Err(Undecodable);
            }
            rest = collect(piece.behind, piece.length, depth + 1, whole)?;
        } else {
            let length = piece.length.ok_or(Undecodable)?;
            let (contents, next) = piece.behind.split_at_checked(length).ok_or(Undecodable)?;
            whole.extend_from_slice(contents);
            rest = next;
        }
    }
    behind.ok_or(Undecodable)
}

/// An element of any kind. Gives its tag, and its contents unless it is
/// constructed by nature (`V_ASN1_ANY`).
pub(super) fn any<'a>(input: &mut &'a [u8]) -> Result<(Tag, Cow<'a, [u8]>), Undecodable> {
    let found = header(input)?;
    let tag = found.tag;
    if tag.class == 0 && tag != Tag::SEQUENCE && tag != Tag::SET {
        let contents = primitive(input, tag, Kind::of(tag), false)?;
        return contents.map(|contents| (tag, contents)).ok_or(Undecodable);
    }
    if tag.class == 0 && !found.constructed {
        return Err(Undecodable);
    }
    skip(input)?;
    Ok((tag, Cow::Borrowed(&[])))
}

/// Steps over an element without a look inside, but for the ends of indefinite
/// lengths (`asn1_find_end`).
fn skip(input: &mut &[u8]) -> Result<(), Undecodable> {
    let mut found = header(input)?;
    let mut open = 0_usize;
    loop {
        match found.length {
            Some(length) => {
                *input = found.behind.get(length..).ok_or(Undecodable)?;
            }
            None => {
                open += 1;
                *input = found.behind;
            }
        }
        while open > 0 && take_end(input) {
            open -= 1;
        }
        if open == 0 {
            return Ok(());
        }
        found = header(input)?;
    }
}

/// An element that stays encoded, under whatever tag (`ASN1_SEQUENCE` as a
/// primitive type).
pub(super) fn opaque_sequence(input: &mut &[u8], tag: Tag, optional: bool) -> Decoded<()> {
    let found = header(input)?;
    if found.tag != tag {
        return if optional { Ok(None) } else { Err(Undecodable) };
    }
    if !found.constructed {
        return Err(Undecodable);
    }
    skip(input)?;
    Ok(Some(()))
}

/// A string whose tag is one of several of the class UNIVERSAL
/// (`ASN1_ITYPE_MSTRING`).
pub(super) fn one_of<'a>(
    input: &mut &'a [u8],
    tags: &[u32],
    optional: bool,
) -> Decoded<(Tag, Cow<'a, [u8]>)> {
    let tag = header(input)?.tag;
    if !tag
        .number_if_universal()
        .is_some_and(|number| tags.contains(&number))
    {
        return if optional { Ok(None) } else { Err(Undecodable) };
    }
    if tag == Tag::SEQUENCE {
        return Ok(opaque_sequence(input, tag, false)?.map(|()| (tag, Cow::Borrowed(&[][..]))));
    }
    Ok(primitive(input, tag, Kind::of(tag), false)?.map(|contents| (tag, contents)))
}
