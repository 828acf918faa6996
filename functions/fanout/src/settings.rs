//! The function's settings.

use wab_platform::{SettingError, Tracer, required};

use crate::topics::TopicArns;

/// The environment variables `MO_TOPIC_ARN`, `DLR_TOPIC_ARN`, `DEAD_LETTER_QUEUE_URL`, `TABLE_NAME`, `BUCKET_NAME` and
/// `METRIC_NAMESPACE`, and the tracer's. `MO_FIFO_TOPIC_ARN` and `DLR_FIFO_TOPIC_ARN` are set, both, if events are
/// published in order as well.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) topics: TopicArns,
    pub(crate) fifo_topics: Option<TopicArns>,
    pub(crate) dead_letter_queue_url: String,
    pub(crate) table_name: String,
    pub(crate) bucket_name: String,
    pub(crate) metric_namespace: String,
    pub(crate) tracer: Tracer,
}

impl Settings {
    /// Reads the settings through `var`, which looks up a variable by name.
    ///
    /// # Errors
    /// If one is missing.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        Ok(Self {
            topics: TopicArns { mo: required(&var, "MO_TOPIC_ARN")?, dlr: required(&var, "DLR_TOPIC_ARN")? },
            fifo_topics: var("MO_FIFO_TOPIC_ARN")
                .map(|mo| Ok(TopicArns { mo, dlr: required(&var, "DLR_FIFO_TOPIC_ARN")? }))
                .transpose()?,
            dead_letter_queue_url: required(&var, "DEAD_LETTER_QUEUE_URL")?,
            table_name: required(&var, "TABLE_NAME")?,
            bucket_name: required(&var, "BUCKET_NAME")?,
            metric_namespace: required(&var, "METRIC_NAMESPACE")?,
            tracer: Tracer::read(&var),
        })
    }
}
