//! What typed parsing costs, as a multiple of a `serde_json::Value` of the same text: at most twice as much.
//!
//! The two take turns, and the fastest round of each counts, so that other load on the machine hardly matters. The
//! messages are those of the golden files and, if `WAB_SAMPLES` is set, of the JSON lines in that directory.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wab_events::Event;
use wab_events::message::Message;

const ROUNDS: u32 = 300;

/// A line of a golden file or of a recorded corpus.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
}

/// Each file of a directory: its name, and the messages in its lines.
fn corpora(directory: &Path) -> Vec<(String, Vec<String>)> {
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let message = |line: &str| serde_json::from_str::<Line<'_>>(line).unwrap().message.get().to_owned();
    let messages = |path: &Path| std::fs::read_to_string(path).unwrap().lines().map(message).collect();
    files.iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), messages(path))).collect()
}

/// The event of a message.
fn event(message: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"b48e0ae6ab12d6a90aab59f0ecf2e500","source":"/wab/shop","type":"wab.mo.v1","subject":"7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11","time":"2026-11-23T09:15:02.417Z","datacontenttype":"application/json","dataschema":"urn:wab:mo-event:v1#/properties/data","data":{{"id":"7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11","source":"+6421000001","destination":"6421000002","content":{message}}}}}"#
    )
}

/// The fastest round of either function over all texts.
fn fastest<A, B>(texts: &[String], a: impl Fn(&str) -> A, b: impl Fn(&str) -> B) -> (Duration, Duration) {
    fn round<T>(texts: &[String], parse: impl Fn(&str) -> T) -> Duration {
        let start = Instant::now();
        for text in texts {
            black_box(parse(black_box(text)));
        }
        start.elapsed()
    }
    (0..ROUNDS).fold((Duration::MAX, Duration::MAX), |(least_a, least_b), _| {
        (least_a.min(round(texts, &a)), least_b.min(round(texts, &b)))
    })
}

fn print<T>(name: &str, texts: &[String], parse: impl Fn(&str) -> T) {
    // A round must take much longer than reading the clock.
    let repeated: Vec<String> = texts.iter().cycle().take(texts.len().max(200)).cloned().collect();
    let (typed, value) = fastest(&repeated, parse, |text| serde_json::from_str::<Value>(text).unwrap());
    let each = |total: Duration| total.as_nanos() / repeated.len() as u128;
    let ratio = typed.as_secs_f64() / value.as_secs_f64();
    println!("{name:<40} {:>6} {:>8} {:>8} {ratio:>6.2}", texts.len(), each(typed), each(value));
}

/// A text message of 600 bytes.
fn long_text() -> String {
    let message = |text: &str| {
        format!(
            r#"{{"from":"6421000001","id":"wamid.HBgLNjQyMTAwMDAwMRUCABIYFjNBQUZEODQ0MTM0N0U4NTcxQzEwAA==","timestamp":"1763889301","type":"text","text":{{"body":"{text}"}}}}"#
        )
    };
    message(&"x".repeat(600 - message("").len()))
}

fn main() {
    println!("{:<40} {:>6} {:>8} {:>8} {:>6}", "", "texts", "typed ns", "Value ns", "ratio");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/messages");
    let message = |text: &str| Message::parse(text).unwrap();
    print("a text message of 600 bytes", &[long_text()], message);
    for directory in [Some(golden), std::env::var_os("WAB_SAMPLES").map(Into::into)].into_iter().flatten() {
        let corpora = corpora(&directory);
        for (name, messages) in &corpora {
            print(name, messages, message);
        }
        let all: Vec<String> = corpora.into_iter().flat_map(|(_, messages)| messages).collect();
        print("all messages", &all, message);
        let events: Vec<String> = all.iter().map(|message| event(message)).collect();
        print("their events", &events, |text| Event::parse(text).unwrap());
        print("their events, message read", &events, |text| {
            let event = Event::parse(text).unwrap();
            event.message().is_some().then_some(event)
        });
    }
}
