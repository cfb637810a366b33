//! The ClientHello of Postfix's SMTP client on OpenSSL 3, byte for byte: a
//! server treats it as it treats Postfix.

use ring::agreement::{EphemeralPrivateKey, X25519};
use ring::rand::{SecureRandom, SystemRandom};

use danecheck_core::postfix::{Exchange, HelloLimits, SUITES, Suite, TlsVersion};

/// Which of Postfix's ClientHellos (`tls_client.c:tls_client_start`,
/// `smtp_tls_policy.c:set_cipher_grade`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rigour {
    /// A certificate must match: OpenSSL's security level 1, no anonymous
    /// suites.
    Verifying,
    /// No certificate has to match: security level 0, anonymous suites first.
    Lenient,
}

/// A ClientHello and what it is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) rigour: Rigour,
    pub(super) limits: HelloLimits,
}

impl Hello {
    fn has_tls13(self) -> bool {
        self.limits.newest == TlsVersion::Tls13
    }

    fn has_tls12(self) -> bool {
        self.limits.newest >= TlsVersion::Tls12
    }

    pub(super) fn offers(self, suite: &Suite) -> bool {
        let is_verifying = self.rigour == Rigour::Verifying;
        // Suites of TLS 1.2 use other hashes than SHA-1.
        let of_newer = if suite.exchange == Exchange::Tls13 {
            !self.has_tls13()
        } else {
            !self.has_tls12() && !suite.name.ends_with("_SHA")
        };
        let excluded = self.limits.without.contains(suite.name);
        !(of_newer || excluded || is_verifying && suite.is_anonymous())
    }
}

/// The number of a version on the wire.
fn number(version: TlsVersion) -> u16 {
    match version {
        TlsVersion::Tls10 => 0x0301,
        TlsVersion::Tls11 => 0x0302,
        TlsVersion::Tls12 => 0x0303,
        TlsVersion::Tls13 => 0x0304,
    }
}

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV` (RFC 5746 section 3.3).
const RENEGOTIATION_INFO: u16 = 0x00ff;

/// `tls_eecdh_auto_curves` and, since Postfix 3.8, `tls_ffdhe_auto_groups`:
/// x25519, x448, secp256r1, secp521r1, secp384r1, ffdhe2048, ffdhe3072.
const GROUPS: [u16; 7] = [0x1d, 0x1e, 0x17, 0x19, 0x18, 0x0100, 0x0101];

/// The signature schemes, in OpenSSL's order.
const SCHEMES: [u16; 23] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401,
    0x0501, 0x0601, 0x0303, 0x0203, 0x0301, 0x0201, 0x0302, 0x0202, 0x0402, 0x0502, 0x0602,
];

/// Those over SHA-1, which only level 0 offers: ECDSA, RSA, DSA.
pub(super) const SHA1_SCHEMES: [u16; 3] = [0x0203, 0x0201, 0x0202];

/// The record with a new ClientHello; `None` if there is no randomness.
pub(super) fn client_hello(offered: Hello, sni: Option<&str>) -> Option<Vec<u8>> {
    let source = SystemRandom::new();
    let mut random = [0; 64];
    source.fill(&mut random).ok()?;
    let share = EphemeralPrivateKey::generate(&X25519, &source)
        .and_then(|key| key.compute_public_key())
        .ok()?;
    let (nonce, session) = random.split_at(32);
    // RFC 8446 section 4.1.2: no more than TLS 1.2.
    let version = number(offered.limits.newest.min(TlsVersion::Tls12));
    let mut hello = version.to_be_bytes().to_vec();
    hello.extend(nonce);
    // The compatibility mode of RFC 8446 appendix D.4.
    let session = if offered.has_tls13() { session } else { &[] };
    put(&mut hello, 1, session);
    put(&mut hello, 2, &words(suites(offered)));
    hello.extend([1, 0]);
    put(&mut hello, 2, &extensions(offered, sni, share.as_ref()));
    let mut message = vec![1];
    put(&mut message, 3, &hello);
    let mut record = vec![22, 3, 1];
    put(&mut record, 2, &message);
    Some(record)
}

fn suites(hello: Hello) -> impl Iterator<Item = u16> {
    SUITES
        .iter()
        .filter(move |suite| hello.offers(suite))
        .map(|suite| suite.code)
        .chain([RENEGOTIATION_INFO])
}

/// In OpenSSL's order.
fn extensions(hello: Hello, sni: Option<&str>, share: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some(name) = sni {
        let mut entry = vec![0];
        put(&mut entry, 2, name.as_bytes());
        extension(&mut all, 0, &prefixed(2, &entry));
    }
    // ec_point_formats: uncompressed, and two that nobody uses.
    extension(&mut all, 11, &[3, 0, 1, 2]);
    extension(&mut all, 10, &prefixed(2, &words(GROUPS)));
    // session_ticket, encrypt_then_mac, extended_master_secret.
    for empty in [35, 22, 23] {
        extension(&mut all, empty, &[]);
    }
    let schemes = SCHEMES
        .into_iter()
        .filter(|scheme| hello.rigour == Rigour::Lenient || !SHA1_SCHEMES.contains(scheme));
    if hello.has_tls12() {
        extension(&mut all, 13, &prefixed(2, &words(schemes)));
    }
    if !hello.has_tls13() {
        return all;
    }
    let versions = words([0x0304, 0x0303, 0x0302, 0x0301]);
    extension(&mut all, 43, &prefixed(1, &versions));
    // psk_key_exchange_modes: with (EC)DHE.
    extension(&mut all, 45, &[1, 1]);
    let mut entry = vec![0, 0x1d];
    put(&mut entry, 2, share);
    extension(&mut all, 51, &prefixed(2, &entry));
    all
}

fn extension(to: &mut Vec<u8>, number: u16, data: &[u8]) {
    to.extend(number.to_be_bytes());
    put(to, 2, data);
}

fn words(values: impl IntoIterator<Item = u16>) -> Vec<u8> {
    values.into_iter().flat_map(u16::to_be_bytes).collect()
}

fn prefixed(width: usize, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(width + data.len());
    put(&mut out, width, data);
    out
}

/// Adds the length of `data` in `width` bytes, then `data`.
fn put(to: &mut Vec<u8>, width: usize, data: &[u8]) {
    let length = data.len().to_be_bytes();
    to.extend(length.iter().skip(length.len().saturating_sub(width)));
    to.extend(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hello without its random parts: nonce, session id, key share.
    fn fixed(record: &[u8]) -> Vec<u8> {
        let mut record = record.to_vec();
        let end = record.len();
        for random in [11..43, 44..76, end - 32..end] {
            record[random].fill(0);
        }
        record
    }

    fn whole(rigour: Rigour) -> Hello {
        let limits = HelloLimits::NONE;
        Hello { rigour, limits }
    }

    #[test]
    fn limits_leave_out_what_they_name() {
        let line = |text: &str| danecheck_core::postfix::PolicyLine::parse(text, None).unwrap();
        let hello = |text: &str| Hello {
            limits: danecheck_core::postfix::LineHello::of(&line(text)).limits,
            ..whole(Rigour::Verifying)
        };
        let offered = |text: &str| suites(hello(text)).collect::<Vec<u16>>();
        let gcm = 0xc02f;
        assert!(offered("encrypt").contains(&gcm) && offered("encrypt").contains(&0x1301));
        let without = offered("encrypt exclude=ECDHE");
        assert!(!without.contains(&gcm) && without.contains(&0x009e) && without.contains(&0x1301));
        let of_12 = offered("encrypt protocols=TLSv1.2");
        assert!(of_12.contains(&gcm) && !of_12.contains(&0x1301));
        let of_11 = offered("encrypt protocols=<=TLSv1.1");
        assert!(!of_11.contains(&gcm) && of_11.contains(&0xc013));
        for (text, version) in [
            ("encrypt", [3, 3]),
            ("encrypt protocols=TLSv1.2", [3, 3]),
            ("encrypt protocols=!TLSv1.2", [3, 2]),
            ("encrypt protocols=TLSv1", [3, 1]),
        ] {
            let record = client_hello(hello(text), None).unwrap();
            assert_eq!(record.get(9..11), Some(&version[..]), "{text}");
        }
    }

    #[test]
    fn the_hellos_are_those_of_openssl() {
        // Recorded from `openssl s_client` 3.0: fixtures/tls/README.md.
        let level_1 = include_bytes!("../../../fixtures/tls/hello-level-1.bin");
        let level_0 = include_bytes!("../../../fixtures/tls/hello-level-0.bin");
        for (rigour, recorded) in [
            (Rigour::Verifying, &level_1[..]),
            (Rigour::Lenient, level_0),
        ] {
            let hello = client_hello(whole(rigour), Some("mx.example.com")).unwrap();
            assert_eq!(fixed(&hello), fixed(recorded), "{rigour:?}");
        }
    }

    #[test]
    fn without_a_server_name_there_is_no_such_extension() {
        let hello = whole(Rigour::Verifying);
        let named = client_hello(hello, Some("mx.example.com")).unwrap();
        let unnamed = client_hello(hello, None).unwrap();
        assert_eq!(named.len() - unnamed.len(), 4 + 5 + "mx.example.com".len());
    }
}
