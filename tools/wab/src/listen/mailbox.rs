//! A listener's own queue: made once, subscribed to the topics that it needs, and found again by its name.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use wab_events::Kind;

use super::feed::HIDDEN;
use crate::aws::Unavailable;
use crate::stack::{FilterPolicy, Queue, QueueMessage, QueueSubscription, Stack, Topics, queue_policy};

/// How long the queue keeps events for a listener that isn't running.
pub(super) const RETENTION_DAYS: u64 = 4;

/// Maximum length of a queue's name (SQS quotas).
const MAX_NAME: usize = 80;

/// By which `wab doctor` finds queues of listeners that nobody runs any more.
const LISTENER_TAG: &str = "wab:listen";
const LAST_USED_TAG: &str = "wab:last-used";

/// SNS confirms a queue of the same account at once.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);

/// The name of a listener's queue.
pub(crate) fn queue_name(stack: &str, listener: &str) -> String {
    let mut name = format!("wab-listen-{stack}-{listener}");
    if name.len() > MAX_NAME {
        let digest = Sha256::digest(&name);
        let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        // A stack's name is ASCII, and so is a listener's.
        name.truncate(MAX_NAME - mark.len() - 1);
        name = format!("{name}-{mark}");
    }
    name
}

/// What a listener is connected to.
#[derive(Serialize)]
pub(crate) struct Connected {
    pub(crate) queue: String,
    /// Whether the queue was made just now.
    pub(crate) is_new: bool,
    pub(crate) topics: Vec<Topic>,
    /// Topics that the listener was subscribed to and no longer needs.
    pub(crate) left: Vec<Kind>,
    /// The approximate number of events that arrived while nobody listened.
    pub(crate) waiting: u64,
    /// When the connection was made, by the clock of SQS.
    pub(crate) since: Timestamp,
}

#[derive(Serialize)]
pub(crate) struct Topic {
    pub(crate) kind: Kind,
    pub(crate) arn: String,
    pub(crate) subscription_arn: String,
    pub(crate) filter: FilterPolicy,
    pub(crate) change: Change,
}

/// What was done about a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    Made,
    /// The filter policy was replaced.
    Changed,
    Kept,
}

/// A listener's queue, subscribed and read once.
pub(crate) struct Mailbox {
    pub(crate) queue: Queue,
    /// What the first receive returned.
    pub(crate) first: Vec<QueueMessage>,
    pub(crate) connected: Connected,
}

/// Connects the listener's queue, which is made if there is none: subscribes it to the topics of `wanted`, with their
/// filter policies, and unsubscribes it from others. Returns once every subscription is confirmed and
/// the queue was read.
pub(crate) async fn connect(
    stack: &Stack,
    name: &str,
    existing: Option<Queue>,
    wanted: &[(Kind, FilterPolicy)],
) -> anyhow::Result<Mailbox> {
    let is_new = existing.is_none();
    let queue = match existing {
        Some(queue) => queue,
        None => make(stack, name).await?,
    };
    // Also on every later start, because the policy may have been changed by hand. Setting it dates the connection.
    let topic_arns = Kind::ALL.map(|kind| topic_arn(stack, kind));
    queue.set_attribute(QueueAttributeName::Policy, queue_policy(&queue.arn, &topic_arns)).await?;
    let topics = Topics::new(&stack.sdk);
    let mut connected = Vec::new();
    let mut left = Vec::new();
    for kind in Kind::ALL {
        let found = topics.find(topic_arn(stack, kind), &queue.arn).await?;
        let wanted = wanted.iter().find(|(wanted, _)| *wanted == kind);
        match (found, wanted) {
            (found, Some((_, filter))) => {
                let (subscription, change) = subscribe(stack, kind, &queue, &topics, found, filter).await?;
                connected.push(Topic {
                    kind,
                    arn: topic_arn(stack, kind).to_owned(),
                    subscription_arn: subscription.arn,
                    filter: filter.clone(),
                    change,
                });
            }
            (Some(found), None) => {
                topics.unsubscribe(&found.arn).await?;
                left.push(kind);
            }
            (None, None) => {}
        }
    }
    queue.tag(LAST_USED_TAG, Timestamp::now().to_string()).await?;
    let attributes = queue.attributes().await?;
    let number = |name| attributes.get(&name).and_then(|number| number.parse::<i64>().ok());
    let waiting = number(QueueAttributeName::ApproximateNumberOfMessages).unwrap_or(0);
    let since = number(QueueAttributeName::LastModifiedTimestamp).unwrap_or(0);
    let first = queue.receive(Duration::ZERO, HIDDEN).await?;
    let connected = Connected {
        queue: name.to_owned(),
        is_new,
        topics: connected,
        left,
        waiting: u64::try_from(waiting)?,
        since: Timestamp::from_second(since)?,
    };
    Ok(Mailbox { queue, first, connected })
}

async fn make(stack: &Stack, name: &str) -> Result<Queue, Unavailable> {
    let attributes = HashMap::from([
        (QueueAttributeName::MessageRetentionPeriod, (RETENTION_DAYS * 24 * 3600).to_string()),
        (QueueAttributeName::SqsManagedSseEnabled, true.to_string()),
    ]);
    let tags = HashMap::from([
        (LISTENER_TAG.to_owned(), stack.resources.stack_name.clone()),
        (LAST_USED_TAG.to_owned(), Timestamp::now().to_string()),
    ]);
    Queue::create(&stack.sdk, name, attributes, tags).await
}

/// Subscribes the queue to a topic, or replaces the filter policy of its subscription.
///
/// Without raw delivery, so that a forwarded envelope is SNS's own, with its signature. Without a redrive policy: what
/// can't be delivered to a listener's queue, because that was deleted, is wanted by nobody.
async fn subscribe(
    stack: &Stack,
    kind: Kind,
    queue: &Queue,
    topics: &Topics,
    found: Option<QueueSubscription>,
    filter: &FilterPolicy,
) -> anyhow::Result<(QueueSubscription, Change)> {
    let (mut subscription, change) = match found {
        None => {
            let wanted = QueueSubscription { filter: filter.clone(), ..QueueSubscription::default() };
            (topics.subscribe(topic_arn(stack, kind), &queue.arn, &wanted).await?, Change::Made)
        }
        Some(found) if found.filter != *filter => {
            topics.set_filter(&found.arn, filter).await?;
            (found, Change::Changed)
        }
        Some(found) => (found, Change::Kept),
    };
    let give_up = tokio::time::Instant::now() + CONFIRMED_WITHIN;
    while subscription.is_pending {
        ensure!(tokio::time::Instant::now() < give_up, "SNS doesn't confirm the subscription to the topic {kind:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let found = topics.find(topic_arn(stack, kind), &queue.arn).await?;
        subscription = found.context("the subscription was removed while it was being confirmed")?;
    }
    Ok((subscription, change))
}

/// Unsubscribes and deletes a listener's queue.
pub(crate) async fn remove(stack: &Stack, queue: &Queue) -> anyhow::Result<()> {
    let topics = Topics::new(&stack.sdk);
    for kind in Kind::ALL {
        if let Some(found) = topics.find(topic_arn(stack, kind), &queue.arn).await? {
            topics.unsubscribe(&found.arn).await?;
        }
    }
    Ok(queue.remove().await?)
}

/// Notes that the listener ran until now.
pub(super) async fn note_use(queue: &Queue) -> Result<(), Unavailable> {
    queue.tag(LAST_USED_TAG, Timestamp::now().to_string()).await
}

fn topic_arn(stack: &Stack, kind: Kind) -> &str {
    match kind {
        Kind::Mo => &stack.resources.mo_topic_arn,
        Kind::Dlr => &stack.resources.dlr_topic_arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_names_fit_and_differ() {
        assert_eq!(queue_name("wab", "ana-laptop"), "wab-listen-wab-ana-laptop");
        let long = "s".repeat(128);
        let (one, other) = (queue_name(&long, "ana"), queue_name(&long, "ben"));
        assert!(one.len() == MAX_NAME && other.len() == MAX_NAME && one != other, "{one} {other}");
    }
}
