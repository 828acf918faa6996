//! What stands behind the door for as long as the function lives.

use lambda_http::Request;
use models::{Received, ReceivedAt};
use platform::{SdkConfig, SettingError, required};
use store::EventTable;

use crate::credentials::Credentials;
use crate::request::received_epoch_ms;

/// What `mo` and `dlr` need to know: the environment variables `TABLE_NAME`, `CALLBACK_CREDENTIALS` and
/// `RETENTION_DAYS`.
#[derive(Debug, Clone)]
pub struct Settings {
    table_name: String,
    credentials: Credentials,
    retention_days: u16,
}

impl Settings {
    /// Reads the settings through `var`, which looks one up by its name.
    ///
    /// # Errors
    /// If one is missing or can't be used. Without credentials there is no door: the function must not start.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let table_name = required(&var, "TABLE_NAME")?;
        let credentials = required(&var, "CALLBACK_CREDENTIALS")?.parse().map_err(|_| SettingError {
            name: "CALLBACK_CREDENTIALS",
            why: "is not a list of `user:hex(sha256(password))`, separated by commas",
        })?;
        let retention_days = required(&var, "RETENTION_DAYS")?
            .parse()
            .map_err(|_| SettingError { name: "RETENTION_DAYS", why: "is not a number of days from 0 to 65535" })?;
        Ok(Self { table_name, credentials, retention_days })
    }
}

/// What the handlers of `mo` and `dlr` share: who may call, and where events go.
#[derive(Debug, Clone)]
pub struct Door {
    /// Who may call.
    pub credentials: Credentials,
    /// Where events go.
    pub table: EventTable,
    retention_days: u16,
}

impl Door {
    /// Builds the door once, at init.
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self {
            credentials: settings.credentials,
            table: EventTable::new(sdk, settings.table_name),
            retention_days: settings.retention_days,
        }
    }

    /// What is kept of the request beside what its body says.
    #[must_use]
    pub fn received<'a>(&self, request: &Request, application: &'a str, body: &'a str) -> Received<'a> {
        let epoch_ms = received_epoch_ms(request);
        let expires_at = epoch_ms / 1000 + i64::from(self.retention_days) * 24 * 60 * 60;
        Received { body, application, at: ReceivedAt::from_epoch_ms(epoch_ms), expires_at }
    }
}
