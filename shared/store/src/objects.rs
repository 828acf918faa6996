//! The bucket: bodies that are cheaper there than in the table, and decoded binary content.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use tokio::time::{Instant, timeout_at};
use wab_models::ObjectKey;
use wab_platform::{Reason, SdkConfig};

/// How long getting an object takes at the most, its body included. The SDK's own timeouts end with the headers.
const GET_DEADLINE: Duration = Duration::from_secs(10);

/// The bucket of large bodies.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
    bucket_name: String,
}

/// Why a body couldn't be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// It isn't there any more.
    Gone,
    /// The bucket didn't give it this time.
    Unavailable(Reason),
}

impl Objects {
    /// The bucket of this name, reached with this configuration.
    #[must_use]
    pub fn new(sdk: &SdkConfig, bucket_name: String) -> Self {
        let config = Builder::from(sdk)
            // The name of a bucket can't stand before an endpoint of one's own, such as `localhost`.
            .force_path_style(wab_platform::has_own_endpoint(sdk, "S3"))
            // The key is a checksum, and the signature has one too.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self { client: Client::from_conf(config), bucket_name }
    }

    /// Puts bytes under the key that they have, and ends at `by`. An object that is there already lasts anew.
    ///
    /// # Errors
    /// If the bucket refuses them or doesn't answer in time.
    pub async fn put(
        &self,
        key: ObjectKey,
        bytes: Vec<u8>,
        content_type: &str,
        by: Instant,
    ) -> Result<ObjectKey, Reason> {
        let put = self.client.put_object().bucket(&self.bucket_name).key(key.as_str()).content_type(content_type);
        let put = put.body(ByteStream::from(bytes)).customize();
        let put = put.config_override(Builder::new().timeout_config(wab_platform::one_long_attempt())).send();
        match timeout_at(by, put).await {
            Ok(Ok(_)) => Ok(key),
            Ok(Err(error)) => Err(Reason::of(&error)),
            Err(_) => Err(Reason::from("no answer in time")),
        }
    }

    /// The bytes under a key, by `by`, and within 10 s in any case.
    ///
    /// # Errors
    /// If they are gone, or the bucket didn't give all of them in time.
    pub async fn get(&self, key: &ObjectKey, by: Instant) -> Result<Vec<u8>, Fetch> {
        let by = by.min(Instant::now() + GET_DEADLINE);
        let got = timeout_at(by, self.read(key)).await;
        got.unwrap_or_else(|_| Err(Fetch::Unavailable(Reason::from("no answer in time"))))
    }

    async fn read(&self, key: &ObjectKey) -> Result<Vec<u8>, Fetch> {
        let got = self.client.get_object().bucket(&self.bucket_name).key(key.as_str()).send().await;
        let object = got.map_err(|error| match &error {
            SdkError::ServiceError(service) if service.err().code() == Some("NoSuchKey") => Fetch::Gone,
            _ => Fetch::Unavailable(Reason::of(&error)),
        })?;
        let bytes =
            object.body.collect().await.map_err(|_| Fetch::Unavailable(Reason::from("the object broke off")))?;
        Ok(bytes.to_vec())
    }

    /// Where the bytes under a key are, for whoever may read the bucket: `s3://<bucket>/<key>`.
    #[must_use]
    pub fn uri(&self, key: &ObjectKey) -> String {
        format!("s3://{}/{key}", self.bucket_name)
    }
}
