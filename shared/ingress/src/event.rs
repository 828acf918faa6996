//! The event of an HTTP API: the only form in which a callback reaches a function.

use std::fmt;
use std::net::IpAddr;

use lambda_http::Body;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny};
use serde_json::value::RawValue;
use wab_events::Redacted;

/// A request of an HTTP API in payload format 2.0 (API Gateway developer guide, "Create AWS Lambda proxy integrations
/// for HTTP APIs"). Only what a receiver needs is read.
pub struct HttpEvent {
    pub(crate) authorization: Option<String>,
    /// The last segment of a secret path.
    pub(crate) secret: Option<String>,
    /// Whether the caller only asks if its URL and its credentials work.
    pub(crate) is_probe: bool,
    /// The address that API Gateway was called from. It can't be set by the caller.
    pub(crate) source: Option<IpAddr>,
    /// When API Gateway received the request, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) time_epoch: Option<i64>,
    pub(crate) body: Body,
}

impl fmt::Debug for HttpEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = Redacted::new(&self.body);
        f.debug_struct("HttpEvent").field("time_epoch", &self.time_epoch).field("body", &body).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    headers: Headers,
    request_context: RequestContext,
    path_parameters: Option<PathParameters>,
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
    #[serde(rename = "wab-probe", alias = "Wab-Probe")]
    probe: Option<IgnoredAny>,
}

/// Of the routes `/mo/{secret}` and `/dlr/{secret}`.
#[derive(Deserialize)]
struct PathParameters {
    secret: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    time_epoch: Option<i64>,
    http: Option<Http>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    source_ip: Option<String>,
}

impl<'de> Deserialize<'de> for HttpEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The runtime's deserializer tracks the path to every key, and the runtime logs the error. The error of
        // serde_json would quote the event.
        let unreadable = || D::Error::custom("the event is not a request of an HTTP API");
        let event = <&RawValue>::deserialize(deserializer)?;
        let wire: Wire = serde_json::from_str(event.get()).map_err(|_| unreadable())?;
        let body = match wire.body {
            None => Body::Empty,
            Some(body) if wire.is_base64_encoded => Body::Binary(decode(&body).ok_or_else(unreadable)?),
            Some(body) => Body::Text(body),
        };
        Ok(Self {
            authorization: wire.headers.authorization,
            secret: wire.path_parameters.and_then(|parameters| parameters.secret),
            is_probe: wire.headers.probe.is_some(),
            source: wire.request_context.http.and_then(|http| http.source_ip?.parse().ok()),
            time_epoch: wire.request_context.time_epoch,
            body,
        })
    }
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(base64).ok()
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
        assert_eq!(AsRef::<[u8]>::as_ref(&event.body), expected);
        assert_eq!(event.authorization.as_deref(), Some("Basic eDp5"));
        assert_eq!((event.time_epoch, event.is_probe), (Some(7), false));
    }

    #[test]
    fn body_is_text_or_base64_or_missing() {
        check(r#""body": "{\"id\": \"\u00e4\"}", "isBase64Encoded": false"#, "{\"id\": \"ä\"}".as_bytes());
        check(r#""body": "/wA=", "isBase64Encoded": true"#, &[255, 0]);
        check(r#""body": null, "isBase64Encoded": false"#, b"");
        check(r#""isBase64Encoded": false"#, b"");
    }

    #[test]
    fn headers_may_be_capitalised() {
        for headers in [
            r#"{"authorization": "Basic eDp5", "wab-probe": "1"}"#,
            r#"{"Authorization": "Basic eDp5", "Wab-Probe": ""}"#,
        ] {
            let event = format!(r#"{{"headers": {headers}, "requestContext": {{}}}}"#);
            let event: HttpEvent = serde_json::from_str(&event).unwrap();
            assert_eq!((event.authorization.as_deref(), event.is_probe), (Some("Basic eDp5"), true));
        }
    }

    #[test]
    fn secret_is_a_path_parameter() {
        let secret = |parameters: &str| {
            let event = format!(r#"{{"headers": {{}}, "requestContext": {{}}{parameters}}}"#);
            serde_json::from_str::<HttpEvent>(&event).unwrap().secret
        };
        assert_eq!(secret(r#", "pathParameters": {"secret": "abc"}"#).as_deref(), Some("abc"));
        for none in ["", r#", "pathParameters": null"#, r#", "pathParameters": {}"#] {
            assert_eq!(secret(none), None, "{none}");
        }
    }

    #[test]
    fn source_is_an_address_or_unknown() {
        let source = |http: &str| {
            let event = format!(r#"{{"headers": {{}}, "requestContext": {{{http}}}}}"#);
            serde_json::from_str::<HttpEvent>(&event).unwrap().source.map(|source| source.to_string())
        };
        assert_eq!(source(r#""http": {"sourceIp": "192.0.2.1"}"#).as_deref(), Some("192.0.2.1"));
        assert_eq!(source(r#""http": {"sourceIp": "2001:DB8::1"}"#).as_deref(), Some("2001:db8::1"));
        for unknown in ["", r#""http": {}"#, r#""http": null"#, r#""http": {"sourceIp": "x\ny"}"#] {
            assert_eq!(source(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn unreadable_event_is_not_quoted() {
        for event in [
            r#"{"headers": {"authorization": ["secret"]}, "requestContext": {}}"#,
            r#"{"headers": {}, "requestContext": {}, "body": ["secret"]}"#,
            r#"{"headers": {}, "requestContext": {}, "pathParameters": {"secret": ["secret"]}}"#,
            r#"{"headers": {}, "requestContext": {"http": {"sourceIp": ["secret"]}}}"#,
            r#"{"headers": {}, "requestContext": {}, "body": "!secret", "isBase64Encoded": true}"#,
            r#"{"secret": 1}"#,
            r#""secret""#,
        ] {
            let error = serde_json::from_str::<HttpEvent>(event).unwrap_err().to_string();
            assert!(error.starts_with("the event is not a request of an HTTP API"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
