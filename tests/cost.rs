//! The cost of a million callbacks, and of a month without any: measured quantities times a dated price list. These
//! tests write and check the tables of docs/cost.md.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use serde::Deserialize;
use serde_json::{Value, json};
use wab_events::Kind;
use wab_models::{Body, Item, LARGE_ITEM_BYTES, NewEvent};

use crate::requests::fresh_id;
use crate::stack::Stack;
use crate::template::template;

/// `fixtures/prices.json`, which names the source of each price.
#[derive(Deserialize)]
struct Prices {
    http_api_request_usd: f64,
    lambda_request_usd: f64,
    lambda_gb_second_usd: f64,
    dynamodb_write_unit_usd: f64,
    dynamodb_read_unit_usd: f64,
    dynamodb_storage_gb_month_usd: f64,
    dynamodb_backup_gb_month_usd: f64,
    s3_put_usd: f64,
    s3_get_usd: f64,
    s3_storage_gb_month_usd: f64,
    sns_publish_usd: f64,
    sns_fifo_publish_usd: f64,
    sns_fifo_gb_usd: f64,
    logs_gb_usd: f64,
    custom_metric_month_usd: f64,
    alarm_metric_month_usd: f64,
    dashboard_month_usd: f64,
    trace_usd: f64,
    sqs_request_usd: f64,
    idle_polls_per_minute: f64,
}

/// The part of `make bench`'s record that is needed here.
#[derive(Deserialize)]
struct Bench {
    subjects: HashMap<String, Subject>,
    memory: Vec<AtMemory>,
}

#[derive(Deserialize)]
struct Subject {
    log_bytes: f64,
}

#[derive(Deserialize)]
struct AtMemory {
    function: String,
    memory_mb: u64,
    billed_ms: f64,
}

/// The quantities that AWS bills for one callback.
struct Measured {
    table_units: f64,
    index_units: f64,
    /// Of the query of a message's receipts.
    read_units: f64,
    item_bytes: usize,
    /// Size of the object in the bucket. None if the body is in the item.
    object_bytes: Option<usize>,
    message_bytes: usize,
}

impl Prices {
    /// The cost of an object that is put, stored for a month, and read once at fan-out.
    fn object(&self, bytes: f64) -> f64 {
        self.s3_put_usd + self.s3_get_usd + bytes / 1e9 * self.s3_storage_gb_month_usd
    }

    /// The cost of an item that is put and stored for a month, without its index.
    fn item(&self, bytes: f64) -> f64 {
        let storage = self.dynamodb_storage_gb_month_usd + self.dynamodb_backup_gb_month_usd;
        (bytes / KB as f64).ceil() * self.dynamodb_write_unit_usd + bytes / 1e9 * storage
    }
}

#[test]
fn object_is_cheaper_from_the_large_item_size_on() {
    let prices: Prices = serde_json::from_str(include_str!("fixtures/prices.json")).unwrap();
    // The size of an item without its body, and of the pointer to an object.
    let (around, pointer) = (350.0, 110.0);
    let by_object = |item: f64| prices.object(item - around) + prices.item(around + pointer);
    let large = LARGE_ITEM_BYTES as f64;
    assert!(prices.item(large - 200.0) < by_object(large - 200.0));
    assert!(prices.item(large + 200.0) > by_object(large + 200.0));
}

const KB: usize = 1_024;
/// CloudWatch Logs adds this to the text of each event.
const LOG_EVENT_BYTES: f64 = 26.0;
const MINUTES_OF_A_MONTH: f64 = 730.0 * 60.0;
/// The batch size of a busy stream, which shares the price of an invocation.
const RECORDS_OF_A_BATCH: f64 = 10.0;

fn mo(id: &str, content: &Value, size_bytes: usize) -> Value {
    let body = |text: &str| {
        let mut body = json!({"id": id, "source": "+6421000001", "destination": "6421000002", "content": content});
        body["content"]["text"] = json!({"body": text});
        body
    };
    let rest = size_bytes.saturating_sub(body("").to_string().len());
    body(&"k".repeat(rest))
}

fn text(id: &str, size_bytes: usize) -> Value {
    let content = json!({"from": "6421000001", "id": "wamid.made-up", "timestamp": "1763889302", "type": "text"});
    mo(id, &content, size_bytes)
}

fn image(id: &str) -> Value {
    let image = json!({
        "id": "1043719853746215", "mime_type": "image/jpeg", "caption": "Look at this",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "url": format!("https://lookaside.example/whatsapp_business/attachments/?mid=1043719853746215&{}", "x".repeat(180)),
    });
    let content = json!({
        "from": "6421000001", "id": "wamid.made-up", "timestamp": "1763889302", "type": "image", "image": image,
    });
    json!({"id": id, "source": "+6421000001", "destination": "6421000002", "content": content})
}

fn dlr(id: &str) -> Value {
    json!({"id": id, "status": "delivered", "reference": "order-17"})
}

/// Posts a callback, reads its item, and writes a copy of it to learn the consumed capacity.
async fn measure(stack: &Stack, kind: Kind, id: &str, body: &Value) -> Measured {
    assert_eq!(stack.post_ok(kind, body).await, "stored");
    let pk = format!("{}#{id}", kind.as_str().to_uppercase());
    let sk = if kind == Kind::Mo { "EVENT" } else { "delivered" };
    let key = |pk: &str| {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
    };
    let get = stack.dynamodb.get_item().table_name(&stack.file.table).set_key(Some(key(&pk))).consistent_read(true);
    let mut attributes = get.send().await.unwrap().item.unwrap();
    let item: Item<'_> = serde_dynamo::from_item(attributes.clone()).unwrap();
    let body = body.to_string();
    let object_bytes = match &item.body {
        Body::Object(object) => Some(object.body_bytes),
        Body::Inline(_) => None,
    };
    let (item_bytes, event) = (item.size_bytes(), NewEvent::of(&item, &body).unwrap());
    let sent: usize = event.attributes().iter().map(|(name, value)| name.len() + "String".len() + value.len()).sum();
    let message_bytes = serde_json::to_string(&event).unwrap().len() + sent;

    let mut read_units = 0.0;
    if kind == Kind::Dlr {
        let query = stack.dynamodb.query().table_name(&stack.file.table).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(pk.clone())).consistent_read(true);
        let query = query.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
        read_units = query.consumed_capacity.unwrap().capacity_units.unwrap();
    }

    // As long as the original, but not the key of an event.
    let copy = format!("{}{}", "_".repeat(kind.as_str().len()), pk.split_at(kind.as_str().len()).1);
    attributes.insert("pk".to_owned(), AttributeValue::S(copy.clone()));
    let put = stack.dynamodb.put_item().table_name(&stack.file.table).set_item(Some(attributes));
    let put = put.return_consumed_capacity(ReturnConsumedCapacity::Indexes).send().await.unwrap();
    let consumed = put.consumed_capacity.unwrap();
    let index_units = consumed.global_secondary_indexes.unwrap_or_default();
    let delete = stack.dynamodb.delete_item().table_name(&stack.file.table).set_key(Some(key(&copy)));
    delete.send().await.unwrap();
    Measured {
        table_units: consumed.table.unwrap().capacity_units.unwrap(),
        index_units: index_units.values().map(|index| index.capacity_units.unwrap()).sum(),
        read_units,
        item_bytes,
        object_bytes,
        message_bytes,
    }
}

/// One row of the table, in dollars for a million callbacks.
fn row(name: &str, function: &str, it: &Measured, body_bytes: usize, prices: &Prices, bench: &Bench) -> String {
    let memory_mb = template()["Globals"]["Function"]["MemorySize"].as_u64().unwrap();
    let billed_ms = |function: &str| {
        let found = bench.memory.iter().find(|at| at.function == function && at.memory_mb == memory_mb);
        found
            .unwrap_or_else(|| panic!("recorded.json has no {function} at {memory_mb} MB: make bench BENCH=--record"))
            .billed_ms
    };
    let gb = memory_mb as f64 / 1_024.0;
    let invocation = |ms: f64| ms / 1_000.0 * gb * prices.lambda_gb_second_usd + prices.lambda_request_usd;
    let log = |function: &str, lines: f64| (bench.subjects[function].log_bytes + lines * LOG_EVENT_BYTES) / 1e9;
    let item = prices.item(it.item_bytes as f64) - it.table_units * prices.dynamodb_write_unit_usd;
    let columns = [
        body_bytes.div_ceil(512 * KB) as f64 * prices.http_api_request_usd,
        invocation(billed_ms(function)),
        (it.table_units + it.index_units) * prices.dynamodb_write_unit_usd
            + it.read_units * prices.dynamodb_read_unit_usd,
        item,
        it.object_bytes.map_or(0.0, |bytes| prices.object(bytes as f64)),
        invocation(billed_ms("fanout 10")) / RECORDS_OF_A_BATCH,
        it.message_bytes.div_ceil(64 * KB) as f64 * prices.sns_publish_usd,
        // fanout logs a line and a metric.
        (log(function, 1.0) + log("fanout 10", 2.0) / RECORDS_OF_A_BATCH + access_log_gb()) * prices.logs_gb_usd,
    ];
    let total: f64 = columns.iter().sum();
    let columns: Vec<String> = columns.iter().chain([&total]).map(|usd| format!("{:.2}", usd * 1e6)).collect();
    let units = format!("{} + {} + {}", it.table_units, it.index_units, it.read_units);
    format!("| {name} | {units} | {} |\n", columns.join(" | "))
}

/// The size of one line of the API's access log, for a stored callback.
fn access_log_gb() -> f64 {
    let values = [
        ("integration.requestId", "5d0b3f5e-6f0c-4f55-9f0e-0d6a1f1c7d11"),
        ("integration.status", "200"),
        ("integration.latency", "21"),
        ("integration.error", "-"),
        ("error.responseType", "-"),
        ("requestId", "KJ2bPgXwIAMEPlQ="),
        ("requestTime", "24/Nov/2026:09:15:02 +0000"),
        ("domainName", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"),
        ("routeKey", "POST /dlr"),
        ("status", "200"),
        ("responseLatency", "23"),
        ("responseLength", "118"),
    ];
    let template = template();
    let format = &template["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["Format"];
    let line = values.iter().fold(format.as_str().unwrap().to_owned(), |line, (name, value)| {
        line.replace(&format!("\"$context.{name}\""), &format!("\"{value}\""))
    });
    assert!(!line.contains("$context"), "a value is missing for {line}");
    (line.len() as f64 + LOG_EVENT_BYTES) / 1e9
}

/// Compares the part of docs/cost.md between the comments `name` with `table`.
fn check_page(name: &str, table: &str) {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let path = root().join("docs/cost.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(&begin).unwrap();
    let (there, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("WAB_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(there, table, "docs/cost.md is stale: run this test with WAB_UPDATE=1");
    }
}

/// The number of metrics that an alarm is billed for.
fn alarm_metrics(alarm: &Value) -> usize {
    let metrics = alarm["Properties"]["Metrics"].as_array();
    metrics.map_or(1, |metrics| metrics.iter().filter(|metric| metric["MetricStat"].is_object()).count())
}

#[test]
fn page_has_the_fixed_costs_of_a_month() {
    let prices: Prices = serde_json::from_str(include_str!("fixtures/prices.json")).unwrap();
    let template = template();
    let resources = template["Resources"].as_object().unwrap().values();
    let alarms = resources.filter(|it| it["Type"] == "AWS::CloudWatch::Alarm" && it["Condition"].is_null());
    let watched: usize = alarms.map(alarm_metrics).sum();
    let polls = prices.idle_polls_per_minute * MINUTES_OF_A_MONTH;
    // Only metrics that receive data are billed. In normal operation these do.
    let counted = ["stored", "duplicate", "Published", "DeliveryLag", "FanoutLag", "Credentials"];
    let custom_metrics = format!("custom metrics: `{}`", counted.join("`, `"));
    let costs = [
        ("alarms, by the metrics that they watch", watched as f64, prices.alarm_metric_month_usd),
        (&custom_metrics, counted.len() as f64, prices.custom_metric_month_usd),
        ("Lambda's polls of the empty spill queue", polls, prices.sqs_request_usd),
    ];
    let mut table = "| a month, whatever the traffic | how many | USD |\n|---|---|---|\n".to_owned();
    for (name, count, usd) in costs {
        table += &format!("| {name} | {count} | {:.2} |\n", count * usd);
    }
    let total: f64 = costs.iter().map(|(_, count, usd)| count * usd).sum();
    table += &format!("| in all | | {total:.2} |\n");
    check_page("fixed", &table);
}

#[test]
fn page_has_the_prices_of_options() {
    let prices: Prices = serde_json::from_str(include_str!("fixtures/prices.json")).unwrap();
    let rows = [
        ("`Dashboard`", "a month, from the account's fourth dashboard on", prices.dashboard_month_usd),
        ("`Tracing`", "a million recorded traces, after the month's first 100 000", prices.trace_usd * 1e6),
        ("`FifoTopics`", "a month: an alarm on two metrics", 2.0 * prices.alarm_metric_month_usd),
        (
            "`FifoTopics`",
            "a million events of 2 KB, without delivery",
            1e6 * (prices.sns_fifo_publish_usd + 2.0 * KB as f64 / 1e9 * prices.sns_fifo_gb_usd),
        ),
        // An eventually consistent read of at most 4 KB.
        (
            "`FifoTopics`",
            "a million queries for a user's earlier messages, one per user and batch",
            0.5e6 * prices.dynamodb_read_unit_usd,
        ),
        (
            "`SilenceMinutes`",
            "a month: a metric and an alarm",
            prices.custom_metric_month_usd + prices.alarm_metric_month_usd,
        ),
    ];
    let mut table = "| parameter | USD | for |\n|---|---|---|\n".to_owned();
    for (parameter, what, usd) in rows {
        table += &format!("| {parameter} | {usd:.2} | {what} |\n");
    }
    check_page("options", &table);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn page_has_the_measured_cost_of_a_million() {
    let prices: Prices = serde_json::from_str(include_str!("fixtures/prices.json")).unwrap();
    let recorded = std::fs::read_to_string(root().join("tools/bench/recorded.json"));
    let bench: Bench = serde_json::from_str(&recorded.expect("make bench BENCH=--record")).unwrap();
    let stack = Stack::connect().await;

    let id = |prefix| fresh_id(&format!("{prefix}-0d6a1f1c7d11-cost"));
    let cases = [
        ("text MO, 650 bytes", "mo", id("text"), Kind::Mo),
        ("image MO", "mo", id("image"), Kind::Mo),
        ("DLR", "dlr", id("dlr"), Kind::Dlr),
        ("MO of 200 KB", "mo", id("large"), Kind::Mo),
    ];
    let mut table = "| a million of | units: table + index + read | API Gateway | Lambda mo, dlr | table | its storage | bucket | Lambda fanout | SNS | logs | USD in all |\n|---|---|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for (name, function, id, kind) in &cases {
        let body = match *name {
            "image MO" => image(id),
            "DLR" => dlr(id),
            "MO of 200 KB" => text(id, 200 * KB),
            _ => text(id, 650),
        };
        let it = measure(&stack, *kind, id, &body).await;
        assert_eq!(it.table_units, it.item_bytes.div_ceil(KB) as f64, "{name}: a unit is a kilobyte");
        assert_eq!(it.index_units, 1.0, "{name}: one index, of keys alone");
        assert_eq!(it.table_units, 1.0, "{name}: fits one unit");
        table += &row(name, function, &it, body.to_string().len(), &prices, &bench);
    }

    check_page("cost", &table);
}
