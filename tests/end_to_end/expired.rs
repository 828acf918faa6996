//! What has expired and isn't deleted yet, against the deployed stack. The emulator deletes no expired item at all.

use aws_sdk_dynamodb::types::WriteRequest;
use serde_json::{Value, json};
use wab_events::Kind;
use wab_models::{CallbackError, DlrCallback, Item, MoCallback, Quarantined, ReceivedAt, Unreadable};

use super::show::{fresh, fresh_number};
use super::write;
use crate::parked::{Desk, instant, key, long_gone, put};
use crate::records::received_at;
use crate::requests::{dlr, mo_text};
use crate::stack::Stack;

fn expired(item: &impl serde::Serialize) -> WriteRequest {
    write(item, |attributes| drop(attributes.insert("expires_at".to_owned(), json!(1))))
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn expired_items_are_not_shown_or_published() {
    let stack = Stack::connect().await;
    let queue = stack.queue().await;
    let desk = Desk::new(&json!({"dead_letter_queue_url": queue}));
    let (gone, kept, sent, reference) = (fresh("gone"), fresh("kept"), fresh("sent"), fresh("order"));
    let (number, at) = (fresh_number(), long_gone());
    let message = |id: &str| {
        let mut body = mo_text(id);
        (body["source"], body["reference"]) = (number.as_str().into(), reference.as_str().into());
        body.to_string()
    };
    let receipt = |status: &str| {
        let mut body = dlr(&sent, status);
        body["reference"] = reference.as_str().into();
        body.to_string()
    };
    let bodies = [message(&gone), message(&kept), receipt("received"), receipt("sent")];
    let mo = |body| Item::mo(&MoCallback::parse(body).unwrap(), received_at(body, at));
    let dlr = |body| Item::dlr(&DlrCallback::parse(body).unwrap(), received_at(body, at));
    let unreadable = Unreadable { body: b"{", application: "shop", at: ReceivedAt::from_epoch_ms(at), expires_at: 1 };
    let quarantined = Quarantined::new(Kind::Mo, CallbackError::NotUtf8, unreadable);
    let writes = vec![
        expired(&mo(&bodies[0])),
        write(&mo(&bodies[1]), |_| {}),
        expired(&dlr(&bodies[2])),
        write(&dlr(&bodies[3]), |_| {}),
        expired(&quarantined),
    ];
    put(&stack, writes).await;
    stack.send(&queue, &json!({"reason": "AuthorizationError", "key": key(&gone)}).to_string()).await;

    let ran = async |arguments: &[&str], code: u8| {
        let (ended, printed) = desk.wab(&[arguments, &["--json"]].concat()).await;
        assert_eq!(ended, code, "{printed}");
        serde_json::from_str::<Value>(&printed).unwrap_or_default()
    };
    assert_eq!(ran(&["show", &gone], 1).await, Value::Null);
    let shown = ran(&["show", &sent], 0).await;
    assert_eq!((&shown["receipts"]["current"], shown["items"].as_array().unwrap().len()), (&json!("sent"), 1));
    assert_eq!(ran(&["conversation", &number], 0).await["messages"], 1);
    let found = ran(&["reference", &reference], 0).await;
    let [only] = &found["sent"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!((&only["current"], found["replies"].as_array().unwrap().len()), (&json!("sent"), 1));
    assert_eq!(ran(&["resend", &gone], 1).await["unknown"], json!([gone]));
    let window = ["--from", &instant(at), "--until", &instant(at + 1_000)];
    assert_eq!(ran(&[&["show"][..], &window].concat(), 0).await["total"], 2);
    let replay = ran(&[&["replay", "--dry-run"][..], &window].concat(), 0).await;
    assert_eq!((&replay["found"], &replay["expired"]), (&json!(2), &json!(2)), "{replay}");
    let listed = ran(&[&["quarantine", "list"][..], &window].concat(), 0).await;
    assert_eq!(listed["quarantined"], json!([]));
    let (_, redrive) = desk.wab(&["parked", "redrive", "--dry-run"]).await;
    assert!(redrive.contains("the event has expired in the table"), "{redrive}");
}
