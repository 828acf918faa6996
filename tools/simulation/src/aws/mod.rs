//! Models of the services that the functions call, each rule with its source. They know nothing of this project but the
//! names and limits in the template.

pub(crate) mod dynamodb;
pub(crate) mod request;
pub(crate) mod s3;
pub(crate) mod sns;
pub(crate) mod sqs;
