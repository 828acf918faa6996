# Generated from infra/contracts by infra/local/contracts/generate.py. Don't edit.

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field
from typing_extensions import TypeAliasType
from wab_events._model import Model


class Binary(Model):
    """
    Describes a binary `content` once decoded.
    """

    bytes: Annotated[int, Field(ge=0)]
    """
    The number of bytes, decoded.
    """

    sha256: str
    """
    The SHA-256 digest of the bytes, in hex.
    """

    content_type: str
    """
    The media type, detected from the first bytes; `application/octet-stream` if none is detected.
    """

    dataref: str | None = None
    """
    The object that holds the bytes: `s3://<bucket>/<key>`. Absent if it couldn't be stored; `content` then holds the bytes in base64.
    """


class OmittedMessage(Model):
    """
    Present only if wab keeps no content: describes the message in place of `source`, `content` and everything else that is absent.
    """

    type: str | None = None
    """
    The message's type, such as `text`. Absent if it has none.
    """

    sent_at: str | None = None
    """
    When the user sent the message, by WhatsApp's clock: RFC 3339, UTC, to the second. Absent if the message has no such time.
    """

    contact: Annotated[str | None, Field(pattern='^hmac:[0-9a-f]{64}$')] = None
    """
    A keyed hash of the sender: `hmac:` and 64 hex digits. All messages of a sender have the same, however the callback spells the number.
    """

    bytes: Annotated[int, Field(ge=0)]
    """
    The size of the callback's body in bytes.
    """

    digest: Annotated[str, Field(pattern='^[0-9a-f]{64}$')]
    """
    A keyed hash of the callback's body: 64 hex digits.
    """


class MoData(Model):
    """
    The callback: its keys are normalised, its `content` is verbatim.
    """

    id: str
    """
    The gateway's message id.
    """

    source: str | None = None
    """
    The sender as received: `+64…`, `64…`, or a business-scoped user id.
    """

    destination: str | None = None
    """
    The recipient as received.
    """

    content: dict[str, object] | list[object] | str | int | float | bool | None = None
    """
    WhatsApp's message object, verbatim; a base64 string if `encoding` is `base64`; rarely any other JSON. Absent if it is binary and the event would otherwise exceed the SNS message limit: `binary` then locates the bytes.
    """

    encoding: str | None = None
    """
    `base64` marks a binary `content`.
    """

    operator: str | None = None
    """
    The sender's mobile operator.
    """

    reply_to: str | None = None
    """
    The gateway's id of the sent message that this one replies to.
    """

    reference: str | None = None
    """
    The reference of the sent message that this one replies to.
    """

    unrecognized: dict[str, object] | None = None
    """
    An object of the callback's undocumented keys.
    """

    binary: Annotated[Binary | None, Field(title='Binary')] = None
    """
    Describes a binary `content` once decoded.
    """

    omitted: Annotated[OmittedMessage | None, Field(title='Omitted message')] = None
    """
    Present only if wab keeps no content: describes the message in place of `source`, `content` and everything else that is absent.
    """


class MoEvent(Model):
    """
    A message from a WhatsApp user, as wab publishes it: a CloudEvents 1.0 object in structured JSON.
    """

    specversion: Literal['1.0']
    """
    Always `1.0`.
    """

    id: Annotated[str, Field(pattern='^[0-9a-f]{32}$')]
    """
    The event's id: 32 hex digits, derived from the key of the stored item. Every delivery of this event has the same id, so deduplicate by it.
    """

    source: Annotated[str, Field(pattern='^/wab/')]
    """
    `/wab/` followed by the percent-encoded name of the gateway application.
    """

    type: Literal['wab.mo.v1']
    """
    `wab.mo.v1` or `wab.dlr.v1`: the contract that `data` follows.
    """

    subject: str
    """
    The gateway's message id. All receipts of one message have the same.
    """

    time: str
    """
    When API Gateway received the callback: RFC 3339, UTC, to the millisecond.
    """

    datacontenttype: Literal['application/json']
    """
    Always `application/json`.
    """

    dataschema: Literal['urn:wab:mo-event:v1#/properties/data'] | None = None
    """
    The URI of the contract of `data`. Absent without `data`, and in events that were published before it was introduced.
    """

    variant: Annotated[str | None, Field(pattern='^[0-9a-f]{12}$')] = None
    """
    Set only if an earlier callback with another body has the same message id and, for a receipt, the same status: the first 12 hex digits of this body's digest.
    """

    dataref: str | None = None
    """
    Where the callback's body is stored. Replaces `data` if the event would exceed the SNS message limit, or if the body couldn't be read. Either `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table.
    """

    data: Annotated[MoData | None, Field(title='Mo data')] = None
    """
    The callback: its keys are normalised, its `content` is verbatim.
    """


class HistoryEntry(Model):
    """
    One receipt in the history of a message.
    """

    status: str
    """
    The status word.
    """

    time: str
    """
    When API Gateway received the receipt: RFC 3339, UTC, to the millisecond. The gateway itself reports no time.
    """


class DeliveryState(Model):
    """
    The state of the message, derived from all of its receipts.
    """

    current: str
    """
    The current status: the first final one received, or else the furthest.
    """

    final: bool
    """
    True if `current` is final. A final state never becomes a non-final one.
    """

    overtaken: bool
    """
    True if another receipt determines `current`: this receipt arrived late, or another one is further.
    """

    history: list[HistoryEntry]
    """
    All receipts including this one, in order of arrival; at most 100.
    """


class OmittedReceipt(Model):
    """
    Present only if wab keeps no content: describes the receipt in place of `detail` and undocumented keys.
    """

    bytes: Annotated[int, Field(ge=0)]
    """
    The size of the callback's body in bytes.
    """

    digest: Annotated[str, Field(pattern='^[0-9a-f]{64}$')]
    """
    A keyed hash of the callback's body: 64 hex digits.
    """


class DlrData(Model):
    """
    The callback: its keys are normalised, its `content` is verbatim.
    """

    id: str
    """
    The gateway's id of the sent message.
    """

    status: str
    """
    The receipt's status: an open set of words.
    """

    reference: str | None = None
    """
    The reference that the sender assigned to the message.
    """

    detail: str | None = None
    """
    Free text from the gateway.
    """

    unrecognized: dict[str, object] | None = None
    """
    An object of the callback's undocumented keys.
    """

    delivery: Annotated[DeliveryState | None, Field(title='Delivery state')] = None
    """
    The state of the message, derived from all of its receipts.
    """

    omitted: Annotated[OmittedReceipt | None, Field(title='Omitted receipt')] = None
    """
    Present only if wab keeps no content: describes the receipt in place of `detail` and undocumented keys.
    """


class DlrEvent(Model):
    """
    A delivery receipt, as wab publishes it: a CloudEvents 1.0 object in structured JSON.
    """

    specversion: Literal['1.0']
    """
    Always `1.0`.
    """

    id: Annotated[str, Field(pattern='^[0-9a-f]{32}$')]
    """
    The event's id: 32 hex digits, derived from the key of the stored item. Every delivery of this event has the same id, so deduplicate by it.
    """

    source: Annotated[str, Field(pattern='^/wab/')]
    """
    `/wab/` followed by the percent-encoded name of the gateway application.
    """

    type: Literal['wab.dlr.v1']
    """
    `wab.mo.v1` or `wab.dlr.v1`: the contract that `data` follows.
    """

    subject: str
    """
    The gateway's message id. All receipts of one message have the same.
    """

    time: str
    """
    When API Gateway received the callback: RFC 3339, UTC, to the millisecond.
    """

    datacontenttype: Literal['application/json']
    """
    Always `application/json`.
    """

    dataschema: Literal['urn:wab:dlr-event:v1#/properties/data'] | None = None
    """
    The URI of the contract of `data`. Absent without `data`, and in events that were published before it was introduced.
    """

    variant: Annotated[str | None, Field(pattern='^[0-9a-f]{12}$')] = None
    """
    Set only if an earlier callback with another body has the same message id and, for a receipt, the same status: the first 12 hex digits of this body's digest.
    """

    dataref: str | None = None
    """
    Where the callback's body is stored. Replaces `data` if the event would exceed the SNS message limit, or if the body couldn't be read. Either `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table.
    """

    data: Annotated[DlrData | None, Field(title='Dlr data')] = None
    """
    The callback: its keys are normalised, its `content` is verbatim.
    """


Id = TypeAliasType("Id", str | int | float)
"""
An opaque identifier.
"""


Timestamp = TypeAliasType(
    "Timestamp", Annotated[str | int | float, Field(examples=['1763889301'])]
)
"""
Seconds since 1970-01-01T00:00:00Z.
"""


class ReferredProduct(Model):
    """
    The product that a message asks about.
    """

    catalog_id: Id | None = None
    """
    Meta's id of the catalogue.
    """

    product_retailer_id: Id | None = None
    """
    The shop's own id of the product.
    """


ReferralSource = TypeAliasType(
    "ReferralSource", Annotated[str, Field(examples=['ad', 'post'])]
)
"""
An open set. Known: `ad`, `post`.
"""


ReferralMedia = TypeAliasType(
    "ReferralMedia", Annotated[str, Field(examples=['image', 'video'])]
)
"""
An open set. Known: `image`, `video`.
"""


class WelcomeMessage(Model):
    """
    The greeting of an ad.
    """

    text: str | None = None
    """
    The text of the greeting.
    """


class ErrorData(Model):
    """
    The details of an error, in newer messages.
    """

    details: str | None = None
    """
    The details of the error.
    """


class Identity(Model):
    """
    The user's security code, which changes when they change phones.
    """

    acknowledged: bool | None = None
    """
    Whether the business has acknowledged this code.
    """

    created_timestamp: Timestamp | None = None
    """
    When WhatsApp detected the change: in seconds, in some recordings in milliseconds.
    """

    hash: str | None = None
    """
    The hash of the code.
    """


HistoryStatus = TypeAliasType(
    "HistoryStatus",
    Annotated[
        str, Field(examples=['ERROR', 'PENDING', 'SENT', 'DELIVERED', 'READ', 'PLAYED'])
    ],
)
"""
An open set. Known: `ERROR`, `PENDING`, `SENT`, `DELIVERED`, `READ`, `PLAYED`.
"""


class AccountContext(Model):
    """
    Meta's accounts that a message belongs to. Not documented.
    """

    waac_id: Id | None = None
    """
    An id of Meta's own.
    """

    cs_id: Id | None = None
    """
    An id of Meta's own.
    """

    account_context_type: str | None = None
    """
    The kind of account.
    """

    pma_id: Id | None = None
    """
    An id of Meta's own. Statuses only.
    """

    app_id: Id | None = None
    """
    The app that sent the message. Statuses only.
    """


class Text(Model):
    """
    A text.
    """

    body: str
    """
    What the user wrote. May be empty.
    """


class Media(Model):
    """
    A medium: image, video, audio, voice, sticker or document. All of them are fetched the same way.

    The gateway fetches a medium by its id (`GET /media?media_id=…`), which is valid for 7 days.
    """

    id: Id | None = None
    """
    The id to fetch the medium by. Absent if a reseller hasn't downloaded the medium yet.
    """

    mime_type: str | None = None
    """
    The media type, possibly with parameters: `audio/ogg; codecs=opus`.
    """

    sha256: str | None = None
    """
    The SHA-256 digest of the bytes, in base64; in very old messages in hex. Some recorded messages lack it.
    """

    caption: str | None = None
    """
    The caption that the user wrote.
    """

    filename: str | None = None
    """
    The file name. Documents only.
    """

    voice: bool | None = None
    """
    True if recorded in the app rather than attached. Audio only.
    """

    animated: bool | None = None
    """
    True if animated. Stickers only.
    """

    url: str | None = None
    """
    Where WhatsApp serves the medium: valid for 5 minutes, and only with the account's access token. Since November 2025.
    """

    link: str | None = None
    """
    Where the gateway serves the medium. On-Premises API only.
    """

    file: str | None = None
    """
    The path of the medium on the gateway's own disk. On-Premises API only.
    """

    status: str | None = None
    """
    `downloaded` once the gateway has fetched the medium, `undownloaded` before. Resellers and the On-Premises API only.
    """


Decimal = TypeAliasType(
    "Decimal",
    Annotated[
        Annotated[str, Field(pattern=r'^\s*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?\s*$')] | int | float,
        Field(examples=[99.9, '99.90']),
    ],
)
"""
An exact number, in a JSON number or a string.
"""


class ContactName(Model):
    """
    The name on a card.
    """

    formatted_name: str | None = None
    """
    The full name.
    """

    first_name: str | None = None
    """
    The given name.
    """

    middle_name: str | None = None
    """
    The middle name.
    """

    last_name: str | None = None
    """
    The family name.
    """

    prefix: str | None = None
    """
    Such as `Dr`.
    """

    suffix: str | None = None
    """
    Such as `Jr`.
    """


class ContactPhone(Model):
    """
    A phone number on a card.
    """

    phone: Id | None = None
    """
    The number as written on the card.
    """

    wa_id: Id | None = None
    """
    The WhatsApp user with that number.
    """

    type: str | None = None
    """
    A label: free text.
    """


class ContactEmail(Model):
    """
    An e-mail address on a card.
    """

    email: str | None = None
    """
    The address.
    """

    type: str | None = None
    """
    A label: free text.
    """


class ContactAddress(Model):
    """
    A postal address on a card.
    """

    street: str | None = None
    """
    Street and number.
    """

    city: str | None = None
    """
    City.
    """

    state: str | None = None
    """
    State or region.
    """

    zip: Id | None = None
    """
    Postal code.
    """

    country: str | None = None
    """
    The name of the country.
    """

    country_code: str | None = None
    """
    The country's two-letter code (ISO 3166-1).
    """

    type: str | None = None
    """
    A label: free text.
    """


class ContactOrg(Model):
    """
    The employer of the person on a card.
    """

    company: str | None = None
    """
    The company.
    """

    department: str | None = None
    """
    The department.
    """

    title: str | None = None
    """
    The person's job title.
    """


class ContactUrl(Model):
    """
    A web page on a card.
    """

    url: str | None = None
    """
    The URL.
    """

    type: str | None = None
    """
    A label: free text.
    """


class ContactIm(Model):
    """
    An account at another messenger on a card.
    """

    service: str | None = None
    """
    The messenger, such as `AIM`.
    """

    user_id: Id | None = None
    """
    The person's name there.
    """


class Button(Model):
    """
    A tap on a button of a template.
    """

    text: str | None = None
    """
    The label of the button.
    """

    payload: str | None = None
    """
    The payload that the business assigned to the button.
    """


class ButtonReply(Model):
    """
    A tap on a reply button.
    """

    id: Id
    """
    The id that the business assigned to the button.
    """

    title: str
    """
    The label of the button.
    """


class ListReply(Model):
    """
    The choice of a list item.
    """

    id: Id
    """
    The id that the business assigned to the item.
    """

    title: str
    """
    The item's title.
    """

    description: str | None = None
    """
    The item's second line.
    """


JsonText = TypeAliasType("JsonText", str | dict[str, object] | list[object])
"""
Usually JSON in a string; some gateways send the JSON itself.
"""


CallPermission = TypeAliasType(
    "CallPermission", Annotated[str, Field(examples=['accept', 'reject'])]
)
"""
An open set. Known: `accept`, `reject`.
"""


class PaymentMethod(Model):
    """
    The payment method that the user chose.
    """

    payment_method: str | None = None
    """
    `offsite_card_pay`, …
    """

    payment_timestamp: Timestamp | None = None
    """
    When the user chose it.
    """

    reference_id: Id | None = None
    """
    The reference that the business assigned to the order.
    """

    last_four_digits: Id | None = None
    """
    The last four digits of the card.
    """

    credential_id: Id | None = None
    """
    The id of the card.
    """


class PaymentNotification(Model):
    """
    A payment in an `Interactive` message. Not documented by Meta.
    """

    reference_id: Id | None = None
    """
    The reference that the business assigned to the order.
    """

    transaction_id: Id | None = None
    """
    The provider's id of the payment.
    """

    payment_status: str | None = None
    """
    `captured`, …
    """

    payer_name: str | None = None
    """
    The payer's name.
    """


class Reaction(Model):
    """
    An emoji on an earlier message, or its removal.
    """

    message_id: Id
    """
    WhatsApp's id of the earlier message.
    """

    emoji: str | None = None
    """
    The emoji. Absent or empty if the reaction was removed.
    """


class ProductItem(Model):
    """
    One line of an `Order`.
    """

    product_retailer_id: Id
    """
    The shop's own id of the product.
    """

    quantity: Decimal
    """
    The quantity.
    """

    item_price: Decimal
    """
    The price of one item in the currency's main unit: dollars, not cents.
    """

    currency: str | None = None
    """
    The currency (ISO 4217).
    """


SystemChange = TypeAliasType(
    "SystemChange",
    Annotated[
        str,
        Field(
            examples=['user_changed_number', 'customer_changed_number', 'user_changed_user_id', 'customer_identity_changed']
        ),
    ],
)
"""
An open set. Known: `user_changed_number`, `customer_changed_number`, `user_changed_user_id`, `customer_identity_changed`.
"""


class Revoke(Model):
    """
    An earlier message, deleted by its sender.
    """

    original_message_id: Id
    """
    WhatsApp's id of the earlier message.
    """


class Unsupported(Model):
    """
    A message that WhatsApp doesn't deliver; the message's `errors` give the reason. Older messages have the type `unknown`.
    """

    type: str | None = None
    """
    The type of the original message: `edit`, `gif`, `pin`, `poll_creation`, … An open set; often absent.
    """

    raw_type: str | None = None
    """
    The original type by WhatsApp's internal name. Not documented; recorded in 2026.
    """


UpdateStatus = TypeAliasType(
    "UpdateStatus",
    Annotated[
        str,
        Field(
            examples=['sent', 'delivered', 'read', 'played', 'failed', 'deleted', 'warning', 'pending', 'captured']
        ),
    ],
)
"""
An open set. Known: `sent`, `delivered`, `read`, `played`, `failed`, `deleted`, `warning`, `pending`, `captured`.
"""


class ConversationOrigin(Model):
    """
    What opened a `Conversation`.
    """

    type: str | None = None
    """
    `authentication`, `marketing`, `service`, `utility`, `referral_conversion`, …
    """


class Pricing(Model):
    """
    The price category of a message, in a `StatusUpdate`.
    """

    billable: bool | None = None
    """
    Whether Meta charges for the message.
    """

    pricing_model: str | None = None
    """
    `CBP` for pricing by conversation, `PMP` for pricing by message, …
    """

    type: str | None = None
    """
    `regular`, `free_customer_service`, …
    """

    category: str | None = None
    """
    `marketing`, `service`, …
    """


class Amount(Model):
    """
    An amount of money as a fraction of integers: `value / offset`, in the currency's main unit.
    """

    value: Decimal | None = None
    """
    The numerator, for example the number of cents.
    """

    offset: Decimal | None = None
    """
    The denominator, for example 100.
    """


class TransactionMethod(Model):
    """
    The payment method of a `Transaction`.
    """

    type: str | None = None
    """
    `upi`, `card`, `wallet`, `netbanking`, …
    """


class TransactionError(Model):
    """
    Why a `Transaction` failed.
    """

    code: Id | None = None
    """
    The provider's error code.
    """

    reason: str | None = None
    """
    The provider's explanation.
    """


class Refund(Model):
    """
    A refund of a `Transaction`.
    """

    id: Id | None = None
    """
    The provider's id of the refund.
    """

    amount: Amount | None = None
    """
    The amount.
    """

    status: str | None = None
    """
    `pending`, `completed`, `failed`, …
    """

    speed_processed: str | None = None
    """
    How fast it was processed: `normal`, `instant`, …
    """

    created_timestamp: Timestamp | None = None
    """
    When the refund began.
    """

    updated_timestamp: Timestamp | None = None
    """
    When the refund last changed.
    """


class StatusMessage(Model):
    """
    The recipient of a message, in older status updates.
    """

    recipient_id: Id | None = None
    """
    The recipient.
    """


class Context(Model):
    """
    What a message replies to, or that it was forwarded. A forwarded message usually has only the flag.
    """

    from_: Annotated[Id | None, Field(alias='from')] = None
    """
    The sender of the message that this one replies to.
    """

    from_user_id: Id | None = None
    """
    The business-scoped user id of the sender of the message that this one replies to.
    """

    from_parent_user_id: Id | None = None
    """
    The same user's id as all accounts of one business see it.
    """

    id: Id | None = None
    """
    WhatsApp's id of the message that this one replies to.
    """

    forwarded: bool | None = None
    """
    True if the message was forwarded.
    """

    frequently_forwarded: bool | None = None
    """
    True if the message was forwarded more than five times.
    """

    referred_product: ReferredProduct | None = None
    """
    The product that the user asks about.
    """

    group_id: Id | None = None
    """
    The group of the message that this one replies to.
    """

    mentions: list[Id] | dict[str, object] | list[object] | str | int | float | bool | None = (
        None
    )
    """
    The users mentioned: phone numbers, by the documentation of the On-Premises API. Meta's current documentation has no such key.
    """


class Referral(Model):
    """
    The ad or post that the user clicked to start the chat.
    """

    source_url: str | None = None
    """
    The URL of the ad or post.
    """

    source_id: Id | None = None
    """
    Meta's id of the ad or post.
    """

    source_type: ReferralSource | None = None
    """
    Whether it is an ad or a post.
    """

    headline: str | None = None
    """
    The headline.
    """

    body: str | None = None
    """
    The text.
    """

    media_type: ReferralMedia | None = None
    """
    Which of the following URLs is set.
    """

    image_url: str | None = None
    """
    The URL of the picture.
    """

    video_url: str | None = None
    """
    The URL of the video.
    """

    thumbnail_url: str | None = None
    """
    The URL of a still image of the video.
    """

    ctwa_clid: str | None = None
    """
    The id of the click, for Meta's Conversions API.
    """

    welcome_message: WelcomeMessage | None = None
    """
    The greeting that the ad showed.
    """

    ref: str | None = None
    """
    The parameter `ref` of the ad's link.
    """


class MessageError(Model):
    """
    An error. Three shapes are recorded: with `message`, `error_data` and `href`; with `details`; with little more than a code.
    """

    code: Id | None = None
    """
    Meta's error code: a number, kept as its digits.
    """

    title: str | None = None
    """
    A short text for the code.
    """

    message: str | None = None
    """
    Usually the same as the title.
    """

    error_data: ErrorData | None = None
    """
    The details, in newer messages.
    """

    details: str | None = None
    """
    The details, in older messages.
    """

    href: str | None = None
    """
    A link to the documentation of the code.
    """


class HistoryContext(Model):
    """
    Marks a message from before the business joined.
    """

    status: HistoryStatus | None = None
    """
    The status of the message at that time.
    """

    from_me: bool | None = None
    """
    True if the business sent the message.
    """


class InternalData(Model):
    """
    Meta's own data. Not documented.
    """

    account_context: AccountContext | None = None
    """
    Meta's accounts that the message belongs to.
    """


class Location(Model):
    """
    A place.
    """

    latitude: Decimal
    """
    Latitude in degrees, north positive (WGS 84).
    """

    longitude: Decimal
    """
    Longitude in degrees, east positive (WGS 84).
    """

    name: str | None = None
    """
    The name of the place.
    """

    address: str | None = None
    """
    The address of the place.
    """

    url: str | None = None
    """
    The web page of the place.
    """


class ContactCard(Model):
    """
    An address card: one element of a `contacts` message. Any part may be absent. A `type` within a card is free, localised text.
    """

    name: ContactName | None = None
    """
    The person's name.
    """

    phones: list[ContactPhone] | None = None
    """
    Phone numbers.
    """

    emails: list[ContactEmail] | None = None
    """
    E-mail addresses.
    """

    addresses: list[ContactAddress] | None = None
    """
    Postal addresses.
    """

    org: ContactOrg | None = None
    """
    The person's employer.
    """

    urls: list[ContactUrl] | None = None
    """
    Web pages.
    """

    ims: list[ContactIm] | None = None
    """
    Accounts at other messengers.
    """

    birthday: str | None = None
    """
    The date of birth, usually `YYYY-MM-DD`.
    """

    vcard: str | None = None
    """
    The whole card as a vCard (RFC 6350).
    """

    contact_image: str | None = None
    """
    The person's picture in base64. On-Premises API only.
    """

    origin: str | None = None
    """
    Why the user sent the card: `contact_request` if the business asked for their number, or `other`.
    """


class NfmReply(Model):
    """
    A submitted form: a flow, an address, a catalogue.
    """

    response_json: JsonText
    """
    The user's input: a string that usually holds a JSON object, sometimes an array, sometimes no JSON.
    """

    name: str | None = None
    """
    The kind of form: `flow`, `address_message`, …
    """

    body: str | None = None
    """
    What the chat shows in place of the form.
    """


class CallPermissionReply(Model):
    """
    The user's answer to a request for permission to call.
    """

    response: CallPermission
    """
    The answer.
    """

    is_permanent: bool | None = None
    """
    True if the permission never expires.
    """

    expiration_timestamp: Timestamp | None = None
    """
    When the permission expires.
    """

    response_source: str | None = None
    """
    `user_action`, or `automatic` if the user called the business.
    """


class Order(Model):
    """
    A shopping cart that the user sent.
    """

    catalog_id: Id | None = None
    """
    Meta's id of the catalogue.
    """

    product_items: list[ProductItem]
    """
    The products in the cart.
    """

    text: str | None = None
    """
    What the user wrote with the order.
    """


class System(Model):
    """
    A change to the user: a new number, a new user id, a new phone.
    """

    type: SystemChange | None = None
    """
    What changed. Some recorded messages lack it.
    """

    body: str | None = None
    """
    The change in words.
    """

    wa_id: Id | None = None
    """
    The user's new number.
    """

    new_wa_id: Id | None = None
    """
    The older key of the user's new number.
    """

    user_id: Id | None = None
    """
    The user's new business-scoped user id.
    """

    parent_user_id: Id | None = None
    """
    The user's new user id, as all accounts of one business see it.
    """

    previous_user_id: Id | None = None
    """
    The user id before the change.
    """

    previous_parent_user_id: Id | None = None
    """
    The user id before the change, as all accounts of one business see it.
    """

    identity: str | None = None
    """
    The hash of the new security code. Older messages only.
    """

    customer: Id | None = None
    """
    The user's number before the change. Older messages only.
    """


class Conversation(Model):
    """
    The conversation of a `StatusUpdate`.
    """

    id: Id | None = None
    """
    Meta's id of the conversation.
    """

    expiration_timestamp: Timestamp | None = None
    """
    When the conversation ends.
    """

    origin: ConversationOrigin | None = None
    """
    What opened the conversation.
    """

    pricing: Pricing | None = None
    """
    The price category, in the status of a message to a group.
    """


class Transaction(Model):
    """
    An attempt to pay, at the payment provider.
    """

    id: Id | None = None
    """
    The provider's id of the attempt.
    """

    type: str | None = None
    """
    The provider: `billdesk`, `payu`, `razorpay`, `upi`, …
    """

    status: str | None = None
    """
    `pending`, `success`, `failed`, …
    """

    created_timestamp: Timestamp | None = None
    """
    When the attempt began.
    """

    updated_timestamp: Timestamp | None = None
    """
    When the attempt last changed.
    """

    amount: Amount | None = None
    """
    The amount.
    """

    currency: str | None = None
    """
    The currency (ISO 4217).
    """

    method: TransactionMethod | None = None
    """
    The payment method.
    """

    error: TransactionError | None = None
    """
    The reason of a failure.
    """

    refunds: list[Refund] | None = None
    """
    Refunds.
    """


class Head(Model):
    """
    The part of a message that all types share.

    Every key may be absent: a message from 2026 may lack `from`, the message within an `Edit` has no id, an old message has no `type`.
    """

    from_: Annotated[Id | None, Field(alias='from')] = None
    """
    The sender as received: a phone number with or without `+`. Absent or empty if the user hides their number.
    """

    from_user_id: Id | None = None
    """
    The sender's business-scoped user id.
    """

    from_bsuid: Id | None = None
    """
    The sender's business-scoped user id, as Turn.io sends it.
    """

    from_parent_user_id: Id | None = None
    """
    The sender's user id as all accounts of one business see it.
    """

    from_logical_id: Id | None = None
    """
    An id of Meta's own, in the message of a device whose sender is the business.
    """

    to: Id | None = None
    """
    The recipient, in the copy of a message that the business sent.
    """

    to_user_id: Id | None = None
    """
    The recipient's business-scoped user id.
    """

    to_parent_user_id: Id | None = None
    """
    The recipient's user id as all accounts of one business see it.
    """

    message_creation_type: str | None = None
    """
    The author of such a copy, if not a person in the app: `created_by_1p_bot` is a bot of Meta's.
    """

    group_id: Id | None = None
    """
    The group that the message was sent to.
    """

    id: Id | None = None
    """
    WhatsApp's id of the message. It reveals the user's phone number, so keep it out of logs.
    """

    timestamp: Timestamp | None = None
    """
    When the message was sent.
    """

    internal_1p_only_data: InternalData | dict[str, object] | list[object] | str | int | float | bool | None = (
        None
    )
    """
    Meta's own data. Not documented; recorded since August 2026.
    """

    context: Context | None = None
    """
    What the message replies to or forwards.
    """

    referral: Referral | None = None
    """
    The ad or post that brought the user to the chat.
    """

    errors: list[MessageError] | None = None
    """
    Errors. Any type of message may have some.
    """

    identity: Identity | None = None
    """
    The user's security code. Present if the business enabled the check of it.
    """

    history_context: HistoryContext | None = None
    """
    Marks a message from before the business joined.
    """

    origin: str | None = None
    """
    What made the user send a contact card, such as `contact_request/other`.
    """


class Interactive(Model):
    """
    A reply to an interactive message. Some recorded messages of this type have no body at all.
    """

    type: str | None = None
    """
    The kind of reply: an open set.
    """

    button_reply: ButtonReply | None = None
    """
    The reply button that the user tapped.
    """

    list_reply: ListReply | None = None
    """
    The list item that the user chose.
    """

    nfm_reply: NfmReply | None = None
    """
    The form that the user submitted.
    """

    call_permission_reply: CallPermissionReply | None = None
    """
    The user's answer to a request for permission to call.
    """

    payment_method: PaymentMethod | None = None
    """
    The payment method that the user chose.
    """

    payment_notification: PaymentNotification | dict[str, object] | list[object] | str | int | float | bool | None = (
        None
    )
    """
    A payment. Its shape isn't documented.
    """

    action: str | None = None
    """
    What the reply is about: `address_message`. Present if `type` doesn't name the reply.
    """

    timestamp: Timestamp | None = None
    """
    When the user replied, next to `action`.
    """


class TextMessage(Head):
    """
    A message of the type `text`.
    """

    type: Literal['text']
    text: Text


class ImageMessage(Head):
    """
    A message of the type `image`.
    """

    type: Literal['image']
    image: Media


class VideoMessage(Head):
    """
    A message of the type `video`.
    """

    type: Literal['video']
    video: Media


class AudioMessage(Head):
    """
    A message of the type `audio`.
    """

    type: Literal['audio']
    audio: Media


class VoiceMessage(Head):
    """
    A message of the type `voice`.
    """

    type: Literal['voice']
    voice: Media | None = None
    audio: Media | None = None


class StickerMessage(Head):
    """
    A message of the type `sticker`.
    """

    type: Literal['sticker']
    sticker: Media


class DocumentMessage(Head):
    """
    A message of the type `document`.
    """

    type: Literal['document']
    document: Media


class LocationMessage(Head):
    """
    A message of the type `location`.
    """

    type: Literal['location']
    location: Location


class ContactsMessage(Head):
    """
    A message of the type `contacts`.
    """

    type: Literal['contacts']
    contacts: list[ContactCard]


class ButtonMessage(Head):
    """
    A message of the type `button`.
    """

    type: Literal['button']
    button: Button


class InteractiveMessage(Head):
    """
    A message of the type `interactive`.
    """

    type: Literal['interactive']
    interactive: Interactive | None = None


class ReactionMessage(Head):
    """
    A message of the type `reaction`.
    """

    type: Literal['reaction']
    reaction: Reaction


class OrderMessage(Head):
    """
    A message of the type `order`.
    """

    type: Literal['order']
    order: Order


class SystemMessage(Head):
    """
    A message of the type `system`.
    """

    type: Literal['system']
    system: System


class RevokeMessage(Head):
    """
    A message of the type `revoke`.
    """

    type: Literal['revoke']
    revoke: Revoke


class UnsupportedMessage(Head):
    """
    A message of the type `unsupported`.
    """

    type: Literal['unsupported']
    unsupported: Unsupported | None = None


class UnknownMessage(Head):
    """
    A message of the type `unknown`.
    """

    type: Literal['unknown']
    unknown: Unsupported | None = None


class RequestWelcomeMessage(Head):
    """
    A message of the type `request_welcome`, which has no payload.
    """

    type: Literal['request_welcome']


class EphemeralMessage(Head):
    """
    A message of the type `ephemeral`, which has no payload.
    """

    type: Literal['ephemeral']


class MediaPlaceholderMessage(Head):
    """
    A message of the type `media_placeholder`, which has no payload.
    """

    type: Literal['media_placeholder']


class MessageWithoutPayload(Head):
    """
    A message of a known type that has errors instead of its payload.
    """

    type: Literal['text', 'image', 'video', 'audio', 'voice', 'sticker', 'document', 'location', 'contacts', 'button', 'reaction', 'order', 'system', 'edit', 'revoke']
    errors: Annotated[list[MessageError], Field(min_length=1)]
    """
    Errors. Any type of message may have some.
    """


class Payment(Model):
    """
    The status of a payment, in a `StatusUpdate` of type `payment`. Older ones contain only the reference and the payer.
    """

    reference_id: Id | None = None
    """
    The reference that the business assigned to the order.
    """

    sender: Id | None = None
    """
    The payer's phone number. Older messages only.
    """

    amount: Amount | None = None
    """
    The amount.
    """

    currency: str | None = None
    """
    The currency (ISO 4217).
    """

    transaction: Transaction | None = None
    """
    The latest attempt to pay.
    """

    receipt: str | None = None
    """
    What the business supplied for the receipt.
    """


class OtherMessage(Head):
    """
    A message whose type isn't listed here, or that has none. Its payload is usually under a key named like the type.
    """

    type: str | None = None


class StatusUpdate(Model):
    """
    The status of a message that the business sent, or of a payment that it requested, in WhatsApp's own form. Its id, time and errors are in the `Head`.

    The gateway's documentation hints at it, although `content` is documented to hold messages only. The gateway's own delivery receipts are events of another kind.
    """

    status: UpdateStatus
    """
    The status.
    """

    recipient_id: Id | None = None
    """
    The recipient: a phone number or a group.
    """

    recipient_user_id: Id | None = None
    """
    The recipient's business-scoped user id.
    """

    parent_recipient_user_id: Id | None = None
    """
    The recipient's user id as all accounts of one business see it.
    """

    recipient_parent_user_id: Id | None = None
    """
    Another name of `parent_recipient_user_id`.
    """

    parent_user_id: Id | None = None
    """
    Another name of `parent_recipient_user_id`.
    """

    recipient_identity_key_hash: str | None = None
    """
    The hash of the recipient's security code. Present if the business enabled the check of it.
    """

    recipient_type: str | None = None
    """
    `individual` or `group`.
    """

    recipient_participant_id: Id | None = None
    """
    The group member that the status is about.
    """

    participant_recipient_id: Id | None = None
    """
    Another name of `recipient_participant_id`.
    """

    recipient_participant_user_id: Id | None = None
    """
    The group member's business-scoped user id.
    """

    recipient_participant_parent_user_id: Id | None = None
    """
    The group member's user id as all accounts of one business see it.
    """

    conversation: Conversation | None = None
    """
    The conversation that the message opened or belongs to.
    """

    pricing: Pricing | None = None
    """
    The price category of the message.
    """

    payment: Payment | None = None
    """
    The payment, if the status is about one: its type is `payment`.
    """

    biz_opaque_callback_data: str | None = None
    """
    The data that the business attached to the message.
    """

    template_id: Id | None = None
    """
    The template that the message was made from. Direct Send only.
    """

    recipient_logical_id: Id | None = None
    """
    An id of Meta's own.
    """

    webhook_extra_data: InternalData | dict[str, object] | list[object] | str | int | float | bool | None = (
        None
    )
    """
    Meta's own data. Not documented.
    """

    account_context: AccountContext | dict[str, object] | list[object] | str | int | float | bool | None = (
        None
    )
    """
    Meta's accounts that the message belongs to. Not documented.
    """

    message: StatusMessage | None = None
    """
    The recipient again, in older messages.
    """


class StatusUpdateMessage(Head, StatusUpdate):
    """
    Not a message, but the status of one that the business sent.
    """

    type: str | None = None


class Contract(Model):
    event: MoEvent | DlrEvent | None = None
    message: Message | None = None


Message = TypeAliasType(
    "Message",
    Annotated[
        Union["KnownMessage", MessageWithoutPayload, "UntypedMessage", StatusUpdateMessage, OtherMessage],
        Field(title='Message'),
    ],
)
"""
WhatsApp's message object. Types and keys that aren't listed here are valid.
"""


class Edit(Model):
    """
    An earlier message, edited: as it is now, without id and sender. An edit within an edit has an unknown type.
    """

    original_message_id: Id
    """
    WhatsApp's id of the earlier message.
    """

    message: Message


class EditMessage(Head):
    """
    A message of the type `edit`.
    """

    type: Literal['edit']
    edit: Edit


KnownMessage = TypeAliasType(
    "KnownMessage",
    Annotated[
        TextMessage | ImageMessage | VideoMessage | AudioMessage | VoiceMessage | StickerMessage | DocumentMessage | LocationMessage | ContactsMessage | ButtonMessage | InteractiveMessage | ReactionMessage | OrderMessage | SystemMessage | EditMessage | RevokeMessage | UnsupportedMessage | UnknownMessage | RequestWelcomeMessage | EphemeralMessage | MediaPlaceholderMessage,
        Field(title='Known message'),
    ],
)
"""
A message of a known type. `type` tells the alternatives apart.
"""


class UntypedMessage(Head):
    """
    An older message without a type. Its only payload reveals the type.
    """

    type: Literal[''] | None = None
    text: Text | None = None
    image: Media | None = None
    video: Media | None = None
    audio: Media | None = None
    voice: Media | None = None
    sticker: Media | None = None
    document: Media | None = None
    location: Location | None = None
    contacts: list[ContactCard] | None = None
    button: Button | None = None
    interactive: Interactive | None = None
    reaction: Reaction | None = None
    order: Order | None = None
    system: System | None = None
    edit: Edit | None = None
    revoke: Revoke | None = None


Contract.model_rebuild()
