//! Which of the table's items are replayed. Pure.

use serde_dynamo::{AttributeValue, Item};
use wab_events::Kind;
use wab_models::Key;

use crate::window::Windows;

#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) windows: Windows,
    pub(crate) kind: Option<Kind>,
    /// Only MO events of these types. Empty for all.
    pub(crate) types: Vec<String>,
}

/// Whether an item is replayed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Selected(Key),
    /// Selected, but DynamoDB may delete it at any moment: TTL deletes expired items within a few days (DynamoDB developer
    /// guide, "Using time to live").
    Expired,
    Other,
}

impl Selection {
    /// Every event received in the windows that the table still has.
    pub(crate) fn all_of(windows: Windows) -> Self {
        Self { windows, kind: None, types: Vec::new() }
    }

    pub(crate) fn pick(&self, item: &Item, has_expired: bool) -> Pick {
        let text = |name: &str| match item.get(name) {
            Some(AttributeValue::S(text)) => Some(text.as_str()),
            _ => None,
        };
        let is_meant = text("received_at").is_some_and(|at| self.windows.contain(at))
            && (self.types.is_empty() || text("type").is_some_and(|of| self.types.iter().any(|wanted| wanted == of)));
        let key = text("pk").zip(text("sk")).map(|(pk, sk)| Key { pk: pk.to_owned(), sk: sk.to_owned() });
        match key {
            Some(_) if is_meant && has_expired => Pick::Expired,
            Some(key) if is_meant => Pick::Selected(key),
            _ => Pick::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::window::Window;

    fn selection(types: &[&str]) -> Selection {
        let window =
            Window { from: "2026-11-23T09:00:00Z".parse().unwrap(), to: "2026-11-23T10:00:00Z".parse().unwrap() };
        let types = types.iter().map(|&word| word.to_owned()).collect();
        Selection { types, ..Selection::all_of(Windows::new([window])) }
    }

    fn item(received_at: &str, message_type: &str) -> Item {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        Item::from(HashMap::from([
            ("pk".to_owned(), text("MO#a")),
            ("sk".to_owned(), text("EVENT")),
            ("received_at".to_owned(), text(received_at)),
            ("type".to_owned(), text(message_type)),
        ]))
    }

    #[test]
    fn events_are_picked_by_time_type_and_expiry() {
        let inside = "2026-11-23T09:30:00.000Z";
        let key = || Key { pk: "MO#a".to_owned(), sk: "EVENT".to_owned() };
        let pick =
            |types: &[&str], received_at, has_expired| selection(types).pick(&item(received_at, "text"), has_expired);
        assert_eq!(pick(&[], inside, false), Pick::Selected(key()));
        assert_eq!(pick(&["image", "text"], inside, false), Pick::Selected(key()));
        assert_eq!(pick(&["image"], inside, false), Pick::Other);
        assert_eq!(pick(&[], "2026-11-23T10:00:00.000Z", false), Pick::Other);
        assert_eq!(pick(&[], inside, true), Pick::Expired);
        assert_eq!(pick(&["image"], inside, true), Pick::Other);
    }
}
