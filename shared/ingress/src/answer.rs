//! What the gateway hears, and the one log line of each callback.
//!
//! The inner layers say what went wrong; here it is decided what a stranger may know of it: a status, a
//! stable code, a fixed title and the request's id. Never a cause, never the input.

use lambda_http::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use wab_events::Kind;
use wab_models::CallbackError;
use wab_store::{Kept, Stored, Unavailable};

use crate::credentials::Unauthorized;
use crate::request::request_id;

/// A callback that is durable.
#[derive(Debug)]
pub struct Receipt {
    /// The gateway's message id.
    pub id: String,
    /// Where it is kept, and under which key.
    pub kept: Kept,
}

/// A callback that isn't durable, and why.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The caller hasn't shown that it is the gateway.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// The body isn't a callback. It is kept in quarantine.
    #[error(transparent)]
    Quarantined(CallbackError),
    /// The body is larger than any that can come in.
    #[error("the body is larger than 6 MB")]
    TooLarge,
    /// Nothing durable took it; the gateway may try again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
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
    /// Not known yet of what is deferred: it may turn out to be a variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    outcome: &'static str,
}

fn accepted(kind: Kind, receipt: Receipt) -> Response<Body> {
    let kind = kind.as_str();
    let (event_id, outcome) = match &receipt.kept {
        Kept::Stored(Stored::New(key)) => {
            let event_id = key.event_id();
            tracing::info!(callback.kind = kind, outcome = "stored", event.id = event_id, "callback stored");
            (Some(event_id), "stored")
        }
        Kept::Stored(Stored::Variant(key)) => {
            let event_id = key.event_id();
            tracing::warn!(
                callback.kind = kind,
                outcome = "variant",
                event.id = event_id,
                "callback stored beside another one with its key and another body"
            );
            (Some(event_id), "stored")
        }
        Kept::Stored(Stored::Duplicate(key)) => {
            let event_id = key.event_id();
            tracing::info!(
                callback.kind = kind,
                outcome = "duplicate",
                event.id = event_id,
                "callback was stored before"
            );
            (Some(event_id), "duplicate")
        }
        Kept::Deferred { key, reason } => {
            tracing::warn!(
                callback.kind = kind,
                outcome = "deferred",
                event.id = key.event_id(),
                %reason,
                "callback in the spill queue: the table did not take it"
            );
            (None, "deferred")
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
        Refusal::Quarantined(error) => {
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
        CallbackError::NotUtf8 | CallbackError::NotJson { .. } => ("not_json", "The body is not JSON"),
        CallbackError::NotAnObject => ("not_an_object", "The body is not a JSON object"),
        CallbackError::NoId => ("no_id", "The callback has no id"),
        CallbackError::IdTooLong => ("id_too_long", "The callback's id is too long"),
        CallbackError::NoStatus => ("no_status", "The delivery receipt has no status"),
        CallbackError::StatusTooLong => ("status_too_long", "The delivery receipt's status is too long"),
    }
}

fn log_refusal(kind: Kind, status: StatusCode, code: &str, refusal: &Refusal) {
    let (kind, status) = (kind.as_str(), status.as_u16());
    match refusal {
        Refusal::Unavailable(Unavailable { key, table, spill }) => tracing::error!(
            callback.kind = kind,
            code,
            status,
            // A quarantined body is no event.
            event.id = key.kind_and_id().map(|_| key.event_id()),
            reason = %table,
            spill.reason = %spill,
            "callback not kept: neither the table nor the spill queue took it"
        ),
        Refusal::Quarantined(why) => tracing::warn!(
            callback.kind = kind,
            outcome = "quarantined",
            code,
            status,
            reason = %why,
            "callback refused, its body kept in quarantine"
        ),
        Refusal::Unauthorized(_) | Refusal::TooLarge => {
            tracing::warn!(callback.kind = kind, code, status, reason = %refusal, "callback refused");
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
