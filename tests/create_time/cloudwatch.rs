//! Amazon CloudWatch: alarms, metric filters and log groups.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{check, numbers};

/// "PutMetricAlarm": a period is 10, 20 or 30 seconds or a multiple of 60. All periods together are at most one day, or
/// 7 days if a period is an hour or longer.
#[test]
fn alarm_periods_are_within_their_limits() {
    let keeps = |template: &Value, alarm: &Value| {
        let metrics = alarm["Metrics"].as_array().into_iter().flatten();
        let periods = std::iter::once(&alarm["Period"]).chain(metrics.map(|metric| &metric["MetricStat"]["Period"]));
        let periods: Vec<i64> = periods.flat_map(|period| numbers(template, period)).collect();
        // A parameter of 0 disables the alarm.
        let evaluated = &alarm["EvaluationPeriods"];
        let evaluated = numbers(template, evaluated).into_iter().filter(|count| *count != 0 || evaluated.is_number());
        let (evaluated, longest) = (evaluated.collect::<Vec<_>>(), periods.iter().max().copied().unwrap_or(0));
        let most = if longest < 3_600 { 86_400 } else { 604_800 };
        let counted = numbers(template, &alarm["DatapointsToAlarm"]);
        !periods.is_empty()
            && periods.iter().all(|period| [10, 20, 30].contains(period) || (*period > 0 && period % 60 == 0))
            && !evaluated.is_empty()
            && evaluated.iter().all(|count| *count >= 1 && count * longest <= most)
            && counted.iter().all(|count| evaluated.iter().all(|periods| (1..=*periods).contains(count)))
    };
    let bad = [
        "{Period: 90, EvaluationPeriods: 1}",
        "{Period: 60, EvaluationPeriods: 1441}",
        "{Period: 3600, EvaluationPeriods: 169}",
        "{Period: 60, EvaluationPeriods: 0}",
        "{Period: 60, EvaluationPeriods: 2, DatapointsToAlarm: 3}",
        "{Period: 3600, EvaluationPeriods: !Ref SilenceMinutes}",
        "{EvaluationPeriods: 1}",
        "{Metrics: [{MetricStat: {Period: 300}}], EvaluationPeriods: 289}",
    ];
    check("AWS::CloudWatch::Alarm", keeps, &bad);
}

/// "PutMetricAlarm" and "MetricDataQuery": one metric, or a list of at most 10 of which exactly one returns data. Each
/// has a unique id that starts with a lower-case letter. An expression of at most 1,024 characters refers to these ids.
#[test]
fn alarm_watches_exactly_one_series() {
    let keeps = |_: &Value, alarm: &Value| {
        let Some(metrics) = alarm["Metrics"].as_array() else {
            return ["Namespace", "MetricName", "Statistic"].iter().all(|given| !alarm[given].is_null());
        };
        let ids: BTreeSet<_> = metrics.iter().map(|metric| metric["Id"].as_str().unwrap()).collect();
        let named = |id: &&str| {
            id.starts_with(|first: char| first.is_ascii_lowercase())
                && id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        let known = |expression: &str| {
            let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
            let mut names = words.filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
            expression.len() <= 1_024 && names.all(|name| ids.contains(name))
        };
        let is_one = |metric: &Value| match (metric["Expression"].as_str(), metric["MetricStat"].is_object()) {
            (Some(expression), false) => known(expression),
            (None, stat) => stat,
            (Some(_), true) => false,
        };
        metrics.len() <= 10
            && ids.len() == metrics.len()
            && ids.iter().all(named)
            && metrics.iter().all(is_one)
            && metrics.iter().filter(|metric| metric["ReturnData"] != false).count() == 1
            && ["Namespace", "MetricName", "Statistic", "Period", "Dimensions"].iter().all(|it| alarm[it].is_null())
    };
    let bad = [
        "{Namespace: AWS/SQS, Statistic: Sum}",
        "{Metrics: [{Id: a, MetricStat: {}}, {Id: b, Expression: a + 1}]}",
        "{Metrics: [{Id: a, MetricStat: {}, ReturnData: false}]}",
        "{Metrics: [{Id: Total, MetricStat: {}}]}",
        "{Metrics: [{Id: a, MetricStat: {}, ReturnData: false}, {Id: b, Expression: a + c}]}",
        "{Metrics: [{Id: a, MetricStat: {}}], Period: 60}",
        "{Metrics: [{Id: a, MetricStat: {}, Expression: a}]}",
    ];
    check("AWS::CloudWatch::Alarm", keeps, &bad);
}

/// "PutMetricAlarm": a description of at most 1,024 characters, 5 actions per state, 30 dimensions with unique names,
/// and a static threshold.
#[test]
fn alarm_is_within_its_limits() {
    let keeps = |_: &Value, alarm: &Value| {
        let actions = |name: &str| alarm[name].as_array().map_or(0, Vec::len);
        let dimensions = alarm["Dimensions"].as_array().cloned().unwrap_or_default();
        let names: BTreeSet<_> = dimensions.iter().map(|dimension| dimension["Name"].to_string()).collect();
        let comparisons = ["GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"];
        alarm["AlarmDescription"].as_str().unwrap_or_default().len() <= 1_024
            && ["AlarmActions", "OKActions", "InsufficientDataActions"].iter().all(|name| actions(name) <= 5)
            && names.len() == dimensions.len()
            && names.len() <= 30
            && alarm["Threshold"].is_number()
            && comparisons.iter().any(|it| alarm["ComparisonOperator"] == format!("{it}Threshold"))
            && ["breaching", "notBreaching", "ignore", "missing"].iter().any(|it| alarm["TreatMissingData"] == *it)
    };
    let rest = "Threshold: 0, ComparisonOperator: GreaterThanThreshold, TreatMissingData: ignore";
    let bad = [
        format!("{{AlarmDescription: {}, {rest}}}", "x".repeat(1_025)),
        format!("{{AlarmActions: [a, b, c, d, e, f], {rest}}}"),
        format!("{{Dimensions: [{{Name: a, Value: b}}, {{Name: a, Value: c}}], {rest}}}"),
        "{ComparisonOperator: GreaterThanThreshold, TreatMissingData: ignore}".to_owned(),
        "{Threshold: 0, ComparisonOperator: Greater, TreatMissingData: ignore}".to_owned(),
    ];
    check("AWS::CloudWatch::Alarm", keeps, &bad.each_ref().map(String::as_str));
}

/// "PutMetricFilter" and "MetricTransformation": one transformation, a pattern of at most 1,024 characters, a namespace
/// outside `AWS/`, and at most 3 dimensions, which need a JSON pattern and exclude a default value. A value that is a
/// field of the line must be in the pattern ("Configuring metric values for a metric filter").
#[test]
fn metric_filter_is_accepted_by_logs() {
    let keeps = |_: &Value, filter: &Value| {
        let pattern = filter["FilterPattern"].as_str().unwrap();
        let transformations = filter["MetricTransformations"].as_array().unwrap();
        let accepted = |it: &Value| {
            let dimensions = it["Dimensions"].as_array().cloned().unwrap_or_default();
            let fields = dimensions.iter().all(|dimension| dimension["Value"].as_str().unwrap().starts_with("$."));
            let value = it["MetricValue"].as_str();
            dimensions.len() <= 3
                && fields
                && value.is_none_or(|value| value.parse::<f64>().is_ok() || pattern.contains(&format!("{value} ")))
                && (dimensions.is_empty() || (pattern.starts_with('{') && it["DefaultValue"].is_null()))
                && it["MetricNamespace"]
                    .as_str()
                    .is_none_or(|name| !name.starts_with("AWS/") && !name.contains([':', '*', '$']))
        };
        pattern.len() <= 1_024
            && pattern.starts_with('{') == pattern.ends_with('}')
            && transformations.len() == 1
            && transformations.iter().all(accepted)
    };
    let with = |transformation: &str| {
        format!("{{FilterPattern: '{{ $.a = \"*\" }}', MetricTransformations: [{transformation}]}}")
    };
    let bad = [
        with("{MetricNamespace: a}, {MetricNamespace: b}"),
        with("{DefaultValue: 0, Dimensions: [{Key: a, Value: $.a}]}"),
        with("{Dimensions: [{Key: a, Value: $.a}, {Key: b, Value: $.b}, {Key: c, Value: $.c}, {Key: d, Value: $.d}]}"),
        with("{Dimensions: [{Key: a, Value: a}]}"),
        with("{MetricNamespace: AWS/Lambda}"),
        with("{MetricValue: $.b}"),
        "{FilterPattern: ERROR, MetricTransformations: [{Dimensions: [{Key: a, Value: $.a}]}]}".to_owned(),
        format!("{{FilterPattern: {}, MetricTransformations: [{{}}]}}", "x".repeat(1_025)),
    ];
    check("AWS::Logs::MetricFilter", keeps, &bad.each_ref().map(String::as_str));
}

/// "PutDashboard": letters, digits, `-` and `_`. The body is JSON; template/dashboard.rs checks its structure.
#[test]
fn dashboard_name_is_accepted() {
    let keeps = |_: &Value, dashboard: &Value| {
        let name = &dashboard["DashboardName"];
        let accepted = |name: &str| {
            name.len() <= 255 && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
        };
        // A stack's name has at most 128 letters, digits and hyphens.
        name["Ref"] == "AWS::StackName" || name.as_str().is_some_and(accepted)
    };
    check("AWS::CloudWatch::Dashboard", keeps, &["{DashboardName: 'wab dashboard'}", "{DashboardName: wab/prod}"]);
}

/// "CreateLogGroup": letters, digits and `_-/.#`. "PutRetentionPolicy": the allowed numbers of days.
#[test]
fn log_group_name_and_retention_are_accepted() {
    const DAYS: [i64; 22] = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
    ];
    let keeps = |template: &Value, group: &Value| {
        let name = group["LogGroupName"]["Fn::Sub"].as_str().or(group["LogGroupName"].as_str()).unwrap();
        let name = name.replace("${AWS::StackName}", "stack");
        let days = numbers(template, &group["RetentionInDays"]);
        name.len() <= 512
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-/.#".contains(letter))
            && !days.is_empty()
            && days.iter().all(|day| DAYS.contains(day))
    };
    let bad = [
        "{LogGroupName: 'wab:mo', RetentionInDays: 30}",
        "{LogGroupName: !Sub '/aws/${Api}/mo', RetentionInDays: 30}",
        "{LogGroupName: wab, RetentionInDays: 31}",
        "{LogGroupName: wab, RetentionInDays: !Ref RetentionDays}",
    ];
    check("AWS::Logs::LogGroup", keeps, &bad);
}
