//! Where next hops of different operators fail alike, it is this machine or its
//! network.

use std::collections::BTreeSet;

use super::cause::{self, Cause};
use super::triage::{CommonFault, WaitingNextHop};

/// Operators from which on the same fault is no coincidence.
const ALIKE: usize = 3;

/// Causes that one's own machine or network can give to every next hop, and what
/// to look at then.
const SUSPECTS: &[(&Cause, &str)] = &[
    (
        &cause::STARTTLS_NOT_OFFERED,
        "Something between this machine and the internet takes STARTTLS away: a firewall that \
         inspects SMTP, or the provider.",
    ),
    (
        &cause::STARTTLS_NO_REPLY,
        "Something between this machine and the internet cuts sessions off at STARTTLS.",
    ),
    (
        &cause::HANDSHAKE_FAILURE,
        "Check smtp_tls_protocols and smtp_tls_ciphers, and what stands between this machine and \
         the internet.",
    ),
    (
        &cause::TLSA_LOOKUP_ERROR,
        "Check the resolver of this machine: TLSA look-ups fail.",
    ),
    (
        &cause::NO_TLSA_RECORDS,
        "Check whether the resolver of this machine validates, and where level dane-only comes \
         from.",
    ),
    (
        &cause::NON_DNSSEC_DESTINATION,
        "Check whether the resolver of this machine validates.",
    ),
    (
        &cause::DNS_TRY_AGAIN,
        "Check the resolver of this machine: names are not found.",
    ),
    (
        &cause::CERTIFICATE_NO_MATCH,
        "Something between this machine and the internet shows its own certificate, or the same \
         operator serves them all.",
    ),
    (
        &cause::CERTIFICATE_UNTRUSTED,
        "Check smtp_tls_CAfile and smtp_tls_CApath on this machine.",
    ),
];

/// Causes that are on this machine with one next hop already.
const OWN: &[(&Cause, &str)] = &[
    (
        &cause::CLIENT_CONFIGURATION,
        "The TLS settings of this machine's Postfix have a fault. A warning in its log says \
         which.",
    ),
    (
        &cause::POLICY_LOOKUP,
        "A table of smtp_tls_policy_maps on this machine cannot be read, or has a mistake.",
    ),
    (
        &cause::TLS_ENGINE,
        "The Postfix of this machine cannot set up TLS. A warning in its log says why.",
    ),
    (
        &cause::TLS_UNAVAILABLE,
        "The Postfix of this machine has no TLS.",
    ),
    (
        &cause::BAD_PROTOCOLS,
        "A TLS policy of this machine has a mistake in protocols=, ciphers= or exclude=.",
    ),
];

/// The fault that next hops have in common, the most frequent first.
pub(super) fn common_fault(next_hops: &[WaitingNextHop]) -> Option<CommonFault> {
    let with = |cause: &Cause| -> Vec<&WaitingNextHop> {
        next_hops
            .iter()
            .filter(|hop| hop.causes.contains(&cause.id))
            .collect()
    };
    let own = OWN.iter().filter_map(|(cause, message)| {
        let hops = with(cause);
        (!hops.is_empty()).then(|| CommonFault {
            cause: cause.id,
            next_hops: hops.len() as u64,
            operators: 0,
            message: (*message).to_owned(),
        })
    });
    let alike = SUSPECTS.iter().filter_map(|(cause, message)| {
        let hops = with(cause);
        let operators: BTreeSet<String> = hops.iter().map(|hop| operator(hop)).collect();
        (operators.len() >= ALIKE).then(|| CommonFault {
            cause: cause.id,
            next_hops: hops.len() as u64,
            operators: operators.len() as u64,
            message: (*message).to_owned(),
        })
    });
    own.chain(alike).max_by_key(|fault| fault.next_hops)
}

/// Who runs a next hop: the domain of its host, as far as that is known.
fn operator(hop: &WaitingNextHop) -> String {
    let name = hop.hosts.first().unwrap_or(&hop.name);
    let name = name.trim_start_matches('[');
    let name = name.split([']', ':']).next().unwrap_or(name);
    let labels: Vec<&str> = name.split('.').collect();
    // `co.uk`, `com.au`: what is registered has one label more.
    let registered = match labels.as_slice() {
        [.., second, top] if top.len() == 2 && second.len() <= 3 => 3,
        _ => 2,
    };
    let from = labels.len().saturating_sub(registered);
    labels.get(from..).unwrap_or(&labels).join(".")
}

#[cfg(test)]
mod tests {
    use crate::evidence::{Reading, Triage};

    fn triage(text: &str, domains: &[&str]) -> Triage {
        let mut reading = Reading::default();
        for domain in domains {
            let host = format!("mx.{domain}");
            let text = text.replace("HOST", &host);
            reading.bytes(
                format!("to=<u@{domain}>, relay=none, dsn=4.7.5, status=deferred ({text})\n")
                    .as_bytes(),
            );
        }
        reading.triage()
    }

    #[test]
    fn the_same_fault_at_three_operators_is_this_machines() {
        for text in [
            "TLS is required, but was not offered by host HOST[192.0.2.1]",
            "TLSA lookup error for HOST:25",
            "lost connection with HOST[192.0.2.1] while receiving the STARTTLS response",
        ] {
            let alike = triage(text, &["a.example", "b.test", "c.co.uk"]).common_fault;
            assert_eq!(alike.map(|fault| fault.operators), Some(3), "{text}");
            let two = triage(text, &["a.example", "b.test"]);
            assert_eq!(two.common_fault, None, "{text}");
            // Three domains of one operator.
            let one = triage(text, &["a.one.test", "b.one.test", "c.one.test"]);
            assert_eq!(one.common_fault, None, "{text}");
        }
        let own = triage("client TLS configuration problem", &["a.example"]).common_fault;
        assert_eq!(own.map(|fault| fault.operators), Some(0));
    }
}
