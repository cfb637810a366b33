//! Answers made by hand with aliases in them.

use domain::base::Rtype;

use super::cases::{A, Case, EVILS_TLSA, MX, TLSA, case};
use super::tree::{Style, Tree, name, rr};
use danecheck_core::dnssec::SecurityStatus::{Bogus, Insecure, Secure};

/// Words of the reason where the answer is another name's.
const OUT_OF_SIGHT: &str = "records of another name";

pub(super) fn aliases(tree: &Tree) -> Vec<Case> {
    let (victim, evil) = (tree.zone("victim.test."), tree.zone("evil.test."));
    let from_evil = || evil.set(&["foo.evil.test. 300 CNAME _25._tcp.mx.evil.test."]);
    let dname = || victim.set(&["_tcp.mx.victim.test. 300 DNAME dane.victim.test."]);
    let made = || {
        vec![rr(
            "_25._tcp.mx.victim.test. 300 CNAME _25.dane.victim.test.",
        )]
    };
    let at_end = || victim.set(&["_25.dane.victim.test. 300 TLSA 3 1 1 cc"]);
    let to = |target: &str| vec![rr(&format!("_25._tcp.mx.victim.test. 300 CNAME {target}"))];
    let query = ("_25._tcp.mx.victim.test.", Rtype::CNAME);
    vec![
        // Another zone's signed alias answers nothing.
        case("a foreign alias, TLSA", TLSA, [from_evil()], Bogus).because(OUT_OF_SIGHT),
        case("a foreign alias, MX", MX, [from_evil()], Bogus).because(OUT_OF_SIGHT),
        case("a foreign alias, A", A, [from_evil()], Bogus).because(OUT_OF_SIGHT),
        case(
            "a foreign alias and its end",
            TLSA,
            [from_evil(), evil.set(&[EVILS_TLSA])],
            Bogus,
        )
        .because(OUT_OF_SIGHT),
        case("foreign TLSA", TLSA, [evil.set(&[EVILS_TLSA])], Bogus).because(OUT_OF_SIGHT),
        case(
            "foreign TLSA in an unsigned answer",
            ("_25._tcp.mx.plain.test.", Rtype::TLSA),
            [evil.set(&[EVILS_TLSA])],
            Insecure,
        ),
        case(
            "a second alias that does not start at the end of the first",
            TLSA,
            [
                victim.set(&["_25._tcp.mx.victim.test. 300 CNAME dane.victim.test."]),
                evil.set(&["x.evil.test. 300 CNAME _25._tcp.mx.evil.test."]),
                evil.set(&[EVILS_TLSA]),
            ],
            Secure,
        ),
        case(
            "an alias into another zone",
            TLSA,
            [
                victim.set(&["_25._tcp.mx.victim.test. 300 CNAME _25._tcp.mx.evil.test."]),
                evil.set(&[EVILS_TLSA]),
            ],
            Secure,
        )
        .shows(1),
        case(
            "an unsigned alias",
            TLSA,
            [to("_25._tcp.mx.evil.test."), evil.set(&[EVILS_TLSA])],
            Bogus,
        )
        .shows(1)
        .because("has no signature"),
        case(
            "an alias that another zone signs",
            TLSA,
            [
                evil.styled(
                    &to("_25._tcp.mx.evil.test."),
                    &Style {
                        signer: Some(name("victim.test.")),
                        ..Style::default()
                    },
                ),
                evil.set(&[EVILS_TLSA]),
            ],
            Bogus,
        )
        .shows(1),
        case(
            "an alias into an unsigned zone",
            TLSA,
            [
                victim.set(&["_25._tcp.mx.victim.test. 300 CNAME x.plain.test."]),
                vec![rr("x.plain.test. 300 TLSA 3 1 1 dd")],
            ],
            Insecure,
        )
        .shows(1),
        case(
            "aliases in a circle",
            A,
            [
                victim.set(&["mx.victim.test. 300 CNAME b.victim.test."]),
                victim.set(&["b.victim.test. 300 CNAME mx.victim.test."]),
            ],
            Secure,
        ),
        // The alias under a signed DNAME is the one that it makes.
        case("DNAME", TLSA, [dname(), made(), at_end()], Secure).shows(1),
        case("DNAME alone", TLSA, [dname()], Secure),
        case(
            "DNAME and an alias elsewhere",
            TLSA,
            [dname(), to("_25._tcp.mx.evil.test.")],
            Bogus,
        )
        .because("elsewhere than the DNAME of"),
        case(
            "DNAME, an alias elsewhere and its end",
            TLSA,
            [
                dname(),
                to("_25._tcp.mx.evil.test."),
                evil.set(&[EVILS_TLSA]),
            ],
            Bogus,
        )
        .shows(1)
        .because("elsewhere than the DNAME of"),
        case(
            "DNAME and an alias into an unsigned zone",
            TLSA,
            [
                dname(),
                to("x.plain.test."),
                vec![rr("x.plain.test. 300 TLSA 3 1 1 dd")],
            ],
            Bogus,
        )
        .shows(1)
        .because("elsewhere than the DNAME of"),
        case(
            "DNAME and an alias one label off",
            TLSA,
            [dname(), to("dane.victim.test.")],
            Bogus,
        )
        .because("elsewhere than the DNAME of"),
        case(
            "an unsigned DNAME",
            TLSA,
            [
                vec![rr("_tcp.mx.victim.test. 300 DNAME dane.victim.test.")],
                made(),
                at_end(),
            ],
            Bogus,
        )
        .shows(1),
        case(
            "another zone's DNAME",
            TLSA,
            [
                evil.set(&["mx.evil.test. 300 DNAME dane.victim.test."]),
                made(),
                at_end(),
            ],
            Bogus,
        )
        .shows(1),
        case(
            "the alias of a DNAME, asked for",
            query,
            [dname(), made()],
            Secure,
        )
        .shows(1),
        case(
            "another alias than that of a DNAME, asked for",
            query,
            [dname(), to("x.evil.test.")],
            Bogus,
        )
        .shows(1)
        .because("elsewhere than the DNAME of"),
        case(
            "the alias of a DNAME and NXDOMAIN",
            query,
            [dname(), made()],
            Bogus,
        )
        .nx()
        .shows(1),
        // Without the alias that it makes there is no answer.
        case(
            "a DNAME alone, its alias asked for",
            query,
            [dname()],
            Bogus,
        ),
        // A server goes on to the end, and may say that nothing is there.
        case(
            "the alias of a DNAME, and no alias at its end",
            query,
            [dname(), made()],
            Secure,
        )
        .proof([
            victim.soa(),
            victim.nsec("_25.dane.victim.test.", "e.victim.test.", &[Rtype::TLSA]),
        ])
        .shows(1),
        case(
            "the alias of a DNAME, and no name at its end",
            query,
            [dname(), made()],
            Secure,
        )
        .proof([
            victim.soa(),
            victim.nsec("c.victim.test.", "e.victim.test.", &[Rtype::A]),
            victim.nsec("victim.test.", "a.victim.test.", &[Rtype::SOA, Rtype::NS]),
        ])
        .nx()
        .shows(1),
        case(
            "the alias of a DNAME, and an alias at its end",
            query,
            [
                dname(),
                made(),
                victim.set(&["_25.dane.victim.test. 300 CNAME x.victim.test."]),
            ],
            Secure,
        )
        .shows(1),
        case(
            "the alias of a DNAME, and an unsigned alias at its end",
            query,
            [
                dname(),
                made(),
                vec![rr("_25.dane.victim.test. 300 CNAME x.victim.test.")],
            ],
            Bogus,
        )
        .shows(1),
        case(
            "the alias of a DNAME, and a proof about another name",
            query,
            [dname(), made()],
            Bogus,
        )
        .proof([victim.nsec("f.victim.test.", "g.victim.test.", &[Rtype::A])])
        .nx()
        .shows(1),
        case(
            "an unsigned DNAME, its alias asked for",
            query,
            [
                vec![rr("_tcp.mx.victim.test. 300 DNAME dane.victim.test.")],
                made(),
            ],
            Bogus,
        )
        .shows(1),
        case(
            "a DNAME into another zone, its alias asked for",
            query,
            [
                victim.set(&["_tcp.mx.victim.test. 300 DNAME dane.evil.test."]),
                to("_25.dane.evil.test."),
            ],
            Secure,
        )
        .proof([
            evil.soa(),
            evil.nsec("_25.dane.evil.test.", "e.evil.test.", &[Rtype::TLSA]),
        ])
        .shows(1),
        // What is denied at the end of aliases: either is right (RFC 6604).
        case(
            "an alias to nothing",
            ("www.victim.test.", Rtype::A),
            [victim.set(&["www.victim.test. 300 CNAME no.victim.test."])],
            Secure,
        )
        .proof([
            victim.soa(),
            victim.nsec("n.victim.test.", "o.victim.test.", &[Rtype::A]),
            victim.nsec("victim.test.", "a.victim.test.", &[Rtype::SOA, Rtype::NS]),
        ])
        .nx(),
        case(
            "an alias to nothing, without NXDOMAIN",
            ("www.victim.test.", Rtype::A),
            [victim.set(&["www.victim.test. 300 CNAME no.victim.test."])],
            Secure,
        )
        .proof([
            victim.nsec("n.victim.test.", "o.victim.test.", &[Rtype::A]),
            victim.nsec("victim.test.", "a.victim.test.", &[Rtype::SOA, Rtype::NS]),
        ]),
        case(
            "an alias to a name without the type, and NXDOMAIN",
            ("www.victim.test.", Rtype::A),
            [victim.set(&["www.victim.test. 300 CNAME no.victim.test."])],
            Secure,
        )
        .proof([victim.nsec("no.victim.test.", "o.victim.test.", &[Rtype::TXT])])
        .nx(),
        case(
            "an alias and a foreign denial",
            ("www.victim.test.", Rtype::A),
            [victim.set(&["www.victim.test. 300 CNAME no.victim.test."])],
            Bogus,
        )
        .proof([evil.nsec("a.evil.test.", "z.evil.test.", &[Rtype::A])])
        .nx(),
    ]
}
