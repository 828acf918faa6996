//! The queues of `wab listen`, as `wab doctor` finds them again.

use std::time::Duration;

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};

use super::metrics::{Metric, Metrics};
use crate::aws::Unavailable;

/// A queue that nobody read for this long is abandoned.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_hours(3 * 24);
