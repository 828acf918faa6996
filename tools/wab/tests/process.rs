//! The process `wab`: its environment, its outputs and its exit code.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panic")]

mod interrupted;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

/// A server that answers one request with this body. Returns its address, and the request's head once it has come.
fn server(body: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (address, std::thread::spawn(move || answer(listener.accept().unwrap().0, body)))
}

fn answer(mut stream: TcpStream, body: &str) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    reader.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    head
}

/// `wab` in an empty directory, without any AWS configuration but these files.
fn wab(name: &str, arguments: &[&str]) -> (Command, PathBuf) {
    let directory = std::env::temp_dir().join(format!("wab-process-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let profiles = "[other]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = secret\n";
    std::fs::write(directory.join("credentials"), profiles).unwrap();
    std::fs::write(directory.join("config"), "[profile bare]\nregion = us-east-1\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wab"));
    command
        .args(arguments)
        .current_dir(&directory)
        .env_clear()
        .env("HOME", &directory)
        .env("AWS_SHARED_CREDENTIALS_FILE", directory.join("credentials"))
        .env("AWS_CONFIG_FILE", directory.join("config"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .stdin(Stdio::null());
    (command, directory)
}

#[test]
fn named_profile_wins_over_the_environment() {
    let (address, request) = server("<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>");
    let (mut command, directory) = wab("profile", &["parked", "list", "--profile", "other", "--region", "us-east-1"]);
    command.env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.env("AWS_ENDPOINT_URL", address).output().unwrap();
    let head = request.join().unwrap();
    assert!(head.contains("Credential=AKIAPROFILE/") && !head.contains("AKIAENVIRONMENT"), "{head}");
    std::fs::remove_dir_all(directory).unwrap();
}

#[track_caller]
fn has_no_credentials(profile: &str, beginning: &str) {
    let arguments = ["parked", "list", "--profile", profile, "--region", "us-east-1"];
    let (mut command, directory) = wab(profile, &arguments);
    command.env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT").env("AWS_SECRET_ACCESS_KEY", "secret");
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.starts_with(beginning), "{error}");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn unknown_profile_is_an_error() {
    has_no_credentials("missing", "wab: no AWS credentials in the profile missing: ");
    has_no_credentials("bare", "wab: no AWS credentials in the profile bare: ");
}

#[test]
fn missing_credentials_are_a_usage_error() {
    let (mut command, directory) = wab("nothing", &["parked", "list", "--region", "us-east-1"]);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && error.starts_with("wab: no AWS credentials: set AWS_PROFILE"),
        "{error}"
    );
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn closed_output_leaves_the_exit_code() {
    let (address, request) = server(r#"{"id": "1", "outcome": "stored"}"#);
    let url = format!("{address}/mo");
    let (mut command, directory) = wab("closed", &["send", "mo", "--url", &url]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(request.join().unwrap().starts_with("POST /mo "));
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((child.wait().unwrap().code(), &*error), (Some(0), ""));
    std::fs::remove_dir_all(directory).unwrap();
}

#[cfg(unix)]
#[test]
fn interrupted_send_reports_what_was_posted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mo", listener.local_addr().unwrap());
    let (post, posts) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), r#"{"outcome": "stored"}"#);
            post.send(()).unwrap();
        }
    });
    let arguments = ["send", "mo", "--count", "10000", "--rate", "50", "--json", "--url", &url];
    let (mut command, directory) = wab("interrupted", &arguments);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    posts.iter().take(3).for_each(drop);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["interrupted"]), (Some(130), &true.into()), "{report}");
    assert!((3..10_000).contains(&report["posted"].as_u64().unwrap()), "{report}");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn callbacks_for_another_machine_need_a_confirmation() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Reaches this machine, and is no loopback address.
    let url = format!("http://0.0.0.0:{}/mo", listener.local_addr().unwrap().port());
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            answer(listener.accept().unwrap().0, r#"{"outcome": "stored"}"#);
        }
    });
    let arguments = ["send", "mo", "--count", "2", "--url", &url];
    let (mut command, directory) = wab("unconfirmed", &arguments);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("Post 2 callbacks to 0.0.0.0: nobody is there to confirm it; give --yes"), "{error}");
    let output = command.arg("--yes").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    server.join().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

/// What a command prints that needs no stack.
fn printed(name: &str, arguments: &[&str]) -> String {
    let (mut command, directory) = wab(name, arguments);
    std::fs::write(directory.join("captured.jsonl"), r#"{"id": "7c1f", "content": {"type": "text"}, "brand": 7}"#)
        .unwrap();
    let output = command.output().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn list_names_what_can_be_sent() {
    let text = printed("list", &["send", "--list"]);
    let json: serde_json::Value = serde_json::from_str(&printed("list-json", &["send", "--list", "--json"])).unwrap();
    for word in ["image", "expired", "storm"] {
        assert!(text.contains(word) && json.to_string().contains(&format!("\"{word}\"")), "{word}: {text}{json}");
    }
}

#[test]
fn explained_report_names_each_place() {
    let check = ["check", "captured.jsonl"];
    let (brief, explained) = (printed("brief", &check), printed("explained", &[&check[..], &["--explain"]].concat()));
    assert!(explained.starts_with(brief.trim_end()), "{brief}{explained}");
    let place = "$.brand: not named, 1 leaves (1 times, first captured.jsonl:1)";
    assert!(explained.contains(place) && !brief.contains("brand"), "{explained}");
}

#[test]
fn credentials_are_those_of_the_urls() {
    let arguments = ["credentials", "--user", "shop", "--url", "https://receiver.example", "--json"];
    let made: serde_json::Value = serde_json::from_str(&printed("credentials", &arguments)).unwrap();
    let (user, password) = (&made["user"], made["password"].as_str().unwrap());
    assert_eq!(
        (user, &made["mo_url"]),
        (&"shop".into(), &format!("https://shop:{password}@receiver.example/mo").into())
    );
    let text = printed("credentials-text", &arguments[..5]);
    assert!(text.contains("@receiver.example/dlr") && !text.contains("api-id"), "{text}");
}

#[test]
fn output_to_a_pipe_has_no_colours() {
    let (mut command, directory) = wab("colours", &["send", "--help"]);
    let output = command.output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
    std::fs::remove_dir_all(directory).unwrap();
}
