//! A list of TLS protocols, as `smtp_tls_protocols` and `protocols=` have it
//! (`tls_proto_mask_lims` in Postfix's `tls_misc.c`).

use super::tls_version::TlsVersion;

/// The meaning of names and numbers: the TLS versions, and the SSL versions
/// before, which OpenSSL 3 does not support.
const NAMES: [(&str, u32); 6] = [
    ("SSLv2", 0x0200),
    ("SSLv3", 0x0300),
    ("TLSv1", 0x0301),
    ("TLSv1.1", 0x0302),
    ("TLSv1.2", 0x0303),
    ("TLSv1.3", 0x0304),
];

/// The oldest version of TLS that a list allows, or why there is none.
pub(crate) fn oldest(list: &str) -> Result<TlsVersion, String> {
    allowed(list)?.first().copied().ok_or_else(|| none(list))
}

/// The versions of TLS that a list allows, the oldest first and at least one,
/// or why there is none.
pub(crate) fn allowed(list: &str) -> Result<Vec<TlsVersion>, String> {
    let mut lowest = 0;
    let mut highest = u32::MAX;
    let mut included: Vec<u32> = Vec::new();
    let mut excluded: Vec<u32> = Vec::new();
    let separators = |c: char| c.is_ascii_whitespace() || c == ',' || c == ':';
    for item in list.split(separators).filter(|item| !item.is_empty()) {
        if let Some(bound) = item.strip_prefix(">=") {
            lowest = limit(bound)?.unwrap_or(0);
        } else if let Some(bound) = item.strip_prefix("<=") {
            highest = limit(bound)?.unwrap_or(u32::MAX);
        } else if let Some(name) = item.strip_prefix('!') {
            excluded.push(number(name)?);
        } else {
            included.push(number(item)?);
        }
    }
    let allowed = |version: &TlsVersion| {
        let (_, number) = NAMES
            .into_iter()
            .find(|(name, _)| *name == version.as_str())
            .unwrap_or_default();
        (lowest..=highest).contains(&number)
            && !excluded.contains(&number)
            && (included.is_empty() || included.contains(&number))
    };
    let versions: Vec<TlsVersion> = TlsVersion::ALL.into_iter().filter(allowed).collect();
    if versions.is_empty() {
        return Err(none(list));
    }
    Ok(versions)
}

/// A list that allows these versions of TLS and no others.
pub(crate) fn list(versions: &[TlsVersion]) -> String {
    match versions.first() {
        Some(oldest) if TlsVersion::ALL.ends_with(versions) => format!(">={oldest}"),
        _ => {
            let names = versions.iter().map(|version| version.as_str());
            names.collect::<Vec<_>>().join(":")
        }
    }
}

fn none(list: &str) -> String {
    format!("`{list}` allows no version of TLS")
}

fn number(name: &str) -> Result<u32, String> {
    NAMES
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, number)| number)
        .ok_or_else(|| format!("unknown TLS protocol `{name}`"))
}

/// A name, `None` for no limit, or a number as OpenSSL has it.
fn limit(bound: &str) -> Result<Option<u32>, String> {
    if bound.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let hexadecimal = bound.strip_prefix("0x").or(bound.strip_prefix("0X"));
    if let Some(number) = hexadecimal.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
        return Ok(Some(number));
    }
    number(bound).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_version_that_a_list_allows_is_found() {
        use TlsVersion::{Tls10, Tls11, Tls12, Tls13};
        for (list, version) in [
            ("", Some(Tls10)),
            (">=TLSv1", Some(Tls10)),
            (">=TLSv1.2", Some(Tls12)),
            (">=tlsv1.2", Some(Tls12)),
            (">=0x0303", Some(Tls12)),
            ("!SSLv2, !SSLv3", Some(Tls10)),
            ("!SSLv2,!SSLv3,!TLSv1,!TLSv1.1", Some(Tls12)),
            ("!SSLv2:!SSLv3:!TLSv1", Some(Tls11)),
            ("TLSv1.3", Some(Tls13)),
            ("TLSv1.2 TLSv1.3", Some(Tls12)),
            (">=None", Some(Tls10)),
            ("<=TLSv1.2", Some(Tls10)),
            ("SSLv3", None),
            (">=TLSv1.3:<=TLSv1.2", None),
            ("TLSv2", None),
            (">TLSv1.2", None),
            (">=TLS", None),
        ] {
            assert_eq!(oldest(list).ok(), version, "{list}");
        }
    }
}
