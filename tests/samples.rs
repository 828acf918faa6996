//! `wab check` for the made-up callbacks of this repository, and for recorded messages if there are any.

use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::Value;
use wab::Cli;

/// Runs `wab check --json` for all files of a directory with this extension.
fn check(directory: &Path, ending: &str) -> (u8, Value) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == ending));
    let command = ["wab".into(), "check".into(), "--json".into()].into_iter().chain(files);
    let mut out = Vec::new();
    let mut shell = wab::Shell {
        directory,
        out: wab::Output::new(&mut out),
        err: &mut std::io::sink(),
        answers: None,
        width: None,
    };
    let code = Cli::try_parse_from(command).unwrap().run(&mut shell).unwrap();
    (code, serde_json::from_slice(&out).unwrap())
}

#[test]
fn made_up_callbacks_are_fully_typed() {
    let (code, report) = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/wab/samples"), "json");
    assert_eq!(code, 0);
    assert_eq!(report["total"]["messages"], 21);
    assert_eq!(report["total"]["unrecognized"], 1, "the sample with an invented type");
    let places: Vec<_> =
        report["types"].as_object().unwrap().iter().filter(|(_, counts)| counts["places"] != Value::Null).collect();
    assert_eq!(places.len(), 1, "{places:?}");
}

/// Recorded messages aren't part of this repository. They are JSON lines in `WAB_SAMPLES`, or in `shared/samples` next
/// to the checkout. Without them, this test passes.
#[test]
fn recorded_messages_are_typed_to_98_percent() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let directory = std::env::var_os("WAB_SAMPLES").map_or(beside, PathBuf::from);
    if !directory.is_dir() {
        return;
    }
    let (code, report) = check(&directory, "jsonl");
    let total = &report["total"];
    let count = |name: &str| total[name].as_u64().unwrap();
    assert_eq!(code, 0, "{report:#}");
    assert!(count("messages") > 0);
    assert!(count("named") * 100 >= count("leaves") * 98, "{total}");
}
