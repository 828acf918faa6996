//! The state that a function keeps between callbacks, and how it admits a request.

use lambda_http::{Body, Context, Response};
use wab_events::Kind;
use wab_models::{CallbackError, ContentKey, ContentMode, MAX_BODY_BYTES, ReceivedAt, Unreadable};
use wab_platform::{Clock, SdkConfig, SettingError, Tracer, required};
use wab_store::Store;

use crate::answer::{Call, Kept, Rejection, answer, answer_probe};
use crate::credentials::{Caller, Credentials};
use crate::event::HttpEvent;
use crate::inbound::{Inbound, deadline, epoch_ms, received_time};

/// The environment variables of `mo` and `dlr`: `CALLBACK_CREDENTIALS`, `RETENTION_DAYS`, `CONTENT`, those of the store,
/// and the tracer's. `CONTENT_KEY` is set if the stack has one, which it needs if `CONTENT` is `none`.
#[derive(Debug, Clone)]
pub struct Settings {
    store: wab_store::Settings,
    credentials: Credentials,
    content: ContentMode,
    retention_days: u16,
    tracer: Tracer,
}

impl Settings {
    /// Reads the settings through `var`, which looks up an environment variable.
    ///
    /// # Errors
    /// If a setting is missing or malformed. A function without credentials must not start.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let credentials = required(&var, "CALLBACK_CREDENTIALS")?.parse().map_err(|_| SettingError {
            name: "CALLBACK_CREDENTIALS",
            problem: "is not a comma-separated list of `user:hex(sha256(password))`",
        })?;
        let retention_days = required(&var, "RETENTION_DAYS")?
            .parse()
            .map_err(|_| SettingError { name: "RETENTION_DAYS", problem: "is not a number of days from 0 to 65535" })?;
        let content = content_mode(&var)?;
        let tracer = Tracer::read(&var);
        Ok(Self { store: wab_store::Settings::read(var)?, credentials, content, retention_days, tracer })
    }
}

fn content_mode(var: impl Fn(&str) -> Option<String>) -> Result<ContentMode, SettingError> {
    let key: Option<ContentKey> = var("CONTENT_KEY")
        .map(|key| key.parse())
        .transpose()
        .map_err(|_| SettingError { name: "CONTENT_KEY", problem: "is not 64 hex digits" })?;
    match (required(&var, "CONTENT")?.as_str(), key) {
        ("full", key) => Ok(ContentMode::Full(key)),
        ("none", Some(key)) => Ok(ContentMode::None(key)),
        ("none", None) => Err(SettingError { name: "CONTENT_KEY", problem: "is missing, and CONTENT is none" }),
        _ => Err(SettingError { name: "CONTENT", problem: "is neither full nor none" }),
    }
}

/// A request, once its caller is authenticated or rejected.
#[derive(Debug)]
pub enum Admission<'a> {
    /// A callback to store.
    Callback(Inbound<'a>),
    /// Nothing to store, and the answer.
    Answered(Response<Body>),
}

/// What the handlers of `mo` and `dlr` share. Built once, at init.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub store: Store,
    pub content: ContentMode,
    credentials: Credentials,
    clock: Clock,
    retention_days: u16,
    tracer: Tracer,
}

impl Receiver {
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self {
            credentials: settings.credentials,
            store: Store::new(sdk, settings.store),
            content: settings.content,
            clock: Clock::of(sdk),
            retention_days: settings.retention_days,
            tracer: settings.tracer,
        }
    }

    /// Authenticates the caller and converts the request. Nothing reads the event after this.
    ///
    /// Answered at once are a caller without valid credentials, a probe, and a body over [`MAX_BODY_BYTES`].
    pub fn admit<'a>(&'a self, kind: Kind, event: HttpEvent, context: &'a Context) -> Admission<'a> {
        let stranger = Call { kind, request_id: &context.request_id, caller: None };
        let caller @ Caller { application, .. } = match self.credentials.authenticate(event.authorization.as_deref()) {
            Ok(caller) => caller,
            Err(unauthorized) => return Admission::Answered(answer(stranger, Err(unauthorized.into()))),
        };
        if event.is_probe {
            return Admission::Answered(answer_probe(kind, application));
        }
        let call = Call { caller: Some(caller), ..stranger };
        if event.body.len() > MAX_BODY_BYTES {
            return Admission::Answered(answer(call, Err(Rejection::TooLarge)));
        }
        let now = self.clock.now();
        let received = received_time(event.time_epoch);
        let received_ms = epoch_ms(received.unwrap_or(now));
        Admission::Callback(Inbound {
            call,
            application,
            body: event.body,
            received_ms,
            received_at: ReceivedAt::from_epoch_ms(received_ms),
            expires_at: received_ms / 1000 + i64::from(self.retention_days) * 24 * 60 * 60,
            deadline: deadline(received, context.deadline(), now),
            trace: self.tracer.trace(context.xray_trace_id.as_deref(), now),
        })
    }

    /// Answers a callback, logs its outcome, and annotates its trace.
    #[must_use]
    pub fn answer(&self, inbound: &Inbound<'_>, outcome: Result<Kept, Rejection>) -> Response<Body> {
        if let (Some(trace), Ok(Kept { accepted, .. })) = (&inbound.trace, &outcome) {
            trace.annotate("store", [accepted.key().event_id()], self.clock.now());
        }
        answer(inbound.call, outcome)
    }

    /// Stores a body that isn't a callback, or without content only its size and a keyed hash, and rejects it.
    pub async fn quarantine(&self, inbound: &Inbound<'_>, problem: CallbackError) -> Rejection {
        let Inbound { call: Call { kind, .. }, application, expires_at, deadline, .. } = *inbound;
        let (body, at): (&[u8], _) = (inbound.body.as_ref(), inbound.received_at.clone());
        let quarantined = self.content.quarantined(kind, problem, Unreadable { body, application, at, expires_at });
        match Box::pin(self.store.quarantine(quarantined, body, deadline)).await {
            Ok(()) => Rejection::Quarantined(problem),
            Err(unavailable) => Rejection::Unavailable(unavailable),
        }
    }
}
