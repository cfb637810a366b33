//! A mail system, and what an entry for it is written from.

use crate::next_hop::NextHop;
use crate::postfix::{Override, SecurityLevel};

use super::language::Language;
use super::note::Note;

/// Everything from which an entry is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The override.
    pub entry: Override,
    /// The MX hosts for which it is needed, for systems that choose by host.
    pub hosts: Vec<String>,
    /// Whether `may` delivers only by the retry in plain text.
    pub by_plain_text_retry: bool,
    /// Since when, why, until when.
    pub note: Note,
    /// The language of instructions.
    pub language: Language,
}

/// What to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// This text, with separate instructions if the form has no comments.
    Entry {
        /// The text to paste, with its last line end.
        text: String,
        /// For standard error.
        beside: Option<String>,
    },
    /// The system delivers without an entry: why, in a sentence or two.
    NotNeeded(String),
    /// The system cannot express it: why, and the nearest setting.
    Inexpressible(String),
}

/// A mail system.
pub struct MailSystem {
    /// Its name for `--entry`.
    pub name: &'static str,
    /// Its form, in a few words.
    pub about: &'static str,
    /// Its form is a line of a table of Postfix's.
    pub(super) in_table: bool,
    pub(super) write: fn(&Request) -> Written,
}

impl MailSystem {
    /// Whether the entry is a line of a table of Postfix's.
    pub fn has_table(&self) -> bool {
        self.in_table
    }

    /// The entry in this system's form.
    pub fn write(&self, request: &Request) -> Written {
        (self.write)(request)
    }
}

impl std::fmt::Debug for MailSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a system that chooses by the recipient's domain can express.
pub(super) struct ForDomain<'r> {
    pub(super) domain: &'r str,
    pub(super) policy: SecurityLevel,
    pub(super) note: &'r Note,
    /// What Postfix's line says besides the level, and this system cannot
    /// express.
    pub(super) remarks: Vec<String>,
}

impl<'r> ForDomain<'r> {
    /// The recipient's domain; not a next hop of Postfix's transport table.
    pub(super) fn of(request: &'r Request, system: &str) -> Result<Self, Written> {
        let next_hop = &request.entry.next_hop;
        let plain = next_hop
            .parse::<NextHop>()
            .is_ok_and(|parsed| !parsed.bracketed && parsed.written_port.is_none());
        if !plain {
            return Err(Written::Inexpressible(format!(
                "{system} chooses by the recipient's domain, but {next_hop} is a next hop of \
                 Postfix's transport table: give the domain that mail is addressed to"
            )));
        }
        Ok(Self {
            domain: next_hop,
            policy: request.entry.line.level,
            note: &request.note,
            remarks: remarks(request),
        })
    }

    /// A name for the objects of this domain, of letters that every form
    /// accepts.
    pub(super) fn label(&self) -> String {
        format!("danecheck_{}", self.domain.replace(['.', '-'], "_"))
    }
}

/// What only Postfix's line can express.
pub(super) fn remarks(request: &Request) -> Vec<String> {
    let parameters = request.entry.line.attributes();
    if parameters.is_empty() {
        Vec::new()
    } else {
        vec![format!("Also needed, but not in this entry: {parameters}")]
    }
}
