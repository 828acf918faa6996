//! What every function shares with its surroundings: its log, the configuration of the AWS SDK, and how a
//! failed AWS call is put into words that may be logged. It knows no callback and no event.

mod aws;
mod batch;
mod clock;
mod log;
mod ping;
mod reason;
mod settings;

pub use aws::{SdkConfig, has_own_endpoint, one_long_attempt, sdk_config};
pub use batch::BatchItemFailure;
pub use clock::Clock;
pub use log::{exit_code, log, log_to_stdout};
pub use ping::{Ping, ping};
pub use reason::Reason;
pub use settings::{SettingError, required};
