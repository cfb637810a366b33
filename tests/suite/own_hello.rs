//! Policy lines that ask for a ClientHello of their own: another server name, a
//! newest version, other suites. What real Postfix does with each is in the lab.

use std::collections::BTreeMap;

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::observe;
use danecheck_core::judge::{Channel, Delivery, Horizon};
use danecheck_core::observation::{LocalSenderSeen, Observation, PolicyLookup, TableAnswer};
use danecheck_core::overrides::{OverrideStatus, OverridesReport};
use danecheck_core::postfix::{LineHello, PolicyLine};
use danecheck_core::report::Report;
use danecheck_core::sender::{Sender, System};
use danecheck_world::dns::Zone;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::program::overrides_on;
use crate::support::{Temporary, now};

/// A server for each domain.
fn servers() -> [(&'static str, &'static [Misbehaviour]); 5] {
    [
        ("whole.example", &[]),
        ("new.example", &[Misbehaviour::Tls13Only]),
        ("old.example", &[Misbehaviour::Tls12Only]),
        // Refuses names that it does not know, and clients that send none.
        ("strict.example", &[Misbehaviour::UnrecognizedNameAlert]),
        ("clear.example", &[Misbehaviour::NoStartTls]),
    ]
}

async fn ground() -> (RunningStage, Temporary) {
    let mut stage = Stage::new(now());
    let ca = Temporary::with("pem", &stage.root.certificate().pem());
    for (number, (domain, ways)) in servers().into_iter().enumerate() {
        let host = format!("mx.{domain}");
        let address = format!("192.0.2.{}", number + 1);
        // The certificate of the MX host comes only to who asks for it by name.
        let server = MailServer::new(stage.identity("other.example"))
            .showing_to(&host, stage.identity(&host))
            .misbehaving(ways.iter().cloned());
        let zone = Zone::signed(&format!("{domain}.")).mx("@", 10, "mx");
        stage.zone(zone.records(&format!("mx A {address}")));
        stage.server(&address, server);
    }
    (stage.start().await.unwrap(), ca)
}

/// What happens to mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mail {
    /// Delivered, and how.
    Sent(Channel),
    /// Delivered after the retry in plain text.
    Late,
    Waits,
    /// danecheck does not know.
    Unknown,
}

use Channel::{Authenticated, Encrypted, Plaintext};
use Mail::{Late, Sent, Unknown, Waits};

/// Each line, and what real Postfix does with mail under it.
const LINES: &[(&str, &str, Mail)] = &[
    // Another server name.
    (
        "whole.example",
        "secure match=mx.whole.example servername=hostname",
        Sent(Authenticated),
    ),
    ("whole.example", "secure match=mx.whole.example", Waits),
    (
        "whole.example",
        "secure match=mx.whole.example servername=mx.whole.example",
        Sent(Authenticated),
    ),
    (
        "whole.example",
        "secure match=mx.whole.example servername=nexthop",
        Waits,
    ),
    (
        "whole.example",
        "encrypt servername=mail.unknown.example",
        Sent(Encrypted),
    ),
    (
        "strict.example",
        "secure match=mx.strict.example servername=hostname",
        Sent(Authenticated),
    ),
    (
        "strict.example",
        "encrypt servername=hostname",
        Sent(Encrypted),
    ),
    (
        "strict.example",
        "encrypt servername=mail.unknown.example",
        Waits,
    ),
    ("strict.example", "encrypt servername=nexthop", Waits),
    ("strict.example", "encrypt", Waits),
    (
        "strict.example",
        "may servername=mail.unknown.example",
        Late,
    ),
    (
        "old.example",
        "secure match=mx.old.example servername=hostname protocols=TLSv1.2",
        Sent(Authenticated),
    ),
    // A newest version.
    ("new.example", "encrypt protocols=TLSv1.2", Waits),
    ("new.example", "encrypt protocols=!TLSv1.3", Waits),
    ("new.example", "encrypt protocols=<=TLSv1.2", Waits),
    ("new.example", "may protocols=<=TLSv1.2", Late),
    (
        "new.example",
        "secure match=mx.new.example servername=hostname protocols=TLSv1.2",
        Waits,
    ),
    ("new.example", "dane protocols=TLSv1.2", Late),
    (
        "new.example",
        "encrypt protocols=>=TLSv1.2",
        Sent(Encrypted),
    ),
    ("new.example", "encrypt protocols=TLSv1.3", Sent(Encrypted)),
    (
        "whole.example",
        "encrypt protocols=TLSv1.2",
        Sent(Encrypted),
    ),
    (
        "whole.example",
        "encrypt protocols=<=TLSv1.2",
        Sent(Encrypted),
    ),
    (
        "whole.example",
        "secure match=mx.whole.example servername=hostname protocols=TLSv1.2",
        Sent(Authenticated),
    ),
    ("old.example", "encrypt protocols=TLSv1.2", Sent(Encrypted)),
    ("old.example", "encrypt protocols=!TLSv1.2", Waits),
    ("old.example", "encrypt protocols=TLSv1.3", Waits),
    // Above a hole OpenSSL offers nothing.
    ("new.example", "encrypt protocols=!TLSv1.2", Waits),
    ("whole.example", "encrypt protocols=!TLSv1.2", Waits),
    // Suites.
    ("old.example", "encrypt exclude=ECDHE", Waits),
    ("old.example", "encrypt exclude=kECDHE:aNULL", Waits),
    (
        "old.example",
        "encrypt exclude=aNULL:AES256:AES128:CHACHA20",
        Waits,
    ),
    ("old.example", "may exclude=ECDHE", Late),
    ("old.example", "encrypt exclude=AES256", Sent(Encrypted)),
    (
        "old.example",
        "encrypt exclude=AES256:AES128",
        Sent(Encrypted),
    ),
    (
        "old.example",
        "encrypt exclude=RC4:3DES:MD5:eNULL",
        Sent(Encrypted),
    ),
    (
        "old.example",
        "encrypt exclude=kRSA:DHE:SHA1",
        Sent(Encrypted),
    ),
    ("old.example", "encrypt ciphers=high", Sent(Encrypted)),
    ("old.example", "encrypt exclude=NONSENSE", Unknown),
    ("old.example", "encrypt ciphers=null", Unknown),
    // No list of ciphers touches TLS 1.3.
    ("whole.example", "encrypt exclude=ECDHE", Sent(Encrypted)),
    ("new.example", "encrypt exclude=ECDHE:AES", Sent(Encrypted)),
    ("new.example", "encrypt exclude=NONSENSE", Sent(Encrypted)),
    (
        "whole.example",
        "encrypt exclude=ECDHE protocols=TLSv1.2",
        Waits,
    ),
    // Nothing is left: OpenSSL refuses the list itself.
    (
        "new.example",
        "encrypt exclude=ECDHE:ECDH:DHE:DH:kRSA",
        Waits,
    ),
    // Before TLS none of it matters.
    (
        "clear.example",
        "encrypt servername=hostname protocols=TLSv1.2",
        Waits,
    ),
    (
        "clear.example",
        "may exclude=ECDHE servername=x.example",
        Sent(Plaintext),
    ),
];

#[tokio::test]
async fn a_line_is_judged_by_its_own_client_hello() {
    let (stage, ca) = ground().await;
    let mut wrong = Vec::new();
    for (domain, value, expected) in LINES {
        let line = format!("{domain} {value}\n");
        let ran = overrides_on(&stage, &ca, &["--json"], &line).await;
        let report: OverridesReport = serde_json::from_str(&ran.stdout).unwrap();
        let one = &report.overrides[0];
        let with = one.with.as_ref();
        let is = match (one.word, with) {
            (OverrideStatus::CouldNotTell, _) => Unknown,
            // A fault that Postfix notices at the handshake.
            (_, Some(with)) => match with.delivery {
                Delivery::Delivered => Sent(with.channel.unwrap()),
                Delivery::DeliveredAfterRetry => Late,
                Delivery::Deferred | Delivery::Bounced => Waits,
            },
            (word, None) => panic!("{word:?}"),
        };
        if is != *expected {
            wrong.push(format!(
                "{line}   {is:?} instead of {expected:?}: {}",
                one.reason
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The domain as a check for this line sees it.
async fn seen(stage: &RunningStage, domain: &str, value: &str) -> Observation {
    let line = PolicyLine::parse(value, None).unwrap();
    let mut setup = stage.setup();
    let hellos = [(domain.to_owned(), vec![LineHello::of(&line)])];
    setup.hellos = std::sync::Arc::new(hellos.into());
    observe(&domain.parse().unwrap(), &setup).await
}

fn own(observation: &Observation) -> usize {
    let addresses = observation.hosts.iter().flat_map(|host| &host.addresses);
    addresses.map(|address| address.own_hellos.len()).sum()
}

#[tokio::test]
async fn what_the_usual_sessions_show_is_not_asked_again() {
    let (stage, _ca) = ground().await;
    for (domain, value, sessions) in [
        ("whole.example", "encrypt", 0),
        ("whole.example", "encrypt protocols=>=TLSv1.2", 0),
        ("whole.example", "encrypt exclude=ECDHE", 0),
        ("old.example", "encrypt protocols=TLSv1.2", 0),
        ("old.example", "encrypt exclude=kRSA", 0),
        (
            "clear.example",
            "encrypt servername=hostname protocols=TLSv1.2",
            0,
        ),
        ("whole.example", "encrypt protocols=TLSv1.2", 1),
        ("old.example", "encrypt exclude=ECDHE", 1),
        ("whole.example", "encrypt servername=hostname", 1),
        (
            "new.example",
            "encrypt servername=hostname protocols=TLSv1.2",
            2,
        ),
    ] {
        let observation = seen(&stage, domain, value).await;
        assert_eq!(own(&observation), sessions, "{domain} {value}");
        // It can be saved and read.
        let text = serde_json::to_string(&observation).unwrap();
        assert_eq!(
            serde_json::from_str::<Observation>(&text).unwrap(),
            observation
        );
    }
}

/// The Postfix on this machine, with this main.cf and this line for the domain.
fn local(domain: &str, main_cf: &[(&str, &str)], line: Option<&str>) -> LocalSenderSeen {
    let usual = [
        ("mail_version", "3.10.13"),
        ("smtp_dns_support_level", "dnssec"),
        ("smtp_tls_security_level", "encrypt"),
        ("smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"),
        ("smtp_tls_protocols", ">=TLSv1"),
        ("smtp_tls_mandatory_protocols", ">=TLSv1"),
    ];
    let all = usual.iter().chain(main_cf);
    LocalSenderSeen {
        openssl: None,
        unread: BTreeMap::new(),
        parameters: all
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<String, String>>(),
        lookups: vec![PolicyLookup {
            table: "texthash:/etc/postfix/tls_policy".to_owned(),
            key: domain.to_owned(),
            answer: line.map_or(TableAnswer::NotFound, |line| {
                TableAnswer::Found(line.to_owned())
            }),
        }],
    }
}

#[tokio::test]
async fn main_cf_asks_for_it_too() {
    let (stage, _ca) = ground().await;
    let sender = Sender {
        system: System::Local,
        ..Sender::default()
    };
    for (domain, main_cf, line, delivery) in [
        (
            "strict.example",
            &[("smtp_tls_servername", "hostname")][..],
            None,
            Delivery::Delivered,
        ),
        (
            "strict.example",
            &[("smtp_tls_servername", "mail.unknown.example")],
            None,
            Delivery::Deferred,
        ),
        ("strict.example", &[], None, Delivery::Deferred),
        (
            "new.example",
            &[("smtp_tls_mandatory_protocols", "TLSv1.2")],
            None,
            Delivery::Deferred,
        ),
        (
            "new.example",
            &[("smtp_tls_protocols", "TLSv1.2")],
            None,
            Delivery::Delivered,
        ),
        (
            "new.example",
            &[("smtp_tls_mandatory_protocols", "TLSv1.2")],
            Some("encrypt protocols="),
            Delivery::Delivered,
        ),
        (
            "old.example",
            &[("smtp_tls_mandatory_exclude_ciphers", "aNULL, ECDHE")],
            None,
            Delivery::Deferred,
        ),
        (
            "old.example",
            &[("smtp_tls_exclude_ciphers", "ECDHE")],
            None,
            Delivery::Deferred,
        ),
        (
            "old.example",
            &[("smtp_tls_exclude_ciphers", "ECDHE")],
            Some("encrypt exclude=RC4"),
            Delivery::Delivered,
        ),
        (
            "old.example",
            &[("smtp_tls_mandatory_ciphers", "high")],
            None,
            Delivery::Delivered,
        ),
        (
            "old.example",
            &[("smtp_tls_mandatory_ciphers", "nonsense")],
            Some("encrypt ciphers=medium"),
            Delivery::Delivered,
        ),
        (
            "old.example",
            &[("smtp_tls_mandatory_exclude_ciphers", "ECDHE")],
            Some("may"),
            Delivery::Delivered,
        ),
    ] {
        let seen_here = local(domain, main_cf, line);
        let mut setup = stage.setup();
        let hellos = danecheck_core::sender::local_hellos(&seen_here);
        setup.hellos = std::sync::Arc::new([(domain.to_owned(), hellos)].into());
        let observation = Observation {
            local_sender: Some(seen_here),
            ..observe(&domain.parse().unwrap(), &setup).await
        };
        let report = Report::to(&observation, Horizon::default(), &sender);
        let outcome = report.sender.unwrap().outcome;
        assert_eq!(
            outcome.delivery, delivery,
            "{domain} {main_cf:?} {line:?}: {outcome:?}"
        );
    }
}

/// What happens at `none`, `may`, `encrypt`, `dane` and `verify` on this machine.
async fn at_each_level(name: &str) -> [Delivery; 5] {
    let (stage, _ca) = ground().await;
    let domain = "strict.example";
    let seen_here = local(domain, &[("smtp_tls_servername", name)], None);
    let mut setup = stage.setup();
    let hellos = danecheck_core::sender::local_hellos(&seen_here);
    setup.hellos = std::sync::Arc::new([(domain.to_owned(), hellos)].into());
    let observation = Observation {
        local_sender: Some(seen_here),
        ..observe(&domain.parse().unwrap(), &setup).await
    };
    let sender = Sender {
        system: System::Local,
        ..Sender::default()
    };
    let report = Report::to(&observation, Horizon::default(), &sender);
    let it = report.sender.unwrap().outcomes;
    [&it.none, &it.may, &it.encrypt, &it.dane, &it.verify].map(|outcome| outcome.delivery)
}

#[tokio::test]
async fn the_server_name_of_main_cf_counts_at_each_level() {
    use Delivery::{Deferred, Delivered, DeliveredAfterRetry};
    // The server refuses clients that send no name. There is no TLSA record, so that
    // `dane` becomes `may`, and the name still counts.
    let right = [Delivered; 5];
    assert_eq!(at_each_level("mx.strict.example").await, right);
    assert_eq!(at_each_level("hostname").await, right);
    let refused = [
        Delivered,
        DeliveredAfterRetry,
        Deferred,
        DeliveredAfterRetry,
        Deferred,
    ];
    assert_eq!(at_each_level("mail.unknown.example").await, refused);
    assert_eq!(at_each_level("").await, refused);
    // No host name: "specifies an invalid hostname".
    let invalid = [Delivered, Deferred, Deferred, Deferred, Deferred];
    assert_eq!(at_each_level("no_name-").await, invalid);
}

#[tokio::test]
async fn where_it_was_not_sent_nobody_is_told_that_mail_flows() {
    let (stage, _ca) = ground().await;
    let sender = Sender {
        system: System::Local,
        ..Sender::default()
    };
    for (domain, line) in [
        ("new.example", "encrypt protocols=TLSv1.2"),
        ("old.example", "encrypt exclude=ECDHE"),
        (
            "whole.example",
            "secure match=mx.whole.example servername=hostname",
        ),
    ] {
        // A saved observation from a check that knew nothing of the line.
        let observation = Observation {
            local_sender: Some(local(domain, &[], Some(line))),
            ..stage.observe(domain).await.unwrap()
        };
        let report = Report::to(&observation, Horizon::default(), &sender);
        let outcome = report.sender.unwrap().outcome;
        assert!(!outcome.is_told(), "{domain} {line}: {outcome:?}");
        let reason = report.recommendation.reason;
        assert!(reason.contains("ClientHello"), "{reason}");
    }
}
