//! What stands behind the door for as long as the function lives.

use lambda_http::Request;
use wab_events::Kind;
use wab_models::{BinaryContent, CallbackError, Item, Quarantined, Received, ReceivedAt, Unreadable};
use wab_platform::{Clock, SdkConfig, SettingError, required};
use wab_store::{Kept, Store, Unavailable};

use crate::answer::Refusal;
use crate::credentials::Credentials;
use crate::request::{answer_by, received_epoch_ms};

/// What `mo` and `dlr` need to know: the environment variables `CALLBACK_CREDENTIALS` and `RETENTION_DAYS`, and
/// where events are kept.
#[derive(Debug, Clone)]
pub struct Settings {
    store: wab_store::Settings,
    credentials: Credentials,
    retention_days: u16,
}

impl Settings {
    /// Reads the settings through `var`, which looks one up by its name.
    ///
    /// # Errors
    /// If one is missing or can't be used. Without credentials there is no door: the function must not start.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let credentials = required(&var, "CALLBACK_CREDENTIALS")?.parse().map_err(|_| SettingError {
            name: "CALLBACK_CREDENTIALS",
            why: "is not a list of `user:hex(sha256(password))`, separated by commas",
        })?;
        let retention_days = required(&var, "RETENTION_DAYS")?
            .parse()
            .map_err(|_| SettingError { name: "RETENTION_DAYS", why: "is not a number of days from 0 to 65535" })?;
        Ok(Self { store: wab_store::Settings::read(var)?, credentials, retention_days })
    }
}

/// What the handlers of `mo` and `dlr` share: who may call, and where events go.
#[derive(Debug, Clone)]
pub struct Door {
    /// Who may call.
    pub credentials: Credentials,
    /// Where events go.
    pub store: Store,
    clock: Clock,
    retention_days: u16,
}

impl Door {
    /// Builds the door once, at init.
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self {
            credentials: settings.credentials,
            store: Store::new(sdk, settings.store),
            clock: Clock::of(sdk),
            retention_days: settings.retention_days,
        }
    }

    /// What is kept of the request beside what its body says.
    #[must_use]
    pub fn received<'a>(&self, request: &Request, application: &'a str, body: &'a str) -> Received<'a> {
        let (at, expires_at) = self.arrival(request);
        Received { body, application, at, expires_at }
    }

    /// Keeps an event in time for the answer; see [`Store::keep`].
    ///
    /// # Errors
    /// If nothing durable took it.
    pub async fn keep(
        &self,
        request: &Request,
        item: Item<'_>,
        binary: Option<(BinaryContent, Vec<u8>)>,
    ) -> Result<Kept, Unavailable> {
        self.store.keep(item, binary, answer_by(request, &self.clock)).await
    }

    /// Keeps a body that is no callback, and refuses it.
    pub async fn quarantine(
        &self,
        kind: Kind,
        request: &Request,
        application: &str,
        body: &[u8],
        why: CallbackError,
    ) -> Refusal {
        let (at, expires_at) = self.arrival(request);
        let quarantined = Quarantined::new(kind, why, Unreadable { body, application, at, expires_at });
        match Box::pin(self.store.quarantine(quarantined, body, answer_by(request, &self.clock))).await {
            Ok(()) => Refusal::Quarantined(why),
            Err(unavailable) => Refusal::Unavailable(unavailable),
        }
    }

    /// When the request came, and when what it brings may be forgotten.
    fn arrival(&self, request: &Request) -> (ReceivedAt, i64) {
        let epoch_ms = received_epoch_ms(request, &self.clock);
        let expires_at = epoch_ms / 1000 + i64::from(self.retention_days) * 24 * 60 * 60;
        (ReceivedAt::from_epoch_ms(epoch_ms), expires_at)
    }
}
