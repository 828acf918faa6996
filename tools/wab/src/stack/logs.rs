//! The log groups: how long they keep lines, and what lines say.

use aws_config::SdkConfig;

use crate::aws::Unavailable;

#[derive(Debug)]
pub(crate) struct Logs {
    client: aws_sdk_cloudwatchlogs::Client,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// None if lines are kept for ever.
    pub(crate) retention_days: Option<u32>,
}

impl Logs {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self { client: aws_sdk_cloudwatchlogs::Client::new(sdk) }
    }

    /// The groups whose names begin with `prefix`. A stack has five.
    pub(crate) async fn groups(&self, prefix: &str) -> Result<Vec<Group>, Unavailable> {
        let described = self.client.describe_log_groups().log_group_name_prefix(prefix).send().await;
        let described = described.map_err(Unavailable::new("cannot read the log groups"))?;
        let groups = described.log_groups().iter().filter_map(|group| {
            let retention_days = group.retention_in_days().and_then(|days| u32::try_from(days).ok());
            Some(Group { name: group.log_group_name()?.to_owned(), retention_days })
        });
        Ok(groups.collect())
    }
}
