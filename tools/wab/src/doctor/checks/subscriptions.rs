//! The subscriptions of the topics: confirmed, with a dead-letter queue, to something that exists, and with a filter
//! policy that can match.

use serde_json::Value;

use super::{Facts, Found, or_ok};
use crate::doctor::Finding;
use crate::health::Commands;
use crate::mask::printable;
use crate::stack::{Endpoint, Subscription, Subscriptions, is_listen_queue};

/// The message attributes that filter policies match (docs/subscribing.md, "Attributes for filter policies").
const ATTRIBUTES: [&str; 8] = ["kind", "schema", "application", "type", "source", "destination", "status", "replay"];

const CHECK: &str = "subscriptions";
const SEE: &str = "subscribing.md, Subscribe";

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let resources = &facts.stack.resources;
    let mut findings = Vec::new();
    let mut count = 0;
    let subscriptions = Subscriptions::new(&facts.stack.sdk);
    let fifo_topics = resources.fifo_topic_arns.iter().map(|arn| (arn.rsplit(':').next().unwrap_or(arn), arn));
    let topics = [("mo", &resources.mo_topic_arn), ("dlr", &resources.dlr_topic_arn)];
    for (kind, topic) in topics.into_iter().chain(fifo_topics) {
        for subscription in subscriptions.of_topic(topic).await? {
            count += 1;
            let endpoint = subscriptions.endpoint(topic, &subscription.protocol, &subscription.endpoint).await?;
            let dead_letters = match &subscription.dead_letter_queue {
                Some(arn) => Some(subscriptions.endpoint(topic, "sqs", arn).await?),
                None => None,
            };
            findings.extend(judge(kind, &subscription, endpoint, dead_letters, &facts.commands));
        }
    }
    let what = if count == 0 { "there is none".to_owned() } else { format!("{count}, all as they should be") };
    Ok(or_ok(findings, CHECK, what))
}

/// The endpoint as it may be shown: a URL may hold a password, and an SMS number or an address is a person's.
fn endpoint_name(subscription: &Subscription) -> String {
    let name = match subscription.protocol.as_str() {
        "sqs" | "lambda" | "firehose" | "application" => subscription.endpoint.rsplit(':').next().map(str::to_owned),
        "http" | "https" => {
            url::Url::parse(&subscription.endpoint).ok().and_then(|url| url.host_str().map(str::to_owned))
        }
        _ => None,
    };
    printable(&name.unwrap_or_else(|| format!("{} endpoint", subscription.protocol))).into_owned()
}

fn judge(
    kind: &str,
    subscription: &Subscription,
    endpoint: Endpoint,
    dead_letters: Option<Endpoint>,
    commands: &Commands,
) -> Vec<Finding> {
    let name = endpoint_name(subscription);
    let named = |what: &str| format!("{name} on topic {kind} {what}");
    let Some(arn) = &subscription.arn else {
        // SNS deletes it after two days, and has no call that does so earlier.
        let what = named("isn't confirmed, and gets nothing: its endpoint must answer SNS's request");
        return vec![Finding::warning(CHECK, what).see(SEE)];
    };
    let unsubscribe = || commands.aws(&format!("sns unsubscribe --subscription-arn {arn}"));
    let set = |name: &str, value: &str| {
        let set = "sns set-subscription-attributes --subscription-arn";
        commands.aws(&format!("{set} {arn} --attribute-name {name} --attribute-value {value}"))
    };
    let redrive = || set("RedrivePolicy", r#"'{"deadLetterTargetArn":"ARN"}'"#);
    let mut findings = Vec::new();
    match endpoint {
        Endpoint::Gone => {
            let what = named("is gone: SNS drops what it should get");
            return vec![
                Finding::problem(CHECK, what).mended_by(unsubscribe()).see("runbook.md, MoNotificationsFailed"),
            ];
        }
        Endpoint::Closed => {
            findings.push(Finding::problem(CHECK, named("has no policy that lets SNS send to it")).see(SEE))
        }
        Endpoint::Exists | Endpoint::Elsewhere => {}
    }
    match dead_letters {
        // What a listener missed is of no use to anyone.
        None if subscription.queue().is_some_and(is_listen_queue) => {}
        None => {
            let what = named("has no dead-letter queue: SNS drops what it can't deliver");
            findings.push(Finding::warning(CHECK, what).mended_by(redrive()).see(SEE));
        }
        Some(Endpoint::Gone) => {
            findings.push(
                Finding::problem(CHECK, named("has a dead-letter queue that is gone")).mended_by(redrive()).see(SEE),
            );
        }
        Some(Endpoint::Closed) => {
            let what = named("has a dead-letter queue without a policy that lets SNS send to it");
            findings.push(Finding::problem(CHECK, what).see(SEE));
        }
        Some(Endpoint::Exists | Endpoint::Elsewhere) => {}
    }
    let unknown = subscription.filter.as_ref().map(unknown_attributes).unwrap_or_default();
    if !unknown.is_empty() {
        let what =
            named(&format!("filters by {}, which no event has: it gets nothing", printable(&unknown.join(", "))));
        let finding = Finding::problem(CHECK, what).mended_by(set("FilterPolicy", "'{}'"));
        findings.push(finding.see("subscribing.md, Attributes for filter policies"));
    }
    findings
}

/// The attributes that a policy requires, and that no event has.
fn unknown_attributes(policy: &Value) -> Vec<String> {
    // The names under `$or` are alternatives (SNS developer guide, "AND/OR logic").
    let Value::Object(policy) = policy else { return Vec::new() };
    let is_absence = |conditions: &Value| {
        let conditions = conditions.as_array().map(Vec::as_slice).unwrap_or_default();
        conditions.iter().any(|condition| condition.get("exists") == Some(&Value::Bool(false)))
    };
    let unknown = policy
        .iter()
        .filter(|(name, conditions)| *name != "$or" && !ATTRIBUTES.contains(&name.as_str()) && !is_absence(conditions));
    unknown.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::health::{Verdict, check_command};

    fn subscription(queue: &str) -> Subscription {
        Subscription {
            arn: Some("arn:aws:sns:us-east-1:1:mo:1".to_owned()),
            protocol: "sqs".to_owned(),
            endpoint: format!("arn:aws:sqs:us-east-1:1:{queue}"),
            dead_letter_queue: None,
            filter: None,
        }
    }

    #[track_caller]
    fn check(
        subscription: &Subscription,
        endpoint: Endpoint,
        dead_letters: Option<Endpoint>,
        expected: &[(Verdict, &str)],
    ) {
        let findings = judge("mo", subscription, endpoint, dead_letters, &Commands::example());
        let found: Vec<_> = findings.iter().map(|finding| (finding.verdict, &*finding.what)).collect();
        assert_eq!(found, expected);
        findings.iter().flat_map(|finding| &finding.mends).for_each(check_command);
    }

    #[test]
    fn subscription_must_be_able_to_deliver() {
        let orders = subscription("orders");
        check(&orders, Endpoint::Exists, Some(Endpoint::Exists), &[]);
        check(&orders, Endpoint::Elsewhere, Some(Endpoint::Elsewhere), &[]);
        let without = "orders on topic mo has no dead-letter queue: SNS drops what it can't deliver";
        check(&orders, Endpoint::Exists, None, &[(Verdict::Warning, without)]);
        let gone = "orders on topic mo is gone: SNS drops what it should get";
        check(&orders, Endpoint::Gone, None, &[(Verdict::Problem, gone)]);
        let closed = "orders on topic mo has no policy that lets SNS send to it";
        check(&orders, Endpoint::Closed, Some(Endpoint::Exists), &[(Verdict::Problem, closed)]);
        let lost = "orders on topic mo has a dead-letter queue that is gone";
        check(&orders, Endpoint::Exists, Some(Endpoint::Gone), &[(Verdict::Problem, lost)]);
        check(&subscription("wab-listen-wab-ana"), Endpoint::Exists, None, &[]);
        let pending = Subscription { arn: None, ..orders };
        let unconfirmed =
            "orders on topic mo isn't confirmed, and gets nothing: its endpoint must answer SNS's request";
        check(&pending, Endpoint::Elsewhere, None, &[(Verdict::Warning, unconfirmed)]);
    }

    #[test]
    fn filter_policy_must_use_attributes_that_events_have() {
        let of = |policy: Value| unknown_attributes(&policy);
        assert_eq!(of(json!({"type": ["text"], "status": ["sent"], "replay": [{"exists": false}]})), [""; 0]);
        assert_eq!(of(json!({"Type": ["text"], "kind": ["mo"]})), ["Type"]);
        assert_eq!(of(json!({"test": [{"exists": false}], "$or": [{"a": ["b"]}, {"type": ["text"]}]})), [""; 0]);
        let never = Subscription { filter: Some(json!({"sender": ["a"]})), ..subscription("orders") };
        let what = "orders on topic mo filters by sender, which no event has: it gets nothing";
        check(&never, Endpoint::Exists, Some(Endpoint::Exists), &[(Verdict::Problem, what)]);
    }

    #[test]
    fn endpoint_is_named_without_secrets_or_numbers() {
        let named = |protocol: &str, endpoint: &str| {
            let (protocol, endpoint) = (protocol.to_owned(), endpoint.to_owned());
            endpoint_name(&Subscription { protocol, endpoint, ..subscription("") })
        };
        assert_eq!(named("sms", "+6421000001"), "sms endpoint");
        assert_eq!(named("email", "ana@example.com"), "email endpoint");
        assert_eq!(named("https", "https://user:secret@hooks.example.com/x?token=y"), "hooks.example.com");
        assert_eq!(named("lambda", "arn:aws:lambda:us-east-1:1:function:orders"), "orders");
    }
}
