//! The one race between a step and its deadline.

use tokio::time::{Instant, timeout_at};
use wab_platform::Reason;

/// Runs a step until `deadline`.
///
/// # Errors
/// The step's own, or [`Reason::NoAnswerInTime`] at the deadline.
pub(crate) async fn by<T, E: From<Reason>>(
    deadline: Instant,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout_at(deadline, step).await.unwrap_or_else(|_| Err(Reason::NoAnswerInTime.into()))
}
