//! A domain with MTA-STS on stage.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::observation::Observation;
use danecheck_core::report::Report;
use danecheck_world::https::{PolicyFault, PolicyServer};
use danecheck_world::pki::Identity;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{MX1, in_order, signed};
use crate::support::now;

pub(crate) const WEB: &str = "192.0.2.80";
pub(crate) const WEB_V6: &str = "2001:db8::80";
pub(crate) const RECORD: &str = "_mta-sts TXT \"v=STSv1; id=20261122;\"";
pub(crate) const REPORTS: &str = "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@example.com\"";
pub(crate) const ENFORCE: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmax_age: 604800\r\n";

/// A domain with MTA-STS, and what is odd about it.
pub(crate) struct Scene {
    pub(crate) zone: String,
    pub(crate) body: Vec<u8>,
    pub(crate) faults: Vec<PolicyFault>,
    pub(crate) web: Option<fn(&Stage) -> Identity>,
    pub(crate) mx: Option<fn(&Stage) -> Identity>,
    pub(crate) mail: Vec<Misbehaviour>,
    pub(crate) tlsa: bool,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            zone: format!("{RECORD}\n{REPORTS}\nmta-sts A {WEB}"),
            body: ENFORCE.into(),
            faults: Vec::new(),
            web: None,
            mx: None,
            mail: Vec::new(),
            tlsa: false,
        }
    }
}

impl Scene {
    pub(crate) fn saying(body: &str) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    pub(crate) fn with_record(record: &str) -> Self {
        Self {
            zone: format!("{record}\n{REPORTS}\nmta-sts A {WEB}"),
            ..Self::default()
        }
    }

    pub(crate) fn served(fault: PolicyFault) -> Self {
        Self {
            faults: vec![fault],
            ..Self::default()
        }
    }

    pub(crate) async fn start(self) -> RunningStage {
        let mut stage = Stage::new(now());
        let identity = match self.mx {
            Some(mx) => mx(&stage),
            None => stage.identity("mx1.example.com"),
        };
        let zone = match self.tlsa {
            true => in_order(&identity),
            false => signed(),
        };
        stage.zone(zone.records(&self.zone));
        stage.server(MX1, MailServer::new(identity).misbehaving(self.mail));
        let web = match self.web {
            Some(web) => web(&stage),
            None => stage.identity("mta-sts.example.com"),
        };
        let server = PolicyServer::new(web, self.body).misbehaving(self.faults);
        stage.policy_server(WEB, server);
        stage.start().await.unwrap()
    }

    pub(crate) async fn observe(self) -> Observation {
        self.start().await.observe("example.com").await.unwrap()
    }

    pub(crate) async fn report(self) -> Report {
        Report::of(&self.observe().await)
    }
}
