//! How an event is stored within its time: the steps, their order, and what each falls back to.

use std::time::Duration;

use tokio::time::Instant;
use wab_models::{BinaryContent, Item, Key, LARGE_ITEM_BYTES, MAX_ITEM_BYTES, ObjectKey, Quarantined, Spilled};
use wab_platform::{Reason, SdkConfig, SettingError, required};

use crate::objects::Objects;
use crate::spill::SpillQueue;
use crate::table::{EventTable, Stored};

/// Time reserved for the spill queue, the last resort. Its connection is opened only when needed, at a function's share
/// of a core: a name lookup, a TLS handshake and a slow answer must fit.
pub const SPILL_TIME: Duration = Duration::from_millis(1_500);

/// Time reserved for the spill queue when only an object can hold the body. Without the object nothing can be put or
/// sent, so the bucket gets more time. The message sent afterwards is small.
pub const SPILL_TIME_OF_OBJECT: Duration = Duration::from_millis(1_000);

/// Time reserved for the table when an object is put first: one attempt over the connection opened at init.
pub const TABLE_TIME: Duration = Duration::from_millis(500);

/// The largest item that is put. It must also fit as a variant, whose key is longer.
const LARGEST_ITEM_BYTES: usize = MAX_ITEM_BYTES - Item::VARIANT_BYTES;

/// The environment variables `TABLE_NAME`, `BUCKET_NAME` and `SPILL_QUEUE_URL`.
#[derive(Debug, Clone)]
pub struct Settings {
    table_name: String,
    bucket_name: String,
    spill_queue_url: String,
}

impl Settings {
    /// Reads the settings through `var`, which looks up an environment variable.
    ///
    /// # Errors
    /// If a setting is missing.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        Ok(Self {
            table_name: required(&var, "TABLE_NAME")?,
            bucket_name: required(&var, "BUCKET_NAME")?,
            spill_queue_url: required(&var, "SPILL_QUEUE_URL")?,
        })
    }
}

/// What `mo` and `dlr` store events with.
#[derive(Debug, Clone)]
pub struct Store {
    table: EventTable,
    objects: Objects,
    spill: SpillQueue,
}

/// A durable event, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// In the table, stored by this call.
    Stored(Key),
    /// In the table since an earlier call.
    Duplicate(Key),
    /// In the table, beside another event with the same key and another body.
    Variant(Key),
    /// In the spill queue, because the table rejected the write. `recover` puts it into the table under this key, or as
    /// a variant if another body has taken the key by then.
    Spilled { key: Key, reason: Reason },
}

impl Accepted {
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Stored(key) | Self::Duplicate(key) | Self::Variant(key) | Self::Spilled { key, .. } => key,
        }
    }
}

impl From<Stored> for Accepted {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::New(key) => Self::Stored(key),
            Stored::Duplicate(key) => Self::Duplicate(key),
            Stored::Variant(key) => Self::Variant(key),
        }
    }
}

/// Neither the table nor the spill queue accepted the item. A retry may work. If an answer was lost, the item may be
/// stored all the same.
#[derive(Debug, Clone, thiserror::Error)]
#[error("neither the table nor the spill queue accepted it")]
pub struct Unavailable {
    /// The key it would have been stored under.
    pub key: Key,
    /// Why the table rejected it. For a body that the table can't hold, why the bucket did.
    pub table: Reason,
    /// Why the spill queue rejected it.
    pub spill: Reason,
}

impl Store {
    #[must_use]
    pub fn new(sdk: &SdkConfig, settings: Settings) -> Self {
        Self {
            table: EventTable::new(sdk, settings.table_name),
            objects: Objects::new(sdk, settings.bucket_name),
            spill: SpillQueue::new(sdk, settings.spill_queue_url),
        }
    }

    /// Opens the connection to the table at init rather than in the first callback. Most processes never need the bucket
    /// or the spill queue.
    pub async fn warm_up(&self) {
        self.table.warm_up().await;
    }

    /// Stores an event once: in the table, or in the spill queue if the table rejects the write. A large body goes into
    /// an object, and so do the bytes of `binary` content. If the bucket rejects them, the item holds everything.
    ///
    /// Each step ends early enough to leave the following steps their reserved time, so this ends by `deadline`.
    ///
    /// # Errors
    /// If neither the table nor the spill queue accepted the event.
    pub async fn keep(
        &self,
        item: Item<'_>,
        binary: Option<(BinaryContent, Vec<u8>)>,
        deadline: Instant,
    ) -> Result<Accepted, Unavailable> {
        let is_large = is_large(item.size_bytes());
        let ends = Ends::of(item.size_bytes(), deadline);
        // The rare paths are boxed: otherwise every callback's future would be as large as all of them together.
        let item = match is_large || binary.is_some() {
            true => Box::pin(self.with_objects(item, binary, ends.object)).await?,
            false => item,
        };
        match self.table.put_once(&item, ends.table).await {
            Ok(stored) => Ok(stored.into()),
            Err(reason) => {
                let key = item.key.clone();
                match self.spill(&Spilled::Event(item), deadline).await {
                    Ok(()) => Ok(Accepted::Spilled { key, reason }),
                    Err(spill) => Err(Unavailable { key, table: reason, spill }),
                }
            }
        }
    }

    /// Stores a body that isn't a callback, by `deadline`, as [`Self::keep`] does.
    ///
    /// # Errors
    /// If neither the table nor the spill queue accepted the body.
    pub async fn quarantine(
        &self,
        mut quarantined: Quarantined<'_>,
        body: &[u8],
        deadline: Instant,
    ) -> Result<(), Unavailable> {
        let ends = Ends::of(quarantined.size_bytes(), deadline);
        if is_large(quarantined.size_bytes()) {
            let (key, bytes) = (ObjectKey::of_body(body), body.to_vec());
            quarantined = match self.objects.put(key, bytes, "application/octet-stream", ends.object).await {
                Ok(key) => quarantined.with_object(key, body.len()),
                Err(reason) => {
                    check_fits(&quarantined.key, quarantined.size_bytes(), reason)?;
                    quarantined
                }
            };
        }
        match self.table.put_quarantined(&quarantined, ends.table).await {
            Ok(()) => Ok(()),
            Err(table) => {
                let key = quarantined.key.clone();
                let spilled = self.spill(&Spilled::Quarantine(quarantined), deadline).await;
                spilled.map_err(|spill| Unavailable { key, table, spill })
            }
        }
    }

    async fn spill(&self, spilled: &Spilled<'_>, deadline: Instant) -> Result<(), Reason> {
        Box::pin(self.spill.send(spilled, deadline)).await
    }

    /// Moves a large body and binary content into objects, as far as the bucket accepts them.
    async fn with_objects<'a>(
        &self,
        item: Item<'a>,
        binary: Option<(BinaryContent, Vec<u8>)>,
        deadline: Instant,
    ) -> Result<Item<'a>, Unavailable> {
        let large = item.body.inline().filter(|_| is_large(item.size_bytes())).map(str::to_owned);
        let body = async {
            let body = large?;
            let bytes = body.len();
            let key = ObjectKey::of_body(body.as_bytes());
            let put = self.objects.put(key, body.into_bytes(), "application/json", deadline).await;
            Some(put.map(|key| (key, bytes)))
        };
        let content = async {
            let (content, bytes) = binary?;
            let key = ObjectKey::of_content(&content.sha256);
            // The description doesn't need the object: the body has the bytes too.
            let put = self.objects.put(key, bytes, &content.content_type, deadline).await;
            let key = put.inspect_err(|reason| tracing::warn!(%reason, "the bucket rejected binary content")).ok();
            Some(BinaryContent { key, ..content })
        };
        let (body, content) = tokio::join!(body, content);
        let mut item = match body {
            None => item,
            Some(Ok((key, bytes))) => item.with_object(key, bytes),
            Some(Err(reason)) => {
                check_fits(&item.key, item.size_bytes(), reason)?;
                item
            }
        };
        item.binary = content;
        if item.binary.is_some() && !fits_the_table(item.size_bytes()) {
            tracing::warn!("the item is too large with the description of its binary content: it is stored without");
            item.binary = None;
        }
        Ok(item)
    }
}

/// Whether a body is cheaper in an object than in an item of this size.
fn is_large(size_bytes: usize) -> bool {
    size_bytes > LARGE_ITEM_BYTES
}

/// Whether the table accepts an item of this size, also as a variant.
fn fits_the_table(size_bytes: usize) -> bool {
    size_bytes <= LARGEST_ITEM_BYTES
}

/// The deadlines of the steps before the spill queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    object: Instant,
    table: Instant,
}

impl Ends {
    fn of(size_bytes: usize, deadline: Instant) -> Self {
        let spill_time = if fits_the_table(size_bytes) { SPILL_TIME } else { SPILL_TIME_OF_OBJECT };
        Self { object: before(deadline, spill_time + TABLE_TIME), table: before(deadline, spill_time) }
    }
}

/// On a machine that has just started, an earlier instant may not be representable.
fn before(instant: Instant, time: Duration) -> Instant {
    instant.checked_sub(time).unwrap_or(instant)
}

/// Checks that the item can hold the body that the bucket rejected for this reason.
fn check_fits(key: &Key, size_bytes: usize, reason: Reason) -> Result<(), Unavailable> {
    if fits_the_table(size_bytes) {
        tracing::warn!(%reason, "the bucket rejected a large body: it is stored in the item");
        return Ok(());
    }
    Err(Unavailable { key: key.clone(), table: reason, spill: Reason::TooLargeWithoutBucket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_size_are_inclusive() {
        assert!(!is_large(LARGE_ITEM_BYTES) && is_large(LARGE_ITEM_BYTES + 1));
        assert!(fits_the_table(LARGEST_ITEM_BYTES) && !fits_the_table(LARGEST_ITEM_BYTES + 1));
        assert_eq!(LARGEST_ITEM_BYTES, MAX_ITEM_BYTES - "#0123456789ab".len());
    }
}
