//! The lines of standard input, each bounded.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::cli::stop::Stop;

/// The longest line that is kept. A target with its sessions is much shorter
/// (`observe::budget`).
const LONGEST_LINE: usize = 32 << 20;

/// A line of standard input.
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// Its bytes without the line end; the first ones if it is too long.
    pub(super) bytes: Vec<u8>,
    /// Whether it is all of the line.
    pub(super) is_whole: bool,
}

/// Lines one after the other, blank ones left out.
pub(super) struct Input {
    stdin: Box<dyn AsyncBufRead + Send + Unpin>,
    number: u64,
}

impl Input {
    pub(super) fn new(stdin: Box<dyn AsyncBufRead + Send + Unpin>) -> Self {
        Self { stdin, number: 0 }
    }

    /// The next one; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, Stop> {
        loop {
            let mut line = Line {
                number: self.number + 1,
                bytes: Vec::new(),
                is_whole: true,
            };
            if !self.read(&mut line).await? {
                return Ok(None);
            }
            self.number += 1;
            if !line.bytes.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    async fn read(&mut self, line: &mut Line) -> Result<bool, Stop> {
        let mut any = false;
        loop {
            let there = self.stdin.fill_buf().await.map_err(|error| {
                Stop::Sentence(format!("standard input cannot be read: {error}"))
            })?;
            if there.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = there.iter().position(|byte| *byte == b'\n');
            let piece = there.get(..end.unwrap_or(there.len())).unwrap_or_default();
            let room = LONGEST_LINE - line.bytes.len();
            line.is_whole &= piece.len() <= room;
            line.bytes
                .extend_from_slice(piece.get(..room).unwrap_or(piece));
            let used = piece.len() + usize::from(end.is_some());
            self.stdin.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: Vec<u8>) -> Vec<(u64, usize, bool)> {
        let mut input = Input::new(Box::new(std::io::Cursor::new(bytes)));
        let mut lines = Vec::new();
        while let Ok(Some(line)) = input.next().await {
            lines.push((line.number, line.bytes.len(), line.is_whole));
        }
        lines
    }

    #[tokio::test]
    async fn blank_lines_count_and_are_left_out() {
        let lines = read(b"a\n\n  \r\nbc\r\nd".to_vec()).await;
        assert_eq!(lines, [(1, 1, true), (4, 3, true), (5, 1, true)]);
        assert!(read(Vec::new()).await.is_empty());
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_cut_and_the_next_one_read() {
        let mut bytes = vec![b'x'; LONGEST_LINE + 1];
        bytes.extend_from_slice(b"\ny\n");
        let lines = read(bytes).await;
        assert_eq!(lines, [(1, LONGEST_LINE, false), (2, 1, true)]);
    }
}
