//! The hostile servers.

use std::fmt::Write as _;
use std::time::Duration;

use danecheck_world::dns::{Misbehaviour as Dns, ResolverKind, Rtype};
use danecheck_world::pki::Leaf;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::ground::Ground;

/// One hostile server, or one hostile domain.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) set: Box<dyn Fn(&mut Ground) + Send + Sync>,
    /// Whether a healthy MX host stands beside it.
    pub(crate) has_rest: bool,
    /// Whether it costs work rather than time: an unoptimized program is not
    /// held to its time then.
    pub(crate) costs_work: bool,
    /// Findings that have to be raised.
    pub(crate) findings: &'static [&'static str],
    /// A text that has to be in the report.
    pub(crate) says: &'static str,
    /// What the report may come to; anything if there is none.
    pub(crate) verdicts: &'static [&'static str],
    /// What else the report has to keep to.
    pub(crate) words: Vec<Word>,
}

/// What no attacker may bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// No answer of the domain is taken for one of an unsigned zone.
    NotInsecure,
    /// Neither domain nor host is said to be well.
    NotClear,
}

impl Case {
    pub(crate) fn new(
        name: &'static str,
        set: impl Fn(&mut Ground) + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            set: Box::new(set),
            has_rest: true,
            costs_work: false,
            findings: &[],
            says: "",
            verdicts: &[],
            words: Vec::new(),
        }
    }

    /// An MX host that misbehaves in one way, beside a healthy one.
    fn server(name: &'static str, way: Misbehaviour) -> Self {
        Self::servers(name, vec![way])
    }

    fn servers(name: &'static str, ways: Vec<Misbehaviour>) -> Self {
        Self::new(name, move |ground| {
            let identity = ground.identity("bad");
            ground.host("bad", 100, identity, ways.clone());
        })
    }

    /// A healthy MX host of which one lookup misbehaves.
    fn lookup(name: &'static str, below: &'static str, rtype: Rtype, way: Dns) -> Self {
        Self::new(name, move |ground| {
            let identity = ground.identity("bad");
            ground.host("bad", 100, identity, []);
            let below = below.replace("PORT", &ground.port.to_string());
            ground.lookup(&below, rtype, way);
        })
    }

    pub(crate) fn costing_work(mut self) -> Self {
        self.costs_work = true;
        self
    }

    pub(crate) fn word(mut self, word: Word) -> Self {
        self.words.push(word);
        self
    }

    /// Takes back [`Word::NotInsecure`].
    pub(crate) fn any_status(mut self) -> Self {
        self.words.retain(|word| *word != Word::NotInsecure);
        self
    }

    pub(crate) fn verdicts(mut self, verdicts: &'static [&'static str]) -> Self {
        self.verdicts = verdicts;
        self
    }

    pub(crate) fn without_rest(mut self) -> Self {
        self.has_rest = false;
        self
    }

    fn finding(mut self, ids: &'static [&'static str]) -> Self {
        self.findings = ids;
        self
    }

    fn saying(mut self, text: &'static str) -> Self {
        self.says = text;
        self
    }
}

/// A pause between two bytes: long enough that nothing ends by itself.
const NOW_AND_THEN: Duration = Duration::from_millis(150);

/// What a terminal obeys, what turns text about, and what has no width.
const ESCAPES: &str =
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}";

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_number();
    all.extend(in_plain_text());
    all.extend(in_tls());
    all.extend(in_dns());
    all.extend(crate::dnssec::cases());
    all.extend(crate::chains::cases());
    all.extend(crate::amplification::cases());
    all
}

fn in_plain_text() -> Vec<Case> {
    use Misbehaviour as M;
    vec![
        Case::server("greeting-lines-flood", M::MultilineFlood).saying("an endless answer"),
        Case::server("greeting-endless-line", M::EndlessLine).saying("an endless answer"),
        Case::server("greeting-tarpit", M::Tarpit(NOW_AND_THEN)),
        Case::server("greeting-never-comes", M::NoGreeting).finding(&["not-all-looked-at"]),
        Case::server("replies-drip", M::Drip(NOW_AND_THEN)),
        Case::server("greeting-is-garbage", M::NotSmtp),
        Case::servers(
            "escapes-in-every-reply",
            vec![
                M::ControlCharactersInGreeting,
                M::EhloReply(format!("250-{ESCAPES}\n250 STARTTLS")),
                M::StartTlsReply(format!("454 {}", ESCAPES.repeat(30))),
            ],
        )
        .finding(&["starttls-refused-for-now"]),
        Case::server(
            "escapes-in-a-refusal",
            M::GreetingReply(format!("554-{ESCAPES}\n554 {ESCAPES}")),
        )
        .finding(&["greeting-refused"]),
        Case::server("ehlo-lines-flood", M::EhloFlood).saying("an endless answer"),
        Case::server(
            "ehlo-of-many-words",
            M::EhloReply(format!("{}250 STARTTLS", "250-X-WORD\n".repeat(900))),
        )
        .finding(&["not-all-looked-at"]),
        Case::server("ehlo-hangs", M::HangAtEhlo),
        Case::server("starttls-hangs", M::HangAtStartTlsReply),
    ]
}

fn in_tls() -> Vec<Case> {
    use Misbehaviour as M;
    vec![
        Case::server("handshake-hangs", M::HangInHandshake),
        Case::server("handshake-is-garbage", M::GarbageInHandshake),
        Case::server("handshake-drips", M::DripInHandshake(NOW_AND_THEN)),
        Case::server("empty-records-flood", M::EmptyRecordFlood),
        Case::server("renegotiation-flood", M::HelloRequestFlood),
        Case::server("warning-flood", M::WarningFlood),
        Case::server("endless-certificate", M::EndlessCertificate),
        Case::server("endless-chain", M::HugeChain(1000)),
        Case::server("long-chain", M::HugeChain(100)).finding(&["not-all-looked-at"]),
        Case::new("huge-certificate", |ground| {
            let names = (0..2500).map(|number| format!("host-{number}.example.test"));
            let identity = ground.root.issue(Leaf::new(names));
            ground.host("bad", 100, identity, []);
        }),
        Case::new("certificates-of-many-names", |ground| {
            // Each of some 60 KB, at each of eight addresses.
            for number in 0..8 {
                let names = (0..7000).map(|name| format!("n{name}"));
                let identity = ground.root.issue(Leaf::new(names));
                let name = format!("bad{number}");
                ground.host(&name, 100 + number, identity, []);
            }
        }),
        Case::new("escapes-in-a-certificate", |ground| {
            let leaf = Leaf::new(["\u{1b}[2J.example.test", "a\u{7}\r\nb"]);
            let identity = ground.root.issue(leaf.common_name(ESCAPES));
            ground.host("bad", 100, identity, []);
        }),
        Case::server("ticket-flood", M::TicketFlood(4000)),
        Case::server("flood-inside-tls", M::FloodAfterTls).saying("an endless answer"),
        Case::server("ehlo-inside-tls-hangs", M::HangAfterTls),
    ]
}

fn in_dns() -> Vec<Case> {
    const TLSA: &str = "_PORT._tcp.bad";
    let slow = Duration::from_millis(50);
    vec![
        Case::lookup("dns-never-answers", "bad", Rtype::A, Dns::Silence),
        Case::lookup("dns-is-garbage", TLSA, Rtype::TLSA, Dns::Garbage),
        Case::lookup("dns-is-cut-off", TLSA, Rtype::TLSA, Dns::MalformedPacket),
        Case::lookup(
            "dns-drips-over-tcp",
            TLSA,
            Rtype::TLSA,
            Dns::DripOverTcp(slow),
        ),
        Case::lookup("dns-floods-over-tcp", TLSA, Rtype::TLSA, Dns::FloodOverTcp),
        Case::lookup(
            "dns-truncates-for-ever",
            TLSA,
            Rtype::TLSA,
            Dns::TruncatedForEver,
        ),
        Case::lookup(
            "dns-answers-another",
            "bad",
            Rtype::A,
            Dns::WrongTransactionId,
        ),
        Case::lookup(
            "dns-aliases-without-end",
            "bad",
            Rtype::A,
            Dns::EndlessAliases,
        )
        .saying("an endless chain of aliases"),
        Case::lookup("dns-alias-flood", "bad", Rtype::A, Dns::AliasFlood(1500)),
        Case::lookup(
            "dns-escapes-in-the-reason",
            "bad",
            Rtype::A,
            Dns::ServFailWithEscapes,
        ),
        Case::new("dns-escapes-in-names", |ground| {
            let host = r"a\027\091\050J\007\000\226\128\174.example.test.";
            ground.records(&format!("@ MX 5 {host}\n@ MX 6 long\nlong CNAME {host}"));
        }),
        Case::new("four-hundred-tlsa-records", |ground| {
            let identity = ground.identity("bad");
            ground.host("bad", 100, identity, []);
            let port = ground.port;
            for number in 0..400 {
                ground.records(&format!("_{port}._tcp.bad TLSA 3 1 1 {number:064x}"));
            }
        })
        .finding(&["not-all-looked-at"]),
        Case::new("every-lookup-is-huge", |ground| {
            // The work of validation is left to danecheck.
            ground.resolver = ResolverKind::NotValidating;
            let mut text = String::new();
            for host in 0..20 {
                let _ = writeln!(text, "@ MX 10 mx{host}");
                for number in 0..3000 {
                    let (high, low) = (number / 250, number % 250);
                    let _ = writeln!(text, "mx{host} A 127.2.{high}.{low}");
                }
            }
            ground.records(&text);
            for host in 0..20 {
                let owner = format!("_{}._tcp.mx{host}", ground.port);
                ground.raw(
                    &owner,
                    Rtype::TLSA,
                    &[&[2, 0, 0][..], &[0xab; 60_000]].concat(),
                );
            }
        })
        .without_rest()
        .finding(&["not-all-looked-at"]),
        Case::new("tlsa-records-of-60-kilobytes", |ground| {
            let identity = ground.identity("bad");
            ground.host("bad", 100, identity, []);
            let owner = format!("_{}._tcp.bad", ground.port);
            ground.raw(
                &owner,
                Rtype::TLSA,
                &[&[2, 0, 0][..], &[0xab; 60_000]].concat(),
            );
        }),
    ]
}

fn in_number() -> Vec<Case> {
    vec![
        Case::new("sixty-mx-hosts", |ground| {
            for number in 0..60 {
                let name = format!("mx{number}");
                let identity = ground.identity(&name);
                ground.host(&name, 100 + number, identity, []);
            }
        })
        .without_rest()
        .finding(&["not-all-looked-at"]),
        Case::new("one-mx-host-hangs", |ground| {
            let identity = ground.identity("mx");
            ground.host("mx", 100, identity, [Misbehaviour::NoGreeting]);
        })
        .without_rest(),
        Case::new("sixty-mx-hosts-hang", |ground| {
            for number in 0..60 {
                let name = format!("mx{number}");
                let identity = ground.identity(&name);
                ground.host(&name, 100 + number, identity, [Misbehaviour::NoGreeting]);
            }
        })
        .without_rest()
        .finding(&["not-all-looked-at"]),
        Case::new("sixty-mx-hosts-answer-no-syn", |ground| {
            for number in 0..60 {
                ground.hole(&format!("mx{number}"), 100 + number);
            }
        })
        .without_rest()
        .finding(&["not-all-looked-at"]),
        Case::new("sixty-mx-hosts-drip-beside-one", |ground| {
            for number in 0..60 {
                let name = format!("mx{number}");
                let identity = ground.identity(&name);
                let way = Misbehaviour::Drip(NOW_AND_THEN);
                // Behind the healthy one, which has 200.
                ground.records(&format!("@ MX {} {name}", 300 + u16::from(number)));
                ground.records(&format!("{name} A {}", ground.address(100 + number)));
                ground.server(100 + number, MailServer::new(identity).misbehaving([way]));
            }
        })
        .finding(&["not-all-looked-at"]),
        Case::new("two-hundred-addresses", |ground| {
            ground.records("@ MX 10 many");
            let identity = ground.identity("many");
            for number in 1..=199 {
                let address = ground.address(number);
                ground.records(&format!("many A {address}"));
                ground.server(number, MailServer::new(identity.clone()));
            }
        })
        .finding(&["not-all-looked-at"]),
        Case::new("every-address-shows-another-chain", |ground| {
            // Twenty hosts of eight addresses, each with some 60 KB of names.
            for host in 0..20 {
                let name = format!("mx{host}");
                ground.records(&format!("@ MX 10 {name}"));
                let names = (0..7000).map(|name| format!("n{name}"));
                let identity = ground.root.issue(Leaf::new(names));
                for number in 0..8 {
                    let number = host * 8 + number;
                    ground.records(&format!("{name} A {}", ground.address(number)));
                    ground.server(number, MailServer::new(identity.clone()));
                }
            }
        })
        .without_rest(),
    ]
}
