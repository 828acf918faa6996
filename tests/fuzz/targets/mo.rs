//! Any body of an MO callback is parsed, spilled, published and read back by a subscriber, its content verbatim.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wab_events::Data;
use wab_models::{NewEvent, Item, MoCallback, Received, ReceivedAt, Spilled};

fuzz_target!(|body: &str| {
    let Ok(callback) = MoCallback::parse(body) else { return };
    let at = ReceivedAt::from_epoch_ms(1_795_425_315_417);
    let item = Item::mo(&callback, Received { body, application: "fuzz", at, expires_at: 1 });
    let spilled = Spilled::Event(item).to_message().unwrap();
    let Ok(Spilled::Event(item)) = serde_json::from_str(&spilled) else { panic!("an event") };
    assert_eq!(item.body.inline(), Some(body));
    let event = NewEvent::of(&item, body).unwrap();
    let message = event.to_message().unwrap();
    assert!(!message.contains(['\u{fffe}', '\u{ffff}']), "SNS rejects both");
    wab_events::Event::parse(&message).unwrap();
    let event = wab_events::Event::parse(&serde_json::to_string(&event).unwrap()).unwrap();
    let Data::Mo(mo) = event.data() else { panic!("an MO") };
    let content = mo.callback().content.as_ref().map(|content| content.get());
    assert_eq!(content, callback.content.raw().map(|raw| raw.get()));
});
