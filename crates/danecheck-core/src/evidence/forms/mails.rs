//! Mails in a stream: gathered whole, because their parts nest, and then read with
//! what is attached to them.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use memchr::memmem;

use super::super::kind::Kind;
use super::super::notice;
use super::super::unread::{is_packed, looks_like};
use super::super::utf16::Utf16;
use super::Forms;

/// Bytes of the longest mail that is read.
const LONGEST_MAIL: usize = 16 * 1024 * 1024;

/// Lines of a mail that may divide its parts; each part takes memory.
const DIVIDERS: usize = 4000;

/// Bytes that an attachment may expand to.
const LONGEST_ATTACHMENT: u64 = 64 * 1024 * 1024;

/// Attachments inside attachments.
const NESTING: u32 = 3;

impl Forms {
    pub(super) fn line_of_mail(&mut self, line: &[u8]) {
        let Some(mail) = &mut self.mail else {
            return;
        };
        // The next mail of a mailbox file (RFC 4155).
        let is_next = line.starts_with(b"From ")
            && mail.ends_with(b"\n\n")
            && memmem::find(line, b":").is_some();
        if is_next {
            self.end_mail();
            self.mail = Some(Vec::new());
            return;
        }
        if mail.is_empty() && line.starts_with(b"From ") {
            return;
        }
        self.dividers += usize::from(line.starts_with(b"--"));
        if mail.len() + line.len() > LONGEST_MAIL || self.dividers > DIVIDERS {
            self.note("The mail is too long: its end was not read.");
            return;
        }
        mail.extend_from_slice(line);
        mail.push(b'\n');
    }

    pub(super) fn end_mail(&mut self) {
        let Some(bytes) = self.mail.take() else {
            return;
        };
        self.dividers = 0;
        let mail = notice::mail(&bytes, &mut self.tally);
        for _ in 0..mail.recipients {
            self.count(Kind::Dsn, true);
        }
        for _ in 0..mail.reports {
            self.count(Kind::Tlsrpt, true);
        }
        for note in &mail.notes {
            self.note(note);
        }
        if self.nesting >= NESTING {
            self.note("Attachments inside attachments were read three deep only.");
            return;
        }
        let understood: u64 = self.rows.values().map(|row| row.understood).sum();
        let unclaimed = self.unclaimed;
        self.nesting += 1;
        for attached in &mail.attached {
            self.attachment(attached);
        }
        self.nesting -= 1;
        let understands: u64 = self.rows.values().map(|row| row.understood).sum();
        if mail.recipients + mail.reports > 0 && understands == understood {
            // The words around a notice are no records.
            self.unclaimed = unclaimed;
        }
    }

    fn attachment(&mut self, bytes: &[u8]) {
        self.begun = false;
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut expanded = Vec::new();
            let read = MultiGzDecoder::new(bytes)
                .take(LONGEST_ATTACHMENT)
                .read_to_end(&mut expanded);
            if read.is_err() {
                self.note("An attachment is damaged: its rest was not read.");
            }
            if expanded.len() as u64 >= LONGEST_ATTACHMENT {
                self.note("An attachment expands to too much: its rest was not read.");
            }
            self.bytes(&expanded);
        } else if let Some(mut utf16) = Utf16::begins(bytes) {
            let text = utf16.text(bytes);
            self.bytes(text.as_bytes());
        } else if is_packed(bytes) {
            self.unclaimed += 1;
            if let Some(words) = looks_like(bytes) {
                self.remark(&format!(
                    "An attachment was not read. It looks like {words}."
                ));
            }
        } else {
            self.bytes(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        }
        self.flush();
    }

    pub(super) fn end_notice(&mut self) {
        let Some(text) = self.notice.take() else {
            return;
        };
        let recipients = notice::body(&text, &mut self.tally);
        for _ in 0..recipients {
            self.count(Kind::Dsn, true);
        }
        if recipients == 0 {
            self.unclaimed += 1;
        }
    }
}
