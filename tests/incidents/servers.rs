//! Mail servers that cannot be reached, or with which no TLS comes about.

use std::time::Duration;

use danecheck::world::smtp::{MailServer, Misbehaviour};

use crate::ground::{Incident, MX1_IPV6, server_that};
use crate::support::domain::{MX1, TLSA1, in_order, signed};

pub(crate) const WITHOUT_TLS: &[Incident] = &[
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

pub(crate) const HANDSHAKES: &[Incident] = &[
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
