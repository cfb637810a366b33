//! What checks share, and what they do not.

use std::time::Duration;

use super::*;
use crate::observe::Pool;
use danecheck_core::observation::SessionEnd;
use danecheck_world::delay::DelayRelay;
use danecheck_world::dns::{Misbehaviour as Odd, Rtype};

/// Domains that share one host, which is some way off.
async fn two_domains(world: impl FnOnce(DnsWorld) -> DnsWorld) -> (Shared, Setup) {
    let one_way = Duration::from_millis(60);
    let identity = identity("mx1.good.test");
    let server = MailServer::new(identity.clone()).start().await.unwrap();
    let relay = DelayRelay::start(server.addr(), one_way).await.unwrap();
    let dns = world(DnsWorld::new(now()))
        .zone(good().tlsa("_25._tcp.mx1", &identity.tlsa(3, 1, 1)))
        .zone(Zone::signed("late.test.").mx("@", 10, "mx1.good.test."))
        .zone(Zone::signed("early.test.").mx("@", 10, "mx1.good.test."))
        .start()
        .await
        .unwrap();
    let mut setup = setup(&dns, &[(MX1, relay.addr())]);
    // Signing and validating are not what is measured.
    look("good.test", &setup).await;
    setup.pool = Some(Pool::default());
    let shared = Shared {
        server,
        _relay: relay,
        _dns: dns,
    };
    (shared, setup)
}

struct Shared {
    server: RunningMailServer,
    _relay: DelayRelay,
    _dns: RunningDns,
}

fn ends(observation: &Observation) -> Vec<&SessionEnd> {
    let sessions = sessions(observation).into_iter();
    sessions.map(|session| &session.end).collect()
}

#[tokio::test]
async fn a_check_that_runs_out_of_time_takes_nothing_from_the_others() {
    // The first check has its MX record only when most of its time is gone; the
    // other one comes while the session is under way.
    let (shared, mut setup) = two_domains(|world| {
        let after = |milliseconds| Odd::DelayedBy(Duration::from_millis(milliseconds));
        world
            .misbehaving("late.test.", Rtype::MX, after(1600))
            .misbehaving("early.test.", Rtype::MX, after(1700))
    })
    .await;
    let before = shared.server.sessions().len();
    setup.times = Times::with_total(Duration::from_secs(10));
    let hasty = Setup {
        times: Times::with_total(Duration::from_secs(2)),
        ..setup.clone()
    };
    let (late, early) = tokio::join!(look("late.test", &hasty), look("early.test", &setup));
    assert!(!late.cuts.is_empty(), "{late:?}");
    assert!(early.cuts.is_empty(), "{:?}", early.cuts);
    assert_eq!(
        ends(&early),
        [&SessionEnd::Completed, &SessionEnd::Completed]
    );
    // They are those that the first check began.
    assert_eq!(shared.server.sessions().len() - before, 2);
}

#[tokio::test]
async fn a_check_waits_for_another_no_longer_than_it_may() {
    let (_shared, setup) = two_domains(|world| world).await;
    let hasty = Setup {
        times: Times::with_total(Duration::from_millis(400)),
        ..setup.clone()
    };
    let begin = std::time::Instant::now();
    let (patient, hasty) = tokio::join!(look("good.test", &setup), async {
        let seen = look("early.test", &hasty).await;
        (seen, begin.elapsed())
    });
    let (hasty, took) = hasty;
    assert!(took < Duration::from_millis(700), "{took:?}");
    assert!(!hasty.cuts.is_empty());
    assert_eq!(
        ends(&patient),
        [&SessionEnd::Completed, &SessionEnd::Completed]
    );
}

#[tokio::test]
async fn what_belongs_to_the_target_is_its_own() {
    let (shared, setup) = two_domains(|world| world).await;
    let before = shared.server.sessions().len();
    let looks = [
        "good.test",
        "early.test",
        "[mx1.good.test]",
        "mx1.good.test",
    ];
    for target in looks {
        let alone = Setup {
            pool: None,
            ..setup.clone()
        };
        let (shared, alone) = (look(target, &setup).await, look(target, &alone).await);
        assert_eq!(shared.mx, alone.mx, "{target}");
        assert_eq!(shared.next_hop, alone.next_hop);
        assert_eq!(ends(&shared), ends(&alone));
    }
    // Two for the pool, and two for each look without it.
    assert_eq!(shared.server.sessions().len() - before, 2 + 2 * looks.len());
}
