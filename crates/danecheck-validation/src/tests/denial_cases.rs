//! Denials made by hand, by NSEC and by NSEC3.

use domain::base::Rtype;

use super::cases::{Case, EVILS_TLSA, TLSA, case};
use super::tree::{Tree, rr};
use danecheck_core::dnssec::SecurityStatus::{Bogus, Insecure, Secure};

pub(super) fn denials(tree: &Tree) -> Vec<Case> {
    let (victim, evil) = (tree.zone("victim.test."), tree.zone("evil.test."));
    let (test, child) = (tree.zone("test."), tree.zone("child.victim.test."));
    let here = || victim.nsec("_25._tcp.mx.victim.test.", "n.victim.test.", &[Rtype::A]);
    let gap = || victim.nsec("_24._tcp.mx.victim.test.", "n.victim.test.", &[Rtype::A]);
    let wild = || victim.nsec("mx.victim.test.", "_tcp.mx.victim.test.", &[Rtype::A]);
    let tcp = ("_tcp.mx.victim.test.", Rtype::TLSA);
    let below = || victim.nsec("mx.victim.test.", "_25._tcp.mx.victim.test.", &[Rtype::A]);
    vec![
        case("no data", TLSA, [], Secure).proof([victim.soa(), here()]),
        case("no data without SOA", TLSA, [], Secure).proof([here()]),
        case("no data, and the type is there", TLSA, [], Bogus).proof([
            victim.soa(),
            victim.nsec("_25._tcp.mx.victim.test.", "n.victim.test.", &[Rtype::TLSA]),
        ]),
        case("no data, and an alias is there", TLSA, [], Bogus).proof([
            victim.soa(),
            victim.nsec(
                "_25._tcp.mx.victim.test.",
                "n.victim.test.",
                &[Rtype::CNAME],
            ),
        ]),
        case("no data, said to be no name", TLSA, [], Secure)
            .proof([victim.soa(), here()])
            .nx(),
        case("no data under an empty name", tcp, [], Secure).proof([victim.soa(), below()]),
        case(
            "no data under an empty name, said to be no name",
            tcp,
            [],
            Secure,
        )
        .proof([victim.soa(), below()])
        .nx(),
        case("no data, unsigned SOA", TLSA, [], Bogus)
            .proof([vec![rr("victim.test. 300 SOA ns. host. 1 2 3 4 5")], here()])
            .because("victim.test. SOA has no signature"),
        case("no data with another zone's SOA", TLSA, [], Bogus).proof([evil.soa(), here()]),
        case("nothing but SOA", TLSA, [], Bogus)
            .proof([victim.soa()])
            .because("does not prove"),
        case("nothing at all", TLSA, [], Bogus).because("does not prove"),
        case(
            "nothing at all in an unsigned zone",
            ("plain.test.", Rtype::MX),
            [],
            Insecure,
        ),
        case("no name", TLSA, [], Secure).nx().proof([
            victim.soa(),
            gap(),
            victim.nsec(
                "_tcp.mx.victim.test.",
                "_24._tcp.mx.victim.test.",
                &[Rtype::A],
            ),
        ]),
        case("no name, without the wildcard's denial", TLSA, [], Bogus)
            .nx()
            .proof([victim.soa(), gap()]),
        case("no name, without NXDOMAIN", TLSA, [], Bogus).proof([victim.soa(), gap(), wild()]),
        case("a gap of another zone", TLSA, [], Bogus).nx().proof([
            evil.soa(),
            evil.nsec("a.evil.test.", "z.evil.test.", &[Rtype::A]),
        ]),
        case("a gap of the zone above", TLSA, [], Bogus)
            .nx()
            .proof([
                test.soa(),
                test.nsec("victim.test.", "w.test.", &[Rtype::NS, Rtype::DS]),
            ]),
        case(
            "the apex of the child for the parent's name",
            ("child.victim.test.", Rtype::DS),
            [],
            Bogus,
        )
        .proof([child.nsec(
            "child.victim.test.",
            "a.child.victim.test.",
            &[Rtype::SOA, Rtype::NS],
        )]),
        case("no DS below", ("plain.victim.test.", Rtype::DS), [], Secure).proof([victim.nsec(
            "plain.victim.test.",
            "q.victim.test.",
            &[Rtype::NS],
        )]),
        case(
            "below a delegation without DS",
            ("a.plain.victim.test.", Rtype::A),
            [],
            Insecure,
        )
        .proof([victim.nsec("plain.victim.test.", "q.victim.test.", &[Rtype::NS])]),
        case(
            "no data, and another's TLSA in the answer",
            TLSA,
            [evil.set(&[EVILS_TLSA])],
            Secure,
        )
        .proof([victim.soa(), here()]),
        case("a wildcard without the type", TLSA, [], Secure).proof([
            victim.soa(),
            gap(),
            victim.nsec(
                "*._tcp.mx.victim.test.",
                "_24._tcp.mx.victim.test.",
                &[Rtype::A],
            ),
        ]),
        case("a wildcard with the type", TLSA, [], Bogus).proof([
            victim.soa(),
            gap(),
            victim.nsec(
                "*._tcp.mx.victim.test.",
                "_24._tcp.mx.victim.test.",
                &[Rtype::TLSA],
            ),
        ]),
        case(
            "the last gap of the zone",
            ("z.victim.test.", Rtype::A),
            [],
            Secure,
        )
        .nx()
        .proof([
            victim.nsec("y.victim.test.", "victim.test.", &[Rtype::A]),
            victim.nsec("victim.test.", "a.victim.test.", &[Rtype::SOA, Rtype::NS]),
        ]),
        case(
            "a gap that leads out of the zone",
            ("z.victim.test.", Rtype::A),
            [],
            Bogus,
        )
        .nx()
        .proof([
            victim.nsec("y.victim.test.", "zz.test.", &[Rtype::A]),
            victim.nsec("victim.test.", "a.victim.test.", &[Rtype::SOA, Rtype::NS]),
        ]),
    ]
}

pub(super) fn hashed_denials(tree: &Tree) -> Vec<Case> {
    let (zone, evil) = (tree.zone("hashed.test."), tree.zone("evil.test."));
    let at = ("_25._tcp.mx.hashed.test.", Rtype::TLSA);
    let here = |how| zone.nsec3("_25._tcp.mx.hashed.test.", false, &[Rtype::A], how);
    let mx = |how| zone.nsec3("mx.hashed.test.", false, &[Rtype::A], how);
    let closer = |how| zone.nsec3("_tcp.mx.hashed.test.", true, &[Rtype::A], how);
    let wild = |how| zone.nsec3("*.mx.hashed.test.", true, &[Rtype::A], how);
    let plain = (0, 0);
    let out = (0, 1);
    vec![
        case("no data", at, [], Secure).proof([zone.soa(), here(plain)]),
        case("no data without SOA", at, [], Secure).proof([here(plain)]),
        case("no data, said to be no name", at, [], Bogus)
            .proof([here(plain)])
            .nx(),
        case("no name", at, [], Secure)
            .proof([zone.soa(), mx(plain), closer(plain), wild(plain)])
            .nx(),
        case("no name, without closest encloser", at, [], Bogus)
            .proof([closer(plain), wild(plain)])
            .nx(),
        case("no name, without the wildcard's denial", at, [], Bogus)
            .proof([mx(plain), closer(plain)])
            .nx(),
        case("no name, without NXDOMAIN", at, [], Bogus).proof([
            mx(plain),
            closer(plain),
            wild(plain),
        ]),
        case("150 iterations", at, [], Secure).proof([here((150, 0))]),
        case("151 iterations", at, [], Insecure)
            .proof([here((151, 0))])
            .because("151 times"),
        case("600 iterations beside others", at, [], Insecure)
            .proof([here((0, 0)), wild((600, 0))]),
        // Another zone's excuse is none.
        case("a foreign NSEC3 past the limit", at, [], Bogus).proof([evil.nsec3(
            "a.evil.test.",
            false,
            &[Rtype::A],
            (600, 0),
        )]),
        case(
            "a foreign NSEC3 past the limit beside NXDOMAIN",
            at,
            [],
            Bogus,
        )
        .proof([
            evil.soa(),
            evil.nsec3("a.evil.test.", true, &[Rtype::A], (600, 0)),
        ])
        .nx(),
        case("a foreign NSEC3 with opt-out", at, [], Bogus).proof([
            evil.nsec3("evil.test.", false, &[Rtype::SOA], out),
            evil.nsec3("a.evil.test.", true, &[Rtype::A], out),
        ]),
        case(
            "a wildcard with a foreign NSEC3 past the limit",
            ("x.hashed.test.", Rtype::A),
            [zone.expanded("x.hashed.test. 300 A 192.0.2.1", 2)],
            Bogus,
        )
        .proof([evil.nsec3("a.evil.test.", false, &[Rtype::A], (600, 0))])
        .shows(1),
        // Opt-out (RFC 5155, erratum 3441).
        case("no data under opt-out", at, [], Insecure).proof([mx(out), closer(out)]),
        case(
            "no data under opt-out without closest encloser",
            at,
            [],
            Bogus,
        )
        .proof([closer(out)]),
        case("no name under opt-out", at, [], Insecure)
            .proof([mx(out), closer(out), wild(out)])
            .nx(),
        case(
            "a wildcard under opt-out",
            ("x.hashed.test.", Rtype::A),
            [zone.expanded("x.hashed.test. 300 A 192.0.2.1", 2)],
            Insecure,
        )
        .proof([zone.nsec3("x.hashed.test.", true, &[Rtype::A], out)])
        .shows(1),
        case(
            "a wildcard",
            ("x.hashed.test.", Rtype::A),
            [zone.expanded("x.hashed.test. 300 A 192.0.2.1", 2)],
            Secure,
        )
        .proof([zone.nsec3("x.hashed.test.", true, &[Rtype::A], plain)])
        .shows(1),
        // RFC 5155 section 8.2: unknown flags say nothing.
        case("unknown flags", at, [], Bogus).proof([here((0, 2))]),
        case("all flags", at, [], Bogus).proof([here((0, 255))]),
        case("unknown flags and many iterations", at, [], Bogus).proof([here((600, 128))]),
        case("below a delegation", at, [], Insecure).proof([
            zone.nsec3("mx.hashed.test.", false, &[Rtype::NS], plain),
            closer(plain),
        ]),
        case("at a delegation with DS", at, [], Bogus).proof([zone.nsec3(
            "_25._tcp.mx.hashed.test.",
            false,
            &[Rtype::NS, Rtype::DS],
            plain,
        )]),
    ]
}
