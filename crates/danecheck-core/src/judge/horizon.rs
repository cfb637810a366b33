//! The moment that is judged, and how far ahead to warn.

use crate::certificate::Certificate;
use crate::unix_time::UnixTime;

/// Days before the end of a certificate at which warnings begin, by default.
const WARN_DAYS: i64 = 14;

/// The moment of a judgement, and how far ahead it warns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// The moment at which certificates are judged; when the target was
    /// checked, unless given.
    pub at: Option<Moment>,
    /// How many days ahead to warn of an end. By default 14 days, but at most a
    /// third of a certificate's lifetime, because short-lived ones are renewed
    /// later. For signatures, two days and a fifth.
    pub warn_days: Option<u32>,
}

/// A moment, or its distance from the observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(UnixTime),
    /// This many seconds after the target was checked.
    After(i64),
}

impl Horizon {
    /// The moment for which an observation of that time is judged.
    pub fn now(&self, checked_at: UnixTime) -> UnixTime {
        match self.at {
            None => checked_at,
            Some(Moment::At(moment)) => moment,
            Some(Moment::After(seconds)) => UnixTime(checked_at.0.saturating_add(seconds)),
        }
    }

    /// The time up to which an end is near.
    pub(crate) fn warn_until(&self, now: UnixTime, leaf: &Certificate) -> UnixTime {
        match self.warn_days {
            Some(days) => now.plus_days(days.into()),
            None => {
                let third = leaf.not_after().0.saturating_sub(leaf.not_before().0) / 3;
                let ahead = third.min(WARN_DAYS * 86_400);
                UnixTime(now.0.saturating_add(ahead))
            }
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = String;

    /// Reads `2027-01-31`, an RFC 3339 time, or `+30d` (`h` for hours, `w` for
    /// weeks), also without the plus.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || "give a time such as 2027-01-31, 2027-01-31T12:00:00Z or +30d".to_owned();
        let ahead = text.strip_prefix('+').unwrap_or(text);
        if ahead.len() < text.len() || ahead.ends_with(['h', 'd', 'w']) {
            let (count, unit) = ahead
                .split_at_checked(ahead.len().saturating_sub(1))
                .ok_or_else(refuse)?;
            let count = count.trim_end();
            let seconds = match unit {
                "h" => 3600,
                "d" => 86_400,
                "w" => 7 * 86_400,
                _ => return Err(refuse()),
            };
            let count: u32 = count.parse().map_err(|_| refuse())?;
            return Ok(Self::After(i64::from(count) * seconds));
        }
        UnixTime::parse(text)
            .or_else(|| UnixTime::parse(&format!("{text}T00:00:00Z")))
            .map(Self::At)
            .ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_three_forms() {
        let seen = UnixTime::parse("2026-11-22T12:00:00Z").unwrap();
        for (text, moment) in [
            ("2027-01-31", "2027-01-31T00:00:00Z"),
            ("2027-01-31T01:02:03Z", "2027-01-31T01:02:03Z"),
            ("+30d", "2026-12-22T12:00:00Z"),
            ("+2w", "2026-12-06T12:00:00Z"),
            ("+1h", "2026-11-22T13:00:00Z"),
            ("30d", "2026-12-22T12:00:00Z"),
            ("2w", "2026-12-06T12:00:00Z"),
            ("1h", "2026-11-22T13:00:00Z"),
        ] {
            let horizon = Horizon {
                at: Some(text.parse().unwrap()),
                warn_days: None,
            };
            assert_eq!(horizon.now(seen).to_string(), moment);
        }
        assert_eq!(Horizon::default().now(seen), seen);
        for text in [
            "", "+", "+d", "+3", "30", "d", "-1d", "+3y", "+-1d", "tomorrow", "+é",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
