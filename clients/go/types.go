// Code generated from infra/contracts by infra/local/contracts/generate.py; DO NOT EDIT.

package wab

import (
	"encoding/json"
	"regexp"
)

// MoEvent is a message from a WhatsApp user, as wab publishes it: a CloudEvents 1.0 object in structured JSON.
type MoEvent struct {
	Object
	// Always `1.0`.
	Specversion string `json:"specversion" enum:"1.0"`
	// The event's id: 32 hex digits, derived from the key of the stored item. Every delivery of this event has the same
	// id, so deduplicate by it.
	ID string `json:"id" pattern:"^[0-9a-f]{32}$"`
	// `/wab/` followed by the percent-encoded name of the gateway application.
	Source string `json:"source" pattern:"^/wab/"`
	// `wab.mo.v1` or `wab.dlr.v1`: the contract that `data` follows.
	Type string `json:"type" enum:"wab.mo.v1"`
	// The gateway's message id. All receipts of one message have the same.
	Subject string `json:"subject"`
	// When API Gateway received the callback: RFC 3339, UTC, to the millisecond.
	Time string `json:"time"`
	// Always `application/json`.
	Datacontenttype string `json:"datacontenttype" enum:"application/json"`
	// The URI of the contract of `data`. Absent without `data`, and in events that were published before it was
	// introduced.
	Dataschema string `json:"dataschema,omitempty" enum:"urn:wab:mo-event:v1#/properties/data"`
	// Set only if an earlier callback with another body has the same message id and, for a receipt, the same status:
	// the first 12 hex digits of this body's digest.
	Variant string `json:"variant,omitempty" pattern:"^[0-9a-f]{12}$"`
	// Where the callback's body is stored. Replaces `data` if the event would exceed the SNS message limit, or if the
	// body couldn't be read. Either `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table.
	Dataref string `json:"dataref,omitempty"`
	// The callback: its keys are normalised, its `content` is verbatim.
	Data *MoData `json:"data,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *MoEvent) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v MoEvent) MarshalJSON() ([]byte, error) { return write(v) }

// MoData is the callback: its keys are normalised, its `content` is verbatim.
type MoData struct {
	Object
	// The gateway's message id.
	ID string `json:"id"`
	// The sender as received: `+64…`, `64…`, or a business-scoped user id.
	Source string `json:"source,omitempty"`
	// The recipient as received.
	Destination string `json:"destination,omitempty"`
	// WhatsApp's message object, verbatim; a base64 string if `encoding` is `base64`; rarely any other JSON. Absent if
	// it is binary and the event would otherwise exceed the SNS message limit: `binary` then locates the bytes.
	Content json.RawMessage `json:"content,omitempty"`
	// `base64` marks a binary `content`.
	Encoding string `json:"encoding,omitempty"`
	// The sender's mobile operator.
	Operator string `json:"operator,omitempty"`
	// The gateway's id of the sent message that this one replies to.
	ReplyTo string `json:"reply_to,omitempty"`
	// The reference of the sent message that this one replies to.
	Reference string `json:"reference,omitempty"`
	// An object of the callback's undocumented keys.
	Unrecognized map[string]json.RawMessage `json:"unrecognized,omitempty"`
	// Describes a binary `content` once decoded.
	Binary *Binary `json:"binary,omitempty"`
	// Present only if wab keeps no content: describes the message in place of `source`, `content` and everything else
	// that is absent.
	Omitted *OmittedMessage `json:"omitted,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *MoData) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v MoData) MarshalJSON() ([]byte, error) { return write(v) }

// Binary describes a binary `content` once decoded.
type Binary struct {
	Object
	// The number of bytes, decoded.
	Bytes uint64 `json:"bytes"`
	// The SHA-256 digest of the bytes, in hex.
	SHA256 string `json:"sha256"`
	// The media type, detected from the first bytes; `application/octet-stream` if none is detected.
	ContentType string `json:"content_type"`
	// The object that holds the bytes: `s3://<bucket>/<key>`. Absent if it couldn't be stored; `content` then holds the
	// bytes in base64.
	Dataref string `json:"dataref,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Binary) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Binary) MarshalJSON() ([]byte, error) { return write(v) }

// OmittedMessage is present only if wab keeps no content: describes the message in place of `source`, `content` and
// everything else that is absent.
type OmittedMessage struct {
	Object
	// The message's type, such as `text`. Absent if it has none.
	Type string `json:"type,omitempty"`
	// When the user sent the message, by WhatsApp's clock: RFC 3339, UTC, to the second. Absent if the message has no
	// such time.
	SentAt string `json:"sent_at,omitempty"`
	// A keyed hash of the sender: `hmac:` and 64 hex digits. All messages of a sender have the same, however the
	// callback spells the number.
	Contact string `json:"contact,omitempty" pattern:"^hmac:[0-9a-f]{64}$"`
	// The size of the callback's body in bytes.
	Bytes uint64 `json:"bytes"`
	// A keyed hash of the callback's body: 64 hex digits.
	Digest string `json:"digest" pattern:"^[0-9a-f]{64}$"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *OmittedMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v OmittedMessage) MarshalJSON() ([]byte, error) { return write(v) }

// DlrEvent is a delivery receipt, as wab publishes it: a CloudEvents 1.0 object in structured JSON.
type DlrEvent struct {
	Object
	// Always `1.0`.
	Specversion string `json:"specversion" enum:"1.0"`
	// The event's id: 32 hex digits, derived from the key of the stored item. Every delivery of this event has the same
	// id, so deduplicate by it.
	ID string `json:"id" pattern:"^[0-9a-f]{32}$"`
	// `/wab/` followed by the percent-encoded name of the gateway application.
	Source string `json:"source" pattern:"^/wab/"`
	// `wab.mo.v1` or `wab.dlr.v1`: the contract that `data` follows.
	Type string `json:"type" enum:"wab.dlr.v1"`
	// The gateway's message id. All receipts of one message have the same.
	Subject string `json:"subject"`
	// When API Gateway received the callback: RFC 3339, UTC, to the millisecond.
	Time string `json:"time"`
	// Always `application/json`.
	Datacontenttype string `json:"datacontenttype" enum:"application/json"`
	// The URI of the contract of `data`. Absent without `data`, and in events that were published before it was
	// introduced.
	Dataschema string `json:"dataschema,omitempty" enum:"urn:wab:dlr-event:v1#/properties/data"`
	// Set only if an earlier callback with another body has the same message id and, for a receipt, the same status:
	// the first 12 hex digits of this body's digest.
	Variant string `json:"variant,omitempty" pattern:"^[0-9a-f]{12}$"`
	// Where the callback's body is stored. Replaces `data` if the event would exceed the SNS message limit, or if the
	// body couldn't be read. Either `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table.
	Dataref string `json:"dataref,omitempty"`
	// The callback: its keys are normalised, its `content` is verbatim.
	Data *DlrData `json:"data,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *DlrEvent) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v DlrEvent) MarshalJSON() ([]byte, error) { return write(v) }

// DlrData is the callback: its keys are normalised, its `content` is verbatim.
type DlrData struct {
	Object
	// The gateway's id of the sent message.
	ID string `json:"id"`
	// The receipt's status: an open set of words.
	Status string `json:"status"`
	// The reference that the sender assigned to the message.
	Reference string `json:"reference,omitempty"`
	// Free text from the gateway.
	Detail string `json:"detail,omitempty"`
	// An object of the callback's undocumented keys.
	Unrecognized map[string]json.RawMessage `json:"unrecognized,omitempty"`
	// The state of the message, derived from all of its receipts.
	Delivery *DeliveryState `json:"delivery,omitempty"`
	// Present only if wab keeps no content: describes the receipt in place of `detail` and undocumented keys.
	Omitted *OmittedReceipt `json:"omitted,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *DlrData) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v DlrData) MarshalJSON() ([]byte, error) { return write(v) }

// DeliveryState is the state of the message, derived from all of its receipts.
type DeliveryState struct {
	Object
	// The current status: the first final one received, or else the furthest.
	Current string `json:"current"`
	// True if `current` is final. A final state never becomes a non-final one.
	Final bool `json:"final"`
	// True if another receipt determines `current`: this receipt arrived late, or another one is further.
	Overtaken bool `json:"overtaken"`
	// All receipts including this one, in order of arrival; at most 100.
	History []HistoryEntry `json:"history"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *DeliveryState) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v DeliveryState) MarshalJSON() ([]byte, error) { return write(v) }

// HistoryEntry is one receipt in the history of a message.
type HistoryEntry struct {
	Object
	// The status word.
	Status string `json:"status"`
	// When API Gateway received the receipt: RFC 3339, UTC, to the millisecond. The gateway itself reports no time.
	Time string `json:"time"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *HistoryEntry) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v HistoryEntry) MarshalJSON() ([]byte, error) { return write(v) }

// OmittedReceipt is present only if wab keeps no content: describes the receipt in place of `detail` and
// undocumented keys.
type OmittedReceipt struct {
	Object
	// The size of the callback's body in bytes.
	Bytes uint64 `json:"bytes"`
	// A keyed hash of the callback's body: 64 hex digits.
	Digest string `json:"digest" pattern:"^[0-9a-f]{64}$"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *OmittedReceipt) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v OmittedReceipt) MarshalJSON() ([]byte, error) { return write(v) }

// Message is WhatsApp's message object. Types and keys that aren't listed here are valid.
//
// It is one of *TextMessage, *ImageMessage, *VideoMessage, *AudioMessage, *VoiceMessage, *StickerMessage,
// *DocumentMessage, *LocationMessage, *ContactsMessage, *ButtonMessage, *InteractiveMessage, *ReactionMessage,
// *OrderMessage, *SystemMessage, *EditMessage, *RevokeMessage, *UnsupportedMessage, *UnknownMessage,
// *RequestWelcomeMessage, *EphemeralMessage, *MediaPlaceholderMessage, *MessageWithoutPayload, *UntypedMessage,
// *StatusUpdateMessage, *OtherMessage.
type Message interface {
	// Shared returns the part that all types share.
	Shared() *Head
	message()
}

// Head is the part of a message that all types share.
//
// Every key may be absent: a message from 2026 may lack `from`, the message within an `Edit` has no id, an old
// message has no `type`.
type Head struct {
	Object
	// The sender as received: a phone number with or without `+`. Absent or empty if the user hides their number.
	From ID `json:"from,omitempty"`
	// The sender's business-scoped user id.
	FromUserID ID `json:"from_user_id,omitempty"`
	// The sender's business-scoped user id, as Turn.io sends it.
	FromBsuid ID `json:"from_bsuid,omitempty"`
	// The sender's user id as all accounts of one business see it.
	FromParentUserID ID `json:"from_parent_user_id,omitempty"`
	// An id of Meta's own, in the message of a device whose sender is the business.
	FromLogicalID ID `json:"from_logical_id,omitempty"`
	// The recipient, in the copy of a message that the business sent.
	To ID `json:"to,omitempty"`
	// The recipient's business-scoped user id.
	ToUserID ID `json:"to_user_id,omitempty"`
	// The recipient's user id as all accounts of one business see it.
	ToParentUserID ID `json:"to_parent_user_id,omitempty"`
	// The author of such a copy, if not a person in the app: `created_by_1p_bot` is a bot of Meta's.
	MessageCreationType string `json:"message_creation_type,omitempty"`
	// The group that the message was sent to.
	GroupID ID `json:"group_id,omitempty"`
	// WhatsApp's id of the message. It reveals the user's phone number, so keep it out of logs.
	ID ID `json:"id,omitempty"`
	// When the message was sent.
	Timestamp Timestamp `json:"timestamp,omitempty"`
	// Meta's own data. Not documented; recorded since August 2026.
	Internal1pOnlyData *InternalData `json:"internal_1p_only_data,omitempty" open:"true"`
	// What the message replies to or forwards.
	Context *Context `json:"context,omitempty"`
	// The ad or post that brought the user to the chat.
	Referral *Referral `json:"referral,omitempty"`
	// Errors. Any type of message may have some.
	Errors []MessageError `json:"errors,omitempty"`
	// The user's security code. Present if the business enabled the check of it.
	Identity *Identity `json:"identity,omitempty"`
	// Marks a message from before the business joined.
	HistoryContext *HistoryContext `json:"history_context,omitempty"`
	// What made the user send a contact card, such as `contact_request/other`.
	Origin string `json:"origin,omitempty"`
}

// ID is an opaque identifier.
//
// The text of a JSON number is kept.
type ID string

// UnmarshalJSON implements json.Unmarshaler.
func (v *ID) UnmarshalJSON(data []byte) error { return readText(data, (*string)(v), numbers, nil) }

// Timestamp is seconds since 1970-01-01T00:00:00Z.
//
// The text of a JSON number is kept.
type Timestamp string

// UnmarshalJSON implements json.Unmarshaler.
func (v *Timestamp) UnmarshalJSON(data []byte) error {
	return readText(data, (*string)(v), numbers, nil)
}

// Context is what a message replies to, or that it was forwarded. A forwarded message usually has only the flag.
type Context struct {
	Object
	// The sender of the message that this one replies to.
	From ID `json:"from,omitempty"`
	// The business-scoped user id of the sender of the message that this one replies to.
	FromUserID ID `json:"from_user_id,omitempty"`
	// The same user's id as all accounts of one business see it.
	FromParentUserID ID `json:"from_parent_user_id,omitempty"`
	// WhatsApp's id of the message that this one replies to.
	ID ID `json:"id,omitempty"`
	// True if the message was forwarded.
	Forwarded bool `json:"forwarded,omitempty"`
	// True if the message was forwarded more than five times.
	FrequentlyForwarded bool `json:"frequently_forwarded,omitempty"`
	// The product that the user asks about.
	ReferredProduct *ReferredProduct `json:"referred_product,omitempty"`
	// The group of the message that this one replies to.
	GroupID ID `json:"group_id,omitempty"`
	// The users mentioned: phone numbers, by the documentation of the On-Premises API. Meta's current documentation has
	// no such key.
	Mentions []ID `json:"mentions,omitempty" open:"true"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Context) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Context) MarshalJSON() ([]byte, error) { return write(v) }

// ReferredProduct is the product that a message asks about.
type ReferredProduct struct {
	Object
	// Meta's id of the catalogue.
	CatalogID ID `json:"catalog_id,omitempty"`
	// The shop's own id of the product.
	ProductRetailerID ID `json:"product_retailer_id,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ReferredProduct) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ReferredProduct) MarshalJSON() ([]byte, error) { return write(v) }

// Referral is the ad or post that the user clicked to start the chat.
type Referral struct {
	Object
	// The URL of the ad or post.
	SourceURL string `json:"source_url,omitempty"`
	// Meta's id of the ad or post.
	SourceID ID `json:"source_id,omitempty"`
	// Whether it is an ad or a post.
	SourceType ReferralSource `json:"source_type,omitempty"`
	// The headline.
	Headline string `json:"headline,omitempty"`
	// The text.
	Body string `json:"body,omitempty"`
	// Which of the following URLs is set.
	MediaType ReferralMedia `json:"media_type,omitempty"`
	// The URL of the picture.
	ImageURL string `json:"image_url,omitempty"`
	// The URL of the video.
	VideoURL string `json:"video_url,omitempty"`
	// The URL of a still image of the video.
	ThumbnailURL string `json:"thumbnail_url,omitempty"`
	// The id of the click, for Meta's Conversions API.
	CtwaClid string `json:"ctwa_clid,omitempty"`
	// The greeting that the ad showed.
	WelcomeMessage *WelcomeMessage `json:"welcome_message,omitempty"`
	// The parameter `ref` of the ad's link.
	Ref string `json:"ref,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Referral) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Referral) MarshalJSON() ([]byte, error) { return write(v) }

// ReferralSource is an open set. Known: `ad`, `post`.
type ReferralSource string

// ReferralMedia is an open set. Known: `image`, `video`.
type ReferralMedia string

// WelcomeMessage is the greeting of an ad.
type WelcomeMessage struct {
	Object
	// The text of the greeting.
	Text string `json:"text,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *WelcomeMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v WelcomeMessage) MarshalJSON() ([]byte, error) { return write(v) }

// MessageError is an error. Three shapes are recorded: with `message`, `error_data` and `href`; with `details`;
// with little more than a code.
type MessageError struct {
	Object
	// Meta's error code: a number, kept as its digits.
	Code ID `json:"code,omitempty"`
	// A short text for the code.
	Title string `json:"title,omitempty"`
	// Usually the same as the title.
	Message string `json:"message,omitempty"`
	// The details, in newer messages.
	ErrorData *ErrorData `json:"error_data,omitempty"`
	// The details, in older messages.
	Details string `json:"details,omitempty"`
	// A link to the documentation of the code.
	Href string `json:"href,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *MessageError) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v MessageError) MarshalJSON() ([]byte, error) { return write(v) }

// ErrorData is the details of an error, in newer messages.
type ErrorData struct {
	Object
	// The details of the error.
	Details string `json:"details,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ErrorData) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ErrorData) MarshalJSON() ([]byte, error) { return write(v) }

// Identity is the user's security code, which changes when they change phones.
type Identity struct {
	Object
	// Whether the business has acknowledged this code.
	Acknowledged bool `json:"acknowledged,omitempty"`
	// When WhatsApp detected the change: in seconds, in some recordings in milliseconds.
	CreatedTimestamp Timestamp `json:"created_timestamp,omitempty"`
	// The hash of the code.
	Hash string `json:"hash,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Identity) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Identity) MarshalJSON() ([]byte, error) { return write(v) }

// HistoryContext marks a message from before the business joined.
type HistoryContext struct {
	Object
	// The status of the message at that time.
	Status HistoryStatus `json:"status,omitempty"`
	// True if the business sent the message.
	FromMe bool `json:"from_me,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *HistoryContext) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v HistoryContext) MarshalJSON() ([]byte, error) { return write(v) }

// HistoryStatus is an open set. Known: `ERROR`, `PENDING`, `SENT`, `DELIVERED`, `READ`, `PLAYED`.
type HistoryStatus string

// InternalData is Meta's own data. Not documented.
type InternalData struct {
	Object
	// Meta's accounts that the message belongs to.
	AccountContext *AccountContext `json:"account_context,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *InternalData) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v InternalData) MarshalJSON() ([]byte, error) { return write(v) }

// AccountContext is Meta's accounts that a message belongs to. Not documented.
type AccountContext struct {
	Object
	// An id of Meta's own.
	WaacID ID `json:"waac_id,omitempty"`
	// An id of Meta's own.
	CsID ID `json:"cs_id,omitempty"`
	// The kind of account.
	AccountContextType string `json:"account_context_type,omitempty"`
	// An id of Meta's own. Statuses only.
	PmaID ID `json:"pma_id,omitempty"`
	// The app that sent the message. Statuses only.
	AppID ID `json:"app_id,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *AccountContext) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v AccountContext) MarshalJSON() ([]byte, error) { return write(v) }

// Text is a text.
type Text struct {
	Object
	// What the user wrote. May be empty.
	Body string `json:"body"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Text) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Text) MarshalJSON() ([]byte, error) { return write(v) }

// Media is a medium: image, video, audio, voice, sticker or document. All of them are fetched the same way.
//
// The gateway fetches a medium by its id (`GET /media?media_id=…`), which is valid for 7 days.
type Media struct {
	Object
	// The id to fetch the medium by. Absent if a reseller hasn't downloaded the medium yet.
	ID ID `json:"id,omitempty"`
	// The media type, possibly with parameters: `audio/ogg; codecs=opus`.
	MIMEType string `json:"mime_type,omitempty"`
	// The SHA-256 digest of the bytes, in base64; in very old messages in hex. Some recorded messages lack it.
	SHA256 string `json:"sha256,omitempty"`
	// The caption that the user wrote.
	Caption string `json:"caption,omitempty"`
	// The file name. Documents only.
	Filename string `json:"filename,omitempty"`
	// True if recorded in the app rather than attached. Audio only.
	Voice bool `json:"voice,omitempty"`
	// True if animated. Stickers only.
	Animated bool `json:"animated,omitempty"`
	// Where WhatsApp serves the medium: valid for 5 minutes, and only with the account's access token. Since November
	// 2025.
	URL string `json:"url,omitempty"`
	// Where the gateway serves the medium. On-Premises API only.
	Link string `json:"link,omitempty"`
	// The path of the medium on the gateway's own disk. On-Premises API only.
	File string `json:"file,omitempty"`
	// `downloaded` once the gateway has fetched the medium, `undownloaded` before. Resellers and the On-Premises API
	// only.
	Status string `json:"status,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Media) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Media) MarshalJSON() ([]byte, error) { return write(v) }

// Location is a place.
type Location struct {
	Object
	// Latitude in degrees, north positive (WGS 84).
	Latitude Decimal `json:"latitude"`
	// Longitude in degrees, east positive (WGS 84).
	Longitude Decimal `json:"longitude"`
	// The name of the place.
	Name string `json:"name,omitempty"`
	// The address of the place.
	Address string `json:"address,omitempty"`
	// The web page of the place.
	URL string `json:"url,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Location) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Location) MarshalJSON() ([]byte, error) { return write(v) }

var decimalPattern = regexp.MustCompile(`^\s*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?\s*$`)

// Decimal is an exact number, in a JSON number or a string.
//
// The text of a JSON number is kept.
type Decimal string

// UnmarshalJSON implements json.Unmarshaler.
func (v *Decimal) UnmarshalJSON(data []byte) error {
	return readText(data, (*string)(v), numbers, decimalPattern)
}

// ContactCard is an address card: one element of a `contacts` message. Any part may be absent. A `type` within a
// card is free, localised text.
type ContactCard struct {
	Object
	// The person's name.
	Name *ContactName `json:"name,omitempty"`
	// Phone numbers.
	Phones []ContactPhone `json:"phones,omitempty"`
	// E-mail addresses.
	Emails []ContactEmail `json:"emails,omitempty"`
	// Postal addresses.
	Addresses []ContactAddress `json:"addresses,omitempty"`
	// The person's employer.
	Org *ContactOrg `json:"org,omitempty"`
	// Web pages.
	URLs []ContactURL `json:"urls,omitempty"`
	// Accounts at other messengers.
	Ims []ContactIm `json:"ims,omitempty"`
	// The date of birth, usually `YYYY-MM-DD`.
	Birthday string `json:"birthday,omitempty"`
	// The whole card as a vCard (RFC 6350).
	Vcard string `json:"vcard,omitempty"`
	// The person's picture in base64. On-Premises API only.
	ContactImage string `json:"contact_image,omitempty"`
	// Why the user sent the card: `contact_request` if the business asked for their number, or `other`.
	Origin string `json:"origin,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactCard) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactCard) MarshalJSON() ([]byte, error) { return write(v) }

// ContactName is the name on a card.
type ContactName struct {
	Object
	// The full name.
	FormattedName string `json:"formatted_name,omitempty"`
	// The given name.
	FirstName string `json:"first_name,omitempty"`
	// The middle name.
	MiddleName string `json:"middle_name,omitempty"`
	// The family name.
	LastName string `json:"last_name,omitempty"`
	// Such as `Dr`.
	Prefix string `json:"prefix,omitempty"`
	// Such as `Jr`.
	Suffix string `json:"suffix,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactName) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactName) MarshalJSON() ([]byte, error) { return write(v) }

// ContactPhone is a phone number on a card.
type ContactPhone struct {
	Object
	// The number as written on the card.
	Phone ID `json:"phone,omitempty"`
	// The WhatsApp user with that number.
	WaID ID `json:"wa_id,omitempty"`
	// A label: free text.
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactPhone) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactPhone) MarshalJSON() ([]byte, error) { return write(v) }

// ContactEmail is an e-mail address on a card.
type ContactEmail struct {
	Object
	// The address.
	Email string `json:"email,omitempty"`
	// A label: free text.
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactEmail) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactEmail) MarshalJSON() ([]byte, error) { return write(v) }

// ContactAddress is a postal address on a card.
type ContactAddress struct {
	Object
	// Street and number.
	Street string `json:"street,omitempty"`
	// City.
	City string `json:"city,omitempty"`
	// State or region.
	State string `json:"state,omitempty"`
	// Postal code.
	Zip ID `json:"zip,omitempty"`
	// The name of the country.
	Country string `json:"country,omitempty"`
	// The country's two-letter code (ISO 3166-1).
	CountryCode string `json:"country_code,omitempty"`
	// A label: free text.
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactAddress) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactAddress) MarshalJSON() ([]byte, error) { return write(v) }

// ContactOrg is the employer of the person on a card.
type ContactOrg struct {
	Object
	// The company.
	Company string `json:"company,omitempty"`
	// The department.
	Department string `json:"department,omitempty"`
	// The person's job title.
	Title string `json:"title,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactOrg) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactOrg) MarshalJSON() ([]byte, error) { return write(v) }

// ContactURL is a web page on a card.
type ContactURL struct {
	Object
	// The URL.
	URL string `json:"url,omitempty"`
	// A label: free text.
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactURL) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactURL) MarshalJSON() ([]byte, error) { return write(v) }

// ContactIm is an account at another messenger on a card.
type ContactIm struct {
	Object
	// The messenger, such as `AIM`.
	Service string `json:"service,omitempty"`
	// The person's name there.
	UserID ID `json:"user_id,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactIm) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactIm) MarshalJSON() ([]byte, error) { return write(v) }

// Button is a tap on a button of a template.
type Button struct {
	Object
	// The label of the button.
	Text string `json:"text,omitempty"`
	// The payload that the business assigned to the button.
	Payload string `json:"payload,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Button) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Button) MarshalJSON() ([]byte, error) { return write(v) }

// Interactive is a reply to an interactive message. Some recorded messages of this type have no body at all.
type Interactive struct {
	Object
	// The kind of reply: an open set.
	Type string `json:"type,omitempty"`
	// The reply button that the user tapped.
	ButtonReply *ButtonReply `json:"button_reply,omitempty"`
	// The list item that the user chose.
	ListReply *ListReply `json:"list_reply,omitempty"`
	// The form that the user submitted.
	NfmReply *NfmReply `json:"nfm_reply,omitempty"`
	// The user's answer to a request for permission to call.
	CallPermissionReply *CallPermissionReply `json:"call_permission_reply,omitempty"`
	// The payment method that the user chose.
	PaymentMethod *PaymentMethod `json:"payment_method,omitempty"`
	// A payment. Its shape isn't documented.
	PaymentNotification *PaymentNotification `json:"payment_notification,omitempty" open:"true"`
	// What the reply is about: `address_message`. Present if `type` doesn't name the reply.
	Action string `json:"action,omitempty"`
	// When the user replied, next to `action`.
	Timestamp Timestamp `json:"timestamp,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Interactive) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Interactive) MarshalJSON() ([]byte, error) { return write(v) }

// ButtonReply is a tap on a reply button.
type ButtonReply struct {
	Object
	// The id that the business assigned to the button.
	ID ID `json:"id"`
	// The label of the button.
	Title string `json:"title"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ButtonReply) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ButtonReply) MarshalJSON() ([]byte, error) { return write(v) }

// ListReply is the choice of a list item.
type ListReply struct {
	Object
	// The id that the business assigned to the item.
	ID ID `json:"id"`
	// The item's title.
	Title string `json:"title"`
	// The item's second line.
	Description string `json:"description,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ListReply) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ListReply) MarshalJSON() ([]byte, error) { return write(v) }

// NfmReply is a submitted form: a flow, an address, a catalogue.
type NfmReply struct {
	Object
	// The user's input: a string that usually holds a JSON object, sometimes an array, sometimes no JSON.
	ResponseJSON JSONText `json:"response_json"`
	// The kind of form: `flow`, `address_message`, …
	Name string `json:"name,omitempty"`
	// What the chat shows in place of the form.
	Body string `json:"body,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *NfmReply) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v NfmReply) MarshalJSON() ([]byte, error) { return write(v) }

// JSONText is usually JSON in a string; some gateways send the JSON itself.
//
// The text of a JSON object or array is kept.
type JSONText string

// UnmarshalJSON implements json.Unmarshaler.
func (v *JSONText) UnmarshalJSON(data []byte) error { return readText(data, (*string)(v), nested, nil) }

// CallPermissionReply is the user's answer to a request for permission to call.
type CallPermissionReply struct {
	Object
	// The answer.
	Response CallPermission `json:"response"`
	// True if the permission never expires.
	IsPermanent bool `json:"is_permanent,omitempty"`
	// When the permission expires.
	ExpirationTimestamp Timestamp `json:"expiration_timestamp,omitempty"`
	// `user_action`, or `automatic` if the user called the business.
	ResponseSource string `json:"response_source,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *CallPermissionReply) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v CallPermissionReply) MarshalJSON() ([]byte, error) { return write(v) }

// CallPermission is an open set. Known: `accept`, `reject`.
type CallPermission string

// PaymentMethod is the payment method that the user chose.
type PaymentMethod struct {
	Object
	// `offsite_card_pay`, …
	PaymentMethod string `json:"payment_method,omitempty"`
	// When the user chose it.
	PaymentTimestamp Timestamp `json:"payment_timestamp,omitempty"`
	// The reference that the business assigned to the order.
	ReferenceID ID `json:"reference_id,omitempty"`
	// The last four digits of the card.
	LastFourDigits ID `json:"last_four_digits,omitempty"`
	// The id of the card.
	CredentialID ID `json:"credential_id,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *PaymentMethod) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v PaymentMethod) MarshalJSON() ([]byte, error) { return write(v) }

// PaymentNotification is a payment in an `Interactive` message. Not documented by Meta.
type PaymentNotification struct {
	Object
	// The reference that the business assigned to the order.
	ReferenceID ID `json:"reference_id,omitempty"`
	// The provider's id of the payment.
	TransactionID ID `json:"transaction_id,omitempty"`
	// `captured`, …
	PaymentStatus string `json:"payment_status,omitempty"`
	// The payer's name.
	PayerName string `json:"payer_name,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *PaymentNotification) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v PaymentNotification) MarshalJSON() ([]byte, error) { return write(v) }

// Reaction is an emoji on an earlier message, or its removal.
type Reaction struct {
	Object
	// WhatsApp's id of the earlier message.
	MessageID ID `json:"message_id"`
	// The emoji. Absent or empty if the reaction was removed.
	Emoji string `json:"emoji,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Reaction) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Reaction) MarshalJSON() ([]byte, error) { return write(v) }

// Order is a shopping cart that the user sent.
type Order struct {
	Object
	// Meta's id of the catalogue.
	CatalogID ID `json:"catalog_id,omitempty"`
	// The products in the cart.
	ProductItems []ProductItem `json:"product_items"`
	// What the user wrote with the order.
	Text string `json:"text,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Order) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Order) MarshalJSON() ([]byte, error) { return write(v) }

// ProductItem is one line of an `Order`.
type ProductItem struct {
	Object
	// The shop's own id of the product.
	ProductRetailerID ID `json:"product_retailer_id"`
	// The quantity.
	Quantity Decimal `json:"quantity"`
	// The price of one item in the currency's main unit: dollars, not cents.
	ItemPrice Decimal `json:"item_price"`
	// The currency (ISO 4217).
	Currency string `json:"currency,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ProductItem) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ProductItem) MarshalJSON() ([]byte, error) { return write(v) }

// System is a change to the user: a new number, a new user id, a new phone.
type System struct {
	Object
	// What changed. Some recorded messages lack it.
	Type SystemChange `json:"type,omitempty"`
	// The change in words.
	Body string `json:"body,omitempty"`
	// The user's new number.
	WaID ID `json:"wa_id,omitempty"`
	// The older key of the user's new number.
	NewWaID ID `json:"new_wa_id,omitempty"`
	// The user's new business-scoped user id.
	UserID ID `json:"user_id,omitempty"`
	// The user's new user id, as all accounts of one business see it.
	ParentUserID ID `json:"parent_user_id,omitempty"`
	// The user id before the change.
	PreviousUserID ID `json:"previous_user_id,omitempty"`
	// The user id before the change, as all accounts of one business see it.
	PreviousParentUserID ID `json:"previous_parent_user_id,omitempty"`
	// The hash of the new security code. Older messages only.
	Identity string `json:"identity,omitempty"`
	// The user's number before the change. Older messages only.
	Customer ID `json:"customer,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *System) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v System) MarshalJSON() ([]byte, error) { return write(v) }

// SystemChange is an open set. Known: `user_changed_number`, `customer_changed_number`, `user_changed_user_id`,
// `customer_identity_changed`.
type SystemChange string

// Edit is an earlier message, edited: as it is now, without id and sender. An edit within an edit has an unknown
// type.
type Edit struct {
	Object
	// WhatsApp's id of the earlier message.
	OriginalMessageID ID      `json:"original_message_id"`
	Message           Message `json:"message"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Edit) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Edit) MarshalJSON() ([]byte, error) { return write(v) }

// Revoke is an earlier message, deleted by its sender.
type Revoke struct {
	Object
	// WhatsApp's id of the earlier message.
	OriginalMessageID ID `json:"original_message_id"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Revoke) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Revoke) MarshalJSON() ([]byte, error) { return write(v) }

// Unsupported is a message that WhatsApp doesn't deliver; the message's `errors` give the reason. Older messages
// have the type `unknown`.
type Unsupported struct {
	Object
	// The type of the original message: `edit`, `gif`, `pin`, `poll_creation`, … An open set; often absent.
	Type string `json:"type,omitempty"`
	// The original type by WhatsApp's internal name. Not documented; recorded in 2026.
	RawType string `json:"raw_type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Unsupported) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Unsupported) MarshalJSON() ([]byte, error) { return write(v) }

// TextMessage is a message of the type `text`.
type TextMessage struct {
	Head
	Type string `json:"type" enum:"text"`
	Text Text   `json:"text"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *TextMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v TextMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*TextMessage) message() {}

// ImageMessage is a message of the type `image`.
type ImageMessage struct {
	Head
	Type  string `json:"type" enum:"image"`
	Image Media  `json:"image"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ImageMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ImageMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*ImageMessage) message() {}

// VideoMessage is a message of the type `video`.
type VideoMessage struct {
	Head
	Type  string `json:"type" enum:"video"`
	Video Media  `json:"video"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *VideoMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v VideoMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*VideoMessage) message() {}

// AudioMessage is a message of the type `audio`.
type AudioMessage struct {
	Head
	Type  string `json:"type" enum:"audio"`
	Audio Media  `json:"audio"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *AudioMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v AudioMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*AudioMessage) message() {}

// VoiceMessage is a message of the type `voice`.
type VoiceMessage struct {
	Head
	Type  string `json:"type" enum:"voice"`
	Voice *Media `json:"voice,omitempty"`
	Audio *Media `json:"audio,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *VoiceMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v VoiceMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*VoiceMessage) message() {}

// StickerMessage is a message of the type `sticker`.
type StickerMessage struct {
	Head
	Type    string `json:"type" enum:"sticker"`
	Sticker Media  `json:"sticker"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *StickerMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v StickerMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*StickerMessage) message() {}

// DocumentMessage is a message of the type `document`.
type DocumentMessage struct {
	Head
	Type     string `json:"type" enum:"document"`
	Document Media  `json:"document"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *DocumentMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v DocumentMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*DocumentMessage) message() {}

// LocationMessage is a message of the type `location`.
type LocationMessage struct {
	Head
	Type     string   `json:"type" enum:"location"`
	Location Location `json:"location"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *LocationMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v LocationMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*LocationMessage) message() {}

// ContactsMessage is a message of the type `contacts`.
type ContactsMessage struct {
	Head
	Type     string        `json:"type" enum:"contacts"`
	Contacts []ContactCard `json:"contacts"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ContactsMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ContactsMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*ContactsMessage) message() {}

// ButtonMessage is a message of the type `button`.
type ButtonMessage struct {
	Head
	Type   string `json:"type" enum:"button"`
	Button Button `json:"button"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ButtonMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ButtonMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*ButtonMessage) message() {}

// InteractiveMessage is a message of the type `interactive`.
type InteractiveMessage struct {
	Head
	Type        string       `json:"type" enum:"interactive"`
	Interactive *Interactive `json:"interactive,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *InteractiveMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v InteractiveMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*InteractiveMessage) message() {}

// ReactionMessage is a message of the type `reaction`.
type ReactionMessage struct {
	Head
	Type     string   `json:"type" enum:"reaction"`
	Reaction Reaction `json:"reaction"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ReactionMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ReactionMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*ReactionMessage) message() {}

// OrderMessage is a message of the type `order`.
type OrderMessage struct {
	Head
	Type  string `json:"type" enum:"order"`
	Order Order  `json:"order"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *OrderMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v OrderMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*OrderMessage) message() {}

// SystemMessage is a message of the type `system`.
type SystemMessage struct {
	Head
	Type   string `json:"type" enum:"system"`
	System System `json:"system"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *SystemMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v SystemMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*SystemMessage) message() {}

// EditMessage is a message of the type `edit`.
type EditMessage struct {
	Head
	Type string `json:"type" enum:"edit"`
	Edit Edit   `json:"edit"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *EditMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v EditMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*EditMessage) message() {}

// RevokeMessage is a message of the type `revoke`.
type RevokeMessage struct {
	Head
	Type   string `json:"type" enum:"revoke"`
	Revoke Revoke `json:"revoke"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *RevokeMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v RevokeMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*RevokeMessage) message() {}

// UnsupportedMessage is a message of the type `unsupported`.
type UnsupportedMessage struct {
	Head
	Type        string       `json:"type" enum:"unsupported"`
	Unsupported *Unsupported `json:"unsupported,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *UnsupportedMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v UnsupportedMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*UnsupportedMessage) message() {}

// UnknownMessage is a message of the type `unknown`.
type UnknownMessage struct {
	Head
	Type    string       `json:"type" enum:"unknown"`
	Unknown *Unsupported `json:"unknown,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *UnknownMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v UnknownMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*UnknownMessage) message() {}

// RequestWelcomeMessage is a message of the type `request_welcome`, which has no payload.
type RequestWelcomeMessage struct {
	Head
	Type string `json:"type" enum:"request_welcome"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *RequestWelcomeMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v RequestWelcomeMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*RequestWelcomeMessage) message() {}

// EphemeralMessage is a message of the type `ephemeral`, which has no payload.
type EphemeralMessage struct {
	Head
	Type string `json:"type" enum:"ephemeral"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *EphemeralMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v EphemeralMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*EphemeralMessage) message() {}

// MediaPlaceholderMessage is a message of the type `media_placeholder`, which has no payload.
type MediaPlaceholderMessage struct {
	Head
	Type string `json:"type" enum:"media_placeholder"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *MediaPlaceholderMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v MediaPlaceholderMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*MediaPlaceholderMessage) message() {}

// known makes a message of each known type.
var known = map[string]func() Message{
	"text":              func() Message { return new(TextMessage) },
	"image":             func() Message { return new(ImageMessage) },
	"video":             func() Message { return new(VideoMessage) },
	"audio":             func() Message { return new(AudioMessage) },
	"voice":             func() Message { return new(VoiceMessage) },
	"sticker":           func() Message { return new(StickerMessage) },
	"document":          func() Message { return new(DocumentMessage) },
	"location":          func() Message { return new(LocationMessage) },
	"contacts":          func() Message { return new(ContactsMessage) },
	"button":            func() Message { return new(ButtonMessage) },
	"interactive":       func() Message { return new(InteractiveMessage) },
	"reaction":          func() Message { return new(ReactionMessage) },
	"order":             func() Message { return new(OrderMessage) },
	"system":            func() Message { return new(SystemMessage) },
	"edit":              func() Message { return new(EditMessage) },
	"revoke":            func() Message { return new(RevokeMessage) },
	"unsupported":       func() Message { return new(UnsupportedMessage) },
	"unknown":           func() Message { return new(UnknownMessage) },
	"request_welcome":   func() Message { return new(RequestWelcomeMessage) },
	"ephemeral":         func() Message { return new(EphemeralMessage) },
	"media_placeholder": func() Message { return new(MediaPlaceholderMessage) },
}

// MessageWithoutPayload is a message of a known type that has errors instead of its payload.
type MessageWithoutPayload struct {
	Head
	Type   string         `json:"type" enum:"text image video audio voice sticker document location contacts button reaction order system edit revoke"`
	Errors []MessageError `json:"errors"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *MessageWithoutPayload) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v MessageWithoutPayload) MarshalJSON() ([]byte, error) { return write(v) }

func (*MessageWithoutPayload) message() {}

// UntypedMessage is an older message without a type. Its only payload reveals the type.
type UntypedMessage struct {
	Head
	Type        string        `json:"type,omitempty"`
	Text        *Text         `json:"text,omitempty"`
	Image       *Media        `json:"image,omitempty"`
	Video       *Media        `json:"video,omitempty"`
	Audio       *Media        `json:"audio,omitempty"`
	Voice       *Media        `json:"voice,omitempty"`
	Sticker     *Media        `json:"sticker,omitempty"`
	Document    *Media        `json:"document,omitempty"`
	Location    *Location     `json:"location,omitempty"`
	Contacts    []ContactCard `json:"contacts,omitempty"`
	Button      *Button       `json:"button,omitempty"`
	Interactive *Interactive  `json:"interactive,omitempty"`
	Reaction    *Reaction     `json:"reaction,omitempty"`
	Order       *Order        `json:"order,omitempty"`
	System      *System       `json:"system,omitempty"`
	Edit        *Edit         `json:"edit,omitempty"`
	Revoke      *Revoke       `json:"revoke,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *UntypedMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v UntypedMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*UntypedMessage) message() {}

// StatusUpdate is the status of a message that the business sent, or of a payment that it requested, in WhatsApp's
// own form. Its id, time and errors are in the `Head`.
//
// The gateway's documentation hints at it, although `content` is documented to hold messages only. The gateway's
// own delivery receipts are events of another kind.
type StatusUpdate struct {
	// The status.
	Status UpdateStatus `json:"status"`
	// The recipient: a phone number or a group.
	RecipientID ID `json:"recipient_id,omitempty"`
	// The recipient's business-scoped user id.
	RecipientUserID ID `json:"recipient_user_id,omitempty"`
	// The recipient's user id as all accounts of one business see it.
	ParentRecipientUserID ID `json:"parent_recipient_user_id,omitempty"`
	// Another name of `parent_recipient_user_id`.
	RecipientParentUserID ID `json:"recipient_parent_user_id,omitempty"`
	// Another name of `parent_recipient_user_id`.
	ParentUserID ID `json:"parent_user_id,omitempty"`
	// The hash of the recipient's security code. Present if the business enabled the check of it.
	RecipientIdentityKeyHash string `json:"recipient_identity_key_hash,omitempty"`
	// `individual` or `group`.
	RecipientType string `json:"recipient_type,omitempty"`
	// The group member that the status is about.
	RecipientParticipantID ID `json:"recipient_participant_id,omitempty"`
	// Another name of `recipient_participant_id`.
	ParticipantRecipientID ID `json:"participant_recipient_id,omitempty"`
	// The group member's business-scoped user id.
	RecipientParticipantUserID ID `json:"recipient_participant_user_id,omitempty"`
	// The group member's user id as all accounts of one business see it.
	RecipientParticipantParentUserID ID `json:"recipient_participant_parent_user_id,omitempty"`
	// The conversation that the message opened or belongs to.
	Conversation *Conversation `json:"conversation,omitempty"`
	// The price category of the message.
	Pricing *Pricing `json:"pricing,omitempty"`
	// The payment, if the status is about one: its type is `payment`.
	Payment *Payment `json:"payment,omitempty"`
	// The data that the business attached to the message.
	BizOpaqueCallbackData string `json:"biz_opaque_callback_data,omitempty"`
	// The template that the message was made from. Direct Send only.
	TemplateID ID `json:"template_id,omitempty"`
	// An id of Meta's own.
	RecipientLogicalID ID `json:"recipient_logical_id,omitempty"`
	// Meta's own data. Not documented.
	WebhookExtraData *InternalData `json:"webhook_extra_data,omitempty" open:"true"`
	// Meta's accounts that the message belongs to. Not documented.
	AccountContext *AccountContext `json:"account_context,omitempty" open:"true"`
	// The recipient again, in older messages.
	Message *StatusMessage `json:"message,omitempty"`
}

// UpdateStatus is an open set. Known: `sent`, `delivered`, `read`, `played`, `failed`, `deleted`, `warning`,
// `pending`, `captured`.
type UpdateStatus string

// Conversation is the conversation of a `StatusUpdate`.
type Conversation struct {
	Object
	// Meta's id of the conversation.
	ID ID `json:"id,omitempty"`
	// When the conversation ends.
	ExpirationTimestamp Timestamp `json:"expiration_timestamp,omitempty"`
	// What opened the conversation.
	Origin *ConversationOrigin `json:"origin,omitempty"`
	// The price category, in the status of a message to a group.
	Pricing *Pricing `json:"pricing,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Conversation) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Conversation) MarshalJSON() ([]byte, error) { return write(v) }

// ConversationOrigin is what opened a `Conversation`.
type ConversationOrigin struct {
	Object
	// `authentication`, `marketing`, `service`, `utility`, `referral_conversion`, …
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConversationOrigin) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v ConversationOrigin) MarshalJSON() ([]byte, error) { return write(v) }

// Pricing is the price category of a message, in a `StatusUpdate`.
type Pricing struct {
	Object
	// Whether Meta charges for the message.
	Billable bool `json:"billable,omitempty"`
	// `CBP` for pricing by conversation, `PMP` for pricing by message, …
	PricingModel string `json:"pricing_model,omitempty"`
	// `regular`, `free_customer_service`, …
	Type string `json:"type,omitempty"`
	// `marketing`, `service`, …
	Category string `json:"category,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Pricing) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Pricing) MarshalJSON() ([]byte, error) { return write(v) }

// Payment is the status of a payment, in a `StatusUpdate` of type `payment`. Older ones contain only the reference
// and the payer.
type Payment struct {
	Object
	// The reference that the business assigned to the order.
	ReferenceID ID `json:"reference_id,omitempty"`
	// The payer's phone number. Older messages only.
	Sender ID `json:"sender,omitempty"`
	// The amount.
	Amount *Amount `json:"amount,omitempty"`
	// The currency (ISO 4217).
	Currency string `json:"currency,omitempty"`
	// The latest attempt to pay.
	Transaction *Transaction `json:"transaction,omitempty"`
	// What the business supplied for the receipt.
	Receipt string `json:"receipt,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Payment) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Payment) MarshalJSON() ([]byte, error) { return write(v) }

// Amount is an amount of money as a fraction of integers: `value / offset`, in the currency's main unit.
type Amount struct {
	Object
	// The numerator, for example the number of cents.
	Value Decimal `json:"value,omitempty"`
	// The denominator, for example 100.
	Offset Decimal `json:"offset,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Amount) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Amount) MarshalJSON() ([]byte, error) { return write(v) }

// Transaction is an attempt to pay, at the payment provider.
type Transaction struct {
	Object
	// The provider's id of the attempt.
	ID ID `json:"id,omitempty"`
	// The provider: `billdesk`, `payu`, `razorpay`, `upi`, …
	Type string `json:"type,omitempty"`
	// `pending`, `success`, `failed`, …
	Status string `json:"status,omitempty"`
	// When the attempt began.
	CreatedTimestamp Timestamp `json:"created_timestamp,omitempty"`
	// When the attempt last changed.
	UpdatedTimestamp Timestamp `json:"updated_timestamp,omitempty"`
	// The amount.
	Amount *Amount `json:"amount,omitempty"`
	// The currency (ISO 4217).
	Currency string `json:"currency,omitempty"`
	// The payment method.
	Method *TransactionMethod `json:"method,omitempty"`
	// The reason of a failure.
	Error *TransactionError `json:"error,omitempty"`
	// Refunds.
	Refunds []Refund `json:"refunds,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Transaction) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Transaction) MarshalJSON() ([]byte, error) { return write(v) }

// TransactionMethod is the payment method of a `Transaction`.
type TransactionMethod struct {
	Object
	// `upi`, `card`, `wallet`, `netbanking`, …
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *TransactionMethod) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v TransactionMethod) MarshalJSON() ([]byte, error) { return write(v) }

// TransactionError is why a `Transaction` failed.
type TransactionError struct {
	Object
	// The provider's error code.
	Code ID `json:"code,omitempty"`
	// The provider's explanation.
	Reason string `json:"reason,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *TransactionError) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v TransactionError) MarshalJSON() ([]byte, error) { return write(v) }

// Refund is a refund of a `Transaction`.
type Refund struct {
	Object
	// The provider's id of the refund.
	ID ID `json:"id,omitempty"`
	// The amount.
	Amount *Amount `json:"amount,omitempty"`
	// `pending`, `completed`, `failed`, …
	Status string `json:"status,omitempty"`
	// How fast it was processed: `normal`, `instant`, …
	SpeedProcessed string `json:"speed_processed,omitempty"`
	// When the refund began.
	CreatedTimestamp Timestamp `json:"created_timestamp,omitempty"`
	// When the refund last changed.
	UpdatedTimestamp Timestamp `json:"updated_timestamp,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Refund) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v Refund) MarshalJSON() ([]byte, error) { return write(v) }

// StatusMessage is the recipient of a message, in older status updates.
type StatusMessage struct {
	Object
	// The recipient.
	RecipientID ID `json:"recipient_id,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *StatusMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v StatusMessage) MarshalJSON() ([]byte, error) { return write(v) }

// StatusUpdateMessage is not a message, but the status of one that the business sent.
type StatusUpdateMessage struct {
	Head
	StatusUpdate
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *StatusUpdateMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v StatusUpdateMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*StatusUpdateMessage) message() {}

// OtherMessage is a message whose type isn't listed here, or that has none. Its payload is usually under a key
// named like the type.
type OtherMessage struct {
	Head
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *OtherMessage) UnmarshalJSON(data []byte) error { return read(data, v) }

// MarshalJSON implements json.Marshaler.
func (v OtherMessage) MarshalJSON() ([]byte, error) { return write(v) }

func (*OtherMessage) message() {}
