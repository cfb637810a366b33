//! Objects of JSON, one after the other or in one list, found in a stream of
//! bytes without keeping more than one of them.

/// Bytes of the longest object that is read.
pub(super) const LONGEST_OBJECT: usize = 8 * 1024 * 1024;

/// What the bytes at the beginning of a line are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// An object or a list of objects.
    Json,
    /// Something else.
    Text,
    /// More bytes decide.
    Undecided,
}

/// Whether a line begins an object or a list of objects: `{"`, `[{`, or one of
/// the two alone in its line. `[debug]` and `{x}` are text.
pub(super) fn start(line: &[u8]) -> Start {
    let mut bytes = line
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    let Some(first) = bytes.next() else {
        return Start::Undecided;
    };
    if !matches!(first, b'{' | b'[') {
        return Start::Text;
    }
    match (first, bytes.next()) {
        (_, None) => Start::Undecided,
        (_, Some(b'\n')) | (b'{', Some(b'"' | b'}')) | (b'[', Some(b'{' | b']')) => Start::Json,
        _ => Start::Text,
    }
}

/// Objects being found.
#[derive(Debug, Default)]
pub(super) struct Objects {
    object: Vec<u8>,
    in_list: bool,
    depth: u32,
    in_string: bool,
    escaped: bool,
    cut: bool,
}

/// What the bytes gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet; all bytes were taken.
    More,
    /// One object.
    Object(Vec<u8>),
    /// One object that is longer than the bound, and was left out.
    TooLong,
    /// The end of the list.
    End,
    /// No JSON: the bytes so far are text.
    Broken(Vec<u8>),
}

impl Objects {
    /// Takes bytes up to the next event; says how many.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Found) {
        for (at, byte) in bytes.iter().copied().enumerate() {
            let taken = at + 1;
            if self.depth == 0 {
                match byte {
                    b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
                    b'[' if !self.in_list => self.in_list = true,
                    b']' if self.in_list => return (taken, Found::End),
                    b'{' => {
                        self.depth = 1;
                        self.object.push(byte);
                    }
                    // Not taken: it begins a line of text.
                    _ => return (at, Found::Broken(Vec::new())),
                }
                continue;
            }
            let only_opened =
                self.object.len() < 64 && self.object.iter().skip(1).all(u8::is_ascii_whitespace);
            if only_opened && !matches!(byte, b'"' | b'}') && !byte.is_ascii_whitespace() {
                let text = std::mem::take(&mut self.object);
                *self = Self::default();
                return (at, Found::Broken(text));
            }
            if self.object.len() < LONGEST_OBJECT {
                self.object.push(byte);
            } else {
                self.cut = true;
            }
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    // RFC 8259 7: no control characters in strings.
                    b'\n' => {
                        let text = std::mem::take(&mut self.object);
                        *self = Self::default();
                        return (taken, Found::Broken(text));
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        let object = std::mem::take(&mut self.object);
                        let cut = std::mem::take(&mut self.cut);
                        let found = if cut {
                            Found::TooLong
                        } else {
                            Found::Object(object)
                        };
                        return (taken, found);
                    }
                }
                _ => {}
            }
        }
        (bytes.len(), Found::More)
    }

    /// Whether objects of a list are expected.
    pub(super) fn is_in_list(&self) -> bool {
        self.in_list
    }

    /// The bytes of an object that did not end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str, piece: usize) -> Vec<String> {
        let mut objects = Objects::default();
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            let mut rest = piece;
            while !rest.is_empty() {
                let (taken, what) = objects.feed(rest);
                rest = &rest[taken..];
                match what {
                    Found::Object(object) => found.push(String::from_utf8(object).unwrap()),
                    Found::More | Found::End => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        found
    }

    #[test]
    fn objects_are_found_wherever_the_bytes_were_cut() {
        let text = "[{\"a\":\"}\\\"{\"},\n {\"b\":[{\"c\":1}]}]";
        for piece in [1, 2, 3, 100] {
            assert_eq!(
                objects(text, piece),
                ["{\"a\":\"}\\\"{\"}", "{\"b\":[{\"c\":1}]}"]
            );
        }
        assert_eq!(objects("{\n \"a\": 1\n}", 4), ["{\n \"a\": 1\n}"]);
    }

    #[test]
    fn text_in_brackets_is_no_json() {
        assert_eq!(start(b"[debug] queue: x"), Start::Text);
        assert_eq!(start(b"{x}"), Start::Text);
        assert_eq!(start(b" [ {"), Start::Json);
        assert_eq!(start(b"{\n"), Start::Json);
        assert_eq!(start(b"{"), Start::Undecided);
        assert_eq!(start(b"Nov 22"), Start::Text);
    }
}
