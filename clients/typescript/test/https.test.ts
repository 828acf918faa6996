import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Endpoint, Rejected } from '../src/https.ts';

const GOLDEN = new URL('../../../shared/events/golden/sns/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, GOLDEN), 'utf8');
const CERTIFICATE = read('certificate.pem');
const NOTIFICATION = read('notification.json');
const CONFIRMATION = read('subscription-confirmation.json');
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:wab-MoTopic';
const SENT = new Date('2026-11-23T09:15:02.500Z');

function take(body: string, { now = SENT, certificate = CERTIFICATE } = {}) {
  return new Endpoint([TOPIC], { certificate: () => Promise.resolve(certificate) }).take(body, now);
}

function change(message: string, field: string, value: unknown): string {
  return JSON.stringify({ ...JSON.parse(message), [field]: value });
}

const rejects = (post: Promise<unknown>, reason: RegExp) =>
  assert.rejects(post, (error) => error instanceof Rejected && reason.test(error.message));

test('signed messages are taken', async () => {
  const post = await take(NOTIFICATION);
  assert(post.kind === 'delivery' && post.delivery.kind === 'mo');
  assert.equal(post.delivery.event.id, 'b48e0ae6ab12d6a90aab59f0ecf2e500');
  const confirm = await take(CONFIRMATION);
  assert(confirm.kind === 'confirm' && confirm.subscribeUrl.includes('ConfirmSubscription'));
  assert.deepEqual(await take(read('unsubscribe-confirmation.json')), { kind: 'unsubscribed' });
  assert.equal((await take(change(NOTIFICATION, 'UnsubscribeURL', undefined))).kind, 'delivery');
});

test('changed message is rejected', async () => {
  for (const [message, field, value] of [
    [NOTIFICATION, 'Message', '{}'],
    [NOTIFICATION, 'MessageId', '1'],
    [NOTIFICATION, 'Subject', 'added'],
    [NOTIFICATION, 'Timestamp', '2026-11-23T09:15:02.501Z'],
    [NOTIFICATION, 'Type', 'UnsubscribeConfirmation'],
    [NOTIFICATION, 'Signature', 'c2lnbmF0dXJl'],
    [NOTIFICATION, 'Signature', '%'],
    [CONFIRMATION, 'Token', undefined],
    [CONFIRMATION, 'SubscribeURL', 'https://sns.us-east-1.amazonaws.com/?Action=Publish'],
  ] as const) {
    await rejects(take(change(message, field, value)), /signature is wrong/);
  }
});

test('foreign certificate is never fetched', async () => {
  const name = 'SimpleNotificationService-0123456789abcdef.pem';
  for (const url of [
    `http://sns.us-east-1.amazonaws.com/${name}`,
    `https://sns.eu-west-1.amazonaws.com/${name}`,
    `https://sns.us-east-1.amazonaws.com.example.com/${name}`,
    `https://sns.us-east-1.amazonaws.com@example.com/${name}`,
    `https://sns.us-east-1.amazonaws.com:8443/${name}`,
    `https://sns.us-east-1.amazonaws.com/../${name}`,
    `https://sns.us-east-1.amazonaws.com/${name}\n`,
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem?Action=Publish&.pem',
  ]) {
    const certificate = (): never => assert.fail(`${url} was fetched`);
    const endpoint = new Endpoint([TOPIC], { certificate });
    await rejects(endpoint.take(change(NOTIFICATION, 'SigningCertURL', url), SENT), /not one of SNS/);
  }
  await rejects(take(change(CONFIRMATION, 'SubscribeURL', 'https://example.com/')), /not one of SNS/);
});

test('what is not of the topic, or old, is rejected', async () => {
  await rejects(take(change(NOTIFICATION, 'TopicArn', `${TOPIC}2`)), /another topic/);
  await rejects(take(change(NOTIFICATION, 'SignatureVersion', '1')), /version/);
  for (const body of ['', '{}', '[]', 'null', '1', change(NOTIFICATION, 'Type', 'Other'), change(NOTIFICATION, 'Message', 1)]) {
    await rejects(take(body), /not a message of SNS/);
  }
  const at = (ms: number) => take(NOTIFICATION, { now: new Date(SENT.getTime() + ms) });
  await Promise.all([at(3_600_000), at(-300_000)]);
  for (const ms of [3_600_001, -300_001]) await rejects(at(ms), /outside the window/);
  await rejects(take(change(NOTIFICATION, 'Timestamp', 'someday')), /outside the window/);
});

test('certificate must be readable and the right one', async () => {
  await rejects(take(NOTIFICATION, { certificate: '' }), /not readable/);
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const certificate = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  await rejects(take(NOTIFICATION, { certificate }), /signature is wrong/);
});
