//! The answer to each callback, and its one log line.
//!
//! Inner layers report what went wrong. This file decides what the caller may learn: a status, a stable code, a fixed
//! title and the request id, but never a cause and never the input.

use lambda_http::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use serde::Serialize;
use tracing::field::{DisplayValue, display};
use wab_events::Kind;
use wab_models::CallbackError;
use wab_store::{Accepted, Unavailable};

use crate::credentials::{Caller, Credential, Unauthorized};
use crate::networks::Forbidden;

/// The call that is answered.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub kind: Kind,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// None without valid credentials.
    pub caller: Option<Caller<'a>>,
}

impl Call<'_> {
    /// The verifier that matched, as a field of the log line. It is text, because it is the dimension of a metric
    /// (`MoCredentials` and `DlrCredentials` in the template).
    fn credential(&self) -> Option<DisplayValue<Credential>> {
        self.caller.map(|caller| display(caller.credential))
    }
}

/// A callback that is answered 200.
#[derive(Debug)]
pub struct Kept {
    pub accepted: Accepted,
    /// The time from WhatsApp's own timestamp of the message to the request. None if it has none.
    pub delivery_lag_ms: Option<u64>,
}

/// Why a callback isn't accepted.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The caller's network isn't allowed.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The caller isn't authenticated as the gateway.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// The body isn't a callback. It is stored in quarantine.
    #[error(transparent)]
    Quarantined(CallbackError),
    /// Lambda never passes on a body of this size.
    #[error("the body is larger than 6 MB")]
    TooLarge,
    /// The callback couldn't be stored. The gateway may retry.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Answers a callback and logs its outcome.
#[must_use]
pub fn answer(call: Call<'_>, outcome: Result<Kept, Rejection>) -> Response<Body> {
    match outcome {
        Ok(kept) => accept(call, &kept),
        Err(rejection) => reject(call, &rejection),
    }
}

/// Answers a caller that asks whether its URL and its credentials work. Its log line has no `credential`: a probe isn't a
/// use of the credentials by the gateway.
#[must_use]
pub fn answer_probe(kind: Kind, application: &str) -> Response<Body> {
    #[derive(Serialize)]
    struct ProbeBody<'a> {
        outcome: &'static str,
        version: &'static str,
        application: &'a str,
    }
    tracing::info!(callback.kind = kind.as_str(), outcome = "probe", "probe answered");
    let body = ProbeBody { outcome: "probe", version: env!("CARGO_PKG_VERSION"), application };
    reply(StatusCode::OK, "application/json", &body)
}

#[derive(Serialize)]
struct AcceptedBody<'a> {
    /// The gateway's message id.
    id: &'a str,
    /// Absent for a spilled callback: it may still become a variant, which has another id.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    outcome: &'static str,
}

fn accept(call: Call<'_>, Kept { accepted, delivery_lag_ms }: &Kept) -> Response<Body> {
    let kind = call.kind.as_str();
    let credential = call.credential();
    let key = accepted.key();
    let event_id = &*key.event_id();
    let (answered_id, outcome) = match accepted {
        Accepted::Stored(_) => {
            tracing::info!(
                callback.kind = kind,
                outcome = "stored",
                event.id = event_id,
                credential,
                delivery_lag_ms,
                "callback stored"
            );
            (Some(event_id), "stored")
        }
        Accepted::Variant(_) => {
            tracing::warn!(
                callback.kind = kind,
                outcome = "variant",
                event.id = event_id,
                credential,
                delivery_lag_ms,
                "callback stored as a variant: another body has its key"
            );
            (Some(event_id), "stored")
        }
        Accepted::Duplicate(_) => {
            tracing::info!(
                callback.kind = kind,
                outcome = "duplicate",
                event.id = event_id,
                credential,
                "callback was stored before"
            );
            (Some(event_id), "duplicate")
        }
        Accepted::Spilled { reason, .. } => {
            tracing::warn!(
                callback.kind = kind,
                outcome = "deferred",
                event.id = event_id,
                credential,
                delivery_lag_ms,
                %reason,
                "callback spilled: the table rejected the write"
            );
            (None, "deferred")
        }
    };
    let id = key.kind_and_id().map(|(_, id)| id).unwrap_or_default();
    reply(StatusCode::OK, "application/json", &AcceptedBody { id, event_id: answered_id, outcome })
}

/// Problem details (RFC 9457), with the extensions `code` and `request_id`.
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    request_id: &'a str,
}

fn reject(call: Call<'_>, rejection: &Rejection) -> Response<Body> {
    let (status, code, title) = match rejection {
        Rejection::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "This network is not allowed"),
        Rejection::Unauthorized(Unauthorized) => {
            (StatusCode::UNAUTHORIZED, "unauthorized", "Valid credentials are needed")
        }
        Rejection::Quarantined(error) => {
            let (code, title) = unreadable(*error);
            (StatusCode::BAD_REQUEST, code, title)
        }
        Rejection::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The callback is too large"),
        Rejection::Unavailable(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The callback was not stored; send it again")
        }
    };
    log_rejection(call, status, code, rejection);
    let request_id = call.request_id;

    let problem =
        Problem { problem_type: format!("urn:wab:problem:{code}"), title, status: status.as_u16(), code, request_id };
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

fn log_rejection(call: Call<'_>, status: StatusCode, code: &str, rejection: &Rejection) {
    let (kind, credential, status) = (call.kind.as_str(), call.credential(), status.as_u16());
    match rejection {
        Rejection::Unavailable(Unavailable { key, table, spill }) => tracing::error!(
            callback.kind = kind,
            code,
            status,
            // A quarantined body isn't an event.
            event.id = key.kind_and_id().map(|_| key.event_id()),
            credential,
            reason = %table,
            spill.reason = %spill,
            "callback not stored: the table and the spill queue rejected it"
        ),
        Rejection::Quarantined(problem) => tracing::warn!(
            callback.kind = kind,
            outcome = "quarantined",
            code,
            status,
            credential,
            reason = %problem,
            "callback rejected, body quarantined"
        ),
        Rejection::Forbidden(_) | Rejection::Unauthorized(_) | Rejection::TooLarge => {
            tracing::warn!(callback.kind = kind, code, status, credential, reason = %rejection, "callback rejected");
        }
    }
}

fn reply(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response<Body> {
    // Serialising can't fail: both bodies are structs of text.
    let body = serde_json::to_string(body).unwrap_or_default();
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
