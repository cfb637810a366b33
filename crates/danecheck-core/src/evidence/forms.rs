//! The forms in a stream of bytes: each line, object and mail is given to the
//! reader that knows it, so that one input may hold several.

mod mails;

use std::collections::BTreeMap;

use memchr::memchr2;

use super::InputReport;
use super::alone::cause_of_text;
use super::carried::{decoded, unquoted, without_escapes};
use super::exim::EximLines;
use super::filter::{self, Says, begins_as_syslog, tag_is_of_postfix};
use super::json::{self, Found, Objects, Start};
use super::kind::{EMPTY, Kind};
use super::lines::{self, LONGEST_LINE, LogLines};
use super::notice;
use super::objects::{self, What};
use super::queue::{self, Listing};
use super::tag::begins_record;
use super::tally::Tally;
use super::unread::looks_like;
use super::{maddy, stalwart};

/// Bytes of an input that are kept to say what it looks like.
const SNIFFED: usize = 2048;

/// Lines of a notice that somebody copied.
const NOTICE: usize = 64 * 1024;

/// Notes of one input.
const NOTES: usize = 8;

/// The first lines that nobody understood, in which a text alone is looked for.
const ALONE: u64 = 16;

/// The readers, and what the current input was so far.
#[derive(Debug, Default)]
pub(super) struct Forms {
    pub(super) tally: Tally,
    pub(super) lines: u64,
    pub(super) postfix_lines: u64,
    log: LogLines,
    list: Listing,
    exim: EximLines,
    /// The line that has not ended yet.
    pub(super) partial: Vec<u8>,
    json: Option<Objects>,
    mail: Option<Vec<u8>>,
    /// Lines of the mail that may divide its parts.
    dividers: usize,
    /// A notice whose lines follow.
    notice: Option<String>,
    /// The last line that nobody understood: Exchange Online writes the
    /// recipient into it.
    last: String,
    /// The cause that a line without next hop has: somebody gave a text alone.
    alone: Option<&'static str>,
    /// The last line ended with a carriage return; a line feed may follow.
    after_return: bool,
    /// Bytes of the current line that were not kept.
    pub(super) skipped: u64,
    /// A line with text was read.
    begun: bool,
    /// A line of Postfix was read.
    is_in_log: bool,
    rows: BTreeMap<Kind, Row>,
    unclaimed: u64,
    sniffed: Vec<u8>,
    notes: Vec<String>,
    /// Something was cut off, or was damaged: it may have been anything.
    is_cut: bool,
    nesting: u32,
    /// Every line is parsed, whatever the filter says.
    #[cfg(test)]
    pub(super) reads_all: bool,
}

#[derive(Debug)]
struct Row {
    records: u64,
    understood: u64,
    recognised: bool,
}

impl Forms {
    /// Says once that something of the input was cut, and was not understood.
    pub(super) fn note(&mut self, text: &str) {
        self.is_cut = true;
        self.remark(text);
    }

    fn remark(&mut self, text: &str) {
        if self.notes.len() < NOTES && !self.notes.iter().any(|note| note == text) {
            self.notes.push(text.to_owned());
        }
    }

    fn row(&mut self, kind: Kind) -> &mut Row {
        self.rows.entry(kind).or_insert(Row {
            records: 0,
            understood: 0,
            recognised: false,
        })
    }

    fn count(&mut self, kind: Kind, understood: bool) {
        let row = self.row(kind);
        row.records += 1;
        if understood {
            row.understood += 1;
            row.recognised = true;
        }
    }

    fn count_log(&mut self, kind: Kind) {
        self.is_in_log |= kind == Kind::PostfixLog;
        self.postfix_lines += 1;
        self.count(kind, true);
    }

    /// Reads the next bytes of text.
    pub(super) fn bytes(&mut self, piece: &[u8]) {
        if self.sniffed.len() < SNIFFED {
            let room = SNIFFED - self.sniffed.len();
            self.sniffed
                .extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        let mut rest = piece;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_return)
                && let Some(after) = rest.strip_prefix(b"\n")
            {
                rest = after;
                continue;
            }
            rest = if self.json.is_some() {
                self.objects(rest)
            } else if self.begins_json(rest) {
                let mut objects = Objects::default();
                let before = std::mem::take(&mut self.partial);
                objects.feed(&before);
                self.json = Some(objects);
                self.begun = true;
                rest
            } else {
                let rest = self.past_blank_lines(rest);
                self.text(rest)
            };
        }
    }

    /// Passes over all but two of the blank lines in a row, which say nothing more:
    /// a small compressed file can hold a thousand million of them.
    fn past_blank_lines<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        if self.mail.is_some() || !self.partial.is_empty() {
            return rest;
        }
        let blank = rest.iter().take_while(|byte| **byte == b'\n').count();
        let more = blank.saturating_sub(2);
        self.lines += more as u64;
        rest.get(more..).unwrap_or_default()
    }

    fn begins_json(&self, rest: &[u8]) -> bool {
        if self.mail.is_some() || self.notice.is_some() {
            return false;
        }
        let may = |byte: &u8| matches!(byte, b' ' | b'\t' | b'{' | b'[');
        let begins = match self.partial.last() {
            None => rest.first().is_some_and(may),
            Some(_) => self.partial.len() < 64 && self.partial.iter().all(may),
        };
        if !begins {
            return false;
        }
        let mut head = self.partial.clone();
        head.extend(rest.iter().take(64));
        json::start(&head) == Start::Json
    }

    /// Takes bytes of JSON; gives back what follows.
    fn objects<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some(objects) = &mut self.json else {
            return rest;
        };
        let (taken, found) = objects.feed(rest);
        let goes_on = objects.is_in_list();
        match found {
            Found::More => {}
            Found::End => self.json = None,
            Found::Object(object) => {
                if !goes_on {
                    self.json = None;
                }
                self.object(&object);
            }
            Found::TooLong => {
                if !goes_on {
                    self.json = None;
                }
                self.unclaimed += 1;
                self.note("An object of JSON is too long, and was not read.");
            }
            Found::Broken(text) => {
                self.json = None;
                self.plain(&text);
            }
        }
        rest.get(taken..).unwrap_or_default()
    }

    /// Takes one line, or the beginning of one; gives back what follows.
    fn text<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let (content, tail, ended) = match memchr2(b'\n', b'\r', rest) {
            Some(at) => (
                rest.get(..at).unwrap_or_default(),
                rest.get(at + 1..).unwrap_or_default(),
                true,
            ),
            None => (rest, Default::default(), false),
        };
        self.after_return = ended && rest.get(content.len()) == Some(&b'\r');
        if ended && self.partial.is_empty() && content.len() <= LONGEST_LINE {
            self.line(content);
            return tail;
        }
        let room = LONGEST_LINE.saturating_sub(self.partial.len());
        if content.len() > room {
            self.remark("A line is too long: its end was not read.");
            self.skipped += (content.len() - room) as u64;
        }
        self.partial
            .extend_from_slice(content.get(..room).unwrap_or(content));
        if ended {
            let line = std::mem::take(&mut self.partial);
            self.line(&line);
            self.partial = line;
            self.partial.clear();
            self.skipped = 0;
        }
        tail
    }

    /// Text that looked like JSON.
    fn plain(&mut self, text: &[u8]) {
        for line in text.split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                self.line(line.get(..LONGEST_LINE).unwrap_or(line));
            }
        }
    }

    /// Reads one line, without its line end.
    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = &*without_escapes(line);
        if self.mail.is_some() {
            self.line_of_mail(line);
            return;
        }
        if !self.begun && !line.trim_ascii().is_empty() {
            self.begun = true;
            if notice::begins_mail(&String::from_utf8_lossy(line)) {
                self.mail = Some(Vec::new());
                self.line_of_mail(line);
                return;
            }
        }
        if self.notice.is_some() || self.list.is_open() || self.log.is_open() {
            self.parse(line);
            return;
        }
        match self.says(line) {
            Says::Delivered => {
                self.last.clear();
                if self.log.waits_for_successes() {
                    self.log.succeeded(line, &mut self.tally);
                }
                let kind = if line.first().is_some_and(u8::is_ascii_digit)
                    && lines::is_of_mailcows_page(&String::from_utf8_lossy(line))
                {
                    Kind::MailcowLog
                } else {
                    Kind::PostfixLog
                };
                self.count_log(kind);
            }
            Says::Nothing if tag_is_of_postfix(line) => {
                self.last.clear();
                self.count_log(Kind::PostfixLog);
            }
            // Most logs hold lines of many programs.
            Says::Nothing if self.is_in_log && begins_as_syslog(line) => {
                self.last.clear();
                self.unclaimed += 1;
            }
            Says::Nothing | Says::Something => self.parse(line),
        }
    }

    #[cfg(not(test))]
    fn says(&self, line: &[u8]) -> Says {
        filter::says(line)
    }

    #[cfg(test)]
    fn says(&self, line: &[u8]) -> Says {
        match self.reads_all {
            true => Says::Something,
            false => filter::says(line),
        }
    }

    fn parse(&mut self, line: &[u8]) {
        let text = decoded(line);
        if let Some(notice) = &mut self.notice {
            let goes_on = notice.len() < NOTICE && !begins_record(&text);
            if goes_on {
                notice.push_str(&text);
                notice.push('\n');
                return;
            }
            self.end_notice();
        }
        if self.list.is_open() && self.listed(&text) {
            return;
        }
        if text.trim().is_empty() {
            self.line_of_log(&text, None);
            return;
        }
        let before = std::mem::take(&mut self.last);
        if self.line_of_log(&text, None) || self.listed(&text) {
            return;
        }
        let kind = self.of_others(&text);
        if let Some(kind) = kind {
            self.count(kind, true);
        } else if queue::row(&text, &mut self.tally) {
            self.count(Kind::MailcowQueue, true);
        } else if self.object_in(&text) {
            // It counted what is in it.
        } else if notice::recipient_line(text.trim_start_matches("> ")).is_some()
            || text.to_ascii_lowercase().contains("server returned ")
        {
            // The line with the recipient before it is a part of it.
            if before.contains('@') {
                self.unclaimed = self.unclaimed.saturating_sub(1);
            }
            self.notice = Some(format!("{before}\n{text}\n"));
        } else {
            self.unclaimed += 1;
            if self.alone.is_none() && self.unclaimed <= ALONE {
                self.alone = cause_of_text(&text).map(|cause| cause.id);
            }
            if !begins_as_syslog(line) {
                self.last = text.chars().take(400).collect();
            }
        }
    }

    fn listed(&mut self, text: &str) -> bool {
        let text = unquoted(text);
        match self.list.line(text, &mut self.tally) {
            queue::Took::Message => self.count(Kind::PostqueueList, true),
            queue::Took::Part => {
                if text.trim() == "Mail queue is empty" {
                    self.row(Kind::PostqueueList).recognised = true;
                }
            }
            queue::Took::Nothing => return false,
        }
        true
    }

    /// Reads an object of JSON at the end of a line: a quotation, or what shows
    /// logs, wrote something before it.
    fn object_in(&mut self, text: &str) -> bool {
        let object = text.find("{\"").and_then(|at| text.get(at..));
        let Some(Ok(value)) = object.map(serde_json::from_str::<serde_json::Value>) else {
            return false;
        };
        objects::each(&value, &mut |what| self.one_of_object(what));
        // The line is counted already.
        self.lines = self.lines.saturating_sub(1);
        true
    }

    fn of_others(&mut self, text: &str) -> Option<Kind> {
        if stalwart::line(text, &mut self.tally) {
            Some(Kind::StalwartLog)
        } else if maddy::line(text, &mut self.tally) {
            Some(Kind::MaddyLog)
        } else if self.exim.line(text, &mut self.tally) {
            Some(Kind::EximLog)
        } else {
            None
        }
    }

    /// Reads a line of a log; `kind` where JSON carried it. `false` if it is
    /// none of Postfix's.
    fn line_of_log(&mut self, text: &str, kind: Option<Kind>) -> bool {
        match self.log.line(text, &mut self.tally) {
            lines::Took::Postfix => self.count_log(kind.unwrap_or(Kind::PostfixLog)),
            lines::Took::Mailcow => self.count_log(kind.unwrap_or(Kind::MailcowLog)),
            lines::Took::Part => {}
            lines::Took::Nothing => return false,
        }
        true
    }

    /// Reads one object of JSON.
    fn object(&mut self, bytes: &[u8]) {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else {
            self.plain(bytes);
            return;
        };
        self.log.end(&mut self.tally);
        objects::each(&value, &mut |what| self.one_of_object(what));
    }

    fn one_of_object(&mut self, what: What<'_>) {
        self.lines += 1;
        match what {
            What::Message(kind, message) => {
                queue::message(message, &mut self.tally);
                self.count(kind, true);
            }
            What::Line(kind, text) => {
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    let line: String = line.chars().take(LONGEST_LINE).collect();
                    if !self.line_of_log(&line, Some(kind)) {
                        let other = self.of_others(&line).is_some();
                        self.count(kind, other);
                    }
                    self.log.end(&mut self.tally);
                }
            }
            What::Recipient(recipient) => {
                queue::recipient_alone(recipient, &mut self.tally);
                self.count(Kind::PostqueueJson, true);
            }
            What::Report => self.count(Kind::Tlsrpt, true),
            What::Other => self.unclaimed += 1,
        }
    }

    /// Ends what is open.
    fn flush(&mut self) {
        if let Some(mut objects) = self.json.take() {
            let rest = objects.rest();
            if !rest.is_empty() {
                self.note("The input ends in the middle of an object of JSON.");
                self.plain(&rest);
            }
        }
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.line(&line);
        }
        self.end_mail();
        self.end_notice();
        self.log.end(&mut self.tally);
        self.list.end(&mut self.tally);
    }

    /// Ends the input: one report for each form in it.
    pub(super) fn end(&mut self, name: &str) -> Vec<InputReport> {
        self.flush();
        let mut rows = std::mem::take(&mut self.rows);
        let mut notes = std::mem::take(&mut self.notes);
        let mut unclaimed = std::mem::take(&mut self.unclaimed);
        let sniffed = std::mem::take(&mut self.sniffed);
        let alone = self.alone.take();
        self.begun = false;
        self.is_in_log = false;
        self.after_return = false;
        self.skipped = 0;
        self.last.clear();
        let mut is_cut = std::mem::take(&mut self.is_cut);
        let unread = std::mem::take(&mut self.log.unread);
        if unread > 0 {
            notes.push(format!("The status of {unread} could not be read."));
        }
        let listed = std::mem::take(&mut self.list.unread);
        if listed > 0 {
            notes.push(format!(
                "The listing is cut off: recipients or reasons of {listed} are not in it."
            ));
            if let Some(row) = rows.get_mut(&Kind::PostqueueList) {
                row.understood = row.understood.saturating_sub(listed);
            }
        }
        is_cut |= unread + listed > 0;
        if let Some(row) = rows.values_mut().max_by_key(|row| row.understood) {
            row.understood = row.understood.saturating_sub(unread);
            row.recognised &= row.understood > 0 || unread == 0;
        }
        rows.retain(|_, row| {
            if !row.recognised {
                unclaimed += row.records;
            }
            row.recognised
        });
        if rows.is_empty() {
            let mut kind = Kind::Unknown;
            if sniffed.len() < SNIFFED && sniffed.trim_ascii().is_empty() {
                kind = Kind::Empty;
                notes.push(EMPTY.to_owned());
            } else if let Some(words) = looks_like(&sniffed) {
                notes.push(format!("It looks like {words}."));
            } else if let Some(id) = alone {
                notes.push(format!(
                    "It has a text of a mail server, and no next hop: `danecheck explain {id}` says \
                     what the text means, and `danecheck DOMAIN` checks a domain."
                ));
            }
            let row = Row {
                records: 0,
                understood: 0,
                recognised: false,
            };
            rows.insert(kind, row);
        }
        // Lines that nobody understood are of the form that most lines have.
        if let Some(row) = rows.values_mut().max_by_key(|row| row.understood) {
            row.records += unclaimed;
        }
        let mut reports: Vec<InputReport> = rows
            .into_iter()
            .map(|(kind, row)| InputReport {
                name: name.to_owned(),
                kind,
                records: row.records,
                understood: row.understood,
                notes: Vec::new(),
                is_cut: false,
            })
            .collect();
        if let Some(first) = reports.first_mut() {
            first.notes = notes;
            first.is_cut = is_cut;
        }
        reports
    }
}
