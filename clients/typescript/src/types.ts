// Generated from infra/contracts by infra/local/contracts/generate.py. Don't edit.

/**
 * WhatsApp's message object. Types and keys that aren't listed here are valid.
 */
export type Message = KnownMessage | MessageWithoutPayload | UntypedMessage | StatusUpdateMessage | OtherMessage;
/**
 * A message of a known type. `type` tells the alternatives apart.
 */
export type KnownMessage =
  | TextMessage
  | ImageMessage
  | VideoMessage
  | AudioMessage
  | VoiceMessage
  | StickerMessage
  | DocumentMessage
  | LocationMessage
  | ContactsMessage
  | ButtonMessage
  | InteractiveMessage
  | ReactionMessage
  | OrderMessage
  | SystemMessage
  | EditMessage
  | RevokeMessage
  | UnsupportedMessage
  | UnknownMessage
  | RequestWelcomeMessage
  | EphemeralMessage
  | MediaPlaceholderMessage;
/**
 * A message of the type `text`.
 */
export type TextMessage = Head & {
  type: 'text';
  text: Text;
  [k: string]: unknown;
};
/**
 * An opaque identifier.
 */
export type Id = string | number;
/**
 * Seconds since 1970-01-01T00:00:00Z.
 */
export type Timestamp = string | number;
/**
 * An open set. Known: `ad`, `post`.
 */
export type ReferralSource = string;
/**
 * An open set. Known: `image`, `video`.
 */
export type ReferralMedia = string;
/**
 * An open set. Known: `ERROR`, `PENDING`, `SENT`, `DELIVERED`, `READ`, `PLAYED`.
 */
export type HistoryStatus = string;
/**
 * A message of the type `image`.
 */
export type ImageMessage = Head & {
  type: 'image';
  image: Media;
  [k: string]: unknown;
};
/**
 * A message of the type `video`.
 */
export type VideoMessage = Head & {
  type: 'video';
  video: Media;
  [k: string]: unknown;
};
/**
 * A message of the type `audio`.
 */
export type AudioMessage = Head & {
  type: 'audio';
  audio: Media;
  [k: string]: unknown;
};
/**
 * A message of the type `voice`.
 */
export type VoiceMessage = Head & {
  type: 'voice';
  voice?: Media | null;
  audio?: Media | null;
  [k: string]: unknown;
};
/**
 * A message of the type `sticker`.
 */
export type StickerMessage = Head & {
  type: 'sticker';
  sticker: Media;
  [k: string]: unknown;
};
/**
 * A message of the type `document`.
 */
export type DocumentMessage = Head & {
  type: 'document';
  document: Media;
  [k: string]: unknown;
};
/**
 * A message of the type `location`.
 */
export type LocationMessage = Head & {
  type: 'location';
  location: Location;
  [k: string]: unknown;
};
/**
 * A message of the type `contacts`.
 */
export type ContactsMessage = Head & {
  type: 'contacts';
  contacts: ContactCard[];
  [k: string]: unknown;
};
/**
 * A message of the type `button`.
 */
export type ButtonMessage = Head & {
  type: 'button';
  button: Button;
  [k: string]: unknown;
};
/**
 * A message of the type `interactive`.
 */
export type InteractiveMessage = Head & {
  type: 'interactive';
  interactive?: Interactive | null;
  [k: string]: unknown;
};
/**
 * The user's input: a string that usually holds a JSON object, sometimes an array, sometimes no JSON.
 */
export type JsonText =
  | string
  | {
      [k: string]: unknown;
    }
  | unknown[];
/**
 * A message of the type `reaction`.
 */
export type ReactionMessage = Head & {
  type: 'reaction';
  reaction: Reaction;
  [k: string]: unknown;
};
/**
 * A message of the type `order`.
 */
export type OrderMessage = Head & {
  type: 'order';
  order: Order;
  [k: string]: unknown;
};
/**
 * A message of the type `system`.
 */
export type SystemMessage = Head & {
  type: 'system';
  system: System;
  [k: string]: unknown;
};
/**
 * An open set. Known: `user_changed_number`, `customer_changed_number`, `user_changed_user_id`, `customer_identity_changed`.
 */
export type SystemChange = string;
/**
 * A message of the type `edit`.
 */
export type EditMessage = Head & {
  type: 'edit';
  edit: Edit;
  [k: string]: unknown;
};
/**
 * A message of the type `revoke`.
 */
export type RevokeMessage = Head & {
  type: 'revoke';
  revoke: Revoke;
  [k: string]: unknown;
};
/**
 * A message of the type `unsupported`.
 */
export type UnsupportedMessage = Head & {
  type: 'unsupported';
  unsupported?: Unsupported | null;
  [k: string]: unknown;
};
/**
 * A message of the type `unknown`.
 */
export type UnknownMessage = Head & {
  type: 'unknown';
  unknown?: Unsupported | null;
  [k: string]: unknown;
};
/**
 * A message of the type `request_welcome`, which has no payload.
 */
export type RequestWelcomeMessage = Head & {
  type: 'request_welcome';
  [k: string]: unknown;
};
/**
 * A message of the type `ephemeral`, which has no payload.
 */
export type EphemeralMessage = Head & {
  type: 'ephemeral';
  [k: string]: unknown;
};
/**
 * A message of the type `media_placeholder`, which has no payload.
 */
export type MediaPlaceholderMessage = Head & {
  type: 'media_placeholder';
  [k: string]: unknown;
};
/**
 * A message of a known type that has errors instead of its payload.
 */
export type MessageWithoutPayload = Head & {
  type:
    | 'text'
    | 'image'
    | 'video'
    | 'audio'
    | 'voice'
    | 'sticker'
    | 'document'
    | 'location'
    | 'contacts'
    | 'button'
    | 'reaction'
    | 'order'
    | 'system'
    | 'edit'
    | 'revoke';
  /**
   * @minItems 1
   */
  errors: [MessageError, ...MessageError[]];
  [k: string]: unknown;
};
/**
 * An older message without a type. Its only payload reveals the type.
 */
export type UntypedMessage = Head & {
  type?: '' | null;
  text?: Text | null;
  image?: Media | null;
  video?: Media | null;
  audio?: Media | null;
  voice?: Media | null;
  sticker?: Media | null;
  document?: Media | null;
  location?: Location | null;
  contacts?: ContactCard[] | null;
  button?: Button | null;
  interactive?: Interactive | null;
  reaction?: Reaction | null;
  order?: Order | null;
  system?: System | null;
  edit?: Edit | null;
  revoke?: Revoke | null;
  [k: string]: unknown;
};
/**
 * Not a message, but the status of one that the business sent.
 */
export type StatusUpdateMessage = Head &
  StatusUpdate & {
    type?: string | null;
    [k: string]: unknown;
  };
/**
 * An exact number, in a JSON number or a string.
 */
export type Decimal = string | number;
/**
 * A message whose type isn't listed here, or that has none. Its payload is usually under a key named like the type.
 */
export type OtherMessage = Head & {
  type?: string | null;
  [k: string]: unknown;
};

export interface Contract {
  event?: MoEvent | DlrEvent;
  message?: Message;
  [k: string]: unknown;
}
/**
 * A message from a WhatsApp user, as wab publishes it: a CloudEvents 1.0 object in structured JSON.
 */
export interface MoEvent {
  /**
   * Always `1.0`.
   */
  specversion: '1.0';
  /**
   * The event's id: 32 hex digits, derived from the key of the stored item. Every delivery of this event has the same id, so deduplicate by it.
   */
  id: string;
  /**
   * `/wab/` followed by the percent-encoded name of the gateway application.
   */
  source: string;
  /**
   * `wab.mo.v1` or `wab.dlr.v1`: the contract that `data` follows.
   */
  type: 'wab.mo.v1';
  /**
   * The gateway's message id. All receipts of one message have the same.
   */
  subject: string;
  /**
   * When API Gateway received the callback: RFC 3339, UTC, to the millisecond.
   */
  time: string;
  /**
   * Always `application/json`.
   */
  datacontenttype: 'application/json';
  /**
   * The URI of the contract of `data`. Absent without `data`, and in events that were published before it was introduced.
   */
  dataschema?: 'urn:wab:mo-event:v1#/properties/data';
  /**
   * Set only if an earlier callback with another body has the same message id and, for a receipt, the same status: the first 12 hex digits of this body's digest.
   */
  variant?: string;
  /**
   * Where the callback's body is stored. Replaces `data` if the event would exceed the SNS message limit, or if the body couldn't be read. Either `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table.
   */
  dataref?: string;
  data?: MoData;
  [k: string]: unknown;
}
/**
 * The callback: its keys are normalised, its `content` is verbatim.
 */
export interface MoData {
  /**
   * The gateway's message id.
   */
  id: string;
  /**
   * The sender as received: `+64…`, `64…`, or a business-scoped user id.
   */
  source?: string;
  /**
   * The recipient as received.
   */
  destination?: string;
  /**
   * WhatsApp's message object, verbatim; a base64 string if `encoding` is `base64`; rarely any other JSON. Absent if it is binary and the event would otherwise exceed the SNS message limit: `binary` then locates the bytes.
   */
  content?:
    | {
        [k: string]: unknown;
      }
    | unknown[]
    | string
    | number
    | boolean
    | null;
  /**
   * `base64` marks a binary `content`.
   */
  encoding?: string;
  /**
   * The sender's mobile operator.
   */
  operator?: string;
  /**
   * The gateway's id of the sent message that this one replies to.
   */
  reply_to?: string;
  /**
   * The reference of the sent message that this one replies to.
   */
  reference?: string;
  /**
   * An object of the callback's undocumented keys.
   */
  unrecognized?: {
    [k: string]: unknown;
  };
  binary?: Binary;
  omitted?: OmittedMessage;
  [k: string]: unknown;
}
/**
 * Describes a binary `content` once decoded.
 */
export interface Binary {
  /**
   * The number of bytes, decoded.
   */
  bytes: number;
  /**
   * The SHA-256 digest of the bytes, in hex.
   */
  sha256: string;
  /**
   * The media type, detected from the first bytes; `application/octet-stream` if none is detected.
   */
  content_type: string;
  /**
   * The object that holds the bytes: `s3://<bucket>/<key>`. Absent if it couldn't be stored; `content` then holds the bytes in base64.
   */
  dataref?: string;
  [k: string]: unknown;
}
/**
 * Present only if wab keeps no content: describes the message in place of `source`, `content` and everything else that is absent.
 */
export interface OmittedMessage {
  /**
   * The message's type, such as `text`. Absent if it has none.
   */
  type?: string;
  /**
   * When the user sent the message, by WhatsApp's clock: RFC 3339, UTC, to the second. Absent if the message has no such time.
   */
  sent_at?: string;
  /**
   * A keyed hash of the sender: `hmac:` and 64 hex digits. All messages of a sender have the same, however the callback spells the number.
   */
  contact?: string;
  /**
   * The size of the callback's body in bytes.
   */
  bytes: number;
  /**
   * A keyed hash of the callback's body: 64 hex digits.
   */
  digest: string;
  [k: string]: unknown;
}
/**
 * A delivery receipt, as wab publishes it: a CloudEvents 1.0 object in structured JSON.
 */
export interface DlrEvent {
  /**
   * Always `1.0`.
   */
  specversion: '1.0';
  /**
   * The event's id: 32 hex digits, derived from the key of the stored item. Every delivery of this event has the same id, so deduplicate by it.
   */
  id: string;
  /**
   * `/wab/` followed by the percent-encoded name of the gateway application.
   */
  source: string;
  /**
   * `wab.mo.v1` or `wab.dlr.v1`: the contract that `data` follows.
   */
  type: 'wab.dlr.v1';
  /**
   * The gateway's message id. All receipts of one message have the same.
   */
  subject: string;
  /**
   * When API Gateway received the callback: RFC 3339, UTC, to the millisecond.
   */
  time: string;
  /**
   * Always `application/json`.
   */
  datacontenttype: 'application/json';
  /**
   * The URI of the contract of `data`. Absent without `data`, and in events that were published before it was introduced.
   */
  dataschema?: 'urn:wab:dlr-event:v1#/properties/data';
  /**
   * Set only if an earlier callback with another body has the same message id and, for a receipt, the same status: the first 12 hex digits of this body's digest.
   */
  variant?: string;
  /**
   * Where the callback's body is stored. Replaces `data` if the event would exceed the SNS message limit, or if the body couldn't be read. Either `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table.
   */
  dataref?: string;
  data?: DlrData;
  [k: string]: unknown;
}
/**
 * The callback: its keys are normalised, its `content` is verbatim.
 */
export interface DlrData {
  /**
   * The gateway's id of the sent message.
   */
  id: string;
  /**
   * The receipt's status: an open set of words.
   */
  status: string;
  /**
   * The reference that the sender assigned to the message.
   */
  reference?: string;
  /**
   * Free text from the gateway.
   */
  detail?: string;
  /**
   * An object of the callback's undocumented keys.
   */
  unrecognized?: {
    [k: string]: unknown;
  };
  delivery?: DeliveryState;
  omitted?: OmittedReceipt;
  [k: string]: unknown;
}
/**
 * The state of the message, derived from all of its receipts.
 */
export interface DeliveryState {
  /**
   * The current status: the first final one received, or else the furthest.
   */
  current: string;
  /**
   * True if `current` is final. A final state never becomes a non-final one.
   */
  final: boolean;
  /**
   * True if another receipt determines `current`: this receipt arrived late, or another one is further.
   */
  overtaken: boolean;
  /**
   * All receipts including this one, in order of arrival; at most 100.
   */
  history: HistoryEntry[];
  [k: string]: unknown;
}
/**
 * One receipt in the history of a message.
 */
export interface HistoryEntry {
  /**
   * The status word.
   */
  status: string;
  /**
   * When API Gateway received the receipt: RFC 3339, UTC, to the millisecond. The gateway itself reports no time.
   */
  time: string;
  [k: string]: unknown;
}
/**
 * Present only if wab keeps no content: describes the receipt in place of `detail` and undocumented keys.
 */
export interface OmittedReceipt {
  /**
   * The size of the callback's body in bytes.
   */
  bytes: number;
  /**
   * A keyed hash of the callback's body: 64 hex digits.
   */
  digest: string;
  [k: string]: unknown;
}
/**
 * The part of a message that all types share.
 *
 * Every key may be absent: a message from 2026 may lack `from`, the message within an `Edit` has no id, an old message has no `type`.
 */
export interface Head {
  /**
   * The sender as received: a phone number with or without `+`. Absent or empty if the user hides their number.
   */
  from?: Id | null;
  /**
   * The sender's business-scoped user id.
   */
  from_user_id?: Id | null;
  /**
   * The sender's business-scoped user id, as Turn.io sends it.
   */
  from_bsuid?: Id | null;
  /**
   * The sender's user id as all accounts of one business see it.
   */
  from_parent_user_id?: Id | null;
  /**
   * An id of Meta's own, in the message of a device whose sender is the business.
   */
  from_logical_id?: Id | null;
  /**
   * The recipient, in the copy of a message that the business sent.
   */
  to?: Id | null;
  /**
   * The recipient's business-scoped user id.
   */
  to_user_id?: Id | null;
  /**
   * The recipient's user id as all accounts of one business see it.
   */
  to_parent_user_id?: Id | null;
  /**
   * The author of such a copy, if not a person in the app: `created_by_1p_bot` is a bot of Meta's.
   */
  message_creation_type?: string | null;
  /**
   * The group that the message was sent to.
   */
  group_id?: Id | null;
  /**
   * WhatsApp's id of the message. It reveals the user's phone number, so keep it out of logs.
   */
  id?: Id | null;
  /**
   * When the message was sent.
   */
  timestamp?: Timestamp | null;
  /**
   * Meta's own data. Not documented; recorded since August 2026.
   */
  internal_1p_only_data?:
    | InternalData
    | (
        | {
            [k: string]: unknown;
          }
        | unknown[]
        | string
        | number
        | boolean
        | null
      );
  /**
   * What the message replies to or forwards.
   */
  context?: Context | null;
  /**
   * The ad or post that brought the user to the chat.
   */
  referral?: Referral | null;
  /**
   * Errors. Any type of message may have some.
   */
  errors?: MessageError[] | null;
  /**
   * The user's security code. Present if the business enabled the check of it.
   */
  identity?: Identity | null;
  /**
   * Marks a message from before the business joined.
   */
  history_context?: HistoryContext | null;
  /**
   * What made the user send a contact card, such as `contact_request/other`.
   */
  origin?: string | null;
  [k: string]: unknown;
}
/**
 * Meta's own data. Not documented.
 */
export interface InternalData {
  /**
   * Meta's accounts that the message belongs to.
   */
  account_context?: AccountContext | null;
  [k: string]: unknown;
}
/**
 * Meta's accounts that a message belongs to. Not documented.
 */
export interface AccountContext {
  /**
   * An id of Meta's own.
   */
  waac_id?: Id | null;
  /**
   * An id of Meta's own.
   */
  cs_id?: Id | null;
  /**
   * The kind of account.
   */
  account_context_type?: string | null;
  /**
   * An id of Meta's own. Statuses only.
   */
  pma_id?: Id | null;
  /**
   * The app that sent the message. Statuses only.
   */
  app_id?: Id | null;
  [k: string]: unknown;
}
/**
 * What a message replies to, or that it was forwarded. A forwarded message usually has only the flag.
 */
export interface Context {
  /**
   * The sender of the message that this one replies to.
   */
  from?: Id | null;
  /**
   * The business-scoped user id of the sender of the message that this one replies to.
   */
  from_user_id?: Id | null;
  /**
   * The same user's id as all accounts of one business see it.
   */
  from_parent_user_id?: Id | null;
  /**
   * WhatsApp's id of the message that this one replies to.
   */
  id?: Id | null;
  /**
   * True if the message was forwarded.
   */
  forwarded?: boolean | null;
  /**
   * True if the message was forwarded more than five times.
   */
  frequently_forwarded?: boolean | null;
  /**
   * The product that the user asks about.
   */
  referred_product?: ReferredProduct | null;
  /**
   * The group of the message that this one replies to.
   */
  group_id?: Id | null;
  /**
   * The users mentioned: phone numbers, by the documentation of the On-Premises API. Meta's current documentation has no such key.
   */
  mentions?:
    | Id[]
    | (
        | {
            [k: string]: unknown;
          }
        | unknown[]
        | string
        | number
        | boolean
        | null
      );
  [k: string]: unknown;
}
/**
 * The product that a message asks about.
 */
export interface ReferredProduct {
  /**
   * Meta's id of the catalogue.
   */
  catalog_id?: Id | null;
  /**
   * The shop's own id of the product.
   */
  product_retailer_id?: Id | null;
  [k: string]: unknown;
}
/**
 * The ad or post that the user clicked to start the chat.
 */
export interface Referral {
  /**
   * The URL of the ad or post.
   */
  source_url?: string | null;
  /**
   * Meta's id of the ad or post.
   */
  source_id?: Id | null;
  /**
   * Whether it is an ad or a post.
   */
  source_type?: ReferralSource | null;
  /**
   * The headline.
   */
  headline?: string | null;
  /**
   * The text.
   */
  body?: string | null;
  /**
   * Which of the following URLs is set.
   */
  media_type?: ReferralMedia | null;
  /**
   * The URL of the picture.
   */
  image_url?: string | null;
  /**
   * The URL of the video.
   */
  video_url?: string | null;
  /**
   * The URL of a still image of the video.
   */
  thumbnail_url?: string | null;
  /**
   * The id of the click, for Meta's Conversions API.
   */
  ctwa_clid?: string | null;
  /**
   * The greeting that the ad showed.
   */
  welcome_message?: WelcomeMessage | null;
  /**
   * The parameter `ref` of the ad's link.
   */
  ref?: string | null;
  [k: string]: unknown;
}
/**
 * The greeting of an ad.
 */
export interface WelcomeMessage {
  /**
   * The text of the greeting.
   */
  text?: string | null;
  [k: string]: unknown;
}
/**
 * An error. Three shapes are recorded: with `message`, `error_data` and `href`; with `details`; with little more than a code.
 */
export interface MessageError {
  /**
   * Meta's error code: a number, kept as its digits.
   */
  code?: Id | null;
  /**
   * A short text for the code.
   */
  title?: string | null;
  /**
   * Usually the same as the title.
   */
  message?: string | null;
  /**
   * The details, in newer messages.
   */
  error_data?: ErrorData | null;
  /**
   * The details, in older messages.
   */
  details?: string | null;
  /**
   * A link to the documentation of the code.
   */
  href?: string | null;
  [k: string]: unknown;
}
/**
 * The details of an error, in newer messages.
 */
export interface ErrorData {
  /**
   * The details of the error.
   */
  details?: string | null;
  [k: string]: unknown;
}
/**
 * The user's security code, which changes when they change phones.
 */
export interface Identity {
  /**
   * Whether the business has acknowledged this code.
   */
  acknowledged?: boolean | null;
  /**
   * When WhatsApp detected the change: in seconds, in some recordings in milliseconds.
   */
  created_timestamp?: Timestamp | null;
  /**
   * The hash of the code.
   */
  hash?: string | null;
  [k: string]: unknown;
}
/**
 * Marks a message from before the business joined.
 */
export interface HistoryContext {
  /**
   * The status of the message at that time.
   */
  status?: HistoryStatus | null;
  /**
   * True if the business sent the message.
   */
  from_me?: boolean | null;
  [k: string]: unknown;
}
/**
 * A text.
 */
export interface Text {
  /**
   * What the user wrote. May be empty.
   */
  body: string;
  [k: string]: unknown;
}
/**
 * A medium: image, video, audio, voice, sticker or document. All of them are fetched the same way.
 *
 * The gateway fetches a medium by its id (`GET /media?media_id=…`), which is valid for 7 days.
 */
export interface Media {
  /**
   * The id to fetch the medium by. Absent if a reseller hasn't downloaded the medium yet.
   */
  id?: Id | null;
  /**
   * The media type, possibly with parameters: `audio/ogg; codecs=opus`.
   */
  mime_type?: string | null;
  /**
   * The SHA-256 digest of the bytes, in base64; in very old messages in hex. Some recorded messages lack it.
   */
  sha256?: string | null;
  /**
   * The caption that the user wrote.
   */
  caption?: string | null;
  /**
   * The file name. Documents only.
   */
  filename?: string | null;
  /**
   * True if recorded in the app rather than attached. Audio only.
   */
  voice?: boolean | null;
  /**
   * True if animated. Stickers only.
   */
  animated?: boolean | null;
  /**
   * Where WhatsApp serves the medium: valid for 5 minutes, and only with the account's access token. Since November 2025.
   */
  url?: string | null;
  /**
   * Where the gateway serves the medium. On-Premises API only.
   */
  link?: string | null;
  /**
   * The path of the medium on the gateway's own disk. On-Premises API only.
   */
  file?: string | null;
  /**
   * `downloaded` once the gateway has fetched the medium, `undownloaded` before. Resellers and the On-Premises API only.
   */
  status?: string | null;
  [k: string]: unknown;
}
/**
 * A place.
 */
export interface Location {
  /**
   * Latitude in degrees, north positive (WGS 84).
   */
  latitude: string | number;
  /**
   * Longitude in degrees, east positive (WGS 84).
   */
  longitude: string | number;
  /**
   * The name of the place.
   */
  name?: string | null;
  /**
   * The address of the place.
   */
  address?: string | null;
  /**
   * The web page of the place.
   */
  url?: string | null;
  [k: string]: unknown;
}
/**
 * An address card: one element of a `contacts` message. Any part may be absent. A `type` within a card is free, localised text.
 */
export interface ContactCard {
  /**
   * The person's name.
   */
  name?: ContactName | null;
  /**
   * Phone numbers.
   */
  phones?: ContactPhone[] | null;
  /**
   * E-mail addresses.
   */
  emails?: ContactEmail[] | null;
  /**
   * Postal addresses.
   */
  addresses?: ContactAddress[] | null;
  /**
   * The person's employer.
   */
  org?: ContactOrg | null;
  /**
   * Web pages.
   */
  urls?: ContactUrl[] | null;
  /**
   * Accounts at other messengers.
   */
  ims?: ContactIm[] | null;
  /**
   * The date of birth, usually `YYYY-MM-DD`.
   */
  birthday?: string | null;
  /**
   * The whole card as a vCard (RFC 6350).
   */
  vcard?: string | null;
  /**
   * The person's picture in base64. On-Premises API only.
   */
  contact_image?: string | null;
  /**
   * Why the user sent the card: `contact_request` if the business asked for their number, or `other`.
   */
  origin?: string | null;
  [k: string]: unknown;
}
/**
 * The name on a card.
 */
export interface ContactName {
  /**
   * The full name.
   */
  formatted_name?: string | null;
  /**
   * The given name.
   */
  first_name?: string | null;
  /**
   * The middle name.
   */
  middle_name?: string | null;
  /**
   * The family name.
   */
  last_name?: string | null;
  /**
   * Such as `Dr`.
   */
  prefix?: string | null;
  /**
   * Such as `Jr`.
   */
  suffix?: string | null;
  [k: string]: unknown;
}
/**
 * A phone number on a card.
 */
export interface ContactPhone {
  /**
   * The number as written on the card.
   */
  phone?: Id | null;
  /**
   * The WhatsApp user with that number.
   */
  wa_id?: Id | null;
  /**
   * A label: free text.
   */
  type?: string | null;
  [k: string]: unknown;
}
/**
 * An e-mail address on a card.
 */
export interface ContactEmail {
  /**
   * The address.
   */
  email?: string | null;
  /**
   * A label: free text.
   */
  type?: string | null;
  [k: string]: unknown;
}
/**
 * A postal address on a card.
 */
export interface ContactAddress {
  /**
   * Street and number.
   */
  street?: string | null;
  /**
   * City.
   */
  city?: string | null;
  /**
   * State or region.
   */
  state?: string | null;
  /**
   * Postal code.
   */
  zip?: Id | null;
  /**
   * The name of the country.
   */
  country?: string | null;
  /**
   * The country's two-letter code (ISO 3166-1).
   */
  country_code?: string | null;
  /**
   * A label: free text.
   */
  type?: string | null;
  [k: string]: unknown;
}
/**
 * The employer of the person on a card.
 */
export interface ContactOrg {
  /**
   * The company.
   */
  company?: string | null;
  /**
   * The department.
   */
  department?: string | null;
  /**
   * The person's job title.
   */
  title?: string | null;
  [k: string]: unknown;
}
/**
 * A web page on a card.
 */
export interface ContactUrl {
  /**
   * The URL.
   */
  url?: string | null;
  /**
   * A label: free text.
   */
  type?: string | null;
  [k: string]: unknown;
}
/**
 * An account at another messenger on a card.
 */
export interface ContactIm {
  /**
   * The messenger, such as `AIM`.
   */
  service?: string | null;
  /**
   * The person's name there.
   */
  user_id?: Id | null;
  [k: string]: unknown;
}
/**
 * A tap on a button of a template.
 */
export interface Button {
  /**
   * The label of the button.
   */
  text?: string | null;
  /**
   * The payload that the business assigned to the button.
   */
  payload?: string | null;
  [k: string]: unknown;
}
/**
 * A reply to an interactive message. Some recorded messages of this type have no body at all.
 */
export interface Interactive {
  /**
   * The kind of reply: an open set.
   */
  type?: string | null;
  /**
   * The reply button that the user tapped.
   */
  button_reply?: ButtonReply | null;
  /**
   * The list item that the user chose.
   */
  list_reply?: ListReply | null;
  /**
   * The form that the user submitted.
   */
  nfm_reply?: NfmReply | null;
  /**
   * The user's answer to a request for permission to call.
   */
  call_permission_reply?: CallPermissionReply | null;
  /**
   * The payment method that the user chose.
   */
  payment_method?: PaymentMethod | null;
  /**
   * A payment. Its shape isn't documented.
   */
  payment_notification?:
    | PaymentNotification
    | (
        | {
            [k: string]: unknown;
          }
        | unknown[]
        | string
        | number
        | boolean
        | null
      );
  /**
   * What the reply is about: `address_message`. Present if `type` doesn't name the reply.
   */
  action?: string | null;
  /**
   * When the user replied, next to `action`.
   */
  timestamp?: Timestamp | null;
  [k: string]: unknown;
}
/**
 * A tap on a reply button.
 */
export interface ButtonReply {
  /**
   * An opaque identifier.
   */
  id: string | number;
  /**
   * The label of the button.
   */
  title: string;
  [k: string]: unknown;
}
/**
 * The choice of a list item.
 */
export interface ListReply {
  /**
   * An opaque identifier.
   */
  id: string | number;
  /**
   * The item's title.
   */
  title: string;
  /**
   * The item's second line.
   */
  description?: string | null;
  [k: string]: unknown;
}
/**
 * A submitted form: a flow, an address, a catalogue.
 */
export interface NfmReply {
  response_json: JsonText;
  /**
   * The kind of form: `flow`, `address_message`, …
   */
  name?: string | null;
  /**
   * What the chat shows in place of the form.
   */
  body?: string | null;
  [k: string]: unknown;
}
/**
 * The user's answer to a request for permission to call.
 */
export interface CallPermissionReply {
  /**
   * The answer.
   */
  response: string;
  /**
   * True if the permission never expires.
   */
  is_permanent?: boolean | null;
  /**
   * When the permission expires.
   */
  expiration_timestamp?: Timestamp | null;
  /**
   * `user_action`, or `automatic` if the user called the business.
   */
  response_source?: string | null;
  [k: string]: unknown;
}
/**
 * The payment method that the user chose.
 */
export interface PaymentMethod {
  /**
   * `offsite_card_pay`, …
   */
  payment_method?: string | null;
  /**
   * When the user chose it.
   */
  payment_timestamp?: Timestamp | null;
  /**
   * The reference that the business assigned to the order.
   */
  reference_id?: Id | null;
  /**
   * The last four digits of the card.
   */
  last_four_digits?: Id | null;
  /**
   * The id of the card.
   */
  credential_id?: Id | null;
  [k: string]: unknown;
}
/**
 * A payment in an `Interactive` message. Not documented by Meta.
 */
export interface PaymentNotification {
  /**
   * The reference that the business assigned to the order.
   */
  reference_id?: Id | null;
  /**
   * The provider's id of the payment.
   */
  transaction_id?: Id | null;
  /**
   * `captured`, …
   */
  payment_status?: string | null;
  /**
   * The payer's name.
   */
  payer_name?: string | null;
  [k: string]: unknown;
}
/**
 * An emoji on an earlier message, or its removal.
 */
export interface Reaction {
  /**
   * An opaque identifier.
   */
  message_id: string | number;
  /**
   * The emoji. Absent or empty if the reaction was removed.
   */
  emoji?: string | null;
  [k: string]: unknown;
}
/**
 * A shopping cart that the user sent.
 */
export interface Order {
  /**
   * Meta's id of the catalogue.
   */
  catalog_id?: Id | null;
  /**
   * The products in the cart.
   */
  product_items: ProductItem[];
  /**
   * What the user wrote with the order.
   */
  text?: string | null;
  [k: string]: unknown;
}
/**
 * One line of an `Order`.
 */
export interface ProductItem {
  /**
   * An opaque identifier.
   */
  product_retailer_id: string | number;
  /**
   * The quantity.
   */
  quantity: string | number;
  /**
   * The price of one item in the currency's main unit: dollars, not cents.
   */
  item_price: string | number;
  /**
   * The currency (ISO 4217).
   */
  currency?: string | null;
  [k: string]: unknown;
}
/**
 * A change to the user: a new number, a new user id, a new phone.
 */
export interface System {
  /**
   * What changed. Some recorded messages lack it.
   */
  type?: SystemChange | null;
  /**
   * The change in words.
   */
  body?: string | null;
  /**
   * The user's new number.
   */
  wa_id?: Id | null;
  /**
   * The older key of the user's new number.
   */
  new_wa_id?: Id | null;
  /**
   * The user's new business-scoped user id.
   */
  user_id?: Id | null;
  /**
   * The user's new user id, as all accounts of one business see it.
   */
  parent_user_id?: Id | null;
  /**
   * The user id before the change.
   */
  previous_user_id?: Id | null;
  /**
   * The user id before the change, as all accounts of one business see it.
   */
  previous_parent_user_id?: Id | null;
  /**
   * The hash of the new security code. Older messages only.
   */
  identity?: string | null;
  /**
   * The user's number before the change. Older messages only.
   */
  customer?: Id | null;
  [k: string]: unknown;
}
/**
 * An earlier message, edited: as it is now, without id and sender. An edit within an edit has an unknown type.
 */
export interface Edit {
  /**
   * An opaque identifier.
   */
  original_message_id: string | number;
  message: Message;
  [k: string]: unknown;
}
/**
 * An earlier message, deleted by its sender.
 */
export interface Revoke {
  /**
   * An opaque identifier.
   */
  original_message_id: string | number;
  [k: string]: unknown;
}
/**
 * A message that WhatsApp doesn't deliver; the message's `errors` give the reason. Older messages have the type `unknown`.
 */
export interface Unsupported {
  /**
   * The type of the original message: `edit`, `gif`, `pin`, `poll_creation`, … An open set; often absent.
   */
  type?: string | null;
  /**
   * The original type by WhatsApp's internal name. Not documented; recorded in 2026.
   */
  raw_type?: string | null;
  [k: string]: unknown;
}
/**
 * The status of a message that the business sent, or of a payment that it requested, in WhatsApp's own form. Its id, time and errors are in the `Head`.
 *
 * The gateway's documentation hints at it, although `content` is documented to hold messages only. The gateway's own delivery receipts are events of another kind.
 */
export interface StatusUpdate {
  /**
   * The status.
   */
  status: string;
  /**
   * The recipient: a phone number or a group.
   */
  recipient_id?: Id | null;
  /**
   * The recipient's business-scoped user id.
   */
  recipient_user_id?: Id | null;
  /**
   * The recipient's user id as all accounts of one business see it.
   */
  parent_recipient_user_id?: Id | null;
  /**
   * Another name of `parent_recipient_user_id`.
   */
  recipient_parent_user_id?: Id | null;
  /**
   * Another name of `parent_recipient_user_id`.
   */
  parent_user_id?: Id | null;
  /**
   * The hash of the recipient's security code. Present if the business enabled the check of it.
   */
  recipient_identity_key_hash?: string | null;
  /**
   * `individual` or `group`.
   */
  recipient_type?: string | null;
  /**
   * The group member that the status is about.
   */
  recipient_participant_id?: Id | null;
  /**
   * Another name of `recipient_participant_id`.
   */
  participant_recipient_id?: Id | null;
  /**
   * The group member's business-scoped user id.
   */
  recipient_participant_user_id?: Id | null;
  /**
   * The group member's user id as all accounts of one business see it.
   */
  recipient_participant_parent_user_id?: Id | null;
  /**
   * The conversation that the message opened or belongs to.
   */
  conversation?: Conversation | null;
  /**
   * The price category of the message.
   */
  pricing?: Pricing | null;
  /**
   * The payment, if the status is about one: its type is `payment`.
   */
  payment?: Payment | null;
  /**
   * The data that the business attached to the message.
   */
  biz_opaque_callback_data?: string | null;
  /**
   * The template that the message was made from. Direct Send only.
   */
  template_id?: Id | null;
  /**
   * An id of Meta's own.
   */
  recipient_logical_id?: Id | null;
  /**
   * Meta's own data. Not documented.
   */
  webhook_extra_data?:
    | InternalData
    | (
        | {
            [k: string]: unknown;
          }
        | unknown[]
        | string
        | number
        | boolean
        | null
      );
  /**
   * Meta's accounts that the message belongs to. Not documented.
   */
  account_context?:
    | AccountContext
    | (
        | {
            [k: string]: unknown;
          }
        | unknown[]
        | string
        | number
        | boolean
        | null
      );
  /**
   * The recipient again, in older messages.
   */
  message?: StatusMessage | null;
  [k: string]: unknown;
}
/**
 * The conversation of a `StatusUpdate`.
 */
export interface Conversation {
  /**
   * Meta's id of the conversation.
   */
  id?: Id | null;
  /**
   * When the conversation ends.
   */
  expiration_timestamp?: Timestamp | null;
  /**
   * What opened the conversation.
   */
  origin?: ConversationOrigin | null;
  /**
   * The price category, in the status of a message to a group.
   */
  pricing?: Pricing | null;
  [k: string]: unknown;
}
/**
 * What opened a `Conversation`.
 */
export interface ConversationOrigin {
  /**
   * `authentication`, `marketing`, `service`, `utility`, `referral_conversion`, …
   */
  type?: string | null;
  [k: string]: unknown;
}
/**
 * The price category of a message, in a `StatusUpdate`.
 */
export interface Pricing {
  /**
   * Whether Meta charges for the message.
   */
  billable?: boolean | null;
  /**
   * `CBP` for pricing by conversation, `PMP` for pricing by message, …
   */
  pricing_model?: string | null;
  /**
   * `regular`, `free_customer_service`, …
   */
  type?: string | null;
  /**
   * `marketing`, `service`, …
   */
  category?: string | null;
  [k: string]: unknown;
}
/**
 * The status of a payment, in a `StatusUpdate` of type `payment`. Older ones contain only the reference and the payer.
 */
export interface Payment {
  /**
   * The reference that the business assigned to the order.
   */
  reference_id?: Id | null;
  /**
   * The payer's phone number. Older messages only.
   */
  sender?: Id | null;
  /**
   * The amount.
   */
  amount?: Amount | null;
  /**
   * The currency (ISO 4217).
   */
  currency?: string | null;
  /**
   * The latest attempt to pay.
   */
  transaction?: Transaction | null;
  /**
   * What the business supplied for the receipt.
   */
  receipt?: string | null;
  [k: string]: unknown;
}
/**
 * An amount of money as a fraction of integers: `value / offset`, in the currency's main unit.
 */
export interface Amount {
  /**
   * The numerator, for example the number of cents.
   */
  value?: Decimal | null;
  /**
   * The denominator, for example 100.
   */
  offset?: Decimal | null;
  [k: string]: unknown;
}
/**
 * An attempt to pay, at the payment provider.
 */
export interface Transaction {
  /**
   * The provider's id of the attempt.
   */
  id?: Id | null;
  /**
   * The provider: `billdesk`, `payu`, `razorpay`, `upi`, …
   */
  type?: string | null;
  /**
   * `pending`, `success`, `failed`, …
   */
  status?: string | null;
  /**
   * When the attempt began.
   */
  created_timestamp?: Timestamp | null;
  /**
   * When the attempt last changed.
   */
  updated_timestamp?: Timestamp | null;
  /**
   * The amount.
   */
  amount?: Amount | null;
  /**
   * The currency (ISO 4217).
   */
  currency?: string | null;
  /**
   * The payment method.
   */
  method?: TransactionMethod | null;
  /**
   * The reason of a failure.
   */
  error?: TransactionError | null;
  /**
   * Refunds.
   */
  refunds?: Refund[] | null;
  [k: string]: unknown;
}
/**
 * The payment method of a `Transaction`.
 */
export interface TransactionMethod {
  /**
   * `upi`, `card`, `wallet`, `netbanking`, …
   */
  type?: string | null;
  [k: string]: unknown;
}
/**
 * Why a `Transaction` failed.
 */
export interface TransactionError {
  /**
   * The provider's error code.
   */
  code?: Id | null;
  /**
   * The provider's explanation.
   */
  reason?: string | null;
  [k: string]: unknown;
}
/**
 * A refund of a `Transaction`.
 */
export interface Refund {
  /**
   * The provider's id of the refund.
   */
  id?: Id | null;
  /**
   * The amount.
   */
  amount?: Amount | null;
  /**
   * `pending`, `completed`, `failed`, …
   */
  status?: string | null;
  /**
   * How fast it was processed: `normal`, `instant`, …
   */
  speed_processed?: string | null;
  /**
   * When the refund began.
   */
  created_timestamp?: Timestamp | null;
  /**
   * When the refund last changed.
   */
  updated_timestamp?: Timestamp | null;
  [k: string]: unknown;
}
/**
 * The recipient of a message, in older status updates.
 */
export interface StatusMessage {
  /**
   * The recipient.
   */
  recipient_id?: Id | null;
  [k: string]: unknown;
}
