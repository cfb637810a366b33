//! Values of the extensions of addresses and of autonomous systems (RFC 3779).

use super::{Value, list};
use crate::der::{bits, constructed, element, integer, octets, sequence};

/// Of ipAddrBlocks.
pub(super) fn address_blocks() -> Vec<Value> {
    let family = |choice: Vec<u8>| sequence(&[sequence(&[octets(&[0, 1]), choice])]);
    let prefix = bits(0, &[10]);
    list(&[
        ("right", family(vec![5, 0])),
        ("a prefix", family(sequence(std::slice::from_ref(&prefix)))),
        ("another prefix", family(sequence(&[bits(0, &[11])]))),
        ("a longer prefix", family(sequence(&[bits(0, &[10, 0])]))),
        (
            "a range",
            family(sequence(&[sequence(&[bits(0, &[10]), bits(0, &[12])])])),
        ),
        (
            "a range that is a prefix",
            family(sequence(&[sequence(&[bits(0, &[10]), bits(0, &[10])])])),
        ),
        (
            "a range upside down",
            family(sequence(&[sequence(&[bits(0, &[12]), bits(0, &[10])])])),
        ),
        (
            "prefixes that touch",
            family(sequence(&[bits(0, &[10]), bits(0, &[11])])),
        ),
        (
            "prefixes apart",
            family(sequence(&[bits(0, &[10]), bits(0, &[12])])),
        ),
        (
            "prefixes upside down",
            family(sequence(&[bits(0, &[12]), bits(0, &[10])])),
        ),
        ("a prefix too long", family(sequence(&[bits(0, &[10; 5])]))),
        ("a list of none", family(sequence(&[]))),
        ("no families", sequence(&[])),
        (
            "a family twice",
            sequence(&[
                sequence(&[octets(&[0, 1]), vec![5, 0]]),
                sequence(&[octets(&[0, 1]), vec![5, 0]]),
            ]),
        ),
        (
            "families in order",
            sequence(&[
                sequence(&[octets(&[0, 1]), vec![5, 0]]),
                sequence(&[octets(&[0, 2]), vec![5, 0]]),
            ]),
        ),
        (
            "families out of order",
            sequence(&[
                sequence(&[octets(&[0, 2]), vec![5, 0]]),
                sequence(&[octets(&[0, 1]), vec![5, 0]]),
            ]),
        ),
        (
            "a family of one octet",
            sequence(&[sequence(&[octets(&[1]), vec![5, 0]])]),
        ),
        (
            "a family of four octets",
            sequence(&[sequence(&[octets(&[0, 1, 1, 1]), vec![5, 0]])]),
        ),
        (
            "an unknown family",
            sequence(&[sequence(&[octets(&[0, 9]), vec![5, 0]])]),
        ),
        (
            "a family with a service",
            sequence(&[sequence(&[
                octets(&[0, 1, 1]),
                sequence(std::slice::from_ref(&prefix)),
            ])]),
        ),
        ("a choice of neither kind", family(octets(b"x"))),
        ("no choice", sequence(&[sequence(&[octets(&[0, 1])])])),
        ("a long NULL", family(vec![5, 1, 0])),
        (
            "a range of one",
            family(sequence(&[sequence(std::slice::from_ref(&prefix))])),
        ),
        (
            "a prefix that is no bits",
            family(sequence(&[element(3, &[])])),
        ),
    ])
}

/// Of autonomousSysIds.
pub(super) fn system_numbers() -> Vec<Value> {
    let numbers = |choice: Vec<u8>| sequence(&[constructed(0, &choice)]);
    list(&[
        ("right", numbers(vec![5, 0])),
        ("a number", numbers(sequence(&[integer(&[5])]))),
        ("another number", numbers(sequence(&[integer(&[6])]))),
        (
            "a range",
            numbers(sequence(&[sequence(&[integer(&[1]), integer(&[9])])])),
        ),
        (
            "a range upside down",
            numbers(sequence(&[sequence(&[integer(&[9]), integer(&[1])])])),
        ),
        (
            "a range of one",
            numbers(sequence(&[sequence(&[integer(&[5]), integer(&[5])])])),
        ),
        (
            "numbers that touch",
            numbers(sequence(&[integer(&[5]), integer(&[6])])),
        ),
        (
            "numbers apart",
            numbers(sequence(&[integer(&[5]), integer(&[8])])),
        ),
        (
            "numbers upside down",
            numbers(sequence(&[integer(&[8]), integer(&[5])])),
        ),
        ("a negative number", numbers(sequence(&[integer(&[0xff])]))),
        ("a list of none", numbers(sequence(&[]))),
        ("routing domains", sequence(&[constructed(1, &[5, 0])])),
        (
            "routing domain 5",
            sequence(&[constructed(1, &sequence(&[integer(&[5])]))]),
        ),
        (
            "both",
            sequence(&[constructed(0, &[5, 0]), constructed(1, &[5, 0])]),
        ),
        ("neither", sequence(&[])),
        (
            "in the wrong order",
            sequence(&[constructed(1, &[5, 0]), constructed(0, &[5, 0])]),
        ),
        ("an unknown field", sequence(&[constructed(2, &[5, 0])])),
        ("a padded number", numbers(sequence(&[integer(&[0, 5])]))),
        ("a choice of neither kind", numbers(octets(b"x"))),
    ])
}
