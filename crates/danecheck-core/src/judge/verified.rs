//! The certificates that one judgement verifies, each once, and the share of
//! work that each may use.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::certificate::{
    Account, Certificate, Known, Presented, ReferenceName, VerificationFailure,
};
use crate::matching::{DaneMatching, match_dane_within, verify_pkix_within};
use crate::observation::{Der, Observation};
use crate::tlsa::TlsaRecord;
use crate::unix_time::UnixTime;
use crate::work::SHARED;

use super::dane::DaneRecords;
use super::evidence::{HostEvidence, SessionEvidence};

/// Certificates, chains and what they were verified against.
pub(crate) struct Verified<'a> {
    trust_store: Vec<Certificate>,
    /// By their DER, because servers show the same ones at many addresses.
    certificates: HashMap<&'a [u8], Presented>,
    chains: HashMap<&'a [Der], Rc<[Presented]>>,
    known: Known,
    /// The number of shares in each half.
    dane_shares: usize,
    pkix_shares: usize,
    /// Chains and record sets that were counted.
    pairs: HashSet<(ChainId, &'a [TlsaRecord])>,
    dane: RefCell<HashMap<ChainId, Vec<Matched<'a>>>>,
    pkix: RefCell<HashMap<(ChainId, bool), Vec<Held>>>,
    /// The chains that were not judged completely.
    cut: RefCell<HashSet<ChainId>>,
}

/// A chain, by its place in the judgement.
type ChainId = *const Presented;

fn id(chain: &[Presented]) -> ChainId {
    chain.as_ptr()
}

/// A chain that was matched with TLSA records.
struct Matched<'a> {
    records: &'a [TlsaRecord],
    names: Vec<String>,
    now: UnixTime,
    matching: Rc<DaneMatching>,
}

/// A chain that was verified with the trust store.
struct Held {
    names: Vec<ReferenceName>,
    now: UnixTime,
    result: Result<(), VerificationFailure>,
}

impl<'a> Verified<'a> {
    /// With the chains of the MTA-STS policy hosts; those of mail servers
    /// follow.
    pub(super) fn new(observation: &'a Observation) -> Self {
        let mut verified = Self {
            trust_store: observation
                .trust_store
                .certificates
                .iter()
                .filter_map(|der| Certificate::from_der(&der.0).ok())
                .collect(),
            certificates: HashMap::new(),
            chains: HashMap::new(),
            known: Known::default(),
            dane_shares: 0,
            pkix_shares: 0,
            pairs: HashSet::new(),
            dane: RefCell::default(),
            pkix: RefCell::default(),
            cut: RefCell::default(),
        };
        let fetches = observation.mta_sts.iter().flat_map(|seen| &seen.fetch);
        for tls in fetches
            .flat_map(|fetch| &fetch.visits)
            .filter_map(|visit| visit.tls.as_ref())
        {
            verified.chain(&tls.chain);
        }
        verified
    }

    /// A chain with its certificates parsed, once for all that show it.
    pub(super) fn chain(&mut self, ders: &'a [Der]) -> Rc<[Presented]> {
        if let Some(known) = self.chains.get(ders) {
            return known.clone();
        }
        let parsed = ders.iter().map(|der| {
            let parsed = || Certificate::from_der(&der.0);
            self.certificates
                .entry(&der.0)
                .or_insert_with(parsed)
                .clone()
        });
        let chain: Rc<[Presented]> = parsed.collect();
        if !chain.is_empty() {
            self.pkix_shares += 1;
        }
        self.chains.insert(ders, chain.clone());
        chain
    }

    /// A chain that was there from the beginning.
    pub(super) fn known_chain(&self, ders: &[Der]) -> Option<&Rc<[Presented]>> {
        self.chains.get(ders)
    }

    /// Counts what a host has to match: the records of each of its address
    /// families, because a delivery keeps those with which it began.
    pub(super) fn count(&mut self, host: &HostEvidence<'a>) {
        for other in &host.addresses {
            let DaneRecords::Usable(_, records) = other.dane else {
                continue;
            };
            for address in &host.addresses {
                let limited = address.limited.iter().map(|(_, session)| session);
                let own = address.own.iter().map(|(_, session)| session);
                let sessions = address.sessions.iter().chain(limited).chain(own);
                let newer = sessions.clone();
                let newer = newer.filter_map(|session| session.newer_groups.as_deref());
                for session in sessions.chain(newer) {
                    let chain = &session.chain;
                    if !chain.is_empty() && self.pairs.insert((id(chain), records)) {
                        self.dane_shares += 1;
                    }
                }
            }
        }
    }

    /// The trusted certificates that can matter here.
    pub(super) fn trust_store(&self) -> &[Certificate] {
        &self.trust_store
    }

    /// Matches TLSA records with a chain.
    pub(super) fn dane(
        &self,
        chain: &Rc<[Presented]>,
        records: &'a [TlsaRecord],
        names: &[String],
        now: UnixTime,
    ) -> Rc<DaneMatching> {
        let same = |known: &&Matched<'_>| {
            let same_records = || std::ptr::eq(known.records, records) || known.records == records;
            known.now == now && known.names == names && same_records()
        };
        let all = self.dane.borrow();
        if let Some(known) = all.get(&id(chain)).into_iter().flatten().find(same) {
            return known.matching.clone();
        }
        drop(all);
        let account = Account::new(&self.known, SHARED.share(self.dane_shares));
        let matching = match_dane_within(&account, records, chain, names, now);
        if matching.is_cut() {
            self.cut.borrow_mut().insert(id(chain));
        }
        let matching = Rc::new(matching);
        let mut all = self.dane.borrow_mut();
        all.entry(id(chain)).or_default().push(Matched {
            records,
            names: names.to_vec(),
            now,
            matching: matching.clone(),
        });
        matching
    }

    /// Verifies a chain with the trust store, or without one.
    pub(super) fn pkix(
        &self,
        chain: &Rc<[Presented]>,
        names: &[ReferenceName],
        trusting: bool,
        now: UnixTime,
    ) -> Result<(), VerificationFailure> {
        let same = |known: &&Held| known.now == now && known.names == names;
        let all = self.pkix.borrow();
        let known = all
            .get(&(id(chain), trusting))
            .into_iter()
            .flatten()
            .find(same);
        if let Some(known) = known {
            return known.result.clone();
        }
        drop(all);
        let store = match trusting {
            true => self.trust_store.as_slice(),
            false => &[],
        };
        let account = Account::new(&self.known, SHARED.share(self.pkix_shares));
        let result = verify_pkix_within(&account, chain, store, names, now);
        if matches!(&result, Err(failure) if failure.is_for_want_of_work()) {
            self.cut.borrow_mut().insert(id(chain));
        }
        let mut all = self.pkix.borrow_mut();
        all.entry((id(chain), trusting)).or_default().push(Held {
            names: names.to_vec(),
            now,
            result: result.clone(),
        });
        result
    }

    /// Whether the work budget did not suffice to judge what a session showed.
    pub(crate) fn was_cut(&self, session: &SessionEvidence<'_>) -> bool {
        self.cut.borrow().contains(&id(&session.chain))
    }

    /// The work that was done for everything.
    #[cfg(test)]
    pub(crate) fn done(&self) -> crate::certificate::WorkDone {
        self.known.done()
    }
}
