//! Any body of a DLR callback is parsed, stored, published and read back by a subscriber.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wab_events::Data;
use wab_models::{Delivery, DlrCallback, NewEvent, Item, Receipt, Received, ReceivedAt};

fuzz_target!(|body: &str| {
    let Ok(callback) = DlrCallback::parse(body) else { return };
    let at = ReceivedAt::from_epoch_ms(1_795_425_315_417);
    let item = Item::dlr(&callback, Received { body, application: "fuzz", at, expires_at: 1 });
    let this = Receipt { status: callback.status.clone(), time: item.received_at.clone() };
    let event = NewEvent::of(&item, body).unwrap().with_delivery(Delivery::of(this, Vec::new())).to_message().unwrap();
    let event = wab_events::Event::parse(&event).unwrap();
    let Data::Dlr(receipt) = event.data() else { panic!("a DLR") };
    assert_eq!(receipt.status(), callback.status);
    assert_eq!(receipt.delivery.as_ref().unwrap().status(), callback.status);
    assert_eq!(receipt.id, callback.id.as_str());
});
