//! Text in UTF-16, with or without a mark, in pieces.

/// Text in UTF-16 being read.
#[derive(Debug)]
pub(super) struct Utf16 {
    big_endian: bool,
    /// The first byte of a pair.
    odd: Option<u8>,
    /// The first half of a character that has two.
    high: Option<u16>,
}

impl Utf16 {
    /// Whether these first bytes are UTF-16: with the mark, or with two ASCII
    /// characters.
    pub(super) fn begins(head: &[u8]) -> Option<Self> {
        let is_text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        let big_endian = match head {
            [0xff, 0xfe, ..] => false,
            [0xfe, 0xff, ..] => true,
            [first, 0, second, 0, ..] if is_text(*first) && is_text(*second) => false,
            [0, first, 0, second, ..] if is_text(*first) && is_text(*second) => true,
            _ => return None,
        };
        Some(Self {
            big_endian,
            odd: None,
            high: None,
        })
    }

    /// The text of the next bytes; what is no character becomes U+FFFD.
    pub(super) fn text(&mut self, bytes: &[u8]) -> String {
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        for byte in bytes.iter().copied() {
            let Some(first) = self.odd.take() else {
                self.odd = Some(byte);
                continue;
            };
            units.push(match self.big_endian {
                true => u16::from_be_bytes([first, byte]),
                false => u16::from_le_bytes([first, byte]),
            });
        }
        self.high = units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
        char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .filter(|character| *character != '\u{feff}')
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_wherever_it_was_cut() {
        let text = "Nov 22: a\u{1f600}b\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            for piece in [1, 3, 100] {
                let mut utf16 = Utf16::begins(&bytes).unwrap();
                let read: String = bytes.chunks(piece).map(|it| utf16.text(it)).collect();
                assert_eq!(read, text);
            }
        }
        assert!(Utf16::begins(b"Nov ").is_none());
        assert!(Utf16::begins(b"\0\0\0\0").is_none());
    }
}
