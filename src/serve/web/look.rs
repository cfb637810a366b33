//! A finished look, in the forms in which it is shown.

use bytes::Bytes;

use super::last::{Last, in_language};
use super::pages::result_page;
use danecheck_core::entry::Language;
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::html::answer_in;
use danecheck_core::report::{ExitStatus, Report, json};

/// How a look ended.
#[derive(Debug)]
pub(in crate::serve) enum Look {
    /// With a report.
    Seen(Seen),
    /// Not at all, which is a fault of this program.
    Failed,
}

/// A report in the forms in which it is shown.
#[derive(Debug)]
pub(in crate::serve) struct Seen {
    /// As `--json` prints it.
    pub(super) json: Bytes,
    /// The page in each language, in the order of [`Language::ALL`].
    pages: [Bytes; Language::ALL.len()],
    pub(super) last: Last,
}

impl Seen {
    pub(in crate::serve) fn new(report: &Report, status: ExitStatus, target: &NextHop) -> Self {
        Self {
            json: Bytes::from(json(report) + "\n"),
            pages: Language::ALL
                .map(|language| Bytes::from(result_page(report, status, target, language))),
            last: Last {
                checked_at: report.checked_at,
                verdict: report.verdict,
                status,
                answers: Language::ALL.map(|language| answer_in(report, language)),
            },
        }
    }

    pub(super) fn page(&self, language: Language) -> Bytes {
        in_language(&self.pages, language)
            .cloned()
            .unwrap_or_default()
    }
}

impl Look {
    /// The bytes that it takes, nearly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Seen(seen) => {
                let pages: usize = seen.pages.iter().map(Bytes::len).sum();
                let answers: usize = seen.last.answers.iter().map(String::len).sum();
                seen.json.len() + pages + answers
            }
            Self::Failed => 0,
        }
    }

    #[cfg(test)]
    pub(super) fn of_size(size: usize) -> Self {
        use danecheck_core::judge::Verdict;
        use danecheck_core::unix_time::UnixTime;
        Self::Seen(Seen {
            json: Bytes::from(vec![b' '; size]),
            pages: Default::default(),
            last: Last {
                checked_at: UnixTime(0),
                verdict: Verdict::DaneOk,
                status: ExitStatus::Fine,
                answers: Default::default(),
            },
        })
    }
}
