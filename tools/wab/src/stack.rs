//! A deployed stack as its clients see it.

mod file;

use serde_json::json;

pub use self::file::StackFile;
#[cfg(test)]
pub(crate) use self::file::example;

/// The policy that lets SNS send from these topics to a queue, as SQS takes it.
#[must_use]
pub fn queue_policy(queue_arn: &str, topic_arns: &[&str]) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arns}},
        }],
    })
    .to_string()
}
