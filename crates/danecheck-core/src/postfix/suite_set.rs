//! Sets of suites, and what the words of lists of ciphers exclude.

use serde::{Deserialize, Serialize};

use super::suite::{Exchange, SUITES, Suite};

/// A set of the suites of TLS 1.2 and older that Postfix offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct SuiteSet(u128);

/// A name that is no suite which Postfix offers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Postfix offers no suite `{0}`")]
pub struct NoSuite(String);

impl SuiteSet {
    /// No suite.
    pub(super) const NONE: Self = Self(0);

    /// The suites of the table that this holds for; those of TLS 1.3 are not
    /// subject to lists of ciphers.
    pub(super) fn of(holds: impl Fn(&Suite) -> bool) -> Self {
        let suites = SUITES.iter().enumerate();
        let chosen = suites.filter(|(_, suite)| suite.exchange != Exchange::Tls13 && holds(suite));
        Self(chosen.fold(0, |set, (at, _)| set | 1 << at))
    }

    /// Whether it contains the suite with this IANA name.
    pub fn contains(self, name: &str) -> bool {
        let at = SUITES.iter().position(|suite| suite.name == name);
        at.is_some_and(|at| self.0 & (1 << at) != 0)
    }

    /// Whether it contains none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether it contains all.
    pub(super) fn is_whole(self) -> bool {
        self == Self::of(|_| true)
    }

    /// Those of either.
    #[must_use]
    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<SuiteSet> for Vec<String> {
    fn from(set: SuiteSet) -> Self {
        let names = SUITES.iter().map(|suite| suite.name);
        let names = names.filter(|name| set.contains(name));
        names.map(str::to_owned).collect()
    }
}

impl TryFrom<Vec<String>> for SuiteSet {
    type Error = NoSuite;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        names.into_iter().try_fold(Self::default(), |set, name| {
            let one = Self::of(|suite| suite.name == name);
            match one.is_empty() {
                true => Err(NoSuite(name)),
                false => Ok(set.with(one)),
            }
        })
    }
}

/// What a list of words excludes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exclusions {
    pub(crate) suites: SuiteSet,
    /// There are words that are not understood.
    pub(crate) unknown: bool,
}

impl Exclusions {
    /// Reads the words of `exclude=` and of `smtp_tls_exclude_ciphers`: each is
    /// excluded as `!word` in OpenSSL's list (`tls_apply_cipher_exclusions` in
    /// Postfix's `tls_misc.c`, openssl:`ssl_cipher_process_rulestr`).
    pub(super) fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words
            .into_iter()
            .filter(|word| !word.is_empty())
            .fold(Self::default(), |all, word| match excluded(word) {
                Some(suites) => Self {
                    suites: all.suites.with(suites),
                    ..all
                },
                None => Self {
                    unknown: true,
                    ..all
                },
            })
    }

    /// The suites of CCM_8, which are not of grade `high` since OpenSSL 3.2.
    pub(super) fn of_short_tags() -> Self {
        Self {
            suites: SuiteSet::of(Suite::has_short_tag),
            unknown: false,
        }
    }

    /// A list as main.cf has it.
    pub(crate) fn of_list(list: &str) -> Self {
        let separators = [':', ',', ' ', '\t', '\r', '\n'];
        Self::read(list.split(separators).filter(|word| !word.is_empty()))
    }

    /// What both exclude.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            suites: self.suites.with(other.suites),
            unknown: self.unknown || other.unknown,
        }
    }
}

/// The suites of a word, or of words joined by `+`, which all have to hold.
fn excluded(word: &str) -> Option<SuiteSet> {
    let classes: Option<Vec<SuiteSet>> = word.split('+').map(class).collect();
    let whole = SuiteSet::of(|_| true);
    Some(
        classes?
            .into_iter()
            .fold(whole, |all, class| SuiteSet(all.0 & class.0)),
    )
}

/// The suites of one word (openssl:`ssl_ciph.c`, `cipher_aliases`).
fn class(word: &str) -> Option<SuiteSet> {
    let anonymous = |suite: &Suite| suite.is_anonymous();
    let by_name = |part: &'static str| SuiteSet::of(|suite| suite.name.contains(part));
    Some(match word {
        // None of these is among the suites that OpenSSL 3 offers.
        "eNULL" | "NULL" | "RC4" | "RC2" | "IDEA" | "SEED" | "3DES" | "DES" | "MD5" | "LOW"
        | "MEDIUM" | "EXP" | "EXPORT" | "EXPORT40" | "EXPORT56" | "PSK" | "kPSK" | "aPSK"
        | "SRP" | "kSRP" | "aSRP" | "KRB5" | "aDH" | "kDHr" | "kDHd" | "aECDH" | "kECDHr"
        | "kECDHe" | "aGOST" | "kGOST" => SuiteSet::default(),
        "aNULL" => SuiteSet::of(anonymous),
        "ADH" => SuiteSet::of(|suite| suite.exchange == Exchange::AnonymousDhe),
        "AECDH" => SuiteSet::of(|suite| suite.exchange == Exchange::AnonymousEcdhe),
        "ECDHE" | "EECDH" => SuiteSet::of(|suite| suite.exchange == Exchange::Ecdhe),
        "kECDHE" | "kEECDH" | "ECDH" => SuiteSet::of(|suite| {
            matches!(suite.exchange, Exchange::Ecdhe | Exchange::AnonymousEcdhe)
        }),
        "DHE" | "EDH" => SuiteSet::of(|suite| suite.exchange == Exchange::Dhe),
        "kDHE" | "kEDH" | "DH" => {
            SuiteSet::of(|suite| matches!(suite.exchange, Exchange::Dhe | Exchange::AnonymousDhe))
        }
        "kRSA" => SuiteSet::of(|suite| suite.exchange == Exchange::Rsa),
        "aRSA" => by_name("RSA_WITH"),
        // Either the key exchange or the key.
        "RSA" => by_name("RSA_WITH"),
        "ECDSA" | "aECDSA" => by_name("_ECDSA_"),
        "DSS" | "aDSS" => by_name("_DSS_"),
        "AES" => by_name("_AES_"),
        "AES128" => by_name("_AES_128_"),
        "AES256" => by_name("_AES_256_"),
        "AESGCM" => {
            SuiteSet::of(|suite| suite.name.contains("_AES_") && suite.name.contains("_GCM_"))
        }
        "AESCCM" => by_name("_CCM"),
        "AESCCM8" => by_name("_CCM_8"),
        "CHACHA20" => by_name("_CHACHA20_"),
        "CAMELLIA" => by_name("_CAMELLIA_"),
        "CAMELLIA128" => by_name("_CAMELLIA_128_"),
        "CAMELLIA256" => by_name("_CAMELLIA_256_"),
        "ARIA" | "ARIAGCM" => by_name("_ARIA_"),
        "ARIA128" => by_name("_ARIA_128_"),
        "ARIA256" => by_name("_ARIA_256_"),
        "SHA1" | "SHA" => SuiteSet::of(|suite| suite.name.ends_with("_SHA")),
        "SHA256" => SuiteSet::of(|suite| suite.name.ends_with("_CBC_SHA256")),
        "SHA384" => SuiteSet::of(|suite| suite.name.ends_with("_CBC_SHA384")),
        name => {
            let suite = SuiteSet::of(|suite| openssl_name(suite).as_deref() == Some(name));
            return (!suite.is_empty()).then_some(suite);
        }
    })
}

/// The name that OpenSSL has for a suite; nothing for families in which it is
/// not made by rule.
fn openssl_name(suite: &Suite) -> Option<String> {
    let name = suite.name.strip_prefix("TLS_")?;
    if name.contains("_ARIA_") || suite.exchange == Exchange::Tls13 {
        return None;
    }
    let (exchange, cipher) = name.split_once("_WITH_")?;
    let exchange = match exchange {
        "RSA" => String::new(),
        "DH_anon" => "ADH-".to_owned(),
        "ECDH_anon" => "AECDH-".to_owned(),
        other => format!("{}-", other.replace('_', "-")),
    };
    let cipher = cipher
        .replace("AES_128", "AES128")
        .replace("AES_256", "AES256")
        .replace("CAMELLIA_128", "CAMELLIA128")
        .replace("CAMELLIA_256", "CAMELLIA256")
        .replace("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305")
        .replace("_CBC", "")
        .replace("CCM_8", "CCM8")
        .replace('_', "-");
    Some(format!("{exchange}{cipher}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::postfix) const GCM: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

    pub(in crate::postfix) fn out(words: &str) -> Exclusions {
        Exclusions::of_list(words)
    }

    #[test]
    fn words_exclude_what_openssl_understands_by_them() {
        for (words, gone) in [
            ("ECDHE", true),
            ("EECDH", true),
            ("kECDHE", true),
            ("aNULL:AES128", true),
            ("AESGCM", true),
            ("aRSA", true),
            ("RSA", true),
            ("ECDHE-RSA-AES128-GCM-SHA256", true),
            ("ECDHE+AES", true),
            ("ECDHE+AES256", false),
            ("aNULL, eNULL RC4:3DES", false),
            ("DES MD5 LOW EXPORT", false),
            ("DHE", false),
            ("EDH", false),
            ("kRSA", false),
            ("AES256", false),
            ("CHACHA20", false),
            ("SHA1", false),
            ("SHA256", false),
            ("ECDSA", false),
            ("AES128-SHA", false),
            ("", false),
        ] {
            let excluded = out(words);
            assert_eq!(excluded.suites.contains(GCM), gone, "{words}");
            assert!(!excluded.unknown, "{words}");
        }
        for words in ["NONSENSE", "HIGH", "ALL", "ecdhe", "aNULL:@STRENGTH"] {
            assert!(out(words).unknown, "{words}");
        }
    }

    #[test]
    fn suites_have_the_names_of_openssl() {
        for (iana, openssl) in [
            ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
            ("TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
            ("TLS_DH_anon_WITH_AES_128_CBC_SHA256", "ADH-AES128-SHA256"),
            ("TLS_ECDH_anon_WITH_AES_256_CBC_SHA", "AECDH-AES256-SHA"),
            ("TLS_DHE_RSA_WITH_AES_256_CCM_8", "DHE-RSA-AES256-CCM8"),
            (
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
            ),
            (
                "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256",
                "ECDHE-RSA-CAMELLIA128-SHA256",
            ),
        ] {
            assert!(out(openssl).suites.contains(iana), "{openssl}");
        }
    }

    #[test]
    fn sets_are_saved_by_name() {
        let set = out("kRSA").suites;
        let text = serde_json::to_string(&set).unwrap();
        assert!(text.contains("\"TLS_RSA_WITH_AES_128_CBC_SHA\""));
        assert_eq!(serde_json::from_str::<SuiteSet>(&text).unwrap(), set);
        assert!(serde_json::from_str::<SuiteSet>("[\"TLS_AES_128_GCM_SHA256\"]").is_err());
    }
}
