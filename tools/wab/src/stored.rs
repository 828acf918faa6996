//! What the table and the bucket hold of events, typed. An item that this version can't read is said to be one.

mod content;
mod details;
mod line;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_dynamo::AttributeValue;
use wab_events::Kind;
use wab_models::{Body, Item, Key, ReceivedAt};

pub(crate) use self::content::{Content, Relation, describe, unnamed_keys};
pub(crate) use self::details::Detail;
pub(crate) use self::line::{MessageLine, message_of};
use crate::aws::Unavailable;
use crate::stack::{Bucket, Meter, Object};

/// Objects that are fetched at a time.
const CONCURRENT: usize = 8;

/// A larger body isn't read for a list. It is shown by `wab show`.
pub(crate) const MAX_LISTED_BYTES: usize = 512 * 1024;

/// One item under an event's partition key.
pub(crate) enum Stored {
    Event(Box<Item<'static>>),
    /// An item of a newer layout, or of another program.
    Unreadable(Unreadable),
}

/// What is known of an item that can't be read. Holds nothing of its body.
#[derive(PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) key: Option<Key>,
    pub(crate) received_at: Option<ReceivedAt>,
    pub(crate) problem: String,
}

impl Stored {
    /// Never fails: an item that can't be read is [`Unreadable`].
    pub(crate) fn read(item: serde_dynamo::Item) -> Self {
        let key: Option<Key> = serde_dynamo::from_item(item.clone()).ok();
        // The error's own text is dropped: it may quote the item.
        let read = serde_dynamo::from_item(item.clone()).map(|item| Self::Event(Box::new(item)));
        read.unwrap_or_else(|_| {
            let received_at = match item.get("received_at") {
                Some(AttributeValue::S(at)) => serde_json::from_value(at.as_str().into()).ok(),
                _ => None,
            };
            Self::Unreadable(Unreadable { key, received_at, problem: problem(&item).to_owned() })
        })
    }

    /// None for an item whose key can't be read either.
    pub(crate) fn key(&self) -> Option<Key> {
        match self {
            Self::Event(item) => Some(item.key.clone()),
            Self::Unreadable(item) => item.key.clone(),
        }
    }

    pub(crate) fn into_event(self) -> Option<Item<'static>> {
        match self {
            Self::Event(item) => Some(*item),
            Self::Unreadable(_) => None,
        }
    }
}

/// Why an item can't be read. The versions are those of `docs/design.md`, "Item layout".
fn problem(item: &serde_dynamo::Item) -> &'static str {
    match item.get("v") {
        Some(AttributeValue::N(v)) if !matches!(v.as_str(), "1" | "2" | "3") => "its layout is newer than this wab",
        _ => "its attributes are not those of an event",
    }
}

/// A body, where it could be read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Fetched {
    Bytes(Vec<u8>),
    /// The item says that it is in the bucket, which doesn't have it.
    Gone,
    /// It wasn't fetched: it has this many bytes.
    TooLarge(usize),
    /// The stack keeps no content: it had this many bytes.
    NotKept(usize),
}

impl Fetched {
    /// The body as text; none if it isn't there or isn't UTF-8.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Gone | Self::TooLarge(_) | Self::NotKept(_) => None,
        }
    }
}

/// A stored event with its body.
pub(crate) struct Whole {
    pub(crate) item: Item<'static>,
    pub(crate) body: Fetched,
}

impl Whole {
    /// The kind and the gateway's message id.
    pub(crate) fn kind_and_id(&self) -> Option<(Kind, &str)> {
        self.item.key.kind_and_id()
    }

    pub(crate) fn received_at(&self) -> Option<Timestamp> {
        instant(&self.item.received_at)
    }
}

pub(crate) fn instant(at: &ReceivedAt) -> Option<Timestamp> {
    at.as_str().parse().ok()
}

/// Adds to each item its body, in the same order. Objects of more than `max_bytes` are not fetched.
pub(crate) async fn with_bodies(
    bucket: &Bucket,
    items: Vec<Item<'static>>,
    max_bytes: usize,
    meter: &Meter,
) -> Result<Vec<Whole>, Unavailable> {
    let whole = items.into_iter().map(async |item| {
        let body = match &item.body {
            Body::Inline(body) => Fetched::Bytes(body.as_bytes().to_vec()),
            Body::NotKept { body_bytes } => Fetched::NotKept(*body_bytes),
            Body::Object(object) if object.body_bytes > max_bytes => Fetched::TooLarge(object.body_bytes),
            Body::Object(object) => match bucket.get(&object.body_key, meter).await? {
                Object::Found(bytes) => Fetched::Bytes(bytes),
                Object::Gone => Fetched::Gone,
            },
        };
        Ok(Whole { item, body })
    });
    stream::iter(whole).buffered(CONCURRENT).try_collect().await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(item: &Value) -> Stored {
        Stored::read(serde_dynamo::to_item(item).unwrap())
    }

    #[test]
    fn every_layout_of_an_event_is_read() {
        for golden in [
            include_str!("../../../shared/models/golden/item-v1-mo.json"),
            include_str!("../../../shared/models/golden/item-v1-mo-variant.json"),
            include_str!("../../../shared/models/golden/item-v1-dlr.json"),
            include_str!("../../../shared/models/golden/item-v2-mo-object.json"),
            include_str!("../../../shared/models/golden/item-v2-mo-binary.json"),
            include_str!("../../../shared/models/golden/item-v3-mo.json"),
            include_str!("../../../shared/models/golden/item-v3-mo-variant.json"),
            include_str!("../../../shared/models/golden/item-v3-dlr.json"),
        ] {
            let item: Value = serde_json::from_str(golden).unwrap();
            assert_eq!(serde_json::to_value(read(&item).into_event().unwrap()).unwrap(), item);
        }
    }

    #[test]
    fn unreadable_item_says_what_is_known() {
        let mut item: Value =
            serde_json::from_str(include_str!("../../../shared/models/golden/item-v1-mo.json")).unwrap();
        item["v"] = json!(4);
        let Stored::Unreadable(newer) = read(&item) else { panic!("layout 4 is unknown") };
        assert_eq!(newer.problem, "its layout is newer than this wab");
        assert_eq!(newer.key.unwrap().event_id(), "2261d224ea3b4a40860397f823cb7d66");
        assert_eq!(newer.received_at.unwrap().as_str(), "2025-11-23T09:15:02.417Z");
        let Stored::Unreadable(other) = read(&json!({"pk": "MO#1", "sk": 7})) else { panic!("no event") };
        assert_eq!((other.key, other.problem.as_str()), (None, "its attributes are not those of an event"));
    }
}
