//! Zones with more keys, signatures, DS records and denials than a validator
//! can try: KeyTrap (CVE-2023-50387), its kin with NSEC3 (CVE-2023-50868), and
//! siblings of both that stand in no list.

use danecheck_world::dns::{ResolverKind, Rtype, Surplus, SurplusKey, Zone, ZoneFault};
use danecheck_world::smtp::MailServer;

use crate::cases::{Case, Word};
use crate::ground::{DOMAIN, Ground};

/// The largest public exponent that ring computes with.
const LARGE_EXPONENT: u64 = (1 << 33) - 1;

/// MX hosts of a domain that has many: as many as are checked.
const HOSTS: u8 = 20;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = at_mx();
    all.extend(at_keys());
    all.extend(at_hosts());
    all.extend(at_denials());
    all
}

fn rsa(bits: usize, exponent: u64) -> SurplusKey {
    SurplusKey::Rsa {
        modulus: bits / 8,
        exponent,
    }
}

fn surplus(key: SurplusKey, keys: usize, signatures: usize) -> Surplus {
    Surplus {
        key,
        keys,
        signatures,
        ..Surplus::default()
    }
}

/// A domain of one healthy host, whose zone is made over. All is left to own
/// validation, and no downgrade may come of it.
fn case(name: &'static str, set: impl Fn(&mut Ground) + Send + Sync + 'static) -> Case {
    Case::new(name, move |ground| {
        ground.resolver = ResolverKind::NotValidating;
        set(ground);
    })
    .without_rest()
    .costing_work()
    .word(Word::NotInsecure)
}

/// The MX records, of which no signature holds.
fn mx(name: &'static str, key: SurplusKey, keys: usize, signatures: usize) -> Case {
    case(name, move |ground| {
        ground.healthy();
        let surplus = surplus(key, keys, signatures).over("@", Rtype::MX);
        ground.zone(|zone| {
            zone.surplus(surplus)
                .with(ZoneFault::SignatureMissing { on: Rtype::MX })
        });
    })
    .word(Word::NotClear)
}

fn at_mx() -> Vec<Case> {
    let p256 = SurplusKey::EcdsaP256;
    vec![
        mx("keytrap-100-keys-100-signatures", p256, 100, 100),
        mx("keytrap-440-keys-420-signatures", p256, 440, 420),
        mx("keytrap-rsa-2048", rsa(2048, 65_537), 100, 100),
        mx("keytrap-rsa-4096", rsa(4096, LARGE_EXPONENT), 100, 100),
        // Longer than RFC 3110 has it: nobody here computes with such keys.
        mx("keytrap-rsa-8192", rsa(8192, LARGE_EXPONENT), 55, 55),
        mx("keytrap-p384", SurplusKey::EcdsaP384, 200, 200),
        mx("keytrap-ed25519", SurplusKey::Ed25519, 400, 400),
        // One key, and signatures of which the last one holds.
        case("keytrap-100-signatures", |ground| {
            ground.healthy();
            let surplus = Surplus {
                own_tag: true,
                ..surplus(SurplusKey::EcdsaP256, 0, 420)
            };
            ground.zone(|zone| zone.surplus(surplus.over("@", Rtype::MX)));
        }),
        // One signature, and keys of which one made it.
        case("keytrap-100-keys", |ground| {
            ground.healthy();
            let surplus = Surplus {
                own_tag: true,
                ..surplus(SurplusKey::EcdsaP256, 440, 0)
            };
            ground.zone(|zone| zone.surplus(surplus));
        }),
        // Behind a resolver that validates, and says only that it is bogus.
        Case::new("keytrap-behind-a-validating-resolver", |ground| {
            ground.healthy();
            let surplus = surplus(SurplusKey::EcdsaP256, 100, 100).over("@", Rtype::MX);
            ground.zone(|zone| {
                zone.surplus(surplus)
                    .with(ZoneFault::SignatureMissing { on: Rtype::MX })
            });
        })
        .without_rest()
        .costing_work()
        .word(Word::NotInsecure)
        .word(Word::NotClear),
        malformed("dnskey-of-no-bytes", &[]),
        malformed("dnskey-of-an-empty-exponent", &[0, 0, 0]),
        malformed("dnskey-of-a-cut-length", &[0]),
        malformed("dnskey-without-modulus", &[3, 1, 0, 1]),
    ]
}

/// The MX records are signed by what is not a key.
fn malformed(name: &'static str, key: &'static [u8]) -> Case {
    mx(name, SurplusKey::Malformed(key), 1, 1)
}

/// A domain that lies so many zones below its own, each made over by `each`.
fn chain(ground: &mut Ground, zones: usize, each: impl Fn(Zone) -> Zone) {
    let mut apex = DOMAIN.to_owned();
    ground.zone(&each);
    for number in 1..zones {
        apex = format!("z{number}.{apex}");
        ground
            .more_zones
            .push(each(Zone::signed(&format!("{apex}."))));
    }
    let name = format!("mx.{apex}");
    let identity = ground
        .root
        .issue(danecheck_world::pki::Leaf::new([name.clone()]));
    ground.records(&format!("@ MX 10 {name}."));
    let (address, port) = (ground.address(100), ground.port);
    let hosts = |zone: Zone| {
        zone.a("mx", address)
            .tlsa(&format!("_{port}._tcp.mx"), &identity.tlsa(3, 1, 1))
    };
    match ground.more_zones.pop() {
        Some(last) => ground.more_zones.push(hosts(last)),
        None => ground.zone(hosts),
    }
    ground.server(100, MailServer::new(identity));
}

fn at_keys() -> Vec<Case> {
    let everywhere = |surplus: Surplus| {
        [Rtype::DNSKEY, Rtype::DS, Rtype::MX, Rtype::A, Rtype::TLSA]
            .into_iter()
            .fold(surplus, |surplus, rtype| surplus.over("*", rtype))
    };
    vec![
        case("keytrap-through-five-zones", move |ground| {
            chain(ground, 5, |zone| {
                zone.surplus(everywhere(Surplus {
                    own_tag: true,
                    ..surplus(SurplusKey::EcdsaP256, 100, 100)
                }))
            });
        }),
        case("keytrap-at-the-end-of-five-zones", move |ground| {
            chain(ground, 5, |zone| {
                let surplus = surplus(SurplusKey::EcdsaP256, 100, 100);
                zone.surplus(surplus.over("*", Rtype::A).over("*", Rtype::TLSA))
                    .with(ZoneFault::SignatureMissing { on: Rtype::TLSA })
            });
        })
        .word(Word::NotClear),
        case("keytrap-through-forty-zones", move |ground| {
            chain(ground, 40, |zone| {
                zone.surplus(everywhere(Surplus {
                    own_tag: true,
                    ..surplus(SurplusKey::EcdsaP256, 30, 30)
                }))
            });
        }),
        // Each key has a DS record, and no signature over the keys holds.
        case("keytrap-at-the-keys", |ground| {
            ground.healthy();
            let surplus = Surplus {
                ds: 100,
                ..surplus(SurplusKey::EcdsaP256, 100, 100).over("@", Rtype::DNSKEY)
            };
            ground.zone(|zone| {
                zone.surplus(surplus)
                    .with(ZoneFault::SignatureMissing { on: Rtype::DNSKEY })
            });
        })
        .word(Word::NotClear),
        case("keytrap-at-rsa-keys", |ground| {
            ground.healthy();
            let surplus = Surplus {
                ds: 55,
                ..surplus(rsa(4096, LARGE_EXPONENT), 55, 55).over("@", Rtype::DNSKEY)
            };
            ground.zone(|zone| {
                zone.surplus(surplus)
                    .with(ZoneFault::SignatureMissing { on: Rtype::DNSKEY })
            });
        })
        .word(Word::NotClear),
        case("ds-records-of-no-key", |ground| {
            ground.healthy();
            let surplus = Surplus {
                own_tag: true,
                ds: 440,
                wrong_ds: true,
                ..surplus(SurplusKey::EcdsaP256, 400, 0)
            };
            ground.zone(|zone| zone.surplus(surplus));
        }),
        case("twenty-five-wrong-ds-records", |ground| {
            ground.healthy();
            let surplus = Surplus {
                own_tag: true,
                ds: 25,
                wrong_ds: true,
                ..Surplus::default()
            };
            ground.zone(|zone| zone.surplus(surplus));
        }),
    ]
}

/// As many MX hosts as are checked, each with an address and a server.
fn many_hosts(ground: &mut Ground) {
    for number in 0..HOSTS {
        let name = format!("mx{number}");
        let identity = ground.identity(&name);
        ground.host(&name, 100 + number, identity, []);
    }
}

fn at_hosts() -> Vec<Case> {
    vec![
        case("keytrap-at-twenty-hosts", |ground| {
            many_hosts(ground);
            let surplus = surplus(SurplusKey::EcdsaP256, 100, 100)
                .over("*", Rtype::A)
                .over("*", Rtype::AAAA)
                .over("*", Rtype::TLSA)
                .over("*", Rtype::NSEC);
            ground.zone(|zone| {
                zone.surplus(surplus)
                    .with(ZoneFault::SignatureMissing { on: Rtype::TLSA })
            });
        })
        .word(Word::NotClear),
        // Ten aliases, each signed too often, to each of the hosts' records.
        case("keytrap-at-aliases", |ground| {
            many_hosts(ground);
            let port = ground.port;
            for host in 0..HOSTS {
                let mut text = format!("@ MX 5 al{host}\nal{host} CNAME al{host}-1\n");
                for number in 1..9 {
                    let next = number + 1;
                    text.push_str(&format!("al{host}-{number} CNAME al{host}-{next}\n"));
                }
                text.push_str(&format!("al{host}-9 CNAME mx{host}\n"));
                text.push_str(&format!("_{port}._tcp.al{host} CNAME al{host}\n"));
                ground.records(&text);
            }
            let surplus = Surplus {
                own_tag: true,
                ..surplus(SurplusKey::EcdsaP256, 100, 45).over("*", Rtype::CNAME)
            };
            ground.zone(|zone| zone.surplus(surplus));
        }),
        // A healthy host beside one whose records are signed too often.
        case("keytrap-beside-a-healthy-host", |ground| {
            let identity = ground.identity("bad");
            ground.host("bad", 100, identity, []);
            let tlsa = format!("_{}._tcp.bad", ground.port);
            let surplus = surplus(SurplusKey::EcdsaP256, 100, 100)
                .over("bad", Rtype::A)
                .over(&tlsa, Rtype::TLSA);
            ground.zone(|zone| zone.surplus(surplus));
            ground.healthy();
        }),
    ]
}

/// Host names of over a hundred labels.
fn long_names(ground: &mut Ground, wildcard: bool) {
    let labels = "a.".repeat(105);
    // The name servers here hash them too.
    for number in 0..5 {
        ground.records(&format!("@ MX 10 h{number}.{labels}{DOMAIN}."));
    }
    if wildcard {
        let address = ground.address(100);
        ground.records(&format!("* A {address}"));
        let identity = ground.identity("bad");
        ground.server(100, MailServer::new(identity));
    }
    // What the denials are taken from.
    for number in 0..450 {
        ground.records(&format!("n{number} A 192.0.2.1"));
    }
}

/// A few hosts that nothing is known of.
fn many_hosts_without_records(ground: &mut Ground) {
    for number in 0..4 {
        ground.records(&format!("@ MX 10 mx{number}"));
    }
    for number in 0..450 {
        ground.records(&format!("n{number} A 192.0.2.1"));
    }
}

fn denials(count: usize) -> Surplus {
    Surplus {
        denials: count,
        ..Surplus::default()
    }
}

fn at_denials() -> Vec<Case> {
    let signed_too_often = |name, rtype: Rtype, nsec3: bool| {
        case(name, move |ground| {
            for number in 0..HOSTS {
                let host = format!("mx{number}");
                let address = ground.address(100 + number);
                ground.records(&format!("@ MX 10 {host}\n{host} A {address}"));
                let identity = ground.identity(&host);
                ground.server(100 + number, MailServer::new(identity));
            }
            let surplus = surplus(SurplusKey::EcdsaP256, 100, 100)
                .over("*", rtype)
                .over("*", Rtype::SOA);
            ground.zone(|zone| {
                let zone = zone
                    .surplus(surplus)
                    .with(ZoneFault::SignatureMissing { on: rtype });
                if nsec3 { zone.nsec3(0, false) } else { zone }
            });
        })
        .word(Word::NotClear)
    };
    vec![
        signed_too_often("keytrap-at-nsec", Rtype::NSEC, false),
        signed_too_often("keytrap-at-nsec3", Rtype::NSEC3, true),
        case("nsec3-of-long-names", |ground| {
            long_names(ground, false);
            ground.zone(|zone| zone.nsec3(150, false).surplus(denials(4)));
        })
        .word(Word::NotClear),
        case("nsec3-of-long-names-from-a-wildcard", |ground| {
            long_names(ground, true);
            ground.zone(|zone| zone.nsec3(150, false).surplus(denials(4)));
        })
        .word(Word::NotClear),
        case("nsec3-of-long-names-with-a-long-salt", |ground| {
            long_names(ground, true);
            ground.zone(|zone| zone.nsec3_salted(150, 255).surplus(denials(4)));
        })
        .word(Word::NotClear),
        // Past the bound of RFC 9276 a zone is insecure, which is its own wish.
        case("nsec3-of-long-names-past-the-bound", |ground| {
            long_names(ground, true);
            ground.zone(|zone| zone.nsec3(2500, false).surplus(denials(4)));
        })
        .word(Word::NotClear)
        .any_status(),
        case("nsec3-of-60-kilobytes", |ground| {
            many_hosts_without_records(ground);
            ground.zone(|zone| zone.nsec3(150, false).surplus(denials(240)));
        })
        .word(Word::NotClear),
    ]
}
