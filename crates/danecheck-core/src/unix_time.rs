//! Moments, as arguments: nothing in the judging half reads a clock.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("format" = "date-time"))]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// Reads an RFC 3339 time; `None` if the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self(moment.unix_timestamp()))
    }

    /// The calendar day in UTC, `2026-11-22`.
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// This moment moved by `days`, which may be negative.
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(86_400)))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            // After the year 9999: certificates can express that, RFC 3339
            // cannot.
            None => write!(f, "@{}", self.0),
        }
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let seconds = text.strip_prefix('@').and_then(|rest| rest.parse().ok());
        Self::parse(&text)
            .or(seconds.map(Self))
            .ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_rfc_3339() {
        let moment = UnixTime(1_795_312_923);
        assert_eq!(moment.to_string(), "2026-11-22T02:02:03Z");
        assert_eq!(UnixTime::parse("2026-11-22T02:02:03Z"), Some(moment));
        assert_eq!(moment.day(), "2026-11-22");
        assert_eq!(moment.plus_days(30).day(), "2026-12-22");
    }

    #[test]
    fn a_moment_past_the_calendar_survives_a_round_trip() {
        let far = UnixTime(i64::MAX);
        let json = serde_json::to_string(&far).unwrap();
        assert_eq!(serde_json::from_str::<UnixTime>(&json).unwrap(), far);
    }
}
