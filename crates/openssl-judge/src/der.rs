//! A writer of DER, and of what is not quite DER.

/// An element of any tag below 31.
pub(crate) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut whole = vec![tag];
    whole.extend(length(contents.len()));
    whole.extend_from_slice(contents);
    whole
}

fn length(length: usize) -> Vec<u8> {
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        return vec![short];
    }
    let octets = length.to_be_bytes();
    let octets: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
    let mut whole = vec![0x80 | u8::try_from(octets.len()).unwrap_or(0x7f)];
    whole.extend(octets);
    whole
}

/// A SEQUENCE of these parts.
pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

/// A SET of this one part.
pub(crate) fn set(part: &[u8]) -> Vec<u8> {
    element(0x31, part)
}

/// An OCTET STRING.
pub(crate) fn octets(contents: &[u8]) -> Vec<u8> {
    element(4, contents)
}

/// A BIT STRING with so many unused bits.
pub(crate) fn bits(unused: u8, contents: &[u8]) -> Vec<u8> {
    element(3, &[&[unused], contents].concat())
}

/// An INTEGER of these octets.
pub(crate) fn integer(contents: &[u8]) -> Vec<u8> {
    element(2, contents)
}

/// An OBJECT IDENTIFIER, from its dotted form.
pub(crate) fn object(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse::<u64>().unwrap_or(0));
    let first = arcs.next().unwrap_or(0) * 40 + arcs.next().unwrap_or(0);
    let mut contents = Vec::new();
    for arc in std::iter::once(first).chain(arcs) {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        contents.extend(groups.into_iter().rev());
    }
    element(6, &contents)
}

/// A context-specific element, primitive.
pub(crate) fn implicit(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0x80 | number, contents)
}

/// A context-specific element, constructed.
pub(crate) fn constructed(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0xa0 | number, contents)
}

/// A name of one attribute.
pub(crate) fn name(attribute: &str, tag: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[set(&sequence(&[object(attribute), element(tag, value)]))])
}

/// A common name as a whole name; nothing for an empty one.
pub(crate) fn common_name(value: &str) -> Vec<u8> {
    if value.is_empty() {
        return sequence(&[]);
    }
    name("2.5.4.3", 12, value.as_bytes())
}

/// The contents of an element with a short or long length.
pub(crate) fn contents(element: &[u8]) -> &[u8] {
    let header = match element.get(1) {
        Some(long) if long & 0x80 != 0 => 2 + usize::from(long & 0x7f),
        _ => 2,
    };
    element.get(header..).unwrap_or_default()
}

/// The same constructed element with an indefinite length.
pub(crate) fn indefinite(element: &[u8]) -> Vec<u8> {
    let tag = element.first().copied().unwrap_or(0x30);
    [&[tag, 0x80], contents(element), &[0, 0]].concat()
}

/// The same element with more octets of length than it takes.
pub(crate) fn long_length(element: &[u8]) -> Vec<u8> {
    let tag = element.first().copied().unwrap_or(0x30);
    let inside = contents(element);
    let length = u16::try_from(inside.len()).unwrap_or(0).to_be_bytes();
    [&[tag, 0x84, 0, 0], &length[..], inside].concat()
}
