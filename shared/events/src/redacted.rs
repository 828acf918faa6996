//! What stands for a text in a log.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// The key of all hashes. Random, and the same for as long as the process runs.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Writes a text or bytes as their size and a short hash: `12 bytes #1f3a9c5e`.
///
/// Within a process, equal values have the same hash, so the log lines of a message or a person can be matched without
/// naming either. The key of the hash is random and differs in each process: nobody can find a number by hashing all
/// numbers, and lines of two processes can't be matched. For those, log [`Event::id`](crate::Event::id).
///
/// ```
/// use wab_events::Redacted;
///
/// let line = format!("a message from {}", Redacted::new("+6421000001"));
/// assert!(line.starts_with("a message from 11 bytes #"));
/// assert_eq!(line, format!("a message from {}", Redacted::new("+6421000001")));
/// ```
#[derive(Clone, Copy)]
pub struct Redacted<'a>(&'a [u8]);

impl<'a> Redacted<'a> {
    /// Stands for this value.
    #[must_use]
    pub fn new<T: AsRef<[u8]> + ?Sized>(value: &'a T) -> Self {
        Self(value.as_ref())
    }
}

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = KEY.hash_one(self.0) & 0xffff_ffff;
        write!(f, "{} bytes #{hash:08x}", self.0.len())
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_the_same_hash() {
        let shown = |text: &str| format!("{:?}", Redacted::new(text));
        assert_eq!(shown("Kia ora"), shown("Kia ora"));
        assert_ne!(shown("Kia ora"), shown("Kia orA"));
        assert_eq!(shown("Kia ora").split('#').next(), Some("7 bytes "));
        assert_eq!(shown("Kia ora").len(), "7 bytes #00000000".len());
        assert!(shown("").starts_with("0 bytes #"));
    }
}
