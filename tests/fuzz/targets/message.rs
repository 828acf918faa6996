#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| wab_fuzz::message(text));
