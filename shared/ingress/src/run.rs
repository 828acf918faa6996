//! The way from Lambda to a handler, and back.

use std::convert::Infallible;
use std::future::Future;

use lambda_http::http::{HeaderMap, HeaderValue, header};
use lambda_http::{Body, Context, Error, LambdaEvent, Request, RequestExt, Response, lambda_runtime, service_fn};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::request::TimeEpoch;

/// Serves callbacks until Lambda ends the function.
///
/// As `lambda_http::run`, but for one kind of event, of which it reads what the door asks for. That one finds
/// out which of five services an event comes from, copies its body four times, and parses a URL that nobody
/// looks at: a twelfth of a callback's CPU, by `make bench`.
///
/// # Errors
/// If Lambda's Runtime API can't be reached.
pub async fn run<H, F>(handle: H) -> Result<(), Error>
where
    H: Fn(Request) -> F,
    F: Future<Output = Response<Body>>,
{
    let serve = async |event: LambdaEvent<HttpEvent>| {
        // Boxed, because the compiler gives up on a future that has the runtime's and the SDK's in one.
        let response = Box::pin(handle(event.payload.into_request(event.context))).await;
        Ok::<_, Infallible>(HttpResponse(response))
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// A request as an HTTP API hands it over: payload format 2.0 (API Gateway developer guide, "Create AWS Lambda
/// proxy integrations for HTTP APIs").
#[derive(Debug)]
pub struct HttpEvent {
    authorization: Option<String>,
    time_epoch: Option<TimeEpoch>,
    body: Body,
}

/// What is read of the event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    headers: Headers,
    request_context: RequestContext,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Headers {
    /// API Gateway sends header names in lower case; `sam local start-api` capitalises them.
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    time_epoch: Option<i64>,
}

impl<'de> Deserialize<'de> for HttpEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The runtime's own deserializer notes the path to every key, for its error messages; and it logs
        // those, where the library's words would quote what it couldn't read.
        let unreadable = || D::Error::custom("the event is no request of an HTTP API");
        let event = <&RawValue>::deserialize(deserializer)?;
        let wire: Wire = serde_json::from_str(event.get()).map_err(|_| unreadable())?;
        let body = match wire.body {
            None => Body::Empty,
            Some(body) if wire.is_base64_encoded => Body::Binary(decode(&body).ok_or_else(unreadable)?),
            Some(body) => Body::Text(body),
        };
        let time_epoch = wire.request_context.time_epoch.map(TimeEpoch);
        Ok(Self { authorization: wire.headers.authorization, time_epoch, body })
    }
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(base64).ok()
}

impl HttpEvent {
    /// The request, as handlers take it.
    #[must_use]
    pub fn into_request(self, context: Context) -> Request {
        let mut request = Request::new(self.body);
        // A value that is no header's is nobody's credentials either.
        if let Some(value) = self.authorization.and_then(|value| HeaderValue::try_from(value).ok()) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        if let Some(time_epoch) = self.time_epoch {
            request.extensions_mut().insert(time_epoch);
        }
        request.with_lambda_context(context)
    }
}

/// A response as an HTTP API takes it. Its body is text.
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

    fn event(body: &str) -> String {
        format!(
            r#"{{"version": "2.0", "headers": {{"authorization": "Basic eDp5", "host": "h"}}, "requestContext": {{"timeEpoch": 7}}, {body}}}"#
        )
    }

    #[track_caller]
    fn check(body: &str, expected: &[u8]) {
        let event: HttpEvent = serde_json::from_str(&event(body)).unwrap();
        let request = event.into_request(Context::default());
        assert_eq!(AsRef::<[u8]>::as_ref(request.body()), expected);
        assert_eq!(request.headers()[header::AUTHORIZATION], "Basic eDp5");
        assert_eq!(request.extensions().get(), Some(&TimeEpoch(7)));
    }

    #[test]
    fn a_body_comes_as_text_or_as_base64_or_not_at_all() {
        check(r#""body": "{\"id\": \"\u00e4\"}", "isBase64Encoded": false"#, "{\"id\": \"ä\"}".as_bytes());
        check(r#""body": "/wA=", "isBase64Encoded": true"#, &[255, 0]);
        check(r#""body": null, "isBase64Encoded": false"#, b"");
        check(r#""isBase64Encoded": false"#, b"");
    }

    #[test]
    fn credentials_are_read_from_a_capitalised_header() {
        let event = r#"{"headers": {"Authorization": "Basic eDp5"}, "requestContext": {}}"#;
        let request = serde_json::from_str::<HttpEvent>(event).unwrap().into_request(Context::default());
        assert_eq!(request.headers()[header::AUTHORIZATION], "Basic eDp5");
    }

    #[test]
    fn a_header_that_is_none_is_no_credentials() {
        let event = r#"{"headers": {"authorization": "Basic \u0000"}, "requestContext": {}}"#;
        let request = serde_json::from_str::<HttpEvent>(event).unwrap().into_request(Context::default());
        assert!(request.headers().is_empty());
    }

    #[test]
    fn an_event_that_cannot_be_read_is_not_quoted() {
        for event in [
            r#"{"headers": {"authorization": ["secret"]}, "requestContext": {}}"#,
            r#"{"headers": {}, "requestContext": {}, "body": ["secret"]}"#,
            r#"{"headers": {}, "requestContext": {}, "body": "!secret", "isBase64Encoded": true}"#,
            r#"{"secret": 1}"#,
            r#""secret""#,
        ] {
            let error = serde_json::from_str::<HttpEvent>(event).unwrap_err().to_string();
            assert!(error.starts_with("the event is no request of an HTTP API"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_response_is_its_status_its_headers_and_its_text() {
        let response = Response::builder().status(401).header("www-authenticate", "Basic").body(Body::from("{}"));
        let json = serde_json::to_value(HttpResponse(response.unwrap())).unwrap();
        let expected = serde_json::json!({
            "statusCode": 401, "headers": {"www-authenticate": "Basic"}, "body": "{}", "isBase64Encoded": false,
        });
        assert_eq!(json, expected);
    }
}
