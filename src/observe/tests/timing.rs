//! How long a check takes: as many round trips as its slowest chain, and
//! never longer than it may.

use std::time::{Duration, Instant};

use super::*;
use danecheck_core::observation::SessionEnd;
use danecheck_world::delay::DelayRelay;
use danecheck_world::dns::{Misbehaviour as Odd, Rtype};

#[tokio::test]
async fn a_session_takes_no_more_round_trips_than_it_must() {
    let one_way = Duration::from_millis(100);
    let identity = identity("mx1.good.test");
    let server = MailServer::new(identity.clone()).start().await.unwrap();
    let relay = DelayRelay::start(server.addr(), one_way).await.unwrap();
    let dns = DnsWorld::new(now())
        .zone(good().tlsa("_25._tcp.mx1", &identity.tlsa(3, 1, 1)))
        .start()
        .await
        .unwrap();
    let setup = setup(&dns, &[(MX1, relay.addr())]);
    // Signing, validating and the trust store are not what is measured.
    look("good.test", &setup).await;
    // A busy machine adds to what is needed: the least of some looks counts.
    let mut least = f64::INFINITY;
    for _ in 0..4 {
        let begin = Instant::now();
        let seen = look("good.test", &setup).await;
        least = least.min(begin.elapsed().as_secs_f64() / (2.0 * one_way.as_secs_f64()));
        assert!(
            sessions(&seen)
                .iter()
                .all(|it| it.end == SessionEnd::Completed)
        );
    }
    // Connecting and greeting 2, EHLO, STARTTLS, TLS 1.3, EHLO, and QUIT, whose
    // reply shows that the server is in step.
    assert!(least < 8.0, "{least}");
}

#[tokio::test]
async fn lookups_that_do_not_depend_on_each_other_run_at_once() {
    let late = Odd::DelayedBy(Duration::from_millis(200));
    let zone = (1..=5).fold(Zone::signed("good.test."), |zone, number| {
        zone.mx("@", number, &format!("mx{number}"))
            .a(&format!("mx{number}"), [192, 0, 2, 100].into())
    });
    let world = (1..=5).fold(DnsWorld::new(now()).zone(zone), |world, number| {
        let name = format!("mx{number}.good.test.");
        let tlsa = format!("_25._tcp.{name}");
        world
            .misbehaving(&name, Rtype::A, late)
            .misbehaving(&name, Rtype::AAAA, late)
            .misbehaving(&tlsa, Rtype::TLSA, late)
    });
    let dns = world
        .misbehaving("good.test.", Rtype::MX, late)
        .misbehaving(".", Rtype::NS, late)
        .start()
        .await
        .unwrap();
    let setup = setup(&dns, &[]);
    look("good.test", &setup).await;
    let begin = Instant::now();
    let seen = look("good.test", &setup).await;
    let steps = begin.elapsed().as_secs_f64() / 0.2;
    assert_eq!(seen.hosts.len(), 5);
    // MX, addresses, TLSA.
    assert!(steps < 4.0, "{steps}");
}

#[tokio::test]
async fn time_is_up_when_it_is_up_and_the_rest_is_reported() {
    let identity = identity("mx1.good.test");
    let slow = MailServer::new(identity.clone())
        .misbehaving([Misbehaviour::Tarpit(Duration::from_millis(50))])
        .start()
        .await
        .unwrap();
    let healthy = MailServer::new(identity).start().await.unwrap();
    let dns = DnsWorld::new(now())
        .zone(good().mx("@", 20, "mx2").a("mx2", MX2))
        .misbehaving("mx2.good.test.", Rtype::AAAA, Odd::Silence)
        .start()
        .await
        .unwrap();
    let mut setup = setup(&dns, &[(MX1, slow.addr()), (MX2, healthy.addr())]);
    setup.times = Times::with_total(Duration::from_secs(2));
    let begin = Instant::now();
    let seen = look("good.test", &setup).await;
    assert!(
        begin.elapsed() < Duration::from_millis(3500),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(
        host(&seen, "mx2.good.test").addresses[0].sessions[0].end,
        SessionEnd::Completed
    );
    assert_eq!(
        brief(host(&seen, "mx2.good.test").aaaa.as_ref().unwrap()),
        "timeout"
    );
    assert_eq!(
        host(&seen, "mx1.good.test").addresses[0].sessions[0].end,
        SessionEnd::NoGreeting(danecheck_core::observation::Interruption::TimedOut)
    );
}
