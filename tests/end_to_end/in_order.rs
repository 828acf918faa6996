//! Events at a FIFO queue, in order.

use serde_json::json;
use wab_events::Kind;

use super::of;
use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::Stack;

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn fifo_queue_gets_events_in_order() {
    let stack = Stack::connect().await;
    let topics: Vec<&str> = stack.file.fifo_topic_arns.iter().map(String::as_str).collect();
    let subscriber = stack.subscribe_fifo(&topics).await;
    let message = fresh_id("receipts");
    let statuses = ["submitted", "sent", "received", "read"];
    let texts: Vec<String> = (0..4).map(|number| fresh_id(&format!("text-{number}"))).collect();
    for (text, status) in texts.iter().zip(statuses) {
        assert_eq!(stack.post_ok(Kind::Mo, &mo_text(text)).await, "stored");
        assert_eq!(stack.post_ok(Kind::Dlr, &dlr(&message, status)).await, "stored");
    }
    let events = subscriber.everything_so_far().await;
    let receipts = of(&events, &message).into_iter().map(|delivered| delivered.event["data"]["status"].clone());
    assert_eq!(receipts.collect::<Vec<_>>(), statuses.map(|status| json!(status)));
    let arrived = events.iter().map(|delivered| delivered.subject().to_owned()).filter(|id| texts.contains(id));
    assert_eq!(arrived.collect::<Vec<_>>(), texts);
}
