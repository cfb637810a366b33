//! From which commit the program is built.

use std::path::Path;

/// What is said where nothing is known.
const UNKNOWN: &str = "unknown";

/// A commit of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// The first digits of its hash.
    pub(crate) hash: String,
    /// The day on which it was made, `2026-11-29`.
    pub(crate) date: String,
}

/// The commit that a package build names in its environment, else that of the git
/// folder at `root`, else that of a published crate. Nothing here depends on when
/// or where the program is built.
pub(crate) fn commit(
    root: &Path,
    variable: impl Fn(&str) -> Option<String>,
    git: impl Fn(&[&str]) -> Option<String>,
    crate_info: Option<String>,
) -> Commit {
    let unknown = || UNKNOWN.to_owned();
    if let Some(hash) = variable("DANECHECK_COMMIT") {
        let date = variable("DANECHECK_COMMIT_DATE").or_else(|| {
            let seconds = variable("SOURCE_DATE_EPOCH")?.parse().ok()?;
            Some(day(seconds))
        });
        return Commit {
            hash: short(&hash),
            date: date.unwrap_or_else(unknown),
        };
    }
    // The source of a package may lie in the git folder of something else.
    let top = git(&["rev-parse", "--show-toplevel"]);
    if top.is_some_and(|top| Path::new(top.trim()) == root)
        && let Some(said) = git(&["log", "-1", "--no-show-signature", "--format=%H %ct"])
        && let Some((hash, seconds)) = said.trim().split_once(' ')
        && let Ok(seconds) = seconds.parse()
    {
        return Commit {
            hash: short(hash),
            date: day(seconds),
        };
    }
    let of_crate = crate_info.and_then(|text| {
        let (_, rest) = text.split_once("\"sha1\"")?;
        Some(short(rest.split('"').nth(1)?))
    });
    Commit {
        hash: of_crate.unwrap_or_else(unknown),
        date: unknown(),
    }
}

fn short(hash: &str) -> String {
    hash.trim().chars().take(12).collect()
}

/// The day of a moment in UTC, by the proleptic Gregorian calendar.
fn day(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}")
}
