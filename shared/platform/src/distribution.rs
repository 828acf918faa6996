//! Metrics that are distributions, in CloudWatch's embedded metric format: a log line from which CloudWatch extracts each
//! value ("Specification: Embedded metric format", CloudWatch User Guide). A count needs no such line: metric filters
//! count log lines.

use std::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tracing::Event;
use tracing::field::{Field, Visit};

/// The target of these lines.
const TARGET: &str = "wab_platform::distribution";

/// "Numeric array metric targets MUST NOT have more than 100 members."
const MAX_VALUES: usize = 100;

/// Logs values of a metric, in milliseconds. The metric has no dimension, and its namespace is the stack's name.
pub fn log_distribution(namespace: &str, name: &str, at: SystemTime, values_ms: &[u64]) {
    let timestamp = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let timestamp = u64::try_from(timestamp).unwrap_or_default();
    for values in values_ms.chunks(MAX_VALUES) {
        let metrics = json!([{"Name": name, "Unit": "Milliseconds"}]);
        let metrics = json!([{"Namespace": namespace, "Dimensions": [[]], "Metrics": metrics}]);
        let line = json!({"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": metrics}, name: values});
        tracing::info!(target: TARGET, line = line.to_string());
    }
}

/// The line of such a metric. None for any other event.
pub(crate) fn line(event: &Event<'_>) -> Option<String> {
    let mut line = Line(String::new());
    (event.metadata().target() == TARGET).then(|| {
        event.record(&mut line);
        line.0
    })
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, _: &Field, value: &str) {
        value.clone_into(&mut self.0);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
