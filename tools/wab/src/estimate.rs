//! What a command costs, estimated before it runs. Pure.

use crate::stack::Size;

/// Dollars for a read unit and for a publish: list prices of us-east-1, November 2026 (`tests/fixtures/prices.json`).
const READ_UNIT_USD: f64 = 0.000_000_125;
const PUBLISH_USD: f64 = 0.000_000_5;

/// The cost of a scan.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Estimate {
    /// Items in the table.
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    pub(crate) read_units: u64,
    pub(crate) scan_usd: f64,
    /// For every thousand events published.
    pub(crate) publish_usd_per_1000: f64,
}

impl Estimate {
    /// A scan of the whole table.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn scan(table: &Size) -> Self {
        let read_units = table.scan_units();
        Self {
            items: table.items,
            bytes: table.bytes,
            read_units,
            scan_usd: read_units as f64 * READ_UNIT_USD,
            publish_usd_per_1000: 1000.0 * PUBLISH_USD,
        }
    }
}

impl Estimate {
    /// The cost of the scan alone.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn reading(&self) -> String {
        let Self { items, bytes, read_units, scan_usd, .. } = self;
        let megabytes = *bytes as f64 / 1e6;
        format!("about {items} items of {megabytes:.1} MB to read: {read_units} read units, {scan_usd:.4} USD")
    }
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (reading, publish_usd) = (self.reading(), self.publish_usd_per_1000);
        write!(f, "{reading}; {publish_usd:.4} USD for every 1000 events published (list prices of us-east-1)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_those_of_the_cost_table() {
        let prices = include_str!("../../../tests/fixtures/prices.json");
        let prices: serde_json::Value = serde_json::from_str(prices).unwrap();
        assert_eq!(prices["dynamodb_read_unit_usd"], READ_UNIT_USD);
        assert_eq!(prices["sns_publish_usd"], PUBLISH_USD);
    }

    #[test]
    fn scan_of_a_gibibyte_takes_131_072_units() {
        let table = Size { items: 1_000_000, bytes: 1 << 30 };
        let estimate = Estimate::scan(&table);
        assert_eq!(estimate.read_units, 131_072);
        let expected = "about 1000000 items of 1073.7 MB to read: 131072 read units, 0.0164 USD; 0.0005 USD for every 1000 \
                        events published (list prices of us-east-1)";
        assert_eq!(estimate.to_string(), expected);
    }
}
