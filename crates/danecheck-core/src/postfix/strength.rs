//! How much a policy asks of a server, and whether another one asks for less.
//! This is a partial order, because proofs of different kinds cannot be
//! compared.
//!
//! Two lines are compared at each host, because `dane` means something else at
//! each. A line is weaker than the one before it if it is weaker at any host.
//!
//! 1. A line that Postfix rejects stops all mail: any line that lets mail flow
//!    in its place is weaker. The same is true of a line above `may` with which
//!    no handshake succeeds (`tls_client_start`).
//! 2. Levels that do not prove who answers: `none` < `may` < `encrypt`. Above
//!    them are all levels with a proof.
//! 3. `dane` is a proof only with usable TLSA records, found through secure MX
//!    records. If no record is usable, it is `encrypt`, or, as the line before,
//!    more than that if they fail only in the handshake. Without records it is
//!    `may`. If a lookup fails, or the MX records are not secure, its strength
//!    is unknown: it is then a proof as the line before, and `may` as the line
//!    after. `dane-only` is always a proof, and `dane` is weaker.
//! 4. Proofs of different kinds (a pin, names and a CA, TLSA records) each
//!    count as weaker than the other.
//! 5. Of two proofs of one kind the other is weaker unless the first one
//!    accepted everything that it accepts: its pins, names, trust anchors and
//!    patterns of MX hosts are among those before. The server name that is sent
//!    must also be the same, because it may decide which certificate is shown.
//!    `hostname`, the default of `verify`, trusts any name that DNS gives. It
//!    accepts more than any other name, so `verify` < `secure`.
//! 6. Of two lines of one rank that use TLS the other is weaker if it accepts a
//!    TLS version that was refused, a lower grade of ciphers, or ciphers that
//!    were excluded. If a line does not say, main.cf decides; if main.cf is
//!    unknown, the grade is `medium`.
//!
//! Of two outcomes the other is weaker if both deliver and its channel is
//! weaker: a stricter line can lead to a host that offers less
//! (`Outcome::is_weaker_than`).
//!
//! `connection_reuse`, `enable_rpk` and the attributes for reports change
//! nothing about what is accepted.

use super::level::SecurityLevel;
use super::line::{CipherGrade, PolicyLine};
use super::tls_version::TlsVersion;

/// What `dane` means at one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DaneMeaning {
    /// The server has to match usable TLSA records.
    Proof,
    /// The same, behind MX records that an attacker could have forged.
    UnsecuredProof,
    /// TLS with any server: there are TLSA records, and none is usable.
    Encrypt,
    /// TLS with any server that shows a certificate: none of the records can be
    /// loaded (`tls_dane_enable`), and OpenSSL says so only after the handshake
    /// was set up for a proof.
    EncryptWithCertificate,
    /// No more than `may`.
    May,
    /// Unknown.
    Unknown,
}

/// What the comparison of two lines depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// The name of the next hop, for `nexthop` and `dot-nexthop`.
    pub(crate) next_hop: String,
    /// The meaning of `dane` at each host to which mail may go.
    pub(crate) hosts: Vec<DaneMeaning>,
    /// The oldest TLS that main.cf accepts at `may`.
    pub(crate) oldest_at_may: TlsVersion,
    /// The oldest TLS that main.cf accepts above `may`.
    pub(crate) oldest_above: TlsVersion,
}

/// How much is asked of a host, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Plain,
    Opportunistic,
    Encrypted,
    Proven,
    Stopped,
}

/// Which of the two a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

impl Comparison {
    /// The comparison for a next hop of which nothing is known.
    pub(crate) fn unseen(next_hop: &str) -> Self {
        Self {
            next_hop: next_hop.to_owned(),
            hosts: Vec::new(),
            oldest_at_may: TlsVersion::Tls10,
            oldest_above: TlsVersion::Tls10,
        }
    }

    /// Whether `after` asks for less than `before`, or for something else;
    /// `None` stands for a line that Postfix rejects.
    pub(crate) fn is_weaker(
        &self,
        after: Option<&PolicyLine>,
        before: Option<&PolicyLine>,
    ) -> bool {
        if after == before {
            return false;
        }
        // Nothing is known of any host.
        let unknown = [DaneMeaning::Unknown];
        let hosts = match self.hosts.as_slice() {
            [] => &unknown,
            hosts => hosts,
        };
        hosts
            .iter()
            .any(|meaning| self.is_weaker_at(*meaning, after, before))
    }

    /// Whether `one` asks for more than `other`, and the two can be compared.
    pub(crate) fn is_stricter(&self, one: Option<&PolicyLine>, other: Option<&PolicyLine>) -> bool {
        self.is_weaker(other, one) && !self.is_weaker(one, other)
    }

    fn is_weaker_at(
        &self,
        meaning: DaneMeaning,
        after: Option<&PolicyLine>,
        before: Option<&PolicyLine>,
    ) -> bool {
        use SecurityLevel::{Dane, DaneOnly};
        let rank_before = rank(before, meaning, Side::Before);
        let mut rank_after = rank(after, meaning, Side::After);
        let (Some(after), Some(before)) = (after, before) else {
            return rank_after < rank_before;
        };
        // `dane` means the same in both.
        let both_dane = [after.level, before.level]
            .iter()
            .all(|level| matches!(level, Dane | DaneOnly));
        if both_dane && rank_before != Rank::Stopped && rank_after != Rank::Stopped {
            if (before.level, after.level) == (DaneOnly, Dane) {
                return true;
            }
            rank_after = rank_before;
        }
        if rank_after != rank_before {
            return rank_after < rank_before;
        }
        match rank_before {
            Rank::Plain | Rank::Stopped => false,
            // No handshake succeeded before: any TLS is more.
            Rank::Opportunistic if before.late_fault.is_some() => false,
            Rank::Opportunistic if after.late_fault.is_some() => true,
            Rank::Opportunistic | Rank::Encrypted => {
                self.takes_other_tls(rank_before, after, before)
            }
            Rank::Proven => {
                self.takes_other_tls(rank_before, after, before)
                    || !both_dane
                        && (after.server_name != before.server_name
                            || !self.proof(after).is_within(&self.proof(before)))
            }
        }
    }

    /// Whether a session passes now that did not pass before.
    fn takes_other_tls(&self, rank: Rank, after: &PolicyLine, before: &PolicyLine) -> bool {
        let (old, new) = (self.versions(rank, before), self.versions(rank, after));
        let grade = |line: &PolicyLine| line.ciphers.unwrap_or(CipherGrade::Medium);
        let still_excluded = before.exclusions.iter().all(|excluded| {
            let mut now = after.exclusions.iter();
            now.any(|other| other.eq_ignore_ascii_case(excluded))
        });
        new.iter().any(|version| !old.contains(version))
            || grade(after) < grade(before)
            || !still_excluded
    }

    /// The TLS versions that a line accepts. Which of main.cf's lists counts
    /// depends on the meaning of `dane` (`set_cipher_grade`).
    fn versions(&self, rank: Rank, line: &PolicyLine) -> Vec<TlsVersion> {
        let of_main_cf = match rank {
            Rank::Plain | Rank::Opportunistic => self.oldest_at_may,
            Rank::Encrypted | Rank::Proven | Rank::Stopped => self.oldest_above,
        };
        line.protocols.clone().unwrap_or_else(|| {
            let all = TlsVersion::ALL.into_iter();
            all.filter(|version| *version >= of_main_cf).collect()
        })
    }

    fn proof<'l>(&self, line: &'l PolicyLine) -> Proof<'l> {
        match line.level {
            SecurityLevel::Fingerprint => {
                Proof::Pins(line.matches.iter().map(|pin| bare_pin(pin)).collect())
            }
            SecurityLevel::Verify | SecurityLevel::Secure => {
                let default: &[&str] = match line.level {
                    SecurityLevel::Verify => &["hostname"],
                    _ => &["nexthop", "dot-nexthop"],
                };
                let items: Vec<&str> = match line.matches.as_slice() {
                    [] => default.to_vec(),
                    given => given.iter().map(String::as_str).collect(),
                };
                Proof::Authority {
                    names: items.into_iter().map(|item| self.name(item)).collect(),
                    anchors: &line.trust_anchors,
                    patterns: &line.mx_patterns,
                }
            }
            _ => Proof::Tlsa,
        }
    }

    fn name(&self, item: &str) -> Name {
        match item.to_ascii_lowercase().as_str() {
            "hostname" => Name::MxHost,
            "nexthop" => Name::Exact(self.next_hop.to_ascii_lowercase()),
            "dot-nexthop" => Name::Below(self.next_hop.to_ascii_lowercase()),
            name => match name.strip_prefix('.') {
                Some(domain) => Name::Below(domain.to_owned()),
                None => Name::Exact(name.to_owned()),
            },
        }
    }
}

fn rank(line: Option<&PolicyLine>, meaning: DaneMeaning, side: Side) -> Rank {
    let Some(line) = line else {
        return Rank::Stopped;
    };
    let rank = match line.level {
        SecurityLevel::None => Rank::Plain,
        SecurityLevel::May => Rank::Opportunistic,
        SecurityLevel::Encrypt => Rank::Encrypted,
        SecurityLevel::Fingerprint
        | SecurityLevel::Verify
        | SecurityLevel::Secure
        | SecurityLevel::DaneOnly => Rank::Proven,
        SecurityLevel::Dane => match (meaning, side) {
            (DaneMeaning::Proof, _)
            | (
                DaneMeaning::UnsecuredProof
                | DaneMeaning::Unknown
                | DaneMeaning::EncryptWithCertificate,
                Side::Before,
            ) => Rank::Proven,
            (DaneMeaning::Encrypt, _) | (DaneMeaning::EncryptWithCertificate, Side::After) => {
                Rank::Encrypted
            }
            (DaneMeaning::May, _)
            | (DaneMeaning::UnsecuredProof | DaneMeaning::Unknown, Side::After) => {
                Rank::Opportunistic
            }
        },
    };
    if line.late_fault.is_some() && rank > Rank::Opportunistic {
        Rank::Stopped
    } else {
        rank
    }
}

/// How a server proves who it is.
enum Proof<'l> {
    Tlsa,
    /// One of these pins; empty if main.cf has them.
    Pins(Vec<String>),
    /// A certificate with one of these names, from the trust store, or from
    /// these anchors if there are any.
    Authority {
        names: Vec<Name>,
        anchors: &'l [String],
        patterns: &'l [String],
    },
}

/// A name that a certificate may have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// Any name that DNS gives the MX host.
    MxHost,
    Exact(String),
    /// Any name below this domain.
    Below(String),
}

impl Proof<'_> {
    /// Whether the other accepts everything that this one accepts.
    fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tlsa, Self::Tlsa) => true,
            (Self::Pins(new), Self::Pins(old)) => {
                new.is_empty() == old.is_empty() && new.iter().all(|pin| old.contains(pin))
            }
            (
                Self::Authority {
                    names,
                    anchors,
                    patterns,
                },
                Self::Authority {
                    names: old,
                    anchors: old_anchors,
                    patterns: old_patterns,
                },
            ) => {
                names
                    .iter()
                    .all(|name| old.iter().any(|other| other.covers(name)))
                    && anchors.is_empty() == old_anchors.is_empty()
                    && anchors.iter().all(|anchor| old_anchors.contains(anchor))
                    && (old_patterns.is_empty() || !patterns.is_empty())
                    && patterns
                        .iter()
                        .all(|one| old_patterns.is_empty() || old_patterns.contains(one))
            }
            _ => false,
        }
    }
}

impl Name {
    fn covers(&self, other: &Self) -> bool {
        let is_below = |name: &str, domain: &str| {
            name.strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        match (self, other) {
            // An attacker who forges DNS can make it name any host.
            (Self::MxHost, _) => true,
            (Self::Exact(one), Self::Exact(two)) => one == two,
            (Self::Below(domain), Self::Exact(name)) => is_below(name, domain),
            (Self::Below(domain), Self::Below(two)) => domain == two || is_below(two, domain),
            (Self::Exact(_), Self::MxHost | Self::Below(_)) | (Self::Below(_), Self::MxHost) => {
                false
            }
        }
    }
}

fn bare_pin(pin: &str) -> String {
    let digits = pin.chars().filter(|c| *c != ':');
    digits.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(hosts: &[DaneMeaning]) -> Comparison {
        Comparison {
            hosts: hosts.to_vec(),
            ..Comparison::unseen("example.com")
        }
    }

    fn weaker(meaning: DaneMeaning, after: &str, before: &str) -> bool {
        let read = |text: &str| PolicyLine::parse(text, None).ok();
        comparison(&[meaning]).is_weaker(read(after).as_ref(), read(before).as_ref())
    }

    /// `before > after`, and not the other way round.
    #[test]
    fn what_asks_for_less_is_weaker() {
        use DaneMeaning::{Encrypt, May, Proof, Unknown, UnsecuredProof};
        for (meaning, before, after) in [
            (May, "may", "none"),
            (May, "encrypt", "may"),
            (May, "verify", "encrypt"),
            (May, "secure", "verify"),
            (May, "secure match=mx1.example.com", "verify"),
            (May, "encrypt", "dane"),
            (May, "dane-only", "dane"),
            (Proof, "dane-only", "dane"),
            (Proof, "dane", "encrypt"),
            (Encrypt, "verify", "dane"),
            (Encrypt, "dane", "may"),
            (UnsecuredProof, "dane-only", "encrypt"),
            // Postfix takes none of them.
            (May, "secure mach=x", "secure match=x"),
            (May, "encrpyt", "dane-only"),
            (Unknown, "encrypt protocols=TLSv9", "fingerprint match=AA"),
            (Unknown, "", "none"),
            // The same level, and it asks for less.
            (
                May,
                "secure match=mx1.example.com",
                "secure match=mx1.example.com:mx2.example.com",
            ),
            (
                May,
                "secure match=mx1.example.com",
                "secure match=.example.com",
            ),
            (
                May,
                "secure match=.a.example.com",
                "secure match=.example.com",
            ),
            (
                May,
                "secure match=example.com",
                "secure match=nexthop:dot-nexthop",
            ),
            (May, "verify match=mx1.example.com", "verify"),
            (
                May,
                "fingerprint match=AA:BB",
                "fingerprint match=AA:BB|CC:DD",
            ),
            (May, "encrypt", "encrypt exclude=eNULL ciphers=low"),
            (May, "encrypt exclude=3DES:RC4", "encrypt exclude=rc4"),
            (May, "encrypt ciphers=high", "encrypt"),
            (May, "encrypt protocols=>=TLSv1.2", "encrypt"),
            (
                May,
                "encrypt protocols=TLSv1.3",
                "encrypt protocols=TLSv1.2:TLSv1.3",
            ),
            (Proof, "dane protocols=>=TLSv1.3", "dane"),
            (Unknown, "dane protocols=>=TLSv1.3", "dane"),
            (May, "may", "may protocols=TLSv9"),
            (
                May,
                "secure match=a.example policy_type=sts mx_host_pattern=*.x",
                "secure match=a.example",
            ),
        ] {
            assert!(
                weaker(meaning, after, before),
                "{meaning:?} {before} > {after}"
            );
            let other_way = weaker(meaning, before, after);
            // Exclusions and grades differ at once in one of them.
            let both = after.contains("exclude=eNULL");
            assert!(!other_way || both, "{meaning:?} {after} >= {before}");
        }
    }

    #[test]
    fn different_proofs_are_each_weaker_than_the_other() {
        use DaneMeaning::{May, Proof};
        for (meaning, one, other) in [
            (Proof, "dane", "secure match=mx1.example.com"),
            (Proof, "dane-only", "fingerprint match=AA"),
            (May, "dane-only", "verify"),
            (May, "fingerprint match=AA", "secure"),
            (May, "fingerprint match=AA", "fingerprint match=BB"),
            (May, "secure match=a.example", "secure match=b.example"),
            (May, "secure", "secure servername=hostname"),
            (May, "secure tafile=/a", "secure"),
            (May, "secure tafile=/a", "secure tafile=/b"),
            (
                May,
                "fingerprint match=AA servername=a.example",
                "fingerprint match=AA",
            ),
        ] {
            assert!(weaker(meaning, one, other), "{one} after {other}");
            assert!(weaker(meaning, other, one), "{other} after {one}");
        }
    }

    #[test]
    fn what_asks_for_the_same_is_not_weaker() {
        use DaneMeaning::{Encrypt, May, Proof, Unknown};
        for (meaning, one, other) in [
            (May, "dane", "may"),
            (Encrypt, "dane", "encrypt"),
            (Unknown, "dane", "dane connection_reuse=yes"),
            (Proof, "dane", "dane servername=hostname"),
            (May, "secure", "secure match=nexthop:dot-nexthop"),
            (May, "secure match=hostname", "verify"),
            (
                May,
                "secure match=MX1.example.com",
                "secure match=mx1.example.com",
            ),
            (May, "fingerprint match=AA:BB", "fingerprint match=aabb"),
            (May, "encrypt", "encrypt protocols="),
            (May, "encrypt", "encrypt servername=hostname"),
            (May, "encrypt", "encrypt ciphers=medium connection_reuse=no"),
            (May, "none", "none match=x"),
        ] {
            assert!(!weaker(meaning, one, other), "{one} after {other}");
            assert!(!weaker(meaning, other, one), "{other} after {one}");
        }
    }

    /// What is unknown counts as the worse case on either side.
    #[test]
    fn an_unknown_dane_is_a_proof_before_and_may_after() {
        for meaning in [DaneMeaning::Unknown, DaneMeaning::UnsecuredProof] {
            assert!(weaker(meaning, "encrypt", "dane"));
            assert!(weaker(meaning, "dane", "encrypt"));
            assert!(!weaker(meaning, "dane", "may"));
            assert!(!weaker(meaning, "dane", "dane"));
        }
        let read = |text: &str| PolicyLine::parse(text, None).ok();
        let nothing_seen = comparison(&[]);
        assert!(nothing_seen.is_weaker(read("dane").as_ref(), read("encrypt").as_ref()));
    }

    #[test]
    fn the_weakest_host_decides() {
        let read = |text: &str| PolicyLine::parse(text, None).ok();
        let partial = comparison(&[DaneMeaning::Proof, DaneMeaning::May]);
        let (dane, encrypt) = (read("dane"), read("encrypt"));
        assert!(partial.is_weaker(dane.as_ref(), encrypt.as_ref()));
        assert!(partial.is_weaker(encrypt.as_ref(), dane.as_ref()));
        assert!(partial.is_stricter(dane.as_ref(), read("may").as_ref()));
        assert!(!partial.is_stricter(dane.as_ref(), encrypt.as_ref()));
    }
}
