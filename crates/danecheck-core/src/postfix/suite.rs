//! The cipher suites that Postfix offers on OpenSSL 3, by their IANA names.

/// A cipher suite.
#[derive(Debug, PartialEq, Eq)]
pub struct Suite {
    /// Its number in a ClientHello.
    pub code: u16,
    /// Its IANA name.
    pub name: &'static str,
    /// How keys are agreed on.
    pub exchange: Exchange,
}

/// The key exchange of a suite: what the server's messages contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// By a key share (RFC 8446); the server's certificate is encrypted.
    Tls13,
    /// With the certificate's own key: no ServerKeyExchange.
    Rsa,
    /// Diffie-Hellman, signed.
    Dhe,
    /// On a curve, signed.
    Ecdhe,
    /// Diffie-Hellman, no certificate.
    AnonymousDhe,
    /// On a curve, no certificate.
    AnonymousEcdhe,
}

impl Suite {
    /// The suite with this number, if it is one that is offered.
    pub fn find(code: u16) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.code == code)
    }

    /// The suite with this IANA name, if it is one that is offered.
    pub fn named(name: &str) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.name == name)
    }

    /// Whether the server's key is a DSA key.
    pub fn has_dsa_key(&self) -> bool {
        self.name.contains("_DSS_")
    }

    /// Whether its tag is of eight bytes (CCM_8).
    pub fn has_short_tag(&self) -> bool {
        self.name.ends_with("_CCM_8")
    }

    /// Whether the server has no certificate.
    pub fn is_anonymous(&self) -> bool {
        matches!(
            self.exchange,
            Exchange::AnonymousDhe | Exchange::AnonymousEcdhe
        )
    }
}

const fn suite(code: u16, name: &'static str, exchange: Exchange) -> Suite {
    Suite {
        code,
        name,
        exchange,
    }
}

use Exchange::{AnonymousDhe, AnonymousEcdhe, Dhe, Ecdhe, Rsa, Tls13};

/// In OpenSSL 3.0's order for `aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH`, the
/// default of Postfix's `tls_medium_cipherlist`, at security level 0.
pub static SUITES: [Suite; 86] = [
    suite(0x1302, "TLS_AES_256_GCM_SHA384", Tls13),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", Tls13),
    suite(0x1301, "TLS_AES_128_GCM_SHA256", Tls13),
    suite(0x00a7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384", AnonymousDhe),
    suite(0x006d, "TLS_DH_anon_WITH_AES_256_CBC_SHA256", AnonymousDhe),
    suite(
        0x00c5,
        "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA256",
        AnonymousDhe,
    ),
    suite(0xc019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", AnonymousEcdhe),
    suite(0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA", AnonymousDhe),
    suite(
        0x0089,
        "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA",
        AnonymousDhe,
    ),
    suite(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Ecdhe),
    suite(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Ecdhe),
    suite(0x00a3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", Dhe),
    suite(0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", Dhe),
    suite(
        0xcca9,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Ecdhe,
    ),
    suite(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Ecdhe),
    suite(0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Dhe),
    suite(0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", Ecdhe),
    suite(0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", Ecdhe),
    suite(0xc0a3, "TLS_DHE_RSA_WITH_AES_256_CCM_8", Dhe),
    suite(0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM", Dhe),
    suite(0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384", Ecdhe),
    suite(0xc061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384", Ecdhe),
    suite(0xc057, "TLS_DHE_DSS_WITH_ARIA_256_GCM_SHA384", Dhe),
    suite(0xc053, "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384", Dhe),
    suite(0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", Ecdhe),
    suite(0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", Ecdhe),
    suite(0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", Dhe),
    suite(0x006a, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", Dhe),
    suite(
        0xc073,
        "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384",
        Ecdhe,
    ),
    suite(0xc077, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384", Ecdhe),
    suite(0x00c4, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256", Dhe),
    suite(0x00c3, "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA256", Dhe),
    suite(0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Ecdhe),
    suite(0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Ecdhe),
    suite(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", Dhe),
    suite(0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", Dhe),
    suite(0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", Dhe),
    suite(0x0087, "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA", Dhe),
    suite(0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", Rsa),
    suite(0xc0a1, "TLS_RSA_WITH_AES_256_CCM_8", Rsa),
    suite(0xc09d, "TLS_RSA_WITH_AES_256_CCM", Rsa),
    suite(0xc051, "TLS_RSA_WITH_ARIA_256_GCM_SHA384", Rsa),
    suite(0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", Rsa),
    suite(0x00c0, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256", Rsa),
    suite(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", Rsa),
    suite(0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", Rsa),
    suite(0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256", AnonymousDhe),
    suite(0x006c, "TLS_DH_anon_WITH_AES_128_CBC_SHA256", AnonymousDhe),
    suite(
        0x00bf,
        "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA256",
        AnonymousDhe,
    ),
    suite(0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", AnonymousEcdhe),
    suite(0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", AnonymousDhe),
    suite(
        0x0046,
        "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA",
        AnonymousDhe,
    ),
    suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Ecdhe),
    suite(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Ecdhe),
    suite(0x00a2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", Dhe),
    suite(0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", Dhe),
    suite(0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", Ecdhe),
    suite(0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", Ecdhe),
    suite(0xc0a2, "TLS_DHE_RSA_WITH_AES_128_CCM_8", Dhe),
    suite(0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM", Dhe),
    suite(0xc05c, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256", Ecdhe),
    suite(0xc060, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256", Ecdhe),
    suite(0xc056, "TLS_DHE_DSS_WITH_ARIA_128_GCM_SHA256", Dhe),
    suite(0xc052, "TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256", Dhe),
    suite(0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", Ecdhe),
    suite(0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Ecdhe),
    suite(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", Dhe),
    suite(0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", Dhe),
    suite(
        0xc072,
        "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256",
        Ecdhe,
    ),
    suite(0xc076, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", Ecdhe),
    suite(0x00be, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", Dhe),
    suite(0x00bd, "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA256", Dhe),
    suite(0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Ecdhe),
    suite(0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Ecdhe),
    suite(0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", Dhe),
    suite(0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", Dhe),
    suite(0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", Dhe),
    suite(0x0044, "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA", Dhe),
    suite(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", Rsa),
    suite(0xc0a0, "TLS_RSA_WITH_AES_128_CCM_8", Rsa),
    suite(0xc09c, "TLS_RSA_WITH_AES_128_CCM", Rsa),
    suite(0xc050, "TLS_RSA_WITH_ARIA_128_GCM_SHA256", Rsa),
    suite(0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", Rsa),
    suite(0x00ba, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256", Rsa),
    suite(0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", Rsa),
    suite(0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", Rsa),
];
