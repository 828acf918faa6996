//! `wab parked` and `wab replay` against the deployed stack.
//!
//! Each test stores its events at a time of its own, long ago, so that no replay affects another test.

use std::path::PathBuf;
use std::time::Instant;

use aws_sdk_dynamodb::types::{AttributeValue, WriteRequest};
use serde_json::{Value, json};
use wab_models::{DlrCallback, Item, Key, MoCallback, ReceivedAt};

use crate::end_to_end::{of, write};
use crate::records::{received_at, record};
use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::{Delivered, PATIENCE, Stack, run_wab};

/// An operator's directory, with the stack's file.
pub(crate) struct Desk {
    pub(crate) directory: PathBuf,
}

impl Desk {
    /// A desk with the stack of `WAB_STACK`, whose members `own` replaces.
    pub(crate) fn new(own: &Value) -> Self {
        let directory = std::env::temp_dir().join(fresh_id("wab-desk"));
        std::fs::create_dir_all(directory.join(".local")).unwrap();
        let file = std::fs::read(std::env::var("WAB_STACK").unwrap()).unwrap();
        let mut file: Value = serde_json::from_slice(&file).unwrap();
        file.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        std::fs::write(directory.join(".local/stack.json"), file.to_string()).unwrap();
        Self { directory }
    }

    pub(crate) async fn wab(&self, arguments: &[&str]) -> (u8, String) {
        run_wab(&self.directory, arguments).await
    }

    /// The messages that `wab parked list` prints as JSON.
    async fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let (code, printed) = self.wab(&[&["parked", "list", "--json"], arguments].concat()).await;
        assert_eq!(code, 0, "{printed}");
        let list: Value = serde_json::from_str(&printed).unwrap();
        list["messages"].as_array().unwrap().clone()
    }

    /// The parked message of an event. Waits, because another test may be hiding it.
    async fn parked(&self, event_id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            if let Some(message) = self.list(&["--event-id", event_id]).await.into_iter().find(&wanted) {
                return message;
            }
        }
        panic!("{event_id} isn't parked");
    }

    /// Redrives until there is a message to redrive.
    async fn redrive(&self, arguments: &[&str]) -> (u8, String) {
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            let (code, printed) = self.wab(&[&["parked", "redrive"], arguments].concat()).await;
            // Another test may be hiding it.
            if !printed.contains("nothing to redrive") && printed.contains("outcome") {
                return (code, printed);
            }
        }
        panic!("no message to redrive within {PATIENCE:?}");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A random time long ago, in milliseconds since 1970.
pub(crate) fn long_gone() -> i64 {
    let seconds = 100_000_000 + i64::from(getrandom::u32().unwrap() % 1_400_000_000);
    seconds * 1000
}

pub(crate) fn instant(at: i64) -> String {
    ReceivedAt::from_epoch_ms(at).as_str().to_owned()
}

pub(crate) fn mo_item(id: &str, at: i64) -> WriteRequest {
    let body = mo_text(id).to_string();
    write(&Item::mo(&MoCallback::parse(&body).unwrap(), received_at(&body, at)), |_| {})
}

pub(crate) fn dlr_item(id: &str, at: i64) -> WriteRequest {
    let body = dlr(id, "sent").to_string();
    write(&Item::dlr(&DlrCallback::parse(&body).unwrap(), received_at(&body, at)), |_| {})
}

pub(crate) fn key(id: &str) -> Key {
    Key { pk: format!("MO#{id}"), sk: "EVENT".to_owned() }
}

pub(crate) async fn put(stack: &Stack, writes: Vec<WriteRequest>) {
    stack.dynamodb.batch_write_item().request_items(&stack.file.table, writes).send().await.unwrap();
}

/// What Lambda parks when it gives up a batch of records that arrived between these times.
fn position(first: i64, last: i64) -> Value {
    json!({
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 1},
        "DDBStreamBatchInfo": {
            "shardId": "s", "startSequenceNumber": "1", "endSequenceNumber": "3", "batchSize": 3, "streamArn": "a",
            "approximateArrivalOfFirstRecord": instant(first),
            "approximateArrivalOfLastRecord": instant(last),
        },
    })
}

/// The words of each row of a printed table, without its header.
pub(crate) fn rows(printed: &str) -> Vec<Vec<&str>> {
    let rows = printed.lines().skip_while(|line| !line.trim_start().starts_with("outcome")).skip(1);
    rows.map(|line| line.split_whitespace().collect()).collect()
}

pub(crate) fn event_ids<'a>(events: &'a [Delivered], id: &str) -> Vec<&'a str> {
    of(events, id).iter().map(|delivered| delivered.event["id"].as_str().unwrap()).collect()
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn unpublishable_event_is_redriven_after_its_item_is_corrected() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let desk = Desk::new(&json!({}));
    let id = fresh_id("unpublishable");
    let event_id = key(&id).event_id();
    let body = mo_text(&id).to_string();
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received_at(&body, long_gone()));
    let spoilt = write(&item, |item| {
        item.insert("v".to_owned(), json!(99));
    });
    put(&stack, vec![spoilt]).await;

    let parked = desk.parked(&event_id, |_| true).await;
    assert_eq!((&parked["kind"], &parked["event_kind"]), (&json!("event"), &json!("mo")));
    assert_eq!(parked["reason"], "the item's layout is not known");
    assert!(!parked.to_string().contains(&id), "the id is only in its key");
    let (code, table) = desk.wab(&["parked", "list", "--reason", "layout", "--keys"]).await;
    assert!(code == 0 && table.contains("reason"), "{table}");

    let meant = ["--event-id", &*event_id];
    let (code, printed) = desk.redrive(&[&meant[..], &["--dry-run"]].concat()).await;
    assert!(code == 1 && printed.contains("dry run"), "{printed}");
    assert_eq!(rows(&printed)[0].join(" "), "parked again 1 the item's layout is not known");
    let (code, printed) = desk.redrive(&meant).await;
    assert_eq!((code, &rows(&printed)[0][..3]), (1, &["parked", "again", "1"][..]), "{printed}");
    let again = desk.parked(&event_id, |message| message["message_id"] != parked["message_id"]).await;
    assert_eq!(again["reason"], parked["reason"]);

    let update = stack.dynamodb.update_item().table_name(&stack.file.table).update_expression("SET v = :v");
    let update = update.key("pk", AttributeValue::S(key(&id).pk)).key("sk", AttributeValue::S("EVENT".to_owned()));
    update.expression_attribute_values(":v", AttributeValue::N("1".to_owned())).send().await.unwrap();
    let (code, printed) = desk.redrive(&meant).await;
    assert_eq!((code, &rows(&printed)[0][..]), (0, &["published", "1"][..]), "{printed}");
    let events = subscriber.everything_so_far().await;
    assert_eq!(event_ids(&events, &id), [event_id.as_str()]);
    assert_eq!(desk.list(&meant).await, [] as [Value; 0]);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn position_is_redriven_as_all_events_of_its_time() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let queue = stack.queue().await;
    let desk = Desk::new(&json!({"dead_letter_queue_url": queue}));
    let first = long_gone();
    let minute = 60_000;
    let inside = [fresh_id("first"), fresh_id("between"), fresh_id("last")];
    let outside = [fresh_id("before"), fresh_id("after")];
    let mut writes = vec![
        mo_item(&inside[0], first - 30_000),
        dlr_item(&inside[1], first + minute),
        mo_item(&inside[2], first + 2 * minute),
    ];
    writes.extend([mo_item(&outside[0], first - 2 * minute), mo_item(&outside[1], first + 3 * minute)]);
    put(&stack, writes).await;
    let before = subscriber.everything_so_far().await;

    let position = position(first, first + 2 * minute);
    // Lambda halves a failed batch, and reports a position for each half.
    for _ in 0..2 {
        stack.send(&queue, &position.to_string()).await;
    }
    let (code, table) = desk.wab(&["parked", "list"]).await;
    assert!(code == 0 && table.contains("RetryAttemptsExhausted; 3 records of "), "{table}");
    let (code, printed) = desk.redrive(&["--dry-run"]).await;
    assert!(code == 0 && printed.contains("replayed"), "{printed}");
    let (code, printed) = desk.redrive(&["--only", "position"]).await;
    assert!(code == 0 && printed.contains("published 3 events"), "{printed}");
    assert_eq!(desk.list(&[]).await, [] as [Value; 0]);
    let after = subscriber.everything_so_far().await;
    for id in &inside {
        assert_eq!(event_ids(&after, id), event_ids(&before, id), "published again with the same id");
    }
    for id in &outside {
        assert_eq!((event_ids(&before, id).len(), event_ids(&after, id).len()), (1, 0));
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn margin_widens_the_time_of_a_position() {
    let stack = Stack::connect().await;
    let queue = stack.queue().await;
    let desk = Desk::new(&json!({"dead_letter_queue_url": queue}));
    let at = long_gone();
    put(&stack, vec![mo_item(&fresh_id("early"), at - 10 * 60_000)]).await;
    for (margin, published) in [("9", 0), ("11", 1)] {
        stack.send(&queue, &position(at, at).to_string()).await;
        let (code, printed) = desk.wab(&["parked", "redrive", "--margin", margin, "--json"]).await;
        let tally: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!((code, &tally["replayed"]["published"]), (0, &json!(published)), "{margin} minutes: {printed}");
        assert_eq!(desk.list(&[]).await, [] as [Value; 0], "the position is redriven");
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn replay_republishes_a_window_with_the_same_event_ids() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let desk = Desk::new(&json!({}));
    let from = long_gone();
    let messages: Vec<String> = (0..3).map(|_| fresh_id("replayed")).collect();
    let receipt = fresh_id("replayed");
    let mut writes: Vec<WriteRequest> = messages.iter().map(|id| mo_item(id, from)).collect();
    writes.push(dlr_item(&receipt, from + 1));
    let late = fresh_id("late");
    writes.push(mo_item(&late, from + 1000));
    put(&stack, writes).await;
    let before = subscriber.everything_so_far().await;

    let (from, to) = (instant(from), instant(from + 1000));
    let window = ["replay", "--from", &*from, "--until", &*to];
    let (code, printed) = desk.wab(&[&window[..], &["--dry-run"]].concat()).await;
    assert_eq!((code, rows(&printed)[0].join(" ")), (0, "would be published 4".to_owned()), "{printed}");
    let (code, printed) = desk.wab(&[&window[..], &["--kind", "dlr"]].concat()).await;
    assert_eq!((code, rows(&printed)[0].join(" ")), (0, "published 1".to_owned()), "{printed}");
    let receipts = subscriber.everything_so_far().await;
    assert_eq!(event_ids(&receipts, &receipt), event_ids(&before, &receipt));
    assert!(messages.iter().all(|id| of(&receipts, id).is_empty()));

    let (code, printed) = desk.wab(&window).await;
    assert_eq!((code, rows(&printed)[0].join(" ")), (0, "published 4".to_owned()), "{printed}");
    let after = subscriber.everything_so_far().await;
    for id in messages.iter().chain([&receipt]) {
        assert_eq!(event_ids(&after, id), event_ids(&before, id));
    }
    assert_eq!((event_ids(&before, &late).len(), event_ids(&after, &late).len()), (1, 0));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn every_known_kind_is_redriven_and_others_stay() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (queue, spill_queue) = (stack.queue().await, stack.queue().await);
    let desk = Desk::new(&json!({"dead_letter_queue_url": queue, "spill_queue_url": spill_queue}));
    let (recorded, gone) = (fresh_id("recorded"), fresh_id("gone"));
    let body = mo_text(&recorded).to_string();
    let whole = record(17, &Item::mo(&MoCallback::parse(&body).unwrap(), received_at(&body, long_gone())));
    let spilled = r#"{"event": {"pk": "MO#spilled", "sk": "EVENT", "body": "\ud800"}}"#;
    for message in [
        json!({"reason": "gone", "key": key(&gone)}).to_string(),
        json!({"reason": "recorded", "record": whole}).to_string(),
        spilled.to_owned(),
        format!(r#"{{"reason": "the table did not take it", "spilled": {spilled}}}"#),
        json!({"reason": "cut off", "spilled": "{\"event\": {"}).to_string(),
        json!({"hello": "there"}).to_string(),
    ] {
        stack.send(&queue, &message).await;
    }
    let kinds = |list: Vec<Value>| {
        let mut kinds: Vec<String> = list.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(desk.list(&[]).await), ["event", "record", "spilled", "spilled", "spilled", "unknown"]);

    let (code, printed) = desk.redrive(&["--max", "1", "--only", "spilled"]).await;
    assert!(code == 1 && printed.contains("more than --max"), "{printed}");
    let (code, printed) = desk.redrive(&[]).await;
    let lines = rows(&printed);
    assert_eq!(code, 1, "{printed}");
    assert_eq!(lines[0], ["published", "1"], "{printed}");
    assert_eq!(lines[1][..3], ["sent", "on", "2"], "{printed}");
    assert_eq!(lines[2][..2], ["gone", "1"], "{printed}");
    assert_eq!(lines[3][..2], ["left", "1"], "{printed}");
    let (code, printed) = desk.redrive(&["--forget-gone", "--reason", "gone"]).await;
    assert_eq!((code, &rows(&printed)[0][..2]), (0, &["forgotten", "1"][..]), "{printed}");
    assert_eq!(kinds(desk.list(&[]).await), ["unknown"]);

    let mut sent = stack.take_all(&spill_queue).await;
    sent.sort();
    assert_eq!(sent, [r#"{"event": {"#, spilled, spilled], "the messages are sent verbatim");
    let events = subscriber.everything_so_far().await;
    assert_eq!(event_ids(&events, &recorded), [key(&recorded).event_id().as_str()]);
}
