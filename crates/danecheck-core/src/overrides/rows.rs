//! mailcow's list, `GET /api/v1/get/tls-policy-map/all`.

use serde_json::{Map, Value};

use super::entry::{Entry, Place, place};
use crate::entry::{MailcowEntry, mailcow_call, mailcow_edit};
use crate::sender::MailcowRow;
use crate::text::{printable, shown_json, to_json};

/// mailcow's list of overrides.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    rows: Vec<Value>,
    form: Form,
    /// The list as it was read.
    bytes: Vec<u8>,
    /// The overrides, in their order.
    pub entries: Vec<Entry>,
}

/// How the rows were written.
#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// As a list, or as one row alone.
    List,
    /// One on each line.
    Lines,
    /// As a list in this field of an object.
    Field(Map<String, Value>, &'static str),
}

/// Why a text is not such a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRows {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It is JSON of another kind.
    #[error(
        "it is JSON, but not a list of rows with dest and policy. Give the answer of mailcow's \
         API: get/tls-policy-map/all"
    )]
    List,
    /// The API says why it gave none.
    #[error("mailcow's API says: {0}")]
    Refused(String),
}

/// The fields in which lists are wrapped.
const WRAPPERS: &[&str] = &["items", "data", "rows"];

/// The most characters of what mailcow's API says.
const LONGEST_ANSWER: usize = 120;

impl Rows {
    /// Reads the list: as mailcow's API writes it, inside an object, or a row on
    /// each line.
    pub fn read(bytes: impl AsRef<[u8]>) -> Result<Self, NoRows> {
        let bytes = bytes.as_ref();
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let values: Vec<Value> = serde_json::Deserializer::from_slice(json)
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|error| NoRows::Json(error.to_string()))?;
        let (rows, form) = match <[Value; 1]>::try_from(values) {
            Ok([value]) => rows_of(value)?,
            Err(values) => (values, Form::Lines),
        };
        let mut entries: Vec<Entry> = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let text = |name: &str| row.get(name).and_then(Value::as_str);
            let (Some(dest), Some(policy)) = (text("dest"), text("policy")) else {
                return Err(NoRows::List);
            };
            // CONCAT(policy, ' ', parameters)
            let parameters = text("parameters").unwrap_or_default();
            let value = format!("{policy} {parameters}").trim().to_owned();
            let key = dest.trim().to_ascii_lowercase();
            let place = if is_active(row) {
                place(&key, &value)
            } else {
                Place::Off
            };
            entries.push(Entry {
                line: number + 1,
                id: row.get("id").and_then(number_of),
                key,
                value,
                note: None,
                place,
            });
        }
        Ok(Self {
            rows,
            form,
            bytes: bytes.to_vec(),
            entries,
        })
    }

    /// The active rows, as a sender takes them.
    pub fn active(&self) -> Vec<MailcowRow> {
        let is_active = |entry: &&Entry| entry.place != Place::Off;
        let rows = self.entries.iter().filter(is_active);
        rows.map(|entry| MailcowRow {
            id: entry.id,
            key: entry.key.clone(),
            value: entry.value.clone(),
        })
        .collect()
    }

    /// The list with these rows changed, in the form in which it was read:
    /// `None` removes a row, otherwise its next hop, level and attributes. The
    /// same bytes if nothing changes.
    pub fn with(&self, change_of: impl Fn(usize) -> Option<Option<RowChange>>) -> Vec<u8> {
        let mut rows = Vec::new();
        let mut changes = false;
        for (number, row) in self.rows.iter().enumerate() {
            let mut row = row.clone();
            let change = change_of(number);
            changes |= change.is_some();
            match change {
                None => {}
                Some(None) => continue,
                Some(Some(change)) => {
                    if let Value::Object(fields) = &mut row {
                        change.write(fields);
                    }
                }
            }
            rows.push(row);
        }
        if changes {
            self.form.write(rows).into_bytes()
        } else {
            self.bytes.clone()
        }
    }
}

/// The rows of one value.
fn rows_of(value: Value) -> Result<(Vec<Value>, Form), NoRows> {
    match value {
        Value::Array(rows) => Ok((rows, Form::List)),
        // One row alone, and an empty list, as the API writes it.
        Value::Object(row) if row.contains_key("dest") => {
            Ok((vec![Value::Object(row)], Form::List))
        }
        Value::Object(row) if row.is_empty() => Ok((Vec::new(), Form::List)),
        Value::Object(mut object) => {
            for name in WRAPPERS {
                if let Some(Value::Array(rows)) = object.get_mut(*name) {
                    let rows = std::mem::take(rows);
                    return Ok((rows, Form::Field(object, name)));
                }
            }
            Err(refusal(&object).map_or(NoRows::List, NoRows::Refused))
        }
        _ => Err(NoRows::List),
    }
}

/// What mailcow's API says in place of a list. Other programs have a `msg` too,
/// which is not repeated.
fn refusal(answer: &Map<String, Value>) -> Option<String> {
    let kind = answer.get("type").and_then(Value::as_str);
    let says = answer.get("msg").and_then(Value::as_str)?;
    let is_refusal = matches!(kind, Some("error" | "danger"));
    (is_refusal && says.chars().count() <= LONGEST_ANSWER).then(|| printable(says))
}

impl Form {
    fn write(&self, rows: Vec<Value>) -> String {
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
        match self {
            Self::List => shown_json(pretty(&Value::Array(rows))) + "\n",
            Self::Lines => rows.iter().map(|row| to_json(row) + "\n").collect(),
            Self::Field(object, name) => {
                let mut object = object.clone();
                object.insert((*name).to_owned(), Value::Array(rows));
                shown_json(pretty(&Value::Object(object))) + "\n"
            }
        }
    }
}

/// The content of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The next hop.
    pub dest: String,
    /// The level.
    pub policy: String,
    /// The attributes.
    pub parameters: String,
}

impl RowChange {
    fn write(self, fields: &mut Map<String, Value>) {
        fields.insert("dest".to_owned(), self.dest.into());
        fields.insert("policy".to_owned(), self.policy.into());
        fields.insert("parameters".to_owned(), self.parameters.into());
    }
}

/// `1`, `"1"`, `true`, or nothing, which the API takes for 0. Older releases
/// write a word for people, and the number in `active_int`.
fn is_active(row: &Value) -> bool {
    match row.get("active_int").or_else(|| row.get("active")) {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(word)) => {
            matches!(
                word.trim().to_ascii_lowercase().as_str(),
                "1" | "yes" | "true" | "on"
            )
        }
        Some(value) => number_of(value) == Some(1),
        None => false,
    }
}

fn number_of(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// The API call that removes a row.
pub(super) fn delete_call(id: u64) -> String {
    mailcow_call("delete", &format!("[\"{id}\"]"))
}

/// The API call that changes a row.
pub(super) fn edit_call(id: u64, next_hop: &str, policy: &str, parameters: &str) -> String {
    let row = MailcowEntry {
        dest: next_hop.to_owned(),
        policy: policy.to_owned(),
        parameters: parameters.to_owned(),
        active: "1".to_owned(),
    };
    mailcow_edit(id, &row)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[
      {"id":1,"dest":"example.com","policy":"encrypt","parameters":"","active":1,"created":"2026-01-01"},
      {"id":"7","dest":"example.net","policy":"may","parameters":"protocols=>=TLSv1","active":"0"}
    ]"#;

    #[test]
    fn rows_are_read_in_the_types_that_the_api_uses() {
        let rows = Rows::read(LIST).unwrap();
        let ids: Vec<Option<u64>> = rows.entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [Some(1), Some(7)]);
        assert_eq!(rows.entries[0].value, "encrypt");
        assert_eq!(rows.entries[1].value, "may protocols=>=TLSv1");
        assert_eq!(rows.entries[1].place, Place::Off);
        assert_eq!(Rows::read("{}").unwrap().entries, []);
        assert_eq!(Rows::read("[]").unwrap().entries, []);
    }

    #[test]
    fn what_is_no_list_says_why() {
        for (text, why) in [
            ("nonsense", "it is not JSON"),
            ("3", "not a list"),
            ("[{\"id\":1}]", "not a list"),
            (
                r#"{"type":"error","msg":"API read/write access denied"}"#,
                "access denied",
            ),
            // Of other programs nothing is repeated.
            (r#"{"msg":"password hunter2"}"#, "not a list"),
            (r#"{"type":"info","msg":"hunter2"}"#, "not a list"),
            (r#"{"type":"error","msg":["hunter2"]}"#, "not a list"),
        ] {
            let error = Rows::read(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn rows_count_as_active_in_every_type_that_mailcow_wrote() {
        for (active, counts) in [
            (r#""active":1"#, true),
            (r#""active":"1""#, true),
            (r#""active":true"#, true),
            (r#""active":"Yes","active_int":"1""#, true),
            (r#""active":"Ja","active_int":1"#, true),
            (r#""active":"yes""#, true),
            (r#""active":0"#, false),
            (r#""active":false"#, false),
            (r#""active":"No","active_int":"0""#, false),
            (r#""active":null"#, false),
            (r#""other":1"#, false),
        ] {
            let row = format!(r#"{{"dest":"a.example","policy":"may",{active}}}"#);
            let rows = Rows::read(&row).unwrap();
            assert_eq!(rows.entries[0].place != Place::Off, counts, "{active}");
        }
    }

    #[test]
    fn a_list_is_written_in_the_form_in_which_it_was_read() {
        let row = |name: &str| format!(r#"{{"dest":"{name}","policy":"may","active":1}}"#);
        let (a, b) = (row("a.example"), row("b.example"));
        for (text, written) in [
            (format!("{a}\n{b}\n"), format!("{b}\n")),
            (format!("{a}\r\n\r\n{b}"), format!("{b}\n")),
            (format!("{a} {b}"), format!("{b}\n")),
        ] {
            let rows = Rows::read(&text).unwrap();
            assert_eq!(rows.entries.len(), 2, "{text}");
            assert_eq!(rows.with(|_| None), text.as_bytes());
            let fewer = rows.with(|number| (number == 0).then_some(None));
            assert_eq!(fewer, written.as_bytes(), "{text}");
        }
        for wrapper in WRAPPERS {
            let text = format!(r#"{{"total":2,"{wrapper}":[{a},{b}]}}"#);
            let rows = Rows::read(&text).unwrap();
            assert_eq!(rows.with(|_| None), text.as_bytes());
            let fewer = rows.with(|number| (number == 0).then_some(None));
            let fewer: Value = serde_json::from_slice(&fewer).unwrap();
            assert_eq!(fewer["total"], 2);
            assert_eq!(fewer[*wrapper][0]["dest"], "b.example");
        }
    }

    #[test]
    fn the_list_is_written_with_everything_that_is_not_to_change() {
        let rows = Rows::read(LIST).unwrap();
        let change = RowChange {
            dest: "example.com".into(),
            policy: "may".into(),
            parameters: String::new(),
        };
        let text = rows.with(|number| (number == 0).then(|| Some(change.clone())));
        let again = Rows::read(&text).unwrap();
        assert_eq!(again.entries[0].value, "may");
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("2026-01-01"), "{text}");
        let fewer = rows.with(|number| (number == 0).then_some(None));
        assert_eq!(Rows::read(&fewer).unwrap().entries.len(), 1);
    }

    #[test]
    fn calls_have_the_bodies_that_the_api_takes() {
        assert!(delete_call(3).contains("-d '[\"3\"]'"));
        let call = edit_call(3, "example.com", "encrypt", "");
        let body = call.split('\'').nth(3).unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["items"][0], "3");
        assert_eq!(body["attr"]["policy"], "encrypt");
    }
}
