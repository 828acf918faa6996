//! Amazon SNS: topic policies and subscriptions.

use serde_json::Value;

use super::{check, statements, strings, target};

/// "Amazon SNS API permissions: Actions and resources reference": a topic's policy covers that topic. More than one
/// fail with `Policy statement must apply to a single resource!`.
#[test]
fn topic_policy_covers_one_topic() {
    let keeps = |_: &Value, policy: &Value| {
        let topics = policy["Topics"].as_array().unwrap();
        topics.len() == 1 && statements(policy).iter().all(|statement| statement["Resource"] == topics[0])
    };
    let bad = [
        "{Topics: [!Ref MoTopic, !Ref DlrTopic], PolicyDocument: {Statement: [{Resource: !Ref MoTopic}]}}",
        "{Topics: [!Ref MoTopic], PolicyDocument: {Statement: [{Resource: [!Ref MoTopic, !Ref DlrTopic]}]}}",
        "{Topics: [!Ref MoTopic], PolicyDocument: {Statement: [{Resource: !Ref DlrTopic}]}}",
        "{Topics: [!Ref MoTopic], PolicyDocument: {Statement: [{Resource: '*'}]}}",
    ];
    check("AWS::SNS::TopicPolicy", keeps, &bad);
}

/// The same page: only topic actions. Others fail with `Policy statement action out of service scope!`.
#[test]
fn topic_policy_takes_only_topic_actions() {
    const ACTIONS: [&str; 11] = [
        "sns:AddPermission",
        "sns:DeleteTopic",
        "sns:GetDataProtectionPolicy",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTagsForResource",
        "sns:Publish",
        "sns:PutDataProtectionPolicy",
        "sns:RemovePermission",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
    ];
    let keeps = |_: &Value, policy: &Value| {
        let actions = statements(policy).into_iter().flat_map(|statement| strings(&statement["Action"]));
        actions.into_iter().all(|action| ACTIONS.contains(&action.as_str()))
    };
    let with = |action: &str| format!("{{PolicyDocument: {{Statement: [{{Action: {action}}}]}}}}");
    let bad = ["'sns:*'", "'*'", "sns:ListTopics", "[sns:Publish, sns:Unsubscribe]"].map(with);
    check("AWS::SNS::TopicPolicy", keeps, &bad.each_ref().map(String::as_str));
}

/// "Amazon SNS subscription filter policies": at most 5 attributes and 150 combinations of their values.
#[test]
fn filter_policy_is_small_enough() {
    let keeps = |_: &Value, subscription: &Value| {
        let Some(policy) = subscription["FilterPolicy"].as_object() else {
            return subscription["FilterPolicy"].is_null();
        };
        let combinations: usize = policy.values().map(|values| values.as_array().map_or(0, Vec::len)).product();
        policy.len() <= 5 && (1..=150).contains(&combinations)
    };
    let bad = [
        "{FilterPolicy: {a: [1], b: [1], c: [1], d: [1], e: [1], f: [1]}}",
        "{FilterPolicy: {type: text}}",
        "{FilterPolicy: {a: [1,2,3,4,5,6], b: [1,2,3,4,5,6], c: [1,2,3,4,5,6]}}",
    ];
    check("AWS::SNS::Subscription", keeps, &bad);
}

/// "Amazon SNS dead-letter queues": the target is a queue of the topic's type, standard or FIFO, in the same region.
#[test]
fn subscription_redrives_to_a_queue_of_the_topics_type() {
    let keeps = |template: &Value, subscription: &Value| {
        let redrive = &subscription["RedrivePolicy"];
        redrive.is_null()
            || target(&redrive["deadLetterTargetArn"]).is_some_and(|name| {
                let queue = &template["Resources"][name];
                let is_fifo = subscription["TopicArn"].to_string().contains("Fifo");
                queue["Type"] == "AWS::SQS::Queue" && (queue["Properties"]["FifoQueue"] == true) == is_fifo
            })
    };
    let bad = [
        "{RedrivePolicy: {deadLetterTargetArn: !Ref MoTopic}}",
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt Missing.Arn}}",
        "{RedrivePolicy: {}}",
        "{TopicArn: !Ref MoFifoTopic, RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn}}",
    ];
    check("AWS::SNS::Subscription", keeps, &bad);
}
