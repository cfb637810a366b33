//! Findings about the MX records and the addresses.

use crate::dnssec::SecurityStatus;
use crate::finding::rule::{Finding, Findings, Rule, Severity, TELL};
use crate::judge::{DeadEndCause, Judged, Route, Verdict};
use crate::next_hop::lookup_name_fault;
use crate::observation::{
    Answer, Denial, HostSeen, Lookup, Observation, ResolverValidation, Shortcoming,
};

use super::failed_lookup::failed;

pub(super) static ADDRESS_LOOKUP_FAILED: Rule = Rule {
    id: "address-lookup-failed",
    severity: Severity::Warning,
    reference: "Postfix smtp_addr_one",
    meaning: "The address lookup of a mail server failed. Postfix continues with the addresses \
              that it has. If no server of the domain has an address, mail waits, and no TLS \
              policy changes that.",
    sender: "Look again through a second resolver (`danecheck --resolver IP DOMAIN`). If that one \
             answers, the fault is in your own resolver.",
    receiver: "Run `danecheck dns NAME TYPE --authoritative`: it asks each name server of the \
               zone. Repair or remove the one that fails.",
};

pub(super) static HOST_NOT_SIGNED: Rule = Rule {
    id: "host-not-signed",
    severity: Severity::Info,
    reference: "RFC 7672 section 2.2.2",
    meaning: "DNSSEC does not protect the address records of a mail server. So DANE does not apply \
              to it, and senders do not ask for its TLSA records.",
    sender: "",
    receiver: "Sign the zone of the mail server if you want DANE.",
};

pub(super) static MX_HOST_IS_ADDRESS: Rule = Rule {
    id: "mx-host-is-address",
    severity: Severity::Warning,
    reference: "RFC 5321 section 5.1",
    meaning: "An MX record names an address instead of a host. Postfix accepts that, but uses no \
              DANE. Other senders do not deliver.",
    sender: "",
    receiver: "Give the server a name with A and AAAA records, and put that name into the MX \
               record.",
};

pub(super) static MX_HOST_IS_ALIAS: Rule = Rule {
    id: "mx-host-is-alias",
    severity: Severity::Info,
    reference: "RFC 7672 section 2.2.3",
    meaning: "An MX record names an alias (CNAME). Postfix follows it. It looks for TLSA records \
              first at the target of the alias, then at the alias itself. Some other senders look \
              at only one of the two.",
    sender: "",
    receiver: "Put the target of the alias into the MX record.",
};

pub(super) static MX_HOST_NAME_INVALID: Rule = Rule {
    id: "mx-host-name-invalid",
    severity: Severity::Warning,
    reference: "Postfix valid_hostname",
    meaning: "An MX record names something that is not a host name. Postfix skips it.",
    sender: "",
    receiver: "Put the name of the server into the MX record: letters, digits and hyphens between \
               dots, without a port, a scheme or a blank.",
};

pub(super) static MX_HOST_WITHOUT_ADDRESS: Rule = Rule {
    id: "mx-host-without-address",
    severity: Severity::Warning,
    reference: "RFC 5321 section 5.1",
    meaning: "A mail server of the domain has neither an A nor an AAAA record. Postfix skips it as \
              long as another server has an address. Otherwise mail bounces.",
    sender: "",
    receiver: "Publish the address of the server. If it no longer exists, remove the MX record that \
               names it.",
};

pub(super) static MX_LOOKUP_FAILED: Rule = Rule {
    id: "mx-lookup-failed",
    severity: Severity::Error,
    reference: "Postfix smtp_domain_addr",
    meaning: "The MX lookup failed, so Postfix does not know where the mail should go. No TLS \
              policy changes that.",
    sender: "Look again through a second resolver (`danecheck --resolver IP DOMAIN`). If that one \
             answers, the fault is in your own resolver. Postfix tries the waiting mail again by \
             itself.",
    receiver: "Run `danecheck dns NAME MX --authoritative`: it asks each name server of the zone. \
               Repair or remove the one that fails.",
};

pub(super) static MX_NOT_SIGNED: Rule = Rule {
    id: "mx-not-signed",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.2.1",
    meaning: "The mail servers have TLSA records, but DNSSEC does not protect the MX records that \
              lead to them. An attacker who forges the MX answer can divert the mail. Postfix \
              still enforces the TLSA records, and logs such mail as Trusted, not Verified. Level \
              dane-only does not deliver.",
    sender: "",
    receiver: "Sign the zone of the mail domain.",
};

pub(super) static NAME_DOES_NOT_EXIST: Rule = Rule {
    id: "name-does-not-exist",
    severity: Severity::Error,
    reference: "RFC 2308 section 2.1",
    meaning: "DNS says that the name of the target does not exist (NXDOMAIN): neither MX nor \
              address records can be there. Mail bounces at once. Most often the address has a \
              typing error, or the domain is no longer registered.",
    sender: "Check the spelling of the address. If it is right, tell the receiver by phone: the \
             registration of the domain may have ended, or its zone may have lost the name.",
    receiver: "",
};

pub(super) static NO_MX_RECORD: Rule = Rule {
    id: "no-mx-record",
    severity: Severity::Info,
    reference: "RFC 5321 section 5.1",
    meaning: "The domain has no MX record, so mail goes to the address of the domain itself.",
    sender: "",
    receiver: "Publish an MX record, or a null MX if the domain takes no mail.",
};

pub(crate) static NULL_MX: Rule = Rule {
    id: "null-mx",
    severity: Severity::Error,
    reference: "RFC 7505 section 3",
    meaning: "The domain publishes a null MX: it takes no mail. Mail bounces at once, even if other \
              MX records stand beside it, which RFC 7505 forbids.",
    sender: "Check the address: nobody receives mail there.",
    receiver: "",
};

pub(super) static RESERVED_ADDRESS: Rule = Rule {
    id: "reserved-address",
    severity: Severity::Warning,
    reference: "RFC 6890",
    meaning: "A mail server has an address that does not exist in the public internet: a private \
              one, loopback, or another of IANA's reserved blocks. Postfix would connect to the \
              machine that has this address in the sender's own network. danecheck does not \
              connect to it. Otherwise the owner of a domain could point danecheck at your \
              machines, and so could a name in a log, a table or a request. danecheck does connect \
              to an address that you type yourself as the target, such as [127.0.0.1]:2525.",
    sender: "Look again with --allow-private if the machine is in your own network.",
    receiver: "Remove the address from public DNS, and serve it only in your own network.",
};

/// The step where a domain or a host that the sender named leads nowhere.
const CHECK_SPELLING: &str = "Check the spelling of the name.";

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    // If no lookup succeeded, or none can be believed, that says nothing about
    // the domain: see `resolver-silent` and `resolver-denies-the-root`.
    let resolver = &judged.evidence.observation.resolver;
    if resolver.validation == ResolverValidation::NoAnswer
        || resolver.shortcoming == Some(Shortcoming::DeniesTheRoot)
    {
        return;
    }
    if let Some(name) = missing_name(judged.evidence.observation) {
        let message = format!("{name} does not exist in DNS (NXDOMAIN), so mail bounces at once.");
        findings.add(&NAME_DOES_NOT_EXIST, name, message);
        return;
    }
    mx(judged, findings);
    for host in &judged.evidence.observation.hosts {
        addresses(judged, host, findings);
    }
}

/// The name of the target if DNS says that it does not exist, and nothing
/// contradicts that.
fn missing_name(observation: &Observation) -> Option<String> {
    let hosts = &observation.hosts;
    let mut lookups = hosts
        .iter()
        .flat_map(|host| host.a.iter().chain(&host.aaaa));
    let (name, is_denied) = match &observation.mx {
        Some(mx) => (&mx.name, is_missing(mx)),
        None => {
            let host = hosts.first()?;
            (&host.name, host.a.as_ref().is_some_and(is_missing))
        }
    };
    let is_sure = lookups.all(|lookup| matches!(lookup.answer, Answer::Denied(_)));
    (is_denied && is_sure).then(|| name.clone())
}

fn is_missing<T>(lookup: &Lookup<T>) -> bool {
    match &lookup.answer {
        Answer::Denied(denial) => *denial.open().regardless() == Denial::NxDomain,
        Answer::Records(_) | Answer::Failed(_) => false,
    }
}

fn mx(judged: &Judged<'_>, findings: &mut Findings) {
    let Some(mx) = &judged.evidence.observation.mx else {
        return;
    };
    let domain = mx.name.clone();
    if let Some(failure) = mx.failure() {
        findings.put(failed(&MX_LOOKUP_FAILED, &domain, mx, failure));
        return;
    }
    if let Route::Nowhere(end) = &judged.evidence.route
        && end.cause == DeadEndCause::NullMx
    {
        let stands_among_others = match &mx.answer {
            Answer::Records(set) => {
                let mut records = set.open().regardless().records.iter();
                records.any(|record| !record.host.is_empty())
            }
            Answer::Denied(_) | Answer::Failed(_) => false,
        };
        findings.put(match stands_among_others {
            true => Finding::new(
                &NULL_MX,
                domain.clone(),
                format!(
                    "{domain} publishes a null MX (\"this domain takes no mail\") beside other MX \
                     records, so Postfix returns the mail."
                ),
            )
            .steps("Remove the MX record whose host is \".\".", TELL),
            false => Finding::new(
                &NULL_MX,
                domain.clone(),
                format!("{domain} takes no mail (null MX)."),
            ),
        });
        return;
    }
    match &mx.answer {
        Answer::Denied(_) => findings.add(
            &NO_MX_RECORD,
            domain.clone(),
            match judged.evidence.addresses().next() {
                Some(_) => {
                    format!("{domain} has no MX record; mail goes to the domain's own address.")
                }
                None => format!("{domain} has no MX record, and no address of its own was found."),
            },
        ),
        Answer::Records(records)
            if records.status() == SecurityStatus::Insecure && judged.tlsa_in_play() =>
        {
            findings.add(
                &MX_NOT_SIGNED,
                domain.clone(),
                format!(
                    "The MX records of {domain} are not signed{}, so an attacker who forges them \
                     can divert mail past the TLSA records.",
                    where_unsigned(mx)
                ),
            );
        }
        Answer::Records(_) | Answer::Failed(_) => {}
    }
}

fn addresses(judged: &Judged<'_>, host: &HostSeen, findings: &mut Findings) {
    let name = &host.name;
    let from_mx = judged.evidence.mx.is_some();
    let Some(lookups) = host.a.as_ref().zip(host.aaaa.as_ref()) else {
        if from_mx && name.parse::<std::net::IpAddr>().is_ok() {
            findings.add(
                &MX_HOST_IS_ADDRESS,
                name.clone(),
                format!("An MX record names the address {name} instead of a host."),
            );
        } else if from_mx && let Some(why) = lookup_name_fault(name) {
            findings.add(
                &MX_HOST_NAME_INVALID,
                name.clone(),
                format!("The MX record `{name}` does not name a host: {why}."),
            );
        }
        return;
    };
    let (a, aaaa) = lookups;
    for lookup in [a, aaaa] {
        if let Some(failure) = lookup.failure() {
            findings.put(failed(&ADDRESS_LOOKUP_FAILED, name, lookup, failure));
        }
    }
    let denied = |lookup: &Lookup<_>| matches!(lookup.answer, Answer::Denied(_));
    if denied(a) && denied(aaaa) {
        let mx = judged.evidence.observation.mx.as_ref();
        let is_implicit = mx.is_some_and(|mx| matches!(mx.answer, Answer::Denied(_)));
        let message = match (is_missing(a), is_implicit) {
            (true, _) => format!("{name} does not exist in DNS (NXDOMAIN), so it has no address."),
            (false, false) => format!("{name} has no address."),
            (false, true) => format!("{name} has neither an MX record nor an address."),
        };
        let finding = Finding::new(&MX_HOST_WITHOUT_ADDRESS, name.clone(), message);
        findings.put(match (from_mx, is_implicit) {
            (true, _) => finding,
            (false, true) => finding.steps("Publish an MX record.", CHECK_SPELLING),
            (false, false) => finding.steps("Publish the address of the server.", CHECK_SPELLING),
        });
    }
    for lookup in [a, aaaa] {
        let Answer::Records(records) = &lookup.answer else {
            continue;
        };
        if let Some(end) = records.open().regardless().aliases.last() {
            findings.add(
                &MX_HOST_IS_ALIAS,
                name.clone(),
                format!("{name} is an alias of {end}."),
            );
        }
        let secure_mx = judged.evidence.mx.as_ref().is_some_and(|mx| mx.secure);
        if records.status() == SecurityStatus::Insecure
            && secure_mx
            && judged.verdict != Verdict::Indeterminate
        {
            findings.add(
                &HOST_NOT_SIGNED,
                name.clone(),
                format!(
                    "The addresses of {name} are not signed{}, so DANE does not apply to it.",
                    where_unsigned(lookup)
                ),
            );
        }
    }
}

/// Where the unsigned part of the tree begins, in brackets; nothing if that is
/// not known.
pub(super) fn where_unsigned<T>(lookup: &Lookup<T>) -> String {
    let own = lookup.own.as_ref();
    let own = own.filter(|own| own.status == SecurityStatus::Insecure);
    let link = own.and_then(|own| own.weak_link.as_ref());
    link.map_or_else(String::new, |link| format!(" ({link})"))
}
