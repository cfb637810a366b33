//! Signatures that OpenSSL made over [`MESSAGE`], with keys that webpki or
//! ring refuse to look at.

use rustls::SignatureScheme as Scheme;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::super::signature::{RSA_PSS_PSS_SHA256, check};
use danecheck_core::observation::SignatureCheck;

const MESSAGE: &[u8] = b"what was agreed";

/// The certificate and the signature in a file.
fn parts(pem: &str) -> (Vec<u8>, Vec<u8>) {
    use base64::Engine as _;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let text: String = pem
        .lines()
        .skip_while(|line| !line.contains("BEGIN SIGNATURE"))
        .filter(|line| !line.starts_with('-'))
        .collect();
    let signature = base64::engine::general_purpose::STANDARD.decode(text);
    (certificate.to_vec(), signature.unwrap())
}

#[test]
fn the_proof_of_possession_works_where_postfix_delivers() {
    for (pem, scheme) in [
        (include_str!("signed/v1.pem"), Scheme::ECDSA_NISTP256_SHA256),
        (
            include_str!("signed/p521.pem"),
            Scheme::ECDSA_NISTP521_SHA512,
        ),
        // TLS 1.2, where a scheme names the hash alone.
        (
            include_str!("signed/p521-sha256.pem"),
            Scheme::ECDSA_NISTP256_SHA256,
        ),
        (
            include_str!("signed/p256-sha512.pem"),
            Scheme::ECDSA_NISTP521_SHA512,
        ),
        (include_str!("signed/r1024.pem"), Scheme::RSA_PKCS1_SHA256),
        (include_str!("signed/pss.pem"), RSA_PSS_PSS_SHA256),
    ] {
        let (leaf, mut signature) = parts(pem);
        assert_eq!(
            check(&leaf, scheme, MESSAGE, &signature),
            SignatureCheck::Good,
            "{scheme:?}"
        );
        let other = check(&leaf, scheme, b"something else", &signature);
        assert!(matches!(other, SignatureCheck::Bad(_)), "{scheme:?}");
        signature.truncate(20);
        let short = check(&leaf, scheme, MESSAGE, &signature);
        assert!(matches!(short, SignatureCheck::Bad(_)), "{scheme:?}");
    }
}

#[test]
fn what_cannot_be_checked_is_said_to_be_unknown() {
    let (leaf, signature) = parts(include_str!("signed/r1024.pem"));
    for (leaf, scheme) in [
        (&leaf[..], Scheme::RSA_PSS_SHA256),
        (&leaf[..], Scheme::ED448),
        (b"no certificate", Scheme::RSA_PKCS1_SHA256),
    ] {
        let check = check(leaf, scheme, MESSAGE, &signature);
        assert!(matches!(check, SignatureCheck::Unknown(_)), "{scheme:?}");
    }
}
