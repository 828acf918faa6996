//! What the gateway hears, and the one log line of each callback.
//!
//! The inner layers say what went wrong; here it is decided what a stranger may know of it: a status, a
//! stable code, a fixed title and the request's id. Never a cause, never the input.

use lambda_http::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::{Body, Request, Response};
use models::{CallbackError, Kind};
use platform::Reason;
use serde::Serialize;
use store::{PutError, Stored};

use crate::credentials::Unauthorized;
use crate::request::request_id;

/// A callback that is durable.
#[derive(Debug)]
pub struct Receipt {
    /// The gateway's message id.
    pub id: String,
    /// Whether it is new, and its key.
    pub stored: Stored,
}

/// A callback that isn't durable, and why.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The caller hasn't shown that it is the gateway.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// The body isn't UTF-8.
    #[error("the body is not UTF-8 text")]
    NotText,
    /// The body isn't a callback.
    #[error(transparent)]
    Unreadable(#[from] CallbackError),
    /// The event fits no item of the table.
    #[error("the callback is larger than an item of the table may be")]
    TooLarge,
    /// The table didn't take the event; the gateway may try again.
    #[error("the table did not take the event")]
    Unavailable(#[source] Reason),
}

impl From<PutError> for Refusal {
    fn from(error: PutError) -> Self {
        match error {
            PutError::TooLarge => Self::TooLarge,
            PutError::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

/// The answer to one callback; logs it, once.
pub fn answer(kind: Kind, request: &Request, outcome: Result<Receipt, Refusal>) -> Response<Body> {
    match outcome {
        Ok(receipt) => accepted(kind, receipt),
        Err(refusal) => refused(kind, request, &refusal),
    }
}

#[derive(Serialize)]
struct Accepted {
    id: String,
    event_id: String,
    outcome: &'static str,
}

fn accepted(kind: Kind, receipt: Receipt) -> Response<Body> {
    let (Stored::New(key) | Stored::Variant(key) | Stored::Duplicate(key)) = &receipt.stored;
    let event_id = key.event_id();
    let kind = kind.as_str();
    let outcome = match receipt.stored {
        Stored::New(_) => {
            tracing::info!(callback.kind = kind, outcome = "stored", event.id = event_id, "callback stored");
            "stored"
        }
        Stored::Variant(_) => {
            tracing::warn!(
                callback.kind = kind,
                outcome = "variant",
                event.id = event_id,
                "callback stored beside another one with its key and another body"
            );
            "stored"
        }
        Stored::Duplicate(_) => {
            tracing::info!(
                callback.kind = kind,
                outcome = "duplicate",
                event.id = event_id,
                "callback was stored before"
            );
            "duplicate"
        }
    };
    reply(StatusCode::OK, "application/json", &Accepted { id: receipt.id, event_id, outcome })
}

/// Problem details (RFC 9457), with a stable `code` and the request's id as extensions.
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    request_id: &'a str,
}

fn refused(kind: Kind, request: &Request, refusal: &Refusal) -> Response<Body> {
    let (status, code, title) = match refusal {
        Refusal::Unauthorized(Unauthorized) => {
            (StatusCode::UNAUTHORIZED, "unauthorized", "Valid credentials are needed")
        }
        Refusal::NotText => (StatusCode::BAD_REQUEST, "not_json", "The body is not JSON"),
        Refusal::Unreadable(error) => {
            let (code, title) = unreadable(*error);
            (StatusCode::BAD_REQUEST, code, title)
        }
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The callback is too large"),
        Refusal::Unavailable(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The callback was not stored; send it again")
        }
    };
    log_refusal(kind, status, code, refusal);

    let problem = Problem {
        problem_type: format!("urn:wab:problem:{code}"),
        title,
        status: status.as_u16(),
        code,
        request_id: request_id(request),
    };
    let mut response = reply(status, "application/problem+json", &problem);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static(r#"Basic realm="wab", charset="UTF-8""#);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

fn unreadable(error: CallbackError) -> (&'static str, &'static str) {
    match error {
        CallbackError::NotJson { .. } => ("not_json", "The body is not JSON"),
        CallbackError::NotAnObject => ("not_an_object", "The body is not a JSON object"),
        CallbackError::NoId => ("no_id", "The callback has no id"),
        CallbackError::IdTooLong => ("id_too_long", "The callback's id is too long"),
        CallbackError::NoStatus => ("no_status", "The delivery receipt has no status"),
        CallbackError::StatusTooLong => ("status_too_long", "The delivery receipt's status is too long"),
    }
}

fn log_refusal(kind: Kind, status: StatusCode, code: &str, refusal: &Refusal) {
    let status = status.as_u16();
    match refusal {
        Refusal::Unavailable(reason) => tracing::error!(
            callback.kind = kind.as_str(),
            code,
            status,
            reason = %reason,
            "callback not stored: the table did not take it"
        ),
        Refusal::Unauthorized(_) | Refusal::NotText | Refusal::Unreadable(_) | Refusal::TooLarge => {
            tracing::warn!(callback.kind = kind.as_str(), code, status, reason = %refusal, "callback refused");
        }
    }
}

fn reply(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response<Body> {
    // Neither of the two bodies can fail to serialise: they are structs of text.
    let body = serde_json::to_string(body).unwrap_or_default();
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
