//! Progress of a command that takes long: a bar with the remaining time on a terminal, otherwise a line every few seconds.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Interval of lines.
const INTERVAL: Duration = Duration::from_secs(5);

pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines { started: Instant, last: Instant, total: u64 },
}

impl Progress {
    /// `total` is an estimate.
    pub(crate) fn new(total: u64, is_terminal: bool) -> Self {
        if !is_terminal {
            return Self::Lines { started: Instant::now(), last: Instant::now(), total };
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = "{bar:30} {percent}% {msg}, {eta} left";
        Self::Bar(bar.with_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar())))
    }

    pub(crate) fn set(&mut self, position: u64, message: &str, err: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::Bar(bar) => {
                // The estimate may be hours old.
                bar.set_length(bar.length().unwrap_or(0).max(position));
                bar.set_position(position);
                bar.set_message(message.to_owned());
            }
            Self::Lines { started, last, total } if last.elapsed() >= INTERVAL => {
                *last = Instant::now();
                match time_left(started.elapsed(), position, *total) {
                    Some(left) => writeln!(err, "{message}, about {} s left", left.as_secs())?,
                    None => writeln!(err, "{message}")?,
                }
            }
            Self::Lines { .. } => {}
        }
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// The remaining time at the pace so far. None if it can't be told.
fn time_left(elapsed: Duration, position: u64, total: u64) -> Option<Duration> {
    let rest = total.checked_sub(position)?;
    let seconds = u128::from(rest) * elapsed.as_millis() / u128::from(position).max(1) / 1000;
    (position > 0).then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_follows_the_pace() {
        let left = |position, total| time_left(Duration::from_secs(10), position, total).map(|left| left.as_secs());
        assert_eq!((left(100, 400), left(100, 100)), (Some(30), Some(0)));
        assert_eq!((left(0, 400), left(500, 400)), (None, None));
    }
}
