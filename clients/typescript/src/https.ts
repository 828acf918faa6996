/**
 * What SNS posts to an HTTPS endpoint, and the proof that it comes from SNS. Needs Node.js.
 *
 * Anyone can post to a public URL. `Endpoint.take` refuses what isn't signed by SNS for one of the endpoint's topics.
 * Sources: SNS developer guide, "Verifying the signatures of Amazon SNS messages" and "Parsing Amazon SNS message
 * formats".
 */

import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { parse, type Delivery } from './index.ts';

/** A post whose signature is SNS's. */
export type Post =
  /** An event. A repeated post has the same `event.id`. */
  | { kind: 'delivery'; delivery: Delivery }
  /** The endpoint was subscribed. Request this URL, which is one of SNS, to confirm it. It holds a secret. */
  | { kind: 'confirm'; subscribeUrl: string }
  /** The subscription was deleted. There is nothing to do. */
  | { kind: 'unsubscribed' };

/** Why a post isn't taken: answer 4xx. The message contains nothing of the post, so it may be logged. */
export class Rejected extends Error {}

export interface Options {
  /** How old a post may be: an hour, as long as SNS retries at most. A stolen one can be posted again for as long. */
  windowSeconds?: number;
  /** Gets a certificate in PEM. By default, fetches it, and keeps it by its URL. */
  certificate?: (url: string) => Promise<string>;
}

/** How far the clocks of SNS and of this machine may be apart. */
const CLOCK_SKEW_SECONDS = 300;
const FETCH_MS = 5_000;

/** An HTTPS endpoint that is subscribed to topics of wab. */
export class Endpoint {
  readonly #topics: ReadonlySet<string>;
  readonly #windowSeconds: number;
  readonly #certificate: (url: string) => Promise<string>;

  /** An endpoint of these topics: the stack's outputs `MoTopicArn` and `DlrTopicArn`. */
  constructor(topicArns: Iterable<string>, { windowSeconds = 3600, certificate = remembered(fetchText) }: Options = {}) {
    this.#topics = new Set(topicArns);
    this.#windowSeconds = windowSeconds;
    this.#certificate = certificate;
  }

  /** Takes the body of a post. Throws `Rejected` if it isn't SNS's; any other error means that the certificate can't be had. */
  async take(body: string, now: Date = new Date()): Promise<Post> {
    const message = fromJson(body);
    const field = (name: string): string | undefined => {
      const value = message[name];
      return typeof value === 'string' ? value : undefined;
    };
    const demand = (name: string): string => field(name) ?? reject('the body is not a message of SNS');
    const [type, topic, text] = [demand('Type'), demand('TopicArn'), demand('Message')];
    const isKnownType = type === 'Notification' || type === 'SubscriptionConfirmation' || type === 'UnsubscribeConfirmation';
    if (!isKnownType) reject('the body is not a message of SNS');
    if (!this.#topics.has(topic)) reject('the message is of another topic');
    // Version 1 is SHA-1. wab's topics sign with version 2.
    if (demand('SignatureVersion') !== '2') reject("the signature's version is not 2");
    const certificateUrl = demand('SigningCertURL');
    const subscribeUrl = field('SubscribeURL');
    const isCertificate = /^SimpleNotificationService-[0-9A-Za-z]*\.pem$/.test(pathAtSns(certificateUrl, topic) ?? '');
    if (!isCertificate || (subscribeUrl !== undefined && pathAtSns(subscribeUrl, topic) === undefined)) {
      reject("a URL of the message is not one of SNS in the topic's region");
    }
    const age = (now.getTime() - Date.parse(demand('Timestamp'))) / 1000;
    if (!(age <= this.#windowSeconds && age >= -CLOCK_SKEW_SECONDS)) reject("the message's time is outside the window");

    const key = publicKey(await this.#certificate(certificateUrl));
    const signed = type === 'Notification' ? NOTIFICATION : CONFIRMATION;
    const present = signed.filter((name) => field(name) !== undefined);
    const signedText = present.map((name) => `${name}\n${field(name)}\n`).join('');
    const signature = Buffer.from(demand('Signature'), 'base64');
    if (!verify('RSA-SHA256', Buffer.from(signedText), key, signature)) reject('the signature is wrong');

    if (type === 'Notification') return { kind: 'delivery', delivery: parse(text) };
    if (type === 'UnsubscribeConfirmation') return { kind: 'unsubscribed' };
    return { kind: 'confirm', subscribeUrl: demand('SubscribeURL') };
  }
}

// The fields that are signed, in this order. Those that are absent are left out.
const NOTIFICATION = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'];
const CONFIRMATION = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

function reject(reason: string): never {
  throw new Rejected(reason);
}

/** The path and query of a URL if it is at SNS in the topic's region: a certificate of elsewhere could be anyone's. */
function pathAtSns(url: string, topicArn: string): string | undefined {
  const [, partition, , region] = topicArn.split(':'); // arn:aws:sns:us-east-1:123456789012:name
  const start = `https://sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}/`;
  return url.startsWith(start) ? url.slice(start.length) : undefined;
}

function publicKey(certificate: string): KeyObject {
  try {
    return createPublicKey(certificate);
  } catch {
    return reject('the certificate is not readable');
  }
}

function fromJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Rejected below.
  }
  return reject('the body is not a message of SNS');
}

async function fetchText(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_MS) });
  if (!answer.ok) throw new Error(`SNS answered ${answer.status} to the request for its certificate`);
  return answer.text();
}

/** Keeps the last answer. SNS changes its certificate rarely, and one URL always has the same. */
function remembered(get: (url: string) => Promise<string>): (url: string) => Promise<string> {
  let known: { url: string; certificate: string } | undefined;
  return async (url) => {
    if (known?.url !== url) known = { url, certificate: await get(url) };
    return known.certificate;
  };
}
