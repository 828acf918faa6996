//! The wall clock.

use std::time::SystemTime;

use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;

/// The wall clock of a function, which its AWS clients sign requests with. The simulation replaces it.
#[derive(Debug, Clone)]
pub struct Clock(SharedTimeSource);

impl Clock {
    /// The clock of this configuration. Without one, the system clock.
    #[must_use]
    pub fn of(sdk: &SdkConfig) -> Self {
        Self(sdk.time_source().unwrap_or_default())
    }

    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.0.now()
    }
}
