//! The Postfix of the machine.

use danecheck_core::doctor::{CheckStatus, Checkup};
use danecheck_core::observation::{ChrootSeen, TableAnswer};

use super::machine::{TARGETS, answered, complaints, expect, in_order, named};

#[tokio::test]
async fn each_fault_of_the_sender_is_named_alone() {
    use CheckStatus::{Error, Warning};
    let seen = in_order().await;
    let changed = |name: &str, value: &str| {
        let mut seen = seen.clone();
        let senders = seen
            .targets
            .iter_mut()
            .filter_map(|it| it.local_sender.as_mut());
        for local in senders.chain(seen.postfix.as_mut().ok()) {
            local.parameters.insert(name.to_owned(), value.to_owned());
        }
        seen
    };
    for (name, value, id, status) in [
        ("smtp_dns_support_level", "", "postfix-dane", Error),
        ("smtp_host_lookup", "native", "postfix-dane", Error),
        ("ignore_mx_lookup_error", "yes", "postfix-dane", Error),
        ("disable_dns_lookups", "yes", "postfix-dane", Error),
        ("smtp_tls_security_level", "may", "postfix-level", Warning),
        ("smtp_tls_security_level", "", "postfix-level", Warning),
        ("relayhost", "[relay.example]:587", "postfix-relay", Warning),
    ] {
        expect(
            &format!("{name}={value}"),
            &changed(name, value),
            id,
            status,
        );
    }
    let mut without_store = changed("smtp_tls_CAfile", "");
    assert_eq!(complaints(&Checkup::of(&without_store)), [""; 0]);
    let local = without_store.postfix.as_mut().unwrap();
    let level = ("smtp_tls_security_level".to_owned(), "secure".to_owned());
    local.parameters.extend([level]);
    let checkup = Checkup::of(&without_store);
    assert_eq!(
        complaints(&checkup),
        ["postfix-level", "postfix-trust-store"]
    );
    let mut broken = seen.clone();
    let why = TableAnswer::Failed("postmap: fatal: open database".to_owned());
    broken.postfix.as_mut().unwrap().lookups = vec![answered("danecheck.invalid", why)];
    expect("tables", &broken, "postfix-tables", Error);
    for (value, status) in [
        ("encrypt protocols=TLSv9", Error),
        ("nonsense", Error),
        ("none", Warning),
    ] {
        let mut entry = seen.clone();
        let local = entry.targets[0].local_sender.as_mut().unwrap();
        local.lookups = vec![answered(TARGETS[0], TableAnswer::Found(value.to_owned()))];
        expect(value, &entry, "postfix-entries", status);
    }
    let mut shadowed = seen.clone();
    let local = shadowed.targets[0].local_sender.as_mut().unwrap();
    local.lookups = ["dane", "may"]
        .map(|value| answered(TARGETS[0], TableAnswer::Found(value.to_owned())))
        .into();
    expect("shadowed", &shadowed, "postfix-entries", Warning);
    let mut store = seen.clone();
    store.trust_store.source = "mozilla".to_owned();
    expect("trust store", &store, "trust-store", Warning);
}

#[tokio::test]
async fn what_master_cf_sets_is_corrected_there() {
    let mut seen = in_order().await;
    let may = ("smtp_tls_security_level".to_owned(), "may".to_owned());
    seen.postfix.as_mut().unwrap().parameters.extend([may]);
    seen.service.overridden = vec!["smtp_tls_security_level".to_owned()];
    expect("level", &seen, "postfix-level", CheckStatus::Warning);
    let checkup = Checkup::of(&seen);
    let check = named(&checkup, "postfix-level");
    let remedy = check.remedy.as_deref().unwrap();
    assert!(remedy.contains("in master.cf"), "{remedy}");
    assert!(!remedy.contains("postconf -e"), "{remedy}");
}

#[tokio::test]
async fn a_postfix_that_is_locked_in_sees_the_files_there() {
    let seen = in_order().await;
    let locked = |inside: Option<&[&str]>, outside: &[&str], has_ca_path| {
        let mut seen = seen.clone();
        let parse = |all: &[&str]| all.iter().map(|it| it.parse().unwrap()).collect();
        seen.service.chroot = Some(ChrootSeen {
            directory: "/var/spool/postfix".to_owned(),
            name_servers: inside.map(parse),
            name_servers_outside: Some(parse(outside)),
            has_ca_path,
        });
        seen
    };
    let loopback: &[&str] = &["127.0.0.1"];
    for healthy in [
        locked(Some(loopback), loopback, None),
        // The C library asks 127.0.0.1.
        locked(None, loopback, None),
        locked(Some(&[]), loopback, Some(true)),
        // smtp_tls_CAfile is read before.
        locked(Some(loopback), loopback, Some(false)),
    ] {
        assert_eq!(complaints(&Checkup::of(&healthy)), [""; 0]);
    }
    for other in [
        locked(None, &["192.0.2.53"], None),
        locked(Some(&["8.8.8.8"]), loopback, None),
        locked(Some(&["127.0.0.1", "8.8.8.8"]), loopback, None),
    ] {
        expect("resolver", &other, "postfix-chroot", CheckStatus::Warning);
    }
    let mut without = locked(Some(loopback), loopback, Some(false));
    for (name, value) in [
        ("smtp_tls_CAfile", ""),
        ("smtp_tls_CApath", "/etc/ssl/certs"),
    ] {
        let parameter = (name.to_owned(), value.to_owned());
        without
            .postfix
            .as_mut()
            .unwrap()
            .parameters
            .extend([parameter]);
    }
    expect("CAs", &without, "postfix-chroot", CheckStatus::Warning);
}
