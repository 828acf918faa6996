//! Quarantine, spill queue, dead-letter queue and outages, end to end.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wab_events::Kind;
use wab_models::{DlrCallback, Item, MoCallback, Spilled};

use super::{of, write};
use crate::records::received_at;
use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::Stack;

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn invalid_callback_is_quarantined_and_not_published() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let body = format!("{{\"id\": \"{}\",", fresh_id("broken"));
    assert_eq!(stack.post(Kind::Mo, body.as_str()).await.status, 400);
    let today = format!("QUARANTINE#{:.10}", jiff::Timestamp::now().to_string());
    let kept = stack.items(&today).await;
    let [item] = &kept.iter().filter(|item| item.get("body") == Some(&body)).collect::<Vec<_>>()[..] else {
        panic!("one item")
    };
    assert_eq!((&*item["kind"], &*item["application"]), ("mo", &*stack.file.username));
    assert!(item["reason"].starts_with("the body is not JSON"), "{}", item["reason"]);
    assert!(subscriber.everything_so_far().await.iter().all(|delivered| !delivered.text.contains("broken")));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn spilled_event_is_stored_and_published() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (new, known) = (fresh_id("deferred"), fresh_id("known"));
    stack.post_ok(Kind::Mo, &mo_text(&known)).await;
    for id in [&new, &known] {
        let body = mo_text(id).to_string();
        let item = Item::mo(&MoCallback::parse(&body).unwrap(), received_at(&body, 1_763_889_302_417));
        stack.spill(&Spilled::Event(item).to_message().unwrap()).await;
    }
    let events = subscriber.until(&new, 1).await;
    let [item] = &stack.items(&format!("MO#{new}")).await[..] else { panic!("one item") };
    assert_eq!(item["received_at"], "2025-11-23T09:15:02.417Z", "the time of the request");
    assert_eq!(stack.items(&format!("MO#{known}")).await.len(), 1);
    assert_eq!(of(&[events, subscriber.everything_so_far().await].concat(), &known).len(), 1);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn unreadable_spilled_message_is_parked() {
    let stack = Stack::connect().await;
    let id = fresh_id("newer");
    let newer = json!({"event": {"v": 99, "pk": format!("MO#{id}")}});
    stack.spill(&newer.to_string()).await;
    let parked = stack.parked(|message| message["spilled"]["event"]["pk"] == newer["event"]["pk"]).await;
    assert_eq!(parked, json!({"reason": "the message is no spilled item", "spilled": newer}));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn unpublishable_record_is_parked_alone() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (first, poison, last) = (fresh_id("first"), fresh_id("poison"), fresh_id("last"));
    let bodies = [mo_text(&first).to_string(), mo_text(&poison).to_string(), dlr(&last, "sent").to_string()];
    let [one, two, three] = &bodies;
    let mo = |body| Item::mo(&MoCallback::parse(body).unwrap(), received_at(body, 0));
    let writes = vec![
        write(&mo(one), |_| {}),
        write(&mo(two), |item| {
            item.insert("v".to_owned(), json!(99));
        }),
        write(&Item::dlr(&DlrCallback::parse(three).unwrap(), received_at(three, 0)), |_| {}),
    ];
    stack.dynamodb.batch_write_item().request_items(&stack.file.table, writes).send().await.unwrap();

    let parked = stack.parked(|message| message["key"]["pk"] == format!("MO#{poison}")).await;
    assert_eq!(parked["reason"], "the item's layout is not known");
    assert_eq!(parked["key"]["sk"], "EVENT");
    // Another test may be denying access to a topic at the same time.
    let events = [subscriber.until(&last, 1).await, subscriber.everything_so_far().await].concat();
    assert_eq!((of(&events, &first).len(), of(&events, &poison).len()), (1, 0));
}

/// Denies everyone `sns:Publish` on a topic, or removes that denial.
async fn deny_publishing(stack: &Stack, topic: &str, denied: bool) {
    let attributes = stack.sns.get_topic_attributes().topic_arn(topic).send().await.unwrap().attributes.unwrap();
    let mut policy: Value = serde_json::from_str(&attributes["Policy"]).unwrap();
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Sid"] != "Denied");
    if denied {
        let statement =
            json!({"Sid": "Denied", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic});
        statements.push(statement);
    }
    let set = stack.sns.set_topic_attributes().topic_arn(topic).attribute_name("Policy");
    set.attribute_value(policy.to_string()).send().await.unwrap();
}

/// Waits until Lambda reports a failed batch of the stream.
async fn stream_fails(stack: &Stack) -> bool {
    for _ in 0..300 {
        let mappings = stack.lambda.list_event_source_mappings().function_name(&stack.file.fanout_function);
        let mappings = mappings.send().await.unwrap().event_source_mappings.unwrap();
        if mappings[0].last_processing_result.as_deref() == Some("FAILED") {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn all_events_arrive_after_an_sns_outage() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (mo, dlr_topic) = (&*stack.file.mo_topic_arn, &*stack.file.dlr_topic_arn);
    // First all events fail, then half of each batch.
    for topics in [&[mo, dlr_topic][..], &[dlr_topic]] {
        let ids: Vec<String> = (0..30).map(|_| fresh_id("outage")).collect();
        for topic in topics {
            deny_publishing(&stack, topic, true).await;
        }
        for id in &ids {
            // The gateway doesn't notice the outage.
            assert_eq!(stack.post_ok(Kind::Mo, &mo_text(id)).await, "stored");
            assert_eq!(stack.post_ok(Kind::Dlr, &dlr(id, "sent")).await, "stored");
        }
        let failed = stream_fails(&stack).await;
        for topic in topics {
            deny_publishing(&stack, topic, false).await;
        }
        assert!(failed, "no batch failed");

        let events = subscriber.everything_so_far().await;
        for id in &ids {
            let events: BTreeSet<_> = of(&events, id)
                .iter()
                .map(|delivered| (delivered.attributes["kind"].as_str(), delivered.event["id"].as_str()))
                .collect();
            assert_eq!(events.len(), 2, "each at least once, with the same id");
        }
    }
}
