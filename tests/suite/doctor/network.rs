//! The network between the machine and mail servers.

use danecheck::demo::stage::Stage;
use danecheck_core::doctor::{CheckStatus, Checkup};
use danecheck_world::pki::Leaf;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use super::machine::{Family, TARGETS, complaints, expect, machine, named, on, servers, zones};
use crate::support::now;

#[tokio::test]
async fn a_network_that_blocks_or_strips_is_told_from_one_server() {
    use CheckStatus::{Error, Unknown, Warning};
    let seen = on(|stage| servers(stage, Family::None, &[], None)).await;
    let checkup = Checkup::of(&seen);
    let bad = complaints(&checkup);
    assert_eq!(bad, ["port-25-ipv4", "port-25-ipv6"], "{checkup:#?}");
    let seen = on(|stage| servers(stage, Family::Four, &[], None)).await;
    expect("IPv6", &seen, "port-25-ipv6", Warning);
    for way in [
        Misbehaviour::NoStartTls,
        Misbehaviour::StartTlsMasked,
        Misbehaviour::StartTls454,
        Misbehaviour::DropAfterStartTlsReply,
    ] {
        let what = format!("{way:?}");
        let seen = on(|stage| servers(stage, Family::Both, &[way], None)).await;
        expect(&what, &seen, "starttls", Error);
    }
    let key = Leaf::new(["firewall.example"]).self_signed(now());
    let seen = on(|stage| servers(stage, Family::Both, &[], Some(&key))).await;
    expect("interception", &seen, "tls-end-to-end", Error);
    // One alone is no word against the network.
    for way in [Misbehaviour::NoStartTls, Misbehaviour::StartTlsMasked] {
        let mut stage = Stage::new(now());
        zones(&mut stage);
        servers(&mut stage, Family::Both, &[way], None);
        let stage = stage.start().await.unwrap();
        let seen = machine(stage.setup(), &TARGETS[..1]).await;
        let checkup = Checkup::of(&seen);
        assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
        let check = named(&checkup, "starttls");
        assert_eq!(check.status, Unknown, "{check:#?}");
    }
}

#[tokio::test]
async fn a_network_that_takes_connections_or_answers_itself_is_named() {
    let both = ["port-25-ipv4", "port-25-ipv6"];
    for way in [Misbehaviour::NoGreeting, Misbehaviour::DropBeforeGreeting] {
        let what = format!("{way:?}");
        let seen = on(|stage| servers(stage, Family::Both, &[way], None)).await;
        let checkup = Checkup::of(&seen);
        assert_eq!(complaints(&checkup), both, "{what}: {checkup:#?}");
        let message = &named(&checkup, both[0]).message;
        assert!(message.contains("does not greet"), "{what}: {message}");
    }
    let seen = on(|stage| servers(stage, Family::Both, &[Misbehaviour::Greeting554], None)).await;
    let checkup = Checkup::of(&seen);
    assert_eq!(complaints(&checkup), both, "{checkup:#?}");
    let check = named(&checkup, both[0]);
    assert_eq!(check.status, CheckStatus::Warning, "{check:#?}");
    assert!(check.evidence[0].contains("554"), "{check:#?}");
    // A firewall that overwrites the greeting and knows no EHLO.
    let ways = [
        Misbehaviour::GreetingReply("220 ****************************".to_owned()),
        Misbehaviour::EhloRefused5xx,
    ];
    let seen = on(|stage| servers(stage, Family::Both, &ways, None)).await;
    expect("220 ***", &seen, "starttls", CheckStatus::Error);
    // Two operators of one country.
    let mut seen =
        on(|stage| servers(stage, Family::Both, &[Misbehaviour::NoStartTls], None)).await;
    for (target, name) in seen
        .targets
        .iter_mut()
        .zip(["mx.one.co.uk", "mx.two.co.uk"])
    {
        target.hosts[0].name = name.to_owned();
    }
    expect("co.uk", &seen, "starttls", CheckStatus::Error);
    for (target, name) in seen.targets.iter_mut().zip(["a.one.co.uk", "b.one.co.uk"]) {
        target.hosts[0].name = name.to_owned();
    }
    assert_eq!(complaints(&Checkup::of(&seen)), [""; 0]);
}

#[tokio::test]
async fn a_firewall_for_one_address_family_is_named() {
    let key = Leaf::new(["firewall.example"]).self_signed(now());
    for (way, other, id) in [
        (Some(Misbehaviour::NoStartTls), None, "starttls"),
        (Some(Misbehaviour::StartTlsMasked), None, "starttls"),
        (None, Some(&key), "tls-end-to-end"),
    ] {
        for stripped in ["192.0.2.1", "2001:db8::1"] {
            let seen = on(|stage| {
                for (number, domain) in TARGETS.iter().enumerate() {
                    for address in ["192.0.2.1", "2001:db8::1"] {
                        let own = stage.identity(&format!("mx.{domain}"));
                        let is_bad = address == stripped;
                        let identity = other.filter(|_| is_bad).cloned().unwrap_or(own);
                        let ways = way.iter().filter(|_| is_bad).cloned();
                        let server = MailServer::new(identity).misbehaving(ways);
                        stage.server(&format!("{address}{number}"), server);
                    }
                }
            })
            .await;
            expect(&format!("{id} {stripped}"), &seen, id, CheckStatus::Error);
        }
    }
}

#[tokio::test]
async fn one_server_without_starttls_is_not_the_network() {
    let seen = on(|stage| {
        for (number, domain) in TARGETS.iter().enumerate() {
            let identity = stage.identity(&format!("mx.{domain}"));
            let ways = match number {
                0 => vec![Misbehaviour::NoStartTls],
                _ => Vec::new(),
            };
            let server = MailServer::new(identity).misbehaving(ways);
            stage.server(&format!("192.0.2.1{number}"), server.clone());
            stage.server(&format!("2001:db8::1{number}"), server);
        }
    })
    .await;
    let checkup = Checkup::of(&seen);
    assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
    let check = named(&checkup, "starttls");
    assert!(
        check
            .evidence
            .contains(&"one.example: STARTTLS is not offered".to_owned()),
        "{check:#?}"
    );
}
