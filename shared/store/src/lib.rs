//! Where events are kept: the table, the bucket of what is large, the spill queue for when the table is unavailable, and
//! the dead-letter queue of what needs manual action. The only crate that speaks to DynamoDB, S3 and SQS.

mod dead_letters;
mod objects;
mod spill;
mod table;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use wab_models::{BinaryContent, Item, Key, LARGE_ITEM_BYTES, MAX_ITEM_BYTES, ObjectKey, Quarantined, Spilled};
use wab_platform::{Reason, SdkConfig, SettingError, required};

pub use dead_letters::{DeadLetterQueue, Parked};
pub use objects::{Fetch, Objects};
pub use spill::SpillQueue;
pub use table::{EventTable, Stored, Unread};

/// How long putting an item takes at the most, its retries and a second put for a variant included. Three attempts over
/// a warm connection fit in; a table that is silent for so long won't answer in the time that is left.
pub const PUT_DEADLINE: Duration = Duration::from_millis(1_500);

/// The time reserved for the spill queue, the last resort. Its connection is opened only then, at a function's share of
/// a core: name lookup, TLS handshake and a slow answer fit in.
pub const SPILL_TIME: Duration = Duration::from_millis(1_500);

/// The time reserved for the spill queue when only an object can hold the body. Without the object there is nothing to
/// put or to send, so the bucket gets more; what is sent then is small.
pub const SPILL_TIME_OF_OBJECT: Duration = Duration::from_millis(1_000);

/// The time reserved for the table when an object is put first: one attempt over the connection that init has opened.
pub const TABLE_TIME: Duration = Duration::from_millis(500);

/// The largest item that is put: the table has to take it as a variant too, whose key is longer.
const LARGEST_ITEM_BYTES: usize = MAX_ITEM_BYTES - Item::VARIANT_BYTES;

/// What the store needs to know: the environment variables `TABLE_NAME`, `BUCKET_NAME` and `SPILL_QUEUE_URL`.
#[derive(Debug, Clone)]
pub struct Settings {
    table_name: String,
    bucket_name: String,
    spill_queue_url: String,
}

impl Settings {
    /// Reads the settings through `var`, which looks one up by its name.
    ///
    /// # Errors
    /// If one is missing.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        Ok(Self {
            table_name: required(&var, "TABLE_NAME")?,
            bucket_name: required(&var, "BUCKET_NAME")?,
            spill_queue_url: required(&var, "SPILL_QUEUE_URL")?,
        })
    }
}

/// All of it: what `mo` and `dlr` keep events with.
#[derive(Debug, Clone)]
pub struct Store {
    table: EventTable,
    objects: Objects,
    spill: SpillQueue,
}

/// Where an event is kept. In each case it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In the table.
    Stored(Stored),
    /// In the spill queue: the table didn't take it in time. It goes from there into the table, under this key, or,
    /// should another body have taken that, as its variant.
    Deferred {
        /// The event's key.
        key: Key,
        /// Why the table didn't take it.
        reason: Reason,
    },
}

/// Nothing durable took it; a later try may work. It may be kept all the same: an answer can be lost.
#[derive(Debug, Clone, thiserror::Error)]
#[error("neither the table nor the spill queue took it")]
pub struct Unavailable {
    /// The key under which it would have been stored.
    pub key: Key,
    /// Why the table didn't, or for what the table can't hold, the bucket.
    pub table: Reason,
    /// Why the spill queue didn't.
    pub spill: Reason,
}

impl Store {
    /// The store of `settings`, reached with this configuration.
    #[must_use]
    pub fn new(sdk: &SdkConfig, settings: Settings) -> Self {
        Self {
            table: EventTable::new(sdk, settings.table_name),
            objects: Objects::new(sdk, settings.bucket_name),
            spill: SpillQueue::new(sdk, settings.spill_queue_url),
        }
    }

    /// Does at init what the first callback would pay for. Bucket and spill queue aren't in it: most functions never
    /// need them.
    pub async fn warm_up(&self) {
        self.table.warm_up().await;
    }

    /// Keeps an event, once: in the table, or until the table takes it, in the spill queue. A large body goes into
    /// an object, and so do the bytes of `binary` content; where the bucket takes neither, the item holds all of it.
    ///
    /// It ends at `by`, whatever fails: each step leaves the next ones the time that is reserved for them.
    ///
    /// # Errors
    /// If nothing durable took it.
    pub async fn keep(
        &self,
        item: Item<'_>,
        binary: Option<(BinaryContent, Vec<u8>)>,
        by: Instant,
    ) -> Result<Kept, Unavailable> {
        let is_large = item.size_bytes() > LARGE_ITEM_BYTES;
        let ends = Ends::of(item.size_bytes(), by);
        // What is seldom needed is boxed: the future of every callback would be as large as all of it together.
        let item = match is_large || binary.is_some() {
            true => Box::pin(self.with_objects(item, binary, ends.object)).await?,
            false => item,
        };
        match in_time(ends.table, self.table.put_once(&item)).await {
            Ok(stored) => Ok(Kept::Stored(stored)),
            Err(reason) => {
                let key = item.key.clone();
                match self.spill(&Spilled::Event(item), by).await {
                    Ok(()) => Ok(Kept::Deferred { key, reason }),
                    Err(spill) => Err(Unavailable { key, table: reason, spill }),
                }
            }
        }
    }

    /// Keeps a body that is no callback, and ends at `by`, as [`Self::keep`] does.
    ///
    /// # Errors
    /// If nothing durable took it.
    pub async fn quarantine(
        &self,
        mut quarantined: Quarantined<'_>,
        body: &[u8],
        by: Instant,
    ) -> Result<(), Unavailable> {
        let ends = Ends::of(quarantined.size_bytes(), by);
        if quarantined.size_bytes() > LARGE_ITEM_BYTES {
            let (key, bytes) = (ObjectKey::of_body(body), body.to_vec());
            quarantined = match self.objects.put(key, bytes, "application/octet-stream", ends.object).await {
                Ok(key) => quarantined.with_object(key, body.len()),
                Err(reason) => {
                    fits(&quarantined.key, quarantined.size_bytes(), reason)?;
                    quarantined
                }
            };
        }
        match in_time(ends.table, self.table.put_quarantined(&quarantined)).await {
            Ok(()) => Ok(()),
            Err(table) => {
                let key = quarantined.key.clone();
                let spilled = self.spill(&Spilled::Quarantine(quarantined), by).await;
                spilled.map_err(|spill| Unavailable { key, table, spill })
            }
        }
    }

    async fn spill(&self, spilled: &Spilled<'_>, by: Instant) -> Result<(), Reason> {
        Box::pin(self.spill.send(spilled, by)).await
    }

    /// The item with what is large in objects, as far as the bucket takes it.
    async fn with_objects<'a>(
        &self,
        item: Item<'a>,
        binary: Option<(BinaryContent, Vec<u8>)>,
        by: Instant,
    ) -> Result<Item<'a>, Unavailable> {
        let large = item.body.inline().filter(|_| item.size_bytes() > LARGE_ITEM_BYTES).map(str::to_owned);
        let body = async {
            let body = large?;
            let bytes = body.len();
            let key = ObjectKey::of_body(body.as_bytes());
            let put = self.objects.put(key, body.into_bytes(), "application/json", by).await;
            Some(put.map(|key| (key, bytes)))
        };
        let content = async {
            let (content, bytes) = binary?;
            let key = ObjectKey::of_content(&content.sha256);
            // Without its object it is described all the same: the body has the bytes.
            let put = self.objects.put(key, bytes, &content.content_type, by).await;
            let key = put.inspect_err(|reason| tracing::warn!(%reason, "the bucket rejected binary content")).ok();
            Some(BinaryContent { key, ..content })
        };
        let (body, content) = tokio::join!(body, content);
        let mut item = match body {
            None => item,
            Some(Ok((key, bytes))) => item.with_object(key, bytes),
            Some(Err(reason)) => {
                fits(&item.key, item.size_bytes(), reason)?;
                item
            }
        };
        item.binary = content;
        if item.binary.is_some() && item.size_bytes() > LARGEST_ITEM_BYTES {
            tracing::warn!("the table can't hold the description of binary content: the body is stored without it");
            item.binary = None;
        }
        Ok(item)
    }
}

/// When the steps before the spill queue end, at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    object: Instant,
    table: Instant,
}

impl Ends {
    /// The ends for an item of this size, so that the spill queue can be asked before `by`.
    fn of(size_bytes: usize, by: Instant) -> Self {
        let spill_time = if size_bytes > LARGEST_ITEM_BYTES { SPILL_TIME_OF_OBJECT } else { SPILL_TIME };
        Self { object: before(by, spill_time + TABLE_TIME), table: before(by, spill_time) }
    }
}

async fn in_time<T>(by: Instant, put: impl Future<Output = Result<T, Reason>>) -> Result<T, Reason> {
    timeout_at(by, put).await.unwrap_or_else(|_| Err(Reason::from("no answer in time")))
}

/// Some time before an instant. On a machine that has just been started there may be no such instant.
fn before(instant: Instant, time: Duration) -> Instant {
    instant.checked_sub(time).unwrap_or(instant)
}

/// Whether the table can hold an item whose body the bucket rejected for this reason.
fn fits(key: &Key, size_bytes: usize, reason: Reason) -> Result<(), Unavailable> {
    if size_bytes <= LARGEST_ITEM_BYTES {
        tracing::warn!(%reason, "the bucket rejected a large body: it is stored in the item");
        return Ok(());
    }
    Err(Unavailable { key: key.clone(), table: reason, spill: Reason::from("too large without the bucket") })
}
