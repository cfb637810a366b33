//! The parts of a mailcow.

use danecheck_core::doctor::{CheckStatus, Checkup};
use danecheck_core::observation::MailcowParts;

use super::machine::{complaints, expect, in_order};
use crate::support::mailcow_parts::MAIN_CF;

#[tokio::test]
async fn each_fault_of_mailcow_is_named_alone() {
    use CheckStatus::{Error, Warning};
    let seen = in_order().await;
    let with = |change: &dyn Fn(&mut MailcowParts)| {
        let mut seen = seen.clone();
        change(seen.mailcow.as_mut().unwrap());
        seen
    };
    let main_cf = |text: &str| {
        let text = format!("{MAIN_CF}{text}");
        with(&|parts| parts.main_cf = Some(Ok(text.clone())))
    };
    let service = |answer: Result<&str, &str>| {
        let answer = answer.map(str::to_owned).map_err(str::to_owned);
        with(&|parts| parts.policy_service.as_mut().unwrap().answer = answer.clone())
    };
    let denied = r#"{"type":"error","msg":"api access denied for ip 172.22.1.9"}"#;
    let row = r#"[{"id":7,"dest":"example.com","policy":"encrypt",
        "parameters":"protocols=!SSLv2,!SSLv3","active":1}]"#;
    let mut unmarked = seen.probes.root.clone();
    unmarked.reply.as_mut().unwrap().authentic = false;
    let off = "smtp_tls_security_level = may\n";
    for (what, seen, id, status) in [
        (
            "unbound without validation",
            with(&|parts| parts.root = Some(unmarked.clone())),
            "mailcow-resolver",
            Error,
        ),
        (
            "a key that is refused",
            with(&|parts| parts.containers = Some(Err("401 Unauthorized".to_owned()))),
            "mailcow-api",
            Warning,
        ),
        (
            "an address that is refused",
            with(&|parts| parts.rows = Some(Ok(denied.to_owned()))),
            "mailcow-api",
            Warning,
        ),
        ("level may", main_cf(off), "mailcow-postfix", Warning),
        (
            "no DNSSEC",
            main_cf("smtp_dns_support_level = enabled\n"),
            "mailcow-postfix",
            Error,
        ),
        (
            "only postfix-tlspol",
            main_cf("smtp_tls_policy_maps = socketmap:inet:postfix-tlspol:8642:QUERY\n"),
            "mailcow-postfix",
            Warning,
        ),
        (
            "only its own table",
            main_cf("smtp_tls_policy_maps = proxy:mysql:/a/mysql_tls_policy_override_maps.cf\n"),
            "mailcow-postfix",
            Warning,
        ),
        (
            "a folder without main.cf",
            with(&|parts| parts.main_cf = Some(Err("/mailcow/main.cf: not there".to_owned()))),
            "mailcow-postfix",
            Warning,
        ),
        (
            "extra.cf before the restart",
            with(&|parts| parts.extra_cf = Some(off.to_owned())),
            "mailcow-extra-cf",
            Warning,
        ),
        (
            "a row with commas",
            with(&|parts| parts.rows = Some(Ok(row.to_owned()))),
            "mailcow-entries",
            Error,
        ),
        (
            "postfix-tlspol without an answer",
            service(Err("Connection refused (os error 111)")),
            "mailcow-policy-service",
            Error,
        ),
        (
            "postfix-tlspol without a resolver",
            service(Ok("TEMP ")),
            "mailcow-policy-service",
            Error,
        ),
    ] {
        expect(what, &seen, id, status);
    }
    // The resolver explains the policy service.
    let both = with(&|parts| {
        parts.root = Some(unmarked.clone());
        parts.policy_service.as_mut().unwrap().answer = Ok("TEMP ".to_owned());
    });
    expect("both", &both, "mailcow-resolver", Error);
    // What was not asked is unknown, and no fault.
    let nothing = with(&|parts| *parts = MailcowParts::default());
    let checkup = Checkup::of(&nothing);
    assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
    let unknown = |check: &&danecheck_core::doctor::CheckResult| {
        check.id.starts_with("mailcow-") && check.status == CheckStatus::Unknown
    };
    assert_eq!(
        checkup.checks.iter().filter(unknown).count(),
        5,
        "{checkup:#?}"
    );
    // In the container the resolver is mailcow's.
    let mut beside = with(&|parts| parts.beside = true);
    beside.resolver = vec!["172.22.1.254:53".to_owned()];
    assert_eq!(complaints(&Checkup::of(&beside)), [""; 0]);
}
