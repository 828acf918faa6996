//! Payments within a chat, as India's and Brazil's businesses ask for them.
//!
//! Facts are from Meta's and providers' pages on payments in India, and from a recorded notification from Brazil.

use super::decimal::Decimal;
use super::shape::object;
use super::value::{Id, Timestamp};

object! {
    /// What became of a payment, in a [`StatusUpdate`](super::StatusUpdate) of type `payment`. An older one has only the
    /// reference, and who paid.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload, UpdateStatus};
    ///
    /// let json = r#"{"id": "wamid.QUJD", "type": "payment", "status": "captured", "recipient_id": "6421000001",
    ///     "payment": {"reference_id": "order-17", "amount": {"value": 21000, "offset": 100}, "currency": "INR"}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// assert_eq!(update.status, UpdateStatus::Captured);
    /// assert_eq!(update.payment.as_ref().unwrap().reference_id.as_ref().unwrap().as_str(), "order-17");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Payment {
        /// What the order's sender gave to it.
        reference_id: Option<Id>,
        /// Who paid: a number, in older ones.
        sender: Option<Id>,
        /// How much.
        amount: Option<Amount>,
        /// The currency (ISO 4217).
        currency: Option<String>,
        /// The latest attempt to pay.
        transaction: Option<Transaction>,
        /// What the order's sender gave along for the receipt.
        receipt: Option<String>,
    }
}

object! {
    /// An amount of money in whole numbers: `value` divided by `offset`, in the currency's main unit.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "captured", "payment": {"amount": {"value": 21000, "offset": 100}}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// let amount = update.payment.as_ref().unwrap().amount.as_ref().unwrap();
    /// assert_eq!(amount.value.as_ref().unwrap().to_i64(), Some(21_000));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Amount {
        /// How many of the unit.
        value: Option<Decimal>,
        /// How many of the unit make one of the currency's main unit.
        offset: Option<Decimal>,
    }
}

object! {
    /// An attempt to pay, at the payment provider.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let json = r#"{"status": "pending", "payment": {"transaction": {"id": "t-1", "type": "razorpay", "status": "failed",
    ///     "method": {"type": "upi"}, "error": {"code": "bad_request", "reason": "declined"}}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// let transaction = update.payment.as_ref().unwrap().transaction.as_ref().unwrap();
    /// assert_eq!(transaction.status.as_deref(), Some("failed"));
    /// assert_eq!(transaction.method.as_ref().unwrap().method_type.as_deref(), Some("upi"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Transaction {
        /// The provider's id of it.
        id: Option<Id>,
        /// The provider: `billdesk`, `payu`, `razorpay`, `upi`, …
        provider as "type": Option<String>,
        /// `pending`, `success`, `failed`, …
        status: Option<String>,
        /// When it began.
        created_timestamp: Option<Timestamp>,
        /// When it changed last.
        updated_timestamp: Option<Timestamp>,
        /// How much.
        amount: Option<Amount>,
        /// The currency (ISO 4217).
        currency: Option<String>,
        /// How it was paid.
        method: Option<TransactionMethod>,
        /// Problem it failed.
        error: Option<TransactionError>,
        /// What was paid back.
        refunds: Option<Vec<Refund>>,
    }
}

object! {
    /// How a [`Transaction`] was paid.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "captured", "payment": {"transaction": {"method": {"type": "card"}}}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// let transaction = update.payment.as_ref().unwrap().transaction.as_ref().unwrap();
    /// assert_eq!(transaction.method.as_ref().unwrap().method_type.as_deref(), Some("card"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    TransactionMethod {
        /// `upi`, `card`, `wallet`, `netbanking`, …
        method_type as "type": Option<String>,
    }
}

object! {
    /// Problem a [`Transaction`] failed.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "pending", "payment": {"transaction": {"error": {"reason": "declined"}}}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// let transaction = update.payment.as_ref().unwrap().transaction.as_ref().unwrap();
    /// assert_eq!(transaction.error.as_ref().unwrap().reason.as_deref(), Some("declined"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    TransactionError {
        /// The provider's code.
        code: Option<Id>,
        /// The provider's words.
        reason: Option<String>,
    }
}

object! {
    /// What was paid back of a [`Transaction`].
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "captured", "payment": {"transaction": {"refunds": [{"id": "r-1"}]}}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// let transaction = update.payment.as_ref().unwrap().transaction.as_ref().unwrap();
    /// assert_eq!(transaction.refunds.as_ref().unwrap()[0].id.as_ref().unwrap().as_str(), "r-1");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Refund {
        /// The provider's id of it.
        id: Option<Id>,
        /// How much.
        amount: Option<Amount>,
        /// `pending`, `completed`, `failed`, …
        status: Option<String>,
        /// How fast it was: `normal`, `instant`, …
        speed_processed: Option<String>,
        /// When it began.
        created_timestamp: Option<Timestamp>,
        /// When it changed last.
        updated_timestamp: Option<Timestamp>,
    }
}

object! {
    /// The news of a payment in an [`Interactive`](super::Interactive) message. Meta doesn't document it.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload, Reply};
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "payment_notification", "payment_notification":
    ///     {"reference_id": "order-17", "transaction_id": "t-1", "payment_status": "captured", "payer_name": "Aroha"}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
    /// let Reply::PaymentNotification(notification) = interactive.reply() else { panic!("a payment") };
    /// assert_eq!(notification.typed().unwrap().reference_id.as_ref().unwrap().as_str(), "order-17");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    PaymentNotification {
        /// What the order's sender gave to it.
        reference_id: Option<Id>,
        /// The provider's id of the payment.
        transaction_id: Option<Id>,
        /// `captured`, …
        payment_status: Option<String>,
        /// Who paid.
        payer_name: Option<String>,
    }
}
