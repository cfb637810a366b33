//! Targets and files.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use crate::observe::{Resolver, TrustStore, TrustStoreError};
use danecheck_validation::trust_anchor::RootAnchors;

use super::environment::Environment;
use super::stop::Stop;

/// A longer line on standard input is not a target; the rest of it is skipped.
const LONGEST_LINE: u64 = 4096;

/// Bytes of a line that are skipped; an input with a longer line is not lines
/// of text.
const MOST_SKIPPED: u64 = 64 << 20;

/// The largest `danecheck.toml`: some 100,000 domains. Its values take many
/// times the memory of its text.
pub(super) const LARGEST_CONFIG: u64 = 4 << 20;

/// The largest list of targets that is kept in memory (`--allow-file`): some
/// 200,000.
pub(super) const LARGEST_LIST: u64 = 4 << 20;

/// The largest table of overrides: some 50,000 with their comments.
pub(super) const LARGEST_TABLE: u64 = 16 << 20;

/// The largest trust store. Those of systems have 150 to 400 certificates in
/// less than a megabyte.
const LARGEST_STORE: u64 = 8 << 20;

/// The largest file of trust anchors: a few lines, and comments.
const LARGEST_ANCHORS: u64 = 64 << 10;

/// The largest resolv.conf.
const LARGEST_RESOLV_CONF: u64 = 64 << 10;

/// The source of a target: an invalid target on standard input still gets a
/// report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GivenTarget {
    Argument(String),
    Line(String),
}

impl GivenTarget {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Argument(text) | Self::Line(text) => text,
        }
    }
}

/// The targets in order; `-` stands for the lines of standard input, which are
/// read only when they are needed.
pub(super) struct Targets<'a> {
    arguments: std::slice::Iter<'a, String>,
    stdin: &'a mut (dyn AsyncBufRead + Send + Unpin),
    is_reading: bool,
    bytes: u64,
}

impl<'a> Targets<'a> {
    pub(super) fn new(
        arguments: &'a [String],
        stdin: &'a mut (dyn AsyncBufRead + Send + Unpin),
    ) -> Self {
        Self {
            arguments: arguments.iter(),
            stdin,
            is_reading: false,
            bytes: 0,
        }
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Result<Option<GivenTarget>, Stop> {
        loop {
            if self.is_reading {
                let line = next_line(self.stdin, &mut self.bytes).await;
                match line.map_err(|error| Unread::Error(error).stop("standard input"))? {
                    Some(line) => return Ok(Some(GivenTarget::Line(line))),
                    None => self.is_reading = false,
                }
            }
            match self.arguments.next().map(String::as_str) {
                None => return Ok(None),
                Some("-") => self.is_reading = true,
                Some(target) => return Ok(Some(GivenTarget::Argument(target.to_owned()))),
            }
        }
    }

    /// About how many bytes of standard input were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

/// The next line that is neither blank nor a comment.
async fn next_line(
    stdin: &mut (dyn AsyncBufRead + Send + Unpin),
    bytes: &mut u64,
) -> std::io::Result<Option<String>> {
    loop {
        let mut line = Vec::new();
        let read = (&mut *stdin)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if read == 0 {
            return Ok(None);
        }
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        *bytes += read;
        if !line.ends_with(b"\n") && read == LONGEST_LINE {
            *bytes += skip_line(stdin).await?;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            return Ok(Some(line.to_owned()));
        }
    }
}

/// Skips the rest of a line, and says how long that was.
async fn skip_line(stdin: &mut (dyn AsyncBufRead + Send + Unpin)) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = stdin.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |at| at + 1);
        stdin.consume(length);
        skipped += u64::try_from(length).unwrap_or(0);
        if end.is_some() {
            return Ok(skipped);
        }
        if skipped > MOST_SKIPPED {
            return Err(endless_line());
        }
    }
}

fn endless_line() -> std::io::Error {
    let why = format!("a line is longer than {}", size(MOST_SKIPPED));
    std::io::Error::new(std::io::ErrorKind::InvalidData, why)
}

/// The end of a text that is read piece by piece, so that an endless device
/// without lines is not read for ever.
#[derive(Default)]
pub(super) struct LineBound {
    since: u64,
}

impl LineBound {
    /// Whether the next piece still has lines.
    pub(super) fn check(&mut self, piece: &[u8]) -> std::io::Result<()> {
        let after = piece.rsplit(|byte| *byte == b'\n').next();
        let rest = u64::try_from(after.map_or(0, <[u8]>::len)).unwrap_or(u64::MAX);
        let is_one = after.map(<[u8]>::len) == Some(piece.len());
        self.since = if is_one { self.since + rest } else { rest };
        if self.since > MOST_SKIPPED {
            return Err(endless_line());
        }
        Ok(())
    }
}

/// Why a file could not be read completely.
enum Unread {
    Error(std::io::Error),
    TooLarge(u64),
}

impl Unread {
    fn stop(&self, name: &str) -> Stop {
        Stop::Sentence(match self {
            Self::Error(error) => format!("{name}: cannot be read: {error}"),
            Self::TooLarge(most) => format!("{name}: is larger than {}", size(*most)),
        })
    }
}

/// A limit in words.
fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

/// A whole file, pipe or device, which has to end within `most` bytes. What
/// counts is what is read, because a file system may give any size.
fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, Unread> {
    let file = File::open(path).map_err(Unread::Error)?;
    let mut bytes = Vec::new();
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    within(read.map_err(Unread::Error)?, most)?;
    Ok(bytes)
}

fn within(read: usize, most: u64) -> Result<(), Unread> {
    match u64::try_from(read) {
        Ok(read) if read <= most => Ok(()),
        _ => Err(Unread::TooLarge(most)),
    }
}

/// A whole file of at most this many bytes.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Stop> {
    bounded(path, most).map_err(|unread| unread.stop(&path.display().to_string()))
}

/// A whole table of overrides; `-` is standard input.
pub(super) async fn read_table(
    path: &Path,
    environment: &mut Environment,
) -> Result<Vec<u8>, Stop> {
    if path == Path::new("-") {
        read_stdin(&mut *environment.stdin, LARGEST_TABLE).await
    } else {
        read(path, LARGEST_TABLE)
    }
}

/// The whole standard input, of at most this many bytes.
pub(super) async fn read_stdin(
    stdin: &mut (dyn AsyncBufRead + Send + Unpin),
    most: u64,
) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    let read = stdin
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .await;
    read.map_err(Unread::Error)
        .and_then(|read| within(read, most))
        .map_err(|unread| unread.stop("standard input"))?;
    Ok(bytes)
}

/// The trust store that was asked for.
pub(super) fn trust_store(path: Option<&Path>) -> Result<TrustStore, Stop> {
    let stop = |error: TrustStoreError| {
        Stop::Sentence(format!("{error}: give a file of PEM certificates"))
    };
    let Some(path) = path else {
        let named = |name| std::env::var_os(name);
        return system_trust_store(
            named(SSL_CERT_FILE).as_deref(),
            named(SSL_CERT_DIR).is_some(),
        );
    };
    TrustStore::from_pem(&path.display().to_string(), &read(path, LARGEST_STORE)?).map_err(stop)
}

/// The variable that names the system's trust store, for OpenSSL and here.
const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// A folder of certificates beside it.
const SSL_CERT_DIR: &str = "SSL_CERT_DIR";

/// The system's trust store. A file that the environment names may be anything,
/// and has the same limit as that of `--ca-file`.
fn system_trust_store(named: Option<&OsStr>, has_folder: bool) -> Result<TrustStore, Stop> {
    let Some(path) = named.map(Path::new) else {
        return Ok(TrustStore::system());
    };
    // With a folder, the file is read beside the first question to DNS, unless it has
    // to be refused before.
    let is_small = |file: Metadata| file.is_file() && TrustStore::has_room_for_few(file.len());
    if has_folder && path.metadata().is_ok_and(is_small) {
        return Ok(TrustStore::system());
    }
    let name = format!("{SSL_CERT_FILE}: {}", path.display());
    match bounded(path, LARGEST_STORE) {
        Err(unread @ Unread::TooLarge(_)) => Err(unread.stop(&name)),
        // As if the system had none.
        Err(Unread::Error(_)) => Ok(TrustStore::system()),
        Ok(pem) if has_folder && !TrustStore::may_have_too_many(&pem) => Ok(TrustStore::system()),
        Ok(pem) => match TrustStore::from_pem("system", &pem) {
            Err(TrustStoreError::TooMany(_)) => {
                let error = TrustStoreError::TooMany(path.display().to_string());
                Err(Stop::Sentence(format!("{SSL_CERT_FILE}: {error}")))
            }
            Ok(store) if !has_folder => Ok(store),
            _ => Ok(TrustStore::system()),
        },
    }
}

/// The trust anchors that were asked for.
pub(super) fn root_anchors(path: Option<&Path>) -> Result<RootAnchors, Stop> {
    let Some(path) = path else {
        return Ok(RootAnchors::iana());
    };
    let refuse = |why: &str| {
        Stop::Sentence(format!(
            "{}: {why}: give the root's DS or DNSKEY records in zone-file form, such as \
             `. IN DS 20326 8 2 E06D44B8...`",
            path.display()
        ))
    };
    let bytes = read(path, LARGEST_ANCHORS)?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not text"))?;
    RootAnchors::from_text(&text).map_err(|error| refuse(&error.to_string()))
}

/// The system's resolver, by resolv.conf(5). If there is no readable file, it
/// is the one on this host.
#[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
pub(super) fn system_resolver(path: &Path) -> Result<Resolver, Stop> {
    let name = path.display().to_string();
    match bounded(path, LARGEST_RESOLV_CONF) {
        Ok(text) => Ok(Resolver::by_resolv_conf(&name, &text)),
        Err(Unread::Error(error)) => Ok(Resolver::on_this_host(format!(
            "{name} cannot be read: {error}"
        ))),
        Err(unread) => Err(unread.stop(&name)),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_files_are_bounded_too() {
        let said = |stop: Stop| match stop {
            Stop::Sentence(sentence) => sentence,
            Stop::BrokenPipe => panic!("no pipe is broken here"),
        };
        for device in ["/dev/zero", "/dev/urandom"] {
            let path = Path::new(device);
            let sentence = said(system_resolver(path).unwrap_err());
            assert_eq!(sentence, format!("{device}: is larger than 64 KiB"));
            let sentence = said(system_trust_store(Some(path.as_os_str()), false).unwrap_err());
            assert!(sentence.ends_with("is larger than 8 MiB"), "{sentence}");
        }
        let path = std::env::temp_dir().join(format!("danecheck-many-{}", std::process::id()));
        let one = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        let empty = one.replace("AA==\n", "");
        for (one, count, has_folder, is_store) in [
            (one, 4096, true, true),
            (one, 4096, false, true),
            (one, 4097, true, false),
            (one, 4097, false, false),
            (&empty, 4096, true, true),
            (&empty, 4097, true, false),
        ] {
            std::fs::write(&path, one.repeat(count).trim_end()).unwrap();
            let store = system_trust_store(Some(path.as_os_str()), has_folder);
            assert_eq!(store.is_ok(), is_store, "{count} {has_folder}");
        }
        std::fs::remove_file(&path).unwrap();
        // A missing or empty file means the resolver on this host.
        for path in ["/nonexistent", "/dev/null"] {
            let resolver = system_resolver(Path::new(path)).unwrap();
            assert_eq!(resolver.addresses(), ["127.0.0.1:53"], "{path}");
        }
    }

    #[test]
    fn the_servers_of_resolv_conf_are_asked() {
        let path = std::env::temp_dir().join(format!("danecheck-resolv-{}", std::process::id()));
        let text = "# ours\nsearch example.com\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n\
                    ;nameserver 192.0.2.8\nnameserver\nnameserver nonsense\n\
                    nameserver\t fe80::1%lo # link-local\nnameserver 192.0.2.9\n";
        std::fs::write(&path, text).unwrap();
        let resolver = system_resolver(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // Like the C library: the first three.
        assert_eq!(
            resolver.addresses(),
            ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%1]:53"]
        );
    }
}
