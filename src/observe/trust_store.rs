//! The trust store for `verify` and `secure`, and the part of it that a check
//! can need.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::OnceCell;
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser as _;

use super::budget::ANCHORS;
use danecheck_core::observation::{Der, TrustStoreSeen, TrustStoreSize};

/// The most certificates that a file of them may hold, ten times those of any
/// system.
const MOST_CERTIFICATES: usize = 4096;

/// A set of trusted certificates, read when it is first needed and then kept.
#[derive(Debug)]
pub struct TrustStore {
    given: Option<Loaded>,
    loaded: OnceLock<Loaded>,
    /// It is being read, or was.
    loading: OnceCell<()>,
}

/// Why a file is not a trust store.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustStoreError {
    /// The PEM form is invalid.
    #[error("`{0}` cannot be read as PEM")]
    Pem(String),
    /// Nothing in it is a certificate.
    #[error("`{0}` contains no certificate")]
    Empty(String),
    /// More than any trust store contains.
    #[error("`{0}` contains more than {MOST_CERTIFICATES} certificates, more than any trust store")]
    TooMany(String),
}

#[derive(Debug)]
struct Loaded {
    source: String,
    certificates: Vec<CertificateDer<'static>>,
    /// Places in `certificates`, by the DER form of the subject; made when they
    /// are first needed.
    by_subject: OnceLock<BySubject>,
}

type BySubject = HashMap<Vec<u8>, Vec<usize>>;

impl TrustStore {
    /// The system's, else Mozilla's as of the build of this program.
    pub fn system() -> Self {
        Self {
            given: None,
            loaded: OnceLock::new(),
            loading: OnceCell::new(),
        }
    }

    /// The certificates of a PEM file; `source` names it in reports.
    pub fn from_pem(source: &str, pem: &[u8]) -> Result<Self, TrustStoreError> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
            .take(MOST_CERTIFICATES + 1)
            .collect::<Result<_, _>>()
            .map_err(|_| TrustStoreError::Pem(source.to_owned()))?;
        if certificates.is_empty() {
            return Err(TrustStoreError::Empty(source.to_owned()));
        }
        if certificates.len() > MOST_CERTIFICATES {
            return Err(TrustStoreError::TooMany(source.to_owned()));
        }
        Ok(Self {
            given: Some(Loaded::new(source, certificates)),
            loaded: OnceLock::new(),
            loading: OnceCell::new(),
        })
    }

    /// Whether PEM text may hold more certificates than any trust store, without
    /// decoding them.
    pub fn may_have_too_many(pem: &[u8]) -> bool {
        pem.split(|byte| matches!(byte, b'\n' | b'\r'))
            .filter(|line| line.starts_with(b"-----BEGIN"))
            .nth(MOST_CERTIFICATES)
            .is_some()
    }

    /// Whether so many bytes of PEM text are too few for more certificates than any
    /// trust store has: each has its first and its last line.
    pub fn has_room_for_few(bytes: u64) -> bool {
        const EMPTY: usize = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".len();
        // The last line may lack its end.
        usize::try_from(bytes)
            .is_ok_and(|bytes| bytes.saturating_add(1) / EMPTY <= MOST_CERTIFICATES)
    }

    /// How many certificates there are.
    pub(super) fn size(&self) -> TrustStoreSize {
        let store = self.certificates();
        TrustStoreSize {
            source: store.source.clone(),
            certificates: store.certificates.len(),
        }
    }

    /// Waits until the store is read. The first check that needs it has it read, in
    /// a thread of its own, beside its questions to DNS.
    pub(super) async fn loaded(self: &Arc<Self>) {
        if self.is_loaded() {
            return;
        }
        let load = async || {
            // The first question goes out before: its socket is ready in the next turn
            // of this thread, and sends in the one after.
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
            let store = self.clone();
            let load = move || {
                store.certificates().by_subject();
            };
            // A reader that fails has panicked; the caller reads the store then.
            let _ = tokio::task::spawn_blocking(load).await;
        };
        self.loading.get_or_init(load).await;
    }

    fn is_loaded(&self) -> bool {
        let loaded = self.given.as_ref().or(self.loaded.get());
        loaded.is_some_and(|loaded| loaded.by_subject.get().is_some())
    }

    fn certificates(&self) -> &Loaded {
        if let Some(given) = &self.given {
            return given;
        }
        self.loaded.get_or_init(|| {
            // Files that cannot be read belong to another user's store.
            let native = rustls_native_certs::load_native_certs().certs;
            if native.is_empty() {
                let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
                return Loaded::new("mozilla", mozilla.to_vec());
            }
            Loaded::new("system", native)
        })
    }

    /// The certificates that can be part of a path from one of `presented`:
    /// those presented themselves, their issuers by name, and in turn the
    /// issuers of these. With these alone, a saved observation replays with the
    /// same result.
    pub(super) fn relevant<'a>(
        &self,
        presented: impl IntoIterator<Item = &'a [u8]>,
    ) -> TrustStoreSeen {
        let store = self.certificates();
        let mut kept = Vec::new();
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        // Most sessions show the same ones.
        let mut looked_at: HashSet<&[u8]> = HashSet::new();
        for der in presented.into_iter().filter(|der| looked_at.insert(der)) {
            let Some((subject, issuer)) = names(der) else {
                continue;
            };
            for place in store.by_subject().get(&subject).into_iter().flatten() {
                if store
                    .certificates
                    .get(*place)
                    .is_some_and(|it| **it == *der)
                    && seen.insert(*place)
                {
                    kept.push(*place);
                }
            }
            wanted.push(issuer);
        }
        while let Some(name) = wanted.pop() {
            for place in store.by_subject().get(&name).into_iter().flatten() {
                if kept.len() < ANCHORS && seen.insert(*place) {
                    kept.push(*place);
                    if let Some((_, issuer)) =
                        store.certificates.get(*place).and_then(|der| names(der))
                    {
                        wanted.push(issuer);
                    }
                }
            }
        }
        kept.sort_unstable();
        TrustStoreSeen {
            source: store.source.clone(),
            certificates: kept
                .into_iter()
                .filter_map(|place| store.certificates.get(place).map(|der| Der(der.to_vec())))
                .collect(),
        }
    }
}

impl Loaded {
    fn new(source: &str, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self {
            source: source.to_owned(),
            certificates,
            by_subject: OnceLock::new(),
        }
    }

    fn by_subject(&self) -> &BySubject {
        self.by_subject.get_or_init(|| {
            let mut by_subject = BySubject::new();
            for (place, der) in self.certificates.iter().enumerate() {
                if let Some((subject, _)) = names(der) {
                    by_subject.entry(subject).or_default().push(place);
                }
            }
            by_subject
        })
    }
}

/// Subject and issuer, as the original bytes.
fn names(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let (_, certificate) = parser.parse(der).ok()?;
    Some((
        certificate.subject().as_raw().to_vec(),
        certificate.issuer().as_raw().to_vec(),
    ))
}
