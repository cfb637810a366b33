//! Targets and files.

use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use crate::certificate::presented_chain;
use crate::observation::{OBSERVATION_FORMAT, Observation};
use crate::observe::TrustStore;
use crate::trust_anchor::RootAnchors;

use super::Stop;

/// A longer line on standard input is no target; the rest of it is skipped.
const LONGEST_LINE: u64 = 4096;

/// A larger file is none of those that are read here.
const LARGEST_FILE: u64 = 256 << 20;

/// Where a target came from: what is invalid on standard input still gets its
/// report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Argument(String),
    Line(String),
}

impl Given {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Argument(text) | Self::Line(text) => text,
        }
    }
}

/// The targets in order; `-` stands for the lines of standard input, which
/// are read only as they are needed.
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
    pub(super) async fn next(&mut self) -> Option<Given> {
        loop {
            if self.is_reading {
                match next_line(self.stdin, &mut self.bytes).await {
                    Some(line) => return Some(Given::Line(line)),
                    None => self.is_reading = false,
                }
            }
            match self.arguments.next()?.as_str() {
                "-" => self.is_reading = true,
                target => return Some(Given::Argument(target.to_owned())),
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
) -> Option<String> {
    loop {
        let mut line = Vec::new();
        let read = (&mut *stdin)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await
            .ok()?;
        if read == 0 {
            return None;
        }
        *bytes += u64::try_from(read).unwrap_or(0);
        let complete = line.ends_with(b"\n");
        if !complete && u64::try_from(read).ok()? == LONGEST_LINE {
            skip_line(stdin).await?;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            return Some(line.to_owned());
        }
    }
}

async fn skip_line(stdin: &mut (dyn AsyncBufRead + Send + Unpin)) -> Option<()> {
    loop {
        let buffer = stdin.fill_buf().await.ok()?;
        if buffer.is_empty() {
            return Some(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |at| at + 1);
        stdin.consume(length);
        if end.is_some() {
            return Some(());
        }
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let refuse = |why: String| Stop::Sentence(format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path)
        .map_err(|error| refuse(format!("cannot be read: {error}")))?
        .len();
    if size > LARGEST_FILE {
        return Err(refuse("is too large to be read".to_owned()));
    }
    std::fs::read(path).map_err(|error| refuse(format!("cannot be read: {error}")))
}

/// The certificates of a file, the server's own first.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Stop> {
    const GIVE: &str = "give the server's certificate, as in fullchain.pem";
    let refuse = |why: &str| Stop::Sentence(format!("{}: {why}", path.display()));
    let ders: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|_| refuse(&format!("cannot be read as PEM: {GIVE}")))?;
    match presented_chain(&ders).first() {
        None => Err(refuse(&format!("holds no certificate: {GIVE}"))),
        Some(Err(error)) => Err(refuse(&error.to_string())),
        Some(Ok(_)) => Ok(ders),
    }
}

/// The trust store that was asked for.
pub(super) fn trust_store(path: Option<&Path>) -> Result<TrustStore, Stop> {
    let Some(path) = path else {
        return Ok(TrustStore::system());
    };
    TrustStore::from_pem(&path.display().to_string(), &read(path)?)
        .map_err(|error| Stop::Sentence(format!("{error}: give a file of PEM certificates")))
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
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is no text"))?;
    RootAnchors::from_text(&text).map_err(|error| refuse(&error.to_string()))
}

/// The saved observations, one a line.
pub(super) fn observations(path: &Path) -> Result<Vec<Observation>, Stop> {
    let refuse = |why: String| Stop::Sentence(format!("{}: {why}", path.display()));
    let bytes = read(path)?;
    let lines: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .collect();
    if lines.is_empty() {
        return Err(refuse(
            "holds no observation: make one with --save".to_owned(),
        ));
    }
    lines
        .into_iter()
        .enumerate()
        .map(|(number, line)| {
            let observation: Observation = serde_json::from_slice(line).map_err(|error| {
                refuse(format!(
                    "line {} is no observation that --save wrote ({error})",
                    number + 1
                ))
            })?;
            if observation.format != OBSERVATION_FORMAT {
                return Err(refuse(format!(
                    "line {} is of format {}, and this program reads format \
                     {OBSERVATION_FORMAT}: save it anew",
                    number + 1,
                    observation.format
                )));
            }
            Ok(observation)
        })
        .collect()
}
