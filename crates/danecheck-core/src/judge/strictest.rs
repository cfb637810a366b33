//! The strictest line with which mail is delivered now, for a partner whose DANE
//! or certificates are right, and for a server whose certificate is known.

use crate::observation::Assumption;
use crate::postfix::{
    HelloLimits, LineHello, Override, PolicyLine, SecurityLevel, ServerName, Settings,
};
use crate::sender::{Sender, System};
use crate::unix_time::UnixTime;

use super::caution::{caution, first_wait};
use super::evidence::Evidence;
use super::lines::{candidates, override_of, pins_of, secure_line, shown_to, with_older_tls};
use super::outcome::{Channel, Outcome};
use super::policy::PolicyRequest;
use super::sending::Sending;
use super::verdict::Verdict;

/// The strictest line, and what it costs to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strictest {
    /// The line with its key; `None` if no line is known to deliver.
    pub entry: Option<Override>,
    /// What the line proves, or why there is none, in one sentence.
    pub reason: String,
    /// What will break it.
    pub breaks_when: Option<String>,
    /// How to notice that before mail waits.
    pub notice: Option<String>,
    /// What to check before it is set, if the line in force asks for more or for
    /// another proof that fails.
    pub caution: Option<String>,
}

impl Strictest {
    /// The ClientHello that the line may need beside the usual ones: that with the
    /// MX host's own name, for servers that show the right certificate to it
    /// alone.
    pub fn hello() -> LineHello {
        LineHello {
            dane_first: false,
            server_name: Some(ServerName::HostName),
            limits: HelloLimits::NONE,
        }
    }

    pub(crate) fn of(evidence: &Evidence<'_>, verdict: Verdict, sending: &Sending) -> Self {
        let none = |reason: &str| Self {
            entry: None,
            reason: reason.to_owned(),
            breaks_when: None,
            notice: None,
            caution: None,
        };
        if verdict == Verdict::Indeterminate {
            return none("Too little was seen to say which line delivers.");
        }
        if evidence.observation.assumed == Some(Assumption::DnsOnly) {
            return none("No server was looked at, so no certificate is known that passes.");
        }
        let Some(line) = strictest(evidence, sending.settings) else {
            return none("No line is known to deliver at every attempt.");
        };
        let next_hop = &evidence.observation.next_hop;
        let level = line.level;
        Self {
            reason: proves(&line).to_owned(),
            breaks_when: Some(breaks_when(level, first_end(evidence, &line))),
            notice: Some(notice(level, &sending.sender, &next_hop.to_string())),
            caution: first_wait(
                evidence,
                &sending.outcome,
                caution(evidence, &sending.in_force, sending.settings, &line),
            ),
            entry: Some(override_of(evidence, line)),
        }
    }
}

/// The first line of the strictest level that delivers at once, whatever Postfix
/// chooses; for `may` and `none`, at once or after the retry.
fn strictest(evidence: &Evidence<'_>, settings: Settings) -> Option<PolicyLine> {
    use SecurityLevel::{DaneOnly, Encrypt, Fingerprint, May, None as Plain, Secure, Verify};
    let with_name = |line: PolicyLine| {
        let named = PolicyLine {
            server_name: Some(ServerName::HostName),
            ..line.clone()
        };
        [line, named]
    };
    let pinned = |sni: bool| PolicyLine {
        matches: pins_of(evidence, sni),
        server_name: sni.then_some(ServerName::HostName),
        ..PolicyLine::plain(Fingerprint)
    };
    let secure = secure_line(evidence, settings).filter(|line| {
        // Whether the name is needed is decided there.
        is_told(evidence, line, settings)
    });
    let pins = [pinned(false), pinned(true)];
    // Without names it is that of the next hop itself, which no DNS answer can
    // change.
    let lines = std::iter::once(PolicyLine::plain(DaneOnly))
        .chain(with_name(PolicyLine::plain(Secure)))
        .chain(secure)
        .chain(with_name(PolicyLine::plain(Verify)))
        .chain(pins.into_iter().filter(|line| !line.matches.is_empty()))
        .chain(with_name(PolicyLine::plain(Encrypt)))
        .chain([PolicyLine::plain(May), PolicyLine::plain(Plain)]);
    lines
        .flat_map(|line| with_older_tls(line, settings))
        .find(|line| {
            let outcome = outcome(evidence, line, settings);
            let delivers = match line.level {
                May | Plain => outcome.delivers(),
                Encrypt => outcome.delivers_at_once(),
                _ => outcome.delivers_at_once() && outcome.channel == Some(Channel::Authenticated),
            };
            outcome.is_told() && delivers
        })
}

fn outcome(evidence: &Evidence<'_>, line: &PolicyLine, settings: Settings) -> Outcome {
    evidence.outcome(&PolicyRequest::of_line(line.clone(), settings))
}

fn is_told(evidence: &Evidence<'_>, line: &PolicyLine, settings: Settings) -> bool {
    outcome(evidence, line, settings).is_told()
}

/// The end of the first certificate of a server that the line depends on.
fn first_end(evidence: &Evidence<'_>, line: &PolicyLine) -> Option<UnixTime> {
    let sni = line.server_name == Some(ServerName::HostName);
    let leaves = candidates(evidence).iter().filter_map(|candidate| {
        let host = evidence.hosts.get(candidate.host)?;
        let address = host.addresses.get(candidate.address)?;
        let session = shown_to(address, sni.then_some(host.seen.name.as_str()))?;
        Some(session.chain.first()?.as_ref().ok()?.not_after())
    });
    leaves.min()
}

fn proves(line: &PolicyLine) -> &'static str {
    match line.level {
        SecurityLevel::DaneOnly => {
            "DANE proves who answers: a secure TLSA record matches the server, or no mail goes."
        }
        SecurityLevel::Secure if line.matches.is_empty() => {
            "A trusted CA proves that the server has the name of the next hop, or one below it, \
             whatever DNS says."
        }
        SecurityLevel::Secure => {
            "A trusted CA proves that the server has one of these names, whatever DNS says."
        }
        SecurityLevel::Verify => {
            "A trusted CA proves that the server is the MX host that DNS names."
        }
        SecurityLevel::Fingerprint => "The server has one of these keys, or no mail goes.",
        SecurityLevel::Encrypt => "Mail goes in TLS alone. Nothing proves who answers.",
        SecurityLevel::May => "Mail goes in TLS where that works, and in plain text where not.",
        _ => "Mail goes in plain text.",
    }
}

fn breaks_when(level: SecurityLevel, end: Option<UnixTime>) -> String {
    let end = end.map_or_else(String::new, |end| {
        format!(" The first certificate ends on {}.", end.day())
    });
    match level {
        SecurityLevel::DaneOnly => {
            "It breaks when the receiver gives up DNSSEC or TLSA records, or changes a key without \
             its record."
                .to_owned()
        }
        SecurityLevel::Secure | SecurityLevel::Verify => format!(
            "It breaks when the receiver moves to MX hosts of other names or to a CA that you do \
             not trust, or lets a certificate end.{end}"
        ),
        SecurityLevel::Fingerprint => format!(
            "It breaks with the receiver's next key, at the latest when the certificate is renewed \
             with a new one. It needs smtp_tls_fingerprint_digest = sha256.{end}"
        ),
        SecurityLevel::Encrypt => {
            "It breaks when a server no longer offers STARTTLS, or only TLS that you do not accept."
                .to_owned()
        }
        _ => "TLS cannot break it: it asks for none.".to_owned(),
    }
}

fn notice(level: SecurityLevel, sender: &Sender, next_hop: &str) -> String {
    // mailcow has its table in its API.
    let table = match sender.system {
        System::Mailcow => "--mailcow-api https://MAILCOW",
        System::Postfix | System::Local => "TABLE",
    };
    let options = match sender.options() {
        options if options.is_empty() => options,
        options => format!("{options} "),
    };
    match level {
        SecurityLevel::DaneOnly => format!(
            "Run `danecheck --require-dane {next_hop}` every day: it exits with 2 as soon as DANE \
             does not cover every server, and warns before signatures end."
        ),
        SecurityLevel::Fingerprint => format!(
            "Run `danecheck overrides {table}` every day: it exits with 2 when mail waits because \
             of a line. Ask the receiver for the next key before it is used, and list both pins: \
             match=OLD|NEW."
        ),
        SecurityLevel::Secure | SecurityLevel::Verify | SecurityLevel::Encrypt => format!(
            "Run `danecheck overrides {table}` every day: it exits with 2 when mail waits because \
             of a line. `danecheck {options}--warn-days 14 {next_hop}` warns before a certificate \
             ends."
        ),
        _ => format!(
            "Run `danecheck {options}--strictest {next_hop}` again from time to time: a stricter \
             line may deliver by then."
        ),
    }
}
