//! The presentation form of TLSA records (RFC 6698 section 2.2), and the
//! generic form (RFC 3597 section 5) for records that have no other.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::record::TlsaRecord;

/// The text is not a TLSA record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a TLSA record: {0}")]
pub struct TlsaSyntaxError(String);

/// Lower-case hexadecimal, as TLSA records are commonly written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| {
        if value < 10 {
            b'0' + value
        } else {
            b'a' - 10 + value
        }
    };
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    // They are ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// Reads pairs of hexadecimal digits.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => {
                let high = char::from(*high).to_digit(16)?;
                let low = char::from(*low).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()
            }
            _ => None,
        })
        .collect()
}

impl fmt::Display for TlsaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rdata() {
            [] => f.write_str("\\# 0"),
            // An empty field is not a presentation form: zone parsers reject
            // it.
            short @ ([_] | [_, _] | [_, _, _]) => {
                write!(f, "\\# {} {}", short.len(), hex(short))
            }
            [usage, selector, matching_type, data @ ..] => {
                write!(f, "{usage} {selector} {matching_type} {}", hex(data))
            }
        }
    }
}

impl FromStr for TlsaRecord {
    type Err = TlsaSyntaxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || TlsaSyntaxError(text.to_owned());
        let mut words = text.split_ascii_whitespace();
        let first = words.next().ok_or_else(bad)?;
        if first == "\\#" {
            let length: usize = words
                .next()
                .and_then(|word| word.parse().ok())
                .ok_or_else(bad)?;
            let rdata = from_hex(&words.collect::<String>()).ok_or_else(bad)?;
            if rdata.len() != length {
                return Err(bad());
            }
            return Ok(Self::from_rdata(&rdata));
        }
        let mut rdata = vec![first.parse().map_err(|_| bad())?];
        for _ in 0..2 {
            let word = words.next().ok_or_else(bad)?;
            rdata.push(word.parse().map_err(|_| bad())?);
        }
        // Zone files may break the data into several words.
        rdata.extend(from_hex(&words.collect::<String>()).ok_or_else(bad)?);
        Ok(Self::from_rdata(&rdata))
    }
}

impl Serialize for TlsaRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TlsaRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for TlsaRecord {
    fn schema_name() -> Cow<'static, str> {
        "TlsaRecord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A TLSA record in presentation form, or in the form of RFC 3597 where it has no other",
            "examples": ["3 1 1 ab12"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        text.parse::<TlsaRecord>().unwrap().to_string()
    }

    #[test]
    fn a_record_prints_as_it_is_published() {
        assert_eq!(round_trip("3 1 1 AB12"), "3 1 1 ab12");
        assert_eq!(round_trip("3  1 1 ab 12\tcd"), "3 1 1 ab12cd");
        assert_eq!(round_trip("255 7 9 00"), "255 7 9 00");
    }

    #[test]
    fn a_record_without_association_data_prints_in_the_generic_form() {
        for text in ["\\# 0", "\\# 1 03", "\\# 2 0301", "\\# 3 030101"] {
            assert_eq!(round_trip(text), text);
        }
        assert_eq!(round_trip("\\# 4 03010100"), "3 1 1 00");
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "3 1",
            "3 1 1 abc",
            "3 1 1 zz",
            "256 1 1 00",
            "\\# 3 0301",
            "\\#",
        ] {
            assert!(text.parse::<TlsaRecord>().is_err(), "{text}");
        }
    }

    #[test]
    fn json_holds_the_presentation_form() {
        let record: TlsaRecord = "3 1 1 ab12".parse().unwrap();
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(json, "\"3 1 1 ab12\"");
        assert_eq!(serde_json::from_str::<TlsaRecord>(&json).unwrap(), record);
        assert!(serde_json::from_str::<TlsaRecord>("\"x\"").is_err());
    }
}
