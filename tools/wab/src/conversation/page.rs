//! Pages of a conversation. The place where the next one begins is a point in time, which stays valid. Pure.

use std::fmt;

use serde::Serialize;
use wab_models::ReceivedAt;

use crate::stack::Dated;

/// The messages that are asked for: from `since` on, oldest first, or else the newest.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) since: Option<ReceivedAt>,
    pub(super) until: Option<ReceivedAt>,
    pub(super) limit: usize,
}

/// The option that asks for the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Next {
    Since(ReceivedAt),
    Until(ReceivedAt),
}

impl Next {
    pub(super) const fn adjective(&self) -> &'static str {
        match self {
            Self::Since(_) => "newer",
            Self::Until(_) => "older",
        }
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Since(at) => write!(f, "--since {}", at.as_str()),
            Self::Until(at) => write!(f, "--until {}", at.as_str()),
        }
    }
}

impl Page {
    pub(super) fn newest_first(&self) -> bool {
        self.since.is_none()
    }

    /// Cuts keys, which are in the order of this page, so that what is left out begins at a point in time. None if the
    /// keys are too few to tell where: more of them must be read.
    pub(super) fn cut(&self, mut keys: Vec<Dated>) -> Option<(Vec<Dated>, Option<Next>)> {
        let Some(left) = keys.get(self.limit).map(|dated| dated.received_at.clone()) else {
            return Some((keys, None));
        };
        keys.truncate(self.limit);
        // A message that was received in the same millisecond as one that is left out is left out too.
        keys.retain(|dated| dated.received_at != left);
        let last = keys.last()?.received_at.clone();
        let next = if self.newest_first() { Next::Until(last) } else { Next::Since(left) };
        Some((keys, Some(next)))
    }
}

#[cfg(test)]
mod tests {
    use wab_models::Key;

    use super::*;

    fn keys(at: &[i64]) -> Vec<Dated> {
        let key = |at: &i64| Dated {
            key: Key { pk: "MO#1".to_owned(), sk: "EVENT".to_owned() },
            received_at: ReceivedAt::from_epoch_ms(*at),
        };
        at.iter().map(key).collect()
    }

    fn page(since: Option<i64>, limit: usize) -> Page {
        Page { since: since.map(ReceivedAt::from_epoch_ms), until: None, limit }
    }

    #[test]
    fn last_page_has_no_next() {
        assert_eq!(page(None, 3).cut(keys(&[3, 2, 1])), Some((keys(&[3, 2, 1]), None)));
        assert_eq!(page(None, 3).cut(keys(&[])), Some((keys(&[]), None)));
    }

    #[test]
    fn next_page_begins_where_this_one_ends() {
        let (kept, next) = page(None, 2).cut(keys(&[3, 2, 1])).unwrap();
        assert_eq!((kept, next.unwrap().to_string()), (keys(&[3, 2]), "--until 1970-01-01T00:00:00.002Z".to_owned()));
        let (kept, next) = page(Some(1), 2).cut(keys(&[1, 2, 3])).unwrap();
        assert_eq!((kept, next.unwrap().to_string()), (keys(&[1, 2]), "--since 1970-01-01T00:00:00.003Z".to_owned()));
    }

    #[test]
    fn millisecond_is_never_cut_in_two() {
        let (kept, next) = page(None, 2).cut(keys(&[3, 2, 2])).unwrap();
        assert_eq!((kept, next.unwrap().to_string()), (keys(&[3]), "--until 1970-01-01T00:00:00.003Z".to_owned()));
        assert_eq!(page(None, 2).cut(keys(&[2, 2, 2])), None);
        assert_eq!(page(None, 3).cut(keys(&[2, 2, 2])), Some((keys(&[2, 2, 2]), None)));
    }
}
