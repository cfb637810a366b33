//! A finished look, in the forms in which it is shown.

use bytes::Bytes;

use super::pages::result_page;
use danecheck_core::entry::Language;
use danecheck_core::judge::Verdict;
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::{ExitStatus, Report, headline, json};
use danecheck_core::unix_time::UnixTime;

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

/// What the overview says of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) checked_at: UnixTime,
    pub(super) verdict: Verdict,
    pub(super) status: ExitStatus,
    /// The verdict in a sentence.
    pub(super) headline: String,
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
                headline: headline(report),
            },
        }
    }

    pub(super) fn page(&self, language: Language) -> Bytes {
        let pages = Language::ALL.iter().zip(&self.pages);
        let mut of_language = pages.filter(|(other, _)| **other == language);
        of_language
            .next()
            .map(|(_, page)| page.clone())
            .unwrap_or_default()
    }
}

impl Look {
    /// The bytes that it takes, nearly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Seen(seen) => {
                let pages: usize = seen.pages.iter().map(Bytes::len).sum();
                seen.json.len() + pages + seen.last.headline.len()
            }
            Self::Failed => 0,
        }
    }

    #[cfg(test)]
    pub(super) fn of_size(size: usize) -> Self {
        Self::Seen(Seen {
            json: Bytes::from(vec![b' '; size]),
            pages: Default::default(),
            last: Last {
                checked_at: UnixTime(0),
                verdict: Verdict::DaneOk,
                status: ExitStatus::Fine,
                headline: String::new(),
            },
        })
    }
}
