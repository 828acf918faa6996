//! The page's server: who may ask, and what is answered.
//!
//! It listens on the loopback address only, but every page in the person's browser can send requests there. So each
//! request for data carries the token of the printed address, in a header that no other site can set; the `Host` must be
//! this server's, against DNS rebinding; and an `Origin`, if there is one, must be this page's.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::command::{self, Policy, Refused};
use super::faults::{self, Faults};
use super::web::FILES;
use super::{Console, GONE, cost, live};
use crate::send::list::{Entry, entries};
use crate::stack::Place;

/// What the browser may load and run for this page: this server's files, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// The secret of the printed address.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    pub(super) fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let expected = format!("Bearer {}", self.0);
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        bool::from(given.ct_eq(expected.as_bytes()))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Door {
    token: Token,
    /// The values that `Host` may have.
    hosts: [String; 2],
}

impl Door {
    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        headers.get(HOST).is_some_and(|host| self.hosts.iter().any(|own| host == own.as_str()))
    }

    fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        headers.get(ORIGIN).is_none_or(|origin| self.hosts.iter().any(|own| *origin == *format!("http://{own}")))
    }
}

#[derive(Clone)]
struct Shared {
    console: Arc<Console>,
    /// Names this run, so that the page notices a restart.
    run: String,
}

pub(super) fn router(console: Arc<Console>, token: Token, port: u16) -> Router {
    let door = Arc::new(Door { token, hosts: ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}")) });
    let run = uuid::Uuid::new_v4().simple().to_string();
    let api = Router::new()
        .route("/about", get(about))
        .route("/live", get(live))
        .route("/rows/{seq}", get(row))
        .route("/run", post(run_command))
        .route("/faults", get(faults).post(set_fault))
        .route("/cost", get(cost))
        .layer(middleware::from_fn_with_state(Arc::clone(&door), require_token))
        .with_state(Shared { console, run });
    let mut router = Router::new().nest("/api", api);
    for file in FILES {
        let answer = move || async move { ([(CONTENT_TYPE, file.media_type)], file.text) };
        let path = if file.path == "index.html" { "/".to_owned() } else { format!("/{}", file.path) };
        router = router.route(&path, get(answer));
    }
    router.layer(middleware::from_fn_with_state(door, guard))
}

/// Rejects other sites, and tells the browser what this page may do.
async fn guard(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let mut response = if !door.is_own_host(request.headers()) {
        problem(StatusCode::MISDIRECTED_REQUEST, "the Host header is not this console's")
    } else if !door.is_own_origin(request.headers()) {
        problem(StatusCode::FORBIDDEN, "the Origin header is not this console's")
    } else {
        next.run(request).await
    };
    let headers = [
        (HeaderName::from_static("content-security-policy"), CONTENT_SECURITY_POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn require_token(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    if door.token.admits(request.headers()) {
        next.run(request).await
    } else {
        problem(StatusCode::UNAUTHORIZED, "the token is missing or of another console: open the address it printed")
    }
}

fn problem(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({"problem": problem}))).into_response()
}

/// Names of what can be sent.
#[derive(Serialize)]
struct Samples {
    mo: Vec<String>,
    dlr: Vec<String>,
}

#[derive(Serialize)]
struct About<'a> {
    version: &'static str,
    stack: &'a Place,
    place: String,
    local: bool,
    read_only: bool,
    samples: Samples,
    scenarios: Vec<Entry>,
    faults: Vec<faults::About>,
}

async fn about(State(Shared { console, .. }): State<Shared>) -> Response {
    let (scenarios, samples): (Vec<_>, Vec<_>) = entries().into_iter().partition(|entry| entry.kind == "scenario");
    let names = |kind| samples.iter().filter(|entry| entry.kind == kind).map(|entry| entry.name.clone()).collect();
    let faults = console.faults.as_ref().map(|_| Faults::about()).unwrap_or_default();
    Json(About {
        version: env!("CARGO_PKG_VERSION"),
        stack: &console.place,
        place: console.place.to_string(),
        local: console.is_local(),
        read_only: console.read_only,
        samples: Samples { mo: names("mo"), dlr: names("dlr") },
        scenarios,
        faults,
    })
    .into_response()
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn live(State(Shared { console, run }): State<Shared>, Query(After { after }): Query<After>) -> Response {
    let body = live::stream(console, run, after);
    ([(CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

async fn row(State(Shared { console, .. }): State<Shared>, Path(seq): Path<u64>) -> Response {
    match console.rows.get(seq).map(|row| row.revealed()) {
        Some(Ok(row)) => ([(CONTENT_TYPE, "application/json")], Body::from(row)).into_response(),
        Some(Err(_)) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the event can't be written as JSON"),
        None => problem(StatusCode::NOT_FOUND, "the console no longer has this event: open it by its id"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    args: Vec<String>,
    #[serde(default)]
    act: bool,
}

async fn run_command(State(Shared { console, .. }): State<Shared>, Json(Run { args, act }): Json<Run>) -> Response {
    let policy = Policy { read_only: console.read_only, is_local: console.is_local() };
    let allowed = match policy.check(args, act) {
        Ok(allowed) => allowed,
        Err(refused @ Refused::ReadOnly) => return problem(StatusCode::FORBIDDEN, &refused.to_string()),
        Err(refused @ Refused::Unknown) => return problem(StatusCode::BAD_REQUEST, &refused.to_string()),
    };
    if console.is_gone() {
        return problem(StatusCode::BAD_GATEWAY, GONE);
    }
    // A command has a runtime of its own, as in a process of its own.
    let run = move || command::run(allowed, act, &console.directory, &console.stack.to_options());
    match tokio::task::spawn_blocking(run).await {
        Ok(ran) => Json(ran).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the command crashed"),
    }
}

async fn faults(State(Shared { console, .. }): State<Shared>) -> Response {
    match &console.faults {
        Some(faults) => Json(faults.states().await).into_response(),
        None => no_faults(),
    }
}

fn no_faults() -> Response {
    problem(StatusCode::NOT_FOUND, "faults need a local stack and a console that may change it")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFault {
    name: String,
    on: bool,
}

async fn set_fault(
    State(Shared { console, .. }): State<Shared>,
    Json(SetFault { name, on }): Json<SetFault>,
) -> Response {
    match &console.faults {
        Some(faults) => answer(faults.set(&name, on).await),
        None => no_faults(),
    }
}

async fn cost(State(Shared { console, .. }): State<Shared>) -> Response {
    let gather = move || {
        crate::aws::block_on(async {
            let stack = console.connect().await?;
            cost::gather(&stack, jiff::Timestamp::now()).await
        })
    };
    match tokio::task::spawn_blocking(gather).await {
        Ok(report) => answer(report),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the estimate crashed"),
    }
}

fn answer<T: Serialize>(result: anyhow::Result<T>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => problem(StatusCode::BAD_GATEWAY, &format!("{error:#}")),
    }
}
