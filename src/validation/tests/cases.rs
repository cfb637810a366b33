//! Answers made by hand, with the status that unbound 1.17 gives each: every
//! kind of forgery that once passed, its siblings, and what has to be accepted.

use domain::base::Rtype;

use super::tree::{DAY, NOW, Style, Tree, name, raw_tlsa, reply, rr};
use crate::dnssec::SecurityStatus::{self, Bogus, Insecure, Secure};
use crate::validation::packet::Rr;

const HOUR: i64 = 3_600;

/// One answer, and what is right about it.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) question: (&'static str, Rtype),
    pub(super) nx: bool,
    pub(super) answer: Vec<Rr>,
    pub(super) authority: Vec<Rr>,
    pub(super) status: SecurityStatus,
    /// Words of the reason.
    pub(super) why: &'static str,
    /// So many records are shown.
    pub(super) shown: usize,
}

impl Case {
    pub(super) fn bytes(&self) -> bytes::Bytes {
        let (owner, rtype) = self.question;
        reply(&name(owner), rtype, self.nx, &self.answer, &self.authority)
    }

    fn nx(mut self) -> Self {
        self.nx = true;
        self
    }

    fn proof<const N: usize>(mut self, parts: [Vec<Rr>; N]) -> Self {
        self.authority = parts.concat();
        self
    }

    fn shows(mut self, shown: usize) -> Self {
        self.shown = shown;
        self
    }

    fn because(mut self, why: &'static str) -> Self {
        self.why = why;
        self
    }
}

fn case<const N: usize>(
    what: &'static str,
    question: (&'static str, Rtype),
    answer: [Vec<Rr>; N],
    status: SecurityStatus,
) -> Case {
    Case {
        what,
        question,
        nx: false,
        answer: answer.concat(),
        authority: Vec::new(),
        status,
        why: "",
        shown: 0,
    }
}

const TLSA: (&str, Rtype) = ("_25._tcp.mx.victim.test.", Rtype::TLSA);
const MX: (&str, Rtype) = ("victim.test.", Rtype::MX);
const A: (&str, Rtype) = ("mx.victim.test.", Rtype::A);
const VICTIMS_TLSA: &str = "_25._tcp.mx.victim.test. 300 TLSA 3 1 1 aa";
const VICTIMS_MX: &str = "victim.test. 300 MX 10 mx.victim.test.";
const VICTIMS_A: &str = "mx.victim.test. 300 A 192.0.2.1";
const EVILS_TLSA: &str = "_25._tcp.mx.evil.test. 300 TLSA 3 1 1 bb";
const OUT_OF_SIGHT: &str = "records of";

pub(super) fn cases(tree: &Tree) -> Vec<Case> {
    let mut all = answers(tree);
    all.extend(aliases(tree));
    all.extend(denials(tree));
    all.extend(hashed_denials(tree));
    all.extend(malformed(tree));
    all.extend(dates(tree));
    all
}

/// Answers without alias.
fn answers(tree: &Tree) -> Vec<Case> {
    let (victim, evil) = (tree.zone("victim.test."), tree.zone("evil.test."));
    let (test, plain) = (tree.zone("test."), "mx.plain.test. 300 A 192.0.2.7");
    let forged = rr("mx.victim.test. 300 A 192.0.2.66");
    let signer = |signer: &str| Style {
        signer: Some(name(signer)),
        ..Style::default()
    };
    let spoiled = Style {
        spoiled: true,
        ..Style::default()
    };
    vec![
        case("signed TLSA", TLSA, [victim.set(&[VICTIMS_TLSA])], Secure).shows(1),
        case("signed MX", MX, [victim.set(&[VICTIMS_MX])], Secure).shows(1),
        case("unsigned", A, [vec![rr(VICTIMS_A)]], Bogus)
            .shows(1)
            .because("has no signature"),
        case(
            "unsigned zone",
            ("mx.plain.test.", Rtype::A),
            [vec![rr(plain)]],
            Insecure,
        )
        .shows(1)
        .because("plain.test. has no DS record at test."),
        case(
            "another zone signs",
            A,
            [evil.styled(&[rr(VICTIMS_A)], &signer("evil.test."))],
            Bogus,
        )
        .shows(1),
        case(
            "another zone in the signer's name",
            A,
            [evil.styled(&[rr(VICTIMS_A)], &signer("victim.test."))],
            Bogus,
        )
        .shows(1),
        case(
            "a signer that is no zone",
            A,
            [victim.styled(&[rr(VICTIMS_A)], &signer("mx.victim.test."))],
            Bogus,
        )
        .shows(1),
        case("the zone above", A, [test.set(&[VICTIMS_A])], Secure).shows(1),
        case(
            "one bit of the signature",
            A,
            [victim.styled(&[rr(VICTIMS_A)], &spoiled)],
            Bogus,
        )
        .shows(1)
        .because("does not fit"),
        case(
            "one good signature after bad ones",
            A,
            [
                victim.styled(&[rr(VICTIMS_A)], &spoiled),
                vec![
                    victim.signature(&[forged.clone()], &Style::default()),
                    victim.signature(
                        &[rr(VICTIMS_A)],
                        &Style {
                            tag: Some(7),
                            ..Style::default()
                        },
                    ),
                    victim.signature(&[rr(VICTIMS_A)], &Style::default()),
                ],
            ],
            Secure,
        )
        .shows(1),
        case(
            "a record added to a set",
            A,
            [victim.set(&[VICTIMS_A]), vec![forged]],
            Bogus,
        )
        .shows(2),
        case(
            "more labels than the name has",
            A,
            [victim.expanded(VICTIMS_A, 4)],
            Bogus,
        )
        .shows(1),
        // What is beside a true answer is dropped.
        case(
            "a foreign set beside it",
            TLSA,
            [victim.set(&[VICTIMS_TLSA]), evil.set(&[EVILS_TLSA])],
            Secure,
        )
        .shows(1),
        case(
            "an unsigned set beside it",
            TLSA,
            [victim.set(&[VICTIMS_TLSA]), vec![rr(EVILS_TLSA)]],
            Secure,
        )
        .shows(1),
        case(
            "another type beside it",
            A,
            [
                victim.set(&[VICTIMS_A]),
                vec![rr("mx.victim.test. 300 TXT x")],
            ],
            Secure,
        )
        .shows(1),
        case(
            "hints in the authority section",
            A,
            [victim.set(&[VICTIMS_A])],
            Secure,
        )
        .proof([vec![
            rr("victim.test. 300 NS ns.evil.test."),
            rr("ns.evil.test. 300 A 192.0.2.6"),
        ]])
        .shows(1),
        case(
            "an unsigned denial beside an answer",
            A,
            [victim.set(&[VICTIMS_A])],
            Bogus,
        )
        .proof([vec![rr("victim.test. 300 SOA ns. host. 1 2 3 4 5")]])
        .shows(1),
        // True records that are said not to exist.
        case(
            "TLSA and NXDOMAIN",
            TLSA,
            [victim.set(&[VICTIMS_TLSA])],
            Bogus,
        )
        .nx()
        .shows(1)
        .because("says that the name does not exist"),
        case("MX and NXDOMAIN", MX, [victim.set(&[VICTIMS_MX])], Bogus)
            .nx()
            .shows(1)
            .because("says that the name does not exist"),
        case("A and NXDOMAIN", A, [victim.set(&[VICTIMS_A])], Bogus)
            .nx()
            .shows(1)
            .because("says that the name does not exist"),
        case(
            "unsigned A and NXDOMAIN",
            ("mx.plain.test.", Rtype::A),
            [vec![rr(plain)]],
            Insecure,
        )
        .nx()
        .shows(1),
        case(
            "an alias, its end, and NXDOMAIN",
            ("www.victim.test.", Rtype::A),
            [
                victim.set(&["www.victim.test. 300 CNAME mx.victim.test."]),
                victim.set(&[VICTIMS_A]),
            ],
            Bogus,
        )
        .nx()
        .shows(1)
        .because("says that the name does not exist"),
        // Wildcards.
        case(
            "a wildcard with its proof",
            A,
            [victim.expanded(VICTIMS_A, 2)],
            Secure,
        )
        .proof([victim.nsec("m.victim.test.", "n.victim.test.", &[Rtype::A])])
        .shows(1),
        case(
            "a wildcard without proof",
            A,
            [victim.expanded(VICTIMS_A, 2)],
            Bogus,
        )
        .shows(1),
        case(
            "a wildcard over a name that exists",
            A,
            [victim.expanded(VICTIMS_A, 2)],
            Bogus,
        )
        .proof([victim.nsec("mx.victim.test.", "n.victim.test.", &[Rtype::A])])
        .shows(1),
        case(
            "a wildcard with a foreign proof",
            A,
            [victim.expanded(VICTIMS_A, 2)],
            Bogus,
        )
        .proof([evil.nsec("a.evil.test.", "z.evil.test.", &[Rtype::A])])
        .shows(1),
        case(
            "a wildcard and NXDOMAIN",
            A,
            [victim.expanded(VICTIMS_A, 2)],
            Bogus,
        )
        .proof([victim.nsec("m.victim.test.", "n.victim.test.", &[Rtype::A])])
        .nx()
        .shows(1),
        case(
            "signatures with different labels",
            A,
            [
                victim.expanded(VICTIMS_A, 2),
                vec![victim.signature(&[rr(VICTIMS_A)], &spoiled)],
            ],
            Bogus,
        )
        .proof([victim.nsec("m.victim.test.", "n.victim.test.", &[Rtype::A])])
        .shows(1),
    ]
}

fn aliases(tree: &Tree) -> Vec<Case> {
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
        .because("where the DNAME of"),
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
        .because("where the DNAME of"),
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
        .because("where the DNAME of"),
        case(
            "DNAME and an alias one label off",
            TLSA,
            [dname(), to("dane.victim.test.")],
            Bogus,
        )
        .because("where the DNAME of"),
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
        .because("where the DNAME of"),
        case(
            "the alias of a DNAME and NXDOMAIN",
            query,
            [dname(), made()],
            Bogus,
        )
        .nx()
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

fn denials(tree: &Tree) -> Vec<Case> {
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
        case("no data with another zone's SOA", TLSA, [], Secure).proof([evil.soa(), here()]),
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

fn hashed_denials(tree: &Tree) -> Vec<Case> {
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
            .because("151 times over"),
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

/// TLSA data that cannot be read goes the ordinary way.
fn malformed(tree: &Tree) -> Vec<Case> {
    let (victim, evil) = (tree.zone("victim.test."), tree.zone("evil.test."));
    let short = || raw_tlsa("_25._tcp.mx.victim.test.", &[3, 1]);
    let labels = |labels| Style {
        labels: Some(labels),
        ..Style::default()
    };
    let spoiled = || Style {
        spoiled: true,
        ..Style::default()
    };
    let gap = || victim.nsec("_24._tcp.mx.victim.test.", "n.victim.test.", &[Rtype::A]);
    vec![
        case("two bytes", TLSA, [victim.signed(&[short()])], Secure).shows(1),
        case("two bytes unsigned", TLSA, [vec![short()]], Bogus).shows(1),
        case(
            "no bytes",
            TLSA,
            [victim.signed(&[raw_tlsa("_25._tcp.mx.victim.test.", &[])])],
            Secure,
        )
        .shows(1),
        case(
            "two bytes beside a good one",
            TLSA,
            [victim.signed(&[short(), rr(VICTIMS_TLSA)])],
            Secure,
        )
        .shows(2),
        case(
            "two bytes behind an alias",
            TLSA,
            [
                victim.set(&["_25._tcp.mx.victim.test. 300 CNAME dane.victim.test."]),
                victim.signed(&[raw_tlsa("dane.victim.test.", &[3, 1])]),
            ],
            Secure,
        )
        .shows(1),
        case(
            "two bytes of another",
            TLSA,
            [evil.signed(&[raw_tlsa("x.evil.test.", &[3, 1])])],
            Bogus,
        ),
        case(
            "another's beside two bytes in the authority section",
            TLSA,
            [evil.set(&[EVILS_TLSA])],
            Bogus,
        )
        .proof([vec![short()]]),
        case(
            "another's, and no data, beside two bytes",
            TLSA,
            [
                evil.set(&[EVILS_TLSA]),
                vec![raw_tlsa("x.evil.test.", &[3, 1])],
            ],
            Secure,
        )
        .proof([victim.nsec("_25._tcp.mx.victim.test.", "n.victim.test.", &[Rtype::A])]),
        case(
            "two bytes from a wildcard",
            TLSA,
            [victim.styled(&[short()], &labels(4))],
            Secure,
        )
        .proof([gap()])
        .shows(1),
        case(
            "two bytes from a wildcard without proof",
            TLSA,
            [victim.styled(&[short()], &labels(4))],
            Bogus,
        )
        .shows(1),
        case(
            "two bytes from a wildcard, a bad signature first",
            TLSA,
            [
                victim.styled(&[short()], &spoiled()),
                vec![victim.signature(&[short()], &labels(4))],
            ],
            Bogus,
        )
        .shows(1),
        case(
            "two bytes and NXDOMAIN",
            TLSA,
            [victim.signed(&[short()])],
            Bogus,
        )
        .nx()
        .shows(1),
        case(
            "two bytes that another zone signs",
            TLSA,
            [evil.styled(
                &[short()],
                &Style {
                    signer: Some(name("victim.test.")),
                    ..Style::default()
                },
            )],
            Bogus,
        )
        .shows(1),
    ]
}

/// Clocks may differ by a tenth of a signature's life, an hour to a day.
fn dates(tree: &Tree) -> Vec<Case> {
    let victim = tree.zone("victim.test.");
    let at = |from: i64, to: i64| {
        let style = Style {
            from,
            to,
            ..Style::default()
        };
        [victim.styled(&[rr(VICTIMS_A)], &style)]
    };
    assert!(NOW.0 > 0);
    vec![
        case("ended half an hour ago", A, at(-DAY, -HOUR / 2), Secure).shows(1),
        case(
            "ended 20 hours ago, of 30 days",
            A,
            at(-30 * DAY, -20 * HOUR),
            Secure,
        )
        .shows(1),
        case(
            "ended 20 hours ago, of 2 days",
            A,
            at(-2 * DAY, -20 * HOUR),
            Bogus,
        )
        .shows(1)
        .because("expired at"),
        case(
            "ended 25 hours ago, of 30 days",
            A,
            at(-30 * DAY, -25 * HOUR),
            Bogus,
        )
        .shows(1),
        case(
            "ended two hours ago, of a day",
            A,
            at(-DAY, -2 * HOUR),
            Secure,
        )
        .shows(1),
        case(
            "ended three hours ago, of a day",
            A,
            at(-DAY, -3 * HOUR),
            Bogus,
        )
        .shows(1),
        case("begins in half an hour", A, at(HOUR / 2, DAY), Secure).shows(1),
        case(
            "begins in two hours, of a day",
            A,
            at(2 * HOUR, DAY),
            Secure,
        )
        .shows(1),
        case(
            "begins in three hours, of a day",
            A,
            at(3 * HOUR, DAY),
            Bogus,
        )
        .shows(1)
        .because("not valid before"),
        case("begins in two days", A, at(2 * DAY, 40 * DAY), Bogus).shows(1),
        case("ends before it begins", A, at(DAY, -DAY), Bogus)
            .shows(1)
            .because("before it begins"),
        case(
            "ends before it begins, both past",
            A,
            at(-DAY, -2 * DAY),
            Bogus,
        )
        .shows(1),
        case("ends before it begins, by a minute", A, at(30, -30), Bogus).shows(1),
    ]
}
