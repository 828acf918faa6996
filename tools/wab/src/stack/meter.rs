//! What a command reads from the table and the bucket, as AWS counts it.

use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;
use serde::Serialize;

/// What was read so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Cost {
    /// Read units of the table and its indexes, as DynamoDB reports them.
    pub(crate) read_units: f64,
    /// Calls to DynamoDB.
    pub(crate) reads: u64,
    /// Objects read from the bucket.
    pub(crate) objects: u64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        write!(f, "{:.1} read units in {} call{}", self.read_units, self.reads, plural(self.reads))?;
        match self.objects {
            0 => Ok(()),
            objects => write!(f, ", {objects} object{}", plural(objects)),
        }
    }
}

/// Adds up what is read, also by concurrent calls.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Cost>);

impl Meter {
    pub(crate) fn cost(&self) -> Cost {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self, consumed: &[ConsumedCapacity]) {
        let mut cost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cost.reads += 1;
        cost.read_units += consumed.iter().filter_map(|capacity| capacity.capacity_units).sum::<f64>();
    }

    pub(super) fn object(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).objects += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_all_calls_add_up() {
        let meter = Meter::default();
        let capacity = |units| ConsumedCapacity::builder().capacity_units(units).build();
        meter.read(&[capacity(0.5), capacity(1.0)]);
        assert_eq!(meter.cost().to_string(), "1.5 read units in 1 call");
        meter.read(&[]);
        meter.object();
        assert_eq!(meter.cost(), Cost { read_units: 1.5, reads: 2, objects: 1 });
        assert_eq!(meter.cost().to_string(), "1.5 read units in 2 calls, 1 object");
    }
}
