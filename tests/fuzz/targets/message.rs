//! Any text as a message: the text is kept, the unrecognized leaves are a subset of all leaves, and a known message can
//! be written from its parts and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wab_events::message::{Message, MessageKind};

fuzz_target!(|text: &str| {
    let Ok(message) = Message::parse(text) else { return };
    assert_eq!(message.raw(), text.trim_matches([' ', '\t', '\n', '\r']));
    let unnamed: usize = message.unrecognized().iter().map(|(_, json)| json.leaves()).sum();
    assert!(unnamed <= message.leaves());
    let _ = (message.sender(), message.sent_at(), message.text(), message.media(), message.errors());
    if let MessageKind::Known(payload) = message.kind()
        && message.head().message_type.is_some()
    {
        let again = Message::new(message.head().clone(), payload.clone()).unwrap();
        assert_eq!((again.head(), again.kind()), (message.head(), message.kind()));
    }
});
