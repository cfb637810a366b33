//! Findings about the target as a whole.

use crate::judge::{
    Blind, Channel, DaneRecords, Delivery, Judged, Outcome, Route, SecurityLevel, Standing,
    Verdict, blind, cannot_be_seen, proxy_failure,
};
use crate::observation::SessionEnd;

use super::{Findings, Rule, Severity};

pub(super) static ADDRESS_FAMILY_UNREACHABLE: Rule = Rule {
    id: "address-family-unreachable",
    severity: Severity::Info,
    reference: "Postfix inet_protocols",
    meaning: "No address of this family can be reached from here, most likely because this \
              host has no such connectivity. It is not counted against the domain.",
    sender: "look from a host that has both families.",
    receiver: "",
};

pub(super) static DELIVERY_BY_CHANCE: Rule = Rule {
    id: "delivery-by-chance",
    severity: Severity::Warning,
    reference: "Postfix smtp_domain_addr",
    meaning: "Postfix shuffles servers of equal preference and their addresses. They do not \
              behave alike here, so the same mail fares now better, now worse. The report gives \
              the weakest.",
    sender: "nothing: what waits is tried again, and draws anew; an override would weaken the \
             good servers too.",
    receiver: "make every server and every address of equal preference behave alike.",
};

pub(super) static DOWNGRADE_BY_FAIL_OVER: Rule = Rule {
    id: "downgrade-by-fail-over",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.2.1",
    meaning: "A mail server fails DANE, and the mail goes to another one that has no DANE: \
              it arrives, but nobody vouches for where.",
    sender: "level dane-only instead of dane keeps such mail back, if that is what you want.",
    receiver: "mend the failing server, and publish TLSA records for every one.",
};

pub(super) static INVALID_TARGET: Rule = Rule {
    id: "invalid-target",
    severity: Severity::Error,
    reference: "Postfix valid_hostname",
    meaning: "The text is no next hop: neither a domain, nor a host or an address in brackets.",
    sender: "correct the target: example.com, [mail.example.com] or [192.0.2.1]:25.",
    receiver: "",
};

pub(super) static JUDGEMENT_CUT_SHORT: Rule = Rule {
    id: "judgement-cut-short",
    severity: Severity::Error,
    reference: "RFC 7671 section 10.1.2",
    meaning: "To judge what a server shows takes more work than danecheck spends on one domain: \
              more checks of signatures, more comparisons of names. What depends on it is left \
              open: it counts neither for the server nor against it. No honest server needs so \
              much. Thousands of names in a certificate, or a hundred keys in TLSA records, keep \
              every sender busy that checks them.",
    sender: "set no override for it: nothing is known to fail. Ask the receiver what its \
             certificates and TLSA records are for.",
    receiver: "publish one TLSA record 3 1 1 for each key that the server has, and send the \
               server's own certificate with its issuers and no others.",
};

pub(super) static NO_ENCRYPTION: Rule = Rule {
    id: "no-encryption",
    severity: Severity::Warning,
    reference: "RFC 3207",
    meaning: "No TLS comes about with the server that takes the mail, so it travels readable \
              for everybody on the way.",
    sender: "",
    receiver: "switch STARTTLS on (Postfix: `smtpd_tls_security_level = may`, with \
               `smtpd_tls_chain_files` naming key and certificate).",
};

pub(super) static NOT_ALL_LOOKED_AT: Rule = Rule {
    id: "not-all-looked-at",
    severity: Severity::Info,
    reference: "Postfix smtp_mx_address_limit",
    meaning: "A bound kept part of the target from being looked at; the rest of the report \
              stands.",
    sender: "nothing where a count is the bound: Postfix too stops after a few hosts and \
             addresses. Where time ran out, look again with a larger --timeout.",
    receiver: "",
};

pub(super) static PORT_BLOCKED_HERE: Rule = Rule {
    id: "port-blocked-here",
    severity: Severity::Error,
    reference: "Postfix smtp_connect_addr",
    meaning: "DNS works, but no mail server of the domain could be reached from here. Home \
              lines, clouds and hosted CI runners block port 25, so this is no word against \
              the domain.",
    sender: "look from the mail server itself (danecheck --save FILE there, danecheck --replay \
             FILE here), or through it: ssh -N -D 1080 mail.example.com with your own server's \
             name, and in another window danecheck --proxy socks5://127.0.0.1:1080 and the \
             domain.",
    receiver: "",
};

pub(super) static POSTFIX_VERSIONS_DIFFER: Rule = Rule {
    id: "postfix-versions-differ",
    severity: Severity::Info,
    reference: "Postfix smtp_tls_dane_insecure_mx_policy",
    meaning: "The MX records are not signed. Postfix before 3.6.17, 3.7.13, 3.8.8 and 3.9.2 \
              ignores the TLSA records then where the level dane comes from a policy table \
              rather than from main.cf; newer ones enforce them. The report is about the newest.",
    sender: "`postconf mail_version` tells yours; update an older one, or set \
             `smtp_tls_security_level = dane` in main.cf, which counts in all of them.",
    receiver: "",
};

pub(super) static PREFERRED_SERVER_FAILS: Rule = Rule {
    id: "preferred-server-fails",
    severity: Severity::Warning,
    reference: "RFC 5321 section 5.1",
    meaning: "The mail servers that the domain prefers fail DANE, and one of worse preference \
              takes the mail in their place. It commonly has to hand it on to the preferred \
              ones; where it asks for DANE itself, mail waits there, and the sender gets a delay \
              notice from the receiver's own server.",
    sender: "tell the receiver: that mail is taken does not mean that it arrives.",
    receiver: "mend the preferred server, and look into the queue of the other one.",
};

pub(super) static PROXY_FAILED: Rule = Rule {
    id: "proxy-failed",
    severity: Severity::Error,
    reference: "RFC 1928 section 6",
    meaning: "The proxy that was given with --proxy cannot be reached, refuses the login, or does \
              not do what a SOCKS proxy does. It is a fault at your own end, and no word about \
              the domain.",
    sender: "see that the proxy runs (ssh -N -D 1080 mail.example.com) and that --proxy names \
             its address, its port and, where it wants them, user and password.",
    receiver: "",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let target = judged.evidence.observation.next_hop.to_string();
    let dane = judged.outcome(SecurityLevel::Dane);
    for cut in &judged.evidence.observation.cuts {
        findings.add(&NOT_ALL_LOOKED_AT, target.clone(), cut.clone());
    }
    cut_short(judged, findings);
    if blind(&judged.evidence) == Some(Blind::Network) {
        findings.add(
            &PORT_BLOCKED_HERE,
            target.clone(),
            match &judged.evidence.observation.proxy {
                None => format!("No mail server of {target} can be reached from here."),
                Some(proxy) => {
                    format!("No mail server of {target} can be reached through {proxy}.")
                }
            },
        );
    }
    if let Some(why) = proxy_failure(&judged.evidence) {
        let proxy = &judged.evidence.observation.proxy;
        let proxy = proxy.as_deref().unwrap_or("the proxy");
        findings.add(
            &PROXY_FAILED,
            proxy,
            format!("No connection came about through {proxy}: {why}."),
        );
    }
    if judged.verdict == Verdict::Indeterminate {
        return;
    }
    unreachable_family(judged, findings);
    if dane.varies {
        findings.add(
            &DELIVERY_BY_CHANCE,
            target.clone(),
            chance(judged.outcome(SecurityLevel::Dane)),
        );
    }
    let insecure_mx = judged.evidence.mx.as_ref().is_some_and(|mx| !mx.secure);
    if insecure_mx && judged.tlsa_in_play() {
        findings.add(
            &POSTFIX_VERSIONS_DIFFER,
            target.clone(),
            format!("Older releases of Postfix may treat {target} as a domain without DANE."),
        );
    }
    downgrade(judged, &target, findings);
    preferred(judged, &target, findings);
    no_encryption(judged, findings);
}

/// What was not judged for want of work, once for each host.
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
                    "What {name} shows takes more work to check than danecheck spends on it: \
                     whether its certificates pass could not be told."
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
            format!("No {family} address can be reached from here; they are left out."),
        );
    }
}

fn chance(dane: &Outcome) -> &'static str {
    if dane.varies && dane.delivery == Delivery::Deferred {
        "Servers of equal preference do not behave alike: the same mail fares now better, now \
         worse. What is deferred draws anew at each attempt."
    } else {
        "Servers of equal preference do not behave alike: the same mail fares now better, now \
         worse."
    }
}

fn downgrade(judged: &Judged<'_>, target: &str, findings: &mut Findings) {
    let dane = judged.outcome(SecurityLevel::Dane);
    let broken = judged.standings.contains(&Standing::Broken);
    let unprotected = dane.channel != Some(Channel::Authenticated);
    let in_play = judged.evidence.addresses().any(|(_, address)| {
        matches!(
            address.dane,
            DaneRecords::Usable(..) | DaneRecords::LookupError
        )
    });
    let half = judged.evidence.mx.as_ref().is_some_and(|mx| !mx.secure);
    if dane.delivers() && broken && unprotected && in_play && !half {
        let via = dane.via.as_deref().unwrap_or("another server");
        findings.add(
            &DOWNGRADE_BY_FAIL_OVER,
            target.to_owned(),
            format!("A server of {target} fails DANE, and the mail goes without DANE to {via}."),
        );
    }
}

/// Where all servers of the best preference fail, and others do not.
fn preferred(judged: &Judged<'_>, target: &str, findings: &mut Findings) {
    let dane = judged.outcome(SecurityLevel::Dane);
    let (Route::Addresses(candidates), Some(via)) = (&judged.evidence.route, dane.via.as_deref())
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
    if dane.delivers() && all_broken && !names.contains(&via) {
        findings.add(
            &PREFERRED_SERVER_FAILS,
            target.to_owned(),
            format!(
                "{} fail{} DANE, and {via}, of worse preference, takes the mail.",
                names.join(", "),
                if names.len() == 1 { "s" } else { "" }
            ),
        );
    }
}

fn no_encryption(judged: &Judged<'_>, findings: &mut Findings) {
    let dane = judged.outcome(SecurityLevel::Dane);
    if dane.channel != Some(Channel::Plaintext) {
        return;
    }
    let Some(via) = dane.via.as_deref() else {
        return;
    };
    let no_starttls = judged.evidence.addresses().any(|(host, address)| {
        host.seen.name == via
            && !cannot_be_seen(address)
            && address
                .sessions
                .iter()
                .any(|session| session.seen.end == SessionEnd::NoStartTls)
    });
    let message = match (dane.delivery, no_starttls) {
        (Delivery::DeliveredAfterRetry, _) => {
            format!("Mail to {via} goes in plain text, some minutes late, for TLS fails.")
        }
        (_, true) => format!("{via} does not offer STARTTLS: mail goes in plain text."),
        (_, false) => format!("Mail to {via} goes in plain text."),
    };
    findings.add(&NO_ENCRYPTION, via.to_owned(), message);
}
