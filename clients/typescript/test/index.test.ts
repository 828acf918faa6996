import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { is, isKnown, isMessage, parse } from '../src/index.ts';

const ROOT = new URL('../../../', import.meta.url);
const EVENTS = new URL('infra/contracts/examples/', ROOT);
const GOLDEN = new URL('shared/events/golden/messages/', ROOT);
const SAMPLES = process.env['WAB_SAMPLES'] ? new URL(`file://${process.env['WAB_SAMPLES']}/`) : new URL('../shared/samples/', ROOT);

function files(directory: URL, ending: string): [string, string][] {
  const names = readdirSync(directory).filter((name) => name.endsWith(ending));
  return names.map((name) => [name, readFileSync(new URL(name, directory), 'utf8')]);
}

function* lines(directory: URL): Generator<[string, { message: unknown; view?: { kind: Record<string, unknown> } }]> {
  for (const [name, text] of files(directory, '.jsonl')) {
    for (const [index, line] of text.trimEnd().split('\n').entries()) {
      yield [`${name}:${index + 1}`, JSON.parse(line)];
    }
  }
}

/** An event with this content, as SNS delivers it. */
function mo(content: unknown): string {
  const event = JSON.parse(readFileSync(new URL('mo-event.json', EVENTS), 'utf8'));
  return JSON.stringify({ ...event, data: { ...event.data, content } });
}

test('every golden event is read', () => {
  const kinds = Object.fromEntries(files(EVENTS, '.json').map(([name, text]) => [name, parse(text).kind]));
  assert.deepEqual(kinds, {
    'dlr-event-content-free.json': 'dlr',
    'dlr-event.json': 'dlr',
    'mo-event-binary.json': 'mo',
    'mo-event-by-reference.json': 'elsewhere',
    'mo-event-content-free.json': 'mo',
    'mo-event.json': 'mo',
  });
});

test('an event without content says what it lacks', () => {
  const read = (name: string) => parse(readFileSync(new URL(name, EVENTS), 'utf8'));
  const [mo, dlr, whole] = [read('mo-event-content-free.json'), read('dlr-event-content-free.json'), read('mo-event.json')];
  assert(mo.kind === 'mo' && mo.data.omitted !== undefined);
  const { type, sent_at, contact, bytes } = mo.data.omitted;
  assert.deepEqual([type, sent_at, typeof bytes], ['text', '2026-11-23T09:15:13Z', 'number']);
  assert.match(contact ?? '', /^hmac:[0-9a-f]{64}$/);
  assert.deepEqual([mo.message, mo.data.content, mo.data.source], [undefined, undefined, undefined]);
  assert(dlr.kind === 'dlr' && dlr.data.omitted?.digest.length === 64 && dlr.data.status === 'received');
  assert(whole.kind === 'mo' && whole.data.omitted === undefined);
});

test('every golden message is read as in Rust, and kept', () => {
  let read = 0;
  for (const [place, { message, view }] of lines(GOLDEN)) {
    const delivery = parse(mo(message));
    assert(delivery.kind === 'mo' && view, place);
    assert.equal(delivery.message === undefined, 'malformed' in view.kind, place);
    assert.deepEqual(delivery.data.content, message, place);
    assert.equal(isMessage(message), delivery.message !== undefined, place);
    read += 1;
  }
  assert(read > 90);
});

test('recorded messages are read, if there are any', { skip: !existsSync(SAMPLES) }, () => {
  for (const [place, { message }] of lines(SAMPLES)) {
    const delivery = parse(mo(message));
    assert(delivery.kind === 'mo' && delivery.message, place);
    assert.deepEqual(delivery.message, message, place);
  }
});

test('unknown keys and types are kept', () => {
  const message = { type: 'poll', poll: { options: [1] }, text: { body: 'x' }, new: null };
  const delivery = parse(mo(message));
  assert(delivery.kind === 'mo');
  assert.deepEqual(delivery.message, message);
  assert(!isKnown(delivery.message) && !is(delivery.message, 'text'));
});

test('guards look at the shape, not only at the type', () => {
  assert(is({ type: 'text', text: { body: 'x' } }, 'text'));
  assert(!is({ type: 'text', text: { body: 'x' } }, 'image'));
  for (const other of [{ type: 'text', text: {} }, { type: 'text' }, null, 7, 'text', [], undefined]) {
    assert(!isKnown(other) && !is(other, 'text'));
  }
});

test('any text is a delivery', () => {
  const reason = (text: string) => {
    const delivery = parse(text);
    return delivery.kind === 'unreadable' ? delivery.reason : delivery.kind;
  };
  assert.equal(reason(''), 'not JSON');
  assert.equal(reason('['.repeat(1_000_000)), 'not JSON');
  for (const text of ['null', '7', '[]', '{}', '{"type":"wab.mo.v1"}', '{"Type":"Notification","Message":"{}"}']) {
    assert.equal(reason(text), 'not an event', text);
  }
  assert.equal(reason(mo({}).replace('wab.mo.v1', 'wab.mo.v2')), 'unknown contract');
  assert.equal(reason(JSON.stringify({ Type: 'Notification', Message: mo({}) })), 'mo');
  assert.equal(reason(mo(JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`))), 'mo');
});
