//! Where events are stored: the table, the bucket for large bodies, the spill queue for when the table is unavailable,
//! and the dead-letter queue for what needs manual action. The only crate that calls DynamoDB, S3 and SQS.

mod dead_letters;
mod deadline;
mod objects;
mod spill;
mod store;
mod table;

pub use dead_letters::DeadLetterQueue;
pub use objects::{GetError, Objects};
pub use spill::SpillQueue;
pub use store::{Accepted, SPILL_TIME, SPILL_TIME_OF_OBJECT, Settings, Store, TABLE_TIME, Unavailable};
pub use table::{EventTable, PUT_DEADLINE, QueryError, Stored};
