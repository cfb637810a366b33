//! Which part of a text a mail server wrote itself, and which it repeats: what
//! another server, or a command, answered is no word of its own. It names neither
//! the next hop nor a cause, except that it refuses TLS as it came out.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

/// The words after which an answer follows: Postfix's (`smtp_trouble.c`,
/// `smtp_proto.c`, `pipe_command.c`), and Exim's (`smtp.c`).
static LEADS: LazyLock<[Finder<'static>; 6]> = LazyLock::new(|| {
    [
        " said: ",
        " refused to talk to me: ",
        " refused to start TLS: ",
        "Command output: ",
        "SMTP error from remote mail server ",
        "LMTP error from remote mail server ",
    ]
    .map(Finder::new)
});

/// The server's own words, those that lead to an answer included, and the answer.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    if is_reply(text) {
        return ("", Some(text));
    }
    // Most texts have no answer, and no colon before a blank.
    if memmem::find(text.as_bytes(), b": ").is_none() {
        return (text, None);
    }
    let ends = LEADS.iter().filter_map(|lead| {
        let at = lead.find(text.as_bytes())?;
        Some(at + lead.needle().len())
    });
    match ends.min().and_then(|end| text.split_at_checked(end)) {
        Some((own, reply)) => (own, Some(reply)),
        None => (text, None),
    }
}

/// The server's own words alone.
pub(super) fn own(text: &str) -> &str {
    split(text).0
}

/// `454 4.7.0 ...`, as notices have it after `smtp;`.
fn is_reply(text: &str) -> bool {
    let mut characters = text.chars();
    matches!(characters.next(), Some('4' | '5'))
        && characters.by_ref().take(2).all(|c| c.is_ascii_digit())
        && matches!(characters.next(), Some(' ' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_begins_where_the_first_words_that_lead_to_one_end() {
        for (text, own, reply) in [
            ("no TLSA records found", "no TLSA records found", None),
            (
                "host mx[192.0.2.1] said: 450 host x said: y",
                "host mx[192.0.2.1] said: ",
                Some("450 host x said: y"),
            ),
            (
                "host mx[192.0.2.1] refused to talk to me: 554 no",
                "host mx[192.0.2.1] refused to talk to me: ",
                Some("554 no"),
            ),
            ("450 4.2.0 later", "", Some("450 4.2.0 later")),
            (
                "temporary failure. Command output: x",
                "temporary failure. Command output: ",
                Some("x"),
            ),
            ("", "", None),
        ] {
            assert_eq!(split(text), (own, reply), "{text}");
        }
    }
}
