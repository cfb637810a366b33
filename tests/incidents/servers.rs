//! Mail servers that cannot be reached, or with which TLS fails.

use std::time::Duration;

use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::ground::{Incident, MX1_IPV6, server_that};
use crate::support::domain::{MX1, TLSA1, in_order, signed};

pub(crate) const WITHOUT_TLS: &[Incident] = &[
    Incident {
        what: "there are TLSA records, but nobody switched TLS on",
        finding: "starttls-not-offered",
        set: |stage| server_that(stage, Misbehaviour::NoStartTls),
    },
    Incident {
        what: "port 25 has an alias to the records of port 465, but no STARTTLS",
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
        what: "the server answers STARTTLS with 454 over IPv4, and does not answer over IPv6",
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
        what: "the server cannot read its key file and answers STARTTLS with 454",
        finding: "starttls-refused-for-now",
        set: |stage| server_that(stage, Misbehaviour::StartTls454),
    },
    Incident {
        what: "the server answers STARTTLS with 554, and Postfix bounces",
        finding: "starttls-refused-for-good",
        set: |stage| server_that(stage, Misbehaviour::StartTls554),
    },
    Incident {
        what: "the server does not answer STARTTLS",
        finding: "starttls-no-reply",
        set: |stage| server_that(stage, Misbehaviour::DropBeforeStartTlsReply),
    },
    Incident {
        what: "a firewall that inspects SMTP overwrites the offer of STARTTLS",
        finding: "starttls-masked",
        set: |stage| server_that(stage, Misbehaviour::StartTlsMasked),
    },
    Incident {
        what: "port 25 is filtered at the place of the check",
        finding: "port-blocked-here",
        set: |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(in_order(&identity));
        },
    },
];

pub(crate) const HANDSHAKES: &[Incident] = &[
    Incident {
        what: "client and server have no common version or suite",
        finding: "handshake-failed",
        set: |stage| server_that(stage, Misbehaviour::HandshakeAlert),
    },
    Incident {
        what: "the server does not know the name under which DNS lists it, and ends the handshake",
        finding: "own-name-refused",
        set: |stage| server_that(stage, Misbehaviour::UnknownNameAlert),
    },
    Incident {
        what: "a filter in front of the server cuts handshakes that name a host (SNI)",
        finding: "sni-refused",
        set: |stage| server_that(stage, Misbehaviour::DropIfNamed),
    },
    Incident {
        what: "the server cuts handshakes that name no host, as of senders without DANE",
        finding: "sni-required",
        set: |stage| server_that(stage, Misbehaviour::DropUnlessNamed),
    },
    Incident {
        what: "the server supports only TLS 1.0 and suites without a certificate",
        finding: "tls-too-old",
        set: |stage| server_that(stage, Misbehaviour::Tls10Anonymous),
    },
    Incident {
        what: "the server requires a client certificate",
        finding: "client-certificate-required",
        set: |stage| server_that(stage, Misbehaviour::RequireClientCertificate),
    },
    Incident {
        what: "the server asks for a client certificate, and ends the handshake because of the \
               sender's",
        finding: "client-certificate-wanted",
        set: |stage| server_that(stage, Misbehaviour::AskForClientCertificate),
    },
];
