//! What every function needs of its environment: the log, settings, the clock, the AWS SDK's configuration, and reasons
//! for failures that are safe to log. This crate knows no callback and no event.

mod aws;
mod batch;
mod clock;
mod distribution;
mod log;
mod ping;
mod reason;
mod settings;
mod trace;

pub use aws::{AMAZON_ROOTS, SdkConfig, has_custom_endpoint, one_long_attempt, sdk_config};
pub use batch::BatchItemFailure;
pub use clock::Clock;
pub use distribution::log_distribution;
pub use log::{exit_code, log, log_to_stdout};
pub use ping::{Ping, ping};
pub use reason::Reason;
pub use settings::{SettingError, optional, required};
pub use trace::{Trace, Tracer};
