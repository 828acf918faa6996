//! The simulated stack: the addresses of its resources, and the gateway's credentials.

pub(crate) const TABLE_ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/events";
pub(crate) const MO_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:mo";
pub(crate) const DLR_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:dlr";
pub(crate) const MO_FIFO_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:mo.fifo";
pub(crate) const DLR_FIFO_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:dlr.fifo";
pub(crate) const SPILL_URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/spill";
pub(crate) const DEAD_LETTERS_URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters";
pub(crate) const BUCKET: &str = "bucket";

pub(crate) const USER: &str = "shop";
pub(crate) const PASSWORD: &str = "zQpR7x-password";
