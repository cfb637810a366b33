//! The lines of a file of JSON objects, one a line, of any size and from any
//! device, in constant memory.

use std::io::{BufRead as _, BufReader, ErrorKind, Read};

/// The longest line that is kept. An observation is always much shorter
/// (`observe::budget`); a longer line is skipped.
const LONGEST_LINE: usize = 32 << 20;

/// Bytes of a line that are read at a time.
const PIECE: u64 = 1 << 16;

/// The limits of lines in a row, and of bytes, without a valid line. The rest
/// is not read, because a device may be endless.
const MOST_WITHOUT_MEANING: Skipped = Skipped {
    lines: 100_000,
    bytes: 1 << 30,
};

/// Lines one after the other.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    object: Vec<u8>,
    piece: Vec<u8>,
    number: u64,
    offset: u64,
    skipped: Skipped,
    most: Skipped,
}

/// What was read since the last valid line.
#[derive(Clone, Copy, Debug, Default)]
struct Skipped {
    lines: u64,
    bytes: u64,
}

/// A line and its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u64,
    /// Bytes of the file before it.
    pub(super) start: u64,
    /// Whether its line end is there too.
    pub(super) ends: bool,
    pub(super) content: Content<'a>,
}

/// The content of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Text that begins like a JSON object.
    Object(&'a [u8]),
    /// Nothing.
    Blank,
    /// Text that does not begin like an object; it is not kept.
    Other,
    /// An object that is longer than the limit.
    TooLong,
}

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinesError {
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("has nothing useful from line {0} on; danecheck stopped reading it")]
    WithoutMeaning(u64),
}

impl<R: Read> Lines<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            reader: BufReader::with_capacity(1 << 16, file),
            object: Vec::new(),
            piece: Vec::new(),
            number: 0,
            offset: 0,
            skipped: Skipped::default(),
            most: MOST_WITHOUT_MEANING,
        }
    }

    /// The next line. [`Lines::meant`] has to be called for each valid one.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, LinesError> {
        let start = self.offset;
        self.object.clear();
        let mut content = Content::Blank;
        let mut ends = false;
        while !ends {
            if self.skipped.bytes > self.most.bytes || self.skipped.lines >= self.most.lines {
                let first = (self.number + 1).saturating_sub(self.skipped.lines);
                return Err(LinesError::WithoutMeaning(first));
            }
            self.piece.clear();
            let piece = (&mut self.reader)
                .take(PIECE)
                .read_until(b'\n', &mut self.piece);
            let read = match piece {
                Ok(0) => break,
                Ok(read) => u64::try_from(read).unwrap_or(u64::MAX),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.offset += read;
            self.skipped.bytes += read;
            ends = self.piece.ends_with(b"\n");
            if content == Content::Blank
                && let Some(first) = self.piece.trim_ascii_start().first()
            {
                content = match first {
                    b'{' => Content::Object(&[]),
                    _ => Content::Other,
                };
            }
            if matches!(content, Content::Object(_)) {
                if self.object.len() + self.piece.len() > LONGEST_LINE {
                    content = Content::TooLong;
                    self.object = Vec::new();
                } else {
                    self.object.extend_from_slice(&self.piece);
                }
            }
        }
        if self.offset == start {
            return Ok(None);
        }
        self.number += 1;
        self.skipped.lines += 1;
        Ok(Some(Line {
            number: self.number,
            start,
            ends,
            content: match content {
                Content::Object(_) => Content::Object(&self.object),
                other => other,
            },
        }))
    }

    /// Bytes that were read so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The last line was valid.
    pub(super) fn meant(&mut self) {
        self.skipped = Skipped::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number, start, whether it ends, and the content in a word.
    fn read(text: &[u8]) -> Vec<(u64, u64, bool, String)> {
        let mut lines = Lines::new(text);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let content = match line.content {
                Content::Object(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => format!("{other:?}"),
            };
            all.push((line.number, line.start, line.ends, content));
        }
        all
    }

    #[test]
    fn each_line_has_its_number_its_place_and_its_kind() {
        let of = |number, start, ends, content: &str| (number, start, ends, content.to_owned());
        assert_eq!(
            read(b"{1}\n\n \t\r\nword\n  {2}\r\n{3"),
            [
                of(1, 0, true, "{1}\n"),
                of(2, 4, true, "Blank"),
                of(3, 5, true, "Blank"),
                of(4, 9, true, "Other"),
                of(5, 14, true, "  {2}\r\n"),
                of(6, 21, false, "{3"),
            ]
        );
        assert_eq!(read(b""), []);
        assert_eq!(read(b"\n"), [of(1, 0, true, "Blank")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_without_being_kept() {
        let long = LONGEST_LINE as u64 + 1;
        let file = b"{1}\n{".chain(std::io::repeat(b' ').take(long));
        let mut lines = Lines::new(file.chain(&b"\n{2}\n"[..]));
        assert!(lines.next().unwrap().is_some());
        let line = lines.next().unwrap().unwrap();
        assert_eq!((line.number, line.content), (2, Content::TooLong));
        assert_eq!(lines.object.capacity(), 0);
        let line = lines.next().unwrap().unwrap();
        assert_eq!(line.start, 4 + 1 + long + 1);
        assert_eq!(line.content, Content::Object(b"{2}\n"));
        // One that does not begin like an object is not kept.
        let file = std::io::repeat(0).take(long).chain(&b"\n{2}\n"[..]);
        let mut lines = Lines::new(file);
        assert_eq!(lines.next().unwrap().unwrap().content, Content::Other);
        assert_eq!(lines.object.capacity(), 0);
        assert!(lines.next().unwrap().is_some());
    }

    #[test]
    fn a_device_without_end_is_given_up() {
        let few = Skipped {
            lines: 1000,
            bytes: 10 << 20,
        };
        for (endless, first) in [(b'\n', 1), (b'x', 1), (0, 1), (b'{', 1)] {
            let mut lines = Lines::new(std::io::repeat(endless));
            lines.most = few;
            let error = loop {
                match lines.next() {
                    Ok(line) => assert!(line.is_some()),
                    Err(error) => break error,
                }
            };
            let LinesError::WithoutMeaning(line) = error else {
                panic!("{error}");
            };
            assert_eq!(line, first, "{endless}");
        }
        // Valid lines are read without a limit.
        let text = "{}\n\n".repeat(2000);
        let mut lines = Lines::new(text.as_bytes());
        lines.most = few;
        let mut count = 0;
        while let Some(line) = lines.next().unwrap() {
            if matches!(line.content, Content::Object(_)) {
                lines.meant();
                count += 1;
            }
        }
        assert_eq!(count, 2000);
    }
}
