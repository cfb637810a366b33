//! mailcow's list, `GET /api/v1/get/tls-policy-map/all`.

use serde_json::Value;

use super::entry::{Entry, Place, place};
use crate::text::shown_json;

/// mailcow's list of overrides.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    rows: Vec<Value>,
    /// The overrides, in their order.
    pub entries: Vec<Entry>,
}

/// Why a text is not such a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRows {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It is JSON of another kind.
    #[error("it is not a list of rows with dest and policy")]
    List,
    /// The API says why it gave none.
    #[error("mailcow's API says: {0}")]
    Refused(String),
}

impl Rows {
    /// Reads the list.
    pub fn read(text: &str) -> Result<Self, NoRows> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| NoRows::Json(error.to_string()))?;
        let rows = match value {
            Value::Array(rows) => rows,
            // One row alone, and an empty list, as the API writes it.
            Value::Object(row) if row.contains_key("dest") => vec![Value::Object(row)],
            Value::Object(row) if row.is_empty() => Vec::new(),
            Value::Object(row) => {
                return Err(match row.get("msg") {
                    Some(why) => NoRows::Refused(why.to_string()),
                    None => NoRows::List,
                });
            }
            _ => return Err(NoRows::List),
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
        Ok(Self { rows, entries })
    }

    /// The list with these rows changed: `None` removes a row, otherwise its
    /// next hop, level and attributes.
    pub fn with(&self, change_of: impl Fn(usize) -> Option<Option<RowChange>>) -> String {
        let mut rows = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut row = row.clone();
            match change_of(number) {
                None => {}
                Some(None) => continue,
                Some(Some(change)) => {
                    if let Value::Object(fields) = &mut row {
                        fields.insert("dest".to_owned(), change.dest.into());
                        fields.insert("policy".to_owned(), change.policy.into());
                        fields.insert("parameters".to_owned(), change.parameters.into());
                    }
                }
            }
            rows.push(row);
        }
        shown_json(serde_json::to_string_pretty(&rows).unwrap_or_default()) + "\n"
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

/// `1`, `"1"`, or nothing, which the API takes for 0.
fn is_active(row: &Value) -> bool {
    row.get("active").and_then(number_of) == Some(1)
}

fn number_of(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// The API call that removes a row.
pub(super) fn delete_call(id: u64) -> String {
    call("delete", &format!("[\"{id}\"]"))
}

/// The API call that changes a row.
pub(super) fn edit_call(id: u64, next_hop: &str, policy: &str, parameters: &str) -> String {
    let body = serde_json::json!({
        "items": [id.to_string()],
        "attr": {"dest": next_hop, "policy": policy, "parameters": parameters},
    });
    call("edit", &body.to_string())
}

fn call(what: &str, body: &str) -> String {
    format!(
        "curl -H \"X-API-Key: $KEY\" -H 'Content-Type: application/json' -d '{body}' \
         https://MAILCOW/api/v1/{what}/tls-policy-map"
    )
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
        ] {
            let error = Rows::read(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
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
