//! Which lines of a log are worth parsing: a log of gigabytes is looked through
//! for words before anything else.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::{self, Finder};
use memchr::{memchr, memrchr};

use super::tag::is_of_postfix;

/// Words of which a line has one, if it says anything about waiting mail.
const WORDS: &[&str] = &[
    // Before these the index matters, see `of`.
    "status=",
    "to=<",
    "to=&lt;",
    // Postfix about its next delivery, and remarks.
    "verification failed",
    "not designated",
    "TLSA",
    "TLS policy lookup",
    "tls_policy_maps",
    "lookup error",
    "DNSSEC",
    "dane configured",
    "dns resolver options",
    "TLS protocol list",
    "cipher grade",
    "cipher exclusion",
    "fingerprints to match",
    "TLS engine",
    "policy table",
    "matching type: ",
    // Exim.
    " == ",
    " ** ",
    "DANE attempt",
    // Stalwart.
    "(dane.",
    "(delivery.",
    "(mta-sts.",
    "(queue.",
    "(tls.",
    // maddy.
    "delivery attempt failed",
    // Their other lines, where syslog carried them.
    "exim[",
    "maddy[",
    "stalwart[",
    // In quoted-printable.
    "to=3D<",
    // Queue listings.
    "-Queue ID-",
    "queue is empty",
];

/// Where the first word of a line is, and which.
struct Filter {
    /// By vectors, where the processor has them.
    quick: Option<Searcher>,
    any: Option<AhoCorasick>,
}

static FILTER: LazyLock<Filter> = LazyLock::new(|| Filter {
    quick: Searcher::new(WORDS),
    any: AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(WORDS)
        .ok(),
});

static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" status="));

/// What a line may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// A mail was delivered.
    Delivered,
    /// Something else that has to be read.
    Something,
    /// Nothing about waiting mail.
    Nothing,
}

/// What a line may say.
pub(super) fn says(line: &[u8]) -> Says {
    let found = match (&FILTER.quick, &FILTER.any) {
        (Some(quick), _) => quick.find(line),
        (None, Some(any)) => any.find(line),
        (None, None) => return Says::Something,
    };
    let Some(found) = found else {
        return Says::Nothing;
    };
    let rest = line.get(found.start()..).unwrap_or_default();
    let status = match found.pattern().as_u32() {
        0 => Some(rest),
        1 => STATUS.find(rest).and_then(|at| rest.get(at + 1..)),
        _ => None,
    };
    // The text after it is the other server's, and says nothing here.
    match status {
        Some(status) if status.starts_with(b"status=sent (") => Says::Delivered,
        _ => Says::Something,
    }
}

/// `smtp[123` of `... postfix/smtp[123]: ...`.
pub(super) fn process_of(line: &[u8]) -> String {
    let tag = memmem::find(line, b"]:")
        .and_then(|at| line.get(..at))
        .unwrap_or_default();
    let from = memrchr(b'/', tag).map_or(0, |at| at + 1);
    String::from_utf8_lossy(tag.get(from..).unwrap_or_default()).into_owned()
}

/// `Nov 22 02:36:41 ` or `2026-11-22T02:36:41`.
pub(super) fn begins_as_syslog(line: &[u8]) -> bool {
    let at = |place: usize| line.get(place).copied();
    let traditional = at(3) == Some(b' ') && at(9) == Some(b':') && at(12) == Some(b':');
    let of_rfc3339 = at(4) == Some(b'-') && at(10) == Some(b'T') && at(13) == Some(b':');
    traditional || of_rfc3339
}

/// Whether the tag of a line is one of Postfix's; the quick way for most lines.
pub(super) fn tag_is_of_postfix(line: &[u8]) -> bool {
    // `postfix/NAME[123]:` at the first bracket.
    if let Some(tag) = memchr(b']', line).and_then(|at| line.get(..at))
        && line.get(tag.len() + 1) == Some(&b':')
        && let Some(from) = memrchr(b' ', tag)
        && tag
            .get(from + 1..)
            .is_some_and(|tag| tag.starts_with(b"postfix/"))
    {
        return true;
    }
    let head = match memmem::find(line, b"]:") {
        Some(at) => line.get(..at + 2).unwrap_or(line),
        None => line.get(..400).unwrap_or(line),
    };
    std::str::from_utf8(head).is_ok_and(is_of_postfix)
        || String::from_utf8_lossy(head).contains('\u{fffd}')
            && is_of_postfix(&String::from_utf8_lossy(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_delivered_is_not_read_and_everything_else_is() {
        let sent = "Nov 22 02:36:41 mx postfix/smtp[1]: 4E: to=<u@a.example>, relay=mx[192.0.2.1]:25, \
                    dsn=2.0.0, status=sent (250 status=deferred TLSA)";
        assert_eq!(says(sent.as_bytes()), Says::Delivered);
        assert_eq!(
            says(sent.replace("=sent", "=deferred").as_bytes()),
            Says::Something
        );
        assert_eq!(says(b"4E: client=x[192.0.2.1]"), Says::Nothing);
    }
}
