/**
 * The events that wab publishes to Amazon SNS, as subscribers read them.
 *
 * `parse` reads a delivery. It never throws: what this version doesn't know is a kind of its own. Unknown keys are kept,
 * and nothing is changed, so `JSON.stringify` writes back what was read.
 */

import { Validator } from '@cfworker/json-schema';
import { CONTRACT, TYPES } from './contract.ts';
import type { DlrData, DlrEvent, KnownMessage, Message, MoData, MoEvent } from './types.ts';

export type * from './types.ts';

/** A delivery. `kind` tells the alternatives apart. */
export type Delivery = Mo | Dlr | Elsewhere | Unreadable;

/** A message from a WhatsApp user. */
export interface Mo {
  kind: 'mo';
  event: MoEvent;
  data: MoData;
  /** WhatsApp's message. Undefined if `data.content` is binary or malformed; it is there as it was received. */
  message: Message | undefined;
}

/** A delivery receipt. */
export interface Dlr {
  kind: 'dlr';
  event: DlrEvent;
  data: DlrData;
}

/** An event whose callback is stored at `dataref`: it was too large for SNS. */
export interface Elsewhere {
  kind: 'elsewhere';
  event: MoEvent | DlrEvent;
  dataref: string;
}

/** Not an event, or one of a contract that this version doesn't know. */
export interface Unreadable {
  kind: 'unreadable';
  reason: 'not JSON' | 'not an event' | 'unknown contract';
}

/** Reads a delivery: the body of an SQS message, with or without raw message delivery, or what SNS passes to a function. */
export function parse(delivery: string): Delivery {
  let event = fromJson(delivery);
  if (isObject(event) && event['Type'] === 'Notification' && typeof event['Message'] === 'string') {
    event = fromJson(event['Message']); // SNS's envelope
  }
  if (event === undefined) {
    return { kind: 'unreadable', reason: 'not JSON' };
  }
  if (conforms<MoEvent>('MoEvent', event)) {
    const { data } = event;
    if (data === undefined) {
      return { kind: 'elsewhere', event, dataref: event.dataref ?? '' };
    }
    return { kind: 'mo', event, data, message: isMessage(data.content) ? data.content : undefined };
  }
  if (conforms<DlrEvent>('DlrEvent', event)) {
    const { data } = event;
    if (data === undefined) {
      return { kind: 'elsewhere', event, dataref: event.dataref ?? '' };
    }
    return { kind: 'dlr', event, data };
  }
  const type = isObject(event) ? event['type'] : undefined;
  const isKnownContract = type === undefined || type === 'wab.mo.v1' || type === 'wab.dlr.v1';
  return { kind: 'unreadable', reason: isKnownContract ? 'not an event' : 'unknown contract' };
}

/** Whether a value is a message that isn't malformed. Its type may be unknown. */
export function isMessage(value: unknown): value is Message {
  return value !== undefined && (isKnown(value) || conforms<Message>('Message', value));
}

/** Whether a value is a message of a known type, in the shape of that type. */
export function isKnown(value: unknown): value is KnownMessage {
  const definition = isObject(value) && TYPES.get(value['type']);
  return typeof definition === 'string' && conforms<KnownMessage>(definition, value);
}

/** Whether a value is a message of this type, in the shape of that type. */
export function is<T extends KnownMessage['type']>(value: unknown, type: T): value is Extract<KnownMessage, { type: T }> {
  return isObject(value) && value['type'] === type && isKnown(value);
}

const validators = new Map<string, Validator>();

/** Whether a value conforms to a definition of the contract. `T` is its type. */
function conforms<T>(definition: string, value: unknown): value is T {
  let validator = validators.get(definition);
  if (validator === undefined) {
    validator = new Validator({ ...CONTRACT, $ref: `#/$defs/${definition}` }, '2020-12');
    validators.set(definition, validator);
  }
  return validator.validate(value).valid;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
