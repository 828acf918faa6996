//! What the methods of the types return. The fields are covered by the golden files.

use std::fmt::Debug;

use super::*;

/// The payload of a message, which is of this variant.
macro_rules! payload {
    ($variant:ident, $json:expr) => {
        match parse($json).kind().clone() {
            MessageKind::Known(Payload::$variant(payload)) => payload,
            other => panic!("{other:?}"),
        }
    };
}

#[test]
fn head_is_offered_by_methods() {
    let message = parse(
        r#"{"from":"6421000001","from_parent_user_id":"NZ.ENT.7","id":"wamid.QUJD","type":"text","text":{"body":"Hi"},
            "context":{"id":"wamid.REVG","frequently_forwarded":true},"referral":{"source_type":"ad"},
            "identity":{"hash":"Sjvj"},"errors":[{"code":500}]}"#,
    );
    assert_eq!(message.sender().parent_user_id().unwrap().as_str(), "NZ.ENT.7");
    assert_eq!(message.context().unwrap().id.as_ref().unwrap().as_str(), "wamid.REVG");
    assert!(message.is_forwarded());
    assert_eq!(message.referral().unwrap().source_type, Some(ReferralSource::Ad));
    assert_eq!(message.identity().unwrap().hash.as_deref(), Some("Sjvj"));
    assert_eq!(message.errors()[0].code.as_ref().unwrap().as_str(), "500");
    let bare = parse("{}");
    assert_eq!((bare.context(), bare.referral(), bare.identity(), bare.errors()), (None, None, None, [].as_slice()));
}

#[test]
fn message_serialises_as_its_text() {
    let json = r#"{"type":"text","text":{"body":"Hi"},"new":1.50}"#;
    let message: Message = serde_json::from_str(json).unwrap();
    assert_eq!(message, parse(json));
    assert_eq!(serde_json::to_string(&message).unwrap(), json);
    assert!(serde_json::from_str::<Message>("[]").is_err());
    assert_eq!(Message::parse("7"), Err(NotAMessage));
}

#[test]
fn message_is_built_from_its_parts() {
    let head = Head { from: Some("6421000001".into()), ..Head::default() };
    let text = Text { body: "Kia ora".to_owned(), unrecognized: Unrecognized::default() };
    let message = Message::new(head, Payload::Text(text)).unwrap();
    assert_eq!(message.raw(), r#"{"from":"6421000001","type":"text","text":{"body":"Kia ora"}}"#);
}

#[track_caller]
fn check_reply(interactive: &str, expected: &str) {
    let json = format!(r#"{{"type":"interactive","interactive":{interactive}}}"#);
    let interactive = payload!(Interactive, &json);
    let reply = match interactive.reply() {
        Reply::Button(button) => format!("button {}", button.id.as_str()),
        Reply::List(item) => format!("list {}", item.id.as_str()),
        Reply::Form(form) => format!("form {}", form.response_json.as_str()),
        Reply::CallPermission(answer) => format!("call {}", answer.response.as_str()),
        Reply::PaymentMethod(method) => format!("method {}", method.payment_method.as_deref().unwrap()),
        Reply::PaymentNotification(payment) => format!("payment {}", payment.typed().is_some()),
        Reply::Unrecognized { reply_type } => format!("unrecognized {reply_type:?}"),
    };
    assert_eq!(reply, expected);
}

#[test]
fn reply_is_the_one_that_its_type_names() {
    check_reply(r#"{"type":"button_reply","button_reply":{"id":"no","title":"No"}}"#, "button no");
    check_reply(r#"{"type":"list_reply","list_reply":{"id":"express","title":"Express"}}"#, "list express");
    check_reply(r#"{"type":"nfm_reply","nfm_reply":{"response_json":"{}"}}"#, "form {}");
    check_reply(r#"{"type":"nfm_reply","nfm_reply":{"response_json":{"rating": 5}}}"#, r#"form {"rating": 5}"#);
    check_reply(r#"{"type":"call_permission_reply","call_permission_reply":{"response":"accept"}}"#, "call accept");
    check_reply(r#"{"type":"payment_method","payment_method":{"payment_method":"card"}}"#, "method card");
    check_reply(r#"{"type":"payment_notification","payment_notification":{"payer_name":"A"}}"#, "payment true");
    check_reply(r#"{"type":"payment_notification","payment_notification":[7]}"#, "payment false");
    check_reply(r#"{"button_reply":{"id":"no","title":"No"}}"#, "button no");
    check_reply(
        r#"{"type":"list_reply","button_reply":{"id":"no","title":"No"},"list_reply":{"id":"1","title":"A"}}"#,
        "list 1",
    );
    check_reply(r#"{"type":"poll","button_reply":{"id":"no","title":"No"}}"#, r#"unrecognized Some("poll")"#);
    check_reply("{}", "unrecognized None");
}

#[test]
fn form_is_parsed_into_any_type() {
    let form = NfmReply {
        response_json: JsonText::from(r#"{"rating":"5"}"#),
        name: None,
        body: None,
        unrecognized: Unrecognized::default(),
    };
    assert_eq!(form.response::<Value>().unwrap(), json!({"rating": "5"}));
    assert!(form.response::<Vec<String>>().is_err());
}

#[test]
fn media_type_is_given_without_parameters() {
    let voice = payload!(Audio, r#"{"type":"audio","audio":{"id":7,"mime_type":"audio/ogg ; codecs=opus"}}"#);
    assert_eq!((voice.id.as_ref().unwrap().as_str(), voice.essence()), ("7", Some("audio/ogg")));
    assert_eq!(Media::default().essence(), None);
}

#[test]
fn removed_reaction_has_no_emoji() {
    for (emoji, is_removal) in [(r#","emoji":"👍""#, false), (r#","emoji":"""#, true), ("", true)] {
        let json = format!(r#"{{"type":"reaction","reaction":{{"message_id":"wamid.QUJD"{emoji}}}}}"#);
        assert_eq!(payload!(Reaction, &json).is_removal(), is_removal, "{json}");
    }
}

#[test]
fn new_number_is_under_either_key() {
    let cases = [
        (r#"{"wa_id":"6421000009"}"#, Some("6421000009")),
        (r#"{"new_wa_id":6421000009}"#, Some("6421000009")),
        (r#"{"user_id":"NZ.1349"}"#, None),
    ];
    for (system, digits) in cases {
        let system = payload!(System, &format!(r#"{{"type":"system","system":{system}}}"#));
        assert_eq!(system.new_number().as_ref().map(PhoneNumber::digits), digits);
    }
}

#[test]
fn details_of_an_error_are_under_either_key() {
    let message = parse(
        r#"{"type":"unsupported","errors":[{"error_data":{"details":"new"},"details":"old"},{"details":"old"},{"code":1}]}"#,
    );
    let details: Vec<_> = message.errors().iter().map(MessageError::details).collect();
    assert_eq!(details, [Some("new"), Some("old"), None]);
}

#[test]
fn card_without_numbers_has_an_empty_list() {
    let cards = payload!(Contacts, r#"{"type":"contacts","contacts":[{"phones":[{"phone":"+64 21"}]},{}]}"#);
    assert_eq!(cards[0].phones()[0].phone.as_ref().unwrap().as_str(), "+64 21");
    assert_eq!(cards[1].phones(), []);
}

#[track_caller]
fn check_words<T: for<'w> From<&'w str> + PartialEq + Debug>(words: &[(&str, T)], as_str: fn(&T) -> &str) {
    for (word, known) in words {
        assert_eq!(&T::from(word), known);
        assert_eq!(as_str(known), *word);
    }
    assert_eq!(as_str(&T::from("Another")), "Another");
}

#[test]
fn open_enums_know_their_words_and_keep_others() {
    check_words(&[("ad", ReferralSource::Ad), ("post", ReferralSource::Post)], ReferralSource::as_str);
    check_words(&[("image", ReferralMedia::Image), ("video", ReferralMedia::Video)], ReferralMedia::as_str);
    check_words(&[("accept", CallPermission::Accept), ("reject", CallPermission::Reject)], CallPermission::as_str);
    let changes = [
        ("user_changed_number", SystemChange::UserChangedNumber),
        ("customer_changed_number", SystemChange::CustomerChangedNumber),
        ("user_changed_user_id", SystemChange::UserChangedUserId),
        ("customer_identity_changed", SystemChange::CustomerIdentityChanged),
    ];
    check_words(&changes, SystemChange::as_str);
    let statuses = [
        ("sent", UpdateStatus::Sent),
        ("delivered", UpdateStatus::Delivered),
        ("read", UpdateStatus::Read),
        ("played", UpdateStatus::Played),
        ("failed", UpdateStatus::Failed),
        ("deleted", UpdateStatus::Deleted),
        ("warning", UpdateStatus::Warning),
        ("pending", UpdateStatus::Pending),
        ("captured", UpdateStatus::Captured),
    ];
    check_words(&statuses, UpdateStatus::as_str);
}

#[test]
fn times_are_seconds_in_a_string_or_a_number() {
    for json in [r#"{"timestamp":"1763889301"}"#, r#"{"timestamp":1763889301}"#] {
        let message = parse(json);
        assert_eq!(message.head().timestamp, Some(Timestamp::from_seconds(1_763_889_301)));
        assert_eq!(message.head().timestamp.as_ref().unwrap().seconds(), Some(1_763_889_301));
        assert_eq!(message.sent_at().unwrap().to_string(), "2025-11-23T09:15:01Z");
    }
    assert_eq!(Timestamp::from_seconds(i64::MAX).at(), None);
}

#[test]
fn undocumented_values_are_typed_or_raw() {
    let mentions = |json: &str| {
        let json = format!(r#"{{"type":"text","text":{{"body":"@A"}},"context":{{"mentions":{json}}}}}"#);
        parse(&json).context().unwrap().mentions.clone().unwrap()
    };
    assert_eq!(mentions(r#"["6421000003"]"#).typed().unwrap()[0].as_str(), "6421000003");
    assert_eq!(mentions(r#"{"all":true}"#).typed(), None);
}

#[test]
fn keys_of_vendors_are_found_by_name() {
    let message = parse(r#"{"type":"new","kapso":{"a":1},"extra":2,"context":{"gs_id":"g","from":"6421000001"}}"#);
    let vendor = |key: &str| message.vendor(key).map(Json::get);
    assert_eq!((vendor("kapso"), vendor("gs_id"), vendor("extra")), (Some(r#"{"a":1}"#), Some(r#""g""#), Some("2")));
    assert_eq!((vendor("from"), vendor("_vnd")), (None, None));
    assert_eq!(message.unrecognized().len(), 1, "the key of no vendor");
}

#[track_caller]
fn check_sender(json: &str, phone: Option<&str>, user_id: Option<&str>, parent: Option<&str>) {
    let sender = parse(json).sender();
    let found = (
        sender.phone().map(PhoneNumber::digits),
        sender.user_id().map(UserId::as_str),
        sender.parent_user_id().map(UserId::as_str),
    );
    assert_eq!(found, (phone, user_id, parent), "{json}");
}

#[test]
fn sender_is_named_by_whatever_names_one() {
    check_sender(r#"{"from":"6421000001"}"#, Some("6421000001"), None, None);
    check_sender(r#"{"from_bsuid":"NZ.1"}"#, None, Some("NZ.1"), None);
    check_sender(r#"{"from":"","from_user_id":"NZ.1","from_bsuid":"NZ.2"}"#, None, Some("NZ.1"), None);
    let system = |keys: &str| format!(r#"{{"type":"system",{keys}}}"#);
    let changed = r#""system":{"user_id":"NZ.2","previous_user_id":"NZ.1","previous_parent_user_id":"NZ.ENT.1"}"#;
    check_sender(&system(changed), None, Some("NZ.2"), Some("NZ.ENT.1"));
    check_sender(
        &system(r#""system":{"new_wa_id":"6421000002","customer":"6421000001"}"#),
        Some("6421000002"),
        None,
        None,
    );
    check_sender(&system(r#""from":"6421000001","system":{"wa_id":"6421000002"}"#), Some("6421000001"), None, None);
}

#[test]
fn json_has_its_text_kind_and_value() {
    let cases = [
        (r#"{"a":[1,"x"]}"#, JsonKind::Object, 2),
        ("[]", JsonKind::Array, 0),
        (r#""x""#, JsonKind::String, 1),
        ("-1.50", JsonKind::Number, 1),
        ("true", JsonKind::Boolean, 1),
        ("null", JsonKind::Null, 1),
    ];
    for (text, kind, leaves) in cases {
        let message = parse(&format!(r#"{{"new":{text}}}"#));
        let json = message.head().unrecognized.get("new").unwrap();
        assert_eq!((json.get(), json.raw().get(), json.kind(), json.leaves()), (text, text, kind, leaves));
        assert_eq!(json.parse::<Value>().unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(format!("{json:?}"), format!("{kind}, {}", crate::Redacted::new(text)));
    }
}
