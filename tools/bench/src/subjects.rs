//! The functions that are measured, their events and their environment.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::events;

pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) bootstrap: PathBuf,
    pub(crate) event: fn(u64) -> anyhow::Result<Bytes>,
    /// Divides the number of warm invocations, because large events take long.
    pub(crate) thinned_by: u64,
}

/// `built` is where `make build` put the functions, `compared` where the functions to compare with were built.
pub(crate) fn subjects(built: &Path, compared: &Path) -> Vec<Subject> {
    let built = |name: &str| built.join(name).join("bootstrap");
    let compared = |name: &str| compared.join(name).join("bootstrap");
    let subject = |name, bootstrap, event, thinned_by| Subject { name, bootstrap, event, thinned_by };
    vec![
        subject("noop", compared("wab-bench-noop"), |number| Ok(events::mo(number)), 1),
        subject("bare", compared("wab-bench-bare"), |number| Ok(events::mo(number)), 1),
        subject("mo", built("Mo"), |number| Ok(events::mo(number)), 1),
        subject("dlr", built("Dlr"), |number| Ok(events::dlr(number)), 1),
        subject("fanout 1", built("Fanout"), |number| events::stream_batch(number, 1), 1),
        subject("fanout 10", built("Fanout"), |number| events::stream_batch(number, 10), 2),
        subject("fanout 100", built("Fanout"), |number| events::stream_batch(number, 100), 10),
        subject("recover 10", built("Recover"), |number| events::spill_batch(number, 10), 2),
        subject("noop 3 MB", compared("wab-bench-noop"), |number| Ok(events::mo_3_mb(number)), 20),
        subject("mo 3 MB", built("Mo"), |number| Ok(events::mo_3_mb(number)), 20),
    ]
}

pub(crate) fn environment(aws_url: &str, trusted: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        // As long as Lambda's session tokens.
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLE".repeat(30)),
        ("AWS_ENDPOINT_URL", aws_url.to_owned()),
        ("SSL_CERT_FILE", trusted.display().to_string()),
        ("TABLE_NAME", "wab-Events-1A2B3C4D5E6F".to_owned()),
        ("METRIC_NAMESPACE", "wab".to_owned()),
        ("BUCKET_NAME", "wab-bucket-1a2b3c4d5e6f".to_owned()),
        ("SPILL_QUEUE_URL", format!("{aws_url}/123456789012/wab-Spill")),
        ("CALLBACK_CREDENTIALS", events::VERIFIER.to_owned()),
        ("RETENTION_DAYS", "30".to_owned()),
        ("CONTENT", "full".to_owned()),
        ("MO_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:wab-MoTopic-1A2B3C4D5E6F".to_owned()),
        ("DLR_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:wab-DlrTopic-1A2B3C4D5E6F".to_owned()),
        ("DEAD_LETTER_QUEUE_URL", format!("{aws_url}/123456789012/wab-DeadLetters")),
    ]
}
