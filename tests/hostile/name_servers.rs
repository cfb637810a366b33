//! A bogus answer has each name server asked for its own: thirty-two addresses,
//! and what each sends has to be tried again. This runs in process, because
//! only then can name servers have their own ports.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use danecheck::demo::stage::Stage;
use danecheck::observe::budget::Times;
use danecheck::observe::{Setup, observe};
use danecheck_world::dns::{ResolverKind, Rtype, Surplus, Zone, ZoneFault, now};

/// What it is called by.
pub(crate) const NAME: &str = "keytrap-at-thirty-two-name-servers";

/// How much longer than its time a check may take, in parts, on a machine that
/// serves all of it too.
const LONGEST: f64 = 1.5;

/// Looks at the domain; gives 1 where that took too long.
pub(crate) fn run(timeout: Duration) -> usize {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let taken = runtime.block_on(look(timeout));
    let holds = taken <= timeout.mul_f64(LONGEST);
    println!(
        "{NAME:41} {:5.2} of --timeout, in process  {}",
        taken.div_duration_f64(timeout),
        if holds { "ok" } else { "FAILED" }
    );
    usize::from(!holds)
}

async fn look(timeout: Duration) -> Duration {
    let mut stage = Stage::new(now());
    stage.resolver(ResolverKind::NotValidating);
    let surplus = Surplus {
        keys: 100,
        signatures: 100,
        ..Surplus::default()
    };
    let mut zone = Zone::signed("example.test.")
        .records("@ MX 10 mx\nmx A 192.0.2.1")
        .surplus(surplus.over("@", Rtype::MX))
        .with(ZoneFault::SignatureMissing { on: Rtype::MX });
    for number in 0..32_u8 {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100 + number));
        zone = zone.name_server(&format!("ns{}", number / 4), address);
    }
    stage.zone(zone);
    let stage = stage.start().await.unwrap();
    let setup = Setup {
        times: Times::with_total(timeout),
        ..stage.setup()
    };
    let began = Instant::now();
    // On threads of its own, as the program has it.
    let look = tokio::spawn(async move {
        observe(&"example.test".parse().unwrap(), &setup).await;
        drop(stage);
    });
    look.await.unwrap();
    began.elapsed()
}
