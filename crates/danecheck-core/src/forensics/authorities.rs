//! Authorities whose keys people publish in TLSA records, by their digests.
//!
//! Let's Encrypt's names, roles and dates are those of its own page
//! `letsencrypt.org/certificates` (as of 2026-07-08) and of the announcement
//! of 2024-04-12, "Deploying Let's Encrypt's New Issuance Chains"; if the page
//! gives no day, the year is that in which it moved the issuer. The digests
//! were computed from the certificates that the page links, after the signature
//! of each was checked up to ISRG Root X1 or X2 as in distributions; those
//! under DST Root CA X3 were checked up to that one.
//!
//! # Limitations
//! Issuers are known only by SHA-256. The roots of other authorities are those
//! that Mozilla trusts, in every form.

use std::collections::HashMap;
use std::sync::OnceLock;

use base64::Engine as _;

use super::object::{OBJECTS, Object, forms, sha256};
use crate::certificate::Certificate;
use crate::tlsa::hex;

/// A certificate authority that many TLSA records name.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownAuthority {
    /// Its common name.
    pub name: &'static str,
    /// What it is now.
    pub role: Role,
    /// The SHA-256 digest of its SubjectPublicKeyInfo.
    pub key: &'static str,
    /// Those of its certificates.
    pub certificates: &'static [&'static str],
}

/// The present role of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// One of several from which certificates come at random.
    InUse,
    /// Kept for emergencies.
    InReserve,
    /// No certificate comes from it since this year.
    Retired(u16),
    /// A root.
    Root,
    /// A root whose certificate ended in this year.
    ExpiredRoot(u16),
}

/// Let's Encrypt's, oldest first, and the root that once signed them.
pub static KNOWN: &[KnownAuthority] = &[
    KnownAuthority {
        name: "Let's Encrypt Authority X3",
        role: Role::Retired(2020),
        key: "60b87575447dcba2a36b7d11ac09fb24a9db406fee12d2cc90180517616e8a18",
        certificates: &[
            "7fdce3bf4103c2684b3adbb5792884bd45c75094c217788863950346f79c90a3",
            "bdee0d7c8f9c278f14ea9b6a4f90ed665a9f56db0a56b1cdda6765912f398a5e",
            "25847d668eb4f04fdd40b12b6b0740c567da7d024308eb6c2c96fe41d9de218d",
            "731d3d9cfaa061487a1d71445a42f67df0afca2a6c2d2f98ff7b3ce112b1f568",
        ],
    },
    KnownAuthority {
        name: "Let's Encrypt Authority X4",
        role: Role::Retired(2020),
        key: "b111dd8a1c2091a89bd4fd60c57f0716cce50feeff8137cdbee0326e02cf362b",
        certificates: &[
            "e4eb54a7ffa552ef64d8e1ae338b69be909c29e6af57170a2f6f44df225e5a14",
            "ec0c6ca496a67a13342fec5221f68d4b3e53b1bc22f6e4bccc9c68f0415cdea4",
            "5de9152bed31fa0515dd1fc746133f1327562ef72a84cf2d2403e748a604d0d4",
            "a74b0c32b65b95fe2c4f8f098947a68b695033bed0b51dd8b984ecae89571bb6",
        ],
    },
    KnownAuthority {
        name: "R3",
        role: Role::Retired(2024),
        key: "8d02536c887482bc34ff54e41d2ba659bf85b341a0a20afadb5813dcfbcf286d",
        certificates: &[
            "67add1166b020ae61b8f5fc96813c04c2aa589960796865572a3c7e737613dfd",
            "730c1bdcd85f57ce5dc0bba733e5f1ba5a925b2a771d640a26f7a454224dad3b",
        ],
    },
    KnownAuthority {
        name: "R4",
        role: Role::Retired(2024),
        key: "e5545e211347241891c554a03934cde9b749664a59d26d615fe58f77990f2d03",
        certificates: &[
            "1a07529a8b3f01d231dfad2abdf71899200bb65cd7e03c59fa82272533355b74",
            "5a8f16fda448d783481cca57a2428d174dad8c60943ceb28f661ae31fd39a5fa",
        ],
    },
    KnownAuthority {
        name: "E1",
        role: Role::Retired(2024),
        key: "276fe8a8c4ec7611565bf9fce6dcace9be320c1b5bea27596b2204071ed04f10",
        certificates: &["46494e30379059df18be52124305e606fc59070e5b21076ce113954b60517cda"],
    },
    KnownAuthority {
        name: "E2",
        role: Role::Retired(2024),
        key: "bd936e72b212ef6f773102c6b77d38f94297322efc25396bc3279422e0c89270",
        certificates: &["bacde0463053ce1d62f8be74370bbae79d4fcaf19fc07643aef195e6a59bd578"],
    },
    KnownAuthority {
        name: "R10",
        role: Role::Retired(2025),
        key: "2bbad93ab5c79279ec121507f272cbe0c6647a3aae52e22f388afab426b4adba",
        certificates: &["9d7c3f1aa6ad2b2ec0d5cf1e246f8d9ae6cbc9fd0755ad37bb974b1f2fb603f3"],
    },
    KnownAuthority {
        name: "R11",
        role: Role::Retired(2025),
        key: "6ddac18698f7f1f7e1c69b9bce420d974ac6f94ca8b2c761701623f99c767dc7",
        certificates: &["591e9ce6c863d3a079e9fabe1478c7339a26b21269dde795211361024ae31a44"],
    },
    KnownAuthority {
        name: "E5",
        role: Role::Retired(2025),
        key: "3586d4ecf070578cbd27aedce20b964e48bc149faeb9dad72f46b857869172b8",
        certificates: &[
            "5dfdb3cf31b26f23d87c09f3a0cef642f64069a9fb7cfe29270bb5dc0f1e16bb",
            "e788d14b0436b5120bbee3f15c15badf08c1407fe72568a4f16f9151c380e1e3",
        ],
    },
    KnownAuthority {
        name: "E6",
        role: Role::Retired(2025),
        key: "d016e1fe311948aca64f2de44ce86c9a51ca041df6103bb52a88eb3f761f57d7",
        certificates: &[
            "065ab7d2a050f947587121765d8d070c0e1330d5798faa42c2072749ed293762",
            "76e9e288aafc0e37f4390cbf946aad997d5c1c901b3ce513d3d8fadbabe2ab85",
        ],
    },
    KnownAuthority {
        name: "R12",
        role: Role::Retired(2026),
        key: "919c0df7a787b597ed056ace654b1de9c0387acf349f73734a4fd7b58cf612a4",
        certificates: &["131fce7784016899a5a00203a9efc80f18ebbd75580717edc1553580930836ec"],
    },
    KnownAuthority {
        name: "R13",
        role: Role::Retired(2026),
        key: "025490860b498ab73c6a12f27a49ad5fe230fafe3ac8f6112c9b7d0aad46941d",
        certificates: &["d3b128216a843f8ef1321501f5df52a5df52939ee2c19297712cd3de4d419354"],
    },
    KnownAuthority {
        name: "R14",
        role: Role::Retired(2026),
        key: "f1647a5ee3efac54c892e930584fe47979b7acd1c76c1271bca1c5076d869888",
        certificates: &["24d45aa9b8d6053d281f3842c8cc0c6c1af7ccdfd42dd5c12f6a74fa9323f7a2"],
    },
    KnownAuthority {
        name: "E7",
        role: Role::Retired(2026),
        key: "cbbc559b44d524d6a132bdac672744da3407f12aae5d5f722c5f6c7913871c75",
        certificates: &[
            "54715420224c5b65beed018dc3940d7338c577e322d5488f633d8c6a8fed61b2",
            "aeb1fd7410e83bc96f5da3c6a7c2c1bb836d1fa5cb86e708515890e428a8770b",
        ],
    },
    KnownAuthority {
        name: "E8",
        role: Role::Retired(2026),
        key: "885bf0572252c6741dc9a52f5044487fef2a93b811cdedfad7624cc283b7cdd5",
        certificates: &[
            "83624fd338c8d9b023c18a67cb7a9c0519da43d11775b4c6cbdad45c3d997c52",
            "ac1274542267f17b525535b5563bf731febb182533b46a82dc869cb64eb528c0",
        ],
    },
    KnownAuthority {
        name: "E9",
        role: Role::Retired(2026),
        key: "f1440a9b76e1e41e53a4cb461329bf6337b419726be513e42e19f1c691c5d4b2",
        certificates: &[
            "4185df97806c2ba76f1d79823f112ffa639a49ccdc990908102067ab6412b886",
            "fde88f2d4f8913d3dc1664d5f8de51e07fe2abfed93b45acad5a29bfebaa23fb",
        ],
    },
    KnownAuthority {
        name: "YR1",
        role: Role::InUse,
        key: "2e8307068b6db620e4a39d068b5dee5d6ef5788cbb2c0b6d23ead84fcc17178c",
        certificates: &["13949634d99cd6fd6aa80bc034fefacceb1969feef986586713ecdbb05758d3f"],
    },
    KnownAuthority {
        name: "YR2",
        role: Role::InUse,
        key: "9d637b3d27a9e570d07607b9ccadb80a70915c7af72afce12841b1b1da825fd1",
        certificates: &["238b85a0099c65b970477d5724f1a1d475ce5058cffe4efa8733899bdb863c47"],
    },
    KnownAuthority {
        name: "YE1",
        role: Role::InUse,
        key: "6ebcefb4210b088654a38b03fea3d7d1c711b4fb1ddc363a45f9b1a4e53da01e",
        certificates: &["a2372d06431e9716365eeed47ec020351497d182fcc038e457e58168a03cac07"],
    },
    KnownAuthority {
        name: "YE2",
        role: Role::InUse,
        key: "b3fb5d00e994cddf2cc9a4eea9f806bc5727e83cc0e4299bf956f2d524fe5376",
        certificates: &["97658de8c68dfa98ace1e5028a63d54a1aae911b3e21471076c6850cd08cbab4"],
    },
    KnownAuthority {
        name: "YR3",
        role: Role::InReserve,
        key: "51aaa87d984b559ac69e929f888a022d832e089ff4dba0a412b5101bca4bc799",
        certificates: &["35500cb63b8d9769528d65d87220f51c069807a595acbf2fb6eca38fbe0a4bd2"],
    },
    KnownAuthority {
        name: "YE3",
        role: Role::InReserve,
        key: "a698a20824be04e47a1a33c4fa488731be92011f23a31e900e2ca26c9c2acfce",
        certificates: &["82bcfc482cc19f71e6f98f4a027616ebda6d47096d408b336160d1c0ef8b995a"],
    },
    KnownAuthority {
        name: "ISRG Root X1",
        role: Role::Root,
        key: "0b9fa5a59eed715c26c1020c711b4f6ec42d58b0015e14337a39dad301c5afc3",
        certificates: &[
            "6d99fb265eb1c5b3744765fcbc648f3cd8e1bffafdc4c2f99b9d47cf7ff1c24f",
            "96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6",
        ],
    },
    KnownAuthority {
        name: "ISRG Root X2",
        role: Role::Root,
        key: "762195c225586ee6c0237456e2107dc54f1efc21f61a792ebd515913cce68332",
        certificates: &[
            "69729b8e15a86efc177a57afb7171dfc64add28c2fca8cf1507e34453ccb1470",
            "8b05b68cc659e5ed0fcb38f2c942fbfd200e6f2ff9f85d63c6994ef5e0b02701",
            "ee5f7abd6981bb0255632cd8f49283451b4b18844d12040b44ee00f07b8fe2c6",
        ],
    },
    KnownAuthority {
        name: "Root YR",
        role: Role::Root,
        key: "7e4e8838a8add6295de7ae3b047d3aba3488ab95db0a0aa56d897a00d8618bcf",
        certificates: &[
            "072639d0b140d5bffae16ad9c3f6cc6086040621f51ee61a6d46a8915c07cf76",
            "e57b7e6f150c419102e8d5c055729ff967b9d1a829bf00cec89ca604ebf4a86f",
        ],
    },
    KnownAuthority {
        name: "Root YE",
        role: Role::Root,
        key: "b0292ae545978e0fbb98abbd94c861605e5b18bb32ed523f50d5b7b5c71d47bc",
        certificates: &[
            "0fc0901cca2bae9e9fdbb02d50d02f1094f7b36672086991b9e897626dc485f0",
            "e14ffcad5b0025731006caa43a121a22d8e9700f4fb9cf852f02a708aa5d5666",
        ],
    },
    KnownAuthority {
        name: "DST Root CA X3",
        role: Role::ExpiredRoot(2021),
        key: "563b3caf8cfef34c2335caf560a7a95906e8488462eb75ac59784830df9e5b2b",
        certificates: &["0687260331a72403d909f105e69bcf0d32e1bd2493ffc6d9206d11bcd6770739"],
    },
];

impl KnownAuthority {
    /// The authority whose key or certificate has this digest, and whether it
    /// is the key.
    pub fn find(digest: &[u8]) -> Option<(&'static Self, bool)> {
        if digest.len() != 32 {
            return None;
        }
        let digest = hex(digest);
        KNOWN.iter().find_map(|one| {
            if one.key == digest {
                Some((one, true))
            } else {
                one.certificates
                    .contains(&digest.as_str())
                    .then_some((one, false))
            }
        })
    }

    /// Whether an issuer of this name is one of Let's Encrypt's, of which a
    /// renewal picks one at random.
    pub fn rotates(issuer: &Certificate) -> bool {
        let digest = sha256(issuer.spki_der());
        Self::find(&digest)
            .is_some_and(|(one, _)| !matches!(one.role, Role::Root | Role::ExpiredRoot(_)))
    }

    /// What it is, after "the key of" or "a certificate of".
    pub fn words(&self) -> String {
        let name = self.name;
        match self.role {
            Role::InUse => {
                format!("{name}, one of the issuers that Let's Encrypt picks from at each renewal")
            }
            Role::InReserve => {
                format!("{name}, an issuer that Let's Encrypt keeps in reserve")
            }
            Role::Retired(year) => {
                format!("{name}, an issuer that Let's Encrypt retired in {year}")
            }
            Role::Root => format!("{name}, a root of Let's Encrypt"),
            Role::ExpiredRoot(year) => format!("{name}, a root that expired in {year}"),
        }
    }
}

/// The root in Mozilla's list, as of the build, of which this is a form.
pub(super) fn mozilla_root(data: &[u8]) -> Option<(&'static Certificate, Object)> {
    static FORMS: OnceLock<HashMap<Vec<u8>, (usize, Object)>> = OnceLock::new();
    let all = FORMS.get_or_init(|| {
        let roots = mozilla_roots().iter().enumerate();
        roots
            .flat_map(|(number, root)| {
                OBJECTS.into_iter().flat_map(move |object| {
                    let forms = forms(object.of(root));
                    forms.map(|(_, data)| (data, (number, object)))
                })
            })
            .collect()
    });
    let (number, object) = all.get(data)?;
    Some((mozilla_roots().get(*number)?, *object))
}

/// Whether a certificate, in DER, has the key of a root in Mozilla's list.
pub(crate) fn is_public_root(der: &[u8]) -> bool {
    Certificate::from_der(der).is_ok_and(|one| mozilla_root(one.spki_der()).is_some())
}

/// A certificate on each line, DER in base64 (RFC 4648 section 4).
/// `tests/mozilla_roots.rs` holds it to the `webpki-root-certs` crate and
/// writes it anew.
const MOZILLA_ROOTS: &str = include_str!("mozilla_roots.txt");

fn mozilla_roots() -> &'static [Certificate] {
    static ROOTS: OnceLock<Vec<Certificate>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let standard = base64::engine::general_purpose::STANDARD;
        MOZILLA_ROOTS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| Certificate::from_der(&standard.decode(line).ok()?).ok())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digest_is_whole_and_stands_once() {
        let mut all: Vec<&str> = KNOWN
            .iter()
            .flat_map(|one| one.certificates.iter().copied().chain([one.key]))
            .collect();
        for digest in &all {
            assert_eq!(digest.len(), 64, "{digest}");
            assert!(
                digest
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
            );
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_roots_in_the_table_are_those_that_mozilla_trusts() {
        let mut compared = 0;
        for root in mozilla_roots() {
            let name = root.subject().common_names().first();
            let Some(known) = KNOWN
                .iter()
                .find(|one| Some(one.name) == name.map(String::as_str))
            else {
                continue;
            };
            assert_eq!(known.role, Role::Root);
            assert_eq!(hex(&sha256(root.spki_der())), known.key);
            let certificate = hex(&sha256(root.der()));
            assert!(known.certificates.contains(&certificate.as_str()));
            compared += 1;
        }
        assert_eq!(compared, 2, "ISRG Root X1 and X2");
    }
}
