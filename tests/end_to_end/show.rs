//! `wab show`, `wab conversation` and `wab reference` against the deployed stack.
//!
//! Most tests write items of a time long ago, so that what is printed is the same each time.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser;
use serde_json::{Value, json};
use wab_events::Kind;
use wab_marked::{NUMBER, RECIPIENT};
use wab_models::{DlrCallback, Item, MoCallback};

use super::{one, write};
use crate::marked::check_printed;
use crate::records::received_at;
use crate::requests::{dlr, mo_text};
use crate::stack::Stack;

/// 2025-11-23T09:15:02.417Z
const THEN: i64 = 1_763_889_302_417;

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

impl Ran {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// Runs `wab` in a directory with the stack's file. An error is printed, as by the process. Without `--reveal`, it must
/// print no value that it masks.
pub(super) async fn wab(arguments: &[&str]) -> Ran {
    let directory = std::env::temp_dir().join(fresh("wab-show"));
    std::fs::create_dir_all(directory.join(".local")).unwrap();
    std::fs::copy(std::env::var("WAB_STACK").unwrap(), directory.join(".local/stack.json")).unwrap();
    let cli = wab::Cli::try_parse_from([&["wab"], arguments].concat()).unwrap();
    let ran = tokio::task::spawn_blocking(move || run(cli, &directory)).await.unwrap();
    check_printed(arguments, &ran.out);
    check_printed(arguments, &ran.err);
    ran
}

fn run(cli: wab::Cli, directory: &Path) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut shell =
        wab::Shell { directory, out: wab::Output::new(&mut out), err: &mut err, answers: None, width: None };
    let ran = cli.run(&mut shell);
    let code = ran.unwrap_or_else(|error| {
        err.extend(format!("wab: {error:#}").into_bytes());
        wab::exit_code(&error)
    });
    std::fs::remove_dir_all(directory).unwrap();
    let text = |bytes: Vec<u8>| without_colours(&String::from_utf8(bytes).unwrap());
    Ran { code, out: text(out), err: text(err) }
}

/// The text without its colours.
pub(super) fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

/// A unique id of letters: one with many digits in a row would be masked.
pub(super) fn fresh(prefix: &str) -> String {
    let letter = |at: u32| char::from(b'a' + u8::try_from(getrandom::u64().unwrap() >> at & 15).unwrap());
    format!("{prefix}-{}", (0..16).map(letter).collect::<String>())
}

/// A number that no other test has. Masked, it is always the same.
pub(super) fn fresh_number() -> String {
    wab_marked::number(&format!("{:06}77", getrandom::u64().unwrap() % 1_000_000))
}

/// Stores the items of callbacks, each received some milliseconds after [`THEN`]. A message whose id is there already is
/// stored as a variant.
async fn store(stack: &Stack, callbacks: &[(Kind, Value, i64)]) {
    let bodies: Vec<_> = callbacks.iter().map(|(kind, body, after)| (*kind, body.to_string(), THEN + after)).collect();
    let mut ids = BTreeSet::new();
    let mut writes = Vec::new();
    for (kind, body, at) in &bodies {
        let mut item = match kind {
            Kind::Mo => Item::mo(&MoCallback::parse(body).unwrap(), received_at(body, *at)),
            Kind::Dlr => Item::dlr(&DlrCallback::parse(body).unwrap(), received_at(body, *at)),
        };
        if !ids.insert((item.key.pk.clone(), item.key.sk.clone())) {
            item = item.into_variant();
        }
        writes.push(write(&item, |_| {}));
    }
    for writes in writes.chunks(25) {
        let put = stack.dynamodb.batch_write_item().request_items(&stack.file.table, writes.to_vec());
        put.send().await.unwrap();
    }
}

/// A text in which ids have the names that they have in snapshots.
pub(super) fn named(text: &str, names: &[(&str, &str)]) -> String {
    names.iter().fold(text.to_owned(), |text, (value, name)| text.replace(value, name))
}

/// A text that is the same in every run and time zone: ids by their names, times and spans by their kind, and columns
/// without padding.
pub(super) fn steady(text: &str, names: &[(&str, &str)]) -> String {
    let text = named(text, names);
    let lines = text.lines().map(|line| {
        let mut words: Vec<&str> = Vec::new();
        for word in line.split_whitespace() {
            let bare = word.trim_end_matches([',', ';', ':', ')']);
            let is = |pattern: &str| {
                bare.len() == pattern.len()
                    && bare.chars().zip(pattern.chars()).all(|(char, like)| match like {
                        '0' => char.is_ascii_digit(),
                        'x' => char.is_ascii_hexdigit(),
                        like => char == like,
                    })
            };
            let unit = matches!(bare, "ms" | "s" | "min" | "h" | "d");
            let number = words.last().is_some_and(|last| {
                last.trim_start_matches('(').chars().all(|char| char.is_ascii_digit() || char == '.')
            });
            if unit && number {
                words.pop();
                if words.last() != Some(&"SPAN") {
                    words.push("SPAN");
                }
            } else if is("0000-00-00") || is("00:00:00.000") || is("00:00:00") || is("+00:00") || is("(+00:00") {
                if words.last() != Some(&"TIME") {
                    words.push("TIME");
                }
            } else if is(&"x".repeat(32)) {
                words.push("EVENT");
            } else if is(&"x".repeat(12)) {
                words.push("VARIANT");
            } else if is(&"x".repeat(64)) {
                words.push("SHA256");
            } else {
                words.push(word);
            }
        }
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// JSON that is the same in every run: as [`steady`], and without what depends on the emulator.
fn steady_json(value: Value, names: &[(&str, &str)]) -> String {
    fn redact(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (key, value) in members.iter_mut() {
                    match key.as_str() {
                        "event_id" | "digest" | "variant" if value.is_string() => *value = json!("…"),
                        "cost" => *value = json!("…"),
                        _ => redact(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(redact),
            _ => {}
        }
    }
    let mut value = value;
    redact(&mut value);
    named(&format!("{value:#}"), names)
}

/// A message with this content from this number.
fn mo(id: &str, number: &str, content: Value) -> Value {
    json!({"id": id, "source": format!("+{number}"), "Destination": RECIPIENT, "content": content})
}

fn content(number: &str, wamid: &str, mut rest: Value) -> Value {
    let members = rest.as_object_mut().unwrap();
    members.insert("from".to_owned(), number.into());
    members.insert("id".to_owned(), wamid.into());
    members.insert("timestamp".to_owned(), "1763889301".into());
    rest
}

fn text(number: &str, wamid: &str, body: &str) -> Value {
    content(number, wamid, json!({"type": "text", "text": {"body": wab_marked::text(body)}}))
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn show_tells_everything_of_a_reply_and_its_message() {
    let stack = Stack::connect().await;
    let (id, sent, reference, number) = (fresh("mo"), fresh("mt"), fresh("order"), fresh_number());
    let reply = |body: &str| {
        let mut reply = mo(&id, &number, text(&number, "wamid.V0FC", body));
        reply["reply_to"] = sent.as_str().into();
        reply["reference"] = reference.as_str().into();
        reply["brand"] = json!({"new": 7});
        reply
    };
    let receipt = |status: &str, detail: Option<&str>| {
        let mut receipt = json!({"id": sent, "status": status, "reference": reference});
        if let Some(detail) = detail {
            receipt["detail"] = detail.into();
        }
        receipt
    };
    let callbacks = [
        (Kind::Dlr, receipt("submitted", None), -9_000),
        (Kind::Dlr, receipt("sent", None), -8_500),
        (Kind::Dlr, receipt("received", Some(&format!("to +{number}"))), -6_000),
        (Kind::Dlr, receipt("expired", None), 60_000),
        (Kind::Mo, reply("Kia ora\nand thanks"), 0),
        (Kind::Mo, reply("Ka kite"), 5_000),
    ];
    store(&stack, &callbacks).await;
    let names = [(&*id, "MESSAGE"), (&*sent, "SENT"), (&*reference, "REFERENCE"), (&*number, "NUMBER")];

    let masked = wab(&["show", &id]).await;
    assert_eq!(masked.code, 0, "{masked:?}");
    assert!(masked.err.contains("read units"), "{}", masked.err);
    insta::assert_snapshot!("show_reply", steady(&masked.out, &names));
    let revealed = wab(&["show", &id, "--reveal"]).await;
    insta::assert_snapshot!("show_reply_revealed", steady(&revealed.out, &names));
    let masked = wab(&["show", &id, "--json"]).await;
    insta::assert_snapshot!("show_reply_json", steady_json(masked.json(), &names));

    let masked = wab(&["show", &sent]).await;
    insta::assert_snapshot!("show_sent", steady(&masked.out, &names));
    let masked = wab(&["show", &sent, "--json"]).await;
    insta::assert_snapshot!("show_sent_json", steady_json(masked.json(), &names));

    let masked = wab(&["reference", &reference]).await;
    assert_eq!(masked.code, 0, "{masked:?}");
    insta::assert_snapshot!("reference", steady(&masked.out, &names));
    let masked = wab(&["reference", &reference, "--json"]).await;
    insta::assert_snapshot!("reference_json", steady_json(masked.json(), &names));
    let revealed = wab(&["reference", &reference, "--reveal"]).await;
    assert!(revealed.out.contains("Kia ora and thanks") && revealed.out.contains(&number), "{}", revealed.out);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn raw_prints_one_body_byte_for_byte() {
    let stack = Stack::connect().await;
    let id = fresh("raw");
    let first = format!("{{ \"id\":\"{id}\",\n \"content\": \"\\u00e9 \u{1f44b}\" }}");
    assert_eq!(stack.post(Kind::Mo, first.as_str()).await.status, 200);
    assert_eq!(wab(&["show", &id, "--raw", "--reveal"]).await.out, first);

    let second = json!({"id": id, "content": "x".repeat(200_000)}).to_string();
    let receipt = dlr(&id, "sent").to_string();
    assert_eq!(stack.post(Kind::Mo, second.as_str()).await.status, 200);
    assert_eq!(stack.post(Kind::Dlr, receipt.as_str()).await.status, 200);
    let several = wab(&["show", &id, "--raw", "--reveal"]).await;
    assert_eq!((several.code, &*several.out), (2, ""), "{several:?}");
    assert!(several.err.contains("the id has 3 items"), "{several:?}");
    for (number, body) in [("1", &first), ("2", &second), ("3", &receipt)] {
        let ran = wab(&["show", &id, "--raw", "--reveal", "--item", number]).await;
        assert!(ran.code == 0 && ran.out == *body, "item {number}: {}", ran.err);
    }
    assert_eq!(wab(&["show", &id, "--raw", "--reveal", "--item", "4"]).await.code, 2);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn event_is_shown_as_it_is_published() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh("event");
    stack.post_ok(Kind::Mo, &mo_text(&id)).await;
    let events = subscriber.everything_so_far().await;
    let published = one(&events, &id);
    let shown = wab(&["show", &id, "--event", "--json", "--reveal"]).await.json();
    assert_eq!(shown["items"][0]["event"]["event"], published.event);
    assert_eq!(shown["items"][0]["event"]["attributes"], json!(published.attributes));
    assert_eq!(shown["items"][0]["event_id"], published.event["id"]);
    let masked = wab(&["show", &id, "--event"]).await.out;
    assert!(masked.contains("attribute") && masked.contains("+88…01"), "{masked}");
    assert!(masked.contains(published.event["id"].as_str().unwrap()), "{masked}");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn event_id_leads_to_its_message() {
    let stack = Stack::connect().await;
    // The second is in no index.
    for body in [mo_text(&fresh("by-index")), json!({"id": fresh("by-scan"), "content": "x"})] {
        let answer = stack.post(Kind::Mo, body.to_string()).await;
        let event_id = answer.body["event_id"].as_str().unwrap();
        let shown = wab(&["show", event_id, "--json"]).await;
        let json = shown.json();
        assert_eq!((&json["id"], &json["items"][0]["asked_for"]), (&body["id"], &json!(true)), "{}", shown.err);
        let raw = wab(&["show", &event_id.to_uppercase(), "--raw", "--reveal"]).await;
        assert_eq!(raw.out, body.to_string());
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn unknown_id_says_where_it_may_be() {
    let _stack = Stack::connect().await;
    for id in [&*fresh("unknown"), "00000000000000000000000000000000"] {
        let unknown = wab(&["show", id]).await;
        assert_eq!((unknown.code, &*unknown.out), (1, ""), "{unknown:?}");
        assert!(unknown.err.contains("RetentionDays") && unknown.err.contains("another stack"), "{unknown:?}");
        let unknown = wab(&["show", id, "--json"]).await;
        assert_eq!((unknown.code, unknown.json()), (1, Value::Null));
    }
    let unknown = wab(&["reference", &fresh("unknown"), "--json"]).await;
    assert_eq!((unknown.code, &unknown.json()["sent"]), (1, &json!([])));
    let unknown = wab(&["conversation", &fresh_number()]).await;
    assert_eq!((unknown.code, &*unknown.out), (1, ""));
    assert_eq!(wab(&["show", ""]).await.code, 2);
    assert_eq!(wab(&["show", &"x".repeat(513)]).await.code, 2);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn unreadable_item_is_shown_as_such() {
    let stack = Stack::connect().await;
    let id = fresh("newer");
    let body = mo_text(&id).to_string();
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received_at(&body, THEN));
    let newer = write(&item, |item| {
        item.insert("v".to_owned(), json!(99));
    });
    stack.dynamodb.batch_write_item().request_items(&stack.file.table, vec![newer]).send().await.unwrap();
    let shown = wab(&["show", &id]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    insta::assert_snapshot!("show_unreadable", steady(&shown.out, &[]));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn bodies_and_binary_content_are_found_or_said_to_be_gone() {
    use base64::Engine;

    let stack = Stack::connect().await;
    let id = fresh("binary");
    let png = [b"\x89PNG\r\n\x1a\n".to_vec(), getrandom::u64().unwrap().to_be_bytes().repeat(5_000)].concat();
    let content = base64::engine::general_purpose::STANDARD.encode(&png);
    stack.post_ok(Kind::Mo, &json!({"id": id, "encoding": "base64", "content": content})).await;
    let shown = wab(&["show", &id, "--json"]).await.json();
    let item = &shown["items"][0];
    assert_eq!((&item["stored"]["place"], &item["stored"]["gone"]), (&json!("bucket"), &Value::Null));
    assert_eq!((&item["binary"]["bytes"], &item["binary"]["gone"]), (&json!(png.len()), &Value::Null));
    assert_eq!(item["content"]["summary"], format!("[binary] image/png, {} bytes", png.len()));

    let sdk = stack.file.sdk_config();
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build());
    for object in [&item["stored"]["object"], &item["binary"]["object"]] {
        let key = object.as_str().unwrap().strip_prefix(&format!("s3://{}/", stack.file.bucket)).unwrap();
        s3.delete_object().bucket(&stack.file.bucket).key(key).send().await.unwrap();
    }
    let shown = wab(&["show", &id, "--json"]).await.json();
    let item = &shown["items"][0];
    assert_eq!((&item["stored"]["gone"], &item["binary"]["gone"]), (&json!(true), &json!(true)));
    let shown = wab(&["show", &id]).await;
    assert!(shown.code == 0 && shown.out.matches("no longer has").count() == 2, "{shown:?}");
    assert_eq!(wab(&["show", &id, "--raw", "--reveal"]).await.code, 1);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn parked_option_finds_the_message_in_the_dead_letter_queue() {
    let stack = Stack::connect().await;
    let id = fresh("parked");
    stack.post_ok(Kind::Mo, &mo_text(&id)).await;
    let parked = json!({"reason": "made up", "key": {"pk": format!("MO#{id}"), "sk": "EVENT"}});
    stack.send(&stack.file.dead_letter_queue_url, &parked.to_string()).await;
    // Another test may be hiding the message.
    let give_up = std::time::Instant::now() + crate::stack::PATIENCE;
    loop {
        let shown = wab(&["show", &id, "--parked", "--json"]).await.json();
        if shown["parked"][0]["reason"] == "made up" {
            assert_eq!(shown["parked"][0]["event_id"], shown["items"][0]["event_id"]);
            break;
        }
        assert!(std::time::Instant::now() < give_up, "{shown}");
    }
    stack.parked(|message| message["key"] == parked["key"]).await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn range_lists_what_was_received_page_by_page() {
    let stack = Stack::connect().await;
    // An hour of this test's own, in the years 2001 to 2010.
    let start = 978_307_200_000 + i64::try_from(getrandom::u64().unwrap() % 80_000).unwrap() * 3_600_000;
    let number = fresh_number();
    let ids: Vec<String> = (0..7).map(|_| fresh("range")).collect();
    let callbacks: Vec<_> = ids
        .iter()
        .zip(0..)
        .map(|(id, at)| match at % 2 {
            0 => (Kind::Mo, mo(id, &number, text(&number, "wamid.V0FC", "x")), start - THEN + at * 1_000),
            _ => (Kind::Dlr, dlr(id, "sent"), start - THEN + at * 1_000),
        })
        .collect();
    store(&stack, &callbacks).await;
    let time = |at: i64| jiff::Timestamp::from_millisecond(at).unwrap().to_string();
    let (mut from, to) = (time(start), time(start + 3_600_000));
    let mut listed = Vec::new();
    let mut pages = 0;
    loop {
        let page = wab(&["show", "--from", &from, "--until", &to, "--limit", "3", "--json"]).await;
        assert_eq!(page.code, 0, "{page:?}");
        let json = page.json();
        let rows = json["rows"].as_array().unwrap();
        listed.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = json["next"].as_str() else { break };
        from = next.to_owned();
    }
    assert_eq!((listed, pages), (ids.clone(), 3));
    let receipts = wab(&["show", "--from", &time(start), "--until", &to, "--kind", "dlr"]).await;
    assert!(ids.iter().enumerate().all(|(at, id)| receipts.out.contains(id) == (at % 2 == 1)), "{}", receipts.out);
    let all = wab(&["show", "--from", &time(start), "--until", &time(start + 2_000)]).await;
    insta::assert_snapshot!("show_range", steady(&all.out, &[(&ids[0], "MESSAGE"), (&ids[1], "SENT")]));
    let nothing = wab(&["show", "--from", "2000-01-01T00:00:00Z", "--until", "2000-01-02"]).await;
    assert_eq!((nothing.code, &*nothing.out), (1, ""));
    assert_eq!(wab(&["show", "--from", "2000-01-02", "--until", "2000-01-01"]).await.code, 2);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn conversation_is_read_as_a_person_would() {
    let stack = Stack::connect().await;
    let (number, sent, other) = (fresh_number(), fresh("mt"), fresh("order"));
    let ids: Vec<String> = (1..=8).map(|number| fresh(&format!("m{number}"))).collect();
    let wamid = |of: usize| format!("wamid.{}", ids[of]);
    let said = |of: usize, rest: Value| mo(&ids[of], &number, content(&number, &wamid(of), rest));
    let mut without_plus = said(
        1,
        json!({"type": "image", "image": {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": wab_marked::text("Look")}}),
    );
    without_plus["source"] = number.as_str().into();
    let mut reply = said(2, json!({"type": "button", "button": {"text": wab_marked::text("Yes"), "payload": null}}));
    reply["reply_to"] = sent.as_str().into();
    let mut by_reference =
        said(3, json!({"type": "text", "text": {"body": wab_marked::text("When?")}, "context": {"id": wamid(0)}}));
    by_reference["reference"] = other.as_str().into();
    let mut lost = said(7, json!({"type": "request_welcome", "from_user_id": format!("NZ.{NUMBER}")}));
    lost["reply_to"] = "lost".into();
    let minute = 60_000;
    let callbacks = [
        (Kind::Mo, said(0, json!({"type": "text", "text": {"body": wab_marked::text("Kia ora\nkoutou")}})), 0),
        (Kind::Mo, without_plus, minute),
        (Kind::Dlr, json!({"id": sent, "status": "sent"}), 2 * minute),
        (Kind::Dlr, json!({"id": sent, "status": "received"}), 2 * minute + 1_500),
        (Kind::Mo, reply, 3 * minute),
        (Kind::Dlr, json!({"id": "mt-by-reference", "status": "sent", "reference": other}), 3 * minute + 500),
        (Kind::Mo, by_reference, 4 * minute),
        (
            Kind::Mo,
            said(4, json!({"type": "reaction", "reaction": {"message_id": wamid(1), "emoji": "👍"}})),
            5 * minute,
        ),
        (
            Kind::Mo,
            said(
                5,
                json!({"type": "edit", "edit": {"original_message_id": wamid(0), "message": {"type": "text", "text": {"body": wab_marked::text("Kia ora!")}}}}),
            ),
            6 * minute,
        ),
        (
            Kind::Mo,
            said(6, json!({"type": "revoke", "revoke": {"original_message_id": "wamid.elsewhere"}})),
            7 * minute,
        ),
        (Kind::Mo, lost, 24 * 60 * minute),
    ];
    store(&stack, &callbacks).await;
    let mut names: Vec<(&str, &str)> = vec![(&number, "NUMBER"), (&sent, "SENT"), (&other, "REFERENCE")];
    let labels: Vec<String> = (1..=8).map(|number| format!("M{number}")).collect();
    names.extend(ids.iter().zip(&labels).map(|(id, label)| (id.as_str(), label.as_str())));

    let spaced = format!("+{} {} {}", &number[..2], &number[2..4], &number[4..]);
    let masked = wab(&["conversation", &spaced]).await;
    assert_eq!(masked.code, 0, "{masked:?}");
    assert!(!masked.out.contains("👍"), "{}", masked.out);
    insta::assert_snapshot!("conversation", steady(&masked.out, &names));
    let revealed = wab(&["conversation", &format!("00{number}"), "--reveal"]).await;
    insta::assert_snapshot!("conversation_revealed", steady(&revealed.out, &names));
    let newest_first = wab(&["conversation", &number, "--newest-first", "--json"]).await;
    assert!(!newest_first.out.contains("👍"), "{}", newest_first.out);
    insta::assert_snapshot!("conversation_newest_first_json", steady_json(newest_first.json(), &names));
}

/// The ids of all pages, in the order of the pages, and the number of pages.
async fn pages(number: &str, first: &[&str]) -> (Vec<String>, usize) {
    let mut arguments: Vec<String> = first.iter().map(|argument| (*argument).to_owned()).collect();
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let command = [
            &["conversation", number, "--limit", "4", "--json"][..],
            &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
        ]
        .concat();
        let page = wab(&command).await.json();
        let entries = page["entries"].as_array().unwrap();
        let mut of_page: Vec<String> = entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
        pages += 1;
        match (page["next"]["since"].as_str(), page["next"]["until"].as_str()) {
            (Some(since), None) => arguments = vec!["--since".to_owned(), since.to_owned()],
            (None, until) => {
                if arguments.first().is_none_or(|option| option == "--until") {
                    of_page.reverse();
                }
                if let Some(until) = until {
                    arguments = vec!["--until".to_owned(), until.to_owned()];
                }
            }
            both => panic!("{both:?}"),
        }
        ids.extend(of_page);
        if page["next"].is_null() {
            return (ids, pages);
        }
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn pages_have_every_message_once() {
    let stack = Stack::connect().await;
    let number = fresh_number();
    let ids: Vec<String> = (0..10).map(|_| fresh("page")).collect();
    // Two are received in the same millisecond, at the end of a page of four.
    let at = [0, 1, 2, 3, 3, 5, 6, 6, 8, 9];
    let callbacks: Vec<_> = ids
        .iter()
        .zip(at)
        .map(|(id, at)| {
            let mut mo = mo(id, &number, text(&number, &format!("wamid.{id}"), "x"));
            if at % 2 == 0 {
                mo["source"] = number.as_str().into();
            }
            (Kind::Mo, mo, at * 1_000)
        })
        .collect();
    store(&stack, &callbacks).await;
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let (forwards, _) = pages(&number, &["--since", "2025-11-23T09:15:02.417Z"]).await;
    assert_eq!(forwards.first(), ids.first());
    assert_eq!(sorted(forwards), sorted(ids.clone()));
    let (backwards, _) = pages(&number, &[]).await;
    assert_eq!(backwards.first(), ids.last());
    assert_eq!(sorted(backwards), sorted(ids.clone()));
    let between =
        ["conversation", &number, "--since", "2025-11-23T09:15:03.417Z", "--until", "2025-11-23T09:15:05.417Z"];
    let between = wab(&[&between[..], &["--json"]].concat()).await.json();
    assert_eq!(between["messages"], 2, "{between}");
}

/// DynamoDB counts half a unit for 8 KB of an index, and half a unit for each item of a batch ("Capacity unit consumption
/// for read operations"). The emulator doesn't count batches, so their number is checked.
#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn contact_with_1000_messages_is_read_in_12_calls() {
    let stack = Stack::connect().await;
    let number = fresh_number();
    let ids: Vec<String> = (0..1_000).map(|_| fresh("cost")).collect();
    let callbacks: Vec<_> = ids
        .iter()
        .zip(0..)
        .map(|(id, at)| (Kind::Mo, mo(id, &number, text(&number, &format!("wamid.{id}"), "Kia ora")), at * 1_000))
        .collect();
    store(&stack, &callbacks).await;
    let whole = wab(&["conversation", &number, "--limit", "1000", "--json"]).await;
    let page = wab(&["conversation", &number, "--json"]).await;
    let show = wab(&["show", &ids[500], "--json"]).await;
    let (whole, page, show) = (whole.json(), page.json(), show.json());
    assert_eq!((&whole["messages"], &page["messages"]), (&json!(1_000), &json!(50)));
    // Two spellings in the index, and batches of 100.
    let calls = [&whole, &page, &show].map(|report| report["cost"]["reads"].as_u64().unwrap());
    assert_eq!(calls, [2 + 10, 2 + 1, 2]);
    for (report, most) in [(&whole, 520.0), (&page, 30.0), (&show, 2.0)] {
        let units = report["cost"]["read_units"].as_f64().unwrap();
        assert!(units > 0.0 && units <= most, "{}", report["cost"]);
    }
}
