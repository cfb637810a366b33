//! TLSA records and what they match.

use crate::demo::stage::Stage;
use danecheck_world::pki::{KeyKind, Leaf, Validity, stale_tlsa};
use danecheck_world::smtp::MailServer;

use super::super::case::Case;
use super::domain::{TLSA1, healthy, serve, signed_domain};

/// One healthy server whose TLSA records are these.
fn publishing(stage: &mut Stage, records: &[&str]) {
    let identity = stage.identity("mx1.example.com");
    with_identity(stage, &identity, records);
}

fn with_identity(stage: &mut Stage, identity: &danecheck_world::pki::Identity, records: &[&str]) {
    let zone = records
        .iter()
        .fold(signed_domain(), |zone, record| zone.tlsa(TLSA1, record));
    stage.zone(zone);
    healthy(stage, identity);
}

pub(super) const ALL_WELL: Case = Case {
    name: "all-well",
    title: "3 1 1 of the server's key",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        with_identity(stage, &identity, &[&identity.tlsa(3, 1, 1)]);
    },
};

pub(super) const ANCHOR_WELL: Case = Case {
    name: "anchor-well",
    title: "2 1 1 of the authority that the server sends",
    set: |stage| {
        let record = stage.issuer.tlsa(2, 1, 1);
        publishing(stage, &[&record]);
    },
};

pub(super) const EXPIRED_CERTIFICATE: Case = Case {
    name: "expired-certificate",
    title: "the certificate has expired, but 3 1 1 needs only the key",
    set: |stage| {
        let leaf = Leaf::new(["mx1.example.com"]).validity(Validity::EXPIRED);
        let identity = stage.issuer.issue(leaf);
        with_identity(stage, &identity, &[&identity.tlsa(3, 1, 1)]);
    },
};

pub(super) const ROLL_OVER: Case = Case {
    name: "roll-over",
    title: "3 1 1 of this key and of the next",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        let next = stale_tlsa(3, 1, 1);
        with_identity(stage, &identity, &[&identity.tlsa(3, 1, 1), &next]);
    },
};

pub(super) const OTHER_CERTIFICATE_WITHOUT_SNI: Case = Case {
    name: "other-certificate-without-sni",
    title: "the right certificate only with SNI",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(signed_domain().tlsa(TLSA1, &identity.tlsa(3, 1, 1)));
        let other = Leaf::new(["hosting.example.net"]).self_signed(stage.now);
        serve(
            stage,
            MailServer::new(other).showing_to("mx1.example.com", identity),
        );
    },
};

pub(super) const SECOND_CERTIFICATE: Case = Case {
    name: "second-certificate",
    title: "ECDSA and RSA, a record only for ECDSA (--thorough)",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        let rsa = Leaf::new(["mx1.example.com"]).key(KeyKind::Rsa2048);
        let server = MailServer::new(identity.clone()).having_also(stage.issuer.issue(rsa));
        stage.zone(signed_domain().tlsa(TLSA1, &identity.tlsa(3, 1, 1)));
        serve(stage, server);
        stage.looked_at_thoroughly();
    },
};

pub(super) const STALE_KEY: Case = Case {
    name: "stale-key",
    title: "new key, 3 1 1 of the old one",
    set: |stage| publishing(stage, &[&stale_tlsa(3, 1, 1)]),
};

pub(super) const STALE_CERTIFICATE: Case = Case {
    name: "stale-certificate",
    title: "new certificate, 3 0 1 of the old one",
    set: |stage| publishing(stage, &[&stale_tlsa(3, 0, 1)]),
};

pub(super) const STALE_SHA512: Case = Case {
    name: "stale-sha512",
    title: "stale 3 1 2 beside a right 3 1 1",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        let stale = stale_tlsa(3, 1, 2);
        with_identity(stage, &identity, &[&identity.tlsa(3, 1, 1), &stale]);
    },
};

pub(super) const ANCHOR_NOT_SENT: Case = Case {
    name: "anchor-not-sent",
    title: "2 1 1 of a root that the server does not send",
    set: |stage| {
        let record = stage.root.tlsa(2, 1, 1);
        publishing(stage, &[&record]);
    },
};

pub(super) const ANCHOR_WRONG_NAME: Case = Case {
    name: "anchor-wrong-name",
    title: "2 1 1 is right, the certificate is for another host",
    set: |stage| {
        let identity = stage.identity("other.example.net");
        let record = stage.issuer.tlsa(2, 1, 1);
        with_identity(stage, &identity, &[&record]);
    },
};

pub(super) const ANCHOR_EXPIRED: Case = Case {
    name: "anchor-expired",
    title: "2 1 1 is right, the certificate has expired",
    set: |stage| {
        let leaf = Leaf::new(["mx1.example.com"]).validity(Validity::EXPIRED);
        let identity = stage.issuer.issue(leaf);
        let record = stage.issuer.tlsa(2, 1, 1);
        with_identity(stage, &identity, &[&record]);
    },
};

pub(super) const LEAF_AS_ANCHOR: Case = Case {
    name: "leaf-as-anchor",
    title: "2 1 1 of the server's own key",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        with_identity(stage, &identity, &[&identity.tlsa(2, 1, 1)]);
    },
};

pub(super) const USAGE_1_ONLY: Case = Case {
    name: "usage-1-only",
    title: "1 1 1, which mail servers do not use",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        with_identity(stage, &identity, &[&identity.tlsa(1, 1, 1)]);
    },
};

pub(super) const USAGE_1_BESIDE_3: Case = Case {
    name: "usage-1-beside-3",
    title: "1 1 1 beside a right 3 1 1",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        let records = [identity.tlsa(3, 1, 1), identity.tlsa(1, 1, 1)];
        with_identity(stage, &identity, &records.each_ref().map(String::as_str));
    },
};

pub(super) const MALFORMED_RECORD: Case = Case {
    name: "malformed-record",
    title: "3 1 1 with five bytes of digest",
    set: |stage| publishing(stage, &["3 1 1 0123456789"]),
};

pub(super) const NO_TLSA: Case = Case {
    name: "no-tlsa",
    title: "all signed, no TLSA record",
    set: |stage| publishing(stage, &[]),
};
