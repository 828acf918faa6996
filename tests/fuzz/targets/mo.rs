//! Any body of an MO callback: read, stored, published and read by a subscriber, its content as it came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::subscriber::{self, Data};
use models::{Event, Item, MoCallback, Received, ReceivedAt};

fuzz_target!(|body: &str| {
    let Ok(callback) = MoCallback::parse(body) else { return };
    let at = ReceivedAt::from_epoch_ms(1_795_425_315_417);
    let item = Item::mo(&callback, Received { body, application: "fuzz", at, expires_at: 1 });
    let stored = serde_json::to_string(&item).unwrap();
    let item: Item<'_> = serde_json::from_str(&stored).unwrap();
    assert_eq!(item.body, body);
    let event = serde_json::to_string(&Event::of(&item).unwrap()).unwrap();
    let event = subscriber::Event::parse(&event).unwrap();
    let Data::Mo(mo) = event.data() else { panic!("an MO") };
    let content = mo.callback().content.as_ref().map(|content| content.get());
    assert_eq!(content, callback.content.raw().map(|raw| raw.get()));
});
