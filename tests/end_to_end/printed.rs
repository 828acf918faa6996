//! What `wab resend`, `replay`, `parked` and `quarantine` print, as text and as JSON, of what each test stores itself.

use jiff::Timestamp;
use serde_json::{Value, json};
use wab_events::Kind;
use wab_models::{CallbackError, DlrCallback, Item, MoCallback, Quarantined, ReceivedAt, Unreadable};

use super::resend::{pretty, redacted};
use super::show::{fresh, named, steady, without_colours};
use super::write;
use crate::parked::{Desk, dlr_item, instant, key, long_gone, mo_item, put};
use crate::records::received_at;
use crate::requests::mo_text;
use crate::stack::Stack;

/// Members of the JSON that change from run to run.
const CHANGING: [&str; 7] =
    ["event_id", "message_id", "since", "expires_at", "received_times", "scanned", "read_units"];

/// What a command prints as text, the same in every run.
#[track_caller]
fn text((code, printed): (u8, String), expected_code: u8, names: &[(&str, &str)]) -> String {
    assert_eq!(code, expected_code, "{printed}");
    let text = steady(&without_colours(&printed), names);
    let lines = text.lines().map(|line| match line {
        line if line.ends_with(" read units") => "COST",
        line if line.starts_with("received ") && line.ends_with(" times") => "received COUNT times",
        line => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a command prints as JSON, the same in every run.
#[track_caller]
fn json_text((code, printed): (u8, String), expected_code: u8, names: &[(&str, &str)]) -> String {
    assert_eq!(code, expected_code, "{printed}");
    named(&pretty(&redacted(serde_json::from_str(&printed).unwrap(), &CHANGING)), names)
}

/// A callback's item, as a variant, and the digest in its sort key.
async fn put_variant(stack: &Stack, body: &Value, at: i64) -> String {
    let body = body.to_string();
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received_at(&body, at)).into_variant();
    let digest = item.key.sk.split_once('#').unwrap().1.to_owned();
    put(stack, vec![write(&item, |_| {})]).await;
    digest
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn resend_prints_a_row_for_each_event() {
    let stack = Stack::connect().await;
    let (desk, queue) = (Desk::new(&json!({})), stack.queue().await);
    let (id, at) = (fresh("mo"), long_gone());
    put(&stack, vec![mo_item(&id, at), dlr_item(&id, at + 1_000)]).await;
    let mut other = mo_text(&id);
    other["content"]["text"]["body"] = wab_marked::text("Ka kite").into();
    let digest = put_variant(&stack, &other, at + 2_000).await;
    let names = vec![(&*id, "MESSAGE"), (&*digest, "DIGEST")];

    let both = ["resend", &*id, "sms-6421000001"];
    insta::assert_snapshot!("resend", text(desk.wab(&both).await, 1, &names));
    let revealed = [&both[..], &["--reveal"]].concat();
    insta::assert_snapshot!("resend_revealed", text(desk.wab(&revealed).await, 1, &names));
    let to = [&both[..], &["--to", &queue, "--json"]].concat();
    insta::assert_snapshot!("resend_to_json", json_text(desk.wab(&to).await, 1, &names));
    let gone = format!("{queue}-gone");
    let to = ["resend", &*id, "--kind", "dlr", "--to", &*gone];
    insta::assert_snapshot!("resend_not_sent", text(desk.wab(&to).await, 1, &names));
    let to = [&to[..], &["--json"]].concat();
    insta::assert_snapshot!("resend_not_sent_json", json_text(desk.wab(&to).await, 1, &names));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn replay_prints_what_became_of_its_events() {
    let stack = Stack::connect().await;
    let (desk, queue) = (Desk::new(&json!({})), stack.queue().await);
    let (ids, at) = ([fresh("mo"), fresh("dlr"), fresh("newer")], long_gone());
    let body = mo_text(&ids[2]).to_string();
    let newer = Item::mo(&MoCallback::parse(&body).unwrap(), received_at(&body, at + 2));
    let newer = write(&newer, |item| {
        item.insert("v".to_owned(), json!(99));
    });
    put(&stack, vec![mo_item(&ids[0], at), dlr_item(&ids[1], at + 1), newer]).await;
    // The stack can't publish it. With `--to`, a replay only counts it.
    stack.parked(|message| message["key"]["pk"] == format!("MO#{}", ids[2])).await;

    let (from, readable, until) = (instant(at), instant(at + 2), instant(at + 3));
    let names = vec![(&*until, "UNTIL"), (&*readable, "UNTIL")];
    let window = ["replay", "--from", &*from, "--until", &*readable];
    let json = [&window[..], &["--json"]].concat();
    insta::assert_snapshot!("replay_dry_run", text(desk.wab(&[&window[..], &["--dry-run"]].concat()).await, 0, &names));
    insta::assert_snapshot!(
        "replay_dry_run_json",
        json_text(desk.wab(&[&json[..], &["--dry-run"]].concat()).await, 0, &names)
    );
    insta::assert_snapshot!("replay", text(desk.wab(&window).await, 0, &names));
    insta::assert_snapshot!("replay_json", json_text(desk.wab(&json).await, 0, &names));

    let to = ["replay", "--from", &*from, "--until", &*until, "--to", &*queue];
    insta::assert_snapshot!("replay_not_sent", text(desk.wab(&to).await, 1, &names));
    let to = [&to[..], &["--json"]].concat();
    insta::assert_snapshot!("replay_not_sent_json", json_text(desk.wab(&to).await, 1, &names));
    let nothing = ["replay", "--from", &*from, "--until", &*until, "--type", "image", "--dry-run"];
    insta::assert_snapshot!("replay_nothing", text(desk.wab(&nothing).await, 0, &names));
}

/// A dead-letter queue with a message of each kind, and what the commands call them.
struct Parked {
    desk: Desk,
    queue: String,
    id: String,
    /// By the name of each message in snapshots.
    ids: Vec<(String, &'static str)>,
}

impl Parked {
    async fn new(stack: &Stack) -> Self {
        let queue = stack.queue().await;
        let desk = Desk::new(&json!({"dead_letter_queue_url": queue}));
        let id = fresh("mo");
        put(stack, vec![mo_item(&id, long_gone())]).await;
        let known = json!({"reason": "AuthorizationError", "key": key(&id)}).to_string();
        let gone = json!({"reason": "the object is gone", "key": key("sms-6421000001")}).to_string();
        for message in [
            &*known,
            &*gone,
            include_str!("../../tools/wab/golden/parked-position.json"),
            include_str!("../../tools/wab/golden/parked-spilled.json"),
            "not JSON, from +6421000001",
        ] {
            stack.send(&queue, message).await;
        }
        let (_, printed) = desk.wab(&["parked", "list", "--json"]).await;
        let list: Value = serde_json::from_str(&printed).unwrap();
        let rows = list["messages"].as_array().unwrap().iter();
        let names = ["KNOWN", "GONE", "POSITION", "SPILLED", "UNKNOWN"];
        let ids: Vec<_> = rows.map(|row| row["id"].as_str().unwrap().to_owned()).zip(names).collect();
        assert_eq!(ids.len(), names.len(), "{printed}");
        Self { desk, queue, id, ids }
    }

    fn names(&self) -> Vec<(&str, &str)> {
        let ids = self.ids.iter().map(|(id, name)| (&**id, *name));
        ids.chain([(&*self.id, "MESSAGE")]).collect()
    }

    fn id(&self, name: &str) -> &str {
        &self.ids.iter().find(|(_, known)| *known == name).unwrap().0
    }

    async fn text(&self, arguments: &[&str], code: u8) -> String {
        text(self.desk.wab(&[&["parked"], arguments].concat()).await, code, &self.names())
    }

    async fn json(&self, arguments: &[&str], code: u8) -> String {
        json_text(self.desk.wab(&[&["parked"], arguments, &["--json"]].concat()).await, code, &self.names())
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn parked_list_prints_a_row_for_each_message() {
    let stack = Stack::connect().await;
    let parked = Parked::new(&stack).await;
    insta::assert_snapshot!("parked_list", parked.text(&["list"], 0).await);
    insta::assert_snapshot!("parked_list_json", parked.json(&["list"], 0).await);
    insta::assert_snapshot!("parked_list_keys", parked.text(&["list", "--only", "event", "--keys"], 0).await);
    insta::assert_snapshot!("parked_list_two", parked.text(&["list", "--max", "2"], 0).await);
    let revealed = ["list", "--only", "event", "--keys", "--reveal"];
    insta::assert_snapshot!("parked_list_revealed", parked.text(&revealed, 0).await);
    insta::assert_snapshot!("parked_list_revealed_json", parked.json(&revealed, 0).await);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn parked_show_prints_the_message_and_what_a_redrive_would_do() {
    let stack = Stack::connect().await;
    let parked = Parked::new(&stack).await;
    for (name, snapshot) in [
        ("KNOWN", "parked_show_known"),
        ("GONE", "parked_show_gone"),
        ("POSITION", "parked_show_position"),
        ("SPILLED", "parked_show_spilled"),
        ("UNKNOWN", "parked_show_unknown"),
    ] {
        let show = ["show", parked.id(name)];
        insta::assert_snapshot!(snapshot, parked.text(&show, 0).await);
        insta::assert_snapshot!(format!("{snapshot}_json"), parked.json(&show, 0).await);
    }
    let (_, raw) = parked.desk.wab(&["parked", "show", parked.id("UNKNOWN"), "--raw", "--reveal"]).await;
    assert_eq!(raw, "not JSON, from +6421000001\n");
    insta::assert_snapshot!(parked.json(&["show", "7c1f-unknown"], 1).await, @"[]");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn redrive_dry_run_prints_each_outcome() {
    let stack = Stack::connect().await;
    let _subscriber = stack.subscribe(None).await;
    let parked = Parked::new(&stack).await;
    insta::assert_snapshot!("redrive_dry_run", parked.text(&["redrive", "--dry-run"], 1).await);
    insta::assert_snapshot!("redrive_dry_run_json", parked.json(&["redrive", "--dry-run"], 1).await);
    insta::assert_snapshot!(
        "redrive_dry_run_two",
        parked.text(&["redrive", "--dry-run", "--only", "event", "--max", "1"], 1).await
    );
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn parked_discard_prints_what_it_deleted() {
    let stack = Stack::connect().await;
    let parked = Parked::new(&stack).await;
    let some = ["discard", parked.id("UNKNOWN"), "7c1f-unknown"];
    insta::assert_snapshot!("parked_discard", parked.text(&some, 1).await);
    insta::assert_snapshot!("parked_discard_again", parked.text(&some[..2], 1).await);
    insta::assert_snapshot!("parked_discard_json", parked.json(&["discard", "--only", "position"], 0).await);
    let event = ["discard", "--event-id", parked.id("KNOWN")];
    insta::assert_snapshot!("parked_discard_event_json", parked.json(&event, 0).await);
    let mut rest = stack.take_all(&parked.queue).await;
    rest.sort();
    let [spilled, gone] = &rest[..] else { panic!("nothing else was deleted: {rest:?}") };
    assert!(spilled.starts_with(r#"{"event""#) && gone.contains("the object is gone"), "{rest:?}");
}

/// Quarantined bodies, each a second after the other, and their ids.
struct Bodies {
    desk: Desk,
    at: i64,
    ids: Vec<(String, &'static str)>,
}

impl Bodies {
    async fn new(stack: &Stack) -> Self {
        let at = long_gone();
        let expires_at = Timestamp::now().as_second() + 30 * 86_400;
        let no_id = br#"{"Id": "7c1f", "source": "+6421000001", "content": {}}"#;
        let no_status = br#"{"id": "7c1f"}"#;
        let (no_id_text, no_status_text) =
            (std::str::from_utf8(no_id).unwrap(), std::str::from_utf8(no_status).unwrap());
        let (mut ids, mut writes) = (Vec::new(), Vec::new());
        for (number, (kind, body, why, name)) in (0..).zip([
            (Kind::Mo, &no_id[..], MoCallback::parse(no_id_text).unwrap_err(), "NO-ID"),
            (Kind::Dlr, no_status, DlrCallback::parse(no_status_text).unwrap_err(), "NO-STATUS"),
            (Kind::Mo, b"\xff\x00", CallbackError::NotUtf8, "BINARY"),
        ]) {
            let at = ReceivedAt::from_epoch_ms(at + number * 1_000);
            let item = Quarantined::new(kind, why, Unreadable { body, application: "shop", at, expires_at });
            let (at, digest) = item.key.sk.split_once('#').unwrap();
            ids.push((format!("{at}-{}", &digest[..12]), name));
            writes.push(write(&item, |_| {}));
        }
        put(stack, writes).await;
        Self { desk: Desk::new(&json!({})), at, ids }
    }

    fn names(&self) -> Vec<(&str, &str)> {
        self.ids.iter().map(|(id, name)| (&**id, *name)).collect()
    }

    fn id(&self, name: &str) -> &str {
        &self.ids.iter().find(|(_, known)| *known == name).unwrap().0
    }

    /// Runs a command on the bodies received less than this many seconds after the first.
    async fn within(&self, seconds: i64, arguments: &[&str]) -> (u8, String) {
        let range = ["--from", &instant(self.at), "--until", &instant(self.at + seconds * 1_000)];
        self.wab(&[arguments, &range].concat()).await
    }

    async fn wab(&self, arguments: &[&str]) -> (u8, String) {
        self.desk.wab(&[&["quarantine"], arguments].concat()).await
    }
}

/// An id under which there is no body.
const NO_BODY: &str = "2001-01-01T00:00:00.000Z-0123456789ab";

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn quarantine_list_prints_the_newest_first() {
    let stack = Stack::connect().await;
    let bodies = Bodies::new(&stack).await;
    let names = bodies.names();
    insta::assert_snapshot!("quarantine_list", text(bodies.within(3, &["list"]).await, 0, &names));
    insta::assert_snapshot!("quarantine_list_json", json_text(bodies.within(3, &["list", "--json"]).await, 0, &names));
    insta::assert_snapshot!("quarantine_list_two", text(bodies.within(3, &["list", "--max", "2"]).await, 0, &names));
    let receipts = bodies.within(3, &["list", "--kind", "dlr"]).await;
    insta::assert_snapshot!("quarantine_list_receipts", text(receipts, 0, &names));
    let (_, first) = bodies.within(1, &["list"]).await;
    assert!(first.contains(bodies.id("NO-ID")) && first.ends_with("\n1 quarantined\n"), "{first}");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn quarantine_show_prints_the_body_masked_or_revealed() {
    let stack = Stack::connect().await;
    let bodies = Bodies::new(&stack).await;
    let names = bodies.names();
    let no_id = ["show", bodies.id("NO-ID")];
    insta::assert_snapshot!("quarantine_show", text(bodies.wab(&no_id).await, 0, &names));
    let revealed = [&no_id[..], &["--reveal"]].concat();
    insta::assert_snapshot!("quarantine_show_revealed", text(bodies.wab(&revealed).await, 0, &names));
    let binary = ["show", bodies.id("BINARY")];
    insta::assert_snapshot!("quarantine_show_binary", text(bodies.wab(&binary).await, 0, &names));
    let binary = [&binary[..], &["--json"]].concat();
    insta::assert_snapshot!("quarantine_show_binary_json", json_text(bodies.wab(&binary).await, 0, &names));
    assert_eq!(bodies.wab(&["show", NO_BODY]).await, (1, String::new()));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn quarantine_send_prints_what_became_of_each_body() {
    let stack = Stack::connect().await;
    let bodies = Bodies::new(&stack).await;
    let names = bodies.names();
    let all = ["send", bodies.id("NO-ID"), bodies.id("NO-STATUS"), bodies.id("BINARY"), NO_BODY];
    insta::assert_snapshot!("quarantine_send", text(bodies.wab(&all).await, 1, &names));
    let json = [&all[..], &["--json"]].concat();
    insta::assert_snapshot!("quarantine_send_json", json_text(bodies.wab(&json).await, 1, &names));

    let corrected = bodies.desk.directory.join("corrected.json");
    std::fs::write(&corrected, mo_text(&fresh("corrected")).to_string()).unwrap();
    let send = ["send", bodies.id("NO-ID"), "--file", corrected.to_str().unwrap(), "--url", &stack.file.mo_url];
    let send = [&send[..], &["--user", &stack.file.username, "--password"]].concat();
    let wrong = [&send[..], &["wrong", "--discard"]].concat();
    insta::assert_snapshot!("quarantine_send_rejected", text(bodies.wab(&wrong).await, 1, &names));
    let right = [&send[..], &[&stack.file.password]].concat();
    insta::assert_snapshot!("quarantine_send_accepted", text(bodies.wab(&right).await, 0, &names));
    let again = [&right[..], &["--discard", "--json"]].concat();
    insta::assert_snapshot!("quarantine_send_discarded_json", json_text(bodies.wab(&again).await, 0, &names));
    assert_eq!(bodies.wab(&["show", bodies.id("NO-ID")]).await.0, 1, "discarded");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn quarantine_discard_prints_what_it_deleted() {
    let stack = Stack::connect().await;
    let bodies = Bodies::new(&stack).await;
    let names = bodies.names();
    let some = ["discard", bodies.id("NO-STATUS"), NO_BODY];
    insta::assert_snapshot!("quarantine_discard", text(bodies.wab(&some).await, 1, &names));
    let by_reason = ["discard", "--reason", "UTF-8", "--json", "--kind"];
    let receipts = bodies.within(3, &[&by_reason[..], &["dlr"]].concat()).await;
    insta::assert_snapshot!("quarantine_discard_nothing_json", json_text(receipts, 1, &names));
    let before = bodies.within(2, &[&by_reason[..], &["mo"]].concat()).await;
    assert_eq!(before.0, 1, "{}", before.1);
    let messages = bodies.within(3, &[&by_reason[..], &["mo"]].concat()).await;
    insta::assert_snapshot!("quarantine_discard_json", json_text(messages, 0, &names));
    let (_, rest) = bodies.within(3, &["list"]).await;
    assert!(rest.contains(bodies.id("NO-ID")) && rest.ends_with("\n1 quarantined\n"), "{rest}");
}
