//! The texts that fuzzing has found interesting (tests/fuzz/corpus), without a fuzzer.

use std::fs;

use crate::properties;

/// A fuzz target, and what must hold of each of its texts.
type Target = (&'static str, fn(&str));

#[test]
fn properties_hold_for_the_fuzz_corpus() {
    let targets: [Target; 3] = [("mo", properties::mo), ("dlr", properties::dlr), ("message", properties::message)];
    for (target, property) in targets {
        let corpus = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
        let mut tried = 0;
        for file in fs::read_dir(corpus).unwrap() {
            // As the fuzzer does: the text ends before the first byte that isn't UTF-8.
            let bytes = fs::read(file.unwrap().path()).unwrap();
            property(bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()));
            tried += 1;
        }
        assert!(tried >= 10, "{target}: {tried}");
    }
}
