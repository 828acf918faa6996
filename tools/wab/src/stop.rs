//! How a command that takes long is stopped: by Ctrl-C or SIGTERM, at a point where what it did is known.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::Notify;

use crate::shell::interrupted;

/// A request to stop, which the work looks at between its steps. The default one is never requested.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    by_signal: bool,
    is_requested: Cell<bool>,
    requested: Notify,
}

impl Stop {
    /// A stop that Ctrl-C and SIGTERM request.
    pub(crate) fn by_signal() -> Self {
        Self { by_signal: true, ..Self::default() }
    }

    async fn signal(&self) {
        if self.by_signal { interrupted().await } else { std::future::pending().await }
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.is_requested.get()
    }

    fn request(&self) {
        self.is_requested.set(true);
        self.requested.notify_waiters();
    }

    /// Waits for a time, or until a stop is requested.
    pub(crate) async fn pause(&self, time: Duration) {
        let requested = self.requested.notified();
        if !self.is_requested() {
            // Either way the pause is over.
            let _ = tokio::time::timeout(time, requested).await;
        }
    }
}

/// Does `work` until it ends. The first signal requests a stop, and the second one ends the work where it is.
///
/// Returns none if the work didn't end. What it had in progress is then unknown.
pub(crate) async fn stoppable<T>(work: impl Future<Output = T>, stop: &Stop) -> Option<T> {
    let mut work = pin!(work);
    tokio::select! {
        ended = &mut work => return Some(ended),
        () = stop.signal() => stop.request(),
    }
    tokio::select! {
        ended = &mut work => Some(ended),
        () = stop.signal() => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::aws;

    #[test]
    fn pause_ends_when_a_stop_is_requested() {
        let (stop, hour) = (Stop::default(), Duration::from_secs(3600));
        let started = Instant::now();
        aws::block_on(async {
            tokio::join!(stop.pause(hour), async { stop.request() });
            stop.pause(hour).await;
            Ok(())
        })
        .unwrap();
        assert!(stop.is_requested() && started.elapsed() < hour);
    }
}
