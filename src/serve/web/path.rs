//! The address of a look: `/check/` with the target, and what of it is wanted.

use std::fmt::Write as _;

use danecheck_core::next_hop::NextHop;

/// Where looks are.
pub(super) const CHECK: &str = "/check";

/// What of a look is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The page.
    Page,
    /// What happens while it runs.
    Events,
    /// The report as JSON.
    Json,
}

impl Wanted {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Page => "",
            Self::Events => "/events",
            Self::Json => ".json",
        }
    }
}

/// The target in a path, as it was written, and what is wanted of it; `None` if
/// the path is not one of a look.
pub(super) fn read(path: &str) -> Option<(String, Wanted)> {
    let rest = path.strip_prefix(CHECK)?.strip_prefix('/')?;
    let wanted = [Wanted::Events, Wanted::Json, Wanted::Page];
    let (target, wanted) = wanted
        .into_iter()
        .find_map(|wanted| Some((rest.strip_suffix(wanted.suffix())?, wanted)))?;
    (!target.is_empty()).then(|| (decoded(target), wanted))
}

/// The path of a target.
pub(super) fn of(target: &NextHop, wanted: Wanted) -> String {
    let mut path = format!("{CHECK}/");
    for byte in target.to_string().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' => {
                path.push(char::from(byte));
            }
            _ => {
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    path + wanted.suffix()
}

/// The text with its percent signs read (RFC 3986 section 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = match (first, after.split_at_checked(2)) {
            (b'%', Some((digits, left))) => std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .map(|byte| (byte, left)),
            _ => None,
        };
        let (byte, left) = byte.unwrap_or((*first, after));
        bytes.push(byte);
        rest = left;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_target() {
        for (path, expected) in [
            ("/check/example.com", Some(("example.com", Wanted::Page))),
            (
                "/check/example.com.json",
                Some(("example.com", Wanted::Json)),
            ),
            (
                "/check/example.com/events",
                Some(("example.com", Wanted::Events)),
            ),
            (
                "/check/%5Bmx.example%5D:25",
                Some(("[mx.example]:25", Wanted::Page)),
            ),
            (
                "/check/b%C3%BCcher.example",
                Some(("b\u{fc}cher.example", Wanted::Page)),
            ),
            ("/check/%zz%4", Some(("%zz%4", Wanted::Page))),
            ("/check/%+1", Some(("%+1", Wanted::Page))),
            ("/check/%ff", Some(("\u{fffd}", Wanted::Page))),
            ("/check/", None),
            ("/check/.json", None),
            ("/check//events", None),
            ("/checks/a", None),
            ("/check", None),
        ] {
            let read = read(path);
            let read = read
                .as_ref()
                .map(|(target, wanted)| (target.as_str(), *wanted));
            assert_eq!(read, expected, "{path}");
        }
        for target in [
            "example.com",
            "[mx.example.com]:587",
            "[2001:db8::1]",
            "a_b.example:25",
        ] {
            let target: NextHop = target.parse().unwrap();
            for wanted in [Wanted::Page, Wanted::Json, Wanted::Events] {
                let path = of(&target, wanted);
                assert!(path.parse::<hyper::Uri>().is_ok(), "{path}");
                assert_eq!(read(&path), Some((target.to_string(), wanted)));
            }
        }
    }
}
