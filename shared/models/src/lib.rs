//! What the gateway sends ([`MoCallback`], [`DlrCallback`]), what is stored of it ([`Item`]), and how an item becomes
//! what subscribers get ([`NewEvent`]).
//!
//! Pure: no AWS, tokio or Lambda crate, no clock, no environment. Text from outside is borrowed from the body and kept
//! verbatim. Every typed view is derived from it and may be wrong.

mod body;
mod callback;
mod content;
mod content_mode;
mod delivery;
mod digest;
mod event;
mod fields;
mod item;
mod key;
mod parked;
mod quarantine;
mod received_at;
#[cfg(test)]
mod round_trip;
mod spilled;
mod stream;

pub use body::{BinaryContent, Body, LARGE_ITEM_BYTES, LayoutError, MAX_BODY_BYTES, Object, ObjectKey};
pub use callback::{CallbackError, DlrCallback, MAX_ID_BYTES, MAX_STATUS_BYTES, MessageId, MoCallback, utf8};
pub use content::{Binary, BinaryError, Content, RawMessage};
pub use content_mode::{CONTACT_HASH, ContentKey, ContentKeyError, ContentMode};
pub use delivery::{Delivery, Receipt};
pub use digest::Digest;
pub use event::{EventError, MAX_MESSAGE_BYTES, NewEvent};
pub use fields::{FieldName, Fields};
pub use item::{Item, MAX_ITEM_BYTES, Received};
pub use key::{Key, kind_and_id};
pub use parked::Parked;
pub use quarantine::{Quarantined, QuarantinedBody, Unreadable};
pub use received_at::ReceivedAt;
pub use spilled::{MAX_SPILL_BYTES, Spilled};
pub use stream::{Counts, INSERT, StreamBatch, StreamChange, StreamRecord};
