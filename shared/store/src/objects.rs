//! The bucket: bodies that are cheaper there than in the table, and decoded binary content.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use tokio::time::Instant;
use wab_models::ObjectKey;
use wab_platform::{Reason, SdkConfig};

use crate::deadline::by;

/// The maximum time for getting an object, including its body. The SDK's own timeouts end with the headers.
const GET_DEADLINE: Duration = Duration::from_secs(10);

/// The bucket of large bodies.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
    bucket_name: String,
}

/// Why an object couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GetError {
    /// The object doesn't exist, for example because it has expired.
    Gone,
    /// The bucket is unavailable for now.
    Unavailable(Reason),
}

impl From<Reason> for GetError {
    fn from(reason: Reason) -> Self {
        Self::Unavailable(reason)
    }
}

impl Objects {
    #[must_use]
    pub fn new(sdk: &SdkConfig, bucket_name: String) -> Self {
        let config = Builder::from(sdk)
            // A custom endpoint such as `localhost` can't take the bucket name as a host name prefix.
            .force_path_style(wab_platform::has_custom_endpoint(sdk, "S3"))
            // The object key is a checksum, and the request's signature includes one.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self { client: Client::from_conf(config), bucket_name }
    }

    /// Puts bytes under their key, by `deadline`. Putting an existing object again renews its lifetime.
    ///
    /// # Errors
    /// If the bucket rejects them or doesn't answer in time.
    pub async fn put(
        &self,
        key: ObjectKey,
        bytes: Vec<u8>,
        content_type: &str,
        deadline: Instant,
    ) -> Result<ObjectKey, Reason> {
        let put = self.client.put_object().bucket(&self.bucket_name).key(key.as_str()).content_type(content_type);
        let put = put.body(ByteStream::from(bytes)).customize();
        let put = put.config_override(Builder::new().timeout_config(wab_platform::one_long_attempt())).send();
        by(deadline, async { put.await.map(|_| ()).map_err(|error| Reason::of(&error)) }).await?;
        Ok(key)
    }

    /// Gets the bytes under a key, by `deadline` and within 10 s.
    ///
    /// # Errors
    /// If the object is gone, or wasn't received in full in time.
    pub async fn get(&self, key: &ObjectKey, deadline: Instant) -> Result<Vec<u8>, GetError> {
        by(deadline.min(Instant::now() + GET_DEADLINE), self.read(key)).await
    }

    async fn read(&self, key: &ObjectKey) -> Result<Vec<u8>, GetError> {
        let got = self.client.get_object().bucket(&self.bucket_name).key(key.as_str()).send().await;
        let object = got.map_err(|error| match &error {
            SdkError::ServiceError(service) if service.err().code() == Some("NoSuchKey") => GetError::Gone,
            _ => GetError::Unavailable(Reason::of(&error)),
        })?;
        let bytes = object.body.collect().await.map_err(|_| Reason::ObjectCutOff)?;
        Ok(bytes.to_vec())
    }

    /// The address of an object: `s3://<bucket>/<key>`.
    #[must_use]
    pub fn uri(&self, key: &ObjectKey) -> String {
        format!("s3://{}/{key}", self.bucket_name)
    }
}
