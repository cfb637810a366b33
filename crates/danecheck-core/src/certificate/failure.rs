//! Why a certificate is rejected, in the words of OpenSSL and Postfix.

use serde::Serialize;

use super::extensions::InvalidCertificate;
use super::x509::Certificate;

/// An objection of OpenSSL's verifier (`X509_V_ERR_*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "error", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VerificationError {
    /// Postfix forces a failure: no trust settings could be loaded.
    Unspecified,
    /// The trust store has no issuer for a certificate of its own.
    UnableToGetIssuer,
    /// Neither the server nor the trust store has the issuer.
    UnableToGetIssuerLocally {
        /// The issuer that is missing.
        issuer: String,
    },
    /// The server sent one certificate, which is self-signed.
    SelfSignedLeaf,
    /// The chain ends in a self-signed certificate that is not a trust anchor.
    SelfSignedInChain {
        /// Its issuer, which is itself.
        issuer: String,
    },
    /// There is no issuer to check the only certificate with.
    UnableToVerifyLeafSignature,
    /// The issuer's public key cannot be read.
    UnableToDecodeIssuerPublicKey,
    /// The signature is wrong.
    SignatureFailure,
    /// notBefore is in the future.
    NotYetValid,
    /// notAfter is in the past.
    Expired,
    /// More issuers than `smtp_tls_scert_verifydepth` allows.
    ChainTooLong,
    /// An issuer is not a CA.
    InvalidCa,
    /// pathLenConstraint of an issuer is exceeded.
    PathLengthExceeded,
    /// Key usage or extended key usage exclude TLS servers.
    InvalidPurpose,
    /// keyUsage of an issuer lacks keyCertSign.
    KeyUsageNoCertSign,
    /// A critical extension that OpenSSL does not know.
    UnhandledCriticalExtension,
    /// A proxy certificate (RFC 3820).
    ProxyNotAllowed,
    /// A name outside the permitted subtrees of an issuer.
    PermittedSubtreeViolation,
    /// A name inside an excluded subtree of an issuer.
    ExcludedSubtreeViolation,
    /// A name constraint with a minimum other than 0, or with a maximum.
    SubtreeMinMax,
    /// More names times name constraints than OpenSSL compares: 2^20.
    TooManyNames,
    /// A name constraint of a type that OpenSSL does not compare.
    UnsupportedConstraintType,
    /// A name, or a constraint, that OpenSSL cannot read.
    UnsupportedNameSyntax,
    /// Addresses or AS numbers (RFC 3779) that are not in their canonical form.
    ResourcesMalformed,
    /// Addresses or AS numbers (RFC 3779) that the issuer does not have.
    ResourcesNotContained,
    /// The certificate is for other hosts.
    HostnameMismatch,
    /// The certificate is for other addresses.
    IpAddressMismatch,
    /// No usable TLSA record matches.
    DaneNoMatch,
    /// The server's key is too weak for security level 1.
    EeKeyTooSmall,
    /// The key of an issuer is too weak for security level 1.
    CaKeyTooSmall,
    /// A signature's hash is too weak for security level 1.
    CaDigestTooWeak,
    /// A curve is described explicitly instead of named.
    ExplicitCurve,
    /// Not an objection of OpenSSL: danecheck cannot check the signature, so
    /// what Postfix does is unknown.
    CannotVerify {
        /// Algorithm and key.
        algorithm: String,
    },
    /// Not an objection of the verifier: OpenSSL cannot decode what the server
    /// sends, so there is no TLS connection.
    Undecodable,
    /// Not an objection of the verifier: the certificate cannot be read here.
    Unreadable {
        /// What stopped the parser.
        reason: String,
    },
    /// Not an objection of OpenSSL: checking it takes more work than one check
    /// may cost, so what Postfix does is unknown.
    WorkUsedUp,
    /// The server sent no certificate.
    NoCertificate,
}

use VerificationError as E;

/// How [`VerificationFailure::plain`] begins where OpenSSL cannot decode a
/// certificate.
pub(crate) const CANNOT_DECODE: &str = "OpenSSL cannot decode ";

/// What [`VerificationFailure::plain`] says of [`VerificationError::EeKeyTooSmall`].
pub(crate) const EE_KEY_TOO_WEAK: &str = "the key of the server's certificate is too weak";

impl VerificationError {
    /// OpenSSL's number; `None` for an objection that is not OpenSSL's.
    pub fn code(&self) -> Option<u32> {
        Some(match self {
            E::Unspecified | E::TooManyNames => 1,
            E::UnableToGetIssuer => 2,
            E::UnableToDecodeIssuerPublicKey => 6,
            E::SignatureFailure => 7,
            E::NotYetValid => 9,
            E::Expired => 10,
            E::SelfSignedLeaf => 18,
            E::SelfSignedInChain { .. } => 19,
            E::UnableToGetIssuerLocally { .. } => 20,
            E::UnableToVerifyLeafSignature => 21,
            E::ChainTooLong => 22,
            E::PathLengthExceeded => 25,
            E::InvalidPurpose => 26,
            E::KeyUsageNoCertSign => 32,
            E::UnhandledCriticalExtension => 34,
            E::ProxyNotAllowed => 40,
            E::ResourcesMalformed => 41,
            E::ResourcesNotContained => 46,
            E::PermittedSubtreeViolation => 47,
            E::ExcludedSubtreeViolation => 48,
            E::SubtreeMinMax => 49,
            E::UnsupportedConstraintType => 51,
            E::UnsupportedNameSyntax => 53,
            E::HostnameMismatch => 62,
            E::IpAddressMismatch => 64,
            E::DaneNoMatch => 65,
            E::EeKeyTooSmall => 66,
            E::CaKeyTooSmall => 67,
            E::CaDigestTooWeak => 68,
            E::InvalidCa => 79,
            E::ExplicitCurve => 94,
            E::CannotVerify { .. }
            | E::Undecodable
            | E::Unreadable { .. }
            | E::WorkUsedUp
            | E::NoCertificate => {
                return None;
            }
        })
    }

    /// openssl:`X509_verify_cert_error_string` (3.0 and later).
    fn openssl_text(&self) -> String {
        match self {
            E::Unspecified | E::TooManyNames => "unspecified certificate verification error",
            E::UnableToGetIssuer => "unable to get issuer certificate",
            E::UnableToDecodeIssuerPublicKey => "unable to decode issuer public key",
            E::SignatureFailure => "certificate signature failure",
            E::NotYetValid => "certificate is not yet valid",
            E::Expired => "certificate has expired",
            E::SelfSignedLeaf => "self-signed certificate",
            E::SelfSignedInChain { .. } => "self-signed certificate in certificate chain",
            E::UnableToGetIssuerLocally { .. } => "unable to get local issuer certificate",
            E::UnableToVerifyLeafSignature => "unable to verify the first certificate",
            E::ChainTooLong => "certificate chain too long",
            E::PathLengthExceeded => "path length constraint exceeded",
            E::InvalidPurpose => "unsuitable certificate purpose",
            E::KeyUsageNoCertSign => "key usage does not include certificate signing",
            E::UnhandledCriticalExtension => "unhandled critical extension",
            E::ProxyNotAllowed => "proxy certificates not allowed, please set the appropriate flag",
            E::ResourcesMalformed => "invalid or inconsistent certificate extension",
            E::ResourcesNotContained => "RFC 3779 resource not subset of parent's resources",
            E::PermittedSubtreeViolation => "permitted subtree violation",
            E::ExcludedSubtreeViolation => "excluded subtree violation",
            E::SubtreeMinMax => "name constraints minimum and maximum not supported",
            E::UnsupportedConstraintType => "unsupported name constraint type",
            E::UnsupportedNameSyntax => "unsupported or invalid name syntax",
            E::HostnameMismatch => "hostname mismatch",
            E::IpAddressMismatch => "IP address mismatch",
            E::DaneNoMatch => "no matching DANE TLSA records",
            E::EeKeyTooSmall => "EE certificate key too weak",
            E::CaKeyTooSmall => "CA certificate key too weak",
            E::CaDigestTooWeak => "CA signature digest algorithm too weak",
            E::InvalidCa => "invalid CA certificate",
            E::ExplicitCurve => "certificate public key has explicit ECC parameters",
            E::CannotVerify { algorithm } => return format!("cannot check {algorithm}"),
            E::Undecodable => "OpenSSL cannot decode the certificate",
            E::Unreadable { reason } => return format!("cannot read the certificate: {reason}"),
            E::WorkUsedUp => "it takes too much work to check",
            E::NoCertificate => "no certificate",
        }
        .to_owned()
    }
}

/// Why a certificate is rejected, and where: the objection that Postfix logs,
/// and all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerificationFailure {
    /// The objection that Postfix 3.10 and later log.
    #[serde(flatten)]
    pub error: VerificationError,
    /// Where: 0 for the server's certificate, 1 for its issuer, and so on.
    pub depth: usize,
    /// A certificate of the server through which no path leads, because OpenSSL
    /// calls it invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<InvalidCertificate>,
    /// The other objections, in the order in which OpenSSL raises them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<VerificationFailure>,
}

impl VerificationFailure {
    /// A single objection.
    pub fn new(error: VerificationError, depth: usize) -> Self {
        Self {
            error,
            depth,
            invalid: None,
            others: Vec::new(),
        }
    }

    /// The objection that `tls_verify.c:update_error_state` keeps: the one
    /// closest to the leaf and there the first, but a host name mismatch only
    /// if there is no other. A known objection of OpenSSL comes before anything
    /// that danecheck could not check.
    pub(crate) fn choose(raised: &[Self]) -> Option<Self> {
        let rank = |failure: &Self| {
            let class = match failure.error {
                E::HostnameMismatch => 1,
                E::CannotVerify { .. } => 2,
                E::WorkUsedUp => 3,
                _ => 0,
            };
            (class, failure.depth)
        };
        // Of equals, min_by_key gives the first.
        let (index, chosen) = raised
            .iter()
            .enumerate()
            .min_by_key(|(_, failure)| rank(failure))?;
        let others = raised
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .map(|(_, failure)| Self::new(failure.error.clone(), failure.depth))
            .collect();
        Some(Self {
            others,
            ..chosen.clone()
        })
    }

    /// The same failure with its cause, if it is that OpenSSL does not use a
    /// certificate of the server's chain: without it the path ends too early.
    pub(crate) fn with_cause(self, chain: &[&Certificate]) -> Self {
        let ends_early = matches!(
            self.error,
            E::UnableToGetIssuer
                | E::UnableToGetIssuerLocally { .. }
                | E::SelfSignedLeaf
                | E::SelfSignedInChain { .. }
                | E::DaneNoMatch
        );
        let invalid = chain.iter().find_map(|certificate| {
            Some(InvalidCertificate {
                subject: certificate.subject().to_string(),
                cause: certificate.invalid_extension()?,
            })
        });
        Self {
            invalid: invalid.filter(|_| ends_early),
            ..self
        }
    }

    /// Whether the result is in doubt, because danecheck could not check
    /// something that OpenSSL can.
    pub fn is_uncertain(&self) -> bool {
        matches!(
            self.error,
            E::CannotVerify { .. } | E::Unreadable { .. } | E::WorkUsedUp
        )
    }

    /// Whether it was not judged because it takes more work than one check may
    /// cost: that does not count against the server.
    pub fn is_for_want_of_work(&self) -> bool {
        self.error == E::WorkUsedUp
    }

    /// Whether only the host name is wrong: Postfix 3.10 and later then log
    /// "Trusted", but do not deliver.
    pub fn only_the_name(&self) -> bool {
        self.error == E::HostnameMismatch
    }

    /// The word that Postfix puts before `certificate verification failed`, if
    /// any (`tls_verify.c:tls_log_verify_error`).
    pub fn log_prefix(&self) -> Option<&'static str> {
        match self.error {
            E::SelfSignedLeaf
            | E::UnableToGetIssuerLocally { .. }
            | E::SelfSignedInChain { .. }
            | E::InvalidPurpose
            | E::ChainTooLong
            | E::CannotVerify { .. }
            | E::Undecodable
            | E::Unreadable { .. }
            | E::NoCertificate => None,
            _ => Some(self.purpose()),
        }
    }

    /// What Postfix logs after `certificate verification failed for H[IP]:25:
    /// `.
    pub fn postfix_text(&self) -> String {
        match &self.error {
            E::SelfSignedLeaf => "self-signed certificate".to_owned(),
            E::UnableToGetIssuerLocally { issuer } | E::SelfSignedInChain { issuer } => {
                format!("untrusted issuer {issuer}")
            }
            E::NotYetValid => "certificate not yet valid".to_owned(),
            E::Expired => "certificate has expired".to_owned(),
            E::InvalidPurpose => {
                format!("not designated for use as a {} certificate", self.purpose())
            }
            E::ChainTooLong => format!(
                "certificate chain longer than limit({})",
                self.depth.saturating_sub(1)
            ),
            error => match error.code() {
                Some(code) => format!("num={code}:{}", error.openssl_text()),
                None => error.openssl_text(),
            },
        }
    }

    /// The whole line, `server certificate verification failed for H[IP]:25: …`.
    pub fn postfix_line(&self, peer: &str) -> String {
        let prefix = self.log_prefix().map(|word| format!("{word} "));
        format!(
            "{}certificate verification failed for {peer}: {}",
            prefix.unwrap_or_default(),
            self.postfix_text()
        )
    }

    fn purpose(&self) -> &'static str {
        if self.depth == 0 { "server" } else { "CA" }
    }

    /// A sentence for people.
    pub fn plain(&self) -> String {
        if let Some(InvalidCertificate { subject, cause }) = &self.invalid {
            return format!("OpenSSL does not use the certificate {subject}: {cause}");
        }
        let whose = match self.depth {
            0 => "the server's certificate".to_owned(),
            depth => format!("the CA certificate at depth {depth}"),
        };
        match &self.error {
            E::Unspecified => "no trust settings could be loaded, so nothing can match".to_owned(),
            E::UnableToGetIssuer => format!("the trust store lacks the issuer of {whose}"),
            E::UnableToGetIssuerLocally { issuer } => format!(
                "the server did not send the issuer of {whose}, {issuer}, and it is not trusted"
            ),
            E::SelfSignedLeaf => format!("{whose} is self-signed and not trusted"),
            E::SelfSignedInChain { issuer } => {
                format!("the chain ends in {issuer}, which is not trusted")
            }
            E::UnableToVerifyLeafSignature => format!("the signer of {whose} is unknown here"),
            E::UnableToDecodeIssuerPublicKey => format!("the public key of {whose} cannot be read"),
            E::SignatureFailure => format!("the signature of {whose} is wrong"),
            E::NotYetValid => format!("{whose} is not valid yet"),
            E::Expired => format!("{whose} has expired"),
            E::ChainTooLong => "the certificate chain is too long".to_owned(),
            E::InvalidCa => format!("{whose} is not marked as a CA certificate"),
            E::PathLengthExceeded => {
                format!("{whose} allows fewer intermediate CAs below it than there are")
            }
            E::InvalidPurpose => format!("{whose} is not meant for TLS servers"),
            E::KeyUsageNoCertSign => {
                format!("the key of {whose} is not meant to sign certificates")
            }
            E::UnhandledCriticalExtension => {
                format!("{whose} has a critical extension that OpenSSL does not know")
            }
            E::ProxyNotAllowed => format!("{whose} is a proxy certificate"),
            E::PermittedSubtreeViolation | E::ExcludedSubtreeViolation => {
                format!("an issuer may not sign for the names in {whose}")
            }
            E::TooManyNames => format!(
                "{whose} has so many names, or an issuer so many name constraints, that OpenSSL \
                 does not compare them"
            ),
            E::SubtreeMinMax | E::UnsupportedConstraintType | E::UnsupportedNameSyntax => {
                format!(
                    "OpenSSL cannot check the names in {whose} against an issuer's \
                         constraints"
                )
            }
            E::ResourcesMalformed => {
                format!("{whose} has addresses or AS numbers in a form that OpenSSL refuses")
            }
            E::ResourcesNotContained => {
                format!("{whose} lacks addresses or AS numbers that one below it has")
            }
            E::HostnameMismatch => format!("{whose} is for other host names"),
            E::IpAddressMismatch => format!("{whose} is for other addresses"),
            E::DaneNoMatch => "no usable TLSA record matches what the server shows".to_owned(),
            E::EeKeyTooSmall => EE_KEY_TOO_WEAK.to_owned(),
            E::CaKeyTooSmall => format!("the key of {whose} is too weak"),
            E::CaDigestTooWeak => format!("the signature of {whose} uses a broken hash"),
            E::ExplicitCurve => format!("{whose} describes its elliptic curve explicitly"),
            E::CannotVerify { algorithm } => {
                format!("the signature of {whose} ({algorithm}) cannot be checked here")
            }
            E::Undecodable => {
                format!("{CANNOT_DECODE}{whose}, so there is no TLS connection")
            }
            E::Unreadable { reason } => format!("{whose} cannot be read here: {reason}"),
            E::WorkUsedUp => "it needs more work than one check allows".to_owned(),
            E::NoCertificate => "the server sent no certificate".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(raised: &[(VerificationError, usize)]) -> VerificationFailure {
        let raised: Vec<_> = raised
            .iter()
            .map(|(error, depth)| VerificationFailure::new(error.clone(), *depth))
            .collect();
        VerificationFailure::choose(&raised).unwrap()
    }

    #[test]
    fn the_objection_closest_to_the_leaf_is_logged_and_there_the_first() {
        let failure = chosen(&[
            (E::InvalidCa, 1),
            (E::Expired, 0),
            (E::InvalidPurpose, 0),
            (E::DaneNoMatch, 2),
        ]);
        assert_eq!((&failure.error, failure.depth), (&E::Expired, 0));
        assert_eq!(failure.others.len(), 3);
        assert_eq!(VerificationFailure::choose(&[]), None);
    }

    #[test]
    fn a_host_name_mismatch_has_the_lowest_priority() {
        assert_eq!(
            chosen(&[(E::HostnameMismatch, 0), (E::Expired, 1)]).error,
            E::Expired
        );
        assert_eq!(
            chosen(&[(E::DaneNoMatch, 2), (E::HostnameMismatch, 0)]).error,
            E::DaneNoMatch
        );
        let alone = chosen(&[(E::HostnameMismatch, 0)]);
        assert!(alone.only_the_name());
    }

    #[test]
    fn the_words_are_those_that_postfix_logs() {
        let issuer = "/O=Lab/CN=Lab Intermediate".to_owned();
        for (error, depth, line) in [
            (
                E::DaneNoMatch,
                0,
                "server certificate verification failed for h[192.0.2.1]:25: num=65:no matching DANE TLSA records",
            ),
            (
                E::DaneNoMatch,
                2,
                "CA certificate verification failed for h[192.0.2.1]:25: num=65:no matching DANE TLSA records",
            ),
            (
                E::HostnameMismatch,
                0,
                "server certificate verification failed for h[192.0.2.1]:25: num=62:hostname mismatch",
            ),
            (
                E::SelfSignedLeaf,
                0,
                "certificate verification failed for h[192.0.2.1]:25: self-signed certificate",
            ),
            (
                E::UnableToGetIssuerLocally { issuer },
                1,
                "certificate verification failed for h[192.0.2.1]:25: untrusted issuer /O=Lab/CN=Lab Intermediate",
            ),
            (
                E::Expired,
                1,
                "CA certificate verification failed for h[192.0.2.1]:25: certificate has expired",
            ),
            (
                E::NotYetValid,
                0,
                "server certificate verification failed for h[192.0.2.1]:25: certificate not yet valid",
            ),
            (
                E::InvalidPurpose,
                0,
                "certificate verification failed for h[192.0.2.1]:25: not designated for use as a server certificate",
            ),
            (
                E::ChainTooLong,
                11,
                "certificate verification failed for h[192.0.2.1]:25: certificate chain longer than limit(10)",
            ),
            (
                E::CaDigestTooWeak,
                1,
                "CA certificate verification failed for h[192.0.2.1]:25: num=68:CA signature digest algorithm too weak",
            ),
            (
                E::InvalidCa,
                1,
                "CA certificate verification failed for h[192.0.2.1]:25: num=79:invalid CA certificate",
            ),
            (
                E::Unspecified,
                0,
                "server certificate verification failed for h[192.0.2.1]:25: num=1:unspecified certificate verification error",
            ),
        ] {
            let failure = VerificationFailure::new(error, depth);
            assert_eq!(failure.postfix_line("h[192.0.2.1]:25"), line);
            assert!(!failure.plain().is_empty());
        }
    }

    #[test]
    fn what_cannot_be_checked_here_is_marked_as_uncertain() {
        let algorithm = "Ed448".to_owned();
        let failure = chosen(&[(E::CannotVerify { algorithm }, 0), (E::Expired, 3)]);
        assert_eq!(failure.error, E::Expired);
        assert!(!failure.is_uncertain());
        let algorithm = "Ed448".to_owned();
        let failure = VerificationFailure::new(E::CannotVerify { algorithm }, 0);
        assert!(failure.is_uncertain());
        assert_eq!(failure.error.code(), None);
    }
}
