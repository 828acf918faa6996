//! The bucket: bodies that are too large for the table, and decoded binary content.

use aws_config::SdkConfig;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use wab_models::ObjectKey;

use super::meter::Meter;
use crate::aws::Unavailable;

pub(crate) struct Bucket {
    s3: aws_sdk_s3::Client,
    name: String,
}

/// What the bucket holds under a key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Object {
    Found(Vec<u8>),
    /// Nothing. Objects expire some days after their items.
    Gone,
}

impl Bucket {
    pub(crate) fn new(sdk: &SdkConfig, name: String) -> Self {
        // A custom endpoint such as `localhost` can't take the bucket name as a host name prefix.
        let config = Builder::from(sdk).force_path_style(wab_platform::has_custom_endpoint(sdk, "S3")).build();
        Self { s3: aws_sdk_s3::Client::from_conf(config), name }
    }

    pub(crate) async fn get(&self, key: &ObjectKey, meter: &Meter) -> Result<Object, Unavailable> {
        let got = self.s3.get_object().bucket(&self.name).key(key.as_str()).send().await;
        let object = match got {
            Err(SdkError::ServiceError(error)) if error.err().code() == Some("NoSuchKey") => return Ok(Object::Gone),
            got => got.map_err(Unavailable::new("cannot read the bucket"))?,
        };
        meter.object();
        let bytes = object.body.collect().await.map_err(|_| Unavailable::cut_off("cannot read the bucket"))?;
        Ok(Object::Found(bytes.to_vec()))
    }

    /// Whether an object is there, without reading it.
    pub(crate) async fn has(&self, key: &ObjectKey) -> Result<bool, Unavailable> {
        match self.s3.head_object().bucket(&self.name).key(key.as_str()).send().await {
            // A HEAD has no body, so S3 names no code but the status.
            Err(SdkError::ServiceError(error)) if error.raw().status().as_u16() == 404 => Ok(false),
            headed => headed.map(|_| true).map_err(Unavailable::new("cannot read the bucket")),
        }
    }

    /// Deletes an object, if it is there. The bucket of the template has no versions.
    pub(crate) async fn delete(&self, key: &ObjectKey) -> Result<(), Unavailable> {
        let delete = self.s3.delete_object().bucket(&self.name).key(key.as_str()).send().await;
        delete.map_err(Unavailable::new("cannot delete from the bucket"))?;
        Ok(())
    }

    /// The address of an object: `s3://<bucket>/<key>`.
    pub(crate) fn uri(&self, key: &ObjectKey) -> String {
        format!("s3://{}/{key}", self.name)
    }
}
