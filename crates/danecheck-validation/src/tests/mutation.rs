//! Honest answers, changed at random: whatever is secure afterwards is still
//! the truth.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use domain::base::{Record, Rtype};

use super::super::owner::Owner;
use super::super::packet::{Packet, Rr};
use super::super::{LOOKUP_WORK, presented};
use super::tree::{NOW, Tree, name, reply, rr};
use danecheck_core::dnssec::SecurityStatus;
use danecheck_core::work::WorkBudget;

/// An answer as the zone's own servers give it.
struct Honest {
    question: (Owner, Rtype),
    nx: bool,
    answer: Vec<Rr>,
    authority: Vec<Rr>,
}

/// Zones whose answers agree with each other, and an enemy's.
pub(crate) struct World {
    tree: Tree,
    truth: BTreeMap<(Owner, Rtype), Vec<String>>,
    honest: Vec<Honest>,
}

/// Choices, from a seed or from a fuzzer's bytes.
pub(crate) struct Choices<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8], seed: u64) -> Self {
        Self {
            bytes,
            state: seed | 1,
        }
    }

    /// A number below `count`.
    fn below(&mut self, count: usize) -> usize {
        if let Some((first, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            return usize::from(*first) % count.max(1);
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % count.max(1)
    }
}

const SETS: &[&[&str]] = &[
    &[
        "victim.test. 300 MX 10 mx.victim.test.",
        "victim.test. 300 MX 20 w.victim.test.",
    ],
    &["mx.victim.test. 300 A 192.0.2.1"],
    &["_25._tcp.mx.victim.test. 300 TLSA 3 1 1 aa"],
    &["alias.victim.test. 300 CNAME mx.victim.test."],
    &["evil.victim.test. 300 CNAME mx.evil.test."],
    &["old.victim.test. 300 DNAME new.victim.test."],
    &["x.new.victim.test. 300 A 192.0.2.2"],
    &["evil.test. 300 MX 10 mx.evil.test."],
    &["mx.evil.test. 300 A 192.0.2.66"],
    &["_25._tcp.mx.evil.test. 300 TLSA 3 1 1 bb"],
    &["foo.evil.test. 300 CNAME _25._tcp.mx.evil.test."],
    &["old.evil.test. 300 DNAME mx.evil.test."],
    &["mx.hashed.test. 300 A 192.0.2.3"],
    &["mx.plain.test. 300 A 192.0.2.4"],
];

impl World {
    fn new() -> Self {
        let tree = Tree::new();
        let (victim, evil) = (tree.zone("victim.test."), tree.zone("evil.test."));
        let hashed = tree.zone("hashed.test.");
        let signed = |lines: &[&str]| {
            let owner = name(lines[0].split_once(' ').unwrap().0);
            let zones = [victim, evil, hashed];
            match zones.into_iter().find(|zone| owner.ends_with(&zone.apex)) {
                Some(zone) => zone.set(lines),
                None => lines.iter().map(|line| rr(line)).collect(),
            }
        };
        let mut truth = BTreeMap::new();
        let mut honest = Vec::new();
        for lines in SETS {
            let answer = signed(lines);
            let question = (answer[0].owner().clone(), answer[0].rtype());
            let bytes = reply(&question.0, question.1, false, &answer, &[]);
            truth.insert(question.clone(), presented(&bytes).unwrap().0);
            honest.push(Honest {
                question,
                nx: false,
                answer,
                authority: Vec::new(),
            });
        }
        let set = |index: usize| signed(SETS[index]);
        let mut add = |question: (&str, Rtype), nx, answer: Vec<Rr>, authority: Vec<Rr>| {
            honest.push(Honest {
                question: (name(question.0), question.1),
                nx,
                answer,
                authority,
            });
        };
        add(
            ("alias.victim.test.", Rtype::A),
            false,
            [set(3), set(1)].concat(),
            vec![],
        );
        add(
            ("evil.victim.test.", Rtype::A),
            false,
            [set(4), set(8)].concat(),
            vec![],
        );
        let made = vec![rr("x.old.victim.test. 300 CNAME x.new.victim.test.")];
        let dname = [set(5), made.clone(), set(6)].concat();
        add(("x.old.victim.test.", Rtype::A), false, dname, vec![]);
        add(
            ("x.old.victim.test.", Rtype::CNAME),
            false,
            [set(5), made].concat(),
            vec![],
        );
        truth.insert(
            (name("x.old.victim.test."), Rtype::CNAME),
            vec!["x.new.victim.test.".to_owned()],
        );
        // The names of the zone in their order; a wildcard makes TXT records.
        let types = [Rtype::RRSIG, Rtype::NSEC];
        let chain = [
            (
                "victim.test.",
                "alias.victim.test.",
                &[Rtype::SOA, Rtype::NS, Rtype::MX][..],
            ),
            ("alias.victim.test.", "evil.victim.test.", &[Rtype::CNAME]),
            ("evil.victim.test.", "mx.victim.test.", &[Rtype::CNAME]),
            ("mx.victim.test.", "_25._tcp.mx.victim.test.", &[Rtype::A]),
            (
                "_25._tcp.mx.victim.test.",
                "x.new.victim.test.",
                &[Rtype::TLSA],
            ),
            ("x.new.victim.test.", "old.victim.test.", &[Rtype::A]),
            ("old.victim.test.", "*.wild.victim.test.", &[Rtype::DNAME]),
            ("*.wild.victim.test.", "victim.test.", &[Rtype::TXT]),
        ];
        let nsec = |index: usize| {
            let (owner, next, own) = chain[index];
            victim.nsec(owner, next, &[own, &types].concat())
        };
        let with_soa = |parts: &[usize]| {
            let proofs = parts.iter().flat_map(|index| nsec(*index));
            victim.soa().into_iter().chain(proofs).collect::<Vec<_>>()
        };
        add(
            ("mx.victim.test.", Rtype::MX),
            false,
            vec![],
            with_soa(&[3]),
        );
        add(
            ("_tcp.mx.victim.test.", Rtype::TLSA),
            false,
            vec![],
            with_soa(&[3]),
        );
        add(
            ("b.victim.test.", Rtype::A),
            true,
            vec![],
            with_soa(&[0, 1]),
        );
        add(
            ("a.mx.victim.test.", Rtype::A),
            true,
            vec![],
            with_soa(&[3, 4]),
        );
        add(
            ("y.wild.victim.test.", Rtype::TXT),
            false,
            victim.expanded("y.wild.victim.test. 300 TXT w", 3),
            nsec(7),
        );
        add(
            ("y.wild.victim.test.", Rtype::A),
            false,
            vec![],
            with_soa(&[7]),
        );
        truth.insert(
            (name("y.wild.victim.test."), Rtype::TXT),
            vec!["\"w\"".to_owned()],
        );
        let plain = (0, 0);
        let gone = [
            hashed.soa(),
            hashed.nsec3("hashed.test.", false, &[Rtype::SOA, Rtype::MX], plain),
            hashed.nsec3("no.hashed.test.", true, &[Rtype::A], plain),
            hashed.nsec3("*.hashed.test.", true, &[Rtype::A], plain),
        ];
        add(("no.hashed.test.", Rtype::A), true, vec![], gone.concat());
        let here = [
            hashed.soa(),
            hashed.nsec3("mx.hashed.test.", false, &[Rtype::A], plain),
        ];
        add(
            ("mx.hashed.test.", Rtype::TLSA),
            false,
            vec![],
            here.concat(),
        );
        // What an enemy may sign of his own.
        let excuses = [
            evil.soa(),
            evil.nsec("evil.test.", "evil.test.", &[Rtype::SOA, Rtype::NS]),
            evil.nsec3("a.evil.test.", true, &[Rtype::A], (600, 1)),
            evil.nsec3("evil.test.", false, &[Rtype::SOA], (0, 1)),
        ];
        add(("z.evil.test.", Rtype::A), true, vec![], excuses.concat());
        Self {
            tree,
            truth,
            honest,
        }
    }

    /// The one of a process: its keys are made once.
    pub(crate) fn shared() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(World::new)
    }

    fn any_record(&self, choices: &mut Choices<'_>) -> Rr {
        let of = &self.honest[choices.below(self.honest.len())];
        let all: Vec<&Rr> = of.answer.iter().chain(&of.authority).collect();
        all[choices.below(all.len())].clone()
    }

    /// Changes an honest answer, judges it, and requires that what is secure
    /// is true.
    pub(crate) fn mutate(&self, choices: &mut Choices<'_>) {
        let of = &self.honest[choices.below(self.honest.len())];
        let (mut nx, mut answer) = (of.nx, of.answer.clone());
        let mut authority = of.authority.clone();
        for _ in 0..=choices.below(4) {
            match choices.below(11) {
                0 => nx = !nx,
                1 if !answer.is_empty() => drop(answer.remove(choices.below(answer.len()))),
                2 if !authority.is_empty() => {
                    drop(authority.remove(choices.below(authority.len())));
                }
                3 if !answer.is_empty() => {
                    authority.push(answer.remove(choices.below(answer.len())));
                }
                4 if !authority.is_empty() => {
                    answer.push(authority.remove(choices.below(authority.len())));
                }
                5 => answer.insert(choices.below(answer.len() + 1), self.any_record(choices)),
                6 => authority.insert(choices.below(authority.len() + 1), self.any_record(choices)),
                7 => {
                    // Another whole answer in place of this one, or beside it.
                    let other = &self.honest[choices.below(self.honest.len())];
                    if choices.below(2) == 0 {
                        answer.clear();
                        authority.clear();
                    }
                    answer.extend(other.answer.iter().cloned());
                    authority.extend(other.authority.iter().cloned());
                }
                8 if !answer.is_empty() => {
                    // Its owner is another name, or spelt otherwise.
                    let at = choices.below(answer.len());
                    let record = &answer[at];
                    let owner = match choices.below(2) {
                        0 => name(&record.owner().to_string().to_ascii_uppercase()),
                        _ => of.question.0.clone(),
                    };
                    answer[at] =
                        Record::new(owner, record.class(), record.ttl(), record.data().clone());
                }
                9 if answer.len() > 1 => {
                    let (one, other) = (choices.below(answer.len()), choices.below(answer.len()));
                    let data = answer[one].data().clone();
                    *answer[one].data_mut() = answer[other].data().clone();
                    *answer[other].data_mut() = data;
                }
                _ => {
                    let at = choices.below(answer.len() + 1);
                    answer.rotate_left(at);
                    let at = choices.below(authority.len() + 1);
                    authority.rotate_left(at);
                }
            }
        }
        let (owner, rtype) = &of.question;
        let bytes = reply(owner, *rtype, nx, &answer, &authority);
        self.require_truth(&bytes, owner, *rtype, nx);
    }

    fn require_truth(&self, bytes: &Bytes, owner: &Owner, rtype: Rtype, nx: bool) {
        let Some(packet) = Packet::read(bytes) else {
            return;
        };
        let own = self
            .tree
            .judge_within(bytes, NOW, &WorkBudget::new(LOOKUP_WORK));
        if own.status != SecurityStatus::Secure {
            return;
        }
        // Who sends a record twice shows it twice.
        let mut shown = presented(bytes).unwrap().0;
        shown.dedup();
        let walk = packet.walk();
        let what = || format!("{owner} {rtype}, NXDOMAIN {nx}: {shown:?} of {bytes:x}");
        let true_of_end = self.truth.get(&(walk.end.clone(), rtype));
        if walk.end.ends_with(&name("evil.test.")) {
            // Of his own names the enemy may say and deny whatever he likes.
        } else if shown.is_empty() {
            // Denied, or an alias by itself.
            let is_alias = !walk.steps.is_empty() && !nx;
            assert!(is_alias || true_of_end.is_none(), "{}", what());
        } else {
            assert!(!nx, "{}", what());
            assert_eq!(Some(&shown), true_of_end, "{}", what());
        }
        for step in &walk.steps {
            let alias = (step.owner.clone(), Rtype::CNAME);
            let known = self.truth.get(&alias).and_then(|texts| texts.first());
            let target = format!("{}.", step.target);
            let made = *owner == name("x.old.victim.test.");
            let by_dname = known.is_none() && !step.is_cname;
            assert!(made || by_dname || known == Some(&target), "{}", what());
        }
    }

    /// Judges a message that may be anything.
    pub(crate) fn judge(&self, bytes: &Bytes) {
        if Packet::read(bytes).is_some() {
            let _ = self
                .tree
                .judge_within(bytes, NOW, &WorkBudget::new(LOOKUP_WORK));
        }
    }
}

#[cfg(test)]
#[test]
fn what_is_secure_after_any_change_is_true() {
    let world = World::shared();
    for of in &world.honest {
        let (owner, rtype) = &of.question;
        let bytes = reply(owner, *rtype, of.nx, &of.answer, &of.authority);
        let own = world.tree.judge(&bytes, NOW);
        let insecure = owner.ends_with(&name("plain.test."));
        let excuse = *owner == name("z.evil.test.");
        let secure = own.status == SecurityStatus::Secure;
        assert!(secure || insecure || excuse, "{owner} {rtype}: {own:?}");
    }
    for seed in 1..=4_000 {
        world.mutate(&mut Choices::new(
            &[],
            0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed),
        ));
    }
}
