//! A host with a status at each answer, once it is known whether the resolver
//! validates.

use super::super::base_domain;
use super::super::settle::settle;
use super::super::wire::Datum;
use super::check::{Check, RawHost, address, tlsa_record};
use danecheck_core::observation::{HostSeen, Lookup, RecordType, ResolverValidation, TlsaLookup};

impl RawHost {
    /// The host with a status at each answer.
    pub(in super::super) async fn settle(
        self,
        check: &Check<'_>,
        validation: ResolverValidation,
    ) -> HostSeen {
        let mut host = HostSeen {
            name: self.name,
            a: None,
            aaaa: None,
            alias: None,
            tlsa: Vec::new(),
            tlsa_without_address: None,
            tlsa_unused: self.tlsa_unused,
            addresses: self.addresses,
        };
        let mut candidates: Vec<String> = Vec::new();
        for family in self.families {
            let lookup = settle(
                &host.name,
                family.record_type,
                &family.looked,
                validation,
                address,
            )
            .await;
            if family.record_type == RecordType::A {
                host.a = Some(lookup);
            } else {
                host.aaaa = Some(lookup);
            }
            if family.bases.alias_asked {
                host.alias = Some(check.settle_alias(&host.name, validation).await);
            }
            // The resolver turned out to validate only later: Postfix behind it
            // would not have asked.
            let asked_in_vain =
                family.bases.for_the_report && validation == ResolverValidation::Shown;
            if !asked_in_vain {
                candidates.extend(family.bases.candidates.iter().cloned());
            }
            for seen in family.addresses {
                host.addresses.push(seen);
            }
        }
        for base in in_order(&host.name, candidates) {
            host.tlsa.push(check.settle_tlsa(base, validation).await);
        }
        if self.tlsa_without_address {
            let tlsa = check.settle_tlsa(host.name.clone(), validation).await;
            host.tlsa_without_address = Some(tlsa);
        }
        host
    }
}

/// Each candidate once, the host itself last.
fn in_order(host: &str, candidates: Vec<String>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for base in candidates {
        if !order.contains(&base) {
            order.push(base);
        }
    }
    order.sort_by_key(|base| base == host);
    order
}

impl Check<'_> {
    async fn settle_alias(&self, host: &str, validation: ResolverValidation) -> Lookup<String> {
        let looked = self.dns.look_up(host, RecordType::Cname).await;
        settle(
            host,
            RecordType::Cname,
            &looked,
            validation,
            |datum| match datum {
                Datum::Name(name) => Some(name.clone()),
                _ => None,
            },
        )
        .await
    }

    async fn settle_tlsa(&self, base_domain: String, validation: ResolverValidation) -> TlsaLookup {
        let name = base_domain::owner(&base_domain, self.port);
        let looked = self.dns.look_up(&name, RecordType::Tlsa).await;
        let lookup = settle(&name, RecordType::Tlsa, &looked, validation, tlsa_record).await;
        TlsaLookup {
            base_domain,
            lookup,
        }
    }
}
