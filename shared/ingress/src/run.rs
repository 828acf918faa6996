//! The way from Lambda to a handler, and back.

use std::convert::Infallible;
use std::future::Future;

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::{Service, ServiceExt};
use lambda_http::{Adapter, Body, Error, LambdaEvent, Request, Response, lambda_runtime};
use serde::de::{Deserialize, Deserializer, Error as _};

/// Serves callbacks until Lambda ends the function.
///
/// As `lambda_http::run`, but for events of an HTTP API alone. That one passes over each event twice, and
/// copies it in between, to find out which of five services it comes from.
///
/// # Errors
/// If Lambda's Runtime API can't be reached.
pub async fn run<'a, S>(handler: S) -> Result<(), Error>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>,
    S::Future: Future + Send + 'a,
{
    let read =
        |event: LambdaEvent<HttpEvent>| LambdaEvent::new(LambdaRequest::ApiGatewayV2(event.payload.0), event.context);
    lambda_runtime::run(Adapter::from(handler).map_request(read)).await
}

/// A request as an HTTP API hands it over (payload format 2.0).
struct HttpEvent(ApiGatewayV2httpRequest);

impl<'de> Deserialize<'de> for HttpEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The runtime logs the error, and the library's own would quote what it couldn't read.
        let unreadable = |_| D::Error::custom("the event is no request of an HTTP API");
        ApiGatewayV2httpRequest::deserialize(deserializer).map(Self).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_cannot_be_read_is_not_quoted() {
        for event in [r#"{"headers": {"authorization": "\u0000secret"}}"#, r#"{"body": ["secret"]}"#, r#""secret""#] {
            let error = serde_json::from_str::<HttpEvent>(event).err().unwrap().to_string();
            assert!(error.starts_with("the event is no request of an HTTP API"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
