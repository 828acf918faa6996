//! The functions' log lines: none contains a body, a number, a name, a `wamid` or a secret.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::{Duration, UNIX_EPOCH};

use aws_smithy_async::time::StaticTimeSource;
use serde_json::{Value, json};
use wab_ingress::{Receiver, Verifier};
use wab_marked::WORD;
use wab_models::{Spilled, StreamBatch};
use wab_recover::{Recover, Settings};

use crate::fake_aws::{
    aws, dynamodb_error, fanout, no_table, published, queued, receiver, receiver_settings, receiver_with, sdk, success,
    taken_by,
};
use crate::marked::check_unmarked;
use crate::records::{mo_item, mo_record, plenty, record};
use crate::requests::{PASSWORD, USER, at_path, basic, mo_text, probing, request};
use crate::subscriber_example::subscriber;

/// The value of every field that comes from outside.
const SECRET: &str = WORD;

thread_local! {
    /// What this thread has logged. Each test has a thread of its own.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A writer that keeps the log of each thread in memory.
struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Installs the functions' log for the whole process, before any function runs.
///
/// With a log for each test, `tracing` would ask only the thread that reaches a log statement first whether the
/// statement is enabled. A test without a log then switches the statement off for the others.
pub(crate) fn keep_log() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| tracing::subscriber::set_global_default(wab_platform::log(|| Kept)).unwrap());
}

/// Runs `what`. Returns the lines that it logs.
async fn log_of<T>(what: impl Future<Output = T>) -> Vec<Value> {
    LOGGED.take();
    what.await;
    let text = String::from_utf8(LOGGED.take()).unwrap();
    check_unmarked(&text);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn mo_full_of_secrets() -> Value {
    json!({"id": SECRET, "source": SECRET, "Destination": SECRET, "reference": SECRET, "operator": SECRET, SECRET: SECRET,
           "content": {"type": SECRET, "from": SECRET, "id": SECRET, "text": {"body": SECRET}}})
}

/// Posts `body` to `mo`. Returns the fields of the only log line.
async fn line_of(
    authorization: &str,
    body: &str,
    answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static,
) -> Value {
    let (sdk, _) = sdk(answer);
    let receiver = receiver(&sdk);
    let lines = log_of(wab_mo::handle(&receiver, request("/mo", Some(authorization), body.as_bytes()))).await;
    let [line] = &lines[..] else { panic!("one line per callback: {lines:?}") };
    assert!(line.to_string().len() <= 400, "{line}");
    let mut fields = line["fields"].clone();
    assert_eq!(fields["callback.kind"], "mo");
    fields["level"] = line["level"].clone();
    fields
}

#[tokio::test]
async fn accepted_callback_is_one_line_with_its_outcome() {
    let right = basic(USER, PASSWORD);
    let mo = mo_full_of_secrets().to_string();
    let stored = line_of(&right, &mo, success).await;
    assert_eq!((&stored["level"], &stored["outcome"]), (&json!("INFO"), &json!("stored")));
    assert_eq!(stored["event.id"].as_str().unwrap().len(), 32);
    assert_eq!((&stored["credential"], &stored["delivery_lag_ms"]), (&json!("1"), &Value::Null));

    let same = json!({"digest": {"S": wab_models::Digest::of(&mo).as_str()}, "body": {"S": SECRET}});
    let duplicate = line_of(&right, &mo, move |_, _| taken_by(&same)).await;
    assert_eq!((&duplicate["level"], &duplicate["outcome"]), (&json!("INFO"), &json!("duplicate")));

    let other = json!({"digest": {"S": "0".repeat(64)}, "body": {"S": SECRET}});
    let put = move |_: &str, put: &str| if put.contains("EVENT#") { (200, "{}".to_owned()) } else { taken_by(&other) };
    let variant = line_of(&right, &mo, put).await;
    assert_eq!((&variant["level"], &variant["outcome"]), (&json!("WARN"), &json!("variant")));
}

/// The delivery lag on the line of a message with this timestamp, received at 1763889302.417.
async fn lag_of(timestamp: Value, answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Value {
    let mut mo = mo_full_of_secrets();
    mo["content"]["timestamp"] = timestamp;
    line_of(&basic(USER, PASSWORD), &mo.to_string(), answer).await["delivery_lag_ms"].clone()
}

#[tokio::test]
async fn delivery_lag_is_logged_for_new_messages() {
    assert_eq!(lag_of(json!("1763889300"), success).await, 2_417);
    assert_eq!(lag_of(json!(1_763_889_300), no_table("InternalServerError")).await, 2_417);
    assert_eq!(lag_of(json!("1763889303"), success).await, 0, "WhatsApp's clock is ahead");
    assert_eq!(lag_of(json!(SECRET), success).await, Value::Null);
    let repeated = |_: &str, put: &str| {
        let body = serde_json::from_str::<Value>(put).unwrap()["Item"]["digest"].clone();
        taken_by(&json!({"digest": body}))
    };
    assert_eq!(lag_of(json!("1763889300"), repeated).await, Value::Null, "a repeat arrives whenever it is sent");
}

#[tokio::test]
async fn line_names_the_matching_verifier_by_position() {
    let (sdk, _) = sdk(success);
    let rotating =
        [("old", "OLD"), (USER, PASSWORD)].map(|(user, word)| Verifier::new(user, word).unwrap().to_string());
    let receiver = receiver_with(&sdk, &rotating.join(","));
    for (authorization, body, credential) in [
        (basic("old", "OLD"), mo_text("a").to_string(), json!("1")),
        (basic(USER, PASSWORD), mo_text("a").to_string(), json!("2")),
        (basic(USER, PASSWORD), SECRET.to_owned(), json!("2")),
        (basic(USER, "wrong"), mo_text("a").to_string(), Value::Null),
    ] {
        let request = request("/mo", Some(&authorization), body.as_bytes());
        let lines = log_of(wab_mo::handle(&receiver, request)).await;
        assert_eq!(lines[0]["fields"]["credential"], credential);
    }
    let lines = log_of(wab_mo::handle(&receiver, probing("/mo", Some(&basic(USER, PASSWORD)), b""))).await;
    let [line] = &lines[..] else { panic!("one line: {lines:?}") };
    assert_eq!((&line["level"], &line["fields"]["outcome"]), (&json!("INFO"), &json!("probe")));
    assert_eq!(line["fields"]["credential"], Value::Null, "the gateway didn't use them");
}

#[tokio::test]
async fn rejection_is_one_line_with_its_code() {
    let right = basic(USER, PASSWORD);
    let mo = mo_full_of_secrets().to_string();
    for (authorization, body, code) in [
        (&*basic(USER, SECRET), &*mo, "unauthorized"),
        (&*basic(SECRET, SECRET), &*mo, "unauthorized"),
        (&*format!("Bearer {SECRET}"), &*mo, "unauthorized"),
        (&*right, &*format!("{{\"{SECRET}"), "not_json"),
        (&*right, &*format!("\"{SECRET}\""), "not_an_object"),
        (&*right, &*format!("{{\"source\":\"{SECRET}\"}}"), "no_id"),
        (&*right, &*SECRET.repeat(1_100_000), "too_large"),
    ] {
        let fields = line_of(authorization, body, success).await;
        assert_eq!((&fields["level"], &fields["code"]), (&json!("WARN"), &json!(code)));
        let is_kept = !["unauthorized", "too_large"].contains(&code);
        assert_eq!(fields["outcome"] == "quarantined", is_kept, "{fields}");
    }
}

#[tokio::test]
async fn forbidden_caller_is_one_line_with_its_address() {
    let (sdk, _) = sdk(success);
    let settings = receiver_settings(|name| (name == "ALLOWED_NETWORKS").then(|| "198.51.100.0/24".to_owned()));
    let receiver = Receiver::new(settings, &sdk);
    let request = request("/mo", Some(SECRET), mo_full_of_secrets().to_string().as_bytes());
    let lines = log_of(wab_mo::handle(&receiver, request)).await;
    let [line] = &lines[..] else { panic!("one line: {lines:?}") };
    assert_eq!((&line["level"], &line["fields"]["code"]), (&json!("WARN"), &json!("forbidden")));
    assert_eq!(line["fields"]["reason"], "192.0.2.1 is in no allowed network");
}

#[tokio::test]
async fn secret_path_is_logged_by_its_position() {
    let (sdk, _) = sdk(success);
    let paths = ["other", SECRET].map(|segment| Verifier::new("shop", segment).unwrap().to_string()).join(",");
    let receiver = Receiver::new(receiver_settings(|name| (name == "SECRET_PATHS").then(|| paths.clone())), &sdk);
    let body = mo_text("a").to_string();
    for (segment, credential) in [(SECRET, json!("path-2")), (&*SECRET.repeat(2), Value::Null)] {
        let request = at_path("/mo", Some(segment), None, body.as_bytes());
        let lines = log_of(wab_mo::handle(&receiver, request)).await;
        let [line] = &lines[..] else { panic!("one line: {lines:?}") };
        assert_eq!(line["fields"]["credential"], credential, "{line}");
    }
}

#[tokio::test]
async fn failed_put_is_one_line_with_its_reason() {
    let right = basic(USER, PASSWORD);
    let mo = mo_full_of_secrets().to_string();
    let deferred = line_of(&right, &mo, |operation, _| match operation {
        "SendMessage" => queued(),
        _ => dynamodb_error(400, "AccessDeniedException"),
    });
    let deferred = deferred.await;
    assert_eq!((&deferred["level"], &deferred["outcome"]), (&json!("WARN"), &json!("deferred")));
    assert_eq!(deferred["reason"], "AccessDeniedException");

    let lost = line_of(&right, &mo, |_, _| dynamodb_error(400, "AccessDeniedException")).await;
    assert_eq!((&lost["level"], &lost["code"]), (&json!("ERROR"), &json!("unavailable")));
    assert_eq!(
        (&lost["reason"], &lost["spill.reason"]),
        (&json!("AccessDeniedException"), &json!("AccessDeniedException"))
    );
    assert_eq!(lost["event.id"], deferred["event.id"], "the lost event is named");
    assert_eq!(lost["event.id"].as_str().unwrap().len(), 32);
    let no_event = line_of(&right, SECRET, |_, _| dynamodb_error(400, "AccessDeniedException")).await;
    assert_eq!((&no_event["code"], &no_event["event.id"]), (&json!("unavailable"), &Value::Null));
}

#[tokio::test]
async fn fanout_logs_parked_events_without_their_contents() {
    let body = mo_full_of_secrets().to_string();
    let item = mo_item(&body);
    let mut poison = record(2, &item);
    poison["dynamodb"]["NewImage"]["body"]["S"] = SECRET.into();
    let unreadable = json!({"eventName": SECRET, "dynamodb": {"SequenceNumber": "3", "Keys": SECRET}});
    let good = mo_record(1, "a");
    let (sdk, _) = sdk(|operation, request| match operation {
        "PublishBatch" => published(request, &[(1, "InternalError", false)]),
        _ => (200, json!({"MessageId": "m"}).to_string()),
    });
    let fanout = fanout(&sdk);
    let batch = |records: &[&Value]| -> StreamBatch { serde_json::from_value(json!({"Records": records})).unwrap() };

    let lines = log_of(wab_fanout::handle(&fanout, batch(&[&good, &poison, &unreadable]), plenty(), None)).await;
    let [parked, unread, all, lag] = &lines[..] else {
        panic!("a line for each parked event, one for the batch, and one metric: {lines:?}")
    };
    for line in [parked, unread] {
        assert_eq!((&line["level"], &line["fields"]["outcome"]), (&json!("ERROR"), &json!("parked")));
    }
    assert_eq!(parked["fields"]["reason"], "the body is not the callback that the key says");
    assert_eq!(unread["fields"]["reason"], "the record is no stream record");
    assert_eq!((&all["level"], &all["fields"]["records"]), (&json!("INFO"), &json!(3)));
    assert_eq!((&all["fields"]["published"], lag["FanoutLag"].as_array().unwrap().len()), (&json!(1), 1));

    let lines = log_of(wab_fanout::handle(&fanout, batch(&[&good, &record(2, &item)]), plenty(), None)).await;
    let [line, lag] = &lines[..] else { panic!("a line and a metric: {lines:?}") };
    assert_eq!((&line["level"], &line["fields"]["reason"]), (&json!("ERROR"), &json!("InternalError")));
    assert_eq!((&line["fields"]["published"], lag["FanoutLag"].as_array().unwrap().len()), (&json!(1), 1));
    assert_eq!((&line["fields"]["waiting"], &line["fields"]["event.ids"]), (&json!(1), &json!(item.key.event_id())));
}

/// The metric lines of a batch that is published 2.5 s after its events were received.
async fn metrics_of(batch: Value) -> Vec<Value> {
    let (sdk, _) = sdk(aws(|request| published(request, &[])));
    let now = UNIX_EPOCH + Duration::from_millis(1_763_889_302_417 + 2_500);
    let sdk = sdk.into_builder().time_source(StaticTimeSource::new(now)).build();
    let batch = serde_json::from_value(batch).unwrap();
    let deadline = now + Duration::from_secs(60);
    let lines = log_of(wab_fanout::handle(&fanout(&sdk), batch, deadline, None)).await;
    lines.into_iter().filter(|line| line["_aws"].is_object()).collect()
}

#[tokio::test]
async fn fan_out_lag_is_one_metric_line_a_batch() {
    let records: Vec<Value> = (0..100).map(|number| mo_record(number, &number.to_string())).collect();
    let metrics = metrics_of(json!({"Records": records})).await;
    let [metric] = &metrics[..] else { panic!("one line: {metrics:?}") };
    assert_eq!(metric["FanoutLag"], json!(vec![2_500; 100]));
    assert_eq!(metric["_aws"]["Timestamp"], 1_763_889_304_917_u64);
    assert_eq!(metric["_aws"]["CloudWatchMetrics"][0]["Namespace"], "METRIC_NAMESPACE");
    // Parked events that are brought back are published for the first time.
    assert_eq!(metrics_of(json!({"Records": records[..1], "count": true})).await.len(), 1);
    assert_eq!(metrics_of(json!({"Records": records[..1], "count": true, "replay": true})).await, [""; 0]);
}

#[tokio::test]
async fn fanout_logs_the_first_ten_waiting_events() {
    let records: Vec<Value> = (0..30).map(|number| mo_record(number, &format!("{SECRET}-{number}"))).collect();
    let throttled: Vec<_> = (0..10).map(|entry| (entry, "Throttled", true)).collect();
    let (sdk, _) = sdk(move |_, request| published(request, &throttled));
    let fanout = fanout(&sdk);
    let batch = serde_json::from_value(json!({"Records": records})).unwrap();
    let lines = log_of(wab_fanout::handle(&fanout, batch, plenty(), None)).await;
    let [line] = &lines[..] else { panic!("one line: {lines:?}") };
    let ids: Vec<&str> = line["fields"]["event.ids"].as_str().unwrap().split(' ').collect();
    assert_eq!((&line["fields"]["waiting"], ids.len()), (&json!(30), 10));
    assert!(ids.iter().all(|id| id.len() == 32), "{ids:?}");
}

#[tokio::test]
async fn recover_logs_each_outcome() {
    let body = mo_full_of_secrets().to_string();
    let item = mo_item(&body);
    let message = Spilled::Event(item.clone()).to_message().unwrap();
    let message = json!({"messageId": "1", "body": message, "attributes": {"ApproximateReceiveCount": "1"}});
    let digest = item.digest.as_str().to_owned();
    for (outcome, stored) in [("recovered", None), ("duplicate", Some(digest)), ("variant", Some(String::new()))] {
        let taken = stored.clone();
        let (sdk, _) = sdk(move |_, request| match &taken {
            // A variant's key ends with its digest.
            Some(digest) if !request.contains("EVENT#") => taken_by(&json!({"digest": {"S": digest}})),
            _ => (200, "{}".to_owned()),
        });
        let recover = Recover::new(Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap(), &sdk);
        let batch = serde_json::from_value(json!({"Records": [message]})).unwrap();
        let lines = log_of(wab_recover::handle(&recover, batch)).await;
        let [line] = &lines[..] else { panic!("one line: {lines:?}") };
        assert_eq!((&line["level"], &line["fields"]["outcome"]), (&json!("INFO"), &json!(outcome)));
        assert_eq!(line["fields"]["event.id"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn recover_logs_a_parked_message() {
    let (sdk, _) = sdk(|_, _| queued());
    let recover = Recover::new(Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap(), &sdk);
    let message = json!({"messageId": "1", "body": SECRET, "attributes": {"ApproximateReceiveCount": "1"}});
    let batch = serde_json::from_value(json!({"Records": [message]})).unwrap();
    let lines = log_of(wab_recover::handle(&recover, batch)).await;
    let [line] = &lines[..] else { panic!("one line: {lines:?}") };
    assert_eq!((&line["level"], &line["fields"]["outcome"]), (&json!("ERROR"), &json!("parked")));
}

#[tokio::test]
async fn example_subscriber_logs_under_its_own_target() {
    let (sdk, _) = sdk(success);
    let subscriber = subscriber(&sdk);
    let batch = json!({"Records": [{"messageId": "1", "body": SECRET, "attributes": {}, "messageAttributes": {}}]});
    let lines = log_of(wab_subscriber::handle(&subscriber, serde_json::from_value(batch).unwrap())).await;
    let [line] = &lines[..] else { panic!("one line: {lines:?}") };
    assert_eq!((&line["level"], &line["target"]), (&json!("WARN"), &json!("wab_subscriber")));
    let body = mo_text("a").to_string();
    let item = mo_item(&body);
    let event = wab_models::NewEvent::of(&item, &body).unwrap().to_message().unwrap();
    let batch = json!({"Records": [{"messageId": "1", "body": event, "attributes": {}, "messageAttributes": {}}]});
    let lines = log_of(wab_subscriber::handle(&subscriber, serde_json::from_value(batch).unwrap())).await;
    assert!(lines.is_empty(), "{lines:?}");
}
