//! The events that wab publishes, as subscribers read them: [`Event`], and WhatsApp's message object in [`message`].
//!
//! Pure: no AWS, tokio or Lambda crate, no clock, no environment.

#[cfg(feature = "schema")]
pub mod contract;
mod dlr;
mod envelope;
mod event;
mod kind;
pub mod message;
mod mo;
mod status;

pub use dlr::{DeliveryState, DlrData, HistoryEntry};
pub use envelope::Envelope;
pub use event::{Data, Event, EventError};
pub use kind::Kind;
pub use mo::{Binary, Mo, MoData};
pub use status::DeliveryStatus;
