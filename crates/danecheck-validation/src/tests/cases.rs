//! Answers made by hand, with the status that unbound 1.17 gives each: every
//! kind of forgery that once passed, its siblings, and what has to be accepted.

use domain::base::Rtype;

use super::alias_cases::aliases;
use super::denial_cases::{denials, hashed_denials};
use super::tree::{DAY, Style, Tree, name, raw_tlsa, reply, rr};
use crate::packet::Rr;
use danecheck_core::dnssec::SecurityStatus::{self, Bogus, Insecure, Secure};

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

    pub(super) fn nx(mut self) -> Self {
        self.nx = true;
        self
    }

    pub(super) fn proof<const N: usize>(mut self, parts: [Vec<Rr>; N]) -> Self {
        self.authority = parts.concat();
        self
    }

    pub(super) fn shows(mut self, shown: usize) -> Self {
        self.shown = shown;
        self
    }

    pub(super) fn because(mut self, why: &'static str) -> Self {
        self.why = why;
        self
    }
}

pub(super) fn case<const N: usize>(
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

pub(super) const TLSA: (&str, Rtype) = ("_25._tcp.mx.victim.test.", Rtype::TLSA);
pub(super) const MX: (&str, Rtype) = ("victim.test.", Rtype::MX);
pub(super) const A: (&str, Rtype) = ("mx.victim.test.", Rtype::A);
const VICTIMS_TLSA: &str = "_25._tcp.mx.victim.test. 300 TLSA 3 1 1 aa";
const VICTIMS_MX: &str = "victim.test. 300 MX 10 mx.victim.test.";
const VICTIMS_A: &str = "mx.victim.test. 300 A 192.0.2.1";
pub(super) const EVILS_TLSA: &str = "_25._tcp.mx.evil.test. 300 TLSA 3 1 1 bb";

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
        .because("does not match"),
        case(
            "one good signature after bad ones",
            A,
            [
                victim.styled(&[rr(VICTIMS_A)], &spoiled),
                vec![
                    victim.signature(std::slice::from_ref(&forged), &Style::default()),
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
