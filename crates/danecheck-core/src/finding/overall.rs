//! Findings about the target as a whole.

use crate::judge::{
    Blind, Channel, DaneRecords, Delivery, Judged, Outcome, Route, Standing, Verdict, blind,
    cannot_be_seen, proxy_failure,
};
use crate::next_hop::NextHopError;
use crate::observation::SessionEnd;
use crate::postfix::SecurityLevel;

use super::rule::{Finding, Findings, Rule, Severity};
use super::starttls_offer::Unseen;
use super::{cut, old_tls};

pub(super) static ADDRESS_FAMILY_UNREACHABLE: Rule = Rule {
    id: "address-family-unreachable",
    severity: Severity::Info,
    reference: "Postfix inet_protocols",
    meaning: "No address of this family can be reached from here. Most likely this host has no \
              connectivity for it. danecheck does not count that against the domain.",
    sender: "Check from a host that has both families.",
    receiver: "",
};

pub(super) static DELIVERY_BY_CHANCE: Rule = Rule {
    id: "delivery-by-chance",
    severity: Severity::Warning,
    reference: "Postfix smtp_domain_addr",
    meaning: "Postfix shuffles servers of equal preference and their addresses. They do not behave \
              alike here, so the outcome depends on which server Postfix happens to try first. The \
              report gives the weakest outcome.",
    sender: "Set an override only if one is advised: Postfix tries waiting mail again and \
             shuffles each time, and an override weakens delivery to the good servers too.",
    receiver: "Make every server and every address of equal preference behave alike.",
};

pub(super) static DOWNGRADE_BY_FAIL_OVER: Rule = Rule {
    id: "downgrade-by-fail-over",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.2.1",
    meaning: "A mail server fails DANE, and Postfix sends the mail to another server that has no \
              DANE. The mail arrives, but nothing proves who receives it.",
    sender: "Use level dane-only instead of dane if you want to keep such mail back.",
    receiver: "Repair the failing server, and publish TLSA records for every server.",
};

pub(super) static INVALID_TARGET: Rule = Rule {
    id: "invalid-target",
    severity: Severity::Error,
    reference: "Postfix valid_hostname",
    meaning: "The text is not a next hop. A next hop is a domain, or a host or an address in \
              brackets.",
    sender: "Correct the target: example.com, [mail.example.com] or [192.0.2.1]:25.",
    receiver: "",
};

pub(super) static JUDGEMENT_CUT_SHORT: Rule = Rule {
    id: "judgement-cut-short",
    severity: Severity::Error,
    reference: "RFC 7671 section 10.1.2",
    meaning: "Judging what this server shows takes more work than danecheck allows for one domain: \
              more signature checks, or more name comparisons. danecheck does not judge what \
              depends on them. That counts neither for the server nor against it. No honest server \
              needs so much work. Thousands of names in a certificate, or a hundred keys in TLSA \
              records, delay every sender that checks them.",
    sender: "Set no override for this: no fault is known. Ask the receiver what its certificates \
             and TLSA records are for.",
    receiver: "Publish one TLSA record 3 1 1 for each key of the server. Send only the server's \
               own certificate and its issuers.",
};

pub(super) static NO_ENCRYPTION: Rule = Rule {
    id: "no-encryption",
    severity: Severity::Warning,
    reference: "RFC 3207",
    meaning: "The server that takes the mail offers no working TLS. Everybody on the way can read \
              the mail.",
    sender: "",
    receiver: "Switch STARTTLS on (Postfix: `smtpd_tls_security_level = may`, with key and \
               certificate in `smtpd_tls_chain_files`).",
};

pub(super) static NOT_ALL_LOOKED_AT: Rule = Rule {
    id: "not-all-looked-at",
    severity: Severity::Info,
    reference: "Postfix smtp_mx_address_limit",
    meaning: "A limit stopped danecheck before it had checked everything. The rest of the report \
              is valid.",
    sender: "Do nothing if the limit is a count: Postfix too stops after a few hosts and \
             addresses. If time ran out, look again with a larger --timeout.",
    receiver: "",
};

pub(super) static PORT_BLOCKED_HERE: Rule = Rule {
    id: "port-blocked-here",
    severity: Severity::Error,
    reference: "Postfix smtp_connect_addr",
    meaning: "DNS works, but danecheck could not reach any mail server of the domain from here. \
              Home lines, clouds and hosted CI runners block port 25, so this says nothing against \
              the domain.",
    sender: "Run `danecheck DOMAIN` on your mail server. Or check through it: run `ssh -N -D 1080 \
             SERVER` with its name, and in another window `danecheck --proxy \
             socks5://127.0.0.1:1080 DOMAIN`. If this is your mail server, run `danecheck doctor \
             --via gmail.com DOMAIN`: it shows whether port 25 is open outwards.",
    receiver: "",
};

pub(super) static POSTFIX_VERSIONS_DIFFER: Rule = Rule {
    id: "postfix-versions-differ",
    severity: Severity::Info,
    reference: "Postfix smtp_tls_dane_insecure_mx_policy",
    meaning: "The MX records are not signed. Newer releases of Postfix enforce the TLSA records \
              all the same, and the report is about the newest. Postfix before 3.6.17, 3.7.13, \
              3.8.8 and 3.9.2 ignores the records if level dane comes from a policy table instead \
              of main.cf.",
    sender: "Read your release with `postconf mail_version`. Update an older one, or set \
             `smtp_tls_security_level = dane` in main.cf, which counts in all of them.",
    receiver: "",
};

pub(super) static PREFERRED_SERVER_FAILS: Rule = Rule {
    id: "preferred-server-fails",
    severity: Severity::Warning,
    reference: "RFC 5321 section 5.1",
    meaning: "The mail servers that the domain prefers fail DANE, and a less preferred server \
              takes the mail. It usually has to pass the mail on to the preferred ones. If it uses \
              DANE itself, mail waits there, and the sender gets a delay notice from the \
              receiver's own server.",
    sender: "Tell the receiver: accepted mail may still not arrive.",
    receiver: "Repair the preferred server, and check the queue of the other one.",
};

pub(super) static PROXY_FAILED: Rule = Rule {
    id: "proxy-failed",
    severity: Severity::Error,
    reference: "RFC 1928 section 6",
    meaning: "The proxy of --proxy cannot be reached, refuses the login, or does not act like a \
              SOCKS proxy. The fault is on your side and says nothing about the domain.",
    sender: "Check that the proxy runs (`ssh -N -D 1080 mail.example.com`). Check that --proxy names \
             its address and port, and user and password if the proxy wants them.",
    receiver: "",
};

/// Where no mail server can be reached from.
fn unreachable(judged: &Judged<'_>, target: &str) -> String {
    let mut addresses = judged.evidence.addresses();
    let only_ipv6 = match addresses.all(|(_, address)| address.seen.address.is_ipv6()) {
        true => ": they have only IPv6 addresses",
        false => "",
    };
    match &judged.evidence.observation.proxy {
        None => format!("No mail server of {target} can be reached from here{only_ipv6}."),
        Some(proxy) => {
            format!("No mail server of {target} can be reached through {proxy}{only_ipv6}.")
        }
    }
}

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let target = judged.evidence.observation.next_hop.to_string();
    let today = &judged.sending.outcome;
    for sentence in cut::sentences(&judged.evidence.observation.cuts) {
        findings.add(&NOT_ALL_LOOKED_AT, target.clone(), sentence);
    }
    cut_short(judged, findings);
    if blind(&judged.evidence) == Some(Blind::Network) {
        findings.add(
            &PORT_BLOCKED_HERE,
            target.clone(),
            unreachable(judged, &target),
        );
    }
    if let Some(why) = proxy_failure(&judged.evidence) {
        let proxy = &judged.evidence.observation.proxy;
        let proxy = proxy.as_deref().unwrap_or("the proxy");
        findings.add(
            &PROXY_FAILED,
            proxy,
            format!("No connection works through {proxy}: {why}."),
        );
    }
    if judged.verdict == Verdict::Indeterminate {
        return;
    }
    unreachable_family(judged, findings);
    if today.varies {
        findings.add(&DELIVERY_BY_CHANCE, target.clone(), chance(today));
    }
    let insecure_mx = judged.evidence.mx.as_ref().is_some_and(|mx| !mx.secure);
    if insecure_mx && judged.tlsa_in_play() {
        findings.add(
            &POSTFIX_VERSIONS_DIFFER,
            target.clone(),
            format!("Older releases of Postfix may treat {target} as a domain without DANE."),
        );
    }
    old_tls::check_releases(judged, findings);
    // Only a sender that asks for DANE leaves a server because DANE fails there.
    let line = judged.sending.in_force.policy.line.as_ref();
    if line.is_ok_and(|line| matches!(line.level, SecurityLevel::Dane | SecurityLevel::DaneOnly)) {
        downgrade(judged, &target, findings);
        preferred(judged, &target, findings);
    }
    no_encryption(judged, findings);
}

/// What was not judged because the work budget ran out, once for each host.
fn cut_short(judged: &Judged<'_>, findings: &mut Findings) {
    for host in &judged.evidence.hosts {
        let sessions = host.addresses.iter().flat_map(|address| {
            let limited = address.limited.iter().map(|(_, session)| session);
            address.sessions.iter().chain(limited)
        });
        let cut = sessions
            .filter(|session| judged.evidence.verified.was_cut(session))
            .count();
        if cut > 0 {
            let name = &host.seen.name;
            findings.add(
                &JUDGEMENT_CUT_SHORT,
                name.clone(),
                format!(
                    "Judging what {name} shows takes more work than danecheck allows. So danecheck \
                     does not know whether the certificates pass."
                ),
            );
        }
    }
}

fn unreachable_family(judged: &Judged<'_>, findings: &mut Findings) {
    let unseen = judged
        .evidence
        .addresses()
        .zip(&judged.standings)
        .filter(|(_, standing)| **standing == Standing::Unseen)
        .filter(|((_, address), _)| address.seen.reserved.is_none() && !address.was_left_out());
    for ((_, address), _) in unseen {
        let family = if address.seen.address.is_ipv4() {
            "IPv4"
        } else {
            "IPv6"
        };
        findings.add(
            &ADDRESS_FAMILY_UNREACHABLE,
            family,
            format!("No {family} address can be reached from here. The report leaves them out."),
        );
    }
}

fn chance(today: &Outcome) -> &'static str {
    if today.delivery == Delivery::Deferred {
        "Servers of equal preference do not behave alike: the outcome depends on which one Postfix \
         tries first. Postfix shuffles them again at each attempt."
    } else {
        "Servers of equal preference do not behave alike: the outcome depends on which one Postfix \
         tries first."
    }
}

fn downgrade(judged: &Judged<'_>, target: &str, findings: &mut Findings) {
    let today = &judged.sending.outcome;
    let broken = judged.standings.contains(&Standing::Broken);
    let unprotected = today.channel != Some(Channel::Authenticated);
    let in_play = judged.evidence.addresses().any(|(_, address)| {
        matches!(
            address.dane,
            DaneRecords::Usable(..) | DaneRecords::LookupError
        )
    });
    let half = judged.evidence.mx.as_ref().is_some_and(|mx| !mx.secure);
    if today.delivers() && broken && unprotected && in_play && !half {
        let via = today.via.as_deref().unwrap_or("another server");
        findings.add(
            &DOWNGRADE_BY_FAIL_OVER,
            target.to_owned(),
            format!(
                "A server of {target} fails DANE, and Postfix sends the mail without DANE to \
                     {via}."
            ),
        );
    }
}

/// Raises the finding if all servers of the best preference fail, and others do
/// not.
fn preferred(judged: &Judged<'_>, target: &str, findings: &mut Findings) {
    let today = &judged.sending.outcome;
    let (Route::Addresses(candidates), Some(via)) = (&judged.evidence.route, today.via.as_deref())
    else {
        return;
    };
    let hosts = &judged.evidence.hosts;
    let places = hosts.iter().enumerate().flat_map(|(index, host)| {
        let addresses = 0..host.addresses.len();
        addresses.map(move |place| (index, place))
    });
    let broken: Vec<(usize, usize)> = places
        .zip(&judged.standings)
        .filter(|(_, standing)| **standing == Standing::Broken)
        .map(|(place, _)| place)
        .collect();
    let best = candidates.iter().map(|one| one.preference).min();
    let of_best = || candidates.iter().filter(|one| Some(one.preference) == best);
    let all_broken = of_best().all(|one| broken.contains(&(one.host, one.address)));
    let mut names: Vec<&str> = of_best()
        .filter_map(|one| Some(hosts.get(one.host)?.seen.name.as_str()))
        .collect();
    names.dedup();
    if today.delivers() && all_broken && !names.contains(&via) {
        findings.add(
            &PREFERRED_SERVER_FAILS,
            target.to_owned(),
            format!(
                "{} fail{} DANE, and the less preferred {via} takes the mail.",
                names.join(", "),
                if names.len() == 1 { "s" } else { "" }
            ),
        );
    }
}

fn no_encryption(judged: &Judged<'_>, findings: &mut Findings) {
    let today = &judged.sending.outcome;
    let line = judged.sending.in_force.policy.line.as_ref();
    let is_wanted = line.is_ok_and(|line| line.level == SecurityLevel::None);
    if today.channel != Some(Channel::Plaintext) || is_wanted {
        return;
    }
    let Some(via) = today.via.as_deref() else {
        return;
    };
    let own = judged
        .evidence
        .addresses()
        .filter(|(host, address)| host.seen.name == via && !cannot_be_seen(address));
    let mut without = own
        .flat_map(|(_, address)| &address.sessions)
        .filter(|session| session.seen.end == SessionEnd::NoStartTls);
    let without = without.next();
    let message = match (today.delivery, without) {
        (Delivery::DeliveredAfterRetry, _) => {
            format!("Mail to {via} goes in plain text, some minutes late, because TLS fails.")
        }
        (_, Some(_)) => format!("{via} does not offer STARTTLS: mail goes in plain text."),
        (_, None) => format!("Mail to {via} goes in plain text, because TLS fails."),
    };
    let finding = Finding::new(&NO_ENCRYPTION, via, message);
    let unseen = without.and_then(|session| Unseen::of(session.seen.ehlo.as_ref()?));
    findings.put(match (without, unseen) {
        (Some(_), Some(unseen)) => finding.receiver(unseen.step()),
        (Some(_), None) => finding,
        (None, _) => finding.receiver("Repair the server's TLS: another finding names its fault."),
    });
}

/// The finding for a text that is not a target.
pub(crate) fn invalid_target(text: &str, error: &NextHopError) -> Finding {
    Finding::new(&INVALID_TARGET, text, format!("{error}."))
}
