//! Lookups and signatures that fail, and data that is not signed.

use danecheck_world::dns::{Misbehaviour, NameServerFault, ResolverKind, Rtype, Zone, ZoneFault};
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;

use crate::ground::{Incident, NS1, current, publishing, served_with, signed_with};
use crate::support::domain::{MX1, TLSA1, hosted, signed};

pub(crate) const LOOKUPS: &[Incident] = &[
    Incident {
        what: "a firewall or a name server that does not know TLSA answers the lookup with \
               SERVFAIL",
        finding: "tlsa-lookup-failed",
        set: |stage| {
            current(stage, &[&stale_tlsa(3, 1, 1)]);
            stage.lookup_misbehaving(
                "_25._tcp.mx1.example.com.",
                Rtype::TLSA,
                Misbehaviour::ServFail,
            );
        },
    },
    Incident {
        what: "NSEC or NSEC3 records are missing, so no denial proves anything",
        finding: "denial-proves-nothing",
        set: |stage| signed_with(stage, ZoneFault::DenialMissing),
    },
    Incident {
        what: "the zone hashes NSEC3 names so often that validators stop validating",
        finding: "nsec3-iterations-past-limit",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(signed().nsec3(600, false));
            stage.server(MX1, MailServer::new(identity));
        },
    },
    Incident {
        what: "somebody changed the records after signing",
        finding: "signature-wrong",
        set: |stage| {
            let (name, rtype) = (TLSA1.to_owned(), Rtype::TLSA);
            signed_with(stage, ZoneFault::BadSignature { name, rtype });
        },
    },
    Incident {
        what: "somebody raised the serial after signing, so all denials are bogus",
        finding: "signature-wrong",
        set: |stage| {
            let (name, rtype) = ("@".to_owned(), Rtype::SOA);
            signed_with(stage, ZoneFault::BadSignature { name, rtype });
        },
    },
    Incident {
        what: "somebody added the records to the signed zone without a signature",
        finding: "signature-missing",
        set: |stage| signed_with(stage, ZoneFault::SignatureMissing { on: Rtype::TLSA }),
    },
    Incident {
        what: "nobody signed the zone again in time",
        finding: "signature-expired",
        set: |stage| signed_with(stage, ZoneFault::SignaturesExpired),
    },
    Incident {
        what: "nobody signs the zone again, and its signatures will expire soon",
        finding: "signature-ends-soon",
        set: |stage| signed_with(stage, ZoneFault::SignaturesEndSoon),
    },
    Incident {
        what: "the keys changed, but the DS record at the parent did not",
        finding: "ds-matches-no-key",
        set: |stage| signed_with(stage, ZoneFault::DsMismatch),
    },
    Incident {
        what: "the zone moved to a provider that does not sign, but its DS record stayed",
        finding: "key-missing",
        set: |stage| signed_with(stage, ZoneFault::DsWithoutDnskey),
    },
    Incident {
        what: "the MX host is an alias that leads back to itself through another name",
        finding: "alias-loop",
        set: |stage| {
            stage.zone(
                Zone::signed("example.com.")
                    .mx("@", 10, "mx1")
                    .cname("mx1", "mail")
                    .cname("mail", "mx1"),
            );
        },
    },
    Incident {
        what: "a name server does not load the zone, and answers everything with SERVFAIL",
        finding: "name-server-lacks-zone",
        set: |stage| served_with(stage, NameServerFault::NotLoaded),
    },
    Incident {
        what: "no name server loads the zone, so nothing in it can be looked up",
        finding: "zone-not-loaded",
        set: |stage| {
            served_with(stage, NameServerFault::NotLoaded);
            stage.name_server_misbehaving(NS1.into(), NameServerFault::Refused);
            for rtype in [Rtype::SOA, Rtype::NS, Rtype::MX] {
                stage.lookup_misbehaving("example.com.", rtype, Misbehaviour::ServFail);
            }
        },
    },
    Incident {
        what: "a firewall or a name server answers A queries and drops TLSA queries",
        finding: "name-server-silent",
        set: |stage| {
            served_with(stage, NameServerFault::SilentToTlsa);
            stage.name_server_misbehaving(NS1.into(), NameServerFault::SilentToTlsa);
            stage.lookup_misbehaving(
                "_25._tcp.mx1.example.com.",
                Rtype::TLSA,
                Misbehaviour::ServFail,
            );
        },
    },
    Incident {
        what: "one of the name servers fails at TLSA, so every other lookup fails",
        finding: "name-server-fails",
        set: |stage| served_with(stage, NameServerFault::ServFailToTlsa),
    },
    Incident {
        what: "some of the name servers do not do DNSSEC",
        finding: "name-server-lacks-signatures",
        set: |stage| served_with(stage, NameServerFault::LacksSignature),
    },
    Incident {
        what: "some of the name servers send denials with a broken NSEC chain",
        finding: "name-server-answer-bogus",
        set: |stage| served_with(stage, NameServerFault::DenialIncomplete),
    },
    Incident {
        what: "a secondary lacks the records",
        finding: "name-servers-disagree",
        set: |stage| served_with(stage, NameServerFault::LacksRecord),
    },
    Incident {
        what: "a secondary gets no zone transfers and has old records",
        finding: "name-server-behind",
        set: |stage| served_with(stage, NameServerFault::OldSerial),
    },
    Incident {
        what: "somebody removed the DS record, and nobody noticed",
        finding: "signed-without-ds",
        set: |stage| signed_with(stage, ZoneFault::DsMissing),
    },
    Incident {
        what: "the DS record was lost in a move, and TLSA records that nobody uses stay",
        finding: "tlsa-left-over",
        set: |stage| signed_with(stage, ZoneFault::DsMissing),
    },
    Incident {
        what: "the provider of the records does not sign",
        finding: "tlsa-not-signed",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(signed().cname(TLSA1, "_25._tcp.mx1.example.net."));
            stage.zone(Zone::unsigned("example.net.").tlsa(TLSA1, &identity.tlsa(3, 1, 1)));
            stage.server(MX1, MailServer::new(identity));
        },
    },
    Incident {
        what: "the MX record names an alias, which mail systems treat differently",
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

pub(crate) const UNSIGNED_PROVIDERS: &[Incident] = &[
    Incident {
        what: "the provider's host is not signed, so senders do not even ask for its TLSA records",
        finding: "host-not-signed",
        set: |stage| {
            hosted(
                stage,
                Zone::signed("example.com."),
                Zone::unsigned("example.net."),
            );
            stage.lookup_misbehaving(
                "_25._tcp.mx1.example.net.",
                Rtype::TLSA,
                Misbehaviour::NotImp,
            );
        },
    },
    Incident {
        what: "the domain is not signed, but its provider's host has TLSA records",
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

pub(crate) const RESOLVERS: &[Incident] = &[
    Incident {
        what: "the sender's resolver does not validate, so DANE is silently off",
        finding: "resolver-does-not-validate",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let record = identity.tlsa(3, 1, 1);
            publishing(stage, identity, &[&record]);
            stage.resolver(ResolverKind::NotValidating);
        },
    },
    Incident {
        what: "the sender's resolver has an address of its own for the mail server",
        finding: "resolver-answers-otherwise",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            let record = identity.tlsa(3, 1, 1);
            publishing(stage, identity, &[&record]);
            stage.zone(Zone::unsigned("local.test.").records("mx A 10.0.0.25"));
            stage.lookup_misbehaving(
                "mx1.example.com.",
                Rtype::A,
                Misbehaviour::LocalDataOf("mx.local.test."),
            );
        },
    },
];
