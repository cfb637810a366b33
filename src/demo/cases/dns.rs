//! Faults in DNS and its signatures.

use crate::demo::stage::Stage;
use danecheck_world::dns::{Misbehaviour, NameServerFault, ResolverKind, Rtype, Zone, ZoneFault};
use danecheck_world::pki::Identity;
use danecheck_world::smtp::MailServer;

use super::super::case::Case;
use super::domain::{MX1, TLSA1, healthy, signed_domain};

/// A healthy server with the right record, and what is wrong with the zone.
fn well_but(stage: &mut Stage, change: impl FnOnce(Zone, &Identity) -> Zone) {
    let identity = stage.identity("mx1.example.com");
    let zone = signed_domain().tlsa(TLSA1, &identity.tlsa(3, 1, 1));
    stage.zone(change(zone, &identity));
    healthy(stage, &identity);
}

/// `example.com` whose MX host is in another domain.
fn hosted(stage: &mut Stage, domain: Zone, hosting: Zone) {
    let identity = stage.identity("mx1.example.net");
    stage.zone(domain.mx("@", 10, "mx1.example.net."));
    stage.zone(
        hosting
            .records(&format!("mx1 A {MX1}"))
            .tlsa(TLSA1, &identity.tlsa(3, 1, 1)),
    );
    stage.server(
        MX1,
        MailServer::new(identity).calling_itself("mx1.example.net"),
    );
}

pub(super) const NOTHING_SIGNED: Case = Case {
    name: "nothing-signed",
    title: "TLSA records in an unsigned zone",
    set: |stage| {
        hosted(
            stage,
            Zone::unsigned("example.com."),
            Zone::unsigned("example.net."),
        );
    },
};

pub(super) const MX_NOT_SIGNED: Case = Case {
    name: "mx-not-signed",
    title: "unsigned domain at a host with DANE",
    set: |stage| {
        hosted(
            stage,
            Zone::unsigned("example.com."),
            Zone::signed("example.net."),
        );
    },
};

pub(super) const HOST_NOT_SIGNED: Case = Case {
    name: "host-not-signed",
    title: "signed domain at an unsigned host",
    set: |stage| {
        hosted(
            stage,
            Zone::signed("example.com."),
            Zone::unsigned("example.net."),
        );
    },
};

pub(super) const TLSA_LOOKUP_FAILS: Case = Case {
    name: "tlsa-lookup-fails",
    title: "the TLSA lookup gets SERVFAIL",
    set: |stage| {
        let (ns1, ns2) = ([192, 0, 2, 53].into(), [192, 0, 2, 54].into());
        well_but(stage, |zone, _| {
            zone.name_server("ns1", ns1).name_server("ns2", ns2)
        });
        stage.lookup_misbehaving(
            "_25._tcp.mx1.example.com.",
            Rtype::TLSA,
            Misbehaviour::ServFail,
        );
        for address in [ns1, ns2] {
            stage.name_server_misbehaving(address, NameServerFault::ServFailToTlsa);
        }
    },
};

pub(super) const TLSA_SIGNATURE_BROKEN: Case = Case {
    name: "tlsa-signature-broken",
    title: "the signature of the TLSA records is wrong",
    set: |stage| {
        well_but(stage, |zone, _| {
            zone.with(ZoneFault::BadSignature {
                name: TLSA1.to_owned(),
                rtype: Rtype::TLSA,
            })
        });
    },
};

pub(super) const SIGNATURES_EXPIRED: Case = Case {
    name: "signatures-expired",
    title: "the signatures of the zone have expired",
    set: |stage| well_but(stage, |zone, _| zone.with(ZoneFault::SignaturesExpired)),
};

pub(super) const RESOLVER_BLIND: Case = Case {
    name: "resolver-blind",
    title: "the resolver does not validate",
    set: |stage| {
        well_but(stage, |zone, _| zone);
        stage.resolver(ResolverKind::NotValidating);
    },
};

pub(super) const NULL_MX: Case = Case {
    name: "null-mx",
    title: "the domain takes no mail",
    set: |stage| stage.zone(Zone::signed("example.com.").mx("@", 0, ".")),
};

pub(super) const NO_MX_RECORD: Case = Case {
    name: "no-mx-record",
    title: "mail goes to the domain's own address",
    set: |stage| {
        let identity = stage.identity("example.com");
        stage.zone(
            Zone::signed("example.com.")
                .records(&format!("@ A {MX1}"))
                .tlsa("_25._tcp", &identity.tlsa(3, 1, 1)),
        );
        stage.server(MX1, MailServer::new(identity).calling_itself("example.com"));
    },
};

pub(super) const MX_WITHOUT_ADDRESS: Case = Case {
    name: "mx-without-address",
    title: "the MX host has no address",
    set: |stage| stage.zone(Zone::signed("example.com.").mx("@", 10, "mx1")),
};

pub(super) const MX_BEHIND_ALIAS: Case = Case {
    name: "mx-behind-alias",
    title: "the MX host is an alias; TLSA at its target",
    set: |stage| {
        let identity = stage.identity("node7.example.com");
        stage.zone(
            Zone::signed("example.com.")
                .mx("@", 10, "mx1")
                .cname("mx1", "node7")
                .records(&format!("node7 A {MX1}"))
                .tlsa("_25._tcp.node7", &identity.tlsa(3, 1, 1)),
        );
        stage.server(
            MX1,
            MailServer::new(identity).calling_itself("node7.example.com"),
        );
    },
};
