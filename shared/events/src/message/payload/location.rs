//! A place.

use crate::message::decimal::Decimal;
use crate::message::shape::object;

object! {
    /// A place.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "location", "location": {"latitude": -41.28664, "longitude": "174.77557", "name": "Wellington"}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Location(place)) = message.kind() else { panic!("a place") };
    /// assert_eq!(place.latitude.as_str(), "-41.28664");
    /// assert_eq!(place.longitude.to_f64(), 174.77557);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Location {
        /// Degrees north (WGS 84).
        latitude: Decimal,
        /// Degrees east (WGS 84).
        longitude: Decimal,
        /// What is there.
        name: Option<String>,
        /// Its address.
        address: Option<String>,
        /// Its web page.
        url: Option<String>,
    }
}
