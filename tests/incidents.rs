//! What goes wrong with DANE in the field, as operators told it on mailing
//! lists and in issue trackers: each kind that is visible from outside is set
//! up here, and named by its own finding. `docs/incidents.md` is this table.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets files and sockets"
)]

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use danecheck::world::dns::{
    Misbehaviour as Answer, NameServerFault, ResolverKind, Rtype, Zone, ZoneFault,
};
use danecheck::world::pki::{Authority, AuthorityProfile, Identity, Leaf, Validity, stale_tlsa};
use danecheck::world::smtp::{MailServer, Misbehaviour};
use danecheck::world::stage::Stage;

use support::domain::{self, MX1, TLSA1, hosted, in_order, signed};
use support::{ids, report_on};

const MX1_IPV6: &str = "2001:db8::10";
const MX2: &str = "192.0.2.20";

/// One kind of incident.
struct Incident {
    /// What happens, in a few words.
    what: &'static str,
    /// The finding that names it.
    finding: &'static str,
    /// Sets `example.com` up with it.
    set: fn(&mut Stage),
}

/// `example.com` signed, with two MX hosts.
fn two_hosts() -> Zone {
    signed().mx("@", 20, "mx2").records(&format!("mx2 A {MX2}"))
}

/// One server with this identity and these TLSA records.
fn publishing(stage: &mut Stage, identity: Identity, records: &[&str]) {
    stage.zone(domain::publishing(records));
    stage.server(MX1, MailServer::new(identity));
}

fn current(stage: &mut Stage, records: &[&str]) {
    let identity = stage.identity("mx1.example.com");
    publishing(stage, identity, records);
}

/// A record 3 1 1 of this text, as by a script that digests the wrong thing.
fn record_of(text: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text);
    digest.iter().fold("3 1 1 ".to_owned(), |mut record, byte| {
        let _ = write!(record, "{byte:02x}");
        record
    })
}

/// The right record, and a server that does this.
fn server_that(stage: &mut Stage, misbehaviour: Misbehaviour) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(in_order(&identity));
    stage.server(MX1, MailServer::new(identity).misbehaving([misbehaviour]));
}

/// The right record in a zone whose signing is at fault.
fn signed_with(stage: &mut Stage, fault: ZoneFault) {
    let identity = stage.identity("mx1.example.com");
    let zone = in_order(&identity);
    stage.zone(zone.with(fault));
    stage.server(MX1, MailServer::new(identity));
}

const NS1: [u8; 4] = [192, 0, 2, 53];
const NS2: [u8; 4] = [192, 0, 2, 54];

/// The right record, in a zone with two name servers, of which one does this.
fn served_with(stage: &mut Stage, fault: NameServerFault) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(
        in_order(&identity)
            .name_server("ns1", NS1.into())
            .name_server("ns2", NS2.into()),
    );
    stage.server(MX1, MailServer::new(identity));
    stage.name_server_misbehaving(NS2.into(), fault);
    stage.asking_name_servers();
    stage.patience(Duration::from_millis(800));
}

const STALE_OR_WRONG: &[Incident] = &[
    Incident {
        what: "a renewal made a new key, and the record is of the old one",
        finding: "tlsa-mismatch",
        set: |stage| current(stage, &[&stale_tlsa(3, 1, 1)]),
    },
    Incident {
        what: "the records were changed to the next key's, before that was installed",
        finding: "tlsa-ahead-of-certificate",
        set: |stage| {
            let leaf = Leaf::new(["mx1.example.com"]).validity(Validity::days(-75, 15));
            let identity = stage.issuer.issue(leaf);
            publishing(stage, identity, &[&stale_tlsa(3, 1, 1)]);
        },
    },
    Incident {
        what: "the records were corrected, and the resolver still has the old ones",
        finding: "tlsa-from-cache",
        set: |stage| {
            current(stage, &[&stale_tlsa(3, 1, 1)]);
            stage.lookup_misbehaving("_25._tcp.mx1.example.com.", Rtype::TLSA, Answer::Aged(240));
        },
    },
    Incident {
        what: "the preferred server's record is stale, and the other one, which takes the mail, \
               cannot hand it on",
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
        what: "an appliance made itself another certificate",
        finding: "tlsa-certificate-renewed",
        set: |stage| {
            let appliance = Leaf::new(["MX"]).self_signed(stage.now);
            publishing(stage, appliance, &[&stale_tlsa(3, 0, 1)]);
        },
    },
    Incident {
        what: "the record is of the whole certificate, which a renewal changed",
        finding: "tlsa-certificate-renewed",
        set: |stage| current(stage, &[&stale_tlsa(3, 0, 1)]),
    },
    Incident {
        what: "the record is of the whole certificate, and the next renewal will break it",
        finding: "tlsa-breaks-at-renewal",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let record = identity.tlsa(3, 0, 1);
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "old records were left beside the new one",
        finding: "tlsa-record-matches-nothing",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let right = identity.tlsa(3, 1, 1);
            publishing(stage, identity, &[&right, &stale_tlsa(3, 1, 1)]);
        },
    },
    Incident {
        what: "the record is the digest of nothing, from a tool that could not read the key",
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
        what: "several names with records of their own behind one common front end",
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
        what: "the records of two hosts were exchanged",
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
        what: "a record without data, which crashes some releases of Postfix",
        finding: "tlsa-without-data",
        set: |stage| current(stage, &["\\# 3 030102"]),
    },
    Incident {
        what: "the name of the records is an alias of another service's, which are stale",
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
        what: "the MX host became an alias of a provider's, and its old records stayed",
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
        what: "the record is of the certificate for those who name no host",
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

const CHAINS: &[Incident] = &[
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
        what: "2 1 1 of one of several issuers, and the renewal came from another",
        finding: "tlsa-other-issuer",
        set: |stage| {
            let yr1 = "2e8307068b6db620e4a39d068b5dee5d6ef5788cbb2c0b6d23ead84fcc17178c";
            current(stage, &[&format!("2 1 1 {yr1}")]);
        },
    },
    Incident {
        what: "2 1 1 of another authority than the certificate now comes from",
        finding: "tlsa-issuer-changed",
        set: |stage| {
            let former = Authority::root("Former Root", stage.now).intermediate("Former CA");
            current(stage, &[&former.tlsa(2, 1, 1)]);
        },
    },
    Incident {
        what: "2 1 1 of one issuer alone, which the next renewal may not come from",
        finding: "tlsa-lone-issuer",
        set: |stage| {
            let record = stage.issuer.tlsa(2, 1, 1);
            current(stage, &[&record]);
        },
    },
    Incident {
        what: "all issuers of an authority are published, too many for some mail systems",
        finding: "tlsa-too-many-records",
        set: |stage| {
            let right = stage.issuer.tlsa(2, 1, 1);
            let others: Vec<String> = (0..12).map(|n| format!("2 1 1 {n:064x}")).collect();
            let records: Vec<&str> = others.iter().map(String::as_str).chain([&*right]).collect();
            current(stage, &records);
        },
    },
    Incident {
        what: "2 1 1 is right, and the server sends its certificate alone",
        finding: "issuer-not-sent",
        set: |stage| {
            let record = stage.issuer.tlsa(2, 1, 1);
            let identity = stage.identity("mx1.example.com").sending_leaf_alone();
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "2 1 1 is right, and the certificate has expired",
        finding: "dane-ta-certificate-expired",
        set: |stage| {
            let leaf = Leaf::new(["mx1.example.com"]).validity(Validity::EXPIRED);
            let record = stage.issuer.tlsa(2, 1, 1);
            let identity = stage.issuer.issue(leaf);
            publishing(stage, identity, &[&record]);
        },
    },
    Incident {
        what: "2 1 1 is of a certificate that may not issue others",
        finding: "dane-ta-chain-refused",
        set: |stage| {
            let profile = AuthorityProfile::new("No CA").not_an_authority();
            let no_authority = stage.root.intermediate(profile);
            let identity = no_authority.issue(Leaf::new(["mx1.example.com"]));
            publishing(stage, identity, &[&no_authority.tlsa(2, 1, 1)]);
        },
    },
    Incident {
        what: "2 1 1 is right, and the certificate is for another name",
        finding: "dane-ta-name-mismatch",
        set: |stage| {
            let record = stage.issuer.tlsa(2, 1, 1);
            let identity = stage.identity("other.example.net");
            publishing(stage, identity, &[&record]);
        },
    },
];

const LOOKUPS: &[Incident] = &[
    Incident {
        what: "the lookup of the records is answered with SERVFAIL, from a firewall or a name \
               server that knows no TLSA",
        finding: "tlsa-lookup-failed",
        set: |stage| {
            current(stage, &[&stale_tlsa(3, 1, 1)]);
            stage.lookup_misbehaving("_25._tcp.mx1.example.com.", Rtype::TLSA, Answer::ServFail);
        },
    },
    Incident {
        what: "NSEC or NSEC3 records are missing, so that no denial proves anything",
        finding: "denial-proves-nothing",
        set: |stage| signed_with(stage, ZoneFault::DenialMissing),
    },
    Incident {
        what: "NSEC3 names are hashed so often that validators stop validating",
        finding: "nsec3-iterations-past-limit",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(signed().nsec3(600, false));
            stage.server(MX1, MailServer::new(identity));
        },
    },
    Incident {
        what: "the records were changed after they were signed",
        finding: "signature-wrong",
        set: |stage| {
            let (name, rtype) = (TLSA1.to_owned(), Rtype::TLSA);
            signed_with(stage, ZoneFault::BadSignature { name, rtype });
        },
    },
    Incident {
        what: "the serial was raised after signing, so that all that does not exist is forged",
        finding: "signature-wrong",
        set: |stage| {
            let (name, rtype) = ("@".to_owned(), Rtype::SOA);
            signed_with(stage, ZoneFault::BadSignature { name, rtype });
        },
    },
    Incident {
        what: "the records were added to the signed zone, without a signature",
        finding: "signature-missing",
        set: |stage| signed_with(stage, ZoneFault::SignatureMissing { on: Rtype::TLSA }),
    },
    Incident {
        what: "nobody signed the zone again in time",
        finding: "signature-expired",
        set: |stage| signed_with(stage, ZoneFault::SignaturesExpired),
    },
    Incident {
        what: "nobody signs the zone again, and its signatures are about to expire",
        finding: "signature-ends-soon",
        set: |stage| signed_with(stage, ZoneFault::SignaturesEndSoon),
    },
    Incident {
        what: "the keys were changed, and the DS record at the parent was not",
        finding: "ds-matches-no-key",
        set: |stage| signed_with(stage, ZoneFault::DsMismatch),
    },
    Incident {
        what: "the zone moved to a provider that does not sign, and its DS record stayed",
        finding: "key-missing",
        set: |stage| signed_with(stage, ZoneFault::DsWithoutDnskey),
    },
    Incident {
        what: "A queries are answered, and TLSA queries dropped, by a firewall or a name server",
        finding: "name-server-silent",
        set: |stage| {
            served_with(stage, NameServerFault::SilentToTlsa);
            stage.name_server_misbehaving(NS1.into(), NameServerFault::SilentToTlsa);
            stage.lookup_misbehaving("_25._tcp.mx1.example.com.", Rtype::TLSA, Answer::ServFail);
        },
    },
    Incident {
        what: "one of the name servers fails at TLSA, so that the lookup does every other time",
        finding: "name-server-fails",
        set: |stage| served_with(stage, NameServerFault::ServFailToTlsa),
    },
    Incident {
        what: "some of the name servers do not do DNSSEC",
        finding: "name-server-lacks-signatures",
        set: |stage| served_with(stage, NameServerFault::LacksSignature),
    },
    Incident {
        what: "some of the name servers deny with a broken NSEC chain",
        finding: "name-server-answer-bogus",
        set: |stage| served_with(stage, NameServerFault::DenialIncomplete),
    },
    Incident {
        what: "a secondary lacks the records",
        finding: "name-servers-disagree",
        set: |stage| served_with(stage, NameServerFault::LacksRecord),
    },
    Incident {
        what: "a secondary gets no zone transfers, and has old records",
        finding: "name-server-behind",
        set: |stage| served_with(stage, NameServerFault::OldSerial),
    },
    Incident {
        what: "the DS record was removed, and nobody noticed",
        finding: "signed-without-ds",
        set: |stage| signed_with(stage, ZoneFault::DsMissing),
    },
    Incident {
        what: "the provider whose records are used does not sign",
        finding: "tlsa-not-signed",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(signed().cname(TLSA1, "_25._tcp.mx1.example.net."));
            stage.zone(Zone::unsigned("example.net.").tlsa(TLSA1, &identity.tlsa(3, 1, 1)));
            stage.server(MX1, MailServer::new(identity));
        },
    },
    Incident {
        what: "the MX record leads to an alias, which mail systems treat differently",
        finding: "mx-host-is-alias",
        set: |stage| {
            let identity = stage.identity("node.example.com");
            stage.zone(
                Zone::signed("example.com.")
                    .mx("@", 10, "mx1")
                    .cname("mx1", "node")
                    .records(&format!("node A {MX1}"))
                    .tlsa("_25._tcp.node", &identity.tlsa(3, 1, 1)),
            );
            stage.server(MX1, MailServer::new(identity));
        },
    },
];

const UNSIGNED_PROVIDERS: &[Incident] = &[
    Incident {
        what: "the provider's host is not signed: its TLSA lookups, which may fail, are not \
               even made",
        finding: "host-not-signed",
        set: |stage| {
            hosted(
                stage,
                Zone::signed("example.com."),
                Zone::unsigned("example.net."),
            );
            stage.lookup_misbehaving("_25._tcp.mx1.example.net.", Rtype::TLSA, Answer::NotImp);
        },
    },
    Incident {
        what: "the domain is not signed, and its provider's host has TLSA records",
        finding: "mx-not-signed",
        set: |stage| {
            hosted(
                stage,
                Zone::unsigned("example.com."),
                Zone::signed("example.net."),
            );
        },
    },
];

const RESOLVERS: &[Incident] = &[Incident {
    what: "the sender's resolver does not validate, so that DANE is silently off",
    finding: "resolver-does-not-validate",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        let record = identity.tlsa(3, 1, 1);
        publishing(stage, identity, &[&record]);
        stage.resolver(ResolverKind::NotValidating);
    },
}];

const WITHOUT_TLS: &[Incident] = &[
    Incident {
        what: "TLSA records were published, and TLS was never switched on",
        finding: "starttls-not-offered",
        set: |stage| server_that(stage, Misbehaviour::NoStartTls),
    },
    Incident {
        what: "the records of port 465 were aliased to port 25, which has no STARTTLS",
        finding: "tlsa-of-other-service",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(
                signed()
                    .cname(TLSA1, "_465._tcp.mx1")
                    .tlsa("_465._tcp.mx1", &identity.tlsa(3, 1, 1)),
            );
            let server = MailServer::new(identity);
            stage.server(MX1, server.misbehaving([Misbehaviour::NoStartTls]));
        },
    },
    Incident {
        what: "over IPv4 STARTTLS is answered with 454, and over IPv6 nothing is answered",
        finding: "address-families-fail-differently",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(in_order(&identity).records(&format!("mx1 AAAA {MX1_IPV6}")));
            let server = || MailServer::new(identity.clone());
            stage.server(MX1, server().misbehaving([Misbehaviour::StartTls454]));
            stage.server(MX1_IPV6, server().misbehaving([Misbehaviour::NoGreeting]));
            stage.patience(Duration::from_millis(800));
        },
    },
    Incident {
        what: "the key file cannot be read: STARTTLS is answered with 454",
        finding: "starttls-refused-for-now",
        set: |stage| server_that(stage, Misbehaviour::StartTls454),
    },
    Incident {
        what: "STARTTLS is answered with 554, and Postfix bounces",
        finding: "starttls-refused-for-good",
        set: |stage| server_that(stage, Misbehaviour::StartTls554),
    },
    Incident {
        what: "STARTTLS is not answered at all",
        finding: "starttls-no-reply",
        set: |stage| server_that(stage, Misbehaviour::DropBeforeStartTlsReply),
    },
    Incident {
        what: "a firewall that inspects SMTP overwrites the offer of STARTTLS",
        finding: "starttls-masked",
        set: |stage| server_that(stage, Misbehaviour::StartTlsMasked),
    },
    Incident {
        what: "port 25 is filtered for whoever looks",
        finding: "port-blocked-here",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(in_order(&identity));
        },
    },
];

const HANDSHAKES: &[Incident] = &[
    Incident {
        what: "no common version or suite",
        finding: "handshake-failed",
        set: |stage| server_that(stage, Misbehaviour::HandshakeAlert),
    },
    Incident {
        what: "the server knows TLS 1.0 and suites without certificate only",
        finding: "tls-too-old",
        set: |stage| server_that(stage, Misbehaviour::Tls10Anonymous),
    },
    Incident {
        what: "the server insists on a client certificate",
        finding: "client-certificate-required",
        set: |stage| server_that(stage, Misbehaviour::RequireClientCertificate),
    },
    Incident {
        what: "the server asks for a client certificate, and breaks off over the one that the \
               sender has",
        finding: "client-certificate-wanted",
        set: |stage| server_that(stage, Misbehaviour::AskForClientCertificate),
    },
];

const TABLES: &[(&str, &[Incident])] = &[
    ("Stale or wrong records", STALE_OR_WRONG),
    ("Chains under usage 2", CHAINS),
    ("Lookups and signatures", LOOKUPS),
    ("Providers without signatures", UNSIGNED_PROVIDERS),
    ("The sender's resolver", RESOLVERS),
    ("No STARTTLS that works", WITHOUT_TLS),
    ("Handshakes", HANDSHAKES),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_incident_is_named_by_its_own_finding() {
    let incidents = || TABLES.iter().flat_map(|(_, table)| *table);
    let reports = incidents().map(|incident| report_on("example.com", incident.set));
    let reports = futures_util::future::join_all(reports).await;
    let mut wrong = Vec::new();
    for (incident, report) in incidents().zip(reports) {
        if !ids(&report).contains(&incident.finding) {
            wrong.push((incident.what, incident.finding, ids(&report).join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table in the form of `docs/incidents.md`.
fn written() -> String {
    let mut text = "# What goes wrong in the field\n\n\
                    Kinds of DANE incidents that operators told of, as far as they are visible \
                    from\noutside, and the finding by which danecheck names each. \
                    `tests/incidents.rs` sets\nevery one of them up and checks the finding; \
                    `docs/findings.md` says what to do.\n"
        .to_owned();
    for (title, table) in TABLES {
        let _ = write!(
            text,
            "\n## {title}\n\n| what happens | finding |\n| --- | --- |\n"
        );
        for incident in *table {
            let finding = incident.finding;
            let _ = writeln!(
                text,
                "| {} | [`{finding}`](findings.md#{finding}) |",
                incident.what
            );
        }
    }
    text
}

/// Run with `UPDATE_DOCS=1` to write the file anew.
#[test]
fn the_table_of_incidents_is_current() {
    let path = "docs/incidents.md";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all("docs").unwrap();
        std::fs::write(path, written()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), written());
}
