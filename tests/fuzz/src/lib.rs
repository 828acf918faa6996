//! What holds for any text. The fuzz targets look for texts that break it; `make test` tries those of the corpus.

use wab_events::Data;
use wab_events::message::{Message, MessageKind};
use wab_models::{Delivery, DlrCallback, Item, MoCallback, NewEvent, Receipt, Received, ReceivedAt, Spilled};

/// Any body of an MO callback is parsed, spilled, published and read back by a subscriber, its content verbatim.
pub fn mo(body: &str) {
    let Ok(callback) = MoCallback::parse(body) else { return };
    let item = Item::mo(&callback, received(body));
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
}

/// Any body of a DLR callback is parsed, stored, published and read back by a subscriber.
pub fn dlr(body: &str) {
    let Ok(callback) = DlrCallback::parse(body) else { return };
    let item = Item::dlr(&callback, received(body));
    let this = Receipt { status: callback.status.clone(), time: item.received_at.clone() };
    let event = NewEvent::of(&item, body).unwrap().with_delivery(Delivery::of(this, Vec::new())).to_message().unwrap();
    let event = wab_events::Event::parse(&event).unwrap();
    let Data::Dlr(receipt) = event.data() else { panic!("a DLR") };
    assert_eq!(receipt.status(), callback.status);
    assert_eq!(receipt.delivery.as_ref().unwrap().status(), callback.status);
    assert_eq!(receipt.id, callback.id.as_str());
}

/// Any text as a message: the text is kept, the unrecognized leaves are a subset of all leaves, and a known message can
/// be written from its parts and read back.
pub fn message(text: &str) {
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
}

fn received(body: &str) -> Received<'_> {
    Received { body, application: "fuzz", at: ReceivedAt::from_epoch_ms(1_795_425_315_417), expires_at: 1 }
}
