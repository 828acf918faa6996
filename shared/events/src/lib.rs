//! The events that wab publishes, as subscribers read them: [`Event`], and WhatsApp's message object in [`message`].
//!
//! Pure: no AWS, tokio or Lambda crate, no clock, no environment.

#![warn(missing_docs)]

#[cfg(feature = "schema")]
pub mod contract;
mod event;
mod kind;
pub mod message;
mod status;

pub use event::{Binary, Data, DeliveryState, DlrData, Envelope, Event, EventError, HistoryEntry, Mo, MoData};
pub use kind::Kind;
pub use status::DeliveryStatus;
