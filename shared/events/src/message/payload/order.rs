//! A shopping cart.

use crate::message::decimal::Decimal;
use crate::message::shape::object;
use crate::message::value::Id;

object! {
    /// A shopping cart.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "order", "order": {"catalog_id": "1537", "text": "Gift wrapped, please", "product_items": [
    ///     {"product_retailer_id": "kiwi", "quantity": "2", "item_price": 99.99, "currency": "NZD"}]}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Order(order)) = message.kind() else { panic!("an order") };
    /// let item = order.product_items.first().unwrap();
    /// assert_eq!(item.quantity.to_i64(), Some(2));
    /// assert_eq!(item.item_price.scaled(2), Some(9999)); // cents
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Order {
        /// The catalogue.
        catalog_id: Id,
        /// What was put into the cart.
        product_items: Vec<ProductItem>,
        /// What the user wrote with it.
        text: Option<String>,
    }
}

object! {
    /// One line of an [`Order`].
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "order", "order": {"catalog_id": "1537", "product_items": [
    ///     {"product_retailer_id": "kiwi", "quantity": 2, "item_price": "30", "currency": "NZD"}]}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Order(order)) = message.kind() else { panic!("an order") };
    /// assert_eq!(order.product_items.first().unwrap().item_price.to_string(), "30");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    ProductItem {
        /// The shop's own id of the product.
        product_retailer_id: Id,
        /// How many.
        quantity: Decimal,
        /// What one costs, in the currency's main unit.
        item_price: Decimal,
        /// The currency (ISO 4217).
        currency: Option<String>,
    }
}
