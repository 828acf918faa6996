//! Payments within a chat, as offered to businesses in India and Brazil.
//!
//! Sources: Meta's and payment providers' documentation of payments in India, and a recorded notification from Brazil.

use super::decimal::Decimal;
use super::shape::object;
use super::value::{Id, Timestamp};

object! {
    /// The status of a payment, in a [`StatusUpdate`](super::StatusUpdate) of type `payment`. Older ones contain only
    /// the reference and the payer.
    #[derive(Default)]
    Payment {
        /// The reference that the business assigned to the order.
        reference_id: Option<Id>,
        /// The payer's phone number. Older messages only.
        sender: Option<Id>,
        /// The amount.
        amount: Option<Amount>,
        /// The currency (ISO 4217).
        currency: Option<String>,
        /// The latest attempt to pay.
        transaction: Option<Transaction>,
        /// What the business supplied for the receipt.
        receipt: Option<String>,
    }
}

object! {
    /// An amount of money as a fraction of integers: `value / offset`, in the currency's main unit.
    #[derive(Default)]
    Amount {
        /// The numerator, for example the number of cents.
        value: Option<Decimal>,
        /// The denominator, for example 100.
        offset: Option<Decimal>,
    }
}

object! {
    /// An attempt to pay, at the payment provider.
    #[derive(Default)]
    Transaction {
        /// The provider's id of the attempt.
        id: Option<Id>,
        /// The provider: `billdesk`, `payu`, `razorpay`, `upi`, …
        provider as "type": Option<String>,
        /// `pending`, `success`, `failed`, …
        status: Option<String>,
        /// When the attempt began.
        created_timestamp: Option<Timestamp>,
        /// When the attempt last changed.
        updated_timestamp: Option<Timestamp>,
        /// The amount.
        amount: Option<Amount>,
        /// The currency (ISO 4217).
        currency: Option<String>,
        /// The payment method.
        method: Option<TransactionMethod>,
        /// The reason of a failure.
        error: Option<TransactionError>,
        /// Refunds.
        refunds: Option<Vec<Refund>>,
    }
}

object! {
    /// The payment method of a [`Transaction`].
    #[derive(Default)]
    TransactionMethod {
        /// `upi`, `card`, `wallet`, `netbanking`, …
        method_type as "type": Option<String>,
    }
}

object! {
    /// Why a [`Transaction`] failed.
    #[derive(Default)]
    TransactionError {
        /// The provider's error code.
        code: Option<Id>,
        /// The provider's explanation.
        reason: Option<String>,
    }
}

object! {
    /// A refund of a [`Transaction`].
    #[derive(Default)]
    Refund {
        /// The provider's id of the refund.
        id: Option<Id>,
        /// The amount.
        amount: Option<Amount>,
        /// `pending`, `completed`, `failed`, …
        status: Option<String>,
        /// How fast it was processed: `normal`, `instant`, …
        speed_processed: Option<String>,
        /// When the refund began.
        created_timestamp: Option<Timestamp>,
        /// When the refund last changed.
        updated_timestamp: Option<Timestamp>,
    }
}

object! {
    /// A payment in an [`Interactive`](super::Interactive) message. Not documented by Meta.
    #[derive(Default)]
    PaymentNotification {
        /// The reference that the business assigned to the order.
        reference_id: Option<Id>,
        /// The provider's id of the payment.
        transaction_id: Option<Id>,
        /// `captured`, …
        payment_status: Option<String>,
        /// The payer's name.
        payer_name: Option<String>,
    }
}
