//! Several hosts, several addresses.

use crate::demo::stage::Stage;
use danecheck_world::dns::Zone;
use danecheck_world::pki::{Identity, stale_tlsa};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use super::super::case::Case;
use super::domain::{MX1, MX2, TLSA1};

const TLSA2: &str = "_25._tcp.mx2";

/// `example.com` signed, with two MX hosts.
fn two_hosts(second_preference: u16) -> Zone {
    Zone::signed("example.com.")
        .mx("@", 10, "mx1")
        .mx("@", second_preference, "mx2")
        .records(&format!("mx1 A {MX1}\nmx2 A {MX2}"))
}

fn both(stage: &mut Stage, first: MailServer, second: MailServer) {
    stage.server(MX1, first.calling_itself("mx1.example.com"));
    stage.server(MX2, second.calling_itself("mx2.example.com"));
}

fn identities(stage: &Stage) -> (Identity, Identity) {
    (
        stage.identity("mx1.example.com"),
        stage.identity("mx2.example.com"),
    )
}

pub(super) const ONE_BAD_MX_OF_TWO: Case = Case {
    name: "one-bad-mx-of-two",
    title: "the first MX host is stale, the second works",
    set: |stage| {
        let (first, second) = identities(stage);
        stage.zone(
            two_hosts(20)
                .tlsa(TLSA1, &stale_tlsa(3, 1, 1))
                .tlsa(TLSA2, &second.tlsa(3, 1, 1)),
        );
        both(stage, MailServer::new(first), MailServer::new(second));
    },
};

pub(super) const ONE_BAD_ADDRESS_OF_TWO: Case = Case {
    name: "one-bad-address-of-two",
    title: "one of two addresses shows another certificate",
    set: |stage| {
        let (first, other) = identities(stage);
        stage.zone(
            Zone::signed("example.com.")
                .mx("@", 10, "mx1")
                .records(&format!("mx1 A {MX1}\nmx1 A {MX2}"))
                .tlsa(TLSA1, &first.tlsa(3, 1, 1)),
        );
        both(stage, MailServer::new(first), MailServer::new(other));
    },
};

pub(super) const BACKUP_WITHOUT_DANE: Case = Case {
    name: "backup-without-dane",
    title: "the first is stale, the backup has neither TLSA nor TLS",
    set: |stage| {
        let (first, second) = identities(stage);
        stage.zone(two_hosts(20).tlsa(TLSA1, &stale_tlsa(3, 1, 1)));
        both(
            stage,
            MailServer::new(first),
            MailServer::new(second).misbehaving([Misbehaviour::NoStartTls]),
        );
    },
};

pub(super) const UNEQUAL_EQUALS: Case = Case {
    name: "unequal-equals",
    title: "two equal MX hosts, one without DANE",
    set: |stage| {
        let (first, second) = identities(stage);
        stage.zone(two_hosts(10).tlsa(TLSA1, &first.tlsa(3, 1, 1)));
        both(stage, MailServer::new(first), MailServer::new(second));
    },
};
