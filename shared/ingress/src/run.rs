//! The Lambda runtime loop, and how a response is serialised for API Gateway.

use std::convert::Infallible;
use std::future::Future;

use lambda_http::http::HeaderMap;
use lambda_http::{Body, Error, LambdaEvent, Response, lambda_runtime, service_fn};
use serde::{Serialize, Serializer};

use crate::event::HttpEvent;

/// Serves callbacks until Lambda stops the process.
///
/// This replaces `lambda_http::run` for a single event type. `lambda_http` tries five event sources, copies the body
/// four times and parses a URL that is never used; that took a twelfth of a callback's CPU (`make bench`).
///
/// # Errors
/// If the Lambda Runtime API can't be reached.
pub async fn run<H, F>(handle: H) -> Result<(), Error>
where
    H: Fn(LambdaEvent<HttpEvent>) -> F,
    F: Future<Output = Response<Body>>,
{
    let serve = async |event: LambdaEvent<HttpEvent>| {
        // Boxed: the compiler fails on a future that nests the runtime's and the SDK's.
        let response = Box::pin(handle(event)).await;
        Ok::<_, Infallible>(HttpResponse(response))
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// A response as an HTTP API expects it. The body is text.
struct HttpResponse(Response<Body>);

impl Serialize for HttpResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            status_code: u16,
            #[serde(serialize_with = "headers")]
            headers: &'a HeaderMap,
            body: &'a str,
            is_base64_encoded: bool,
        }
        fn headers<S: Serializer>(headers: &&HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
            serializer
                .collect_map(headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())))
        }
        let body = match self.0.body() {
            Body::Text(text) => text,
            _ => "",
        };
        let (status_code, headers) = (self.0.status().as_u16(), self.0.headers());
        Wire { status_code, headers, body, is_base64_encoded: false }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_has_status_headers_and_text() {
        let response = Response::builder().status(401).header("www-authenticate", "Basic").body(Body::from("{}"));
        let json = serde_json::to_value(HttpResponse(response.unwrap())).unwrap();
        let expected = serde_json::json!({
            "statusCode": 401, "headers": {"www-authenticate": "Basic"}, "body": "{}", "isBase64Encoded": false,
        });
        assert_eq!(json, expected);
    }
}
