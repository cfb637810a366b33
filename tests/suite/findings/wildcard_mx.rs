//! MX records whose host begins with `*`: Postfix looks such a name up
//! (`valid_rr_name` with `DO_WILDCARD`).

use danecheck_core::judge::Verdict;
use danecheck_core::report::Report;
use danecheck_world::dns::Zone;
use danecheck_world::smtp::MailServer;

use crate::support::domain::MX1;
use crate::support::{ids, report_on};

/// `example.com` with this MX host, and a server at its address.
async fn mx(host: &str) -> Report {
    report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(
            Zone::signed("example.com.")
                .mx("@", 10, host)
                .records(&format!("{host} A {MX1}")),
        );
        stage.server(MX1, MailServer::new(identity));
    })
    .await
}

#[tokio::test]
async fn a_host_whose_first_label_is_a_star_is_delivered_to() {
    for host in ["*.s", "*", "*.a.b"] {
        let report = mx(host).await;
        assert!(!ids(&report).contains(&"mx-host-name-invalid"), "{host}");
        assert_eq!(
            report.verdict,
            Verdict::NoDane,
            "{host}: {:?}",
            ids(&report)
        );
        let via = report.outcomes.dane.via.as_deref();
        assert_eq!(via, Some(format!("{host}.example.com").as_str()));
        // A name of a certificate's own form is no name to ask a certificate for.
        let lines = report.recommendation.alternatives.iter();
        assert!(
            !lines
                .map(|line| &line.postfix)
                .any(|line| line.contains('*'))
        );
    }
}

#[tokio::test]
async fn a_star_anywhere_else_is_none() {
    for host in ["a.*", "**.s", "*x.s", "x*.s"] {
        let report = mx(host).await;
        assert!(ids(&report).contains(&"mx-host-name-invalid"), "{host}");
        assert_eq!(report.verdict, Verdict::Undeliverable, "{host}");
    }
}
