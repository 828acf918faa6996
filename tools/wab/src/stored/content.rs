//! The content of an MO callback in words: one line, and every value with a label. Masked, and pure.
//!
//! WhatsApp keeps adding types and keys. What no type names is listed with its place, so that nothing is left out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wab_events::message::{
    AccountContext, Amount, ContactCard, Context, Decimal, Interactive, Media, Message, MessageError, MessageKind,
    NfmReply, Order, Payload, PaymentNotification, Referral, Reply, StatusUpdate, System, VENDOR_KEYS,
};
use wab_models::{BinaryContent, Content as CallbackContent, FieldName, Fields, MoCallback};

use super::details::{Detail, Details, number};
use crate::mask::Mask;

/// The content of a message, ready to be shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Content {
    /// One line: `[image] The parcel as it arrived`.
    pub(crate) summary: String,
    pub(crate) details: Vec<Detail>,
    /// The values that no type names, each with its place in the message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unnamed: Vec<Detail>,
}

/// What a message does to an earlier one, which is named by WhatsApp's id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation<'m> {
    Reaction { to: &'m str },
    Edit { of: &'m str },
    Deletion { of: &'m str },
}

impl<'m> Relation<'m> {
    pub(crate) fn of(message: &'m Message) -> Option<Self> {
        match message.kind() {
            MessageKind::Known(Payload::Reaction(reaction)) => {
                Some(Self::Reaction { to: reaction.message_id.as_str() })
            }
            MessageKind::Known(Payload::Edit(edit)) => Some(Self::Edit { of: edit.original_message_id.as_str() }),
            MessageKind::Known(Payload::Revoke(revoke)) => {
                Some(Self::Deletion { of: revoke.original_message_id.as_str() })
            }
            MessageKind::Known(_) | MessageKind::Unrecognized { .. } | MessageKind::Malformed { .. } => None,
        }
    }

    pub(crate) fn target(self) -> &'m str {
        match self {
            Self::Reaction { to } => to,
            Self::Edit { of } | Self::Deletion { of } => of,
        }
    }
}

/// Describes the content of a callback. `message` is its WhatsApp message, if it is one.
pub(crate) fn describe(
    callback: &MoCallback<'_>,
    message: Option<&Message>,
    binary: Option<&BinaryContent>,
    mask: Mask,
) -> Content {
    let mut content = match (message, &callback.content) {
        (Some(message), _) => of_message(message, mask),
        (None, CallbackContent::Binary(_)) => of_binary(binary),
        (None, CallbackContent::Absent) => Content { summary: "[no content]".to_owned(), ..Content::default() },
        (None, CallbackContent::Message(_) | CallbackContent::Other(_)) => {
            let json = callback.content.raw().map(|raw| masked_json(raw.get(), mask)).unwrap_or_default();
            Content { summary: format!("[no message object] {json}"), ..Content::default() }
        }
    };
    content.unnamed.extend(unnamed_keys(&callback.unrecognized, mask));
    content
}

/// The keys of a callback that the gateway's documentation doesn't name.
pub(crate) fn unnamed_keys(fields: &Fields<'_>, mask: Mask) -> Vec<Detail> {
    let detail = |(key, value): (&FieldName<'_>, &&RawValue)| {
        Detail::new(format!("callback key {}", key.as_str()), masked_json(value.get(), mask))
    };
    fields.iter().map(detail).collect()
}

fn of_binary(binary: Option<&BinaryContent>) -> Content {
    let summary = match binary {
        Some(binary) => format!("[binary] {}, {} bytes", binary.content_type, binary.bytes),
        None => "[binary] not base64, although it is marked so".to_owned(),
    };
    Content { summary, ..Content::default() }
}

/// JSON from outside on one line. A value that is revealed is verbatim.
fn masked_json(json: &str, mask: Mask) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(value) if !mask.is_off() => mask.json(&value).to_string(),
        _ => json.to_owned(),
    }
}

fn of_message(message: &Message, mask: Mask) -> Content {
    let mut details = Details::new(mask);
    let summary = match message.kind() {
        MessageKind::Known(payload) => {
            add_payload(payload, &mut details);
            summary(payload, message, mask)
        }
        MessageKind::Unrecognized { message_type } => {
            let name = message_type.as_deref().unwrap_or("no type");
            format!("[{name}] a type that this wab doesn't know")
        }
        MessageKind::Malformed { message_type, problem, at } => {
            format!("[malformed {}] {at}: {problem}", message_type.as_deref().unwrap_or("status"))
        }
    };
    add_head(message, &mut details);
    let unnamed =
        message.unrecognized().into_iter().map(|(at, json)| Detail::new(at.to_string(), masked_json(json.get(), mask)));
    Content { summary, details: details.into_list(), unnamed: unnamed.collect() }
}

/// A payload on one line.
fn summary(payload: &Payload, message: &Message, mask: Mask) -> String {
    let text = |text: Option<&str>| text.map(|text| mask.text(text).into_owned()).unwrap_or_default();
    let tagged = |tag: &str, rest: &str| if rest.is_empty() { format!("[{tag}]") } else { format!("[{tag}] {rest}") };
    match payload {
        Payload::Text(body) => mask.text(&body.body).into_owned(),
        Payload::Image(media) => tagged("image", &text(media.caption.as_deref())),
        Payload::Video(media) => tagged("video", &text(media.caption.as_deref())),
        Payload::Sticker(media) => tagged("sticker", &text(media.caption.as_deref())),
        Payload::Audio(media) if media.voice == Some(true) => tagged("voice note", &text(media.caption.as_deref())),
        Payload::Audio(media) => tagged("audio", &text(media.caption.as_deref())),
        Payload::Document(media) => {
            let name = media.filename.as_deref().map(|name| format!("document {}", mask.text(name)));
            tagged(name.as_deref().unwrap_or("document"), &text(media.caption.as_deref()))
        }
        Payload::Location(place) => {
            let at = format!("{}, {}", number(mask, &place.latitude), number(mask, &place.longitude));
            let name = text(place.name.as_deref().or(place.address.as_deref()));
            tagged("location", &if name.is_empty() { at } else { format!("{name} ({at})") })
        }
        Payload::Contacts(cards) => {
            let names = cards.iter().map(|card| match &card.name {
                Some(name) => mask.text(name.formatted_name.as_deref().unwrap_or_default()).into_owned(),
                None => "(no name)".to_owned(),
            });
            tagged("contacts", &names.collect::<Vec<_>>().join(", "))
        }
        Payload::Button(button) => tagged("button", &text(button.text.as_deref())),
        Payload::Interactive(interactive) => reply_summary(interactive, mask),
        Payload::Reaction(reaction) if reaction.is_removal() => "[reaction removed]".to_owned(),
        Payload::Reaction(reaction) => tagged("reaction", &text(reaction.emoji.as_deref())),
        Payload::Order(order) => tagged("order", &order_summary(order, mask)),
        Payload::System(system) => {
            tagged("system", system.change.as_ref().map(|change| change.as_str()).unwrap_or_default())
        }
        Payload::Edit(edit) => tagged("edit", &of_message(&edit.message, mask).summary),
        Payload::Revoke(_) => "[deletion]".to_owned(),
        Payload::Unsupported(unsupported) => {
            let what = unsupported.original_type.as_deref().or(unsupported.raw_type.as_deref());
            tagged("unsupported", what.unwrap_or_default())
        }
        Payload::RequestWelcome => "[request_welcome] opened the chat for the first time".to_owned(),
        Payload::Ephemeral => "[ephemeral] a disappearing message, which WhatsApp doesn't deliver".to_owned(),
        Payload::MediaPlaceholder => "[media_placeholder] its medium follows in another message".to_owned(),
        Payload::Status(update) => tagged("status", update.status.as_str()),
        Payload::Empty => format!("[{}] without its payload", message.message_type().unwrap_or("no type")),
        // A payload of a newer version of `wab-events`.
        _ => tagged(message.message_type().unwrap_or("no type"), ""),
    }
}

fn reply_summary(interactive: &Interactive, mask: Mask) -> String {
    match interactive.reply() {
        Reply::Button(button) => format!("[button] {}", mask.text(&button.title)),
        Reply::List(item) => format!("[list] {}", mask.text(&item.title)),
        Reply::Form(form) => match form.response::<BTreeMap<String, Value>>().map(|answers| answers.len()) {
            Ok(1) => "[form] 1 answer".to_owned(),
            Ok(answers) => format!("[form] {answers} answers"),
            Err(_) => format!("[form] {}", mask.text(form.response_json.as_str())),
        },
        Reply::CallPermission(reply) => format!("[call permission] {}", reply.response.as_str()),
        Reply::PaymentMethod(method) => {
            format!("[payment method] {}", mask.text(method.payment_method.as_deref().unwrap_or_default()))
        }
        Reply::PaymentNotification(payment) => {
            let status = payment.typed().and_then(|payment| payment.payment_status.as_deref());
            format!("[payment] {}", status.unwrap_or("in an unknown form"))
        }
        Reply::Unrecognized { reply_type } => {
            format!("[interactive {}] a reply that this wab doesn't know", reply_type.unwrap_or("without a type"))
        }
        // A reply of a newer version of `wab-events`.
        _ => "[interactive]".to_owned(),
    }
}

fn order_summary(order: &Order, mask: Mask) -> String {
    let count = |count: i64, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
    let mut parts = vec![count(i64::try_from(order.product_items.len()).unwrap_or(i64::MAX), "product")];
    let quantities: Option<Vec<i64>> = order.product_items.iter().map(|item| item.quantity.to_i64()).collect();
    if let Some(pieces) = quantities.and_then(|all| all.into_iter().try_fold(0_i64, i64::checked_add)) {
        parts.push(count(pieces, "piece"));
    }
    parts.extend(totals(order).into_iter().map(|(currency, total)| {
        let total = if mask.is_off() { total } else { "…".to_owned() };
        format!("total {total} {currency}").trim_end().to_owned()
    }));
    let note = order.text.as_deref().filter(|note| !note.is_empty()).map(|note| mask.text(note));
    parts.extend(note.map(std::borrow::Cow::into_owned));
    parts.join(", ")
}

/// Decimal places that a total is computed with. Currencies have at most four (ISO 4217).
const PLACES: u8 = 4;

/// The total of each currency. A currency with an amount that can't be computed exactly has none.
fn totals(order: &Order) -> BTreeMap<&str, String> {
    let mut totals: BTreeMap<&str, Option<i128>> = BTreeMap::new();
    for item in &order.product_items {
        let amount = item.item_price.scaled(PLACES).zip(item.quantity.to_i64());
        let amount = amount.and_then(|(price, quantity)| i128::from(price).checked_mul(i128::from(quantity)));
        let total = totals.entry(item.currency.as_deref().unwrap_or_default()).or_insert(Some(0));
        *total = total.zip(amount).and_then(|(total, amount)| total.checked_add(amount));
    }
    totals.into_iter().filter_map(|(currency, total)| Some((currency, amount(total?)))).collect()
}

/// An amount of ten-thousandths, with two decimal places or as many as it needs.
fn amount(total: i128) -> String {
    let sign = if total < 0 { "-" } else { "" };
    let (whole, rest) = (total.unsigned_abs() / 10_000, total.unsigned_abs() % 10_000);
    let rest = format!("{rest:04}");
    let places = rest.trim_end_matches('0').len().max(2);
    format!("{sign}{whole}.{}", rest.get(..places).unwrap_or(&rest))
}

fn add_payload(payload: &Payload, details: &mut Details) {
    match payload {
        Payload::Text(text) => details.text("text", Some(&text.body)),
        Payload::Image(media)
        | Payload::Video(media)
        | Payload::Audio(media)
        | Payload::Sticker(media)
        | Payload::Document(media) => add_media(media, details),
        Payload::Location(place) => {
            details.number("latitude", Some(&place.latitude));
            details.number("longitude", Some(&place.longitude));
            details.text("name", place.name.as_deref());
            details.text("address", place.address.as_deref());
            details.text("url", place.url.as_deref());
        }
        Payload::Contacts(cards) => {
            for (number, card) in (1..).zip(cards) {
                details.within(&format!("card {number}"), |details| add_card(card, details));
            }
        }
        Payload::Button(button) => {
            details.text("text", button.text.as_deref());
            details.text("payload", button.payload.as_deref());
        }
        Payload::Interactive(interactive) => add_reply(interactive, details),
        Payload::Reaction(reaction) => {
            details.text("emoji", reaction.emoji.as_deref());
            details.id("to message", Some(&reaction.message_id));
        }
        Payload::Order(order) => add_order(order, details),
        Payload::System(system) => add_system(system, details),
        Payload::Edit(edit) => {
            details.id("of message", Some(&edit.original_message_id));
            details.word("new type", edit.message.message_type());
            if let MessageKind::Known(payload) = edit.message.kind() {
                details.within("new", |details| add_payload(payload, details));
            }
        }
        Payload::Revoke(revoke) => details.id("of message", Some(&revoke.original_message_id)),
        Payload::Unsupported(unsupported) => {
            details.word("original type", unsupported.original_type.as_deref());
            details.word("raw type", unsupported.raw_type.as_deref());
        }
        Payload::Status(update) => add_status(update, details),
        // The types without a payload, and those of a newer version of `wab-events`.
        _ => {}
    }
}

fn add_media(media: &Media, details: &mut Details) {
    details.text("caption", media.caption.as_deref());
    details.text("file name", media.filename.as_deref());
    details.word("media type", media.mime_type.as_deref());
    details.id("medium", media.id.as_ref());
    details.flag("voice note", media.voice);
    details.flag("animated", media.animated);
    details.text("sha256", media.sha256.as_deref());
    details.text("url", media.url.as_deref());
    details.text("link", media.link.as_deref());
    details.text("file", media.file.as_deref());
    details.word("medium's status", media.status.as_deref());
}

fn add_card(card: &ContactCard, details: &mut Details) {
    if let Some(name) = &card.name {
        details.text("name", name.formatted_name.as_deref());
        details.text("first name", name.first_name.as_deref());
        details.text("middle name", name.middle_name.as_deref());
        details.text("last name", name.last_name.as_deref());
        details.text("prefix", name.prefix.as_deref());
        details.text("suffix", name.suffix.as_deref());
    }
    for phone in card.phones() {
        details.contact("phone", phone.phone.as_ref().or(phone.wa_id.as_ref()));
        details.contact("WhatsApp number", phone.phone.as_ref().and(phone.wa_id.as_ref()));
        details.text("phone's label", phone.label.as_deref());
    }
    for email in card.emails.iter().flatten() {
        details.text("email", email.email.as_deref());
        details.text("email's label", email.label.as_deref());
    }
    for address in card.addresses.iter().flatten() {
        details.text("street", address.street.as_deref());
        details.text("city", address.city.as_deref());
        details.text("state", address.state.as_deref());
        details.text("postcode", address.zip.as_ref().map(|zip| zip.as_str()));
        details.text("country", address.country.as_deref());
        details.text("country code", address.country_code.as_deref());
        details.text("address's label", address.label.as_deref());
    }
    if let Some(org) = &card.org {
        details.text("company", org.company.as_deref());
        details.text("department", org.department.as_deref());
        details.text("title", org.title.as_deref());
    }
    for url in card.urls.iter().flatten() {
        details.text("url", url.url.as_deref());
        details.text("url's label", url.label.as_deref());
    }
    for im in card.ims.iter().flatten() {
        details.text("messenger", im.service.as_deref());
        details.contact("messenger's user", im.user_id.as_ref());
    }
    details.text("birthday", card.birthday.as_deref());
    details.text("vcard", card.vcard.as_deref());
    details.text("picture", card.contact_image.as_deref());
    details.word("origin", card.origin.as_deref());
}

fn add_reply(interactive: &Interactive, details: &mut Details) {
    details.word("reply", interactive.reply_type.as_deref());
    details.word("action", interactive.action.as_deref());
    details.time("replied", interactive.timestamp.as_ref());
    if let Some(button) = &interactive.button_reply {
        details.text("title", Some(&button.title));
        details.id("button", Some(&button.id));
    }
    if let Some(item) = &interactive.list_reply {
        details.text("title", Some(&item.title));
        details.text("description", item.description.as_deref());
        details.id("item", Some(&item.id));
    }
    if let Some(form) = &interactive.nfm_reply {
        add_form(form, details);
    }
    if let Some(reply) = &interactive.call_permission_reply {
        details.word("calls", Some(reply.response.as_str()));
        details.flag("for ever", reply.is_permanent);
        details.time("until", reply.expiration_timestamp.as_ref());
        details.word("given by", reply.response_source.as_deref());
    }
    if let Some(method) = &interactive.payment_method {
        details.text("method", method.payment_method.as_deref());
        details.time("at", method.payment_timestamp.as_ref());
        details.id("reference", method.reference_id.as_ref());
        details.text("last four digits", method.last_four_digits.as_ref().map(|digits| digits.as_str()));
        details.id("credential", method.credential_id.as_ref());
    }
    if let Some(payment) = interactive.payment_notification.as_ref().and_then(|payment| payment.typed()) {
        let PaymentNotification { reference_id, transaction_id, payment_status, payer_name, .. } = payment;
        details.word("payment", payment_status.as_deref());
        details.id("reference", reference_id.as_ref());
        details.id("transaction", transaction_id.as_ref());
        details.text("payer", payer_name.as_deref());
    }
}

fn add_form(form: &NfmReply, details: &mut Details) {
    details.word("form", form.name.as_deref());
    details.text("text", form.body.as_deref());
    match form.response::<BTreeMap<String, Value>>() {
        Ok(answers) => {
            for (key, answer) in answers {
                let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
                details.text(&format!("answer {key}"), Some(&text));
            }
        }
        Err(_) => details.text("answers", Some(form.response_json.as_str())),
    }
}

fn add_order(order: &Order, details: &mut Details) {
    details.id("catalogue", order.catalog_id.as_ref());
    details.text("note", order.text.as_deref());
    for (position, item) in (1..).zip(&order.product_items) {
        let id = details.mask.id(item.product_retailer_id.as_str()).into_owned();
        let (quantity, price) = (number(details.mask, &item.quantity), number(details.mask, &item.item_price));
        let currency = item.currency.as_deref().unwrap_or_default();
        let line = format!("{quantity} × {id} at {price} {currency}");
        details.word(&format!("item {position}"), Some(line.trim_end()));
    }
    let mask = details.mask;
    for (currency, total) in totals(order) {
        let total = if mask.is_off() { total } else { "…".to_owned() };
        details.word("total", Some(format!("{total} {currency}").trim_end()));
    }
}

fn add_system(system: &System, details: &mut Details) {
    details.word("change", system.change.as_ref().map(|change| change.as_str()));
    details.text("text", system.body.as_deref());
    details.contact("new number", system.wa_id.as_ref().or(system.new_wa_id.as_ref()));
    details.contact("new user id", system.user_id.as_ref());
    details.contact("new parent user id", system.parent_user_id.as_ref());
    details.contact("previous user id", system.previous_user_id.as_ref());
    details.contact("previous parent user id", system.previous_parent_user_id.as_ref());
    details.contact("customer", system.customer.as_ref());
    details.text("security code", system.identity.as_deref());
}

fn add_status(update: &StatusUpdate, details: &mut Details) {
    details.word("status", Some(update.status.as_str()));
    let recipients = [
        ("recipient", &update.recipient_id),
        ("recipient's user id", &update.recipient_user_id),
        ("recipient's parent user id", &update.parent_recipient_user_id),
        ("recipient's parent user id", &update.recipient_parent_user_id),
        ("recipient's parent user id", &update.parent_user_id),
        ("group member", &update.recipient_participant_id),
        ("group member", &update.participant_recipient_id),
        ("group member's user id", &update.recipient_participant_user_id),
        ("group member's parent user id", &update.recipient_participant_parent_user_id),
    ];
    for (label, recipient) in recipients {
        details.contact(label, recipient.as_ref());
    }
    details.contact("recipient", update.message.as_ref().and_then(|message| message.recipient_id.as_ref()));
    details.word("recipient is", update.recipient_type.as_deref());
    details.text("security code", update.recipient_identity_key_hash.as_deref());
    if let Some(conversation) = &update.conversation {
        details.id("conversation", conversation.id.as_ref());
        details.time("conversation ends", conversation.expiration_timestamp.as_ref());
        let origin = conversation.origin.as_ref().and_then(|origin| origin.origin_type.as_deref());
        details.word("conversation is", origin);
    }
    details.id("template", update.template_id.as_ref());
    details.contact("recipient's logical id", update.recipient_logical_id.as_ref());
    let extra = update.webhook_extra_data.as_ref().and_then(|data| data.typed()?.account_context.as_ref());
    add_accounts(extra, details);
    add_accounts(update.account_context.as_ref().and_then(|accounts| accounts.typed()), details);
    let pricing = update.pricing.as_ref().or_else(|| update.conversation.as_ref()?.pricing.as_ref());
    if let Some(pricing) = pricing {
        details.flag("billable", pricing.billable);
        details.word("pricing", pricing.pricing_model.as_deref());
        details.word("price type", pricing.pricing_type.as_deref());
        details.word("price category", pricing.category.as_deref());
    }
    if let Some(payment) = &update.payment {
        details.id("payment", payment.reference_id.as_ref());
        details.contact("payer", payment.sender.as_ref());
        add_amount("amount", payment.amount.as_ref(), payment.currency.as_deref(), details);
        details.text("receipt", payment.receipt.as_deref());
        if let Some(transaction) = &payment.transaction {
            details.id("transaction", transaction.id.as_ref());
            details.word("provider", transaction.provider.as_deref());
            details.word("transaction's status", transaction.status.as_deref());
            details.time("began", transaction.created_timestamp.as_ref());
            details.time("changed", transaction.updated_timestamp.as_ref());
            let currency = transaction.currency.as_deref();
            add_amount("transaction's amount", transaction.amount.as_ref(), currency, details);
            details.word("method", transaction.method.as_ref().and_then(|method| method.method_type.as_deref()));
            if let Some(error) = &transaction.error {
                details.word("error", error.code.as_ref().map(|code| code.as_str()));
                details.text("error's reason", error.reason.as_deref());
            }
            for refund in transaction.refunds.iter().flatten() {
                details.id("refund", refund.id.as_ref());
                add_amount("refund's amount", refund.amount.as_ref(), currency, details);
                details.word("refund's status", refund.status.as_deref());
                details.word("refund's speed", refund.speed_processed.as_deref());
                details.time("refund began", refund.created_timestamp.as_ref());
                details.time("refund changed", refund.updated_timestamp.as_ref());
            }
        }
    }
    details.text("attached data", update.biz_opaque_callback_data.as_deref());
}

fn add_amount(label: &str, amount: Option<&Amount>, currency: Option<&str>, details: &mut Details) {
    let Some(value) = amount.and_then(|amount| amount.value.as_ref()) else { return };
    let value = number(details.mask, value);
    let offset = amount.and_then(|amount| amount.offset.as_ref());
    let offset = offset.map(|offset| format!(" / {}", Decimal::as_str(offset))).unwrap_or_default();
    details.word(label, Some(format!("{value}{offset} {}", currency.unwrap_or_default()).trim_end()));
}

fn add_head(message: &Message, details: &mut Details) {
    let head = message.head();
    details.time("sent", head.timestamp.as_ref());
    details.id("WhatsApp id", head.id.as_ref());
    details.contact("from", head.from.as_ref());
    details.contact("user id", head.from_user_id.as_ref());
    details.contact("parent user id", head.from_parent_user_id.as_ref());
    details.contact("user id", head.from_bsuid.as_ref());
    details.contact("logical id", head.from_logical_id.as_ref());
    details.contact("to", head.to.as_ref());
    details.contact("to user id", head.to_user_id.as_ref());
    details.contact("to parent user id", head.to_parent_user_id.as_ref());
    details.word("author", head.message_creation_type.as_deref());
    details.id("group", head.group_id.as_ref());
    if let Some(context) = &head.context {
        add_context(context, details);
    }
    if let Some(referral) = &head.referral {
        details.within("ad", |details| add_referral(referral, details));
    }
    for error in message.errors() {
        add_error(error, details);
    }
    if let Some(identity) = &head.identity {
        details.flag("security code acknowledged", identity.acknowledged);
        details.time("security code changed", identity.created_timestamp.as_ref());
        details.text("security code", identity.hash.as_deref());
    }
    if let Some(history) = &head.history_context {
        details.word("history", history.status.as_ref().map(|status| status.as_str()));
        details.flag("history is ours", history.from_me);
    }
    details.word("origin", head.origin.as_deref());
    if let Some(data) = head.internal_1p_only_data.as_ref().and_then(|data| data.typed()) {
        add_accounts(data.account_context.as_ref(), details);
    }
    for key in VENDOR_KEYS {
        details.word(key, message.vendor(key).map(|json| masked_json(json.get(), details.mask)));
    }
}

fn add_accounts(accounts: Option<&AccountContext>, details: &mut Details) {
    let Some(accounts) = accounts else { return };
    details.word("account", accounts.account_context_type.as_deref());
    for id in [&accounts.waac_id, &accounts.cs_id, &accounts.pma_id, &accounts.app_id] {
        details.id("account's id", id.as_ref());
    }
}

fn add_context(context: &Context, details: &mut Details) {
    details.id("reply to", context.id.as_ref());
    details.contact("reply to a message of", context.from.as_ref());
    details.contact("with the user id", context.from_user_id.as_ref());
    details.contact("with the parent user id", context.from_parent_user_id.as_ref());
    details.flag("forwarded", context.forwarded);
    details.flag("forwarded often", context.frequently_forwarded);
    if let Some(product) = &context.referred_product {
        details.id("about the product", product.product_retailer_id.as_ref());
        details.id("of the catalogue", product.catalog_id.as_ref());
    }
    details.id("reply in the group", context.group_id.as_ref());
    for user in context.mentions.as_ref().and_then(|mentions| mentions.typed()).into_iter().flatten() {
        details.contact("mentions", Some(user));
    }
}

fn add_referral(referral: &Referral, details: &mut Details) {
    details.word("is a", referral.source_type.as_ref().map(|source| source.as_str()));
    details.id("id", referral.source_id.as_ref());
    details.text("url", referral.source_url.as_deref());
    details.text("headline", referral.headline.as_deref());
    details.text("text", referral.body.as_deref());
    details.word("shows", referral.media_type.as_ref().map(|media| media.as_str()));
    details.text("picture", referral.image_url.as_deref());
    details.text("video", referral.video_url.as_deref());
    details.text("thumbnail", referral.thumbnail_url.as_deref());
    details.text("click", referral.ctwa_clid.as_deref());
    details.text("greeting", referral.welcome_message.as_ref().and_then(|welcome| welcome.text.as_deref()));
    details.text("reference", referral.reference.as_deref());
}

/// The texts are Meta's, but they may quote a number.
fn add_error(error: &MessageError, details: &mut Details) {
    details.word("error", error.code.as_ref().map(|code| code.as_str()));
    details.text("error's title", error.title.as_deref());
    details
        .text("error's message", error.message.as_deref().filter(|message| Some(*message) != error.title.as_deref()));
    details.text("error's details", error.details());
    details.text("error's page", error.href.as_deref());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message of the golden files and of the samples.
    fn messages() -> Vec<(String, Message)> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let mut messages = Vec::new();
        let mut files: Vec<_> = std::fs::read_dir(format!("{root}/shared/events/golden/messages"))
            .unwrap()
            .chain(std::fs::read_dir(format!("{root}/tools/wab/samples")).unwrap())
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            for document in serde_json::Deserializer::from_str(&text).into_iter::<BTreeMap<String, Box<RawValue>>>() {
                let mut document = document.unwrap();
                if let Some(json) = document.remove("message").or_else(|| document.remove("content")) {
                    messages.push((name.clone(), Message::of(&json).unwrap()));
                }
            }
        }
        assert!(messages.len() > 60, "{}", messages.len());
        messages
    }

    fn shown(mask: Mask) -> String {
        let mut text = String::new();
        let mut last = String::new();
        for (name, message) in messages() {
            if name != last {
                text.push_str(&format!("== {name}\n"));
                last = name;
            }
            let content = of_message(&message, mask);
            text.push_str(&format!("{}\n", content.summary));
            for Detail { label, value, .. } in content.details.iter().chain(&content.unnamed) {
                text.push_str(&format!("    {label}: {value}\n"));
            }
        }
        text
    }

    #[test]
    fn every_type_is_described_when_revealed() {
        insta::assert_snapshot!(shown(Mask::OFF));
    }

    #[test]
    fn every_type_is_described_when_masked() {
        let shown = shown(Mask::default());
        for secret in ["6421000001", "6421000009", "Kia ora", "wamid.V0FC", "Example"] {
            assert!(!shown.contains(secret), "{secret}");
        }
        insta::assert_snapshot!(shown);
    }
}
