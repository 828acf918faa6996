//! Spells: from when to when a metric showed something wrong. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::stack::Series;

/// The period of the data points.
pub(crate) const PERIOD: SignedDuration = SignedDuration::from_mins(1);

/// A spell is over after this much time without a bad data point. A shorter quiet time is part of it.
const QUIET: SignedDuration = SignedDuration::from_mins(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Spell {
    pub(crate) since: Timestamp,
    /// None if it isn't over.
    pub(crate) until: Option<Timestamp>,
    /// The start of the last bad period.
    #[serde(skip)]
    pub(crate) last: Timestamp,
}

impl Spell {
    /// The last spell in which `is_bad` was true of the data points.
    pub(crate) fn last(series: &Series, is_bad: impl Fn(f64) -> bool, now: Timestamp) -> Option<Self> {
        let bad = series.points.iter().filter(|(_, value)| is_bad(*value)).map(|(at, _)| *at);
        let (since, last) = bad.fold(None, |spell, at| match spell {
            Some((since, last)) if at.duration_since(last) <= PERIOD + QUIET => Some((since, at)),
            _ => Some((at, at)),
        })?;
        let end = last.checked_add(PERIOD).ok()?;
        let is_over = now.duration_since(end) >= QUIET;
        Some(Self { since, until: is_over.then_some(end), last })
    }

    /// The same spell, over if its alarm has ended after the last bad data point.
    pub(crate) fn ended_with(self, alarm_ended: Option<Timestamp>) -> Self {
        let is_over = alarm_ended.is_some_and(|ended| ended >= self.last);
        let end = self.last.checked_add(PERIOD).ok();
        Self { until: self.until.or(end.filter(|_| is_over)), ..self }
    }

    /// The same spell, known to go on or to be over.
    pub(crate) fn going_on(self, goes_on: bool, now: Timestamp) -> Self {
        Self { until: if goes_on { None } else { self.until.or(Some(now)) }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    #[track_caller]
    fn check(bad_minutes: &[i64], now: i64, expected: Option<(i64, Option<i64>)>) {
        let points = bad_minutes.iter().map(|minute| (at(*minute), 1.0)).chain([(at(99), 0.0)]).collect();
        let spell = Spell::last(&Series { points }, |value| value > 0.0, at(now));
        assert_eq!(
            spell.map(|spell| (spell.since, spell.until)),
            expected.map(|(since, until)| (at(since), until.map(at)))
        );
    }

    #[test]
    fn spell_ends_after_five_quiet_minutes() {
        check(&[], 100, None);
        check(&[10], 11, Some((10, None)));
        check(&[10], 15, Some((10, None)));
        check(&[10], 16, Some((10, Some(11))));
        check(&[10, 11, 16], 18, Some((10, None)));
        check(&[10, 17], 30, Some((17, Some(18))));
        check(&[10, 16], 30, Some((10, Some(17))));
    }

    #[test]
    fn present_state_decides_whether_it_goes_on() {
        let over = Spell { since: at(1), until: Some(at(2)), last: at(1) };
        assert_eq!(over.going_on(true, at(9)).until, None);
        assert_eq!(over.going_on(false, at(9)).until, Some(at(2)));
        assert_eq!(Spell { until: None, ..over }.going_on(false, at(9)).until, Some(at(9)));
    }

    #[test]
    fn spell_ends_with_its_alarm() {
        let spell = Spell { since: at(1), until: None, last: at(5) };
        assert_eq!(spell.ended_with(None).until, None);
        assert_eq!(spell.ended_with(Some(at(4))).until, None, "something was wrong again");
        assert_eq!(spell.ended_with(Some(at(5))).until, Some(at(6)));
    }
}
