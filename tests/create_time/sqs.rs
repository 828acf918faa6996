//! Amazon SQS: queues and their policies.

use serde_json::Value;

use super::{check, properties, statements, strings, target, within};

/// "SetQueueAttributes" (Amazon SQS API Reference).
#[test]
fn queue_attributes_are_within_their_ranges() {
    let keeps = |template: &Value, queue: &Value| {
        within(template, &queue["MessageRetentionPeriod"], 60..=1_209_600)
            && within(template, &queue["VisibilityTimeout"], 0..=43_200)
            && within(template, &queue["MaximumMessageSize"], 1_024..=1_048_576)
            && within(template, &queue["DelaySeconds"], 0..=900)
            && within(template, &queue["ReceiveMessageWaitTimeSeconds"], 0..=20)
    };
    let bad = [
        "{MessageRetentionPeriod: 1209601}",
        "{VisibilityTimeout: 43201}",
        "{MaximumMessageSize: 2097152}",
        "{DelaySeconds: 901}",
        "{ReceiveMessageWaitTimeSeconds: 21}",
    ];
    check("AWS::SQS::Queue", keeps, &bad);
}

/// "Using dead-letter queues in Amazon SQS": the dead-letter queue has the type of its queue, FIFO or standard.
/// "SetQueueAttributes": at most 1,000 receives.
#[test]
fn queue_redrives_to_a_queue_of_its_kind() {
    let keeps = |template: &Value, queue: &Value| {
        let redrive = &queue["RedrivePolicy"];
        let dead_letters = properties(template, &redrive["deadLetterTargetArn"]);
        redrive.is_null()
            || (within(template, &redrive["maxReceiveCount"], 1..=1_000)
                && dead_letters.is_object()
                && (dead_letters["FifoQueue"] == true) == (queue["FifoQueue"] == true))
    };
    let bad = [
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn, maxReceiveCount: 1001}}",
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn, maxReceiveCount: 0}}",
        "{FifoQueue: true, RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn, maxReceiveCount: 5}}",
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt Missing.Arn, maxReceiveCount: 5}}",
    ];
    check("AWS::SQS::Queue", keeps, &bad);
}

/// "CreateQueue": the name of a FIFO queue, and of no other, ends in `.fifo`. A standard queue has no such attribute:
/// `false` fails with `Unknown Attribute FifoQueue.`
#[test]
fn queue_name_shows_its_kind() {
    let keeps = |_: &Value, queue: &Value| {
        let fifo = queue["FifoQueue"] == true;
        queue["FifoQueue"] != false
            && (fifo || queue["ContentBasedDeduplication"].is_null())
            && queue["QueueName"].as_str().is_none_or(|name| name.len() <= 80 && name.ends_with(".fifo") == fifo)
    };
    let bad = [
        "{QueueName: replies, FifoQueue: true}",
        "{QueueName: replies.fifo}",
        "{FifoQueue: false}",
        "{ContentBasedDeduplication: true}",
    ];
    check("AWS::SQS::Queue", keeps, &bad);
}

/// "Amazon SQS policy quotas": at most 20 statements, 7 actions each, and "Overview of managing access in Amazon SQS":
/// the resource is a queue.
#[test]
fn queue_policy_is_within_its_quotas() {
    let keeps = |_: &Value, policy: &Value| {
        let queues = policy["Queues"].as_array().unwrap();
        let named: Vec<_> = queues.iter().filter_map(target).collect();
        let statements = statements(policy);
        let fits = |statement: &Value| {
            let actions = strings(&statement["Action"]);
            let resource = target(&statement["Resource"]);
            actions.len() <= 7
                && actions.iter().all(|action| action.starts_with("sqs:"))
                && resource.is_some_and(|name| named.contains(&name))
        };
        (1..=20).contains(&statements.len()) && statements.iter().all(fits)
    };
    let bad = [
        "{Queues: [!Ref SpillQueue], PolicyDocument: {Statement: [{Action: 'sns:Publish', Resource: !GetAtt SpillQueue.Arn}]}}",
        "{Queues: [!Ref SpillQueue], PolicyDocument: {Statement: [{Action: 'sqs:*', Resource: !GetAtt DeadLetterQueue.Arn}]}}",
        "{Queues: [!Ref SpillQueue], PolicyDocument: {Statement: [{Action: ['sqs:a','sqs:b','sqs:c','sqs:d','sqs:e','sqs:f','sqs:g','sqs:h'], Resource: !GetAtt SpillQueue.Arn}]}}",
    ];
    check("AWS::SQS::QueuePolicy", keeps, &bad);
}
