//! The queues of `wab listen`, which tags each one.

use std::collections::HashMap;

use aws_config::SdkConfig;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::aws::Unavailable;

const PREFIX: &str = "wab-listen-";
/// Its value is the stack's name.
const STACK_TAG: &str = "wab:listen";
const LAST_USED_TAG: &str = "wab:last-used";

/// Tags of this many queues are read at once.
const CONCURRENT: usize = 8;

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ListenQueue {
    /// As `wab listen --name` takes it.
    pub(crate) name: String,
    /// When a listener was last connected to it.
    pub(crate) last_used: Option<Timestamp>,
}

/// Whether a queue of this name is one of `wab listen`'s.
pub(crate) fn is_listen_queue(queue: &str) -> bool {
    queue.starts_with(PREFIX)
}

/// The queues that listen to `stack`. One call for each, and one for a thousand.
pub(crate) async fn of_stack(sdk: &SdkConfig, stack: &str) -> Result<Vec<ListenQueue>, Unavailable> {
    let sqs = aws_sdk_sqs::Client::new(sdk);
    let prefix = format!("{PREFIX}{stack}-");
    let pages = sqs.list_queues().queue_name_prefix(&prefix).max_results(1000).into_paginator().items().send();
    let urls: Vec<String> = pages.try_collect().await.map_err(Unavailable::new("cannot list the queues"))?;
    let queues = stream::iter(urls).map(async |url| {
        let listed = sqs.list_queue_tags().queue_url(&url).send().await;
        let tags = listed.map_err(Unavailable::new("cannot read a queue's tags"))?.tags.unwrap_or_default();
        Ok(queue(&url, &prefix, stack, &tags))
    });
    let queues: Vec<Option<ListenQueue>> = queues.buffered(CONCURRENT).try_collect().await?;
    Ok(queues.into_iter().flatten().collect())
}

/// None if the queue listens to another stack, whose name begins with this one's.
fn queue(url: &str, prefix: &str, stack: &str, tags: &HashMap<String, String>) -> Option<ListenQueue> {
    let name = url.rsplit('/').next()?.strip_prefix(prefix)?.to_owned();
    let is_ours = tags.get(STACK_TAG).is_some_and(|tagged| tagged == stack);
    let last_used = tags.get(LAST_USED_TAG).and_then(|at| at.parse().ok());
    is_ours.then_some(ListenQueue { name, last_used })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_of_another_stack_is_left_out() {
        let tags = |stack: &str| {
            let at = "2026-11-23T09:15:02Z".to_owned();
            HashMap::from([(STACK_TAG.to_owned(), stack.to_owned()), (LAST_USED_TAG.to_owned(), at)])
        };
        let url = "https://sqs.us-east-1.amazonaws.com/123456789012/wab-listen-wab-test-ana";
        let found = queue(url, "wab-listen-wab-test-", "wab-test", &tags("wab-test")).unwrap();
        assert_eq!((&*found.name, found.last_used), ("ana", "2026-11-23T09:15:02Z".parse().ok()));
        assert!(queue(url, "wab-listen-wab-", "wab", &tags("wab-test")).is_none());
        assert!(queue(url, "wab-listen-wab-", "wab", &HashMap::new()).is_none());
    }
}
