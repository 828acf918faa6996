//! `wab subscribe`: makes a subscriber's queue, with everything that docs/subscribing.md asks of one.

pub(crate) mod selection;
mod snippet;

use std::collections::HashMap;
use std::io::Write;

use anyhow::Context;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Serialize;
use serde_json::{Value, json};
use wab_events::Kind;

use self::selection::{Selection, describe, masked};
use crate::aws;
use crate::mask::Mask;
use crate::shell::Shell;
use crate::stack::{
    Consent, FilterPolicy, Queue, QueueAttributes, QueueSubscription, Stack, StackArgs, Topics, queue_policy,
};

/// How often a consumer may fail on a message before it becomes a dead letter.
const MAX_RECEIVES: u32 = 5;

/// The longest that SQS keeps a message: 14 days.
const DEAD_LETTER_SECONDS: u32 = 1_209_600;

const DEAD_LETTERS_SUFFIX: &str = "-dead-letters";

/// Maximum length of a queue's name (SQS quotas).
const MAX_NAME: usize = 80;

/// Exit code if something exists and differs.
const DIFFERS: u8 = 1;

/// Make a queue that receives events
///
/// Makes the queue NAME and its dead-letter queue NAME-dead-letters, and subscribes the queue to the topics: with raw
/// delivery, encryption, the queue policies that SNS needs, and redrive policies on queue and subscription, so that no
/// event is dropped. Prints what the consuming team needs.
///
/// Repeating the command changes nothing. If one of the queues or subscriptions exists with other settings, the
/// differences are printed and nothing is changed. An interrupted run is completed by the next one.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Name of the queue
    #[arg(value_name = "NAME", value_parser = queue_name)]
    name: String,
    /// Events to receive: messages, receipts, or both
    #[arg(long, value_name = "TOPIC")]
    topic: Wanted,
    #[command(flatten)]
    selection: Selection,
    /// Print a CloudFormation template of the same resources, and make nothing
    #[arg(long, conflicts_with = "json")]
    print: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mask: Mask,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab subscribe orders --topic mo --type order
  wab subscribe receipts --topic dlr --status received,rejected,failed,dead,expired
  wab subscribe everything --topic both --stack wab --profile production
  wab subscribe orders --topic mo --type order --print > orders.yaml

Exit codes:
  0  the queue is subscribed, or the template was printed
  1  a queue or subscription exists with other settings: nothing was changed
  2  usage error, or not confirmed
  3  a call to AWS failed: repeat the command to complete it";

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Wanted {
    Mo,
    Dlr,
    Both,
}

impl Wanted {
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Mo => &[Kind::Mo],
            Self::Dlr => &[Kind::Dlr],
            Self::Both => &Kind::ALL,
        }
    }
}

fn queue_name(text: &str) -> Result<String, String> {
    let is_valid = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    let longest = MAX_NAME - DEAD_LETTERS_SUFFIX.len();
    if (1..=longest).contains(&text.len()) && text.chars().all(is_valid) {
        Ok(text.to_owned())
    } else {
        Err(format!("1 to {longest} letters, digits, hyphens and underscores"))
    }
}

/// What is to be there.
struct Plan {
    name: String,
    topics: Vec<PlannedTopic>,
}

struct PlannedTopic {
    kind: Kind,
    arn: String,
    filter: FilterPolicy,
}

impl Plan {
    fn dead_letters(&self) -> String {
        format!("{}{DEAD_LETTERS_SUFFIX}", self.name)
    }

    fn policy(&self, queue_arn: &str) -> String {
        queue_policy(queue_arn, &self.topics.iter().map(|topic| &*topic.arn).collect::<Vec<_>>())
    }
}

/// What is there.
#[derive(Default)]
struct Found {
    queue: Option<Queue>,
    dead_letters: Option<Queue>,
    /// By the ARN of the topic.
    subscriptions: HashMap<String, QueueSubscription>,
    differences: Vec<String>,
    is_complete: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    queue: QueueReport,
    dead_letters: QueueReport,
    subscriptions: Vec<SubscriptionReport>,
    /// What the consumer's role must be allowed.
    consumer_policy: Value,
}

#[derive(Serialize)]
struct QueueReport {
    name: String,
    url: String,
    arn: String,
    /// Whether it was made just now.
    made: bool,
}

#[derive(Serialize)]
struct SubscriptionReport {
    kind: Kind,
    topic_arn: String,
    arn: String,
    filter: FilterPolicy,
    made: bool,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let policies = args.selection.policies(Some(args.topic.kinds()))?;
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let topics = policies.into_iter().map(|(kind, filter)| {
            let arn = match kind {
                Kind::Mo => stack.resources.mo_topic_arn.clone(),
                Kind::Dlr => stack.resources.dlr_topic_arn.clone(),
            };
            PlannedTopic { kind, arn, filter }
        });
        let plan = Plan { name: args.name.clone(), topics: topics.collect() };
        if args.print {
            shell.out.write_all(snippet::template(&plan).as_bytes())?;
            return Ok(0);
        }
        let found = examine(&stack, &plan, args.mask).await?;
        if !found.differences.is_empty() {
            writeln!(shell.err, "something of this name exists with other settings; nothing was changed:")?;
            for difference in &found.differences {
                writeln!(shell.err, "  {difference}")?;
            }
            return Ok(DIFFERS);
        }
        if !found.is_complete {
            let action = format!("make the queues {} and {}, and subscribe", plan.name, plan.dead_letters());
            stack.confirm(&action, args.consent, shell)?;
        }
        let report = complete(&stack, &plan, found).await?;
        if args.json {
            serde_json::to_writer_pretty(&mut shell.out, &report.masked(args.mask))?;
            writeln!(shell.out)?;
        } else {
            report.show(args.mask, &mut shell.out)?;
        }
        Ok(0)
    })
}

/// Looks at what is there, and changes nothing.
async fn examine(stack: &Stack, plan: &Plan, mask: Mask) -> anyhow::Result<Found> {
    let mut found = Found {
        queue: Queue::find(&stack.sdk, &plan.name).await?,
        dead_letters: Queue::find(&stack.sdk, &plan.dead_letters()).await?,
        ..Found::default()
    };
    let mut is_complete = found.queue.is_some() && found.dead_letters.is_some();
    let dead_letters_arn = found.dead_letters.as_ref().map(|queue| queue.arn.clone());
    for (queue, name) in [(&found.queue, plan.name.clone()), (&found.dead_letters, plan.dead_letters())] {
        let Some(queue) = queue else { continue };
        let attributes = queue.attributes().await?;
        let object = |name| -> Option<Value> { serde_json::from_str(attributes.get(&name)?).ok() };
        match object(QueueAttributeName::Policy) {
            None => is_complete = false,
            Some(policy) => {
                if serde_json::from_str::<Value>(&plan.policy(&queue.arn)).ok() != Some(policy) {
                    found
                        .differences
                        .push(format!("the policy of the queue {name} isn't the one that SNS needs for these topics"));
                }
            }
        }
        if name == plan.name {
            match object(QueueAttributeName::RedrivePolicy) {
                None => is_complete = false,
                Some(redrive) => {
                    if redrive.get("deadLetterTargetArn").and_then(Value::as_str) != dead_letters_arn.as_deref() {
                        found.differences.push(format!("the queue {name} has another dead-letter queue"));
                    }
                }
            }
        }
    }
    if let Some(queue) = &found.queue {
        let topics = Topics::new(&stack.sdk);
        let resources = &stack.resources;
        for (kind, arn) in Kind::ALL.into_iter().zip([&resources.mo_topic_arn, &resources.dlr_topic_arn]) {
            let subscription = topics.find(arn, &queue.arn).await?;
            let planned = plan.topics.iter().find(|topic| topic.kind == kind);
            match (subscription, planned) {
                (Some(subscription), Some(planned)) => {
                    found.differences.extend(differences(&subscription, planned, dead_letters_arn.as_deref(), mask));
                    found.subscriptions.insert(arn.clone(), subscription);
                }
                (Some(_), None) => {
                    found.differences.push(format!("the queue is also subscribed to the topic {}", kind.as_str()))
                }
                (None, Some(_)) => is_complete = false,
                (None, None) => {}
            }
        }
    }
    found.is_complete = is_complete;
    Ok(found)
}

fn differences(
    subscription: &QueueSubscription,
    planned: &PlannedTopic,
    dead_letters_arn: Option<&str>,
    mask: Mask,
) -> Vec<String> {
    let topic = planned.kind.as_str();
    let mut differences = Vec::new();
    if subscription.filter != planned.filter {
        let [there, wanted] = [&subscription.filter, &planned.filter].map(|filter| describe(filter, mask));
        differences.push(format!("the subscription to {topic} filters by: {there}; wanted: {wanted}"));
    }
    if !subscription.is_raw {
        differences.push(format!("the subscription to {topic} delivers SNS's envelope, not the event alone"));
    }
    if subscription.dead_letter_arn.as_deref() != dead_letters_arn {
        differences.push(format!("the subscription to {topic} has no dead-letter queue, or another one"));
    }
    differences
}

/// Makes what is missing.
async fn complete(stack: &Stack, plan: &Plan, found: Found) -> anyhow::Result<Report> {
    let encrypted = || QueueAttributes::from([(QueueAttributeName::SqsManagedSseEnabled, true.to_string())]);
    let (dead_letters, dead_letters_made) = match found.dead_letters {
        Some(queue) => (queue, false),
        None => {
            let mut attributes = encrypted();
            attributes.insert(QueueAttributeName::MessageRetentionPeriod, DEAD_LETTER_SECONDS.to_string());
            (Queue::create(&stack.sdk, &plan.dead_letters(), attributes, HashMap::new()).await?, true)
        }
    };
    let (queue, queue_made) = match found.queue {
        Some(queue) => (queue, false),
        None => (Queue::create(&stack.sdk, &plan.name, encrypted(), HashMap::new()).await?, true),
    };
    let mut subscriptions = Vec::new();
    if !found.is_complete {
        for queue in [&dead_letters, &queue] {
            queue.set_attribute(QueueAttributeName::Policy, plan.policy(&queue.arn)).await?;
        }
        let redrive = json!({"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": MAX_RECEIVES});
        queue.set_attribute(QueueAttributeName::RedrivePolicy, redrive.to_string()).await?;
    }
    let topics = Topics::new(&stack.sdk);
    for PlannedTopic { kind, arn, filter } in &plan.topics {
        let (subscription, made) = match found.subscriptions.get(arn) {
            Some(subscription) => (subscription.clone(), false),
            None => {
                let wanted = QueueSubscription {
                    filter: filter.clone(),
                    is_raw: true,
                    dead_letter_arn: Some(dead_letters.arn.clone()),
                    ..QueueSubscription::default()
                };
                (topics.subscribe(arn, &queue.arn, &wanted).await?, true)
            }
        };
        subscriptions.push(SubscriptionReport {
            kind: *kind,
            topic_arn: arn.clone(),
            arn: subscription.arn,
            filter: filter.clone(),
            made,
        });
    }
    let consumer_policy = consumer_policy(&queue.arn);
    let report = |name: String, queue: Queue, made| QueueReport { name, url: queue.url, arn: queue.arn, made };
    Ok(Report {
        dead_letters: report(plan.dead_letters(), dead_letters, dead_letters_made),
        queue: report(plan.name.clone(), queue, queue_made),
        subscriptions,
        consumer_policy,
    })
}

fn consumer_policy(queue_arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
            "Resource": queue_arn,
        }],
    })
}

impl Report {
    /// The same, in which the numbers of the filters are masked.
    fn masked(mut self, mask: Mask) -> Self {
        for subscription in &mut self.subscriptions {
            subscription.filter = masked(&subscription.filter, mask);
        }
        self
    }

    fn show(&self, mask: Mask, out: &mut dyn Write) -> anyhow::Result<()> {
        let made = |made: bool| if made { "made" } else { "exists" };
        for (what, queue) in [("queue", &self.queue), ("dead-letter queue", &self.dead_letters)] {
            writeln!(out, "{what} {} ({})\n  {}\n  {}", queue.name, made(queue.made), queue.url, queue.arn)?;
        }
        for subscription in &self.subscriptions {
            let filter = describe(&subscription.filter, mask);
            writeln!(out, "subscribed to {} ({}): {filter}", subscription.kind.as_str(), made(subscription.made))?;
        }
        writeln!(out, "\nRead it:\n  aws sqs receive-message --queue-url {} --wait-time-seconds 20", self.queue.url)?;
        let policy = serde_json::to_string_pretty(&self.consumer_policy).context("a policy is JSON")?;
        writeln!(out, "\nThe consumer's role needs:\n{policy}")?;
        writeln!(
            out,
            "\nEach message is one event. Delivery is at least once and unordered: deduplicate by the event's id.\n\
             What fails {MAX_RECEIVES} times, or can't be delivered, is kept in the dead-letter queue for 14 days."
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_names_leave_room_for_the_suffix() {
        assert!(queue_name("orders_2").is_ok() && queue_name(&"a".repeat(67)).is_ok());
        for name in ["", "a.fifo", "a b", &"a".repeat(68)] {
            assert!(queue_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn each_difference_of_a_subscription_is_named() {
        let planned = PlannedTopic { kind: Kind::Mo, arn: "mo".to_owned(), filter: FilterPolicy::new() };
        let same =
            QueueSubscription { is_raw: true, dead_letter_arn: Some("d".to_owned()), ..QueueSubscription::default() };
        assert!(differences(&same, &planned, Some("d"), Mask::default()).is_empty());
        assert_eq!(differences(&same, &planned, None, Mask::default()).len(), 1);
        assert_eq!(
            differences(&QueueSubscription { is_raw: false, ..same.clone() }, &planned, Some("d"), Mask::default())
                .len(),
            1
        );
        let filter = json!({"type": ["text"]}).as_object().unwrap().clone();
        let [difference] =
            &differences(&QueueSubscription { filter, ..same }, &planned, Some("d"), Mask::default())[..]
        else {
            panic!("one")
        };
        assert_eq!(difference, "the subscription to mo filters by: type text; wanted: all");
    }
}
