//! What is left of an item that `wab erase` removed: its key, and nothing of its content.
//!
//! Only `wab` writes and reads it. The receiver sees a taken key: a put whose digest is the same is a duplicate. The
//! stream's record of it is a change, not a new item, so nothing is published.

use serde::{Deserialize, Serialize};
use wab_models::{Key, ObjectKey};

/// The attribute that every tombstone has, and no other item.
pub(crate) const ERASED: &str = "erased";

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    #[serde(flatten)]
    pub(crate) key: Key,
    pub(crate) erased: Erased,
    /// That of the item, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) expires_at: i64,
    /// That of the event. A quarantined body has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    /// The objects that the item pointed at. Their names are hashes. They are deleted after the item, so that an
    /// interrupted erasure can be finished without knowing whose it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) objects: Vec<ObjectKey>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Erased {
    /// The item is deleted once its objects are.
    Going,
    /// The item stays until it expires, so that a late repeat of the callback is a duplicate.
    Kept,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A golden file stays for ever: every later version must read what was once written.
    #[test]
    fn tombstone_has_only_hashes_beside_its_key() {
        let tombstone = Tombstone {
            key: Key { pk: "MO#7c1f".to_owned(), sk: "EVENT".to_owned() },
            erased: Erased::Kept,
            expires_at: 1_766_481_302,
            digest: Some("d".repeat(64)),
            objects: vec![ObjectKey::of_body(b"{}"), ObjectKey::of_content(&"c".repeat(64))],
        };
        let golden: serde_json::Value = serde_json::from_str(include_str!("../../golden/tombstone.json")).unwrap();
        assert_eq!(serde_json::to_value(&tombstone).unwrap(), golden);
        assert!(serde_json::from_value::<Tombstone>(golden).unwrap() == tombstone);
    }
}
