//! What carried a line here, taken off it: colours, quotation marks, markup,
//! what containers write before it.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::Finder;

/// Bytes as text; most lines are UTF-8. Web pages and word processors write
/// blanks that do not break, and characters that nobody sees.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    if text.is_ascii() || !text.contains(|c| c == NO_BREAK || is_invisible(c)) {
        return text;
    }
    let visible = text.chars().filter(|c| !is_invisible(*c));
    let plain = visible.map(|c| if c == NO_BREAK { ' ' } else { c });
    Cow::Owned(plain.collect())
}

/// A blank that does not break.
const NO_BREAK: char = '\u{a0}';

/// Characters that web pages put into long words so that these can be wrapped.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}')
}

/// The line without what colours it in a terminal (ECMA-48 5.4).
pub(super) fn without_escapes(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr(ESCAPE, line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut plain = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != ESCAPE {
            plain.push(byte);
        } else if bytes.next() == Some(b'[') {
            // Parameters, then one final byte.
            let _ = bytes.find(|byte| (0x40..=0x7e).contains(byte));
        }
    }
    Cow::Owned(plain)
}

const ESCAPE: u8 = 0x1b;

/// The line without the marks of a quotation, and without what `docker compose`
/// and `kubectl logs --prefix` write before each line.
pub(super) fn unquoted(line: &str) -> &str {
    let mut rest = line;
    while let Some(after) = rest.strip_prefix('>') {
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    if let Some((pod, after)) = rest.split_once(']')
        && pod.starts_with("[pod/")
    {
        return after.strip_prefix(' ').unwrap_or(after);
    }
    let (name, after) = match rest.split_once(" | ") {
        Some(both) => both,
        None => (rest.strip_suffix(" |").unwrap_or_default(), ""),
    };
    match is_container(name) {
        true => after,
        false => rest,
    }
}

/// `postfix-mailcow-1  `, `postfix.1.abc@node  `.
fn is_container(name: &str) -> bool {
    let name = name.trim_end();
    name.contains(['-', '_', '.'])
        && name.len() <= 100
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@'))
}

/// What Kubernetes and podman write before a line: whether the line goes on in the
/// next (`TIME stdout P `) or ends (`TIME stdout F `), the line, and whether it is of
/// standard error.
pub(super) fn of_container(line: &str) -> Option<(bool, &str, bool)> {
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (_, rest) = line.split_once(' ')?;
    let (stream, rest) = rest.split_once(' ')?;
    let of_errors = match stream {
        "stdout" => false,
        "stderr" => true,
        _ => return None,
    };
    match rest.strip_prefix("P ") {
        Some(rest) => Some((true, rest, of_errors)),
        None => Some((false, rest.strip_prefix("F ")?, of_errors)),
    }
}

/// Whether a text has a `=` as quoted-printable writes it.
pub(super) fn is_quoted_printable(text: &str) -> bool {
    EQUALS.find(text.as_bytes()).is_some()
}

static MARKUP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("</"));

/// What web pages mark words with.
const TAGS: &[&str] = &[
    "<b>",
    "</b>",
    "<em>",
    "</em>",
    "<strong>",
    "</strong>",
    "<mark>",
    "</mark>",
    "</span>",
];

static EQUALS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("=3D"));

/// The text without the entities of HTML that logs need, and without what
/// quoted-printable makes of `=` (RFC 2045 6.7).
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if is_quoted_printable(text) {
        let plain = text.replace("=3D", "=");
        return Cow::Owned(unescaped(&plain).into_owned());
    }
    if MARKUP.find(text.as_bytes()).is_some() && TAGS.iter().any(|tag| text.contains(tag)) {
        let mut plain = text.to_owned();
        for tag in TAGS {
            plain = plain.replace(tag, "");
        }
        return Cow::Owned(unescaped(&plain).into_owned());
    }
    if memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = text.to_owned();
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#039;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        if plain.contains(entity) {
            plain = plain.replace(entity, character);
        }
    }
    Cow::Owned(plain)
}
