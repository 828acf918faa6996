//! Locks that survive a panic of another task.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic: no task panics between two statements that belong together.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
