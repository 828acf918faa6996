//! A place.

use crate::message::decimal::Decimal;
use crate::message::shape::object;

object! {
    /// A place.
    Location {
        /// Latitude in degrees, north positive (WGS 84).
        latitude: Decimal,
        /// Longitude in degrees, east positive (WGS 84).
        longitude: Decimal,
        /// The name of the place.
        name: Option<String>,
        /// The address of the place.
        address: Option<String>,
        /// The web page of the place.
        url: Option<String>,
    }
}
