//! Which lines of a log are worth parsing: a log of gigabytes is looked through
//! for words before anything else.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;

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
    "smtp_tls_policy_maps",
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
