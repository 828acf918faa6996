//! The emulator behind a proxy.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::service::REQUEST_ID;

/// Headers of a single connection, which a proxy doesn't forward.
const HOP_BY_HOP: [HeaderName; 3] = [CONNECTION, TRANSFER_ENCODING, EXPECT];

#[derive(Debug)]
pub(crate) struct Upstream {
    emulator: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    pub(crate) fn new(emulator: &Uri) -> anyhow::Result<Self> {
        let emulator = emulator.authority().context("the emulator's address has no host")?.clone();
        Ok(Self { emulator, client: Client::builder(TokioExecutor::new()).build_http() })
    }

    /// Forwards a request byte for byte, so that its signature stays valid.
    pub(crate) async fn forward(&self, head: Parts, body: Bytes) -> Response<Full<Bytes>> {
        match self.call(head, body).await {
            Ok(response) => response,
            Err(_) => response(StatusCode::BAD_GATEWAY, "text/plain", "the emulator did not answer".to_owned()),
        }
    }

    async fn call(&self, head: Parts, body: Bytes) -> anyhow::Result<Response<Full<Bytes>>> {
        let mut uri = head.uri.into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.emulator.clone());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method;
        *request.uri_mut() = Uri::from_parts(uri)?;
        *request.headers_mut() = end_to_end(head.headers);
        let (head, body) = self.client.request(request).await?.into_parts();
        let mut response = Response::new(Full::new(body.collect().await?.to_bytes()));
        *response.status_mut() = head.status;
        *response.headers_mut() = end_to_end(head.headers);
        Ok(response)
    }
}

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}

/// A response that this process writes.
pub(crate) fn response(status: StatusCode, media_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert("x-amzn-requestid", HeaderValue::from_static(REQUEST_ID));
    response
}
