//! `wab resend`, `replay --to`, `quarantine`, and `parked show` and `discard` against the deployed stack.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};
use wab_events::Kind;

use super::{of, one};
use crate::parked::{Desk, instant, key, long_gone, mo_item, put, rows};
use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::Stack;

pub(super) fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap()
}

/// Replaces what changes from run to run, and sorts the members.
pub(super) fn redacted(json: Value, members: &[&str]) -> Value {
    match json {
        Value::Array(values) => values.into_iter().map(|value| redacted(value, members)).collect(),
        Value::Object(object) => {
            let sorted: BTreeMap<String, Value> = object.into_iter().collect();
            let redact = |(name, value): (String, Value)| {
                let is_redacted = members.contains(&name.as_str()) && !value.is_null();
                let value = if is_redacted { format!("[{name}]").into() } else { redacted(value, members) };
                (name, value)
            };
            Value::Object(sorted.into_iter().map(redact).collect())
        }
        other => other,
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn resend_publishes_a_message_again_with_its_ids() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let desk = Desk::new(&json!({}));
    let id = fresh_id("resend");
    stack.post_ok(Kind::Mo, &mo_text(&id)).await;
    for status in ["sent", "received"] {
        stack.post_ok(Kind::Dlr, &dlr(&id, status)).await;
    }
    let before = subscriber.everything_so_far().await;
    let first =
        one(&before.iter().filter(|it| it.attributes["kind"] == "mo").cloned().collect::<Vec<_>>(), &id).clone();

    let (code, printed) = desk.wab(&["resend", &id, "--kind", "mo", "--json"]).await;
    assert_eq!(code, 0, "{printed}");
    let report = redacted(serde_json::from_str(&printed).unwrap(), &["id", "event_id"]);
    insta::assert_snapshot!(pretty(&report), @r#"
    {
      "events": [
        {
          "event_id": "[event_id]",
          "id": "[id]",
          "kind": "mo",
          "outcome": "published",
          "sort_key": "EVENT"
        }
      ],
      "unknown": []
    }
    "#);
    let again = subscriber.everything_so_far().await;
    let again = one(&again, &id);
    assert_eq!(again.text, first.text);
    let mut attributes = again.attributes.clone();
    assert_eq!(attributes.remove("replay").as_deref(), Some("true"));
    assert_eq!(attributes, first.attributes);

    let (code, printed) = desk.wab(&["resend", &id, "--status", "received"]).await;
    assert_eq!(code, 0, "{printed}");
    let events = subscriber.everything_so_far().await;
    assert_eq!(one(&events, &id).attributes["status"], "received");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn resend_to_a_queue_reaches_nobody_else() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (desk, queue) = (Desk::new(&json!({})), stack.queue().await);
    let id = fresh_id("resend");
    stack.post_ok(Kind::Mo, &mo_text(&id)).await;
    let published = subscriber.everything_so_far().await;
    let published = one(&published, &id).clone();

    let (code, printed) = desk.wab(&["resend", &id, "--to", &queue]).await;
    assert_eq!(code, 0, "{printed}");
    let [sent] = &stack.delivered(&queue).await[..] else { panic!("one message") };
    assert_eq!(sent.text, published.text, "as SNS delivers it raw");
    let mut attributes = sent.attributes.clone();
    assert_eq!(attributes.remove("replay").as_deref(), Some("true"));
    assert_eq!(attributes, published.attributes);
    assert!(of(&subscriber.everything_so_far().await, &id).is_empty());

    let (code, printed) = desk.wab(&["resend", &id, "--to", &format!("{queue}-gone")]).await;
    assert!(code == 1 && printed.contains("not sent: the queue rejects it"), "{printed}");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn resend_to_a_url_is_posted_as_sns_would() {
    let stack = Stack::connect().await;
    let desk = Desk::new(&json!({}));
    let id = fresh_id("resend");
    stack.post_ok(Kind::Mo, &mo_text(&id)).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        write!(stream, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
        (head, serde_json::from_slice::<Value>(&body).unwrap())
    });
    let (code, printed) = desk.wab(&["resend", &id, "--to", &url]).await;
    assert_eq!(code, 0, "{printed}");
    let (head, event) = server.join().unwrap();
    assert_eq!(event["subject"], *id);
    assert!(head.contains("x-amz-sns-rawdelivery: true") && head.contains("content-type: text/plain"), "{head}");
    assert!(head.contains(&format!("x-amz-sns-topic-arn: {}", stack.file.mo_topic_arn.to_lowercase())), "{head}");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn unknown_id_is_reported() {
    let desk = Desk::new(&json!({}));
    let (code, printed) = desk.wab(&["resend", "7c1f-unknown"]).await;
    assert_eq!(code, 1);
    assert_eq!(printed, "7c1f-unknown: the table has no such event; it may have expired, or belong to another stack\n");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn replay_to_a_queue_sends_one_type_at_a_rate() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (desk, queue) = (Desk::new(&json!({})), stack.queue().await);
    let from = long_gone();
    let ids: Vec<String> = (0..4).map(|_| fresh_id("replayed")).collect();
    put(&stack, ids.iter().map(|id| mo_item(id, from)).collect()).await;
    let before = subscriber.everything_so_far().await;
    assert!(ids.iter().all(|id| of(&before, id).len() == 1));

    let (start, end) = (instant(from), instant(from + 1));
    let window = ["replay", "--from", &*start, "--until", &*end, "--to", &*queue];
    let (code, printed) = desk.wab(&[&window[..], &["--type", "image"]].concat()).await;
    assert!(code == 0 && printed.starts_with("no event was received in the window"), "{printed}");
    let started = std::time::Instant::now();
    let (code, printed) = desk.wab(&[&window[..], &["--type", "text", "--rate", "2", "--json"]].concat()).await;
    assert_eq!(code, 0, "{printed}");
    assert!(started.elapsed().as_millis() >= 1000, "two batches of two, one a second");
    let report = redacted(serde_json::from_str(&printed).unwrap(), &["scanned", "read_units", "until"]);
    insta::assert_snapshot!(pretty(&report), @r#"
    {
      "dry_run": false,
      "ended_early": false,
      "expired": 0,
      "interrupted": false,
      "left": 0,
      "parked": 0,
      "published": 4,
      "read_units": "[read_units]",
      "scanned": "[scanned]",
      "unpublishable": {},
      "until": "[until]"
    }
    "#);
    let sent = stack.delivered(&queue).await;
    assert!(ids.iter().all(|id| one(&sent, id).attributes["replay"] == "true"));
    let after = subscriber.everything_so_far().await;
    assert!(ids.iter().all(|id| of(&after, id).is_empty()));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn parked_message_is_shown_and_discarded() {
    let stack = Stack::connect().await;
    let queue = stack.queue().await;
    let desk = Desk::new(&json!({"dead_letter_queue_url": queue}));
    let id = fresh_id("shown");
    stack.post_ok(Kind::Mo, &mo_text(&id)).await;
    for key in [key(&id), key("sms-6421000001")] {
        stack.send(&queue, &json!({"reason": "AuthorizationError", "key": key}).to_string()).await;
    }
    let event_id = key(&id).event_id();
    let (code, printed) = desk.wab(&["parked", "show", &event_id]).await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("in the table until") && printed.contains("redrive     would publish it"), "{printed}");
    let (code, printed) = desk.wab(&["parked", "show", &key("sms-6421000001").event_id(), "--json"]).await;
    assert_eq!(code, 0, "{printed}");
    let shown = serde_json::from_str(&printed).unwrap();
    let shown = redacted(shown, &["message_id", "since", "received_times", "id", "event_id"]);
    insta::assert_snapshot!(pretty(&shown), @r#"
    [
      {
        "event_id": "[event_id]",
        "event_kind": "mo",
        "id": "[id]",
        "item": {
          "state": "not_in_table"
        },
        "key": {
          "pk": "MO#…750f1c",
          "sk": "EVENT"
        },
        "kind": "event",
        "message": {
          "key": {
            "pk": "MO#…750f1c",
            "sk": "EVENT"
          },
          "reason": "AuthorizationError"
        },
        "message_id": "[message_id]",
        "reason": "AuthorizationError",
        "received_times": "[received_times]",
        "redrive": {
          "outcome": "gone"
        },
        "since": "[since]"
      }
    ]
    "#);
    let (code, printed) = desk.wab(&["parked", "redrive", "--dry-run"]).await;
    let lines: Vec<String> = rows(&printed).iter().take(2).map(|row| row[..2].join(" ")).collect();
    assert_eq!((code, lines), (1, vec!["published 1".to_owned(), "gone 1".to_owned()]), "{printed}");

    let (code, printed) = desk.wab(&["parked", "discard", &event_id, "7c1f-unknown"]).await;
    assert!(code == 1 && printed.starts_with("1 discarded\n7c1f-unknown: no such message"), "{printed}");
    let (code, printed) = desk.wab(&["parked", "discard", "--reason", "Authorization"]).await;
    assert_eq!((code, &*printed), (0, "1 discarded\n"));
    let (code, printed) = desk.wab(&["parked", "list"]).await;
    assert_eq!((code, &*printed), (0, "nothing is parked\n"));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn quarantined_body_is_corrected_and_sent() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let desk = Desk::new(&json!({}));
    let id = fresh_id("quarantined");
    let broken = format!(r#"{{"Id": "{id}", "source": "+6421000001", "content": {{}}}}"#);
    assert_eq!(stack.post(Kind::Mo, broken.as_str()).await.status, 400);

    let (code, printed) = desk.wab(&["quarantine", "list", "--from", "10m", "--kind", "mo", "--json"]).await;
    assert_eq!(code, 0, "{printed}");
    let list: Value = serde_json::from_str(&printed).unwrap();
    let row = list["quarantined"].as_array().unwrap().iter().find(|row| row["bytes"] == broken.len()).unwrap();
    let name = row["id"].as_str().unwrap();
    let (code, printed) = desk.wab(&["quarantine", "show", name, "--json"]).await;
    assert_eq!(code, 0, "{printed}");
    let shown = serde_json::from_str(&printed).unwrap();
    let shown = redacted(shown, &["id", "since", "expires_at", "bytes", "application"]);
    insta::assert_snapshot!(pretty(&shown), @r#"
    {
      "accepted_now": false,
      "application": "[application]",
      "body": {
        "Id": "(28 characters)",
        "content": {},
        "source": "(11 characters)"
      },
      "body_in": "table",
      "bytes": "[bytes]",
      "expires_at": "[expires_at]",
      "id": "[id]",
      "kind": "mo",
      "reason": "the callback has no id",
      "since": "[since]"
    }
    "#);
    let (_, raw) = desk.wab(&["quarantine", "show", name, "--raw", "--reveal"]).await;
    assert_eq!(raw, broken);

    let (code, printed) = desk.wab(&["quarantine", "send", name]).await;
    assert!(code == 1 && printed.contains("not posted: the callback has no id"), "{printed}");
    let corrected = desk.directory.join("corrected.json");
    std::fs::write(&corrected, mo_text(&id).to_string()).unwrap();
    let send = ["quarantine", "send", name, "--file", corrected.to_str().unwrap(), "--discard"];
    let (code, printed) = desk.wab(&send).await;
    assert!(code == 0 && printed.contains("stored, discarded"), "{printed}");
    one(&subscriber.everything_so_far().await, &id);
    let (code, printed) = desk.wab(&["quarantine", "discard", name]).await;
    assert!(code == 1 && printed.contains("there is no such body"), "{printed}");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn quarantined_bodies_are_discarded_by_reason() {
    let stack = Stack::connect().await;
    let desk = Desk::new(&json!({}));
    let broken = format!(r#"{{"id": "{}"}}"#, fresh_id("no-status"));
    assert_eq!(stack.post(Kind::Dlr, broken.as_str()).await.status, 400);
    let select = ["--reason", "no status", "--from", "10m"];
    let (code, printed) = desk.wab(&[&["quarantine", "list"], &select[..]].concat()).await;
    assert!(code == 0 && printed.contains(" quarantined\n") && printed.contains("dlr"), "{printed}");
    let (code, printed) = desk.wab(&[&["quarantine", "discard"], &select[..]].concat()).await;
    assert!(code == 0 && printed.ends_with(" discarded\n"), "{printed}");
    let (code, printed) = desk.wab(&[&["quarantine", "list"], &select[..]].concat()).await;
    assert_eq!((code, &*printed), (0, "nothing is quarantined in this range\n"));
}
