//! Files that are no policy table: each kind, and the way from it to a table.
//! Nothing of such a file is ever printed, because some hold passwords.

use strsim::osa_distance;

use crate::evidence::{Kind, Reading};
use crate::postfix::SecurityLevel;

/// What a file is instead of a table, and what to give in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is.
    pub what: &'static str,
    /// What to give.
    pub way: &'static str,
}

/// Tables that only Postfix can ask.
const ASK: &str = "Its answers: `danecheck --sender local TARGET...`, or `postmap -q NEXTHOP \
                   TYPE:FILE`";

/// Tables that are compiled.
const DUMP: &str = "Print it as text: `postmap -s TYPE:FILE | danecheck overrides -`. To change \
                    it, give the text from which postmap makes it";

/// The table that main.cf names.
const NAMED: &str = "Give the table that `postconf -h smtp_tls_policy_maps` names, or use \
                     `danecheck --sender local TARGET...`";

/// Evidence of waiting mail.
const TRIAGE: &str = "Give it to `danecheck triage`";

/// mailcow's list, for those who have its web page.
const LIST: &str = "Ask mailcow's API with its key: `curl -fsS -H \"X-API-Key: $KEY\" \
                    https://MAILCOW/api/v1/get/tls-policy-map/all`";

const UNPACK: &str = "Unpack it first";

const OTHER_PURPOSE: &str = "Give the table of TLS policies: `postconf -h smtp_tls_policy_maps` \
                             names it. Each of its lines has a next hop and a security level";

/// Lines of Postfix's main.cf, to tell it from other settings.
const MAIN_CF: &[&str] = &[
    "alias_",
    "append_",
    "biff",
    "command_directory",
    "compatibility_level",
    "daemon_directory",
    "data_directory",
    "default_",
    "debug",
    "header_checks",
    "inet_",
    "lmtp_",
    "local_",
    "mail_",
    "mailbox_",
    "masquerade_",
    "maximal_",
    "message_",
    "milter_",
    "minimal_",
    "my",
    "non_smtpd_milters",
    "policy-",
    "postscreen_",
    "queue_",
    "readme_directory",
    "recipient_",
    "relay",
    "sender_",
    "setgid_group",
    "smtp",
    "tls_",
    "tlsproxy_",
    "transport_",
    "unknown_",
    "virtual_",
];

/// Settings of tables that ask a database (mysql_table(5), pgsql_table(5),
/// ldap_table(5), sqlite_table(5), memcache_table(5)).
const DATABASE: &[&str] = &[
    "additional_conditions",
    "bind",
    "bind_dn",
    "bind_pw",
    "dbname",
    "dbpath",
    "domain",
    "hosts",
    "memcache",
    "password",
    "query",
    "query_filter",
    "result_attribute",
    "result_format",
    "search_base",
    "select_field",
    "server_host",
    "server_port",
    "start_tls",
    "table",
    "user",
    "where_field",
];

/// Bytes from which a text is known that is no list of lines.
const HEAD: usize = 2048;

/// What it is, if it is no table. `bytes` are not empty.
pub(super) fn recognise(bytes: &[u8]) -> Option<Foreign> {
    binary(bytes).or_else(|| text(&String::from_utf8_lossy(bytes)))
}

fn at<const N: usize>(bytes: &[u8], place: usize) -> Option<[u8; N]> {
    bytes.get(place..place + N)?.try_into().ok()
}

/// Whether one of these numbers stands there, in either order of bytes.
fn is_number(bytes: &[u8], place: usize, numbers: &[u32]) -> bool {
    at(bytes, place).is_some_and(|four| {
        numbers.contains(&u32::from_le_bytes(four)) || numbers.contains(&u32::from_be_bytes(four))
    })
}

fn binary(bytes: &[u8]) -> Option<Foreign> {
    let is = |what, way| Some(Foreign { what, way });
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let packed: &[&[u8]] = &[
        b"\x1f\x8b",
        b"\xfd7zXZ",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"PK\x03\x04",
        b"7z\xbc\xaf",
    ];
    if packed.iter().any(|magic| starts(magic)) {
        return is("a compressed file", UNPACK);
    }
    if starts(b"\xff\xfe") || starts(b"\xfe\xff") {
        return is("a text in UTF-16", "Save it as UTF-8");
    }
    if starts(b"SQLite format 3\0") {
        return is("an SQLite database", ASK);
    }
    // The magic numbers of Berkeley DB (hash, btree) and of LMDB.
    if is_number(bytes, 12, &[0x0006_1561, 0x0005_3162]) {
        return is("a database (hash: or btree:)", DUMP);
    }
    if is_number(bytes, 16, &[0xbeef_c0de]) {
        return is("a database (lmdb:)", DUMP);
    }
    let controls = bytes
        .iter()
        .filter(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n' | b'\x0c'))
        .count();
    // A cdb: file begins with 256 pointers, each behind them (cdb(5)).
    let is_cdb = at(bytes, 0).is_some_and(|first| {
        let pointer = usize::try_from(u32::from_le_bytes(first)).unwrap_or(0);
        (2048..=bytes.len()).contains(&pointer)
    });
    if controls > 0 && is_cdb {
        return is("a database (cdb:)", DUMP);
    }
    if starts(b"\x30\x82") || starts(b"\x30\x83") {
        return is("a certificate or a key (DER)", OTHER_PURPOSE);
    }
    if bytes.contains(&0) || controls * 20 > bytes.len() {
        return is("a binary file", DUMP);
    }
    None
}

/// What is logged, queued or reported, for `triage`.
pub(super) fn evidence(bytes: &[u8]) -> Option<Foreign> {
    let mut reading = Reading::default();
    reading.bytes(bytes);
    let triage = reading.triage();
    let input = triage
        .inputs
        .iter()
        .max_by_key(|input| input.understood)
        .filter(|input| input.kind.is_known())?;
    Some(match input.kind {
        Kind::Tlsrpt => Foreign {
            what: "a TLS report",
            way: "Give it to `danecheck explain --tlsrpt`",
        },
        kind => Foreign {
            what: kind.words().0,
            way: TRIAGE,
        },
    })
}

/// The lines of a text, counted by what they could be.
#[derive(Debug, Default)]
struct Lines {
    /// Those that do not begin with a blank.
    starts: usize,
    /// Those that do, before any other.
    lost: usize,
    /// Those of them that look like lines of a table.
    lost_entries: usize,
    /// A security level is the first word of the value.
    entries: usize,
    /// A name alone.
    bare: usize,
    settings: usize,
    of_main_cf: usize,
    of_database: usize,
    sections: usize,
    patterns: usize,
    conditions: usize,
    networks: usize,
    services: usize,
    with_colon: usize,
    passwords: usize,
    /// `user:password`, and nothing else.
    secrets: usize,
    transports: usize,
    accesses: usize,
    addresses: usize,
    statements: usize,
}

fn text(whole: &str) -> Option<Foreign> {
    let is = |what, way| Some(Foreign { what, way });
    let whole = whole.trim_start_matches('\u{feff}');
    let lines = || {
        whole
            .lines()
            .filter(|line| !matches!(line.trim_start().as_bytes(), [] | [b'#', ..]))
    };
    // Nothing, if there are only comments.
    lines().next()?;
    let mut head = String::new();
    for line in lines() {
        if head.len() > HEAD {
            break;
        }
        head.extend(line.trim_start().chars().take(HEAD));
        head.push('\n');
    }
    let head = head.to_ascii_lowercase();
    if lines().any(|line| line.contains("-----BEGIN ")) {
        return is("PEM: certificates or a key", OTHER_PURPOSE);
    }
    if ["<!doctype", "<html", "<?xml", "<head", "<body"]
        .iter()
        .any(|tag| head.starts_with(tag))
        || head.contains("<html")
        || (head.starts_with('<') && head.contains("</"))
    {
        return is("a web page, perhaps of an error or of a login", LIST);
    }
    if head.starts_with("curl: (") {
        return is("a message of curl, which failed", LIST);
    }
    if whole.starts_with("#!") || head.starts_with("<?php") {
        return is("a script", OTHER_PURPOSE);
    }
    if lines().any(|line| line.contains("inline:") || line.trim_start().starts_with("{ {")) {
        return is("a table inside main.cf (inline:)", NAMED);
    }
    if lines().any(|line| ["{{", "{%", "<%"].iter().any(|mark| line.contains(mark))) {
        return is(
            "a template (Jinja, ERB)",
            "Give the file that is made from it, and change the template by hand",
        );
    }
    if lines().any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) {
        return is(
            "a file with both sides of a merge in it",
            "Resolve the conflict first",
        );
    }
    let counted = Lines::of(lines());
    counted.kind().or_else(|| {
        // The lines of a policy table are never evidence.
        (counted.entries * 2 < counted.starts)
            .then(|| evidence(whole.as_bytes()))
            .flatten()
            .or_else(|| counted.other_table())
    })
}

impl Lines {
    fn of<'l>(lines: impl Iterator<Item = &'l str>) -> Self {
        let mut counted = Self::default();
        for line in lines {
            if line.starts_with(|c: char| c.is_ascii_whitespace()) {
                if counted.starts == 0 {
                    counted.lost += 1;
                    counted.lost_entries += usize::from(is_entry(line));
                }
                continue;
            }
            counted.starts += 1;
            counted.count(line.trim_end());
        }
        counted
    }

    fn count(&mut self, line: &str) {
        let (key, value) = match line.split_once(|c: char| c.is_ascii_whitespace()) {
            Some((key, value)) => (key, value.trim()),
            None => (line, ""),
        };
        let mut add = |is: bool, to: fn(&mut Self) -> &mut usize| *to(self) += usize::from(is);
        add(names_level(value), |it| &mut it.entries);
        add(value.is_empty(), |it| &mut it.bare);
        let name = setting(line);
        add(name.is_some(), |it| &mut it.settings);
        let begins = |lists: &[&str]| {
            name.is_some_and(|name| lists.iter().any(|known| name.starts_with(known)))
        };
        add(begins(MAIN_CF), |it| &mut it.of_main_cf);
        let asks = name.is_some_and(|name| DATABASE.contains(&name));
        add(asks, |it| &mut it.of_database);
        let is_section = line.starts_with('[') && line.ends_with(']') && !line.contains('.');
        add(is_section, |it| &mut it.sections);
        add(is_pattern(key), |it| &mut it.patterns);
        let condition = line == "endif" || (key == "if" && is_condition(value));
        add(condition, |it| &mut it.conditions);
        add(is_network(key), |it| &mut it.networks);
        add(is_service(line), |it| &mut it.services);
        let colon = key.ends_with(':') && !key.starts_with('[') || key == "-" || line == "---";
        add(colon, |it| &mut it.with_colon);
        add(is_password(value), |it| &mut it.passwords);
        let is_secret = is_password(value) && !value.contains(char::is_whitespace);
        add(is_secret && !names_level(value), |it| &mut it.secrets);
        add(is_transport(value), |it| &mut it.transports);
        add(is_access(value), |it| &mut it.accesses);
        add(value.contains('@') || key.starts_with('@'), |it| {
            &mut it.addresses
        });
        add(is_statement(key), |it| &mut it.statements);
    }

    /// Most lines are of this kind.
    fn most(&self, count: usize) -> bool {
        count * 2 >= self.starts && count > 0
    }

    /// A kind that its lines show.
    fn kind(&self) -> Option<Foreign> {
        let is = |what, way| Some(Foreign { what, way });
        let patterns = "a table of patterns (pcre: or regexp:)";
        if self.starts == 0 || self.lost_entries > 1 {
            return is(
                "indented, as a sample in a text is: Postfix ignores such lines",
                "Remove the blanks at the beginning of its lines",
            );
        }
        if self.conditions > 0 && self.networks > self.patterns {
            return is("a table of networks (cidr:)", ASK);
        }
        if self.conditions > 0 {
            return is(patterns, ASK);
        }
        if self.most(self.patterns) {
            return is(patterns, ASK);
        }
        if self.most(self.networks) {
            return is("a table of networks (cidr:)", ASK);
        }
        if self.most(self.services) {
            return is("Postfix's master.cf", NAMED);
        }
        if self.of_database > 1 || self.of_database == self.settings && self.most(self.settings) {
            return is("the settings of a table in a database (mysql:, ldap:)", ASK);
        }
        if self.most(self.of_main_cf) || self.of_main_cf > 1 {
            return is("Postfix's main.cf", NAMED);
        }
        if self.most(self.settings + self.sections) && self.settings > 0 {
            return is("settings of a program", NAMED);
        }
        if self.most(self.statements) {
            return is("SQL", ASK);
        }
        if self.most(self.with_colon) {
            return is("YAML, or a table of aliases", OTHER_PURPOSE);
        }
        if self.secrets > 0 && self.entries > 0 {
            return is("a table with a password in it", OTHER_PURPOSE);
        }
        None
    }

    /// A table for another purpose, or no table at all: hardly a line has a
    /// level.
    fn other_table(&self) -> Option<Foreign> {
        let with_value = self.starts - self.bare;
        if self.entries * 2 >= with_value && self.entries > 0 {
            return None;
        }
        let what = if self.most(self.passwords) {
            "a table of passwords (smtp_sasl_password_maps)"
        } else if self.most(self.transports) {
            "a table of transports (transport_maps)"
        } else if self.most(self.accesses) {
            "a table of access rules"
        } else if self.most(self.addresses) {
            "a table of addresses"
        } else if with_value == 0 {
            return Some(Foreign {
                what: "a list of names without TLS levels",
                way: "To check them: `danecheck - < FILE`",
            });
        } else {
            "a text of another kind: hardly any line has a next hop and a TLS security level"
        };
        Some(Foreign {
            what,
            way: OTHER_PURPOSE,
        })
    }
}

/// Whether it is a next hop and a level.
fn is_entry(line: &str) -> bool {
    let words = line.trim().split_once(|c: char| c.is_ascii_whitespace());
    words.is_some_and(|(key, value)| key.contains(['.', '[']) && names_level(value.trim()))
}

/// Whether the first word is a level, or a slip of the pen for one.
fn names_level(value: &str) -> bool {
    let word = value
        .split([' ', '\t', ','])
        .next()
        .unwrap_or_default()
        .trim_start_matches(['=', '"', '\''])
        .trim_end_matches(['"', '\'', ';'])
        .to_ascii_lowercase();
    if word == "half-dane" {
        return true;
    }
    SecurityLevel::ALL.iter().any(|level| {
        let level = level.as_str();
        let slips = if level.len() > 5 { 2 } else { 1 };
        osa_distance(level, &word) <= slips
    })
}

/// The name in `name = value`; a next hop has a dot or a bracket.
fn setting(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    is_name.then_some(name)
}

fn is_pattern(key: &str) -> bool {
    key.starts_with('/') || key.starts_with("!/")
}

fn is_condition(value: &str) -> bool {
    is_pattern(value) || is_network(value.trim_start_matches('!'))
}

/// `192.0.2.0/24`, `!2001:db8::/32`.
fn is_network(key: &str) -> bool {
    let Some((address, length)) = key.trim_start_matches('!').split_once('/') else {
        return false;
    };
    address
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .is_ok()
        && length.trim_matches(']').parse::<u8>().is_ok()
}

/// `smtp inet n - y - - smtpd` (master(5)).
fn is_service(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(8).collect();
    let flag = |at: usize| matches!(words.get(at).copied(), Some("n" | "y" | "-"));
    words.len() == 8
        && matches!(
            words.get(1).copied(),
            Some("inet" | "unix" | "unix-dgram" | "fifo" | "pass")
        )
        && flag(2)
        && flag(3)
        && flag(4)
}

/// `user:password`, one word.
fn is_password(value: &str) -> bool {
    let Some((user, password)) = value.split_once(':') else {
        return false;
    };
    !user.is_empty() && !password.is_empty() && !is_transport(value) && !value.contains(": ")
}

/// `smtp:[relay.example]:25`, `error:5.1.2 text`, `lmtp:unix:private/x`.
fn is_transport(value: &str) -> bool {
    const TRANSPORTS: &[&str] = &[
        "discard", "error", "lmtp", "local", "pipe", "relay", "retry", "smtp", "smtps", "uucp",
        "virtual", "dovecot", "maildrop", "procmail",
    ];
    let Some((name, next_hop)) = value.split_once(':') else {
        return false;
    };
    TRANSPORTS.contains(&name) || name.is_empty() || next_hop.starts_with('[')
}

/// The actions of access(5).
fn is_access(value: &str) -> bool {
    let word = value.split_whitespace().next().unwrap_or_default();
    let is_code = word.len() == 3
        && word.starts_with(['4', '5'])
        && word.bytes().all(|byte| byte.is_ascii_digit());
    is_code
        || [
            "BCC", "DEFER", "DISCARD", "DUNNO", "FILTER", "HOLD", "INFO", "OK", "PERMIT",
            "PREPEND", "REDIRECT", "REJECT", "WARN",
        ]
        .iter()
        .any(|action| {
            word.get(..action.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(action))
                && (word.len() == action.len()
                    || word
                        .get(action.len()..)
                        .is_some_and(|rest| rest.starts_with('_')))
        })
}

fn is_statement(key: &str) -> bool {
    [
        "insert", "create", "select", "update", "delete", "drop", "replace", "begin", "begin;",
        "commit", "commit;", "alter", "use", "set", "lock", "unlock", "--", "values", ");",
    ]
    .contains(&key.to_ascii_lowercase().as_str())
        || key.starts_with("/*!")
        || key.starts_with("--")
}
