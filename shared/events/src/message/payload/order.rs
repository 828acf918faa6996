//! A shopping cart.

use crate::message::decimal::Decimal;
use crate::message::shape::object;
use crate::message::value::Id;

object! {
    /// A shopping cart that the user sent.
    Order {
        /// Meta's id of the catalogue.
        catalog_id: Option<Id>,
        /// The products in the cart.
        product_items: Vec<ProductItem>,
        /// What the user wrote with the order.
        text: Option<String>,
    }
}

object! {
    /// One line of an [`Order`].
    ProductItem {
        /// The shop's own id of the product.
        product_retailer_id: Id,
        /// The quantity.
        quantity: Decimal,
        /// The price of one item in the currency's main unit: dollars, not cents.
        item_price: Decimal,
        /// The currency (ISO 4217).
        currency: Option<String>,
    }
}
