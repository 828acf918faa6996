//! Ctrl-C and SIGKILL, against a fake AWS that is as slow as a test needs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The time after which a test that waits has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers of AWS. Calls are recorded when they arrive, with the name of the operation and the request.
struct Aws {
    directory: PathBuf,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Aws {
    /// `answer` gets the operation, the request, and the number of earlier calls of this operation.
    fn new(name: &str, answer: impl Fn(&str, &Value, usize) -> Value + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let directory = std::env::temp_dir().join(format!("wab-interrupted-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join(".local")).unwrap();
        let stack = json!({
            "endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b",
            "mo_url": format!("{endpoint}/mo"), "dlr_url": format!("{endpoint}/dlr"),
            "username": "local", "password": "p", "table": "events", "bucket": "bucket", "mo_topic_arn": "mo",
            "dlr_topic_arn": "dlr", "spill_queue_url": format!("{endpoint}/spill"),
            "dead_letter_queue_url": format!("{endpoint}/dead-letters"), "mo_function": "Mo", "dlr_function": "Dlr",
            "fanout_function": "Fanout", "recover_function": "Recover", "stack_name": "wab", "api_id": "a1b2", "pid": 2,
        });
        std::fs::write(directory.join(".local/stack.json"), stack.to_string()).unwrap();
        let calls = Arc::<Mutex<Vec<(String, Value)>>>::default();
        let (seen, answer) = (Arc::clone(&calls), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.unwrap(), &seen, &*answer));
            }
        });
        Self { directory, calls }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_wab"))
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .env("HOME", &self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn requests(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, _)| name == operation).map(|(_, request)| request.clone()).collect()
    }

    /// Waits for this many calls of an operation.
    fn wait_for(&self, operation: &str, count: usize) {
        let give_up = Instant::now() + PATIENCE;
        while self.requests(operation).len() < count {
            assert!(Instant::now() < give_up, "{operation} isn't called");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn serve(mut stream: TcpStream, calls: &Mutex<Vec<(String, Value)>>, answer: &dyn Fn(&str, &Value, usize) -> Value) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let head = head.to_ascii_lowercase();
    let header =
        |name: &str| head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()));
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let target = header("x-amz-target").unwrap_or_else(|| "lambda.invoke".to_owned());
    let operation = target.rsplit('.').next().unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let before = {
        let mut calls = calls.lock().unwrap();
        calls.push((operation.to_owned(), request.clone()));
        calls.iter().filter(|(name, _)| name == operation).count() - 1
    };
    let answer = answer(operation, &request, before).to_string();
    // The client may have gone meanwhile.
    let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len());
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The exit code, and what was printed.
fn ended(child: Child) -> (i32, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

fn item(pk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": "EVENT"}, "received_at": {"S": "2026-11-23T09:15:02.417Z"}})
}

/// A stack whose dead-letter queue has a parked event and a message of unknown kind, again and again. `fanout` takes this
/// time to answer.
fn dead_letters(name: &str, fanout: Duration) -> Aws {
    Aws::new(name, move |operation, request, before| match operation {
        "describetable" => json!({"Table": {"TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/events"}}),
        "getqueueattributes" => json!({"Attributes": {"ApproximateNumberOfMessages": "20"}}),
        "receivemessage" => {
            let parked = json!({"reason": "r", "key": {"pk": format!("MO#{before}"), "sk": "EVENT"}}).to_string();
            let message = |id: String, body: &str| json!({"MessageId": id, "ReceiptHandle": id, "Body": body});
            json!({"Messages": [message(format!("e{before}"), &parked), message(format!("u{before}"), "?")]})
        }
        "getitem" => json!({"Item": item(request["Key"]["pk"]["S"].as_str().unwrap())}),
        "invoke" => {
            std::thread::sleep(fanout);
            json!({"batchItemFailures": [], "published": 1, "parked": 0})
        }
        "changemessagevisibilitybatch" => json!({"Successful": [], "Failed": []}),
        "deletemessage" => json!({}),
        other => panic!("redrive must not call {other}"),
    })
}

/// The handles of the messages that were received, deleted, and released.
fn handles(aws: &Aws) -> [BTreeSet<String>; 3] {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let received = 0..aws.requests("receivemessage").len();
    let received = received.flat_map(|number| [format!("e{number}"), format!("u{number}")]).collect();
    let deleted = aws.requests("deletemessage").iter().map(|request| text(&request["ReceiptHandle"])).collect();
    let changes = aws.requests("changemessagevisibilitybatch");
    let entries = changes.iter().flat_map(|change| change["Entries"].as_array().unwrap());
    let released = entries.filter(|entry| entry["VisibilityTimeout"] == 0).map(|entry| text(&entry["ReceiptHandle"]));
    [received, deleted, released.collect()]
}

#[test]
fn interrupted_redrive_finishes_its_messages_and_releases_the_others() {
    let aws = dead_letters("redrive", Duration::from_millis(300));
    let child = aws.start(&["parked", "redrive"]);
    aws.wait_for("invoke", 2);
    interrupt(&child);
    let (code, printed) = ended(child);
    assert_eq!(code, 130, "{printed}");
    assert!(printed.contains("interrupted: every other message is visible again"), "{printed}");
    let [received, deleted, released] = handles(&aws);
    assert_eq!(deleted, received.iter().filter(|handle| handle.starts_with('e')).cloned().collect());
    assert_eq!(released, received.iter().filter(|handle| handle.starts_with('u')).cloned().collect());
    let published = format!("published  {:>8}", deleted.len());
    assert!(printed.contains(&published), "{printed}");
}

#[test]
fn second_interruption_ends_a_redrive_at_once() {
    let aws = dead_letters("twice", PATIENCE);
    let mut child = aws.start(&["parked", "redrive"]);
    aws.wait_for("invoke", 1);
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < PATIENCE / 2);
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(200));
    }
    let (code, printed) = ended(child);
    assert_eq!(code, 130, "{printed}");
    let [received, deleted, released] = handles(&aws);
    assert_eq!((released, deleted.len()), (received, 0));
}

#[test]
fn queue_of_hidden_messages_is_no_success() {
    let aws = Aws::new("hidden", |operation, _, _| match operation {
        "describetable" => json!({"Table": {"TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/events"}}),
        "getqueueattributes" => json!({"Attributes": {"ApproximateNumberOfMessagesNotVisible": "3"}}),
        "receivemessage" => json!({}),
        other => panic!("redrive must not call {other}"),
    });
    let (code, printed) = ended(aws.start(&["parked", "redrive"]));
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("3 messages are hidden by another reader"), "{printed}");
    assert!(!printed.contains("nothing to redrive"), "{printed}");
}

#[test]
fn interrupted_replay_goes_on_where_it_ended() {
    let aws = Aws::new("replay", |operation, request, before| match operation {
        "describetable" => {
            let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/events";
            json!({"Table": {"TableArn": arn, "TableId": "t", "ItemCount": 2, "TableSizeBytes": 1000}})
        }
        "scan" if request.get("ExclusiveStartKey").is_none() => {
            let last = json!({"pk": {"S": "MO#1"}, "sk": {"S": "EVENT"}});
            json!({"Items": [item("MO#1")], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": last})
        }
        "scan" => {
            if before == 1 {
                std::thread::sleep(Duration::from_secs(1));
            }
            json!({"Items": [item("MO#2")], "Count": 1, "ScannedCount": 1})
        }
        "invoke" => json!({"batchItemFailures": [], "published": 1, "parked": 0}),
        other => panic!("replay must not call {other}"),
    });
    let replay = ["replay", "--from", "2026-11-23T09:00:00Z", "--rate", "1"];
    let child = aws.start(&replay);
    aws.wait_for("scan", 2);
    interrupt(&child);
    let (code, printed) = ended(child);
    assert_eq!(code, 130, "{printed}");
    assert!(printed.contains("the same command goes on from here"), "{printed}");
    let (code, printed) = ended(aws.start(&replay));
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("goes on after the 1 events published"), "{printed}");
    assert_eq!(aws.requests("scan")[2]["ExclusiveStartKey"]["pk"]["S"], "MO#1");
    let published: Vec<Value> =
        aws.requests("invoke").iter().map(|batch| batch["Records"][0]["dynamodb"]["Keys"]["pk"]["S"].clone()).collect();
    assert_eq!(published, ["MO#1", "MO#2"], "each once");
    assert!(aws.requests("invoke").iter().all(|batch| batch["replay"] == true));
    let states = std::fs::read_dir(aws.directory.join(".local/state/wab")).unwrap();
    assert_eq!(states.count(), 0, "a finished replay leaves no file");
}

/// The key of an item of the table that [`two_pages`] serves.
fn pk(number: usize) -> String {
    format!("MO#{number}")
}

/// A stack whose table has two pages of two events. `fanout` takes [`PATIENCE`] to answer the calls with these numbers,
/// counted from 1.
fn two_pages(name: &str, hung: &'static [usize]) -> Aws {
    Aws::new(name, move |operation, request, before| match operation {
        "describetable" => {
            let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/events";
            json!({"Table": {"TableArn": arn, "TableId": "t", "ItemCount": 4, "TableSizeBytes": 1000}})
        }
        "scan" if request.get("ExclusiveStartKey").is_none() => {
            let last = json!({"pk": {"S": pk(2)}, "sk": {"S": "EVENT"}});
            json!({"Items": [item(&pk(1)), item(&pk(2))], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": last})
        }
        "scan" => json!({"Items": [item(&pk(3)), item(&pk(4))], "Count": 2, "ScannedCount": 2}),
        "invoke" => {
            if hung.contains(&(before + 1)) {
                std::thread::sleep(PATIENCE);
            }
            json!({"batchItemFailures": [], "published": 1, "parked": 0})
        }
        other => panic!("replay must not call {other}"),
    })
}

/// The keys of the events that were handed to `fanout`, in order.
fn handed_over(aws: &Aws) -> Vec<Value> {
    let of = |batch: &Value| batch["Records"][0]["dynamodb"]["Keys"]["pk"]["S"].clone();
    aws.requests("invoke").iter().map(of).collect()
}

/// Replays with a batch for each event, and kills the replay during each of these calls of `fanout`. Then replays to the
/// end with `last`.
#[track_caller]
fn check_killed_replay(name: &str, killed_at: &'static [usize], last: &[&str], resumed: &str, expected: &[usize]) {
    let aws = two_pages(name, killed_at);
    let replay = ["replay", "--from", "2026-11-23T09:00:00Z", "--rate", "1"];
    for calls in killed_at {
        let mut child = aws.start(&replay);
        aws.wait_for("invoke", *calls);
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "killed, not ended");
    }
    let (code, printed) = ended(aws.start(&[&replay[..], last].concat()));
    assert_eq!(code, 0, "{printed}");
    assert_eq!(printed.contains("goes on after the "), !resumed.is_empty(), "{printed}");
    assert!(printed.contains(resumed), "{printed}");
    assert_eq!(handed_over(&aws), expected.iter().map(|number| pk(*number)).collect::<Vec<_>>());
    let states = std::fs::read_dir(aws.directory.join(".local/state/wab")).unwrap();
    assert_eq!(states.count(), 0, "a finished replay leaves no file");
}

#[cfg(unix)]
#[test]
fn killed_replay_skips_no_event() {
    // What was in progress is published again, and nothing else.
    std::thread::scope(|scope| {
        scope.spawn(|| check_killed_replay("at-first", &[1], &[], "after the 0 events", &[1, 1, 2, 3, 4]));
        scope.spawn(|| check_killed_replay("in-page", &[2], &[], "after the 1 events", &[1, 2, 2, 3, 4]));
        scope.spawn(|| check_killed_replay("next-page", &[3], &[], "after the 2 events", &[1, 2, 3, 3, 4]));
        scope.spawn(|| check_killed_replay("at-last", &[4], &[], "after the 3 events", &[1, 2, 3, 4, 4]));
    });
}

#[cfg(unix)]
#[test]
fn replay_killed_again_and_again_skips_no_event() {
    check_killed_replay("again", &[2, 3, 5], &[], "after the 2 events", &[1, 2, 2, 2, 3, 3, 4]);
}

#[cfg(unix)]
#[test]
fn restarted_replay_begins_at_the_first_event() {
    check_killed_replay("restart", &[3], &["--restart"], "", &[1, 2, 3, 1, 2, 3, 4]);
}

/// A stack whose table has these messages of a contact, and nothing else. The deletion with this number, counted from 1,
/// takes [`PATIENCE`], and is lost if `is_lost`.
fn erasable(name: &str, hung: usize, is_lost: bool) -> Aws {
    let left = Mutex::new((1..=3).map(pk).collect::<BTreeSet<String>>());
    Aws::new(name, move |operation, request, before| match operation {
        "describetable" => json!({"Table": {"ItemCount": 3, "TableSizeBytes": 1000}}),
        "scan" => {
            let left = left.lock().unwrap();
            let items: Vec<Value> = left.iter().map(|pk| message(pk)).collect();
            json!({"Items": items, "Count": items.len(), "ScannedCount": items.len()})
        }
        "getqueueattributes" | "receivemessage" => json!({}),
        "deleteitem" => {
            if before + 1 != hung || !is_lost {
                left.lock().unwrap().remove(request["Key"]["pk"]["S"].as_str().unwrap());
            }
            if before + 1 == hung {
                std::thread::sleep(PATIENCE);
            }
            json!({})
        }
        other => panic!("erase must not call {other}"),
    })
}

fn message(pk: &str) -> Value {
    let text = |text: &str| json!({"S": text});
    json!({
        "pk": text(pk), "sk": text("EVENT"), "v": {"N": "1"}, "received_at": text("2026-11-23T09:15:02.417Z"),
        "expires_at": {"N": "4000000000"}, "digest": text(&"d".repeat(64)), "application": text("shop"),
        "source": text("+6421000001"), "body": text(&json!({"id": &pk[3..], "source": "+6421000001"}).to_string()),
    })
}

#[cfg(unix)]
#[test]
fn killed_erasure_is_finished_by_a_repeat() {
    for (name, is_lost, again) in [("erase-done", false, 1), ("erase-lost", true, 2)] {
        let aws = erasable(name, 2, is_lost);
        let erase = ["erase", "+64 21 000 001", "--json"];
        let mut child = aws.start(&erase);
        aws.wait_for("deleteitem", 2);
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "killed, not ended");
        for messages in [again, 0] {
            let (code, printed) = ended(aws.start(&erase));
            assert!(code == 0 && printed.contains(&format!("\"messages\": {messages},")), "{printed}");
        }
        assert_eq!(aws.requests("deleteitem").len(), 2 + again);
    }
}
