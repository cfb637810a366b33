//! Where danecheck may say something else than OpenSSL, and why.

use crate::Ours;
use crate::chain::Case;
use crate::openssl::Said;

/// The reason why the two may differ on a case, if there is one.
pub(crate) fn of(case: &Case, theirs: &Said, ours: &Ours) -> Option<&'static str> {
    match (theirs, ours) {
        (Said::Good | Said::Bad(..), Ours::Uncertain(why)) if why.starts_with("Unreadable") => {
            Some("OpenSSL reads BER, and danecheck DER: it says that it could not tell")
        }
        (_, Ours::Uncertain(why)) if why.starts_with("CannotVerify") => UNCHECKED
            .iter()
            .find(|(kind, _)| why.contains(kind))
            .map(|(_, reason)| *reason),
        (Said::Bad(..), Ours::Bad(..)) if case.name.contains(CHANGED) => {
            Some("with a changed octet the verdict is the same, for another reason")
        }
        _ if case.name.contains("with a long length") && case.name.contains("basicConstraints") => {
            LONG_LENGTH
        }
        _ if case
            .name
            .contains("authorityKeyIdentifier with a long length") =>
        {
            LONG_LENGTH
        }
        _ => None,
    }
}

/// In the name of a case with a changed octet.
pub(crate) const CHANGED: &str = "with a changed octet";

/// Kinds of keys whose signatures nothing here checks: danecheck says that it
/// could not tell.
const UNCHECKED: &[(&str, &str)] = &[
    ("prime192v1", "signatures on P-192 are not checked"),
    ("secp224r1", "signatures on P-224 are not checked"),
    ("secp256k1", "signatures on secp256k1 are not checked"),
    (
        "brainpoolP256r1",
        "signatures on brainpool curves are not checked",
    ),
    ("Ed448", "signatures of Ed448 are not checked"),
    ("DSA 2048", "signatures of DSA are not checked"),
    (
        "RSA 768 bits",
        "signatures of RSA below 1024 bits are not checked",
    ),
    (
        "RSA 512 bits",
        "signatures of RSA below 1024 bits are not checked",
    ),
];

/// Nothing, with its length in five octets at the very end of a value.
const LONG_LENGTH: Option<&str> =
    Some("OpenSSL 3.0.19 wants something behind a long length, 3.0.22 does not");
