//! The alarms, their metrics, and their sections of the runbook.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{resource, resources, template, text};

/// The outcomes of callbacks that are answered 200.
const ACCEPTED: [&str; 4] = ["stored", "variant", "duplicate", "deferred"];

#[test]
fn every_queue_is_encrypted_and_has_an_alarm() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    for (name, queue) in resources("AWS::SQS::Queue") {
        assert_eq!(queue["Properties"]["MessageRetentionPeriod"], 14 * 24 * 60 * 60, "{name}");
        let without_own_key = json!({"Fn::If": ["HasKmsKey", {"Ref": "AWS::NoValue"}, true]});
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], without_own_key, "{name}");
        let dimension = json!([{"Name": "QueueName", "Value": {"Fn::GetAtt": format!("{name}.QueueName")}}]);
        let watches = |metric: &Value| metric["Dimensions"] == dimension;
        assert!(alarms.iter().any(|(_, alarm)| metrics(alarm).iter().any(watches)), "{name} has an alarm");
    }
}

/// The metrics of an alarm: its own, or those of its expression.
pub(super) fn metrics(alarm: &Value) -> Vec<Value> {
    let properties = &alarm["Properties"];
    let of_expression = properties["Metrics"].as_array().into_iter().flatten();
    let of_expression = of_expression.map(|metric| metric["MetricStat"]["Metric"].clone()).filter(Value::is_object);
    let metrics: Vec<Value> = of_expression.collect();
    if metrics.is_empty() { vec![properties.clone()] } else { metrics }
}

/// The alarms' logical ids without the suffix `Alarm`.
pub(super) fn alarm_names() -> BTreeSet<String> {
    let alarms = resources("AWS::CloudWatch::Alarm");
    alarms.iter().map(|(name, _)| name.strip_suffix("Alarm").unwrap().to_owned()).collect()
}

#[test]
fn every_alarm_notifies_and_names_its_runbook_section() {
    let runbook = text("docs/runbook.md");
    let headings: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        assert!(properties["AlarmActions"].to_string().contains("AlarmTopicArn"), "{name}");
        let description = properties["AlarmDescription"].as_str().unwrap();
        let section = name.strip_suffix("Alarm").unwrap();
        assert!(description.ends_with(&format!(". Runbook: {section}.")), "{name}: {description}");
        assert!(headings.contains(&section), "no section {section}");
        let row = format!("`{section}`");
        let mut rows = runbook.lines().filter(|line| line.starts_with('|'));
        assert!(rows.any(|line| line.split('|').nth(1).unwrap().contains(&row)), "no row {section}");
    }
}

#[test]
fn runbook_explains_only_existing_alarms() {
    let names = alarm_names();
    let runbook = text("docs/runbook.md");
    // The sections have tables of reasons.
    let overview = runbook.split("\n## Unanswered").next().unwrap();
    for row in overview.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split('|').nth(1).unwrap();
        let capitalised = |name: &&str| name.starts_with(|first: char| first.is_ascii_uppercase());
        for name in cell.split('`').filter(capitalised) {
            assert!(names.contains(name), "the runbook explains {name}, which isn't in the template");
        }
    }
}

#[test]
fn lost_callbacks_raise_an_alarm() {
    let alarm = |name: &str| resource(&format!("{name}Alarm"));
    let filter = |name: &str| {
        let filter = resource(name);
        assert_eq!(filter["LogGroupName"], json!({"Ref": "ApiLogs"}), "{name}");
        assert_eq!(filter["MetricTransformations"][0]["MetricName"], name);
        assert_eq!(alarm(name)["MetricName"], name);
        filter["FilterPattern"].as_str().unwrap().to_owned()
    };
    assert_eq!(filter("RateLimited"), r#"{ $.status = "429" }"#);
    assert_eq!(filter("TooLarge"), r#"{ ($.status = "413") || ($.integrationStatus = "413") }"#);
    // The access log has the fields of the patterns.
    let format = resource("ApiStage")["AccessLogSettings"]["Format"].as_str().unwrap().to_owned();
    let format: Value = serde_json::from_str(&format).unwrap();
    assert_eq!(format["status"], "$context.status");
    assert_eq!(format["integrationStatus"], "$context.integration.status");

    assert_eq!(alarm("Unauthorized")["Dimensions"], json!([{"Name": "code", "Value": "unauthorized"}]));
    for function in ["Mo", "Dlr", "Fanout"] {
        let throttles = alarm(&format!("{function}Throttles"));
        assert_eq!(throttles["MetricName"], "Throttles");
        assert_eq!(throttles["Dimensions"][0]["Value"], json!({"Ref": function}));
    }
    for topic in ["Mo", "Dlr"] {
        let failed = alarm(&format!("{topic}NotificationsFailed"));
        assert_eq!(failed["MetricName"], "NumberOfNotificationsFailed");
        let name = json!({"Fn::GetAtt": format!("{topic}Topic.TopicName")});
        assert_eq!(failed["Dimensions"], json!([{"Name": "TopicName", "Value": name}]));
    }
}

#[test]
fn lost_notifications_of_fifo_topics_raise_an_alarm() {
    let template = template();
    let alarm = &template["Resources"]["FifoNotificationsFailedAlarm"];
    assert_eq!(alarm["Condition"], "HasFifoTopics");
    assert_eq!(alarm["Properties"]["Metrics"][0]["Expression"], "FILL(mo, 0) + FILL(dlr, 0)");
    let watched: Vec<(Value, Value)> =
        metrics(alarm).into_iter().map(|metric| (metric["MetricName"].clone(), metric["Dimensions"].clone())).collect();
    let failed = |topic: &str| {
        let name = json!({"Fn::GetAtt": format!("{topic}.TopicName")});
        (json!("NumberOfNotificationsFailed"), json!([{"Name": "TopicName", "Value": name}]))
    };
    assert_eq!(watched, [failed("MoFifoTopic"), failed("DlrFifoTopic")]);
}

#[test]
fn silence_is_an_alarm_that_is_off_by_default() {
    let template = template();
    let alarm = &template["Resources"]["SilenceAlarm"];
    assert_eq!(
        (&alarm["Condition"], &alarm["Properties"]["MetricName"]),
        (&json!("WatchesForSilence"), &json!("Accepted"))
    );
    let pattern = ACCEPTED.map(|outcome| format!(r#"($.fields.outcome = "{outcome}")"#)).join(" || ");
    for function in ["Mo", "Dlr"] {
        let filter = &template["Resources"][format!("{function}Accepted")];
        assert_eq!(filter["Condition"], "WatchesForSilence", "{function}");
        let filter = &filter["Properties"];
        assert_eq!(filter["LogGroupName"], json!({"Ref": format!("{function}Logs")}));
        assert_eq!(filter["FilterPattern"], format!("{{ {pattern} }}"));
        assert_eq!(filter["MetricTransformations"][0]["MetricName"], "Accepted");
    }
    let asked = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "SilenceMinutes"}, "0"]}]});
    assert_eq!(template["Conditions"]["WatchesForSilence"], asked);
    assert_eq!(template["Parameters"]["SilenceMinutes"]["Default"], 0);
    let alarm = &alarm["Properties"];
    assert_eq!((&alarm["TreatMissingData"], &alarm["Period"]), (&json!("breaching"), &json!(60)));
    assert_eq!(alarm["EvaluationPeriods"], json!({"Ref": "SilenceMinutes"}));
    let below_one = (&json!("LessThanThreshold"), &json!(1));
    assert_eq!((&alarm["ComparisonOperator"], &alarm["Threshold"]), below_one);
}

#[test]
fn callers_from_other_networks_raise_an_alarm_if_networks_are_named() {
    let template = template();
    let alarm = &template["Resources"]["ForbiddenAlarm"];
    assert_eq!(alarm["Condition"], "HasAllowedNetworks");
    assert_eq!(alarm["Properties"]["Dimensions"], json!([{"Name": "code", "Value": "forbidden"}]));
    let asked = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "AllowedNetworks"}, ""]}]});
    assert_eq!(template["Conditions"]["HasAllowedNetworks"], asked);
}

#[test]
fn retried_events_count_as_spill_lag() {
    let alarm = resource("SpillLagAlarm");
    assert_eq!(alarm["Metrics"][0]["Expression"], "visible + in_flight");
    let names: Vec<Value> =
        metrics(&json!({"Properties": alarm})).iter().map(|metric| metric["MetricName"].clone()).collect();
    assert_eq!(names, ["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"]);
    assert_eq!((&alarm["EvaluationPeriods"], &alarm["Threshold"]), (&json!(15), &json!(0)));
    assert_eq!(alarm["DatapointsToAlarm"], Value::Null, "all of them");
}

#[test]
fn stored_events_without_an_invocation_raise_an_alarm() {
    let alarm = resource("FanoutStoppedAlarm");
    let expression = "IF(FILL(invoked, 0) == 0, FILL(stored, 0) + FILL(recovered, 0), 0)";
    assert_eq!(alarm["Metrics"][0]["Expression"], expression);
    let invoked = metrics(&json!({"Properties": alarm})).pop().unwrap();
    assert_eq!((&invoked["Namespace"], &invoked["MetricName"]), (&json!("AWS/Lambda"), &json!("Invocations")));
    assert_eq!(invoked["Dimensions"], json!([{"Name": "FunctionName", "Value": {"Ref": "Fanout"}}]));
    // An event stored at the end of a period is published in the next.
    assert!(alarm["DatapointsToAlarm"].as_u64().unwrap() > 1);
    assert_eq!((&alarm["Threshold"], &alarm["ComparisonOperator"]), (&json!(0), &json!("GreaterThanThreshold")));
}
