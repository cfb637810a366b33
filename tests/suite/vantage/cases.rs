//! Two views of one domain: `a` is from here, `b` from elsewhere. In the attacks
//! somebody sits between `a` and the domain.

use danecheck::demo::stage::Stage;
use danecheck_core::unix_time::UnixTime;
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, Zone};
use danecheck_world::https::PolicyServer;
use danecheck_world::pki::{Authority, Identity, KeyKind, Leaf, Validity};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{MX1, TLSA1, in_order, publishing, signed};
use crate::support::now;

const MX1_V6: &str = "2001:db8::10";
const OTHER: &str = "192.0.2.20";
const THIRD: &str = "192.0.2.30";
const WEB: &str = "192.0.2.80";
const HOST: &str = "mx1.example.com";

/// A case: its name, and both views.
pub(crate) type Case = (&'static str, fn(&mut View, &mut View));

/// The domain as it is seen from one place.
pub(crate) struct View {
    pub(crate) stage: Stage,
    /// The server's certificate, the same in both views.
    real: Identity,
    /// Another one of the same authority, the same in both views.
    next: Identity,
    /// That of an attacker.
    forged: Identity,
}

/// Two empty views under the same authorities.
pub(crate) fn views() -> (View, View) {
    let root = Authority::root("Demo Root X1", now());
    let issuer = root.intermediate("Demo R12");
    let real = issuer.issue(Leaf::new([HOST]));
    let next = issuer.issue(Leaf::new([HOST]).validity(Validity::days(0, 90)));
    let forged = Leaf::new([HOST]).self_signed(now());
    let view = || View {
        stage: Stage::under(now(), root.clone(), issuer.clone()),
        real: real.clone(),
        next: next.clone(),
        forged: forged.clone(),
    };
    (view(), view())
}

impl View {
    pub(crate) fn next(&self) -> Identity {
        self.next.clone()
    }

    fn server(&mut self, identity: &Identity, ways: &[Misbehaviour]) {
        let server = MailServer::new(identity.clone()).misbehaving(ways.iter().cloned());
        self.stage.server(MX1, server);
    }

    /// The domain in order.
    pub(crate) fn healthy(&mut self) {
        self.stage.zone(in_order(&self.real.clone()));
        self.server(&self.real.clone(), &[]);
    }

    /// The domain in order, but for what the server does.
    fn healthy_but(&mut self, way: Misbehaviour) {
        self.stage.zone(in_order(&self.real.clone()));
        self.server(&self.real.clone(), &[way]);
    }

    /// The right records, and this certificate.
    pub(crate) fn showing(&mut self, identity: &Identity) {
        self.stage.zone(in_order(&self.real.clone()));
        self.server(identity, &[]);
    }

    /// No records and no signatures, and this certificate at this address.
    fn unsigned_at(&mut self, address: &str, identity: &Identity) {
        let zone = Zone::unsigned("example.com.").mx("@", 10, "mx1");
        self.stage.zone(zone.records(&format!("mx1 A {address}")));
        self.stage
            .server(address, MailServer::new(identity.clone()));
    }

    /// A signed domain without TLSA records at these addresses, each with a
    /// certificate.
    fn at(&mut self, zone: Zone, servers: &[(&str, &Identity)]) {
        let zone = servers
            .iter()
            .fold(zone.mx("@", 10, "mx1"), |zone, (address, _)| {
                let rtype = if address.contains(':') { "AAAA" } else { "A" };
                zone.records(&format!("mx1 {rtype} {address}"))
            });
        self.stage.zone(zone);
        for (address, identity) in servers {
            self.stage
                .server(address, MailServer::new((*identity).clone()));
        }
    }

    /// The domain in order, with a policy of MTA-STS from this server.
    fn with_policy(&mut self, record: Option<&str>, mode: &str, web: &Identity) {
        let zone = Zone::unsigned("example.com.").mx("@", 10, "mx1");
        let zone = zone.records(&format!("mx1 A {MX1}\nmta-sts A {WEB}"));
        let zone = match record {
            Some(id) => zone.txt("_mta-sts", &format!("v=STSv1; id={id};")),
            None => zone,
        };
        self.stage.zone(zone);
        self.server(&self.real.clone(), &[]);
        let body = format!("version: STSv1\r\nmode: {mode}\r\nmx: {HOST}\r\nmax_age: 604800\r\n");
        self.stage
            .policy_server(WEB, PolicyServer::new(web.clone(), body));
    }

    fn web(&self) -> Identity {
        self.stage.identity("mta-sts.example.com")
    }
}

/// Somebody sits between `a` and the domain.
pub(crate) const ATTACKS: &[Case] = &[
    ("another certificate", |a, b| {
        let forged = a.forged.clone();
        a.showing(&forged);
        b.healthy();
    }),
    ("another certificate for a domain without DANE", |a, b| {
        let (forged, real) = (a.forged.clone(), b.real.clone());
        a.unsigned_at(MX1, &forged);
        b.unsigned_at(MX1, &real);
    }),
    ("a certificate of an impostor's CA", |a, b| {
        let impostor = a.stage.issuer.impostor().issue(Leaf::new([HOST]));
        a.showing(&impostor);
        b.healthy();
    }),
    ("a certificate minted just now", |a, b| {
        let fresh = Leaf::new([HOST]).validity(Validity::days(0, 90));
        let fresh = fresh.self_signed(now());
        a.showing(&fresh);
        b.healthy();
    }),
    ("a firewall whose CA this machine trusts", |a, b| {
        let firewall = Authority::root("Firewall CA", now());
        let issuer = firewall.intermediate("Firewall");
        let shown = issuer.issue(Leaf::new([HOST]));
        a.stage = Stage::under(now(), firewall, issuer);
        let real = b.real.clone();
        a.unsigned_at(MX1, &shown);
        b.unsigned_at(MX1, &real);
    }),
    (
        "a trusted CA's certificate that no record matches",
        |a, b| {
            let next = a.next.clone();
            a.showing(&next);
            b.healthy();
        },
    ),
    ("another certificate where no signatures arrive", |a, b| {
        let forged = a.forged.clone();
        a.showing(&forged);
        a.stage.resolver(ResolverKind::NotDnssecCapable);
        b.healthy();
    }),
    ("STARTTLS stripped", |a, b| {
        a.healthy_but(Misbehaviour::NoStartTls);
        b.healthy();
    }),
    ("STARTTLS masked", |a, b| {
        a.healthy_but(Misbehaviour::StartTlsMasked);
        b.healthy();
    }),
    ("STARTTLS refused", |a, b| {
        a.healthy_but(Misbehaviour::StartTls454);
        b.healthy();
    }),
    ("the connection cut after STARTTLS", |a, b| {
        a.healthy_but(Misbehaviour::DropAfterStartTlsReply);
        b.healthy();
    }),
    ("TLSA denied by a resolver that rewrites", |a, b| {
        a.healthy();
        let tlsa = "_25._tcp.mx1.example.com.";
        a.stage
            .lookup_misbehaving(tlsa, Rtype::TLSA, DnsMisbehaviour::BareNxDomain);
        b.healthy();
    }),
    ("TLSA denied where nobody validates", |a, b| {
        a.healthy();
        a.stage.resolver(ResolverKind::NotDnssecCapable);
        let tlsa = "_25._tcp.mx1.example.com.";
        a.stage
            .lookup_misbehaving(tlsa, Rtype::TLSA, DnsMisbehaviour::EmptyAnswer);
        b.healthy();
    }),
    ("TLSA lookups that fail", |a, b| {
        a.healthy();
        let tlsa = "_25._tcp.mx1.example.com.";
        a.stage
            .lookup_misbehaving(tlsa, Rtype::TLSA, DnsMisbehaviour::ServFail);
        b.healthy();
    }),
    ("a forged MX record", |a, b| {
        let forged = a.stage.identity("mx.evil.test");
        a.stage
            .zone(Zone::unsigned("example.com.").mx("@", 10, "mx.evil.test."));
        a.stage
            .zone(Zone::signed("evil.test.").records(&format!("mx A {OTHER}")));
        a.stage.server(OTHER, MailServer::new(forged));
        let real = b.real.clone();
        b.unsigned_at(MX1, &real);
    }),
    ("a forged address", |a, b| {
        let (forged, real) = (a.forged.clone(), b.real.clone());
        a.unsigned_at(OTHER, &forged);
        b.unsigned_at(MX1, &real);
    }),
    ("a forged address beside the real one", |a, b| {
        let (forged, real) = (a.forged.clone(), a.real.clone());
        let zone = || Zone::unsigned("example.com.");
        a.at(zone(), &[(MX1, &real), (OTHER, &forged)]);
        b.at(zone(), &[(MX1, &real)]);
    }),
    ("the announcement of MTA-STS removed", |a, b| {
        let web = b.web();
        a.with_policy(None, "enforce", &web);
        b.with_policy(Some("20261122"), "enforce", &web);
    }),
    ("a policy of MTA-STS from somebody else", |a, b| {
        let forged = Leaf::new(["mta-sts.example.com"]).self_signed(now());
        a.with_policy(Some("20261122"), "none", &forged);
        let web = b.web();
        b.with_policy(Some("20261122"), "enforce", &web);
    }),
    ("a connection refused", |a, b| {
        a.stage.zone(in_order(&a.real.clone()));
        a.stage.refusing(MX1);
        b.healthy();
    }),
];

/// Nobody sits between; whether all is the same.
pub(crate) const HEALTHY: &[(Case, bool)] = &[
    (
        ("nothing differs", |a, b| {
            a.healthy();
            b.healthy();
        }),
        true,
    ),
    (
        ("the same fault for everybody", |a, b| {
            for view in [a, b] {
                let next = view.next.clone();
                view.showing(&next);
            }
        }),
        true,
    ),
    (
        ("one resolver does not validate", |a, b| {
            a.healthy();
            a.stage.resolver(ResolverKind::NotValidating);
            b.healthy();
        }),
        true,
    ),
    (
        ("two certificates, both published", |a, b| {
            let (real, next) = (a.real.clone(), a.next.clone());
            for (view, identity) in [(a, &real), (b, &next)] {
                let records = [real.tlsa(3, 1, 1), next.tlsa(3, 1, 1)];
                view.stage.zone(publishing(records));
                view.server(identity, &[]);
            }
        }),
        false,
    ),
    (
        ("a renewal with its record", |a, b| {
            a.healthy();
            let next = b.next.clone();
            b.stage.zone(in_order(&next));
            b.server(&next, &[]);
        }),
        false,
    ),
    (
        ("a renewal from a trusted CA", |a, b| {
            let (real, next) = (a.real.clone(), b.next.clone());
            a.unsigned_at(MX1, &real);
            b.unsigned_at(MX1, &next);
        }),
        false,
    ),
    (
        ("a renewal with the same key", |a, b| {
            for (view, from) in [(a, -30), (b, -1)] {
                let validity = Validity::days(from, 60);
                let leaf = Leaf::new([HOST]).key(KeyKind::Rsa2048).validity(validity);
                view.unsigned_at(MX1, &leaf.self_signed(now()));
            }
        }),
        false,
    ),
    (
        ("an RSA and an ECDSA certificate", |a, b| {
            let rsa = b
                .stage
                .issuer
                .issue(Leaf::new([HOST]).key(KeyKind::Rsa2048));
            let real = a.real.clone();
            a.unsigned_at(MX1, &real);
            b.unsigned_at(MX1, &rsa);
        }),
        false,
    ),
    (
        ("round robin of unsigned addresses", |a, b| {
            let real = a.real.clone();
            let zone = || Zone::unsigned("example.com.");
            a.at(zone(), &[(MX1, &real), (OTHER, &real)]);
            b.at(zone(), &[(OTHER, &real), (THIRD, &real)]);
        }),
        false,
    ),
    (
        ("round robin of signed addresses", |a, b| {
            let real = a.real.clone();
            let zone = || Zone::signed("example.com.").tlsa(TLSA1, &real.tlsa(3, 1, 1));
            a.at(zone(), &[(MX1, &real), (OTHER, &real)]);
            b.at(zone(), &[(THIRD, &real)]);
        }),
        false,
    ),
    (
        ("two keys of two nodes, taken in turn", |a, b| {
            let one = Leaf::new([HOST]).self_signed(now());
            let other = Leaf::new([HOST]).self_signed(now());
            let zone = || Zone::unsigned("example.com.");
            a.at(zone(), &[(MX1, &one), (OTHER, &other)]);
            b.at(zone(), &[(MX1, &other), (OTHER, &one)]);
        }),
        false,
    ),
    (
        ("no IPv6 in one of the places", |a, b| {
            let real = a.real.clone();
            let zone = || Zone::signed("example.com.").tlsa(TLSA1, &real.tlsa(3, 1, 1));
            a.at(zone(), &[(MX1, &real), (MX1_V6, &real)]);
            b.stage.zone(
                zone()
                    .mx("@", 10, "mx1")
                    .records(&format!("mx1 A {MX1}\nmx1 AAAA {MX1_V6}")),
            );
            b.server(&real, &[]);
        }),
        false,
    ),
    (
        ("an old answer from a cache", |a, b| {
            let (real, next) = (a.real.clone(), a.next.clone());
            a.stage.zone(publishing([real.tlsa(3, 1, 1)]));
            let tlsa = "_25._tcp.mx1.example.com.";
            a.stage
                .lookup_misbehaving(tlsa, Rtype::TLSA, DnsMisbehaviour::Aged(60));
            a.server(&real, &[]);
            let records = [real.tlsa(3, 1, 1), next.tlsa(3, 1, 1)];
            b.stage.zone(publishing(records));
            b.server(&real, &[]);
        }),
        false,
    ),
    (
        ("a policy of MTA-STS that was changed", |a, b| {
            let web = a.web();
            a.with_policy(Some("20261122"), "testing", &web);
            b.with_policy(Some("20261129"), "enforce", &web);
        }),
        false,
    ),
    (
        ("a second MX record in a signed zone", |a, b| {
            a.healthy();
            let real = b.real.clone();
            b.stage.zone(
                signed()
                    .tlsa(TLSA1, &real.tlsa(3, 1, 1))
                    .mx("@", 20, "mx2")
                    .records(&format!("mx2 A {OTHER}")),
            );
            b.server(&real, &[]);
            b.stage.server(OTHER, MailServer::new(real));
        }),
        false,
    ),
    (
        ("TLSA records taken away in a signed zone", |a, b| {
            a.healthy();
            b.stage.zone(signed());
            b.server(&b.real.clone(), &[]);
        }),
        false,
    ),
];

/// Views of which one saw too little.
pub(crate) const UNKNOWN: &[Case] = &[
    ("port 25 is blocked in one of the places", |a, b| {
        a.stage.zone(in_order(&a.real.clone()));
        b.healthy();
    }),
    ("the server refuses one of the clients", |a, b| {
        a.healthy_but(Misbehaviour::Greeting554);
        b.healthy();
    }),
    ("the server refuses one of the clients for now", |a, b| {
        a.healthy_but(Misbehaviour::Ehlo421);
        b.healthy();
    }),
];

/// An hour later: the looks of a comparison are rarely at the same time.
pub(crate) fn later() -> UnixTime {
    UnixTime(now().0 + 3_600)
}
