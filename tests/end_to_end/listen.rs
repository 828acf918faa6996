//! `wab listen` and `wab subscribe` against the stack. The listener runs as a process, which signals end.
//!
//! Each test listens to a contact of its own, so that the events of other tests don't reach it.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use wab_events::Kind;

use super::resend::{pretty, redacted};
use super::show::{fresh, named, steady, without_colours};
use crate::marked::check_printed;
use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::{PATIENCE, Stack, run_wab};

/// How many events the long test and the timed test publish. 10 000 for the figures of the documentation.
fn events() -> usize {
    std::env::var("WAB_LISTEN_EVENTS").map_or(150, |number| number.parse().unwrap())
}

/// Prints a figure, if one was asked for.
fn measured(figure: &str) {
    if std::env::var_os("WAB_LISTEN_EVENTS").is_some() {
        std::io::stderr().write_all(format!("{figure}\n").as_bytes()).unwrap();
    }
}

/// A person who listens to one contact.
struct Desk {
    directory: PathBuf,
    name: String,
    contact: String,
}

impl Desk {
    fn new() -> Self {
        let name = fresh_id("desk");
        let directory = std::env::temp_dir().join(format!("wab-{name}"));
        std::fs::create_dir_all(directory.join(".local")).unwrap();
        std::fs::copy(std::env::var("WAB_STACK").unwrap(), directory.join(".local/stack.json")).unwrap();
        let contact = wab_marked::number(&format!("{:08}", getrandom::u64().unwrap() % 100_000_000));
        Self { directory, name, contact }
    }

    /// A message from the contact.
    fn message(&self, id: &str) -> Value {
        let mut message = mo_text(id);
        message["source"] = format!("+{}", self.contact).into();
        message
    }

    /// Posts messages, several at once. Returns when each was answered.
    async fn post(&self, stack: &Stack, ids: &[String]) -> HashMap<String, Instant> {
        let mut posts = JoinSet::new();
        let mut answered = HashMap::new();
        for id in ids {
            if posts.len() == 8 {
                let (id, at): (String, Instant) = posts.join_next().await.unwrap().unwrap();
                answered.insert(id, at);
            }
            let (stack, message, id) = (stack.clone(), self.message(id), id.clone());
            posts.spawn(async move {
                // Stored or deferred, on a busy machine: either is published.
                stack.post_ok(Kind::Mo, &message).await;
                (id, Instant::now())
            });
        }
        answered.extend(posts.join_all().await);
        answered
    }

    fn listen(&self, more: &[&str]) -> Listener {
        let arguments = ["listen", "--name", &self.name, "--contact", &self.contact];
        Listener::start(&self.directory, &[&arguments[..], more].concat())
    }

    async fn wab(&self, arguments: &[&str]) -> (u8, String) {
        run_wab(&self.directory, arguments).await
    }

    async fn leave(self) {
        let (code, _) = self.wab(&["listen", "--remove", "--name", &self.name]).await;
        assert_eq!(code, 0);
        std::fs::remove_dir_all(self.directory).unwrap();
    }
}

/// What a mask leaves of the end of a number.
fn last_digits(number: &str) -> &str {
    &number[number.len() - 2..]
}

/// The program `wab`, compiled with the tests.
pub(super) fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("wab");
    assert!(program.exists(), "{} is compiled by `cargo test --workspace`", program.display());
    program
}

/// A running `wab listen`.
struct Listener {
    child: Child,
    arguments: Vec<String>,
    lines: Receiver<(Instant, String)>,
    errors: Receiver<(Instant, String)>,
}

/// The lines of an output, each with the time when it was read.
fn lines(output: impl Read + Send + 'static) -> Receiver<(Instant, String)> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            if sender.send((Instant::now(), line.unwrap())).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Listener {
    fn spawn(directory: &Path, arguments: &[&str]) -> Child {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(directory).env("TZ", "UTC").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts a listener and waits until it is connected.
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let listener = Self::begin(directory, arguments);
        listener.until_reported("connected: ");
        listener
    }

    fn begin(directory: &Path, arguments: &[&str]) -> Self {
        let mut child = Self::spawn(directory, arguments);
        let errors = lines(child.stderr.take().unwrap());
        let lines = lines(child.stdout.take().unwrap());
        Self { child, arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(), lines, errors }
    }

    /// Checks a printed line for values that `wab` masks.
    fn checked(&self, line: String) -> String {
        check_printed(&self.arguments.iter().map(String::as_str).collect::<Vec<_>>(), &line);
        line
    }

    /// Waits for a report on standard error.
    fn until_reported(&self, start: &str) -> String {
        loop {
            let (_, line) = self.errors.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{start:?} isn't reported"));
            let line = self.checked(line);
            if line.starts_with(start) {
                return line;
            }
        }
    }

    fn line(&self) -> (Instant, String) {
        let (at, line) = self.lines.recv_timeout(PATIENCE).expect("an event is shown");
        (at, self.checked(line))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line().1).unwrap()
    }

    /// Ends the listener as Ctrl-C does. Returns the exit code, the lines not yet read, and the last reports.
    fn stop(mut self) -> (i32, Vec<String>, Vec<String>) {
        let signalled = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(signalled.success());
        let code = self.child.wait().unwrap().code().unwrap();
        let rest = |lines: &Receiver<(Instant, String)>| lines.iter().map(|(_, line)| self.checked(line)).collect();
        (code, rest(&self.lines), rest(&self.errors))
    }
}

/// Ids of messages in the lines of `--json --reveal`.
fn ids(lines: &[String]) -> Vec<String> {
    let of = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&event["again"], &event["kind"]), (&json!(false), &json!("mo")), "{event}");
        event["id"].as_str().unwrap().to_owned()
    };
    lines.iter().map(of).collect()
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn closed_listener_loses_and_repeats_nothing() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let all: Vec<String> = (0..events()).map(|_| fresh_id("event")).collect();
    let (before, rest) = all.split_at(all.len() * 4 / 10);
    let (meanwhile, after) = rest.split_at(all.len() * 4 / 10);

    let listener = desk.listen(&["--json", "--reveal"]);
    desk.post(&stack, before).await;
    // Interrupted in the middle, with events received and events waiting.
    let mut shown: Vec<String> = (0..before.len() / 2).map(|_| listener.line().1).collect();
    let (code, lines, _) = listener.stop();
    assert_eq!(code, 0);
    shown.extend(lines);
    let first_run = shown.len();
    desk.post(&stack, meanwhile).await;

    let listener = desk.listen(&["--json", "--reveal"]);
    desk.post(&stack, after).await;
    let mut missing: HashSet<&str> = all.iter().map(String::as_str).collect();
    let parse = |line: &String| -> Value { serde_json::from_str(line).unwrap() };
    let mut events: Vec<Value> = shown.iter().map(parse).collect();
    for event in &events {
        missing.remove(event["id"].as_str().unwrap());
    }
    while !missing.is_empty() {
        let event = listener.json();
        missing.remove(event["id"].as_str().unwrap());
        events.push(event);
    }
    // What would be shown twice is shown before this one at the latest.
    let last = fresh_id("last");
    desk.post(&stack, std::slice::from_ref(&last)).await;
    loop {
        let event = listener.json();
        if event["id"] == last.as_str() {
            break;
        }
        events.push(event);
    }
    let (code, lines, reports) = listener.stop();
    assert_eq!((code, lines.len()), (0, 0), "{lines:?}");
    assert!(reports.iter().any(|line| line.ends_with("events shown")), "{reports:?}");

    // The stack may publish an event twice, as two messages.
    let mut messages = HashSet::new();
    for event in &events {
        assert!(messages.insert(event["message_id"].as_str().unwrap()), "shown twice: {event}");
    }
    let ids: HashSet<&Value> = events.iter().map(|event| &event["id"]).collect();
    assert_eq!(ids.len(), all.len());
    measured(&format!(
        "{} events: 0 lost, 0 shown twice, {} published twice; {first_run} shown before the end, {} after",
        all.len(),
        events.len() - all.len(),
        events.len() - first_run
    ));
    desk.leave().await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn lines_follow_the_answer() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let listener = desk.listen(&["--json", "--reveal"]);
    let count = events().min(600);
    let mut answered = HashMap::new();
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    let mut posts = JoinSet::new();
    for _ in 0..count {
        pace.tick().await;
        let (stack, id) = (stack.clone(), fresh_id("timed"));
        let message = desk.message(&id);
        posts.spawn(async move {
            stack.post_ok(Kind::Mo, &message).await;
            (id, Instant::now())
        });
    }
    answered.extend(posts.join_all().await);
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let (at, line) = listener.line();
            let [id] = &ids(&[line])[..] else { panic!("one id") };
            at.saturating_duration_since(answered.remove(id).expect("each event is shown once"))
        })
        .collect();
    times.sort();
    let percentile = |percent: usize| times[(times.len() - 1) * percent / 100];
    measured(&format!("{count} events: from answer to line p50 {:?}, p99 {:?}", percentile(50), percentile(99)));
    listener.stop();
    desk.leave().await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn event_is_one_masked_line() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let listener = desk.listen(&[]);
    desk.post(&stack, &[fresh_id("line")]).await;
    let (_, line) = listener.line();
    let masked = format!("  mo   text        +88…{} → 88…02  (17 characters)  ", last_digits(&desk.contact));
    assert_eq!(&line[8..8 + masked.len()], masked);
    let (code, lines, reports) = listener.stop();
    assert_eq!((code, lines.len()), (0, 0));
    assert!(reports.contains(&"1 event shown".to_owned()), "{reports:?}");
    desk.leave().await;
}

/// The next line as JSON, the same in every run.
fn steady_line(listener: &Listener, names: &[(&str, &str)]) -> String {
    let changing = ["event_id", "message_id", "received_at"];
    named(&pretty(&redacted(listener.json(), &changing)), names)
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn message_is_printed_as_text_and_as_json() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let id = fresh("printed");
    let (plus, masked) = (format!("+{}", desk.contact), format!("88…{}", last_digits(&desk.contact)));
    let names = [
        (&*plus, "+CONTACT"),
        (&*desk.contact, "CONTACT"),
        (&*masked, "MASKED"),
        (&*id, "MESSAGE"),
        (&*desk.name, "NAME"),
        (&*stack.file.username, "APPLICATION"),
    ];
    let listener = desk.listen(&["--kind", "mo", "--application", &stack.file.username]);
    desk.post(&stack, std::slice::from_ref(&id)).await;
    let mut text = vec![listener.line().1];
    assert_eq!(desk.wab(&["resend", &id]).await.0, 0);
    text.push(listener.line().1);
    let (code, rest, reports) = listener.stop();
    assert_eq!((code, rest.len()), (0, 0), "{rest:?}");
    text.push("reports:".to_owned());
    text.extend(reports);
    insta::assert_snapshot!("listen", steady(&without_colours(&text.join("\n")), &names));

    for (arguments, snapshot) in [(&["--json"][..], "listen_json"), (&["--json", "--reveal"], "listen_json_revealed")] {
        let listener = desk.listen(arguments);
        assert_eq!(desk.wab(&["resend", &id]).await.0, 0);
        insta::assert_snapshot!(snapshot, steady_line(&listener, &names));
        assert_eq!(listener.stop().0, 0);
    }
    let listener = desk.listen(&["--reveal"]);
    assert_eq!(desk.wab(&["resend", &id]).await.0, 0);
    insta::assert_snapshot!("listen_revealed", steady(&without_colours(&listener.line().1), &names));
    assert_eq!(listener.stop().0, 0);
    desk.leave().await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn receipts_of_a_status_are_printed_as_text_and_as_json() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    // No other test has this status.
    let (id, status) = (fresh("printed"), fresh("status"));
    let names = [(&*id, "MESSAGE"), (&*status, "STATUS"), (&*desk.name, "NAME")];
    let listen = ["listen", "--name", &*desk.name, "--kind", "dlr", "--status", &*status];
    let listener = Listener::start(&desk.directory, &listen);
    stack.post_ok(Kind::Dlr, &dlr(&id, "sent")).await;
    stack.post_ok(Kind::Dlr, &dlr(&id, &status)).await;
    let line = listener.line().1;
    let (code, rest, reports) = listener.stop();
    assert_eq!((code, rest.len()), (0, 0), "{rest:?}");
    let text = [&[line, "reports:".to_owned()][..], &reports].concat().join("\n");
    insta::assert_snapshot!("listen_receipt", steady(&without_colours(&text), &names));

    let listener = Listener::start(&desk.directory, &[&listen[..], &["--json"]].concat());
    assert_eq!(desk.wab(&["resend", &id, "--status", &status]).await.0, 0);
    insta::assert_snapshot!("listen_receipt_json", steady_line(&listener, &names));
    assert_eq!(listener.stop().0, 0);
    desk.leave().await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn changed_options_change_the_filter() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    desk.listen(&[]).stop();
    let (dropped, shown) = (fresh_id("dropped"), fresh_id("shown"));
    desk.post(&stack, &[dropped]).await;
    // The queue dates a connection by the second, and --new drops only what surely came before.
    let answered = Timestamp::now().as_second();
    while Timestamp::now().as_second() < answered + 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let until_waiting = Instant::now() + PATIENCE;
    let listener = loop {
        // --new drops what waits, so it must have arrived.
        let listener = Listener::begin(
            &desk.directory,
            &["listen", "--name", &desk.name, "--json", "--type", "text", "--contact", &desk.contact, "--new"],
        );
        let connected = listener.until_reported("connected: ");
        if connected.contains("dropped") {
            break listener;
        }
        assert!(Instant::now() < until_waiting && listener.stop().0 == 0, "{connected}");
    };
    desk.post(&stack, std::slice::from_ref(&shown)).await;
    let event = listener.json();
    assert_eq!((&event["type"], &event["text"]), (&json!("text"), &json!("(17 characters)")), "{event}");
    let (_, lines, reports) = listener.stop();
    assert!(lines.is_empty() && reports.contains(&"1 event shown, 1 dropped".to_owned()), "{lines:?} {reports:?}");
    desk.leave().await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn closed_output_keeps_what_nobody_read() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let mut child = Listener::spawn(
        &desk.directory,
        &["listen", "--name", &desk.name, "--json", "--reveal", "--contact", &desk.contact],
    );
    let errors = lines(child.stderr.take().unwrap());
    while !errors.recv_timeout(PATIENCE).unwrap().1.starts_with("connected") {}
    let all = [fresh_id("one"), fresh_id("two"), fresh_id("three")];
    desk.post(&stack, &all[..1]).await;
    let mut reader: BufReader<ChildStdout> = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    assert_eq!(ids(&[first]), all[..1]);
    drop(reader);
    desk.post(&stack, &all[1..]).await;
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let listener = desk.listen(&["--json", "--reveal"]);
    let mut rest = ids(&[listener.line().1, listener.line().1]);
    rest.sort();
    let mut expected = all[1..].to_vec();
    expected.sort();
    assert_eq!(rest, expected);
    listener.stop();
    desk.leave().await;
}

/// A program that answers each request with the next of these statuses, and with the last one from then on.
fn program_answering(statuses: &'static [u16]) -> (String, Receiver<(String, String)>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/events", server.local_addr().unwrap());
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for (number, connection) in server.incoming().enumerate() {
            let status = statuses[number.min(statuses.len() - 1)];
            if sender.send(answer(connection.unwrap(), status)).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

/// Reads a request and answers it. Returns its head and its body.
fn answer(mut connection: TcpStream, status: u16) -> (String, String) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    head.make_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    write!(connection, "HTTP/1.1 {status} Status\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn event_is_forwarded_until_it_is_taken() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let (address, requests) = program_answering(&[503, 200]);
    let listener = desk.listen(&["--json", "--forward-to", &address]);
    let id = fresh_id("forwarded");
    desk.post(&stack, std::slice::from_ref(&id)).await;
    let (first, second) = (listener.json(), listener.json());
    let forwarded = &first["forwarded"];
    assert_eq!((&forwarded["status"], &forwarded["delivered"]), (&json!(503), &json!(false)), "{first}");
    assert_eq!((&forwarded["attempt"], &forwarded["retry_in_seconds"]), (&json!(1), &json!(1)), "{first}");
    let forwarded = &second["forwarded"];
    assert_eq!((&forwarded["status"], &forwarded["delivered"]), (&json!(200), &json!(true)), "{second}");
    assert_eq!((&forwarded["attempt"], &second["again"]), (&json!(2), &json!(false)), "{second}");
    for _ in 0..2 {
        let (head, body) = requests.recv_timeout(PATIENCE).unwrap();
        for header in [
            "content-type: text/plain; charset=utf-8",
            "x-amz-sns-rawdelivery: true",
            "x-amz-sns-topic-arn: arn:",
            "x-amz-sns-subscription-arn: arn:",
        ] {
            assert!(head.contains(header), "{head}");
        }
        let event: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(event["subject"], id.as_str());
    }
    assert_eq!(listener.stop().0, 0);
    desk.leave().await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn undelivered_event_waits_for_the_next_listener() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let (rejecting, _requests) = program_answering(&[400]);
    let listener = desk.listen(&["--json", "--forward-to", &rejecting]);
    let id = fresh_id("rejected");
    desk.post(&stack, std::slice::from_ref(&id)).await;
    assert_eq!(listener.json()["forwarded"]["status"], 400);
    let (code, _, reports) = listener.stop();
    assert_eq!(code, 1, "{reports:?}");
    assert!(reports.iter().any(|line| line.contains("400 in ")), "{reports:?}");

    let (address, requests) = program_answering(&[204]);
    let listener = desk.listen(&["--forward-to", &address, "--envelope"]);
    let (head, body) = requests.recv_timeout(PATIENCE).unwrap();
    assert!(head.contains("x-amz-sns-message-type: notification") && !head.contains("rawdelivery"), "{head}");
    let envelope: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&envelope["Type"], &envelope["MessageAttributes"]["kind"]["Value"]),
        (&json!("Notification"), &json!("mo"))
    );
    assert!(envelope["Signature"].as_str().is_some_and(|signature| !signature.is_empty()), "{envelope}");
    assert_eq!(wab_events::Event::parse(&body).unwrap().subject(), id);
    let (_, line) = listener.line();
    assert!(line.contains("[204 in "), "{line}");
    assert_eq!(listener.stop().0, 0);
    desk.leave().await;
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn subscribed_queue_receives_and_repeats_safely() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let subscribe = ["subscribe", &desk.name, "--topic", "mo", "--contact", &desk.contact];
    let json = [&subscribe[..], &["--json"]].concat();
    let (code, printed) = desk.wab(&json).await;
    assert_eq!(code, 0, "{printed}");
    let first: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&first["queue"]["made"], &first["subscriptions"][0]["made"]), (&json!(true), &json!(true)));
    assert_eq!(first["dead_letters"]["name"], format!("{}-dead-letters", desk.name));
    let (code, printed) = desk.wab(&json).await;
    let again: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &again["queue"]["made"], &again["subscriptions"][0]["made"]), (0, &json!(false), &json!(false)));
    assert_eq!(
        (&first["queue"]["url"], &first["subscriptions"][0]["arn"]),
        (&again["queue"]["url"], &again["subscriptions"][0]["arn"])
    );
    let (code, printed) = desk.wab(&subscribe).await;
    assert!(code == 0 && printed.contains("subscribed to mo (exists): source +88…"), "{printed}");

    let (code, printed) = desk.wab(&["subscribe", &desk.name, "--topic", "mo"]).await;
    assert_eq!((code, &*printed), (1, ""), "another filter");
    let (code, printed) = desk.wab(&["subscribe", &desk.name, "--topic", "both"]).await;
    assert_eq!((code, &*printed), (1, ""), "another topic");

    let id = fresh_id("subscribed");
    desk.post(&stack, std::slice::from_ref(&id)).await;
    let url = first["queue"]["url"].as_str().unwrap();
    let give_up = Instant::now() + PATIENCE;
    let event = loop {
        if let Some(event) = stack.take_all(url).await.pop() {
            break event;
        }
        assert!(Instant::now() < give_up, "the event doesn't arrive");
    };
    assert_eq!(wab_events::Event::parse(&event).unwrap().subject(), id);
    std::fs::remove_dir_all(desk.directory).unwrap();
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn subscribe_prints_what_the_team_needs() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let subscribe = ["subscribe", &*desk.name, "--topic", "both", "--contact", &*desk.contact, "--type", "text,image"];
    let subscribe = [&subscribe[..], &["--status", "sent", "--application", "shop"]].concat();
    let (code, made) = desk.wab(&subscribe).await;
    assert_eq!(code, 0, "{made}");
    let (code, printed) = desk.wab(&[&subscribe[..], &["--json"]].concat()).await;
    assert_eq!(code, 0, "{printed}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    let arn = |number: usize| report["subscriptions"][number]["arn"].as_str().unwrap();
    let (plus, masked) = (format!("+{}", desk.contact), format!("88…{}", last_digits(&desk.contact)));
    let names = [
        (arn(0), "SUBSCRIPTION-1"),
        (arn(1), "SUBSCRIPTION-2"),
        (&*stack.file.mo_topic_arn, "MO-TOPIC"),
        (&*stack.file.dlr_topic_arn, "DLR-TOPIC"),
        (&*stack.file.endpoint, "ENDPOINT"),
        (&*desk.name, "QUEUE"),
        (&*plus, "+CONTACT"),
        (&*desk.contact, "CONTACT"),
        (&*masked, "MASKED"),
    ];
    insta::assert_snapshot!("subscribe", steady(&without_colours(&made), &names));
    insta::assert_snapshot!("subscribe_again_json", named(&pretty(&redacted(report.clone(), &[])), &names));
    let (_, revealed) = desk.wab(&[&subscribe[..], &["--reveal"]].concat()).await;
    assert!(revealed.contains(&format!("source {plus} or {}", desk.contact)) && !made.contains(&desk.contact));
    let other = super::show::wab(&["subscribe", &desk.name, "--topic", "mo", "--type", "text"]).await;
    assert_eq!((other.code, &*other.out), (1, ""));
    insta::assert_snapshot!("subscribe_differs", steady(&other.err, &names));
    std::fs::remove_dir_all(desk.directory).unwrap();
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn queue_of_one_application_gets_no_events_of_another() {
    let stack = Stack::connect().await;
    let (own, other) = (Desk::new(), Desk::new());
    let mut queues = Vec::new();
    for (desk, application) in [(&own, &*stack.file.username), (&other, "shop")] {
        let subscribe = ["subscribe", &*desk.name, "--topic", "mo", "--contact", &own.contact, "--application"];
        let (code, printed) = desk.wab(&[&subscribe[..], &[application, "--json"]].concat()).await;
        assert_eq!(code, 0, "{printed}");
        let report: Value = serde_json::from_str(&printed).unwrap();
        queues.push(report["queue"]["url"].as_str().unwrap().to_owned());
    }
    let id = fresh_id("application");
    own.post(&stack, std::slice::from_ref(&id)).await;
    let give_up = Instant::now() + PATIENCE;
    while stack.take_all(&queues[0]).await.is_empty() {
        assert!(Instant::now() < give_up, "the event doesn't arrive");
    }
    assert_eq!(stack.take_all(&queues[1]).await, [] as [String; 0]);
    for desk in [own, other] {
        std::fs::remove_dir_all(desk.directory).unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn printed_template_makes_nothing() {
    let stack = Stack::connect().await;
    let desk = Desk::new();
    let (code, template) = desk.wab(&["subscribe", &desk.name, "--topic", "dlr", "--status", "sent", "--print"]).await;
    assert_eq!(code, 0);
    for part in
        [&format!("QueueName: {}", desk.name), &stack.file.dlr_topic_arn, r#"FilterPolicy: {"status":["sent"]}"#]
    {
        assert!(template.contains(part), "{template}");
    }
    assert!(!template.contains(&stack.file.mo_topic_arn), "{template}");
    let (code, printed) = desk.wab(&["subscribe", &desk.name, "--topic", "dlr", "--json"]).await;
    let made: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &made["queue"]["made"]), (0, &json!(true)));
    std::fs::remove_dir_all(desk.directory).unwrap();
}
