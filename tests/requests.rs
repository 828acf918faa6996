//! Requests of API Gateway's HTTP API, with made-up bodies. All values are marked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use wab_ingress::HttpEvent;
pub(crate) use wab_ingress::basic_authorization as basic;
use wab_marked::{RECIPIENT, SENDER};

/// The credentials that the functions accept in these tests.
pub(crate) const USER: &str = "local";
pub(crate) const PASSWORD: &str = "local-password";

/// A request in API Gateway's payload format 2.0.
pub(crate) fn request(path: &str, authorization: Option<&str>, body: &[u8]) -> LambdaEvent<HttpEvent> {
    with_headers(path, json!({}), authorization, body)
}

/// The same request as a probe.
pub(crate) fn probing(path: &str, authorization: Option<&str>, body: &[u8]) -> LambdaEvent<HttpEvent> {
    with_headers(path, json!({"wab-probe": "1"}), authorization, body)
}

/// The same request at a secret path, if there is a segment.
pub(crate) fn at_path(
    path: &str,
    segment: Option<&str>,
    authorization: Option<&str>,
    body: &[u8],
) -> LambdaEvent<HttpEvent> {
    let mut event = event(path, json!({}), authorization, body);
    if let Some(segment) = segment {
        let (path, route) = (format!("{path}/{segment}"), format!("POST {path}/{{secret}}"));
        event["rawPath"] = path.clone().into();
        event["requestContext"]["http"]["path"] = path.into();
        event["routeKey"] = route.clone().into();
        event["requestContext"]["routeKey"] = route.into();
        event["pathParameters"] = json!({"secret": segment});
    }
    LambdaEvent::new(serde_json::from_str(&event.to_string()).unwrap(), Context::default())
}

fn with_headers(path: &str, headers: Value, authorization: Option<&str>, body: &[u8]) -> LambdaEvent<HttpEvent> {
    let event = event(path, headers, authorization, body);
    LambdaEvent::new(serde_json::from_str(&event.to_string()).unwrap(), Context::default())
}

fn event(path: &str, mut headers: Value, authorization: Option<&str>, body: &[u8]) -> Value {
    headers["content-type"] = "application/json".into();
    headers["host"] = "example.test".into();
    if let Some(authorization) = authorization {
        headers["authorization"] = authorization.into();
    }
    json!({
        "version": "2.0",
        "routeKey": format!("POST {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "example.test",
            "domainPrefix": "example",
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "r",
            "routeKey": format!("POST {path}"),
            "stage": "$default",
            "time": "23/Nov/2025:09:15:02 +0000",
            "timeEpoch": 1_763_889_302_417_i64,
        },
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}

/// A unique id: `prefix` and 16 random letters. `wab` would mask an id with a run of digits.
pub(crate) fn fresh_id(prefix: &str) -> String {
    let letters = getrandom::u64().unwrap().to_le_bytes().map(|byte| [b'a' + byte / 16, b'a' + byte % 16]);
    format!("{prefix}-{}", letters.as_flattened().escape_ascii())
}

pub(crate) fn mo_text(id: &str) -> Value {
    json!({
        "id": id,
        "source": SENDER,
        "Destination": RECIPIENT,
        "content": {"from": SENDER.trim_start_matches('+'), "id": wab_marked::wamid("=="), "timestamp": "1763889302",
                    "type": "text", "text": {"body": wab_marked::text("Kia ora 👋🏽")}},
    })
}

pub(crate) fn dlr(id: &str, status: &str) -> Value {
    json!({"id": id, "status": status, "reference": wab_marked::name("order")})
}

/// The body of a message with this many bytes of content.
pub(crate) fn mo_of(content_bytes: usize) -> String {
    json!({"id": "7c1f", "content": "x".repeat(content_bytes)}).to_string()
}
