//! The dashboard: its metrics exist, and every metric of the stack is on it or watched by an alarm.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::alarms::{alarm_names, metrics};
use super::{resources, template, text};

/// The alarms that a parameter adds: name in the dashboard, condition, alarm.
const OPTIONAL_ALARMS: [(&str, &str, &str); 3] = [
    ("Fifo", "HasFifoTopics", "FifoNotificationsFailed"),
    ("Forbidden", "HasAllowedNetworks", "Forbidden"),
    ("Silence", "WatchesForSilence", "Silence"),
];

/// The body of the dashboard, in which `<X>` stands for `${X}`.
fn body(with_optional_alarms: bool) -> Value {
    let sub = template()["Resources"]["Overview"]["Properties"]["DashboardBody"]["Fn::Sub"].clone();
    let mut body = sub[0].as_str().unwrap().to_owned();
    for (name, condition, alarm) in OPTIONAL_ALARMS {
        let listed = format!(r#", "${{{alarm}Alarm.Arn}}""#);
        assert_eq!(sub[1][name]["Fn::If"], json!([condition, {"Fn::Sub": listed}, ""]));
        body = body.replace(&format!("${{{name}}}"), if with_optional_alarms { &listed } else { "" });
    }
    let mut parts = body.split("${");
    let mut json = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        json += &format!("<{name}>{rest}");
    }
    serde_json::from_str(&json).unwrap()
}

/// The properties of the widgets of a type.
fn widgets(of_type: &str) -> Vec<Value> {
    let body = body(false);
    let widgets = body["widgets"].as_array().unwrap().iter().filter(|widget| widget["type"] == of_type);
    widgets.map(|widget| widget["properties"].clone()).collect()
}

/// The metrics on the dashboard: namespace, name, and dimensions. One is listed again for each statistic.
fn shown() -> Vec<Vec<String>> {
    let metrics = widgets("metric").into_iter().flat_map(|widget| widget["metrics"].as_array().unwrap().clone());
    let texts = |metric: Value| {
        let texts = metric.as_array().unwrap().iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    metrics.map(texts).collect()
}

/// The metrics of the metric filters: name, and dimension if there is one.
fn counted() -> BTreeSet<(String, Option<String>)> {
    let filters = resources("AWS::Logs::MetricFilter");
    let metric = |(_, filter): &(String, Value)| {
        let transformation = &filter["Properties"]["MetricTransformations"][0];
        let dimension = transformation["Dimensions"][0]["Key"].as_str().map(str::to_owned);
        (transformation["MetricName"].as_str().unwrap().to_owned(), dimension)
    };
    filters.iter().map(metric).collect()
}

/// The source of the functions and of what they share.
fn source() -> String {
    let files = [
        "functions/fanout/src/lib.rs",
        "functions/recover/src/lib.rs",
        "shared/ingress/src/answer.rs",
        "shared/ingress/src/receiver.rs",
    ];
    files.map(text).concat()
}

#[test]
fn every_metric_on_the_dashboard_exists() {
    let (counted, source, template) = (counted(), source(), template());
    for metric in shown() {
        let [namespace, name, dimensions @ ..] = &metric[..] else { panic!("{metric:?}") };
        let dimension = match dimensions {
            [] => None,
            [name, value] => Some((name.clone(), value.clone())),
            more => panic!("{more:?}"),
        };
        if namespace == "<AWS::StackName>" {
            let key = (name.clone(), dimension.clone().map(|(name, _)| name));
            // fanout logs a distribution itself.
            assert!(counted.contains(&key) || source.contains(&format!(r#", "{name}", now"#)), "{metric:?}");
            let is_value = |value: &str| value.parse::<u8>().is_ok() || source.contains(&format!(r#""{value}""#));
            assert!(dimension.is_none_or(|(_, value)| is_value(&value)), "{metric:?}");
            continue;
        }
        // The metrics that AWS publishes for free, with the dimension that each needs.
        let (needed, names): (_, &[&str]) = match &**namespace {
            "AWS/ApiGateway" => ("ApiId", &["Count", "5xx", "Latency"]),
            "AWS/Lambda" => ("FunctionName", &["Invocations", "Errors", "Throttles", "Duration", "IteratorAge"]),
            "AWS/SQS" => {
                ("QueueName", &["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"])
            }
            "AWS/SNS" => ("TopicName", &["NumberOfNotificationsFailed"]),
            other => panic!("{other} publishes no metric of this stack"),
        };
        let (dimension, resource) = dimension.unwrap();
        assert!(dimension == needed && names.contains(&&**name), "{metric:?}");
        let resource = resource.trim_matches(['<', '>']).split('.').next().unwrap();
        assert!(template["Resources"][resource].is_object(), "{metric:?}");
    }
}

#[test]
fn every_counted_metric_is_shown_or_watched() {
    let shown = shown();
    let alarms = resources("AWS::CloudWatch::Alarm");
    let watched: Vec<Value> = alarms.iter().flat_map(|(_, alarm)| metrics(alarm)).collect();
    for (name, dimension) in counted() {
        let is_shown = shown.iter().any(|metric| metric[1] == name && metric.get(2) == dimension.as_ref());
        let is_watched = watched.iter().any(|metric| metric["MetricName"] == name);
        assert!(is_shown || is_watched, "nobody sees {name}");
    }
}

#[test]
fn documented_metrics_are_the_stacks() {
    let page = text("docs/operations.md");
    let (_, section) = page.split_once("## Metrics\n").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let cells = rows.take_while(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap());
    let documented: BTreeSet<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let counted = counted();
    let names = counted.iter().map(|(name, _)| &**name).chain(["FanoutLag"]);
    assert_eq!(documented, names.collect());
}

#[test]
fn dashboard_has_every_alarm() {
    for with_optional_alarms in [false, true] {
        let body = body(with_optional_alarms);
        let alarms = body["widgets"][1]["properties"]["alarms"].as_array().unwrap();
        let alarms: BTreeSet<String> = alarms.iter().map(|arn| arn.as_str().unwrap().to_owned()).collect();
        let is_optional = |name: &str| OPTIONAL_ALARMS.iter().any(|(.., alarm)| *alarm == name);
        let names = alarm_names().into_iter().filter(|name| with_optional_alarms || !is_optional(name));
        assert_eq!(alarms, names.map(|name| format!("<{name}Alarm.Arn>")).collect());
    }
}

/// "Dashboard body structure and syntax" (CloudWatch API reference), and the limit of a free dashboard ("Amazon
/// CloudWatch pricing").
#[test]
fn dashboard_is_free_and_within_the_grid() {
    assert!(shown().len() <= 50, "{} metrics", shown().len());
    let body = body(true);
    let mut below = 0;
    for widget in body["widgets"].as_array().unwrap() {
        let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| widget[name].as_u64().unwrap());
        assert!(x + width <= 24 && height >= 1, "{widget}");
        assert!(if x == 0 { y == below } else { y + height == below }, "{widget}");
        below = y + height;
        let properties = &widget["properties"];
        let is_complete = match widget["type"].as_str().unwrap() {
            "text" => properties["markdown"].is_string(),
            "alarm" => properties["alarms"].is_array(),
            "metric" => properties["region"] == "<AWS::Region>" && properties["title"].is_string(),
            other => panic!("{other}"),
        };
        assert!(is_complete, "{widget}");
    }
}

#[test]
fn distributions_are_shown_as_percentiles() {
    let metrics = widgets("metric").into_iter().flat_map(|widget| widget["metrics"].as_array().unwrap().clone());
    let metrics: Vec<Value> = metrics.collect();
    for name in ["DeliveryLag", "FanoutLag", "Latency"] {
        let of_name = metrics.iter().filter(|metric| metric[1] == name);
        let statistics: Vec<_> =
            of_name.map(|metric| metric.as_array().unwrap().last().unwrap()["stat"].clone()).collect();
        assert_eq!(statistics, ["p50", "p99"], "{name}");
    }
}

#[test]
fn dashboard_is_added_by_default() {
    let template = template();
    assert_eq!(template["Parameters"]["Dashboard"]["Default"], "true");
    assert_eq!(template["Resources"]["Overview"]["Condition"], "HasDashboard");
    assert_eq!(template["Conditions"]["HasDashboard"], json!({"Fn::Equals": [{"Ref": "Dashboard"}, "true"]}));
}
