//! The deployed stack end to end, from the gateway's request to the subscriber's queue.

mod console;
mod erase;
mod expired;
mod failures;
mod listen;
pub(crate) mod marked;
mod printed;
mod resend;
mod send;
mod show;
mod signals;
mod tools;

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use wab::stack::StackFile;
use wab_events::{DeliveryStatus, Kind};
use wab_marked::{RECIPIENT, SENDER};
use wab_models::{LARGE_ITEM_BYTES, MAX_BODY_BYTES};

use crate::requests::{basic, dlr, fresh_id, mo_text};
use crate::stack::{Delivered, Stack, run_wab};

/// The events with this message id.
pub(crate) fn of<'a>(events: &'a [Delivered], id: &str) -> Vec<&'a Delivered> {
    events.iter().filter(|delivered| delivered.subject() == id).collect()
}

/// The only event with this message id.
#[track_caller]
pub(crate) fn one<'a>(events: &'a [Delivered], id: &str) -> &'a Delivered {
    let [delivered] = of(events, id)[..] else { panic!("not one event of {id}") };
    delivered
}

/// Converts an item to a put, after `spoil` has changed its attributes.
pub(crate) fn write(item: &impl Serialize, spoil: impl FnOnce(&mut serde_json::Map<String, Value>)) -> WriteRequest {
    let mut item = serde_json::to_value(item).unwrap();
    spoil(item.as_object_mut().unwrap());
    let attributes = item.as_object().unwrap().iter().map(|(name, value)| {
        let value = match value {
            Value::Number(number) => AttributeValue::N(number.to_string()),
            other => AttributeValue::S(other.as_str().unwrap().to_owned()),
        };
        (name.clone(), value)
    });
    let put = PutRequest::builder().set_item(Some(attributes.collect())).build().unwrap();
    WriteRequest::builder().put_request(put).build()
}

/// Checks with an independent library that an event is a CloudEvent.
fn check_cloudevent(delivered: &Delivered) {
    let parsed: Result<cloudevents::Event, _> = serde_json::from_str(&delivered.text);
    assert!(parsed.is_ok(), "{:?}: {}", parsed.err(), delivered.text);
    assert_eq!(delivered.event["specversion"], "1.0");
    assert_eq!(delivered.event["datacontenttype"], "application/json");
    assert_eq!(delivered.event["id"].as_str().unwrap().len(), 32);
}

fn attributes<const N: usize>(attributes: [(&str, &str); N]) -> BTreeMap<String, String> {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn message_arrives_as_a_cloudevent_with_attributes() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("mo");
    let body = mo_text(&id);
    let answer = stack.post(Kind::Mo, body.to_string()).await;
    assert_eq!((answer.status, &answer.body["outcome"]), (200, &json!("stored")));
    assert_eq!(answer.body["id"], id.as_str());

    let events = subscriber.everything_so_far().await;
    let delivered = one(&events, &id);
    check_cloudevent(delivered);
    assert_eq!(delivered.event["id"], answer.body["event_id"]);
    assert_eq!(delivered.event["type"], "wab.mo.v1");
    assert_eq!(delivered.event["source"], format!("/wab/{}", stack.file.username));
    let data = json!({"id": id, "source": SENDER, "destination": RECIPIENT, "content": body["content"]});
    assert_eq!(delivered.event["data"], data);
    assert_eq!(
        delivered.attributes,
        attributes([
            ("kind", "mo"),
            ("schema", "wab.mo.v1"),
            ("application", &stack.file.username),
            ("type", "text"),
            ("source", SENDER),
            ("destination", RECIPIENT),
        ])
    );
    let [item] = &stack.items(&format!("MO#{id}")).await[..] else { panic!("one item") };
    assert_eq!(delivered.event["time"], item["received_at"].as_str());
    assert_eq!(item["body"], body.to_string());
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn receipt_of_any_status_arrives() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("dlr");
    let unheard_of = DeliveryStatus::Unknown("teleported".to_owned());
    let statuses: Vec<_> = DeliveryStatus::KNOWN.into_iter().chain([unheard_of]).collect();
    for status in &statuses {
        assert_eq!(stack.post_ok(Kind::Dlr, &dlr(&id, status.as_str())).await, "stored");
    }
    let events = subscriber.everything_so_far().await;
    let events = of(&events, &id);
    let arrived: Vec<_> = events.iter().map(|delivered| delivered.event["data"]["status"].as_str().unwrap()).collect();
    assert_eq!(arrived, statuses.iter().map(DeliveryStatus::as_str).collect::<Vec<_>>());
    for (delivered, status) in events.iter().zip(&statuses) {
        check_cloudevent(delivered);
        assert_eq!(delivered.event["type"], "wab.dlr.v1");
        assert_eq!(
            delivered.attributes,
            attributes([
                ("kind", "dlr"),
                ("schema", "wab.dlr.v1"),
                ("application", &stack.file.username),
                ("status", status.as_str()),
            ])
        );
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn filter_policy_selects_events_by_type() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(Some(json!({"type": ["reaction"]}))).await;
    let (text, reaction, last) = (fresh_id("text"), fresh_id("reaction"), fresh_id("last"));
    let reaction_of = |id: &str| {
        let mut callback = mo_text(id);
        callback["content"] =
            json!({"type": "reaction", "reaction": {"message_id": wab_marked::wamid("=="), "emoji": "👍"}});
        callback
    };
    stack.post_ok(Kind::Mo, &mo_text(&text)).await;
    stack.post_ok(Kind::Dlr, &dlr(&text, "received")).await;
    stack.post_ok(Kind::Mo, &reaction_of(&reaction)).await;
    stack.post_ok(Kind::Mo, &reaction_of(&last)).await;
    let events = subscriber.until(&last, 1).await;
    assert_eq!(of(&events, &reaction).len(), 1);
    assert!(events.iter().all(|delivered| delivered.attributes["type"] == "reaction"));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn fifty_concurrent_posts_store_and_publish_once() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("mo");
    let mut posts = JoinSet::new();
    for _ in 0..50 {
        let (stack, body) = (stack.clone(), mo_text(&id));
        posts.spawn(async move { stack.post_ok(Kind::Mo, &body).await });
    }
    let outcomes = posts.join_all().await;
    assert_eq!(outcomes.len(), 50);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "stored").count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "duplicate").count(), 49);
    assert_eq!(stack.items(&format!("MO#{id}")).await.len(), 1);
    assert_eq!(of(&subscriber.everything_so_far().await, &id).len(), 1);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn repeated_callback_is_published_once_whatever_its_layout() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("dlr");
    let first = format!(r#"{{"id":"{id}","status":"sent","reference":"r"}}"#);
    let again = format!("{{ \"reference\": \"r\",\n  \"status\": \"sent\", \"id\": \"{id}\" }}");
    assert_eq!(stack.post(Kind::Dlr, first.as_str()).await.body["outcome"], "stored");
    assert_eq!(stack.post(Kind::Dlr, again).await.body["outcome"], "duplicate");
    let [item] = &stack.items(&format!("DLR#{id}")).await[..] else { panic!("one item") };
    assert_eq!(item["body"], first);
    assert_eq!(of(&subscriber.everything_so_far().await, &id).len(), 1);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn different_body_under_the_same_key_is_published_too() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("mo");
    let first = mo_text(&id);
    let mut second = mo_text(&id);
    second["content"]["text"]["body"] = wab_marked::text("Ka kite").into();
    for (body, outcome) in [(&first, "stored"), (&second, "stored"), (&second, "duplicate"), (&first, "duplicate")] {
        assert_eq!(stack.post_ok(Kind::Mo, body).await, outcome);
    }
    let items = stack.items(&format!("MO#{id}")).await;
    assert_eq!(items.iter().map(|item| &*item["body"]).collect::<Vec<_>>(), [first.to_string(), second.to_string()]);
    let events = subscriber.everything_so_far().await;
    let [one, other] = of(&events, &id)[..] else { panic!("two events") };
    assert_ne!(one.event["id"], other.event["id"]);
    assert_eq!((&one.event["variant"], &other.event["variant"]), (&Value::Null, &json!(items[1]["digest"][..12])));
    assert_eq!(other.event["data"]["content"], second["content"]);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn unauthenticated_callers_get_a_challenge_and_store_nothing() {
    let stack = Stack::connect().await;
    let id = fresh_id("unauthenticated");
    let (user, password) = (&*stack.file.username, &*stack.file.password);
    let wrong = [
        None,
        Some(basic(user, "wrong")),
        Some(basic("nobody", password)),
        Some(basic(user, "")),
        Some(format!("Bearer {password}")),
        Some("Basic %%%".to_owned()),
        Some("Basic".to_owned()),
    ];
    for authorization in &wrong {
        for (kind, body) in [(Kind::Mo, mo_text(&id)), (Kind::Dlr, dlr(&id, "sent"))] {
            let answer = stack.post_as(kind, authorization.as_deref(), body.to_string()).await;
            assert_eq!((answer.status, &answer.body["code"]), (401, &json!("unauthorized")), "{authorization:?}");
            assert!(answer.headers["www-authenticate"].starts_with("Basic realm="), "{:?}", answer.headers);
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_ne!(answer.body["request_id"], "", "the id leads to the log line");
        }
    }
    assert_eq!(stack.items(&format!("MO#{id}")).await.len() + stack.items(&format!("DLR#{id}")).await.len(), 0);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn each_valid_credential_names_its_application() {
    let stack = Stack::connect().await;
    let (user, password) = stack.file.second_username.clone().zip(stack.file.second_password.clone()).unwrap();
    assert!(password.contains(':'), "a password may contain the separator");
    let id = fresh_id("second");
    let answer = stack.post_as(Kind::Mo, Some(&basic(&user, &password)), mo_text(&id).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(stack.items(&format!("MO#{id}")).await[0]["application"], user);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn secret_path_needs_no_credentials_and_is_in_no_log() {
    let stack = Stack::connect().await;
    let secret = stack.file.secret_path.clone().unwrap();
    let at = |segment: &str| {
        let url = |url: &str| format!("{url}/{segment}");
        let (mo_url, dlr_url) = (url(&stack.file.mo_url), url(&stack.file.dlr_url));
        Stack::of(StackFile { mo_url, dlr_url, ..stack.file.clone() })
    };
    let id = fresh_id("path");
    for (kind, body) in [(Kind::Mo, mo_text(&id)), (Kind::Dlr, dlr(&id, "sent"))] {
        let answer = at(&secret).post_as(kind, None, body.to_string()).await;
        assert_eq!((answer.status, &answer.body["outcome"]), (200, &json!("stored")), "{}", answer.body);
        let wrong = format!("{secret}x");
        assert_eq!(at(&wrong).post_as(kind, None, body.to_string()).await.status, 401);
    }
    assert_eq!(stack.items(&format!("MO#{id}")).await[0]["application"], "legacy");
    let url = at(&secret).file.mo_url;
    let (code, printed) = run_wab(Path::new("/"), &["send", "mo", "--url", &url, "--id", &fresh_id("path")]).await;
    assert!(code == 0 && printed.contains("/mo/…") && !printed.contains(&secret), "{printed}");

    let logs = aws_sdk_cloudwatchlogs::Client::new(&stack.file.sdk_config());
    let lines = async |group: &str, term: &str| {
        let filter = logs.filter_log_events().log_group_name(group).filter_pattern(format!("\"{term}\""));
        filter.send().await.unwrap().events().len()
    };
    let name = &stack.file.stack_name;
    for (group, named) in
        [(format!("/aws/lambda/{name}/mo"), "path-1"), (format!("/aws/vendedlogs/{name}/api"), "POST /mo/{secret}")]
    {
        assert!(lines(&group, named).await > 0, "{group} has no line of the secret path");
        assert_eq!(lines(&group, &secret).await, 0, "{group} has the secret");
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn broken_json_is_answered_400() {
    let stack = Stack::connect().await;
    for body in ["", "{", r#"{"id":"a",}"#, "id=a&status=sent", "[]", "{}"] {
        for kind in [Kind::Mo, Kind::Dlr] {
            let answer = stack.post(kind, body).await;
            assert_eq!(answer.status, 400, "{body}: {}", answer.body);
            assert_eq!(answer.headers["content-type"], "application/problem+json");
        }
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn undocumented_shapes_are_published() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let number = i64::try_from(getrandom::u64().unwrap() >> 1).unwrap();
    let (untyped, poll, text) = (fresh_id("untyped"), fresh_id("poll"), fresh_id("text"));
    let content = r#"{"n":1.50, "z":"\u00e9\ud83d\ude00","a":[ ] }"#;
    for body in [
        format!(r#"{{"id":{number},"destination":"1","content":{{"type":"text"}},"brand":{{"new":true}}}}"#),
        format!(r#"{{"message_id":"{poll}","content":{{"type":"poll_of_2031","poll_of_2031":{{}}}}}}"#),
        format!(r#"{{"id":"{untyped}","source":"NZ.13491208655302741918","content":{content}}}"#),
        format!(r#"{{"id":"{text}","source":"","Destination":null,"encoding":"base64","content":"AP8="}}"#),
    ] {
        let answer = stack.post(Kind::Mo, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let events = subscriber.everything_so_far().await;
    let one = |id: &str| {
        let delivered = one(&events, id);
        check_cloudevent(delivered);
        delivered
    };
    let data = &one(&number.to_string()).event["data"];
    assert_eq!((&data["id"], &data["destination"]), (&json!(number.to_string()), &json!("1")));
    assert_eq!(data["unrecognized"], json!({"brand": {"new": true}}));
    assert_eq!(one(&poll).attributes["type"], "poll_of_2031");
    let data = &one(&text).event["data"];
    assert_eq!(
        (&data["encoding"], &data["content"], &data["binary"]["bytes"]),
        (&json!("base64"), &json!("AP8="), &json!(2))
    );
    let untyped = one(&untyped);
    assert!(untyped.text.contains(content), "content is published verbatim: {}", untyped.text);
    assert!(!untyped.attributes.contains_key("type"));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn body_of_any_accepted_size_arrives() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let body = |id: &str, bytes: usize| json!({"id": id, "content": "x".repeat(bytes)}).to_string();
    let sizes = [(fresh_id("small"), 5_000), (fresh_id("large"), 200_000), (fresh_id("huge"), 4_000_000)];
    for (id, bytes) in &sizes {
        let answer = stack.post(Kind::Mo, body(id, *bytes)).await;
        assert_eq!(answer.status, 200, "{bytes} bytes: {}", answer.body);
    }
    let answer = stack.post(Kind::Mo, vec![b'{'; MAX_BODY_BYTES + 1]).await;
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("too_large")));

    let events = subscriber.everything_so_far().await;
    for (id, bytes) in &sizes {
        let body = body(id, *bytes);
        let delivered = one(&events, id);
        check_cloudevent(delivered);
        let item = &stack.items(&format!("MO#{id}")).await[0];
        if item.contains_key("body") {
            assert!(*bytes < LARGE_ITEM_BYTES);
        } else {
            assert!(stack.object(&item["body_key"]).await == body.as_bytes(), "the object is the body, byte for byte");
        }
        match delivered.event["dataref"].as_str() {
            None => assert_eq!(delivered.event["data"]["content"].as_str().unwrap().len(), *bytes),
            Some(dataref) => {
                assert!(*bytes > 250_000);
                assert_eq!(dataref, format!("s3://{}/{}", stack.file.bucket, item["body_key"]));
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn binary_content_arrives_described_and_stored_decoded() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("binary");
    let png = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![7; 500_000]].concat();
    let body = json!({"id": id, "encoding": "base64", "content": STANDARD.encode(&png)});
    assert_eq!(stack.post_ok(Kind::Mo, &body).await, "stored");
    let events = subscriber.everything_so_far().await;
    let delivered = one(&events, &id);
    let data = &delivered.event["data"];
    let binary = &data["binary"];
    assert_eq!((&binary["bytes"], &binary["content_type"]), (&json!(png.len()), &json!("image/png")));
    assert_eq!(data["content"], Value::Null, "it is too large for the event");
    let key = binary["dataref"].as_str().unwrap().strip_prefix(&format!("s3://{}/", stack.file.bucket)).unwrap();
    assert!(stack.object(key).await == png);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn receipts_in_any_order_give_the_delivery_status() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("order");
    let mut after = Vec::new();
    for status in ["sent", "submitted", "teleported", "received", "expired"] {
        stack.post_ok(Kind::Dlr, &dlr(&id, status)).await;
        // Wait until each receipt is published before posting the next.
        let marker = fresh_id("marker");
        stack.post_ok(Kind::Dlr, &dlr(&marker, "sent")).await;
        after.extend(subscriber.until(&marker, 1).await);
    }
    let statuses: Vec<_> = of(&after, &id)
        .iter()
        .map(|delivered| {
            let delivery = &delivered.event["data"]["delivery"];
            let history = delivery["history"].as_array().unwrap().len();
            (delivery["current"].as_str().unwrap(), delivery["final"] == true, delivery["overtaken"] == true, history)
        })
        .collect();
    let expected = [
        ("sent", false, false, 1),
        ("sent", false, true, 2),
        ("sent", false, true, 3),
        ("received", true, false, 4),
        ("received", true, true, 5),
    ];
    assert_eq!(statuses, expected);
}
