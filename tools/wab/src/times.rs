//! Points in time and spans as people read and type them: in the time zone of the machine, with its offset from UTC. Pure.

use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ZonedDateTime};

/// A point in time as an option takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    At(Timestamp),
    /// In the time zone of the machine.
    Local(DateTime),
    /// That long ago.
    Ago(Span),
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.parse().map(Self::At);
        let local = |_| text.parse().map(Self::Local);
        let ago = |_| text.parse().map(Self::Ago);
        // A span that begins with a sign would mean the future.
        let unsigned = !text.starts_with(['-', '+']);
        at.or_else(local).or_else(ago).ok().filter(|_| unsigned).ok_or("expected a time, a date, or a span such as 2h")
    }
}

impl Moment {
    pub(crate) fn resolve(self, now: &ZonedDateTime) -> anyhow::Result<Timestamp> {
        Ok(match self {
            Self::At(at) => at,
            Self::Local(local) => local.to_zoned_datetime(now.time_zone().clone())?.timestamp(),
            Self::Ago(span) => now.checked_sub(span)?.timestamp(),
        })
    }
}

/// A point in time to the millisecond: `2026-11-23 22:15:02.417 +13:00`.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}

/// The day of a point in time, with its offset: `2026-11-23 (+13:00)`.
pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d (%:z)").to_string()
}

/// The time of day: `22:15:02`.
pub(crate) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// A span in its two largest units: `3 d 4 h`, `1.2 s`, `417 ms`.
pub(crate) fn span(span: SignedDuration) -> String {
    let ms = span.as_millis().unsigned_abs();
    let sign = if span.is_negative() { "-" } else { "" };
    let two = |unit: u128, name, lesser: u128, lesser_name| match ms % unit / lesser {
        0 => format!("{sign}{} {name}", ms / unit),
        rest => format!("{sign}{} {name} {rest} {lesser_name}", ms / unit),
    };
    match ms {
        0..1_000 => format!("{sign}{ms} ms"),
        1_000..60_000 => format!("{sign}{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => two(60_000, "min", 1_000, "s"),
        3_600_000..86_400_000 => two(3_600_000, "h", 60_000, "min"),
        _ => two(86_400_000, "d", 3_600_000, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_has_its_offset() {
        let at: Timestamp = "2026-11-23T09:15:02.417Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(13));
        assert_eq!(local(at, &zone), "2026-11-23 22:15:02.417 +13:00");
        assert_eq!(local(at, &TimeZone::UTC), "2026-11-23 09:15:02.417 +00:00");
        assert_eq!((day(at, &zone), clock(at, &zone)), ("2026-11-23 (+13:00)".to_owned(), "22:15:02".to_owned()));
    }

    #[track_caller]
    fn resolved(text: &str, expected: &str) {
        let now = "2026-11-23T22:15:02+13:00[Pacific/Auckland]".parse::<ZonedDateTime>();
        let now = now.unwrap_or_else(|_| "2026-11-23T22:15:02+13:00[+13:00]".parse().unwrap());
        assert_eq!(text.parse::<Moment>().unwrap().resolve(&now).unwrap().to_string(), expected, "{text}");
    }

    #[test]
    fn moment_is_absolute_local_or_ago() {
        resolved("2026-11-23T09:15:02Z", "2026-11-23T09:15:02Z");
        resolved("2026-11-23T22:15:02+13:00", "2026-11-23T09:15:02Z");
        resolved("2026-11-23T22:15", "2026-11-23T09:15:00Z");
        resolved("2026-11-23 22:15", "2026-11-23T09:15:00Z");
        resolved("2026-11-23", "2026-11-22T11:00:00Z");
        resolved("2h", "2026-11-23T07:15:02Z");
        resolved("30m", "2026-11-23T08:45:02Z");
        resolved("3d", "2026-11-20T09:15:02Z");
        for wrong in ["", "yesterday", "2", "-2h", "2026-13-01", "22:15"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn span_has_two_units_at_most() {
        let ms = |ms| span(SignedDuration::from_millis(ms));
        assert_eq!([ms(0), ms(417), ms(1_250), ms(59_999)], ["0 ms", "417 ms", "1.2 s", "59.9 s"]);
        assert_eq!([ms(60_000), ms(61_500), ms(3_600_000)], ["1 min", "1 min 1 s", "1 h"]);
        assert_eq!([ms(3_660_000), ms(100_000_000), ms(172_800_000)], ["1 h 1 min", "1 d 3 h", "2 d"]);
        assert_eq!(ms(-1_500), "-1.5 s");
    }
}
