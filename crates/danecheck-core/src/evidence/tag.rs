//! The program that wrote a line, and where such a line begins, however it was
//! carried here.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::destination::split;

/// The programs of Postfix, after the slash of the tag, and whether they look TLS
/// policies up or connect to next hops. What the others write has names and subjects
/// that outsiders gave.
const DAEMONS: &[(&str, bool)] = &[
    ("anvil", false),
    ("bounce", false),
    ("cleanup", false),
    ("defer", false),
    ("discard", false),
    ("dnsblog", false),
    ("error", true),
    ("flush", false),
    ("lmtp", true),
    ("local", false),
    ("master", true),
    ("nqmgr", true),
    ("oqmgr", true),
    ("pickup", false),
    ("pipe", false),
    ("postlogd", true),
    ("postscreen", false),
    ("proxymap", true),
    ("proxywrite", true),
    ("qmgr", false),
    ("qmqpd", false),
    ("relay", true),
    ("retry", true),
    ("scache", true),
    ("showq", false),
    ("smtp", true),
    ("smtpd", false),
    ("spawn", false),
    ("tlsmgr", true),
    ("tlsproxy", true),
    ("trace", false),
    ("trivial-rewrite", true),
    ("verify", false),
    ("virtual", false),
];

/// Programs whose name alone says that Postfix wrote the line. `smtpd` and
/// `local` are others' too.
const BARE: &[&str] = &["smtp", "lmtp", "qmgr", "cleanup", "trivial-rewrite"];

/// Whether it looks TLS policies up or connects to next hops; `None` if it is no
/// program of Postfix.
fn daemon(name: &str) -> Option<bool> {
    let at = DAEMONS.binary_search_by_key(&name, |(name, _)| name);
    let (_, may_warn) = DAEMONS.get(at.ok()?)?;
    Some(*may_warn)
}

/// Whether a process, `smtp[8410`, may say something of a next hop.
pub(super) fn may_warn(process: &str) -> bool {
    let name = process.split('[').next().unwrap_or(process);
    daemon(name).unwrap_or(true)
}

/// The program that wrote a line.
pub(super) struct Tag<'a> {
    pub(super) process: &'a str,
    pub(super) instance: &'a str,
    pub(super) message: &'a str,
}

impl<'a> Tag<'a> {
    pub(super) fn find(line: &'a str) -> Option<Self> {
        if let Some(tag) = Self::of_rfc5424(line) {
            return Some(tag);
        }
        // `TIME HOST PROGRAM[PID]: MESSAGE`; what carries the line may have
        // such a tag itself.
        let mut rest = line;
        let mut found_any = false;
        for _ in 0..3 {
            let Some((before, message)) = split(&END_OF_PID, rest) else {
                break;
            };
            if let Some((token, program)) = with_pid(before) {
                found_any = true;
                if let Some(instance) = instance_of(program) {
                    return heads_line(before_tag(line, rest, before, token)).then(|| Self {
                        process: token.rsplit_once('/').map_or(token, |(_, process)| process),
                        instance,
                        message: message.trim_start(),
                    });
                }
            }
            rest = message;
        }
        if found_any {
            return None;
        }
        // No pid.
        let mut rest = line;
        for _ in 0..4 {
            let (before, message) = split(&END_OF_TAG, rest)?;
            let program = last_token(before);
            if program.contains('/')
                && let Some(instance) = instance_of(program)
            {
                return heads_line(before_tag(line, rest, before, program)).then(|| Self {
                    process: program.rsplit_once('/').map_or(program, |(_, name)| name),
                    instance,
                    message: message.trim_start(),
                });
            }
            rest = message;
        }
        None
    }

    /// RFC 5424 6: `<PRI>1 TIME HOST PROGRAM PID ID DATA MESSAGE`.
    fn of_rfc5424(line: &'a str) -> Option<Self> {
        let (_, rest) = line.trim_start().strip_prefix('<')?.split_once(">1 ")?;
        let mut parts = rest.splitn(6, ' ');
        let program = parts.nth(2)?;
        let _pid = parts.next()?;
        let _id = parts.next()?;
        let rest = parts.next()?;
        let message = match rest.strip_prefix("- ") {
            Some(message) => message,
            None => after_structured_data(rest),
        };
        let instance = instance_of(program)?;
        Some(Self {
            process: program.rsplit_once('/').map_or(program, |(_, name)| name),
            instance,
            message: message.trim_start_matches('\u{feff}').trim_start(),
        })
    }
}

pub(super) static END_OF_PID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("]:"));

static END_OF_TAG: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(": "));

/// What follows `[id name="value"][id ...]` (RFC 5424 6.3), whose values may have
/// brackets.
fn after_structured_data(text: &str) -> &str {
    let (mut in_value, mut escaped, mut in_element) = (false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_value => escaped = true,
            '"' => in_value = !in_value,
            '[' if !in_value => in_element = true,
            ']' if !in_value => in_element = false,
            _ if in_element => {}
            _ => return text.get(at..).unwrap_or(text),
        }
    }
    text
}

/// `PROGRAM[PID` and `PROGRAM` at the end of what stands before `]:`.
pub(super) fn with_pid(before: &str) -> Option<(&str, &str)> {
    let token = last_token(before);
    let (program, pid) = token.rsplit_once('[')?;
    let is_pid = !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit());
    is_pid.then_some((token, program))
}

fn last_token(text: &str) -> &str {
    let ends = |byte| matches!(byte, b' ' | b'\t' | b'|' | b'"' | b'`' | b'\'' | b'>');
    let from = text.bytes().rposition(ends).map_or(0, |at| at + 1);
    text.get(from..).unwrap_or(text)
}

/// What stands in a line before a tag: at the end of `before`, which `rest`, the end
/// of the line, begins with.
fn before_tag<'a>(line: &'a str, rest: &str, before: &str, tag: &str) -> &'a str {
    let begin = line.len().saturating_sub(rest.len());
    let length = before.len().saturating_sub(tag.len());
    line.get(..begin + length).unwrap_or_default()
}

/// Whether a line may begin after these words: what carries logs hands whole lines
/// on. Programs write what outsiders sent them (names, subjects, addresses) behind
/// words of their own.
pub(super) fn heads_line(before: &str) -> bool {
    let mut labels = 0;
    let mut from = 0;
    for (at, _) in before.match_indices(": ") {
        let label = last_token(before.get(from..at).unwrap_or_default());
        if is_label(label) {
            labels += 1;
            from = at + 2;
        }
    }
    let tail = before.get(from..).unwrap_or_default().trim_start();
    // Names of files and containers, before the time of the line.
    let are_of_carriers = || {
        let labels = before.get(..from).unwrap_or_default();
        begins_with_time(tail) && !labels.contains("]: ") && !has_time(labels)
    };
    let is_line = tail.is_empty() || tail.starts_with(['[', '<', '{', '(', '"', '\'', '`']);
    match labels {
        0 => true,
        1 => is_line || begins_with_time(tail),
        _ => are_of_carriers(),
    }
}

/// Whether a text has `02:36`.
fn has_time(text: &str) -> bool {
    let mut windows = text.as_bytes().windows(3);
    windows.any(|three| {
        matches!(three, [before, b':', after] if before.is_ascii_digit() && after.is_ascii_digit())
    })
}

/// `PROGRAM`, `PROGRAM[PID]`, as programs and people write it before a text.
fn is_label(word: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./()[]".contains(&byte);
    !word.is_empty() && word.bytes().all(is_of_name)
}

/// The `syslog_name` of a program of Postfix; `None` for other programs.
pub(super) fn instance_of(program: &str) -> Option<&str> {
    if program.contains(['<', '=', '(', ',']) {
        return None;
    }
    match program.rsplit_once('/') {
        Some((instance, name)) => {
            let by_name = BARE.contains(&name) || daemon(name).is_some();
            let by_instance = instance
                .get(..7)
                .is_some_and(|head| head.eq_ignore_ascii_case("postfix"));
            (by_name || by_instance).then_some(instance)
        }
        None => BARE.contains(&program).then_some(""),
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn is_date(word: &str) -> bool {
    let separators = word.bytes().filter(|byte| b"-/.".contains(byte));
    word.len() >= 8 && word.starts_with(|c: char| c.is_ascii_digit()) && separators.count() >= 2
}

/// `Nov 22 02:36:41`, `2026-11-22T02:36:41`, `1795312923.123`.
fn begins_with_time(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_number = |word: &str| {
        let mut bytes = word.bytes();
        word.len() >= 8 && bytes.all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    MONTHS.contains(&first) || is_date(first) || is_number(first)
}

/// Whether a line begins as lines of logs do: with a time, a priority, or the
/// tag of a program. Other lines go on with what was there before.
pub(super) fn begins_record(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ', '\t', '`']);
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let timed = words
        .nth(1)
        .is_some_and(|third| third.bytes().filter(|byte| *byte == b':').count() == 2);
    (MONTHS.contains(&first) && timed)
        || (is_date(first) && !first.contains('=') && !first.contains('['))
        || (first.starts_with('<') && first.contains(">1"))
        || Tag::find(line).is_some()
}

/// Whether the program whose tag a line begins with is one of Postfix's.
pub(super) fn is_of_postfix(head: &str) -> bool {
    Tag::find(head).is_some()
}
