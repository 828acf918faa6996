//! Models of the AWS services that the functions call. Each rule names its source. They know only the names and limits in
//! this project's template.

pub(crate) mod dynamodb;
pub(crate) mod request;
pub(crate) mod s3;
pub(crate) mod sns;
pub(crate) mod sqs;
