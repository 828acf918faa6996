//! The running stack: its functions' configuration, its table, and queues where events arrive.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};
use serde_json::Value;
use wab::stack::{StackFile, queue_policy};
use wab_events::Kind;
use wab_models::Digest;

use crate::account::{Arrival, Key, StoredItem};
use crate::lock::lock;

/// Time limit for a change of a function's configuration.
const CONFIGURE_TIMEOUT: Duration = Duration::from_secs(30);

/// A function's environment variables.
pub(crate) type Variables = HashMap<String, String>;

/// The stack, with an administrator's clients.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) file: StackFile,
    dynamodb: aws_sdk_dynamodb::Client,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    lambda: aws_sdk_lambda::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
}

impl Stack {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = StackFile::read(path)?;
        let sdk = file.sdk_config();
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            sns: aws_sdk_sns::Client::new(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            lambda: aws_sdk_lambda::Client::new(&sdk),
            logs: aws_sdk_cloudwatchlogs::Client::new(&sdk),
            file,
        })
    }

    /// An `Authorization` header of the emulator's administrator, whose signatures it doesn't check.
    pub(crate) fn administrator(&self) -> String {
        let StackFile { access_key_id, region, .. } = &self.file;
        format!(
            "AWS4-HMAC-SHA256 Credential={access_key_id}/20260101/{region}/sns/aws4_request, SignedHeaders=host, Signature=00"
        )
    }

    /// The functions that call AWS through the proxies.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        let StackFile { mo_function, dlr_function, fanout_function, recover_function, .. } = &self.file;
        [mo_function, dlr_function, fanout_function, recover_function].into_iter().map(String::as_str)
    }

    pub(crate) async fn variables(&self, function: &str) -> anyhow::Result<Variables> {
        let got = self.lambda.get_function_configuration().function_name(function).send().await;
        let environment = got.with_context(|| format!("cannot read the configuration of {function}"))?.environment;
        Ok(environment.and_then(|environment| environment.variables).unwrap_or_default())
    }

    /// Replaces a function's environment variables, and waits until the change is effective.
    pub(crate) async fn configure(&self, function: &str, variables: Variables) -> anyhow::Result<()> {
        let environment = Environment::builder().set_variables(Some(variables)).build();
        let update = self.lambda.update_function_configuration().function_name(function).environment(environment);
        update.send().await.with_context(|| format!("cannot configure {function}"))?;
        let configured = async {
            loop {
                let got = self.lambda.get_function_configuration().function_name(function).send().await?;
                match got.last_update_status {
                    Some(LastUpdateStatus::InProgress) => tokio::time::sleep(Duration::from_millis(50)).await,
                    Some(LastUpdateStatus::Failed) => bail!("{function} rejects its configuration"),
                    _ => return Ok(()),
                }
            }
        };
        tokio::time::timeout(CONFIGURE_TIMEOUT, configured)
            .await
            .with_context(|| format!("the configuration of {function} takes too long"))?
    }

    /// The events in the table whose ids begin with `prefix`.
    pub(crate) async fn items(&self, prefix: &str) -> anyhow::Result<Vec<StoredItem>> {
        let scan = self.dynamodb.scan().table_name(&self.file.table).consistent_read(true);
        let scan = scan
            .filter_expression("contains(pk, :prefix)")
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .projection_expression("pk, sk, #digest, body, body_key")
            .expression_attribute_names("#digest", "digest");
        let mut items = Vec::new();
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            for item in page.context("cannot read the table")?.items.unwrap_or_default() {
                items.extend(stored(&item, prefix)?);
            }
        }
        Ok(items)
    }

    /// The lines that were written to any log group since `since`: those of the functions and of the API.
    pub(crate) async fn log_lines(&self, since: SystemTime) -> anyhow::Result<Vec<String>> {
        let since = i64::try_from(since.duration_since(UNIX_EPOCH)?.as_millis())?;
        let mut groups = self.logs.describe_log_groups().into_paginator().items().send();
        let mut lines = Vec::new();
        while let Some(group) = groups.next().await {
            let name =
                group.context("cannot read the log groups")?.log_group_name.context("a log group has no name")?;
            let filter = self.logs.filter_log_events().log_group_name(&name).start_time(since);
            let mut pages = filter.into_paginator().send();
            while let Some(page) = pages.next().await {
                let events = page.with_context(|| format!("cannot read the lines of {name}"))?.events;
                lines.extend(events.unwrap_or_default().into_iter().filter_map(|event| event.message));
            }
        }
        Ok(lines)
    }

    /// The number of events in the spill queue.
    pub(crate) async fn spilled(&self) -> anyhow::Result<usize> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self.sqs.get_queue_attributes().queue_url(&self.file.spill_queue_url);
        let got = get
            .set_attribute_names(Some(counts.to_vec()))
            .send()
            .await
            .context("cannot count the spill queue's messages")?;
        let attributes = got.attributes.unwrap_or_default();
        let mut waiting = 0;
        for count in &counts {
            waiting += attributes.get(count).context("the queue reports no number of messages")?.parse::<usize>()?;
        }
        Ok(waiting)
    }

    /// Subscribes a new queue to topics with raw delivery; a FIFO queue if its name ends with `.fifo`. A task empties the
    /// queue as messages arrive.
    pub(crate) async fn subscribe(&self, name: &str, topics: &[&str]) -> anyhow::Result<Subscriber> {
        let mut create = self.sqs.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            create = create.attributes(QueueAttributeName::FifoQueue, "true");
        }
        let queue = create.send().await?;
        let url = queue.queue_url.context("the new queue has no URL")?;
        let get = self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let attributes = get.send().await?.attributes.unwrap_or_default();
        let arn = attributes.get(&QueueAttributeName::QueueArn).context("the new queue has no ARN")?;
        let policy = queue_policy(arn, topics);
        let set = self.sqs.set_queue_attributes().queue_url(&url);
        set.attributes(QueueAttributeName::Policy, policy).send().await?;
        let mut subscriptions = Vec::new();
        for topic in topics {
            let subscription = self.sns.subscribe().topic_arn(*topic).protocol("sqs").endpoint(arn);
            let subscribed = subscription.attributes("RawMessageDelivery", "true").send().await?;
            subscriptions.extend(subscribed.subscription_arn);
        }
        Ok(Subscriber { subscriptions, ..self.read_queue(&url) })
    }

    /// A subscriber that something else sends to.
    pub(crate) fn read_queue(&self, url: &str) -> Subscriber {
        let arrived = Arc::default();
        let draining = tokio::spawn(drain(self.sqs.clone(), url.to_owned(), Arc::clone(&arrived)));
        Subscriber { stack: self.clone(), url: url.to_owned(), subscriptions: Vec::new(), arrived, draining }
    }
}

fn stored(item: &HashMap<String, AttributeValue>, prefix: &str) -> anyhow::Result<Option<StoredItem>> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
    let (pk, sk) = text("pk").zip(text("sk")).context("an item has no keys")?;
    if !pk.split_once('#').is_some_and(|(_, id)| id.starts_with(prefix)) {
        return Ok(None);
    }
    let noted = text("digest").context("an item has no digest")?;
    // Computed from the body if the table has it. For a body in the bucket, the stored digest has to do.
    let digest = match (text("body_key"), text("body")) {
        (None, Some(body)) => Digest::of(body).as_str().to_owned(),
        _ => noted.to_owned(),
    };
    Ok(StoredItem::read(pk, sk, digest))
}

/// A queue where events arrive.
#[derive(Debug)]
pub(crate) struct Subscriber {
    stack: Stack,
    url: String,
    subscriptions: Vec<String>,
    arrived: Arc<Mutex<Inbox>>,
    draining: tokio::task::JoinHandle<()>,
}

/// Arrived events by run, that is, by the prefix of their ids.
#[derive(Debug, Default)]
struct Inbox {
    runs: BTreeMap<String, Vec<Arrival>>,
    /// Messages that are not events.
    invalid: usize,
}

impl Inbox {
    fn take(&mut self, arrival: Option<Arrival>) {
        match arrival {
            Some(arrival) => self.runs.entry(run_of(arrival.key.id())).or_default().push(arrival),
            None => self.invalid += 1,
        }
    }
}

impl Subscriber {
    pub(crate) fn arrivals(&self, prefix: &str) -> Vec<Arrival> {
        lock(&self.arrived).runs.get(prefix).cloned().unwrap_or_default()
    }

    pub(crate) fn count(&self, prefix: &str) -> usize {
        lock(&self.arrived).runs.get(prefix).map_or(0, Vec::len)
    }

    /// Unsubscribes and deletes the queue.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.draining.abort();
        for subscription in &self.subscriptions {
            self.stack.sns.unsubscribe().subscription_arn(subscription).send().await?;
        }
        self.stack.sqs.delete_queue().queue_url(&self.url).send().await?;
        let invalid = lock(&self.arrived).invalid;
        ensure!(invalid == 0, "{invalid} messages at the subscriber were not events");
        Ok(())
    }
}

/// Empties the queue until the task is aborted.
async fn drain(sqs: aws_sdk_sqs::Client, url: String, arrived: Arc<Mutex<Inbox>>) {
    loop {
        let receive = sqs.receive_message().queue_url(&url).max_number_of_messages(10).wait_time_seconds(1);
        let Ok(got) = receive.send().await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let messages = got.messages.unwrap_or_default();
        if messages.is_empty() {
            continue;
        }
        let done = messages.iter().enumerate().filter_map(|(number, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            entry.set_receipt_handle(message.receipt_handle.clone()).build().ok()
        });
        let delete = sqs.delete_message_batch().queue_url(&url).set_entries(Some(done.collect()));
        for message in &messages {
            lock(&arrived).take(message.body.as_deref().and_then(read));
        }
        // A message that stays in the queue is received again, and would count as another delivery.
        for _ in 0..5 {
            if delete.clone().send().await.is_ok() {
                break;
            }
        }
    }
}

/// The prefix of an id: all up to its second hyphen.
fn run_of(id: &str) -> String {
    id.match_indices('-').nth(1).and_then(|(at, _)| id.get(..=at)).unwrap_or(id).to_owned()
}

/// Parses a message as an event, alone or as the detail of an event of EventBridge.
fn read(message: &str) -> Option<Arrival> {
    let message: Value = serde_json::from_str(message).ok()?;
    let event = message.get("detail").unwrap_or(&message);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let data = event.get("data");
    let id = text(event.get("subject"))?;
    let key = match Kind::of_schema(event.get("type")?.as_str()?)? {
        Kind::Mo => Key::mo(&id),
        Kind::Dlr => Key::dlr(&id, &text(data?.get("status"))?),
    };
    Some(Arrival {
        event_id: text(event.get("id"))?,
        key,
        variant: text(event.get("variant")),
        marker: text(data.and_then(|data| data.get("reference"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_is_the_prefix_of_an_id() {
        assert_eq!(run_of("c3f0-7-mo-12"), "c3f0-7-");
        assert_eq!(run_of("a-b"), "a-b");
    }

    #[test]
    fn message_is_read_as_its_event() {
        let arrival = read(
            r#"{"id":"e","type":"wab.dlr.v1","subject":"a","variant":"0123456789ab",
                "data":{"id":"a","status":"sent","reference":"m"}}"#,
        );
        let arrival = arrival.unwrap();
        assert_eq!((arrival.event_id.as_str(), arrival.key), ("e", Key::dlr("a", "sent")));
        assert_eq!((arrival.variant.as_deref(), arrival.marker.as_deref()), (Some("0123456789ab"), Some("m")));

        let large = read(r#"{"id":"e","type":"wab.mo.v1","subject":"a","dataref":"arn:…"}"#).unwrap();
        assert_eq!((large.key, large.variant, large.marker), (Key::mo("a"), None, None));
        let on_the_bus = read(r#"{"source":"wab","detail":{"id":"e","type":"wab.mo.v1","subject":"a"}}"#).unwrap();
        assert_eq!(on_the_bus.key, Key::mo("a"));
        assert!(read(r#"{"id":"e","type":"else","subject":"a"}"#).is_none());
        assert!(read("no event").is_none());
    }
}
