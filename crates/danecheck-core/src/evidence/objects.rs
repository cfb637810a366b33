//! What an object of JSON is: a message of a queue, a line of a log, a report.

use serde_json::Value;

use super::kind::Kind;
use super::line::Line;
use super::tag::is_of_postfix;

/// How deep objects of lists of objects are looked for: `{"items": [...]}`.
const DEPTH: u32 = 4;

/// Fields with an object that is looked into.
const INSIDE: &[&str] = &[
    "_source", "hits", "fields", "log", "event", "data", "result",
];

/// Fields with the text of a line, the longer form of one before the shorter.
const MESSAGES: &[&str] = &[
    "full_message",
    "message",
    "@message",
    "short_message",
    "line",
    "text",
    "_raw",
];

/// What an object is.
#[derive(Debug, PartialEq)]
pub(super) enum What<'a> {
    /// A message of a queue.
    Message(Kind, &'a Value),
    /// One recipient of such a message.
    Recipient(&'a Value),
    /// A line of a log, as syslog would write it.
    Line(Kind, String),
    /// A TLS report.
    Report,
    /// Something else.
    Other,
}

/// What an object is, or what those in its lists are.
pub(super) fn each(value: &Value, take: &mut impl FnMut(What<'_>)) {
    walk(value, 0, take);
}

fn walk(value: &Value, depth: u32, take: &mut dyn FnMut(What<'_>)) {
    let what = of(value);
    if what != What::Other || depth >= DEPTH {
        take(what);
        return;
    }
    let mut any = false;
    let mut emit = |what: What<'_>| {
        any = true;
        take(what);
    };
    for (name, field) in value.as_object().into_iter().flatten() {
        match field {
            // Loki: a time and a line in each.
            Value::Array(items) if name == "values" && items.iter().all(Value::is_array) => {
                let lines = items.iter().filter_map(|item| item.get(1)?.as_str());
                for line in lines {
                    emit(What::Line(Kind::RsyslogJson, line.trim_end().to_owned()));
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                items
                    .iter()
                    .for_each(|item| walk(item, depth + 1, &mut emit));
            }
            Value::Object(_) if INSIDE.contains(&name.as_str()) || has_line(field, depth + 1) => {
                walk(field, depth + 1, &mut emit);
            }
            // Each collector names the field in its own way.
            Value::String(text) if is_line(text) => {
                emit(What::Line(Kind::RsyslogJson, text.trim_end().to_owned()));
            }
            _ => {}
        }
    }
    if !any {
        take(What::Other);
    }
}

/// Whether a text is, or begins with, a line of Postfix's log.
fn is_line(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    Line::parse(line).is_some()
}

/// Whether an object has such a text, or an object with one.
fn has_line(value: &Value, depth: u32) -> bool {
    let mut fields = value.as_object().into_iter().flatten();
    depth < DEPTH
        && fields.any(|(name, field)| match field {
            Value::String(text) => is_line(text) || MESSAGES.contains(&name.as_str()),
            Value::Object(_) => has_line(field, depth + 1),
            _ => false,
        })
}

fn of(value: &Value) -> What<'_> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if let Some(recipients) = value.get("recipients").and_then(Value::as_array)
        && (value.get("queue_id").is_some() || value.get("queue_name").is_some())
    {
        let is_mailcow = recipients.iter().any(Value::is_string);
        let kind = if is_mailcow {
            Kind::MailcowQueue
        } else {
            Kind::PostqueueJson
        };
        return What::Message(kind, value);
    }
    if value.get("address").is_some_and(Value::is_string)
        && value.get("delay_reason").is_some_and(Value::is_string)
    {
        return What::Recipient(value);
    }
    if value.get("policies").is_some_and(Value::is_array)
        || value.get("organization-name").is_some()
        || value.get("report-id").is_some()
    {
        return What::Report;
    }
    if let Some(message) = value.get("MESSAGE").and_then(message_of_journal) {
        let program = text("SYSLOG_IDENTIFIER")
            .or_else(|| text("_COMM"))
            .unwrap_or_default();
        let pid = text("SYSLOG_PID").or_else(|| text("_PID"));
        return What::Line(Kind::JournalJson, tagged(program, pid, &message));
    }
    if let Some(line) = text("log") {
        return What::Line(Kind::DockerJson, line.trim_end().to_owned());
    }
    if let Some(message) = text("msg") {
        let program = [
            "syslogtag",
            "programname",
            "app-name",
            "appname",
            "tag",
            "program",
        ]
        .iter()
        .find_map(|name| text(name));
        let pid = text("procid").or_else(|| text("pid"));
        return What::Line(
            Kind::RsyslogJson,
            tagged(program.unwrap_or_default(), pid, message),
        );
    }
    let message = MESSAGES.iter().find_map(|name| text(name));
    if let Some(message) = message {
        let kind = if value.get("priority").is_some() && value.get("program").is_some() {
            Kind::MailcowLog
        } else {
            Kind::RsyslogJson
        };
        let program = [
            "program",
            "syslogtag",
            "programname",
            "appname",
            "ident",
            "tag",
        ]
        .iter()
        .find_map(|name| text(name));
        let pid = text("procid").or_else(|| text("pid"));
        return What::Line(kind, tagged(program.unwrap_or_default(), pid, message));
    }
    What::Other
}

/// The text of a journal's line; a list of bytes where it is no UTF-8.
fn message_of_journal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        // A field that the entry has several times.
        Value::Array(texts) if texts.iter().all(Value::is_string) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes
                .iter()
                .filter_map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
                .collect();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    }
}

/// `PROGRAM[PID]: MESSAGE`.
fn tagged(program: &str, pid: Option<&str>, message: &str) -> String {
    let program = program.trim().trim_end_matches(':');
    let message = message.trim();
    match pid.filter(|pid| !pid.is_empty() && *pid != "-" && !program.contains('[')) {
        _ if program.is_empty() => message.to_owned(),
        Some(pid) => format!("{program}[{pid}]: {message}"),
        // With a pid it is seen to be another program's.
        None if !program.contains('[') && !is_of_postfix(&format!("{program}: ")) => {
            format!("{program}[0]: {message}")
        }
        None => format!("{program}: {message}"),
    }
}
