//! `wab erase` against the deployed stack.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use wab_events::Kind;
use wab_marked::{RECIPIENT, WORD};
use wab_models::{ContentKey, ContentMode, DlrCallback, Item, MoCallback, ObjectKey, Spilled};

use super::resend::redacted;
use super::show::{fresh, fresh_number};
use super::{of, write};
use crate::parked::{Desk, instant, key, long_gone, put, rows};
use crate::records::received_at;
use crate::requests::dlr;
use crate::stack::Stack;

/// Each run finishes what any other has begun. The tests count, so one of them runs at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A person, and an operator's desk with queues of its own.
struct Person {
    number: String,
    user_id: String,
    /// A text that is in each message.
    secret: String,
    ids: Vec<String>,
}

impl Person {
    fn new() -> Self {
        let (number, secret) = (fresh_number(), fresh(WORD));
        Self { user_id: format!("NZ.1{number}"), number, secret, ids: Vec::new() }
    }

    fn id(&mut self) -> String {
        self.ids.push(fresh("erase"));
        self.ids[self.ids.len() - 1].clone()
    }

    /// A text by this name of the person.
    fn text(&mut self, source: &str, length: usize) -> Value {
        let body = self.secret.clone() + &"x".repeat(length);
        json!({"id": self.id(), "source": source, "Destination": RECIPIENT,
               "content": {"from": source, "id": "wamid.V0FC", "type": "text", "text": {"body": body}}})
    }

    fn image(&mut self, bytes: &[u8]) -> Value {
        let number = format!("+{}", self.number);
        json!({"id": self.id(), "source": number, "encoding": "base64", "content": STANDARD.encode(bytes)})
    }

    /// Everything by which the person can be recognised.
    fn traces(&self) -> Vec<&str> {
        [&*self.number, &*self.user_id, &*self.secret].into_iter().chain(self.ids.iter().map(String::as_str)).collect()
    }

    #[track_caller]
    fn assert_absent(&self, place: &str, text: &str) {
        for trace in self.traces() {
            assert!(!text.contains(trace), "{trace} is still in the {place}");
        }
    }
}

fn desk(own: &[(&str, &str)]) -> Desk {
    Desk::new(
        &own.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into(),
    )
}

/// Every item of the table as text, with sorted members.
async fn table(stack: &Stack) -> Vec<String> {
    let scan = stack.dynamodb.scan().table_name(&stack.file.table).consistent_read(true);
    let mut pages = scan.into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        items.push(redacted(serde_dynamo::from_item(item.unwrap()).unwrap(), &[]).to_string());
    }
    items
}

async fn names_of_objects(stack: &Stack) -> BTreeSet<String> {
    let mut pages = stack.s3.list_objects_v2().bucket(&stack.file.bucket).into_paginator().send();
    let mut names = BTreeSet::new();
    while let Some(page) = pages.next().await {
        names.extend(page.unwrap().contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
    }
    names
}

fn spilled(body: &str) -> String {
    let item = Item::mo(&MoCallback::parse(body).unwrap(), received_at(body, long_gone()));
    Spilled::Event(item).to_message().unwrap()
}

/// What a report counts of the person.
fn counts(printed: &str) -> BTreeMap<String, u64> {
    let report: Value = serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    let counts = report.as_object().unwrap().iter().filter(|(name, _)| *name != "unfinished");
    counts.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).filter(|(_, count)| *count > 0).collect()
}

fn unfinished(printed: &str) -> Value {
    serde_json::from_str::<Value>(printed).unwrap()["unfinished"].clone()
}

fn expected(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn one_person_is_erased_and_the_other_stays() {
    let _alone = ALONE.lock().await;
    let stack = Stack::connect().await;
    let (spill, parked) = (stack.queue().await, stack.queue().await);
    let desk = desk(&[("spill_queue_url", &spill), ("dead_letter_queue_url", &parked)]);
    let picture = [b"\x89PNG\r\n\x1a\n", fresh("picture").as_bytes()].concat();
    let (mut gone, mut other) = (Person::new(), Person::new());
    let (mut sent, mut campaign) = (Vec::new(), Vec::new());
    let shared_reference = fresh("campaign");
    for person in [&mut gone, &mut other] {
        let (number, user_id) = (person.number.clone(), person.user_id.clone());
        // Every spelling; the second leads to the user id.
        let mut bodies =
            vec![person.text(&number, 0), person.text(&format!("+{number}"), 0), person.text(&user_id, 20_000)];
        bodies[1]["content"]["from_user_id"] = user_id.as_str().into();
        bodies.push(person.image(&picture));
        let mut variant = bodies[0].clone();
        variant["content"]["text"]["body"] = format!("{} again", person.secret).into();
        bodies.push(variant);
        // Replies: by the id of the sent message, by its reference, and by a reference that others share.
        let (by_id, by_reference, of_many) = (fresh("sent"), fresh("sent"), fresh("sent"));
        let reference = fresh("order");
        for (name, value) in [("reply_to", &by_id), ("reference", &reference), ("reference", &shared_reference)] {
            let mut reply = person.text(&format!("+{number}"), 0);
            reply[name] = value.as_str().into();
            bodies.push(reply);
        }
        for body in &bodies {
            stack.post_ok(Kind::Mo, body).await;
        }
        for (id, reference) in [(&by_id, "r"), (&by_reference, &*reference), (&of_many, &*shared_reference)] {
            for status in ["sent", "received"] {
                stack.post_ok(Kind::Dlr, &json!({"id": id, "status": status, "reference": reference})).await;
            }
        }
        let detailed = json!({"id": fresh("sent"), "status": "failed", "detail": format!("no route to +{number}")});
        stack.post_ok(Kind::Dlr, &detailed).await;
        sent.extend([by_id.clone(), by_reference]);
        campaign.push(of_many);
        let large = "y".repeat(20_000);
        for broken in
            [format!("{{\"source\": \"+{number}\""), format!("{{\"from\": \"{user_id}\", \"{large}\": \"\u{e9}")]
        {
            assert_eq!(stack.post(Kind::Mo, broken).await.status, 400);
        }
        stack.send(&spill, &spilled(&person.text(&format!("+{number}"), 0).to_string())).await;
        stack.send(&parked, &spilled(&person.text(&number, 0).to_string())).await;
        stack.send(&parked, &json!({"reason": "AuthorizationError", "key": key(&person.ids[1])}).to_string()).await;
        let receipt = json!({"pk": format!("DLR#{by_id}"), "sk": "sent"});
        stack.send(&parked, &json!({"reason": "AuthorizationError", "key": receipt}).to_string()).await;
        stack.send(&parked, &format!("unheard of, from +{number}")).await;
    }
    // Someone else's message that names the person is someone else's.
    let mention = other.text(&other.number.clone(), 0).to_string().replace(&other.secret, "call +64 x");
    let mention = mention.replace("+64 x", &format!("+{}", gone.number));
    assert_eq!(stack.post(Kind::Mo, mention.as_str()).await.status, 200);
    let others = |items: Vec<String>| -> Vec<String> {
        let kept = [other.traces(), vec![&*sent[2], &*sent[3], &*campaign[0], &*campaign[1]]].concat();
        items.into_iter().filter(|item| kept.iter().any(|trace| item.contains(trace))).collect()
    };
    let (before, objects) = (others(table(&stack).await), names_of_objects(&stack).await);
    assert!(before.len() > 15, "{}", before.len());

    let found = expected(&[
        ("messages", 7),
        ("variants", 1),
        ("receipts", 5),
        ("quarantined", 2),
        // A text and a quarantined body. The image is the other's too.
        ("objects", 2),
        ("spilled", 1),
        ("parked", 4),
    ]);
    let spelling = format!("00{} {}", &gone.number[..2], &gone.number[2..]);
    let (code, printed) = desk.wab(&["erase", &spelling, "--dry-run", "--json"]).await;
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &report["names"].as_array().unwrap().len()), (0, &2), "{printed}");
    assert_eq!(counts(&printed), found, "{printed}");
    let left = json!({"shared_objects": 1, "shared_references": 1, "mentions": 1, "unreadable": 0, "unmatched": 0,
                      "hidden": 0});
    assert_eq!(report["left"], left);
    gone.assert_absent("report", &printed);
    let (code, printed) = desk.wab(&["erase", &gone.number, "--json"]).await;
    assert_eq!((code, counts(&printed)), (0, found), "{printed}");

    let (code, printed) = desk.wab(&["erase", &gone.number]).await;
    assert!(code == 0 && printed.contains("nothing is stored of this contact"), "{printed}");
    assert!(printed.contains("point-in-time recovery") && !printed.contains(&gone.number), "{printed}");
    let items = table(&stack).await;
    let (theirs, rest): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.contains(&other.number));
    rest.iter().for_each(|item| gone.assert_absent("table", item));
    let naming = theirs.iter().filter(|item| item.contains(&gone.number)).count();
    assert_eq!(naming, 1, "the other's message that names the person");
    for id in &sent[..2] {
        assert!(!items.iter().any(|item| item.contains(id)), "a receipt of {id}");
    }
    assert_eq!(others(items), before, "byte for byte");
    let kept = names_of_objects(&stack).await;
    assert!(objects.difference(&kept).count() >= 2);
    for name in &kept {
        gone.assert_absent("bucket", &String::from_utf8_lossy(&stack.object(name).await));
    }
    assert_eq!(stack.object(ObjectKey::of_content(&sha256(&picture)).as_str()).await, picture);
    let (spilled, parked) = (stack.take_all(&spill).await, stack.take_all(&parked).await);
    assert_eq!((spilled.len(), parked.len()), (1, 4), "those of the other");
    spilled.iter().chain(&parked).for_each(|message| gone.assert_absent("queues", message));

    let (code, printed) = desk.wab(&["conversation", &other.number, "--json"]).await;
    assert!(code == 0 && serde_json::from_str::<Value>(&printed).unwrap()["messages"] == 8, "{printed}");
}

fn sha256(bytes: &[u8]) -> String {
    wab_models::BinaryContent::of(bytes, "image/png").sha256
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn expired_items_are_erased_too() {
    let _alone = ALONE.lock().await;
    let stack = Stack::connect().await;
    let desk = desk(&[("spill_queue_url", &stack.queue().await), ("dead_letter_queue_url", &stack.queue().await)]);
    let mut person = Person::new();
    let mut text = person.text(&person.number.clone(), 0);
    text["reply_to"] = fresh("sent").into();
    let (text, receipt) = (text.to_string(), dlr(text["reply_to"].as_str().unwrap(), "sent").to_string());
    let at = long_gone();
    let items = [
        Item::mo(&MoCallback::parse(&text).unwrap(), received_at(&text, at)),
        Item::dlr(&DlrCallback::parse(&receipt).unwrap(), received_at(&receipt, at)),
    ];
    let expired = |item| write(item, |attributes| drop(attributes.insert("expires_at".to_owned(), json!(1))));
    put(&stack, items.iter().map(expired).collect()).await;
    let (code, printed) = desk.wab(&["erase", &person.number, "--json"]).await;
    assert_eq!((code, counts(&printed)), (0, expected(&[("messages", 1), ("receipts", 1)])), "{printed}");
    for item in items {
        assert!(stack.items(&item.key.pk).await.is_empty());
    }
}

/// Without the key of the stack's hashes, what was stored without content can't be compared.
#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn message_without_content_is_erased_by_its_hash() {
    let _alone = ALONE.lock().await;
    let stack = Stack::connect().await;
    let desk = desk(&[("spill_queue_url", &stack.queue().await), ("dead_letter_queue_url", &stack.queue().await)]);
    let mut person = Person::new();
    let key: ContentKey = "0f".repeat(32).parse().unwrap();
    let text = person.text(&person.number.clone(), 0).to_string();
    let item = ContentMode::None(key.clone()).mo(&MoCallback::parse(&text).unwrap(), received_at(&text, long_gone()));
    put(&stack, vec![write(&item, |_| {})]).await;
    let (code, printed) = desk.wab(&["erase", &person.number, "--json"]).await;
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &report["left"]["unmatched"]), (1, &json!(1)), "{printed}");
    let (_, printed) = desk.wab(&["erase", &key.contact(&person.number), "--json"]).await;
    assert_eq!(counts(&printed), expected(&[("messages", 1)]), "{printed}");
    assert!(stack.items(&item.key.pk).await.is_empty());
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn late_repeat_of_an_erased_callback_is_a_duplicate() {
    let _alone = ALONE.lock().await;
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let parked = stack.queue().await;
    let desk = desk(&[("spill_queue_url", &stack.queue().await), ("dead_letter_queue_url", &parked)]);
    let mut person = Person::new();
    let number = person.number.clone();
    let (mut text, large) = (person.text(&number, 0), person.text(&number, 20_000));
    let image = person.image(&[b"GIF89a", fresh("picture").as_bytes()].concat());
    text["reply_to"] = fresh("sent").into();
    let mut variant = text.clone();
    variant["content"]["text"]["body"] = person.secret.as_str().into();
    variant["content"]["text"]["more"] = 7.into();
    let receipt = dlr(text["reply_to"].as_str().unwrap(), "sent");
    let callbacks = [(Kind::Mo, text), (Kind::Mo, large), (Kind::Mo, image), (Kind::Mo, variant), (Kind::Dlr, receipt)];
    for (kind, body) in &callbacks {
        assert_eq!(stack.post_ok(*kind, body).await, "stored");
    }
    // One that was received long ago, in a window of its own for a replay.
    let (old, at) = (person.text(&number, 0).to_string(), long_gone());
    put(&stack, vec![write(&Item::mo(&MoCallback::parse(&old).unwrap(), received_at(&old, at)), |_| {})]).await;
    subscriber.everything_so_far().await;

    let (code, printed) = desk.wab(&["erase", &number, "--tombstones", "--json"]).await;
    let erased = expected(&[("messages", 4), ("variants", 1), ("receipts", 1), ("objects", 2)]);
    assert_eq!((code, counts(&printed)), (0, erased), "{printed}");
    let mut tombstones = Vec::new();
    for pk in person
        .ids
        .iter()
        .map(|id| format!("MO#{id}"))
        .chain([format!("DLR#{}", callbacks[4].1["id"].as_str().unwrap())])
    {
        let query = stack.dynamodb.query().table_name(&stack.file.table).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(pk)).consistent_read(true);
        tombstones.extend(query.send().await.unwrap().items.unwrap_or_default());
    }
    assert_eq!(tombstones.len(), 6);
    for tombstone in &tombstones {
        let known = ["pk", "sk", "erased", "expires_at", "digest", "objects"];
        assert!(tombstone.keys().all(|name| known.contains(&&**name)), "{tombstone:?}");
        let text = format!("{tombstone:?}");
        assert!(!text.contains(&number) && !text.contains(&person.secret), "{text}");
    }
    let before = table(&stack).await.into_iter().filter(|item| item.contains("erased")).collect::<Vec<_>>();

    // The gateway repeats each of them.
    for (kind, body) in &callbacks {
        assert_eq!(stack.post_ok(*kind, body).await, "duplicate");
    }
    let after = table(&stack).await.into_iter().filter(|item| item.contains("erased")).collect::<Vec<_>>();
    assert_eq!(after, before);
    let events = subscriber.everything_so_far().await;
    assert!(person.ids.iter().all(|id| of(&events, id).is_empty()), "neither tombstones nor repeats are published");

    // No command takes a tombstone for an event.
    let id = &person.ids[0];
    for arguments in
        [&["show", id, "--json"][..], &["show", &key(id).event_id()], &["conversation", &number], &["resend", id]]
    {
        let (code, printed) = desk.wab(arguments).await;
        assert_eq!(code, 1, "{arguments:?}: {printed}");
    }
    let window = ["replay", "--from", &*instant(at), "--until", &*instant(at + 1), "--dry-run"];
    let (code, printed) = desk.wab(&window).await;
    assert!(code == 0 && printed.starts_with("no event was received in the window"), "{printed}");
    stack.send(&parked, &json!({"reason": "AuthorizationError", "key": key(id)}).to_string()).await;
    let (_, printed) = desk.wab(&["parked", "redrive"]).await;
    assert_eq!(rows(&printed)[0][..2], ["gone", "1"], "{printed}");

    // A repeat with a large body puts its objects back, to which the next erasure is led by the tombstones.
    let (code, printed) = desk.wab(&["erase", &number, "--json"]).await;
    assert_eq!((code, counts(&printed), unfinished(&printed)), (0, expected(&[]), json!(2)), "{printed}");
    let (code, printed) = desk.wab(&["erase", &number, "--json"]).await;
    assert_eq!((code, counts(&printed), unfinished(&printed)), (0, expected(&[]), json!(0)), "{printed}");
    for name in names_of_objects(&stack).await {
        let object = stack.object(&name).await;
        assert!(!String::from_utf8_lossy(&object).contains(&person.secret), "{name}");
    }
}

/// The calls that change something, in [`interruptible`].
const WRITES: usize = 16;

/// Stores something of every kind. Each message leads to the next: the contact's number to the user id, that to a further
/// number, and that to the message that a receipt belongs to.
async fn interruptible(stack: &Stack, spill: &str, parked: &str) -> Person {
    let mut person = Person::new();
    let (number, user_id, new_number) = (person.number.clone(), person.user_id.clone(), format!("1{}", person.number));
    let mut first = person.text(&number, 0);
    first["content"]["from_user_id"] = user_id.as_str().into();
    // Large, and known as the person's by its content alone.
    let mut second = person.text(&user_id, 20_000);
    second.as_object_mut().unwrap().remove("source");
    second["content"]["from"] = new_number.as_str().into();
    second["content"]["from_user_id"] = user_id.as_str().into();
    let mut third = person.text(&new_number, 20_000);
    let sent = person.id();
    third["reply_to"] = sent.as_str().into();
    let image = person.image(&[b"GIF89a", person.secret.as_bytes()].concat());
    for body in [&first, &second, &third, &image] {
        stack.post_ok(Kind::Mo, body).await;
    }
    stack.post_ok(Kind::Dlr, &dlr(&sent, "sent")).await;
    assert_eq!(
        stack.post(Kind::Mo, format!("{{\"source\": \"{new_number}\" {}", "y".repeat(20_000))).await.status,
        400
    );
    stack.send(spill, &spilled(&person.text(&number, 0).to_string())).await;
    stack.send(parked, &json!({"reason": "AuthorizationError", "key": key(&person.ids[2])}).to_string()).await;
    person
}

/// Erases a person through a proxy that lets this many writes pass, and then again without it.
async fn interrupt(stack: Stack, writes: usize) -> Person {
    let (spill, parked) = (stack.queue().await, stack.queue().await);
    let person = interruptible(&stack, &spill, &parked).await;
    let queues = [("spill_queue_url", &*spill), ("dead_letter_queue_url", &*parked)];
    let proxy = proxy(&stack.file.endpoint, writes);
    let (code, printed) = desk(&[&queues[..], &[("endpoint", &*proxy)]].concat()).wab(&["erase", &person.number]).await;
    assert_eq!(code, if writes < WRITES { 3 } else { 0 }, "after {writes} writes: {printed}");
    let (code, printed) = desk(&queues).wab(&["erase", &person.number]).await;
    assert_eq!(code, 0, "after {writes} writes: {printed}");
    for message in [stack.take_all(&spill).await, stack.take_all(&parked).await].concat() {
        person.assert_absent("queues", &message);
    }
    person
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn erasure_that_ends_after_any_write_is_finished_by_a_repeat() {
    let _alone = ALONE.lock().await;
    let stack = Stack::connect().await;
    // Before the others, whose marks it would finish as well.
    let mut persons = vec![interrupt(stack.clone(), WRITES).await];
    // A few at a time: other tests use the stack too.
    for writes in (0..WRITES).collect::<Vec<_>>().chunks(4) {
        let runs: JoinSet<Person> = writes.iter().map(|writes| interrupt(stack.clone(), *writes)).collect();
        persons.extend(runs.join_all().await);
    }
    let (items, names) = (table(&stack).await, names_of_objects(&stack).await);
    let mut objects = Vec::new();
    for name in &names {
        objects.push(String::from_utf8_lossy(&stack.object(name).await).into_owned());
    }
    for person in persons {
        items.iter().for_each(|item| person.assert_absent("table", item));
        objects.iter().for_each(|object| person.assert_absent("bucket", object));
    }
}

/// An address of the stack that rejects every call that would change something, after this many.
fn proxy(endpoint: &str, writes: usize) -> String {
    let upstream = endpoint.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let left = Arc::new(AtomicUsize::new(writes));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (upstream, left) = (upstream.clone(), Arc::clone(&left));
            std::thread::spawn(move || pass_on(stream.unwrap(), &upstream, &left));
        }
    });
    address
}

fn pass_on(mut stream: TcpStream, upstream: &str, left: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let is_write = head.starts_with("DELETE ")
        || ["putitem", "deleteitem", "deletemessage"].iter().any(|name| {
            lower.lines().any(|line| line.starts_with("x-amz-target: ") && line.ends_with(&format!(".{name}")))
        });
    let take = |left: usize| left.checked_sub(1);
    if is_write && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() {
        let _ = write!(stream, "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
    }
    let mut emulator = TcpStream::connect(upstream).unwrap();
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    emulator.write_all(head.as_bytes()).and_then(|()| emulator.write_all(&body)).unwrap();
    let _ = std::io::copy(&mut emulator, &mut stream);
}
