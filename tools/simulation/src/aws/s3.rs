//! S3: one bucket. Source: API reference, `PutObject`, `GetObject`, "Error responses".

use std::collections::BTreeMap;

use super::request::{Answer, Request, Service};

#[derive(Debug, Default)]
pub(crate) struct Bucket {
    objects: BTreeMap<String, Vec<u8>>,
}

impl Bucket {
    pub(crate) fn put(&mut self, request: &Request) -> Answer {
        self.objects.insert(request.path.clone(), request.body.clone());
        Answer::ok("")
    }

    /// Answers "NoSuchKey" as S3 does to callers that may list the bucket, such as `fanout`.
    pub(crate) fn get(&self, request: &Request) -> Answer {
        match self.objects.get(&request.path) {
            Some(bytes) => Answer::ok(bytes.clone()),
            None => Answer::error(Service::S3, 404, "NoSuchKey"),
        }
    }

    pub(crate) fn object(&self, key: &str) -> Option<&[u8]> {
        self.objects.get(key).map(Vec::as_slice)
    }
}
