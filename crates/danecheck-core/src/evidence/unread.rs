//! What was not understood: what it looks like.

use super::exim::is_listed;

/// Whether bytes are no text: an archive, compressed data, another binary form.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    let magic: [&[u8]; 6] = [
        b"PK\x03\x04",
        b"\xfd7zXZ",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"7z\xbc\xaf",
        b"Rar!",
    ];
    bytes.contains(&0) || magic.iter().any(|magic| bytes.starts_with(magic))
}

/// What bytes that were not understood look like; `None` where that is not
/// known either.
pub(super) fn looks_like(head: &[u8]) -> Option<&'static str> {
    let text: String = String::from_utf8_lossy(head.get(..2048).unwrap_or(head))
        .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
        .to_ascii_lowercase();
    let starts = |magic: &[u8]| head.starts_with(magic);
    Some(match () {
        () if text.is_empty() => return None,
        () if starts(b"\x1f\x8b") => "a file that is compressed twice: pipe it through `gzip -dc`",
        () if starts(b"PK\x03\x04") => "a ZIP archive: unpack it first",
        () if starts(b"\xfd7zXZ") => "a file compressed by xz: pipe it through `xz -dc`",
        () if starts(b"\x28\xb5\x2f\xfd") => {
            "a file compressed by zstd: pipe it through `zstd -dc`"
        }
        () if starts(b"BZh") => "a file compressed by bzip2: pipe it through `bzip2 -dc`",
        () if starts(b"\x04\x22\x4d\x18") => "a file compressed by lz4: pipe it through `lz4 -dc`",
        () if starts(b"\x1f\x9d") => "a file compressed by compress: pipe it through `gzip -dc`",
        () if starts(b"7z\xbc\xaf") => "a 7z archive: unpack it first",
        () if starts(b"Rar!") => "a RAR archive: unpack it first",
        () if starts(b"\x78\x01") || starts(b"\x78\x9c") || starts(b"\x78\xda") => {
            "data compressed by zlib: unpack it first"
        }
        () if starts(b"%PDF") => "a PDF file",
        () if starts(b"LPKSHHRH") => "a journal file: read it with `journalctl --file`",
        () if starts(b"\xff\xfe") || starts(b"\xfe\xff") => "a text in UTF-16: save it as UTF-8",
        () if text.starts_with("<!doctype")
            || text.starts_with("<html")
            || text.contains("<head>") =>
        {
            "a web page, perhaps of an error"
        }
        () if text.starts_with("<?xml") => "XML",
        () if matches!(text.trim_end(), "[]" | "{}") => {
            "empty JSON, as mailcow's API gives where nothing waits, and elsewhere too"
        }
        () if text.starts_with(['{', '['])
            && text.contains("\"msg\"")
            && text.contains("\"type\"") =>
        {
            "an error of mailcow's API: check the key and the address"
        }
        () if text.contains("evpid=") => "an OpenSMTPD log",
        () if String::from_utf8_lossy(head).lines().any(is_listed) => {
            "Exim's queue, which has no reasons: give its main log"
        }
        () if text.contains("dovecot") => "a log of Dovecot",
        () if text.contains("-----q-id-----") => "sendmail's queue",
        () if text.contains("sendmail[") || text.contains("sm-mta[") => "a sendmail log",
        () if head.contains(&0) => "a binary file",
        () if text.contains("smtp_tls_") || text.contains("relayhost") => {
            "settings of Postfix: `danecheck --sender local` reads those of this machine"
        }
        () if text.starts_with(['{', '[']) => "JSON of another program",
        () => return None,
    })
}
