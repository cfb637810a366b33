//! The path from the server's certificate to a trust anchor
//! (openssl:`x509_vfy.c:build_chain`).

use super::failure::{VerificationError as E, VerificationFailure};
use super::key::PublicKey;
use super::known::Account;
use super::signature::SignatureOutcome;
use super::x509::Certificate;
use crate::unix_time::UnixTime;
use crate::work::WorkUsedUp;

/// `smtp_tls_scert_verifydepth` (9), one added by Postfix
/// (`tls_client.c:tls_client_init`), one added by OpenSSL: the most
/// certificates below the last.
const MAX_DEPTH: usize = 11;

/// The sources of trust.
pub(crate) enum Anchors<'a> {
    /// TLSA records with usage DANE-TA(2).
    Dane(DaneAnchors<'a>),
    /// A trust store. Only its self-signed certificates end a path: Postfix
    /// does not set PARTIAL_CHAIN.
    Store(&'a [Certificate]),
}

/// The content of usable DANE-TA(2) records.
pub(crate) struct DaneAnchors<'a> {
    /// The record that an issuer on the path matches, if any.
    pub(crate) matching: &'a dyn Fn(&Certificate) -> Option<usize>,
    /// `2 0 0`: certificates that the server does not have to send.
    pub(crate) certificates: &'a [Certificate],
    /// `2 1 0`: bare keys, with their records.
    pub(crate) keys: &'a [(usize, PublicKey)],
}

/// A path, as far as it could be built.
pub(crate) struct Path<'a> {
    /// The server's certificate first.
    pub(crate) chain: Vec<&'a Certificate>,
    /// Whether a bare key signed the last certificate.
    pub(crate) bare_key: bool,
    /// The DANE-TA(2) record that matched, and its depth.
    pub(crate) record: Option<(usize, usize)>,
}

impl<'a> Path<'a> {
    /// The path from `leaf`; the objections of `build_chain` are added to
    /// `raised`. An error if the way to an anchor takes more work than
    /// `account` has left.
    pub(super) fn build(
        leaf: &'a Certificate,
        presented: &[&'a Certificate],
        anchors: &Anchors<'a>,
        now: UnixTime,
        account: &Account<'_>,
        raised: &mut Vec<VerificationFailure>,
    ) -> Result<Self, WorkUsedUp> {
        Builder {
            chain: vec![leaf],
            untrusted: untrusted(presented, anchors),
            now,
            account,
        }
        .build(anchors, raised)
    }
}

/// Certificates from DNS come before those from the server.
fn untrusted<'a>(presented: &[&'a Certificate], anchors: &Anchors<'a>) -> Vec<&'a Certificate> {
    let from_dns: &'a [Certificate] = match anchors {
        Anchors::Dane(dane) => dane.certificates,
        Anchors::Store(_) => &[],
    };
    from_dns.iter().chain(presented.iter().copied()).collect()
}

struct Builder<'a, 'k> {
    chain: Vec<&'a Certificate>,
    untrusted: Vec<&'a Certificate>,
    now: UnixTime,
    account: &'k Account<'k>,
}

impl<'a> Builder<'a, '_> {
    fn build(
        mut self,
        anchors: &Anchors<'a>,
        raised: &mut Vec<VerificationFailure>,
    ) -> Result<Path<'a>, WorkUsedUp> {
        match anchors {
            Anchors::Dane(dane) => self.build_dane(dane, raised),
            Anchors::Store(store) => {
                let (trusted, from_store) = self.extend_from_store(store)?;
                if !trusted {
                    self.object(from_store, false, raised);
                }
                Ok(Path {
                    chain: self.chain,
                    bare_key: false,
                    record: None,
                })
            }
        }
    }

    fn top(&self) -> Option<&'a Certificate> {
        self.chain.last().copied()
    }

    /// Up to the first issuer at depth 1 or more that matches a record, else to
    /// the end and a bare key. The trust store is not used.
    fn build_dane(
        mut self,
        dane: &DaneAnchors<'a>,
        raised: &mut Vec<VerificationFailure>,
    ) -> Result<Path<'a>, WorkUsedUp> {
        let mut record = None;
        while record.is_none() {
            let Some(issuer) = self.next_untrusted()? else {
                break;
            };
            self.chain.push(issuer);
            record = (dane.matching)(issuer).map(|index| (index, self.chain.len() - 1));
        }
        let mut bare_key = false;
        if record.is_none() && self.chain.len() <= MAX_DEPTH {
            record = self
                .bare_key(dane.keys, raised)?
                .map(|index| (index, self.chain.len() - 1));
            bare_key = record.is_some();
        }
        if record.is_none() {
            self.object(false, true, raised);
        }
        Ok(Path {
            chain: self.chain,
            bare_key,
            record,
        })
    }

    /// The bare key that signed the topmost certificate (`check_dane_pkeys`).
    fn bare_key(
        &self,
        keys: &[(usize, PublicKey)],
        raised: &mut Vec<VerificationFailure>,
    ) -> Result<Option<usize>, WorkUsedUp> {
        let Some(top) = self.top() else {
            return Ok(None);
        };
        let mut doubtful = None;
        for (index, key) in keys {
            match self.account.signature(top, key)? {
                SignatureOutcome::Valid => return Ok(Some(*index)),
                SignatureOutcome::Invalid => {}
                SignatureOutcome::CannotVerify(algorithm) => {
                    doubtful.get_or_insert((*index, algorithm));
                }
            }
        }
        // The signature might be good: say that the result depends on it.
        Ok(doubtful.map(|(index, algorithm)| {
            let depth = self.chain.len() - 1;
            raised.push(VerificationFailure::new(
                E::CannotVerify { algorithm },
                depth,
            ));
            index
        }))
    }

    /// Trusted first: once the store has an issuer, what the server sent is no
    /// longer used. Returns whether the path ends in an anchor, and whether any
    /// of it is from the store.
    fn extend_from_store(&mut self, store: &'a [Certificate]) -> Result<(bool, bool), WorkUsedUp> {
        let store: Vec<&'a Certificate> = store.iter().collect();
        let mut from_store = false;
        loop {
            let Some(top) = self.top() else {
                return Ok((false, from_store));
            };
            self.account.path_steps(store.len())?;
            let found = (self.chain.len() <= MAX_DEPTH)
                .then(|| best_issuer(&store, top, self.now, |_| true))
                .flatten();
            match found {
                Some(issuer) if !top.is_self_signed() => {
                    self.chain.push(issuer);
                    from_store = true;
                    if issuer.is_self_signed() {
                        return Ok((true, from_store));
                    }
                    continue;
                }
                // A self-signed certificate must itself be in the store, not
                // just another one with its name.
                Some(issuer) if issuer.der() == top.der() => return Ok((true, true)),
                _ => {}
            }
            if from_store {
                return Ok((false, from_store));
            }
            match self.next_untrusted()? {
                Some(issuer) => self.chain.push(issuer),
                None => return Ok((false, from_store)),
            }
        }
    }

    /// The best issuer among what the server sent, which is removed from it.
    /// The search ends at a self-signed certificate and at the depth limit.
    fn next_untrusted(&mut self) -> Result<Option<&'a Certificate>, WorkUsedUp> {
        let Some(top) = self.top() else {
            return Ok(None);
        };
        if top.is_self_signed() || self.chain.len() > MAX_DEPTH {
            return Ok(None);
        }
        self.account.path_steps(self.untrusted.len())?;
        let chain = &self.chain;
        let may_repeat = chain.len() == 1 && top.is_self_issued();
        let issuer = best_issuer(&self.untrusted, top, self.now, |candidate| {
            may_repeat || !chain.contains(&candidate)
        });
        if let Some(issuer) = issuer
            && let Some(at) = self
                .untrusted
                .iter()
                .position(|candidate| std::ptr::eq(*candidate, issuer))
        {
            self.untrusted.remove(at);
        }
        Ok(issuer)
    }

    /// The objection of `build_chain` to a path without an anchor.
    fn object(&self, from_store: bool, dane: bool, raised: &mut Vec<VerificationFailure>) {
        let depth = self.chain.len() - 1;
        // An earlier error "has become final" and keeps the others unsaid.
        if let Some(earlier) = raised.first().map(|failure| failure.error.clone()) {
            raised.push(VerificationFailure::new(earlier, depth));
            return;
        }
        let mut object = |error| raised.push(VerificationFailure::new(error, depth));
        if self.chain.len() > MAX_DEPTH {
            object(E::ChainTooLong);
        }
        if dane {
            object(E::DaneNoMatch);
        }
        let Some(top) = self.top() else { return };
        let issuer = top.issuer().logged().to_owned();
        object(match (top.is_self_signed(), depth, from_store) {
            (true, 0, _) => E::SelfSignedLeaf,
            (true, _, _) => E::SelfSignedInChain { issuer },
            (false, _, true) => E::UnableToGetIssuer,
            (false, _, false) => E::UnableToGetIssuerLocally { issuer },
        });
    }
}

/// openssl:`get0_best_issuer_sk`: the first candidate that is valid now, else
/// the first of those that expire last.
fn best_issuer<'a>(
    candidates: &[&'a Certificate],
    subject: &Certificate,
    now: UnixTime,
    allowed: impl Fn(&Certificate) -> bool,
) -> Option<&'a Certificate> {
    let mut best: Option<&'a Certificate> = None;
    for candidate in candidates.iter().copied() {
        if !allowed(candidate) || !candidate.likely_issued(subject) {
            continue;
        }
        if candidate.is_valid_at(now) {
            return Some(candidate);
        }
        if best.is_none_or(|best| candidate.not_after() > best.not_after()) {
            best = Some(candidate);
        }
    }
    best
}
