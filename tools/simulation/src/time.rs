//! Virtual time: the unit, and when a run begins.

/// Milliseconds of virtual time, since the start of the run or as a span.
pub type Ms = u64;

pub(crate) const SECOND: Ms = 1_000;
pub(crate) const MINUTE: Ms = 60 * SECOND;
pub(crate) const HOUR: Ms = 60 * MINUTE;

/// The start of every run: 2026-01-05T00:00:00Z.
pub(crate) const EPOCH_MS: Ms = 1_767_571_200_000;
