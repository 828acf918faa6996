//! The CloudFormation template that `wab subscribe --print` prints. Pure.

use std::fmt::Write;

use serde_json::Value;

use super::{DEAD_LETTER_SECONDS, MAX_RECEIVES, Plan};
use wab_events::Kind;

/// A template of the same resources as `wab subscribe` makes.
pub(super) fn template(plan: &Plan) -> String {
    let topics = plan.topics.iter().map(|topic| format!("\"{}\"", topic.arn)).collect::<Vec<_>>().join(", ");
    let mut template = format!(
        r#"AWSTemplateFormatVersion: "2010-09-09"
Description: "A subscriber of wab's events: the queue {name}"

Resources:
  Events:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: {name}
      SqsManagedSseEnabled: true
      RedrivePolicy: {{ deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: {MAX_RECEIVES} }}
  # What the consumer fails on, and what SNS can't deliver.
  DeadLetters:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: {dead_letters}
      SqsManagedSseEnabled: true
      MessageRetentionPeriod: {DEAD_LETTER_SECONDS}
"#,
        name = plan.name,
        dead_letters = plan.dead_letters(),
    );
    for queue in ["Events", "DeadLetters"] {
        template.push_str(&policy(queue, &topics));
    }
    for topic in &plan.topics {
        template.push_str(&subscription(topic.kind, &topic.arn, &topic.filter.clone().into()));
    }
    template
}

fn policy(queue: &str, topics: &str) -> String {
    format!(
        r#"  {queue}Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref {queue}]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {{ Service: sns.amazonaws.com }}
            Action: sqs:SendMessage
            Resource: !GetAtt {queue}.Arn
            Condition: {{ ArnEquals: {{ aws:SourceArn: [{topics}] }} }}
"#
    )
}

fn subscription(kind: Kind, topic_arn: &str, filter: &Value) -> String {
    let name = match kind {
        Kind::Mo => "Mo",
        Kind::Dlr => "Dlr",
    };
    let mut subscription = format!(
        r#"  {name}Subscription:
    Type: AWS::SNS::Subscription
    DependsOn: [EventsPolicy, DeadLettersPolicy] # SNS drops what it may not deliver
    Properties:
      TopicArn: "{topic_arn}"
      Protocol: sqs
      Endpoint: !GetAtt Events.Arn
      RawMessageDelivery: true
      RedrivePolicy: {{ deadLetterTargetArn: !GetAtt DeadLetters.Arn }}
"#
    );
    if filter.as_object().is_some_and(|filter| !filter.is_empty()) {
        // JSON is YAML. A String takes all that is written to it.
        let _ = writeln!(subscription, "      FilterPolicy: {filter}");
    }
    subscription
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subscribe::PlannedTopic;

    /// `make lint` validates the file, and tests/create_time.rs holds it to the rules of the services.
    const GOLDEN: &str = include_str!("../../golden/subscribe.yaml");

    #[test]
    fn template_is_the_validated_one() {
        let topic = |kind, name: &str, filter: Value| PlannedTopic {
            kind,
            arn: format!("arn:aws:sns:us-east-1:123456789012:{name}"),
            filter: filter.as_object().unwrap().clone(),
        };
        let topics =
            vec![topic(Kind::Mo, "mo", json!({"type": ["order", "text"]})), topic(Kind::Dlr, "dlr", json!({}))];
        assert_eq!(template(&Plan { name: "orders".to_owned(), topics }), GOLDEN);
    }
}
