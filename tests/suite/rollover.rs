//! The future: certificates that end, other moments, the next renewal.

use danecheck::demo::stage::Stage;
use danecheck_core::judge::{Horizon, Moment, Verdict};
use danecheck_core::observation::Observation;
use danecheck_core::report::{ExitStatus, FailOn, Report, exit_status, human};
use danecheck_world::dns::{Zone, ZoneFault};
use danecheck_world::pki::{Identity, Leaf, Validity, stale_tlsa};
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, hosted, publishing};
use crate::support::program::run_with;
use crate::support::{ids, now, observed, report_on};

/// A record of the issuer, of the key, of the certificate, or of the next key.
#[derive(Clone, Copy)]
enum Of {
    Issuer,
    Root,
    Key,
    Certificate,
    NextKey,
}

fn set(stage: &mut Stage, validity: Validity, records: &[Of]) {
    let leaf = Leaf::new(["mx1.example.com"]).validity(validity);
    let identity: Identity = stage.issuer.issue(leaf).sending_root();
    let zone = publishing(records.iter().map(|of| match of {
        Of::Issuer => stage.issuer.tlsa(2, 1, 1),
        Of::Root => stage.root.tlsa(2, 1, 1),
        Of::Key => identity.tlsa(3, 1, 1),
        Of::Certificate => identity.tlsa(3, 0, 1),
        Of::NextKey => stale_tlsa(3, 1, 1),
    }));
    stage.zone(zone);
    stage.server(MX1, MailServer::new(identity));
}

async fn seen(validity: Validity, records: &[Of]) -> Observation {
    observed("example.com", |stage| set(stage, validity, records)).await
}

fn warning_within(days: u32) -> Horizon {
    Horizon {
        at: None,
        warn_days: Some(days),
    }
}

fn status(report: &Report) -> ExitStatus {
    exit_status(report, false, FailOn::Warning)
}

const TEN_DAYS_LEFT: Validity = Validity::days(-80, 10);

#[tokio::test]
async fn a_certificate_that_ends_soon_is_warned_of_where_dates_count() {
    let seen = seen(TEN_DAYS_LEFT, &[Of::Root]).await;
    let report = Report::of(&seen);
    assert_eq!(ids(&report), ["certificate-ends-soon"]);
    assert_eq!(report.verdict, Verdict::DaneOk);
    assert_eq!(status(&report), ExitStatus::Warning);
    let message = &report.findings[0].message;
    let day = now().plus_days(10).day();
    assert!(
        message.contains(&day) && message.contains("in 10 days"),
        "{message}"
    );
    assert_eq!(ids(&Report::at(&seen, warning_within(9))), [""; 0]);
    assert_eq!(
        ids(&Report::at(&seen, warning_within(11))),
        ["certificate-ends-soon"]
    );
}

#[tokio::test]
async fn it_is_not_warned_of_where_a_record_of_the_key_matches_too() {
    for records in [&[Of::Key, Of::NextKey][..], &[Of::Issuer, Of::Key]] {
        let seen = seen(TEN_DAYS_LEFT, records).await;
        let report = Report::at(&seen, warning_within(12));
        assert!(!ids(&report).contains(&"certificate-ends-soon"));
        assert_eq!(status(&report), ExitStatus::Fine);
    }
}

#[tokio::test]
async fn short_lived_certificates_are_not_warned_of_all_their_life() {
    let six_days = seen(Validity::days(-3, 3), &[Of::Root]).await;
    assert_eq!(ids(&Report::of(&six_days)), [""; 0]);
    let last_day = seen(Validity::days(-5, 1), &[Of::Root]).await;
    assert_eq!(ids(&Report::of(&last_day)), ["certificate-ends-soon"]);
}

#[tokio::test]
async fn another_moment_judges_certificates_as_of_then() {
    let later = Horizon {
        at: Some(Moment::After(70 * 86_400)),
        warn_days: None,
    };
    let by_date = seen(Validity::CURRENT, &[Of::Root]).await;
    assert_eq!(Report::of(&by_date).verdict, Verdict::DaneOk);
    let report = Report::at(&by_date, later);
    assert_eq!(report.verdict, Verdict::DaneBroken);
    assert_eq!(
        ids(&report),
        ["dane-ta-certificate-expired", "signatures-end-by-then"]
    );
    assert_eq!(report.checked_at, by_date.checked_at);
    assert_eq!(report.judged_at, by_date.checked_at.plus_days(70));
    let text = human(
        &report,
        danecheck_core::report::HumanStyle::of(danecheck_core::report::Detail::Full),
    );
    let as_of = format!("(as of {})", report.judged_at.day());
    assert!(text.lines().next().unwrap().ends_with(&as_of), "{text}");
    let by_key = seen(Validity::CURRENT, &[Of::Key, Of::NextKey]).await;
    assert_eq!(Report::at(&by_key, later).verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn the_command_line_takes_moments_and_days() {
    let mut stage = Stage::new(now());
    set(&mut stage, Validity::CURRENT, &[Of::Root]);
    let stage = stage.start().await.unwrap();
    let resolver = stage.dns().addr().to_string();
    for (arguments, status) in [
        (vec![], ExitStatus::Fine),
        (vec!["--at", "+50d"], ExitStatus::Warning),
        (vec!["--at", "+50d", "--warn-days", "5"], ExitStatus::Fine),
        (vec!["--warn-days", "70"], ExitStatus::Warning),
        (vec!["--at", "2999-01-01"], ExitStatus::Broken),
        (vec!["--at", "soon"], ExitStatus::Unknown),
    ] {
        let common = ["--allow-private", "--resolver", &resolver, "example.com"];
        let all = [&common[..], &arguments].concat();
        let ran = run_with(&all, b"", stage.dial()).await;
        assert_eq!(
            ran.status, status,
            "{arguments:?}: {}{}",
            ran.stdout, ran.stderr
        );
    }
}

#[tokio::test]
async fn what_the_next_renewal_will_meet_is_told_and_is_no_fault_yet() {
    for (validity, records, expected) in [
        (
            Validity::CURRENT,
            &[Of::Certificate][..],
            &["tlsa-breaks-at-renewal"][..],
        ),
        (Validity::CURRENT, &[Of::Certificate, Of::Key], &[]),
        (Validity::CURRENT, &[Of::Issuer], &["tlsa-lone-issuer"]),
        (Validity::CURRENT, &[Of::Issuer, Of::Key], &[]),
        (Validity::CURRENT, &[Of::Root], &[]),
        (Validity::CURRENT, &[Of::Key], &[]),
        // The last third of 90 days.
        (Validity::days(-61, 29), &[Of::Key], &["no-spare-record"]),
        (
            Validity::days(-61, 29),
            &[Of::Key, Of::NextKey],
            &["tlsa-record-matches-nothing"],
        ),
        // Nobody renews this one by machine.
        (Validity::days(-340, 25), &[Of::Key], &[]),
        (Validity::days(-340, 25), &[Of::Certificate], &[]),
    ] {
        let report = Report::of(&seen(validity, records).await);
        assert_eq!(ids(&report), expected, "{validity:?}");
        assert_eq!(status(&report), ExitStatus::Fine);
    }
}

#[tokio::test]
async fn more_records_than_microsoft_copes_with_are_told() {
    let report = report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        let others = (0..12).map(|number| format!("3 1 1 {number:064x}"));
        stage.zone(publishing(others.chain([identity.tlsa(3, 1, 1)])));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    assert!(ids(&report).contains(&"tlsa-too-many-records"));
    assert_eq!(status(&report), ExitStatus::Fine);
}

/// `example.com` with its mail server in `example.net`, and what is wrong with
/// the signatures of the latter.
async fn in_two_zones(fault: Option<ZoneFault>) -> Observation {
    observed("example.com", |stage| {
        let hosting = Zone::signed("example.net.");
        let hosting = fault.into_iter().fold(hosting, Zone::with);
        hosted(stage, Zone::signed("example.com."), hosting);
    })
    .await
}

fn days_later(days: i64, warn_days: Option<u32>) -> Horizon {
    Horizon {
        at: Some(Moment::After(days * 86_400)),
        warn_days,
    }
}

/// The findings about signatures, with the zones that they are about.
fn about_signatures(report: &Report) -> Vec<(&str, &str)> {
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.id.starts_with("signature"))
        .map(|finding| (finding.id.as_str(), finding.subject.as_str()))
        .collect()
}

const COM: &str = "example.com.";
const NET: &str = "example.net.";

#[tokio::test]
async fn signatures_that_end_before_the_moment_judged_are_told_for_each_zone() {
    // The stage signs for two weeks, of which one day is over.
    let seen = in_two_zones(None).await;
    assert_eq!(about_signatures(&Report::of(&seen)), []);
    assert_eq!(
        about_signatures(&Report::at(&seen, days_later(12, None))),
        []
    );
    let report = Report::at(&seen, days_later(14, None));
    let by_then = "signatures-end-by-then";
    assert_eq!(about_signatures(&report), [(by_then, COM), (by_then, NET)]);
    // Who signs every few days is not told of a fault.
    assert_eq!(report.verdict, Verdict::DaneOk);
    assert_eq!(status(&report), ExitStatus::Fine);
    let message = &report.findings[0].message;
    assert!(
        message.contains("assumes that example.com. is signed again by then"),
        "{message}"
    );
}

#[tokio::test]
async fn a_zone_that_is_not_signed_again_in_time_is_warned_of_as_of_any_moment() {
    let seen = in_two_zones(Some(ZoneFault::SignaturesEndSoon)).await;
    for later in [Horizon::default(), days_later(14, None)] {
        let report = Report::at(&seen, later);
        let about = about_signatures(&report);
        assert_eq!(about[0], ("signature-ends-soon", NET));
        assert_eq!(status(&report), ExitStatus::Warning);
        let before = "That is before the moment that this report is for.";
        let message = &report.findings[0].message;
        assert_eq!(message.contains(before), later.at.is_some(), "{message}");
        // And not twice.
        assert_eq!(about.iter().filter(|(_, zone)| *zone == NET).count(), 1);
        assert_eq!(about.len(), 1 + usize::from(later.at.is_some()));
    }
}

#[tokio::test]
async fn days_to_warn_of_signatures_count_from_the_moment_judged() {
    let seen = in_two_zones(None).await;
    let soon = "signature-ends-soon";
    for (horizon, expected) in [
        (warning_within(12), &[][..]),
        (warning_within(14), &[(soon, COM), (soon, NET)]),
        (days_later(10, Some(2)), &[]),
        (days_later(10, Some(4)), &[(soon, COM), (soon, NET)]),
        (days_later(20, Some(0)), &[(soon, COM), (soon, NET)]),
    ] {
        let report = Report::at(&seen, horizon);
        assert_eq!(about_signatures(&report), expected, "{horizon:?}");
    }
}

#[tokio::test]
async fn signatures_under_which_nothing_is_secure_break_nothing() {
    let seen = in_two_zones(Some(ZoneFault::DsMissing)).await;
    let report = Report::at(&seen, days_later(14, Some(14)));
    assert_eq!(about_signatures(&report), [("signature-ends-soon", COM)]);
}
