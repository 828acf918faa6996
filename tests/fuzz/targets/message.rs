//! Any text as a message: its text is kept, its unnamed leaves are some of its leaves, and what is known of it can be
//! written and read again.
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
