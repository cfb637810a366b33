//! TLSA records that the server's certificates do not match.

use danecheck_world::dns::{Misbehaviour, Rtype, Zone};
use danecheck_world::pki::{Authority, AuthorityProfile, Leaf, Validity, stale_tlsa};
use danecheck_world::smtp::MailServer;

use crate::ground::{Incident, MX2, current, publishing, record_of, two_hosts};
use crate::support::domain::{MX1, TLSA1, in_order, signed};

pub(crate) const STALE_OR_WRONG: &[Incident] = &[
    Incident {
        what: "a renewal made a new key, but the record matches the old one",
        finding: "tlsa-mismatch",
        set: |stage| current(stage, &[&stale_tlsa(3, 1, 1)]),
    },
    Incident {
        what: "the records changed to those of the next key before its installation",
        finding: "tlsa-ahead-of-certificate",
        set: |stage| {
            let leaf = Leaf::new(["mx1.example.com"]).validity(Validity::days(-75, 15));
            let identity = stage.issuer.issue(leaf);
            publishing(stage, identity, &[&stale_tlsa(3, 1, 1)]);
        },
    },
    Incident {
        what: "the records are corrected, but the resolver still has the old ones",
        finding: "tlsa-from-cache",
        set: |stage| {
            current(stage, &[&stale_tlsa(3, 1, 1)]);
            stage.lookup_misbehaving(
                "_25._tcp.mx1.example.com.",
                Rtype::TLSA,
                Misbehaviour::Aged(240),
            );
        },
    },
    Incident {
        what: "the preferred server's record is stale, and the server that takes the mail cannot \
               pass it on",
        finding: "preferred-server-fails",
        set: |stage| {
            let first = stage.identity("mx1.example.com");
            let second = stage.identity("mx2.example.com");
            stage.zone(
                two_hosts()
                    .tlsa(TLSA1, &stale_tlsa(3, 1, 1))
                    .tlsa("_25._tcp.mx2", &second.tlsa(3, 1, 1)),
            );
            stage.server(MX1, MailServer::new(first));
            stage.server(MX2, MailServer::new(second));
        },
    },
    Incident {
        what: "an appliance made another certificate for itself",
        finding: "tlsa-certificate-renewed",
        set: |stage| {
            let appliance = Leaf::new(["MX"]).self_signed(stage.now);
            publishing(stage, appliance, &[&stale_tlsa(3, 0, 1)]);
        },
    },
    Incident {
        what: "the record is a digest of the whole certificate, and a renewal changed it",
        finding: "tlsa-certificate-renewed",
        set: |stage| current(stage, &[&stale_tlsa(3, 0, 1)]),
    },
    Incident {
        what: "the record is a digest of the whole certificate, and the next renewal will break \
               it",
        finding: "tlsa-breaks-at-renewal",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let record = identity.tlsa(3, 0, 1);
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "old records are still beside the new one",
        finding: "tlsa-record-matches-nothing",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let right = identity.tlsa(3, 1, 1);
            publishing(stage, identity, &[&right, &stale_tlsa(3, 1, 1)]);
        },
    },
    Incident {
        what: "the record is the digest of an empty input, from a tool that could not read the \
               key",
        finding: "tlsa-of-nothing",
        set: |stage| current(stage, &[&record_of(b"")]),
    },
    Incident {
        what: "the record is the digest of the PEM text",
        finding: "tlsa-of-text",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let record = record_of(identity.leaf().pem().as_bytes());
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "a record 2 x x of the server's own certificate",
        finding: "tlsa-wrong-usage",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let record = identity.tlsa(2, 0, 1);
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "a record 3 x x of the authority above the server's certificate",
        finding: "tlsa-wrong-usage",
        set: |stage| {
            let record = stage.issuer.tlsa(3, 1, 1);
            current(stage, &[&record]);
        },
    },
    Incident {
        what: "the digest of the certificate under the selector of the key",
        finding: "tlsa-wrong-selector",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let record = identity.tlsa(3, 0, 1).replacen("3 0 1", "3 1 1", 1);
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "several names have their own records, but one front end answers for all",
        finding: "tlsa-one-certificate-many-records",
        set: |stage| {
            let front = stage.identity("*.example.com");
            stage.zone(
                two_hosts()
                    .tlsa(TLSA1, &stage.identity("mx1.example.com").tlsa(3, 1, 1))
                    .tlsa(
                        "_25._tcp.mx2",
                        &stage.identity("mx2.example.com").tlsa(3, 1, 1),
                    ),
            );
            stage.server(MX1, MailServer::new(front.clone()));
            stage.server(MX2, MailServer::new(front));
        },
    },
    Incident {
        what: "somebody exchanged the records of two hosts",
        finding: "tlsa-of-other-server",
        set: |stage| {
            let first = stage.identity("mx1.example.com");
            let second = stage.identity("mx2.example.com");
            stage.zone(
                two_hosts()
                    .tlsa(TLSA1, &second.tlsa(3, 1, 1))
                    .tlsa("_25._tcp.mx2", &first.tlsa(3, 1, 1)),
            );
            stage.server(MX1, MailServer::new(first));
            stage.server(MX2, MailServer::new(second));
        },
    },
    Incident {
        what: "one of two addresses still shows the appliance's factory certificate",
        finding: "addresses-show-different-certificates",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let factory = Leaf::new(["appliance.example.net"]).self_signed(stage.now);
            stage.zone(in_order(&identity).records(&format!("mx1 A {MX2}")));
            stage.server(MX1, MailServer::new(identity));
            stage.server(MX2, MailServer::new(factory));
        },
    },
    Incident {
        what: "a record has no data, which crashes some releases of Postfix",
        finding: "tlsa-without-data",
        set: |stage| current(stage, &["\\# 3 030102"]),
    },
    Incident {
        what: "the name of the records is an alias of another service's records, and those are \
               stale",
        finding: "tlsa-alias-stale",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(
                signed()
                    .cname(TLSA1, "_443._tcp.www")
                    .tlsa("_443._tcp.www", &stale_tlsa(3, 0, 2)),
            );
            stage.server(MX1, MailServer::new(identity));
        },
    },
    Incident {
        what: "the MX host became an alias of a provider's host, but its old records stayed",
        finding: "tlsa-left-at-alias",
        set: |stage| {
            stage.zone(
                Zone::signed("example.com.")
                    .mx("@", 10, "mx1")
                    .cname("mx1", "mx.example.net.")
                    .tlsa(TLSA1, &stale_tlsa(3, 0, 1)),
            );
            stage.zone(Zone::signed("example.net.").records(&format!("mx A {MX1}")));
            let provider = stage.identity("mx.example.net");
            stage.server(MX1, MailServer::new(provider));
        },
    },
    Incident {
        what: "the record matches the certificate for clients that name no host",
        finding: "tlsa-without-sni-only",
        set: |stage| {
            let other = stage.identity("hosting.example.net");
            let named = stage.identity("mx1.example.com");
            stage.zone(signed().tlsa(TLSA1, &other.tlsa(3, 1, 1)));
            let server = MailServer::new(other).showing_to("mx1.example.com", named);
            stage.server(MX1, server);
        },
    },
    Incident {
        what: "a stale SHA-512 record hides the right SHA-256 one",
        finding: "tlsa-hidden-by-stronger-digest",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let right = identity.tlsa(3, 1, 1);
            publishing(stage, identity, &[&right, &stale_tlsa(3, 1, 2)]);
        },
    },
];

pub(crate) const CHAINS: &[Incident] = &[
    Incident {
        what: "2 1 1 of a root that the server does not send",
        finding: "tlsa-root-not-sent",
        set: |stage| {
            let record = stage.root.tlsa(2, 1, 1);
            current(stage, &[&record]);
        },
    },
    Incident {
        what: "2 1 1 of an issuer that its authority has retired",
        finding: "tlsa-retired-issuer",
        set: |stage| {
            let r3 = "8d02536c887482bc34ff54e41d2ba659bf85b341a0a20afadb5813dcfbcf286d";
            current(stage, &[&format!("2 1 1 {r3}")]);
        },
    },
    Incident {
        what: "2 0 1 of a cross-signed certificate of a retired issuer",
        finding: "tlsa-retired-issuer",
        set: |stage| {
            let r3 = "730c1bdcd85f57ce5dc0bba733e5f1ba5a925b2a771d640a26f7a454224dad3b";
            current(stage, &[&format!("2 0 1 {r3}")]);
        },
    },
    Incident {
        what: "2 1 1 of one of several issuers, but the renewal came from another",
        finding: "tlsa-other-issuer",
        set: |stage| {
            let yr1 = "2e8307068b6db620e4a39d068b5dee5d6ef5788cbb2c0b6d23ead84fcc17178c";
            current(stage, &[&format!("2 1 1 {yr1}")]);
        },
    },
    Incident {
        what: "2 1 1 of another authority than that of the current certificate",
        finding: "tlsa-issuer-changed",
        set: |stage| {
            let former = Authority::root("Former Root", stage.now).intermediate("Former CA");
            current(stage, &[&former.tlsa(2, 1, 1)]);
        },
    },
    Incident {
        what: "2 1 1 of one issuer only, and the next renewal may come from another",
        finding: "tlsa-lone-issuer",
        set: |stage| {
            let record = stage.issuer.tlsa(2, 1, 1);
            current(stage, &[&record]);
        },
    },
    Incident {
        what: "records of all issuers of an authority, too many for some mail systems",
        finding: "tlsa-too-many-records",
        set: |stage| {
            let right = stage.issuer.tlsa(2, 1, 1);
            let others: Vec<String> = (0..12).map(|n| format!("2 1 1 {n:064x}")).collect();
            let records: Vec<&str> = others.iter().map(String::as_str).chain([&*right]).collect();
            current(stage, &records);
        },
    },
    Incident {
        what: "2 1 1 is right, but the server sends only its own certificate",
        finding: "issuer-not-sent",
        set: |stage| {
            let record = stage.issuer.tlsa(2, 1, 1);
            let identity = stage.identity("mx1.example.com").sending_leaf_alone();
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "2 1 1 is right, but the certificate has expired",
        finding: "dane-ta-certificate-expired",
        set: |stage| {
            let leaf = Leaf::new(["mx1.example.com"]).validity(Validity::EXPIRED);
            let record = stage.issuer.tlsa(2, 1, 1);
            let identity = stage.issuer.issue(leaf);
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "2 1 1 of a certificate that may not issue others",
        finding: "dane-ta-chain-refused",
        set: |stage| {
            let profile = AuthorityProfile::new("No CA").not_an_authority();
            let no_authority = stage.root.intermediate(profile);
            let identity = no_authority.issue(Leaf::new(["mx1.example.com"]));
            publishing(stage, identity, &[&no_authority.tlsa(2, 1, 1)]);
        },
    },
    Incident {
        what: "2 1 1 is right, but the certificate names another host",
        finding: "dane-ta-name-mismatch",
        set: |stage| {
            let record = stage.issuer.tlsa(2, 1, 1);
            let identity = stage.identity("other.example.net");
            publishing(stage, identity, &[&record]);
        },
    },
];
