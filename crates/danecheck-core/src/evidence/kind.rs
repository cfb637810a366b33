//! The forms of evidence, recognised by their content.

use schemars::JsonSchema;
use serde::Serialize;

/// The form of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Lines of a Postfix log.
    PostfixLog,
    /// mailcow's web page of logs, or its API.
    MailcowLog,
    /// `journalctl -o json`.
    JournalJson,
    /// Docker's json-file.
    DockerJson,
    /// rsyslog's and others' lines of JSON.
    RsyslogJson,
    /// `postqueue -j`.
    PostqueueJson,
    /// `postqueue -p`, `mailq`.
    PostqueueList,
    /// `get/mailq/all` of mailcow's API.
    MailcowQueue,
    /// A notice of a delay or of a returned mail (RFC 3464).
    Dsn,
    /// Exim's main log.
    EximLog,
    /// Stalwart's log.
    StalwartLog,
    /// maddy's log.
    MaddyLog,
    /// A TLS report (RFC 8460): `danecheck explain --tlsrpt` reads it.
    Tlsrpt,
    /// None of these.
    Unknown,
    /// None of these, because there is no word in it.
    #[serde(rename = "unknown")]
    #[schemars(skip)]
    Empty,
}

impl Kind {
    /// The words of the report for a form, and for one of its records; more of
    /// them take an s.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::PostfixLog => ("a Postfix log", "line"),
            Self::MailcowLog => ("a mailcow log", "line"),
            Self::JournalJson => ("a journal in JSON", "line"),
            Self::DockerJson => ("a log of Docker in JSON", "line"),
            Self::RsyslogJson => ("a log in JSON", "line"),
            Self::PostqueueJson => ("a queue listing (postqueue -j)", "message"),
            Self::PostqueueList => ("a queue listing (postqueue -p)", "message"),
            Self::MailcowQueue => ("mailcow's queue", "message"),
            Self::Dsn => ("a notice about mail", "recipient"),
            Self::EximLog => ("an Exim log", "line"),
            Self::StalwartLog => ("a Stalwart log", "line"),
            Self::MaddyLog => ("a maddy log", "line"),
            Self::Tlsrpt => ("a TLS report", "report"),
            Self::Unknown | Self::Empty => ("an unknown form", "line"),
        }
    }

    /// Whether danecheck knows the form.
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Unknown | Self::Empty)
    }
}

/// The note about an input without any word.
pub(super) const EMPTY: &str = "The input is empty.";
