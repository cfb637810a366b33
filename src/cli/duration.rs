//! Durations as people write them.

use std::time::Duration;

/// Reads `30`, `4s`, `1.5m`, `1m30s` or `500ms`; a number alone is seconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    let mut is_first = true;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let (number, after) = rest.split_at_checked(digits.unwrap_or(rest.len()))?;
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, next) = after.split_at_checked(letters.unwrap_or(after.len()))?;
        let seconds = match unit {
            // Only a number that stands alone has no unit.
            "" if is_first && next.is_empty() => 1.0,
            "ms" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        let part = Duration::try_from_secs_f64(number * seconds).ok()?;
        total = total.checked_add(part)?;
        is_first = false;
        rest = next.trim_start();
    }
    (!is_first).then_some(total)
}

/// Reads a number of days: `30`, `30d` or `4w`.
pub(super) fn days(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let (number, days) = [
        ("days", 1),
        ("day", 1),
        ("d", 1),
        ("weeks", 7),
        ("week", 7),
        ("w", 7),
    ]
    .into_iter()
    .find_map(|(unit, days)| Some((text.strip_suffix(unit)?.trim_end(), days)))
    .unwrap_or((text, 1));
    let number: Option<u32> = number.parse().ok();
    number
        .and_then(|number| number.checked_mul(days))
        .ok_or_else(|| "give a whole number of days, such as 30, 30d or 4w".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, milliseconds) in [
            ("30", 30_000),
            ("0.5", 500),
            ("4s", 4000),
            ("4 s", 4000),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("5min", 300_000),
            ("1m30s", 90_000),
            ("1h 30m", 5_400_000),
            ("1d", 86_400_000),
        ] {
            let read = duration(text).map(|read| read.as_millis());
            assert_eq!(read, Some(milliseconds), "{text}");
        }
        for text in [
            "", "s", "4x", "1m30", "30 4s", "-1s", "1..5", "1e300d", "\u{664}s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_read_with_their_unit() {
        for (text, number) in [
            ("30", 30),
            ("30d", 30),
            ("30 days", 30),
            ("4w", 28),
            ("0", 0),
        ] {
            assert_eq!(days(text), Ok(number), "{text}");
        }
        for text in ["", "d", "1.5", "3y", "-1", "999999999w"] {
            assert!(days(text).is_err(), "{text}");
        }
    }
}
