//! Values of extensions, right and wrong: the first of each list is right.

mod names;
mod resources;

use crate::der::{
    bits, common_name, constructed, contents, element, implicit, indefinite, integer, long_length,
    object, octets, sequence,
};

/// A value and what is special about it.
pub(crate) type Value = (String, Vec<u8>);

/// The extensions, each with an object identifier and a name.
pub(crate) const EXTENSIONS: &[(&str, &str)] = &[
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.37", "extKeyUsage"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.16.840.1.113730.1.1", "nsCertType"),
    ("1.3.6.1.5.5.7.1.14", "proxyCertInfo"),
    ("1.3.6.1.5.5.7.1.7", "ipAddrBlocks"),
    ("1.3.6.1.5.5.7.1.8", "autonomousSysIds"),
    // OpenSSL decodes none of these when it builds a path.
    ("2.5.29.18", "issuerAltName"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.36", "policyConstraints"),
    ("2.5.29.54", "inhibitAnyPolicy"),
    ("2.5.29.46", "freshestCRL"),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
    ("1.3.6.1.5.5.7.48.1.5", "ocspNoCheck"),
    ("1.3.6.1.5.5.7.1.24", "tlsFeature"),
    ("1.3.6.1.4.1.99999.1", "unknown"),
];

fn list(values: &[(&str, Vec<u8>)]) -> Vec<Value> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";

fn dns(name: &str) -> Vec<u8> {
    implicit(2, name.as_bytes())
}

/// Values of one extension: right ones, and wrong ones of its own kind.
/// `is_leaf` says on what the first has to suit.
pub(crate) fn values(name: &str, is_leaf: bool) -> Vec<Value> {
    let ca = element(1, &[0xff]);
    match name {
        "basicConstraints" => list(&[
            (
                "right",
                if is_leaf {
                    sequence(&[])
                } else {
                    sequence(std::slice::from_ref(&ca))
                },
            ),
            ("CA", sequence(std::slice::from_ref(&ca))),
            ("no CA", sequence(&[])),
            ("true as 1", sequence(&[element(1, &[1])])),
            ("false said", sequence(&[element(1, &[0])])),
            (
                "boolean of two octets",
                sequence(&[element(1, &[0xff, 0xff])]),
            ),
            ("boolean of none", sequence(&[element(1, &[])])),
            ("path length 0", sequence(&[ca.clone(), integer(&[0])])),
            ("path length 1", sequence(&[ca.clone(), integer(&[1])])),
            ("path length without CA", sequence(&[integer(&[1])])),
            (
                "path length below 0",
                sequence(&[ca.clone(), integer(&[0xff])]),
            ),
            (
                "path length of 33 bits",
                sequence(&[ca.clone(), integer(&[1, 0, 0, 0, 0])]),
            ),
            (
                "path length of 63 bits",
                sequence(&[ca.clone(), integer(&[0x7f; 8])]),
            ),
            (
                "path length of 64 bits",
                sequence(&[ca.clone(), integer(&[&[0][..], &[0xff; 8]].concat())]),
            ),
            (
                "path length of 100 bits",
                sequence(&[ca.clone(), integer(&[1; 13])]),
            ),
            (
                "path length padded",
                sequence(&[ca.clone(), integer(&[0, 1])]),
            ),
            ("path length empty", sequence(&[ca.clone(), integer(&[])])),
            ("two booleans", sequence(&[ca.clone(), ca.clone()])),
            (
                "three fields",
                sequence(&[ca.clone(), integer(&[1]), integer(&[1])]),
            ),
            ("path length first", sequence(&[integer(&[1]), ca.clone()])),
            ("a NULL inside", sequence(&[vec![5, 0]])),
        ]),
        "keyUsage" => list(&[
            (
                "right",
                if is_leaf {
                    bits(7, &[0x80])
                } else {
                    bits(1, &[6])
                },
            ),
            ("keyCertSign", bits(2, &[4])),
            ("digitalSignature", bits(7, &[0x80])),
            ("cRLSign", bits(1, &[2])),
            ("keyAgreement", bits(3, &[8])),
            ("no bits", bits(0, &[])),
            ("zero bits", bits(0, &[0])),
            ("two octets of zero bits", bits(0, &[0, 0])),
            ("decipherOnly alone", bits(7, &[0, 0x80])),
            ("the third octet alone", bits(0, &[0, 0, 0x80])),
            ("only unused bits", bits(7, &[0x7f])),
            ("unused bits that are set", bits(2, &[0xff])),
            ("more unused bits than octets have", bits(8, &[6])),
            ("unused bits of nothing", bits(3, &[])),
            ("no octet of unused bits", element(3, &[])),
            ("in pieces", element(0x23, &bits(1, &[6]))),
            (
                "in pieces without contents",
                element(0x23, &octets(&[1, 6])),
            ),
        ]),
        "extKeyUsage" => list(&[
            ("right", sequence(&[object(SERVER_AUTH)])),
            ("clientAuth", sequence(&[object("1.3.6.1.5.5.7.3.2")])),
            ("any", sequence(&[object("2.5.29.37.0")])),
            (
                "any and serverAuth",
                sequence(&[object("2.5.29.37.0"), object(SERVER_AUTH)]),
            ),
            ("Netscape's", sequence(&[object("2.16.840.1.113730.4.1")])),
            ("Microsoft's", sequence(&[object("1.3.6.1.4.1.311.10.3.3")])),
            ("none", sequence(&[])),
            (
                "an empty object",
                sequence(&[object(SERVER_AUTH), element(6, &[])]),
            ),
            (
                "an object that goes on",
                sequence(&[object(SERVER_AUTH), element(6, &[0x2b, 0x86])]),
            ),
            (
                "a padded object",
                sequence(&[object(SERVER_AUTH), element(6, &[0x2b, 0x80, 1])]),
            ),
            (
                "a NULL inside",
                sequence(&[object(SERVER_AUTH), vec![5, 0]]),
            ),
            ("an object alone", object(SERVER_AUTH)),
        ]),
        "subjectAltName" => names::alternative_names(),
        "subjectKeyIdentifier" => list(&[
            ("right", octets(&[1; 20])),
            ("another", octets(&[9; 20])),
            ("empty", octets(&[])),
            (
                "in pieces",
                element(0x24, &[octets(&[1; 10]), octets(&[1; 10])].concat()),
            ),
            (
                "in pieces of another kind",
                element(
                    0x24,
                    &[element(12, &[1; 10]), implicit(1, &[1; 10])].concat(),
                ),
            ),
            ("deep in pieces", nested(7)),
            ("less deep in pieces", nested(5)),
            ("as a BIT STRING", bits(0, &[1; 20])),
        ]),
        "authorityKeyIdentifier" => list(&[
            ("right", sequence(&[])),
            ("of the key", sequence(&[implicit(0, &[1; 20])])),
            ("of another key", sequence(&[implicit(0, &[9; 20])])),
            ("an empty key identifier", sequence(&[implicit(0, &[])])),
            (
                "a key identifier in pieces",
                sequence(&[element(0xa0, &octets(&[1; 20]))]),
            ),
            ("serial number 7", sequence(&[implicit(2, &[7])])),
            ("serial number 8", sequence(&[implicit(2, &[8])])),
            ("a padded serial number", sequence(&[implicit(2, &[0, 7])])),
            ("an empty serial number", sequence(&[implicit(2, &[])])),
            (
                "issuer Root",
                sequence(&[
                    constructed(1, &constructed(4, &common_name("Root"))),
                    implicit(2, &[7]),
                ]),
            ),
            (
                "issuer Middle",
                sequence(&[constructed(1, &constructed(4, &common_name("Middle")))]),
            ),
            (
                "issuers two",
                sequence(&[constructed(
                    1,
                    &[
                        constructed(4, &common_name("Root")),
                        constructed(4, &common_name("x")),
                    ]
                    .concat(),
                )]),
            ),
            (
                "issuer of another kind",
                sequence(&[constructed(1, &dns("x"))]),
            ),
            ("no issuers", sequence(&[constructed(1, &[])])),
            (
                "issuer that is no name",
                sequence(&[constructed(1, &[5, 0])]),
            ),
            (
                "serial number first",
                sequence(&[implicit(2, &[7]), implicit(0, &[1; 20])]),
            ),
            ("an unknown field", sequence(&[implicit(3, &[7])])),
            ("an OCTET STRING", octets(&[1; 20])),
        ]),
        "nameConstraints" => names::name_constraints(),
        "cRLDistributionPoints" | "freshestCRL" => {
            let full = constructed(0, &constructed(0, &implicit(6, b"http://crl.test/")));
            let issuer = constructed(2, &constructed(4, &common_name("Root")));
            list(&[
                ("right", sequence(&[sequence(std::slice::from_ref(&full))])),
                ("none", sequence(&[])),
                ("an empty one", sequence(&[sequence(&[])])),
                (
                    "reasons alone",
                    sequence(&[sequence(&[implicit(1, &[7, 0x80])])]),
                ),
                (
                    "issuer alone",
                    sequence(&[sequence(std::slice::from_ref(&issuer))]),
                ),
                ("no issuers", sequence(&[sequence(&[constructed(2, &[])])])),
                (
                    "all three",
                    sequence(&[sequence(&[
                        full.clone(),
                        implicit(1, &[7, 0x80]),
                        issuer.clone(),
                    ])]),
                ),
                (
                    "no places",
                    sequence(&[sequence(&[constructed(0, &constructed(0, &[]))])]),
                ),
                (
                    "a place that is no name",
                    sequence(&[sequence(&[constructed(0, &constructed(0, &[5, 0]))])]),
                ),
                (
                    "a place of neither kind",
                    sequence(&[sequence(&[constructed(0, &constructed(2, &[]))])]),
                ),
                (
                    "a place without contents",
                    sequence(&[sequence(&[constructed(0, &[])])]),
                ),
                (
                    "a relative name",
                    sequence(&[sequence(&[constructed(
                        0,
                        &constructed(1, &sequence(&[object("2.5.4.3"), element(12, b"x")])),
                    )])]),
                ),
                (
                    "a relative name with an issuer",
                    sequence(&[sequence(&[
                        constructed(
                            0,
                            &constructed(1, &sequence(&[object("2.5.4.3"), element(12, b"x")])),
                        ),
                        issuer.clone(),
                    ])]),
                ),
                (
                    "a relative name that is none",
                    sequence(&[sequence(&[constructed(
                        0,
                        &constructed(1, &sequence(&[object("2.5.4.3")])),
                    )])]),
                ),
                (
                    "a good one and an empty one",
                    sequence(&[sequence(std::slice::from_ref(&full)), sequence(&[])]),
                ),
                (
                    "reasons that are no bits",
                    sequence(&[sequence(&[full.clone(), implicit(1, &[])])]),
                ),
                ("a URI alone", sequence(&[implicit(6, b"http://crl.test/")])),
                ("in the wrong order", sequence(&[sequence(&[issuer, full])])),
            ])
        }
        "nsCertType" => list(&[
            (
                "right",
                if is_leaf {
                    bits(6, &[0x40])
                } else {
                    bits(0, &[7])
                },
            ),
            ("sslClient", bits(7, &[0x80])),
            ("sslServer", bits(6, &[0x40])),
            ("sslCA", bits(2, &[4])),
            ("emailCA", bits(1, &[2])),
            ("no bits", bits(0, &[])),
            ("unused bits that are set", bits(7, &[0x7f])),
            ("more unused bits than octets have", bits(9, &[0x40])),
            ("in pieces", element(0x23, &bits(0, &[0x47]))),
            ("with a long length", long_length(&bits(0, &[0x47]))),
        ]),
        "proxyCertInfo" => {
            let policy = sequence(&[object("1.3.6.1.5.5.7.21.1")]);
            list(&[
                ("right", sequence(std::slice::from_ref(&policy))),
                (
                    "with a path length",
                    sequence(&[integer(&[1]), policy.clone()]),
                ),
                (
                    "with a negative path length",
                    sequence(&[integer(&[0xff]), policy.clone()]),
                ),
                (
                    "with a policy",
                    sequence(&[sequence(&[object("1.3.6.1.5.5.7.21.1"), octets(b"x")])]),
                ),
                ("without a policy", sequence(&[integer(&[1])])),
                ("nothing", sequence(&[])),
                ("an empty policy", sequence(&[sequence(&[])])),
                ("a policy that is none", sequence(&[octets(b"x")])),
            ])
        }
        "ipAddrBlocks" => resources::address_blocks(),
        "autonomousSysIds" => resources::system_numbers(),
        "issuerAltName" => list(&[("right", sequence(&[dns("issuer.test")]))]),
        "certificatePolicies" => {
            list(&[("right", sequence(&[sequence(&[object("2.5.29.32.0")])]))])
        }
        "policyConstraints" => list(&[("right", sequence(&[implicit(0, &[0])]))]),
        "inhibitAnyPolicy" => list(&[("right", integer(&[0]))]),
        "authorityInfoAccess" => list(&[(
            "right",
            sequence(&[sequence(&[
                object("1.3.6.1.5.5.7.48.1"),
                implicit(6, b"http://ocsp.test/"),
            ])]),
        )]),
        "ocspNoCheck" => list(&[("right", vec![5, 0])]),
        "tlsFeature" => list(&[("right", sequence(&[integer(&[5])]))]),
        _ => list(&[("right", octets(b"x"))]),
    }
}

/// OCTET STRINGs in one another.
fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(octets(&[1; 20]), |inside, _| element(0x24, &inside))
}

/// Defects that any value may have.
pub(crate) fn spoilt(right: &[u8]) -> Vec<Value> {
    let inside = contents(right);
    let tag = right.first().copied().unwrap_or(0x30);
    let mut wrong_tag = right.to_vec();
    if let Some(tag) = wrong_tag.first_mut() {
        *tag ^= 1;
    }
    let shorter = right.split_last().map_or(&[][..], |(_, shorter)| shorter);
    list(&[
        ("nothing", vec![]),
        ("NULL", vec![5, 0]),
        ("an empty SEQUENCE", sequence(&[])),
        ("an empty SEQUENCE, primitive", vec![0x10, 0]),
        ("garbage", vec![0xff, 0xff, 0xff, 0xff]),
        ("text", b"this is no DER".to_vec()),
        ("one octet", vec![0x30]),
        ("cut short", shorter.to_vec()),
        ("with octets behind it", [right, b"x"].concat()),
        ("with a NULL behind it", [right, &[5, 0]].concat()),
        (
            "with a NULL at its end",
            element(tag, &[inside, &[5, 0]].concat()),
        ),
        (
            "with an end at its end",
            element(tag, &[inside, &[0, 0]].concat()),
        ),
        (
            "with an end at its begin",
            element(tag, &[&[0, 0], inside].concat()),
        ),
        ("of indefinite length", indefinite(right)),
        (
            "of indefinite length without an end",
            [&[tag, 0x80], inside].concat(),
        ),
        ("with a long length", long_length(right)),
        (
            "with a length of nine octets",
            [&[tag, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0], inside].concat(),
        ),
        ("under another tag", wrong_tag),
        (
            "under a long tag",
            [
                &[tag | 0x1f, tag & 0x1f],
                right.get(1..).unwrap_or_default(),
            ]
            .concat(),
        ),
        ("as OCTET STRING", octets(right)),
        ("in a SEQUENCE", sequence(&[right.to_vec()])),
        (
            "of the other form",
            [&[tag ^ 0x20], right.get(1..).unwrap_or_default()].concat(),
        ),
    ])
}
