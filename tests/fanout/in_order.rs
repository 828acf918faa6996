//! What `fanout` publishes to FIFO topics, and when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use wab_fanout::Fanout;
use wab_models::{Item, ReceivedAt, StreamBatch};

use crate::fake_aws::{Calls, aws, dynamodb_error, fanout_in_order, operations, published, sdk, sent, sns_error};
use crate::records::{dlr_record, mo_item, mo_record, plenty, record};
use crate::requests::mo_text;

/// A message from this user.
fn from(number: usize, user: &str) -> Value {
    let mut body = mo_text(&number.to_string());
    body["source"] = user.into();
    record(number, &mo_item(&body.to_string()))
}

/// A call to publish: its topic, and of each entry the gateway's id, the group and the deduplication id.
type Call = (String, Vec<(String, Option<String>, Option<String>)>);

fn publishes(calls: &Calls) -> Vec<Call> {
    let calls = calls.lock().unwrap();
    calls.iter().filter(|(operation, _)| operation == "PublishBatch").map(|(_, form)| read(form)).collect()
}

fn read(form: &str) -> Call {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let form: std::collections::BTreeMap<String, String> = form
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    let entries = (1..).map_while(|number| {
        let field = |name: &str| form.get(&format!("PublishBatchRequestEntries.member.{number}.{name}")).cloned();
        let event: Value = serde_json::from_str(&field("Message")?).unwrap();
        Some((event["subject"].as_str().unwrap().to_owned(), field("MessageGroupId"), field("MessageDeduplicationId")))
    });
    (form["TopicArn"].clone(), entries.collect())
}

/// The topics of the calls, each with the ids of its entries.
fn ids(calls: &Calls) -> Vec<(String, Vec<String>)> {
    let of_entries = |(topic, entries): Call| (topic, entries.into_iter().map(|(id, ..)| id).collect());
    publishes(calls).into_iter().map(of_entries).collect()
}

fn call(topic: &str, ids: &[&str]) -> (String, Vec<String>) {
    (topic.to_owned(), ids.iter().map(|id| (*id).to_owned()).collect())
}

/// Hands records to `fanout`. Returns the sequence number that it reports as failed, if any.
async fn fan_out(fanout: &Fanout, records: &[Value]) -> Vec<String> {
    let batch: StreamBatch = serde_json::from_value(json!({"Records": records})).unwrap();
    let answer = wab_fanout::handle(fanout, batch, plenty(), None).await.unwrap();
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

#[tokio::test]
async fn messages_of_a_user_are_published_one_after_another() {
    let (sdk, calls) = sdk(aws(|request| published(request, &[])));
    let records = [from(1, "a"), from(2, "b"), from(3, "a"), from(4, "a"), from(5, "b")];
    assert_eq!(fan_out(&fanout_in_order(&sdk), &records).await, [""; 0]);
    let expected = [
        call("MO_TOPIC_ARN", &["1", "2", "3", "4", "5"]),
        call("MO_FIFO_TOPIC_ARN", &["1", "2"]),
        call("MO_FIFO_TOPIC_ARN", &["3", "5"]),
        call("MO_FIFO_TOPIC_ARN", &["4"]),
    ];
    assert_eq!(ids(&calls), expected);
}

#[tokio::test]
async fn entry_has_its_group_and_its_event_id() {
    let (sdk, calls) = sdk(aws(|request| published(request, &[])));
    let mut other_status = dlr_record(4, "x");
    other_status["dynamodb"]["Keys"]["sk"]["S"] = "received".into();
    other_status["dynamodb"]["NewImage"]["sk"]["S"] = "received".into();
    let body = r#"{"id":"x","status":"received"}"#;
    other_status["dynamodb"]["NewImage"]["body"]["S"] = body.into();
    let records = [from(1, "a"), from(2, "a"), dlr_record(3, "x"), other_status, dlr_record(5, "y")];
    assert_eq!(fan_out(&fanout_in_order(&sdk), &records).await, [""; 0]);
    let (in_order, others): (Vec<Call>, Vec<Call>) =
        publishes(&calls).into_iter().partition(|(topic, _)| topic.contains("FIFO"));
    assert!(others.iter().flat_map(|(_, entries)| entries).all(|(_, group, id)| (group, id) == (&None, &None)));
    let entries: Vec<_> = in_order.into_iter().flat_map(|(_, entries)| entries).collect();
    let groups = ["1", "2", "x", "y"].map(|id| {
        let of_id = entries.iter().filter(|(of_entry, ..)| of_entry == id);
        of_id.map(|(_, group, _)| group.clone().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(groups[0], groups[1], "a user's messages");
    assert_eq!((groups[2].len(), &groups[2][0]), (2, &groups[2][1]), "a message's receipts");
    assert_ne!(groups[2][0], groups[3][0]);
    assert_ne!(groups[0][0], groups[2][0]);
    for (_, group, deduplication_id) in &entries {
        // SNS API reference, `PublishBatchRequestEntry`: at most 128 letters, digits and punctuation characters.
        assert_eq!((group.as_ref().unwrap().len(), deduplication_id.as_ref().unwrap().len()), (64, 32));
    }
    let key = wab_models::Key { pk: "MO#1".to_owned(), sk: "EVENT".to_owned() };
    let first = entries.iter().find(|(id, ..)| id == "1").unwrap();
    assert_eq!(first.2.as_ref(), Some(&key.event_id()));
}

#[tokio::test]
async fn replay_is_no_repeat_to_sns() {
    let (sdk, calls) = sdk(aws(|request| published(request, &[])));
    let batch = json!({"Records": [from(1, "a")], "count": true, "replay": true});
    wab_fanout::handle(&fanout_in_order(&sdk), serde_json::from_value(batch).unwrap(), plenty(), None).await.unwrap();
    let (_, entries) = publishes(&calls).pop().unwrap();
    let key = wab_models::Key { pk: "MO#1".to_owned(), sk: "EVENT".to_owned() };
    let (id, time) = entries[0].2.as_ref().unwrap().split_once('-').unwrap();
    assert_eq!((id, time.parse::<u64>().is_ok()), (&*key.event_id(), true));
}

#[tokio::test]
async fn message_waits_for_the_rejected_one_before_it() {
    let (sdk, calls) = sdk(aws(|request| {
        let fails = request.contains("FIFO") && request.contains("%22subject%22%3A%221%22");
        published(request, if fails { &[(0, "ThrottlingException", true)] } else { &[] })
    }));
    let fanout = fanout_in_order(&sdk);
    let records = [from(1, "a"), from(2, "a"), from(3, "b")];
    assert_eq!(fan_out(&fanout, &records).await, ["1"]);
    let expected = [call("MO_TOPIC_ARN", &["1", "2", "3"]), call("MO_FIFO_TOPIC_ARN", &["1", "3"])];
    assert_eq!(ids(&calls), expected);
    // Lambda retries the batch. Nothing is published a second time.
    calls.lock().unwrap().clear();
    assert_eq!(fan_out(&fanout, &records).await, ["1"]);
    assert_eq!(ids(&calls), [call("MO_FIFO_TOPIC_ARN", &["1"])]);
}

#[tokio::test]
async fn message_that_sns_rejects_for_good_is_parked_and_the_next_follows() {
    let (sdk, calls) =
        sdk(aws(|request| match request.contains("FIFO") && request.contains("%22subject%22%3A%221%22") {
            true => sns_error(400, "InvalidParameter"),
            false => published(request, &[]),
        }));
    let fanout = fanout_in_order(&sdk);
    assert_eq!(fan_out(&fanout, &[from(1, "a"), from(2, "a")]).await, ["2"]);
    assert_eq!(sent(&calls)[0]["key"], json!({"pk": "MO#1", "sk": "EVENT"}));
    calls.lock().unwrap().clear();
    assert_eq!(fan_out(&fanout, &[from(2, "a")]).await, [""; 0]);
    assert_eq!(ids(&calls), [call("MO_FIFO_TOPIC_ARN", &["2"])]);
}

#[tokio::test]
async fn missing_fifo_topic_keeps_no_event_from_the_others() {
    let (sdk, calls) = sdk(aws(|request| match request.contains("FIFO") {
        true => sns_error(404, "NotFound"),
        false => published(request, &[]),
    }));
    let records = [mo_record(1, "a"), dlr_record(2, "b")];
    assert_eq!(fan_out(&fanout_in_order(&sdk), &records).await, ["1"]);
    let topics: Vec<String> = publishes(&calls).into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics, ["MO_TOPIC_ARN", "DLR_TOPIC_ARN", "DLR_FIFO_TOPIC_ARN", "MO_FIFO_TOPIC_ARN"]);
}

/// An AWS whose table holds these items, and whose SNS answers by `publish`.
fn with_stored<P: Fn(&str) -> (u16, String)>(
    items: &[Item<'_>],
    publish: P,
) -> impl Fn(&str, &str) -> (u16, String) + use<P> {
    let aws = aws(publish);
    let items: Vec<Value> = items.iter().map(|item| record(0, item)["dynamodb"]["NewImage"].clone()).collect();
    move |operation, request| {
        let json = || serde_json::from_str::<Value>(request).unwrap();
        match operation {
            "Query" => {
                let query = json();
                assert_eq!(query["IndexName"], "by-source");
                let value = |name: &str| query["ExpressionAttributeValues"][name]["S"].as_str().unwrap().to_owned();
                let is_meant = |item: &&Value| {
                    let received_at = item["received_at"]["S"].as_str().unwrap();
                    item["source"]["S"] == value(":source")
                        && (&*value(":from")..=&*value(":until")).contains(&received_at)
                };
                let key = |item: &Value| json!({"pk": item["pk"], "sk": item["sk"]});
                let keys: Vec<Value> = items.iter().filter(is_meant).map(key).collect();
                (200, json!({"Items": keys}).to_string())
            }
            "GetItem" => {
                let get = json();
                let item = items.iter().find(|item| item["pk"] == get["Key"]["pk"]).unwrap();
                (200, json!({"Item": item}).to_string())
            }
            _ => aws(operation, request),
        }
    }
}

/// A stored message of this user, received so many seconds ago.
fn stored(id: &str, user: &str, seconds_ago: u64) -> Item<'static> {
    let mut body = mo_text(id);
    body["source"] = user.into();
    let mut item = serde_json::to_value(mo_item(&body.to_string())).unwrap();
    let received = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(seconds_ago);
    let received_at = ReceivedAt::from_epoch_ms(received.as_millis().try_into().unwrap());
    item["received_at"] = received_at.as_str().into();
    serde_json::from_value(item).unwrap()
}

fn all_published(request: &str) -> (u16, String) {
    published(request, &[])
}

#[tokio::test]
async fn what_a_user_sent_earlier_is_published_first() {
    let other_shard = [stored("2", "a", 2), stored("0", "a", 60), stored("x", "b", 3), stored("old", "a", 300)];
    let batch = [record(3, &stored("3", "a", 1)), record(1, &stored("1", "a", 4))];
    let (sdk, calls) = sdk(with_stored(&other_shard, all_published));
    let fanout = fanout_in_order(&sdk);
    assert_eq!(fan_out(&fanout, &batch).await, [""; 0]);
    let in_order = ["0", "1", "2", "3"].map(|id| call("MO_FIFO_TOPIC_ARN", &[id]));
    assert_eq!(ids(&calls), [&[call("MO_TOPIC_ARN", &["3", "1"])][..], &in_order].concat());
    // They aren't read or published again before the next message.
    calls.lock().unwrap().clear();
    assert_eq!(fan_out(&fanout, &[record(4, &stored("4", "a", 0))]).await, [""; 0]);
    assert_eq!(ids(&calls), [call("MO_TOPIC_ARN", &["4"]), call("MO_FIFO_TOPIC_ARN", &["4"])]);
    assert_eq!(operations(&calls), ["PublishBatch", "Query", "PublishBatch"]);
}

#[tokio::test]
async fn message_waits_for_an_earlier_one_that_is_throttled() {
    let (sdk, calls) = sdk(with_stored(&[stored("1", "a", 2)], |request| {
        published(request, if request.contains("FIFO") { &[(0, "ThrottlingException", true)] } else { &[] })
    }));
    assert_eq!(fan_out(&fanout_in_order(&sdk), &[record(2, &stored("2", "a", 1))]).await, ["2"]);
    assert_eq!(ids(&calls), [call("MO_TOPIC_ARN", &["2"]), call("MO_FIFO_TOPIC_ARN", &["1"])]);
}

#[tokio::test]
async fn earlier_message_that_sns_rejects_is_left_to_its_shard() {
    let (sdk, calls) = sdk(with_stored(&[stored("1", "a", 2)], |request| {
        match request.contains("FIFO") && request.contains("%22subject%22%3A%221%22") {
            true => sns_error(400, "InvalidParameter"),
            false => published(request, &[]),
        }
    }));
    assert_eq!(fan_out(&fanout_in_order(&sdk), &[record(2, &stored("2", "a", 1))]).await, [""; 0]);
    assert_eq!(sent(&calls), [Value::Null; 0]);
    assert_eq!(ids(&calls).pop(), Some(call("MO_FIFO_TOPIC_ARN", &["2"])));
}

#[tokio::test]
async fn message_waits_until_the_earlier_ones_can_be_read() {
    let (sdk, calls) = sdk(|operation: &str, request: &str| match operation {
        "Query" => dynamodb_error(400, "ThrottlingException"),
        _ => aws(all_published)(operation, request),
    });
    let batch = [record(1, &stored("1", "a", 1)), dlr_record(2, "x")];
    assert_eq!(fan_out(&fanout_in_order(&sdk), &batch).await, ["1"]);
    assert!(ids(&calls).iter().all(|(topic, _)| topic == "MO_TOPIC_ARN"), "{:?}", ids(&calls));
}

#[tokio::test]
async fn replay_looks_for_no_earlier_messages() {
    let (sdk, calls) = sdk(with_stored(&[stored("1", "a", 2)], all_published));
    let batch = json!({"Records": [record(2, &stored("2", "a", 1))], "count": true, "replay": true});
    wab_fanout::handle(&fanout_in_order(&sdk), serde_json::from_value(batch).unwrap(), plenty(), None).await.unwrap();
    assert_eq!(operations(&calls), ["PublishBatch", "PublishBatch"]);
}
