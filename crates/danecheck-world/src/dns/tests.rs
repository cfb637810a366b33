//! What the world says, asked over its sockets.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the tests are clients of a server on loopback"
)]

mod client;

use std::time::Duration;

use domain::base::Message;
use domain::base::iana::{ExtendedErrorCode, Rcode};
use domain::dnssec::validator::anchor::TrustAnchors;
use tokio::net::{TcpStream, UdpSocket};

use self::client::{Ask, STUB, WALKER, exchange};
use super::*;
use danecheck_core::unix_time::UnixTime;

fn populated(zone: Zone) -> Zone {
    zone.mx("@", 10, "mx")
        .a("mx", [127, 0, 0, 1].into())
        .tlsa("_25._tcp.mx", "3 1 1 ab12")
        .tlsa("*._tcp.wild", "3 1 1 cd34")
        .cname("alias", "mx")
        .cname("to-plain", "mx.plain.test.")
        .cname("to-nothing", "nothing")
        .cname("to-no-data", "mx")
        .records("*.deep A 127.0.0.2\ntree DNAME plain.test.")
}

#[tokio::test]
async fn a_resolver_listens_where_it_is_told_to() {
    let first = DnsWorld::new(now()).listening_on(([127, 0, 0, 9], 0));
    let first = first.start().await.unwrap();
    assert_eq!(first.addr().ip().to_string(), "127.0.0.9");
    let second = DnsWorld::new(now()).listening_on(first.addr());
    assert!(matches!(
        second.start().await,
        Err(WorldError::Socket { address, .. }) if address == first.addr().to_string()
    ));
}

async fn world() -> RunningDns {
    DnsWorld::new(now())
        .zone(populated(Zone::signed("nsec.test.")))
        .zone(populated(Zone::signed("nsec3.test.").nsec3(5, false)))
        .zone(populated(Zone::signed("opt-out.test.").nsec3(0, true)))
        .zone(populated(Zone::unsigned("plain.test.")))
        .zone(Zone::unsigned("unsigned.nsec.test."))
        .zone(Zone::unsigned("unsigned.nsec3.test."))
        .zone(Zone::unsigned("unsigned.opt-out.test."))
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_root_name_servers_are_authentic_as_postfix_asks_at_start() {
    let reply = STUB.udp(&world().await, ".", Rtype::NS).await;
    assert_eq!((reply.rcode, reply.status()), (Rcode::NOERROR, "secure"));
    assert_eq!(reply.answer, [". NS ns.", ". RRSIG"]);
}

#[tokio::test]
async fn existence_and_absence_are_secure_below_nsec_and_nsec3() {
    let dns = world().await;
    for apex in ["nsec.test.", "nsec3.test."] {
        for (owner, rtype, rcode, status) in [
            ("_25._tcp.mx.", Rtype::TLSA, Rcode::NOERROR, "secure"),
            ("", Rtype::MX, Rcode::NOERROR, "secure"),
            ("", Rtype::DNSKEY, Rcode::NOERROR, "secure"),
            ("", Rtype::DS, Rcode::NOERROR, "secure"),
            ("", Rtype::SOA, Rcode::NOERROR, "secure"),
            ("", Rtype::NS, Rcode::NOERROR, "secure"),
            ("", Rtype::AAAA, Rcode::NOERROR, "secure"),
            ("mx.", Rtype::TLSA, Rcode::NOERROR, "secure"),
            // An empty non-terminal.
            ("_tcp.mx.", Rtype::TLSA, Rcode::NOERROR, "secure"),
            ("nothing.", Rtype::A, Rcode::NXDOMAIN, "secure"),
            ("_25._tcp.nothing.", Rtype::TLSA, Rcode::NXDOMAIN, "secure"),
            // Wildcards, with and without the type.
            ("_25._tcp.wild.", Rtype::TLSA, Rcode::NOERROR, "secure"),
            ("_25._tcp.wild.", Rtype::A, Rcode::NOERROR, "secure"),
            ("a.b.deep.", Rtype::A, Rcode::NOERROR, "secure"),
            ("*._tcp.wild.", Rtype::TLSA, Rcode::NOERROR, "secure"),
            ("alias.", Rtype::A, Rcode::NOERROR, "secure"),
            ("to-nothing.", Rtype::A, Rcode::NXDOMAIN, "secure"),
            ("to-no-data.", Rtype::AAAA, Rcode::NOERROR, "secure"),
            ("to-plain.", Rtype::A, Rcode::NOERROR, "insecure"),
            ("to-plain.", Rtype::AAAA, Rcode::NOERROR, "insecure"),
            ("mx.tree.", Rtype::A, Rcode::NOERROR, "insecure"),
            ("unsigned.", Rtype::DS, Rcode::NOERROR, "secure"),
            ("unsigned.", Rtype::SOA, Rcode::NOERROR, "insecure"),
            ("nothing.unsigned.", Rtype::A, Rcode::NXDOMAIN, "insecure"),
        ] {
            let name = format!("{owner}{apex}");
            let reply = STUB.udp(&dns, &name, rtype).await;
            assert_eq!(
                (reply.rcode, reply.status()),
                (rcode, status),
                "{name} {rtype}: {reply:?}"
            );
        }
    }
}

#[tokio::test]
async fn opt_out_leaves_the_absence_of_names_unproved() {
    let dns = world().await;
    for (name, rtype, status) in [
        ("_25._tcp.mx.opt-out.test.", Rtype::TLSA, "secure"),
        ("mx.opt-out.test.", Rtype::TLSA, "secure"),
        ("nothing.opt-out.test.", Rtype::A, "insecure"),
        ("unsigned.opt-out.test.", Rtype::DS, "insecure"),
        ("unsigned.opt-out.test.", Rtype::SOA, "insecure"),
    ] {
        let reply = STUB.udp(&dns, name, rtype).await;
        assert_eq!(reply.status(), status, "{name} {rtype}: {reply:?}");
    }
}

#[tokio::test]
async fn an_unsigned_zone_is_insecure_and_has_no_dnssec_records() {
    let dns = world().await;
    let reply = STUB.udp(&dns, "_25._tcp.mx.plain.test.", Rtype::TLSA).await;
    assert_eq!(reply.status(), "insecure");
    assert_eq!(reply.answer, ["_25._tcp.mx.plain.test. TLSA"]);
    let reply = STUB.udp(&dns, "mx.plain.test.", Rtype::TLSA).await;
    assert_eq!(reply.authority, [Rtype::SOA]);
}

#[tokio::test]
async fn dnssec_records_come_only_with_the_do_bit() {
    let dns = world().await;
    let plain = Ask {
        dnssec_ok: false,
        ..STUB
    };
    let reply = plain.udp(&dns, "alias.nsec.test.", Rtype::A).await;
    assert_eq!(
        reply.answer,
        [
            "alias.nsec.test. CNAME mx.nsec.test.",
            "mx.nsec.test. A 127.0.0.1"
        ]
    );
    assert!(reply.authentic, "AD in the query asks for AD");
    let reply = plain.udp(&dns, "nothing.nsec.test.", Rtype::A).await;
    assert_eq!(reply.authority, [Rtype::SOA]);
    let deaf = Ask {
        authentic_data: false,
        payload: None,
        ..STUB
    };
    let reply = deaf.udp(&dns, "mx.nsec.test.", Rtype::A).await;
    assert!(!reply.authentic, "RFC 6840 section 5.8");
}

#[tokio::test]
async fn each_fault_has_its_status_and_its_reason() {
    use ExtendedErrorCode as Ede;
    let tlsa = || "_25._tcp.mx".to_owned();
    let faults = [
        (ZoneFault::SignaturesExpired, Err(Ede::SIGNATURE_EXPIRED)),
        (
            ZoneFault::SignaturesNotYetValid,
            Err(Ede::SIGNATURE_NOT_YET_VALID),
        ),
        (
            ZoneFault::SignatureExpired {
                name: tlsa(),
                rtype: Rtype::TLSA,
            },
            Err(Ede::SIGNATURE_EXPIRED),
        ),
        (
            ZoneFault::SignatureMissing { on: Rtype::TLSA },
            Err(Ede::RRSIGS_MISSING),
        ),
        (
            ZoneFault::BadSignature {
                name: tlsa(),
                rtype: Rtype::TLSA,
            },
            Err(Ede::DNSSEC_BOGUS),
        ),
        (
            ZoneFault::BadSignature {
                name: "@".to_owned(),
                rtype: Rtype::DNSKEY,
            },
            Err(Ede::DNSKEY_MISSING),
        ),
        (ZoneFault::DsMismatch, Err(Ede::DNSKEY_MISSING)),
        (ZoneFault::DsWithoutDnskey, Err(Ede::DNSKEY_MISSING)),
        (ZoneFault::DsMissing, Ok("insecure")),
        (ZoneFault::DsAlgorithmUnknown, Ok("insecure")),
        (ZoneFault::DenialMissing, Ok("secure")),
    ];
    let mut world = DnsWorld::new(now());
    for (number, (fault, _)) in faults.iter().enumerate() {
        let zone = populated(Zone::signed(&format!("z{number}.test.")));
        world = world.zone(zone.with(fault.clone()));
    }
    let dns = world.start().await.unwrap();
    for (number, (fault, expected)) in faults.iter().enumerate() {
        let name = format!("_25._tcp.mx.z{number}.test.");
        let reply = STUB.udp(&dns, &name, Rtype::TLSA).await;
        let seen = reply.reason.map_or(Ok(reply.status()), Err);
        assert_eq!(seen, *expected, "{fault:?}: {reply:?}");
        let unchecked = WALKER.udp(&dns, &name, Rtype::TLSA).await;
        assert_eq!(unchecked.tlsa, [[3, 1, 1, 0xab, 0x12]], "{fault:?}");
        assert!(!unchecked.authentic);
    }
    let undenied = STUB.udp(&dns, "nothing.z10.test.", Rtype::A).await;
    assert_eq!(undenied.reason, Some(Ede::NSEC_MISSING));
    assert_eq!(undenied.status(), "bogus");
}

#[tokio::test]
async fn a_bogus_parent_makes_its_children_bogus() {
    let dns = DnsWorld::new(now())
        .zone(Zone::signed("test.").with(ZoneFault::SignaturesExpired))
        .zone(populated(Zone::signed("child.test.")))
        .start()
        .await
        .unwrap();
    let reply = STUB.udp(&dns, "child.test.", Rtype::MX).await;
    assert_eq!(reply.reason, Some(ExtendedErrorCode::SIGNATURE_EXPIRED));
}

#[tokio::test]
async fn each_kind_of_resolver_does_its_part_of_dnssec() {
    for (kind, secure, bogus, signed) in [
        (ResolverKind::Validating, true, Rcode::SERVFAIL, true),
        (ResolverKind::AdStripped, false, Rcode::SERVFAIL, true),
        (ResolverKind::NotValidating, false, Rcode::NOERROR, true),
        (ResolverKind::NotDnssecCapable, false, Rcode::NOERROR, false),
    ] {
        let dns = DnsWorld::new(now())
            .resolver(kind)
            .zone(populated(Zone::signed("good.test.")))
            .zone(populated(Zone::signed("bad.test.")).with(ZoneFault::DsMismatch))
            .start()
            .await
            .unwrap();
        let good = STUB.udp(&dns, "good.test.", Rtype::MX).await;
        assert_eq!(good.authentic, secure, "{kind:?}");
        assert_eq!(good.answer.len(), if signed { 2 } else { 1 }, "{kind:?}");
        let bad = STUB.udp(&dns, "bad.test.", Rtype::MX).await;
        assert_eq!(bad.rcode, bogus, "{kind:?}");
    }
}

#[tokio::test]
async fn malformed_tlsa_data_is_handed_on_as_it_is() {
    let dns = DnsWorld::new(now())
        .zone(
            Zone::signed("odd.test.")
                .tlsa_bytes("two", &[3, 1])
                .tlsa_bytes("none", &[])
                .tlsa("mixed", "3 1 1 ab12")
                .tlsa_bytes("mixed", &[3])
                .tlsa("mixed", "200 201 202 ff"),
        )
        .zone(
            Zone::signed("odd-and-bogus.test.")
                .tlsa_bytes("two", &[3, 1])
                .with(ZoneFault::SignatureMissing { on: Rtype::TLSA }),
        )
        .start()
        .await
        .unwrap();
    for (name, count) in [("two", 1), ("none", 1), ("mixed", 3)] {
        let reply = STUB
            .udp(&dns, &format!("{name}.odd.test."), Rtype::TLSA)
            .await;
        assert_eq!(reply.status(), "secure", "{name}");
        assert_eq!(reply.tlsa.len(), count, "{name}");
    }
    let reply = STUB.udp(&dns, "two.odd.test.", Rtype::TLSA).await;
    assert_eq!(reply.tlsa, [[3, 1]]);
    let reply = STUB.udp(&dns, "two.odd-and-bogus.test.", Rtype::TLSA).await;
    assert_eq!(reply.reason, Some(ExtendedErrorCode::RRSIGS_MISSING));
}

#[tokio::test]
async fn a_null_mx_and_a_name_in_any_case_are_answered() {
    let dns = DnsWorld::new(now())
        .zone(Zone::signed("null.test.").mx("@", 0, "."))
        .start()
        .await
        .unwrap();
    let reply = STUB.udp(&dns, "NuLL.tEST.", Rtype::MX).await;
    assert_eq!(reply.answer.len(), 2);
    assert!(reply.answer[0].to_ascii_lowercase().ends_with("mx 0 ."));
}

#[tokio::test]
async fn an_answer_larger_than_the_client_takes_goes_over_tcp() {
    let zone = (0..40).fold(Zone::signed("large.test."), |zone, number| {
        zone.tlsa("large", &format!("3 1 1 {number:064x}"))
    });
    let dns = DnsWorld::new(now()).zone(zone).start().await.unwrap();
    let reply = STUB.udp(&dns, "large.large.test.", Rtype::TLSA).await;
    assert!(reply.truncated && reply.answer.is_empty());
    let reply = STUB.tcp(&dns, "large.large.test.", Rtype::TLSA).await;
    let reply = reply.unwrap();
    assert!(!reply.truncated && reply.authentic);
    assert_eq!(reply.tlsa.len(), 40);
    let small = Ask {
        payload: None,
        ..STUB
    };
    let reply = small.udp(&dns, "large.large.test.", Rtype::TLSA).await;
    assert!(reply.packet.len() <= 512);
}

#[tokio::test]
async fn misbehaviours_show_in_the_response() {
    use Misbehaviour as M;
    let cases = [
        (M::ServFail, Rcode::SERVFAIL, 0),
        (M::Refused, Rcode::REFUSED, 0),
        (M::NotImp, Rcode::NOTIMP, 0),
        (M::FormErr, Rcode::FORMERR, 0),
        (M::DelayedBy(Duration::from_millis(20)), Rcode::NOERROR, 4),
        (M::TruncatedThenTcp, Rcode::NOERROR, 0),
        (M::TruncatedWithoutTcp, Rcode::NOERROR, 0),
        (M::EmptyCnameOnly, Rcode::NOERROR, 2),
        (M::EmptyAnswer, Rcode::NOERROR, 0),
        (M::BareNxDomain, Rcode::NXDOMAIN, 0),
        (M::SignaturesStripped, Rcode::NOERROR, 2),
        (M::AuthenticDataCleared, Rcode::NOERROR, 4),
    ];
    for (misbehaviour, rcode, records) in cases {
        let dns = misbehaving(misbehaviour).await;
        let reply = STUB.udp(&dns, "alias.z.test.", Rtype::A).await;
        assert_eq!(reply.rcode, rcode, "{misbehaviour:?}");
        assert_eq!(reply.answer.len(), records, "{misbehaviour:?}: {reply:?}");
        let other = STUB.udp(&dns, "alias.z.test.", Rtype::AAAA).await;
        assert_eq!(other.status(), "secure", "{misbehaviour:?}");
    }
}

async fn misbehaving(how: Misbehaviour) -> RunningDns {
    DnsWorld::new(now())
        .zone(populated(Zone::signed("z.test.")))
        .misbehaving("alias.z.test.", Rtype::A, how)
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn misbehaviours_of_the_transport_show_on_the_wire() {
    let query = STUB.packet("alias.z.test.", Rtype::A);
    let name = "alias.z.test.";

    let dns = misbehaving(Misbehaviour::MalformedPacket).await;
    let packet = exchange(dns.addr(), &query).await.unwrap();
    let message = Message::from_slice(&packet).unwrap();
    let records: Result<Vec<_>, _> = message.answer().unwrap().collect();
    assert!(records.is_err());

    let dns = misbehaving(Misbehaviour::WrongTransactionId).await;
    let packet = exchange(dns.addr(), &query).await.unwrap();
    assert_ne!(packet[..2], query[..2]);

    let dns = misbehaving(Misbehaviour::TruncatedThenTcp).await;
    assert!(STUB.udp(&dns, name, Rtype::A).await.truncated);
    let reply = STUB.tcp(&dns, name, Rtype::A).await.unwrap();
    assert_eq!((reply.status(), reply.answer.len()), ("secure", 4));

    let dns = misbehaving(Misbehaviour::TruncatedWithoutTcp).await;
    assert!(STUB.udp(&dns, name, Rtype::A).await.truncated);
    assert!(STUB.tcp(&dns, name, Rtype::A).await.is_none());

    // The next query on the same socket is answered, the silent one never is.
    let dns = misbehaving(Misbehaviour::Silence).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&query, dns.addr()).await.unwrap();
    let other = Ask { id: 7, ..STUB };
    let other = other.packet(name, Rtype::AAAA);
    socket.send_to(&other, dns.addr()).await.unwrap();
    let mut buffer = [0; 1500];
    socket.recv_from(&mut buffer).await.unwrap();
    assert_eq!(buffer[..2], [0, 7]);
}

#[tokio::test]
async fn what_has_no_servers_or_no_end_fails() {
    let dns = DnsWorld::new(now())
        .zone(Zone::signed("z.test.").records("lame NS ns.nowhere.\na CNAME b\nb CNAME a"))
        .start()
        .await
        .unwrap();
    let lame = STUB.udp(&dns, "www.lame.z.test.", Rtype::A).await;
    assert_eq!(
        (lame.rcode, lame.reason),
        (
            Rcode::SERVFAIL,
            Some(ExtendedErrorCode::NO_REACHABLE_AUTHORITY)
        )
    );
    let endless = STUB.udp(&dns, "a.z.test.", Rtype::A).await;
    assert_eq!(endless.rcode, Rcode::SERVFAIL);
}

#[tokio::test]
async fn queries_are_counted_and_kept() {
    let dns = world().await;
    WALKER.udp(&dns, "test.", Rtype::DS).await;
    STUB.tcp(&dns, "mx.nsec.test.", Rtype::A).await;
    assert_eq!(
        dns.query_count(),
        2,
        "the validator's own are not among them"
    );
    assert_eq!(
        dns.asked(),
        [
            Asked {
                name: "test.".to_owned(),
                rtype: Rtype::DS,
                transport: Transport::Udp,
                checking_disabled: true,
            },
            Asked {
                name: "mx.nsec.test.".to_owned(),
                rtype: Rtype::A,
                transport: Transport::Tcp,
                checking_disabled: false,
            },
        ]
    );
}

#[tokio::test]
async fn a_world_of_another_time_can_be_walked_but_not_judged() {
    let dns = DnsWorld::new(UnixTime(1_000_000_000))
        .zone(populated(Zone::signed("z.test.")))
        .start()
        .await
        .unwrap();
    let reply = WALKER.udp(&dns, "z.test.", Rtype::MX).await;
    assert_eq!(reply.answer.len(), 2);
    let reply = STUB.udp(&dns, "z.test.", Rtype::MX).await;
    assert_eq!(reply.status(), "bogus");
}

#[tokio::test]
async fn a_dropped_world_is_gone() {
    let dns = world().await;
    let addr = dns.addr();
    drop(dns);
    // The tasks end at their next turn on the runtime.
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn mistakes_in_a_scenario_are_told() {
    let world = || DnsWorld::new(now());
    for (world, said) in [
        (
            world().zone(Zone::signed("a..test.")),
            "\"a..test.\" is not a domain name",
        ),
        (
            world().zone(Zone::signed("a.test.").a("b.test.", [127, 0, 0, 1].into())),
            "zone a.test: b.test is not in it",
        ),
        (
            world().zone(Zone::signed("a.test.").tlsa("x", "not a record")),
            "zone a.test: ",
        ),
        (
            world()
                .zone(Zone::signed("a.test."))
                .zone(Zone::signed("A.test.")),
            "zone A.test is given twice",
        ),
    ] {
        let error = world.start().await.unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

#[tokio::test]
async fn garbage_is_survived() {
    let dns = world().await;
    let query = STUB.packet("mx.nsec.test.", Rtype::A);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for length in 0..query.len() {
        socket.send_to(&query[..length], dns.addr()).await.unwrap();
    }
    let reply = STUB.udp(&dns, "mx.nsec.test.", Rtype::A).await;
    assert_eq!(reply.status(), "secure");
}

#[tokio::test]
async fn the_trust_anchor_is_zone_file_text() {
    let dns = world().await;
    for anchor in [dns.trust_anchor(), dns.trust_anchor_dnskey()] {
        assert_eq!(anchor.lines().count(), 1);
        TrustAnchors::from_u8(anchor.as_bytes()).unwrap();
    }
}
