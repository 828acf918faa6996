//! Spans of time in which events were received. Pure.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use wab_models::ReceivedAt;

/// A span of time: `from` is inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Window {
    /// The bounds in the form of an item's `received_at`, whose text sorts by time.
    pub(crate) fn bounds(&self) -> (ReceivedAt, ReceivedAt) {
        (ReceivedAt::from_epoch_ms(self.from.as_millisecond().max(0)), received_at(self.to))
    }
}

/// A point in time in the form of an item's `received_at`. Items are dated in whole milliseconds, so a fraction rounds up.
pub(crate) fn received_at(instant: Timestamp) -> ReceivedAt {
    let instant = instant.saturating_add(SignedDuration::from_nanos(999_999)).unwrap_or(Timestamp::MAX);
    ReceivedAt::from_epoch_ms(instant.as_millisecond().max(0))
}

/// Spans of time. Those that overlap or touch are merged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Windows(Vec<(ReceivedAt, ReceivedAt)>);

impl Windows {
    pub(crate) fn new(windows: impl IntoIterator<Item = Window>) -> Self {
        let mut bounds: Vec<_> = windows.into_iter().map(|window| window.bounds()).collect();
        bounds.sort();
        let mut merged: Vec<(ReceivedAt, ReceivedAt)> = Vec::with_capacity(bounds.len());
        for (from, to) in bounds {
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = (*end).clone().max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    /// From the beginning of the first to the end of the last.
    pub(crate) fn bounds(&self) -> (ReceivedAt, ReceivedAt) {
        let epoch = || ReceivedAt::from_epoch_ms(0);
        let bound = |window: Option<&(ReceivedAt, ReceivedAt)>| window.cloned().unwrap_or_else(|| (epoch(), epoch()));
        (bound(self.0.first()).0, bound(self.0.last()).1)
    }

    pub(crate) fn contain(&self, received_at: &str) -> bool {
        let after = self.0.partition_point(|(from, _)| from.as_str() <= received_at);
        let last = after.checked_sub(1).and_then(|index| self.0.get(index));
        last.is_some_and(|(_, to)| received_at < to.as_str())
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.bounds();
        write!(f, "from {} to {}", from.as_str(), to.as_str())?;
        if self.0.len() > 1 {
            write!(f, ", in {} parts", self.0.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> Window {
        Window { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn spelled(windows: &Windows) -> Vec<(&str, &str)> {
        windows.0.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect()
    }

    #[test]
    fn overlapping_windows_are_merged() {
        let windows = Windows::new([
            window("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z"),
            window("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"),
            window("2026-11-23T10:00:00Z", "2026-11-23T10:30:00Z"),
            window("2026-11-23T09:10:00Z", "2026-11-23T09:20:00Z"),
        ]);
        let expected = [
            ("2026-11-23T09:00:00.000Z", "2026-11-23T10:30:00.000Z"),
            ("2026-11-23T12:00:00.000Z", "2026-11-23T13:00:00.000Z"),
        ];
        assert_eq!(spelled(&windows), expected);
        let (from, to) = windows.bounds();
        assert_eq!((from.as_str(), to.as_str()), ("2026-11-23T09:00:00.000Z", "2026-11-23T13:00:00.000Z"));
    }

    #[test]
    fn window_includes_its_start_but_not_its_end() {
        let windows = Windows::new([
            window("2026-11-23T22:00:00+13:00", "2026-11-23T10:00:00.0001Z"),
            window("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z"),
        ]);
        for inside in ["2026-11-23T09:00:00.000Z", "2026-11-23T10:00:00.000Z", "2026-11-23T12:59:59.999Z"] {
            assert!(windows.contain(inside), "{inside}");
        }
        for outside in ["", "2026-11-23T08:59:59.999Z", "2026-11-23T10:00:00.001Z", "2026-11-23T13:00:00.000Z", "x"] {
            assert!(!windows.contain(outside), "{outside}");
        }
        assert!(!Windows::new([]).contain("2026-11-23T09:00:00.000Z"));
    }
}
