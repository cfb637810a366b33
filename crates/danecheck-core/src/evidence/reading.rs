//! Inputs being read, one after the other: what is compressed is expanded, and
//! what expands past a bound is cut.

use std::io::Write as _;

use flate2::write::MultiGzDecoder;

use crate::text::printable;

use super::forms::Forms;
use super::operators;
use super::triage::Triage;
use super::utf16::Utf16;

/// Bytes that one compressed input may expand to.
const MOST_EXPANDED: u64 = 64 * 1024 * 1024 * 1024;

/// Compressed bytes that are expanded at a time; they give a thousand times as
/// many at most (RFC 1951).
const PIECE: usize = 1024;

/// The magic number of gzip (RFC 1952 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// What one compressed input may expand to, whatever it is.
const ALWAYS: u64 = 1 << 30;

/// Bytes that each compressed byte may expand to beyond that. Logs come to 50,
/// and a file that is made to expand to 1,032 (RFC 1951).
const RATIO: u64 = 250;

/// Bytes of a line that does not end.
const ENDLESS: u64 = 256 * 1024 * 1024;

/// The byte order mark in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that say what stands between the bytes and the text.
const HEAD: usize = 4;

/// Evidence being read.
#[derive(Debug)]
pub struct Reading {
    forms: Forms,
    name: Option<String>,
    /// The first bytes, until they are enough to know.
    head: Vec<u8>,
    layer: Layer,
    packed: u64,
    expanded: u64,
    most_expanded: u64,
    inputs: Vec<super::InputReport>,
}

/// What stands between the bytes and the text.
#[derive(Debug, Default)]
enum Layer {
    /// Not known yet.
    #[default]
    Undecided,
    /// Nothing.
    Plain,
    /// UTF-16, as PowerShell writes it.
    Utf16(Utf16),
    /// gzip.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// What follows is not read.
    Cut,
}

impl Default for Reading {
    fn default() -> Self {
        Self::with_bound(MOST_EXPANDED)
    }
}

impl Reading {
    /// The same with another bound for what a compressed input expands to, in
    /// bytes.
    pub(super) fn with_bound(most_expanded: u64) -> Self {
        Self {
            forms: Forms::default(),
            name: None,
            head: Vec::new(),
            layer: Layer::Undecided,
            packed: 0,
            expanded: 0,
            most_expanded,
            inputs: Vec::new(),
        }
    }

    /// Begins an input with this name, and ends the one before.
    pub fn begin(&mut self, name: &str) {
        self.end();
        self.name = Some(printable(name));
    }

    /// Reads the next piece of an input, wherever it was cut.
    pub fn bytes(&mut self, piece: &[u8]) {
        self.name.get_or_insert_with(|| "-".to_owned());
        if !matches!(self.layer, Layer::Undecided) {
            self.layered(piece);
            return;
        }
        self.head.extend_from_slice(piece);
        if self.head.len() >= HEAD {
            self.decide();
        }
    }

    fn decide(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.layer = if head.starts_with(GZIP) {
            Layer::Gzip(Box::new(MultiGzDecoder::new(Vec::new())))
        } else if let Some(utf16) = Utf16::begins(&head) {
            Layer::Utf16(utf16)
        } else {
            Layer::Plain
        };
        self.layered(head.strip_prefix(MARK).unwrap_or(&head));
    }

    fn layered(&mut self, piece: &[u8]) {
        match &mut self.layer {
            Layer::Undecided | Layer::Cut => {}
            Layer::Plain => self.forms.bytes(piece),
            Layer::Utf16(utf16) => self.forms.bytes(utf16.text(piece).as_bytes()),
            Layer::Gzip(decoder) => {
                for part in piece.chunks(PIECE) {
                    let written = decoder.write_all(part);
                    let text = std::mem::take(decoder.get_mut());
                    self.packed += part.len() as u64;
                    self.expanded += text.len() as u64;
                    self.forms.bytes(&text);
                    if written.is_err() {
                        self.forms
                            .note("The compressed data is damaged: the rest was not read.");
                        self.layer = Layer::Cut;
                        return;
                    }
                    let too_much = ALWAYS.max(self.packed.saturating_mul(RATIO));
                    if self.expanded > self.most_expanded.min(too_much) {
                        self.forms
                            .note("It expands to too much: the rest was not read.");
                        self.layer = Layer::Cut;
                        return;
                    }
                }
            }
        }
        if self.forms.skipped > ENDLESS {
            self.forms
                .note("A line does not end: the rest was not read.");
            self.layer = Layer::Cut;
        }
    }

    /// Ends the input.
    pub fn end(&mut self) {
        let Some(name) = self.name.take() else {
            return;
        };
        if matches!(self.layer, Layer::Undecided) {
            self.decide();
        }
        if let Layer::Gzip(decoder) = &mut self.layer {
            let ended = decoder.try_finish();
            let text = std::mem::take(decoder.get_mut());
            self.forms.bytes(&text);
            if ended.is_err() {
                self.forms.note("The compressed data ends early.");
            }
        }
        self.layer = Layer::Undecided;
        self.packed = 0;
        self.expanded = 0;
        self.inputs.extend(self.forms.end(&name));
    }

    /// Parses every line, also those that say nothing at a glance.
    #[cfg(test)]
    pub(super) fn read_all(&mut self) {
        self.forms.reads_all = true;
    }

    /// Bytes of the line that did not end yet.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.forms.partial.len()
    }

    /// What was read.
    pub fn triage(mut self) -> Triage {
        self.end();
        let tally = &mut self.forms.tally;
        let causes = tally.causes();
        let (next_hops, other_next_hops) = tally.next_hops();
        Triage {
            schema_version: 1,
            inputs: self.inputs,
            lines: self.forms.lines,
            postfix_lines: self.forms.postfix_lines,
            other: self.forms.tally.other,
            delivered_later: self.forms.tally.delivered_later,
            untried: self.forms.tally.untried,
            common_fault: operators::common_fault(&next_hops, &causes),
            causes,
            next_hops,
            other_next_hops,
            of_mailcow: self.forms.tally.of_mailcow,
            other_sample: self.forms.tally.other_sample.take(),
        }
    }
}
