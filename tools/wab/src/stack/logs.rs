//! The log groups: how long they keep lines, and what lines say.

use aws_config::SdkConfig;
use jiff::Timestamp;
use serde_json::Value;

use crate::aws::Unavailable;

/// How many pages of lines are read at most. A page holds up to a megabyte, and may be empty.
const MAX_PAGES: usize = 20;

#[derive(Debug)]
pub(crate) struct Logs {
    client: aws_sdk_cloudwatchlogs::Client,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// None if lines are kept for ever.
    pub(crate) retention_days: Option<u32>,
}

/// A line of JSON, and when it was written.
#[derive(Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) json: Value,
}

/// The lines of a time that match a pattern.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    /// There are more: the reading stopped early.
    pub(crate) is_cut: bool,
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

    /// The lines from `from` to `to` that match a filter pattern. Lines that aren't JSON are left out.
    pub(crate) async fn lines(
        &self,
        group: &str,
        pattern: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Lines, Unavailable> {
        let filter = self
            .client
            .filter_log_events()
            .log_group_name(group)
            .filter_pattern(pattern)
            .start_time(from.as_millisecond())
            .end_time(to.as_millisecond());
        let mut found = Lines::default();
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = filter.clone().set_next_token(next).send().await;
            let page = page.map_err(Unavailable::new("cannot read the logs"))?;
            found.lines.extend(page.events().iter().filter_map(|event| {
                let at = Timestamp::from_millisecond(event.timestamp()?).ok()?;
                Some(Line { at, json: serde_json::from_str(event.message()?).ok()? })
            }));
            next = page.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
        Ok(Lines { is_cut: true, ..found })
    }
}
