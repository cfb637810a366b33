//! Values of the extensions of names and their constraints (RFC 5280 section 4.2.1).

use super::{Value, dns, list};
use crate::der::{
    common_name, constructed, element, implicit, integer, object, octets, sequence, set,
};

/// Of subjectAltName.
pub(super) fn alternative_names() -> Vec<Value> {
    let with = |name: Vec<u8>| sequence(&[dns("mx.test"), name]);
    list(&[
        ("right", sequence(&[dns("mx.test")])),
        ("another host", sequence(&[dns("other.test")])),
        ("no names", sequence(&[])),
        ("no text", sequence(&[implicit(2, &[0xff, 0xfe])])),
        (
            "no text, then the host",
            sequence(&[implicit(2, &[0xff]), dns("mx.test")]),
        ),
        ("an empty host", sequence(&[dns("")])),
        ("a wildcard", sequence(&[dns("*.test")])),
        (
            "a host in pieces",
            sequence(&[element(0xa2, &octets(b"mx.test"))]),
        ),
        (
            "an address alone",
            sequence(&[implicit(7, &[192, 0, 2, 1])]),
        ),
        (
            "an address of five octets",
            with(implicit(7, &[1, 2, 3, 4, 5])),
        ),
        ("a mailbox alone", sequence(&[implicit(1, b"a@mx.test")])),
        (
            "a directory name",
            with(constructed(4, &common_name("mx.test"))),
        ),
        (
            "a directory name without attributes",
            with(constructed(4, &sequence(&[]))),
        ),
        (
            "a directory name that is none",
            with(constructed(4, &[5, 0])),
        ),
        (
            "a directory name without contents",
            with(constructed(4, &[])),
        ),
        (
            "a directory name twice",
            with(constructed(
                4,
                &[common_name("a"), common_name("a")].concat(),
            )),
        ),
        (
            "a directory name of a VisibleString",
            with(constructed(4, &crate::der::name("2.5.4.3", 26, b"a"))),
        ),
        (
            "a directory name that is no UTF-8",
            with(constructed(4, &crate::der::name("2.5.4.3", 12, &[0xff]))),
        ),
        (
            "a directory name of a surrogate",
            with(constructed(4, &crate::der::name("2.5.4.3", 30, &[0xd8, 0]))),
        ),
        (
            "a directory name of half a letter",
            with(constructed(4, &crate::der::name("2.5.4.3", 30, &[0x30]))),
        ),
        (
            "a directory name of an empty SET",
            with(constructed(4, &sequence(&[set(&[])]))),
        ),
        ("an object identifier", with(implicit(8, &[0x2b, 6, 1]))),
        (
            "an object identifier that goes on",
            with(implicit(8, &[0x2b, 0x86])),
        ),
        ("an empty object identifier", with(implicit(8, &[]))),
        ("a URI", with(implicit(6, b"https://mx.test/"))),
        (
            "another name",
            with(constructed(
                0,
                &[object("1.2.3"), constructed(0, &octets(b"x"))].concat(),
            )),
        ),
        (
            "another name of NULL",
            with(constructed(
                0,
                &[object("1.2.3"), constructed(0, &[5, 0])].concat(),
            )),
        ),
        (
            "another name of a long NULL",
            with(constructed(
                0,
                &[object("1.2.3"), constructed(0, &[5, 1, 0])].concat(),
            )),
        ),
        (
            "another name without a value",
            with(constructed(0, &object("1.2.3"))),
        ),
        (
            "another name with an empty value",
            with(constructed(
                0,
                &[object("1.2.3"), constructed(0, &[])].concat(),
            )),
        ),
        (
            "another name with two values",
            with(constructed(
                0,
                &[object("1.2.3"), constructed(0, &[5, 0, 5, 0])].concat(),
            )),
        ),
        (
            "another name, primitive",
            with(implicit(
                0,
                &[object("1.2.3"), constructed(0, &[5, 0])].concat(),
            )),
        ),
        ("an X.400 address", with(constructed(3, &[1, 2, 3]))),
        ("an X.400 address, primitive", with(implicit(3, &[1, 2, 3]))),
        (
            "an EDI party",
            with(constructed(5, &constructed(1, &element(12, b"x")))),
        ),
        (
            "an EDI party of an IA5String",
            with(constructed(5, &constructed(1, &element(22, b"x")))),
        ),
        (
            "an EDI party without a name",
            with(constructed(5, &constructed(0, &element(12, b"x")))),
        ),
        ("an unknown kind", with(implicit(9, b"x"))),
        ("of universal class", with(octets(b"x"))),
        ("a name alone", dns("mx.test")),
        (
            "a length beyond the end",
            sequence(&[dns("mx.test"), vec![0x82, 9, b'x']]),
        ),
    ])
}

/// Of nameConstraints.
pub(super) fn name_constraints() -> Vec<Value> {
    let tree = |parts: &[Vec<u8>]| sequence(parts);
    let permitted = |trees: &[Vec<u8>]| sequence(&[constructed(0, &trees.concat())]);
    let excluded = |trees: &[Vec<u8>]| sequence(&[constructed(1, &trees.concat())]);
    let host = tree(&[dns("test")]);
    list(&[
        ("right", permitted(std::slice::from_ref(&host))),
        ("nothing", sequence(&[])),
        (
            "empty lists",
            sequence(&[constructed(0, &[]), constructed(1, &[])]),
        ),
        ("elsewhere", permitted(&[tree(&[dns("other")])])),
        ("excluded", excluded(&[tree(&[dns("mx.test")])])),
        ("excluded elsewhere", excluded(&[tree(&[dns("other")])])),
        (
            "minimum 0",
            permitted(&[tree(&[dns("test"), implicit(0, &[0])])]),
        ),
        (
            "minimum 1",
            permitted(&[tree(&[dns("test"), implicit(0, &[1])])]),
        ),
        (
            "minimum below 0",
            permitted(&[tree(&[dns("test"), implicit(0, &[0xff])])]),
        ),
        (
            "maximum 0",
            permitted(&[tree(&[dns("test"), implicit(1, &[0])])]),
        ),
        (
            "maximum 5",
            permitted(&[tree(&[dns("test"), implicit(1, &[5])])]),
        ),
        (
            "minimum and maximum",
            permitted(&[tree(&[dns("test"), implicit(0, &[0]), implicit(1, &[5])])]),
        ),
        (
            "excluded with minimum",
            excluded(&[tree(&[dns("other"), implicit(0, &[1])])]),
        ),
        (
            "excluded, then with minimum",
            excluded(&[
                tree(&[dns("test")]),
                tree(&[dns("other"), implicit(0, &[1])]),
            ]),
        ),
        (
            "minimum of another kind",
            permitted(&[
                host.clone(),
                tree(&[implicit(7, &[0; 8]), implicit(0, &[1])]),
            ]),
        ),
        (
            "minimum padded",
            permitted(&[tree(&[dns("test"), implicit(0, &[0, 0])])]),
        ),
        (
            "minimum as INTEGER",
            permitted(&[tree(&[dns("test"), integer(&[0])])]),
        ),
        (
            "maximum first",
            permitted(&[tree(&[dns("test"), implicit(1, &[5]), implicit(0, &[0])])]),
        ),
        ("no base", permitted(&[tree(&[])])),
        ("no SEQUENCE", permitted(&[dns("test")])),
        (
            "lists in the wrong order",
            sequence(&[constructed(1, &host), constructed(0, &host)]),
        ),
        (
            "permitted twice",
            sequence(&[constructed(0, &host), constructed(0, &host)]),
        ),
        ("an unknown list", sequence(&[constructed(2, &host)])),
        ("a list, primitive", sequence(&[implicit(0, &host)])),
        ("with a leading dot", permitted(&[tree(&[dns(".test")])])),
        ("with a dot alone", permitted(&[tree(&[dns(".")])])),
        ("empty base", permitted(&[tree(&[dns("")])])),
        ("no text", permitted(&[tree(&[implicit(2, &[0xff])])])),
        ("in capitals", permitted(&[tree(&[dns("TEST")])])),
        ("end of a label", permitted(&[tree(&[dns("est")])])),
        (
            "directory",
            permitted(&[tree(&[constructed(4, &common_name("MX.test"))])]),
        ),
        (
            "directory elsewhere",
            permitted(&[tree(&[constructed(4, &common_name("x"))])]),
        ),
        (
            "directory excluded",
            excluded(&[tree(&[constructed(4, &common_name("mx.test"))])]),
        ),
        (
            "any directory",
            permitted(&[tree(&[constructed(4, &sequence(&[]))])]),
        ),
        (
            "no directory",
            excluded(&[tree(&[constructed(4, &sequence(&[]))])]),
        ),
        (
            "addresses",
            permitted(&[tree(&[implicit(7, &[192, 0, 2, 0, 255, 255, 255, 0])])]),
        ),
        (
            "addresses excluded",
            excluded(&[tree(&[implicit(7, &[0; 8])])]),
        ),
        (
            "addresses of five octets",
            excluded(&[tree(&[implicit(7, &[0; 5])])]),
        ),
        ("mailboxes", permitted(&[tree(&[implicit(1, b"mx.test")])])),
        (
            "mailboxes elsewhere",
            permitted(&[tree(&[implicit(1, b"other.test")])]),
        ),
        ("URIs", permitted(&[tree(&[implicit(6, b"mx.test")])])),
        ("URIs excluded", excluded(&[tree(&[implicit(6, b".test")])])),
        (
            "other names",
            permitted(&[tree(&[constructed(
                0,
                &[object("1.2.3"), constructed(0, &[5, 0])].concat(),
            )])]),
        ),
        (
            "other names of another kind",
            permitted(&[tree(&[constructed(
                0,
                &[object("1.2.4"), constructed(0, &[5, 0])].concat(),
            )])]),
        ),
        (
            "object identifiers",
            excluded(&[tree(&[implicit(8, &[0x2b, 6, 1])])]),
        ),
        (
            "X.400 addresses",
            excluded(&[tree(&[constructed(3, &[1, 2, 3])])]),
        ),
        (
            "EDI parties",
            excluded(&[tree(&[constructed(5, &constructed(1, &element(12, b"x")))])]),
        ),
    ])
}
