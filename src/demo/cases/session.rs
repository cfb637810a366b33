//! Faults of the SMTP session.

use crate::demo::stage::Stage;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use super::super::case::Case;
use super::domain::{MX1, MX1_V6, TLSA1, serve, signed_domain};

/// The right TLSA record, and a server that does this.
fn server_that(stage: &mut Stage, misbehaviour: Misbehaviour) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(signed_domain().tlsa(TLSA1, &identity.tlsa(3, 1, 1)));
    serve(stage, MailServer::new(identity).misbehaving([misbehaviour]));
}

/// The right TLSA record, and no server.
fn nobody(stage: &mut Stage) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(signed_domain().tlsa(TLSA1, &identity.tlsa(3, 1, 1)));
}

pub(super) const STARTTLS_GONE: Case = Case {
    name: "starttls-gone",
    title: "TLSA promises TLS, the server does not offer it",
    set: |stage| server_that(stage, Misbehaviour::NoStartTls),
};

pub(super) const STARTTLS_REFUSED_FOR_NOW: Case = Case {
    name: "starttls-refused-for-now",
    title: "STARTTLS is answered with 454",
    set: |stage| server_that(stage, Misbehaviour::StartTls454),
};

pub(super) const STARTTLS_REFUSED_FOR_GOOD: Case = Case {
    name: "starttls-refused-for-good",
    title: "STARTTLS is answered with 554",
    set: |stage| server_that(stage, Misbehaviour::StartTls554),
};

pub(super) const STARTTLS_NO_REPLY: Case = Case {
    name: "starttls-no-reply",
    title: "the server closes the connection at STARTTLS",
    set: |stage| server_that(stage, Misbehaviour::DropBeforeStartTlsReply),
};

pub(super) const HANDSHAKE_FAILS: Case = Case {
    name: "handshake-fails",
    title: "the TLS handshake fails",
    set: |stage| server_that(stage, Misbehaviour::HandshakeAlert),
};

pub(super) const NO_TLS_NO_DANE: Case = Case {
    name: "no-tls-no-dane",
    title: "neither STARTTLS nor TLSA",
    set: |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(signed_domain());
        serve(
            stage,
            MailServer::new(identity).misbehaving([Misbehaviour::NoStartTls]),
        );
    },
};

pub(super) const REFUSED_IN_GREETING: Case = Case {
    name: "refused-in-greeting",
    title: "the server greets with 554",
    set: |stage| server_that(stage, Misbehaviour::Greeting554),
};

pub(super) const CONNECTION_REFUSED: Case = Case {
    name: "connection-refused",
    title: "the server does not listen",
    set: |stage| {
        nobody(stage);
        stage.refusing(MX1);
        stage.refusing(MX1_V6);
    },
};

pub(super) const PORT_BLOCKED: Case = Case {
    name: "port-blocked",
    title: "no mail server can be reached from here",
    set: nobody,
};
