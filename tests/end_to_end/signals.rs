//! What callbacks leave in the metrics, and that the dashboard shows it.

use std::time::{Duration, Instant, SystemTime};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use serde_json::{Value, json};
use wab_events::Kind;

use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::{PATIENCE, Stack};

/// The titles of the widgets of the deployed dashboard, each with its metrics.
async fn widgets(cloudwatch: &aws_sdk_cloudwatch::Client, name: &str) -> Vec<(String, Vec<Value>)> {
    let dashboard = cloudwatch.get_dashboard().dashboard_name(name).send().await.unwrap();
    let body: Value = serde_json::from_str(dashboard.dashboard_body().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap().iter().filter(|widget| widget["type"] == "metric");
    let metrics = |properties: &Value| properties["metrics"].as_array().unwrap().clone();
    let title = |properties: &Value| properties["title"].as_str().unwrap().to_owned();
    widgets.map(|widget| (title(&widget["properties"]), metrics(&widget["properties"]))).collect()
}

/// The values of a metric of the dashboard in the last hour.
async fn values(cloudwatch: &aws_sdk_cloudwatch::Client, metric: &Value) -> Vec<f64> {
    let parts: Vec<&str> = metric.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let [namespace, name, dimensions @ ..] = &parts[..] else { panic!("{metric}") };
    let dimensions = dimensions.chunks(2).map(|pair| Dimension::builder().name(pair[0]).value(pair[1]).build());
    let it = Metric::builder().namespace(*namespace).metric_name(*name).set_dimensions(Some(dimensions.collect()));
    let stat = metric.as_array().unwrap().last().unwrap()["stat"].as_str().unwrap_or("Sum");
    let stat = MetricStat::builder().metric(it.build()).period(300).stat(stat).build();
    let now = SystemTime::now();
    let data = cloudwatch
        .get_metric_data()
        .metric_data_queries(MetricDataQuery::builder().id("it").metric_stat(stat).build())
        .start_time(DateTime::from(now - Duration::from_secs(3_600)))
        .end_time(DateTime::from(now + Duration::from_secs(300)))
        .send();
    data.await.unwrap().metric_data_results()[0].values().to_vec()
}

/// Waits until a metric isn't zero.
async fn wait_for(cloudwatch: &aws_sdk_cloudwatch::Client, metric: &Value) {
    let give_up = Instant::now() + PATIENCE;
    while values(cloudwatch, metric).await.into_iter().sum::<f64>() == 0.0 {
        assert!(Instant::now() < give_up, "no data of {metric} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn callbacks_appear_on_the_dashboard() {
    let stack = Stack::connect().await;
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&stack.file.sdk_config());
    let (mo, receipt) = (mo_text(&fresh_id("signals")), dlr(&fresh_id("signals"), "sent"));
    for (kind, body, outcome) in
        [(Kind::Mo, &mo, "stored"), (Kind::Mo, &mo, "duplicate"), (Kind::Dlr, &receipt, "stored")]
    {
        assert_eq!(stack.post_ok(kind, body).await, outcome);
    }
    assert_eq!(stack.post(Kind::Mo, "not JSON").await.status, 400);
    assert_eq!(stack.post_as(Kind::Mo, None, "").await.status, 401);

    let widgets = widgets(&cloudwatch, &stack.file.stack_name).await;
    for (title, label) in [
        ("Requests", "all"),
        ("Requests", "mo"),
        ("Requests", "dlr"),
        ("WhatsApp → received, ms", "p99"),
        ("Callbacks by credential", "first verifier"),
        ("Accepted", "stored"),
        ("Accepted", "duplicate"),
        ("Rejected by the functions", "unauthorized"),
        ("Rejected by the functions", "not_json"),
        ("Rejected by the functions", "quarantined"),
        ("Published", "published"),
        ("Received → published, ms", "p50"),
        ("Answer to the gateway, ms", "p99"),
        ("Duration of the functions, p99 ms", "fanout"),
    ] {
        let (_, metrics) = widgets.iter().find(|(name, _)| name == title).unwrap();
        let is_labelled = |metric: &&Value| metric.as_array().unwrap().last().unwrap()["label"] == json!(label);
        let metric = metrics.iter().find(is_labelled).unwrap();
        wait_for(&cloudwatch, metric).await;
    }
}
