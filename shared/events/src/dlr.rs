//! A delivery receipt, and the state of the message that it belongs to.

use crate::message::shape::object;
use crate::message::{Decimal, Json};
use crate::status::DeliveryStatus;

object! {
    /// `data` of a DLR event: the gateway's delivery receipt.
    ///
    /// The receipt has one status; [`delivery`](Self::delivery) has the state of the message, derived from all of its
    /// receipts.
    DlrData {
        /// The gateway's id of the sent message.
        id: String,
        /// The receipt's status: an open set of words.
        status_word as "status": String,
        /// The reference that the sender assigned to the message.
        reference: Option<String>,
        /// Free text from the gateway.
        detail: Option<String>,
        /// An object of the callback's undocumented keys.
        undocumented as "unrecognized": Option<Json>,
        /// The state of the message, derived from all of its receipts.
        delivery: Option<DeliveryState>,
        /// Present only if wab keeps no content: describes the receipt in place of `detail` and undocumented keys.
        omitted: Option<OmittedReceipt>,
    }
}

object! {
    /// What is known of a receipt whose content isn't kept.
    OmittedReceipt {
        /// The size of the callback's body in bytes.
        bytes: Decimal,
        /// A keyed hash of the callback's body: 64 hex digits.
        digest: String,
    }
}

impl DlrData {
    /// The status of this receipt. For the status of the message, use [`DeliveryState::status`].
    #[must_use]
    pub fn status(&self) -> DeliveryStatus {
        DeliveryStatus::from(self.status_word.as_str())
    }
}

object! {
    /// The state of a sent message, derived from the receipts that were stored when the event was published. Receipts
    /// arrive in any order, so a later event may report a further state.
    DeliveryState {
        /// The current status: the first final one received, or else the furthest.
        current: String,
        /// True if `current` is final. A final state never becomes a non-final one.
        is_final as "final": bool,
        /// True if another receipt determines `current`: this receipt arrived late, or another one is further.
        overtaken: bool,
        /// All receipts including this one, in order of arrival; at most 100.
        history: Vec<HistoryEntry>,
    }
}

impl DeliveryState {
    /// The current status.
    #[must_use]
    pub fn status(&self) -> DeliveryStatus {
        DeliveryStatus::from(self.current.as_str())
    }
}

object! {
    /// One receipt in the history of a message.
    HistoryEntry {
        /// The status word.
        status: String,
        /// When API Gateway received the receipt: RFC 3339, UTC, to the millisecond. The gateway itself reports no time.
        time: String,
    }
}
